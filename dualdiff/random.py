"""Random numbers from explicit keys: the same key gives the numbers that JAX draws.

A key is a NumPy array of two uint32 words. Nothing here keeps state: a draw is a function of
its key alone, and equal keys give equal numbers, so every draw takes a key of its own from
`split` or `fold_in`. The numbers are those of `jax.random` with its default generator,
Threefry-2x32, and its default setting ``jax_threefry_partitionable=True`` (in JAX 0.12, with
which they were compared).

Every default is that of JAX with ``jax_enable_x64``: floats are float64, integers int64,
seeds count with all their 64 bits. Pass ``dtype=np.float32`` (``np.uint32``, ``np.int32``)
for the figures that JAX prints out of the box; they are other numbers, not the same ones
rounded. Integers, booleans and keys agree with JAX bit for bit, and so do floats but where
XLA's rounding has its own ways: `normal` is equal in 99 of 100 draws in float32, at most 3
units in the last place away, and in 92 of 100 in float64, never seen more than 5 away;
`uniform` in float64, with bounds other than 0 and 1, may be one unit in the last place of the
larger bound away.

The draws are plain numbers without derivatives. To differentiate with respect to the
parameters of a distribution, transform a draw: ``mu + sigma * normal(key, shape)``.

This module imports NumPy and `_threefry` alone, and checks what `_threefry` does not.

References
----------
J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC'11 (2011): Threefry, and the Random123 library with its test vectors.
M. Giles, "Approximating the erfinv function", GPU Computing Gems, Jade edition (2012): the
polynomials in `normal`.
"""

import math
import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from . import _threefry

__all__ = [
    "bernoulli",
    "bits",
    "fold_in",
    "key",
    "normal",
    "permutation",
    "randint",
    "split",
    "uniform",
]

_UINTS = tuple(map(np.dtype, _threefry.UINT.values()))
_INTS = tuple(map(np.dtype, "bhilqBHILQ"))
_FLOATS = tuple(map(np.dtype, (np.float16, np.float32, np.float64)))
_COMPLEX = tuple(map(np.dtype, (np.complex64, np.complex128)))


def key(seed):
    """Make a key from an integer seed.

    Parameters
    ----------
    seed : int
        From -2**63 to 2**64 - 1, counted modulo 2**64; a NumPy integer of 32 bits or fewer is
        counted modulo 2**32.

    Returns
    -------
    ndarray of uint32, shape (2,)
        The high and the low half of the seed.

    Raises
    ------
    TypeError
        If the seed is no integer, or an array.
    OverflowError
        If the seed has more than 64 bits.

    Notes
    -----
    JAX without ``jax_enable_x64`` keeps the low half only: there, ``key(seed % 2**32)`` is
    its key.

    Examples
    --------
    >>> from dualdiff import random
    >>> random.key(7)
    array([0, 7], dtype=uint32)
    >>> random.key(-1)
    array([4294967295, 4294967295], dtype=uint32)
    """
    a = _integer("key", "seed", seed, -(2**63), 64)
    word = int(a) % 2 ** (64 if a.itemsize == 8 else 32)
    return np.array([word >> 32, word % 2**32], np.uint32)


def split(key, num=2):
    """Make several independent keys from one, which is then not to be used again.

    Parameters
    ----------
    key : ndarray of uint32, shape (2,)
    num : int or tuple of int
        How many keys, or the shape of an array of keys.

    Returns
    -------
    ndarray of uint32, shape (num, 2) or ``(*num, 2)``
        Unpacks into keys.

    Examples
    --------
    >>> from dualdiff import random
    >>> key, subkey = random.split(random.key(0))
    >>> subkey
    array([ 928981903, 3453687069], dtype=uint32)
    >>> random.split(key, (2, 3)).shape
    (2, 3, 2)
    """
    key, shape = _key("split", key), _shape("split", num, "num")
    return _threefry.split(key, math.prod(shape)).reshape(*shape, 2)


def fold_in(key, data):
    """Make a key from a key and a number, such as the count of a loop.

    Parameters
    ----------
    key : ndarray of uint32, shape (2,)
    data : int
        From 0 to 2**32 - 1.

    Returns
    -------
    ndarray of uint32, shape (2,)

    Raises
    ------
    TypeError
        If `data` is no integer, or an array.
    OverflowError
        If `data` is negative or has more than 32 bits.

    Examples
    --------
    >>> from dualdiff import random
    >>> random.fold_in(random.key(0), 3)
    array([2467461003, 3840466878], dtype=uint32)
    """
    key, a = _key("fold_in", key), _integer("fold_in", "data", data, 0, 32)
    return np.concatenate(_threefry.threefry(key, np.uint32([0]), np.uint32([int(a)])))


