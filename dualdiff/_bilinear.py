"""The bilinear kind: products of two arrays, given by labels as in einsum.

The coefficients of a number are one more dimension, with a label of its own: it stands
beside the free dimensions of its array, so that the products of all coefficients are one
large matrix product, whatever the function.

May import: the helpers of the kinds, NumPy.  Invariants: an exactly zero factor beats an
infinite or NaN one in every product; no floating-point warning comes from coefficients.
"""

import functools
import math
import weakref

import numpy as np

from dualdiff._kinds import no_numbers, positional, store
from dualdiff._taylor import make, unify

CHUNK = 1 << 22  # elements of products held at once, at most
PART = 4  # of the result's size, and no more than that: chunks of seeds are planned with it
SMALL = 1 << 15  # but so many always
FEW = 32  # monomials that are computed one by one, each as a sum of products

# ---- contraction -----------------------------------------------------------------


def plan(la, lb, lc):
    """How to contract a[la] b[lb] to c[lc] by one (stacked) matrix product.

    Returns (swap, pa, pb, pc, batch, free, sums): whether a and b change places, their
    permutations to (batch, free, sums) and (batch, sums, free), the one of the result,
    and the counts of dimensions; a permutation that changes nothing is None.
    """
    in_a, in_b, in_c = set(la), set(lb), set(lc)
    batch = [q for q in lc if q in in_a and q in in_b]
    swap = not batch and bool(lc) and lc[0] not in in_a
    if swap:
        la, lb, in_a, in_b = lb, la, in_b, in_a
    free_a = [q for q in lc if q in in_a and q not in in_b]
    free_b = [q for q in lc if q in in_b and q not in in_a]
    sums = [q for q in la if q in in_b and q not in in_c]
    made = [*batch, *free_a, *free_b]

    def permutation(wanted, labels):
        p = tuple(labels.index(q) for q in wanted)
        return None if p == tuple(range(len(p))) else p

    return (swap, permutation([*batch, *free_a, *sums], la),
            permutation([*batch, *sums, *free_b], lb), permutation(lc, made),
            len(batch), len(free_a), len(sums))


def contract(a, b, plan):
    """The sum of products that a plan says; every label of the result is in a or b.

    Labels of both that stay may have length 1 in one of them; others have one length.
    """
    swap, pa, pb, pc, batch, free, sums = plan
    if swap:
        a, b = b, a
    if pa is not None:
        a = a.transpose(pa)
    if pb is not None:
        b = b.transpose(pb)
    sa, sb = a.shape, b.shape
    if not batch:
        if free != 1 or sums != 1:
            a = a.reshape(math.prod(sa[:free]), math.prod(sa[free:]))
        if sums != 1 or b.ndim != 2:
            b = b.reshape(math.prod(sb[:sums]), math.prod(sb[sums:]))
        c = a.dot(b)
        if free != 1 or len(sb) != sums + 1:
            c = c.reshape(sa[:free] + sb[sums:])
    else:
        free += batch
        sums += batch
        a = a.reshape(*sa[:batch], math.prod(sa[batch:free]), math.prod(sa[free:]))
        b = b.reshape(*sb[:batch], math.prod(sb[batch:sums]), math.prod(sb[sums:]))
        c = np.matmul(a, b)
        c = c.reshape(c.shape[:batch] + sa[batch:free] + sb[sums:])
    return c if pc is None else c.transpose(pc)


class Labels:
    """The product a[la] b[lb] -> c[lc] of single arrays, on stacks of coefficients."""

    __slots__ = ("_left", "_pairs", "_right", "_rows", "_total")

    def __init__(self, la, lb, lc):
        i, j = "i", "j"
        self._left = plan((i, *la), lb, (i, *lc))
        self._right = plan(la, (j, *lb), (j, *lc))
        self._pairs = plan((i, *la), (j, *lb), (i, j, *lc))
        self._rows = plan((i, *la), (i, *lb), (i, *lc))
        self._total = plan((i, *la), (i, *lb), lc)

    def left(self, a, b):
        """Each of the stack a with the one array b."""
        return contract(a, b, self._left)

    def right(self, a, b):
        """The one array a with each of the stack b."""
        return contract(a, b, self._right)

    def pairs(self, a, b):
        """Each of the stack a with each of the stack b: two leading dimensions."""
        return contract(a, b, self._pairs)

    def rows(self, a, b):
        """Two stacks, row by row."""
        return contract(a, b, self._rows)

    def total(self, a, b):
        """The sum of `rows`."""
        return contract(a, b, self._total)


