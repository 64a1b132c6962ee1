"""Products of arrays: matmul, dot, tensordot, convolve and their kin (einsum: its own room).

Each row says by labels which dimensions of its two arrays are the same, which are summed
and which stay; `_bilinear` makes few large matrix products of that.

May import: the kinds, the number, NumPy.
"""

import functools
import operator

import numpy as np

from dualdiff._bilinear import Labels, bilinear, labels, multiply, strong
from dualdiff._kinds import compose, positional, store, with_signature
from dualdiff._taylor import Taylor, make, pack, parts, unify

# ---- matmul and the vector products ----------------------------------------------------


LOOP = 24  # columns from which on a matrix product for each coefficient is as fast
SMALL = 2048  # elements up to which it costs less than to arrange the factors for one


class Matmul(Labels):
    """Products of stacked matrices; large and small ones one by one, where they stand."""

    __slots__ = ()

    def left(self, a, b):
        if a.size <= SMALL or b.ndim > 2 and a.shape[-2] >= LOOP:
            return np.matmul(_lift(a, b.ndim + 1), b)
        return super().left(a, b)

    def right(self, a, b):
        if b.size <= SMALL or b.shape[-1] >= LOOP:
            return np.matmul(a, _lift(b, a.ndim + 1))
        return super().right(a, b)


def _lift(a, ndim):
    """a with dimensions of length 1 after its first."""
    return a.reshape(a.shape[:1] + (1,) * (ndim - a.ndim) + a.shape[1:]) if a.ndim < ndim else a


@functools.lru_cache(1024)
def core_product(kind, cores, nd_a, nd_b, axes=None):
    """The product of arrays of these dimensions; cores: labels of the core ones of a, b, c."""
    batch_a, batch_b = nd_a - len(cores[0]), nd_b - len(cores[1])
    out = []
    for core, batch, place in zip(cores, (batch_a, batch_b, max(batch_a, batch_b)),
                                  axes or (None, None, None), strict=True):
        q = list(range(-batch, 0))
        if place is None:
            q += core
        else:
            nd = len(q) + len(core)
            for at, label in sorted(zip([p % nd for p in place], core, strict=True)):
                q.insert(at, label)
        out.append(tuple(q))
    return kind(*out)


def core_axes(axes, axis, cores):
    """NumPy's axes= or axis= as a tuple of three tuples, hashable."""
    if axes is None:
        return None if axis is None else tuple((axis,) if core else () for core in cores)
    axes = [tuple(a) if isinstance(a, (tuple, list)) else (operator.index(a),) for a in axes]
    return tuple(axes + [()] * (3 - len(axes)))


def gufunc(func, cores, conjugate=False, kind=Labels):
    """A generalised ufunc of two arrays.

    cores: labels of the core dimensions, by the dimensions of a and b where NumPy lets
    them be missing; conjugate: the first argument is conjugated, as NumPy does.
    """

    products = {}

    def product_of(nd_a, nd_b, axes, axis):
        core = cores if type(cores) is tuple else cores[min(nd_a, 2), min(nd_b, 2)]
        made = kind if len(core[2]) == 2 else Labels
        return core_product(made, core, nd_a, nd_b, core_axes(axes, axis, core))

    def fast(a, b):
        alg, (x, y) = unify(a, b)
        value = func(x[0], y[0])
        if alg is None:
            return value
        if conjugate:
            x = conjugated(x)
        key = np.ndim(x[0]), np.ndim(y[0])
        product = products.get(key)
        if product is None:
            product = products[key] = product_of(*key, None, None)
        return multiply(alg, value, product, x, y)

    @with_signature(func, kind="bilinear")
    def row(a, b, axes=None, axis=None, keepdims=False, out=None):
        if is_sparse(a) or is_sparse(b):
            return store(sparse_product(func, a, b), out)
        if axes is None and axis is None and not keepdims:
            result = fast(a, b)
            return result if out is None else store(result, out)
        settings = {k: v for k, v in (("axes", axes), ("axis", axis)) if v is not None}
        if keepdims:
            settings["keepdims"] = keepdims
        alg, (x, y) = unify(a, b)
        value = func(x[0], y[0], **settings)
        if alg is None:
            return store(value, out)
        if conjugate:
            x = conjugated(x)
        product = product_of(np.ndim(x[0]), np.ndim(y[0]), axes, axis)
        return store(multiply(alg, value, product, x, y), out)

    return row


