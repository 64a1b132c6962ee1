"""Sorting, searching, choosing and writing by index.

May import: the kinds.  Invariant: what is not chosen leaves no trace, whatever it holds.
"""

import numpy as np

from dualdiff._kinds import (
    compose,
    constant,
    holds,
    no_numbers,
    positional,
    store,
    values,
    with_signature,
    with_value,
)
from dualdiff._movement import NO_VALUE, flat, moved, mutated, shifted
from dualdiff._taylor import (
    Taylor,
    choose,
    is_laned,
    laned_parts,
    make,
    make_laned,
    pack,
    parts,
)

# ---- where, take -----------------------------------------------------------------


@with_signature(np.where, "moved")
def where(condition, x=None, y=None, /):
    """np.where(condition, x, y)."""
    condition = condition.value if type(condition) is Taylor else condition
    if x is None and y is None:
        return np.where(condition)
    x, y = (pack(z) if holds(z) else z for z in (x, y))
    if type(x) is not Taylor and type(y) is not Taylor:
        return np.where(condition, x, y)
    result = choose(np.asarray(condition, bool), x, y)
    return _moved_where(condition, x, y) if result is NotImplemented else result


_moved_where = moved(np.where, "x", "y")
_moved_take = moved(np.take, "a")
_moved_take_along = moved(np.take_along_axis, "arr")


@positional(np.take, 2, kind="moved")
def take(a, indices, axis=None, out=None, mode="raise"):
    """np.take(a, indices, axis)."""
    no_numbers(np.take, (), {"indices": indices})
    a = pack(a)
    if is_laned(a):
        return _moved_take(a, indices, axis, out, mode)
    if type(a) is not Taylor:
        return store(np.take(a, indices, axis, None, mode), out)
    alg, value, terms = parts(a)
    v = np.asarray(value.take(indices, axis, None, mode))
    if axis is None or value.ndim == 0:
        t = flat(terms).take(indices, 1, None, mode)
    else:
        t = terms.take(indices, shifted(axis, value.ndim), None, mode)
    return store(make(alg, v, t), out)


@positional(np.take_along_axis, 2, kind="moved")
def take_along_axis(arr, indices, axis=-1):
    """np.take_along_axis(arr, indices, axis)."""
    no_numbers(np.take_along_axis, (), {"indices": indices})
    if is_laned(arr):
        return _moved_take_along(arr, indices, axis)
    alg, value, terms = parts(arr)
    v = np.take_along_axis(value, indices, axis)
    indices = np.asarray(indices)
    if axis is None:
        return make(alg, v, flat(terms)[:, indices])
    return make(alg, v, np.take_along_axis(terms, indices[None], shifted(axis, value.ndim)))


# ---- order -----------------------------------------------------------------------


def _permuted(func, place):
    """sort and partition: the elements in the order of the result, ties by place.

    place: where `axis` stands among the arguments after the first.
    """

    @positional(func, kind="picked")
    def row(a, *args, **kwargs):
        a = pack(a)
        no_numbers(func, args, kwargs)
        if type(a) is not Taylor:
            return func(a, *args, **kwargs)
        axis = kwargs.get("axis", args[place] if len(args) > place else -1)
        alg, value, terms, lanes = laned_parts(np.ravel(a) if axis is None else a)
        v = func(value, *args, **kwargs)
        axis = 0 if axis is None else axis
        # value[order] and v[places] are both sorted: v[places[i]] is value[order[i]].
        order = np.argsort(value, axis, kind="stable")
        places = np.argsort(v, axis, kind="stable")
        source = np.empty_like(order)
        np.put_along_axis(source, places, order, axis)
        t = np.take_along_axis(terms, source[None], shifted(axis, value.ndim))
        if lanes is not None:
            lanes = [np.take_along_axis(lane, source, axis) for lane in lanes]
        return make_laned(alg, v, t.astype(v.dtype, copy=False), lanes)

    return row


def looked_up(found, x):
    """The number of elements found in x: each stands where it is first met."""
    x = np.ravel(x)
    value = x.value
    order = np.argsort(value, axis=None, kind="stable")
    at = np.searchsorted(value[order], found)
    if not value.size:
        return found
    return with_value(x[order[np.minimum(at, value.size - 1)]], found)


