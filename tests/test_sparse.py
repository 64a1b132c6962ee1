"""Sparse Jacobians and Hessians: against dense ones, by both methods, and their patterns."""

import sys

import numpy as np
import pytest
from tolerances import assert_close

import dualdiff
from dualdiff import (
    grad,
    hessian,
    hessian_sparsity,
    jacfwd,
    jacobian_sparsity,
    jvp,
    memory_budget,
    set_lanes,
    sparse_hessian,
    sparse_jacobian,
)

RNG = np.random.default_rng(12)
BAND = np.eye(9) + np.diag(RNG.uniform(size=8), 1) - np.diag(RNG.uniform(size=7), -2)


def dense(triplets, shape):
    data, rows, cols = triplets
    assert data.ndim == 1 and data.shape == rows.shape == cols.shape
    key = rows * max(shape[1], 1) + cols
    assert np.all(np.diff(key) > 0), "sorted by row and column, no position twice"
    out = np.zeros(shape, data.dtype)
    out[rows, cols] = data
    return out


def loop(x):
    return np.stack([x[i] * x[(i + 2) % len(x)] for i in range(len(x))])


def assigned(x):
    y = np.zeros_like(x)
    y[1:] = x[:-1] ** 2
    y[:3] += x[4:7]
    y[5] = 2.0
    return y


VECTOR = {  # functions of nine numbers
    "elementwise": lambda x: np.exp(x) * x,
    "neighbours": lambda x: x[1:] * x[:-1] ** 2,
    "reversed": lambda x: x * x[::-1],
    "roll": lambda x: np.roll(x, 1) - 2 * x + np.roll(x, -1) + x**3,
    "diff": lambda x: np.diff(x, 2) * x[1:-1],
    "grid": lambda x: np.roll(x.reshape(3, 3), 1, axis=0).T * x.reshape(3, 3),
    "pad": lambda x: np.pad(x * x, 2)[1:] ** 2,
    "where": lambda x: np.where(x > 0, np.sin(x), x[::-1] * x[0]),
    "constants": lambda x: np.where(np.arange(9) % 2 == 0, x * x[3], 1.0),
    "concatenate": lambda x: np.concatenate([x[:1] ** 2, np.ones(2), x[1:] * x[:-1]]),
    "sort": lambda x: np.sort(x) * x,
    "max": lambda x: np.stack([np.max(x), x[0] * x[1]]),
    "loop": loop,
    "assigned": assigned,
    "gather": lambda x: x[np.array([0, 0, 5, 8, 1])] * x[np.array([0, 3, 4, 8, 2])],
    "band": lambda x: BAND @ np.sin(x),
    "scalar": lambda x: np.sum(np.sin(x[2:5]) * x[3:6]),
    "dense": lambda x: np.cumsum(x) * np.sum(x * x),
    "constant": lambda x: np.ones((2, 2)),
    "integers": lambda x: np.arange(3),
    "tree": lambda x: {"b": x[:2] ** 2, "a": (x[0] * x[8], np.float64(3.0)), "c": np.sum(x[4:6])},
    "element": lambda x: x[3] ** 2,
    "axis": lambda x: np.sum(x.reshape(3, 3) ** 2, axis=0) * x[:3],
}


def flat(tree, n):
    """The dense Jacobian of any result as one matrix."""
    leaves = dualdiff.tree_util.tree_leaves(tree)
    return np.concatenate([np.reshape(leaf, (-1, n)) for leaf in leaves])


@pytest.mark.parametrize("method", ["auto", "lanes", "colouring"])
@pytest.mark.parametrize("name", VECTOR)
def test_jacobian_is_the_dense_one(name, method):
    f, x = VECTOR[name], RNG.uniform(-1, 1, 9)
    want = flat(jacfwd(f)(x), 9)
    got = sparse_jacobian(f, method=method, format="triplets")(x)
    assert_close(dense(got, want.shape), want, scale=np.abs(want).max())
    assert np.count_nonzero(want) <= len(got[0])


