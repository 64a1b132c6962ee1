"""Every ufunc: which it is, its value, its derivatives at every order, its edges.

Tests iterate the tables: a new row is tested as soon as `elementary` knows its mpmath
function.  May import: dualdiff, NumPy, the shared helpers.
"""

import pathlib
import sys
import warnings

import arrays
import elementary
import numpy as np
import oracles
import pytest
from numpy._core._umath_tests import inner1d
from numpy.testing.overrides import get_overridable_numpy_ufuncs
from tolerances import assert_close, eps

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from benchmarks import accuracy  # noqa: E402
from dualdiff._dispatch import REFUSED  # noqa: E402
from dualdiff._seeding import Call  # noqa: E402
from dualdiff._taylor import ROWS, Taylor  # noqa: E402
from dualdiff.rows import elementwise, pairs  # noqa: E402

UFUNCS = sorted(get_overridable_numpy_ufuncs(), key=lambda f: f.__name__)
ONE = {f: ROWS[f] for f in elementary.ONE}
TWO = {f: ROWS[f] for f in elementary.TWO}
CONSTANT = [f for f in UFUNCS if f in ROWS and ROWS[f].kind == "constant" and f.nin < 3]


def name(f):
    return getattr(f, "__name__", str(f))


def quiet(f, *args):
    with np.errstate(all="ignore"):
        return f(*args)


def numbers(*arrays_, order=1):
    """Arrays seeded along ones, over one algebra; valid as long as nothing else is pooled."""
    call = Call(1, order)
    return [call.along(np.asarray(a), [np.ones(np.shape(a), np.asarray(a).dtype)])
            for a in arrays_]


# ---- completeness ------------------------------------------------------------------------


@pytest.mark.parametrize("f", UFUNCS, ids=name)
def test_every_ufunc_has_a_row_or_a_reason(f):
    assert (f in ROWS) != (f in REFUSED)


def test_elementary_lists_every_function_with_a_domain():
    with_domain = {f for f, row in ROWS.items() if hasattr(row, "domain") and (
        f in elementwise.ROWS) and f not in (np.true_divide,)}
    assert with_domain == set(elementary.ONE)
    apart = {np.divmod, np.ldexp, np.floor_divide}
    two = {f for f, row in pairs.ROWS.items() if f.nin == 2 and row.kind != "constant"}
    assert two - apart == set(elementary.TWO)


@pytest.mark.parametrize("f", [f for f in UFUNCS if f in REFUSED], ids=name)
def test_refused_with_its_reason(f):
    x, = numbers(1.5)
    with pytest.raises(TypeError, match="dualdiff: .*not for numbers: it works on .*x.value"):
        f(*[x] * f.nin)


def test_unknown_ufunc_is_refused():
    x, = numbers(np.ones(3))
    with pytest.raises(TypeError, match="inner1d has no derivative rule; .*custom_jvp"):
        inner1d(x, x)


# ---- derivatives against mpmath ----------------------------------------------------------


@pytest.mark.parametrize("f", ONE, ids=name)
def test_orders_0_to_6(f):
    oracle, largest, extra = elementary.ONE[f]
    x = elementary.sweep(ROWS[f].domain, largest, extra, dense=False)
    ulps, units = accuracy.errors(f, oracle, x, 6)
    assert ulps.max() <= 4
    assert units[1:].max() <= 32


@pytest.mark.parametrize("f", TWO, ids=name)
def test_orders_0_to_6_of_two_arguments(f):
    oracle, points = elementary.TWO[f]
    ulps, units = accuracy.directions(f, oracle, points, 6)
    assert ulps.max() <= 4
    assert units[1:].max() <= 32


@pytest.mark.parametrize("f", [np.tanh, np.arctan, np.arcsin, np.sinc, np.cbrt], ids=name)
def test_order_12(f):
    oracle, largest, extra = elementary.ONE[f]
    x = elementary.sweep(ROWS[f].domain, largest, extra, dense=False)
    _, units = accuracy.errors(f, oracle, x)
    assert units[8].max() <= 1e-12 / eps(float)
    assert units.max() <= 1e-12 / eps(float)


def inside(f, dtype=float):
    """An interval well inside the domain of a function of one argument."""
    low, high = ROWS[f].domain
    if low in (0, 1):
        return low + 0.3, low + 2.5
    return (-0.8, 0.8) if low == -1 and high == 1 else (-0.7, 1.3)


