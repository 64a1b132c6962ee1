"""Reductions and cumulative functions: values, derivatives, keywords, ties, zeros."""

import numpy as np
import pytest
from array_calls import N, call, check, parametrize

from dualdiff._algebra import new_algebra
from dualdiff._taylor import make
from dualdiff.rows import reductions

x1, x2, x3, x0 = N(5), N(3, 4), N(2, 3, 4), N()
HOLES = N(values=[[1.0, np.nan, 2.0], [np.nan, 0.5, -1.0]])
some = np.array([True, False, True, True])
AXES = [call(x1), call(x2), call(x2, 0), call(x3, axis=(0, -1)), call(x3, 1, keepdims=True),
        call(x2, where=some), call(x2, axis=1, where=some, keepdims=True), call(x3, axis=-1)]
INITIAL = [call(x2, initial=2.5), call(x2, 1, initial=N(lo=3, hi=4)), call(x0)]
NAN = [call(HOLES), call(HOLES, 0), call(HOLES, axis=1, keepdims=True), call(x2, 0)]
CUMULATIVE = [call(x1), call(x2), call(x2, 0), call(x3, axis=-1), call(x0), call(N(7), 0)]

CASES = {
    np.sum: [*AXES, *INITIAL, call(N(0)), call(N(0, 3), 0), call(a=x2, axis=0)],
    np.nansum: [*AXES, *NAN, *INITIAL],
    np.mean: [*AXES, call(x0)],
    np.nanmean: [*AXES, *NAN],
    np.average: [call(x1), call(x2, 0), call(x2, weights=N(3, 4, lo=1, hi=2)),
                 call(x2, 1, N(4, lo=1, hi=2)), call(x2, 0, [1.0, 2.0, 0.0], True),
                 call(x2, 1, returned=True, keepdims=True), call(x2, 0, returned=True),
                 call(x3, (2, 0), N(4, 2, lo=1, hi=2))],
    np.var: [*AXES, call(x2, 1, ddof=1), call(x2, 0, correction=1), call(x1, mean=N(1))],
    np.nanvar: [*AXES, *NAN[:3], call(x2, ddof=1)],
    np.std: [*AXES, call(x2, 1, ddof=1), call(x2, axis=0, mean=N(1, 4))],
    np.nanstd: [*AXES, call(HOLES), call(x2, ddof=1)],
    np.prod: [*AXES, *INITIAL, call(N(0)), call(N(7)), call(N(values=[2.0, 0.0, 3.0, 0.0,
                                                                      1.0]))],
    np.nanprod: [*AXES, *NAN],
    np.cumsum: CUMULATIVE, np.nancumsum: [*CUMULATIVE, call(HOLES), call(HOLES, 1)],
    np.cumprod: [*CUMULATIVE, call(N(values=[2.0, 0.0, 3.0, 0.0, 1.0]))],
    np.nancumprod: [*CUMULATIVE, call(HOLES), call(HOLES, 1)],
    **{f: [*AXES[:5], call(x2, initial=0.1), call(x2, 0, initial=N(lo=-0.1, hi=0.1)), call(x0),
           call(x2, 1, where=some, initial=-0.05)]
       for f in (np.max, np.min, np.amax, np.amin)},
    np.nanmax: [*AXES[:5], *NAN], np.nanmin: [*AXES[:5], *NAN],
    np.ptp: AXES[:5],
    np.apply_along_axis: [call(np.cumsum, 0, x2), call(np.sum, 1, x3),
                          call(lambda v: v[:2, None] * v[None], -1, x2)],
    np.apply_over_axes: [call(np.sum, x3, [0, 2]), call(np.sum, x2, 1)],
}
if hasattr(np, "cumulative_sum"):
    CASES[np.cumulative_sum] = [call(x1), call(x2, axis=0), call(x2, axis=1,
                                                                 include_initial=True)]
    CASES[np.cumulative_prod] = CASES[np.cumulative_sum]
SMALL = {f: c[:3] for f, c in CASES.items()}


@parametrize(CASES)
def test_value_and_derivatives(func, args, kwargs):
    check(func, args, kwargs)


