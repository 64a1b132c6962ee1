"""Jets: Taylor series of the inputs pushed through a function.

May import: argument checks, seeding, the number, the base of the transforms.  Invariant: one
evaluation of the function; factorials are applied where derivatives are read.
"""

import math

import numpy as np

from dualdiff._arguments import (
    check_function,
    check_input,
    check_order,
    dtype_of,
    flatten_inputs,
    flatten_result,
    shape_of,
)
from dualdiff._seeding import Call
from dualdiff._taylor import Taylor, apply, make
from dualdiff._transforms import univariate
from dualdiff.tree_util import tree_structure, tree_unflatten


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
