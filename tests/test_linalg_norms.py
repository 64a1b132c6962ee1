"""numpy.linalg: norms of every order, condition numbers, namesakes of NumPy's functions."""

import mpmath
import numpy as np
import pytest
from series import ALGEBRAS, close, random, randomly, rows, times
from test_linalg import DTYPES, differences, mp_matrix_taylor

from dualdiff import grad
from dualdiff._algebra import new_algebra
from dualdiff._taylor import Taylor, make

norm = np.linalg.norm
VECTOR = (None, 2, 1, 3, 2.5, 0.5, -1, -2.5, np.inf, -np.inf, 0)
MATRIX = (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
SIZE = 0.1


@pytest.fixture(params=ALGEBRAS)
def alg(request):
    """Algebras of one and of several seeds and factors."""
    return ALGEBRAS[request.param]()


@pytest.fixture
def rng():
    """A fixed generator."""
    return np.random.default_rng(11)


def off_zero(shape, dtype, rng):
    """Elements with absolute values well apart."""
    size = 1 + 0.3 * rng.permutation(int(np.prod(shape))).reshape(shape) ** 1.3
    z = random(shape, dtype, rng)
    return (size * z / np.abs(z)).astype(dtype)


# ---- against definitions ----------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_two_norms(alg, dtype, rng):
    for f, shape, axes in (
        (lambda x: norm(x), (2, 3), (0, 1)), (lambda x: norm(x), (4,), (0,)),
        (lambda x: norm(x), (2, 3, 2), (0, 1, 2)), (lambda x: norm(x), (), ()),
        (lambda x: norm(x, axis=1), (2, 3), (1,)),
        (lambda x: norm(x, 2, -1), (2, 3), (1,)),
        (lambda x: norm(x, axis=(2, 0)), (2, 3, 2), (0, 2)),
        (lambda x: norm(x, "fro", (0, 1)), (2, 3, 2), (0, 1)),
        (lambda x: np.linalg.vector_norm(x), (2, 3, 2), (0, 1, 2)),
        (lambda x: np.linalg.vector_norm(x, axis=(0, 2)), (2, 3, 2), (0, 2)),
        (lambda x: np.linalg.matrix_norm(x), (2, 3, 2), (1, 2))):
        x = randomly(alg, off_zero(shape, dtype, rng), rng, SIZE)
        y = f(x)
        assert (y.value == f(x.value)).all() and y.dtype == np.float64
        r = rows(alg, x)
        square = times(alg, r.conj(), r, lambda a, b, ax=axes: (a * b).sum(axis=ax).real)
        close(times(alg, rows(alg, y), rows(alg, y), np.multiply), square)


@pytest.mark.parametrize("p", VECTOR)
@pytest.mark.parametrize("dtype", DTYPES)
def test_vector_norms(alg, p, dtype, rng):
    x = randomly(alg, off_zero((2, 5), dtype, rng), rng, SIZE)
    size = np.absolute(x)
    if dtype is np.complex128:
        size = np.hypot(*(make(alg, f(x.value), f(x.terms)) for f in (np.real, np.imag)))
    if p in (np.inf, -np.inf):
        at = (np.argmax if p > 0 else np.argmin)(size.value, axis=1)
        want = size[np.arange(2), at]
    elif p == 0:
        want = np.full(2, 5.0)
    else:
        q = 2.0 if p is None else float(p)
        want = np.power(np.sum(np.power(size, q), axis=1), 1 / q)
    got = norm(x, p, 1)
    assert (got.value == norm(x.value, p, 1)).all()
    close(rows(alg, got), rows(alg, want))
    kept = norm(x, p, axis=-1, keepdims=True)
    assert kept.shape == (2, 1)
    close(rows(alg, kept)[..., 0], rows(alg, got), 1e-15)
    close(rows(alg, norm(x[0], p)), rows(alg, got)[:, 0], 1e-14)
    other = 2 if p is None else p
    close(rows(alg, np.linalg.vector_norm(x, axis=1, ord=other)), rows(alg, got), 1e-14)


@pytest.mark.parametrize("p", MATRIX)
@pytest.mark.parametrize("dtype", DTYPES)
def test_matrix_norms(p, dtype, rng):
    for shape in ((3, 3), (2, 3), (4, 2)):
        a, v = off_zero(shape, dtype, rng), random(shape, dtype, rng)
        x = make(new_algebra(1, 1), a, v[None])
        got = norm(x, p)
        assert got.value == norm(a, p)
        close(got.terms[0], differences(lambda z: norm(z, p), a, v), 1e-8)
        stack = np.stack([x, 2 * x], 1)
        for axes in ((0, 2), (-3, 2)):
            y = norm(stack, p, axes, keepdims=True)
            assert y.shape == (1, 2, 1)
            close(y.terms[0].ravel(), got.terms[0] * np.array([1, 2]), 1e-13)
        turned = norm(stack, p, (2, 0))
        close(turned.terms[0][0], norm(np.transpose(x), p).terms[0], 1e-13)
        if p is not None:
            z = np.linalg.matrix_norm(np.transpose(stack, (1, 0, 2)), ord=p, keepdims=True)
            close(z.terms[0].ravel(), y.terms[0].ravel(), 1e-13)


def test_norms_of_singular_values_to_high_order(alg, rng):
    x = randomly(alg, np.diag([3.0, 2, 1])[:, :2] + 0.1 * rng.normal(size=(3, 2)), rng, SIZE)
    s = np.linalg.svdvals(x)
    close(rows(alg, norm(x, 2)), rows(alg, s)[:, 0], 1e-13)
    close(rows(alg, norm(x, -2)), rows(alg, s)[:, -1], 1e-13)
    close(rows(alg, norm(x, "nuc")), rows(alg, s).sum(-1), 1e-13)


@pytest.mark.parametrize("p", [2, 3, 2.5, -1.5])
def test_against_mpmath(p, rng):
    a, v = rng.uniform(0.5, 2, (4, 1)), rng.normal(size=(4, 1))
    alg = new_algebra(1, 6)
    terms = np.zeros((6, 4))
    terms[0] = v[:, 0]
    got = rows(alg, norm(make(alg, a[:, 0], terms), p))
    want = mp_matrix_taylor(lambda x: sum(abs(e) ** mpmath.mpf(p) for e in x) ** (
        1 / mpmath.mpf(p)), a, v, 6)
    close(got, want, 1e-13)


# ---- edges -----------------------------------------------------------------------------


@pytest.mark.parametrize("p", VECTOR)
@pytest.mark.filterwarnings("ignore:divide by zero")  # NumPy's own, of 0 ** -1
def test_at_zero(p):
    for order in (1, 3):
        for dtype in DTYPES:
            x = randomly(new_algebra(2, order), np.zeros(3, dtype), np.random.default_rng(0))
            y = norm(x, p)
            assert y.value == 0 and not y.terms.any()


@pytest.mark.parametrize("p", MATRIX)
def test_matrix_norms_at_zero(p):
    x = randomly(new_algebra(2, 2), np.zeros((2, 2)), np.random.default_rng(0))
    y = norm(x, p)
    if p in (2, -2, "nuc"):  # one-sided: the norm of the direction, or its smallest value
        close(y.terms[:2], [norm(t, p) for t in x.terms[:2]], 1e-14)
    else:
        assert not y.terms.any()


@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e300, 1e-300])
@pytest.mark.filterwarnings("ignore:overflow")  # NumPy's own value is infinite
def test_no_overflow_on_the_way(scale):
    x = np.array([3.0, -4.0]) * scale
    np.testing.assert_allclose(grad(norm)(x), [0.6, -0.8], rtol=4e-16)
    np.testing.assert_allclose(grad(lambda x: norm(x, 2, keepdims=True)[0])(x), [0.6, -0.8],
                               rtol=4e-16)
    want = np.array([9.0, -16.0]) / 91 ** (2 / 3)
    np.testing.assert_allclose(grad(lambda x: norm(x, 3))(x), want, rtol=2e-15)
    np.testing.assert_allclose(grad(norm)(np.outer(x, [1.0, 0])), [[0.6, 0], [-0.8, 0]],
                               rtol=4e-16)
    np.testing.assert_allclose(grad(lambda x: norm(x + 0j * x))(x), [0.6, -0.8], rtol=4e-16)


