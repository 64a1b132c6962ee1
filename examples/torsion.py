"""Torsion of a flat bar of a metal that hardens: a minimum over 102,400 unknowns.

Prandtl's stress function u is zero at the rim of the cross-section and makes the energy, the
integral of  s/2 + c s^2/4 - 2 t u  with s = |grad u|^2, least for a twist of t.  The energy is
written with sliced arrays; gradient and sparse Hessian come from it by themselves.  Where
the metal is linear (c s small) one solution with the Hessian is the answer, and Saint-Venant's
series says how stiff the bar is; from there scipy.optimize.minimize (Newton-CG) finds the
answer for large twist.

    python examples/torsion.py [picture.png]
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import picture
from scipy.optimize import minimize
from scipy.sparse.linalg import spsolve

from dualdiff import grad, sparse_hessian

ACROSS, ALONG = 80, 1280  # inner points of the grid
STEP = 1.0 / (ACROSS + 1)  # the bar is 1 wide
HARDENING, TWIST = 2.0, 1.0


def slopes(u):
    """Differences to the right and upwards, squared: |grad u|^2 in every cell."""
    p = np.pad(u.reshape(ACROSS, ALONG), 1)
    a, b = (p[1:, :-1] - p[:-1, :-1]) / STEP, (p[:-1, 1:] - p[:-1, :-1]) / STEP
    return a * a + b * b


def energy(u):
    s = slopes(u)
    return STEP**2 * (np.sum(0.5 * s + 0.25 * HARDENING * s * s) - 2.0 * TWIST * np.sum(u))


def moment(u):
    """Twice the volume under the stress function."""
    return 2.0 * STEP**2 * np.sum(u)


def saint_venant(length, terms=40):
    """Moment of a linear bar, 1 wide, for a twist of 1."""
    k = np.arange(1, 2 * terms, 2)
    series = np.sum(np.tanh(k * np.pi * length / 2) / k**5)
    return length / 3.0 * (1.0 - 192.0 / (np.pi**5 * length) * series)


def main(where):
    slope, curvature = grad(energy), sparse_hessian(energy)
    zero = np.zeros(ACROSS * ALONG)
    tick = time.perf_counter()
    h = curvature(zero)
    took = time.perf_counter() - tick
    print(f"{zero.size} unknowns: Hessian with {h.nnz} entries in {took:.2f} s")
    linear = spsolve(h.tocsc(), -slope(zero))
    known = TWIST * saint_venant((ALONG + 1) * STEP)
    print(f"linear bar: moment {moment(linear):.6f}, by Saint-Venant's series {known:.6f}")
    tick = time.perf_counter()
    found = minimize(
        energy, linear, jac=slope, hess=curvature, method="Newton-CG", options={"xtol": 1e-5}
    )
    left = np.abs(slope(found.x)).max() / STEP**2
    print(
        f"hardening bar: {found.nit} steps, {found.nfev} energies, {found.nhev} Hessians, "
        f"{time.perf_counter() - tick:.1f} s; moment {moment(found.x):.6f}, residual {left:.0e}"
    )
    draw(linear, found.x, where)
    return {
        "linear": moment(linear),
        "known": known,
        "moment": moment(found.x),
        "left": left,
        "steps": found.nit,
        "size": zero.size,
        "nnz": h.nnz,
        "symmetric": (h != h.T).nnz == 0,
    }


def draw(linear, u, where):
    fig, axes = plt.subplots(2, 1, figsize=(9, 5), layout="constrained")
    top = np.sqrt(slopes(linear).max())
    for ax, v, title in zip(axes, (linear, u), ("linear", "hardening"), strict=True):
        shown = ax.imshow(
            np.sqrt(slopes(v)),
            cmap="viridis",
            vmin=0,
            vmax=top,
            aspect="auto",
            extent=(0, ALONG * STEP, 0, 1),
        )
        levels = np.linspace(0, linear.max(), 9)[1:]
        ax.contour(
            v.reshape(ACROSS, ALONG),
            levels,
            colors="white",
            linewidths=0.6,
            extent=(0, ALONG * STEP, 0, 1),
        )
        ax.set(title=f"{title} bar: shear stress, and lines of the stress function", yticks=[0, 1])
    fig.colorbar(shown, ax=axes.tolist())
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
