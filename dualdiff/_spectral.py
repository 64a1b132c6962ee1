"""Perturbed eigenvalues and singular values, to any degree, repeated ones included.

A Y = Y B with A = W + H (W the eigenvalues of order 0, H what has seeds, in their basis),
Y = I + Z and B diagonal, or block diagonal where eigenvalues repeat.  Degree d:

    Z_d gap + B_d = H_d + sum H_i Z_j - sum Z_i B_j,    gap_ij = w_j - w_i,

where gap is not zero this gives Z_d, elsewhere B_d; the rest of Z_d is fixed by
Y^H Y = I (Hermitian A), or is zero.

Along a single direction t a block is w + t C(t), and C(0) selects the basis inside it: the
same problem once more for C, one degree lower (Kato, Perturbation Theory, II.2).  The last
degree of that basis is not determined by the seeds that are kept; it only keeps the basis
orthonormal.  Where several directions select different bases, values have the one-sided
derivatives along each single one, and NaN where directions mix; vectors are NaN.

May import: `_degrees`, the algebra, NumPy.  Invariant: simple spectra are done for a whole
batch at once, repeated ones matrix by matrix.
"""

import numpy as np

from dualdiff._algebra import new_algebra
from dualdiff._degrees import (
    adjoint,
    columns,
    degrees,
    gram,
    inner,
    inverse_terms,
    mm,
    product,
)


def tolerance(w, n):
    """Eigenvalues (B, k) nearer than this are repeated: what rounding leaves apart."""
    eps = np.finfo(w.dtype).eps
    return 10 * max(n, 2) * eps * np.abs(w).max(axis=-1, initial=0)


def near(w, tol):
    """[B, i, j]: whether two eigenvalues are the same up to rounding."""
    return np.abs(w[:, :, None] - w[:, None, :]) <= tol[:, None, None]


def crowded(w, n):
    """Which matrices of a batch have repeated eigenvalues (or infinite ones)."""
    return near(w, tolerance(w, n)).sum(axis=(-2, -1)) > w.shape[-1]


# ---- simple spectra ---------------------------------------------------------


def blocks(alg, w, h, same=None, unitary=True, last=True):
    """(B, Z) of the module's equation, for a batch; B by its diagonal where same is None.

    w (B, n), h (K, B, n, n); same (n, n): pairs in one block.  last: Z to degree D also.
    """
    n = w.shape[-1]
    gap = w[:, None, :] - w[:, :, None]
    apart = ~np.eye(n, dtype=bool) if same is None else ~same
    inverse = np.where(apart, 1 / np.where(apart, gap, 1), 0)
    z, i = np.zeros_like(h), np.arange(n)
    b = np.zeros_like(h[..., 0].real if unitary else h[..., 0]) if same is None else (
        np.zeros_like(h))
    for d, s in degrees(alg):
        t = h[s]
        if d > 1:
            t = t + inner(alg, d, mm, h, z)
            t -= inner(alg, d, columns if same is None else mm, z, b)
        if same is None:
            b[s] = t[..., i, i].real if unitary else t[..., i, i]
            if d == alg.D and not last:
                break
        np.multiply(t, inverse, out=z[s])
        if unitary and d > 1:
            if same is None:
                z[s][..., i, i] = -0.5 * inner(alg, d, gram, z, z).real
            else:
                z[s] -= 0.5 * same * inner(alg, d, mm, adjoint(z), z)
        if same is not None:
            b[s] = (t - z[s] * gap) * same
    return b, z


