"""scipy.special's functions as mpmath knows them, and their Taylor coefficients in a file.

`special_values.txt` holds, for every differentiable argument of the table and points over
its domain, the coefficients 0 .. ORDER + 1 to 24 digits.  `python tests/special_oracles.py
[names]` makes the lines that are missing and drops those that no case asks for; with names,
makes theirs again.  A test computes a sample of the lines anew.

May import: mpmath, SciPy, the table for its domains.  Invariant: no form of the library is
used here, only definitions.
"""

import itertools
import math
import pathlib
import sys

import numpy as np
import scipy.special as S
from mpmath import mp

from dualdiff.rows.special import TABLE

ORDER = 8
DIGITS = 20
FILE = pathlib.Path(__file__).with_name("special_values.txt")


def ndtr(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def gammainc(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def gammaincc(a, x):
    return mp.gammainc(a, x, regularized=True)


def betainc(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


def voigt_profile(x, s, g):
    z = (x + 1j * g) / (s * mp.sqrt(2))
    w = mp.exp(-z * z) * mp.erfc(-1j * z)
    return mp.re(w) / (s * mp.sqrt(2 * mp.pi))


def modfresnel(sign):
    def turn():
        return mp.expjpi(mp.mpf(sign) / 4)

    return (lambda x: mp.sqrt(mp.pi) / 2 * turn() * mp.erfc(x / turn()),
            lambda x: mp.exp(-sign * 1j * x * x) * mp.erfc(x / turn()) / 2)


def lpmv(m, v, x):
    """(-1)^m (1 - x^2)^(m/2) times derivative m of Legendre's polynomial."""
    p = np.polynomial.Legendre.basis(int(v)).convert(kind=np.polynomial.Polynomial).deriv(int(m))
    return (-1) ** int(m) * (1 - x * x) ** (m / 2) * mp.polyval(list(map(float, p.coef))[::-1], x)


def f_cdf(m, n, x):
    return betainc(m / 2, n / 2, m * x / (m * x + n))


def chi2_pdf(x, v, nc):
    q = nc * x / 4
    return mp.exp(-(x + nc) / 2) * (x / 2) ** (v / 2 - 1) * mp.hyp0f1(v / 2, q) / (
        2 * mp.gamma(v / 2))


def t_cdf(v, t):
    return mp.mpf(1) / 2 + t * mp.gamma((v + 1) / 2) / (
        mp.sqrt(v * mp.pi) * mp.gamma(v / 2)) * mp.hyp2f1(0.5, (v + 1) / 2, 1.5, -t * t / v)


def kolmogorov(y):
    return 1 - mp.sqrt(2 * mp.pi) / y * mp.nsum(
        lambda k: mp.exp(-((2 * k - 1) * mp.pi / y) ** 2 / 8), [1, 12]) if y < 1 else \
        2 * mp.nsum(lambda k: (-1) ** (int(k) - 1) * mp.exp(-2 * (k * y) ** 2), [1, 40])


class Inverse:
    """The inverse of a function in its last argument, by Newton from SciPy's double."""

    def __init__(self, f, start):
        self.f, self.start = f, start

    def taylor(self, args, place, order):
        assert place == len(args) - 1
        *rest, y = args
        start = float(self.start(*map(float, args)))
        with mp.workdps(50):
            slope = taylor(lambda x: self.f(*rest, x), mp.mpf(start), 1)[1]
            x = mp.mpf(start)
            for _ in range(20):  # one slope for all steps: 15 digits more in each
                step = (self.f(*rest, x) - y) / slope
                x -= step
                if abs(step) < mp.mpf(10) ** -45 * abs(x):
                    break
            else:
                raise ArithmeticError(f"no inverse at {args}")
        a = taylor(lambda x: self.f(*rest, x), x, order)
        with mp.workdps(50):
            b = [mp.zero, 1 / a[1]]  # x = sum of b_k (y - y0)^k by reversion
            for k in range(2, order + 1):
                b.append(mp.zero)
                b[k] = -composed(a, b, k) / a[1]
            return [x, *b[1:]]


def composed(a, b, k):
    """Coefficient k of sum of a_j (b_1 u + b_2 u^2 + ...)^j over j >= 1."""
    power, total = [mp.one] + [mp.zero] * k, mp.zero
    for j in range(1, k + 1):
        power = [mp.fsum(power[i] * b[m - i] for i in range(m)) for m in range(k + 1)]
        total += a[j] * power[k]
    return total


class Integral:
    """A function by its derivatives and its value: for integrals that mpmath takes slowly."""

    def __init__(self, f, *derivatives):
        self.f, self.derivatives = f, derivatives

    def taylor(self, args, place, order):
        with mp.workdps(30):
            value = self.f(*args) if self.f else mp.nan
        d = self.derivatives[place]
        rest = taylor(lambda x: d(*args[:place], x, *args[place + 1:]), args[place], order - 1)
        return [value, *(c / k for k, c in enumerate(rest, 1))]


class Bessel:
    """Bessel's equation: y and y' from the function, the other coefficients by recurrence.

    sign: -1 for the modified functions; slope: y' = slope f(v - 1, x) - v f(v, x)/x;
    rate: of an exponential of x before it, times sign(x) if side.
    """

    def __init__(self, f, sign=1, slope=1, rate=0, side=False):
        self.f, self.sign, self.slope, self.rate, self.side = f, sign, slope, rate, side

    def taylor(self, args, place, order):
        v, x = args
        with mp.workdps(80):
            c = [self.f(v, x)]
            c.append(self.slope * self.f(v - 1, x) - v * c[0] / x)
            for k in range(order - 1):
                rest = (2 * k + 1) * (k + 1) * x * c[k + 1] + (k * k - v * v) * c[k]
                rest += self.sign * sum(w * c[k - j] for j, w in enumerate((x * x, 2 * x, 1))
                                        if k >= j)
                c.append(-rest / (x * x * (k + 2) * (k + 1)))
            rate = self.rate * (mp.sign(x) if self.side else 1)
            e = [mp.exp(rate * x) * rate**k / mp.factorial(k) for k in range(order + 1)]
            return [mp.fsum(c[j] * e[k - j] for j in range(k + 1)) for k in range(order + 1)]


class Order:
    """A function of fixed order."""

    def __init__(self, f, v):
        self.f, self.v = f, v

    def taylor(self, args, place, order):
        return self.f.taylor([mp.mpf(self.v), *args], 1, order)


class Spherical:
    """sqrt(pi/(2 x)) f(n + 1/2, x), or its derivative."""

    def __init__(self, f, slope):
        self.f, self.slope = f, slope

    def taylor(self, args, place, order):
        n, x = args
        with mp.workdps(80):
            c = self.f.taylor([n + mp.mpf(1) / 2, x], 1, order + 1)
            root = [mp.sqrt(mp.pi / (2 * x)) * mp.binomial(-mp.mpf(1) / 2, k) / x**k
                    for k in range(order + 2)]
            c = [mp.fsum(c[j] * root[k - j] for j in range(k + 1)) for k in range(order + 2)]
        return [k * r for k, r in enumerate(c)][1:] if self.slope else c[:-1]


class Turned:
    """A part of f(0, exp(turn i pi/4) x), f a Bessel function, or of its derivative in x."""

    def __init__(self, f, turn, part, slope):
        self.f, self.turn, self.part, self.slope = f, turn, part, slope

    def taylor(self, args, place, order):
        with mp.workdps(80):
            e = mp.expjpi(mp.mpf(self.turn) / 4)
            c = self.f.taylor([mp.zero, args[0] * e], 1, order + 1)
            c = [self.part(r * e**k) for k, r in enumerate(c)]
        return [k * r for k, r in enumerate(c)][1:] if self.slope else c[:-1]


def taylor(f, x, order):
    """Taylor coefficients of f at x, to 24 digits, by forward differences."""
    size = 92
    with mp.workprec((order + 1) * size + 120):
        h = mp.ldexp(min(abs(x), mp.one) if x else mp.one, -size)
        row = [f(x + k * h) for k in range(order + 1)]
        out = [row[0]]
        for k in range(1, order + 1):
            row = [b - a for a, b in zip(row[:-1], row[1:], strict=True)]
            out.append(row[0] / (mp.factorial(k) * h**k))
        return out


J, Y = Bessel(mp.besselj), Bessel(mp.bessely)
I, K = Bessel(mp.besseli, -1), Bessel(mp.besselk, -1, -1)


MP = {
    # error functions
    "erf": mp.erf,
    "erfc": mp.erfc,
    "erfi": mp.erfi,
    "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "dawsn": lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x),
    "wofz": lambda z: mp.exp(-z * z) * mp.erfc(-1j * z),
    "erfinv": Inverse(mp.erf, S.erfinv),
    "erfcinv": Inverse(mp.erfc, S.erfcinv),
    "ndtr": ndtr,
    "log_ndtr": lambda x: mp.log(ndtr(x)),
    "ndtri": Inverse(ndtr, S.ndtri),
    "ndtri_exp": Inverse(lambda x: mp.log(ndtr(x)), S.ndtri_exp),
    "fresnel": (mp.fresnels, mp.fresnelc),
    "owens_t": Integral(
        lambda h, a: mp.quad(lambda t: mp.exp(-h * h * (1 + t * t) / 2) / (1 + t * t),
                             [0, a]) / (2 * mp.pi),
        lambda h, a: -mp.exp(-h * h / 2) * mp.erf(a * h / mp.sqrt(2)) / mp.sqrt(8 * mp.pi),
        lambda h, a: mp.exp(-h * h * (1 + a * a) / 2) / (2 * mp.pi * (1 + a * a))),
    "modfresnelp": modfresnel(1),
    "modfresnelm": modfresnel(-1),
    "voigt_profile": voigt_profile,
    # logistic functions and entropies
    "expit": lambda x: 1 / (1 + mp.exp(-x)),
    "logit": lambda x: mp.log(x / (1 - x)),
    "log_expit": lambda x: -mp.log1p(mp.exp(-x)),
    "xlogy": lambda x, y: x * mp.log(y),
    "xlog1py": lambda x, y: x * mp.log1p(y),
    "entr": lambda x: -x * mp.log(x),
    "rel_entr": lambda x, y: x * mp.log(x / y),
    "kl_div": lambda x, y: x * mp.log(x / y) - x + y,
    "huber": lambda d, r: r * r / 2 if abs(r) <= d else d * (abs(r) - d / 2),
    "pseudo_huber": lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1),
    "boxcox": lambda x, k: mp.expm1(k * mp.log(x)) / k if k else mp.log(x),
    "boxcox1p": lambda x, k: mp.expm1(k * mp.log1p(x)) / k if k else mp.log1p(x),
    "inv_boxcox": lambda y, k: mp.exp(mp.log1p(k * y) / k) if k else mp.exp(y),
    "inv_boxcox1p": lambda y, k: mp.expm1(mp.log1p(k * y) / k) if k else mp.expm1(y),
    # exponentials and powers
    "exprel": lambda x: mp.expm1(x) / x if x else mp.mpf(1),
    "expm1": mp.expm1,
    "log1p": mp.log1p,
    "_log1pmx": lambda x: mp.log1p(x) - x,
    "cosm1": lambda x: -2 * mp.sin(x / 2) ** 2,
    "exp2": lambda x: mp.mpf(2) ** x,
    "exp10": lambda x: mp.mpf(10) ** x,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
    "powm1": lambda x, y: mp.expm1(y * mp.log(x)),
    "sindg": lambda x: mp.sin(mp.pi * x / 180),
    "cosdg": lambda x: mp.cos(mp.pi * x / 180),
    "tandg": lambda x: mp.tan(mp.pi * x / 180),
    "cotdg": lambda x: mp.cot(mp.pi * x / 180),
    "radian": lambda d, m, s: mp.pi / 180 * (d + m / 60 + s / 3600),
    "wrightomega": Inverse(lambda x: x + mp.log(x), S.wrightomega),
    "_lambertw": lambda z, k, tol: mp.lambertw(z, int(k)),
    # gamma and its kin
    "gamma": mp.gamma,
    "gammaln": lambda x: mp.log(abs(mp.gamma(x))),
    "loggamma": mp.loggamma,
    "rgamma": mp.rgamma,
    "psi": mp.digamma,
    "poch": mp.rf,
    "binom": mp.binomial,
    "beta": mp.beta,
    "betaln": lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b),
    "_zeta": mp.zeta,
    "_riemann_zeta": mp.zeta,
    "zetac": lambda s: mp.zeta(s) - 1,
    "spence": lambda z: (mp.re if mp.im(z) == 0 else mp.mpmathify)(mp.polylog(2, 1 - z)),
    # distributions
    "gammainc": gammainc,
    "gammaincc": gammaincc,
    "gammaincinv": Inverse(gammainc, S.gammaincinv),
    "gammainccinv": Inverse(gammaincc, S.gammainccinv),
    "gdtr": lambda a, b, x: gammainc(b, a * x),
    "gdtrc": lambda a, b, x: gammaincc(b, a * x),
    "pdtr": lambda k, m: gammaincc(k + 1, m),
    "pdtrc": lambda k, m: gammainc(k + 1, m),
    "chdtr": lambda v, x: gammainc(v / 2, x / 2),
    "chdtrc": lambda v, x: gammaincc(v / 2, x / 2),
    "chdtri": Inverse(lambda v, x: gammaincc(v / 2, x / 2), S.chdtri),
    "pdtri": Inverse(lambda k, m: gammaincc(k + 1, m), S.pdtri),
    "chndtr": Integral(None, chi2_pdf, None, lambda x, v, nc: -chi2_pdf(x, v + 2, nc)),
    "bdtr": lambda k, n, p: betainc(n - k, k + 1, 1 - p),
    "bdtrc": lambda k, n, p: betainc(k + 1, n - k, p),
    "bdtri": Inverse(lambda k, n, p: betainc(n - k, k + 1, 1 - p), S.bdtri),
    "nbdtr": lambda k, n, p: betainc(n, k + 1, p),
    "nbdtrc": lambda k, n, p: betainc(k + 1, n, 1 - p),
    "nbdtri": Inverse(lambda k, n, p: betainc(n, k + 1, p), S.nbdtri),
    "fdtr": f_cdf,
    "fdtrc": lambda m, n, x: 1 - f_cdf(m, n, x),
    "fdtri": Inverse(f_cdf, S.fdtri),
    "stdtrit": Inverse(t_cdf, S.stdtrit),
    "kolmogorov": kolmogorov,
    "kolmogi": Inverse(kolmogorov, S.kolmogi),
    "_cosine_cdf": lambda x: (mp.pi + x + mp.sin(x)) / (2 * mp.pi),
    "_beta_pdf": lambda x, a, b: x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b),
    "betainc": betainc,
    "betaincc": lambda a, b, x: betainc(b, a, 1 - x),
    "betaincinv": Inverse(betainc, S.betaincinv),
    "betainccinv": Inverse(lambda a, b, x: betainc(b, a, 1 - x), S.betainccinv),
    "stdtr": t_cdf,
    # exponential integrals
    "expi": mp.ei,
    "exp1": mp.e1,
    "expn": lambda n, x: mp.expint(int(n), x),
    "sici": (mp.si, mp.ci),
    "shichi": (mp.shi, mp.chi),
    # Bessel functions and their kin
    "jv": J, "yv": Y, "yn": Y, "iv": I, "kv": K, "kn": K, "jve": J, "yve": Y,
    "hankel1": Bessel(mp.hankel1), "hankel2": Bessel(mp.hankel2),
    "ive": Bessel(mp.besseli, -1, 1, -1, side=True),
    "kve": Bessel(mp.besselk, -1, -1, 1),
    "hankel1e": Bessel(mp.hankel1, rate=-1j), "hankel2e": Bessel(mp.hankel2, rate=1j),
    **{f"{k}{v}": Order(f, v) for k, f in zip("jyik", (J, Y, I, K), strict=True)
       for v in (0, 1)},
    **{f"i{v}e": Order(Bessel(mp.besseli, -1, 1, -1, side=True), v) for v in (0, 1)},
    **{f"k{v}e": Order(Bessel(mp.besselk, -1, -1, 1), v) for v in (0, 1)},
    "airy": (mp.airyai, lambda x: mp.airyai(x, derivative=1), mp.airybi,
             lambda x: mp.airybi(x, derivative=1)),
    "airye": tuple(
        lambda x, f=f, s=s, n=n: f(x, derivative=n) * mp.exp(s * x * mp.sqrt(x) / 3)
        for f, s in ((mp.airyai, 2), (mp.airybi, -2)) for n in (0, 1)),
    **{f"{k}{part}{'p' * slope}": Turned(f, turn, pick, slope)
       for k, f, turn in (("be", J, 3), ("ke", K, 1))
       for part, pick in (("r", mp.re), ("i", mp.im)) for slope in (0, 1)},
    **{f"_spherical_{k}n{'_d' * slope}": Spherical(f, slope)
       for k, f in zip("jyik", (J, Y, I, K), strict=True) for slope in (0, 1)},
    "struve": mp.struveh,
    "modstruve": mp.struvel,
    # those without a value: only their derivative is known to mpmath
    "iti0k0": (Integral(None, lambda x: mp.besseli(0, x)), Integral(None, lambda x: mp.besselk(
        0, x))),
    "itj0y0": (Integral(None, lambda x: mp.besselj(0, x)), Integral(None, lambda x: mp.bessely(
        0, x))),
    "it2i0k0": (Integral(None, lambda x: (mp.besseli(0, x) - 1) / x),
                Integral(None, lambda x: -mp.besselk(0, x) / x)),
    "it2j0y0": (Integral(None, lambda x: (1 - mp.besselj(0, x)) / x),
                Integral(None, lambda x: -mp.bessely(0, x) / x)),
    "itstruve0": Integral(None, lambda x: mp.struveh(0, x)),
    "it2struve0": Integral(None, lambda x: -mp.struveh(0, x) / x),
    "itmodstruve0": Integral(None, lambda x: mp.struvel(0, x)),
    "itairy": (Integral(None, mp.airyai), Integral(None, mp.airybi),
               Integral(None, lambda x: mp.airyai(-x)), Integral(None, lambda x: mp.airybi(-x))),
    # elliptic and hypergeometric functions
    "ellipk": mp.ellipk,
    "ellipkm1": lambda p: mp.ellipk(1 - p),
    "ellipe": mp.ellipe,
    "ellipkinc": mp.ellipf,
    "ellipeinc": mp.ellipe,
    "elliprc": mp.elliprc,
    "elliprd": mp.elliprd,
    "elliprf": mp.elliprf,
    "elliprg": mp.elliprg,
    "elliprj": mp.elliprj,
    "agm": mp.agm,
    "ellipj": (*(lambda u, m, k=k: mp.ellipfun(k, u, m=m) for k in ("sn", "cn", "dn")),
               lambda u, m: mp.atan2(mp.ellipfun("sn", u, m=m), mp.ellipfun("cn", u, m=m))),
    "hyp0f1": mp.hyp0f1,
    "hyp1f1": mp.hyp1f1,
    "hyp2f1": mp.hyp2f1,
    "hyperu": mp.hyperu,
    # orthogonal polynomials
    "eval_legendre": mp.legendre,
    "eval_sh_legendre": lambda n, x: mp.legendre(n, 2 * x - 1),
    "eval_chebyt": mp.chebyt,
    "eval_chebyu": mp.chebyu,
    "eval_chebyc": lambda n, x: 2 * mp.chebyt(n, x / 2),
    "eval_chebys": lambda n, x: mp.chebyu(n, x / 2),
    "eval_sh_chebyt": lambda n, x: mp.chebyt(n, 2 * x - 1),
    "eval_sh_chebyu": lambda n, x: mp.chebyu(n, 2 * x - 1),
    "eval_sh_jacobi": lambda n, p, q, x: mp.jacobi(n, p - q, q - 1, 2 * x - 1)
    / mp.binomial(2 * n + p - 1, n),
    "lpmv": lpmv,
    "eval_gegenbauer": mp.gegenbauer,
    "eval_jacobi": mp.jacobi,
    "eval_hermite": mp.hermite,
    "eval_hermitenorm": lambda n, x: mp.mpf(2) ** (-mp.mpf(n) / 2) * mp.hermite(
        n, x / mp.sqrt(2)),
    "eval_laguerre": lambda n, x: mp.laguerre(n, 0, x),
    "eval_genlaguerre": mp.laguerre,
}


