# cython: language_level=3
"""Seeding and reading: the two ends of every derivative call.

Seeding makes the inputs numbers over one fresh factor; reading takes the coefficients
of that factor off a result, which leaves plain arrays, or numbers over the factors of
outer calls.  Coefficients become derivatives here and nowhere else.

May import: the number, the algebra.  Invariant: inputs are copied, never changed.
"""

from types import MethodType

import numpy as np

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check
from cpython.ref cimport Py_REFCNT
from libc.stdint cimport INT64_MAX
from libc.string cimport memcpy, memset
from numpy cimport ndarray

from dualdiff._algebra cimport (
    Algebra, Factor, acquire, acquire_factor, release, release_factor,
)
from dualdiff._taylor cimport (
    LATER_BYTES, Taylor, dense_within, eliminated, has_lanes, is_pending, is_waiting, new_array,
    new_laned, new_scalar, recycled_copy, sync, terms_alone, terms_of, value_of,
)

from dualdiff._memory cimport empty

cnp.import_array()

from dualdiff._taylor import DenseLimit, StepsStop, apply, dense_limit, scatter_rows

cdef extern from "numpy/arrayobject.h":
    object PyArray_Scalar(void *data, cnp.PyArray_Descr *descr, object base)

cdef object _float64 = np.float64, _float64_descr = np.dtype(np.float64)


# ---- when seeds have lanes --------------------------------------------------------

cdef Py_ssize_t _from_order_1 = 24, _from_order_2 = 16  # seeds from which lanes pay
_mode = "auto"


def set_lanes(mode):
    """Choose how many-seed calls represent their seeds; returns the choice before.

    Parameters
    ----------
    mode : {"auto", "always", "never"}
        "auto" uses lanes (a sparse representation) from a number of seeds on where they
        pay; the others force one representation, for tests and comparisons.

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
    Results agree to rounding.  With lanes the cost of element-by-element functions does
    not grow with the number of inputs.

    Examples
    --------
    >>> import dualdiff
    >>> before = dualdiff.set_lanes("never")
    >>> dualdiff.set_lanes(before)
    'never'
    """
    global _mode
    if mode not in ("auto", "always", "never"):
        raise ValueError(f"set_lanes expected 'auto', 'always' or 'never', got {mode!r}")
    before = _mode
    _mode = mode
    return before


def lanes_pay(n, order):
    """Whether a call with n seeds to this order gives them lanes."""
    return with_lanes(n, order)


cdef bint with_lanes(Py_ssize_t n, int order):
    """Whether a call with n seeds gives them lanes."""
    if _mode == "auto":
        return n >= (_from_order_1 if order == 1 else _from_order_2)
    return _mode == "always"


cdef ndarray copied(x):
    """A C-contiguous copy of an array, of recycled memory if it is large."""
    if not (cnp.PyArray_CheckExact(x) and cnp.PyArray_TYPE(<ndarray>x) == cnp.NPY_DOUBLE
            and cnp.PyArray_ISBEHAVED_RO(<ndarray>x)):
        return np.array(x, order="C", subok=False)
    return recycled_copy(<ndarray>x)


cdef ndarray no_terms(Py_ssize_t rows, ndarray value):
    """Rows of zeros for the terms of a value."""
    cdef ndarray out = rows_for(rows, value)
    memset(cnp.PyArray_DATA(out), 0, cnp.PyArray_NBYTES(out))
    return out


cdef ndarray one_term(Py_ssize_t rows, ndarray value, Py_ssize_t s, v):
    """Rows of zeros but for row s, which is v; large ones of one v take no memory, read-only."""
    cdef ndarray out
    if cnp.PyArray_NBYTES(value) >= LATER_BYTES and np.ndim(v) == 0:
        out = np.zeros((rows,) + (1,) * cnp.PyArray_NDIM(value), (<object>value).dtype)
        (<object>out)[s] = v
        return np.broadcast_to(out, (rows,) + (<object>value).shape)
    out = rows_for(rows, value) if rows == 1 else no_terms(rows, value)
    (<object>out)[s] = v
    return out


cdef ndarray rows_for(Py_ssize_t rows, ndarray value):
    """Rows for the terms of a value, not set."""
    cdef cnp.npy_intp[cnp.NPY_MAXDIMS + 2] dims
    cdef int q, nd = cnp.PyArray_NDIM(value)
    if cnp.PyArray_TYPE(value) != cnp.NPY_DOUBLE:
        return np.empty((rows,) + (<object>value).shape, (<object>value).dtype)
    dims[0] = rows
    for q in range(nd):
        dims[q + 1] = cnp.PyArray_DIM(value, q)
    return empty(nd + 1, dims, cnp.NPY_DOUBLE)


cdef Taylor seed_lanes(Factor factor, ndarray value, Py_ssize_t first, labels=None):
    """x + e with one local seed, whose lane numbers the elements from `first` on.

    labels: other numbers than 0, 1, ... for the seeds.  The terms of a large array are not in
    memory, but one element of each row, read-only.
    """
    cdef Algebra alg
    factor.seeds()
    alg = factor.lanes(1)
    shape = (<object>value).shape
    terms = one_term(alg.M - 1, value, 0, 1)
    labels = factor.arange if labels is None else labels
    lane = labels[first : first + cnp.PyArray_SIZE(value)].reshape(shape)
    return new_laned(alg, value, terms, (lane,))


