"""Chunks of seeds: what they give, how often they run the function, what memory they take.

Oracle: the same in one evaluation; `test_chunk_bits` has many more functions.
"""

import subprocess
import sys
import tracemalloc
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import dualdiff as dd
from dualdiff.tree_util import tree_leaves

rng = np.random.default_rng(1)
N = 11
A = rng.normal(size=(N, N)) / 4
X, B = rng.normal(size=N) / 2, rng.normal(size=3)


def scalar(x):
    return np.sum(np.tanh(np.cumsum(np.sin(x)) * x[::-1]) ** 2) + x[0] / (1 + x[3] ** 2) * x[7]


def vector(x):
    return np.stack([scalar(x), np.prod(np.cos(x)), x[2] ** 3 * x[9]])


def tree(p, y):
    return {"s": scalar(p["x"]) * y, "v": p["x"] * p["b"][0] * y**2, "n": 3}


def point(x):
    return np.exp(x[..., 0] * x[..., 1]) * np.sin(x[..., 2])


class Adder:
    """A linear field, of a class: methods are pickled too."""

    def field(self, x):
        return A @ x + np.exp(x) * x[0]


P = ({"x": X, "b": B}, 1.25)
BATCH = rng.normal(size=(6, 3))

CASES = {
    "grad": lambda **kw: dd.grad(scalar, **kw)(X),
    "value_and_grad": lambda **kw: dd.value_and_grad(scalar, **kw)(X),
    "grad of a tree": lambda **kw: dd.grad(lambda_free, (0, 1), **kw)(*P),
    "jacfwd": lambda **kw: dd.jacfwd(vector, **kw)(X),
    "jacobian": lambda **kw: dd.jacobian(vector, **kw)(X),
    "jacrev": lambda **kw: dd.jacrev(vector, **kw)(X),
    "jacfwd of trees": lambda **kw: dd.jacfwd(tree, (0, 1), **kw)(*P),
    "value_and_jacfwd": lambda **kw: dd.value_and_jacfwd(vector, **kw)(X),
    "hessian": lambda **kw: dd.hessian(scalar, **kw)(X),
    "hessian of a vector": lambda **kw: dd.hessian(vector, **kw)(X),
    "hessian of trees": lambda **kw: dd.hessian(tree, (0, 1), **kw)(*P),
    "value_grad_and_hessian": lambda **kw: dd.value_grad_and_hessian(scalar, **kw)(X),
    "derivative_tensor": lambda **kw: dd.derivative_tensor(scalar, 3, **kw)(X),
    "hessian_diag": lambda **kw: dd.hessian_diag(scalar, **kw)(X),
    "laplacian": lambda **kw: dd.laplacian(scalar, **kw)(X),
    "divergence": lambda **kw: dd.divergence(Adder().field, **kw)(X),
    "curl": lambda **kw: dd.curl(rotor, **kw)(X[:3]),
    "hvp": lambda **kw: dd.hvp(scalar, (X,), (X[::-1].copy(),), **kw),
    "jvps": lambda **kw: dd.jvps(vector, (X,), (A,), **kw),
    "linearize": lambda **kw: dd.linearize(vector, X, **kw)[1](X),
    "taylor": lambda **kw: dd.taylor(scalar, X, 3, **kw).coefficients,
    "taylor of trees": lambda **kw: [p.coefficients for p in tree_leaves(
        dd.taylor(fields, X[:4], 4, **kw))],
    "batched grad": lambda **kw: dd.grad(point, batch_axes=0, **kw)(BATCH),
    "batched hessian": lambda **kw: dd.hessian(point, batch_axes=0, **kw)(BATCH),
}


def lambda_free(p, y):
    return scalar(p["x"]) * y * np.sum(p["b"] ** 2)


def fields(x):
    return {"a": np.exp(x[0] * x[1]) * x, "b": (np.sum(x) ** 3 / (2 + x[3]),)}


def rotor(x):
    return np.stack([x[1] * x[2], x[0] ** 2 * x[2], np.sin(x[0]) * x[1]])


