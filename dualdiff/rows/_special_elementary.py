"""Error, logistic, gamma, zeta functions and others of scipy.special: their lines.

May import: the entries, the forms, NumPy.
"""

import math

import numpy as np

from dualdiff._elementwise import sigmoids
from dualdiff._partials import by_coefficients
from dualdiff.rows import _special_forms as forms
from dualdiff.rows._special_entries import S, c, d, flat, gauss, plain, written
from dualdiff.rows._special_forms import gap

SQRT_PI, PI = math.sqrt(math.pi), math.pi
SQRT_2 = math.sqrt(2.0)
LN2, LN10, DEGREE = math.log(2.0), math.log(10.0), math.pi / 180


def d_erfinv(x):
    """exp(z^2) sqrt(pi)/2; it is erfcx(z)/(1 - x) sqrt(pi)/2 where z^2 would be rounded."""
    far, sign = np.abs(plain(x)) > 0.5, np.sign(plain(x))
    z = S.erfinv(x)
    a, b = np.where(far, 0.0, z), np.where(far, z * sign, 0.0)
    h = SQRT_PI / 2 * np.where(far, S.erfcx(b) / (1 - x * sign), np.exp(a * a))
    return np.where(np.abs(plain(x)) == 1, np.inf, h)


def d_erfcinv(y):
    """-erfcx(z)/y sqrt(pi)/2, from the nearer side."""
    low, z = plain(y) < 1, S.erfcinv(y)
    h = -SQRT_PI / 2 * S.erfcx(np.where(low, z, -z)) / np.where(low, y, 2 - y)
    return np.where((plain(y) == 0) | (plain(y) == 2), -np.inf, h)


def ratio(x, y):
    """x/y, 0 where x is 0."""
    return np.where(x == 0, 0.0, x / np.where(x == 0, 1.0, y))


def log_ratio(x, y):
    """log(x/y), also where x is close to y."""
    q = (x - y) / y
    close = np.abs(q) < 0.5
    return np.where(close, np.log1p(np.where(close, q, 0.0)), np.log(x / y))


def one_less_ratio(x, y):
    """1 - x/y, also where x is close to y."""
    q = (y - x) / y
    return np.where(np.abs(q) < 0.5, q, 1 - x / y)


def rgamma(x):
    """1/Gamma(x), entire: x (x + 1) ... rgamma(x + n) left of 3, by reflection left of -12."""
    value = np.real(plain(x))
    far, left = value < -12, value < 3
    a, product = np.where(far, 1.0, x), 1.0
    for _ in range(15 if left.any() else 0):
        low = np.real(plain(a)) < 3
        product = product * np.where(low, a, 1.0)
        a = a + np.where(low, 1.0, 0.0)
    near = product / S.gamma(a)
    if not far.any():
        return near
    turn = np.round(value)
    sign = np.where(turn % 2 == 0, 1.0, -1.0)
    mirrored = S.gamma(np.where(far, 1.0 - x, 1.0)) * np.sin(PI * (x - turn)) * sign / PI
    return np.where(far, mirrored, near)


def d_huber_delta(delta, r):
    return np.where(np.abs(r) <= delta, 0.0, np.abs(r) - delta)


def d_huber_r(delta, r):
    return np.where(np.abs(r) <= delta, r, delta * np.sign(r))


def d_pseudo_huber_delta(delta, r):
    """h + delta^2/h - 2 delta, h = hypot(delta, r); delta (s - 1)^2/s with s = h/delta,
    s - 1 = q^2/(s + 1), where delta is the larger.
    """
    less = plain(delta) < np.abs(plain(r))
    a, b = np.where(less, delta, 0.5), np.where(less, 0.5, delta)
    h, q = np.hypot(a, np.where(less, r, 0.5)), np.where(less, 0.5, r) / b
    s = np.sqrt(1 + q * q)
    return np.where(less, h + a * a / h - 2 * a, b * (q * q / (s + 1)) ** 2 / s)


def boxcox_lambda(log):
    """Derivative of L exprel(lambda L), L = log(x), in lambda."""

    def derivative(x, lam):
        l = log(x)
        return l * l * exprel1(lam * l)

    return derivative


