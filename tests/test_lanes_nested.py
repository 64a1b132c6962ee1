"""Inner derivative calls on numbers with lanes: read over local seeds, never densely.

Oracles: the same without lanes; Hessians by hand.
"""

import numpy as np
import pytest
from tolerances import assert_close

import dualdiff as dd
from dualdiff._seeding import set_lanes

N = 40
X, V = np.linspace(-0.9, 1.1, N), np.cos(np.arange(N))


def chain(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def scalar_of(y):
    """A number on which everything depends, made and used again."""
    s = np.sum(np.exp(0.1 * y))
    return -(np.log(s) * y[0] + s / 3 - np.sum(y[::2]) * 2.0)


def along(f, v):
    return lambda x: dd.jvp(f, (x,), (v,))[1]


NESTED = {
    "hvp": lambda f: dd.hvp(f, (X,), (V,)),
    "hvp along numbers": lambda f: dd.grad(along(f, V))(X) + dd.jvp(
        lambda x: dd.hvp(f, (X,), (x,)), (V,), (X,))[1],
    "jvp of grad": lambda f: dd.jvp(dd.grad(f), (X,), (V,))[1],
    "third": lambda f: dd.grad(along(along(f, V), X))(X),
    "jvp of grad of jvp": lambda f: dd.jvp(dd.grad(along(f, V)), (X,), (X,))[1],
    "value within": lambda f: dd.grad(
        lambda x: np.sum(dd.jvp(lambda y: np.sin(y) * x, (x,), (V,))[0] * x))(X),
    "array within": lambda f: dd.grad(
        lambda x: np.sum(np.exp(dd.jvp(np.sin, (x * x,), (V * x,))[1])))(X),
    "jacfwd of jvp": lambda f: dd.jacfwd(along(lambda x: x[1:] * np.sin(x[:-1]), V))(X),
    "hessian of jvp": lambda f: dd.hessian(along(f, V))(X),
    "orders within": lambda f: dd.grad(lambda x: np.sum(
        dd.derivatives(lambda t: f(x + t * V), 3)(0.5)))(X),
}


@pytest.mark.parametrize("f", [chain, scalar_of])
@pytest.mark.parametrize("name", NESTED)
def test_lanes_change_nothing(name, f):
    got = {}
    for mode in ("never", "always"):
        before = set_lanes(mode)
        try:
            got[mode] = NESTED[name](f)
        finally:
            set_lanes(before)
    assert_close(got["always"], got["never"], order=10,
                 scale=max(1.0, np.abs(got["never"]).max()))


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex128])
def test_dtypes(dtype):
    f = lambda x: np.sum(x**3)  # noqa: E731
    x, v = X.astype(dtype), V.astype(dtype)
    if dtype is np.complex128:
        got = dd.jvp(dd.grad(f, holomorphic=True), (x,), (v,))[1]
    else:
        got = dd.hvp(f, (x,), (v,))
    assert got.dtype == dtype
    assert_close(got, 6 * x * v, order=4)


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
def test_a_product_with_a_hessian_is_never_dense():
    """The algebras over all seeds and directions have no product table: none is made."""
    from dualdiff._algebra import _interned

    seen = []
    before = list(_interned.values())  # of other tests, which garbage may keep

    def f(x):
        y = chain(x)
        seen.append(max(a.M for a in list(_interned.values())
                        if len(a.factors) > 1 and not any(a is b for b in before)))
        return y

    for n in (1_000, 100_000):
        x = np.linspace(-1, 1, n)
        got = dd.hvp(f, (x,), (x,))
        want = np.zeros(n)
        want[:-1] += (1200 * x[:-1] ** 2 - 400 * x[1:] + 2) * x[:-1] - 400 * x[:-1] * x[1:]
        want[1:] += -400 * x[:-1] * x[:-1] + 200 * x[1:]
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-10)
    assert max(seen) < 100


def test_many_sums_of_sums_stay_bounded():
    """What is pending is added up once it outweighs the dense sum."""
    def f(x):
        total = 0.0
        for k in range(200):
            total = total + np.sum(np.sin(x * k))
        return total

    k = np.arange(200)[:, None]
    want = np.sum(-k**2 * np.sin(X * k), axis=0) * V
    np.testing.assert_allclose(dd.hvp(f, (X,), (V,)), want, rtol=1e-11, atol=1e-9)


@pytest.mark.parametrize("n", [40, 700, 3_000])
def test_functions_of_sums(n):
    """Nonlinear in a sum that is still pending: also where its dense form is large."""
    x, v = np.linspace(-1, 1, n), np.sin(np.arange(n))
    p = np.exp(x) / np.sum(np.exp(x))
    f = lambda x: -np.log(np.sum(np.exp(x)))  # noqa: E731
    np.testing.assert_allclose(dd.hvp(f, (x,), (v,)), -(p * v - p * (p @ v)), rtol=1e-9,
                               atol=1e-16)
    if n < 1000:
        np.testing.assert_allclose(dd.hessian(f)(x), -(np.diag(p) - p[:, None] * p), rtol=1e-9,
                                   atol=1e-18)
