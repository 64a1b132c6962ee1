"""numpy.linalg: eigenvalues and singular values, QR.

Vectors keep NumPy's own gauge, that is LAPACK's: their length is 1 at every order, real
ones do not change sign, and of complex ones one component keeps its phase: the first one
of `eigh` (the last for UPLO="U"), the largest one of `eig`, of `svd` the first component
of v (of u for wide matrices), in `qr` the diagonal of R stays real.  The columns of u and
vh of `svd(full_matrices=True)` that belong to no singular value turn as little as they can;
those of `qr(mode="complete")` follow LAPACK's reflectors.

May import: the kinds, `_degrees`, `_spectral`, NumPy.  Invariant: the value is NumPy's own,
but for the basis of a repeated eigenvalue where a single direction selects another one.
"""

import numpy as np

from dualdiff._degrees import (
    adjoint,
    columns,
    complement,
    degrees,
    flat,
    gram,
    hermitian,
    inner,
    inverse_terms,
    like,
    mm,
    number,
    product,
    triangular_inverse,
    unit_columns,
)
from dualdiff._kinds import positional
from dualdiff._spectral import (
    blocks,
    crowded,
    groups_of,
    repeated,
    repeated_singular,
    singular,
    tolerance,
)
from dualdiff._taylor import make, parts
from dualdiff.rows.linalg import as_number, flat_checked

FAINT = 1e-6  # a component below this part of its vector fixes no phase


def empty(alg):
    """The function that makes an array without anything to differentiate a number."""
    return lambda y: make(alg, y, np.zeros((alg.M - 1, *y.shape), y.dtype))


def _map(value, f):
    """f of every array of a result, a named tuple, tuple or array."""
    if isinstance(value, tuple):
        y = map(f, value)
        return type(value)(*y) if hasattr(value, "_fields") else tuple(y)
    return f(value)


# ---- Hermitian --------------------------------------------------------------


def hermitian_spectrum(alg, w, v0, a, uplo, vectors=True):
    """(values, V_0, V): terms of the eigenvalues, value and terms of the vectors."""
    n = w.shape[-1]
    many = crowded(w, n)
    v0 = v0.copy() if many.any() else v0
    lam, v = np.zeros((len(a), *w.shape), w.dtype), np.zeros_like(a)
    if not many.all():
        one = slice(None) if not many.any() else ~many
        q = v0[one]
        if alg.D == 1 and not vectors:
            lam[:, one] = gram(q, a[:, one] @ q).real
        else:
            h = mm(adjoint(q), mm(a[:, one], q))
            lam[:, one], z = blocks(alg, w[one], h, last=vectors)
            v[:, one] = mm(q, z)
    for b in np.flatnonzero(many):
        groups = groups_of(w[b], tolerance(w[b:b + 1], n)[0], "rising")
        values, k0, k = repeated(alg, w[b], adjoint(v0[b]) @ a[:, b] @ v0[b], groups)
        lam[:, b] = values.real
        with np.errstate(invalid="ignore"):
            v[:, b] = v0[b] @ k
        if (k0 != np.eye(n)).any():
            v0[b] = v0[b] @ k0
    if vectors and v.dtype.kind == "c":
        row = 0 if uplo.upper() == "L" else n - 1
        v = unit_columns(alg, v0, v, anchors(v0, row))
    return lam, v0, v


def anchors(v0, row):
    """That row of every column, -1 where it is too small to have a phase."""
    return np.where(np.abs(v0[..., row, :]) > FAINT, row, -1)


@positional(np.linalg.eigh)
def eigh(a, UPLO="L"):
    """Only the triangle UPLO of A is read."""
    x = as_number(np.linalg.eigh, a, UPLO)
    if x is None:
        return np.linalg.eigh(a, UPLO)
    alg, a0, at, _ = flat_checked(np.linalg.eigh, x)
    value = np.linalg.eigh(x.value, UPLO)
    w, v = value
    if not a0.size:
        return _map(value, empty(alg))
    at = hermitian(at, UPLO.upper() == "L")
    lam, v0, vt = hermitian_spectrum(
        alg, w.reshape(a0.shape[:-1]), v.reshape(a0.shape), at, UPLO)
    return type(value)(number(alg, w, lam), number(alg, v0.reshape(v.shape), vt))


