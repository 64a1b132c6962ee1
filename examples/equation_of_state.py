"""Implicit differentiation of an equation of state: van der Waals' gas and its boiling.

In units of the critical point, pressure, volume and temperature of van der Waals' gas obey

    (p + 3 / v^2) (3 v - 1) = 8 T.

The volume is known only as a root of this; the boiling pressure only as what Maxwell's
construction finds: liquid and vapour at one pressure and one Gibbs energy.  The solvers
below, roots of a polynomial and a bisection, could not be differentiated; `implicit_root`
needs them for the values alone, and takes all derivatives from the equations.

    python examples/equation_of_state.py [picture.png]
"""

import matplotlib.pyplot as plt
import numpy as np
import picture

from dualdiff import derivatives, grad, hessian, implicit_root


def pressure(v, T):
    return 8 * T / (3 * v - 1) - 3 / v**2


def gibbs(v, T):
    """The Gibbs energy, but for a function of T alone."""
    return -8 / 3 * T * np.log(3 * v - 1) - 3 / v + pressure(v, T) * v


# ---- one phase: the volume at a pressure and a temperature ------------------------------


@implicit_root(lambda v, p, T: (p + 3 / v**2) * (3 * v - 1) - 8 * T)
def volume(p, T):
    """The largest volume: that of the gas."""
    roots = np.roots([3 * p, -(p + 8 * T), 9.0, -3.0])
    return np.max(roots[np.abs(roots.imag) < 1e-9].real)


def expansion(p, T):
    """Thermal expansion, (dv / dT) / v."""
    return grad(volume, 1)(p, T) / volume(p, T)


def compressibility(p, T):
    """Isothermal compressibility, -(dv / dp) / v."""
    return -grad(volume, 0)(p, T) / volume(p, T)


# ---- two phases: the pressure at which the liquid boils -----------------------------------


def boiling(x, T):
    """What is zero for x = (volume of the liquid, of the vapour, pressure)."""
    liquid, vapour, p = x
    return np.stack(
        [pressure(liquid, T) - p, pressure(vapour, T) - p, gibbs(liquid, T) - gibbs(vapour, T)]
    )


@implicit_root(boiling)
def saturation(T):
    """By bisection between the pressures at which one of the phases ceases to exist."""
    v = np.sort(np.roots([4 * T, -9.0, 6.0, -1.0]).real)[-2:]  # where dp / dv = 0
    low, high = max(pressure(v[0], T), 1e-12), pressure(v[1], T)
    while True:
        p = (low + high) / 2
        v = np.sort(np.roots([3 * p, -(p + 8 * T), 9.0, -3.0]).real)
        if p in (low, high):
            return np.array([v[0], v[2], p])
        if gibbs(v[0], T) > gibbs(v[2], T):
            low = p
        else:
            high = p


def clapeyron(liquid, vapour):
    """dp / dT from the entropies and volumes of the phases: thermodynamics, no derivative."""
    return 8 / 3 * np.log((3 * vapour - 1) / (3 * liquid - 1)) / (vapour - liquid)


def main(where):
    p, T = 0.5, 1.1
    v = volume(p, T)
    stiff = 24 * T / (3 * v - 1) ** 2 - 6 / v**3  # -dp / dv by hand
    gaps = {
        "expansion": expansion(p, T) * v * stiff / (8 / (3 * v - 1)) - 1,
        "compressibility": compressibility(p, T) * v * stiff - 1,
    }
    # The speeds of expansion and compressibility are tied: both are second derivatives of v.
    h = hessian(lambda x: np.log(volume(x[0], x[1])))(np.array([p, T]))
    maxwell = grad(expansion, 0)(p, T) - h[0, 1], grad(compressibility, 1)(p, T) + h[0, 1]
    print(
        f"gas at p = {p}, T = {T}: v = {v:.9f}, expansion {expansion(p, T):.9f}, "
        f"compressibility {compressibility(p, T):.9f}"
    )
    print(
        f"against the derivatives by hand: {max(map(abs, gaps.values())):.1e}; "
        f"mixed second derivatives agree to {max(map(abs, maxwell)):.1e}"
    )

    temperatures = np.linspace(0.6, 0.98, 20)
    curve = np.array([derivatives(saturation, 3)(t) for t in temperatures])  # (T, order, 3)
    liquid, vapour, boil = curve[:, 0].T
    slope = curve[:, 1, 2]
    gap = np.abs(slope / clapeyron(liquid, vapour) - 1).max()
    at = saturation(0.9)
    print(f"boiling at T = 0.9: p = {at[2]:.6f}, liquid {at[0]:.6f}, vapour {at[1]:.6f}")
    print(f"dp/dT of the boiling curve against Clausius and Clapeyron: {gap:.1e}")
    draw(temperatures, curve, where)
    return {
        "gaps": gaps,
        "maxwell": maxwell,
        "clapeyron": gap,
        "at": at,
        "curve": curve,
        "temperatures": temperatures,
    }


def draw(T, curve, where):
    fig, axes = plt.subplots(1, 2, figsize=(10.5, 4.4), layout="constrained")
    v = np.geomspace(0.45, 12, 500)
    for t in (0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.1):
        liquid, vapour, p = saturation(t) if t < 1 else (0.0, 0.0, 0.0)
        flat = (v > liquid) & (v < vapour)
        axes[0].plot(v, np.where(flat, p, pressure(v, t)), lw=1, label=f"T = {t}")
    axes[0].plot(curve[:, 0, 0], curve[:, 0, 2], "k", lw=0.8)
    axes[0].plot(curve[:, 0, 1], curve[:, 0, 2], "k", lw=0.8)
    axes[0].set(
        xscale="log",
        ylim=(0, 1.6),
        xlabel="volume",
        ylabel="pressure",
        title="isotherms, and where two phases exist",
    )
    axes[0].legend(loc="upper right", fontsize=7)
    names = ("p", "dp/dT", "d2p/dT2", "d3p/dT3")
    for k, name in enumerate(names):
        axes[1].plot(T, curve[:, k, 2], label=name)
    axes[1].plot(
        T, clapeyron(curve[:, 0, 0], curve[:, 0, 1]), "k.", ms=4, label="Clausius-Clapeyron"
    )
    axes[1].set(xlabel="temperature", title="boiling pressure and its derivatives")
    axes[1].legend(loc="upper left", fontsize=8)
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
