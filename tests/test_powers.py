"""Powers by their slopes (dualdiff/_powers.pxi): what the row says, and mpmath."""

import functools
import operator
import warnings

import mpmath
import numpy as np
import pytest
from numbers_by_hand import algebra
from tolerances import assert_close

import dualdiff as dd
from dualdiff._taylor import ROWS, Taylor, is_laned, make

INF, NAN = np.inf, np.nan
ROW = ROWS[np.power]
EDGES = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -3.5, 3.0, 1e-310, 5e-324, 1e-200, -1e-160,
         1e300, -1e308, 1e154, INF, -INF, NAN, 7.0, 20.5, -600.0, 120.0, -147.7, 1.0 + 2**-52]
ORDINARY = np.random.default_rng(3).uniform(0.2, 4.0, 23)
POWERS = {"operator": operator.pow, "ufunc": np.power}


seeds_of = functools.cache(lambda n, order: algebra((n, order)))


def number(values, first=0, seeds=3, order=1):
    """A number with terms of many sizes, among them zeros."""
    alg = seeds_of(seeds, order)
    v = np.asarray(values, float)
    terms = np.random.default_rng(first).normal(size=(alg.M - 1, *v.shape))
    terms[first % seeds] = 0
    return make(alg, v, terms)


def plain(x):
    return x.value if type(x) is Taylor else x


def check(f, a, b):
    """f(a, b) is the row's number with NumPy's value, and warns as NumPy does."""
    with warnings.catch_warnings(record=True) as ours:
        warnings.simplefilter("always")
        got = f(a, b)
    with warnings.catch_warnings(record=True) as numpys:
        warnings.simplefilter("always")
        value = f(plain(a), plain(b))
    assert sorted(str(w.message) for w in ours) == sorted(str(w.message) for w in numpys)
    with np.errstate(all="ignore"):
        want = ROW(a, b)
    np.testing.assert_array_equal(got.value, value)
    assert (got.dtype, got.shape, got.algebra) == (want.dtype, want.shape, want.algebra)
    label = f"{plain(a)!r} ** {plain(b)!r}"
    assert_close(got.terms, want.terms, order=got.algebra.D, label=label)
    zero = want.terms == 0
    np.testing.assert_array_equal(got.terms[zero], 0, err_msg=label)


def operands(one, two, order=1):
    """Pairs of operands of which one or both are numbers."""
    yield number(one, order=order), two
    yield one, number(two, order=order)
    yield number(one, order=order), number(two, 1, order=order)


@pytest.mark.parametrize("f", POWERS.values(), ids=POWERS)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_single_numbers_at_the_edges(f, order):
    for x in EDGES:
        for p in EDGES:
            check(f, x, number(p, order=order))
            check(f, number(x, order=order), number(p, 1, order=order))


@pytest.mark.parametrize("f", POWERS.values(), ids=POWERS)
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("exponents", [EDGES, ORDINARY, np.arange(-3, 22), np.arange(2.0, 5.0)],
                         ids=["edges", "ordinary", "integers", "whole"])
def test_arrays_at_the_edges(f, order, exponents):
    exponents = np.asarray(exponents)
    for x in EDGES:
        check(f, number(x, order=order), exponents)
        check(f, x, number(exponents, order=order))
        check(f, number(x, order=order), number(exponents, 1, order=order))
        check(f, number(exponents, order=order), number(x, order=order))
        check(f, exponents.astype(float), number(x, order=order))


@pytest.mark.parametrize("f", POWERS.values(), ids=POWERS)
@pytest.mark.parametrize("shapes", [((23,), (23,)), ((23, 1), (23,)), ((23,), (1,)), ((1, 23), ()),
                                    ((0,), ()), ((0,), (0,))], ids=str)
def test_shapes(f, shapes):
    one, two = (np.resize(ORDINARY[::s], shape) for s, shape in zip((1, -1), shapes, strict=True))
    for a, b in operands(one, two):
        check(f, a, b)


