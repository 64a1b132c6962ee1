"""Implicit array functions, degree by degree: inverses, factorisations, spectra.

y is defined by G(x, y) = 0.  Degree d of that equation holds y_[d] only in the term
G_y(x0, y0) y_[d]; the rest is made of x and of what is known below d.  So one
factorisation of order 0 serves every degree, and all that is needed beside it is
degree d of truncated products: `inner`.

Numbers are handled here as bare stacks: value of shape (B, m, n), terms of shape
(K, B, m, n); K numbers the monomials of degree >= 1, B the matrices of a batch.

May import: the number, NumPy.  Invariant: no loop over monomials or over the batch;
the Python loops run over degrees.
"""

import math
import weakref

import numpy as np

from dualdiff._blocks import LARGE
from dualdiff._memory import new
from dualdiff._taylor import apply, make, parts

CHUNK = 1 << 22  # elements of gathered products held at once


# ---- products ---------------------------------------------------------------


def span(alg, d):
    """Where the terms of degree d stand."""
    heads = alg.heads
    return slice(int(heads[d]) - 1, int(heads[d + 1]) - 1)


def degrees(alg):
    """(d, span) for d = 1 .. D."""
    return [(d, span(alg, d)) for d in range(1, alg.D + 1)]


def blank(a):
    """An array like a, its elements not set."""
    return np.empty(a.shape, a.dtype) if a.size < LARGE else new(a.shape, a.dtype)


def mm(a, b, out=None):
    """Matrix products of stacks."""
    if out is None and max(a.size, b.size) >= LARGE:
        shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + (a.shape[-2], b.shape[-1])
        out = new(shape, a.dtype if a.dtype == b.dtype else np.result_type(a, b))
    return np.matmul(a, b, out=out)


def mm_adjoint(a, b):
    """Products of matrices with conjugate transposes."""
    return mm(a, adjoint(b))


