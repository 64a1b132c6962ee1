"""The differentiated arguments of one call, laid out flat: leaves, and the seeds of each.

May import: argument checks, pytrees, seeding, the number.  Invariants: seeds are
numbered through all leaves in the order of the pytree, elements in C order; inputs
are copied, never changed; an object of this class can be pickled if its leaves can.
"""

import math
from functools import reduce

import numpy as np

from dualdiff._algebra import unite
from dualdiff._arguments import (
    as_leaf,
    check_input,
    dtype_of,
    flatten_inputs,
    resolve_argnums,
    shape_of,
)
from dualdiff._taylor import Taylor, apply, make
from dualdiff._tree_keys import bare_path
from dualdiff.tree_util import tree_flatten_with_path, tree_unflatten


class Leaf:
    """One array or number among the inputs.

    `shape` is that of one point (all of it without batch axes); `n` its elements; `seeds`
    how many seeds they take, from number `first` on; 0 for integers, 2 n for complex inputs
    whose real and imaginary parts are differentiated separately.
    """

    __slots__ = ("x", "path", "dtype", "full", "shape", "batch", "n", "seeds", "first", "pairs")

    def __init__(self, x, path, first, holomorphic, axes):
        self.x, self.path, self.first = x, path, first
        self.dtype, self.full = dtype_of(x), shape_of(x)
        self.batch = axes
        self.shape = tuple(s for q, s in enumerate(self.full) if q not in axes)
        self.n = math.prod(self.shape)
        self.pairs = self.dtype.kind == "c" and not holomorphic
        self.seeds = 0 if self.dtype.kind not in "fc" else self.n * (1 + self.pairs)

    def __getstate__(self):
        return tuple(getattr(self, name) for name in self.__slots__)

    def __setstate__(self, state):
        for name, value in zip(self.__slots__, state, strict=True):
            setattr(self, name, value)

    @property
    def nbytes(self):
        """Bytes of the values."""
        return math.prod(self.full) * self.dtype.itemsize


class Inputs:
    """The arguments of one call, those that argnums names taken apart.

    batch_axes: None, or a tuple of axes that number points: all points share seeds.
    name: of the one argument, for messages.
    """

    elements = True  # seeds stand for elements, not for directions

    def __init__(self, who, args, argnums, *, holomorphic=False, allow_int=False,
                 batch_axes=None, name=None):
        self.who, self.args, self.argnums = who, args, argnums
        self.places = resolve_argnums(who, argnums, len(args))
        self.leaves, self.treedefs, first = [], [], 0
        for p in self.places:
            leaves, paths, treedef = flatten_inputs(who, args[p], name or f"argument {p}")
            self.treedefs.append(treedef)
            for x, path in zip(leaves, paths, strict=True):
                check_input(who, x, path, holomorphic, allow_int)
                axes = batch_of(who, path, shape_of(x), batch_axes) if batch_axes else ()
                leaf = Leaf(x, path, first, holomorphic, axes)
                self.leaves.append(leaf)
                first += leaf.seeds
        self.count = first
        self.batch_axes = batch_axes
        self.batch_shape = None
        if batch_axes:
            try:
                self.batch_shape = np.broadcast_shapes(*[
                    tuple(leaf.full[q] for q in leaf.batch)
                    for leaf in self.leaves if leaf.batch])
            except ValueError:
                shapes = ", ".join(f"{leaf.path}: {leaf.full}" for leaf in self.leaves)
                raise ValueError(f"{who}: the batch axes {batch_axes} of the inputs do not "
                                 f"broadcast ({shapes})") from None

    @property
    def nbytes(self):
        """Bytes of the values of all leaves that have seeds."""
        return sum(leaf.nbytes for leaf in self.leaves if leaf.seeds)

    def with_seeds(self, blocks):
        """The arguments with seeds first .. stop of calls: blocks = [(call, first, stop)]."""
        if len(blocks) == 1:
            call, lo, hi = blocks[0]
            if lo == 0 and hi == self.count and not self.batch_axes:
                return self.rebuilt([
                    call.seed(leaf.x, leaf.first) if leaf.seeds == leaf.n > 0 else
                    self.seeded(leaf, call.algebra, [(None, lo, hi)]) for leaf in self.leaves])
        alg = reduce(lambda a, b: unite(a, b)[0], [call.algebra for call, _, _ in blocks])
        spans = [(unite(alg, call.algebra)[2], lo, hi) for call, lo, hi in blocks]
        return self.rebuilt([self.seeded(leaf, alg, spans) for leaf in self.leaves])

    def seeded(self, leaf, alg, spans):
        """One leaf with seeds; spans = [(position of each monomial or None, first, stop)]."""
        x = leaf.x
        value = np.array(x.value if type(x) is Taylor else x, order="C")
        terms = None
        for at, lo, hi in spans:
            lo_here, hi_here = max(lo, leaf.first), min(hi, leaf.first + leaf.seeds)
            if lo_here >= hi_here:
                continue
            if terms is None:
                terms = np.zeros((alg.M - 1, *leaf.full), value.dtype)
            rows = np.arange(1 + lo_here - lo, 1 + hi_here - lo)
            rows = (rows if at is None else at[rows]) - 1
            cols = np.arange(lo_here - leaf.first, hi_here - leaf.first)
            unit = np.where(cols < leaf.n, 1, 1j) if leaf.pairs else 1
            plane = np.moveaxis(terms, [q + 1 for q in leaf.batch],
                                range(1 + len(leaf.shape), terms.ndim))
            index = np.unravel_index(cols % leaf.n, leaf.shape) if leaf.shape else ()
            if leaf.pairs:
                unit = unit.reshape(-1, *[1] * len(leaf.batch))
            plane[(rows, *index)] = unit
        if terms is None:
            return x
        y = make(alg, value, terms)
        return apply("add", x, y, value=value) if type(x) is Taylor else y

    def rebuilt(self, leaves):
        """The positional arguments with these leaves in place of the differentiated ones."""
        args, first = list(self.args), 0
        for p, treedef in zip(self.places, self.treedefs, strict=True):
            last = first + treedef.num_leaves
            args[p] = tree_unflatten(treedef, leaves[first:last])
            first = last
        return args

    def tree(self, leaves):
        """Results for each leaf, in the structure of the differentiated arguments."""
        out, first = [], 0
        for treedef in self.treedefs:
            last = first + treedef.num_leaves
            out.append(tree_unflatten(treedef, leaves[first:last]))
            first = last
        return tuple(out) if isinstance(self.argnums, tuple) else out[0]


