"""The callables behind the transforms of `_jacobians` and `_hessians`: how packed tensors are read.

May import: chunks, inputs, argument checks, jvp.  Invariant: every transform is a `Task`
for `derive` and a way of reading its packed tensor; nothing here knows of chunks.
"""

import numpy as np

from dualdiff import _multisets
from dualdiff._arguments import (
    check_argnums,
    dtype_of,
    flatten_inputs,
    float0,
    shape_of,
)
from dualdiff._chunks import check_chunking, derive, evaluate
from dualdiff._inputs import Inputs, check_batch_axes
from dualdiff._jobs import Task
from dualdiff._taylor import Taylor, make
from dualdiff._transformed import Transformed
from dualdiff._transforms import check_tangent, jvp, placed
from dualdiff.tree_util import tree_structure, tree_unflatten

# ---- reading a packed tensor ----------------------------------------------------------

SQUARE = 256  # inputs up to which the places of a Hessian's entries are kept from call to call


def block(packed, leaves, inputs):
    """Derivatives by one choice of input leaves: result axes, then those of each leaf."""
    if any(leaf.seeds == 0 and leaf.dtype.kind in "biu" for leaf in leaves):
        return np.zeros((*packed.shape[1:], *[s for leaf in leaves for s in leaf.full]), float0)
    shape = tuple(s for leaf in leaves for s in leaf.shape)
    if len(leaves) == 1:
        leaf = leaves[0]
        out = placed(packed[leaf.first:leaf.first + leaf.seeds], shape, inputs)
    else:
        ranges = {leaf: np.arange(leaf.first, leaf.first + leaf.seeds) for leaf in leaves}
        ranges = [ranges[leaf] for leaf in leaves]
        out = placed(gathered(packed, ranges), shape, inputs)
    return out if out.shape else out[()]


def gathered(packed, ranges):
    """Entries of a packed symmetric tensor for all combinations of seeds, flat."""
    first, rest = ranges[0], ranges[1:]
    if len(ranges) == 2 and first is rest[0] and first[0] == 0 and first.size <= SQUARE:
        return packed[_multisets.square(first.size)]
    grid = np.stack(np.meshgrid(*rest, indexing="ij"), -1).reshape(-1, len(rest))
    if type(packed) is Taylor or first.size * len(grid) <= 2**16:
        seeds = np.concatenate([np.repeat(first, len(grid))[:, None],
                                np.tile(grid, (len(first), 1))], axis=1)
        return packed[_multisets.rank(np.sort(seeds, axis=1))]
    out = np.empty((first.size, len(grid), *packed.shape[1:]), packed.dtype)
    seeds = np.empty((len(grid), len(ranges)), np.intp)
    for q, i in enumerate(first):  # row by row: the indices of all would outweigh the result
        seeds[:, 0], seeds[:, 1:] = i, grid
        out[q] = packed[_multisets.rank(np.sort(seeds, axis=1))]
    return out.reshape(-1, *packed.shape[1:])


def nested(packed, inputs, order, chosen=()):
    """The derivatives of one leaf of the result, in the structure of the inputs, `order` deep."""
    if order == 0:
        return block(packed, chosen, inputs)
    return inputs.tree([nested(packed, inputs, order - 1, (*chosen, leaf))
                        for leaf in inputs.leaves])


# ---- the transforms as callables --------------------------------------------------------


