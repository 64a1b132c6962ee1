# cython: language_level=3
"""From NumPy arrays to jobs of the C library, and from its codes to exceptions.

May import: the C library and NumPy.  Invariant: values are computed by NumPy's own
inner loops, so that order 0 is NumPy's result bit for bit.
"""

import os

import numpy as np

cimport numpy as cnp
from libc.math cimport fabs
from libc.stdint cimport uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset
from numpy cimport ndarray

from dualdiff._csrc cimport (
    DD_ALWAYS, DD_AUTO, DD_COS, DD_COSH, DD_DECAY, DD_EXP, DD_F32, DD_F64, DD_LD, DD_MAXDIMS,
    DD_NEVER, DD_NKERNELS, DD_NONE, DD_OK, DD_PRODUCT_COLUMNS, DD_SIN, DD_SINH, DD_TOOBIG, DD_add,
    DD_cos, DD_cosh, DD_exp, DD_power, DD_sin, DD_sinh, dd_add_scaled, dd_apply, dd_apply_rows,
    dd_apply_sum, dd_array, dd_cholesky, dd_compress, dd_copy, dd_fingerprint,
    dd_fingerprint_product, dd_fn, dd_job, dd_kernels, dd_loop, dd_num, dd_rows, dd_runs,
    dd_scatter, dd_set_machine_code, dd_set_threads, dd_step, dd_sum, dd_table, dd_total,
    dd_valued, dd_work_rows,
)

cnp.import_array()

cdef extern from "numpy/ufuncobject.h":
    ctypedef struct PyUFuncObject:
        int nin, nout, nargs, ntypes
        void **functions
        void **data
        char *types

cdef enum:
    MAXKERNELS = 32

cdef dd_fn[MAXKERNELS][3] _value
cdef dd_fn[3] _square, _power
cdef dd_fn[8][3] _aux
cdef int[3] _typenums = [cnp.NPY_FLOAT, cnp.NPY_DOUBLE, cnp.NPY_LONGDOUBLE]

# The ufunc that computes the values of each kernel; the others get theirs from the caller.
_UFUNCS = {
    "add": np.add, "sub": np.subtract, "pos": np.positive, "neg": np.negative, "mul": np.multiply,
    "div": np.true_divide, "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "expm1": np.expm1,
    "log1p": np.log1p, "sin": np.sin,
    "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "abs": np.absolute, "maximum": np.maximum, "minimum": np.minimum,
}
cdef list _ufunc_of = [None] * MAXKERNELS


cdef dd_fn inner_loop(ufunc, int typenum) except *:
    """The inner loop of a ufunc whose operands and result all have one type."""
    cdef PyUFuncObject *u = <PyUFuncObject *><void *>ufunc
    cdef int i, j
    cdef dd_fn fn
    for i in range(u.ntypes):
        for j in range(u.nargs):
            if u.types[i * u.nargs + j] != typenum:
                break
        else:
            fn.run = <dd_loop>u.functions[i]
            fn.data = u.data[i] if u.data != NULL else NULL
            if fn.run != NULL:
                return fn
    raise ImportError(f"dualdiff: NumPy {np.__version__} has no inner loop of {ufunc!r} "
                      f"for type number {typenum}")


cdef void _fill_tables() except *:
    cdef int k, t
    memset(_value, 0, sizeof(_value))
    for k in range(DD_NKERNELS):
        name = (<bytes>dd_kernels[k].name).decode()
        if name in _UFUNCS:
            _ufunc_of[k] = _UFUNCS[name]
            for t in range(3):
                _value[k][t] = inner_loop(_UFUNCS[name], _typenums[t])
    for t in range(3):
        _square[t] = inner_loop(np.square, _typenums[t])
        _power[t] = inner_loop(np.power, _typenums[t])
    for k, ufunc in ((DD_COS, np.cos), (DD_SIN, np.sin), (DD_COSH, np.cosh), (DD_SINH, np.sinh),
                     (DD_EXP, np.exp), (DD_DECAY, np.exp)):
        for t in range(3):
            _aux[k][t] = inner_loop(ufunc, _typenums[t])

_fill_tables()

kernel_names = [(<bytes>dd_kernels[k].name).decode() for k in range(DD_NKERNELS)]

cdef int[8] _aux_kernel
_aux_kernel[DD_COS] = DD_cos
_aux_kernel[DD_SIN] = DD_sin
_aux_kernel[DD_COSH] = DD_cosh
_aux_kernel[DD_SINH] = DD_sinh
_aux_kernel[DD_EXP] = _aux_kernel[DD_DECAY] = DD_exp


