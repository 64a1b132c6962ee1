"""Functions that move or copy elements, and say what shape an array has.

May import: the kinds.  Invariant: what is a view in NumPy is a view here.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dualdiff._kinds import (
    compose,
    constant,
    holds,
    positional,
    refuse,
    values,
    with_signature,
)
from dualdiff._movement import flat, joined, moved, shifted, unit_axes, view_with, viewed
from dualdiff._taylor import Taylor, constant_like, described, laned_parts, make_laned, pack

# ---- views -----------------------------------------------------------------------


def reshaped(x, shape, order, **options):
    """x.reshape, the terms and the lanes read in the same order as the value."""
    whole = laned_parts(x)
    _, v, t, lanes = whole
    value = v.reshape(shape, order=order, **options)
    order = true_order(v, order)
    if order == "C":
        t = t.reshape(t.shape[:1] + value.shape)
    else:
        t = t.transpose(0, *range(t.ndim - 1, 0, -1)).reshape(t.shape[:1] + value.shape[::-1])
        t = t.transpose(0, *range(value.ndim, 0, -1))
    if lanes is not None:
        lanes = [lane.reshape(value.shape, order=order) for lane in lanes]
    return view_with(x, whole, value, t, lanes)


def true_order(value, order):
    """'C' or 'F' for the order 'A' of an array; others as they are."""
    if order == "A":
        return "F" if value.flags.fnc else "C"
    return order if order in "CFK" else order.upper()


@positional(np.reshape, 2, kind="viewed")
def reshape(x, shape, order="C", *, copy=None):
    """np.reshape(x, shape)."""
    x = pack(x)
    if type(x) is not Taylor:
        return np.reshape(x, shape, order)
    y = reshaped(x, shape, order, **({} if copy is None else {"copy": copy}))
    return y if copy is not True else np.copy(y)


@positional(np.ravel, kind="viewed")
def ravel(x, order="C"):
    """np.ravel(x)."""
    x = pack(x)
    if type(x) is not Taylor:
        return np.ravel(x, order)
    if order == "K":
        if not laned_parts(x)[1].flags.c_contiguous:
            return _ravel_memory(x, order)
        order = "C"
    return reshaped(x, -1, order)


_ravel_memory = moved(np.ravel, "a")


def _transpose(t, axes=None):
    n = t.ndim - 1
    if axes is None:
        return t.transpose(0, *range(n, 0, -1))
    return t.transpose(0, *[a % n + 1 for a in axes])


def _broadcast(t, shape, subok=False):
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    lift = t.reshape(t.shape[:1] + (1,) * (len(shape) + 1 - t.ndim) + t.shape[1:])
    return np.broadcast_to(lift, t.shape[:1] + shape)


@with_signature(np.broadcast_arrays, "viewed")
def broadcast_arrays(*args, subok=False):
    """np.broadcast_arrays(*args)."""
    args = [pack(a) for a in args]
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple([a if np.shape(a) == shape else np.broadcast_to(a, shape) for a in args])


def _windows(t, window_shape, axis=None, **kw):
    axis = tuple(range(1, t.ndim)) if axis is None else shifted(axis, t.ndim - 1)
    if len(np.atleast_1d(window_shape)) == 1 and isinstance(axis, tuple) and len(axis) == 1:
        window_shape = int(np.atleast_1d(window_shape)[0])
        axis = axis[0]
    return sliding_window_view(t, window_shape, axis, **kw)


def _flip(t, axis=None):
    return np.flip(t, tuple(range(1, t.ndim)) if axis is None else shifted(axis, t.ndim - 1))


def _split(func, axis=0):
    """array_split and its kin; axis: None is hsplit's own."""

    def rows(t, indices_or_sections, axis=axis):
        axis = (0 if t.ndim == 2 else 1) if axis is None else axis
        return np.array_split(t, indices_or_sections, shifted(axis, t.ndim - 1))

    return viewed(func, rows)


# ---- diagonals --------------------------------------------------------------------

