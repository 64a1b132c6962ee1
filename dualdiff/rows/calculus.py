"""Differences, integrals, interpolation, padding, and statistics of two variables.

May import: the kinds.  Invariant: each body is the formula that NumPy documents, written
with functions that have rows; the value is NumPy's own.
"""

import numpy as np

from dualdiff._kinds import compose, constant, no_numbers, positional, refuse, with_value
from dualdiff._movement import NO_VALUE, moved
from dualdiff._taylor import Taylor, make, pack, parts

# ---- differences and integrals ---------------------------------------------------


def _cut(x, axis, *bounds):
    """x[start:stop] along an axis."""
    index = [slice(None)] * np.ndim(x)
    index[axis] = slice(*bounds)
    return x[tuple(index)]


def diff(a, n=1, axis=-1, prepend=NO_VALUE, append=NO_VALUE):
    a = pack(a)
    ends = []
    for end in (prepend, append):
        if end is NO_VALUE:
            ends.append([])
            continue
        end = pack(end)
        if np.ndim(end) == 0:
            shape = list(np.shape(a))
            shape[axis] = 1
            end = np.broadcast_to(end, shape)
        ends.append([end])
    if ends[0] or ends[1]:
        a = np.concatenate([*ends[0], a, *ends[1]], axis)
    for _ in range(n):
        a = _cut(a, axis, 1, None) - _cut(a, axis, None, -1)
    return a


def ediff1d(ary, to_end=None, to_begin=None):
    x = np.ravel(pack(ary))
    ends = [[] if e is None else [np.ravel(pack(e))] for e in (to_begin, to_end)]
    return np.concatenate([*ends[0], x[1:] - x[:-1], *ends[1]])


def gradient(f, *varargs, axis=None, edge_order=1):
    """Central differences inside, one-sided ones at the edges."""
    f = pack(f)
    n = np.ndim(f)
    axes = range(n) if axis is None else [int(a) % n for a in np.atleast_1d(axis)]
    axes = list(axes)
    spacings = [pack(v) for v in varargs] or [1.0]
    if len(spacings) == 1:
        spacings = spacings * len(axes)
    out = [_slope(f, d, a, edge_order) for a, d in zip(axes, spacings, strict=True)]
    return out[0] if len(axes) == 1 else tuple(out)


def _slope(f, d, axis, edge_order):
    x = np.moveaxis(f, axis, 0)
    if x.dtype.kind not in "fc":
        x = x.astype(float)
    if np.ndim(d) == 0:
        h = np.full(len(x) - 1, 1.0) * d
    else:
        h = d[1:] - d[:-1]
    h = np.reshape(h, (-1, *(1,) * (np.ndim(x) - 1)))
    a, b = h[:-1], h[1:]
    inner = (x[2:] * a / b - x[:-2] * b / a + x[1:-1] * (b / a - a / b)) / (a + b)
    if edge_order == 1:
        first, last = (x[1:2] - x[:1]) / h[:1], (x[-1:] - x[-2:-1]) / h[-1:]
    else:
        first = _edge(x[:1], x[1:2], x[2:3], h[:1], h[1:2])
        last = -_edge(x[-1:], x[-2:-1], x[-3:-2], h[-1:], h[-2:-1])
    return np.moveaxis(np.concatenate([first, inner, last]), 0, axis)


def _edge(x0, x1, x2, a, b):
    """Second-order slope at the first of three points, a and b apart."""
    return ((x1 - x0) / a) * ((2 * a + b) / (a + b)) - ((x2 - x1) / b) * (a / (a + b))


def trapezoid(y, x=None, dx=1.0, axis=-1):
    y = pack(y)
    if x is None:
        d = pack(dx)
    else:
        x = pack(x)
        d = x[1:] - x[:-1] if np.ndim(x) == 1 else np.diff(x, axis=axis)
        if np.ndim(x) == 1:
            shape = [1] * np.ndim(y)
            shape[axis] = -1
            d = np.reshape(d, shape)
    return np.sum(d * (_cut(y, axis, 1, None) + _cut(y, axis, None, -1)) / 2, axis)


def unwrap(p, discont=None, axis=-1, *, period=2 * np.pi):
    """How many periods are taken out at each place is constant, decided by the values."""
    no_numbers(np.unwrap, (), {"discont": discont})
    p, period = pack(p), pack(period)
    if type(period) is not Taylor:
        return p
    out = np.unwrap(plain(p), discont, axis, period=plain(period)) - plain(p)
    return p + np.rint(out / plain(period)) * period


