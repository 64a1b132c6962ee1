"""The tables: what each NumPy function does to a number, one room for each family.

Every room is a module with a dictionary ROWS from function object to row, and may have
REFUSED, from function object to the reason why it makes no sense; rows are made by the
kinds of `dualdiff._kinds`.  Adding a function is adding a line to a room.
Importing this package fills the tables that the number looks at.

May import: the kinds, the number, the hooks, NumPy.  Invariant: no function stands in two
rooms.
"""

from dualdiff import _dispatch, _taylor
from dualdiff.rows import (
    calculus,
    creation,
    einsum,
    elementwise,
    fft,
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
    special,
    ufunc_methods,
)

ROOMS = (
    calculus,
    creation,
    einsum,
    elementwise,
    fft,
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


def _fill():
    for room in ROOMS:
        for func, row in room.ROWS.items():
            if func in _taylor.ROWS:
                raise RuntimeError(f"dualdiff: {func!r} has two rows")
            _taylor.ROWS[func] = row
        _dispatch.REFUSED.update(getattr(room, "REFUSED", {}))
        _taylor.METHODS.update(getattr(room, "METHODS", {}))
        _taylor.ATTRIBUTES.update(getattr(room, "ATTRIBUTES", {}))
    _dispatch.LATE.append(special.find)  # scipy.special: without importing SciPy


_fill()
