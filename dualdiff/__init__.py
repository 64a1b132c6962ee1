"""dualdiff: derivatives of plain NumPy code, to any order."""

from dualdiff import _dispatch, rows  # noqa: F401  (they fill the tables)
from dualdiff._transforms import grad, value_and_grad
from dualdiff._version import __version__

__all__ = ["__version__", "grad", "value_and_grad"]