def inner(alg, d, f, a, b):
    """Degree d of the sum of f(a_i, b_j) over pairs with both degrees >= 1; 0 at d = 1.

    f: a product on stacks, such as mm; a and b are needed below degree d only.
    Monomials with equally many pairs are done together.
    """
    if d == 1:
        return 0
    if f is mm and 4 * b.shape[-1] <= b.shape[-2]:
        return inner_narrow(alg, d, a, b)
    start, pi, pj = alg.pairs
    head, end = int(alg.heads[d]), int(alg.heads[d + 1])
    counts = np.diff(start[head:end + 1])
    cost = max(a[:1].size, b[:1].size, 1)
    out = None
    for count in np.unique(counts):
        every = np.flatnonzero(counts == count)
        step = max(CHUNK // (cost * int(count)), 1)
        for k in range(0, len(every), step):  # as many at a time as the chunk holds
            at = every[k:k + step]
            pairs = start[head + at][:, None] + np.arange(count)
            c = sum_of_products(f, a, b, pi[pairs] - 1, pj[pairs] - 1)
            if len(at) == len(counts):
                return c
            if out is None:
                out = np.empty((len(counts), *c.shape[1:]), c.dtype)
            out[at] = c
    return out


def sum_of_products(f, a, b, i, j):
    """Sums over the second axis of i and j of f(a_i, b_j)."""
    k, count = i.shape
    if count == 1:
        return f(gathered(a, i[:, 0]), gathered(b, j[:, 0]))
    if f is mm:  # one product of longer rows and columns
        tall = rearranged(np.moveaxis(gathered(b, j), 1, -3))
        rows = count * b.shape[-2]
        return mm(side_by_side(a, i), tall.reshape(*tall.shape[:-3], rows, b.shape[-1]))
    if f is mm_adjoint:
        return mm_adjoint(side_by_side(a, i), side_by_side(b, j))
    c = f(gathered(a, i.ravel()), gathered(b, j.ravel()))
    return np.add.reduce(c.reshape(k, count, *c.shape[1:]), axis=1)


def inner_narrow(alg, d, a, b):
    """inner(alg, d, mm, a, b) for b of few columns: it does not copy the matrices a."""
    out, columns = None, b.shape[-1]
    for left, right, i, j, first, k in splits(alg, d):
        rows = b[right]
        wide = np.moveaxis(rows, 0, -2).reshape(*b.shape[1:-1], len(rows) * columns)
        c = mm(a[left], wide)  # every matrix of one degree with every one of the other
        c = c.reshape(*c.shape[:-1], len(rows), columns)[i, ..., j, :]
        if len(first) < len(c):
            c = np.add.reduceat(c, first, axis=0)
        if out is None:
            out = np.zeros((int(alg.heads[d + 1] - alg.heads[d]), *c.shape[1:]), c.dtype)
        out[k] += c
    return 0 if out is None else out


_splits = weakref.WeakKeyDictionary()


def splits(alg, d):
    """The pairs of degree d by the degree of i: (span of i, span of j, i, j, first, k).

    i and j count within their spans; pairs from first[q] on belong to monomial k[q] of
    degree d.
    """
    found = _splits.setdefault(alg, {})
    if d in found:
        return found[d]
    start, pi, pj = alg.pairs
    head, end = int(alg.heads[d]), int(alg.heads[d + 1])
    k = np.repeat(np.arange(end - head), np.diff(start[head:end + 1]))
    i, j = pi[start[head]:start[end]], pj[start[head]:start[end]]
    found[d] = []
    for e in range(1, d):
        at = alg.degrees[i] == e
        if at.any():
            left, right, ke = span(alg, e), span(alg, d - e), k[at]
            first = np.flatnonzero(np.r_[True, ke[1:] != ke[:-1]])
            found[d].append((left, right, i[at] - 1 - left.start, j[at] - 1 - right.start,
                             first, ke[first]))
    return found[d]


def gathered(a, i):
    """a[i]."""
    if i.size * a[:1].size < LARGE:
        return a[i]
    return np.take(a, i, axis=0, out=new((*i.shape, *a.shape[1:]), a.dtype), mode="clip")


def rearranged(a):
    """a, contiguous."""
    out = blank(a)
    out[...] = a
    return out


def side_by_side(a, i):
    """Matrices a_i of each row of i, side by side."""
    wide = rearranged(np.moveaxis(gathered(a, i), 1, -2))
    return wide.reshape(*wide.shape[:-2], i.shape[1] * a.shape[-1])


def product(alg, f, a0, a, b0, b):
    """Terms of the truncated product f(a, b)."""
    c = f(a, b0[None]) + f(a0[None], b)
    for d, s in degrees(alg)[1:]:
        c[s] += inner(alg, d, f, a, b)
    return c


def columns(a, w):
    """a diag(w)."""
    return a * w[..., None, :]


def gram(a, b):
    """Diagonal of a^H b: products of equal columns."""
    return np.add.reduce(adjoint_elements(a) * b, axis=-2)


def trace_product(a, b):
    """Trace of a b."""
    return np.einsum("...ij,...ji->...", a, b)


# ---- matrices ---------------------------------------------------------------


def adjoint_elements(a):
    """Complex conjugate; a itself if it is real."""
    return a.conj() if a.dtype.kind == "c" else a


def adjoint(a):
    """Conjugate transpose of every matrix."""
    return adjoint_elements(np.swapaxes(a, -1, -2))


def hermitian(a, lower=True):
    """The Hermitian matrices whose lower (or upper) triangle is that of a."""
    n = np.arange(a.shape[-1])
    out = rearranged(a)
    np.copyto(out, adjoint(a), where=n > n[:, None] if lower else n < n[:, None])
    if a.dtype.kind == "c":
        out.imag[..., n, n] = 0
    return out


def flat(x):
    """(algebra, value (B, m, n), terms (K, B, m, n), shape of the batch) of stacks."""
    alg, value, terms = parts(x)
    batch, core = value.shape[:-2], value.shape[-2:]
    shape = (math.prod(batch), *core)
    return alg, value.reshape(shape), terms.reshape(len(terms), *shape), batch


def number(alg, value, terms):
    """The number of NumPy's own value and of flat terms."""
    value = np.asarray(value)
    terms = np.asarray(terms).reshape(len(terms), *value.shape)
    return make(alg, value, terms.astype(value.dtype, copy=False))


def like(terms, *shape):
    """Zero terms over the same monomials and batch, with matrices of another shape."""
    return np.zeros(terms.shape[:2] + shape, terms.dtype)


# ---- order 0, once ----------------------------------------------------------


def solver(a0, uses):
    """The function r -> a0^{-1} r on stacks; called `uses` times.

    A few times: LAPACK solves for all columns at once.  More: by the inverse, made once,
    and one step of refinement, which keeps the accuracy of a solve.
    """
    if uses > 2:
        inverse = np.linalg.inv(a0)

        def by_inverse(r):
            x = inverse @ r
            return x + inverse @ (r - a0 @ x)

        return by_inverse

    def solve(r):
        k, n = len(r), r.shape[-1]
        if k == 1:
            return np.linalg.solve(a0, r[0])[None]
        side = np.moveaxis(r, 0, -2).reshape(*r.shape[1:-1], k * n)
        x = np.linalg.solve(a0, side)
        return np.moveaxis(x.reshape(*x.shape[:-1], k, n), -2, 0)

    return solve


def triangular_inverse(l):
    """Inverse of lower triangular matrices; a zero on the diagonal gives inf and NaN."""
    n = l.shape[-1]
    if n == 1:
        with np.errstate(all="ignore"):
            return 1 / l
    if n <= 32 and np.diagonal(l, 0, -2, -1).all() and np.isfinite(l).all():
        return np.tril(np.linalg.inv(l))
    h = n // 2
    out = np.zeros_like(l)
    a, b = triangular_inverse(l[..., :h, :h]), triangular_inverse(l[..., h:, h:])
    out[..., :h, :h], out[..., h:, h:] = a, b
    with np.errstate(all="ignore"):
        out[..., h:, :h] = -(b @ (l[..., h:, :h] @ a))
    return out


def inverse_terms(alg, a0, a, y0, to=None):
    """A Y = I:  Y_d = -Y_0 (A_d Y_0 + sum A_i Y_j), to degree `to`."""
    y, y1 = blank(a), -y0
    if to is not None and to < alg.D:
        y[span(alg, to + 1).start:] = 0
    for d, s in degrees(alg)[:to]:
        t = mm(a[s], y0)
        t += inner(alg, d, mm, a, y)
        mm(y1, t, out=y[s])
    return y


# ---- series of columns ------------------------------------------------------


def unit_columns(alg, v0, v, anchor=None, normalise=False):
    """Terms of v with its columns scaled by numbers whose value is 1.

    normalise: so that columns keep their length.  anchor: index (B, n) of one element of
    each column, kept at its phase of order 0; negative where there is none.
    """
    if normalise:
        scale = gram(v0, v0).real
        square = 2 * gram(v0[None], v).real
        for d, s in degrees(alg)[1:]:
            square[s] += inner(alg, d, gram, v, v).real
        v = product(alg, columns, v0, v, np.ones_like(scale), rsqrt(alg, square / scale))
    if anchor is not None and v.dtype.kind == "c":
        at = np.maximum(anchor, 0)[..., None, :]
        c0 = np.take_along_axis(v0, at, -2)[..., 0, :]
        c = np.take_along_axis(v, np.broadcast_to(at, (len(v), *at.shape)), -2)[..., 0, :]
        free = (anchor < 0) | (c0 == 0)
        c = np.where(free, 0, c / np.where(free, 1, c0))  # relative to order 0
        square = 2 * c.real
        for d, s in degrees(alg)[1:]:
            square[s] += inner(alg, d, lambda a, b: (a.conj() * b).real, c, c)
        one = np.ones_like(c0)
        phase = product(alg, np.multiply, one, c.conj(), one, rsqrt(alg, square))
        v = product(alg, columns, v0, v, one, phase)
    return v


def rsqrt(alg, a):
    """Terms of 1/sqrt(1 + a)."""
    ones = np.ones(a.shape[1:], a.dtype)
    x = make(alg, ones, np.ascontiguousarray(a))
    return parts(apply("power", x, p=-0.5, value=ones))[2]


def complement(alg, u0, k1):
    """Terms of u0 [0; I] continued orthonormal to u0 ([I; 0] + k1), not turning within itself.

    u0: (B, m, m) unitary; k1: terms (K, B, m, n) of the first n columns in its basis.
    """
    m, n = k1.shape[-2:]
    k2 = like(k1, m, m - n)
    k1h, k2h = adjoint(k1), None
    for d, s in degrees(alg):
        k2[s, :, :n] = -k1h[s][..., :, n:] - inner(alg, d, mm, k1h, k2)
        if d > 1:
            k2h = adjoint(k2)
            k2[s, :, n:] = -0.5 * inner(alg, d, mm, k2h, k2)
    return mm(u0, k2)