SCALAR = {
    **{name: lambda x, f=f: np.sum(np.concatenate([
        np.ravel(v) for v in dualdiff.tree_util.tree_leaves(f(x))]) ** 2)
       for name, f in VECTOR.items() if name not in ("integers", "tree")},
    "rosenbrock": lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "two sums": lambda x: np.sum(x[1:] ** 3) - 2.0 * np.mean(x[:4] * x[4:8]) / 3.0 + x[0],
    "product of sums": lambda x: np.sum(x[:3]) * np.sum(x[2:5] ** 2),
    "dot": lambda x: x[1:] @ np.sin(x[:-1]),
    "one term": lambda x: x[2] * x[7] ** 2,
    "itself": lambda x: np.sum(x * x[::-1]) + np.sum(x[[1, 1, 2]] * x[[1, 2, 2]]),
    "nothing": lambda x: 1.0,
    "linear": lambda x: np.sum(x),
    "quadratic": lambda x: x @ BAND @ x,
    "outer": lambda x: np.log(np.sum(np.exp(x))),
}


@pytest.mark.parametrize("method", ["auto", "lanes", "colouring"])
@pytest.mark.parametrize("name", SCALAR)
def test_hessian_is_the_dense_one(name, method):
    f, x = SCALAR[name], RNG.uniform(-1, 1, 9)
    want = hessian(f)(x)
    got = dense(sparse_hessian(f, method=method, format="triplets")(x), (9, 9))
    assert_close(got, want, order=2, scale=np.abs(want).max())
    assert np.array_equal(got, got.T)


@pytest.mark.parametrize("n", [40, 700])
@pytest.mark.parametrize("method", ["lanes", "colouring"])
def test_larger_ones_by_both_methods(n, method):
    x = RNG.uniform(-1, 1, n)
    f = VECTOR["roll"]
    want = jacfwd(f)(x)
    got = sparse_jacobian(f, method=method, format="triplets")(x)
    assert_close(dense(got, (n, n)), want, scale=np.abs(want).max())
    assert len(got[0]) == 3 * n
    if n == 700 and method == "colouring":
        return
    g = SCALAR["rosenbrock"]
    got = sparse_hessian(g, method=method, format="triplets")(x)
    assert_close(dense(got, (n, n)), hessian(g)(x), order=2, scale=1200.0)
    assert len(got[0]) == 3 * n - 2


# ---- what comes in and goes out ----------------------------------------------------------------


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "lil"])
def test_formats_of_scipy(format):
    sparse = pytest.importorskip("scipy.sparse")
    x = RNG.uniform(-1, 1, 9)
    got = sparse_jacobian(VECTOR["roll"], format=format)(x)
    assert got.format == format and isinstance(got, sparse.sparray)
    assert_close(got.toarray(), jacfwd(VECTOR["roll"])(x), scale=1.0)
    h = sparse_hessian(SCALAR["rosenbrock"])(x)
    assert h.format == "csr" and h.indices.dtype == np.int32
    h.check_format(full_check=True)
    assert h.has_canonical_format and h.copy().has_canonical_format
    assert (h != h.T).nnz == 0


def test_pytrees_and_several_arguments():
    def f(p, scale, z):
        return {"u": p["a"] * z, "v": scale * p["b"][0].reshape(-1) ** 2}

    p = {"a": RNG.uniform(size=3), "b": [RNG.uniform(size=(2, 2))]}
    z = np.array([1.0, -2.0, 0.5])
    got = dense(sparse_jacobian(f, (2, 0), format="triplets")(p, 3.0, z), (7, 10))
    j = jacfwd(f, (2, 0))(p, 3.0, z)
    want = np.zeros((7, 10))
    for rows, key in ((slice(0, 3), "u"), (slice(3, 7), "v")):
        by_z, by_p = j[key]
        want[rows] = np.concatenate([np.reshape(a, (rows.stop - rows.start, -1)) for a in (
            by_z, by_p["a"], by_p["b"][0])], axis=1)
    assert_close(got, want, scale=1.0)

    def energy(p, scale, z):
        return np.sum(f(p, scale, z)["v"]) + np.sum(p["a"][1:] * z[:-1] ** 2)

    h = dense(sparse_hessian(energy, (2, 0), format="triplets")(p, 3.0, z), (10, 10))
    blocks = hessian(energy, (2, 0))(p, 3.0, z)
    assert_close(h[:3, :3], blocks[0][0], scale=1.0)
    assert_close(h[:3, 3:6], blocks[0][1]["a"], scale=1.0)
    assert_close(h[6:, 6:], blocks[1]["b"][0][1]["b"][0].reshape(4, 4), scale=1.0)


