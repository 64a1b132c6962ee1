"""jvp: values, tangents, pytrees, dtypes, messages."""

import numpy as np
import pytest

import dualdiff
from dualdiff import grad, jvp
from dualdiff.tree_util import tree_leaves, tree_structure


def test_scalar():
    y, t = jvp(lambda x: x**3, (2.0,), (1.5,))
    assert (y, t) == (8.0, 18.0)
    assert isinstance(y, np.float64) and isinstance(t, np.float64)


def test_several_arguments_and_a_tree_of_results():
    def f(x, p):
        return {"sum": np.sum(x * p[0]), "all": (x * p[1], 3.0)}

    x, v = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    out, slope = jvp(f, (x, [2.0, 3.0]), (v, [1.0, 0.0]))
    assert out["sum"] == 6.0 and out["all"][1] == 3.0
    assert slope["sum"] == np.sum(v * 2.0 + x * 1.0)
    np.testing.assert_array_equal(slope["all"][0], 3 * v)
    assert slope["all"][1] == 0.0


def test_has_aux():
    seen = []
    out = jvp(lambda x: (x * x, {"twice": 2 * x, "name": "f"}), (3.0,), (1.0,), has_aux=True)
    assert out == (9.0, 6.0, {"twice": 6.0, "name": "f"})
    assert seen == []


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_dtype_is_kept(dtype):
    x = np.array([1.0, 2.0], dtype)
    y, t = jvp(lambda x: x * x, (x,), (np.ones(2, dtype),))
    assert y.dtype == t.dtype == dtype
    y, t = jvp(lambda x: x * x, (dtype(3.0),), (1.0,))
    assert y.dtype == t.dtype == dtype and t == 6.0


def test_complex():
    y, t = jvp(lambda z: z * z, (1 + 2j,), (0.5 - 1j,))
    assert y == (1 + 2j) ** 2 and t == 2 * (1 + 2j) * (0.5 - 1j)


def test_integers_take_float0():
    zero = np.zeros((), dualdiff.float0)
    y, t = jvp(lambda x, n: x**n, (2.0, 3), (1.0, zero))
    assert (y, t) == (8.0, 12.0)
    y, t = jvp(lambda x: (x, np.arange(3)), (2.0,), (1.0,))
    assert t[1].dtype == dualdiff.float0 and t[1].shape == (3,)
    with pytest.raises(TypeError, match=r"primals\[1\] has dtype int64.*float0"):
        jvp(lambda x, n: x**n, (2.0, 3), (1.0, 0))


def test_inputs_are_not_changed():
    x, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])

    def f(a):
        a[0] = a[1] * a[1]
        a *= 2
        return a

    y, t = jvp(f, (x,), (v,))
    np.testing.assert_array_equal(x, [1.0, 2.0])
    np.testing.assert_array_equal(v, [3.0, 4.0])
    np.testing.assert_array_equal(y, [8.0, 4.0])
    np.testing.assert_array_equal(t, [32.0, 8.0])


def test_tangents_may_be_numbers_of_an_outer_call():
    # d/dv of f'(x) v, and d/dx of f'(x) v
    assert grad(lambda v: jvp(np.sin, (0.3,), (v,))[1])(2.0) == np.cos(0.3)
    assert grad(lambda x: jvp(np.sin, (x,), (2.0,))[1])(0.3) == -2 * np.sin(0.3)
    assert grad(lambda x: jvp(np.sin, (x,), (x,))[1])(0.3) == pytest.approx(
        np.cos(0.3) - 0.3 * np.sin(0.3), rel=1e-15)
    x = np.array([0.1, 0.2])
    got = grad(lambda x: np.sum(jvp(np.sin, (x,), (x * x,))[1]))(x)
    np.testing.assert_allclose(got, 2 * x * np.cos(x) - x * x * np.sin(x), rtol=1e-14)


