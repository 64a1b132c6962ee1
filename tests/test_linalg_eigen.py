"""numpy.linalg, eigen- and singular values: identities, NumPy's gauge, repeated values."""

import mpmath
import numpy as np
import pytest
from series import ALGEBRAS, adjoint, close, line, on_line, random, randomly, rows, times
from test_linalg import DTYPES, differences, eye_like, mp_matrix_taylor

from dualdiff._algebra import new_algebra, unite
from dualdiff._taylor import Taylor, make

SIZE = 0.05
SPACED = np.array([-2.0, -0.5, 1.0, 2.5])


@pytest.fixture(params=ALGEBRAS)
def alg(request):
    """Algebras of one and of several seeds and factors."""
    return ALGEBRAS[request.param]()


@pytest.fixture
def rng():
    """A fixed generator."""
    return np.random.default_rng(7)


def unitary(n, dtype, rng, batch=()):
    """Random orthogonal or unitary matrices."""
    return np.linalg.qr(random((*batch, n, n), dtype, rng))[0]


def with_values(w, dtype, rng, batch=()):
    """Hermitian matrices with these eigenvalues."""
    q = unitary(len(w), dtype, rng, batch)
    a = (q * w) @ adjoint(q)
    return (a + adjoint(a)) / 2


def self_adjoint(t):
    """The Hermitian part."""
    return (t + adjoint(t)) / 2


def scaled(p, q):
    """p diag(q)."""
    return p * q[..., None, :]


def rebuilt(alg, v, w, f):
    """Rows of V f(w) V^H; f of rows."""
    return times(alg, times(alg, v, f(w), scaled), adjoint(v))


# ---- simple spectra ---------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (2,), (2, 1)])
@pytest.mark.parametrize("uplo", "LU")
def test_eigh(alg, dtype, batch, uplo, rng):
    a = randomly(alg, with_values(SPACED, dtype, rng, batch), rng, SIZE, self_adjoint)
    w, v = np.linalg.eigh(a, uplo)
    w0, v0 = np.linalg.eigh(a.value, uplo)
    assert (w.value == w0).all() and (v.value == v0).all()
    rw, rv, ra = rows(alg, w), rows(alg, v), rows(alg, a)
    close(times(alg, ra, rv), times(alg, rv, rw, scaled))
    gram = times(alg, adjoint(rv), rv)
    close(gram, eye_like(alg, gram))
    anchor = rv[..., 0 if uplo == "L" else -1, :]
    close(anchor.imag, 0 * anchor.imag)
    values = np.linalg.eigvalsh(a, uplo)
    assert (values.value == np.linalg.eigvalsh(a.value, uplo)).all()
    close(rows(alg, values), rw, 1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("batch", [(), (2,), (2, 1)])
def test_eig(alg, dtype, batch, rng):
    p = np.eye(4) + 0.2 * random((*batch, 4, 4), dtype, rng)
    a = randomly(alg, (p * SPACED) @ np.linalg.inv(p), rng, SIZE)
    w, v = np.linalg.eig(a)
    w0, v0 = np.linalg.eig(a.value)
    assert (w.value == w0).all() and (v.value == v0).all()
    rw, rv, ra = rows(alg, w), rows(alg, v), rows(alg, a)
    close(times(alg, ra, rv), times(alg, rv, rw, scaled))
    length = times(alg, rv.conj(), rv, lambda x, y: (x * y).sum(axis=-2))
    close(length, rows(alg, np.ones(length.shape[1:])))
    values = np.linalg.eigvals(a)
    assert (values.value == np.linalg.eigvals(a.value)).all()
    order = [np.argsort(x.reshape(-1, 4).real, axis=-1).reshape(x.shape)
             for x in (values.value, w0)]
    got, want = (np.take_along_axis(rows(alg, x), np.broadcast_to(o, (alg.M, *o.shape)), -1)
                 for x, o in zip((values, w), order, strict=True))
    close(got, want, 1e-12)


def test_eig_of_real_matrices_with_complex_pairs(alg, rng):
    a0 = np.array([[1.0, -3, 0], [1, 0.5, 0.2], [0.3, 0.1, 5]])
    a = randomly(alg, a0, rng, SIZE)
    w, v = (rows(alg, x) for x in np.linalg.eig(a))
    close(times(alg, rows(alg, a).astype(complex), v), times(alg, v, w, scaled))
    assert not v[..., w[0].imag == 0].imag.any() and not w[:, w[0].imag == 0].imag.any()
    want = differences(lambda x: np.linalg.eig(x)[1], a0, a.terms[0])
    close(v[1], want, 1e-9)
    close(rows(alg, np.linalg.eigvals(a)), w, 1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (1, 4), (4, 1), (12, 2), (2, 12)])
