"""The elementwise functions as mpmath knows them, and points that cover their domains.

May import: mpmath, NumPy.  Invariant: every ufunc of one argument whose row has a domain
stands in ONE, and every differentiable one of two arguments in TWO (test_ufuncs checks).
"""

import mpmath as mp
import numpy as np

PI2 = np.pi / 2


def cbrt(x):
    """The real cube root."""
    return mp.sign(x) * mp.cbrt(abs(x))


def sinc(x):
    """sin(pi x) / (pi x)."""
    return mp.sincpi(x)


# function -> (mpmath function, largest argument that the sweep takes, points of its own)
ONE = {
    np.negative: (lambda x: -x, 1e300, ()),
    np.sqrt: (mp.sqrt, 1e300, ()),
    np.exp: (mp.exp, 700.0, ()),
    np.expm1: (mp.expm1, 700.0, ()),
    np.exp2: (lambda x: mp.mpf(2) ** x, 1000.0, ()),
    np.log: (mp.log, 1e300, (1 - 1e-15, 1 + 1e-15)),
    np.log1p: (mp.log1p, 1e300, ()),
    np.log2: (lambda x: mp.log(x, 2), 1e300, (1 - 1e-15, 1 + 1e-15)),
    np.log10: (mp.log10, 1e300, (1 - 1e-15, 1 + 1e-15)),
    np.sin: (mp.sin, 1e5, (np.pi, -PI2, 3 * PI2)),
    np.cos: (mp.cos, 1e5, (np.pi, -PI2, 3 * PI2)),
    np.tan: (mp.tan, 1e5, (np.pi, -PI2, 3 * PI2, PI2 * (1 - 1e-10), PI2 * (1 + 1e-5))),
    np.sinh: (mp.sinh, 700.0, ()),
    np.cosh: (mp.cosh, 700.0, ()),
    np.tanh: (mp.tanh, 350.0, ()),
    np.square: (lambda x: x * x, 1e150, ()),
    np.reciprocal: (lambda x: 1 / x, 1e150, ()),
    np.arcsin: (mp.asin, 1.0, ()),
    np.arccos: (mp.acos, 1.0, ()),
    np.arctan: (mp.atan, 1e150, (1.0, -1.0)),
    np.arcsinh: (mp.asinh, 1e200, (1.0, -1.0)),
    np.arccosh: (mp.acosh, 1e200, ()),
    np.arctanh: (mp.atanh, 1.0, ()),
    np.cbrt: (cbrt, 1e300, (8.0, -27.0)),
    np.absolute: (abs, 1e300, ()),
    np.fabs: (abs, 1e300, ()),
    np.sinc: (sinc, 1e5, (1.0, -2.0, 3.0, 4.0, 1.5, 0.5)),
}


def _wrapped(x, y):
    return x - y * mp.floor(x / y)


def _truncated(x, y):
    q = x / y
    return x - y * (mp.floor(q) if q > 0 else mp.ceil(q))


# function -> (mpmath function, pairs of arguments)
TWO = {
    np.add: (lambda x, y: x + y, [(1.5, -2.25), (1e200, 3.0)]),
    np.subtract: (lambda x, y: x - y, [(1.5, -2.25), (1e200, 3.0)]),
    np.multiply: (lambda x, y: x * y, [(1.5, -2.25), (1e200, 3.0), (0.0, 2.0)]),
    np.true_divide: (lambda x, y: x / y, [
        (1.5, -2.25), (1e200, 3.0), (3.0, 1e200), (0.0, 2.0)]),
    np.power: (lambda x, y: x**y, [
        (1.5, -2.25), (2.0, 3.0), (0.7, 0.5), (1e3, 30.0), (1 + 1e-9, 7.5), (1e-20, 0.25)]),
    np.float_power: (lambda x, y: x**y, [(1.5, -2.25), (2.0, 3.0), (0.7, 0.5)]),
    np.hypot: (mp.hypot, [
        (3.0, 4.0), (-3.0, 1e-5), (1e-5, 2.0), (1e200, -1e200), (1e-160, 2e-160), (0.0, 2.0)]),
    np.arctan2: (mp.atan2, [
        (3.0, 4.0), (-3.0, 1e-5), (1e-5, -2.0), (-1.0, -1e5), (0.5, -0.5), (2.0, 0.0)]),
    np.logaddexp: (lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))), [
        (0.3, -0.2), (1.0, 1.0), (40.0, 1.0), (-700.0, -3.0), (1000.0, 1000.5), (-2e3, -2e3)]),
    np.logaddexp2: (lambda x, y: mp.log(mp.mpf(2)**x + mp.mpf(2)**y, 2), [
        (0.3, -0.2), (1.0, 1.0), (40.0, 1.0), (-700.0, -3.0), (1000.0, 1000.5)]),
    np.maximum: (max, [(1.0, 2.0), (3.0, -2.0)]),
    np.minimum: (min, [(1.0, 2.0), (3.0, -2.0)]),
    np.fmax: (max, [(1.0, 2.0), (3.0, -2.0)]),
    np.fmin: (min, [(1.0, 2.0), (3.0, -2.0)]),
    np.remainder: (_wrapped, [(7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (1e9 + 0.3, 0.7)]),
    np.fmod: (_truncated, [(7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (1e9 + 0.3, 0.7)]),
    np.copysign: (lambda x, y: abs(x) * mp.sign(y), [(1.5, -2.0), (-1.5, -2.0), (-3.0, 2.0)]),
    np.nextafter: (lambda x, y: x, [(1.5, -2.0)]),
    np.heaviside: (lambda x, y: mp.mpf(x > 0), [(1.5, 0.5), (-1.5, 0.5)]),
}


def sweep(domain, largest, extra=(), dense=True):
    """Points of a domain: tiny, huge, near its ends and in between, of both signs."""
    low, high = domain
    points = list(extra)
    decades = (-300, -100, -20, -8, -3, -1) if dense else (-20, -3)
    sizes = [1.3 * 10.0**d for d in decades]
    sizes += [0.4, 0.9, 1.7, 2.9, 6.1, 13.0, 22.0] if dense else [0.4, 1.7, 6.1]
    sizes += [50.0, 340.0, 4e3, 9e4, 1e9, 1e50, 1e140, 1e199, 1e299] + [largest] * (largest > 1)
    points += [s for size in sizes for s in (size, -size)]
    for end in (low, high):
        if np.isfinite(end) and end != 0:
            inward = 1.0 if end == low else -1.0
            steps = (2.0**-52, 1e-12, 1e-6, 1e-3, 0.1) if dense else (2.0**-52, 1e-3)
            points += [end + inward * step for step in steps]
    if dense:
        rng = np.random.default_rng(11)
        sign = rng.choice((-1.0, 1.0), 64)
        points += list(sign[:40] * 10.0 ** rng.uniform(-12, min(np.log10(largest), 12), 40))
        points += list(rng.uniform(max(low, -4), min(high, 4), 24))
    return np.array(sorted({p for p in points if low < p < high and abs(p) <= largest}))
