"""custom_jvp and stop_gradient: rules that a user writes, with JAX's names and semantics.

A rule maps (primals, tangents) to (primal_out, tangent_out), linear in the tangents.
With E = sum of e_s d/de_s over the seeds of one factor, E y = tangent_out(x, E x)
(see rows and kinds: the Euler operator): the rule runs once, on x to one order less in
that factor and on all the derivatives d/de_s x side by side, each marked by a seed of
its own.  What the rule itself calls therefore meets numbers of a lower order, so that
a rule may call its own function.  Of several factors the one seeded last is taken,
which is what JAX's innermost transform does; the value of the rule carries the others.

May import: the kinds, the number, the algebra, pytrees.  Invariant: no derivative of an
argument is used other than by the rule.
"""

import functools
import inspect
import operator
import types

import numpy as np

from dualdiff._algebra import new_algebra, unite
from dualdiff._kinds import holds
from dualdiff._taylor import Taylor, make, pack, unify
from dualdiff.tree_util import tree_flatten, tree_map, tree_structure, tree_unflatten

FLOAT0 = np.dtype([("float0", np.void, 0)])  # JAX's dtype for tangents of integers


# ---- the rule at every order ------------------------------------------------------


@functools.lru_cache(maxsize=64)
def derivations(n, order):
    """(up, count), arrays [s, m]: position of e_s m, and the exponent of e_s in it.

    m runs over the monomials of n seeds below `order`.
    """
    alg = new_algebra(n, order)
    below = int(alg.heads[order])
    up = np.zeros((n, below), np.intp)
    count = np.ones((n, below), np.intp)
    up[:, 0] = np.arange(1, n + 1)
    start, pi, pj = alg.pairs
    whole = np.repeat(np.arange(alg.M), np.diff(start))  # the monomial of each pair
    single = (pi <= n) & (pi >= 1) & (pj >= 1)
    seed, rest, whole = pi[single] - 1, pj[single], whole[single]
    up[seed, rest] = whole
    if order > 1:
        count[np.arange(n), np.arange(1, n + 1)] = 2
    for d in range(2, order):
        at = alg.degrees[whole] == d
        count[seed[at], whole[at]] = count[seed[at], rest[at]] + 1
    return up, count


class Frame:
    """The algebras in which a rule runs for numbers over `alg`, and the maps between them."""

    def __init__(self, alg):
        self.alg = alg
        self.inner = max(alg.factors, key=operator.attrgetter("born"))
        outer, self.index = alg.split(self.inner)  # [inner, outer monomial] -> position
        n = self.inner.n
        present = np.flatnonzero((self.index >= 0).any(axis=1))
        alone = new_algebra(n, self.inner.order)
        self.order = int(alone.degrees[present[-1]])
        # Primals: the outer factors, and the inner one to an order less under a new tag, so
        # that numbers which the rule gets from elsewhere are told from its arguments.
        self.outer, self.own = outer, None
        self.primal, self.below = outer, np.zeros((1, self.index.shape[1]), np.intp)
        if outer is not None:
            self.below[0] = np.arange(outer.M)
        if self.order > 1:
            own = new_algebra(n, self.order - 1)
            self.primal = own if outer is None else unite(outer, own)[0]
            _, self.below = self.primal.split(own.factors[0])
        # Tangents: one more factor, a seed for each derivation; none where there is only one.
        self.tangent, self.marks = self.primal, self.below[None]
        if n > 1:
            mark = new_algebra(n, 1)
            self.tangent = mark if self.primal is None else unite(self.primal, mark)[0]
            _, at = self.tangent.split(mark.factors[0])
            self.marks = at[1:][:, self.below]
        self.up, self.count = derivations(n, self.order)

    def primal_of(self, full):
        """The number (or array) that stands for coefficients `full` as a primal."""
        low = self.index[: len(self.below)]
        return number(self.primal, self.below, full, low)

    def tangent_of(self, full):
        """d/de_s of coefficients `full`, for all seeds s."""
        at = self.index[self.up]  # [s, m, outer]
        scale = self.count[..., None]
        return number(self.tangent, self.marks, full, at, scale)

    def result(self, primal, tangent, dtype):
        """Coefficients over `alg` from what the rule returned for one leaf."""
        p = coefficients(primal, self.primal, dtype)
        t = coefficients(tangent, self.tangent, dtype)
        shape = np.broadcast_shapes(p.shape[1:], t.shape[1:])
        full = np.zeros((self.alg.M, *shape), dtype)
        ok = self.index[0] >= 0
        full[self.index[0][ok]] = p[self.below[0][ok]]
        at, n = self.index[self.up], len(self.up)
        degree = (np.arange(1, self.order + 1))[self._degree_of_rest()]
        for s in range(n):
            ok = at[s] >= 0
            rest = t[self.marks[s][ok]]
            scale = np.broadcast_to(degree[:, None], at[s].shape)[ok]
            full[at[s][ok]] += rest / scale.reshape((-1,) + (1,) * (rest.ndim - 1)).astype(
                rest.real.dtype)
        return full

    def _degree_of_rest(self):
        """Degree of each inner monomial below the order."""
        alone = new_algebra(self.inner.n, self.order)
        return alone.degrees[: self.up.shape[1]]


