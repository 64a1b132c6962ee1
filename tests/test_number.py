"""The number as an operand, a container and a Python object."""

import copy
import gc
import math
import operator
import pickle
import sys

import numpy as np
import pytest
from numbers_by_hand import SHAPES_OF_ALGEBRAS, algebra, number, rows
from tolerances import assert_close

from dualdiff import _reference
from dualdiff._algebra import unite
from dualdiff._taylor import Taylor, make

DTYPES = (np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128)
OPERATORS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul,
             "div": operator.truediv}
SCALARS = [2, 1.5, True, 1.5 + 0.5j, np.bool_(True), np.int8(2), np.int64(3), np.uint16(3),
           np.float16(1.5), np.float32(1.5), np.float64(1.5), np.longdouble(1.5),
           np.complex64(1.5 + 1j), np.complex128(1.5 - 1j)]
ARRAYS = [np.array(s) for s in SCALARS[4:]] + [
    np.array([1, 2, 3], t) for t in "?bhilBHILefdgFD"] + [
    np.array([[1.5], [2.5]]), np.zeros((0, 3)), np.array([1.0, 2.0, 3.0], ">f8"),
    [1.0, 2.0, 3.0], (1, 2, 3)]


def wide(x):
    """(value, terms) in the widest dtype of the same kind."""
    value, terms = (x.value, x.terms) if type(x) is Taylor else (x, None)
    kind = np.clongdouble if np.asarray(value).dtype.kind == "c" else np.longdouble
    return np.asarray(value).astype(kind), None if terms is None else terms.astype(kind)


UFUNCS = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide}


def check(name, x, a, b):
    """x = a op b: NumPy's value and dtype, the twin's terms."""
    va, vb = (n.value if type(n) is Taylor else n for n in (a, b))
    want = np.asarray(OPERATORS[name](va, vb))
    assert type(x) is Taylor
    assert x.dtype == want.dtype and x.shape == want.shape, f"{x.dtype}, wanted {want.dtype}"
    if not np.array_equal(x.value, want):  # NumPy has two loops: for scalars, and for arrays
        np.testing.assert_array_equal(x.value, UFUNCS[name](va, vb))
    alg = x.algebra
    (wa, ta), (wb, tb) = wide(a), wide(b)
    value = want.astype(np.result_type(wa, wb))
    terms = _reference.run(name, alg, value, (wa, ta), (wb, tb), 0.0)
    scale = max(2.0, np.abs(terms).max(initial=0.0))
    assert_close(x.terms, terms.astype(x.dtype), order=alg.D + 1, scale=scale, label=name)


@pytest.mark.parametrize("other", SCALARS, ids=lambda s: f"{type(s).__name__}")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", OPERATORS)
def test_scalars_on_both_sides(name, dtype, other):
    """dtype as NumPy promotes it: Python numbers are weak, NumPy's scalars are not."""
    alg = algebra((2, 2))
    for shape in ((), (3,)):
        x = number(alg, shape, dtype)
        check(name, OPERATORS[name](x, other), x, other)
        check(name, OPERATORS[name](other, x), other, x)


@pytest.mark.parametrize("other", ARRAYS, ids=lambda a: f"{np.asarray(a).dtype}")
@pytest.mark.parametrize("dtype", (np.float32, np.float64, np.complex128))
@pytest.mark.parametrize("name", OPERATORS)
def test_arrays_on_both_sides(name, dtype, other):
    alg = algebra((2, 2))
    for shape in ((), (3,), (2, 1)):
        x = number(alg, shape, dtype)
        if 0 in np.shape(other) and shape == (2, 1):
            continue
        check(name, OPERATORS[name](x, other), x, np.asarray(other))
        check(name, OPERATORS[name](other, x), np.asarray(other), x)


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
def test_numbers_of_two_dtypes(left, right):
    alg = algebra((2, 2))
    for shapes in (((), ()), ((3,), (3,)), ((), (3,)), ((2, 1), (3,))):
        a, b = number(alg, shapes[0], left), number(alg, shapes[1], right, seed=1)
        for name in OPERATORS:
            check(name, OPERATORS[name](a, b), a, b)


