"""Sparse derivatives where local structure is lost: colours of columns, compressed seeds.

Columns of a Jacobian that share no row can share a seed; of a Hessian, columns whose
colours are a star colouring.  The pattern itself is found by propagation of seeds that
stand for groups of columns: where a group leaves no trace in a row, none of its columns
does; the groups that do are split, and groups without a common row are seen together.

May import: chunks, inputs, the number, compressed rows.  Invariants: a matrix that is read
off compressed seeds is compared with one more direction, so that a pattern that has
become too small is noticed and not used; mirrored entries of a Hessian are the same number.

Methods: A. H. Gebremedhin, F. Manne and A. Pothen, What color is your Jacobian?, SIAM
Review 47 (2005); colours are chosen greedily.
"""

import numpy as np

from dualdiff._arguments import split_aux
from dualdiff._chunks import derive
from dualdiff._compress import greedy_columns, greedy_stars, transposed
from dualdiff._jobs import Task
from dualdiff._sparse_reading import from_entries, nonzero
from dualdiff._taylor import Taylor, make
from dualdiff._transforms import grad

START = 16  # groups at first
SPLIT = 4  # parts of a group
BLOCK = 32  # columns at once where every column has its own seed

# ---- colours -----------------------------------------------------------------------------


def column_colours(indices, indptr, n):
    """(colours, count) of n columns such that two with entries in one row differ."""
    _, rows, ends = transposed(indices, indptr, n)
    best = None
    degrees = np.diff(ends)
    for order in (np.arange(n), np.argsort(-degrees, kind="stable")):
        colours = np.full(n, -1, np.int64)
        count = greedy_columns(*as_int64(indices, indptr, rows, ends, order), colours)
        if best is None or count < best[1]:
            best = colours, count
        if best[1] <= np.diff(indptr).max(initial=0):
            break  # as many as a row has entries: no fewer will do
    return best


def star_colours(indices, indptr):
    """(colours, count) of the columns of a symmetric pattern: see `greedy_stars`."""
    best = None
    degrees = np.diff(indptr)
    for order in (np.arange(len(degrees)), np.argsort(-degrees, kind="stable")):
        colours = np.full(len(degrees), -1, np.int64)
        count = greedy_stars(*as_int64(indices, indptr, order), colours)
        if best is None or count < best[1]:
            best = colours, count
    return best


def as_int64(*arrays):
    return [np.ascontiguousarray(a, np.int64) for a in arrays]


class Plan:
    """How to read the entries of a pattern off compressed seeds.

    Entry q of the pattern is in row `row[q]` of the answer to colour `colour[q]`.
    """

    def __init__(self, pattern, symmetric):
        self.pattern, n = pattern, pattern.shape[1]
        indices, rows = pattern.indices, pattern.rows
        if not symmetric:
            self.colours, self.count = column_colours(indices, pattern.indptr, n)
            self.row, self.colour = rows, self.colours[indices]
            return
        self.colours, self.count = star_colours(indices, pattern.indptr)
        # Row i sees a colour alone if only one of its columns has it.  In a star the rays see
        # their hub so; entry (i, j) is read in whichever row does, in i for both of a pair.
        colour = self.colours[indices]
        key = rows * (self.count + 1) + colour
        _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
        alone = counts[inverse] == 1
        upper = rows <= indices
        mirror = transposed(indices, pattern.indptr, n)[0]
        alone_below = alone[mirror]
        here = np.where(upper, alone, ~alone_below)
        self.row = np.where(here, rows, indices)
        self.colour = np.where(here, colour, self.colours[rows])


# ---- seeds that stand for groups of columns ---------------------------------------------


class Groups:
    """Inputs whose seeds are directions: column j has weights[j] in seed colours[j].

    direction: one more seed, a vector over all columns.
    """

    batch_axes = batch_shape = None
    elements = False

    def __init__(self, inputs, colours, count, weights, direction=None):
        self.inputs, self.colours, self.weights = inputs, colours, weights
        self.direction, self.colour_count = direction, count
        self.count = count + (direction is not None)
        self.leaves = inputs.leaves

    @property
    def nbytes(self):
        """Bytes of the values."""
        return self.inputs.nbytes

    def with_seeds(self, blocks):
        """The arguments with the seeds first .. stop."""
        ((call, lo, hi),) = blocks
        return self.inputs.rebuilt([self.seeded(call, lo, hi, leaf) for leaf in self.leaves])

    def seeded(self, call, lo, hi, leaf):
        """One leaf with seeds."""
        x = leaf.x
        if not leaf.n:
            return x
        span = slice(leaf.first, leaf.first + leaf.n)
        v = np.zeros((hi - lo, leaf.n), leaf.dtype)
        colours = self.colours[span]
        at = np.flatnonzero((colours >= lo) & (colours < hi))
        v[colours[at] - lo, at] = self.weights[span][at]
        if self.direction is not None and hi == self.count:
            v[-1] = self.direction[span]
        v = v.reshape((hi - lo, *leaf.shape))
        if type(x) is Taylor:
            return call.along(x, list(v))
        value = np.array(x, order="C")
        terms = np.zeros((call.algebra.M - 1, *value.shape), value.dtype)
        terms[:hi - lo] = v
        return make(call.algebra, value, terms)


