"""What of numpy.polynomial NumPy lets be overridden: evaluation in several variables.

The other functions of numpy.polynomial are plain Python over arrays: they run on numbers
as they stand, see tests/test_polynomial.py.

May import: the kinds, NumPy.
"""

import numpy as np
from numpy.polynomial import polynomial as npp

from dualdiff._kinds import compose, holds, pack


def horner(x, c, tensor=True):
    """numpy.polynomial's polyval: coefficients along the first axis of c, lowest first."""
    if tensor:
        c = np.reshape(c, np.shape(c) + (1,) * np.ndim(x))
    y = c[-1] + x * 0
    for i in range(2, len(c) + 1):
        y = c[-i] + y * x
    return y


def array(x):
    """A list as an array or a number."""
    return pack(x) if holds(x) else np.asarray(x) if isinstance(x, (list, tuple)) else x


def polyval_nd(*args):
    """polyval2d: the polynomial at points given by their coordinates."""
    *points, c = map(array, args)
    c = horner(points[0], np.atleast_1d(c))
    for x in points[1:]:
        c = horner(x, np.atleast_1d(c), tensor=False)
    return c


def polygrid_nd(*args):
    """polygrid2d: the polynomial on the grid of these coordinates."""
    *points, c = map(array, args)
    for x in points:
        c = horner(x, np.atleast_1d(c))
    return c


ROWS = {  # dispatched by NumPy from 2.5 on
    npp.polyval2d: compose(npp.polyval2d, lambda x, y, c: polyval_nd(x, y, c)),
    npp.polygrid2d: compose(npp.polygrid2d, lambda x, y, c: polygrid_nd(x, y, c)),
}
if hasattr(npp, "polyvalnd"):  # NumPy 2.5
    ROWS[npp.polyvalnd] = compose(npp.polyvalnd, lambda pts, c: polyval_nd(*pts, c))
