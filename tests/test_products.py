"""Products of arrays against NumPy on polynomials put in for the numbers."""

import functools
import itertools

import numpy as np
import pytest
from polynomials import algebra, algebras, check as check_smooth, number
from tolerances import assert_close

from dualdiff import grad
from dualdiff._bilinear import schedule
from dualdiff._taylor import Taylor, make
from dualdiff.rows.products import ROWS

# products are polynomials in the seeds: any radius will do
check = functools.partial(check_smooth, radius=1.0, points=18)
ALGEBRAS = [pytest.param(a, id=f"{a[0]}seeds-order{a[1]}") for a in algebras()]


def args_of(alg, shapes, which, dtype=float):
    """Arrays of these shapes; the ones in `which` are numbers."""
    xs = [number(alg, s, dtype, seed=n) for n, s in enumerate(shapes)]
    return [x if n in which else np.array(x.value) for n, x in enumerate(xs)]


def active(count):
    """Every set of arguments that are numbers, but none."""
    return [c for r in range(1, count + 1) for c in itertools.combinations(range(count), r)]


TWO = {  # name: function and the shapes of its two arguments
    "matmul": (np.matmul, [((3,), (3,)), ((4, 3), (3,)), ((3,), (3, 4)), ((4, 3), (3, 5)),
                           ((2, 4, 3), (3,)), ((3,), (2, 3, 4)), ((2, 4, 3), (3, 5)),
                           ((4, 3), (2, 3, 5)), ((2, 1, 4, 3), (5, 3, 2)), ((1, 1), (1, 1)),
                           ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((30, 2), (2, 30)),
                           ((2, 30, 2), (2, 2, 30))]),
    "dot": (np.dot, [((), (3,)), ((2, 3), ()), ((), ()), ((3,), (3,)), ((4, 3), (3,)),
                     ((3,), (2, 3, 4)), ((2, 4, 3), (2, 3, 5))]),
    "vdot": (np.vdot, [((3,), (3,)), ((2, 3), (6,)), ((), ())]),
    "inner": (np.inner, [((3,), (3,)), ((), (2, 3)), ((4, 3), (3,)), ((4, 3), (2, 5, 3))]),
    "outer": (np.outer, [((3,), (4,)), ((2, 2), (3,)), ((), (2,))]),
    "kron": (np.kron, [((2,), (3,)), ((2, 2), (3, 2)), ((2,), (3, 2)), ((2, 1, 2), (2, 3)),
                       ((), (2, 2))]),
    "cross": (np.cross, [((3,), (3,)), ((4, 3), (3,)), ((5, 1, 3), (4, 3))]),
    "tensordot": (np.tensordot, [((3, 4), (3, 4)), ((2, 3, 4), (3, 4, 5))]),
    "vecdot": (np.vecdot, [((3,), (3,)), ((4, 3), (3,)), ((4, 1, 3), (2, 3))]),
    "matvec": (getattr(np, "matvec", None), [((4, 3), (3,)), ((4, 3), (5, 3)),
                                            ((2, 4, 3), (2, 3))]),
    "vecmat": (getattr(np, "vecmat", None), [((4,), (4, 3)), ((5, 4), (4, 3)),
                                            ((2, 4), (2, 4, 3))]),
    "convolve": (np.convolve, [((5,), (3,)), ((2,), (4,)), ((1,), (3,)), ((), (3,))]),
    "correlate": (np.correlate, [((5,), (3,)), ((2,), (4,)), ((3,), (3,)), ((1,), (3,))]),
}
TWO = {k: v for k, v in TWO.items() if v[0] is not None}


@pytest.mark.parametrize("alg", ALGEBRAS)
@pytest.mark.parametrize("name", TWO)
def test_two_arguments(name, alg):
    func, shapes = TWO[name]
    alg = algebra(*alg)
    for pair in shapes:
        for which in active(2):
            check(func, *args_of(alg, pair, which), lines=1)


