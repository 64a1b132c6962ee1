/* Functions of matrices whose coefficients are found element by element.
 *
 * BLAS is faster at an operation, but whole matrix products take several times as many as
 * the factorisation of order 0 does.
 */
#include <stdlib.h>
#include <string.h>

#include "dualdiff.h"
#include "types.h"

enum {
    PANEL = 8,         /* columns that are finished together */
    VECTOR = 8,        /* elements that a machine may treat at once */
    TOGETHER = 8,      /* terms of order 1 that share the work on the value */
    PARALLEL = 4000000 /* operations from which threads share the work */
};

#define PAIRS     \
    if (A->D > 1) \
        for (int64_t q = A->start[k]; q < A->start[k + 1]; q++)

#define T float
#define SUFFIX f32
#include "matrix.template.h"

#define T double
#define SUFFIX f64
#include "matrix.template.h"

typedef struct {
    const dd_table *A;
    int type;
    ptrdiff_t n, batch;
    const char *l;
    char *t;
} factorisation;

/* Pieces first .. last - 1 of the work.  At order 1 terms do not depend on each other: there
 * are as many pieces as terms, those of one matrix side by side; else a matrix is a piece. */
static int range(void *arg, ptrdiff_t first, ptrdiff_t last) {
    const factorisation *job = arg;
    ptrdiff_t size = job->type == DD_F64 ? sizeof(double) : sizeof(float);
    ptrdiff_t n = job->n, one = n * n, ts = job->batch * one;
    ptrdiff_t most = job->A->D > 1 ? job->A->M : TOGETHER + 1, pieces = job->A->M - 1;
    void *w = malloc(most * PANEL * n * size);
    if (!w) return DD_NOMEM;
    for (ptrdiff_t q = first; q < last;) {
        dd_table A = *job->A;
        ptrdiff_t matrix = q, term = 0, count = 1;
        if (A.D == 1) {
            matrix = q / pieces, term = q % pieces, count = pieces - term;
            if (count > last - q) count = last - q;
            if (count > TOGETHER) count = TOGETHER;
            A.M = count + 1;
        }
        const char *l = job->l + matrix * one * size;
        char *t = job->t + (term * ts + matrix * one) * size;
        if (job->type == DD_F64) cholesky_f64(&A, n, (const double *)l, (double *)t, ts, w);
        else cholesky_f32(&A, n, (const float *)l, (float *)t, ts, w);
        q += count;
    }
    free(w);
    return DD_OK;
}

int dd_cholesky(const dd_table *A, int type, ptrdiff_t batch, ptrdiff_t n, const void *l, void *t) {
    factorisation job = {A, type, n, batch, l, t};
    ptrdiff_t pieces = A->D == 1 ? A->M - 1 : 1;
    return n && pieces ? dd_parallel(range, &job, batch * pieces, PARALLEL / (n * n * n) + 1)
                       : DD_OK;
}
