"""Operations that wait (dualdiff/_later.pxi): the same bits as one at a time, whatever happens."""

import functools
import gc
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from waiting import N, at_once, numbers, of_any_size, peak_of, same

import dualdiff as dd
from dualdiff._taylor import set_later_bytes

waiting = pytest.fixture(autouse=True)(of_any_size)

UNARY = [np.negative, np.sin, np.cos, np.exp, np.tanh, np.sinh, np.cosh, np.expm1, np.tan,
         lambda x: x**2, lambda x: x**3, np.square, lambda x: np.log1p(x * x), lambda x: 1.5 * x,
         lambda x: x - 0.25, lambda x: 0.25 - x, lambda x: x / 3.0, lambda x: 2.0 / (1.0 + x * x),
         lambda x: np.sqrt(1.0 + x * x), lambda x: np.log(2.0 + x * x), np.absolute,
         lambda x: np.maximum(x, 0.1), lambda x: np.where(x > 0, x, -x)]
BINARY = [np.add, np.subtract, np.multiply, lambda x, y: x / (2.0 + y * y), np.maximum,
          np.minimum, np.fmin, lambda x, y: np.where(x < y, x, y),
          lambda x, y: np.where(abs(y) > 0.5 * x, x * y, 0.0)]


@st.composite
def programs(draw):
    """[(operation, places of its operands)], each over what stands before it."""
    steps = []
    for i in range(draw(st.integers(1, 70))):
        unary = draw(st.booleans())
        ops = UNARY if unary else BINARY
        at = st.integers(max(0, i - 3), i + 1)
        steps.append((draw(st.sampled_from(ops)), [draw(at) for _ in range(1 if unary else 2)]))
    return steps, draw(st.sets(st.integers(0, 71))), draw(st.integers(1, 2))


def run(steps, kept, x, y):
    """All that is kept of a program, and its last result."""
    values, out = [x, y], []
    for i, (f, places) in enumerate(steps):
        values.append(f(*[values[p] for p in places]))
        values[-1] = np.tanh(values[-1]) if i % 5 == 4 else values[-1]  # stays finite
        if i in kept:
            out.append(values[-1])
        if i >= 3:
            values[i - 3] = None  # nothing reads it any more
    return [*out, values[-1]]