MATMUL = {(2, 2): ("mk", "kp", "mp"), (2, 1): ("mk", "k", "m"), (1, 2): ("k", "kp", "p"),
          (1, 1): ("k", "k", "")}


# ---- matrices of scipy.sparse ------------------------------------------------------------


def is_sparse(x):
    """Whether x is a matrix or array of scipy.sparse."""
    return type(x) is not Taylor and type(x) is not np.ndarray and hasattr(x, "tocsr")


def sparse_value(a, b):
    """a @ b on the values, one of them of scipy.sparse."""
    a, b = (x if is_sparse(x) else x.value if type(x) is Taylor else np.asarray(x)
            for x in (a, b))
    return a @ b


def sparse_product(func, a, b):
    """a @ b of a number and a matrix of scipy.sparse."""
    x, matrix = (a, b) if is_sparse(b) else (b, a)
    if type(x) is not Taylor or np.ndim(matrix) != 2 or x.ndim not in (1, 2):
        raise TypeError(f"dualdiff: np.{func.__name__} of a matrix of scipy.sparse expected one "
                        "of two dimensions and a number of one or two, got shapes "
                        f"{np.shape(a)} and {np.shape(b)}; reshape, or use toarray()")
    value = sparse_value(a, b)
    matrix = (matrix.T if matrix is b else matrix).tocsr()
    alg, _, terms = parts(x.astype(value.dtype) if x.dtype != value.dtype else x)
    turned = is_sparse(b) and x.ndim == 2
    t = terms.swapaxes(1, 2) if turned else terms

    def product(entries, t):
        rows = type(matrix)((entries, matrix.indices, matrix.indptr), shape=matrix.shape)
        columns = np.moveaxis(t, 0, -1)
        made = rows @ columns.reshape(len(columns), -1)
        return np.moveaxis(made.reshape(made.shape[:1] + columns.shape[1:]), -1, 0)

    t = strong(product, matrix.data, np.ascontiguousarray(t))
    t = t.swapaxes(1, 2) if turned else t
    return make(alg, value, np.ascontiguousarray(t, value.dtype))


# ---- dot, inner, tensordot ----------------------------------------------------------------


def dot(a, b, out=None):
    """np.dot."""
    if is_sparse(a) or is_sparse(b):
        return store(sparse_product(np.dot, a, b), out)
    alg, (x, y) = unify(a, b)
    value = np.dot(x[0], y[0])
    if alg is None:
        return store(value, out)
    result = multiply(alg, value, dot_labels(np.ndim(x[0]), np.ndim(y[0])), x, y)
    return result if out is None else store(result, out)


def vdot(a, b):
    """np.vdot: the scalar product of all elements, the first conjugated."""
    alg, (x, y) = unify(a, b)
    value = np.vdot(x[0], y[0])
    if alg is None:
        return value
    return multiply(alg, value, dot_labels(1, 1), conjugated(flat(x)), flat(y))


def flat(x):
    """(value, terms) in one dimension."""
    return np.ravel(x[0]), None if x[1] is None else x[1].reshape(len(x[1]), -1)


def conjugated(x):
    """(value, terms), conjugated."""
    if not np.iscomplexobj(x[0]):
        return x
    return x[0].conj(), None if x[1] is None else x[1].conj()


