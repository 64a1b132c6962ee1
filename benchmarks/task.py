"""What a benchmark is: a plain NumPy function, its inputs, and the derivative asked for.

May import: NumPy only.  Invariant: `f` is what a user would write for NumPy alone; a peer
that brings its own NumPy gets the same code with `np` looked up in that module (retarget),
and a peer that cannot run it gets its own version in `ways`, or a reason in `skip`.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

KINDS = ("derivative", "gradient", "hessian", "jacobian", "elementwise", "hvp",
         "sparse jacobian", "sparse hessian", "operation")


@dataclass(frozen=True)
class Task:
    """One benchmark.

    Parameters
    ----------
    name, family, what : str
        Short name (for --tasks), group in the table, and one line for the table.
    kind : str
        One of KINDS.
    f : callable
        The user's function, on plain NumPy.
    make : callable
        make(size) gives the tuple of arguments at which f is differentiated.
    size, small : int or tuple
        The size that is measured, and one for tests.
    argnums : int or tuple
        The arguments to differentiate.
    order : int
        Order of a "derivative".
    ways : dict
        peer name -> build(args), giving a function without arguments that returns the
        answer: for peers that need code of their own, and "hand" for derivatives by hand.
    versions : dict
        peer name -> that peer's version of f, for peers that cannot run f itself.
    skip : dict
        peer name -> why it has no answer.
    tolerance : float
        Largest accepted difference from the reference answer, relative to its largest
        entry; an answer that holds NaN where the reference does not is never accepted.
    largest : callable, optional
        largest(size): bytes of the largest array that f itself makes, for the memory targets.
    """

    name: str
    family: str
    what: str
    kind: str
    f: Callable
    make: Callable
    size: object = None
    small: object = None
    argnums: int | tuple = 0
    order: int = 1
    ways: Mapping = field(default_factory=dict)
    versions: Mapping = field(default_factory=dict)
    skip: Mapping = field(default_factory=dict)
    tolerance: float = 1e-9
    largest: Callable | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"{self.name}: kind {self.kind!r} is none of {KINDS}")

    def inputs(self, args):
        """The arguments that are differentiated, as a tuple."""
        places = self.argnums if isinstance(self.argnums, tuple) else (self.argnums,)
        return tuple(args[p] for p in places)

    def evaluate(self, args):
        """f once, on plain NumPy."""
        return self.f(*args[:-1]) if self.kind == "hvp" else self.f(*args)

    def unknowns(self, args):
        """How many numbers are differentiated."""
        return sum(np.size(x) for x in self.inputs(args))

    def function(self, peer, module=None):
        """f for one peer: its own version, or f with np taken from `module`."""
        f = self.versions.get(peer, self.f)
        return f if module is None or peer in self.versions else retarget(f, module)


def retarget(f, module, _done=None):
    """f and the functions of its module that it calls, with the global np set to `module`."""
    if not isinstance(f, types.FunctionType):
        return getattr(module, f.__name__) if isinstance(f, np.ufunc) else f
    done = {} if _done is None else _done
    if f in done:
        return done[f]
    scope = dict(f.__globals__)
    g = types.FunctionType(f.__code__, scope, f.__name__, f.__defaults__, f.__closure__)
    g.__kwdefaults__ = f.__kwdefaults__
    done[f] = g
    if "np" in scope:
        scope["np"] = module
    for name in f.__code__.co_names:
        callee = scope.get(name)
        if isinstance(callee, types.FunctionType) and callee.__module__ == f.__module__:
            scope[name] = retarget(callee, module, done)
    return g


def flat(answer):
    """An answer (nested tuples, lists, dicts, sparse matrices, arrays) as one flat array."""
    if isinstance(answer, dict):
        return flat([answer[k] for k in sorted(answer)])
    if isinstance(answer, (list, tuple)):
        parts = [flat(a) for a in answer]
        return np.concatenate(parts) if parts else np.zeros(0)
    if hasattr(answer, "tocsr"):
        return answer  # compared as it is
    return np.ravel(np.asarray(answer, dtype=float))


def difference(answer, reference):
    """Largest difference of two answers, relative to the largest entry of the reference."""
    a, b = flat(answer), flat(reference)
    if hasattr(a, "tocsr") != hasattr(b, "tocsr"):
        a, b = (flat(x.toarray()) if hasattr(x, "tocsr") else x for x in (a, b))
    if hasattr(a, "tocsr"):
        if a.shape != b.shape:
            return float("inf")
        return float(abs(a - b).max() / abs(b).max())
    if a.shape != b.shape:
        return float("inf")
    if not a.size:
        return 0.0
    scale = np.max(np.abs(b))
    worst = np.max(np.abs(a - b))
    return float(worst / scale) if scale else float(worst)
