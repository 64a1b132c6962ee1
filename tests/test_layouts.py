"""Every row at every layout, shape and dtype: one generic test over all sample calls.

The judge of layouts is the same call with fresh arrays in C order, of shapes and dtypes
NumPy on plain arrays and differences in extended precision (`array_calls.check`).
"""

import arrays
import numpy as np
import pytest
from array_calls import N, check, mapped, results
from samples import CONSTANTS, EXACT, FREE_PHASE, SAMPLES, find, works_in_double

from dualdiff import grad, set_lanes
from dualdiff._algebra import new_algebra
from dualdiff._taylor import Taylor, make

# A number can have the layouts of views, and be read-only or of stride 0.
LAYOUTS = {
    **arrays.LAYOUTS,
    "stride 0": (lambda a: a[:1].copy() if a.ndim else a, None),
    "read-only": (lambda a: a, None),
}
MAKES = {"array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "require", "full"}


def number(alg, rng, value):
    terms = rng.uniform(-0.5, 0.5, (alg.M - 1, *value.shape)).astype(value.dtype)
    if value.dtype.kind == "c":
        terms = terms + 1j * terms[::-1]
    return make(alg, value.copy(), terms)


def laid_out(x, name):
    """The number x, or one of its elements where it has a stride of 0, in a layout."""
    store, view = LAYOUTS[name]
    base = make(x.algebra, store(x.value), np.stack([store(t) for t in x.terms]))
    if name == "read-only":
        base.setflags(write=False)
        return base
    return np.broadcast_to(base, x.shape) if view is None else view(base)


def fresh(x):
    """The same number in new arrays, in C order."""
    return make(x.algebra, np.array(x.value, order="C"), np.array(x.terms, order="C"))


def assert_same(got, want, scale=1e-12):
    got, want = results(got), results(want)
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        assert type(g) is type(w)
        if type(g) is not Taylor:
            np.testing.assert_allclose(g, w, rtol=scale, atol=scale)
            continue
        assert g.shape == w.shape and g.dtype == w.dtype
        for a, b in ((g.value, w.value), (g.terms, w.terms)):
            size = np.abs(b[np.isfinite(b)]).max(initial=1.0)
            np.testing.assert_allclose(a, b, rtol=scale, atol=scale * size)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", [n for n in SAMPLES if n != "empty_like"])
def test_layouts(name, layout):
    func, args, kwargs = SAMPLES[name]
    alg, rng = new_algebra(2, 2), np.random.default_rng(1)
    laid, copied = {}, {}

    def draw(n):
        if id(n) not in laid:
            # stride 0 makes rows equal: not where the sample's own values matter
            chosen = "plain" if layout == "stride 0" and n.values is not None else layout
            laid[id(n)] = laid_out(number(alg, rng, n.draw(rng, "d")), chosen)
            copied[id(n)] = fresh(laid[id(n)])
        return laid[id(n)]

    laid_args, laid_kwargs = mapped(args, draw), mapped(kwargs, draw)
    same_args = mapped(args, lambda n: copied[id(n)])
    same_kwargs = mapped(kwargs, lambda n: copied[id(n)])
    with np.errstate(all="ignore"):  # equal rows: corrcoef divides by zero
        try:
            want = func(*same_args, **same_kwargs)
        except np.linalg.LinAlgError:
            pytest.skip("equal rows make this singular")
        assert_same(func(*laid_args, **laid_kwargs), want)
    for i, x in laid.items():
        np.testing.assert_array_equal(x.value, copied[i].value)
        np.testing.assert_array_equal(x.terms, copied[i].terms)


# ---- shapes --------------------------------------------------------------------------------


def reshaped(what):
    """A change of the shape of every number in a sample."""

    def change(n):
        value = np.array(n.values, float) if n.values is not None else None
        shape = n.shape if value is None else value.shape
        new = what(shape)
        if new is None:
            return n
        if value is not None:
            value = np.resize(value, new)
            return N(values=value, only=n.only)
        return N(*new, lo=n.lo, hi=n.hi, only=n.only)

    return change


SHAPES = {
    "empty": lambda shape: (0, *shape[1:]) if shape else None,
    "0-d": lambda shape: (),
    "one element": lambda shape: (1,) * len(shape),
    "stacked": lambda shape: (2, *shape) if shape else None,
}
ERRORS = (ValueError, TypeError, IndexError, ZeroDivisionError, np.linalg.LinAlgError)


def numbers(args, kwargs):
    alg, rng, made = new_algebra(2, 2), np.random.default_rng(3), {}

    def draw(n):
        if id(n) not in made:
            made[id(n)] = number(alg, rng, n.draw(rng, "d"))
        return made[id(n)]

    return mapped(args, draw), mapped(kwargs, draw)


def values(x):
    """A call with the values of its numbers."""
    if type(x) is Taylor:
        return np.array(x.value)
    if type(x) in (list, tuple):
        return type(x)([values(e) for e in x])
    return {k: values(v) for k, v in x.items()} if isinstance(x, dict) else x


def tried(func, args, kwargs):
    """(results, None) or (None, error)."""
    with np.errstate(all="ignore"):
        try:
            return results(func(*args, **kwargs)), None
        except ERRORS as e:
            return None, e


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SAMPLES | CONSTANTS)
def test_shapes(name, shape):
    """The values, shapes, dtypes and errors are NumPy's at every shape it is given."""
    func, args, kwargs = (SAMPLES | CONSTANTS)[name]
    change = reshaped(SHAPES[shape])
    made = {}

    def draw(n):
        return made.setdefault(id(n), change(n))

    args, kwargs = numbers(mapped(args, draw), mapped(kwargs, draw))
    got, error = tried(func, args, kwargs)
    without = {k: v for k, v in kwargs.items() if k != "like"}
    want, theirs = tried(func, values(args), values(without))
    if theirs is not None:
        assert error is not None, f"NumPy raises {theirs!r}"
        assert isinstance(error, type(theirs)) or isinstance(theirs, type(error)), error
        return
    assert error is None, repr(error)
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        if type(g) is Taylor:
            assert g.terms.shape == (g.algebra.M - 1, *g.shape)
            assert g.terms.dtype == g.dtype == np.asarray(w).dtype
            g = g.value
        if name not in ("empty_like", "einsum_path"):
            np.testing.assert_array_equal(g, w)


