"""Derivative tensors in one evaluation of the function, or in several over chunks of seeds.

A *job* is one evaluation: some blocks of seeds, each with the order to which it is kept.
A derivative of order k takes the multisets of k blocks; each multiset is one job, so that
every symmetric entry is computed once.  Without lanes the factors of a job are its distinct
blocks.  With lanes all elements have seeds in every job, as they have in one evaluation, and
all seeds of other blocks are one more seed, which nobody reads.

May import: inputs, seeding, the number, pytrees.  Invariants: each coefficient is
computed by the same operations in the same order whatever the chunks are (the factor of
the last block is the oldest, which gives the product tables of all jobs one order of
pairs; `Factor.whole` lets lanes decide as if there were no chunks); jobs can be pickled,
and run in any order.
"""

import functools
import itertools
import math
import operator
import os
from _thread import allocate_lock

import numpy as np

from dualdiff import _multisets
from dualdiff._algebra import Factor
from dualdiff._arguments import (
    check_count,
    check_result_kind,
    check_scalar,
    flatten_result,
    split_aux,
)
from dualdiff._seeding import Call, evaluated, lanes_pay, set_lanes
from dualdiff._taylor import DenseLimit, StepsStop, Taylor, is_laned, set_dense_limit
from dualdiff.tree_util import tree_flatten, tree_unflatten

# ---- the memory budget --------------------------------------------------------------

_budget = [256 * 2**20]
LIVE = 16  # arrays of the inputs' size that a function is taken to hold, before it is measured
ROOM = 0.75  # of the budget is planned with: freed memory is not always used again at once
DENSE = 8  # one number among those of a sparse evaluation may take budget / DENSE densely
SMALL = 256  # one evaluation without a measurement takes at most budget / SMALL for its inputs
WHOLE = 16  # a polynomial is read off one evaluation if a number takes less than budget / WHOLE
SMALL_BATCH = 8  # the same where points are apart, so that no array has more of them


