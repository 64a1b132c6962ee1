"""Rolled, joined and reshaped numbers with lanes, and dense Jacobians read off lanes.

Oracle: the same function with dense seeds: values to the bit, derivatives to rounding (an
element that has one seed twice adds in another order).
"""

import numpy as np
import pytest
from tolerances import assert_close

from dualdiff import jacfwd, set_lanes, value_and_jacfwd
from dualdiff._seeding import Call
from dualdiff._taylor import is_laned, laned_parts, set_later_bytes

RNG = np.random.default_rng(3)
X = RNG.uniform(0.5, 2, 24)
BOX = X.reshape(2, 3, 4)
C = RNG.normal(size=(2, 3, 4))


def several(x):
    """x with three local seeds: one of them twice in the first element, all one seed there."""
    return x * np.roll(x, 1, -1) + x[..., ::-1]


MOVES = {
    **{f"roll {shift} {axis}": lambda x, s=shift, a=axis: np.roll(x, s, a)
       for shift in (0, 1, -1, 3, 25, -10**30, np.int64(2)) for axis in (0, 1, -1, -3)},
    "roll all": lambda x: np.roll(x, 5),
    "roll several": lambda x: np.roll(x, (1, 2), (0, -1)),
    "roll line": lambda x: np.roll(x[0, 0], 3),
    "roll strided": lambda x: np.roll(x[:, ::2, ::-1], 1, 1),
    "roll transposed": lambda x: np.roll(x.T, -1, 0),
    "roll one": lambda x: np.roll(x[:1], 3, 0),
    "roll nothing": lambda x: np.roll(x[:0], 1, 0),
    "roll of nothing": lambda x: np.roll(x[:0], 1, 1),
    "roll plane": lambda x: np.roll(several(x), 1, 1),
    **{f"concatenate {axis}": lambda x, a=axis: np.concatenate([x, C, several(x), x * x], a)
       for axis in (0, 1, 2, -1, -3)},
    "concatenate flat": lambda x: np.concatenate([x, several(x)], axis=None),
    "concatenate tuple": lambda x: np.concatenate((x[:, :1], x[:, 2:], x[:, :0]), axis=1),
    "concatenate one": lambda x: np.concatenate([several(x)]),
    "concatenate lists": lambda x: np.concatenate([[0.5, 2.0], x[0, 0], (1.0,), [3]]),
    "concatenate singles": lambda x: np.concatenate([[x[0, 0, 0], 2.0], several(x)[0, 0], [1.0]]),
    "concatenate views": lambda x: np.concatenate([x.T, several(x)[..., ::-1].T], axis=1),
    "concatenate columns": lambda x: np.concatenate([x[:, :, ::2], x[:, :, 1::2]], axis=-1),
    "concatenate byte-swapped": lambda x: np.concatenate([x, C.astype(">f8")]),
    "concatenate integers": lambda x: np.concatenate([x, np.arange(24).reshape(2, 3, 4)]),
    "concatenate floats": lambda x: np.concatenate([x, C.astype(np.float32)]),
    "concatenate number": lambda x: np.concatenate(several(x)),
    **{f"stack {axis}": lambda x, a=axis: np.stack([several(x), x, C], a)
       for axis in (0, 1, -1, 3, -4)},
    "stack single": lambda x: np.stack([x[0, 0, 0], 2.0, x[1, 1, 1] * x[0, 0, 0]]),
    "stack views": lambda x: np.stack([x[:, :, ::2], several(x)[:, :, 1::2]], -1),
    "stack nothing": lambda x: np.stack([x[:, :0], x[:, 3:]]),
    "vstack": lambda x: np.vstack([x, C]),
    "reshape": lambda x: several(x).reshape(-1),
    "reshape view": lambda x: np.reshape(x[:, :, 1:], (3, -1)),
    "reshape order": lambda x: x.reshape((4, 6), order="F"),
    "reshape method": lambda x: x.reshape(4, 6) * x.reshape((4, 6)),
    "reshape copy": lambda x: np.reshape(x, 24, copy=True),
}