@positional(np.linalg.eigvalsh)
def eigvalsh(a, UPLO="L"):
    """As eigh."""
    x = as_number(np.linalg.eigvalsh, a, UPLO)
    if x is None:
        return np.linalg.eigvalsh(a, UPLO)
    alg, a0, at, _ = flat_checked(np.linalg.eigvalsh, x)
    w = np.linalg.eigvalsh(x.value, UPLO)
    if not w.size:
        return empty(alg)(w)
    v = np.linalg.eigh(a0, UPLO)[1]
    at = hermitian(at, UPLO.upper() == "L")
    return number(alg, w, hermitian_spectrum(
        alg, w.reshape(a0.shape[:-1]), v, at, UPLO, vectors=False)[0])


# ---- general ----------------------------------------------------------------


def general_spectrum(alg, w, v0, a, vectors=True):
    """See hermitian_spectrum; complex where a real pair becomes complex."""
    n = w.shape[-1]
    s = np.linalg.svd(v0, compute_uv=False)
    defective = s[:, -1] <= 4 * n * np.finfo(w.dtype).eps * s[:, 0]
    eye = np.eye(n, dtype=v0.dtype)
    basis = np.where(defective[:, None, None], eye, v0)
    h = np.linalg.inv(basis) @ (a @ basis)
    many = crowded(w, n) & ~defective
    lam, v = np.zeros((len(a), *w.shape), h.dtype), np.zeros_like(h)
    one = ~many & ~defective
    if one.any():
        lam[:, one], z = blocks(alg, w[one], h[:, one], unitary=False, last=vectors)
        v[:, one] = v0[one] @ z
        if lam.dtype.kind == "c" and a.dtype.kind != "c":  # real eigenvalues stay real
            real = one[:, None] & (w.imag == 0)
            lam.imag[:, real] = 0
            v.imag[np.broadcast_to(real[:, None], v.shape)] = 0
    for b in np.flatnonzero(many):
        groups = groups_of(w[b], tolerance(w[b:b + 1], n)[0], "general")
        values, k0, k = repeated(alg, w[b].astype(complex_of(w)), h[:, b].astype(complex_of(w)),
                                 groups)
        with np.errstate(invalid="ignore"):
            k = v0[b] @ k
        if lam.dtype.kind != "c" and any(y.imag.any() for y in (values, k0, k)):
            lam, v, v0 = (y.astype(complex_of(w)) for y in (lam, v, v0))
        real = lam.dtype.kind != "c"
        lam[:, b], v[:, b] = (values.real, k.real) if real else (values, k)
        if (k0 != eye).any():
            v0 = v0.copy()
            k0 = v0[b] @ (k0.real if real else k0)
            size = np.linalg.norm(k0, axis=0)
            v0[b], v[:, b] = k0 / size, v[:, b] / size
    lost = np.where(a[:, defective].any(axis=(-2, -1)), np.nan, 0)
    lam[:, defective], v[:, defective] = lost[..., None], lost[..., None, None]
    if vectors:
        size = np.abs(v0) * np.where(v0.imag == 0, 1 + 1e-6, 1)
        with np.errstate(invalid="ignore"):
            v = unit_columns(alg, v0, v, size.argmax(axis=-2), normalise=True)
    return lam, v0, v


def complex_of(a):
    """The complex dtype of the precision of a."""
    return np.result_type(a.dtype, np.complex64)


@positional(np.linalg.eig)
def eig(a):
    """A V = V W; vectors of length 1."""
    x = as_number(np.linalg.eig, a)
    if x is None:
        return np.linalg.eig(a)
    alg, a0, at, _ = flat_checked(np.linalg.eig, x)
    value = np.linalg.eig(x.value)
    w, v = value
    if not a0.size:
        return _map(value, empty(alg))
    lam, v0, vt = general_spectrum(alg, w.reshape(a0.shape[:-1]), v.reshape(a0.shape), at)
    if lam.dtype != w.dtype:
        w = w.astype(lam.dtype)
    return type(value)(number(alg, w, lam), number(alg, v0.reshape(v.shape), vt))


