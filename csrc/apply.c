/* Runs kernels over whole arrays, block by block.
 *
 * The result is cut into blocks of elements small enough that all rows of a
 * block stay in the cache: of one step in the first-level cache, of several, whose
 * results need not go to memory, in the second.  Operands that lie flat are read in place;
 * any other layout is gathered into rows first, so that kernels see one layout.
 */
#include <fenv.h>
#include <math.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "dualdiff.h"
#include "fuse.h"
#include "plan.h"

enum {
    CACHE = 24 * 1024,  /* bytes of rows that a block may fill */
    CACHES = 56 * 1024, /* the same where several steps share it */
    PIECE = 256 * 1024, /* bytes of a result that a thread takes at a time */
    SHARED = 2400000,   /* see dd_is_shared: some 100 us, twice what it takes to wake a thread */
    FLAGS = FE_DIVBYZERO | FE_OVERFLOW | FE_INVALID
};

/* Floating-point exceptions, those of both units: a loop that raises one by calling
 * feraiseexcept may do it in the old one.  These instructions cost a tenth of the calls. */
static void clear_flags(void) {
#if defined(__SSE2__) && defined(__GNUC__)
    _mm_setcsr(_mm_getcsr() & ~(unsigned)FLAGS);
    __asm__ volatile("fnclex");
#else
    feclearexcept(FLAGS);
#endif
}

static int raised_flags(void) {
#if defined(__SSE2__) && defined(__GNUC__)
    unsigned short old;
    __asm__ volatile("fnstsw %0" : "=a"(old));
    return (int)(_mm_getcsr() | old) & FLAGS;
#else
    return fetestexcept(FLAGS);
#endif
}

/* Goes `by` elements on around an axis of n: returns how many lie between there and where one that
 * does not go around would be. */
static ptrdiff_t go_round(ptrdiff_t *at, ptrdiff_t by, ptrdiff_t n) {
    *at += by;
    if (*at < n) return 0;
    *at -= n;
    return n;
}

/* Copies n elements of an operand's values or of a row of its terms, from flat index `first` on, to
 * a row. */
static void gather(const dd_job *job, const dd_array *x, const char *src, const ptrdiff_t *strides,
                   ptrdiff_t first, ptrdiff_t n, char *dst) {
    ptrdiff_t size = item_size[job->type], at[DD_MAXDIMS], last = job->nd - 1;
    ptrdiff_t rest = first, axis = x->cut ? x->axis : -1, turned = 0; /* at[axis] in memory */
    for (ptrdiff_t q = last; q >= 0; q--) {
        at[q] = rest % job->shape[q];
        rest /= job->shape[q];
        if (q == axis) turned = (at[q] + x->cut) % job->shape[q];
        src += (q == axis ? turned : at[q]) * strides[q];
    }
    while (n > 0) {
        ptrdiff_t run = job->shape[last] - at[last], step = strides[last];
        if (axis == last && run > job->shape[last] - turned) run = job->shape[last] - turned;
        if (run > n) run = n;
        if (step == size) {
            memcpy(dst, src, run * size);
        } else if (job->type == DD_F64) {
            double *d = (double *)dst;
            for (ptrdiff_t e = 0; e < run; e++) d[e] = *(const double *)(src + e * step);
        } else if (job->type == DD_F32) {
            float *d = (float *)dst;
            for (ptrdiff_t e = 0; e < run; e++) d[e] = *(const float *)(src + e * step);
        } else {
            for (ptrdiff_t e = 0; e < run; e++) memcpy(dst + e * size, src + e * step, size);
        }
        dst += run * size;
        n -= run;
        src += run * step;
        at[last] += run;
        if (axis == last) src -= go_round(&turned, run, job->shape[last]) * step;
        for (ptrdiff_t q = last; q > 0 && at[q] == job->shape[q]; q--) {
            src += strides[q - 1] - (q == axis ? 0 : at[q] * strides[q]);
            at[q] = 0;
            at[q - 1]++;
            if (axis == q - 1) src -= go_round(&turned, 1, job->shape[axis]) * strides[axis];
        }
    }
}

