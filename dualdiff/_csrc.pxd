"""The C library in csrc/, declared for Cython."""

from libc.stdint cimport int32_t, int64_t, uint64_t

cdef extern from "dualdiff.h" nogil:
    ctypedef struct dd_table:
        int32_t nf, D
        int32_t *n
        int32_t *order
        int64_t M
        int32_t *deg
        int64_t *head
        int32_t *part
        int64_t *start
        int32_t *pi
        int32_t *pj

    enum:
        DD_OK
        DD_NOMEM
        DD_TOOBIG

    int dd_table_new(dd_table **table, int32_t nf, const int32_t *n, const int32_t *order,
                     int32_t nb, const int64_t *mask, const int32_t *bound)
    void dd_table_free(dd_table *table)
    int64_t dd_count(int64_t n, int64_t d)
    int64_t dd_rank(int64_t n, int32_t d, const int32_t *s)

    ctypedef struct dd_num:
        void *v
        void *t
        ptrdiff_t s
        const void *f

    ctypedef int (*dd_kernel)(const dd_table *A, ptrdiff_t n, const dd_num *c, const dd_num *a,
                              const dd_num *b, double p, void *w, int checked) noexcept

    enum:
        DD_NONE
        DD_COS
        DD_SIN
        DD_COSH
        DD_SINH
        DD_EXP
        DD_DECAY

    enum:
        DD_add
        DD_sub
        DD_pos
        DD_neg
        DD_mul
        DD_div
        DD_power
        DD_sqrt
        DD_exp
        DD_log
        DD_expm1
        DD_log1p
        DD_sin
        DD_cos
        DD_tan
        DD_sinh
        DD_cosh
        DD_tanh
        DD_abs
        DD_pick
        DD_maximum
        DD_minimum
        DD_choose
        DD_chain
        DD_NKERNELS

    enum:
        DD_F32
        DD_F64
        DD_LD

    ctypedef struct dd_kernel_info:
        const char *name
        int nin
        int aux
        int work
        dd_kernel *run

    const dd_kernel_info dd_kernels[]
    const dd_kernel dd_valued[][3]
    ptrdiff_t dd_work_rows(const dd_table *A, int kernel)

    enum:
        DD_MAXDIMS

    ctypedef struct dd_array:
        char *v
        char *t
        ptrdiff_t ts
        ptrdiff_t rows
        const int32_t *map
        int flat
        int single
        int even, strided, axis
        ptrdiff_t cut
        ptrdiff_t *vs
        ptrdiff_t *es

    ctypedef void (*dd_loop)(char **args, const ptrdiff_t *n, const ptrdiff_t *steps,
                             void *data) noexcept

    ctypedef struct dd_fn:
        dd_loop run
        void *data

    ctypedef struct dd_step:
        const dd_table *A
        int kernel
        dd_array c, a, b
        int from_a, from_b
        double p
        dd_fn value, aux
        int exact
        const void *exponent
        char *mask
        int flags

    ctypedef struct dd_total:
        const dd_fn *add
        char *sums
        double *g
        ptrdiff_t n
        const ptrdiff_t *starts
        ptrdiff_t step, length

    ctypedef struct dd_rows:
        int type, parts, wide, nd
        ptrdiff_t *shape
        ptrdiff_t size, count
        const char **lanes
        const ptrdiff_t *steps
        void *data
        void *indices
        void *ends
        ptrdiff_t used

    ctypedef struct dd_job:
        int type, nd
        ptrdiff_t *shape
        ptrdiff_t size
        dd_step *steps
        int count
        const dd_total *total
        dd_rows *entries

    int dd_apply(dd_job *job)

    int dd_sum(int type, const dd_fn *add, ptrdiff_t rows, ptrdiff_t n, const void *data,
               ptrdiff_t row, ptrdiff_t step, void *out)

    int dd_apply_sum(dd_job *job)

    int dd_compress(dd_rows *r, const void *terms, ptrdiff_t row)
    int dd_apply_rows(dd_job *job)

    ctypedef struct dd_runs:
        const double *t
        ptrdiff_t start, runs, step, length

    int dd_scatter(double *g, ptrdiff_t n, const dd_runs *rows, int count, int fresh)
    void dd_add_scaled(double *t, ptrdiff_t n, double g, const double *row, int step, int fresh)

    int dd_cholesky(const dd_table *A, int type, ptrdiff_t batch, ptrdiff_t n, const void *l,
                    void *t)
    int dd_fingerprint(const void *data, size_t bytes, size_t row, uint64_t *out)

    cdef enum:
        DD_PRODUCT_COLUMNS

    int dd_fingerprint_product(const double *a, ptrdiff_t rows, ptrdiff_t columns,
                               const double *g, int left, double *product, uint64_t *out)
    int dd_set_threads(int n)

    cdef enum:
        DD_NEVER
        DD_AUTO
        DD_ALWAYS

    int dd_set_machine_code(int jobs)
    void dd_copy(void *to, const void *source, size_t bytes) nogil