@positional(np.linalg.eigvals)
def eigvals(a):
    """As eig, in the order of NumPy's eigvals."""
    x = as_number(np.linalg.eigvals, a)
    if x is None:
        return np.linalg.eigvals(a)
    alg, a0, at, _ = flat_checked(np.linalg.eigvals, x)
    w = np.linalg.eigvals(x.value)
    if not w.size:
        return empty(alg)(w)
    w1, v = np.linalg.eig(a0)
    lam = general_spectrum(alg, w1, v, at, vectors=False)[0]
    order = matched(w.reshape(a0.shape[:-1]), w1)
    lam = np.take_along_axis(lam, np.broadcast_to(order, lam.shape), -1)
    if lam.dtype.kind == "c" and w.dtype.kind != "c":
        if not lam.imag.any():
            lam = lam.real
        else:
            w = w.astype(lam.dtype)
    return number(alg, w, lam)


def matched(w, w1):
    """Which element of w1 is each of w: LAPACK may find eigenvalues in another order."""
    distance = np.abs(w[:, :, None] - w1[:, None, :])
    n = w.shape[-1]
    order = np.empty(w.shape, np.intp)
    every = np.arange(len(w))
    for _ in range(n):  # nearest pair first
        at = distance.reshape(len(w), -1).argmin(axis=-1)
        i, j = at // n, at % n
        order[every, i] = j
        distance[every, i], distance[every, :, j] = np.inf, np.inf
    return order


# ---- singular values --------------------------------------------------------


def singular_spectrum(alg, a0, a, u0, s0, v0, vectors=True, full=False):
    """(S, (U_0, U), (V_0, V)) for m >= n; u0 is square if full."""
    m, n = a0.shape[-2:]
    many = crowded(s0, m) | (s0[:, -1] <= tolerance(s0, m))
    s = np.zeros((len(a), *s0.shape), s0.dtype)
    u, v = like(a, *u0.shape[-2:]), like(a, n, n)
    if not many.all():
        one = slice(None) if not many.any() else ~many
        q, r, left = u0[one][..., :n], v0[one], u0[one]
        av = a[:, one] @ r
        if alg.D == 1 and not vectors:
            s[:, one] = gram(q, av).real
        else:
            p = adjoint(q) @ av
            rest = av - q @ p if m > n else None
            s[:, one], x, y, out = singular(alg, s0[one], p, rest, last=vectors)
            if vectors:
                ux = q @ x if out is None else q @ x + out
                v[:, one] = r @ y
                if full and m > n:
                    k1 = adjoint(left) @ ux
                    ux = np.concatenate([ux, complement(alg, left, k1)], axis=-1)
                u[:, one] = ux
    if many.any():
        u0, v0 = u0.copy(), v0.copy()
    for b in np.flatnonzero(many):
        s[:, b], (p0, p), (q0, q) = repeated_singular(alg, a0[b], a[:, b])
        k = u0.shape[-1]
        u0[b], u[:, b], v0[b], v[:, b] = p0[:, :k], p[..., :k], q0, q
    if vectors and v.dtype.kind == "c":
        anchor = anchors(v0, 0)
        both0, both = np.concatenate([v0, u0[..., :n]], -2), np.concatenate([v, u[..., :n]], -2)
        both = unit_columns(alg, both0, both, anchor)
        v, u = both[..., :n, :], np.concatenate([both[..., n:, :], u[..., n:]], -1)
    return s, (u0, u), (v0, v)


@positional(np.linalg.svd)
def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    """A V = U S and A^H U = V S."""
    x = as_number(np.linalg.svd, a, full_matrices, compute_uv, hermitian)
    if x is None:
        return np.linalg.svd(a, full_matrices, compute_uv, hermitian)
    alg, a0, at, batch = flat_checked(np.linalg.svd, x)
    value = np.linalg.svd(x.value, full_matrices, compute_uv, hermitian)
    s0 = value[1] if compute_uv else value
    if not a0.size:
        return _map(value, empty(alg))
    if hermitian:
        return _svd_of_eigh(x, value, compute_uv)
    k = min(a0.shape[-2:])
    if compute_uv:
        u0, vh0 = (y.reshape(len(a0), *y.shape[-2:]) for y in (value[0], value[2]))
    else:
        u0, _, vh0 = np.linalg.svd(a0, full_matrices=False)
    v0, wide = adjoint(vh0), a0.shape[-2] < a0.shape[-1]
    if wide:
        a0, at, u0, v0 = adjoint(a0), adjoint(at), v0, u0
    s, u, v = singular_spectrum(alg, a0, at, u0, s0.reshape(-1, k), v0, compute_uv,
                                u0.shape[-1] > k)
    if not compute_uv:
        return number(alg, s0, s)
    if wide:
        u, v = v, u
    return type(value)(number(alg, u[0].reshape(value[0].shape), u[1]), number(alg, s0, s),
                       number(alg, adjoint(v[0]).reshape(value[2].shape), adjoint(v[1])))


