"""Every kernel of csrc/ once more, in plain NumPy: the specification, the oracle of
the tests, and the path of dtypes that have no kernel (float16, complex).

May import: NumPy.  Invariant: the same contract as csrc/dualdiff.h: the value of the
result is there on entry; a constant operand has None for terms; strong zero.
"""

import numpy as np


def times(a, b):
    """a b, where an exactly zero factor beats an infinite or NaN one."""
    with np.errstate(all="ignore"):
        c = a * b
        if np.isnan(c).any():
            c = np.where((a == 0) | (b == 0), np.zeros((), c.dtype), c)
    return c


def over(a, b):
    """a / b, where an exactly zero numerator beats everything."""
    with np.errstate(all="ignore"):
        c = a / b
        if np.isnan(c).any():
            c = np.where(a == 0, np.zeros((), c.dtype), c)
    return c


class Rows:
    """The rows of one operand: 0 the value, the others the terms; zero for a constant."""

    def __init__(self, alg, value, terms):
        self.value, self.terms, self.alg = value, terms, alg

    def __getitem__(self, i):
        if i == 0:
            return self.value
        if self.terms is None or i > len(self.terms):
            return np.zeros((), np.asarray(self.value).dtype)
        return self.terms[i - 1]


def pairs(alg, k):
    """(i, j) with both of degree >= 1 whose product is monomial k."""
    start, pi, pj = alg.pairs
    return zip(pi[start[k]:start[k + 1]].tolist(), pj[start[k]:start[k + 1]].tolist(), strict=True)


def euler(alg, k, x, h):
    """(1/d) sum of deg(i) x_i h_j, the pair (k, 0) included."""
    deg = alg.degrees
    inner = sum((int(deg[i]) * times(x[i], h[j]) for i, j in pairs(alg, k)), 0)
    return times(x[k], h[0]) + (inner / int(deg[k]) if deg[k] > 1 else 0)


def square(alg, k, x):
    """Monomial k of x x."""
    return 2 * times(x[0], x[k]) + sum((times(x[i], x[j]) for i, j in pairs(alg, k)), 0)


def add(alg, c, a, b, p):
    for k in range(1, alg.M):
        c[k] = a[k] + b[k]


def sub(alg, c, a, b, p):
    for k in range(1, alg.M):
        c[k] = a[k] - b[k]


def pos(alg, c, a, b, p):
    for k in range(1, alg.M):
        c[k] = a[k]


def neg(alg, c, a, b, p):
    for k in range(1, alg.M):
        c[k] = -a[k]


def mul(alg, c, a, b, p):
    for k in range(1, alg.M):
        c[k] = times(a[0], b[k]) + times(a[k], b[0]) + sum(
            (times(a[i], b[j]) for i, j in pairs(alg, k)), 0)


def div(alg, c, a, b, p):
    for k in range(1, alg.M):
        rest = a[k] - times(b[k], c[0]) - sum((times(b[i], c[j]) for i, j in pairs(alg, k)), 0)
        c[k] = over(rest, b[0])


def power(alg, c, a, b, p):
    D = alg.D
    if 0 <= p <= D and p == int(p):
        D = int(p)
    z = a[0] ** (p - D)
    for j in range(D - 1, -1, -1):
        rows = Rows(alg, z, c.terms)
        for k in range(int(alg.heads[alg.D - j + 1]) - 1, 0, -1):
            c[k] = times(p - j, euler(alg, k, a, rows))
        z = a[0] ** (p - j)


def sqrt(alg, c, a, b, p):
    for k in range(1, alg.M):
        rest = a[k] - sum((times(c[i], c[j]) for i, j in pairs(alg, k)), 0)
        c[k] = over(rest, 2 * c[0])


def exp(alg, c, a, b, p):
    for k in range(1, alg.M):
        c[k] = euler(alg, k, a, c)


def log(alg, c, a, b, p):
    deg = alg.degrees
    for k in range(1, alg.M):
        inner = sum((int(deg[i]) * times(c[i], a[j]) for i, j in pairs(alg, k)), 0)
        c[k] = over(a[k] - inner / int(deg[k]), a[0])


def expm1(alg, c, a, b, p):
    rows = Rows(alg, np.exp(a[0]), c.terms)
    for k in range(1, alg.M):
        c[k] = euler(alg, k, a, rows)


