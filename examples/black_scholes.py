"""Every Greek of an option to third order, over a surface of spots and maturities.

The price of a European call is five lines of NumPy and SciPy's normal distribution function,
`scipy.special.ndtr`, called directly.  A Greek is a partial derivative of it: push a one
along the variable wanted, once for each letter.  All 14400 options of the surface go through
together, and every figure is exact: no bump sizes to choose, no noise in the third order.

    python examples/black_scholes.py [picture.png]
"""

import matplotlib.pyplot as plt
import numpy as np
import picture
from scipy.special import ndtr

from dualdiff import jvp

STRIKE = 100.0
VARIABLES = {"S": 0, "v": 1, "T": 2, "r": 3}  # spot, volatility, maturity, rate


def price(S, v, T, r):
    """A European call."""
    spread = v * np.sqrt(T)
    d1 = (np.log(S / STRIKE) + (r + v * v / 2) * T) / spread
    d2 = d1 - spread
    return S * ndtr(d1) - STRIKE * np.exp(-r * T) * ndtr(d2)


def partial(f, letter):
    """The derivative of f by one variable, element by element."""

    def derivative(*at):
        along = [np.full(np.shape(x), float(i == VARIABLES[letter])) for i, x in enumerate(at)]
        return jvp(f, at, tuple(along))[1]

    return derivative


GREEKS = {  # by what, and with which sign: time runs towards maturity
    "delta": ("S", 1),
    "vega": ("v", 1),
    "theta": ("T", -1),
    "rho": ("r", 1),
    "gamma": ("SS", 1),
    "vanna": ("Sv", 1),
    "charm": ("ST", -1),
    "volga": ("vv", 1),
    "speed": ("SSS", 1),
    "zomma": ("SSv", 1),
    "color": ("SST", -1),
    "ultima": ("vvv", 1),
}


def greek(name):
    letters, sign = GREEKS[name]
    f = price
    for letter in letters:
        f = partial(f, letter)
    return lambda *at: sign * f(*at)


def textbook(S, v, T, r):
    """The closed forms, to check against."""
    root = v * np.sqrt(T)
    d1 = (np.log(S / STRIKE) + (r + v * v / 2) * T) / root
    d2 = d1 - root
    bell = np.exp(-d1 * d1 / 2) / np.sqrt(2 * np.pi)
    discount = np.exp(-r * T)
    gamma, vega = bell / (S * root), S * bell * np.sqrt(T)
    drift = 2 * r * T - d2 * root
    return {
        "delta": ndtr(d1),
        "vega": vega,
        "rho": STRIKE * T * discount * ndtr(d2),
        "theta": -S * bell * v / (2 * np.sqrt(T)) - r * STRIKE * discount * ndtr(d2),
        "gamma": gamma,
        "vanna": -bell * d2 / v,
        "volga": vega * d1 * d2 / v,
        "charm": -bell * drift / (2 * T * root),
        "speed": -gamma / S * (d1 / root + 1),
        "zomma": gamma * (d1 * d2 - 1) / v,
        "color": bell / (2 * S * T * root) * (1 + drift / root * d1),
        "ultima": -vega / v**2 * (d1 * d2 * (1 - d1 * d2) + d1**2 + d2**2),
    }


def main(where):
    S, T = np.meshgrid(np.linspace(60.0, 140.0, 120), np.linspace(0.1, 2.0, 120))
    at = (S, np.full_like(S, 0.25), T, np.full_like(S, 0.03))
    found = {name: greek(name)(*at) for name in GREEKS}
    known = textbook(*at)
    gaps = {
        name: np.abs(found[name] - known[name]).max() / np.abs(known[name]).max() for name in GREEKS
    }
    print(f"{S.size} options, {len(GREEKS)} Greeks; greatest difference to the textbook's formula")
    for name, gap in gaps.items():
        letters = " ".join("d" + c for c in GREEKS[name][0])
        print(f"  {name:>7} ({letters:>8}): {gap:.1e} of the largest")
    one = (100.0, 0.25, 1.0, 0.03)
    few = ", ".join(f"{name} {float(greek(name)(*one)):.6f}" for name in ("delta", "gamma", "vega"))
    print(f"at the money, one year: price {price(*one):.6f}, {few}")
    draw(S, T, found, where)
    return {"gaps": gaps, "price": price(*one), "delta": greek("delta")(*one)}


def draw(S, T, found, where):
    fig, axes = plt.subplots(
        2, 3, figsize=(12, 6.6), layout="constrained", sharex=True, sharey=True
    )
    shown = ("delta", "gamma", "vega", "vanna", "speed", "ultima")
    for ax, name in zip(axes.flat, shown, strict=True):
        top = np.abs(found[name]).max()
        signed = found[name].min() < -1e-3 * top
        shades = ax.contourf(
            S,
            T,
            found[name],
            levels=30,
            cmap="RdBu_r" if signed else "viridis",
            vmin=-top if signed else None,
            vmax=top if signed else None,
        )
        fig.colorbar(shades, ax=ax)
        ax.set(title=f"{name} (by {', '.join(GREEKS[name][0])})")
    for ax in axes[:, 0]:
        ax.set(ylabel="years to maturity")
    for ax in axes[1]:
        ax.set(xlabel="spot")
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
