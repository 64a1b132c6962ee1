"""One sample call of every function that a number can be given to, by NumPy's name.

`N(shape)` stands where a number goes.  Tests over all rows iterate this table: signatures,
layouts, shapes, dtypes, random programs; `test_coverage` sees that no row is missing, so a
function of a later NumPy release turns it red by its name.

May import: NumPy, the sample calls.  Invariant: a name that this NumPy does not have is left
out; the first positional argument of a function in WRITES is written to.
"""

import numpy as np
import numpy.polynomial
from array_calls import N, call
from numpy.testing.overrides import get_overridable_numpy_array_functions

x0, x1, x2, x3 = N(), N(5), N(3, 4), N(2, 3, 4)
positive, above = N(5, lo=1.0, hi=2.0), N(3, 4, lo=1.0, hi=2.0)
complexes = N(5, only="D")
mask = np.array([True, False, True, False, False])
mask2 = np.arange(12).reshape(3, 4) % 3 == 0
index2 = np.array([[0, 2], [1, 1], [3, 0]])
rising = N(values=[0.1, 0.7, 1.2, 2.0, 2.9])
square = N(values=[[4.0, 1.2, 0.3], [0.4, 3.0, -0.8], [-0.5, 0.7, 2.0]])
other = N(values=[[1.0, 0.2], [0.4, -1.0], [0.5, 0.7]])
symmetric = N(values=[[4.0, 0.5, -0.3], [0.5, 2.5, 0.8], [-0.3, 0.8, 1.5]])
tall = N(values=[[4.0, 1.2], [0.4, 3.0], [-0.5, 0.7]])
tensor = N(values=(np.eye(6) + 0.1 * np.sin(np.arange(36.0)).reshape(6, 6)).reshape(6, 2, 3))
zeros = N(values=[0.0, 1.0, 2.5, 0.0])

# NumPy hands them over since 2.4 or 2.5.
HANDED_OVER = {
    f"polynomial.polynomial.{name}": sample for name, sample in {
        "polyval2d": call(x1, N(5), N(3, 2)), "polygrid2d": call(x1, N(2), N(3, 2)),
        "polyvalnd": call([x1, N(5)], N(3, 2))}.items()
    if getattr(np.polynomial.polynomial, name, None) in get_overridable_numpy_array_functions()}

# ---- functions with a derivative -------------------------------------------------------

