"""Methods of ufuncs: reduce, accumulate, reduceat, outer and at.

Each is written once for any ufunc of two arguments, from the ufunc's own row: a fold
from the left; a tree where the ufunc is associative; and a case of its own where the
result is linear (add) or picks elements (maximum and its kin).

May import: the kinds, the number, NumPy, the rooms of ufuncs.  Invariant: values are
NumPy's own; where elements tie, all of them share equally.
"""

import numpy as np

from dualdiff._elementwise import fixed
from dualdiff._kinds import holds, store, values, with_value
from dualdiff._taylor import Taylor, make, pack, parts, unify
from dualdiff._ufunc_calls import broadcast
from dualdiff.rows import elementwise, pairs

_MISSING = object()  # initial= was not given

PICKING = (np.maximum, np.minimum, np.fmax, np.fmin)
ASSOCIATIVE = (np.multiply, np.hypot, np.logaddexp, np.logaddexp2)
ONE = {np.multiply: 1, np.hypot: 0, np.logaddexp: -np.inf, np.logaddexp2: -np.inf}


# ---- folds along the first axis ----------------------------------------------------------
#
# fold(func, x, mask, initial, value): x is a number of shape (n, ...), n >= 1; mask is None
# or booleans of that shape; initial is None, a number or a plain value; value is the result's.


def linear_fold(func, x, mask, initial, value):
    """Sums: of the terms."""
    alg, operands = unify(x, 0 if initial is None else initial)
    terms = operands[0][1]
    rows = 0
    if terms is not None:
        rows = np.add.reduce(terms, axis=1, where=True if mask is None else mask)
    if operands[1][1] is not None:
        rows = rows + _aligned(operands[1][1], value.ndim)
    rows = np.broadcast_to(rows, (alg.M - 1, *value.shape))
    return make(alg, value, rows.astype(value.dtype))


def _aligned(terms, ndim):
    """Terms of fewer axes, as terms of an array of ndim axes."""
    return terms.reshape(terms.shape[:1] + (1,) * (ndim + 1 - terms.ndim) + terms.shape[1:])


def picking_fold(func, x, mask, initial, value):
    """Extremes: equal shares of all elements that tie."""
    alg, operands = unify(x, *([] if initial is None else [initial]))
    (xv, xt), rest = operands[0], operands[1:]
    hit = (xv == value) | (np.isnan(xv) & np.isnan(value))
    if mask is not None:
        hit &= mask
    count = hit.sum(axis=0)
    rows = 0
    for iv, it in rest:
        first = (iv == value) | (np.isnan(iv) & np.isnan(value))
        count = count + first
        if it is not None:
            rows = np.where(first, _aligned(it, value.ndim), 0)
    if xt is not None:
        rows = rows + np.where(hit, xt, 0).sum(axis=1)
    return make(alg, value, (rows / count).astype(value.dtype))


def tree_fold(func, x, mask, initial, value):
    """Associative functions: pairwise, in log n calls."""
    if mask is not None:
        x = blend(mask, x, ONE[func])
    while len(x) > 1:
        half = len(x) // 2
        y = func(x[:half], x[half:2 * half])
        x = np.concatenate([y, x[-1:]]) if len(x) % 2 else y
    return x[0] if initial is None else func(initial, x[0])


def left_fold(func, x, mask, initial, value):
    """Any function: one element after another."""
    acc, first = (x[0], 1) if initial is None else (initial, 0)
    for i in range(first, len(x)):
        y = func(acc, x[i])
        acc = y if mask is None else blend(mask[i], y, acc)
    return acc


def blend(mask, x, y):
    """x where the mask holds, else y; the other one leaves no trace."""
    alg, ((xv, xt), (yv, yt)) = unify(x, y)
    value = np.where(mask, xv, yv)
    if alg is None:
        return value
    dtype = np.result_type(*(v for v, t in ((xv, xt), (yv, yt)) if t is not None))
    xt, yt = (np.zeros((alg.M - 1,) + (1,) * value.ndim) if t is None else
              _aligned(t, value.ndim) for t in (xt, yt))
    return make(alg, value.astype(dtype), np.where(mask, xt, yt).astype(dtype))


# ---- reduce ------------------------------------------------------------------------------


def _flattened(x, axis):
    """x with the axes that are reduced made one, in front."""
    if x.ndim == 0:
        return x.reshape((1,))
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(a % x.ndim for a in axes)
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    count = int(np.prod([x.shape[a] for a in axes]))
    return x.transpose((*axes, *kept)).reshape((count, *(x.shape[a] for a in kept)))


