# cython: language_level=3
"""The number: a truncated Taylor polynomial in its seeds, carried over an array.

A Taylor number without dimensions and of float64 keeps its coefficients in a C
buffer; any other keeps `value`, an array of its shape, and `terms`, the Taylor
coefficients of its non-constant monomials, one row each: shape (M - 1, *shape).
Coefficients are not derivatives: factorials are applied once, when one is read.

May import: the algebra, the driver, NumPy.  What NumPy's functions do to a number
stands in `rows/`, which fills the dictionaries below; this module only looks there.
Invariants: value and terms have one dtype; a view shares the memory of its base, and
follows it when an assignment moves the base to a larger algebra (see sync).
"""

import numpy as np

cimport cython
cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check, PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport Py_EQ, Py_GE, Py_GT, Py_LE, Py_LT, Py_NE, PyObject_RichCompare
from cpython.ref cimport Py_INCREF
from libc.math cimport INFINITY, isfinite
from libc.math cimport log as c_log
from libc.math cimport pow as c_pow
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from numpy cimport ndarray

from dualdiff._algebra cimport Algebra, union_of
from dualdiff._csrc cimport (
    DD_add, DD_cos, DD_cosh, DD_div, DD_exp, DD_expm1, DD_log, DD_log1p, DD_mul, DD_neg, DD_power, DD_sin, DD_sinh,
    DD_sqrt, DD_sub, DD_tan, DD_tanh, dd_job,
)
from dualdiff._driver import kernel_names

from dualdiff._driver cimport (
    NO_VALUES, SQUARE, add_up, execute, kernel_type, operand, run_scalar, scalar_operand, scalar_value, set_shape,
    value_ufunc, values_by,
)

from dualdiff._memory cimport empty

cnp.import_array()

cdef extern from "Python.h":
    double PyLong_AsDouble(object o) except? -1.0
    Py_ssize_t PyLong_AsSsize_t(object o) except? -1
    int PySlice_Unpack(object s, Py_ssize_t *start, Py_ssize_t *stop, Py_ssize_t *step) except -1
    Py_ssize_t PySlice_AdjustIndices(Py_ssize_t n, Py_ssize_t *start, Py_ssize_t *stop,
                                     Py_ssize_t step)

cdef extern from "numpy/arrayobject.h":
    ndarray PyArray_NewFromDescr(type subtype, cnp.PyArray_Descr *descr, int nd, cnp.npy_intp *dims,
                                 cnp.npy_intp *strides, void *data, int flags, void *obj)

# Filled by rows/: what NumPy's functions do to a number, by function object.
ROWS = {}        # np.f -> callable with the signature of np.f
METHODS = {}     # name of an ndarray method -> function(number, ...)
ATTRIBUTES = {}  # name of an ndarray attribute -> function(number)
HOOKS = {}       # "ufunc": calls with keywords, methods, unknown ufuncs; "function": unknown
                 # functions; "reference": kernels of other dtypes; "repr"

cdef dict _rows = ROWS, _hooks = HOOKS
cdef type _ndarray = np.ndarray
cdef object _float64 = np.float64, _float64_dtype = np.dtype(np.float64)
cdef object _all = slice(None), _sum = np.sum, _true = np.True_, _false = np.False_
cdef dict _unary = {
    np.negative: DD_neg, np.sqrt: DD_sqrt, np.exp: DD_exp, np.log: DD_log, np.sin: DD_sin,
    np.cos: DD_cos, np.tan: DD_tan, np.expm1: DD_expm1, np.log1p: DD_log1p, np.sinh: DD_sinh,
    np.cosh: DD_cosh, np.tanh: DD_tanh,
}
cdef dict _binary = {
    np.add: DD_add, np.subtract: DD_sub, np.multiply: DD_mul, np.true_divide: DD_div,
}
cdef dict _kernel_numbers = {name: k for k, name in enumerate(kernel_names)}


# ---- storage -----------------------------------------------------------------

cdef Taylor new_scalar(Algebra alg):
    """A number without dimensions; its coefficients are not set."""
    cdef Taylor y = Taylor.__new__(Taylor)
    y.alg = alg
    if alg.M <= ROOM:
        y.c = y.room
    else:
        y.c = <double *>malloc(alg.M * sizeof(double))
        if y.c == NULL:
            raise MemoryError("dualdiff: no memory for a number")
    return y


cdef Taylor new_array(Algebra alg, ndarray value, ndarray terms):
    """A number of these arrays, which it keeps; without dimensions it copies float64."""
    cdef Taylor y
    cdef Py_ssize_t i, step
    cdef char *src
    if cnp.PyArray_NDIM(value) == 0 and cnp.PyArray_TYPE(value) == cnp.NPY_DOUBLE:
        y = new_scalar(alg)
        y.c[0] = (<double *>cnp.PyArray_DATA(value))[0]
        if alg.M > 1:
            src = <char *>cnp.PyArray_DATA(terms)
            step = cnp.PyArray_STRIDE(terms, 0)
            for i in range(1, alg.M):
                y.c[i] = (<double *>(src + (i - 1) * step))[0]
        return y
    y = Taylor.__new__(Taylor)
    y.alg = alg
    y._value = value
    y._terms = terms
    return y


cdef Taylor new_view(Taylor x, ndarray value, ndarray terms):
    cdef Taylor y = new_array(x.alg, value, terms)
    if y._value is not None:
        y.base = x if x.base is None else x.base
    return y


cdef ndarray empty_like_shape(ndarray like, int typenum):
    return empty(cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), typenum)


cdef ndarray empty_terms(Algebra alg, ndarray value):
    """Rows for the terms of a value, not set."""
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] dims
    cdef int q, nd = cnp.PyArray_NDIM(value)
    dims[0] = alg.M - 1
    for q in range(nd):
        dims[q + 1] = cnp.PyArray_DIM(value, q)
    return empty(nd + 1, dims, cnp.PyArray_TYPE(value))


