"""dualdiff.random against Random123's vectors, stored figures of JAX, and JAX itself."""

import doctest
import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from dualdiff import _threefry, random

KEY = random.key(7)
FLOATS = (np.float16, np.float32, np.float64)


def ulps(a, b):
    """Distances in units in the last place of b."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype and a.shape == b.shape
    return np.abs(a - b) / np.spacing(np.abs(b))


# ---- the generator ------------------------------------------------------------------------

# kat_vectors of Random123, threefry2x32 with 20 rounds: counter, key, cipher.
KNOWN = [
    ("00000000 00000000", "00000000 00000000", "6b200159 99ba4efe"),
    ("ffffffff ffffffff", "ffffffff ffffffff", "1cb996fc bb002be7"),
    ("243f6a88 85a308d3", "13198a2e 03707344", "c4923a9c 483df7a0"),
]


def _hex(words):
    return np.array([int(w, 16) for w in words.split()], np.uint32)


@pytest.mark.parametrize("counter, key, cipher", KNOWN)
def test_known_answers(counter, key, cipher):
    x, y = _hex(counter).reshape(2, 1)
    before = x.copy(), y.copy()
    assert_array_equal(np.concatenate(_threefry.threefry(_hex(key), x, y)), _hex(cipher))
    assert_array_equal((x, y), before)


def test_counters_are_those_of_the_position():
    keys = random.split(KEY, 5)
    assert_array_equal(random.split(KEY, 2), keys[:2])
    assert_array_equal(random.split(KEY, (5, 1)), keys[:, None])
    assert_array_equal([random.fold_in(KEY, i) for i in range(5)], keys)
    words = random.bits(KEY, (2, 3))
    assert_array_equal(random.bits(KEY, 6), words.ravel())
    assert_array_equal(words.ravel()[:5] >> 32, keys[:, 0])
    assert_array_equal(words.ravel()[:5] % 2**32, keys[:, 1])
    folded = (words >> 32 ^ words).astype(np.uint32)
    for dtype in (np.uint32, np.uint16, np.uint8):
        assert_array_equal(random.bits(KEY, (2, 3), dtype), folded.astype(dtype))


# ---- stored figures: JAX 0.12.0.1 with jax_enable_x64 ---------------------------------------

SEEDS = [
    (0, 0, 0),
    (7, 0, 7),
    (-3, 2**32 - 1, 2**32 - 3),
    (2**31 + 5, 0, 2**31 + 5),
    (2**40 + 7, 256, 7),
    (-(2**63), 2**31, 0),
    (np.int8(-1), 0, 2**32 - 1),
    (np.int32(-5), 0, 2**32 - 5),
    (np.int64(-5), 2**32 - 1, 2**32 - 5),
    (np.uint64(2**63 + 3), 2**31, 3),
    (np.array(9), 0, 9),
]


@pytest.mark.parametrize("seed, high, low", SEEDS)
def test_seeds(seed, high, low):
    key = random.key(seed)
    assert key.dtype == np.uint32
    assert_array_equal(key, [high, low])


EXACT = [
    (lambda R, k: R.split(k), [[3625411723, 1954958720], [195045567, 4062205631]]),
    (lambda R, k: R.fold_in(k, 2**31 + 5), [3129736998, 445282630]),
    (lambda R, k: R.bits(k, (3,), np.uint8), [0x0B, 0x00, 0xAA]),
    (lambda R, k: R.bits(k, (3,), np.uint16), [0x290B, 0x7E00, 0x29AA]),
    (lambda R, k: R.bits(k, (3,), np.uint32), [0xAC91290B, 0xF9807E00, 0x4D8729AA]),
    (lambda R, k: R.bits(k, (2,)), [0xD817648B74864D80, 0x0BA028BFF22056BF]),
    (lambda R, k: R.bits(k), 0xD817648B74864D80),
    (lambda R, k: R.uniform(k, (3,), np.float16), np.float16([0.1602, 0.4922, 0.1621])),
    (lambda R, k: R.uniform(k, (2,), np.float32), np.float32([0.6740899, 0.9746169])),
    (lambda R, k: R.uniform(k, (2,)), [0.8441069450823528, 0.04541258512665647]),
    (lambda R, k: R.randint(k, (8,), -5, 100, np.int8), [44, 12, 85, 17, 52, 36, 59, 69]),
    (lambda R, k: R.randint(k, (8,), 0, 100, np.uint32), [99, 22, 0, 37, 22, 86, 84, 54]),
    (lambda R, k: R.randint(k, (8,), -5, 100), [42, 34, 96, 19, 21, 97, 21, 55]),
    (lambda R, k: R.bernoulli(k, 0.3, (8,)), np.array([0, 1, 1, 1, 1, 0, 0, 0], bool)),
    (lambda R, k: R.bernoulli(k, np.float32(0.3), (3,)), np.array([0, 0, 0], bool)),
    (lambda R, k: R.permutation(k, 8), [4, 2, 3, 5, 0, 7, 6, 1]),
    (lambda R, k: R.permutation(k, 2000)[:6], [1785, 5, 1002, 442, 880, 109]),
    (
        lambda R, k: R.permutation(k, np.arange(6).reshape(2, 3), 1, True),
        [[2, 0, 1], [4, 3, 5]],
    ),
]
CLOSE = [
    (np.float16, [-0.9927, -0.01897, -0.9844]),
    (np.float32, [0.45123515, 1.9534509, -0.51623946]),
    (np.float64, [1.0114813355590866, -1.6910609087906374, -0.7554662899926428]),
]


@pytest.mark.parametrize("draw, figures", EXACT)
def test_stored_figures(draw, figures):
    assert_array_equal(draw(random, KEY), figures)


@pytest.mark.parametrize("dtype, figures", CLOSE)
def test_stored_normal_figures(dtype, figures):
    assert ulps(random.normal(KEY, (3,), dtype), dtype(figures)).max() <= 2


def test_stored_complex_normal_figures():
    z = random.normal(KEY, (2,), complex)
    expected = [
        0.2486219065895716 - 0.3681745440129854j,
        -0.816142769279704 - 0.2253882086257468j,
    ]
    np.testing.assert_allclose(z, expected, rtol=1e-15)


def test_tutorial_coefficients():
    key, W_key, b_key = random.split(random.key(0), 3)
    W, b = random.normal(W_key, (3,), np.float32), random.normal(b_key, (), np.float32)
    assert ulps(W, np.float32([-2.4424558, -2.0356805, 0.20554423])).max() <= 1
    assert ulps(b, np.float32(1.2956359)) <= 1
    W, b = random.normal(W_key, (3,)), random.normal(b_key, ())
    np.testing.assert_allclose(W, [-1.4008841, 1.432145, 0.6248107], rtol=1e-7)
    np.testing.assert_allclose(b, 0.39051537, rtol=1e-7)


# ---- JAX itself, where it is installed ----------------------------------------------------


@pytest.fixture
def jax_random():
    """jax.random in 64-bit mode."""
    jax = pytest.importorskip("jax")
    assert jax.config.jax_threefry_partitionable, "JAX's default is another now"
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax.random
    jax.config.update("jax_enable_x64", before)


SHAPES = [(), (0,), (5,), (3, 4, 5), (100_003,)]
UINTS = (np.uint8, np.uint16, np.uint32, np.uint64)
INTS = (np.int8, np.int16, np.int32, np.int64, *UINTS)
RANGES = [(0, 7), (3, 3), (9, 2), (0, 2**16), (-1000, 2**16 + 1), (0, 2**31 - 1), (200, 300)]


@pytest.mark.parametrize("seed", [s for s, _, _ in SEEDS])
def test_jax_seeds(jax_random, seed):
    assert_array_equal(random.key(seed), jax_random.PRNGKey(seed))


@pytest.mark.parametrize("draw, figures", EXACT)
def test_jax_figures(jax_random, draw, figures):
    assert_array_equal(draw(random, KEY), draw(jax_random, KEY))


@pytest.mark.parametrize("shape", SHAPES)
def test_jax_shapes(jax_random, shape):
    for dtype in UINTS:
        ours, theirs = random.bits(KEY, shape, dtype), jax_random.bits(KEY, shape, dtype)
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        assert_array_equal(ours, theirs)
    for dtype in FLOATS:
        ours, theirs = random.uniform(KEY, shape, dtype), jax_random.uniform(KEY, shape, dtype)
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        assert_array_equal(ours, theirs)
    assert_array_equal(random.split(KEY, shape), jax_random.split(KEY, shape))


@pytest.mark.parametrize("dtype", FLOATS)
def test_jax_uniform_between_bounds(jax_random, dtype):
    for a, b in ((-3.0, 5.25), (dtype([[1], [-7]]), 10), (5.0, 2.0)):
        ours = random.uniform(KEY, (2, 1000), dtype, a, b)
        theirs = np.asarray(jax_random.uniform(KEY, (2, 1000), dtype, a, b))
        assert ours.dtype == theirs.dtype
        assert (np.abs(ours - theirs) <= np.spacing(dtype(np.max(np.abs(b))))).all()


@pytest.mark.parametrize(
    "dtype, equal, worst", [(np.float16, 1, 0), (np.float32, 0.98, 4), (np.float64, 0.9, 5)]
)
def test_jax_normal(jax_random, dtype, equal, worst):
    theirs = np.asarray(jax_random.normal(KEY, (200_000,), dtype))
    d = ulps(random.normal(KEY, (200_000,), dtype), theirs)
    assert d.max() <= worst
    assert np.mean(d == 0) >= equal
    assert np.mean(d <= 2) >= 0.99


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_jax_complex_normal(jax_random, dtype):
    theirs = np.asarray(jax_random.normal(KEY, (1000,), dtype))
    ours = random.normal(KEY, (1000,), dtype)
    assert max(ulps(ours.real, theirs.real).max(), ulps(ours.imag, theirs.imag).max()) <= 5


@pytest.mark.parametrize("dtype", INTS)
def test_jax_randint(jax_random, dtype):
    info = np.iinfo(dtype)
    full = [(info.min, info.max), (info.min, min(info.max + 1, 2**63 - 1))]
    for low, high in RANGES + (full if dtype is not np.uint64 else []):
        ours = random.randint(KEY, (1000,), low, high, dtype)
        assert ours.dtype == dtype
        assert_array_equal(ours, jax_random.randint(KEY, (1000,), low, high, dtype))
    low, high = np.array([[0], [50]]), np.array([10, 100, 20])
    ours = random.randint(KEY, (2, 3), low, high, dtype)
    assert_array_equal(ours, jax_random.randint(KEY, (2, 3), low, high, dtype))


@pytest.mark.parametrize("n", [0, 1, 2, 1625, 1626, 3000])
def test_jax_permutation(jax_random, n):
    assert_array_equal(random.permutation(KEY, n), jax_random.permutation(KEY, n))
    x = np.arange(4.0 * n).reshape(n, 2, 2)
    for axis in (0, 1, -1):
        for independent in (False, True):
            assert_array_equal(
                random.permutation(KEY, x, axis, independent),
                jax_random.permutation(KEY, x, axis, independent),
            )


@pytest.mark.parametrize("p", [0.3, np.float16(0.3), np.linspace(0, 1, 50)[:, None]])
def test_jax_bernoulli(jax_random, p):
    for shape in (None, (50, 40)):
        assert_array_equal(random.bernoulli(KEY, p, shape), jax_random.bernoulli(KEY, p, shape))


# ---- distributions: statistics of fixed keys ------------------------------------------------

erf = np.vectorize(math.erf, otypes=[float])


def ks(sample, cdf):
    """Kolmogorov's statistic times sqrt(n): above 1.63 in one of 100 samples."""
    p = cdf(np.sort(sample.astype(float)))
    i = np.arange(p.size)
    return max((p - i / p.size).max(), ((i + 1) / p.size - p).max()) * math.sqrt(p.size)


