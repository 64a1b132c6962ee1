"""The radius of convergence of a power series, estimated from its last coefficients.

May import: NumPy.  Source: Y. F. Chang and G. Corliss, "Ratio-like and recurrence relation
tests for convergence of series", J. Inst. Math. Appl. 25 (1980).
"""

import numpy as np

FITS = 1e-4  # relative residual up to which a recurrence is taken to hold
FAR = 0.05  # of the scale of the coefficients: poles of a recurrence below this are at infinity


def radius(c, power=1):
    """The radius of the series with coefficients c, of x**power: inf for entire functions."""
    c = np.asarray(c)
    last = np.flatnonzero(c)
    step = int(np.gcd.reduce(np.diff(last))) if last.size > 1 else 1
    if step > 1:  # a series in a power of the variable
        return radius(c[last[0] % step::step], power * step) ** (1 / step)
    half = len(c) // 2
    if not last.size or last[-1] < half or not np.isfinite(c).all():
        return np.inf if np.isfinite(c).all() else np.nan
    first = last[last <= half][-1] if (last <= half).any() else last[0]
    if first == last[-1]:
        return np.inf
    # Scaled by its rough radius, so that all coefficients are of one size.
    scale = np.exp((np.log(np.abs(c[first])) - np.log(np.abs(c[last[-1]]))) / (last[-1] - first))
    a = c * scale ** np.arange(len(c), dtype=float) / np.abs(c[last[-1]] * scale ** last[-1])
    for terms in (1, 2):
        r = recurrence(a, terms)
        if r is not None:
            return float(scale * r)
    return float(scale * slope(a, power))


def recurrence(a, terms):
    """The radius from k a_k = sum over j of (k A_j + B_j) a_{k-j}; None where it does not hold."""
    n = len(a)
    count = min(n - terms, 4 * terms + 2)
    if count <= 2 * terms:
        return None
    k = np.arange(n - count, n)
    matrix = np.stack([w * a[k - j] for j in range(1, terms + 1) for w in (k, np.ones(count))], 1)
    right = k * a[k]
    x, *_ = np.linalg.lstsq(matrix, right, rcond=1e-10)
    if np.linalg.norm(matrix @ x - right) > FITS * np.linalg.norm(right):
        return None
    poles = np.roots([1.0, *-x[::2]])  # z^terms - A_1 z^(terms-1) - ...: z = 1 / singularity
    size = np.abs(poles).max(initial=0.0)
    return 1 / size if size > FAR else np.inf


def slope(a, power):
    """The radius from the slope of log|a_k|, extrapolated in 1/k."""
    n = len(a)
    k = np.flatnonzero(a)
    k = k[k >= n // 2]
    if len(k) < 4:  # too few to see a trend: the last ratio
        k = np.flatnonzero(a)[-2:]
        return float(np.abs(a[k[0]] / a[k[1]]) ** (1 / (k[1] - k[0])))
    y = np.log(np.abs(a[k]))
    # The upper envelope: where coefficients oscillate, only the larger of neighbours count.
    keep = [i for i in range(len(k)) if y[i] >= max(y[max(i - 1, 0):i + 2]) - 1.0]
    k, y = k[keep], y[keep]
    middle = len(k) // 2
    if middle < 2 or len(k) - middle < 2:
        return float(np.exp(-np.polyfit(k, y, 1)[0])) if len(k) > 1 else np.inf
    s1, s2 = (np.polyfit(k[q], y[q], 1)[0] for q in (slice(None, middle), slice(middle, None)))
    if n * power > 15 and s1 - s2 > 0.15 * power:  # steeper and steeper: entire
        return np.inf
    k1, k2 = k[:middle].mean(), k[middle:].mean()
    return float(np.exp(-(s2 + (s2 - s1) * (1 / k2) / (1 / k1 - 1 / k2))))
