"""Derivatives of what equations define: roots and fixed points found by any solver.

May import: argument checks, jacobians, pytrees, the number.  Invariant: the solver runs on
plain values, once; its value is the value of the result; derivatives come from the
equation alone.
"""

import numpy as np

from dualdiff._arguments import check_function, flatten_result, shape_of
from dualdiff._jacobians import jacfwd
from dualdiff._kinds import holds, values
from dualdiff._taylor import Taylor, make, parts, unify
from dualdiff._transformed import Transformed
from dualdiff.tree_util import tree_flatten, tree_map, tree_unflatten


class ImplicitRoot(Transformed):
    """x(*args) with g(x, *args) == 0."""

    def __init__(self, who, g, solve):
        self.g = check_function(who, g)
        super().__init__(who, check_function(who, solve))

    def residual(self, x, args, kwargs):
        """g at x."""
        return self.g(x, *args, **kwargs)

    def __call__(self, *args, **kwargs):
        who = self.who
        flat, treedef = tree_flatten((args, kwargs))
        if not any(map(holds, flat)):
            return self.fun(*args, **kwargs)
        plain_args, plain_kwargs = tree_unflatten(treedef, [values(a) for a in flat])
        root = self.fun(*plain_args, **plain_kwargs)
        leaves, root_def = flatten_result(who, root)
        if any(type(x) is Taylor for x in leaves):
            raise TypeError(f"{who} expected the solver to return plain numbers for plain "
                            "arguments, got numbers with derivatives; it must not capture them "
                            "from outside: pass them as arguments")
        shapes = [shape_of(x) for x in leaves]
        dtype = np.result_type(*[np.asarray(v).dtype for v in leaves])
        dtype = dtype if dtype.kind in "fc" else np.dtype(float)
        x = np.concatenate([np.reshape(v, -1) for v in leaves]).astype(dtype)

        def unflat(x):
            out, first = [], 0
            for shape in shapes:
                n = int(np.prod(shape))
                out.append(x[first] if shape == () else np.reshape(x[first:first + n], shape))
                first += n
            return tree_unflatten(root_def, out)

        def equation(x, args, kwargs):
            rows, _ = flatten_result(who, self.residual(unflat(x), args, kwargs))
            rows = [np.reshape(r, (-1,)) for r in rows]
            r = rows[0] if len(rows) == 1 else np.concatenate(rows)
            if shape_of(r) != shape_of(x):
                raise ValueError(f"{who} expected as many equations as unknowns, {len(x)}, got "
                                 f"{shape_of(r)[0]}; return one residual for each element of the "
                                 "root")
            return r

        complex_ = {"holomorphic": True} if dtype.kind == "c" else {}
        jacobian = jacfwd(lambda x: equation(x, plain_args, plain_kwargs), **complex_)(x)
        exact = dtype.char in "fdFD"
        if not exact:  # LAPACK knows no others; one more step of Newton makes up for it
            jacobian = jacobian.astype(complex if dtype.kind == "c" else float)
        try:
            inverse = np.linalg.inv(jacobian)
        except np.linalg.LinAlgError:
            inverse = np.full(jacobian.shape, np.nan)
        if not np.isfinite(inverse).all():
            raise np.linalg.LinAlgError(
                f"{who}: the equations have a singular Jacobian in the unknowns at the root that "
                "the solver found, so the root is no smooth function of the arguments; check for "
                "multiple roots and for equations that do not involve the unknowns")
        return unflat(series_root(x, lambda x: equation(x, args, kwargs), jacobian, not exact))


def series_root(x, equation, jacobian, more):
    """x as a number: Newton's method with the Jacobian at the value, one degree a step."""
    value, y, degree, highest = x, x, 0, 1
    while degree < highest:
        r = equation(y)
        if type(r) is not Taylor:
            return value
        if type(y) is Taylor:
            alg, ((_, rows), (_, terms)) = unify(r, y)
        else:
            alg, _, rows = parts(r)
            terms = np.zeros(rows.shape, value.dtype)
        right = rows.reshape(len(rows), -1).T.astype(jacobian.dtype, copy=False)
        step = np.linalg.solve(jacobian, right).T.reshape(rows.shape)
        y = make(alg, value, (terms - step).astype(value.dtype, copy=False))
        degree, highest = degree + 1, alg.D + more
    return y


class ImplicitFixedPoint(ImplicitRoot):
    """x(*args) with f(x, *args) == x."""

    def residual(self, x, args, kwargs):
        """f - x."""
        return tree_map(lambda a, b: a - b, self.g(x, *args, **kwargs), x)


def implicit_root(g, solve=None):
    """Make a solver differentiable: the root of g to any order, by whatever means it was found.

    Parameters
    ----------
    g : callable
        The equations: ``g(x, *args, **kwargs)`` is zero at the root, with one residual for each
        element of x.  x and the residual are numbers, arrays or pytrees.
    solve : callable, optional
        ``solve(*args, **kwargs)`` gives the root.  It gets plain values,
        so it may use anything:
        SciPy, C, bisection.  Without it, the result is a decorator for the solver.

    Returns
    -------
    callable
        Like `solve`; inside a derivative call its result depends on the arguments as the
        equations say.

    Raises
    ------
    TypeError, ValueError
        If the solver returns something else than numbers, or there are not as many equations as
        unknowns.
    numpy.linalg.LinAlgError
        If the Jacobian of g in x is singular at the root.

    Notes
    -----
    The solver runs once, on values.  Then Newton's method on the series, with the Jacobian in x
    at the root, finds one more degree with each evaluation of g: k evaluations for order k, and
    one for the Jacobian.  Derivatives are as exact as the root is.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import derivatives, implicit_root
    >>> @implicit_root(lambda x, a: x**2 - a)
    ... def root(a):
    ...     x = 1.0
    ...     for _ in range(50):
    ...         x = (x + a / x) / 2
    ...     return x
    >>> derivatives(root, 3)(4.0)
    array([ 2.        ,  0.25      , -0.03125   ,  0.01171875])
    """
    check_function("implicit_root", g)
    if solve is None:
        return lambda solve: ImplicitRoot("implicit_root", g, solve)
    return ImplicitRoot("implicit_root", g, solve)


def implicit_fixed_point(f, solve=None):
    """Make the solver of a fixed-point equation differentiable: x with ``f(x, *args) == x``.

    Parameters
    ----------
    f : callable
        The map, of the root and the arguments.
    solve : callable, optional
        As for `implicit_root`.

    Returns
    -------
    callable
        As from `implicit_root`.

    Raises
    ------
    TypeError, ValueError, numpy.linalg.LinAlgError
        As `implicit_root` does.

    Notes
    -----
    As for `implicit_root` with ``f(x, *args) - x``; it need not be contracting.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import grad, implicit_fixed_point
    >>> def iterate(a):
    ...     x = 0.0
    ...     for _ in range(200):
    ...         x = np.cos(a * x)
    ...     return x
    >>> x = implicit_fixed_point(lambda x, a: np.cos(a * x), iterate)
    >>> print(round(grad(x)(1.0), 9), round(grad(iterate)(1.0), 9))
    -0.297474342 -0.297474342
    """
    check_function("implicit_fixed_point", f)
    if solve is None:
        return lambda solve: ImplicitFixedPoint("implicit_fixed_point", f, solve)
    return ImplicitFixedPoint("implicit_fixed_point", f, solve)