def d_inv_boxcox(y, lmbda):
    """Derivative of log1p(lambda y)/lambda in lambda: -y^2 g(u), u = lambda y,
    g(u) = (log1p(u) - u/(1 + u))/u^2, by an integral over terms of one sign near 0.
    """
    u = lmbda * y
    close = np.abs(plain(u)) < 0.5
    a, b = np.where(close, u, 0.0), np.where(close, 1.0, u)
    near = sum(w * s / (1 + a * s) ** 2 for s, w in gauss(24))
    return -y * y * np.where(close, near, (np.log1p(b) - b / (1 + b)) / (b * b))


def _exprel1(u):
    """The derivative of exprel, of plain values."""
    wide = np.asarray(u, np.result_type(u, np.float64))
    return np.asarray(forms.c_exprel(wide, 1)[0], np.result_type(u, np.float16))


exprel1 = by_coefficients(_exprel1, lambda u, order: [
    (k + 1) * r for k, r in enumerate(forms.c_exprel(u, order + 1, first=2), 1)])


def sinh_ratio(x):
    """sinh(x)/x."""
    if plain(x).dtype.kind == "c":
        return np.sinc(1j * x / PI)
    return (S.exprel(x) + S.exprel(-x)) / 2


BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
             43867 / 798, -174611 / 330)


def over_one_more(w):
    return w / (1 + w)


def d_lambertw(z, k, tol):
    w = S._lambertw(z, k, tol)
    return np.exp(-w) / (1 + w)


def zeta_less(s, q, first):
    """Sum of (n + q)^-s over n >= first, by Euler's and Maclaurin's formula."""
    shift = max(first, 14)
    total = 0.0
    for n in range(first, shift):
        total = total + np.exp(-s * np.log(n + q))
    z = shift + q
    base = np.exp(-s * np.log(z))
    total = total + base * (z / (s - 1) + 0.5)
    rise, power = s, 1 / z
    for k, b in enumerate(BERNOULLI, 1):
        total = total + b / math.factorial(2 * k) * rise * power * base
        rise = rise * (s + 2 * k - 1) * (s + 2 * k)
        power = power / (z * z)
    return total


def zeta(s, q):
    """Hurwitz's zeta function in both arguments; by q alone see `_special_forms.c_zeta`."""
    return zeta_less(s, q, 0)


def zetac(s):
    """zeta(s) - 1; left of -1 by the functional equation."""
    left = np.real(plain(s)) < -1
    a = np.where(left, 1 - s, s)
    right = zeta_less(a, 0.0, 2)
    if not np.any(left):
        return right
    turn = np.round(np.real(plain(s)) / 2)
    sine = np.where(turn % 2 == 0, 1.0, -1.0) * np.sin(PI * (s / 2 - turn))
    b = np.where(left, a, 2.0)
    mirrored = 2 * np.exp(-b * math.log(2 * PI)) * sine * S.gamma(b) * (1 + right)
    return np.where(left, mirrored - 1, right)


def d_spence(z):
    """-log(z)/(z - 1), by an integral over terms of one sign near 1."""
    u = np.real(plain(z)) - 1
    close = (u > -0.5) & (u < 2) & (np.abs(np.imag(plain(z))) < 0.5)
    a, b = np.where(close, z, 1.0) - 1, np.where(close, 3.0, z)
    near = sum(w / (1 + a * s) for s, w in gauss(32))
    return -np.where(close, near, np.log(b) / (b - 1))


def wofz_slope(j):
    """Derivative j of wofz."""
    return by_coefficients(
        lambda z: forms.c_wofz(z, j)[-1] * math.factorial(j),
        lambda z, order: [r * math.factorial(k + j) / math.factorial(k) for k, r in enumerate(
            forms.c_wofz(z, order + j)[j:], 1)])


wofz1, wofz2 = wofz_slope(1), wofz_slope(2)


def voigt(slope, x, sigma, gamma, j):
    """Derivative j of w((x + i gamma)/(sigma sqrt 2))/(sigma sqrt(2 pi)) in x."""
    z = (x + 1j * gamma) / (SQRT_2 * sigma)
    return slope(z) / (math.sqrt(2 * PI) * sigma * (SQRT_2 * sigma) ** j)


def d_voigt_sigma(x, sigma, gamma):
    """sigma times the second derivative in x, as of everything spread by a Gaussian."""
    return sigma * np.real(voigt(wofz2, x, sigma, gamma, 2))


