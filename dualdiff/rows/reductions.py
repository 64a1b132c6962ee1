"""Sums, products, extremes, moments, and their cumulative forms.

May import: the kinds.  Invariants: products are made of products, never by division;
ties of extremes share equally; elements that `where=` leaves out leave no trace.
"""

import math

import numpy as np

from dualdiff._kinds import compose, constant, positional, refuse, store
from dualdiff._movement import NO_VALUE, axes_of, flat, gathered, given, kept, shifted
from dualdiff._taylor import Taylor, make, pack, parts

# ---- sums and means --------------------------------------------------------------


def _axes(axis, ndim):
    """The axis argument of a reduction, seen from the terms."""
    return tuple(range(1, ndim + 1)) if axis is None else shifted(axis, ndim)


def _floating(func, value):
    """Refuse a dtype= that cannot hold derivatives."""
    if value.dtype.kind not in "fc":
        raise refuse(func, f"dtype={value.dtype} would lose the derivative",
                     "give a floating-point dtype, or pass x.value")


def _sum(func, clean=None):
    """np.sum, np.nansum: clean(value) says which elements count as zero."""

    @positional(func, kind="linear")
    def row(a, axis=None, dtype=None, out=None, keepdims=NO_VALUE, initial=NO_VALUE,
            where=NO_VALUE):
        a = pack(a)
        keywords = given(keepdims=keepdims, where=where)
        if type(initial) is Taylor:
            return store(func(a, axis, dtype, **keywords) + initial, out)
        if type(a) is not Taylor:
            return store(func(a, axis, dtype, **keywords, **given(initial=initial)), out)
        alg, value, terms = parts(a)
        v = np.asarray(func(value, axis, dtype, **keywords, **given(initial=initial)))
        _floating(func, v)
        if clean is not None:
            terms = np.where(clean(value), 0, terms)
        t = np.add.reduce(terms, _axes(axis, value.ndim), v.dtype, **keywords)
        return store(make(alg, v, t), out)

    return row


@positional(np.mean, kind="linear")
def mean(a, axis=None, dtype=None, out=None, keepdims=NO_VALUE, *, where=NO_VALUE):
    """np.mean(a)."""
    a = pack(a)
    keywords = given(keepdims=keepdims, where=where)
    if type(a) is not Taylor:
        return store(np.mean(a, axis, dtype, **keywords), out)
    alg, value, terms = parts(a)
    v = np.asarray(np.mean(value, axis, dtype, **keywords))
    _floating(np.mean, v)
    wide = np.float32 if v.dtype == np.float16 else v.dtype  # as NumPy does
    t = np.add.reduce(terms, _axes(axis, value.ndim), wide, **keywords)
    with np.errstate(all="ignore"):
        t = t / counted(value, axis, keywords).astype(wide)
    return store(make(alg, v, t.astype(v.dtype, copy=False)), out)


def counted(value, axis, keywords):
    """How many elements a reduction takes: an array that broadcasts to its result."""
    axes = axes_of(axis, value.ndim)
    where = keywords.get("where", True)
    if where is True:
        return np.asarray(math.prod([value.shape[i] for i in axes]))
    where = np.broadcast_to(where, value.shape)
    return np.asarray(np.sum(where, axes, keepdims=keywords.get("keepdims", False)))


def average(a, axis=None, weights=None, returned=False, *, keepdims=NO_VALUE):
    a = pack(a)
    keywords = given(keepdims=keepdims)
    if weights is None:
        result = np.mean(a, axis, **keywords)
        return (result, 1.0) if returned else result
    w = pack(weights)
    if np.shape(w) != np.shape(a):
        order = [int(i) % np.ndim(a) for i in np.atleast_1d(axis)]
        w = np.reshape(np.transpose(w, np.argsort(order)),
                       [n if i in order else 1 for i, n in enumerate(np.shape(a))])
    total = np.sum(w + np.zeros(np.shape(a), np.int8), axis, **keywords)
    result = np.sum(a * w, axis, **keywords) / total
    return (result, total) if returned else result


# ---- moments -----------------------------------------------------------------------


def _count(a, axis):
    """How many elements an element of a reduction is made of."""
    return math.prod(np.shape(a)[q] for q in axes_of(axis, np.ndim(a)))


def _square_of(d, used):
    """|d|**2, 0 where elements do not count; without a name, so that it need not be kept."""
    if used is not None:
        d = np.where(used, d, 0)
    return d * d if d.dtype.kind != "c" else np.real(d) ** 2 + np.imag(d) ** 2


