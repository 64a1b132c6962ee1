"""Ufuncs called with keywords, by their methods, in place, and on object arrays.

Derivatives are judged by differences in one random direction in long double, and at
order 3 by nested first order; values by NumPy, bit for bit.
"""

import warnings

import arrays
import numpy as np
import oracles
import pytest
from tolerances import assert_close

from dualdiff import grad
from dualdiff._seeding import Call
from dualdiff._taylor import ROWS, Taylor
from dualdiff.rows import pairs
from dualdiff.rows.ufunc_methods import ASSOCIATIVE, PICKING

PAIRS = [f for f, row in pairs.ROWS.items() if f.nin == 2 and f.nout == 1
         and row.kind != "constant" and f is not np.ldexp]
CONSTANT = [f for f, row in pairs.ROWS.items() if row.kind == "constant" and f.nin == 2]
REORDERABLE = [np.add, *ASSOCIATIVE, *PICKING]
# No ties and no whole quotients within the reach of a difference.
X = np.linspace(0.41, 2.13, 12) + 0.03 * np.sin(np.arange(12))
X = np.random.default_rng(3).permutation(X).reshape(3, 4)
V = np.random.default_rng(5).normal(size=(3, 4))
MASK = np.array([[True, False, True, True], [False, True, True, False], [True] * 4])


def name(f):
    return f.__name__


def judge(f, x=X, v=V, orders=True):
    """f(number) has NumPy's value, the slope of a difference, and agrees with nesting."""
    plain = x.copy()
    c = oracles.coefficients(f, x, 3, v)
    np.testing.assert_array_equal(x, plain)
    value = np.asarray(f(x))
    assert c.dtype == value.dtype
    np.testing.assert_array_equal(c[0], value)
    scale = np.maximum(np.abs(c[1]).max(initial=0), np.abs(value).max(initial=1))
    assert_close(c[1], oracles.slope(f, x, v, 2.0**-11), 3, dtype=float, scale=scale)
    if orders:
        n = nested(f, x, v)
        assert_close(n, 6 * c[3], 3, scale=6 * np.abs(c).max(initial=1))


def nested(f, x, v):
    """The third derivative along v by three nested first-order calls."""
    calls = [Call(1, 1) for _ in range(3)]
    y = x
    for call in calls:
        y = call.along(y, [v])
    y = f(y)
    for call in reversed(calls):
        y = call.coefficients(y, np.array([1]))[0]
    return np.asarray(y)


# ---- reduce ---------------------------------------------------------------------------------


@pytest.mark.parametrize("f", PAIRS, ids=name)
def test_reduce(f):
    judge(lambda x: f.reduce(x))
    judge(lambda x: f.reduce(x, axis=-1, keepdims=True), orders=False)
    judge(lambda x: f.reduce(x, 1, initial=1.6), orders=False)
    judge(lambda x: f.reduce(x, axis=1, initial=1.6, where=MASK), orders=False)
    judge(lambda x: f.reduce(x, axis=0, initial=1.37 * x[0, 1]), orders=False)
    judge(lambda x: f.reduce(x[:1]), orders=False)
    judge(lambda x: f.reduce(x[0, 0]), orders=False)
    judge(lambda x: f.reduce(x, dtype=np.longdouble), orders=False)


@pytest.mark.parametrize("f", REORDERABLE, ids=name)
def test_reduce_of_several_axes(f):
    judge(lambda x: f.reduce(x, axis=None))
    judge(lambda x: f.reduce(x, axis=(1, 0), keepdims=True), orders=False)
    judge(lambda x: f.reduce(x.reshape(2, 3, 2), axis=(0, -1)), orders=False)
    judge(lambda x: f.reduce(x, axis=()), orders=False)


@pytest.mark.parametrize("f", PAIRS, ids=name)
def test_reduce_of_nothing(f):
    with Call(1, 1) as call:
        x = call.along(np.zeros((0, 3)), [np.ones((0, 3))])
        if f.identity is None:
            with pytest.raises(ValueError, match="zero-size array|no identity"):
                f.reduce(x)
        else:
            np.testing.assert_array_equal(f.reduce(x), f.reduce(np.zeros((0, 3))))
        z = call.along(np.float64(2.5), [np.float64(1)])
        got = f.reduce(x, initial=z)
        np.testing.assert_array_equal(got.value, [2.5] * 3)
        np.testing.assert_array_equal(got.terms, np.ones((1, 3)))


