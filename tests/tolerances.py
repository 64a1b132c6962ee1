"""One table of tolerances: how close a derivative must come, for each dtype.

May import: NumPy.  Invariant: a test that needs a looser bound says why at its own place;
the table is not loosened.
"""

import numpy as np

# Units in the last place, at order 1, for a composition of a few functions.
ULPS = 32.0

# Each further order may add this factor: coefficients are sums of products of earlier ones.
GROWTH = 2.0

DTYPES = (np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128)
REAL = (np.float32, np.float64, np.longdouble)


def eps(dtype):
    """Distance of 1 to the next number of a dtype, as float64."""
    return float(np.finfo(dtype).eps)


def rtol(dtype=np.float64, order=1):
    """Relative tolerance of an order-th coefficient, against the largest term in it."""
    return ULPS * GROWTH ** max(order - 1, 0) * eps(dtype)


def assert_close(got, want, order=1, dtype=None, scale=None, label=""):
    """got is want, up to the table; scale: the largest term (default: |want| itself).

    NaN equals NaN, an infinity equals itself.
    """
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{label}: shape {got.shape}, wanted {want.shape}"
    dtype = got.dtype if dtype is None else np.dtype(dtype)
    if dtype.kind not in "fc":
        dtype = np.dtype(float)
    wide = np.clongdouble if "c" in (got.dtype.kind, want.dtype.kind) else np.longdouble
    g, w = got.astype(wide), want.astype(wide)
    with np.errstate(all="ignore"):
        same = (g == w) | (np.isnan(g) & np.isnan(w))
        bound = np.abs(w) if scale is None else np.maximum(np.abs(w), np.abs(scale))
        tiny = np.finfo(dtype).smallest_subnormal
        ok = same | (np.abs(g - w) <= rtol(dtype, order) * bound + ULPS * tiny)
    if not ok.all():
        at = tuple(np.argwhere(~ok)[0])
        raise AssertionError(f"{label}: {got[at]!r}, wanted {want[at]!r} at {at} "
                             f"({np.count_nonzero(~ok)} of {ok.size} wrong, order {order}, "
                             f"{dtype}, rtol {rtol(dtype, order):.1e})")