cdef object value_ufunc(int kernel):
    """The ufunc that computes the values of a kernel."""
    return _ufunc_of[kernel]


cdef double scalar_value(int kernel, double x):
    """The value of a one-operand kernel at one float64 (not for `power` and `chain`)."""
    cdef double y = 0.0
    cdef char *args[2]
    args[0] = <char *>&x
    args[1] = <char *>&y
    one_value(kernel, args)
    return y


cdef double scalar_value2(int kernel, double x, double y):
    """The same of a kernel of two operands."""
    cdef double z = 0.0
    cdef char *args[3]
    args[0] = <char *>&x
    args[1] = <char *>&y
    args[2] = <char *>&z
    one_value(kernel, args)
    return z


cdef void one_value(int kernel, char **args) noexcept:
    cdef ptrdiff_t n = 1
    cdef ptrdiff_t steps[3]
    steps[0] = steps[1] = steps[2] = sizeof(double)
    _value[kernel][DD_F64].run(args, &n, steps, _value[kernel][DD_F64].data)


cdef int kernel_type(int typenum) noexcept:
    """The C library's number of a NumPy type, -1 where it has no kernels for it."""
    if typenum == cnp.NPY_DOUBLE:
        return DD_F64
    if typenum == cnp.NPY_FLOAT:
        return DD_F32
    if typenum == cnp.NPY_LONGDOUBLE:
        return DD_LD
    return -1


cdef int set_shape(dd_job *job, ndarray like) except -1:
    """Take the shape of the job from the array that will hold the values of the result."""
    cdef int q
    job.nd = cnp.PyArray_NDIM(like)
    job.size = cnp.PyArray_SIZE(like)
    if job.nd > DD_MAXDIMS:
        raise ValueError(f"dualdiff: arrays of more than {DD_MAXDIMS} dimensions")
    for q in range(job.nd):
        job.shape[q] = cnp.PyArray_DIM(like, q)
    return 0


cdef void operand(dd_job *job, dd_array *x, ndarray v, ndarray t) noexcept:
    """Describe an array operand, broadcast to the job's shape; t is None for a constant."""
    cdef int nd = cnp.PyArray_NDIM(v)
    cdef bint in_line, same = nd == job.nd and cnp.PyArray_SIZE(v) == job.size
    x.v = <char *>cnp.PyArray_DATA(v)
    x.t = NULL
    x.ts = 0
    x.rows = 0
    x.map = NULL
    x.single = cnp.PyArray_SIZE(v) == 1 and job.size != 1
    x.flat = same and cnp.PyArray_IS_C_CONTIGUOUS(v)
    x.even = x.strided = False
    x.cut = 0
    if t is not None:
        x.t = <char *>cnp.PyArray_DATA(t)
        x.ts = cnp.PyArray_STRIDE(t, 0)
        x.rows = cnp.PyArray_DIM(t, 0)
        in_line = x.flat
        if x.flat and not cnp.PyArray_IS_C_CONTIGUOUS(t):
            x.flat = _rows_contiguous(t, job)
        x.even = not x.flat and not x.single and _rows_even(t)
        x.strided = x.even and not in_line
    if not x.flat:
        set_strides(job, x, v, t)


cdef void rolled_operand(dd_job *job, dd_array *x, ndarray v, ndarray t, int axis,
                         Py_ssize_t cut) noexcept:
    """The same of an operand of the job's shape, of which element `cut` of an axis comes first."""
    operand(job, x, v, t)
    x.axis, x.cut = axis, cut
    x.even = x.strided = t is not None and _rows_even(t)
    if x.flat:
        set_strides(job, x, v, t)
    x.flat = False


cdef void set_strides(dd_job *job, dd_array *x, ndarray v, ndarray t) noexcept:
    cdef int q, nd = cnp.PyArray_NDIM(v), lead = job.nd - nd
    for q in range(job.nd):
        if q < lead or cnp.PyArray_DIM(v, q - lead) == 1:
            x.vs[q] = 0
            x.es[q] = 0
        else:
            x.vs[q] = cnp.PyArray_STRIDE(v, q - lead)
            x.es[q] = 0 if t is None else cnp.PyArray_STRIDE(t, q - lead + 1)


cdef bint _rows_contiguous(ndarray t, dd_job *job) noexcept:
    """Whether each row of t is C-contiguous, whatever the distance of the rows."""
    cdef Py_ssize_t step = cnp.PyArray_ITEMSIZE(t)
    cdef int q
    for q in range(job.nd, 0, -1):
        if cnp.PyArray_DIM(t, q) != 1 and cnp.PyArray_STRIDE(t, q) != step:
            return False
        step *= cnp.PyArray_DIM(t, q)
    return cnp.PyArray_STRIDE(t, 0) % cnp.PyArray_ITEMSIZE(t) == 0


