"""Functions that make arrays with like=, numpy.lib.scimath, and what is refused."""

import io

import numpy as np
import pytest
from numpy.lib import recfunctions
from polynomials import algebra, check, number

from dualdiff import grad
from dualdiff._dispatch import REFUSED
from dualdiff._taylor import Taylor

sm = np.lib.scimath


@pytest.fixture
def x():
    return number(algebra(2, 3), (3,))


@pytest.mark.parametrize("make", [
    lambda like: np.zeros((2, 3), like=like), lambda like: np.ones(3, int, like=like),
    lambda like: np.full(3, 2.5, like=like), lambda like: np.eye(3, k=1, like=like),
    lambda like: np.identity(2, like=like), lambda like: np.tri(3, 4, -1, like=like),
    lambda like: np.arange(2, 9, 3, like=like), lambda like: np.empty(0, like=like),
    lambda like: np.fromfunction(lambda i, j: i + j, (2, 3), like=like),
    lambda like: np.array([[1, 2], [3, 4]], like=like), lambda like: np.asarray([1.0], like=like),
    lambda like: np.require([1, 2], float, "C", like=like),
], ids=str)
def test_of_a_shape_or_constants_like_a_number(make, x):
    got, want = make(x), make(None)
    assert type(got) is np.ndarray
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("make", [
    np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray, np.require])
def test_data_with_numbers_becomes_one_number(make, x):
    y = make([[x[0], 2.0], [x[1] * x[2], x[2]]], like=x)
    assert type(y) is Taylor
    np.testing.assert_array_equal(y.value, [[x.value[0], 2.0],
                                            [x.value[1] * x.value[2], x.value[2]]])
    np.testing.assert_array_equal(y.terms[:, 0, 0], x.terms[:, 0])
    np.testing.assert_array_equal(y.terms[:, 1, 0], (x[1] * x[2]).terms)
    assert not y.terms[:, 0, 1].any()
    assert make(x, np.float32, like=x).dtype == np.float32
    with pytest.raises(TypeError, match="would lose the derivative"):
        make(x, int, like=x)


def test_copies(x):
    assert np.array(x, copy=False, like=x) is x
    assert np.asarray(x, like=x) is x
    for y in (np.array(x, like=x), np.asarray(x, copy=True, like=x)):
        y[0] = 5.0
        assert x.value[0] != 5.0
    assert np.array(x, ndmin=3, like=x).shape == (1, 1, 3)
    assert np.ascontiguousarray(x[0], like=x).shape == (1,)


def test_full_of_a_number(x):
    y = np.full((2, 3), x, like=x)
    np.testing.assert_array_equal(y.terms, np.stack([x.terms, x.terms], 1))
    y[0, 0] = 5.0
    assert y.value[1, 0] == x.value[0]
    assert np.full(2, x[0], np.float32, like=x).dtype == np.float32


def test_a_number_in_a_shape_is_refused(x):
    with pytest.raises(TypeError, match=r"np\.arange: no derivative .*x\.value"):
        np.arange(0.0, x[0], like=x)


def test_gradient_through_array_like():
    g = grad(lambda x: np.sum(np.array([x[0] ** 2, x[0] * x[1]], like=x)))(np.array([3.0, 4.0]))
    np.testing.assert_array_equal(g, [10.0, 3.0])


SCIMATH = [
    (sm.sqrt, [0.5, 2.0], [-0.5, 2.0]), (sm.log, [0.5, 2.0], [-0.5, 2.0]),
    (sm.log2, [0.5, 2.0], [-0.5, 2.0]), (sm.log10, [0.5, 2.0], [-0.5, 2.0]),
    (sm.arccos, [0.5, -0.3], [0.5, 2.0]), (sm.arcsin, [0.5, -0.3], [-2.0, 0.5]),
    (sm.arctanh, [0.5, -0.3], [0.5, 2.0]),
]


@pytest.mark.parametrize("case", range(len(SCIMATH)), ids=[c[0].__name__ for c in SCIMATH])
def test_scimath(case):
    f, *values = SCIMATH[case]
    alg = algebra(2, 3)
    for value in values:
        x = number(alg, (2,), value=value)
        check(f, x, radius=0.05, rtol=1e-6)
        check(lambda x: f(x[0]), x, radius=0.05, rtol=1e-6)
    for value in ([0.5 + 1j, -0.3 - 1j],):
        check(f, number(alg, (2,), complex, value=value), radius=0.05, rtol=1e-6)
    assert f(number(alg, (2,), np.float32, value=values[1])).dtype == np.complex64


def test_scimath_of_two_arguments():
    alg = algebra(2, 3)
    n, p = number(alg, (2,), value=[2.0, 3.0]), number(alg, (2,), seed=1, value=[0.5, 2.0])
    for value in ([0.5, 2.0], [-0.5, 2.0]):
        x = number(alg, (2,), seed=2, value=value)
        check(sm.logn, n, x, radius=0.05, rtol=1e-6)
        check(lambda x: sm.logn(10.0, x), x, radius=0.05, rtol=1e-6)
        check(sm.power, x, p, radius=0.05, rtol=1e-6)
        check(lambda x: sm.power(x, 3), x, radius=0.05, rtol=1e-6)
        check(lambda x: sm.power(x, [-1, 2]), x, radius=0.05, rtol=1e-6)


REFUSALS = [
    (lambda x: np.save(io.BytesIO(), x), "writes plain arrays"),
    (lambda x: np.savez(io.BytesIO(), x), "writes plain arrays"),
    (lambda x: np.savetxt(io.StringIO(), x), "writes plain arrays"),
    (lambda x: np.fromstring("1 2", sep=" ", like=x), "leave like= away"),
    (lambda x: np.loadtxt(io.StringIO("1"), like=x), "leave like= away"),
    (lambda x: np.fromiter([1.0], float, like=x), r"np\.stack"),
    (lambda x: np.is_busday(x), "dates have no derivative"),
    (lambda x: np.packbits(x), "bits of integers"),
    (lambda x: np.bitwise_and(x, x), "bit"),
    (lambda x: recfunctions.drop_fields(x, "a"), "record of named fields"),
]


@pytest.mark.parametrize("case", range(len(REFUSALS)))
def test_refusals_say_why_and_the_way_out(case, x):
    call, reason = REFUSALS[case]
    with pytest.raises(TypeError, match=rf"^dualdiff: numpy.* is not for numbers: .*{reason}"
                       r".*; pass x\.value"):
        call(x)


def test_every_refusal_has_a_reason():
    assert all(isinstance(reason, str) and len(reason) > 10 for reason in REFUSED.values())