def same(got, want):
    for a, b in zip(tree_leaves(got), tree_leaves(want), strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.asarray(a).dtype == np.asarray(b).dtype


@pytest.fixture(scope="module")
def pools():
    """Four threads, and two processes that inherit nothing: all is pickled."""
    with ThreadPoolExecutor(4) as threads, ProcessPoolExecutor(
            2, mp_context=get_context("forkserver")) as processes:
        yield threads, processes


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [1, 4, 5, N, 1000])
def test_chunks_are_equal_to_one_evaluation(name, size):
    same(CASES[name](chunk_size=size), CASES[name]())


@pytest.mark.parametrize("name", CASES)
def test_executors_are_equal_to_one_evaluation(name, pools):
    want = CASES[name]()
    for pool in pools:
        same(CASES[name](executor=pool), want)
        same(CASES[name](executor=pool, chunk_size=3), want)


def test_an_executor_of_another_kind():
    """Anything with submit: here one that runs a job when its result is wanted."""
    class Lazy:
        def submit(self, f, *args):
            self.count = getattr(self, "count", 0) + 1
            return type("Future", (), {"result": lambda _: f(*args), "cancel": lambda _: None})()

    lazy = Lazy()
    same(dd.hessian(scalar, executor=lazy, chunk_size=4)(X), dd.hessian(scalar)(X))
    assert lazy.count == 6


def test_errors_in_workers_reach_the_caller(pools):
    for pool in pools:
        with pytest.raises(TypeError, match="scalar result, got shape"):
            dd.grad(vector, executor=pool, chunk_size=4)(X)


# ---- counts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3])
def test_one_evaluation_for_each_multiset_of_blocks(order):
    calls = []

    def f(x):
        calls.append(1)
        return scalar(x)

    for size, blocks in ((None, 1), (N, 1), (6, 2), (4, 3), (3, 4)):
        calls.clear()
        dd.derivative_tensor(f, order, chunk_size=size)(X)
        assert len(calls) == [None, blocks, blocks * (blocks + 1) // 2,
                              blocks * (blocks + 1) * (blocks + 2) // 6][order]


def test_widest_numbers_of_chunks():
    """What a chunk of dense seeds carries: (1 + size)**order monomials at most."""
    widths = []

    def f(x):
        widths.append(x.algebra.M)
        return scalar(x)

    mode = dd.set_lanes("never")
    try:
        dd.hessian(f, chunk_size=4)(X)
        assert max(widths) <= 25 and len(widths) == 6
        widths.clear()
        dd.grad(f, chunk_size=4)(X)
        assert widths == [5, 5, 4]
    finally:
        dd.set_lanes(mode)


# ---- memory ---------------------------------------------------------------------------------

RUN = """
import sys
import numpy as np
import dualdiff as dd

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name)) * 1024

n, megabytes = int(sys.argv[3]), int(sys.argv[4])
rng = np.random.default_rng(0)
A, W = rng.normal(size=(n, n)) / np.sqrt(n), rng.normal(size=(10, n // 10))
functions = {
    "cumulative": lambda x: np.sum(np.tanh(np.cumsum(np.sin(x))) ** 2),
    "matrix": lambda x: np.sum(np.tanh(A[:len(x), :len(x)] @ x) ** 2),
    "quadratic": lambda x: x @ A[:len(x), :len(x)] @ x,
    "product": lambda x: np.prod(1 + x / n),
    "norm": lambda x: np.linalg.norm(np.cumsum(x)),
    "network": lambda x: np.sum(np.tanh(np.tanh(x.reshape(-1, 10) @ W) @ W.T) ** 2 @ x[:10]),
    "vector": lambda x: np.cumsum(np.tanh(A[:len(x), :len(x)] @ x)) ** 2,
}

def f(x):
    calls.append(1)
    return functions[sys.argv[2]](x)

calls = []
make = getattr(dd, sys.argv[1])
dd.set_lanes("never")  # with lanes a running sum is a step, and no number dense
make(f)(np.linspace(-1, 1, 30))
dd.clear_memory_pool()
dd.memory_budget(megabytes * 2**20)
calls.clear()
x = np.linspace(-1, 1, n)
with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")  # VmHWM from here on
before = memory("VmRSS")
y = make(f)(x)
print(memory("VmHWM") - before - y.nbytes, len(calls))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize("make, name, n, megabytes", [
    ("grad", "cumulative", 3000, 48), ("jacfwd", "vector", 1500, 16), ("jacfwd", "norm", 2000, 32),
    ("hessian", "cumulative", 180, 24), ("hessian", "cumulative", 300, 64),
    ("hessian", "matrix", 200, 16), ("hessian", "matrix", 200, 64),
    ("hessian", "quadratic", 200, 32), ("hessian", "product", 600, 16),
    ("hessian", "norm", 120, 32), ("hessian", "norm", 300, 128), ("hessian", "network", 200, 32)])
def test_peak_memory_stays_within_the_budget(make, name, n, megabytes):
    """As the kernel sees it, the results not counted; and the budget is made use of."""
    out = subprocess.run([sys.executable, "-P", "-c", RUN, make, name, str(n), str(megabytes)],
                         capture_output=True, text=True, check=True).stdout
    peak, calls = map(int, out.split())
    assert peak < megabytes * 2**20, (peak / 2**20, calls)
    assert calls > 2 and peak > 0.2 * megabytes * 2**20, (peak / 2**20, calls)


def test_chunk_size_bounds_memory():
    """By tracemalloc, which sees all of NumPy's arrays: proportional to the chunk."""
    n = 400
    x = np.linspace(-1, 1, n)
    f = lambda x: np.sum(np.tanh(np.cumsum(np.sin(x))) ** 2)  # noqa: E731
    peaks = []
    before = dd.set_lanes("never")
    try:
        for size in (10, 40, 160):
            tracemalloc.start(1)
            dd.grad(f, chunk_size=size)(x)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert peaks[-1] < 6 * (size + 1) * n * 8 + 200_000
    finally:
        dd.set_lanes(before)
    assert peaks[2] > 5 * peaks[0]


def test_a_number_that_would_be_too_large_is_cut_into_chunks():
    """The gradient of a function that mixes all of 3,000 inputs, within 8 MB."""
    n = 3000
    x = np.linspace(-1, 1, n)
    before = dd.memory_budget(8 * 2**20)
    try:
        got = dd.grad(lambda x: np.sum(np.cumsum(x) ** 2))(x)
        value, again = dd.value_and_grad(lambda x: np.sum(np.cumsum(x) ** 2))(x)
        inside = dd.jvp(dd.grad(lambda x: np.sum(np.cumsum(x) ** 2)), (x,), (x,))[1]
    finally:
        dd.memory_budget(before)
    want = 2 * np.cumsum(np.cumsum(x)[::-1])[::-1]
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-9)
    np.testing.assert_array_equal(again, got)
    np.testing.assert_allclose(inside, want, rtol=1e-11, atol=1e-9)
    assert value == np.sum(np.cumsum(x) ** 2)


