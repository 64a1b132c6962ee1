"""Products of arrays: matmul, dot, einsum and their kin."""

import numpy as np

from dualdiff._kinds import bilinear


def matmul_rows(a, b):
    """Stacks of matmul: the leading axis numbers rows, one-dimensional operands allowed."""
    if a.ndim == 2 and b.ndim == 2:
        return np.einsum("ki,ki->k", *np.broadcast_arrays(a, b))
    if a.ndim == 2:
        return np.matmul(_lift(a, b.ndim - 1)[..., None, :], b)[..., 0, :]
    if b.ndim == 2:
        return np.matmul(a, _lift(b, a.ndim - 1)[..., :, None])[..., 0]
    ndim = max(a.ndim, b.ndim)
    return np.matmul(_lift(a, ndim), _lift(b, ndim))


def _lift(a, ndim):
    """a with axes of length 1 after its leading one."""
    return a.reshape(a.shape[:1] + (1,) * (ndim - a.ndim) + a.shape[1:]) if a.ndim < ndim else a


ROWS = {
    np.matmul: bilinear(np.matmul, matmul_rows),
}
METHODS = {"dot": np.dot}
