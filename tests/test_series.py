"""Derivatives of one order and of all, mixed partials, jets.

Oracles: mpmath and SymPy to order 12, Faa di Bruno by composition of jets, JAX's jet.
"""

import math
import operator

import mpmath
import numpy as np
import pytest
import sympy

import dualdiff as dd
from dualdiff.tree_util import tree_leaves

FUNCTIONS = {
    "exp(sin(x))": (lambda x: np.exp(np.sin(x)), lambda x: mpmath.exp(mpmath.sin(x))),
    "log(1 + x**2)": (lambda x: np.log(1 + x**2), lambda x: mpmath.log(1 + x**2)),
    "x / sqrt(1 + x)": (lambda x: x / np.sqrt(1 + x), lambda x: x / mpmath.sqrt(1 + x)),
    "tanh(x) * cosh(x)": (lambda x: np.tanh(x) * np.cosh(2 * x),
                          lambda x: mpmath.tanh(x) * mpmath.cosh(2 * x)),
    "x**2.5 * tan(x)": (lambda x: x**2.5 * np.tan(x), lambda x: x**2.5 * mpmath.tan(x)),
    "arctan(x)": (np.arctan, mpmath.atan),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_orders_against_mpmath(name):
    f, exact = FUNCTIONS[name]
    x = 0.4375
    with mpmath.workdps(60):
        want = [float(mpmath.factorial(k) * c)
                for k, c in enumerate(mpmath.taylor(exact, mpmath.mpf(x), 12))]
    got = dd.derivatives(f, 12)(x)
    assert got[0] == f(x)
    np.testing.assert_allclose(got, want, rtol=2e-12)
    for k in (0, 1, 5, 12):
        assert dd.nth_derivative(f, k)(x) == pytest.approx(got[k], rel=1e-14)


def test_arrays_element_by_element():
    x = np.linspace(0.1, 0.9, 6).reshape(2, 3)
    got = dd.derivatives(np.tanh, 4)(x)
    assert got.shape == (5, 2, 3)
    for i in np.ndindex(2, 3):
        np.testing.assert_allclose(got[(slice(None), *i)], dd.derivatives(np.tanh, 4)(x[i]),
                                   rtol=1e-14)
    np.testing.assert_array_equal(dd.nth_derivative(np.tanh, 3)(x), got[3])
    np.testing.assert_array_equal(dd.elementwise_grad(np.tanh)(x), got[1])


def test_elementwise_grad():
    calls = []

    def f(x):
        calls.append(x)
        return x**3

    x = np.linspace(-1, 1, 100_000)
    g = dd.elementwise_grad(dd.elementwise_grad(dd.elementwise_grad(f)))
    np.testing.assert_array_equal(g(x), np.full(x.shape, 6.0))
    assert len(calls) == 1 and calls[0].algebra.M == 4
    a = np.array([[1.0], [2.0]])
    np.testing.assert_array_equal(dd.elementwise_grad(np.multiply)(x[:3], a),
                                  np.broadcast_to(a, (2, 3)))
    np.testing.assert_array_equal(dd.elementwise_grad(np.multiply, 1)(2.0, 5.0), 2.0)
    outer = dd.grad(lambda x: np.sum(dd.elementwise_grad(np.sin)(x * x)))(x[:4])
    np.testing.assert_allclose(outer, -2 * x[:4] * np.sin(x[:4] ** 2), rtol=1e-14)


KEPT = []
RESULTS = {
    "the input": lambda x: x,
    "a view": lambda x: (x * x)[...],
    "reversed": lambda x: np.sin(x)[::-1],
    "a column": lambda x: np.stack([x, x * x]).T[:, 1],
    "a number held by others": lambda x: KEPT.append(x**3) or KEPT[-1],
    "constants": lambda x: np.ones(len(x)),
    "integers": lambda x: np.ones(len(x), int),
    "broadcast": lambda x: x * np.arange(3.0)[:, None],
    "several": lambda x: (np.exp(x), {"a": x * 2}),
    "single precision": lambda x: np.sin(x.astype("f")),
    "complex": lambda x: x * 2j,
    "assigned": lambda x: (y := x * 1.0, y.__setitem__(slice(2), 3.0))[0],
}


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("size", [7, 20000])
def test_one_array_and_a_pytree_of_it(name, order, size):
    """The fast path of one array gives what the general one does."""
    f, x = RESULTS[name], np.linspace(0.1, 2.0, 2 * size)[::2]
    before, pytree = x.copy(), lambda p: f(p[0])

    got, want = (tree_leaves(dd.nth_derivative(g, order)(y)) for g, y in ((f, x), (pytree, [x])))
    for a, b in zip(got, want, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape and (a == b).all()
        assert not np.shares_memory(a, x)
    np.testing.assert_array_equal(x, before)
    KEPT.clear()


def test_one_array_in_outer_calls():
    """Results of the fast path over other seeds than its own, and over none of them."""
    x = np.linspace(0.1, 2.0, 5)
    d = dd.grad(lambda t: np.sum(dd.elementwise_grad(lambda x: np.sin(t * x))(x)))(0.5)
    np.testing.assert_allclose(d, np.sum(np.cos(0.5 * x) - 0.5 * x * np.sin(0.5 * x)), rtol=1e-14)
    d = dd.grad(lambda t: np.sum(dd.elementwise_grad(lambda x: np.full(5, t))(x)) + t)(0.5)
    assert d == 1.0


def test_elementwise_grad_of_several_inputs():
    f = lambda p, t, k=1: (p["a"] * np.sin(k * t) + p["b"] ** 2, {"t": t})  # noqa: E731
    t, b = np.linspace(0, 1, 5), np.arange(3.0)[:, None]
    g, aux = dd.elementwise_grad(f, (0, 1), has_aux=True)({"a": 2.0, "b": b}, t, k=3)
    assert isinstance(g, tuple) and aux["t"] is not None
    np.testing.assert_array_equal(aux["t"], t)
    np.testing.assert_array_equal(g[0]["a"], np.broadcast_to(np.sin(3 * t), (3, 5)))
    np.testing.assert_array_equal(g[0]["b"], np.broadcast_to(2 * b, (3, 5)))
    np.testing.assert_allclose(g[1], np.broadcast_to(6 * np.cos(3 * t), (3, 5)), rtol=1e-15)
    g = dd.elementwise_grad(lambda p: {"s": p[0] * p[1]})([t, t**2])
    np.testing.assert_array_equal(g["s"][0], t**2)
    np.testing.assert_array_equal(g["s"][1], t)
    got, aux = dd.elementwise_grad(lambda x: (x**3, x), has_aux=True)(t)
    np.testing.assert_allclose(got, 3 * t**2, rtol=1e-15)
    # over an outer call, and of itself
    outer = dd.grad(lambda c: np.sum(dd.elementwise_grad(np.multiply, (0, 1))(c * t, t)[1]))(2.0)
    assert outer == np.sum(t)
    twice = dd.elementwise_grad(dd.elementwise_grad(lambda x, y: x**2 * y, (0, 1)), 1)(t, t)
    np.testing.assert_array_equal(twice[0], 2 * t)


def test_results_of_a_number_may_be_anything():
    curve = lambda t: {"p": np.stack([np.cos(t), np.sin(t)]), "s": (t**4, 3)}  # noqa: E731
    got = dd.nth_derivative(curve, 2)(0.5)
    np.testing.assert_allclose(got["p"], [-np.cos(0.5), -np.sin(0.5)], rtol=1e-15)
    assert got["s"] == (3.0, 0.0)
    got = dd.derivatives(curve, 3)(0.5)
    assert got["p"].shape == (4, 2) and got["s"][1].tolist() == [3.0, 0.0, 0.0, 0.0]
    assert dd.nth_derivative(curve, 0)(0.5)["s"] == (0.0625, 3)


def test_aux_keywords_and_other_arguments():
    f = lambda a, x, k=1: (a * x**k, {"x": x})  # noqa: E731
    got, aux = dd.nth_derivative(f, 2, 1, has_aux=True)(2.0, 3.0, k=3)
    assert got == 36.0 and aux == {"x": 3.0}
    got, aux = dd.derivatives(f, 1, -1, has_aux=True)(2.0, 3.0)
    assert got.tolist() == [6.0, 2.0]


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex128])
def test_dtypes(dtype):
    x = np.array([0.5, 0.25], dtype)
    assert dd.nth_derivative(np.exp, 3)(x).dtype == dtype
    assert dd.derivatives(np.exp, 3)(x).dtype == dtype
    assert dd.elementwise_grad(np.exp)(x).dtype == dtype
    np.testing.assert_allclose(dd.derivatives(np.exp, 3)(x), np.exp([x] * 4), rtol=1e-6)


