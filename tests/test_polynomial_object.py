"""Taylor polynomials: coefficients, arithmetic, composition, calculus, radius, reversion.

Oracles: SymPy, mpmath, numpy.polynomial, the functions themselves.
"""

import math

import mpmath
import numpy as np
import pytest
import sympy

import dualdiff as dd
from dualdiff import taylor
from dualdiff.tree_util import tree_leaves


def flat_center(p):
    return np.concatenate([np.ravel(c) for c in tree_leaves(p.center)])


def close(p, q, **kw):
    kw = {"rtol": 1e-12, "atol": 1e-14} | kw
    np.testing.assert_allclose(p.coefficients, q.coefficients, **kw)
    np.testing.assert_array_equal(flat_center(p), flat_center(q))
    assert p.order == q.order


@pytest.mark.parametrize("order", [0, 1, 2, 12])
def test_coefficients(order):
    with mpmath.workdps(50):
        want = mpmath.taylor(lambda x: mpmath.exp(mpmath.sin(x)), mpmath.mpf("0.5"), order)
    p = taylor(lambda x: np.exp(np.sin(x)), 0.5, order)
    assert p.order == order and p.variables == 1 and p.shape == ()
    np.testing.assert_allclose(p.coefficients, [float(c) for c in want], rtol=1e-12)
    assert p.coefficient(order) == p.coefficients[order]


def test_several_variables_against_sympy():
    x, y = sympy.symbols("x y")
    expr = sympy.exp(x * y) / (1 + x)
    p = taylor(lambda v: np.exp(v[0] * v[1]) / (1 + v[0]), np.array([0.5, -0.25]), 5)
    assert p.coefficients.shape == (21,) and p.exponents.shape == (21, 2)
    for e, c in zip(p.exponents.tolist(), p.coefficients, strict=True):
        want = expr
        for s, k in zip((x, y), e, strict=True):
            want = sympy.diff(want, s, k) / math.factorial(k)
        assert c == pytest.approx(float(want.subs({x: 0.5, y: -0.25})), rel=1e-12)
        assert p.coefficient(*e) == c


def test_evaluation():
    p = taylor(np.exp, 1.0, 15)
    x = np.linspace(0.5, 1.5, 7)
    np.testing.assert_allclose(p(x), np.exp(x), rtol=1e-14)
    assert isinstance(p(1.2), np.float64) and p(1.2) == pytest.approx(math.exp(1.2), rel=1e-14)
    curve = taylor(lambda t: np.stack([np.cos(t), np.sin(t), t]), 0.0, 12)
    assert curve(0.3).shape == (3,) and curve(x.reshape(7, 1)).shape == (3, 7, 1)
    np.testing.assert_allclose(curve(x[:3] - 0.5), [np.cos(x[:3] - 0.5), np.sin(x[:3] - 0.5),
                                                    x[:3] - 0.5], rtol=1e-12, atol=1e-14)
    f = lambda v: np.sin(v[..., 0]) * np.exp(v[..., 1] * v[..., 2])  # noqa: E731
    c = np.array([0.1, 0.2, 0.3])
    q = taylor(f, c, 8)
    points = c + 0.1 * np.random.default_rng(0).normal(size=(4, 5, 3))
    np.testing.assert_allclose(q(points), f(points), rtol=1e-7)
    assert q(c) == f(c)
    assert taylor(np.exp, 0.0, 0)(np.ones(3)).tolist() == [1.0, 1.0, 1.0]


def test_evaluation_is_differentiable():
    p = taylor(np.sin, 0.4, 6)
    assert dd.grad(p)(0.5) == pytest.approx(p.derivative()(0.5), rel=1e-14)
    q = taylor(lambda v: v[0] ** 2 * v[1], np.array([1.0, 2.0]), 3)
    np.testing.assert_allclose(dd.grad(q)(np.array([1.5, 2.5])), [7.5, 2.25], rtol=1e-14)


