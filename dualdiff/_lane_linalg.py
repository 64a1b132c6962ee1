"""numpy.linalg of numbers with lanes: gradients of scalars take steps (_steps.pxi).

What the derivatives by a result amount to by its matrices costs as much as the result,
whatever the number of inputs (M. Giles, Collected matrix derivative results, 2008).

May import: the number, the kinds, the lane forms.  Invariant: as in _lane_forms.py.
"""

import numpy as np

from dualdiff._degrees import mm, solver
from dualdiff._kinds import holds, with_value
from dualdiff._lane_forms import plain
from dualdiff._lane_products import step_of
from dualdiff._taylor import LANED, StepsStop, Taylor, may_step, pack


def transpose(a):
    """The transpose of every matrix."""
    return np.swapaxes(a, -1, -2)


def quotient(a, g):
    """The stack a^{-1} g for a stack g; where rounding makes a singular, no steps are taken."""
    try:
        return np.ascontiguousarray(solver(a, 1)(g))
    except np.linalg.LinAlgError:
        raise StepsStop("dualdiff: the transpose of a matrix is singular") from None


def solve(a, b):
    """A x = b:  b' = A^{-T} x',  A' = -b' x^T."""
    a, b = (pack(x) if holds(x) else np.asarray(x) for x in (a, b))
    numbers = [x for x in (a, b) if type(x) is Taylor]
    vector = b.ndim == 1
    if not may_step(*numbers) or a.ndim < 2 or b.shape[:-1 if vector else -2] != a.shape[:-2]:
        return NotImplemented
    value = np.linalg.solve(plain(a), plain(b))
    x = np.array(value[..., None] if vector else value)
    at = np.array(transpose(plain(a)), value.dtype)

    to_a, to_b, shape = type(a) is Taylor, type(b) is Taylor, b.shape

    def transposed(g):
        back = quotient(at, g.reshape(len(g), *x.shape))
        backs = [-mm(back, transpose(x))] if to_a else []
        return [*backs, back.reshape(len(g), *shape)] if to_b else backs

    return step_of(numbers, value, transposed, x.nbytes + at.nbytes)


def inv(a):
    """Y = A^{-1}:  A' = -Y^T Y' Y^T."""
    if not may_step(a) or a.ndim < 2:
        return NotImplemented
    value = np.linalg.inv(a.value)
    yt = np.array(transpose(value))
    return step_of([a], value, lambda g: [-mm(mm(yt, g), yt)], yt.nbytes)


def slogdet(a):
    """s = log |det A|:  A' = s' A^{-T}."""
    if not may_step(a) or a.ndim < 2:
        return NotImplemented
    value = np.linalg.slogdet(a.value)
    if not (np.isfinite(value[1]).all() and a.size):
        return NotImplemented
    yt = transpose(np.linalg.inv(a.value))
    log = step_of([a], np.asarray(value[1]), lambda g: [g[..., None, None] * yt], yt.nbytes)
    return log if log is NotImplemented else type(value)(value[0], log)


def det(a):
    """d = det A:  A' = d' d A^{-T}, where A is far from singular."""
    if not may_step(a) or a.ndim < 2 or not a.size:
        return NotImplemented
    value = np.asarray(np.linalg.det(a.value))
    if not np.isfinite(value).all() or (value == 0).any():
        return NotImplemented
    try:
        back = transpose(np.linalg.inv(a.value))
    except np.linalg.LinAlgError:
        return NotImplemented
    with np.errstate(all="ignore"):
        sizes = [np.abs(x).sum(-2).max(-1) for x in (a.value, transpose(back))]
        if not (sizes[0] * sizes[1] < 1e4).all():  # as in the row: beyond, minors are exact
            return NotImplemented
        back = value[..., None, None] * back
    return step_of([a], value, lambda g: [g[..., None, None] * back], back.nbytes)


FAR = 1e6  # largest over smallest singular value, or gap, up to which adjoints keep their digits


def apart(w):
    """Whether values along the last axis, sorted, have derivatives of their own."""
    if not np.isfinite(w).all():
        return False
    gaps = np.abs(np.diff(w, axis=-1))
    return (gaps > np.abs(w).max(-1, keepdims=True) / FAR).all()


def eigvalsh(a, UPLO="L"):
    """A = V w V^T:  A' = the triangle that is read of V w' V^T."""
    if not may_step(a) or a.ndim < 2 or not a.size:
        return NotImplemented
    value = np.linalg.eigvalsh(a.value, UPLO)
    w, v = np.linalg.eigh(a.value, UPLO)
    if not apart(w):
        return NotImplemented
    n = w.shape[-1]
    triangle = (np.tril if UPLO.upper() == "L" else np.triu)(2 - np.eye(n, dtype=v.dtype))
    return step_of([a], value, lambda g: [mm(v * g[..., None, :], transpose(v)) * triangle],
                   v.nbytes)


def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    """A = U s V^T, the singular values alone:  A' = U s' V^T."""
    if compute_uv or hermitian or not may_step(a) or a.ndim < 2 or not a.size:
        return NotImplemented
    return singular_values(a, np.linalg.svd(a.value, compute_uv=False))


