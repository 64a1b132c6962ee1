"""Derivatives of any order along one variable, mixed partials, and jets.

May import: argument checks, inputs, the base of the transforms, seeding, the number.
Invariant: one evaluation of the function; factorials are applied where derivatives are
read, in double precision at least.
"""

import math

import numpy as np

from dualdiff._arguments import (
    as_leaf,
    check_argnum,
    check_argnums,
    check_function,
    check_input,
    check_order,
    check_result_kind,
    dtype_of,
    flatten_inputs,
    flatten_result,
    resolve_argnums,
    shape_of,
    split_aux,
)
from dualdiff._inputs import Inputs
from dualdiff._seeding import Call, Gradient
from dualdiff._taylor import Taylor, apply, make
from dualdiff._transformed import Transformed
from dualdiff._transforms import kept, univariate
from dualdiff.tree_util import tree_flatten, tree_structure, tree_unflatten

# ---- along one argument, element by element -------------------------------------------------


def seeded(call, x):
    """x + e with one seed for all elements."""
    return call.seed(x) if shape_of(x) == () else call.along(x, (np.ones((), dtype_of(x)),))


def check_elementwise(who, x, y):
    """Refuse a result that is no function element by element."""
    xs, ys = shape_of(x), shape_of(y)
    try:
        fits = np.broadcast_shapes(xs, ys) == ys
    except ValueError:
        fits = False
    if not fits:
        raise TypeError(
            f"{who} expected a function that acts element by element, with a result of shape "
            f"{xs} or one that it broadcasts to, got shape {ys}; use grad for a scalar result, "
            "jacfwd for any other")


class Univariate(Transformed):
    """Derivatives along one argument: of one order, or (every) of all orders up to it."""

    def __init__(self, who, fun, order, argnums, has_aux=False, every=False):
        self.argnums = check_argnum(who, fun, argnums)
        super().__init__(who, fun)
        self.order, self.has_aux, self.every = order, bool(has_aux), every
        self.root = fun
        if (who == "elementwise_grad" and type(fun) is Univariate and fun.who == who
                and fun.argnums == self.argnums and not has_aux and not fun.has_aux):
            self.order, self.root = order + fun.order, fun.root  # one pass over the root

    def __call__(self, *args, **kwargs):
        at = self.argnums
        if (0 <= at < len(args) and isinstance(args[at], float) and self.order
                and not (self.every or self.has_aux)):  # the fast path of grad for one float
            return Gradient(self, self.fun, self.root, at, self.order, False)(*args, **kwargs)
        return self.general(args, kwargs)

    def pending(self, result, call, x):
        """A result of the fast path that is not a plain number over its own seeds."""
        return self.read(call, np.float64(x), result)

    def general(self, args, kwargs):
        """The derivatives for arguments of any kind."""
        who = self.who
        (place,) = resolve_argnums(who, self.argnums, len(args))
        leaves, paths, treedef = flatten_inputs(who, args[place], f"argument {place}")
        if treedef != tree_structure(0.0) and who == "elementwise_grad":
            return EachLeaf(who, self.fun, self.argnums, self.has_aux)(*args, **kwargs)
        if treedef != tree_structure(0.0):
            raise TypeError(f"{who} expected one number or array as argument {place}, got "
                            f"{type(args[place]).__name__}; stack it to an array, or use jacfwd")
        (x,) = leaves
        check_input(who, x, paths[0], allow_int=None)
        args = list(args)
        with Call(1, max(self.order, 1)) as call:
            args[place] = seeded(call, x)
            result, aux = split_aux(who, self.root(*args, **kwargs), self.has_aux)
            out = self.read(call, x, result)
            if self.has_aux:
                flat, aux_def = tree_flatten(aux)
                out = out, tree_unflatten(aux_def, [call.value(a) for a in flat])
            args = result = aux = None
        return out

    def read(self, call, x, result):
        """The derivatives of each leaf of the result."""
        leaves, treedef = flatten_result(self.who, result)
        out = []
        for y in leaves:
            check_result_kind(self.who, y, False, False)
            check_elementwise(self.who, x, y)
            if dtype_of(y).kind in "iu" and type(y) is not Taylor:
                y = np.asarray(y, dtype_of(x))[()]
            out.append(self.all_orders(call, y) if self.every else
                       kept(univariate(call, y, self.order), dtype_of(x)))
        return tree_unflatten(treedef, out)

    def all_orders(self, call, y):
        """Value and derivatives, with the order as leading axis."""
        value = np.reshape(call.value(y), (1, *shape_of(y)))
        if self.order == 0:
            return value
        rows = call.coefficients(y, np.arange(1, self.order + 1))
        scale = np.array([math.factorial(d) for d in range(1, self.order + 1)],
                         np.result_type(rows.dtype, np.float64).type(0).real.dtype)
        rows = rows * scale.reshape((-1,) + (1,) * (rows.ndim - 1))
        return np.concatenate([value, kept(rows, dtype_of(y))])


