"""numpy.linalg: solving, inverses, Cholesky, least squares, and what is made of them.

Each body writes degree d of the defining equation as the docstring has it; a sum over
"inner" pairs is `inner`, index 0 is the value.  `x^H` is the conjugate transpose.

May import: the kinds, `_degrees`, NumPy.  Invariant: the value is NumPy's own; order 0
is factorised a fixed number of times, whatever the order and the number of seeds.
"""

import operator

import numpy as np

from dualdiff._degrees import (
    adjoint,
    blank,
    degrees,
    flat,
    hermitian,
    inner,
    inverse_terms,
    like,
    mm,
    mm_adjoint,
    number,
    product,
    rearranged,
    solver,
    triangular_inverse,
)
from dualdiff._kinds import compose, constant, holds, no_numbers, positional, unify
from dualdiff._movement import NO_VALUE
from dualdiff._spectral import truncated_pinv_terms
from dualdiff._taylor import cholesky_terms, make, parts


def as_number(func, x, *args, **kwargs):
    """x as a number; arguments after it may hold no derivative."""
    no_numbers(func, args, kwargs)
    alg, ((value, terms),) = unify(x)
    return None if alg is None else make(alg, value, terms)


def matrix_function(func, terms):
    """The row of a function of stacked matrices: terms(alg, a0, a, y0) of its flat result."""

    @positional(func)
    def row(a):
        x = as_number(func, a)
        if x is None:
            return func(a)
        alg, a0, a_terms, _ = flat_checked(func, x)
        value = func(x.value)
        y0 = np.asarray(value).reshape(len(a0), *np.shape(value)[x.ndim - 2:])
        return number(alg, value, terms(alg, a0, a_terms, y0))

    return row


def flat_checked(func, x):
    """See flat; NumPy's own error for an array that is no stack of matrices."""
    if x.ndim < 2:
        func(x.value)
        raise AssertionError(f"{func.__name__} took an array of {x.ndim} dimensions")
    return flat(x)


# ---- inverse and solve ------------------------------------------------------


@positional(np.linalg.solve, 2)
def solve(a, b):
    """A x = b:  A_0 x_d = b_d - A_d x_0 - sum A_i x_j."""
    alg, ((a0, at), (b0, bt)) = unify(a, b)
    x0 = np.linalg.solve(a0, b0)
    if alg is None:
        return x0
    vector = np.ndim(b0) == 1
    a0, b0 = np.asarray(a0).astype(x0.dtype, copy=False), np.asarray(b0)
    y0 = x0[..., None] if vector else x0
    nd = y0.ndim
    a0 = a0.reshape((1,) * (nd - a0.ndim) + a0.shape)
    if bt is not None:
        bt = bt[..., None] if vector else bt
        bt = bt.reshape(bt.shape[:1] + (1,) * (nd - bt.ndim + 1) + bt.shape[1:])
    if at is None:
        terms = solver(a0, 1)(bt.astype(x0.dtype, copy=False))
        return make(alg, x0, terms.reshape(len(terms), *x0.shape))
    at = at.reshape(at.shape[:1] + (1,) * (nd - at.ndim + 1) + at.shape[1:])
    step = solver(a0, alg.D)
    y = np.zeros((alg.M - 1, *y0.shape), x0.dtype)
    for d, s in degrees(alg):
        rest = at[s] @ y0 + inner(alg, d, mm, at, y)
        y[s] = step(-rest if bt is None else bt[s] - rest)
    return make(alg, x0, y.reshape(len(y), *x0.shape))


# ---- Cholesky ---------------------------------------------------------------