class Tensor(Transformed):
    """The derivatives of one order; subclasses read other things off them."""

    order, scalar, gradient, diagonal, instead = 1, False, False, False, "jacfwd"

    def __init__(self, who, fun, argnums=0, has_aux=False, holomorphic=False, allow_int=None,
                 chunk_size=None, executor=None, batch_axes=None, order=None):
        self.argnums = check_argnums(who, fun, argnums)
        super().__init__(who, fun)
        self.has_aux, self.holomorphic = bool(has_aux), bool(holomorphic)
        self.allow_int = allow_int
        self.chunk_size, self.executor = check_chunking(who, chunk_size, executor)
        self.batch_axes = check_batch_axes(who, batch_axes)
        if order is not None:
            self.order = order
        self.simple = (self.read_plain is not None and 1 <= self.order <= 2
                       and chunk_size is None and executor is None and batch_axes is None
                       and not (has_aux or holomorphic or allow_int))

    def __call__(self, *args, **kwargs):
        found = None
        if self.simple:
            found = evaluate(self.fun, args, kwargs, self.argnums, self.order)
        if found is None:
            return self.general(args, kwargs)
        try:
            out = found.jacobians() if self.order == 1 else found.hessians()
            if out is None:
                return self.general(args, kwargs, found)
            return self.read_plain(found, self.plain(out, self.order))
        finally:
            found.close()

    def plain(self, blocks, order):
        """Blocks by input, as argnums has them."""
        if not isinstance(self.argnums, tuple):
            return blocks[0] if order == 1 else blocks[0][0]
        return tuple(blocks) if order == 1 else tuple(map(tuple, blocks))

    def read_plain(self, found, out):
        """What the user gets from the fast path; None in a class: there is none."""
        return out

    def general(self, args, kwargs, found=None):
        """The derivatives with all settings, for pytrees of any kind of numbers."""
        who = self.who
        inputs = Inputs(who, args, self.argnums, holomorphic=self.holomorphic,
                        allow_int=self.allow_int, batch_axes=self.batch_axes)
        for leaf in inputs.leaves:
            if leaf.pairs:
                raise TypeError(
                    f"{who}: {leaf.path} expected a real input, got dtype {leaf.dtype}; pass "
                    "holomorphic=True for a holomorphic function, take real and imaginary part as "
                    "two inputs, or use jvp")
        task = Task(who, self.fun, inputs, kwargs, self.order, has_aux=self.has_aux,
                    holomorphic=self.holomorphic, scalar=self.scalar, gradient=self.gradient,
                    diagonal=self.diagonal, instead=self.instead)
        result = derive(task, self.chunk_size, self.executor, found)
        out = self.read(inputs, result)
        return self.joined(inputs, result, out)

    def joined(self, inputs, result, out):
        """What the user gets."""
        return (out, result.aux) if self.has_aux else out

    def value(self, result):
        """The function's own result, with aux where there is one."""
        value = tree_unflatten(result.treedef, result.values)
        return (value, result.aux) if self.has_aux else value

    def read(self, inputs, result):
        """The tensor of each leaf of the result, as a tree of trees."""
        if self.order == 0:
            return tree_unflatten(result.treedef, result.values)
        return tree_unflatten(result.treedef, [nested(p, inputs, self.order)
                                               for p in result.tops])


class ValueAndTensor(Tensor):
    """(value, derivatives)."""

    def read_plain(self, found, out):
        return found.value(), out

    def joined(self, inputs, result, out):
        return self.value(result), out


class ValueGradientHessian(Tensor):
    """(value, gradient, Hessian) of a scalar function."""

    order, scalar, gradient = 2, True, True
    instead = "value_and_jacfwd and hessian"

    def read_plain(self, found, out):
        return found.value(), self.plain(found.gradients(), 1), out

    def joined(self, inputs, result, out):
        first = [nested(p, inputs, 1) for p in result.gradients]
        return self.value(result), tree_unflatten(result.treedef, first), out


class HessianDiagonal(Tensor):
    """d2 y / d x_i^2 in the structure of the inputs."""

    order, diagonal, read_plain = 2, True, None

    def read(self, inputs, result):
        return tree_unflatten(result.treedef, [nested(p, inputs, 1) for p in result.tops])


class Laplacian(HessianDiagonal):
    """The sum of them."""

    def read(self, inputs, result):
        return tree_unflatten(result.treedef, [np.sum(p, axis=0) for p in result.tops])


class Field(Tensor):
    """Base for what is made of the Jacobian of a vector field."""

    read_plain = None

    def matrix(self, inputs, result):
        """(J, batch shape): J of shape (components, inputs, points)."""
        shape = inputs.batch_shape or ()
        rows = []
        for p in result.tops:
            where = [1 + a % (p.ndim - 1) for a in self.batch_axes or ()]
            rest = [a for a in range(1, p.ndim) if a not in where]
            p = np.transpose(p, (*rest, 0, *where))
            rows.append(p.reshape((-1, inputs.count, int(np.prod(shape)))))
        jac = rows[0] if len(rows) == 1 else np.concatenate(rows)
        if len(jac) != inputs.count:
            raise TypeError(
                f"{self.who} expected a vector field with as many components as inputs, "
                f"{inputs.count}, got {len(jac)}; name the inputs of space with argnums, and "
                "number points by batch_axes")
        return jac, shape