@pytest.mark.parametrize("method", ["lanes", "colouring"])
def test_empty_and_single(method):
    for f, x, shape in ((np.sin, np.float64(2.0), (1, 1)), (np.sin, 2.0, (1, 1)),
                        (np.sin, np.zeros(0), (0, 0)), (np.sum, np.zeros(0), (1, 0)),
                        (lambda x: x[:0], np.ones(3), (0, 3)), (lambda x: (), np.ones(2), (0, 2)),
                        (lambda x: [], np.zeros(0), (0, 0))):
        got = dense(sparse_jacobian(f, method=method, format="triplets")(x), shape)
        if shape == (1, 1):
            assert_close(got, [[np.cos(2.0)]])
        if "scipy.sparse" in sys.modules:
            assert sparse_jacobian(f, method=method)(x).shape == shape
    assert len(sparse_hessian(np.sum, method=method, format="triplets")(np.zeros((0, 2)))[0]) == 0
    got = sparse_hessian(lambda x: x**3, method=method, format="triplets")(2.0)
    assert [a.tolist() for a in got] == [[12.0], [0], [0]]
    got = sparse_hessian(lambda x: np.sum(x**3), method=method, format="triplets")(np.ones((1, 1)))
    assert [a.tolist() for a in got] == [[6.0], [0], [0]]