def singular_values(a, value):
    """The number of these singular values."""
    u, s, vt = np.linalg.svd(a.value, full_matrices=False)
    if not apart(np.concatenate([s, 0 * s[..., :1]], -1)):
        return NotImplemented
    return step_of([a], value, lambda g: [mm(u * g[..., None, :], vt)], u.nbytes + vt.nbytes)


def svdvals(x, /):
    """np.linalg.svdvals."""
    return svd(x, compute_uv=False)


def cond(x, p=None):
    """np.linalg.cond by singular values."""
    if p not in (None, 2, -2) or not may_step(x) or x.ndim < 2:
        return NotImplemented
    s = svd(x, compute_uv=False)
    if s is NotImplemented:
        return NotImplemented
    first, last = (0, -1) if p != -2 else (-1, 0)
    return with_value(s[..., first] / s[..., last], np.linalg.cond(x.value, p))


def pinv(a, rcond=None, hermitian=False, **kwargs):
    """P = A^+ of full column rank:  A' = (1 - A P) P'^T P P^T - P^T P' P^T (the same)."""
    if rcond is not None or hermitian or kwargs or not may_step(a) or a.ndim < 2 or not a.size:
        return NotImplemented
    if a.shape[-1] > a.shape[-2]:
        y = pinv(transpose(a))
        return y if y is NotImplemented else with_value(
            transpose(y), np.linalg.pinv(a.value))
    s = np.linalg.svd(a.value, compute_uv=False)
    if not np.isfinite(s).all() or (s[..., 0] > FAR * s[..., -1]).any():
        return NotImplemented
    value = np.linalg.pinv(a.value)
    p, pt = np.array(value), np.array(transpose(value))
    rest, square = np.eye(a.shape[-2], dtype=p.dtype) - mm(a.value, p), mm(p, pt)
    return step_of([a], value, lambda g: [mm(mm(rest, transpose(g)), square) - mm(mm(pt, g), pt)],
                   p.nbytes + rest.nbytes)


def lstsq(a, b, rcond=None):
    """A of full column rank, x = A^+ b and r = b - A x:  with w = A^{+T} x' and h = A^+ w,
    b' = w,  A' = r h^T - w x^T (Golub and Pereyra, 1973)."""
    a, b = (pack(x) if holds(x) else np.asarray(x) for x in (a, b))
    numbers = [x for x in (a, b) if type(x) is Taylor]
    if not may_step(*numbers) or a.ndim != 2 or b.ndim not in (1, 2) or not a.size:
        return NotImplemented
    value, residuals, rank, s = np.linalg.lstsq(plain(a), plain(b), rcond)
    if rank < a.shape[1] or s[0] > FAR * s[-1] or not np.isfinite(value).all():
        return NotImplemented
    to_a, to_b, shape = type(a) is Taylor, type(b) is Taylor, b.shape
    x = value.reshape(a.shape[1], -1)
    r = plain(b).reshape(len(a.value if to_a else a), -1) - plain(a) @ x
    pinv = np.linalg.pinv(plain(a)).astype(value.dtype, copy=False)

    def transposed(g):
        w = mm(pinv.T, g.reshape(len(g), *x.shape))
        h = mm(pinv, w)
        backs = [mm(r, transpose(h)) - mm(w, x.T)] if to_a else []
        return [*backs, w.reshape(len(g), *shape)] if to_b else backs

    made = step_of(numbers, value, transposed, r.nbytes + x.nbytes + pinv.nbytes)
    if made is NotImplemented:
        return NotImplemented
    if residuals.size:
        left = b - a @ made
        residuals = with_value(np.sum(left * left, axis=0).reshape(-1), residuals)
    s = s if not to_a else singular_values(a, s)
    return NotImplemented if s is NotImplemented else (made, residuals, rank, s)


def cholesky(a, /, *, upper=False):
    """A = L L^T:  A' = the lower triangle of S + S^T, S = L^{-T} half(L^T L') L^{-1}.

    half: the lower triangle with half the diagonal, which A' has of S + S^T too.
    """
    if upper or not may_step(a) or a.ndim < 2:
        return NotImplemented
    value = np.linalg.cholesky(a.value)
    lt = np.array(transpose(value))

    def half(x):
        return np.tril(x) * (1 - np.eye(x.shape[-1], dtype=x.dtype) / 2)

    def transposed(g):
        s = quotient(lt, half(mm(lt, g)))
        s = transpose(quotient(lt, transpose(s)))
        return [half(s + transpose(s))]

    return step_of([a], value, transposed, lt.nbytes)


LANED.update({
    np.linalg.solve: solve,
    np.linalg.inv: inv,
    np.linalg.slogdet: slogdet,
    np.linalg.det: det,
    np.linalg.eigvalsh: eigvalsh,
    np.linalg.svd: svd,
    np.linalg.lstsq: lstsq,
    np.linalg.pinv: pinv,
    np.linalg.cond: cond,
    np.linalg.cholesky: cholesky,
})
if hasattr(np.linalg, "svdvals"):  # NumPy 2.0
    LANED[np.linalg.svdvals] = svdvals