def test_arithmetic():
    a, b = taylor(np.sin, 0.3, 8), taylor(np.exp, 0.3, 8)
    close(a + b, taylor(lambda x: np.sin(x) + np.exp(x), 0.3, 8))
    close(a * b - 2 * b, taylor(lambda x: (np.sin(x) - 2) * np.exp(x), 0.3, 8))
    close(1 - a / b, taylor(lambda x: 1 - np.sin(x) / np.exp(x), 0.3, 8))
    close((1 / b) ** 3, taylor(lambda x: np.exp(-3 * x), 0.3, 8))
    close(-a + 1.5, taylor(lambda x: 1.5 - np.sin(x), 0.3, 8))
    close(b**0.5, taylor(lambda x: np.exp(x / 2), 0.3, 8))
    close(np.log(b), taylor(lambda x: x, 0.3, 8), atol=1e-12)
    close(np.multiply(2.0, a), 2 * a)
    close(np.arctan2(a, b), taylor(lambda x: np.arctan2(np.sin(x), np.exp(x)), 0.3, 8))
    close(a * b.truncate(3), (a * b).truncate(3))
    c = np.array([0.3, -0.2])
    f, g = taylor(lambda v: np.sin(v[0] * v[1]), c, 4), taylor(lambda v: np.exp(v[1]), c, 4)
    close(f * g / (1 + g), taylor(
        lambda v: np.sin(v[0] * v[1]) * np.exp(v[1]) / (1 + np.exp(v[1])), c, 4))


def test_composition():
    inner = taylor(lambda x: np.sin(x) + 1, 0.3, 9)
    outer = taylor(np.log, np.sin(0.3) + 1, 9)
    close(outer(inner), taylor(lambda x: np.log(np.sin(x) + 1), 0.3, 9))
    c = np.array([0.3, -0.2])
    f = lambda v: np.stack([v[0] * v[1], np.exp(v[0])])  # noqa: E731
    g = lambda u: np.sin(u[0]) * u[1] ** 2  # noqa: E731
    close(taylor(g, f(c), 4)(taylor(f, c, 4)), taylor(lambda v: g(f(v)), c, 4))
    along = taylor(lambda t: np.stack([t**2, np.cos(t)]), 0.5, 6)
    close(taylor(g, along.coefficients[0], 6)(along),
          taylor(lambda t: g(np.stack([t**2, np.cos(t)])), 0.5, 6))


def test_calculus():
    p = taylor(lambda x: np.exp(np.sin(x)), 0.3, 9)
    close(p.derivative(), taylor(lambda x: np.exp(np.sin(x)) * np.cos(x), 0.3, 8))
    back = p.derivative().integral(constant=p.coefficients[0])
    close(back, p)
    assert p.integral(2).order == 11 and p.derivative(20).coefficients.tolist() == [0.0]
    c = np.array([0.3, -0.2])
    f = lambda v: np.exp(v[0] * v[1]) * v[0]  # noqa: E731
    q = taylor(f, c, 5)
    close(q.derivative(variable=1), taylor(lambda v: np.exp(v[0] * v[1]) * v[0] ** 2, c, 4))
    close(q.integral(variable=0).derivative(variable=0), q)
    close(q.derivative(2, variable=0), q.derivative().derivative())
    curve = taylor(lambda t: np.stack([np.cos(t), t**3]), 0.5, 6)
    close(curve.derivative(), taylor(lambda t: np.stack([-np.sin(t), 3 * t**2]), 0.5, 5))


@pytest.mark.parametrize("f, x0, want, rel", [
    (lambda x: 1 / (1 - x), 0.0, 1.0, 1e-10),
    (lambda x: np.log(1 + x), 0.0, 1.0, 1e-9),
    (lambda x: 1 / (1 + 25 * x**2), 0.5, math.hypot(0.5, 0.2), 1e-8),
    (np.sqrt, 3.0, 3.0, 1e-9),
    (np.arctan, 1.0, math.sqrt(2), 1e-8),
    (np.tan, 0.3, math.pi / 2 - 0.3, 1e-3),
    (np.tanh, 0.0, math.pi / 2, 1e-3),
    (lambda x: x**2.5, 2e3, 2e3, 1e-8),
    (lambda x: 1 / (1 - x**3), 0.0, 1.0, 1e-9),
    (lambda x: np.exp(x) / (2 - x), 0.0, 2.0, 1e-4),
    (np.exp, 1.0, math.inf, 0), (np.sin, 0.2, math.inf, 0),
    (lambda x: np.exp(-x * x), 0.5, math.inf, 0), (lambda x: x**3, 1.0, math.inf, 0),
])
def test_radius_of_convergence(f, x0, want, rel):
    assert taylor(f, x0, 24).radius_of_convergence() == pytest.approx(want, rel=rel)


def test_radii_of_several_values():
    p = taylor(lambda t: np.stack([1 / (1 - t), 1 / (1 + t * t / 4)]), 0.0, 20)
    np.testing.assert_allclose(p.radius_of_convergence(), [1.0, 2.0], rtol=1e-9)