@positional(np.linalg.cholesky)
def cholesky(a, /, *, upper=False):
    """A = L L^H:  L_d = L_0 half(L_0^{-1} (A_d - sum L_i L_j^H) L_0^{-H}).

    half: the lower triangle with half the diagonal.  As NumPy, only one triangle of A is
    read, and its diagonal is taken as real.
    """
    x = as_number(np.linalg.cholesky, a, upper)
    if x is None:
        return np.linalg.cholesky(a, upper=upper)
    alg, a0, at, _ = flat_checked(np.linalg.cholesky, x)
    value = np.linalg.cholesky(x.value, upper=upper)
    l0 = value.reshape(a0.shape)
    if l0.dtype.kind == "c":
        l = cholesky_by_products(alg, adjoint(l0) if upper else l0, hermitian(at, not upper))
    else:
        l = rearranged(adjoint(at) if upper else at).astype(l0.dtype, copy=False)
        cholesky_terms(alg, np.ascontiguousarray(adjoint(l0) if upper else l0), l)
    return number(alg, value, adjoint(l) if upper else l)


def cholesky_by_products(alg, l0, at):
    """The terms of the factor of Hermitian matrices."""
    n = np.arange(l0.shape[-1])
    if not l0.size:
        return at
    y0 = triangular_inverse(l0)
    y0h = np.ascontiguousarray(adjoint(y0))
    l, above = blank(at), n > n[:, None]
    for d, s in degrees(alg):
        t = at[s]
        if d > 1:
            t -= inner(alg, d, mm_adjoint, l, l)
        t = mm(y0, mm(t, y0h))
        np.copyto(t, 0, where=above)
        t[..., n, n] = t[..., n, n].real / 2
        mm(l0, t, out=l[s])
    return l


# ---- pseudo-inverse and least squares ---------------------------------------


def pinv_terms(alg, a0, a, y0, rank):
    """A^+ where A_0 has full rank: from Y A = I and Y = Y Y^H A^H (tall; wide: adjoints).

    Y_d = -(Y_0 A_d + sum Y_i A_j) Y_0 + (G_0 A_d^H + sum G_i A_j^H) (I - A_0 Y_0), G = Y Y^H.
    """
    m, n = a0.shape[-2:]
    if m < n:
        return adjoint(pinv_terms(alg, adjoint(a0), adjoint(a), adjoint(y0), rank))
    y = like(a, n, m)
    ah, g0 = adjoint(a), y0 @ adjoint(y0)
    g = like(a, n, n)
    for d, s in degrees(alg):
        y[s] = -(y0 @ a[s] + inner(alg, d, mm, y, a)) @ y0
        if m > n:
            t = g0 @ ah[s] + inner(alg, d, mm, g, ah)
            y[s] += t - (t @ a0) @ y0
            if d < alg.D:
                h = y[s] @ adjoint(y0)
                g[s] = h + adjoint(h)
                if d > 1:
                    g[s] += inner(alg, d, mm, y, adjoint(y))
    return y


@positional(np.linalg.pinv)
def pinv(a, rcond=None, hermitian=False, **kwargs):
    """The pseudo-inverse of A, or where NumPy drops singular values, of A without them."""
    x = as_number(np.linalg.pinv, a, rcond, hermitian, **kwargs)
    if x is None:
        return np.linalg.pinv(a, rcond, hermitian, **kwargs)
    alg, a0, at, batch = flat_checked(np.linalg.pinv, x)
    value = np.linalg.pinv(x.value, rcond, hermitian, **kwargs)
    if hermitian:
        a0, at = _symmetric(a0), _symmetric(at)
    if not value.size:
        return number(alg, value, like(at, *value.shape[-2:]))
    if rcond is None:
        rcond = kwargs.get("rtol", NO_VALUE)
        rcond = 1e-15 if rcond is NO_VALUE else rcond
        if rcond is None:
            rcond = max(a0.shape[-2:]) * np.finfo(a0.dtype).eps
    cut = np.broadcast_to(rcond, batch).reshape(-1, 1)
    sv = np.linalg.svd(a0, compute_uv=False)
    rank = (sv > cut * sv.max(axis=-1, keepdims=True)).sum(axis=-1)
    return number(alg, value, ranked_pinv_terms(
        alg, a0, at, value.reshape(len(a0), *value.shape[-2:]), rank))


