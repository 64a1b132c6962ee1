"""What is made of one sum of all inputs: still pending, with seeds of its own, or dense.

Numbers without dimensions have more representations than any other; every function must take
them all.  Oracle: dense numbers; directional derivatives.
"""

import numpy as np
import pytest
from scipy import special
from tolerances import assert_close

import dualdiff as dd
from dualdiff.rows import elementwise

a = np.linspace(1, 2, 4)
N = 30
X, V = np.linspace(-0.3, 0.4, N), np.sin(np.arange(N))

FUNCTIONS = {
    "stack": lambda s, x: np.sum(np.stack([s, s * s]) * a[:2]),
    "array": lambda s, x: np.sum(np.array([s, s * 2]) ** 2),
    "concat": lambda s, x: np.sum(np.concatenate([x, [s]]) ** 2),
    "append": lambda s, x: np.sum(np.append(x, s) ** 2),
    "reshape": lambda s, x: np.sum(s.reshape(1, 1) * a),
    "np.reshape": lambda s, x: np.sum(np.reshape(s, (1,)) * a),
    "None": lambda s, x: np.sum(s[None] * a),
    "()": lambda s, x: s[()] * 2,
    "...": lambda s, x: np.sum(s[...] * a),
    "atleast": lambda s, x: np.sum(np.atleast_1d(s) * a),
    "outer": lambda s, x: np.sum(np.outer(s, a) ** 2),
    "multiply.outer": lambda s, x: np.sum(np.multiply.outer(s, a) ** 2),
    "dot": lambda s, x: np.sum(np.dot(s, a) ** 2),
    "full_like": lambda s, x: np.sum(np.full_like(x, s) ** 2 * x),
    "set": lambda s, x: ((y := (x * 1.0)), y.__setitem__(0, s), np.sum(y ** 3))[2],
    "set all": lambda s, x: ((y := (x * 1.0)), y.__setitem__(slice(2, 5), s), np.sum(y ** 3))[2],
    "linspace": lambda s, x: np.sum(np.linspace(0, s, 5) ** 2),
    "max": lambda s, x: np.sum(np.maximum(x, s) ** 2),
    "clip": lambda s, x: np.sum(np.clip(x, -0.1, s) ** 2),
    "where": lambda s, x: np.sum(np.where(x > 0, x, s) ** 2),
    "copy": lambda s, x: s.copy() * s,
    "astype": lambda s, x: s.astype(float) ** 2,
    "np.copy": lambda s, x: np.copy(s) * s,
    "broadcast": lambda s, x: np.sum(np.broadcast_to(s, (3,)) ** 2 * a[:3]),
    "tile": lambda s, x: np.sum(np.tile(s, 3) * a[:3]),
    "repeat": lambda s, x: np.sum(np.repeat(s, 3) * a[:3] ** 2),
    "sum": lambda s, x: np.sum(s) ** 2,
    "mean": lambda s, x: np.mean(s) ** 2,
    "s.sum": lambda s, x: s.sum() ** 2,
    "prod": lambda s, x: np.prod(s) ** 2,
    "real": lambda s, x: s.real * s,
    "np.real": lambda s, x: np.real(s) ** 2,
    "abs": lambda s, x: abs(s) * s,
    "sign": lambda s, x: np.sign(s) * s ** 2,
    "mod": lambda s, x: (s % 0.3) ** 2,
    "divmod": lambda s, x: divmod(s, 0.3)[1] ** 2,
    "floor": lambda s, x: np.floor(s) * s,
    "polyval": lambda s, x: np.polyval(a, s),
    "interp": lambda s, x: np.interp(s, [0, 0.4, 1], [0, 1, 3]) ** 2,
    "hypot": lambda s, x: np.hypot(s, 1.0),
    "logaddexp": lambda s, x: np.logaddexp(s, 0),
    "ldexp": lambda s, x: np.ldexp(s, 2) ** 2,
    "copysign": lambda s, x: np.copysign(s, -1) ** 3,
    "heaviside": lambda s, x: np.heaviside(s, 0.5) * s * s,
    "nan_to_num": lambda s, x: np.nan_to_num(s) ** 2,
    "sort": lambda s, x: np.sum(np.sort(np.stack([s, s * s])) * a[:2]),
    "x*s": lambda s, x: np.sum(x * s) ** 2,
    "x/s": lambda s, x: np.sum((x / s) ** 2),
    "s-x": lambda s, x: np.sum((s - x) ** 3),
    "s**x": lambda s, x: np.sum(s ** x),
    "x**s": lambda s, x: np.sum((x + 2) ** s),
    "matmul": lambda s, x: np.sum(np.full((2, 2), 1.0) * s @ (np.ones(2) * s)),
    "einsum": lambda s, x: np.einsum(",i->", s, a) ** 2,
    "inner": lambda s, x: np.sum(np.inner(s, a)),
    "trace": lambda s, x: np.trace(np.eye(2) * s) ** 2,
    "det": lambda s, x: np.linalg.det(np.eye(2) * s),
    "inv": lambda s, x: np.sum(np.linalg.inv(np.eye(2) * s)),
    "solve": lambda s, x: np.sum(np.linalg.solve(np.eye(2) * s, a[:2])),
    "norm": lambda s, x: np.linalg.norm(np.stack([s, s * 2.0])),
    "var": lambda s, x: np.var(np.stack([s, s * s, s * 2])),
    "cumsum": lambda s, x: np.sum(np.cumsum(np.stack([s, s * s, s * 2])) ** 2),
    "isfinite": lambda s, x: np.isfinite(s) * s ** 2,
    "float cmp": lambda s, x: s * s if s > 0 else s,
    "minimum.reduce": lambda s, x: np.minimum.reduce([s, s * s]) ** 2,
    "add.reduce": lambda s, x: np.add.reduce([s, s * s]) ** 2,
    "grad inside": lambda s, x: dd.grad(lambda t: t ** 3 * s)(s),
    "egrad": lambda s, x: dd.elementwise_grad(lambda t: np.sin(t) * s)(s),
    "jvp": lambda s, x: dd.jvp(lambda t: t * t * s, (s,), (s,))[1],
    "taylor": lambda s, x: dd.derivatives(lambda t: np.exp(t * s), 2)(s)[2],
    "round": lambda s, x: np.round(s, 1) * s,
    "piecewise": lambda s, x: np.piecewise(s, [s > 0], [lambda t: t * t, 0.0]) * 1.0,
    "select": lambda s, x: np.select([s > 0], [s * s], 0.0) * 1.0,
    "trapezoid": lambda s, x: np.trapezoid(np.stack([s, s * s])),
    "gradient": lambda s, x: np.sum(np.gradient(np.stack([s, s * s, s ** 3])) ** 2),
    "cross": lambda s, x: np.sum(np.cross(np.stack([s, s * s, s * 2]), a[:3])),
    "kron": lambda s, x: np.sum(np.kron(s, a) ** 2),
    "squeeze": lambda s, x: np.squeeze(s) ** 2,
    "ravel": lambda s, x: np.sum(np.ravel(s) ** 2),
    "flatten": lambda s, x: np.sum(s.flatten() ** 2),
    "T": lambda s, x: s.T * s,
    "item": lambda s, x: s.item() * s,
    "tolist": lambda s, x: s.tolist() * s,
    "max()": lambda s, x: np.max(s) * s,
    "iter": lambda s, x: sum([t for t in np.stack([s, s * s])]) ** 2,
    "isub": lambda s, x: ((t := (s * 1.0)), (t := (t - s * s)), t * t)[2],
    "spec erf": lambda s, x: special.erf(s),
    "spec gammaln": lambda s, x: special.gammaln(s + 1),
    "diag": lambda s, x: np.sum(np.diag(np.stack([s, s * 2])) ** 2),
    "block": lambda s, x: np.sum(np.block([[s * np.eye(2)]]) ** 2),
    "vstack": lambda s, x: np.sum(np.vstack([s, s * s]) ** 2),
    "hstack": lambda s, x: np.sum(np.hstack([s, x]) ** 2),
    "ones*s": lambda s, x: np.sum(np.ones((2, 3)) * s) ** 2,
    "+=": lambda s, x: ((y := (x * 2.0)), y.__iadd__(s), np.sum(y ** 2))[2],
    "pad": lambda s, x: np.sum(np.pad(np.stack([s, s * s]), 1) ** 2),
    "cond": lambda s, x: np.where(s > 0, s ** 2, -s),
    "complex": lambda s, x: np.abs(s + 1j * s) ** 2,
    "exp1j": lambda s, x: np.real(np.exp(1j * s)),}
