"""Random programs of NumPy calls: what a step may be, drawing one, running it.

A program is a list of steps (name, places of operands); step k puts its result at place
k + 1, the input stands at place 0.  A step's function gets the namespace, so that the same
program runs on NumPy, on numbers, and on JAX.  Arguments are moved into the domain first.

May import: NumPy, hypothesis.  Invariant: every step is smooth but for kinks of measure zero.
"""

import numpy as np
from hypothesis import strategies as st

RNG = np.random.default_rng(5)
POINTS = np.array([-9.0, -1.3, 0.2, 1.1, 9.0])
HEIGHTS = np.array([0.4, -0.7, 1.0, 0.3, -0.2])


def regular(xp, a):
    """A matrix far from singular."""
    return 3.0 * xp.eye(a.shape[-1]) + xp.tanh(a)


def symmetric(xp, a):
    """A symmetric matrix with eigenvalues apart."""
    b = 0.2 * xp.tanh(a)
    return b + xp.swapaxes(b, -1, -2) + xp.diag(xp.arange(1.0, a.shape[-1] + 1))


def gap(xp, a):
    """Elements far from ties: each has an interval of its own."""
    n = int(np.prod(a.shape))
    return 0.4 * xp.tanh(a) + xp.reshape(xp.asarray(1.0 * ((5 * np.arange(n)) % (n + 1))), a.shape)


def assigned(a):
    """Elements written over, in a copy and through a view."""
    y = np.copy(a)
    y[0] = a[-1] ** 2
    view = y[..., ::-1]
    view[..., 0] += np.sin(a[..., 0])
    return y


def filled(a):
    """A fresh array of numbers, element by element."""
    y = np.zeros_like(a)
    for i in range(len(a)):
        y[i] = np.cos(a[i]) * a[0]
    return y


def written(a):
    """Functions that write to their first argument."""
    y = np.copy(a)
    np.put(y, [0, 1], np.sin(a[:2]))
    np.copyto(y, a * a, where=np.arange(len(a)) > 1)
    y *= 0.5
    np.multiply(y, a, out=y)
    return y


ANY, VECTOR, MATRIX, SQUARE, FULL = (
    lambda s: True, lambda s: len(s) == 1 and s[0] > 1, lambda s: len(s) == 2 and min(s) > 1,
    lambda s: len(s) == 2 and s[0] == s[1] > 1, lambda s: len(s) > 0 and min(s) > 1)

