"""Ufuncs where the mathematics leaves a choice, or a form a digit: docs/conventions.md.

Answers are written out; no oracle is asked.
"""

import warnings

import mpmath
import numpy as np
import oracles
import pytest
from tolerances import assert_close

from dualdiff import grad
from dualdiff._seeding import Call
from dualdiff._taylor import Taylor, is_laned
from dualdiff.rows import elementwise, pairs

INF, NAN = np.inf, np.nan
mp = mpmath.mpf


def terms(f, x, order=3, direction=1.0):
    """Taylor coefficients 1 .. order of f at x."""
    x = np.asarray(x)
    with np.errstate(all="ignore"):
        return oracles.coefficients(f, x, order, np.full(x.shape, direction, x.dtype))[1:]


def both(f, x, y):
    """The two partial derivatives at (x, y)."""
    with np.errstate(all="ignore"):
        d = oracles.partials(f, (x, y))
    return float(d[1, 0]), float(d[0, 1])


def mixed(f, x, y, order):
    with np.errstate(all="ignore"):
        return oracles.partials(f, (x, y), order)


def name(f):
    return getattr(f, "__name__", str(f))


# ---- one argument ------------------------------------------------------------------------


@pytest.mark.parametrize("f", [np.absolute, np.fabs, np.sign], ids=name)
def test_zero_slope_at_zero(f):
    for zero in (0.0, -0.0):
        assert not terms(f, zero).any()


@pytest.mark.parametrize("f, x, slope", [
    (np.sqrt, 0.0, INF), (np.cbrt, 0.0, INF), (np.log, 0.0, INF), (np.log1p, -1.0, INF),
    (np.log2, 0.0, INF), (np.log10, 0.0, INF), (np.arcsin, 1.0, INF), (np.arcsin, -1.0, INF),
    (np.arccos, 1.0, -INF), (np.arccos, -1.0, -INF), (np.arccosh, 1.0, INF),
    (np.arctanh, 1.0, INF), (np.arctanh, -1.0, INF), (np.reciprocal, 0.0, -INF),
    (lambda x: x**0.5, 0.0, INF), (lambda x: x ** np.array(0.5), 0.0, INF),
    (lambda x: np.float_power(x, 0.25), 0.0, INF),
], ids=str)
def test_true_limits_at_singular_points(f, x, slope):
    assert terms(f, x, 1)[0] == slope
    assert terms(f, np.array([x, x]), 1)[0].tolist() == [slope, slope]
    assert terms(f, x, 1, 0.0)[0] == 0


def test_higher_orders_at_singular_points_are_limits_from_inside():
    assert terms(np.sqrt, 0.0).tolist() == [INF, -INF, INF]
    assert terms(np.cbrt, 0.0).tolist() == [INF, -INF, INF]
    assert terms(np.arcsin, 1.0).tolist() == [INF, INF, INF]
    assert terms(np.arcsin, -1.0).tolist() == [INF, -INF, INF]
    assert terms(np.arctanh, 1.0).tolist() == [INF, INF, INF]
    assert terms(np.arccosh, 1.0).tolist() == [INF, -INF, INF]


def test_strong_zero():
    assert grad(lambda x: np.sqrt(x * x))(0.0) == 0
    assert grad(lambda x: np.cbrt(x * x * x))(0.0) == 0
    assert grad(lambda x: np.arcsin(1 - x * x))(0.0) == 0
    assert grad(lambda x: np.power(x * x, np.array(0.5)))(0.0) == 0


@pytest.mark.parametrize("f, x, slope", [
    (np.tanh, 20.0, 4 * np.exp(-40.0) / (1 + np.exp(-40.0)) ** 2), (np.tanh, 1000.0, 0.0),
    (np.arcsinh, 1e200, 1e-200), (np.arcsinh, -1e200, 1e-200), (np.arccosh, 1e200, 1e-200),
    (np.arctan, 1e160, 1e-320), (np.arctan, 1e200, 0.0), (np.arctan, INF, 0.0),
    (np.exp2, -1000.0, np.log(2.0) * 2.0**-1000), (np.expm1, -800.0, 0.0),
    (np.log1p, 1e300, 1e-300), (np.log10, 1e-300, 1e300 / np.log(10.0)),
    (np.sinc, 0.0, 0.0), (np.sinc, 1e-9, -np.pi**2 / 3 * 1e-9), (np.sinc, 1.0, -1.0),
    (np.arctanh, 1 - 2.0**-53, 1 / (2.0**-53 * (2 - 2.0**-53))),
    (np.cbrt, 1e300, 1e-200 / 3), (np.square, 1e200, 2e200), (np.arcsinh, INF, 0.0),
], ids=str)
def test_digits_at_the_far_ends(f, x, slope):
    got = terms(f, x, 1)[0]
    assert abs(got - slope) <= 4 * np.spacing(max(slope, -slope))


