"""Sparse Jacobians and Hessians, and their patterns.

One evaluation with lanes gives every entry where the function keeps local structure; where
it does not, compressed seeds by colours do (`_colouring`).  SciPy is imported when a
matrix of its is asked for.

May import: the two ways, inputs, argument checks.  Invariants: rows number the elements of
the result, leaf after leaf, in C order; columns those of the differentiated arguments; the
columns of a row ascend and none stands twice; Hessians are symmetric to the last bit.
"""

import importlib

import numpy as np

from dualdiff._arguments import check_argnums
from dualdiff._budget import LIVE, memory_budget
from dualdiff._colouring import by_colours, outside
from dualdiff._compress import places, rows_of_entries, transposed
from dualdiff._inputs import Inputs
from dualdiff._jobs import Task
from dualdiff._seeding import lanes_pay
from dualdiff._sparse_reading import Matrix, by_lanes, nonzero
from dualdiff._taylor import DenseLimit, Taylor
from dualdiff._transformed import Transformed

FORMATS = ("csr", "csc", "coo", "bsr", "dia", "dok", "lil", "triplets")
METHODS = ("auto", "lanes", "colouring")


def sparse_jacobian(fun, argnums=0, has_aux=False, holomorphic=False, *, format="csr",
                    pattern=None, method="auto"):
    """Make the function that evaluates the Jacobian as a sparse matrix.

    Parameters
    ----------
    fun : callable
        Its result is an array, a number, or a pytree of them.
    argnums : int or tuple of ints, optional
        Which positional arguments to differentiate by; each may be a pytree.
    has_aux : bool, optional
        `fun` returns a pair (result, aux); aux is handed out undifferentiated.
    holomorphic : bool, optional
        `fun` is holomorphic: complex inputs, complex result.
    format : str, optional
        A format of scipy.sparse, "csr" by default, or "triplets", which needs no SciPy.
    pattern : sparse or dense matrix, or pair (rows, cols), optional
        Which entries the result has, whatever their values: for solvers that keep the
        structure.  By default those that the function has at the point.
    method : {"auto", "lanes", "colouring"}, optional
        "lanes" follows the inputs through one evaluation; "colouring" finds the pattern by
        evaluations with grouped seeds and compresses it; "auto" takes lanes, and colours where
        the function loses the structure that lanes follow.

    Returns
    -------
    callable
        Takes the arguments of `fun`; gives a ``scipy.sparse`` array of shape (elements of the
        result, elements of the inputs), leaves of pytrees one after another, each in C order;
        with "triplets" ``(data, rows, cols)``, three arrays sorted by row and column, no
        position twice.  A pair ``(jacobian, aux)`` with `has_aux`.

    Raises
    ------
    TypeError
        As `jacfwd` does.
    ValueError
        If `format` or `method` is not known; if `pattern` has another shape or leaves out an
        entry that is not zero.
    ImportError
        If `format` needs SciPy and it cannot be imported.

    Notes
    -----
    One evaluation of `fun` with lanes: an operation costs as many products as its operands
    depend on inputs, element by element.  By colours: one evaluation with a seed for each
    colour and one more for a check, and about log4(n) such evaluations the first time.  See
    ``docs/sparse.md``.

    Entries are there where the operations carried out make a result depend on an input, so
    they may be zero; ``eliminate_zeros()`` drops those.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import sparse_jacobian
    >>> data, rows, cols = sparse_jacobian(np.diff, format="triplets")(np.array([1.0, 2.0, 5.0]))
    >>> print(data, rows, cols)
    [-1.  1. -1.  1.] [0 0 1 1] [0 1 1 2]
    """
    return Sparse("sparse_jacobian", fun, argnums, has_aux, holomorphic, format, pattern, method)


