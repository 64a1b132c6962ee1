"""What machine code computes: the same bits as without it.  The code itself is tested in csrc."""

import threading

import numpy as np
import pytest

import dualdiff as dd
from dualdiff._taylor import set_later_bytes

N = 40_003


@pytest.fixture(autouse=True)
def everything_waits():
    before = set_later_bytes(1)
    yield
    set_later_bytes(before)


@pytest.fixture(params=["auto", "always"])
def mode(request):
    return request.param


def with_mode(mode, run):
    before = dd.set_machine_code(mode)
    try:
        return run()
    finally:
        dd.set_machine_code(before)


def polynomial(x):
    y = 0.25 * x - 1.5
    return ((y * x + 3.0) * y - 1.0 / x) * 2.0 - np.sqrt(x * x + 1.0)


def functions(x):
    y = np.exp(-x) * np.tanh(0.3 * x * x - 1.0)
    return np.log(x + 2.0) / (1.0 + y * y) + np.sin(y) * np.cos(x) - np.log1p(x) * np.expm1(-x)


def powers(x):
    return x**3 - 2.0 * x**-1 + x**2 / (x**4 + 1.0) + x**0.5


def pieces(x):
    y = np.where(x > 1.5, x * x, 2.0 * x - 1.0)
    return np.abs(y - 1.0) * np.maximum(x, 1.2) + np.minimum(y, 2.0) / x


def mixed(x):
    z = np.linspace(1.0, 2.0, x.size).astype(x.dtype)
    return (x - z) * z + np.exp(x / z) * x - z / x


FUNCTIONS = [polynomial, functions, powers, pieces, mixed]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_elementwise_derivatives(f, dtype, mode):
    x = np.linspace(0.5, 3.0, N).astype(dtype)
    def run():
        return dd.elementwise_grad(f)(x)
    expected, got = with_mode("never", run), with_mode(mode, run)
    assert got.dtype == dtype
    assert np.array_equal(got, expected)
    h = 1e-6
    if dtype == np.float64:
        inside = np.abs(x - 1.5) > 1e-3
        inside &= (np.abs(x - 1.2) > 1e-3) & (np.abs(x - 1.0) > 1e-3) & (np.abs(x - 2.0) > 1e-3)
        numeric = (f(x + h) - f(x - h)) / (2 * h)
        assert np.allclose(got[inside], numeric[inside], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_values_are_numpys(f, mode):
    x = np.linspace(0.5, 3.0, N)
    value, tangent = with_mode(mode, lambda: dd.jvp(f, (x,), (np.cos(x),)))
    expected = with_mode("never", lambda: dd.jvp(f, (x,), (np.cos(x),)))
    assert np.array_equal(value, f(x))
    assert np.array_equal(tangent, expected[1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_gradients_of_sums(f, dtype, mode):
    x = np.linspace(0.5, 3.0, N).astype(dtype)
    def run():
        return dd.value_and_grad(lambda x: np.sum(f(x[1:]) * x[:-1] + (x[1:] - x[:-1]) ** 2))(x)
    value, gradient = with_mode(mode, run)
    expected_value, expected = with_mode("never", run)
    assert value == expected_value
    assert np.array_equal(gradient, expected)
    if dtype == np.float32:
        return
    v = np.cos(np.arange(N))
    h = 1e-7
    g = lambda x: np.sum(f(x[1:]) * x[:-1] + (x[1:] - x[:-1]) ** 2)
    assert np.isclose(gradient @ v, (g(x + h * v) - g(x - h * v)) / (2 * h), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_nothing(threads):
    x = np.linspace(0.5, 3.0, 700_001)
    before = dd.set_num_threads(threads)
    try:
        got = with_mode("auto", lambda: dd.elementwise_grad(functions)(x))
    finally:
        dd.set_num_threads(before)
    assert np.array_equal(got, with_mode("never", lambda: dd.elementwise_grad(functions)(x)))


def test_strong_zeros(mode):
    """0 times an infinite slope is 0 here as everywhere, in whichever block it comes."""
    x = np.linspace(0.0, 1.0, N)
    x[20_000:20_010] = 0.0
    def f(x):
        return np.sqrt(x * x * x) * 3.0 + np.sqrt(x) * (x * 0.0)
    def run():
        with np.errstate(all="ignore"):
            return dd.elementwise_grad(f)(x)
    got, expected = with_mode(mode, run), with_mode("never", run)
    assert np.array_equal(got, expected, equal_nan=True)


def test_warnings_are_those_of_numpy(mode):
    x = np.linspace(1.0, 2.0, N)
    x[30_001] = 1e200
    def f(x):
        return x * x + 1.0  # whose value nobody reads: only NumPy's warning wants it
    with np.errstate(over="warn"), pytest.warns(RuntimeWarning, match="overflow .* multiply"):
        with_mode(mode, lambda: dd.elementwise_grad(f)(x))


def test_jobs_in_threads_of_python():
    """Each thread may find the store of code taken, and goes on without."""
    x = np.linspace(0.5, 3.0, N)
    expected = [with_mode("never", lambda f=f: dd.elementwise_grad(f)(x)) for f in FUNCTIONS]
    wrong = []
    def work():
        for _ in range(10):
            for f, e in zip(FUNCTIONS, expected, strict=True):
                if not np.array_equal(dd.elementwise_grad(f)(x), e):
                    wrong.append(f)
    before = dd.set_machine_code("always")
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        dd.set_machine_code(before)
    assert not wrong


def test_more_programs_than_are_kept():
    """Code of which there is too much makes room for newer code."""
    x = np.linspace(0.5, 3.0, 1000)
    def program(i):
        bits = [int(b) for b in f"{i:08b}"]
        def f(x):
            y = x * 0.5
            for b in bits:
                y = y * x if b else y - x
            return y
        return f
    for _ in range(2):
        for i in range(150):
            f = program(i)
            got = with_mode("always", lambda f=f: dd.elementwise_grad(f)(x))
            assert np.array_equal(got, with_mode("never", lambda f=f: dd.elementwise_grad(f)(x)))


def test_setting():
    before = dd.set_machine_code("never")
    try:
        assert dd.set_machine_code("always") == "never"
        assert dd.set_machine_code("auto") == "always"
        with pytest.raises(ValueError, match="'auto', 'always' or 'never', got 'fast'"):
            dd.set_machine_code("fast")
        assert dd.set_machine_code("auto") == "auto"
    finally:
        dd.set_machine_code(before)
