"""The kinds of functions that move elements and change none of them.

Such a function does to the numbers of the elements what it does to the elements: run on
an array of element numbers, it says itself which element ends up where, whatever its
keywords mean.  The terms are then gathered by those numbers; element number 0 stands for
a constant, whose terms are zero.

May import: the kinds, the number.  Invariant: what NumPy returns as a view shares the
memory of the number that it was taken from.
"""

import inspect

import numpy as np

from dualdiff._kinds import (
    holds,
    linear_list,
    names_of,
    positional,
    store,
    with_signature,
)
from dualdiff._taylor import (
    Taylor,
    is_laned,
    laned_parts,
    make_laned,
    make_laned_view,
    one_lane_count,
    pack,
    parts,
    unify,
)

_MANY = (np.atleast_1d, np.atleast_2d, np.atleast_3d)

# ---- views -----------------------------------------------------------------------


def view_of(x, value, terms):
    """A number of these arrays: a view of the dense number x where both are views of its."""
    return view_with(x, parts(x), value, terms, None)


def view_with(x, whole, value, terms, lanes):
    """A number of these arrays, a view of x where they are views of `whole`, its parts."""
    alg, v, t = whole[:3]
    shared = np.may_share_memory(value, v)
    own = v.ndim == 0 and v.dtype == np.float64  # in a C buffer: nothing to share
    same = is_laned(x) == (lanes is not None)  # else the dense form of x: a copy
    if shared and same and not own and np.may_share_memory(terms, t):
        return make_laned_view(x, value, terms, lanes)
    if shared:
        value = value.copy()
    if own or not shared:
        terms = np.array(terms)
    return make_laned(alg, value, terms, lanes)


def viewed(func, rows):
    """The same function on value and terms; a view where NumPy gives one.

    rows(t, *args, **kwargs): func on terms, whose first axis numbers coefficients; both may
    return tuples or lists of arrays.
    """

    @positional(func, kind="viewed")
    def row(x, *args, **kwargs):
        if type(x) is not Taylor:
            x = pack(x)
            if type(x) is not Taylor:
                return func(x, *args, **kwargs)
        whole = laned_parts(x)
        _, value, terms, lanes = whole
        v = func(value, *args, **kwargs)
        t = rows(terms, *args, **kwargs)
        if lanes is not None:
            lanes = [func(lane, *args, **kwargs) for lane in lanes]
        if isinstance(v, (tuple, list)):
            each = [None] * len(v) if lanes is None else zip(*lanes, strict=True)
            return type(v)([view_with(x, whole, vi, ti, li)
                            for vi, ti, li in zip(v, t, each, strict=True)])
        return view_with(x, whole, v, t, lanes)

    return row


def unit_axes(func):
    """Adds or removes axes of length 1: always a view; several arguments give a tuple."""

    def one(x, *rest, **kwargs):
        x = pack(x)
        if type(x) is not Taylor:
            return func(x, *rest, **kwargs)
        whole = laned_parts(x)
        _, value, terms, lanes = whole
        value = func(value, *rest, **kwargs)
        if lanes is not None:
            lanes = [lane.reshape(value.shape) for lane in lanes]
        return view_with(x, whole, value, terms.reshape(terms.shape[:1] + value.shape), lanes)

    if func in _MANY:
        @with_signature(func, "viewed")
        def row(*arys):
            out = tuple([one(x) for x in arys])
            return out[0] if len(out) == 1 else out
    else:
        row = positional(func, kind="viewed")(one)
    return row


# ---- element numbers ---------------------------------------------------------------


def sources(x, found):
    """x with every array that may carry derivatives replaced by its place in `found`."""
    if type(x) in (list, tuple):
        return type(x)([sources(e, found) for e in x])
    found.append(x)
    return _Place(len(found) - 1)


class _Place:
    """Where an argument stands in the list of sources."""

    __slots__ = ("i",)

    def __init__(self, i):
        self.i = i


