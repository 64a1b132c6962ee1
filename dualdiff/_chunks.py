"""Derivative tensors in one evaluation of the function, or in several over chunks of seeds.

A derivative of order k takes the multisets of k blocks of seeds; each multiset is one job
(see `_jobs`), so that every symmetric entry is computed once.

May import: jobs, the memory budget, seeding.  Invariant: the result does not depend on how
it is cut, nor on where jobs run.
"""

import functools
import itertools
import math
import os

from dualdiff._arguments import check_count
from dualdiff._budget import BUDGET, LIVE, ROOM, SMALL, SMALL_BATCH, WHOLE, measured
from dualdiff._columns import by_columns, may_be
from dualdiff._jobs import Result, blocks_of, equal_sizes, read_job, run_job
from dualdiff._memory import clear_memory_pool
from dualdiff._seeding import evaluated, lanes_pay
from dualdiff._taylor import DenseLimit, StepsStop, is_laned

# ---- planning ---------------------------------------------------------------------------


def jobs_of(blocks, order, diagonal=False):
    """All multisets of `order` blocks, each with its distinct blocks and their orders."""
    if diagonal:
        return [[(*b, order)] for b in blocks]
    out = []
    for chosen in itertools.combinations_with_replacement(blocks, order):
        out.append([(*b, len(list(same))) for b, same in itertools.groupby(chosen)])
    return out


def monomials(size, order, several):
    """Monomials of the widest job over blocks of this size."""
    return (1 + size) ** order if several else math.comb(size + order, order)


def width(job):
    """Monomials of a job."""
    return math.prod(math.comb(hi - lo + k, k) for lo, hi, k in job)


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


# ---- all of it ----------------------------------------------------------------------------


def evaluate(fun, args, kwargs, argnums, order, scalar=False):
    """fun evaluated once at plain arguments by the fast path, or None (see _fast_paths.pxi)."""
    places = argnums if isinstance(argnums, tuple) else (argnums,)
    try:
        return evaluated(fun, args, kwargs, places, order, BUDGET[0] / SMALL, scalar)
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
                   largest(count, order, BUDGET[0] // (LIVE * nbytes), task.diagonal))
    if sparse_start(task):
        jobs = jobs_of(blocks_of(equal_sizes(count, size or count)), order)
        for steps in (True, False) if task.scalar and order == 1 else (False,):
            try:
                return collected(task, jobs, executor, True, steps)
            except StepsStop:
                continue
            except DenseLimit:
                break  # too large without lanes: by columns, or in chunks of seeds, then
        if may_be(task):
            try:
                return by_columns(task, size, executor)
            except DenseLimit:
                pass
    if size is not None:
        pass
    elif task.diagonal and order > 1 and count > DIAGONAL:
        size = min(DIAGONAL, largest(count, order, BUDGET[0] // (LIVE * nbytes), True))
    elif monomials(count, order, False) * nbytes <= BUDGET[0] // (
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
    if peak and peak > (order + 1) * LIVE * nbytes:  # of things made once, perhaps
        peak = min(peak, measured(functools.partial(run_job, task, lead, False))[1] or peak)
    share = peak / (order + 1) if peak else LIVE * nbytes
    room = ROOM * BUDGET[0] / share
    if order > 1 and not task.diagonal and monomials(count, order, False) <= room:
        return Result(task, run_job(task, everything, True), everything)
    while True:
        size = largest(count - 1, order, room, task.diagonal)
        jobs = jobs_of(blocks_of([1, *equal_sizes(count - 1, size)]), order, task.diagonal)
        widest = max(jobs[1:], key=width)
        clear_memory_pool()  # other jobs want blocks of other sizes
        part, peak = measured(functools.partial(run_job, task, widest, False))
        if peak is None or peak <= 1.1 * ROOM * BUDGET[0] or size == 1:
            break
        room = monomials(size, order, not task.diagonal) * ROOM * BUDGET[0] / peak
        part = None
    result.put(part, widest)
    for job in jobs[1:]:
        if job is not widest:
            part = None
            clear_memory_pool()
            part = run_job(task, job, False)
            result.put(part, job)
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
    """[(value, [packed coefficients of each degree from 1 on])] of the leaves, treedef, aux."""
    results = [derive(make_task(d), chunk_size, executor) for d in range(1, order + 1)]
    first = results[0]
    found = [(v, [r.tops[q] for r in results]) for q, v in enumerate(first.values)]
    return found, first.treedef, first.aux


def whole(count, order, nbytes):
    """Whether one evaluation to this order is certain to stay within the budget."""
    return monomials(count, order, False) * nbytes <= BUDGET[0] // WHOLE


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
