"""Functions that make arrays, where like= is a number.

NumPy does not hand on what like= was, so functions of a shape give plain arrays, as
without it; functions of data pack the numbers in their data to one number.

May import: the kinds, the number, NumPy.
"""

import numpy as np

from dualdiff._kinds import holds, no_numbers, pack, positional, with_signature
from dualdiff._taylor import make, parts


def plain(func):
    """A function of a shape: its arguments may hold no number."""

    @with_signature(func, kind="constant")
    def row(*args, **kwargs):
        no_numbers(func, args, kwargs)
        return func(*args, **kwargs)

    return row


def packing(func, changed=lambda x, *args, **kwargs: x, fresh=False):
    """A function of data: numbers in nested lists become one number.

    changed(x, *args, **kwargs): what the other arguments do; fresh: a copy unless copy= says
    otherwise.
    """

    @positional(func)
    def row(a, dtype=None, *args, **kwargs):
        if not holds(a):
            return func(a, dtype, *args, **kwargs)
        x = pack(a)
        if dtype is not None and np.dtype(dtype) != x.dtype:
            x = x.astype(dtype)
        elif x is a and kwargs.get("copy", fresh) in (True, np._CopyMode.ALWAYS):
            x = x.copy()
        return changed(x, *args, **kwargs)

    return row


def at_least(x, copy=True, order="K", subok=False, ndmin=0, ndmax=0):
    """np.array: dimensions of length 1 in front."""
    return x.reshape((1,) * (ndmin - x.ndim) + x.shape) if x.ndim < ndmin else x


def full(shape, fill_value, dtype=None, order="C", device=None):
    """np.full; the one function of a shape that takes data too."""
    if not holds(fill_value):
        return np.full(shape, fill_value, dtype, order)
    x = pack(fill_value)
    x = x if dtype is None or np.dtype(dtype) == x.dtype else x.astype(dtype)
    alg, value, terms = parts(x)
    value = np.full(shape, value)
    rows = terms.reshape(terms.shape[:1] + (1,) * (value.ndim - x.ndim) + x.shape)
    return make(alg, value, np.broadcast_to(rows, terms.shape[:1] + value.shape).copy())


ROWS = {
    **{f: plain(f) for f in (
        np.arange, np.empty, np.eye, np.fromfunction, np.identity, np.ones, np.tri, np.zeros)},
    np.full: with_signature(np.full)(full),
    np.array: packing(np.array, at_least, fresh=True),
    np.asarray: packing(np.asarray),
    np.asanyarray: packing(np.asanyarray),
    np.ascontiguousarray: packing(np.ascontiguousarray, lambda x: at_least(x, ndmin=1)),
    np.asfortranarray: packing(np.asfortranarray, lambda x: at_least(x, ndmin=1)),
    np.require: packing(np.require),
}
