"""Lanes, the sparse representation of seeds: random programs give what dense seeds give.

A program is a list of steps on a pool of vectors.  It is run once with lanes and once
without; value and all coefficients of its results, up to order 3, must agree, and where
the program assigns, what it assigned to must agree too.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from tolerances import assert_close

from dualdiff import grad, hessian, numpy as dnp
from dualdiff._algebra import unite
from dualdiff._seeding import Call, set_lanes
from dualdiff._taylor import Taylor, make

N = 6  # elements of a vector
INDICES = [slice(None, None, -1), np.arange(N)[::-1].copy(), np.array([0, 0, 1, 5, 5, 2]),
           [1, 2, 3, 4, 5, 0]]
HALVES = [slice(0, 3), slice(3, 6), slice(0, 6, 2), slice(5, None, -2), [4, 1, 1], [0, -1, 2]]


def assign(x, at, y, scale):
    x = x * 1.0  # a new one: results of earlier steps stay
    x[at] = y[:3] * scale
    return x


def in_place(x, at, y):
    x = x.copy()
    v = x[at] if isinstance(at, slice) else x
    v *= y[:3] if isinstance(at, slice) else y
    return x


def masked(x, y):
    x = x.copy()
    x[x > 0.1] = y[x > 0.1] * 2.0
    return x


def put(x, y, k):
    x = np.copy(x)
    np.put(x, [k, 5 - k], y[:2])
    np.copyto(x, y * 0.5, where=np.arange(N) % 3 == k % 3)
    np.add.at(x, [1, 1, k], y[3:])
    return x


MATRIX = np.cos(np.arange(N * N)).reshape(N, N)
BAND = np.eye(N) - 0.5 * np.eye(N, k=1)
STEPS = {
    "sin": lambda a, b, k: np.sin(a),
    "exp": lambda a, b, k: np.exp(-a * a),
    "tanh": lambda a, b, k: np.tanh(a) + 0.5,
    "power": lambda a, b, k: (1.5 + np.sin(a)) ** (k - 2),
    "add": lambda a, b, k: a + b,
    "subtract": lambda a, b, k: 2.0 - a - b,
    "multiply": lambda a, b, k: a * b,
    "divide": lambda a, b, k: a / (2.5 + np.cos(b)),
    "constant": lambda a, b, k: a * np.linspace(-1, 1, N) + k,
    "index": lambda a, b, k: a[INDICES[k % 4]],
    "element": lambda a, b, k: a * b[k % N],
    "column": lambda a, b, k: (a[:, None] * b[None, :])[:, k % N],
    "matrix": lambda a, b, k: (a[:, None] + b[None, :])[k % N, ::-1],
    "assign": lambda a, b, k: assign(a, HALVES[k % 6], b, 0.5),
    "fill": lambda a, b, k: assign(a, HALVES[k % 6], np.ones(N), 0.25),
    "in place": lambda a, b, k: in_place(a, HALVES[k % 6], b),
    "mask": lambda a, b, k: masked(a, b),
    "sum": lambda a, b, k: a + np.sum(b) / N,
    "dot": lambda a, b, k: np.sum(a * b) * np.cos(b),
    "matmul": lambda a, b, k: np.cos(np.arange(N * N).reshape(N, N)) @ a * 0.3,
    "reshape": lambda a, b, k: a.reshape(2, 3).T.reshape(-1),
    "shift": lambda a, b, k: np.concatenate([a[1:], b[:1]]),
    "neighbours": lambda a, b, k: np.concatenate([a[:1], a[1:] - a[:-1]]),
    "convolve": lambda a, b, k: np.convolve(a, [0.5, -1.0, 0.25], "same") + b,
    "correlate": lambda a, b, k: np.correlate([0.5, -1.0], a * b, "full")[:N],
    "running sums": lambda a, b, k: np.cumsum(a.reshape(3, 2), axis=k % 2).ravel() * b,
    "pairs": lambda a, b, k: np.repeat(np.sum((a * b).reshape(3, 2), axis=1), 2),
    "columns": lambda a, b, k: np.add.reduce(np.stack([a, b, a * b])),
    "spread": lambda a, b, k: np.sum(a[:, None] * np.cos(np.arange(4.0) * b[k % N]), axis=1),
    "einsum": lambda a, b, k: np.einsum("ij,jk->ki", a.reshape(3, 2), MATRIX[:2, :2]).ravel(),
    "rows": lambda a, b, k: np.einsum("ij,ij->i", a.reshape(N, 1), b.reshape(N, 1)),
    "banded": lambda a, b, k: BAND @ a + a @ BAND * 0.5 - b,
    "outer": lambda a, b, k: np.outer(a, b[:2]).ravel()[k:k + N],
    "norms": lambda a, b, k: np.tile(np.linalg.norm(np.stack([a, 2.0 + b]).reshape(4, 3), axis=1),
                                     2)[:N],
    "variance": lambda a, b, k: a + np.repeat(np.var(b.reshape(2, 3), axis=1), 3),
    "largest": lambda a, b, k: np.max(np.stack([a, b, b * 0.5]), axis=0),
    "clip": lambda a, b, k: np.clip(a, -0.35, b + 2.0),
    "choose": lambda a, b, k: np.select([a > 0.15, a > -0.55], [a, b], a * b),
    "order": lambda a, b, k: np.partition(a, k)[::-1] + np.sort(b.reshape(2, 3), axis=1).ravel(),
    "slopes": lambda a, b, k: np.gradient(a, 0.5) * b,
    "put": lambda a, b, k: put(a, b, k),
    "joined": lambda a, b, k: np.insert(np.append(a, b[k]), k, b[:2])[3 - k % 4:][:N],
    "interp": lambda a, b, k: np.interp(0.4 * np.tanh(a), [-0.7, -0.05, 0.6], b[:3]),
    "loop": lambda a, b, k: np.stack([a[i] * b[(i + k) % N] for i in range(N)]),
}
programs = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 9),
                              st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=7)


def run(program, x):
    """All results of a program."""
    pool, plain = [x], np.linspace(0.3, 1.2, N)
    for name, i, j, k in program:
        b = plain if j == 9 else pool[-1 - j % len(pool)]
        pool.append(STEPS[name](pool[-1 - i % len(pool)], b, k))
    return pool


def coefficients(program, x, order, mode):
    """Value and coefficients of all results, with lanes or without."""
    before = set_lanes(mode)
    try:
        with Call(N, order, lanes=None) as call:
            assert call.laned == (mode == "always")
            m = math.comb(N + order, order)
            results = run(program, call.seed(x))
            return [(np.asarray(call.value(y)), np.asarray(call.coefficients(y, np.arange(1, m))))
                    for y in results]
    finally:
        set_lanes(before)


@pytest.mark.parametrize("order", [1, 2, 3])
@given(programs)
@settings(max_examples=60, deadline=None)
def test_random_programs(order, program):
    x = np.array([0.3, -0.4, 0.9, 0.1, -0.7, 0.5])
    old = x.copy()
    dense = coefficients(program, x, order, "never")
    sparse = coefficients(program, x, order, "always")
    for (value, terms), (want_value, want) in zip(sparse, dense, strict=True):
        np.testing.assert_array_equal(value, want_value)
        scale = max(1.0, np.abs(want).max(initial=0.0))
        assert_close(terms, want, order=2 * order + 2, scale=scale)
    np.testing.assert_array_equal(x, old)


@given(programs, programs)
@settings(max_examples=30, deadline=None)
def test_nested_calls(inner, outer):
    """A derivative of a derivative, with lanes in either, both, or none."""

    def f(x):
        y = run(outer, x)[-1]
        return np.sum(grad(lambda z: np.sum(run(inner, z * 0.5)[-1] * y))(y) * x)

    x = np.array([0.3, -0.4, 0.9, 0.1, -0.7, 0.5])
    got = {}
    for mode in ("never", "always"):
        before = set_lanes(mode)
        try:
            got[mode] = grad(f)(x)
        finally:
            set_lanes(before)
    assert_close(got["always"], got["never"], order=8,
                 scale=max(1.0, np.abs(got["never"]).max()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
def test_dtypes_are_kept(dtype):
    x = np.linspace(0.1, 0.6, N).astype(dtype)
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            with Call(N, 2, lanes=None) as call:
                for y in run([("sin", 0, 0, 0), ("multiply", 0, 1, 0), ("neighbours", 0, 0, 0)],
                             call.seed(x)):
                    assert np.asarray(call.value(y)).dtype in (dtype, np.float64)
                assert y.dtype == dtype and call.gradient(y).dtype == dtype
        finally:
            set_lanes(before)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("join", [lambda a, b: a + b, lambda a, b: a * b, np.hypot, np.logaddexp])
def test_a_lane_that_stands_twice(order, join):
    """Rows of sums of columns and rows have one lane twice; none of its terms is lost."""
    x = np.array([0.3, -0.4, 0.9, 0.1, -0.7, 0.5])
    got = {}
    for lanes in (True, False):
        with Call(N, order, lanes) as call:
            y = call.seed(x)
            once = (y[:, None] + y[None, :])[0, ::-1]
            twice = (y[:, None] + np.sin(once)[None, :])[0, ::-1]
            got[lanes] = [call.coefficients(z, np.arange(1, math.comb(N + order, order)))
                          for z in (join(once, twice), join(twice, once))]
    for a, b in zip(got[True], got[False], strict=True):
        assert_close(a, b, order=order + 2, scale=max(1.0, np.abs(b).max()))


def test_results_share_lanes_until_one_is_assigned_to():
    x = np.linspace(0.1, 0.6, N)

    def f(x):
        a = x * 1.0
        a[:2] = x[3:5]
        b = a * 2.0
        b[:2] = x[1:3] * x[:2]
        return np.sum(a * b)

    got = {}
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            got[mode] = grad(f)(x)
        finally:
            set_lanes(before)
    assert_close(got["always"], got["never"])


def test_the_representation_does_not_show():
    """Shape, repr and terms are those of the dense number."""
    x = np.linspace(0.1, 0.6, N)
    seen = {}
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            with Call(N, 2, lanes=None) as call:
                y = np.sin(call.seed(x)) * 2.0
                assert type(y) is Taylor
                seen[mode] = (y.shape, y.dtype, y.terms, y[2].terms, repr(y), str(y[2]))
        finally:
            set_lanes(before)
    a, b = seen["always"], seen["never"]
    assert a[:2] == b[:2] and a[4:] == b[4:]
    for got, want in zip(a[2:4], b[2:4], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-15)


def test_lanes_meet_numbers_without_them():
    """A number with lanes, one over other seeds, and a plain array, in one expression."""
    x = np.linspace(0.1, 0.6, N)
    got = {}
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            with Call(N, 1, lanes=None) as call, Call(2, 2) as other:
                y = call.seed(x)
                z = make(other.algebra, x, np.arange(5.0 * N).reshape(5, N) / 30)
                w = np.exp(y * z) + z[::-1] * y - x
                w[1:3] = y[:2]
                w[4] = z[0]
                u, at, _ = unite(w.algebra, w.algebra)
                got[mode] = np.asarray(w.value), call.coefficients(w, np.arange(1, N + 1)).terms
        finally:
            set_lanes(before)
    for a, b in zip(got["always"], got["never"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-15)


def test_functions_of_a_sum_that_is_not_added_up_yet():
    """Of so many seeds a sum of second order stays in pieces until its sum is needed."""
    x = np.linspace(0.1, 1.0, 640)
    p = np.exp(x) / np.sum(np.exp(x))
    got = hessian(lambda x: -np.log(np.sum(np.exp(x))))(x)
    assert_close(got, np.outer(p, p) - np.diag(p), order=2, scale=p.max())
    got = hessian(lambda x: 1.0 - -np.sum(x**3) / 2.0)(x)
    assert_close(got, np.diag(3.0 * x), order=2, scale=3.0)


@pytest.mark.parametrize("element", [
    lambda x: x[np.array(2)], lambda x: np.take(x, 2), lambda x: np.squeeze(x[2:3]),
    lambda x: np.where(True, x[2], x[3]), lambda x: np.reshape(x[2:3], ())],
    ids=["index", "take", "squeeze", "where", "reshape"])
def test_numbers_without_dimensions(element):
    """Their terms and lanes are arrays too, in sums and in products."""
    x = np.linspace(0.1, 0.6, N)
    unit = np.eye(N)[2]
    before = set_lanes("always")
    try:
        np.testing.assert_array_equal(grad(lambda x: np.sum(element(x)))(x), unit)
        np.testing.assert_array_equal(hessian(lambda x: np.sum(element(x) * element(x)))(x),
                                      2.0 * np.outer(unit, unit))
        assert grad(lambda t: np.sum(t * t))(np.array(0.4)) == 0.8
    finally:
        set_lanes(before)


def written_through_views(rng, x, a):
    """The array a after writes through random views of it, of numbers and constants."""
    views = [a]
    for _ in range(14):
        a = views[rng.integers(len(views))]
        cut = rng.integers(8)
        if cut == 0 and a.ndim > 1:
            a = a[rng.integers(len(a))]
        elif cut == 1:
            a = a.T
        elif cut == 2:
            a = a[::rng.choice([-1, 2])]
        elif cut == 3 and a.ndim < 4:
            a = a[None]
        views.append(a)
        b = next(v for v in views if v.shape == a.shape)
        at = rng.integers(len(a))
        kind = rng.integers(7)
        if kind == 0:
            a[at] = a[at] * x[0] + x[1]
        elif kind == 1:
            a[at] = 0.5
        elif kind == 2:
            a[...] = a[::-1] * 0.5 + x[2]
        elif kind == 3:
            a *= x[3]
        elif kind == 4:
            a[...] = b * 1.0
        elif kind == 5:
            a[at] = np.sin(b[at])
        else:
            a[[at]] += b[[at]]
    return views[0]


@pytest.mark.parametrize("seed", range(40))
def test_views_follow_writes(seed):
    """A view whose array got lanes through another view, or lost them, sees that first."""
    x = np.array([0.3, 0.5, 0.7, -0.2])

    def f(x):
        a = dnp.zeros((3, 4))
        return np.sum(written_through_views(np.random.default_rng(seed), x, a) ** 2)

    got = {}
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            got[mode] = f(x), grad(f)(x), hessian(f)(x)
        finally:
            set_lanes(before)
    for a, b in zip(got["always"], got["never"], strict=True):
        assert_close(a, b, order=6, scale=max(1.0, np.abs(b).max()))