def number(alg, to, full, at, scale=None):
    """The number over alg with coefficient to[...] = scale * full[at[...]], where at >= 0."""
    if alg is None:
        row = full[at.reshape(-1)[0]]
        return row[()] if row.ndim == 0 else row
    terms = np.zeros((alg.M, *full.shape[1:]), full.dtype)
    ok = at >= 0
    rows = full[at[ok]]
    if scale is not None:
        weight = np.broadcast_to(scale, at.shape)[ok]
        rows = rows * weight.reshape((-1,) + (1,) * (full.ndim - 1)).astype(rows.real.dtype)
    terms[to[ok]] = rows
    return make(alg, terms[0], terms[1:])


def coefficients(x, alg, dtype):
    """All coefficients of x over alg, the value first."""
    if type(x) is not Taylor:
        x = np.asarray(x, dtype)
        full = np.zeros((1 if alg is None else alg.M, *x.shape), dtype)
        full[0] = x
        return full
    at = None
    if alg is not None:
        union, _, at = unite(alg, x.algebra)
    if alg is None or union is not alg:
        raise closed_over()
    own = np.concatenate([np.asarray(x.value)[None], x.terms]).astype(dtype, copy=False)
    if at is None:
        return own
    full = np.zeros((alg.M, *x.shape), dtype)
    full[at[at >= 0]] = own[at >= 0]
    return full


def closed_over():
    """The error for a number that came in by another way than the arguments."""
    return TypeError(
        "dualdiff: a custom_jvp function or its rule uses a number that is not among its "
        "arguments (a closed-over value being differentiated); the rule says nothing of its "
        "derivative: pass it as an argument, or take dualdiff.stop_gradient of it")


def zero_tangent(x):
    """The tangent of an argument that is not differentiated."""
    x = np.asarray(x)
    zero = np.zeros(x.shape, x.dtype if x.dtype.kind in "fc" else FLOAT0)
    return zero if x.ndim or zero.dtype == FLOAT0 else zero[()]


def dtype_of(*xs):
    """The floating dtype of some leaves; numbers and constants."""
    return np.result_type(*[getattr(x, "dtype", None) or np.asarray(x).dtype for x in xs])


# ---- the public class ------------------------------------------------------------------


