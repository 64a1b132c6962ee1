"""Logistic regression on real data: SciPy minimises, dualdiff differentiates.

The Wisconsin breast-cancer set as scikit-learn ships it: 569 tumours, 30 measurements of
each, malignant or benign.  The loss is a plain NumPy function of the 31 coefficients;
scipy.optimize.minimize takes value and gradient from one evaluation of it.

    python examples/logistic_regression.py [picture.png]
"""

import matplotlib.pyplot as plt
import numpy as np
import picture
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer

from dualdiff import grad, value_and_grad
from dualdiff.test_util import check_grads

PENALTY = 1.0  # of the squared length of the weights: without it the classes separate


def split(seed=0, held_out=0.25):
    """Standardised features and labels: (X, y) to fit, (X, y) to test."""
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(X))
    n = int(len(X) * (1 - held_out))
    fit, test = order[:n], order[n:]
    mean, std = X[fit].mean(0), X[fit].std(0)
    X = (X - mean) / std  # by the figures of the data that may be seen
    return (X[fit], y[fit]), (X[test], y[test])


def scores(w, X):
    """Log-odds of class 1; the last coefficient is the bias."""
    return X @ w[:-1] + w[-1]


def loss(w, X, y):
    """Penalised mean negative log-likelihood; logaddexp neither overflows nor cancels."""
    z = scores(w, X)
    return np.mean(np.logaddexp(0.0, z) - y * z) + 0.5 * PENALTY / len(X) * np.sum(w[:-1] ** 2)


def accuracy(w, X, y):
    return np.mean((scores(w, X) > 0) == y)


def main(where):
    (X, y), (X_test, y_test) = split()
    w = np.zeros(X.shape[1] + 1)

    # The gradient by hand, X' (p - y) / n + ..., to see that dualdiff's is the same.
    p = 1 / (1 + np.exp(-scores(w, X)))
    by_hand = np.append(X.T @ (p - y), np.sum(p - y)) / len(X)
    gap = np.abs(grad(loss)(w, X, y) - by_hand).max()
    check_grads(lambda w: loss(w, X, y), (w + 0.1,), order=2)
    print(f"gradient by hand and by dualdiff: greatest difference {gap:.1e}; differences agree")

    path = [w]
    found = minimize(
        value_and_grad(loss),
        w,
        args=(X, y),
        jac=True,
        method="L-BFGS-B",
        callback=path.append,
        options={"maxiter": 200, "gtol": 1e-8, "ftol": 0.0},
    )
    losses = [loss(w, X, y) for w in path]
    held_out = [accuracy(w, X_test, y_test) for w in path]
    for i in range(0, len(path), max(1, len(path) // 10)):
        print(f"iteration {i:3d}: loss {losses[i]:.6f}, held-out accuracy {held_out[i]:.3f}")
    steepest = np.abs(grad(loss)(found.x, X, y)).max()
    print(
        f"found after {found.nit} iterations: loss {found.fun:.6f}, "
        f"greatest component of the gradient {steepest:.1e}"
    )
    print(f"accuracy: fitted {accuracy(found.x, X, y):.3f}, held out {held_out[-1]:.3f}")
    draw(losses, held_out, [accuracy(w, X, y) for w in path], where)
    return {
        "gap": gap,
        "loss": found.fun,
        "losses": losses,
        "held_out": held_out[-1],
        "gradient": steepest,
        "w": found.x,
    }


def draw(losses, held_out, fitted, where):
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.semilogy(np.array(losses) - losses[-1] + 1e-12, color="tab:blue")
    left.set(
        xlabel="iteration", ylabel="loss above the minimum", title="L-BFGS with exact gradients"
    )
    right.plot(fitted, label="fitted", color="tab:gray")
    right.plot(held_out, label="held out", color="tab:red")
    right.set(
        xlabel="iteration",
        ylabel="accuracy",
        ylim=(0.5, 1.01),
        title="569 tumours, 30 measurements",
    )
    right.legend(loc="lower right")
    for ax in (left, right):
        ax.grid(alpha=0.3)
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
