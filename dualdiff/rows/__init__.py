"""The tables: what each NumPy function does to a number, one room for each family.

Every room is a module with a dictionary ROWS from function object to row, and may have
REFUSED, from function object to the reason why it makes no sense; rows are made by the
kinds of `dualdiff._kinds`.  Adding a function is adding a line to a room.
Importing this package fills the tables that the number looks at; the rooms of modules that
`import numpy` does not load are filled when one of their functions first meets a number.

May import: the kinds, the number, the hooks, NumPy.  Invariant: no function stands in two
rooms.
"""

from importlib import import_module

import numpy as np

from dualdiff import _dispatch, _taylor
from dualdiff.rows import (
    calculus,
    creation,
    einsum,
    elementwise,
    linalg,
    linalg_det,
    linalg_eigen,
    linalg_norms,
    methods,
    pairs,
    polynomial,
    products,
    quantiles,
    reductions,
    refused,
    scimath,
    selection,
    shapes,
    ufunc_methods,
)

ROOMS = (
    calculus,
    creation,
    einsum,
    elementwise,
    linalg,
    linalg_det,
    linalg_eigen,
    linalg_norms,
    methods,
    pairs,
    polynomial,
    products,
    quantiles,
    reductions,
    refused,
    scimath,
    selection,
    shapes,
    ufunc_methods,
)

LATE = {  # NumPy module, not loaded by `import numpy` -> its room
    "numpy.fft": "fft",
    "numpy.polynomial": "polynomial_nd",
}


LANE_FORMS = {"numpy.fft": "_lane_fft"}  # of such a module, its functions' forms for lanes


def fill(room):
    """Write the rows of a room into the tables; doing so again changes nothing."""
    for func, row in room.ROWS.items():
        if _taylor.ROWS.setdefault(func, row) is not row:
            raise RuntimeError(f"dualdiff: {func!r} has two rows")
    _dispatch.REFUSED.update(getattr(room, "REFUSED", {}))
    _taylor.METHODS.update(getattr(room, "METHODS", {}))
    _taylor.ATTRIBUTES.update(getattr(room, "ATTRIBUTES", {}))


def find(func):
    """The row of a function whose room is filled late; None if it has none."""
    if isinstance(func, np.ufunc):  # of scipy.special: without importing SciPy
        return import_module("dualdiff.rows.special").find(func)
    for module, room in LATE.items():
        if f"{func.__module__}.".startswith(f"{module}."):
            fill(import_module(f"dualdiff.rows.{room}"))
            if module in LANE_FORMS:
                import_module(f"dualdiff.{LANE_FORMS[module]}")
    return _taylor.ROWS.get(func)


def fill_all():
    """Fill the rooms that are filled late, for tests that read the whole table."""
    for room in LATE.values():
        fill(import_module(f"dualdiff.rows.{room}"))


for _room in ROOMS:
    fill(_room)
_dispatch.FINDERS.append(find)