@pytest.mark.parametrize("left", SHAPES_OF_ALGEBRAS[:8:2])
@pytest.mark.parametrize("right", SHAPES_OF_ALGEBRAS[1:8:2])
def test_numbers_of_two_algebras(left, right):
    """Embedded by hand in the union, they give the same."""
    for shape in ((), (4,)):
        a, b = number(algebra(*left), shape), number(algebra(*right), shape, seed=1)
        u, at_a, at_b = unite(a.algebra, b.algebra)
        wide_a, wide_b = np.zeros((u.M, *shape)), np.zeros((u.M, *shape))
        wide_a[at_a], wide_b[at_b] = rows(a), rows(b)
        for name, op in OPERATORS.items():
            got = op(a, b)
            assert got.algebra is u
            want = op(make(u, wide_a[0], wide_a[1:]), make(u, wide_b[0], wide_b[1:]))
            np.testing.assert_array_equal(rows(got), rows(want), err_msg=name)


@pytest.mark.parametrize("p", [0, 1, 2, 3, -1, 0.5, 2.5, np.int64(2), np.float32(1.5),
                               np.array([1.0, 2.0, 0.5]), np.array([0, 1, 2])])
@pytest.mark.parametrize("dtype", (np.float32, np.float64, np.longdouble))
def test_power_keeps_numpys_value_and_dtype(p, dtype):
    x = number(algebra((1, 3)), (3,), dtype)
    want = x.value**p
    got = x**p
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.value, want)
    # E (x^p) = p x^(p-1) E x, in the dtype of the result
    slope = np.asarray(p) * x.value ** (np.asarray(p, want.dtype) - 1) * x.terms[0]
    assert_close(got.terms[0], slope.astype(want.dtype), order=2)
    if np.any(np.asarray(p) < 0):
        return  # negative ** x is NaN
    q = p**x
    assert q.dtype == (p**x.value).dtype
    np.testing.assert_array_equal(q.value, p**x.value)


def test_signs():
    x = number(algebra((2, 2)), (3,), low=-1.0, high=1.0)
    np.testing.assert_array_equal(rows(-x), -rows(x))
    np.testing.assert_array_equal(rows(+x), rows(x))
    np.testing.assert_array_equal(rows(abs(x)), rows(x) * np.sign(x.value))
    assert +x is not x


def test_moduli_of_complex_scalars_are_those_of_numpys_scalars():
    """Which may differ in the last bit from those of NumPy's arrays."""
    rng = np.random.default_rng(0)
    alg = algebra((1, 2))
    for dtype in (np.complex64, np.complex128, np.clongdouble):
        for z in (rng.normal(size=200) + 1j * rng.normal(size=200)).astype(dtype):
            x = make(alg, z, np.ones(2, dtype))
            assert abs(x).value == abs(z) and abs(x).dtype == abs(z).dtype
            np.testing.assert_array_equal(abs(x).terms, np.absolute(x).terms)


@pytest.mark.parametrize("op", [operator.lt, operator.le, operator.gt, operator.ge,
                                operator.eq, operator.ne])
def test_comparisons_look_at_the_value_only(op):
    alg = algebra((2, 1))
    x, y = number(alg, (3,)), number(algebra((1, 1)), (3,), seed=1)
    for a, b in ((x, y), (x, 1.0), (1.0, x), (x, y.value), (y.value, x), (x, x)):
        got = op(a, b)
        assert type(got) is np.ndarray and got.dtype == bool
        np.testing.assert_array_equal(got, op(*(getattr(n, "value", n) for n in (a, b))))
    s = x[0]
    assert isinstance(op(s, 1.0), (bool, np.bool_)) and op(s, 1.0) == op(s.value, 1.0)


def test_truth():
    alg = algebra((1, 1))
    assert make(alg, np.asarray(0.5), np.zeros((1,)))
    assert not make(alg, np.asarray(0.0), np.ones((1,)))
    with pytest.raises(ValueError, match="truth value of an array"):
        bool(number(alg, (2,)))