/* Rows of operand x for the block [first, first + n): in place, or gathered into buf; values that
 * lie apart from terms of one element are not. */
static dd_num block(const dd_job *job, const dd_array *x, ptrdiff_t first, ptrdiff_t n,
                    ptrdiff_t width, char *buf, int fresh) {
    ptrdiff_t size = item_size[job->type];
    dd_num r = {0};
    if (x->flat) {
        r.v = x->v + first * size;
        r.t = x->t ? x->t + first * size : NULL;
        r.s = x->t ? x->ts / size : 1;
        return r;
    }
    r.v = x->even ? x->v + first * size : buf;
    r.t = x->even ? buf : x->t ? buf + width * size : NULL;
    r.s = width;
    if (is_fixed(x) && !fresh) return r; /* the same element fills every block */
    if (!x->even) gather(job, x, x->v, x->vs, first, n, buf);
    for (ptrdiff_t i = 0; x->t && i < x->rows; i++)
        gather(job, x, x->t + i * x->ts, x->es, first, n, (char *)r.t + i * width * size);
    return r;
}

static dd_num expand(const dd_job *job, const dd_step *q, const dd_array *x, dd_num r, ptrdiff_t n,
                     ptrdiff_t width, char *buf) {
    ptrdiff_t size = item_size[job->type];
    dd_num out = {r.v, buf, width, NULL};
    for (ptrdiff_t k = 1; k < q->A->M; k++) {
        char *to = buf + (k - 1) * width * size;
        if (x->map[k]) memcpy(to, (char *)r.t + (x->map[k] - 1) * r.s * size, n * size);
        else memset(to, 0, n * size);
    }
    return out;
}

/* One seed to order 1, and none. */
static int64_t single_head[] = {0, 1, 2};
static const dd_table single = {.nf = 1, .D = 1, .M = 2, .head = single_head};
static const dd_table no_seeds = {.M = 1, .head = single_head};

static dd_num one_row(const dd_num *x, const dd_array *array, ptrdiff_t k, ptrdiff_t size) {
    ptrdiff_t at = array->map ? array->map[k] : k;
    dd_num r = {x->v, NULL, 1, x->f};
    if (x->t && at) r.t = (char *)x->t + (at - 1) * x->s * size;
    return r;
}

/* Operands whose rows are not those of the result: row by row, an operand that lacks a
 * row being a constant there. */
static int run_mapped(const dd_job *job, const dd_step *q, ptrdiff_t n, const dd_num *c,
                      const dd_num *a, const dd_num *b, void *work, int checked) {
    ptrdiff_t size = item_size[job->type];
    int nan = 0;
    for (ptrdiff_t k = 1; k < q->A->M; k++) {
        dd_num ck = {c->v, (char *)c->t + (k - 1) * c->s * size, c->s, NULL};
        dd_num ak = one_row(a, &q->a, k, size), bk = one_row(b, &q->b, k, size);
        if (!ak.t && !bk.t) memset(ck.t, 0, n * size);
        else
            nan |= dd_kernels[q->kernel].run[job->type](&single, n, &ck, &ak, &bk, q->p, work,
                                                        checked);
    }
    return nan;
}

/* |a| times -2, for DD_DECAY. */
DD_CLONES static void twice_down(const dd_job *job, const void *a, void *out, ptrdiff_t n) {
    if (job->type == DD_F64)
        for (ptrdiff_t e = 0; e < n; e++) ((double *)out)[e] = -2 * fabs(((const double *)a)[e]);
    else if (job->type == DD_F32)
        for (ptrdiff_t e = 0; e < n; e++) ((float *)out)[e] = -2 * fabsf(((const float *)a)[e]);
    else
        for (ptrdiff_t e = 0; e < n; e++)
            ((long double *)out)[e] = -2 * fabsl(((const long double *)a)[e]);
}

/* Where a thread has the rows of a block. */
typedef struct {
    ptrdiff_t width;
    char *registers;         /* results that only later steps read */
    char *last;              /* NULL, or the last step's rows for elements `first` and following, */
    ptrdiff_t first, length; /* which are so far apart */
    ptrdiff_t origin;        /* the first element of the first block */
} memory;