@pytest.mark.parametrize("full", [True, False])
def test_svd(alg, dtype, shape, full, rng):
    for batch in ((), (2,)):
        m, n = shape
        k = min(m, n)
        q, p = unitary(m, dtype, rng, batch)[..., :k], unitary(n, dtype, rng, batch)[..., :k, :]
        a = randomly(alg, (q * np.linspace(3, 1, k)) @ p, rng, SIZE)
        value = np.linalg.svd(a.value, full)
        result = np.linalg.svd(a, full_matrices=full)
        for got, want in zip(result, value, strict=True):
            assert (got.value == want).all()
        u, s, vh = (rows(alg, x) for x in result)
        close(times(alg, times(alg, u[..., :k], s, scaled), vh[..., :k, :]), rows(alg, a))
        for gram in (times(alg, adjoint(u), u), times(alg, vh, adjoint(vh))):
            close(gram, eye_like(alg, gram))
        for values in (np.linalg.svdvals(a), np.linalg.svd(a, compute_uv=False)):
            assert (values.value == np.linalg.svd(a.value, compute_uv=False)).all()
            close(rows(alg, values), s, 1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (12, 2), (2, 12)])
def test_gauge_is_numpys(dtype, shape, rng):
    m, n = shape
    k = min(m, n)
    a, v = random(shape, dtype, rng), random(shape, dtype, rng)
    x = make(new_algebra(1, 1), a, v[None])
    got = np.linalg.svd(x, full_matrices=False)
    for i in range(3):
        want = differences(lambda z, i=i: np.linalg.svd(z, full_matrices=False)[i], a, v)
        close(got[i].terms[0], want, 1e-7)
    a, v = a[:k, :k], v[:k, :k]
    x = make(new_algebra(1, 1), a, v[None])
    close(np.linalg.eig(x)[1].terms[0], differences(lambda z: np.linalg.eig(z)[1], a, v), 1e-7)
    a, v = self_adjoint(a), self_adjoint(v)
    x = make(new_algebra(1, 1), a, v[None])
    for uplo in "LU":
        want = differences(lambda z, u=uplo: np.linalg.eigh(z, u)[1], a, v)
        close(np.linalg.eigh(x, uplo)[1].terms[0], want, 1e-7)


def test_svd_of_hermitian_matrices(alg, rng):
    a = randomly(alg, with_values(SPACED, complex, rng), rng, SIZE, self_adjoint)
    value = np.linalg.svd(a.value, hermitian=True)
    u, s, vh = np.linalg.svd(a, hermitian=True)
    for got, want in zip((u, s, vh), value, strict=True):
        assert (got.value == want).all()
    u, s, vh = (rows(alg, x) for x in (u, s, vh))
    close(times(alg, times(alg, u, s, scaled), vh), rows(alg, a))
    close(rows(alg, np.linalg.svd(a, compute_uv=False, hermitian=True)), s, 1e-13)


