"""Methods and attributes of ndarray on the number, with NumPy's own signatures.

Most methods are the function of the same name; the others, and those that NumPy runs in
place, stand below.  What would need raw memory is refused with the way out.

May import: the kinds, the tables of the number.  Invariant: a method that changes its
array changes the number, and every view of it.
"""

import numpy as np

from dualdiff._taylor import ROWS as RULES, base_of, parts
from dualdiff.rows.shapes import astype


def documented(name):
    """Decorator: the signature that ndarray documents for the method of this name.

    `inspect` finds it when it is asked for: to read all of them would take longer than the
    rest of the import of the rooms.
    """

    def decorate(method):
        method.__name__ = name
        method.__qualname__ = f"Taylor.{name}"
        method.__doc__ = method.__doc__ or f"See numpy.ndarray.{name}."
        theirs = getattr(np.ndarray, name, None)
        if getattr(theirs, "__text_signature__", None):  # older NumPy documents none
            method.__wrapped__ = theirs
        return method

    return decorate


def same(name, func=None):
    """A method that is the function of the same name, the number first."""
    func = func or getattr(np, name)

    @documented(name)
    def method(self, *args, **kwargs):
        return (RULES.get(func) or func)(self, *args, **kwargs)

    return method


def refused(name, remedy):
    """A method that numbers do not have."""

    @documented(name)
    def method(self, *args, **kwargs):
        raise TypeError(f"dualdiff: {name} would lose the derivative; {remedy}")

    return method


# ---- new arrays --------------------------------------------------------------------


def reshape(self, /, *shape, order="C", copy=None):
    if len(shape) == 1:
        shape = shape[0]
    if order == "C" and copy is None:
        return RULES[np.reshape](self, shape)
    return RULES[np.reshape](self, shape, order, copy=copy)


def transpose(self, /, *axes):
    if len(axes) == 1 and not isinstance(axes[0], (int, np.integer)):
        axes = axes[0]
    return RULES[np.transpose](self, axes if axes is None or len(axes) else None)


def copy(self, /, order="C"):
    return RULES[np.copy](self, order)


def flatten(self, /, order="C"):
    y = RULES[np.ravel](self, order)
    return y if base_of(y) is None and y is not self and y.ndim else RULES[np.copy](y)


def clip(self, /, min=None, max=None, out=None, **kwargs):
    return RULES[np.clip](self, min, max, out, **kwargs)


def compress(self, /, condition, axis=None, out=None):
    return np.compress(condition, self, axis, out)


def view(self, /, *args, **kwargs):
    """The same memory as a new number; other dtypes and types are refused."""
    wanted = [a for a in (*args, *kwargs.values()) if a is not np.ndarray]
    if any(np.dtype(a) != self.dtype for a in wanted):
        raise TypeError("dualdiff: view(dtype) would read the bytes of the value as another "
                        "type and lose the derivative; use x.astype(dtype), x.real or x.imag")
    return self[...] if self.ndim else self


def item(self, /, *args):
    """The element as a number without dimensions: it keeps its derivative."""
    if len(args) == 1 and isinstance(args[0], tuple):
        args = args[0]
    if not args:
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self[(0,) * self.ndim] if self.ndim else self
    if len(args) == 1:
        n = args[0]
        if not -self.size <= n < self.size:
            raise IndexError(f"index {n} is out of bounds for size {self.size}")
        args = np.unravel_index(n % self.size, self.shape) if self.ndim else ()
    elif len(args) != self.ndim:
        raise ValueError("incorrect number of indices for array")
    return self[tuple(args)] if self.ndim else self


def tolist(self, /):
    """Nested lists of numbers without dimensions."""
    return [tolist(e) for e in self] if self.ndim else self


# ---- in place ----------------------------------------------------------------------


def sort(self, /, axis=-1, kind=None, order=None, **kwargs):
    self[...] = np.sort(self, axis, kind, order, **kwargs)


def partition(self, kth, /, axis=-1, kind="introselect", order=None):
    self[...] = np.partition(self, kth, axis, kind, order)


def fill(self, /, value):
    if np.ndim(value):
        raise ValueError("fill expects a single value, got an array of shape "
                         f"{np.shape(value)}; use x[...] = value")
    self[...] = value


