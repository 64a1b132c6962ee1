"""The kinds: what a NumPy function does to the coefficients of a number, each written once.

A row of the tables in `rows/` says of which kind a function is; calling a kind makes
the row: a callable with the signature of the NumPy function.

May import: the number, the reference kernels, NumPy.  Knows no rows.  Invariants: the
value of a result is the NumPy function's own, on the values; an argument that has
derivatives and whose derivative a kind does not carry is refused, never dropped.
"""

import functools
import math

import numpy as np

from dualdiff import _reference
from dualdiff._blocks import in_blocks, value_of
from dualdiff._taylor import (
    Taylor,
    aligned,
    apply,
    is_laned,
    is_slate,
    laned_parts,
    make,
    make_laned,
    make_view,
    pack,
    revalued,
    spread,
    truncated,
    unify,
    unslated,
)

# ---- helpers -----------------------------------------------------------------


def holds(x):
    """Whether x is a number, or a list, tuple, dict or object array with one in it."""
    if type(x) is Taylor:
        return True
    if is_slate(x):
        return type(unslated(x)) is Taylor
    if isinstance(x, (list, tuple)):
        return any(map(holds, x))
    if isinstance(x, dict):
        return any(map(holds, x.values()))
    if isinstance(x, np.ndarray) and x.dtype == object:
        return any(type(e) is Taylor for e in x.flat)
    return False


def values(x):
    """x with every number in it replaced by its value."""
    x = unslated(x)
    if type(x) is Taylor:
        return x.value
    if type(x) in (list, tuple):
        return type(x)(map(values, x))
    if isinstance(x, dict):
        return {k: values(v) for k, v in x.items()}
    if isinstance(x, np.ndarray) and x.dtype == object and holds(x):
        return values(pack(x))
    return x


def refuse(func, what, remedy):
    """The error for an argument whose derivative would be lost."""
    name = getattr(func, "__name__", str(func))
    return TypeError(f"dualdiff: np.{name}: {what}; {remedy}")


def no_numbers(func, args, kwargs):
    """Raise if a derivative would be lost in these arguments."""
    for name, x in [*enumerate(args, 1), *kwargs.items()]:
        if holds(x):
            raise refuse(func, f"no derivative with respect to argument {name!r}",
                         "pass its value (x.value) if it is meant as a constant")


def store(result, out):
    """Put a result where `out=` says, as NumPy does."""
    if isinstance(out, tuple):
        (out,) = out
    if out is None:
        return result
    if type(out) is not Taylor:
        if isinstance(out, np.ndarray) and out.dtype == object:  # holds numbers, one by one
            result = np.broadcast_to(result, out.shape)
            for at in np.ndindex(out.shape):
                out[at] = result[at]
            return out
        if type(result) is Taylor:
            raise TypeError("dualdiff: out= is a plain array, which cannot hold derivatives; "
                            "use out=np.empty_like(x) of a number, leave out= away, or decorate "
                            "the function with dualdiff.lift")
        out[...] = result
        return out
    if out.shape != np.shape(result):
        raise ValueError(f"output parameter has the wrong shape: {out.shape}, expected "
                         f"{np.shape(result)}")
    out[...] = result
    return out


def with_signature(func, kind="written"):
    """Decorator: the row shows the name and signature of the NumPy function, and its kind.

    The kind is the name of the function below that made the row; "written" of one by hand.
    """

    def decorate(row):
        row.__name__ = row.__qualname__ = getattr(func, "__name__", "row")
        row.__wrapped__ = func
        row.kind = kind
        return row

    return decorate


def lead(axis, ndim, shift=1):
    """An axis argument (int, tuple or None for all) of an array, seen from its terms."""
    if axis is None or ndim == 0:  # without dimensions, NumPy takes axis 0 and -1 too
        return tuple(range(shift, ndim + shift))
    if isinstance(axis, (tuple, list)):
        return tuple(a + shift if a >= 0 else a for a in axis)
    return axis + shift if axis >= 0 else axis


# Functions in C, which show no signature before NumPy 2.4.
_NAMES_IN_C = {
    "bincount": ("x", "weights", "minlength"),
    "concatenate": ("arrays", "axis", "out"),
    "copyto": ("dst", "src", "casting", "where"),
    "dot": ("a", "b", "out"),
    "empty_like": ("prototype", "dtype", "order", "subok", "shape"),
    "putmask": ("a", "mask", "values"),
    "where": ("condition", "x", "y"),
}


@functools.cache
def names_of(func):
    """The names of a NumPy function's parameters that may be given by position."""
    import inspect

    try:
        names = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):
        return _NAMES_IN_C.get(getattr(func, "__name__", ""), ())
    return tuple(p.name for p in names if p.kind <= p.POSITIONAL_OR_KEYWORD)


@functools.cache
def place_of_out(func):
    """How many arguments of a NumPy function stand before `out`."""
    names = names_of(func)
    return names.index("out") if "out" in names else math.inf