# ---- dtypes --------------------------------------------------------------------------------

REAL_ONLY = {  # NumPy's order, angles or counts of real numbers
    *("max", "min", "amax", "amin", "ptp", "median", "nanmax", "nanmin", "nanmedian", "quantile",
      "nanquantile", "percentile", "nanpercentile", "clip", "sort", "partition", "unique",
      "unique_all", "unique_counts", "unique_inverse", "unique_values", "union1d", "setxor1d",
      "setdiff1d", "intersect1d", "histogram_bin_edges", "unwrap", "interp", "sinc", "i0",
      "logspace", "angle", "linalg.cholesky", "linalg.eigvalsh", "bincount", "fft.rfft",
      "fft.ihfft", "fft.rfft2", "fft.rfftn", "astype", "linalg.matrix_norm", "histogram",
      "histogram2d", "histogramdd"),
}


NO_LONG_DOUBLE = {"interp", "bincount", "histogram", "histogramdd", "histogram2d", "roots",
                  "polyfit"}


@pytest.mark.parametrize("dtype", ["f", "g", "D"])
@pytest.mark.parametrize("name", [n for n in SAMPLES if n not in EXACT])
def test_dtypes(name, dtype):
    """Derivatives to order 3 in float32, long double and complex128."""
    if dtype == "D" and (name in REAL_ONLY or name in FREE_PHASE):
        pytest.skip("not for complex numbers, or up to a phase")
    func, args, kwargs = SAMPLES[name]
    if name == "linalg.eig" or dtype == "D" and name == "linalg.eigvals":
        pytest.skip("the phase and order that rounding chooses differ; see test_linalg_eigen")
    if dtype == "g" and (name in NO_LONG_DOUBLE or (
            name.startswith("linalg.") and works_in_double(name))):
        pytest.skip("NumPy's own code knows no long double")
    double = works_in_double(name) or (dtype == "g" and name.startswith("lib.scimath."))
    if name in MAKES:
        def func(x, *args, **kwargs):
            like = x if type(x) is Taylor else None
            return SAMPLES[name][0](x, *args, like=like)
    if name == "full":
        pytest.skip("see test_creation")
    if name not in ("empty_like",):
        check(func, args, kwargs, dtype, double=double)


@pytest.mark.parametrize("axis", [0, -1, None, ()])
@pytest.mark.parametrize("name", [
    "sum", "mean", "prod", "max", "min", "amax", "amin", "median", "nansum", "nanmean", "nanprod",
    "nanmax", "nanmin", "nanmedian", "cumsum", "cumprod", "nancumsum", "nancumprod", "average",
    "ptp", "var", "std", "nanvar", "nanstd", "sort", "flip", "squeeze", "cumulative_sum",
    "cumulative_prod", "linalg.norm", "linalg.vector_norm", "add.reduce", "maximum.reduce",
    "multiply.reduce", "logaddexp.reduce", "add.accumulate", "trapezoid", "diff", "take"])
def test_axes_of_what_has_no_dimensions(name, axis):
    """NumPy's reductions take axis 0 and -1 of it, other functions refuse them."""
    func = find(name)
    if func is None:
        pytest.skip("not in this NumPy")
    x = number(new_algebra(2, 2), np.random.default_rng(0), np.array(1.5))
    args = ([0],) if name == "take" else ()
    got, error = tried(func, (x, *args), {"axis": axis})
    want, theirs = tried(func, (np.array(1.5), *args), {"axis": axis})
    assert (error is None) == (theirs is None), error or theirs
    if error is not None:
        return
    (y,), (v,) = got, want
    np.testing.assert_array_equal(y.value, v)
    flat = name in ("ptp", "var", "std", "nanvar", "nanstd")
    np.testing.assert_allclose(y.terms.reshape(5, -1)[:, 0], 0 * x.terms if flat else x.terms,
                               rtol=1e-15, atol=0)


COPIES = {
    "copy": lambda a: a.copy(), "copy F": lambda a: a.copy("F"), "copy K": lambda a: a.copy("K"),
    "np.copy": np.copy, "flatten": lambda a: a.flatten(), "ravel": np.ravel,
    "flatten F": lambda a: a.flatten("F"), "astype": lambda a: a.astype(float),
}


@pytest.mark.parametrize("lanes", ["never", "always"])
@pytest.mark.parametrize("name", COPIES)
def test_copies_lie_as_numpys(name, lanes):
    """So that sums of them are added in the same order."""
    plain, seen, before = np.arange(30.0), [], set_lanes(lanes)

    def f(x):
        seen.append(COPIES[name](x.reshape(-1, 3)[::-1].T))
        return np.sum(x)
    try:
        grad(f)(plain)
    finally:
        set_lanes(before)
    assert seen[0].value.strides == COPIES[name](plain.reshape(-1, 3)[::-1].T).strides