_diag_view = viewed(np.diag, lambda t, k=0: np.diagonal(t, k, 1, 2))


@positional(np.diag, kind="viewed")
def diag(v, k=0):
    """np.diag: a read-only view of a matrix's diagonal, or a new diagonal matrix."""
    v = pack(v) if holds(v) else v
    if type(v) is not Taylor or v.ndim != 1:
        return _diag_view(v, k)
    alg, value, terms, lanes = laned_parts(v)
    result = np.diag(value, k)
    return make_laned(alg, result, _diagonal(terms, k, result.shape),
                      lanes and [_diagonal(lane, k, result.shape) for lane in lanes])


def _diagonal(rows, k, shape):
    """Zero matrices of a shape with these rows on their k-th diagonals."""
    out = np.zeros((*rows.shape[:-1], *shape), rows.dtype)
    m, first = shape[0], k if k > 0 else -k * shape[0]
    places = out.reshape(*rows.shape[:-1], m * m)[..., first::m + 1]
    places[..., :rows.shape[-1]] = rows
    return out


# ---- joining ----------------------------------------------------------------------


def _rows_2d(t):
    return t if t.ndim > 2 else t.reshape(len(t), 1, -1)


def _columns_2d(t):
    return t if t.ndim > 2 else t.reshape(len(t), -1, 1)


def _planes(t):
    return t if t.ndim > 3 else t[..., None] if t.ndim == 3 else t.reshape(len(t), 1, -1, 1)


def _hstack(ts, **kw):
    ts = [t if t.ndim > 1 else t[:, None] for t in ts]
    return np.concatenate(ts, 1 if ts[0].ndim == 2 else 2, **kw)


def _concatenate(ts, axis=0, **kw):
    if axis is None:
        return np.concatenate([flat(t) for t in ts], 1, **kw)
    return np.concatenate(ts, axis + 1 if axis >= 0 else axis, **kw)


# ---- new numbers of the shape of old ones -------------------------------------------


def _like(func):
    """zeros_like and its kin: a number of the same seeds, with its own memory, terms zero.

    So y = np.zeros_like(x); y[0] = x[1] ** 2 works.  Another kind of dtype gives an array.
    """

    @positional(func, kind="linear")
    def row(a, *args, **kwargs):
        if type(a) is not Taylor:
            return func(pack(a), *args, **kwargs)
        value = func(laned_parts(a)[1], *args, **kwargs)
        return constant_like(a, value) if value.dtype.kind in "fc" else value

    return row


def description(func):
    """Asks for shape and dtype alone: values that are still to be computed need not be."""

    @with_signature(func, kind="constant")
    def row(*args, **kwargs):
        kwargs = {k: described(v) if type(v) is Taylor else values(v) for k, v in kwargs.items()}
        return func(*[described(x) if type(x) is Taylor else values(x) for x in args], **kwargs)

    return row


@positional(np.full_like, 2, kind="moved")
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    """np.full_like: the fill value may be a number too."""
    fill_value = pack(fill_value)
    y = np.empty_like(a, dtype, order, subok, shape, device=device)
    if type(fill_value) is Taylor and type(y) is not Taylor:
        raise refuse(np.full_like, f"dtype {y.dtype} cannot hold the derivative of fill_value",
                     "give a floating-point dtype, or pass fill_value.value")
    y[...] = fill_value
    return y


@positional(np.copy, kind="moved")
def copy(a, order="K", subok=False):
    """np.copy(a)."""
    a = pack(a)
    if type(a) is not Taylor:
        return np.copy(a, order, subok)
    alg, value, terms, lanes = laned_parts(a)
    return make_laned(alg, value.copy(order), terms.copy(), lanes)


