"""Differences, integrals, interpolation, padding, covariance, histograms, at every argument."""

import numpy as np
import pytest
from array_calls import N, call, check, parametrize

from dualdiff import grad
from dualdiff._algebra import new_algebra
from dualdiff._taylor import Taylor, make
from dualdiff.rows import calculus

x1, x2, x3, x0 = N(5), N(3, 4), N(2, 3, 4), N()
RISING = [0.0, 1.0, 2.2, 3.1, 4.5]
rising, at = N(values=RISING), N(values=[0.5, 1.6, 2.7, 3.8])  # no kink within reach
APART = N(values=[-1.9, -1.1, 0.6, 1.5, 2.3])  # in bins that a difference does not leave
WOUND = N(values=[0.1, 3.0, 6.8, 6.9, -3.0, 0.2])
weights = N(5, lo=0.5, hi=2.0)
counts = np.array([1, 2, 1, 3])

CASES = {
    np.diff: [call(x1), call(x2), call(x2, axis=0), call(x2, 2), call(x3, 1, 1), call(x1, 0),
              call(x1, prepend=x0), call(x2, append=N(3, 1)), call(x2, 2, 0, N(1, 4), 7.0),
              call(x1, 4), call(N(1)), call([1.0, 4.0], append=x0)],
    np.ediff1d: [call(x1), call(x2), call(x1, x0), call(x1, [1.0, 2.0], N(2)),
                 call(x1, to_begin=x0), call([1.0, 4.0], to_end=x0), call(N(1))],
    np.gradient: [call(x1), call(x2), call(x2, axis=0), call(x3, axis=(0, -1)), call(x1, 0.5),
                  call(x1, N(lo=1, hi=2)), call(x1, rising), call(x2, 2.0, N(values=RISING[:4])),
                  call(x1, edge_order=2), call(x1, rising, edge_order=2),
                  call(x2, N(lo=1, hi=2), axis=1, edge_order=2), call(np.arange(5.0), rising),
                  call(x3, 1.0, N(lo=1), N(values=RISING[:4])), call(N(2))],
    np.trapezoid: [call(x1), call(x2), call(x2, axis=0), call(x1, rising), call(x1, RISING),
                   call([1.0, 2.0, 0.5, 3.0, 1.0], rising), call(x2, dx=0.5),
                   call(x2, dx=N(lo=1)), call(x2, N(3, 4)), call(x2, N(3), axis=0), call(N(1))],
    np.unwrap: [call(WOUND), call(WOUND, 4.0), call(N(2, 4), axis=0), call(WOUND, period=2.5),
                call(WOUND, None, -1, period=N(lo=2.2, hi=2.4)), call(x1)],
    np.interp: [call(at, RISING, [1.0, 3.0, 2.0, 5.0, 4.0]), call(at, rising, x1),
                call(0.6, rising, x1), call(x0, [-3.0, 3.0], N(2)), call(at, RISING, x1),
                call([0.4, 1.6], RISING, x1), call(N(3, lo=-2, hi=-1), rising, x1),
                call(N(3, lo=5, hi=6), rising, x1), call(N(3, lo=-2, hi=-1), rising, x1, x0),
                call(N(3, lo=5, hi=6), rising, x1, -1.0, N()),
                call(N(values=[[0.5, 1.6], [-7.3, 8.0]]), RISING, x1, period=5.0),
                call(at, rising, x1, period=N(lo=4.8, hi=5.2)), call(x1, [0.5], N(1))],
    np.pad: [call(x1, 2), call(x1, (1, 3), "constant", constant_values=x0),
             call(x2, ((1, 2), (0, 3)), constant_values=((1.0, x0), (N(), 2.0))),
             call(x2, 1, "edge"), call(x1, 3, "wrap"), call(x1, 7, "symmetric"),
             call(x1, 3, "reflect"), call(x1, 3, "symmetric", reflect_type="even"),
             call(x1, 7, "reflect", reflect_type="odd"), call(x2, (2, 1), "reflect",
                                                              reflect_type="odd"),
             call(x1, 3, "linear_ramp", end_values=x0), call(x2, 2, "linear_ramp"),
             call(x2, ((1, 2), (3, 0)), "linear_ramp", end_values=((1.0, x0), (N(), 2.0))),
             call(x2, 2, "mean"), call(x2, (1, 2), "mean", stat_length=2),
             call(x2, 1, "maximum"), call(x2, 1, "minimum", stat_length=((1, 2), (3, 1))),
             call(x2, 1, "median"), call(N(3, 3), 1, "median")],
    np.cov: [call(x2), call(x1), call(x2, rowvar=False), call(x1, N(5)), call(x2, N(4)),
             call(x2, bias=True), call(x2, ddof=0), call(x2, fweights=counts),
             call(x2, aweights=N(4, lo=1, hi=2)), call(x2, None, True, False, 0, counts, [
                 1.0, 2.0, 1.5, 0.5]), call(x2, fweights=counts, aweights=N(4, lo=1, hi=2)),
             call(N(4, 2), N(4, 3), False), call(np.ones((2, 4)) * [1, 2, 3, 5], N(1, 4))],
    np.corrcoef: [call(x2), call(x1, N(5)), call(x2, rowvar=False), call(x1)],
    np.bincount: [call([0, 2, 2, 1, 5], weights), call([0, 2, 2, 1, 5], weights, 9),
                  call([1], weights=N(1), minlength=3)],
    np.histogram: [call([0.1, 0.4, 0.45, 0.9, 0.2], 3, weights=weights),
                   call([0.1, 0.4, 0.45, 0.9, 0.2], [0.0, 0.3, 1.0], density=True,
                        weights=weights), call(APART, 2), call(APART, 3,
                                                                              density=True),
                   call(APART, 2, (N(lo=-3, hi=-2.5), 3.0), True),
                   call([0.5, 1.6, 4.0], N(values=[0.0, 1.0, 2.5, 5.0]), density=True)],
    np.histogram_bin_edges: [call(x1), call(x1, 3), call(x1, 3, (-3.0, N(lo=2.5, hi=3))),
                             call(x1, "sqrt"), call([0.5], N(values=[0.0, 1.0]))],
    np.histogramdd: [call([np.arange(5.0), [0.5, 0.1, 0.7, 0.2, 0.9]], 2, weights=weights),
                     call([APART, N(5, lo=0.5)], [2, [-3.0, 0.0, 3.0]], density=True),
                     call(N(5, 1, values=np.array(APART.values)[:, None]), 2), call(
                         [APART, APART], 2, [(-3.0, 3.2), (N(lo=-3, hi=-2.5), 3.0)],
                         density=True)],
    np.histogram2d: [call(np.arange(5.0), [0.5, 0.1, 0.7, 0.2, 0.9], 2, weights=weights),
                     call(APART, APART, density=True, bins=3), call(APART, N(5, lo=0.5), [2, 1]),
                     call(APART, N(5, lo=0.5), [-3.0, 0.0, 3.0])],
    np.i0: [call(x1), call(x0), call(N(3, lo=7, hi=12)), call(N(2, 2, lo=-30, hi=-20))],
}
if np.lib.NumpyVersion(np.__version__) >= "2.2.0":
    CASES[np.pad] += [call(x2, {-1: (1, 2)}, "edge"), call(x2, {0: 1}, "mean")]
