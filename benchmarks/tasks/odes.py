"""Ordinary differential equations: sensitivities through a plain Runge-Kutta loop."""

import importlib

import numpy as np

from benchmarks.task import Task, retarget


def lotka_volterra(u, p):
    x, y = u[0], u[1]
    return np.stack([p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y])


def integrate(p, u, steps):
    """u after `steps` Runge-Kutta steps of 0.05."""
    h = 0.05
    for _ in range(steps):
        k1 = lotka_volterra(u, p)
        k2 = lotka_volterra(u + 0.5 * h * k1, p)
        k3 = lotka_volterra(u + 0.5 * h * k2, p)
        k4 = lotka_volterra(u + h * k3, p)
        u = u + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return u


def integrate_floats(p, u, steps):
    """The same on two floats: no arrays at all."""
    a, b, c, d = p[0], p[1], p[2], p[3]
    x, y, h = u[0], u[1], 0.05

    def slope(x, y):
        return a * x - b * x * y, c * x * y - d * y
    for _ in range(steps):
        k1, l1 = slope(x, y)
        k2, l2 = slope(x + 0.5 * h * k1, y + 0.5 * h * l1)
        k3, l3 = slope(x + 0.5 * h * k2, y + 0.5 * h * l2)
        k4, l4 = slope(x + h * k3, y + h * l3)
        x = x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        y = y + h / 6.0 * (l1 + 2.0 * l2 + 2.0 * l3 + l4)
    return np.stack([x, y])


def integrate_lists(p, u, steps):
    """For libraries of bare scalars: the result as a list."""
    x, y = u[0], u[1]
    for _ in range(steps):
        k1, l1 = p[0] * x - p[1] * x * y, p[2] * x * y - p[3] * y
        xx, yy = x + 0.025 * k1, y + 0.025 * l1
        k2, l2 = p[0] * xx - p[1] * xx * yy, p[2] * xx * yy - p[3] * yy
        xx, yy = x + 0.025 * k2, y + 0.025 * l2
        k3, l3 = p[0] * xx - p[1] * xx * yy, p[2] * xx * yy - p[3] * yy
        xx, yy = x + 0.05 * k3, y + 0.05 * l3
        k4, l4 = p[0] * xx - p[1] * xx * yy, p[2] * xx * yy - p[3] * yy
        x = x + 0.05 / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        y = y + 0.05 / 6.0 * (l1 + 2.0 * l2 + 2.0 * l3 + l4)
    return [x, y]


def pendulum_loss(p, steps):
    """Misfit of a damped pendulum's path, parameters length and damping."""
    angle, speed, h, s = 1.0, 0.0, 0.02, 0.0
    for i in range(steps):
        acceleration = -9.81 / p[0] * np.sin(angle) - p[1] * speed
        speed = speed + h * acceleration
        angle = angle + h * speed
        s = s + (angle - np.cos(0.05 * i)) ** 2
    return s


# ---- the loops as JAX wants them: unrolled, they take minutes to compile ---------------


def integrate_jax(p, u, steps):
    import jax

    from benchmarks.peers import jax_module

    slope = retarget(lotka_volterra, jax_module())
    h = 0.05

    def step(_, u):
        k1 = slope(u, p)
        k2 = slope(u + 0.5 * h * k1, p)
        k3 = slope(u + 0.5 * h * k2, p)
        k4 = slope(u + h * k3, p)
        return u + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return jax.lax.fori_loop(0, steps, step, u)


def pendulum_jax(p, steps):
    import jax

    jnp, h = importlib.import_module("jax.numpy"), 0.02

    def step(i, now):
        angle, speed, s = now
        acceleration = -9.81 / p[0] * jnp.sin(angle) - p[1] * speed
        speed = speed + h * acceleration
        angle = angle + h * speed
        return angle, speed, s + (angle - jnp.cos(0.05 * i)) ** 2
    return jax.lax.fori_loop(0, steps, step, (1.0, 0.0, 0.0))[2]


def parameters(steps):
    return np.array([1.1, 0.4, 0.1, 0.4]), np.array([10.0, 5.0]), steps


def ensemble(size):
    steps, members = size
    rng = np.random.default_rng(1)
    return (np.array([1.1, 0.4, 0.1, 0.4]), rng.uniform(4.0, 10.0, (2, members)), steps)


_versions = {"num-dual": integrate_lists, "fastdual": integrate_lists, "jax": integrate_jax}
TASKS = [
    Task(name="rk4 sensitivities", family="odes",
         what="Lotka-Volterra, 50 Runge-Kutta steps, sensitivity to 4 parameters",
         kind="jacobian", f=integrate, make=parameters, size=50, small=4, versions=_versions),
    Task(name="rk4 floats", family="odes",
         what="Lotka-Volterra on floats, 50 Runge-Kutta steps, 4 parameters", kind="jacobian",
         f=integrate_floats, make=parameters, size=50, small=4, versions=_versions),
    Task(name="rk4 ensemble", family="odes",
         what="Lotka-Volterra from 1000 initial states at once, 4 parameters",
         kind="jacobian", f=integrate, make=ensemble, size=(50, 1000), small=(4, 5),
         versions={"jax": integrate_jax},
         skip={"autograd": "one reverse pass for each of 2,000 results"}),
    Task(name="pendulum", family="odes",
         what="misfit of a damped pendulum, 100 steps, gradient in 2", kind="gradient",
         f=pendulum_loss, make=lambda steps: (np.array([1.2, 0.1]), steps), size=100, small=6,
         versions={"jax": pendulum_jax}),
]