def astype(x, dtype, order="K", casting="unsafe", subok=True, copy=True):
    """x.astype(dtype); refused where the derivative would be lost."""
    dtype = np.dtype(dtype)
    if dtype.kind == "O":
        raise TypeError("dualdiff: astype(object) is not needed: numbers are arrays already; "
                        "list(x) gives the single numbers")
    if dtype.kind not in "fc":
        raise TypeError(f"dualdiff: astype({dtype}) would lose the derivative; use "
                        f"x.value.astype({dtype}) where it is not wanted")
    if x.dtype.kind == "c" and dtype.kind == "f":
        raise TypeError(f"dualdiff: astype({dtype}) of a complex number would lose its "
                        "imaginary part; use x.real")
    if dtype == x.dtype and not copy:
        return x
    alg, value, terms, lanes = laned_parts(x)
    value = value.astype(dtype, order, casting, subok, True)
    return make_laned(alg, value, terms.astype(dtype), lanes)


# ---- ranges -----------------------------------------------------------------------


def _weights(num, endpoint, ndim):
    """0 .. 1 in num steps, with axes of length 1 after its own."""
    w = np.arange(num) / max(num - 1 if endpoint else num, 1)
    return w.reshape(-1, *(1,) * ndim)


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *,
             device=None):
    """start (1 - w) + stop w, exact in both ends."""
    start, stop = pack(start), pack(stop)
    w = _weights(num, endpoint, max(np.ndim(start), np.ndim(stop)))
    y = np.moveaxis(start * (1 - w) + stop * w, 0, axis)
    div = num - 1 if endpoint else num
    return (y, (stop - start) / div if div > 0 else np.nan) if retstep else y


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """start (stop / start)^w."""
    start, stop = pack(start), pack(stop)
    w = _weights(num, endpoint, max(np.ndim(start), np.ndim(stop)))
    if num == 0:
        return np.moveaxis(start * w + stop * w, 0, axis)
    middle = [start * np.power(stop / start, w[1:-1] if endpoint else w[1:])]
    ends = [np.broadcast_to(start + 0 * stop, middle[0].shape[1:])[None]]
    if endpoint and num > 1:
        middle.append(np.broadcast_to(stop + 0 * start, middle[0].shape[1:])[None])
    return np.moveaxis(np.concatenate([*ends, *middle]), 0, axis)


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """base ** linspace(start, stop)."""
    start, stop, base = pack(start), pack(stop), pack(base)
    if np.ndim(base):
        shape = np.broadcast_shapes(np.shape(start), np.shape(stop), np.shape(base))
        start = np.broadcast_to(start, shape)
        base = np.expand_dims(np.broadcast_to(base, shape), axis)
    return np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))


def vander(x, N=None, increasing=False):
    """The powers of x as columns, by products."""
    x = pack(x).astype(np.promote_types(x.dtype, int))
    columns = [np.ones_like(x)]
    n = len(x) if N is None else N
    while len(columns) < n:
        columns.append(columns[-1] * x)
    y = np.stack(columns, -1)[:, :n]
    return y if increasing else y[:, ::-1]


def _roll(t, shift, axis=None):
    if axis is None:
        return np.roll(flat(t), shift, 1).reshape(t.shape)
    return np.roll(t, shift, shifted(axis, t.ndim - 1))


def text(func):
    """A function that prints an array: of a number, its value."""

    @positional(func, kind="constant")
    def row(a, *args, **kwargs):
        return func(np.asarray(values(a)), *args, **kwargs)

    return row


