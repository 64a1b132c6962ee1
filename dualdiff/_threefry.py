"""The raw draws behind `dualdiff.random`: key words in, arrays out, nothing checked.

The arithmetic follows XLA's to the rounding, since the numbers are to be those of JAX. Only
float32 can follow all the way: float64 stands in for the fused multiply-add.

This module imports NumPy alone.
"""

import math

import numpy as np

UINT = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}

# Threefry-2x32 (Salmon et al. 2011, Random123): the rotations of the eight rounds of a period,
# and the constant behind the third key word.
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)

# Giles' polynomials for erfinv(x) / x, highest power first: (from this w on, centre,
# coefficients), where w = -log(1 - x**2). The first row is in w, the others in sqrt(w).
# fmt: off
_ERFINV = {
    np.float32: (
        (0.0, 2.5, np.float32([
            2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 2.1858087e-04,
            -1.25372503e-03, -4.17768164e-03, 0.246640727, 1.50140941]).tolist()),
        (5.0, 3.0, np.float32([
            -2.00214257e-04, 1.00950558e-04, 1.34934322e-03, -3.67342844e-03, 5.73950773e-03,
            -7.6224613e-03, 9.43887047e-03, 1.00167406, 2.83297682]).tolist()),
    ),
    np.float64: (
        (0.0, 3.125, (
            -3.64441206401782e-21, -1.6850591381820166e-19, 1.28584807152564e-18,
            1.1157877678025181e-17, -1.333171662854621e-16, 2.0972767875968562e-17,
            6.637638134358324e-15, -4.054566272975207e-14, -8.151934197605472e-14,
            2.6335093153082323e-12, -1.2975133253453532e-11, -5.415412054294628e-11,
            1.0512122733215323e-09, -4.112633980346984e-09, -2.9070369957882005e-08,
            4.2347877827932404e-07, -1.3654692000834679e-06, -1.3882523362786469e-05,
            1.8673420803405714e-04, -7.40702534166267e-04, -6.033670871430149e-03,
            0.24015818242558962, 1.6536545626831027)),
        (6.25, 3.25, (
            2.2137376921775787e-09, 9.075656193888539e-08, -2.7517406297064545e-07,
            1.8239629214389228e-08, 1.5027403968909828e-06, -4.013867526981546e-06,
            2.9234449089955446e-06, 1.2475304481671779e-05, -4.7318229009055734e-05,
            6.828485145957318e-05, 2.4031110387097894e-05, -3.550375203628475e-04,
            9.532893797373805e-04, -1.6882755560235047e-03, 2.491442096107851e-03,
            -3.751208507569241e-03, 5.370914553590063e-03, 1.0052589676941592,
            3.0838856104922208)),
        (16.0, 5.0, (
            -2.7109920616438573e-11, -2.5556418169965252e-10, 1.5076572693500548e-09,
            -3.789465440126737e-09, 7.61570120807834e-09, -1.496002662714924e-08,
            2.914795345090108e-08, -6.771199775845234e-08, 2.2900482228026655e-07,
            -9.9298272942317e-07, 4.526062597223154e-06, -1.9681778105531671e-05,
            7.599527703001776e-05, -2.1503011930044477e-04, -1.3871931833623122e-04,
            1.0103004648645344, 4.849906401408584)),
    ),
}
# fmt: on


def threefry(key, x, y):
    """Threefry-2x32, 20 rounds, of the counters (x, y), arrays of one axis or more."""
    ks = (*key, key[0] ^ key[1] ^ _PARITY)
    x, y = x + ks[0], y + ks[1]
    z = np.empty_like(y)
    for j in range(5):
        for r in _ROTATIONS[j % 2]:
            x += y
            np.left_shift(y, r, out=z)
            y >>= 32 - r
            y |= z
            y ^= x
        x += ks[(j + 1) % 3]
        y += ks[(j + 2) % 3]
        y += j + 1
    return x, y


def words(key, size):
    """The ciphers of the 64-bit counters below `size`: two arrays of uint32."""
    i = np.arange(size, dtype=np.uint64)
    return threefry(key, (i >> 32).astype(np.uint32), i.astype(np.uint32))


