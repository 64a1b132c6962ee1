"""Derivatives inside derivatives: perturbation confusion, closures, collapse of stacks.

Oracles: SymPy on random nestings, exact figures for the classic cases, JAX where it is
installed.
"""

import math
import random

import numpy as np
import pytest
import sympy
from hypothesis import given, settings, strategies as st

from dualdiff import grad, jvp, value_and_grad

# ---- random nestings -------------------------------------------------------------
#
# An expression is a tuple: ("c", number), ("v", which variable), ("+", a, b), ("*", a, b),
# ("sin", a), ("D", how, body, point): the derivative of body in one more variable at point.

leaf = st.one_of(st.tuples(st.just("c"), st.integers(-3, 3)),
                 st.tuples(st.just("v"), st.integers(0, 5)))
nested = st.recursive(leaf, lambda e: st.one_of(
    st.tuples(st.sampled_from("+*"), e, e), st.tuples(st.just("sin"), e),
    st.tuples(st.just("D"), st.sampled_from(["grad", "jvp", "second"]), e, e)), max_leaves=9)


def derivative(how, f, x):
    if how == "grad":
        return grad(f)(x)
    if how == "second":
        return grad(grad(f))(x)
    return jvp(f, (x,), (1.0,))[1]


def run(e, env, sin=np.sin, derivative=derivative):
    kind = e[0]
    if kind == "c":
        return float(e[1])
    if kind == "v":
        return env[e[1] % len(env)]
    if kind == "+":
        return run(e[1], env, sin, derivative) + run(e[2], env, sin, derivative)
    if kind == "*":
        return run(e[1], env, sin, derivative) * run(e[2], env, sin, derivative)
    if kind == "sin":
        return sin(run(e[1], env, sin, derivative))
    return derivative(e[1], lambda v: run(e[2], [*env, v], sin, derivative),
                      run(e[3], env, sin, derivative))


def by_sympy(how, f, x):
    v = sympy.Dummy()
    return sympy.diff(f(v), v, 2 if how == "second" else 1).subs(v, x)


def exact(e, env):
    return run(e, env, sympy.sin, by_sympy)


@settings(max_examples=60, deadline=None)
@given(nested, nested)
def test_random_nestings_against_sympy(body, inner):
    e = ("D", "grad", ("*", body, ("D", "jvp", inner, ("v", 0))), ("c", 1))
    x = sympy.Symbol("x")
    want = exact(e, [x, x * x]).subs(x, sympy.Rational(1, 2))
    want = float(want)
    if abs(want) > 1e12:
        return
    got = run(e, [0.5, 0.25])
    assert got == pytest.approx(want, rel=1e-9, abs=1e-9)


def random_expression(rng, depth):
    if depth == 0:
        return ("v", rng.randrange(6)) if rng.random() < 0.7 else ("c", rng.randint(-3, 3))
    kind = rng.choice("+*sD")
    if kind == "s":
        return ("sin", random_expression(rng, depth - 1))
    if kind == "D":
        return ("D", rng.choice(["grad", "jvp", "second"]), random_expression(rng, depth - 1),
                random_expression(rng, depth - 2 if depth > 1 else 0))
    return (kind, random_expression(rng, depth - 1), random_expression(rng, depth - 1))


def test_random_nestings_against_jax():
    jax = pytest.importorskip("jax")

    def by_jax(how, f, x):
        x = jax.numpy.asarray(x, float)
        if how == "jvp":
            return jax.jvp(lambda v: f(v) + 0.0, (x,), (jax.numpy.ones_like(x),))[1]
        g = jax.grad(lambda v: f(v) + 0.0 * v)
        return (jax.grad(g) if how == "second" else g)(x)

    rng = random.Random(5)
    with jax.enable_x64(True):
        for _ in range(12):
            e = ("D", "grad", random_expression(rng, 3), ("v", 0))
            want = run(e, [0.5, 0.25], jax.numpy.sin, by_jax)
            assert run(e, [0.5, 0.25]) == pytest.approx(float(want), rel=1e-11, abs=1e-11)


# ---- the classic cases -------------------------------------------------------------


def test_perturbation_confusion():
    d = lambda f, x: grad(f)(x)
    assert d(lambda x: x * d(lambda y: x + y, 1.0), 1.0) == 1.0
    assert d(lambda x: x * d(lambda y: x * y, 2.0), 1.0) == 2.0
    assert d(lambda x: x * d(lambda y: x * y * y, x), 3.0) == 2 * 3 * 9.0
    f = lambda x: x * d(lambda y: y * d(lambda z: x * y * z, x * y), x)
    assert d(f, 2.0) == 3 * 2 * 4.0