def sparse_hessian(fun, argnums=0, has_aux=False, holomorphic=False, *, format="csr",
                   pattern=None, method="auto"):
    """Make the function that evaluates the Hessian of a scalar function as a sparse matrix.

    Parameters
    ----------
    fun : callable
        Its result is one number.
    argnums, has_aux, holomorphic, format, pattern, method
        As for `sparse_jacobian`; a pattern must be symmetric.

    Returns
    -------
    callable
        As from `sparse_jacobian`; the matrix has a row and a column for each element of the
        inputs, and is symmetric to the last bit.

    Raises
    ------
    TypeError
        As `hessian` does, and for a result that is not one number.
    ValueError, ImportError
        As `sparse_jacobian` does; ValueError for a pattern that is not symmetric.

    Notes
    -----
    One evaluation of `fun` with lanes to order 2: Hessians of the terms of a sum, element by
    element, are added up into the matrix; every pair of inputs that a term depends on has an
    entry, which is zero where the term has no such second derivative.  By colours: gradients
    along one direction for each colour of a star colouring.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import sparse_hessian
    >>> f = lambda x: np.sum(x[1:] * x[:-1] ** 2)
    >>> data, rows, cols = sparse_hessian(f, format="triplets")(np.array([1.0, 2.0, 3.0]))
    >>> print(data, rows, cols)
    [4. 2. 2. 6. 4. 4. 0.] [0 0 1 1 1 2 2] [0 1 0 1 2 1 2]
    """
    return Sparse("sparse_hessian", fun, argnums, has_aux, holomorphic, format, pattern, method)


def jacobian_sparsity(fun, argnums=0, has_aux=False, holomorphic=False, *, format="csr",
                      also_at=(), method="auto"):
    """Make the function that finds the pattern of the Jacobian at a point.

    Parameters
    ----------
    fun, argnums, has_aux, holomorphic, format, method
        As for `sparse_jacobian`.
    also_at : sequence of tuples, optional
        Further points, each a tuple of arguments of `fun`: the result is the union of the
        patterns.  Where branches depend on values (``np.where``, ``if x[0] > 0``, ``max``,
        ``sort``), give a point in each.

    Returns
    -------
    callable
        Takes the arguments of `fun`; gives a sparse array of truth values, or triplets.  aux is
        not handed out.

    Raises
    ------
    TypeError, ValueError, ImportError
        As `sparse_jacobian` does.

    Notes
    -----
    Costs what `sparse_jacobian` costs, at each point.  The pattern is that of the operations
    carried out: a branch not taken leaves no trace.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import jacobian_sparsity
    >>> f = lambda x: np.where(x > 0, x, x[::-1])
    >>> there = np.array([-1.0, -1.0])
    >>> f_pattern = jacobian_sparsity(f, format="triplets", also_at=[(there,)])
    >>> _, rows, cols = f_pattern(np.array([1.0, 1.0]))
    >>> print(rows, cols)
    [0 0 1 1] [0 1 0 1]
    """
    return Sparsity("jacobian_sparsity", fun, argnums, has_aux, holomorphic, format, also_at,
                    method)


def hessian_sparsity(fun, argnums=0, has_aux=False, holomorphic=False, *, format="csr",
                     also_at=(), method="auto"):
    """Make the function that finds the pattern of the Hessian of a scalar function at a point.

    Parameters
    ----------
    fun, argnums, has_aux, holomorphic, format, also_at, method
        As for `jacobian_sparsity`.

    Returns
    -------
    callable
        As from `jacobian_sparsity`.

    Raises
    ------
    TypeError, ValueError, ImportError
        As `sparse_hessian` does.

    Notes
    -----
    Costs what `sparse_hessian` costs, at each point.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import hessian_sparsity
    >>> f = lambda x: np.sum(x[1:] * x[:-1])
    >>> _, rows, cols = hessian_sparsity(f, format="triplets")(np.zeros(3))
    >>> print(rows, cols)
    [0 0 1 1 1 2 2] [0 1 0 1 2 1 2]
    """
    return Sparsity("hessian_sparsity", fun, argnums, has_aux, holomorphic, format, also_at,
                    method)


# ---- the transforms as callables ---------------------------------------------------------------