class EachLeaf(Transformed):
    """First derivatives, element by element, with one seed for each leaf of the inputs."""

    def __init__(self, who, fun, argnums, has_aux=False):
        self.argnums = check_argnums(who, fun, argnums)
        super().__init__(who, fun)
        self.has_aux = has_aux

    def __call__(self, *args, **kwargs):
        who = self.who
        inputs = Inputs(who, args, self.argnums, allow_int=None)
        with Call(max(len(inputs.leaves), 1), 1) as call:
            zero, one = (lambda x: np.zeros((), dtype_of(x))), (lambda x: np.ones((), dtype_of(x)))
            xs = [call.along(leaf.x, [zero(leaf.x)] * q + [one(leaf.x)])
                  for q, leaf in enumerate(inputs.leaves)]
            result, aux = split_aux(who, self.fun(*inputs.rebuilt(xs), **kwargs), self.has_aux)
            ys, treedef = flatten_result(who, result)
            out = []
            for y in ys:
                check_result_kind(who, y, False, False)
                for leaf in inputs.leaves:
                    check_elementwise(who, leaf.x, y)
                if dtype_of(y).kind in "iu" and type(y) is not Taylor:
                    y = np.asarray(y, float)[()]
                slopes = call.gradient(y)
                out.append(inputs.tree([kept(slopes[q], leaf.dtype)
                                        for q, leaf in enumerate(inputs.leaves)]))
            out = tree_unflatten(treedef, out)
            if self.has_aux:
                flat, aux_def = tree_flatten(aux)
                out = out, tree_unflatten(aux_def, [call.value(a) for a in flat])
            xs = result = ys = y = aux = None
        return out


def elementwise_grad(fun, argnums=0, has_aux=False):
    """Make the derivative of a function that acts element by element.

    Parameters
    ----------
    fun : callable
        Each element of its result depends on the same element of the input only (autograd's
        meaning); the result may have more dimensions, to which the input broadcasts.
    argnums : int or tuple of ints, optional
        Which positional arguments to differentiate by; each may be a pytree of arrays.
    has_aux : bool, optional
        `fun` returns a pair (result, aux); aux is handed out undifferentiated.

    Returns
    -------
    callable
        Gives the derivative of each element, in the shape of the result; for several inputs in
        their structure, one array for each.

    Raises
    ------
    TypeError
        If the shape of the result shows that `fun` does not act element by element.  A function
        that mixes elements but keeps the shape cannot be recognised: it gives the derivative
        along the direction of all ones.

    Notes
    -----
    One evaluation of `fun` with one seed for each input, whatever the size.  Applied to its own
    result, by one input, it is one evaluation of higher order: cost grows with the square of the
    order.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import elementwise_grad
    >>> x = np.linspace(0, 2, 3)
    >>> elementwise_grad(lambda x: x**3)(x)
    array([ 0.,  3., 12.])
    >>> elementwise_grad(elementwise_grad(lambda x: x**3))(x)
    array([ 0.,  6., 12.])
    """
    if isinstance(argnums, tuple):
        return EachLeaf("elementwise_grad", fun, argnums, bool(has_aux))
    return Univariate("elementwise_grad", fun, 1, argnums, has_aux)


