"""Intermediate seeds: gradients through contractions of numbers with lanes.

Each function is differentiated with lanes, where contractions give derived seeds, and
without; values are equal to the bit, gradients to rounding.
"""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from tolerances import assert_close

import dualdiff as dd
from dualdiff import grad, hvp, jvp, value_and_grad
from dualdiff._seeding import set_lanes
from dualdiff._taylor import is_laned

rng = np.random.default_rng(8)
A = rng.normal(size=(6, 6)) / 2
X = np.array([0.3, -0.4, 0.9, 0.1, -0.7, 0.5])


def both(f, *args, argnums=0):
    """(value, gradient) with lanes; checked against those without."""
    got = {}
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            got[mode] = value_and_grad(f, argnums)(*args)
        finally:
            set_lanes(before)
    (value, slopes), (want_value, want) = got["always"], got["never"]
    np.testing.assert_array_equal(value, want_value)
    pairs = zip(slopes, want, strict=True) if isinstance(argnums, tuple) else [(slopes, want)]
    for a, b in pairs:
        assert np.shape(a) == np.shape(b)
        assert_close(a, b, order=6, scale=max(1.0, np.abs(b).max(initial=0.0)))
    return value, slopes


def both_nested(f, x):
    """Products with the Hessian, and third derivatives along a direction, as `both` has it."""
    v, w = np.cos(np.arange(x.size)), np.sin(np.arange(x.size) + 1.0)
    calls = (lambda: hvp(f, (x,), (v,)), lambda: jvp(grad(f), (x,), (v,))[1],
             lambda: grad(lambda x: np.sum(grad(f)(x) * v))(x),
             lambda: grad(lambda x: jvp(lambda y: jvp(f, (y,), (v,))[1], (x,), (w,))[1])(x))
    for call in calls:
        got = {}
        for mode in ("always", "never"):
            before = set_lanes(mode)
            try:
                got[mode] = call()
            finally:
                set_lanes(before)
        want = got["never"]
        assert_close(got["always"], want, order=9, scale=max(1.0, np.abs(want).max(initial=0.0)))


def network(W1, b1, W2, b2, x, y):
    h = np.tanh(x @ W1 + b1)
    return np.mean((h @ W2 + b2 - y) ** 2)


def mixture(theta, x):
    logits, means, logs = theta[:3], theta[3:9].reshape((3, 2)), theta[9:].reshape((3, 2))
    z = (x[:, None, :] - means) * np.exp(-logs)
    a = logits - 0.5 * np.sum(z * z, axis=2) - np.sum(logs, axis=1)
    top = np.max(a, axis=1, keepdims=True)
    return -np.sum(top[:, 0] + np.log(np.sum(np.exp(a - top), axis=1)))


FUNCTIONS = {
    "product": lambda x: np.sum(np.sin(A @ x) ** 2),
    "product from the left": lambda x: np.sum(np.exp(x @ A) * x),
    "two products": lambda x: np.sum(np.tanh(A @ np.tanh(A @ x))),
    "inner product": lambda x: np.sin(x @ (A @ x)) * np.sum(x),
    "outer": lambda x: np.sum(np.cos(np.outer(x, A @ x)) @ x),
    "matrix": lambda x: np.sum((x.reshape(2, 3) @ A[:3] @ x) ** 2),
    "both factors": lambda x: np.sum((x.reshape(2, 3) @ np.cos(x).reshape(3, 2)) ** 3),
    "softmax": lambda x: np.exp(A @ x)[1] / np.sum(np.exp(A @ x)),
    "normalised": lambda x: np.sum((A @ x / np.sqrt(np.sum((A @ x) ** 2))) ** 3),
    "by its sum": lambda x: np.sum((x / np.sum(x * x)) ** 2),
    "mean removed": lambda x: np.sum(np.abs(A @ x - np.mean(A @ x)) ** 1.5),
    "axis": lambda x: np.sum(np.sum(np.sin(x[:, None] * (A @ x)), axis=0) ** 2),
    "maximum": lambda x: np.sum(np.max((A * x) @ A + (A @ x)[:, None], axis=1) ** 2),
    "tied maximum": lambda x: np.sum(np.max(np.stack([A @ x, A @ x, x]), axis=0) ** 2),
    "dense in the middle": lambda x: np.sum(np.linalg.solve(A + 4 * np.eye(6), np.sin(A @ x)) ** 2),
    "loop": lambda x: sum((A @ x)[i] * x[i] ** 2 for i in range(6)),
    "elements of one": lambda x: (lambda z: z[0] * z[1] + np.sin(z[2]))(np.exp(A @ x)),
    "stacked": lambda x: np.sum(np.stack([np.sum(A @ x), np.prod(x), x[3]]) ** 2),
    "joined": lambda x: np.sum(np.concatenate([A @ x, x])[3:9] ** 3),
    "chosen": lambda x: np.sum(np.where(A @ x > 0, A @ x, x) ** 2),
    "sorted": lambda x: np.sum(np.sort(A @ x) * np.arange(6.0)),
    "plus a penalty": lambda x: np.sum(np.log1p((A @ x) ** 2)) + 0.3 * np.sum(x * x) - 2.0,
    "hypot": lambda x: np.sum(np.hypot(A @ x, np.sum(x))),
    "nothing left": lambda x: np.sum(A @ x) * 0.0 + 1.0,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    both(FUNCTIONS[name], X)
    both_nested(FUNCTIONS[name], X)


def test_network_in_four_arrays():
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 1))
    both(network, rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=(4, 1)),
         np.zeros(1), x, y, argnums=(0, 1, 2, 3))