def fill(x, arrays):
    """The arguments again, their places taken by these arrays."""
    if type(x) is _Place:
        return arrays[x.i]
    if type(x) in (list, tuple):
        return type(x)([fill(e, arrays) for e in x])
    return x


class Elements:
    """The numbers of the elements of some arrays, and what each number stands for.

    values: the plain arrays; ids: arrays of element numbers, zeros for a constant.
    """

    def __init__(self, found):
        xs = [x if type(x) is Taylor else pack(x) if holds(x) else x for x in found]
        laned = one_lane_count(xs) if any(map(is_laned, xs)) else None
        if laned is None:
            self.alg, operands = unify(*xs)
            operands = [(v, t, None) for v, t in operands]
        else:
            operands = [laned_parts(x)[1:] if type(x) is Taylor else (x, None, None)
                        for x in laned]
            self.alg = next(laned_parts(x)[0] for x in laned if type(x) is Taylor)
        self.values = [v for v, _, _ in operands]
        self.operands = operands

    def number(self):
        """Number the elements; column 0 of the terms, of a constant, is zero."""
        self.ids, columns, lanes, first = [], [], [], 1
        for value, terms, lane in self.operands:
            if terms is None:
                self.ids.append(np.zeros(np.shape(value), np.intp))
                continue
            n = value.size
            ids = np.empty_like(value, dtype=np.intp, subok=False)  # in memory as x's
            ids[...] = np.arange(first, first + n).reshape(value.shape)
            self.ids.append(ids)
            columns.append(terms.reshape(len(terms), n))
            lanes.append(lane)
            first += n
        zero = np.zeros((len(columns[0]), 1), columns[0].dtype)
        self.columns = np.concatenate([zero, *columns], axis=1)
        self.lanes = None if lanes[0] is None else [
            np.concatenate([[0], *map(np.ravel, each)]) for each in zip(*lanes, strict=True)]
        return self.ids

    def gather(self, result, ids):
        """The number of this value whose elements are the numbered ones; also in sequences."""
        if isinstance(result, (tuple, list)):
            return type(result)([self.gather(*pair) for pair in zip(result, ids, strict=True)])
        result = np.asarray(result)
        if result.dtype.kind not in "fc":
            return result
        terms = np.take(self.columns, ids, axis=1).astype(result.dtype, copy=False)
        lanes = None if self.lanes is None else [lane[ids] for lane in self.lanes]
        return make_laned(self.alg, result, terms, lanes)


def arguments(func):
    """(names of the parameters that may be given by position, name of *args or None)."""
    try:
        params = inspect.signature(func).parameters.values()
    except ValueError:  # in C, before NumPy 2.4
        params = ()
    var = [p.name for p in params if p.kind == p.VAR_POSITIONAL]
    return names_of(func), var[0] if var else None


def _split(func, carriers):
    """split(args, kwargs) -> (args, kwargs, found, out): carriers replaced by places."""
    names, var = arguments(func)

    def split(args, kwargs):
        found, out = [], kwargs.pop("out", None)
        args = list(args)
        for i, a in enumerate(args):
            name = names[i] if i < len(names) else var
            if name == "out":
                out, args[i] = a, None
            elif name in carriers:
                args[i] = sources(a, found)
            elif type(a) is Taylor:
                args[i] = _lost(func, name, a)
        for name, a in kwargs.items():
            if name in carriers:
                kwargs[name] = sources(a, found)
            elif type(a) is Taylor:
                kwargs[name] = _lost(func, name, a)
        return args, kwargs, found, out

    return split


def _lost(func, name, a):
    """A number where NumPy looks at integers, masks or settings."""
    raise TypeError(f"dualdiff: np.{func.__name__}: no derivative with respect to argument "
                    f"{name!r}; pass its value (x.value) if it is meant as a constant")


