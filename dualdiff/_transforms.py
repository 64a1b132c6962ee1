"""grad, value_and_grad and jvp: JAX's names, signatures and semantics.

May import: argument checks, inputs, chunks, seeding, the number.  Invariants: inputs are
never changed; a transform of a transform of one function becomes one pass of higher order
wherever that gives the same derivative.
"""

import math

import numpy as np

from dualdiff import _arguments
from dualdiff._arguments import (
    as_leaf,
    check_argnums,
    check_function,
    check_result_kind,
    check_scalar,
    dtype_of,
    flatten_inputs,
    flatten_result,
    float0,
    resolve_argnums,
    shape_of,
    split_aux,
)
from dualdiff._chunks import check_chunking, derive, evaluate
from dualdiff._inputs import Inputs, check_batch_axes
from dualdiff._jobs import Task
from dualdiff._seeding import Call, Gradient, along_plain, are_plain
from dualdiff._taylor import DenseLimit, Taylor
from dualdiff.tree_util import tree_flatten, tree_unflatten

# ---- grad -------------------------------------------------------------------------


def grad(fun, argnums=0, has_aux=False, holomorphic=False, allow_int=False, *,
         chunk_size=None, executor=None, batch_axes=None):
    """Make the function that evaluates the gradient of a scalar function.

    Parameters
    ----------
    fun : callable
        Its result is one real number, or a pair (result, aux) with `has_aux`.  It may use
        NumPy, loops, conditions, mutation of its own arrays, and derivatives of its own.
    argnums : int or tuple of ints, optional
        Which positional arguments to differentiate by; negative ones count from the last.
        Each may be a float, an array, or a pytree of them.
    has_aux : bool, optional
        `fun` returns a pair whose second element is handed out undifferentiated.
    holomorphic : bool, optional
        `fun` is holomorphic: complex inputs, complex result.
    allow_int : bool, optional
        Let integer inputs pass; their gradient is zero, of dtype float0 as in JAX.
    chunk_size : int, optional
        Seeds of one evaluation.  Chosen from `memory_budget` by default.
    executor : concurrent.futures.Executor, optional
        Where the evaluations run if there are several.
    batch_axes : int or tuple of ints, optional
        Axes of all inputs and of the result that number points: `fun` is evaluated once for
        all of them, and the gradient is that of each point.  An input without dimensions
        belongs to all points.

    Returns
    -------
    callable
        Takes the arguments of `fun`; gives the gradient in the structure, shapes and dtypes
        of the arguments named by `argnums` (NumPy scalars for numbers; a tuple if `argnums`
        is one), or ``(gradient, aux)``.

    Raises
    ------
    TypeError
        If the result is not one real number, an input is not of floating point, or `argnums`
        names an argument that is not there.
    ValueError
        If `argnums` names an argument twice.

    Notes
    -----
    One evaluation of `fun` with n seeds for n inputs, in forward mode: each of its operations
    carries n derivatives, unless chunks are taken.  Gradients of gradients with respect to
    single numbers are one evaluation of higher order: the k-th costs about k**2 operations.
    A complex input gives JAX's gradient of a real function: 2 conj(z) for abs(z)**2.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import grad
    >>> print(round(grad(np.tanh)(2.0), 8))
    0.07065082
    >>> def loss(p, x):
    ...     return np.sum((p["w"] * x + p["b"])**2)
    >>> g = grad(loss)({"w": 2.0, "b": 1.0}, np.array([0.0, 1.0]))
    >>> print(g["w"], g["b"])
    6.0 8.0

    At many points at once:

    >>> points = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> grad(lambda x: x[..., 0] * x[..., 1], batch_axes=0)(points)
    array([[2., 1.],
           [4., 3.]])
    """
    return _Gradient("grad", fun, argnums, has_aux, holomorphic, allow_int, False,
                     chunk_size, executor, batch_axes).function()


def value_and_grad(fun, argnums=0, has_aux=False, holomorphic=False, allow_int=False, *,
                   chunk_size=None, executor=None, batch_axes=None):
    """Make the function that evaluates a scalar function and its gradient together.

    Parameters
    ----------
    fun, argnums, has_aux, holomorphic, allow_int, chunk_size, executor, batch_axes
        As for `grad`.

    Returns
    -------
    callable
        Takes the arguments of `fun`; gives ``(value, gradient)``, or
        ``((value, aux), gradient)`` with `has_aux`.

    Raises
    ------
    TypeError, ValueError
        As `grad` does.

    Notes
    -----
    Costs what `grad` costs: the value is a part of the same evaluation.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import value_and_grad
    >>> v, g = value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> print(v, g)
    5.0 [2. 4.]
    """
    return _Gradient("value_and_grad", fun, argnums, has_aux, holomorphic, allow_int, True,
                     chunk_size, executor, batch_axes).function()


