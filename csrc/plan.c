/* Decides how the steps of a job are done: what each has to compute, and in which rows.
 *
 * Rows of a block cost more than arithmetic on them: so terms that are those of an operand, or a
 * constant times them, are not written, terms that are the same in every block are written once,
 * and values that nobody reads are not computed.
 */
#include <math.h>

#include "dualdiff.h"
#include "fuse.h"
#include "plan.h"

/* Until which turn a step reads its operands: machine code computes the terms of loops' functions
 * after all loops of the stage. */
static int reads_until(const dd_job *job, const dd_step *q) {
    int turn = q->turn;
    while (q->kind == DD_LOOP && turn + 1 < job->count) {
        const dd_step *next = job->steps + job->steps[turn + 1].who;
        if (next->stage != q->stage || next->kind == DD_CODE) break;
        turn++;
    }
    return turn;
}

/* The last turn in which the result of step s is read. */
static int last_use(const dd_job *job, int s) {
    int last = job->steps[s].turn;
    for (int t = s + 1; t < job->count; t++) {
        const dd_step *q = job->steps + t;
        if (q->from_a != s + 1 && q->from_b != s + 1) continue;
        int until = reads_until(job, q);
        if (q->same && (q->same == 1 ? q->from_a : q->from_b) == s + 1) {
            int later = last_use(job, t);
            if (later > until) until = later;
        }
        if (until > last) last = until;
    }
    return last;
}

/* Terms ------------------------------------------------------------------------------------ */

static int has_terms(const dd_job *job, const dd_step *q, int which) {
    int from = which == 1 ? q->from_a : q->from_b;
    return from ? job->steps[from - 1].A->M > 1 : (which == 1 ? q->a.t : q->b.t) != NULL;
}

/* The only operand of a step that has terms, if a result that later steps alone read may use their
 * rows; or 0. */
static int only_terms(const dd_job *job, const dd_step *q) {
    int a = q->from_a || q->a.t, b = q->from_b || q->b.t;
    if (is_kept(job, q) || q->a.map || q->b.map || a == b) return 0;
    const dd_array *x = a ? &q->a : &q->b;
    return (a ? q->from_a : q->from_b) || x->flat || x->even ? (a ? 1 : 2) : 0;
}

/* Which operand has the terms of the result: a constant is added to it or subtracted. */
static int same_terms(const dd_job *job, const dd_step *q) {
    int which = only_terms(job, q);
    int as_is = q->kernel == DD_add || q->kernel == DD_pos || (q->kernel == DD_sub && which == 1);
    return as_is ? which : 0;
}

/* A constant that all elements of an operand are, as a double; 0 if there is none. */
static double constant(const dd_job *job, const dd_array *x) {
    if (!x->v || !x->single) return 0;
    if (job->type == DD_F32) return *(const float *)x->v;
    return job->type == DD_F64 ? *(const double *)x->v : (double)*(const long double *)x->v;
}

/* What the terms of a result that are those of an operand have to be multiplied by yet. */
static const void *factor_of(const dd_job *job, const dd_step *q) {
    while (q->same && !q->factor) {
        int from = q->same == 1 ? q->from_a : q->from_b;
        if (!from) return NULL;
        q = job->steps + from - 1;
    }
    return q->factor;
}

/* Whether all that read the terms of step s multiply them. */
static int readers_scale(const dd_job *job, int s) {
    for (int t = s + 1; t < job->count; t++) {
        const dd_step *q = job->steps + t;
        if ((q->from_a != s + 1 && q->from_b != s + 1) || q->A->M == 1) continue;
        if (q->A->D > 1 || !(dd_kernels[q->kernel].terms & DD_SCALES)) return 0;
        if (same_terms(job, q) && !readers_scale(job, t)) return 0;
    }
    return 1;
}

/* Which operand has the terms of the result but for a constant that it is multiplied by, those
 * who read them multiplying: *factor. */
static int scaled_terms(const dd_job *job, int s, const void **factor) {
    const dd_step *q = job->steps + s;
    int which = only_terms(job, q);
    if (q->kernel != DD_mul || !which || q->A->M == 1 || q->A->D > 1) return 0;
    const dd_array *x = which == 1 ? &q->b : &q->a;
    int from = which == 1 ? q->from_a : q->from_b;
    double c = constant(job, x);
    if (!is_scalar(q, x) || c == 0 || c - c != 0 || !readers_scale(job, s)) return 0;
    if (from && factor_of(job, job->steps + from - 1)) return 0; /* one rounding each */
    *factor = x->v;
    return which;
}

/* Whether the terms of an operand, if any, are those of every block. */
static int is_steady(const dd_job *job, const dd_array *x, int from) {
    const dd_step *q = job->steps + from - 1;
    return from ? q->steady || q->A->M == 1 : !x->t || is_fixed(x);
}

/* Whether the terms of a result are the same for all blocks: those of its operands are, and
 * it is linear in them. */
static int steady_terms(const dd_job *job, const dd_step *q) {
    int two = q->from_b || q->b.v != NULL;
    if (is_kept(job, q) || q->same || q->A->M == 1 || q->a.map || q->b.map) return 0;
    if (!is_steady(job, &q->a, q->from_a) || (two && !is_steady(job, &q->b, q->from_b))) return 0;
    if (q->kernel == DD_mul && !q->from_a && is_scalar(q, &q->a)) return 1;
    if (q->kernel == DD_mul || q->kernel == DD_div) return !q->from_b && is_scalar(q, &q->b);
    return is_linear(q->kernel);
}

/* Values ----------------------------------------------------------------------------------- */

/* What may be added to any number without an overflow, if that is finite. */
static const double small[DD_NTYPES] = {0x1p100, 0x1p900, 0x1p900};

