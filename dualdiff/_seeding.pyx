# cython: language_level=3
"""Seeding and reading: the two ends of every derivative call.

Seeding makes the inputs numbers over one fresh factor; reading takes the coefficients
of that factor off a result, which leaves plain arrays, or numbers over the factors of
outer calls.  Coefficients become derivatives here and nowhere else.

May import: the number, the algebra.  Invariant: inputs are copied, never changed.
"""

import numpy as np

cimport numpy as cnp
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_Check, PyFloat_CheckExact
from libc.string cimport memset
from numpy cimport ndarray

from dualdiff._algebra cimport Algebra, Factor, acquire, release, union_of
from dualdiff._taylor cimport Taylor, embed, new_array, new_scalar, sync, terms_of, value_of

cnp.import_array()

from dualdiff._taylor import apply, pack

cdef object _float64 = np.float64


cdef class Call:
    """The seeds of one derivative call: use as a context manager around seeding and reading.

    n seeds kept to a total order.
    """

    cdef Algebra alg
    cdef readonly Factor factor

    def __init__(self, int n, int order):
        self.alg = acquire(n, order)
        self.factor = self.alg.factors[0]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        cdef Algebra alg = self.alg
        self.alg = None
        self.factor = None
        release(alg)

    @property
    def algebra(self):
        return self.alg

    def seed(self, x, Py_ssize_t first=0):
        """x + e: one seed for each element, in C order, from seed `first` on."""
        cdef Taylor y
        cdef Py_ssize_t i, n
        if PyFloat_Check(x):
            y = new_scalar(self.alg)
            memset(y.c, 0, self.alg.M * sizeof(double))
            y.c[0] = PyFloat_AS_DOUBLE(x)
            y.c[1 + first] = 1.0
            return y
        value = np.array(value_of(<Taylor>x) if type(x) is Taylor else x, order="C")
        terms = np.zeros((self.alg.M - 1, value.size), value.dtype)
        n = value.size
        terms[range(first, first + n), range(n)] = 1
        y = new_array(self.alg, value, terms.reshape((self.alg.M - 1,) + value.shape))
        return apply("add", x, y, value=value) if type(x) is Taylor else y

    def along(self, x, directions):
        """x + sum of directions[s] e_s; directions: constants or numbers, shaped as x."""
        cdef Py_ssize_t s
        value = np.array(value_of(<Taylor>x) if type(x) is Taylor else x, order="C")
        y = x
        for s, v in enumerate(directions):
            if type(v) is Taylor:
                term = new_array(self.alg, np.zeros_like(value), self._unit(s, value))
                term = term * v
            else:
                rows = np.zeros((self.alg.M - 1,) + value.shape, value.dtype)
                rows[s] = v
                term = new_array(self.alg, value, rows)
                if s == 0 and type(x) is not Taylor:
                    y = term
                    continue
            y = apply("add", term, y, value=value)
        return y

    def _unit(self, s, value):
        rows = np.zeros((self.alg.M - 1,) + value.shape, value.dtype)
        rows[s] = 1
        return rows

    def value(self, y):
        """The result without this call's seeds: plain, or a number over outer factors."""
        cdef Taylor t
        if type(y) is not Taylor:
            return y
        t = <Taylor>y
        sync(t)
        if t.alg is self.alg:
            return scalar_or_array(value_of(t))
        if t.alg.place(self.factor) < 0:
            return t
        outer, index = t.alg.split(self.factor)
        if outer is None:
            return scalar_or_array(value_of(t))
        return new_array(outer, np.asarray(value_of(t)), terms_of(t)[index[0, 1:] - 1])

    def coefficients(self, y, monomials):
        """Taylor coefficients of these monomials of the factor: shape (len(monomials), *y.shape).

        monomials: integer array, none of them 0 (the constant).
        """
        cdef Taylor t
        if type(y) is not Taylor:
            y = np.asarray(y)
            return np.zeros((len(monomials),) + y.shape, y.dtype)
        t = <Taylor>y
        sync(t)
        terms = terms_of(t)
        if t.alg is self.alg:
            return terms[monomials - 1]
        if t.alg.place(self.factor) < 0:
            return np.zeros((len(monomials),) + t.shape, t.dtype)
        outer, index = t.alg.split(self.factor)
        rows = index[monomials]
        if outer is None:
            return terms[rows[:, 0] - 1]
        return new_array(outer, terms[rows[:, 0] - 1],
                         np.ascontiguousarray(np.swapaxes(terms[rows[:, 1:] - 1], 0, 1)))

    def gradient(self, y):
        """The first-order coefficients: shape (n, *y.shape)."""
        cdef Taylor t
        if type(y) is Taylor:
            t = <Taylor>y
            if t.alg is self.alg:
                return terms_of(t)[: self.factor.n]
        return self.coefficients(y, np.arange(1, self.factor.n + 1))


cdef scalar_or_array(v):
    return v[()] if cnp.PyArray_Check(v) and cnp.PyArray_NDIM(<ndarray>v) == 0 else v


def scalar_derivative(fun, args, dict kwargs, Py_ssize_t place, int order, bint with_value):
    """The order-th derivative of fun in one float argument; None where this fast path does
    not apply to the result (the caller then takes the general one with it, as `(result, call)`).
    """
    cdef Algebra alg = acquire(1, order)
    cdef Taylor y, r
    cdef Py_ssize_t d
    cdef double c
    cdef list inputs
    try:
        y = new_scalar(alg)
        memset(y.c, 0, alg.M * sizeof(double))
        y.c[0] = args[place]
        y.c[1] = 1.0
        if len(args) == 1:
            result = fun(y, **kwargs) if kwargs else fun(y)
        else:
            inputs = list(args)
            inputs[place] = y
            result = fun(*inputs, **kwargs)
        y = None
        inputs = None
        if type(result) is Taylor:
            r = <Taylor>result
            if r.alg is alg and r._value is None:
                c = r.c[order]
                for d in range(2, order + 1):
                    c *= d
                if with_value:
                    v = r.c[order - 1]
                    for d in range(2, order):
                        v *= d
                    return _float64(v), _float64(c)
                return _float64(c)
        return Pending(alg, result)
    finally:
        y = None
        r = None
        result = None
        release(alg)


cdef class Pending:
    """A result that the fast path leaves to the general one."""

    cdef readonly Algebra algebra
    cdef readonly object result

    def __init__(self, alg, result):
        self.algebra = alg
        self.result = result

    def call(self):
        """The call that seeded the result, for reading."""
        cdef Call c = Call.__new__(Call)
        c.alg = self.algebra
        c.factor = self.algebra.factors[0]
        return c
