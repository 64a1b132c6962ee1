"""dualdiff: derivatives of plain NumPy code, to any order.

Derivatives      grad, value_and_grad, jvp, jvps, linearize, hvp
Jacobians        jacfwd, jacobian, jacrev, value_and_jacfwd, hessian, hessian_diag,
                 value_grad_and_hessian, laplacian, divergence, curl
Higher orders    nth_derivative, derivatives, mixed_partial, derivative_tensor, jet
Element by element   elementwise_grad
Numbers by hand  variables, dual, hyperdual, taylor_number, Taylor
Own rules        custom_jvp, register_derivative, stop_gradient
Settings         memory_budget, set_memory_pool, clear_memory_pool, set_num_threads,
                 get_num_threads, set_lanes
Rooms            dualdiff.random, dualdiff.tree_util, dualdiff.test_util
"""

from dualdiff import _dispatch, _lane_forms, rows  # noqa: F401  (they fill the tables)
from dualdiff._arguments import float0
from dualdiff._chunks import memory_budget
from dualdiff._custom import custom_jvp, stop_gradient
from dualdiff._driver import get_num_threads, set_num_threads
from dualdiff._jacobians import (
    curl,
    derivative_tensor,
    divergence,
    hessian,
    hessian_diag,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvps,
    laplacian,
    linearize,
    value_and_jacfwd,
    value_grad_and_hessian,
)
from dualdiff._memory import clear_memory_pool, set_memory_pool
from dualdiff._numbers import Taylor, dual, hyperdual, taylor_number, variables
from dualdiff._partials import register_derivative
from dualdiff._seeding import set_lanes
from dualdiff._series import derivatives, elementwise_grad, jet, mixed_partial, nth_derivative
from dualdiff._transforms import grad, jvp, value_and_grad
from dualdiff._version import __version__

__all__ = [
    "Taylor", "__version__", "clear_memory_pool", "curl", "custom_jvp", "derivative_tensor",
    "derivatives", "divergence", "dual", "elementwise_grad", "float0", "get_num_threads", "grad",
    "hessian", "hessian_diag", "hvp", "hyperdual", "jacfwd", "jacobian", "jacrev", "jet", "jvp",
    "jvps", "laplacian", "linearize", "memory_budget", "mixed_partial", "nth_derivative",
    "register_derivative",
    "set_lanes", "set_memory_pool", "set_num_threads", "stop_gradient", "taylor_number",
    "value_and_grad", "value_and_jacfwd", "value_grad_and_hessian", "variables",
]
