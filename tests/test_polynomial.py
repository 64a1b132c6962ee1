"""Polynomials: NumPy's old functions, and numpy.polynomial as it runs on numbers."""

import functools

import numpy as np
import numpy.polynomial as bases
import pytest
from numpy.polynomial import polynomial as npp
from polynomials import algebra, check, number

from dualdiff import grad, jacfwd, value_and_jacfwd
from dualdiff._taylor import Taylor, make, pack

ALGEBRAS = [(3, 1), (1, 4), (2, 3)]

# functions that are polynomials of the numbers: any radius will do
exactly = functools.partial(check, radius=1.0, points=22, lines=1)
# functions that are not, judged near the values only
nearby = functools.partial(check, radius=0.04, points=12, lines=1, rtol=1e-4)


@pytest.fixture(params=ALGEBRAS, ids=str)
def draw(request):
    """Numbers over one algebra."""
    return functools.partial(number, algebra(*request.param))


def test_polyval(draw):
    exactly(np.polyval, draw((4,)), draw((3,), seed=1))
    exactly(np.polyval, [1.0, 2.0, 3.0], draw((2, 3)))
    exactly(np.polyval, draw((4,)), 0.3)
    exactly(np.polyval, draw((4,), complex), draw((), seed=1))
    exactly(lambda p, x: np.polyval(x=x, p=p), draw((1,)), draw((3,), seed=1))
    exactly(lambda x: np.polyval([], x) + x, draw((2,)))
    p = np.poly1d([1.0, 2.0, 3.0])
    exactly(lambda x: np.polyval(p, x), draw((3,)))


def test_arithmetic(draw):
    p, q = draw((4,)), draw((2,), seed=1)
    for f in (np.polyadd, np.polysub, np.polymul):
        for args in ((p, q), (q, p), (p, np.ones(2)), (np.ones(6), q), (p, 2.0)):
            exactly(f, *args)
    v = draw((2,), seed=1, value=[3.0, 1.0], scale=0.5)
    for args in ((p, v), (v, p), (np.arange(1.0, 6.0), v), (p, [2.0, 1.0]),
                 (draw((4,), complex), v)):
        nearby(np.polydiv, *args)


def test_polymul_trims_zeros_in_front():
    alg = algebra(2, 2)
    p = number(alg, (4,), value=[0.0, 0.0, 1.0, 2.0])
    y = np.polymul(p, [1.0, 1.0])
    np.testing.assert_array_equal(y.value, [1.0, 3.0, 2.0])
    np.testing.assert_array_equal(y.terms[:, 0], p.terms[:, 2])


def test_a_remainder_that_is_exactly_zero():
    alg = algebra(1, 2)
    u = make(alg, np.array([1.0, 3.0, 2.0]), np.array([[1.0, 0.0, 0.0], [0.0] * 3]))
    q, r = np.polydiv(u, [1.0, 1.0])
    np.testing.assert_array_equal(q.value, [1.0, 2.0])
    np.testing.assert_array_equal(q.terms[0], [1.0, -1.0])
    np.testing.assert_array_equal(r.terms[0], [1.0])


def test_derivative_and_integral(draw):
    p = draw((5,))
    for m in range(4):
        exactly(lambda p, m=m: np.polyder(p, m), p)
        exactly(lambda p, m=m: np.polyint(p, m), p)
    exactly(lambda p: np.polyder(p, m=7), p)
    exactly(lambda p: np.polyint(p, 2, [1.0, 2.0]), p)
    exactly(lambda p: np.polyint(p, m=3, k=2.0), p)
    exactly(lambda p, k: np.polyint(p, 2, k), p, draw((2,), seed=1))


def test_roots_and_poly(draw):
    exactly(np.poly, draw((3,)))
    exactly(np.poly, draw((3,), complex))
    nearby(np.poly, draw((3, 3), value=np.diag([1.0, 2.0, 4.0]), scale=0.5))
    nearby(np.poly, draw((3, 3), value=[[0.0, -1, 0], [1, 0, 0], [0, 0, 3]], scale=0.3))
    small = functools.partial(draw, scale=0.2)
    nearby(np.roots, small((4,), value=[1.0, -6.0, 11.0, -6.2]))
    nearby(np.roots, small((4,), value=[1.0, 0.0, 1.0, -6.2]))
    nearby(np.roots, small((3,), complex, value=[1.0, 1j, 2.0]))


def test_roots_solve_their_equation():
    p = number(algebra(3, 5), (5,), value=[1.0, -10.0, 35.0, -50.0, 24.0], scale=0.05)
    r = np.roots(p)
    bound = 1e-9 * np.abs(r.terms).max()
    np.testing.assert_allclose(np.polyval(p, r).terms, 0, atol=bound)
    np.testing.assert_allclose(np.poly(r).terms, (p / p[0]).terms, rtol=0, atol=bound)


