"""The conventions at the edges, in every function that each of them concerns.

docs/conventions.md has a line for each convention; this file has the other functions,
methods and forms that the same line speaks of.  Figures are worked out by hand.
"""

import numpy as np
import pytest

from dualdiff import grad, jvp

inf, nan = np.inf, np.nan
A = np.array


def table(cases):
    """Parametrisation of {label: case}."""
    return pytest.mark.parametrize("case", [pytest.param(c, id=n) for n, c in cases.items()])


def slope(f, x):
    """The gradient, without NumPy's warnings about what lies beyond the edge."""
    with np.errstate(all="ignore"):
        return grad(f)(x)


# ---- kinks -----------------------------------------------------------------------------

AT_ZERO = {
    "abs()": abs, "np.abs": np.abs, "np.absolute": np.absolute, "np.fabs": np.fabs,
    "np.sign": np.sign, "1-norm": lambda x: np.linalg.norm(x * A([1.0, 2.0]), 1),
    "vector_norm": lambda x: np.linalg.vector_norm(x, ord=1),
    "matrix 1-norm": lambda x: np.linalg.norm(x * np.ones((1, 1)), 1),
    "matrix inf-norm": lambda x: np.linalg.matrix_norm(x * np.ones((1, 1)), ord=inf),
    "sqrt(x*x)": lambda x: np.sqrt(x * x), "power": lambda x: np.power(x * x, 0.5),
    "hypot": lambda x: np.hypot(x, 2 * x), "2-norm": lambda x: np.linalg.norm(x * A([1.0, 2.0])),
    "3-norm": lambda x: np.linalg.norm(x * A([1.0, 2.0]), 3),
    "std": lambda x: np.std(x * A([1.0, 2])),
    "nanstd": lambda x: np.nanstd(x * A([1.0, nan, 2])), ".std": lambda x: (x * A([1.0, 2])).std(),
    "frobenius": lambda x: np.linalg.norm(x * np.eye(2)),
    "frobenius of matrix_norm": lambda x: np.linalg.matrix_norm(x * np.eye(2)),
}


@table(AT_ZERO)
def test_kinks_at_zero_have_slope_zero(case):
    assert slope(lambda x: np.sum(case(x)), 0.0) == 0.0


# ---- ties ------------------------------------------------------------------------------

X = A([2.0, 5.0, 5.0, 1.0, 1.0])
HIGH, LOW = A([0, 0.5, 0.5, 0, 0]), A([0, 0, 0, 0.5, 0.5])
TIES = {
    **{f.__name__: (f, HIGH) for f in (np.max, np.amax, np.nanmax)},
    **{f.__name__: (f, LOW) for f in (np.min, np.amin, np.nanmin)},
    ".max": (lambda x: x.max(), HIGH), ".min": (lambda x: x.min(), LOW),
    "max of an axis": (lambda x: np.max(x[None], axis=1)[0], HIGH),
    "max, keepdims": (lambda x: np.max(x, keepdims=True)[0], HIGH),
    "max, where": (lambda x: np.max(x, where=X > 1, initial=0.0), HIGH),
    "max, initial": (lambda x: np.max(x[:1], initial=2.0), A([0.5, 0, 0, 0, 0])),
    "ptp": (np.ptp, HIGH - LOW),
    "maximum.reduce": (np.maximum.reduce, HIGH), "minimum.reduce": (np.minimum.reduce, LOW),
    "fmax.reduce": (np.fmax.reduce, HIGH), "fmin.reduce": (np.fmin.reduce, LOW),
    "maximum.reduceat": (lambda x: np.maximum.reduceat(x, [0, 3])[0], HIGH),
    "maximum": (lambda x: np.maximum(x[1], x[2]), HIGH),
    "fmin": (lambda x: np.fmin(x[3], x[4]), LOW),
    "maximum.outer": (lambda x: np.maximum.outer(x, x)[1, 2], HIGH),
    "maximum.accumulate": (lambda x: np.maximum.accumulate(x[1:])[1], HIGH),
    "inf-norm": (lambda x: np.linalg.norm(x, inf), HIGH),
    "-inf-norm": (lambda x: np.linalg.norm(x, -inf), LOW),
    "vector_norm": (lambda x: np.linalg.vector_norm(x, ord=inf), HIGH),
    "matrix inf-norm": (lambda x: np.linalg.norm(x[:, None], inf), HIGH),
    "matrix 1-norm": (lambda x: np.linalg.matrix_norm(x[None], ord=1), HIGH),
    "matrix -inf-norm": (lambda x: np.linalg.norm(x[:, None], -inf), LOW),
    "pad": (lambda x: np.pad(x, 1, "maximum")[0], HIGH),
    "edges": (lambda x: np.histogram_bin_edges(x, 3)[-1], HIGH),
    "clip": (lambda x: np.clip(x, 0.0, 5.0)[1], A([0, 0.5, 0, 0, 0])),
    ".clip": (lambda x: x.clip(1.0)[3], A([0, 0, 0, 0.5, 0])),
    "clip by a number": (lambda x: np.clip(X, x, 20.0)[0], A([0.5, 0, 0, 0, 0])),
}


