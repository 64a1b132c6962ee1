"""Medians, quantiles and percentiles: they follow the elements picked.

NumPy itself says which elements and how much of each: its function is run on the ranks
of the elements, whose result is the place in the sorted array, and on the step from the
element before that place to the one after, whose result is the share of the latter.  So
every method, weights and the handling of NaN are NumPy's own.

May import: the kinds.  Invariant: the shares sum to one.
"""

import numpy as np

from dualdiff._kinds import no_numbers, positional, store
from dualdiff._movement import NO_VALUE, axes_of, gathered, given, kept
from dualdiff._taylor import Taylor, make, pack, parts


def ranks_of(value):
    """Ranks along the last axis as floats, ties in order of place; NaN stays NaN."""
    order = np.argsort(value, axis=-1, kind="stable")
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


def picked_terms(terms, order, below, above, share):
    """The shares of the terms of the elements that have these ranks."""
    low, high = (np.take_along_axis(order, i, -1) for i in (below, above))
    share = share.astype(terms.real.dtype)
    y = np.take_along_axis(terms, low[None], -1)
    z = np.take_along_axis(terms, high[None], -1)
    return np.where(share < 1, y, 0) * (1 - share) + np.where(share > 0, z, 0) * share


def _quantile(func, with_q=True):
    """A row: func(a, q, axis=...) or func(a, axis=...)."""

    def pick(a, v, q, axis, keywords):
        alg, value, terms = parts(a)
        axes = axes_of(axis, value.ndim)
        weights = keywords.pop("weights", None)
        if weights is not None:
            weights = np.asarray(weights)
            if weights.shape != value.shape:
                order = [int(i) % value.ndim for i in np.atleast_1d(axis)]
                weights = weights.transpose(np.argsort(order)).reshape(
                    [n if i in order else 1 for i, n in enumerate(value.shape)])
                weights = np.broadcast_to(weights, value.shape)
            keywords["weights"] = gathered(weights, axes)
        lined = gathered(value, axes)
        t = gathered_terms(terms.astype(v.dtype, copy=False), axes)
        ranks, order = ranks_of(lined), np.argsort(lined, axis=-1, kind="stable")
        rest = kept(value.shape, axes) if keywords.pop("keepdims", False) else lined.shape[:-1]
        made = []
        for one in (np.ravel(q) if with_q else [None]):
            args = () if one is None else (one,)
            found = shares(func, ranks, *args, **keywords)
            made.append(picked_terms(t, order, *found).reshape(len(t), *rest))
        t = np.stack(made, 1).reshape(len(t), *np.shape(q), *rest) if with_q else made[0]
        return make(alg, v, t.reshape(len(t), *v.shape).astype(v.dtype, copy=False))

    def run(a, q, axis, out, keywords):
        no_numbers(func, () if q is None else (q,), keywords)
        a = pack(a)
        args = () if q is None else (q,)
        if type(a) is not Taylor:
            return store(func(a, *args, axis=axis, **keywords), out)
        _, value, _ = parts(a)
        v = np.asarray(func(value.copy(), *args, axis=axis, **keywords))
        if value.size == 0:
            return store(v, out)
        return store(pick(a, v, q, axis, keywords), out)

    if with_q:
        @positional(func, 2, kind="picked")
        def row(a, q, axis=None, out=None, overwrite_input=False, method="linear",
                keepdims=NO_VALUE, *, weights=None, interpolation=None):
            named = {"weights": weights, "interpolation": interpolation}  # the latter until 2.3
            return run(a, q, axis, out, {"method": method, **given(keepdims=keepdims), **{
                k: v for k, v in named.items() if v is not None}})
    else:
        @positional(func, kind="picked")
        def row(a, axis=None, out=None, overwrite_input=False, keepdims=NO_VALUE):
            return run(a, None, axis, out, given(keepdims=keepdims))

    return row


def gathered_terms(terms, axes):
    """Terms with the axes of a reduction of their number as one axis, the last."""
    return gathered(terms, tuple(i + 1 for i in axes))


ROWS = {
    np.median: _quantile(np.median, False),
    np.nanmedian: _quantile(np.nanmedian, False),
    **{f: _quantile(f) for f in (
        np.quantile, np.percentile, np.nanquantile, np.nanpercentile)},
}