MP = {
    "eigvalsh": (lambda a: np.linalg.eigvalsh(a + a.T), lambda a: mp_sorted(mpmath.eigsy(
        a + a.T, eigvals_only=True))),
    "svdvals": (np.linalg.svdvals, lambda a: mp_sorted(mpmath.svd_r(a, compute_uv=False), -1)),
    "projector": (lambda a: (lambda v: v[:, :1] @ v[:, :1].T)(np.linalg.eigh(a + a.T)[1]),
                  lambda a: mp_projector(a + a.T)),
}


def mp_sorted(w, sign=1):
    return mpmath.matrix(sorted(w, key=lambda x: sign * x))


def mp_projector(a):
    w, v = mpmath.eigsy(a)
    c = v[:, min(range(len(w)), key=lambda i: w[i])]
    return c * c.T


@pytest.mark.parametrize("name", MP)
def test_against_mpmath(name, rng):
    f, f_mp = MP[name]
    a, v = np.diag([1.0, 2, 4]) + 0.2 * rng.normal(size=(3, 3)), 0.5 * rng.normal(size=(3, 3))
    alg = new_algebra(1, 4)
    got = rows(alg, f(make(alg, a, np.array([v, 0 * v, 0 * v, 0 * v]))))
    close(got, mp_matrix_taylor(f_mp, a, v, 4).reshape(got.shape), 1e-12)


@pytest.mark.parametrize("f", [
    np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[1], np.linalg.svdvals,
    lambda a: np.linalg.svd(a[:, :2])[0], lambda a: np.linalg.eig(a)[1]],
    ids="eigvalsh eigh svdvals svd eig".split())
def test_several_seeds_restricted_to_a_line(f, rng):
    alg = new_algebra(3, 4)
    a = randomly(alg, with_values(SPACED, float, rng), rng, SIZE, self_adjoint)
    v = rng.normal(size=3)
    x = line(alg, a, v)
    close(on_line(alg, f(a), v), rows(x.algebra, f(x)), 1e-12)


# ---- repeated values along one direction --------------------------------------------------


def along(order):
    """Numbers of one direction: one factor, and the same direction in nested factors."""
    return [new_algebra(1, order), unite(new_algebra(1, order - 1), new_algebra(1, 1))[0]]


def in_one_direction(alg, value, coefficients):
    """The number of sum c_d t^d, t the sum of all seeds of the algebra."""
    count = int(alg.heads[2]) - 1
    t = make(alg, 0.0, np.r_[np.ones(count), np.zeros(alg.M - 1 - count)])
    power, x = t, make(alg, value, np.zeros((alg.M - 1, *value.shape), value.dtype))
    for c in coefficients:
        x = x + make(alg, 0 * value, np.asarray(power.terms).reshape(-1, 1, 1) * c)
        power = power * t
    return x


REPEATED = ([1.0, 1, 1, 1], [1.0, 1, 2, 2], [0.0, 0, 0, 3], [-1.0, -1, 2, 3])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("w0", REPEATED)
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("deep", ["first", "second", "third", "never"])
def test_eigh_of_repeated_eigenvalues(dtype, w0, which, deep, rng):
    """V f(w) V^H is exact, whichever degree splits the eigenvalues."""
    alg = along(4)[which]
    value = with_values(np.array(w0), dtype, rng)
    c = [self_adjoint(random((4, 4), dtype, rng)) * SIZE for _ in range(4)]
    plain = {"first": 0, "second": 1, "third": 2, "never": 4}[deep]
    for d in range(plain):
        c[d] = (d + 1.0) * np.eye(4)
    a = in_one_direction(alg, value.astype(dtype), c)
    w, v = np.linalg.eigh(a)
    assert (w.value == np.linalg.eigvalsh(a.value)).all() or np.allclose(w.value, w0)
    rw, rv, ra = rows(alg, w), rows(alg, v), rows(alg, a)
    gram = times(alg, adjoint(rv), rv)
    size = np.abs(rv).max() ** 2  # what cancels
    close(gram, eye_like(alg, gram), 1e-12, size)
    close(rebuilt(alg, rv, rw, lambda w: w), ra, 1e-12, size)
    square = rebuilt(alg, rv, rw, lambda w: times(alg, w, w, np.multiply))
    close(square, times(alg, ra, ra), 1e-12, size)
    exp = rebuilt(alg, rv, rw, lambda w: rows(alg, np.exp(make(alg, w[0], w[1:]))))
    total = term = eye_like(alg, ra)
    for k in range(1, 40):
        term = times(alg, term, ra) / k
        total = total + term
    close(exp, total, 1e-11, size)
    close(rows(alg, np.linalg.eigvalsh(a)), rw, 1e-12, size)
    h = 0.01 if deep == "first" else 0.1  # one-sided: the value at t = h, sorted
    if which == 0:
        at = sum(r * h**d for d, r in enumerate(ra))
        series = sum(r * h**d for d, r in enumerate(rw))
        assert (np.diff(series) > -1e-12).all()
        assert np.abs(series - np.linalg.eigvalsh(at)).max() < 60 * h**5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("which", [0, 1])
