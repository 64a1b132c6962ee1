"""The hooks of the number: calls that are not a plain look-up in the tables.

May import: the kinds, the number, the calls of ufuncs.  Invariant: an unknown function
raises; it never runs on the values alone.
"""

import math

import numpy as np

from dualdiff import _kinds, _ufunc_calls
from dualdiff._partials import elements
from dualdiff._taylor import HOOKS, LANED, ROWS, dense_form, is_laned

FINDERS = []  # of rows that are not in the tables yet: function -> row or None; see rows/
REFUSED = {}  # function or name of a module -> why it makes no sense for numbers


def refusal(func):
    """Why a function, or all of its module, makes no sense for numbers; None if it may."""
    return REFUSED.get(func) or REFUSED.get(getattr(func, "__module__", None))


def unknown(func, method="__call__"):
    """The error for a function without a row."""
    name = getattr(func, "__name__", str(func))
    module = getattr(func, "__module__", None) or "numpy"
    if method != "__call__":
        name = f"{name}.{method}"
    reason = refusal(func)
    if reason is not None:
        return TypeError(f"dualdiff: {module}.{name} is not for numbers: {reason}; pass "
                         "x.value where the derivative is not wanted")
    return TypeError(
        f"dualdiff: {module}.{name} has no derivative rule; write it with functions that have "
        "one, give it a rule with dualdiff.custom_jvp, or pass x.value where the derivative is "
        "not wanted")


def late(func, method="__call__"):
    """The row of a function that no table lists yet; an error if there is none."""
    if refusal(func) is None:
        for find in FINDERS:
            row = find(func)
            if row is not None:
                ROWS[func] = row
                return row
        if isinstance(func, np.ufunc) and all(set(loop) <= set("O->") for loop in func.types):
            return elements(func)
    raise unknown(func, method)


def function(func, types, args, kwargs):
    """A NumPy function that is not in the table."""
    row = late(func)
    result = LANED[func](*args, **kwargs) if func in LANED else NotImplemented
    return row(*args, **kwargs) if result is NotImplemented else result


def ufunc(func, method, inputs, kwargs):
    """A ufunc call with keywords, a ufunc method, or a ufunc without a row."""
    row = ROWS.get(func) or late(func, method)
    if method == "__call__":
        return _ufunc_calls.call(func, row, inputs, kwargs)
    form = LANED.get((func, method))
    if form is not None and is_laned(inputs[0]):
        result = form(*inputs, **kwargs)
        if result is not NotImplemented:
            return result
    row = ROWS.get((func, method))
    if row is None:
        raise unknown(func, method)
    return row(*inputs, **kwargs)


def seeds_of(x):
    """The factors of a number: with lanes, of the seeds that its local ones stand for."""
    alg = x.algebra
    return [(f.parent.root or f.parent) if q == alg.laned else f
            for q, f in enumerate(alg.factors)]


def text(x):
    """str(x): the polynomial of a number without dimensions, else value and terms."""
    if x.ndim == 0 and is_laned(x) and math.prod(
            math.comb(f.n + f.order, f.order) for f in seeds_of(x)) <= 64:
        x = dense_form(x)
    if x.ndim == 0 and not is_laned(x) and x.algebra.M <= 64:
        parts = [str(x.value)]
        for k, c in enumerate(x.terms.tolist(), 1):
            if c:
                parts.append(f"{c}*{monomial(x.algebra, k)}")
        return " + ".join(parts).replace("+ -", "- ")
    return f"{x.value} + O(e)"


def monomial(alg, k):
    """A monomial in print: e0, e0*e1, e0**2; seeds of the second factor f0, ..."""
    out = []
    for q, seeds in enumerate(alg.multi_index(k)):
        letter = "efghuvw"[q] if q < 7 else f"s{q}_"
        for s in sorted(set(seeds)):
            n = seeds.count(s)
            out.append(f"{letter}{s}" + (f"**{n}" if n > 1 else ""))
    return "*".join(out)


def representation(x):
    """repr(x)."""
    inside = ", ".join(f"{f.n} seed{'s' * (f.n != 1)} to order {f.order}"
                       for f in seeds_of(x))
    if x.ndim == 0:
        return f"Taylor({text(x)}; {inside})"
    return f"Taylor({np.array2string(x.value, prefix='Taylor(')}; {inside}, dtype={x.dtype})"


HOOKS.update({
    "ufunc": ufunc,
    "function": function,
    "reference": _kinds.reference,
    "repr": representation,
    "str": text,
    "format": lambda x, spec: format(x.value, spec) if spec else text(x),
})
