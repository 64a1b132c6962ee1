"""Sorting, choosing, writing by index: values, derivatives, no trace of what is not chosen."""

import numpy as np
import pytest
from array_calls import N, call, check, parametrize

from dualdiff._algebra import new_algebra
from dualdiff._taylor import make
from dualdiff.rows import selection

x1, x2, x3, x0 = N(5), N(3, 4), N(2, 3, 4), N()
m2 = np.arange(12).reshape(3, 4) % 3 == 0
TIED = N(values=[2.0, 1.0, 2.0, 1.0, 3.0])
index = np.array([[0, 2], [1, 1], [3, 0]])
HOLES = N(values=[1.0, np.nan, -np.inf, np.inf, 2.0])


def written(func, *after):
    """A function that writes in place, as one that returns what it wrote into."""

    def run(x, *args, **kwargs):
        y = np.array(x) if type(x) is np.ndarray else np.copy(x)
        func(y, *args, **kwargs)
        return y

    run.__name__ = func.__name__
    return run


CASES = {
    np.where: [call(m2, x2, 0.0), call(m2, N(4), x2), call(m2, 1, N()), call(m2, x2, N(3, 1)),
               call(True, x1, 2.0), call(m2, x2, N(3, 4, only="f")), call(m2, x3, x0)],
    np.take: [call(x1, [0, 3]), call(x2, 5), call(x2, index % 3, 0), call(x2, [-1], axis=1),
              call(x2, [7, -9], mode="wrap"), call(x2, [1, 9], 1, None, "clip")],
    np.take_along_axis: [call(x2, index, 1), call(x2, index[:1, :1].repeat(4, 1), axis=0),
                         call(x2, np.array([3, 0, 11]), None), call(x2, index)],
    np.choose: [call([0, 1, 0], [N(3), N(3)]), call(m2.astype(int), (x2, x0)),
                call([3, -1], [x0, 5.0], mode="wrap")],
    np.select: [call([m2, ~m2], [x2, N(4)], x0), call([m2], [x2]), call([m2, m2], [1.0, x2],
                                                                        7.0)],
    np.piecewise: [call(x2, [m2], [np.exp, 3.0]),
                   call(x1, [np.arange(5) < 2, np.arange(5) > 3], [lambda v: v * v, np.sin,
                                                                   x0]),
                   call(x0, [True], [np.cos]), call(x1, np.arange(5) < 2, [np.sin, np.cos])],
    np.compress: [call([True, False, True], x1), call([True, False], x2, axis=1)],
    np.extract: [call(m2, x2), call([1, 0, 1, 0, 0], x1)],
    np.clip: [call(x2, -1, 1), call(x2, N(4, lo=-1, hi=0), N(lo=0.5, hi=1)), call(x2, None,
                                                                                  0.5),
              call(x2, -0.5, None), call(x1, a_min=0.1, a_max=0.2), call(x1, max=0.3, min=-0.3)
              if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else call(x1, 0, 1)],
    np.nan_to_num: [call(HOLES, True, 0.0, 7.0, -7.0), call(HOLES, nan=3.0, posinf=1.0,
                                                            neginf=-1.0),
                    call(x2), call(x0), call(HOLES, nan=N(), posinf=1.0, neginf=0.0)],
    np.real_if_close: [call(x2), call(N(values=[1 + 0j, 2 + 0j], only="D")), call(N(3,
                                                                                    only="D"))],
    np.trim_zeros: [call(N(values=[0.0, 0.0, 1.0, 0.0, 2.0, 0.0])), call(x1),
                    call(N(values=[0.0, 1.0, 0.0]), "f"), call(N(values=[0.0, 1.0, 0.0]),
                                                               trim="b"),
                    call(N(values=[0.0, 0.0]))],
    np.sort: [call(x1), call(x2, 0), call(x3, axis=1), call(x2, None), call(x2, kind="stable")],
    np.sort_complex: [call(x1), call(N(4, only="D"))],
    np.unique: [call(x1), call(N(values=[1.0, 3.0, 2.0]), True, True, True), call(x2, axis=0)],
    np.intersect1d: [call(N(values=[4.0, 1.0, 2.0]), [2.0, 4.0])],
    np.setdiff1d: [call(x2, [0.0])],
    np.union1d: [call(x1, N(2)), call(x1, [3.0, 4.0])], np.setxor1d: [call(x1, N(3))],
}
SMOOTHED = (np.intersect1d, np.nan_to_num, np.real_if_close, np.trim_zeros)
for name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
    if hasattr(np, name):
        CASES[getattr(np, name)] = [call(x1), call(x2)]
WRITES = {
    np.copyto: [call(x2, N(4)), call(x2, x0, where=m2), call(x2, 3.0)],
    np.put: [call(x1, [0, 2], N(2)), call(x2, [1, 5, 7], x0), call(x1, [9, -7], 1.0, "wrap")],
    np.put_along_axis: [call(x2, index[:, :1], N(3, 1), 1), call(x2, index[:, :1], 2.0,
                                                                 axis=1)],
    np.place: [call(x2, m2, N(2)), call(x2, m2, [1.0, 2.0])],
    np.putmask: [call(x2, m2, x2), call(x2, m2, N(2))],
    np.fill_diagonal: [call(x2, x0), call(N(5, 2), N(2), True), call(N(3, 3), 0.0)],
}
WRITTEN = {written(f): c for f, c in WRITES.items()}


@parametrize({f: c for f, c in CASES.items() if f not in SMOOTHED})
def test_value_and_derivatives(func, args, kwargs):
    check(func, args, kwargs)


