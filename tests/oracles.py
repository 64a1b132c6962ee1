"""The oracles of derivatives: none of them shares code with the rows that they judge.

- `mp_taylor`: Taylor coefficients of an elementwise function, by mpmath, to 50 digits;
- `nested`: the n-th derivative by n nested first-order calls, where the library's own
  first order has been judged already;
- `slope`: a difference in one direction, in long double.
`coefficients` is what the library says.

May import: dualdiff, mpmath, NumPy.
"""

import contextlib

import mpmath
import numpy as np

from dualdiff._seeding import Call
from dualdiff._taylor import Taylor

DIGITS = 50
_BITS = 200  # a step of 2**-200 makes the error of a forward difference about 1e-60


# ---- what the library says ------------------------------------------------------------


def coefficients(f, x, order, direction=None, view=None):
    """Taylor coefficients 0 .. order of t -> f(x + t direction): shape (order + 1, *shape).

    view: of the seeded number, before f sees it.
    """
    x = np.asarray(x)
    direction = np.ones(x.shape, x.dtype) if direction is None else direction
    with Call(1, order) as call:
        z = call.along(x, [direction])
        y = f(z if view is None else view(z))
        value = call.value(y)
        rows = call.coefficients(y, np.arange(1, order + 1))
    assert type(value) is not Taylor
    return np.concatenate([np.asarray(value)[None], rows]) if order else np.asarray(value)[None]


def partials(f, args, order=1):
    """Mixed Taylor coefficients of f(*args) with one seed for each scalar argument.

    A dictionary {(powers of each argument): coefficient}.
    """
    n = len(args)
    with Call(n, order) as call:
        seeded = [call.along(np.asarray(a), [np.eye(n)[i][j] * np.ones(np.shape(a),
                  np.asarray(a).dtype) for j in range(n)]) for i, a in enumerate(args)]
        y = f(*seeded)
        out = {(0,) * n: np.asarray(call.value(y))}
        for k in range(1, call.algebra.M):
            (seeds,) = call.algebra.multi_index(k)
            powers = tuple(seeds.count(j) for j in range(n))
            out[powers] = call.coefficients(y, np.array([k]))[0]
    return out


# ---- nested first order ------------------------------------------------------------------


def nested(f, x, order):
    """The order-th derivative of an elementwise f by that many nested first-order calls."""
    x = np.asarray(x)
    with contextlib.ExitStack() as stack:
        calls = [stack.enter_context(Call(1, 1)) for _ in range(order)]
        y = x
        for call in calls:
            y = call.along(y, [np.ones(x.shape, x.dtype)])
        y = f(y)
        for call in reversed(calls):
            y = call.coefficients(y, np.array([1]))[0]
    return np.asarray(y)


# ---- differences --------------------------------------------------------------------------

_NODES = np.arange(1, 5)
_WEIGHTS = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280], np.longdouble)


def slope(f, x, direction, h=2.0**-9):
    """(f(x + h v) - f(x - h v)) / 2h by an eighth-order formula in long double."""
    x = np.asarray(x)
    wide = np.clongdouble if x.dtype.kind == "c" else np.longdouble
    x, v = x.astype(wide), np.asarray(direction).astype(wide)
    total = 0
    for m, w in zip(_NODES, _WEIGHTS, strict=True):
        step = np.longdouble(m * h)
        total = total + w * (np.asarray(f(x + step * v)) - np.asarray(f(x - step * v)))
    return total / np.longdouble(h)


# ---- mpmath ----------------------------------------------------------------------------


def to_mp(x):
    """A NumPy real or complex number, without rounding."""
    if np.iscomplexobj(x):
        return mpmath.mpc(to_mp(np.real(x)), to_mp(np.imag(x)))
    if isinstance(x, np.longdouble) and np.isfinite(x):
        m, e = np.frexp(x)
        return mpmath.ldexp(mpmath.mpf(int(m * np.longdouble(2) ** 64)), int(e) - 64)
    return mpmath.mpf(float(x))


def mp_taylor(f, x, order, side=1):
    """Taylor coefficients 0 .. order of an mpmath function at x, good to 50 digits.

    f maps mpf to mpf.  Forward differences with a step far below any distance that
    matters, on the given side of x, in precision enough for the cancellation and for
    coefficients that are 1e-300 of the largest.
    """
    x = to_mp(x)
    size = abs(x)
    span = _BITS + 8 + (max(0, -int(mpmath.mag(size))) if size else 0)
    with mpmath.workprec((order + 2) * span + 1600):
        unit = size if 0 < size < 1 or size > 1e6 else mpmath.mpf(1)
        h = mpmath.ldexp(unit, -_BITS) * side
        row = [f(x + k * h) for k in range(order + 1)]
        out = [row[0]]
        for k in range(1, order + 1):
            row = [b - a for a, b in zip(row[:-1], row[1:], strict=True)]
            out.append(row[0] / (mpmath.factorial(k) * h**k))
    with mpmath.workdps(DIGITS):
        return [+c for c in out]


def mp_values(f, x, order):
    """mp_taylor of every element, in long double: shape (order + 1, *x.shape)."""
    x = np.asarray(x)
    wide = np.clongdouble if x.dtype.kind == "c" else np.longdouble
    out = np.empty((order + 1, x.size), wide)
    for i, e in enumerate(x.ravel()):
        out[:, i] = [in_long_double(c) for c in mp_taylor(f, e, order)]
    return out.reshape((order + 1, *x.shape))


def in_long_double(c):
    """An mpmath number in long double precision."""
    if isinstance(c, mpmath.mpc):
        return in_long_double(c.real) + np.clongdouble(1j) * in_long_double(c.imag)
    if not mpmath.isfinite(c):
        return np.longdouble(float(c))
    high = float(c)
    if not np.isfinite(high):
        return np.longdouble(str(mpmath.nstr(c, 25)))
    return np.longdouble(high) + np.longdouble(float(c - mpmath.mpf(high)))
