"""Jacobian of a robot arm: how fast its hand moves, where it gets stuck, how to reach a point.

Three joints turn the base, the shoulder and the elbow.  Forward kinematics is a product of
rotation matrices in plain NumPy; its Jacobian maps speeds of the joints to the velocity of
the hand.  Where its determinant vanishes the arm is singular: some velocity of the hand
cannot be had at any speed of the joints.

    python examples/robot_arm.py [picture.png]
"""

import matplotlib.pyplot as plt
import numpy as np
import picture

from dualdiff import jacfwd

UPPER, LOWER = 1.0, 0.7  # lengths of the upper arm and the forearm


def turn_z(angle):
    c, s, o, i = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([np.stack([c, -s, o]), np.stack([s, c, o]), np.stack([o, o, i])])


def turn_y(angle):
    """Positive angles lift what points along x."""
    c, s, o, i = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([np.stack([c, o, -s]), np.stack([o, i, o]), np.stack([s, o, c])])


def joints(q):
    """Positions of shoulder, elbow and hand."""
    base = turn_z(q[0]) @ turn_y(q[1])
    elbow = base @ np.array([UPPER, 0.0, 0.0])
    hand = elbow + base @ turn_y(q[2]) @ np.array([LOWER, 0.0, 0.0])
    return np.stack([np.zeros_like(hand), elbow, hand])


def hand(q):
    return joints(q)[2]


jacobian = jacfwd(hand)


def known_determinant(q):
    """Worked out by hand: zero where the elbow is straight or the hand is above the base."""
    reach = UPPER * np.cos(q[1]) + LOWER * np.cos(q[1] + q[2])
    return -UPPER * LOWER * np.sin(q[2]) * reach


def reach(target, q, damping=0.02, steps=100):
    """Joint angles that bring the hand to a target: damped least-squares steps."""
    path = [q]
    for _ in range(steps):
        miss = target - hand(q)
        if np.linalg.norm(miss) < 1e-12:
            break
        J = jacobian(q)
        keep = damping**2 * min(1.0, np.linalg.norm(miss))  # fades out: quadratic in the end
        q = q + J.T @ np.linalg.solve(J @ J.T + keep * np.eye(3), miss)
        path.append(q)
    return np.array(path)


def main(where):
    rng = np.random.default_rng(1)
    poses = rng.uniform(-3, 3, (50, 3))
    gap = max(abs(np.linalg.det(jacobian(q)) - known_determinant(q)) for q in poses)
    straight = np.linalg.svd(jacobian(np.array([0.3, 0.5, 0.0])))[1]
    bent = np.linalg.svd(jacobian(np.array([0.3, 0.5, -1.2])))[1]
    target = np.array([0.4, -0.6, 0.9])
    path = reach(target, np.array([0.3, 0.5, -1.2]))
    miss = np.linalg.norm(hand(path[-1]) - target)
    print(f"determinant: greatest difference to the one worked out by hand {gap:.1e}")
    print(f"singular values, elbow bent:     {bent.round(4)}")
    print(f"singular values, elbow straight: {straight.round(4)}: along the arm it cannot move")
    print(f"reaching {target}: {len(path) - 1} steps, missed by {miss:.1e}")
    draw(path, target, where)
    return {
        "gap": gap,
        "straight": straight[-1],
        "bent": bent[-1],
        "miss": miss,
        "steps": len(path) - 1,
    }


def draw(path, target, where):
    shoulder, elbow = np.meshgrid(np.linspace(-np.pi, np.pi, 61), np.linspace(-np.pi, np.pi, 61))
    grid = np.stack([np.zeros_like(shoulder), shoulder, elbow], axis=-1).reshape(-1, 3)
    det = np.array([np.linalg.det(jacobian(q)) for q in grid]).reshape(shoulder.shape)
    fig = plt.figure(figsize=(11, 4.6), layout="constrained")
    left = fig.add_subplot(1, 2, 1)
    shades = left.contourf(shoulder, elbow, det, levels=21, cmap="RdBu_r")
    left.contour(shoulder, elbow, det, levels=[0.0], colors="black", linewidths=1.2)
    fig.colorbar(shades, ax=left, label="determinant of the Jacobian")
    left.set(xlabel="shoulder", ylabel="elbow", title="the arm is singular on the black lines")
    right = fig.add_subplot(1, 2, 2, projection="3d")
    for i, q in enumerate(path):
        fade = 0.15 + 0.85 * i / max(1, len(path) - 1)
        right.plot(*joints(q).T, "o-", color="tab:blue", alpha=fade, lw=2.5, ms=4)
    right.plot(*np.array([hand(q) for q in path]).T, color="tab:orange", lw=1.5)
    right.plot(*target, "*", color="tab:red", ms=14)
    right.set(title="reaching the star", xlabel="x", ylabel="y", zlabel="z")
    picture.save(fig, where)
    plt.close(fig)


if __name__ == "__main__":
    figures = main(picture.path(__file__))