def test_ties_share_equally():
    assert grad(lambda x: norm(x, np.inf))(np.array([2.0, -2, 1])).tolist() == [0.5, -0.5, 0]
    assert grad(lambda x: norm(x, -np.inf))(np.array([2.0, -2, 3])).tolist() == [0.5, -0.5, 0]
    assert grad(lambda x: norm(x, 1))(np.ones((2, 2))).tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert grad(lambda x: norm(x, np.inf))(np.ones((2, 2))).tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_partly_zero():
    x = np.array([0.0, 2.0, 0.0])
    for p in (1, 1.5, 2, 3, 0.5, np.inf):
        np.testing.assert_allclose(grad(lambda x, p=p: norm(x, p))(x), [0, 1, 0], atol=1e-15)


def test_elements_without_a_seed_stay_without():
    alg = new_algebra(2, 2)
    x = make(alg, np.array([np.inf, 1.0]), np.zeros((5, 2)))
    for p in (2, 1, 3, np.inf):
        assert not norm(x, p).terms.any()


# ---- condition numbers ---------------------------------------------------------------------


@pytest.mark.parametrize("p", [None, 2, -2, "fro", "nuc", 1, -1, np.inf, -np.inf])
def test_cond(p, rng):
    for shape in ((3, 3), (2, 3, 3), (4, 2)):
        if shape == (4, 2) and p not in (None, 2, -2):
            continue
        a, v = off_zero(shape, float, rng), rng.normal(size=shape)
        x = make(new_algebra(1, 1), a, v[None])
        got = np.linalg.cond(x, p)
        assert (got.value == np.linalg.cond(a, p)).all()
        want = differences(lambda z: np.linalg.cond(z, p), a, v, 1e-6)
        np.testing.assert_allclose(got.terms[0], want, rtol=1e-6, atol=1e-6 * np.abs(want).max())


