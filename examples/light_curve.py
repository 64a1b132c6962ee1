"""How bright a flickering source was: 100,000 rates from 100,000 noisy counts.

Rates are positive and mostly smooth, but jump now and then, and some counts are plainly
wrong.  scipy.optimize.least_squares fits their logarithms u, with a robust loss: residuals are
what the counts say (by Anscombe's transformation each has a variance of one) and the
differences of neighbours.  `sparse_jacobian` gives the Jacobian of 199,999 residuals with one
evaluation; nobody says that it has two diagonals.

    python examples/light_curve.py [picture.png [counts]]
"""

import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import picture
from scipy.optimize import least_squares

from dualdiff import sparse_jacobian

SIZE = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
SMOOTH = 10.0  # how much less neighbours differ than counts scatter
WRONG = 0.01  # share of counts that are not of the source


def true_rates(t):
    """Waves, with three jumps."""
    u = 3.0 + 0.5 * np.sin(9.0 * t) + 0.3 * np.cos(31.0 * t)
    return np.exp(u + np.where(t > 0.3, 0.8, 0.0) - np.where(t > 0.6, 1.1, 0.0))


def residuals(u, counts):
    scatter = 2.0 * (np.exp(0.5 * u) - np.sqrt(counts + 0.375))
    return np.concatenate([scatter, SMOOTH * np.diff(u)])


def jacobian_by_hand(u, v):
    """The Jacobian times v."""
    return np.concatenate([np.exp(0.5 * u) * v, SMOOTH * np.diff(v)])


def main(where):
    rng = np.random.default_rng(4)
    t = np.linspace(0.0, 1.0, SIZE)
    counts = rng.poisson(true_rates(t)) * 1.0
    wrong = rng.random(SIZE) < WRONG
    counts[wrong] = rng.poisson(200.0, np.count_nonzero(wrong))
    jacobian = sparse_jacobian(residuals)
    start = np.full(SIZE, np.log(np.median(counts)))
    tick = time.perf_counter()
    J = jacobian(start, counts)
    print(
        f"{J.shape[0]} residuals of {J.shape[1]} unknowns: Jacobian with {J.nnz} entries in "
        f"{time.perf_counter() - tick:.2f} s"
    )
    tick = time.perf_counter()
    found = least_squares(
        residuals,
        start,
        jac=jacobian,
        args=(counts,),
        method="trf",
        tr_solver="lsmr",
        loss="soft_l1",
        ftol=1e-3,
        tr_options={"atol": 1e-3, "btol": 1e-3, "maxiter": 100},
    )
    off = np.abs(found.x - np.log(true_rates(t)))
    print(
        f"{found.nfev} evaluations, {found.njev} Jacobians, {time.perf_counter() - tick:.1f} s; "
        f"the median rate is off by {100 * np.median(off):.1f} %"
    )
    v = np.cos(np.arange(SIZE))
    draw(t, counts, found.x, where)
    return {
        "shape": J.shape,
        "nnz": J.nnz,
        "status": found.status,
        "off": np.median(off),
        "gap": np.abs(jacobian(found.x, counts) @ v - jacobian_by_hand(found.x, v)).max(),
        "gradient": np.abs(found.grad).max(),
    }


def draw(t, counts, u, where):
    fig, ax = plt.subplots(figsize=(10, 4), layout="constrained")
    ax.plot(t, counts, ",", color="0.6", label="counts")
    ax.plot(t, true_rates(t), lw=2.5, label="true rate")
    ax.plot(t, np.exp(u), lw=1, label="fitted rate")
    ax.set(xlabel="time", ylim=(0, 150), title="rates, fitted robustly")
    ax.legend()
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
