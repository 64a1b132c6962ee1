"""Derivatives at 100,000 points: one evaluation, the points' own derivatives, few rows.

Oracles: derivatives by hand at all points, one point at a time at some.
"""

import numpy as np
import pytest

import dualdiff as dd

POINTS = 100_000
X = np.random.default_rng(4).normal(size=(POINTS, 3)) * 0.5
SOME = [0, 1, 777, POINTS - 1]


def f(x):
    return np.exp(x[..., 0] * x[..., 1]) * np.sin(x[..., 2]) + x[..., 0] ** 3


def by_hand(x):
    """(value, gradient, Hessian) of f."""
    a, b, c = np.moveaxis(x, -1, 0)
    e, s, k = np.exp(a * b), np.sin(c), np.cos(c)
    g = np.stack([b * e * s + 3 * a * a, a * e * s, e * k], -1)
    h = np.empty((*a.shape, 3, 3))
    h[..., 0, 0] = b * b * e * s + 6 * a
    h[..., 1, 1] = a * a * e * s
    h[..., 2, 2] = -e * s
    h[..., 0, 1] = h[..., 1, 0] = (1 + a * b) * e * s
    h[..., 0, 2] = h[..., 2, 0] = b * e * k
    h[..., 1, 2] = h[..., 2, 1] = a * e * k
    return e * s + a**3, g, h


@pytest.fixture
def counted():
    """f, and the algebra and shape of what it was called with."""
    seen = []

    def g(x):
        seen.append((x.algebra.M, x.shape))
        return f(x)

    return g, seen


def test_value_gradient_and_hessian(counted):
    g, seen = counted
    value, grad, hess = dd.value_grad_and_hessian(g, batch_axes=0)(X)
    assert seen == [(10, (POINTS, 3))]  # one evaluation, ten coefficients
    for got, want in zip((value, grad, hess), by_hand(X), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(hess, np.swapaxes(hess, 1, 2))
    seen.clear()
    np.testing.assert_array_equal(dd.grad(g, batch_axes=0)(X), grad)
    assert seen == [(4, (POINTS, 3))]
    np.testing.assert_array_equal(dd.hessian(g, batch_axes=0)(X), hess)
    np.testing.assert_allclose(dd.laplacian(g, batch_axes=0)(X), np.trace(hess, 0, 1, 2),
                               rtol=1e-13, atol=1e-13)


def test_points_do_not_see_each_other():
    """A NaN, an infinity and a singular point spoil their own derivatives only."""
    x = X[:1000].copy()
    x[3], x[5, 0] = np.nan, np.inf
    with np.errstate(all="ignore"):
        got = dd.hessian(f, batch_axes=0)(x)
    want = dd.hessian(f, batch_axes=0)(X[:1000])
    rest = np.delete(np.arange(1000), [3, 5])
    np.testing.assert_array_equal(got[rest], want[rest])


def test_all_jets_along_lines(counted):
    g, seen = counted
    v = np.random.default_rng(5).normal(size=X.shape)
    y, terms = dd.jet(g, (X,), ([v, v * 0, v * 0, v * 0, v * 0],))
    assert seen == [(6, (POINTS, 3))]
    np.testing.assert_array_equal(y, f(X))
    for q in SOME:
        want = dd.derivatives(lambda t, q=q: f(X[q] + t * v[q]), 5)(0.0)
        np.testing.assert_allclose([c[q] for c in terms], want[1:], rtol=1e-11, atol=1e-12)
    assert all(c.shape == (POINTS,) for c in terms)


def test_third_order_at_all_points(counted):
    g, seen = counted
    t = dd.derivative_tensor(g, 3, batch_axes=0)(X)
    assert seen == [(4, (POINTS, 3)), (20, (POINTS, 3))]  # one seed, to see what it takes; all
    assert t.shape == (POINTS, 3, 3, 3)
    for q in SOME:
        np.testing.assert_allclose(t[q], dd.derivative_tensor(f, 3)(X[q]), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(t, np.transpose(t, (0, 3, 1, 2)))


def test_functions_of_one_variable():
    t = np.linspace(-1, 1, POINTS)
    seen = []

    def h(t):
        seen.append(t.algebra.M)
        return np.exp(2 * t)

    got = dd.derivatives(h, 5)(t)
    assert seen == [6]
    np.testing.assert_allclose(got, np.exp(2 * t) * 2.0 ** np.arange(6)[:, None], rtol=1e-14)


def test_inside_an_outer_derivative():
    """The gradient of a loss over the gradients at all points."""
    x = X[:500]

    def loss(s):
        return np.mean(dd.grad(lambda x: f(s * x), batch_axes=0)(x) ** 2)

    eps = 1e-5
    want = (loss(1.1 + eps) - loss(1.1 - eps)) / (2 * eps)
    assert dd.grad(loss)(1.1) == pytest.approx(want, rel=1e-8)


def test_trees_of_points_and_shared_parameters():
    def g(p, x):
        return {"y": p["w"] * np.sin(x["u"]) + x["v"] ** 2 * p["b"]}

    p, x = {"w": 1.5, "b": -0.5}, {"u": X[:50, 0], "v": X[:50, 1]}
    j = dd.jacfwd(g, (0, 1), batch_axes=0)(p, x)["y"]
    np.testing.assert_allclose(j[0]["w"], np.sin(x["u"]), rtol=1e-15)
    np.testing.assert_allclose(j[0]["b"], x["v"] ** 2, rtol=1e-15)
    np.testing.assert_allclose(j[1]["u"], 1.5 * np.cos(x["u"]), rtol=1e-15)
    np.testing.assert_allclose(j[1]["v"], -x["v"], rtol=1e-15)


@pytest.mark.parametrize("error, make, words", [
    (TypeError, lambda: dd.grad(f, batch_axes=1.5), "batch_axes to be an int or a tuple of ints"),
    (ValueError, lambda: dd.grad(f, batch_axes=(0, 0)), "names one axis twice"),
    (ValueError, lambda: dd.hessian(f, batch_axes=(0, -1)), "mixes axes counted from the front"),
    (TypeError, lambda: dd.grad(lambda x: f(x) - np.mean(f(x)) + np.zeros((2, 1)),
                                batch_axes=0)(X[:5]), r"one number for each point, shape \(5,\)"),
])
def test_messages(error, make, words):
    with pytest.raises(error, match=words):
        make()
