"""What some NumPy functions do to numbers with lanes (see _lanes.pxi), so that those stay
sparse: functions that only move elements move the lanes along, and some sums and products
are written with such functions.  A form may give NotImplemented: the number becomes dense
then, and the function's row in `rows/` is used.  Rows know nothing of this.

May import: the number, the kinds, bilinear products.  Invariant: a form and the row of its
function give the same value bit for bit, and the same derivatives to rounding.
"""

import math

import numpy as np

from dualdiff._bilinear import strong
from dualdiff._kinds import holds, with_value
from dualdiff._memory import new
from dualdiff._taylor import (
    HOOKS,
    LANED,
    LANED_METHODS as METHODS,
    Taylor,
    apply,
    choose,
    is_laned,
    joined_along,
    laned_parts,
    lanes_fit,
    make_laned,
    make_laned_view,
    may_step,
    one_lane_count,
    pack,
    product_step,
    reshaped,
    rolled_along,
    side_by_side,
    sum_step,
)


def mover(func):
    """A function that moves, copies or drops elements of its first argument, or adds zeros."""

    def form(x, *args, **kwargs):
        if not is_laned(x) or holds(args) or holds(kwargs):
            return NotImplemented
        alg, value, terms, lanes = laned_parts(x)
        if lanes is None:
            return NotImplemented
        result = func(value, *args, **kwargs)
        rows = [func(t, *args, **kwargs) for t in terms]
        moved = [func(lane, *args, **kwargs) for lane in lanes]
        if np.shares_memory(result, value) and np.shares_memory(rows[0], terms):
            step = (terms.strides[0], *rows[0].strides)
            view = np.lib.stride_tricks.as_strided(
                rows[0], (len(terms), *result.shape), step, writeable=rows[0].flags.writeable)
            return make_laned_view(x, result, view, moved)
        return make_laned(alg, result, stacked(rows), moved)

    return form


def each(func):
    """A mover of one array, or of several, each by itself."""
    form = mover(func)
    return lambda *arrays: form(*arrays) if len(arrays) == 1 else tuple([func(x) for x in arrays])


def stacked(rows):
    """np.stack(rows), without a copy of a single one."""
    if len(rows) == 1:
        return np.asarray(rows[0])[None]
    out = new((len(rows), *np.shape(rows[0])), rows[0].dtype)
    for r, row in enumerate(rows):
        out[r] = row
    return out


def roll(a, shift, axis=None):
    """np.roll."""
    found = rolled_along(a, shift, axis)
    return any_roll(a, shift, axis) if found is None else found


any_roll = mover(np.roll)


def reshape(a, shape, order="C", **kwargs):
    """np.reshape."""
    found = None if order != "C" or kwargs else reshaped(a, shape)
    return any_reshape(a, shape, order, **kwargs) if found is None else found


any_reshape = mover(np.reshape)


def ravel(a, order="C"):
    """np.ravel."""
    found = reshaped(a, -1) if order == "C" else None
    return any_ravel(a, order) if found is None else found


any_ravel = mover(np.ravel)


def list_mover(func):
    """A function that joins arrays of a sequence: vstack, column_stack."""

    def form(xs, *args, **kwargs):
        if holds(args) or holds(kwargs) or kwargs.get("out") is not None:
            return NotImplemented
        return joined(lambda arrays: func(arrays, *args, **kwargs), list(xs))

    return form


def joiner(func, stack):
    """concatenate or stack: simple sequences in one call."""
    any_list = list_mover(func)

    def form(arrays, axis=0, *args, **kwargs):
        found = None if args or kwargs else joined_along(arrays, axis, stack)
        return any_list(arrays, axis, *args, **kwargs) if found is None else found

    return form


def hstack(arrays, *args, **kwargs):
    """np.hstack: along the second axis, or the only one."""
    simple = not args and not kwargs and isinstance(arrays, (list, tuple)) and len(arrays)
    found = joined_along(arrays, min(np.ndim(arrays[0]) - 1, 1), False) if simple else None
    return any_hstack(arrays, *args, **kwargs) if found is None else found


any_hstack = list_mover(np.hstack)


def joined(f, xs):
    """f of a list of arrays, where f only moves elements of them."""
    xs = one_lane_count([pack(x) if holds(x) else np.asarray(x) for x in xs])
    if xs is None:
        return NotImplemented
    known = [laned_parts(x) if type(x) is Taylor else None for x in xs]
    alg, count = next((k[0], len(k[3])) for k in known if k is not None)
    values = [k[1] if k else x for k, x in zip(known, xs, strict=True)]
    result = np.asarray(f(values))
    terms = [k[2] if k else np.zeros((alg.M - 1, *v.shape), result.dtype)
             for k, v in zip(known, values, strict=True)]
    lanes = [k[3] if k else [np.zeros(v.shape, np.intp)] * count
             for k, v in zip(known, values, strict=True)]
    every = stacked([f([t[r] for t in terms]) for r in range(alg.M - 1)])
    lanes = [f([x[q] for x in lanes]) for q in range(count)]
    return make_laned(alg, result, every.astype(result.dtype, copy=False), lanes)