def ranked_pinv_terms(alg, a0, at, y0, rank):
    """Terms of A^+, matrices of full rank at once, the others one by one."""
    full = rank == min(a0.shape[-2:])
    y = like(at, *y0.shape[-2:])
    if full.any():
        y[:, full] = pinv_terms(alg, a0[full], at[:, full], y0[full], None)
    for b in np.flatnonzero(~full):
        y[:, b] = truncated_pinv_terms(alg, a0[b], at[:, b], int(rank[b]))
    return y


_symmetric = hermitian


@positional(np.linalg.lstsq, 2)
def lstsq(a, b, rcond=None):
    """r = b - A x, A^H r = 0 (full column rank); x = A^H z, A x = b (full row rank); A^+ b."""
    no_numbers(np.linalg.lstsq, (rcond,), {})
    alg, ((a0, at), (b0, bt)) = unify(a, b)
    value = np.linalg.lstsq(a0, b0, rcond)
    if alg is None:
        return value
    x0, res0, rank, s0 = value
    dtype = x0.dtype
    vector = np.ndim(b0) == 1
    a0, b0 = np.asarray(a0, dtype), np.asarray(b0, dtype)
    m, n = a0.shape
    if at is None and bt is None:
        return value
    at = np.zeros((alg.M - 1, m, n), dtype) if at is None else at.astype(dtype)
    bt = np.zeros((alg.M - 1, *b0.shape), dtype) if bt is None else bt.astype(dtype)
    if vector:
        b0, bt = b0[:, None], bt[..., None]
    x = np.zeros((alg.M - 1, n, b0.shape[1]), dtype)
    if rank == 0:
        return value if not at.any() else _lstsq_result(alg, value, x, b0, bt, a0, at, vector)
    cut = s0[rank] if rank < len(s0) else 0
    p0 = np.linalg.pinv(a0, rcond=float((cut + s0[rank - 1]) / 2 / s0[0]))
    if rank == n:
        _overdetermined(alg, a0, at, b0, bt, p0, x0.reshape(n, -1), x)
    elif rank == m:
        _underdetermined(alg, a0, at, bt, p0, x0.reshape(n, -1), x)
    else:
        p = ranked_pinv_terms(alg, a0[None], at[:, None], p0[None], np.array([rank]))[:, 0]
        x = product(alg, mm, p0, p, b0, bt)
    return _lstsq_result(alg, value, x, b0, bt, a0, at, vector)


def _overdetermined(alg, a0, at, b0, bt, p0, x0, x):
    """x_d = A^+ g + A^+ A^+^H h;  g, h: [b - A x]_d and [A^H r]_d without x_d, r_d."""
    ah, r0, r = adjoint(at), b0 - a0 @ x0, np.zeros_like(bt)
    for d, s in degrees(alg):
        g = bt[s] - at[s] @ x0 - inner(alg, d, mm, at, x)
        h = ah[s] @ r0 + inner(alg, d, mm, ah, r)
        x[s] = p0 @ (g + adjoint(p0) @ h)
        r[s] = g - a0 @ x[s]


def _underdetermined(alg, a0, at, bt, p0, x0, x):
    """x = A^H z:  x_d = A^+ g + (I - A^+ A_0) h, g as above and h = [A^H z]_d without z_d."""
    ah, z0, z = adjoint(at), adjoint(p0) @ x0, np.zeros_like(bt)
    for d, s in degrees(alg):
        g = bt[s] - at[s] @ x0 - inner(alg, d, mm, at, x)
        h = ah[s] @ z0 + inner(alg, d, mm, ah, z)
        x[s] = p0 @ (g - a0 @ h) + h
        z[s] = adjoint(p0) @ (p0 @ (g - a0 @ h))


