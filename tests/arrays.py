"""The shared generator of awkward arrays.

Every shape and every memory layout that an operand may have.  A layout is a pair of
functions: `store` turns an array into a base, `view` turns the base into an array equal
to the one given.  Views are made with basic indexing and transposes only, so the same
view can be taken of a number: seed the base, then view it (see `oracles.coefficients`).

May import: NumPy.  Invariant: view(store(a)) equals a, in shape, dtype kind and elements.
"""

import numpy as np

SHAPES = ((), (0,), (1,), (3,), (2, 3), (0, 3), (3, 1, 2))

# name -> (store, view); for numbers and for arrays
LAYOUTS = {
    "plain": (lambda a: a, lambda b: b),
    "fortran": (lambda a: np.ascontiguousarray(a.T), lambda b: b.T),
    "reversed": (lambda a: a[::-1].copy() if a.ndim else a, lambda b: b[::-1] if b.ndim else b),
    "strided": (lambda a: np.repeat(a, 2, -1) if a.ndim else a,
                lambda b: b[..., ::2] if b.ndim else b),
    "inside": (lambda a: np.stack([a, a, a]), lambda b: b[1]),
    "turned": (lambda a: np.swapaxes(a, 0, -1)[..., ::-1].copy() if a.ndim > 1 else a,
               lambda b: np.transpose(b[..., ::-1], (b.ndim - 1, *range(1, b.ndim - 1), 0))
               if b.ndim > 1 else b),
}


def _unaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)
    out = raw[1:].view(a.dtype).reshape(a.shape)
    out[...] = a
    return out


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


# name -> store; for plain arrays only: a number never has these layouts
ARRAY_LAYOUTS = {
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "read-only": _read_only,
    "unaligned": _unaligned,
    "subclass": lambda a: a.view(type("Sub", (np.ndarray,), {})),
}


def stride0(a):
    """An array with a broadcast axis in front: stride 0, read-only."""
    return np.broadcast_to(a, (2, *a.shape))


def random(shape, dtype=float, low=-2.0, high=2.0, seed=0):
    """Elements of an interval, away from its ends by 1% of its width."""
    dtype = np.dtype(dtype)
    rng = np.random.default_rng(seed)
    low, high = low + 0.01 * (high - low), high - 0.01 * (high - low)
    a = np.asarray(rng.uniform(low, high, shape))
    if dtype.kind == "c":
        a = a + 1j * np.asarray(rng.uniform(low, high, shape))
    return np.asarray(a).astype(dtype)


def awkward(dtype=float, low=-2.0, high=2.0, seed=0, shapes=SHAPES):
    """(name, base, view) of every shape and layout that numbers and arrays share.

    view(base) is an array of elements between low and high; where the view is taken of a
    number seeded on base, the result is a number of that layout.
    """
    for shape in shapes:
        a = random(shape, dtype, low, high, seed)
        for name, (store, view) in LAYOUTS.items():
            yield f"{name} {shape}", store(a), view


def plain_arrays(dtype=float, low=-2.0, high=2.0, seed=0, shapes=SHAPES):
    """(name, array) of every shape and layout of a plain operand."""
    for shape in shapes:
        a = random(shape, dtype, low, high, seed)
        for name, (store, view) in LAYOUTS.items():
            yield f"{name} {shape}", view(store(a))
        for name, store in ARRAY_LAYOUTS.items():
            yield f"{name} {shape}", store(a)
        yield f"stride 0 {shape}", stride0(a)


def non_finite(dtype=float):
    """Zeros, infinities, NaN, extremes and a few ordinary elements of a floating dtype."""
    dtype = np.dtype(dtype)
    info = np.finfo(dtype)
    real = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, info.max, info.min, info.tiny,
                     -info.tiny, info.smallest_subnormal, 1.0, -1.0, 0.5, -3.0],
                    info.dtype if dtype.kind != "c" else np.empty(0, dtype).real.dtype)
    return real.astype(dtype)


# Pairs of shapes that broadcast against each other.
BROADCAST = (
    ((), ()), ((3,), ()), ((), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)),
    ((0, 3), (3,)), ((1,), (0,)), ((2, 1, 3), (4, 1)),
)
