"""numpy.linalg: determinants.

May import: `_degrees`, the rows of numpy.linalg, NumPy.  Invariant: the derivatives of a
determinant are sums of minors, exact for singular matrices too.
"""

import numpy as np

from dualdiff._degrees import (
    adjoint,
    degrees,
    inner,
    inverse_terms,
    mm,
    number,
    product,
    span,
    trace_product,
)
from dualdiff._kinds import positional
from dualdiff._taylor import apply, make, parts
from dualdiff.rows.linalg import as_number, flat_checked, matrix_function


def log_det_terms(alg, a0, a, y0):
    """E log det A = tr(A^{-1} E A):  d s_d = d tr(Y_0 A_d) + sum over inner tr(Y_i j A_j)."""
    y = inverse_terms(alg, a0, a, y0, alg.D - 1) if alg.D > 1 else None
    s = trace_product(y0, a)
    if alg.D > 1:
        e = a * alg.degrees[1:, None, None, None].astype(a.real.dtype)
        for d, part in degrees(alg)[1:]:
            s[part] += inner(alg, d, trace_product, y, e) / d
    return s


def exp_terms(alg, c0, s):
    """c = c_0 exp(s), s without value:  d c_d = d s_d c_0 + sum over inner i s_i c_j."""
    c = np.empty_like(s)
    e = s * alg.degrees[1:].reshape(-1, *(1,) * (s.ndim - 1)).astype(s.real.dtype)
    for d, part in degrees(alg):
        c[part] = s[part] * c0 + inner(alg, d, np.multiply, e, c) / d
    return c


def det_terms(alg, a0, a, c0):
    """det A: by the logarithm where A_0 is far from singular, else by minors."""
    n = a0.shape[-1]
    out = np.zeros((len(a), len(a0)), a.dtype)
    if n == 0 or not len(a0):
        return out
    good = np.isfinite(c0) & (c0 != 0)
    y0 = np.linalg.inv(np.where(good[:, None, None], a0, np.eye(n, dtype=a0.dtype)))
    with np.errstate(all="ignore"):
        condition = np.abs(a0).sum(-2).max(-1) * np.abs(y0).sum(-2).max(-1)
        good &= condition < (1e4 if alg.D <= 2 else 100)
    if alg.D > 2:  # powers of A_0^{-1} A_d cancel in the result
        good &= np.abs(y0 @ a).max(axis=(0, -2, -1)) < 10
    if good.any():
        out[:, good] = exp_terms(
            alg, c0[good], log_det_terms(alg, a0[good], a[:, good], y0[good]))
    finite = np.isfinite(a0).all(axis=(-2, -1))
    out[:, ~finite] = np.where(a[:, ~finite].any(axis=(-2, -1)), np.nan, 0)
    for b in np.flatnonzero(~good & finite):
        out[:, b] = minors_det_terms(alg, a0[b], a[:, b])
    return out


SMALL = 0.01  # singular values up to this part of the largest are not divided by


def minors_det_terms(alg, a0, a):
    """det A = det(U) det(V^H) det(S + P) of one matrix of any rank, P = U^H (A - A_0) V.

    No small singular value is divided by.  Degrees 1 and 2: the principal minors of P times
    the products of the other singular values.
    """
    u, s, vh = np.linalg.svd(a0)
    phase = np.linalg.det(u) * np.linalg.det(vh)
    p = adjoint(u) @ a @ adjoint(vh)
    terms = (_small_minors if alg.D <= 2 else _schur_minors)(alg, s, p)
    return terms * (phase / abs(phase))


def _small_minors(alg, s, p):
    """det(S + P) to degree 2; products of singular values as mantissas and exponents.

    s falls, so s_n / s_i <= 1 takes s_i out of a product of the others; 0/0 is 1.
    """
    n = len(s)
    m, e = np.frexp(s)
    safe = np.where(m > 0, m, 1)
    without = [np.where(m > 0, m[-k] / safe, 1) for k in (1, 2) if k <= n]
    one = np.prod(m[:-1]) * without[0], e[:-1].sum() + e[-1] - e
    terms = _ldexp(p.diagonal(0, -2, -1) * one[0], one[1]).sum(-1)
    if alg.D == 1 or n == 1:
        return terms
    pair = np.ldexp(np.prod(m[:-2]) * without[1][:, None] * without[0],
                    e.sum() - e[:, None] - e)
    pair = np.triu(pair, 1)  # i < j: without s_i and s_j
    pair = pair + pair.T

    def minors(a, b):
        da, db = a.diagonal(0, -2, -1), b.diagonal(0, -2, -1)
        return ((da @ pair) * db - (a * pair * np.swapaxes(b, -1, -2)).sum(-1)).sum(-1) / 2

    terms[span(alg, 2)] += inner(alg, 2, minors, p, p)
    return terms


