"""Jacobians, Hessians and what is made of them: JAX's names, signatures and semantics.

May import: the tensors that it hands out, argument checks, grad and jvp.  Invariant: one
evaluation of the function where memory allows, by chunks of seeds where it does not.
"""

from dualdiff._arguments import check_function, check_order
from dualdiff._chunks import Task, check_chunking, derive
from dualdiff._inputs import Inputs
from dualdiff._tensors import (
    Along,
    Curl,
    Directions,
    Divergence,
    HessianDiagonal,
    Laplacian,
    Linear,
    Tensor,
    ValueAndTensor,
    ValueGradientHessian,
)
from dualdiff._transforms import check_tangents, gradient
from dualdiff.tree_util import tree_unflatten

# ---- first derivatives ----------------------------------------------------------------


def jacfwd(fun, argnums=0, has_aux=False, holomorphic=False, *, chunk_size=None, executor=None,
           batch_axes=None):
    """Make the function that evaluates the Jacobian.

    Parameters
    ----------
    fun : callable
        Its result is an array, a number, or a pytree of them.
    argnums : int or tuple of ints, optional
        Which positional arguments to differentiate by; each may be a pytree.
    has_aux : bool, optional
        `fun` returns a pair (result, aux); aux is handed out undifferentiated.
    holomorphic : bool, optional
        `fun` is holomorphic: complex inputs, complex result.
    chunk_size : int, optional
        Seeds (input elements) of one evaluation.  Chosen from `memory_budget` by default.
    executor : concurrent.futures.Executor, optional
        Where the evaluations run if there are several: threads, processes (`fun` and its
        arguments are then pickled), or what Dask and mpi4py offer under this interface.
    batch_axes : int or tuple of ints, optional
        Axes of all inputs and of all results that number points: `fun` is evaluated once for
        all of them, and the Jacobian is that of each point, with these axes in their places.

    Returns
    -------
    callable
        Takes the arguments of `fun`; for each leaf of its result gives the structure of the
        inputs, with an array of shape ``(*result.shape, *input.shape)`` for each; a pair
        ``(jacobian, aux)`` with `has_aux`.

    Raises
    ------
    TypeError
        If an input is not of floating point, or complex without `holomorphic`; if `fun` returns
        something else than numbers; with `batch_axes`, if points are not kept apart.
    ValueError
        If `argnums` names an argument twice, or inputs lack a batch axis.

    Notes
    -----
    One evaluation of `fun` with a seed for each input element, or ceil(n / chunk_size) of them.
    Memory: about chunk_size + 1 times that of `fun` itself.  Neither chunks nor an executor
    change a bit of the result, but for products of matrices, which BLAS rounds by their width;
    a single evaluation with 24 seeds and more has lanes (see `set_lanes`), which add up in
    another order.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import jacfwd
    >>> jacfwd(lambda x: np.sin(x) * x[0])(np.array([0.0, 1.0]))
    array([[0.        , 0.        ],
           [0.84147098, 0.        ]])
    """
    return Tensor("jacfwd", fun, argnums, has_aux, holomorphic, None, chunk_size, executor,
                  batch_axes)