def interp(x, xp, fp, left=None, right=None, period=None):
    """Linear between the points: to the right of each, and to the left of the last."""
    x, xp, fp = pack(x), pack(xp), pack(fp)
    if period is not None:
        period = abs(pack(period))
        x, xp = np.remainder(x, period), np.remainder(xp, period)
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    v, at = plain(x), plain(xp)
    n = len(at)
    if n == 0 or v.size == 0:
        return 0 * x
    left = np.reshape(fp[:1], ()) if left is None else left
    right = np.reshape(fp[n - 1:], ()) if right is None else right
    if n == 1:
        y = np.broadcast_to(left, np.shape(v)) + 0 * x
    else:
        i = np.clip(np.searchsorted(at, v, side="right") - 1, 0, n - 2)
        slope = (fp[i + 1] - fp[i]) / (xp[i + 1] - xp[i])
        y = np.where(v == at[i + 1], fp[i + 1] + slope * (x - xp[i + 1]),
                     fp[i] + slope * (x - xp[i]))
    return np.where(v < at[0], left, np.where(v > at[-1], right, y))


def plain(x):
    """The value of a number; an array as it is."""
    return x.value if type(x) is Taylor else np.asarray(x)


# ---- padding ---------------------------------------------------------------------

_moving_pad = moved(np.pad, "array", "constant_values")
_MOVING = ("constant", "edge", "symmetric", "wrap")
_STATISTICS = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}


def _pairs(x, n):
    """(before, after) for each axis, as np.pad reads its arguments."""
    return [[None, None]] * n if x is None else [list(p) for p in np.broadcast_to(x, (n, 2))]


def _widths(pad_width, n):
    if isinstance(pad_width, dict):
        return _pairs([pad_width.get(i, pad_width.get(i - n, (0, 0))) if not isinstance(
            pad_width.get(i, pad_width.get(i - n, (0, 0))), int) else (
            pad_width.get(i, pad_width.get(i - n)),) * 2 for i in range(n)], n)
    return _pairs(pad_width, n)


@positional(np.pad, 2, kind="written")
def pad(array, pad_width, mode="constant", **kwargs):
    """np.pad: moved elements, or statistics and ramps of numbers, axis by axis."""
    array = pack(array)
    if callable(mode):
        return _padded_by(array, pad_width, mode, kwargs)
    if mode in _MOVING or (mode == "reflect" and kwargs.get("reflect_type", "even") == "even"):
        return _moving_pad(array, pad_width, mode, **kwargs)
    ends = kwargs.get("end_values", 0)
    settings = {k: v for k, v in kwargs.items() if k != "end_values"}
    no_numbers(np.pad, (), settings)
    if type(array) is not Taylor:
        raise refuse(np.pad, "no derivative with respect to the end values of a plain array",
                     "make the array a number, or pass their value")
    n = array.ndim
    ends = _end_pairs(ends, n)
    if "end_values" in kwargs:
        settings["end_values"] = [[plain(e) for e in p] for p in ends]
    value = np.pad(array.value, pad_width, mode, **settings)
    lengths = _pairs(kwargs.get("stat_length"), n)
    y = array
    for axis, (before, after) in enumerate(_widths(pad_width, n)):
        y = np.moveaxis(y, axis, 0)
        low, high = _sides(y, int(before), int(after), mode, lengths[axis], ends[axis])
        y = np.moveaxis(np.concatenate([*low, y, *high]), 0, axis)
    return with_value(y, value)


def _end_pairs(ends, n):
    """end_values as np.pad reads them, numbers kept: a number, a pair, pairs for each axis."""
    if not isinstance(ends, (list, tuple)):
        ends = pack(ends)
        if np.ndim(ends) == 0:
            return [[ends, ends]] * n
    pairs = [list(e) if np.ndim(pack(e)) else [e] for e in ends]
    if all(len(p) == 1 for p in pairs):
        flat = [p[0] for p in pairs]
        return [flat * 2 if len(flat) == 1 else flat] * n
    pairs = [p * 2 if len(p) == 1 else p for p in pairs]
    return pairs * n if len(pairs) == 1 else pairs


