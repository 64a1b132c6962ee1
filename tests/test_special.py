"""scipy.special's ufuncs on numbers: values are SciPy's, derivatives against mpmath."""

import mpmath
import numpy as np
import pytest
import scipy.special as sp

from dualdiff import grad

CASES = {
    sp.erf: mpmath.erf, sp.erfc: mpmath.erfc, sp.ndtr: mpmath.ncdf, sp.gamma: mpmath.gamma,
    sp.gammaln: mpmath.loggamma, sp.psi: mpmath.digamma,
    sp.expit: lambda x: 1 / (1 + mpmath.exp(-x)),
}


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [0.3, 1.7, 4.2])
def test_first_and_second_derivative(f, x):
    with mpmath.workdps(40):
        one, two = (float(mpmath.diff(CASES[f], mpmath.mpf(x), k)) for k in (1, 2))
    assert grad(f)(x) == pytest.approx(one, rel=1e-13)
    assert grad(grad(f))(x) == pytest.approx(two, rel=1e-11)


def test_values_are_scipys():
    x = np.linspace(0.1, 3, 7)
    seen = []
    grad(lambda v: seen.append(sp.erf(v).value) or np.sum(v))(x)
    np.testing.assert_array_equal(seen[0], sp.erf(x))