@table(TIES)
def test_ties_share_equally(case):
    f, want = case
    np.testing.assert_allclose(slope(f, X), want, rtol=0, atol=1e-15)


# ---- order statistics ------------------------------------------------------------------

Y = A([3.0, 1.0, 2.0, 5.0, 4.0])
PICKS = {
    "sort": (lambda x: np.sort(x)[1], [0, 0, 1, 0, 0]),
    "sort backwards": (lambda x: np.sort(x)[::-1][0], [0, 0, 0, 1, 0]),
    ".sort": (lambda x: sorted_in_place(x)[4], [0, 0, 0, 1, 0]),
    "partition": (lambda x: np.partition(x, 2)[2], [1, 0, 0, 0, 0]),
    "median": (np.median, [1, 0, 0, 0, 0]), "nanmedian": (np.nanmedian, [1, 0, 0, 0, 0]),
    "median of four": (lambda x: np.median(x[:4]), [0.5, 0, 0.5, 0, 0]),
    "quantile": (lambda x: np.quantile(x, 0.375), [0.5, 0, 0.5, 0, 0]),
    "nanquantile": (lambda x: np.nanquantile(x, 0.25), [0, 0, 1, 0, 0]),
    "percentile": (lambda x: np.percentile(x, 75), [0, 0, 0, 0, 1]),
    "nanpercentile": (lambda x: np.nanpercentile(x, 100), [0, 0, 0, 1, 0]),
    "lower": (lambda x: np.quantile(x, 0.4, method="lower"), [0, 0, 1, 0, 0]),
    "unique": (lambda x: np.unique(x)[0], [0, 1, 0, 0, 0]),
    "argsort": (lambda x: x[np.argsort(x)[3]], [0, 0, 0, 0, 1]),
    "sort_complex": (lambda x: np.sort_complex(x)[0].real, [0, 1, 0, 0, 0]),
    "pad": (lambda x: np.pad(x, 1, "median")[0], [1, 0, 0, 0, 0]),
}


def sorted_in_place(x):
    x = x.copy()
    x.sort()
    return x


@table(PICKS)
def test_order_statistics_follow_the_elements_picked(case):
    f, want = case
    np.testing.assert_allclose(slope(f, Y), want, rtol=0, atol=1e-15)


# ---- strong zero -----------------------------------------------------------------------

