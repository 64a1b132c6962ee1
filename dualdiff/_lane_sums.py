"""Sums, running sums, extremes and norms of numbers with lanes (see _lane_forms.py).

May import: the number, the kinds, the lane forms.  Invariant: as in _lane_forms.py.
"""

import numpy as np

from dualdiff._kinds import holds, with_value
from dualdiff._lane_forms import extreme, mover, sum_
from dualdiff._lane_products import combination, fits, linear_step, padded_rows
from dualdiff._movement import NO_VALUE, axes_of, given
from dualdiff._taylor import LANED, LANED_METHODS as METHODS, is_laned, side_by_side

# ---- sums ------------------------------------------------------------------------------------


def plain_sum(a, axis, keepdims, value=None):
    """np.sum, of these values if they are known; over no axes the number itself."""
    axes = axes_of(axis, a.ndim)
    if not axes:
        return a * a.dtype.type(1)
    return sum_(a, None if axis is None else axes, keepdims, value)


def sums(func, everything, clean=None):
    """The form of np.sum, np.nansum, np.add.reduce.

    everything: the axis where none is given; clean(value) says which elements count as zero.
    """

    def form(a, axis=everything, dtype=None, out=None, keepdims=NO_VALUE, initial=NO_VALUE,
             where=NO_VALUE):
        if out is not None or not is_laned(a) or holds((initial, where)):
            return NotImplemented
        value = np.asarray(func(a.value, axis=axis, dtype=dtype,
                                **given(keepdims=keepdims, initial=initial, where=where)))
        if value.dtype.kind not in "fc":
            return NotImplemented
        a = a if a.dtype == value.dtype else a.astype(value.dtype)
        counts = True if where is NO_VALUE else where
        if clean is not None:
            counts = counts & ~clean(a.value)
        with np.errstate(all="ignore"):
            if counts is not True and not np.all(counts):
                a = np.where(counts, a, a.dtype.type(0))
            total = plain_sum(a, axis, keepdims is not NO_VALUE and bool(keepdims), value)
        return total if total is NotImplemented else with_value(total, value)

    return form


def trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    """np.trace: the sum of a diagonal."""
    if dtype is not None or out is not None or not is_laned(a):
        return NotImplemented
    total = sum_(np.diagonal(a, offset, axis1, axis2), -1)
    return total if total is NotImplemented else with_value(
        total, np.trace(a.value, offset, axis1, axis2))


def bincount(x, /, weights=None, minlength=0):
    """np.bincount of weights: the elements of each bin."""
    if not is_laned(weights) or holds(x):
        return NotImplemented
    value = np.bincount(x, weights.value, minlength)
    places = np.asarray(x)
    order = np.argsort(places, kind="stable")
    counts = np.bincount(places, minlength=minlength)

    def forward(t):
        return np.stack([np.bincount(places, each, minlength) for each in t])

    return grouped(weights, counts, order, value, forward, lambda g: g[:, places])


def reduceat(array, indices, axis=0, dtype=None, out=None):
    """np.add.reduceat of one dimension: elements [i, j), or i alone where i >= j."""
    if dtype is not None or out is not None or not is_laned(array) or array.ndim != 1:
        return NotImplemented
    value = np.add.reduceat(array.value, indices)
    first = np.asarray(indices, np.intp)
    counts = np.maximum(np.append(first[1:], array.size) - first, 1)
    places = np.repeat(np.arange(len(first)), counts)
    order = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts - first, counts)

    def transposed(g):
        back = np.zeros((len(g), array.size), g.dtype)
        for row, each in zip(back, g, strict=True):
            np.add.at(row, order, each[places])
        return back

    return grouped(array, counts, order, value, lambda t: np.add.reduceat(t, indices, 1),
                   transposed)


def grouped(x, counts, order, value, forward, transposed):
    """Sums of the elements of x in this order, so many in each, of these values."""
    if not fits(x, int(counts.max(initial=0)) or 1):
        return linear_step(x, value, forward, transposed)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    at, factors = padded_rows(indptr, order, np.ones(len(order), value.dtype))
    return combination(x, at, factors, value)


# ---- running sums ----------------------------------------------------------------------------


def running(func, everything=None, clean=None):
    """The form of cumsum and its kin: the sums of all first elements along an axis.

    Short ones side by side; a step where that may be; a triangle of entries is dense.
    """

    def form(a, axis=everything, dtype=None, out=None, *, include_initial=False):
        if out is not None or not is_laned(a):
            return NotImplemented
        settings = {"include_initial": True} if include_initial else {}
        value = np.asarray(func(a.value, axis=axis, dtype=dtype, **settings))
        if value.dtype.kind not in "fc":
            return NotImplemented
        a = a if a.dtype == value.dtype else a.astype(value.dtype)
        if clean is not None and clean(a.value).any():
            a = np.where(clean(a.value), a.dtype.type(0), a)
        if axis is None or a.ndim == 0:
            a, axis = np.ravel(a), 0
        x, made = np.moveaxis(a, axis, -1), np.moveaxis(np.atleast_1d(value), axis, -1)
        m, first = x.shape[-1], int(include_initial)
        with np.errstate(all="ignore"):
            if m and fits(x, m):
                below = np.arange(m) + first <= np.arange(m + first)[:, None]
                wide = np.where(below, x[..., None, :], x.dtype.type(0))
                y = side_by_side(wide, made, (wide.ndim - 1,))
                y = NotImplemented if y is None else y
            else:
                y = linear_step(x, made, lambda t: forwards(t, first),
                                lambda g: backwards(g[..., first:]))
            return y if y is NotImplemented else with_value(
                np.reshape(np.moveaxis(y, -1, axis), value.shape), value)

    return form