static dd_num result(const dd_job *job, const dd_step *q, ptrdiff_t first, ptrdiff_t n,
                     const memory *m);

/* Operand a or b of a step: the result of an earlier one, or an array. */
static dd_num operand(const dd_job *job, const dd_step *q, int which, ptrdiff_t first, ptrdiff_t n,
                      const memory *m, char *buf, int fresh) {
    const dd_array *x = which == 1 ? &q->a : &q->b;
    int from = which == 1 ? q->from_a : q->from_b;
    if (from) return result(job, job->steps + from - 1, first, n, m);
    if (is_scalar(q, x)) return (dd_num){x->v, NULL, 0, NULL};
    if (!is_fixed(x)) return block(job, x, first, n, m->width, buf, fresh);
    ptrdiff_t row = which == 1 ? q->row_a : q->row_b;
    char *rows = m->registers + row * m->width * item_size[job->type];
    /* all of them: the first block may be shorter than those that follow */
    dd_num r = block(job, x, first, m->width, m->width, rows, fresh);
    if (x->strided && buf) gather(job, x, x->v, x->vs, first, n, r.v = buf);
    return r;
}

/* The result of a step for this block. */
static dd_num result(const dd_job *job, const dd_step *q, ptrdiff_t first, ptrdiff_t n,
                     const memory *m) {
    ptrdiff_t size = item_size[job->type];
    if (q->c.v || q->c.t) {
        dd_num r = block(job, &q->c, first, n, m->width, NULL, 0);
        if (!q->c.v) r.v = m->registers + q->row * m->width * size;
        return r;
    }
    if (m->last && is_last(job, q)) {
        char *v = m->last + (first - m->first) * size;
        return (dd_num){v, v + m->length * size, m->length, NULL};
    }
    char *v = m->registers + q->row * m->width * size;
    dd_num r = {v, v + q->read * m->width * size, m->width, NULL};
    if (q->same) {
        dd_num x = operand(job, q, q->same, first, n, m, NULL, 0);
        r.t = x.t, r.s = x.s, r.f = q->factor ? q->factor : x.f;
    }
    if (q->steady) r.t = m->registers + q->row_c * m->width * size;
    return r;
}

/* Between elements of an operand's values. */
static ptrdiff_t value_step(const dd_array *x, int from, ptrdiff_t size) {
    return x->single && !from ? 0 : size;
}

/* A step for one block: its rows, and what is to be done. */
typedef struct {
    dd_num c, a, b;
    char *work;
    const dd_table *A;
    dd_kernel run; /* NULL: nothing but values */
    int by_loop;   /* whether `value` computes the values */
    int two, mapped;
} call;

static int is_mapped(const dd_step *q) {
    return (q->a.map && !is_expanded(q, &q->a)) || (q->b.map && !is_expanded(q, &q->b));
}

/* done: the terms are there; careful: values by NumPy's loops, see run_values. */
static call prepare(const dd_job *job, const dd_step *q, ptrdiff_t at, ptrdiff_t n, const memory *m,
                    char *buf, int first, int done, int careful) {
    ptrdiff_t width = m->width, line = width * item_size[job->type];
    char *buf_a = buf + dd_work_rows(q->A, q->kernel) * line;
    char *buf_b = buf_a + (block_rows(&q->a, q->from_a) + expanded_rows(q, &q->a)) * line;
    call f = {.c = result(job, q, at, n, m), .work = q->mask ? q->mask + at : buf, .A = q->A};
    f.two = q->from_b || q->b.v != NULL;
    f.mapped = is_mapped(q);
    /* what is copied, gathered to its place */
    int placed = q->kernel == DD_pos && q->read && !q->from_a && q->a.strided;
    f.a = operand(job, q, 1, at, n, m, placed ? f.c.v : buf_a, first);
    if (is_expanded(q, &q->a))
        f.a = expand(job, q, &q->a, f.a, n, width, buf_a + block_rows(&q->a, q->from_a) * line);
    if (f.two) {
        f.b = operand(job, q, 2, at, n, m, buf_b, first);
        if (is_expanded(q, &q->b))
            f.b = expand(job, q, &q->b, f.b, n, width, buf_b + block_rows(&q->b, q->from_b) * line);
    }
    int exact = q->exact && q->read && !careful;
    f.by_loop = q->value.run && q->read && !exact;
    if (exact) f.run = dd_valued[q->kernel][job->type];
    else f.run = done ? NULL : dd_kernels[q->kernel].run[job->type];
    if (done) f.A = &no_seeds, f.mapped = 0;
    return f;
}