def test_eigenvalues_that_split_twice(dtype, which, rng):
    alg = along(4)[which]
    q = unitary(4, dtype, rng)
    first = (q * [1.0, 1, 1, 2]) @ adjoint(q)
    c = [first, *(SIZE * self_adjoint(random((4, 4), dtype, rng)) for _ in range(3))]
    a = in_one_direction(alg, np.eye(4, dtype=dtype), c)
    w, v = (rows(alg, x) for x in np.linalg.eigh(a))
    close(w[1], [1, 1, 1, 2], 1e-12)
    close(rebuilt(alg, v, w, lambda w: w), rows(alg, a), 1e-10)
    cube = times(alg, times(alg, w, w, np.multiply), w, np.multiply)
    r = rows(alg, a)
    close(rebuilt(alg, v, w, lambda _: cube), times(alg, times(alg, r, r), r), 1e-10)


SINGULAR = ([2.0, 2, 1], [2.0, 2, 2], [2.0, 1, 0], [2.0, 0, 0], [0.0, 0, 0], [1.0, 1, 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("s0", SINGULAR)
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 4)])
@pytest.mark.parametrize("full", [True, False])
def test_svd_of_repeated_and_zero_singular_values(dtype, s0, shape, full, rng):
    m, n = shape
    for which, alg in enumerate(along(4)):
        for plain in (0, 1):
            value = (unitary(m, dtype, rng)[:, :3] * s0) @ unitary(n, dtype, rng)[:3]
            c = [SIZE * random(shape, dtype, rng) for _ in range(4)]
            c[0] = c[0] * (1 - plain)  # split by the second degree only
            a = in_one_direction(alg, value.astype(dtype), c)
            result = np.linalg.svd(a, full_matrices=full)
            s0_numpy = np.linalg.svd(a.value, full)[1]
            assert (result[1].value == s0_numpy).all()
            u, s, vh = (rows(alg, x) for x in result)
            back = times(alg, times(alg, u[..., :3], s, scaled), vh[..., :3, :])
            size = np.abs(u).max() * np.abs(vh).max()  # what cancels
            close(back, rows(alg, a), 1e-11, size)
            for q, p in ((adjoint(u), u), (vh, adjoint(vh))):
                gram = times(alg, q, p)
                close(gram, eye_like(alg, gram), 1e-11, np.abs(p).max() ** 2)
            close(rows(alg, np.linalg.svdvals(a)), s, 1e-11, size)
            if which == 0:
                h = 0.01
                series = sum(r * h**d for d, r in enumerate(s))
                at = sum(r * h**d for d, r in enumerate(rows(alg, a)))
                assert np.abs(series - np.linalg.svdvals(at)).max() < 1e-6


