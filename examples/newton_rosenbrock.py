"""Newton's method with exact Hessians, down Rosenbrock's curved valley.

The function is sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2, written with slices.  Value,
gradient and Hessian come from one evaluation of it, to the last digit, so that Newton's
steps converge quadratically: the number of right digits doubles until none are left to win.

    python examples/newton_rosenbrock.py [picture.png]
"""

import matplotlib.pyplot as plt
import numpy as np
import picture

from dualdiff import value_grad_and_hessian


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def newton(f, x, damped, tolerance=1e-10, most=100):
    """Points and values of Newton's method; damped: halve a step until it goes downhill."""
    derivatives = value_grad_and_hessian(f)
    points, values = [x], [f(x)]
    for _ in range(most):
        value, slope, curvature = derivatives(x)
        if np.abs(slope).max() < tolerance:
            break
        if damped:  # make the step a downhill one where the Hessian is not positive
            lowest = np.linalg.eigvalsh(curvature)[0]
            curvature = curvature + max(0.0, 1e-3 - lowest) * np.eye(len(x))
        step = -np.linalg.solve(curvature, slope)
        size = 1.0
        while damped and f(x + size * step) > value + 1e-4 * size * (slope @ step):
            size /= 2
        x = x + size * step
        points.append(x)
        values.append(f(x))
    return np.array(points), np.array(values)


def main(where):
    start = np.array([-1.2, 1.0])
    pure, pure_values = newton(rosenbrock, start, damped=False)
    safe, safe_values = newton(rosenbrock, start, damped=True)
    many, many_values = newton(rosenbrock, np.zeros(20), damped=True)
    print("full steps:  ", *(f"{v:.4g}" for v in pure_values))
    print("damped steps:", *(f"{v:.4g}" for v in safe_values))
    print(f"twenty variables: {len(many) - 1} steps to {many_values[-1]:.1e}")
    draw(pure, safe, (pure_values, safe_values, many_values), where)
    return {
        "pure": pure_values,
        "pure_end": pure[-1],
        "safe_end": safe[-1],
        "safe_steps": len(safe) - 1,
        "many_end": many[-1],
    }


def draw(pure, safe, values, where):
    fig, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
    x, y = np.meshgrid(np.linspace(-1.7, 1.6, 300), np.linspace(-3.6, 1.8, 300))
    z = 100 * (y - x**2) ** 2 + (1 - x) ** 2
    left.contourf(x, y, np.log10(z + 1e-3), levels=24, cmap="Blues_r")
    left.plot(*pure.T, "o-", color="tab:orange", ms=4, label="full steps")
    left.plot(*safe.T, "s-", color="tab:red", ms=3, label="damped steps")
    left.plot(1, 1, "*", color="white", ms=12)
    left.set(xlabel="x", ylabel="y", title="Newton's method in the valley")
    left.legend(loc="lower left")
    labels = ("full steps", "damped steps", "damped, 20 variables")
    for v, label, color in zip(values, labels, ("tab:orange", "tab:red", "tab:gray"), strict=True):
        right.semilogy(np.maximum(v, 1e-32), "o-", ms=3, label=label, color=color)
    right.set(xlabel="step", ylabel="value of the function", title="quadratic convergence")
    right.legend(loc="upper right")
    right.grid(alpha=0.3)
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
