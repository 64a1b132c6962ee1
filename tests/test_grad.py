"""grad, value_and_grad: figures of the tutorial, nesting, perturbation confusion."""

import numpy as np
import pytest

import dualdiff
import dualdiff.tree_util
from dualdiff import grad, value_and_grad
from dualdiff.tree_util import tree_leaves, tree_structure


def cubic(x):
    return x**3 + 2 * x**2 - 3 * x + 1


def test_chained_grad_of_tanh():
    g1 = grad(np.tanh)
    g2 = grad(g1)
    g3 = grad(g2)
    assert [g(2.0) for g in (g1, g2, g3)] == pytest.approx(
        [0.070650816, -0.13621868, 0.25265405], abs=1e-6)


def test_chained_grad_of_a_cubic():
    g, got = cubic, []
    for _ in range(4):
        g = grad(g)
        got.append(g(1.0))
    assert got == [4.0, 10.0, 6.0, 0.0]


def test_perturbation_confusion():
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(1.0) == 2.0


def test_array_and_argnums():
    a = np.array([[1.0, 2.0], [3.0, 5.0]])

    def f(w, b):
        return np.sum(np.tanh(a @ w + b))

    w, b = np.array([0.1, -0.3]), 0.25
    s = 1 - np.tanh(a @ w + b) ** 2
    gw, gb = grad(f, (0, 1))(w, b)
    np.testing.assert_allclose(gw, s @ a, rtol=1e-14)
    np.testing.assert_allclose(gb, s.sum(), rtol=1e-14)
    v, g = value_and_grad(f, -1)(w, b)
    assert v == f(w, b) and g == gb


# ---- what comes back -----------------------------------------------------------------


@pytest.mark.parametrize("x", [2.0, np.float64(2.0), np.float32(2.0), np.float16(2.0),
                               np.longdouble(2.0), np.array(2.0), np.array(2.0, np.float32)])