def _sets(func, both):
    """intersect1d and its kin: elements of the first array, or of both one after the other."""

    @positional(func, 2, kind="picked")
    def row(ar1, ar2, *args, **kwargs):
        ar1, ar2 = pack(ar1), pack(ar2)
        result = func(*values((ar1, ar2)), *args, **kwargs)
        found = result[0] if isinstance(result, tuple) else result
        source = np.concatenate([np.ravel(ar1), np.ravel(ar2)]) if both else np.ravel(ar1)
        if type(source) is not Taylor:
            return result
        y = looked_up(found, source)
        return (y, *result[1:]) if isinstance(result, tuple) else y

    return row


def _unique(func, whole):
    """unique and its kin: an element stands where it is first found.

    whole: the result is the array of values itself; else a tuple with it in front.
    """

    @positional(func, kind="picked")
    def row(ar, *args, **kwargs):
        ar = pack(ar)
        if type(ar) is not Taylor:
            return func(ar, *args, **kwargs)
        value = ar.value
        result = func(value, *args, **kwargs)
        found = result if whole and not isinstance(result, tuple) else result[0]
        axis = kwargs.get("axis", args[3] if len(args) > 3 else None)
        if axis is not None:
            _, first = np.unique(value, return_index=True, axis=axis,
                                 **{k: v for k, v in kwargs.items() if k == "equal_nan"})
            y = with_value(np.take(ar, first, axis), found)
        else:
            y = looked_up(found, ar)
        if not isinstance(result, tuple):
            return y
        rest = (y, *result[1:])
        return type(result)(*rest) if hasattr(result, "_fields") else rest

    return row


# ---- choosing ----------------------------------------------------------------------


@positional(np.piecewise, 3, kind="moved")
def piecewise(x, condlist, funclist, *args, **kw):
    """np.piecewise: the functions are called with numbers."""
    x = pack(x)
    condlist = condlist.value if type(condlist) is Taylor else condlist
    plain = not isinstance(condlist, (list, tuple, np.ndarray)) or (
        not isinstance(condlist[0], (list, np.ndarray)) and np.ndim(x) != 0)
    conditions = np.asarray([condlist] if plain else condlist, dtype=bool)
    n = len(conditions)
    if len(funclist) == n + 1:
        conditions = np.concatenate([conditions, ~np.any(conditions, axis=0, keepdims=True)])
    elif len(funclist) != n:
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    if np.ndim(x) == 0:
        if conditions.size != n + (len(funclist) != n):
            raise IndexError("piecewise: x has no dimensions, so a condition is one boolean, got "
                             f"shape {conditions.shape[1:]}")
        lists = conditions.reshape(len(conditions), 1)
        return piecewise(np.reshape(x, 1), lists, funclist, *args, **kw)[0]
    y = np.zeros_like(x)
    for condition, func in zip(conditions, funclist, strict=True):
        if not callable(func):
            y[condition] = func
            continue
        chosen = x[condition]
        if chosen.size:
            y[condition] = func(chosen, *args, **kw)
    return y


def clip(a, a_min=NO_VALUE, a_max=NO_VALUE, out=None, *, min=NO_VALUE, max=NO_VALUE, **kwargs):
    """Between bounds, each of which may be None; equal shares at a bound."""
    low = min if min is not NO_VALUE else a_min
    high = max if max is not NO_VALUE else a_max
    y = pack(a)
    if low is not None and low is not NO_VALUE:
        y = np.maximum(y, low)
    if high is not None and high is not NO_VALUE:
        y = np.minimum(y, high)
    return y


_clip_values = compose(np.clip, clip)


@with_signature(np.clip, kind="compose")
def clip_exactly(a, *args, **kwargs):
    """np.clip; where it is the larger and the smaller to the bit, signs of zeros included."""
    low, high = args if len(args) == 2 else (0.0, 0.0)
    bounds = [x for x in (low, high) if x is not None]
    if (type(a) is Taylor and a.dtype.kind == "f" and not kwargs
            and all(type(x) in (float, int) for x in bounds)
            and (len(bounds) == 1 or len(bounds) == 2 and all(bounds))):
        return clip(a, low, high)
    return _clip_values(a, *args, **kwargs)


