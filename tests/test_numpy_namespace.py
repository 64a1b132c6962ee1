"""dualdiff.numpy: arrays that accept numbers, and functions that take lists of numbers.

The oracle of a program that writes into arrays is the same program on an array of objects,
which NumPy itself keeps.
"""

import copy
import operator
import pickle
import threading

import numpy as onp
import pytest

import dualdiff.numpy as np
from dualdiff import Taylor, derivatives, grad, hessian, jacfwd, set_lanes, value_and_grad
from dualdiff.test_util import check_grads

X = onp.array([0.7, -1.3, 2.1, 0.4])


# ---- with plain values: an ndarray -----------------------------------------------------


CREATED = {
    "zeros": lambda m: m.zeros((2, 3)),
    "ones": lambda m: m.ones(3, onp.float32),
    "full": lambda m: m.full((2,), 7.0),
    "zeros_like": lambda m: m.zeros_like(X),
    "ones_like": lambda m: m.ones_like([1.0, 2.0]),
    "full_like": lambda m: m.full_like(X, 3),
    "eye": lambda m: m.eye(3, 4, 1),
    "identity": lambda m: m.identity(2),
    "arange": lambda m: m.arange(0.0, 2.0, 0.25),
    "linspace": lambda m: m.linspace(0, 1, 7),
    "array": lambda m: m.array([[1.0, 2.0], [3.0, 4.0]]),
    "array_dtype": lambda m: m.array([1, 2], dtype=complex),
    "asarray": lambda m: m.asarray([1.0, 2.0]),
    "copy": lambda m: m.copy(X),
    "diag": lambda m: m.diag([1.0, 2.0]),
    "tri": lambda m: m.tri(3),
    "tile": lambda m: m.tile([1.0, 2.0], 2),
    "fortran": lambda m: m.zeros((2, 3), order="F"),
    "ints": lambda m: m.zeros(3, int),
    "bools": lambda m: m.ones(2, bool),
}


@pytest.mark.parametrize("name", CREATED)
def test_plain_arrays_are_as_numpy_makes_them(name):
    a, b = CREATED[name](np), CREATED[name](onp)
    assert isinstance(a, onp.ndarray)
    assert (a.dtype, a.shape, a.strides) == (b.dtype, b.shape, b.strides)
    assert a.flags.writeable == b.flags.writeable
    assert a.base is None
    onp.testing.assert_array_equal(a, b)
    onp.testing.assert_array_equal(onp.asarray(a), b)
    assert repr(a) == repr(b) and str(a) == str(b)