@pytest.mark.parametrize("dtype", [complex, np.float32, np.complex64, np.longdouble, np.half])
@pytest.mark.parametrize("name", TWO)
def test_dtypes(name, dtype):
    func, shapes = TWO[name]
    eps = float(np.finfo(dtype).eps)
    for pair in shapes:
        alg = algebra(2, 2)
        wide = complex if np.dtype(dtype).kind == "c" else float
        for which in active(2):
            narrow = args_of(alg, pair, which, dtype)
            args = [make(alg, x.value.astype(wide), x.terms.astype(wide))
                    if type(x) is Taylor else x.astype(wide) for x in narrow]
            if dtype in (complex, np.longdouble):
                check(func, *args, lines=1)
            got, want = func(*narrow), func(*args)
            assert got.dtype == func(*(np.array(getattr(x, "value", x)) for x in narrow)).dtype
            np.testing.assert_allclose(got.terms.astype(wide), want.terms, rtol=0,
                                       atol=40 * eps + 1e-13)


def test_mixed_dtypes_and_integer_constants():
    alg = algebra(3, 2)
    x = number(alg, (3,), np.float32)
    y = np.array([[1, 2, 3], [4, 5, 6]]) @ x
    assert y.dtype == np.float64
    np.testing.assert_allclose(y.terms, x.terms @ np.array([[1.0, 4], [2, 5], [3, 6]]))
    z = x @ number(alg, (3,), complex)
    assert z.dtype == complex
    assert (x @ [True, False, True]).dtype == np.float32


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("func", [np.convolve, np.correlate])
def test_modes(func, mode):
    for n, m in [(5, 3), (3, 5), (4, 4), (6, 2), (2, 6), (1, 4), (7, 4), (4, 7)]:
        for dtype in (float, complex):
            for which in active(2):
                alg = algebra(2, 2)
                check(lambda a, v: func(a, v, mode), *args_of(alg, [(n,), (m,)], which, dtype),
                      lines=1)
    alg = algebra(4, 2)
    check(lambda a, v: func(a, v=v, mode=mode), *args_of(alg, [(90,), (60,)], (0, 1)), lines=1)


def test_correlate_equals_convolve_turned_round():
    alg = algebra(3, 3)
    a, v = args_of(alg, [(6,), (4,)], (0, 1))
    got, want = np.correlate(a, v, "full"), np.convolve(a, v[::-1])
    np.testing.assert_allclose(got.terms, want.terms, rtol=0, atol=1e-14)


KEYWORDS = [
    (lambda a, b: np.matmul(a, b, axes=[(0, 1), (-2, -1), (-1, -2)]), (2, 3, 4), (4, 3, 5)),
    (lambda a, b: np.matmul(a, b, axes=[(1, 0), (0,), (-1,)]), (2, 3), (2,)),
    (lambda a, b: np.vecdot(a, b, axis=0), (3, 4), (3, 4)),
    (lambda a, b: np.vecdot(a, b, axis=0, keepdims=True), (3, 4), (3, 4)),
    (lambda a, b: np.vecdot(a, b, keepdims=True), (3, 4), (4,)),
    (lambda a, b: np.vecdot(a, b, axes=[0, 1]), (3, 4), (4, 3)),
    (lambda a, b: np.vecdot(a, b, axes=[0, -1, ()]), (3, 4), (4, 3)),
    (lambda a, b: np.tensordot(a, b, axes=0), (2, 3), (4,)),
    (lambda a, b: np.tensordot(a, b, axes=1), (2, 3), (3, 4)),
    (lambda a, b: np.tensordot(a, b, ([0, 2], [1, 0])), (2, 3, 4), (4, 2, 5)),
    (lambda a, b: np.tensordot(a, b, axes=(-1, 0)), (2, 3), (3, 4)),
    (lambda a, b: np.tensordot(a=a, b=b), (3, 4), (3, 4)),
    (lambda a, b: np.cross(a, b, axis=0), (3, 4), (3, 4)),
    (lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0), (3, 4), (4, 3)),
    (lambda a, b: np.matmul(a, b, dtype=np.float32).astype(float), (3, 4), (4,)),
    (lambda a, b: a.dot(b), (3, 4), (4, 2)),
    (lambda a, b: a @ b, (3, 4), (4, 2)),
]


@pytest.mark.parametrize("case", range(len(KEYWORDS)))
def test_keywords(case):
    func, *shapes = KEYWORDS[case]
    if "float32" in func.__code__.co_names:
        alg = algebra(2, 2)
        a, b = args_of(alg, shapes, (0, 1))
        got, want = func(a, b), a @ b
        np.testing.assert_allclose(got.terms, want.terms, rtol=0, atol=1e-5)
        return
    for which in active(2):
        if which == (1,) and case == len(KEYWORDS) - 2:  # an array's own dot method
            continue
        check(func, *args_of(algebra(2, 3), shapes, which), lines=1)