def test_pieces():
    x = np.array([2.75, -2.75])
    assert terms(lambda z: np.modf(z)[0], x, 2).tolist() == [[1, 1], [0, 0]]
    assert terms(lambda z: np.frexp(z)[0], x, 1).tolist() == [[0.25, 0.25]]
    assert terms(lambda z: np.ldexp(z, 3), x, 1).tolist() == [[8, 8]]
    assert terms(lambda z: np.ldexp(z, [[1], [2]]), x, 1).tolist() == [[[2, 2], [4, 4]]]
    with Call(1, 1) as call:
        z = call.along(x, [np.ones(2)])
        for result in (np.modf(z)[1], np.frexp(z)[1], np.divmod(z, 2.0)[0], z // 2):
            assert type(result) is np.ndarray
        with pytest.raises(TypeError, match="np.ldexp: no derivative.*argument 2.*2.0\\*\\*n"):
            np.ldexp(z, z)


# ---- complex -----------------------------------------------------------------------------

Z = np.array([3 + 4j, -1 + 2j, 0.5 - 0.25j])


@pytest.mark.parametrize("f", [np.absolute, np.sign, np.angle, np.real, np.imag, np.conjugate,
                               lambda z: np.angle(z, deg=True), lambda z: z.real * z.imag,
                               lambda z: np.abs(z) ** 2], ids=name)
@pytest.mark.parametrize("direction", [1, 1j, 0.6 - 0.8j])
def test_functions_of_complex_numbers_that_are_not_holomorphic(f, direction):
    v = np.full(3, direction, complex)
    c = oracles.coefficients(f, Z, 3, v)
    np.testing.assert_array_equal(c[0], f(Z))
    assert_close(c[1], oracles.slope(f, Z, v), 2, dtype=float, scale=np.full(3, 100.0))


def test_complex_zero():
    for f in (np.absolute, np.sign):
        assert not terms(f, 0j).any()
    assert grad(lambda z: np.abs(z) ** 2)(3 + 4j) == 6 - 8j  # 2 conj(z), as JAX has it
    assert grad(np.abs)(0j) == 0


def test_real_numbers_have_no_angle_that_changes():
    assert not terms(np.angle, np.array([2.0, -2.0])).any()
    assert not terms(np.imag, np.array([2.0, -2.0])).any()
    assert terms(np.real, 2.0).tolist() == [1, 0, 0]


# ---- two arguments -----------------------------------------------------------------------


@pytest.mark.parametrize("f", [np.maximum, np.minimum, np.fmax, np.fmin], ids=name)
def test_ties(f):
    assert both(f, 1.0, 1.0) == (0.5, 0.5)
    assert both(f, 0.0, -0.0) == (0.5, 0.5)
    assert both(f, INF, INF) == (0.5, 0.5)
    assert both(f, NAN, NAN) == (0.5, 0.5)
    assert terms(lambda x: f(x, 1.0), 1.0).tolist() == [0.5, 0, 0]
    x = np.array([1.0, 2.0, 3.0])
    top = f(1, 2) == 2
    want = [0, 0.5, 1] if top else [1, 0.5, 0]
    assert terms(lambda z: f(z, 2.0), x, 1)[0].tolist() == want


def test_extremes_and_nan():
    assert both(np.maximum, NAN, 1.0) == (1, 0)
    assert both(np.minimum, 1.0, NAN) == (0, 1)
    assert both(np.fmax, NAN, 1.0) == (0, 1)
    assert both(np.fmin, 1.0, NAN) == (1, 0)
    d = oracles.partials(np.maximum, (3 + 1j, 3 + 2j))  # complex numbers sort by parts
    assert (d[1, 0], d[0, 1]) == (0, 1)


def test_clip_at_its_bounds():
    clip = pairs.clip.__wrapped__  # the ufunc
    for f in (lambda x: np.minimum(np.maximum(x, -1.0), 1.0), lambda x: clip(x, -1.0, 1.0)):
        got = terms(f, np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), 1)[0]
        assert got.tolist() == [0, 0.5, 1, 0.5, 0]


