"""Chunks of seeds, threads and processes give the bits of one evaluation, with and without lanes.

Oracle: the same call without `chunk_size` and `executor`.  Products of matrices are left out:
BLAS rounds by width.
"""

import math
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from programs import programs, run

import dualdiff as dd
from dualdiff._chunks import equal_sizes, jobs_of
from dualdiff._jobs import blocks_of
from dualdiff.tree_util import tree_leaves

BLAS = frozenset({
    "matmul", "dot", "inner", "tensordot", "einsum", "outer", "kron", "convolve", "correlate",
    "vecdot", "cross", "solve", "lstsq", "inv", "pinv", "det", "slogdet", "cholesky", "eigvalsh",
    "qr", "svdvals", "matrix_power", "norm", "cov", "corrcoef", "cross moments", "average",
    "polyval of two", "interp", "rfft", "spectrum", "fft"})


def assigned(x):
    """Elements written over, so that numbers and their lanes change in place."""
    y = np.zeros_like(x)
    y[::2] = np.sin(x[::2])
    y[1::2] = x[1::2] * y[0]
    y[-1] += x[0] ** 2
    return np.sum(y * y)


def inner(x):
    """A derivative call inside, over other seeds."""
    return np.sum(dd.grad(lambda y: np.sum(y**3 * np.roll(x, 1)) * x[0])(x))


FUNCTIONS = {
    "separable": lambda x: np.sum(np.exp(0.3 * np.sin(x)) * x),
    "neighbours": lambda x: np.sum(np.exp(0.3 * x[1:] * x[:-1] - x[1:]) / (1 + x[:-1] ** 2)),
    "moved": lambda x: np.sum(np.diff(x) ** 3) + np.sum(np.roll(x, 2) * x[::-1]),
    "mean removed": lambda x: np.sum(np.tanh(x - np.mean(x)) ** 2),
    "softmax": lambda x: np.log(np.sum(np.exp(x - np.max(x)))),
    "normalised": lambda x: np.sum((x / np.sqrt(np.sum(x * x) + 1)) ** 3),
    "cumulative": lambda x: np.sum(np.tanh(np.cumsum(np.sin(x))) ** 2),
    "product": lambda x: np.prod(np.cos(x)),
    "elements": lambda x: (sum(np.sin(x[i]) * x[i - 1] for i in range(min(len(x), 8)))
                           + np.sum(x**2)),
    "dense and narrow": lambda x: np.sum(
        np.cos(x * np.stack([x[0], x[-1], np.sum(x)])[:, None])),
    "many local seeds": lambda x: np.sum(np.sin(sum(
        np.roll(x, i) * np.roll(x, 2 * i + 1) for i in range(9)))),
    "sorted": lambda x: np.sum(np.sort(x) * np.arange(len(x))) + np.median(x) * np.max(x),
    "moments": lambda x: np.std(x) * x[0] + np.var(x),
    "sum of all pairs": lambda x: np.sum(x[:, None] * np.sin(x[None, :])),
    "chosen": lambda x: np.sum(np.where(x > 0, x**2 * x[0], np.sin(x))),
    "assigned": assigned,
    "inner call": inner,
    "vector": lambda x: np.stack([np.sum(x**3), x[0] * np.sum(np.sin(x)), x[-1] * 1.0]),
    "element by element": lambda x: np.sin(x) * x[::-1] * np.sum(x),
    "columns": lambda x: (x[:, None] * x[None, :]).sum(axis=0) ** 2,
    "tree": lambda x: {"a": x**2, "b": (np.sum(x), 3.0), "n": 2},
}
EVALUATIONS = 60  # of one case


class Named:
    """A function of the table that can be pickled."""

    def __init__(self, name):
        self.name = name

    def __call__(self, x):
        return FUNCTIONS[self.name](x)


