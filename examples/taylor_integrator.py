"""Integrating a differential equation by its Taylor series, to machine precision.

For y' = f(y), each derivative of f along the solution is one more derivative of the solution:
y^(k+1) = d^k f(y(t)) / dt^k.  `jet` pushes the derivatives known so far through f and hands
back the next one.  Twenty of them give a series whose last terms say how long a step may be:
long steps, and errors of the size of rounding.  (Step control: Jorba and Zou, 2005.)

The test is a comet: Kepler's problem with eccentricity 0.9, whose solution is known.

    python examples/taylor_integrator.py [picture.png]
"""

import matplotlib.pyplot as plt
import numpy as np
import picture
from scipy.integrate import solve_ivp

from dualdiff import jet

ORDER = 20
ECCENTRICITY = 0.9
TURNS = 4


def kepler(s):
    """Motion about a sun at the origin: s = (x, y, vx, vy)."""
    x, y, vx, vy = s
    cube = (x * x + y * y) ** -1.5
    return np.stack([vx, vy, -x * cube, -y * cube])


def series_of_solution(f, y):
    """Taylor coefficients 0 .. ORDER of the solution through y, as rows."""
    derivatives = [f(y)]
    for _ in range(1, ORDER):
        _, along = jet(f, (y,), (derivatives,))
        derivatives.append(along[-1])
    factorial = np.cumprod(np.arange(1.0, ORDER + 1))
    return np.concatenate([[y], np.array(derivatives) / factorial[:, None]])


def step_length(c):
    """So that the first terms left out are of the size of rounding."""
    size = np.abs(c).max(axis=1)
    radius = min((size[0] / size[k]) ** (1 / k) for k in (ORDER - 1, ORDER))
    return radius / np.exp(2)


def integrate(f, y, end):
    """Times, states after each step, and the series of each step."""
    t, times, states, pieces = 0.0, [0.0], [y], []
    while t < end:
        c = series_of_solution(f, y)
        h = min(step_length(c), end - t)
        pieces.append(c)
        y = np.polynomial.polynomial.polyval(h, c)
        t += h
        times.append(t)
        states.append(y)
    return np.array(times), np.array(states), pieces


def exact(t):
    """Position at time t, from Kepler's equation E - e sin E = t."""
    e = ECCENTRICITY
    E = t + e * np.sin(t)
    for _ in range(60):  # Newton, from every start
        E = E - np.clip((E - e * np.sin(E) - t) / (1 - e * np.cos(E)), -0.5, 0.5)
    return np.array([np.cos(E) - e, np.sqrt(1 - e * e) * np.sin(E)])


def energy(s):
    return 0.5 * (s[2] ** 2 + s[3] ** 2) - 1 / np.hypot(s[0], s[1])


def main(where):
    e = ECCENTRICITY
    start = np.array([1 - e, 0.0, 0.0, np.sqrt((1 + e) / (1 - e))])
    end = 2 * np.pi * TURNS
    times, states, pieces = integrate(kepler, start, end)
    other = solve_ivp(lambda t, s: kepler(s), (0, end), start, "DOP853", rtol=1e-13, atol=1e-13)
    gaps = [np.hypot(*(s[:, :2].T - exact(t))) for t, s in ((times, states), (other.t, other.y.T))]
    drift = np.abs(energy(states.T) - energy(start)).max() / abs(energy(start))
    lengths = np.diff(times)[:-1]
    print(
        f"order {ORDER}: {len(pieces)} steps for {TURNS} turns, "
        f"from {lengths.min():.4f} to {lengths.max():.3f} long"
    )
    print(
        f"greatest error of the position: {gaps[0].max():.1e} "
        f"(DOP853 with {other.nfev} evaluations: {gaps[1].max():.1e})"
    )
    print(f"energy kept to {drift:.1e}")
    draw(times, states, pieces, other, gaps, where)
    return {
        "steps": len(pieces),
        "error": gaps[0].max(),
        "other": gaps[1].max(),
        "drift": drift,
        "return": np.abs(states[-1] - start).max(),
        "lengths": lengths,
    }


def draw(times, states, pieces, other, gaps, where):
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    for t0, t1, c in zip(times[:-1], times[1:], pieces, strict=True):
        if t0 > 2 * np.pi:
            break
        inside = np.polynomial.polynomial.polyval(np.linspace(0, t1 - t0, 30), c)
        left.plot(inside[0], inside[1], lw=2)
    left.plot(*states[times <= 2 * np.pi, :2].T, "k.", ms=4)
    left.plot(0, 0, "o", color="gold", ms=10)
    left.set(aspect="equal", title="one turn: each colour is one series of order 20")
    for t, gap, label in (
        (other.t, gaps[1], "DOP853, rtol 1e-13"),
        (times, gaps[0], "Taylor series, order 20"),
    ):
        right.semilogy(t / (2 * np.pi), np.maximum(gap, 1e-17), ".-", lw=0.7, ms=3, label=label)
    right.set(
        xlabel="turns",
        ylabel="error of the position",
        title="against the solution of Kepler's equation",
    )
    right.legend(loc="lower right")
    right.grid(alpha=0.3)
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