# More points for the last argument that is differentiable: on both sides of where a row takes
# another form, and left of 0 where the domain of the table stops there.
SEAMS = {
    "erfcx": (0.39, 0.41), "dawsn": (0.76, 7.9, 8.3), "log_ndtr": (-4.01, -3.99),
    "erfinv": (0.49, 0.51), "erfcinv": (0.99, 1.01), "ndtri": (0.49, 0.51), "k0e": (0.049, 0.051),
    "spence": (0.49, 0.51, 1.49, 1.51), "kolmogorov": (0.79, 0.81), "ber": (2.99, 3.01),
    "keip": (2.99, 3.01), "airye": (0.99, 1.01), "exprel": (-30.1, -29.9, 29.9, 30.1),
    "gamma": (-2.5, -0.01), "gammaln": (-2.5, -0.01), "psi": (-2.5, -0.01), "zetac": (-0.01,),
    "it2i0k0": (1.99, 2.01), "it2struve0": (4.99, 5.01), "rgamma": (0.49, 0.51, -2.0),
    "ive": ((1.5, 1.49), (1.5, 1.51)), "kve": ((1.5, 0.049), (1.5, 0.051)),
    "struve": ((1.5, 4.99), (1.5, 5.01)), "poch": ((2.0, 1.99), (2.0, 2.01)),
    "gammainc": ((11.9, 10.0), (12.1, 10.0)), "betainc": ((100.0, 99.0, 0.4), (100.0, 101.0, 0.4)),
    "fdtr": ((100.0, 299.0, 1.1), (100.0, 301.0, 1.1)), "beta": ((3.0, 2.99), (3.0, 3.01)),
    "inv_boxcox": ((1.0, 0.49), (1.0, 0.51)), "chndtr": ((20.0, 5.0, 4.99), (20.0, 5.0, 5.01)),
}