class Products:
    """Products of the Jacobian (of the gradient: order 2) with groups of columns."""

    def __init__(self, task):
        self.inputs, self.n, self.aux = task.inputs, task.inputs.count, None
        if task.order == 2:
            places = tuple(task.inputs.places)
            fun = grad(scalar(task), places, has_aux=task.has_aux)
            self.settings = (task.who, fun, 1, task.has_aux)
        else:
            self.settings = (task.who, task.fun, 1, task.has_aux)
        self.kwargs, self.holomorphic = task.kwargs, task.holomorphic
        self.m = None

    def __call__(self, colours, count, weights=None, direction=None):
        """(count, m): one row for each colour, one more for the direction."""
        if weights is None:
            weights = np.ones(self.n)
        groups = Groups(self.inputs, colours, count, weights, direction)
        who, fun, order, has_aux = self.settings
        task = Task(who, fun, groups, self.kwargs, order, has_aux=has_aux,
                    holomorphic=self.holomorphic)
        result = derive(task)
        self.aux = result.aux
        flat = [t.reshape((groups.count, -1)) for t in result.tops]
        answer = flat[0] if len(flat) == 1 else (
            np.concatenate(flat, axis=1) if flat else np.zeros((groups.count, 0)))
        self.m = answer.shape[1]
        return answer


def scalar(task):
    """The function of a task, its result checked."""

    def checked(*args, **kwargs):
        result = task.fun(*args, **kwargs)
        task.check(split_aux(task.who, result, task.has_aux)[0])
        return result

    return checked


# ---- the pattern by propagation --------------------------------------------------------------


def found_pattern(products, rng):
    """The pattern at the point, or None if it is not sparse enough for colours to pay."""
    n = products.n
    group = np.arange(n) * min(START, n) // max(n, 1)  # the group of each column
    count = min(START, n)
    colours, used, known = np.arange(count), 0, None
    while True:
        colour_count = int(colours.max(initial=-1)) + 1
        used += colour_count
        if used > max(n, 2 * START):
            return None
        seen = nonzero(products(colours[group], colour_count, rng.uniform(0.5, 1.5, n)))
        if known is None:
            cols, rows = np.nonzero(seen)
        else:
            keep = seen[colours[known[1]], known[0]]
            rows, cols = known[0][keep], known[1][keep]
        pattern = from_entries(np.ones(len(rows)), rows, cols, (products.m, count))
        if count == n:
            return pattern
        # Split: the parts of a group have its rows, as far as is known.
        parent, parent_colours = group, column_colours(pattern.indices, pattern.indptr, count)[0]
        sizes = np.bincount(parent, minlength=count)
        parts = np.minimum(sizes, SPLIT)
        first = np.concatenate([[0], np.cumsum(parts)])
        start = np.concatenate([[0], np.cumsum(sizes)])
        within = np.arange(n) - start[parent]
        group = first[parent] + within * parts[parent] // sizes[parent]
        part_of = np.repeat(np.arange(count), parts)
        colours = parent_colours[part_of] * SPLIT + (np.arange(first[-1]) - first[part_of])
        colours = np.unique(colours, return_inverse=True)[1]
        each = parts[pattern.indices]
        rows = np.repeat(pattern.rows, each)
        cols = np.repeat(first[pattern.indices], each) + (
            np.arange(len(rows)) - np.repeat(np.cumsum(each) - each, each))
        known, count = (rows, cols), int(first[-1])