def _schur_minors(alg, s, p):
    """det(S + P) = det B det(C - G B^{-1} F): B has the large singular values; the second
    determinant is made of products only."""
    n, top = len(s), s[0]
    power = int(np.ceil(np.log2(top))) if top > 0 else 0
    s, p = np.ldexp(s, -power)[None], _ldexp(p, -power)[:, None]
    limit = max(SMALL * s[0, 0], 0.1 * np.abs(p).max())
    m = n - max(int((s <= limit).sum()), 1)
    dtype = p.dtype
    c0, c = (s[:, m:, None] * np.eye(n - m)).astype(dtype), p[..., m:, m:]
    lead, more = np.frexp(s[:, :m])
    lead = np.prod(lead, axis=-1).astype(dtype)
    if not m:
        return _ldexp(products_det(alg, c0, c)[1][:, 0], n * power)
    b0, b = (s[:, :m, None] * np.eye(m)).astype(dtype), p[..., :m, :m]
    f, g = p[..., :m, m:], p[..., m:, :m]
    y0 = (1 / s[:, :m, None] * np.eye(m)).astype(dtype)
    y = inverse_terms(alg, b0, b, y0)
    yf = product(alg, mm, y0, y, np.zeros_like(f[0]), f)
    c = c - product(alg, mm, np.zeros_like(g[0]), g, np.zeros_like(yf[0]), yf)
    first = exp_terms(alg, lead, log_det_terms(alg, b0, b, y0))
    terms = product(alg, np.multiply, lead, first, *products_det(alg, c0, c))
    return _ldexp(terms[:, 0], n * power + int(more.sum()))


def _ldexp(a, e):
    """a 2^e."""
    if a.dtype.kind == "c":
        return np.ldexp(a.real, e) + 1j * np.ldexp(a.imag, e)
    return np.ldexp(a, e)


def products_det(alg, c0, c):
    """(value, terms) of a determinant without division (Bird 2011): r - 1 products."""
    r = c0.shape[-1]
    f0, f = c0, c
    for _ in range(r - 1):
        f0, f = _mu(f0), _mu(f)
        f0, f = f0 @ c0, product(alg, mm, f0, f, c0, c)
    sign = -1 if r % 2 == 0 else 1
    return sign * f0[..., 0, 0], sign * f[..., 0, 0]


def _mu(f):
    """Bird's operator: strict upper triangle, and minus the sums of the diagonal below."""
    out = np.triu(f, 1)
    diagonal = np.diagonal(f, 0, -2, -1)
    below = np.cumsum(diagonal[..., ::-1], axis=-1)[..., ::-1]
    n = np.arange(f.shape[-1])
    out[..., n[:-1], n[:-1]] = -below[..., 1:]
    return out


@positional(np.linalg.slogdet)
def slogdet(a):
    """log |det A| is the real part of log det A; the sign turns with its imaginary part."""
    x = as_number(np.linalg.slogdet, a)
    if x is None:
        return np.linalg.slogdet(a)
    alg, a0, at, batch = flat_checked(np.linalg.slogdet, x)
    value = np.linalg.slogdet(x.value)
    sign0 = np.reshape(value[0], -1)
    regular = sign0 != 0
    eye = np.eye(a0.shape[-1], dtype=a0.dtype)
    s = np.zeros((len(at), len(a0)), at.dtype)
    if regular.any():
        r = regular
        s[:, r] = log_det_terms(alg, a0[r], at[:, r], np.linalg.inv(a0[r]) if a0.shape[-1]
                                else eye[None])
    if not regular.all():  # the logarithm at 0
        q = ~regular
        c = det_terms(alg, a0[q], at[:, q], np.zeros(q.sum(), a0.dtype))
        with np.errstate(all="ignore"):
            s[:, q] = parts(apply("log", make(alg, np.zeros(q.sum(), a0.dtype), c)))[2]
    log = number(alg, value[1], s.real)
    if at.dtype.kind != "c":
        return type(value)(value[0], log)
    return type(value)(number(alg, value[0], exp_terms(alg, sign0, 1j * s.imag)), log)


ROWS = {
    np.linalg.det: matrix_function(np.linalg.det, det_terms),
    np.linalg.slogdet: slogdet,
}
