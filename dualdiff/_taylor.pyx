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

import operator

import numpy as np

cimport cython
cimport numpy as cnp
from cpython.buffer cimport PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check, PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.object cimport Py_EQ, Py_GE, Py_GT, Py_LE, Py_LT, Py_NE, PyObject_RichCompare
from cpython.ref cimport Py_INCREF, Py_REFCNT
from libc.math cimport fabs, isfinite
from libc.math cimport log as c_log
from libc.math cimport pow as c_pow
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset
from numpy cimport ndarray, npy_intp

from dualdiff._algebra cimport (
    Algebra, Factor, Table, algebra_of, dense_algebra, first_seeds, laned_algebra, lower_of,
    relabel, replace_factor, union_of,
)
from dualdiff._csrc cimport (
    DD_add, DD_chain, DD_choose, DD_cos, DD_cosh, DD_div, DD_exp, DD_expm1, DD_log, DD_log1p,
    DD_maximum, DD_minimum, DD_mul, DD_neg, DD_pos, DD_power, DD_sin, DD_sinh, DD_sqrt, DD_sub,
    DD_tan, DD_tanh, dd_array, dd_job, dd_runs, dd_step, dd_total,
)
from dualdiff._driver import kernel_names
from dualdiff._memory import Block

from dualdiff._driver cimport (
    NO_VALUES, POWER, SQUARE, add_up, copy_array, execute, execute_rows, execute_sum, exponent,
    fingerprint, fingerprint_product, is_exact, kernel_type, one_step, operand, rolled_operand,
    run_scalar, scalar_operand, scalar_value, scalar_value2, scaled_row, scatter_runs, set_kernel,
    set_shape, sum_rows, value_ufunc, values_by,
)

from dualdiff._compress cimport Rows
from dualdiff._memory cimport empty

cnp.import_array()

cdef extern from "Python.h":
    double PyLong_AsDouble(object o) except? -1.0
    int PySlice_Unpack(object s, Py_ssize_t *start, Py_ssize_t *stop, Py_ssize_t *step) except -1
    Py_ssize_t PySlice_AdjustIndices(Py_ssize_t n, Py_ssize_t *start, Py_ssize_t *stop,
                                     Py_ssize_t step)

cdef extern from "numpy/arrayobject.h":
    # of arrays that are borrowed, not counted: for reading single elements
    int borrowed_ndim "PyArray_NDIM" (void *a) nogil
    int borrowed_type "PyArray_TYPE" (void *a) nogil
    char *borrowed_data "PyArray_DATA" (void *a) nogil
    Py_ssize_t borrowed_dim "PyArray_DIM" (void *a, int q) nogil
    Py_ssize_t borrowed_stride "PyArray_STRIDE" (void *a, int q) nogil
    ndarray PyArray_NewFromDescr(type subtype, cnp.PyArray_Descr *descr, int nd, cnp.npy_intp *dims,
                                 cnp.npy_intp *strides, void *data, int flags, void *obj)

# Filled by rows/: what NumPy's functions do to a number, by function object.
ROWS = {}        # np.f -> callable with the signature of np.f
METHODS = {}     # name of an ndarray method -> function(number, ...)
ATTRIBUTES = {}  # name of an ndarray attribute -> function(number)
LANED = {}       # np.f -> callable for numbers with lanes, which may say NotImplemented
LANED_METHODS = {}  # name of an ndarray method -> function for numbers with lanes
# "ufunc": calls with keywords, methods, unknown ufuncs; "function": unknown functions;
# "reference": kernels of other dtypes; "repr", "str", "format".
HOOKS = {}

cdef object _ndarray_class = np.ndarray
cdef type _block = Block

cdef dict _rows = ROWS, _hooks = HOOKS
cdef type _ndarray = np.ndarray
cdef object _float64 = np.float64, _float64_dtype = np.dtype(np.float64)
cdef object _all = slice(None), _sum = np.sum, _mean = np.mean, _matmul = np.matmul
cdef object _true = np.True_, _false = np.False_
cdef dict _unary = {
    np.negative: DD_neg, np.sqrt: DD_sqrt, np.exp: DD_exp, np.log: DD_log, np.sin: DD_sin,
    np.cos: DD_cos, np.tan: DD_tan, np.expm1: DD_expm1, np.log1p: DD_log1p, np.sinh: DD_sinh,
    np.cosh: DD_cosh, np.tanh: DD_tanh,
}
cdef dict _binary = {
    np.add: DD_add, np.subtract: DD_sub, np.multiply: DD_mul, np.true_divide: DD_div,
    np.maximum: DD_maximum, np.minimum: DD_minimum,
}
# of those that `apply` knows; `choose` is a function of its own
cdef dict _kernel_numbers = {name: k for k, name in enumerate(kernel_names) if k != DD_choose}