@positional(np.nan_to_num, kind="moved")
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """np.nan_to_num: what is replaced is a constant, or the number given for it."""
    x = pack(x)
    if type(x) is not Taylor:
        return np.nan_to_num(x, copy, nan, posinf, neginf)
    alg, value, terms, lanes = laned_parts(x)
    if value.dtype.kind == "c":
        y = nan_to_num(np.real(x), True, nan, posinf, neginf) + 1j * nan_to_num(
            np.imag(x), True, nan, posinf, neginf)
    else:
        ends = {"nan": nan, "posinf": posinf, "neginf": neginf}
        plain = {k: v.value if type(v) is Taylor else v for k, v in ends.items()}
        v = np.nan_to_num(value, True, **plain)
        y = make_laned(alg, v, np.where(np.isfinite(value), terms, 0), lanes)
        for name, test in (("nan", np.isnan), ("posinf", np.isposinf), ("neginf", np.isneginf)):
            if type(ends[name]) is Taylor:
                y = np.where(test(value), ends[name], y)
    if copy:
        return y
    x[...] = y
    return x


@positional(np.real_if_close, kind="moved")
def real_if_close(a, tol=100):
    """np.real_if_close: the value decides."""
    a = pack(a)
    if type(a) is not Taylor or np.real_if_close(a.value, tol).dtype.kind == "c":
        return a
    return np.real(a)


@positional(np.trim_zeros, kind="viewed")
def trim_zeros(filt, trim="fb", axis=None):
    """np.trim_zeros: the values say what is cut off."""
    filt = pack(filt)
    if type(filt) is not Taylor:
        return np.trim_zeros(filt, trim, **({} if axis is None else {"axis": axis}))
    value = filt.value
    v = np.trim_zeros(value, trim, **({} if axis is None else {"axis": axis}))
    lead = tuple(np.argwhere(value).min(0, initial=max(value.shape, default=0)).tolist())
    front = "f" in trim.lower()
    axes = range(value.ndim) if axis is None else [a % value.ndim for a in np.atleast_1d(axis)]
    index = tuple([
        slice(lead[i] if front and i in axes and v.shape[i] else 0,
              (lead[i] if front and i in axes and v.shape[i] else 0) + v.shape[i])
        for i in range(value.ndim)])
    return filt[index]


ROWS = {
    np.where: where,
    np.take: take,
    np.take_along_axis: take_along_axis,
    np.choose: moved(np.choose, "choices"),
    np.select: moved(np.select, "choicelist", "default"),
    np.piecewise: piecewise,
    np.compress: moved(np.compress, "a"),
    np.extract: moved(np.extract, "arr"),
    np.clip: clip_exactly,
    np.nan_to_num: nan_to_num,
    np.real_if_close: real_if_close,
    np.trim_zeros: trim_zeros,
    # in place
    np.copyto: mutated(np.copyto, "dst", "src"),
    np.put: mutated(np.put, "a", "v"),
    np.put_along_axis: mutated(np.put_along_axis, "arr", "values"),
    np.place: mutated(np.place, "arr", "vals"),
    np.putmask: mutated(np.putmask, "a", "values"),
    np.fill_diagonal: mutated(np.fill_diagonal, "a", "val"),
    # order
    np.sort: _permuted(np.sort, 0),
    np.sort_complex: _permuted(np.sort_complex, 9),
    np.partition: _permuted(np.partition, 1),
    np.unique: _unique(np.unique, True),
    np.intersect1d: _sets(np.intersect1d, False),
    np.setdiff1d: _sets(np.setdiff1d, False),
    np.union1d: _sets(np.union1d, True),
    np.setxor1d: _sets(np.setxor1d, True),
    **{f: constant(f) for f in (
        np.argsort, np.argpartition, np.lexsort, np.searchsorted, np.digitize, np.nonzero,
        np.flatnonzero, np.argwhere, np.isin, np.isclose, np.allclose, np.array_equal,
        np.array_equiv, np.isposinf, np.isneginf, np.round, np.around, np.fix)},
}
_in1d = getattr(np, "in1d", None)  # until NumPy 2.3
if _in1d is not None:
    ROWS[_in1d] = constant(_in1d)
for _name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    if hasattr(np, _name):  # NumPy 2.0, later in 1.x
        _func = getattr(np, _name)
        ROWS[_func] = _unique(_func, _name == "unique_values")