def test_a_curried_function_keeps_its_outer_seed():
    """The Amazing bug: derivatives of functions of functions (Manzyuk et al.)."""
    shift = lambda u: lambda f: lambda x: f(x + u)
    d = lambda f: lambda x: grad(lambda e: f(x + e))(0.0)
    slope = grad(lambda u: shift(u)(d(lambda y: y**3))(2.0))(0.0)
    assert slope == 12.0
    twice = grad(lambda u: d(shift(u)(d(shift(u)(np.exp))))(0.5))(0.0)
    assert twice == pytest.approx(2 * math.exp(0.5), rel=1e-14)


def test_leaked_numbers_of_a_finished_call_mean_nothing_to_the_next():
    leaked = []

    def f(x):
        leaked.append(x)
        return x * x

    grad(f)(2.0)
    assert grad(lambda x: x * leaked[0].value)(3.0) == 2.0
    y = grad(lambda x: x * leaked[0])(3.0)  # still a number over the first call's seed
    assert y.value == 2.0


# ---- stacks --------------------------------------------------------------------------


def counted(f):
    calls = []

    def g(*args):
        calls.append(args)
        return f(*args)

    g.calls = calls
    return g


def test_a_stack_is_one_evaluation_over_one_factor():
    f = counted(lambda x: np.sin(x) * x)
    g = f
    for _ in range(6):
        g = grad(g)
    x = sympy.Symbol("x")
    want = float(sympy.diff(sympy.sin(x) * x, x, 6).subs(x, 0.7))
    assert g(0.7) == pytest.approx(want, rel=1e-13)
    assert len(f.calls) == 1 and f.calls[0][0].algebra.M == 7


def test_a_mixed_stack_takes_one_factor_for_each_argument():
    f = counted(lambda x, y: np.exp(x * y) * y)
    g = grad(grad(grad(grad(f, 0), 1), 0), -1)
    x, y = sympy.symbols("x y")
    want = sympy.diff(sympy.exp(x * y) * y, x, 2, y, 2).subs({x: 0.3, y: 0.8})
    assert g(0.3, 0.8) == pytest.approx(float(want), rel=1e-13)
    assert len(f.calls) == 1 and f.calls[0][0].algebra.M == 3
    v, slope = value_and_grad(grad(grad(f, 0), 1), 0)(0.3, 0.8)
    assert slope == grad(grad(grad(f, 0), 1), 0)(0.3, 0.8)
    assert v == grad(grad(f, 0), 1)(0.3, 0.8)


@pytest.mark.parametrize("x", [np.float32(0.5), np.array(0.5), np.float64(0.5)])
def test_stacks_collapse_for_every_kind_of_one_number(x):
    f = counted(np.tanh)
    got = grad(grad(grad(f)))(x)
    assert isinstance(got, np.generic) and got.dtype == x.dtype
    assert got == pytest.approx(grad(grad(grad(np.tanh)))(0.5), rel=1e-6)
    assert len(f.calls) == 1


def test_a_wrapper_with_the_names_of_a_gradient_is_no_stack():
    import functools

    g = grad(np.sin)

    @functools.wraps(g)
    def h(x):
        return 3 * g(x)

    assert grad(h)(0.4) == pytest.approx(-3 * np.sin(0.4), rel=1e-15)


def test_stacks_with_aux_keywords_and_arrays():
    g = grad(grad(lambda x, n=2: x**n))
    assert g(3.0, n=4) == 108.0
    h = grad(lambda x: np.sum(grad(lambda v: np.sum(v**3))(x) * x))
    np.testing.assert_allclose(h(np.array([1.0, 2.0])), [9.0, 36.0], rtol=1e-15)
    first = grad(lambda x: (x**3, x), has_aux=True)
    slope, aux = grad(first, has_aux=True)(2.0)
    assert slope == 12.0 and aux == 2.0
    with pytest.raises(TypeError, match="grad expected a function with a scalar result"):
        grad(grad(lambda v: np.sum(v**2)))(np.array([1.0, 2.0]))


def test_fourteen_nested_directions_of_cos():
    along = lambda f, t: lambda x: jvp(f, (x,), (t,))[1]
    f, product = (cos := counted(np.cos)), 1.0
    for i in range(14):
        t = 1.0 + 0.1 * i
        product *= t
        f = along(f, t)
    got = f(0.5)
    assert len(cos.calls) == 1 and cos.calls[0][0].algebra.M == 2**14
    assert got == pytest.approx(-np.cos(0.5) * product, rel=1e-13)


def test_closures_over_arrays_at_several_levels():
    a = np.array([0.3, -0.2])

    def inner(b):
        return grad(lambda c: np.sum(c * c * b) * np.sum(a * b))(a)

    def outer(b):
        return np.sum(inner(b) * b)

    b = np.array([1.5, 0.5])
    # outer = 2 (a.b) sum(a b^2)
    want = 2 * a * np.sum(a * b * b) + 2 * np.sum(a * b) * 2 * a * b
    np.testing.assert_allclose(grad(outer)(b), want, rtol=1e-14)