EINSUM = [
    ("ij,jk", (2, 3), (3, 4)), ("ij,jk->ki", (2, 3), (3, 4)), ("ba,ca", (2, 3), (4, 3)),
    ("ij", (2, 3)), ("ji", (2, 3)), ("ii", (3, 3)), ("ii->i", (3, 3)), ("ij->", (2, 3)),
    ("ij->j", (2, 3)), ("...ij->...ji", (2, 2, 3)), ("iij->j", (2, 2, 3)),
    ("i...->...", (3, 2)),
    ("i,i", (3,), (3,)), ("i,j", (2,), (3,)), ("i,i->i", (3,), (3,)), (",i", (), (3,)),
    ("ij,j", (2, 3), (3,)), ("...j,j", (2, 2, 3), (3,)), ("...,...", (2, 3), (3,)),
    ("i...,j...->ij...", (2, 4), (3, 4)), ("...ij,...jk->...ik", (2, 3, 4), (1, 4, 2)),
    ("...ij,...jk", (5, 1, 3, 4), (2, 4, 2)), ("ii,ij->j", (3, 3), (3, 2)),
    ("ij,kl->", (2, 3), (4, 2)), ("ij,kl->ki", (2, 3), (4, 2)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)),
    ("i,i,i", (3,), (3,), (3,)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("i,j,k->kji", (2,), (3,), (2,)), ("ij,ij,j->i", (2, 3), (2, 3), (3,)),
    ("ab,bc,cd,da", (2, 3), (3, 2), (2, 3), (3, 2)), ("i j , j k -> i k", (2, 3), (3, 2)),
    ("ij,j", (2, 3), (1,)), ("ij,ij->ij", (2, 1), (2, 3)), ("ij,ij", (2, 1), (1, 3)),
    ("aB,Bc", (2, 3), (3, 2)), ("ii,i", (1, 1), (3,)), ("ij,jk", (2, 0), (0, 3)),
]


@pytest.mark.parametrize("case", range(len(EINSUM)), ids=[c[0] for c in EINSUM])
def test_einsum(case):
    text, *shapes = EINSUM[case]
    for n, order in ((3, 1), (1, 4), (2, 3)):
        for dtype in (float, complex):
            for which in active(len(shapes))[-3:]:
                args = args_of(algebra(n, order), shapes, which, dtype)
                check(lambda *xs: np.einsum(text, *xs), *args, lines=1)
    args = args_of(algebra(2, 2), shapes, range(len(shapes)))
    for optimize in (True, "optimal", "greedy"):
        check(lambda *xs, o=optimize: np.einsum(text, *xs, optimize=o), *args, lines=1)
    assert np.einsum_path(text, *args)[0] == np.einsum_path(
        text, *(np.array(x.value) for x in args))[0]


SUBLISTS = [
    (lambda a, b: np.einsum(a, [0, 1], b, [1, 2]), (2, 3), (3, 4)),
    (lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), (2, 3), (3, 4)),
    (lambda a, b: np.einsum(a, [..., 5], b, [5, 3], [3, ...]), (2, 2, 3), (3, 4)),
    (lambda a, b: np.einsum(a, [30, 1], b, [1, 2]), (2, 3), (3, 4)),
    (lambda a, b: np.einsum(a, [..., 1], b, [..., 1]), (2, 3), (3,)),
]


@pytest.mark.parametrize("case", range(len(SUBLISTS)))
def test_einsum_sublists(case):
    func, *shapes = SUBLISTS[case]
    for which in active(2):
        check(func, *args_of(algebra(2, 3), shapes, which), lines=1)


def test_einsum_of_one_number_is_a_view_where_numpys_is():
    x = number(algebra(2, 2), (3, 3))
    d = np.einsum("ii->i", x)
    d[...] = 7.0
    assert x.value.diagonal().tolist() == [7.0] * 3
    assert not np.diagonal(x.terms, axis1=1, axis2=2).any()


