"""Checks of derivatives against differences, as in ``jax.test_util``.

May import: jvp, argument checks, pytrees.  Invariant: a check that passes has compared
figures; one that fails says which argument, which order, which direction, both figures.
"""

import numpy as np

from dualdiff._arguments import check_function, check_order, dtype_of, flatten_inputs, shape_of
from dualdiff._transforms import jvp
from dualdiff.tree_util import tree_flatten_with_path, tree_unflatten

__all__ = ["check_grads"]

DIRECTIONS = 3
# dtype -> tolerance (absolute and relative), step of the differences
SETTINGS = {2: (1e-1, 1e-1), 4: (2e-2, 2e-2), 8: (1e-6, 1e-3), 16: (1e-8, 1e-3)}


def check_grads(f, args, order, modes=("fwd",), atol=None, rtol=None, eps=None):
    """Check the derivatives of a function against differences, to any order.

    Parameters
    ----------
    f : callable
        Any function of floats, arrays or pytrees, with any such result.
    args : tuple or list
        The arguments at which to check.  Integer arguments are constants.
    order : int
        Derivatives of order 1 to `order` are checked.
    modes : sequence of str, optional
        As in JAX; forward mode, "fwd", is what there is.
    atol, rtol : float, optional
        Tolerances; by default from the least precise dtype: 1e-6 for float64, 2e-2 for float32.
    eps : float, optional
        Step of the differences, relative to 1; by default from the dtype.

    Raises
    ------
    AssertionError
        If a derivative differs: names the argument, the order, the direction, the place in the
        result, and both figures.
    ValueError
        For a mode that there is not, or an order less than 1.
    TypeError
        If `args` is not a tuple or list, or holds nothing to differentiate by.

    Notes
    -----
    In three random directions v (the same in each run), through all arguments at once: the
    derivative of order k along v, w2, ..., wk, by nested `jvp`, against a central difference
    of fourth order of the derivative of order k - 1 along w2, ..., wk.  So an error at order k
    is found even if lower orders hide it; 4 + 1 evaluations for each order and direction.

    Examples
    --------
    >>> import numpy as np
    >>> from dualdiff.test_util import check_grads
    >>> check_grads(lambda x: np.sin(x) * x, (np.array([0.5, 1.0]),), order=3)
    """
    who = "check_grads"
    check_function(who, f)
    if not isinstance(args, (tuple, list)):
        raise TypeError(f"{who} expected args to be a tuple or a list, got {type(args).__name__}; "
                        f"write {who}(f, (x,), order)")
    order = check_order(who, order, 1)
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    if modes != ("fwd",):
        raise ValueError(f"{who} expected modes=('fwd',), got {modes}; dualdiff has forward mode "
                         "alone, which gives the same derivatives")
    leaves, paths, treedef = flatten_inputs(who, tuple(args), "args")
    active = [q for q, x in enumerate(leaves) if dtype_of(x).kind in "fc"]
    if not active:
        raise TypeError(f"{who} expected at least one argument of floating point, got dtypes "
                        f"{[str(dtype_of(x)) for x in leaves]}; make one a float")
    check = _Check(f, leaves, paths, treedef, active, atol, rtol, eps)
    for k in range(1, order + 1):
        for number in range(DIRECTIONS):
            check.run(k, number)


class _Check:
    """The function over its floating-point leaves, and its comparison with differences."""

    def __init__(self, f, leaves, paths, treedef, active, atol, rtol, eps):
        self.f, self.leaves, self.paths, self.treedef = f, leaves, paths, treedef
        self.active, self.points = active, [np.asarray(leaves[q])[()] for q in active]
        real = [np.finfo(dtype_of(x)).dtype.itemsize for x in self.points]
        tol, step = SETTINGS[min(min(real), 16)]
        self.atol = tol if atol is None else atol
        self.rtol = tol if rtol is None else rtol
        self.eps = step if eps is None else eps

    def function(self, *points):
        """f of the active leaves alone."""
        leaves = list(self.leaves)
        for q, x in zip(self.active, points, strict=True):
            leaves[q] = x
        return self.f(*tree_unflatten(self.treedef, leaves))

    def directions(self, order, number):
        """Random unit directions, the same in each run."""
        rng = np.random.default_rng([order, number])
        out = []
        for _ in range(order):
            v = []
            for x in self.points:
                d = rng.normal(size=shape_of(x))
                if x.dtype.kind == "c":
                    d = d + 1j * rng.normal(size=shape_of(x))
                v.append(d)
            norm = np.sqrt(sum(np.sum(np.abs(d) ** 2) for d in v))
            out.append([np.asarray(d / norm).astype(x.dtype)[()]
                        for d, x in zip(v, self.points, strict=True)])
        return out

    def along(self, directions):
        """The derivative along these directions, as a function of the active leaves."""
        g = self.function
        for v in directions:
            g = _along(g, v)
        return g

    def difference(self, g, v):
        """The derivative of g along v by a central difference of fourth order."""
        rows = []
        for step in (-2, -1, 1, 2):
            h = [np.asarray(step * self.eps * d).astype(x.dtype)
                 for x, d in zip(self.points, v, strict=True)]
            y = g(*[(x + e)[()] for x, e in zip(self.points, h, strict=True)])
            pairs, _ = tree_flatten_with_path(y)
            rows.append([np.asarray(a).astype(np.result_type(a, np.float64)) for _, a in pairs])
        return [(8 * (c - b) - (d - a)) / (12 * self.eps)
                for a, b, c, d in zip(*rows, strict=True)]

    def compare(self, v, rest):
        """(place, derivative, difference) of the worst disagreement, or None."""
        got, _ = tree_flatten_with_path(self.along([*rest, v])(*self.points))
        want = self.difference(self.along(rest), v)
        worst, found = 0.0, None
        for (path, a), b in zip(got, want, strict=True):
            a = np.asarray(a)
            if a.dtype.kind not in "fc":
                continue
            excess = np.abs(a - b) - (self.atol + self.rtol * np.abs(b))
            excess = np.where(np.isnan(excess), np.where(np.isnan(a) & np.isnan(b), -1, np.inf),
                              excess)
            if excess.size and excess.max() > worst:
                at = np.unravel_index(int(np.argmax(excess)), excess.shape)
                worst = excess[at]
                place = "the result" + "".join(map(str, path))
                if at:
                    place += str([int(i) for i in at])
                found = place, a[at], b[at]
        return found

    def run(self, order, number):
        """One order along one set of directions."""
        v, *rest = self.directions(order, number)
        found = self.compare(v, rest)
        if found is None:
            return
        who = "all arguments together"
        for q, path in enumerate([self.paths[q] for q in self.active]):  # which one is at fault
            alone = [d if i == q else np.zeros_like(d) for i, d in enumerate(v)]
            fault = self.compare(alone, rest)
            if fault is not None:
                who, found, v = path, fault, [v[q]]
                break
        place, a, b = found
        shown = ", ".join(np.array2string(np.asarray(d), precision=4, threshold=8) for d in v)
        raise AssertionError(
            f"check_grads: the derivative of order {order} with respect to {who}, of {place}, "
            f"along direction {number}, {shown}: jvp gives {a}, differences give {b} "
            f"(difference {abs(a - b):.3g}, allowed {self.atol:g} + {self.rtol:g} * "
            f"{abs(b):.3g})")


def _along(g, v):
    return lambda *points: jvp(g, points, tuple(v))[1]