def split(key, size=2):
    """`size` keys, one a row."""
    return np.stack(words(key, size), axis=-1)


def bits(key, size, width):
    """`size` words of `width` random bits."""
    x, y = words(key, size)
    return x.astype(np.uint64) << 32 | y if width == 64 else (x ^ y).astype(UINT[width])


def uniform(key, shape, a, b):
    """Uniform in [a, b), of their float dtype."""
    info = np.finfo(a.dtype)
    # Random digits behind the point of a number in [1, 2).
    word = bits(key, math.prod(shape), info.bits) >> (info.bits - info.nmant)
    word |= np.ones((), a.dtype).view(word.dtype)
    return np.maximum(a, _fma(word.view(a.dtype).reshape(shape) - a.dtype.type(1), b - a, a))


def normal(key, size, dtype):
    """`size` normal numbers of a real or complex dtype."""
    if dtype.kind == "c":
        real, imag = (normal(k, size, dtype.type().real.dtype) for k in split(key))
        return (real + 1j * imag) / math.sqrt(2)
    one = dtype.type(1)
    u = uniform(key, (size,), np.nextafter(-one, one), one)
    # XLA has no erfinv in float16.
    z = _erfinv(u.astype(np.float32)).astype(dtype) if dtype == np.float16 else _erfinv(u)
    return z * dtype.type(math.sqrt(2))


def integers(key, shape, low, high, dtype):
    """Integers from low to high - 1, or low where there are none; low, high any integers."""
    info = np.iinfo(dtype)
    word = UINT[max(32, info.bits)]  # the small dtypes draw more bits than they hold
    above = high > info.max
    low, high = (_clip(x, info) for x in (low, high))
    first, second = (bits(k, math.prod(shape), 8 * word().itemsize) for k in split(key))
    first, second = first.reshape(shape), second.reshape(shape)
    with np.errstate(over="ignore"):  # modulo the size of a word: NumPy warns for scalars
        start = low.astype(word)
        span = np.where(high > low, high.astype(word) - start + above.astype(word), word(1))
        n = np.where(span == 0, word(1), span)  # a span of 0 is that of all words
        unit = word(2 ** (4 * word().itemsize)) % n
        offset = (first % n * (unit * unit % n) + second % n) % n
        return (start + np.where(span == 0, second, offset)).astype(dtype)


def shuffle(key, x, axis):
    """x shuffled along `axis`, every vector by itself."""
    # So many stable sorts that the words of all rounds together have x.size**3 values.
    values = 1
    while values < x.size**3:
        key, k = split(key)
        order = np.argsort(bits(k, x.size, 32).reshape(x.shape), axis, kind="stable")
        x = np.take_along_axis(x, order, axis)
        values *= 2**32 - 1
    return x


def _erfinv(x):
    """The inverse error function of float32 or float64 numbers inside (-1, 1)."""
    # x*x rounds before the logarithm, as in XLA, although (1 - x)*(1 + x) is better near 1.
    w = -np.log1p(-(x * x).astype(np.float64, copy=False)).astype(x.dtype, copy=False)
    (_, centre, c), *tails = _ERFINV[x.dtype.type]
    p = _polynomial(c, w - centre)
    for start, centre, c in tails:
        at = w >= start
        p[at] = _polynomial(c, np.sqrt(w[at]) - centre)
    return p * x


def _polynomial(c, x):
    """Sum of c[k] x**(n-k), by Horner's rule."""
    p = np.full_like(x, c[0])
    for a in c[1:]:
        p = _fma(p, x, a)
    return p


def _fma(a, b, c):
    """a*b + c; in float32 rounded once, as XLA does, since float64 holds a*b exactly."""
    if a.dtype == np.float32:
        return (a.astype(np.float64) * b + c).astype(np.float32)
    return a * b + c


def _clip(x, info):
    """The integers x, cut to the range of `info` and converted to its dtype."""
    own = np.iinfo(x.dtype)
    return x.clip(max(own.min, info.min), min(own.max, info.max)).astype(info.dtype)