def test_einsum_dtype_and_out():
    x = number(algebra(2, 2), (3, 3), np.float32)
    y = np.einsum("ij,jk", x, x, dtype=np.float64)
    assert y.dtype == np.float64
    out = 0 * x
    z = np.einsum("ij,jk", x, x, out=out)
    assert z is out
    np.testing.assert_array_equal(out.terms, np.einsum("ij,jk", x, x).terms)


@pytest.mark.parametrize("name", ["matmul", "dot", "outer", "vecdot"])
def test_out(name):
    func, shapes = TWO[name]
    a, b = args_of(algebra(2, 2), shapes[3] if name == "matmul" else shapes[0], (0, 1))
    want = func(a, b)
    if not want.ndim:
        a, b = args_of(algebra(2, 2), shapes[1], (0, 1))
        want = func(a, b)
    out = 0 * want
    got = func(a, b, out=out)
    assert got is out
    np.testing.assert_array_equal(out.value, want.value)
    np.testing.assert_array_equal(out.terms, want.terms)
    with pytest.raises(TypeError, match=r"out=.*np\.empty_like"):
        func(a, b, out=np.zeros(want.shape))


def test_in_place_matmul():
    a = number(algebra(2, 2), (3, 3))
    want, b, base = a @ a, a.copy(), a
    base @= b
    assert base is a
    np.testing.assert_array_equal(a.terms, want.terms)


def test_numbers_of_two_calls():
    """A product of numbers of nested calls: mixed monomials, seeds of each call once."""
    def f(x, y):
        return np.sum((x[:, None] * x) @ (y * y))

    x, y = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    g = grad(lambda x: np.sum(grad(lambda y: f(x, y))(y)))(x)
    s = x.sum()
    want = [2 * (s * y[0] + (x * y).sum()), 2 * (s * y[1] + (x * y).sum())]
    np.testing.assert_allclose(g, want, rtol=1e-14)


def test_a_sparse_algebra_takes_rows():
    """Two factors of order 1: most products of two seeds are dropped."""
    one, two = algebra(40, 1), algebra(2, 1)
    a, b = number(one, (2, 3)), number(two, (3,))
    y = a @ b + b @ b
    alg = y.algebra
    got = alg, (a + 0 * b[0]) @ b
    blocks = schedule(alg)[1]
    assert blocks
    full = got[1]
    for k in range(1, alg.M):
        i, j = alg.multi_index(k)
        want = (a.terms[i[0]] if i else a.value) @ (b.terms[j[0]] if j else b.value)
        if not (i or j):
            continue
        np.testing.assert_allclose(full.terms[k - 1], want, rtol=1e-13, atol=1e-14)


