"""Statistics: log likelihoods and their gradients and Hessians."""

import importlib

import numpy as np

from benchmarks.task import Task


def gaussian_process(p, x, y):
    """Negative log likelihood with a squared-exponential kernel; p: logs of its parameters."""
    q = np.exp(p)
    d = (x[:, None] - x[None, :]) / q[0]
    K = q[1] * np.exp(-0.5 * d * d) + q[2] * np.eye(len(x))
    L = np.linalg.cholesky(K)
    return 0.5 * np.dot(y, np.linalg.solve(K, y)) + np.sum(np.log(np.diag(L)))


def gp_data(n):
    x = np.linspace(0.0, 5.0, n)
    y = np.sin(2.0 * x) + 0.1 * np.random.default_rng(0).normal(size=n)
    return np.log(np.array([0.8, 1.2, 0.05])), x, y


def gp_gradient(p, x, y):
    q = np.exp(p)
    d = (x[:, None] - x[None, :]) / q[0]
    E = q[1] * np.exp(-0.5 * d * d)
    inverse = np.linalg.inv(E + q[2] * np.eye(len(x)))
    a = inverse @ y
    W = inverse - np.outer(a, a)
    return 0.5 * np.stack([np.sum(W * E * d * d), np.sum(W * E), q[2] * np.trace(W)])


def mixture(theta, x):
    """Negative log likelihood of 5 Gaussians with diagonal covariance; 25 parameters."""
    logits, means, logs = theta[:5], theta[5:15].reshape((5, 2)), theta[15:].reshape((5, 2))
    z = (x[:, None, :] - means) * np.exp(-logs)
    a = logits - 0.5 * np.sum(z * z, axis=2) - np.sum(logs, axis=1)
    top = np.max(a, axis=1, keepdims=True)
    each = top[:, 0] + np.log(np.sum(np.exp(a - top), axis=1))
    return -np.sum(each) + len(x) * np.log(np.sum(np.exp(logits)))


def mixture_data(n):
    rng = np.random.default_rng(12)
    centres = rng.normal(scale=3.0, size=(5, 2))
    x = centres[rng.integers(0, 5, n)] + rng.normal(size=(n, 2))
    theta = np.concatenate([0.1 * rng.normal(size=5), (centres + 0.3).ravel(),
                            0.1 * rng.normal(size=10)])
    return theta, x


def mixture_gradient(theta, x):
    logits, means, logs = theta[:5], theta[5:15].reshape((5, 2)), theta[15:].reshape((5, 2))
    w = np.exp(-logs)
    z = (x[:, None, :] - means) * w
    a = logits - 0.5 * np.sum(z * z, axis=2) - np.sum(logs, axis=1)
    r = np.exp(a - np.max(a, axis=1, keepdims=True))
    r /= np.sum(r, axis=1, keepdims=True)
    e = np.exp(logits)
    return np.concatenate([-np.sum(r, axis=0) + len(x) * e / np.sum(e),
                           -np.einsum("nk,nkd->kd", r, z * w).ravel(),
                           np.einsum("nk,nkd->kd", r, 1.0 - z * z).ravel()])


def poisson(beta, X, y):
    eta = X @ beta
    return np.sum(np.exp(eta) - y * eta)


def glm_data(size):
    rows, columns = size
    rng = np.random.default_rng(13)
    X = rng.normal(size=(rows, columns)) / np.sqrt(columns)
    beta = 0.5 * rng.normal(size=columns)
    return beta, X, rng.poisson(np.exp(X @ beta)).astype(float)


def student(p, y):
    """Robust location and scale: location, log scale, fixed 4 degrees of freedom."""
    z = (y - p[0]) * np.exp(-p[1])
    return np.sum(2.5 * np.log1p(z * z / 4.0)) + len(y) * p[1]


def kalman(p, y):
    """Negative log likelihood of a local linear trend, filtered step by step."""
    q, r = np.exp(p[0]), np.exp(p[1])
    F = np.array([[1.0, 1.0], [0.0, 1.0]])
    m, P, s = np.zeros(2), np.eye(2) * 10.0, 0.0
    for t in range(len(y)):
        m = F @ m
        P = F @ P @ F.T + q * np.eye(2)
        v = y[t] - m[0]
        S = P[0, 0] + r
        K = P[:, 0] / S
        m = m + K * v
        P = P - K[:, None] * P[0, :]
        s = s + 0.5 * (np.log(S) + v * v / S)
    return s


