"""The functions of `math` for numbers: what `lift` puts in their place.

Plain arguments go to `math` itself.  For numbers, `math` judges the values first, so that its
domain errors stay; the result is that of NumPy's function of the same meaning.

May import: the kinds, NumPy; SciPy where a function is called that only SciPy has.
"""

import builtins
import functools
import importlib
import math
import types

import numpy as np

from dualdiff._kinds import holds, pack, values


def _log(x, base=None):
    return np.log(x) if base is None else np.log(x) / np.log(base)


def _hypot(*xs):
    return functools.reduce(np.hypot, xs) if len(xs) > 1 else np.abs(xs[0])


def _dist(p, q):
    return _hypot(*[a - b for a, b in zip(p, q, strict=True)])


def _modf(x):
    whole = np.trunc(x)
    return x - whole, np.float64(whole)


def _prod(xs, *, start=1):
    return functools.reduce(lambda a, b: a * b, xs, start)


def _sumprod(p, q):
    return sum(a * b for a, b in zip(p, q, strict=True))


def _ldexp(x, n):
    return x * 2.0**n


def _frexp(x):
    exponent = math.frexp(x.value)[1]
    return x * 2.0**-exponent, exponent


def _special(name):
    """A function that SciPy has and NumPy has not."""

    def call(x):
        try:
            special = importlib.import_module("scipy.special")
        except ImportError:
            raise TypeError(f"dualdiff: math.{name} of a number needs scipy.special") from None
        return getattr(special, {"lgamma": "gammaln"}.get(name, name))(x)

    return call


PLAIN = frozenset([builtins.float, int, bool, np.float64])  # certainly no numbers in these

# math.f: the same with NumPy's functions.
FUNCTIONS = {
    **{name: getattr(np, name) for name in (
        "cos", "sin", "tan", "cosh", "sinh", "tanh", "exp", "exp2", "expm1", "log10", "log1p",
        "log2", "sqrt", "cbrt", "fabs", "fmod", "copysign", "degrees", "radians")},
    "acos": np.arccos, "asin": np.arcsin, "atan": np.arctan, "atan2": np.arctan2,
    "acosh": np.arccosh, "asinh": np.arcsinh, "atanh": np.arctanh,
    "log": _log, "pow": np.power, "hypot": _hypot, "dist": _dist, "modf": _modf,
    "fsum": sum, "prod": _prod, "sumprod": _sumprod, "ldexp": _ldexp, "frexp": _frexp,
    "remainder": lambda x, y: x - y * round(values(x) / values(y)),
    "fma": lambda x, y, z: x * y + z,
    "erf": _special("erf"), "erfc": _special("erfc"), "gamma": _special("gamma"),
    "lgamma": _special("lgamma"),
}  # fmt: skip
# Functions of the value only: they look, and give truth values or integers.
LOOKS = ("isfinite", "isinf", "isnan", "isclose", "floor", "ceil", "trunc")


def _for_numbers(func, body):
    @functools.wraps(func)
    def f(*args, **kwargs):
        if not kwargs and PLAIN.issuperset(map(type, args)):
            return func(*args)
        if not (holds(args) or holds(kwargs)):
            if args and hasattr(args[0], "__next__"):  # read once: there may be numbers in it
                return f(list(args[0]), *args[1:], **kwargs)
            return func(*args, **kwargs)
        plain = func(*values(args), **values(kwargs))
        return plain if body is None else body(*args, **kwargs)

    return f


def _made():
    made = {name: _for_numbers(getattr(math, name), body)
            for name, body in FUNCTIONS.items() if hasattr(math, name)}
    made.update({name: _for_numbers(getattr(math, name), None) for name in LOOKS})
    return made


OWN = _made()
REPLACED = {getattr(math, name): f for name, f in OWN.items()}


class Math(types.ModuleType):
    """`math` with the functions above in place of its own."""

    def __getattr__(self, name):
        return getattr(math, name)

    def __dir__(self):
        return dir(math)


namespace = Math("math", math.__doc__)
vars(namespace).update(OWN)


# ---- float ---------------------------------------------------------------------------------


class _FloatType(type):
    """Lets Float pass for float: in isinstance, as a dtype, in comparisons of types."""

    def __call__(cls, x=0.0, /):
        if not holds(x):
            return builtins.float(x)
        x = pack(x)
        if x.ndim or x.dtype.kind == "c":
            return builtins.float(values(x))  # NumPy's own error
        return x.astype(np.float64)

    def __instancecheck__(cls, x):
        return isinstance(x, builtins.float)

    def __subclasscheck__(cls, other):
        return issubclass(other, builtins.float)

    def __eq__(cls, other):
        return other is cls or other is builtins.float

    def __hash__(cls):
        return hash(builtins.float)

    def __repr__(cls):
        return repr(builtins.float)


Float = _FloatType("float", (builtins.float,), {
    "__module__": "builtins", "__doc__": builtins.float.__doc__, "dtype": np.dtype(np.float64)})
