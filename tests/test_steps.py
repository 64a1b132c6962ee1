"""Gradients by intermediate seeds: equal to the dense ones, whatever the function mixes."""

import gc
import tracemalloc

import numpy as np
import pytest
from tolerances import assert_close

import dualdiff as dd
from dualdiff import grad, jacfwd, set_lanes, value_and_grad
from dualdiff._taylor import Taylor, is_laned, scatter_rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 40))
Y = RNG.normal(size=30)
RNG_DATA = RNG.normal(size=(40, 2_000)) / 40


def logistic(w):
    z = X @ w
    return np.mean(np.logaddexp(0, z) - Y * z) + 0.5 * np.sum(w**2)


def network(p):
    W1, b1, W2, b2 = p[:280].reshape(40, 7), p[280:287], p[287:294].reshape(7, 1), p[294]
    h = np.tanh(X @ W1 + b1)
    return np.mean(((h @ W2 + b2)[:, 0] - Y) ** 2)


def standardised(w):
    x = w - w.mean()
    return np.sum(x**3) / np.std(w)


def softmax(w):
    z = (X @ w).reshape(5, 6)
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return -np.sum(np.log((e / e.sum(axis=1, keepdims=True))[:, 2]))


def recurrent(w):
    A, h, s = w[:36].reshape(6, 6), np.zeros(6), 0.0
    for i in range(30):
        h = np.tanh(A @ h + w[4:10] * X[i, :6])
        s = s + np.sum((h - 0.1) ** 2)
    return s


def many_sums(w):
    """More sums than a number has local seeds."""
    z, s = X @ w, 0.0
    for i in range(90):
        s = s + np.sum(np.sin(z * (i / 90)))
    return s


def assigned(w):
    z = X @ w
    z[3] = w[2]
    z[5:9] = 1.0
    z *= 2
    u = z.copy()
    u[0] = z[1] * w[3]
    return np.sum(u * z) + z[4]


def products(w):
    return (X @ w) @ (X[:, ::-1] @ w) + np.dot(w, w) + np.linalg.norm(X @ w)


def picked(w):
    z = X @ w
    joined = np.concatenate([w[:2], z[:1]])
    return np.sum(z[[1, 1, 2]] * joined) + np.sum(np.where(z > 0, z, 0.1 * z)) + z[0] * w[1]


def extremes(w):
    z = (X @ w).reshape(6, 5)
    tied = np.concatenate([z, z], axis=1)
    return np.sum(np.max(z, axis=0) ** 2) + np.sum(np.min(tied, axis=1)) + np.max(z)


def dense_in_between(w):
    """Functions without a form for lanes: the gradient is evaluated once more, without steps."""
    z = X @ w
    return np.sum(np.cumsum(z) ** 2) + np.prod(z[:3]) + np.sum((z[:, None] - z[None, :]) ** 4)


def few_dense(w):
    z = X @ w
    return np.prod(np.outer(z[:3], z[:3]) + np.eye(3)) + np.sum(z * z.sum())


def nested(w):
    """An inner gradient whose function closes over numbers with intermediate seeds."""
    z = X @ w
    return np.sum(grad(lambda u: np.sum(np.sin(u * z[:30])))(np.linspace(0.1, 1.0, 30)) ** 2)


def written(w):
    """Elements of results of steps are written to, by constants and by results of steps."""
    z, u = X @ w, w * 2.0
    first = z[1:4]
    z[2] = 1.5
    total = np.sum(first * z[:3])
    v = (X @ (w + 1.0)).reshape(5, 6)
    v[1] += v[0] * z[3]
    v[2, ::2] = 0.0
    u[3] = z[5] * w[0]                  # a result of a step among inputs
    u[5:8] = v[1, :3]
    return total + np.sum(v**2) + np.sum(u**3)


def many_lanes(w):
    """Elements that depend on more seeds than are kept apart."""
    y = w * w[::-1] + np.roll(w, 1) * np.roll(w, 2) - np.roll(w, 3) * np.roll(w, 5)
    z = y + np.sin(y) * w
    return np.sum(z * z) + np.sum(z.reshape(5, 8).sum(axis=0) ** 3) + np.mean(z[3:9] * y[:6])


def spread(w):
    """Sums and means over every axis, kept or not, met by what they were made of."""
    z = np.outer(w[:6], w[6:10]).reshape(2, 3, 4) + w[10:14]
    s = np.sum((z - z.mean(axis=1, keepdims=True)) ** 3)
    s = s + np.sum(z.sum(axis=(0, 2)) ** 2) + np.sum((z * z).mean(axis=(0, 1)))
    s = s + np.sum(z.sum(axis=None, keepdims=True) * 0.01) + np.mean(z, keepdims=True)[0, 0, 0]
    return s + np.sum(np.sum(z.T, axis=1, keepdims=True) ** 2)