def test_reversion():
    for f, inverse, x0 in ((np.exp, np.log, 0.5), (np.tan, np.arctan, 0.2),
                           (lambda x: x * x, np.sqrt, 1.5)):
        p = taylor(f, x0, 10)
        q = p.reversion()
        assert q.center == f(x0)
        close(q, taylor(inverse, q.center, 10), rtol=1e-9)
        identity = np.zeros(11)
        identity[:2] = x0, 1
        np.testing.assert_allclose(q(p).coefficients, identity, atol=1e-9)


def test_numpy():
    p = taylor(np.exp, 1.0, 6)
    q = p.to_numpy()
    assert isinstance(q, np.polynomial.Polynomial)
    x = np.linspace(0, 2, 5)
    np.testing.assert_allclose(q(x), p(x), rtol=1e-14)
    np.testing.assert_allclose(q.deriv()(x), p.derivative()(x), rtol=1e-14)


def test_inside_an_outer_derivative():
    def f(a):
        p = taylor(lambda x: np.sin(a * x), a, 4)
        q = p * p + 2 * p
        return q(0.8) + p.derivative().integral()(0.7) + p.coefficient(3)

    eps = 1e-5
    slope = (f(0.6 + eps) - f(0.6 - eps)) / (2 * eps)
    assert dd.grad(f)(0.6) == pytest.approx(slope, rel=1e-8)
    assert dd.grad(lambda c: taylor(np.exp, 0.0, 3)(c))(0.5) == 1.625


def test_operations_inside_a_function_do_not_meet():
    p, q = taylor(np.sin, 0.0, 4), taylor(np.exp, 0.0, 4)
    got = np.exp(p)(0.0) + (p * q)(0.0)
    assert got == 1.0
    got = dd.grad(lambda x: (p * x)(0.5) * x)(2.0)
    assert got == pytest.approx(4 * p(0.5), rel=1e-14)


def test_from_coefficients_and_repr():
    p = dd.TaylorPolynomial([1, 2, 3], 0.5)
    assert p(1.5) == 6.0 and p.order == 2 and p.coefficients.dtype == float
    assert repr(p) == "TaylorPolynomial([1., 2., 3.], center=0.5, order=2)"
    q = dd.TaylorPolynomial(np.arange(6.0), np.zeros(2))
    assert q.order == 2 and q.coefficient(1, 1) == 4.0


def test_chunks_of_variables():
    """What is too large for the budget comes in chunks; inside an outer derivative as well."""
    x = np.linspace(-0.5, 0.5, 12)
    f = lambda x: np.sum(np.exp(np.cumsum(x))) * x[3]  # noqa: E731
    want = taylor(f, x, 3)
    before = dd.memory_budget(100_000)
    try:
        close(taylor(f, x, 3), want)
    finally:
        dd.memory_budget(before)
    outer = lambda s, **kw: taylor(lambda x: f(s * x), x, 2, **kw).coefficients[7]  # noqa: E731
    assert dd.grad(lambda s: outer(s, chunk_size=5))(1.2) == pytest.approx(
        dd.grad(outer)(1.2), rel=1e-13)
    with pytest.raises(ValueError, match="taylor expected chunk_size to be 1 or more"):
        taylor(f, x, 2, chunk_size=0)


def test_trees_of_polynomials():
    p = taylor(lambda x: {"a": np.sin(x), "b": (x**2, np.stack([x, 3 * x]))}, 0.5, 6)
    close(p["a"], taylor(np.sin, 0.5, 6))
    assert p["b"][0](2.0) == 4.0 and p["b"][1](2.0).tolist() == [2.0, 6.0]


def in_tree(p):
    """A function of a pytree of four variables; `in_array`: the same of an array."""
    return {"y": np.exp(p["b"][0] * p["a"][1]) * p["a"][0] + p["c"][0], "z": [p["a"] * p["c"][0]]}


def in_array(v):
    return in_tree({"a": v[:2], "b": v[2:3], "c": [v[3]]})


POINT = {"a": np.array([0.3, -0.2]), "b": np.array([0.5]), "c": [0.9]}