Z = A([0.0, 1.0])  # the first direction does not reach the infinity, the second does not matter
SINGULAR = {
    "sqrt": (lambda x: np.sqrt(x[0]) + x[1], [inf, 1]),
    "log": (lambda x: np.log(x[0]) + x[1], [inf, 1]),
    "reciprocal": (lambda x: np.reciprocal(x[0]) + x[1], [-inf, 1]),
    "divide": (lambda x: np.sum(x / A([1.0, 0.0])), [1, inf]),
    "multiply": (lambda x: np.sum(x * A([inf, 1.0])), [inf, 1]),
    "power": (lambda x: x[0] ** 0.5 + x[1], [inf, 1]),
    "dot": (lambda x: np.dot(x, A([1.0, inf])), [1, inf]),
    "vdot": (lambda x: np.vdot(x, A([1.0, inf])), [1, inf]),
    "inner": (lambda x: np.inner(x, A([1.0, inf])), [1, inf]),
    "matmul": (lambda x: x @ A([1.0, inf]), [1, inf]),
    "matrix times vector": (lambda x: (A([[1.0, inf], [0, 1]]) @ x)[0], [1, inf]),
    "einsum": (lambda x: np.einsum("i,i", x, A([1.0, inf])), [1, inf]),
    "tensordot": (lambda x: np.tensordot(x, A([1.0, inf]), 1), [1, inf]),
    "vecdot": (lambda x: np.vecdot(x, A([1.0, inf])), [1, inf]),
    "convolve": (lambda x: np.convolve(x, A([inf, 1.0]))[1], [1, inf]),
    "correlate": (lambda x: np.correlate(x, A([1.0, inf]))[0], [1, inf]),
    "kron": (lambda x: np.kron(x, A([1.0, inf]))[0], [1, 0]),
    "outer": (lambda x: np.outer(x, A([1.0, inf]))[0, 1], [inf, 0]),
    "prod": (lambda x: np.prod(np.concatenate([x, [inf]])[1:]), [0, inf]),
    "cumprod": (lambda x: np.cumprod(np.concatenate([x[1:], [inf]]))[0], [0, 1]),
    "arcsin": (lambda x: np.arcsin(x[1]) + x[0], [1, inf]),
    "arctanh": (lambda x: np.arctanh(x[1]) + x[0], [1, inf]),
    "norm of parts": (lambda x: np.linalg.norm(x), [0, 1]),
    "average": (lambda x: np.average(x, weights=[0.0, 2.0]), [0, 1]),
    "interp": (lambda x: np.interp(0.5, A([0.0, 1, 2]), np.concatenate([x, [inf]])), [0.5, 0.5]),
    "trapezoid": (lambda x: np.trapezoid(x), [0.5, 0.5]),
    "polyval": (lambda x: np.polyval(x, 0.0), [0, 1]),
}


@table(SINGULAR)
def test_a_zero_coefficient_stays_zero(case):
    f, want = case
    np.testing.assert_array_equal(slope(f, Z), want)


# ---- untaken branches ------------------------------------------------------------------

V = A([-1.0, 4.0])
BRANCHES = {
    "where": (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), [0, 0.25]),
    "select": (lambda x: np.sum(np.select([x > 0], [np.log(x)], 7.0)), [0, 0.25]),
    "piecewise": (lambda x: np.sum(np.piecewise(x, [x > 0], [np.sqrt, 0.0])), [0, 0.25]),
    "choose": (lambda x: np.sum(np.choose((x > 0) * 1, [np.zeros(2), np.sqrt(x)])), [0, 0.25]),
    "index": (lambda x: np.sum(np.sqrt(x)[x > 0]), [0, 0.25]),
    "extract": (lambda x: np.sum(np.extract(x > 0, np.sqrt(x))), [0, 0.25]),
    "compress": (lambda x: np.sum(np.compress([False, True], np.sqrt(x))), [0, 0.25]),
    "take": (lambda x: np.take(np.sqrt(x), 1), [0, 0.25]),
    "where= of sum": (lambda x: np.sum(np.sqrt(x), where=[False, True]), [0, 0.25]),
    "where= of mean": (lambda x: np.mean(np.sqrt(x), where=[False, True]), [0, 0.25]),
    "where= of a ufunc": (
        lambda x: np.sum(np.sqrt(x, out=np.zeros_like(x), where=x > 0)), [0, 0.25]),
    "nansum": (lambda x: np.nansum(np.sqrt(x)), [0, 0.25]),
    "nanmean": (lambda x: np.nanmean(np.sqrt(x)), [0, 0.25]),
    "nanmax": (lambda x: np.nanmax(np.sqrt(x)), [0, 0.25]),
    "nanprod": (lambda x: np.nanprod(np.sqrt(x)), [0, 0.25]),
    "nancumsum": (lambda x: np.nancumsum(np.sqrt(x))[-1], [0, 0.25]),
    "nanmedian": (lambda x: np.nanmedian(np.sqrt(x)), [0, 0.25]),
    "nanvar": (lambda x: np.nanvar(np.sqrt(x)), [0, 0]),
    "fmax": (lambda x: np.sum(np.fmax(np.sqrt(x), 0.0)), [0, 0.25]),
    "nan_to_num": (lambda x: np.sum(np.nan_to_num(np.sqrt(x))), [0, 0.25]),
    "copyto": (lambda x: np.sum(copied(x)), [0, 0.25]),
    "assigned": (lambda x: np.sum(assigned(x)), [0, 0.25]),
    "clip": (lambda x: np.sum(np.clip(x, 0.0, 1.0)), [0, 0]),
    "delete": (lambda x: np.sum(np.delete(np.sqrt(x), 0)), [0, 0.25]),
    "tril": (lambda x: np.sum(np.triu(np.outer([1.0, 0.0], np.sqrt(x)), 1)), [0, 0.25]),
}