def test_forward_over_gradient():
    def f(x):
        return np.sum(x**3) + x[0] * x[1]

    x, v = np.array([1.0, 2.0]), np.array([1.0, -1.0])
    g, hv = jvp(grad(f), (x,), (v,))
    np.testing.assert_array_equal(g, [5.0, 13.0])
    np.testing.assert_array_equal(hv, [6.0 - 1, 1 - 12.0])


RESULTS = {
    "number": lambda x, y: np.sum(x) * y, "array": lambda x, y: x * y, "both": lambda x, y:
    (x, {"y": y}), "plain": lambda x, y: np.ones(3), "integers": lambda x, y: np.arange(3),
    "float": lambda x, y: 2.0, "input": lambda x, y: x, "complex": lambda x, y: x * 1j,
    "single": lambda x, y: (x * y).astype("f"), "view": lambda x, y: x[::-1] + y,
}


@pytest.mark.parametrize("name", RESULTS)
def test_floats_and_arrays_as_pytrees_of_them(name):
    """The fast path gives what the general one does."""
    f, x, v = RESULTS[name], np.linspace(0.1, 1.0, 3), np.array([1.0, -2.0, 0.5])
    got = jvp(f, (x, 2.0), (v, 3.0))
    want = jvp(lambda p: f(*p), ([x, 2.0],), ([v, 3.0],))
    again = jvp(f, [x, np.float64(2.0)], [v, 3.0])
    for tree in (want, again):
        assert tree_structure(got) == tree_structure(tree)
        for a, b in zip(tree_leaves(got), tree_leaves(tree), strict=True):
            assert type(a) is type(b) and np.result_type(a) == np.result_type(b)
            assert np.array_equal(a, b)
    outer = [jvp(lambda t: jvp(f, (x * t, 2.0), (v, 3.0))[1], (1.5,), (1.0,))
             if name != "integers" else 0]
    plain = [jvp(lambda t: jvp(lambda p: f(*p), ([x * t, 2.0],), ([v, 3.0],))[1], (1.5,), (1.0,))
             if name != "integers" else 0]
    for a, b in zip(tree_leaves(outer), tree_leaves(plain), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("args, words", [
    ((np.sin(1.0), (1.0,), (1.0,)), r"jvp expected a function .*got float64; write jvp\(f\)"),
    ((np.sin, 1.0, (1.0,)), r"primals to be a tuple or a list.*got float; write jvp\(f"),
    ((np.sin, (1.0,), 1.0), "tangents to be a tuple or a list"),
    ((np.add, (1.0, 2.0), (1.0,)), "tangents of the structure of primals"),
    ((np.sin, ([1.0, 2.0],), ((1.0, 2.0),)), "tangents of the structure of primals"),
    ((np.sin, (np.ones(3),), (np.ones(2),)), r"tangents\[0\] to have shape \(3,\).*got \(2,\)"),
    ((np.sin, (np.ones(3),), (1.0,)), r"to have shape \(3,\).*got \(\); broadcast"),
    ((np.sin, (np.ones(3, "f4"),), (np.ones(3),)), "dtype float32.*got float64; convert"),
    ((np.sin, (1.0,), (1,)), "dtype float64.*got int64"),
    ((np.sin, ({"a": "x"},), ({"a": 1.0},)), r"primals\[0\]\['a'\] expected numbers"),
    ((lambda x: "no", (1.0,), (1.0,)), "return numbers, got str in the result; return arrays"),
    ((lambda x: [1.0, [print]], (1.0,), (1.0,)), r"got builtin.* in the result\[1\]\[0\]"),
])
def test_messages(args, words):
    with pytest.raises(TypeError, match=words):
        jvp(*args)


def test_aux_must_be_a_pair():
    with pytest.raises(TypeError, match=r"jvp: has_aux=True expects.*got tuple of length 3"):
        jvp(lambda x: (x, x, x), (1.0,), (1.0,), has_aux=True)