REFUSED = {
    "float": (float, r"float\(x\) would lose the derivative.*np\.sin, not math\.sin.*x\.value"),
    "math.sin": (math.sin, r"float\(x\) would lose the derivative"),
    "int": (int, r"int\(x\) would lose the derivative.*x\.value"),
    "complex": (complex, r"complex\(x\) would lose the derivative.*x \+ 0j"),
    "index": (operator.index, "would lose the derivative"),
    "range": (lambda x: range(x), "would lose the derivative"),
    "hash": (hash, r"numbers are not hashable.*x\.value"),
    "set": (lambda x: {x}, "not hashable"),
    "pickle": (pickle.dumps, r"cannot be pickled.*x\.value"),
    "construct": (lambda x: Taylor(1.0), r"made by grad, jvp"),
    "asarray": (lambda x: np.asarray(x, dtype=float), ""),
    "np.array": (lambda x: np.array([x, 1.0], dtype=float), ""),
    "np.float64": (np.float64, ""),
    "astype(int)": (lambda x: x.astype(int), r"astype\(int64\) would lose the derivative"),
    "array store": (lambda x: np.zeros(3).__setitem__(0, x), ""),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("dtype", (np.float32, np.float64))
def test_refused(name, dtype):
    """What would drop a derivative raises and says the way out."""
    call, words = REFUSED[name]
    x = number(algebra((2, 1)), (), dtype)
    # NumPy turns our TypeError into its own ValueError where a sequence was expected.
    kinds = TypeError if words else (TypeError, ValueError)
    with pytest.raises(kinds, match=f"(?s)^dualdiff: .*{words}" if words else "."):
        call(x)


def test_a_number_with_dimensions_is_refused_too():
    x = number(algebra((2, 1)), (3,))
    for call in (float, int, complex, hash, pickle.dumps):
        with pytest.raises(TypeError, match="dualdiff: "):
            call(x)
    with pytest.raises((TypeError, ValueError)):
        np.asarray(x, dtype=float)


def test_unknown_operands():
    x = number(algebra((2, 1)), (3,))
    for other in ("a", None, {}, object()):
        for op in OPERATORS.values():
            with pytest.raises(TypeError):
                op(x, other)
            with pytest.raises(TypeError):
                op(other, x)

    class Knows:
        __array_ufunc__ = None

        def __radd__(self, other):
            return "mine"

    assert x + Knows() == "mine" and x[0] + Knows() == "mine"
    with pytest.raises(ValueError, match="could not be broadcast|shape mismatch"):
        x + np.ones(4)
    with pytest.raises(AttributeError, match="a dualdiff number has no attribute 'nothing'"):
        getattr(x, "nothing")  # noqa: B009
    with pytest.raises(AttributeError, match=r"use x\.reshape\(shape\)"):
        x.shape = (3, 1)


def test_attributes():
    for dtype in DTYPES:
        for shape in ((), (3,), (2, 0), (2, 3)):
            x = number(algebra((2, 2)), shape, dtype)
            assert (x.shape, x.dtype, x.ndim, x.size) == (
                shape, dtype, len(shape), math.prod(shape))
            assert x.terms.shape == (x.algebra.M - 1, *shape) and x.terms.dtype == dtype
            np.testing.assert_array_equal(rows(x.T), np.stack([r.T for r in rows(x)]))
    assert {"value", "terms", "shape", "sum", "reshape"} <= set(dir(x))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: x.copy()])
def test_copies_are_apart(copied):
    for shape in ((), (3,)):
        for dtype in (np.float32, np.float64):
            x = number(algebra((2, 2)), shape, dtype)
            old, y = rows(x), copied(x)
            assert y is not x and y.algebra is x.algebra and y.dtype == dtype
            np.testing.assert_array_equal(rows(y), old)
            y[...] = 0.0
            np.testing.assert_array_equal(rows(x), old)
    nested = copy.deepcopy({"a": [x]})
    np.testing.assert_array_equal(rows(nested["a"][0]), old)


def test_print():
    alg = algebra((2, 2))
    x = make(alg, np.asarray(1.5), np.array([1.0, 0.0, -0.5, 2.0, 0.0]))
    assert str(x) == "1.5 + 1.0*e0 - 0.5*e0**2 + 2.0*e0*e1"
    assert repr(x) == f"Taylor({x}; 2 seeds to order 2)"
    assert f"{x:.3f}" == "1.500" and f"{x}" == str(x)
    y = number(unite(alg, algebra((1, 1)))[0], (2,), np.float32)
    assert repr(y).startswith("Taylor([") and "dtype=float32" in repr(y)
    assert "2 seeds to order 2, 1 seed to order 1" in repr(y)
    big = number(algebra((100, 2)))
    assert len(str(big)) < 100 and str(big).startswith(str(big.value))


# ---- object arrays ------------------------------------------------------------------------