def nth_derivative(fun, n, argnums=0, has_aux=False):
    """Make the n-th derivative of a function of one variable.

    Parameters
    ----------
    fun : callable
        Of a number, with any result; or of an array, element by element (see
        `elementwise_grad`).
    n : int
        The order; 0 gives the value.
    argnums : int, optional
        Which positional argument to differentiate by.
    has_aux : bool, optional
        `fun` returns a pair (result, aux).

    Returns
    -------
    callable
        Gives the derivative, in the structure and shapes of the result of `fun`.

    Raises
    ------
    TypeError, ValueError
        If `n` is not an integer from 0 to 63, or the result is no function element by element.

    Notes
    -----
    One evaluation of `fun` over a Taylor series of order n: products and elementary functions
    cost n**2 / 2 multiplications each.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import nth_derivative
    >>> print(nth_derivative(lambda x: x**5, 3)(2.0))
    240.0
    """
    order = check_order("nth_derivative", n, name="n")
    return Univariate("nth_derivative", fun, order, argnums, has_aux)


def derivatives(fun, n, argnums=0, has_aux=False):
    """Make the function that evaluates a function and its first n derivatives.

    Parameters
    ----------
    fun, n, argnums, has_aux
        As for `nth_derivative`.

    Returns
    -------
    callable
        For each array of the result of `fun` gives one with one more axis in front, of length
        n + 1: entry k is the k-th derivative.

    Raises
    ------
    TypeError, ValueError
        As `nth_derivative` does.

    Notes
    -----
    Costs what `nth_derivative` costs for order n.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import derivatives
    >>> derivatives(lambda x: x**3, 4)(2.0)
    array([ 8., 12., 12.,  6.,  0.])
    """
    order = check_order("derivatives", n, name="n")
    return Univariate("derivatives", fun, order, argnums, has_aux, True)


# ---- mixed partials -------------------------------------------------------------------------


class MixedPartial(Transformed):
    """One entry of a derivative tensor."""

    def __init__(self, who, fun, indices):
        super().__init__(who, fun)
        if not isinstance(indices, (tuple, list)):
            raise TypeError(f"{who} expected a tuple of indices, one for each differentiation, got "
                            f"{indices!r}")
        check_order(who, len(indices), name="the number of indices")
        self.indices = tuple(indices)

    def __call__(self, *args, **kwargs):
        if not self.indices:
            return self.fun(*args, **kwargs)
        who = self.who
        if len(args) == 1 and shape_of(as_leaf(args[0])) != ():
            inputs = Inputs(who, args, 0, allow_int=None)
            if len(inputs.leaves) != 1:
                raise TypeError(f"{who} expected an array, or several arguments, got "
                                f"{type(args[0]).__name__}; use derivative_tensor for pytrees")
            shape = inputs.leaves[0].full
            chosen = [self.element(i, shape) for i in self.indices]
            calls = {q: Call(1, chosen.count(q)) for q in sorted(set(chosen), reverse=True)}
            seed = lambda: inputs.with_seeds([(c, q, q + 1) for q, c in calls.items()])
        else:
            chosen = [self.argument(i, len(args)) for i in self.indices]
            for q in chosen:
                if isinstance(args[q], (dict, list, tuple)) or args[q] is None:
                    raise TypeError(f"{who} expected an array, or several arguments that are "
                                    f"numbers or arrays, got {type(args[q]).__name__}; use "
                                    "derivative_tensor for pytrees")
            inputs = {q: as_leaf(args[q]) for q in set(chosen)}
            for q, x in inputs.items():
                check_input(who, x, f"argument {q}", allow_int=None)
            calls = {q: Call(1, chosen.count(q)) for q in sorted(inputs, reverse=True)}
            seed = lambda: [seeded(calls[q], inputs[q]) if q in calls else x
                            for q, x in enumerate(args)]
        try:
            leaves, treedef = flatten_result(who, self.fun(*seed(), **kwargs))
            out = []
            for y in leaves:
                check_result_kind(who, y, False, False)
                if isinstance(inputs, dict):
                    for x in inputs.values():
                        check_elementwise(who, x, y)
                for q, call in calls.items():
                    y = univariate(call, y, chosen.count(q))
                out.append(y)
            return tree_unflatten(treedef, out)
        finally:
            leaves = y = None
            for call in calls.values():
                call.__exit__()

    def argument(self, i, count):
        """The position of an argument."""
        if not isinstance(i, (int, np.integer)) or isinstance(i, bool):
            raise TypeError(f"{self.who} expected argument numbers as indices, got {i!r}")
        if not -count <= i < count:
            raise ValueError(f"{self.who}: index {i} names no argument, the function was called "
                             f"with {count}")
        return int(i) % count

    def element(self, i, shape):
        """The flat position of an element."""
        index = i if isinstance(i, tuple) else (i,)
        whole = all(isinstance(a, (int, np.integer)) and not isinstance(a, bool) for a in index)
        if not whole or len(index) != len(shape):
            raise TypeError(f"{self.who} expected indices of elements of an array of shape "
                            f"{shape}, "
                            f"each {len(shape)} int{'s' * (len(shape) != 1)}, got {i!r}")
        if any(not -n <= a < n for a, n in zip(index, shape, strict=True)):
            raise ValueError(f"{self.who}: index {i!r} is out of bounds for shape {shape}")
        return int(np.ravel_multi_index([a % n for a, n in zip(index, shape, strict=True)],
                                        shape))