def check_batch_axes(who, batch_axes):
    """None, or a tuple of distinct ints."""
    if batch_axes is None:
        return None
    axes = batch_axes if isinstance(batch_axes, (tuple, list)) else (batch_axes,)
    if not all(isinstance(a, (int, np.integer)) and not isinstance(a, bool) for a in axes):
        raise TypeError(f"{who} expected batch_axes to be an int or a tuple of ints, got "
                        f"{batch_axes!r}")
    if len(set(axes)) != len(axes):
        raise ValueError(f"{who}: batch_axes {batch_axes!r} names one axis twice")
    if len({a < 0 for a in axes}) > 1:
        raise ValueError(f"{who}: batch_axes {batch_axes!r} mixes axes counted from the front "
                         "with "
                         "axes counted from the back; count all of them from one end")
    return tuple(sorted(int(a) for a in axes)) or None


def batch_of(who, path, shape, batch_axes):
    """The batch axes of an array of this shape, from the front; none of a single number."""
    if shape == ():
        return ()
    ndim = len(shape)
    if any(not -ndim <= a < ndim for a in batch_axes):
        raise ValueError(f"{who}: {path} has shape {shape}, without the axes batch_axes="
                         f"{batch_axes}; an input has either all batch axes or no axes at all")
    return tuple(a % ndim for a in batch_axes)


# ---- one of the variables ---------------------------------------------------------------


def is_int(i):
    """Whether it may be an index: no truth value."""
    return isinstance(i, (int, np.integer)) and not isinstance(i, bool)


def variable_of(who, tree, index):
    """(leaf, flat position in it) of one element of an array or of a pytree of arrays.

    index: of an array the index of the element; of a pytree the number among all elements, or
    a path, a tuple of the keys that lead to an array and then the index of the element.
    """
    pairs, _ = tree_flatten_with_path(tree)
    shapes = [shape_of(as_leaf(x)) for _, x in pairs]
    keys = [bare_path(path) for path, _ in pairs]
    if keys == [()]:
        return 0, element_of(who, index if isinstance(index, tuple) else (index,), shapes[0], "")
    sizes = [math.prod(shape) for shape in shapes]
    if is_int(index):
        if not -sum(sizes) <= index < sum(sizes):
            raise ValueError(f"{who}: index {index} is out of bounds for {sum(sizes)} variables")
        flat = int(index) % sum(sizes)
        for q, size in enumerate(sizes):
            if flat < size:
                return q, flat
            flat -= size
    path = index if isinstance(index, tuple) else (index,)
    for q, (known, shape) in enumerate(zip(keys, shapes, strict=True)):
        if path[:len(known)] == known:
            return q, element_of(who, path[len(known):], shape, f" at {known!r}")
    raise ValueError(f"{who}: {index!r} leads to no array of the pytree; expected the number of a "
                     "variable, or a tuple of keys and then of the indices of the element, that "
                     f"starts with one of {', '.join(map(repr, keys))}")


def element_of(who, index, shape, where):
    """The flat position of an element."""
    if not all(map(is_int, index)) or len(index) != len(shape):
        raise TypeError(f"{who} expected indices of elements of an array of shape {shape}{where}, "
                        f"each {len(shape)} int{'s' * (len(shape) != 1)}, got "
                        f"{index[0] if len(index) == 1 else index!r}")
    if any(not -n <= a < n for a, n in zip(index, shape, strict=True)):
        raise ValueError(f"{who}: index {index[0] if len(index) == 1 else index!r} is out of "
                         f"bounds for shape {shape}{where}")
    return int(np.ravel_multi_index([a % n for a, n in zip(index, shape, strict=True)], shape)
               if shape else 0)