@settings(max_examples=40, deadline=None)
@given(programs(), st.booleans())
def test_random_programs_give_the_same_bits(program, laned):
    steps, kept, order = program
    a = np.linspace(-1.1, 1.3, N if order == 1 else 8)
    results = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for runner in (at_once, lambda f: f()):
            got = []

            def f(v, got=got):
                got.extend(run(steps, kept, v[1:], v[:-1]))
                return np.sum(got[-1])
            before = dd.set_lanes("always" if laned else "never")
            try:
                slope = runner(lambda f=f: dd.grad(f)(a) if order == 1 else dd.hessian(f)(a))
            finally:
                dd.set_lanes(before)
            results.append((slope, got))
        assert np.array_equal(results[0][0], results[1][0], equal_nan=True)
        for x, y in zip(results[0][1], results[1][1], strict=True):
            assert np.array_equal(x.value, y.value, equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_dtypes_and_orders(dtype, order):
    a, b = np.linspace(0.1, 2.0, N, dtype=dtype), np.linspace(2.0, 3.0, N, dtype=dtype)

    def f(x, y):
        return np.tanh(x * y + 0.5) / (1 + y**2) - np.exp(-x) * x**3
    x, y = numbers(a, b, order=order)
    got, want = f(x, y), at_once(f, x, y)
    assert got.dtype == want.dtype == dtype
    assert same(got, want)


def test_shared_results_and_long_chains():
    x, = numbers(np.linspace(-1, 1, N), order=2)

    def f(x):
        for _ in range(300):  # many more than wait at a time, each used twice
            x = 0.5 * x + 0.25 * np.sin(x)
        return x
    assert same(f(x), at_once(f, x))


def test_operands_of_one_element_that_wait():
    """They have another shape than what they meet, and are computed first."""
    x, y = numbers(np.linspace(-1, 1, N), np.array([0.3]))

    def f(x, y):
        y = np.cos(y) * 2.0 + y
        x = np.sin(x) * y
        z = np.where(x > 0, y / 3.0, x) - np.exp(y)
        z *= 1.0 / (y * y)
        return np.maximum(y - 1.0, z) + y
    assert same(f(x, y), at_once(f, x, y))
    for shape in ((1, 1), (1,)):
        assert same(f(x[:1], y.reshape(shape)), at_once(f, x[:1], y.reshape(shape)))


def test_operands_that_change_afterwards():
    a = np.linspace(0.0, 1.0, N)
    x, = numbers(a)
    c = np.full(N, 2.0)
    y = x * c + 1.0
    c[:] = 0.0
    assert np.array_equal(y.value, a * 2.0 + 1.0)
    small = np.array(3.0)
    y = x * small
    small[...] = 0.0
    assert np.array_equal(y.value, a * 3.0)
    s, = numbers(2.0)
    y = x * s
    s[...] = 7.0
    assert np.array_equal(y.value, a * 2.0)
    y, part = np.sin(x), x[3:9]
    part[2] = 50.0  # x[5]
    assert y.value[5] == np.sin(a)[5] and x.value[5] == 50.0
    y = np.cos(x)
    x *= 0.0
    assert np.array_equal(y.value[6:], np.cos(a)[6:]) and not x.value.any()


def test_views_and_assignments_of_what_waits():
    a = np.linspace(0.0, 1.0, N)
    x, = numbers(a)
    y = np.exp(x) * 2.0
    view = y[::-2]
    y[-1] = 5.0
    assert view.value[0] == 5.0 and not view.terms[:, 0].any()
    z = np.exp(x)
    z[1] = x[2] * x[2]
    assert z.value[1] == a[2] ** 2 and z.terms[2, 1] == 2 * a[2] and z.terms[1, 1] == 0.0
    w = np.exp(x)
    w += w * w
    assert np.array_equal(w.value, np.exp(a) + np.exp(a) * np.exp(a))


def test_what_is_let_go_is_not_computed_and_what_is_held_is_once():
    calls = []
    x, = numbers(np.linspace(0.0, 1.0, N))
    y = np.sin(x)
    z = y * y
    del y
    gc.collect()
    assert same(z, at_once(lambda: np.sin(x) * np.sin(x)))
    for _ in range(1000):  # nothing is looked at
        calls.append(None)
        np.sin(x)
    w = np.cos(x)
    both = w + w, w * w
    for q in both:
        assert q.value.shape == (N,)
    assert same(w, at_once(np.cos, x))


def test_warnings_come_with_the_state_of_the_operation():
    x, = numbers(np.linspace(-1.0, 1.0, 41))
    with np.errstate(all="ignore"):
        y = np.log(x) + 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(y.value[0])
    y = np.log(x)
    with pytest.warns(RuntimeWarning) as seen:
        z = (np.exp(y) * 2.0).value
    assert {str(w.message) for w in seen} == {"divide by zero encountered in log",
                                              "invalid value encountered in log"}
    assert np.isnan(z[0])
    with np.errstate(divide="raise", invalid="raise"), pytest.raises(FloatingPointError):
        np.log(x)


def test_a_warning_that_is_an_error_leaves_the_number_as_it_is():
    a = np.linspace(-1.0, 1.0, 41)
    x, = numbers(a)
    y = np.sqrt(x) * 2.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="invalid value encountered in sqrt"):
            repr(y)
    with np.errstate(invalid="ignore"):
        want = np.sqrt(a) * 2.0
    with pytest.warns(RuntimeWarning, match="sqrt"):
        assert np.array_equal(y.value, want, equal_nan=True)


def test_strong_zeros_inside_a_job():
    a = np.array([0.0, 0.25, 4.0])
    x, = numbers(a)

    def f(x):
        return np.sqrt(x * x) * 3.0 + 1.0
    y = f(x)
    assert not np.isnan(y.terms).any()
    assert same(y, at_once(f, x))


