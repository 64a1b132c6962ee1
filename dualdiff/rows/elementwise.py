"""Ufuncs: one line each.

A derivative is written in NumPy terms, in the form that keeps its digits everywhere;
it is evaluated on numbers when higher orders are wanted.  The functions with a kernel
of their own (csrc/kernels.h) are dispatched by the number itself; they are listed here
all the same, so that the table is complete.
"""

import numpy as np

from dualdiff import _kinds
from dualdiff._kinds import constant, elementwise, elementwise2
from dualdiff._taylor import Taylor, apply, make, parts

LN2, LN10 = np.log(2.0), np.log(10.0)


def kernel(ufunc):
    """A ufunc that the number dispatches itself."""

    @_kinds.with_signature(ufunc, "kernel")
    def row(*args):
        return ufunc(*[_kinds.pack(a) for a in args])

    return row


def absolute(x):
    """|x|: real values by the sign, which is 0 at 0; complex ones by their length."""
    if x.dtype.kind == "c":
        return np.hypot(np.real(x), np.imag(x))
    return _kinds.chain(x, np.absolute(x.value), np.sign)


def power(a, b):
    """a ** b for exponents that are numbers or arrays."""
    return _power(a, b)


_power = elementwise2(
    np.power,
    lambda a, b: b * np.power(a, b - 1),
    lambda a, b: np.power(a, b) * np.log(a),
)

ROWS = {
    **{f: kernel(f) for f in (
        np.add, np.subtract, np.multiply, np.true_divide, np.negative, np.sqrt, np.exp, np.log,
        np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh)},
    np.power: power,
    np.absolute: absolute,
    np.sign: constant(np.sign),
    np.less: constant(np.less),
    np.less_equal: constant(np.less_equal),
    np.greater: constant(np.greater),
    np.greater_equal: constant(np.greater_equal),
    np.equal: constant(np.equal),
    np.not_equal: constant(np.not_equal),
    np.arctan: elementwise(np.arctan, lambda x: 1 / (1 + x * x)),
}