cdef bint _rows_even(ndarray t) noexcept:
    """Whether each row of t is one element all along."""
    cdef int q
    for q in range(1, cnp.PyArray_NDIM(t)):
        if cnp.PyArray_DIM(t, q) != 1 and cnp.PyArray_STRIDE(t, q) != 0:
            return False
    return True


cdef void scalar_operand(dd_array *x, double *c, Py_ssize_t rows) noexcept:
    """Describe one number, value first, then so many terms, as an operand for every element."""
    x.v = <char *>c
    x.t = <char *>(c + 1) if rows else NULL
    x.rows = rows
    x.map = NULL
    x.ts = sizeof(double)
    x.flat = x.even = x.strided = False
    x.single = True
    x.cut = 0
    memset(x.vs, 0, sizeof(x.vs[0]) * DD_MAXDIMS)
    memset(x.es, 0, sizeof(x.es[0]) * DD_MAXDIMS)


cdef void one_step(dd_job *job, dd_step *step, const dd_table *A, int type, int kernel,
                   double p) noexcept:
    """A job of one kernel; its operands are to be described still, b only if there is one."""
    job.type = type
    job.steps = step
    job.count = 1
    job.total = NULL
    job.entries = NULL
    step.A = A
    step.p = p
    step.from_a = step.from_b = 0
    step.b.v = step.b.t = NULL
    step.b.map = NULL
    step.b.single = step.b.even = step.b.strided = False
    step.mask = NULL
    set_kernel(job, step, kernel)


cdef void set_kernel(dd_job *job, dd_step *step, int kernel) noexcept:
    step.kernel = kernel
    step.aux = _aux[dd_kernels[kernel].aux][job.type]


cdef bint is_exact(int kernel, int loop) noexcept:
    """Whether a kernel computes the values of a loop to the last bit: see dd_valued."""
    return loop == SQUARE or loop == kernel != DD_power and dd_valued[kernel][0] != NULL


cdef void values_by(dd_job *job, dd_step *step, int loop, exponent *e) noexcept:
    """Which of NumPy's loops computes the values: a kernel's own, or SQUARE, POWER, NO_VALUES.

    e: room for the exponent of POWER.
    """
    step.exponent = NULL
    step.exact = is_exact(step.kernel, loop)
    if loop == NO_VALUES:
        step.value.run = NULL
    elif loop == SQUARE:
        step.value = _square[job.type]
    elif loop == POWER:
        step.value = _power[job.type]
        step.exponent = e
        if job.type == DD_F64:
            e.d = step.p
        elif job.type == DD_F32:
            e.f = <float>step.p
        else:
            e.g = step.p
    else:
        step.value = _value[loop][job.type]


cdef void add_up(int type, char *out, char *data, ptrdiff_t n, ptrdiff_t step) noexcept nogil:
    """out = 0 + the sum of n elements, as np.add.reduce adds them."""
    cdef char *args[3]
    cdef ptrdiff_t steps[3]
    args[0] = args[2] = out
    args[1] = data
    steps[0] = steps[2] = 0
    steps[1] = step
    memset(out, 0, 16 if type == DD_LD else 8 if type == DD_F64 else 4)
    if n:
        _value[DD_add][type].run(args, &n, steps, _value[DD_add][type].data)


cdef int sum_rows(int type, char *out, Py_ssize_t rows, Py_ssize_t n, char *data, Py_ssize_t row,
                  Py_ssize_t step) except -1:
    """out[k] = the sum of row k, as np.add.reduce adds it: see dd_sum."""
    cdef int status
    with nogil:
        status = dd_sum(type, &_value[DD_add][type], rows, n, data, row, step, out)
    if status != DD_OK:
        raise MemoryError("dualdiff: no memory for the sums of pieces")
    return 0


cdef int scatter_runs(double *g, Py_ssize_t n, const dd_runs *rows, int count,
                      bint fresh) except -1:
    """Add rows of terms to the seeds that they stand for: see dd_scatter."""
    with nogil:
        dd_scatter(g, n, rows, count, fresh)
    return 0


cdef void scaled_row(double *t, Py_ssize_t n, double g, const double *row, int step,
                     bint fresh) noexcept:
    """t = (fresh) or += row times g: see dd_add_scaled."""
    with nogil:
        dd_add_scaled(t, n, g, row, step, fresh)


