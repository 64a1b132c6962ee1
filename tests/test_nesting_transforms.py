"""Any transform in any other, through closures and in threads.

A program is a random nest of transforms of random expressions in two variables.  It is run
on dualdiff, and on SymPy, where every transform is a formula.
"""

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sympy

import dualdiff as dd

# ---- what each transform means: with dualdiff, and with SymPy ---------------------------------
#
# Each takes f, a function of two numbers, and a point (x, y), and gives a number.


def pair(f):
    """f as a function of one array."""
    return lambda v: f(v[0], v[1])


def stacked(x, y):
    """The point as one array, with what derivatives it has."""
    return np.stack([x, y])


NUMERIC = {
    "grad": lambda f, x, y: dd.grad(f)(x, y),
    "grad of both": lambda f, x, y: sum(dd.grad(f, (0, 1))(x, y)),
    "value_and_grad": lambda f, x, y: sum(dd.value_and_grad(f, -1)(x, y)),
    "jvp": lambda f, x, y: dd.jvp(f, (x, y), (2.0, 3.0))[1],
    "jvps": lambda f, x, y: np.sum(dd.jvps(
        f, (x, y), (np.array([1.0, 0.0]), np.array([0.0, 1.0])))[1]),
    "jacfwd": lambda f, x, y: np.sum(dd.jacfwd(pair(f))(stacked(x, y))),
    "jacfwd in chunks": lambda f, x, y: np.sum(dd.jacfwd(pair(f), chunk_size=1)(stacked(x, y))),
    "linearize": lambda f, x, y: dd.linearize(f, x, y)[1](2.0, 3.0),
    "hessian": lambda f, x, y: np.sum(dd.hessian(pair(f))(stacked(x, y))),
    "hessian in chunks": lambda f, x, y: np.sum(
        dd.hessian(pair(f), chunk_size=1)(stacked(x, y))),
    "value_grad_and_hessian": lambda f, x, y: sum(
        np.sum(t) for t in dd.value_grad_and_hessian(pair(f))(stacked(x, y))),
    "hvp": lambda f, x, y: np.sum(dd.hvp(pair(f), (stacked(x, y),), (np.array([2.0, 3.0]),))),
    "hessian_diag": lambda f, x, y: np.sum(dd.hessian_diag(pair(f))(stacked(x, y))),
    "laplacian": lambda f, x, y: dd.laplacian(f, (0, 1))(x, y),
    "divergence": lambda f, x, y: dd.divergence(
        lambda v: np.stack([f(v[0], v[1]), f(v[1], v[0])]))(stacked(x, y)),
    "curl": lambda f, x, y: dd.curl(
        lambda v: np.stack([f(v[1], v[0]), f(v[0], v[1])]))(stacked(x, y)),
    "elementwise_grad": lambda f, x, y: dd.elementwise_grad(f, 1)(x, y),
    "nth_derivative": lambda f, x, y: dd.nth_derivative(f, 2)(x, y),
    "derivatives": lambda f, x, y: np.sum(dd.derivatives(f, 2, 1)(x, y)),
    "derivative_tensor": lambda f, x, y: dd.derivative_tensor(
        pair(f), 3)(stacked(x, y))[0, 1, 1],
    "mixed_partial": lambda f, x, y: dd.mixed_partial(f, (0, 1))(x, y),
    "jet": lambda f, x, y: dd.jet(f, (x, y), ([1.0, 0.0], [2.0, 1.0]))[1][1],
    "taylor": lambda f, x, y: dd.taylor(lambda t: f(t, y), x, 2).coefficient(2),
}


def d(f, x, y, *by):
    """The mixed derivative of a SymPy function at a point."""
    a, b = sympy.Dummy(), sympy.Dummy()
    return sympy.diff(f(a, b), *[(a, b)[i] for i in by]).subs(
        {a: x, b: y}, simultaneous=True)


SYMBOLIC = {
    "grad": lambda f, x, y: d(f, x, y, 0),
    "grad of both": lambda f, x, y: d(f, x, y, 0) + d(f, x, y, 1),
    "value_and_grad": lambda f, x, y: f(x, y) + d(f, x, y, 1),
    "jvp": lambda f, x, y: 2 * d(f, x, y, 0) + 3 * d(f, x, y, 1),
    "jvps": lambda f, x, y: d(f, x, y, 0) + d(f, x, y, 1),
    "jacfwd": lambda f, x, y: d(f, x, y, 0) + d(f, x, y, 1),
    "jacfwd in chunks": lambda f, x, y: d(f, x, y, 0) + d(f, x, y, 1),
    "linearize": lambda f, x, y: 2 * d(f, x, y, 0) + 3 * d(f, x, y, 1),
    "hessian": lambda f, x, y: d(f, x, y, 0, 0) + 2 * d(f, x, y, 0, 1) + d(f, x, y, 1, 1),
    "hessian in chunks": lambda f, x, y: SYMBOLIC["hessian"](f, x, y),
    "value_grad_and_hessian": lambda f, x, y: f(x, y) + SYMBOLIC["jacfwd"](f, x, y) + SYMBOLIC[
        "hessian"](f, x, y),
    "hvp": lambda f, x, y: 2 * d(f, x, y, 0, 0) + 5 * d(f, x, y, 0, 1) + 3 * d(f, x, y, 1, 1),
    "hessian_diag": lambda f, x, y: d(f, x, y, 0, 0) + d(f, x, y, 1, 1),
    "laplacian": lambda f, x, y: d(f, x, y, 0, 0) + d(f, x, y, 1, 1),
    "divergence": lambda f, x, y: d(f, x, y, 0) + d(f, y, x, 0),
    "curl": lambda f, x, y: d(f, x, y, 0) - d(f, y, x, 0),
    "elementwise_grad": lambda f, x, y: d(f, x, y, 1),
    "nth_derivative": lambda f, x, y: d(f, x, y, 0, 0),
    "derivatives": lambda f, x, y: f(x, y) + d(f, x, y, 1) + d(f, x, y, 1, 1),
    "derivative_tensor": lambda f, x, y: d(f, x, y, 0, 1, 1),
    "mixed_partial": lambda f, x, y: d(f, x, y, 0, 1),
    "jet": lambda f, x, y: (d(f, x, y, 0, 0) + 4 * d(f, x, y, 0, 1) + 4 * d(f, x, y, 1, 1)
                            + d(f, x, y, 1)),
    "taylor": lambda f, x, y: d(f, x, y, 0, 0) / 2,
}