def test_a_root_at_zero_moves_with_the_last_coefficient():
    alg = algebra(1, 1)
    p = make(alg, np.array([1.0, -3.0, 2.0, 0.0]), np.array([[0.0, 0.0, 0.0, 1.0]]))
    r = np.roots(p)
    np.testing.assert_array_equal(r.value, np.roots([1.0, -3.0, 2.0, 0.0]))
    assert r.terms[0, -1] == -0.5


X = np.linspace(-1.0, 1.0, 7) ** 3 + 0.1


def test_polyfit(draw):
    x, y = draw((7,), value=X, scale=0.3), draw((7,), seed=3)
    w = draw((7,), value=np.linspace(1.0, 2.0, 7), seed=2, scale=0.3)
    for weights in (None, w):
        for q in (y, draw((7, 2), seed=4)):
            nearby(lambda x, y, w: np.polyfit(x, y, 2, w=w), x, q, weights)
            nearby(lambda x, y, w: np.polyfit(x, y, 2, w=w, cov=True), x, q, weights)
            nearby(lambda x, y, w: np.polyfit(x, y, 2, None, True, w), x, q, weights)
    nearby(lambda x, y: np.polyfit(x, y, 1, cov="unscaled"), x, y)
    exactly(lambda y: np.polyfit(X, y, 3), y)
    exactly(lambda y: np.polyfit(X, y, deg=2, w=np.arange(1.0, 8.0)), y)


def test_vander(draw):
    for args in ((), (3,), (1,), (0,), (6, True)):
        exactly(lambda x, a=args: np.vander(x, *a), draw((4,)))
    exactly(lambda x: np.vander(x, increasing=True), draw((3,), complex))


@pytest.mark.skipif(not hasattr(npp, "polyvalnd"), reason="dispatched by NumPy from 2.5 on")
def test_several_variables(draw):
    x, y = draw((3, 2)), draw((3, 2), seed=1)
    for c in (draw((2, 3), seed=2), draw((2, 3, 4), seed=2)):
        for args in ((x, y, c), (x.value, y, c), (x, y, np.array(c.value)), (x, y.value, c)):
            exactly(npp.polyval2d, *args)
        exactly(npp.polygrid2d, draw((2,)), draw((3,), seed=1), c)
        exactly(npp.polygrid2d, 0.5, draw((3,), seed=1), c)
    exactly(lambda *a: npp.polyvalnd(a[:3], a[3]), x, y, x, draw((2, 2, 3), seed=2))
    exactly(lambda *a: npp.polyvalnd(a[:1], a[1]), x, draw((3,), seed=2))


# ---- numpy.polynomial: plain Python, which runs on numbers -------------------------------

BASES = {"poly": bases.polynomial, "cheb": bases.chebyshev, "leg": bases.legendre,
         "lag": bases.laguerre, "herm": bases.hermite, "herme": bases.hermite_e}


def packed(y):
    """Object arrays of numbers, which these functions give, as numbers."""
    return tuple(map(packed, y)) if isinstance(y, tuple) else pack(y)


RUN = {  # what runs on numbers: name in every basis, arguments by shape (a list: constants)
    "val": [((3,), [1.0, 2.0, 3.0]), ((3,), (4,)), ([0.3], (4,)), ((), (3,))],
    "add": [((4,), (2,)), ((4,), [1.0, 2.0])],
    "sub": [((4,), (2,)), ([1.0, 2.0], (4,))],
    "mul": [((4,), (2,)), ((4,), [1.0, 2.0])],
    "mulx": [((4,),)],
    "der": [((4,),)],
    "int": [((4,),)],
    "pow": [((2,), 3)],
    "line": [((), ())],
    "fromroots": [((3,),)],
    "vander": [((3,), 3)],
    "val2d": [((3,), (3,), (2, 3))],
    "val3d": [((3,), (3,), (3,), (2, 3, 2))],
}


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("name", RUN)
def test_functions_of_every_basis(name, basis):
    func = getattr(BASES[basis], basis + name)
    alg = algebra(2, 3)
    for shapes in RUN[name]:
        args = [number(alg, s, seed=n) if isinstance(s, tuple) else
                np.array(s) if isinstance(s, list) else s for n, s in enumerate(shapes)]
        exactly(lambda *a: packed(func(*a)), *args, bitwise=False)


