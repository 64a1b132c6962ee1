"""The compiled kernels against their NumPy twins, over random algebras and layouts.

The twin runs in long double on the same coefficients, so that what is measured is the
kernel's own rounding.  That the twins are right is shown by the identities in
csrc/test/ and by mpmath in test_elementwise.py.
"""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numbers_by_hand import algebra, algebras, coefficients, number, rows
from tolerances import REAL, assert_close

from dualdiff import _reference
from dualdiff._driver import _UFUNCS, kernel_names
from dualdiff._taylor import apply, choose, make

UNARY = {name: f for name, f in _UFUNCS.items() if f.nin == 1}
BINARY = {name: f for name, f in _UFUNCS.items() if f.nin == 2}
RANGES = {"tan": (0.2, 1.0)}
EXPONENTS = [0.0, 1.0, 2.0, 3.0, 5.0, -1.0, -2.0, 0.5, -0.5, 1.7, 30.0]


def wide(x):
    """(value, terms) of a number, or of a constant, in long double."""
    if hasattr(x, "terms"):
        return np.asarray(x.value, np.longdouble), x.terms.astype(np.longdouble)
    return np.asarray(x, np.longdouble), None


def check(name, alg, got, a, b=None, p=0.0):
    """The terms of a result against the twin's."""
    value = np.asarray(got.value, np.longdouble)
    want = _reference.run(name, alg, value, wide(a), None if b is None else wide(b), p)
    for d in range(1, alg.D + 1):
        at = slice(alg.heads[d] - 1, alg.heads[d + 1] - 1)
        scale = max(1.0, np.max(np.abs(want[at]), initial=0.0)) if want.size else 1.0
        assert_close(got.terms[at], want[at].astype(got.dtype), order=d + 1, scale=scale,
                     label=f"{name} degree {d} of {alg!r}")


def test_every_kernel_has_a_twin_and_a_test():
    assert set(kernel_names) == set(_reference.KERNELS)
    assert set(kernel_names) == {*UNARY, *BINARY, "power", "chain", "pick", "choose"}


shapes = st.sampled_from([(), (1,), (5,), (2, 3), (0,), (3, 40)])


