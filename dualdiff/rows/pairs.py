"""Ufuncs of two arguments, and clip: one line each.

May import: the kinds, the number, NumPy.  Invariant: as in `elementwise`.
"""

import numpy as np
from numpy._core import umath

from dualdiff import _kinds
from dualdiff._elementwise import (
    angle_slopes,
    common,
    fixed,
    on_terms,
    paired,
    picks,
    polar,
    power,
    sigmoid_slopes,
    split,
)
from dualdiff._kinds import constant, holds
from dualdiff._reference import times
from dualdiff.rows.elementwise import kernel

# ---- shares of the operands, from the values ---------------------------------------------


def remainder(a, b, value):
    """a - q b with a constant quotient, rounded down."""
    q = np.floor_divide(a, b)
    return np.copy, lambda t: -times(t, q)


def fmod(a, b, value):
    """a - q b with a constant quotient, rounded towards zero."""
    q = np.where(np.isinf(b), 0, np.rint((a - value) / b)).astype(a.dtype)
    return np.copy, lambda t: -times(t, q)


def copysign(a, b, value):
    """|a| with a constant sign; its slope at 0 is 0, as that of |a|."""
    sign = np.sign(a) * np.copysign(a.dtype.type(1), b)
    return lambda t: times(t, sign), None


def nextafter(a, b, value):
    """a, and a step that does not depend on it."""
    return np.copy, None


def heaviside(x, h, value):
    """Constant in x; the value at 0 is h."""
    return None, lambda t: np.where(x == 0, t, 0)


def divmod_(a, b):
    """(constant quotient, remainder)."""
    if not holds(a) and not holds(b):
        return np.divmod(a, b)
    quotient, rest = np.divmod(*_kinds.values((a, b)))
    with np.errstate(all="ignore"):
        return quotient, fixed(np.remainder(a, b), rest)


def ldexp(a, n):
    """a 2**n for integers n."""
    if holds(n):
        raise _kinds.refuse(np.ldexp, "no derivative with respect to argument 2",
                            "exponents are integers; use a * 2.0**n")
    value = np.ldexp(_kinds.values(a), n)
    if not holds(a):
        return value
    (a,) = common(np.asarray(value), _kinds.pack(a))
    with np.errstate(all="ignore"):
        return on_terms(a, value, lambda t: np.ldexp(t, n))


def clip(a, a_min, a_max):
    """minimum(maximum(a, a_min), a_max)."""
    value = umath.clip(*map(_kinds.values, (a, a_min, a_max)))
    with np.errstate(all="ignore"):
        return fixed(np.minimum(np.maximum(a, a_min), a_max), value)


for _row, _func in ((divmod_, np.divmod), (ldexp, np.ldexp), (clip, umath.clip)):
    _kinds.with_signature(_func, "written")(_row)


# ---- the table ---------------------------------------------------------------------------

ROWS = {
    # with a kernel of their own
    np.add: kernel(np.add),
    np.subtract: kernel(np.subtract),
    np.multiply: kernel(np.multiply),
    np.true_divide: kernel(np.true_divide),
    np.maximum: kernel(np.maximum),
    np.minimum: kernel(np.minimum),
    np.power: power(np.power),
    np.float_power: power(np.float_power),
    # carried together
    np.hypot: paired(np.hypot, lambda x, y: polar(x, y)[:2]),
    np.arctan2: paired(np.arctan2, angle_slopes),
    np.logaddexp: paired(np.logaddexp, sigmoid_slopes(np.e)),
    np.logaddexp2: paired(np.logaddexp2, sigmoid_slopes(2)),
    # shares
    np.fmax: picks(np.fmax),
    np.fmin: picks(np.fmin),
    np.remainder: split(np.remainder, remainder),
    np.fmod: split(np.fmod, fmod),
    np.copysign: split(np.copysign, copysign),
    np.nextafter: split(np.nextafter, nextafter),
    np.heaviside: split(np.heaviside, heaviside),
    np.divmod: divmod_,
    np.ldexp: ldexp,
    umath.clip: clip,
    # piecewise constant
    **{f: constant(f) for f in (
        np.floor_divide, np.less, np.less_equal, np.greater, np.greater_equal, np.equal,
        np.not_equal, np.logical_and, np.logical_or, np.logical_xor)},
}

# Object arrays of numbers call these methods of their elements.
METHODS = {f.__name__: ROWS[f] for f in (
    np.arctan2, np.hypot, np.fmod, np.logical_and, np.logical_or, np.logical_xor)}