@pytest.mark.parametrize("x, y, slopes", [
    (7.5, 2.0, (1, -3)), (-7.5, 2.0, (1, 4)), (7.5, -2.0, (1, 4)), (6.0, 3.0, (1, -2)),
    (-6.0, 3.0, (1, 2)), (0.0, 3.0, (1, 0)), (2.0, INF, (1, 0)), (-2.0, INF, (1, 1)),
])
def test_remainder(x, y, slopes):
    assert both(np.remainder, x, y) == slopes
    assert both(lambda a, b: a % b, x, y) == slopes
    assert both(lambda a, b: np.divmod(a, b)[1], x, y) == slopes
    assert both(lambda a, b: divmod(a, b)[1], x, y) == slopes


@pytest.mark.parametrize("x, y, slopes", [
    (7.5, 2.0, (1, -3)), (-7.5, 2.0, (1, 3)), (7.5, -2.0, (1, 3)), (6.0, 3.0, (1, -2)),
    (-6.0, 3.0, (1, 2)), (1.0, 0.1, (1, -9)), (2.0, INF, (1, 0)), (-2.0, INF, (1, 0)),
])
def test_fmod(x, y, slopes):
    assert both(np.fmod, x, y) == slopes


def test_division_by_zero_and_beyond():
    assert both(np.divide, 1.0, 1e200) == (1e-200, 0)
    assert both(np.divide, 1e200, 2.0) == (0.5, -0.25e200)
    assert both(np.divide, 0.0, 2.0) == (0.5, 0)
    assert terms(lambda x: 0.0 / x, 0.0, 1, 0.0)[0] == 0


def test_copysign_heaviside_nextafter():
    assert both(np.copysign, 3.0, -2.0) == (-1, 0)
    assert both(np.copysign, -3.0, -0.0) == (1, 0)
    assert both(np.copysign, 0.0, -2.0) == (0, 0)
    assert both(np.heaviside, 0.0, 0.5) == (0, 1)
    assert both(np.heaviside, 1.0, 0.5) == (0, 0)
    assert both(np.nextafter, 1.0, 2.0) == (1, 0)


def test_hypot():
    assert both(np.hypot, 0.0, 0.0) == (0, 0)
    assert not any(v for k, v in mixed(np.hypot, 0.0, 0.0, 3).items() if any(k))
    assert both(np.hypot, INF, 1.0) == (1, 0)
    assert both(np.hypot, -2.0, -INF) == (0, -1)
    assert both(np.hypot, 1.5e308, 0.0) == (1, 0)
    assert both(np.hypot, 5e-324, 0.0) == (1, 0)
    for a, b in ((1e200, 1e200), (1e-200, -1e-200)):
        x, y = both(np.hypot, a, b)
        assert_close([x, y], np.copysign(np.sqrt(0.5), [a, b]))
    d = mixed(np.hypot, 1.0, 1e-8, 2)  # y**2 / (2 h**3), where x / h cancels
    assert_close(d[2, 0], 0.5e-16 * (1 - 1.5e-16))


def test_arctan2():
    assert np.isnan(both(np.arctan2, 0.0, 0.0)).all()
    assert both(np.arctan2, 0.0, 2.0) == (0.5, 0)
    assert both(np.arctan2, -0.0, -2.0) == (-0.5, 0)
    for a, b in ((1e200, 1e200), (1e-200, 1e-200)):
        x, y = both(np.arctan2, a, b)
        assert_close([x, y], [0.5 / a, -0.5 / a])
    assert terms(lambda z: np.arctan2(z, 0.0), 0.0, 1, 0.0)[0] == 0


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2], ids=name)
def test_logaddexp(f):
    assert both(f, 3.0, -INF) == (1, 0)
    assert both(f, -INF, 3.0) == (0, 1)
    assert both(f, -INF, -INF) == (0.5, 0.5)
    assert both(f, INF, INF) == (0.5, 0.5)
    assert both(f, INF, 1.0) == (1, 0)
    assert both(f, 1e308, -1e308) == (1, 0)
    assert not any(mixed(f, 3.0, -INF, 3)[k] for k in ((2, 0), (1, 1), (0, 2), (3, 0)))
    exp = np.exp if f is np.logaddexp else np.exp2
    assert_close(both(f, 0.0, -50.0)[1], exp(-50.0))