def _sides(y, before, after, mode, length, ends):
    """What stands before and after y along axis 0, as lists of numbers to concatenate."""
    n, shape = len(y), np.shape(y)[1:]
    if mode == "empty":
        return [np.zeros((before, *shape))], [np.zeros((after, *shape))]
    if mode == "linear_ramp":
        low = np.linspace(np.broadcast_to(ends[0], shape), y[0], before, endpoint=False)
        high = np.linspace(np.broadcast_to(ends[1], shape), y[-1], after, endpoint=False)
        return [low], [high[::-1]]
    if mode == "reflect":
        return _odd(y, before, after)
    m = [n if k is None else min(int(k), n) for k in length]
    low = _STATISTICS[mode](y[:m[0]], 0)
    high = _STATISTICS[mode](y[n - m[1]:], 0)
    return ([np.broadcast_to(low, (before, *shape))], [np.broadcast_to(high, (after, *shape))])


def _odd(y, before, after):
    """Odd reflection, repeated as long as the pad is wider than the array."""
    n = len(y)
    if n == 1:
        return [np.repeat(y, before, 0)], [np.repeat(y, after, 0)]
    low, high, whole = [], [], y
    while before or after:
        k, m = min(before, len(whole) - 1), min(after, len(whole) - 1)
        left = 2 * whole[:1] - whole[1:k + 1][::-1]
        right = 2 * whole[-1:] - whole[len(whole) - 1 - m:-1][::-1]
        low.insert(0, left)
        high.append(right)
        whole = np.concatenate([left, whole, right])
        before, after = before - k, after - m
    return low, high


def _padded_by(array, pad_width, function, kwargs):
    """A padding function works in place on every line, as NumPy calls it."""
    y = _moving_pad(array, pad_width)
    for axis, width in enumerate(_widths(pad_width, np.ndim(array))):
        lines = np.moveaxis(y, axis, -1)
        for index in np.ndindex(np.shape(lines)[:-1]):
            function(lines[index], tuple(int(w) for w in width), axis, kwargs)
    return y


# ---- statistics of several variables ------------------------------------------------


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *,
        dtype=None):
    x = np.atleast_2d(pack(m))
    if not rowvar and np.ndim(m) != 1:
        x = np.transpose(x)
    if y is not None:
        z = np.atleast_2d(pack(y))
        if not rowvar and len(z) != 1:
            z = np.transpose(z)
        x = np.concatenate([x, z])
    x = x.astype(np.result_type(x.dtype, float) if dtype is None else dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    w = None if fweights is None else np.asarray(fweights, float)
    if aweights is not None:
        w = pack(aweights) if w is None else w * pack(aweights)
    total = x.shape[1] if w is None else np.sum(w)
    if w is None or ddof == 0:
        factor = total - ddof
    elif aweights is None:
        factor = total - ddof
    else:
        factor = total - ddof * np.sum(w * pack(aweights)) / total
    mean = np.mean(x, 1) if w is None else np.sum(x * w, 1) / total
    d = x - mean[:, None]
    weighted = d if w is None else d * w
    if np.asarray(plain(factor)) <= 0:
        factor = 0.0
    c = np.matmul(d, np.conjugate(np.transpose(weighted))) / factor
    return np.squeeze(c)


def corrcoef(x, y=None, rowvar=True, bias=None, ddof=None, *, dtype=None):
    """bias and ddof, until NumPy 2.3, cancel."""
    c = cov(x, y, rowvar, dtype=dtype)
    if np.ndim(c) == 0:
        return c / c
    scale = np.sqrt(np.real(np.diag(c)))
    c = c / scale[:, None] / scale[None, :]
    return np.where(np.eye(len(c), dtype=bool), 1.0, c)


@positional(np.bincount, kind="linear")
def bincount(x, /, weights=None, minlength=0):
    """np.bincount: linear in the weights."""
    no_numbers(np.bincount, (x,), {})
    alg, value, terms = parts(weights)
    v = np.bincount(x, value, minlength)
    return make(alg, v, _binned(np.asarray(x), terms, len(v)))


def _binned(places, terms, n):
    """Terms added up by bin, all coefficients at once."""
    k = len(terms)
    at = places + n * np.arange(k)[:, None]
    return np.bincount(at.ravel(), terms.ravel(), k * n)[:k * n].reshape(k, n)


# ---- histograms --------------------------------------------------------------------


def histogram_bin_edges(a, bins=10, range=None, weights=None):
    """Edges that NumPy spreads evenly between the extremes follow those."""
    a = pack(a)
    if np.size(a) == 0 and range is None:
        range = (0.0, 1.0)
    if np.ndim(pack(bins) if not isinstance(bins, str) else 0) == 1:
        return pack(bins)
    low, high = (np.min(a), np.max(a)) if range is None else range
    n = len(np.histogram_bin_edges(plain(a), bins, None if range is None else
                                   tuple(map(plain, range)), weights)) - 1
    if plain(low) == plain(high):
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, n + 1)