def scipy_function(name):
    """The ufunc of a line of the table."""
    return getattr(S._ufuncs if name.startswith("_") else S, name)


def row_of(name):
    """The row of a line of the table."""
    return TABLE[name].make(scipy_function(name))


def points(on):
    """Points of a domain: all of a list; of an interval its ends and between, also near 0."""
    if isinstance(on, list):
        return on
    lo, hi = on
    if lo > 0 and hi / lo > 50:
        inner = np.geomspace(lo, hi, 6)[[1, 3]]
    elif max(abs(lo), abs(hi)) > 50:
        size = np.geomspace(0.01, max(abs(lo), abs(hi)), 6)[[0, 2, 4]]
        inner = [v for v in (*-size, *size) if lo < v < hi]
    else:
        inner = [v for v in (*np.linspace(lo, hi, 6)[[1, 3]], 1e-3) if lo < v < hi]
    return [lo, *(float(f"{v:.6g}") for v in inner), hi]


def sweep(name, place):
    """Arguments to test at: the swept one runs, the others cycle through theirs."""
    on = TABLE[name].on
    others = [itertools.cycle(points(o)[::-1] if not isinstance(o, list) else o) for o in on]
    repeat = max((len(o) for i, o in enumerate(on) if i != place and isinstance(o, list)),
                 default=1)
    return [tuple(x if i == place else next(others[i]) for i in range(len(on)))
            for x in points(on[place]) for _ in range(repeat)]


