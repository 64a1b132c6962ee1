"""Products of numbers with constant matrices of scipy.sparse: x @ A, np.matmul, np.dot.

Oracle: the same product with the dense matrix; the matrix itself as Jacobian.
"""

import numpy as np
import pytest
from tolerances import assert_close

from dualdiff import derivatives, grad, hessian, jacfwd, jvp, sparse_hessian, sparse_jacobian
from dualdiff._lane_forms import NARROW
from dualdiff._seeding import Call, set_lanes
from dualdiff._taylor import is_laned

sparse = pytest.importorskip("scipy.sparse")

FORMATS = ("csr", "csc", "coo", "dia", "lil", "bsr", "dok")
RNG = np.random.default_rng(4)
X = np.linspace(0.1, 1.0, 40)
PLAIN = np.where(RNG.random((25, 40)) < 0.06, RNG.normal(size=(25, 40)), 0.0)
PLAIN[3] = 0.0  # a row without entries

PRODUCTS = {
    "x @ A.T": lambda x, A: (x * x) @ A.T,
    "x @ A": lambda x, A: np.sin(x[:25]) @ A,
    "matmul": lambda x, A: np.matmul(A, x * x),
    "dot": lambda x, A: np.dot(A, np.exp(x)),
    "matrix": lambda x, A: np.stack([x * x, np.sin(x)]) @ A.T,
    "from the left": lambda x, A: np.matmul(A, np.stack([x * x, np.sin(x)], 1)),
}


def made(format, array=True):
    return getattr(sparse, f"{format}_{'array' if array else 'matrix'}")(PLAIN)


@pytest.fixture(params=["always", "never"])
def lanes(request):
    before = set_lanes(request.param)
    yield request.param
    set_lanes(before)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_against_the_dense_matrix(name, format, lanes):
    f = PRODUCTS[name]
    for A in (made(format), made(format, array=False)):
        got, want = (lambda x, A=A: f(x, A)), (lambda x: f(x, PLAIN))
        assert_close(jacfwd(got)(X), jacfwd(want)(X), order=4, scale=10.0)
        scalar = [lambda x, g=g: np.sum(np.exp(g(x)) * g(x)) for g in (got, want)]
        for transform in (grad, hessian):
            mine, theirs = (transform(s)(X) for s in scalar)
            assert_close(mine, theirs, order=6, scale=max(1.0, np.abs(theirs).max()))
        assert_close(sparse_hessian(scalar[0])(X).toarray(), hessian(scalar[1])(X), order=6,
                     scale=np.abs(theirs).max())
        mine, theirs = (derivatives(lambda t, g=g: g(X * t), 3)(0.5) for g in (got, want))
        for k in range(4):
            assert_close(mine[k], theirs[k], order=6, scale=max(1.0, np.abs(theirs[k]).max()))
        mine, theirs = (jvp(lambda x, s=s: grad(s)(x), (X,), (np.sin(X),))[1] for s in scalar)
        assert_close(mine, theirs, order=8, scale=np.abs(theirs).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble, np.complex128])
def test_values_and_dtypes_are_those_of_scipy(dtype, lanes):
    A = made("csr").astype(dtype)
    x = X.astype(np.float32)
    for f in (lambda x: x @ A.T, lambda x: x[:25] @ A):
        with Call(40, 2, lanes == "always") as call:
            y = f(call.seed(x))
            np.testing.assert_array_equal(y.value, f(x))
            assert y.dtype == f(x).dtype and y.terms.dtype == y.dtype


@pytest.mark.parametrize("order", [1, 2, 3])
def test_lanes_are_those_of_the_entries(order):
    A = sparse.diags_array([np.ones(99), -2.0 * np.ones(100)], offsets=[-1, 0])
    with Call(100, order, True) as call:
        y = call.seed(np.linspace(0, 1, 100)) @ A.T
        assert is_laned(y)
    full = sparse.csr_array(np.ones((3, 100)))
    with Call(100, min(order, 2), True) as call:
        assert not is_laned(call.seed(np.linspace(0, 1, 100)) @ full.T)


