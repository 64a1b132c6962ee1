"""Derivatives of roots and fixed points, to any order.

Oracles: closed forms, SymPy, differences of the solver, derivatives through the solver.
"""

import numpy as np
import pytest
import sympy

import dualdiff as dd
from dualdiff import implicit_fixed_point, implicit_root
from dualdiff.test_util import check_grads


def bisect(f, a, b):
    for _ in range(200):
        m = (a + b) / 2
        a, b = (m, b) if f(a) * f(m) > 0 else (a, m)
    return m


def test_any_solver_any_order():
    solved = []

    @implicit_root(lambda x, a: x**3 + x - a)
    def root(a):
        solved.append(a)
        return bisect(lambda x: float(x) ** 3 + x - a, 0.0, 5.0)

    assert root(10.0) == pytest.approx(2.0, rel=1e-15)
    solved.clear()
    got = dd.derivatives(root, 8)(10.0)
    assert solved == [10.0] and type(solved[0]) in (float, np.float64)
    # by reversion of the series of x**3 + x about 2
    want = dd.taylor(lambda x: x**3 + x, 2.0, 8).reversion().coefficients
    want = [c * float(sympy.factorial(k)) for k, c in enumerate(want)]
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_systems_and_trees():
    def g(x, p, scale):
        return {"e": x["u"] ** 2 + x["v"] ** 2 - p["r"] * scale,
                "f": x["u"] - np.exp(-x["v"]) * p["s"]}

    @implicit_root(g)
    def solve(p, scale):
        x = np.array([1.0, 1.0])
        for _ in range(60):
            f = lambda x: np.stack([x[0] ** 2 + x[1] ** 2 - p["r"] * scale,  # noqa: E731
                                    x[0] - np.exp(-x[1]) * p["s"]])
            x = x - np.linalg.solve(dd.jacfwd(f)(x), f(x))
        return {"u": x[0], "v": x[1]}

    p = {"r": 3.0, "s": 1.5}
    check_grads(lambda p, scale: solve(p, scale=scale), (p, 1.2), order=3)
    x = solve(p, scale=1.2)
    again = dd.value_and_jacfwd(lambda p: solve(p, scale=1.2))(p)
    assert again[0] == x
    h = dd.hessian(lambda p: solve(p, 1.2)["u"])(p)
    assert h["r"]["s"] == h["s"]["r"]


def test_vector_root_of_vector_parameters():
    a = np.array([[4.0, 1.0], [0.5, 3.0]])
    g = lambda x, b: a @ x + 0.1 * x**3 - b  # noqa: E731

    @implicit_root(g)
    def solve(b):
        x = np.zeros(2)
        for _ in range(100):
            x = np.linalg.solve(a, b - 0.1 * x**3)
        return x

    b = np.array([1.0, -2.0])
    j = dd.jacfwd(solve)(b)
    x = solve(b)
    np.testing.assert_allclose(j, np.linalg.inv(a + np.diag(0.3 * x**2)), rtol=1e-13)
    check_grads(solve, (b,), order=4)
    t = dd.derivative_tensor(solve, 3)(b)
    np.testing.assert_array_equal(t, np.transpose(t, (0, 3, 1, 2)))


def test_fixed_points():
    def iterate(a):
        x = 1.0
        for _ in range(400):
            x = np.cos(a * x)
        return x

    x = implicit_fixed_point(lambda x, a: np.cos(a * x), iterate)
    for k in range(5):
        got, want = (dd.nth_derivative(f, k)(0.8) for f in (x, iterate))
        assert got == pytest.approx(want, rel=1e-10)

    @implicit_fixed_point(lambda x, a: 2 * x - a)  # not contracting
    def expanding(a):
        return a

    assert dd.grad(expanding)(3.0) == 1.0


def test_nesting_and_closures_of_the_equation():
    root = implicit_root(lambda x, a: x * x - a, lambda a: np.sqrt(a))
    got = dd.grad(lambda b: dd.grad(lambda a: root(a * b))(2.0) * b)(3.0)
    want = dd.grad(lambda b: dd.grad(lambda a: np.sqrt(a * b))(2.0) * b)(3.0)
    assert got == pytest.approx(want, rel=1e-14)
    assert dd.hessian(lambda v: root(v[0] * v[1]))(np.array([2.0, 3.0])) == pytest.approx(
        dd.hessian(lambda v: np.sqrt(v[0] * v[1]))(np.array([2.0, 3.0])), rel=1e-13)


def test_complex_roots_and_plain_calls():
    root = implicit_root(lambda z, a: z * z - a, np.sqrt)
    z = -2.0 + 1.0j
    assert dd.grad(root, holomorphic=True)(z) == pytest.approx(0.5 / np.sqrt(z), rel=1e-14)
    assert root(4.0) == 2.0
    np.testing.assert_allclose(dd.jacfwd(root)(np.array([1.0, 4.0])), np.diag([0.5, 0.25]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_dtypes(dtype):
    root = implicit_root(lambda x, a: x * x - a, np.sqrt)
    got = dd.derivatives(root, 4)(dtype(0.75))
    want = dd.derivatives(np.sqrt, 4)(dtype(0.75))
    assert got.dtype == dtype
    np.testing.assert_allclose(got, want, rtol=20 * np.finfo(dtype).eps)


def test_results_that_do_not_depend():
    root = implicit_root(lambda x, a: x - 3.0, lambda a: 3.0)
    assert dd.grad(root)(1.0) == 0.0


@pytest.mark.parametrize("error, make, words", [
    (TypeError, lambda: implicit_root(1.0, np.sqrt), "implicit_root expected a function"),
    (TypeError, lambda: implicit_root(np.sin)(2.0), "implicit_root expected a function"),
    (ValueError, lambda: dd.grad(implicit_root(lambda x, a: np.stack([x, x]), np.sqrt))(2.0),
     "as many equations as unknowns, 1, got 2; return one residual"),
    (np.linalg.LinAlgError, lambda: dd.grad(implicit_root(lambda x, a: x * x, lambda a: 0.0))(2.0),
     "a singular Jacobian in the unknowns at the root"),
    (TypeError, lambda: dd.grad(implicit_root(lambda x, a: x - a, lambda a: "x"))(2.0),
     "return numbers, got str"),
    (TypeError, lambda: dd.grad(lambda b: implicit_root(lambda x, a: x - a, lambda a: a * b)(b))(
        2.0), "to return plain numbers .* pass them as arguments"),
])
def test_messages(error, make, words):
    with pytest.raises(error, match=words):
        make()
