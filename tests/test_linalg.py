"""numpy.linalg, solving and factorising: the defining identities hold in the truncated algebra.

Products are checked pair by pair (`series.times`), mpmath and JAX judge on their own.
"""

import mpmath
import numpy as np
import pytest
from arrays import LAYOUTS
from numbers_by_hand import algebra
from series import ALGEBRAS, adjoint, close, line, on_line, random, randomly, rows, times

from dualdiff import grad, set_num_threads
from dualdiff._algebra import new_algebra
from dualdiff._taylor import Taylor, cholesky_terms, make

DTYPES = (np.float64, np.complex128)
BATCHES = ((), (2,), (2, 1))
SIZE = 0.2  # of the terms, so that order 8 keeps its digits


def regular(n, dtype, rng, batch=()):
    """Matrices with singular values between 1 and 2."""
    q = np.linalg.qr(random((*batch, n, n), dtype, rng))[0]
    p = np.linalg.qr(random((*batch, n, n), dtype, rng))[0]
    return (q * rng.uniform(1, 2, (*batch, 1, n))) @ p


def eye_like(alg, a):
    """Rows of the identity in the place of square rows a."""
    return rows(alg, np.broadcast_to(np.eye(a.shape[-1]), a.shape[1:]))


@pytest.fixture(params=ALGEBRAS)
def alg(request):
    """Algebras of one and of several seeds and factors."""
    return ALGEBRAS[request.param]()


@pytest.fixture
def rng():
    """A fixed generator."""
    return np.random.default_rng(5)


# ---- identities ------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
def test_inverse_and_solve(alg, dtype, batch, rng):
    a = randomly(alg, regular(4, dtype, rng, batch), rng, SIZE)
    b = randomly(alg, random((*batch, 4, 2), dtype, rng), rng, SIZE)
    ra, rb = rows(alg, a), rows(alg, b)
    y = np.linalg.inv(a)
    assert (y.value == np.linalg.inv(a.value)).all()
    close(times(alg, ra, rows(alg, y)), eye_like(alg, ra))
    x = np.linalg.solve(a, b)
    assert (x.value == np.linalg.solve(a.value, b.value)).all()
    close(times(alg, ra, rows(alg, x)), rb)
    close(times(alg, ra, rows(alg, np.linalg.solve(a, b.value))), rows(alg, b.value))
    close(a.value @ rows(alg, np.linalg.solve(a.value, b)), rb)


@pytest.mark.parametrize("left, right", [
    ((3, 3), (3,)), ((2, 3, 3), (3,)), ((3, 3), (2, 3, 1)), ((4, 1, 3, 3), (2, 3, 2)),
    ((0, 3, 3), (3, 2)), ((0, 0), (0, 2)), ((0, 0), (0,)), ((3, 3), (3, 0))])
