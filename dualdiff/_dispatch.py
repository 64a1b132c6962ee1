"""The hooks of the number: calls that are not a plain look-up in the tables.

May import: the kinds, the number.  Invariant: an unknown function raises; it never runs
on the values alone.
"""

import numpy as np

from dualdiff import _kinds, _taylor
from dualdiff._kinds import holds, pack, values
from dualdiff._taylor import HOOKS, ROWS, Taylor


def unknown(func, method="__call__"):
    """The error for a function without a row."""
    name = getattr(func, "__name__", str(func))
    module = getattr(func, "__module__", None) or "numpy"
    if method != "__call__":
        name = f"{name}.{method}"
    return TypeError(
        f"dualdiff: {module}.{name} has no derivative rule; write it with functions that have one, "
        "give it a rule with dualdiff.custom_jvp, or pass x.value where the derivative is not "
        "wanted")


def function(func, types, args, kwargs):
    """A NumPy function without a row."""
    raise unknown(func)


def ufunc(func, method, inputs, kwargs):
    """A ufunc call with keywords, a ufunc method, or a ufunc without a row."""
    out = kwargs.pop("out", None)
    if method != "__call__":
        row = ROWS.get((func, method))
        if row is None:
            raise unknown(func, method)
        return _kinds.store(row(*inputs, **kwargs), out)
    where = kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    for name in ("casting", "order", "subok", "signature"):
        kwargs.pop(name, None)
    if dtype is not None:
        inputs = tuple(x.astype(dtype) if type(x) is Taylor else np.asarray(x, dtype)
                       for x in inputs)
    if func.nout == 1 and isinstance(out, tuple):
        (out,) = out
    row = ROWS.get(func)
    if row is None:
        raise unknown(func)
    result = row(*inputs, **kwargs)
    if where is not True:
        base = out if out is not None else np.zeros_like(result)
        result = np.where(where, result, base)
    return _kinds.store(result, out)


def text(x):
    """str(x): the polynomial of a number without dimensions, else value and terms."""
    if x.ndim == 0 and x.algebra.M <= 64:
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
                       for f in x.algebra.factors)
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