def test_factorials_beyond_float32():
    got = dd.derivatives(lambda x: x * x, 40)(np.float32(0.5))
    assert got.dtype == np.float32 and not np.isnan(got).any()
    assert dd.nth_derivative(lambda x: x * x, 40)(np.float32(0.5)) == 0.0
    assert dd.nth_derivative(np.exp, 30)(1.0) == pytest.approx(math.e, rel=1e-13)


def test_nesting():
    # d/da of the third derivative of sin(a x)
    got = dd.grad(lambda a: dd.nth_derivative(lambda x: np.sin(a * x), 3)(0.7))(1.3)
    want = -3 * 1.3**2 * np.cos(1.3 * 0.7) + 1.3**3 * 0.7 * np.sin(1.3 * 0.7)
    assert got == pytest.approx(want, rel=1e-13)
    got = dd.jacfwd(lambda a: dd.derivatives(lambda x: np.exp(a * x), 2)(0.5))(2.0)
    e = math.e
    np.testing.assert_allclose(got, [0.5 * e, e + 0.5 * 2 * e, 4 * e + 0.5 * 4 * e], rtol=1e-14)


# ---- mixed partials ---------------------------------------------------------------------------


def test_mixed_partials_against_sympy():
    s = sympy.symbols("x y z")
    expr = sympy.exp(s[0] * s[1]) * sympy.sin(s[2]) * s[1]
    point = np.array([0.3, -0.6, 1.1])
    f = lambda x, y, z: np.exp(x * y) * np.sin(z) * y  # noqa: E731
    for indices in [(0,), (0, 1), (1, 0), (0, 1, 1, 2), (2, 2, 2), (1, 0, 2, 0, 1), ()]:
        want = expr
        for q in indices:
            want = sympy.diff(want, s[q])
        want = float(want.subs(dict(zip(s, point.tolist(), strict=True))))
        got = dd.mixed_partial(f, indices)(*point.tolist())
        assert got == pytest.approx(want, rel=1e-12)
        got = dd.mixed_partial(lambda v: f(*v), indices)(point)
        assert got == pytest.approx(want, rel=1e-12)


