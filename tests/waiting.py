"""What tests of operations that wait (dualdiff/_later.pxi) have in common."""

import tracemalloc

import numpy as np
from numbers_by_hand import algebra

from dualdiff._taylor import make, set_later_bytes

N = 40  # elements: several operations wait even for so few where a test says so


def of_any_size():
    """The body of a fixture: operations of any size wait."""
    before = set_later_bytes(1)
    yield
    set_later_bytes(before)


def numbers(*values, order=1):
    """Numbers with a seed for each element, or to higher orders one for each array."""
    values = [np.array(v) for v in values]
    seeds = [v.size if order == 1 else 1 for v in values]
    alg, out, first = algebra((sum(seeds), order)), [], 0
    for v, n in zip(values, seeds, strict=True):
        terms = np.zeros((alg.M - 1, v.size), v.dtype)
        terms[range(first, first + n), range(n)] = 1
        terms[first] += order > 1
        out.append(make(alg, v, terms.reshape(-1, *v.shape)))
        first += n
    return out


def at_once(f, *args):
    """f with nothing waiting."""
    before = set_later_bytes(2**62)
    try:
        return f(*args)
    finally:
        set_later_bytes(before)


def same(x, y):
    """Whether two numbers have the same bits."""
    return (np.array_equal(x.value, y.value, equal_nan=True)
            and np.array_equal(x.terms, y.terms, equal_nan=True))


def peak_of(call):
    """Bytes that a call takes at most, of memory that tracemalloc knows."""
    tracemalloc.start(1)
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
