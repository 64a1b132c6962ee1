"""dualdiff: derivatives of plain NumPy code, to any order."""

from dualdiff import _dispatch, _lane_forms, rows  # noqa: F401  (they fill the tables)
from dualdiff._arguments import float0
from dualdiff._chunks import memory_budget
from dualdiff._custom import custom_jvp, stop_gradient
from dualdiff._transforms import grad, jvp, value_and_grad
from dualdiff._version import __version__

__all__ = [
    "__version__", "custom_jvp", "float0", "grad", "jvp", "memory_budget", "stop_gradient",
    "value_and_grad",
]
