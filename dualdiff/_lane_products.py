"""Products with constants, and sums of products, of numbers with lanes (see _lane_forms.py).

Where each element of a result is a sum over few elements of a number, their local seeds are
laid side by side.  Where there are too many, the gradient of a scalar takes a step
(_steps.pxi); otherwise the number becomes dense, by the function's row.

May import: the number, the kinds, the lane forms, rooms of rows for the reading of their
arguments.  Invariant: as in _lane_forms.py.
"""

import math

import numpy as np

from dualdiff._kinds import holds, with_value
from dualdiff._lane_forms import NARROW, matmul as small_matmul, mover, plain, sum_
from dualdiff._reference import times
from dualdiff._taylor import (
    LANED,
    LANED_METHODS as METHODS,
    Taylor,
    complex_step,
    is_laned,
    laned_parts,
    lanes_fit,
    make,
    make_laned,
    max_lanes,
    may_step,
    pack,
    scatter_rows,
    side_by_side,
    step,
    step_parts,
)
from dualdiff.rows.einsum import read, subscripts
from dualdiff.rows.products import is_sparse, sparse_value

# ---- linear functions ------------------------------------------------------------------------


class Back:
    """Back from each element of a function of some numbers to the lanes of those.

    kept: (terms, lanes) of each number, terms (monomials of other calls' seeds, lanes, *shape).
    transposed: from (count, *shape of the result) to a (count, *shape) of each number.
    """

    def __init__(self, kept, shape, transposed):
        self.kept, self.shape, self.transposed = kept, shape, transposed

    def __call__(self, g, T):
        count = len(self.kept[0][0])
        g = g.reshape(len(g), count, *self.shape)
        for m in range(count):
            backs = self.transposed(g[:, m])
            for (terms, lanes), back in zip(self.kept, backs, strict=True):
                for q, lane in enumerate(lanes):
                    scatter_rows(T, lane, terms[m, q, ...], back)


class Parts:
    """The same of complex values, or of a complex number.

    Each element z of a complex result has two seeds, of its real and of its imaginary part: what
    is made of z later need not be holomorphic.  With G = dL/d(re z) - i dL/d(im z) a linear
    z = F x has dL = Re(G . F dx), so that G goes back by the transpose of F.  halves: how many
    seeds an element has, 2 or 1.
    """

    def __init__(self, terms, lanes, shape, halves, transposed):
        self.terms, self.lanes, self.transposed = terms, lanes, transposed
        self.shape, self.halves = shape, halves

    def __call__(self, g, T):
        if np.iscomplexobj(g):  # the scalar is complex: its parts one after the other
            rows = [p + 1j * q for p, q in zip(self.rows(g.real), self.rows(g.imag), strict=True)]
        else:
            rows = self.rows(g)
        for lane, row in zip(self.lanes, rows, strict=True):
            scatter_rows(T, lane, np.ones(lane.shape, row.real.dtype), row)

    def rows(self, g):
        """For each lane what g amounts to by it."""
        count = len(self.terms)
        g = g.reshape(len(g), self.halves, count, *self.shape)
        g = g[:, 0] - 1j * g[:, 1] if self.halves == 2 else g[:, 0]
        backs = [self.transposed(g[:, m]) for m in range(count)]
        return [np.ascontiguousarray(sum((back * self.terms[m, q, ...]).real
                                         for m, back in enumerate(backs)))
                for q in range(len(self.lanes))]


def step_of(numbers, value, transposed, held=0):
    """The number of these values with seeds of its own; NotImplemented where it may not.

    held: bytes that transposed keeps.
    """
    if not may_step(*numbers) or any(x.dtype != value.dtype for x in numbers):
        return NotImplemented
    kept = [step_parts(x)[1:] for x in numbers]
    held += sum(2 * terms.nbytes for terms, _ in kept)
    return step(numbers[0], value, Back(kept, value.shape, transposed), held)


def linear_step(x, value, forward, transposed):
    """The same of a linear function of one number, in nested calls, too.

    forward, transposed: the linear function and its transpose, of many arrays at once, one for
    each element of the first axis.
    """
    if np.iscomplexobj(value) or np.iscomplexobj(plain(x)):
        return parts_step(x, value, forward, transposed)
    if not may_step(x, nested=True) or value.dtype != x.dtype:
        return NotImplemented
    rest, terms, lanes = step_parts(x)
    back = Back([(terms, lanes)], value.shape, lambda g: (transposed(g),))
    if type(rest) is Taylor:
        with np.errstate(all="ignore"):
            rows = forward(rest.terms)
        if np.isnan(rows).any():
            return NotImplemented  # exact zeros met infinities: the row knows
        value = make(rest.algebra, value, rows)
    return step(x, value, back, 2 * terms.nbytes)