cdef object value_of(Taylor x):
    """The value as an ndarray, or as np.float64 without dimensions."""
    if x._value is None:
        return _float64(x.c[0])
    return x._value


cdef ndarray terms_of(Taylor x):
    """The terms as an array of shape (M - 1, *shape)."""
    cdef ndarray t
    cdef cnp.npy_intp m
    if x._value is None:
        m = x.alg.M - 1
        t = cnp.PyArray_EMPTY(1, &m, cnp.NPY_DOUBLE, 0)
        memcpy(cnp.PyArray_DATA(t), x.c + 1, m * sizeof(double))
        return t
    if x.base is not None:
        sync(x)
    return x._terms


cdef int sync(Taylor x) except -1:
    """Follow the base of a view to the algebra that it has moved to."""
    cdef Taylor base = x.base
    cdef ndarray terms
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] dims, strides
    cdef int q, nd
    if base is None or base.alg is x.alg:
        return 0
    nd = cnp.PyArray_NDIM(x._value)
    dims[0] = base.alg.M - 1
    strides[0] = cnp.PyArray_STRIDE(base._terms, 0)
    for q in range(nd):
        dims[q + 1] = cnp.PyArray_DIM(x._value, q)
        strides[q + 1] = cnp.PyArray_STRIDE(x._value, q)
    cdef char *data = <char *>cnp.PyArray_DATA(base._terms)
    data += <char *>cnp.PyArray_DATA(x._value) - <char *>cnp.PyArray_DATA(base._value)
    terms = cnp.PyArray_New(np.ndarray, nd + 1, dims, cnp.PyArray_TYPE(x._value), strides,
                            data, 0, cnp.NPY_ARRAY_WRITEABLE, <object>NULL)
    Py_INCREF(base._terms)
    cnp.PyArray_SetBaseObject(terms, base._terms)
    x._terms = terms
    x.alg = base.alg
    return 0


cdef int grow(Taylor x, Algebra alg, index) except -1:
    """Move x, its base and so all its views to a larger algebra, in place."""
    cdef Taylor base = x if x.base is None else x.base
    cdef double *c
    cdef Taylor wide
    cdef Py_ssize_t i
    if base._value is None:
        wide = embed(base, alg, index)
        if base.c != base.room:
            free(base.c)
        base.alg = alg
        base.c = base.room
        if alg.M > ROOM:
            base.c = wide.c
            wide.c = wide.room
        else:
            memcpy(base.c, wide.c, alg.M * sizeof(double))
        return 0
    # Rows laid out in memory exactly as the value is, so that views can find their places.
    value = <object>base._value
    order = np.argsort([-s for s in value.strides], kind="stable")
    shape = [value.shape[q] for q in order]
    terms = np.zeros([alg.M - 1, *shape], value.dtype)
    terms = terms.transpose([0, *(np.argsort(order) + 1)])
    if value.size and any(
        s != t for s, t, n in zip(value.strides, terms.strides[1:], value.shape) if n > 1
    ):
        raise RuntimeError("dualdiff: a number whose memory has gaps cannot take new seeds by "
                           "assignment; copy it first: x = x.copy()")
    terms[index[1:] - 1] = base._terms
    base._terms = terms
    base.alg = alg
    return sync(x)


cdef Taylor embed(Taylor x, Algebra alg, index):
    """x over a larger algebra; index: where each of its monomials goes, None for x itself."""
    cdef Taylor y
    cdef Py_ssize_t i
    cdef cnp.npy_intp *at
    if index is None:
        return x
    if x._value is None:
        y = new_scalar(alg)
        memset(y.c, 0, alg.M * sizeof(double))
        at = <cnp.npy_intp *>cnp.PyArray_DATA(<ndarray>index)
        for i in range(x.alg.M):
            if at[i] >= 0:
                y.c[at[i]] = x.c[i]
        return y
    terms = np.zeros((alg.M - 1,) + (<object>x._value).shape, x._value.dtype)
    to = index[1:]
    if to.size and to.min() < 0:
        keep = to >= 0
        terms[to[keep] - 1] = x._terms[keep]
    else:
        terms[to - 1] = x._terms
    return new_array(alg, x._value, terms)


cdef Taylor cast(Taylor x, dtype):
    """x with another dtype; without dimensions and not float64: as arrays without dimensions."""
    value = np.asarray(value_of(x)).astype(dtype)
    return new_array(x.alg, value, terms_of(x).astype(dtype))


# ---- arithmetic ----------------------------------------------------------------

cdef int warn(int kernel, object a, object b) except -1:
    """Let NumPy say of these values what it has to say: a warning, an error, nothing."""
    ufunc = value_ufunc(kernel)
    if b is None:
        ufunc(a)
    else:
        ufunc(a, b)
    return 0


cdef Taylor scalar_unary(int kernel, Taylor a):
    cdef Taylor y = new_scalar(a.alg)
    y.c[0] = scalar_value(kernel, a.c[0])
    if not isfinite(y.c[0]):
        warn(kernel, _float64(a.c[0]), None)
    run_scalar(kernel, a.alg.t, y.c, a.c, True, NULL, False, 0.0)
    return y


