"""What a line of the tables for scipy.special may be, and what their formulas share.

- d(partials): a derivative for each argument, None where there is no closed form;
- c(coefficients): the Taylor coefficients in one argument, where derivatives written as
  differences would lose digits;
- written(body): a formula in NumPy's and SciPy's functions, good for every order;
- flat: piecewise constant.
`on` is the domain that tests sweep: an interval, or a list of points, for each argument.

May import: the kinds, NumPy; SciPy's functions through `S`, which is looked up when used.
"""

import decimal
import functools
import inspect
import sys

import numpy as np

from dualdiff._kinds import compose, constant, holds, values, with_signature
from dualdiff._partials import by_coefficients, by_partials, no_partial

NO_FORM = "no derivative in closed form"


class _SciPy:
    """scipy.special's functions by name, private ufuncs included; imports nothing."""

    def __getattr__(self, name):
        special = sys.modules["scipy.special"]
        return getattr(special._ufuncs if name.startswith("_") else special, name)


S = _SciPy()


class Entry:
    """A line of a table.

    make(func): the row; on: where to test it; names: of the arguments; places: those that
    may have derivatives; why: the reason why the others may not.
    """

    def __init__(self, make, on, formula=None, places=(), why=NO_FORM):
        self.make, self.on, self.places, self.why = make, on, tuple(places), why
        self.names = list(inspect.signature(formula).parameters)[:len(on)] if formula else []
        if self.names == ["xs"]:  # of a symmetric function
            self.names = list("xyzp"[:len(on)])


def d(*partials, on=(), why=NO_FORM):
    """By partial derivatives."""
    places = [i for i, p in enumerate(partials) if p is not None]
    reasons = {i: why for i in range(len(on)) if i not in places}
    return Entry(lambda func: by_partials(func, *partials, why=reasons, pure=True), on,
                 partials[places[0]], places, why)


def c(coefficients, on=(), place=0, why=NO_FORM):
    """By Taylor coefficients in the argument at this place."""
    return Entry(lambda func: by_coefficients(func, coefficients, place, why=why), on,
                 coefficients, [place], why)


def written(body, on=(), places=None, why=NO_FORM):
    """By a formula; the value is SciPy's own.  places: of the arguments that it is good for."""
    places = range(len(on)) if places is None else places

    def make(func):
        inner = compose(func, body)

        @with_signature(func, kind="compose")
        def row(*args, **kwargs):
            for i, a in enumerate(args):
                if i not in places and holds(a):
                    raise no_partial(func, i, why)
            return inner(*args, **kwargs)

        return row

    return Entry(make, on, body, places, why)


def flat(on=()):
    """Piecewise constant."""
    return Entry(constant, on)


def plain(x):
    """The value of a number, or a plain x itself, as an array."""
    return np.asarray(values(x))


def real_only(coefficients):
    """Coefficients of a function that is not analytic off the real axis."""

    @functools.wraps(coefficients)
    def checked(*args):
        if any(np.iscomplexobj(a) for a in args):
            raise TypeError("dualdiff: this function takes an absolute value of its complex "
                            "argument and has no complex derivative; use the function "
                            "without the final e times the exponential")
        return coefficients(*args)

    return checked


@functools.cache
def gauss(n):
    """Nodes and weights of Gauss and Legendre on 0..1, each rounded once."""
    pairs = []
    with decimal.localcontext() as context:
        context.prec = 40
        for guess in np.polynomial.legendre.leggauss(n)[0].tolist():
            x = decimal.Decimal(guess)
            for _ in range(3):
                p, q = decimal.Decimal(1), x  # P_(k-1), P_k
                for k in range(2, n + 1):
                    p, q = q, ((2 * k - 1) * x * q - (k - 1) * p) / k
                slope = n * (x * q - p) / (x * x - 1)
                x -= q / slope
            pairs.append((float((1 + x) / 2), float(1 / ((1 - x * x) * slope * slope))))
    return pairs
