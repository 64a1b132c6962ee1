"""A membrane over an obstacle: 125,609 unknowns, one for each point of a grid inside a disc.

The membrane is fixed at the rim of the disc and pushed up by a paraboloid.  It makes its energy
least, the integral of |grad u|^2 / 2, and a stiff penalty where it is below the obstacle, which
is one `np.maximum`.  Which points touch depends on u: gradient and sparse Hessian follow the
branch that is taken, and scipy.optimize.minimize (Newton-CG) settles on the points of contact,
from the answer on coarser grids.  A circle bounds them, whose radius is known: outside of it
u is -4 a^2 log r, and touches the obstacle at r = a with its slope.

    python examples/obstacle.py [picture.png [points across]]
"""

import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import picture
from scipy.optimize import brentq, minimize

from dualdiff import sparse_hessian, value_and_grad

FINEST = int(sys.argv[2]) if len(sys.argv) > 2 else 401  # points of the grid across the disc
STIFF = 1e5  # force for each unit below the obstacle


class Disc:
    """A grid over the disc, and the membrane on it."""

    def __init__(self, side):
        self.step = 2.0 / (side - 1)
        self.x, self.y = np.meshgrid(*[np.linspace(-1, 1, side)] * 2)
        self.inside = np.hypot(self.x, self.y) < 1.0 - 1e-12
        self.obstacle = (1.0 - 2.0 * (self.x**2 + self.y**2))[self.inside]

    def heights(self, u):
        """On the whole grid, zero from the rim on."""
        full = np.zeros_like(u, shape=self.inside.shape)
        full[self.inside] = u
        return full

    def energy(self, u):
        w = self.heights(u)
        stretched = np.sum((w[1:] - w[:-1]) ** 2) + np.sum((w[:, 1:] - w[:, :-1]) ** 2)
        below = np.maximum(self.obstacle - u, 0.0)
        return 0.5 * stretched + 0.5 * STIFF * self.step**2 * np.sum(below**2)

    def solved(self, start):
        return minimize(
            value_and_grad(self.energy),
            start,
            jac=True,
            hess=sparse_hessian(self.energy),
            method="Newton-CG",
            options={"xtol": 1e-5},
        )


def refined(w):
    """Heights on a grid of half the step: averages between."""
    fine = np.zeros([2 * n - 1 for n in w.shape])
    fine[::2, ::2] = w
    fine[1::2, ::2] = 0.5 * (w[1:] + w[:-1])
    fine[:, 1::2] = 0.5 * (fine[:, :-1:2] + fine[:, 2::2])
    return fine


def contact_radius():
    """Where height and slope of 1 - 2 r^2 and -4 a^2 log r agree."""
    return brentq(lambda a: 1.0 - 2.0 * a**2 + 4.0 * a**2 * np.log(a), 0.1, 0.7)


def main(where):
    sides = [FINEST]
    while sides[0] > 60:
        sides.insert(0, (sides[0] + 1) // 2)
    heights = None
    for side in sides:
        disc = Disc(side)
        start = np.maximum(disc.obstacle, 0.0)
        if heights is not None:
            start = refined(heights)[disc.inside]
        tick = time.perf_counter()
        found = disc.solved(start)
        print(
            f"{start.size} unknowns: {found.nit} steps, {found.nhev} Hessians, "
            f"{time.perf_counter() - tick:.1f} s"
        )
        heights = disc.heights(found.x)
    tick = time.perf_counter()
    h = sparse_hessian(disc.energy)(found.x)
    took = time.perf_counter() - tick
    touching = disc.obstacle > found.x
    radius = np.sqrt(np.count_nonzero(touching) / np.pi) * disc.step
    known = contact_radius()
    print(f"Hessian with {h.nnz} entries in {took:.2f} s")
    print(f"contact within r = {radius:.4f}; in the limit of fine grids {known:.4f}")
    r = np.hypot(disc.x, disc.y)[disc.inside]
    exact = np.where(r < known, disc.obstacle, -4 * known**2 * np.log(np.maximum(r, known)))
    draw(disc, found.x, touching, where)
    return {
        "size": start.size,
        "nnz": h.nnz,
        "symmetric": (h != h.T).nnz == 0,
        "radius": radius,
        "known": known,
        "error": np.abs(found.x - exact).max(),
    }


def draw(disc, u, touching, where):
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    heights = np.where(disc.inside, disc.heights(u), np.nan)
    shown = left.imshow(heights, cmap="viridis", extent=(-1, 1, -1, 1))
    left.contour(disc.x, disc.y, disc.heights(1.0 * touching), [0.5], colors="white")
    left.set(title="height of the membrane, and where it touches")
    fig.colorbar(shown, ax=left)
    middle = len(disc.x) // 2
    right.plot(disc.x[middle], disc.heights(u)[middle], label="membrane")
    right.plot(disc.x[middle], 1.0 - 2.0 * disc.x[middle] ** 2, "--", label="obstacle")
    right.set(title="a cut through the middle", ylim=(-0.2, 1.1))
    right.legend()
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
