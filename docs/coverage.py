"""Makes coverage.md: every name of NumPy, and what becomes of a derivative in it.

Ufuncs and functions are read from the tables of dualdiff, methods and attributes from what
they do to a number (`tests/samples.py`).  Run it as `python docs/coverage.py`, with dualdiff
installed; a test compares the page with what it would write.
"""

import importlib
import pathlib
import re
import sys
import textwrap

import numpy as np
import numpy.char
import numpy.fft
import numpy.lib.recfunctions
import numpy.polynomial
import numpy.strings
from numpy.testing.overrides import (
    get_overridable_numpy_array_functions,
    get_overridable_numpy_ufuncs,
)

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

import samples  # noqa: E402

from dualdiff import rows  # noqa: E402
from dualdiff._dispatch import refusal  # noqa: E402
from dualdiff._taylor import ROWS  # noqa: E402

rows.fill_all()

PAGE = pathlib.Path(__file__).with_suffix(".md")
STATES = ("differentiable", "constant", "refused")
METHODS = ("reduce", "accumulate", "reduceat", "outer", "at")

# What NumPy does not hand over, and what is not among the samples: why there is nothing to do.
UNREACHED = {
    "takes shapes, dtypes, names or settings, no array of floats": (
        "bartlett", "blackman", "broadcast_shapes", "busdaycalendar", "datetime_data",
        "diag_indices", "finfo", "hamming", "hanning", "iinfo", "indices", "isdtype",
        "issubdtype", "mask_indices", "mintypecode", "ndindex", "promote_types", "tril_indices",
        "triu_indices", "typename", "lib.array_utils.normalize_axis_index",
        "lib.array_utils.normalize_axis_tuple"),
    "runs on numbers; the arrays it makes hold them one by one": (
        "broadcast", "c_", "frompyfunc", "mgrid", "ndenumerate", "poly1d", "r_", "vectorize"),
    "looks at the type alone": ("isfortran", "isscalar", "iterable"),
    "needs raw memory, plain floats or text; it raises, or NumPy says what it wants": (
        "asmatrix", "base_repr", "bmat", "format_float_positional", "format_float_scientific",
        "from_dlpack", "fromregex", "lib.array_utils.byte_bounds", "matrix", "memmap", "nditer",
        "nested_iters", "ogrid", "recarray"),
    "gives an array of objects, without sharing memory": ("lib.stride_tricks.as_strided",),
}
# Classes, settings and information: no functions of arrays.
TOOLS = ("binary_repr", "dtype", "errstate", "flatiter", "get_include", "get_printoptions",
         "getbufsize", "geterr", "geterrcall", "info", "load", "ndarray", "printoptions",
         "set_printoptions", "setbufsize", "seterr", "seterrcall", "show_config", "show_runtime",
         "test", "ufunc",
         "in1d", "row_stack", "trapz")  # old names of isin, vstack, trapezoid
NOTE_GRIDS = """\
The fits (`chebfit`, ...) and roots (`chebroots`, ...) of `numpy.polynomial` need plain floats
and raise; `np.linalg.lstsq` with `chebvander` and `np.linalg.eigvals` of `chebcompanion` do the
same on numbers."""


def public(func):
    """The function as it is found by its name; those with like= are registered by a twin."""
    return getattr(importlib.import_module(func.__module__), func.__name__, func)


def state(func):
    """(state, why) of a function or ufunc."""
    row = ROWS.get(func)
    if row is None:
        return "refused", refusal(func) or "no rule"
    return ("constant", "") if row.kind == "constant" else ("differentiable", "")


def ufunc_entries():
    """{name: (state, why)} of ufuncs and of the forms they are called in."""
    names, forms = {}, {}
    for func in sorted(get_overridable_numpy_ufuncs(), key=lambda f: f.__name__):
        names[func.__name__] = state(func)
        for method in METHODS:
            row = ROWS.get((func, method))
            if row is not None:
                kind = "constant" if row.kind == "constant" else "differentiable"
                forms[f"{func.__name__}.{method}"] = (kind, "")
    return names, forms