@functools.lru_cache(256)
def dot_labels(nd_a, nd_b):
    """np.dot: the last dimension of a with the last but one of b."""
    if nd_a and nd_b:
        la, lb = [*range(nd_a - 1), "k"], [("b", q) for q in range(nd_b)]
        lb[-2 if nd_b > 1 else -1] = "k"
    else:
        la, lb = range(nd_a), [("b", q) for q in range(nd_b)]
    return labels(tuple(la), tuple(lb), tuple(q for q in [*la, *lb] if q != "k"))


@functools.lru_cache(256)
def inner_labels(nd_a, nd_b):
    """np.inner: the last dimensions of both."""
    la, lb = list(range(nd_a)), [("b", q) for q in range(nd_b)]
    if la and lb:
        la[-1] = lb[-1] = "k"
    return labels(tuple(la), tuple(lb), tuple(q for q in [*la, *lb] if q != "k"))


def tensordot_product(a, b, value, axes=2):
    """np.tensordot: the dimensions that axes names."""
    nd_a, nd_b = np.ndim(a), np.ndim(b)
    try:
        axes_a, axes_b = axes
    except TypeError:
        axes_a, axes_b = range(nd_a - axes, nd_a), range(axes)
    axes_a, axes_b = ([q] if isinstance(q, (int, np.integer)) else list(q)
                      for q in (axes_a, axes_b))
    la, lb = list(range(nd_a)), [("b", q) for q in range(nd_b)]
    for n, (p, q) in enumerate(zip(axes_a, axes_b, strict=True)):
        la[p] = lb[q] = ("k", n)
    sums = {q for q in la if q in lb}
    return labels(tuple(la), tuple(lb), tuple(q for q in [*la, *lb] if q not in sums))


# ---- products of single elements: by the number's own multiplication -------------------------


def outer(a, b):
    """np.outer by broadcasting."""
    a, b = (x if hasattr(x, "reshape") else np.asarray(x) for x in (a, b))
    return a.reshape(-1, 1) * b.reshape(1, -1)


def kron(a, b):
    """np.kron by broadcasting and one reshape."""
    a, b = (x if hasattr(x, "ndim") else np.asarray(x) for x in (a, b))
    nd = max(a.ndim, b.ndim)
    sa, sb = (1,) * (nd - a.ndim) + a.shape, (1,) * (nd - b.ndim) + b.shape
    wide_a = a.reshape([n for q in sa for n in (q, 1)])
    wide_b = b.reshape([n for q in sb for n in (1, q)])
    return (wide_a * wide_b).reshape([p * q for p, q in zip(sa, sb, strict=True)])