class custom_jvp:
    """A function whose derivative is given by a rule.

    Parameters
    ----------
    fun : callable
        Any function of arrays or pytrees of them.  Where nothing is differentiated, it is
        called as it is; it need not be written in NumPy.
    nondiff_argnums : sequence of int, optional
        Positions of arguments that are not differentiated (functions, settings).  The rule
        gets them first, before the primals and the tangents.
    nondiff_argnames : sequence of str, optional
        The same by name.

    Notes
    -----
    Names and semantics are those of ``jax.custom_jvp``: under differentiation the value is
    the rule's ``primal_out``; arguments given by keyword are put in their places; an
    argument without derivative has a tangent of zeros (of dtype float0 for integers).

    The rule is valid at every order and in every nesting: it runs on numbers, so write it
    with NumPy's functions and with functions that have a rule, its own among them.  A
    derivative of order k evaluates the rule k times, at falling orders, if it calls its
    function once.  Tangents are numbers that stand for all directions at once; with one
    direction at order 1, they are plain arrays.  (One difference: `grad(grad(f))` of one
    function is a single pass of order 2, whose first derivative is always ``tangent_out``,
    where JAX also differentiates the code of ``primal_out``.  They differ only if a rule
    returns a ``primal_out`` whose derivative is not its ``tangent_out``.)

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff import custom_jvp, grad
    >>> @custom_jvp
    ... def log1pexp(x):
    ...     return np.log(1 + np.exp(x))
    >>> @log1pexp.defjvp
    ... def log1pexp_jvp(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), (1 - 1 / (1 + np.exp(x))) * t
    >>> float(grad(log1pexp)(0.0)), float(grad(grad(log1pexp))(0.0))
    (0.5, 0.25)
    """

    def __init__(self, fun, nondiff_argnums=(), nondiff_argnames=()):
        if not callable(fun):
            raise TypeError("custom_jvp expected a function, got "
                            f"{type(fun).__name__}; write @custom_jvp above def")
        functools.update_wrapper(self, fun)
        self.fun = fun
        self.jvp = None
        self._signature = None
        if not isinstance(fun, np.ufunc):
            try:
                self._signature = inspect.signature(fun)
            except (TypeError, ValueError):
                pass  # some builtins: arguments by position only
        places, names = nondiff_argnums, nondiff_argnames
        places = [places] if isinstance(places, int) else list(places)
        names = [names] if isinstance(names, str) else names
        for name in names:
            known = [] if self._signature is None else list(self._signature.parameters)
            if name not in known:
                raise ValueError(f"custom_jvp: nondiff_argnames names {name!r}, which is no "
                                 f"parameter of {self._name()}; its parameters are {known}")
            places.append(known.index(name))
        self.nondiff_argnums = tuple(sorted({operator.index(p) for p in places}))

    def _name(self):
        return getattr(self.fun, "__name__", repr(self.fun))

    def __get__(self, instance, owner=None):
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self):
        return f"<custom_jvp of {self._name()}>"

    def defjvp(self, jvp, symbolic_zeros=False):
        """Set the rule; usable as a decorator.

        Parameters
        ----------
        jvp : callable
            ``jvp(*nondiff, primals, tangents) -> (primal_out, tangent_out)``; primals and
            tangents are tuples with one entry for each differentiable argument.
        symbolic_zeros : bool, optional
            Only False: tangents that are zero come as arrays of zeros.

        Returns
        -------
        callable
            `jvp` itself.

        Raises
        ------
        TypeError
            If `jvp` is not callable.
        ValueError
            If `symbolic_zeros` is true.

        Examples
        --------
        >>> from dualdiff import custom_jvp, grad
        >>> double = custom_jvp(lambda x: 2 * x)
        >>> rule = double.defjvp(lambda primals, tangents: (2 * primals[0], 2 * tangents[0]))
        >>> float(grad(double)(1.0))
        2.0
        """
        if not callable(jvp):
            raise TypeError("custom_jvp: defjvp expected a function, got "
                            f"{type(jvp).__name__}; write @f.defjvp above "
                            "def f_jvp(primals, tangents)")
        if symbolic_zeros:
            raise ValueError("custom_jvp: defjvp(symbolic_zeros=True) is not supported; leave "
                             "it away: tangents that are zero come as arrays of zeros")
        self.jvp = jvp
        return jvp

    def defjvps(self, *jvps):
        """Set the rule argument by argument.

        Parameters
        ----------
        *jvps : callable or None
            One for each argument: ``jvp(tangent, ans, *primals)``, the part of the tangent
            that this argument gives; None where it gives none.

        Raises
        ------
        TypeError
            If the function has nondiff_argnums: use defjvp.

        Examples
        --------
        >>> from dualdiff import custom_jvp, grad
        >>> area = custom_jvp(lambda a, b: a * b)
        >>> area.defjvps(lambda t, ans, a, b: t * b, lambda t, ans, a, b: a * t)
        >>> float(grad(area, 1)(3.0, 4.0))
        3.0
        """
        if self.nondiff_argnums:
            raise TypeError("custom_jvp: defjvps cannot be used with nondiff_argnums; use "
                            "defjvp, whose rule gets those arguments first")

        def jvp(primals, tangents):
            ans = self(*primals)
            parts = [f(t, ans, *primals) for t, f in zip(tangents, jvps, strict=False)
                     if f is not None]
            if not parts:
                return ans, tree_map(zero_tangent_of, ans)
            return ans, tree_map(lambda *ts: functools.reduce(operator.add, ts), *parts)

        self.defjvp(jvp)

    # -- calling

    def _positional(self, args, kwargs):
        """All arguments by position, defaults filled in."""
        if self._signature is None:
            if kwargs:
                raise TypeError(f"custom_jvp: {self._name()} has no signature that could be "
                                "read; pass its arguments by position")
            return args
        bound = self._signature.bind(*args, **kwargs)
        extra = sorted(set(bound.kwargs) & set(kwargs))
        if extra:
            raise TypeError(
                f"custom_jvp: keyword-only arguments of {self._name()} cannot be given to a "
                f"rule: {', '.join(extra)}; make them positional parameters")
        bound.apply_defaults()
        return bound.args

    def __call__(self, *args, **kwargs):
        if self.jvp is None:
            raise AttributeError(f"custom_jvp: no rule is defined for {self._name()}; define "
                                 "one with defjvp or defjvps")
        args = self._positional(args, kwargs)
        places = [p for p in range(len(args)) if p not in self.nondiff_argnums]
        fixed = [args[p] for p in self.nondiff_argnums if p < len(args)]
        if any(map(holds, fixed)):
            raise TypeError(f"custom_jvp: a nondiff_argnums argument of {self._name()} is a "
                            "number with derivatives; make it an ordinary argument, or pass "
                            "its value (dualdiff.stop_gradient)")
        leaves, treedef = tree_flatten(tuple(args[p] for p in places))
        leaves = [pack(x) if isinstance(x, np.ndarray) and x.dtype == object and holds(x) else x
                  for x in leaves]
        if not any(type(x) is Taylor for x in leaves):
            return self._plain(args)
        alg, parts = unify(*[x if type(x) is Taylor else None for x in leaves])
        frame = Frame(alg)
        primals, tangents = [], []
        for x, (value, terms) in zip(leaves, parts, strict=True):
            if type(x) is not Taylor:
                primals.append(x)
                tangents.append(zero_tangent(x))
                continue
            full = np.concatenate([value[None], terms])
            primals.append(frame.primal_of(full))
            tangents.append(frame.tangent_of(full))
        primals, tangents = (tree_unflatten(treedef, xs) for xs in (primals, tangents))
        out = self.jvp(*fixed, primals, tangents)
        return self._assemble(frame, out)

    def _plain(self, args):
        result = self.fun(*args)
        for leaf in tree_flatten(result)[0]:
            if type(leaf) is Taylor:
                raise closed_over()
        return result

    def _assemble(self, frame, out):
        """The function's result from the rule's."""
        name = getattr(self.jvp, "__name__", repr(self.jvp))
        if not isinstance(out, (list, tuple)) or len(out) != 2:
            raise TypeError(f"custom_jvp: the rule {name} must return a pair (primal_out, "
                            f"tangent_out), got {type(out).__name__}")
        primals, treedef = tree_flatten(out[0])
        tangents, other = tree_flatten(out[1])
        if treedef != other:
            raise TypeError(f"custom_jvp: the rule {name} must return primal and tangent of "
                            f"one structure, got {tree_structure(out[0])} and "
                            f"{tree_structure(out[1])}")
        return tree_unflatten(treedef, [self._leaf(frame, name, p, t)
                                        for p, t in zip(primals, tangents, strict=True)])

    def _leaf(self, frame, name, primal, tangent):
        if np.shape(primal) != np.shape(tangent):
            raise TypeError(f"custom_jvp: the rule {name} must return primal and tangent of "
                            f"one shape, got {np.shape(primal)} and {np.shape(tangent)}")
        if dtype_of(primal).kind not in "fc":
            return primal  # integers, booleans: no derivative
        primal, tangent = (pack(x) if isinstance(x, np.ndarray) and x.dtype == object else x
                           for x in (primal, tangent))
        dtype = dtype_of(primal)
        if not np.can_cast(dtype_of(tangent), dtype, "same_kind"):
            raise TypeError(f"custom_jvp: the rule {name} returned a tangent of dtype "
                            f"{dtype_of(tangent)} for a primal of dtype {dtype}; make them "
                            "equal")
        full = frame.result(primal, tangent, dtype)
        return make(frame.alg, full[0], full[1:])


def zero_tangent_of(x):
    """A zero of the shape of a result."""
    return np.zeros(np.shape(x), dtype_of(x))[()]


# ---- stop_gradient ---------------------------------------------------------------------


def stop_gradient(x):
    """x as a constant: its value, without derivatives of any order or nesting.

    Parameters
    ----------
    x : number, array or pytree of them

    Returns
    -------
    array or pytree
        Copies of the values; leaves that are not numbers come back as they are.

    Notes
    -----
    ``jax.lax.stop_gradient``.  Cost: a copy of the values.

    Examples
    --------
    >>> from dualdiff import grad, stop_gradient
    >>> float(grad(lambda x: x * stop_gradient(x))(3.0))
    3.0
    """

    def value(leaf):
        if isinstance(leaf, np.ndarray) and leaf.dtype == object and holds(leaf):
            leaf = pack(leaf)
        return np.copy(leaf.value)[()] if type(leaf) is Taylor else leaf

    return tree_map(value, x)
