"""Fits that machine learning starts with: logistic and softmax regression, a small network."""

import numpy as np

from benchmarks.task import Task


def logistic(W, b, inputs, targets):
    z = inputs @ W + b
    p = 0.5 * (np.tanh(z / 2) + 1)
    return -np.sum(np.log(p * targets + (1 - p) * (1 - targets)))


def logistic_gradient(args):
    W, b, inputs, targets = args

    def gradient():
        t = np.tanh((inputs @ W + b) / 2)
        p = 0.5 * (t + 1)
        q = p * targets + (1 - p) * (1 - targets)
        r = -(2 * targets - 1) / q * 0.25 * (1 - t * t)
        return inputs.T @ r, np.sum(r)
    return gradient


def logistic_data(size):
    rows, columns = size
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(rows, columns))
    W = 0.5 * rng.normal(size=columns) / np.sqrt(columns)
    targets = (inputs @ W + 0.3 * rng.normal(size=rows) > 0).astype(float)
    return W, 0.1, inputs, targets


def softmax_regression(W, b, inputs, onehot):
    z = inputs @ W + b
    z = z - np.max(z, axis=1, keepdims=True)
    return -np.mean(np.sum(onehot * (z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))),
                           axis=1))


def softmax_data(size):
    rows, columns, classes = size
    rng = np.random.default_rng(4)
    onehot = np.eye(classes)[rng.integers(0, classes, rows)]
    return (0.3 * rng.normal(size=(columns, classes)), np.zeros(classes),
            rng.normal(size=(rows, columns)), onehot)


def network(W1, b1, W2, b2, inputs, targets):
    h = np.tanh(inputs @ W1 + b1)
    return np.mean((h @ W2 + b2 - targets) ** 2)


def network_gradient(args):
    W1, b1, W2, b2, inputs, targets = args

    def gradient():
        h = np.tanh(inputs @ W1 + b1)
        r = 2 * (h @ W2 + b2 - targets) / targets.size
        d = (r @ W2.T) * (1 - h * h)
        return inputs.T @ d, np.sum(d, axis=0), h.T @ r, np.sum(r, axis=0)
    return gradient


def network_data(size):
    rows, columns, hidden = size
    rng = np.random.default_rng(5)
    return (rng.normal(size=(columns, hidden)) / np.sqrt(columns),
            0.1 * rng.normal(size=hidden), rng.normal(size=(hidden, 1)) / np.sqrt(hidden),
            np.zeros(1), rng.normal(size=(rows, columns)), rng.normal(size=(rows, 1)))


def _logistic(rows, columns):
    return Task(
        name=f"logistic {rows}x{columns}", family="learning",
        what=f"logistic loss {rows}×{columns}, gradient in (W, b)", kind="gradient",
        f=logistic, make=logistic_data, size=(rows, columns), small=(5, 3), argnums=(0, 1),
        ways={"hand": logistic_gradient}, largest=lambda size: 8 * size[0])


TASKS = [
    _logistic(4, 3),
    _logistic(569, 30),
    _logistic(20000, 200),
    Task(name="softmax 150x4x3", family="learning",
         what="softmax regression 150×4, 3 classes, gradient in 15", kind="gradient",
         f=softmax_regression, make=softmax_data, size=(150, 4, 3), small=(7, 3, 3),
         argnums=(0, 1)),
    Task(name="mlp 10-20-1", family="learning",
         what="network 10-20-1, 100 rows, gradient in 241", kind="gradient", f=network,
         make=network_data, size=(100, 10, 20), small=(6, 3, 4), argnums=(0, 1, 2, 3),
         ways={"hand": network_gradient}, largest=lambda size: 8 * size[0] * size[2]),
]