@pytest.mark.lanes("auto", "always", reason="dense seeds are cut into chunks")
def test_results_may_be_larger_than_the_budget():
    """A sparse Jacobian is read in one evaluation, though it is large when dense."""
    calls = []

    def f(x):
        calls.append(1)
        return np.sin(x)

    x = np.linspace(0, 1, 600)
    before, mode = dd.memory_budget(2**20), dd.set_lanes("auto")
    try:
        j = dd.jacfwd(f)(x)
    finally:
        dd.memory_budget(before)
        dd.set_lanes(mode)
    np.testing.assert_array_equal(j, np.diag(np.cos(x)))
    assert len(calls) == 1


# ---- misuse -----------------------------------------------------------------------------------


@pytest.mark.parametrize("error, make, words", [
    (ValueError, lambda: dd.jacfwd(scalar, chunk_size=0), "chunk_size to be 1 or more, got 0"),
    (ValueError, lambda: dd.hessian(scalar, chunk_size=-2), "chunk_size to be 1 or more, got -2"),
    (TypeError, lambda: dd.grad(scalar, chunk_size=2.5), "chunk_size to be a positive int or"),
    (TypeError, lambda: dd.hessian(scalar, executor=4), "executor to be a concurrent.futures.Ex"),
    (TypeError, lambda: dd.linearize(scalar, X, chunk_size="4"), "linearize expected chunk_size"),
    (ValueError, lambda: dd.memory_budget(0), "memory_budget expected a positive number"),
    (TypeError, lambda: dd.memory_budget(1.5), "memory_budget expected a number of bytes"),
])
def test_messages(error, make, words):
    with pytest.raises(error, match=words):
        make()