def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """np.cross: component by component; vectors of length 2 as NumPy allows them."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = components(a, axisa), components(b, axisb)
    if len(a) == len(b) == 2:
        return a[0] * b[1] - a[1] * b[0]
    a, b = ([*x, 0.0] if len(x) == 2 else x for x in (a, b))
    c = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    return np.stack(np.broadcast_arrays(*c) if not same_shape(c) else c, axis=axisc)


def components(x, axis):
    """The slices of a number or array along an axis."""
    x = np.moveaxis(pack(x), axis, 0)
    return [x[q] for q in range(len(x))]


def same_shape(xs):
    return len({np.shape(x) for x in xs}) == 1


# ---- convolution ----------------------------------------------------------------------

WINDOWS = 1 << 12  # elements of windows of one row up to which they are laid out in memory


class Convolution:
    """convolve(a, b) of the full length, cut to out from place lo on; a is not shorter."""

    def __init__(self, n, m, out):
        full = n + m - 1
        self.m, self.out = m, out
        self.lo = {full: 0, max(n, m): (m - 1) // 2}.get(out, m - 1)

    def windows(self, a):
        """(rows, out, m): the elements of a that the elements of the result are made of."""
        pad = np.zeros((len(a), self.m - 1), a.dtype)
        wide = np.concatenate([pad, a, pad], axis=1)
        view = np.lib.stride_tricks.sliding_window_view(wide, self.m, axis=1)
        return view[:, self.lo:self.lo + self.out]

    def pairs(self, a, b):
        if self.out * self.m > WINDOWS:
            return np.stack([[self.single(x, y) for y in b] for x in a])
        w = self.windows(a)
        c = w.reshape(-1, self.m).dot(b[:, ::-1].T)
        return c.reshape(len(a), self.out, len(b)).transpose(0, 2, 1)

    def left(self, a, b):
        return self.pairs(a, b[None])[:, 0]

    def right(self, a, b):
        return self.pairs(a[None], b)[0]

    def rows(self, a, b):
        if self.out * self.m > WINDOWS:
            return np.stack([self.single(x, y) for x, y in zip(a, b, strict=True)])
        return np.matmul(self.windows(a), b[:, ::-1, None])[..., 0]

    def total(self, a, b):
        return self.rows(a, b).sum(axis=0)

    def single(self, a, b):
        return np.convolve(a, b)[self.lo:self.lo + self.out]


def convolve(a, v, mode="full"):
    """np.convolve."""
    alg, (x, y) = unify(a, v)
    value = np.convolve(x[0], y[0], mode)
    return value if alg is None else convolved(alg, value, x, y)


def correlate(a, v, mode="valid"):
    """np.correlate: the convolution with v turned round and conjugated."""
    alg, (x, y) = unify(a, v)
    value = np.correlate(x[0], y[0], mode)
    if alg is None:
        return value
    if np.size(x[0]) >= np.size(y[0]):
        return convolved(alg, value, x, turned(y))
    swapped = convolved(alg, value[::-1].conj(), y, turned(x))  # NumPy changes the places too
    return make(alg, value, swapped.terms[:, ::-1].conj())


def turned(x):
    """(value, terms) in one dimension, turned round and conjugated."""
    value, terms = conjugated(flat(x))
    return value[::-1], None if terms is None else terms[:, ::-1]


def convolved(alg, value, x, y):
    x, y = flat(x), flat(y)
    if x[0].size < y[0].size:
        x, y = y, x
    return multiply(alg, value, Convolution(x[0].size, y[0].size, value.size), x, y)


ROWS = {
    np.matmul: gufunc(np.matmul, MATMUL, kind=Matmul),
    np.vecdot: gufunc(np.vecdot, ("k", "k", ""), conjugate=True),
    np.dot: positional(np.dot, 2, kind="bilinear")(dot),
    np.inner: bilinear(np.inner, lambda a, b, value: inner_labels(np.ndim(a), np.ndim(b))),
    np.tensordot: bilinear(np.tensordot, tensordot_product),
    np.vdot: positional(np.vdot, 2, kind="bilinear")(vdot),
    np.outer: compose(np.outer, outer),
    np.kron: compose(np.kron, kron),
    np.cross: compose(np.cross, cross),
    np.convolve: positional(np.convolve, 2, kind="bilinear")(convolve),
    np.correlate: positional(np.correlate, 2, kind="bilinear")(correlate),
    # the namesakes in numpy.linalg
    np.linalg.matmul: positional(np.linalg.matmul, 2)(lambda x1, x2: np.matmul(x1, x2)),
    np.linalg.vecdot: positional(np.linalg.vecdot, 2)(
        lambda x1, x2, axis=-1: np.vecdot(x1, x2, axis=axis)),
    np.linalg.tensordot: positional(np.linalg.tensordot, 2)(
        lambda x1, x2, axes=2: np.tensordot(x1, x2, axes=axes)),
    np.linalg.outer: compose(np.linalg.outer, outer),
    np.linalg.cross: compose(np.linalg.cross, lambda x1, x2, axis=-1: cross(x1, x2, axis=axis)),
}
if hasattr(np, "matvec"):  # NumPy 2.2
    ROWS |= {
        np.matvec: gufunc(np.matvec, ("mk", "k", "m")),
        np.vecmat: gufunc(np.vecmat, ("k", "kp", "p"), conjugate=True),
    }
