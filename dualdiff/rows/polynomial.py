"""NumPy's old polynomial functions; those of numpy.polynomial stand in `polynomial_nd`.

May import: the kinds, the number, NumPy.
"""

import numpy as np

from dualdiff._kinds import holds, linear, pack, positional, values, with_value
from dualdiff._taylor import Taylor, parts


def coefficients(p):
    """Coefficients of a poly1d, a list or an array, as an array or a number."""
    p = p.coeffs if isinstance(p, np.poly1d) else p
    p = pack(p) if holds(p) else np.asarray(p)
    return p.reshape(1) if p.ndim == 0 else p


def written(func, body):
    """A row of polynomials: body in NumPy's functions, the value NumPy's own.

    A poly1d among the arguments makes the results poly1d, as in NumPy.
    """

    @positional(func, kind="compose")
    def row(*args, **kwargs):
        wrap = any(isinstance(a, np.poly1d) for a in args)
        args = [a.coeffs if isinstance(a, np.poly1d) else a for a in args]
        value = func(*values(args), **values(kwargs))
        if not holds(args) and not holds(kwargs):
            return value
        with np.errstate(all="ignore"):
            result = with_value(body(*args, **kwargs), value)
        if not wrap:
            return result
        return tuple(map(np.poly1d, result)) if isinstance(result, tuple) else np.poly1d(result)

    return row


# ---- evaluation ---------------------------------------------------------------------


def polyval(p, x):
    """np.polyval, by Horner's scheme."""
    if type(p) is Taylor and p.ndim == 0:
        raise TypeError("iteration over a 0-d array")  # NumPy's own
    p = coefficients(p)
    if isinstance(x, np.poly1d):
        y = 0
        for a in p:
            y = y * x + a
        return y
    x = pack(x) if holds(x) else np.asanyarray(x)
    value = np.polyval(values(p), values(x))
    y = 0 * x + p[0] if len(p) else 0 * x
    for a in p[1:]:
        y = y * x + a
    return with_value(y, value)


# ---- arithmetic ------------------------------------------------------------------------


def trimmed(p):
    """Without leading coefficients whose value is 0, as poly1d does."""
    p = coefficients(p)
    at = np.flatnonzero(values(p))
    return p[at[0]:] if len(at) else p[-1:] if len(p) else np.zeros(1)


def longer(p, n):
    """n coefficients, zeros in front."""
    p = coefficients(p)
    return np.concatenate([np.zeros(n - len(p), p.dtype), p]) if len(p) < n else p


def added(sign):
    """The body of polyadd (1) and polysub (-1)."""

    def body(a1, a2):
        n = max(len(coefficients(a1)), len(coefficients(a2)))
        return longer(a1, n) + sign * longer(a2, n)

    return body


def polydiv(u, v):
    """Long division; the remainder as short as NumPy makes it."""
    u, v = coefficients(u), coefficients(v)
    m, n = len(u) - 1, len(v) - 1
    scale, r, q = 1.0 / v[0], u + 0.0, []
    for k in range(m - n + 1):
        q.append(scale * r[k])
        r = r - np.concatenate([np.zeros(k), q[-1] * v, np.zeros(m - n - k)])
    size = np.size(np.polydiv(values(u), values(v))[1])
    q = pack(q) if holds(q) else np.array(q or [0.0])
    return q, r[len(u) - size:]


def polyder_rows(t, m=1):
    """np.polyder of every term."""
    for _ in range(m):
        t = t[:, :-1] * np.arange(t.shape[1] - 1, 0, -1)
    return t


def polyint(p, m=1, k=None):
    """np.polyint: linear in the polynomial and in the constants."""
    p = coefficients(p)
    k = np.zeros(m) if k is None else coefficients(k)
    k = k if len(k) > 1 or m <= 1 else k * np.ones(m)
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), k[i:i + 1]])
    return p


# ---- roots ----------------------------------------------------------------------------------


def poly(seq_of_zeros):
    """The polynomial with these roots, or the characteristic one of a matrix."""
    zeros = coefficients(seq_of_zeros)
    real = zeros.dtype.kind != "c"
    if zeros.ndim == 2:
        zeros = np.linalg.eigvals(zeros)
    else:
        value = np.poly(values(zeros))
        real = np.asarray(value).dtype.kind != "c"
    p = np.ones(1)
    for z in zeros:
        p = np.concatenate([p, np.zeros(1)]) - z * np.concatenate([np.zeros(1), p])
    return np.real(p) if real else p


def roots(p):
    """Roots where they are simple: p(r) = 0 solved by Newton's method, doubling the order."""
    p = coefficients(p)
    value = np.roots(values(p))
    alg, _, _ = parts(p)
    slopes = p[:-1] * np.arange(len(p) - 1, 0, -1)
    r, done = value, 0
    while done < alg.D and value.size:
        step = polyval(p, r) / polyval(slopes, r)
        r = with_value(r - step, value)
        done = 2 * done + 1
    return r if value.size else value


# ---- fitting ------------------------------------------------------------------------


def polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False):
    """np.polyfit, its steps with numpy.linalg's rows; rank and condition are constants."""
    x, y, w = (None if q is None else pack(q) if holds(q) else np.asarray(q) + 0.0
               for q in (x, y, w))
    if rcond is None:
        rcond = len(x) * np.finfo(x.dtype).eps
    lhs, rhs = np.vander(x, int(deg) + 1), y
    if w is not None:
        lhs = lhs * w[:, None]
        rhs = rhs * (w[:, None] if rhs.ndim == 2 else w)
    # the scale cancels: its value alone is as good, and the columns are as well conditioned
    scale = np.sqrt((values(lhs) ** 2).sum(axis=0))
    lhs = lhs / scale
    c, residuals, rank, s = np.linalg.lstsq(lhs, rhs, rcond)
    c = c / (scale if c.ndim == 1 else scale[:, None])
    if full:
        return c, residuals, rank, singular_values(x, w, deg), rcond
    if not cov:
        return c
    base = np.linalg.inv(np.dot(lhs.T, lhs)) / np.outer(scale, scale)
    if not (isinstance(cov, str) and cov == "unscaled"):
        fit = rhs - np.dot(lhs, (c.T * scale).T)
        base = (base if y.ndim == 1 else base[:, :, None]) * (
            (fit * fit).sum(axis=0) / (len(x) - int(deg) - 1))
    return c, base


def singular_values(x, w, deg):
    """Of the scaled matrix, with the scale's own derivative."""
    lhs = np.vander(x, int(deg) + 1)
    if w is not None:
        lhs = lhs * w[:, None]
    lhs = lhs / np.sqrt((lhs * lhs).sum(axis=0))
    return np.linalg.svd(lhs, compute_uv=False) if type(lhs) is Taylor else None


ROWS = {
    np.poly: written(np.poly, poly),
    np.polyval: positional(np.polyval, 2)(polyval),
    np.polyadd: written(np.polyadd, added(1)),
    np.polysub: written(np.polysub, added(-1)),
    np.polymul: written(np.polymul, lambda a1, a2: np.convolve(trimmed(a1), trimmed(a2))),
    np.polydiv: written(np.polydiv, polydiv),
    np.polyder: linear(np.polyder, polyder_rows),
    np.polyint: written(np.polyint, polyint),
    np.polyfit: written(np.polyfit, polyfit),
    np.roots: written(np.roots, roots),
}