class Sparse(Transformed):
    """A sparse Jacobian, or Hessian."""

    def __init__(self, who, fun, argnums, has_aux, holomorphic, format, pattern, method):
        self.argnums = check_argnums(who, fun, argnums)
        super().__init__(who, fun)
        self.order = 2 if who.startswith(("sparse_hessian", "hessian")) else 1
        self.has_aux, self.holomorphic = bool(has_aux), bool(holomorphic)
        self.format = check_choice(who, "format", format, FORMATS)
        self.method = check_choice(who, "method", method, METHODS)
        self.pattern = None if pattern is None else Pattern(who, pattern, self.order == 2)
        self.plan, self.lost = None, False

    def __call__(self, *args, **kwargs):
        matrix, aux = self.matrix(args, kwargs)
        out = formatted(self.who, matrix, self.format)
        return (out, aux) if self.has_aux else out

    def matrix(self, args, kwargs):
        """(matrix, aux) at a point."""
        who = self.who
        inputs = Inputs(who, args, self.argnums, holomorphic=self.holomorphic)
        for leaf in inputs.leaves:
            if leaf.pairs:
                raise TypeError(
                    f"{who}: {leaf.path} expected a real input, got dtype {leaf.dtype}; pass "
                    "holomorphic=True for a holomorphic function, or take real and imaginary part "
                    "as two inputs")
        task = Task(who, self.fun, inputs, kwargs, self.order, has_aux=self.has_aux,
                    holomorphic=self.holomorphic, scalar=self.order == 2,
                    instead="sparse_jacobian" if who == "sparse_hessian" else "jacobian_sparsity")
        matrix, aux = self.evaluated(task)
        return (matrix if self.pattern is None else self.pattern.fitted(matrix)), aux

    def evaluated(self, task):
        """(matrix, aux) by the method chosen."""
        lanes = self.method == "lanes" or task.inputs.count == 0 or (
            self.method == "auto" and not self.lost and lanes_pay(2**30, self.order))
        if lanes:
            try:
                budget = memory_budget()
                return by_lanes(task, budget // LIVE if self.method == "auto" else budget)
            except DenseLimit:
                if self.method == "lanes":
                    raise
                self.lost = True  # next time without an attempt
        pattern = None if self.pattern is None else self.pattern.matrix(task.inputs.count)
        matrix, aux, self.plan = by_colours(task, self.plan, pattern)
        return matrix, aux


class Sparsity(Sparse):
    """The pattern of a sparse Jacobian, or Hessian."""

    def __init__(self, who, fun, argnums, has_aux, holomorphic, format, also_at, method):
        super().__init__(who, fun, argnums, has_aux, holomorphic, format, None, method)
        self.points = [p if isinstance(p, (tuple, list)) else (p,) for p in also_at]

    def __call__(self, *args, **kwargs):
        found = [self.matrix(point, kwargs)[0] for point in (args, *self.points)]
        shapes = {m.shape for m in found}
        if len(shapes) > 1:
            raise ValueError(f"{self.who} expected derivatives of one shape at all points of "
                             f"also_at, got {', '.join(map(str, sorted(shapes)))}; each point is "
                             "a tuple of all arguments of the function")
        pattern = found[0]
        if len(found) > 1:
            _, *rest = rows_of_entries(
                np.ones(sum(len(m.indices) for m in found), np.float32),
                np.concatenate([m.rows for m in found]),
                np.concatenate([m.indices for m in found]), pattern.shape)
            pattern = Matrix(None, *rest, pattern.shape)
        pattern = pattern.with_data(np.ones(len(pattern.indices), bool))
        return formatted(self.who, pattern, self.format)


# ---- what goes in and out ----------------------------------------------------------------------


def check_choice(who, name, choice, choices):
    """One of the strings that there are."""
    if choice not in choices:
        raise ValueError(f"{who} expected {name} to be one of "
                         f"{', '.join(map(repr, choices))}; got {choice!r}")
    return choice


class Pattern:
    """What the user gave as pattern: a matrix, sparse or dense, or triplets without a shape."""

    def __init__(self, who, pattern, symmetric):
        self.who, self.symmetric, self.shape, self.made = who, symmetric, None, None
        if isinstance(pattern, (tuple, list)) and len(pattern) == 3:
            rows, cols = (np.asarray(a) for a in pattern[1:])
            if rows.ndim != 1 or rows.shape != cols.shape or rows.size and not (
                    rows.dtype.kind in "iu" and cols.dtype.kind in "iu"):
                raise TypeError(
                    f"{who} expected pattern=(data, rows, cols) with rows and cols two arrays of "
                    f"integers of one length, got shapes {rows.shape} and {cols.shape} of dtypes "
                    f"{rows.dtype} and {cols.dtype}")
        elif hasattr(pattern, "tocoo"):
            coo = pattern.tocoo()
            self.shape, rows, cols = tuple(pattern.shape), coo.row, coo.col
        else:
            pattern = np.asarray(pattern)
            if pattern.ndim != 2 or pattern.dtype.kind not in "biufc":
                raise TypeError(f"{who} expected pattern to be a sparse or dense matrix, or "
                                f"(data, rows, cols), got shape {pattern.shape} of dtype "
                                f"{pattern.dtype}")
            self.shape, (rows, cols) = pattern.shape, np.nonzero(pattern)
        self.rows, self.cols = rows.astype(np.int64), cols.astype(np.int64)
        if self.rows.min(initial=0) < 0 or self.cols.min(initial=0) < 0:
            raise ValueError(f"{who}: pattern has negative rows or columns; count them from 0")

    def matrix(self, n):
        """A matrix of n columns with these entries; the number of rows may be too small."""
        if self.made is not None and self.made.shape[1] == n:
            return self.made
        m = n if self.symmetric else int(self.rows.max(initial=-1)) + 1
        m, columns = (m, n) if self.shape is None else self.shape
        if columns != n or self.cols.max(initial=-1) >= n or self.rows.max(initial=-1) >= m:
            columns = max(columns, int(self.cols.max(initial=-1)) + 1)
            raise ValueError(f"{self.who}: pattern has {columns} columns, but there are {n} "
                             "inputs: inputs stand in columns, results in rows")
        made = Matrix(*rows_of_entries(
            np.ones(len(self.rows), np.float32), self.rows, self.cols, (m, n)), (m, n))
        if self.symmetric:
            _, *mirror = transposed(made.indices, made.indptr, n)
            if m != n or not all(map(np.array_equal, mirror, (made.indices, made.indptr))):
                raise ValueError(f"{self.who} expected a symmetric pattern; give P + P.T")
        self.made = made
        return made

    def fitted(self, matrix):
        """The entries of a matrix, and zeros, in this pattern."""
        m, n = matrix.shape
        made = self.matrix(n).with_rows(m if self.shape is None else None)
        if made.shape != matrix.shape:
            raise outside(self.who, made.shape, matrix.shape)
        at = places(matrix.indices, matrix.indptr, made.indices, made.indptr)
        if nonzero(matrix.data)[at < 0].any():
            raise outside(self.who, made.shape, made.shape)
        data = matrix.data
        full = np.zeros(len(made.indices), data.dtype)
        if type(data) is Taylor:
            full = np.zeros_like(data, shape=full.shape)
        full[at[at >= 0]] = data[at >= 0]
        return made.with_data(full)


def formatted(who, matrix, format):
    """What the user gets."""
    if format == "triplets":
        return matrix.data, matrix.rows, matrix.indices.astype(np.intp)
    data = matrix.data
    if type(data) is Taylor:
        raise TypeError(f"{who} inside another derivative gives a matrix of numbers, which "
                        f"scipy.sparse cannot hold; use format='triplets' instead of {format!r}")
    try:
        sparse = importlib.import_module("scipy.sparse")
    except ImportError as error:
        raise ImportError(f"{who} needs SciPy for format={format!r}: install it (the extra is "
                          "dualdiff-ad[sparse]), or use format='triplets' for (data, rows, cols)"
                          ) from error
    if data.dtype == np.float16:
        data = data.astype(np.float32)  # scipy.sparse has no half precision
    out = sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
    out.has_sorted_indices = out.has_canonical_format = True
    return out if format == "csr" else out.asformat(format)
