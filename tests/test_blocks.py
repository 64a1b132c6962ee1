"""Functions of large arrays, evaluated block by block (dualdiff/_blocks.py): as of small ones."""

import tracemalloc

import numpy as np
import pytest
from tolerances import assert_close

import dualdiff as dd
from dualdiff._blocks import BLOCK, LARGE, in_blocks, value_of
from dualdiff.rows import elementwise, pairs

N = 3 * LARGE + 17
UNARY = {f.__name__: f for f, row in elementwise.ROWS.items()
         if isinstance(f, np.ufunc) and f.nout == 1 and hasattr(row, "domain")}
BINARY = {f.__name__: f for f in pairs.ROWS
          if isinstance(f, np.ufunc) and f.nin == 2 and f.nout == 1 and "d" in f.types[-4]
          and f not in (np.ldexp, np.heaviside, np.nextafter)}


def points(row, n):
    low, high = np.clip(getattr(row, "domain", (-2.0, 2.0)), -2.0, 2.0)
    return np.random.default_rng(3).uniform(low + 0.01, high - 0.01, n)


def by_pieces(g, *xs, size=1000):
    return np.concatenate([g(*[x[i:i + size] for x in xs]) for i in range(0, N, size)])


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("name", UNARY)
def test_one_argument(name, dtype):
    f = UNARY[name]
    x = points(elementwise.ROWS[f], N).astype(dtype)
    g = dd.elementwise_grad(f)
    assert_close(g(x), by_pieces(g, x), order=1)
    assert_close(g(x[::-1])[::-1], g(x), order=1)
    value, = seen(f, x)
    assert np.array_equal(value, f(x)) and value.dtype == f(x).dtype


def seen(f, x):
    """The values under the derivative."""
    out = []
    dd.elementwise_grad(lambda t: out.append(f(t)) or out[0])(x)
    return [y.value if hasattr(y, "terms") else y for y in out]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", BINARY)
def test_two_arguments(name, place):
    f = BINARY[name]
    a, b = np.random.default_rng(4).uniform(0.5, 3.0, (2, N))
    g = dd.elementwise_grad(f, place)
    try:
        want = by_pieces(g, a, b)
    except TypeError as error:
        assert "dualdiff" in str(error)
        return
    assert_close(g(a, b), want, order=1)
    assert_close(g(a.reshape(1, -1), b.reshape(1, -1))[0], want, order=1)


@pytest.mark.parametrize("low, high", [(0.2, 0.5), (0.0, 0.5), (None, 0.5), (0.0, None),
                                       (-1, 1), (0.5, 0.2), (-0.3, 0), (0.2, np.nan),
                                       (np.full(N, 0.1), 0.5)])
def test_clip(low, high):
    x = np.random.default_rng(5).uniform(-1.0, 1.0, N)
    x[:6] = 0.0, -0.0, 0.2, 0.5, np.nan, np.inf
    y, = seen(lambda t: np.clip(t, low, high), x)
    want = np.clip(x, low, high)
    assert np.array_equal(y, want, equal_nan=True)
    assert np.array_equal(np.signbit(y[:4]), np.signbit(want[:4]))
    slope = dd.elementwise_grad(lambda t: np.clip(t, low, high))(x)
    inside = (want[6:] == x[6:])
    assert np.array_equal(slope[6:], 1.0 * inside)


def test_blocks():
    x = np.arange(float(N))
    sizes = []
    y, z = in_blocks(lambda a, b: (sizes.append(a.size) or a * b, a > b), x, x[::-1].copy())
    assert np.array_equal(y, x * x[::-1]) and np.array_equal(z, x > x[::-1]) and z.dtype == bool
    assert max(sizes) == BLOCK and sum(sizes) == N
    for a in (x[:LARGE - 1], x[::2], x.astype(complex), x.astype(int)):
        sizes.clear()
        assert np.array_equal(in_blocks(lambda t: sizes.append(1) or t * t, a), a * a)
        assert len(sizes) == 1
    assert np.array_equal(value_of(np.add, x, 1), x + 1)
    assert value_of(np.add, x, np.arange(N)).dtype == float
    assert value_of(np.sqrt, np.arange(N)).dtype == float


@pytest.mark.parametrize("f", [np.arctan, np.arcsinh, np.cbrt, np.fabs, lambda x: x**0.5])
def test_slopes_take_no_large_temporaries(f):
    x = np.linspace(0.1, 1.0, 500_000)
    g = dd.elementwise_grad(f)
    g(x)
    tracemalloc.start(1)
    try:
        g(x)
        assert tracemalloc.get_traced_memory()[1] < 5.5 * x.nbytes  # x, value, slope, two results
    finally:
        tracemalloc.stop()