def test_solve_broadcasts(left, right, rng):
    for order in (1, 3):
        alg = new_algebra(2, order)
        a = randomly(alg, random(left, float, rng) + 4 * np.eye(left[-1]), rng, SIZE)
        b = randomly(alg, random(right, float, rng), rng, SIZE)
        for x, y in ((a, b), (a, b.value), (a.value, b)):
            z = np.linalg.solve(x, y)
            assert (z.value == np.linalg.solve(a.value, b.value)).all()
            both = (x @ z[..., None])[..., 0] if len(right) == 1 else x @ z
            want = np.broadcast_to(rows(alg, y).reshape(
                alg.M, *(1,) * (z.ndim - len(right)), *right), (alg.M, *z.shape))
            close(rows(alg, both), want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
def test_determinants(alg, dtype, batch, rng):
    a = randomly(alg, regular(4, dtype, rng, batch), rng, SIZE)
    d = np.linalg.det(a)
    sign, log = np.linalg.slogdet(a)
    assert (np.asarray(d.value) == np.linalg.det(a.value)).all()
    back = times(alg, rows(alg, d), rows(alg, np.linalg.det(np.linalg.inv(a))), np.multiply)
    close(back, rows(alg, np.ones(batch)))
    assert (type(sign) is Taylor) == (dtype is np.complex128)
    close(rows(alg, np.exp(log) * sign), rows(alg, d))
    b = randomly(alg, regular(4, dtype, rng, batch), rng, SIZE)
    both = times(alg, rows(alg, d), rows(alg, np.linalg.det(b)), np.multiply)
    close(rows(alg, np.linalg.det(a @ b)), both)


def leibniz(alg, r):
    """Rows of the determinant of rows r, by expansion along the first row of each minor."""
    n = r.shape[-1]
    if n == 1:
        return r[:, 0, 0]
    total = 0
    for j in range(n):
        minor = np.delete(r[:, 1:], j, axis=2)
        total = total + (-1) ** j * times(alg, r[:, 0, j], leibniz(alg, minor), np.multiply)
    return total


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("singular", [(0,), (1e-9,), (0, 0), (1e-3, 1e-8), (1e-5, 0, 0),
                                      (0, 0, 0, 0), (1e-2, 1e-4, 1e-6, 1e-8)])
def test_det_of_singular_matrices_by_minors(alg, dtype, singular, rng):
    n = 4
    q, p = (np.linalg.qr(random((n, n), dtype, rng))[0] for _ in range(2))
    s = np.concatenate([np.linspace(2, 1, n - len(singular)), singular])
    a = randomly(alg, (q * s) @ p, rng, SIZE)
    close(rows(alg, np.linalg.det(a)), leibniz(alg, rows(alg, a)), 1e-13)


def test_det_gives_the_adjugate():
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(grad(np.linalg.det)(a), [[4, -2], [-2, 1]], rtol=4e-15)
    assert (grad(np.linalg.det)(np.zeros((2, 2))) == 0).all()
    assert (grad(np.linalg.det)(np.zeros((1, 1))) == 1).all()
    a = np.diag([1e200, 1e-200, 3.0])  # no overflow on the way
    np.testing.assert_allclose(np.diag(grad(np.linalg.det)(a)), [3e-200, 3e200, 1], rtol=4e-15)


def test_slogdet_of_a_singular_matrix():
    alg = new_algebra(2, 1)
    t = np.zeros((2, 2, 2))
    t[0, 1, 1] = 1.0
    with np.errstate(divide="ignore"):
        sign, log = np.linalg.slogdet(make(alg, np.array([[1.0, 0], [0, 0]]), t))
    assert sign == 0 and log.value == -np.inf
    assert log.terms.tolist() == [np.inf, 0]  # the limit, and 0 along what has no seed


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", BATCHES)
def test_cholesky(alg, dtype, batch, rng):
    a = regular(4, dtype, rng, batch)
    value = a @ adjoint(a)
    s = randomly(alg, value, rng, SIZE, lambda t: t + adjoint(t))
    for upper in (False, True):
        l = np.linalg.cholesky(s, upper=upper)
        assert (l.value == np.linalg.cholesky(value, upper=upper)).all()
        r = rows(alg, l)
        zero = np.tril(r, -1) if upper else np.triu(r, 1)
        assert not zero.any() and not np.diagonal(r, 0, -2, -1).imag.any()
        close(times(alg, *((adjoint(r), r) if upper else (r, adjoint(r)))), rows(alg, s))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factors", [[(1, 1)], [(11, 1)], [(3, 2)], [(1, 4)], [(2, 1), (1, 2)]],
                         ids=str)
@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 16, 29, 70])
def test_cholesky_in_panels(n, factors, dtype, rng):
    """l l^T = a at every size around those of the panels; what lies above is never read."""
    alg = algebra(*factors)
    value = np.eye(n) + 0.5 / n * (lambda a: a + a.T)(random((2, n, n), float, rng)[0])
    value = np.stack([value, 2 * np.eye(n)]).astype(dtype)
    terms = rng.uniform(-1, 1, (alg.M - 1, 2, n, n)) / n
    terms = (terms + np.swapaxes(terms, -1, -2)).astype(dtype)
    junk = np.where(np.arange(n) > np.arange(n)[:, None], np.nan, terms).astype(dtype)
    l = np.linalg.cholesky(make(alg, value, junk))
    assert l.dtype == dtype and not np.triu(l.terms, 1).any()
    r = rows(alg, l).astype(float)
    got, want = times(alg, r, adjoint(r)), np.concatenate([value[None], terms]).astype(float)
    eps = np.finfo(dtype).eps
    for d in range(alg.D + 1):
        at = slice(alg.heads[d], alg.heads[d + 1])
        size = max(1, np.abs(r[at]).max())
        np.testing.assert_allclose(got[at], want[at], rtol=0, atol=40 * (d + 1) * eps * size)


