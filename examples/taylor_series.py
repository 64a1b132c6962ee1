"""Taylor polynomials of high order, and how far they reach.

f(x) = cos(3 x) / (1 + x^2) is smooth on the whole line, yet its Taylor polynomials about 0 are
good for |x| < 1 only: in the complex plane it has poles at +-i.  `taylor` gives polynomials
to order 40 in one evaluation, and the coefficients tell the radius without a look at the
complex plane, and so how far apart the centres of several polynomials may be that together
reach anywhere.

    python examples/taylor_series.py [picture.png]
"""

import matplotlib.pyplot as plt
import numpy as np
import picture

from dualdiff import taylor


def f(x):
    return np.cos(3 * x) / (1 + x**2)


def cover(f, start, stop, order=40, step=0.5):
    """Polynomials about centres half a radius apart, each good around its own."""
    pieces = [taylor(f, start, order)]
    while pieces[-1].center < stop:
        p = pieces[-1]
        pieces.append(taylor(f, p.center + step * p.radius_of_convergence(), order))
    return pieces


def piecewise(pieces, x):
    """Each point by the polynomial with the nearest centre."""
    centres = np.array([p.center for p in pieces])
    nearest = np.argmin(np.abs(x[:, None] - centres), axis=1)
    y = np.empty_like(x)
    for q, p in enumerate(pieces):
        y[nearest == q] = p(x[nearest == q])
    return y


def main(where):
    p = taylor(f, 0.0, 40)
    inside, outside = 0.6, 1.4
    errors = {
        x: [abs(p.truncate(k)(x) - f(x)) for k in range(0, 41, 2)]
        for x in (0.3, inside, 0.9, outside)
    }
    print(
        f"error of order 40: {errors[inside][-1]:.1e} at {inside}, "
        f"{errors[outside][-1]:.1e} at {outside}"
    )

    centres = np.linspace(-2.0, 2.0, 17)
    radii = np.array([taylor(f, c, 40).radius_of_convergence() for c in centres])
    gap = np.abs(radii / np.hypot(1, centres) - 1).max()
    print(
        f"radius about 0: {p.radius_of_convergence():.9f}; from the coefficients alone, at "
        f"{len(centres)} centres: within {gap:.1e} of the distance of the poles"
    )

    # Integration term by term: exact to rounding within the disc.
    s = p.integral()
    x, w = np.polynomial.legendre.leggauss(60)
    area = np.sum(w * f(0.25 * x + 0.25)) * 0.25
    print(f"integral to 0.5: {s(0.5):.15f}, by quadrature {area:.15f}")

    # Where one polynomial ends, others go on.
    pieces = cover(f, -2.0, 2.0)
    x = np.linspace(-2.0, 2.0, 2001)
    worst = np.abs(piecewise(pieces, x) - f(x)).max()
    print(f"{len(pieces)} polynomials of order {pieces[0].order} cover [-2, 2] to {worst:.1e}")
    draw(p, errors, centres, radii, where)
    return {
        "errors": errors,
        "radius": p.radius_of_convergence(),
        "gap": gap,
        "integral": s(0.5),
        "area": area,
        "worst": worst,
        "pieces": len(pieces),
        "numpy": p.to_numpy()(inside) - p(inside),
    }


def draw(p, errors, centres, radii, where):
    fig, axes = plt.subplots(1, 3, figsize=(14, 4.3), layout="constrained")
    x = np.linspace(-1.7, 1.7, 400)
    axes[0].plot(x, f(x), "k", lw=2, label="f")
    for k in (4, 8, 16, 40):
        axes[0].plot(x, p.truncate(k)(x), lw=1, label=f"order {k}")
    axes[0].set(ylim=(-1.6, 1.6), xlabel="x", title="f and its Taylor polynomials about 0")
    axes[0].legend(loc="upper center", fontsize=8)
    for x, e in errors.items():
        axes[1].semilogy(range(0, 41, 2), np.maximum(e, 1e-18), ".-", label=f"x = {x}")
    axes[1].set(xlabel="order", ylabel="error", title="inside the disc, and outside")
    axes[1].legend(loc="lower left", fontsize=8)
    re, im = np.meshgrid(np.linspace(-1.5, 1.5, 240), np.linspace(-1.5, 1.5, 240))
    z = re + 1j * im
    e = np.log10(np.abs(p(z) - f(z)) + 1e-16)
    image = axes[2].imshow(
        np.clip(e, -16, 4), extent=(-1.5, 1.5, -1.5, 1.5), origin="lower", cmap="viridis"
    )
    fig.colorbar(image, ax=axes[2], label="log10 of the error of order 40")
    axes[2].add_patch(plt.Circle((0, 0), p.radius_of_convergence(), fill=False, color="w"))
    axes[2].plot([0, 0], [1, -1], "wx")
    axes[2].set(xlabel="Re", ylabel="Im", title="the disc that the coefficients tell")
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