def test_orders_by_each_leaf_of_a_pytree():
    """Each input alone, element by element: closed forms, and elementwise_grad for order 1."""
    x, b = np.linspace(-1, 1, 4), 0.7

    def f(p, c=1.0):
        return {"y": c * np.exp(2 * p["x"]) * np.sin(p["b"][0]), "z": [p["x"] ** 3 + 0 * c]}

    p = {"x": x, "b": (b,)}
    e, s = np.exp(2 * x), np.sin(b)
    for n in range(5):
        got = dd.nth_derivative(f, n)(p)
        shifted = [np.sin(b), np.cos(b), -np.sin(b), -np.cos(b), np.sin(b)][n]
        cubic = [x**3, 3 * x**2, 6 * x, 6 + 0 * x, 0 * x][n]
        np.testing.assert_allclose(got["y"]["x"], 2.0**n * e * s, rtol=1e-14)
        np.testing.assert_allclose(got["y"]["b"][0], e * shifted, rtol=1e-14)
        np.testing.assert_allclose(got["z"][0]["x"], cubic, rtol=1e-14)
        np.testing.assert_array_equal(got["z"][0]["b"][0], 0 * x if n else x**3)
        both = dd.nth_derivative(f, n, (0, 1))(p, 2.0)
        np.testing.assert_allclose(both["y"][1], [2 * e * s, e * s, 0 * x][min(n, 2)], rtol=1e-14)
        np.testing.assert_allclose(both["y"][0]["x"], 2 * got["y"]["x"], rtol=1e-14)
        every = dd.derivatives(f, 4)(p)
        np.testing.assert_allclose(every["y"]["x"][n], got["y"]["x"], rtol=1e-14)
        np.testing.assert_allclose(every["y"]["b"][0][n], got["y"]["b"][0], rtol=1e-14)
    first, again = dd.nth_derivative(f, 1)(p), dd.elementwise_grad(f)(p)
    for a, w in zip(tree_leaves(first), tree_leaves(again), strict=True):
        np.testing.assert_allclose(a, w, rtol=1e-15)
    got, aux = dd.derivatives(lambda p: (p["a"] ** 3, p["a"]), 2, has_aux=True)({"a": 2.0})
    assert got["a"].tolist() == [8.0, 12.0, 12.0] and aux == 2.0
    assert dd.nth_derivative(dd.nth_derivative(lambda p: p["a"] ** 4, 1), 1)(
        {"a": 2.0}) == {"a": {"a": 48.0}}


