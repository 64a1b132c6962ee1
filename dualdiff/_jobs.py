"""One evaluation of the function for a derivative tensor: a job, and what it reads.

A *job* is some blocks of seeds, each with the order to which it is kept.  Without lanes its
factors are its blocks.  With lanes all elements have seeds in every job, as they have in one
evaluation without chunks, and all seeds of other blocks are one more seed, which nobody reads.

May import: inputs, seeding, the number, pytrees.  Invariants: each coefficient is
computed by the same operations in the same order whatever the chunks are (the factor of
the last block is the oldest, which gives the product tables of all jobs one order of
pairs; `Factor.whole` lets lanes decide as if there were no chunks); jobs can be pickled,
and run in any order.
"""

import functools
import itertools
import math

import numpy as np

from dualdiff import _multisets
from dualdiff._algebra import Factor
from dualdiff._arguments import check_result_kind, check_scalar, flatten_result, split_aux
from dualdiff._budget import memory_budget
from dualdiff._seeding import Call, set_lanes
from dualdiff._taylor import Taylor
from dualdiff.tree_util import tree_flatten, tree_unflatten

# ---- the task and its jobs --------------------------------------------------------


class Task:
    """What all jobs of one call share.

    order: of the tensor; scalar: the result must be one number (for each point);
    real: complex results need holomorphic; gradient: read first derivatives as well;
    dense: never with lanes.  With its jobs the settings of the caller go to other processes.
    """

    sent = None  # (memory budget, mode of lanes) of the process that sent it

    def __init__(self, who, fun, inputs, kwargs, order, *, has_aux=False, holomorphic=False,
                 scalar=False, real=False, gradient=False, instead="jacfwd", diagonal=False,
                 coefficients=False, dense=False):
        self.who, self.fun, self.inputs, self.kwargs = who, fun, inputs, kwargs
        self.order, self.has_aux, self.holomorphic = order, has_aux, holomorphic
        self.scalar, self.real, self.gradient = scalar, real, gradient
        self.instead = instead
        self.coefficients = coefficients  # of Taylor's series, not derivatives
        self.dense = dense
        self.diagonal = diagonal  # only d^k / dx_i^k, so only jobs of one block

    def __getstate__(self):
        mode = set_lanes("auto")
        set_lanes(mode)
        return self.__dict__ | {"sent": (memory_budget(), mode)}

    def check(self, result):
        """(leaves, treedef) of a result of the function."""
        who, batch = self.who, self.inputs.batch_shape
        if self.scalar and batch is None:
            leaves, (_, treedef) = [check_scalar(who, result, self.instead)], tree_flatten(0.0)
        else:
            leaves, treedef = flatten_result(who, result)
        for y in leaves:
            check_result_kind(who, y, self.holomorphic, self.real)
        if batch is not None:
            for y in leaves:
                self.check_batch(y, np.shape(y) if type(y) is not Taylor else y.shape)
            if self.scalar and len(leaves) != 1:
                raise TypeError(f"{who} expected a function with one number for each point, "
                                "got "
                                f"{type(result).__name__}; use {self.instead}")
        return leaves, treedef

    def check_batch(self, y, shape):
        """Refuse a result that is not one for each point."""
        batch, axes = self.inputs.batch_shape, self.inputs.batch_axes
        ndim = len(shape)
        fits = ndim >= len(axes) and all(-ndim <= a < ndim for a in axes) and (
            tuple(shape[a] for a in axes) == batch)
        if not fits or (self.scalar and ndim != len(axes)):
            want = f"shape {batch}" if self.scalar else f"shape {batch} along axes {axes}"
            raise TypeError(
                f"{self.who}: with batch_axes={axes} the function is expected to return "
                f"{'one number' if self.scalar else 'its result'} for each point, {want}, got "
                f"shape {shape}; let it reduce over the other axes only")


