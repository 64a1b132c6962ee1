"""Jacobians, Hessians, tensors, fields, directions.

Oracles: SymPy, one derivative at a time by nested grad or jvp, JAX where it is installed.
"""

import itertools
import pickle

import numpy as np
import pytest
import sympy

import dualdiff as dd
from dualdiff.tree_util import tree_map, tree_structure

rng = np.random.default_rng(3)
A = rng.normal(size=(4, 4))
X = rng.normal(size=4) * 0.5


def field(x):
    return np.sin(A @ x) * x[0] + x**3


def scalar(x):
    return np.sum(np.exp(0.3 * x) * x[::-1]) + x[0] * x[1] * x[2]


def one_by_one(f, x):
    """The Jacobian by a jvp along each unit direction, result axes first."""
    columns = [dd.jvp(f, (x,), (e.reshape(x.shape),))[1] for e in np.eye(x.size)]
    return np.stack(columns, -1).reshape(*np.shape(columns[0]), *x.shape)


# ---- first derivatives ------------------------------------------------------------------


@pytest.mark.parametrize("make", [dd.jacfwd, dd.jacobian, dd.jacrev])
def test_jacobian(make):
    j = make(field)(X)
    np.testing.assert_array_equal(j, one_by_one(field, X))
    assert make(np.sin)(0.3) == np.cos(0.3) and isinstance(make(np.sin)(0.3), np.float64)
    np.testing.assert_array_equal(make(lambda t: t * X)(2.0), X)


def test_shapes_are_those_of_result_then_input():
    x = rng.normal(size=(2, 3))
    f = lambda x: np.stack([x.T @ x, x.T @ x + 1])  # noqa: E731
    j = dd.jacfwd(f)(x)
    assert j.shape == (2, 3, 3, 2, 3)
    np.testing.assert_allclose(j, one_by_one(f, x), rtol=1e-14)
    assert dd.jacfwd(lambda x: x * 2)(np.zeros((0, 2))).shape == (0, 2, 0, 2)


def test_trees_of_results_and_inputs():
    def f(p, y):
        return {"a": p["u"] * y[0], "b": [np.sum(p["u"]) * p["v"] ** 2]}

    p, y = {"u": X, "v": 2.0}, (3.0, 1.0)
    j = dd.jacfwd(f, (0, 1))(p, y)
    assert tree_structure(j) == tree_structure({"a": (p, y), "b": [(p, y)]})
    np.testing.assert_array_equal(j["a"][0]["u"], 3 * np.eye(4))
    np.testing.assert_array_equal(j["a"][0]["v"], np.zeros(4))
    np.testing.assert_array_equal(j["a"][1][0], X)
    np.testing.assert_array_equal(j["b"][0][0]["u"], np.full(4, 4.0))
    assert j["b"][0][0]["v"] == 4 * np.sum(X)
    h = dd.hessian(f)(p, y)["b"][0]
    np.testing.assert_array_equal(h["u"]["v"], np.full(4, 4.0))
    np.testing.assert_array_equal(h["v"]["u"], np.full(4, 4.0))
    assert h["v"]["v"] == pytest.approx(2 * np.sum(X), rel=1e-15)


def test_aux_and_values():
    f = lambda x: (x**2, {"x": x, "s": "text"})  # noqa: E731
    j, aux = dd.jacfwd(f, has_aux=True)(X)
    np.testing.assert_array_equal(aux["x"], X)
    assert type(aux["x"]) is np.ndarray and aux["s"] == "text"
    (v, aux), j2 = dd.value_and_jacfwd(f, has_aux=True)(X)
    np.testing.assert_array_equal(v, X**2)
    np.testing.assert_array_equal(j, j2)
    g = lambda x: (np.sum(x**3), 5)  # noqa: E731
    (v, aux), g1, h = dd.value_grad_and_hessian(g, has_aux=True)(X)
    assert v == np.sum(X**3) and aux == 5
    np.testing.assert_allclose(g1, 3 * X**2, rtol=1e-15)
    np.testing.assert_allclose(h, np.diag(6 * X), rtol=1e-15)


