"""Functions that move elements: values, derivatives, views, refusals."""

import numpy as np
import pytest
from array_calls import N, call, check, parametrize
from numpy.lib.stride_tricks import sliding_window_view

from dualdiff._algebra import new_algebra
from dualdiff._taylor import Taylor, make
from dualdiff.rows import shapes

x1, x2, x3, x0 = N(5), N(3, 4), N(2, 3, 4), N()
CASES = {
    np.reshape: [call(x2, (2, 6)), call(x2, (-1, 3)), call(x2, 12), call(x0, (1, 1)),
                 call(x2, (2, 6), order="F"), call(x3, (4, -1), "F"), call(x2, (6, 2),
                                                                           order="A"),
                 call(x2, shape=(4, 3), copy=True), call(N(0, 3), (3, 0))],
    np.ravel: [call(x2), call(x2, "F"), call(x2, order="K"), call(x0), call(x3, order="A")],
    np.transpose: [call(x2), call(x3, (1, 0, 2)), call(x3, axes=(-1, 0, 1)), call(x0)],
    np.matrix_transpose: [call(x2), call(x3)],
    np.swapaxes: [call(x3, 0, 2), call(x3, -1, 1)],
    np.moveaxis: [call(x3, 0, -1), call(x3, [0, 1], [-1, -2])],
    np.rollaxis: [call(x3, 2), call(x3, 1, 3), call(x3, -1, 1), call(x3, 0, -1)],
    np.expand_dims: [call(x2, 0), call(x2, -1), call(x2, axis=(0, 3)), call(x0, 0)],
    np.squeeze: [call(N(1, 3, 1)), call(N(1, 3, 1), 0), call(N(1, 3, 1), axis=-1), call(x2)],
    np.atleast_1d: [call(x0), call(x2), call(x0, x2, 1.0)],
    np.atleast_2d: [call(x0), call(x1), call(x1, x3)],
    np.atleast_3d: [call(x0), call(x1), call(x2), call(x3, x2)],
    np.broadcast_to: [call(x1, (3, 5)), call(x0, (2, 2)), call(N(3, 1), (2, 3, 4)), call(x0,
                                                                                         3)],
    np.broadcast_arrays: [call(x1, N(3, 1)), call(x0, np.ones((2, 2))), call(x1)],
    sliding_window_view: [call(x1, 3), call(x2, (2, 2)), call(x3, 2, 1), call(x3, (2, 2), (0,
                                                                                           2))],
    np.flip: [call(x2), call(x2, 0), call(x3, (0, -1)), call(x1, axis=-1)],
    np.fliplr: [call(x2)], np.flipud: [call(x1), call(x2)],
    np.rot90: [call(x2), call(x2, 2), call(x3, -1, (1, 2)), call(x2, 4)],
    np.diagonal: [call(x2), call(x2, 1), call(x3, -1, 1, 2), call(x3, axis1=2, axis2=0)],
    np.diag: [call(x1), call(x2), call(x1, -2), call(x2, k=1)],
    np.real: [call(x2), call(N(3, only="D"))], np.imag: [call(N(3, only="D")), call(x1)],
    np.array_split: [call(x1, 3), call(x2, [1, 2], 1), call(x3, 2, axis=-1)],
    np.split: [call(x2, 2, axis=1), call(x1, [2, 3])],
    np.hsplit: [call(x1, 5), call(x2, 2)], np.vsplit: [call(x2, 3)], np.dsplit: [call(x3, 2)],
    np.concatenate: [call((x1, N(2))), call([x2, np.ones((1, 4))]), call([x2, x3], axis=None),
                     call((x2, x2), -1), call([x1, N(2, only="f")]), call([N(0), x1])],
    np.stack: [call([x1, x1]), call([x2, np.ones((3, 4))], 1), call((x0, 1.0, x0)),
               call([x2, x2], axis=-1)],
    np.vstack: [call([x1, x1]), call([x2, N(1, 4)]), call([x0, x0])],
    np.hstack: [call([x1, N(2)]), call([x2, N(3, 1)]), call([x0, x0])],
    np.dstack: [call([x1, x1]), call([x2, x2]), call([x0, 2.0]), call([x3, x3])],
    np.column_stack: [call([x1, N(5, 2)]), call([x1, np.arange(5)]), call([x0, x0])],
    np.block: [call([[N(2, 2), np.zeros((2, 1))], [N(1, 2), x0]]), call([x1, x0])],
    np.append: [call(x1, x0), call(x2, N(1, 4), 0), call(x1, [1.0, 2.0]), call([1.0], x1)],
    np.insert: [call(x1, 2, x0), call(x2, [0, 2], N(2, 4), 0), call(x2, 1, 7.0, axis=1),
                call(x1, [1, 1], N(2)), call(x1, slice(0, 4, 2), 3.0)],
    np.delete: [call(x1, 2), call(x2, [0, -1], 1), call(x2, slice(0, 2), axis=0)],
    np.roll: [call(x1, 2), call(x2, 1), call(x2, -1, 1), call(x3, (1, 2), (0, -1))],
    np.tile: [call(x1, 2), call(x2, (2, 1, 2)), call(x0, 3)],
    np.repeat: [call(x1, 2), call(x2, [1, 0, 2], axis=0), call(x0, 3)],
    np.resize: [call(x1, (2, 4)), call(x2, 3), call(N(0), 3)],
    np.tril: [call(x2), call(x3, -1), call(x1)], np.triu: [call(x2, 1), call(x3), call(x1)],
    np.diagflat: [call(x1), call(x2, 1)],
    np.meshgrid: [call(x1, N(3)), call(x1, N(2), sparse=True), call(x1, x1, indexing="ij"),
                  call(x1, np.arange(2.0), N(2))],
    np.ix_: [call(x1, N(2))],
    np.copy: [call(x2), call(x2, "F"), call(x0)],
    np.zeros_like: [call(x2), call(x0), call(x2, np.float32), call(x1, shape=(2, 2)),
                    call(x2, int)],
    np.ones_like: [call(x2), call(x0)],
    np.full_like: [call(x2, x0), call(x2, 3.0), call(x2, N(4)), call(x0, x0),
                   call(x1, 2.0, np.float32)],
    np.astype: [call(x2, np.longdouble), call(x2, "g", copy=False)],
    np.linspace: [call(x0, x0, 5), call(x1, 1.0, 4, endpoint=False), call(0.0, x2, 3, axis=-1),
                  call(x0, 1.0, 3, retstep=True), call(x0, x0, 1), call(x0, x1, num=0)],
    np.geomspace: [call(N(lo=1, hi=2), N(3, lo=3, hi=4), 4), call(N(lo=1), 8.0, 3, False),
                   call(-1.0, N(lo=-3, hi=-2), 5), call(N(lo=1), N(lo=1), 1)],
    np.logspace: [call(x0, x1, 4), call(x0, 2.0, 3, base=N(lo=1, hi=3)),
                  call(x0, x0, 3, endpoint=False)],
    np.vander: [call(x1), call(x1, 3), call(x1, 4, increasing=True), call(x1, 0), call(x1, 1)],
}
if hasattr(np, "unstack"):
    CASES[np.unstack] = [call(x2), call(x3, axis=1), call(x3, axis=-1)]

