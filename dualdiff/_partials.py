"""Kinds of functions given by their derivatives, element by element, any number of arguments.

by_partials: one partial derivative for each argument, written in NumPy terms; higher
orders evaluate it on numbers of one order less (see `_kinds.chain`).  by_coefficients:
the Taylor coefficients in one argument, for functions whose derivatives recur only with
loss of digits.  register_derivative is the public way to the first.

May import: the kinds, the number, NumPy.  Invariant: an argument that has derivatives
and no partial is refused.
"""

import functools

import numpy as np

from dualdiff._kinds import chain_with, pack, spread, truncated, with_signature
from dualdiff._taylor import ROWS, Taylor, apply, make, parts, unify


def by_partials(func, *partials, why=None):
    """A function by its partial derivatives: a callable for each argument, None where none.

    A function of several results has partials that return as many.  why: the reason
    for a None, by position.
    """

    @with_signature(func, kind="by_partials")
    def row(*args, **kwargs):
        alg, operands = unify(*args)
        if alg is None:
            return func(*args, **kwargs)
        for place, (_, terms) in enumerate(operands):
            if terms is not None and (place >= len(partials) or partials[place] is None):
                raise no_partial(func, place, (why or {}).get(place))
        result = func(*[v for v, _ in operands], **kwargs)
        results = [np.array(r.tolist()) if isinstance(r, np.ndarray) and r.dtype == object else r
                   for r in (result if isinstance(result, tuple) else (result,))]
        numbers = [v if t is None else make(alg, v, t) for v, t in operands]
        low = [truncated(x) if type(x) is Taylor else x for x in numbers]
        totals = [None] * len(results)
        for x, partial in zip(numbers, partials, strict=False):
            if type(x) is not Taylor:
                continue
            with np.errstate(all="ignore"):
                slopes = partial(*low, **kwargs)
            slopes = slopes if isinstance(slopes, tuple) else (slopes,)
            if len(slopes) != len(results):
                raise TypeError(f"dualdiff: a derivative of {func.__name__} returned "
                                f"{len(slopes)} results for the function's {len(results)}")
            for i, (value, h) in enumerate(zip(results, slopes, strict=True)):
                part = along(x, np.asarray(value), h, func)
                totals[i] = part if totals[i] is None else apply(
                    "add", totals[i], part, value=np.asarray(value))
        return tuple(totals) if isinstance(result, tuple) else totals[0]

    row.partials = partials
    return row


def no_partial(func, place, why=None):
    """The error for an argument whose derivative would be lost."""
    return TypeError(
        f"dualdiff: {func.__name__} has no derivative rule for argument {place + 1}"
        + (f" ({why})" if why else "") + "; take dualdiff.stop_gradient of it if it is meant "
        "as a constant, or give the function a rule with dualdiff.custom_jvp")


def along(x, value, h, func):
    """The number y with this value and E y = h E x; h checked."""
    if value.dtype.kind not in "fc":
        raise TypeError(f"dualdiff: {func.__name__} has a derivative rule, but its result has "
                        f"dtype {value.dtype}; a result with derivatives is real or complex")
    wide = spread(x, value)
    h = pack(h) if isinstance(h, np.ndarray) and h.dtype == object else h
    if type(h) is Taylor and (wide.algebra.D == 1 or h.algebra is not truncated(wide).algebra):
        raise TypeError(f"dualdiff: a derivative of {func.__name__} uses a number that is not "
                        "among its arguments; make it an argument")
    return chain_with(wide, value, h)


def series(x, value, c):
    """The number value + sum of c[k - 1] (x - x.value)^k, k from 1 to the order of x."""
    low = truncated(spread(x, value))
    if type(low) is not Taylor:
        return chain_with(spread(x, value), value, c[0])
    alg, zero, terms = parts(low)
    step = make(alg, np.zeros_like(zero), terms)
    h = x.algebra.D * c[-1]
    with np.errstate(all="ignore"):
        for k in range(x.algebra.D - 1, 0, -1):
            h = h * step + k * c[k - 1]
    return chain_with(spread(x, value), value, h)


def by_coefficients(func, coefficients, place=0, why=None):
    """A function by its Taylor coefficients in one argument, constant in the others.

    coefficients(*values, order): the list of coefficients 1 .. order at these values,
    which are float64 or complex.
    """

    @with_signature(func, kind="by_coefficients")
    def row(*args, **kwargs):
        alg, operands = unify(*args)
        if alg is None:
            return func(*args, **kwargs)
        for i, (_, terms) in enumerate(operands):
            if terms is not None and i != place:
                raise no_partial(func, i, why)
        plain = [v for v, _ in operands]
        value = np.asarray(func(*plain, **kwargs))
        wide = [np.asarray(v, np.result_type(v, np.float64)) for v in plain]
        with np.errstate(all="ignore"):
            c = coefficients(*wide, alg.D)
        c = [np.broadcast_to(np.asarray(r, value.dtype), value.shape) for r in c]
        return series(make(alg, *operands[place]), value, c)

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
    >>> float(grad(erf)(0.0)), float(grad(grad(erf))(0.0))
    (1.1283791670955126, -0.0)
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