labels = functools.lru_cache(4096)(Labels)


# ---- strong zero ---------------------------------------------------------------------


def strong(f, a, b):
    """f(a, b), a sum of products, in which an exactly zero factor beats inf and NaN."""
    with np.errstate(all="ignore"):
        c = f(a, b)
        flat = c.ravel("K")
        s = flat.dot(flat)
        if s == s or not np.isnan(c).any():
            return c
        return repaired(f, a, b, c)


def repaired(f, a, b, c):
    """c = f(a, b) once more, where a NaN in it may come of 0 * inf or 0 * NaN."""
    fa, fb = np.isfinite(a), np.isfinite(b)
    ia, ib, za, zb = ~fa * 1.0, ~fb * 1.0, (a != 0) * 1.0, (b != 0) * 1.0
    clean = f(np.where(fa, a, 0), np.where(fb, b, 0))
    hit = f(ia, zb) + f(za, ib) > 0  # an infinite or NaN factor meets one that is not zero
    if c.dtype.kind == "c":
        return np.where(hit, c, clean)
    na, nb = np.isnan(a) * 1.0, np.isnan(b) * 1.0
    nan = f(na, zb) + f(za, nb) > 0
    sa, sb = np.where(na, 0, np.sign(a)), np.where(nb, 0, np.sign(b))
    count = f(np.abs(sa) * ia, np.abs(sb)) + f(np.abs(sa), np.abs(sb) * ib)
    balance = f(sa * ia, sb) + f(sa, sb * ib)
    infinite = np.where(balance == count, np.inf, np.where(balance == -count, -np.inf, np.nan))
    return np.where(hit, np.where(nan, np.nan, infinite), clean).astype(c.dtype, copy=False)


# ---- the truncated product -------------------------------------------------------------


def product_terms(alg, product, av, at, bv, bt):
    """Terms of the product of two numbers over one algebra; at or bt is None for a constant."""
    if bt is None:
        return strong(product.left, at, bv)
    if at is None:
        return strong(product.right, av, bt)
    terms = strong(product.left, at, bv)
    right = strong(product.right, av, bt)
    terms = np.add(terms, right, out=terms if terms.shape == right.shape
                   and terms.dtype == right.dtype else None)
    del right
    if alg.D > 1:
        with np.errstate(all="ignore"):  # inf - inf
            add_pairs(alg, product, at, bt, terms)
    return terms


