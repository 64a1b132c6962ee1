"""grad, value_and_grad and jvp: JAX's names, signatures and semantics.

May import: pytrees, seeding, the number.  Invariants: inputs are never changed; a
transform of a transform of one function becomes one pass of higher order.
"""

import operator

import numpy as np

from dualdiff._seeding import Call, Gradient
from dualdiff._taylor import Taylor, pack
from dualdiff._tree_def import flatten
from dualdiff._tree_nodes import path_str
from dualdiff.tree_util import tree_flatten_with_path, tree_unflatten

# ---- arguments ------------------------------------------------------------------


def check_argnums(who, fun, argnums):
    """argnums as an int or a tuple of ints, refused if they are anything else."""
    if not callable(fun):
        raise TypeError(f"{who} expected a function as its first argument, got "
                        f"{type(fun).__name__}; write {who}(f)(x), not {who}(f(x))")
    try:
        if isinstance(argnums, (tuple, list)):
            return tuple(operator.index(a) for a in argnums)
        return operator.index(argnums)
    except TypeError:
        raise TypeError(f"{who} expected argnums to be an int or a tuple of ints, got "
                        f"{argnums!r}") from None


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


def as_leaf(x):
    """An input leaf: a number, a float scalar or an array."""
    if type(x) is Taylor or isinstance(x, float):
        return x
    if isinstance(x, np.ndarray) and x.dtype == object:
        return pack(x)
    return x if isinstance(x, (np.ndarray, np.generic)) else np.asarray(x)


def check_input(who, x, path, holomorphic=False, allow_int=False):
    """Refuse a leaf that has no derivative."""
    dtype = np.asarray(x).dtype if isinstance(x, (bool, int, float, complex)) else (
        x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype)
    where = f"{who}: {path}" if path else who
    if dtype.kind in "biu" or dtype.kind == "m":
        if allow_int and dtype.kind in "biu":
            return
        raise TypeError(
            f"{where} expected a real or complex floating-point input, got dtype {dtype}; make it "
            f"a float (2.0 instead of 2, x.astype(float)), or pass allow_int=True for a zero "
            "derivative")
    if dtype.kind not in "fc":
        raise TypeError(f"{where} expected numbers, got {type(x).__name__} of dtype {dtype}; "
                        "differentiate with respect to arrays, floats, or containers of them")
    if holomorphic and dtype.kind != "c":
        raise TypeError(f"{where}: holomorphic=True expects complex inputs, got dtype {dtype}; "
                        "make the input complex, or leave holomorphic=False")


def leaves_of(who, tree, name, holomorphic=False, allow_int=False):
    """(leaves, treedef) of one argument, each leaf checked."""
    if type(tree) is Taylor or isinstance(tree, (float, np.ndarray)):
        leaves, treedef = flatten(who, tree)
        leaves = [as_leaf(tree)]
        check_input(who, leaves[0], name, holomorphic, allow_int)
        return leaves, treedef
    with_path, treedef = tree_flatten_with_path(tree)
    leaves = []
    for path, leaf in with_path:
        leaf = as_leaf(leaf)
        check_input(who, leaf, path_str(path, name), holomorphic, allow_int)
        leaves.append(leaf)
    return leaves, treedef


def check_scalar(who, y):
    """Refuse a result that is not one number."""
    y = pack(y) if isinstance(y, (list, np.ndarray)) and not isinstance(y, Taylor) else y
    shape = np.shape(y.value) if type(y) is Taylor else np.shape(y)
    if isinstance(y, (dict, tuple, list, str)) or y is None:
        raise TypeError(f"{who} expected a function with a scalar result, got "
                        f"{type(y).__name__}; return one number (has_aux=True allows "
                        "(result, aux)), or use jacfwd")
    if shape != ():
        raise TypeError(f"{who} expected a function with a scalar result, got shape {shape}; "
                        "sum it, or use jacfwd for the Jacobian")
    return y


def split_aux(who, result, has_aux):
    """(result, aux) of a function; aux is None without has_aux."""
    if not has_aux:
        return result, None
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise TypeError(f"{who}: has_aux=True expects the function to return a pair (result, aux), "
                        f"got {type(result).__name__}")
    return result


# ---- grad -------------------------------------------------------------------------


def grad(fun, argnums=0, has_aux=False, holomorphic=False, allow_int=False):
    """The gradient of a scalar function.  (docstring: see below)"""
    return _Gradient("grad", fun, argnums, has_aux, holomorphic, allow_int, False).function()


def value_and_grad(fun, argnums=0, has_aux=False, holomorphic=False, allow_int=False):
    """The value and the gradient of a scalar function, in one evaluation."""
    return _Gradient("value_and_grad", fun, argnums, has_aux, holomorphic, allow_int,
                     True).function()