TAPS = np.cos(np.arange(9.0))
BINS = np.arange(40) // 8
FEW = np.where(np.arange(40) % 5 > 1, RNG.normal(size=(12, 40)), 0.0)


def linear_forms(w):
    few = pytest.importorskip("scipy.sparse").csr_array(FEW)
    s = np.sum(np.cumsum(w * w) ** 2) + np.sum(np.convolve(np.sin(w), TAPS, "same") ** 3)
    s = s + np.sum(np.add.reduceat(w * w, [0, 9, 20]) ** 2) + np.sum(np.tanh(np.sin(w) @ few.T))
    s = s + np.sum(np.cumsum(w.reshape(5, 8), 1) ** 3)
    return s + np.sum(np.correlate(TAPS, w * w, "full") ** 2)


def binned(w):
    return np.sum(np.bincount(BINS, np.sin(w) * w) ** 2)


def extremes_along(w):
    z = (X @ w).reshape(6, 5)
    top = np.max(z, axis=1, keepdims=True)
    flat = np.maximum(z, 0.0) * 1.0     # ties at 0
    return (np.sum(np.exp(z - top)) + np.sum(np.min(flat, axis=0) * w[:5])
            + np.sum(np.max(z.T, axis=0) ** 2) + np.sum(z.max(axis=-1) * top[:, 0]))


FUNCTIONS = [(logistic, 40), (written, 40), (many_lanes, 40), (spread, 40), (extremes_along, 40),
             (linear_forms, 40), (network, 295), (standardised, 60), (softmax, 40), (recurrent, 40),
             (many_sums, 40), (assigned, 40), (products, 40), (picked, 40), (extremes, 40),
             (dense_in_between, 40), (few_dense, 40), (nested, 40)]


def same(got, want):
    """Equal to rounding of the sums that the largest entry is made of."""
    assert_close(got, want, scale=10 * np.max(np.abs(want)))


def in_mode(mode, f, *args):
    before = set_lanes(mode)
    try:
        return f(*args)
    finally:
        set_lanes(before)


@pytest.mark.parametrize("dtype", ["d", "f", "g"])
@pytest.mark.parametrize("f, n", FUNCTIONS, ids=[f.__name__ for f, _ in FUNCTIONS])
def test_gradients_are_the_dense_ones(f, n, dtype):
    w = (0.5 * np.random.default_rng(1).normal(size=n)).astype(dtype)
    want = in_mode("never", grad(f), w)
    value, got = in_mode("always", value_and_grad(f), w)
    assert got.dtype == want.dtype
    same(got, want)
    assert value == f(w)


def test_several_arguments_and_containers():
    def loss(params, b):
        return np.sum(np.tanh(X @ params["w"] + b * params["c"]) ** 2)

    args = {"w": 0.1 * X[0], "c": Y}, 0.3
    want = in_mode("never", grad(loss, (0, 1)), *args)
    got = in_mode("always", grad(loss, (0, 1)), *args)
    same(got[0]["w"], want[0]["w"])
    same(got[0]["c"], want[0]["c"])
    same(got[1], want[1])


def test_jacobians_take_no_steps():
    def f(w):
        return np.tanh(X @ w)

    same(in_mode("always", jacfwd(f), X[0]), in_mode("never", jacfwd(f), X[0]))


NESTED = {
    "hvp": lambda f, w, v: dd.hvp(f, (w,), (v,)),
    "jvp of grad": lambda f, w, v: dd.jvp(grad(f), (w,), (v,))[1],
    "grad of a product": lambda f, w, v: grad(lambda w: np.sum(grad(f)(w) * v))(w),
    "third order": lambda f, w, v: grad(lambda w: dd.jvp(
        lambda u: dd.jvp(f, (u,), (v,))[1], (w,), (v,))[1])(w),
    "taylor coefficient": lambda f, w, v: grad(lambda w: dd.nth_derivative(
        lambda t: f(w + t * v), 3)(0.5))(w),
    "two directions": lambda f, w, v: grad(lambda w: dd.jvp(
        lambda u: dd.jvp(f, (u,), (v,))[1], (w,), (v[::-1].copy(),))[1])(w),
}


@pytest.mark.parametrize("call", NESTED)
@pytest.mark.parametrize("f, n", [*FUNCTIONS, (binned, 40)],
                         ids=[f.__name__ for f, _ in FUNCTIONS] + ["binned"])
