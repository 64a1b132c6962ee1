"""Bessel functions and their kin: their forms, and their lines of the table.

Derivatives are sums of functions of neighbouring orders; those of the scaled functions,
where such sums cancel, are integrals of one sign.  Functions named c_* are as in
`_special_forms`.

May import: the entries, the forms, NumPy.
"""

import math

import numpy as np

from dualdiff.rows._special_entries import S, c, d, gauss, plain, real_only, written
from dualdiff.rows._special_forms import SQRT_PI

ORDER = "no derivative in closed form in the order"


def c_cylinder(f, sign):
    """2^-k sum of sign^i C(k, i) f(v - k + 2i, x) / k! (DLMF 10.6.7, 10.29.5)."""

    def coefficients(v, x, order):
        level = {j: f(v + j, x) for j in range(-order, order + 1)}
        return [sum(math.comb(k, i) * sign**i * level[2 * i - k] for i in range(k + 1))
                / (2.0**k * math.factorial(k)) for k in range(1, order + 1)]

    return coefficients


c_jv = c_cylinder(lambda v, x: S.jv(v, x), -1)
c_yv = c_cylinder(lambda v, x: S.yv(v, x), -1)
c_h1 = c_cylinder(lambda v, x: S.hankel1(v, x), -1)
c_h2 = c_cylinder(lambda v, x: S.hankel2(v, x), -1)
c_iv = c_cylinder(lambda v, x: S.iv(v, x), 1)


def c_kv(v, x, order):
    """K_v: all terms of one sign."""
    level = {j: S.kv(v + j, x) for j in range(-order, order + 1)}
    return [(-1) ** k * sum(math.comb(k, i) * level[2 * i - k] for i in range(k + 1))
            / (2.0**k * math.factorial(k)) for k in range(1, order + 1)]


def at_order(coefficients, v):
    """The same for a function of fixed order v."""
    return lambda x, order: coefficients(float(v), x, order)


def with_growth(base, rate, x):
    """Coefficients of exp(rate x) times a function with the coefficients base (0 first)."""
    e = np.exp(rate * x)
    return [e * sum(base[j] * rate ** (k - j) / math.factorial(k - j) for j in range(k + 1))
            for k in range(1, len(base))]


NODES = 120


def c_ie(v):
    """exp(-|x|) I_v, v = 0 or 1: (1/pi) integral of cos(v t) exp(-x u), u = 1 - cos t."""

    def coefficients(x, order):
        size, sign = np.abs(x), np.where(np.asarray(x) < 0, -1.0, 1.0)
        h = np.minimum(np.pi / NODES, 0.35 / np.sqrt(np.maximum(size, 1.0)))
        out = [np.zeros(np.shape(x)) for _ in range(order)]
        for j in range(NODES + 1):
            t = j * h
            u = 2 * np.sin(t / 2) ** 2
            ends = (j == 0) | ((j == NODES) & (h == np.pi / NODES))
            w = np.where(ends, 0.5, 1.0) * h / np.pi * np.exp(-size * u)
            w = w * np.cos(v * t)
            for k in range(1, order + 1):
                w = w * (-u)
                out[k - 1] = out[k - 1] + w / math.factorial(k)
        return [r * sign ** (k + v) for k, r in enumerate(out, 1)]

    return coefficients


