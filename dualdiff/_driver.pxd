from numpy cimport ndarray

from dualdiff._csrc cimport dd_array, dd_job, dd_rows, dd_runs, dd_step, dd_table, dd_total

cdef int kernel_type(int typenum) noexcept
cdef int set_shape(dd_job *job, ndarray like) except -1
cdef void operand(dd_job *job, dd_array *x, ndarray v, ndarray t) noexcept
cdef void rolled_operand(dd_job *job, dd_array *x, ndarray v, ndarray t, int axis,
                         Py_ssize_t cut) noexcept
cdef void scalar_operand(dd_array *x, double *c, Py_ssize_t rows) noexcept
cdef enum:          # beside the kernels' numbers: which loop computes the values
    NO_VALUES = -1  # they are there
    SQUARE = -2
    POWER = -3

ctypedef union exponent:
    float f
    double d
    long double g

cdef void one_step(dd_job *job, dd_step *step, const dd_table *A, int type, int kernel,
                   double p) noexcept
cdef void set_kernel(dd_job *job, dd_step *step, int kernel) noexcept
cdef void values_by(dd_job *job, dd_step *step, int loop, exponent *e) noexcept
cdef void add_up(int type, char *out, char *data, ptrdiff_t n, ptrdiff_t step) noexcept nogil
cdef int sum_rows(int type, char *out, Py_ssize_t rows, Py_ssize_t n, char *data, Py_ssize_t row,
                  Py_ssize_t step) except -1
cdef int scatter_runs(double *g, Py_ssize_t n, const dd_runs *rows, int count,
                      bint fresh) except -1
cdef void scaled_row(double *t, Py_ssize_t n, double g, const double *row, int step,
                     bint fresh) noexcept
cdef bint is_exact(int kernel, int loop) noexcept
cdef int execute(dd_job *job) except -1
cdef int execute_sum(dd_job *job, dd_total *total) except -1
cdef int execute_rows(dd_job *job, dd_rows *rows) except -1
cdef int compress_rows(dd_rows *rows, int typenum, const void *terms, Py_ssize_t row) except -1
cdef object value_ufunc(int kernel)
cdef double scalar_value(int kernel, double x)
cdef double scalar_value2(int kernel, double x, double y)
cdef int run_scalar(int kernel, const dd_table *A, double *c, double *a, bint at, double *b,
                    bint bt, double p) except -1
cdef int cholesky(const dd_table *A, ndarray l, ndarray t) except -1
cdef int copy_array(ndarray out, ndarray a) except -1
cdef object fingerprint(ndarray a)
cdef tuple fingerprint_product(ndarray a, ndarray g, bint left)