def _lstsq_result(alg, value, x, b0, bt, a0, at, vector):
    x0, res0, rank, s0 = value
    res = res0
    if res0.size:
        y0 = x0.reshape(x.shape[1:])
        r0 = b0 - a0 @ y0
        r = bt - product(alg, mm, a0, at, y0, x)
        squares = lambda p, q: (p.conj() * q).real.sum(axis=-2)  # noqa: E731
        res = number(alg, res0, product(alg, squares, r0, r, r0, r))
    s = np.linalg.svdvals(make(alg, a0, at)) if at.any() else s0
    if s is not s0:
        s = number(alg, s0, parts(s)[2])
    return number(alg, x0, x), res, rank, s


# ---- tensors and chains -----------------------------------------------------


def _tensorsolve(a, b, axes=None):
    """NumPy's own definition: reshape, solve, reshape."""
    nd = np.ndim(a)
    if axes is not None:
        order = [k for k in range(nd) if k not in axes] + list(axes)
        a = np.transpose(a, order)
    q = np.shape(a)[-(nd - np.ndim(b)):]
    n = int(np.prod(q))
    return np.reshape(np.linalg.solve(np.reshape(a, (-1, n)), np.reshape(b, (-1,))), q)


def _tensorinv(a, ind=2):
    """NumPy's own definition: reshape, invert, reshape."""
    shape = np.shape(a)
    n = int(np.prod(shape[ind:]))
    return np.reshape(np.linalg.inv(np.reshape(a, (n, -1))), shape[ind:] + shape[:ind])


def _matrix_power(a, n):
    """By repeated squaring, of the inverse for n < 0."""
    n = operator.index(n)
    one = np.linalg.matrix_power(a.value, 0)  # or NumPy's error
    if n == 0:
        return one
    if n < 0:
        a, n = np.linalg.inv(a), -n
    out = None
    while n:
        if n & 1:
            out = a if out is None else out @ a
        n >>= 1
        a = a @ a if n else a
    return out


@positional(np.linalg.multi_dot)
def multi_dot(arrays, *, out=None):
    """The chain multiplied in the order of least cost."""
    from dualdiff._kinds import pack, store, values, with_value

    arrays = [pack(a) if holds(a) else np.asarray(a) for a in arrays]
    value = np.linalg.multi_dot([values(a) for a in arrays])
    first, last = arrays[0].ndim == 1, arrays[-1].ndim == 1
    if first:
        arrays[0] = np.reshape(arrays[0], (1, -1))
    if last:
        arrays[-1] = np.reshape(arrays[-1], (-1, 1))
    y = _chain(arrays, _cheapest([arrays[0].shape[0], *(a.shape[1] for a in arrays)]))
    return store(with_value(np.reshape(y, value.shape), value), out)


def _cheapest(p):
    """Where to split the chain i..j of matrices p[i] x p[i + 1]: {(i, j): k}."""
    n = len(p) - 1
    cost, split = {(i, i): 0 for i in range(n)}, {}
    for width in range(1, n):
        for i in range(n - width):
            j = i + width
            cost[i, j], split[i, j] = min(
                (cost[i, k] + cost[k + 1, j] + p[i] * p[k + 1] * p[j + 1], k)
                for k in range(i, j))
    split["all"] = (0, n - 1)
    return split


def _chain(arrays, split, at=None):
    i, j = at or split["all"]
    if i == j:
        return arrays[i]
    k = split[i, j]
    return _chain(arrays, split, (i, k)) @ _chain(arrays, split, (k + 1, j))


ROWS = {
    np.linalg.solve: solve,
    np.linalg.inv: matrix_function(np.linalg.inv, inverse_terms),
    np.linalg.cholesky: cholesky,
    np.linalg.pinv: pinv,
    np.linalg.lstsq: lstsq,
    np.linalg.matrix_rank: constant(np.linalg.matrix_rank),
    np.linalg.tensorsolve: compose(np.linalg.tensorsolve, _tensorsolve),
    np.linalg.tensorinv: compose(np.linalg.tensorinv, _tensorinv),
    np.linalg.matrix_power: compose(np.linalg.matrix_power, _matrix_power),
    np.linalg.multi_dot: multi_dot,
}