def test_mixed_partials_carry_only_what_they_need():
    seen = []
    dd.mixed_partial(lambda x: seen.append(x) or np.sum(x**4), (7, 7, 3))(np.ones(50))
    assert seen[0].algebra.M == 6
    x = np.arange(6.0).reshape(2, 3)
    assert dd.mixed_partial(lambda x: np.sum(x**4), ((1, -1), (1, 2)))(x) == 12 * 25.0
    a, b = np.arange(3.0), np.arange(4.0)[:, None]
    got = dd.mixed_partial(lambda a, b: a**2 * b**2, (0, 1))(a, b)
    np.testing.assert_array_equal(got, 4 * a * b)


def test_mixed_partials_in_pytrees():
    """Against the tensor of the flattened variables: by number, by path, among arguments."""
    p = {"w": np.array([[0.3, -0.2], [0.5, 0.8]]), "b": (0.7, np.array([1.1, -0.4]))}

    def f(p, c=1.0):
        (s, b), w = p["b"], p["w"]
        return {"y": c * np.exp(s * w[0, 1]) * b[1] ** 2 * np.sin(w[1, 0] * b[0]) * w[1, 1]}

    def flat(v):
        return f({"b": (v[0], v[1:3]), "w": v[3:].reshape(2, 2)})["y"]

    v = np.concatenate([[0.7], p["b"][1], p["w"].ravel()])
    tensor = dd.derivative_tensor(flat, 3)(v)
    paths = [("b", 0), ("b", 1, 0), ("b", 1, 1), ("w", 0, 0), ("w", 0, 1), ("w", 1, 0), ("w", 1, 1)]
    for i, j, k in [(0, 4, 2), (2, 2, 0), (5, 1, 6), (4, 4, 4), (3, 1, 1), (0, 0, -1)]:
        want = tensor[i, j, k]
        for indices in ((i, j, k), (paths[i], paths[j], k), tuple(paths[q] for q in (i, j, k))):
            assert dd.mixed_partial(f, indices)(p)["y"] == pytest.approx(want, rel=1e-12)
            got = dd.mixed_partial(lambda c, p: f(p, c), indices, argnums=1)(2.0, p)
            assert got["y"] == pytest.approx(2 * want, rel=1e-12)
    outer = dd.grad(lambda s: dd.mixed_partial(f, (0, 4))(
        {"w": p["w"], "b": (s, p["b"][1])})["y"])(0.7)
    assert outer == pytest.approx(tensor[0, 0, 4], rel=1e-12)


def test_mixed_partials_hand_out_aux():
    f = lambda x, y: (x**3 * y, {"seen": x * 1.0, "n": 3})  # noqa: E731
    assert dd.mixed_partial(f, (0, 0, 1), has_aux=True)(2.0, 5.0) == (12.0, {"seen": 2.0, "n": 3})
    x = np.array([2.0, 5.0])
    got, aux = dd.mixed_partial(lambda v: f(*v), (0, 1), 0, True)(x)
    assert got == 12.0 and aux == {"seen": 2.0, "n": 3}
    assert dd.mixed_partial(f, (), has_aux=True)(2.0, 5.0) == f(2.0, 5.0)


# ---- jets --------------------------------------------------------------------------------------