# name -> (shape the operand must have, function of the namespace and the operand)
ONE = {
    **{f: (ANY, lambda xp, a, f=f: getattr(xp, f)(a)) for f in (
        "sin", "cos", "tanh", "arctan", "arcsinh", "expm1", "sinc", "negative", "square", "deg2rad",
        "conjugate", "positive", "ravel", "transpose")},
    **{f: (ANY, lambda xp, a, f=f: getattr(xp, f)(0.5 * xp.tanh(a))) for f in (
        "exp", "exp2", "sinh", "cosh", "tan", "arcsin", "arccos", "arctanh", "log1p", "i0")},
    **{f: (ANY, lambda xp, a, f=f: getattr(xp, f)(2.5 + xp.sin(a))) for f in (
        "sqrt", "cbrt", "log", "log2", "log10", "reciprocal", "arccosh", "absolute", "fabs")},
    **{f: (FULL, lambda xp, a, f=f: getattr(xp, f)(a, axis=0)) for f in (
        "sum", "mean", "cumsum", "var", "diff", "flip", "nansum", "nanmean", "cumulative_sum")},
    **{f: (FULL, lambda xp, a, f=f: getattr(xp, f)(gap(xp, a), axis=-1)) for f in (
        "max", "min", "ptp", "sort", "median", "std", "amax", "nanmax", "nanmin", "nanmedian")},
    **{f: (FULL, lambda xp, a, f=f: getattr(xp, f)(xp.tanh(a), axis=0)) for f in (
        "prod", "cumprod", "nanprod", "nancumsum")},
    "quantile": (FULL, lambda xp, a: xp.quantile(gap(xp, a), 0.3, axis=0)),
    "percentile": (FULL, lambda xp, a: xp.percentile(gap(xp, a), 70.0, axis=-1)),
    "power": (ANY, lambda xp, a: xp.power(a, 3)),
    "float exponent": (ANY, lambda xp, a: (2.0 + xp.sin(a)) ** 1.7),
    "index": (FULL, lambda xp, a: a[1:]), "backwards": (FULL, lambda xp, a: a[..., ::-1]),
    "gather": (FULL, lambda xp, a: a[np.array([0, 1, 0])]),
    "reshape": (ANY, lambda xp, a: xp.reshape(a, (-1, 1))),
    "roll": (FULL, lambda xp, a: xp.roll(a, 1, axis=0)),
    "tile": (VECTOR, lambda xp, a: xp.tile(a, (2, 1))),
    "repeat": (FULL, lambda xp, a: xp.repeat(a, 2, axis=-1)),
    "pad": (FULL, lambda xp, a: xp.pad(a, 1, mode="reflect")),
    "pad mean": (VECTOR, lambda xp, a: xp.pad(a, 1, mode="mean")),
    "pad ramp": (VECTOR, lambda xp, a: xp.pad(a, 2, mode="linear_ramp")),
    "broadcast": (VECTOR, lambda xp, a: xp.broadcast_to(a, (2, *a.shape))),
    "tril": (MATRIX, lambda xp, a: xp.tril(a)), "rot90": (MATRIX, lambda xp, a: xp.rot90(a)),
    "diagonal": (MATRIX, lambda xp, a: xp.diagonal(a)), "diag": (VECTOR, lambda xp, a: xp.diag(a)),
    "trace": (MATRIX, lambda xp, a: xp.trace(a)),
    "take": (FULL, lambda xp, a: xp.take(a, np.array([1, 0]), axis=0)),
    "where": (ANY, lambda xp, a: xp.where(gap(xp, a) > 2.5, xp.sin(a), a * a)),
    "clip": (ANY, lambda xp, a: xp.clip(gap(xp, a), 0.5, 3.5)),
    "nan_to_num": (ANY, lambda xp, a: xp.nan_to_num(a)),
    "gradient": (VECTOR, lambda xp, a: xp.gradient(a)),
    "trapezoid": (FULL, lambda xp, a: xp.trapezoid(a, axis=0)),
    "ediff1d": (VECTOR, lambda xp, a: xp.ediff1d(a)),
    "interp": (ANY, lambda xp, a: xp.interp(gap(xp, a) % 1.9 + 0.45, POINTS[1:4] * 2, HEIGHTS[:3])),
    "cov": (MATRIX, lambda xp, a: xp.cov(a)),
    "vander": (VECTOR, lambda xp, a: xp.vander(xp.tanh(a), 3)),
    "polyval": (ANY, lambda xp, a: xp.polyval(xp.asarray(HEIGHTS), xp.tanh(a))),
    "fft": (FULL, lambda xp, a: xp.real(xp.fft.fft(a)) + xp.imag(xp.fft.fft(xp.sin(a)))),
    "rfft": (FULL, lambda xp, a: xp.fft.irfft(xp.fft.rfft(a) * 0.5, a.shape[-1])),
    "spectrum": (FULL, lambda xp, a: xp.abs(xp.fft.rfft(2.5 + xp.sin(a)))),
    "fftshift": (FULL, lambda xp, a: xp.fft.fftshift(a)),
    "angle": (ANY, lambda xp, a: xp.angle(2.0 + 1j * a)),
    "norm": (FULL, lambda xp, a: xp.linalg.norm(a + 0.1)),
    "norm 1": (MATRIX, lambda xp, a: xp.linalg.norm(gap(xp, a), 1)),
    "norm rows": (MATRIX, lambda xp, a: xp.linalg.norm(gap(xp, a), axis=1)),
    "det": (SQUARE, lambda xp, a: xp.linalg.det(regular(xp, a))),
    "slogdet": (SQUARE, lambda xp, a: xp.linalg.slogdet(regular(xp, a))[1]),
    "inv": (SQUARE, lambda xp, a: xp.linalg.inv(regular(xp, a))),
    "pinv": (SQUARE, lambda xp, a: xp.linalg.pinv(regular(xp, a))),
    "cholesky": (SQUARE, lambda xp, a: xp.linalg.cholesky(symmetric(xp, a))),
    "eigvalsh": (SQUARE, lambda xp, a: xp.linalg.eigvalsh(symmetric(xp, a))),
    "qr": (SQUARE, lambda xp, a: xp.abs(xp.linalg.qr(regular(xp, a))[1] + 9.0)),
    "svdvals": (SQUARE, lambda xp, a: xp.linalg.svd(symmetric(xp, a), compute_uv=False)),
    "matrix_power": (SQUARE, lambda xp, a: xp.linalg.matrix_power(xp.tanh(a), 3)),
    "assigned": (FULL, lambda xp, a: assigned(a)), "filled": (FULL, lambda xp, a: filled(a)),
    "written": (VECTOR, lambda xp, a: written(a)),
    "objects": (VECTOR, lambda xp, a: np.sum(a) + np.array([a[0], np.sin(a[1]), 2.0])),
    "methods": (FULL, lambda xp, a: a.T.copy().reshape(-1).cumsum().clip(-3.0, 3.0) * a.std()),
    "einsum trace": (SQUARE, lambda xp, a: xp.einsum("ii->i", a)),
}