def kalman_jax(p, y):
    """The loop as JAX wants it: unrolled, it takes minutes to compile."""
    import jax

    jnp = importlib.import_module("jax.numpy")
    q, r = jnp.exp(p[0]), jnp.exp(p[1])
    F = jnp.array([[1.0, 1.0], [0.0, 1.0]])

    def step(now, observed):
        m, P = now
        m = F @ m
        P = F @ P @ F.T + q * jnp.eye(2)
        v = observed - m[0]
        S = P[0, 0] + r
        K = P[:, 0] / S
        return (m + K * v, P - K[:, None] * P[0, :]), 0.5 * (jnp.log(S) + v * v / S)
    return jnp.sum(jax.lax.scan(step, (jnp.zeros(2), jnp.eye(2) * 10.0), y)[1])


def kalman_data(n):
    rng = np.random.default_rng(14)
    return np.array([-2.0, 0.3]), np.cumsum(0.1 * rng.normal(size=n)) + rng.normal(size=n)


def helmholtz(x, b, A):
    """Energy of a mixed fluid, a classic of the literature on differentiation."""
    bx = np.dot(b, x)
    root2 = 1.4142135623730951
    return (np.sum(x * np.log(x / (1.0 - bx))) - x @ A @ x / (2.828 * bx)
            * np.log((1.0 + (1.0 + root2) * bx) / (1.0 + (1.0 - root2) * bx)))


def fluid(n):
    rng = np.random.default_rng(15)
    A = rng.uniform(size=(n, n))
    return rng.uniform(0.5, 1.5, n) / n, rng.uniform(0.2, 0.6, n), A + A.T


def _poisson(kind):
    return Task(
        name=f"poisson {kind}", family="likelihoods",
        what=f"Poisson regression 1000×20, {kind}", kind=kind, f=poisson, make=glm_data,
        size=(1000, 20), small=(9, 3),
        ways={"hand": (lambda args: lambda: args[1].T @ (np.exp(args[1] @ args[0]) - args[2]))
              if kind == "gradient" else
              (lambda args: lambda: (args[1].T * np.exp(args[1] @ args[0])) @ args[1])})


TASKS = [
    Task(name="gp gradient", family="likelihoods",
         what="GP likelihood, 100 points, gradient in 3", kind="gradient",
         f=gaussian_process, make=gp_data, size=100, small=8, tolerance=1e-7,
         ways={"hand": lambda args: lambda: gp_gradient(*args)}),
    Task(name="gp hessian", family="likelihoods",
         what="GP likelihood, 100 points, Hessian in 3", kind="hessian",
         f=gaussian_process, make=gp_data, size=100, small=8, tolerance=1e-7),
    Task(name="gaussian mixture", family="likelihoods",
         what="Gaussian mixture 1000×2×5, gradient in 25", kind="gradient", f=mixture,
         make=mixture_data, size=1000, small=6, largest=lambda n: 8 * n * 10,
         ways={"hand": lambda args: lambda: mixture_gradient(*args)}),
    _poisson("gradient"),
    _poisson("hessian"),
    Task(name="student location", family="likelihoods",
         what="Student-t location and scale of 10,000 points, gradient in 2", kind="gradient",
         f=student, make=lambda n: (np.array([0.1, 0.2]),
                                    np.random.default_rng(16).standard_t(4, n)),
         size=10_000, small=10),
    Task(name="kalman 100", family="likelihoods",
         what="Kalman filter of 100 steps, gradient in 2", kind="gradient", f=kalman,
         make=kalman_data, size=100, small=5, versions={"jax": kalman_jax}),
    Task(name="helmholtz 100", family="likelihoods",
         what="Helmholtz energy of 100 components, gradient", kind="gradient", f=helmholtz,
         make=fluid, size=100, small=5),
    Task(name="helmholtz hessian 50", family="likelihoods",
         what="Helmholtz energy of 50 components, Hessian", kind="hessian", f=helmholtz,
         make=fluid, size=50, small=5),
]
