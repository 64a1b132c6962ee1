"""A stiff differential equation with its exact Jacobian, through scipy.integrate.solve_ivp.

Robertson's reaction: three substances, rates nine powers of ten apart, followed over eleven
decades of time.  Implicit solvers need the Jacobian of the right-hand side; left to
themselves they estimate it by differences, one more evaluation for every variable.
`jac=jacfwd(rates, argnums=1)` is all that it takes to give them the exact one.

    python examples/stiff_ode.py [picture.png]
"""

import matplotlib.pyplot as plt
import numpy as np
import picture
from scipy.integrate import solve_ivp

from dualdiff import jacfwd


def rates(t, y):
    a, b, c = y
    slow, fast, fastest = 0.04 * a, 1e4 * b * c, 3e7 * b * b
    return np.stack([-slow + fast, slow - fast - fastest, fastest])


class Counter:
    """A function that counts its calls by the solver."""

    def __init__(self, f):
        self.f, self.calls = f, 0

    def __call__(self, *args):
        self.calls += 1
        return self.f(*args)


def known_jacobian(y):
    return np.array(
        [
            [-0.04, 1e4 * y[2], 1e4 * y[1]],
            [0.04, -1e4 * y[2] - 6e7 * y[1], -1e4 * y[1]],
            [0.0, 6e7 * y[1], 0.0],
        ]
    )


def main(where):
    y0 = np.array([1.0, 0.0, 0.0])
    jac = jacfwd(rates, argnums=1)
    y = np.array([0.7, 9e-6, 0.3])
    gap = np.abs(jac(0.0, y) - known_jacobian(y)).max()
    runs, calls = [], []
    for given in (jac, None):
        counter = Counter(rates)
        runs.append(
            solve_ivp(
                counter, (0, 1e11), y0, "Radau", jac=given, rtol=1e-8, atol=1e-13, dense_output=True
            )
        )
        calls.append(counter.calls)
    with_jac = runs[0]
    at_40 = with_jac.sol(40.0)
    print(f"Jacobian: greatest difference to the one written by hand {gap:.1e}")
    for label, found, n in zip(("exact Jacobian", "differences"), runs, calls, strict=True):
        print(f"{label:>15}: {found.t.size} steps, {found.njev} Jacobians, {n} calls of rates()")
    print("y(40) =", *(f"{v:.10e}" for v in at_40))
    mass = np.abs(with_jac.y.sum(0) - 1).max()
    print(f"the sum of the substances stays 1 to {mass:.1e}")
    draw(with_jac, where)
    return {"gap": gap, "at_40": at_40, "calls": calls, "mass": mass, "end": with_jac.y[:, -1]}


def draw(found, where):
    t = np.logspace(-5, 11, 500)
    y = found.sol(t)
    fig, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    for row, scale, label in zip(y, (1, 1e4, 1), ("A", "B x 10$^4$", "C"), strict=True):
        ax.semilogx(t, row * scale, label=label)
    for s in found.t[1:]:
        ax.axvline(s, 0, 0.02, color="gray", lw=0.5)
    ax.set(xlabel="time", ylabel="share", title="Robertson's reaction (ticks: steps of Radau)")
    ax.legend(loc="center left")
    ax.grid(alpha=0.3)
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