def parts_step(x, value, forward, transposed):
    """linear_step where values are complex, before or after."""
    if not may_step(x, nested=True, any_dtype=True) or value.real.dtype != x.real.dtype:
        return NotImplemented
    rest, terms, lanes = step_parts(x)
    halves = 2 if np.iscomplexobj(value) else 1
    back = Parts(terms, lanes, value.shape, halves, transposed)
    if type(rest) is Taylor:
        value = make(rest.algebra, value, forward(rest.terms))
    return (complex_step if halves == 2 else step)(x, value, back, 2 * terms.nbytes)


def lane_count(x):
    """How many local seeds x has."""
    return len(laned_parts(x)[3] or ())


def fits(x, count):
    """Whether sums over so many elements of x are to be tried side by side."""
    n = count * lane_count(x)
    return 0 < n and lanes_fit(x, n) and (n <= NARROW or not may_step(x, nested=True))


def combination(x, at, factors, value):
    """The sums over k of factors[..., k] * x.flat[at[..., k]], of these values.

    Where `at` is negative nothing is added.
    """
    value = np.asarray(value)
    x = np.ravel(x if x.dtype == value.dtype else x.astype(value.dtype))
    alg, v, terms, lanes = laned_parts(x)
    if lanes is None:
        return NotImplemented
    if at.shape[-1] == 0:
        return value
    there = at >= 0
    at = np.where(there, at, 0)
    terms = np.where(there, times(terms[:, at], factors), 0).astype(value.dtype, copy=False)
    wide = make_laned(alg, v[at], terms, [np.where(there, lane[at], 0) for lane in lanes])
    y = side_by_side(wide, value, (at.ndim - 1,))
    return NotImplemented if y is None else y


# ---- matrices with few entries in a row ---------------------------------------------------------


def padded_rows(indptr, indices, data):
    """(columns, entries) of compressed rows, each filled up to the longest, with column -1."""
    counts = np.diff(indptr)
    longest = int(counts.max(initial=0))
    there = np.arange(longest) < counts[:, None]
    at, factors = np.full(there.shape, -1, np.intp), np.zeros(there.shape, data.dtype)
    at[there], factors[there] = indices, data
    return at, factors


def rows_product(csr, x, value):
    """csr @ x; csr: (indptr, indices, data)."""
    if not fits(x, int(np.diff(csr[0]).max(initial=0)) or 1):
        return NotImplemented
    at, factors = padded_rows(*csr)
    if x.ndim == 2:
        columns = np.arange(x.shape[1])[:, None]
        at = np.where(at[:, None] < 0, -1, at[:, None] * x.shape[1] + columns)
        factors = factors[:, None]
    return combination(x, at, factors, value)


def sparse_product(a, b):
    """a @ b, one of them a matrix of scipy.sparse."""
    x, matrix = (a, b.T) if is_sparse(b) else (b, a)
    if not is_laned(x) or x.ndim not in (1, 2) or np.ndim(matrix) != 2:
        return NotImplemented
    value = sparse_value(a, b)
    turned = is_sparse(b) and x.ndim == 2
    matrix = matrix.tocsr()
    matrix.sum_duplicates()
    if turned:
        x, value = x.T, value.T
    y = rows_product((matrix.indptr, matrix.indices, matrix.data), x, value)
    if y is NotImplemented:
        back = matrix.T
        one = x.ndim == 1

        def times(m):
            return lambda t: (m @ t.T).T if one else np.stack([m @ each for each in t])

        y = linear_step(x, np.ascontiguousarray(value), times(matrix), times(back))
    return y.T if turned and y is not NotImplemented else y


def compressed(a):
    """(indptr, indices, data) of a plain matrix."""
    rows, cols = np.nonzero(a)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(a)))])
    return indptr, cols, a[rows, cols]