def add_pairs(alg, product, at, bt, terms):
    """Add the products of which both factors have degree >= 1."""
    single, blocks = schedule(alg)
    for k, i, j in single:
        terms[k] += strong(product.total, at[i], bt[j])
    size = max(terms[0].size, 1)
    held = min(CHUNK, max(terms.size // PART, SMALL))
    for rows_a, rows_b, layers in blocks:
        count = sum(len(i) for _, i, _ in layers)
        na, nb = rows_a.stop - rows_a.start, rows_b.stop - rows_b.start
        if 4 * count < na * nb or nb * size > CHUNK:
            add_rows(product, at[rows_a], bt[rows_b], layers, terms, held)
            continue
        step = max(held // (nb * size), 1)
        for lo in range(0, na, step):
            part = slice(rows_a.start + lo, min(rows_a.start + lo + step, rows_a.stop))
            products = strong(product.pairs, at[part], bt[rows_b])
            for k, i, j in layers:
                if step < na:
                    inside = (i >= lo) & (i < lo + step)
                    k, i, j = places(k)[inside], i[inside] - lo, j[inside]
                terms[k] += products[i, j]


def add_rows(product, at, bt, layers, terms, held):
    """The same, without the products that the algebra drops."""
    cost = max(at[0].size, bt[0].size, terms[0].size, 1)
    step = max(held // cost, 1)
    for k, i, j in layers:
        k = places(k)
        for lo in range(0, len(i), step):
            part = slice(lo, lo + step)
            terms[k[part]] += strong(product.rows, at[i[part]], bt[j[part]])


def places(k):
    """Rows of a layer as an array of integers."""
    return np.arange(k.start, k.stop) if isinstance(k, slice) else k


_schedules = weakref.WeakKeyDictionary()


def schedule(alg):
    """(single, blocks): in which pieces the inner products of an algebra are computed.

    single: (row k, rows i, rows j) for each monomial; blocks: (rows of a, rows of b,
    layers), for each two degrees, layers of (rows k, i, j) where no k stands twice; i and
    j count within the block.
    """
    found = _schedules.get(alg)
    if found is not None:
        return found
    start, pi, pj = alg.pairs
    heads, M = alg.heads, alg.M
    single, blocks = [], []
    if M - heads[2] <= FEW:
        for k in range(heads[2], M):
            lo, hi = start[k], start[k + 1]
            if hi > lo:
                single.append((k - 1, pi[lo:hi] - 1, pj[lo:hi] - 1))
    else:
        pk = np.repeat(np.arange(M), np.diff(start))
        deg = alg.degrees
        for d in range(2, alg.D + 1):
            for e in range(1, d):
                inside = (deg[pk] == d) & (deg[pi] == e)
                layers = layers_of(pk[inside] - 1, pi[inside] - heads[e],
                                   pj[inside] - heads[d - e])
                if layers:
                    blocks.append((slice(heads[e] - 1, heads[e + 1] - 1),
                                   slice(heads[d - e] - 1, heads[d - e + 1] - 1), layers))
    _schedules[alg] = single, blocks
    return single, blocks


def layers_of(k, i, j):
    """Split pairs, sorted by k, so that no layer has a k twice."""
    first = np.flatnonzero(np.r_[True, k[1:] != k[:-1]]) if len(k) else k
    rank = np.arange(len(k)) - np.repeat(first, np.diff(np.r_[first, len(k)]))
    out = []
    for r in range(rank.max(initial=-1) + 1):
        at = rank == r
        kr = k[at]
        if kr[-1] - kr[0] == len(kr) - 1:
            kr = slice(kr[0], kr[-1] + 1)
        out.append((kr, i[at], j[at]))
    return out


# ---- the kind ------------------------------------------------------------------------------


def multiply(alg, value, product, a, b):
    """The number with this value; a and b as from unify, product as Labels."""
    av, at = a
    bv, bt = b
    if at is None:
        terms = strong(product.right, np.asarray(av), bt)
    elif bt is None:
        terms = strong(product.left, at, np.asarray(bv))
    else:
        terms = product_terms(alg, product, av, at, bv, bt)
    if terms.dtype != value.dtype:
        terms = terms.astype(value.dtype)
    if terms.ndim != value.ndim + 1:
        terms = terms.reshape(terms.shape[:1] + value.shape)
    return make(alg, value, terms)


def bilinear(func, product):
    """A function of two arrays that is linear in each: matmul, tensordot, convolve.

    product(a, b, value, *args, **kwargs) on values and NumPy's result returns an object
    with the methods of Labels.
    """

    @positional(func, 2, kind="bilinear")
    def row(a, b, *args, **kwargs):
        out = kwargs.pop("out", None)
        if args or kwargs:
            no_numbers(func, args, kwargs)
        alg, (x, y) = unify(a, b)
        value = func(x[0], y[0], *args, **kwargs)
        if alg is None:
            return store(value, out)
        result = multiply(alg, value, product(x[0], y[0], value, *args, **kwargs), x, y)
        return result if out is None else store(result, out)

    return row