def moved(func, *carriers, drop=("dtype", "casting")):
    """Moves elements of the arguments named `carriers`, with whatever keywords there are.

    drop: keywords that say something about elements, and nothing about their places.
    """
    split = _split(func, carriers)

    @with_signature(func, "moved")
    def row(*args, **kwargs):
        args, kwargs, found, out = split(args, kwargs)
        elements = Elements(found)
        values = elements.values
        result = func(*fill(args, values), **{k: fill(a, values) for k, a in kwargs.items()})
        if elements.alg is None:
            return store(result, out)
        ids = elements.number()
        ids = func(*fill(args, ids),
                   **{k: fill(a, ids) for k, a in kwargs.items() if k not in drop})
        return store(elements.gather(result, ids), out)

    return row


def joined(func, rows):
    """Puts the arrays of a sequence, its first argument, together: concatenate, stack.

    rows(list of terms, *args, **kwargs): func on terms; numbers with lanes are moved.
    """
    dense = linear_list(func, rows)
    (name, *_), _ = arguments(func)
    sparse = moved(func, name)

    @positional(func, kind="moved")
    def row(xs, *args, **kwargs):
        if type(xs) is not Taylor and any(map(is_laned, xs)):
            return sparse(xs, *args, **kwargs)
        return dense(xs, *args, **kwargs)

    return row


def mutated(func, target, *carriers, drop=("casting",)):
    """Writes elements into its first argument, named `target`: put, place, copyto."""
    split = _split(func, (target, *carriers))

    @with_signature(func, "mutated")
    def row(*args, **kwargs):
        args, kwargs, found, _ = split(args, kwargs)
        x = found[0] if args else kwargs.get(target)
        if type(x) is _Place:
            x = found[x.i]
        at = next(i for i, f in enumerate(found) if f is x)
        if type(x) is not Taylor:
            raise TypeError(f"dualdiff: np.{func.__name__}: the target is a plain array, which "
                            "cannot hold derivatives; make it a number with np.zeros_like(x) "
                            "or np.copy(x) of a number")
        elements = Elements(found)
        values = [np.array(v) if i == at else v for i, v in enumerate(elements.values)]
        func(*fill(args, values), **{k: fill(a, values) for k, a in kwargs.items()})
        ids = elements.number()
        func(*fill(args, ids),
             **{k: fill(a, ids) for k, a in kwargs.items() if k not in drop})
        x[...] = elements.gather(values[at], ids[at])

    return row


# ---- axes ---------------------------------------------------------------------------


def shifted(axis, ndim):
    """An axis argument, int or tuple, seen from terms that have one more axis in front."""
    if ndim == 0:  # reductions take axis 0 and -1 of what has no dimensions
        return ()
    if not isinstance(axis, (int, np.integer)):
        return tuple([shifted(a, ndim) for a in axis])
    return axis + 1 if axis >= 0 else axis


def flat(t):
    """Terms of a raveled number."""
    return t.reshape(len(t), -1)


def axes_of(axis, ndim):
    """The axes that an axis argument means, sorted and non-negative."""
    if axis is None or ndim == 0:
        return tuple(range(ndim))
    axis = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(sorted(int(a) % ndim for a in axis))


def kept(shape, axes):
    """A shape with these axes reduced to length 1."""
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])


def gathered(x, axis):
    """x, a number or an array, with the axes of a reduction as one axis, the last."""
    axes = axes_of(axis, np.ndim(x))
    rest = [i for i in range(np.ndim(x)) if i not in axes]
    shape = [np.shape(x)[i] for i in rest]
    n = int(np.prod([np.shape(x)[i] for i in axes]))
    return np.reshape(np.transpose(x, (*rest, *axes)), (*shape, n))


NO_VALUE = inspect.signature(np.sum).parameters["keepdims"].default


def given(**kwargs):
    """The keywords that were given: NumPy's own mark for those that were not left out."""
    return {k: v for k, v in kwargs.items() if v is not NO_VALUE}