def test_nested_calls_are_the_dense_ones(f, n, call):
    """What other calls add to a number goes through the steps with it."""
    rng = np.random.default_rng(7)
    w, v = 0.3 * rng.normal(size=n), rng.normal(size=n)
    got, want = (in_mode(mode, NESTED[call], f, w, v) for mode in ("always", "never"))
    assert_close(got, want, scale=100 * max(1.0, np.max(np.abs(want))))


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
@pytest.mark.parametrize("f, n", [
    (lambda w: np.sum((w - np.mean(w)) ** 3), 100_000),
    (lambda w: np.log(np.sum(np.exp(w - np.max(w)))), 100_000),
    (lambda w: np.mean(np.logaddexp(0.0, RNG_DATA[:, : len(w)] @ w)), 2_000),
    (lambda w: np.sum(np.tanh(np.concatenate([w[:1] * np.sum(w), w[1:] / np.sum(w * w)]))), 50_000),
], ids=["centred", "logsumexp", "linear", "joined"])
def test_products_with_hessians_cost_a_few_evaluations(f, n):
    """One evaluation, whatever the number of unknowns, and memory for no matrix."""
    x, v, calls = np.linspace(-1.0, 1.0, n), np.cos(np.arange(n)), []

    def counted(w):
        calls.append(1)
        return f(w)

    dd.hvp(f, (x[:50],), (v[:50],))
    tracemalloc.start()
    try:
        got = dd.hvp(counted, (x,), (v,))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(calls) == 1
    assert peak < 200 * 8 * n
    step = 1e-5
    slopes = (grad(f)(x + step * v) - grad(f)(x - step * v)) / (2 * step)
    np.testing.assert_allclose(got, slopes, rtol=1e-5, atol=1e-5 * np.max(np.abs(slopes)))


@pytest.mark.parametrize("rows", [30, 3000])
def test_a_factor_that_is_changed_later(rows):
    """A small factor is copied; a change of a large one is seen."""
    def f(w):
        B, s = np.zeros((rows, 40)), 0.0
        for i in range(3):
            B[:30] = X * (i + 1)
            s = s + np.sum(np.sin(B @ w))
        B[:] = np.nan
        return s

    w = 0.1 * X[1]
    same(in_mode("always", grad(f), w), in_mode("never", grad(f), w))


@pytest.mark.parametrize("change", [
    lambda B: B.__setitem__((slice(None), 3), 0.0),
    lambda B: B.__setitem__((700, 5), B[700, 5] + 1e-9),
    lambda B: B.__setitem__([0, 900], B[[900, 0]]),
    lambda B: B.sort(axis=0), lambda B: B.ravel()[::-1].sort(),
])
@pytest.mark.parametrize("order", ["C", "F", "S"])
def test_every_change_of_a_factor_is_seen(change, order):
    """Also one that keeps its sums, or meets only zeros in the product."""
    base = np.random.default_rng(4).normal(size=(1000, 40))
    w = np.zeros(40)
    w[0] = 0.3

    def f(w):
        B = base.copy(order) if order in "CF" else np.repeat(base, 2, 1)[:, ::2]
        s = np.sum(np.tanh(B @ w + 0.1))
        change(B)
        return s + np.sum(np.tanh(B @ w))

    same(in_mode("always", grad(f), w), in_mode("never", grad(f), w))


def test_numbers_that_outlive_their_call():
    """Their seeds are not those of the next call."""
    left, w = [], 0.1 * X[1]

    def f(w, keep):
        z = np.tanh(X @ w)
        left.extend([z, np.sum(z, keepdims=True)] if keep else [])
        return np.sum(z * z)

    want = in_mode("always", grad(f), w, False)
    for keep in (True, False, True, False):
        np.testing.assert_array_equal(in_mode("always", grad(f), w, keep), want)
    np.testing.assert_array_equal(left[0].value, np.tanh(X @ w))


def test_terms_that_are_changed_later():
    def f(w):
        z = X @ w
        s = np.sum(z)
        z *= 3.0
        t = np.sum(z * z)
        z[:] = 0.0
        return s + t + np.sum(z)

    w = 0.1 * X[1]
    same(in_mode("always", grad(f), w), in_mode("never", grad(f), w))


def test_strong_zero():
    def f(w):
        A = X.copy()
        A[0, 0] = np.inf
        z = A @ w
        return np.sum(np.where(np.isfinite(z), z, 0.0))

    w = X[0].copy()
    got = in_mode("always", grad(f), w)
    same(got, in_mode("never", grad(f), w))
    assert np.isfinite(got).all()


def test_zero_terms_beat_infinite_derivatives():
    T = np.zeros((2, 3))
    g = np.array([[np.inf, np.nan, 2.0], [1.0, np.inf, np.inf]])
    scatter_rows(T, np.array([0, 1, 1]), np.array([0.0, -0.0, 5.0]), g)
    np.testing.assert_array_equal(T, [[0, 10, 0], [0, np.inf, 0]])