@pytest.mark.parametrize("f", CONSTANT, ids=name)
def test_methods_of_constant_ufuncs_are_plain(f):
    with Call(1, 1) as call:
        x = call.along(X, [V])
        for g in (lambda a: f.reduce(a, axis=1), lambda a: f.accumulate(a, axis=0),
                  lambda a: f.reduceat(a, [0, 2], axis=1), lambda a: f.outer(a, a[0])):
            try:
                want = g(X)
            except TypeError as e:  # equal.accumulate of floats: bool does not fit
                with pytest.raises(type(e)):
                    g(x)
                continue
            got = g(x)
            assert type(got) is not Taylor
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("f", PICKING, ids=name)
def test_ties_share_equally(f):
    x = np.array([2.0, 1.0, 2.0, 1.0, 1.0, 2.0])
    best = 1.0 if f in (np.minimum, np.fmin) else 2.0
    got = grad(lambda z: f.reduce(z))(x)
    np.testing.assert_array_equal(got, np.where(x == best, 1 / 3, 0))
    np.testing.assert_array_equal(
        grad(lambda z: f.reduce(z, initial=best))(x), np.where(x == best, 1 / 4, 0))
    ones = np.ones(4)
    for i in range(4):
        got = grad(lambda z, i=i: f.accumulate(z)[i])(ones)
        assert_close(got, np.where(np.arange(4) <= i, 1 / (i + 1), 0))


def test_nan_in_extremes():
    x = np.array([1.0, np.nan, 3.0])
    np.testing.assert_array_equal(grad(lambda z: np.maximum.reduce(z))(x), [0, 1, 0])
    np.testing.assert_array_equal(grad(lambda z: np.fmax.reduce(z))(x), [0, 0, 1])
    np.testing.assert_array_equal(grad(lambda z: np.minimum.accumulate(z)[2])(x), [0, 1, 0])


def test_products_with_zeros_are_exact():
    x = np.array([0.0, 2.0, 0.0, 3.0])
    np.testing.assert_array_equal(grad(lambda z: np.multiply.reduce(z))(x), np.zeros(4))
    x = np.array([5.0, 0.0, 3.0])
    np.testing.assert_array_equal(grad(lambda z: np.multiply.reduce(z))(x), [0, 15, 0])
    np.testing.assert_array_equal(grad(lambda z: np.multiply.accumulate(z)[1])(x), [0, 5, 0])


# ---- accumulate, reduceat, outer, at ----------------------------------------------------------


@pytest.mark.parametrize("f", PAIRS, ids=name)
def test_accumulate(f):
    judge(lambda x: f.accumulate(x))
    judge(lambda x: f.accumulate(x, axis=-1), orders=False)
    judge(lambda x: f.accumulate(x.reshape(2, 3, 2), 1), orders=False)
    judge(lambda x: f.accumulate(x[:0]), orders=False)


@pytest.mark.parametrize("f", PAIRS, ids=name)
def test_reduceat(f):
    judge(lambda x: f.reduceat(x, [0, 2, 1, 3], axis=1))
    judge(lambda x: f.reduceat(x, [1], axis=0), orders=False)
    judge(lambda x: f.reduceat(x, np.array([], int)), orders=False)


@pytest.mark.parametrize("f", PAIRS, ids=name)
def test_outer(f):
    judge(lambda x: f.outer(x[0], x[1:]))
    judge(lambda x: f.outer([1.5, 2], x[1:]), orders=False)
    judge(lambda x: f.outer(x[0], 1.25), orders=False)


@pytest.mark.parametrize("f", PAIRS, ids=name)
def test_at(f):
    def repeated(x):
        y = x.copy()
        assert f.at(y, ([0, 0, 2], [1, 1, 3]), x[1, :3]) is None
        return y

    def by_mask(x):
        y = x.copy()
        f.at(y, MASK, 1.5)
        return y

    def of_slice(x):
        y = x.copy()
        f.at(y[1:], (slice(None), 2), x[0, 0])
        return y

    judge(repeated)
    judge(by_mask, orders=False)
    judge(of_slice, orders=False)


def test_at_of_one_argument():
    def f(x):
        y = x.copy()
        np.exp.at(y, ([0, 0, 2], [1, 1, 3]))
        np.negative.at(y, 1)
        return y

    judge(f)


def test_at_refuses_what_would_be_lost():
    with Call(1, 1) as call:
        x = call.along(X, [V])
        with pytest.raises(TypeError, match="add.at: the array is plain.*zeros_like"):
            np.add.at(np.zeros(3), [0], x[0, 0])
        with pytest.raises(IndexError):
            np.add.at(x, 7, 1.0)
        with pytest.raises((TypeError, ValueError)):
            np.divmod.at(x, 0, 1.0)