class Divergence(Field):
    """The trace of the Jacobian."""

    def read(self, inputs, result):
        jac, shape = self.matrix(inputs, result)
        n = len(jac)
        out = np.sum(jac.reshape((n * n, -1))[::n + 1], axis=0).reshape(shape)
        return out if shape else out[()]


class Curl(Field):
    """The antisymmetric part of the Jacobian: a vector in space, a number in the plane."""

    def read(self, inputs, result):
        jac, shape = self.matrix(inputs, result)
        if len(jac) == 2:
            out = (jac[1, 0] - jac[0, 1]).reshape(shape)
            return out if shape else out[()]
        if len(jac) != 3:
            raise TypeError(f"curl expected a field in 3 or 2 dimensions, got {len(jac)} inputs; "
                            "use jacfwd and take what you need of J - J.T")
        parts = np.stack([jac[2, 1] - jac[1, 2], jac[0, 2] - jac[2, 0], jac[1, 0] - jac[0, 1]])
        if len(result.tops) > 1:  # components in a container
            return tree_unflatten(result.treedef, [
                parts[i].reshape(shape) if shape else parts[i, 0] for i in range(3)])
        parts = parts.reshape((3, *shape))
        return tree_unflatten(result.treedef, [placed(parts, (3,), inputs, range(len(shape)))])


# ---- directions -------------------------------------------------------------------------


class Directions:
    """Inputs whose seeds are directions: stands for `Inputs` in a task."""

    batch_axes = batch_shape = None
    elements = False

    def __init__(self, leaves, tangents, treedef, count):
        self.leaves, self.tangents, self.treedef, self.count = leaves, tangents, treedef, count

    @property
    def nbytes(self):
        """Bytes of the values."""
        return sum(np.prod(shape_of(x)) * dtype_of(x).itemsize for x in self.leaves)

    def with_seeds(self, blocks):
        """The arguments with the directions first .. stop."""
        ((call, lo, hi),) = blocks
        out = []
        for x, v in zip(self.leaves, self.tangents, strict=True):
            if v is None:
                out.append(x)
            elif type(x) is Taylor or type(v) is Taylor:
                out.append(call.along(x, [v[s] for s in range(lo, min(hi, len(v)))]))
            else:
                value = np.array(x, order="C")
                terms = np.zeros((call.algebra.M - 1, *value.shape), value.dtype)
                terms[:len(v[lo:hi])] = v[lo:hi]
                out.append(make(call.algebra, value, terms))
        return tree_unflatten(self.treedef, out)


class Along:
    """The derivative of a function along fixed directions, as a function of its arguments."""

    def __init__(self, fun, tangents, has_aux):
        self.fun, self.tangents, self.has_aux = fun, tangents, has_aux

    def __call__(self, *primals):
        return jvp(self.fun, primals, self.tangents, self.has_aux)[1:] if self.has_aux else (
            jvp(self.fun, primals, self.tangents)[1])


class Linear:
    """The linear function of `linearize`: a stored Jacobian."""

    def __init__(self, inputs, treedef, tops, values):
        self.inputs, self.treedef, self.tops = inputs, treedef, tops
        self.exact = [dtype_of(y).kind not in "fc" for y in values]

    def __call__(self, *tangents):
        who, inputs = "linearize", self.inputs
        leaves, paths, _ = flatten_inputs(who, tangents, "tangents")
        want = tree_structure(tuple(inputs.args[p] for p in inputs.places))
        if tree_structure(tangents) != want:
            raise TypeError(f"{who}: the linear function expected tangents of the structure of the "
                            f"primals, {want}, got {tree_structure(tangents)}")
        parts = []
        for leaf, v, path in zip(inputs.leaves, leaves, paths, strict=True):
            v = check_tangent(who, leaf.x, v, leaf.path, path)
            if v is None:
                continue
            v = np.reshape(v, (-1,))
            parts += [np.real(v), np.imag(v)] if leaf.pairs else [v]
        t = np.concatenate(parts) if parts else np.zeros(0)
        out = []
        for top, exact in zip(self.tops, self.exact, strict=True):
            if exact:
                out.append(np.zeros(top.shape[1:], float0))
                continue
            y = np.matmul(t, top.reshape((len(t), -1))).reshape(top.shape[1:])
            out.append(y if y.shape else y[()])
        return tree_unflatten(self.treedef, out)