def both(f, *args, **kwargs):
    before = set_lanes("always")
    try:
        found = jacfwd(f, **kwargs)(*args)
        set_lanes("never")
        return found, jacfwd(f, **kwargs)(*args)
    finally:
        set_lanes(before)


def waiting_result(f, x):
    """The first of `both`, where operations of any size wait."""
    before = set_later_bytes(1)
    try:
        return both(f, x)[0]
    finally:
        set_later_bytes(before)


def assert_equal(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("dtype", [float, np.float32, np.longdouble])
def test_moves(name, dtype):
    f, x = MOVES[name], BOX.astype(dtype)
    found, dense = both(f, x)
    assert found.dtype == dense.dtype
    assert_close(found, dense, dtype=dtype)
    with Call(x.size, 1, True) as call:
        y = f(call.seed(x))
        assert is_laned(y) or "single" in name
        assert_equal(np.asarray(y.value), np.asarray(f(x)))
        if is_laned(y):
            _, value, _, lanes = laned_parts(y)
            assert all(lane.shape == value.shape for lane in lanes)


@pytest.mark.parametrize("name", MOVES)
def test_second_order(name):
    f = MOVES[name]
    found = []
    before = set_lanes("always")
    try:
        for mode in ("always", "never"):
            set_lanes(mode)
            found.append(jacfwd(jacfwd(lambda x: f(several(x))))(BOX))
    finally:
        set_lanes(before)
    np.testing.assert_allclose(*found, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("name", MOVES)
def test_what_waits_is_computed_where_it_goes(name):
    f = MOVES[name]
    plain, _ = both(lambda x: f(several(x) - 2.0 * x), BOX)
    before = set_later_bytes(1)
    try:
        waiting, _ = both(lambda x: f(several(x) - 2.0 * x), BOX)
    finally:
        set_later_bytes(before)
    assert_equal(waiting, plain)


@pytest.mark.parametrize("axis", [0, 1])
def test_what_is_joined_can_be_read_again(axis):
    def f(x):
        y = several(x)
        z = np.exp(y)
        both = np.concatenate([y, z], axis)
        again = np.concatenate([z, y], axis)
        both[0] = 0.0  # neither y nor z, which may wait still, see it
        return np.stack([both, again, np.concatenate([y, z * 1.0], axis)]) + np.sum(y)

    plain, dense = both(f, BOX)
    waiting = waiting_result(f, BOX)
    assert_equal(waiting, plain)
    np.testing.assert_allclose(plain, dense, rtol=1e-15, atol=1e-15)


def test_warnings_come_once():
    before = set_later_bytes(1)
    try:
        with pytest.warns(RuntimeWarning) as found:
            jacfwd(lambda x: np.concatenate([1.0 / (x - x), x * x]))(np.ones(30))
    finally:
        set_later_bytes(before)
    assert len(found) == 1


def test_warnings_of_one_step_come_once():
    def f(x):
        y = 1.0 / x
        return np.concatenate([y, x]) + np.concatenate([x, y])

    before = set_later_bytes(1)
    try:
        with pytest.warns(RuntimeWarning, match="divide by zero") as found:
            jacfwd(f)(np.where(np.arange(30) == 3, 0.0, 1.0))
    finally:
        set_later_bytes(before)
    assert sum("divide" in str(w.message) for w in found) == 1


@pytest.mark.parametrize("bad", [
    lambda x: np.concatenate([x, x[0]]),
    lambda x: np.concatenate([x, x[:, :2]]),
    lambda x: np.concatenate([x, x], 3),
    lambda x: np.stack([x, x[0]]),
    lambda x: np.stack([x, x], -5),
    lambda x: np.roll(x, 1, 3),
    lambda x: np.reshape(x, (5, 5)),
])
def test_numpys_errors(bad):
    with pytest.raises(ValueError) as plain:
        bad(BOX)
    with pytest.raises(ValueError) as ours, Call(BOX.size, 1, True) as call:
        bad(call.seed(BOX))
    assert str(ours.value) == str(plain.value) and ours.type is plain.type


def test_ragged_lists_are_refused():
    with pytest.raises(TypeError, match="give all entries one shape"):
        jacfwd(lambda x: np.concatenate([x, [x[0], x[1:3]]]))(np.ones(30))


def test_reshaped_numbers_are_views():
    def f(x):
        y = several(x)
        line = y.reshape(-1)
        line[3] = 7.0
        y[1] = x[0] * x[1]
        return np.stack([y, line.reshape(2, 3, 4)])

    assert_equal(*both(f, BOX))


@pytest.mark.parametrize("f", [
    lambda x: several(x.reshape(2, 3, 4)).T,
    lambda x: several(x.reshape(4, 6))[::-1, 1::2],
    lambda x: x[:0] * 2.0,
    lambda x: x * np.roll(x, 0) * x,
    lambda x: np.broadcast_to(x[:3], (4, 3)),
    lambda x: (x * x)[5:6],
    lambda x: -0.0 * x,
])
def test_dense_jacobians_of_lanes(f):
    assert_equal(*both(f, X))


def test_dense_jacobians_by_several_arguments():
    def f(a, s, b, c):
        return several(np.concatenate([b * s, a]))[:, None] * c[:2]

    args = X[:9], 1.5, X[9:], C[0, 0]
    for argnums in [(0, 1, 2), (2, 0), (1,), 2]:
        found, dense = both(f, *args, argnums=argnums)
        assert type(found) is type(dense)
        for a, b in zip(np.atleast_1d(found) if argnums == 2 else found,
                        np.atleast_1d(dense) if argnums == 2 else dense, strict=True):
            assert_close(a, b)
    one, line = jacfwd(lambda s, x: s * x[3], (0, 1))(1.5, np.arange(600.0))
    assert type(one) is np.float64 and one == 3.0
    assert_equal(line, np.where(np.arange(600) == 3, 1.5, 0.0))
    before = set_lanes("always")
    try:
        value, jac = value_and_jacfwd(f, (0, 2))(*args)
    finally:
        set_lanes(before)
    assert_equal(value, f(*args))
    assert [j.shape for j in jac] == [(24, 2, 9), (24, 2, 15)]


WRITES = {
    "constant": lambda x: x.__setitem__(3, 2.0),
    "constants": lambda x: x.__setitem__(slice(1, 3), 0.0),
    "element": lambda x: x.__setitem__(4, x[5] * x[6]),
    "slice": lambda x: x.__setitem__(slice(2, 5), several(x[7:10])),
    "view": lambda x: x[2:].__setitem__(slice(None, None, 5), 1.0),
    "reshaped": lambda x: x.reshape(4, 6).__setitem__((slice(None), 1), x[:4]),
    "in place": lambda x: x.__imul__(3.0),
    "places": lambda x: x.__setitem__([1, 1, 20], x[:3]),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("of", [lambda x: x, lambda x: np.roll(x, 5), lambda x: x[::-1]])
def test_seeds_of_large_arrays_can_be_written_to(name, of):
    """Their terms are one element, read-only, until then."""
    def f(x):
        y = of(x)
        view = y[1:4]
        WRITES[name](y)
        return np.concatenate([x * x, y, view])

    small, dense = both(f, X)
    large = waiting_result(f, X)
    assert_equal(large, small)
    assert_close(large, dense)


def test_seeds_of_large_arrays_have_no_memory():
    x = np.ones(2**16)
    with Call(x.size, 2, True) as call:
        y = call.seed(x)
        assert laned_parts(y)[2].strides == (8, 0)
        assert laned_parts(np.roll(y, 3))[2].strides == (8, 0)
        y[0] = 1.0
        assert laned_parts(y)[2].strides == (8 * x.size, 8)


@pytest.mark.parametrize("f", [
    lambda x: np.sum(x[:, 1:, :-1] * x[:, :-1, 1:]),
    lambda x: np.sum(x.T[::-1] * x.T),
    lambda x: np.sum(np.broadcast_to(x[0, 0], (3, 4)) * x[1]),
    lambda x: np.sum(x[:1, :, ::2]),
    lambda x: np.sum(x[:, :0]) + np.sum(x),
])
@pytest.mark.parametrize("later", [1, 2**62])
def test_sums_over_several_axes(f, later):
    before = set_later_bytes(later)
    try:
        assert_close(*both(f, BOX))
    finally:
        set_later_bytes(before)