def test_pytrees_of_variables():
    """The polynomial in the flattened variables, evaluated at points of the same structure."""
    flat = np.array([0.3, -0.2, 0.5, 0.9])
    p, q = taylor(in_tree, POINT, 4)["y"], taylor(in_array, flat, 4)["y"]
    close(p, q)
    assert p.variables == 4 and p.order == 4 and p.center["c"] == [0.9]
    step = np.array([0.1, -0.2, 0.3, 0.05])
    there = {"a": flat[:2] + step[:2], "b": flat[2:3] + step[2:3], "c": [flat[3] + step[3]]}
    np.testing.assert_allclose(p(there), q(flat + step), rtol=1e-14)
    np.testing.assert_allclose(p(flat + step), q(flat + step), rtol=1e-14)
    # many points: axes in front, broadcast among the leaves
    a = flat[:2] + np.linspace(0, 0.1, 10).reshape(5, 1, 2)
    c = np.linspace(0.8, 1.0, 3)
    got = p({"a": a, "b": there["b"], "c": [c]})
    assert got.shape == (5, 3)
    np.testing.assert_allclose(got[4, 1], q(np.concatenate([a[4, 0], there["b"], c[1:2]])))
    z = taylor(in_tree, POINT, 3)["z"][0]
    assert z.shape == (2,)
    np.testing.assert_allclose(z(there), (flat[:2] + step[:2]) * there["c"][0], rtol=1e-14)


def test_parts_of_polynomials_in_pytrees():
    flat = np.array([0.3, -0.2, 0.5, 0.9])
    p, q = taylor(in_tree, POINT, 4)["y"], taylor(in_array, flat, 4)["y"]
    exponents = {"a": [1, 2], "b": [1], "c": [0]}
    assert p.coefficient({"a": np.array([1, 2]), "b": np.array([1]), "c": [0]}) == (
        p.coefficient(1, 2, 1, 0)) == q.coefficient(1, 2, 1, 0) != 0
    with pytest.raises(ValueError, match="an exponent for each of 4 variables"):
        p.coefficient(exponents["a"])
    close(p.derivative(variable=("a", 1)), q.derivative(variable=1))
    close(p.derivative(variable=("c", 0)), q.derivative(variable=3))
    close(p.integral(variable=("b", 0), constant=2.0), q.integral(variable=2, constant=2.0))
    close(p * p - np.sin(p), q * q - np.sin(q))
    close(dd.TaylorPolynomial(p.coefficients, POINT) + p, 2 * q)
    scalars = taylor(lambda v: v["s"] ** 2 * v["t"], {"s": 1.0, "t": 2.0}, 3)
    close(scalars.derivative(variable="t"), scalars.derivative(variable=1))


def test_composition_with_pytrees_of_polynomials():
    """f(g(t)) for g with a pytree as result: the polynomial of the composed function."""
    def g(t):
        return {"a": np.stack([np.sin(t) + 0.3, t**2 - 0.2]), "b": np.stack([np.exp(t) - 0.5]),
                "c": [0.9 + t]}

    outer, inner = taylor(in_tree, POINT, 5)["y"], taylor(g, 0.0, 5)
    close(outer(inner), taylor(lambda t: in_tree(g(t))["y"], 0.0, 5))


def test_chunks_and_aux_of_pytrees():
    want = taylor(in_tree, POINT, 3)
    for size in (1, 3):
        got = taylor(in_tree, POINT, 3, chunk_size=size)
        for a, b in zip([got["y"], got["z"][0]], [want["y"], want["z"][0]], strict=True):
            np.testing.assert_array_equal(a.coefficients, b.coefficients)
    f = lambda p: (in_tree(p)["y"], {"seen": p["a"] * 2, "n": 1})  # noqa: E731
    for kw in ({}, {"chunk_size": 2}):
        p, aux = taylor(f, POINT, 2, has_aux=True, **kw)
        close(p, want["y"].truncate(2))
        assert aux["n"] == 1 and type(aux["seen"]) is np.ndarray
        np.testing.assert_array_equal(aux["seen"], POINT["a"] * 2)


def test_pytrees_inside_an_outer_derivative():
    def f(s):
        p = taylor(in_tree, {"a": s * POINT["a"], "b": POINT["b"], "c": [s]}, 3)["y"]
        at = p({"a": np.array([0.4, 0.1]), "b": np.array([0.7]), "c": [1.0]})
        return at + np.sum(p.coefficients * np.arange(len(p.coefficients)))

    eps = 1e-5
    assert dd.grad(f)(0.9) == pytest.approx((f(0.9 + eps) - f(0.9 - eps)) / (2 * eps), rel=1e-8)


