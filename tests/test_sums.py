"""Sums of all elements: NumPy's bits, and gradients by what each seed gets (dualdiff/_sums.pxi)."""

import numpy as np
import pytest
from tolerances import assert_close
from waiting import N, at_once, numbers, of_any_size, peak_of, same

import dualdiff as dd
from dualdiff._taylor import make

waiting = pytest.fixture(autouse=True)(of_any_size)

# ---- of what waits -----------------------------------------------------------------------------

SIZES = [1, 7, 8, 9, 127, 129, 1000, 8191, 8193, 16384, 20001, 65528, 65537, 100003, 262152, 300007]
SUMMANDS = {
    "product": lambda x: x * x, "plus a constant": lambda x: x * x + 1.0,
    "neighbours": lambda x: (x[1:] - x[:-1] ** 2) ** 2 - x[:-1],
    "three": lambda x: np.sin(x[2:]) * x[:-2] + 0.5 * x[1:-1], "reshaped":
    lambda x: np.exp(x[: x.size // 2 * 2].reshape(2, -1)) * 2.0, "turned": lambda x: x[::-1] * 3.0,
    "far apart": lambda x: x[: x.size // 2] * x[x.size - x.size // 2 :],
    "every second": lambda x: x[::2] ** 2, "twice": lambda x: x[:-5] * (x[5:] + x[:-5]),
}


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("name", SUMMANDS)
def test_sums_of_what_waits(name, threads):
    rng = np.random.default_rng(8)
    before, pool = dd.set_lanes("always"), dd.set_num_threads(threads)
    try:
        for n in [n for n in SIZES if n > 8]:
            a = rng.normal(size=n) * 10.0 ** rng.integers(-6, 6, n)
            with np.errstate(over="ignore"):
                value, slope = dd.value_and_grad(lambda x: np.sum(SUMMANDS[name](x)))(a)
                other, turned = dd.value_and_grad(lambda x: SUMMANDS[name](x).sum())(a)
                dd.set_num_threads(1)
                wanted = at_once(dd.value_and_grad(lambda x: np.sum(SUMMANDS[name](x))), a)
                dd.set_num_threads(threads)
                plain = np.sum(SUMMANDS[name](a))
            assert np.array_equal([value, other, wanted[0]], [plain] * 3, equal_nan=True)
            assert np.array_equal(slope, wanted[1], equal_nan=True)
            assert np.array_equal(turned, wanted[1], equal_nan=True)
    finally:
        dd.set_lanes(before)
        dd.set_num_threads(pool)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("order", [1, 3])
def test_sums_by_rows_are_numpys(order, threads):
    rng = np.random.default_rng(9)
    pool = dd.set_num_threads(threads)
    try:
        for n in SIZES:
            alg, = {x.algebra for x in numbers(1.0, 2.0, order=order)}
            rows = rng.normal(size=(alg.M, n)) * 10.0 ** rng.integers(-9, 9, (alg.M, n))
            x = make(alg, rows[0], rows[1:])
            for y in (x, np.ascontiguousarray(rows[0]) * x):
                values, terms = y.value, y.terms
                for total in (np.sum(y), np.sum(y * 1.0), (y * 1.0).sum()):
                    assert total.value == np.add.reduce(values)
                    assert np.array_equal(total.terms, [np.add.reduce(t) for t in terms])
    finally:
        dd.set_num_threads(pool)


def test_a_number_that_is_summed_and_kept_is_computed_once():
    a = np.linspace(0.0, 1.0, N)
    x, = numbers(a)
    y = np.exp(x)
    z = y * 2.0
    total = np.sum(z + y)  # y and z stay, their sum does not
    assert same(y, at_once(np.exp, x)) and same(z, at_once(lambda: np.exp(x) * 2.0))
    assert total.value == np.sum(np.exp(a) * 2.0 + np.exp(a))
    share = y / np.sum(y)
    assert same(share, at_once(lambda: np.exp(x) / np.sum(np.exp(x))))


def test_sums_with_infinities_warn_as_numpys():
    x, = numbers(np.array([1e308, 1e308, 1.0] * 30))
    with pytest.warns(RuntimeWarning, match="overflow encountered in reduce"):
        assert np.sum(x * 1.0).value == np.inf
    x, = numbers(np.array([np.inf, -np.inf, 1.0] * 30))
    with pytest.warns(RuntimeWarning, match="invalid value encountered in reduce"):
        assert np.isnan(np.sum(x * 1.0).value)
    x, = numbers(np.linspace(0.0, 1.0, N))
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in log") as seen:
        assert np.sum(np.log(x)).value == -np.inf
    assert len(seen) == 1


def test_strong_zeros_inside_a_sum():
    a = np.tile([0.0, 0.25, 4.0], 30)
    slope = dd.grad(lambda x: np.sum(np.sqrt(x * x) * 3.0))(a)
    assert np.array_equal(slope, np.where(a > 0, 3.0, 0.0))


def test_a_gradient_is_its_own_memory(with_lanes):
    a, seen = np.linspace(0.0, 1.0, 20_000), []

    def f(x):
        seen.append(np.sum(x * x))
        return seen[-1]
    slope = dd.grad(f)(a)
    slope[:] = 7.0
    assert not (seen[0].terms == 7.0).any()
    alone = dd.grad(lambda x: np.sum(x * x))(a)
    assert np.array_equal(alone, 2 * a) and alone.flags.writeable and alone.ctypes.data % 64 == 0


@pytest.mark.parametrize("f", [
    lambda x: np.sum((x[1:] - x[:-1] * x[:-1]) * (x[1:] - 3.0)),
    lambda x: ((x[1:] - x[:-1] * x[:-1]) * (x[1:] - 3.0)).sum(),
], ids=["function", "method"])
def test_a_sum_takes_no_memory_for_what_it_adds(f, with_lanes):
    a = np.linspace(-1.0, 1.0, 400_000)
    slope = dd.grad(f)
    assert slope(a).shape == a.shape
    assert peak_of(lambda: slope(a)) < 3.5 * a.nbytes  # the input's copy and the result


# ---- over slices of several dimensions ---------------------------------------------------------

PLANES = {
    "differences": lambda w: (w[1:, :-1] - w[:-1, :-1]) ** 2 + (w[:-1, 1:] - w[:-1, :-1]) ** 2,
    "rows": lambda w: w[1:] * w[:-1], "columns": lambda w: w[:, 1:] * w[:, :-1] - w[:, 1:],
    "a corner": lambda w: np.sin(w[3:-2, 5:-1]) * w[:-5, :-6],
    "last column": lambda w: w[:, -1:] ** 2,
    "of unlike steps": lambda w: w[:-1:2, :-1] * w[1:, :-1][::2],
    "planes": lambda w: (w[: w.shape[0] // 4 * 4].reshape(-1, 4, w.shape[1])[:, 1:, 2:] * 2.0) ** 2,
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("shape", [(8, 9), (40, 500), (300, 31), (601, 700)])
@pytest.mark.parametrize("name", PLANES)
def test_sums_over_planes(name, shape, threads):
    w = np.random.default_rng(11).normal(size=shape)
    before, pool = dd.set_lanes("always"), dd.set_num_threads(threads)
    try:
        both = dd.value_and_grad(lambda w: np.sum(PLANES[name](w)))
        value, slope = both(w)
        wanted, slopes = at_once(both, w)
    finally:
        dd.set_lanes(before)
        dd.set_num_threads(pool)
    assert value == wanted == np.sum(PLANES[name](w))
    assert np.array_equal(slope, slopes)


def test_sums_over_planes_take_no_memory_for_what_they_add(with_lanes):
    w = np.random.default_rng(12).normal(size=(640, 641))
    slope = dd.grad(lambda w: np.sum(PLANES["differences"](w)))
    slope(w)
    assert peak_of(lambda: slope(w)) < 5.0 * w.nbytes


# ---- sums as steps: what is made of them costs nothing by the number of inputs -----------------

MANY = 6000  # inputs: sums of so many are steps


def row(x, i):
    return x[i * MANY // 3 : (i + 1) * MANY // 3]


OF_SUMS = {
    "a multiple": lambda x: 0.5 * np.sum(x * np.sin(x)) / x.size + 1.0,
    "of the inputs": lambda x: np.sum(x) ** 2 + np.mean(x),
    "several": lambda x: np.sum(x**3) * np.mean(np.exp(x)) - np.log(np.sum(x * x)),
    "of parts": lambda x: np.sum(row(x, 0) * row(x, 2)) / np.sum(row(x, 1) ** 2),
    "the mean taken off": lambda x: np.mean((x - np.mean(x)) ** 2),
    "variance": lambda x: np.var(x) + np.std(x[::2]) + np.var(x[5:], ddof=1),
    "largest taken off": lambda x: np.log(np.sum(np.exp(x - np.max(x)))) + np.max(x),
    "softmax": lambda x: np.sum((np.exp(x) / np.sum(np.exp(x)))[3:] * x[:-3]),
    "normalised": lambda x: np.sum(np.tanh(x / np.sqrt(np.mean(x**2))) * x),
    "an element taken off": lambda x: np.sum((x[1:] - x[0]) ** 2 * (x[:-1] - x[7])),
    "sums of sums": lambda x: np.sum(np.sin(x - np.sum(np.cos(x - np.mean(x))))),
    "a product in between": lambda x: np.sum(np.tanh(MATRIX @ (x - np.mean(x))) ** 2),
    "rows": lambda x: np.sum((x.reshape(3, -1) - np.mean(x.reshape(3, -1))) ** 3),
    "by rows": lambda x: np.mean((x.reshape(3, -1) - np.mean(x.reshape(3, -1), axis=0)) ** 2),
    "method": lambda x: ((x - x.mean()) ** 2).mean() * (x * x).sum(),
    "of nothing": lambda x: np.sum(x[:0]) + np.sum(x * 0.0) + np.sum(np.ones(3)) * x[2],
}
MATRIX = np.random.default_rng(13).normal(size=(4, MANY)) / 50


@pytest.mark.parametrize("dtype", ["d", "f"])
@pytest.mark.parametrize("name", OF_SUMS)
def test_what_is_made_of_sums(name, dtype):
    """By steps, waiting or not, and by dense numbers in chunks."""
    f, x = OF_SUMS[name], np.random.default_rng(14).normal(size=MANY).astype(dtype)
    value, got = in_mode("always", dd.value_and_grad(f), x)
    again = in_mode("always", lambda: at_once(dd.grad(f), x))
    some = slice(0, MANY, 400)
    v = np.zeros(MANY, dtype)
    v[some] = 1.0
    want = [in_mode("never", dd.jvp, f, (x,), (v * (np.arange(MANY) == i),))[1]
            for i in range(0, MANY, 400)]
    scale = np.max(np.abs(got))
    assert value == f(x) and got.dtype == dtype
    assert_close(got[some], np.array(want, dtype), order=4, scale=10 * scale)
    assert_close(got, again, order=2, scale=scale)


def in_mode(mode, f, *args):
    before = dd.set_lanes(mode)
    try:
        return f(*args)
    finally:
        dd.set_lanes(before)


def test_sums_that_are_kept_may_be_read_again(with_lanes):
    """A gradient lies in the memory of the sum only where nobody can tell."""
    x, seen = np.linspace(0.1, 1.0, MANY), []
    functions = {
        "the result": lambda x: seen.append(np.sum(x * x)) or seen[-1],
        "a multiple": lambda x: 3.0 * (seen.append(np.sum(x * x)) or seen[-1]),
        "what is made of it": lambda x: seen.append(np.sin(s := np.sum(x * x))) or 3.0 * s,
        "the sum, too": lambda x: seen.append(s := np.sum(x * x)) or s * s + s,
    }
    for name, f in functions.items():
        del seen[:]
        slope = dd.grad(f)(x)
        s, factor = np.sum(x * x), {"what is made of it": np.cos(np.sum(x * x))}.get(name, 1.0)
        assert_close(seen[0].terms, 2 * x * factor)
        assert_close(slope, 2 * x * {"the result": 1.0, "the sum, too": 2 * s + 1}.get(name, 3.0))
        slope[:] = 8.0
        assert_close(seen[0].terms, 2 * x * factor)


def test_operations_on_a_sum_take_no_memory(with_lanes):
    """A hundred of them as little as none."""
    x = np.linspace(0.1, 1.0, 200_000)

    def f(x):
        s = np.sum(x * x)
        for _ in range(100):
            s = np.sin(s) + 0.5 * s
        return s
    slope = dd.grad(f)
    slope(x)
    assert peak_of(lambda: slope(x)) < 3.5 * x.nbytes
    slope = dd.grad(lambda x: np.mean((x - np.mean(x)) ** 2))
    slope(x)
    assert peak_of(lambda: slope(x)) < 4.5 * x.nbytes


@pytest.mark.parametrize("f", [
    lambda x: np.sqrt(np.sum(x * x)), lambda x: np.sum(x) * np.inf,
    lambda x: np.sum(x[3:] * np.nan),
    lambda x: np.sum(np.where(x == 0, x, x * 0.0)) / np.sum(x), lambda x: np.log(np.sum(x[:5])),
], ids=["root at zero", "infinite", "NaN", "0 / 0", "log of zero"])
def test_sums_at_singular_points(f, with_lanes):
    """As dense numbers have it: an exactly zero factor beats infinity and NaN."""
    x = np.zeros(MANY)
    with np.errstate(all="ignore"):
        got = dd.grad(f)(x)
        dd.set_lanes("never")
        want = [dd.jvp(f, (x,), (1.0 * (np.arange(MANY) == i),))[1] for i in (0, 4, 5, MANY - 1)]
    assert np.array_equal(got[[0, 4, 5, MANY - 1]], want, equal_nan=True)


def test_many_means_of_many(with_lanes):
    """Memory grows as the number of steps, as it does for reverse mode."""
    x = np.linspace(0.0, 1.0, 100_000)

    v = np.cos(np.arange(x.size))
    slope = dd.grad(lambda x: rounds_of(x, 40))(x)
    along = dd.jvp(lambda x: rounds_of(x, 40), (x,), (v,))[1]
    assert_close(slope @ v, np.float64(along), order=40, scale=np.abs(slope) @ np.abs(v))
    few, many = (peak_of(lambda k=k: dd.grad(lambda x: rounds_of(x, k))(x)) for k in (20, 80))
    assert many < 6 * few and few < 20 * 5 * x.nbytes


def rounds_of(x, count):
    for _ in range(count):
        x = np.tanh(x - np.mean(x))
    return np.sum(x * x)


def test_numbers_with_seeds_of_their_own_can_be_assigned_to(with_lanes):
    """Their terms are one element in memory until then."""
    n = 40_000
    x = np.linspace(-1.0, 1.0, n)

    def f(x):
        y = x - np.mean(x)
        for k in range(6):
            y = y * np.cos(np.mean(y) + k) - x[k]
        z = y + np.mean(y * y)
        z[3] = 2.0
        z[5:9] *= x[1:5]
        z += 1.0
        return np.sum(z * y)
    v = np.cos(np.arange(n))
    slope = dd.grad(f)(x)
    along = dd.jvp(f, (x,), (v,))[1]
    assert_close(slope @ v, np.float64(along), order=20, scale=np.abs(slope) @ np.abs(v))