# ---- powers ------------------------------------------------------------------------------

AT_OR_BELOW_ZERO = np.array([0.0, -0.0, -1.0, -2.0, 3.0])


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("exponent", [
    int, float, np.float64, np.array, lambda n: np.array(float(n)), lambda n: np.full(5, n),
    lambda n: np.full(5, float(n)), lambda n: np.full((2, 5), n)], ids=range(8))
def test_integer_powers_are_exact_at_every_order(n, exponent):
    from math import comb

    for f in (lambda x: x ** exponent(n), lambda x: np.power(x, exponent(n)),
              lambda x: np.float_power(x, exponent(n))):
        got = terms(f, AT_OR_BELOW_ZERO, 6)
        for k in range(1, 7):
            want = comb(n, k) * AT_OR_BELOW_ZERO ** (n - k) if k <= n else np.zeros(5)
            np.testing.assert_array_equal(got[k - 1], np.broadcast_to(want, got[k - 1].shape))


def test_integer_power_that_is_a_number():
    d = mixed(np.power, -2.0, 3.0, 4)
    assert [d[k, 0] for k in range(5)] == [-8, 12, -6, 1, 0]
    assert all(np.isnan(d[0, k]) for k in (1, 2))
    d = mixed(np.power, 0.0, 2.0, 3)
    assert [d[k, 0] for k in range(4)] == [0, 0, 1, 0]
    assert d[0, 1] == 0 and d[0, 2] == 0


def test_zero_to_a_power():
    for base in (0.0, -0.0):
        assert not terms(lambda y, base=base: base**y, 2.5).any()
        assert not terms(lambda y, base=base: np.power(base, y), np.array([0.5, 3.0])).any()
    assert terms(lambda y: 0.0**y, 0.0, 1)[0] == -INF
    assert np.isnan(terms(lambda y: (-2.0) ** y, 2.0)).all()
    assert not terms(lambda x: x**0, NAN).any()
    assert not terms(lambda x: x**0.0, 0.0).any()


def test_powers_at_the_far_ends():
    assert_close(terms(lambda y: 2.0**y, -1000.0, 1)[0], np.log(2) * 2.0**-1000)
    assert terms(lambda y: np.power(INF, y), -1.0, 1)[0] == 0
    x = 1e-200  # along a direction as small as the value nothing overflows
    c = terms(lambda z: np.power(z, np.array([0.5])), np.array([x]), 3, x)[:, 0]
    assert_close(c, np.array([0.5, -0.125, 0.0625]) * 1e-100, 2)


BASES = np.array([0.3, 1.0, 7.5, 1e-200, 1e-200, 1e200, 1e-300, 3.0, 1e-150])
POWERS = np.array([2.5, 0.0, -30.0, -1.0, 1.5, 1.5, 0.25, -600.0, 2.0])


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("shape", [(9,), (3, 3)])
@pytest.mark.parametrize("every", [slice(None), slice(0, 3)], ids=["far ends", "ordinary"])
def test_powers_of_arrays_against_mpmath(order, shape, every):
    """Constant exponents, constant bases, neither constant; coefficients along a direction
    as small as the base, which stay in range where the slope alone does not.
    """
    bases, powers = BASES[every], POWERS[every]
    shape = shape if bases.size == 9 else bases.shape
    u, v = 0.5 * bases, np.linspace(-0.5, 0.5, bases.size)
    one, two = np.broadcast_arrays(bases.reshape(shape), powers.reshape(shape))
    du, dv = u.reshape(shape), v.reshape(shape)
    cases = {
        "base": (lambda t: (one + du * t) ** two, u, 0 * v),
        "exponent": (lambda t: one ** (two + dv * t), 0 * u, v),
        "both": (lambda t: np.power(one + du * t, two + dv * t), u, v),
    }
    for label, (f, along_base, along_power) in cases.items():
        got = terms(f, np.float64(0.0), order).reshape(order, -1)
        with mpmath.workdps(60):
            want = np.array([power_series(*map(mp, q), order) for q in zip(
                bases, powers, along_base, along_power, strict=True)]).T
        scale = np.abs(want).max(axis=0)
        for k in range(order):
            np.testing.assert_array_less(
                np.abs(got[k] - want[k]), 4e-13 * (np.abs(want[k]) + 1e-2 * scale) + 1e-320,
                err_msg=f"{label}, order {k + 1}")