def _svd_of_eigh(x, value, compute_uv):
    """NumPy's svd(hermitian=True): singular values are |eigenvalues|, in falling order."""
    w, v = np.linalg.eigh(x)
    alg, w0, wt = parts(w)
    _, v0, vt = parts(v)
    order = np.argsort(np.abs(w0))[..., ::-1]
    sign = np.take_along_axis(np.sign(w0), order, -1)
    st = np.take_along_axis(wt, np.broadcast_to(order, wt.shape), -1) * sign
    if not compute_uv:
        return make(alg, value, st)
    place = order[..., None, :]
    u0 = np.take_along_axis(v0, np.broadcast_to(place, v0.shape), -1)
    ut = np.take_along_axis(vt, np.broadcast_to(place, vt.shape), -1)
    return type(value)(make(alg, u0, ut), make(alg, value[1], st),
                       make(alg, adjoint(columns(u0, sign)), adjoint(columns(ut, sign))))


@positional(np.linalg.svdvals)
def svdvals(x, /):
    """The singular values."""
    return np.linalg.svd(x, compute_uv=False)


# ---- QR ---------------------------------------------------------------------


def qr_terms(alg, a, q0, r0):
    """Q and R of A with at least as many rows as columns.

    With T = A_d - sum Q_i R_j, S = Q_0^H T R_0^{-1}, G = -sum Q_i^H Q_j:  X = Q_0^H Q_d has the
    lower triangle of S, X + X^H = G, and R_d = (S - X) R_0,  Q_d = T R_0^{-1} - Q_0 (S - X).
    """
    n = r0.shape[-1]
    i = np.arange(n)
    q, r = np.zeros_like(a), like(a, n, n)
    y0 = adjoint(triangular_inverse(adjoint(r0)))
    times = mm if np.isfinite(y0).all() else strong_matmul
    for d, s in degrees(alg):
        t = times(a[s] - inner(alg, d, times, q, r), y0[None])
        c = adjoint(q0) @ t
        low = np.tril(c, -1)
        x = low - adjoint(low)
        x[..., i, i] = 1j * c[..., i, i].imag if x.dtype.kind == "c" else 0
        if d > 1:
            g = -inner(alg, d, times, adjoint(q), q)
            x += np.triu(g, 1)
            x[..., i, i] += g[..., i, i].real / 2
        c = np.triu(c - x)
        r[s] = np.triu(times(c, r0[None]))
        q[s] = t - q0 @ c
    return q, r


def strong_matmul(a, b):
    """a b where an exactly zero factor beats an infinite or NaN one."""
    with np.errstate(all="ignore"):
        c = a[..., :, :, None] * b[..., None, :, :]
        c = np.where((a[..., :, :, None] == 0) | (b[..., None, :, :] == 0), 0, c)
        return c.sum(axis=-2)


def reflector_terms(alg, q0, q):
    """LAPACK's reflectors behind the first n columns Q of I - V T V^H, V unit lower.

    Q - [I; 0] = V U is an LU decomposition without pivoting, U = -T V_1^H; tau = -diag U.
    Returns (V_0, V, U_0, U).
    """
    m, n = q.shape[-2:]
    i = np.arange(n)
    b0 = q0.copy()
    b0[..., i, i] -= 1
    v0, u0 = b0.copy(), np.zeros_like(b0[..., :n, :])
    for k in range(n):  # order 0
        u0[..., k, k:] = v0[..., k, k:]
        with np.errstate(all="ignore"):
            v0[..., k:, k] = v0[..., k:, k] / u0[..., k, k, None]
        v0[..., :k, k], v0[..., k, k] = 0, 1
        v0[..., k + 1:, k + 1:] -= v0[..., k + 1:, k, None] * u0[..., k, None, k + 1:]
    l1 = triangular_inverse(v0[..., :n, :])
    y1 = adjoint(triangular_inverse(adjoint(u0)))
    v, u = np.zeros_like(q), like(q, n, n)
    for d, s in degrees(alg):
        t = (q[s] - inner(alg, d, mm, v, u)) @ y1
        e = l1 @ t[..., :n, :]  # V_0^{-1} V_d + U_d U_0^{-1}: strictly lower and upper
        v[s, :, :n] = v0[..., :n, :] @ np.tril(e, -1)
        v[s, :, n:] = t[..., n:, :] - v0[..., n:, :] @ np.triu(e)
        u[s] = np.triu(e) @ u0
    return v0, v, u0, u