def seams(name, place):
    """The arguments that SEAMS adds."""
    if place != max(TABLE[name].places):
        return []
    return [args if isinstance(args, tuple) else (args,) for args in SEAMS.get(name, ())]


def cases():
    """All (name, place, output, arguments)."""
    for name in TABLE:
        for place in TABLE[name].places if name in MP else ():
            for args in [*sweep(name, place), *seams(name, place)]:
                for i in range(scipy_function(name).nout):
                    yield name, place, i, args


def exact(case, order):
    """Taylor coefficients 0 .. order of a case, as mpf or mpc."""
    name, place, i, args = case
    oracle = MP[name][i] if isinstance(MP[name], tuple) else MP[name]
    wide = [mp.mpf(a) for a in args]
    if hasattr(oracle, "taylor"):
        return oracle.taylor(wide, place, order)
    return taylor(lambda x: oracle(*wide[:place], x, *wide[place + 1:]), wide[place], order)


def key(case):
    name, place, i, args = case
    return f"{name} {place} {i} " + ",".join(map(repr, map(float, args)))


def text(c):
    """An mpmath number to DIGITS digits."""
    if isinstance(c, mp.mpc):
        return f"{text(c.real)}:{text(c.imag)}"
    return mp.nstr(c, DIGITS, strip_zeros=True)


def number(word):
    """A number of the file in long double."""
    if ":" in word:
        re, im = word.split(":")
        return number(re) + np.clongdouble(1j) * number(im)
    return np.longdouble(word)


def read():
    """The file: key -> line of coefficients."""
    if not FILE.exists():
        return {}
    return dict(line.split(" = ") for line in FILE.read_text().splitlines())


def write(again=()):
    """Make what is missing in the file; the lines of the functions named are made again."""
    old, new = read(), {}
    wanted = {key(case): case for case in cases()}
    for k, case in wanted.items():
        name = case[0]
        if k in old and name not in again:
            new[k] = old[k]
            continue
        new[k] = " ".join(map(text, exact(case, ORDER + 1)))
    FILE.write_text("".join(f"{k} = {v}\n" for k, v in new.items()))
    return len(new), math.ceil(FILE.stat().st_size / 1024)


if __name__ == "__main__":
    count, size = write(sys.argv[1:])
    print(f"{count} lines, {size} KB")