def copied(x):
    y = np.zeros_like(x)
    np.copyto(y, np.sqrt(x), where=x > 0)
    return y


def assigned(x):
    y = np.sqrt(x)
    y[x < 0] = 0.0
    return y


@table(BRANCHES)
def test_what_is_not_taken_leaves_no_trace(case):
    f, want = case
    np.testing.assert_array_equal(slope(f, V), want)


# ---- powers ----------------------------------------------------------------------------


@pytest.mark.parametrize("x", [-2.0, 0.0, 3.0])
@pytest.mark.parametrize("f", [
    lambda x: x**0, lambda x: x**0.0, lambda x: np.power(x, 0), lambda x: np.float_power(x, 0),
    lambda x: np.sum(x ** A([0.0])), lambda x: np.lib.scimath.power(x, 0),
    lambda x: x ** np.int8(0), lambda x: np.power.outer(x, A([0.0]))[0]])
def test_exponent_zero(f, x):
    assert slope(lambda x: np.real(f(x)), x) == 0.0


@pytest.mark.parametrize("f", [
    lambda x: x**3, lambda x: x**3.0, lambda x: np.power(x, 3), lambda x: np.float_power(x, 3.0),
    lambda x: np.sum(x ** A([3.0])), lambda x: x * np.square(x),
    lambda x: np.prod(np.stack([x] * 3)), lambda x: np.polyval([1.0, 0, 0, 0], x),
    lambda x: np.vander(np.stack([x]), 4)[0, 0],
    lambda x: np.linalg.matrix_power(x * np.eye(1), 3)[0, 0],
    lambda x: np.multiply.reduce(np.stack([x] * 3)),
    lambda x: np.cumprod(np.stack([x] * 3))[2]])
@pytest.mark.parametrize("x", [-2.0, 0.0, 1.5])
def test_whole_exponents_are_exact_at_every_order(f, x):
    want = [3 * x**2, 6 * x, 6.0, 0.0]
    for n in range(4):
        f = grad(f)
        assert f(x) == want[n]


@pytest.mark.parametrize("power", [np.power, np.float_power, pow])
def test_powers_in_the_exponent(power):
    assert slope(lambda y: power(0.0, y), 2.0) == 0.0
    assert np.isnan(slope(lambda y: power(np.float64(-2.0), y), 2.0))


# ---- far out ---------------------------------------------------------------------------

FAR = {
    "divide": (lambda x: 1e200 / x, 1e200, -1e-200), "reciprocal": (np.reciprocal, 1e100, -1e-200),
    "hypot": (lambda x: np.hypot(x, 4e200), 3e200, 0.6),
    "hypot, tiny": (lambda x: np.hypot(x, 4e-200), 3e-200, 0.6),
    "norm": (lambda x: np.linalg.norm(beside(x)), 3e200, 0.6),
    "norm, tiny": (lambda x: np.linalg.norm(np.stack([x, 4e-200 + 0 * x])), 3e-200, 0.6),
    "vector_norm": (lambda x: np.linalg.vector_norm(beside(x)), 3e200, 0.6),
    "matrix_norm": (lambda x: np.linalg.matrix_norm(beside(x)[None]), 3e200, 0.6),
    "3-norm": (lambda x: np.linalg.norm(np.stack([x, 0 * x]), 3), 3e200, 1.0),
    "norm of rows": (lambda x: np.linalg.norm(beside(x)[None], axis=1)[0], 3e200, 0.6),
    "logaddexp": (lambda x: np.logaddexp(x, -inf), 1.0, 1.0),
    "logaddexp.reduce": (lambda x: np.logaddexp.reduce(np.stack([x, x - inf])), 1.0, 1.0),
    "logaddexp2": (lambda x: np.logaddexp2(-inf, x), 1.0, 1.0),
    "arctan2": (lambda x: np.arctan2(1e200, x), 1e200, -5e-201),
    "angle": (lambda x: np.angle(x + 1e200j), 1e200, -5e-201),
    "absolute": (lambda x: np.abs(x + 4e200j), 3e200, 0.6),
    "arcsinh": (np.arcsinh, -1e200, 1e-200), "arccosh": (np.arccosh, 1e200, 1e-200),
    "arctan": (np.arctan, 1e100, 1e-200), "log1p": (np.log1p, 1e200, 1e-200),
    "tanh": (np.tanh, -20.0, 1.6993417021166356e-17), "expm1": (np.expm1, -40.0, np.exp(-40.0)),
    "det": (lambda x: np.linalg.slogdet(x * np.eye(3))[1], 1e200, 3e-200),
    "geometric mean": (lambda x: np.exp(np.mean(np.log(np.stack([x, 0 * x + 1e200])))), 1e200, 0.5),
}