@pytest.mark.parametrize("method", ["reduce", "accumulate", "reduceat"])
def test_out_of_methods(method):
    args = ([0, 2],) if method == "reduceat" else ()

    def f(x):
        y = 2 * (x[0] if method == "reduce" else x[:2] if method == "reduceat" else x)
        assert getattr(np.multiply, method)(x, *args, out=y) is y
        return y

    judge(f)
    with Call(1, 1) as call, pytest.raises(TypeError, match="out= is a plain array"):
        x = call.along(X, [V])
        getattr(np.multiply, method)(x, *args, out=np.empty((3, 4)))


def test_methods_that_do_not_exist_raise_numpys_errors():
    with Call(1, 1) as call:
        x = call.along(X, [V])
        with pytest.raises(ValueError, match="not reorderable|reorder"):
            np.subtract.reduce(x, axis=(0, 1))
        with pytest.raises(np.exceptions.AxisError):
            np.add.reduce(x, axis=2)
        for call_ in (lambda: np.sin.reduce(x), lambda: np.divmod.reduce(x),
                      lambda: np.sin.outer(x, x)):
            with pytest.raises((ValueError, TypeError)):
                call_()


def test_there_are_enough_methods():
    count = sum(isinstance(k, tuple) and isinstance(k[0], np.ufunc) and row.kind != "constant"
                for k, row in ROWS.items())
    assert count >= 90


# ---- keywords of calls ------------------------------------------------------------------------


def test_out():
    def f(x):
        y = 2 * x
        assert np.multiply(x, x[0], out=y) is y
        np.exp(y, y)
        np.add(1.0, y[0], out=y[1])
        return y

    judge(f)


def test_out_is_broadcast_to():
    def f(x):
        y = 2 * x
        np.sin(x[0], out=y)
        return y

    judge(f)
    with Call(1, 1) as call:
        x = call.along(X, [V])
        with pytest.raises(ValueError, match="non-broadcastable output operand"):
            np.sin(x, out=x[0])


def test_out_of_a_call_without_numbers_clears_the_derivative():
    with Call(1, 1) as call:
        x = call.along(X, [V])
        y = x.copy()
        assert np.add(X, 1.0, out=y) is y
        np.testing.assert_array_equal(y.value, X + 1)
        assert not y.terms.any()
        y = x.copy()
        np.floor(x, out=y, where=MASK)
        np.testing.assert_array_equal(y.value, np.where(MASK, np.floor(X), X))
        np.testing.assert_array_equal(y.terms[0], np.where(MASK, 0, V))


def test_out_that_cannot_hold_derivatives():
    with Call(1, 1) as call:
        x = call.along(X, [V])
        with pytest.raises(TypeError, match="out= is a plain array.*empty_like"):
            np.exp(x, out=np.empty((3, 4)))
        with pytest.raises(TypeError, match="Cannot cast ufunc"):
            np.multiply(x, 1j, out=x.copy())
        box = np.empty((3, 4), object)
        assert np.exp(x, out=box) is box
        assert box[1, 2].value == np.exp(X[1, 2])
        plain = np.empty((3, 4), bool)
        assert np.greater(x, 1, out=plain) is plain


def test_where():
    def f(x):
        y = 2 * x
        assert np.log(x, where=X > 1, out=y) is y
        np.multiply(x, x[:1], where=[True, False, True, False], out=y)
        np.add(x[0], 1, where=False, out=y)
        return y

    judge(f)


def test_where_leaves_no_trace():
    """Elements that are not selected are not computed: no warning, no NaN."""
    x = np.array([4.0, -1.0, 0.0])
    with Call(1, 2) as call, warnings.catch_warnings():
        warnings.simplefilter("error")
        z = call.along(x, [np.ones(3)])
        y = np.log(z, where=x > 0)
        assert np.isfinite(y.terms).all()
        np.testing.assert_array_equal(y.value, [np.log(4.0), 0, 0])
        np.testing.assert_array_equal(y.terms[0], [0.25, 0, 0])
        out = z.copy()
        np.divide(1.0, z, where=x > 0, out=out)
        np.testing.assert_array_equal(out.value, [0.25, -1, 0])
        np.testing.assert_array_equal(out.terms[0], [-0.0625, 1, 1])


def test_where_must_be_booleans():
    with Call(1, 1) as call:
        x = call.along(X, [V])
        with pytest.raises(TypeError, match="where= expects booleans, got a number"):
            np.exp(x, where=x)
        with pytest.raises(TypeError, match="Cannot cast array data"):
            np.exp(x, where=np.ones(4))


def test_several_outputs():
    def f(x):
        whole, rest = np.empty(x.shape), 2 * x
        got = np.divmod(x, 0.317, out=(whole, rest), where=MASK)
        assert got[0] is whole and got[1] is rest
        return rest + np.modf(x, out=(None, np.empty(x.shape)))[0]

    judge(f, orders=False)


