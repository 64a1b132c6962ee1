"""dualdiff: derivatives of plain NumPy code, to any order."""

from dualdiff import _dispatch, _lane_forms, rows  # noqa: F401  (they fill the tables)
from dualdiff._arguments import float0
from dualdiff._chunks import memory_budget
from dualdiff._custom import custom_jvp, stop_gradient
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
from dualdiff._series import derivatives, elementwise_grad, jet, mixed_partial, nth_derivative
from dualdiff._transforms import grad, jvp, value_and_grad
from dualdiff._version import __version__

__all__ = [
    "__version__", "curl", "derivatives", "elementwise_grad", "jet", "mixed_partial", "nth_derivative", "custom_jvp", "derivative_tensor", "divergence", "float0", "grad",
    "hessian", "hessian_diag", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "jvps", "laplacian",
    "linearize", "memory_budget", "stop_gradient", "value_and_grad", "value_and_jacfwd",
    "value_grad_and_hessian",
]