def test_layouts_and_dtypes():
    x = np.random.default_rng(1).uniform(0.5, 2.0, (4, 6))
    for p in (x[:, ::2], x.T.copy().T, x[::-1], x.astype(">f8"), x.astype(np.float32),
              np.broadcast_to(1.5, (4, 6)), x > 1, (4 * x).astype(np.int8)):
        check(operator.pow, number(1.25), p)
        check(operator.pow, number(np.full(p.shape, 1.25))[::-1], p)
        if p.dtype.kind == "f":
            check(operator.pow, p, number(np.full(p.shape, 1.25)).T.copy().T)
    check(operator.pow, number(1.25), np.array(2.5))
    check(operator.pow, 3, number(1.25))
    assert (number(1.25) ** [1.0, 2.0]).terms.shape == (3, 2)
    with pytest.raises(OverflowError):
        number(1.25) ** 10**400


def test_operator_gives_the_value_of_numpys_scalars():
    """np.float64 ** np.float64 is not np.power."""
    for x in np.linspace(0.1, 5.0, 500):
        for order in (1, 2):
            y = number(x, order=order) ** number(1.7, 1, order=order)
            assert y.value == np.float64(x) ** np.float64(1.7)
            assert (float(x) ** number(1.7, order=order)).value == float(x) ** np.float64(1.7)


@pytest.mark.parametrize("a, b", [(1.7, ORDINARY), (ORDINARY, 2.3), (ORDINARY, ORDINARY[::-1]),
                                  (3.3, -1.2), (-2.0, 5.0), (-1.5, np.arange(4.0))], ids=str)
def test_slopes_against_mpmath(a, b):
    def slopes(x, p):
        x, p = mpmath.mpf(float(x)), mpmath.mpf(float(p))
        return float(p * x ** (p - 1)), float(x**p * mpmath.log(x)) if x > 0 else NAN

    with mpmath.workdps(40):
        want = np.vectorize(slopes)(a, b)
    y = number_of_one_seed(a) ** b
    assert_close(y.terms[0], want[0])
    if np.all(np.asarray(a) > 0):
        assert_close((a ** number_of_one_seed(b)).terms[0], want[1])
        assert_close((number_of_one_seed(a) ** number_of_one_seed(b)).terms[0], want[0] + want[1])


def number_of_one_seed(v):
    v = np.asarray(v, float)
    return make(seeds_of(1, 1), v, np.ones((1, *v.shape)))


def test_zero_coefficients_beat_infinite_ones():
    alg = seeds_of(2, 1)
    y = make(alg, np.float64(1.0), np.array([INF, 0.0])) ** np.array([0.0, 2.0])
    np.testing.assert_array_equal(y.terms, [[0, INF], [0, 0]])
    y = 1.0 ** make(alg, np.float64(3.0), np.array([INF, 1.0]))
    np.testing.assert_array_equal(y.terms, [0, 0])


def test_numbers_of_two_calls():
    def f(x):
        return dd.grad(lambda y: x**y)(2.0)  # x**2 log(x)

    assert_close(dd.grad(f)(3.0), np.float64(6 * np.log(3.0) + 3))


@pytest.mark.lanes("auto", "always", reason="about lanes")
def test_lanes():
    x, t = np.linspace(0.5, 2.0, 600), np.linspace(-1.0, 1.0, 600)
    seen = []

    def f(x):
        seen.append(is_laned(x))
        y = x[::-1]
        return np.sum(x**t + 1.5**y + x**y + x ** np.mean(x) + np.power(x[:, None], t[:3]).T[0])

    got = dd.grad(f)(x)
    y = x[::-1]
    m = x.mean()
    want = (t * x ** (t - 1) + (1.5**y * np.log(1.5))[::-1] + y * x ** (y - 1)
            + (y**x * np.log(y)) + m * x ** (m - 1) + np.sum(x**m * np.log(x)) / 600
            + t[0] * x ** (t[0] - 1))
    assert seen[0]
    assert_close(got, want, order=3)
