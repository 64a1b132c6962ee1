"""Gradients through numpy.linalg by intermediate seeds (dualdiff/_lane_linalg.py): equal to the
dense ones, whose rows other tests compare with oracles."""

import numpy as np
import pytest
from test_steps import in_mode
from tolerances import assert_close

import dualdiff as dd
from dualdiff import grad, value_and_grad
from dualdiff._taylor import Taylor, is_laned

RNG = np.random.default_rng(4)
N = 5
A = RNG.normal(size=(N, N)) / 3 + 2 * np.eye(N)
B, V = RNG.normal(size=(N, 3)), RNG.normal(size=N)
STACK = RNG.normal(size=(2, N, N)) / 3 + 2 * np.eye(N)
INTEGERS = np.arange(9).reshape(3, 3) + 9 * np.eye(3, dtype=int)
P = RNG.normal(size=N * N)


def matrix(p):
    return A + 0.1 * p.reshape(N, N)


def spd(p):
    """A matrix of which the lower triangle depends on p, more than once."""
    return np.eye(N) * 4 + np.tril(p.reshape(N, N) * 0.3) + 0.2 * p[::-1].reshape(N, N).T


def rod(k):
    K = np.diag(k[:-1] + k[1:]) - np.diag(k[1:-1], 1) - np.diag(k[1:-1], -1)
    return np.sum(np.linalg.solve(K, np.ones(len(k) - 1)))


FUNCTIONS = {
    "solve": lambda p: np.sum(np.linalg.solve(matrix(p), V) ** 2),
    "right-hand side": lambda p: np.sum(np.sin(np.linalg.solve(A, p[:N] ** 2))),
    "columns": lambda p: np.sum(np.linalg.solve(matrix(p), B) ** 3),
    "columns on the right": lambda p: np.sum(np.cos(np.linalg.solve(A, p[:15].reshape(5, 3)))),
    "both": lambda p: np.sum(np.linalg.solve(matrix(p), np.sin(p[3:8])) ** 2),
    "both with columns": lambda p: np.sum(np.linalg.solve(matrix(p), np.sin(p[:10].reshape(5, 2)))),
    "the same number": lambda p: np.sum(np.linalg.solve(matrix(p), np.sin(matrix(p))) * A),
    "one column": lambda p: np.sum(np.linalg.solve(matrix(p), B[:, :1] * p[0])),
    "stacks": lambda p: np.sum(np.linalg.solve(STACK * (1 + 0.1 * np.abs(matrix(p))), STACK) ** 2),
    "one vector for a stack": lambda p: np.sum(np.linalg.solve(STACK * np.abs(matrix(p)), V) ** 2),
    "a stack for one matrix": lambda p: np.sum(np.linalg.solve(matrix(p), STACK) ** 2),
    "integers": lambda p: np.sum(np.linalg.solve(INTEGERS,
                                                 p[:3] * p[3:6]) ** 2),
    "after a product": lambda p: np.sum(np.linalg.solve(matrix(p), matrix(p) @ p[:N]) * V),
    "into a product": lambda p: np.sum((B.T @ np.linalg.solve(matrix(p), V)) ** 2),
    "changed afterwards": lambda p: changed_afterwards(p),
    "inverse": lambda p: np.sum(np.linalg.inv(matrix(p)) ** 2 * A),
    "inverses": lambda p: np.sum(np.linalg.inv(STACK * (1 + 0.1 * np.abs(matrix(p)))) ** 2),
    "logarithm of the determinant": lambda p: np.linalg.slogdet(matrix(p))[1] * p[0],
    "its sign": lambda p: np.linalg.slogdet(-matrix(p)).sign * np.linalg.slogdet(-matrix(p))[1],
    "logarithms of determinants": lambda p: np.sum(np.linalg.slogdet(STACK * matrix(p))[1] ** 2),
    "Cholesky": lambda p: np.sum(np.linalg.cholesky(spd(p)) ** 3),
    "Cholesky, diagonal": lambda p: np.sum(np.log(np.diag(np.linalg.cholesky(spd(p))))),
    "Cholesky, every element": lambda p: np.sum(np.cos(np.linalg.cholesky(spd(p)) + A)),
    "Cholesky, upper": lambda p: np.sum(np.linalg.cholesky(spd(p), upper=True) ** 3),
    "Choleskys": lambda p: np.sum(np.linalg.cholesky(np.stack([spd(p), spd(-p)])) ** 2 * A),
    "likelihood": lambda p: (lambda L: np.sum(np.linalg.solve(L, V) ** 2)
                             + np.sum(np.log(np.diag(L))))(np.linalg.cholesky(spd(p))),
    "determinant": lambda p: np.linalg.det(matrix(p)) ** 2,
    "determinants": lambda p: np.sum(np.linalg.det(STACK * matrix(p)) * p[:2]),
    "of a nearly singular matrix": lambda p: np.linalg.det(np.outer(p[:5], p[5:10]) + 1e-9 * A),
    "eigenvalues": lambda p: np.sum(np.linalg.eigvalsh(spd(p)) ** 2 * p[:5]),
    "eigenvalues, upper": lambda p: np.sum(np.linalg.eigvalsh(spd(p).T, "U") ** 3 * V),
    "eigenvalues of stacks": lambda p: np.sum(np.linalg.eigvalsh(STACK * matrix(p)) ** 2 * V),
    "equal eigenvalues": lambda p: np.sum(np.linalg.eigvalsh(np.eye(5) * p[0])),
    "singular values": lambda p: np.sum(
        np.linalg.svd(matrix(p)[:, :3], compute_uv=False) ** 2 * V[:3]),
    "svdvals": lambda p: np.sum(np.linalg.svdvals(STACK * matrix(p)) ** 3 * V),
    "a zero singular value": lambda p: np.sum(np.linalg.svd(
        np.outer(p[:5], p[5:10]), compute_uv=False)),
    "norm 2": lambda p: np.linalg.norm(matrix(p), 2) ** 2,
    "norm -2": lambda p: np.sum(np.linalg.norm(STACK * matrix(p), -2, axis=(1, 2)) ** 2),
    "nuclear norm": lambda p: np.sum(np.linalg.norm(
        STACK * matrix(p), "nuc", axis=(2, 1), keepdims=True) ** 2),
    "condition": lambda p: np.linalg.cond(matrix(p)) + np.linalg.cond(matrix(p), -2),
    "pinv": lambda p: np.sum(np.linalg.pinv(matrix(p)[:, :3]) ** 2 * B.T),
    "pinv of wide matrices": lambda p: np.sum(np.linalg.pinv((STACK * matrix(p))[:, :3]) ** 3),
    "least squares": lambda p: np.sum(np.linalg.lstsq(matrix(p)[:, :3], V * p[:5])[0] ** 2),
    "least squares by a constant": lambda p: np.sum(np.sin(np.linalg.lstsq(
        A[:, :2], p[:10].reshape(5, 2))[0])),
    "least squares of a constant": lambda p: np.sum(np.linalg.lstsq(matrix(p)[:, :4], B)[0] ** 3),
    "residuals": lambda p: np.sum(np.linalg.lstsq(matrix(p)[:, :3], B * p[0])[1] ** 2),
    "their singular values": lambda p: np.sum(np.linalg.lstsq(matrix(p)[:, :3], V)[3] ** 2 * V[:3]),
    "least squares of low rank": lambda p: np.sum(np.linalg.lstsq(
        np.outer(p[:5], p[5:8]), V * p[:5])[0] ** 2),
    "polyfit": lambda p: np.sum(np.polyfit(np.arange(25.0), np.sin(p), 2) ** 2 * [1e4, 1e2, 1]),
    "several results": lambda p: np.prod(np.linalg.solve(matrix(p), V)[:3]) + p[1],
}