/* The values of a step by NumPy's loop.  careful: as alone, and *flags are those that it raised;
 * else those of all that ran since they were cleared, for the loop may clear them. */
static void run_values(const dd_job *job, const dd_step *q, ptrdiff_t n, const call *f, int careful,
                       int *flags) {
    ptrdiff_t size = item_size[job->type];
    ptrdiff_t steps[3] = {value_step(&q->a, q->from_a, size),
                          f->two ? value_step(&q->b, q->from_b, size) : size, size};
    char *args[3] = {f->a.v, f->two ? f->b.v : f->c.v, f->c.v};
    if (q->exponent) args[1] = (char *)q->exponent, steps[1] = 0;
    if (careful) clear_flags();
    else *flags |= raised_flags();
    q->value.run(args, &n, steps, q->value.data);
    if (careful) *flags |= raised_flags();
}

/* The auxiliary function of a step's operand, in the work row; decayed: what that of DD_DECAY is
 * computed of is there. */
static void run_aux(const dd_job *job, const dd_step *q, ptrdiff_t n, const call *f, int decayed) {
    ptrdiff_t steps[2] = {item_size[job->type], item_size[job->type]};
    char *args[2] = {f->a.v, f->work};
    if (dd_kernels[q->kernel].aux == DD_DECAY) {
        if (!decayed) twice_down(job, f->a.v, f->work, n);
        args[0] = f->work;
    }
    q->aux.run(args, &n, steps, q->aux.data);
}

/* Returns whether a NaN was found; checked: see dd_kernel. */
static int run_call(const dd_job *job, const dd_step *q, ptrdiff_t n, const call *f, int checked,
                    int careful, int *flags) {
    if (f->by_loop) run_values(job, q, n, f, careful, flags);
    if (!f->run) return 0;
    if (f->mapped) {
        if (q->exact && q->read && !careful)
            f->run(&no_seeds, n, &f->c, &f->a, &f->b, q->p, f->work, 0);
        return run_mapped(job, q, n, &f->c, &f->a, &f->b, f->work, checked);
    }
    if (dd_kernels[q->kernel].aux && f->A->M > 1) {
        if (!careful) *flags |= raised_flags();
        run_aux(job, q, n, f, 0);
    }
    return f->run(f->A, n, &f->c, &f->a, f->two ? &f->b : NULL, q->p, f->work, checked);
}

/* The same step for every block but the first: its rows as if the block began with the first
 * element of all, and how far they move from one element to the next. */
typedef struct {
    call f;
    int moves; /* whether the rest is valid: no rows are to be gathered or expanded */
    ptrdiff_t cv, ct, av, at, bv, bt, work;
} track;

static ptrdiff_t apart(const void *p, const void *q) { return (const char *)q - (const char *)p; }

static track follow(const dd_job *job, const dd_step *q, ptrdiff_t first, const memory *m,
                    char *buf) {
    int done = q->same || q->steady;
    track t = {.moves = !block_rows(&q->a, q->from_a) && !block_rows(&q->b, q->from_b) &&
                        !expanded_rows(q, &q->a) && !expanded_rows(q, &q->b)};
    if (!t.moves) return t;
    t.f = prepare(job, q, first, 1, m, buf, 0, done, 0);
    call next = prepare(job, q, first + 1, 1, m, buf, 0, done, 0);
    t.cv = apart(t.f.c.v, next.c.v), t.ct = apart(t.f.c.t, next.c.t);
    t.av = apart(t.f.a.v, next.a.v), t.at = apart(t.f.a.t, next.a.t);
    t.bv = apart(t.f.b.v, next.b.v), t.bt = apart(t.f.b.t, next.b.t);
    t.work = apart(t.f.work, next.work);
    return t;
}