def matmul(a, b):
    """np.matmul: small inner dimensions; few entries in a row; stacks of small matrices."""
    if is_sparse(a) or is_sparse(b):
        return sparse_product(a, b)
    a, b = (x if type(x) is Taylor else pack(x) if holds(x) else np.asarray(x) for x in (a, b))
    if a.ndim > 2 or b.ndim > 2:
        return stacked(np.matmul, a, b, *MATMUL[min(a.ndim, 2), min(b.ndim, 2)])
    y = small_matmul(a, b)
    if y is not NotImplemented or 0 in (a.ndim, b.ndim):
        return y
    if is_laned(b) and type(a) is np.ndarray and a.ndim == 2 and fits(
        b, int(np.count_nonzero(a, axis=1).max(initial=0)) or 1
    ):
        return rows_product(compressed(a), b, np.matmul(a, b.value))
    if is_laned(a) and type(b) is np.ndarray and b.ndim == 2 and fits(
        a, int(np.count_nonzero(b, axis=0).max(initial=0)) or 1
    ):
        y = rows_product(compressed(b.T), a.T, np.matmul(a.value, b).T)
        return y if y is NotImplemented else y.T
    if np.iscomplexobj(plain(a)) or np.iscomplexobj(plain(b)):
        return complex_matmul(a, b)
    return NotImplemented


def complex_matmul(a, b):
    """The same of complex matrices, one of them constant: a step."""
    if type(a) is type(b) is Taylor:
        return NotImplemented
    value = np.matmul(plain(a), plain(b))
    x, matrix = (b, a.T) if type(b) is Taylor else (a, b)  # x.T @ matrix, or x @ matrix
    kept, turned = np.array(matrix), type(b) is Taylor and b.ndim == 2

    def forward(t):
        y = (np.swapaxes(t, -1, -2) if turned else t) @ kept
        return np.swapaxes(y, -1, -2) if turned and kept.ndim == 2 else y

    def transposed(g):
        if kept.ndim == 1:
            y = g[..., None] * kept
        else:
            y = (np.swapaxes(g, -1, -2) if turned else g) @ kept.T
        return np.swapaxes(y, -1, -2) if turned else y

    return parts_step(x, value, forward, transposed)


def dot(a, b, out=None):
    """np.dot."""
    if out is not None:
        return NotImplemented
    if is_sparse(a) or is_sparse(b) or np.ndim(a) == 2 and 1 <= np.ndim(b) <= 2 or (
        np.ndim(a) == 1 and np.ndim(b) == 2
    ):
        return matmul(a, b)
    return vectors_or_stacks(np.dot, a, b)


# ---- sums of products ---------------------------------------------------------------------------


MORE = 4  # times the elements of an operand that all products are still written down


def contracted(value, arrays, names, result):
    """The sum of products that labels say, as in einsum, of these values."""
    sizes = {}
    for x, s in zip(arrays, names, strict=True):
        for q, n in zip(s, np.shape(x), strict=True):
            sizes[q] = n if sizes.get(q, 1) == 1 else sizes[q]
    with np.errstate(all="ignore"):
        thin = [thinned(x, s, sizes, result, names) for x, s in zip(arrays, names, strict=True)]
        if any(x is NotImplemented for x, _ in thin):
            return NotImplemented
        sums = list(dict.fromkeys(q for _, s in thin for q in s if q not in result))
        order = [*result, *sums]
        count = math.prod(sizes[q] for q in sums)
        laned = [x for x, _ in thin if is_laned(x)]
        if count * sum(map(lane_count, laned)) > max_lanes() and (
            math.prod(sizes[q] for q in order) > MORE * max(x.size for x, _ in thin)
            or not may_step(*laned, nested=True)
        ):
            return NotImplemented  # too many for each element: others know a cheaper way
        total = None
        for x, s in thin:
            x = np.transpose(x, [s.index(q) for q in order if q in s])
            x = np.reshape(x, [sizes_of(x, s, q, order) for q in order])
            total = x if total is None else total * x
        if sums:
            axes = tuple(range(len(result), len(order)))
            total = np.broadcast_to(total, [sizes[q] for q in order])
            total = sum_(total, axes if result else None) if is_laned(total) else NotImplemented
    if total is NotImplemented or total.shape != np.shape(value):
        return NotImplemented
    return with_value(total, value)


def sizes_of(x, s, q, order):
    """Length along label q of an array whose labels, in this order, are s."""
    return x.shape[[p for p in order if p in s].index(q)] if q in s else 1