@pytest.mark.parametrize("dtype", FLOATS[1:])
def test_distribution_of_floats(dtype):
    assert ks(random.uniform(KEY, (50_000,), dtype), lambda u: u) < 1.63
    assert ks(random.uniform(KEY, (50_000,), dtype, -2, 3), lambda u: (u + 2) / 5) < 1.63
    assert ks(random.normal(KEY, (50_000,), dtype), lambda z: (1 + erf(z / 2**0.5)) / 2) < 1.63
    z = random.normal(KEY, (50_000,), np.result_type(dtype, np.complex64))
    assert ks(z.imag, lambda y: (1 + erf(y)) / 2) < 1.63
    assert ks(np.abs(z) ** 2, lambda r: -np.expm1(-r)) < 1.63


def test_distribution_of_integers():
    def chi2(counts, expected):  # minus its mean, over its deviation
        d = len(counts) - 1
        return (((counts - expected) ** 2 / expected).sum() - d) / math.sqrt(2 * d)

    for dtype in INTS:
        draw = random.randint(KEY, (60_000,), 3, 63, dtype)
        assert draw.min() == 3 and draw.max() == 62
        assert abs(chi2(np.unique(draw, return_counts=True)[1], 1000)) < 4
    orders = random.permutation(KEY, np.tile(np.arange(4), (24_000, 1)), 1, independent=True)
    names, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(names) == 24 and abs(chi2(counts, 1000)) < 4
    p = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    mean = random.bernoulli(KEY, p, (100_000, 5)).mean(axis=0)
    assert (np.abs(mean - p) <= 4 * np.sqrt(p * (1 - p) / 100_000)).all()


