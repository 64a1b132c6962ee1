"""Ufuncs of one argument: one line each, and the ufuncs that are refused.

A derivative is written in NumPy terms, in the form that keeps its digits everywhere;
it is evaluated on numbers when higher orders are wanted.  The functions with a kernel
of their own (csrc/kernels.h) are dispatched by the number itself; they are listed here
all the same, so that the table is complete.

May import: the kinds, the number, NumPy.  Invariant: every ufunc of NumPy stands in the
ROWS or the REFUSED of one room.
"""

import numpy as np
from numpy._core import umath

from dualdiff import _kinds
from dualdiff._blocks import in_blocks
from dualdiff._elementwise import (
    EVERYWHERE,
    binomial,
    by_number,
    by_series,
    fixed,
    linear_each,
    ln,
    on_terms,
)
from dualdiff._kinds import constant, elementwise
from dualdiff._movement import view_with
from dualdiff._taylor import Taylor, apply, laned_parts, make, parts

# ---- derivatives that keep their digits --------------------------------------------------


def kernel(ufunc, domain=EVERYWHERE):
    """A ufunc that the number dispatches itself."""

    @_kinds.with_signature(ufunc, "kernel")
    def row(*args):
        return ufunc(*[_kinds.pack(a) for a in args])

    row.domain = domain
    return row


def one_minus_square(x):
    """1 - x**2, exact near 1 and -1."""
    if type(x) is Taylor:
        return fixed(-(x * x), one_minus_square(np.asarray(x.value)))
    return (1 - x) * (1 + x)


def root_one_minus_square(x):
    """sqrt(1 - x**2), exact near 1 and -1, on the right side of the cuts."""
    if type(x) is Taylor:
        return apply("sqrt", -(x * x), value=root_one_minus_square(np.asarray(x.value)))
    if x.dtype.kind == "c":
        return np.sqrt(-(x - 1)) * np.sqrt(x - -1)  # differences keep the sign of x.imag = 0
    return np.sqrt(one_minus_square(x))


def root_one_plus_square(x):
    """sqrt(1 + x**2), which overflows only with x."""
    if type(x) is Taylor:
        return apply("sqrt", x * x, value=root_one_plus_square(np.asarray(x.value)))
    if x.dtype.kind == "c":
        turned = np.empty_like(x)  # i x, with the signs of zeros
        turned.real, turned.imag = -x.imag, x.real
        return np.sqrt(-(turned - 1)) * np.sqrt(turned - -1)
    return np.hypot(x.dtype.type(1), x)


def arctan_slope(x):
    """1 / (1 + x**2), which underflows only where it must."""
    if type(x) is Taylor:
        return fixed(1 / (1 + x * x), np.asarray(arctan_slope(np.asarray(x.value))))
    if x.dtype.kind == "c":
        return 1 / ((1 - 1j * x) * (1 + 1j * x))
    near, far = 1 / (1 + x * x), np.abs(x) * np.finfo(x.dtype).eps > 1
    return np.where(far, (1 / x) * (1 / x), near) if np.any(far) else near


def cbrt(x, y):
    """The binomial series of exponent 1/3; its first power is 1 / y**2."""
    y = np.asarray(y)
    if x.algebra.D == 1:
        return _kinds.chain_with(x, y, in_blocks(lambda y: 1 / (y * y) * (y.dtype.type(1) / 3), y))
    x0 = np.asarray(x.value)
    return binomial(x, y, lambda j: 1 / (y * y) / x0 ** (j - 1),
                    lambda j: y.dtype.type(1 - 3 * j) / y.dtype.type(3 * (j + 1)))