def test_asarray_gives_an_object_array_that_goes_on_working():
    alg = algebra((2, 2))
    x = number(alg, (3,))
    a = np.asarray(x)
    assert a.dtype == object and a.shape == (3,) and all(type(e) is Taylor for e in a)
    assert np.array([x[0] ** 2, x[1], 1.0]).dtype == object
    np.testing.assert_array_equal(rows(x * a), rows(x * x))
    np.testing.assert_array_equal(rows(a * x), rows(x * x))
    np.testing.assert_array_equal(rows(x + [x[0], 2.0, x[2]]),
                                  rows(x + np.array([x[0], 2.0, x[2]])))
    b = a * a + 1.0  # NumPy's own loop over objects
    assert b.dtype == object
    np.testing.assert_array_equal(rows(b[1]), rows(x * x + 1.0)[:, 1])
    assert_close(rows(np.sum(a)), rows(x).sum(1))
    z = np.zeros(3, object)
    z[0] = x[0]
    np.testing.assert_array_equal(rows(x * z), np.stack([rows(x * x)[:, 0], *np.zeros((2, 6))], 1))


def test_object_arrays_of_mixed_dtypes_seeds_and_shapes():
    x, y = number(algebra((2, 1)), (2,)), number(algebra((1, 1)), (2,), np.float32)
    one = x * np.array([x[0], y[0]], object)
    assert one.shape == (2,) and len(one.algebra.factors) == 2 and one.dtype == np.float64
    nested = x * np.array([[x[0], 1.0], [y[0], 2]], object)
    assert nested.shape == (2, 2)
    ragged = np.empty(2, object)
    ragged[0], ragged[1] = x, x[0]
    with pytest.raises(TypeError, match="dualdiff: an object array holds numbers of different"):
        x * ragged
    plain = np.array([1.0, 2.0], object)
    assert (x * plain).dtype == np.float64


# ---- memory ---------------------------------------------------------------------------

def work(x, y):
    """A bit of everything."""
    z = x * y + 2.0 / x - np.exp(y) ** 2
    z[1:] = x[0] * z[:-1]
    z += y
    s = z[0] * z[1]
    try:
        float(s)
    except TypeError:
        pass
    return np.sum(np.tanh(z)) + s


def test_no_leak():
    """Nothing is left of thousands of operations: no object, no block of memory."""
    a, b = algebra((2, 2)), algebra((60, 1))
    x, y = number(a, (20,)), number(b, (20,), seed=1)
    import tracemalloc

    for _ in range(3):
        work(x, y)
    gc.collect()
    counts = [sys.getrefcount(o) for o in (x, y, a, b, a.factors[0])]
    tracemalloc.start()
    work(x, y)
    before = tracemalloc.take_snapshot()
    for _ in range(300):
        work(x, y)
    gc.collect()
    after = tracemalloc.take_snapshot()
    tracemalloc.stop()
    grown = sum(d.size_diff for d in after.compare_to(before, "filename")
                if "tracemalloc" not in d.traceback[0].filename)
    assert grown < 20_000, f"{grown} bytes after 300 rounds"
    assert [sys.getrefcount(o) for o in (x, y, a, b, a.factors[0])] == counts


def test_no_leak_of_memory_that_python_does_not_see():
    """100 000 operations on numbers without dimensions whose coefficients are malloc'd."""
    resource = pytest.importorskip("resource")
    x = number(algebra((40, 2)))  # 861 coefficients

    def run(n):
        for _ in range(n):
            y = x * 1.5
            y = y + 1.0
            y = -y

    run(2_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(33_000)  # a leak of one in a hundred would be 6.9 MB
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 4_000, f"{grown} kB after 100 000 operations"


def test_no_algebra_outlives_its_numbers():
    gc.collect()
    from dualdiff._algebra import _interned

    before = len(_interned)
    for _ in range(50):
        x, y = number(algebra((2, 1)), (3,)), number(algebra((1, 2)), (3,))
        work(x, y)
    del x, y
    gc.collect()
    assert len(_interned) <= before + 4


def test_inputs_are_unchanged():
    alg = algebra((2, 2))
    x, y, a = number(alg, (3,)), number(algebra((1, 1)), (3,)), np.array([1.0, 2.0, 3.0])
    olds = [rows(x), rows(y), a.copy()]
    for op in OPERATORS.values():
        op(x, y), op(x, a), op(a, x), op(x, x)
    for f in (np.exp, np.sin, np.tanh, np.sqrt):
        f(x)
    x**2.5, x**y, 2.0**x, x @ y, np.sum(x), x[::-1].T, abs(x)
    for n, old in zip([rows(x), rows(y), a], olds, strict=True):
        np.testing.assert_array_equal(n, old)
