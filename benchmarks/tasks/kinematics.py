"""Mechanics: a robot arm, and particles."""

import numpy as np

from benchmarks.task import Task

LENGTHS = np.array([0.5, 0.4, 0.3, 0.2, 0.15, 0.1])


def arm(q):
    """Position and heading of the tip of a planar arm of six joints."""
    angles = np.cumsum(q)
    return np.stack([np.sum(LENGTHS * np.cos(angles)), np.sum(LENGTHS * np.sin(angles)),
                     angles[-1]])


def arm_jacobian(q):
    angles = np.cumsum(q)
    lx, ly = LENGTHS * np.cos(angles), LENGTHS * np.sin(angles)
    return np.stack([-np.cumsum(ly[::-1])[::-1], np.cumsum(lx[::-1])[::-1], np.ones(6)])


def arm_floats(q):
    """The same tip, joint by joint: no function but sine and cosine."""
    x = y = angle = 0.0
    for i in range(6):
        angle = angle + q[i]
        x = x + LENGTHS[i] * np.cos(angle)
        y = y + LENGTHS[i] * np.sin(angle)
    return [x, y, angle]


def lennard_jones(x):
    """Energy of n particles in three dimensions."""
    d = x[:, None, :] - x[None, :, :]
    i, j = np.triu_indices(len(x), 1)
    r6 = np.sum(d**2, axis=-1)[i, j] ** 3
    return 4.0 * np.sum(1.0 / r6**2 - 1.0 / r6)


def cluster(n):
    side = int(np.ceil(n ** (1 / 3)))
    cells = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)[:n]
    return (1.2 * cells + 0.05 * np.random.default_rng(2).normal(size=(n, 3)),)


def forces(x):
    d = x[:, None, :] - x[None, :, :]
    r2 = np.sum(d**2, axis=-1)
    np.fill_diagonal(r2, np.inf)
    return np.sum((4.0 * (-12.0 / r2**7 + 6.0 / r2**4))[:, :, None] * d, axis=1)


def joints(size):
    return (np.array([0.3, -0.5, 0.8, 0.2, -0.7, 0.4]),)


def casadi_arm(args):
    import casadi as ca

    q = ca.SX.sym("q", 6)
    angles = ca.cumsum(q)
    tip = ca.vertcat(ca.dot(LENGTHS, ca.cos(angles)), ca.dot(LENGTHS, ca.sin(angles)),
                     angles[5])
    run = ca.Function("j", [q], [ca.jacobian(tip, q)])
    return lambda: run(args[0]).full()


_arm_ways = {"hand": lambda args: lambda: arm_jacobian(args[0]), "casadi": casadi_arm}
TASKS = [
    Task(name="robot arm", family="kinematics", what="robot arm, 3×6 Jacobian",
         kind="jacobian", f=arm, make=joints, ways=_arm_ways,
         versions={"num-dual": arm_floats, "fastdual": arm_floats}),
    Task(name="lennard-jones 20", family="kinematics",
         what="Lennard-Jones energy of 20 particles, gradient in 60", kind="gradient",
         f=lennard_jones, make=cluster, size=20, small=3,
         ways={"hand": lambda args: lambda: forces(args[0])}),
]
