"""What the transforms ask of their arguments and of the results of the user's function.

May import: pytrees, the number.  Invariant: every refusal names the public function
(`who`), says what was expected and what came (shape, dtype, place in the pytree), and
what to do instead.
"""

import operator

import numpy as np

from dualdiff._taylor import Taylor, pack, unslated
from dualdiff.tree_util import path_str, tree_flatten_with_path

float0 = np.dtype([("float0", np.void, 0)])  # JAX's dtype for derivatives of integers


# ---- settings ---------------------------------------------------------------------


def check_function(who, fun):
    """Refuse what cannot be called, as in grad(f(x))."""
    if not callable(fun):
        raise TypeError(f"{who} expected a function as its first argument, got "
                        f"{type(fun).__name__}; write {who}(f)(x), not {who}(f(x))")
    return fun


def check_argnums(who, fun, argnums):
    """argnums as an int or a tuple of ints, refused if they are anything else."""
    check_function(who, fun)
    try:
        if any(isinstance(a, (bool, np.bool_)) for a in (
                argnums if isinstance(argnums, (tuple, list)) else (argnums,))):
            raise TypeError  # has_aux by position, most likely
        if isinstance(argnums, (tuple, list)):
            return tuple(operator.index(a) for a in argnums)
        return operator.index(argnums)
    except TypeError:
        raise TypeError(f"{who} expected argnums to be an int or a tuple of ints, got "
                        f"{argnums!r}; write {who}(f)(x), not {who}(f, x)") from None


def check_argnum(who, fun, argnums, instead):
    """argnums as one int."""
    argnums = check_argnums(who, fun, argnums)
    if isinstance(argnums, tuple):
        raise TypeError(f"{who} expected argnums to be one int, got {argnums!r}; use {instead}")
    return argnums


def check_order(who, order, least=0, name="order"):
    """An order of differentiation as an int."""
    try:
        n = operator.index(order)
        if isinstance(order, (bool, np.bool_)):
            raise TypeError
    except TypeError:
        raise TypeError(f"{who} expected {name} to be an integer, got {order!r}; derivatives "
                        "of "
                        "fractional order are not defined here") from None
    if n < least:
        raise ValueError(f"{who} expected {name} to be {least} or more, got {n}")
    if n > 63:
        raise ValueError(f"{who} expected {name} to be at most 63, got {n}")
    return n


def check_count(who, name, n):
    """None, or a positive int."""
    if n is None:
        return None
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"{who} expected {name} to be a positive int or None, "
                        f"got {n!r}") from None
    if n < 1:
        raise ValueError(f"{who} expected {name} to be 1 or more, got {n}; leave it out for an "
                         "automatic choice")
    return n


def resolve_argnums(who, argnums, count):
    """Non-negative positions; argnums is an int or a tuple."""
    many = isinstance(argnums, tuple)
    out = []
    for a in argnums if many else (argnums,):
        if not -count <= a < count:
            raise TypeError(
                f"{who}: argnums names argument {a}, but the function was called with {count} "
                f"positional argument{'s' * (count != 1)}; pass that argument by position, or "
                "name another")
        out.append(a % count)
    if len(set(out)) != len(out):
        raise ValueError(f"{who}: argnums {argnums!r} names one argument twice")
    return out


# ---- inputs -----------------------------------------------------------------------


def as_leaf(x):
    """An input leaf: a number, a float scalar or an array in native byte order."""
    x = unslated(x)
    if type(x) is Taylor or isinstance(x, float):
        return x
    if isinstance(x, np.ndarray):
        if x.dtype == object:
            return pack(x)
        return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))
    return x if isinstance(x, np.generic) else np.asarray(x)


def dtype_of(x):
    """dtype of a leaf."""
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def shape_of(x):
    """Shape of a leaf."""
    return x.shape if hasattr(x, "shape") else np.shape(x)


