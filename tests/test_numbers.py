"""Numbers by hand: variables, dual, hyperdual, taylor_number, and what reads them."""

import math

import numpy as np
import pytest

import dualdiff as dd


def test_variables_of_second_order():
    x, y = dd.variables(1.0, 2.0, order=2)
    z = np.exp(x * y) + x / y
    e = math.exp(2.0)
    assert z.value == e + 0.5
    np.testing.assert_allclose(z.gradient(), [2 * e + 0.5, e - 0.25], rtol=1e-15)
    np.testing.assert_allclose(z.hessian(), [[4 * e, 3 * e - 0.25], [3 * e - 0.25, e + 0.25]],
                               rtol=1e-14)
    np.testing.assert_array_equal(z.hessian(), z.hessian().T)
    assert z.derivative(0, 0) == z.value == z.coefficient((0, 0))
    assert z.derivative(2, 0) == z.derivative((2, 0)) == 2 * z.coefficient(2, 0)
    assert z.derivative(1, 1) == z.coefficient(1, 1) == z.hessian()[0, 1]
    assert isinstance(z.derivative(1, 1), np.float64)


def test_arrays_are_many_variables():
    x, t = dd.variables(np.array([[1.0, 2.0], [3.0, 4.0]]), 0.5, order=3)
    y = np.sum(x**2, axis=0) * t
    assert y.gradient().shape == (2, 5) and y.hessian().shape == (2, 5, 5)
    np.testing.assert_array_equal(y.gradient(), [[1, 0, 3, 0, 10], [0, 2, 0, 4, 20]])
    assert y.derivative(2, 0, 0, 0, 1).tolist() == [2.0, 0.0]
    assert (x[0, 0] ** 3).derivative(3, 0, 0, 0, 0) == 6.0


def test_one_variable():
    (x,) = dd.variables(0.5, order=6)
    y = np.sin(x)
    assert y.derivative(6) == pytest.approx(-math.sin(0.5), rel=1e-15)
    assert y.coefficient(3) == pytest.approx(-math.cos(0.5) / 6, rel=1e-15)
    assert y.gradient().tolist() == [math.cos(0.5)]


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex128])
def test_dtypes(dtype):
    (x,) = dd.variables(np.array([1.0, 2.0], dtype), order=2)
    y = x * x
    for got in (y.gradient(), y.hessian(), y.derivative(1, 0), y.coefficient(2, 0)):
        assert got.dtype == dtype
    assert y.derivative(2, 0).tolist() == [2.0, 0.0]


def test_variables_of_two_calls_are_apart():
    (x,), (y,) = dd.variables(2.0), dd.variables(3.0)
    z = x * x * y
    assert z.gradient().tolist() == [12.0, 4.0]
    assert z.derivative(1, 1) == 4.0  # each seed to order 1
    with pytest.raises(ValueError, match=r"hessian: the monomial \(2, 0\) is not kept"):
        z.hessian()


def test_variables_inside_a_derivative_and_the_other_way_round():
    def f(a):
        (x,) = dd.variables(0.5, order=2)
        y = a * np.sin(x)
        assert y.gradient().shape == (2,)
        return y.value

    assert dd.grad(lambda a: f(a) * 0 + a * a)(3.0) == 6.0
    (x,) = dd.variables(0.5, order=2)
    y = dd.grad(lambda u: u * np.sin(u * x))(2.0)  # sin(2x) + 2x cos(2x)
    want = 4 * math.cos(1.0) - 4 * 0.5 * math.sin(1.0)
    assert y.derivative(1) == pytest.approx(want, rel=1e-14)


def test_dual():
    y = dd.dual(2.0) * dd.dual(3.0, 4.0)
    assert (y.value, y.derivative(1)) == (6.0, 11.0)
    a = dd.dual(np.array([1.0, 2.0]), np.array([0.5, 0.0]))
    np.testing.assert_array_equal((a * a).derivative(1), [1.0, 0.0])
    assert dd.dual(3, 1).dtype == float
    assert dd.dual(np.float32(3), np.float32(1)).dtype == np.float32


def test_hyperdual():
    y = np.exp(dd.hyperdual(0.5, 2.0, 3.0, 0.25))
    e = math.exp(0.5)
    got = [y.derivative(*k) for k in ((0, 0), (1, 0), (0, 1), (1, 1))]
    np.testing.assert_allclose(got, [e, 2 * e, 3 * e, 6.25 * e], rtol=1e-15)
    x = dd.hyperdual(3.0) * dd.hyperdual(2.0, 0.0, 1.0)
    assert x.coefficient(1, 1) == 1.0
    assert set(str(dd.hyperdual(2.0) ** 3).split(" + ")) == {
        "8.0", "12.0*e0", "12.0*f0", "12.0*e0*f0"}


def test_taylor_number():
    t = dd.taylor_number([0.0, 1.0] + [0.0] * 8)
    got = [np.exp(t).coefficient(k) for k in range(10)]
    np.testing.assert_allclose(got, [1 / math.factorial(k) for k in range(10)], rtol=1e-15)
    a = dd.taylor_number([np.array([1.0, 2.0]), 1.0, 0.0])
    np.testing.assert_array_equal((a**2).coefficient(2), [1.0, 1.0])
    assert (a * dd.taylor_number([1.0, 1.0, 1.0])).coefficient(1).tolist() == [2.0, 3.0]


def test_repr_and_str():
    x, y = dd.variables(1.0, 2.0, order=2)
    assert str(x * y) == "2.0 + 2.0*e0 + 1.0*e1 + 1.0*e0*e1"
    assert repr(x) == "Taylor(1.0 + 1.0*e0; 2 seeds to order 2)"


@pytest.mark.parametrize("error, make, words", [
    (ValueError, lambda: dd.variables(), "variables expected at least one value, got none"),
    (TypeError, lambda: dd.variables(1), "value 0 expected a real or complex .* got dtype int64"),
    (ValueError, lambda: dd.variables(1.0, order=0), "order to be 1 or more, got 0"),
    (TypeError, lambda: dd.variables(1.0, order=1.5), "order to be an integer, got 1.5"),
    (TypeError, lambda: dd.dual("x"), "dual expected numbers, got dtype <U"),
    (ValueError, lambda: dd.dual(np.ones(3), np.ones(2)), r"derivative of the shape of the val"),
    (ValueError, lambda: dd.hyperdual(1.0, np.ones(2)), "hyperdual expected .*, got .2,."),
    (TypeError, lambda: dd.taylor_number(1.0), "a sequence of coefficients, got float"),
    (ValueError, lambda: dd.taylor_number([1.0]), "at least one coefficient, got 1 in all"),
    (ValueError, lambda: dd.dual(1.0).derivative(2), r"the monomial \(2,\) is not kept.*order 1"),
    (ValueError, lambda: dd.dual(1.0).coefficient(1, 0), "an exponent for each of 1 variable, g"),
    (TypeError, lambda: dd.dual(1.0).coefficient(0.5), "exponent 0 to be an integer, got 0.5"),
    (ValueError, lambda: dd.dual(1.0).hessian(), "hessian: the monomial .* is not kept"),
])
def test_messages(error, make, words):
    with pytest.raises(error, match=words):
        make()
