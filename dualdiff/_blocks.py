"""Functions of large plain arrays, element by element, without fresh memory.

Temporaries of whole arrays cost page faults, which take longer than the arithmetic: so formulas
are evaluated on blocks that stay in the cache, and results lie in recycled memory.

May import: the memory, NumPy.  Invariant: the elements are those of one evaluation.
"""

import numpy as np

from dualdiff._memory import new

LARGE = 8192  # elements from which recycled memory pays
BLOCK = 4096  # elements of which several temporaries stay in the cache


def value_of(ufunc, *operands):
    """ufunc(*operands), in recycled memory if it is large and has the operands' dtype."""
    arrays = [x for x in operands if type(x) is np.ndarray]
    if type(ufunc) is not np.ufunc or max([x.size for x in arrays], default=0) < LARGE:
        return ufunc(*operands)
    dtype = arrays[0].dtype
    for x in operands:
        if type(x) not in (int, float) and (x.dtype != dtype or dtype.char not in "fdg"):
            return ufunc(*operands)
    return ufunc(*operands, out=new(np.broadcast_shapes(*map(np.shape, operands)), dtype))


def in_blocks(f, *arrays):
    """f(*arrays), one array or a tuple of them, where f acts element by element."""
    x = arrays[0]
    if type(x) is not np.ndarray or x.size < LARGE or not all(
            type(a) is np.ndarray and a.shape == x.shape and a.dtype == x.dtype
            and a.flags.c_contiguous for a in arrays) or x.dtype.char not in "fdg":
        return f(*arrays)
    flat, out = [a.reshape(-1) for a in arrays], None
    for i in range(0, x.size, BLOCK):
        part = f(*[a[i:i + BLOCK] for a in flat])
        parts = part if type(part) is tuple else (part,)
        if out is None:
            out = [new((x.size,), np.asarray(p).dtype) for p in parts]
        for whole, p in zip(out, parts, strict=True):
            whole[i:i + BLOCK] = p
    out = tuple(whole.reshape(x.shape) for whole in out)
    return out if type(part) is tuple else out[0]