cdef class Call:
    """The seeds of one derivative call: use as a context manager around seeding and reading.

    n seeds kept to a total order; room, whole: see Factor; labels: the seed of each element
    where that is not its number.
    """

    cdef Algebra alg            # None where it would be too large: then every seed has lanes
    cdef readonly Factor factor
    cdef readonly bint laned
    cdef object labels

    def __init__(self, int n, int order, lanes=False, Py_ssize_t room=0, whole=None, labels=None):
        self.laned = with_lanes(n, order) if lanes is None else lanes
        if self.laned and order > 1:
            self.factor = acquire_factor(n, order)
        else:
            self.alg = acquire(n, order)
            self.factor = self.alg.factors[0]
        self.factor.room = room
        self.factor.whole = whole
        self.labels = labels

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        cdef Algebra alg = self.alg
        cdef Factor factor = self.factor
        self.alg = None
        factor.room = 0
        factor.whole = None
        self.factor = None
        if alg is not None:
            factor = None
            release(alg)
        elif factor is not None:
            release_factor(factor)

    @property
    def algebra(self):
        return self.alg

    def seed(self, x, Py_ssize_t first=0):
        """x + e: one seed for each element, in C order, from seed `first` on."""
        cdef Taylor y
        cdef Py_ssize_t n
        if self.laned:
            if type(x) is not Taylor:
                return seed_lanes(self.factor, copied(x), first, self.labels)
            value = np.array(value_of(<Taylor>x), order="C")
            return apply("add", x, seed_lanes(self.factor, value, first, self.labels),
                         value=value)
        if PyFloat_Check(x):
            y = new_scalar(self.alg)
            memset(y.c, 0, self.alg.M * sizeof(double))
            y.c[0] = PyFloat_AS_DOUBLE(x)
            y.c[1 + first] = 1.0
            return y
        if (cnp.PyArray_CheckExact(x) and cnp.PyArray_TYPE(<ndarray>x) == cnp.NPY_DOUBLE
                and cnp.PyArray_ISBEHAVED_RO(<ndarray>x)):
            return seed_array(self.alg, <ndarray>x, first)
        value = np.array(value_of(<Taylor>x) if type(x) is Taylor else x, order="C")
        terms = np.zeros((self.alg.M - 1, value.size), value.dtype)
        n = value.size
        terms[range(first, first + n), range(n)] = 1
        y = new_array(self.alg, value, terms.reshape((self.alg.M - 1,) + value.shape))
        return apply("add", x, y, value=value) if type(x) is Taylor else y

    def along(self, x, directions):
        """x + sum of directions[s] e_s; directions: constants or numbers, shaped as x."""
        cdef Py_ssize_t s
        value = copied(value_of(<Taylor>x) if type(x) is Taylor else x)
        y = x
        for s, v in enumerate(directions):
            if type(v) is Taylor:
                term = new_array(self.alg, np.zeros_like(value), self._unit(s, value))
                term = term * v
            else:
                term = new_array(self.alg, value, one_term(self.alg.M - 1, value, s, v))
                if s == 0 and type(x) is not Taylor:
                    y = term
                    continue
            y = apply("add", term, y, value=value)
        return y

    def _unit(self, s, value):
        return one_term(self.alg.M - 1, value, s, 1)

    def value(self, y):
        """The result without this call's seeds: plain, or a number over outer factors."""
        cdef Taylor t
        if type(y) is not Taylor:
            return y
        t = <Taylor>y
        sync(t)
        if t.alg is self.alg:
            return scalar_or_array(value_of(t))
        factor = own_factor(t, self.factor)
        if factor is None:
            return t
        outer, index = t.alg.split(factor)
        if outer is None:
            return scalar_or_array(value_of(t))
        rows = raw_terms(t)[index[0, 1:] - 1]
        if t.lanes is None or factor is self.factor:
            return new_laned(outer, np.asarray(value_of(t)), rows, t.lanes)
        if is_pending(t):
            rows = rows.sum(axis=-1)
        return new_array(outer, np.asarray(value_of(t)), rows)

    def coefficients(self, y, monomials):
        """Taylor coefficients of these monomials of the factor: shape (len(monomials), *y.shape).

        monomials: integer array, none of them 0 (the constant); or a slice of them.
        """
        cdef Taylor t
        cdef ndarray alone
        if type(y) is Taylor:
            t = <Taylor>y
            if is_waiting(t) and t.alg is self.alg and t.alg.M == 2:
                alone = terms_alone(t)
                if alone is not None:
                    return alone
            sync(t)
            if t.lanes is not None and own_factor(t, self.factor) is not self.factor:
                t = for_reading(t)
            if len(t.alg.factors) == 1 and t.alg.factors[0] is self.factor and not t.alg.bounds:
                terms = terms_of(t)
                if type(monomials) is slice:
                    return terms[monomials.start - 1 : monomials.stop - 1]
                if len(monomials) == 1:
                    return copied(terms[monomials[0] - 1])[None]
                return terms[monomials - 1]
        if type(monomials) is slice:
            monomials = np.arange(monomials.start, monomials.stop)
        if type(y) is not Taylor:
            y = np.asarray(y)
            return np.zeros((len(monomials),) + y.shape, y.dtype)
        if t.lanes is not None:
            if len(monomials) == 1:
                y = self.coefficient(t, monomials[0])
                if type(y) is not Taylor:
                    return np.asarray(y)[None]
                t = for_reading(<Taylor>y)
                return new_array(t.alg, np.asarray(value_of(t))[None], terms_of(t)[:, None])
            t = for_reading(t)
        terms = terms_of(t)
        if t.alg.place(self.factor) < 0:
            return np.zeros((len(monomials),) + t.shape, t.dtype)
        outer, index = t.alg.split(self.factor)
        rows = index[monomials]
        if outer is None:
            return terms[rows[:, 0] - 1]
        return new_array(outer, terms[rows[:, 0] - 1],
                         np.ascontiguousarray(np.swapaxes(terms[rows[:, 1:] - 1], 0, 1)))

    def coefficient(self, y, Py_ssize_t k):
        """The Taylor coefficient of one monomial, not the constant: shape y.shape."""
        cdef Taylor t
        if type(y) is not Taylor or not has_lanes(y) or own_factor(y, self.factor) is not (
            self.factor
        ):
            return self.coefficients(y, np.array([k]))[0]
        t = <Taylor>y
        sync(t)
        outer, index = t.alg.split(self.factor)
        terms = raw_terms(t)
        value = terms[index[k, 0] - 1]
        if is_pending(t):
            value = value.sum(axis=-1)
        return new_laned(outer, np.array(value), terms[index[k, 1:] - 1], t.lanes)

    def gradient(self, y):
        """The first-order coefficients: shape (n, *y.shape)."""
        cdef Taylor t
        if type(y) is Taylor:
            t = <Taylor>y
            sync(t)
            if has_lanes(t) and is_wide(t, self.factor):
                t = eliminated(t)
            if has_lanes(t) and cnp.PyArray_NDIM(t._value) == 0:
                g = laned_gradient(t, self.factor)
                if g is not None:
                    return g
            if t.alg is self.alg:
                return terms_of(t)[: self.factor.n]
            y = t
        return self.coefficients(y, slice(1, self.factor.n + 1))


