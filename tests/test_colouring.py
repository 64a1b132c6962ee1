"""Colours of columns, and compressed rows, against definitions written out."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dualdiff._colouring import Plan, column_colours, star_colours
from dualdiff._compress import (
    places,
    rows_numbered,
    rows_of_entries,
    rows_of_lanes,
    symmetric_rows,
    transposed,
)
from dualdiff._sparse_reading import Matrix

shapes = st.tuples(st.integers(0, 7), st.integers(0, 7))


@st.composite
def patterns(draw, symmetric=False):
    m, n = draw(shapes)
    m = n if symmetric else m
    bits = draw(st.lists(st.booleans(), min_size=m * n, max_size=m * n))
    full = np.array(bits, bool).reshape(m, n)
    return full | full.T if symmetric else full


def compressed(full):
    rows, cols = np.nonzero(full)
    _, indices, indptr = rows_of_entries(np.ones(len(rows)), rows, cols, full.shape)
    return indices, indptr


@settings(max_examples=200, deadline=None)
@given(patterns())
def test_columns_of_one_colour_share_no_row(full):
    colours, count = column_colours(*compressed(full), full.shape[1])
    assert set(colours) == set(range(count))
    for a, b in itertools.combinations(range(full.shape[1]), 2):
        assert colours[a] != colours[b] or not (full[:, a] & full[:, b]).any()


@settings(max_examples=200, deadline=None)
@given(patterns(symmetric=True))
def test_two_colours_form_stars(full):
    n = len(full)
    colours, count = star_colours(*compressed(full))
    assert set(colours) == set(range(count))
    near = [[b for b in range(n) if b != a and full[a, b]] for a in range(n)]
    for a in range(n):
        for b in near[a]:
            assert colours[a] != colours[b]
            for c, d in itertools.product(near[b], range(n)):
                if c != a and d in near[c] and d not in (a, b):
                    assert len({int(colours[v]) for v in (a, b, c, d)}) > 2


@settings(max_examples=100, deadline=None)
@given(patterns(symmetric=True), st.integers(0, 2**32 - 1))
def test_every_entry_of_a_symmetric_matrix_is_read(full, seed):
    n = len(full)
    values = np.random.default_rng(seed).uniform(1, 2, (n, n))
    matrix = np.where(full, values + values.T, 0.0)
    indices, indptr = compressed(full)
    plan = Plan(Matrix(None, indices, indptr, (n, n)), True)
    seeds = (plan.colours == np.arange(plan.count)[:, None]) * 1.0
    answer = seeds @ matrix.T
    assert np.array_equal(answer[plan.colour, plan.row], matrix[rows_numbered(indptr), indices])


def test_few_colours_are_enough_where_it_is_known():
    n = 60
    i = np.arange(n)
    band = abs(i[:, None] - i) <= 1
    assert column_colours(*compressed(band), n)[1] == 3
    assert star_colours(*compressed(band))[1] == 3
    arrow = np.eye(n, dtype=bool)
    arrow[0] = arrow[:, 0] = True
    assert star_colours(*compressed(arrow))[1] == 2  # where no row may be shared it takes n
    assert column_colours(*compressed(arrow), n)[1] == n


@settings(max_examples=100, deadline=None)
@given(shapes, st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(-9, 9))))
def test_entries_become_rows(shape, entries):
    entries = [(i, j, v) for i, j, v in entries if i < shape[0] and j < shape[1]]
    rows, cols, data = (np.array(x, np.intp) for x in zip(*entries, strict=True)) if entries else (
        np.zeros(0, np.intp),) * 3
    want, there = np.zeros(shape), np.zeros(shape, bool)
    np.add.at(want, (rows, cols), data)
    there[rows, cols] = True
    data, indices, indptr = rows_of_entries(data * 1.0, rows, cols, shape)
    got = np.zeros(shape)
    got[rows_numbered(indptr), indices] = data
    assert np.array_equal(got, want)
    assert np.array_equal(np.nonzero(there), (rows_numbered(indptr), indices))
    order, *flipped = transposed(indices, indptr, shape[1])
    assert np.array_equal(np.nonzero(there.T), (rows_numbered(flipped[1]), flipped[0]))
    assert np.array_equal(data[order], want.T[there.T])
    full = compressed(np.ones(shape))
    assert np.array_equal(places(indices, indptr, *full), np.flatnonzero(there))
    assert np.all(places(*full, indices, indptr)[~there.ravel()] == -1)


@pytest.mark.parametrize("dtype", [np.float32, float, np.longdouble, np.complex64, complex,
                                   np.clongdouble])
def test_lanes_become_rows(dtype):
    """Twice the same lane is summed, lane 0 left out, and broadcast lanes are lanes."""
    rng = np.random.default_rng(5)
    m, n, count = 40, 23, 9
    lanes = [*rng.integers(0, n + 1, (count - 1, m)), np.broadcast_to(np.intp(7), (m,))]
    terms = rng.integers(-5, 6, (count, m)).astype(dtype)
    data, indices, indptr = rows_of_lanes(terms, lanes, n)
    want = np.zeros((m, n), dtype)
    for q, i in itertools.product(range(count), range(m)):
        if lanes[q][i]:
            want[i, lanes[q][i] - 1] += terms[q, i]
    got = np.zeros((m, n), dtype)
    got[rows_numbered(indptr), indices] = data
    assert np.array_equal(got, want) and data.dtype == dtype
    assert all(np.all(np.diff(indices[a:b]) > 0) for a, b in itertools.pairwise(indptr))

    pairs = [(a, b) for b in range(3) for a in range(b + 1)]
    terms = rng.integers(-5, 6, (len(pairs), m)).astype(dtype)
    data, indices, indptr = symmetric_rows(terms, pairs, lanes[:3], n)
    want = np.zeros((n, n), dtype)
    for p, i in itertools.product(range(len(pairs)), range(m)):
        r, c = (lanes[q][i] - 1 for q in pairs[p])
        if r >= 0 and c >= 0:
            want[r, c] += terms[p, i]
            want[c, r] += terms[p, i]
    got = np.zeros((n, n), dtype)
    got[rows_numbered(indptr), indices] = data
    assert np.array_equal(got, want)
    assert all(np.all(np.diff(indices[a:b]) > 0) for a, b in itertools.pairwise(indptr))


def test_long_rows_are_sorted():
    rng = np.random.default_rng(6)
    cols = rng.permutation(500)
    data, indices, indptr = rows_of_entries(cols * 1.0, np.ones(500, int), cols, (3, 500))
    assert np.array_equal(indices, np.arange(500)) and np.array_equal(data, indices)
    assert indptr.tolist() == [0, 0, 500, 500]