def out_by_name(func, args, kwargs):
    """The arguments, `out` and what follows it given by name."""
    names = names_of(func)
    place = names.index("out") if "out" in names else len(args)
    return args[:place], kwargs | dict(zip(names[place:], args[place:], strict=False))


def positional(func, count=1, kind="written"):
    """Decorator for rows: the first arguments may also be given by NumPy's names for them."""

    def decorate(row):
        @functools.wraps(row)
        def accept(*args, **kwargs):
            if len(args) < count and kwargs:
                for name in names_of(func)[len(args):count]:
                    if name in kwargs:
                        args += (kwargs.pop(name),)
            if len(args) > 2 and len(args) > place_of_out(func):  # never among the first two
                args, kwargs = out_by_name(func, args, kwargs)
            return row(*args, **kwargs)

        return with_signature(func, kind)(accept)

    return decorate


# ---- constant ------------------------------------------------------------------


def constant(func):
    """Acts on the values; the result is plain: comparisons, floor, argmax, shape."""

    @with_signature(func, kind="constant")
    def row(*args, **kwargs):
        if len(args) > 1 and type(func) is not np.ufunc:
            args, kwargs = out_by_name(func, args, kwargs)
        out = kwargs.pop("out", None)
        result = func(*values(args), **values(kwargs))
        return store(result, out)

    return row


# ---- linear --------------------------------------------------------------------


def linear(func, rows=None):
    """The same function on every coefficient, with respect to its first argument.

    rows(t, *args, **kwargs): func on terms t, whose first axis numbers coefficients;
    None: func is called for each coefficient in turn.
    """

    def each(t, *args, **kwargs):
        return np.stack([func(row, *args, **kwargs) for row in t])

    on_rows = rows or each

    @positional(func, kind="linear")
    def row(x, *args, **kwargs):
        out = kwargs.pop("out", None)
        no_numbers(func, args, kwargs)
        alg, ((value, terms),) = unify(x)
        result = func(value, *args, **kwargs)
        if alg is None:
            return store(result, out)
        moved = on_rows(terms, *args, **kwargs)
        return store(view_or_make(x, alg, (value, result), (terms, moved)), out)

    row.rows = rows
    return row


def view_or_make(x, alg, values, terms):
    """The number that a function made of x; a view of x where NumPy's result is a view.

    values, terms: pairs (of x, of the result).  Where the value alone could be a view, it
    is copied: an assignment must not part the two.  So it is where x has lanes: the terms are
    those of its dense form.
    """
    if getattr(values[1], "base", None) is None or not np.may_share_memory(*values):
        return make(alg, values[1], terms[1])
    if type(x) is Taylor and x.ndim and not is_laned(x) and np.may_share_memory(*terms):
        return make_view(x, values[1], terms[1])
    return make(alg, np.copy(values[1]), terms[1])


def linear_list(func, rows):
    """Linear in every array of a sequence, its first argument: concatenate, stack.

    rows(list of terms, *args, **kwargs): func on terms.
    """

    @positional(func, kind="linear_list")
    def row(xs, *args, **kwargs):
        out = kwargs.pop("out", None)
        no_numbers(func, args, kwargs)
        if type(xs) is Taylor:
            xs = [xs[i] for i in range(len(xs))]
        alg, operands = unify(*xs)
        result = func([v for v, _ in operands], *args, **kwargs)
        if alg is None:
            return store(result, out)
        all_terms = [
            np.zeros((alg.M - 1, *np.shape(v)), np.asarray(v).dtype) if t is None else t
            for v, t in operands
        ]
        return store(make(alg, result, rows(all_terms, *args, **kwargs)), out)

    return row


# ---- picked: linear, with coefficients that depend on the value -------------------


def picked(func, pick):
    """Linear in the coefficients once the values are known: sort, max, where, clip.

    pick(value, result, *args, **kwargs) returns a function from terms to terms.
    """

    @positional(func, kind="picked")
    def row(x, *args, **kwargs):
        out = kwargs.pop("out", None)
        no_numbers(func, args, kwargs)
        alg, ((value, terms),) = unify(x)
        result = func(value, *args, **kwargs)
        if alg is None:
            return store(result, out)
        picker = pick(np.asarray(value), np.asarray(result), *args, **kwargs)
        return store(make(alg, result, picker(terms)), out)

    return row


# ---- elementwise -------------------------------------------------------------------


def elementwise(ufunc, derivative, domain=(-np.inf, np.inf)):
    """A function of one argument by its first derivative (see chain).

    domain: the real interval on which it is smooth; tests sweep it.
    """

    @with_signature(ufunc, kind="elementwise")
    def row(x):
        if not holds(x):
            return ufunc(x)
        x = pack(x)
        return chain(x, value_of(ufunc, x.value), derivative)

    row.derivative, row.domain = derivative, domain
    return row