def test_network_in_a_tree():
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 1))
    p = {"W1": rng.normal(size=(3, 4)), "b1": rng.normal(size=4), "W2": rng.normal(size=(4, 1)),
         "b2": np.zeros(1)}
    got = {}
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            got[mode] = grad(lambda p: network(**p, x=x, y=y))(p)
        finally:
            set_lanes(before)
    for name in p:
        assert_close(got["always"][name], got["never"][name], order=6)


def test_mixture():
    x = rng.normal(size=(20, 2))
    both(mixture, rng.normal(size=15), x)
    both_nested(lambda theta: mixture(theta, x), rng.normal(size=15))


STEPS = {
    "product": lambda a, b: A @ a,
    "from the left": lambda a, b: b @ A,
    "sine": lambda a, b: np.sin(a),
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (2.0 + b * b),
    "scale": lambda a, b: a / np.sqrt(1.0 + np.sum(b * b)),
    "rows": lambda a, b: np.sum(np.outer(a, np.cos(b)), axis=1),
    "reverse": lambda a, b: a[::-1] + b,
    "assign": lambda a, b: assigned(a, b),
    "in place": lambda a, b: in_place(a, b),
    "largest": lambda a, b: np.max(np.stack([a, b, a * b]), axis=0),
}


def assigned(a, b):
    z = A @ a
    w = A @ z  # looks at z, which changes now
    z[1:4] = b[:3]
    return w + z


def in_place(a, b):
    z = a * 1.0
    w = z @ A
    z *= b
    z[0] = 0.5
    return w * z


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 5), st.integers(0, 5)),
                min_size=1, max_size=7))
@settings(max_examples=60, deadline=None)
def test_random_programs(program):
    def f(x):
        pool = [x]
        for name, i, j in program:
            pool.append(STEPS[name](pool[-1 - i % len(pool)], pool[-1 - j % len(pool)]))
        return np.sum(np.tanh(pool[-1]))

    both(f, X)
    both_nested(f, X)


def test_constants_may_change_afterwards():
    def f(x):
        buffer = A.copy()
        y = buffer @ x
        buffer[...] = 0.0
        return np.sum(y * y)

    both(f, X)


def test_strong_zeros():
    """Where zeros meet infinities, the answer is that of the dense representation."""
    both(lambda x: np.sum(np.sqrt(np.stack([A @ x - A @ x, x * x]))), X)
    both(lambda x: np.sqrt(np.sum((A @ x - A @ x) ** 2)) + np.sum(x), X)


def test_outer_and_inner_calls():
    """Derived seeds of an inner call beside numbers of an outer one, and the other way."""
    def inner(y):
        return grad(lambda z: np.sum(np.sin(A @ z) * (A @ y)))(y)

    for f in (lambda x: np.sum(inner(x) ** 2), lambda x: np.sum(np.tanh(A @ x) * inner(A @ x))):
        both(f, X)


def test_numbers_that_outlive_the_call():
    kept = []

    def f(x):
        kept.append(np.sin(A @ x))
        return np.sum(kept[-1] ** 2)

    before = set_lanes("always")
    try:
        grad(f)(X)
        first = kept[0].terms
        grad(f)(X + 1.0)
        np.testing.assert_array_equal(kept[0].terms, first)
    finally:
        set_lanes(before)
    np.testing.assert_allclose(first, (np.cos(A @ X)[:, None] * A).T, rtol=1e-13)


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
def test_large_sums_and_norms_stay_sparse():
    """The gradient of a normalised vector costs a multiple of f, not n times f."""
    n = 200_000
    x = np.linspace(0.1, 1.0, n)
    g = grad(lambda x: np.sum((x / np.sqrt(np.sum(x * x))) ** 3))(x)
    s = np.sqrt(np.sum(x * x))
    np.testing.assert_allclose(g, 3 * x**2 / s**3 - 3 * np.sum(x**3) * x / s**5, rtol=1e-9,
                               atol=1e-12)




