"""Algebras and numbers for the tests of the core, made by hand.

May import: the algebra, the number, NumPy, hypothesis.  Invariant: what it makes has
random coefficients in every row, so that a row that gets lost or swapped is seen.
"""

import numpy as np
from hypothesis import strategies as st

from dualdiff._algebra import lowered, new_algebra, unite
from dualdiff._taylor import make

SHAPES_OF_ALGEBRAS = [
    [(1, 1)], [(1, 5)], [(1, 30)], [(4, 1)], [(3, 2)], [(2, 4)],
    [(1, 1), (1, 1)], [(3, 1), (2, 2)], [(2, 2), (1, 3), (1, 1)], [(1, 1)] * 4,
]


def algebra(*factors, lower=0):
    """The algebra of fresh factors (n, order), with its highest degree lowered `lower` times."""
    alg = new_algebra(*factors[0])
    for n, order in factors[1:]:
        alg = unite(alg, new_algebra(n, order))[0]
    for _ in range(lower):
        alg = lowered(alg)
    return alg


def coefficients(alg, shape, dtype=float, low=0.5, high=1.5, seed=0):
    """(value, terms): a value in [low, high), terms that shrink with the degree."""
    rng = np.random.default_rng(seed)
    value = rng.uniform(low, high, shape)
    terms = rng.uniform(-1, 1, (alg.M - 1, *shape))
    terms = terms * 0.25 ** alg.degrees[1:].reshape((-1,) + (1,) * len(shape))
    if np.dtype(dtype).kind == "c":
        value = value + 1j * rng.uniform(low, high, shape)
        terms = terms * (1 + 0.5j)
    return np.asarray(value).astype(dtype), terms.astype(dtype)


def number(alg, shape=(), dtype=float, **kwargs):
    """A number with these coefficients."""
    return make(alg, *coefficients(alg, shape, dtype, **kwargs))


def rows(x):
    """All coefficients of a number: shape (M, *shape), the value first."""
    return np.concatenate([np.asarray(x.value)[None], x.terms])


@st.composite
def algebras(draw, most=60):
    """Random algebras of at most `most` monomials, bounds on the degree among them."""
    factors = draw(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 6)),
                            min_size=1, max_size=4))
    kept, size = [], 1
    for n, order in factors:
        count = 1
        for i in range(1, order + 1):
            count = count * (n + i) // i
        if not kept and count > most:
            n, order, count = 2, 3, 10
        if size * count <= most:
            kept.append((n, order))
            size *= count
    alg = algebra(*kept)
    return algebra(*kept, lower=draw(st.integers(0, min(2, alg.D - 1))))