def chain(x, value, derivative):
    """The number y with this value and E y = derivative(x) E x.

    The derivative is evaluated at one order less, by the same machinery; at order 1 it
    gets plain arrays.
    """
    value = np.asarray(value)
    if x.dtype != value.dtype:
        x = x.astype(value.dtype)
    if is_laned(x) and x.ndim == 0:
        x = spread(x, value)  # perhaps it is still to be summed
    low = truncated(x)
    if type(low) is np.ndarray and low.ndim == 0:
        low = low[()]  # arithmetic of NumPy's scalars is faster
    with np.errstate(all="ignore"):
        h = in_blocks(derivative, low)
    return chain_with(x, value, h)


def chain_with(x, value, h):
    """The number y with this value and E y = h E x; h is known to one order less."""
    if type(h) is not Taylor:
        h = np.asarray(h, value.dtype)
        if h.shape != value.shape:
            h = np.broadcast_to(h, value.shape)
        return apply("chain", x, h if value.ndim else h[()], value=value)
    _, hv, ht, lanes = laned_parts(h)
    if hv.shape != value.shape:
        hv = np.broadcast_to(hv, value.shape)
        ht = np.broadcast_to(ht, ht.shape[:1] + value.shape)
    hv = np.asarray(hv, value.dtype, order="C")
    full = x.algebra
    rows = np.zeros((full.M - 1, *value.shape), value.dtype)
    rows[: len(ht)] = ht
    return apply("chain", x, make_laned(full, hv, rows, lanes), value=value)


def elementwise2(ufunc, da, db):
    """A function of two arguments by its partial derivatives da(a, b), db(a, b).

    None: no derivative in that argument exists; the row refuses it.
    """

    @with_signature(ufunc, kind="elementwise2")
    def row(a, b):
        if not holds((a, b)):
            return ufunc(a, b)
        x = aligned(a, b)
        value = np.asarray(value_of(ufunc, *values(x)))
        low = [truncated(n) if type(n) is Taylor else n for n in x]
        slopes = []
        for n, partial, place in zip(x, (da, db), (1, 2), strict=True):
            if type(n) is not Taylor:
                continue
            if partial is None:
                raise refuse(ufunc, f"no derivative with respect to argument {place}",
                             "pass its value (x.value) if it is meant as a constant")
            with np.errstate(all="ignore"):
                slopes.append((n, in_blocks(partial, *low)))
        return chain_sum(value, *slopes)

    row.partials = (da, db)
    return row


def chain_sum(value, *slopes):
    """The number y with this value and E y = sum of h E x over the pairs (x, h).

    Pairs whose x is a plain array are left out; plain if none is left.
    """
    total = None
    for x, h in slopes:
        if type(x) is Taylor:
            part = chain_with(spread(x, value), value, h)
            total = part if total is None else apply("add", total, part, value=value)
    return value if total is None else total


# ---- implicit: array functions of higher order ----------------------------------------


def by_degrees(x, value, correction):
    """The number y = f(x) of an array function, degree by degree.

    correction(y) is called for d = 1 .. D with y known below degree d; it returns terms
    of which degree d is added to y.  See `degree`.
    """
    alg = x.algebra
    terms = np.zeros((alg.M - 1, *np.shape(value)), np.result_type(value))
    for d in range(1, alg.D + 1):
        lo, hi = int(alg.heads[d]) - 1, int(alg.heads[d + 1]) - 1
        terms[lo:hi] = correction(make(alg, value, terms), slice(lo, hi), d)
    return make(alg, value, terms)


# ---- compose ------------------------------------------------------------------------


def compose(func, body):
    """Written with other NumPy functions: var, std, trapezoid.  The value is NumPy's own."""

    @positional(func, kind="compose")
    def row(*args, **kwargs):
        out = kwargs.pop("out", None)
        if not holds(args) and not holds(kwargs):
            return store(func(*args, **kwargs), out)
        args = tuple(pack(a) if isinstance(a, np.ndarray) and a.dtype == object else a
                     for a in args)
        value = func(*values(args), **values(kwargs))  # first: it raises NumPy's errors
        with np.errstate(all="ignore"):
            result = body(*args, **kwargs)
        return store(with_value(result, value), out)

    row.body = body
    return row


def with_value(result, value):
    """A number with NumPy's own value in place of the composed one; also in sequences."""
    if isinstance(result, (tuple, list)):
        pairs = [with_value(r, v) for r, v in zip(result, value, strict=True)]
        return type(value)(*pairs) if hasattr(value, "_fields") else type(value)(pairs)
    if type(result) is not Taylor:
        return value
    if np.asarray(value).dtype.kind not in "fc":  # rounded to integers on the way: a constant
        return value
    return revalued(result, value)


# ---- custom derivative ------------------------------------------------------------------


def reference(name, alg, value, a, b, p):
    """Terms by the NumPy twin of a kernel: for dtypes without one."""
    return _reference.run(name, alg, value, a, b, p)