ROUNDED = {np.geomspace, np.logspace}  # NumPy's own double-precision steps


@parametrize(CASES)
def test_value_and_derivatives(func, args, kwargs):
    check(func, args, kwargs, double=func in ROUNDED)


@pytest.mark.parametrize("dtype", ["f", "g", "D"])
@parametrize({f: c[:2] for f, c in CASES.items()})
def test_dtypes(func, args, kwargs, dtype):
    if dtype == "D" and func in (np.astype, np.logspace):
        pytest.skip("not for complex numbers")
    check(func, args, kwargs, dtype, double=func in ROUNDED)


def number(*shape, n=3, order=2):
    alg = new_algebra(n, order)
    rng = np.random.default_rng(1)
    return make(alg, rng.normal(size=shape), rng.normal(size=(alg.M - 1, *shape)))


VIEWS = {
    np.reshape: lambda x: np.reshape(x, (4, 3)),
    np.ravel: np.ravel,
    np.transpose: np.transpose,
    np.matrix_transpose: np.matrix_transpose,
    np.swapaxes: lambda x: np.swapaxes(x, 0, 1),
    np.moveaxis: lambda x: np.moveaxis(x, 0, 1),
    np.rollaxis: lambda x: np.rollaxis(x, 1),
    np.expand_dims: lambda x: np.expand_dims(x, 1),
    np.squeeze: np.squeeze,
    np.atleast_3d: np.atleast_3d,
    np.flip: np.flip,
    np.fliplr: np.fliplr,
    np.flipud: np.flipud,
    np.rot90: np.rot90,
    np.split: lambda x: np.split(x, 3)[0],
    np.hsplit: lambda x: np.hsplit(x, 2)[1],
    np.real: np.real,
}