def sinc_series(x, y, D):
    """Taylor coefficients of s(u) = sin(u) / u at u = pi x, in powers of pi.

    u s_k + k s_{k-1} = sin_k (derivatives, not coefficients): upwards where |u| > k,
    downwards from far above where |u| < k, so that errors shrink both ways.
    """
    pi = np.arccos(x.dtype.type(-1))
    turn = x - 2 * np.rint(x.real / 2)
    u = pi * x
    waves = (np.sin(pi * turn), np.cos(pi * turn))
    derivative = [waves[0], waves[1], -waves[0], -waves[1]]
    s = [np.where(u == 0, 1, waves[0] / u)]
    for k in range(1, D + 1):
        s.append((derivative[k % 4] - k * s[k - 1]) / u)
    if np.any(np.abs(u) < D):
        r = np.zeros_like(u)
        for k in range(3 * D + 40, 0, -1):
            r = (derivative[k % 4] - u * r) / k  # s_{k-1}
            if k <= D + 1:
                s[k - 1] = np.where(np.abs(u) < k - 1, r, s[k - 1])
    scale, out = 1, []
    for k in range(1, D + 1):
        scale = scale * pi / k
        out.append(s[k] * scale)
    return out


# ---- complex numbers ---------------------------------------------------------------------


def absolute(x):
    """|x|: real values by the sign, which is 0 at 0; complex ones by their length."""
    if not _kinds.holds(x):
        return np.absolute(x)
    x = _kinds.pack(x)
    if x.dtype.kind == "c":
        return fixed(np.hypot(np.real(x), np.imag(x)), np.asarray(np.absolute(x.value)))
    return apply("abs", x)


def sign_of_value(x):
    """The sign of the values, which has no derivative."""
    return np.sign(_kinds.values(x))


def sign(x):
    """Real values: constant; complex ones: x / |x|, constant at 0."""
    x = _kinds.pack(x)
    value = np.sign(_kinds.values(x))
    if type(x) is not Taylor or x.dtype.kind != "c":
        return value
    with np.errstate(all="ignore"):
        alg, v, terms = parts(x)
        y = x / np.absolute(make(alg, np.where(v == 0, np.ones((), v.dtype), v), terms))
    return make(alg, value, np.where(v == 0, np.zeros((), v.dtype), parts(y)[2]))


def angle(z, deg=False):
    """The argument of complex values; real ones have none that changes."""
    if not _kinds.holds(z):
        return np.angle(z, deg)
    z = _kinds.pack(z)
    value = np.angle(z.value, deg)
    if z.dtype.kind != "c":
        return value
    turned = np.arctan2(np.imag(z), np.real(z))
    return fixed(np.rad2deg(turned) if deg else turned, np.asarray(value))


def real_part(val):
    """The real parts; of real values, the number itself."""
    if not _kinds.holds(val):
        return np.real(val)
    val = _kinds.pack(val)
    if val.dtype.kind != "c":
        return val
    whole = laned_parts(val)
    return view_with(val, whole, whole[1].real, whole[2].real, whole[3])


def imaginary_part(val):
    """The imaginary parts; of real values, plain zeros."""
    if not _kinds.holds(val):
        return np.imag(val)
    val = _kinds.pack(val)
    if val.dtype.kind != "c":
        return np.imag(val.value)
    whole = laned_parts(val)
    return view_with(val, whole, whole[1].imag, whole[2].imag, whole[3])


for _row, _func in ((absolute, np.absolute), (sign, np.sign), (angle, np.angle),
                    (real_part, np.real), (imaginary_part, np.imag)):
    _kinds.with_signature(_func, "written")(_row)
absolute.domain = EVERYWHERE


# ---- the value and its parts -------------------------------------------------------------


def modf(x):
    """The fraction carries the derivative; the whole part is constant."""
    if not _kinds.holds(x):
        return np.modf(x)
    x = _kinds.pack(x)
    fraction, whole = np.modf(x.value)
    return on_terms(x, fraction, np.copy), whole


_square = by_number(np.square, lambda x, y: x * x)


def square(x):
    """x * x; of arrays in one pass, as x ** 2."""
    if type(x) is Taylor and x.ndim and x.dtype.kind == "f":
        return x ** 2
    return _square(x)


def frexp(x):
    """The mantissa carries the derivative; the exponent is constant."""
    if not _kinds.holds(x):
        return np.frexp(x)
    x = _kinds.pack(x)
    mantissa, exponent = np.frexp(x.value)
    with np.errstate(all="ignore"):
        return on_terms(x, mantissa, lambda t: np.ldexp(t, -exponent)), exponent


for _row, _func in ((modf, np.modf), (frexp, np.frexp), (square, np.square)):
    _kinds.with_signature(_func, "written")(_row)
