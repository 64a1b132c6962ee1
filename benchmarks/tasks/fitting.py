"""Least squares: linear, non-linear, by spectra."""

import numpy as np

from benchmarks.task import Task


def linear(x, A, y):
    r = A @ x - y
    return 0.5 * np.sum(r * r)


def linear_data(size):
    rng = np.random.default_rng(20)
    return rng.normal(size=size[1]), rng.normal(size=size), rng.normal(size=size[0])


def decay(p, t, y):
    """Residuals of two exponentials and an offset."""
    return p[0] * np.exp(-p[1] * t) + p[2] * np.exp(-p[3] * t) + p[4] - y


def decay_data(n):
    t = np.linspace(0.0, 4.0, n)
    return np.array([1.0, 0.5, 2.0, 3.0, 0.1]), t, np.exp(-t)


def decay_jacobian(p, t, y):
    a, b = np.exp(-p[1] * t), np.exp(-p[3] * t)
    return np.stack([a, -p[0] * t * a, b, -p[2] * t * b, np.ones_like(t)], axis=1)


def peaks(p, t):
    """Residual-free model of 10 Gaussian peaks: heights, places, widths."""
    z = (t[:, None] - p[10:20]) / p[20:]
    return np.exp(-0.5 * z * z) @ p[:10]


def peaks_data(n):
    rng = np.random.default_rng(21)
    return (np.concatenate([rng.uniform(1, 2, 10), np.linspace(0.5, 9.5, 10),
                            rng.uniform(0.2, 0.5, 10)]), np.linspace(0.0, 10.0, n))


def spectrum(p, t, y):
    """Misfit of a damped oscillation, measured between power spectra."""
    s = np.fft.rfft(p[0] * np.exp(-p[1] * t) * np.cos(p[2] * t))
    return np.sum((np.real(s) ** 2 + np.imag(s) ** 2 - y) ** 2) / len(t) ** 2


def spectrum_data(n):
    t = np.linspace(0.0, 10.0, n)
    y = np.fft.rfft(np.exp(-0.2 * t) * np.cos(6.1 * t))
    return np.array([1.0, 0.3, 6.0]), t, np.abs(y) ** 2


TASKS = [
    Task(name="linear least squares 1000x50", family="fitting",
         what="linear least squares 1000×50, gradient", kind="gradient", f=linear,
         make=linear_data, size=(1000, 50), small=(7, 3),
         ways={"hand": lambda args: lambda: args[1].T @ (args[1] @ args[0] - args[2])}),
    Task(name="decay 200", family="fitting",
         what="two exponentials at 200 times, Jacobian 200×5", kind="jacobian", f=decay,
         make=decay_data, size=200, small=6,
         ways={"hand": lambda args: lambda: decay_jacobian(*args)}),
    Task(name="peaks 500x30", family="fitting",
         what="10 Gaussian peaks at 500 places, Jacobian 500×30", kind="jacobian", f=peaks,
         make=peaks_data, size=500, small=7),
    Task(name="spectrum 1024", family="fitting",
         what="misfit of power spectra by np.fft.rfft, 1024 points, gradient in 3",
         kind="gradient", f=spectrum, make=spectrum_data, size=1024, small=16),
]