@pytest.mark.parametrize("f", ONE, ids=name)
@pytest.mark.parametrize("dtype", [np.float32, np.longdouble], ids=["float32", "longdouble"])
def test_dtypes(f, dtype):
    if f in (np.reciprocal, np.absolute, np.fabs):
        x = np.array([-0.7, 0.4, 1.3], dtype)
    else:
        x = arrays.random(5, dtype, *inside(f))
    got = oracles.coefficients(f, x, 4)
    assert got.dtype == dtype
    want = oracles.mp_values(elementary.ONE[f][0], x, 5)
    scale = accuracy.scales(want, x)
    for k in range(1, 5):  # order 0 is NumPy's
        assert_close(got[k], want[k], k, dtype, scale[k], f"order {k}")


@pytest.mark.parametrize("f", [f for f in ONE if "D->D" in getattr(f, "types", ["D->D"])
                               and f not in (np.absolute, np.fabs, np.cbrt)], ids=name)
def test_holomorphic(f):
    x = np.array([0.3 + 0.2j, -0.4 + 1.1j, 1.7 - 0.6j, -2.5 - 0.3j])
    got = oracles.coefficients(f, x, 4)
    assert got.dtype == complex
    want = oracles.mp_values(elementary.ONE[f][0], x, 5)
    scale = accuracy.scales(want, x)
    for k in range(1, 5):
        assert_close(got[k], want[k], k, complex, scale[k], f"order {k}")


def test_complex_of_two_arguments():
    x, y = np.array([0.3 + 0.2j, -0.4 + 1.1j]), np.array([1.7 - 0.6j, 0.5 + 0.3j])
    for f in (np.add, np.subtract, np.multiply, np.true_divide, np.power):
        for g in (lambda z, f=f: f(z, y), lambda z, f=f: f(y, z), lambda z, f=f: f(z, z)):
            c = oracles.coefficients(g, x, 3)
            scale = np.maximum(np.abs(c).max(0), 1)
            assert_close(c[1], oracles.slope(g, x, np.ones(2)), dtype=complex, scale=scale)
            assert_close(c[3] * 6, oracles.nested(g, x, 3), 3, scale=6 * scale)


@pytest.mark.parametrize("f", [np.exp, np.sin, np.arctan, np.tanh, np.cbrt], ids=name)
def test_half_precision_keeps_its_dtype(f):
    x = np.array([0.5, 1.25], np.float16)
    got = oracles.coefficients(f, x, 2)
    assert got.dtype == np.float16
    want = oracles.mp_values(elementary.ONE[f][0], x, 2)
    assert_close(got, want, 2, np.float16)


@pytest.mark.parametrize("f", ONE, ids=name)
def test_nested_first_order_agrees(f):
    x = arrays.random(3, float, *inside(f))
    c = oracles.coefficients(f, x, 3)
    assert_close(oracles.nested(f, x, 3), 6 * c[3], 3, scale=6 * np.abs(c).max(0))


# ---- shapes and layouts ------------------------------------------------------------------


@pytest.mark.parametrize("f", [
    f for f, row in elementwise.ROWS.items() if row.kind != "constant"
    and not (isinstance(f, np.ufunc) and f.__name__ in ("real", "imag"))], ids=name)
def test_layouts(f):
    low, high = inside(f) if f in ONE else (-0.7, 1.3)
    for label, base, view in arrays.awkward(low=low, high=high):
        x = view(base)
        got = oracles.coefficients(lambda z: first(f(z)), base, 2, view=view)
        ref = oracles.coefficients(lambda z: first(f(z)), np.array(x, order="C"), 2)
        assert_close(got, ref, 2, scale=np.abs(ref).max(initial=1), label=label)
        np.testing.assert_array_equal(got[0], first(f(x)), label)


def first(result):
    return result[0] if isinstance(result, tuple) else result


def positive(f):
    return f in (np.power, np.float_power, np.logaddexp, np.true_divide)


@pytest.mark.parametrize("f", [*TWO, np.divmod], ids=name)
def test_layouts_of_two_arguments(f):
    low = 0.3 if positive(f) else -1.0
    pick = (lambda r: r[1]) if f is np.divmod else lambda r: r
    for label, y in arrays.plain_arrays(low=low):
        z = arrays.random(y.shape, low=low, seed=1)
        plain = np.array(y, float, subok=False)
        for g, h in ((lambda v, y=y: pick(f(v, y)), lambda v, y=plain: pick(f(v, y))),
                     (lambda v, y=y: pick(f(y, v)), lambda v, y=plain: pick(f(y, v)))):
            got, want = oracles.coefficients(g, z, 2), oracles.coefficients(h, z, 2)
            assert_close(got, want, 2, scale=np.abs(want).max(initial=1), label=label)
            np.testing.assert_array_equal(got[0], g(z), label)


