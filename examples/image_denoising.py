"""A noisy picture cleaned by total variation: 102,400 unknowns, one for each pixel.

The cleaned picture x is least of  sum sqrt(|grad x|^2 + s^2) + w/2 |x - noisy|^2 : noise has
much variation for little distance, edges are cheap to keep.  The objective is three lines of
NumPy.  `value_and_grad` gives its gradient for a small multiple of its own cost, although it
has 102,400 partial derivatives, and scipy.optimize.minimize goes down with it by L-BFGS.

    python examples/image_denoising.py [picture.png]
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import picture
from scipy.optimize import minimize

from dualdiff import sparse_hessian, value_and_grad

SIDE, NOISE, WEIGHT, SMOOTH = 320, 0.15, 8.0, 0.01


def objective(x, noisy):
    x = x.reshape(noisy.shape)
    dx, dy = x[1:, :-1] - x[:-1, :-1], x[:-1, 1:] - x[:-1, :-1]
    return np.sum(np.sqrt(dx * dx + dy * dy + SMOOTH**2)) + WEIGHT / 2 * np.sum((x - noisy) ** 2)


def gradient_by_hand(x, noisy):
    x = x.reshape(noisy.shape)
    dx, dy = x[1:, :-1] - x[:-1, :-1], x[:-1, 1:] - x[:-1, :-1]
    s = np.sqrt(dx * dx + dy * dy + SMOOTH**2)
    g = WEIGHT * (x - noisy)
    g[1:, :-1] += dx / s
    g[:-1, 1:] += dy / s
    g[:-1, :-1] -= (dx + dy) / s
    return g.reshape(-1)


def scene():
    """Discs, bars and a slope, all with values from 0 to 1."""
    j, i = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    clean = 0.2 + 0.3 * j
    for a, b, r, v in (
        (0.3, 0.3, 0.18, 0.9),
        (0.34, 0.36, 0.08, 0.1),
        (0.7, 0.65, 0.22, 0.75),
        (0.75, 0.7, 0.1, 0.35),
    ):
        clean[(i - a) ** 2 + (j - b) ** 2 < r * r] = v
    clean[(i > 0.55) & (i < 0.95) & (j < 0.35) & ((j * 20).astype(int) % 2 == 0)] = 1.0
    return clean


def best_time(f, *args, times=5):
    found = []
    for _ in range(times):
        tick = time.perf_counter()
        f(*args)
        found.append(time.perf_counter() - tick)
    return min(found)


def main(where):
    clean = scene()
    noisy = clean + NOISE * np.random.default_rng(1).normal(size=clean.shape)
    x0 = noisy.reshape(-1)
    both = value_and_grad(objective)
    gap = np.abs(both(x0, noisy)[1] - gradient_by_hand(x0, noisy)).max()
    ratio = best_time(both, x0, noisy) / best_time(objective, x0, noisy)
    print(
        f"{x0.size} unknowns: value and gradient cost {ratio:.1f} times the objective; "
        f"{gap:.0e} from the gradient by hand"
    )
    tick = time.perf_counter()
    found = minimize(
        both, x0, args=(noisy,), jac=True, method="L-BFGS-B", options={"maxiter": 200, "maxcor": 20}
    )
    took = time.perf_counter() - tick
    x = found.x.reshape(clean.shape)
    before, after = np.sqrt(np.mean((noisy - clean) ** 2)), np.sqrt(np.mean((x - clean) ** 2))
    print(
        f"{found.nit} iterations, {found.nfev} evaluations in {took:.1f} s: objective "
        f"{objective(x0, noisy):.1f} -> {found.fun:.1f}, error {before:.3f} -> {after:.3f}"
    )
    h = sparse_hessian(objective)(found.x, noisy)
    print(f"Hessian at the end: {h.nnz} entries, {h.nnz / x0.size:.1f} in a row")
    draw(clean, noisy, x, where)
    return {
        "gap": gap,
        "ratio": ratio,
        "before": before,
        "after": after,
        "hessian": h,
        "slope": np.abs(found.jac).max(),
        "size": x0.size,
    }


def draw(clean, noisy, x, where):
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    titles = ("clean", "noisy", "least total variation")
    for ax, image, title in zip(axes, (clean, noisy, x), titles, strict=True):
        ax.imshow(image, cmap="gray", vmin=-0.1, vmax=1.1)
        ax.set(title=title, xticks=[], yticks=[])
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
