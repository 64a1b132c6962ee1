/* Runs one kernel over whole arrays, block by block.
 *
 * The result is cut into blocks of elements small enough that all rows of a
 * block stay in the first-level cache.  Operands that lie flat are read in place;
 * any other layout is gathered into rows first, so that kernels see one layout.
 */
#include <fenv.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "dualdiff.h"

static const ptrdiff_t item_size[DD_NTYPES] = {sizeof(float), sizeof(double), sizeof(long double)};

enum {
    CACHE = 24 * 1024,     /* bytes of rows that a block may fill */
    PARALLEL = 256 * 1024, /* bytes of a result from which threads share the work */
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

/* Copies n elements of a strided array, from flat index `first` on, to a row. */
static void gather(const dd_job *job, const char *src, const ptrdiff_t *strides, ptrdiff_t first,
                   ptrdiff_t n, char *dst) {
    ptrdiff_t size = item_size[job->type], at[DD_MAXDIMS], last = job->nd - 1;
    ptrdiff_t rest = first;
    for (ptrdiff_t q = last; q >= 0; q--) {
        at[q] = rest % job->shape[q];
        rest /= job->shape[q];
        src += at[q] * strides[q];
    }
    while (n > 0) {
        ptrdiff_t run = job->shape[last] - at[last], step = strides[last];
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
        for (ptrdiff_t q = last; q > 0 && at[q] == job->shape[q]; q--) {
            src += strides[q - 1] - at[q] * strides[q];
            at[q] = 0;
            at[q - 1]++;
        }
    }
}

/* Rows of operand x for the block [first, first + n): in place, or gathered into buf. */
static dd_num block(const dd_job *job, const dd_array *x, ptrdiff_t first, ptrdiff_t n,
                    ptrdiff_t width, char *buf, int fresh) {
    ptrdiff_t size = item_size[job->type];
    dd_num r;
    if (x->flat) {
        r.v = x->v + first * size;
        r.t = x->t ? x->t + first * size : NULL;
        r.s = x->ts / size;
        return r;
    }
    r.v = buf;
    r.t = x->t ? buf + width * size : NULL;
    r.s = width;
    if (x->single && !fresh) return r; /* the same element fills every block */
    gather(job, x->v, x->vs, first, n, buf);
    for (ptrdiff_t i = 1; x->t && i <= x->rows; i++)
        gather(job, x->t + (i - 1) * x->ts, x->es, first, n, buf + i * width * size);
    return r;
}

static ptrdiff_t rows_of(const dd_job *job, const dd_array *x) {
    (void)job;
    return !x->v || x->flat ? 0 : x->t ? x->rows + 1 : 1;
}

/* One seed to order 1. */
static int64_t single_head[] = {0, 1, 2};
static const dd_table single = {.nf = 1, .D = 1, .M = 2, .head = single_head};

static dd_num one_row(const dd_num *x, const dd_array *array, ptrdiff_t k, ptrdiff_t size) {
    ptrdiff_t at = array->map ? array->map[k] : k;
    dd_num r = {x->v, NULL, x->s};
    if (x->t && at) r.t = (char *)x->t + (at - 1) * x->s * size;
    return r;
}

/* Operands whose rows are not those of the result: row by row, an operand that lacks a
 * row being a constant there. */
static void run_mapped(const dd_job *job, ptrdiff_t n, const dd_num *c, const dd_num *a,
                       const dd_num *b, void *work) {
    ptrdiff_t size = item_size[job->type];
    for (ptrdiff_t k = 1; k < job->A->M; k++) {
        dd_num ck = {c->v, (char *)c->t + (k - 1) * c->s * size, c->s};
        dd_num ak = one_row(a, &job->a, k, size), bk = one_row(b, &job->b, k, size);
        if (!ak.t && !bk.t) memset(ck.t, 0, n * size);
        else dd_kernels[job->kernel].run[job->type](&single, n, &ck, &ak, &bk, job->p, work);
    }
}

/* Elements first .. last - 1 of the result. */
static int range(void *arg, ptrdiff_t first, ptrdiff_t last) {
    dd_job *job = arg;
    int flags = 0;
    const dd_kernel_info *kernel = dd_kernels + job->kernel;
    ptrdiff_t size = item_size[job->type], M = job->A->M;
    ptrdiff_t work = dd_work_rows(job->A, job->kernel);
    ptrdiff_t rows_a = rows_of(job, &job->a), rows_b = rows_of(job, &job->b);
    ptrdiff_t width = CACHE / (size * (2 * M + work + rows_a + rows_b));
    width = width < 64 ? 64 : width > 1024 ? 1024 : width & ~(ptrdiff_t)15;
    if (width > last - first) width = last - first;
    _Alignas(64) char local[4096];
    char *buf = local;
    size_t bytes = (work + rows_a + rows_b) * width * size;
    if (bytes > sizeof local && !(buf = malloc(bytes))) return DD_NOMEM;
    char *buf_a = buf + work * width * size, *buf_b = buf_a + rows_a * width * size;
    ptrdiff_t steps[3] = {size, size, size};
    for (ptrdiff_t at = first; at < last; at += width) {
        ptrdiff_t n = last - at < width ? last - at : width;
        int fresh = at == first;
        dd_num a = block(job, &job->a, at, n, width, buf_a, fresh), b = {0};
        dd_num c = block(job, &job->c, at, n, width, NULL, 0);
        if (job->b.v) b = block(job, &job->b, at, n, width, buf_b, fresh);
        if (job->value.run) {
            char *args[3] = {a.v, job->b.v ? b.v : c.v, c.v};
            clear_flags();
            job->value.run(args, &n, steps, job->value.data);
            flags |= raised_flags();
        }
        if (kernel->aux) {
            char *args[2] = {a.v, buf};
            job->aux.run(args, &n, steps, job->aux.data);
        }
        if (job->b.v && (job->a.map || job->b.map)) run_mapped(job, n, &c, &a, &b, buf);
        else kernel->run[job->type](job->A, n, &c, &a, job->b.v ? &b : NULL, job->p, buf);
    }
    clear_flags();
    if (buf != local) free(buf);
    if (flags) {
#if defined(__GNUC__)
        __atomic_fetch_or(&job->flags, flags, __ATOMIC_RELAXED);
#else
        job->flags |= flags; /* one thread only: see parallel.c */
#endif
    }
    return DD_OK;
}

int dd_apply(dd_job *job) {
    job->flags = 0;
    ptrdiff_t bytes = item_size[job->type] * (ptrdiff_t)job->A->M;
    if (job->size * bytes < PARALLEL) return range(job, 0, job->size);
    /* Pieces of a few blocks; a multiple of 64 elements keeps rows apart by cache lines. */
    ptrdiff_t grain = (PARALLEL / 4 / bytes) & ~(ptrdiff_t)63;
    return dd_parallel(range, job, job->size, grain < 1024 ? 1024 : grain);
}