def test_products_stay_sparse():
    seen = []

    def f(w):
        z = X @ w
        seen.append(z)
        return np.sum(z**2)

    in_mode("always", grad(f), X[0])
    assert type(seen[0]) is Taylor and is_laned(seen[0])


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
def test_cost_of_linear_models_is_that_of_the_function():
    """Bytes that a gradient in 2,000 unknowns takes: a few times the data, not 2,000 times."""

    A = np.random.default_rng(2).normal(size=(500, 2000))
    w = np.zeros(2000)

    def f(w):
        return np.sum(np.logaddexp(0.0, A @ w))

    grad(f)(w)
    tracemalloc.start()
    try:
        grad(f)(w)
        assert tracemalloc.get_traced_memory()[1] < A.nbytes
    finally:
        tracemalloc.stop()


MATRIX = np.random.default_rng(5).normal(size=(60, 40))
CALLS = {
    "steps": lambda x: dd.grad(lambda x: np.sum(np.tanh(MATRIX[:, : len(x)] @ x) ** 2))(x),
    "steps of several": lambda x: dd.grad(lambda x, y: np.sum(np.outer(x, y) @ y), (0, 1))(x, x),
    "lanes": lambda x: dd.grad(lambda x: np.sum(np.sin(x) ** 2))(x),
    "dense": lambda x: dd.jacfwd(lambda x: np.cumprod(x))(x),
    "hessian": lambda x: dd.hessian(lambda x: np.sum(x[1:] * x[:-1] ** 2))(x),
    "product": lambda x: dd.hvp(lambda x: np.sum(x**3), (x,), (x,)),
    "sparse": lambda x: dd.sparse_jacobian(lambda x: x * np.roll(x, 1), format="triplets")(x),
    "nested": lambda x: dd.grad(lambda x: dd.grad(lambda y: np.sum(x * y**2))(x)[0])(x),
}


@pytest.mark.parametrize("n", [5, 40])
@pytest.mark.parametrize("call", CALLS)
def test_a_call_leaves_nothing_behind(call, n):
    x = np.linspace(0.5, 1.5, n)

    def objects():
        gc.collect()
        return len(gc.get_objects())
    for _ in range(12):  # fills pools and caches
        CALLS[call](x)
    before = objects()
    for _ in range(40):
        CALLS[call](x)
    assert objects() - before < 20


ASSIGNED = {  # after a step has taken the terms down
    "a sum's operand": lambda z, x: (np.sum(z, axis=1), z),
    "a view of it": lambda z, x: (np.sum(z[1:], axis=1), z),
    "what it is a view of": lambda z, x: (np.sum(z.reshape(-1)[3:9].reshape(2, 3), axis=1), z),
    "a transposed one": lambda z, x: (np.sum(z.T, axis=0), z),
    "a broadcast one": lambda z, x: (np.sum(np.broadcast_to(z, (3, 4, 5)), axis=0), z),
    "a product's": lambda z, x: (z @ x[:5], z),
    "both of a product's": lambda z, x: (z @ z.T, z),
    "a seed": lambda z, x: (np.sum(x.reshape(4, 5), axis=1), x),
}


@pytest.mark.parametrize("name", ASSIGNED)
def test_terms_of_steps_stay_when_numbers_are_assigned_to(name):
    def f(x):
        z = np.sin(x).reshape(4, 5) * x[0]
        total, target = ASSIGNED[name](z, x)
        target.reshape(-1)[2:7] = 0.25
        target.reshape(-1)[5:10] = x[5:10] ** 2
        target[0] *= x[3]
        return np.sum(total**2) + np.sum(target**3)

    x = np.linspace(0.3, 1.4, 20)
    assert_close(in_mode("always", grad(f), x), in_mode("never", grad(f), x), scale=100.0)


def test_views_of_slices_stay_when_their_number_is_assigned_to():
    n = 300
    A = RNG.normal(size=(n // 2, n // 2))

    def f(x):
        y = x[::2] * 1.5
        v = y[3:]
        z = A @ y
        y[0] = 1.0
        return np.sum(v * v) + np.sum(z)

    x = np.linspace(1, 2, n)
    assert_close(in_mode("always", grad(f), x), in_mode("never", grad(f), x), scale=10.0)


def test_memory_grows_as_the_number_of_steps():
    """Sums of elements two by two: a few hundred bytes for each of them, not the square."""
    def peak(n):
        def f(x):
            v = [t * t for t in x]
            while len(v) > 1:
                v = [a + b for a, b in zip(v[::2], v[1::2], strict=False)] + v[len(v) & ~1:]
            return v[0]
        x = np.linspace(0.1, 0.9, n)
        tracemalloc.start()
        try:
            np.testing.assert_allclose(in_mode("always", grad(f), x), 2 * x)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    peak(1000)
    assert peak(8000) < 12 * peak(1000)
