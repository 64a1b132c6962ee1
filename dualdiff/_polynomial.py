"""Taylor polynomials as objects: what `taylor` gives.

May import: argument checks, inputs, chunks, multisets, seeding, the number.  Invariant: a
polynomial holds plain coefficients (or, inside an outer derivative call, numbers over that
call's seeds); every operation runs over seeds of its own, so that polynomials never meet.
"""

import math
import operator

import numpy as np

from dualdiff import _multisets
from dualdiff._arguments import (
    as_leaf,
    as_result,
    check_function,
    check_input,
    check_order,
    check_result_kind,
    dtype_of,
    flatten_result,
    shape_of,
)
from dualdiff._chunks import by_degrees, check_chunking, whole
from dualdiff._inputs import Inputs
from dualdiff._jobs import Task
from dualdiff._radius import radius
from dualdiff._seeding import Call
from dualdiff._taylor import Taylor, make
from dualdiff.tree_util import tree_unflatten


def taylor(fun, x0, order, *, chunk_size=None, executor=None):
    """Expand a function to its Taylor polynomial.

    Parameters
    ----------
    fun : callable
        Of one number or one array; its result is a number, an array, or a pytree of them.
    x0 : float or array
        The centre.  An array of n elements gives a polynomial in n variables.
    order : int
        The highest total degree.
    chunk_size : int, optional
        Seeds (variables) of one block, as for `derivative_tensor`; chosen from `memory_budget`
        by default.
    executor : concurrent.futures.Executor, optional
        Where the evaluations run if there are several.

    Returns
    -------
    TaylorPolynomial
        Or a pytree of them, in the structure of the result.

    Raises
    ------
    TypeError
        If `x0` is not one number or array of floating point, `order` is not an integer, or `fun`
        returns something else than numbers.
    ValueError
        If `order` is negative or more than 63.

    Notes
    -----
    One evaluation of `fun` with n seeds kept to that order; in chunks, degree by degree, one for
    each multiset of blocks.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import taylor
    >>> p = taylor(np.exp, 0.0, 4)
    >>> p.coefficients * [1, 1, 2, 6, 24]
    array([1., 1., 1., 1., 1.])
    >>> print(round(p(0.1) - np.exp(0.1), 9))
    -8.5e-08
    """
    who = "taylor"
    check_function(who, fun)
    order = check_order(who, order)
    if isinstance(x0, (dict, list, tuple)) or x0 is None:
        raise TypeError(f"{who} expected x0 to be one number or one array, got "
                        f"{type(x0).__name__}; put the variables into one array, and take them "
                        "apart in a function of your own")
    x0 = as_leaf(x0)
    check_input(who, x0, "x0", allow_int=None)
    chunk_size, executor = check_chunking(who, chunk_size, executor)
    n = math.prod(shape_of(x0))
    centre = x0 if type(x0) is Taylor else np.array(x0)[()]
    once = whole(n, order, n * dtype_of(x0).itemsize)
    if order and n > 1 and (chunk_size is not None or executor is not None or not once):
        return _in_chunks(who, fun, x0, centre, order, chunk_size, executor, once)
    with Call(max(n, 1), max(order, 1)) as call:
        leaves, treedef = flatten_result(who, fun(call.seed(x0)))
        for y in leaves:
            check_result_kind(who, y, False, False)
        out = tree_unflatten(treedef, [_read(call, y, centre, order) for y in leaves])
        leaves = y = None
    return out


def _in_chunks(who, fun, x0, centre, order, chunk_size, executor, dense):
    """The polynomial from chunks of variables, one degree after another."""
    inputs = Inputs(who, (x0,), 0, holomorphic=dtype_of(x0).kind == "c")
    found, treedef = by_degrees(
        lambda d: Task(who, fun, inputs, {}, d, coefficients=True, dense=dense), order,
        chunk_size, executor)
    return tree_unflatten(treedef, [
        TaylorPolynomial(np.concatenate([np.reshape(value, (1, *shape_of(value))), *tops]),
                         centre, order) for value, tops in found])


def _size(n, order):
    """Monomials of n variables up to a total degree."""
    return math.comb(n + order, order)


def _read(call, y, center, order):
    """The polynomial whose coefficients a number has in the seeds of a call."""
    n = math.prod(shape_of(center))
    rows = np.reshape(call.value(y), (1, *shape_of(y)))
    if order:
        rows = np.concatenate([rows, call.coefficients(y, np.arange(1, _size(n, order)))])
    return TaylorPolynomial(rows, center, order)


