"""Views share memory, also after an assignment has moved a number to a larger algebra."""

import numpy as np
import pytest
from numbers_by_hand import algebra, number, rows

from dualdiff import grad
from dualdiff._algebra import unite
from dualdiff._taylor import Taylor

VIEWS = {
    "x[1:]": lambda x: x[1:],
    "x[::-1]": lambda x: x[::-1],
    "x[..., 1]": lambda x: x[..., 1],
    "x[1]": lambda x: x[1],
    "x[None, :, ::2]": lambda x: x[None, :, ::2],
    "x[1:][:, 1:]": lambda x: x[1:][:, 1:],
    "x.T": lambda x: x.T,
    "x.T[::-1].T": lambda x: x.T[::-1].T,
    "x.reshape": lambda x: x.reshape(2, 6),
    "x.ravel": lambda x: x.ravel(),
    "np.reshape": lambda x: np.reshape(x, (4, 3)),
    "np.ravel": lambda x: np.ravel(x),
    "np.transpose": lambda x: np.transpose(x),
    "np.swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "np.moveaxis": lambda x: np.moveaxis(x, 0, 1),
    "np.expand_dims": lambda x: np.expand_dims(x, 1),
    "np.squeeze": lambda x: np.squeeze(x[:, None]),
    "np.atleast_3d": lambda x: np.atleast_3d(x),
    "np.flip": lambda x: np.flip(x, 0),
    "np.split": lambda x: np.split(x, 3)[1],
    "x.view": lambda x: x.view(),
    "x.squeeze": lambda x: x.squeeze(),
    "x.swapaxes": lambda x: x.swapaxes(0, 1),
    "iteration": lambda x: list(x)[2],
}
DTYPES = (np.float64, np.float32, np.longdouble, np.complex128)