def bits(key, shape=(), dtype=None):
    """Draw uniform random bits.

    Parameters
    ----------
    key : ndarray of uint32, shape (2,)
    shape : int or tuple of int
    dtype : dtype, optional
        uint8, uint16, uint32 or uint64, the default.

    Returns
    -------
    ndarray of `dtype` and `shape`; a NumPy scalar for shape ()

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import random
    >>> random.bits(random.key(0), (4,), np.uint8)
    array([167, 146,  40,  53], dtype=uint8)
    """
    key, shape = _key("bits", key), _shape("bits", shape)
    dtype = _dtype("bits", np.uint64 if dtype is None else dtype, _UINTS)
    return _threefry.bits(key, math.prod(shape), 8 * dtype.itemsize).reshape(shape)[()]


def uniform(key, shape=(), dtype=float, minval=0.0, maxval=1.0):
    """Draw floats uniformly between `minval`, included, and `maxval`, excluded.

    Parameters
    ----------
    key : ndarray of uint32, shape (2,)
    shape : int or tuple of int
    dtype : dtype
        float16, float32 or float64, the default.
    minval, maxval : float or array_like
        The bounds, of shapes that broadcast to `shape`. Rounding may reach `maxval` where
        they are not 0 and 1. Where `maxval` is not above `minval`, the draw is not below
        `minval`, as in JAX.

    Returns
    -------
    ndarray of `dtype` and `shape`; a NumPy scalar for shape ()

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import random
    >>> random.uniform(random.key(0), (3,))
    array([0.41845711, 0.21629545, 0.96532146])
    >>> random.uniform(random.key(0), (3,), np.float32, minval=[0, 10, 20], maxval=30)
    array([28.43001 , 29.571598, 23.322914], dtype=float32)
    """
    key, shape = _key("uniform", key), _shape("uniform", shape)
    dtype = _dtype("uniform", dtype, _FLOATS)
    way = "draw between numbers, then write minval + (maxval - minval) * uniform(key, shape)"
    a = _fit("uniform", "minval", minval, shape, "biuf", way).astype(dtype)
    b = _fit("uniform", "maxval", maxval, shape, "biuf", way).astype(dtype)
    return _threefry.uniform(key, shape, a, b)[()]


def normal(key, shape=(), dtype=float):
    """Draw from the normal distribution of mean 0 and variance 1.

    Parameters
    ----------
    key : ndarray of uint32, shape (2,)
    shape : int or tuple of int
    dtype : dtype
        float16, float32 or float64, the default; or complex64 or complex128, where the real
        and the imaginary part have variance 1/2 each.

    Returns
    -------
    ndarray of `dtype` and `shape`; a NumPy scalar for shape ()

    Notes
    -----
    sqrt(2) erfinv(u) for u uniform in (-1, 1), by the polynomials of Giles that XLA uses.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import random
    >>> key, W_key, b_key = random.split(random.key(0), 3)
    >>> random.normal(W_key, (3,), np.float32)
    array([-2.4424558 , -2.0356805 ,  0.20554423], dtype=float32)
    >>> random.normal(W_key, (3,))
    array([-1.4008841,  1.432145 ,  0.6248107])
    """
    key, shape = _key("normal", key), _shape("normal", shape)
    dtype = _dtype("normal", dtype, _FLOATS + _COMPLEX)
    return _threefry.normal(key, math.prod(shape), dtype).reshape(shape)[()]


def randint(key, shape, minval, maxval, dtype=int):
    """Draw integers uniformly from `minval`, included, to `maxval`, excluded.

    Parameters
    ----------
    key : ndarray of uint32, shape (2,)
    shape : int or tuple of int
    minval, maxval : int or array_like of int
        The bounds, of shapes that broadcast to `shape`, cut to the range of `dtype`. Where
        `maxval` is not above `minval`, the draw is `minval`, as in JAX.
    dtype : dtype
        A signed or unsigned integer dtype; int64 by default.

    Returns
    -------
    ndarray of `dtype` and `shape`; a NumPy scalar for shape ()

    Notes
    -----
    A remainder, so that some numbers are likelier than others: of n, by n parts in 2**64 while
    n is at most 2**16, and by n parts in 2**32 beyond; in the 64-bit dtypes by n parts in
    2**128 while n is at most 2**32, and by n parts in 2**64 beyond.

    Examples
    --------
    >>> from dualdiff import random
    >>> random.randint(random.key(0), (6,), 1, 7)
    array([4, 6, 6, 6, 4, 2])
    """
    key, shape = _key("randint", key), _shape("randint", shape)
    dtype = _dtype("randint", dtype, _INTS)
    way = "pass integers of at most 64 bits, by int(x) or x.astype(int)"
    low = _fit("randint", "minval", minval, shape, "iu", way)
    high = _fit("randint", "maxval", maxval, shape, "iu", way)
    return _threefry.integers(key, shape, low, high, dtype)[()]


