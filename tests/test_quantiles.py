"""Medians, quantiles, percentiles: every method, weights, NaN, ties."""

import numpy as np
import pytest
from array_calls import N, call, check, parametrize

from dualdiff._algebra import new_algebra
from dualdiff._taylor import make
from dualdiff.rows import quantiles

x1, x2, x3 = N(5), N(3, 4), N(2, 3, 4)
HOLES = N(values=[[1.0, np.nan, 2.0, 4.0], [np.nan, 0.5, -1.0, np.nan]])
METHODS = ("inverted_cdf", "averaged_inverted_cdf", "closest_observation",
           "interpolated_inverted_cdf", "hazen", "weibull", "linear", "median_unbiased",
           "normal_unbiased", "lower", "higher", "midpoint", "nearest")
Q = [call(x1, 0.3), call(x2, [0.1, 0.5, 0.9], 0), call(x3, 0.25, (0, 2), keepdims=True),
     call(x2, [[0.0, 1.0], [0.5, 0.77]], axis=1),
     call(x1, 0.6, method="inverted_cdf", weights=[1.0, 2.0, 0.5, 1.0, 3.0]),
     call(x2, 0.6, 1, method="inverted_cdf", weights=[1.0, 2.0, 0.5, 1.0]),
     *[call(x2, 0.37, 1, method=m) for m in METHODS]]
P = [call(a[0], np.asarray(a[1]) * 100, *a[2:], **kw) for a, kw in Q]
CASES = {
    np.median: [call(x1), call(x2), call(x2, 1), call(x3, (0, 1), keepdims=True), call(N())],
    np.nanmedian: [call(x1), call(HOLES), call(HOLES, 1), call(HOLES, 0, keepdims=True)],
    np.quantile: Q, np.percentile: P,
    np.nanquantile: [*Q[:5], *Q[6:], call(HOLES, [0.3, 0.6], 1), call(HOLES, 0.4,
                                                                      method="hazen")],
    np.nanpercentile: [*P[:5], *P[6:], call(HOLES, [30, 60], 1)],
}


@parametrize(CASES)
def test_value_and_derivatives(func, args, kwargs):
    check(func, args, kwargs)


@pytest.mark.parametrize("dtype", ["f", "g"])
@parametrize({f: c[:3] for f, c in CASES.items()})
def test_dtypes(func, args, kwargs, dtype):
    check(func, args, kwargs, dtype)


def test_every_row_has_cases():
    assert set(quantiles.ROWS) == set(CASES)


def test_what_is_not_picked_leaves_no_trace():
    x = make(new_algebra(1, 1), np.array([3.0, 1.0, 2.0, 9.0]), np.array([[np.nan, 1, 2,
                                                                           np.nan]]))
    assert np.quantile(x, 1 / 3).terms.tolist() == [2.0]
    assert np.median(x[1:3]).terms.tolist() == [1.5]


def test_ties_pick_one_element():
    x = make(new_algebra(3, 1), np.array([2.0, 2.0, 2.0]), np.eye(3))
    assert np.median(x).terms.sum() == 1.0 and np.quantile(x, 0.25).terms.sum() == 1.0


def test_input_is_not_overwritten():
    x = make(new_algebra(1, 1), np.array([3.0, 1.0, 2.0]), np.ones((1, 3)))
    np.median(x, overwrite_input=True)
    assert x.value.tolist() == [3.0, 1.0, 2.0]


def test_derivative_of_the_level_is_refused():
    x = make(new_algebra(1, 1), np.array([3.0, 1.0]), np.ones((1, 2)))
    with pytest.raises(TypeError, match="quantile: no derivative"):
        np.quantile(x, x[1] / 2)