def check_input(who, x, path, holomorphic=False, allow_int=False):
    """Refuse a leaf that has no derivative."""
    dtype = dtype_of(x)
    where = f"{who}: {path}" if path else who
    if dtype == float0:
        raise TypeError(f"{where} has dtype float0: it is the derivative of an integer, and "
                        "has no "
                        "derivative itself")
    if dtype.kind in "biu":
        if allow_int:
            return
        raise TypeError(
            f"{where} expected a real or complex floating-point input, got dtype {dtype}; "
            "make it "
            f"a float (2.0 instead of 2, x.astype(float)), or pass allow_int=True for a zero "
            "derivative" if allow_int is not None else
            f"{where} expected a real or complex floating-point input, got dtype {dtype}; "
            "make it "
            "a float (2.0 instead of 2, x.astype(float))")
    if dtype.kind not in "fc":
        raise TypeError(f"{where} expected numbers, got {type(x).__name__} of dtype {dtype}; "
                        "differentiate with respect to arrays, floats, or containers of them")
    if holomorphic and dtype.kind != "c":
        raise TypeError(f"{where}: holomorphic=True expects complex inputs, got dtype {dtype}; "
                        "make the input complex, or leave holomorphic=False")


def flatten_inputs(who, tree, name):
    """(leaves, paths, treedef) of one argument, each leaf a number or an array."""
    pairs, treedef = tree_flatten_with_path(tree)
    return ([as_leaf(x) for _, x in pairs],
            [path_str(path, name) for path, _ in pairs], treedef)


# ---- results ----------------------------------------------------------------------


def as_result(who, y, path="the result"):
    """A leaf of the result of the user's function: a number, an array or a scalar."""
    y = unslated(y)
    if type(y) is Taylor or isinstance(y, (float, complex, int, np.generic)):
        return y
    if isinstance(y, np.ndarray) or hasattr(y, "__array__"):
        y = pack(np.asarray(y))
        if type(y) is Taylor or y.dtype.kind in "biufcmM":
            return y
    raise TypeError(f"{who} expected the function to return numbers, got {type(y).__name__} in "
                    f"{path}; return arrays, floats or containers of them, and hand out the "
                    "rest "
                    "with has_aux=True")


def flatten_result(who, result):
    """(leaves, treedef) of the result of the user's function."""
    pairs, treedef = tree_flatten_with_path(result)
    return [as_result(who, y, path_str(path, "the result")) for path, y in pairs], treedef


def check_scalar(who, y, instead="jacfwd"):
    """Refuse a result that is not one number."""
    if isinstance(y, (dict, tuple, list, str)) or y is None:
        raise TypeError(f"{who} expected a function with a scalar result, got "
                        f"{type(y).__name__}; return one number (has_aux=True allows "
                        f"(result, aux)), or use {instead}")
    y = as_result(who, y)
    shape = shape_of(y)
    if shape != ():
        raise TypeError(f"{who} expected a function with a scalar result, got shape {shape}; "
                        f"sum it, or use {instead}")
    return y


def check_result_kind(who, y, holomorphic, real=True):
    """Refuse a complex result without holomorphic, a real one with it, and truth values."""
    dtype = dtype_of(y)
    if dtype.kind == "b":
        raise TypeError(f"{who} expected a function with a floating-point result, got dtype "
                        "bool: "
                        "truth values have no derivative; return the number itself")
    if dtype.kind == "c" and not holomorphic and real:
        raise TypeError(f"{who} expected a function with a real result, got dtype "
                        f"{dtype}; take its real part or its modulus, or pass "
                        "holomorphic=True for a holomorphic function of complex input")
    if holomorphic and dtype.kind != "c":
        raise TypeError(f"{who}: holomorphic=True expects a complex result, got dtype "
                        f"{dtype}; leave holomorphic=False for a real result")
    return y


def split_aux(who, result, has_aux):
    """(result, aux) of a function; aux is None without has_aux."""
    if not has_aux:
        return result, None
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        came = f"{type(result).__name__}" + (
            f" of length {len(result)}" if isinstance(result, (tuple, list)) else "")
        raise TypeError(f"{who}: has_aux=True expects the function to return a pair (result, "
                        "aux), "
                        f"got {came}")
    return result
