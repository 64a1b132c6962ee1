"""Forms for scipy.special that keep their digits: Taylor coefficients and differences.

Derivatives of many special functions are textbook differences of nearly equal terms
(erfcx' = 2 x erfcx - 2/sqrt(pi), i0e' = i1e - i0e).  Here are the integrals, continued
fractions and sums of one sign that stand for them.

Functions named c_* take plain values (float64 or complex) and an order, and return the
list of Taylor coefficients 1 .. order.  May import: NumPy; SciPy's functions through
`S`, which is looked up when used.
"""

import decimal
import functools
import math

import numpy as np

from dualdiff.rows._special_entries import S, gauss, plain

SQRT_PI = math.sqrt(math.pi)


# ---- erfcx, wofz, dawsn ------------------------------------------------------------


def c_erfcx(x, order):
    """(-2)^n I_n, I_n = exp(x^2) i^n erfc(x): forward for x < 0.4, else by continued fraction.

    2 n I_n = I_(n-2) - 2 x I_(n-1), I_(-1) = 2/sqrt(pi) (DLMF 7.18.7); I_n is its minimal
    solution to the right, so that ratios I_n / I_(n-1) come from above.
    """
    x = np.asarray(x)
    if np.iscomplexobj(x):  # erfcx(z) = w(i z)
        return [1j**n * c for n, c in enumerate(c_wofz(1j * x, order), 1)]
    rows = [np.full(x.shape, 2 / SQRT_PI), np.asarray(S.erfcx(x))]
    for n in range(1, order + 1):
        rows.append((rows[-2] - 2 * x * rows[-1]) / (2 * n))
    right = x >= 0.4
    if right.any():
        z = x[right]
        for n, level in enumerate(minimal(z, rows[1][right], order), 1):
            rows[n + 1] = np.array(rows[n + 1])
            rows[n + 1][right] = level
    return [(-2.0) ** n * rows[n + 1] for n in range(1, order + 1)]


def minimal(z, level, order):
    """I_1 .. I_order from I_0 where Re z >= 0.4, by the continued fraction of their ratios."""
    # I_n falls as exp(-x sqrt(2n)), the other solution grows so: start where they differ
    # by exp(-40) from what they are at `order`.
    start = int((20 / np.min(np.real(z)) + math.sqrt(2.0 * order)) ** 2 / 2) + 12
    r, ratios = np.zeros_like(z), {}
    for n in range(start, 0, -1):
        r = 1 / (2 * z + 2 * (n + 1) * r)  # I_n / I_(n-1)
        ratios[n] = r
    out = []
    for n in range(1, order + 1):
        level = level * ratios[n]
        out.append(level)
    return out


WOFZ_LIFT, WOFZ_TERMS = 0.5, 50


def c_wofz(z, order):
    """w(z) = erfcx(-i z) above the real axis, by a series about z + i/2 close to it.

    Below it w(z) = 2 exp(-z^2) - w(-z).
    """
    z = np.asarray(z) + 0j
    below = z.imag < 0
    up = np.where(below, -z, z)
    lift = np.where(up.imag < WOFZ_LIFT, WOFZ_LIFT, 0.0)
    at = up + 1j * lift
    count = order + (WOFZ_TERMS if lift.any() else 0)
    high = minimal(-1j * at, np.asarray(S.wofz(at)), count)
    high = [2.0j**n * r for n, r in enumerate(high, 1)]  # (-i)^n (-2)^n I_n
    steps = [(-1j * lift) ** m for m in range(count - order + 1)]
    out = [sum(math.comb(n + m, n) * high[n + m - 1] * step for m, step in enumerate(steps))
           for n in range(1, order + 1)]
    if not below.any():
        return out
    h = gaussian(z, order)
    return [np.where(below, 2 * h[n] - (-1) ** n * out[n - 1], out[n - 1])
            for n in range(1, order + 1)]


def gaussian(z, order):
    """Coefficients 0 .. order of exp(-z^2)."""
    h = [np.exp(-z * z)]
    h.append(-2 * z * h[0])
    for n in range(2, order + 1):
        h.append(-2 * (z * h[n - 1] + h[n - 2]) / n)
    return h


def hazard(x):
    """phi(x)/Phi(x), the derivative of log_ndtr: -x + 1/(-x + 2/(-x + 3/ ...)) to the left."""
    value = np.real(plain(x))
    far, right = value < -4, value > 0
    a, b = np.where(right, x, 0.0), np.where(far | right, 0.0, x)
    near = np.where(right, np.exp(-0.5 * a * a) / (math.sqrt(2 * np.pi) * S.ndtr(a)),
                    math.sqrt(2 / np.pi) / S.erfcx(b * -math.sqrt(0.5)))
    if not np.any(far):
        return near
    t = -np.where(far, x, -4.0)
    tail = (np.sqrt(t * t + 320) - t) / 2  # that of equal terms, 80 / (t + 80 / (t + ...))
    for n in range(80, 0, -1):
        tail = n / (t + tail)
    return np.where(far, t + tail, near)


DAWSON_STEP, DAWSON_END, DAWSON_TERMS = 0.5, 8.0, 42


