"""One check for every array function: sample calls with numbers, and an independent oracle.

A sample call holds `N(shape)` where a number goes.  The numbers get random terms in every
monomial of two seeds up to order 3; the oracle knows nothing of them: it evaluates the
NumPy function on plain extended-precision arrays along the curve x(t) that the terms
describe, and differentiates by Fornberg's weights on Chebyshev points.
"""

import numpy as np

from dualdiff._algebra import new_algebra
from dualdiff._taylor import Taylor, make

ORDER, SEEDS = 3, 2
TOLERANCE = {"f": 2e-3, "d": 1e-10, "g": 1e-10, "G": 1e-10, "F": 2e-3, "D": 1e-10, "e": 0.2}


class N:
    """A number in a sample call: its shape, range of values, or the values themselves."""

    def __init__(self, *shape, lo=-2.0, hi=2.0, values=None, only=None):
        self.shape, self.lo, self.hi = shape, lo, hi
        self.values, self.only = values, only

    def __repr__(self):
        return f"N{self.shape if self.values is None else np.shape(self.values)}"

    def draw(self, rng, dtype):
        dtype = np.dtype(self.only or dtype)
        if self.values is not None:
            value = np.array(self.values, dtype)
        else:
            value = np.asarray(rng.uniform(self.lo, self.hi, self.shape)).astype(dtype)
            if dtype.kind == "c":
                value = value + 1j * rng.uniform(self.lo, self.hi, self.shape).astype(dtype)
        return value.astype(dtype)


def call(*args, **kwargs):
    """A sample call."""
    return args, kwargs


def mapped(x, what):
    """A structure with N replaced by what(N)."""
    if isinstance(x, N):
        return what(x)
    if type(x) in (list, tuple):
        return type(x)([mapped(e, what) for e in x])
    if isinstance(x, dict):
        return {k: mapped(v, what) for k, v in x.items()}
    return x


def results(y):
    """The arrays in a result, as a flat list."""
    if isinstance(y, (tuple, list)):
        return [e for part in y for e in results(part)]
    return [y]


def fornberg(x, order):
    """Weights at points x of the derivatives 0 .. order at zero (Fornberg 1988)."""
    n = len(x)
    w = np.zeros((order + 1, n), np.longdouble)
    w[0, 0], c1 = 1, np.longdouble(1)
    for i in range(1, n):
        c2 = np.longdouble(1)
        last = min(i, order)
        for j in range(i):
            c3 = x[i] - x[j]
            c2 *= c3
            if j == i - 1:
                for k in range(last, 0, -1):
                    w[k, i] = c1 * (k * w[k - 1, i - 1] - x[i - 1] * w[k, i - 1]) / c2
                w[0, i] = -c1 * x[i - 1] * w[0, i - 1] / c2
            for k in range(last, 0, -1):
                w[k, j] = (x[i] * w[k, j] - k * w[k - 1, j]) / c3
            w[0, j] = x[i] * w[0, j] / c3
        c1 = c2
    return w


def points(h):
    """(points, weights of Taylor coefficients 0 .. ORDER)."""
    x = h * np.cos(np.pi * (np.arange(11, dtype=np.longdouble) + 0.5) / 11)
    return x, fornberg(x, ORDER) / np.array([1, 1, 2, 6], np.longdouble)[:, None]


EXTENDED, DOUBLE = points(np.longdouble(0.02)), points(np.longdouble(0.1))
DIRECTION = np.array([0.75, -1.25], np.longdouble)


def along_direction(alg):
    """(degree, product of the direction's powers) of each monomial but the first."""
    powers = [np.prod(DIRECTION[alg.multi_index(k)[0]]) for k in range(1, alg.M)]
    return alg.degrees[1:], np.array(powers, np.longdouble)


def check(func, args, kwargs, dtype="d", seed=0, double=False, order=ORDER, reference=None,
          exact=True):
    """Value equal to NumPy's bit for bit; derivatives to order 3 equal to the oracle's.

    double: the function works in double precision whatever it is given.  reference: another
    plain function for the oracle, where NumPy's is not the smooth one.
    """
    alg = new_algebra(SEEDS, ORDER)
    degrees, powers = along_direction(alg)
    rng = np.random.default_rng(seed)
    plain, numbers, rows = {}, {}, {}

    def draw(n):
        plain[id(n)] = value = n.draw(rng, dtype)
        terms = rng.uniform(-0.5, 0.5, (alg.M - 1, *value.shape)).astype(value.dtype)
        if value.dtype.kind == "c":
            terms = terms + terms[::-1] * value.dtype.type(0.7j)
        rows[id(n)] = terms
        numbers[id(n)] = make(alg, value.copy(), terms.copy())

    mapped((args, kwargs), draw)

    def curve(n, t):
        value, terms = plain[id(n)], rows[id(n)]
        if double:
            wide = np.complex128 if value.dtype.kind == "c" else np.float64
        else:
            wide = np.clongdouble if value.dtype.kind == "c" else np.longdouble
        steps = (powers * t**degrees).reshape(-1, *(1,) * value.ndim)
        return np.asarray(value + (terms * steps).sum(0)).astype(wide)[()]

    want = results(func(*mapped(args, lambda n: plain[id(n)][()]),
                        **mapped(kwargs, lambda n: plain[id(n)][()])))
    got = results(func(*mapped(args, lambda n: numbers[id(n)]),
                       **mapped(kwargs, lambda n: numbers[id(n)])))
    assert len(got) == len(want)
    for n in plain:  # inputs are never changed
        np.testing.assert_array_equal(numbers[n].value, plain[n])
    for g, w in zip(got, want, strict=True):
        v = g.value if type(g) is Taylor else g
        assert np.shape(v) == np.shape(w) and np.asarray(v).dtype == np.asarray(w).dtype
        if exact:
            np.testing.assert_array_equal(v, w)
        if type(g) is Taylor:
            assert g.terms.shape == (g.algebra.M - 1, *g.shape)
            assert g.terms.dtype == g.dtype
    ts, weights = DOUBLE if double else EXTENDED
    oracle = reference or func
    samples = [results(oracle(*mapped(args, lambda n, t=t: curve(n, t)),
                              **mapped(kwargs, lambda n, t=t: curve(n, t)))) for t in ts]
    for i, g in enumerate(got):
        if np.asarray(want[i]).dtype.kind not in "fc":
            assert type(g) is not Taylor
            continue
        exact_terms = np.tensordot(weights, np.stack([s[i] for s in samples]), 1)[1:order + 1]
        if type(g) is not Taylor:
            np.testing.assert_allclose(exact_terms.astype(complex), 0, atol=1e-7)
            continue
        assert g.algebra is alg
        for d in range(1, order + 1):
            at = degrees == d
            mine = np.tensordot(powers[at], g.terms[at], 1)
            tol = max(TOLERANCE[g.dtype.char], 1e-6 if double else 0)
            scale = 1 + np.abs(exact_terms).max(initial=0)
            np.testing.assert_allclose(
                mine.astype(complex), exact_terms[d - 1].astype(complex), rtol=tol,
                atol=tol * float(scale), err_msg=f"{func} order {d}")


def parametrize(cases):
    """(func, args, kwargs) of a table of sample calls, with readable ids."""
    import pytest

    return pytest.mark.parametrize("func, args, kwargs", [
        pytest.param(f, *c, id=f"{f.__name__}-{i}")
        for f, calls in cases.items() for i, c in enumerate(calls)])