def c_ive(v, x, order):
    """exp(-|x|) I_v(x): by Leibniz where x < v, where it grows, else by integrals.

    pi exp(-x) I_v = integral of cos(v t) exp(-x (1 - cos t)) over 0..pi, less sin(pi v) times
    that of exp(-x (1 + cosh t) - v t) over t > 0 (DLMF 10.32.4).
    """
    size, sign = np.abs(x), np.where(np.asarray(x) < 0, -1.0, 1.0)
    near = size < np.maximum(np.abs(v), 1.0)
    small, big = np.where(near, size, 0.5), np.where(near, np.maximum(np.abs(v), 1.0), size)
    close = with_growth([S.iv(v, small), *c_iv(v, small, order)], -1.0, small)
    out = [np.zeros(np.broadcast_shapes(np.shape(v), np.shape(x))) for _ in range(order)]
    end = np.minimum(np.pi, 15 / np.sqrt(big))
    side, wave = np.arccosh(1 + (40 + 3 * order) / big), np.sin(np.pi * v) / np.pi
    wave = np.where(v == np.round(v), 0.0, wave)
    for s, weight in gauss(60):
        t = s * end
        u = 2 * np.sin(t / 2) ** 2
        w = weight * end / np.pi * np.exp(-big * u) * np.cos(v * t)
        t = s * side
        z = 1 + np.cosh(t)
        m = -weight * side * wave * np.exp(-big * z - v * t)
        for k in range(1, order + 1):
            w, m = w * (-u), m * (-z)
            out[k - 1] = out[k - 1] + (w + m) / math.factorial(k)
    turn = np.where((sign < 0) & (v % 2 != 0), -1.0, 1.0)
    return [np.where(near, a, b) * sign**k * turn
            for k, (a, b) in enumerate(zip(close, out, strict=True), 1)]


def c_kve(v, x, order):
    """exp(x) K_v(x) = integral of exp(-x u) cosh(v t), u = cosh t - 1; near 0 by Leibniz.

    For complex x the path of u is turned so that x u is real: 1 + u = (p + 1/p)/2 for
    u = r exp(-i arg x), r = cosh t - 1.
    """
    near = (np.abs(x) < 0.05) | (np.abs(np.angle(x)) > 2.5)
    small = np.where(near, x, 1.0)
    close = with_growth([S.kv(v, small), *c_kv(v, small, order)], 1.0, small)
    big = np.where(near, 1.0, x)
    size, turned = np.abs(big), np.iscomplexobj(big)
    h = np.minimum(0.1, 0.35 / np.sqrt(size))
    out = [0.0] * order
    for j in range(NODES + 1):
        t = j * h
        r = 2 * np.sinh(t / 2) ** 2
        if turned:
            half = np.exp(-0.5j * np.angle(big))
            u, root = r * half * half, np.sqrt(2 + r * half * half)
            log_p = np.log1p(u + half * math.sqrt(2.0) * np.sinh(t / 2) * root)
            slope = half * math.sqrt(2.0) * np.cosh(t / 2) / root
        else:
            u, log_p, slope = r, t, 1.0
        # exp and cosh together: either alone may overflow
        w = np.exp(v * log_p - size * r) + np.exp(-v * log_p - size * r)
        w = w * slope * h * (0.25 if j == 0 else 0.5)
        for k in range(1, order + 1):
            w = w * (-u)
            out[k - 1] = out[k - 1] + w / math.factorial(k)
    return [np.where(near, a, b) for a, b in zip(close, out, strict=True)]


def c_hankel_e(sign):
    """exp(-+i z) H(z) = -+(2i/pi) exp(-+i pi v/2) kve(v, -+i z) (DLMF 10.27.8), by Leibniz
    on the sheet where that does not hold.
    """

    turn, hankel = -sign * 1j, c_h1 if sign > 0 else c_h2

    def coefficients(v, z, order):
        z = z + 0j
        scale = turn * (2 / np.pi) * np.exp(turn * np.pi / 2 * v)
        out = [scale * turn**k * a for k, a in enumerate(c_kve(v, turn * z, order), 1)]
        beyond = sign * np.angle(z) <= -np.pi / 2
        if not beyond.any():
            return out
        value = S.hankel1(v, z) if sign > 0 else S.hankel2(v, z)
        direct = with_growth([value, *hankel(v, z, order)], turn, z)
        return [np.where(beyond, a, b) for a, b in zip(direct, out, strict=True)]

    return coefficients