static double bound(const dd_job *job, const dd_array *x, int from) {
    if (from) return job->steps[from - 1].most;
    double c = constant(job, x);
    return x->single && c - c == 0 ? fabs(c) : INFINITY;
}

/* Finds a bound on the values of a step; returns whether they raise no floating-point exception
 * that NumPy warns of, whatever the elements of arrays are. */
static int is_quiet(const dd_job *job, dd_step *q) {
    double a = bound(job, &q->a, q->from_a), b = bound(job, &q->b, q->from_b);
    double most = small[job->type];
    q->most = INFINITY;
    if (q->kernel == DD_tanh) return q->most = 1, 1;
    if (!q->exact) return 0;
    if (q->kernel == DD_pos || q->kernel == DD_neg) return q->most = a, 1;
    if (q->kernel == DD_add || q->kernel == DD_sub) return q->most = a + b, a < most || b < most;
    if (q->kernel == DD_mul && a * b < most) return q->most = a * b, 1;
    return 0;
}

/* Whether the terms of a step are computed of an operand's values. */
static int terms_read(const dd_job *job, const dd_step *q, int which) {
    if (q->A->M == 1) return 0;
    if (q->A->D > 1) return 1;
    if (q->kernel == DD_mul) return has_terms(job, q, 3 - which);
    return (dd_kernels[q->kernel].terms & DD_OPERANDS) != 0;
}

/* Whether they are of the result's. */
static int terms_read_own(const dd_step *q) {
    if (q->A->M == 1) return 0;
    if (q->A->D > 1) return 1;
    return (dd_kernels[q->kernel].terms & DD_RESULT) != 0;
}

/* Finds out which values are read: by terms, by other values, by those who get the result, or by
 * NumPy's warnings. */
static void find_read(dd_job *job) {
    for (int s = 0; s < job->count; s++) {
        dd_step *q = job->steps + s;
        q->read = q->c.v || (job->total && is_last(job, q)) || terms_read_own(q);
        q->read |= !is_quiet(job, q);
    }
    for (int s = job->count - 1; s >= 0; s--) {
        const dd_step *q = job->steps + s;
        if (q->from_a) job->steps[q->from_a - 1].read |= q->read || terms_read(job, q, 1);
        if (q->from_b) job->steps[q->from_b - 1].read |= q->read || terms_read(job, q, 2);
    }
}

/* Rows ------------------------------------------------------------------------------------- */

/* Whether two operands have the same terms, each row one element all along. */
static int same_even(const dd_array *x, const dd_array *y, int from_y) {
    return !from_y && x != y && y->even && y->t == x->t && y->ts == x->ts && y->rows == x->rows;
}

/* Gives operand a or b of a step its rows that stay from block to block, if it has such: those
 * of an earlier one with the same terms, or new ones, whose number is returned. */
static ptrdiff_t fix(dd_job *job, dd_step *q, int which, ptrdiff_t rows, ptrdiff_t next) {
    const dd_array *x = which == 1 ? &q->a : &q->b;
    int64_t *row = which == 1 ? &q->row_a : &q->row_b;
    if (!is_fixed(x) || !rows || is_scalar(q, x)) return 0;
    *row = next;
    for (dd_step *r = job->steps; x->even && r <= q; r++) {
        if (same_even(x, &r->a, r->from_a)) return *row = r->row_a, 0;
        if (r != q && same_even(x, &r->b, r->from_b)) return *row = r->row_b, 0;
    }
    return rows;
}

/* Gives each result that is not kept the first rows of a block that are free as long as
 * it is read. */
static void place_results(dd_job *job) {
    for (int at = 0; at < job->count; at++) {
        dd_step *q = job->steps + job->steps[at].who;
        ptrdiff_t need = own_rows(job, q);
        q->row = need ? job->fixed : 0;
        for (int before = 0; need && before < at; before++) {
            const dd_step *r = job->steps + job->steps[before].who;
            ptrdiff_t taken = own_rows(job, r);
            int apart = r->row >= q->row + need || r->row + taken <= q->row;
            if (!taken || apart || last_use(job, job->steps[before].who) < at) continue;
            q->row = r->row + taken;
            before = -1; /* look at all of them again */
        }
        if (q->row + need > job->rows) job->rows = q->row + need;
    }
}

void dd_place(dd_job *job) {
    ptrdiff_t fixed = 0;
    job->scratch = 0;
    for (int s = 0; s < job->count; s++) {
        dd_step *q = job->steps + s;
        q->flags = 0;
        ptrdiff_t rows_a = gathered_rows(&q->a, q->from_a);
        ptrdiff_t rows_b = gathered_rows(&q->b, q->from_b);
        q->factor = NULL;
        q->same = same_terms(job, q);
        q->steady = steady_terms(job, q);
        if (!q->same && !q->steady) q->same = scaled_terms(job, s, &q->factor);
        fixed += fix(job, q, 1, rows_a, fixed);
        fixed += fix(job, q, 2, rows_b, fixed);
        q->row_c = fixed;
        fixed += q->steady ? q->A->M - 1 : 0;
        ptrdiff_t scratch = dd_work_rows(q->A, q->kernel) + block_rows(&q->a, q->from_a) +
                            block_rows(&q->b, q->from_b) + expanded_rows(q, &q->a) +
                            expanded_rows(q, &q->b);
        if (scratch > job->scratch) job->scratch = scratch;
    }
    find_read(job);
    int fusible = dd_order(job);
    for (int s = 0; s < job->count; s++)
        if (job->steps[s].row_w) job->steps[s].row_w = fixed++;
    job->fixed = job->rows = fixed;
    place_results(job);
    job->fused = fusible ? dd_fuse(job) : NULL;
}

void dd_unplace(dd_job *job) { dd_unfuse(job->fused); }
