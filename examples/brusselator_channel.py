"""Waves in a channel: a reaction with diffusion in two dimensions, 102,400 unknowns.

The Brusselator, u' = 1 + u^2 v - (b + 1) u + d Lap u and v' = b u - u^2 v + d Lap v, swings for
b > 2: u rises in bursts, earlier in one place than in the next, and bursts run along the
channel as waves.  The equations are stiff; scipy.integrate.solve_ivp steps through them with
the sparse Jacobian that `sparse_jacobian` reads off one evaluation of the right-hand side.

    python examples/brusselator_channel.py [picture.png]
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import picture
from scipy.integrate import solve_ivp

from dualdiff import jvp, sparse_jacobian

ACROSS, ALONG = 8, 6400
B, SPREAD, END = 3.0, 1.0, 5.0


def laplacian(a):
    """Five-point differences; nothing flows through the walls."""
    p = np.pad(a, 1, mode="edge")
    return p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2] - 4.0 * a


def rates(t, y):
    u, v = y.reshape(2, ACROSS, ALONG)
    turned = u * u * v
    du = 1.0 + turned - (B + 1.0) * u + SPREAD * laplacian(u)
    dv = B * u - turned + SPREAD * laplacian(v)
    return np.concatenate([du.reshape(-1), dv.reshape(-1)])


def start():
    """Smooth disturbances of the rest at u = 1, v = b."""
    rng = np.random.default_rng(3)
    i, j = np.arange(ACROSS)[:, None] / ACROSS, np.arange(ALONG) / ALONG
    y = np.empty((2, ACROSS, ALONG))
    y[0], y[1] = 1.0, B
    for wave in range(1, 40):
        a, b, c = rng.normal(size=3)
        y[0] += 0.06 * a * np.cos(2 * np.pi * wave * (j + b)) * (1 + 0.5 * np.cos(np.pi * i + c))
    return y.reshape(-1)


def main(where):
    y0 = start()
    jacobian = sparse_jacobian(rates, argnums=1)
    tick = time.perf_counter()
    j = jacobian(0.0, y0)
    took = time.perf_counter() - tick
    v = np.random.default_rng(4).normal(size=y0.size)
    want = jvp(lambda y: rates(0.0, y), (y0,), (v,))[1]
    gap = np.abs(j @ v - want).max() / np.abs(want).max()
    print(f"{y0.size} unknowns: Jacobian with {j.nnz} entries in {took:.3f} s, {gap:.0e} from jvp")
    tick = time.perf_counter()
    found = solve_ivp(rates, (0.0, END), y0, "BDF", jac=jacobian, rtol=1e-2, atol=1e-3)
    print(
        f"t = {END}: {found.t.size - 1} steps, {found.njev} Jacobians, {found.nlu} "
        f"factorisations, {found.nfev} evaluations, {time.perf_counter() - tick:.1f} s"
    )
    u = found.y.reshape(2, ACROSS, ALONG, -1)[0]
    print(f"u from {u[..., -1].min():.3f} to {u[..., -1].max():.3f} at the end")
    draw(found.t, u, where)
    return {"nnz": j.nnz, "gap": gap, "status": found.status, "u": u[..., -1], "size": y0.size}


def draw(t, u, where):
    fold = 4
    part = ALONG // fold
    fig, axes = plt.subplots(fold + 1, 1, figsize=(9, 5), layout="constrained")
    for q in range(fold):
        shown = axes[q].imshow(
            u[:, part * q : part * (q + 1), -1],
            aspect="auto",
            cmap="magma",
            vmin=0,
            vmax=4,
            extent=(part * q, part * (q + 1), 0, ACROSS),
        )
        axes[q].set_yticks([])
    axes[0].set_title(f"u in the channel at t = {t[-1]:g}, from left to right and top to bottom")
    fig.colorbar(shown, ax=axes[:fold].tolist())
    axes[-1].pcolormesh(
        np.arange(ALONG), t, u[ACROSS // 2].T, cmap="magma", vmin=0, vmax=4, rasterized=True
    )
    axes[-1].set(xlabel="along the channel", ylabel="time")
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
