"""numpy.lib.scimath: functions that go over to complex numbers outside their real domain.

Whether they do is decided by the values, all elements together, as NumPy decides it.

May import: the kinds, NumPy.
"""

import numpy as np

from dualdiff._kinds import compose, holds, pack, values

sm = np.lib.scimath


def domain(x, outside):
    """x, complex where its values lie outside a real domain."""
    x = pack(x) if holds(x) else np.asarray(x)
    value = np.asarray(values(x))
    if value.dtype.kind != "c" and np.any(outside(value)):
        return x.astype(np.result_type(value.dtype, np.complex64))
    return x


def negative(x):
    return x < 0


def beyond_one(x):
    return np.abs(x) > 1


def unary(func, ufunc, outside):
    """A function of scimath by the ufunc of that name."""
    return compose(func, lambda x: ufunc(domain(x, outside)))


ROWS = {
    sm.sqrt: unary(sm.sqrt, np.sqrt, negative),
    sm.log: unary(sm.log, np.log, negative),
    sm.log2: unary(sm.log2, np.log2, negative),
    sm.log10: unary(sm.log10, np.log10, negative),
    sm.arccos: unary(sm.arccos, np.arccos, beyond_one),
    sm.arcsin: unary(sm.arcsin, np.arcsin, beyond_one),
    sm.arctanh: unary(sm.arctanh, np.arctanh, beyond_one),
    sm.logn: compose(sm.logn, lambda n, x: np.log(domain(x, negative)) / np.log(
        domain(n, negative))),
    sm.power: compose(sm.power, lambda x, p: np.power(domain(x, negative), p)),
}
