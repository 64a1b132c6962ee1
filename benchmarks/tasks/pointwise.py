"""Functions that act element by element, at a million points."""

import numpy as np

from benchmarks.task import Task


def wave(x):
    return np.tanh(x) * np.exp(-0.5 * x * x) + np.log1p(x * x)


def wave_slope(x):
    t, g, s = np.tanh(x), np.exp(-0.5 * x * x), x * x
    return g * (1 - t * t) - x * t * g + 2 * x / (1 + s)


def huber(x):
    return np.where(np.abs(x) < 1.0, 0.5 * x * x, np.abs(x) - 0.5)


def rational(x):
    return (1.0 + x * (0.5 + x * (0.1 + 0.02 * x))) / (1.0 + x * x)


def grid(n):
    return (np.linspace(-3.0, 3.0, n),)


def _task(name, f, what, **kw):
    return Task(name=name, family="pointwise", what=what, kind="elementwise", f=f, make=grid,
                size=1_000_000, small=101, largest=lambda n: 8 * n, **kw)


TASKS = [
    _task("tanh gauss log1p", wave, "tanh·gauss + log1p, 1e6 points, derivative",
          ways={"hand": lambda args: lambda: wave_slope(args[0])}),
    _task("huber", huber, "Huber's function by np.where, 1e6 points, derivative",
          ways={"hand": lambda args: lambda: np.clip(args[0], -1.0, 1.0)}),
    _task("rational", rational, "a rational function, 1e6 points, derivative"),
]