class TaylorPolynomial:
    """A truncated Taylor series, in one variable or several.

    Made by `taylor`; or from coefficients, in the order of `exponents`.

    Parameters
    ----------
    coefficients : array
        Taylor coefficients (not derivatives), one row for each monomial; further axes are
        those of the function's result.
    center : float or array, optional
        The point about which it is expanded; a number for one variable.
    order : int, optional
        The highest total degree; found from the number of rows.

    Attributes
    ----------
    coefficients, center, order
    exponents : array of ints, shape (rows, variables)
        The monomial of each row: by total degree, then colexicographic.

    Notes
    -----
    Arithmetic, NumPy's functions and composition give the polynomial of the result to the
    lower of the orders.  Both operands must have one centre.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import taylor
    >>> p = taylor(np.sin, 0.0, 5)
    >>> q = p * p + taylor(np.cos, 0.0, 5)**2
    >>> [float(round(c, 15)) + 0.0 for c in q.coefficients]
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    >>> f = taylor(lambda x: x[0]**2 * x[1], np.array([1.0, 2.0]), 2)
    >>> print(f.coefficient(2, 0), f(np.array([1.5, 2.0])))
    2.0 4.5
    """

    __array_priority__ = 1000

    def __init__(self, coefficients, center=0.0, order=None):
        rows = as_leaf(coefficients)
        shape = shape_of(rows)
        n = math.prod(shape_of(center))
        if shape == ():
            raise TypeError("TaylorPolynomial expected an array of coefficients, got one number; "
                            "write TaylorPolynomial([c0, c1, ...], center)")
        if order is None:
            order = 0
            while _size(n, order) < shape[0]:
                order += 1
        if _size(n, order) != shape[0]:
            raise ValueError(f"TaylorPolynomial expected {_size(n, order)} coefficients for {n} "
                             f"variable{'s' * (n != 1)} to order {order}, got {shape[0]}")
        if type(rows) is not Taylor and rows.dtype.kind in "biu":
            rows = rows.astype(float)
        self.coefficients, self.center, self.order = rows, center, order

    # -- what it is

    @property
    def variables(self):
        """How many variables it has."""
        return math.prod(shape_of(self.center))

    @property
    def shape(self):
        """The shape of its values."""
        return shape_of(self.coefficients)[1:]

    @property
    def exponents(self):
        """The exponents of the monomial of each row."""
        n = self.variables
        out = np.zeros((_size(n, self.order), n), int)
        for d in range(1, self.order + 1):
            first = _size(n, d - 1)
            seeds = _multisets.multisets(n, d)
            np.add.at(out, (np.arange(first, first + len(seeds))[:, None], seeds), 1)
        return out

    def coefficient(self, *multi_index):
        """The coefficient of a monomial, by the exponent of each variable."""
        row = self._row("coefficient", multi_index)
        return self.coefficients[row]

    def _row(self, who, multi_index):
        if len(multi_index) == 1 and isinstance(multi_index[0], (tuple, list, np.ndarray)):
            multi_index = multi_index[0]
        if len(multi_index) != self.variables:
            raise ValueError(f"{who} expected an exponent for each of {self.variables} variables, "
                             f"got {tuple(multi_index)}")
        e = [check_order(who, i, name="an exponent") for i in multi_index]
        d = sum(e)
        if d > self.order:
            raise ValueError(f"{who}: the monomial {tuple(e)} has degree {d}, the polynomial is "
                             f"known to order {self.order}; expand it to a higher order")
        seeds = [s for s, k in enumerate(e) for _ in range(k)]
        first = _size(self.variables, d - 1) if d else 0
        return first + int(_multisets.rank(seeds)) if d else 0

    def truncate(self, order):
        """The same to a lower order."""
        order = check_order("truncate", order)
        if order >= self.order:
            return self
        return TaylorPolynomial(self.coefficients[:_size(self.variables, order)], self.center,
                                order)

    def __repr__(self):
        inside = np.array2string(self.coefficients.value if type(self.coefficients) is Taylor
                                 else self.coefficients, separator=", ", threshold=20)
        return f"TaylorPolynomial({inside}, center={self.center}, order={self.order})"

    # -- evaluation

    def __call__(self, x):
        """Evaluate at points, or compose with a polynomial.

        Parameters
        ----------
        x : float, array or TaylorPolynomial
            For several variables the last axes are those of the centre.

        Returns
        -------
        array or TaylorPolynomial
            Of shape ``(*self.shape, *points)``; for a polynomial x, the composition.

        Raises
        ------
        ValueError
            If the shape of x does not fit,
            or the inner polynomial does not start at the centre.
        """
        if isinstance(x, TaylorPolynomial):
            return self._compose(x)
        x = as_leaf(x)
        inner = shape_of(self.center)
        points = shape_of(x)[:len(shape_of(x)) - len(inner)]
        if shape_of(x)[len(points):] != inner:
            raise ValueError(f"the polynomial expected points of shape (..., {str(inner)[1:-1]}), "
                             f"as its centre has, got {shape_of(x)}")
        rows = self.coefficients
        if points:
            rows = np.reshape(rows, (*shape_of(rows), *[1] * len(points)))
        d = x - self.center
        if inner == ():
            y = rows[self.order]
            for k in range(self.order - 1, -1, -1):
                y = y * d + rows[k]
            return y + 0 * d if self.order == 0 else y
        d = np.reshape(d, (*points, -1))
        monomials = [None]
        y = rows[0] + 0 * d[..., 0]
        for k in range(1, self.order + 1):
            seeds = _multisets.multisets(self.variables, k)
            first = _size(self.variables, k - 2) if k > 1 else 0
            parent = first + _multisets.rank(seeds[:, :-1])
            for q, (s, p) in enumerate(zip(seeds[:, -1].tolist(), parent.tolist(),
                                           strict=True)):
                m = d[..., s] if k == 1 else monomials[p] * d[..., s]
                monomials.append(m)
                y = y + rows[_size(self.variables, k - 1) + q] * m
        return y

    def _compose(self, inner):
        start = inner.coefficients[0]
        if shape_of(start) != shape_of(self.center) or not np.all(
            np.equal(_plain(start), _plain(self.center))
        ):
            raise ValueError("composition expected an inner polynomial that starts at the centre "
                             f"of the outer one, {_plain(self.center)}, got the value "
                             f"{_plain(start)}; expand the outer function about that point")
        order = min(self.order, inner.order)
        return inner.truncate(order)._map(self)

    # -- arithmetic

    def _number(self, call):
        """The number with these coefficients in the seeds of a call."""
        rows = self.coefficients
        if type(rows) is not Taylor:
            terms = np.zeros((call.algebra.M - 1, *self.shape), rows.dtype)
            terms[:len(rows) - 1] = rows[1:]
            return make(call.algebra, rows[0], terms)
        unit = np.eye(call.algebra.M - 1)
        y = rows[0]
        for k in range(1, shape_of(rows)[0]):
            y = y + rows[k] * make(call.algebra, 0.0, unit[k - 1])
        return y

    def _map(self, f):
        """The polynomial of f(self)."""
        with Call(self.variables, max(self.order, 1)) as call:
            y = as_result("TaylorPolynomial", f(self._number(call)))
            p = _read(call, y, self.center, self.order)
            y = None
        return p

    def _with(self, other, f):
        if not isinstance(other, TaylorPolynomial):
            return self._map(lambda y: f(y, other))
        if shape_of(self.center) != shape_of(other.center) or not np.all(
            np.equal(_plain(self.center), _plain(other.center))
        ):
            raise ValueError(f"arithmetic expected polynomials about one centre, got "
                             f"{_plain(self.center)} and {_plain(other.center)}; expand both about "
                             "the same point")
        order = min(self.order, other.order)
        a, b = self.truncate(order), other.truncate(order)
        with Call(self.variables, max(order, 1)) as call:
            y = f(a._number(call), b._number(call))
            p = _read(call, y, self.center, order)
            y = None
        return p

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if method != "__call__" or kwargs or ufunc.nout != 1:
            return NotImplemented
        if len(inputs) == 1:
            return self._map(ufunc)
        a, b = inputs
        return a._with(b, ufunc) if isinstance(a, TaylorPolynomial) else (
            b._with(a, lambda y, x: ufunc(x, y)))

    def __add__(self, other):
        return self._with(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other):
        return self._with(other, operator.sub)

    def __rsub__(self, other):
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other):
        return self._with(other, operator.mul)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self._with(other, operator.truediv)

    def __rtruediv__(self, other):
        return self._with(other, lambda a, b: b / a)

    def __pow__(self, other):
        return self._with(other, operator.pow)

    def __neg__(self):
        return self._map(operator.neg)

    def __pos__(self):
        return self

    # -- analysis

    def _variable(self, who, variable):
        variable = check_order(who, variable, name="variable")
        if variable >= self.variables:
            raise ValueError(f"{who} expected a variable below {self.variables}, got {variable}")
        return variable

    def derivative(self, times=1, variable=0):
        """The derivative by a variable, `times` times; known to `times` orders less."""
        variable = self._variable("derivative", variable)
        p = self
        for _ in range(check_order("derivative", times, name="times")):
            if p.order == 0:
                return TaylorPolynomial(p.coefficients * 0, p.center, 0)
            low = p.truncate(p.order - 1).exponents
            up = low.copy()
            up[:, variable] += 1
            scale = up[:, variable].reshape(-1, *[1] * len(p.shape))
            rows = p.coefficients[p._rows(up)] * scale.astype(p.coefficients.dtype)
            p = TaylorPolynomial(rows, p.center, p.order - 1)
        return p

    def integral(self, times=1, variable=0, constant=0.0):
        """The integral by a variable from the centre, plus a constant; one order more each."""
        variable = self._variable("integral", variable)
        p = self
        for _ in range(check_order("integral", times, name="times")):
            zeros = np.zeros((_size(p.variables, p.order + 1), *p.shape), p.coefficients.dtype)
            wide = TaylorPolynomial(zeros, p.center, p.order + 1)
            e = wide.exponents
            whole = e[:, variable] > 0
            low = e[whole].copy()
            low[:, variable] -= 1
            scale = e[whole, variable].reshape(-1, *[1] * len(p.shape))
            rows = p.coefficients[p._rows(low)] / scale.astype(p.coefficients.dtype)
            back = np.full(len(e), len(low))  # rows without the variable are zero
            back[whole] = np.arange(len(low))
            rows = np.concatenate([rows, zeros[:1]])[back]
            p = TaylorPolynomial(rows, p.center, p.order + 1) + constant
        return p

    def _rows(self, exponents):
        """Rows of monomials given by their exponents."""
        out = np.empty(len(exponents), np.intp)
        for q, e in enumerate(exponents.tolist()):
            out[q] = self._row("coefficient", e)
        return out

    def radius_of_convergence(self):
        """Estimate the distance of the nearest singularity in the complex plane.

        Returns
        -------
        float or array
            For each element of the values; inf where the coefficients look like those of an
            entire function.

        Raises
        ------
        ValueError
            For several variables, or an order less than 6.

        Notes
        -----
        The last coefficients of one singularity of any power obey a recurrence of two terms,
        those of a complex pair one of three terms, linear in the index; both are fitted by
        least squares, and the poles of the limit give the radius (Chang and Corliss, 1980).
        Where neither fits, the slope of the logarithms of the coefficients is extrapolated.

        Examples
        --------
        >>> import numpy as np
        >>> from dualdiff import taylor
        >>> runge = taylor(lambda x: 1 / (1 + 25 * x**2), 0.0, 20)
        >>> print(round(runge.radius_of_convergence(), 9))
        0.2
        >>> print(taylor(np.exp, 0.0, 20).radius_of_convergence())
        inf
        """
        self._univariate("radius_of_convergence")
        if self.order < 6:
            raise ValueError("radius_of_convergence expected a polynomial of order 6 or more, got "
                             f"order {self.order}; 15 to 30 give a good estimate")
        rows = _plain(self.coefficients)
        out = np.empty(self.shape)
        for i in np.ndindex(*self.shape):
            out[i] = radius(rows[(slice(None), *i)])
        return out[()]

    def reversion(self):
        """The series of the inverse function: q with ``self(q(y)) == y``.

        Returns
        -------
        TaylorPolynomial
            About the value of this polynomial at its centre.

        Raises
        ------
        ValueError
            For several variables, several values, or a derivative of zero at the centre.

        Notes
        -----
        Newton's method on the series: the number of right coefficients doubles with each step.

        Examples
        --------
        >>> import numpy as np
        >>> from dualdiff import taylor
        >>> taylor(np.tan, 0.0, 5).reversion().coefficients  # arctan
        array([ 0.        ,  1.        ,  0.        , -0.33333333,  0.        ,
                0.2       ])
        """
        self._univariate("reversion")
        if self.shape != ():
            raise ValueError(f"reversion expected one value, got shape {self.shape}; revert each "
                             "element on its own")
        if self.order == 0 or _plain(self.coefficients[1]) == 0:
            raise ValueError("reversion expected a derivative that is not zero at the centre: "
                             "there is no inverse function of this form")
        slope = self.derivative()
        start = self.coefficients[0]
        with Call(1, self.order) as call:
            y = call.seed(start)
            q = self.center + (y - start) / self.coefficients[1]
            for _ in range(self.order.bit_length()):
                q = q - (self(q) - y) / slope(q)
            p = _read(call, q, start, self.order)
            y = q = None
        return p

    def to_numpy(self):
        """The same as a `numpy.polynomial.Polynomial`, in x itself.

        Returns
        -------
        numpy.polynomial.Polynomial

        Raises
        ------
        ValueError
            For several variables or several values.
        """
        self._univariate("to_numpy")
        if self.shape != ():
            raise ValueError(f"to_numpy expected one value, got shape {self.shape}; convert each "
                             "element on its own")
        c = float(_plain(self.center))
        return np.polynomial.Polynomial(_plain(self.coefficients), [c - 1, c + 1], [-1, 1])

    def _univariate(self, who):
        if shape_of(self.center) != ():
            raise ValueError(f"{who} expected a polynomial in one variable, with a number as its "
                             f"centre, got {self.variables} variables")


def _plain(x):
    return x.value if type(x) is Taylor else np.asarray(x)