@pytest.mark.parametrize("f", TWO, ids=name)
@pytest.mark.parametrize("shapes", arrays.BROADCAST, ids=str)
def test_broadcasting(f, shapes):
    low = 0.3 if positive(f) else -1.0
    x, y = (arrays.random(s, low=low, seed=i) for i, s in enumerate(shapes))
    wide = np.broadcast_arrays(x, y)
    for g, h, at in ((lambda v: f(v, y), lambda v: f(v, wide[1]), 0),
                     (lambda v: f(x, v), lambda v: f(wide[0], v), 1)):
        got = oracles.coefficients(g, (x, y)[at], 2)
        want = oracles.coefficients(h, wide[at].copy(), 2)
        assert_close(got, want, 2)


# ---- values and warnings -----------------------------------------------------------------


def record(f, *args):
    """(result or exception, warnings) of a call."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result = f(*args)
            for y in result if isinstance(result, tuple) else (result,):
                bits(y)  # large numbers warn when somebody looks at them
        except Exception as e:  # compared by type below
            result = type(e)
    return result, sorted(str(w.message) for w in seen)


def bits(x):
    return np.asarray(x.value if type(x) is Taylor else x)


def assert_same(got, want, label):
    assert got[1] == want[1], f"{label}: warned {got[1]}, NumPy {want[1]}"
    pairs_ = zip(got[0], want[0], strict=True) if isinstance(want[0], tuple) else [
        (got[0], want[0])]
    for g, w in pairs_:
        if isinstance(w, type):
            assert g is w, label
            continue
        g, w = bits(g), np.asarray(w)
        assert g.dtype == w.dtype and g.shape == w.shape, label
        np.testing.assert_array_equal(g, w, label)
        if w.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(g), np.signbit(w), label)


ALL = [f for f in UFUNCS if f in ROWS and f.nin < 3 and f.signature is None
       and f.__name__ not in ("_ones_like", "real", "imag")]
REAL_DTYPES = [np.float16, np.float32, np.float64, np.longdouble]


@pytest.mark.parametrize("f", [f for f in ALL if f.nin == 1], ids=name)
@pytest.mark.parametrize("dtype", [*REAL_DTYPES, np.complex128], ids=lambda t: t.__name__)
def test_values_and_warnings_are_numpys(f, dtype):
    specials = arrays.non_finite(dtype)
    for order in (1, 2):
        for e in specials:
            x, = numbers(e, order=order)
            assert_same(record(f, x), record(f, e), f"{f} of {e!r}")
        x, = numbers(specials, order=order)
        assert_same(record(f, x), record(f, specials), f"{f} of an array")


@pytest.mark.parametrize("f", [f for f in ALL if f.nin == 2], ids=name)
def test_values_and_warnings_of_two_are_numpys(f):
    specials = arrays.non_finite(float)
    a, b = specials[:, None], specials[None]
    if f is np.ldexp:
        b = np.array([[-3, 0, 5, 2000]])
    x, = numbers(a)
    assert_same(record(f, x, b), record(f, a, b), f"{f} number, array")
    if f is not np.ldexp:
        y, = numbers(b)
        assert_same(record(f, a, y), record(f, a, b), f"{f} array, number")
        x, y = numbers(a, b, order=2)
        assert_same(record(f, x, y), record(f, a, b), f"{f} numbers")
        for p in specials[::3]:
            for q in specials[::2]:
                x, y = numbers(p, q)
                assert_same(record(f, x, y), record(f, p, q), f"{f} of {p}, {q}")
                assert_same(record(f, x, float(q)), record(f, p, float(q)), f"{f} of {p}, {q}")


@pytest.mark.parametrize("f", CONSTANT, ids=name)
def test_constant_is_plain(f):
    if f.signature is not None:
        pytest.skip("a product")
    x = arrays.random((2, 3))
    z, = numbers(x)
    got = f(*[z] * f.nin)
    assert type(got) is not Taylor
    np.testing.assert_array_equal(got, f(*[x] * f.nin))


@pytest.mark.parametrize("f", [f for f in ONE if f in elementwise.ROWS], ids=name)
def test_an_unseeded_direction_stays_zero(f):
    """Strong zero: whatever the value, a zero coefficient stays exactly zero."""
    x = arrays.non_finite(float)
    with np.errstate(all="ignore"), Call(2, 3) as call:
        z = call.along(x, [np.zeros_like(x), np.zeros_like(x)])
        y = f(z)
        assert not np.any(y.terms)


@pytest.mark.parametrize("f", TWO, ids=name)
def test_an_unseeded_direction_of_two_stays_zero(f):
    x, y = arrays.non_finite(float)[:, None], arrays.non_finite(float)[None]
    with np.errstate(all="ignore"), Call(1, 3) as call:
        u, v = (call.along(a, [np.zeros_like(a)]) for a in (x, y))
        for result in (f(u, y), f(x, v), f(u, v)):
            assert type(result) is not Taylor or not np.any(result.terms)
