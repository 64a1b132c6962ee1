"""Complex derivatives on the cuts: the side is told by the sign of a zero."""

import numpy as np
import pytest

from dualdiff._algebra import new_algebra
from dualdiff._taylor import make

REAL = ["sqrt", "log", "arccos", "arcsin", "arctanh", "arccosh", "log2", "log10", "log1p"]
IMAGINARY = ["arcsinh", "arctan"]


@pytest.mark.parametrize("name", REAL + IMAGINARY)
def test_both_sides(name):
    """Against differences along the cut, on the same side of it."""
    f = getattr(np, name)
    ends, zeros = np.meshgrid([2.0, -2.0], [0.0, -0.0])
    h = 1e-6

    def points(move):
        z = np.empty(4, complex)
        z.real, z.imag = (zeros.ravel(), ends.ravel() + move) if name in IMAGINARY else (
            ends.ravel() + move, zeros.ravel())
        return z

    along = 1j if name in IMAGINARY else 1.0
    y = f(make(new_algebra(1, 1), points(0), np.full((1, 4), along, complex)))
    np.testing.assert_allclose(y.terms[0], (f(points(h)) - f(points(-h))) / (2 * h), rtol=1e-8)
