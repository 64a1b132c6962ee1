"""Kinds of functions given by their derivatives, element by element, any number of arguments.

by_partials: one partial derivative for each argument, written in NumPy terms; higher
orders evaluate it on numbers of one order less (see `_kinds.chain`).  by_coefficients:
the Taylor coefficients in one argument, for functions whose derivatives recur only with
loss of digits.  register_derivative is the public way to the first.

May import: the kinds, the number, NumPy.  Invariant: an argument that has derivatives and
no partial is refused.
"""

import functools
from contextvars import ContextVar

import numpy as np

from dualdiff._elementwise import horner
from dualdiff._kinds import (
    aligned,
    chain_sum,
    holds,
    pack,
    truncated,
    values,
    with_signature,
)
from dualdiff._taylor import ROWS, Taylor, make, unify

# What rows gave to the partials of the outermost one: (func, identities) -> (result, arguments).
_asked = ContextVar("asked", default=None)


def by_partials(func, *partials, why=None, pure=False):
    """A function by its partial derivatives: a callable for each argument, None where none.

    A function of several results has partials that return as many.  why: the reason
    for a None, by position.  pure: partials change nothing in place, so that what they ask
    for twice is computed once, else of order k by 2^k calls where two ask for func itself.
    """

    @with_signature(func, kind="by_partials")
    def row(*args, **kwargs):
        if not pure or kwargs:
            return compute(args, kwargs)
        memo = _asked.get()
        if memo is None:
            token = _asked.set({})
            try:
                return compute(args, kwargs)
            finally:
                _asked.reset(token)
        key = (func, *map(id, args))
        if key not in memo:
            memo[key] = (compute(args, kwargs), args)  # which keeps the identities
        return memo[key][0]

    def compute(args, kwargs):
        args = [pack(a) if holds(a) else a for a in args]
        places = [i for i, a in enumerate(args) if type(a) is Taylor]
        if not places:
            return func(*args, **kwargs)
        for place in places:
            if place >= len(partials) or partials[place] is None:
                raise no_partial(func, place, (why or {}).get(place))
        numbers = together(args, places)
        result = func(*values(numbers), **kwargs)
        many = isinstance(result, tuple)
        results = [checked(func, r) for r in (result if many else (result,))]
        low = [truncated(x) if type(x) is Taylor else x for x in numbers]
        slopes = []
        for place in places:
            with np.errstate(all="ignore"):
                h = partials[place](*low, **kwargs)
            h = h if isinstance(h, tuple) else (h,)
            if len(h) != len(results):
                raise TypeError(f"dualdiff: derivative {place + 1} of {name_of(func)} returned "
                                f"{len(h)} results, the function {len(results)}")
            slopes.append([slope(func, numbers[place], g) for g in h])
        out = tuple(chain_sum(value, *[(numbers[p], h[i]) for p, h in zip(
            places, slopes, strict=True)]) for i, value in enumerate(results))
        return out if many else out[0]

    row.partials = partials
    return row


def together(args, places):
    """Arguments with the numbers among them over one algebra."""
    if len(places) == 1:
        return args
    if len(args) == 2:
        return aligned(*args)
    alg, operands = unify(*args)
    return [v if t is None else make(alg, v, t) for v, t in operands]


def name_of(func):
    """The name of a function, as messages give it."""
    return getattr(func, "__name__", type(func).__name__)


def checked(func, value):
    """A result as an array of real or complex numbers."""
    value = np.asarray(value)
    if value.dtype == object:  # of an object ufunc
        value = np.array(value.tolist())
    if value.dtype.kind not in "fc":
        raise TypeError(f"dualdiff: {name_of(func)} has a derivative rule, but its result has "
                        f"dtype {value.dtype}; a result with derivatives is real or complex")
    return value


def slope(func, x, h):
    """A derivative that a partial gave, with no other seeds in it than those of x."""
    h = pack(h) if holds(h) else h
    if type(h) is Taylor and not sources(h) <= sources(x):
        raise TypeError(f"dualdiff: a derivative of {name_of(func)} uses a number that is not "
                        "among its arguments; make it an argument")
    return h


def sources(x):
    """The factors of seeds in a number."""
    return {getattr(f, "parent", None) or f for f in x.algebra.factors}


def no_partial(func, place, why=None):
    """The error for an argument whose derivative would be lost."""
    return TypeError(
        f"dualdiff: {name_of(func)} has no derivative rule for argument {place + 1}"
        + (f" ({why})" if why else "") + "; take dualdiff.stop_gradient of it if it is meant "
        "as a constant, or give the function a rule with dualdiff.custom_jvp")