def function_entries():
    """{name: (state, why)} of the functions that NumPy hands over."""
    functions = {public(f) for f in get_overridable_numpy_array_functions()}
    return {short(f"{f.__module__}.{f.__name__}"): state(f)
            for f in sorted(functions, key=lambda f: (f.__module__, f.__name__))}


def running_entries():
    """{name: (state, why)} of the functions that run on numbers without being handed over."""
    dispatched = function_entries()
    return {name: ("differentiable", "") for name in sorted(samples.AS_THEY_STAND)
            if name not in dispatched}


def method_entries():
    """{name: (state, why)} of ndarray's methods and attributes."""
    groups = (
        ("differentiable", (*samples.METHODS, *samples.METHODS_WRITE, *samples.ATTRIBUTES)),
        ("constant", (*samples.METHODS_CONSTANT, *samples.ATTRIBUTES_CONSTANT)),
        ("refused", (*samples.METHODS_REFUSED, *samples.ATTRIBUTES_REFUSED)))
    entries = {name: (kind, "it would lose the derivative" * (kind == "refused"))
               for kind, names in groups for name in names}
    return dict(sorted(entries.items()))


def tables():
    """Title of each section -> its entries."""
    names, forms = ufunc_entries()
    return {
        "Ufuncs": names,
        "Methods of ufuncs": forms,
        "Functions that NumPy hands over": function_entries(),
        "Functions that run as they stand": running_entries(),
        "Methods and attributes of ndarray": method_entries(),
    }


def counted(entries):
    """How many entries are of each state."""
    return [sum(kind == wanted for kind, _ in entries.values()) for wanted in STATES]


def listing(entries):
    """The entries of one section: differentiable and constant names, then reasons."""
    lines = []
    for kind in STATES:
        reasons = {}
        for name, (k, why) in entries.items():
            if k == kind:
                reasons.setdefault(why, []).append(f"`{name}`")
        for why, names in reasons.items():
            because = f", since {why}" if why else ""
            lines += ["", f"**{kind.capitalize()}**{because}:", ""]
            lines += textwrap.wrap(", ".join(names) + ".", 99, break_long_words=False,
                                   break_on_hyphens=False)
    return lines


def listed(text):
    """{title: {name: state}} of the sections of a page, and its NumPy version."""
    version = re.search(r"NumPy (\d+\.\d+)\.", text)[1]
    sections = {}
    for section in text.split("\n## ")[1:]:
        title, _, rest = section.partition("\n")
        parts = re.split(r"^\*\*(\w+)\*\*.*:$", rest, flags=re.M)[1:]
        sections[title] = {name: kind.lower() for kind, names in zip(
            parts[::2], parts[1::2], strict=True) for name in re.findall(
            r"`([^`]+)`", names.strip().partition("\n\n")[0])}
    return version, sections


def short(name):
    """A name below numpy."""
    return name.removeprefix("numpy.")


def version():
    """NumPy's release: its first two numbers."""
    return ".".join(np.__version__.split(".")[:2])


def page():
    """The text of coverage.md."""
    made = tables()
    lines = [
        "# Every name of NumPy", "",
        f"Made by `python docs/coverage.py` with NumPy {version()}.", "",
        "*Differentiable*: the result carries derivatives. *Constant*: the result is piecewise",
        "constant, decides by the value, or does not depend on the input; it is a plain array.",
        "*Refused*: a `TypeError` says why, and the way out.", "",
        "| | differentiable | constant | refused |", "|---|---:|---:|---:|",
    ]
    for title, entries in made.items():
        lines.append(f"| {title} | " + " | ".join(map(str, counted(entries))) + " |")
    for title, entries in made.items():
        lines += ["", f"## {title}", *listing(entries)]
        if title == "Functions that run as they stand":
            lines += ["", NOTE_GRIDS]
    lines += ["", "## The rest of the namespace", "",
              "Names that NumPy does not hand over, and that have no derivative to carry:"]
    for why, names in UNREACHED.items():
        lines += ["", *textwrap.wrap(f"- {why}: " + ", ".join(f"`{n}`" for n in names) + ".", 99,
                                     subsequent_indent="  ")]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    for title, entries in tables().items():
        print(title, dict(zip(STATES, counted(entries), strict=True)))
