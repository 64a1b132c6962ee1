"""The memory that many seeds may take: the setting, the shares of it, and how it is measured.

May import: the number, for its own limit.  Invariant: the limit of the number and the
setting change together.
"""

import operator
from _thread import allocate_lock

from dualdiff._taylor import set_dense_limit

BUDGET = [256 * 2**20]
LIVE = 16  # arrays of the inputs' size that a function is taken to hold, before it is measured
ROOM = 0.5  # of the budget is planned with: freed memory is not always used again at once, and
#             buffers of BLAS, which no tracer sees, are as large as the operands
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
    that the next evaluations carry within the budget, never less than one.  The widest of them
    is measured as well, and cut further if it took more than planned.  With an ``executor=``,
    each running worker takes up to the budget; processes get the caller's setting with their
    jobs.  The results themselves are not counted.  ``chunk_size=`` overrides all of this.

    Examples
    --------
    >>> import dualdiff as dd
    >>> old = dd.memory_budget(64 * 2**20)
    >>> dd.memory_budget(old) == 64 * 2**20
    True
    """
    old = BUDGET[0]
    if size is not None:
        try:
            size = operator.index(size)
        except TypeError:
            raise TypeError("memory_budget expected a number of bytes as an int, got "
                            f"{size!r}") from None
        if size < 1:
            raise ValueError(f"memory_budget expected a positive number of bytes, got {size}")
        BUDGET[0] = size
        set_dense_limit(min(size // DENSE, 2**62))
    return old


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