def test_eig_of_repeated_eigenvalues(rng):
    p = np.eye(4) + 0.2 * rng.normal(size=(4, 4))
    for w0 in ([1.0, 1, 2, 3], [1.0, 1, 2, 2], [1.0, 1, 1, 1]):
        for alg in along(3):
            value = (p * w0) @ np.linalg.inv(p) if len(set(w0)) > 1 else np.eye(4)
            c = [SIZE * (p * rng.normal(size=4)) @ np.linalg.inv(p) + 0.01 * d * rng.normal(
                size=(4, 4)) for d in range(3)]
            a = in_one_direction(alg, value, c)
            w, v = (rows(alg, x) for x in np.linalg.eig(a))
            close(times(alg, rows(alg, a), v)[:-1], times(alg, v, w, scaled)[:-1], 1e-9)
            length = times(alg, v.conj(), v, lambda x, y: (x * y).sum(axis=-2))
            close(length, rows(alg, np.ones(4)), 1e-9)


def test_eig_where_a_real_pair_turns_complex():
    alg = new_algebra(1, 2)
    turn = np.array([[[0.0, -1], [1, 0]], np.zeros((2, 2))])
    w, v = np.linalg.eig(make(alg, np.eye(2), turn))
    close(np.sort_complex(w.terms[0]), [-1j, 1j], 1e-15)
    values = np.linalg.eigvals(make(alg, np.eye(2), turn))
    close(np.sort_complex(values.terms[0]), [-1j, 1j], 1e-15)
    assert v.dtype == complex


def test_defective_matrices_have_no_derivative():
    alg = new_algebra(2, 1)
    t = np.zeros((2, 2, 2))
    t[0, 1, 0] = 1.0  # eigenvalues 1 +- sqrt(t)
    w, v = np.linalg.eig(make(alg, np.array([[1.0, 1], [0, 1]]), t))
    assert np.isnan(w.terms[0]).all() and np.isnan(v.terms[0]).any()
    assert not w.terms[1].any() and not v.terms[1].any()


# ---- repeated values along several directions ---------------------------------


def test_values_have_the_slopes_of_each_single_direction(rng):
    alg = new_algebra(3, 1)
    t = np.array([self_adjoint(rng.normal(size=(3, 3))) for _ in range(3)])
    t[2] = 0
    w = np.linalg.eigvalsh(make(alg, np.eye(3), t))
    s = np.linalg.svdvals(make(alg, np.eye(3), t))
    z = np.linalg.svdvals(make(alg, np.zeros((3, 3)), t))
    for k in range(3):
        close(w.terms[k], np.linalg.eigvalsh(t[k]), 1e-14)
        close(s.terms[k], np.linalg.eigvalsh(t[k])[::-1], 1e-14)
        close(z.terms[k], np.linalg.svdvals(t[k]), 1e-14)


def test_vectors_are_lost_only_inside_the_block(rng):
    alg = new_algebra(4, 1)
    value = np.diag([1.0, 1, 3])
    t = np.array([self_adjoint(rng.normal(size=(3, 3))) for _ in range(4)])
    t[2], t[3] = 0, np.diag([1.0, 1, 5])
    w, v = np.linalg.eigh(make(alg, value, t))
    assert np.isfinite(w.terms).all()
    assert np.isnan(v.terms[:2, :2, :2]).any() and np.isfinite(v.terms[:, :, 2]).all()
    assert not v.terms[2:].any()  # no seed; and no basis selected
    single = np.linalg.eigh(make(new_algebra(1, 1), value, t[:1]))
    close(single[1].terms[0][:, 2], v.terms[0][:, 2], 1e-14)


def test_directions_that_share_a_basis(rng):
    q = unitary(4, float, rng)
    d = [np.array([0.0, 1, 2, 5]), np.array([1.0, 1, 3, -2]), np.array([0.0, 2, 2, 1])]
    for order in (1, 2):
        alg = new_algebra(3, order)
        terms = np.zeros((alg.M - 1, 4, 4))
        for k in range(3):
            terms[k] = (q * d[k]) @ q.T
        x = make(alg, (q * [1, 1, 1, 2]) @ q.T, terms)
        w, v = (rows(alg, y) for y in np.linalg.eigh(x))
        assert np.isfinite(v).all()
        close(rebuilt(alg, v, w, lambda w: w), np.concatenate([rebuilt(
            alg, v, w, lambda w: w)[:1], terms]), 1e-12)