@pytest.mark.parametrize("dtype", ["f", "g", "D"])
@parametrize(SMALL)
def test_dtypes(func, args, kwargs, dtype):
    if dtype == "D" and func in (np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin,
                                 np.ptp):
        pytest.skip("complex numbers have no smooth order")
    check(func, args, kwargs, dtype)


def test_every_row_has_cases():
    constant = {f for f, row in reductions.ROWS.items() if row.kind == "constant"}
    assert set(reductions.ROWS) - constant == set(CASES)


def line(values, n=1, order=2, seed=0):
    """A number over n seeds with random terms."""
    alg = new_algebra(n, order)
    value = np.array(values, float)
    return make(alg, value, np.random.default_rng(seed).normal(size=(alg.M - 1, *value.shape)))


@pytest.mark.parametrize("func", [np.max, np.min, np.amax, np.amin, np.nanmax, np.nanmin])
def test_ties_share_equally(func):
    x = line([1.0, 1.0, 1.0])
    np.testing.assert_allclose(func(x).terms, x.terms.mean(1))
    x = line([[2.0, 0.0, 2.0], [2.0, 0.0, 0.0]])
    y = func(x, axis=1)
    picked = (x.value == y.value[:, None]).astype(float)
    np.testing.assert_allclose(y.terms, (x.terms * picked).sum(2) / picked.sum(1))
    x = line([3.0, 3.0])
    np.testing.assert_allclose(func(x, initial=3.0).terms, x.terms.sum(1) / 3)


@pytest.mark.parametrize("func", [np.std, np.nanstd])
def test_std_of_equal_elements_is_flat(func):
    alg = new_algebra(1, 1)
    x = make(alg, np.full(4, 2.0), np.full((1, 4), 1.0))
    y = func(x)
    assert y.value == 0 and (y.terms == 0).all()


def test_products_with_zeros_are_exact():
    alg = new_algebra(3, 1)
    x = make(alg, np.array([0.0, 3.0, 5.0]), np.eye(3))
    np.testing.assert_array_equal(np.prod(x).terms, [15.0, 0.0, 0.0])
    np.testing.assert_array_equal(np.cumprod(x).terms, [[1, 3, 15], [0, 0, 0], [0, 0, 0]])
    x = make(alg, np.array([0.0, 0.0, 5.0]), np.eye(3))
    assert not np.prod(x).terms.any()


def test_extremes_leave_no_trace_of_the_rest():
    alg = new_algebra(1, 1)
    x = make(alg, np.array([1.0, 2.0]), np.array([[np.nan, 4.0]]))
    assert np.max(x).terms.tolist() == [4.0]
    assert np.sum(x, where=[False, True]).terms.tolist() == [4.0]


def test_out_and_dtype():
    x = line([[1.0, 2.0], [3.0, 5.0]])
    for func in (np.sum, np.mean, np.prod, np.max, np.var, np.cumsum):
        want = func(x, axis=1)
        out = np.zeros_like(want)
        assert func(x, axis=1, out=out) is out
        np.testing.assert_array_equal(out.terms, want.terms)
        rest = (None,) if func is not np.max else ()
        out = np.zeros_like(want)
        assert func(x, 1, *rest, out) is out
        np.testing.assert_array_equal(out.terms, want.terms)
    assert np.sum(x, dtype=np.longdouble).terms.dtype == np.longdouble
    with pytest.raises(TypeError, match="out= is a plain array"):
        np.sum(x, axis=0, out=np.zeros(2))
    with pytest.raises(TypeError, match=r"dtype=int64 would lose the derivative"):
        np.sum(x, dtype=int)


def test_half_precision_mean():
    alg = new_algebra(1, 1)
    x = make(alg, np.full(4096, 1.0, "e"), np.full((1, 4096), 1.0, "e"))
    assert np.mean(x).dtype == np.float16 and np.mean(x).terms[0] == 1.0


def test_constants():
    x = line([3.0, 1.0, 2.0])
    assert np.argmax(x) == 0 and np.argmin(x) == 1 and np.nanargmax(x) == 0
    assert np.all(x) and np.any(x) and np.count_nonzero(x > 1) == 2


def test_slices_bad_arguments():
    x = line([[1.0, 2.0]])
    with pytest.raises(np.exceptions.AxisError):
        np.apply_along_axis(np.sum, 2, x)
    with pytest.raises(np.exceptions.AxisError):
        np.sum(x, 3)