def test_cond_of_singular_matrices():
    alg = new_algebra(2, 1)
    t = np.zeros((2, 2, 2, 2))
    t[0] = 1.0
    x = make(alg, np.array([np.eye(2), np.zeros((2, 2))]), t)
    for p in (1, "fro"):
        y = np.linalg.cond(x, p)
        assert np.isfinite(y.terms[:, 0]).all()
        assert np.isnan(y.terms[0, 1]) and y.terms[1, 1] == 0


# ---- namesakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_namesakes(alg, dtype, rng):
    x = randomly(alg, random((2, 3), dtype, rng), rng)
    y = randomly(alg, random((2, 3), dtype, rng), rng)
    one = randomly(alg, random((3,), dtype, rng), rng)
    la = np.linalg
    for f, a, b in (
        (la.outer, one, x[0]), (la.cross, x, y), (la.cross, x, one), (la.cross, one, x),
        (lambda p, q: la.cross(p, q, axis=0), np.transpose(x), np.transpose(y)),
        (la.vecdot, x, y), (la.vecdot, x, one), (la.vecdot, one, y),
        (lambda p, q: la.vecdot(p, q, axis=0), x, y),
        (lambda p, q: la.tensordot(p, q, axes=1), x, np.transpose(y)),
        (la.tensordot, x, y), (lambda p, q: la.tensordot(p, q, axes=0), x, one),
        (lambda p, q: la.tensordot(p, q, axes=((1,), (-1,))), x, y),
        (lambda p, q: la.tensordot(p, q, axes=(1, 0)), x, one),
        (la.matmul, x, np.transpose(y)), (la.matmul, x, one)):
        c = f(a, b)
        assert np.all(c.value == f(a.value, b.value))
        close(rows(alg, c), times(alg, rows(alg, a), rows(alg, b), f), 1e-14)
        for left, right in ((a.value, b), (a, b.value)):
            want = times(alg, rows(alg, left), rows(alg, right), f)
            close(rows(alg, f(left, right)), want, 1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
def test_linear_namesakes(alg, dtype, rng):
    x = randomly(alg, random((2, 3, 4), dtype, rng), rng)
    la = np.linalg
    for f in (la.trace, lambda a: la.trace(a, offset=1), lambda a: la.trace(a, offset=-1),
              la.diagonal, lambda a: la.diagonal(a, offset=2), la.matrix_transpose,
              np.trace, lambda a: np.trace(a, 1, 1, 2), lambda a: np.trace(a, 0, -1, 0),
              lambda a: np.trace(a, offset=-1, axis1=2, axis2=1),
              lambda a: a.trace(0, 1, 2), lambda a: np.trace(a, axis1=-3, axis2=-1)):
        y = f(x)
        assert np.all(y.value == f(x.value))
        close(rows(alg, y), np.stack([f(r) for r in rows(alg, x)]), 1e-15)
    out = x[:, 0, 0] * 0
    assert np.trace(x, axis1=1, axis2=2, out=out) is out


# ---- shapes and errors --------------------------------------------------------------------------


def test_empty():
    x = randomly(new_algebra(2, 2), np.zeros((0, 3)), np.random.default_rng(0))
    for y, z in ((norm(x), norm(x.value)), (norm(x, axis=1), norm(x.value, axis=1)),
                 (norm(x, 1, 1), norm(x.value, 1, 1)), (norm(x, axis=0), norm(x.value, axis=0))):
        value = y.value if type(y) is Taylor else y
        assert np.shape(value) == np.shape(z) and np.all(value == z)


def test_single_precision(rng):
    x = randomly(new_algebra(2, 2), off_zero((3, 3), np.float32, rng), rng)
    for p in MATRIX:
        assert norm(x, p).dtype == norm(x.value, p).dtype
        assert norm(x, p).terms.dtype == norm(x, p).dtype
    for p in VECTOR:
        assert norm(x[0], p).dtype == norm(x[0].value, p).dtype
    z = randomly(new_algebra(2, 2), off_zero((3,), np.complex64, rng), rng)
    assert norm(z).dtype == np.float32


def test_errors_are_numpys():
    x = randomly(new_algebra(1, 1), np.ones((2, 2, 2)), np.random.default_rng(0))
    for args in (("no", None), (None, (0, 0)), (2, None), (3, (0, 1)), ("fro", 0)):
        with pytest.raises(ValueError):
            norm(x, *args)
    with pytest.raises(np.exceptions.AxisError):
        norm(x, 2, 7)
    with pytest.raises(ValueError):
        np.linalg.outer(x, x)
    with pytest.raises(ValueError):
        np.linalg.cross(x, x)
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cond(x[0, 0])
    with pytest.raises(TypeError, match="no derivative with respect to argument"):
        norm(x[0, 0], x[0, 0, 0])
