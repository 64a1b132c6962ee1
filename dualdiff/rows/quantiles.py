"""Medians, quantiles and percentiles: they follow the elements picked.

NumPy itself says which elements and how much of each: its function is run on the ranks
of the elements, whose result is the place in the sorted array, and on the step from the
element before that place to the one after, whose result is the share of the latter.  So
every method, weights and the handling of NaN are NumPy's own.

May import: the kinds.  Invariant: the shares sum to one.
"""

import numpy as np

from dualdiff._kinds import compose, no_numbers, positional
from dualdiff._movement import NO_VALUE, axes_of, gathered, given, kept
from dualdiff._taylor import pack


def ranks_of(value, order):
    """Ranks along the last axis as floats, ties in order of place; NaN stays NaN."""
    ranks = np.empty(value.shape)
    np.put_along_axis(ranks, order, np.arange(value.shape[-1], dtype=float), axis=-1)
    ranks[np.isnan(value)] = np.nan
    return ranks


def shares(func, ranks, *args, **kwargs):
    """(rank below, rank above, share of the one above) of one quantile of every slice."""
    place = func(ranks, *args, axis=-1, keepdims=True, **kwargs)
    below = np.floor(np.where(np.isnan(place), 0, place))
    step = np.where(np.isnan(ranks), np.nan, ranks > below)
    share = np.nan_to_num(func(step, *args, axis=-1, keepdims=True, **kwargs))
    above = np.minimum(below + (share > 0), ranks.shape[-1] - 1)
    return below.astype(np.intp), above.astype(np.intp), share


def picked(x, order, below, above, share):
    """The shares of the elements of x that have these ranks."""
    low, high = (np.take_along_axis(x, np.take_along_axis(order, i, -1), -1)
                 for i in (below, above))
    if not share.any():
        return low
    zero = x.dtype.type(0)
    return np.where(share < 1, low, zero) * (1 - share) + np.where(share > 0, high, zero) * share


def _quantile(func, with_q=True):
    """A row: func(a, q, axis=...) or func(a, axis=...)."""

    def body(a, *args, axis=None, keepdims=NO_VALUE, weights=None, **keywords):
        no_numbers(func, args, {"weights": weights, **keywords})
        a = pack(a)
        if not np.size(a):
            return None
        shape, axes = np.shape(a), axes_of(axis, np.ndim(a))
        if weights is not None:
            weights = np.asarray(weights)
            if weights.shape != shape:
                order = [int(i) % len(shape) for i in np.atleast_1d(axis)]
                weights = weights.transpose(np.argsort(order)).reshape(
                    [n if i in order else 1 for i, n in enumerate(shape)])
                weights = np.broadcast_to(weights, shape)
            keywords["weights"] = gathered(weights, axes)
        x = gathered(a, axes)
        order = np.argsort(x.value, axis=-1, kind="stable")
        ranks = ranks_of(x.value, order)
        rest = np.shape(x)[:-1] if keepdims is NO_VALUE or not keepdims else kept(shape, axes)
        made = [np.reshape(picked(x, order, *shares(func, ranks, *one, **keywords)), rest)
                for one in ([(p,) for p in np.ravel(args[0])] if with_q else [()])]
        return np.reshape(np.stack(made), (*np.shape(args[0]), *rest)) if with_q else made[0]

    composed = compose(func, body)  # the elements stay in place whatever overwrite_input says
    if with_q:
        @positional(func, 2, kind="compose")
        def row(a, q, axis=None, out=None, overwrite_input=False, method="linear",
                keepdims=NO_VALUE, *, weights=None, interpolation=None):
            named = {"weights": weights, "interpolation": interpolation}  # the latter until 2.3
            return composed(a, q, axis=axis, out=out, method=method, **given(keepdims=keepdims),
                            **{k: v for k, v in named.items() if v is not None})
    else:
        @positional(func, kind="compose")
        def row(a, axis=None, out=None, overwrite_input=False, keepdims=NO_VALUE):
            return composed(a, axis=axis, out=out, **given(keepdims=keepdims))

    return row


ROWS = {
    np.median: _quantile(np.median, False),
    np.nanmedian: _quantile(np.nanmedian, False),
    **{f: _quantile(f) for f in (
        np.quantile, np.percentile, np.nanquantile, np.nanpercentile)},
}