def log1p(alg, c, a, b, p):
    log(alg, c, Rows(alg, 1 + a[0], a.terms), b, p)


def _pair(alg, c, a, h0, sign_h, sign_c):
    h = Result(alg, h0, np.zeros_like(c.terms))
    for k in range(1, alg.M):
        c[k] = sign_c * euler(alg, k, a, h)
        h[k] = sign_h * euler(alg, k, a, c)


def sin(alg, c, a, b, p):
    _pair(alg, c, a, np.cos(a[0]), -1, 1)


def cos(alg, c, a, b, p):
    _pair(alg, c, a, np.sin(a[0]), 1, -1)


def sinh(alg, c, a, b, p):
    _pair(alg, c, a, np.cosh(a[0]), 1, 1)


def cosh(alg, c, a, b, p):
    _pair(alg, c, a, np.sinh(a[0]), 1, 1)


def _tangent(alg, c, a, h0, sign):
    h = Result(alg, h0, np.zeros_like(c.terms))
    for k in range(1, alg.M):
        c[k] = euler(alg, k, a, h)
        h[k] = sign * square(alg, k, c)


def tan(alg, c, a, b, p):
    _tangent(alg, c, a, 1 + c[0] * c[0], 1)


def tanh(alg, c, a, b, p):
    if np.iscomplexobj(a[0]):
        r = 1 / np.cosh(a[0])
        h = r * r
    else:
        q = np.exp(-2 * np.abs(a[0]))
        r = 1 + q
        h = 4 * q / (r * r)
    _tangent(alg, c, a, h, -1)


def abs(alg, c, a, b, p):
    for k in range(1, alg.M):
        c[k] = times(np.sign(a[0]), a[k])


def pick(alg, c, a, b, p):
    nan = np.isnan(c[0])
    from_a = (a[0] == c[0]) | nan & np.isnan(a[0])
    from_b = (b[0] == c[0]) | nan & np.isnan(b[0])
    for k in range(1, alg.M):
        c[k] = (np.where(from_a, np.where(from_b, a[k] / 2, a[k]), 0)
                + np.where(from_b, np.where(from_a, b[k] / 2, b[k]), 0))


maximum = minimum = pick


def choose(alg, c, a, b, mask):
    for k in range(1, alg.M):
        c[k] = np.where(mask, a[k], b[k])


def chain(alg, c, a, b, p):
    for k in range(1, alg.M):
        c[k] = euler(alg, k, a, b)


KERNELS = {"maximum": maximum, "minimum": minimum} | {f.__name__: f for f in (
    add, sub, pos, neg, mul, div, power, sqrt, exp, log, expm1, log1p, sin, cos, tan, sinh, cosh,
    tanh, abs, pick, choose, chain)}


class Result(Rows):
    """Rows that can be set."""

    def __setitem__(self, k, row):
        self.terms[k - 1] = row


class FirstOrder:
    """The algebra of one seed to order 1: its only row of terms may stand for many at once."""

    D, M = 1, 2
    degrees, heads = np.array([0, 1]), np.array([0, 1, 2])
    pairs = np.zeros(3, int), np.zeros(0, int), np.zeros(0, int)


def run(name, alg, value, a, b, p):
    """Terms of kernel `name`; value: of the result; a, b: (value, terms or None), b may be None.

    p: the exponent of `power`, the mask of `choose`.
    """
    value = np.asarray(value)
    out = np.zeros((alg.M - 1, *value.shape), value.dtype)
    operands = [None if x is None else aligned(x, value.ndim) for x in (a, b)]
    if alg.D == 1:  # no term depends on another one
        alg, rows = FirstOrder, out[None]
        operands = [None if x is None else (x[0], None if x[1] is None else x[1][None])
                    for x in operands]
    else:
        rows = out
    operands = [None if x is None else Rows(alg, *x) for x in operands]
    with np.errstate(all="ignore"):
        KERNELS[name](alg, Result(alg, value, rows), *operands, p)
    return out


def aligned(x, ndim):
    """(value, terms) with axes of length 1 inserted so that the rows broadcast to ndim axes."""
    value, terms = np.asarray(x[0]), x[1]
    if terms is not None and value.ndim < ndim:
        terms = terms.reshape(terms.shape[:1] + (1,) * (ndim - value.ndim) + value.shape)
    return value, terms