@functools.cache
def dawson_grid():
    """Taylor coefficients of Dawson's integral at 0, 0.5, ... 8, made with 80 digits once."""
    with decimal.localcontext() as context:
        context.prec = 80
        grid = []
        for i in range(int(DAWSON_END / DAWSON_STEP) + 1):
            x = decimal.Decimal(i) * decimal.Decimal(DAWSON_STEP)
            term, total, k = x, x, 0
            while term and abs(term) > decimal.Decimal(10) ** -78:
                k += 1
                term *= -2 * x * x / (2 * k + 1)
                total += term
            c = [total, 1 - 2 * x * total]
            for n in range(2, DAWSON_TERMS):  # D' = 1 - 2 x D
                c.append(-2 * (x * c[n - 1] + c[n - 2]) / n)
            grid.append([float(v) for v in c])
    return np.array(grid)


def c_dawsn(x, order):
    """Dawson's integral: a grid of expansions to 8, the asymptotic series beyond."""
    if np.iscomplexobj(x):  # sqrt(pi)/2 i (exp(-z^2) - w(z))
        w = c_wofz(x, order)
        h = gaussian(x, order)
        return [0.5j * SQRT_PI * (h[n] - w[n - 1]) for n in range(1, order + 1)]
    size, sign = np.abs(x), np.where(np.asarray(x) < 0, -1.0, 1.0)
    at = np.minimum(np.round(np.nan_to_num(size) / DAWSON_STEP), DAWSON_END / DAWSON_STEP)
    c, h = dawson_grid()[at.astype(int)], size - at * DAWSON_STEP
    out, far = [], size > DAWSON_END
    big = np.where(far, size, DAWSON_END)
    for n in range(1, order + 1):
        total = np.zeros(np.shape(x))
        for j in range(DAWSON_TERMS - 1, n - 1, -1):
            total = total * h + math.comb(j, n) * c[..., j]
        # sum over k of (2k-1)!!/2^(k+1) (-1)^n C(2k+n, n) / x^(2k+1+n)
        tail, factor = np.zeros(np.shape(x)), 0.5
        for k in range(40):
            tail = tail + factor * math.comb(2 * k + n, n) / big ** (2 * k)
            factor *= (2 * k + 1) / 2
        tail = (-1) ** n * tail / big ** (n + 1)
        out.append(sign ** (n + 1) * np.where(far, tail, total))
    return [np.where(np.isnan(size), np.nan, r) for r in out]


# ---- gamma family ------------------------------------------------------------------------


def c_psi(x, order):
    """psi^(k)/k! = (-1)^(k+1) zeta(k + 1, x)."""
    return [(-1) ** (k + 1) * hurwitz(k + 1.0, x) for k in range(1, order + 1)]


def c_gammaln(x, order):
    """psi, then (-1)^k zeta(k, x)/k."""
    return [S.psi(x), *((-1) ** k * hurwitz(float(k), x) / k for k in range(2, order + 1))]


def hurwitz(s, x):
    """zeta(s, x) for integer s >= 2, by reflection left of 0 (DLMF 5.15.6)."""
    x = np.asarray(x)
    if np.iscomplexobj(x):
        return _hurwitz_complex(int(s), x)
    value = np.asarray(S._zeta(s, np.where(x > 0, x, 1.0)))
    left = x <= 0
    if left.any():
        value = np.where(left, _reflected(int(s), np.where(left, x, -0.5)), value)
    return value


def _reflected(s, x):
    """zeta(s, x) by zeta(s, 1 - x) and the derivatives of pi cot(pi x), for x <= 0."""
    t = np.tan(np.pi * (x - np.round(x)))
    # p_k(y) with d^k/dx^k cot(pi x) = pi^k p_k(cot): p_(k+1) = -(1 + y^2) p_k'
    p = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(s - 1):
        p = -np.polynomial.Polynomial([1.0, 0.0, 1.0]) * p.deriv()
    cot = np.pi**s * p(1 / t) / math.factorial(s - 1)
    return (-1) ** (s - 1) * (cot + np.asarray(S._zeta(float(s), 1 - x)))


def _hurwitz_complex(s, z):
    """zeta(s, z) by Euler's and Maclaurin's sum."""
    shift, total = 16, np.zeros(z.shape, z.dtype)
    for j in range(shift):
        total = total + (z + j) ** -s
    z = z + shift
    total = total + z ** (1 - s) / (s - 1) + 0.5 * z**-s
    bernoulli = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
    rising = float(s)
    for k, b in enumerate(bernoulli, 1):
        total = total + b * rising / math.factorial(2 * k) * z ** (-s - 2 * k + 1)
        rising *= (s + 2 * k - 1) * (s + 2 * k)
    return total


def gap(a, b):
    """psi(a + b) - psi(a) without cancellation where b is small beside a."""
    small = (abs(b) < a) & (b > -0.5 * a)
    step = np.where(small, b, 0.0)
    base = np.where(small, a, 1.0)
    inside = sum(w * S._zeta(2.0, base + step * t) for t, w in gauss(14))
    return np.where(small, step * inside, S.psi(a + b) - S.psi(a))