def _moment(clean):
    """The body of var, or of nanvar: clean(x) says which elements do not count."""

    def body(a, axis=None, dtype=None, out=None, ddof=0, keepdims=NO_VALUE, *, where=NO_VALUE,
             mean=NO_VALUE, correction=NO_VALUE):
        a = pack(a)
        if dtype is not None:
            a = a.astype(dtype)
        ddof = ddof if correction is NO_VALUE else correction
        keepdims = keepdims if keepdims is not NO_VALUE else False
        used = None
        if clean is not None or where is not NO_VALUE:
            used = ~clean(a) if clean is not None else np.ones(np.shape(a), bool)
            used = used if where is NO_VALUE else used & where
            used = None if used.all() else used
        x, n = (a, _count(a, axis)) if used is None else (
            np.where(used, a, 0), np.asarray(np.sum(used, axis, keepdims=True)))
        if mean is NO_VALUE:
            mean = np.sum(x, axis, keepdims=True) / n
        total = np.sum(_square_of(x - mean, used)) if axis is None and not keepdims else np.sum(
            _square_of(x - mean, used), axis, keepdims=keepdims)
        left = np.maximum(n - ddof, 0)
        return total / (left if np.ndim(left) == 0 else left.reshape(np.shape(total)))

    return body


def _root(body):
    return lambda *args, **kwargs: np.sqrt(body(*args, **kwargs))


def nanmean(a, axis=None, dtype=None, out=None, keepdims=NO_VALUE, *, where=NO_VALUE):
    a = pack(a)
    keywords = given(keepdims=keepdims, where=where)
    good = ~np.isnan(values_of(a))
    total = np.sum(np.where(good, a, 0), axis, dtype, **keywords)
    return total / np.sum(good, axis, **keywords)


def values_of(x):
    """The plain array of a number; an array as it is."""
    return x.value if type(x) is Taylor else x


def isnan(x):
    """Where x is NaN, by its value."""
    return np.isnan(values_of(x))


# ---- products ----------------------------------------------------------------------


def prod(a, axis=None, dtype=None, out=None, keepdims=NO_VALUE, initial=NO_VALUE,
         where=NO_VALUE):
    """Pairs, pairs of pairs, ...: log2(n) products of halves."""
    a = pack(a)
    if dtype is not None:
        a = a.astype(dtype)
    if where is not NO_VALUE:
        a = np.where(where, a, 1)
    shape = kept(np.shape(a), axes_of(axis, np.ndim(a)))
    x, odd = gathered(a, axis), []
    while x.shape[-1] > 1:
        half, rest = divmod(x.shape[-1], 2)
        if rest:
            odd.append(x[..., -1])
        x = x[..., :half] * x[..., half:2 * half]
    y = x[..., 0] if x.shape[-1] else np.ones_like(x, shape=x.shape[:-1])
    for z in odd:
        y = y * z
    if initial is not NO_VALUE:
        y = y * initial
    return np.reshape(y, shape) if keepdims is not NO_VALUE and keepdims else y


def cumprod(a, axis=None, dtype=None, out=None):
    """Prefix products by doubling: log2(n) products of arrays."""
    a = pack(a)
    if dtype is not None:
        a = a.astype(dtype)
    if axis is None or a.ndim == 0:
        a, axis = np.ravel(a), 0
    x, step = np.moveaxis(a, axis, -1), 1
    while step < x.shape[-1]:
        x = np.concatenate([x[..., :step], x[..., step:] * x[..., :-step]], -1)
        step *= 2
    return np.moveaxis(x, -1, axis)