FUNCTIONS |= {f.__name__: lambda s, x, f=f: f(s) for f, row in elementwise.ROWS.items()
              if isinstance(f, np.ufunc) and f.nout == 1 and hasattr(row, "domain")}
FUNCTIONS |= {f"** {p}": lambda s, x, p=p: s**p
              for p in (0, 0.5, 1, -1, 2, 3, 1.7, -2, np.float64(2))}


def of_sum(name):
    """The function of one sum near 0.5, or where its domain is."""
    shift = 1.5 if name == "arccosh" else 0.5
    return lambda x: FUNCTIONS[name](np.sum((x * x + np.sin(x) + shift) / x.size), x)


def in_mode(mode, calls):
    before = dd.set_lanes(mode)
    try:
        return [np.asarray(call()) for call in calls]
    finally:
        dd.set_lanes(before)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_with_lanes_and_without(name):
    f = of_sum(name)
    calls = [
        lambda: dd.value_and_grad(f)(X)[0], lambda: dd.grad(f)(X),
        lambda: dd.hvp(f, (X,), (V,)), lambda: dd.hessian(f)(X),
        lambda: dd.grad(lambda t: np.sum(dd.grad(lambda x: f(x) * t)(X) ** 2))(2.0),
        lambda: dd.jacfwd(lambda x: np.stack([f(x), f(x) * 2]))(X)]
    for got, want in zip(in_mode("always", calls), in_mode("never", calls), strict=True):
        assert_close(got, want, order=4, scale=np.max(np.abs(want)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_of_many_inputs(name):
    """So many that the sum is a step."""
    f, n = of_sum(name), 5000
    x, v = np.linspace(-0.3, 0.4, n), np.sin(np.arange(n))
    value, slope = dd.value_and_grad(f)(x)
    assert value == f(x)
    along = dd.jvp(f, (x,), (v,))[1]
    assert_close(slope @ v, np.float64(along), order=8, scale=np.abs(slope) @ np.abs(v))