def same_or_scalar(s, t):
    return s == t or s == () or t == ()


def broadcasts(s, t):
    try:
        np.broadcast_shapes(s, t)
    except ValueError:
        return False
    return True


# name -> (whether two shapes fit, function of the namespace and both operands)
TWO = {
    **{f: (broadcasts, lambda xp, a, b, f=f: getattr(xp, f)(a, b)) for f in (
        "add", "subtract", "multiply", "logaddexp", "logaddexp2")},
    **{f: (broadcasts, lambda xp, a, b, f=f: getattr(xp, f)(xp.sin(a), 2.5 + xp.sin(b))) for f in (
        "divide", "arctan2", "hypot", "maximum", "minimum", "fmax", "fmin")},
    "power of two": (broadcasts, lambda xp, a, b: xp.power(2.5 + xp.sin(a), xp.tanh(b))),
    "remainder": (broadcasts, lambda xp, a, b: xp.remainder(2.5 + xp.sin(a), 4.0 + xp.sin(b))),
    "fmod": (broadcasts, lambda xp, a, b: xp.fmod(-6.5 - xp.sin(a), 4.0 + 0.3 * xp.sin(b))),
    "copysign": (broadcasts, lambda xp, a, b: xp.copysign(a, -3.0 + xp.sin(b))),
    "where of two": (broadcasts, lambda xp, a, b: xp.where(a > b, a, xp.sin(b))),
    "concatenate": (lambda s, t: len(s) == len(t) == 1, lambda xp, a, b: xp.concatenate([a, b])),
    "stack": (lambda s, t: s == t, lambda xp, a, b: xp.stack([a, b], axis=-1)),
    "append": (lambda s, t: True, lambda xp, a, b: xp.append(a, b)),
    "outer": (lambda s, t: VECTOR(s) and VECTOR(t), lambda xp, a, b: xp.outer(a, b)),
    "kron": (lambda s, t: VECTOR(s) and VECTOR(t), lambda xp, a, b: xp.kron(a, b)),
    "dot": (lambda s, t: VECTOR(s) and s == t, lambda xp, a, b: xp.dot(a, b)),
    "matmul": (lambda s, t: len(s) > 0 and len(t) > 0 and s[-1] == t[max(len(t) - 2, 0)],
               lambda xp, a, b: xp.matmul(a, b)),
    "inner": (lambda s, t: len(s) > 0 and len(t) > 0 and s[-1] == t[-1],
              lambda xp, a, b: xp.inner(a, b)),
    "tensordot": (lambda s, t: MATRIX(s) and s == t, lambda xp, a, b: xp.tensordot(a, b)),
    "einsum": (lambda s, t: MATRIX(s) and s == t, lambda xp, a, b: xp.einsum("ij,ij->j", a, b)),
    "solve": (lambda s, t: SQUARE(s) and len(t) == 1 and t[0] == s[0],
              lambda xp, a, b: xp.linalg.solve(regular(xp, a), b)),
    "lstsq": (lambda s, t: SQUARE(s) and len(t) == 1 and t[0] == s[0],
              lambda xp, a, b: xp.linalg.lstsq(regular(xp, a), b)[0]),
    "cross": (lambda s, t: s == t == (3,), lambda xp, a, b: xp.cross(a, b)),
    "convolve": (lambda s, t: VECTOR(s) and VECTOR(t), lambda xp, a, b: xp.convolve(a, b)),
    "correlate": (lambda s, t: VECTOR(s) and VECTOR(t),
                  lambda xp, a, b: xp.correlate(a, b, mode="full")),
    "average": (lambda s, t: FULL(s) and s == t,
                lambda xp, a, b: xp.average(a, weights=2.5 + xp.sin(b))),
    "insert": (lambda s, t: VECTOR(s) and t == (), lambda xp, a, b: xp.insert(a, 1, b)),
    "linspace": (lambda s, t: s == t, lambda xp, a, b: xp.linspace(a, b, 3)),
    "vecdot": (lambda s, t: FULL(s) and s == t, lambda xp, a, b: xp.vecdot(a, b)),
    "polyval of two": (lambda s, t: VECTOR(s), lambda xp, a, b: xp.polyval(a, xp.tanh(b))),
    "cross moments": (lambda s, t: VECTOR(s) and s == t, lambda xp, a, b: xp.cov(a, b)[0, 1]),
}
IN_DOUBLE = {"det", "slogdet", "inv", "pinv", "cholesky", "eigvalsh", "qr", "svdvals", "solve",
             "lstsq", "matrix_power", "interp", "i0", "eye"}