def histogram(a, bins=10, range=None, density=None, weights=None):
    edges = histogram_bin_edges(a, bins, range)
    counts, _ = np.histogram(plain(a), plain(edges) if np.ndim(bins) else bins, None if (
        range is None) else tuple(map(plain, range)), weights=_plain_or_none(weights))
    if type(weights) is Taylor:
        counts = _spread(weights, [np.ravel(plain(a))], [plain(edges)], counts)
    if density:
        counts = counts / (edges[1:] - edges[:-1]) / np.sum(counts)
    return counts, edges


def _plain_or_none(x):
    return None if x is None else plain(pack(x))


def _spread(weights, samples, edges, counts):
    """Counts of weights that are numbers."""
    weights = np.ravel(weights)
    inside = np.ones(len(samples[0]), bool)
    places = np.zeros(len(samples[0]), np.intp)
    for x, e in zip(samples, edges, strict=True):
        at = np.searchsorted(e, x, side="right") - 1
        at[x == e[-1]] = len(e) - 2
        inside &= (at >= 0) & (at < len(e) - 1)
        places = places * (len(e) - 1) + np.clip(at, 0, len(e) - 2)
    made = np.bincount(places[inside], weights[inside], counts.size)
    return np.reshape(made, counts.shape)


def histogramdd(sample, bins=10, range=None, density=None, weights=None):
    columns = [pack(c) for c in sample] if isinstance(sample, (list, tuple)) else list(
        np.transpose(np.atleast_2d(pack(sample))) if np.ndim(sample) > 1 else [pack(sample)])
    n = len(columns)
    each = list(bins) if isinstance(bins, (list, tuple)) else [bins] * n
    limits = [None] * n if range is None else list(range)
    edges = [histogram_bin_edges(c, b, r) for c, b, r in zip(columns, each, limits,
                                                             strict=True)]
    plain_bins = [plain(b) if np.ndim(b) else b for b in each]
    counts, _ = np.histogramdd([plain(c) for c in columns], plain_bins,
                               None if range is None else [
        None if r is None else tuple(map(plain, r)) for r in limits],
        weights=_plain_or_none(weights))
    if type(weights) is Taylor:
        counts = _spread(weights, [plain(c) for c in columns], [plain(e) for e in edges],
                         counts)
    if density:
        total = np.sum(counts)
        for i, e in enumerate(edges):
            shape = [1] * n
            shape[i] = -1
            counts = counts / np.reshape(e[1:] - e[:-1], shape)
        counts = counts / total
    return counts, tuple(edges)


def histogram2d(x, y, bins=10, range=None, density=None, weights=None):
    if np.ndim(bins) == 1 and len(bins) > 2:
        bins = [bins, bins]
    counts, edges = histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]


# ---- i0 ---------------------------------------------------------------------------


def i0(x):
    """Mean of cosh(x cos t) over half a turn: the trapezoid rule converges geometrically."""
    x = pack(x)
    widest = float(np.max(np.abs(plain(x)), initial=0.0, where=np.isfinite(plain(x))))
    n = 16 + int(4 * np.sqrt(widest * 2 + 1)) + int(min(widest, 60.0) / 2)
    t = (np.arange(n) + 0.5) * (np.pi / 2 / n)
    return np.mean(np.cosh(np.expand_dims(x, -1) * np.cos(t)), -1)


ROWS = {
    np.diff: compose(np.diff, diff),
    np.ediff1d: compose(np.ediff1d, ediff1d),
    np.gradient: compose(np.gradient, gradient),
    np.trapezoid: compose(np.trapezoid, trapezoid),
    np.unwrap: compose(np.unwrap, unwrap),
    np.interp: compose(np.interp, interp),
    np.pad: pad,
    np.cov: compose(np.cov, cov),
    np.corrcoef: compose(np.corrcoef, corrcoef),
    np.bincount: bincount,
    np.histogram: compose(np.histogram, histogram),
    np.histogram_bin_edges: compose(np.histogram_bin_edges, histogram_bin_edges),
    np.histogramdd: compose(np.histogramdd, histogramdd),
    np.histogram2d: compose(np.histogram2d, histogram2d),
    np.i0: compose(np.i0, i0),
    np.ravel_multi_index: constant(np.ravel_multi_index),
    np.unravel_index: constant(np.unravel_index),
}