def test_chunks(monkeypatch):
    from dualdiff import _bilinear
    a, b = args_of(algebra(9, 2), [(4, 3), (3, 2)], (0, 1))
    want = a @ b
    for chunk in (1, 100, 500):
        monkeypatch.setattr(_bilinear, "CHUNK", chunk)
        np.testing.assert_allclose((a @ b).terms, want.terms, rtol=0, atol=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_strong_zero(order):
    """A zero coefficient stays zero beside inf and NaN; other products follow arithmetic."""
    alg = algebra(2, order)
    x = number(alg, (3,))
    terms = np.array(x.terms)
    terms[:, 1] = 0  # element 1 does not depend on the seeds
    terms[1] = 0
    x = make(alg, np.array([1.0, 2.0, 3.0]), terms)
    for bad in (np.inf, -np.inf, np.nan):
        a = np.array([[1.0, bad, 2.0], [3.0, 1.0, bad]])
        y = a @ x
        np.testing.assert_array_equal(y.terms[1], [0.0, 0.0])
        np.testing.assert_allclose(y.terms[0, 0], terms[0, 0] + 2 * terms[0, 2])
        want = terms[0, 2] * bad
        np.testing.assert_array_equal(y.terms[0, 1], want)
        for z in (np.dot(a, x), np.einsum("ij,j", a, x), np.tensordot(a, x, 1), np.inner(a, x)):
            np.testing.assert_array_equal(z.terms, y.terms)
        z = np.convolve(x, [1.0, bad])
        assert not z.terms[1].any()
        np.testing.assert_allclose(z.terms[0, 0], terms[0, 0])
    both = np.array([[np.inf, 0.0, -np.inf]])
    terms[0] = 1
    with np.errstate(invalid="ignore"):
        y = both @ make(alg, np.ones(3), terms)
    assert np.isnan(y.terms[0, 0])
    assert y.terms[1, 0] == 0


def test_errors_are_numpys():
    x = number(algebra(2, 2), (3,))
    with pytest.raises(ValueError, match="mismatch in its core dimension"):
        np.ones((2, 4)) @ x
    with pytest.raises(ValueError, match="not aligned"):
        np.dot(np.ones((2, 4)), x)
    with pytest.raises(ValueError, match="einstein sum|einsum|operand"):
        np.einsum("ij,j", x, x)


def test_one_matrix_product_for_all_seeds():
    """A @ x of n seeds: the terms are one product of two matrices, laid out without gaps."""
    y = np.ones((4, 3)) @ number(algebra(10, 1), (3,))
    assert y.terms.flags.c_contiguous


def test_arguments_are_not_changed_and_layouts_do_not_matter():
    alg = algebra(3, 2)
    x = number(alg, (4, 6))
    for view in (x[::-1, ::2], x.T[1:4], x[:, ::-2].T):
        copy = view.copy()
        b = np.arange(view.shape[1] * 2.0).reshape(2, -1).T
        np.testing.assert_allclose((view @ b).terms, (copy @ b).terms, rtol=0, atol=1e-13)
        np.testing.assert_allclose((view @ view.T).terms, (copy @ copy.T).terms, rtol=0,
                                   atol=1e-13)


NAMESAKES = [
    (np.linalg.matmul, (2, 3), (3, 4)), (np.linalg.outer, (3,), (4,)),
    (np.linalg.vecdot, (4, 3), (3,)),
    (lambda a, b: np.linalg.vecdot(a, b, axis=0), (3, 2), (3, 2)),
    (np.linalg.cross, (4, 3), (3,)),
    (lambda a, b: np.linalg.cross(a, b, axis=0), (3, 2), (3, 2)),
    (np.linalg.tensordot, (2, 3, 4), (3, 4, 2)),
    (lambda a, b: np.linalg.tensordot(a, b, axes=1), (2, 3), (3, 4)),
]


@pytest.mark.parametrize("case", range(len(NAMESAKES)))
def test_namesakes_in_linalg(case):
    func, *shapes = NAMESAKES[case]
    for dtype in (float, complex):
        for which in active(2):
            check(func, *args_of(algebra(2, 3), shapes, which, dtype), lines=1)


SMALL_SHAPES = [((3, 4), (4,)), ((4,), (4, 2)), ((3, 4), (4, 2)), ((4,), (4,)), ((1, 4), (4, 1)),
                ((0, 4), (4,)), ((3, 0), (0, 2))]


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("shapes", SMALL_SHAPES)
@pytest.mark.parametrize("place", [0, 1])
def test_small_products_with_constants(shapes, place, order):
    """In compiled code what the row gives, zeros that meet infinities included."""
    rng = np.random.default_rng(21)
    alg = algebra(3, order)
    value, constant = rng.normal(size=shapes[place]), rng.normal(size=shapes[1 - place])
    terms = rng.normal(size=(alg.M - 1, *value.shape))
    terms[0] = 0.0  # which beats infinities
    x = make(alg, value, terms)
    special = [constant, np.asfortranarray(constant), np.repeat(constant, 2, axis=0)[::2],
               constant * 1e200, constant * 0.0]
    if constant.size:
        for bad in (np.inf, np.nan, 1e308):
            special.append(constant.copy())
            special[-1].flat[0] = bad
    for c in special:
        for y in (x, x[..., ::-1][..., ::-1], x * 0.0):
            pair = (y, c) if place == 0 else (c, y)
            with np.errstate(all="ignore"):
                got, want = np.matmul(*pair), ROWS[np.matmul](*pair)
                value = np.matmul(*[getattr(p, "value", p) for p in pair])
            assert np.array_equal(got.value, value, equal_nan=True)
            assert got.shape == want.shape and got.terms.shape == want.terms.shape
            scale = np.max(np.abs(want.terms), initial=0.0, where=np.isfinite(want.terms))
            assert_close(got.terms, want.terms, order=4, scale=scale)
    with pytest.raises(ValueError, match="matmul"):
        np.matmul(x, np.ones((7, 2)))