# NumPy works in double precision, whatever it is given.
DOUBLE = {np.interp, np.bincount, np.histogram, np.histogram_bin_edges, np.histogramdd,
          np.histogram2d, np.i0}


@parametrize(CASES)
def test_value_and_derivatives(func, args, kwargs):
    check(func, args, kwargs, double=func in DOUBLE or "aweights" in kwargs)


@pytest.mark.parametrize("dtype", ["f", "g", "D"])
@parametrize({f: c[:3] for f, c in CASES.items() if f not in DOUBLE})
def test_dtypes(func, args, kwargs, dtype):
    if dtype == "D" and func is np.unwrap:
        pytest.skip("complex numbers have no turns")
    check(func, args, kwargs, dtype)


def test_every_row_has_cases():
    constant = {f for f, row in calculus.ROWS.items() if row.kind == "constant"}
    assert set(calculus.ROWS) - constant == set(CASES)


def line(values, n=1, order=2, seed=0):
    alg = new_algebra(n, order)
    value = np.array(values, float)
    return make(alg, value, np.random.default_rng(seed).normal(size=(alg.M - 1, *value.shape)))


# ---- interpolation ------------------------------------------------------------------


def test_interp_at_its_points_takes_the_piece_to_the_right():
    xp, fp = [0.0, 1.0, 3.0], [0.0, 2.0, 0.0]
    slope = grad(lambda x: np.interp(x, xp, fp))
    assert [slope(v) for v in (0.0, 1.0, 3.0)] == [2.0, -1.0, -1.0]
    assert [slope(v) for v in (-1.0, 4.0)] == [0.0, 0.0]