cdef Taylor scalar_binary(int kernel, Algebra alg, double *a, bint at, double *b, bint bt):
    """a kernel b, over one algebra; at, bt: the operand has terms, or is a constant."""
    cdef Taylor y = new_scalar(alg)
    cdef double *c = y.c
    cdef double a0 = a[0], b0 = b[0], total = 0.0
    cdef Py_ssize_t i, M = alg.M
    if kernel == DD_mul:
        c[0] = a0 * b0
        if alg.D == 1:
            if not bt:
                for i in range(1, M):
                    c[i] = a[i] * b0
                    total += c[i]
            elif not at:
                for i in range(1, M):
                    c[i] = a0 * b[i]
                    total += c[i]
            else:
                for i in range(1, M):
                    c[i] = a0 * b[i] + a[i] * b0
                    total += c[i]
            if total != total:
                run_scalar(kernel, alg.t, c, a, at, b, bt, 0.0)
        else:
            run_scalar(kernel, alg.t, c, a, at, b, bt, 0.0)
    elif kernel == DD_add:
        c[0] = a0 + b0
        if at and bt:
            for i in range(1, M):
                c[i] = a[i] + b[i]
        else:
            memcpy(c + 1, a + 1 if at else b + 1, (M - 1) * sizeof(double))
    elif kernel == DD_sub:
        c[0] = a0 - b0
        if not bt:
            memcpy(c + 1, a + 1, (M - 1) * sizeof(double))
        elif at:
            for i in range(1, M):
                c[i] = a[i] - b[i]
        else:
            for i in range(1, M):
                c[i] = -b[i]
    else:
        c[0] = a0 / b0
        run_scalar(kernel, alg.t, c, a, at, b, bt, 0.0)
    if not isfinite(c[0]):
        warn(kernel, _float64(a0), _float64(b0))
    return y


cdef Taylor array_result(Algebra alg, ndarray value):
    cdef Taylor y = Taylor.__new__(Taylor)
    y.alg = alg
    y._value = value
    y._terms = empty_terms(alg, value)
    return y


cdef Taylor array_unary(int kernel, Taylor a, double p, ndarray value, int loop):
    """Kernel of an array; value: its values if they are known, else loop computes them."""
    cdef dd_job job
    cdef Taylor y
    cdef int type = kernel_type(cnp.PyArray_TYPE(a._value))
    if a.base is not None:
        sync(a)
    if type < 0:
        if value is None:
            value = value_ufunc(kernel)(a._value)
        name = kernel_names[kernel]
        terms = _hooks["reference"](name, a.alg, value, (a._value, a._terms), None, p)
        return new_array(a.alg, np.asarray(value), terms)
    y = array_result(a.alg, empty_like_shape(a._value, cnp.PyArray_TYPE(a._value))
                     if value is None else value)
    job.A = a.alg.t
    job.type = type
    job.p = p
    set_shape(&job, y._value)
    operand(&job, &job.a, a._value, a._terms)
    operand(&job, &job.c, y._value, y._terms)
    job.b.v = NULL
    values_by(&job, loop if value is None else NO_VALUES)
    if execute(&job, kernel):
        if loop == SQUARE:
            np.square(a._value)  # for its warning
        else:
            warn(kernel, a._value, None)
    return y


cdef Taylor array_binary(int kernel, Algebra alg, x, y, ndarray value):
    """Kernel of two operands of one dtype over one algebra, broadcast.

    Each is a Taylor, an ndarray, or a Python float; at least one has dimensions or is
    not float64.
    """
    cdef dd_job job
    cdef Taylor z
    cdef ndarray vx = None, tx = None, vy = None, ty = None
    cdef double cx, cy
    cdef int typenum = -1, type
    cdef bint given = value is not None
    if type_is_array(x):
        vx = (<Taylor>x)._value if isinstance(x, Taylor) else <ndarray>x
        tx = (<Taylor>x)._terms if isinstance(x, Taylor) else None
        typenum = cnp.PyArray_TYPE(vx)
    if type_is_array(y):
        vy = (<Taylor>y)._value if isinstance(y, Taylor) else <ndarray>y
        ty = (<Taylor>y)._terms if isinstance(y, Taylor) else None
        typenum = cnp.PyArray_TYPE(vy)
    type = kernel_type(typenum)
    if type < 0:
        px = (value_of(x), terms_of(x)) if isinstance(x, Taylor) else (x, None)
        py = (value_of(y), terms_of(y)) if isinstance(y, Taylor) else (y, None)
        if value is None:
            value = np.asarray(value_ufunc(kernel)(px[0], py[0]))
        name = kernel_names[kernel]
        terms = _hooks["reference"](name, alg, value, px, py, 0.0)
        return new_array(alg, value, terms)
    if value is None:
        if vx is None:
            value = empty_like_shape(vy, typenum)
        elif vy is None or cnp.PyArray_SAMESHAPE(vx, vy):
            value = empty_like_shape(vx, typenum)
        else:
            value = np.empty(np.broadcast_shapes((<object>vx).shape, (<object>vy).shape), vx.dtype)
    z = array_result(alg, value)
    job.A = alg.t
    job.type = type
    job.p = 0.0
    set_shape(&job, value)
    operand(&job, &job.c, z._value, z._terms)
    if vx is not None:
        operand(&job, &job.a, vx, tx)
    elif isinstance(x, Taylor):
        scalar_operand(&job.a, (<Taylor>x).c, alg.M - 1)
    else:
        cx = x
        scalar_operand(&job.a, &cx, 0)
    if vy is not None:
        operand(&job, &job.b, vy, ty)
    elif isinstance(y, Taylor):
        scalar_operand(&job.b, (<Taylor>y).c, alg.M - 1)
    else:
        cy = y
        scalar_operand(&job.b, &cy, 0)
    values_by(&job, NO_VALUES if given else kernel)
    if execute(&job, kernel):
        warn(kernel, value_of(x) if isinstance(x, Taylor) else x,
             value_of(y) if isinstance(y, Taylor) else y)
    if cnp.PyArray_NDIM(value) == 0 and typenum == cnp.NPY_DOUBLE:
        return new_array(alg, z._value, z._terms)
    return z


cdef bint type_is_array(x) noexcept:
    return (<Taylor>x)._value is not None if type(x) is Taylor else cnp.PyArray_Check(x)


cdef unary(int kernel, Taylor a):
    if a._value is None:
        return scalar_unary(kernel, a)
    return array_unary(kernel, a, 0.0, None, kernel)