@pytest.mark.parametrize("basis", BASES)
def test_division_and_companion_of_every_basis(basis):
    alg = algebra(2, 3)
    c, d = number(alg, (4,), value=[1.0, 2.0, 1.0, 3.0], scale=0.5), number(
        alg, (2,), value=[1.0, 2.0], scale=0.5)
    room = BASES[basis]
    nearby(lambda a, b: packed(getattr(room, basis + "div")(a, b)), c, d, bitwise=False)
    nearby(lambda a: packed(getattr(room, basis + "companion")(a)), c, bitwise=False)


@pytest.mark.parametrize("basis", BASES)
def test_roots_by_the_companion_matrix(basis):
    """...roots cannot run on numbers; the eigenvalues of the companion matrix can."""
    room = BASES[basis]
    c = number(algebra(2, 2), (4,), value=[0.5, 2.0, 0.3, 1.0], scale=0.1)
    with pytest.raises(TypeError):
        getattr(room, basis + "roots")(c)
    nearby(lambda c: np.linalg.eigvals(packed(getattr(room, basis + "companion")(c))), c,
           bitwise=False)


@pytest.mark.parametrize("basis", BASES)
def test_fits_by_the_vandermonde_matrix(basis):
    """...fit cannot run on numbers; least squares with the Vandermonde matrix can."""
    room = BASES[basis]
    alg = algebra(2, 2)
    x, y = number(alg, (7,), value=X, scale=0.2), number(alg, (7,), seed=1)
    with pytest.raises((TypeError, ValueError)):
        getattr(room, basis + "fit")(X, y, 2)
    nearby(lambda x, y: np.linalg.lstsq(packed(getattr(room, basis + "vander")(x, 2)), y)[0],
           x, y, bitwise=False)


@pytest.mark.parametrize("cls", [bases.Polynomial, bases.Chebyshev, bases.Legendre,
                                 bases.Laguerre, bases.Hermite, bases.HermiteE])
def test_classes(cls):
    """Evaluation of the convenience classes, at numbers and with numbers for coefficients."""
    alg = algebra(2, 3)
    x, c = number(alg, (3,)), number(alg, (4,), seed=1)
    exactly(lambda x: packed(cls([1.0, 2.0, 3.0])(x)), x, bitwise=False)
    exactly(lambda c: packed(cls(c if type(c) is Taylor else list(c))(0.5)), c, bitwise=False)


def test_gradient_of_a_fit():
    """A fitted curve's value far out, as a function of the data: linear, so exact."""
    x, y = np.arange(5.0), np.array([0.0, 1.0, 4.0, 9.0, 17.0])
    g = grad(lambda y: np.polyval(np.polyfit(x, y, 2), 6.0))(y)
    want = [np.polyval(np.polyfit(x, e, 2), 6.0) for e in np.eye(5)]
    np.testing.assert_allclose(g, want, rtol=1e-10, atol=1e-12)


def test_errors_are_numpys():
    x = number(algebra(2, 2), (4,))
    with pytest.raises(TypeError, match="same length"):
        np.polyfit(x, np.ones(5), 2)
    with pytest.raises(ValueError, match="deg >= 0"):
        np.polyfit(x, np.ones(4), -1)
    with pytest.raises(ValueError, match="rank-1 array"):
        np.roots(x.reshape(2, 2))
    with pytest.raises(ValueError, match="must be positive"):
        np.polyder(x, -1)


@pytest.mark.parametrize("func, args", [
    (np.polynomial.chebyshev.chebval, (np.arange(6.0).reshape(3, 2),)),
    (np.polynomial.polynomial.polyvalfromroots, (np.arange(6.0).reshape(3, 2),)),
], ids=["chebval", "polyvalfromroots"])
def test_code_that_asks_for_an_ndarray(func, args):
    """NumPy's own Python code lays its result out by isinstance(x, np.ndarray)."""
    x = np.array([0.3, 0.4, 0.7])
    value, slope = value_and_jacfwd(lambda x: func(x, *args))(x)
    np.testing.assert_array_equal(value, func(x, *args))
    h = 1e-6
    for i in range(3):
        e = h * np.eye(3)[i]
        want = (func(x + e, *args) - func(x - e, *args)) / (2 * h)
        np.testing.assert_allclose(slope[..., i], want, rtol=1e-7, atol=1e-8)


def test_grids_of_numbers():
    c = np.arange(6.0).reshape(2, 3)
    got = jacfwd(lambda x: np.polynomial.chebyshev.chebgrid2d(x, x, c))(np.array([0.3, 0.4]))
    assert got.shape == (2, 2, 2)
    np.testing.assert_allclose(got[0, 1, 1], 1 + 4 * 0.4 * 2 + 0.3 * (4 + 5 * 4 * 0.4))