static void move(dd_num *x, ptrdiff_t v, ptrdiff_t t, ptrdiff_t by) {
    x->v = (char *)x->v + v * by;
    if (t) x->t = (char *)x->t + t * by;
}

/* Whether a step has nothing to do after the first block. */
static int is_idle(const dd_step *q) { return !q->read && (q->same || q->steady || q->A->M == 1); }

/* A step for a block that is not the first: as its track says, or with rows gathered anew. */
static call next_call(const dd_job *job, const dd_step *q, ptrdiff_t at, ptrdiff_t n,
                      const memory *m, char *buf, const track *t) {
    if (!t->moves) return prepare(job, q, at, n, m, buf, 0, q->same || q->steady, 0);
    call f = t->f;
    move(&f.c, t->cv, t->ct, at - (m->last && is_last(job, q) ? m->first : m->origin));
    move(&f.a, t->av, t->at, at - m->origin);
    move(&f.b, t->bv, t->bt, at - m->origin);
    f.work += t->work * (at - m->origin);
    return f;
}

/* Where the rows of a stage's code end, or constants are. */
static char *end_of(const dd_job *job, const dd_slot *x, ptrdiff_t at, ptrdiff_t n,
                    const memory *m) {
    ptrdiff_t size = item_size[job->type];
    switch (x->place) {
    case DD_CONSTANT:
        return (char *)x->base;
    case DD_STEADY:
        return m->registers + x->row * m->width * size;
    case DD_ARRAY:
        return (char *)x->base + (at + n) * size;
    case DD_NEXT:
        return (char *)x->base + (at + n + m->width) * size;
    case DD_LAST:
        return m->last + (at - m->first + n + x->row * m->length) * size;
    default:
        return m->registers + (x->row * m->width + n) * size;
    }
}

/* All steps of a fused job for one block; returns whether a NaN was found. */
static int run_stages(const dd_job *job, ptrdiff_t at, ptrdiff_t n, const memory *m, char *buf,
                      const track *tracks, int *raised) {
    int nan = 0, turn = 0;
    for (int i = 0; i < job->fused->count; i++) {
        const dd_stage *stage = job->fused->stages + i;
        for (; turn < job->count; turn++) {
            int s = job->steps[turn].who;
            const dd_step *q = job->steps + s;
            if (q->stage != i) break;
            if (q->kind == DD_CODE || is_idle(q)) continue;
            call f = next_call(job, q, at, n, m, buf, tracks + s);
            if (q->kind == DD_PLAIN) {
                nan |= run_call(job, q, n, &f, is_kept(job, q), 0, raised);
                continue;
            }
            if (f.by_loop) run_values(job, q, n, &f, 0, raised);
            if (!dd_has_work_row(q)) continue;
            f.work = m->registers + q->row_w * m->width * item_size[job->type];
            *raised |= raised_flags();
            run_aux(job, q, n, &f, q->decayed);
        }
        if (!stage->code) continue;
        char *rows[DD_SLOTS];
        for (int k = 0; k < stage->count; k++) rows[k] = end_of(job, stage->slots + k, at, n, m);
        nan |= stage->code(rows, n * item_size[job->type]);
    }
    return nan;
}

/* What a thread keeps from block to block, and from range to range. */
enum { LOCAL_STEPS = 16, LOCAL_BYTES = 4096 };

struct dd_runner {
    dd_job *job;
    memory m;
    char *owned, *buf;
    int *flags, many, ready; /* ready: whether the first block of all is done, so that tracks are */
    track *tracks;
    int local_flags[LOCAL_STEPS];
    track local_tracks[LOCAL_STEPS];
    char local[LOCAL_BYTES + DD_LINE];
};

/* All steps for one block.  Floating-point exceptions are looked for once: where there are any,
 * every step is done again, to tell which values raised them.  NaN stays NaN in sums and
 * products, and values alone say which operand is picked, so that it is enough to look for it
 * in the results that are kept; where there is one, every step is done again with care. */