def column_by_column(products, symmetric):
    """The matrix with a seed for each column, in blocks: the entries that are not zero."""
    n, found = products.n, []
    for lo in range(0, max(n, 1), BLOCK):
        hi = min(lo + BLOCK, n)
        colours = np.full(n, -1)
        colours[lo:hi] = np.arange(hi - lo)
        answer = products(colours, max(hi - lo, 1))
        at, rows = np.nonzero(nonzero(answer))
        found.append((answer[at, rows], rows, at + lo))
    data, rows, cols = (np.concatenate([f[q] for f in found]) for q in range(3))
    matrix = from_entries(data, rows, cols, (products.m, n))
    return mirrored(matrix) if symmetric else matrix


def mirrored(matrix):
    """A symmetric matrix from one that is so to rounding: its upper triangle, twice."""
    rows, cols = matrix.rows, matrix.indices
    up, apart = np.flatnonzero(rows <= cols), np.flatnonzero(rows < cols)
    return from_entries(
        np.concatenate([matrix.data[up], matrix.data[apart]]),
        np.concatenate([rows[up], cols[apart]]), np.concatenate([cols[up], rows[apart]]),
        matrix.shape)


def both_ways(pattern):
    """The union of a pattern and its transpose."""
    rows, cols = pattern.rows, pattern.indices
    return from_entries(np.ones(2 * len(rows)), np.concatenate([rows, cols]),
                        np.concatenate([cols, rows]), pattern.shape)


# ---- all of it -------------------------------------------------------------------------------


def read(products, plan, rng):
    """The matrix of a plan at the point; None if its pattern is too small there."""
    direction = rng.uniform(0.5, 1.5, products.n)
    answer = products(plan.colours, plan.count, direction=direction)
    pattern = plan.pattern.with_rows(products.m)
    if products.m != pattern.shape[0]:
        return None
    matrix = pattern.with_data(answer[plan.colour, plan.row])
    return matrix if agrees(matrix, answer[plan.count], direction) else None


def agrees(matrix, want, direction):
    """Whether the products of the rows with a direction are what was computed for it."""
    layers = [(matrix.data, want)]
    if type(matrix.data) is Taylor or type(want) is Taylor:
        if not (type(matrix.data) is type(want) and matrix.data.algebra is want.algebra):
            return False
        layers = [(matrix.data.value, want.value),
                  *zip(matrix.data.terms, want.terms, strict=True)]
    rows, m = matrix.rows, matrix.shape[0]
    for data, wanted in layers:
        part = data * direction[matrix.indices]
        total = sum_rows(rows, part, m)
        scale = sum_rows(rows, np.abs(part), m) + np.abs(wanted)
        with np.errstate(invalid="ignore"):
            off = np.abs(total - wanted) > np.sqrt(np.finfo(data.dtype).eps) * scale
        if off.any():  # what is infinite or NaN compares as False
            return False
    return True


def sum_rows(rows, data, m):
    """Sums of entries by row."""
    if data.dtype.kind == "c":
        return np.bincount(rows, data.real, m) + 1j * np.bincount(rows, data.imag, m)
    return np.bincount(rows, data.astype(float), m)


def by_colours(task, plan=None, pattern=None):
    """(matrix, aux, plan) of a task of first or second order, by compressed seeds.

    plan: of an earlier call, used again if it fits; pattern: what the user takes the pattern
    to be; ValueError if it is not.
    """
    products, symmetric = Products(task), task.order == 2
    rng = np.random.default_rng(0x5eed)
    if pattern is not None:
        if plan is None or plan.pattern is not pattern:
            plan = Plan(pattern, symmetric)
        matrix = read(products, plan, rng)
        if matrix is None:
            raise outside(task.who, pattern.shape, (products.m, products.n))
        return matrix, products.aux, plan
    if plan is not None and plan.pattern.shape[1] == products.n:
        matrix = read(products, plan, rng)
        if matrix is not None:
            return matrix, products.aux, plan
    pattern = found_pattern(products, rng)
    if pattern is not None:
        plan = Plan(both_ways(pattern) if symmetric else pattern, symmetric)
        matrix = read(products, plan, rng) if plan.count < max(products.n, 2) else None
        if matrix is not None:
            return matrix, products.aux, plan
    return column_by_column(products, symmetric), products.aux, None


def outside(who, given, found):
    """The error for a pattern that does not hold all entries."""
    if given != found:
        return ValueError(f"{who}: pattern has shape {given}, but the derivative has shape "
                          f"{found}: results in rows, inputs in columns")
    return ValueError(f"{who}: pattern leaves out entries that are not zero at this point; leave "
                      "pattern away, or make it larger: see also_at in "
                      f"{who.replace('sparse_', '')}_sparsity")
