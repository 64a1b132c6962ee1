"""Sums, means and what is made of them."""

import numpy as np

from dualdiff._kinds import lead, linear

ROWS = {
    np.sum: linear(np.sum, lambda t, axis=None, **kw: np.sum(
        t, axis=lead(axis, t.ndim - 1), **kw)),
    np.mean: linear(np.mean, lambda t, axis=None, **kw: np.mean(
        t, axis=lead(axis, t.ndim - 1), **kw)),
}
METHODS = {"sum": np.sum, "mean": np.mean}
