"""Plain NumPy code for tests/test_lift.py: nobody wrote it for numbers.

May import: NumPy, math.
"""

import functools
import math
from math import exp, hypot as distance

import numpy
import numpy as np
from numpy import array, zeros as blank

FACTOR = 2.0
calls = 0


def doubled(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs) * 2

    return wrapper


def filled(x, n=3, *, make=np.zeros, fill=FACTOR):
    a = make(n)
    a[0] = x * fill
    return a


def by_alias(x):
    return filled(x).sum() + numpy.zeros(2).sum()


def by_name(x):
    a = blank(4)
    a[1:3] = array([x, x**2])
    return a.sum()


def imports_inside(x):
    import math as m

    import numpy as npy
    from numpy import empty, linalg

    a = npy.zeros(2)
    a[:] = x
    b = empty(1)
    b[0] = m.atan(x)
    return linalg.norm(a) + b[0]


def even(n, x):
    return blank(1) + x if n == 0 else odd(n - 1, 3 * x)


def odd(n, x):
    return even(n - 1, x)


def mutual(x):
    return even(4, x).sum()


@doubled
def decorated(x):
    """Behind a decorator."""
    return filled(x, 2)[0] ** 2


def closing_over(k):
    offset = np.ones(1)

    def power(n, x):
        a = np.zeros(1)
        a[0] = offset[0] if n == 0 else x * power(n - 1, x)
        return a[0]

    return lambda x: k * power(3, x)


closure = closing_over(5)


def counts(x):
    nonlocal_count = 0

    def bump():
        nonlocal nonlocal_count
        nonlocal_count += 1
        return np.full(1, x)[0]

    return sum(bump() for _ in range(4)) * nonlocal_count


def generated(x):
    def terms():
        for i in range(3):
            a = np.zeros(3)
            a[i] = x
            yield a.sum() * i

    return sum(terms()) + sum([filled(x)[0] for _ in range(2)])


partly = functools.partial(filled, n=5, make=np.ones)


def partial_sum(x):
    return partly(x).sum()


@functools.cache
def remembered(x):
    return filled(x).sum()


def with_cache(x):
    return remembered(x) * x


class Base:
    scale = 3

    def __init__(self, n):
        self.n, self.calls = n, 0

    def buffer(self, x):
        a = np.zeros(self.n)
        a[-1] = x * self.scale
        return a


class Model(Base):
    def run(self, x):
        self.calls += 1
        return self.buffer(x).sum() + self.half(x) + self.two.sum() * x

    @staticmethod
    def half(x):
        a = np.zeros(1)
        a[0] = x / 2
        return a[0]

    @classmethod
    def make(cls, n):
        return cls(n)

    @property
    def two(self):
        return np.ones(2)

    __call__ = run


model = Model(4)


def uses_class(x):
    m = Model.make(2)
    assert isinstance(m, Model) and isinstance(model, Model) and issubclass(Model, Base)
    return m.run(x) + Model(3)(x)


def class_inside(x):
    class Local:
        start = np.zeros(2)
        factor = FACTOR

        def fill(self):
            self.start[0] = x * self.factor
            return self.start

    return Local().fill().sum()


def scalar(x):
    y = math.sin(x) + math.log(x, 2) + math.pow(x, 3) + exp(x) * math.sqrt(x) + distance(x, 2)
    y += math.atan2(x, 2) + math.fsum([x, x]) + math.prod([x, x, 2]) + math.floor(x)
    if math.isfinite(y) and isinstance(float(x), float | type(x)):
        y = y + float(x) + math.pi
    return y


def floats(x):
    a = np.zeros(3, dtype=float)
    a[0] = float(x)
    b = np.array([1, 2]).astype(float)
    assert b.dtype == float
    assert isinstance(1.0, float) and not isinstance(1, float) and float("inf") == math.inf
    return a.sum() * b[1]


def writes_global(x):
    global calls
    calls += 1
    a = np.zeros(2)
    a[0] = x * calls
    return a.sum()


def reads_factor(x):
    a = np.zeros(1)
    a[0] = x * FACTOR
    return a[0]


SMOOTH = {f.__name__: f for f in (
    by_alias, by_name, imports_inside, mutual, decorated, counts, generated, partial_sum,
    with_cache, uses_class, class_inside, scalar, floats, reads_factor)}
SMOOTH.update(closure=closure, method=model.run, instance=model, static=Model.half,
              partial=functools.partial(filled, n=2, fill=7.0),
              library=lambda x: np.array([[x, 1.0], [2.0, x]]) @ np.ones(2))


def squared(x):
    a = np.zeros(1)
    a[0] = x
    return a[0] ** 2


def cubed(x):
    a = np.zeros(1)
    a[0] = x
    return a[0] ** 3


TABLE = {"square": squared, "twice": lambda x: filled(x)[0]}


def by_table(x, name):
    assert name in TABLE and len(TABLE) >= 2 and name in list(TABLE)
    return TABLE[name](x)


class Slotted:
    __slots__ = ("a",)

    def __init__(self):
        self.a = np.zeros(2)

    def put(self, x):
        self.a[0] = x
        return self.a.sum()


class Child(Slotted):
    __slots__ = ("b",)

    def __init__(self):
        super().__init__()
        self.b = np.ones(2)

    def put(self, x):
        self.b[1] = x
        return super().put(x) * self.b[1] + super(Child, self).put(x) * self.b[1]  # noqa: UP008


def uses_super(x):
    return Child().put(x)
