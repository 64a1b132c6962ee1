from numpy cimport ndarray

from dualdiff._csrc cimport dd_array, dd_job, dd_table

cdef int kernel_type(int typenum) noexcept
cdef int set_shape(dd_job *job, ndarray like) except -1
cdef void operand(dd_job *job, dd_array *x, ndarray v, ndarray t) noexcept
cdef void scalar_operand(dd_array *x, double *c, Py_ssize_t rows) noexcept
cdef enum:
    NO_VALUES = -1
    SQUARE = -2

cdef void values_by(dd_job *job, int loop) noexcept
cdef void add_up(int type, char *out, char *data, ptrdiff_t n, ptrdiff_t step) noexcept nogil
cdef int execute(dd_job *job, int kernel) except -1
cdef object value_ufunc(int kernel)
cdef double scalar_value(int kernel, double x)
cdef int run_scalar(int kernel, const dd_table *A, double *c, double *a, bint at, double *b,
                    bint bt, double p) except -1
cdef int cholesky(const dd_table *A, ndarray l, ndarray t) except -1
