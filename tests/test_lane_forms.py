"""What each function does to numbers with lanes: the same as to dense ones, and what it keeps.

Oracle: the same function with dense seeds; values to the bit, derivatives to rounding.
"""

import math

import numpy as np
import pytest
import samples
from array_calls import mapped, results
from tolerances import assert_close

from dualdiff import grad, jacfwd, set_lanes
from dualdiff._lane_forms import NARROW
from dualdiff._seeding import Call
from dualdiff._taylor import Taylor, dense_form, is_laned

N = 100
RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, N)
W = np.array([0.2, 0.5, 0.3])
M = np.arange(N) % 3 == 0
POINTS = np.linspace(0, 1, 20)
LONG = RNG.normal(size=70)
BAND = np.eye(N) - 2.0 * np.eye(N, k=1) + np.eye(N, k=2)


def rows(x):
    return x.reshape(25, 4)


def square(x):
    return x.reshape(10, 10)


def pairs(x):
    return x.reshape(25, 2, 2)


def triples(x):
    return x[:99].reshape(33, 3)


def written(write):
    """A function that writes to its first argument, as one that returns a written copy."""

    def f(x):
        y = np.copy(x)
        write(y, x)
        return y

    return f


def assigned(at, v):
    return written(lambda y, x: y.__setitem__(at, v(x)))