def jacobian(fun, argnums=0, has_aux=False, holomorphic=False, allow_int=False, *,
             chunk_size=None, executor=None, batch_axes=None):
    """Make the function that evaluates the Jacobian: `jacfwd` by its plain name.

    Parameters
    ----------
    fun, argnums, has_aux, holomorphic, chunk_size, executor, batch_axes
        As for `jacfwd`.
    allow_int : bool, optional
        Let integer inputs pass; their derivatives are zero, of dtype float0 as in JAX.

    Returns
    -------
    callable
        As from `jacfwd`.

    Raises
    ------
    TypeError, ValueError
        As `jacfwd` does.

    Notes
    -----
    See `jacfwd`.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import jacobian
    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    return Tensor("jacobian", fun, argnums, has_aux, holomorphic, bool(allow_int), chunk_size,
                  executor, batch_axes)


def jacrev(fun, argnums=0, has_aux=False, holomorphic=False, allow_int=False, *,
           chunk_size=None, executor=None, batch_axes=None):
    """Make the function that evaluates the Jacobian, under JAX's name for reverse mode.

    The result is that of `jacfwd`, and so is the way it is computed: in forward mode, one seed
    for each input element.  dualdiff has no reverse mode; the name is there so that code for
    JAX runs.

    Parameters
    ----------
    fun, argnums, has_aux, holomorphic, allow_int, chunk_size, executor, batch_axes
        As for `jacobian`.

    Returns
    -------
    callable
        As from `jacfwd`.

    Raises
    ------
    TypeError, ValueError
        As `jacfwd` does.

    Notes
    -----
    The cost grows with the number of inputs, not with that of results as in reverse mode.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import jacrev
    >>> jacrev(lambda x: x[0] * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [2., 1.]])
    """
    return Tensor("jacrev", fun, argnums, has_aux, holomorphic, bool(allow_int), chunk_size,
                  executor, batch_axes)


def value_and_jacfwd(fun, argnums=0, has_aux=False, holomorphic=False, *, chunk_size=None,
                     executor=None, batch_axes=None):
    """Make the function that evaluates a function and its Jacobian together.

    Parameters
    ----------
    fun, argnums, has_aux, holomorphic, chunk_size, executor, batch_axes
        As for `jacfwd`.

    Returns
    -------
    callable
        Gives ``(value, jacobian)``, or ``((value, aux), jacobian)`` with `has_aux`.

    Raises
    ------
    TypeError, ValueError
        As `jacfwd` does.

    Notes
    -----
    Costs what `jacfwd` costs.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import value_and_jacfwd
    >>> v, j = value_and_jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
    >>> print(v, j.tolist())
    [1. 4.] [[2.0, 0.0], [0.0, 4.0]]
    """
    return ValueAndTensor("value_and_jacfwd", fun, argnums, has_aux, holomorphic, None,
                          chunk_size, executor, batch_axes)


# ---- second and higher ------------------------------------------------------------------


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
    operation; in b blocks of seeds, b (b + 1) / 2 evaluations.  Each pair is computed once, so
    the result is symmetric to the last bit.

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


# ---- of fields -----------------------------------------------------------------------------


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


def divergence(fun, argnums=0, has_aux=False, *, chunk_size=None, executor=None,
               batch_axes=None):
    """Make the function that evaluates the divergence of a vector field.

    Parameters
    ----------
    fun : callable
        As many components in the result as there are elements in the inputs.
    argnums, has_aux, chunk_size, executor, batch_axes
        As for `jacfwd`.

    Returns
    -------
    callable
        Gives one number, or one for each point.

    Raises
    ------
    TypeError, ValueError
        As `jacfwd` does, and if the number of components is not that of the inputs.

    Notes
    -----
    Costs what `jacfwd` costs.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import divergence
    >>> print(divergence(lambda x: x**2)(np.array([1.0, 2.0, 3.0])))
    12.0
    """
    return Divergence("divergence", fun, argnums, has_aux, False, None, chunk_size, executor,
                      batch_axes)


def curl(fun, argnums=0, has_aux=False, *, chunk_size=None, executor=None, batch_axes=None):
    """Make the function that evaluates the curl of a vector field.

    Parameters
    ----------
    fun : callable
        Three components in the result and three elements in the inputs; or two and two.
    argnums, has_aux, chunk_size, executor, batch_axes
        As for `jacfwd`.

    Returns
    -------
    callable
        Gives a vector in the form of the result of `fun`; in the plane, one number.

    Raises
    ------
    TypeError, ValueError
        As `jacfwd` does, and if the field has not three or two dimensions.

    Notes
    -----
    Costs what `jacfwd` costs.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import curl
    >>> curl(lambda x: np.stack([x[2], x[0], x[1]]))(np.array([1.0, 2.0, 3.0]))
    array([1., 1., 1.])
    """
    return Curl("curl", fun, argnums, has_aux, False, None, chunk_size, executor, batch_axes)


# ---- products with directions -----------------------------------------------------------------


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
    One evaluation with 2 (n + 1) coefficients an operation, n + 1 of them `grad` has as well:
    a small multiple of its cost.  The Hessian is not formed.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import hvp
    >>> hvp(lambda x: x[0]**2 * x[1], (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    array([6., 2.])
    """
    check_tangents("hvp", fun, primals, tangents)
    slope = Along(fun, tuple(tangents), has_aux)
    return gradient("hvp", slope, argnums, has_aux, chunk_size, executor)(*primals)