# ---- random programs ---------------------------------------------------------------------------


def expression(rng, depth):
    """A polynomial-like expression in all variables in scope, by number."""
    if depth == 0:
        return ("v", rng.randrange(8)) if rng.random() < 0.8 else ("c", rng.randint(1, 3))
    kind = rng.choice(["+", "*", "*", "sin"])
    if kind == "sin":
        return (kind, expression(rng, depth - 1))
    return (kind, expression(rng, depth - 1), expression(rng, depth - 1))


def program(rng, names):
    """Transforms nested in the order of names; each uses the variables of all outside it."""
    e = expression(rng, 2)
    for name in reversed(names):
        e = ("T", name, ("*", expression(rng, 1), e), ("v", rng.randrange(8)),
             ("v", rng.randrange(8)))
    return ("+", e, expression(rng, 1))


def run(e, scope, sin, transforms):
    kind = e[0]
    if kind == "c":
        return float(e[1]) if sin is np.sin else sympy.Integer(e[1])
    if kind == "v":
        return scope[e[1] % len(scope)]
    if kind == "T":
        x, y = (run(a, scope, sin, transforms) for a in e[3:])
        return transforms[e[1]](
            lambda u, v: run(e[2], [u, v, *scope], sin, transforms) + 0 * u, x, y)
    a = [run(b, scope, sin, transforms) for b in e[1:]]
    return sin(a[0]) if kind == "sin" else a[0] + a[1] if kind == "+" else a[0] * a[1]


def close(got, want):
    assert got == pytest.approx(want, rel=1e-9, abs=1e-9 * max(1.0, abs(want)))


def exact(e, *points):
    """By SymPy, at several points."""
    s = sympy.symbols("x y")
    formula = sympy.lambdify(s, run(e, list(s), sympy.sin, SYMBOLIC), "math")
    return [float(formula(*p)) for p in points]


POINTS = [(0.4, -0.7), (1.1, 0.3)]


@pytest.mark.parametrize("outer", NUMERIC)
def test_every_transform_around_others(outer):
    """Five others within, so that each is within five, with closures over both."""
    rng, names = random.Random(outer), list(NUMERIC)
    for step in (0, 3, 8, 14, 19):
        inner = names[(names.index(outer) + step) % len(names)]
        e = program(rng, [outer, inner])
        close(run(e, list(POINTS[0]), np.sin, NUMERIC), exact(e, POINTS[0])[0])


@pytest.mark.parametrize("seed", range(8))
def test_random_nests_of_three(seed):
    rng = random.Random(seed)
    e = program(rng, rng.sample(sorted(NUMERIC), 3))
    for p, want in zip(POINTS, exact(e, *POINTS), strict=True):
        close(run(e, list(p), np.sin, NUMERIC), want)


def test_eight_threads_at_once():
    """The same nests in eight threads, each result to the bit what one thread gives."""
    rng = random.Random(99)
    programs = [program(rng, rng.sample(sorted(NUMERIC), 2)) for _ in range(12)]

    def work(_):
        return [run(e, list(p), np.sin, NUMERIC) for e in programs for p in POINTS]

    want = work(0)
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(work, range(8)):
            np.testing.assert_array_equal(got, want)


def test_inside_equations_and_polynomials():
    """Transforms of functions that solve an equation, and of operations on polynomials."""
    root = dd.implicit_root(lambda u, x, y: u + u**3 - x * y, lambda x, y: solved(x * y))
    x, y = 0.8, 1.3
    eps = 1e-5
    for inner in ("grad", "hessian", "hvp", "jet", "nth_derivative", "laplacian"):
        f = lambda x, y, inner=inner: NUMERIC[inner](root, x, y)  # noqa: E731
        for name in ("grad", "jvp", "jacfwd"):
            got = NUMERIC[name](f, x, y)
            a, b = {"grad": (1, 0), "jvp": (2, 3), "jacfwd": (1, 1)}[name]
            want = (f(x + a * eps, y + b * eps) - f(x - a * eps, y - b * eps)) / (2 * eps)
            assert got == pytest.approx(want, rel=2e-7, abs=1e-8)


def solved(c):
    """The real root of u + u**3 = c."""
    u = c
    for _ in range(60):
        u = u - (u + u**3 - c) / (1 + 3 * u * u)
    return u
