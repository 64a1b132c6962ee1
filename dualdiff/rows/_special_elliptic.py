"""Elliptic and hypergeometric functions, orthogonal polynomials: forms and lines.

May import: the entries, the forms, NumPy.
"""

import math

import numpy as np

from dualdiff.rows._special_entries import S, c, d, plain, written
from dualdiff.rows._special_forms import c_ellipe, c_ellipk, c_ellipkm1

PARAMETER = "no derivative in closed form in the parameters"
DEGREE = "no derivative in closed form in the degree and the parameters"

# ---- Carlson's integrals -------------------------------------------------------------------

REACH = 85.0


def carlson(scale, power, *factors):
    """scale times the integral over t > 0 of t^power times (t + x)^-p for the pairs (x, p).

    By the trapezoidal rule in log t: its error is exp(-2 pi a/step), where a is pi or the
    distance of complex x from the negative axis, and terms have one sign, in derivatives of
    every order too.  NaN where an x is negative.
    """
    xs = np.broadcast_arrays(*[plain(x) for x, _ in factors])
    sizes = np.abs(xs)
    step = max(0.01, np.pi - np.max(np.abs(np.angle(xs)), initial=0.0)) * 0.1 \
        if np.iscomplexobj(xs) else 0.3125
    logs = [np.where(s > 0, np.log(np.where(s > 0, s, 1.0)), 0.0) for s in sizes]
    low, high = min(np.min(v, initial=0.0) for v in logs), max(
        np.max(v, initial=0.0) for v in logs)
    # Nodes that are rounded would be unevenly spaced.
    step = math.ldexp(math.floor(math.ldexp(step, 8)) or 1, -8)
    u = step * np.arange((low - REACH) // step, (high + REACH) // step)
    t = np.exp(u).reshape(-1, *(1,) * sizes[0].ndim)
    total = step * scale * t ** (power + 1)
    for x, p in factors:
        total = total * np.power(t + x, -p)
    return np.sum(total, axis=0)


def slope(scale, *powers, power=0.0):
    """The partial derivative of one of Carlson's functions: powers of its factors."""
    return lambda *xs: carlson(scale, power, *zip(xs, powers, strict=True))


R_F = [slope(-0.25, *p) for p in ((1.5, 0.5, 0.5), (0.5, 1.5, 0.5), (0.5, 0.5, 1.5))]
R_G = [slope(0.125, *p, power=1.0) for p in (
    (1.5, 0.5, 0.5), (0.5, 1.5, 0.5), (0.5, 0.5, 1.5))]
R_D = [slope(s, *p) for s, p in (
    (-0.75, (1.5, 0.5, 1.5)), (-0.75, (0.5, 1.5, 1.5)), (-2.25, (0.5, 0.5, 2.5)))]
R_C = [slope(-0.25, 1.5, 1.0), slope(-0.5, 0.5, 2.0)]
R_J = [slope(s, *p) for s, p in (
    (-0.75, (1.5, 0.5, 0.5, 1.0)), (-0.75, (0.5, 1.5, 0.5, 1.0)),
    (-0.75, (0.5, 0.5, 1.5, 1.0)), (-1.5, (0.5, 0.5, 0.5, 2.0)))]


def d_agm(a, b):
    """M = pi/2 / R_F(0, a^2, b^2), in a."""
    return S.agm(a, b) ** 2 * (2 / (3 * np.pi)) * a * S.elliprd(0.0, b * b, a * a)


# ---- Legendre's integrals --------------------------------------------------------------------


def turned(phi):
    """(sin, cos) of phi less the multiple n of pi that is nearest to it, and n."""
    n = np.round(plain(phi) / np.pi)
    sign = np.where(n % 2 == 0, 1.0, -1.0)
    return sign * np.sin(phi), sign * np.cos(phi), n


def d_ellipkinc_m(phi, m):
    """sin^3 R_D(cos^2, 1, 1 - m sin^2)/6, and twice that at pi/2 for each turn."""
    s, k, n = turned(phi)
    part = s**3 / 6 * S.elliprd(k * k, 1.0, 1 - m * s * s)
    if not n.any():
        return part
    whole = S.elliprd(0.0, 1.0, 1 - m) / 6
    return part + np.where(n == 0, 0.0, 2 * n * whole)


def d_ellipeinc_m(phi, m):
    """-sin^3 R_D(cos^2, 1 - m sin^2, 1)/6, and twice that at pi/2 for each turn."""
    s, k, n = turned(phi)
    part = s**3 / -6 * S.elliprd(k * k, 1 - m * s * s, 1.0)
    if not n.any():
        return part
    whole = S.elliprd(0.0, 1 - m, 1.0) / -6
    return part + np.where(n == 0, 0.0, 2 * n * whole)


def d_ellipj_u(u, m):
    sn, cn, dn, _ = S.ellipj(u, m)
    return cn * dn, -sn * dn, -m * sn * cn, dn


def d_ellipj_m(u, m):
    """The amplitude phi moves by -dn times the derivative of its integral in m."""
    sn, cn, dn, phi = S.ellipj(u, m)
    move = -dn * d_ellipkinc_m(phi, m)
    return cn * move, -sn * move, -(sn * sn + 2 * m * sn * cn * move) / (2 * dn), move


# ---- polynomials -----------------------------------------------------------------------------


def below(n):
    """n - 1, and 0 for 0."""
    return np.where(n == 0, 0, n - 1)


def lower(scale, f):
    """scale(n) f(n - 1, x), 0 for n = 0: derivatives of orthogonal polynomials."""
    return lambda n, x: np.where(n == 0, 0.0, scale(n)) * f(below(n), x)


def d_jacobi(n, a, b, x):
    return np.where(n == 0, 0.0, (n + a + b + 1) / 2) * S.eval_jacobi(below(n), a + 1, b + 1, x)


def d_sh_jacobi(n, p, q, x):
    """G_n = P_n^(p-q, q-1)(2 x - 1) / binom(2 n + p - 1, n)."""
    scale = np.where(n == 0, 0.0, (n + p) / S.binom(2 * n + p - 1, n))
    return scale * S.eval_jacobi(below(n), p - q + 1, q, 2 * x - 1)


def lpmv(m, v, x):
    """(-1)^m (2m - 1)!! (1 - x^2)^(m/2) C_(v-m)^(m+1/2)(x) for m >= 0 (DLMF 14.6.1)."""
    size = np.abs(np.asarray(m, float))
    scale = (-2.0) ** size * S.poch(0.5, size)
    ratio = np.where(m < 0, (-1.0) ** size * S.poch(v - size + 1, 2 * size), 1.0)
    power = np.where(m == 0, 1.0, np.power(1 - x * x, size / 2))
    return scale / ratio * power * S.eval_gegenbauer(v - size, size + 0.5, x)


COUNT, SMALL, ANY = [0, 1, 2, 5], (-0.9, 0.9), (-6.0, 6.0)
SIDE = (0.1, 9.0)

TABLE = {
    "ellipk": c(c_ellipk, on=[(-40.0, 0.999)]),
    "ellipkm1": c(c_ellipkm1, on=[(1e-9, 40.0)]),
    "ellipe": c(c_ellipe, on=[(-40.0, 0.999)]),
    "ellipkinc": d(lambda phi, m: 1 / np.sqrt(1 - m * np.sin(phi) ** 2), d_ellipkinc_m,
                   on=[(-5.0, 5.0), (-3.0, 0.9)]),
    "ellipeinc": d(lambda phi, m: np.sqrt(1 - m * np.sin(phi) ** 2), d_ellipeinc_m,
                   on=[(-5.0, 5.0), (-3.0, 0.9)]),
    "ellipj": d(d_ellipj_u, d_ellipj_m, on=[(-2.5, 3.0), (0.05, 0.95)]),
    "elliprc": d(*R_C, on=[SIDE, SIDE]),
    "elliprd": d(*R_D, on=[SIDE, SIDE, SIDE]),
    "elliprf": d(*R_F, on=[SIDE, SIDE, SIDE]),
    "elliprg": d(*R_G, on=[SIDE, SIDE, SIDE]),
    "elliprj": d(*R_J, on=[SIDE, SIDE, SIDE, SIDE]),
    "agm": d(d_agm, lambda a, b: d_agm(b, a), on=[(0.01, 40.0), (0.5, 9.0)]),
    "hyp0f1": d(None, lambda v, z: S.hyp0f1(v + 1, z) / v, on=[[0.5, 2.0], (-9.0, 9.0)],
                why=PARAMETER),
    "hyp1f1": d(None, None, lambda a, b, x: a / b * S.hyp1f1(a + 1, b + 1, x),
                on=[[0.5, 2.0], [1.5, 3.0], (-9.0, 9.0)], why=PARAMETER),
    "hyp2f1": d(None, None, None,
                lambda a, b, c, z: a * b / c * S.hyp2f1(a + 1, b + 1, c + 1, z),
                on=[[0.5, 2.0], [1.5], [3.3], (-0.9, 0.9)], why=PARAMETER),
    "hyperu": d(None, None, lambda a, b, x: -a * S.hyperu(a + 1, b + 1, x),
                on=[[0.5, 2.0], [1.5], (0.5, 9.0)], why=PARAMETER),
    "wright_bessel": d(None, None, lambda a, b, x: S.wright_bessel(a, a + b, x),
                       on=[[0.5, 1.0], [1.5, 2.0], (0.1, 9.0)], why=PARAMETER),
    "log_wright_bessel": d(
        None, None, lambda a, b, x: np.exp(S.log_wright_bessel(a, a + b, x)
                                           - S.log_wright_bessel(a, b, x)),
        on=[[0.5, 1.0], [1.5, 2.0], (0.1, 9.0)], why=PARAMETER),
    # orthogonal polynomials: in the argument
    "eval_legendre": d(None, lower(lambda n: (n + 1) / 2, lambda n, x: S.eval_jacobi(
        n, 1.0, 1.0, x)), on=[COUNT, SMALL], why=DEGREE),
    "eval_sh_legendre": d(None, lower(lambda n: n + 1.0, lambda n, x: S.eval_jacobi(
        n, 1.0, 1.0, 2 * x - 1)), on=[COUNT, (0.05, 0.95)], why=DEGREE),
    "eval_chebyt": d(None, lower(lambda n: 1.0 * n, lambda n, x: S.eval_chebyu(n, x)),
                     on=[COUNT, SMALL], why=DEGREE),
    "eval_chebyu": d(None, lower(lambda n: 2.0, lambda n, x: S.eval_gegenbauer(n, 2.0, x)),
                     on=[COUNT, SMALL], why=DEGREE),
    "eval_chebyc": d(None, lower(lambda n: 1.0 * n, lambda n, x: S.eval_chebyu(n, x / 2)),
                     on=[COUNT, SMALL], why=DEGREE),
    "eval_chebys": d(None, lower(lambda n: 1.0, lambda n, x: S.eval_gegenbauer(n, 2.0, x / 2)),
                     on=[COUNT, SMALL], why=DEGREE),
    "eval_sh_chebyt": d(None, lower(lambda n: 2.0 * n, lambda n, x: S.eval_chebyu(
        n, 2 * x - 1)), on=[COUNT, (0.05, 0.95)], why=DEGREE),
    "eval_sh_chebyu": d(None, lower(lambda n: 4.0, lambda n, x: S.eval_gegenbauer(
        n, 2.0, 2 * x - 1)), on=[COUNT, (0.05, 0.95)], why=DEGREE),
    "eval_gegenbauer": d(None, None, lambda n, alpha, x: np.where(n == 0, 0.0, 2.0 * alpha)
                         * S.eval_gegenbauer(below(n), alpha + 1, x),
                         on=[COUNT, [0.5, 2.0], SMALL], why=DEGREE),
    "eval_jacobi": d(None, None, None, d_jacobi, on=[COUNT, [0.5], [2.0], SMALL], why=DEGREE),
    "eval_sh_jacobi": d(None, None, None, d_sh_jacobi, on=[COUNT, [2.5], [2.0], (0.05, 0.95)],
                        why=DEGREE),
    "eval_hermite": d(None, lower(lambda n: 2.0 * n, lambda n, x: S.eval_hermite(n, x)),
                      on=[COUNT, ANY], why=DEGREE),
    "eval_hermitenorm": d(None, lower(lambda n: 1.0 * n, lambda n, x: S.eval_hermitenorm(
        n, x)), on=[COUNT, ANY], why=DEGREE),
    "eval_laguerre": d(None, lower(lambda n: -1.0, lambda n, x: S.eval_genlaguerre(
        n, 1.0, x)), on=[COUNT, ANY], why=DEGREE),
    "eval_genlaguerre": d(None, None, lambda n, alpha, x: np.where(n == 0, 0.0, -1.0)
                          * S.eval_genlaguerre(below(n), alpha + 1, x),
                          on=[COUNT, [0.5], ANY], why=DEGREE),
    "lpmv": written(lpmv, on=[[0, 1, 2], [2, 5], SMALL], places=[2], why=DEGREE),
}