def thinned(x, s, sizes, result, names):
    """One operand with each label once; labels of it alone that do not stay are summed."""
    s = list(s)
    for q in [q for q in dict.fromkeys(s) if s.count(q) > 1]:
        while s.count(q) > 1:
            i = s.index(q)
            j = s.index(q, i + 1)
            x = np.diagonal(x, 0, i, j)
            s = [p for n, p in enumerate(s) if n not in (i, j)] + [q]
    alone = [i for i, q in enumerate(s)
             if q not in result and sum(q in other for other in names) == 1]
    if alone:
        x = sum_(x, tuple(alone)) if is_laned(x) else np.sum(x, tuple(alone))
        s = [q for i, q in enumerate(s) if i not in alone]
    return x, s


def einsum(*operands, out=None, optimize=False, **kwargs):
    """np.einsum: moved elements, and sums of few products."""
    if out is not None or kwargs:
        return NotImplemented
    text, arrays = read(operands)
    arrays = [pack(x) if holds(x) else np.asarray(x) for x in arrays]

    def run(*values):
        if isinstance(text, str):
            return np.einsum(text, *values, optimize=optimize)
        pairs = [e for v, s in zip(values, text[0], strict=True) for e in (v, list(s))]
        return np.einsum(*pairs, *([] if text[1] is None else [list(text[1])]),
                         optimize=optimize)

    value = run(*map(plain, arrays))
    names, result = subscripts(text, tuple(x.ndim for x in arrays))
    if len(arrays) == 1 and set(result) == set(names[0]):
        return mover(run)(arrays[0])
    y = contracted(value, arrays, names, result)
    if y is NotImplemented and len(arrays) == 2:
        y = inner_product(value, arrays, names, result)
    return y


def inner_product(value, arrays, names, result):
    """The same of two operands, whose common labels are all summed: by np.tensordot."""
    (a, b), (s, t) = arrays, map(list, names)
    common = [q for q in s if q in t]
    rest = [q for q in [*s, *t] if q not in common]
    if len(set(s)) < len(s) or len(set(t)) < len(t) or set(rest) != set(result) or any(
            a.shape[s.index(q)] != b.shape[t.index(q)] for q in common):
        return NotImplemented
    y = tensordot(a, b, ([s.index(q) for q in common], [t.index(q) for q in common]))
    return y if y is NotImplemented else with_value(
        np.transpose(y, [rest.index(q) for q in result]), value)


def tensordot(a, b, axes=2):
    """np.tensordot."""
    a, b = (pack(x) if holds(x) else np.asarray(x) for x in (a, b))
    value = np.tensordot(plain(a), plain(b), axes)
    try:
        axes_a, axes_b = axes
    except TypeError:
        axes_a, axes_b = range(a.ndim - axes, a.ndim), range(axes)
    axes_a, axes_b = ([q] if isinstance(q, (int, np.integer)) else list(q)
                      for q in (axes_a, axes_b))
    la, lb = list(range(a.ndim)), list(range(a.ndim, a.ndim + b.ndim))
    for p, q in zip(axes_a, axes_b, strict=True):
        lb[q] = la[p]
    sums = {la[p] for p in axes_a}
    y = contracted(value, [a, b], [la, lb], [q for q in [*la, *lb] if q not in sums])
    if y is not NotImplemented or len(axes_a) == 0:
        return y
    left = [q for q in range(a.ndim) if q not in [p % a.ndim for p in axes_a]]
    right = [q for q in range(b.ndim) if q not in [p % b.ndim for p in axes_b]]
    inner = math.prod(a.shape[p] for p in axes_a)
    y = matmul(np.reshape(np.transpose(a, [*left, *axes_a]), (-1, inner)),
               np.reshape(np.transpose(b, [*axes_b, *right]), (inner, -1)))
    return y if y is NotImplemented else with_value(np.reshape(y, np.shape(value)), value)


MATMUL = {(2, 2): ("mk", "kp", "mp"), (2, 1): ("mk", "k", "m"), (1, 2): ("k", "kp", "p"),
          (1, 1): ("k", "k", "")}


def stacked(func, a, b, core_a, core_b, core):
    """A generalised ufunc of two arrays, its core labels given."""
    a, b = (pack(x) if holds(x) else np.asarray(x) for x in (a, b))
    na, nb = a.ndim - len(core_a), b.ndim - len(core_b)
    if min(na, nb) < 0:
        return NotImplemented
    return contracted(func(plain(a), plain(b)), [a, b],
                      [(*range(-na, 0), *core_a), (*range(-nb, 0), *core_b)],
                      (*range(-max(na, nb), 0), *core))


def of_stacks(func, *cores, conjugate=False):
    """The form of a generalised ufunc; conjugate: of its first argument, so for real ones."""

    def form(a, b):
        if conjugate and np.iscomplexobj(plain(a)):
            return NotImplemented
        return stacked(func, a, b, *cores)

    return form