class _Gradient:
    """One grad: its settings, and the function that it hands out."""

    def __init__(self, who, fun, argnums, has_aux, holomorphic, allow_int, with_value):
        self.who, self.fun, self.argnums = who, fun, check_argnums(who, fun, argnums)
        self.has_aux, self.holomorphic = bool(has_aux), bool(holomorphic)
        self.allow_int, self.with_value = bool(allow_int), bool(with_value)
        # grad of grad of f in one float argument: one pass of order 2 over f itself.
        inner = fun.settings if type(fun) is Gradient else None
        plain = not (has_aux or holomorphic or allow_int) and isinstance(self.argnums, int)
        self.order, self.root = 1, fun
        if plain and inner is not None and inner.stacks and inner.argnums == self.argnums:
            self.order, self.root = inner.order + 1, inner.root
        self.stacks = plain and self.argnums >= 0 and not with_value

    def function(self):
        """What grad hands out."""
        single = isinstance(self.argnums, int) and not (self.holomorphic or self.has_aux)
        return Gradient(self, self.fun, self.root, self.argnums if single else -1, self.order,
                        self.with_value)

    def reduce(self):
        """For pickle: how to make this gradient again."""
        make = value_and_grad if self.with_value else grad
        return make, (self.fun, self.argnums, self.has_aux, self.holomorphic, self.allow_int)

    def pending(self, result, call, x):
        """A result of the fast paths that is not a plain number over the call's own seeds."""
        y = self.check_real(check_scalar(self.who, result))
        if isinstance(x, np.ndarray):
            slope = call.gradient(y).reshape(x.shape)
        else:
            slope = scaled(call.coefficients(y, np.array([self.order])), self.order)[0]
        if not self.with_value:
            return slope
        if self.order == 1:
            return call.value(y), slope
        return scaled(call.coefficients(y, np.array([self.order - 1])), self.order - 1)[0], slope

    def check_real(self, y):
        dtype = y.dtype if type(y) is Taylor else np.asarray(y).dtype
        if dtype.kind == "c" and not self.holomorphic:
            raise TypeError(f"{self.who} expected a function with a real result, got dtype "
                            f"{dtype}; take its real part or its modulus, or pass "
                            "holomorphic=True for a holomorphic function of complex input")
        if self.holomorphic and dtype.kind != "c":
            raise TypeError(f"{self.who}: holomorphic=True expects a complex result, got dtype "
                            f"{dtype}")
        return y

    def general(self, args, kwargs):
        who = self.who
        places = resolve_argnums(who, self.argnums, len(args))
        trees = [leaves_of(who, args[p], f"argument {p}", self.holomorphic, self.allow_int)
                 for p in places]
        active = [[x for x in leaves if np.dtype(kind_of(x)).kind in "fc"] for leaves, _ in trees]
        count = sum(seeds_of(x, self.holomorphic) for leaves in active for x in leaves)
        with Call(max(count, 1), 1) as call:
            inputs, first = list(args), 0
            for p, (leaves, treedef) in zip(places, trees, strict=True):
                seeded = []
                for x in leaves:
                    if kind_of(x).kind not in "fc":
                        seeded.append(x)
                        continue
                    seeded.append(seed_leaf(call, x, first, self.holomorphic))
                    first += seeds_of(x, self.holomorphic)
                inputs[p] = tree_unflatten(treedef, seeded)
            result, aux = split_aux(who, self.fun(*inputs, **kwargs), self.has_aux)
            y = self.check_real(check_scalar(who, result))
            slopes = call.gradient(y)
            value = call.value(y)
            if self.has_aux:
                aux = plain_tree(call, aux)
        grads, first = [], 0
        for leaves, treedef in trees:
            out = []
            for x in leaves:
                if kind_of(x).kind not in "fc":
                    out.append(np.zeros(np.shape(x), _float0))
                    continue
                n = seeds_of(x, self.holomorphic)
                out.append(read_leaf(slopes[first:first + n], x, self.holomorphic))
                first += n
            grads.append(tree_unflatten(treedef, out))
        grads = tuple(grads) if isinstance(self.argnums, tuple) else grads[0]
        if self.with_value:
            return ((value, aux), grads) if self.has_aux else (value, grads)
        return (grads, aux) if self.has_aux else grads


_float0 = np.dtype([("float0", np.void, 0)])  # JAX's dtype for derivatives of integers


def kind_of(x):
    """dtype of a leaf."""
    return x.dtype if hasattr(x, "dtype") else np.dtype(float)


def seeds_of(x, holomorphic):
    """Seeds of a leaf: one for each element; two, real and imaginary, where it is complex."""
    n = int(np.size(x)) if type(x) is not Taylor else x.size
    return 2 * n if kind_of(x).kind == "c" and not holomorphic else n


def seed_leaf(call, x, first, holomorphic):
    """A leaf with its seeds."""
    if kind_of(x).kind != "c" or holomorphic:
        return call.seed(x, first)
    n = x.size
    real, imag = call.seed(np.real(x), first), call.seed(np.imag(x), first + n)
    return real + 1j * imag


def read_leaf(slopes, x, holomorphic):
    """The gradient of one leaf from its coefficients, in its shape and dtype."""
    shape = x.shape if hasattr(x, "shape") else ()
    dtype = kind_of(x)
    if dtype.kind == "c" and not holomorphic:
        n = len(slopes) // 2
        slopes = slopes[:n] - 1j * slopes[n:]  # JAX's convention
    if slopes.dtype != dtype:
        slopes = slopes.astype(dtype) if dtype.kind == "c" or slopes.dtype.kind != "c" else slopes
    return slopes.reshape(shape) if shape else slopes[0]


def scaled(coefficients, order):
    """Derivatives from univariate Taylor coefficients."""
    factor = 1.0
    for d in range(2, order + 1):
        factor *= d
    return coefficients * factor if order > 1 else coefficients


def plain_tree(call, tree):
    """An auxiliary result without the seeds of this call."""
    with_path, treedef = tree_flatten_with_path(tree)
    return tree_unflatten(treedef, [call.value(x) for _, x in with_path])