class Part:
    """What one job read: for each leaf of the result its top derivatives, and more."""

    __slots__ = ("treedef", "tops", "values", "firsts", "aux")

    def __init__(self, treedef, tops, values, firsts, aux):
        self.treedef, self.tops, self.values = treedef, tops, values
        self.firsts, self.aux = firsts, aux

    def __reduce__(self):
        return Part, (self.treedef, self.tops, self.values, self.firsts, self.aux)


def run_job(task, blocks, lead, lanes=False, steps=False):
    """Evaluate once; blocks = [(first, stop, order)] ascending; lead: read values and aux."""
    receive(task)
    count, spans = task.inputs.count, [(lo, hi) for lo, hi, _ in blocks]
    whole = None if spans == [(0, count)] else Factor(count, task.order)
    if lanes and whole is not None:
        calls, spans = [part_of(count, spans, whole)], [(0, count)]
    else:
        calls = [Call(hi - lo, k, lanes, whole=whole) for lo, hi, k in reversed(blocks)][::-1]
    calls[0].factor.scalar = steps
    try:
        args = task.inputs.with_seeds([(c, *span) for c, span in zip(calls, spans, strict=True)])
        return read_job(task, calls, blocks, task.fun(*args, **task.kwargs), lead)
    finally:
        args = None
        for call in calls:
            call.__exit__()


def receive(task):
    """Take over the settings of the process that sent a task."""
    if task.sent is not None:
        memory_budget(task.sent[0])
        set_lanes(task.sent[1])


def part_of(count, spans, whole):
    """The call of a job with lanes: seeds of its blocks, then one for all others."""
    n = sum(hi - lo for lo, hi in spans)
    labels = np.full(count, n)
    labels[np.concatenate([np.arange(lo, hi) for lo, hi in spans])] = np.arange(n)
    labels.flags.writeable = False
    return Call(n + 1, whole.order, True, whole=whole, labels=labels)


def read_job(task, calls, blocks, result, lead):
    """What an evaluation gives: a Part."""
    result, aux = split_aux(task.who, result, task.has_aux)
    leaves, treedef = task.check(result)
    tops = [top_of(calls, blocks, y, task.diagonal, task.coefficients) for y in leaves]
    values = [strip(calls, y) for y in leaves] if lead else None
    firsts = None
    if task.gradient and len(blocks) == 1:
        firsts = [calls[0].gradient(y)[:blocks[0][1] - blocks[0][0]] for y in leaves]
    if lead and task.has_aux:
        flat, aux_def = tree_flatten(aux)
        aux = tree_unflatten(aux_def, [strip(calls, x) for x in flat])
    return Part(treedef, tops, values, firsts, aux if lead else None)


def strip(calls, y):
    """A result, or anything else, without the seeds of these calls."""
    for call in calls:
        y = call.value(y)
    return y


def top_of(calls, blocks, y, diagonal, coefficients=False):
    """Derivatives of the job's order as `positions` lists them: (multisets, *y.shape)."""
    shape = y.shape if type(y) is Taylor else np.shape(y)
    if type(y) is not Taylor and np.asarray(y).dtype.kind in "iu":
        y = np.zeros(shape)
    for call, part in parts_of(calls, blocks):
        n, k = call.factor.n, sum(k for _, _, k in part)
        first = math.comb(n + k - 1, k - 1)
        if diagonal or n != part[0][1] - part[0][0]:
            monomials = first + _multisets.rank(seeds_of(shifted(part), diagonal))
        else:
            monomials = slice(first, math.comb(n + k, k))
        y = call.coefficients(y, monomials)
    if len(calls) > 1:
        y = y.reshape((-1, *shape))
    if coefficients or sum(k for _, _, k in blocks) == 1:
        return y
    if len(blocks) == 1 and not diagonal:
        lo, hi, k = blocks[0]
        scale = _multisets.scales(hi - lo, k).astype(y.dtype, copy=False)
    else:
        scale = _multisets.factorials(seeds_of(blocks, diagonal)).astype(y.dtype)
    return y * scale.reshape((-1,) + (1,) * len(shape))