cdef binary(int kernel, a, b):
    """a kernel b, one of them a Taylor; NotImplemented if the other operand may know."""
    cdef Taylor x, y
    cdef double k
    if type(a) is Taylor and type(b) is Taylor:
        x = <Taylor>a
        y = <Taylor>b
        if x.alg is y.alg and x._value is None and y._value is None:
            return scalar_binary(kernel, x.alg, x.c, True, y.c, True)
    elif type(a) is Taylor:
        x = <Taylor>a
        if x._value is None:
            if PyFloat_Check(b):
                k = PyFloat_AS_DOUBLE(b)
                return scalar_binary(kernel, x.alg, x.c, True, &k, False)
            if PyLong_CheckExact(b):
                k = PyLong_AsDouble(b)
                return scalar_binary(kernel, x.alg, x.c, True, &k, False)
    elif (<Taylor>b)._value is None:
        y = <Taylor>b
        if PyFloat_Check(a):
            k = PyFloat_AS_DOUBLE(a)
            return scalar_binary(kernel, y.alg, &k, False, y.c, True)
        if PyLong_CheckExact(a):
            k = PyLong_AsDouble(a)
            return scalar_binary(kernel, y.alg, &k, False, y.c, True)
    return general_binary(kernel, a, b)


cdef general_binary(int kernel, a, b):
    cdef Algebra alg
    a = as_operand(a)
    b = as_operand(b)
    if a is NotImplemented or b is NotImplemented:
        return NotImplemented
    alg, a, b = together(a, b)
    a, b = one_dtype(a, b)
    if not type_is_array(a) and not type_is_array(b):
        return binary(kernel, a, b)
    return array_binary(kernel, alg, a, b, None)


cdef as_operand(x):
    """A Taylor, a native aligned ndarray, or a Python number; NotImplemented if it is neither."""
    if type(x) is Taylor:
        if (<Taylor>x).base is not None:
            sync(<Taylor>x)
        return x
    if cnp.PyArray_CheckExact(x):
        if cnp.PyArray_TYPE(<ndarray>x) == cnp.NPY_OBJECT:
            return pack(x)
        if not cnp.PyArray_ISBEHAVED_RO(<ndarray>x):
            return np.array(x, dtype=x.dtype.newbyteorder("="))
        return x
    if PyFloat_CheckExact(x) or PyLong_CheckExact(x) or isinstance(x, (bool, complex)):
        return x
    if isinstance(x, (np.generic, list, tuple)):
        return as_operand(np.asarray(x))
    if isinstance(x, np.ndarray):  # a subclass: its data, as the protocol gave it to us
        return as_operand(np.asarray(x))
    return NotImplemented


cdef together(a, b):
    """(algebra, a, b) with both numbers over their union."""
    cdef tuple u
    if type(a) is not Taylor:
        return (<Taylor>b).alg, a, b
    if type(b) is not Taylor or (<Taylor>a).alg is (<Taylor>b).alg:
        return (<Taylor>a).alg, a, b
    u = union_of((<Taylor>a).alg, (<Taylor>b).alg)
    return u[0], embed(a, u[0], u[1]), embed(b, u[0], u[2])


cdef dtype_operand(x):
    return (<Taylor>x).dtype if type(x) is Taylor else x


cdef one_dtype(a, b):
    """Both operands in the dtype that NumPy gives the result; Python numbers become float."""
    cdef bint fa = is_float64(a), fb = is_float64(b)
    if fa and fb:
        return a, b
    if fa and (PyFloat_CheckExact(b) or PyLong_CheckExact(b)):
        return a, float(b)
    if fb and (PyFloat_CheckExact(a) or PyLong_CheckExact(a)):
        return float(a), b
    dtype = np.result_type(dtype_operand(a), dtype_operand(b))
    return to_dtype(a, dtype), to_dtype(b, dtype)


cdef bint is_float64(x) noexcept:
    if type(x) is Taylor:
        return (<Taylor>x)._value is None or (
            cnp.PyArray_TYPE((<Taylor>x)._value) == cnp.NPY_DOUBLE)
    return cnp.PyArray_Check(x) and cnp.PyArray_TYPE(<ndarray>x) == cnp.NPY_DOUBLE


cdef to_dtype(x, dtype):
    if type(x) is Taylor:
        return x if (<Taylor>x).dtype == dtype else cast(x, dtype)
    return np.asarray(x, dtype)


cdef power(a, p, bint ufunc):
    """a ** p; ufunc: called as np.power, which has no short cuts for special exponents."""
    cdef Taylor x, y
    cdef double e
    if type(a) is Taylor and (PyFloat_Check(p) or PyLong_CheckExact(p)):
        x = <Taylor>a
        e = p
        if x._value is None:
            y = new_scalar(x.alg)
            y.c[0] = c_pow(x.c[0], e)
            if not isfinite(y.c[0]):
                np.power(_float64(x.c[0]), e)  # for its warning
            run_scalar(DD_power, x.alg.t, y.c, x.c, True, NULL, False, e)
            return y
        if PyFloat_CheckExact(p) or PyLong_CheckExact(p) or is_float64(x):
            if e == 2.0 and not ufunc and kernel_type(cnp.PyArray_TYPE(x._value)) >= 0:
                return array_unary(DD_power, x, e, None, SQUARE)
            value = np.power(x._value, p) if ufunc else x._value ** p
            if not cnp.PyArray_IS_C_CONTIGUOUS(value):
                value = value.copy("C")
            return array_unary(DD_power, x, e, value, NO_VALUES)
    return _rows[np.power](a, p)