def test_complex_pytrees():
    z = {"a": 0.3 + 0.2j, "b": np.array([1.0 - 1.0j])}
    p = taylor(lambda z: np.exp(z["a"]) * z["b"][0], z, 8)
    at = {"a": 0.35 + 0.1j, "b": np.array([1.1 - 1.0j])}
    assert p(at) == pytest.approx(np.exp(at["a"]) * at["b"][0], rel=1e-12)


P, Q = taylor(np.sin, 0.0, 4), taylor(lambda v: v[0] * v[1], np.ones(2), 2)
T = taylor(lambda p: p["a"] * p["b"][0], {"a": 0.0, "b": np.ones(2)}, 2)


@pytest.mark.parametrize("error, make, words", [
    (TypeError, lambda: taylor(1.0, 0.0, 2), "taylor expected a function"),
    (TypeError, lambda: taylor(np.sin, 1, 2), "taylor: x0 expected .* got dtype int64"),
    (TypeError, lambda: taylor(np.sin, 1.0, 2.0), "order to be an integer, got 2.0"),
    (ValueError, lambda: taylor(np.sin, 1.0, -2), "order to be 0 or more, got -2"),
    (TypeError, lambda: taylor(lambda x: {"a": "s"}, 1.0, 2), r"got str in the result\['a'\]"),
    (TypeError, lambda: taylor(np.sin, {"a": 1}, 2), r"x0\['a'\] expected .* got dtype int64"),
    (TypeError, lambda: taylor(np.sin, {"a": 1.0, "b": 1j}, 2),
     r"all real or all complex, got x0\['a'\]: float64, x0\['b'\]: complex128"),
    (TypeError, lambda: taylor(np.sin, 1.0, 2, has_aux=True), r"pair \(result, aux\)"),
    (TypeError, lambda: T({"a": 1.0}), "points of the structure of its centre, .*, got "),
    (ValueError, lambda: T({"a": 1.0, "b": np.ones(3)}), r"of its centre, \(2,\), got \(3,\)"),
    (ValueError, lambda: T + Q, "about one centre, got {'a': .*expand both"),
    (TypeError, lambda: T({"a": taylor(np.sin, 0.0, 2), "b": np.ones(2)}), "polynomial in each"),
    (ValueError, lambda: T({"a": taylor(np.sin, 0.0, 2), "b": taylor(
        lambda x: np.stack([x, x]), 1.0, 2)}), "about one centre, got 0.0 and 1.0"),
    (ValueError, lambda: T({"a": taylor(np.sin, 0.0, 2), "b": taylor(
        lambda x: np.stack([x, x]), 0.0, 2)}), "starts at the centre of the outer one"),
    (ValueError, lambda: T.derivative(variable="c"), "'c' leads to no array of the pytree"),
    (ValueError, lambda: T.reversion(), "reversion expected a polynomial in one variable"),
    (ValueError, lambda: P + taylor(np.sin, 1.0, 4), "about one centre, got 0.0 and 1.0; expand"),
    (ValueError, lambda: P(taylor(np.cos, 0.0, 4)), "starts at the centre of the outer one, 0.0"),
    (ValueError, lambda: Q(np.ones(3)), r"points of shape \(..., 2,\), as its centre has, got \(3"),
    (ValueError, lambda: Q(1.0), "the polynomial expected points"),
    (ValueError, lambda: P.coefficient(5), "has degree 5, the polynomial is known to order 4"),
    (ValueError, lambda: P.coefficient(1, 1), "an exponent for each of 1 variables"),
    (ValueError, lambda: Q.reversion(), "reversion expected a polynomial in one variable"),
    (ValueError, lambda: taylor(np.cos, 0.0, 4).reversion(), "a derivative that is not zero"),
    (ValueError, lambda: P.radius_of_convergence(), "order 6 or more, got order 4"),
    (ValueError, lambda: Q.radius_of_convergence(), "in one variable"),
    (ValueError, lambda: P.derivative(variable=1), "a variable below 1, got 1"),
    (TypeError, lambda: P.derivative(1.5), "times to be an integer"),
    (ValueError, lambda: dd.TaylorPolynomial(np.ones(4), np.ones(2)),
     "expected 6 coefficients for 2 variables to order 2, got 4"),
    (TypeError, lambda: dd.TaylorPolynomial(1.0), "an array of coefficients, got one number"),
])
def test_messages(error, make, words):
    with pytest.raises(error, match=words):
        make()