static void run_block(dd_runner *r, ptrdiff_t at, ptrdiff_t n) {
    const dd_job *job = r->job;
    const memory *m = &r->m;
    char *buf = r->buf;
    int nan = 0, raised = 0, first = !r->ready;
    int fused = job->fused && !first && n % job->fused->lanes == 0;
    clear_flags();
    if (fused) nan = run_stages(job, at, n, m, buf, r->tracks, &raised);
    for (int turn = 0; turn < job->count && !fused; turn++) {
        int s = job->steps[turn].who;
        const dd_step *q = job->steps + s;
        if (!first && is_idle(q)) continue;
        call f = first ? prepare(job, q, at, n, m, buf, 1, q->same, 0)
                       : next_call(job, q, at, n, m, buf, r->tracks + s);
        nan |= run_call(job, q, n, &f, is_kept(job, q), 0, &raised);
    }
    raised |= raised_flags();
    int checked = nan && job->count > 1;
    for (int turn = 0; turn < job->count && (raised || checked); turn++) {
        int s = job->steps[turn].who;
        const dd_step *q = job->steps + s;
        int done = q->same || (q->steady && !first && !checked);
        call f = prepare(job, q, at, n, m, buf, first, done, raised);
        run_call(job, q, n, &f, checked || is_kept(job, q), raised, r->flags + s);
    }
}

/* Terms that are the same for all blocks, from the first, which may be shorter. */
static void spread_steady(const dd_job *job, ptrdiff_t n, const memory *m) {
    ptrdiff_t size = item_size[job->type], line = m->width * size;
    for (int s = 0; s < job->count; s++) {
        const dd_step *q = job->steps + s;
        for (ptrdiff_t k = 0; q->steady && k < q->A->M - 1; k++) {
            char *row = m->registers + (q->row_c + k) * line;
            for (ptrdiff_t e = n; e < m->width; e++) memcpy(row + e * size, row, size);
        }
    }
}

/* Fetches elements of an operand in memory, or of a result: the processor, which sees short runs
 * far apart, does not foresee them. */
static void fetch(const dd_job *job, const dd_array *x, ptrdiff_t first, ptrdiff_t n) {
#if defined(__GNUC__)
    ptrdiff_t size = item_size[job->type];
    for (ptrdiff_t i = -1; i < (x->t && !x->even ? x->rows : 0); i++) {
        const char *row = i < 0 ? x->v : x->t + i * x->ts;
        for (ptrdiff_t at = 0; row && at < n * size; at += DD_LINE)
            __builtin_prefetch(row + first * size + at, 0, 2);
    }
#else
    (void)job, (void)x, (void)first, (void)n;
#endif
}

static void fetch_block(const dd_job *job, ptrdiff_t first, ptrdiff_t n) {
    for (int s = 0; s < job->count; s++) {
        const dd_step *q = job->steps + s;
        if (!q->from_a && is_in_line(&q->a)) fetch(job, &q->a, first, n);
        if (!q->from_b && is_in_line(&q->b)) fetch(job, &q->b, first, n);
        if (q->c.flat) fetch(job, &q->c, first, n);
    }
}

static void stop(dd_runner *r) {
    clear_flags();
    for (int s = 0; s < r->job->count && r->flags; s++) {
        if (!r->flags[s]) continue;
#if defined(__GNUC__)
        __atomic_fetch_or(&r->job->steps[s].flags, r->flags[s], __ATOMIC_RELAXED);
#else
        r->job->steps[s].flags |= r->flags[s]; /* one thread only: see parallel.c */
#endif
    }
    free(r->owned);
    if (r->many) free(r->flags), free(r->tracks);
}