@pytest.mark.parametrize("factor", [(25, 1), (2, 2)], ids=str)
def test_cholesky_shared_by_threads(factor, rng):
    alg = algebra(factor)
    a = np.eye(100) + random((8, 100, 100), float, rng) / 100
    x = make(alg, a @ adjoint(a), rng.uniform(-1, 1, (alg.M - 1, *a.shape)))
    results = []
    before = set_num_threads(1)
    try:
        for threads in (1, 4):
            set_num_threads(threads)
            results.append(np.linalg.cholesky(x).terms)
    finally:
        set_num_threads(before)
    np.testing.assert_array_equal(*results)


def test_cholesky_of_no_matrices():
    alg = new_algebra(2, 2)
    for shape in ((0, 0), (0, 3, 3), (2, 0, 0)):
        l = np.linalg.cholesky(make(alg, np.zeros(shape), np.zeros((alg.M - 1, *shape))))
        assert l.shape == shape and l.terms.shape == (alg.M - 1, *shape)


def test_cholesky_terms_says_what_it_wants():
    alg, l, t = new_algebra(2, 1), np.ones((1, 2, 2)), np.ones((2, 1, 2, 2))
    with pytest.raises(TypeError, match="float32 or float64, got complex128"):
        cholesky_terms(alg, l + 0j, t + 0j)
    with pytest.raises(ValueError, match="C-contiguous"):
        cholesky_terms(alg, l, np.asfortranarray(t))
    with pytest.raises(ValueError, match=r"terms of shape \(2, 1, 2, 2\), got \(1, 1, 2, 2\)"):
        cholesky_terms(alg, l, t[:1])


def test_cholesky_reads_one_triangle(rng):
    alg = new_algebra(1, 2)
    value = np.array([[4.0, 1], [1, 3]])
    for upper in (False, True):
        t = np.zeros((2, 2, 2))
        t[:, 1, 0] = 1.0  # the lower triangle alone
        l = np.linalg.cholesky(make(alg, value, t), upper=upper)
        h = 1e-6
        want = (np.linalg.cholesky(value + h * t[0], upper=upper)
                - np.linalg.cholesky(value - h * t[0], upper=upper)) / (2 * h)
        np.testing.assert_allclose(l.terms[0], want, atol=1e-9)
        assert upper != l.terms.any()