@pytest.mark.parametrize("method", ["lanes", "colouring"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_types_of_numbers(dtype, method):
    x = RNG.uniform(0.2, 1, 9).astype(dtype)
    f = VECTOR["neighbours"]
    got = sparse_jacobian(f, method=method, format="triplets")(x)
    assert got[0].dtype == dtype
    assert_close(dense(got, (8, 9)), jacfwd(f)(x), dtype=dtype, scale=1.0)
    h = sparse_hessian(lambda x: np.sum(f(x)), method=method, format="triplets")(x)
    assert h[0].dtype == dtype
    assert_close(dense(h, (9, 9)), hessian(lambda x: np.sum(f(x)))(x), order=2, dtype=dtype,
                 scale=2.0)


@pytest.mark.parametrize("method", ["lanes", "colouring"])
def test_holomorphic(method):
    z = RNG.uniform(size=5) + 1j * RNG.uniform(size=5)
    f = VECTOR["neighbours"]
    got = sparse_jacobian(f, holomorphic=True, method=method, format="triplets")(z)
    assert_close(dense(got, (4, 5)), jacfwd(f, holomorphic=True)(z), scale=2.0)
    with pytest.raises(TypeError, match="pass holomorphic=True"):
        sparse_jacobian(f, method=method)(z)


@pytest.mark.parametrize("method", ["lanes", "colouring"])
def test_aux_and_keywords(method):
    def f(x, *, k):
        return x[1:] ** k, {"sum": np.sum(x), "label": "a"}

    x = np.arange(1.0, 5.0)
    got, aux = sparse_jacobian(f, has_aux=True, method=method, format="triplets")(x, k=2)
    assert_close(got[0], 2 * x[1:])
    assert type(aux["sum"]) is np.float64 and aux == {"sum": 10.0, "label": "a"}
    got, aux = sparse_hessian(lambda x, k: (np.sum(f(x, k=k)[0]), k), has_aux=True, method=method,
                              format="triplets")(x, k=2)
    assert_close(got[0][np.flatnonzero(got[0])], [2.0, 2.0, 2.0])
    assert aux == 2


@pytest.mark.parametrize("method", ["lanes", "colouring"])
def test_inside_other_derivatives(method):
    x, v = RNG.uniform(size=6), RNG.uniform(size=6)
    f = lambda x: x[1:] ** 2 * np.sin(x[:-1])

    def entries(x):
        return sparse_jacobian(f, method=method, format="triplets")(x)[0]

    _, rows, cols = sparse_jacobian(f, format="triplets")(x)
    want = jvp(jacfwd(f), (x,), (v,))[1][rows, cols]
    assert_close(jvp(entries, (x,), (v,))[1], want, scale=2.0)
    assert_close(jacfwd(entries)(x) @ v, want, order=2, scale=2.0)

    def second(x):
        data, rows, cols = sparse_hessian(lambda x: np.sum(f(x)), method=method,
                                          format="triplets")(x)
        return np.sum(data * v[rows] * v[cols])

    assert_close(grad(second)(x), grad(lambda x: v @ hessian(lambda x: np.sum(f(x)))(x) @ v)(x),
                 order=3, scale=10.0)
    pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="inside another derivative.*format='triplets'"):
        jvp(lambda x: sparse_jacobian(f, method=method)(x), (x,), (v,))


def test_without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    f = sparse_jacobian(np.sin)
    with pytest.raises(ImportError, match=r"sparse_jacobian needs SciPy for format='csr'.*"
                                          r"dualdiff-ad\[sparse\].*format='triplets'"):
        f(np.ones(2))
    assert len(sparse_jacobian(np.sin, format="triplets")(np.ones(2))) == 3


# ---- patterns ----------------------------------------------------------------


def positions(triplets):
    return set(zip(triplets[1].tolist(), triplets[2].tolist(), strict=True))


@pytest.mark.lanes("auto", "always", reason="patterns found for colours leave out what is zero")
def test_pattern_does_not_depend_on_values():
    """At zero every entry of these is zero, and there all the same."""
    zeros = np.zeros(40)
    for x in (zeros, zeros[:9]):
        n = len(x)
        data, rows, cols = jacobian_sparsity(VECTOR["neighbours"], format="triplets")(x)
        assert data.dtype == bool and data.all()
        assert positions((data, rows, cols)) == {(i, i + k) for i in range(n - 1) for k in (0, 1)}
        got = hessian_sparsity(lambda x: np.sum(x[1:] ** 2 * x[:-1] ** 2), format="triplets")(x)
        assert positions(got) == {(i, j) for i in range(n) for j in range(n) if abs(i - j) <= 1}
        assert hessian_sparsity(lambda x: np.sum(x**3), format="triplets")(x)[1].size == n


@pytest.mark.parametrize("f, here", [
    (lambda x: np.where(x > 0, x, x[::-1]), {(0, 0), (1, 2), (2, 2), (3, 3)}),
    (lambda x: np.sort(x), {(0, 1), (1, 0), (2, 2), (3, 3)}),
    (lambda x: np.max(x.reshape(2, 2), axis=1), {(0, 0), (1, 3)}),
    (lambda x: np.maximum(x, x[::-1]), {(i, j) for i in range(4) for j in (i, 3 - i)})])
def test_patterns_at_a_point_and_safe_ones(f, here):
    """What is not taken leaves no trace; the union with other points holds at all of them."""
    x, there = np.array([1.0, -2.0, 3.0, 4.0]), np.array([-1.0, 5.0, 2.0, -3.0])
    found = jacobian_sparsity(f, format="triplets", method="lanes")
    assert positions(found(x)) == here
    both = jacobian_sparsity(f, format="triplets", method="lanes", also_at=[there])(x)
    assert positions(both) == here | positions(found(there))
    safe = sparse_jacobian(f, format="triplets", pattern=both)
    for point in (x, there):
        data, rows, cols = safe(point)
        assert set(zip(rows.tolist(), cols.tolist(), strict=True)) == positions(both)
        full = np.zeros((len(f(point)), 4))
        full[rows, cols] = data
        np.testing.assert_array_equal(full, jacfwd(f)(point))
    if here != positions(found(there)):
        with pytest.raises(ValueError, match="pattern"):
            sparse_jacobian(f, format="triplets", pattern=found(x))(there)


def test_added_elements_leave_no_trace():
    x = RNG.uniform(size=30)
    for f in (lambda x: np.pad(x, 3), lambda x: np.where(np.arange(30) < 10, x, 2.0)[:, None],
              lambda x: np.concatenate([np.ones(4), x, x[:2]]) + 0.0):
        _, rows, cols = jacobian_sparsity(f, format="triplets")(x)
        assert np.count_nonzero(cols == 0) <= 2
        _, rows, cols = hessian_sparsity(lambda x, f=f: np.sum(f(x) ** 2), format="triplets")(x)
        assert np.array_equal(rows, cols)


def test_union_over_points():
    f = lambda x: np.where(x > 0, x**2, x[::-1])
    up, down = np.ones(6), -np.ones(6)
    both = {(i, i) for i in range(6)} | {(i, 5 - i) for i in range(6)}
    assert positions(jacobian_sparsity(f, format="triplets")(up)) == {(i, i) for i in range(6)}
    for also_at in ([(down,)], [down], [(down,), (up,)]):
        got = jacobian_sparsity(f, format="triplets", also_at=also_at)(up)
        assert positions(got) == both
    g = lambda x: np.sum(np.where(x > 0, x * x, x * x[::-1]))
    assert positions(hessian_sparsity(g, format="triplets", also_at=[down])(up)) == both
    pytest.importorskip("scipy.sparse")
    p = jacobian_sparsity(f, also_at=[down])(up)
    assert p.dtype == bool and p.nnz == 12
    with pytest.raises(ValueError, match="derivatives of one shape at all points of also_at"):
        jacobian_sparsity(f, also_at=[np.ones(4)])(up)


@pytest.mark.parametrize("method", ["lanes", "colouring"])
def test_pattern_given(method):
    f = lambda x: np.where(x > 0, x**2, x[::-1])
    up, down = np.ones(6), -np.arange(1.0, 7.0)
    p = jacobian_sparsity(f, format="triplets", also_at=[down])(up)
    full = np.eye(6, dtype=bool) | np.eye(6, dtype=bool)[::-1]
    givens = [p, full]
    if "scipy.sparse" in sys.modules:
        givens += [sys.modules["scipy.sparse"].coo_array(full),
                   sys.modules["scipy.sparse"].csc_matrix(full)]
    for pattern in givens:
        j = sparse_jacobian(f, pattern=pattern, method=method, format="triplets")
        for x in (up, down, up):
            got = j(x)
            assert positions(got) == positions(p)
            assert_close(dense(got, (6, 6)), jacfwd(f)(x))
    h = sparse_hessian(lambda x: np.sum(f(x) ** 2), pattern=p, method=method, format="triplets")
    assert_close(dense(h(up), (6, 6)), hessian(lambda x: np.sum(f(x) ** 2))(up))
    small = sparse_jacobian(f, pattern=np.eye(6), method=method, format="triplets")
    assert len(small(up)[0]) == 6
    with pytest.raises(ValueError, match="pattern leaves out entries.*jacobian_sparsity"):
        small(down)
    grown = sparse_jacobian(lambda x: np.append(x, 1.0), pattern=p, method=method,
                            format="triplets")
    assert positions(grown(up)) == positions(p)


@pytest.mark.parametrize("method", ["lanes", "colouring"])
def test_bad_patterns(method):
    x = np.ones(4)
    cases = [
        (np.ones((4, 3)), ValueError, "pattern has 3 columns, but there are 4 inputs"),
        (np.ones((3, 4)), ValueError, r"pattern has shape \(3, 4\).*has shape \(4, 4\)"),
        (([1], [0], [7]), ValueError, "pattern has 8 columns"),
        (([1], [-1], [0]), ValueError, "negative rows"),
        (([1], [0.5], [0]), TypeError, "two arrays of integers"),
        (np.ones(4), TypeError, r"sparse or dense matrix, or \(data, rows, cols\)"),
    ]
    for pattern, error, message in cases:
        with pytest.raises(error, match=message):
            sparse_jacobian(np.sin, pattern=pattern, method=method, format="triplets")(x)
    with pytest.raises(ValueError, match=r"symmetric pattern; give P \+ P.T"):
        sparse_hessian(np.sum, pattern=np.triu(np.ones((4, 4))), method=method)(x)


# ---- errors ----------------------------------------------------------------


def test_wrong_use_is_refused():
    x = np.ones(3)
    with pytest.raises(ValueError, match="sparse_jacobian expected format.*'triplets'; got 'cool'"):
        sparse_jacobian(np.sin, format="cool")
    with pytest.raises(ValueError, match="method to be one of 'auto', 'lanes', 'colouring'"):
        sparse_hessian(np.sum, method="fast")
    with pytest.raises(TypeError, match=r"write sparse_jacobian\(f\)\(x\)"):
        sparse_jacobian(np.ones(3))
    for method in ("lanes", "colouring"):
        with pytest.raises(TypeError, match=r"sparse_hessian expected.*scalar result, got shape "
                                            r"\(3,\); sum it, or use sparse_jacobian"):
            sparse_hessian(np.sin, method=method)(x)
        with pytest.raises(TypeError, match="make it a float"):
            sparse_jacobian(np.sin, method=method)(np.arange(3))
        with pytest.raises(TypeError, match="expected the function to return numbers"):
            sparse_jacobian(lambda x: "a", method=method)(x)


def test_it_can_be_pickled_and_bound():
    import pickle

    x = np.arange(3.0)
    got = pickle.loads(pickle.dumps(sparse_jacobian(np.diff, format="triplets")))(x)
    assert positions(got) == {(0, 0), (0, 1), (1, 1), (1, 2)}
    assert "sparse_jacobian" in repr(sparse_jacobian(np.diff))


# ---- one method for the other ----------------------------------------------------------------


def coupled(x):
    """Rows of four from a batch of small matrices: numpy.linalg keeps no local structure."""
    a = np.sin(x).reshape(-1, 2, 2) + 3 * np.eye(2)
    return np.linalg.inv(a).reshape(-1)


def test_colours_where_structure_is_lost():
    x = RNG.uniform(size=4 * 40)
    calls = []

    def f(x):
        calls.append(1)
        return coupled(x)

    want = jacfwd(coupled)(x)
    before = memory_budget(200_000)
    try:
        j = sparse_jacobian(f, format="triplets")
        got = j(x)
        first, calls[:] = len(calls), []
        again = j(x + 0.1)
    finally:
        memory_budget(before)
    assert_close(dense(got, want.shape), want, scale=1.0)
    assert len(got[0]) == 4 * len(x) and j.plan.count == 4
    assert 3 <= first <= 12 and len(calls) <= 2
    assert_close(dense(again, want.shape), jacfwd(coupled)(x + 0.1), scale=1.0)


def test_a_plan_that_no_longer_fits_is_noticed():
    f = lambda x: np.where(x[0] > 0, BAND @ x, BAND.T @ x**2)
    j = sparse_jacobian(f, method="colouring", format="triplets")
    for sign in (1.0, -1.0, 1.0):
        x = sign * RNG.uniform(0.5, 1, 9)
        want = jacfwd(f)(x)
        assert_close(dense(j(x), want.shape), want, scale=2.0)


def test_setting_of_lanes_is_followed():
    f, x = VECTOR["roll"], RNG.uniform(size=9)
    for mode in ("never", "always", "auto"):
        before = set_lanes(mode)
        try:
            j = sparse_jacobian(f, format="triplets")
            got = j(x)
        finally:
            set_lanes(before)
        assert (j.plan is None) == (mode != "never")
        assert_close(dense(got, (9, 9)), jacfwd(f)(x), scale=1.0)


def test_jax_agrees():
    jax = pytest.importorskip("jax")
    x = RNG.uniform(-1, 1, 9)
    with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():
        import jax.numpy as jnp

        def f(x, np=np):
            return np.roll(x, 1) * np.sin(x) + np.where(x > 0, x[::-1] ** 2, 1.0)

        want = np.asarray(jax.jacfwd(lambda x: f(x, jnp))(jnp.asarray(x)))
        want2 = np.asarray(jax.hessian(lambda x: jnp.sum(f(x, jnp) ** 2))(jnp.asarray(x)))
    for method in ("lanes", "colouring"):
        got = sparse_jacobian(f, method=method, format="triplets")(x)
        assert_close(dense(got, (9, 9)), want, scale=1.0)
        got = sparse_hessian(lambda x: np.sum(f(x) ** 2), method=method, format="triplets")(x)
        assert_close(dense(got, (9, 9)), want2, order=2, scale=np.abs(want2).max())


def test_diagonals_and_entries_give_the_same():
    """Pairs that are equally far apart everywhere go another way than others."""
    n = 50
    x = RNG.uniform(-1, 1, n)
    upright = lambda x: x[2:] * x[:-2] ** 2 + np.pad(x, 1)[4:] ** 2 * x[1:-1] * x[0]
    order = RNG.permutation(n - 2)
    for f in (upright, lambda x: x[::-1][2:] ** 2 * x[::-1][:-2] + x[2:], lambda x: x**3 * x,
              lambda x: x.reshape(5, 10)[1:, 1:] * x.reshape(5, 10)[:-1, :-1] ** 2):
        ways = []
        for mixed in (lambda y: y, lambda y: np.concatenate([y, 0.0 * y[::-1]])):
            g = lambda x, f=f, mixed=mixed: np.sum(mixed(np.reshape(f(x), -1)))
            got = dense(sparse_hessian(g, format="triplets")(x), (n, n))
            assert_close(got, hessian(g)(x), order=2, scale=10.0)
            ways.append(got)
        assert_close(ways[0], ways[1], order=2, scale=10.0)
    g = lambda x: np.sum(upright(x)[order])
    assert_close(dense(sparse_hessian(g, format="triplets")(x), (n, n)), hessian(g)(x), order=2,
                 scale=10.0)