def setflags(self, /, *, write=None, align=None, uic=None):
    given = {"write": write, "align": align, "uic": uic}
    parts(self)[1].setflags(**{k: v for k, v in given.items() if v is not None})


def __array_namespace__(self, /, *, api_version=None):
    return np.empty(0).__array_namespace__(api_version=api_version)


def to_device(self, device, /, *, stream=None):
    np.empty(0).to_device(device, stream=stream)  # NumPy's own checks
    return self


# ---- flat --------------------------------------------------------------------------


class Flat:
    """x.flat: the elements of a number in C order, as a sequence that can be assigned to."""

    __slots__ = ("base", "index")
    __hash__ = None

    def __init__(self, x):
        self.base, self.index = x, 0

    @property
    def coords(self):
        """Indices of the current element."""
        return tuple(int(i) for i in np.unravel_index(self.index, self.base.shape))

    def copy(self):
        """A copy of the elements, in one dimension."""
        return self.base.flatten()

    def __len__(self):
        return self.base.size

    def __iter__(self):
        return self

    def __next__(self):
        if self.index >= self.base.size:
            raise StopIteration
        self.index += 1
        return self.base.item(self.index - 1)

    def _places(self, i):
        places = np.arange(self.base.size)[i]
        return np.unravel_index(places, self.base.shape)

    def __getitem__(self, i):
        return self.base[self._places(i)] if self.base.ndim else self.base.reshape(1)[i]

    def __setitem__(self, i, v):
        places = self._places(i)
        n = np.size(places[0]) if places else 1
        shape = np.shape(places[0]) if places else ()
        v = v if np.ndim(v) == 0 else np.resize(np.ravel(v), n).reshape(shape)
        self.base[places if self.base.ndim else ...] = v


RAW = "take x.value for the plain values; "
METHODS = {
    **{name: same(name) for name in (
        "all", "any", "argmax", "argmin", "argpartition", "argsort", "cumprod", "cumsum",
        "diagonal", "dot", "max", "mean", "min", "nonzero", "prod", "put", "ravel", "repeat",
        "round", "searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var")},
    "conj": same("conj", np.conjugate),
    "conjugate": same("conjugate"),
    **{f.__name__: documented(f.__name__)(f) for f in (
        __array_namespace__, astype, clip, compress, copy, fill, flatten, item, partition, reshape,
        setflags, sort, to_device, tolist, transpose, view)},
    **{name: refused(name, remedy) for name, remedy in {
        "choose": "a number is no index; use np.choose(index, choices)",
        "byteswap": RAW + "numbers are always in native byte order",
        "dump": RAW + "x.value.dump(file)",
        "dumps": RAW + "x.value.dumps()",
        "getfield": RAW + "use x.real or x.imag",
        "resize": "it would change the memory that views share; use np.resize(x, shape)",
        "setfield": "use x[...] = value, or np.copyto",
        "tobytes": RAW + "x.value.tobytes()",
        "tofile": RAW + "x.value.tofile(file)",
    }.items()},
}


def no_memory(name):
    """An attribute that hands out raw memory."""

    def attribute(x):
        raise TypeError(f"dualdiff: x.{name} would lose the derivative; take x.value.{name} "
                        "for the plain values, x.terms for the coefficients")

    return attribute


def no_strides(x):
    """Refused: as_strided copies a number into an array of objects, and would read beside it."""
    raise TypeError("dualdiff: x.strides would lose the derivative: as_strided reads raw memory, "
                    "and here it would not be the number's own; use sliding_window_view, indices, "
                    "or x.value.strides")


ATTRIBUTES = {
    "base": base_of,
    "ctypes": no_memory("ctypes"),
    "data": no_memory("data"),
    "device": lambda x: "cpu",
    "flags": lambda x: parts(x)[1].flags,
    "flat": Flat,
    "imag": lambda x: RULES[np.imag](x),
    "itemsize": lambda x: x.dtype.itemsize,
    "mT": lambda x: RULES[np.matrix_transpose](x),
    "nbytes": lambda x: x.size * x.dtype.itemsize,
    "real": lambda x: RULES[np.real](x),
    "strides": no_strides,
}
ROWS = {}