ROWS = {
    # views
    np.reshape: reshape,
    np.ravel: ravel,
    np.transpose: viewed(np.transpose, _transpose),
    np.matrix_transpose: viewed(np.matrix_transpose, lambda t: np.swapaxes(t, -1, -2)),
    np.swapaxes: viewed(np.swapaxes, lambda t, axis1, axis2: np.swapaxes(
        t, *shifted((axis1, axis2), t.ndim - 1))),
    np.moveaxis: viewed(np.moveaxis, lambda t, source, destination: np.moveaxis(
        t, shifted(source, t.ndim - 1), shifted(destination, t.ndim - 1))),
    np.rollaxis: viewed(np.rollaxis, lambda t, axis, start=0: np.rollaxis(
        t, shifted(axis, t.ndim - 1), shifted(start, t.ndim - 1))),
    np.expand_dims: unit_axes(np.expand_dims),
    np.squeeze: unit_axes(np.squeeze),
    np.atleast_1d: unit_axes(np.atleast_1d),
    np.atleast_2d: unit_axes(np.atleast_2d),
    np.atleast_3d: unit_axes(np.atleast_3d),
    np.broadcast_to: viewed(np.broadcast_to, _broadcast),
    np.broadcast_arrays: broadcast_arrays,
    sliding_window_view: viewed(sliding_window_view, _windows),
    np.flip: viewed(np.flip, _flip),
    np.fliplr: viewed(np.fliplr, lambda t: t[:, :, ::-1]),
    np.flipud: viewed(np.flipud, lambda t: t[:, ::-1]),
    np.rot90: viewed(np.rot90, lambda t, k=1, axes=(0, 1): np.rot90(
        t, k, shifted(axes, t.ndim - 1))),
    np.diagonal: viewed(np.diagonal, lambda t, offset=0, axis1=0, axis2=1: np.diagonal(
        t, offset, *shifted((axis1, axis2), t.ndim - 1))),
    np.diag: diag,
    np.array_split: _split(np.array_split),
    np.split: _split(np.split),
    np.hsplit: _split(np.hsplit, None),
    np.vsplit: _split(np.vsplit),
    np.dsplit: _split(np.dsplit, 2),
    # joining
    np.concatenate: joined(np.concatenate, _concatenate),
    np.stack: joined(np.stack, lambda ts, axis=0, **kw: np.stack(
        ts, axis + 1 if axis >= 0 else axis, **kw)),
    np.vstack: joined(np.vstack, lambda ts, **kw: np.concatenate(
        [_rows_2d(t) for t in ts], 1, **kw)),
    np.hstack: joined(np.hstack, _hstack),
    np.dstack: joined(np.dstack, lambda ts: np.concatenate([_planes(t) for t in ts], 3)),
    np.column_stack: joined(np.column_stack, lambda ts: np.concatenate(
        [_columns_2d(t) for t in ts], 2)),
    np.block: moved(np.block, "arrays"),
    np.append: moved(np.append, "arr", "values"),
    np.insert: moved(np.insert, "arr", "values"),
    np.delete: moved(np.delete, "arr"),
    # moving
    np.roll: viewed(np.roll, _roll),
    np.tile: moved(np.tile, "A"),
    np.repeat: moved(np.repeat, "a"),
    np.resize: moved(np.resize, "a"),
    np.tril: moved(np.tril, "m"),
    np.triu: moved(np.triu, "m"),
    np.diagflat: moved(np.diagflat, "v"),
    np.meshgrid: moved(np.meshgrid, "xi"),
    np.ix_: moved(np.ix_, "args"),
    # new numbers
    np.copy: copy,
    np.zeros_like: _like(np.zeros_like),
    np.ones_like: _like(np.ones_like),
    np.empty_like: _like(np.empty_like),
    np.full_like: full_like,
    np.astype: with_signature(np.astype, "linear")(
        lambda x, dtype, /, *, copy=True, device=None: astype(x, dtype, copy=copy)),
    np.linspace: compose(np.linspace, linspace),
    np.logspace: compose(np.logspace, logspace),
    np.geomspace: compose(np.geomspace, geomspace),
    np.vander: compose(np.vander, vander),
    # what shape it has
    **{f: description(f) for f in (
        np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, np.common_type)},
    **{f: constant(f) for f in (
        np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, np.shares_memory,
        np.may_share_memory, np.iscomplex, np.isreal, np.can_cast, np.result_type,
        np.min_scalar_type)},
    **{f: text(f) for f in (np.array2string, np.array_repr, np.array_str)},
}
if hasattr(np, "unstack"):  # NumPy 2.1
    ROWS[np.unstack] = viewed(np.unstack, lambda t, *, axis=0: np.unstack(
        t, axis=shifted(axis, t.ndim - 1)))