def where(condition, x=None, y=None, /):
    """np.where with numbers in the second and third place."""
    if x is None or holds(condition):
        return NotImplemented
    result = choose(np.asarray(condition, bool), x, y)
    if result is not NotImplemented:
        return result
    return joined(lambda arrays: np.where(condition, *arrays), [x, y])


def plain_pad(x, pad_width, mode="constant", **kwargs):
    """np.pad where it adds copies of elements, or constants."""
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap") or holds(kwargs):
        return NotImplemented
    if mode in ("reflect", "symmetric") and kwargs.get("reflect_type", "even") != "even":
        return NotImplemented
    alg, value, terms, lanes = laned_parts(x)
    if lanes is None:
        return NotImplemented
    result = np.pad(value, pad_width, mode, **kwargs)
    zeros = {} if mode == "constant" else kwargs
    return make_laned(alg, result, np.stack([np.pad(t, pad_width, mode, **zeros) for t in terms]),
                      [np.pad(lane, pad_width, mode, **zeros) for lane in lanes])


def sum_(x, axis=None, keepdims=False, value=None):
    """np.sum: over everything into the seeds; over axes side by side while that pays.

    value: the values of the result, where they are known.
    """
    if not is_laned(x):
        return NotImplemented
    if axis is None:
        total = x.sum()
        return total.reshape((1,) * x.ndim) if keepdims else total
    if value is None:
        value = np.sum(x.value, axis=axis, keepdims=keepdims)
    axes = tuple(a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,)))
    count = math.prod(x.shape[a] for a in axes) * len(laned_parts(x)[3] or ())
    steps = may_step(x, nested=True) or may_step(x, any_dtype=True)
    total = side_by_side(x, value, axes) if count == 1 or not steps else None
    if total is None and steps:
        total = sum_step(x, value, axes)
    if total is None:
        return NotImplemented
    return total.reshape(np.shape(value)) if keepdims else total


def mean(x, axis=None, dtype=None, out=None, keepdims=False, **kwargs):
    """np.mean, by np.sum."""
    if dtype is not None or out is not None or kwargs or not is_laned(x) or x.size == 0:
        return NotImplemented
    value = np.mean(x.value, axis=axis, keepdims=bool(keepdims))
    total = sum_(x, axis, bool(keepdims), value)
    if total is NotImplemented:
        return NotImplemented
    return apply("mul", total, np.size(value) / x.size, value=value)


def dot(a, b, out=None):
    """np.dot of vectors: the sum of their products."""
    if out is not None or np.ndim(a) != 1 or np.ndim(b) != 1 or np.shape(a) != np.shape(b):
        return matmul(a, b) if out is None and np.ndim(a) == 2 >= np.ndim(b) else NotImplemented
    return with_value(np.sum(a * b), np.dot(plain(a), plain(b)))


def vdot(a, b, /):
    """np.vdot of arrays of one shape."""
    if np.shape(a) != np.shape(b):
        return NotImplemented
    value = np.vdot(plain(a), plain(b))
    return with_value(np.sum((np.conj(a) if value.dtype.kind == "c" else a) * b), value)


NARROW = 4  # local seeds to lay side by side rather than take a step (_steps.pxi)


def strong_product(a, b):
    """a @ b, in which an exactly zero factor beats inf and NaN."""
    return strong(np.matmul, a, b)


def matmul(a, b):
    """Small inner dimensions: the local seeds of one row or column side by side; or a step."""
    a, b = (x if type(x) is Taylor else np.asarray(x) for x in (a, b))
    if a.ndim == 1 and b.ndim == 1:
        return dot(a, b)
    if max(a.shape[-1], 1) > NARROW or type(a) is type(b) is Taylor:
        found = product_step(a, b)
        if found is not None:
            return found
    laned = [x for x in (a, b) if is_laned(x)]
    if len(laned) != 1 or type(a) is Taylor and type(b) is Taylor or min(a.ndim, b.ndim) < 1:
        return NotImplemented
    inner = a.shape[-1]
    count = inner * len(laned_parts(laned[0])[3] or ())
    if a.ndim > 2 or b.ndim > 2 or count > 32 or not lanes_fit(laned[0], count):
        return NotImplemented
    value = np.matmul(plain(a), plain(b))
    wide = (a[..., None] if b.ndim == 2 else a) * (b[None] if a.ndim == 2 and b.ndim == 2 else b)
    total = sum_(wide, axis=wide.ndim - 2 if b.ndim == 2 else wide.ndim - 1)
    return NotImplemented if total is NotImplemented else with_value(total, value)


def plain(x):
    """The value of a number, or a plain array as it is."""
    return x.value if type(x) is Taylor else x