SMOOTH = {
    # reductions
    **{name: call(x2, axis=1) for name in (
        "sum", "mean", "prod", "max", "min", "amax", "amin", "ptp", "var", "std", "median",
        "nansum", "nanmean", "nanprod", "nanmax", "nanmin", "nanvar", "nanstd", "nanmedian",
        "cumsum", "cumprod", "nancumsum", "nancumprod", "cumulative_sum", "cumulative_prod")},
    "average": call(x2, axis=1, weights=N(4, lo=1, hi=2)),
    **{name: call(x2, 0.3, axis=0) for name in ("quantile", "nanquantile")},
    **{name: call(x2, [20.0, 60.0], axis=0) for name in ("percentile", "nanpercentile")},
    "apply_along_axis": call(np.cumsum, 0, x2),
    "apply_over_axes": call(np.sum, x2, [0]),
    # products
    **{name: call(x2, N(4, 2)) for name in ("dot", "linalg.matmul")},
    **{name: call(x1, N(5)) for name in ("vdot", "inner", "linalg.vecdot")},
    **{name: call(x1, N(3)) for name in (
        "outer", "linalg.outer", "kron", "convolve", "correlate")},
    **{name: call(N(3), N(3)) for name in ("cross", "linalg.cross")},
    **{name: call(x2, N(4, 2), axes=1) for name in ("tensordot", "linalg.tensordot")},
    "einsum": call("ij,j->i", x2, N(4)),
    "linalg.multi_dot": call([x2, N(4, 2), N(2, 3)]),
    # the same elements elsewhere
    "reshape": call(x2, (2, 6)), "ravel": call(x2), "transpose": call(x2),
    "swapaxes": call(x2, 0, 1),
    "matrix_transpose": call(x2), "linalg.matrix_transpose": call(x2),
    "moveaxis": call(x2, 0, 1), "rollaxis": call(x2, 1), "expand_dims": call(x2, 1),
    "squeeze": call(N(3, 1)), "atleast_1d": call(x2), "atleast_2d": call(x1),
    "atleast_3d": call(x2), "broadcast_to": call(x1, (2, 5)), "broadcast_arrays": call(x1, x0),
    "lib.stride_tricks.sliding_window_view": call(x1, 2),
    "flip": call(x2, 0), "fliplr": call(x2), "flipud": call(x2), "rot90": call(x2),
    "diagonal": call(x2), "linalg.diagonal": call(x2), "diag": call(x1), "diagflat": call(x2),
    "trace": call(x2), "linalg.trace": call(x2), "real": call(complexes), "imag": call(complexes),
    "array_split": call(x1, 3), "split": call(x2, 2, axis=1), "hsplit": call(x2, 2),
    "vsplit": call(x2, 3), "dsplit": call(x3, 2), "unstack": call(x2),
    "concatenate": call([x2, N(1, 4)]), "stack": call([x1, N(5)]), "vstack": call([x1, N(5)]),
    "hstack": call([x1, N(2)]), "dstack": call([x1, N(5)]), "column_stack": call([x1, N(5)]),
    "block": call([x1, x0]), "append": call(x1, x0), "insert": call(x1, 2, x0),
    "delete": call(x1, 2), "roll": call(x2, 1, axis=0), "tile": call(x1, 2),
    "repeat": call(x1, 2), "resize": call(x1, (2, 4)), "tril": call(x2), "triu": call(x2),
    "meshgrid": call(x1, N(3)), "ix_": call(x1, N(2)), "copy": call(x2), "astype": call(x2, "g"),
    **{name: call(x2, like=x0) for name in (
        "array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "require")},
    "full": call(3, x0, like=x0), "full_like": call(x2, x0),
    "zeros_like": call(x2), "ones_like": call(x2), "empty_like": call(x2),
    "linspace": call(x0, N(), 4), "logspace": call(x0, N(), 4),
    "geomspace": call(N(lo=1), N(lo=3, hi=4), 4), "vander": call(x1),
    # choosing
    "where": call(mask2, x2, N(4)), "take": call(x2, [0, 2], axis=1),
    "take_along_axis": call(x2, index2, axis=1), "choose": call([0, 1, 0], [N(3), N(3)]),
    "select": call([mask2, ~mask2], [x2, N(4)], default=x0),
    "piecewise": call(x1, [mask], [np.exp, np.sin]), "compress": call(mask, x1),
    "extract": call(mask2, x2), "clip": call(x2, -1.0, N(4, lo=0.5, hi=1.0)),
    "nan_to_num": call(x2), "real_if_close": call(x1), "trim_zeros": call(zeros),
    "sort": call(x2, axis=0), "sort_complex": call(x1), "partition": call(x1, 2, axis=0),
    **{name: call(x1) for name in (
        "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values")},
    "intersect1d": call(rising, [2.0, 0.7]), "setdiff1d": call(x1, [0.0]),
    "union1d": call(x1, N(2)), "setxor1d": call(x1, N(2)),
    # calculus and statistics
    "diff": call(x2, axis=0), "ediff1d": call(x1, to_end=N()), "gradient": call(x1, rising),
    "trapezoid": call(x1, rising), "unwrap": call(N(values=[0.1, 3.0, 6.8, 6.9])),
    "interp": call(N(4, lo=0.2, hi=2.8), rising, x1), "pad": call(x1, 2, mode="mean"),
    "cov": call(x2), "corrcoef": call(x2), "bincount": call([0, 2, 2, 1, 0], weights=x1),
    "histogram": call([0.1, 0.4, 0.45, 0.9, 0.2], bins=3, weights=x1),
    "histogram_bin_edges": call(x1, bins=3),
    "histogramdd": call([np.arange(5.0), np.arange(5.0)[::-1]], bins=2, weights=x1),
    "histogram2d": call(np.arange(5.0), np.arange(5.0)[::-1], bins=2, weights=x1),
    "i0": call(x1), "sinc": call(x1), "angle": call(complexes),
    # linear algebra
    "linalg.solve": call(square, other), "linalg.inv": call(square), "linalg.pinv": call(tall),
    "linalg.det": call(square), "linalg.slogdet": call(square), "linalg.cond": call(square),
    "linalg.cholesky": call(symmetric), "linalg.qr": call(tall),
    "linalg.eig": call(square), "linalg.eigvals": call(square), "linalg.eigh": call(symmetric),
    "linalg.eigvalsh": call(symmetric), "linalg.svd": call(tall, full_matrices=False),
    "linalg.svdvals": call(tall), "linalg.lstsq": call(tall, N(3)),
    "linalg.norm": call(x2), "linalg.matrix_norm": call(x2), "linalg.vector_norm": call(x2),
    "linalg.matrix_power": call(square, 3), "linalg.tensorinv": call(tensor, ind=1),
    "linalg.tensorsolve": call(tensor, N(6)),
    # transforms
    **{f"fft.{name}": call(x1) for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")},
    **{f"fft.{name}": call(x2, axes=(0, 1)) for name in (
        "fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")},
    "fft.fftshift": call(x2), "fft.ifftshift": call(x2),
    # polynomials
    "poly": call(x1), "polyval": call(x1, N(3)), "polyadd": call(x1, N(3)),
    "polysub": call(x1, N(3)), "polymul": call(x1, N(3)), "polyder": call(x1),
    "polyint": call(x1), "polydiv": call(x1, N(values=[2.0, 1.0])),
    "roots": call(N(values=[1.0, -2.0, 0.5])), "polyfit": call(rising, x1, 2),
    **HANDED_OVER,
    # complex outside the real domain
    **{f"lib.scimath.{name}": call(N(3, lo=-2, hi=-1)) for name in (
        "sqrt", "log", "log2", "log10", "arccos", "arcsin")},
    "lib.scimath.arctanh": call(N(3, lo=1.5, hi=2)),
    "lib.scimath.logn": call(N(3, lo=2, hi=3), N(3, lo=-2, hi=-1)),
    "lib.scimath.power": call(N(3, lo=-2, hi=-1), N(3)),
}

# Written to: the sample is a copy, and what it holds afterwards is the result.
WRITES = {
    "copyto": call(x2, N(4)), "put": call(x1, [0, 2], N(2)), "putmask": call(x2, mask2, N(2)),
    "put_along_axis": call(x2, index2[:, :1], N(3, 1), axis=1), "place": call(x2, mask2, N(2)),
    "fill_diagonal": call(x2, N()),
}

# ---- functions whose result does not depend smoothly on anything ---------------------------

CONSTANT = {
    **{name: call(x2) for name in (
        "all", "any", "argmax", "argmin", "argsort", "nanargmax", "nanargmin",
        "argwhere", "nonzero", "flatnonzero", "count_nonzero", "around", "round", "fix",
        "iscomplex", "isreal", "iscomplexobj", "isrealobj", "isposinf", "isneginf", "ndim", "shape",
        "size", "common_type", "result_type", "min_scalar_type", "array2string", "array_repr",
        "array_str", "tril_indices_from", "triu_indices_from")},
    "argpartition": call(x2, 1), "diag_indices_from": call(square),
    "digitize": call(x1, [0.0, 1.0]), "searchsorted": call([0.0, 1.0], x1),
    "lexsort": call((x1, N(5))), "can_cast": call("f4", "f8"),
    **{name: call(x1, N(5)) for name in (
        "allclose", "in1d", "isclose", "array_equal", "array_equiv", "isin", "may_share_memory",
        "shares_memory")},
    "linalg.matrix_rank": call(square), "einsum_path": call("ij,j", x2, N(4)),
    "ravel_multi_index": call(([1, 2], [0, 1]), (3, 4)), "unravel_index": call([1, 5], (3, 4)),
    "zeros": call(3, like=x0), "ones": call(3, like=x0), "empty": call(0, like=x0),
    "eye": call(3, like=x0), "identity": call(3, like=x0), "tri": call(3, like=x0),
    "arange": call(3, like=x0), "fromfunction": call(lambda i: i, (3,), like=x0),
}

# ---- functions that NumPy does not hand over, but that run on numbers as they stand ------------

near = N(3, lo=-0.9, hi=0.9)
BASES = {"poly": "polynomial", "cheb": "chebyshev", "leg": "legendre", "herm": "hermite",
         "herme": "hermite_e", "lag": "laguerre"}
IN_EVERY_BASIS = {
    "add": call(N(4), N(2)), "sub": call(N(4), N(2)), "mul": call(N(4), N(2)), "mulx": call(N(4)),
    "div": call(N(4), N(values=[2.0, 1.0])), "pow": call(N(4), 2), "val": call(near, N(4)),
    "val2d": call(near, near, N(3, 2)), "val3d": call(near, near, near, N(2, 3, 2)),
    "valnd": call([near, near], N(3, 2)), "der": call(N(4)), "int": call(N(4)),
    "fromroots": call(N(3)), "vander": call(near, 3), "vander2d": call(near, near, [1, 2]),
    "vander3d": call(near, near, near, [1, 1, 1]), "trim": call(N(4)), "companion": call(N(4)),
    "line": call(x0, N()), "weight": call(near),
}
RUNNING = {
    **{f"polynomial.{module}.{basis}{name}": sample for basis, module in BASES.items()
       for name, sample in IN_EVERY_BASIS.items()},
    **{f"polynomial.{module}.{name}": call(N(4)) for basis, module in BASES.items()
       for name in (f"{basis}2poly", f"poly2{basis}") if basis != "poly"},
    "polynomial.polyutils.mapdomain": call(x1, [0.0, 1.0], [2.0, 4.0]),
    "polynomial.polyutils.mapparms": call(N(values=[0.0, 1.0]), [2.0, 4.0]),
    "polynomial.polyutils.as_series": call([x1]), "polynomial.polyutils.trimseq": call(x1),
    "polynomial.polyutils.trimcoef": call(x1), "polynomial.polyutils.getdomain": call(x1),
    "fft.fftfreq": call(4, N(lo=1)), "fft.rfftfreq": call(4, N(lo=1)), "kaiser": call(4, N(lo=1)),
    "asarray_chkfinite": call(x1),
}

# ---- methods of ndarray, the array first ----------------------------------------------------

METHODS = {
    **{name: call(x2, 1) for name in (
        "cumprod", "cumsum", "max", "mean", "min", "prod", "std", "sum", "var")},
    **{name: call(x2) for name in (
        "conj", "conjugate", "copy", "diagonal", "flatten", "ravel", "tolist", "trace",
        "transpose", "view")},
    "astype": call(x2, "g"), "clip": call(x2, -1.0, 1.0), "compress": call(x1, mask),
    "dot": call(x2, N(4, 2)),
    "item": call(x2, 5), "repeat": call(x1, 2), "reshape": call(x2, (2, 6)),
    "squeeze": call(N(3, 1)), "swapaxes": call(x2, 0, 1), "take": call(x2, [0, 2], 1),
    "to_device": call(x2, "cpu"),
}
METHODS_WRITE = {"fill": call(x1, x0), "partition": call(x1, 2), "put": call(x1, [0, 2], N(2)),
                 "sort": call(x2, 0)}
METHODS_CONSTANT = {
    **{name: call(x2) for name in ("all", "any", "argmax", "argmin", "argsort", "nonzero",
                                   "round", "setflags")},
    "argpartition": call(x1, 2), "searchsorted": call(rising, 1.0),
}
METHODS_REFUSED = {
    **{name: call(x1) for name in ("byteswap", "dumps", "tobytes")}, "dump": call(x1, "file"),
    "choose": call(x1, [x1, x1]),
    "getfield": call(x1, float), "resize": call(x1, 3), "setfield": call(x1, 1.0, float),
    "tofile": call(x1, "file"),
}
ATTRIBUTES = ("T", "mT", "real", "imag", "flat", "base")
ATTRIBUTES_CONSTANT = ("shape", "ndim", "size", "dtype", "itemsize", "nbytes", "flags",
                       "device")
ATTRIBUTES_REFUSED = ("data", "ctypes", "strides")

# ---- how they may be tried -----------------------------------------------------------------

# LAPACK and some of NumPy's own code work in double precision whatever they are given.
DOUBLE = {"geomspace", "logspace", "roots", "polyfit", "i0", "histogram_bin_edges", "bincount",
          "histogram", "histogramdd", "histogram2d", "interp", "poly"}
# Their results have a free phase or sign, which NumPy's rounding chooses.
FREE_PHASE = {"linalg.qr", "linalg.eig", "linalg.eigh", "linalg.svd"}
# They look at exact values (zeros, equality), which a difference does not keep.
EXACT = {"intersect1d", "trim_zeros"}


def find(name):
    """The function of this name below numpy, None if this NumPy has none."""
    x = np
    for part in name.split("."):
        x = getattr(x, part, None)
    return x


def works_in_double(name):
    """Whether the oracle cannot use extended precision."""
    return name in DOUBLE or (name.startswith("linalg.") and name.rpartition(".")[2] in (
        "solve", "inv", "pinv", "det", "slogdet", "cond", "cholesky", "qr", "eig", "eigvals",
        "eigh", "eigvalsh", "svd", "svdvals", "lstsq", "matrix_power", "tensorinv",
        "tensorsolve"))


def returning(func):
    """A function that writes to its first argument, as one that returns a written copy."""

    def run(*args, **kwargs):
        if args:
            args = (np.copy(args[0]), *args[1:])
            func(*args, **kwargs)
            return args[0]
        first = next(iter(kwargs))
        kwargs |= {first: np.copy(kwargs[first])}
        func(**kwargs)
        return kwargs[first]

    run.__name__ = func.__name__
    run.__wrapped__ = func
    return run


def method(name):
    """A method of ndarray as a function of the array."""
    func = getattr(np.ndarray, name)

    def run(x, *args, **kwargs):
        return getattr(x, name)(*args, **kwargs)

    run.__name__ = name
    run.__wrapped__ = func
    return run


def here(table, find=find):
    """{name: (function, args, kwargs)} of the names that this NumPy has."""
    out = {}
    for name, (args, kwargs) in table.items():
        f = find(name)
        if f is not None:
            out[name] = (returning(f) if name in WRITES else f, args, kwargs)
    return out


SAMPLES = here(SMOOTH | WRITES)
CONSTANTS = here(CONSTANT)
AS_THEY_STAND = here(RUNNING)
