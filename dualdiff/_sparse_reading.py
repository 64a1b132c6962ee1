"""Sparse derivatives read off one evaluation whose seeds have lanes.

Every element of a result says itself which inputs it depends on: its lanes are the columns
of its row in a Jacobian, and the pairs of them are its entries in a Hessian.  Seed 0 of a
call is given to no input, since functions that add elements (np.pad, np.where with a
constant) put lane 0, with a coefficient of zero, where there is nothing.

May import: chunks, seeding, the number, compressed rows.  Invariants: an entry is there if
the operations that were carried out make it depend on the input, even where its value is
zero; results that have become dense on the way give the entries that are not zero.
"""

import numpy as np

from dualdiff import _multisets
from dualdiff._arguments import split_aux
from dualdiff._compress import (
    Rows,
    index_type,
    rows_numbered,
    rows_of_entries,
    rows_of_lanes,
    symmetric_rows,
)
from dualdiff._jobs import strip
from dualdiff._seeding import Call
from dualdiff._taylor import (
    Taylor,
    compress,
    described,
    local_parts,
    local_seeds,
    make,
    parts_of,
)
from dualdiff.tree_util import tree_flatten, tree_unflatten


class Matrix:
    """Compressed rows: data (an array, or a number in nested calls), indices, indptr, shape."""

    __slots__ = ("data", "indices", "indptr", "shape")

    def __init__(self, data, indices, indptr, shape):
        self.data, self.indices, self.indptr, self.shape = data, indices, indptr, shape

    @property
    def rows(self):
        """The row of each entry."""
        return rows_numbered(self.indptr)

    def with_rows(self, m):
        """The same entries, empty rows added up to m of them; as it is for fewer, or None."""
        more = 0 if m is None else m - self.shape[0]
        if more <= 0:
            return self
        indptr = np.concatenate([self.indptr, np.full(more, self.indptr[-1])])
        return Matrix(self.data, self.indices, indptr, (m, self.shape[1]))

    def with_data(self, data):
        """The same entries with other values."""
        return Matrix(data, self.indices, self.indptr, self.shape)


def nonzero(x):
    """Where an array is not zero, or a number has any coefficient that is not."""
    if type(x) is not Taylor:
        return x != 0
    return (x.value != 0) | (x.terms != 0).any(axis=0)


def per_coefficient(data, f):
    """f of an array; of a number, coefficient by coefficient: f gives (array, *rest)."""
    if type(data) is not Taylor:
        return f(data)
    value, *rest = f(data.value)
    return make(data.algebra, value, np.stack([f(t)[0] for t in data.terms])), *rest


def as_computed(data):
    """data in a type that the loops know: float16 in float32."""
    return data.astype(np.float32) if data.dtype == np.float16 else data


# ---- one result --------------------------------------------------------------------------


def jacobian(call, leaves, n):
    """The rows of all leaves of a result, n columns."""
    parts = [part for y in leaves for part in parts_of(y)]
    numbers = [p for p in parts if type(p) is Taylor]
    counts = [local_seeds(p, call.factor) for p in numbers]
    dtype = np.result_type(*[described(p) for p in parts]) if parts else None
    if not numbers or not all(counts) or any(p.dtype != dtype for p in numbers):
        return stacked([jacobian_rows(call, y, n) for y in leaves], n)
    m = sum(np.size(described(p)) for p in parts)
    entries = sum(k * p.size for k, p in zip(counts, numbers, strict=True))
    rows = Rows(entries, m, n, dtype)
    for p in parts:
        if type(p) is Taylor:
            compress(p, rows)
        else:
            rows.add_constants(np.size(p))
    return Matrix(*rows.finished(), (m, n))


def jacobian_rows(call, y, n):
    """The rows of one leaf of a result, n columns."""
    m = y.size if type(y) is Taylor else np.size(y)
    shape = (m, n)
    kind = index_type(m, n)
    if type(y) is not Taylor:
        dtype = np.asarray(y).dtype
        data = np.zeros(0, dtype if dtype.kind in "fc" else float)
        return Matrix(data, np.zeros(0, kind), np.zeros(m + 1, kind), shape)
    first = laned_terms(call, y, 1)
    if first is None:
        return dense_rows(call, y, shape)
    terms, _, lanes = first
    dtype = terms.dtype

    def compressed(rows):
        data, *rest = rows_of_lanes(as_computed(rows.reshape(len(lanes), m)), lanes, n)
        return data.astype(dtype, copy=False), *rest

    return Matrix(*per_coefficient(terms, compressed), shape)


