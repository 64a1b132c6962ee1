"""Indexing and assignment: every form that NumPy has, on each coefficient as NumPy does it."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numbers_by_hand import algebra, number, rows

from dualdiff._algebra import unite

DTYPES = (np.float64, np.float32, np.longdouble, np.complex128)
SHAPES = ((4,), (1,), (0,), (3, 4), (2, 1, 3), (2, 3, 0))


@st.composite
def indices(draw, shape):
    """An index of any form: integers, slices, ..., None, lists, arrays, masks, mixed."""
    if draw(st.integers(0, 7)) == 0:  # one mask over some leading axes
        n = draw(st.integers(0, len(shape)))
        mask = draw(st.lists(st.booleans(), min_size=int(np.prod(shape[:n], dtype=int)),
                             max_size=int(np.prod(shape[:n], dtype=int))))
        mask = np.array(mask, bool).reshape(shape[:n])
        return mask if draw(st.booleans()) else (mask, ...)
    parts, advanced = [], draw(st.sampled_from([(1,), (3,), (2, 1), (0,), ()]))
    for n in shape[: draw(st.integers(0, len(shape)))]:
        kind = draw(st.sampled_from(["int", "np int", "slice", "array", "list", "mask", "none"]))
        if kind == "none":
            parts.append(None)
            kind = "slice"
        if kind == "slice" or n == 0:
            bound = st.none() | st.integers(-n - 1, n + 1)
            parts.append(slice(draw(bound), draw(bound),
                               draw(st.sampled_from([None, 1, 2, -1, -2]))))
        elif kind in ("int", "np int"):
            i = draw(st.integers(-n, n - 1))
            parts.append(i if kind == "int" else np.int32(i))
        elif kind == "mask":
            k = int(np.prod(advanced, dtype=int)) if advanced == (3,) or advanced == (1,) else 1
            if k > n:
                k = 1
            mask = np.zeros(n, bool)
            mask[:k] = True
            parts.append(mask)
        else:
            size = int(np.prod(advanced, dtype=int))
            flat = draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size))
            index = np.array(flat, int).reshape(advanced)
            parts.append(index.tolist() if kind == "list" and index.size else index)
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), ...)
    if len(parts) == 1 and draw(st.booleans()):
        return parts[0]
    return tuple(parts)


def attempt(f):
    """(result, None) or (None, type of the error)."""
    try:
        return f(), None
    except (IndexError, ValueError, TypeError) as e:
        return None, type(e)


@given(st.data(), st.sampled_from(SHAPES), st.sampled_from(DTYPES))
@settings(max_examples=400, deadline=None)
def test_getitem(data, shape, dtype):
    x = number(algebra((2, 2)), shape, dtype)
    index = data.draw(indices(shape))
    want, error = attempt(lambda: np.stack([np.asarray(r[index]) for r in rows(x)]))
    got, got_error = attempt(lambda: x[index])
    assert got_error == error
    if error is None:
        assert got.shape == want.shape[1:] and got.dtype == dtype
        np.testing.assert_array_equal(rows(got), want)


def over(union, index, r):
    """Rows of a number as rows over the union."""
    out = np.zeros((union.M, *r.shape[1:]), r.dtype)
    out[index if index is not None else slice(None)] = r
    return out


@given(st.data(), st.sampled_from(SHAPES), st.sampled_from(DTYPES),
       st.sampled_from(["same seeds", "more seeds", "fewer seeds", "array", "scalar"]))
@settings(max_examples=400, deadline=None)
def test_setitem(data, shape, dtype, what):
    alg, other = algebra((2, 2)), algebra((1, 1))
    if what == "fewer seeds":
        alg, other = unite(alg, other)[0], other
    x = number(alg, shape, dtype)
    old = rows(x)
    index = data.draw(indices(shape))
    target, error = attempt(lambda: x.value[index].shape)
    if error is not None:
        with pytest.raises(error):
            x[index] = 1.0
        np.testing.assert_array_equal(rows(x), old)
        return
    vshape = data.draw(st.sampled_from([target, (), target[-1:], (1, *target)]))
    v = number(alg if what == "same seeds" else other, vshape, dtype, seed=5)
    if what == "array":
        v = np.asarray(v.value)
    if what == "scalar":
        v = 1.25
    plain = not hasattr(v, "terms")
    union, at_x, at_v = (alg, None, None) if plain else unite(alg, v.algebra)
    want = over(union, at_x, old)
    new = over(union, at_v, rows(v)) if not plain else None
    _, error = attempt(lambda: want[0].__setitem__(index, v if plain else new[0]))
    if error is not None:
        with pytest.raises(error):
            x[index] = v
        kept = unite(alg, x.algebra)[1]  # x may have grown, by rows of zeros
        np.testing.assert_array_equal(rows(x), over(x.algebra, kept, old))
        return
    for k in range(1, union.M):
        want[k][index] = 0 if plain else new[k]
    x[index] = v
    assert x.dtype == dtype
    np.testing.assert_array_equal(over(union, unite(union, x.algebra)[2], rows(x)), want)


BAD = [7, (0, 0, 0), 1.5, "a", [0.5], np.array([0.5]), (slice(None),) * 3, np.ones(3, bool),
       [9], {}]


@pytest.mark.parametrize("index", BAD, ids=repr)
def test_bad_indices_raise_as_numpy_does(index):
    x = number(algebra((2, 1)), (4, 2))
    with pytest.raises(IndexError) as want:
        x.value[index]
    with pytest.raises(IndexError) as got:
        x[index]
    assert str(got.value) == str(want.value)
    with pytest.raises(IndexError):
        x[index] = 1.0


@pytest.mark.parametrize("index", [4, -5])
def test_out_of_bounds_of_a_vector(index):
    x = number(algebra((2, 1)), (4,))
    with pytest.raises(IndexError, match=f"index {index} is out of bounds for axis 0 with size 4"):
        x[index]


def test_a_number_is_no_index():
    x = number(algebra((2, 1)), (4,))
    for index in (x, (x,), (0, x[0]), x[0]):
        with pytest.raises(IndexError, match=r"dualdiff: a number cannot be an index.*integers"):
            x[index]
        with pytest.raises(IndexError, match="dualdiff: a number cannot be an index"):
            x[index] = 1.0
    with pytest.raises(TypeError, match=r"dualdiff: .*index.*x\.value"):
        [1.0, 2.0][x[0]]
    with pytest.raises(IndexError):  # NumPy turns our TypeError into its own
        np.arange(3.0)[x[0]]
    np.testing.assert_array_equal(rows(x[x > 1.0]), rows(x)[:, x.value > 1.0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_element_is_a_copy_as_in_numpy(dtype):
    """t = x[0]; x[0] = x[1]; x[1] = t swaps."""
    x = number(algebra((2, 2)), (3,), dtype)
    old = rows(x)
    t = x[0]
    x[0] = x[1]
    x[1] = t
    np.testing.assert_array_equal(rows(x), old[:, [1, 0, 2]])
    y = number(algebra((1, 1)), (2, 2), dtype)
    t, old = y[1, 0], rows(y)
    y[...] = 0.0
    np.testing.assert_array_equal(rows(t), old[:, 1, 0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_overlapping_assignment(dtype):
    for to, of in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None)),
                   (slice(None), slice(None, None, -1))):
        x = number(algebra((2, 2)), (5,), dtype)
        want = rows(x)
        want[:, to] = want[:, of].copy()
        x[to] = x[of]
        np.testing.assert_array_equal(rows(x), want)


def test_a_list_and_an_object_array_of_numbers_can_be_assigned():
    alg = algebra((2, 1))
    x, y = number(alg, (4,)), number(alg, (2,), seed=3)
    x[1:3] = [y[1], y[0]]
    np.testing.assert_array_equal(rows(x)[:, 1:3], rows(y)[:, ::-1])
    x[:2] = np.array([y[0], 2.0], object)
    np.testing.assert_array_equal(rows(x)[:, 0], rows(y)[:, 0])
    np.testing.assert_array_equal(rows(x)[:, 1], [2, 0, 0])


def test_assignment_refuses_what_does_not_fit():
    x = number(algebra((2, 1)), (4,))
    old = rows(x)
    with pytest.raises(ValueError, match="could not broadcast"):
        x[:2] = np.ones(3)
    with pytest.raises(ValueError, match="could not broadcast"):
        x[:2] = x[:3]
    with pytest.raises(TypeError, match="dualdiff: a complex number.*astype"):
        x[0] = x[1] * 1j
    with pytest.raises(TypeError, match="dualdiff: only numbers, arrays and Python numbers"):
        x[0] = "a"
    with pytest.raises(ValueError, match="cannot delete"):
        del x[0]
    np.testing.assert_array_equal(rows(x), old)


def test_a_plain_array_refuses_a_number():
    x = number(algebra((2, 1)), (3,))
    for v in (x[0], x):
        with pytest.raises((TypeError, ValueError)) as e:
            np.zeros(3)[:1] = v[:1] if v.ndim else v
        assert isinstance(e.value, TypeError) or isinstance(e.value.__cause__, TypeError)


@pytest.mark.parametrize("dtype", DTYPES)
def test_iteration_len_unpacking(dtype):
    x = number(algebra((2, 1)), (3, 2), dtype)
    assert len(x) == 3
    np.testing.assert_array_equal(np.stack([rows(r) for r in x], 1), rows(x))
    a, b, c = x
    np.testing.assert_array_equal(rows(b), rows(x)[:, 1])
    assert [e.shape for e in x[0]] == [(), ()]
    assert [rows(e).tolist() for e in reversed(x[0])] == [rows(x[0, 1]).tolist(),
                                                          rows(x[0, 0]).tolist()]
    with pytest.raises(TypeError, match="iteration over a 0-d array"):
        iter(x[0, 0])
    with pytest.raises(TypeError, match="len\\(\\) of unsized object"):
        len(x[0, 0])
    assert x.value[1, 1] in x and 77.0 not in x and x[0, 0] in x


def test_zero_dimensions():
    for dtype in DTYPES:
        x = number(algebra((2, 2)), (), dtype)
        for index in ((), ..., (...,)):
            np.testing.assert_array_equal(rows(x[index]), rows(x))
        np.testing.assert_array_equal(rows(x[None]), rows(x)[:, None])
        np.testing.assert_array_equal(rows(x[..., None]), rows(x)[:, None])
        np.testing.assert_array_equal(rows(x[np.True_]), rows(x)[:, None])
        for index in (0, slice(None), (0, 0)):
            with pytest.raises(IndexError):
                x[index]
        y = number(x.algebra, (), dtype, seed=9)
        x[...] = y
        np.testing.assert_array_equal(rows(x), rows(y))
        x[()] = 3.0
        np.testing.assert_array_equal(rows(x), [3.0] + [0] * (x.algebra.M - 1))
