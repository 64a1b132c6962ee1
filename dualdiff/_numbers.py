"""Numbers by hand, for users of dual-number libraries, and the methods that read them.

May import: the algebra, the number, multisets.  Invariants: the numbers of one call of
`variables` have seeds of their own; all numbers of `dual` share one seed, those of
`hyperdual` two, those of `taylor_number` one for each order.
"""

import functools
import math

import numpy as np

from dualdiff import _multisets
from dualdiff._algebra import new_algebra, unite
from dualdiff._arguments import check_input, check_order
from dualdiff._taylor import METHODS, Taylor, make, parts

# ---- making ------------------------------------------------------------------------------


def variables(*values, order=1):
    """Make independent variables, for derivatives without a function.

    Parameters
    ----------
    *values : floats or arrays
        Each number, and each element of each array, is one variable.
    order : int, optional
        To which order derivatives are kept.

    Returns
    -------
    tuple of Taylor numbers
        One for each argument, to calculate with.  What comes out has the methods
        ``gradient()``, ``hessian()``, ``derivative(...)``, ``coefficient(...)`` and the
        attribute ``value``; variables are counted through all arguments.

    Raises
    ------
    TypeError
        If a value is not of floating point.
    ValueError
        If there is none, or `order` is less than 1.

    Notes
    -----
    For n variables, binomial(n + order, order) coefficients a number.  A result that does not
    depend on any variable may be a plain number, without these methods.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import variables
    >>> x, y = variables(1.0, 2.0, order=2)
    >>> z = x**2 * y
    >>> print(z.value, z.gradient(), z.hessian().tolist(), z.derivative(1, 1))
    2.0 [4. 1.] [[4.0, 2.0], [2.0, 0.0]] 2.0
    """
    who = "variables"
    order = check_order(who, order, 1)
    if not values:
        raise ValueError(f"{who} expected at least one value, got none; write variables(1.0, 2.0)")
    arrays = []
    for i, x in enumerate(values):
        arrays.append(np.array(x, order="C"))
        check_input(who, arrays[-1], f"value {i}", allow_int=None)
    count = sum(a.size for a in arrays)
    alg = new_algebra(max(count, 1), order)
    out, first = [], 0
    for a in arrays:
        terms = np.zeros((alg.M - 1, a.size), a.dtype)
        terms[range(first, first + a.size), range(a.size)] = 1
        out.append(make(alg, a, terms.reshape(-1, *a.shape)))
        first += a.size
    return tuple(out)


@functools.cache
def _series_algebra(order):
    """The algebra that all univariate numbers of one order share."""
    return new_algebra(1, order)


@functools.cache
def _hyperdual_algebra():
    return unite(new_algebra(1, 1), new_algebra(1, 1))[0]


def _assembled(who, alg, names, coefficients):
    """A number from its value and its coefficients, broadcast to one shape and dtype."""
    arrays = [np.asarray(c) for c in coefficients]
    dtype = np.result_type(*arrays)
    if dtype.kind in "biu":
        dtype = np.dtype(float)
    if dtype.kind not in "fc":
        raise TypeError(f"{who} expected numbers, got dtype {dtype}; pass floats or arrays of "
                        "them (numbers with seeds of their own are combined by arithmetic)")
    shape = arrays[0].shape
    for name, a in zip(names, arrays, strict=True):
        try:
            np.broadcast_to(a, shape)
        except ValueError:
            raise ValueError(f"{who} expected {name} of the shape of the value, {shape}, or one "
                             f"that broadcasts to it, got {a.shape}") from None
    rows = np.array([np.broadcast_to(a, shape) for a in arrays], dtype)
    return make(alg, rows[0], rows[1:])


def dual(value, derivative=1.0):
    """Make a dual number ``value + derivative * e`` with ``e**2 == 0``.

    Parameters
    ----------
    value : float or array
    derivative : float or array, optional

    Returns
    -------
    Taylor number

    Raises
    ------
    TypeError, ValueError
        If these are not numbers, or their shapes do not fit.

    Notes
    -----
    All dual numbers share the one e, as in other libraries: ``dual(2.0) * dual(3.0)`` has the
    derivative 5.  Where derivatives are nested, use `grad` or `variables`, which keep seeds
    apart.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import dual
    >>> y = np.sin(dual(0.0, 2.0)) * 3.0
    >>> print(y.value, y.derivative(1))
    0.0 6.0
    """
    return _assembled("dual", _series_algebra(1), ("value", "derivative"), (value, derivative))


def hyperdual(value, e1=1.0, e2=1.0, e12=0.0):
    """Make a hyper-dual number ``value + e1*E1 + e2*E2 + e12*E1*E2``, both squares zero.

    Parameters
    ----------
    value : float or array
    e1, e2, e12 : float or array, optional
        The coefficients.

    Returns
    -------
    Taylor number
        ``y.derivative(1, 0)``, ``y.derivative(0, 1)`` and ``y.derivative(1, 1)`` read the
        coefficients of a result.

    Raises
    ------
    TypeError, ValueError
        If these are not numbers, or their shapes do not fit.

    Notes
    -----
    All hyper-dual numbers share E1 and E2.

    Examples
    --------
    >>> from dualdiff import hyperdual
    >>> y = hyperdual(2.0)**3
    >>> print(y.value, y.derivative(1, 0), y.derivative(0, 1), y.derivative(1, 1))
    8.0 12.0 12.0 12.0
    """
    alg = _hyperdual_algebra()
    rows = [0, 0, 0]
    for seeds, c in (([[0], []], e1), ([[], [0]], e2), ([[0], [0]], e12)):
        rows[alg.monomial(seeds) - 1] = c
    names = ("value", "e1", "e2", "e12")
    return _assembled("hyperdual", alg, names, (value, *rows))