/* n: the elements of the first range. */
static int start(dd_runner *r, dd_job *job, ptrdiff_t n, char *rows_of_last, ptrdiff_t length) {
    ptrdiff_t size = item_size[job->type], rows = job->scratch + job->rows, written = 0;
    for (int s = 0; s < job->count; s++)
        written += is_kept(job, job->steps + s) ? 2 * job->steps[s].A->M : 0;
    ptrdiff_t used = (job->fused ? job->fused->rows : rows) + written;
    ptrdiff_t width = (job->count > 1 ? CACHES : CACHE) / (size * (used ? used : 1));
    width = width < 64 ? 64 : width > 1024 ? 1024 : width & ~(ptrdiff_t)63;
    width += DD_LINE / size; /* not a power of two, which rows would share */
    if (width > n) width = n;
    size_t bytes = rows * width * size;
    r->job = job;
    r->owned = NULL, r->buf = DD_ALIGNED(r->local);
    r->flags = r->local_flags, r->tracks = r->local_tracks;
    r->many = job->count > LOCAL_STEPS, r->ready = 0;
    memset(r->local_flags, 0, sizeof r->local_flags);
    if (bytes > LOCAL_BYTES) r->owned = malloc(bytes + DD_LINE), r->buf = DD_ALIGNED(r->owned);
    if (r->many) r->flags = calloc(job->count, sizeof *r->flags);
    if (r->many) r->tracks = malloc(job->count * sizeof *r->tracks);
    r->m = (memory){width, r->buf + job->scratch * width * size, rows_of_last, 0, length, 0};
    if ((r->owned || bytes <= LOCAL_BYTES) && r->flags && r->tracks) return DD_OK;
    stop(r);
    return DD_NOMEM;
}

static void run(dd_runner *r, ptrdiff_t first, ptrdiff_t last) {
    const dd_job *job = r->job;
    ptrdiff_t width = r->m.width, n;
    r->m.first = first;
    if (!r->ready) r->m.origin = first;
    for (ptrdiff_t at = first; at < last; at += n) {
        int fused = job->fused && width > job->fused->lanes;
        n = !r->ready && fused ? job->fused->lanes : width;
        if (n > last - at) n = last - at;
        if (job->count > 1 && (!r->ready || !fused || !job->fused->fetches))
            fetch_block(job, at + n, last - at - n < width ? last - at - n : width);
        run_block(r, at, n);
        if (r->ready) continue;
        r->ready = 1;
        if (n < width) spread_steady(job, n, &r->m);
        for (int s = 0; s < job->count && first + n < job->size; s++)
            r->tracks[s] = follow(job, job->steps + s, first, &r->m, r->buf);
    }
}

static int range(void *job, ptrdiff_t first, ptrdiff_t last) {
    dd_runner r;
    if (start(&r, job, last - first, NULL, 0)) return DD_NOMEM;
    run(&r, first, last);
    stop(&r);
    return DD_OK;
}

dd_runner *dd_start(dd_job *job, ptrdiff_t n, char *rows_of_last, ptrdiff_t length) {
    dd_runner *r = malloc(sizeof *r);
    if (r && !start(r, job, n, rows_of_last, length)) return r;
    free(r);
    return NULL;
}

void dd_run(dd_runner *r, ptrdiff_t first, ptrdiff_t last) { run(r, first, last); }

void dd_stop(dd_runner *r) {
    if (r) stop(r);
    free(r);
}

int dd_is_shared(const dd_job *job) {
    ptrdiff_t each = 0, row = job->fused       ? 1
                              : job->count > 1 ? 3
                                               : 9; /* registers, cache, memory */
    for (int s = 0; s < job->count; s++) {
        const dd_step *q = job->steps + s;
        each += row * q->A->M;
        each += q->value.run && !q->exact ? 18 : 0;
        each += q->aux.run && q->A->M > 1 ? 18 : 0;
    }
    return job->size >= SHARED / each;
}

int dd_apply(dd_job *job) {
    ptrdiff_t widest = 0;
    for (int s = 0; s < job->count; s++)
        if (job->steps[s].A->M > widest) widest = job->steps[s].A->M;
    dd_place(job);
    ptrdiff_t bytes = item_size[job->type] * widest;
    /* Pieces of a few blocks; a multiple of 64 elements keeps rows apart by cache lines. */
    ptrdiff_t grain = (PIECE / (job->count > 1 ? 1 : 4) / bytes) & ~(ptrdiff_t)63;
    int status = dd_is_shared(job) ? dd_parallel(range, job, job->size, grain < 1024 ? 1024 : grain)
                                   : range(job, 0, job->size);
    dd_unplace(job);
    return status;
}