def changed_afterwards(p):
    """Operands and result change after they were used."""
    M, b = matrix(p), p[:N] * 2.0
    C = A.copy()
    x, y = np.linalg.solve(M, b), np.linalg.solve(C, b)
    Y, L = np.linalg.inv(M), np.linalg.cholesky(spd(p))
    total = np.sum(x * y) + np.sum(Y * L)
    Y *= 2.0
    L *= 2.0
    M[0] = 7.0
    b *= 3.0
    C *= 2.0
    x[1:] = b[1:]
    return total + np.sum(x) + np.sum(M) + np.sum(y) + np.sum(Y * L)


@pytest.mark.parametrize("dtype", ["d", "f"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_the_dense_ones(name, dtype):
    f, p = FUNCTIONS[name], P.astype(dtype)
    value, got = in_mode("always", value_and_grad(f), p)
    want = in_mode("never", grad(f), p)
    assert value == f(p)
    assert got.dtype == want.dtype
    assert_close(got, want, order=4, scale=10 * np.max(np.abs(want)))


@pytest.mark.parametrize("name", ["solve", "both with columns", "inverse", "Cholesky", "its sign"])
def test_one_evaluation_serves(name):
    """None is repeated without steps."""
    count = []

    def f(p):
        count.append(1)
        return FUNCTIONS[name](p)

    in_mode("always", grad(f), P)
    assert len(count) == 1


def test_results_have_seeds_of_their_own():
    seen = []

    def f(p):
        y = np.linalg.solve(matrix(p), V)
        seen.append(y)
        return np.sum(y)

    in_mode("always", grad(f), P)
    assert type(seen[0]) is Taylor and is_laned(seen[0])


def test_determinants_of_ill_conditioned_matrices_keep_their_digits():
    for _ in range(20):
        u, _, v = np.linalg.svd(RNG.normal(size=(8, 8)))
        a = u * np.geomspace(1.0, 1e-4, 8) @ v
        got, want = (in_mode(mode, grad(np.linalg.det), a) for mode in ("always", "never"))
        assert_close(got, want, order=1, scale=np.max(np.abs(want)))


def test_jacobians_take_no_steps():
    def f(p):
        return np.linalg.solve(matrix(p), V)

    got, want = (in_mode(mode, dd.jacfwd(f), P) for mode in ("always", "never"))
    assert_close(got, want, scale=np.max(np.abs(want)))


def test_singular_matrices():
    p = np.zeros(N * N)
    for f in (lambda p: np.sum(np.linalg.solve(p.reshape(N, N), V)),
              lambda p: np.sum(np.linalg.inv(p.reshape(N, N))),
              lambda p: np.sum(np.linalg.cholesky(p.reshape(N, N)))):
        with pytest.raises(np.linalg.LinAlgError):
            in_mode("always", grad(f), p)
    with np.errstate(all="ignore"):
        f = lambda p: np.linalg.slogdet(p.reshape(N, N))[1]  # noqa: E731
        np.testing.assert_array_equal(in_mode("always", grad(f), p), in_mode("never", grad(f), p))


def test_infinities_are_the_dense_ones():
    """Where a matrix holds an infinity, zeros beat it or the gradient is NaN, as without steps."""
    def f(p):
        M = matrix(p)
        M[2, 2] = np.inf
        return np.sum(np.linalg.solve(M, V)[:2])

    with np.errstate(all="ignore"):
        got, want = (in_mode(mode, grad(f), P) for mode in ("always", "never"))
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))


