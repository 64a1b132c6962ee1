"""An oracle for functions of numbers: a number is a polynomial in its seeds, so put
plain values for the seeds, along random lines, and compare Taylor coefficients.

It uses NumPy's functions on plain arrays only: nothing of dualdiff's rows or kernels.
"""

import math

import numpy as np

from dualdiff._algebra import new_algebra
from dualdiff._taylor import Taylor, make, parts


def number(alg, shape, dtype=float, seed=0, scale=1.0, value=None):
    """A number with random value and terms; value: that value instead."""
    rng = np.random.default_rng([seed, *shape, alg.M])

    def draw(shape):
        x = rng.uniform(-1, 1, shape) * scale
        return x + 1j * rng.uniform(-1, 1, shape) * scale if np.dtype(dtype).kind == "c" else x

    value = draw(shape) if value is None else np.asarray(value)
    return make(alg, value.astype(dtype), draw((alg.M - 1, *shape)).astype(dtype))


def tree(f, x):
    """f of every number in a tuple, list or dict."""
    if isinstance(x, (tuple, list)):
        return type(x)(tree(f, e) for e in x)
    if isinstance(x, dict):
        return {k: tree(f, e) for k, e in x.items()}
    return f(x) if type(x) is Taylor else x


def weights(alg, line):
    """The value of every monomial but the constant at the point `line`."""
    point = np.split(np.asarray(line), np.cumsum([f.n for f in alg.factors])[:-1])
    return np.array([math.prod(point[q][s] for q, seeds in enumerate(alg.multi_index(k))
                               for s in seeds) for k in range(1, alg.M)])


def at(x, w, t):
    """The plain array that a number is where the seeds are t times a line."""
    alg, value, terms = parts(x)
    powers = w * np.asarray(t) ** alg.degrees[1:]
    return (value + np.tensordot(powers, terms, 1)).astype(x.dtype)


def flat_results(y):
    """Results as a list of arrays and numbers."""
    return list(y) if isinstance(y, (tuple, list)) else [y]


def interpolation(radius, points):
    """(nodes, matrix from values there to the coefficients of the polynomial through them)."""
    theta = np.pi * (np.arange(points) + 0.5) / points
    inverse = np.zeros((points, points))
    for d in range(points):  # by Chebyshev polynomials: Vandermonde matrices lose digits
        row = 2 / points * np.cos(d * theta) / (1 if d else 2)
        power = np.polynomial.chebyshev.cheb2poly([0.0] * d + [1.0])
        inverse[:d + 1] += np.outer(power, row)
    return radius * np.cos(theta), inverse / (radius ** np.arange(points))[:, None]


def check(f, *args, lines=2, radius=0.1, points=14, rtol=1e-8, bitwise=True):
    """Assert that f of these arguments, numbers among them, is right to every order.

    The function must be smooth within `radius` of the values.
    """
    numbers = []
    tree(numbers.append, args)
    alg = numbers[0].algebra
    assert all(x.algebra is alg for x in numbers)
    before = [(x.value.copy(), x.terms.copy()) for x in numbers]
    results = flat_results(f(*args))
    for x, (v, t) in zip(numbers, before, strict=True):
        np.testing.assert_array_equal(x.value, v)
        np.testing.assert_array_equal(x.terms, t)
    plain = flat_results(f(*tree(lambda x: np.asarray(x.value), args)))
    assert len(results) == len(plain)
    for y, v in zip(results, plain, strict=True):
        y_value = y.value if type(y) is Taylor else y
        assert np.shape(y_value) == np.shape(v)
        assert np.asarray(y_value).dtype == np.asarray(v).dtype
        if bitwise:
            np.testing.assert_array_equal(y_value, v)
        else:
            np.testing.assert_allclose(y_value, v, rtol=1e-12, atol=1e-14)
    nodes, inverse = interpolation(radius, points)
    rng = np.random.default_rng(7)
    for _ in range(lines):
        line = rng.uniform(0.3, 1, sum(q.n for q in alg.factors)) * rng.choice([-1, 1])
        w = weights(alg, line)
        samples = [flat_results(f(*tree(lambda x, t=t, w=w: at(x, w, t), args))) for t in nodes]
        for q, y in enumerate(results):
            want = np.tensordot(inverse, np.stack([np.asarray(s[q]) for s in samples]), 1)
            if type(y) is Taylor:
                terms = y.terms
                assert y.algebra is alg
            else:
                terms = np.zeros((alg.M - 1, *np.shape(y)))
            for d in range(1, alg.D + 1):
                which = alg.degrees[1:] == d
                got = np.tensordot(w[which], terms[which], 1)
                scale = max(np.abs(want[d]).max(initial=0.0), 1.0)
                # the fit of degree d has lost d powers of the radius
                np.testing.assert_allclose(got, want[d], rtol=rtol, atol=scale * rtol,
                                           err_msg=f"result {q}, degree {d}")


def algebras():
    """The algebras that rows are tested over: (seeds, order)."""
    return [(1, 1), (3, 1), (1, 4), (2, 2), (8, 2), (3, 3), (2, 4)]


def algebra(n, order):
    """A fresh algebra."""
    return new_algebra(n, order)
