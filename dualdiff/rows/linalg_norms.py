"""numpy.linalg: norms, condition numbers, and the namesakes of functions in NumPy itself.

Norms are made of numbers scaled by a power of two, so that nothing overflows on the way;
at 0 they have derivative 0, ties share equally, the norms of a matrix made of its singular
values follow those.

May import: the kinds, the other rows of numpy.linalg, NumPy.  Invariant: the value is
NumPy's own, and so infinite where NumPy's own sum of squares overflows.
"""

import numpy as np

from dualdiff._degrees import degrees, inner
from dualdiff._kinds import lead, linear, positional
from dualdiff._reference import times
from dualdiff._taylor import apply, make, parts
from dualdiff.rows.linalg import as_number

# ---- norms -----------------------------------------------------------------------


def power_of_two(value, axis):
    """A power of two near the largest finite |element| along axis, kept as axes of length 1."""
    size = np.abs(value)
    top = np.max(np.where(np.isfinite(size), size, 0), axis=axis, keepdims=True, initial=0)
    with np.errstate(divide="ignore"):
        return np.where(top > 0, np.exp2(np.floor(np.log2(top))), 1).astype(top.dtype)


def length_terms(alg, value, terms, axis):
    """Terms of sqrt(sum |x|^2) over axes, kept; 0 at x = 0 whatever the direction."""
    scale = power_of_two(value, axis)
    x0, x = value / scale, terms / scale
    shifted = tuple(a + 1 for a in axis)

    def dot(a, b):
        c = times(a.real, b.real)
        if a.dtype.kind == "c":
            c = c + times(a.imag, b.imag)
        return np.sum(c, axis=shifted, keepdims=True)

    size = np.sqrt(dot(x0[None], x0[None])[0])
    one = size > 0
    safe = np.where(one, size, 1)
    y = dot(x0[None], x) / safe
    for d, s in degrees(alg)[1:]:
        y[s] += (inner(alg, d, dot, x, x) - inner(alg, d, np.multiply, y, y)) / (2 * safe)
    return np.where(one, y, 0) * scale


def absolute_terms(alg, value, terms):
    """Terms of |x|: by the sign, which is 0 at 0; complex ones by their length."""
    if value.dtype.kind == "c":
        wide = value[..., None]
        return length_terms(alg, wide, terms[..., None], (wide.ndim - 1,))[..., 0]
    sign = np.sign(value)
    return np.where(sign == 0, 0, terms * sign)


def extreme_terms(value, terms, axis, largest):
    """Terms of the largest (or smallest) element along an axis, kept; ties share equally."""
    best = (np.max if largest else np.min)(value, axis=axis, keepdims=True)
    mask = value == best
    shifted = tuple(a + 1 for a in axis)
    return np.sum(np.where(mask, terms, 0), axis=shifted, keepdims=True) / np.maximum(
        mask.sum(axis=axis, keepdims=True), 1)


def power_sum_terms(alg, value, terms, p, axis):
    """Terms of (sum |x|^p)^(1/p) over axes, kept."""
    scale = power_of_two(value, axis)
    size, rest = np.abs(value) / scale, absolute_terms(alg, value, terms) / scale
    zero = size == 0
    safe = make(alg, np.where(zero, 1, size), np.where(zero, 0, rest))
    powers = np.power(np.where(zero, 1, size), p)
    _, v, t = parts(apply("power", safe, p=float(p), value=powers))
    at = tuple(a + 1 for a in axis)
    s0 = np.sum(np.where(zero, 0, v), axis=axis, keepdims=True)
    s = np.sum(np.where(zero, 0, t), axis=at, keepdims=True)
    none = s0 == 0
    if p < 0:  # a zero makes the norm 0
        none = none | zero.any(axis=axis, keepdims=True)
    s0, s = np.where(none, 1, s0), np.where(none, 0, s)
    total = make(alg, s0, np.ascontiguousarray(s))
    return parts(apply("power", total, p=1 / p, value=np.power(s0, 1 / p)))[2] * scale


def vector_terms(alg, value, terms, p, axis):
    """Terms of a vector norm along one axis, or the 2-norm over several, kept."""
    if p is None or p == 2:
        return length_terms(alg, value, terms, axis)
    if p == 0:
        shape = [1 if i in axis else n for i, n in enumerate(value.shape)]
        return np.zeros((len(terms), *shape), value.real.dtype)
    size, rest = np.abs(value), absolute_terms(alg, value, terms)
    if p in (np.inf, -np.inf):
        return extreme_terms(size, rest, axis, p > 0)
    if p == 1:
        return np.sum(rest, axis=tuple(a + 1 for a in axis), keepdims=True)
    return power_sum_terms(alg, value, terms, p, axis)


