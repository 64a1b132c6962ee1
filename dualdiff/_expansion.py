"""`taylor`: the expansion of a function to a polynomial object.

May import: polynomials, argument checks, inputs, jobs and chunks, seeding.  Invariant: chunks of
variables change nothing.
"""

import numpy as np

from dualdiff._arguments import (
    check_function,
    check_order,
    check_result_kind,
    flatten_result,
    shape_of,
    split_aux,
)
from dualdiff._chunks import by_degrees, check_chunking, whole
from dualdiff._inputs import Inputs
from dualdiff._jobs import Task, strip
from dualdiff._polynomial import TaylorPolynomial, polynomial_of
from dualdiff._seeding import Call
from dualdiff._taylor import Taylor
from dualdiff.tree_util import tree_map, tree_unflatten


def taylor(fun, x0, order, *, has_aux=False, chunk_size=None, executor=None):
    """Expand a function to its Taylor polynomial.

    Parameters
    ----------
    fun : callable
        Of one number, one array, or one pytree of them; its result is a number, an array, or a
        pytree of them.
    x0 : float, array or pytree of them
        The centre.  Each element is a variable: n of them give a polynomial in n variables,
        which is evaluated at points of the same structure.
    order : int
        The highest total degree.
    has_aux : bool, optional
        `fun` returns a pair (result, aux); aux is handed out undifferentiated.
    chunk_size : int, optional
        Seeds (variables) of one block, as for `derivative_tensor`; chosen from `memory_budget`
        by default.
    executor : concurrent.futures.Executor, optional
        Where the evaluations run if there are several.

    Returns
    -------
    TaylorPolynomial
        Or a pytree of them, in the structure of the result; ``(polynomial, aux)`` with `has_aux`.

    Raises
    ------
    TypeError
        If `x0` is not of floating point, or complex in some leaves only, `order` is not an
        integer, or `fun` returns something else than numbers.
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
    >>> q = taylor(lambda v: v["a"]**2 * v["b"], {"a": 1.0, "b": 2.0}, 3)
    >>> print(q({"a": 2.0, "b": 3.0}), q.coefficient({"a": 1, "b": 1}))
    12.0 2.0
    """
    who = "taylor"
    check_function(who, fun)
    order = check_order(who, order)
    chunk_size, executor = check_chunking(who, chunk_size, executor)
    inputs = Inputs(who, (x0,), 0, allow_int=None, name="x0")
    kinds = {leaf.dtype.kind for leaf in inputs.leaves}
    if kinds == {"c"}:
        inputs = Inputs(who, (x0,), 0, holomorphic=True, name="x0")
    elif "c" in kinds:
        raise TypeError(f"{who} expected variables that are all real or all complex, got "
                        f"{', '.join(f'{x.path}: {x.dtype}' for x in inputs.leaves)}; make all "
                        "of them complex")
    n = inputs.count
    centre = inputs.tree([x.x if type(x.x) is Taylor else np.array(x.x)[()]
                          for x in inputs.leaves])
    once = whole(n, order, inputs.nbytes)
    if order and n > 1 and (chunk_size is not None or executor is not None or not once):
        found, treedef, aux = by_degrees(
            lambda d: Task(who, fun, inputs, {}, d, has_aux=has_aux, coefficients=True,
                           dense=once), order, chunk_size, executor)
        out = [TaylorPolynomial(np.concatenate([np.reshape(value, (1, *shape_of(value))), *tops]),
                                centre, order) for value, tops in found]
    else:
        with Call(max(n, 1), max(order, 1)) as call:
            result, aux = split_aux(who, fun(*inputs.with_seeds([(call, 0, n)])), has_aux)
            leaves, treedef = flatten_result(who, result)
            for y in leaves:
                check_result_kind(who, y, False, False)
            out = [polynomial_of(call, y, centre, n, order) for y in leaves]
            aux = tree_map(lambda a: strip([call], a), aux) if has_aux else None
            result = leaves = y = None
    out = tree_unflatten(treedef, out)
    return (out, aux) if has_aux else out
