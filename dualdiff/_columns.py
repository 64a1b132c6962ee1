"""Second derivatives of a scalar column by column: products of the Hessian with unit vectors.

Where a function mixes its inputs, so that one number over all pairs of seeds would be too
large, each column is one evaluation with intermediate seeds (see _steps.pxi) and one seed
more: a few times the cost of f, whatever the number of inputs.

May import: jobs, seeding, the number.  Invariant: a column does not depend on the others.
"""

import numpy as np

from dualdiff._arguments import split_aux
from dualdiff._jobs import Part, Result, blocks_of, equal_sizes, receive, strip
from dualdiff._seeding import Call
from dualdiff._taylor import StepsStop
from dualdiff.tree_util import tree_flatten, tree_unflatten


def may_be(task):
    """Whether a task is one for columns."""
    return task.order == 2 and not (task.diagonal or task.coefficients or task.dense)


def by_columns(task, size, executor):
    """The Result of a task; StepsStop or DenseLimit where some column cannot be had so.

    size: columns of a job for the executor.
    """
    count = task.inputs.count
    jobs = [(task, lo, hi) for lo, hi in blocks_of(equal_sizes(count, size or count))]
    first = columns(*jobs[0])
    if executor is None:
        parts = [first, *(columns(*job) for job in jobs[1:])]
    else:
        futures = [executor.submit(columns, *job) for job in jobs[1:]]
        try:
            parts = [first, *(future.result() for future in futures)]
        finally:
            for future in futures:
                future.cancel()
    first.tops = [np.concatenate([part.tops[0] for part in parts])]
    return Result(task, first, [(0, count, 2)])


def columns(task, lo, hi):
    """Columns lo .. hi - 1 down to the diagonal, one after another: a Part."""
    receive(task)
    part = column(task, lo, lo == 0)
    rest = [column(task, j, False) for j in range(lo + 1, hi)]
    part.tops = [np.concatenate([part.tops[0], *(each.tops[0] for each in rest)])]
    return part


def column(task, j, lead):
    """Derivatives by input j and by each input up to it; lead: values and more as well."""
    outer, inner = Call(task.inputs.count, 1, True), Call(1, 1)
    outer.factor.scalar = True
    try:
        return read_column(task, j, lead, outer, inner)
    finally:
        inner.__exit__()
        outer.__exit__()


def read_column(task, j, lead, outer, inner):
    leaves = []
    for leaf in task.inputs.leaves:
        x = outer.seed(leaf.x, leaf.first)
        if leaf.first <= j < leaf.first + leaf.n:
            unit = np.zeros(leaf.full, leaf.dtype)
            unit.flat[j - leaf.first] = 1
            x = inner.along(x, (unit,))
        leaves.append(x)
    result, aux = split_aux(task.who, task.fun(*task.inputs.rebuilt(leaves), **task.kwargs),
                            task.has_aux)
    found, treedef = task.check(result)
    if len(found) != 1 or np.ndim(found[0]):
        raise StepsStop("dualdiff: the result is not one number")
    y, calls = found[0], (inner, outer)
    values = firsts = None
    if lead:
        values = [strip(calls, y)]
        firsts = [outer.gradient(inner.value(y))] if task.gradient else None
        if task.has_aux:
            flat, aux_def = tree_flatten(aux)
            aux = tree_unflatten(aux_def, [strip(calls, x) for x in flat])
    top = outer.gradient(inner.coefficient(y, 1))[:j + 1]
    return Part(treedef, [top], values, firsts, aux if lead else None)
