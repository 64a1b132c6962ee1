"""register_derivative: ufuncs and elementwise functions of one's own, at every order."""

import math

import numpy as np
import pytest
from oracles import coefficients

from dualdiff import grad, hessian, jvp, register_derivative, stop_gradient
from dualdiff._taylor import ROWS


@pytest.fixture
def rows():
    """The table of rules, put back as it was after the test."""
    before = dict(ROWS)
    yield ROWS
    for func in ROWS.keys() - before.keys():
        del ROWS[func]


def made(name):
    """exp(x) + x y as a ufunc or function of another make, and its derivatives."""
    def body(x, y):
        return math.exp(x) + x * y

    partials = (lambda x, y: np.exp(x) + y, lambda x, y: x)
    if name == "frompyfunc":
        return register_derivative(np.frompyfunc(body, 2, 1), *partials)
    if name == "vectorize":
        return register_derivative(np.vectorize(body), *partials)
    if name == "vectorize with otypes":
        return register_derivative(np.vectorize(body, otypes=[float]), *partials)
    if name == "numba":
        numba = pytest.importorskip("numba")
        return register_derivative(
            numba.vectorize(["float64(float64, float64)"], nopython=True)(body), *partials)
    return register_derivative(lambda x, y: np.exp(np.asarray(x, float)) + x * y, *partials)


MAKES = ["frompyfunc", "vectorize", "vectorize with otypes", "numba", "plain function"]


@pytest.mark.parametrize("make", MAKES)
def test_every_make_at_every_order(rows, make):
    f = made(make)
    got = coefficients(lambda x: f(x, 3.0), np.float64(0.7), 6)
    want = np.exp(0.7) / np.array([math.factorial(k) for k in range(7)])
    want[:2] += [2.1, 3.0]
    np.testing.assert_allclose(got, want, rtol=1e-15)
    H = hessian(lambda p: f(p[0], p[1]))(np.array([0.7, 3.0]))
    np.testing.assert_allclose(H, [[np.exp(0.7), 1], [1, 0]], rtol=1e-15)


@pytest.mark.parametrize("make", MAKES)
def test_every_make_on_arrays_and_plain_values(rows, make):
    f = made(make)
    x, y = np.array([[0.1, -0.4], [1.0, 2.0]]), np.array([3.0, -1.0])
    assert float(f(0.5, 2.0)) == math.exp(0.5) + 1.0
    np.testing.assert_allclose(grad(lambda x: np.sum(f(x, y)))(x), np.exp(x) + y, rtol=1e-15)
    np.testing.assert_allclose(grad(lambda y: np.sum(f(x, y)))(y), x.sum(axis=0), rtol=1e-15)
    value, tangent = jvp(lambda x: f(x[::-1], y), (x,), (np.ones_like(x),))
    np.testing.assert_allclose(np.asarray(value, float), np.exp(x[::-1]) + x[::-1] * y)
    np.testing.assert_allclose(tangent, np.exp(x[::-1]) + y, rtol=1e-15)


def test_object_ufuncs_run_as_they_are_without_a_rule():
    square = np.frompyfunc(lambda x: x * x, 1, 1)
    assert grad(grad(square))(3.0) == 2.0
    np.testing.assert_array_equal(grad(lambda x: np.sum(square(x)))(np.array([1.0, 2.0])),
                                  [2.0, 4.0])


def test_a_ufunc_of_several_results(rows):
    both = register_derivative(np.frompyfunc(lambda x: (math.sin(x), math.cos(x)), 1, 2),
                               lambda x: (np.cos(x), -np.sin(x)))
    c = coefficients(lambda x: both(x)[0] * both(x)[1], np.float64(0.3), 5)
    np.testing.assert_allclose(
        c, coefficients(lambda x: np.sin(2 * x) / 2, np.float64(0.3), 5), rtol=1e-14)


def test_a_derivative_that_asks_for_the_function_itself(rows):
    exp = register_derivative(np.frompyfunc(math.exp, 1, 1), lambda x: exp(x))
    np.testing.assert_allclose(coefficients(exp, np.float64(0.3), 8)[8],
                               np.exp(0.3) / math.factorial(8), rtol=1e-15)


def test_a_compiled_ufunc_that_has_no_rule(rows):
    special = pytest.importorskip("scipy.special")
    with pytest.raises(TypeError, match="dualdiff.register_derivative"):
        grad(lambda x: special.smirnov(5, x))(0.3)
    smirnov = register_derivative(special.smirnov, None,
                                  lambda n, x: special._ufuncs._smirnovp(n, x))
    assert smirnov is special.smirnov
    assert grad(lambda x: special.smirnov(5, x))(0.3) == special._ufuncs._smirnovp(5, 0.3)
    with pytest.raises(TypeError, match="argument 1"):
        grad(lambda n: special.smirnov(n, 0.3))(5.0)
    register_derivative(special.smirnov, None, lambda n, x: 0 * x)  # again: the later one
    assert grad(lambda x: special.smirnov(5, x))(0.3) == 0.0


def test_an_argument_without_a_derivative(rows):
    f = register_derivative(np.frompyfunc(lambda n, x: x**n, 2, 1), None,
                            lambda n, x: n * x ** (n - 1))
    assert grad(lambda x: f(3, x))(2.0) == 12.0
    with pytest.raises(TypeError, match="no derivative rule for argument 1.*stop_gradient"):
        grad(lambda n: f(n, 2.0))(3.0)
    assert grad(lambda x: f(stop_gradient(x), x))(2.0) == 4.0


def test_complex_and_single_precision(rows):
    f = register_derivative(lambda x: np.asarray(x) ** 3, lambda x: 3 * x**2)
    assert grad(f)(np.float32(2)).dtype == np.float32
    assert grad(f, holomorphic=True)(1 + 1j) == 6j


def test_name_and_docs_of_the_function_stay():
    def cube(x):
        """x**3."""
        return np.asarray(x) ** 3

    f = register_derivative(cube, lambda x: 3 * x**2)
    assert (f.__name__, f.__doc__ or f.__wrapped__.__doc__) == ("cube", "x**3.")


@pytest.mark.parametrize("args, error, message", [
    ((3, np.cos), TypeError, "expected a function as its first argument, got int"),
    ((np.frompyfunc(abs, 1, 1),), ValueError, "a derivative for at least one argument, got none"),
    ((np.frompyfunc(abs, 1, 1), None), ValueError, "takes stop_gradient"),
    ((np.frompyfunc(abs, 1, 1), 2.0), TypeError, "derivative 1 to be a function or None, got fl"),
    ((np.sin, np.cos), ValueError, "sin has a rule in dualdiff; for another one .* custom_jvp"),
])
def test_messages(args, error, message):
    with pytest.raises(error, match=message):
        register_derivative(*args)


def test_messages_of_rules_that_do_not_fit(rows):
    two = register_derivative(np.frompyfunc(lambda x: (x, x), 1, 2), lambda x: 1.0)
    with pytest.raises(TypeError, match="returned 1 results, the function 2"):
        grad(lambda x: two(x)[0])(1.0)
    whole = register_derivative(np.frompyfunc(lambda x: int(x), 1, 1), lambda x: 1.0)
    with pytest.raises(TypeError, match="its result has dtype int64"):
        grad(whole)(1.5)
    f = register_derivative(lambda x: np.asarray(x) * 2, lambda x: outer)
    with pytest.raises(TypeError, match="uses a number that is not among its arguments"):
        def g(y):
            nonlocal outer
            outer = y
            return grad(f)(2.0) + 0 * y

        outer = None
        grad(g)(1.0)