def test_jet_is_the_series_of_the_composition():
    h = np.polynomial.Polynomial([0.3, 0.5, -0.2, 0.1, 0.7])
    series = [float(math.factorial(k) * c) for k, c in enumerate(h.coef)]
    f = lambda x: np.exp(np.sin(x))  # noqa: E731
    y, terms = dd.jet(f, (series[0],), (series[1:],))
    want = dd.derivatives(lambda t: f(h(t)), 4)(0.0)
    np.testing.assert_allclose([y, *terms], want, rtol=1e-13)
    y, terms = dd.jet(f, (h.coef[0],), (list(h.coef[1:]),), factorial_scaled=False)
    np.testing.assert_allclose([y, *terms], want / [1, 1, 2, 6, 24], rtol=1e-13)


def test_jets_of_trees_and_arrays():
    x, v = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    f = lambda p, b: {"y": p["a"] * b, "s": np.sum(p["a"] ** 2)}  # noqa: E731
    y, terms = dd.jet(f, ({"a": x}, 3.0), ([{"a": v}, {"a": x}], [1.0, 0.0]))
    np.testing.assert_array_equal(y["y"], 3 * x)
    np.testing.assert_array_equal(terms["y"][0], 3 * v + x)
    np.testing.assert_array_equal(terms["y"][1], 3 * x + 2 * v)
    assert terms["s"] == [np.sum(2 * x * v), 2 * np.sum(v * v + x * x)]
    assert dd.jet(np.sin, (0.5,), ([],)) == (np.sin(0.5), [])


def test_jets_along_numbers_of_an_outer_call():
    second = lambda x, v, w: dd.jet(np.sin, (x,), ([v, w],))[1][1]  # noqa: E731
    got = dd.grad(second, (0, 1, 2))(0.4, 2.0, 3.0)
    # second = cos(x) w - sin(x) v**2
    s, c = np.sin(0.4), np.cos(0.4)
    np.testing.assert_allclose(got, (-s * 3 - c * 4, -s * 4, c), rtol=1e-14)


def test_jet_against_jax():
    jax = pytest.importorskip("jax")
    from jax.experimental.jet import jet

    with jax.enable_x64(True):
        args = (0.5, np.array([0.2, 0.3])), ([1.0, 2.0, 3.0],
                                             [np.ones(2) * k for k in range(3)])
        want = jet(lambda a, b: (jax.numpy.sin(a) * b, jax.numpy.exp(a)), *args)
    got = dd.jet(lambda a, b: (np.sin(a) * b, np.exp(a)), *args)
    assert isinstance(got[1], tuple) and isinstance(got[1][0], list)
    for g, w in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-12)


# ---- cost ------------------------------------------------------------------------------------


