"""dualdiff: derivatives of plain NumPy code, to any order, exact to rounding.

Write functions with ``import numpy as np``; differentiate them with what is here.  Names that
JAX has mean what they mean there.

First derivatives
    grad, value_and_grad      of a scalar function
    jvp, jvps                 along one direction, along several at once
    jacfwd, jacobian, jacrev  the Jacobian (all three in forward mode)
    value_and_jacfwd          with the value, in one evaluation
    linearize                 a linear function that does not run yours again
    elementwise_grad          of functions that act element by element, any size

Second and higher
    hessian, value_grad_and_hessian, hvp, hessian_diag
    derivative_tensor         the full symmetric tensor of any order
    mixed_partial             one entry of it
    nth_derivative            of a function of one variable
    derivatives               the value and all orders up to n

Sparse
    sparse_jacobian, sparse_hessian       scipy.sparse arrays, or triplets
    jacobian_sparsity, hessian_sparsity   their patterns

Fields
    laplacian, divergence, curl

Series
    taylor, TaylorPolynomial  polynomials: arithmetic, composition, reversion, radius
    jet                       Taylor series through a function

Equations
    implicit_root, implicit_fixed_point   what a solver finds, to any order

Numbers by hand
    variables, dual, hyperdual, taylor_number, Taylor

Rules of your own
    register_derivative       an elementwise function's, in one line
    custom_jvp, stop_gradient

Code as it is
    lift                      the same function on dualdiff.numpy: np.zeros(n), math.sin(x) work

Settings
    memory_budget             of one evaluation with many seeds
    set_lanes                 how many seeds are represented
    set_num_threads           of work on large arrays
    set_machine_code          what is computed by code written for it
    set_memory_pool, clear_memory_pool
    float0                    the dtype of derivatives of integers

Modules
    dualdiff.numpy            NumPy, with arrays that accept numbers by assignment
    dualdiff.tree_util        pytrees: nested containers of arrays
    dualdiff.test_util        check_grads
    dualdiff.random           random numbers equal to JAX's

All of them nest in all others, through closures, in threads.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from dualdiff import (  # noqa: F401  (they fill the tables)
    _dispatch,
    _lane_forms,
    _lane_linalg,
    _lane_products,
    _lane_sums,
    rows,
)
from dualdiff._arguments import float0
from dualdiff._budget import memory_budget
from dualdiff._custom import custom_jvp, stop_gradient
from dualdiff._driver import set_machine_code, set_num_threads
from dualdiff._expansion import taylor
from dualdiff._hessians import (
    derivative_tensor,
    hessian,
    hessian_diag,
    hvp,
    laplacian,
    value_grad_and_hessian,
)
from dualdiff._implicit import implicit_fixed_point, implicit_root
from dualdiff._jacobians import (
    curl,
    divergence,
    jacfwd,
    jacobian,
    jacrev,
    jvps,
    linearize,
    value_and_jacfwd,
)
from dualdiff._jets import jet
from dualdiff._memory import clear_memory_pool, set_memory_pool
from dualdiff._numbers import Taylor, dual, hyperdual, taylor_number, variables
from dualdiff._partials import register_derivative
from dualdiff._polynomial import TaylorPolynomial
from dualdiff._seeding import set_lanes
from dualdiff._series import derivatives, elementwise_grad, mixed_partial, nth_derivative
from dualdiff._transforms import grad, jvp, value_and_grad
from dualdiff._version import __version__

__all__ = [
    "Taylor", "TaylorPolynomial", "__version__", "clear_memory_pool", "curl", "custom_jvp",
    "derivative_tensor", "derivatives", "divergence", "dual", "elementwise_grad", "float0", "grad",
    "hessian", "hessian_diag", "hessian_sparsity", "hvp", "hyperdual", "implicit_fixed_point",
    "implicit_root", "jacfwd", "jacobian", "jacobian_sparsity", "jacrev", "jet", "jvp", "jvps",
    "laplacian", "lift", "linearize", "memory_budget", "mixed_partial", "nth_derivative",
    "register_derivative", "set_lanes", "set_machine_code", "set_memory_pool", "set_num_threads",
    "sparse_hessian", "sparse_jacobian", "stop_gradient", "taylor", "taylor_number",
    "value_and_grad", "value_and_jacfwd", "value_grad_and_hessian", "variables",
]  # fmt: skip


# Loaded when first used, since `import dualdiff` should take little longer than NumPy's import.
_LATE_MODULES = ("numpy", "random", "test_util", "tree_util")
_LATE_NAMES = {"lift": "_lift", **dict.fromkeys(
    ("hessian_sparsity", "jacobian_sparsity", "sparse_hessian", "sparse_jacobian"), "_sparse")}

if TYPE_CHECKING:  # the same for type checkers, which do not run __getattr__
    from dualdiff import numpy, random, test_util, tree_util  # noqa: F401
    from dualdiff._lift import lift
    from dualdiff._sparse import (
        hessian_sparsity,
        jacobian_sparsity,
        sparse_hessian,
        sparse_jacobian,
    )


def __getattr__(name):
    if name in _LATE_MODULES:
        return import_module(f"dualdiff.{name}")
    if name in _LATE_NAMES:
        return getattr(import_module(f"dualdiff.{_LATE_NAMES[name]}"), name)
    raise AttributeError(f"module 'dualdiff' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_LATE_MODULES, *_LATE_NAMES})