def matrix_terms(alg, value, terms, p, axis):
    """Terms of a matrix norm over two axes, kept."""
    if p in (None, "fro", "f"):
        return length_terms(alg, value, terms, axis)
    if p in (2, -2, "nuc"):
        x = make(alg, np.moveaxis(value, axis, (-2, -1)),
                 np.moveaxis(terms, tuple(a + 1 for a in axis), (-2, -1)))
        s = parts(np.linalg.svd(x, compute_uv=False))[2]
        t = s.sum(axis=-1) if p == "nuc" else s[..., 0 if p == 2 else -1]
        return np.expand_dims(t, tuple(a + 1 for a in axis))
    over, along = axis if p in (1, -1) else axis[::-1]
    size, rest = np.abs(value), absolute_terms(alg, value, terms)
    return extreme_terms(np.sum(size, axis=over, keepdims=True),
                         np.sum(rest, axis=over + 1, keepdims=True), (along,), p > 0)


def norm_number(value, x, p, axis, keepdims, terms_of=None):
    """The number of NumPy's value and the terms of the norm over these axes of x."""
    alg, v, t = parts(x)
    axis = tuple(a % v.ndim for a in axis)
    if v.size == 0:
        return value
    f = terms_of or (matrix_terms if len(axis) == 2 else vector_terms)
    with np.errstate(all="ignore"):
        terms = f(alg, v, t, p, axis)
    return make(alg, value, terms.reshape(len(t), *np.shape(value)).astype(
        np.result_type(value), copy=False))


@positional(np.linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    """Vector norms of one axis, matrix norms of two, the 2-norm of all elements."""
    y = as_number(np.linalg.norm, x, ord, axis, keepdims)
    value = np.linalg.norm(x if y is None else y.value, ord, axis, keepdims)
    if y is None:
        return value
    every = tuple(range(y.ndim))
    if axis is None:
        axis = every
        if ord is None or (ord in ("f", "fro") and y.ndim == 2) or (ord == 2 and y.ndim == 1):
            return norm_number(value, y, None, every, keepdims, vector_terms)
    axis = axis if isinstance(axis, tuple) else (axis,)
    return norm_number(value, y, ord, axis, keepdims)


@positional(np.linalg.vector_norm)
def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """Vector norms over any axes."""
    y = as_number(np.linalg.vector_norm, x, axis, keepdims, ord)
    value = np.linalg.vector_norm(x if y is None else y.value, axis=axis, keepdims=keepdims,
                                  ord=ord)
    if y is None:
        return value
    if axis is None:
        axis = tuple(range(y.ndim))
    axis = axis if isinstance(axis, tuple) else (axis,)
    return norm_number(value, y, ord, axis, keepdims, vector_terms)


@positional(np.linalg.matrix_norm)
def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """Matrix norms over the last two axes."""
    y = as_number(np.linalg.matrix_norm, x, keepdims, ord)
    value = np.linalg.matrix_norm(x if y is None else y.value, keepdims=keepdims, ord=ord)
    return value if y is None else norm_number(value, y, ord, (-2, -1), keepdims, matrix_terms)


@positional(np.linalg.cond)
def cond(x, p=None):
    """s_1 / s_n, or |x| |x^{-1}|; at a singular matrix NaN along what moves it."""
    y = as_number(np.linalg.cond, x, p)
    value = np.asarray(np.linalg.cond(x if y is None else y.value, p))
    if y is None:
        return value[()]
    alg, v, t = parts(y)
    if v.size == 0:
        return value[()]
    bad = ~np.isfinite(value)
    n = min(v.shape[-2:])
    v = np.where(bad[..., None, None], np.eye(*v.shape[-2:]), v).astype(v.dtype)
    safe = make(alg, v, np.where(bad[..., None, None], 0, t).astype(t.dtype))
    if p is None or p in (2, -2):
        s = np.linalg.svd(safe, compute_uv=False)
        c = s[..., n - 1] / s[..., 0] if p == -2 else s[..., 0] / s[..., n - 1]
    else:
        c = np.linalg.norm(safe, p, (-2, -1)) * np.linalg.norm(np.linalg.inv(safe), p, (-2, -1))
    terms = np.where(bad, np.where(t.any(axis=(-2, -1)), np.nan, 0), parts(c)[2])
    return make(alg, value, terms.astype(value.dtype))


# ---- namesakes -------------------------------------------------------------------------


def trace_rows(t, offset=0, axis1=0, axis2=1, dtype=None):
    """np.trace of every term."""
    return np.trace(t, offset, lead(axis1, t.ndim - 1), lead(axis2, t.ndim - 1), dtype)


ROWS = {
    np.linalg.norm: norm,
    np.linalg.vector_norm: vector_norm,
    np.linalg.matrix_norm: matrix_norm,
    np.linalg.cond: cond,
    np.linalg.matrix_transpose: linear(np.linalg.matrix_transpose,
                                       lambda t: np.swapaxes(t, -1, -2)),
    np.linalg.diagonal: linear(np.linalg.diagonal, lambda t, offset=0: np.diagonal(
        t, offset, -2, -1)),
    np.linalg.trace: linear(np.linalg.trace, lambda t, offset=0, dtype=None: np.trace(
        t, offset, -2, -1, dtype)),
    np.trace: linear(np.trace, trace_rows),
}
METHODS = {"trace": np.trace}