def reduce(func, fold):
    """The row of func.reduce."""

    def row(array, axis=0, dtype=None, out=None, keepdims=False, initial=_MISSING, where=True):
        array = pack(array) if not isinstance(array, Taylor) else array
        given = {} if initial is _MISSING else {"initial": values(initial)}
        value = func.reduce(values(array), axis=axis, dtype=dtype, keepdims=keepdims,
                            where=where, **given)
        if not holds(array) and (initial is _MISSING or not holds(initial)):
            return store(value, out)
        value = np.asarray(value)
        start = None if initial is _MISSING else initial
        x = _cast(func, array, value.dtype)
        flat = _flattened(x, axis)
        if start is None and (where is not True or len(flat) < 2):
            start = func.identity  # it shows: hypot.reduce([-3.0]) is 3.0
        mask = None if where is True else _flattened(np.broadcast_to(where, x.shape), axis)
        small = value.reshape(flat.shape[1:])
        with np.errstate(all="ignore"):
            if len(flat) == 0:
                result = small if start is None else start
            else:
                result = fold(func, flat, mask, start, small)
        if type(result) is not Taylor:
            return store(value[()], out)
        result = broadcast(result, small.shape).reshape(value.shape)
        return store(fixed(_cast(func, result, value.dtype), value), out)

    return row


def _cast(func, x, dtype):
    """An operand in the dtype of the result, if that can hold a derivative."""
    if type(x) is not Taylor:
        return np.asarray(x, dtype)
    if dtype.kind not in "fc" or (x.dtype.kind == "c" and dtype.kind == "f"):
        raise TypeError(f"dualdiff: np.{func.__name__} with dtype {dtype} would lose the "
                        "derivative; use x.value where it is not wanted")
    return x if x.dtype == dtype else x.astype(dtype)


# ---- accumulate --------------------------------------------------------------------------


def linear_scan(func, x, value):
    """Running sums of the terms."""
    alg, _, terms = parts(x)
    return make(alg, value, np.add.accumulate(terms, axis=1))


def picking_scan(func, x, value):
    """Running extremes: equal shares of the elements that tie so far."""
    attained = x.value == value
    ties = attained[1:] & (value[1:] == value[:-1])
    if not (ties.any() or np.isnan(value).any()):
        places = np.arange(len(value)).reshape(-1, *[1] * (value.ndim - 1))
        return np.take_along_axis(x, np.maximum.accumulate(np.where(attained, places, 0)), 0)
    alg, v, terms = parts(x)
    out = np.empty_like(terms)
    total, count = terms[:, 0], np.ones(v.shape[1:])
    out[:, 0] = total
    for i in range(1, len(v)):
        nan = np.isnan(value[i])
        new = (v[i] == value[i]) | (nan & np.isnan(v[i]))
        old = (value[i - 1] == value[i]) | (nan & np.isnan(value[i - 1]))
        total = np.where(new, terms[:, i], 0) + np.where(old, total, 0)
        count = new + np.where(old, count, 0)
        out[:, i] = total / count
    return make(alg, value, out)


def tree_scan(func, x, value):
    """Associative functions: log n calls on the whole array."""
    step = 1
    while step < len(x):
        x = np.concatenate([x[:step], func(x[:-step], x[step:])])
        step *= 2
    return x


def left_scan(func, x, value):
    """Any function: one element after another."""
    acc = [x[0]]
    for i in range(1, len(x)):
        acc.append(func(acc[-1], x[i]))
    return np.stack(acc)


def accumulate(func, scan):
    """The row of func.accumulate."""

    def row(array, axis=0, dtype=None, out=None):
        array = pack(array) if not isinstance(array, Taylor) else array
        value = func.accumulate(values(array), axis=axis, dtype=dtype)
        if type(array) is not Taylor:
            return store(value, out)
        x = _front(_cast(func, array, value.dtype), axis)
        with np.errstate(all="ignore"):
            y = scan(func, x, np.moveaxis(value, axis, 0)) if value.size else x
        return store(fixed(_back(y, axis), value), out)

    return row


def _front(x, axis):
    """x with an axis moved to the front."""
    order = list(range(x.ndim))
    order.insert(0, order.pop(axis))
    return x.transpose(order)


def _back(x, axis):
    """x with its first axis moved where _front took it from."""
    order = list(range(1, x.ndim))
    order.insert(axis % x.ndim, 0)
    return x.transpose(order)


# ---- reduceat ----------------------------------------------------------------------------