class _Gradient:
    """One grad: its settings, and all but the fast paths of the function that it hands out."""

    def __init__(self, who, fun, argnums, has_aux, holomorphic, allow_int, with_value,
                 chunk_size, executor, batch_axes):
        self.who, self.fun, self.argnums = who, fun, check_argnums(who, fun, argnums)
        self.has_aux, self.holomorphic = bool(has_aux), bool(holomorphic)
        self.allow_int, self.with_value = bool(allow_int), bool(with_value)
        self.chunk_size, self.executor = check_chunking(who, chunk_size, executor)
        self.batch_axes = check_batch_axes(who, batch_axes)
        self.simple = (chunk_size is None and executor is None and batch_axes is None
                       and not (has_aux or holomorphic or allow_int))
        self.plain = self.simple and isinstance(self.argnums, int)
        # The gradient of a gradient is one pass over `root`: `stack` lists the argnums of all.
        inner = fun.settings if type(fun) is Gradient else None
        self.stack, self.root = [self.argnums], fun
        if self.plain and inner is not None and inner.plain and not inner.with_value:
            self.stack, self.root = [self.argnums, *inner.stack], inner.root

    def function(self):
        """What grad hands out."""
        alike = len(set(self.stack)) == 1 and self.plain
        return Gradient(self, self.fun, self.root, self.argnums if alike else -1,
                        len(self.stack), self.with_value)

    def reduce(self):
        """For pickle: how to make this gradient again."""
        return _remade, (self.who, self.fun, self.argnums, self.has_aux, self.holomorphic,
                         self.allow_int, self.with_value, self.chunk_size, self.executor,
                         self.batch_axes)

    def checked(self, result):
        """A result of the function: one real number."""
        y = check_scalar(self.who, result)
        return check_result_kind(self.who, y, self.holomorphic)

    def pending(self, result, call, x):
        """A result of the fast paths that is not a plain number over the call's own seeds."""
        y = self.checked(result)
        if isinstance(x, np.ndarray):
            slope = kept(call.gradient(y).reshape(x.shape), x.dtype)
            return (call.value(y), slope) if self.with_value else slope
        return self.read_stack([(call, len(self.stack))], y, np.dtype(float), call)

    def read_stack(self, orders, y, dtype, outer):
        """Derivative of these orders; the value for value_and_grad has one less in `outer`."""
        slope, value = y, y
        for call, k in orders:
            slope = univariate(call, slope, k)
            value = univariate(call, value, k - (call is outer))
        slope = kept(slope, dtype)
        return (value, slope) if self.with_value else slope

    def general(self, args, kwargs):
        """The gradient for arguments of any kind."""
        if len(self.stack) > 1:
            found = self.stacked(args, kwargs)
            if found is not None:
                return found[0]
        if not self.simple:
            return self.read(args, kwargs)
        found, treedef = evaluate(self.fun, args, kwargs, self.argnums, 1, scalar=True), None
        if found is None:
            found, treedef = self.evaluate_trees(args, kwargs)
        if found is None:
            return self.read(args, kwargs)
        try:
            grads = found.gradients()
            if grads is None:
                return self.read(args, kwargs, found)
            if treedef is not None:
                grads = tree_unflatten(treedef, grads)
            grads = tuple(grads) if isinstance(self.argnums, tuple) else grads[0]
            return (found.value(), grads) if self.with_value else grads
        except DenseLimit:
            return self.read(args, kwargs)
        finally:
            found.close()

    def evaluate_trees(self, args, kwargs):
        """(what `evaluate` gives for the leaves of pytrees, the structure of all); or Nones."""
        places = self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)
        if (not all(0 <= p < len(args) for p in places) or len(set(places)) < len(places)
                or not any(isinstance(args[p], (dict, list, tuple)) for p in places)):
            return None, None
        leaves, treedef = tree_flatten([args[p] for p in places])

        def fun(*leaves, **kwargs):
            full = list(args)
            for p, x in zip(places, tree_unflatten(treedef, leaves), strict=True):
                full[p] = x
            return self.fun(*full, **kwargs)
        return evaluate(fun, tuple(leaves), kwargs, tuple(range(len(leaves))), 1,
                        scalar=True), treedef

    def read(self, args, kwargs, found=None):
        """The gradient with all settings, for pytrees of any kind of numbers."""
        inputs = Inputs(self.who, args, self.argnums, holomorphic=self.holomorphic,
                        allow_int=self.allow_int, batch_axes=self.batch_axes)
        task = Task(self.who, self.fun, inputs, kwargs, 1, has_aux=self.has_aux,
                    holomorphic=self.holomorphic, scalar=True, real=True)
        result = derive(task, self.chunk_size, self.executor, found)
        grads = inputs.tree([read_leaf(result.tops[0], leaf, inputs) for leaf in inputs.leaves])
        if self.with_value:
            value = result.values[0]
            return ((value, result.aux), grads) if self.has_aux else (value, grads)
        return (grads, result.aux) if self.has_aux else grads

    def stacked(self, args, kwargs):
        """(result,) of stacked gradients in one pass; None where an input is not one number."""
        places = [resolve_argnums(self.who, a, len(args))[0] for a in self.stack]
        inputs = {p: as_leaf(args[p]) for p in places if not isinstance(args[p], (tuple, list,
                                                                                 dict))}
        if len(inputs) < len(set(places)) or any(
            shape_of(x) != () or dtype_of(x).kind != "f" for x in inputs.values()
        ):
            return None
        calls = {p: Call(1, places.count(p)) for p in inputs}
        try:
            args = list(args)
            for p, call in calls.items():
                args[p] = call.seed(inputs[p])
            y = self.checked(self.root(*args, **kwargs))
            orders = [(call, places.count(p)) for p, call in calls.items()]
            return (self.read_stack(orders, y, dtype_of(inputs[places[0]]), calls[places[0]]),)
        finally:
            args = y = None
            for call in calls.values():
                call.__exit__()


