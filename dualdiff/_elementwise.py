"""Kinds of elementwise functions whose derivatives need more care than one formula.

`by_number` gives the terms by other numbers, `by_series` by a Taylor series at each
value, `split` by shares of the operands, `paired` by numbers that lose digits unless they
are carried together: `polar`, `sigmoids`; `power` is a kind of its own.

May import: the kinds, the number, NumPy.  Knows no rows.  Invariant: the value of a
result is the NumPy function's own, and raises NumPy's own warnings, no others.
"""

import functools

import numpy as np

from dualdiff import _kinds
from dualdiff._blocks import in_blocks, value_of
from dualdiff._kinds import chain_sum, holds, with_signature
from dualdiff._reference import times
from dualdiff._taylor import (
    Taylor,
    aligned,
    apply,
    laned_parts,
    make_laned,
    pack,
    revalued,
    spread,
    truncated,
)

EVERYWHERE = (-np.inf, np.inf)


def ln(base, x):
    """Natural logarithm of a base, rounded once to the dtype of x."""
    return _ln(base, x.dtype)


@functools.cache
def _ln(base, dtype):
    return dtype.type(np.log(np.longdouble(base)))


def fixed(x, value):
    """The number x with another value; a plain x gives the value."""
    return revalued(x, value) if type(x) is Taylor else value


def on_terms(x, value, f):
    """The number of this value whose terms are f(terms of x), a new array, one by one."""
    alg, _, terms, lanes = laned_parts(x)
    return make_laned(alg, np.asarray(value), f(terms), lanes)


def common(value, *operands):
    """Operands broadcast to the shape of a value, in its dtype: numbers and plain arrays."""
    out = []
    for x in operands:
        if type(x) is Taylor:
            out.append(spread(x, value))
            continue
        x = np.asarray(x, value.dtype)
        out.append(x if x.shape == value.shape else np.broadcast_to(x, value.shape))
    return out


def evaluated(ufunc, a, b):
    """(a, b, ufunc(a, b) on their values), a and b over one algebra; NumPy's own result."""
    if type(a) is Taylor and is_plain(b):
        return a, b, value_of(ufunc, a.value, b)
    if type(b) is Taylor and is_plain(a):
        return a, b, value_of(ufunc, a, b.value)
    a, b = aligned(a, b) if holds(a) or holds(b) else (a, b)
    return a, b, value_of(ufunc, *_kinds.values((a, b)))


def is_plain(x):
    """Whether x is plainly a constant: a float, an int, or an array that holds no objects."""
    kind = type(x)
    return kind is float or kind is int or kind is np.ndarray and x.dtype.kind in "fciub"


# ---- one argument ------------------------------------------------------------------------


def by_number(func, body, domain=EVERYWHERE):
    """Terms from body(x, value): a number made of x whose own value does not matter."""

    @with_signature(func, kind="by_number")
    def row(x, *args, **kwargs):
        if not holds(x):
            return func(x, *args, **kwargs)
        x = pack(x)
        value = func(x.value, *args, **kwargs) if args or kwargs else value_of(func, x.value)
        with np.errstate(all="ignore"):
            return fixed(body(x, value), value)

    row.domain = domain
    return row


def by_series(func, series, domain=EVERYWHERE):
    """Terms from the Taylor coefficients at each value: for functions without a recurrence.

    series(x, y, D) lists the coefficients 1 .. D of func at the plain array x, y = func(x).
    """

    @with_signature(func, kind="by_series")
    def row(x):
        if not holds(x):
            return func(x)
        x = pack(x)
        value = np.asarray(func(x.value))
        with np.errstate(all="ignore"):
            return horner(x, value, series(np.asarray(x.value), value, x.algebra.D))

    row.domain = domain
    return row


def horner(x, value, coefficients):
    """value + sum of c_j u**j, where u is x without its value: exact where c is."""
    u = nilpotent(x, value)
    zero = np.zeros(value.shape, value.dtype)
    r = np.asarray(coefficients[-1], value.dtype)
    for c in coefficients[-2::-1]:
        r = fixed(apply("mul", u, r, value=zero), np.asarray(c, value.dtype))
    return fixed(apply("mul", u, r, value=zero), value)


def nilpotent(x, value):
    """x minus its value, in the shape and dtype of a value."""
    return fixed(spread(x, value), np.zeros(value.shape, value.dtype))


def linear_each(func):
    """func on every coefficient, element by element."""

    @_kinds.positional(func, kind="linear")
    def row(x):
        if not holds(x):
            return func(x)
        x = pack(x)
        return on_terms(x, value_of(func, x.value), lambda t: value_of(func, t))

    return row


# ---- two arguments -----------------------------------------------------------------------


