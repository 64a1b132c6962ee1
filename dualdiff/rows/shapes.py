"""Functions that move or copy elements, and say what shape an array has."""

import numpy as np

from dualdiff._kinds import constant, linear, linear_list
from dualdiff._taylor import make, make_view, parts


def lead_axes(axes, ndim):
    """The axes of a transpose, seen from the terms."""
    axes = range(ndim)[::-1] if axes is None else [a % ndim for a in axes]
    return (0, *(a + 1 for a in axes))


def _reshape(t, shape, order="C"):
    if order == "C":
        return t.reshape((t.shape[0], *_full(shape, t)))
    return np.stack([r.reshape(shape, order=order) for r in t])


def _full(shape, t):
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if -1 in shape:
        rest = int(np.prod([s for s in shape if s != -1]))
        total = int(np.prod(t.shape[1:]))
        shape = tuple(total // rest if s == -1 and rest else s for s in shape)
    return shape


ROWS = {
    np.reshape: linear(np.reshape, _reshape),
    np.transpose: linear(np.transpose, lambda t, axes=None: t.transpose(
        lead_axes(axes, t.ndim - 1))),
    np.copy: linear(np.copy, lambda t, order="K", subok=False: t.copy()),
    np.stack: linear_list(np.stack, lambda ts, axis=0, **kw: np.stack(
        ts, axis=axis + 1 if axis >= 0 else axis, **kw)),
    np.concatenate: linear_list(np.concatenate, lambda ts, axis=0, **kw: np.concatenate(
        ts if axis is not None else [t.reshape(len(t), -1) for t in ts],
        axis=1 if axis is None else axis + 1 if axis >= 0 else axis, **kw)),
    np.shape: constant(np.shape),
    np.ndim: constant(np.ndim),
    np.size: constant(np.size),
}


def reshape(x, *shape, order="C", copy=None):
    """x.reshape(shape), a view where NumPy gives one."""
    if len(shape) == 1:
        shape = shape[0]
    alg, value, terms = parts(x)
    v = value.reshape(shape, order=order)
    t = _reshape(terms, v.shape, order)
    return make_view(x, v, t) if np.shares_memory(v, value) else make(alg, v, t)


def copy(x, order="C"):
    """x.copy()."""
    alg, value, terms = parts(x)
    return make(alg, value.copy(order), terms.copy())


def astype(x, dtype, order="K", casting="unsafe", subok=True, copy=True):
    """x.astype(dtype); refused where the derivative would be lost."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "fc":
        raise TypeError(f"dualdiff: astype({dtype}) would lose the derivative; use "
                        f"x.value.astype({dtype}) where it is not wanted")
    alg, value, terms = parts(x)
    return make(alg, value.astype(dtype, order, casting, subok, copy),
                terms.astype(dtype, "K", casting, subok, copy))


METHODS = {
    "reshape": reshape,
    "transpose": lambda x, *axes: np.transpose(
        x, (axes[0] if len(axes) == 1 else axes) if axes and axes[0] is not None else None),
    "copy": copy,
    "astype": astype,
    "ravel": lambda x, order="C": reshape(x, -1, order=order),
    "flatten": lambda x, order="C": copy(reshape(x, -1, order=order)),
    "item": lambda x, *args: x.reshape(-1)[args[0] if args else 0],
}