cdef Taylor sum_all(Taylor x):
    """np.sum(x) of a contiguous float array: None where this does not apply."""
    cdef Taylor y
    cdef Py_ssize_t i, n
    cdef int type
    if x._value is None:
        return x
    if x.base is not None:
        sync(x)
    type = kernel_type(cnp.PyArray_TYPE(x._value))
    if type < 0 or cnp.PyArray_NDIM(x._value) > 1 and not (
        cnp.PyArray_IS_C_CONTIGUOUS(x._value) and cnp.PyArray_IS_C_CONTIGUOUS(x._terms)
    ):
        return None
    if cnp.PyArray_TYPE(x._value) != cnp.NPY_DOUBLE or cnp.PyArray_NDIM(x._value) == 0:
        return None
    cdef Py_ssize_t step = sizeof(double), tstep = sizeof(double), rows
    if cnp.PyArray_NDIM(x._value) == 1:
        step = cnp.PyArray_STRIDE(x._value, 0)
        tstep = cnp.PyArray_STRIDE(x._terms, 1)
    n = cnp.PyArray_SIZE(x._value)
    rows = cnp.PyArray_STRIDE(x._terms, 0)
    y = new_scalar(x.alg)
    add_up(type, <char *>y.c, <char *>cnp.PyArray_DATA(x._value), n, step)
    if not isfinite(y.c[0]):
        np.add.reduce(x._value, axis=None)  # for its warning
    cdef char *t = <char *>cnp.PyArray_DATA(x._terms)
    if n * x.alg.M > 20000:
        with nogil:
            for i in range(1, x.alg.M):
                add_up(type, <char *>(y.c + i), t + (i - 1) * rows, n, tstep)
    else:
        for i in range(1, x.alg.M):
            add_up(type, <char *>(y.c + i), t + (i - 1) * rows, n, tstep)
    return y


# ---- arrays of numbers ------------------------------------------------------------

def pack(x):
    """One number from an object array, or nested lists, of numbers and constants.

    Anything without a Taylor in it comes back as np.asarray makes it.
    """
    cdef Taylor e, y
    cdef Algebra alg = None
    cdef Py_ssize_t i, n, r, M
    cdef cnp.npy_intp *at
    cdef double *terms
    if type(x) is Taylor:
        return x
    arr = object_array(x)
    if arr.dtype != object:
        return arr
    flat = arr.ravel()
    items = [flat[i] for i in range(flat.size)]
    dtype = None
    plain = True
    for item in items:
        if type(item) is Taylor:
            e = <Taylor>item
            if e.ndim:
                raise TypeError(
                    "dualdiff: an object array holds numbers of different shapes; stack numbers "
                    "of one shape, or keep them in a list")
            if e.base is not None:
                sync(e)
            if alg is None:
                alg = e.alg
            elif alg is not e.alg:
                alg = union_of(alg, e.alg)[0]
            plain = plain and e._value is None
    if alg is None:
        return np.array(items + [None], object)[:-1].reshape(arr.shape) if not items else (
            np.array(items).reshape(arr.shape))
    if not plain or not all(
        type(item) is Taylor or isinstance(item, (float, int)) for item in items
    ):
        dtype = np.result_type(*[dtype_operand(item) for item in items])
        plain = dtype == _float64_dtype
    else:
        dtype = _float64_dtype
    n = len(items)
    M = alg.M
    value = np.empty(n, dtype)
    rows = np.zeros((M - 1, n), dtype)
    terms = <double *>cnp.PyArray_DATA(<ndarray>rows)
    for i in range(n):
        item = items[i]
        if type(item) is not Taylor:
            value[i] = item
            continue
        e = <Taylor>item
        if e.alg is not alg:
            u = union_of(alg, e.alg)
            e = embed(e, alg, u[2])
        if e._value is None and plain:
            value[i] = e.c[0]
            for r in range(1, M):
                terms[(r - 1) * n + i] = e.c[r]
        else:
            value[i] = value_of(e)
            rows[:, i] = terms_of(e)
    return new_array(alg, value.reshape(arr.shape), rows.reshape((M - 1,) + arr.shape))


cdef object_array(x):
    if cnp.PyArray_Check(x):
        return x
    try:
        return np.array(x)
    except ValueError:
        raise TypeError(
            "dualdiff: a nested sequence of numbers of different shapes cannot become one "
            "array; give all entries one shape") from None


# ---- for the kinds -------------------------------------------------------------------

def is_taylor(x):
    """Whether x is a Taylor number."""
    return type(x) is Taylor


def make(Algebra alg, value, terms):
    """A number from an algebra, its values, and its terms of shape (M - 1, *shape)."""
    return new_array(alg, np.asarray(value), np.asarray(terms))


def make_view(Taylor x, value, terms):
    """A number whose arrays are views into those of x: it follows x's assignments."""
    return new_view(x, value, terms)


def parts(Taylor x):
    """(algebra, value, terms) of a number; value is an ndarray, without dimensions too."""
    terms = terms_of(x)
    return x.alg, (np.asarray(_float64(x.c[0])) if x._value is None else x._value), terms


def unify(*args):
    """(algebra, operands): numbers as (value, terms) over their union, the rest as (x, None).

    Object arrays and lists that hold numbers are packed.  algebra is None without numbers.
    """
    cdef Algebra alg = None
    cdef list out = []
    for x in args:
        if type(x) is not Taylor and (
            isinstance(x, (list, tuple)) or (cnp.PyArray_Check(x) and x.dtype == object)
        ):
            x = pack(x)
        out.append(x)
        if type(x) is Taylor:
            if (<Taylor>x).base is not None:
                sync(<Taylor>x)
            if alg is None:
                alg = (<Taylor>x).alg
            elif alg is not (<Taylor>x).alg:
                alg = union_of(alg, (<Taylor>x).alg)[0]
    for i, x in enumerate(out):
        if type(x) is not Taylor:
            out[i] = (x, None)
            continue
        if (<Taylor>x).alg is not alg:
            x = embed(x, alg, union_of(alg, (<Taylor>x).alg)[2])
        out[i] = (np.asarray(value_of(x)), terms_of(x))
    return alg, out