PLAIN = {
    "arithmetic": lambda a: (2 * a + 1 - a / 3) ** 2 % 5 // 2,
    "matmul": lambda a: a @ a,
    "reflected": lambda a: 1 - (2.0 / (a + 1)) + onp.ones((3, 3)) @ a,
    "negative": lambda a: -abs(+a),
    "divmod": lambda a: divmod(a, 2)[1] + divmod(2, a + 1)[0],
    "compare": lambda a: (a < 2) & (a != 1) | (a >= 4),
    "methods": lambda a: a.sum(axis=0) + a.max() + a.T.dot(a).trace() + a.clip(0, 2).mean(),
    "functions": lambda a: onp.concatenate([a, a]).cumsum(axis=1) + onp.mean(a),
    "linalg": lambda a: onp.linalg.eigvalsh(a + a.T),
    "solve": lambda a: onp.linalg.solve(a + 9 * onp.eye(3), onp.ones(3)),
    "fancy": lambda a: a[[0, 2]][:, [True, False, True]],
    "where": lambda a: onp.where(a > 1, a, 0.0),
    "reduce": lambda a: onp.add.reduce(a, axis=1) + onp.multiply.outer(a, a).sum(),
    "einsum": lambda a: onp.einsum("ij,kj->ik", a, a),
    "ravel": lambda a: a.ravel()[1:4],
    "split": lambda a: onp.hstack(onp.split(a, 3)),
    "iterate": lambda a: sum(row.sum() for row in a),
    "list": lambda a: onp.array(a.tolist()),
    "copy": lambda a: copy.deepcopy(a) + copy.copy(a),
    "pickle": lambda a: pickle.loads(pickle.dumps(a)),
    "buffer": lambda a: onp.frombuffer(memoryview(onp.ascontiguousarray(a)).tobytes()),
    "astype": lambda a: a.astype(onp.float32) + a.astype(int),
    "item": lambda a: a.item(4) + float(a[0, 0]) + int(a[2, 2]) + complex(a[1, 1]),
    "fft": lambda a: onp.fft.fft(a),
    "complex": lambda a: (a + 1j * a).real + (1j * a).imag,
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_programs_give_the_same_bits(name):
    data = onp.arange(9.0).reshape(3, 3) / 2
    a = np.zeros((3, 3))
    a[...] = data
    onp.testing.assert_array_equal(PLAIN[name](a), PLAIN[name](data), strict=True)
    onp.testing.assert_array_equal(a, data)


@pytest.mark.parametrize("op", ["iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow"])
def test_plain_assignment_in_place(op):
    a, b = np.full((2, 3), 5.0), onp.full((2, 3), 5.0)
    view, other = a[:, 1:], b[:, 1:]
    f = getattr(operator, op)
    assert f(view, 2) is view
    f(other, 2)
    view += [[1], [2]]
    other += [[1], [2]]
    onp.testing.assert_array_equal(a, b)
    onp.testing.assert_array_equal(onp.add(a, 1, out=view.base), b + 1)
    onp.testing.assert_array_equal(a, b + 1)


def test_plain_arrays_raise_what_numpy_raises():
    a = np.zeros((2, 2))
    with pytest.raises(IndexError, match="out of bounds"):
        a[2]
    with pytest.raises(ValueError, match="broadcast"):
        a[0] = [1, 2, 3]
    with pytest.raises(ValueError, match="truth value"):
        bool(a)
    with pytest.raises(TypeError, match="unhashable"):
        hash(a)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = a.nothing
    with pytest.raises(ValueError, match="cannot delete"):
        del a[0]
    with pytest.raises(TypeError, match="iteration over a 0-d"):
        iter(np.zeros(()))


# ---- numbers by assignment -------------------------------------------------------------


def test_the_first_program():
    def f(x):
        a = np.zeros(3)
        a[0] = x
        a[1] = a[0] * 2
        return a.sum()

    assert value_and_grad(f)(2.0) == (6.0, 3.0)


def through_views(x):
    a = np.zeros(6)
    b = a[1:]
    c = b[::-1].reshape(1, 5)
    d = b.view()
    b[0] = x
    c[0, 0] = x**2
    d[2:4] = [x, 3]
    a[0] += x
    return a * onp.array([1.0, 10.0, 100.0, 1e3, 1e4, 1e5])


def test_views_made_before_show_the_number():
    value, slope = derivatives(lambda x: through_views(x), 1)(3.0)
    onp.testing.assert_array_equal(value, [3, 30, 0, 3e3, 3e4, 9e5])
    onp.testing.assert_array_equal(slope, [1, 10, 0, 1e3, 0, 6e5])


def rows_of(x):
    a = np.zeros((4, 4))
    for i, row in enumerate(a):
        row[i:] = x[i:] * x[i]
    a.T[2, :2] += x[0]
    a[:, 3] *= x
    a[1] = 5.0
    a.flat[1] = x[3]
    return a


ASSIGNED = {
    "rows": rows_of,
    "whole": lambda x: set_all(np.empty_like(onp.zeros(4)), x**2),
    "mask": lambda x: set_at(np.ones(4), onp.array([True, False, True, False]), x[:2]),
    "list": lambda x: set_at(np.ones(5), [0, 3], x[1:3]),
    "pairs": lambda x: set_at(np.ones((2, 3)), ([0, 1], [2, 0]), x[1:3]),
    "of a list": lambda x: set_at(np.ones(3), slice(0, 2), [x[0], 2.0]),
    "ellipsis": lambda x: set_at(np.zeros((2, 4)), ..., x),
    "newaxis": lambda x: set_at(np.zeros((4, 1)), (slice(None), 0), x),
    "out": lambda x: onp.add(x, 1, out=np.zeros(4)),
    "out of sum": lambda x: onp.sum(x * onp.ones((2, 4)), axis=0, out=np.zeros(4)),
    "copyto": lambda x: called(np.zeros(4), lambda a: onp.copyto(a, x)),
    "put": lambda x: called(np.zeros(4), lambda a: onp.put(a, [0, 2], x[:2])),
    "method put": lambda x: called(np.zeros(4), lambda a: a.put([0, 2], x[:2])),
    "place": lambda x: called(np.zeros(4), lambda a: onp.place(a, a < 1, x)),
    "add.at": lambda x: called(np.zeros(4), lambda a: onp.add.at(a, [0, 0, 1], x[:3])),
    "diagonal": lambda x: called(np.zeros((4, 4)), lambda a: onp.fill_diagonal(a, x)),
    "fill": lambda x: called(np.zeros(3), lambda a: a.fill(x[1])),
    "copy parts": lambda x: parted(x),
    "no dimensions": lambda x: called(np.zeros(()), lambda a: a.__setitem__((), x[1] * x[0])),
    "in place 0-d": lambda x: operator.imul(called(np.ones(()), lambda a: a.fill(x[2])), x[0]),
    "out 0-d": lambda x: onp.add(x[0], x[1], out=np.zeros(())),
    "slate in slate": lambda x: set_at(np.zeros(4), slice(0, 2), set_all(np.zeros(2), x[:2])),
    "float32": lambda x: set_all(np.zeros(4, onp.float32), x),
    "identity": lambda x: onp.linalg.inv(called(np.eye(4), lambda a: a.__setitem__((0, 2), x[0]))),
    "literal": lambda x: called(np.array([[0.0, 1.0], [0.0, 0.0]]),
                                lambda a: a.__setitem__((1, 0), -x[0])),
    "of a result": lambda x: set_at(np.ones(4) * 3 + 1, slice(1, 3), x[:2]),
    "with a number": lambda x: x * set_at(np.ones(4), 0, x[1]) + np.ones(4) @ x,
}


def set_at(a, index, v):
    a[index] = v
    return a


def set_all(a, v):
    a[...] = v
    return a


def called(a, f):
    f(a)
    return a


def parted(x):
    a = np.zeros(4)
    a[:2] = x[:2]
    b = a.copy()
    b[0] = 7.0
    a[3] = b[1] * a[0]
    return np.stack([a, b])


@pytest.mark.parametrize("lanes", ["always", "never"])
@pytest.mark.parametrize("name", ASSIGNED)
def test_assignment_against_differences(name, lanes):
    f = ASSIGNED[name]
    mode = {None: "auto"}.get(lanes, lanes)
    before = set_lanes(mode)
    try:
        jacobian = jacfwd(f)(X)
    finally:
        set_lanes(before)
    f64 = f if name != "float32" else lambda x: set_all(np.zeros(4), x)
    for i in range(4):
        step = onp.zeros(4)
        step[i] = 1e-6
        difference = (onp.asarray(f64(X + step)) - onp.asarray(f64(X - step))) / 2e-6
        onp.testing.assert_allclose(jacobian[..., i], difference, rtol=1e-7, atol=1e-8)
    assert onp.any(jacobian)
    check_grads(f64, (X,), order=2)


def test_random_programs_against_object_arrays():
    """Writes through random views, numbers and constants mixed, at second order."""
    rng = onp.random.default_rng(5)

    def program(seed, x, zeros):
        rng = onp.random.default_rng(seed)
        views = [zeros((3, 4))]
        for _ in range(25):
            a = views[rng.integers(len(views))]
            step = rng.integers(8)
            if step == 0 and a.ndim:
                a = a[rng.integers(len(a))] if a.shape[0] and a.ndim > 1 else a[...]
            elif step == 1:
                a = a.T
            elif step == 2 and a.ndim and a.size:
                a = a[slice(None, None, int(rng.choice([-1, 1, 2])))]
            elif step == 3 and a.ndim:
                a = a[None]
            if a.ndim and a.ndim < 5:
                views.append(a)
            if a.ndim == 0 or not a.size:
                continue
            at = tuple(int(rng.integers(n)) for n in a.shape)
            kind = rng.integers(5)
            if kind == 0:
                a[at] = x[rng.integers(4)] * a[at] + x[0]
            elif kind == 1:
                a[at] = 0.5
            elif kind == 2:
                a[at[0]] += x[1]
            elif kind == 3:
                a[...] = a[::-1] * 0.5 + x[2]
            else:
                a *= x[3]
        return views[0]

    def packed(x, seed):
        a = program(seed, x, lambda shape: onp.full(shape, 0.0, object))
        return np.array(a.tolist())

    for seed in rng.integers(10**6, size=12):
        plain = program(seed, X, onp.zeros)
        onp.testing.assert_array_equal(program(seed, X, np.zeros), plain)
        got = hessian(lambda x: (program(seed, x, np.zeros)**2).sum())(X)  # noqa: B023
        want = hessian(lambda x: (packed(x, seed)**2).sum())(X)  # noqa: B023
        onp.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_nested_derivatives_meet_in_one_array():
    def inner(y, x):
        a = np.zeros(3)
        a[0] = x * y
        a[1] = y**2
        a[2] = x
        return a[0] * a[1] * a[2]  # x**2 y**3

    def outer(x):
        a = np.zeros(2)
        a[1] = grad(inner)(x, x)  # 3 x**4
        return a.sum()

    assert grad(outer)(2.0) == 96.0


def test_a_thread_each():
    def f(x):
        a = np.zeros(50)
        for i in range(1, 50):
            a[i] = a[i - 1] * 0.5 + x
        return a[-1]

    results = []
    threads = [threading.Thread(target=lambda x=x: results.append(grad(f)(x)))
               for x in onp.arange(8.0)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    onp.testing.assert_allclose(results, [2.0] * 8, rtol=1e-12)


def test_lanes_stay_through_an_assignment():
    n = 20_000  # dense: 3.2 GB

    def f(x):
        a = np.zeros(n)
        a[1:-1] = x[2:] * x[:-2]
        a[0] = 3.0
        return (a**2).sum()

    x = onp.linspace(0.5, 1, n)
    g = grad(f)(x)
    at = [0, 1, 2, n // 2, n - 1]
    want = [2 * x[i] * sum(x[j]**2 for j in (i - 2, i + 2) if 0 <= j < n) for i in at]
    onp.testing.assert_allclose(g[at], want, rtol=1e-13)


# ---- what it refuses ---------------------------------------------------------------------


@pytest.mark.parametrize("look", [
    onp.asarray, memoryview, lambda a: a[1:].__array__(), onp.ndenumerate, onp.nditer,
    lambda a: onp.lib.stride_tricks.as_strided(a, (2,), (8,)),
], ids=["asarray", "buffer", "view", "ndenumerate", "nditer", "as_strided"])
def test_a_number_is_refused_while_a_plain_array_looks_on(look):
    a = np.zeros(3)
    seen = look(a)

    def f(x):
        a[0] = x
        return a.sum()

    with pytest.raises(TypeError, match="plain NumPy arrays look at its memory.*assign to a copy"):
        grad(f)(1.0)
    onp.testing.assert_array_equal(a, 0)  # still plain
    del seen
    assert grad(f)(1.0) == 1.0


def test_what_holds_numbers_does_not_become_plain():
    def loses(way):
        def f(x):
            a = np.zeros(3)
            a[0] = x
            way(a)
            return x

        return f

    for way in (lambda a: onp.asarray(a, dtype=float), lambda a: float(a[0]),
                lambda a: float(a[:1]), lambda a: onp.zeros(3).__setitem__(0, a[0]),
                lambda a: hash(a[0])):
        with pytest.raises((TypeError, ValueError), match="derivative|sequence|float|hash"):
            grad(loses(way))(1.0)
    with pytest.raises(BufferError, match="holds numbers"):
        grad(loses(memoryview))(1.0)


def test_plain_numpy_sees_an_object_array_of_numbers():
    def f(x):
        a = np.zeros(3)
        a[1] = x
        seen = onp.asarray(a)
        assert seen.dtype == object and type(seen[1]) is Taylor
        return seen.sum() * 2

    assert grad(f)(1.0) == 2.0


def test_attributes_cannot_be_set_behind_the_memory():
    a = np.zeros(4)
    with pytest.raises(AttributeError, match="reshape"):
        a.shape = (2, 2)
    with pytest.raises(TypeError, match="slates are made by"):
        type(a)()
    z = np.zeros(2, complex)
    z.imag = [1, 2]
    onp.testing.assert_array_equal(z, [1j, 2j])


def test_read_only_stays_read_only():
    a = np.zeros(3)
    a.setflags(write=False)
    with pytest.raises(ValueError, match="read-only"):
        grad(lambda x: a.__setitem__(0, x))(1.0)
    wide = onp.broadcast_to(np.zeros(3), (2, 3))
    with pytest.raises(ValueError, match="read-only"):
        wide[0] = 1.0


# ---- lists of numbers ----------------------------------------------------------------------


LISTS = {
    "array": lambda m, x: m.array([[x[0], 1], [x[1] * 2, x[2]]]),
    "array of vectors": lambda m, x: m.array([x, 2 * x]),
    "asarray": lambda m, x: m.asarray([x[0], 2.0]) * m.asarray(x)[:2],
    "asanyarray": lambda m, x: m.asanyarray((x[0], x[1])),
    "float": lambda m, x: m.array([x[0], 1], dtype=float),
    "ndmin": lambda m, x: m.array(x[0], ndmin=2),
    "stack": lambda m, x: m.stack([[x[0], 1.0], [2.0, x[1]]]),
    "concatenate": lambda m, x: m.concatenate([[x[0], 1.0], x, [3.0]]),
    "hstack": lambda m, x: m.hstack([x[0], x[1]]),
    "std": lambda m, x: m.std([x[0], x[1] ** 2, 3.0]),
    "dot": lambda m, x: m.dot([x[0], x[1]], [[1, 2], [3, x[2]]]),
    "full": lambda m, x: m.full((2, 2), x[0]),
    "full_like": lambda m, x: m.full_like(x, x[0]),
    "diag": lambda m, x: m.diag([x[0], x[1], 1.0]),
    "cross": lambda m, x: m.cross([x[0], x[1], 1.0], [1.0, 2.0, x[2]]),
    "linspace": lambda m, x: m.linspace(x[0], x[1], 5),
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_numbers(name):
    f = LISTS[name]
    jacobian = jacfwd(lambda x: f(np, x))(X)
    for i in range(4):
        step = onp.zeros(4)
        step[i] = 1e-6
        difference = (f(onp, X + step) - f(onp, X - step)) / 2e-6
        onp.testing.assert_allclose(jacobian[..., i], difference, rtol=1e-7, atol=1e-8)
    onp.testing.assert_array_equal(f(np, X), f(onp, X))


def test_ragged_lists_are_refused():
    with pytest.raises((TypeError, ValueError), match="shape"):
        jacfwd(lambda x: np.array([x, x[:2]]))(X)


def test_arrays_pass_as_they_are():
    assert np.asarray(X) is X
    a = np.zeros(3)
    assert np.asarray(a) is a
    assert np.asarray(a, dtype=onp.float32).dtype == onp.float32
    view = np.asarray(a[None], dtype=float)
    view[0, 0] = 3.0
    assert a[0] == 3.0
    fresh = np.array(a)
    fresh[0] = 1.0
    assert a[0] == 3.0


# ---- the namespace -------------------------------------------------------------------------


def test_everything_else_is_numpys():
    assert set(dir(onp)) <= set(dir(np)) and set(onp.__all__) <= set(np.__all__)
    for name in ("sin", "pi", "linalg", "fft", "ndarray", "float64", "add", "random", "newaxis"):
        assert getattr(np, name) is getattr(onp, name)
    with pytest.raises(AttributeError, match="nothing"):
        _ = np.nothing
    for name in onp.__all__:
        if callable(getattr(onp, name, None)):
            assert callable(getattr(np, name)), name
            theirs, ours = getattr(onp, name), getattr(np, name)
            assert ours is theirs or ours.__wrapped__ is theirs, name


def test_elements_one_by_one():
    def f(x):
        a = np.zeros(6)
        a[:] = x[0]
        b = a[::-2]  # 5, 3, 1
        b[-1] = x[1] * x[2]
        b[0] = 2.0
        a[-6] = x[3] ** 2
        for bad in (3, -4):
            with pytest.raises(IndexError, match=f"index {bad} is out of bounds for axis 0"):
                b[bad] = x[0]
        return a

    onp.testing.assert_array_equal(f(X), [X[3] ** 2, X[1] * X[2], X[0], X[0], X[0], 2.0])
    want = onp.zeros((6, 4))
    want[0, 3], want[1, 1], want[1, 2], want[2:5, 0] = 2 * X[3], X[2], X[1], 1.0
    onp.testing.assert_array_equal(jacfwd(f)(X), want)