def taylor_number(coefficients):
    """Make a truncated Taylor series in one variable from its coefficients.

    Parameters
    ----------
    coefficients : sequence of floats or arrays
        The value, and the coefficients of t, t**2, ... (not derivatives); at least two.

    Returns
    -------
    Taylor number

    Raises
    ------
    TypeError, ValueError
        If these are no numbers, there are fewer than two or more than 64, or their shapes
        do not fit.

    Notes
    -----
    All series of one order share the one t; series of different orders do not know each other.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import taylor_number
    >>> t = taylor_number([0.0, 1.0, 0.0, 0.0])
    >>> print(np.exp(t))
    1.0 + 1.0*e0 + 0.5*e0**2 + 0.16666666666666666*e0**3
    """
    who = "taylor_number"
    try:
        rows = list(coefficients)
    except TypeError:
        raise TypeError(f"{who} expected a sequence of coefficients, got "
                        f"{type(coefficients).__name__}") from None
    if len(rows) < 2:
        raise ValueError(f"{who} expected the value and at least one coefficient, got {len(rows)} "
                         "in all; pad with zeros to the order that is wanted")
    order = check_order(who, len(rows) - 1, name="the order, len(coefficients) - 1,")
    names = [f"coefficients[{k}]" for k in range(len(rows))]
    return _assembled(who, _series_algebra(order), names, rows)


# ---- reading -------------------------------------------------------------------------------


def _exponents(who, alg, multi_index):
    """The exponents of all variables, checked."""
    if len(multi_index) == 1 and isinstance(multi_index[0], (tuple, list, np.ndarray)):
        multi_index = multi_index[0]
    n = sum(f.n for f in alg.factors)
    if len(multi_index) != n:
        raise ValueError(f"{who} expected an exponent for each of {n} "
                         f"variable{'s' * (n != 1)}, got {tuple(multi_index)}; "
                         f"write {who}(1, 0, ...)")
    return [check_order(who, e, name=f"exponent {i}") for i, e in enumerate(multi_index)]


def _position(who, alg, exponents):
    """The monomial with these exponents."""
    seeds, first, kept = [], 0, True
    for f in alg.factors:
        mine = exponents[first:first + f.n]
        first += f.n
        kept = kept and sum(mine) <= f.order
        seeds.append([s for s, e in enumerate(mine) for _ in range(e)])
    k = alg.monomial(seeds) if kept else -1
    if k < 0:
        orders = ", ".join(f"{f.n} to order {f.order}" for f in alg.factors)
        raise ValueError(f"{who}: the monomial {tuple(exponents)} is not kept, the variables are "
                         f"({orders}); make them with a higher order")
    return k


def _at(x, k):
    """The coefficient of monomial k."""
    _, value, terms = parts(x)
    c = np.array(value if k == 0 else terms[k - 1])
    return c if c.ndim else c[()]


def coefficient(self, *multi_index):
    """The Taylor coefficient of a monomial, given by the exponent of each variable."""
    alg = parts(self)[0]
    return _at(self, _position("coefficient", alg, _exponents("coefficient", alg, multi_index)))


def derivative(self, *multi_index):
    """The derivative, given by the order in each variable: y.derivative(2, 1)."""
    alg = parts(self)[0]
    orders = _exponents("derivative", alg, multi_index)
    c = _at(self, _position("derivative", alg, orders))
    scale = math.prod(math.factorial(e) for e in orders)
    return c * c.dtype.type(scale) if scale != 1 else c


def gradient(self):
    """First derivatives by all variables: shape (*shape, variables)."""
    return _tensor("gradient", self, 1)


def hessian(self):
    """Second derivatives by all variables: shape (*shape, variables, variables)."""
    return _tensor("hessian", self, 2)


def _tensor(who, x, order):
    alg, value, terms = parts(x)
    n = sum(f.n for f in alg.factors)
    seeds = _multisets.multisets(n, order)
    exponents = np.zeros((len(seeds), n), int)
    np.add.at(exponents, (np.arange(len(seeds))[:, None], seeds), 1)
    at = [_position(who, alg, e) - 1 for e in exponents.tolist()]
    scale = _multisets.factorials(seeds).astype(terms.dtype)
    packed = np.moveaxis(terms[at], 0, -1) * scale
    grid = np.indices((n,) * order).reshape(order, -1).T
    full = packed[..., _multisets.rank(np.sort(grid, axis=1))]
    return full.reshape(value.shape + (n,) * order)


METHODS.update({"coefficient": coefficient, "derivative": derivative, "gradient": gradient,
                "hessian": hessian})

__all__ = ["Taylor", "dual", "hyperdual", "taylor_number", "variables"]
