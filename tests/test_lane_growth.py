"""Gradients of a scalar cost so many times f, however many elements its functions mix.

Oracle for the derivatives: dense seeds, few of them.  Cost is memory: what grows with the square
of the number of elements would take hundreds of megabytes.
"""

import numpy as np
import pytest
from tolerances import assert_close
from waiting import peak_of

from dualdiff import grad, hvp, set_lanes

FEW, MANY = 200, 20_000


def weights(n):
    return np.linspace(1.0, 2.0, n)


def rows(x):
    return x.reshape(-1, 20)


def added(x):
    y = 0.5 * x[:9]
    np.add.at(y, np.arange(x.size) % 9, np.sin(x))
    np.add.at(y, np.arange(x.size) % 7, weights(x.size))
    return y


def matrix(x):
    n = int(np.sqrt(x.size))
    return x[:n * n].reshape(n, n) / n + np.eye(n)


CASES = {
    "einsum i,i": lambda x: np.einsum("i,i", x, x),
    "einsum with a constant": lambda x: np.einsum("i,i->", np.sin(x), weights(x.size)),
    "einsum of matrices": lambda x: np.einsum("ij,ij->", rows(x), rows(weights(x.size))),
    "einsum of three": lambda x: np.einsum("i,i,i", x, np.cos(x), weights(x.size)),
    "einsum as a product": lambda x: np.sum(np.einsum(
        "ij,jk->ik", x.reshape(20, -1), weights(x.size * 3 // 20).reshape(-1, 3)) ** 2),
    "norm": lambda x: np.linalg.norm(x), "norm squared": lambda x: np.linalg.norm(rows(x)) ** 2,
    "dot": lambda x: np.dot(x, np.tanh(x)), "tensordot": lambda x: np.tensordot(x, x, 1),
    "median": lambda x: np.median(x) ** 2, "medians": lambda x: np.sum(np.median(rows(x), 1) ** 2),
    "median of differences": lambda x: np.median(np.abs(x - np.median(x))),
    "quantiles": lambda x: np.sum(np.quantile(x, [0.1, 0.35, 0.9]) ** 2),
    "nanpercentile": lambda x: np.nanpercentile(x, 35.5) ** 2,
    "running maximum": lambda x: np.sum(np.maximum.accumulate(x) * weights(x.size)),
    "running minimum": lambda x: np.sum(np.minimum.accumulate(rows(x), axis=1) ** 2),
    "add.at": lambda x: np.sum(added(x) ** 2), "loop": lambda x: sum(
        x[i] * x[i + 1] for i in range(60)),
    "convolution of numbers": lambda x: np.sum(np.convolve(np.sin(x), x[:90], "same") ** 2),
    "autocorrelation": lambda x: np.sum(np.correlate(x, x, "full")[::7] ** 2),
    "correlation": lambda x: np.sum(np.correlate(x[:50], np.cos(x)) ** 2),
    "complex sum": lambda x: np.abs(np.sum(np.exp(1j * x))) ** 2,
    "complex mean": lambda x: np.mean(np.exp(1j * x) * weights(x.size)).imag,
    "complex running sum": lambda x: np.sum(np.abs(np.cumsum(np.exp(2j * x)))),
    "complex product": lambda x: np.sum(np.abs(
        np.exp(1j * weights(9 * x.size)).reshape(9, -1) @ np.exp(1j * x)) ** 2),
    "complex rows": lambda x: np.sum(np.abs(np.exp(1j * x).reshape(5, -1) @ (
        weights(x.size // 5) + 1j)) ** 2),
    "complex row": lambda x: np.sum(np.abs(
        (weights(20) + 1j) @ np.exp(1j * rows(x) * weights(20)).T) ** 3),
    "complex vector": lambda x: np.sum(np.abs(np.exp(1j * x) @ np.exp(
        1j * weights(5 * x.size)).reshape(-1, 5)) ** 3),
    "complex columns": lambda x: np.sum(np.abs(np.ones((2, 20)) @ (np.exp(1j * rows(x).T))) ** 2),
    "coefficients": lambda x: np.sum((np.polyval(x[:4], weights(2000)) - x[-1]) ** 2),
    "parameters": lambda x: np.sum(np.exp(-x[0] * weights(2000)) * x[1] + np.mean(x)),
    "determinant": lambda x: np.linalg.det(matrix(x)), "eigenvalues": lambda x: np.sum(
        np.linalg.eigvalsh(matrix(x) + matrix(x).T) ** 3), "nuclear norm": lambda x: np.linalg.norm(
            matrix(x), "nuc"), "pinv": lambda x: np.sum(np.linalg.pinv(matrix(x)[:, :5]) ** 2),
    "least squares": lambda x: np.sum(np.linalg.lstsq(
        x.reshape(-1, 5)[:40], weights(40) * x[:40], rcond=None)[0] ** 2),
    "histogram": lambda x: np.sum(np.histogram(weights(x.size), 9, weights=x)[0] ** 2),
}


def point(n):
    return np.linspace(-1.0, 1.0, n) + 0.3 * np.random.default_rng(0).normal(size=n)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_dense_seeds(name):
    f, x = CASES[name], point(FEW)
    results = []
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            results.append(grad(f)(x))
        finally:
            set_lanes(before)
    assert_close(*results, order=8, dtype=float, scale=np.abs(results[1]).max())


@pytest.mark.parametrize("name", CASES)
def test_products_with_hessians_are_those_of_dense_seeds(name):
    f, x = CASES[name], point(FEW)
    results = []
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            results.append(hvp(f, (x,), (np.cos(x),)))
        finally:
            set_lanes(before)
    assert_close(*results, order=9, dtype=float, scale=np.abs(results[1]).max())


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
@pytest.mark.parametrize("name", CASES)
def test_memory_does_not_grow_with_the_square(name):
    f, x = CASES[name], point(MANY)
    assert peak_of(lambda: grad(f)(x)) < 100 * x.nbytes
