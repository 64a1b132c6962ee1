"""scipy.special's ufuncs on numbers: the whole table against mpmath at orders 0 to 6.

The bound is honest about conditioning: an error of a few units in the last place of x
or of the coefficient itself is allowed, and nothing else.
"""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from mpmath import mp
from oracles import _round as rounded
from oracles import coefficients, mp_taylor

from dualdiff import grad
from dualdiff.rows.special import TABLE

S = pytest.importorskip("scipy.special")
ORDER = 6
EPS = 2.0**-52


def logistic(x):
    return 1 / (1 + mp.exp(-x)) if x > 0 else mp.exp(x) / (1 + mp.exp(x))


def ndtr(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


def gammainc(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def betainc(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


class Inverse:
    """The inverse of an mpmath function, by Newton from SciPy's double and by reversion."""

    def __init__(self, f, start):
        self.f, self.start = f, start

    def taylor(self, args, place, order):
        *rest, y = args
        start = float(self.start(*map(float, args)))
        with mp.workdps(400):
            x = mp.findroot(lambda x: self.f(*rest, x) - y, mp.mpf(start),
                            tol=mp.mpf(10) ** -700 * abs(y) ** 2)
        a = mp_taylor_at(lambda x: self.f(*rest, x), x, order)
        with mp.workdps(60):
            c, b = [x], [mp.zero] * (order + 1)  # x = sum of b_k (y - y0)^k by reversion
            b[1] = 1 / a[1]
            for k in range(2, order + 1):
                b[k] = mp.zero
                b[k] = -composed(a, b, k) / a[1]
            return c + b[1:]


def composed(a, b, k):
    """Coefficient k of sum of a_j (b_1 u + b_2 u^2 + ...)^j over j >= 1."""
    power, total = [mp.one] + [mp.zero] * k, mp.zero
    for j in range(1, k + 1):
        power = [mp.fsum(power[i] * b[m - i] for i in range(m)) for m in range(k + 1)]
        total += a[j] * power[k]
    return total


class Integral:
    """A function by its derivative and one value: for integrals that mpmath takes slowly."""

    def __init__(self, f, *derivatives):
        self.f, self.derivatives = f, derivatives

    def taylor(self, args, place, order):
        with mp.workdps(40):
            value = self.f(*args)
        d = self.derivatives[place]
        rest = mp_taylor_at(lambda x: d(*args[:place], x, *args[place + 1:]), args[place],
                            order - 1)
        return [value, *(c / k for k, c in enumerate(rest, 1))]


def mp_taylor_at(f, x, order):
    """Taylor coefficients of f at an mpf x."""
    size = 200
    with mp.workprec((order + 3) * size + 128):
        h = mp.ldexp(min(abs(x), mp.one) if x else mp.one, -size)
        row = [f(x + k * h) for k in range(order + 1)]
        out = [row[0]]
        for k in range(1, order + 1):
            row = [b - a for a, b in zip(row[:-1], row[1:], strict=True)]
            out.append(row[0] / (mp.factorial(k) * h**k))
        return out


MP = {
    "erf": mp.erf,
    "erfc": mp.erfc,
    "erfi": mp.erfi,
    "erfcx": erfcx,
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
    "expit": logistic,
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
    "gamma": mp.gamma,
    "gammaln": mp.loggamma,
    "loggamma": mp.loggamma,
    "rgamma": mp.rgamma,
    "psi": mp.digamma,
    "poch": mp.rf,
    "binom": mp.binomial,
    "beta": mp.beta,
    "betaln": lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b),
    "gammainc": gammainc,
    "gammaincc": lambda a, x: mp.gammainc(a, x, regularized=True),
    "gammaincinv": Inverse(gammainc, S.gammaincinv),
    "gammainccinv": Inverse(lambda a, x: mp.gammainc(a, x, regularized=True), S.gammainccinv),
    "gdtr": lambda a, b, x: gammainc(b, a * x),
    "gdtrc": lambda a, b, x: 1 - gammainc(b, a * x),
    "pdtr": lambda k, m: mp.gammainc(k + 1, m, regularized=True),
    "pdtrc": lambda k, m: gammainc(k + 1, m),
    "chdtr": lambda v, x: gammainc(v / 2, x / 2),
    "chdtrc": lambda v, x: mp.gammainc(v / 2, x / 2, regularized=True),
    "_beta_pdf": lambda x, a, b: x ** (a - 1) * (1 - x) ** (b - 1) / mp.beta(a, b),
    "betainc": betainc,
    "betaincc": lambda a, b, x: betainc(b, a, 1 - x),
    "betaincinv": Inverse(betainc, S.betaincinv),
    "betainccinv": Inverse(lambda a, b, x: betainc(b, a, 1 - x), S.betainccinv),
    "stdtr": lambda v, t: mp.mpf(1) / 2 + t * mp.gamma((v + 1) / 2) / (
        mp.sqrt(v * mp.pi) * mp.gamma(v / 2)) * mp.hyp2f1(0.5, (v + 1) / 2, 1.5, -t * t / v),
    "_zeta": mp.zeta,
    "expi": mp.ei,
    "exp1": mp.e1,
    "expn": lambda n, x: mp.expint(int(n), x),
    "sici": (mp.si, mp.ci),
    "shichi": (mp.shi, mp.chi),
    "jv": mp.besselj,
    "yv": mp.bessely,
    "yn": mp.bessely,
    "iv": mp.besseli,
    "kv": mp.besselk,
    "kn": mp.besselk,
    "kve": lambda v, x: mp.exp(x) * mp.besselk(v, x),
    "hankel1": mp.hankel1,
    "hankel2": mp.hankel2,
    **{f"{k}{v}": lambda x, f=f, v=v: f(v, x) for v in (0, 1) for k, f in (
        ("j", mp.besselj), ("y", mp.bessely), ("i", mp.besseli), ("k", mp.besselk))},
    **{f"i{v}e": lambda x, v=v: mp.exp(-abs(x)) * mp.besseli(v, x) for v in (0, 1)},
    **{f"k{v}e": lambda x, v=v: mp.exp(x) * mp.besselk(v, x) for v in (0, 1)},
    "airy": (mp.airyai, lambda x: mp.airyai(x, derivative=1), mp.airybi,
             lambda x: mp.airybi(x, derivative=1)),
    "ellipk": mp.ellipk,
    "ellipkm1": lambda p: mp.ellipk(1 - p),
    "ellipe": mp.ellipe,
    "ellipkinc": mp.ellipf,
    "ellipeinc": mp.ellipe,
    "hyp0f1": mp.hyp0f1,
    "hyp1f1": mp.hyp1f1,
    "hyp2f1": mp.hyp2f1,
    "hyperu": mp.hyperu,
    "eval_legendre": mp.legendre,
    "eval_sh_legendre": lambda n, x: mp.legendre(n, 2 * x - 1),
    "eval_chebyt": mp.chebyt,
    "eval_chebyu": mp.chebyu,
    "eval_gegenbauer": mp.gegenbauer,
    "eval_jacobi": mp.jacobi,
    "eval_hermite": mp.hermite,
    "eval_hermitenorm": lambda n, x: mp.mpf(2) ** (-mp.mpf(n) / 2) * mp.hermite(
        n, x / mp.sqrt(2)),
    "eval_laguerre": lambda n, x: mp.laguerre(n, 0, x),
    "eval_genlaguerre": mp.laguerre,
}
FLAT = {"round", "gammasgn"}
REFUSED = {"_riemann_zeta"}


def scipy_function(name):
    return getattr(S._ufuncs if name.startswith("_") else S, name)


def points(on, count=6):
    """Points of a domain: all of a list; of an interval its ends and between, also near 0."""
    if isinstance(on, list):
        return on
    lo, hi = on
    if lo > 0 and hi / lo > 50:
        return [float(v) for v in np.geomspace(lo, hi, count)]
    if max(abs(lo), abs(hi)) > 50:
        size = np.geomspace(0.01, max(abs(lo), abs(hi)), count)
        return [float(v) for v in (*-size, *size) if lo <= v <= hi]
    return [float(v) for v in (*np.linspace(lo, hi, count), 1e-3) if lo <= v <= hi]


def cases():
    for name, entry in TABLE.items():
        if name not in FLAT | REFUSED:
            for place in range(len(entry.on)):
                yield name, place


def differentiable(name, place):
    row = TABLE[name].make(scipy_function(name))
    if row.kind == "by_coefficients":
        return place == row.place
    return row.kind != "by_partials" or row.partials[place:place + 1] not in ((), (None,))


CASES = [case for case in cases() if differentiable(*case)]


def sweep(name, place):
    """Arguments to test at: the swept one runs, the others cycle through theirs."""
    on = TABLE[name].on
    others = [itertools.cycle(points(o)[::-1] if not isinstance(o, list) else o) for o in on]
    xs = points(on[place])
    repeat = max((len(o) for i, o in enumerate(on) if i != place and isinstance(o, list)),
                 default=1)
    return [[x if i == place else next(others[i]) for i in range(len(on))]
            for x in xs for _ in range(repeat)]


def exact_taylor(oracle, args, place, order):
    """Taylor coefficients 0 .. order in one argument, by mpmath, in long double."""
    wide = [mp.mpf(a) for a in args]
    if isinstance(oracle, (Inverse, Integral)):
        rows = oracle.taylor(wide, place, order)
    else:
        rows = mp_taylor(lambda x: oracle(*wide[:place], x, *wide[place + 1:]),
                         np.float64(args[place]), order)
    return [rounded(c) for c in rows]


def outputs(name, f):
    return range(f.nout) if f.nout > 1 else [None]


def worst(name, place, order=ORDER):
    """The worst error over the sweep, in units of eps of what conditioning allows."""
    f, oracle, top = scipy_function(name), MP[name], (0.0, None)
    for args in sweep(name, place):
        for i in outputs(name, f):
            pick = (lambda y: y) if i is None else (lambda y, i=i: y[i])
            exact = oracle if i is None else oracle[i]
            got = coefficients(lambda x, a=args, p=pick: p(f(*a[:place], x, *a[place + 1:])),
                               np.float64(args[place]), order)
            assert np.array_equal(got[0], pick(f(*args)), equal_nan=True)  # SciPy's own value
            want = exact_taylor(exact, args, place, order + 1)
            top_term = max(abs(w) for w in want)
            for n in range(1, order + 1):
                room = abs(want[n]) + abs(args[place]) * (n + 1) * abs(want[n + 1])
                if room < 1e-100 * top_term or not 1e-290 < room < 1e300:
                    continue  # zero but for the oracle's rounding, or beyond double precision
                error = float(abs(got[n] - want[n]) / room) / EPS
                if not error <= top[0]:
                    top = (error, (args, n, i, got[n], want[n]))
    return top


@pytest.mark.parametrize("name, place", CASES, ids=[f"{n}-{p}" for n, p in CASES])
def test_against_mpmath(name, place):
    error, where = worst(name, place)
    assert error < 64, where