def parts_of(calls, blocks):
    """Each call of a job with its blocks: one, or, with lanes, all."""
    return [(calls[0], blocks)] if len(calls) == 1 else [
        (c, [b]) for c, b in zip(calls, blocks, strict=True)]


def shifted(blocks):
    """The blocks of one call as its own seeds are numbered."""
    return [(lo, hi, k) for (lo, hi), (_, _, k) in
            zip(blocks_of([hi - lo for lo, hi, _ in blocks]), blocks, strict=True)]


def seeds_of(blocks, diagonal=False):
    """The seeds of each derivative that a job reads, sorted: shape (multisets, order)."""
    out = np.zeros((1, 0), np.intp)
    for lo, hi, k in blocks:
        new = np.repeat(np.arange(hi - lo)[:, None], k, 1) if diagonal else (
            _multisets.multisets(hi - lo, k))
        m = len(new)
        out = np.concatenate([np.tile(out, (m, 1)), np.repeat(new + lo, len(out), 0)], axis=1)
    return out


def positions(blocks, order, diagonal):
    """Where the derivatives of a job stand in the packed tensor."""
    if len(blocks) == 1 and (order == 1 or diagonal):
        return slice(blocks[0][0], blocks[0][1])
    return _multisets.rank(seeds_of(blocks))


def blocks_of(sizes):
    """Ranges of seeds of these sizes, one after another."""
    ends = list(itertools.accumulate(sizes))
    return list(zip([0, *ends], ends, strict=False))


def equal_sizes(count, size):
    """count cut into pieces of at most `size`, as equal as can be."""
    pieces = -(-count // size)
    low, more = divmod(count, pieces)
    return [low + 1] * more + [low] * (pieces - more)


# ---- the results of all jobs ------------------------------------------------------


class Result:
    """Packed tensors: for each leaf of the result (multisets, *shape), and the rest."""

    def __init__(self, task, part, blocks):
        self.treedef, self.values, self.aux = part.treedef, part.values, part.aux
        count, self.task = task.inputs.count, task
        total = count if task.diagonal else _multisets.count(count, task.order)
        self.derivatives = [Packed(total) for _ in part.tops]
        self.firsts = [Packed(count) for _ in part.tops]
        self.put(part, blocks)

    def put(self, part, blocks):
        """Add what a job has read."""
        where = functools.partial(positions, blocks, self.task.order, self.task.diagonal)
        for packed, piece in zip(self.derivatives, part.tops, strict=True):
            packed.put(where, piece)
        for packed, piece in zip(self.firsts, part.firsts or (), strict=False):
            packed.put(lambda: slice(blocks[0][0], blocks[0][1]), piece)

    @property
    def tops(self):
        """The packed tensors of the leaves."""
        return [packed.whole() for packed in self.derivatives]

    @property
    def gradients(self):
        """The packed first derivatives of the leaves."""
        return [packed.whole() for packed in self.firsts]


class Packed:
    """One tensor: its pieces go to their places as they come, so that it is there but once."""

    def __init__(self, total):
        self.total = total
        self.first = self.full = None  # the only piece; all pieces that are plain
        self.plain, self.numbers = [], []  # where those stand; what is over outer calls

    def put(self, where, piece):
        """Add a piece; where(): its places."""
        if self.first is None and self.full is None and not self.numbers:
            self.first = where, piece
            return
        if self.first is not None:
            (there, first), self.first = self.first, None
            self.place(there(), first)
        self.place(where(), piece)

    def place(self, where, piece):
        if type(piece) is Taylor:
            self.numbers.append((where, piece))
            return
        if self.full is None:
            self.full = np.empty((self.total, *piece.shape[1:]), piece.dtype)
        self.full[where] = piece
        self.plain.append(where)

    def whole(self):
        """The tensor."""
        if self.first is not None:
            return self.first[1]
        if not self.numbers:
            return self.full
        pieces = [(w, self.full[w]) for w in self.plain] + self.numbers
        order = np.concatenate([np.arange(self.total)[w] for w, _ in pieces])
        return np.concatenate([p for _, p in pieces])[np.argsort(order)]