def by_powers(a, b):
    """Whether powers of x and 1 - x serve: they neither leave the range nor cancel much."""
    return (a + b < 200) & (np.minimum(a, b) < 10)


def beta_pdf(a, b, x):
    """x^(a-1) (1-x)^(b-1) / B(a, b): by powers, by SciPy's where those leave the range."""
    small = by_powers(a, b)
    a1, b1 = np.where(small, a, 1.0), np.where(small, b, 1.0)
    near = np.power(x, a1 - 1) * np.power(1 - x, b1 - 1) / S.beta(a1, b1)
    return near if np.all(small) else np.where(small, near, S._beta_pdf(x, a, b))


def d_beta_pdf(x, a, b):
    """Its derivative in x: exact at its zeros where a + b is small."""
    small = by_powers(a, b)
    a1, b1 = np.where(small, a, 2.0), np.where(small, b, 2.0)
    line = (a1 - 1) * (1 - x) - (b1 - 1) * x
    near = line * np.power(x, a1 - 2) * np.power(1 - x, b1 - 2) / S.beta(a1, b1)
    if np.all(small):
        return near
    return np.where(small, near, S._beta_pdf(x, a, b) * ((a - 1) / x - (b - 1) / (1 - x)))


def gamma_pdf(a, x):
    """x^(a-1) exp(-x) / Gamma(a) for x >= 0, also for large a; a plain, x may be a number."""
    big = a >= 12
    wide = np.where(big, a, 12.0)
    delta = (x - wide) / wide
    # Stirling: log Gamma(a+1) = a log a - a + log(2 pi a)/2 + rest
    rest = 1 / (12 * wide) - 1 / (360 * wide**3) + 1 / (1260 * wide**5) - 1 / (1680 * wide**7)
    rest = rest + 1 / (1188 * wide**9) - 691 / (360360 * wide**11)
    far = np.exp(wide * S._log1pmx(delta) - rest) * np.sqrt(wide / (2 * np.pi)) / x
    low = np.where(big, 1.0, a)
    near = np.power(x, low - 1) * np.exp(-x) / S.gamma(low)
    return np.where(big, np.where(x > 0, far, 0.0), near)


# ---- others --------------------------------------------------------------------------------


def c_exprel(x, order, first=1):
    """Coefficients first .. order: E_k/k!, E_k = integral of s^k exp(x s) over 0..1."""
    near = np.abs(x) < 30
    mild = np.where(near, x, 0.0)
    rows, far = [], np.where(near, 1.0, x)
    tail = np.expm1(far) / far
    for k in range(order + 1):
        tail = (np.exp(far) - k * tail) / far if k else tail
        if k >= first:
            middle = sum(w * s**k * np.exp(mild * s) for s, w in gauss(40))
            rows.append(np.where(near, middle, tail) / math.factorial(k))
    return rows


def c_expn(n, x, order):
    """(-1)^k E_(n-k)/k!; E_(-m) = exp(-x) sum of m!/j! x^(j-m-1)."""

    def level(n):
        m = np.maximum(-n, 0)
        total, term = np.zeros(np.broadcast_shapes(np.shape(n), np.shape(x))), 1 / x
        for i in range(int(np.max(m, initial=0)) + 1):  # term: m!/(m-i)! x^(-i-1)
            total = total + np.where(i <= m, term, 0.0)
            term = term * np.maximum(m - i, 0) / x
        return np.where(n > 0, S.expn(np.maximum(n, 1).astype(int), x), np.exp(-x) * total)

    n = np.asarray(n)
    return [(-1) ** k * level(n - k) / math.factorial(k) for k in range(1, order + 1)]


def c_ellipk(m, order):
    """pi/2 2F1(1/2, 1/2; 1; m), every term positive after Euler's transformation."""
    return [math.pi / 2 * (rising(0.5, k) / math.factorial(k)) ** 2 * (1 - m) ** -k
            * S.hyp2f1(0.5, 0.5, k + 1.0, m) for k in range(1, order + 1)]


def c_ellipkm1(p, order):
    """ellipk(1 - p), p kept exact."""
    return [(-1) ** k * math.pi / 2 * (rising(0.5, k) / math.factorial(k)) ** 2 * p**-k
            * S.hyp2f1(0.5, 0.5, k + 1.0, 1 - p) for k in range(1, order + 1)]


def c_ellipe(m, order):
    """pi/2 2F1(-1/2, 1/2; 1; m)."""
    return [math.pi / 2 * rising(-0.5, k) * rising(0.5, k) / math.factorial(k) ** 2
            * (1 - m) ** (1 - k) * S.hyp2f1(1.5, 0.5, k + 1.0, m) for k in range(1, order + 1)]


def c_zeta(s, q, order):
    """(-1)^k (s)_k/k! zeta(s + k, q)."""
    return [(-1) ** k * np.prod([s + j for j in range(k)], axis=0) / math.factorial(k)
            * S._zeta(s + k, q) for k in range(1, order + 1)]


def rising(a, k):
    """a (a + 1) ... (a + k - 1)."""
    return math.prod(a + j for j in range(k))
