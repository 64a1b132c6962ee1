"""grad, value_and_grad: figures of the tutorial, nesting, perturbation confusion."""

import numpy as np
import pytest

from dualdiff import grad, value_and_grad


def cubic(x):
    return x**3 + 2 * x**2 - 3 * x + 1


def test_chained_grad_of_tanh():
    g1 = grad(np.tanh)
    g2 = grad(g1)
    g3 = grad(g2)
    assert [g(2.0) for g in (g1, g2, g3)] == pytest.approx(
        [0.070650816, -0.13621868, 0.25265405], abs=1e-6)


def test_chained_grad_of_a_cubic():
    g, got = cubic, []
    for _ in range(4):
        g = grad(g)
        got.append(g(1.0))
    assert got == [4.0, 10.0, 6.0, 0.0]


def test_perturbation_confusion():
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(1.0) == 2.0


def test_array_and_argnums():
    a = np.array([[1.0, 2.0], [3.0, 5.0]])

    def f(w, b):
        return np.sum(np.tanh(a @ w + b))

    w, b = np.array([0.1, -0.3]), 0.25
    s = 1 - np.tanh(a @ w + b) ** 2
    gw, gb = grad(f, (0, 1))(w, b)
    np.testing.assert_allclose(gw, s @ a, rtol=1e-14)
    np.testing.assert_allclose(gb, s.sum(), rtol=1e-14)
    v, g = value_and_grad(f, -1)(w, b)
    assert v == f(w, b) and g == gb