def test_dtype_casting_signature_order_subok():
    judge(lambda x: np.multiply(x, x[0], dtype=np.longdouble))
    judge(lambda x: np.sqrt(x, casting="unsafe", order="F", subok=False))
    judge(lambda x: np.add(x, 2, signature="gg->g"))
    with Call(1, 1) as call:
        x = call.along(X, [V])
        assert np.add(x, 1, dtype=complex).dtype == complex
        assert np.sin(x, dtype=np.float32, casting="same_kind").dtype == np.float32
        with pytest.raises(TypeError, match="would lose the derivative"):
            np.add(x, 1, dtype=int, casting="unsafe")
        with pytest.raises(TypeError, match="Cannot cast ufunc"):
            np.sin(x, dtype=np.float32, casting="safe")
        with pytest.raises(TypeError, match="No loop|no loop|signature"):
            np.sin(x, signature="i->i")
        with pytest.raises(TypeError, match="sort"):
            np.sin(x, sort=3)
        with pytest.raises(ValueError, match="order"):
            np.sin(x, order="Q")


def test_generalised_ufuncs_with_axes():
    a = arrays.random((2, 4, 3), seed=7)
    b = arrays.random((4, 3), seed=8)
    judge(lambda x: np.matmul(x, a))
    judge(lambda x: np.matmul(x, a, axes=[(1, 0), (2, 1), (2, 0)]), orders=False)
    judge(lambda x: np.vecdot(x, b.T, axis=0), orders=False)
    judge(lambda x: np.vecdot(x, b.T, axis=0, keepdims=True), orders=False)
    judge(lambda x: np.vecdot(x, x, axes=[(0,), (0,), ()], keepdims=False), orders=False)
    judge(lambda x: np.matvec(x, b[:, 0], dtype=np.longdouble), orders=False)
    judge(lambda x: np.matvec(a, x[0, :3]), orders=False)
    judge(lambda x: np.vecmat(x[:, 0], x, axes=[0, (0, 1), 0]), orders=False)

    def into(x):
        y = x[:, :3] * 2
        assert np.matmul(x, b, out=y) is y
        return y

    judge(into)
    with Call(1, 1) as call:
        x = call.along(X, [V])
        with pytest.raises(ValueError, match="mismatch in its core dimension"):
            np.matmul(x, a, axes=[(1, 0), (1, 2), (2, 0)])
        with pytest.raises(TypeError, match="axis"):
            np.matmul(x, a, axis=0)


# ---- object arrays of numbers --------------------------------------------------------------------

UNARY = [f for f in (np.negative, np.positive, np.absolute, np.sqrt, np.exp, np.expm1, np.exp2,
                     np.log, np.log1p, np.log2, np.log10, np.sin, np.cos, np.tan, np.sinh,
                     np.cosh, np.tanh, np.arcsin, np.arccos, np.arctan, np.arcsinh, np.arctanh,
                     np.cbrt, np.square, np.reciprocal, np.conjugate, np.deg2rad, np.rad2deg,
                     np.radians, np.degrees, np.fabs)]


@pytest.mark.parametrize("f", UNARY, ids=name)
def test_object_arrays_of_one(f):
    x = np.array([0.3, 0.7])

    def boxed(z):
        return np.sum(f(np.array([z[0], z[1]])))

    np.testing.assert_allclose(grad(boxed)(x), grad(lambda z: np.sum(f(z)))(x), rtol=1e-15)


@pytest.mark.parametrize("f", [np.add, np.subtract, np.multiply, np.divide, np.power, np.hypot,
                               np.arctan2, np.maximum, np.minimum, np.fmax, np.fmin,
                               np.remainder, np.fmod], ids=name)
def test_object_arrays_of_two(f):
    x = np.array([0.7, 0.3])

    def boxed(z):
        return np.sum(f(np.array([z[0], z[1]]), np.array([z[1], z[0] * z[0]])))

    def packed(z):
        return np.sum(f(z, np.stack([z[1], z[0] * z[0]])))

    np.testing.assert_allclose(grad(boxed)(x), grad(packed)(x), rtol=1e-15)
    np.testing.assert_allclose(
        grad(lambda z: np.sum(f(z, np.array([z[1], z[0] * z[0]]))))(x), grad(packed)(x),
        rtol=1e-15)


def test_object_arrays_that_are_constant():
    def f(z):
        a = np.array([z[0], z[1]])
        kept = np.sum(np.where(np.asarray(a > 0.5, bool), [1.0, 2.0], 0.0))
        return np.sum(np.rint(a)) + kept + np.sum(np.floor(a)) + a[0]

    np.testing.assert_array_equal(grad(f)(np.array([0.7, 0.3])), [1, 0])