cdef int execute(dd_job *job) except -1:
    """Run a job.  Returns whether values of any step raised a flag."""
    cdef int status, i
    if job.size == 0:
        return 0
    if job.nd == 0:  # one element of an array without dimensions
        job.nd = 1
        job.shape[0] = 1
        for i in range(job.count):
            job.steps[i].a.vs[0] = job.steps[i].a.es[0] = 0
            job.steps[i].b.vs[0] = job.steps[i].b.es[0] = 0
    with nogil:
        status = dd_apply(job)
    return flags_of(job, status)


cdef int flags_of(dd_job *job, int status) except -1:
    cdef int i, flags = 0
    if status != DD_OK:
        raise MemoryError("dualdiff: no memory for the work arrays of a kernel")
    for i in range(job.count):
        flags |= job.steps[i].flags
    return flags


cdef int execute_sum(dd_job *job, dd_total *total) except -1:
    """Run a job for the sum of its last result; returns whether that did not do: see execute."""
    cdef int status
    if job.size == 0:
        return True
    total.add = &_value[DD_add][job.type]
    job.total = total
    with nogil:
        status = dd_apply_sum(job)
    return True if status == DD_TOOBIG else flags_of(job, status)


cdef int execute_rows(dd_job *job, dd_rows *rows) except -1:
    """Run a job for compressed rows: see dd_apply_rows.  What it returns is that of execute."""
    cdef int status
    rows.type, rows.parts = job.type, 1
    job.entries = rows
    with nogil:
        status = dd_apply_rows(job)
    return flags_of(job, status)


cdef int compress_rows(dd_rows *rows, int typenum, const void *terms, Py_ssize_t row) except -1:
    """Compressed rows of terms of any floating or complex type: see dd_compress."""
    cdef int status
    rows.parts = 2 if typenum >= cnp.NPY_CFLOAT else 1
    rows.type = kernel_type(typenum - (cnp.NPY_CFLOAT - cnp.NPY_FLOAT) * (rows.parts - 1))
    with nogil:
        status = dd_compress(rows, terms, row)
    if status != DD_OK:
        raise MemoryError("dualdiff: no memory for compressed rows")
    return 0


cdef int run_scalar(int kernel, const dd_table *A, double *c, double *a, bint at, double *b,
                    bint bt, double p) except -1:
    """The terms of c, whose value is there; at, bt: the operand has terms; b may be NULL."""
    cdef dd_num nc, na, nb
    cdef double[64] local
    cdef double *w = local
    cdef Py_ssize_t rows = dd_work_rows(A, kernel)
    cdef int aux = dd_kernels[kernel].aux
    nc.v = c
    nc.t = c + 1
    nc.s = 1
    nc.f = na.f = nb.f = NULL
    na.v = a
    na.t = a + 1 if at else NULL
    na.s = 1
    nb.v = b
    nb.t = b + 1 if bt else NULL
    nb.s = 1
    if rows > 64:
        w = <double *>malloc(rows * sizeof(double))
        if w == NULL:
            raise MemoryError("dualdiff: no memory for the work rows of a kernel")
    if aux != DD_NONE:
        w[0] = scalar_value(_aux_kernel[aux], -2.0 * fabs(a[0]) if aux == DD_DECAY else a[0])
    dd_kernels[kernel].run[DD_F64](A, 1, &nc, &na, &nb if b != NULL else NULL, p, w, True)
    if w != local:
        free(w)
    return 0


cdef int cholesky(const dd_table *A, ndarray l, ndarray t) except -1:
    """Terms t of a become those of l in l l^T = a; batches of matrices, C-contiguous."""
    cdef int type = kernel_type(cnp.PyArray_TYPE(l)), status
    cdef Py_ssize_t batch = cnp.PyArray_DIM(l, 0), n = cnp.PyArray_DIM(l, 1)
    cdef char *values = <char *>cnp.PyArray_DATA(l)
    cdef char *terms = <char *>cnp.PyArray_DATA(t)
    with nogil:
        status = dd_cholesky(A, type, batch, n, values, terms)
    if status != DD_OK:
        raise MemoryError("dualdiff: no memory for the panels of a factorisation")
    return 0


cdef int copy_array(ndarray out, ndarray a) except -1:
    """Copy a to out, a C-contiguous array of its shape and dtype."""
    cdef void *to = cnp.PyArray_DATA(out)
    cdef const void *source = cnp.PyArray_DATA(a)
    cdef size_t size = cnp.PyArray_NBYTES(a)
    if not cnp.PyArray_IS_C_CONTIGUOUS(a):
        return cnp.PyArray_CopyInto(out, a)
    with nogil:
        dd_copy(to, source, size)
    return 0


