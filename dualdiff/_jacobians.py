"""Jacobians, fields and directions: JAX's names, signatures and semantics.

May import: the tensors that it hands out, jobs and chunks, argument checks, jvp.  Invariant: one
evaluation of the function where memory allows, by chunks of seeds where it does not.
"""

from dualdiff._arguments import check_function
from dualdiff._chunks import check_chunking, derive
from dualdiff._inputs import Inputs
from dualdiff._jobs import Task
from dualdiff._tensors import Curl, Directions, Divergence, Linear, Tensor, ValueAndTensor
from dualdiff._transforms import check_tangents
from dualdiff.tree_util import tree_unflatten

# ---- Jacobians ------------------------------------------------------------------------


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
    change a bit of the result, but for products of matrices, which BLAS rounds by their width.

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
    """Make the function that evaluates the Jacobian: `jacobian` by JAX's name for reverse mode.

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
    Computed as by `jacfwd`, in forward mode: the cost grows with the number of inputs, not with
    that of results.  dualdiff has no reverse mode; the name lets code for JAX run.

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


# ---- of fields ----------------------------------------------------------------------------


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


# ---- along directions ---------------------------------------------------------------------


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
