/* What plan.c, which decides how a job is done, and apply.c, which does it, both know. */
#ifndef DD_PLAN_H
#define DD_PLAN_H

#include "dualdiff.h"
#include "types.h"

static const ptrdiff_t item_size[DD_NTYPES] = {sizeof(float), sizeof(double), sizeof(long double)};

/* Whether an operand's rows that are gathered are the same for all blocks. */
DD_INLINE int is_fixed(const dd_array *x) { return x->single || x->even; }

/* Whether values are read where they are. */
DD_INLINE int is_in_line(const dd_array *x) { return x->flat || (x->even && !x->strided); }

DD_INLINE ptrdiff_t gathered_rows(const dd_array *x, int from) {
    return from || !x->v || x->flat ? 0 : x->even ? x->rows : x->t ? x->rows + 1 : 1;
}

/* Rows of an operand that are gathered anew for each block. */
DD_INLINE ptrdiff_t block_rows(const dd_array *x, int from) {
    if (x->even && x->strided && !from) return 1; /* values */
    return is_fixed(x) ? 0 : gathered_rows(x, from);
}

DD_INLINE int is_linear(int kernel) {
    return kernel == DD_add || kernel == DD_sub || kernel == DD_pos || kernel == DD_neg;
}

/* Whether an operand's rows are put in the places of the result's first. */
DD_INLINE int is_expanded(const dd_step *q, const dd_array *x) {
    return x->map && q->A->D > 1 && !is_linear(q->kernel);
}

DD_INLINE ptrdiff_t expanded_rows(const dd_step *q, const dd_array *x) {
    return is_expanded(q, x) ? q->A->M - 1 : 0;
}

DD_INLINE int is_last(const dd_job *job, const dd_step *q) {
    return q == job->steps + job->count - 1;
}

/* Whether a result goes to those who take pieces of rows: it is summed, say. */
DD_INLINE int is_taken(const dd_job *job, const dd_step *q) {
    return (job->total || job->entries) && is_last(job, q);
}

/* Whether more than later steps read a result. */
DD_INLINE int is_kept(const dd_job *job, const dd_step *q) {
    return q->c.v || q->c.t || is_taken(job, q);
}

/* Rows of a block that a result takes. */
DD_INLINE ptrdiff_t own_rows(const dd_job *job, const dd_step *q) {
    if (is_kept(job, q)) return !q->c.v && q->c.t && q->read;
    return (q->same || q->steady ? 0 : q->A->M - 1) + q->read;
}

/* Whether an operand is one constant for all elements that the kernel takes as it is. */
DD_INLINE int is_scalar(const dd_step *q, const dd_array *x) {
    return x->single && !x->t && !x->map &&
           (is_linear(q->kernel) || q->kernel == DD_mul || q->kernel == DD_div);
}

#endif