def laned_terms(call, y, order):
    """(coefficients, local seeds of each, lanes) of one order; None if y has no lanes here.

    The coefficients are an array, or a number over the factors of outer calls.
    """
    alg, terms, lanes = local_parts(y)
    if lanes is None or alg.factors[alg.laned].parent is not call.factor:
        return None
    n = len(lanes)
    seeds = _multisets.multisets(n, order)
    if len(alg.factors) == 1:
        return terms[:n] if order == 1 else terms[n:], seeds, lanes
    outer, index = alg.split(alg.factors[alg.laned])
    rows = index[1:n + 1] if order == 1 else index[n + 1:]
    return make(outer, terms[rows[:, 0] - 1],
                np.ascontiguousarray(np.swapaxes(terms[rows[:, 1:] - 1], 0, 1))), seeds, lanes


def dense_rows(call, y, shape):
    """The entries that are not zero of a result that has become dense."""
    slopes = call.gradient(y)[1:]
    slopes = slopes.reshape((shape[1], -1))
    rows, cols = np.nonzero(np.ascontiguousarray(nonzero(slopes).T))
    return from_entries(slopes[cols, rows], rows, cols, shape)


def from_entries(data, rows, cols, shape):
    """A matrix from entries in any order; those of one position are summed."""
    dtype = data.dtype

    def compressed(values):
        out, *rest = rows_of_entries(as_computed(np.array(values)), rows, cols, shape)
        return out.astype(dtype, copy=False), *rest

    return Matrix(*per_coefficient(data, compressed), shape)


def hessian_rows(call, y, n):
    """The Hessian of a scalar result."""
    kind = index_type(n)
    if type(y) is not Taylor:
        dtype = np.asarray(y).dtype
        data = np.zeros(0, dtype if dtype.kind in "fc" else float)
        return Matrix(data, np.zeros(0, kind), np.zeros(n + 1, kind), (n, n))
    second = laned_terms(call, y, 2)
    if second is None:
        return dense_hessian(call, y, n)
    terms, pairs, lanes = second
    dtype = terms.dtype

    def compressed(rows):
        rows = as_computed(rows.reshape(len(pairs), -1))
        data, *rest = symmetric_rows(rows, pairs, lanes, n)
        return data.astype(dtype, copy=False), *rest

    return Matrix(*per_coefficient(terms, compressed), (n, n))


def dense_hessian(call, y, n):
    """The entries that are not zero of a Hessian that has become dense."""
    pairs = _multisets.multisets(n + 1, 2)
    c = call.coefficients(y, np.arange(n + 2, n + 2 + len(pairs)))
    at = np.flatnonzero(nonzero(c) & (pairs[:, 0] > 0))
    a, b = pairs[at].T - 1
    c = c[at] * np.where(a == b, 2, 1).astype(c.dtype)
    apart = a != b
    data = np.concatenate([c, c[apart]])
    return from_entries(data, np.concatenate([a, b[apart]]), np.concatenate([b, a[apart]]), (n, n))


def stacked(blocks, n):
    """Matrices of n columns below one another."""
    if len(blocks) == 1:
        return blocks[0]
    m = sum(b.shape[0] for b in blocks)
    nnz = sum(len(b.indices) for b in blocks)
    kind = index_type(m, n, nnz)
    if not blocks:
        return Matrix(np.zeros(0), np.zeros(0, kind), np.zeros(1, kind), (0, n))
    ends, total = [np.zeros(1, kind)], 0
    for b in blocks:
        ends.append(b.indptr[1:].astype(kind) + kind(total))
        total += len(b.indices)
    return Matrix(np.concatenate([b.data for b in blocks]),
                  np.concatenate([b.indices for b in blocks]).astype(kind, copy=False),
                  np.concatenate(ends), (m, n))


# ---- one evaluation ------------------------------------------------------------------------


def by_lanes(task, room):
    """(matrix, aux) of a task of first or second order, evaluated once.

    Raises DenseLimit where a number would take more than `room` bytes as a dense one.
    """
    inputs, order = task.inputs, task.order
    n = inputs.count
    call = Call(n + 1, order, True, room)
    try:
        args = inputs.rebuilt([call.seed(leaf.x, leaf.first + 1) if leaf.n else leaf.x
                               for leaf in inputs.leaves])
        result = task.fun(*args, **task.kwargs)
        args = None  # the seeds have memory that the matrix may take
        result, aux = split_aux(task.who, result, task.has_aux)
        leaves, _ = task.check(result)
        if order == 1:
            matrix = jacobian(call, leaves, n)
        else:
            matrix = hessian_rows(call, leaves[0], n)
        if task.has_aux:
            flat, treedef = tree_flatten(aux)
            aux = tree_unflatten(treedef, [strip([call], x) for x in flat])
        return matrix, aux
    finally:
        args = result = leaves = None
        call.__exit__()