@pytest.mark.parametrize("func", VIEWS, ids=lambda f: f.__name__)
def test_views_share_memory(func):
    x, v = number(3, 4), np.zeros((3, 4))
    y, w = VIEWS[func](x), VIEWS[func](v)
    s = number(n=2)  # other seeds: the base must move to a larger algebra
    y[(0,) * y.ndim], w[(0,) * w.ndim] = s, 1.0
    (at,) = map(tuple, np.argwhere(v))
    assert x[at].value == s.value and x.algebra.M > s.algebra.M
    x[at] = 7.0
    assert y[(0,) * y.ndim].value == 7.0 and not y[(0,) * y.ndim].terms.any()


@pytest.mark.parametrize("func", [np.diagonal, np.diag, lambda x: np.broadcast_to(x, (2, 3, 4)),
                                  lambda x: sliding_window_view(x, (2, 2))])
def test_read_only_views(func):
    with pytest.raises(ValueError, match="read-only"):
        func(number(3, 4))[0] = 1.0


def test_copies_share_nothing():
    x = number(3, 4)
    for y in (np.copy(x), np.ravel(x.T), np.tile(x, 1), np.reshape(x, (4, 3), copy=True)):
        before, terms = x.value.copy(), x.terms.copy()
        y[...] = 0.0
        np.testing.assert_array_equal(x.value, before)
        np.testing.assert_array_equal(x.terms, terms)


def test_zeros_like_takes_assignments():
    x = number(3)
    y = np.zeros_like(x)
    assert type(y) is Taylor and y.algebra is x.algebra and not y.terms.any()
    y[0] = x[1] ** 2
    np.testing.assert_array_equal(y[0].terms, (x[1] ** 2).terms)
    view = y[1:]
    view[...] = x[:2]
    np.testing.assert_array_equal(y.terms[:, 1:], x.terms[:, :2])


def test_elements_gather_from_several_algebras():
    x, y = number(2), number(2, n=1)
    z = np.append(x, y)
    assert z.algebra.M > x.algebra.M and z.shape == (4,)
    np.testing.assert_array_equal((z[:2] - x).terms, 0)
    np.testing.assert_array_equal((z[2:] - y).terms, 0)


def test_lists_and_object_arrays_are_packed():
    x = number(3)
    y = np.concatenate([[x[0], 1.0], np.array([x[1], x[2]], object), x])
    np.testing.assert_array_equal(y.terms, x.terms[:, [0, 0, 1, 2, 0, 1, 2]] * [1, 0, *[1] * 5])


def test_refusals():
    x = number(3)
    with pytest.raises(TypeError, match=r"repeat: no derivative .* 'repeats'; pass its value"):
        np.repeat(x, x)
    with pytest.raises(TypeError, match="cannot hold the derivative of fill_value"):
        np.full_like(x, x[0], dtype=int)
    with pytest.raises(TypeError, match=r"x\.value\.astype\(int64\)"):
        np.astype(x, np.int64)
    with pytest.raises(TypeError, match="use x.real"):
        np.astype(x + 1j, float)
    with pytest.raises(ValueError, match="cannot reshape"):
        np.reshape(x, (2, 2))


def test_constants():
    x = number(3, 4)
    assert np.shape(x) == (3, 4) and np.ndim(x) == 2 and np.size(x, 1) == 4
    assert np.shares_memory(x, x.T) and not np.may_share_memory(x, np.copy(x))
    assert np.result_type(x, np.float32) == "d" and np.common_type(x) is np.float64
    assert np.isrealobj(x) and not np.iscomplexobj(x) and np.isreal(x).all()
    assert [len(i) for i in np.tril_indices_from(x[:, :3])] == [6, 6]
    assert set(shapes.ROWS) == (set(CASES) - {np.real, np.imag}) | {
        np.empty_like, np.shape, np.ndim, np.size, np.diag_indices_from, np.tril_indices_from,
        np.triu_indices_from, np.shares_memory, np.may_share_memory, np.iscomplex, np.isreal,
        np.iscomplexobj, np.isrealobj, np.can_cast, np.result_type, np.common_type,
        np.min_scalar_type, np.array2string, np.array_repr, np.array_str}
