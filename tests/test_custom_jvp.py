"""custom_jvp, stop_gradient and register_derivative: rules at every order and nesting."""

import functools

import numpy as np
import pytest

from dualdiff import custom_jvp, grad, stop_gradient


def nth(f, n):
    for _ in range(n):
        f = grad(f)
    return f


def ruled_sin():
    """sin by a rule that calls itself through cos; cos by one that calls sin."""
    s, c = custom_jvp(np.sin), custom_jvp(np.cos)
    s.defjvp(lambda p, t: (s(p[0]), c(p[0]) * t[0]))
    c.defjvp(lambda p, t: (c(p[0]), -s(p[0]) * t[0]))
    return s


@pytest.mark.parametrize("n", range(7))
def test_every_order(n):
    exact = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)][n % 4](0.7)
    assert nth(ruled_sin(), n)(0.7) == pytest.approx(exact, rel=1e-14)


def test_rule_that_calls_itself_at_every_order():
    e = custom_jvp(np.exp)
    e.defjvps(lambda t, ans, x: ans * t)
    for n in range(7):
        assert nth(lambda x: e(2 * x), n)(0.3) == pytest.approx(2**n * np.exp(0.6), rel=1e-14)
        want = nth(lambda x: np.exp(x**3), n)(0.7)
        assert nth(lambda x: e(x**3), n)(0.7) == pytest.approx(want, rel=1e-14)


def through_closures(f):
    """d/dx d/dy of f(x, y), the outer variable entering through a closure."""
    return grad(lambda x: grad(lambda y: f(x, y))(2.0) * x)


def test_nesting_through_closures():
    s = ruled_sin()
    got = through_closures(lambda x, y: s(x * y) * y)(0.6)
    want = through_closures(lambda x, y: np.sin(x * y) * y)(0.6)
    assert got == pytest.approx(want, rel=1e-14)


def test_many_inputs_at_orders_one_to_three():
    x = np.array([0.3, -0.8, 1.1])
    s = ruled_sin()

    def f(g):
        return lambda x: np.sum(g(x * x[0]) * x[::-1])

    np.testing.assert_allclose(grad(f(s))(x), grad(f(np.sin))(x), rtol=1e-14)
    for i in range(3):
        inner = [grad(lambda x, g=g, i=i: grad(f(g))(x)[i] * x[1]) for g in (s, np.sin)]
        np.testing.assert_allclose(inner[0](x), inner[1](x), rtol=1e-13)
        outer = [grad(lambda x, g=g, i=i: grad(lambda y: grad(f(g))(y * x[0])[i])(x)[i])
                 for g in (s, np.sin)]
        np.testing.assert_allclose(outer[0](x), outer[1](x), rtol=1e-13, atol=1e-14)


def test_the_rule_decides():
    """A rule that is not the derivative: as in JAX, it is believed, values included."""
    f = custom_jvp(lambda x: x)
    f.defjvp(lambda p, t: (7 * p[0], 3 * p[0] * t[0]))
    assert f(2.0) == 2.0
    assert grad(f)(2.0) == 6.0
    assert grad(grad(f))(2.0) == 3.0  # the derivative of the rule's tangent
    from dualdiff import value_and_grad

    assert value_and_grad(f)(2.0) == (14.0, 6.0)
    # The inner derivative takes tangent_out, the outer one differentiates primal_out.
    mixed = grad(lambda x: grad(lambda y: f(x + y) * y)(1.0))
    assert mixed(2.0) == 7.0 + 3.0
    swapped = custom_jvp(lambda x, y: x * y)
    swapped.defjvp(lambda p, t: (p[0] * p[1], p[1] ** 2 * t[0] + 5 * t[1]))
    assert grad(lambda x: grad(lambda y: swapped(x, y))(3.0))(2.0) == 0.0
    assert grad(lambda y: grad(lambda x: swapped(x, y))(2.0))(3.0) == 6.0


def test_agrees_with_jax_where_the_rule_is_not_the_derivative():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    import dualdiff

    def program(lib, xp):
        f = lib.custom_jvp(lambda x, y: x * y)

        @f.defjvp
        def rule(primals, tangents):
            (x, y), (s, t) = primals, tangents
            return f(x, y) + 2 * x, xp.sin(y) * x * s + 5 * x * f(y, x) * t

        h = lib.custom_jvp(lambda x: xp.exp(x))  # a rule that is wrong, a value that is right
        h.defjvp(lambda p, t: (h(p[0]), 3 * h(p[0]) * p[0] * t[0]))
        a = lib.grad(lambda x: x * lib.grad(lambda y: f(x * y, y) * y**2)(1.3))
        g = lib.grad
        b = g(lambda x: g(lambda y: g(lambda z: f(x * z, y * z))(x))(x * x))
        c = lib.grad(lib.grad(lib.grad(lambda x: h(x * x) * x)))
        return [float(f(0.7)) for f in (a, b, c)]

    np.testing.assert_allclose(program(dualdiff, np), program(jax, jnp), rtol=1e-13)


def test_pytrees_and_keywords():
    @custom_jvp
    def f(p, scale=2.0):
        return {"y": p["a"] * p["b"] * scale, "n": (p["a"] - p["b"],)}

    @f.defjvp
    def rule(primals, tangents):
        (p, scale), (t, ts) = primals, tangents
        assert np.all(ts == 0)
        return f(p, scale), {
            "y": scale * (p["a"] * t["b"] + p["b"] * t["a"]), "n": (t["a"] - t["b"],)}

    def loss(a, b):
        out = f({"b": b, "a": a}, scale=3.0)
        return out["y"] + 5 * out["n"][0]

    assert grad(loss, (0, 1))(2.0, 4.0) == (3 * 4 + 5, 3 * 2 - 5)
    assert grad(grad(loss, 1), 0)(2.0, 4.0) == 3.0
    assert f({"a": 1.0, "b": 2.0})["y"] == 4.0