def mixed_partial(fun, indices):
    """Make one mixed partial derivative of any order.

    Parameters
    ----------
    fun : callable
        Of one array, or of several numbers; of several arrays it acts element by element.
    indices : tuple
        What to differentiate by, one entry for each time, repetitions allowed: indices of
        elements (an int, or a tuple of them) if the function is called with one array, else
        numbers of arguments.

    Returns
    -------
    callable
        Gives the derivative in the structure of the result of `fun`.

    Raises
    ------
    TypeError, ValueError
        If an index names no element or argument.

    Notes
    -----
    One evaluation of `fun` over the product of one series for each distinct index: for
    (i, i, j) 3 * 2 coefficients, where `derivative_tensor` would carry all.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import mixed_partial
    >>> print(mixed_partial(lambda x: x[0]**2 * x[1]**3, (0, 0, 1))(np.array([1.0, 2.0])))
    24.0
    >>> print(mixed_partial(lambda x, y: x**2 * y**3, (0, 0, 1))(1.0, 2.0))
    24.0
    """
    return MixedPartial("mixed_partial", fun, indices)


# ---- jets -----------------------------------------------------------------------------------


def jet(fun, primals, series, factorial_scaled=True):
    """Push Taylor series of the inputs through a function: `jax.experimental.jet`.

    Parameters
    ----------
    fun : callable
    primals : tuple or list
        The arguments x(0): numbers, arrays or pytrees.
    series : tuple or list
        For each argument the list of the coefficients of t, t**2, ..., each of the form of the
        argument; all lists have one length.
    factorial_scaled : bool, optional
        Coefficients are derivatives: that of t**k is multiplied by k!.

    Returns
    -------
    primals_out : pytree
        ``fun(*primals)``.
    series_out : pytree
        The structure of the result, with the list of its coefficients in place of each leaf.

    Raises
    ------
    ValueError
        If the lists have different lengths.
    TypeError
        If a coefficient differs from its argument in structure, shape or dtype.

    Notes
    -----
    One evaluation of `fun` over series of one variable t.

    Examples
    --------
    sin(z**3) at z = 0.5, by Faa di Bruno's formula:

    >>> import numpy as np
    >>> from dualdiff import jet
    >>> h0, h1, h2 = 0.5**3, 3 * 0.5**2, 6 * 0.5
    >>> f0, (f1, f2) = jet(np.sin, (h0,), ((h1, h2),))
    >>> print(round(f1, 6), round(np.cos(h0) * h1, 6))
    0.744148 0.744148
    >>> print(round(f2, 6), round(np.cos(h0) * h2 - np.sin(h0) * h1**2, 6))
    2.906463 2.906463
    """
    who = "jet"
    check_function(who, fun)
    for name, x in (("primals", primals), ("series", series)):
        if not isinstance(x, (tuple, list)):
            raise TypeError(f"{who} expected {name} to be a tuple or a list with one entry for "
                            f"each argument, got {type(x).__name__}")
    if len(primals) != len(series):
        raise ValueError(f"{who} expected a list of coefficients for each of {len(primals)} "
                         f"arguments, got {len(series)}")
    for i, terms in enumerate(series):
        if not isinstance(terms, (tuple, list)):
            raise TypeError(f"{who} expected series[{i}] to be a list of coefficients, got "
                            f"{type(terms).__name__}; write {who}(f, (x,), ([v],))")
    orders = sorted({len(terms) for terms in series})
    if len(orders) != 1:
        raise ValueError(f"{who}: jet terms have inconsistent lengths for different arguments: "
                         f"{[len(terms) for terms in series]}; pad with zeros")
    order = check_order(who, orders[0], name="the number of coefficients")
    leaves, treedef, columns = series_leaves(who, primals, series, order)
    with Call(1, max(order, 1)) as call:
        inputs = [with_terms(call, x, terms, factorial_scaled)
                  for x, terms in zip(leaves, columns, strict=True)]
        result = fun(*tree_unflatten(treedef, inputs))
        outs, treedef = flatten_result(who, result)
        values, lists = [call.value(y) for y in outs], []
        for y in outs:
            if type(y) is not Taylor and dtype_of(y).kind not in "fc":
                y = np.zeros(shape_of(y))
            if factorial_scaled:
                lists.append([univariate(call, y, k) for k in range(1, order + 1)])
            else:
                rows = call.coefficients(y, np.arange(1, order + 1)) if order else []
                lists.append([rows[k] for k in range(order)])
        inputs = result = outs = y = None
    return tree_unflatten(treedef, values), tree_unflatten(treedef, lists)