SHAPES = ((5, 3), (3, 5), (4, 4), (1, 4), (4, 1), (1, 1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_qr(alg, dtype, shape, rng):
    for batch in ((), (2,)):
        a = randomly(alg, random((*batch, *shape), dtype, rng), rng, SIZE / 4)
        for mode in ("reduced", "complete"):
            q, r = np.linalg.qr(a, mode)
            q0, r0 = np.linalg.qr(a.value, mode)
            assert (q.value == q0).all() and (r.value == r0).all()
            rq, rr = rows(alg, q), rows(alg, r)
            close(times(alg, rq, rr), rows(alg, a))
            gram = times(alg, adjoint(rq), rq)
            close(gram, eye_like(alg, gram))
            assert not np.tril(rr, -1).any()
            close(np.diagonal(rr, 0, -2, -1).imag, 0 * np.diagonal(rr, 0, -2, -1).imag)
        close(rows(alg, np.linalg.qr(a, "r")), rows(alg, np.linalg.qr(a).R), 1e-13)


def differences(f, a, v, h=1e-5):
    """A difference of fourth order of an array function in one direction."""
    d = [np.asarray(f(a + k * h * v)) for k in (-2, -1, 1, 2)]
    return (d[0] - 8 * d[1] + 8 * d[2] - d[3]) / (12 * h)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", ((5, 3), (3, 5), (4, 4), (6, 2)))
def test_qr_follows_lapack(dtype, shape, rng):
    a, v = random(shape, dtype, rng), random(shape, dtype, rng)
    x = make(new_algebra(1, 1), a, v[None])
    modes = ("reduced", 0), ("complete", 0), ("complete", 1), ("raw", 0), ("raw", 1)
    for mode, part in modes:
        want = differences(lambda z, m=mode, p=part: np.linalg.qr(z, m)[p], a, v)
        np.testing.assert_allclose(np.linalg.qr(x, mode)[part].terms[0], want, atol=1e-8)


def test_qr_without_reflectors_and_of_deficient_rank():
    alg = new_algebra(2, 2)
    rng = np.random.default_rng(0)
    a = randomly(alg, np.eye(4, 2), rng, SIZE)  # nothing below the diagonal
    q, r = (rows(alg, y) for y in np.linalg.qr(a, "complete"))
    close(times(alg, q, r), rows(alg, a))
    close(times(alg, adjoint(q), q), eye_like(alg, q))
    t = np.zeros((5, 3, 2))
    t[0, :, :] = rng.normal(size=(3, 2))
    q, r = np.linalg.qr(make(alg, np.array([[1.0, 2], [2, 4], [2, 4]]), t))
    assert np.isfinite(q.terms[..., 0]).all() and np.isfinite(r.terms[..., 0]).all()
    assert not q.terms[1].any() and not r.terms[1].any()  # the direction without a seed


# ---- pseudo-inverse and least squares --------------------------------------------------


def moore_penrose(alg, r, y, tol=1e-11):
    """The four conditions."""
    ay, ya = times(alg, r, y), times(alg, y, r)
    close(times(alg, ay, r), r, tol)
    close(times(alg, ya, y), y, tol)
    close(ay, adjoint(ay), tol)
    close(ya, adjoint(ya), tol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_pinv_and_lstsq(alg, dtype, shape, rng):
    m, n = shape
    for batch in ((), (3,)):
        a = randomly(alg, random((*batch, m, n), dtype, rng), rng, SIZE / 4)
        y = np.linalg.pinv(a)
        assert (y.value == np.linalg.pinv(a.value)).all()
        moore_penrose(alg, rows(alg, a), rows(alg, y), 1e-10)
    a, y = a[0], rows(alg, y[0])
    for b in (random((m,), dtype, rng), random((m, 2), dtype, rng)):
        b = randomly(alg, b, rng, SIZE)
        value = np.linalg.lstsq(a.value, b.value, rcond=None)
        x, res, rank, s = np.linalg.lstsq(a, b, rcond=None)
        assert (x.value == value[0]).all() and rank == value[2] and (s.value == value[3]).all()
        wide = rows(alg, b).reshape(alg.M, m, -1)
        close(rows(alg, x).reshape(alg.M, n, -1), times(alg, y, wide), 1e-10)
        assert np.shape(res) == value[1].shape
        if np.size(res):
            gap = b - a @ x
            g = rows(alg, gap).reshape(alg.M, m, -1)
            square = times(alg, g.conj(), g, lambda p, q: (p * q).sum(axis=0))
            close(rows(alg, res), square.real, 1e-10)
        close(rows(alg, s), rows(alg, np.linalg.svdvals(a)), 1e-12)
        for args in ((a, b.value), (a.value, b)):
            x = np.linalg.lstsq(*args, rcond=None)[0]
            p = y if args[0] is a else rows(alg, np.linalg.pinv(a.value))
            c = rows(alg, args[1]).reshape(alg.M, m, -1)
            close(rows(alg, x).reshape(alg.M, n, -1), times(alg, p, c), 1e-10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", ((5, 3), (3, 5), (4, 4)))
def test_pinv_of_deficient_rank(alg, dtype, shape, rng):
    m, n = shape
    b = randomly(alg, random((m, 2), dtype, rng), rng, SIZE / 4)
    c = randomly(alg, random((2, n), dtype, rng), rng, SIZE / 4)
    r = times(alg, rows(alg, b), rows(alg, c))  # rank 2 along every direction
    a = make(alg, r[0], r[1:])
    y = np.linalg.pinv(a, rcond=1e-10)
    moore_penrose(alg, r, rows(alg, y), 1e-9)
    d = randomly(alg, random((m,), dtype, rng), rng, SIZE)
    x = np.linalg.lstsq(a, d, rcond=1e-10)[0]
    close(rows(alg, x), times(alg, rows(alg, y), rows(alg, d)[..., None])[..., 0], 1e-9)
    stack = make(alg, np.stack([r[0], r[0]]), np.stack([r[1:], r[1:]], 1))
    close(rows(alg, np.linalg.pinv(stack, rcond=1e-10))[:, 1], rows(alg, y), 1e-13)


def test_pinv_drops_what_numpy_drops(rng):
    q, p = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
    a, v = (q * [3.0, 2, 1e-3, 1e-4]) @ p, rng.normal(size=(4, 4))
    x = make(new_algebra(1, 1), a, v[None])
    for kw in ({"rcond": 0.01}, {"rtol": 0.01}):
        want = differences(lambda z, kw=kw: np.linalg.pinv(z, **kw), a, v)
        np.testing.assert_allclose(np.linalg.pinv(x, **kw).terms[0], want, atol=1e-8)
    h, w = a + a.T, v + v.T
    x = make(new_algebra(1, 1), h, w[None])
    want = differences(lambda z: np.linalg.pinv(z, hermitian=True), h, w, 1e-8)
    got = np.linalg.pinv(x, hermitian=True).terms[0]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-4 * np.abs(want).max())
    y = np.linalg.inv(h)
    np.testing.assert_allclose(got, -y @ w @ y, rtol=1e-7, atol=1e-9 * np.abs(got).max())


# ---- composed --------------------------------------------------------------------------------


def test_powers_chains_and_tensors(alg, rng):
    a = randomly(alg, regular(3, float, rng, (2,)), rng, SIZE)
    r = rows(alg, a)
    for n, want in ((0, eye_like(alg, r)), (1, r), (2, times(alg, r, r)),
                    (5, times(alg, times(alg, r, r), times(alg, r, times(alg, r, r)))),
                    (-2, rows(alg, np.linalg.inv(a @ a)))):
        got = np.linalg.matrix_power(a, n)
        assert (np.asarray(getattr(got, "value", got))
                == np.linalg.matrix_power(a.value, n)).all()
        close(rows(alg, got), want)
    shapes = ((2, 5), (5, 3), (3, 4), (4, 2))
    chain = [randomly(alg, random(s, float, rng), rng, SIZE) for s in shapes]
    want = rows(alg, chain[0] @ chain[1] @ chain[2] @ chain[3])
    close(rows(alg, np.linalg.multi_dot(chain)), want)
    mixed = [chain[0].value, chain[1], chain[2].value, chain[3]]
    close(rows(alg, np.linalg.multi_dot(mixed)),
          rows(alg, mixed[0] @ chain[1] @ mixed[2] @ chain[3]))
    ends = [chain[0][0], chain[1], chain[2], chain[3][:, 0]]
    got = np.linalg.multi_dot(ends)
    assert got.shape == ()
    close(rows(alg, got), want[:, 0, 0])
    out = chain[0] @ chain[1] * 0
    assert np.linalg.multi_dot(chain[:2], out=out) is out
    t = randomly(alg, random((2, 3, 6), float, rng), rng, SIZE)
    y = np.linalg.tensorinv(t)
    close(times(alg, rows(alg, t).reshape(-1, 6, 6), rows(alg, y).reshape(-1, 6, 6)),
          rows(alg, np.eye(6)), 1e-9)
    b = randomly(alg, random((2, 3), float, rng), rng, SIZE)
    close(rows(alg, np.linalg.tensorsolve(t, b)),
          rows(alg, np.linalg.solve(t.reshape(6, 6), b.reshape(6))), 1e-9)
    u = np.transpose(t, (2, 0, 1))
    close(rows(alg, np.linalg.tensorsolve(u, b, axes=(0,))),
          rows(alg, np.linalg.tensorsolve(t, b)), 1e-9)


# ---- other oracles ---------------------------------------------------------------------------


def mp_matrix_taylor(f, a, v, order):
    """Taylor coefficients of f(a + t v) by forward differences of 50-digit mpmath matrices."""
    with mpmath.workprec(200 * (order + 2)):
        ma, mv = mpmath.matrix(a.tolist()), mpmath.matrix(v.tolist())
        h = mpmath.mpf(2) ** -150
        row = [f(ma + mv * (k * h)) for k in range(order + 1)]
        out = [row[0]]
        for k in range(1, order + 1):
            row = [(y - x) / h for x, y in zip(row[:-1], row[1:], strict=True)]
            out.append(row[0] / mpmath.factorial(k))
        return np.array([np.array(c.tolist(), float) if isinstance(c, mpmath.matrix)
                         else float(c) for c in out])


def mp_qr(a):
    q, r = mpmath.qr(a, mode="skinny")
    return q * mpmath.diag([mpmath.sign(r[i, i]) for i in range(a.cols)])


MP = {
    "inv": (np.linalg.inv, lambda a: a**-1, (3, 3)),
    "det": (np.linalg.det, mpmath.det, (3, 3)),
    "logdet": (lambda a: np.linalg.slogdet(a)[1],
               lambda a: mpmath.log(abs(mpmath.det(a))), (3, 3)),
    "solve": (lambda a: np.linalg.solve(a, np.array([[1.0], [2], [3]])),
              lambda a: mpmath.lu_solve(a, mpmath.matrix([1, 2, 3])), (3, 3)),
    "cholesky": (lambda a: np.linalg.cholesky(a @ a.T), lambda a: mpmath.cholesky(a * a.T),
                 (3, 3)),
    "pinv": (np.linalg.pinv, lambda a: (a.T * a) ** -1 * a.T, (4, 2)),
    "lstsq": (lambda a: np.linalg.lstsq(a, np.array([[1.0], [2], [3], [5]]))[0],
              lambda a: (a.T * a) ** -1 * (a.T * mpmath.matrix([1, 2, 3, 5])), (4, 2)),
    "qr": (lambda a: (lambda q, r: q * np.sign(np.diagonal(r.value)))(*np.linalg.qr(a)),
           mp_qr, (4, 3)),
}


@pytest.mark.parametrize("name", MP)
def test_against_mpmath(name, rng):
    f, f_mp, shape = MP[name]
    a = np.eye(*shape) * 2 + 0.5 * rng.normal(size=shape)
    v = 0.5 * rng.normal(size=shape)
    terms = np.zeros((5, *shape))
    terms[0] = v
    alg = new_algebra(1, 5)
    got = rows(alg, f(make(alg, a, terms)))
    want = mp_matrix_taylor(f_mp, a, v, 5)
    close(got, want.reshape(got.shape), 1e-12)


@pytest.mark.parametrize("f", [
    np.linalg.inv, np.linalg.det, lambda a: np.linalg.cholesky(a @ a.T),
    lambda a: np.linalg.qr(a, "complete").Q, lambda a: np.linalg.pinv(a[:, :2]),
    lambda a: np.linalg.solve(a, a[0])], ids="inv det cholesky qr pinv solve".split())
def test_several_seeds_restricted_to_a_line(f, rng):
    alg = new_algebra(3, 4)
    a = randomly(alg, regular(4, float, rng), rng, SIZE)
    v = rng.normal(size=3)
    x = line(alg, a, v)
    close(on_line(alg, f(a), v), rows(x.algebra, f(x)), 1e-12)


# ---- shapes, layouts, dtypes, errors ----------------------------------------

UNARY = {
    "inv": np.linalg.inv, "det": np.linalg.det, "slogdet": lambda a: np.linalg.slogdet(a)[1],
    "cholesky": lambda a: np.linalg.cholesky(a), "pinv": np.linalg.pinv,
    "qr": lambda a: np.linalg.qr(a)[0], "solve": lambda a: np.linalg.solve(a, np.ones((3, 1))),
    "power": lambda a: np.linalg.matrix_power(a, 3),
}


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("layout", [k for k in LAYOUTS if k != "inside"])
def test_layouts(name, layout, rng):
    store, view = LAYOUTS[layout]
    alg = new_algebra(2, 2)
    a = random((2, 3, 3), float, rng)
    a = 3 * np.eye(3) + 0.2 * (a + np.swapaxes(a, -1, -2))
    base = randomly(alg, store(a), rng, SIZE)
    x = view(base)
    plain = make(alg, np.ascontiguousarray(x.value), np.ascontiguousarray(x.terms))
    if np.shape(x)[-1] != np.shape(x)[-2]:
        x, plain = x[..., :2, :2], plain[..., :2, :2]
        if name == "solve":
            return
    got, want = UNARY[name](x), UNARY[name](plain)
    close(rows(alg, got), rows(alg, want), 1e-14)


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype, tol", [(np.float32, 2e-4), (np.complex64, 2e-4)])
def test_single_precision(name, dtype, tol, rng):
    alg = new_algebra(2, 2)
    a = 3 * np.eye(3) + 0.2 * random((3, 3), dtype, rng)
    a = (a + adjoint(a)).astype(dtype)
    x = randomly(alg, a, rng, SIZE, lambda t: t + adjoint(t))
    got = UNARY[name](x)
    assert got.dtype == np.asarray(UNARY[name](a)).dtype
    wide = np.result_type(dtype, np.float64)
    want = UNARY[name](make(alg, a.astype(wide), x.terms.astype(wide)))
    close(rows(alg, got), rows(alg, want), tol)


@pytest.mark.parametrize("name", sorted(set(UNARY) - {"solve"}))
@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (2, 0, 0), (1, 1)])
def test_empty_and_small(name, shape, rng):
    if name == "qr" and 0 in shape[-2:]:
        return
    alg = new_algebra(2, 2)
    x = randomly(alg, 1 + np.zeros(shape), rng) if shape == (1, 1) else randomly(
        alg, np.zeros(shape), rng)
    got, want = UNARY[name](x), UNARY[name](x.value)
    got = got.value if type(got) is Taylor else got
    assert np.shape(got) == np.shape(want) and np.all(got == want)


def test_errors_are_numpys(rng):
    alg = new_algebra(1, 2)
    zero = randomly(alg, np.zeros((2, 2)), rng)
    flat, wide = randomly(alg, np.ones(3), rng), randomly(alg, np.ones((2, 3)), rng)
    for f, x in ((np.linalg.inv, zero), (lambda a: np.linalg.solve(a, a), zero),
                 (np.linalg.cholesky, zero), (np.linalg.inv, flat), (np.linalg.inv, wide),
                 (np.linalg.det, flat), (np.linalg.slogdet, wide), (np.linalg.qr, flat),
                 (np.linalg.pinv, flat), (np.linalg.cholesky, wide),
                 (lambda a: np.linalg.lstsq(a, a[:1]), wide),
                 (lambda a: np.linalg.matrix_power(a, 2), wide),
                 (np.linalg.tensorinv, wide)):
        with pytest.raises(np.linalg.LinAlgError):
            f(x)
    with pytest.raises(ValueError, match="Unrecognized mode"):
        np.linalg.qr(wide, "no such mode")
    with pytest.raises(ValueError):
        np.linalg.solve(zero + np.eye(2), flat)
    with pytest.raises(ValueError):
        np.linalg.multi_dot([wide])
    with pytest.raises(TypeError, match="no derivative with respect to argument"):
        np.linalg.pinv(wide, zero[0, 0])
    with pytest.raises(TypeError):
        np.linalg.inv(zero.astype(np.longdouble))


def test_matrix_rank_is_constant(rng):
    x = randomly(new_algebra(2, 2), np.eye(3), rng)
    assert np.linalg.matrix_rank(x) == 3 and type(np.linalg.matrix_rank(x)) is not Taylor


def test_object_arrays_are_packed(rng):
    alg = new_algebra(2, 2)
    a = randomly(alg, regular(2, float, rng), rng, SIZE)
    b = randomly(alg, rng.normal(size=2), rng, SIZE)
    loose = np.array([b[0], b[1]], dtype=object)
    close(rows(alg, np.linalg.solve(a, loose)), rows(alg, np.linalg.solve(a, b)), 1e-15)
    close(rows(alg, np.linalg.multi_dot([a, loose])), rows(alg, a @ b), 1e-15)