def test_cost_grows_with_the_square_of_the_order():
    """Pairs of the product table: the multiplications of one product of two series."""
    from dualdiff._algebra import new_algebra

    pairs = [int(new_algebra(1, k).pairs[0][-1]) + 2 * k + 1 for k in (8, 16, 32)]
    assert all(operator.le(n, (k + 1) ** 2) for n, k in zip(pairs, (8, 16, 32), strict=True))


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("error, make, words", [
    (TypeError, lambda: dd.nth_derivative(np.sin, 2.0), "n to be an integer, got 2.0"),
    (TypeError, lambda: dd.nth_derivative(np.sin, True), "n to be an integer, got True"),
    (ValueError, lambda: dd.derivatives(np.sin, -1), "derivatives expected n to be 0 or more"),
    (ValueError, lambda: dd.derivatives(np.sin, 64), "at most 63, got 64"),
    (TypeError, lambda: dd.nth_derivative(2.0, 1), "expected a function as its first argument"),
    (ValueError, lambda: dd.nth_derivative(np.add, 1, (0, 0))(1.0, 2.0), "twice"),
    (TypeError, lambda: dd.nth_derivative(np.add, 1, 2)(1.0, 2.0), "argnums names argument 2"),
    (TypeError, lambda: dd.derivatives(lambda p: p["a"], 2)({"a": 1.0, "b": 3}),
     r"argument 0\['b'\] expected .* dtype int64"),
    (TypeError, lambda: dd.nth_derivative(lambda p: 1.0, 2)({}), "pytrees must have leaves"),
    (TypeError, lambda: dd.nth_derivative(lambda p: np.sum(p["a"]), 2)({"a": np.ones(3)}),
     r"with a result of shape \(3,\) .*got shape \(\); use grad for a scalar result, jacfwd"),
    (TypeError, lambda: dd.elementwise_grad(np.sum)(np.ones(3)),
     r"with a result of shape \(3,\) .*got shape \(\); use grad for a scalar result, jacfwd"),
    (TypeError, lambda: dd.elementwise_grad(lambda a, b: np.sum(a * b), (0, 1))(
        np.ones(3), 1.0), r"with a result of shape \(3,\) .*got shape \(\)"),
    (ValueError, lambda: dd.elementwise_grad(np.multiply, (0, 0))(1.0, 2.0), "twice"),
    (TypeError, lambda: dd.derivatives(np.sin, 2)(1), "got dtype int64; make it a float"),
    (TypeError, lambda: dd.mixed_partial(lambda p, x: x, (0,))({"a": 1.0}, 2.0),
     "got dict; name the pytree by argnums=0"),
    (ValueError, lambda: dd.mixed_partial(lambda p: p["a"], ("b",))({"a": 1.0}),
     r"'b' leads to no array of the pytree; .* starts with one of \('a',\)"),
    (ValueError, lambda: dd.mixed_partial(lambda p: p["a"], (1,))({"a": 1.0}),
     "index 1 is out of bounds for 1 variables"),
    (ValueError, lambda: dd.mixed_partial(lambda p: p["a"], (("a", 3),))({"a": np.ones(2)}),
     r"index 3 is out of bounds for shape \(2,\) at \('a',\)"),
    (TypeError, lambda: dd.mixed_partial(lambda p: p["a"], ("a",))({"a": np.ones(2)}),
     r"of an array of shape \(2,\) at \('a',\), each 1 int"),
    (TypeError, lambda: dd.mixed_partial(np.add, (0,), (0, 1)), "one int, got .*derivative_tens"),
    (TypeError, lambda: dd.mixed_partial(np.sin, (0,), has_aux=True)(1.0), r"pair \(result, aux"),
    (TypeError, lambda: dd.mixed_partial(np.sin, 0), "expected a tuple of indices"),
    (TypeError, lambda: dd.mixed_partial(np.add, (0.5,))(1.0, 2.0), "argument numbers as ind"),
    (ValueError, lambda: dd.mixed_partial(np.add, (2,))(1.0, 2.0), "index 2 names no argument"),
    (ValueError, lambda: dd.mixed_partial(np.sum, (3,))(np.ones(3)), "3 is out of bounds"),
    (TypeError, lambda: dd.mixed_partial(np.sum, (1,))(np.ones((2, 2))), "each 2 ints, got 1"),
    (TypeError, lambda: dd.jet(np.sin, 1.0, ([1.0],)), "primals to be a tuple or a list"),
    (TypeError, lambda: dd.jet(np.sin, (1.0,), (1.0,)), r"series\[0\] to be a list of coeff"),
    (ValueError, lambda: dd.jet(np.add, (1.0, 2.0), ([1.0], [])), r"lengths.*\[1, 0\]; pad"),
    (ValueError, lambda: dd.jet(np.add, (1.0, 2.0), ([1.0],)),
     "for each of 2 arguments, got 1"),
    (TypeError, lambda: dd.jet(np.sin, (1.0,), ([np.ones(2)],)),
     r"series\[0\]\[0\] to have shape"),
    (TypeError, lambda: dd.jet(np.sin, (1.0,), ([[1.0]],)),
     r"of the structure of primals\[0\]"),
])
def test_messages(error, make, words):
    with pytest.raises(error, match=words):
        make()


def test_derivatives_that_overflow_do_not_warn():
    with np.errstate(all="raise"):
        assert np.isinf(dd.derivatives(lambda t: 1e308 * t**3 * np.ones(3), 3)(0.5)[2:]).all()
        for f in (dd.derivatives, dd.nth_derivative):
            assert np.isinf(f(lambda t: np.float32(3e38) * t**3, 3)(np.float32(0.5))).any()