def test_complex():
    z = np.array([1 + 2j, -0.5j])
    j = dd.jacfwd(lambda z: z * z[0], holomorphic=True)(z)
    np.testing.assert_allclose(j, [[2 * z[0], 0], [z[1], z[0]]], rtol=1e-15)
    h = dd.hessian(lambda z: z[0] ** 2 * z[1], holomorphic=True)(z)
    np.testing.assert_allclose(h, [[2 * z[1], 2 * z[0]], [2 * z[0], 0]], rtol=1e-15)
    j = dd.jacfwd(lambda x: x * 1j)(2.0)  # a complex result of a real input
    assert j == 1j


def test_dtypes():
    x = X.astype(np.float32)
    for make in (dd.jacfwd, dd.hessian, dd.hessian_diag, dd.laplacian):
        assert make(lambda x: np.sum(x**3))(x).dtype == np.float32


def test_allow_int():
    j = dd.jacrev(lambda n, x: n * x, (0, 1), allow_int=True)(np.arange(3), 2.0)
    assert j[0].dtype == dd.float0 and j[0].shape == (3, 3)
    np.testing.assert_array_equal(j[1], [0.0, 1.0, 2.0])


def test_constant_results():
    assert dd.jacfwd(lambda x: 3)(X).tolist() == [0.0] * 4
    np.testing.assert_array_equal(dd.hessian(lambda x: np.arange(2))(X), np.zeros((2, 4, 4)))


# ---- second and higher --------------------------------------------------------------------