def test_interp_outside_follows_left_and_right():
    assert grad(lambda v: np.interp(-v, [0.0, 1.0], [2.0, 3.0], left=v * v))(3.0) == 6.0
    assert grad(lambda v: np.interp(v, [0.0, 1.0], [2.0, 3.0], right=v * v))(3.0) == 6.0
    g = grad(lambda f: np.interp(2.0, [0.0, 1.0], f))(np.array([2.0, 3.0]))
    np.testing.assert_array_equal(g, [0.0, 1.0])


def test_interp_leaves_no_trace_of_far_points():
    g = grad(lambda f: np.interp(0.5, [0.0, 1.0, 2.0], f))(np.array([1.0, 3.0, np.inf]))
    np.testing.assert_array_equal(g, [0.5, 0.5, 0.0])


# ---- unwrap -----------------------------------------------------------------------------


def test_unwrap_takes_out_whole_periods():
    x = line([0.1, 3.0, 6.8, 13.0])
    np.testing.assert_array_equal(np.unwrap(x).terms, x.terms)
    # two steps beyond half a period: the second place loses one, the others two
    p = np.array([0.0, 2.4, 4.9, 4.8])
    assert grad(lambda t: np.sum(np.unwrap(p + 0 * t, period=t)))(3.0) == -5.0


def test_unwrap_refuses_a_number_as_discont():
    with pytest.raises(TypeError, match="unwrap: no derivative .*'discont'; pass its value"):
        np.unwrap(line([0.1, 7.0]), line(3.5))


# ---- edges ------------------------------------------------------------------------------


def test_extremes_in_pads_share_ties():
    x = line([2.0, 2.0, 1.0])
    np.testing.assert_allclose(np.pad(x, 1, "maximum").terms[:, 0], x.terms[:, :2].mean(1))


def test_a_padding_function_works_on_numbers():
    def mirror(vector, width, axis, kwargs):
        vector[:width[0]] = kwargs["factor"] * vector[width[0]] ** 2
        vector[-width[1]:] = vector[-width[1] - 1]

    x = line([3.0, 4.0])
    y = np.pad(x, 2, mirror, factor=0.5)
    np.testing.assert_array_equal(y.value, [4.5, 4.5, 3.0, 4.0, 4.0, 4.0])
    np.testing.assert_allclose(y.terms[:, 0], (x[0] ** 2 / 2).terms)
    np.testing.assert_array_equal(y.terms[:, -1], x.terms[:, 1])


def test_histograms_of_numbers_count_and_scale():
    """Which bin an element falls into is constant; the widths of the bins are not."""
    counts, edges = np.histogram(line(RISING), [0.0, 1.0, 3.0])
    assert type(counts) is np.ndarray and type(edges) is np.ndarray
    with pytest.raises(TypeError, match="bincount"):
        np.bincount(line([1.0, 2.0]))


def test_correlations_on_the_diagonal_are_exactly_one():
    c = np.corrcoef(line(np.random.default_rng(1).normal(size=(3, 5))))
    for i in range(3):
        assert c[i, i].value == 1.0 and not c[i, i].terms.any()


def test_constants():
    assert np.ravel_multi_index(([1, 2], [0, 1]), (3, 4)).tolist() == [4, 9]
    assert type(np.gradient(line(np.ones((2, 2))))) is tuple
    assert type(np.diff(line([1.0]))) is Taylor and np.diff(line([1.0])).shape == (0,)


WRONG = {
    "too short": lambda x: np.gradient(x, edge_order=2), "order": lambda x: np.diff(x, -1),
    "lengths": lambda x: np.interp(x, [0.0, 1.0], [1.0]), "width": lambda x: np.pad(x, -1),
    "spacings": lambda x: np.gradient(x, 1.0, 2.0),
    "weights": lambda x: np.cov(x, fweights=[-1, 2]),
    "mode": lambda x: np.pad(x, 1, "sideways"), "0-d": lambda x: np.diff(x[0]),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_are_numpys(name):
    with pytest.raises((ValueError, TypeError)) as plain:
        WRONG[name](np.array([1.0, 2.0]))
    with pytest.raises(type(plain.value)) as ours:
        WRONG[name](line([1.0, 2.0]))
    assert str(ours.value) == str(plain.value)
