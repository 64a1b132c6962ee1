"""How a simulation depends on its parameters: derivatives through a plain NumPy integrator.

Hares and lynxes (Lotka and Volterra), integrated by the classic Runge-Kutta method written in
a dozen lines.  Differentiating the whole simulation with respect to its four parameters and
two starting values gives the sensitivities of every point of the trajectory, exactly as the
integrator computes it: no equations for them need to be written down.

    python examples/sensitivities.py [picture.png]
"""

import matplotlib.pyplot as plt
import numpy as np
import picture
from scipy.integrate import solve_ivp

from dualdiff import jacfwd

NAMES = ("birth of hares", "hunting", "death of lynxes", "growth by prey")
PARAMETERS = np.array([1.1, 0.4, 0.4, 0.1])
START = np.array([10.0, 5.0])
TIMES = np.linspace(0.0, 15.0, 601)


def growth(y, p):
    hares, lynxes = y
    return np.stack([p[0] * hares - p[1] * hares * lynxes, p[3] * hares * lynxes - p[2] * lynxes])


def simulate(p, y):
    """The trajectory at TIMES: shape (2, len(TIMES))."""
    out = [y]
    h = TIMES[1] - TIMES[0]
    for _ in TIMES[1:]:
        k1 = growth(y, p)
        k2 = growth(y + h / 2 * k1, p)
        k3 = growth(y + h / 2 * k2, p)
        k4 = growth(y + h * k3, p)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        out.append(y)
    return np.stack(out, axis=1)


def variational(t, state):
    """The equations for the sensitivities, worked out by hand, to check against."""
    (u, v), S = state[:2], state[2:].reshape(2, 6)
    a, b, c, d = PARAMETERS
    J = np.array([[a - b * v, -b * u], [d * v, d * u - c]])
    forcing = np.array([[u, -u * v, 0, 0, 0, 0], [0, 0, -v, u * v, 0, 0]])
    return np.concatenate([[a * u - b * u * v, d * u * v - c * v], (J @ S + forcing).ravel()])


def main(where):
    by_p, by_start = jacfwd(simulate, argnums=(0, 1))(PARAMETERS, START)
    S = np.concatenate([by_p, by_start], axis=-1)  # (2, times, 6)
    first = np.concatenate([START, np.concatenate([np.zeros((2, 4)), np.eye(2)], 1).ravel()])
    known = solve_ivp(variational, (0, 15), first, "DOP853", t_eval=TIMES, rtol=1e-12, atol=1e-12)
    want = known.y[2:].reshape(2, 6, -1).transpose(0, 2, 1)
    gap = np.abs(S - want).max() / np.abs(want).max()
    print(f"sensitivities of {S.shape[1]} points to 6 numbers: greatest difference to the")
    print(f"variational equations {gap:.1e} of the largest (the integrator's own error)")
    for name, hares, lynxes in zip(NAMES, *(0.01 * by_p[:, -1] * PARAMETERS), strict=True):
        print(f"  1% more {name:>16}: hares at the end {hares:+.3f}, lynxes {lynxes:+.3f}")
    draw(simulate(PARAMETERS, START), by_p, where)
    return {"gap": gap, "sensitivities": S, "known": want}


def draw(y, by_p, where):
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(8.5, 6), sharex=True, layout="constrained")
    spread = 0.05 * np.sqrt(np.sum((by_p * PARAMETERS) ** 2, axis=-1))
    for row, width, label in zip(y, spread, ("hares", "lynxes"), strict=True):
        (line,) = top.plot(TIMES, row, label=label)
        top.fill_between(TIMES, row - width, row + width, color=line.get_color(), alpha=0.2, lw=0)
    top.set(ylabel="animals", title="trajectory, and its spread if each parameter is known to 5%")
    top.legend(loc="upper right")
    for j, name in enumerate(NAMES):
        bottom.plot(TIMES, by_p[0, :, j] * PARAMETERS[j], label=name)
    bottom.set(xlabel="time", ylabel="d hares / d log parameter")
    bottom.legend(loc="lower left", ncols=2)
    for ax in (top, bottom):
        ax.grid(alpha=0.3)
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
