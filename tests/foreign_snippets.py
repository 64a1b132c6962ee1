"""Plain NumPy as textbooks and notebooks have it: no thought was given to derivatives.

May import: NumPy, math.
"""

import math

import numpy as np


def thomas(x):
    """Tridiagonal system, by elimination in place."""
    n = len(x)
    a, b, c, d = np.full(n, 0.5), np.full(n, 3.0), np.full(n, 0.7), x.copy()
    for i in range(1, n):
        w = a[i] / b[i - 1]
        b[i] -= w * c[i - 1] * x[0]
        d[i] -= w * d[i - 1]
    out = np.zeros(n)
    out[-1] = d[-1] / b[-1]
    for i in range(n - 2, -1, -1):
        out[i] = (d[i] - c[i] * out[i + 1]) / b[i]
    return out


def runge_kutta(x):
    """A pendulum with damping, stored step by step."""
    y = np.zeros((11, 2))
    y[0] = x[:2]

    def rhs(s):
        return np.array([s[1], -math.sin(s[0]) - x[2] * s[1]])

    for i in range(10):
        k1 = rhs(y[i])
        k2 = rhs(y[i] + 0.05 * k1)
        k3 = rhs(y[i] + 0.05 * k2)
        k4 = rhs(y[i] + 0.1 * k3)
        y[i + 1] = y[i] + 0.1 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y[-1]


def heat(x):
    """Explicit steps of the heat equation with a source."""
    u = np.zeros((6, 6))
    u[0, :] = x
    for _ in range(8):
        new = u.copy()
        new[1:-1, 1:-1] = u[1:-1, 1:-1] + 0.2 * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1])
        u = new
    return u[1:-1]


def gauss_seidel(x):
    """A Jacobi-like sweep in place."""
    a = np.array([[4.0, 1.0, 0.5], [1.0, 5.0, 1.0], [0.5, 1.0, 6.0]])
    a[0, 1] = a[1, 0] = x[3]
    y = np.zeros(3)
    for _ in range(6):
        for i in range(3):
            s = sum(a[i, j] * y[j] for j in range(3) if j != i)
            y[i] = (x[i] - s) / a[i, i]
    return y


def cholesky(x):
    """The textbook's triple loop."""
    a = np.diag(x[:3] + 3) + np.outer(x[3:], x[3:])
    low = np.zeros_like(a)
    for i in range(3):
        for j in range(i + 1):
            s = a[i, j] - sum(low[i, k] * low[j, k] for k in range(j))
            low[i, j] = math.sqrt(s) if i == j else s / low[j, j]
    return low


def determinant(x):
    """Elimination with pivots, rows exchanged by fancy assignment."""
    a = np.empty((3, 3))
    a[0], a[1], a[2] = x[:3], x[3:], np.array([x[0] * x[1], 2.0, x[5]])
    det = 1.0
    for k in range(3):
        p = k + int(np.argmax(np.abs(a[k:, k])))
        if p != k:
            a[[k, p]] = a[[p, k]]
            det = -det
        det = det * a[k, k]
        for i in range(k + 1, 3):
            a[i, k:] -= a[i, k] / a[k, k] * a[k, k:]
    return det


def power_iteration(x):
    """The largest eigenvalue."""
    a = np.array([[x[0], 0.3, 0.1], [0.3, x[1], 0.2], [0.1, 0.2, x[2] + 3]])
    v = np.ones(3)
    for _ in range(60):
        v = a @ v
        v /= np.linalg.norm(v)
    return v @ a @ v


def kalman(x):
    """A filter of a random walk; the variances are the parameters."""
    mean, var = 0.0, 1.0
    means = np.zeros(6)
    for i, z in enumerate(x):
        var = var + 0.1 * x[0]
        gain = var / (var + x[1])
        mean = mean + gain * (z - mean)
        var = (1 - gain) * var
        means[i] = mean
    return means


def gravity(x):
    """Accelerations of three bodies, by pairs."""
    pos = x.reshape(3, 2)
    acc = np.zeros((3, 2))
    for i in range(3):
        for j in range(3):
            if i != j:
                d = pos[j] - pos[i]
                acc[i] += d / math.pow(np.sum(d**2) + 0.01, 1.5)
    return acc


def haversine(x):
    """Distance on a sphere."""
    lat1, lon1, lat2, lon2 = map(math.radians, x[:4] * 20)
    a = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(
        (lon2 - lon1) / 2) ** 2
    return 2 * math.asin(math.sqrt(a))


def moving_average(x):
    """By cumulative sums, written into a buffer."""
    out = np.empty(4)
    c = np.cumsum(np.insert(x, 0, 0.0))
    out[:] = (c[3:] - c[:-3]) / 3
    return out


def bilinear(x):
    """Interpolation in a table, at a point that is a parameter."""
    table = np.arange(12.0).reshape(3, 4) ** 1.5
    i, j = math.floor(x[0]), math.floor(x[1])
    u, v = x[0] - i, x[1] - j
    return (table[i, j] * (1 - u) * (1 - v) + table[i + 1, j] * u * (1 - v)
            + table[i, j + 1] * (1 - u) * v + table[i + 1, j + 1] * u * v)


def welford(x):
    """Mean and variance in one pass."""
    mean = m2 = 0.0
    for n, e in enumerate(x, 1):
        d = float(e) - mean
        mean += d / n
        m2 += d * (e - mean)
    return np.array([mean, m2 / (len(x) - 1)])


def fourier(x):
    """A discrete Fourier transform by its definition; the power spectrum."""
    n = len(x)
    out = np.zeros(n, dtype=complex)
    for k in range(n):
        for i in range(n):
            out[k] += x[i] * np.exp(-2j * np.pi * k * i / n)
    return np.abs(out) ** 2


def neural_net(x):
    """Two layers, softmax, cross-entropy."""
    w1, w2 = np.resize(x, (4, 3)), np.resize(x[::-1], (3, 4))
    h = np.maximum(w1 @ np.array([1.0, -0.5, 0.3]), 0) + np.tanh(x[:4])
    z = w2 @ h
    z = z - z.max()
    return -np.log(np.exp(z[1]) / np.exp(z).sum())


def levinson(x):
    """The Levinson recursion, which updates a vector from both ends."""
    r = np.concatenate([[5.0], x])
    a = np.zeros(6)
    a[0] = 1.0
    err = r[0]
    for m in range(1, 6):
        k = -sum(a[j] * r[m - j] for j in range(m)) / err
        old = a.copy()
        for j in range(1, m):
            a[j] = old[j] + k * old[m - j]
        a[m] = k
        err = err * (1 - k**2)
    return np.append(a, err)


def horner(x):
    """A polynomial and its derivative."""
    p, d = 0.0, 0.0
    for c in x[1:]:
        d = d * x[0] + p
        p = p * x[0] + c
    return np.array([p, d])


def rotation(x):
    """Rodrigues' formula, written into a matrix entry by entry."""
    t = math.hypot(*x[:3])
    k = x[:3] / t
    cross = np.zeros((3, 3))
    cross[0, 1], cross[0, 2] = -k[2], k[1]
    cross[1, 0], cross[1, 2] = k[2], -k[0]
    cross[2, 0], cross[2, 1] = -k[1], k[0]
    return np.eye(3) + math.sin(t) * cross + (1 - math.cos(t)) * cross @ cross


SNIPPETS = [
    thomas, runge_kutta, heat, gauss_seidel, cholesky, determinant, power_iteration, kalman,
    gravity, haversine, moving_average, bilinear, welford, fourier, neural_net, levinson,
    horner, rotation,
]