def _remade(*settings):
    return _Gradient(*settings).function()


def gradient(who, fun, argnums, has_aux, chunk_size, executor):
    """grad for another transform, by whose name errors go."""
    return _Gradient(who, fun, argnums, has_aux, False, False, False, chunk_size, executor,
                     None).function()


def univariate(call, y, order):
    """Derivative of an order from the Taylor coefficients of a call with one seed."""
    if order == 0:
        return call.value(y)
    c = call.coefficient(y, order)
    if order == 1:
        return c
    with np.errstate(over="ignore"):
        if order < 9 or c.dtype.itemsize >= 8:
            return c * float(math.factorial(order))
        return (c * np.float64(math.factorial(order))).astype(c.dtype)  # 35! is no float32


def kept(x, dtype):
    """A derivative in the dtype of the input; complex ones stay complex."""
    if x.dtype == dtype or (x.dtype.kind == "c" and dtype.kind != "c"):
        return x
    with np.errstate(over="ignore"):
        return x.astype(dtype)


def read_leaf(slopes, leaf, inputs):
    """The gradient of one leaf from the packed one, in its shape and dtype."""
    if leaf.dtype.kind not in "fc":
        return np.zeros(leaf.full, float0)
    slopes = slopes[leaf.first:leaf.first + leaf.seeds]
    if leaf.pairs:
        slopes = slopes[:leaf.n] - 1j * slopes[leaf.n:]  # JAX's convention
    slopes = kept(slopes, leaf.dtype)
    if not inputs.batch_axes:
        return slopes.reshape(leaf.shape) if leaf.shape else slopes[0]
    return placed(slopes, leaf.shape, inputs)


def placed(packed, shape, inputs, where=None):
    """(inputs, *result) -> axes of the result, then `shape`; batch axes where they were.

    where: the batch axes of the result, if they are not those of the inputs.
    """
    batch = inputs.batch_axes
    out = packed.reshape((*shape, *packed.shape[1:]))
    nin, nout = len(shape), packed.ndim - 1
    if not batch:
        return out if not (nin and nout) else np.transpose(
            out, (*range(nin, nin + nout), *range(nin)))
    where = [nin + (a % nout) for a in (batch if where is None else where)]
    rest = [a for a in range(nin, nin + nout) if a not in where] + list(range(nin))
    final = {a % out.ndim: w for a, w in zip(batch, where, strict=True)}
    rest = iter(rest)
    return np.transpose(out, [final[a] if a in final else next(rest) for a in range(out.ndim)])


# ---- jvp -------------------------------------------------------------------------------