def memory_budget(size=None):
    """Get, or set, the memory that one evaluation with many seeds may take.

    Parameters
    ----------
    size : int, optional
        Bytes; the initial setting is 256 MB.

    Returns
    -------
    int
        The setting before the call.

    Raises
    ------
    TypeError, ValueError
        If `size` is not a positive integer.

    Notes
    -----
    Transforms with many seeds (`jacfwd`, `hessian`, ...) evaluate the function once if that
    is certain to stay small, or if all numbers in it have lanes or stay below an eighth of the
    budget.  Otherwise the first evaluation carries one seed and is measured
    (by `tracemalloc`, which sees all of NumPy's arrays); its peak gives the number of seeds
    that the next evaluations carry within the budget, never less than one.  With an
    ``executor=``, each running worker takes up to the budget.  The results themselves are not
    counted.  ``chunk_size=`` overrides all of this.

    Examples
    --------
    >>> import dualdiff as dd
    >>> old = dd.memory_budget(64 * 2**20)
    >>> dd.memory_budget(old) == 64 * 2**20
    True
    """
    old = _budget[0]
    if size is not None:
        try:
            size = operator.index(size)
        except TypeError:
            raise TypeError("memory_budget expected a number of bytes as an int, got "
                            f"{size!r}") from None
        if size < 1:
            raise ValueError(f"memory_budget expected a positive number of bytes, got {size}")
        _budget[0] = size
        set_dense_limit(min(size // DENSE, 2**62))
    return old


# ---- one evaluation -------------------------------------------------------------------


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
    if task.sent is not None:
        memory_budget(task.sent[0])
        set_lanes(task.sent[1])
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


# ---- planning ---------------------------------------------------------------------------


def blocks_of(sizes):
    """Ranges of seeds of these sizes, one after another."""
    ends = list(itertools.accumulate(sizes))
    return list(zip([0, *ends], ends, strict=False))


def jobs_of(blocks, order, diagonal=False):
    """All multisets of `order` blocks, each with its distinct blocks and their orders."""
    if diagonal:
        return [[(*b, order)] for b in blocks]
    out = []
    for chosen in itertools.combinations_with_replacement(blocks, order):
        out.append([(*b, len(list(same))) for b, same in itertools.groupby(chosen)])
    return out


def equal_sizes(count, size):
    """count cut into pieces of at most `size`, as equal as can be."""
    pieces = -(-count // size)
    low, more = divmod(count, pieces)
    return [low + 1] * more + [low] * (pieces - more)


def monomials(size, order, several):
    """Monomials of the widest job over blocks of this size."""
    return (1 + size) ** order if several else math.comb(size + order, order)


def largest(count, order, room, diagonal):
    """The largest block, of at most `count` seeds, whose jobs have at most `room` monomials."""
    if monomials(count, order, False) <= room:
        return count
    lo, hi = 1, count
    while lo < hi:  # the widest job grows with the block
        mid = (lo + hi + 1) // 2
        if monomials(mid, order, not diagonal) <= room:
            lo = mid
        else:
            hi = mid - 1
    return lo


_measuring = allocate_lock()


def measured(function):
    """(result, peak bytes allocated during the call); None where it cannot be known."""
    import tracemalloc

    if not _measuring.acquire(blocking=False):
        return function(), None
    try:
        if tracemalloc.is_tracing():
            return function(), None
        tracemalloc.start(1)
        try:
            result = function()
            return result, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    finally:
        _measuring.release()


# ---- all of it ----------------------------------------------------------------------------


class Result:
    """Packed tensors: for each leaf of the result (multisets, *shape), and the rest."""

    def __init__(self, task, part, blocks):
        self.treedef, self.values, self.aux = part.treedef, part.values, part.aux
        self.task, self.single = task, None
        self.pieces, self.firsts = [], []
        self.put(part, blocks)

    def put(self, part, blocks):
        """Add what a job has read."""
        self.pieces.append((blocks, part.tops))
        if part.firsts is not None:
            self.firsts.append((slice(blocks[0][0], blocks[0][1]), part.firsts))

    @functools.cached_property
    def tops(self):
        """The packed tensors of the leaves."""
        count, task = self.task.inputs.count, self.task
        total = count if task.diagonal else _multisets.count(count, task.order)
        pieces, self.pieces = self.pieces, []
        if len(pieces) == 1:
            return pieces[0][1]
        return joined([(positions(blocks, task.order, task.diagonal), tops)
                       for blocks, tops in pieces], total)

    @functools.cached_property
    def gradients(self):
        """The packed first derivatives of the leaves."""
        return joined(self.firsts, self.task.inputs.count)


def joined(pieces, total):
    """[tensors] from [(positions, [piece of each tensor])]."""
    if len(pieces) == 1:
        return pieces[0][1]
    out = []
    for q in range(len(pieces[0][1])):
        parts = [p[q] for _, p in pieces]
        if any(type(p) is Taylor for p in parts):
            order = np.concatenate([np.arange(total)[w] for w, _ in pieces])
            out.append(np.concatenate(parts)[np.argsort(order)])
            continue
        full = np.empty((total, *parts[0].shape[1:]), parts[0].dtype)
        for (where, _), piece in zip(pieces, parts, strict=True):
            full[where] = piece
        out.append(full)
    return out


def evaluate(fun, args, kwargs, argnums, order, scalar=False):
    """fun evaluated once at plain arguments by the fast path, or None (see _fast_paths.pxi)."""
    places = argnums if isinstance(argnums, tuple) else (argnums,)
    try:
        return evaluated(fun, args, kwargs, places, order, _budget[0] / SMALL, scalar)
    except DenseLimit:
        return None


def derive(task, chunk_size=None, executor=None, found=None):
    """Run a task: in one job if that is small, else in chunks of seeds.

    found: what `evaluate` gave for it.
    """
    count, order, inputs = task.inputs.count, task.order, task.inputs
    everything = [(0, count, order)]
    if found is not None:
        try:
            part = read_job(task, [found.call], everything, found.result, True)
            return Result(task, part, everything)
        except DenseLimit:
            pass  # evaluated anew
    if count == 0 or order == 0:
        call = [(0, max(count, 1), max(order, 1))]
        return Result(task, run_job(task, call, True), call)
    nbytes = max(inputs.nbytes, 1)
    size = None
    if chunk_size is not None:
        size = min(chunk_size, count)
    elif executor is not None:
        size = min(-(-count // (os.cpu_count() or 1)),
                   largest(count, order, _budget[0] // (LIVE * nbytes), task.diagonal))
    if sparse_start(task):
        jobs = jobs_of(blocks_of(equal_sizes(count, size or count)), order)
        for steps in (True, False) if task.scalar and order == 1 else (False,):
            try:
                return collected(task, jobs, executor, True, steps)
            except StepsStop:
                continue
            except DenseLimit:
                break  # too large without lanes: in chunks of seeds, then
    if size is not None:
        pass
    elif task.diagonal and order > 1 and count > DIAGONAL:
        size = min(DIAGONAL, largest(count, order, _budget[0] // (LIVE * nbytes), True))
    elif monomials(count, order, False) * nbytes <= _budget[0] // (
            SMALL_BATCH if inputs.batch_axes else SMALL):
        return Result(task, run_job(task, everything, True), everything)
    if size is not None:
        return collected(task, jobs_of(blocks_of(equal_sizes(count, size)), order, task.diagonal),
                         executor)
    lead = [(0, 1, order)]
    part, peak = measured(functools.partial(run_job, task, lead, True))
    result = Result(task, part, lead)
    if count == 1:
        return result
    share = peak / (order + 1) if peak else LIVE * nbytes
    room = ROOM * _budget[0] / share
    if order > 1 and not task.diagonal and monomials(count, order, False) <= room:
        return Result(task, run_job(task, everything, True), everything)
    size = largest(count - 1, order, room, task.diagonal)
    blocks = blocks_of([1, *equal_sizes(count - 1, size)])
    for job in jobs_of(blocks, order, task.diagonal)[1:]:
        result.put(run_job(task, job, False), job)
    return result


def collected(task, jobs, executor, lanes=False, steps=False):
    """The Result of all jobs, run here or by an executor."""
    args = [(task, job, q == 0, lanes, steps) for q, job in enumerate(jobs)]
    if executor is None:
        return gathered(task, jobs, itertools.starmap(run_job, args))
    futures = [executor.submit(run_job, *a) for a in args]
    try:
        return gathered(task, jobs, (future.result() for future in futures))
    finally:
        for future in futures:
            future.cancel()


def gathered(task, jobs, parts):
    """The Result of all jobs, from their parts in order."""
    result = None
    for job, part in zip(jobs, parts, strict=True):
        if result is None:
            result = Result(task, part, job)
        else:
            result.put(part, job)
    return result


def by_degrees(make_task, order, chunk_size, executor):
    """(value, [packed coefficients of each degree from 1 on]) of each leaf, and the treedef."""
    results = [derive(make_task(d), chunk_size, executor) for d in range(1, order + 1)]
    first = results[0]
    return [(v, [r.tops[q] for r in results]) for q, v in enumerate(first.values)], first.treedef


def whole(count, order, nbytes):
    """Whether one evaluation to this order is certain to stay within the budget."""
    return monomials(count, order, False) * nbytes <= _budget[0] // WHOLE


def sparse_start(task):
    """Whether the seeds of one evaluation have lanes (see _lanes.pxi)."""
    inputs = task.inputs
    return (lanes_pay(inputs.count, task.order) and inputs.elements and not inputs.batch_axes
            and not task.diagonal and not task.dense
            and all(leaf.seeds == leaf.n and not is_laned(leaf.x) for leaf in inputs.leaves))


DIAGONAL = 16  # seeds of one evaluation where only d^k / dx_i^k is wanted


def check_chunking(who, chunk_size, executor):
    """chunk_size and executor as they may be."""
    chunk_size = check_count(who, "chunk_size", chunk_size)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(f"{who} expected executor to be a concurrent.futures.Executor, got "
                        f"{type(executor).__name__}; make one by "
                        "concurrent.futures.ThreadPoolExecutor()")
    return chunk_size, executor