def apply(name, Taylor a, b=None, double p=0.0, value=None):
    """Kernel `name` of a, and of b where it has two operands; value: the values if known.

    A given value must have the dtype of the operands and the shape of the result.
    """
    cdef int kernel = _kernel_numbers[name]
    cdef Taylor y
    cdef Algebra alg
    if a.base is not None:
        sync(a)
    if value is not None:
        value = np.asarray(value)
        if a._value is None and (value.ndim or value.dtype != _float64_dtype):
            a = cast(a, value.dtype)
            a._value = np.asarray(a._value) if a._value is not None else None
    if b is None:
        if a._value is None:
            y = new_scalar(a.alg)
            y.c[0] = scalar_value(kernel, a.c[0]) if value is None else value
            run_scalar(kernel, a.alg.t, y.c, a.c, True, NULL, False, p)
            return y
        if value is not None:
            value = np.array(value, order="C", copy=None, subok=False)
        return array_unary(kernel, a, p, value, kernel)
    b = as_operand(b)
    alg, x, b = together(a, b)
    x, b = one_dtype(x, b)
    if value is None:
        return binary(kernel, x, b)
    if not type_is_array(x) and not type_is_array(b) and value.ndim == 0:
        y = new_scalar(alg)
        y.c[0] = value
        b_value = float(b) if type(b) is not Taylor else None
        return _apply_scalars(kernel, y, <Taylor>x, b, b_value)
    return array_binary(kernel, alg, x, b, np.array(value, order="C", copy=None))


cdef _apply_scalars(int kernel, Taylor y, Taylor x, b, b_value):
    cdef double k
    if b_value is None:
        run_scalar(kernel, y.alg.t, y.c, x.c, True, (<Taylor>b).c, True, 0.0)
    else:
        k = b_value
        run_scalar(kernel, y.alg.t, y.c, x.c, True, &k, False, 0.0)
    return y


# ---- indexing --------------------------------------------------------------------------

cdef bint basic_index(index) noexcept:
    """Whether NumPy gives a view: integers, slices, None and Ellipsis only."""
    if type(index) is tuple:
        for i in <tuple>index:
            if not basic_index(i):
                return False
        return True
    return (PyLong_CheckExact(index) or type(index) is slice or index is None
            or index is Ellipsis or isinstance(index, np.integer))


cdef Taylor element(Taylor x, Py_ssize_t i):
    """x[i] of a one-dimensional float64 number."""
    cdef Taylor y
    cdef Py_ssize_t r, step, n = cnp.PyArray_DIM(x._value, 0)
    cdef char *src
    if i < 0:
        i += n
    if i < 0 or i >= n:
        raise IndexError(f"index {i - n if i < 0 else i} is out of bounds for axis 0 with size {n}")
    y = new_scalar(x.alg)
    y.c[0] = (<double *>(<char *>cnp.PyArray_DATA(x._value)
                         + i * cnp.PyArray_STRIDE(x._value, 0)))[0]
    src = <char *>cnp.PyArray_DATA(x._terms) + i * cnp.PyArray_STRIDE(x._terms, 1)
    step = cnp.PyArray_STRIDE(x._terms, 0)
    for r in range(1, x.alg.M):
        y.c[r] = (<double *>(src + (r - 1) * step))[0]
    return y


cdef last_axis(terms, index):
    """(terms with the coefficients last, index that leaves that axis alone)."""
    if type(index) is not tuple:
        index = (index,)
    for i in index:
        if i is Ellipsis:
            index = index + (_all,)
            break
    return np.moveaxis(terms, 0, -1), index


cdef ndarray axis_view(ndarray a, int axis, Py_ssize_t start, Py_ssize_t step, Py_ssize_t n):
    """a[..., start : : step, ...] along one axis, n elements."""
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] dims, strides
    cdef int q, nd = cnp.PyArray_NDIM(a)
    cdef ndarray v
    for q in range(nd):
        dims[q] = cnp.PyArray_DIM(a, q)
        strides[q] = cnp.PyArray_STRIDE(a, q)
    cdef char *data = <char *>cnp.PyArray_DATA(a) + start * strides[axis]
    dims[axis] = n
    strides[axis] *= step
    Py_INCREF(<object>cnp.PyArray_DESCR(a))
    v = PyArray_NewFromDescr(_ndarray, cnp.PyArray_DESCR(a), nd, dims, strides, data,
                             cnp.PyArray_FLAGS(a) & cnp.NPY_ARRAY_WRITEABLE, NULL)
    Py_INCREF(a)
    cnp.PyArray_SetBaseObject(v, a)
    return v


cdef getitem(Taylor x, index):
    cdef Taylor y
    cdef Py_ssize_t start, stop, step, n
    if x._value is None:
        y = Taylor.__new__(Taylor)
        y.alg = x.alg
        y._value = np.asarray(_float64(x.c[0]))
        y._terms = terms_of(x)
        if index is Ellipsis or (type(index) is tuple and len(index) == 0):
            return x
        x = y
    elif x.base is not None:
        sync(x)
    if PyLong_CheckExact(index):
        if cnp.PyArray_NDIM(x._value) == 1 and cnp.PyArray_TYPE(x._value) == cnp.NPY_DOUBLE:
            return element(x, PyLong_AsSsize_t(index))
        return new_view(x, np.asarray(x._value[index]), x._terms[_all, index])
    if type(index) is slice and cnp.PyArray_NDIM(x._value):
        PySlice_Unpack(index, &start, &stop, &step)
        n = PySlice_AdjustIndices(cnp.PyArray_DIM(x._value, 0), &start, &stop, step)
        return new_view(x, axis_view(x._value, 0, start, step, n),
                        axis_view(x._terms, 1, start, step, n))
    if basic_index(index):
        value = np.asarray(x._value[index])
        if type(index) is not tuple:
            index = (index,)
        return new_view(x, value, np.asarray(x._terms[(_all,) + <tuple>index]))
    index = plain_index(index)
    value = np.asarray(x._value[index])
    terms, index = last_axis(x._terms, index)
    return new_array(x.alg, value, np.ascontiguousarray(np.moveaxis(terms[index], -1, 0)))


cdef plain_index(index):
    if type(index) is Taylor or (type(index) is tuple and any(type(i) is Taylor for i in index)):
        raise IndexError("dualdiff: a number cannot be an index: it has derivatives; use integers "
                         "or booleans (comparisons and argsort of numbers give plain arrays)")
    return index


