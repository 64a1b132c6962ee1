"""NumPy's namespace with what NumPy itself cannot dispatch to numbers.

``import dualdiff.numpy as np`` in place of ``import numpy as np``:

- `array`, `asarray`, `asanyarray`, `ascontiguousarray`, `asfortranarray` of (nested lists of)
  numbers give one number, and so do the functions that take arrays, of lists of numbers;
- arrays made by `zeros`, `ones`, `empty`, `full`, their ``_like`` forms, `array`, `eye`,
  `arange` and the other creators accept numbers by assignment: they are plain until then,
  and become numbers, together with all views of them;
- everything else is NumPy's own: the very same objects.

May import: the kinds, the tables, NumPy.  Invariant: no derivative is lost silently: where an
array cannot follow (see _slates.pxi), assignment of a number raises.
"""

import functools

import numpy as _np

from dualdiff import rows as _rows  # noqa: F401  (they fill the tables)
from dualdiff._kinds import holds as _holds, unslated as _unslated
from dualdiff._taylor import (
    ROWS as _ROWS,
    Taylor as _Taylor,
    is_slate as _is_slate,
    pack as _pack,
    run_on as _run_on,
    slate as _slate,
)


def _packed(x):
    """One number from nested lists of numbers and arrays; anything else as it is."""
    if isinstance(x, (list, tuple)) and _holds(x):
        parts = [_unslated(_packed(e)) for e in x]
        if all(_np.ndim(e) == 0 for e in parts):
            return _pack(parts)
        return _np.stack([e if type(e) is _Taylor else _np.asarray(e) for e in parts])
    if isinstance(x, _np.ndarray) and x.dtype == object and _holds(x):
        return _pack(x)
    return x


def _of_lists(func):
    """func, which also takes lists of numbers, and lists of such lists."""

    def inner(x):  # a sequence of arrays stays one
        if type(x) in (list, tuple) and any(_np.ndim(_unslated(e)) for e in x):
            return type(x)([_packed(e) for e in x])
        return _packed(x)

    @functools.wraps(func)
    def f(*args, **kwargs):
        if _holds(args) or _holds(kwargs):
            args = [inner(a) for a in args]
            kwargs = {k: inner(v) for k, v in kwargs.items()}
        return func(*args, **kwargs)

    return f


def _receiving(made, sources=()):
    """What was made, ready for numbers, unless it is a view of one of its sources."""
    if type(made) is not _np.ndarray or made.base is not None and any(
        isinstance(a, _np.ndarray) and _np.may_share_memory(made, a) for a in sources
    ):
        return made
    return _slate(made)


def _creator(func):
    """func, whose new arrays accept numbers."""

    @functools.wraps(func)
    def f(*args, **kwargs):
        if _holds(args) or _holds(kwargs):
            args = [_packed(a) for a in args]
            kwargs = {k: _packed(v) for k, v in kwargs.items()}
            return _ROWS[func](*args, **kwargs)
        return _receiving(_run_on(func, args, kwargs), args)

    return f


def _converter(func):
    """func, which gives a number of numbers, and what is an array already as it is."""

    @functools.wraps(func)
    def f(a, dtype=None, *args, **kwargs):
        if _is_slate(a) and not args and not any(v is not None for v in kwargs.values()) and (
            dtype is None or dtype == a.dtype
        ):
            return a
        if _holds(a):
            return _ROWS[func](_packed(a), dtype, *args, **kwargs)
        if _is_slate(a):
            return _run_on(func, (a, dtype, *args), kwargs)
        made = func(a, dtype, *args, **kwargs)
        shared = isinstance(a, _np.ndarray) or hasattr(a, "__array__")
        return made if shared else _receiving(made)

    return f


def _chkfinite(a, dtype=None, order=None):
    """numpy.asarray_chkfinite, also of numbers, whose values it checks."""
    a = _OWN["asarray"](a, dtype, order)
    if a.dtype.kind in "fc" and not _np.isfinite(a).all():
        raise ValueError("array must not contain infs or NaNs")
    return a


_CREATORS = (
    "array", "copy", "empty", "empty_like", "eye", "full", "full_like", "identity", "ones",
    "ones_like", "tri", "zeros", "zeros_like", "arange", "linspace", "logspace", "geomspace",
    "diag", "diagflat", "tile", "repeat", "vander", "fromfunction", "fromiter",
)  # fmt: skip
_CONVERTERS = ("asarray", "asanyarray", "ascontiguousarray", "asfortranarray")
_AS_THEY_ARE = {  # sequences of numbers are something else to these, or nothing
    "array_equal", "array_equiv", "array2string", "array_repr", "array_str", "iterable", "ndim",
    "shape", "size", "result_type", "can_cast", "broadcast_shapes", "piecewise", "vectorize",
}  # fmt: skip


def _made():
    """The names that differ from NumPy's."""
    names = {name: _creator(getattr(_np, name)) for name in _CREATORS}
    names.update({name: _converter(getattr(_np, name)) for name in _CONVERTERS})
    names["asarray_chkfinite"] = functools.wraps(_np.asarray_chkfinite)(_chkfinite)
    for func, row in _ROWS.items():
        name = getattr(func, "__name__", "")
        if (
            not isinstance(func, (_np.ufunc, tuple)) and getattr(_np, name, None) is func
            and name not in names and name not in _AS_THEY_ARE
            and getattr(row, "kind", "") != "constant"
        ):
            names[name] = _of_lists(func)
    return names


_OWN = _made()
globals().update(_OWN)
__all__ = sorted({*_OWN, *_np.__all__})


def __getattr__(name):
    return getattr(_np, name)


def __dir__():
    return sorted({*_OWN, *dir(_np)})