@parametrize(WRITTEN)
def test_writes(func, args, kwargs):
    check(func, args, kwargs)


@pytest.mark.parametrize("dtype", ["f", "g"])
@parametrize({f: c[:2] for f, c in (CASES | WRITTEN).items() if f not in SMOOTHED})
def test_dtypes(func, args, kwargs, dtype):
    check(func, args, kwargs, dtype)


@parametrize({f: CASES[f] for f in SMOOTHED})
def test_decided_by_the_value(func, args, kwargs):
    """Functions that look at exact values: the oracle sees what they chose at t = 0."""
    if func is np.intersect1d:
        reference = lambda a, b: np.stack([a[2], a[0]])
    elif func is np.real_if_close:
        reference = lambda a: a if a.dtype.kind != "c" or a.size == 3 else np.real(a)
    elif func is np.nan_to_num:
        reference = func
    else:
        v = np.array(args[0].values if args[0].values is not None else np.ones(5))
        trim = args[1] if len(args) > 1 else kwargs.get("trim", "fb")
        at = np.flatnonzero(v)
        low = at[0] if "f" in trim and at.size else 0
        high = at[-1] + 1 if "b" in trim and at.size else len(v) if at.size else 0
        reference = lambda a, *_, **__: a[low:high]
    with np.errstate(invalid="ignore"):
        check(func, args, kwargs, reference=reference)


def test_every_row_has_cases():
    constant = {f for f, row in selection.ROWS.items() if row.kind == "constant"}
    assert set(selection.ROWS) - constant == set(CASES) | set(WRITES) | {np.partition}


def line(values, n=1, order=2):
    alg = new_algebra(n, order)
    value = np.array(values, float)
    return make(alg, value, np.random.default_rng(0).normal(size=(alg.M - 1, *value.shape)))


def test_untaken_branch_leaves_no_trace():
    x = line([0.0, 4.0])
    bad = make(x.algebra, np.array([np.nan, np.inf]), np.full((2, 2), np.nan))
    mask = np.array([True, True])
    for y in (np.where(mask, x, bad), np.select([mask], [x], bad),
              np.piecewise(x, [mask, ~mask], [lambda v: v, lambda v: 1 / v]),
              np.choose([0, 0], [x, bad])):
        np.testing.assert_array_equal(y.terms, x.terms)


def test_equal_shares_at_a_bound():
    x = line([1.0, 2.0, 3.0])
    np.testing.assert_allclose(np.clip(x, 1.0, 3.0).terms, x.terms * [0.5, 1, 0.5])


@pytest.mark.parametrize("func", [np.sort, lambda x: np.partition(x, 2), np.unique])
def test_ties_and_special_values_follow_their_elements(func):
    x = line([2.0, np.nan, 1.0, -np.inf, 2.5, np.inf])
    y = func(x)
    for v, t in zip(y.value, y.terms.T, strict=True):
        at = np.flatnonzero((x.value == v) | (np.isnan(x.value) & np.isnan(v)))
        assert t.tolist() in x.terms[:, at].T.tolist()


def test_sort_keeps_every_element():
    x = line([2.0, 1.0, 2.0, 1.0, 3.0])
    np.testing.assert_array_equal(np.sort(x).terms, x.terms[:, [1, 3, 0, 2, 4]])
    if "descending" in __import__("inspect").signature(np.sort).parameters:
        y = np.sort(x, descending=True)
        assert y.value.tolist() == [3, 2, 2, 1, 1]
        assert sorted(y.terms[0]) == sorted(x.terms[0])


@pytest.mark.parametrize("args", [(5, None), (1, 0), ([0, 2], -1), (2,)])
def test_partition_moves_terms_with_their_elements(args):
    x = line(np.random.default_rng(3).normal(size=(5, 4)))
    y = np.partition(x, *args)
    np.testing.assert_array_equal(y.value, np.partition(x.value, *args))
    for v, t in zip(y.value.ravel(), y.terms.reshape(2, -1).T, strict=True):
        np.testing.assert_array_equal(t, x.terms[:, x.value == v][:, 0])


def test_writing_grows_the_target_and_its_views():
    x, s = line([1.0, 2.0, 3.0]), line([9.0], n=2)
    view = x[1:]
    np.put(x, [2], s)
    assert x.algebra.M > s.algebra.M and view[1].value == 9.0
    np.testing.assert_array_equal((view[1] - s[0]).terms, 0)


def test_refusals():
    x = line([1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="copyto: the target is a plain array.*zeros_like"):
        np.copyto(np.zeros(3), x)
    with pytest.raises(TypeError, match="take: no derivative"):
        np.take(x, x)
    with pytest.raises(TypeError, match="compress: no derivative.*'condition'"):
        np.compress(x, x)
    with pytest.raises(ValueError, match="2 or 3 functions are expected"):
        np.piecewise(x, [x > 1, x < 0], [1.0])


def test_constants():
    x = line([3.0, 1.0, 2.0])
    assert np.argsort(x).tolist() == [1, 2, 0]
    assert np.searchsorted(np.sort(x), 2.5) == 2 and np.searchsorted([0.0, 2.5],
                                                                     x).tolist() == [
        2, 1, 1]
    assert np.digitize(x, [1.5]).tolist() == [1, 0, 1]
    assert np.allclose(x, x) and np.array_equal(x, x) and np.isclose(x, 1.0).tolist() == [
        False, True, False]
    assert np.round(x).tolist() == [3, 1, 2] and np.nonzero(x > 1)[0].tolist() == [0, 2]
    assert np.where(x > 1)[0].tolist() == [0, 2] and np.lexsort((x,)).tolist() == [1, 2, 0]