def cumulative_prod(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    x = pack(x)
    axis = 0 if axis is None else axis
    y = cumprod(x, axis, dtype)
    if not include_initial:
        return y
    first = np.ones_like(y, shape=[1 if i == axis % y.ndim else n for i,
                                   n in enumerate(y.shape)])
    return np.concatenate([first, y], axis)


def _without_nan(body, neutral):
    """A body with NaN replaced by what changes nothing."""

    def clean(a, *args, **kwargs):
        a = pack(a)
        return body(np.where(isnan(a), neutral, a), *args, **kwargs)

    return clean


def _cumsum(func, clean=None):
    """cumsum and its kin: the same sums of the terms."""

    @positional(func, kind="linear")
    def row(a, axis=None, dtype=None, out=None, **kwargs):
        a = pack(a)
        keywords = {"axis": axis, "dtype": dtype, **kwargs}
        if type(a) is not Taylor:
            return store(func(a, **keywords), out)
        alg, value, terms = parts(a)
        v = np.asarray(func(value, **keywords))
        _floating(func, v)
        if clean is not None:
            terms = np.where(clean(value), 0, terms)
        if axis is None or value.ndim == 0:
            terms, keywords["axis"] = flat(terms), 1
        else:
            keywords["axis"] = shifted(axis, value.ndim)
        return store(make(alg, v, func(terms, **keywords).astype(v.dtype, copy=False)), out)

    return row


# ---- extremes ----------------------------------------------------------------------


def _extreme(func, pair):
    """max, min and their nan-forms: the elements picked, in equal shares.

    pair: the ufunc that joins an `initial` which is a number.
    """

    @positional(func, kind="picked")
    def row(a, axis=None, out=None, keepdims=NO_VALUE, initial=NO_VALUE, where=NO_VALUE):
        a = pack(a)
        keywords = given(keepdims=keepdims, where=where)
        if type(initial) is Taylor:
            lowest = -np.inf if pair is np.maximum else np.inf
            return store(pair(func(a, axis, initial=lowest, **keywords), initial), out)
        keywords.update(given(initial=initial))
        if type(a) is not Taylor:
            return store(func(a, axis, **keywords), out)
        alg, value, terms = parts(a)
        v = np.asarray(func(value, axis, **keywords))
        if axis is None and not keywords and v == v:
            at = (value == v).ravel().nonzero()[0]
            t = flat(terms)
            t = t[:, at[0]] if at.size == 1 else t[:, at].sum(1) / at.size
            return store(make(alg, v, t.astype(v.dtype, copy=False)), out)
        axes = axes_of(axis, value.ndim)
        full = v.reshape(kept(value.shape, axes))
        mask = value == full
        nan = np.isnan(full)
        if nan.any():
            mask |= nan & np.isnan(value)
        if where is not NO_VALUE:
            mask &= where
        if len(axes) == value.ndim and initial is NO_VALUE:
            t = flat(terms)[:, np.flatnonzero(mask)]
            t = t[:, 0] if t.shape[1] == 1 else t.sum(1) / max(t.shape[1], 1)
        else:
            n = np.count_nonzero(mask, axes)
            if initial is not NO_VALUE:
                n = n + (full.reshape(n.shape) == initial)
            t = np.where(mask, terms, 0).sum(_axes(axis, value.ndim)) / np.maximum(n, 1)
        t = t.reshape(len(t), *v.shape).astype(v.dtype, copy=False)
        return store(make(alg, v, t), out)

    return row


def ptp(a, axis=None, out=None, keepdims=NO_VALUE):
    a, keywords = pack(a), given(keepdims=keepdims)
    return np.max(a, axis, **keywords) - np.min(a, axis, **keywords)


# ---- functions of slices -------------------------------------------------------------


@positional(np.apply_along_axis, 3, kind="compose")
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    """np.apply_along_axis: func1d is called with numbers."""
    arr = pack(arr)
    axis = int(axis)
    if not -np.ndim(arr) <= axis < np.ndim(arr):
        raise np.exceptions.AxisError(axis, np.ndim(arr))
    axis %= np.ndim(arr)
    moved = np.moveaxis(arr, axis, -1)
    shape = np.shape(moved)[:-1]
    if 0 in shape:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    made = [pack(func1d(moved[i], *args, **kwargs)) for i in np.ndindex(shape)]
    y = np.reshape(np.stack(made), (*shape, *np.shape(made[0])))
    if np.ndim(made[0]) == 0:
        return y
    n, at = np.ndim(made[0]), len(shape)
    return np.moveaxis(y, range(at, at + n), range(axis, axis + n))


@positional(np.apply_over_axes, 3, kind="compose")
def apply_over_axes(func, a, axes):
    """np.apply_over_axes: func is called with numbers."""
    y = pack(a)
    for axis in np.atleast_1d(axes):
        axis = int(axis) % max(np.ndim(y), 1)
        z = pack(func(y, axis))
        y = z if np.ndim(z) == np.ndim(y) else np.expand_dims(z, axis)
        if np.ndim(y) != np.ndim(a):
            raise ValueError("function is not returning an array of the correct shape")
    return y


_var, _nanvar = _moment(None), _moment(isnan)

ROWS = {
    np.sum: _sum(np.sum),
    np.nansum: _sum(np.nansum, np.isnan),
    np.mean: mean,
    np.nanmean: compose(np.nanmean, nanmean),
    np.average: compose(np.average, average),
    np.var: compose(np.var, _var),
    np.nanvar: compose(np.nanvar, _nanvar),
    np.std: compose(np.std, _root(_var)),
    np.nanstd: compose(np.nanstd, _root(_nanvar)),
    np.prod: compose(np.prod, prod),
    np.nanprod: compose(np.nanprod, _without_nan(prod, 1)),
    np.cumsum: _cumsum(np.cumsum),
    np.nancumsum: _cumsum(np.nancumsum, np.isnan),
    np.cumprod: compose(np.cumprod, cumprod),
    np.nancumprod: compose(np.nancumprod, _without_nan(cumprod, 1)),
    np.max: _extreme(np.max, np.maximum),
    np.amax: _extreme(np.amax, np.maximum),
    np.min: _extreme(np.min, np.minimum),
    np.amin: _extreme(np.amin, np.minimum),
    np.nanmax: _extreme(np.nanmax, np.fmax),
    np.nanmin: _extreme(np.nanmin, np.fmin),
    np.ptp: compose(np.ptp, ptp),
    np.apply_along_axis: apply_along_axis,
    np.apply_over_axes: apply_over_axes,
    **{f: constant(f) for f in (
        np.all, np.any, np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.count_nonzero)},
}
if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    ROWS[np.cumulative_sum] = _cumsum(np.cumulative_sum)
    ROWS[np.cumulative_prod] = compose(np.cumulative_prod, cumulative_prod)