def power_series(x, p, u, v, order):
    """Coefficients 1 .. order of (x + u t)**(p + v t): the exponential of the series of its log."""
    log = [mpmath.log(x), *(-((-u / x) ** k) / k for k in range(1, order + 1))]
    w = [p * log[k] + (v * log[k - 1] if k else 0) for k in range(order + 1)]
    c = [x**p]
    for k in range(1, order + 1):
        c.append(sum(j * w[j] * c[k - j] for j in range(1, k + 1)) / k)
    return [float(q) for q in c[1:]]


def test_slopes_of_powers_in_every_dtype():
    for dtype in (np.float16, np.float32, np.longdouble, np.complex128):
        x, p = np.array([0.5, 2.0, 1.5], dtype), np.array([2, 0, -1], dtype)
        for f in (lambda t, x=x, p=p: (x + x * t) ** p, lambda t, x=x, p=p: np.power(x, p + t)):
            c = oracles.coefficients(f, np.zeros((), dtype), 1, np.ones((), dtype))[1]
            want = p * x**p if f(np.ones((), dtype))[1] == 1 else x**p * np.log(x)
            assert c.dtype == dtype
            np.testing.assert_allclose(c, want, rtol=20 * np.finfo(dtype).eps)


# ---- sparse gradients stay sparse --------------------------------------------------------


@pytest.mark.parametrize("f", [
    f for f, row in {**elementwise.ROWS, **pairs.ROWS}.items()
    if row.kind != "constant" and f.__name__ not in ("real", "imag", "clip", "sign", "ldexp")
    and f not in (np.angle, np.imag)], ids=name)
def test_an_elementwise_function_of_a_vector_keeps_its_lanes(f):
    """A gradient of a long vector costs a few coefficients an element, not one for each."""
    x = np.linspace(0.2, 0.8, 200)
    with Call(200, 2, True) as call, np.errstate(all="ignore"):
        z = call.seed(x)
        assert is_laned(z)
        results = f(z) if getattr(f, "nin", 1) == 1 else f(z, np.flip(x))
        for y in results if isinstance(results, tuple) else [results]:
            assert type(y) is not Taylor or is_laned(y)


@pytest.mark.parametrize("f", [
    f for f, row in {**elementwise.ROWS, **pairs.ROWS}.items() if row.kind != "constant"
    and f.__name__ not in ("real", "imag", "clip", "angle", "ldexp")], ids=name)
@pytest.mark.parametrize("lanes", [False, True])
def test_results_have_their_own_memory(f, lanes):
    x = np.linspace(0.3, 0.8, 30)
    with Call(30, 1, lanes) as call, np.errstate(all="ignore"):
        z = call.seed(x)
        args = (z,) if getattr(f, "nin", 1) == 1 else (z, np.full(30, 2.0))
        y = f(*args)
        y = next(r for r in (y if isinstance(y, tuple) else (y,)) if f is np.sign
                 or type(r) is Taylor or f is np.heaviside)
        if type(y) is Taylor:
            y[...] = 7.0
        np.testing.assert_array_equal(z.value, x)
        np.testing.assert_array_equal(z.terms, np.eye(30))


def test_no_warning_but_numpys():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for f in (np.cbrt, np.arcsin, np.arctanh, np.sinc, np.exp2, np.fabs, np.square):
            grad(grad(f))(0.0)
        for f in (np.hypot, np.logaddexp, np.arctan2, np.power, np.maximum, np.copysign):
            grad(lambda x, f=f: f(x, 3e-200))(1.0)