cdef int setitem(Taylor x, index, v) except -1:
    cdef tuple u
    v = as_operand(v)
    if v is NotImplemented:
        raise TypeError("dualdiff: only numbers, arrays and Python numbers can be assigned to the "
                        "elements of a number")
    index = plain_index(index)
    if x._value is None:
        return set_scalar(x, index, v)
    if x.base is not None:
        sync(x)
    if type(v) is Taylor:
        if (<Taylor>v).alg is not x.alg:
            u = union_of(x.alg, (<Taylor>v).alg)
            if u[1] is not None:
                grow(x, u[0], u[1])
            v = embed(v, u[0], u[2])
        if np.issubdtype((<Taylor>v).dtype, np.complexfloating) and not np.issubdtype(
            x.dtype, np.complexfloating
        ):
            raise TypeError("dualdiff: a complex number cannot be assigned to elements of a real "
                            "one; make the target complex first: x = x.astype(complex)")
        x._value[index] = value_of(v)
        new_terms = np.moveaxis(terms_of(v), 0, -1)
    else:
        x._value[index] = v
        new_terms = 0
    terms, index = last_axis(x._terms, index)
    terms[index] = new_terms
    return 0


cdef int set_scalar(Taylor x, index, v) except -1:
    cdef tuple u
    cdef Taylor y
    if not (index is Ellipsis or index == ()):
        raise IndexError("too many indices for array: array is 0-dimensional")
    if type(v) is Taylor:
        if (<Taylor>v).alg is not x.alg:
            u = union_of(x.alg, (<Taylor>v).alg)
            if u[1] is not None:
                grow(x, u[0], u[1])
            v = embed(v, u[0], u[2])
        y = (<Taylor>v).reshape(()) if (<Taylor>v).ndim else cast(v, _float64_dtype)
        memcpy(x.c, y.c, x.alg.M * sizeof(double))
    else:
        x.c[0] = v
        memset(x.c + 1, 0, (x.alg.M - 1) * sizeof(double))
    return 0


# ---- the type ------------------------------------------------------------------------------

cdef lost(what, remedy):
    return TypeError(f"dualdiff: {what} would lose the derivative; {remedy}")


cdef compare(Taylor x, other, int op):
    """Comparisons look at the value only."""
    cdef double a, b
    cdef bint r
    if type(other) is Taylor:
        if x._value is not None or (<Taylor>other)._value is not None:
            return PyObject_RichCompare(value_of(x), value_of(<Taylor>other), op)
        b = (<Taylor>other).c[0]
    elif x._value is None and PyFloat_CheckExact(other):
        b = PyFloat_AS_DOUBLE(other)
    else:
        if cnp.PyArray_Check(other) and cnp.PyArray_TYPE(<ndarray>other) == cnp.NPY_OBJECT:
            other = value_of(pack(other))
        return PyObject_RichCompare(value_of(x), other, op)
    a = x.c[0]
    if op == Py_LT:
        r = a < b
    elif op == Py_LE:
        r = a <= b
    elif op == Py_GT:
        r = a > b
    elif op == Py_GE:
        r = a >= b
    elif op == Py_EQ:
        r = a == b
    else:
        r = a != b
    return _true if r else _false


cdef in_place(Taylor x, y):
    """x op= gave y: write it into x's memory; without dimensions, a new number (as NumPy)."""
    cdef Taylor r
    if y is NotImplemented or x._value is None or type(y) is not Taylor:
        return y
    r = <Taylor>y
    if r.shape != x.shape:
        raise ValueError(f"non-broadcastable output operand with shape {x.shape} doesn't match "
                         f"the broadcast shape {r.shape}")
    if not np.can_cast(r.dtype, x.dtype, "same_kind"):
        raise TypeError(f"Cannot cast the result of an in-place operation from {r.dtype!r} to "
                        f"{x.dtype!r} with casting rule 'same_kind'")
    setitem(x, Ellipsis, r)
    return x