# Everything here keeps lanes at orders 1 and 2.
KEPT = {
    # sums over an axis
    **{f"{f}": lambda x, f=f: getattr(np, f)(rows(x), 1) for f in (
        "sum", "mean", "nansum", "nanmean", "average", "var", "std", "nanvar", "nanstd", "prod",
        "nanprod", "max", "min", "amax", "amin", "nanmax", "nanmin", "ptp", "cumsum",
        "cumprod", "nancumsum", "nancumprod")},
    **{f"method {f}": lambda x, f=f: getattr(rows(x), f)(1) for f in (
        "sum", "mean", "var", "std", "prod", "max", "min", "cumsum", "cumprod")},
    "sum of columns": lambda x: np.sum(x.reshape(4, 25), axis=0, keepdims=True),
    "sum of two axes": lambda x: np.sum(pairs(x), axis=(1, 2)),
    "sum of no axes": lambda x: np.sum(x, axis=()),
    "sum where": lambda x: np.sum(rows(x), 1, where=rows(M), initial=2.0),
    "sum of points": lambda x: np.sum(np.sin(np.outer(x, LONG)), axis=1),
    "sum of all but one": lambda x: np.sum(x[:, None] * x[None, :3], axis=1),
    "weights": lambda x: np.average(rows(x), 1, weights=[1.0, 2.0, 3.0, 4.0]),
    "add.reduce": lambda x: np.add.reduce(rows(x), 1),
    "add.reduce of columns": lambda x: np.add.reduce(x.reshape(4, 25)),
    "add.accumulate": lambda x: np.add.accumulate(rows(x), 1),
    "add.reduceat": lambda x: np.add.reduceat(x[:12], [0, 3, 3, 9, 7]),
    "multiply.reduce": lambda x: np.multiply.reduce(rows(x), 1),
    "multiply.accumulate": lambda x: np.multiply.accumulate(rows(x), 1),
    "maximum.reduce": lambda x: np.maximum.reduce(rows(x), 1),
    "minimum.reduce": lambda x: np.minimum.reduce(x.reshape(4, 25)),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(rows(x), 1),
    "cumulative_sum": lambda x: np.cumulative_sum(rows(x), axis=0 + 1, include_initial=True),
    "bincount": lambda x: np.bincount(np.arange(N) // 2, weights=x, minlength=60),
    "trace": lambda x: np.trace(pairs(x), axis1=1, axis2=2),
    "linalg.trace": lambda x: np.linalg.trace(pairs(x)),
    # products
    "convolve same": lambda x: np.convolve(x, W, "same"),
    "convolve full": lambda x: np.convolve(W, x),
    "convolve valid": lambda x: np.convolve(x, W, "valid"),
    "convolve of few": lambda x: np.convolve(x[:3], LONG),
    **{f"correlate {mode}": lambda x, mode=mode: np.correlate(x, W, mode) for mode in (
        "same", "full", "valid")},
    **{f"correlate {mode} turned": lambda x, mode=mode: np.correlate(W, x, mode) for mode in (
        "same", "full", "valid")},
    "transposed einsum": lambda x: np.einsum("ij->ji", rows(x)),
    "diagonal by einsum": lambda x: np.einsum("ii->i", square(x)),
    "elementwise einsum": lambda x: np.einsum("i,i->i", x, np.sin(x)),
    "rows by einsum": lambda x: np.einsum("ij,ij->i", rows(x), np.cos(rows(x))),
    "outer einsum": lambda x: np.einsum("i,j->ij", x, W),
    "outer of both": lambda x: np.einsum("i,j->ji", x[:10], x[10:20]),
    "product by einsum": lambda x: np.einsum("ij,jk", rows(x), LONG[:12].reshape(4, 3)),
    "sum by einsum": lambda x: np.einsum("ij->i", rows(x)),
    "einsum of three": lambda x: np.einsum(rows(x), [0, 1], W[:2], [2], LONG[:4], [1], [0, 2]),
    "einsum with dots": lambda x: np.einsum("...ij,j->...i", pairs(x), W[:2]),
    "einsum that stretches": lambda x: np.einsum("ij,ij->ij", x.reshape(1, N), LONG[:3, None]),
    "einsum by a matrix": lambda x: np.einsum(
        "ji,jk->ik", x.reshape(50, 2), np.outer(LONG[:50], W)),
    "tensordot": lambda x: np.tensordot(rows(x), LONG[:12].reshape(4, 3), 1),
    "tensordot of axes": lambda x: np.tensordot(LONG[:4].reshape(2, 2), pairs(x), ((0, 1), (2, 1))),
    "tensordot of none": lambda x: np.tensordot(x, W, 0),
    "outer": lambda x: np.outer(x, W), "outer of numbers": lambda x: np.outer(x[:10], x[10:20]),
    "multiply.outer": lambda x: np.multiply.outer(x, W),
    "kron": lambda x: np.kron(x, W), "kron of a matrix": lambda x: np.kron(np.eye(2), square(x)),
    "vecdot": lambda x: np.vecdot(rows(x), np.sin(rows(x))),
    "inner": lambda x: np.inner(rows(x), LONG[:12].reshape(3, 4)),
    "dot": lambda x: np.dot(rows(x), LONG[:12].reshape(4, 3)),
    "dot of a stack": lambda x: np.dot(LONG[:6].reshape(3, 2), pairs(x)),
    "dot of a scalar": lambda x: np.dot(2.0, x), "method dot": lambda x: rows(x).dot(LONG[:4]),
    "matmul": lambda x: rows(x) @ LONG[:12].reshape(4, 3),
    "matmul from the left": lambda x: LONG[:12].reshape(3, 4) @ x.reshape(4, 25),
    "matmul of stacks": lambda x: pairs(x) @ LONG[:4].reshape(2, 2),
    "matmul of numbers": lambda x: pairs(x) @ np.sin(pairs(x)),
    "banded matrix": lambda x: BAND @ x, "banded matrix from the right": lambda x: x @ BAND.T,
    "banded matrix of columns": lambda x: BAND[:25, :25] @ rows(x),
    "cross": lambda x: np.cross(triples(x), W),
    "cross of numbers": lambda x: np.cross(triples(x), np.exp(triples(x)), axis=1),
    "norm of rows": lambda x: np.linalg.norm(rows(x), axis=1),
    "norm 1": lambda x: np.linalg.norm(rows(x), 1, axis=1, keepdims=True),
    "norm inf": lambda x: np.linalg.norm(rows(x), np.inf, axis=1),
    "norm -inf": lambda x: np.linalg.norm(rows(x), -np.inf, axis=1),
    "Frobenius": lambda x: np.linalg.norm(pairs(x), axis=(1, 2)),
    "vector_norm": lambda x: np.linalg.vector_norm(rows(x), axis=1),
    "vector_norm 1": lambda x: np.linalg.vector_norm(rows(x), axis=1, ord=1, keepdims=True),
    "matrix_norm": lambda x: np.linalg.matrix_norm(pairs(x)),
    # calculus
    "diff": np.diff, "diff twice": lambda x: np.diff(x, 2, prepend=0.0),
    "ediff1d": lambda x: np.ediff1d(x, to_end=1.0, to_begin=x[:2]),
    "gradient": np.gradient, "gradient 2": lambda x: np.gradient(x, 0.1, edge_order=2),
    "gradient at points": lambda x: np.gradient(x, np.cumsum(np.arange(1.0, N + 1))),
    "gradient of a matrix": lambda x: np.gradient(square(x))[1],
    "interp": lambda x: np.interp(x, POINTS, np.sin(POINTS)),
    "interp in fp": lambda x: np.interp(np.linspace(0, 1, 300), np.linspace(0, 1, N), x),
    "trapezoid": lambda x: np.trapezoid(rows(x), axis=1), "unwrap": np.unwrap,
    "pad": lambda x: np.pad(x, 2, mode="wrap"),
    "pad with numbers": lambda x: np.pad(x, 2, mode="reflect", reflect_type="odd"),
    "polyval": lambda x: np.polyval([1.0, 2.0, 3.0], x), "vander": lambda x: np.vander(x, 3),
    "i0": np.i0, "sinc": np.sinc, "linspace": lambda x: np.linspace(x, x * x, 4),
    # choosing
    "clip": lambda x: np.clip(x, -0.3, 0.4), "method clip": lambda x: x.clip(-0.3, 0.4),
    "clip at numbers": lambda x: np.clip(x, x[::-1] - 0.5, None),
    "maximum": lambda x: np.maximum(x, x[::-1]), "minimum": lambda x: np.minimum(0.1, x),
    "fmax": lambda x: np.fmax(x, 0.0), "sort": np.sort, "sort rows": lambda x: np.sort(rows(x), 0),
    "sort all": lambda x: np.sort(rows(x), None), "sort_complex": lambda x: np.sort_complex(x).real,
    "partition": lambda x: np.partition(x, 5), "unique": np.unique,
    "median": np.median, "median of rows": lambda x: np.median(rows(x), axis=1, keepdims=True),
    "median of columns": lambda x: np.median(x.reshape(20, 5), axis=0),
    "nanmedian": lambda x: np.nanmedian(np.where(x > -0.5, x, np.nan)),
    "quantile": lambda x: np.quantile(rows(x), 0.3, axis=(0, 1)),
    "quantiles of rows": lambda x: np.quantile(rows(x), [0.1, 0.5, 1.0], axis=1),
    "percentile": lambda x: np.percentile(x, 40, method="lower"),
    "maximum.accumulate": np.maximum.accumulate,
    "minimum.accumulate of columns": lambda x: np.minimum.accumulate(rows(x), axis=0),
    "histogram": lambda x: np.histogram(LONG[:50], 30, weights=x[:50])[0],
    "histogram2d": lambda x: np.histogram2d(LONG[:50], LONG[20:], 8, weights=x[:50])[0],
    "method sort": written(lambda y, x: y.sort()),
    "method partition": written(lambda y, x: y.partition(4)),
    "where": lambda x: np.where(M, x, 0.0), "where of numbers": lambda x: np.where(x > 0, x, x * x),
    "select": lambda x: np.select([M, ~M], [x, x * 2], 0.0),
    "piecewise": lambda x: np.piecewise(x, [M], [np.exp, np.sin]),
    "choose": lambda x: np.choose(M.astype(int), [x, x[::-1]]),
    "compress": lambda x: np.compress(M, x), "method compress": lambda x: x.compress(M),
    "extract": lambda x: np.extract(M, x), "nan_to_num": np.nan_to_num,
    "trim_zeros": np.trim_zeros,
    "union1d": lambda x: np.union1d(x, [2.0]), "setdiff1d": lambda x: np.setdiff1d(x, [2.0]),
    # the same elements elsewhere
    **{f: lambda x, f=f: getattr(np, f)(x, 4)[1] for f in ("split", "array_split", "hsplit")},
    "vsplit": lambda x: np.vsplit(square(x), 2)[1],
    "dsplit": lambda x: np.dsplit(x.reshape(5, 5, 4), 2)[1],
    "unstack": lambda x: np.unstack(x.reshape(4, 25))[2],
    "block": lambda x: np.block([[x[:50]], [x[50:]]]), "append": lambda x: np.append(x, x),
    "insert": lambda x: np.insert(x, [1, 3], x[:2]), "delete": lambda x: np.delete(x, 3),
    "take": lambda x: x.take([1, 2]), "resize": lambda x: np.resize(x, (7, 20)),
    "diag": lambda x: np.diag(x[:10]), "diag of a matrix": lambda x: np.diag(square(x), 1),
    "linalg.diagonal": lambda x: np.linalg.diagonal(square(x), offset=1),
    "linalg.matrix_transpose": lambda x: np.linalg.matrix_transpose(rows(x)),
    "mT": lambda x: rows(x).mT, "flat": lambda x: x.flat[3:7], "astype": lambda x: x.astype("g"),
    "meshgrid": lambda x: np.meshgrid(x[:10], x[:5])[0],
    "windows": lambda x: np.lib.stride_tricks.sliding_window_view(x, 3),
    # written to
    "copyto": written(lambda y, x: np.copyto(y, x * 2, where=M)),
    "put": written(lambda y, x: np.put(y, [1, 2], x[:2] * 2)),
    "method put": written(lambda y, x: y.put([1, 2], x[:2] * 2)),
    "place": written(lambda y, x: np.place(y, M, x[:2] * 2)),
    "putmask": written(lambda y, x: np.putmask(y, M, x * 2)),
    "put_along_axis": written(lambda y, x: np.put_along_axis(y, np.array([1, 2]), x[:2] * 2, 0)),
    "method fill": written(lambda y, x: y.fill(2.0)),
    "fancy index": assigned([1, 2, 3], lambda x: np.sin(x[:3])),
    "mask": assigned(M, lambda x: x[M] * x[M]), "slice": assigned(slice(1, -1), lambda x: x[2:]),
    "add.at": written(lambda y, x: np.add.at(y, np.arange(N) // 2, x * x)),
    "out": lambda x: np.multiply(x, x, out=np.zeros_like(x)),
    "ufunc where": lambda x: np.sin(x, where=M, out=np.zeros_like(x)),
}

# One element for all inputs, or nearly so: dense at once.
DENSE = {
    "cumsum of all": np.cumsum, "norm": np.linalg.norm, "vdot": lambda x: np.vdot(x, np.sin(x)),
    "einsum of all": lambda x: np.einsum("i,i", x, np.exp(x)), "trapezoid of all": np.trapezoid,
    "einsum of a matrix": lambda x: np.einsum("ij,ji", square(x), square(x)),
    "einsum of one": lambda x: np.einsum("ij->", rows(x)),
    "einsum of long rows": lambda x: np.einsum("ij,kj->ki", x.reshape(1, N), np.outer(W, X)),
    "tensordot of all": lambda x: np.tensordot(rows(x), np.cos(rows(x)), 2),
    "norm of a matrix": lambda x: np.linalg.norm(rows(x)), "dot": lambda x: np.dot(x, np.exp(x)),
    "norm that keeps dimensions": lambda x: np.linalg.norm(rows(x), axis=(0, 1), keepdims=True),
    "long kernel": lambda x: np.convolve(x, LONG), "full matrix": lambda x: np.cos(BAND) @ x,
    "sum of a row": lambda x: np.sum(x.reshape(1, N), 1),
}


def parts_of(y):
    """(value, dense terms or None) of each array in a result."""
    out = []
    for e in results(y):
        if type(e) is Taylor:
            out.append((np.asarray(e.value), dense_form(e)))
        else:
            out.append((np.asarray(e), None))
    return out


def compare(f, x, order):
    """f of numbers with lanes and of dense ones; gives the results with lanes."""
    with Call(x.size, order, False) as call:
        want = parts_of(f(call.seed(x)))
        with Call(x.size, order, True) as sparse:
            y = f(sparse.seed(x))
            got = parts_of(y)
            assert len(got) == len(want)
            for (value, number), (plain, dense) in zip(got, want, strict=True):
                assert value.dtype == plain.dtype
                np.testing.assert_array_equal(value, plain)
                if dense is None and number is None:
                    continue
                monomials = np.arange(1, math.comb(x.size + order, order))
                terms = 0.0 if number is None else sparse.coefficients(number, monomials)
                wanted = np.zeros_like(terms) if dense is None else call.coefficients(
                    dense, monomials)
                terms = np.broadcast_to(terms, wanted.shape)
                assert_close(terms, wanted, order=order + 6, dtype=np.result_type(wanted, float),
                             scale=max(1.0, np.nanmax(np.abs(wanted), initial=0.0)))
    return y


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", KEPT)
def test_lanes_are_kept(name, order):
    assert is_laned(compare(KEPT[name], X, order))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", DENSE)
def test_what_mixes_all_inputs_becomes_dense(name, order):
    """...unless its terms are still to be added up."""
    y = compare(DENSE[name], X, order)
    assert not is_laned(y) or y.ndim == 0


@pytest.mark.parametrize("name", [*KEPT, *DENSE])
def test_in_the_gradient_of_a_scalar(name):
    """Where intermediate seeds may be taken (_steps.pxi)."""
    f = {**KEPT, **DENSE}[name]

    def total(x):
        y = f(np.sin(x) + x[::-1] * 0.5)  # more than one lane
        return np.sum(np.tanh(y * y))

    with Call(N, 1, False) as call:
        y = total(call.seed(X))
        want = y.value, call.gradient(y)
    with Call(N, 1, True) as call:
        call.factor.scalar = True
        y = total(call.seed(X))
        np.testing.assert_array_equal(y.value, want[0])
        assert_close(np.asarray(call.gradient(y)), want[1].astype(float), order=8,
                     dtype=float, scale=max(1.0, np.abs(want[1]).max()))


# ---- every function ----------------------------------------------------------------------------

DEFINED = {name: c for name, c in samples.SAMPLES.items() if name != "empty_like"}
EVERY = {**DEFINED, **{f"method {name}": c for name, c in samples.here(
    samples.METHODS, samples.method).items()}}


@pytest.mark.parametrize("name", EVERY)
def test_every_function(name):
    """Its sample call, all numbers in it parts of one vector of seeds."""
    func, args, kwargs = EVERY[name]
    rng = np.random.default_rng(3)
    found = []

    def note(n):
        found.append((n, n.draw(rng, "d")))

    mapped((args, kwargs), note)
    if any(v.dtype.kind == "c" for _, v in found):
        pytest.skip("complex numbers among real ones")
    unique = {id(n): v for n, v in found}
    values = [np.ravel(v) for v in unique.values()]
    for order, filler in ((1, 60), (2, 12)):
        x = np.concatenate([*values, np.linspace(0.1, 0.9, filler)])

        def f(x):
            places, at = {}, 0
            for key, v in unique.items():
                places[key] = np.reshape(x[at:at + v.size], v.shape)
                at += v.size
            return func(*mapped(args, lambda n: places[id(n)]),
                        **mapped(kwargs, lambda n: places[id(n)]))

        compare(f, x, order)


# ---- at special values ---------------------------------------------------------------------------


def test_norms_at_zero_and_far_out():
    """0 at 0, in equal shares at ties, and without overflow."""
    x = np.concatenate([np.zeros(4), np.full(4, 1e150), np.full(4, 1e-150), np.ones(48)])
    for f in (lambda x: np.linalg.norm(x.reshape(15, 4), axis=1),
              lambda x: np.linalg.norm(x.reshape(15, 4), np.inf, axis=1),
              lambda x: np.linalg.norm(x.reshape(15, 2, 2), axis=(1, 2))):
        for order in (1, 2):
            assert is_laned(compare(f, x, order))


def test_long_norms_at_zero_and_far_out():
    for scale in (0.0, 1e-200, 1e-70, 1.0, 1e90, 1e200):
        x = scale * np.linspace(-1.0, 2.0, 60)
        for order in (1, 2):
            with np.errstate(all="ignore"):
                compare(lambda x: np.linalg.norm(x), x, order)


def test_infinities_meet_zeros():
    """Zero factors beat infinite ones, and nothing warns."""
    x = np.zeros(40)
    x[::3] = 1.0
    for f in (lambda x: np.convolve(np.sqrt(x), [1.0, 0.0, -1.0], "same"),
              lambda x: BAND[:40, :40] @ np.sqrt(x),
              lambda x: np.sum(np.sqrt(x).reshape(20, 2) * [1.0, 0.0], axis=1),
              lambda x: np.cumsum(np.sqrt(x).reshape(20, 2), axis=1)):
        with np.errstate(all="ignore"):
            want = compare_infinite(f, x)
        with np.errstate(all="raise", divide="ignore"):
            got = infinite(f, x, True)
        np.testing.assert_array_equal(got, want)


def infinite(f, x, lanes):
    with Call(x.size, 1, lanes) as call:
        return np.asarray(call.gradient(f(call.seed(x))))


def compare_infinite(f, x):
    return infinite(f, x, False)


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
def test_long_running_sums_cost_one_pass():
    """The gradient of a function of running sums, of a vector that no dense number could hold."""
    n = 100_000
    x = np.linspace(-1, 1, n)
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(np.tanh(np.cumsum(x) / n) ** 2)

    got = grad(f)(x)
    s = np.cumsum(x) / n
    slopes = 2 * np.tanh(s) / np.cosh(s) ** 2 / n
    np.testing.assert_allclose(got, np.cumsum(slopes[::-1])[::-1], rtol=1e-9, atol=1e-12)
    assert len(calls) == 1


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
def test_long_kernels_cost_one_pass():
    n = 20_000
    x, w = np.sin(np.arange(n)), np.exp(-np.linspace(-3, 3, 301) ** 2)
    assert len(w) > NARROW
    got = grad(lambda x: np.sum(np.convolve(x, w, "same") ** 2))(x)
    y = np.convolve(x, w, "same")
    np.testing.assert_allclose(got, 2 * np.correlate(y, w, "same"), rtol=1e-9, atol=1e-9)


def test_several_arrays_at_least_so_deep():
    x = np.linspace(0.5, 1.5, 30)
    for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
        deep = lambda x, f=f: [np.ravel(y * x) for y in f(x, 2.0, x[0])]  # noqa: E731
        got = jacfwd(deep)(x)
        before = set_lanes("never")
        try:
            want = jacfwd(deep)(x)
        finally:
            set_lanes(before)
        for a, b in zip(got, want, strict=True):
            np.testing.assert_array_equal(a, b)