def by_coefficients(func, coefficients, place=0, why=None):
    """A function by its Taylor coefficients in one argument, constant in the others.

    coefficients(*values, order): the list of coefficients 1 .. order at these values,
    which are float64 or complex.
    """

    @with_signature(func, kind="by_coefficients")
    def row(*args, **kwargs):
        args = [pack(a) if holds(a) else a for a in args]
        for i, a in enumerate(args):
            if type(a) is Taylor and i != place:
                raise no_partial(func, i, why)
        plain = values(args)
        value = func(*plain, **kwargs)
        if type(args[place]) is not Taylor:
            return value
        value = np.asarray(value)
        wide = [np.asarray(v, np.result_type(v, np.float64)) for v in plain]
        with np.errstate(all="ignore"):
            c = coefficients(*wide, args[place].algebra.D)
            c = [np.broadcast_to(np.asarray(r, value.dtype), value.shape) for r in c]
            return horner(args[place], value, c)

    row.coefficients, row.place = coefficients, place
    return row


def elements(func):
    """An object ufunc (np.frompyfunc), run as it is on the elements, which are numbers."""

    @with_signature(func, kind="elements")
    def row(*args, **kwargs):
        boxed = [box(pack(a)) if not np.isscalar(a) else a for a in args]
        result = func(*boxed, **kwargs)
        many = isinstance(result, tuple)
        out = tuple(pack(np.asarray(r, object)) for r in (result if many else (result,)))
        return out if many else out[0]

    return row


def box(x):
    """An object array of the elements of a number."""
    if type(x) is not Taylor:
        return x
    out = np.empty(x.shape, object)
    flat = x.reshape(-1)
    for i, at in enumerate(np.ndindex(x.shape)):
        out[at] = flat[i]
    return out


_registered = set()


def register_derivative(func, *partials):
    """Give an elementwise function its derivative, in one line.

    Parameters
    ----------
    func : callable
        A ufunc (of SciPy, numba, Cython, `np.frompyfunc`, ...), or any function that works
        element by element on arrays and floats.
    *partials : callable or None
        The partial derivative with respect to each argument, called with the arguments of
        `func`; None where there is none.  A function of several results has partials that
        return a tuple of as many.

    Returns
    -------
    callable
        `func` itself if it is a ufunc or a function that NumPy dispatches: it now accepts
        numbers wherever it is called.  Otherwise a new function that does.

    Raises
    ------
    TypeError
        If `func` or a partial is not callable.
    ValueError
        If dualdiff has a rule for `func` already, or no partial is given.

    Notes
    -----
    Partials are valid at every order: a derivative of order k evaluates them at order k - 1,
    on numbers.  Write them with NumPy's functions and with functions that have a rule, `func`
    among them.  For functions of whole arrays use `custom_jvp`.

    Examples
    --------
    >>> import math
    >>> import numpy as np
    >>> from dualdiff import grad, register_derivative
    >>> cube = register_derivative(np.frompyfunc(lambda x: math.pow(x, 3), 1, 1),
    ...                            lambda x: 3 * x**2)
    >>> float(grad(cube)(2.0))
    12.0
    >>> erf = register_derivative(np.vectorize(math.erf),
    ...                           lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x))
    >>> float(grad(erf)(0.0)), float(abs(grad(grad(erf))(0.0)))
    (1.1283791670955126, 0.0)
    """
    if not callable(func):
        raise TypeError("register_derivative expected a function as its first argument, got "
                        f"{type(func).__name__}")
    if not partials or all(p is None for p in partials):
        raise ValueError("register_derivative expected a derivative for at least one argument, "
                         "got none; a function without derivatives takes stop_gradient(x)")
    for place, partial in enumerate(partials, 1):
        if partial is not None and not callable(partial):
            raise TypeError(f"register_derivative expected derivative {place} to be a function "
                            f"or None, got {type(partial).__name__}")
    if isinstance(func, np.ufunc) or hasattr(func, "_implementation"):
        if func in ROWS and func not in _registered:
            raise ValueError(f"register_derivative: {func.__name__} has a rule in dualdiff; "
                             "for another one make a new function with custom_jvp")
        _registered.add(func)
        ROWS[func] = by_partials(func, *partials)
        return func
    name = getattr(func, "__name__", type(func).__name__)

    @functools.wraps(func, assigned=("__module__", "__doc__"))
    def named(*args, **kwargs):
        return func(*args, **kwargs)

    named.__name__ = named.__qualname__ = name
    return by_partials(named, *partials)