def same(got, want):
    for a, b in zip(tree_leaves(got), tree_leaves(want), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


def transforms(f, x, order):
    """The transforms that give derivatives of this order, as functions of their keywords."""
    out = [lambda **kw: dd.derivative_tensor(f, order, **kw)(x)]
    scalar = np.ndim(value := f(x)) == 0 and not isinstance(value, dict)
    if order == 1:
        out.append(lambda **kw: dd.value_and_jacfwd(f, **kw)(x))
        if scalar:  # with intermediate seeds
            out += [lambda **kw: dd.grad(f, **kw)(x), lambda **kw: dd.value_and_grad(f, **kw)(x)]
    if order == 2 and scalar:
        out += [lambda **kw: dd.value_grad_and_hessian(f, **kw)(x),
                lambda **kw: dd.hvp(f, (x,), (x[::-1].copy(),), **kw)]
    return out


def sizes(n, order):
    """Chunk sizes that do not take too many evaluations."""
    out = sorted({1, 2, 7, max(n - 1, 1)})
    return [s for s in out
            if math.comb(-(-n // s) + order - 1, order) <= EVALUATIONS]


@contextmanager
def lanes(mode):
    """A way to represent seeds."""
    before = dd.set_lanes(mode)
    try:
        yield
    finally:
        dd.set_lanes(before)


@pytest.fixture(scope="module")
def pools():
    """Threads, and processes that inherit nothing: all is pickled."""
    with ThreadPoolExecutor(3) as threads, ProcessPoolExecutor(
            2, mp_context=get_context("forkserver")) as processes:
        yield threads, processes


@pytest.mark.parametrize("mode, n, order", [
    *[("always", n, order) for n, order in ((2, 1), (3, 3), (7, 1), (7, 2))],
    *[("auto", n, order) for n, order in ((7, 3), (16, 2), (16, 3), (24, 1), (33, 2), (101, 1))],
    *[("never", n, order) for n, order in ((17, 2), (60, 1))]])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_chunks(mode, name, n, order):
    x = np.random.default_rng(n).uniform(-1, 1, n)
    with lanes(mode):
        for transform in transforms(FUNCTIONS[name], x, order):
            want = transform()
            for size in sizes(n, order):
                same(transform(chunk_size=size), want)


@pytest.mark.parametrize("n", [1, 40])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_executors(name, n, pools):
    x = np.random.default_rng(n).uniform(-1, 1, n)
    for order in (1, 2):
        for transform in transforms(Named(name), x, order):
            want = transform()
            for pool in pools:
                same(transform(executor=pool), want)
                same(transform(executor=pool, chunk_size=-(-n // 3)), want)


@settings(max_examples=100, deadline=None)
@given(programs(leave_out=BLAS), st.sampled_from([9, 24, 41]), st.integers(1, 3),
       st.sampled_from(["auto", "always"]), st.data())
def test_random_programs(program, n, order, mode, data):
    """A program's input depends on some of n variables, its results on n - 1 and n too."""
    start, direction, steps = program

    def f(z):
        a = start + direction * np.sin(z[:start.size].reshape(start.shape) * z[-1])
        return run(np, steps, a) * np.sum(z * z)

    n = min(n, 24) if order == 3 else n
    z = np.random.default_rng(n).uniform(-1, 1, n)
    size = data.draw(st.sampled_from(sizes(n, order)))
    with lanes(mode), np.errstate(all="ignore"):
        for transform in transforms(f, z, order):
            same(transform(chunk_size=size), transform())


def test_infinite_slopes_of_other_chunks():
    """Of seeds that nobody reads, slopes inf and -inf may meet: that decides nothing."""
    x = np.concatenate([np.zeros(30), np.linspace(-1, 1, 30)])
    sign = np.where(np.arange(30) % 2, 1.0, -1.0)
    f = lambda x: np.sum(np.cbrt(x[:30]) * sign) + np.sum((x - np.mean(x)) ** 2)  # noqa: E731
    want = dd.grad(f)(x)
    assert np.isinf(want[:30]).all() and np.isfinite(want[30:]).all()
    for size in (1, 7, 20, 59):
        same(dd.grad(f, chunk_size=size)(x), want)


@pytest.mark.parametrize("order", [1, 2])
def test_what_is_too_large_with_lanes(order):
    """The evaluation starts again without lanes; chunks do as well, at any size."""
    n = 300 if order == 1 else 60
    x = np.linspace(-1, 1, n)
    f = lambda x: np.sum(np.cumsum(x - np.mean(x)) ** 2 * np.cumsum(np.sin(x)))  # noqa: E731
    make = dd.grad if order == 1 else dd.hessian
    before = dd.memory_budget(2**20)
    try:
        want = make(f)(x)
        for size in (7, 50, n - 1):
            same(make(f, chunk_size=size)(x), want)
    finally:
        dd.memory_budget(before)


def test_steps_that_stop_at_the_end():
    """Elimination gives NaN only where the result is read: evaluated again, by each path."""
    a = np.random.default_rng(0).normal(size=(30, 30))
    x = np.random.default_rng(1).normal(size=30)

    def f(x, y):
        z = a @ x
        z = z - z[0] * 1.0
        return y * np.sum(np.sqrt(np.sum(z * z) - np.sum(z * z) + 0 * x))

    want = dd.grad(f)(x, 2.0)
    same(want, np.zeros(30))
    same(dd.grad(f, (0,))(x, 2.0), (want,))
    same(dd.value_and_grad(f, (0, 1))(x, 2.0), (0.0, (want, 0.0)))
    same(dd.grad(f, chunk_size=7)(x, 2.0), want)


def settings_seen(x):
    """A function that shows the settings under which it runs."""
    mode = dd.set_lanes("auto")
    dd.set_lanes(mode)
    return x * dd.memory_budget() * (2.0 if mode == "never" else 1.0)


def test_settings_travel_to_processes(pools):
    x = np.linspace(0, 1, 30)
    budget = dd.memory_budget(12345)
    try:
        with lanes("never"):
            want = dd.jacfwd(settings_seen)(x)
            same(want, np.eye(30) * 2 * 12345)
            same(dd.jacfwd(settings_seen, executor=pools[1])(x), want)
    finally:
        dd.memory_budget(budget)


def test_evaluations_with_lanes():
    """As many as without: one for each multiset of blocks."""
    calls = []

    def f(x):
        calls.append(len(x))
        return np.sum(x[1:] ** 3 * x[:-1])

    for order, size in ((1, 9), (2, 9), (3, 16)):
        calls.clear()
        with lanes("auto"):
            dd.derivative_tensor(f, order, chunk_size=size)(np.linspace(0, 1, 40))
        assert len(calls) == len(jobs_of(blocks_of(equal_sizes(40, size)), order))


def test_chunks_of_dense_numbers_are_narrow():
    """With lanes, what becomes dense carries the seeds of the chunk and one more."""
    widths = []

    def f(x):
        y = np.sum(np.sin(x) * x[::-1])
        widths.append(y.algebra.M)
        return y

    with lanes("auto"):
        dd.jacfwd(f, chunk_size=10)(np.linspace(0, 1, 40))
        assert widths == [12] * 4
        widths.clear()
        dd.jacfwd(f)(np.linspace(0, 1, 40))
        assert widths == [41]