def c_spherical(name, sign, slope, shift=0):
    """(2n + 1) f_n' = slope (n f_(n-1) + sign (n + 1) f_(n+1)) (DLMF 10.51), as often as it
    takes; shift 1: of the derivative of f.
    """

    def coefficients(n, x, order):
        n = np.asarray(n).astype(int)
        reach = order + shift
        level = {j: getattr(S, name)(np.maximum(n + j, 0), x) for j in range(-reach, reach + 1)}
        out = []
        for k in range(1, reach + 1):
            reach_now = reach - k
            level = {j: slope * (np.maximum(n + j, 0) * level[j - 1]
                                 + sign * (n + j + 1) * level[j + 1]) / (2 * (n + j) + 1)
                     for j in range(-reach_now, reach_now + 1)}
            out.append(level[0] / math.factorial(k - shift))
        return out[shift:]

    return coefficients


# ---- formulas ----------------------------------------------------------------------------

TURN_J, TURN_K = np.exp(0.75j * np.pi), np.exp(0.25j * np.pi)
KELVIN_TERMS = 9


def kelvin_near(x, order):
    """Coefficients 0 .. order of (ber, bei, ker, kei) from their series, for |x| < 3."""
    ber, bei, p, q = (np.zeros((order + 1, *np.shape(x))) for _ in range(4))
    harmonic = -np.euler_gamma  # psi(m + 1)
    for m in range(2 * KELVIN_TERMS):
        a = (-1) ** (m // 2) / (4.0**m * math.factorial(m) ** 2)
        be, ke = (bei, q) if m % 2 else (ber, p)
        for n in range(min(order, 2 * m) + 1):
            term = a * math.comb(2 * m, n) * x ** (2 * m - n)
            be[n] += term
            ke[n] += term * harmonic
        harmonic += 1 / (m + 1)
    log = [np.log(x / 2)] + [-((-1.0) ** n) / (n * x**n) for n in range(1, order + 1)]
    for n in range(order + 1):
        p[n] += np.pi / 4 * bei[n] - sum(log[j] * ber[n - j] for j in range(n + 1))
        q[n] -= np.pi / 4 * ber[n] + sum(log[j] * bei[n - j] for j in range(n + 1))
    return ber, bei, p, q


def c_kelvin(which, slope=0):
    """ber, bei, ker or kei, or the derivative of it: parts of J_0 and K_0 on a turned ray."""
    base, turn = ((c_jv, TURN_J), (c_kv, TURN_K))[which // 2]
    part = np.imag if which % 2 else np.real

    def coefficients(x, order):
        size = np.abs(x)
        near = size < 3
        close = kelvin_near(np.where(near, x, 1.0), order + slope)[which]
        far = base(0.0, np.where(near, 3.0, x) * turn, order + slope)
        out = [np.where(near, close[k], part(turn**k * far[k - 1]))
               for k in range(1, order + slope + 1)]
        return [(k + 1) * r for k, r in enumerate(out[1:], 1)] if slope else out

    return coefficients


def kelvin(x):
    """Be, Ke and their derivatives, complex."""
    return (S.ber(x) + 1j * S.bei(x), S.ker(x) + 1j * S.kei(x),
            S.berp(x) + 1j * S.beip(x), S.kerp(x) + 1j * S.keip(x))


def d_airy(z):
    ai, aip, bi, bip = S.airy(z)
    return aip, z * ai, bip, z * bi


def d_itairy(x):
    return S.airy(x)[::2] + S.airy(-x)[::2]


def airye(x):
    """Airy's functions, scaled: by those of order 1/3 and 2/3 to the right, as they stand."""
    value = plain(x)
    if value.dtype.kind == "c":
        raise TypeError("dualdiff: airye takes absolute values of its complex argument and has "
                        "no complex derivative; use airy times the exponentials")
    far = value > 1
    b = np.where(far, x, 1.0)
    z, r = 2 / 3 * b * np.sqrt(b), np.sqrt(b / 3)
    right = (r * S.kve(1 / 3, z) / np.pi, -b / (np.pi * math.sqrt(3.0)) * S.kve(2 / 3, z),
             r * (S.ive(-1 / 3, z) + S.ive(1 / 3, z)),
             b / math.sqrt(3.0) * (S.ive(-2 / 3, z) + S.ive(2 / 3, z)))
    a = np.where(far, 1.0, x)
    growth = np.exp(2 / 3 * np.where(value > 0, a, 0.0) ** 1.5)
    scales = (growth, growth, 1 / growth, 1 / growth)
    return tuple(np.where(far, f, s * g)
                 for f, s, g in zip(right, scales, S.airy(a), strict=True))


def falling(v, n):
    """v (v - 1) ... (v - n + 1)."""
    return math.prod((v - j for j in range(n)), start=1.0)


def c_struve(f, sign):
    """By the series near 0, sum of sign^m (x/2)^(2m+v+1) / (Gamma(m+3/2) Gamma(m+v+3/2)).

    Else 2 f_v' = f_(v-1) + sign f_(v+1) + g_v with g_v = (x/2)^v / (sqrt(pi) Gamma(v+3/2))
    (DLMF 11.4.27, 11.4.29), as often as it takes.
    """

    def coefficients(v, x, order):
        near = np.abs(x) < 5
        half, big = np.where(near, x, 1.0) / 2, np.where(near, 5.0, x)
        level = {j: f(v + j, big) for j in range(-order, order + 1)}
        out = []
        for k in range(1, order + 1):
            close = sum(sign**m * falling(2 * m + v + 1, k) * np.power(half, 2 * m + v + 1 - k)
                        * S.rgamma(m + 1.5) * S.rgamma(m + v + 1.5) for m in range(28))
            far = sum(math.comb(k, i) * sign**i * level[2 * i - k] for i in range(k + 1))
            for j in range(k):  # derivative k - 1 - j of the g in derivative j + 1
                for i in range(j + 1):
                    u, n = v - j + 2 * i, k - 1 - j
                    far = far + math.comb(j, i) * sign**i * falling(u, n) * np.power(
                        big / 2, u - n) * S.rgamma(u + 1.5) / SQRT_PI
            out.append(np.where(near, close, far) / (2.0**k * math.factorial(k)))
        return out

    return coefficients


def struve_ratio(x):
    """H_0(x)/x, by its series near 0."""
    near = np.abs(plain(x)) < 5
    a, b = np.where(near, x, 0.0), np.where(near, 5.0, x)
    term, total = 2 / np.pi, 0.0
    for m in range(24):
        total = total + term
        term = term * (a * a) / -((2 * m + 3) ** 2)
    return np.where(near, total, S.struve(0.0, b) / b)


def one_less_bessel(f, sign):
    """(f(x) - 1)/x for i0 or (1 - f(x))/x for j0, by the series near 0."""

    def quotient(x):
        close = np.abs(plain(x)) < 2
        a, b = np.where(close, x, 0.0), np.where(close, 2.0, x)
        q = sign * 0.25 * a * a
        total, term = 0.0, a * 0.25
        for k in range(2, 18):  # sum of q^(k-1) x/4 / (k! k!), k >= 1
            total = total + term
            term = term * q / k**2
        return np.where(close, total, sign * (f(b) - 1) / b)

    return quotient


def d_besselpoly(a, lmb, nu):
    return S.besselpoly(a, lmb + 1, nu - 1) - S.besselpoly(a, lmb + 1, nu + 1)


i0_less, j0_less = one_less_bessel(lambda x: S.i0(x), 1), one_less_bessel(lambda x: S.j0(x), -1)
LINE = (0.1, 40.0)
SOME = [0.0, 1.5, 7.0]

TABLE = {
    "jv": c(c_jv, on=[SOME, LINE], place=1, why=ORDER),
    "yv": c(c_yv, on=[SOME, LINE], place=1, why=ORDER),
    "yn": c(c_yv, on=[[0, 7], LINE], place=1, why=ORDER),
    "iv": c(c_iv, on=[SOME, LINE], place=1, why=ORDER),
    "kv": c(c_kv, on=[SOME, (0.01, 40.0)], place=1, why=ORDER),
    "kn": c(c_kv, on=[[0, 7], (0.01, 40.0)], place=1, why=ORDER),
    "hankel1": c(c_h1, on=[[0.0, 1.5], LINE], place=1,
                 why=ORDER),
    "hankel2": c(c_h2, on=[[0.0, 1.5], LINE], place=1,
                 why=ORDER),
    "jve": c(real_only(c_jv), on=[SOME, LINE], place=1, why=ORDER),
    "yve": c(real_only(c_yv), on=[SOME, LINE], place=1, why=ORDER),
    "ive": c(real_only(c_ive), on=[[0.0, 1.5, 4.0], (0.01, 1e4)], place=1, why=ORDER),
    "kve": c(c_kve, on=[SOME, (0.01, 1e5)], place=1, why=ORDER),
    "hankel1e": c(c_hankel_e(1), on=[[0.0, 1.5], (0.1, 1e3)], place=1, why=ORDER),
    "hankel2e": c(c_hankel_e(-1), on=[[0.0, 1.5], (0.1, 1e3)], place=1, why=ORDER),
    **{f"{name}{v}": c(at_order(form, v), on=[on]) for name, form, on in (
        ("j", c_jv, (-40.0, 40.0)), ("y", c_yv, LINE), ("i", c_iv, (-40.0, 40.0)),
        ("k", c_kv, (0.01, 40.0))) for v in (0, 1)},
    "i0e": c(c_ie(0), on=[(0.01, 1e6)]),
    "i1e": c(c_ie(1), on=[(-1e6, -0.01)]),
    "k0e": c(at_order(c_kve, 0), on=[(0.01, 1e5)]),
    "k1e": c(at_order(c_kve, 1), on=[(0.01, 1e5)]),
    "airy": d(d_airy, on=[(-6.0, 6.0)]),
    "airye": written(airye, on=[(0.5, 60.0)]),
    **{f"{name}{'p' * slope}": c(c_kelvin(which, slope), on=[on]) for which, (name, on) in
       enumerate((("ber", (-9.0, 20.0)), ("bei", (-9.0, 20.0)), ("ker", (0.01, 20.0)),
                  ("kei", (0.01, 20.0)))) for slope in (0, 1)},
    "kelvin": written(kelvin, on=[(0.1, 20.0)]),
    "struve": c(c_struve(lambda v, x: S.struve(v, x), -1), on=[[0.0, 1.5], (0.1, 30.0)],
                place=1, why=ORDER),
    "modstruve": c(c_struve(lambda v, x: S.modstruve(v, x), 1), on=[[0.0, 1.5], (0.1, 20.0)],
                   place=1, why=ORDER),
    **{f"_spherical_{kind}n{'_d' * shift}": c(
        c_spherical(f"_spherical_{kind}n", sign, slope, shift), on=[[0, 1, 4], (0.1, 20.0)],
        place=1, why=ORDER) for kind, sign, slope in (
            ("j", -1, 1), ("y", -1, 1), ("i", 1, 1), ("k", 1, -1)) for shift in (0, 1)},
    # integrals
    "iti0k0": d(lambda x: (S.i0(x), S.k0(x)), on=[(0.1, 9.0)]),
    "itj0y0": d(lambda x: (S.j0(x), S.y0(x)), on=[(0.1, 30.0)]),
    "it2i0k0": d(lambda x: (i0_less(x), -S.k0(x) / x), on=[(0.1, 9.0)]),
    "it2j0y0": d(lambda x: (j0_less(x), -S.y0(x) / x), on=[(0.1, 30.0)]),
    "itstruve0": d(lambda x: S.struve(0.0, x), on=[(0.1, 20.0)]),
    "it2struve0": d(lambda x: -struve_ratio(x), on=[(0.1, 20.0)]),
    "itmodstruve0": d(lambda x: S.modstruve(0.0, x), on=[(0.1, 9.0)]),
    "itairy": d(d_itairy, on=[(0.1, 6.0)]),
    "besselpoly": d(d_besselpoly, None, None, on=[(0.1, 6.0), [0.5, 2.0], [1.0, 2.5]]),
}
