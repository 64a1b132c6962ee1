"""Taylor polynomials as objects: what `taylor` gives.

May import: argument checks, inputs, multisets, seeding, the number.  Invariant: a
polynomial holds plain coefficients (or, inside an outer derivative call, numbers over that
call's seeds); every operation runs over seeds of its own, so that polynomials never meet.
"""

import math
import operator

import numpy as np

from dualdiff import _multisets
from dualdiff._arguments import as_leaf, as_result, check_order, shape_of
from dualdiff._inputs import variable_of
from dualdiff._radius import radius
from dualdiff._seeding import Call
from dualdiff._taylor import Taylor, make
from dualdiff.tree_util import tree_flatten, tree_structure

LEAF = tree_structure(0.0)


def _size(n, order):
    """Monomials of n variables up to a total degree."""
    return math.comb(n + order, order)


def polynomial_of(call, y, center, n, order):
    """The polynomial whose coefficients a number has in the n seeds of a call."""
    rows = np.reshape(call.value(y), (1, *shape_of(y)))
    if order:
        rows = np.concatenate([rows, call.coefficients(y, np.arange(1, _size(n, order)))])
    return TaylorPolynomial(rows, center, order)


def _joined(leaves, shapes):
    """Arrays that end in these shapes, flat and side by side along one last axis."""
    points = [shape_of(x)[:len(shape_of(x)) - len(shape)]
              for x, shape in zip(leaves, shapes, strict=True)]
    common = np.broadcast_shapes(*points)
    return np.concatenate([
        np.reshape(np.broadcast_to(x, (*common, *shape)), (*common, math.prod(shape)))
        for x, shape in zip(leaves, shapes, strict=True)], axis=-1)


class TaylorPolynomial:
    """A truncated Taylor series, in one variable or several.

    Made by `taylor`; or from coefficients, in the order of `exponents`.

    Parameters
    ----------
    coefficients : array
        Taylor coefficients (not derivatives), one row for each monomial; further axes are
        those of the function's result.
    center : float, array or pytree of them, optional
        The point about which it is expanded; a number for one variable.  The variables are the
        elements, of a pytree those of all leaves in their order.
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
        leaves, treedef = tree_flatten(center)
        if treedef == LEAF:
            self._treedef, self._shapes, self._point = None, None, center
        else:
            leaves = [as_leaf(c) for c in leaves]
            self._treedef, self._shapes = treedef, [shape_of(c) for c in leaves]
            self._point = _joined(leaves, self._shapes) if leaves else np.zeros(0)
        n = self.variables
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
        return math.prod(shape_of(self._point))

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
        """The coefficient of a monomial, by the exponent of each variable, or a tree of them."""
        row = self._row("coefficient", multi_index)
        return self.coefficients[row]

    def _row(self, who, multi_index):
        if len(multi_index) == 1 and self._treedef is not None and (
            tree_structure(multi_index[0]) == self._treedef
        ):
            multi_index = [i for x in tree_flatten(multi_index[0])[0] for i in np.ravel(x)]
        elif len(multi_index) == 1 and isinstance(multi_index[0], (tuple, list, np.ndarray)):
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
        x : float, array, TaylorPolynomial, or pytree of them
            For several variables the last axes are those of the centre; for a pytree as centre
            a pytree of the same structure.

        Returns
        -------
        array or TaylorPolynomial
            Of shape ``(*self.shape, *points)``; for a polynomial x, the composition.

        Raises
        ------
        TypeError, ValueError
            If the structure or a shape of x does not fit, or an inner polynomial does not start
            at the centre.
        """
        x = self._flat(x)
        if isinstance(x, TaylorPolynomial):
            return self._compose(x)
        inner = shape_of(self._point)
        points = shape_of(x)[:len(shape_of(x)) - len(inner)]
        if shape_of(x)[len(points):] != inner:
            raise ValueError(f"the polynomial expected points of shape (..., {str(inner)[1:-1]}), "
                             f"as its centre has, got {shape_of(x)}")
        rows = self.coefficients
        if points:
            rows = np.reshape(rows, (*shape_of(rows), *[1] * len(points)))
        d = x - self._point
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

    def _flat(self, x):
        """Points or a polynomial, of a pytree as one array or one polynomial."""
        leaves, treedef = tree_flatten(x)
        if isinstance(x, TaylorPolynomial) or treedef == LEAF or self._treedef is None:
            return x if isinstance(x, TaylorPolynomial) else as_leaf(x)
        if treedef != self._treedef:
            raise TypeError("the polynomial expected points of the structure of its centre, "
                            f"{self._treedef}, got {treedef}")
        inner = [isinstance(p, TaylorPolynomial) for p in leaves]
        if not any(inner):
            leaves = [as_leaf(p) for p in leaves]
        for p, shape in zip(leaves, self._shapes, strict=True):
            came = shape_of(p)
            if came[len(came) - len(shape):] != shape or any(inner) and came != shape:
                raise ValueError("the polynomial expected leaves with the last axes of those of "
                                 f"its centre, {shape}, got {came}")
        if not any(inner):
            return _joined(leaves, self._shapes)
        if not all(inner):
            raise TypeError("composition expected a polynomial in each leaf, got a number in "
                            "some; multiply a polynomial by zero and add the number to it")
        for p in leaves[1:]:
            leaves[0]._check_center(p)
        order = min(p.order for p in leaves)
        rows = [p.truncate(order).coefficients for p in leaves]
        return TaylorPolynomial(_joined(rows, self._shapes), leaves[0].center, order)

    def _compose(self, inner):
        start = inner.coefficients[0]
        if not _equal(start, self._point):
            raise ValueError("composition expected an inner polynomial that starts at the centre "
                             f"of the outer one, {_plain(self._point)}, got the value "
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
            p = polynomial_of(call, y, self.center, self.variables, self.order)
            y = None
        return p

    def _check_center(self, other):
        """Refuse a polynomial about another centre."""
        if self._treedef != other._treedef or not _equal(self._point, other._point):
            a, b = (_plain(p.center) if p._treedef is None else p.center for p in (self, other))
            raise ValueError(f"arithmetic expected polynomials about one centre, got {a} and {b}; "
                             "expand both about the same point")

    def _with(self, other, f):
        if not isinstance(other, TaylorPolynomial):
            return self._map(lambda y: f(y, other))
        self._check_center(other)
        order = min(self.order, other.order)
        a, b = self.truncate(order), other.truncate(order)
        with Call(self.variables, max(order, 1)) as call:
            y = f(a._number(call), b._number(call))
            p = polynomial_of(call, y, self.center, self.variables, order)
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
        if isinstance(variable, (tuple, str)):  # an index or a path
            q, at = variable_of(who, self.center, variable)
            return at + sum(math.prod(shape) for shape in (self._shapes or ())[:q])
        variable = check_order(who, variable, name="variable")
        if variable >= self.variables:
            raise ValueError(f"{who} expected a variable below {self.variables}, got {variable}")
        return variable

    def derivative(self, times=1, variable=0):
        """The derivative by a variable, `times` times; known to `times` orders less.

        variable: its number, or its index or path as `mixed_partial` takes them.
        """
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
            p = polynomial_of(call, q, start, 1, self.order)
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
        if shape_of(self._point) != ():
            raise ValueError(f"{who} expected a polynomial in one variable, with a number as its "
                             f"centre, got {self.variables} variables")


def _plain(x):
    return x.value if type(x) is Taylor else np.asarray(x)


def _equal(a, b):
    return shape_of(a) == shape_of(b) and bool(np.all(np.equal(_plain(a), _plain(b))))