@cython.final
@cython.freelist(64)
@cython.no_gc
cdef class Taylor:
    """A truncated Taylor polynomial carried over an array: the number of dualdiff.

    Numbers are made by the transforms (`grad`, `jvp`, ...), which hand them to your
    function, and by `variables`, `dual`, `hyperdual` and `taylor_number` for work by hand.
    They behave as ndarrays do: operators, NumPy's functions, indexing, methods.
    """

    def __init__(self, *args, **kwargs):
        raise TypeError("dualdiff: numbers are made by grad, jvp, ..., or by hand with variables(), "
                        "dual(), hyperdual(), taylor_number()")

    def __dealloc__(self):
        if self.c != NULL and self.c != self.room:
            free(self.c)

    # -- what it is

    @property
    def value(self):
        """The primal: a read-only array, or a NumPy scalar without dimensions."""
        if self._value is None:
            return _float64(self.c[0])
        if cnp.PyArray_NDIM(self._value) == 0:
            return self._value[()]
        out = self._value.view()
        out.flags.writeable = False
        return out

    @property
    def terms(self):
        """Taylor coefficients of the non-constant monomials: shape (M - 1, *shape), read-only."""
        out = terms_of(self).view()
        out.flags.writeable = False
        return out

    @property
    def algebra(self):
        """The algebra: which seeds, to which order."""
        if self.base is not None:
            sync(self)
        return self.alg

    @property
    def shape(self):
        """Tuple of array dimensions."""
        return () if self._value is None else (<object>self._value).shape

    @shape.setter
    def shape(self, shape):
        raise AttributeError("dualdiff: the shape of a number cannot be set; use x.reshape(shape)")

    @property
    def ndim(self):
        """Number of array dimensions."""
        return 0 if self._value is None else cnp.PyArray_NDIM(self._value)

    @property
    def size(self):
        """Number of elements."""
        return 1 if self._value is None else cnp.PyArray_SIZE(self._value)

    @property
    def dtype(self):
        """dtype of the value and of every coefficient."""
        return _float64_dtype if self._value is None else self._value.dtype

    @property
    def T(self):
        """The transpose, a view."""
        return self if self.ndim < 2 else self.transpose()

    def sum(self, *args, **kwargs):
        """Sum of array elements: see numpy.sum."""
        cdef Taylor total = sum_all(self) if not args and not kwargs else None
        return _rows[_sum](self, *args, **kwargs) if total is None else total

    def __getattr__(self, name):
        found = METHODS.get(name)
        if found is not None:
            return found.__get__(self)
        found = ATTRIBUTES.get(name)
        if found is not None:
            return found(self)
        raise AttributeError(f"a dualdiff number has no attribute {name!r}")

    def __dir__(self):
        return sorted({*object.__dir__(self), *METHODS, *ATTRIBUTES})

    def __repr__(self):
        return HOOKS["repr"](self)

    def __str__(self):
        return HOOKS["str"](self)

    def __format__(self, spec):
        return HOOKS["format"](self, spec)

    # -- what it cannot become

    def __float__(self):
        raise lost("float(x)", "compute with NumPy's functions (np.sin, not math.sin), keep numbers "
                   "in lists or in np.zeros_like(x) rather than in np.zeros(n), or decorate the "
                   "function with dualdiff.lift; x.value is the plain value")

    def __int__(self):
        raise lost("int(x)", "use x.value where the derivative is not wanted")

    def __index__(self):
        raise lost("using a number as an index or an integer",
                   "use int(x.value) where the derivative is not wanted")

    def __complex__(self):
        raise lost("complex(x)", "write x + 0j")

    def __hash__(self):
        raise TypeError("dualdiff: numbers are not hashable: they compare by value and have "
                        "derivatives; use x.value as the key")

    def __reduce__(self):
        raise TypeError("dualdiff: numbers cannot be pickled: their seeds belong to a running "
                        "derivative call; send x.value, or differentiate inside the worker")

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    # -- as a container

    def __bool__(self):
        return bool(value_of(self))

    def __len__(self):
        if self._value is None:
            raise TypeError("len() of unsized object")
        return len(self._value)

    def __getitem__(self, index):
        return getitem(self, index)

    def __setitem__(self, index, v):
        setitem(self, index, v)

    def __delitem__(self, index):
        raise ValueError("cannot delete array elements")

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return map(self.__getitem__, range(len(self._value)))

    def __contains__(self, x):
        return bool(np.any(value_of(self) == (value_of(x) if type(x) is Taylor else x)))

    # -- operators

    def __add__(self, other):
        return binary(DD_add, self, other)

    def __radd__(self, other):
        return binary(DD_add, other, self)

    def __iadd__(self, other):
        return in_place(self, binary(DD_add, self, other))

    def __sub__(self, other):
        return binary(DD_sub, self, other)

    def __rsub__(self, other):
        return binary(DD_sub, other, self)

    def __isub__(self, other):
        return in_place(self, binary(DD_sub, self, other))

    def __mul__(self, other):
        return binary(DD_mul, self, other)

    def __rmul__(self, other):
        return binary(DD_mul, other, self)

    def __imul__(self, other):
        return in_place(self, binary(DD_mul, self, other))

    def __truediv__(self, other):
        return binary(DD_div, self, other)

    def __rtruediv__(self, other):
        return binary(DD_div, other, self)

    def __itruediv__(self, other):
        return in_place(self, binary(DD_div, self, other))

    def __pow__(self, other, modulo):
        if modulo is not None:
            return NotImplemented
        return power(self, other, False)

    def __rpow__(self, other, modulo):
        return power(other, self, False)

    def __ipow__(self, other):
        return in_place(self, power(self, other, False))

    def __matmul__(self, other):
        return np.matmul(self, other)

    def __rmatmul__(self, other):
        return np.matmul(other, self)

    def __imatmul__(self, other):
        return in_place(self, np.matmul(self, other))

    def __mod__(self, other):
        return np.remainder(self, other)

    def __rmod__(self, other):
        return np.remainder(other, self)

    def __imod__(self, other):
        return in_place(self, np.remainder(self, other))

    def __floordiv__(self, other):
        return np.floor_divide(self, other)

    def __rfloordiv__(self, other):
        return np.floor_divide(other, self)

    def __divmod__(self, other):
        return np.divmod(self, other)

    def __rdivmod__(self, other):
        return np.divmod(other, self)

    def __neg__(self):
        return unary(DD_neg, self)

    def __pos__(self):
        return self.copy()

    def __abs__(self):
        return np.absolute(self)

    def __lt__(self, other):
        return compare(self, other, Py_LT)

    def __le__(self, other):
        return compare(self, other, Py_LE)

    def __gt__(self, other):
        return compare(self, other, Py_GT)

    def __ge__(self, other):
        return compare(self, other, Py_GE)

    def __eq__(self, other):
        return compare(self, other, Py_EQ)

    def __ne__(self, other):
        return compare(self, other, Py_NE)

    def __round__(self, ndigits=None):
        return round(value_of(self), ndigits)

    def __trunc__(self):
        return int(value_of(self))

    def __floor__(self):
        return int(np.floor(value_of(self)))

    def __ceil__(self):
        return int(np.ceil(value_of(self)))

    # -- NumPy's protocols

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method == "__call__" and not kwargs:
            if len(inputs) == 1:
                kernel = _unary.get(ufunc)
                if kernel is not None:
                    return unary(kernel, inputs[0])
            elif len(inputs) == 2:
                kernel = _binary.get(ufunc)
                if kernel is not None:
                    return binary(kernel, inputs[0], inputs[1])
                if ufunc is np.power:
                    return power(inputs[0], inputs[1], True)
            row = _rows.get(ufunc)
            if row is not None:
                return row(*inputs)
        return _hooks["ufunc"](ufunc, method, inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        if func is _sum and len(args) == 1 and not kwargs and type(args[0]) is Taylor:
            total = sum_all(<Taylor>args[0])
            if total is not None:
                return total
        row = _rows.get(func)
        if row is None:
            return _hooks["function"](func, types, args, kwargs)
        return row(*args, **kwargs)