@pytest.mark.parametrize("dtype", FLOATS[1:])
def test_erfinv_inverts_erf(dtype):
    # In both tails too; there, 1 - erf tells more than erf.
    x = dtype(1) - np.geomspace(np.finfo(dtype).eps, 1, 2001).astype(dtype)
    x = np.concatenate([x, np.geomspace(1e-30, 1, 500)[:-1].astype(dtype)])
    y = _threefry._erfinv(x).astype(float)
    assert_array_equal(_threefry._erfinv(-x).astype(float), -y)
    slope = 2 / math.sqrt(math.pi) * np.exp(-(y**2))
    error = np.abs(erf(y) - x) / slope
    # x*x rounds, by up to eps/4: as much as moving x so far.
    allowed = 4 * np.finfo(dtype).eps * y + 0.5 * np.finfo(dtype).eps * x / slope
    assert (error <= allowed + 1e-300).all()


# ---- what comes out, and what goes in -------------------------------------------------------

DRAWS = {
    "bits": lambda shape: random.bits(KEY, shape),
    "uniform": lambda shape: random.uniform(KEY, shape, np.float32, -1, 2),
    "normal": lambda shape: random.normal(KEY, shape),
    "complex": lambda shape: random.normal(KEY, shape, np.complex64),
    "randint": lambda shape: random.randint(KEY, shape, -(2**63), 2**63 - 1),
    "bernoulli": lambda shape: random.bernoulli(KEY, 0.25, shape),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_shapes(draw):
    assert isinstance(draw(()), np.generic)
    assert_array_equal(draw(6), draw((6,)))
    assert_array_equal(draw([2, np.int64(3)]), draw((6,)).reshape(2, 3))
    assert_array_equal(draw(6)[0], draw(()))
    assert draw((2, 0, 3)).shape == (2, 0, 3)
    assert isinstance(draw(1), np.ndarray)


def test_defaults():
    assert random.uniform(KEY).dtype == random.normal(KEY).dtype == np.float64
    assert random.bits(KEY).dtype == np.uint64
    assert random.randint(KEY, (), 0, 5).dtype == np.int64
    assert random.bernoulli(KEY).dtype == bool
    assert random.bernoulli(KEY, [0.5, 1.0]).shape == (2,)
    assert random.split(KEY).shape == (2, 2)


def test_full_range_of_integers():
    for dtype in INTS:
        info = np.iinfo(dtype)
        if dtype is not np.uint64:  # whose 2**64 is no NumPy integer
            draw = random.randint(KEY, (5000,), info.min, info.max + 1, dtype)
            assert draw.min() < info.min * 0.98 + info.max * 0.02
            assert draw.max() > info.max * 0.98 + info.min * 0.02
    # Bounds beyond the dtype are cut, not wrapped.
    small = random.randint(KEY, (5000,), -(2**40), 2**40, np.int8)
    assert small.min() == -128 and small.max() == 127


def test_permutation_leaves_its_input_and_keeps_its_elements():
    x = np.arange(24.0).reshape(4, 3, 2)[:, ::-1]
    x.flags.writeable = False
    for axis in range(-3, 3):
        for independent in (False, True):
            y = random.permutation(KEY, x, axis, independent)
            assert_array_equal(np.sort(y, axis), np.sort(x, axis))
    assert_array_equal(random.permutation(KEY, list("abcd")), np.array(list("cdab")))
    assert random.permutation(KEY, 3.0 * np.arange(1)).dtype == float
    with pytest.raises(np.exceptions.AxisError, match="axis 3"):
        random.permutation(KEY, x, 3)


def test_arguments_are_not_written_to():
    key = random.key(3)
    key.flags.writeable = False
    for a in (random.split(key), random.bits(key, 3), random.permutation(key, 3)):
        a[...] = 0
    assert_array_equal(key, [0, 3])


# What is called, what it raises, and words of the message.
KEYS = random.split(KEY)
MESSAGES = [
    (lambda: random.normal(0), TypeError, "normal: expected a key", "of shape ()", "(seed)"),
    (lambda: random.bits(np.zeros(2)), TypeError, "bits: ", "uint32", "float64 of shape (2,)"),
    (lambda: random.split(KEYS), TypeError, "split: ", "got uint32 of shape (2, 2)", "keys[0]"),
    (lambda: random.uniform((3,), KEY), TypeError, "uniform: expected a key", "of shape (1,)"),
    (lambda: random.key(1.5), TypeError, "key: expected seed", "got float64", "int(seed)"),
    (lambda: random.key([1, 2]), TypeError, "key: expected seed", "of shape (2,)"),
    (lambda: random.key(2**64), OverflowError, "key: ", "got 184467", "pass seed % 2**64"),
    (lambda: random.fold_in(KEY, 2.0), TypeError, "fold_in: expected data", "int(data)"),
    (lambda: random.fold_in(KEY, -1), OverflowError, "fold_in: ", "got -1", "data % 2**32"),
    (lambda: random.fold_in(KEY, 2**70), OverflowError, "fold_in: ", "data % 2**32"),
    (lambda: random.split(KEY, -1), TypeError, "split: expected num", "got -1"),
    (lambda: random.normal(KEY, (2, -1)), TypeError, "normal: expected shape", "got (2, -1)"),
    (lambda: random.normal(KEY, 2.0), TypeError, "normal: expected shape", "got 2.0", "(3, 2)"),
    (lambda: random.normal(KEY, np.float32), TypeError, "normal: expected shape", "float32"),
    (lambda: random.normal(KEY, (), int), TypeError, "normal: expected a dtype", "complex64"),
    (lambda: random.uniform(KEY, (), ">f8"), TypeError, "uniform: ", "'>f8'", "astype"),
    (lambda: random.uniform(KEY, (), "real"), TypeError, "uniform: ", "'real'", "float64"),
    (lambda: random.bits(KEY, (), np.int32), TypeError, "bits: ", "uint8, uint16, uint32, "),
    (lambda: random.randint(KEY, (), 0, 5, float), TypeError, "randint: ", "int8, int16, int"),
    (lambda: random.randint(KEY, (), 0, 5.0), TypeError, "randint: expected maxval", "int(x)"),
    (lambda: random.randint(KEY, (), 0, 2**64), TypeError, "randint: expected max", "64 bits"),
    (lambda: random.uniform(KEY, 2, float, KEYS), ValueError, "uniform: ", "shape (2, 2)"),
    (lambda: random.uniform(KEY, (), float, {}), TypeError, "uniform: expected minval", "*"),
    (lambda: random.bernoulli(KEY, 1), TypeError, "bernoulli: expected p", "float(p)"),
    (lambda: random.bernoulli(KEY, [0.1], ()), ValueError, "bernoulli: ", "of shape (1,)"),
    (lambda: random.permutation(KEY, 2.0), TypeError, "permutation: expected x", "int(x)"),
]


@pytest.mark.parametrize("call, error, words", [(c, e, w) for c, e, *w in MESSAGES])
def test_messages(call, error, words):
    with pytest.raises(error) as raised:
        call()
    for w in words:
        assert w in str(raised.value)


def test_typed_keys_of_jax_name_the_way_out():
    jax = pytest.importorskip("jax")
    with pytest.raises(TypeError, match="key_data"):
        random.normal(jax.random.key(0))
    assert_array_equal(
        random.split(np.asarray(jax.random.key_data(jax.random.key(7)))), random.split(KEY)
    )


def test_docstrings():
    failed, tried = doctest.testmod(random)
    assert tried > 20 and not failed
    assert all(getattr(random, name).__doc__.count(">>>") > 1 for name in random.__all__)