vectors = {func: LANED[func] for func in (np.dot, np.inner)}


def vectors_or_stacks(func, a, b):
    """np.dot, np.inner: of vectors; of the last dimensions of both."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return with_value(a * b, func(plain(a), plain(b)))
    y = vectors[func](a, b) if np.ndim(a) == np.ndim(b) == 1 else NotImplemented
    if y is not NotImplemented:
        return y
    a, b = (pack(x) if holds(x) else np.asarray(x) for x in (a, b))
    last = b.ndim - (2 if func is np.dot and b.ndim > 1 else 1)
    y = tensordot(a, b, ((a.ndim - 1,), (last,)))
    return y if y is NotImplemented else with_value(y, func(plain(a), plain(b)))


# ---- convolution --------------------------------------------------------------------------------


def first_kept(n, m, out):
    """Which element of the full convolution of n and m elements is the first of `out`."""
    return {n + m - 1: 0, max(n, m): (min(n, m) - 1) // 2}.get(out, min(n, m) - 1)


def unconvolved(g, first, w, n):
    """Back from each g, elements `first` and following of a convolution with w, to n elements."""
    full = np.zeros((len(g), n + w.size - 1), g.dtype)
    full[:, first:first + g.shape[1]] = g
    return np.stack([np.correlate(each, w, "valid") for each in full])


def convolved(value, a, v):
    """The number of these values that np.convolve makes of two, at least one of them a number."""
    value = np.asarray(value)
    x, w = (a, v) if type(a) is Taylor else (v, a)
    if type(w) is Taylor:
        return convolved_numbers(value, a, v)
    if not is_laned(x) or np.iscomplexobj(value) or x.ndim != 1:
        return NotImplemented
    n, m, out = x.size, np.size(w), value.size
    w = np.ravel(np.asarray(w, value.dtype))
    first = first_kept(n, m, out)
    if fits(x, min(n, m)):
        i = np.arange(first, first + out)[:, None]
        at = i - np.arange(m) if m <= n else np.broadcast_to(np.arange(n), (out, n))
        places = i - at  # in w
        there = (at >= 0) & (at < n) & (places >= 0) & (places < m)
        return combination(x, np.where(there, at, -1), w[np.where(there, places, 0)], value)

    def forward(t):
        return np.stack([np.convolve(each, w)[first:first + out] for each in t])

    return linear_step(x, value, forward, lambda g: unconvolved(g, first, w, n))


def convolved_numbers(value, a, v):
    """The same of two numbers."""
    if a.ndim != 1 or v.ndim != 1 or not may_step(a, v):
        return NotImplemented
    x, w = np.array(a.value), np.array(v.value)
    first = first_kept(x.size, w.size, value.size)

    def transposed(g):
        return [unconvolved(g, first, w, x.size), unconvolved(g, first, x, w.size)]

    return step_of([a, v], value, transposed, x.nbytes + w.nbytes)


def convolve(a, v, mode="full"):
    """np.convolve."""
    a, v = (pack(x) if holds(x) else np.asarray(x) for x in (a, v))
    return convolved(np.convolve(plain(a), plain(v), mode), a, v)


def correlate(a, v, mode="valid"):
    """np.correlate: a convolution with v turned round."""
    a, v = (pack(x) if holds(x) else np.asarray(x) for x in (a, v))
    value = np.correlate(plain(a), plain(v), mode)
    if np.iscomplexobj(value) or a.ndim != 1 or v.ndim != 1:
        return NotImplemented
    if a.size >= v.size:
        return convolved(value, a, v[::-1])
    y = convolved(value[::-1], v, a[::-1])
    return y if y is NotImplemented else y[::-1]


LANED.update({
    np.matmul: matmul,
    np.dot: dot,
    np.inner: lambda a, b: vectors_or_stacks(np.inner, a, b),
    np.einsum: einsum,
    np.tensordot: tensordot,
    np.vecdot: of_stacks(np.vecdot, "k", "k", "", conjugate=True),
    np.convolve: convolve,
    np.correlate: correlate,
})
if hasattr(np, "matvec"):  # NumPy 2.2
    LANED.update({np.matvec: of_stacks(np.matvec, "mk", "k", "m"),
                  np.vecmat: of_stacks(np.vecmat, "k", "kp", "p", conjugate=True)})
METHODS["dot"] = lambda x, b, out=None: np.dot(x, b, out)