@pytest.mark.parametrize("name", UNARY)
@given(alg=algebras(), shape=shapes, dtype=st.sampled_from(REAL), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_unary(name, alg, shape, dtype, seed):
    low, high = RANGES.get(name, (0.5, 1.5))
    a = number(alg, shape, dtype, low=low, high=high, seed=seed)
    before = rows(a)
    got = apply(name, a)
    assert got.dtype == dtype and got.shape == shape
    np.testing.assert_array_equal(got.value, UNARY[name](a.value))
    np.testing.assert_array_equal(rows(a), before)
    check(name, alg, got, a)


@pytest.mark.parametrize("name", BINARY)
@given(alg=algebras(), dtype=st.sampled_from(REAL), seed=st.integers(0, 99),
       where=st.sampled_from(["ab", "a", "b"]),
       pair=st.sampled_from([((), ()), ((4,), (4,)), ((3, 1), (2,)), ((), (2, 2)), ((2, 0), (1,)),
                             ((1,), (3, 50)), ((5, 1, 2), (4, 1))]))
@settings(max_examples=25, deadline=None)
def test_binary(name, alg, dtype, seed, where, pair):
    a = number(alg, pair[0], dtype, seed=seed)
    b = number(alg, pair[1], dtype, seed=seed + 1)
    if where == "a":
        b = np.asarray(b.value)
    if where == "b":
        a = np.asarray(a.value)
    got = BINARY[name](a, b)
    value = BINARY[name](getattr(a, "value", a), getattr(b, "value", b))
    assert got.dtype == value.dtype == dtype and got.shape == value.shape
    np.testing.assert_array_equal(got.value, value)
    check(name, alg, got, a, b)


@pytest.mark.parametrize("p", EXPONENTS)
@given(alg=algebras(), shape=shapes, dtype=st.sampled_from(REAL), seed=st.integers(0, 99))
@settings(max_examples=10, deadline=None)
def test_power(p, alg, shape, dtype, seed):
    a = number(alg, shape, dtype, seed=seed)
    got = a**p
    if not np.array_equal(got.value, a.value**p):  # NumPy has two loops: for scalars and arrays
        np.testing.assert_array_equal(got.value, np.asarray(a.value) ** p)
    value = np.asarray(got.value, np.longdouble)
    want = _reference.run("power", alg, value, wide(a), None, p)
    scale = max(1.0, np.max(np.abs(want), initial=0.0)) * max(1.0, abs(p))
    assert_close(got.terms, want.astype(dtype), order=alg.D + 1, scale=scale, label=f"power {p}")


@given(alg=algebras(), shape=shapes, dtype=st.sampled_from(REAL), constant=st.booleans())
@settings(max_examples=30, deadline=None)
def test_chain(alg, shape, dtype, constant):
    a = number(alg, shape, dtype)
    b = number(alg, shape, dtype, seed=1)
    if constant:
        b = np.asarray(b.value)
    value = np.cos(np.asarray(a.value))
    got = apply("chain", a, b, value=value)
    np.testing.assert_array_equal(got.value, value)
    check("chain", alg, got, a, b)


@pytest.mark.parametrize("name", ["pick", "choose"])
@given(alg=algebras(), dtype=st.sampled_from(REAL), seed=st.integers(0, 99),
       constant=st.booleans(), pair=st.sampled_from([((), ()), ((7,), (7,)), ((3, 1), (2,)),
                                                     ((), (2, 2)), ((1,), (3, 50))]))
@settings(max_examples=25, deadline=None)
def test_pieces(name, alg, dtype, seed, constant, pair):
    a = number(alg, pair[0], dtype, seed=seed)
    b = number(alg, pair[1], dtype, seed=seed + 1)
    a, b = (make(alg, np.round(np.asarray(x.value)), x.terms) for x in (a, b))  # with ties
    if constant:
        b = np.asarray(b.value)
    value = np.asarray(np.maximum(a.value, getattr(b, "value", b)))
    mask = value > 1
    got = choose(mask, a, b) if name == "choose" else apply(name, a, b, value=value)
    assert got.dtype == dtype and got.shape == value.shape
    check(name, alg, got, a, b, mask)
    if name == "choose":
        np.testing.assert_array_equal(
            got.value, np.where(mask, a.value, getattr(b, "value", b)))


LAYOUTS = {
    "fortran": lambda a: np.asfortranarray(a),
    "reversed": lambda a: a[..., ::-1].copy()[..., ::-1],
    "strided": lambda a: np.repeat(a, 2, -1)[..., ::2],
    "stride 0": lambda a: np.broadcast_to(a[..., :1], a.shape),
    "read-only": lambda a: np.lib.stride_tricks.as_strided(a, writeable=False),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", ["mul", "sin", "power"])
def test_layouts_give_the_same_bits(layout, dtype, name):
    alg = algebra((2, 2), (1, 1))
    value, terms = coefficients(alg, (7, 300), dtype)
    value = LAYOUTS[layout](value)
    terms = np.stack([LAYOUTS[layout](t) for t in terms]) if layout != "reversed" else (
        LAYOUTS[layout](terms))
    a, flat = make(alg, value, terms), make(alg, value.copy(order="C"), terms.copy(order="C"))
    if name == "mul":
        got, want = a * a, flat * flat
    elif name == "power":
        got, want = a**1.5, flat**1.5
    else:
        got, want = np.sin(a), np.sin(flat)
    np.testing.assert_array_equal(rows(got), rows(want))


SPECIAL = np.array([0.0, -0.0, 1.0, -2.0, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("factors", [[(2, 1)], [(1, 3)], [(2, 2)], [(1, 1), (1, 1)]])
@pytest.mark.parametrize("name", [*UNARY, *BINARY, "chain", "power", "pick", "choose"])
def test_special_values_as_the_twin(name, factors):
    """Strong zero and every other meeting of 0, infinity and NaN: the twin's answer exactly."""
    alg = algebra(*factors)
    rng = np.random.default_rng(3)
    for dtype in REAL:
        value, bvalue = (rng.choice(SPECIAL, 200).astype(dtype) for _ in "ab")
        terms, bterms = (rng.choice(SPECIAL[:5], (alg.M - 1, 200)).astype(dtype) for _ in "ab")
        a, b = make(alg, value, terms), make(alg, bvalue, bterms)
        for p in EXPONENTS if name == "power" else [0.0]:
            with np.errstate(all="ignore"):
                if name == "chain":
                    got = apply(name, a, b, value=np.ones_like(value))
                elif name == "choose":
                    p = rng.random(200) > 0.5
                    got = choose(p, a, b)
                elif name == "pick":
                    got = apply(name, a, b, value=np.fmax(value, bvalue))
                elif name == "power":
                    got = a**p
                else:
                    got = apply(name, a, b if name in BINARY else None)
            want = _reference.run(name, alg, np.asarray(got.value), (value, terms),
                                  None if name in UNARY or name == "power" else (bvalue, bterms), p)
            np.testing.assert_array_equal(got.terms, want, err_msg=f"{name} {p} {dtype}")


@pytest.mark.parametrize("shape", [(), (3,)])
def test_one_element_and_many_agree(shape):
    """The path of one number without dimensions gives the bits of the array path."""
    alg = algebra((3, 3))
    value, terms = coefficients(alg, (3,))
    many = make(alg, value, terms)
    for i in range(3):
        one = make(alg, np.asarray(value[i]), terms[:, i])
        for name in UNARY:
            np.testing.assert_array_equal(rows(apply(name, one)), rows(apply(name, many))[:, i])
        np.testing.assert_array_equal(rows(one * one), rows(many * many)[:, i])
        np.testing.assert_array_equal(rows(2.0 / one), rows(2.0 / many)[:, i])