def diff(a, n=1, axis=-1, prepend=np._NoValue, append=np._NoValue):
    """np.diff, by slices."""
    if prepend is not np._NoValue or append is not np._NoValue or n < 1 or not is_laned(a):
        return NotImplemented
    axis %= a.ndim
    upper = tuple(slice(1, None) if q == axis else slice(None) for q in range(a.ndim))
    lower = tuple(slice(None, -1) if q == axis else slice(None) for q in range(a.ndim))
    for _ in range(n):
        a = a[upper] - a[lower]
    return a


def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    """np.sort: elements move as their values say."""
    if axis is None or order is not None or not is_laned(a):
        return NotImplemented
    value = np.sort(a.value, axis, kind, stable=stable)
    at = np.argsort(a.value, axis, "stable")
    return with_value(np.take_along_axis(a, at, axis), value)


def extreme(func):
    """np.max, np.min over everything: the elements that attain it, in equal shares."""

    def form(a, axis=None, out=None, keepdims=False, **kwargs):
        if out is not None or kwargs or not is_laned(a):
            return NotImplemented
        if isinstance(axis, int):
            return along(a, axis, bool(keepdims))
        if axis is not None or keepdims:
            return NotImplemented
        value = func(a.value)
        at = np.flatnonzero(a.value == value)
        if not at.size:
            return NotImplemented
        if at.size == 1:
            return with_value(a[np.unravel_index(at[0], a.shape)], value)
        picked = a.reshape(-1)[at]
        return with_value(picked.sum() / at.size, value)

    def along(a, axis, keepdims):
        v = a.value
        value = func(v, axis=axis, keepdims=True)
        attained = v == value
        if not value.size or not v.size:
            return NotImplemented
        at = list(np.ogrid[tuple(map(slice, v.shape))])
        at[axis] = attained.argmax(axis=axis, keepdims=True)
        places = np.ravel_multi_index(np.broadcast_arrays(*at), v.shape)
        if not attained.ravel()[places].all():  # NaN
            return NotImplemented
        if np.count_nonzero(attained) == value.size:
            picked = elements(a, places)
        else:
            picked = sum_(a * (attained / attained.sum(axis=axis, keepdims=True)), axis, True)
            if picked is NotImplemented:
                return NotImplemented
            picked = with_value(picked, value)
        return picked if keepdims else np.squeeze(picked, axis)

    return form


def elements(x, places):
    """x.ravel()[places], of a number with lanes."""
    alg, value, terms, lanes = laned_parts(x)
    return make_laned(alg, value.ravel()[places], terms.reshape(len(terms), -1).take(places, 1),
                      [lane.ravel()[places] for lane in lanes])


HOOKS["product"] = strong_product

def reshape_method(x, *shape, order="C", **kwargs):
    """x.reshape."""
    shape = shape[0] if len(shape) == 1 else shape
    y = reshape(x, shape, order, **kwargs)
    return np.reshape(x, shape, order=order, **kwargs) if y is NotImplemented else y


METHODS.update({
    "reshape": reshape_method,
    "ravel": lambda x, order="C": np.ravel(x, order),
    "flatten": lambda x, order="C": np.copy(np.ravel(x, order)),
    "transpose": lambda x, *axes: np.transpose(
        x, (axes[0] if len(axes) == 1 else axes) if axes else None),
    "swapaxes": lambda x, axis1, axis2: np.swapaxes(x, axis1, axis2),
    "squeeze": lambda x, axis=None: np.squeeze(x, axis),
    "repeat": lambda x, repeats, axis=None: np.repeat(x, repeats, axis),
    "take": lambda x, indices, axis=None: np.take(x, indices, axis),
    "diagonal": lambda x, offset=0, axis1=0, axis2=1: np.diagonal(x, offset, axis1, axis2),
    "copy": lambda x, order="C": np.copy(x, order),
    "mean": lambda x, axis=None, **kwargs: np.mean(x, axis, **kwargs),
    "dot": lambda x, b: np.dot(x, b),
    "max": lambda x, axis=None, **kwargs: np.max(x, axis, **kwargs),
    "min": lambda x, axis=None, **kwargs: np.min(x, axis, **kwargs),
})

LANED.update({
    **{f: mover(f) for f in (
        np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.expand_dims,
        np.squeeze, np.broadcast_to, np.flip, np.fliplr, np.flipud, np.rot90, np.repeat,
        np.tile, np.take, np.take_along_axis, np.diagonal, np.delete, np.tril, np.triu, np.copy,
        np.matrix_transpose)},
    **{f: each(f) for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d)},
    np.reshape: reshape,
    np.ravel: ravel,
    np.roll: roll,
    np.concatenate: joiner(np.concatenate, False),
    np.stack: joiner(np.stack, True),
    np.hstack: hstack,
    **{f: list_mover(f) for f in (np.vstack, np.dstack, np.column_stack)},
    np.where: where,
    np.pad: plain_pad,
    np.mean: mean,
    np.dot: dot,
    np.vdot: vdot,
    np.inner: lambda a, b: dot(a, b) if np.ndim(a) == np.ndim(b) == 1 else NotImplemented,
    np.matmul: matmul,
    np.diff: diff,
    np.sort: sort,
    np.max: extreme(np.max),
    np.min: extreme(np.min),
})
