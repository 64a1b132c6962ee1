"""Derivatives of any order along one variable, and mixed partials.

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
    check_input,
    check_order,
    check_result_kind,
    dtype_of,
    flatten_result,
    shape_of,
    split_aux,
)
from dualdiff._inputs import Inputs, is_int, variable_of
from dualdiff._jobs import strip
from dualdiff._seeding import Call, Gradient, slopes
from dualdiff._taylor import Taylor
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
    """Derivatives by each input: of one order, or (every) of all orders up to it."""

    def __init__(self, who, fun, order, argnums, has_aux=False, every=False):
        self.argnums = check_argnums(who, fun, argnums)
        super().__init__(who, fun)
        self.order, self.has_aux, self.every = order, bool(has_aux), every
        self.root = fun
        if (who == "elementwise_grad" and type(fun) is Univariate and fun.who == who
                and fun.argnums == self.argnums and not has_aux and not fun.has_aux):
            self.order, self.root = order + fun.order, fun.root  # one pass over the root

    def __call__(self, *args, **kwargs):
        at = self.argnums
        if (type(at) is int and 0 <= at < len(args) and self.order
                and not (self.every or self.has_aux)):
            if isinstance(args[at], float):  # the fast path of grad
                return Gradient(self, self.fun, self.root, at, self.order, False)(*args, **kwargs)
            found = slopes(self.root, args, kwargs, at, self.order, self.pending)
            if found is not None:
                return found
        return self.general(args, kwargs)

    def pending(self, result, call, x):
        """A result of the fast paths that is not a plain number over its own seeds."""
        x = np.float64(x) if type(x) is float else x
        return tree_unflatten(*self.read(call, x, result))

    def general(self, args, kwargs):
        """The derivatives for arguments of any kind: one evaluation for each input."""
        who = self.who
        inputs = Inputs(who, args, self.argnums, allow_int=None)
        if type(self.argnums) is int and inputs.treedefs[0] == tree_structure(0.0):
            treedef, out, aux = self.along(inputs, 0, kwargs)
        elif who == "elementwise_grad":
            return EachLeaf(who, self.fun, self.argnums, self.has_aux)(*args, **kwargs)
        elif not inputs.leaves:
            raise TypeError(f"{who} expected a number or an array among the inputs, got none; "
                            "pytrees must have leaves")
        else:
            parts = [self.along(inputs, q, kwargs) for q in range(len(inputs.leaves))]
            treedef, _, aux = parts[0]
            out = [inputs.tree(ys) for ys in zip(*[p[1] for p in parts], strict=True)]
        out = tree_unflatten(treedef, out)
        return (out, aux) if self.has_aux else out

    def along(self, inputs, q, kwargs):
        """(structure of the result, its leaves' derivatives by input q, aux)."""
        xs, x, aux = [leaf.x for leaf in inputs.leaves], inputs.leaves[q].x, None
        with Call(1, max(self.order, 1)) as call:
            xs[q] = seeded(call, x)
            result, extra = split_aux(
                self.who, self.root(*inputs.rebuilt(xs), **kwargs), self.has_aux)
            treedef, out = self.read(call, x, result)
            if self.has_aux:
                flat, aux_def = tree_flatten(extra)
                aux = tree_unflatten(aux_def, [call.value(a) for a in flat])
            xs = result = extra = None
        return treedef, out, aux

    def read(self, call, x, result):
        """The structure of the result, and the derivatives of each leaf."""
        leaves, treedef = flatten_result(self.who, result)
        out = []
        for y in leaves:
            check_result_kind(self.who, y, False, False)
            check_elementwise(self.who, x, y)
            if dtype_of(y).kind in "iu" and type(y) is not Taylor:
                y = np.asarray(y, dtype_of(x))[()]
            out.append(self.all_orders(call, y) if self.every else
                       kept(univariate(call, y, self.order), dtype_of(x)))
        return treedef, out

    def all_orders(self, call, y):
        """Value and derivatives, with the order as leading axis."""
        value = np.reshape(call.value(y), (1, *shape_of(y)))
        if self.order == 0:
            return value
        rows = call.coefficients(y, np.arange(1, self.order + 1))
        scale = np.array([math.factorial(d) for d in range(1, self.order + 1)],
                         np.result_type(rows.dtype, np.float64).type(0).real.dtype)
        with np.errstate(over="ignore"):
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
    """Make the n-th derivative of a function of one variable, or of each of its variables.

    Parameters
    ----------
    fun : callable
        Of a number, with any result; or of an array, element by element (see
        `elementwise_grad`).
    n : int
        The order; 0 gives the value.
    argnums : int or tuple of ints, optional
        Which positional arguments to differentiate by; each may be a pytree of numbers and
        arrays.
    has_aux : bool, optional
        `fun` returns a pair (result, aux).

    Returns
    -------
    callable
        Gives the derivative, in the structure and shapes of the result of `fun`; for several
        inputs, or pytrees, in their structure, the derivative by each input alone, as
        `elementwise_grad` does (see `mixed_partial` and `derivative_tensor` for mixed ones).

    Raises
    ------
    TypeError, ValueError
        If `n` is not an integer from 0 to 63, or the result is no function element by element.

    Notes
    -----
    One evaluation of `fun`, for each input, over a Taylor series of order n: products and
    elementary functions cost n**2 / 2 multiplications each.

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
        For each array of the result of `fun` (and each input, if there are several) gives one
        with one more axis in front, of length n + 1: entry k is the k-th derivative.

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

    def __init__(self, who, fun, indices, argnums, has_aux):
        self.argnums = None if argnums is None else check_argnum(
            who, fun, argnums, "a pytree of all inputs, or derivative_tensor")
        super().__init__(who, fun)
        if not isinstance(indices, (tuple, list)):
            raise TypeError(f"{who} expected a tuple of indices, one for each differentiation, got "
                            f"{indices!r}")
        check_order(who, len(indices), name="the number of indices")
        self.indices, self.has_aux = tuple(indices), bool(has_aux)

    def __call__(self, *args, **kwargs):
        if not self.indices:
            return self.fun(*args, **kwargs)
        named = self.argnums
        if named is None and len(args) == 1 and (
            tree_structure(args[0]) != tree_structure(0.0) or shape_of(as_leaf(args[0])) != ()
        ):
            named = 0
        calls, seeded_args, inputs = self.by_arguments(args) if named is None else (
            self.by_elements(args, named))
        try:
            result, aux = split_aux(self.who, self.fun(*seeded_args(), **kwargs), self.has_aux)
            leaves, treedef = flatten_result(self.who, result)
            out = []
            for y in leaves:
                check_result_kind(self.who, y, False, False)
                for x in inputs:
                    check_elementwise(self.who, x, y)
                for call, order in calls:
                    y = univariate(call, y, order)
                out.append(y)
            out = tree_unflatten(treedef, out)
            if not self.has_aux:
                return out
            flat, aux_def = tree_flatten(aux)
            return out, tree_unflatten(aux_def, [strip([c for c, _ in calls], a) for a in flat])
        finally:
            result = aux = leaves = y = None
            for call, _ in calls:
                call.__exit__()

    def by_elements(self, args, place):
        """([(call, order)], what makes the arguments, none) for elements of one argument."""
        who = self.who
        inputs = Inputs(who, args, place, allow_int=None)
        chosen = []
        for i in self.indices:
            q, at = variable_of(who, args[inputs.places[0]], i)
            chosen.append(inputs.leaves[q].first + at)
        calls = {q: Call(1, chosen.count(q)) for q in sorted(set(chosen), reverse=True)}
        blocks = [(c, q, q + 1) for q, c in calls.items()]
        return ([(c, chosen.count(q)) for q, c in calls.items()],
                lambda: inputs.with_seeds(blocks), ())

    def by_arguments(self, args):
        """([(call, order)], what makes the arguments, inputs) for arguments, element by element."""
        who = self.who
        chosen = [self.argument(i, len(args)) for i in self.indices]
        for q in chosen:
            if tree_structure(args[q]) != tree_structure(0.0):
                raise TypeError(f"{who} expected several arguments that are numbers or arrays, got "
                                f"{type(args[q]).__name__}; name the pytree by argnums={q}, and "
                                "give indices or paths of its elements")
        inputs = {q: as_leaf(args[q]) for q in set(chosen)}
        for q, x in inputs.items():
            check_input(who, x, f"argument {q}", allow_int=None)
        calls = {q: Call(1, chosen.count(q)) for q in sorted(inputs, reverse=True)}
        return ([(c, chosen.count(q)) for q, c in calls.items()],
                lambda: [seeded(calls[q], inputs[q]) if q in calls else x
                         for q, x in enumerate(args)], inputs.values())

    def argument(self, i, count):
        """The position of an argument."""
        if not is_int(i):
            raise TypeError(f"{self.who} expected argument numbers as indices, got {i!r}; name "
                            "one argument by argnums for indices of its elements")
        if not -count <= i < count:
            raise ValueError(f"{self.who}: index {i} names no argument, the function was called "
                             f"with {count}")
        return int(i) % count


def mixed_partial(fun, indices, argnums=None, has_aux=False):
    """Make one mixed partial derivative of any order.

    Parameters
    ----------
    fun : callable
        Of one array or pytree, or of several numbers; of several arrays it acts element by
        element.
    indices : tuple
        What to differentiate by, one entry for each time, repetitions allowed.  Elements, if the
        function is called with one array or pytree, or `argnums` names one: of an array the
        index (an int, or a tuple of them); of a pytree the number of the element among all, or
        a path, a tuple of keys and then of the index.  Else numbers of arguments.
    argnums : int, optional
        The argument whose elements `indices` names.
    has_aux : bool, optional
        `fun` returns a pair (result, aux); aux is handed out undifferentiated.

    Returns
    -------
    callable
        Gives the derivative in the structure of the result of `fun`; ``(derivative, aux)`` with
        `has_aux`.

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
    >>> f = lambda p: p["a"]**2 * p["b"][1]
    >>> print(mixed_partial(f, ("a", ("b", 1)))({"a": 3.0, "b": np.array([1.0, 2.0])}))
    6.0
    """
    return MixedPartial("mixed_partial", fun, indices, argnums, has_aux)
