"""Distribution functions and their inverses: by their densities.

The inverse in x has one over the density for its derivative; inverses in a parameter are
refused, but for the noncentral chi-square, whose derivative in the noncentrality is a
density too.

May import: the entries, the forms, NumPy.
"""

import functools
import math

import numpy as np

from dualdiff.rows._special_elementary import boxcox_lambda
from dualdiff.rows._special_entries import S, d, plain
from dualdiff.rows._special_forms import beta_pdf, by_powers, d_beta_pdf, gamma_pdf, hazard

SQRT_PI, PI = math.sqrt(math.pi), math.pi
SQRT_2, SQRT_2PI = math.sqrt(2.0), math.sqrt(2 * math.pi)
SHAPE = "no derivative in closed form in the shape parameters"


def d_ndtri(y):
    """1/phi(z) = 1/(y hazard(z)), from the nearer side."""
    low, z = plain(y) < 0.5, S.ndtri(y)
    h = 1 / (np.where(low, y, 1 - y) * hazard(np.where(low, z, -z)))
    return np.where((plain(y) == 0) | (plain(y) == 1), np.inf, h)


def successes(k, n, p):
    """The density of the beta distribution that the binomial one is; 0 where all is certain."""
    k = np.floor(k)
    open_ = (k >= 0) & (k < n)
    return np.where(open_, beta_pdf(np.where(open_, k + 1, 1.0), np.where(open_, n - k, 1.0),
                                    p), 0.0)


def f_pdf(m, n, x):
    """Density of the F distribution."""
    a, b, r = m / 2, n / 2, m * x / n
    small = by_powers(a, b)
    a1, b1 = np.where(small, a, 1.0), np.where(small, b, 1.0)
    near = m / n * np.power(r / (1 + r), a1 - 1) * np.power(1 + r, -1 - b1) / S.beta(a1, b1)
    if np.all(small):
        return near
    return np.where(small, near, S._beta_pdf(r / (1 + r), a, b) * m / n / (1 + r) ** 2)


def t_pdf(v, t):
    """Density of Student's distribution."""
    return np.exp(-(v + 1) / 2 * np.log1p(t * t / v)) / (np.sqrt(v) * S.beta(0.5, v / 2))


def chi2_pdf(x, df, nc):
    """Density of the noncentral chi-square distribution, by hyp0f1 or by ive."""
    q, half = x * nc / 4, df / 2
    near = plain(q) < 25
    a, b = np.where(near, q, 1.0), np.where(near, 25.0, q)
    x0 = np.where(near, x, 1.0)
    low = np.exp(-(x0 + np.where(near, nc, 1.0)) / 2) * np.power(x0 / 2, half - 1) \
        * S.rgamma(half) * S.hyp0f1(half, a)
    if np.all(near):
        return low / 2
    x1, n1 = np.where(near, 1.0, x), np.where(near, 1.0, nc)
    high = np.exp(-((np.sqrt(x1) - np.sqrt(n1)) ** 2) / 2) * np.power(
        x1 / n1, df / 4 - 0.5) * S.ive(half - 1, 2 * np.sqrt(b))
    return np.where(near, low, high) / 2


def d_chndtr_nc(x, df, nc):
    return -chi2_pdf(x, df + 2, nc)


def kolmogorov_pdf(y):
    """8 y sum of -(-1)^k k^2 exp(-2 k^2 y^2), or that sum turned about, for small y."""
    small = plain(y) < 0.8
    a, b = np.where(small, 1.0, y), np.where(small, y, 0.8)
    far = sum((-1) ** (k + 1) * k * k * np.exp(-2.0 * k * k * a * a) for k in range(1, 7))
    near = 0.0
    for k in (1, 3, 5):
        r = (k * PI / 2) ** 2 / (b * b)
        near = near + np.exp(-0.5 * r) * (r - 1) / (b * b)
    return np.where(small, np.where(y == 0, 0.0, SQRT_2PI * near), 8 * a * far)


def tukey_slope(p, lam):
    """dp/dx of Tukey's lambda distribution at p."""
    return 1 / (np.power(p, lam - 1) + np.power(1 - p, lam - 1))


def d_tukey_x(x, lmbda):
    p = S.tklmbda(x, lmbda)
    inside = (p > 0) & (p < 1)
    return np.where(inside, tukey_slope(np.where(inside, p, 0.5), lmbda), 0.0)


def d_tukey_lambda(x, lmbda):
    """x = boxcox(p) - boxcox(1 - p) at p."""
    p = S.tklmbda(x, lmbda)
    inside = (p > 0) & (p < 1)
    p = np.where(inside, p, 0.5)
    move = boxcox_lambda(np.log)(p, lmbda) - boxcox_lambda(np.log)(1 - p, lmbda)
    return np.where(inside, -move * tukey_slope(p, lmbda), 0.0)


