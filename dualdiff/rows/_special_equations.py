"""Functions that come with their first derivative: the second is their differential equation.

Mathieu's, parabolic cylinder and spheroidal functions return (y, y'), so that the
derivatives of both are y' and what the equation says of y''.

May import: the entries, NumPy.
"""

import math

import numpy as np

from dualdiff.rows._special_entries import S, d

DEGREE = math.pi / 180
EIGEN = "no derivative in closed form in the parameters"


def mathieu(name, value, unit, wave):
    """y'' = -(a - 2 q cos 2x) y; modified: y'' = (a - 2 q cosh 2x) y.  a: by value(m, q)."""
    sign = -1 if wave is np.cos else 1

    def derivative(m, q, x):
        y, slope = getattr(S, name)(m, q, x)
        a = getattr(S, value)(m, q)
        return unit * slope, unit * sign * (a - 2 * q * wave(2 * unit * x)) * y

    on = (-80.0, 80.0) if wave is np.cos else (0.1, 1.5)
    return d(None, None, derivative, on=[[2], [1.5], on], why=EIGEN)


def parabolic(name, equation):
    """y'' = equation(v, x) y."""

    def derivative(v, x):
        y, slope = getattr(S, name)(v, x)
        return slope, equation(v, x) * y

    return d(None, derivative, on=[[0.5, 2.0], (-3.0, 3.0)],
             why="no derivative in closed form in the order")


def spheroidal(name, kind, given):
    """((1 - x^2) y')' = -(cv - s c^2 x^2 - m^2/(1 - x^2)) y, s = 1 for prolate ones and -1 for
    oblate angular ones; ((x^2 + 1) y')' = (cv - c^2 x^2 - m^2/(x^2 + 1)) y for oblate radial
    ones.
    """
    shape, part = kind

    def second(m, cv, c, x, y, slope):
        if kind == ("obl", "rad"):
            w = x * x + 1
            return ((cv - c * c * x * x - m * m / w) * y - 2 * x * slope) / w
        w = 1 - x * x
        s = 1 if shape == "pro" else -1
        return (2 * x * slope - (cv - s * c * c * x * x - m * m / w) * y) / w

    def by_value(m, n, c, cv, x):
        y, slope = getattr(S, name)(m, n, c, cv, x)
        return slope, second(m, cv, c, x, y, slope)

    def derivative(m, n, c, x):
        y, slope = getattr(S, name)(m, n, c, x)
        return slope, second(m, getattr(S, shape + "_cv")(m, n, c), c, x, y, slope)

    on = (-0.8, 0.8) if part == "ang" else (1.2, 3.0) if shape == "pro" else (0.2, 2.0)
    if given:  # at an eigenvalue of m = 1, n = 2, c = 2
        cv = 7.653149562003566 if shape == "pro" else 4.222747333357613
        return d(*[None] * 4, by_value, on=[[1], [2], [2.0], [cv], on], why=EIGEN)
    return d(*[None] * 3, derivative, on=[[1], [2], [2.0], on], why=EIGEN)


TABLE = {
    "mathieu_cem": mathieu("mathieu_cem", "mathieu_a", DEGREE, np.cos),
    "mathieu_sem": mathieu("mathieu_sem", "mathieu_b", DEGREE, np.cos),
    **{f"mathieu_mod{k}em{i}": mathieu(f"mathieu_mod{k}em{i}", value, 1.0, np.cosh)
       for k, value in (("c", "mathieu_a"), ("s", "mathieu_b")) for i in (1, 2)},
    "pbdv": parabolic("pbdv", lambda v, x: x * x / 4 - v - 0.5),
    "pbvv": parabolic("pbvv", lambda v, x: x * x / 4 - v - 0.5),
    "pbwa": parabolic("pbwa", lambda a, x: a - x * x / 4),
    **{f"{shape}_{part}{tail}": spheroidal(f"{shape}_{part}{tail}", (shape, part), given)
       for shape in ("pro", "obl") for part in ("ang", "rad")
       for given in (False, True) for tail in (f"1{'_cv' * given}",)},
}
