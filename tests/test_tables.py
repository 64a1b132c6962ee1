"""Algebras and their product tables, against enumeration in plain Python."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numbers_by_hand import SHAPES_OF_ALGEBRAS, algebra, algebras

from dualdiff._algebra import lowered, new_algebra, unite


def monomials(alg):
    """Every monomial as a tuple, over the factors, of sorted tuples of seeds."""
    return [tuple(map(tuple, alg.multi_index(k))) for k in range(alg.M)]


def enumerated(factors, bound=None):
    """The set of monomials that the algebra of these (n, order) must have."""
    each = [
        [c for d in range(order + 1) for c in itertools.combinations_with_replacement(range(n), d)]
        for n, order in factors
    ]
    every = set(itertools.product(*each))
    return {m for m in every if bound is None or sum(map(len, m)) <= bound}


def times(x, y):
    return tuple(tuple(sorted(a + b)) for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize("factors", SHAPES_OF_ALGEBRAS)
def test_monomials_are_all_there_sorted_by_degree(factors):
    alg = algebra(*factors)
    got = monomials(alg)
    assert set(got) == enumerated(factors) and len(set(got)) == alg.M
    degrees = [sum(map(len, m)) for m in got]
    assert degrees == sorted(degrees) == alg.degrees.tolist()
    assert alg.D == degrees[-1] == sum(order for _, order in factors)
    heads = [degrees.index(d) for d in range(alg.D + 1)] + [alg.M]
    assert alg.heads.tolist() == heads
    assert [alg.monomial(m) for m in got] == list(range(alg.M))


@given(algebras())
@settings(max_examples=40, deadline=None)
def test_pairs_are_all_products(alg):
    start, pi, pj = alg.pairs
    names = monomials(alg)
    place = {m: k for k, m in enumerate(names)}
    want = Counter(
        (i, j, place[times(a, b)])
        for i, a in enumerate(names) for j, b in enumerate(names)
        if i and j and times(a, b) in place
    )
    got = Counter(
        (int(pi[q]), int(pj[q]), k) for k in range(alg.M) for q in range(start[k], start[k + 1])
    )
    assert got == want


@given(algebras(), algebras())
@settings(max_examples=30, deadline=None)
def test_union_embeds_both(a, b):
    u, map_a, map_b = unite(a, b)
    names = monomials(u)
    for alg, index in ((a, map_a), (b, map_b)):
        at = [u.factors.index(f) for f in alg.factors]
        assert len(index) == alg.M
        for k, name in enumerate(monomials(alg)):
            inside = names[index[k]]
            assert tuple(inside[q] for q in at) == name
            assert all(not m for q, m in enumerate(inside) if q not in at)
    assert unite(b, a)[0] is u


def test_union_with_itself_and_with_its_parts():
    a, b = algebra((2, 2)), algebra((1, 3))
    ab = unite(a, b)[0]
    assert unite(a, a) == (a, None, None)
    assert unite(ab, a)[0] is ab and unite(ab, a)[1] is None
    assert unite(b, ab)[0] is ab and unite(b, ab)[2] is None


@pytest.mark.parametrize("factors", [f for f in SHAPES_OF_ALGEBRAS if len(f) > 1])
def test_split_takes_one_factor_out(factors):
    alg = algebra(*factors)
    names = monomials(alg)
    for place, f in enumerate(alg.factors):
        outer, index = alg.split(f)
        inner = [m[0] for m in monomials(algebra((f.n, f.order)))]
        assert index.shape == (len(inner), outer.M)
        for i, m in enumerate(inner):
            for o, rest in enumerate(monomials(outer)):
                assert names[index[i, o]] == rest[:place] + (m,) + rest[place:]


def test_split_of_the_only_factor_leaves_nothing():
    alg = algebra((2, 3))
    outer, index = alg.split(alg.factors[0])
    assert outer is None
    np.testing.assert_array_equal(index[:, 0], np.arange(alg.M))


@pytest.mark.parametrize("factors", SHAPES_OF_ALGEBRAS)
def test_lowered_keeps_one_degree_less(factors):
    alg = algebra(*factors)
    if alg.D == 1:
        return
    low = lowered(alg)
    assert set(monomials(low)) == enumerated(factors, alg.D - 1)
    assert monomials(low) == monomials(alg)[: low.M]  # so terms are cut, not gathered
    assert lowered(alg) is low


def test_a_union_keeps_the_bounds_of_both():
    a, b = algebra((2, 3)), algebra((1, 2))
    low = lowered(unite(a, b)[0])
    c = algebra((1, 1))
    u, index, _ = unite(low, c)
    assert (index >= 0).all()
    assert max(len(m[0]) + len(m[1]) for m in monomials(u)) == low.D


def test_equal_algebras_are_one_object():
    a, b, c = (new_algebra(2, 1) for _ in range(3))
    one = unite(unite(a, b)[0], c)[0]
    other = unite(b, unite(c, a)[0])[0]
    assert one is other
    assert a is not b  # each derivative call has seeds of its own


@pytest.mark.parametrize("n, order, count", [
    (5000, 1, 5001), (300, 2, 45451), (1, 30, 31), (1, 63, 64), (20, 4, math.comb(24, 4))])
def test_sizes(n, order, count):
    alg = new_algebra(n, order)
    assert (alg.M, alg.D) == (count, order)


@pytest.mark.parametrize("factors", [[(100000, 5)], [(60000, 2)], [(1, 64)]])
def test_too_large_says_so_and_what_to_do(factors):
    with pytest.raises(MemoryError, match=r"dualdiff: .*too large.*fewer seeds at a time"):
        algebra(*factors)


@given(st.integers(1, 6), st.integers(1, 5), st.data())
@settings(max_examples=40, deadline=None)
def test_monomial_of_any_seeds(n, order, data):
    alg = new_algebra(n, order)
    seeds = sorted(data.draw(st.lists(st.integers(0, n - 1), max_size=order)))
    assert alg.multi_index(alg.monomial([seeds])) == [seeds]