def singular(alg, s0, p, n, last=True):
    """(S, X, Y, N): A V = U S, A^H U = V S with U = U_0 (I + X) + N, V = V_0 (I + Y).

    p = U_0^H A V_0 (K, B, k, k), n: what of A V_0 lies outside U_0 (K, B, m, k), or None.
    Sum and difference of the two equations have the denominators s_j - s_i and s_j + s_i.
    """
    k = s0.shape[-1]
    i, off = np.arange(k), ~np.eye(k, dtype=bool)
    gap = s0[:, None, :] - s0[:, :, None]
    gap = np.where(off, 1 / np.where(off, gap, 1), 0)
    with np.errstate(all="ignore"):
        total = 1 / (s0[:, None, :] + s0[:, :, None])
        reciprocal = 1 / s0
    s, x, y = np.zeros_like(p[..., 0].real), np.zeros_like(p), np.zeros_like(p)
    ph = adjoint(p)
    u = None if n is None else np.zeros_like(n)
    nh = None if n is None else adjoint(n)
    for d, part in degrees(alg):
        a, b = p[part], ph[part]
        if d > 1:
            a = a + inner(alg, d, mm, p, y) - inner(alg, d, columns, x, s)
            b = b + inner(alg, d, mm, ph, x) - inner(alg, d, columns, y, s)
            if n is not None:
                b = b + inner(alg, d, mm, nh, u)
        plus, minus = a + b, a - b
        s[part] = plus[..., i, i].real / 2
        if d == alg.D and not last:
            break
        plus, minus = plus * gap, minus * total
        turn = minus[..., i, i]
        turn = 0.5j * turn.imag if turn.dtype.kind == "c" else 0
        x[part], y[part] = (plus + minus) / 2, (plus - minus) / 2
        lx = ly = 0
        if n is not None:
            r = n[part]
            if d > 1:
                r = r + inner(alg, d, mm, n, y) - inner(alg, d, columns, u, s)
            u[part] = columns(r, reciprocal)
        if d > 1:
            lx, ly = inner(alg, d, gram, x, x).real, inner(alg, d, gram, y, y).real
            if n is not None:
                lx = lx + inner(alg, d, gram, u, u).real
        x[part][..., i, i] = -0.5 * lx + turn
        y[part][..., i, i] = -0.5 * ly - turn
    return s, x, y, u


# ---- repeated eigenvalues ---------------------------------------------------
#
# One matrix: h (K, n, n).  A kind says how a block is taken apart: "rising" and "falling"
# are Hermitian, by the order of their eigenvalues; "general" is not; ("pair", p) is
# [[0, C], [C^H, 0]] with p rows of C, the null spaces of a matrix seen as a Hermitian one.


def groups_of(w, tol, kind):
    """[(indices, kind)] of the eigenvalues (n,) that are the same up to rounding."""
    joined = near(w[None], np.array([tol]))[0]
    while True:
        wider = joined @ joined
        if (wider == joined).all():
            break
        joined = wider
    first = joined.argmax(axis=1)
    return [(np.flatnonzero(first == f), kind) for f in np.unique(first)]


def repeated(alg, w, h, groups):
    """(values, u_0, u): terms (K, n) of the eigenvalues, value and terms of the vectors,
    in the basis of order 0."""
    line = single_direction(alg, h)
    if line is None:
        return several(alg, w, h, groups)
    weights, series = line
    lam, u0, u = along(w, series, groups, np.zeros(alg.D))
    at = alg.degrees[1:] - 1
    return weights[:, None] * lam[at], u0, weights[:, None, None] * u[at]


def seeds(alg):
    """For each monomial of degree >= 1: its seeds, as positions of degree-1 monomials."""
    of = {}
    out = []
    for k in range(1, alg.M):
        inside = [(q, s) for q, part in enumerate(alg.multi_index(k)) for s in part]
        if len(inside) == 1:
            of[inside[0]] = k - 1
        out.append(inside)
    return [[of[e] for e in inside] for inside in out]


def single_direction(alg, h):
    """(weights, series) if h depends on one combination t of the seeds only, else None.

    h of monomial k = weights[k] times h of t^d, d its degree; no weight is negative.
    """
    count = int(alg.heads[2]) - 1
    if count == 1 and alg.M == alg.D + 1:
        return np.ones(alg.D, h.real.dtype), h
    inside_of = seeds(alg)
    size = np.abs(h[:count]).max(axis=(-2, -1), initial=0)
    r = int(size.argmax())
    eps = np.finfo(h.dtype).eps
    if size[r]:
        c = np.vecdot(h[r].ravel(), h[:count].reshape(count, -1)).real
        c = c / np.sum(np.abs(h[r]) ** 2)
        c[np.abs(c) <= 16 * eps * max(1, np.abs(c).max())] = 0
    else:  # starts at a higher degree: x + t + ... of nested calls
        live = {s for k in np.flatnonzero(h.any(axis=(-2, -1))) for s in inside_of[k]}
        c = np.array([float(s in live) for s in range(count)])
    if (c < 0).any() or not c.any():
        return None
    weights = np.empty(alg.M - 1, h.real.dtype)
    for k, inside in enumerate(inside_of):
        weights[k] = np.prod(c[inside])
        for place in range(1, len(inside)):  # d! / product of factorials of exponents
            weights[k] *= (place + 1) / (inside[:place].count(inside[place]) + 1)
    series = []
    for d, s in degrees(alg):
        wd = weights[s]
        best = int(wd.argmax())
        if not wd[best]:  # no monomial of this degree holds t^d
            if h[s].any():
                return None
            series.append(np.zeros_like(h[0]))
            continue
        hd = h[s][best] / wd[best]
        if np.abs(h[s] - wd[:, None, None] * hd).max() > 64 * d * eps * np.abs(h[s]).max():
            return None
        series.append(hd)
    return weights, np.array(series)