def jvp(fun, primals, tangents, has_aux=False):
    """Evaluate a function and its derivative along one direction.

    Parameters
    ----------
    fun : callable
        Any function of arrays, floats or pytrees of them, with such a result.
    primals : tuple or list
        The arguments of `fun`.
    tangents : tuple or list
        The direction: of the structure, shapes and dtypes of `primals`; float0 zeros for
        integer arguments.
    has_aux : bool, optional
        `fun` returns a pair (result, aux); aux is handed out undifferentiated.

    Returns
    -------
    primals_out : pytree
        ``fun(*primals)``.
    tangents_out : pytree
        The derivative of each leaf of the result along the direction.
    aux : pytree
        With `has_aux` only.

    Raises
    ------
    TypeError
        If primals and tangents differ in structure, shape or dtype.

    Notes
    -----
    One evaluation of `fun`, each operation with one derivative: two to three times the work
    of `fun` itself, for any number of inputs.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import jvp
    >>> y, t = jvp(lambda x: x**3, (2.0,), (1.0,))
    >>> print(y, t)
    8.0 12.0
    """
    who = "jvp"
    if not has_aux and callable(fun) and are_plain(primals, tangents):
        return along_plain(fun, primals, tangents, read_direction)
    leaves, directions, treedef = check_tangents(who, fun, primals, tangents)
    with Call(1, 1) as call:
        seeded = [x if v is None else call.along(x, (v,))
                  for x, v in zip(leaves, directions, strict=True)]
        result, aux = split_aux(who, fun(*tree_unflatten(treedef, seeded)), has_aux)
        out = read_direction(call, result)
        if has_aux:
            flat, aux_def = tree_flatten(aux)
            out = *out, tree_unflatten(aux_def, [call.value(x) for x in flat])
        seeded = result = aux = None
    return out


def read_direction(call, result):
    """(result, its derivative) of a call with one seed, leaf by leaf."""
    leaves, treedef = flatten_result("jvp", result)
    return (tree_unflatten(treedef, [call.value(y) for y in leaves]),
            tree_unflatten(treedef, [tangent_of(call, y) for y in leaves]))


def tangent_of(call, y):
    """The first derivative of one leaf of a result; float0 where it is of integers."""
    if type(y) is not Taylor and dtype_of(y).kind not in "fc":
        return np.zeros(shape_of(y), float0)
    return call.coefficient(y, 1)


def check_tangents(who, fun, primals, tangents, names=("primals", "tangents"), lead=False):
    """(leaves, directions, treedef): directions are None for integer inputs.

    lead: each tangent has one more axis in front.
    """
    check_function(who, fun)
    for name, x in zip(names, (primals, tangents), strict=True):
        if not isinstance(x, (tuple, list)):
            raise TypeError(f"{who} expected {name} to be a tuple or a list with one entry for "
                            f"each argument, got {type(x).__name__}; write {who}(f, (x,), "
                            "(v,))")
    leaves, paths, treedef = flatten_inputs(who, tuple(primals), names[0])
    directions, tangent_paths, tangent_def = flatten_inputs(who, tuple(tangents), names[1])
    if treedef != tangent_def:
        raise TypeError(f"{who} expected {names[1]} of the structure of {names[0]}, "
                        f"{treedef}, got "
                        f"{tangent_def}")
    out = []
    for x, v, path, vpath in zip(leaves, directions, paths, tangent_paths, strict=True):
        out.append(check_tangent(who, x, v, path, vpath, lead))
    return leaves, out, treedef


def check_tangent(who, x, v, path, vpath, lead=False):
    """One direction, checked against its primal; None for an integer primal."""
    dtype, vdtype, shape, vshape = dtype_of(x), dtype_of(v), shape_of(x), shape_of(v)
    if lead:
        if vshape == ():
            raise TypeError(f"{who} expected {vpath} to have an axis in front that numbers the "
                            f"directions, and then the shape {shape} of {path}, got one number")
        vshape = vshape[1:]
    if dtype.kind in "biu":
        if vdtype == float0:
            return None
        raise TypeError(f"{who}: {path} has dtype {dtype}, which has no direction: make it a "
                        "float, "
                        f"or pass np.zeros({shape}, dualdiff.float0) as {vpath}")
    _arguments.check_input(who, x, path, allow_int=None)
    if shape != vshape:
        raise TypeError(f"{who} expected {vpath} to have shape {shape}, as {path} has, got "
                        f"{vshape}; broadcast or reshape it")
    weak = vshape == () and type(v) is float
    if dtype != vdtype and not (weak and dtype.kind in "fc"):
        raise TypeError(f"{who} expected {vpath} to have dtype {dtype}, as {path} has, got "
                        f"{vdtype}; convert it with astype")
    return v
