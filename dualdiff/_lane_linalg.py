"""numpy.linalg of numbers with lanes: gradients of scalars take steps (_steps.pxi).

What the derivatives by a result amount to by its matrices costs as much as the result,
whatever the number of inputs (M. Giles, Collected matrix derivative results, 2008).

May import: the number, the kinds, the lane forms.  Invariant: as in _lane_forms.py.
"""

import numpy as np

from dualdiff._degrees import mm, solver
from dualdiff._kinds import holds
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
    np.linalg.cholesky: cholesky,
})