def block_series(alg, w, h, groups, noise):
    """(B, Z, noise): see blocks; noise: by degree, below which B is rounding only."""
    same = np.zeros((len(w), len(w)), bool)
    for g, _ in groups:
        same[np.ix_(g, g)] = True
    unitary = not any(kind == "general" for _, kind in groups)
    b, z = blocks(alg, w[None], h[:, None], same, unitary)
    b, z, ha, za = b[:, 0], z[:, 0], np.abs(h), np.abs(z[:, 0])
    rounding = 10 * max(len(w), 2) * np.finfo(h.dtype).eps
    noise = noise.copy()
    for d, s in degrees(alg):
        size = ha[s] + inner(alg, d, mm, ha, za) + inner(alg, d, mm, za, np.abs(b))
        noise[d - 1] += rounding * np.max(size, initial=0)
    return b, z, noise


def along(w, h, groups, noise):
    """See repeated: along a single direction, h (D, n, n)."""
    alg = new_algebra(1, len(h))
    b, z, noise = block_series(alg, w, h, groups, noise)
    lam = np.zeros((len(h), len(w)), h.dtype)
    u0, u = np.eye(len(w), dtype=h.dtype), np.zeros_like(h)
    for g, kind in groups:
        block = np.ix_(range(len(h)), g, g)
        if len(g) == 1:
            lam[:, g] = b[block][..., 0]
        else:
            lam[:, g], u0[np.ix_(g, g)], u[block] = resolve(b[block], noise, kind)
    return lam, u0, u + z @ u0 + sum_products(alg, z, u)


def sum_products(alg, a, b):
    """Terms of a b where neither has a value."""
    out = np.zeros(a.shape[:-1] + b.shape[-1:], a.dtype)
    for d, s in degrees(alg)[1:]:
        out[s] = inner(alg, d, mm, a, b)
    return out


def resolve(b, noise, kind):
    """(values, q_0, q) of one block t b_1 + t^2 b_2 + ..., by the same problem for b / t."""
    D = len(b)
    w, q0, groups = take_apart(b[0], noise[0], kind)
    q = np.zeros_like(b)
    if D == 1:
        return w[None], q0, q
    h = (np.linalg.inv(q0) if kind == "general" else adjoint(q0)) @ b[1:] @ q0
    lam, u0, u = along(w, h, groups, noise[1:])
    q[:-1], q0 = q0 @ u, q0 @ u0
    if kind != "general":
        alg = new_algebra(1, D)
        q[-1] = -0.5 * q0 @ inner(alg, D, mm, adjoint(q), q)[0]
    return np.concatenate([w[None], lam]), q0, q


def take_apart(c, noise, kind):
    """(eigenvalues, eigenvectors, groups) of one matrix that is rounding below noise."""
    n = len(c)
    if isinstance(kind, tuple):
        return take_pair_apart(c, noise, kind[1])
    eye = np.eye(n, dtype=c.dtype)
    mean = np.trace(c) / n
    if np.abs(c - mean * eye).max() <= noise:
        return np.diagonal(c).astype(c.dtype), eye, [(np.arange(n), kind)]
    if kind == "general":
        w, q = np.linalg.eig(c.real if not c.imag.any() else c)
        s = np.linalg.svd(q, compute_uv=False)
        if s[-1] <= 4 * n * np.finfo(c.dtype).eps * s[0]:  # no basis: branches like sqrt(t)
            nan = np.full_like(c, np.nan)
            return nan[0], eye, [(np.array([i]), kind) for i in range(n)]
    else:
        w, q = np.linalg.eigh((c + adjoint(c)) / 2)
        if kind == "falling":
            w, q = w[::-1], q[:, ::-1]
    return w.astype(c.dtype), q.astype(c.dtype), groups_of(w, noise, kind)