def split(ufunc, shares):
    """Linear in both arguments once the values are known.

    shares(a, b, value) gives two functions from terms to new terms, or None for no share.
    """

    @with_signature(ufunc, kind="split")
    def row(a, b):
        a, b, result = evaluated(ufunc, a, b)
        if type(a) is not Taylor and type(b) is not Taylor:
            return result
        value = np.asarray(result)
        a, b = common(value, a, b)
        total = None
        with np.errstate(all="ignore"):
            pair = shares(_kinds.values(a), _kinds.values(b), value)
            for x, share in zip((a, b), pair, strict=True):
                if type(x) is Taylor and share is not None:
                    part = on_terms(x, value, share)
                    total = part if total is None else apply("add", total, part, value=value)
        return result if total is None else total

    return row


def picks(ufunc):
    """The larger or smaller of two: the operand that became the value, half of each at a tie."""

    @with_signature(ufunc, kind="picks")
    def row(a, b):
        a, b, result = evaluated(ufunc, a, b)
        if type(a) is Taylor:
            return apply("pick", a, b, value=result)
        return apply("pick", b, a, value=result) if type(b) is Taylor else result

    return row


def paired(ufunc, slopes):
    """A function whose derivatives come from numbers that are carried together.

    slopes(a, b), of operands with one degree less, gives the two partial derivatives.
    """

    @with_signature(ufunc, kind="paired")
    def row(a, b):
        a, b, result = evaluated(ufunc, a, b)
        if type(a) is not Taylor and type(b) is not Taylor:
            return result
        value = np.asarray(result)
        a, b = common(value, a, b)
        with np.errstate(all="ignore"):
            da, db = in_blocks(slopes, low(a), low(b))
            return chain_sum(value, (a, da), (b, db))

    return row


def low(x):
    """An operand of one degree less."""
    return truncated(x) if type(x) is Taylor else x


def polar(x, y):
    """cos t, sin t and 1 / h of x + i y = h exp(i t).

    At the origin all three are 0.  E t = (cos t E y - sin t E x) / h and E log h = (cos t
    E x + sin t E y) / h: nothing cancels here that does not cancel in the answer, and 1 / h
    is not squared, which would underflow.
    """
    if type(x) is not Taylor and type(y) is not Taylor:
        return polar_values(x, y)
    c, s, r = polar(low(x), low(y))
    cv, sv, rv = (np.asarray(_kinds.values(n)) for n in (c, s, r))
    t = chain_sum(np.zeros_like(cv), (y, c * r), (x, -(s * r)))
    log_h = chain_sum(np.zeros_like(cv), (x, c * r), (y, s * r))
    return chain_sum(cv, (t, -s)), chain_sum(sv, (t, c)), chain_sum(rv, (log_h, -r))


def polar_values(x, y):
    """polar of plain arrays, scaled where something might overflow or underflow on the way."""
    x, y = np.asarray(x), np.asarray(y)
    info, h = np.finfo(x.dtype), np.hypot(x, y)
    if np.all((h > info.tiny / info.eps) & (h < info.max * info.eps)):
        return x / h, y / h, 1 / h
    unbounded = np.isinf(x) | np.isinf(y)
    # Of infinite operands only the direction counts.
    u = np.where(unbounded & ~np.isnan(x), np.copysign(np.isinf(x), x), x).astype(x.dtype)
    v = np.where(unbounded & ~np.isnan(y), np.copysign(np.isinf(y), y), y).astype(x.dtype)
    _, e = np.frexp(np.maximum(np.abs(u), np.abs(v)))
    u, v = np.ldexp(u, -e), np.ldexp(v, -e)
    h = np.hypot(u, v)
    origin = h == 0
    h = np.where(origin, 1, h).astype(x.dtype)
    r = np.where(origin | unbounded, 0, np.ldexp(1 / h, -e)).astype(x.dtype)
    return u / h, v / h, r


def angle_slopes(y, x):
    """Partial derivatives of arctan2(y, x); NaN at the origin, where there is no limit."""
    c, s, r = polar(x, y)
    origin = (np.asarray(_kinds.values(x)) == 0) & (np.asarray(_kinds.values(y)) == 0)
    if origin.any():
        r = fixed(r, np.where(origin, np.nan, _kinds.values(r)).astype(x.dtype))
        c = fixed(c, np.where(origin, 1, _kinds.values(c)).astype(x.dtype))
        s = fixed(s, np.where(origin, 1, _kinds.values(s)).astype(x.dtype))
    return c * r, -(s * r)


def sigmoid_slopes(base):
    """Partial derivatives of log(base**a + base**b): the sigmoids of a - b and of b - a."""

    def slopes(a, b):
        av, bv = np.asarray(_kinds.values(a)), np.asarray(_kinds.values(b))
        d = np.where(av == bv, 0, av - bv).astype(av.dtype)  # inf - inf: a tie
        return sigmoids(fixed(a - b, d), base)

    return slopes