def owens_t_h(h, a):
    return -np.exp(-0.5 * h * h) * S.erf(a * h / SQRT_2) / (2 * SQRT_2PI)


def owens_t_a(h, a):
    return np.exp(-0.5 * h * h * (1 + a * a)) / (2 * PI * (1 + a * a))


def inverse(density, quantile):
    """1/density(parameters, x) at the quantile x."""

    @functools.wraps(quantile)
    def derivative(*args):
        return 1 / density(*args[:-1], quantile(*args))

    return derivative


NEAR, HALF = (0.1, 9.0), (0.01, 0.99)
SHAPES, BETAS = [0.5, 1.0, 3.0], ([0.5, 3.0], [2.0, 30.0])

TABLE = {
    # normal
    "ndtr": d(lambda x: np.exp(-0.5 * x * x) / SQRT_2PI, on=[(-37.0, 9.0)]),
    "log_ndtr": d(hazard, on=[(-1e4, 30.0)]),
    "ndtri": d(d_ndtri, on=[(1e-200, 1 - 1e-9)]),
    "ndtri_exp": d(lambda y: 1 / hazard(S.ndtri_exp(y)), on=[(-1e4, -1e-2)]),
    "nrdtrimn": d(lambda p, std, x: -std * d_ndtri(p),
                  lambda p, std, x: -S.ndtri(p), lambda p, std, x: 1.0 + 0 * x,
                  on=[HALF, NEAR, NEAR]),
    "nrdtrisd": d(lambda mn, p, x: -1 / S.ndtri(p),
                  lambda mn, p, x: -(x - mn) / S.ndtri(p) ** 2 * d_ndtri(p),
                  lambda mn, p, x: 1 / S.ndtri(p), on=[(-3.0, -1.0), (0.6, 0.99), NEAR]),
    "owens_t": d(owens_t_h, owens_t_a, on=[(-4.0, 4.0), (-3.0, 3.0)]),
    # gamma, Poisson, chi-square
    "gammainc": d(None, gamma_pdf, on=[[0.5, 1.0, 3.0, 300.0], (0.1, 40.0)], why=SHAPE),
    "gammaincc": d(None, lambda a, x: -gamma_pdf(a, x), on=[SHAPES, (0.1, 40.0)], why=SHAPE),
    "gammaincinv": d(None, inverse(gamma_pdf, lambda a, y: S.gammaincinv(a, y)),
                     on=[SHAPES, HALF], why=SHAPE),
    "gammainccinv": d(None, lambda a, y: -1 / gamma_pdf(a, S.gammainccinv(a, y)),
                      on=[SHAPES, HALF], why=SHAPE),
    "gdtr": d(lambda a, b, x: x * gamma_pdf(b, a * x), None,
              lambda a, b, x: a * gamma_pdf(b, a * x), on=[(0.5, 2.0), [3.0], NEAR], why=SHAPE),
    "gdtrc": d(lambda a, b, x: -x * gamma_pdf(b, a * x), None,
               lambda a, b, x: -a * gamma_pdf(b, a * x), on=[(0.5, 2.0), [3.0], NEAR],
               why=SHAPE),
    "gdtria": d(lambda p, b, x: 1 / (x * gamma_pdf(b, x * S.gdtria(p, b, x))), None,
                lambda p, b, x: -S.gdtria(p, b, x) / x, on=[HALF, [3.0], NEAR], why=SHAPE),
    "gdtrix": d(lambda a, b, p: -S.gdtrix(a, b, p) / a, None,
                lambda a, b, p: 1 / (a * gamma_pdf(b, a * S.gdtrix(a, b, p))),
                on=[(0.5, 2.0), [3.0], HALF], why=SHAPE),
    "pdtr": d(None, lambda k, m: -gamma_pdf(np.floor(k) + 1, m), on=[[0.0, 4.0], NEAR],
              why="piecewise constant in the count"),
    "pdtrc": d(None, lambda k, m: gamma_pdf(np.floor(k) + 1, m), on=[[0.0, 4.0], NEAR],
               why="piecewise constant in the count"),
    "pdtri": d(None, lambda k, y: -1 / gamma_pdf(np.floor(k) + 1.0, S.pdtri(k, y)),
               on=[[0, 4], HALF], why="piecewise constant in the count"),
    "chdtr": d(None, lambda v, x: gamma_pdf(v / 2, x / 2) / 2, on=[[1.0, 5.0], NEAR],
               why=SHAPE),
    "chdtrc": d(None, lambda v, x: -gamma_pdf(v / 2, x / 2) / 2, on=[[1.0, 5.0], NEAR],
                why=SHAPE),
    "chdtri": d(None, lambda v, p: -2 / gamma_pdf(v / 2, S.chdtri(v, p) / 2),
                on=[[1.0, 5.0], HALF], why=SHAPE),
    "chndtr": d(chi2_pdf, None, d_chndtr_nc, on=[(0.1, 60.0), [1.0, 5.0], (0.1, 20.0)],
                why=SHAPE),
    "chndtrix": d(lambda p, df, nc: 1 / chi2_pdf(S.chndtrix(p, df, nc), df, nc), None,
                  lambda p, df, nc: -d_chndtr_nc(S.chndtrix(p, df, nc), df, nc)
                  / chi2_pdf(S.chndtrix(p, df, nc), df, nc),
                  on=[HALF, [1.0, 5.0], (0.1, 20.0)], why=SHAPE),
    # beta, binomial, F, Student
    "_beta_pdf": d(d_beta_pdf, None, None,
                   on=[HALF, [0.5, 3.0, 300.0], [2.0, 30.0]], why=SHAPE),
    "betainc": d(None, None, beta_pdf, on=[*BETAS, HALF], why=SHAPE),
    "betaincc": d(None, None, lambda a, b, x: -beta_pdf(a, b, x), on=[*BETAS, HALF], why=SHAPE),
    "betaincinv": d(None, None, inverse(beta_pdf, lambda a, b, y: S.betaincinv(a, b, y)),
                    on=[*BETAS, HALF], why=SHAPE),
    "betainccinv": d(None, None, lambda a, b, y: -1 / beta_pdf(a, b, S.betainccinv(a, b, y)),
                     on=[*BETAS, HALF], why=SHAPE),
    "bdtr": d(None, None, lambda k, n, p: -successes(k, n, p), on=[[3.0], [10], HALF],
              why="piecewise constant in the counts"),
    "bdtrc": d(None, None, successes, on=[[3.0], [10], HALF],
               why="piecewise constant in the counts"),
    "bdtri": d(None, None, lambda k, n, y: -1 / successes(k, n, S.bdtri(k, n, y)),
               on=[[3.0], [10], HALF], why="piecewise constant in the counts"),
    "nbdtr": d(None, None, lambda k, n, p: beta_pdf(1.0 * n, np.floor(k) + 1.0, p),
               on=[[3], [10], HALF], why="piecewise constant in the counts"),
    "nbdtrc": d(None, None, lambda k, n, p: -beta_pdf(1.0 * n, np.floor(k) + 1.0, p),
                on=[[3], [10], HALF], why="piecewise constant in the counts"),
    "nbdtri": d(None, None, lambda k, n, y: 1 / beta_pdf(
        1.0 * n, np.floor(k) + 1.0, S.nbdtri(k, n, y)), on=[[3], [10], HALF],
        why="piecewise constant in the counts"),
    "fdtr": d(None, None, lambda dfn, dfd, x: f_pdf(dfn, dfd, x),
              on=[[3.0, 300.0], [8.0], NEAR], why=SHAPE),
    "fdtrc": d(None, None, lambda dfn, dfd, x: -f_pdf(dfn, dfd, x),
               on=[[3.0, 300.0], [8.0], NEAR], why=SHAPE),
    "fdtri": d(None, None, lambda dfn, dfd, p: 1 / f_pdf(dfn, dfd, S.fdtri(dfn, dfd, p)),
               on=[[3.0], [8.0], HALF], why=SHAPE),
    "stdtr": d(None, lambda df, t: t_pdf(df, t), on=[[1.0, 5.0], (-6.0, 6.0)], why=SHAPE),
    "stdtrit": d(None, inverse(t_pdf, lambda df, p: S.stdtrit(df, p)), on=[[1.0, 5.0], HALF],
                 why=SHAPE),
    # others
    "kolmogorov": d(lambda y: -kolmogorov_pdf(y), on=[(0.05, 3.0)]),
    "kolmogi": d(lambda p: -1 / kolmogorov_pdf(S.kolmogi(p)), on=[(1e-8, 0.99)]),
    "tklmbda": d(d_tukey_x, d_tukey_lambda, on=[(-0.9, 0.9), (-0.5, 0.7)]),
    "_cosine_cdf": d(lambda x: np.where(np.abs(x) < PI, (1 + np.cos(x)) / (2 * PI), 0.0),
                     on=[(-3.0, 3.0)]),
}