def series_leaves(who, primals, series, order):
    """(leaves, treedef, for each leaf its coefficients), checked."""
    leaves, paths, treedef = flatten_inputs(who, tuple(primals), "primals")
    columns = [[] for _ in leaves]
    for i, (x, terms) in enumerate(zip(primals, series, strict=True)):
        first = sum(tree_structure(p).num_leaves for p in primals[:i])
        for k, term in enumerate(terms):
            place = f"series[{i}][{k}]"
            rows, row_paths, row_def = flatten_inputs(who, term, place)
            if row_def != tree_structure(x):
                raise TypeError(f"{who} expected {place} of the structure of primals[{i}], "
                                f"{tree_structure(x)}, got {row_def}")
            for q, (row, path) in enumerate(zip(rows, row_paths, strict=True), first):
                if shape_of(row) != shape_of(leaves[q]):
                    raise TypeError(f"{who} expected {path} to have shape {shape_of(leaves[q])}, "
                                    f"as {paths[q]} has, got {shape_of(row)}")
                columns[q].append(row)
    for x, path in zip(leaves, paths, strict=True):
        check_input(who, x, path, allow_int=None)
    return leaves, treedef, columns


def with_terms(call, x, terms, factorial_scaled):
    """x + sum of terms[k - 1] t**k, terms constants or numbers."""
    if not terms:
        return x
    value = np.asarray(x.value if type(x) is Taylor else x)
    plain = [t for t in terms if type(t) is not Taylor]
    dtype = np.result_type(value, *[dtype_of(t) for t in plain])
    rows = np.zeros((call.algebra.M - 1, *value.shape), dtype)
    out = x
    for k, t in enumerate(terms):
        scale = 1 / math.factorial(k + 1) if factorial_scaled else 1.0
        if type(t) is not Taylor:
            rows[k] = np.asarray(t) * scale
            continue
        unit = np.zeros(rows.shape, value.dtype)
        unit[k] = scale
        term = make(call.algebra, np.zeros_like(value), unit) * t
        out = apply("add", term, out, value=value)
    y = make(call.algebra, value.astype(dtype), rows)
    return y if type(out) is not Taylor else apply("add", out, y, value=value)
