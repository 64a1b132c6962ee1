"""Curvature of a plane curve, and its evolute, at every point in one pass.

A curve is a plain NumPy function from the parameter t to the points (x(t), y(t)).  Pushing
the direction dt = 1 through it gives the velocity at all points at once, and pushing it
through the velocity gives the acceleration; the curvature is

    k = (x' y'' - y' x'') / (x'^2 + y'^2)^(3/2).

    python examples/curvature.py [picture.png]
"""

import matplotlib.pyplot as plt
import numpy as np
import picture

from dualdiff import jvp


def ellipse(t, a=2.0, b=1.0):
    return np.stack([a * np.cos(t), b * np.sin(t)])


def flower(t):
    """A circle whose radius swings five times."""
    r = 1.4 + 0.25 * np.cos(5 * t)
    return np.stack([r * np.cos(t), r * np.sin(t)])


def velocity(curve):
    """The function t -> d curve / dt, element by element."""
    return lambda t: jvp(curve, (t,), (np.ones_like(t),))[1]


def curvature(curve, t):
    """(curvature, speed, centre of the osculating circle) at every t."""
    p, v, a = curve(t), velocity(curve)(t), velocity(velocity(curve))(t)
    speed = np.hypot(*v)
    k = (v[0] * a[1] - v[1] * a[0]) / speed**3
    normal = np.stack([-v[1], v[0]]) / speed
    return k, speed, p + normal / k


def main(where):
    t = np.linspace(0, 2 * np.pi, 801)
    k, speed, centre = curvature(ellipse, t)
    corner, side = k[0], k[200]  # t = 0 and t = pi / 2
    # The evolute of an ellipse is known: ((a^2 - b^2)/a cos^3, (b^2 - a^2)/b sin^3).
    evolute = np.stack([1.5 * np.cos(t) ** 3, -3.0 * np.sin(t) ** 3])
    gap = np.abs(centre - evolute).max()
    # A simple closed curve turns once: the integral of k ds is 2 pi (trapezoid rule).
    kf, speed_f, _ = curvature(flower, t)
    turns = np.sum((kf * speed_f)[:-1]) * (t[1] - t[0]) / (2 * np.pi)
    print(f"ellipse 2 x 1: curvature {corner:.12f} at the tip (2), {side:.12f} at the side (0.25)")
    print(f"its evolute: greatest distance to the known one {gap:.1e}")
    print(f"flower: curvature from {kf.min():.3f} to {kf.max():.3f}; it turns {turns:.12f} times")
    draw(t, centre, where)
    return {"tip": corner, "side": side, "evolute": gap, "turns": turns}


def draw(t, centre, where):
    fig, axes = plt.subplots(1, 2, figsize=(10.5, 4.4), layout="constrained")
    for ax, curve, title in (
        (axes[0], ellipse, "an ellipse and its evolute"),
        (axes[1], flower, "curvature along a closed curve"),
    ):
        k, _, _ = curvature(curve, t)
        p = curve(t)
        dots = ax.scatter(*p, c=k, s=6, cmap="coolwarm" if k.min() < 0 else "viridis")
        fig.colorbar(dots, ax=ax, label="curvature")
        ax.set(aspect="equal", title=title)
    axes[0].plot(*centre, color="tab:red", lw=1)
    k, _, c = curvature(ellipse, t[[0, 100, 200]])
    for radius, middle in zip(1 / k, c.T, strict=True):
        axes[0].add_patch(plt.Circle(middle, radius, fill=False, color="gray", lw=0.7, ls="--"))
    axes[0].set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