def modfresnel(sign):
    """sqrt(pi)/2 turn erfc(z) and erfcx(z)/2 with z = x/turn, turn = exp(+-i pi/4)."""
    turn = np.exp(0.25j * PI * sign)

    def body(x):
        z = x / turn
        return SQRT_PI / 2 * turn * S.erfc(z), S.erfcx(z) / 2

    return body


ANY, POS = (-6.0, 6.0), (1e-3, 40.0)

TABLE = {
    # error functions
    "erf": d(lambda x: 2 / SQRT_PI * np.exp(-x * x), on=[ANY]),
    "erfc": d(lambda x: -2 / SQRT_PI * np.exp(-x * x), on=[(-6.0, 26.0)]),
    "erfi": d(lambda x: 2 / SQRT_PI * np.exp(x * x), on=[ANY]),
    "erfcx": c(forms.c_erfcx, on=[(-5.0, 1e4)]),
    "dawsn": c(forms.c_dawsn, on=[(-1e3, 1e3)]),
    "wofz": c(forms.c_wofz, on=[ANY]),
    "erfinv": d(d_erfinv, on=[(-1 + 1e-9, 1 - 1e-9)]),
    "erfcinv": d(d_erfcinv, on=[(1e-200, 2 - 1e-9)]),
    "fresnel": d(lambda z: (np.sin(PI / 2 * z * z), np.cos(PI / 2 * z * z)), on=[ANY]),
    "modfresnelp": written(modfresnel(1), on=[(0.0, 6.0)]),
    "modfresnelm": written(modfresnel(-1), on=[(0.0, 6.0)]),
    "voigt_profile": d(
        lambda x, sigma, gamma: np.real(voigt(wofz1, x, sigma, gamma, 1)), d_voigt_sigma,
        lambda x, sigma, gamma: -np.imag(voigt(wofz1, x, sigma, gamma, 1)),
        on=[(-6.0, 6.0), (0.1, 3.0), (0.1, 3.0)]),
    # logistic functions and entropies
    "expit": written(lambda x: sigmoids(x, np.e)[0], on=[(-700.0, 700.0)]),
    "logit": d(lambda x: 1 / (x * (1 - x)), on=[(1e-300, 1 - 1e-9)]),
    "log_expit": d(lambda x: S.expit(-x), on=[(-700.0, 700.0)]),
    "xlogy": d(lambda x, y: np.log(y), ratio, on=[(-3.0, 9.0), POS]),
    "xlog1py": d(lambda x, y: np.log1p(y), lambda x, y: ratio(x, 1 + y),
                 on=[(-3.0, 9.0), (-0.9, 40.0)]),
    "entr": d(lambda x: -np.log(x) - 1, on=[POS]),
    "rel_entr": d(lambda x, y: log_ratio(x, y) + 1, lambda x, y: -x / y, on=[POS, POS]),
    "kl_div": d(log_ratio, one_less_ratio, on=[POS, POS]),
    "huber": d(d_huber_delta, d_huber_r, on=[(0.5, 2.0), (-3.0, 3.0)]),
    "pseudo_huber": d(d_pseudo_huber_delta, lambda delta, r: r / np.sqrt(1 + (r / delta) ** 2),
                      on=[(0.5, 20.0), (-3.0, 3.0)]),
    "boxcox": d(lambda x, lmbda: np.power(x, lmbda - 1), boxcox_lambda(np.log),
                on=[POS, (-2.0, 2.0)]),
    "boxcox1p": d(lambda x, lmbda: np.power(1 + x, lmbda - 1), boxcox_lambda(np.log1p),
                  on=[(-0.9, 9.0), (-2.0, 2.0)]),
    "inv_boxcox": d(lambda y, lmbda: S.inv_boxcox(y, lmbda) / (1 + lmbda * y),
                    lambda y, lmbda: S.inv_boxcox(y, lmbda) * d_inv_boxcox(y, lmbda),
                    on=[(0.1, 3.0), (0.0, 2.0)]),
    "inv_boxcox1p": d(lambda y, lmbda: (1 + S.inv_boxcox1p(y, lmbda)) / (1 + lmbda * y),
                      lambda y, lmbda: (1 + S.inv_boxcox1p(y, lmbda)) * d_inv_boxcox(y, lmbda),
                      on=[(0.1, 3.0), (0.0, 2.0)]),
    # exponentials and powers
    "exprel": c(forms.c_exprel, on=[(-200.0, 200.0)]),
    "expm1": d(lambda x: np.exp(x), on=[ANY]),
    "log1p": d(lambda x: 1 / (1 + x), on=[(-0.9, 40.0)]),
    "_log1pmx": d(lambda x: -x / (1 + x), on=[(-0.9, 9.0)]),
    "cosm1": d(lambda x: -np.sin(x), on=[ANY]),
    "exp2": d(lambda x: LN2 * S.exp2(x), on=[ANY]),
    "exp10": d(lambda x: LN10 * S.exp10(x), on=[ANY]),
    "cbrt": d(lambda x: 1 / (3 * S.cbrt(x) ** 2), on=[(-6.0, -0.1)]),
    "powm1": d(lambda x, y: y * np.power(x, y - 1), lambda x, y: np.power(x, y) * np.log(x),
               on=[POS, (-3.0, 3.0)]),
    "sindg": d(lambda x: DEGREE * S.cosdg(x), on=[(-400.0, 400.0)]),
    "cosdg": d(lambda x: -DEGREE * S.sindg(x), on=[(-400.0, 400.0)]),
    "tandg": d(lambda x: DEGREE * (1 + S.tandg(x) ** 2), on=[(-80.0, 80.0)]),
    "cotdg": d(lambda x: -DEGREE * (1 + S.cotdg(x) ** 2), on=[(10.0, 170.0)]),
    "radian": d(lambda d, m, s: DEGREE + 0 * d, lambda d, m, s: DEGREE / 60 + 0 * m,
                lambda d, m, s: DEGREE / 3600 + 0 * s, on=[ANY, ANY, ANY]),
    "wrightomega": d(lambda z: over_one_more(S.wrightomega(z)), on=[(-20.0, 40.0)]),
    "_lambertw": d(d_lambertw, None, None, on=[(-0.3, 40.0), [0], [1e-8]],
                   why="the branch and the tolerance are settings"),
    "round": flat([ANY]),
    # gamma and its kin
    "gamma": d(lambda x: S.gamma(x) * S.psi(x), on=[(0.01, 60.0)]),
    "gammaln": c(forms.c_gammaln, on=[(1e-3, 1e6)]),
    "loggamma": c(forms.c_gammaln, on=[(1e-3, 1e6)]),
    "gammasgn": flat([ANY]),
    "rgamma": written(rgamma, on=[(-6.0, 30.0)]),
    "psi": c(forms.c_psi, on=[(1e-3, 1e6)]),
    "poch": d(lambda z, m: S.poch(z, m) * gap(z, m), lambda z, m: S.poch(z, m) * S.psi(z + m),
              on=[(0.1, 40.0), (0.1, 5.0)]),
    "binom": d(lambda n, k: S.binom(n, k) * gap(n - k + 1, k),
               lambda n, k: S.binom(n, k) * (S.psi(n - k + 1) - S.psi(k + 1)),
               on=[(6.0, 40.0), (0.1, 5.0)]),
    "beta": d(lambda a, b: -S.beta(a, b) * gap(a, b), lambda a, b: -S.beta(a, b) * gap(b, a),
              on=[(0.1, 40.0), (0.1, 40.0)]),
    "betaln": d(lambda a, b: -gap(a, b), lambda a, b: -gap(b, a), on=[(0.1, 1e6), (0.1, 40.0)]),
    "_zeta": c(forms.c_zeta, on=[[1.5, 3.0], (0.1, 40.0)], place=1),
    "_riemann_zeta": written(lambda s: zetac(s), on=[(-7.5, 30.0)]),
    "zetac": written(zetac, on=[(-7.5, 30.0)]),
    "spence": d(d_spence, on=[(1e-6, 40.0)]),
    # exponential integrals
    "expi": d(lambda x: np.exp(x) / x, on=[(0.1, 40.0)]),
    "exp1": d(lambda x: -np.exp(-x) / x, on=[(1e-3, 40.0)]),
    "expn": c(forms.c_expn, on=[[0, 1, 3, 9], (0.01, 40.0)], place=1),
    "sici": d(lambda x: (np.sinc(x / PI), np.cos(x) / x), on=[(0.01, 40.0)]),
    "shichi": d(lambda x: (sinh_ratio(x), np.cosh(x) / x), on=[(0.01, 40.0)]),
}