# References to a number that nobody has but np.sum, and its own sum, once they are called.
cdef Py_ssize_t _sum_references = 0, _method_references = 0


cdef class Slate  # a plain array that becomes a number (_slates.pxi)


include "_storage.pxi"
include "_later.pxi"
include "_arithmetic.pxi"
include "_powers.pxi"
include "_lanes.pxi"
include "_lanes_dense.pxi"
include "_lane_moves.pxi"
include "_lane_joins.pxi"
include "_sums.pxi"
include "_steps.pxi"
include "_step_kinds.pxi"
include "_lanes_interface.pxi"
include "_interface.pxi"
include "_indexing.pxi"
include "_slates.pxi"
include "_slate_type.pxi"


# ---- the type ------------------------------------------------------------------------------

cdef lost(what, remedy):
    return TypeError(f"dualdiff: {what} would lose the derivative; {remedy}")


cdef compare(Taylor x, other, int op):
    """Comparisons look at the value only."""
    cdef double a, b
    cdef bint r
    if type(other) is Taylor:
        if x._value is not None or (<Taylor>other)._value is not None:
            return PyObject_RichCompare(value_to_compare(x), value_to_compare(<Taylor>other), op)
        b = (<Taylor>other).c[0]
    elif x._value is None and PyFloat_CheckExact(other):
        b = PyFloat_AS_DOUBLE(other)
    else:
        if cnp.PyArray_Check(other) and cnp.PyArray_TYPE(<ndarray>other) == cnp.NPY_OBJECT:
            other = value_of(pack(other))
        return PyObject_RichCompare(value_to_compare(x), other, op)
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
@cython.c_api_binop_methods(True)  # operators are called for either side: no test of types first
cdef class Taylor:
    """A truncated Taylor polynomial carried over an array: the number of dualdiff.

    Numbers are made by the transforms (`grad`, `jvp`, ...), which hand them to your
    function, and by `variables`, `dual`, `hyperdual` and `taylor_number` for work by hand.
    They behave as ndarrays do: operators, NumPy's functions, indexing, methods.
    """

    def __init__(self, *args, **kwargs):
        raise TypeError("dualdiff: numbers are made by grad, jvp, ..., or by hand with "
                        "variables(), dual(), hyperdual(), taylor_number()")

    # -- what it is

    @property
    def value(self):
        """The primal: a read-only array, or a NumPy scalar without dimensions."""
        if self._value is None:
            return _float64(self.c[0])
        if is_put_off(self):
            sync(self)
        if cnp.PyArray_NDIM(self._value) == 0:
            return self._value[()]
        out = self._value.view()
        out.flags.writeable = False
        return out

    @property
    def terms(self):
        """Taylor coefficients of the non-constant monomials, read-only: ``(M - 1, *shape)``."""
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
    def __class__(self):
        """np.ndarray, for code that asks isinstance(x, np.ndarray); type(x) is Taylor."""
        return _ndarray_class

    @property
    def dtype(self):
        """dtype of the value and of every coefficient."""
        return _float64_dtype if self._value is None else self._value.dtype

    @property
    def T(self):
        """The transpose, a view."""
        return self if self.ndim < 2 else self.transpose()

    @property
    def real(self):
        """Real part, a view."""
        return ATTRIBUTES["real"](self)

    @real.setter
    def real(self, v):
        (self if self.dtype.kind != "c" else ATTRIBUTES["real"](self))[...] = v

    @property
    def imag(self):
        """Imaginary part, a view; zeros of a real number."""
        return ATTRIBUTES["imag"](self)

    @imag.setter
    def imag(self, v):
        if self.dtype.kind != "c":
            raise TypeError("cannot set the imaginary part of a number that is not complex; "
                            "write x + 1j * y")
        ATTRIBUTES["imag"](self)[...] = v

    @property
    def flat(self):
        """The elements in C order, as a sequence that can be assigned to."""
        return ATTRIBUTES["flat"](self)

    @flat.setter
    def flat(self, v):
        ATTRIBUTES["flat"](self)[:] = v

    def sum(self, *args, **kwargs):
        """Sum of array elements: see numpy.sum."""
        global _method_references
        if not _method_references:
            _method_references = Py_REFCNT(self)
        cdef bint alone = Py_REFCNT(self) <= _method_references
        cdef Taylor total = None if args or kwargs else sum_all(self, alone)
        return np.sum(self, *args, **kwargs) if total is None else total

    def mean(self, *args, **kwargs):
        """Mean of array elements: see numpy.mean."""
        cdef bint alone = Py_REFCNT(self) <= _method_references
        cdef Taylor total = None if args or kwargs else mean_all(self, alone)
        return np.mean(self, *args, **kwargs) if total is None else total

    def __getattr__(self, name):
        found = METHODS.get(name) if self.lanes is None else (
            LANED_METHODS.get(name) or METHODS.get(name))
        if found is not None:
            return found.__get__(self)
        found = ATTRIBUTES.get(name)
        if found is not None:
            return found(self)
        raise AttributeError(f"a dualdiff number has no attribute {name!r}")

    def __dir__(self):
        return sorted({*dir(Taylor), *METHODS, *ATTRIBUTES})

    def __repr__(self):
        return HOOKS["repr"](self)

    def __str__(self):
        return HOOKS["str"](self)

    def __format__(self, spec):
        return HOOKS["format"](self, spec)

    # -- what it cannot become

    def __float__(self):
        raise lost("float(x)", "compute with NumPy's functions (np.sin, not math.sin), keep "
                   "numbers in lists, in np.zeros_like(x) or in dualdiff.numpy.zeros(n) rather "
                   "than in np.zeros(n), or decorate the function with dualdiff.lift; x.value is "
                   "the plain value")

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
        if PyLong_CheckExact(index) and self._value is not None and self.lanes is None and (
            borrowed_ndim(<void *>self._value) == 1
            and borrowed_type(<void *>self._value) == cnp.NPY_DOUBLE
        ):
            if self.base is not None:
                sync(self)
                return getitem(self, index)
            return element(self, index)
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

    def __add__(a, b):
        return binary(DD_add, a, b)

    def __sub__(a, b):
        return binary(DD_sub, a, b)

    def __mul__(a, b):
        return binary(DD_mul, a, b)

    def __truediv__(a, b):
        return binary(DD_div, a, b)

    def __pow__(a, b, modulo):
        return power(a, b, False) if modulo is None else NotImplemented

    def __matmul__(a, b):
        return np.matmul(a, b)

    def __mod__(a, b):
        return np.remainder(a, b)

    def __floordiv__(a, b):
        return np.floor_divide(a, b)

    def __divmod__(a, b):
        return np.divmod(a, b)

    def __iadd__(self, other):
        return in_place(self, binary(DD_add, self, other))

    def __isub__(self, other):
        return in_place(self, binary(DD_sub, self, other))

    def __imul__(self, other):
        return in_place(self, binary(DD_mul, self, other))

    def __itruediv__(self, other):
        return in_place(self, binary(DD_div, self, other))

    def __ipow__(self, other):
        return in_place(self, power(self, other, False))

    def __imatmul__(self, other):
        return in_place(self, np.matmul(self, other))

    def __imod__(self, other):
        return in_place(self, np.remainder(self, other))

    def __neg__(self):
        return unary(DD_neg, self)

    def __pos__(self):
        return self.copy()

    def __abs__(self):
        size = np.absolute(self)
        if self._value is not None and not cnp.PyArray_NDIM(self._value) and (
            cnp.PyArray_ISCOMPLEX(self._value)
        ):  # NumPy's scalars round otherwise than its arrays
            return revalued(size, abs(np.asarray(value_of(self))[()]))
        return size

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
            if any_slate(inputs):
                return NotImplemented  # the slate knows
            if ufunc is _matmul and self.lanes is None:
                result = product_of_seeds(inputs[0], inputs[1])
                if result is None:
                    result = small_product(inputs[0], inputs[1])
                if result is not None:
                    return result
            if self.lanes is not None and ufunc in LANED:
                result = LANED[ufunc](*inputs)
                if result is not NotImplemented:
                    return result
            row = _rows.get(ufunc)
            if row is not None:
                return row(*inputs)
        elif any_slate(inputs) or any_slate(kwargs.get("out")):
            return NotImplemented
        return _hooks["ufunc"](ufunc, method, inputs, kwargs)

    def __array_function__(self, func, types, args, kwargs):
        if len(types) > 1 and Slate in types:
            return NotImplemented  # the slate knows
        global _sum_references
        cdef bint alone
        if (func is _sum or func is _mean) and len(args) == 1 and not kwargs and (
            type(args[0]) is Taylor
        ):
            if not _sum_references:
                _sum_references = Py_REFCNT(self)
            alone = Py_REFCNT(self) <= _sum_references
            if func is _sum:
                total = sum_all(<Taylor>args[0], alone)
            else:
                total = mean_all(<Taylor>args[0], alone)
            if total is not None:
                return total
        if self.lanes is not None:
            form = LANED.get(func)
            if form is not None:
                result = form(*args, **kwargs)
                if result is not NotImplemented:
                    return result
        row = _rows.get(func)
        if row is None:
            return _hooks["function"](func, types, args, kwargs)
        return row(*args, **kwargs)


def number_without_seeds():
    return new_scalar(_no_seeds)


# See _sum_references: a call by Python has its argument on the interpreter's stack.
exec("total(number()); number().sum()", {"total": np.sum, "number": number_without_seeds})