def reduceat(func, fold):
    """The row of func.reduceat: segments [i, j), or element i alone where i >= j."""

    def row(array, indices, axis=0, dtype=None, out=None):
        array = pack(array) if not isinstance(array, Taylor) else array
        value = func.reduceat(values(array), indices, axis=axis, dtype=dtype)
        if type(array) is not Taylor:
            return store(value, out)
        x = _front(_cast(func, array, value.dtype), axis)
        indices = np.asarray(indices, np.intp)
        ends = [*indices[1:], len(x)] if len(indices) else []
        front = np.moveaxis(value, axis, 0)
        with np.errstate(all="ignore"):
            segments = [x[i] if i >= j or j == i + 1 else fold(func, x[i:j], None, None, v)
                        for i, j, v in zip(indices, ends, front, strict=True)]
        y = np.stack(segments) if segments else x[:0]
        return store(fixed(_back(y, axis), value), out)

    return row


# ---- outer and at ------------------------------------------------------------------------


def outer(func):
    """The row of func.outer: every element of a with every element of b."""

    def row(a, b, **kwargs):
        a, b = (pack(x) if isinstance(x, (list, tuple)) or holds(x) else np.asarray(x)
                for x in (a, b))
        return func(a.reshape(a.shape + (1,) * b.ndim), b, **kwargs)

    return row


TURNS = 8  # additions to each place, on average, from which np.add.at adds them up first


def at(func):
    """The row of func.at: in place and unbuffered, repeated indices one after another."""

    def row(a, indices, *b):
        if type(a) is not Taylor:
            if not any(map(holds, b)):
                return func.at(a, indices, *b)
            raise TypeError(f"dualdiff: np.{func.__name__}.at: the array is plain and cannot "
                            "hold derivatives; start from np.zeros_like(x) of a number")
        if len(b) != func.nin - 1 or func.nout != 1:
            func.at(np.array(a.value), indices, *values(b))  # NumPy's own error
        places = np.arange(a.size).reshape(a.shape)[indices]
        operands = [broadcast(pack(x) if holds(x) else np.asarray(x), places.shape).reshape(-1)
                    for x in b]
        places = places.reshape(-1)
        if func is np.add and a.dtype == np.float64 and len(places) > TURNS * a.size:
            value = np.array(a.value)
            func.at(value, indices, *values(b))
            with np.errstate(all="ignore"):
                total = a + np.bincount(places, operands[0], a.size).reshape(a.shape)
            a[...] = with_value(total, value)
            return
        for turn in _turns(places):
            where = np.unravel_index(places[turn], a.shape) if a.ndim else ()
            if a.ndim == 0:
                a[...] = func(a, *(x[int(turn[0])] for x in operands))
            else:
                a[where] = func(a[where], *(x[turn] for x in operands))

    return row


def _turns(places):
    """Positions in rounds: in each no place occurs twice, rounds in order."""
    order = np.argsort(places, kind="stable")
    run = places[order]
    starts = np.flatnonzero(np.concatenate([[True], run[1:] != run[:-1]])) if run.size else run
    rank = np.empty(len(places), np.intp)
    rank[order] = np.arange(len(places)) - np.repeat(
        starts, np.diff(np.append(starts, len(places))))
    for r in range(int(rank.max()) + 1 if rank.size else 0):
        yield np.flatnonzero(rank == r)


# ---- the table ---------------------------------------------------------------------------


def _constant(func, method):
    """A method of a ufunc whose result has no derivative."""

    def row(*args, **kwargs):
        out = kwargs.pop("out", None)
        return store(getattr(func, method)(*values(args), **values(kwargs)), out)

    return row


def _methods(func):
    """The rows of all methods of one ufunc."""
    made = {"at": at(func)}
    if func.nin == 2:
        made["outer"] = outer(func)
    if func.nin == 2 and func.nout == 1:
        fold, scan = left_fold, left_scan
        if func is np.add:
            fold, scan = linear_fold, linear_scan
        elif func in PICKING:
            fold, scan = picking_fold, picking_scan
        elif func in ASSOCIATIVE:
            fold, scan = tree_fold, tree_scan
        made["reduce"], made["accumulate"] = reduce(func, fold), accumulate(func, scan)
        made["reduceat"] = reduceat(func, fold)
    return made


def _table():
    table = {}
    for func, row in {**elementwise.ROWS, **pairs.ROWS}.items():
        if not isinstance(func, np.ufunc) or func.nin > 2:
            continue
        kind = "constant" if row.kind == "constant" else "written"
        for method, made in _methods(func).items():
            if kind == "constant" and method not in ("at", "outer"):
                made = _constant(func, method)
            made.__name__, made.kind = f"{func.__name__}.{method}", kind
            table[func, method] = made
    return table


ROWS = _table()