def test_hessian_is_the_jacobian_of_the_gradient_and_symmetric():
    h = dd.hessian(scalar)(X)
    np.testing.assert_allclose(h, dd.jacfwd(dd.grad(scalar))(X), rtol=1e-13, atol=1e-15)
    np.testing.assert_array_equal(h, h.T)
    v, g, h2 = dd.value_grad_and_hessian(scalar)(X)
    assert v == scalar(X)
    np.testing.assert_array_equal(h, h2)
    np.testing.assert_array_equal(g, dd.grad(scalar)(X))
    h3 = dd.hessian(field)(X)
    assert h3.shape == (4, 4, 4)
    np.testing.assert_array_equal(h3, np.swapaxes(h3, 1, 2))
    np.testing.assert_allclose(h3, dd.jacfwd(dd.jacfwd(field))(X), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("order", range(6))
def test_tensors_of_three_variables_against_sympy(order):
    x, y, z = s = sympy.symbols("x y z")
    expr = sympy.exp(x * y) * sympy.sin(z) + x**2 / (1 + z * y)
    point = {x: sympy.Rational(1, 3), y: sympy.Rational(-1, 2), z: sympy.Rational(3, 4)}
    t = dd.derivative_tensor(
        lambda v: np.exp(v[0] * v[1]) * np.sin(v[2]) + v[0] ** 2 / (1 + v[2] * v[1]), order)(
            np.array([float(point[q]) for q in s]))
    assert np.shape(t) == (3,) * order
    for index in itertools.combinations_with_replacement(range(3), order):
        want = expr
        for q in index:
            want = sympy.diff(want, s[q])
        want = float(want.subs(point).evalf(30))
        same = {t[p] for p in itertools.permutations(index)} if order else {t}
        assert len(same) == 1
        assert same.pop() == pytest.approx(want, rel=1e-11, abs=1e-11)


def test_tensors_over_trees():
    f = lambda p: p["a"] ** 3 * np.sum(p["b"] ** 2)  # noqa: E731
    p = {"a": 2.0, "b": np.array([1.0, 3.0])}
    t = dd.derivative_tensor(f, 3)(p)
    assert t["a"]["a"]["a"] == 60.0
    np.testing.assert_array_equal(t["a"]["b"]["b"], 2 * 12.0 * np.eye(2))
    np.testing.assert_array_equal(t["b"]["a"]["b"], 24.0 * np.eye(2))
    np.testing.assert_array_equal(t["b"]["b"]["b"], np.zeros((2, 2, 2)))


@pytest.mark.parametrize("n", [3, 40])
def test_diagonals(n):
    x = np.linspace(-1, 1, n)
    f = lambda x: np.sum(np.exp(x) * x[::-1] ** 2)  # noqa: E731
    h = dd.hessian(f)(x)
    np.testing.assert_array_equal(dd.hessian_diag(f)(x), np.diag(h))
    assert dd.laplacian(f)(x) == pytest.approx(np.trace(h), rel=1e-14)
    assert isinstance(dd.laplacian(f)(x), np.float64)


# ---- fields --------------------------------------------------------------------------------


def rotor(x):
    return np.stack([x[1] * x[2], x[0] ** 2 * x[2], np.sin(x[0]) * x[1]])


def test_divergence_and_curl():
    x = np.array([0.3, -0.7, 1.2])
    j = dd.jacfwd(rotor)(x)
    assert dd.divergence(rotor)(x) == np.trace(j)
    np.testing.assert_array_equal(
        dd.curl(rotor)(x), [j[2, 1] - j[1, 2], j[0, 2] - j[2, 0], j[1, 0] - j[0, 1]])
    plane = lambda x: np.stack([-x[1] ** 2, x[0] * x[1]])  # noqa: E731
    assert dd.curl(plane)(np.array([2.0, 3.0])) == 3.0 + 6.0
    # curl of a gradient and divergence of a curl are zero
    potential = lambda x: np.sin(x[0] * x[1]) * np.exp(x[2])  # noqa: E731
    np.testing.assert_allclose(dd.curl(dd.grad(potential))(x), np.zeros(3), atol=1e-15)
    assert dd.divergence(dd.curl(rotor))(x) == pytest.approx(0.0, abs=1e-14)


def test_fields_of_separate_coordinates():
    f = lambda x, y, z: (y * z, x * x * z, np.sin(x) * y)  # noqa: E731
    x = np.array([0.3, -0.7, 1.2])
    got = dd.curl(f, (0, 1, 2))(*x)
    assert isinstance(got, tuple)
    np.testing.assert_array_equal(got, dd.curl(rotor)(x))
    assert dd.divergence(f, (0, 1, 2))(*x) == dd.divergence(rotor)(x)
    points = rng.normal(size=(3, 5))
    got = dd.curl(f, (0, 1, 2), batch_axes=0)(*points)
    for q in range(5):
        np.testing.assert_allclose([c[q] for c in got], dd.curl(rotor)(points[:, q]), rtol=1e-15)


# ---- directions -----------------------------------------------------------------------------


def test_hvp():
    v = rng.normal(size=4)
    np.testing.assert_allclose(dd.hvp(scalar, (X,), (v,)), dd.hessian(scalar)(X) @ v, rtol=1e-13)
    f = lambda a, b: np.sum(a**2 * b)  # noqa: E731
    b, w = rng.normal(size=4), rng.normal(size=4)
    want = dd.jvp(dd.grad(f, (0, 1)), (X, b), (v, w))[1]
    got = dd.hvp(f, (X, b), (v, w), argnums=(0, 1))
    for g, t in zip(got, want, strict=True):
        np.testing.assert_allclose(g, t, rtol=1e-14)
    got, aux = dd.hvp(lambda x: (scalar(x), x), (X,), (v,), has_aux=True)
    np.testing.assert_array_equal(aux, X)


def test_jvps():
    v = rng.normal(size=(7, 4))
    y, t = dd.jvps(field, (X,), (v,))
    np.testing.assert_array_equal(y, field(X))
    for q in range(7):
        np.testing.assert_allclose(t[q], dd.jvp(field, (X,), (v[q],))[1], rtol=1e-14)
    y, t, aux = dd.jvps(lambda x, s: (x * s, x), (X, 2.0), (v, np.ones(7)), has_aux=True,
                        chunk_size=3)
    np.testing.assert_array_equal(t, v * 2.0 + X)
    np.testing.assert_array_equal(aux, X)
    got = dd.grad(lambda c: np.sum(dd.jvps(np.sin, (X * c,), (v * c,))[1]))(2.0)
    want = np.sum(v * (np.cos(2 * X) - 2 * X * np.sin(2 * X)))
    assert got == pytest.approx(want, rel=1e-13)


def test_no_directions_at_all():
    y, t = dd.jvps(field, (X,), (np.zeros((0, 4)),))
    np.testing.assert_array_equal(y, field(X))
    assert t.shape == (0, 4)


def test_linearize():
    calls = []

    def f(x, p):
        calls.append(1)
        return {"y": field(x) * p[0], "n": 3}

    y, f_jvp = dd.linearize(f, X, [2.0])
    want_y, want = dd.jvp(f, (X, [2.0]), (X + 1, [0.5]))
    calls.clear()
    got = f_jvp(X + 1, [0.5])
    assert not calls
    np.testing.assert_array_equal(y["y"], want_y["y"])
    np.testing.assert_allclose(got["y"], want["y"], rtol=1e-14)
    assert got["n"].dtype == want["n"].dtype == dd.float0
    again = pickle.loads(pickle.dumps(f_jvp))
    np.testing.assert_array_equal(again(X + 1, [0.5])["y"], got["y"])
    y, f_jvp, aux = dd.linearize(lambda x: (x**2, "aux"), 3.0, has_aux=True)
    assert (y, f_jvp(2.0), aux) == (9.0, 12.0, "aux")
    # over an outer call
    got = dd.grad(lambda x: dd.linearize(np.sin, x)[1](x * x))(0.7)
    assert got == pytest.approx(2 * 0.7 * np.cos(0.7) - 0.49 * np.sin(0.7), rel=1e-14)


def test_linearize_complex():
    f = lambda z: np.real(z) ** 2 + 1j * z  # noqa: E731
    z, v = np.array([1 + 2j, 0.5j]), np.array([0.3 - 1j, 2.0 + 0j])
    np.testing.assert_allclose(dd.linearize(f, z)[1](v), dd.jvp(f, (z,), (v,))[1], rtol=1e-15)


# ---- nesting ---------------------------------------------------------------------------------


def test_any_transform_in_any_other():
    def inner(name, x):
        if name == "hvp":
            return dd.hvp(scalar, (x,), (x,))
        if name in ("linearize", "jvps"):
            return (dd.linearize(scalar, x)[1](x * x) if name == "linearize" else
                    dd.jvps(scalar, (x,), (np.stack([x, x * x]),))[1])
        return getattr(dd, name)(field if name == "divergence" else scalar)(x)

    names = ["grad", "jacfwd", "hessian", "hessian_diag", "laplacian", "divergence", "hvp",
             "linearize", "jvps"]
    eps = 1e-5
    v = rng.normal(size=4)
    for name in names:
        f = lambda x, name=name: np.sum(np.asarray(inner(name, x)) ** 2) if not (  # noqa: E731
            isinstance(x, dd._taylor.Taylor)) else np.sum(inner(name, x) ** 2)
        got = dd.jacfwd(f)(X)
        slope = (f(X + eps * v) - f(X - eps * v)) / (2 * eps)
        assert got @ v == pytest.approx(slope, rel=1e-6), name
        h = dd.hessian(f)(X)
        np.testing.assert_array_equal(h, h.T)
        np.testing.assert_allclose(h, dd.jacfwd(dd.grad(f))(X), rtol=1e-11, atol=1e-11)
        chunked = dd.hessian(f, chunk_size=3)(X)
        np.testing.assert_array_equal(h, chunked)


# ---- many points ---------------------------------------------------------------------------


def potential(x):
    """Of one point x of shape (3,), or of points in leading axes."""
    return np.exp(x[..., 0] * x[..., 1]) * np.sin(x[..., 2]) + x[..., 0] ** 3


@pytest.mark.parametrize("make", [
    dd.grad, dd.jacfwd, dd.hessian, dd.hessian_diag, dd.laplacian,
    lambda f, **kw: dd.derivative_tensor(f, 3, **kw)])
@pytest.mark.parametrize("batch", [(6,), (2, 3)])
def test_batches_are_the_points_one_by_one(make, batch):
    x = rng.normal(size=(*batch, 3))
    axes = tuple(range(len(batch)))
    got = make(potential, batch_axes=axes)(x)
    for q in np.ndindex(*batch):
        np.testing.assert_allclose(got[q], make(potential)(x[q]), rtol=1e-14, atol=1e-15)
    first = lambda x: potential(np.transpose(x, (*range(1, x.ndim), 0)))  # noqa: E731
    last = make(first, batch_axes=tuple(-1 - a for a in axes))(np.moveaxis(x, -1, 0))
    point = got.ndim - len(batch)
    np.testing.assert_array_equal(last, np.moveaxis(got, range(len(batch)),
                                                    range(point, got.ndim)))
    chunked = make(potential, batch_axes=axes, chunk_size=2)(x)
    np.testing.assert_array_equal(got, chunked)


def test_batches_of_several_inputs_that_broadcast():
    f = lambda s, k, r: np.exp(-r) * s * np.tanh(k / s)  # noqa: E731
    s, k, r = np.linspace(1, 2, 4)[:, None], np.linspace(0.5, 1, 3), 0.05
    g = dd.grad(f, (0, 1, 2), batch_axes=(-2, -1))
    with pytest.raises(ValueError, match="argument 1 has shape .3,., without the axes"):
        g(s, k, r)
    g = g(s, k[None], r)
    h = dd.hessian(f, (0, 1, 2), batch_axes=(0, 1))(s, k[None], r)
    assert all(a.shape == (4, 3) for a in g)
    for i, j in np.ndindex(4, 3):
        want = dd.grad(f, (0, 1, 2))(s[i, 0], k[j], r)
        np.testing.assert_allclose([a[i, j] for a in g], want, rtol=1e-14)
        want = dd.hessian(f, (0, 1, 2))(s[i, 0], k[j], r)
        np.testing.assert_allclose([[a[i, j] for a in b] for b in h], want, rtol=1e-13)
    v, g2 = dd.value_and_grad(f, (0, 1, 2), batch_axes=(0, 1))(s, k[None], r)
    np.testing.assert_array_equal(v, f(s, k, r))


def test_batched_vector_results():
    f = lambda x: np.stack([x[..., 0] * x[..., 1], np.sin(x[..., 2])], -1)  # noqa: E731
    x = rng.normal(size=(5, 3))
    j = dd.jacfwd(f, batch_axes=0)(x)
    assert j.shape == (5, 2, 3)
    for q in range(5):
        np.testing.assert_array_equal(j[q], dd.jacfwd(f)(x[q]))
    v, g, h = dd.value_grad_and_hessian(potential, batch_axes=0)(x)
    assert (v.shape, g.shape, h.shape) == ((5,), (5, 3), (5, 3, 3))
    field = lambda x: np.transpose(rotor(np.transpose(x)))  # noqa: E731
    d, c = dd.divergence(field, batch_axes=0)(x), dd.curl(field, batch_axes=0)(x)
    for q in range(5):
        assert d[q] == pytest.approx(dd.divergence(rotor)(x[q]), rel=1e-14, abs=1e-15)
        np.testing.assert_allclose(c[q], dd.curl(rotor)(x[q]), rtol=1e-14)


# ---- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize("error, make, words", [
    (TypeError, lambda: dd.jacfwd(3.0), r"jacfwd expected a function .* write jacfwd\(f\)\(x\)"),
    (TypeError, lambda: dd.jacfwd(np.sin, 2)(X), "argnums names argument 2"),
    (TypeError, lambda: dd.jacfwd(np.sin)(3), "got dtype int64; make it a float"),
    (TypeError, lambda: dd.jacfwd(np.sin)(3j), "expected a real input.*holomorphic=True"),
    (TypeError, lambda: dd.jacfwd(lambda x: "s")(X), "return numbers, got str"),
    (TypeError, lambda: dd.hessian(lambda x: [x, None, {"k": "s"}])(X),
     r"got str in the result\[2\]\['k'\]"),
    (TypeError, lambda: dd.value_grad_and_hessian(np.sin)(X),
     r"got shape \(4,\); sum it, or use value_and_jacfwd and hessian"),
    (TypeError, lambda: dd.derivative_tensor(np.sin, 1.5), "order to be an integer, got 1.5"),
    (ValueError, lambda: dd.derivative_tensor(np.sin, -1), "order to be 0 or more, got -1"),
    (TypeError, lambda: dd.divergence(scalar)(X), "as many components as inputs, 4, got 1"),
    (TypeError, lambda: dd.curl(field)(X), "curl expected a field in 3 or 2 dimensions, got 4"),
    (TypeError, lambda: dd.hvp(field, (X,), (X,)),
     r"hvp expected a function with a scalar result, got shape \(4,\)"),
    (TypeError, lambda: dd.hvp(scalar, (X,), (X,), 3), "hvp: argnums names argument 3"),
    (TypeError, lambda: dd.hvp(scalar, (X,), (X, X)), "hvp expected tangents of the structure"),
    (TypeError, lambda: dd.hvp(scalar, (X,), (X.astype("f"),)), "dtype float64, .* got float32"),
    (TypeError, lambda: dd.grad(scalar, True), "argnums to be an int or a tuple of ints, got True"),
    (TypeError, lambda: dd.hessian(scalar, (0, False)), "argnums to be an int or a tuple of ints"),
    (TypeError, lambda: dd.hessian(scalar, -2)(X), "argnums names argument -2"),
    (ValueError, lambda: dd.jacfwd(np.add, (0, -2))(1.0, 2.0), "names one argument twice"),
    (TypeError, lambda: dd.jacfwd(lambda x: (x, x, x), has_aux=True)(X), "got tuple of length 3"),
    (TypeError, lambda: dd.hessian(scalar)(X * 1j), "hessian: argument 0 expected a real input"),
    (TypeError, lambda: dd.derivative_tensor(scalar, "2"), "order to be an integer, got '2'"),
    (ValueError, lambda: dd.derivative_tensor(scalar, 64), "order to be at most 63, got 64"),
    (TypeError, lambda: dd.hvp(scalar, X, X), "hvp expected primals to be a tuple or a list"),
    (TypeError, lambda: dd.jvps(field, (X,), (1.0,)), "an axis in front that numbers"),
    (TypeError, lambda: dd.jvps(field, (X,), (X,)), r"to have shape \(4,\).*got \(\)"),
    (TypeError, lambda: dd.jvps(np.add, (X, 1.0), (np.ones((2, 4)), np.ones(3))),
     r"one number of directions in all tangents, got \[2, 3\]"),
    (TypeError, lambda: dd.linearize(np.sin, X)[1](1.0, 2.0), "tangents of the structure"),
    (TypeError, lambda: dd.linearize(np.sin, X)[1](1.0), r"tangents\[0\] to have shape \(4,\)"),
    (TypeError, lambda: dd.linearize(np.sin, "x"), "linearize: .* expected numbers"),
    (TypeError, lambda: dd.grad(lambda x: np.sum(x), batch_axes=0)(np.ones((5, 3))),
     r"one number for each point, shape \(5,\), got shape \(\); let it reduce"),
    (TypeError, lambda: dd.jacfwd(lambda x: x[:2], batch_axes=0)(np.ones((5, 3))),
     r"shape \(5,\) along axes \(0,\), got shape \(2, 3\)"),
    (ValueError, lambda: dd.grad(np.add, (0, 1), batch_axes=0)(np.ones(3), np.ones(4)),
     r"do not broadcast \(argument 0: \(3,\), argument 1: \(4,\)\)"),
])
def test_messages(error, make, words):
    with pytest.raises(error, match=words):
        make()


# ---- JAX ----------------------------------------------------------------------------------------


def test_against_jax():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy

    def f(p, x, xp):
        return {"y": xp.tanh(p["w"] @ x + p["b"]), "s": (xp.sum(x**3) * p["b"],)}

    p, x = {"w": A[:2], "b": 0.3}, X
    with jax.enable_x64(True):
        for name in ("jacfwd", "jacrev", "hessian"):
            want = getattr(jax, name)(lambda p, x: f(p, x, jnp), (0, 1))(p, x)
            got = getattr(dd, name)(lambda p, x: f(p, x, np), (0, 1))(p, x)
            assert tree_structure(got) == tree_structure(tree_map(np.asarray, want))
            tree_map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13), got,
                     want)
        y, lin = jax.linearize(lambda p, x: f(p, x, jnp), p, x)
        want = lin(p, x)
        got = dd.linearize(lambda p, x: f(p, x, np), p, x)[1](p, x)
        tree_map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), got, want)