def same(x, want):
    """The rows of x are `want`, over the algebra of x."""
    np.testing.assert_array_equal(rows(x), want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seeds", ["the same", "more"])
@pytest.mark.parametrize("name", VIEWS)
def test_assignment_through_a_view(name, seeds, dtype):
    """v[...] = number changes the base, as NumPy's view does, and both stay in step."""
    take = VIEWS[name]
    alg, more = algebra((2, 1)), algebra((1, 2))
    x = number(alg, (3, 4), dtype)
    if not np.shares_memory(take(x.value), x.value):
        pytest.skip("NumPy copies here")
    v, early = take(x), x[:, 1:3]
    source = number(alg if seeds == "the same" else more, v.shape, dtype, seed=7)
    union, at_x, at_s = unite(alg, source.algebra)
    want = np.zeros((union.M, 3, 4), dtype)
    want[at_x if at_x is not None else slice(None)] = rows(x)
    new = np.zeros((union.M, *v.shape), dtype)
    new[at_s if at_s is not None else slice(None)] = rows(source)
    for k in range(union.M):
        take(want[k])[...] = new[k]
    v[...] = source
    same(x, want)
    same(v, new)
    same(early, want[:, :, 1:3])
    same(take(x), new)
    x[1, 1] = 5.0  # and back: the view sees what is done to its base
    want[:, 1, 1] = [5.0] + [0] * (union.M - 1)
    same(v, np.stack([take(w) for w in want]))
    same(early, want[:, :, 1:3])


def test_growing_twice_and_out_of_order():
    a, b, c = algebra((1, 1)), algebra((1, 1)), algebra((2, 2))
    x = number(a, (2, 3))
    v, w = x[1:], x.T
    z = v[:, ::2]
    v[...] = number(b, (1, 3), seed=1)
    z[...] = number(c, (1, 2), seed=2)
    for view, take in ((v, lambda r: r[1:]), (w, np.transpose), (z, lambda r: r[1:, ::2])):
        assert view.algebra is x.algebra
        same(view, np.stack([take(r) for r in rows(x)]))
    assert len(x.algebra.factors) == 3


def test_a_copy_is_no_view():
    alg = algebra((2, 1))
    for copied in (lambda x: x.copy(), lambda x: x[[0, 1]], lambda x: x[x > 0], lambda x: +x,
                   lambda x: x.flatten(), lambda x: np.copy(x), lambda x: x * 1.0,
                   lambda x: x.astype(np.float64)):
        x = number(alg, (3,))
        old, y = rows(x), copied(x)
        before = rows(y)
        x[...] = 0.0
        same(y, before)
        x[...] = number(alg, (3,))
        y[...] = number(algebra((1, 1)), y.shape)
        same(x, old)


def test_zeros_like_takes_nested_numbers_through_views():
    """The way a loop fills an array: zeros_like of an outer number, filled with inner ones."""

    def f(x):
        def g(t):
            y = np.zeros_like(x)
            head, tail = y[:1], y[1:]
            head[...] = x[0] * t**2
            tail[...] = x[1:] * t**3
            y[0] += t * x[1]
            return np.sum(y)

        return grad(g)(2.0)  # 4 x0 + 12 (x1 + x2) + x1

    np.testing.assert_array_equal(grad(f)(np.array([1.0, 2.0, 3.0])), [4.0, 13.0, 12.0])


def test_memory_with_gaps_says_what_to_do():
    x = number(algebra((1, 1)), (3, 4))
    base = np.zeros((3, 8))[:, ::2]
    from dualdiff._taylor import make

    y = make(x.algebra, base, x.terms.copy())
    with pytest.raises(RuntimeError, match=r"dualdiff: .*gaps.*x = x\.copy\(\)"):
        y[0] = number(algebra((2, 1)), (4,))
    y = y.copy()
    y[0] = number(algebra((2, 1)), (4,))
    assert type(y) is Taylor


IN_PLACE = {
    "+=": lambda x, y: x.__iadd__(y), "-=": lambda x, y: x.__isub__(y),
    "*=": lambda x, y: x.__imul__(y), "/=": lambda x, y: x.__itruediv__(y),
    "**=": lambda x, y: x.__ipow__(y),
}
OPERATOR = {
    "+=": lambda x, y: x + y, "-=": lambda x, y: x - y, "*=": lambda x, y: x * y,
    "/=": lambda x, y: x / y, "**=": lambda x, y: x**y,
}


@pytest.mark.parametrize("other", ["number", "nested", "array", "float", "itself", "row"])
@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_operators(name, other):
    alg = algebra((2, 2))
    x = number(alg, (2, 3))
    y = {"number": number(alg, (2, 3), seed=1), "nested": number(algebra((1, 1)), (2, 3), seed=1),
         "array": np.linspace(0.5, 2, 6).reshape(2, 3), "float": 1.5, "itself": x,
         "row": number(alg, (3,), seed=1)}[other]
    want, view = OPERATOR[name](x, y), x[1]
    got = IN_PLACE[name](x, y)
    assert got is x
    same(x, rows(want))
    same(view, rows(want)[:, 1])


def test_in_place_keeps_dtype_and_shape():
    x = number(algebra((2, 1)), (3,), np.float32)
    y = number(x.algebra, (3,), np.float64)
    x *= y
    assert x.dtype == np.float32
    with pytest.raises(TypeError, match="same_kind"):
        x += 1j
    with pytest.raises(ValueError, match="non-broadcastable output"):
        x += np.ones((2, 3))
    s = number(algebra((1, 1)))  # without dimensions: a new number, as NumPy's scalars
    t = s
    t += 1.0
    assert t is not s and t.value == s.value + 1.0


def test_a_plain_array_in_place_refuses():
    x = number(algebra((2, 1)), (3,))
    a = np.ones(3)
    for op in IN_PLACE.values():
        with pytest.raises(TypeError, match=r"dualdiff: out= is a plain array.*np\.empty_like"):
            np.add(a, x, out=a)
        with pytest.raises(TypeError, match="dualdiff: out= is a plain array"):
            op(a, x)
    np.testing.assert_array_equal(a, 1.0)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.power, np.exp, np.sin])
def test_out(ufunc):
    alg = algebra((2, 2))
    x, y = number(alg, (3,)), number(alg, (3,), seed=1)
    args = (x, y)[: ufunc.nin]
    out = np.zeros_like(x)
    view = out[1:]
    got = ufunc(*args, out=out)
    assert got is out
    same(out, rows(ufunc(*args)))
    same(view, rows(out)[:, 1:])


@pytest.mark.parametrize("change", [
    lambda x: x.__setitem__(0, 1.0), lambda x: x.__iadd__(1.0), lambda x: x.__imul__(x),
    lambda x: np.multiply(x, x, out=x)])
def test_inputs_of_grad_stay_as_they_are(change):
    def f(x):
        change(x)
        return np.sum(x * x)

    a = np.array([0.5, 1.5, 2.0])
    a.flags.writeable = False  # a write into it would raise
    grad(f)(a)
    np.testing.assert_array_equal(a, [0.5, 1.5, 2.0])


def test_value_and_terms_are_read_only():
    x = number(algebra((2, 1)), (3,))
    for a in (x.value, x.terms):
        with pytest.raises(ValueError, match="read-only"):
            a[...] = 0.0