def beside(x):
    """x and 4e200."""
    return np.stack([x, 4e200 + 0 * x])


@table(FAR)
def test_far_out(case):
    f, x, want = case
    assert slope(f, x) == pytest.approx(want, rel=8 * np.finfo(float).eps if abs(want) > 0 else 0)


# ---- remainders ------------------------------------------------------------------------

REMAINDERS = {
    "mod": (np.mod, 7.0, 3.0, 1.0, -2.0), "remainder": (np.remainder, -7.0, 3.0, 1.0, 3.0),
    "%": (lambda x, y: x % y, -7.0, 3.0, 1.0, 3.0), "fmod": (np.fmod, -7.0, 3.0, 1.0, 2.0),
    "at a multiple": (np.mod, 6.0, 3.0, 1.0, -2.0), "fmod of one": (np.fmod, 6.0, 3.0, 1.0, -2.0),
    "divmod": (lambda x, y: divmod(x, y)[1], -7.0, 3.0, 1.0, 3.0),
    "np.divmod": (lambda x, y: np.divmod(x, y)[1], 7.0, -3.0, 1.0, 3.0),
    "//": (lambda x, y: x // y + 0 * x, 7.0, 3.0, 0.0, 0.0),
    "floor_divide": (lambda x, y: np.floor_divide(x, y) + 0 * x, 6.0, 3.0, 0.0, 0.0),
    "quotient": (lambda x, y: np.divmod(x, y)[0] + 0 * x, 7.0, 3.0, 0.0, 0.0),
    "modf": (lambda x, y: np.modf(x / y)[0], 7.0, 3.5, 1 / 3.5, -7 / 3.5**2),
}


@table(REMAINDERS)
def test_the_quotient_of_a_remainder_is_constant(case):
    f, x, y, dx, dy = case
    assert grad(f, (0, 1))(x, y) == pytest.approx((dx, dy), rel=1e-15)


# ---- products with zeros ---------------------------------------------------------------

P = A([2.0, 0.0, 3.0, 4.0])
PRODUCTS = {
    "prod": np.prod, "nanprod": np.nanprod, ".prod": lambda x: x.prod(),
    "cumprod": lambda x: np.cumprod(x)[-1], "nancumprod": lambda x: np.nancumprod(x)[-1],
    ".cumprod": lambda x: x.cumprod()[-1], "multiply.reduce": np.multiply.reduce,
    "multiply.accumulate": lambda x: np.multiply.accumulate(x)[-1],
    "multiply.reduceat": lambda x: np.multiply.reduceat(x, [0])[0],
    "prod of an axis": lambda x: np.prod(x[None], axis=1, keepdims=True)[0, 0],
    "prod, where": lambda x: np.prod(x, where=np.ones(4, bool), initial=1.0),
    "det": lambda x: np.linalg.det(np.diag(x)), "einsum": lambda x: np.einsum(
        ",,,", x[0], x[1], x[2], x[3]),
    "matmul": lambda x: x[0] * x[1:2] @ (x[2] * x[3:4]),
    "poly": lambda x: np.poly(x)[-1],
}
if hasattr(np, "cumulative_prod"):
    PRODUCTS["cumulative_prod"] = lambda x: np.cumulative_prod(x)[-1]


@table(PRODUCTS)
def test_products_with_zeros_are_exact(case):
    np.testing.assert_allclose(slope(case, P), [0, 24, 0, 0], rtol=1e-14, atol=0)
    mixed = grad(lambda x: grad(case)(x)[1])(P)
    np.testing.assert_allclose(mixed, [12, 0, 8, 6], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("rank", [1, 2])
def test_determinants_of_singular_matrices_to_third_order(rank):
    """det(A + t B) is a polynomial in t: its coefficients by Laplace's formula."""
    rng = np.random.default_rng(rank)
    a = sum(np.outer(rng.integers(-2, 3, 3), rng.integers(1, 3, 3)) for _ in range(rank)) * 1.0
    b = rng.integers(-3, 4, (3, 3)) * 1.0
    laplace = lambda m: sum(m[0, i] * (m[1, (i + 1) % 3] * m[2, (i + 2) % 3] - (
        m[1, (i + 2) % 3] * m[2, (i + 1) % 3])) for i in range(3))
    f, g = (lambda t: np.linalg.det(a + t * b)), (lambda t: laplace(a + t * b))
    for _ in range(3):
        f, g = grad(f), grad(g)
        assert f(0.0) == pytest.approx(g(0.0), rel=1e-12, abs=1e-12)


# ---- repeated eigenvalues and singular values ------------------------------------------

B = A([[0.0, 1.0], [1.0, 0.0]])
REPEATED = {
    "eigvalsh": (np.linalg.eigvalsh, [-1, 1]), "eigh": (lambda a: np.linalg.eigh(a)[0], [-1, 1]),
    "svdvals": (lambda a: np.linalg.svd(a, compute_uv=False), [1, -1]),
    "svd": (lambda a: np.linalg.svd(a)[1], [1, -1]),
    "norm 2": (lambda a: np.linalg.norm(a, 2), 1), "norm -2": (lambda a: np.linalg.norm(a, -2), -1),
    "nuclear norm": (lambda a: np.linalg.norm(a, "nuc"), 0),
    "matrix_norm": (lambda a: np.linalg.matrix_norm(a, ord=2), 1),
    "cond": (np.linalg.cond, 2), "pinv": (np.linalg.pinv, -B), "inv": (np.linalg.inv, -B),
    "square root": (lambda a: root(a), B / 2),
}


def root(a):
    """The symmetric square root."""
    w, v = np.linalg.eigh(a)
    return (v * np.sqrt(w)) @ v.T


@table(REPEATED)
def test_repeated_values_move_one_sidedly(case):
    f, want = case
    got = jvp(f, (np.eye(2),), (B,))[1]
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)


# ---- values decide ---------------------------------------------------------------------

DECISIONS = {
    "==": lambda x: x * (x == 2.0), "!=": lambda x: x * (x != 1.0), "<": lambda x: x * (x < 3.0),
    ">=": lambda x: x * (x >= 2.0), "isclose": lambda x: x * np.isclose(x, 2.0),
    "if": lambda x: x if x > 1 else 5 * x, "while": lambda x: halved(x) * 2,
    "argmax": lambda x: np.stack([x, -x])[np.argmax(np.stack([x, -x]))],
    "floor": lambda x: x * np.floor(x) / 2, "round": lambda x: x * np.round(x) / 2,
    "logical_not": lambda x: x * np.logical_not(x < 0), "isfinite": lambda x: x * np.isfinite(x),
    "searchsorted": lambda x: x * np.searchsorted([0.0, 3.0], x),
    "digitize": lambda x: x * np.digitize(x, [0.0, 3.0]),
    "nonzero": lambda x: np.stack([x])[np.nonzero(np.stack([x]))][0],
    "heaviside": lambda x: x * np.heaviside(x, 0.5), "allclose": lambda x: x * np.allclose(x, 2.0),
    "count_nonzero": lambda x: x * np.count_nonzero(x), "trunc": lambda x: x * np.trunc(x) / 2,
    "rint": lambda x: x * np.rint(x) / 2, "spacing": lambda x: x + np.spacing(x),
    "sign": lambda x: x * np.sign(x), "lexsort": lambda x: np.stack([x])[np.lexsort((
        np.stack([x]),))][0],
}


def halved(x):
    while x > 1.5:
        x = x / 2
    return x


@table(DECISIONS)
def test_decisions_look_at_the_value_only(case):
    assert slope(case, 2.0) == 1.0


# ---- constants -------------------------------------------------------------------------


@pytest.mark.parametrize("f", [
    lambda x: 3.0, lambda x: np.floor(x), lambda x: np.float32(2.0), lambda x: 7,
    lambda x: np.zeros_like(x), lambda x: np.sum(x > 0), lambda x: x.size * 1.0,
    lambda x: np.ones_like(x) * 2, lambda x: np.real_if_close(3.0), lambda x: x.value * 2])
def test_results_that_do_not_depend_have_derivative_zero(f):
    assert grad(f)(1.5) == 0.0


def test_inputs_are_never_changed():
    x = A([3.0, 1.0, 2.0])

    def f(y):
        y[0] = 0.0
        y.sort()
        y += 1.0
        np.copyto(y, y * 2)
        y.fill(y[1])
        return np.sum(y)

    grad(f)(x)
    np.testing.assert_array_equal(x, [3.0, 1.0, 2.0])