def take_pair_apart(c, noise, p):
    """The same of [[0, C], [C^H, 0]]: +s, null vectors of C^H, null vectors of C, -s."""
    n = len(c)
    q = n - p
    basis = np.zeros_like(c)
    if not p or not q or np.abs(c).max() <= noise:
        return np.zeros(n, c.dtype), np.eye(n, dtype=c.dtype), [(np.arange(n), ("pair", p))]
    u, s, vh = np.linalg.svd(c[:p, p:])
    r = int((s > 2 * noise).sum())
    s, v, half = s[:r], adjoint(vh), np.sqrt(0.5).astype(c.real.dtype)
    basis[:p, :r], basis[p:, :r] = half * u[:, :r], half * v[:, :r]
    basis[:p, n - r:], basis[p:, n - r:] = half * u[:, :r], -half * v[:, :r]
    basis[:p, r:p], basis[p:, p:n - r] = u[:, r:], v[:, r:]
    w = np.concatenate([s, np.zeros(n - 2 * r), -s]).astype(c.dtype)
    plus = groups_of(s, noise, "falling")
    groups = plus + [(g + n - r, k) for g, k in plus]
    if n > 2 * r:
        groups.append((np.arange(r, n - r), ("pair", p - r)))
    return w, basis, groups


def several(alg, w, h, groups):
    """See repeated: several directions; the basis that they share, if there is one."""
    b, z, noise = block_series(alg, w, h, groups, np.zeros(alg.D))
    inside = seeds(alg)
    used = np.abs(h).max(axis=(-2, -1), initial=0) > 0
    live = {s for k in np.flatnonzero(used) for s in inside[k]}
    dead = np.array([not live.issuperset(e) for e in inside])
    level = noise[alg.degrees[1:] - 1]
    lam = np.zeros((len(h), len(w)), h.dtype)
    u0, u = np.eye(len(w), dtype=h.dtype), np.zeros_like(h)
    for g, kind in groups:
        block = b[np.ix_(range(len(h)), g, g)]
        plain = scalar(block, level)
        if plain.all():
            lam[:, g] = np.diagonal(block, 0, -2, -1)
            continue
        q = shared_basis(alg, block, level, kind)
        if q is not None:
            u0[np.ix_(g, g)] = q
            lam[:, g] = np.diagonal(adjoint(q) @ block @ q, 0, -2, -1)
            continue
        value = np.where(dead, 0, np.nan)[:, None] * np.ones(len(g), h.dtype)
        for s in live:
            power = [k for k, e in enumerate(inside) if set(e) == {s}]
            value[power] = resolve(block[power], level[power], kind)[0]
        lam[:, g] = value
        lost = ~dead & ~(plain & (alg.degrees[1:] == 1))
        u[np.ix_(np.flatnonzero(lost), g, g)] = np.nan
    with np.errstate(all="ignore"):
        return lam, u0, u + z @ u0 + sum_products(alg, z, u)


def scalar(block, level):
    """Which terms are multiples of the identity, up to rounding."""
    n = block.shape[-1]
    mean = np.trace(block, axis1=-2, axis2=-1) / n
    return np.abs(block - mean[:, None, None] * np.eye(n)).max(axis=(-2, -1)) <= level


def shared_basis(alg, block, level, kind):
    """The basis in which every direction has its eigenvalues in order; None: there is none."""
    if kind not in ("rising", "falling"):
        return None
    count = int(alg.heads[2]) - 1
    size = np.abs(block[:count]).max(axis=(-2, -1))
    mix = (1 + np.arange(count) * 0.6180339887 % 1) / np.where(size > level[:count], size, 1)
    c = np.tensordot(mix.astype(block.real.dtype), block[:count], 1)
    q = take_apart(c, 0, kind)[1]
    d = adjoint(q) @ block @ q
    n = d.shape[-1]
    rest = np.abs(d * ~np.eye(n, dtype=bool)).max(axis=(-2, -1))
    step = np.diff(np.diagonal(d[:count], 0, -2, -1).real, axis=-1)
    if kind == "falling":
        step = -step
    if (rest > 8 * level).any() or (step.min(axis=-1) < -8 * level[:count]).any():
        return None
    return q