def test_one_number_gives_a_numpy_scalar_of_its_dtype(x):
    v, g = value_and_grad(lambda x: x * x * 3)(x)
    assert isinstance(v, np.generic) and isinstance(g, np.generic)
    assert v.dtype == g.dtype == np.asarray(x).dtype
    assert (v, g) == (12.0, 12.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
@pytest.mark.parametrize("shape", [(3,), (1,), (2, 2), (0,)])
def test_arrays_keep_shape_and_dtype(dtype, shape):
    x = np.ones(shape, dtype)
    g = grad(lambda x: np.sum(x * x))(x)
    assert g.shape == shape and g.dtype == dtype
    np.testing.assert_array_equal(g, 2 * x)
    g = grad(lambda x: np.sum(x * np.ones(shape)))(x)  # the result is float64
    assert g.dtype == np.result_type(dtype)


def test_layouts():
    x = np.arange(6.0).reshape(2, 3)
    for y in (x.T, np.asfortranarray(x), x[:, ::-1], np.broadcast_to(x[0], (4, 3)),
              x.astype(">f8")):
        g = grad(lambda v: np.sum(v * v * v))(y)
        assert g.shape == y.shape
        np.testing.assert_array_equal(g, 3 * y * y)


def test_trees():
    from collections import namedtuple

    point = namedtuple("point", "x y")
    tree = {"p": point(2.0, np.array([1.0, 3.0])), "q": [np.float32(4.0), None, ()]}

    def f(t):
        return t["p"].x ** 2 * np.sum(t["p"].y) + t["q"][0] * t["p"].x

    g = grad(f)(tree)
    assert isinstance(g["p"], point) and g["q"][1:] == [None, ()]
    assert g["p"].x == 2 * 2.0 * 4.0 + 4.0 and g["q"][0] == 2.0
    assert g["q"][0].dtype == np.float32
    np.testing.assert_array_equal(g["p"].y, [4.0, 4.0])


def test_trees_of_plain_leaves_and_of_others():
    """The fast path of plain leaves gives what the general one does."""
    def f(p, q, k=1.0):
        return np.sum(p["b"] * p["a"][0]) * p["a"][1][0] * k + p["a"][1][1] * q[0]

    x = np.linspace(0.1, 1.0, 3)
    p, q = {"b": x, "a": (x * 2, [1.5, x[0]])}, [2.0]
    single = {"b": x.astype("f"), "a": (x * 2, [1.5, x[0]])}  # one leaf of another dtype
    for argnums in (0, 1, (0, 1), (1, 0), -2):
        want = grad(f, argnums, allow_int=True)(p, q, k=3.0)  # not the fast path
        got = grad(f, argnums)(p, q, k=3.0)
        assert tree_structure(got) == tree_structure(want)
        for a, b in zip(tree_leaves(got), tree_leaves(want), strict=True):
            assert a.dtype == b.dtype and np.array_equal(a, b)
    slope = grad(f)(single, q)
    assert slope["b"].dtype == np.float32 and slope["a"][0].dtype == float
    value, _ = value_and_grad(f)(p, q)
    assert value == f(p, q)
    outer = grad(lambda t: grad(f)({"b": x, "a": (x * t, [1.5, t])}, [t])["a"][1][0])(2.0)
    np.testing.assert_allclose(outer, np.sum(x * x), rtol=1e-14)
    with pytest.raises(TypeError, match=r"scalar result, got shape \(3,\)"):
        grad(lambda p: p["b"])(p)


def test_argnums_and_keywords():
    def f(x, y, z, *, scale=1.0):
        return x * y**2 * z**3 * scale

    assert grad(f, -1)(2.0, 3.0, 1.0, scale=2.0) == 108.0
    assert grad(f, (2, 0))(2.0, 3.0, 1.0) == (54.0, 9.0)
    assert grad(f, [0, -2])(2.0, 3.0, 1.0) == (9.0, 12.0)
    assert value_and_grad(f, (1,))(2.0, 3.0, 1.0) == (18.0, (12.0,))


def test_has_aux():
    def f(x):
        y = x * x
        return np.sum(y), {"y": y, "n": 3, "s": "text"}

    x = np.array([1.0, 2.0])
    (v, aux), g = value_and_grad(f, has_aux=True)(x)
    np.testing.assert_array_equal(aux["y"], x * x)
    assert type(aux["y"]) is np.ndarray and aux["n"] == 3 and aux["s"] == "text"
    assert v == 5.0
    g, aux = grad(f, has_aux=True)(x)
    np.testing.assert_array_equal(g, 2 * x)


def test_complex_inputs():
    z = 1.5 - 0.5j
    assert grad(lambda z: z * z * z, holomorphic=True)(z) == pytest.approx(3 * z * z)
    w = np.array([1 + 2j, 3 - 1j])
    g = grad(lambda z: np.sum(z * z), holomorphic=True)(w)
    np.testing.assert_allclose(g, 2 * w, rtol=1e-15)


def test_real_functions_of_complex_inputs_have_jaxs_gradient():
    z = 1.5 - 0.5j
    assert grad(lambda z: abs(z) ** 2)(z) == pytest.approx(2 * np.conj(z), rel=1e-15)
    w = np.array([1 + 2j, 3 - 1j])
    g = grad(lambda z: np.sum(abs(z) ** 2))(w)
    np.testing.assert_allclose(g, 2 * np.conj(w), rtol=1e-15)


def test_allow_int():
    g = grad(lambda n, x: n * x * x, (0, 1), allow_int=True)(3, 2.0)
    assert g[0].dtype == dualdiff.float0 and g[0].shape == () and g[1] == 12.0
    g = grad(lambda n: np.sum(n) * 1.0, allow_int=True)(np.arange(3))
    assert g.dtype == dualdiff.float0 and g.shape == (3,)


def test_object_arrays_are_packed():
    def f(x):
        y = np.array([x[0] ** 2, x[1]])
        return np.sum(y * y)

    np.testing.assert_array_equal(grad(f)(np.array([2.0, 3.0])), [32.0, 6.0])
    assert grad(lambda x: np.array(x[0] * x[1]))(np.array([2.0, 3.0])).tolist() == [3.0, 2.0]


@pytest.mark.parametrize("x", [2.0, np.array([1.0, 2.0]), [1.0, {"a": np.ones(2)}]])
@pytest.mark.parametrize("y", [3.0, 3, np.float32(3.0)])
def test_results_that_do_not_depend(x, y):
    v, g = value_and_grad(lambda x: y)(x)
    assert v == y
    dualdiff.tree_util.tree_map(
        lambda a, b: np.testing.assert_array_equal(a, np.zeros(np.shape(b)), strict=True), g, x)


def test_names_and_pickle():
    import pickle

    g = grad(cubic)
    assert g.__name__ == "grad(cubic)" and g.__wrapped__ is cubic
    for h in (g, grad(g), value_and_grad(cubic, (0,)), grad(cubic, chunk_size=3)):
        again = pickle.loads(pickle.dumps(h))
        assert again(2.0) == h(2.0)

    class Model:
        slope = grad(lambda self, x: x * x, 1)

    assert Model().slope(3.0) == 6.0


# ---- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize("make, words", [
    (lambda: grad(2.0), r"grad expected a function .*got float; write grad\(f\)\(x\)"),
    (lambda: grad(np.sin, 1.5), "expected argnums to be an int or a tuple of ints, got 1.5; "
     r"write grad\(f\)\(x\), not grad\(f, x\)"),
    (lambda: grad(np.sin, 1)(2.0), r"names argument 1, .* 1 positional argument;"),
    (lambda: grad(np.sin, -2)(2.0), "names argument -2"),
    (lambda: grad(np.sin)(2), "got dtype int64; make it a float"),
    (lambda: grad(np.sin)(True), "got dtype bool"),
    (lambda: grad(lambda t: t["a"][0])({"a": [1]}), r"argument 0\['a'\]\[0\] expected a real"),
    (lambda: grad(np.sin)("x"), r"argument 0 expected numbers, got ndarray of dtype <U1"),
    (lambda: grad(np.sin)(np.ones(2)), r"scalar result, got shape \(2,\); sum it, or"),
    (lambda: value_and_grad(lambda x: (x, x))(2.0), "value_and_grad expected .* got tuple"),
    (lambda: grad(lambda x: None)(2.0), "scalar result, got NoneType"),
    (lambda: grad(lambda x: x > 0)(2.0), "got dtype bool: truth values have no derivative"),
    (lambda: grad(lambda x: x * 1j)(2.0), "real result, got dtype complex128; take its real"),
    (lambda: grad(np.sin, holomorphic=True)(2.0), "expects complex inputs, got dtype float64"),
    (lambda: grad(abs, holomorphic=True)(2j), "expects a complex result, got dtype float64"),
    (lambda: grad(np.sin, has_aux=True)(2.0), r"expects the function to return a pair"),
    (lambda: grad(np.sin, executor=3), "executor to be a concurrent.futures.Executor, got int"),
    (lambda: grad(np.sin, chunk_size=1.5), "chunk_size to be a positive int or None, got 1.5"),
    (lambda: grad(np.sin, batch_axes="x"), "batch_axes to be an int or a tuple of ints"),
])
def test_type_errors(make, words):
    with pytest.raises(TypeError, match=words):
        make()


@pytest.mark.parametrize("make, words", [
    (lambda: grad(np.add, (0, 0))(1.0, 2.0), "names one argument twice"),
    (lambda: grad(np.add, (0, -2))(1.0, 2.0), "names one argument twice"),
    (lambda: grad(lambda p: p["a"], (0, 0))({"a": 1.0}), "names one argument twice"),
    (lambda: grad(np.sin, chunk_size=0), "chunk_size to be 1 or more, got 0"),
    (lambda: grad(np.sin, batch_axes=(0, 0)), "names one axis twice"),
    (lambda: grad(np.sin, batch_axes=(0, -1)), "count all of them from one end"),
    (lambda: grad(np.sin, batch_axes=1)(np.ones(3)), r"shape \(3,\), without the axes"),
])
def test_value_errors(make, words):
    with pytest.raises(ValueError, match=words):
        make()