square.domain = EVERYWHERE


# ---- the table ---------------------------------------------------------------------------

ROWS = {
    # with a kernel of their own
    np.negative: kernel(np.negative),
    np.sqrt: kernel(np.sqrt, (0, np.inf)),
    np.exp: kernel(np.exp),
    np.expm1: kernel(np.expm1),
    np.log: kernel(np.log, (0, np.inf)),
    np.log1p: kernel(np.log1p, (-1, np.inf)),
    np.sin: kernel(np.sin),
    np.cos: kernel(np.cos),
    np.tan: kernel(np.tan),
    np.sinh: kernel(np.sinh),
    np.cosh: kernel(np.cosh),
    np.tanh: kernel(np.tanh),
    # made of those
    np.exp2: by_number(np.exp2, lambda x, y: apply("exp", x * ln(2, x), value=y)),
    np.log2: by_number(np.log2, lambda x, y: np.log(x) / ln(2, x), (0, np.inf)),
    np.log10: by_number(np.log10, lambda x, y: np.log(x) / ln(10, x), (0, np.inf)),
    np.square: square,
    np.cbrt: by_number(np.cbrt, cbrt),
    np.reciprocal: by_number(np.reciprocal, lambda x, y: x ** -1),
    # by their derivative
    np.arcsin: elementwise(np.arcsin, lambda x: 1 / root_one_minus_square(x), (-1, 1)),
    np.arccos: elementwise(np.arccos, lambda x: -1 / root_one_minus_square(x), (-1, 1)),
    np.arctan: elementwise(np.arctan, arctan_slope),
    np.arcsinh: elementwise(np.arcsinh, lambda x: 1 / root_one_plus_square(x)),
    np.arccosh: elementwise(
        np.arccosh, lambda x: (1 / np.sqrt(x - 1)) * (1 / np.sqrt(x - -1)), (1, np.inf)),
    np.arctanh: elementwise(np.arctanh, lambda x: 1 / one_minus_square(x), (-1, 1)),
    np.fabs: elementwise(np.fabs, sign_of_value),
    np.absolute: absolute,
    # by their series
    np.sinc: by_series(np.sinc, sinc_series),
    # linear
    np.positive: linear_each(np.positive),
    np.conjugate: linear_each(np.conjugate),
    np.deg2rad: linear_each(np.deg2rad),
    np.radians: linear_each(np.radians),
    np.rad2deg: linear_each(np.rad2deg),
    np.degrees: linear_each(np.degrees),
    np.real: real_part,
    np.imag: imaginary_part,
    np.angle: angle,
    np.sign: sign,
    np.modf: modf,
    np.frexp: frexp,
    # piecewise constant
    **{f: constant(f) for f in (
        np.floor, np.ceil, np.trunc, np.rint, np.spacing, np.signbit, np.isfinite, np.isinf,
        np.isnan, np.logical_not, umath._ones_like)},
}
for _name, _row in (("real", real_part), ("imag", imaginary_part)):
    if isinstance(getattr(umath, _name, None), np.ufunc):  # ufuncs of their own since 2.5
        ROWS[getattr(umath, _name)] = _row

# ---- what makes no sense -----------------------------------------------------------------

_BITS = "it works on the bits of integers; numbers with derivatives are floating-point"
_TEXT = "it works on strings"
_DATES = "it works on dates and times"

REFUSED = {
    **{f: _BITS for f in (
        np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.bitwise_count, np.invert,
        np.left_shift, np.right_shift, np.gcd, np.lcm)},
    np.isnat: _DATES,
}
REFUSED |= {  # the loops of string ufuncs are not listed in their types
    f: _TEXT for f in (getattr(umath, n) for n in dir(umath))
    if isinstance(f, np.ufunc) and not f.types and f not in ROWS
}

# Object arrays of numbers call the method of each element: np.exp(a) calls a[i].exp().
METHODS = {f.__name__: row for f, row in ROWS.items()
           if isinstance(f, np.ufunc) and f.nin == f.nout == 1 and f is not umath._ones_like
           and f.__name__ not in ("real", "imag")}
ATTRIBUTES = {"real": real_part, "imag": imaginary_part}