def forwards(t, zeros):
    """Running sums, after so many zeros."""
    out = np.zeros((*t.shape[:-1], t.shape[-1] + zeros), t.dtype)
    np.cumsum(t, -1, out=out[..., zeros:])
    return out


def backwards(g):
    """Running sums from the end."""
    return np.cumsum(g[..., ::-1], -1)[..., ::-1]


# ---- norms -----------------------------------------------------------------------------------


def squares(x):
    """|x|^2."""
    return x * x if x.dtype.kind == "f" else x.real**2 + x.imag**2


def length(x, axes, keepdims, value):
    """sqrt(sum x^2) over axes, near value, scaled where squares may be too large or too small.

    0 at x = 0 whatever the direction.
    """
    info = np.finfo(x.dtype)
    safe = np.sqrt(np.sqrt(info.tiny)), np.sqrt(np.sqrt(info.max))
    if np.all((safe[0] < value) & (value < safe[1])):
        if len(axes) < x.ndim:
            square = plain_sum(squares(x), axes, keepdims)
        else:  # nobody else has the squares, so that they need not be kept
            square = np.sum(squares(x))
        if square is NotImplemented or not (keepdims and len(axes) == x.ndim):
            return square if square is NotImplemented else np.sqrt(square)
        return np.sqrt(square).reshape((1,) * x.ndim)
    if x.dtype.kind == "c":
        return NotImplemented
    size = np.abs(x.value)
    top = np.max(np.where(np.isfinite(size), size, 0), axis=axes, keepdims=True, initial=0)
    scale = np.where(top > 0, np.exp2(np.floor(np.log2(top))), 1).astype(x.dtype)
    z = x / scale
    square = plain_sum(z * z, axes, True)
    if square is NotImplemented:
        return square
    none = square.value == 0
    y = np.where(none, x.dtype.type(0), np.sqrt(np.where(none, x.dtype.type(1), square))) * scale
    return y if keepdims else np.squeeze(y, axes)


def norm(x, ord=None, axis=None, keepdims=False):
    """np.linalg.norm of vectors, and the Frobenius norm of matrices."""
    if not is_laned(x) or x.size == 0:
        return NotImplemented
    axes = axes_of(axis, x.ndim)
    if axis is None and ord is not None and len(axes) > 2:
        return NotImplemented  # NumPy's error
    euclidean = ord is None or (len(axes) == 1 and ord == 2) or (
        len(axes) == 2 and ord in ("fro", "f"))
    if x.dtype.kind == "c" and not euclidean:
        return NotImplemented
    value = np.linalg.norm(x.value, ord, axis, keepdims)
    with np.errstate(all="ignore"):
        if euclidean:
            y = length(x, axes, keepdims, value)
        elif len(axes) == 1 and ord == 1:
            y = plain_sum(np.abs(x), axes, keepdims)
        elif len(axes) == 1 and ord in (np.inf, -np.inf):
            largest = np.max if ord > 0 else np.min
            y = extreme(largest)(np.abs(x), axes[0], None, keepdims)
        elif len(axes) == 2 and ord in (2, -2, "nuc"):
            s = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), compute_uv=False)
            y = np.sum(s, -1) if ord == "nuc" else s[..., 0 if ord == 2 else -1]
            y = np.reshape(y, np.shape(value))
        else:
            return NotImplemented
    return y if y is NotImplemented else with_value(y, value)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """np.linalg.vector_norm: of complex numbers the 2-norm."""
    if ord not in (1, 2) or not is_laned(x) or x.size == 0 or ord == 1 and x.dtype.kind == "c":
        return NotImplemented
    axes = axes_of(axis, x.ndim)
    value = np.linalg.vector_norm(x.value, axis=axis, keepdims=keepdims, ord=ord)
    with np.errstate(all="ignore"):
        y = length(x, axes, keepdims, value) if ord == 2 else plain_sum(
            np.abs(x), axes, keepdims)
    return y if y is NotImplemented else with_value(y, value)


def reducing(func):
    """The form of maximum.reduce and its kin: along axis 0 where none is given."""
    form = extreme(lambda a, axis=None, keepdims=False: func(a, axis=axis, keepdims=keepdims))

    def reduce(array, axis=0, dtype=None, out=None, keepdims=False, **kwargs):
        return NotImplemented if dtype is not None else form(array, axis, out, keepdims, **kwargs)

    return reduce


LANED.update({
    np.sum: sums(np.sum, None),
    np.nansum: sums(np.nansum, None, np.isnan),
    (np.add, "reduce"): sums(np.add.reduce, 0),
    (np.add, "accumulate"): running(np.add.accumulate, 0),
    (np.add, "reduceat"): reduceat,
    np.cumsum: running(np.cumsum),
    np.nancumsum: running(np.nancumsum, clean=np.isnan),
    np.bincount: bincount,
    np.trace: trace,
    np.linalg.trace: lambda x, /, *, offset=0, dtype=None: trace(x, offset, -2, -1, dtype),
    np.linalg.norm: norm,
    np.linalg.vector_norm: vector_norm,
    np.linalg.matrix_norm: lambda x, /, *, keepdims=False, ord="fro": norm(
        x, ord, (-2, -1), keepdims),
    **{f: extreme(f) for f in (np.amax, np.amin, np.nanmax, np.nanmin)},
    **{(f, "reduce"): reducing(f.reduce) for f in (np.maximum, np.minimum, np.fmax, np.fmin)},
    **{f: mover(f) for f in (np.linalg.matrix_transpose, np.linalg.diagonal)},
})
if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    LANED[np.cumulative_sum] = running(np.cumulative_sum)
METHODS.update({
    "cumsum": lambda x, *args, **kwargs: np.cumsum(x, *args, **kwargs),
    "trace": lambda x, *args, **kwargs: np.trace(x, *args, **kwargs),
})