def jvps(fun, primals, tangents, has_aux=False, *, chunk_size=None, executor=None):
    """Evaluate a function and its derivatives along several directions at once.

    Parameters
    ----------
    fun : callable
    primals : tuple or list
        The arguments of `fun`.
    tangents : tuple or list
        The directions: of the structure and dtypes of `primals`, each array with one more axis
        in front, of the same length everywhere, that numbers the directions.
    has_aux : bool, optional
        `fun` returns a pair (result, aux).
    chunk_size, executor
        As for `jacfwd`; a seed is a direction.

    Returns
    -------
    primals_out : pytree
        ``fun(*primals)``.
    tangents_out : pytree
        The derivatives, with the axis of the directions in front.
    aux : pytree
        With `has_aux` only.

    Raises
    ------
    TypeError
        If primals and tangents do not fit.

    Notes
    -----
    One evaluation of `fun` with one seed for each direction, or several in chunks.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import jvps
    >>> y, t = jvps(lambda x: x**3, (2.0,), (np.array([1.0, -2.0]),))
    >>> print(y, t)
    8.0 [ 12. -24.]
    """
    who = "jvps"
    chunk_size, executor = check_chunking(who, chunk_size, executor)
    leaves, directions, treedef = check_tangents(who, fun, primals, tangents, lead=True)
    counts = {len(v) for v in directions if v is not None}
    if len(counts) != 1:
        raise TypeError(f"{who} expected one number of directions in all tangents, got "
                        f"{sorted(counts)}; the first axis of each tangent numbers them")
    inputs = Directions(leaves, directions, treedef, counts.pop())
    task = Task(who, fun, inputs, {}, 1, has_aux=has_aux)
    result = derive(task, chunk_size, executor)
    out = (tree_unflatten(result.treedef, result.values),
           tree_unflatten(result.treedef, [t[:inputs.count] for t in result.tops]))
    return (*out, result.aux) if has_aux else out


def linearize(fun, *primals, has_aux=False, chunk_size=None, executor=None):
    """Evaluate a function, and make its linear approximation at this point.

    Parameters
    ----------
    fun : callable
    *primals : pytrees
        The arguments of `fun`.
    has_aux : bool, optional
        `fun` returns a pair (result, aux).
    chunk_size, executor
        As for `jacfwd`.

    Returns
    -------
    out : pytree
        ``fun(*primals)``.
    f_jvp : callable
        Takes tangents of the form of `primals`, gives the derivative along them.  It does not
        run `fun`, and can be pickled.
    aux : pytree
        With `has_aux` only.

    Raises
    ------
    TypeError
        If an input is not of floating point; from `f_jvp`, if tangents do not fit the primals.

    Notes
    -----
    The Jacobian is computed here, as `jacfwd` does, and stored: (elements of the result) times
    (elements of the inputs) numbers.  Each call of `f_jvp` is one matrix product with it.  For
    few directions through many inputs, `jvp` or `jvps` is cheaper.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import linearize
    >>> y, f_jvp = linearize(lambda x: x**2, np.array([1.0, 2.0]))
    >>> print(y, f_jvp(np.array([1.0, 0.5])))
    [1. 4.] [2. 2.]
    """
    who = "linearize"
    chunk_size, executor = check_chunking(who, chunk_size, executor)
    check_function(who, fun)
    inputs = Inputs(who, primals, tuple(range(len(primals))), allow_int=True)
    task = Task(who, fun, inputs, {}, 1, has_aux=has_aux)
    result = derive(task, chunk_size, executor)
    f_jvp = Linear(inputs, result.treedef, result.tops, result.values)
    out = tree_unflatten(result.treedef, result.values), f_jvp
    return (*out, result.aux) if has_aux else out