# ---- few inputs, whose product with many rows is a step -----------------------------------------

FEW_INPUTS = 12
LONG = np.random.default_rng(15).normal(size=(2000, FEW_INPUTS)) / 4
OF_FEW = {
    "svd": lambda w: np.sum(np.linalg.svd((LONG @ w).reshape(-1, 40), compute_uv=False)),
    "prod": lambda w: np.log(abs(np.prod((LONG @ w)[:50]))),
    "cumprod": lambda w: np.sum(np.cumprod(1 + 0.001 * (LONG @ w))),
    "fft": lambda w: np.sum(np.abs(np.fft.rfft(LONG @ w)) ** 2),
    "sum+reg": lambda w: np.sum(np.tanh(LONG @ w)) + np.sum(w ** 3),
    "meets": lambda w: np.sum((LONG @ w)[:FEW_INPUTS] * w),
    "meets2": lambda w: np.sum(np.outer(LONG @ w, w) ** 2),
    "stack": lambda w: np.sum(np.concatenate([LONG @ w, w]) ** 2),
    "left": lambda w: np.sum(np.sin(w @ LONG.T.copy())),
    "2d": lambda w: np.sum(np.sin(LONG @ w.reshape(FEW_INPUTS, 1))),
    "2d3": lambda w: np.sum(np.sin(LONG[:, :4] @ w.reshape(4, 3)) ** 2),
    "twice": lambda w: np.sum(LONG @ w * (LONG @ np.sin(w))),
    "in": lambda w: (LONG @ w)[3] * w[2] + np.max(LONG @ w),
    "loop": lambda w: sum((LONG @ w)[i] * w[i] for i in range(FEW_INPUTS)),
    "dot": lambda w: np.sum(np.dot(LONG, w) ** 2),
    "einsum": lambda w: np.sum(np.einsum("ij,j->i", LONG, w) ** 3),
    "hidden": lambda w: np.sum(np.tanh(np.tanh(LONG[:, :4] @ w.reshape(4, 3)) @ np.ones((3, 2)))),
    "inner": lambda w: dd.grad(lambda t: np.sum(np.sin(LONG @ w * t)))(1.3),
    "inner2": lambda w: np.sum(dd.grad(lambda v: np.sum(np.sin(LONG @ v)))(w) ** 2),
    "interp": lambda w: np.sum(np.interp(LONG @ w, [-3, 0, 3], [0, 1, 5]) * (LONG @ w)),
    "sort": lambda w: np.sum(np.sort(LONG @ w) * np.arange(2000)),
    "median": lambda w: np.median(LONG @ w),
}


@pytest.mark.lanes("auto", reason="about what is chosen")
@pytest.mark.parametrize("name", OF_FEW)
def test_long_products_of_few_inputs(name):
    """By steps, and by dense numbers; with one argument and with two."""
    f, w = OF_FEW[name], np.random.default_rng(16).normal(size=FEW_INPUTS)

    def g(w, b):
        return f(w) * np.cos(b)

    found = []
    for mode in ("auto", "never"):
        before = dd.set_lanes(mode)
        try:
            found.append([*dd.value_and_grad(f)(w), *dd.grad(g, (0, 1))(w, 0.3)])
        finally:
            dd.set_lanes(before)
    for got, want in zip(*found, strict=True):
        assert_close(np.asarray(got), np.asarray(want), order=8, scale=np.max(np.abs(want)))


@pytest.mark.lanes("auto", reason="about what is chosen")
def test_which_products_are_steps():
    seen = []
    w = np.ones(FEW_INPUTS)

    def chosen(product, *args, transform=dd.grad):
        del seen[:]
        transform(lambda *args: np.sum(seen.append(product(*args)) or seen[0]))(*args)
        return is_laned(seen[0])
    assert chosen(lambda w: LONG @ w, w) and chosen(lambda w: w @ LONG.T, w)
    assert chosen(lambda w, b: LONG @ w + b, w, 1.0) and chosen(lambda w: LONG @ w[:, None], w)
    assert chosen(lambda w: LONG @ w.reshape(4, 3).reshape(12), w)
    assert chosen(lambda w: LONG[:, 3:] @ w[3:], w) and chosen(lambda w: LONG[:, :3] @ w[:3], w)
    assert not chosen(lambda w: LONG[:100] @ w, w)         # short
    assert not chosen(lambda w: LONG @ np.sin(w), w)       # no seeds
    assert not chosen(lambda w: LONG @ w[::-1], w)
    assert not chosen(lambda w: LONG @ w, w, transform=dd.hessian)
    before = dd.set_lanes("never")
    try:
        assert not chosen(lambda w: LONG @ w, w)
    finally:
        dd.set_lanes(before)
