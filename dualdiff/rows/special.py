"""scipy.special's ufuncs: found when one of them first meets a number.

This module imports no SciPy, and the tables only when they are needed: rows are kept by
name, and made when a ufunc of that name reaches the hook of the number (`find`).  The
tables are families of functions; what a line may be says `_special_entries`.

May import: the families, the kinds.  Invariant: a function that is not listed is refused.
"""

import functools
import importlib
import sys

FAMILIES = ("elementary", "bessel", "elliptic", "equations", "distributions")
ALIASES = {"digamma": "psi", "jn": "jv"}

_REFUSED = {
    "inverse in a parameter in which no derivative is known in closed form":
        "bdtrik bdtrin btdtria btdtrib chdtriv chndtridf chndtrinc fdtridfd gdtrib nbdtrik "
        "nbdtrin ncfdtridfd ncfdtridfn ncfdtrinc nctdtridf nctdtrinc pdtrik stdtridf",
    "its density is a series without a closed form":
        "ncfdtr ncfdtri nctdtr nctdtrit",
    "an eigenvalue of a differential equation, without a closed form of its derivative":
        "mathieu_a mathieu_b obl_cv pro_cv",
    "what SciPy returns does not satisfy its differential equation at small arguments":
        "obl_rad2 obl_rad2_cv pro_rad2 pro_rad2_cv",
    "a sum whose number of terms depends on its argument":
        "smirnov smirnovi",
}
REFUSED = {name: why for why, names in _REFUSED.items() for name in names.split()}


def lines(family):
    """The lines of a family by the name of the function."""
    return importlib.import_module(f"dualdiff.rows._special_{family}").TABLE


@functools.cache
def table():
    """All lines by the name of the function."""
    out = {}
    for family in FAMILIES:
        if twice := lines(family).keys() & out.keys():
            raise RuntimeError(f"dualdiff: {twice} of scipy.special have two lines")
        out.update(lines(family))
    return out


def find(func):
    """The row of a ufunc of scipy.special; None if it has none here, or is not SciPy's."""
    special = sys.modules.get("scipy.special")
    if special is None:
        return None
    name = func.__name__
    known = (getattr(special, name, None), getattr(special._ufuncs, name, None))
    if not any(func is f for f in known):
        return None
    entry = table().get(ALIASES.get(name, name))
    if entry is None:
        why = REFUSED.get(name)
        raise TypeError(
            f"dualdiff: scipy.special.{name} has no derivative rule" + (f" ({why})" if why else "")
            + "; give it one with dualdiff.register_derivative, or pass x.value where the "
            "derivative is not wanted")
    return entry.make(func)


def __getattr__(name):
    if name == "TABLE":
        return table()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