def test_threads_share_what_waits():
    x, = numbers(np.linspace(0.0, 1.0, 5000), order=2)
    want = at_once(lambda: np.tanh(np.sin(x) * 2.0) + x)
    for _ in range(20):
        y = np.tanh(np.sin(x) * 2.0) + x
        seen = []

        def look(y=y, seen=seen):
            seen.append(same(y, want))
        workers = [threading.Thread(target=look) for _ in range(6)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        assert seen == [True] * 6


def test_everything_that_looks_at_a_number_sees_its_values():
    a = np.linspace(0.5, 1.5, N)
    x, = numbers(a)
    want = np.exp(a)
    looks = {
        "value": lambda y: y.value, "comparison": lambda y: y > 2.0, "float of an element":
        lambda y: y[3].value, "iteration": lambda y: [e.value for e in y], "item":
        lambda y: y.item(3).value, "repr": repr, "contains": lambda y: want[3] in y,
        "sum": lambda y: np.sum(y).value, "mean": lambda y: y.mean().value,
        "matmul": lambda y: (np.eye(N) @ y).value, "stack": lambda y: np.stack([y, y]).value,
        "reshape": lambda y: y.reshape(2, -1).value, "T": lambda y: y.T.value,
        "real": lambda y: y.real.value, "copy": lambda y: y.copy().value,
        "astype": lambda y: y.astype(np.float32).value, "where":
        lambda y: np.where(y > 2, y, 0).value,
        "sort": lambda y: np.sort(y)[::-1].value, "concatenate":
        lambda y: np.concatenate([y, y]).value, "terms": lambda y: y.terms, "cumsum":
        lambda y: np.cumsum(y).value, "arctan": lambda y: np.arctan(y).value, "power":
        lambda y: (y**0.5).value, "object array": lambda y: np.array([y[0], y[1]])[1].value,
    }
    for name, look in looks.items():
        got, expected = look(np.exp(x)), at_once(lambda look=look: look(np.exp(x)))
        assert np.array_equal(got, expected), name


# ---- pieces ----------------------------------------------------------------------------------

EDGES = [0.0, -0.0, 1.0, -2.5, 3.0, np.inf, -np.inf, np.nan]
PIECES = {
    "abs": lambda x, y, m: np.abs(x), "abs of a difference": lambda x, y, m: abs(x - y),
    "maximum": lambda x, y, m: np.maximum(x, y), "minimum": lambda x, y, m: np.minimum(y, x * 1.0),
    "maximum with a constant": lambda x, y, m: np.maximum(x, 0.0),
    "constant with minimum": lambda x, y, m: np.minimum(-1, x),
    "fmax": lambda x, y, m: np.fmax(x, y), "where": lambda x, y, m: np.where(m, x, y),
    "where with a constant": lambda x, y, m: np.where(m, x * 2.0, 1.5),
    "constant where": lambda x, y, m: np.where(m, np.inf, y),
    "plain where": lambda x, y, m: np.where(m, x.value[::-1], y),
    "where of one": lambda x, y, m: np.where(m, x, y[0]),
    "huber": lambda x, y, m: np.where(np.abs(x) < 1.0, 0.5 * x * x, np.abs(x) - 0.5),
    "roots": lambda x, y, m: np.where(x > 0.0, np.sqrt(x * x), np.maximum(np.sqrt(y * y), x)),
    "dropped": lambda x, y, m: np.where(m, np.sqrt(x * x) * 3.0, np.sqrt(-y)) + np.abs(
        np.sqrt(x * x)),
}


def values_of_piece(name, x, y, m):
    """The same of plain arrays."""
    with np.errstate(all="ignore"):
        if name == "plain where":
            return np.where(m, x[::-1], y)
        return PIECES[name](x, y, m)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("name", PIECES)
def test_pieces_at_every_edge(name, order, dtype):
    a, b = (v.ravel().astype(dtype) for v in np.meshgrid(EDGES, EDGES))
    a, b = np.tile(a, 3), np.tile(b, 3)  # more than a vector
    mask = np.arange(a.size) % 3 == 0
    x, y = numbers(a, b, order=order)
    with np.errstate(all="ignore"):
        got, want = PIECES[name](x, y, mask), at_once(lambda: PIECES[name](x, y, mask))
        assert got.dtype == want.dtype == dtype
        assert same(got, want)
    plain = values_of_piece(name, a, b, mask)
    assert np.array_equal(got.value, plain, equal_nan=True)
    number = ~np.isnan(plain)  # the sign of a NaN is no operation's: IEEE 754, 6.3
    assert np.array_equal(np.signbit(got.value)[number], np.signbit(plain)[number])


SHAPED = {
    "mask of a row": ((N,), (3, N), (3, N)), "mask of a column": ((3, 1), (3, N), (3, N)),
    "mask without dimensions": ((), (3, N), (3, N)), "one element": ((3, N), (3, N), (1,)),
    "mask larger": ((3, N), (N,), (N,)), "operands broadcast": ((3, N), (3, 1), (N,)),
    "no dimensions": ((3, N), (), ()), "one mask": ((1, 1), (3, N), ()),
}


@pytest.mark.parametrize("layout", [lambda a: a, lambda a: a[..., ::-1] if a.ndim else a,
                                    lambda a: np.repeat(a, 2, -1)[..., ::2] if a.ndim else a])
@pytest.mark.parametrize("name", SHAPED)
def test_masks_of_every_shape(name, layout):
    rng = np.random.default_rng(5)
    mask, a, b = (rng.normal(size=s) for s in SHAPED[name])
    mask = layout(mask > 0)
    x, y = numbers(a, b, order=2)
    x, y = layout(x), layout(y)
    for f in (lambda: np.where(mask, x, y), lambda: np.where(mask, np.exp(x), 2.0 * y),
              lambda: np.where(mask, 1.5, y), lambda: np.where(mask.astype(float) * np.nan, x, y)):
        got, want = f(), at_once(f)
        assert got.shape == want.shape and same(got, want)
    assert np.array_equal(np.where(mask, x, y).value, np.where(mask, x.value, y.value))
    if mask.ndim == x.ndim == 2:
        for f in (lambda: np.where(mask.T, x.T, 1.0), lambda: np.abs(x.T)):
            assert same(f(), at_once(f))


def test_a_mask_that_changes_afterwards():
    a = np.linspace(0.0, 1.0, N)
    x, = numbers(a)
    mask = a > 0.5
    y = np.where(mask, x, 2.0 * x)
    mask[:] = False
    assert np.array_equal(y.value, np.where(a > 0.5, a, 2.0 * a))


def test_pieces_with_lanes():
    a = np.linspace(-1.0, 2.0, N)

    def f(x):
        y = np.where(x[1:] > 0.3, x[1:] * x[1:], np.abs(x[1:]))  # lanes of one kind
        z = np.where(x[:-1] > 0.3, x[:-1], x[1:])                # of two
        return np.sum(np.maximum(y, z) * np.minimum(np.abs(x[1:]), 0.7) + np.where(y > 0, y, 0.0))
    before = dd.set_lanes("always")
    try:
        for transform in (dd.grad, dd.hessian):
            assert np.array_equal(transform(f)(a), at_once(transform(f), a))
    finally:
        dd.set_lanes(before)


def test_comparisons_look_at_values_only():
    a = np.linspace(-1.0, 1.0, 41)
    x, = numbers(a)
    kept = np.exp(x)
    assert np.array_equal(kept * 2.0 - x < 1.5, np.exp(a) * 2.0 - a < 1.5)
    assert np.array_equal(1.5 > abs(x), 1.5 > abs(a))
    assert np.array_equal(kept * x == x * kept, np.full(41, True))
    assert same(kept, at_once(np.exp, x))
    z = kept * 3.0
    assert np.array_equal(z > 2.0, np.exp(a) * 3.0 > 2.0)
    assert same(z, at_once(lambda: np.exp(x) * 3.0))
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in log") as seen:
        found = np.log(abs(x)) * 2.0 < -1.0
    assert len(seen) == 1
    with np.errstate(divide="ignore"):
        assert np.array_equal(found, np.log(abs(a)) * 2.0 < -1.0)


def test_bound():
    before = set_later_bytes(123)
    assert set_later_bytes(before) == 123


def test_slopes_alone_take_no_memory_for_values():
    a = np.linspace(-1.0, 1.0, 400_000)
    slope = dd.elementwise_grad(lambda x: np.sin(x) * (x - 3.0))
    assert np.allclose(slope(a), np.cos(a) * (a - 3.0) + np.sin(a))
    assert peak_of(lambda: slope(a)) < 2.5 * a.nbytes


def test_a_result_that_lives_on_is_whole():
    a, seen = np.linspace(-1.0, 1.0, N), []

    def f(x):
        seen.append(np.exp(x) * x)
        return seen[-1]
    slope = dd.elementwise_grad(f)(a)
    slope[:] = 0.0
    y = seen[0]
    assert np.array_equal(y.value, np.exp(a) * a)
    assert np.allclose(y.terms[0], np.exp(a) * (1 + a), rtol=1e-15)


# ---- what is held and not looked at ------------------------------------------------------------

def test_a_cheap_number_that_is_held_is_computed_when_it_is_looked_at():
    a = np.linspace(-1.0, 1.0, 400_000)

    def f(x):
        y = x * 3.0
        return y * y + np.sin(x), y
    slope, y = dd.elementwise_grad(f, has_aux=True)(a)
    assert np.allclose(slope, 18.0 * a + np.cos(a), rtol=1e-14) and np.array_equal(y, 3.0 * a)
    x, = numbers(a[:N])
    y = x * 3.0
    assert np.array_equal(np.exp(y * y).value, np.exp((a[:N] * 3.0) ** 2))  # y is held
    x[0] = 7.0
    assert y.value[0] == 3.0 * a[0] and np.array_equal(y.terms, 3.0 * np.eye(N))
    y, total = x * 3.0, []
    for _ in range(3):
        total.append(np.sum(y * y).value)
    assert len(set(total)) == 1 and np.array_equal(y.value, x.value * 3.0)


@pytest.mark.parametrize("f", [
    lambda x, m: np.where(m, x * x, x * 2.0), lambda x, m: np.where(m, x * 3.0, 1.0),
    lambda x, m: np.where(m, 0.0, np.sin(x)),
])
def test_operands_of_where_wait_on(f):
    a = np.linspace(-1.0, 1.0, 400_000)
    slope = dd.elementwise_grad(lambda x: f(x, a < 0.3))
    slope(a)
    assert peak_of(lambda: slope(a)) < 3.5 * a.nbytes  # a copy of a, the mask, the slopes


@pytest.mark.parametrize("ask", [np.shape, np.ndim, np.size, len, np.iscomplexobj, np.isrealobj,
                                 np.common_type])
def test_asking_for_shape_or_dtype_computes_nothing(ask):
    a, peaks = np.linspace(-1.0, 1.0, 400_000), []

    def f(x):
        y = np.sin(x) * 2.0
        peaks.append(peak_of(lambda: ask(y)))
        assert ask(y) == ask(a)
        return y
    assert np.array_equal(dd.elementwise_grad(f)(a), 2.0 * np.cos(a))
    assert peaks[0] < a.nbytes / 10


def add_to(a, s):
    a += s


def set_first(a, s):
    a[0] = s


def set_part(a, s):
    a[3:7] = s


def fill(a, s):
    np.copyto(a, s)


@pytest.mark.parametrize("assign", [add_to, set_first, set_part, fill])
@pytest.mark.parametrize("second", [False, True])
def test_readers_of_what_waited_see_it_as_it_was(assign, second):
    def f(x):
        a = x * 1.0
        z = np.sin(x) * a if second else a * np.sin(x)  # reads a while that waits
        assign(a, 2.0)
        return z, a
    v = np.linspace(1.0, 2.0, N)
    x, y = numbers(v), numbers(v)
    (z, a), (wanted, b) = f(x[0]), at_once(lambda: f(y[0]))
    assert same(z, wanted) and same(a, b) and np.array_equal(z.value, v * np.sin(v))


def test_a_nan_changes_no_neighbour():
    """Not even the sign of a zero: which elements share its block depends on the threads."""
    y = np.random.default_rng(0).normal(size=400_000)
    y[200_000] = 0.0  # 0 / 0

    def signs(threads):
        before = dd.set_num_threads(threads)
        try:
            with np.errstate(all="ignore"):
                return np.signbit(dd.elementwise_grad(lambda x: np.maximum(x, -x) / x)(y))
        finally:
            dd.set_num_threads(before)
    assert np.array_equal(signs(1), signs(2)) and np.array_equal(signs(1), signs(3))


@pytest.mark.parametrize("f", [
    lambda v: np.sum(np.sin(v)),
    lambda v: np.sum(np.outer(v, [1.0, 2.0])),
    lambda v: np.sum(np.roll(v, 1) * v),
    lambda v: np.sum(np.exp(v).reshape(-1, 1) * [1.0, 3.0]),
])
@pytest.mark.parametrize("of", [lambda a: a[1:], lambda a: a[::-1], lambda a: a.reshape(-1)])
def test_views_follow_their_number_before_they_wait(f, of):
    """Their number has become dense, or has other lanes, since they were made."""
    def dense(x):
        a = x * 1.0
        v = of(a)
        a[3] = np.sum(x * x)
        return f(v)

    def others(x):
        a = x * 1.0
        v = of(a)
        a[2] = x[0] * x[5]
        return f(v)

    x = np.linspace(0.2, 1.0, 30)
    before = dd.set_lanes("always")
    try:
        for function in (dense, others):
            g = dd.grad(function)
            got, wanted = g(x), at_once(functools.partial(g, x))
            dd.set_lanes("never")
            assert np.allclose(got, g(x), rtol=1e-13)
            assert np.allclose(got, wanted, rtol=1e-13)
            dd.set_lanes("always")
    finally:
        dd.set_lanes(before)