@pytest.mark.parametrize("n", [3, 60])
def test_rod(n):
    """To rounding of a solution whose matrix has a condition of about n**2."""
    k = 1 + RNG.uniform(size=n)
    want = in_mode("never", grad(rod), k)
    assert_close(in_mode("always", grad(rod), k), want, scale=n**2 * np.max(np.abs(want)))


TALL = RNG.normal(size=(500, 80))   # large enough not to be copied
WIDE = RNG.normal(size=(30, 1200))
INFINITE = TALL.copy()
INFINITE[7, :3] = np.inf, np.nan, -np.inf

LARGE = {
    "rows": (80, lambda p: np.sum(np.sin(TALL @ p))),
    "columns": (500, lambda p: np.sum(np.sin(p @ TALL))),
    "transposed": (500, lambda p: np.sum(np.sin(TALL.T @ p))),
    "transposed on the right": (80, lambda p: np.sum(np.sin(p @ TALL.T))),
    "stepped": (40, lambda p: np.sum(np.sin(np.repeat(TALL, 2, 0)[::2, ::2] @ p))),
    "long rows": (1200, lambda p: np.sum(np.sin(WIDE @ p))),
    "long rows on the right": (30, lambda p: np.sum(np.sin(p @ WIDE))),
    "vectors": (80, lambda p: np.sum(np.sin(TALL @ p.reshape(80, 1)))),
    "two vectors": (160, lambda p: np.sum(np.sin(TALL @ p.reshape(80, 2)))),
    "a large vector": (3, lambda p: np.sum(np.ones(40000) @ np.outer(np.cos(np.arange(40000)), p))),
    "twice": (80, lambda p: np.sum(np.sin(TALL @ np.cos(p)) * (TALL @ p))),
    "zeros that meet infinities": (80, lambda p: np.sum((INFINITE @ p)[8:] ** 2)),
    "infinities": (80, lambda p: np.sum(INFINITE @ p)),
}


@pytest.mark.parametrize("dtype", ["d", "f"])
@pytest.mark.parametrize("name", LARGE)
def test_products_with_large_constants(name, dtype):
    n, f = LARGE[name]
    p = np.linspace(-1, 1, n).astype(dtype)
    with np.errstate(invalid="ignore"):
        got, want = in_mode("always", grad(f), p), in_mode("never", grad(f), p)
    finite = np.isfinite(want)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got[~finite], want[~finite])
    assert_close(got[finite], want[finite], order=6, scale=10 * np.max(np.abs(want[finite])))


@pytest.mark.parametrize("name", ["rows", "columns"])
def test_a_large_constant_that_changes(name):
    """A change is seen, and the function evaluated again."""
    X, count = TALL.copy(), []

    def f(p):
        z = np.sin(X @ p if name == "rows" else p @ X)
        if not count:
            X[0, 0] += 1.0
        count.append(1)
        return np.sum(z)

    p = np.linspace(-1, 1, LARGE[name][0])
    got = in_mode("always", grad(f), p)
    assert len(count) == 2
    want = in_mode("never", grad(f), p)
    assert_close(got, want, order=4, scale=np.max(np.abs(want)))