NOT_IN_JAX = {"assigned", "filled", "written", "objects", "methods", "interp", "ediff1d",
              "pad ramp", "gradient", "svdvals", "lstsq", "pinv"}
SIZE = 24  # elements that a result may have


@st.composite
def programs(draw, longest=6, leave_out=frozenset()):
    """(input, direction, steps): steps are (name, places)."""
    shape = draw(st.sampled_from([(), (2,), (3,), (3, 3), (2, 3)]))
    seed = draw(st.integers(0, 10_000))
    rng = np.random.default_rng([seed, *shape])
    x, v = rng.uniform(-1.5, 1.5, shape), rng.uniform(-1, 1, shape)
    values, steps = [x], []
    for _ in range(draw(st.integers(2, longest))):
        candidates = [(name, (i,)) for name, (fits, _) in ONE.items() if name not in leave_out
                      for i in range(len(values)) if fits(np.shape(values[i]))]
        candidates += [(name, (i, j)) for name, (fits, _) in TWO.items() if name not in leave_out
                       for i in range(len(values)) for j in range(len(values))
                       if fits(np.shape(values[i]), np.shape(values[j]))]
        names = sorted({name for name, _ in candidates})
        name = draw(st.sampled_from(names))
        places = draw(st.sampled_from([p for n, p in candidates if n == name]))
        with np.errstate(all="ignore"):
            result = np.asarray(run_step(np, name, [values[p] for p in places]))
        if result.size == 0 or result.size > SIZE or not np.isfinite(result).all() or (
                np.abs(result).max() > 30):
            continue
        values.append(result)
        steps.append((name, places))
    return x, v, tuple(steps)


def run_step(xp, name, operands):
    """One step on the operands."""
    return (ONE.get(name) or TWO[name])[1](xp, *operands)


def run(xp, steps, x):
    """The last result of a program."""
    values = [x]
    for name, places in steps:
        values.append(run_step(xp, name, [values[p] for p in places]))
    return values[-1]