def test_nondiff_argnums_come_first():
    @functools.partial(custom_jvp, nondiff_argnums=(0, 2))
    def apply(f, x, name):
        assert name == "n"
        return f(x)

    @apply.defjvp
    def rule(f, name, primals, tangents):
        (x,), (t,) = primals, tangents
        return apply(f, x, name), 10 * grad(f)(x) * t

    assert grad(lambda x: apply(np.sin, x, "n"))(0.5) == 10 * np.cos(0.5)
    with pytest.raises(TypeError, match="defjvps cannot be used with nondiff_argnums"):
        apply.defjvps(None)
    named = custom_jvp(lambda x, n: n * x, nondiff_argnames="n")
    named.defjvp(lambda n, p, t: (n * p[0], n * t[0]))
    assert grad(named)(1.0, 3) == 3.0
    with pytest.raises(TypeError, match="nondiff_argnums argument .* is a number"):
        grad(named, 1)(1.0, 3.0)


def test_integer_arguments_and_results():
    @custom_jvp
    def f(x, n):
        return x**n, n + 1

    @f.defjvp
    def rule(primals, tangents):
        (x, n), (t, tn) = primals, tangents
        assert tn.dtype == [("float0", "V")]
        return f(x, n), (n * x ** (n - 1) * t, np.zeros((), tn.dtype))

    def g(x):
        y, m = f(x, 3)
        assert m == 4
        return y

    assert grad(g)(2.0) == 12.0 and grad(grad(g))(2.0) == 12.0


def test_arrays_of_every_shape_and_dtype():
    s = ruled_sin()
    for x in (np.linspace(0.1, 1, 6).reshape(2, 3).T, np.float32([0.5, 2]), np.zeros((0,)),
              np.array(0.3)):
        g = grad(lambda x: np.sum(s(x)))(x)
        assert g.dtype == x.dtype
        np.testing.assert_allclose(g, np.cos(x), rtol=1e-6)


def test_foreign_code_inside():
    """The function itself may be anything; at order 1 of one input the rule gets floats."""
    import math

    f = custom_jvp(math.gamma)

    @f.defjvp
    def rule(p, t):
        return math.gamma(p[0]), math.gamma(p[0]) * t[0]

    assert grad(f)(3.0) == 2.0
    with pytest.raises(TypeError, match="float.x. would lose the derivative"):
        grad(grad(f))(3.0)


def test_methods():
    class Model:
        k = 3.0

        @custom_jvp
        def f(self, x):
            return self.k * x

        @f.defjvp
        def _(primals, tangents):
            return primals[0].k * primals[1], 100 * tangents[1]

    assert grad(Model().f)(1.0) == 100.0


def test_refusals():
    f = custom_jvp(lambda x: x)
    with pytest.raises(AttributeError, match="no rule is defined .* defjvp"):
        f(1.0)
    with pytest.raises(TypeError, match="expected a function"):
        custom_jvp(3)
    with pytest.raises(TypeError, match="defjvp expected a function"):
        f.defjvp(3)
    with pytest.raises(ValueError, match="symbolic_zeros"):
        f.defjvp(lambda p, t: None, symbolic_zeros=True)
    with pytest.raises(ValueError, match="nondiff_argnames names 'q'"):
        custom_jvp(lambda x: x, nondiff_argnames=("q",))
    for bad, word in ((lambda p, t: 3.0, "must return a pair"),
                      (lambda p, t: (p[0], (t[0],)), "one structure"),
                      (lambda p, t: (p[0], np.ones(2)), "one shape"),
                      (lambda p, t: (np.float32(1), np.float64(1) * 1j), "dtype")):
        f.defjvp(bad)
        with pytest.raises(TypeError, match=word):
            grad(f)(1.0)
    g = custom_jvp(lambda x, *, k=1.0: x)
    g.defjvp(lambda p, t: (p[0], t[0]))
    assert grad(g)(1.0) == 1.0
    with pytest.raises(TypeError, match="keyword-only arguments .* k"):
        g(1.0, k=2.0)


def test_closed_over_numbers_are_refused():
    def outer(w, x, direct):
        f = custom_jvp(lambda x: w * x)
        u, v = (w, 1.0) if direct else (1.0, w)
        f.defjvp(lambda p, t: (u * p[0], v * t[0]))
        return f

    with pytest.raises(TypeError, match="closed-over"):
        grad(lambda w: outer(w, 2.0, True)(2.0))(3.0)
    for direct in (True, False):
        with pytest.raises(TypeError, match="closed-over"):
            grad(lambda w, d=direct: outer(w, 2.0, d)(w))(3.0)


def test_stop_gradient():
    assert grad(lambda x: x * stop_gradient(x))(3.0) == 3.0
    assert grad(grad(lambda x: x**2 * stop_gradient(x)))(3.0) == 6.0
    x = np.array([1.0, 2.0])
    tree = {"a": x, "b": [2, None, "s"]}
    assert stop_gradient(tree)["b"] == [2, None, "s"]

    def f(x):
        frozen = stop_gradient({"v": x, "l": [x[0], np.array([x[0], x[1]], object)]})
        assert type(frozen["v"]) is np.ndarray and frozen["l"][1].dtype == float
        frozen["v"][0] = 5.0  # a copy
        return np.sum(x * frozen["v"]) + frozen["l"][0]

    np.testing.assert_array_equal(grad(f)(x), [5.0, 2.0])
