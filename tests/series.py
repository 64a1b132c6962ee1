"""Series of arrays by hand: numbers of random coefficients, their products in plain loops.

May import: the algebra, the number, NumPy.  Invariant: no code shared with the rows; the
product goes over the definition of the product table, pair by pair.
"""

import numpy as np

from dualdiff._algebra import new_algebra, unite
from dualdiff._taylor import Taylor, make, parts, unify

ALGEBRAS = {
    "gradient": lambda: new_algebra(3, 1),
    "hessian": lambda: new_algebra(2, 2),
    "cubic": lambda: new_algebra(2, 3),
    "quartic": lambda: new_algebra(2, 4),
    "nested": lambda: unite(new_algebra(1, 2), new_algebra(2, 1))[0],
    "taylor": lambda: new_algebra(1, 8),
}


def random(shape, dtype, rng):
    """Standard normal elements."""
    a = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.normal(size=shape)
    return np.asarray(a).astype(dtype)


def randomly(alg, value, rng, size=1.0, map=lambda t: t):
    """The number with this value and random terms; map: applied to each coefficient."""
    value = np.asarray(value)
    terms = size * random((alg.M - 1, *value.shape), value.dtype, rng)
    terms = np.stack([map(t) for t in terms]).astype(value.dtype)
    return make(alg, value, terms)


def rows(alg, x):
    """Coefficients of all monomials: shape (M, *shape)."""
    if type(x) is not Taylor:
        x = np.asarray(x)
        return np.concatenate([x[None], np.zeros((alg.M - 1, *x.shape), x.dtype)])
    _, ((value, terms), _) = unify(x, make(alg, np.zeros(()), np.zeros(alg.M - 1)))
    return np.concatenate([np.asarray(value)[None], terms])


def times(alg, a, b, f=np.matmul):
    """Rows of the truncated product, pair by pair."""
    start, pi, pj = alg.pairs
    out = [f(a[0], b[0])]
    for k in range(1, alg.M):
        c = f(a[0], b[k]) + f(a[k], b[0])
        for i, j in zip(pi[start[k]:start[k + 1]], pj[start[k]:start[k + 1]], strict=True):
            c = c + f(a[i], b[j])
        out.append(c)
    return np.array(out)


def adjoint(a):
    """Conjugate transpose of every matrix."""
    return np.swapaxes(a, -1, -2).conj()


def on_line(alg, x, v):
    """Coefficients in t of a number whose seeds are t v: shape (D + 1, *shape)."""
    r = rows(alg, x)
    out = np.zeros((alg.D + 1, *r.shape[1:]), r.dtype)
    for k in range(alg.M):
        inside = [s for part in alg.multi_index(k) for s in part]
        out[len(inside)] += r[k] * np.prod(np.asarray(v)[inside])
    return out


def line(alg, x, v):
    """The univariate number of on_line."""
    c = on_line(alg, x, v)
    return make(new_algebra(1, alg.D), c[0], c[1:])


def close(got, want, tol=1e-11, size=1):
    """Equal up to tol times the largest coefficient wanted, or size if that is more."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, (got.shape, want.shape)
    scale = max(np.abs(want).max(initial=0), size)
    np.testing.assert_allclose(got, want, rtol=0, atol=tol * scale)


__all__ = ["ALGEBRAS", "adjoint", "close", "line", "on_line", "parts", "random", "randomly",
           "rows", "times"]