def sigmoids(d, base):
    """p = 1 / (1 + base**-d) and 1 - p, each with all its digits: E p = p (1 - p) E d."""
    if type(d) is not Taylor:
        exp = np.exp if base == np.e else np.exp2
        return 1 / (1 + exp(-d)), 1 / (1 + exp(d))
    p, q = sigmoids(truncated(d), base)
    h = p * q if base == np.e else p * q * ln(base, d)
    pv, qv = np.asarray(_kinds.values(p)), np.asarray(_kinds.values(q))
    return chain_sum(pv, (d, h)), chain_sum(qv, (d, -h))


def power(ufunc):
    """a ** b for any of the two a number.

    With u and v the operands without their values a0 and b0,

        a ** b = exp(v log a0) * sum over j of binomial(b, j) a0**(b0 - j) u**j,

    where each power of a0 is computed for itself and nothing is divided by a0: integer
    exponents are exact at zero and below, in b too, and 0 ** b is 0.  At order 1 the two
    slopes are all there is to it.
    """

    @with_signature(ufunc, kind="power")
    def row(a, b):
        a, b, result = evaluated(ufunc, a, b)
        if type(a) is not Taylor and type(b) is not Taylor:
            return result
        value = np.asarray(result)
        with np.errstate(all="ignore"):
            y = _first_power(a, b, value)
            return _power(*common(value, a, b), value) if y is None else y

    return row


def _first_power(a, b, value):
    """a ** b to order 1; None at another order, or where a slope might leave the range."""
    a0, b0 = a, b
    if type(a) is Taylor:
        if a.algebra.D > 1:
            return None
        a0 = a.value
    if type(b) is Taylor:
        if b.algebra.D > 1:
            return None
        b0 = b.value
    y = None
    if type(a) is Taylor:
        h = np.asarray(np.power(a0, b0 - 1) * b0)
        if h.dtype != value.dtype or not in_range(h, a0, b0):
            return None
        y = apply("chain", a, h, value=value)
    if type(b) is Taylor:
        h = times(value, np.log(a0))
        if h.dtype != value.dtype:
            return None
        z = apply("chain", b, h, value=value)
        y = z if y is None else apply("add", y, z, value=value)
    return y


def in_range(h, a0, b0):
    """Whether slopes b0 a0**(b0 - 1) have all their digits: 0 only where they are 0."""
    flat = h.ravel()
    count = flat.dot(1 / flat)
    if count - count == 0:  # finite: no zero, nothing that overflows or underflows
        return True
    size = np.abs(h)
    return bool(((size >= np.finfo(h.dtype).tiny) & (size < np.inf)
                 | (h == 0) & ((a0 == 0) | (b0 == 0))).all())


def _power(a, b, value):
    a0, b0 = np.asarray(_kinds.values(a)), np.asarray(_kinds.values(b))
    zero = np.zeros(value.shape, value.dtype)
    y = value
    if type(a) is Taylor:
        y = binomial(a, value, lambda j: np.power(a0, b0 - j), lambda j: (b - j) / (j + 1))
    if type(b) is Taylor:
        w = apply("mul", nilpotent(b, value), np.log(a0), value=zero)
        if type(y) is not Taylor:
            return apply("exp", w, value=value)
        y = apply("mul", y, apply("exp", w, value=zero + 1), value=value)
    return y


def binomial(x, value, powers, factor):
    """sum over j of binomial(b, j) x0**(b - j) u**j, where u is x without its value x0.

    powers(j) is x0**(b - j), value is powers(0), and factor(j) is (b - j) / (j + 1).
    """
    D, x0 = x.algebra.D, np.asarray(x.value, value.dtype)
    zero = np.zeros(value.shape, value.dtype)
    u, shift = scaled(nilpotent(x, value))

    def power(j):
        z = powers(j)
        if shift is None:
            return z
        lost = (x0 != 0) & ~((np.abs(z) >= np.finfo(z.dtype).tiny) & np.isfinite(z))
        rest = value * (np.ldexp(np.ones_like(x0), shift) / x0) ** j
        return np.where(lost, rest, np.ldexp(z, shift * j))

    y = np.asarray(power(D), value.dtype)
    for j in range(D - 1, -1, -1):
        y = apply("mul", u, y, value=zero)
        y = apply("mul", y, factor(j), value=zero)
        y = fixed(y, np.asarray(power(j), value.dtype) if j else value)
    return y


def scaled(u):
    """(u 2**-shift with terms about 1, shift); None for no shift.

    Terms far from 1 overflow or underflow in high powers, and what multiplies them too.
    """
    alg, value, terms, lanes = laned_parts(u)
    if terms.dtype.kind == "c" or not terms.size:
        return u, None
    size = np.abs(terms).max(axis=0)
    shift = np.where(np.isfinite(size) & (size > 0), np.frexp(size)[1] - 1, 0)
    if not shift.any():
        return u, None
    return make_laned(alg, value, np.ldexp(terms, -shift), lanes), shift