# ---- singular values as eigenvalues of [[0, A], [A^H, 0]] -------------------


def paired(u, s, v, a, r):
    """(w, basis, h) of the Hermitian matrix: +s, left null vectors, right ones, -s; r: rank."""
    m, n = len(u), len(v)
    half = np.sqrt(0.5).astype(s.dtype)
    basis = np.zeros((m + n, m + n), u.dtype)
    basis[:m, :r], basis[m:, :r] = half * u[:, :r], half * v[:, :r]
    basis[:m, r:m], basis[m:, m:m + n - r] = u[:, r:], v[:, r:]
    basis[:m, m + n - r:], basis[m:, m + n - r:] = half * u[:, :r], -half * v[:, :r]
    w = np.concatenate([s[:r], np.zeros(m + n - 2 * r, s.dtype), -s[:r]])
    t = adjoint(basis[:m]) @ a @ basis[m:]
    return w, basis, t + adjoint(t)


def repeated_singular(alg, a0, a):
    """(S, (U_0, U), (V_0, V)) of one matrix with repeated or zero singular values.

    U_0 and V_0 are square.
    """
    u, s, vh = np.linalg.svd(a0)
    m, n = a0.shape
    tol = float(tolerance(s[None], max(m, n))[0])
    r = int((s > tol).sum())
    w, basis, h = paired(u, s, adjoint(vh), a, r)
    groups = groups_of(s[:r], tol, "falling") if r else []
    groups = groups + [(g + m + n - r, k) for g, k in groups]
    if m + n > 2 * r:
        groups.append((np.arange(r, m + n - r), ("pair", m - r)))
    lam, k0, k = repeated(alg, w, h, groups)
    null = k0[r:m + n - r, r:m + n - r]
    mixed = (np.abs(null[:m - r]).max(axis=0, initial=0) > 0) & (
        np.abs(null[m - r:]).max(axis=0, initial=0) > 0)
    more = min(int(np.cumprod(mixed).sum()), m - r, n - r)  # null vectors that became pairs
    pairs = r + more
    x0, x = basis @ k0, basis @ k
    root = np.sqrt(2).astype(s.dtype)

    def left(y):
        return np.concatenate([root * y[..., :m, :pairs], y[..., :m, pairs:m]], axis=-1)

    def right(y):
        return np.concatenate([root * y[..., m:, :pairs], y[..., m:, m:m + n - pairs]], axis=-1)

    return lam[:, :min(m, n)].real, (left(x0), left(x)), (right(x0), right(x))


def truncated_pinv_terms(alg, a0, a, rank):
    """A^+ of one matrix, of its singular vectors 1 .. rank only; they may not touch the others.

    On the invariant space of +-s_1 .. s_rank, Y B = A Y:  A^+ is a block of Y B^{-1} Y^H.
    """
    m, n = a0.shape
    u, s, vh = np.linalg.svd(a0)
    w, basis, h = paired(u, s, adjoint(vh), a, min(m, n))
    kept = np.zeros(m + n, bool)
    kept[:rank] = kept[m + n - min(m, n):][:rank] = True
    b, z = blocks(alg, w[None], h[:, None], kept[:, None] == kept)
    b0 = np.diag(w[kept])[None].astype(h.dtype)
    inv0 = np.diag(1 / w[kept])[None].astype(h.dtype)
    inv = inverse_terms(alg, b0, b[..., kept, :][..., kept], inv0)
    y0, y = basis[None][..., kept], (basis @ z)[..., kept]
    top0, top = adjoint(y0[:, :m]), adjoint(y[..., :m, :])
    low0, low = y0[:, m:], y[..., m:, :]
    x = product(alg, mm, low0, low, inv0, inv)
    return product(alg, mm, low0 @ inv0, x, top0, top)[:, 0]
