"""Hessians by columns: where one number over all pairs of seeds would be too large."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from test_steps import FUNCTIONS, in_mode
from tolerances import assert_close

import dualdiff as dd
from dualdiff import _columns
from dualdiff._taylor import dense_limit, set_dense_limit


@pytest.fixture
def counted(monkeypatch):
    """Arrays over pairs of seeds are too large; gives the list of columns evaluated."""
    done, before = [], set_dense_limit(6_000)
    column = _columns.column
    monkeypatch.setattr(_columns, "column", lambda task, j, lead: done.append(j) or column(
        task, j, lead))
    mode = dd.set_lanes("always")
    yield done
    dd.set_lanes(mode)
    set_dense_limit(before)


def dense(call):
    """The same without lanes, within the usual limit."""
    limit = set_dense_limit(1 << 25)
    try:
        return in_mode("never", call)
    finally:
        set_dense_limit(limit)


@pytest.mark.parametrize("f, n", FUNCTIONS, ids=[f.__name__ for f, _ in FUNCTIONS])
def test_hessians_are_the_dense_ones(f, n, counted):
    w = 0.3 * np.random.default_rng(1).normal(size=n)
    got = dd.hessian(f)(w)
    want = dense(lambda: dd.hessian(f)(w))
    assert_close(got, want, scale=100 * max(1.0, np.max(np.abs(want))))
    np.testing.assert_array_equal(got, got.T)
    if f.__name__ in ("logistic", "network", "softmax", "recurrent"):
        assert counted == list(range(n))


def tree(p, q):
    z = np.cos(np.outer(np.arange(7.0), np.arange(40.0))) @ p["a"]
    y = np.sum(np.tanh(z) * q[0]) ** 2 + np.sum(p["b"] ** 2 * np.sum(q[1]))
    return y, {"z": z, "y": y}


P = {"a": np.linspace(-0.1, 0.1, 40), "b": np.array([[0.3, 0.7], [0.1, -0.4]])}
Q = [0.8, np.linspace(0.0, 1.0, 5)]


@pytest.mark.parametrize("chunk_size", [1, 4, 100])
@pytest.mark.parametrize("threads", [False, True])
def test_chunks_of_columns_give_the_same_bits(chunk_size, threads, counted):
    call = dict(argnums=(0, 1), has_aux=True)
    whole, aux = dd.hessian(tree, **call)(P, Q)
    assert counted == list(range(50))
    with ThreadPoolExecutor(2) as pool:
        cut, _ = dd.hessian(tree, **call, chunk_size=chunk_size,
                            executor=pool if threads else None)(P, Q)
    assert sorted(counted) == sorted(2 * list(range(50)))
    for a, b in zip(dd.tree_util.tree_leaves(whole), dd.tree_util.tree_leaves(cut), strict=True):
        np.testing.assert_array_equal(a, b)
    want, _ = dense(lambda: dd.hessian(tree, **call)(P, Q))
    for a, b in zip(dd.tree_util.tree_leaves(whole), dd.tree_util.tree_leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(aux["z"], tree(P, Q)[1]["z"])
    assert type(aux["y"]) is np.float64


def test_value_gradient_and_hessian(counted):
    f, w = FUNCTIONS[0][0], np.linspace(-0.4, 0.5, 40)
    value, slope, matrix = dd.value_grad_and_hessian(f)(w)
    assert len(counted) == 40
    assert value == f(w)
    np.testing.assert_allclose(slope, dense(lambda: dd.grad(f)(w)), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(matrix, dense(lambda: dd.hessian(f)(w)), rtol=1e-10, atol=1e-14)


def test_what_has_no_columns_goes_another_way(counted):
    """Vectors as results, integers, constants, functions that mix without a step."""
    w, A = np.linspace(-0.4, 0.5, 20), np.cos(np.arange(60.0)).reshape(3, 20)
    for f in (lambda w: np.tanh(A @ w), lambda w: np.prod(np.sin(A @ w)) * np.sum(A @ w),
              lambda w: 2.0, lambda w: np.sum(A @ w.value)):
        np.testing.assert_allclose(dd.hessian(f)(w), dense(lambda f=f: dd.hessian(f)(w)),
                                   rtol=1e-11, atol=1e-14)


def test_within_other_calls(counted):
    """The derivative of a Hessian along a direction, by a call around it."""
    f, w = FUNCTIONS[0][0], np.linspace(-0.4, 0.5, 40)
    v = np.cos(np.arange(40.0))
    got = dd.jvp(dd.hessian(f), (w,), (v,))[1]
    want = dense(lambda: dd.jvp(dd.hessian(f), (w,), (v,))[1])
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-13)


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
def test_a_large_one_needs_no_large_numbers():
    """400 unknowns: 80,200 second derivatives of each of 3,000 elements would be 2 GB."""
    import tracemalloc

    A, w = np.random.default_rng(0).normal(size=(3_000, 400)) / 20, np.linspace(-1.0, 1.0, 400)
    assert dense_limit() < A.shape[0] * 400**2 * 4
    tracemalloc.start()
    try:
        H = dd.hessian(lambda w: np.mean(np.logaddexp(0.0, A @ w)))(w)
        assert tracemalloc.get_traced_memory()[1] < 10 * A.nbytes
    finally:
        tracemalloc.stop()
    p = 1 / (1 + np.exp(-A @ w))
    np.testing.assert_allclose(H, (A.T * (p * (1 - p))) @ A / len(A), rtol=1e-9, atol=1e-12)
