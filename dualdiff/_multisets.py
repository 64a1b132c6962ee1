"""Multisets of seeds: which derivative stands where in a packed symmetric tensor.

The derivatives of order k in n variables are numbered by the sorted lists
s[0] <= ... <= s[k-1] of what they differentiate by, in colexicographic order: the
number does not depend on n, and is that of the monomial within its degree.

May import: NumPy.
"""

import functools
import math

import numpy as np


def count(n, k):
    """Multisets of k out of n."""
    return math.comb(n + k - 1, k) if k else 1


@functools.lru_cache(maxsize=64)
def multisets(n, k):
    """All of them: integers of shape (count, k), read-only."""
    if k == 0:
        out = np.zeros((1, 0), np.intp)
    elif k == 1:
        out = np.arange(n)[:, None]
    else:
        low = multisets(n, k - 1)
        sizes = [count(s + 1, k - 1) for s in range(n)]
        out = np.empty((sum(sizes), k), np.intp)
        out[:, -1] = np.repeat(np.arange(n), sizes)
        np.concatenate([low[:m] for m in sizes], out=out[:, :-1]) if sizes else None
    out.flags.writeable = False
    return out


def rank(seeds):
    """Number of each sorted list along the last axis: sum of binomial(s[i] + i, i + 1)."""
    seeds = np.asarray(seeds)
    out = np.zeros(seeds.shape[:-1], np.intp)
    for i in range(seeds.shape[-1]):
        c = np.ones(seeds.shape[:-1], np.intp)
        for j in range(i + 1):
            c = c * (seeds[..., i] + i - j) // (j + 1)
        out += c
    return out


def factorials(seeds):
    """Derivative over coefficient: the product of the factorials of all multiplicities."""
    seeds = np.asarray(seeds)
    out = np.ones(seeds.shape[:-1])
    run = np.ones(seeds.shape[:-1])
    for i in range(1, seeds.shape[-1]):
        run = np.where(seeds[..., i] == seeds[..., i - 1], run + 1, 1)
        out *= run
    return out


@functools.lru_cache(maxsize=16)
def square(n):
    """Where entry (i, j) of a symmetric n x n matrix stands, flat, read-only."""
    low, high = np.minimum.outer(*[np.arange(n)] * 2), np.maximum.outer(*[np.arange(n)] * 2)
    out = (low + high * (high + 1) // 2).ravel()
    out.flags.writeable = False
    return out


@functools.lru_cache(maxsize=16)
def scales(n, k):
    """Derivative over coefficient of all multisets of k out of n, read-only."""
    out = factorials(multisets(n, k))
    out.flags.writeable = False
    return out