cdef object fingerprint(ndarray a):
    """A number that changes when the elements of an array do, save once in some 2^32 times."""
    cdef uint64_t out
    cdef const void *data
    cdef Py_ssize_t size, row = 0
    cdef int status
    if not (cnp.PyArray_IS_C_CONTIGUOUS(a) or cnp.PyArray_IS_F_CONTIGUOUS(a)):
        a = np.ascontiguousarray(a)
    data, size = cnp.PyArray_DATA(a), cnp.PyArray_NBYTES(a)
    if cnp.PyArray_NDIM(a) == 2:
        row = cnp.PyArray_DIM(a, cnp.PyArray_IS_C_CONTIGUOUS(a)) * cnp.PyArray_ITEMSIZE(a)
    with nogil:
        status = dd_fingerprint(data, size, row, &out)
    return counted(status, out)


cdef tuple fingerprint_product(ndarray a, ndarray g, bint left):
    """The fingerprint and g @ a if left, else a @ g; None if not made for such an array.

    One pass over a does both.  a: a matrix; g: a vector.
    """
    cdef uint64_t out
    cdef ndarray product
    cdef Py_ssize_t rows, columns
    cdef const double *data
    cdef const double *factor
    cdef double *to
    cdef int status
    if cnp.PyArray_TYPE(a) != cnp.NPY_DOUBLE or cnp.PyArray_TYPE(g) != cnp.NPY_DOUBLE:
        return None
    if not cnp.PyArray_IS_C_CONTIGUOUS(a):
        a, left = a.T, not left
    rows, columns = cnp.PyArray_DIM(a, 0), cnp.PyArray_DIM(a, 1)
    if not cnp.PyArray_IS_C_CONTIGUOUS(a) or columns > DD_PRODUCT_COLUMNS:
        return None
    g = np.ascontiguousarray(g)
    product = np.empty(columns if left else rows)
    data, factor = <const double *>cnp.PyArray_DATA(a), <const double *>cnp.PyArray_DATA(g)
    to = <double *>cnp.PyArray_DATA(product)
    with nogil:
        status = dd_fingerprint_product(data, rows, columns, factor, left, to, &out)
    return counted(status, out), product


cdef object counted(int status, uint64_t out):
    if status != DD_OK:
        raise MemoryError("dualdiff: no memory for the fingerprint of an array")
    return out


# ---- settings ------------------------------------------------------------------

cdef int _threads = dd_set_threads(len(os.sched_getaffinity(0))
                                   if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def set_num_threads(int n):
    """Let n threads share the work on large arrays; returns the number that was set before.

    Parameters
    ----------
    n : int
        1 switches threads off.  The default is the number of cores of this process.

    Returns
    -------
    int
        The setting before this call.

    Raises
    ------
    ValueError
        If n is less than 1.

    Notes
    -----
    Results are the same bits whatever the number of threads: it decides only who computes
    an element.  Threads are used where they save time, from some 100 microseconds of
    work on, without the GIL.

    Examples
    --------
    >>> import dualdiff
    >>> before = dualdiff.set_num_threads(1)
    >>> dualdiff.set_num_threads(before)
    1
    """
    global _threads
    if n < 1:
        raise ValueError(f"set_num_threads expected a positive number of threads, got {n}; "
                         "1 switches threads off")
    before = _threads
    _threads = dd_set_threads(n)
    return before


def get_num_threads():
    """The number of threads that share the work on large arrays.

    Returns
    -------
    int
        See `set_num_threads`.
    """
    return _threads


cdef dict _jobs = {"auto": DD_AUTO, "always": DD_ALWAYS, "never": DD_NEVER}


def set_machine_code(mode):
    """Choose what machine code written for it computes; returns the choice before.

    Parameters
    ----------
    mode : {"auto", "always", "never"}
        "auto": several operations on large arrays, whose arithmetic then takes one loop
        (float32 and float64, first order, x86-64 processors with AVX2 or AVX-512 under Linux
        and macOS); "always": also on small ones, for tests; "never": nothing.

    Returns
    -------
    str
        The mode before this call.

    Raises
    ------
    ValueError
        If mode is none of the three.

    Notes
    -----
    Results are the same bits.  Writing the code takes some 20 microseconds; no compiler is
    needed.  Where the system does not let a process execute memory that it has written,
    operations are computed one at a time, as with "never".

    Examples
    --------
    >>> import dualdiff
    >>> before = dualdiff.set_machine_code("never")
    >>> dualdiff.set_machine_code(before)
    'never'
    """
    if mode not in ("auto", "always", "never"):
        raise ValueError(f"set_machine_code expected 'auto', 'always' or 'never', got {mode!r}")
    before = dd_set_machine_code(_jobs[mode])
    return next(name for name, jobs in _jobs.items() if jobs == before)
