"""Hessians, tensors of any order and what is made of them: JAX's names, signatures and semantics.

May import: the tensors that it hands out, argument checks, grad and jvp.  Invariant: every
symmetric entry is computed once.
"""

from dualdiff._arguments import check_order
from dualdiff._seeding import are_plain
from dualdiff._tensors import Along, HessianDiagonal, Laplacian, Tensor, ValueGradientHessian
from dualdiff._transforms import check_tangents, gradient

# ---- tensors --------------------------------------------------------------------------


def hessian(fun, argnums=0, has_aux=False, holomorphic=False, *, chunk_size=None, executor=None,
            batch_axes=None):
    """Make the function that evaluates the matrix of second derivatives.

    Parameters
    ----------
    fun : callable
        A scalar function, or any other: then each element of the result has its Hessian.
    argnums, has_aux, holomorphic, executor, batch_axes
        As for `jacfwd`.
    chunk_size : int, optional
        Seeds of one block: evaluations carry two blocks each.

    Returns
    -------
    callable
        For each leaf of the result gives the structure of the inputs, in whose leaves that
        structure again, with arrays of shape ``(*result.shape, *input.shape, *input.shape)``.

    Raises
    ------
    TypeError, ValueError
        As `jacfwd` does.

    Notes
    -----
    One evaluation of `fun` with n seeds kept to order 2, n (n + 3) / 2 derivatives an
    operation; in b blocks of seeds, b (b + 1) / 2 evaluations.  Where elements depend on few
    inputs each, on those few only; where a number over all pairs would be too large, one product
    with a unit vector for each column, as `hvp` has it.  Each pair is computed once, so the
    result is symmetric to the last bit.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import hessian
    >>> hessian(lambda x: x[0]**2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return Tensor("hessian", fun, argnums, has_aux, holomorphic, None, chunk_size, executor,
                  batch_axes, 2)


def value_grad_and_hessian(fun, argnums=0, has_aux=False, holomorphic=False, *, chunk_size=None,
                           executor=None, batch_axes=None):
    """Make the function that evaluates a scalar function with its gradient and Hessian.

    Parameters
    ----------
    fun, argnums, has_aux, holomorphic, chunk_size, executor, batch_axes
        As for `hessian`; the result of `fun` is one number.

    Returns
    -------
    callable
        Gives ``(value, gradient, hessian)``, or ``((value, aux), gradient, hessian)``.

    Raises
    ------
    TypeError, ValueError
        As `hessian` does, and for a result that is not one number.

    Notes
    -----
    Costs what `hessian` costs: everything is read off the same evaluation.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import value_grad_and_hessian
    >>> v, g, h = value_grad_and_hessian(lambda x: x[0]**2 * x[1])(np.array([1.0, 2.0]))
    >>> print(v, g, h.tolist())
    2.0 [4. 1.] [[4.0, 2.0], [2.0, 0.0]]
    """
    return ValueGradientHessian("value_grad_and_hessian", fun, argnums, has_aux, holomorphic,
                                None, chunk_size, executor, batch_axes)


def derivative_tensor(fun, order, argnums=0, has_aux=False, holomorphic=False, *,
                      chunk_size=None, executor=None, batch_axes=None):
    """Make the function that evaluates the full symmetric tensor of one order.

    Parameters
    ----------
    fun : callable
    order : int
        0 gives the value, 1 the Jacobian, 2 the Hessian, ...
    argnums, has_aux, holomorphic, executor, batch_axes
        As for `jacfwd`.
    chunk_size : int, optional
        Seeds of one block: evaluations carry up to `order` blocks each.

    Returns
    -------
    callable
        As from `hessian`, with `order` times the shape of the inputs.

    Raises
    ------
    TypeError, ValueError
        As `jacfwd` does, and if `order` is not an integer from 0 to 63.

    Notes
    -----
    One evaluation with binomial(n + order, order) coefficients an operation, or one for each
    multiset of `order` blocks.  Every distinct entry is computed once.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import derivative_tensor
    >>> t = derivative_tensor(lambda x: x[0]**2 * x[1], 3)(np.array([1.0, 2.0]))
    >>> t.shape, t[0, 0, 1] == t[0, 1, 0] == t[1, 0, 0] == 2.0
    ((2, 2, 2), np.True_)
    """
    order = check_order("derivative_tensor", order)
    return Tensor("derivative_tensor", fun, argnums, has_aux, holomorphic, None, chunk_size,
                  executor, batch_axes, order)


# ---- of the Hessian -----------------------------------------------------------------------


def hessian_diag(fun, argnums=0, has_aux=False, holomorphic=False, *, chunk_size=None,
                 executor=None, batch_axes=None):
    """Make the function that evaluates the diagonal of the Hessian.

    Parameters
    ----------
    fun, argnums, has_aux, holomorphic, executor, batch_axes
        As for `hessian`.
    chunk_size : int, optional
        Seeds of one evaluation, at most 16 by default.

    Returns
    -------
    callable
        For each leaf of the result gives the structure of the inputs, with arrays of shape
        ``(*result.shape, *input.shape)``: the second derivative by each element.

    Raises
    ------
    TypeError, ValueError
        As `hessian` does.

    Notes
    -----
    ceil(n / 16) evaluations with up to 16 seeds to order 2: the cost grows with n, not n**2.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import hessian_diag
    >>> hessian_diag(lambda x: x[0]**2 * x[1] + x[1]**3)(np.array([1.0, 2.0]))
    array([ 4., 12.])
    """
    return HessianDiagonal("hessian_diag", fun, argnums, has_aux, holomorphic, None, chunk_size,
                           executor, batch_axes)


def laplacian(fun, argnums=0, has_aux=False, *, chunk_size=None, executor=None,
              batch_axes=None):
    """Make the function that evaluates the Laplacian: the sum of all second derivatives.

    Parameters
    ----------
    fun, argnums, has_aux, chunk_size, executor, batch_axes
        As for `hessian_diag`; the sum runs over all elements of all inputs named.

    Returns
    -------
    callable
        Gives a result of the structure and shape of that of `fun`.

    Raises
    ------
    TypeError, ValueError
        As `hessian` does.

    Notes
    -----
    Costs what `hessian_diag` costs.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import laplacian
    >>> print(laplacian(lambda x: np.sum(x**2))(np.array([1.0, 2.0, 3.0])))
    6.0
    """
    return Laplacian("laplacian", fun, argnums, has_aux, False, None, chunk_size, executor,
                     batch_axes)


def hvp(fun, primals, tangents, argnums=0, has_aux=False, *, chunk_size=None, executor=None):
    """Evaluate the product of the Hessian of a scalar function with a direction.

    Parameters
    ----------
    fun : callable
        Its result is one real number.
    primals, tangents : tuple or list
        The arguments and the direction, as for `jvp`.
    argnums : int or tuple of ints, optional
        Which arguments the gradient is taken by; the direction may run through others as well.
    has_aux, chunk_size, executor
        As for `grad`.

    Returns
    -------
    pytree
        ``jvp(grad(fun, argnums), primals, tangents)[1]``, in the structure of the arguments
        named by `argnums`; ``(product, aux)`` with `has_aux`.

    Raises
    ------
    TypeError, ValueError
        As `jvp` and `grad` do.

    Notes
    -----
    One evaluation, and one to six times the cost of `grad`, whatever the number of inputs, for
    functions that `grad` evaluates with sparse or intermediate seeds (up to 15 times where arrays
    are so small that calls cost more than arithmetic; docs/counts.md); where all inputs mix in
    other functions, 2 (n + 1) coefficients an operation.  The Hessian is not formed.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import hvp
    >>> hvp(lambda x: x[0]**2 * x[1], (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    array([6., 2.])
    """
    if not (callable(fun) and are_plain(primals, tangents)):
        check_tangents("hvp", fun, primals, tangents)
    slope = Along(fun, tuple(tangents), has_aux)
    return gradient("hvp", slope, argnums, has_aux, chunk_size, executor)(*primals)