def test_patterns_are_those_of_the_matrix():
    """No entry for what fills up short rows; entries for stored zeros, duplicates summed."""
    rows, cols = [0, 0, 0, 2, 5, 5], [1, 1, 4, 0, 7, 3]
    A = sparse.coo_array(([1.0, 2.0, 3.0, 0.0, 5.0, 6.0], (rows, cols)), shape=(6, 8))
    data, rows, cols = sparse_jacobian(lambda x: x @ A.T, format="triplets", method="lanes")(
        np.ones(8))
    assert list(zip(rows, cols, data, strict=True)) == [
        (0, 1, 3.0), (0, 4, 3.0), (2, 0, 0.0), (5, 3, 6.0), (5, 7, 5.0)]
    assert A.nnz == 6  # not summed in place


def test_zeros_beat_infinities(lanes):
    """A stored zero times an infinite derivative is zero."""
    A = sparse.csr_array(([0.0, 1.0], ([0, 1], [0, 1])), shape=(2, 20))
    x = np.ones(20)
    x[0] = 0.0
    with np.errstate(divide="ignore"):
        got = jacfwd(lambda x: np.sqrt(x) @ A.T)(x)
    want = np.zeros((2, 20))
    want[1, 1] = 0.5
    np.testing.assert_array_equal(got, want)


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
def test_large_matrices_cost_one_pass():
    """A few entries in a row: side by side; many: a transposed product, in a gradient."""
    n = 50_000
    x = np.linspace(0, 1, n)
    D = sparse.diags_array([np.ones(n - 1), -2.0 * np.ones(n), np.ones(n - 1)],
                           offsets=[-1, 0, 1]).tocsr()
    J = sparse_jacobian(lambda x: x @ D.T + np.sin(x))(x)
    assert abs(J - D - sparse.diags_array(np.cos(x))).max() < 1e-15
    H = sparse_hessian(lambda x: np.sum((x @ D.T) ** 4))(x)
    y = D @ x
    want = D.T @ sparse.diags_array(12 * y**2) @ D
    assert abs(H - want).max() < 1e-13
    cols = np.random.default_rng(0).integers(n, size=20 * n)
    B = sparse.csr_array((np.cos(cols), cols, np.arange(0, 20 * n + 1, 20)), shape=(n, n))
    assert 20 > NARROW
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(np.sin(x @ B.T) ** 2)

    got = grad(f)(x)
    np.testing.assert_allclose(got, B.T @ np.sin(2 * (B @ x)), rtol=1e-9, atol=1e-12)
    assert len(calls) == 1


def test_what_is_refused(lanes):
    A = made("csr")
    with pytest.raises(TypeError, match="expected one of two dimensions.*reshape"):
        jacfwd(lambda x: x.reshape(1, 1, 40) @ A.T)(X)
    with pytest.raises(ValueError, match="dimension mismatch"):
        jacfwd(lambda x: x @ A)(X)
    with pytest.raises(ValueError, match="unsupported data types"):  # SciPy's own: x @ A.T
        jacfwd(lambda x: A @ x)(X)


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
def test_long_rows_stay_sparse():
    """More entries in a row than numbers have local seeds elsewhere: one evaluation, no colours."""
    n, k, calls = 3_000, 90, []
    draws = np.random.default_rng(6)
    A = sparse.csr_array((draws.normal(size=n * k), draws.integers(0, n, n * k),
                          np.arange(0, n * k + 1, k)), shape=(n, n))
    x = np.linspace(-1.0, 1.0, n)

    def f(x):
        calls.append(1)
        return np.tanh(x @ A.T) * x

    got = sparse_jacobian(f)(x)
    assert len(calls) == 1
    y = np.tanh(A @ x)
    want = sparse.diags_array((1 - y * y) * x) @ A + sparse.diags_array(y)
    assert abs(got - want).max() < 1e-12
