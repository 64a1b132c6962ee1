"""Recycled memory (dualdiff/_memory.pyx): blocks that nobody shares, in bounds, given back."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import dualdiff as dd
from dualdiff._memory import new

LARGE = 64 * 1024 // 8


@pytest.fixture(autouse=True)
def pool_of_its_own():
    before = dd.set_memory_pool(2**26)
    dd.clear_memory_pool()
    yield
    dd.clear_memory_pool()
    dd.set_memory_pool(before)


def address_of(n):
    return new((n,), np.dtype(float)).ctypes.data


@given(st.lists(st.tuples(st.integers(1, 40 * LARGE), st.booleans()), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_arrays_do_not_overlap(requests):
    """Each stays as it was written, whatever is taken and given back beside it."""
    held = []
    for i, (n, drop) in enumerate(requests):
        a = new((n,), np.dtype(float))
        assert a.ctypes.data % (64 if n >= LARGE else 8) == 0 and a.flags.c_contiguous
        a[:] = i
        held.append((a, i))
        if drop:
            held.pop(n % len(held))
        for b, j in held:
            assert b[0] == b[-1] == j
    for b, j in held:
        assert (b == j).all()


def test_what_is_freed_serves_again():
    n = 20 * LARGE
    first = address_of(n)
    assert address_of(n) == first
    assert address_of(n - n // 4) == first      # a somewhat smaller one
    assert address_of(n // 3) != first          # much smaller: too much would lie idle
    assert address_of(n) == first
    assert address_of(2 * n) != first
    view = new((n,), np.dtype(float))[5:]
    assert address_of(n) != first               # a view keeps it
    del view
    assert address_of(n) == first


def test_the_limit():
    n = 20 * LARGE
    assert dd.set_memory_pool(0) == 2**26
    a = new((n,), np.dtype(float))
    a[:] = 1.0
    del a
    tracemalloc.start(1)
    try:
        dd.set_memory_pool(2**26)
        a = new((n,), np.dtype(float))
        used = tracemalloc.get_traced_memory()[0]
        assert n * 8 <= used < n * 8 * 9 // 8 + 2000
        del a
        assert tracemalloc.get_traced_memory()[0] < 2000
    finally:
        tracemalloc.stop()
    with pytest.raises(ValueError, match="set_memory_pool"):
        dd.set_memory_pool(-1)