def test_higher_terms_of_several_directions(rng):
    alg = new_algebra(2, 2)
    a = randomly(alg, np.eye(3), rng, 1.0, self_adjoint)
    w = np.linalg.eigvalsh(a)
    for seed in range(2):  # the pure powers are those of the single direction
        v = np.eye(2)[seed]
        x = line(alg, a, v)
        pure = [k for k in range(1, alg.M) if set(alg.multi_index(k)[0]) == {seed}]
        close(w.terms[np.array(pure) - 1], np.linalg.eigvalsh(x).terms, 1e-12)
    mixed = [k - 1 for k in range(1, alg.M) if len(set(alg.multi_index(k)[0])) == 2]
    assert np.isnan(w.terms[mixed]).all()


def test_batches_mix_simple_and_repeated(rng):
    alg = new_algebra(1, 3)
    stack = np.array([np.diag([1.0, 2, 3]), np.eye(3), np.diag([1.0, 1, 0])])
    a = randomly(alg, stack, rng, SIZE, self_adjoint)
    w, v = np.linalg.eigh(a)
    u, s, vh = np.linalg.svd(a)
    w1, v1 = np.linalg.eig(a)
    for b in range(3):
        for got, want in ((w, np.linalg.eigh(a[b])[0]), (v, np.linalg.eigh(a[b])[1]),
                          (s, np.linalg.svd(a[b])[1]), (u, np.linalg.svd(a[b])[0]),
                          (w1, np.linalg.eig(a[b])[0]), (v1, np.linalg.eig(a[b])[1])):
            close(rows(alg, got)[:, b], rows(alg, want), 1e-12)


# ---- shapes, dtypes, errors ----------------------------------------------------------------

FUNCTIONS = (np.linalg.eigh, np.linalg.eigvalsh, np.linalg.eig, np.linalg.eigvals,
             np.linalg.svd, np.linalg.svdvals)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (2, 0, 0), (1, 1)])
def test_empty_and_small(f, shape, rng):
    x = randomly(new_algebra(2, 2), np.ones(shape), rng)
    got, want = f(x), f(x.value)
    for g, w in zip(*(y if isinstance(y, tuple) else (y,) for y in (got, want)), strict=True):
        assert type(g) is Taylor and g.shape == w.shape and (g.value == w).all()
        assert g.dtype == w.dtype


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision(f, dtype, rng):
    alg = new_algebra(2, 2)
    a = randomly(alg, with_values(SPACED, dtype, rng).astype(dtype), rng, SIZE, self_adjoint)
    wide = np.result_type(dtype, np.float64)
    got = f(a)
    want = f(make(alg, a.value.astype(wide), a.terms.astype(wide)))
    for g, w, z in zip(*(y if isinstance(y, tuple) else (y,) for y in (got, want, f(a.value))),
                       strict=True):
        assert g.dtype == z.dtype
        if np.abs(g.value - w.value).max() < 1e-4:  # the same signs and order
            close(rows(alg, g), rows(alg, w), 1e-4)


def test_errors_are_numpys(rng):
    x = randomly(new_algebra(1, 1), np.ones((2, 3)), rng)
    for f in FUNCTIONS[:4]:
        with pytest.raises(np.linalg.LinAlgError):
            f(x)
    for f in FUNCTIONS:
        with pytest.raises(np.linalg.LinAlgError):
            f(x[0])
    with pytest.raises(ValueError, match="UPLO"):
        np.linalg.eigh(x[:, :2], "X")
    with pytest.raises(TypeError, match="no derivative with respect to argument"):
        np.linalg.svd(x, x)