cdef bint is_wide(Taylor t, Factor factor):
    """Whether a number has intermediate seeds of a call (see _steps.pxi)."""
    return t.lanes is not None and (
        (<Factor>t.alg.factors[t.alg.laned]).parent.root is factor)


cdef own_factor(Taylor t, Factor factor):
    """The factor of a number that stands for a call's: that itself, or its local one; or None."""
    cdef Factor local
    if t.alg.laned >= 0:
        local = <Factor>t.alg.factors[t.alg.laned]
        if local.parent is factor or local.parent.root is factor:
            return local
    return None if t.alg.place(factor) < 0 else factor


cdef Taylor for_reading(Taylor t):
    """A result in the dense representation; that of an outermost call may be of any size."""
    return dense_within(t, INT64_MAX if len(t.alg.factors) == 1 else dense_limit())


cdef raw_terms(Taylor t):
    """The terms as they are stored, over local seeds where there are lanes."""
    return terms_of(t) if t.lanes is None else t._terms


cdef laned_gradient(Taylor t, Factor factor):
    """First derivatives by the seeds of the lanes of one number; None if they are not its own.

    Numbers over what other factors there are: the coefficients are added where the lanes say.
    """
    cdef Py_ssize_t q, s, n = factor.n
    local = own_factor(t, factor)
    if local is None or local is factor or factor.order != 1:
        return None
    outer, index = t.alg.split(local)
    total = np.zeros((1 if outer is None else (<Algebra>outer).M, n), t._terms.dtype)
    one = np.ones((1, 1), total.dtype)
    for s, lane in enumerate(t.lanes):
        lane = np.ravel(lane)
        for q in range(len(total)):
            scatter_rows(total[q : q + 1], lane, np.ravel(t._terms[index[s + 1, q] - 1]), one)
    return total[0] if outer is None else new_array(outer, total[0], total[1:])


cdef scalar_or_array(v):
    return v[()] if cnp.PyArray_Check(v) and cnp.PyArray_NDIM(<ndarray>v) == 0 else v


cdef Taylor seed_array(Algebra alg, ndarray x, Py_ssize_t first):
    """x + e for a float64 array: seeds `first` and following."""
    cdef Py_ssize_t i, n = cnp.PyArray_SIZE(x)
    cdef ndarray value = copied(x), terms = no_terms(alg.M - 1, x)
    cdef double *t = <double *>cnp.PyArray_DATA(terms)
    for i in range(n):
        t[(first + i) * n + i] = 1.0
    return new_array(alg, value, terms)


cdef PyFloat64(double x):
    """np.float64(x)."""
    return PyArray_Scalar(&x, <cnp.PyArray_Descr *><void *>_float64_descr, None)


include "_fast_paths.pxi"
