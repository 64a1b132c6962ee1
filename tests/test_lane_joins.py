"""Results of sparse calls that are joined of parts: their rows, whatever happens to the parts.

The oracle is the same call with dense seeds.  `waits`: whether operations of any size wait.
"""

import tracemalloc
import warnings

import numpy as np
import pytest
from tolerances import assert_close

import dualdiff
from dualdiff import set_lanes, sparse_jacobian
from dualdiff._seeding import Call
from dualdiff._taylor import laned_parts, set_later_bytes

N = 24
X = np.random.default_rng(3).uniform(0.5, 1.5, N)


@pytest.fixture(params=[1, 2**62], ids=["waits", "at once"], autouse=True)
def waits(request):
    before = set_later_bytes(request.param)
    yield request.param == 1
    set_later_bytes(before)


def triplets(f, x, method="lanes", **options):
    return sparse_jacobian(f, format="triplets", method=method, **options)(x)


def matrix(found, shape):
    data, rows, cols = found
    out = np.zeros(shape, data.dtype)
    out[rows, cols] = data
    return out


def check(f, x=X, **options):
    """By lanes, and by dense seeds; gives the entries by lanes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        m = np.size(f(x))
    found = triplets(f, x, **options)
    assert np.all(np.diff(found[1] * x.size + found[2]) > 0), "sorted, no position twice"
    before = set_lanes("never")
    try:
        want = dualdiff.jacfwd(f)(x)
    finally:
        set_lanes(before)
    got = matrix(found, (m, x.size))
    assert got.dtype == want.dtype
    assert_close(got, want.reshape(m, x.size))
    return found


def ring(x):
    u, v = x[: x.size // 2], x[x.size // 2 :]
    w = u * u * v
    return (w + np.roll(u, 1) - 2 * u + np.roll(u, -1), np.sin(v) - w + np.roll(v, -2))


def plane(x):
    u, v = x.reshape((2, -1, 3))
    return (u * v + np.roll(u, 1, axis=0) * np.roll(u, -1, axis=1),
            np.roll(v, 1, 0) + np.roll(u, 2, 1) ** 2)


JOINS = {
    "concatenate": lambda x: np.concatenate(ring(x)),
    "hstack": lambda x: np.hstack(ring(x)),
    "append": lambda x: np.append(*ring(x)),
    "stack": lambda x: np.stack(ring(x)),
    "stack, flat": lambda x: np.stack(ring(x)).reshape(-1),
    "stack, ravel": lambda x: np.stack(ring(x)).ravel(),
    "stack, flatten": lambda x: np.stack(ring(x)).flatten(),
    "np.ravel": lambda x: np.ravel(np.stack(ring(x))),
    "stack of planes": lambda x: np.stack(plane(x)).reshape(-1),
    "ravelled parts": lambda x: np.concatenate([p.ravel() for p in plane(x)]),
    "ravelled parts and others": lambda x: np.hstack(
        [np.ravel(plane(x)[0]), x[:3] ** 2, np.ones(2), plane(x)[1].reshape(-1), x[5] * x[6:8]]),
    "ravelled parts, looked at": lambda x: (lambda y: y * y[::-1])(
        np.concatenate([x[::3], *[np.ravel(p) for p in plane(x)], np.ones(4)[::2]])),
    "one ravelled part": lambda x: plane(x)[0].ravel(),
    "twice": lambda x: np.stack(plane(x)).reshape((3, -1)).reshape(-1),
    "other axis": lambda x: np.stack(ring(x), axis=1).reshape(-1),
    "planes by columns": lambda x: np.concatenate(plane(x), axis=1),
    "front of one": lambda x: np.concatenate([p[None] for p in ring(x)], axis=1),
    "arrays": lambda x: np.concatenate([np.ones(3), x[:4] ** 2, np.zeros(2), np.exp(x[2:])]),
    "one part": lambda x: np.concatenate([x[::2] * x[1::2]]),
    "the same part": lambda x: (lambda y: np.concatenate([y, y[:5], y]))(np.cos(x) * x[::-1]),
    "parts of parts": lambda x: np.concatenate([np.concatenate(ring(x)), x[:3]]),
    "rows with fewer": lambda x: np.concatenate([x[:6] * x[3:9], np.pad(x * x[0], 2)]),
    "no dimensions": lambda x: np.stack([x[0] * x[1], x[2]]),
    "no parts with elements": lambda x: np.concatenate([x[:0], x[:2] * 3, x[:0]]),
    "looked at": lambda x: (lambda y: y * y[::-1])(np.concatenate(ring(x))),
    "an element": lambda x: (lambda y: y * y[3])(np.stack(ring(x)).reshape(-1)),
    "compared": lambda x: (lambda y: np.where(y > 1, y, 2.0))(np.concatenate(ring(x))),
}


@pytest.mark.parametrize("name", JOINS)
def test_rows_are_those_of_dense_seeds(name):
    check(JOINS[name])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
@pytest.mark.parametrize("name", ["concatenate", "stack, flat", "stack of planes"])
def test_types(name, dtype):
    found = check(JOINS[name], X.astype(dtype))
    assert found[0].dtype == dtype
    want = triplets(JOINS[name], X)
    assert np.array_equal(found[1], want[1]) and np.array_equal(found[2], want[2])


@pytest.mark.parametrize("name", ["concatenate", "stack, flat", "stack of planes", "arrays"])
def test_holomorphic(name):
    z = X + 1j * X[::-1]
    check_complex = triplets(JOINS[name], z, holomorphic=True)
    want = dualdiff.jacfwd(JOINS[name], holomorphic=True)(z)
    assert_close(matrix(check_complex, want.reshape(-1, N).shape), want.reshape(-1, N))


def test_parts_of_two_types():
    found = check(lambda x: np.concatenate([x[:3] ** 2, x[3:6].astype(np.float32)]))
    assert found[0].dtype == np.float64


def test_parts_are_as_they_were_when_they_were_joined():
    def assigned(x):
        u, v = ring(x)
        w = x[:5] * 1.0
        y = np.concatenate([u, w, v])
        u[0] = 7.0
        w[1:3] = x[10:12] ** 3
        v += x[0]
        return y

    def constants(x):
        a = np.ones(4)
        y = np.concatenate([a, x[:4] ** 2])
        a[:] = 5.0
        return y * y

    def ravelled(x):
        u, v = plane(x)
        y = np.concatenate([u.ravel(), v.ravel()])
        flat = v.ravel()
        u[0] = x[0] ** 2
        flat[2:4] = 0.5
        v[1] *= x[3]
        return np.concatenate([y, u.ravel(), flat])

    check(assigned)
    check(constants)
    check(ravelled)


def test_a_join_and_its_reshape_share_memory():
    def by_view(x):
        y = np.stack(ring(x))
        flat = y.reshape(-1)
        flat[3] = x[0] ** 2
        return y

    def by_base(x):
        y = np.stack(ring(x))
        flat, rows = y.reshape(-1), y.reshape((4, -1))
        y[0, 2] = x[0] ** 2
        rows[3] *= x[1]
        return flat

    check(by_view)
    check(by_base)


def test_numbers_that_outlive_the_call():
    kept = []

    def f(x):
        y = np.stack(ring(x))
        kept.append((y, y.reshape(-1)))
        return kept[-1][1]

    check(f)
    y, flat = kept[1]  # after the plain ones
    assert_close(y.value, np.stack(ring(X)))
    assert_close(flat.value, np.stack(ring(X)).reshape(-1))
    assert np.may_share_memory(y.value, flat.value)


def test_leaves_of_a_pytree_follow_one_another():
    def f(x):
        u, v = ring(x)
        return {"a": np.concatenate([v, u]), "b": (u, 3.0), "c": x[0] * x[1]}

    def flat(x):
        u, v = ring(x)
        return np.concatenate([v, u, u, [3.0], [x[0] * x[1]]])

    for got, want in zip(triplets(f, X), triplets(flat, X), strict=True):
        assert np.array_equal(got, want)


def test_aux_is_handed_out():
    def f(x):
        y = np.concatenate(ring(x))
        return y, (y.reshape((2, -1)), y)

    found, (rows, y) = triplets(f, X, has_aux=True)
    want = np.concatenate(ring(X))
    assert_close(rows, want.reshape(2, -1))
    assert_close(y, want)
    assert np.array_equal(found[0], triplets(lambda x: f(x)[0], X)[0])


def test_warnings_are_those_of_numpy(waits):
    x = X.copy()
    x[3] = -1.0
    x[5] = 0.0

    def f(x):
        return np.concatenate([np.log(x) + x[::-1], np.sqrt(x) * x[0]])

    def warned(call):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = call()
        return result, sorted({str(w.message) for w in caught})

    _, want = warned(lambda: f(x))
    found, got = warned(lambda: triplets(f, x))
    assert set(want) <= set(got) and len(want) == 3
    calm = triplets(f, X)
    assert np.array_equal(found[1], calm[1]) and np.array_equal(found[2], calm[2])
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        triplets(f, x)


def test_rolls_by_little_are_views_of_one_lane():
    x = np.arange(64.0).reshape(8, 8)
    with Call(x.size, 1, True) as call:
        y = call.seed(x)
        for axis in (0, 1):
            one, two, far = (laned_parts(np.roll(y, s, axis))[3][0] for s in (1, -1, 4))
            again = laned_parts(np.roll(y, 1, axis))[3][0]
            assert np.may_share_memory(one, two) and np.may_share_memory(one, again)
            assert not np.may_share_memory(one, far)
            assert np.array_equal(one, np.roll(np.arange(64).reshape(8, 8), 1, axis))
            assert np.array_equal(two, np.roll(np.arange(64).reshape(8, 8), -1, axis))
        product = np.roll(y, 1, 1) * np.roll(y, 1, 1)
        assert len(laned_parts(product)[3]) == 1, "equal lanes are recognised"
        assert len(laned_parts(np.roll(y, 1, 1) * np.roll(y, 2, 1))[3]) == 2


def test_rolls_of_rolls_share_a_lane_and_are_bounded():
    x = np.arange(200.0)
    with Call(x.size, 1, True) as call:
        y = seed = call.seed(x)
        there = laned_parts(np.roll(np.roll(np.roll(seed, 3), -2), 4))[3][0]
        assert np.may_share_memory(there, laned_parts(np.roll(seed, 5))[3][0])
        assert np.array_equal(there, np.roll(np.arange(200), 5))
        assert laned_parts(np.roll(seed, 400))[3][0] is laned_parts(seed)[3][0]
        for shift in range(100):
            y = np.roll(y, 1)
            assert np.array_equal(laned_parts(y)[3][0], np.roll(np.arange(200), shift + 1))
        box = call.seed(x.reshape(20, 10))
        for _ in range(100):
            box = np.roll(np.roll(box, 1, 0), 1, 1)
        assert np.array_equal(laned_parts(box)[3][0], np.arange(200).reshape(20, 10))
        assert len(call.factor.margins) <= 32
        part = laned_parts(np.roll(np.roll(seed, 1)[3:190], 2))[3][0]
        assert np.array_equal(part, np.roll(np.roll(np.arange(200), 1)[3:190], 2))
        column = laned_parts(np.roll(call.seed(x.reshape(200, 1)), 1, 1))[3][0]
        assert np.array_equal(column, np.arange(200).reshape(200, 1))


@pytest.mark.parametrize("f", [
    lambda x: np.roll(x.reshape(2, -1), 1, 1),
    lambda x: np.roll(x.reshape(-1, 2).T, 1, 1),
    lambda x: np.roll(x[::2] * 1.0, 1).reshape(2, -1),
    lambda x: x[1::2].reshape(2, -1) * 1.0,
    lambda x: np.roll(np.broadcast_to(x, (3, x.size)), 1, 0),
    lambda x: np.roll(np.broadcast_to(x, (3, x.size)), 1, 1),
])
def test_rolled_numbers_and_their_views_are_assigned_to(f):
    def rows(x):
        y = f(x)
        y[0] = y[1]
        return y.reshape(-1)

    def view(x):
        y = f(x)
        v = y[:, 1:]
        y[0, :2] = 1.0
        y[1, -1] = x[5] ** 2
        return np.concatenate([v.reshape(-1), y.reshape(-1)])

    check(rows)
    check(view)


@pytest.mark.parametrize("view", [lambda y: y[::-1], lambda y: y[...], lambda y: y[2:]])
@pytest.mark.parametrize("again", [lambda y: y[...], lambda y: y[::-1], lambda y: y])
def test_lanes_of_what_is_made_of_views_are_its_own(view, again):
    def f(x):
        y = x * 1.0
        v = view(y)
        y[5] = 0.25
        y[4] = x[5] * 2.0
        z = again(v) * 1.0
        w = z[::-1]
        z[7] = 0.25
        z[6] = x[3] * 2.0
        z *= 1.5
        return np.concatenate([y, v, z, w])

    check(f)


def test_a_join_that_becomes_dense():
    def f(x):
        y = np.stack([x[:5] ** 2, x[5:10] * 3])
        r = y.reshape(-1)
        y[0, 0] = np.sum(np.sin(x))
        return r

    x = np.linspace(1, 2, 200)
    check(f, x)
    check(lambda x: f(x) * 1.0, x)


def test_leaves_of_two_types():
    def leaves(x):
        return x[:3] ** 2, x[3:6].astype(np.float32) * 2, np.ones(2)

    for order in (1, -1):
        data, rows, cols = triplets(lambda x, order=order: leaves(x)[::order], X)
        assert data.dtype == np.float64
        want = np.concatenate([2 * X[:3], [2.0] * 3][::order])
        assert_close(data, want.astype(float))
        assert np.array_equal(cols, [0, 1, 2, 3, 4, 5] if order == 1 else [3, 4, 5, 0, 1, 2])


def reaction(y, join):
    """Reaction and diffusion on a torus of n × n cells."""
    n = int(round((y.size / 2) ** 0.5))
    u, v = y.reshape((2, n, n))
    near = [np.roll(a, s, axis) for a in (u, v) for s in (1, -1) for axis in (0, 1)]
    uuv = u * u * v
    return join(1.0 + uuv - 4.0 * u + 0.3 * (sum(near[:4]) - 4.0 * u),
                3.0 * u - uuv + 0.3 * (sum(near[4:]) - 4.0 * v))


@pytest.mark.parametrize("join", [
    lambda u, v: np.stack([u, v]).reshape(-1),
    lambda u, v: np.stack([u, v]).ravel(),
    lambda u, v: np.ravel(np.concatenate([u, v])),
    lambda u, v: np.concatenate([u.ravel(), v.reshape(-1)]),
    lambda u, v: np.hstack([np.ravel(u), v.ravel()]),
])
def test_a_sparse_jacobian_takes_little_more_memory_than_it_has(join):
    set_later_bytes(1 << 17)
    y = np.random.default_rng(0).uniform(size=2 * 200 * 200)
    call = sparse_jacobian(lambda y: reaction(y, join), format="csr")
    result = call(y).data.nbytes * 3 // 2 + 4 * y.size
    dualdiff.clear_memory_pool()
    tracemalloc.start()
    try:
        kept = call(y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept.nnz == 6 * y.size
    assert peak < 1.4 * result, "neither parts nor lanes were laid side by side"