def complete_terms(alg, q0, q1):
    """The columns of Q beyond those of Q_1, by the reflectors that LAPACK multiplies."""
    m, n = q1.shape[-2:]
    with np.errstate(all="ignore"):
        v0, v, u0, u = reflector_terms(alg, q0[..., :n], q1)
    if not (np.isfinite(v0).all() and np.diagonal(u0, 0, -2, -1).all()):
        # a column with nothing below its diagonal has no reflector: turn as little as can be
        return complement(alg, q0, adjoint(q0) @ q1)
    # Q = I + V U V_1^{-H} V^H; its last columns: [0; I] + V Z,  Z = U V_1^{-H} V_2^H
    y0 = adjoint(triangular_inverse(v0[..., :n, :]))
    y = inverse_terms(alg, adjoint(v0[..., :n, :]), adjoint(v[..., :n, :]), y0)
    z0 = u0 @ y0
    z = product(alg, mm, u0, u, y0, y)
    w0, w = adjoint(v0[..., n:, :]), adjoint(v[..., n:, :])
    z0, z = z0 @ w0, product(alg, mm, z0, z, w0, w)
    return product(alg, mm, v0, v, z0, z)


@positional(np.linalg.qr)
def qr(a, mode="reduced"):
    """A = Q R; of a wide matrix the leading square part decides."""
    x = as_number(np.linalg.qr, a, mode)
    if x is None:
        return np.linalg.qr(a, mode)
    alg, a0, at, _ = flat(x) if x.ndim >= 2 else flat_checked(np.linalg.qr, x)
    value = np.linalg.qr(x.value, mode)
    m, n = a0.shape[-2:]
    k = min(m, n)
    kind = {"complete": "complete", "raw": "raw", "r": "r"}.get(mode, "reduced")
    if not a0.size:
        return _map(value, empty(alg))
    complete = kind == "complete" and m > n
    if kind in ("r", "raw"):
        q0, r0 = np.linalg.qr(a0)
    else:
        q0, r0 = (y.reshape(len(a0), *y.shape[-2:]) for y in value)
    with np.errstate(invalid="ignore"):
        q, r = qr_terms(alg, at[..., :k], q0[..., :k], r0[..., :k, :k])
    if n > m:
        r = np.concatenate([r, adjoint(q0) @ at[..., k:] + _rest(alg, q, a0, at, k)], axis=-1)
    if kind == "r":
        return number(alg, value, r)
    if kind == "raw":
        return _raw(alg, value, q0, q, r)
    if complete:
        q = np.concatenate([q, complete_terms(alg, q0, q)], axis=-1)
        r = np.concatenate([r, like(r, m - n, n)], axis=-2)
    return type(value)(number(alg, value[0], q), number(alg, value[1], r))


def _rest(alg, q, a0, at, k):
    """What of R_2 = Q^H A_2 is not Q_0^H times its terms."""
    qh = adjoint(q)
    c = qh @ a0[..., k:]
    for d, s in degrees(alg)[1:]:
        c[s] += inner(alg, d, mm, qh, at[..., k:])
    return c


def _raw(alg, value, q0, q, r):
    """(h, tau): R above and the reflectors below the diagonal, transposed."""
    m, n = q0.shape[-2], r.shape[-1]
    k = min(m, n)
    j = k - 1 if k == m and r.dtype.kind == "f" else k  # a real 1 x 1 reflector is the identity
    i = np.arange(j)
    h, tau = like(r, m, n), like(r, k)
    h[..., :k, :] = r
    with np.errstate(all="ignore"):
        _, v, _, u = reflector_terms(alg, q0[..., :j], q[..., :j])
    h[..., :j] += v
    tau[..., :j] = -u[..., i, i]
    return number(alg, value[0], np.swapaxes(h, -1, -2)), number(alg, value[1], tau)


ROWS = {
    np.linalg.eigh: eigh,
    np.linalg.eigvalsh: eigvalsh,
    np.linalg.eig: eig,
    np.linalg.eigvals: eigvals,
    np.linalg.svd: svd,
    np.linalg.svdvals: svdvals,
    np.linalg.qr: qr,
}