def bernoulli(key, p=0.5, shape=None):
    """Draw booleans that are true with probability `p`.

    Parameters
    ----------
    key : ndarray of uint32, shape (2,)
    p : float or array_like of float
        Its dtype is that of the uniform draw behind: pass ``np.float32(p)`` for the figures of
        JAX's default.
    shape : int or tuple of int, optional
        To which the shape of `p` broadcasts; by default, that shape.

    Returns
    -------
    ndarray of bool; a NumPy scalar for shape ()

    Examples
    --------
    >>> from dualdiff import random
    >>> random.bernoulli(random.key(0), 0.5, (4,))
    array([ True,  True, False, False])
    """
    key, p = _key("bernoulli", key), np.asarray(p)
    shape = p.shape if shape is None else _shape("bernoulli", shape)
    p = _fit("bernoulli", "p", p, shape, "f", "pass float(p) or p.astype(float)")
    dtype = _dtype("bernoulli", p.dtype, _FLOATS)
    return _threefry.uniform(key, shape, dtype.type(0), dtype.type(1)) < p


def permutation(key, x, axis=0, independent=False):
    """Shuffle an array, or the numbers below an integer.

    Parameters
    ----------
    key : ndarray of uint32, shape (2,)
    x : int or array_like
        An integer stands for ``np.arange(x)``. An array is left as it is.
    axis : int
        The axis to shuffle along.
    independent : bool
        Shuffle every vector along `axis` by itself, and not all alike.

    Returns
    -------
    ndarray of the shape and dtype of `x`

    Notes
    -----
    Sorts by random words, so often that ties do not matter: twice from 1626 numbers on.

    Examples
    --------
    >>> from dualdiff import random
    >>> random.permutation(random.key(0), 6)
    array([0, 1, 5, 4, 3, 2])
    """
    key = _key("permutation", key)
    if not np.ndim(x):
        x = np.arange(int(_integer("permutation", "x", x, -(2**63), 63)))
    shape = np.shape(x)
    axis = normalize_axis_index(axis, len(shape))
    numbers = np.arange(shape[axis])
    # Indices are shuffled, and then taken, so that x need not be an array of NumPy's own.
    if independent and len(shape) > 1:
        numbers = numbers.reshape(-1, *(1,) * (len(shape) - axis - 1))
        order = _threefry.shuffle(key, np.broadcast_to(numbers, shape), axis)
        return np.take_along_axis(x, order, axis)
    return np.take(x, _threefry.shuffle(key, numbers, 0), axis)


def _came(a):
    """What an argument was, for a message."""
    return f"{a.dtype} of shape {a.shape}"


def _key(name, key):
    """The key, checked."""
    a = np.asarray(key)
    if a.dtype != np.uint32 or a.shape != (2,):
        batch = a.dtype == np.uint32 and a.shape[-1:] == (2,)
        way = "take one key of these, such as keys[0]" if batch else "make one by key(seed)"
        raise TypeError(
            f"{name}: expected a key, an array of uint32 of shape (2,), got {_came(a)}; {way}"
        )
    return a


def _integer(name, argument, value, low, bits):
    """A scalar integer from low to 2**bits - 1, as an array."""
    a = np.asarray(value)
    if a.ndim or not (a.dtype.kind in "iu" or type(value) is int):
        raise TypeError(
            f"{name}: expected {argument} to be an integer, got {_came(a)}; "
            f"pass int({argument})"
        )
    if not low <= int(a) < 2**bits:
        raise OverflowError(
            f"{name}: expected {argument} from {low} to 2**{bits} - 1, got {value}; "
            f"pass {argument} % 2**{bits}"
        )
    return a


def _shape(name, shape, argument="shape"):
    """The shape as a tuple of sizes."""
    try:
        sizes = tuple(map(operator.index, shape if np.iterable(shape) else (shape,)))
    except TypeError:
        sizes = (-1,)
    if min(sizes, default=0) < 0:
        raise TypeError(
            f"{name}: expected {argument} to be a size or a tuple of sizes, integers of 0 or "
            f"more, got {shape!r}; write for example (3, 2)"
        )
    return sizes


def _dtype(name, dtype, allowed):
    """The dtype, one of those allowed."""
    try:
        if (found := np.dtype(dtype)) in allowed:
            return found
    except TypeError:
        pass
    names = ", ".join(dict.fromkeys(d.name for d in allowed))
    raise TypeError(
        f"{name}: expected a dtype out of {names}, got {dtype!r}; draw one of these and "
        "convert it by astype"
    )


def _fit(name, argument, value, shape, kinds, way):
    """The argument as an array of one of the dtype kinds that broadcasts to the shape."""
    a = np.asarray(value)
    if a.dtype.kind not in kinds:
        what = {"iu": "integers", "f": "floats"}.get(kinds, "real numbers")
        raise TypeError(f"{name}: expected {argument} to be {what}, got {_came(a)}; {way}")
    try:
        np.broadcast_to(a, shape)
    except ValueError:
        raise ValueError(
            f"{name}: expected {argument} to broadcast to the shape {shape} of the draw, "
            f"got {_came(a)}; pass the shape of the result as shape"
        ) from None
    return a
