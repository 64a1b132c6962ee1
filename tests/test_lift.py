"""lift: plain code whose arrays and scalars take numbers, unchanged and unpatched."""

import inspect
import math
import threading

import lifted_package as plain
import numpy as np
import pytest

import dualdiff
from dualdiff import derivatives, grad, jacfwd, lift
from dualdiff._scalar_math import FUNCTIONS, LOOKS, OWN, Float


@pytest.mark.parametrize("name", plain.SMOOTH)
def test_derivatives_against_differences(name):
    f = plain.SMOOTH[name]
    x, h = 1.7, 1e-6
    got = derivatives(lift(f), 1)(x)
    difference = (np.asarray(f(x + h)) - np.asarray(f(x - h))) / (2 * h)
    np.testing.assert_allclose(got[1], difference, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(got[0], f(x), rtol=1e-15)


@pytest.mark.parametrize("name", plain.SMOOTH)
def test_plain_values_are_the_same(name):
    f = plain.SMOOTH[name]
    np.testing.assert_array_equal(lift(f)(1.7), f(1.7))


def test_most_of_them_need_it():
    refused = 0
    for name, f in plain.SMOOTH.items():
        try:
            jacfwd(f)(1.7)
        except TypeError as e:
            refused += 1
            assert "dualdiff.lift" in str(e) or "hash" in str(e), name
        except ValueError as e:  # NumPy's own, with ours as the cause
            refused += 1
            assert "sequence" in str(e) and "dualdiff.lift" in str(e.__cause__), name
    assert refused >= 15


def test_the_errors_name_it():
    def assigns(x):
        a = np.zeros(3)
        a[0] = x
        return a[0]

    for f in (assigns, math.sin, float):
        with pytest.raises((TypeError, ValueError)) as e:
            grad(f)(1.0)
        assert "dualdiff.lift" in str(e.value) + str(e.value.__cause__)
    with pytest.raises(TypeError, match="dualdiff.lift"):
        grad(lambda x: np.add(x, 1, out=np.zeros(())))(1.0)


# ---- the new function ------------------------------------------------------------------------


def test_it_is_the_same_function_otherwise():
    def f(x: float, n=3, *, make=np.zeros) -> float:
        """What it does."""
        return make(n)[0] * x

    f.mark = "kept"
    g = lift(f)
    assert g is not f and g.__code__ is f.__code__
    assert (g.__name__, g.__qualname__, g.__doc__, g.__module__) == (
        f.__name__, f.__qualname__, f.__doc__, f.__module__)
    assert g.__annotations__ == {"x": float, "return": float} and g.mark == "kept"
    assert str(inspect.signature(g)).startswith("(x: float, n=3, *, make=")
    assert f.__kwdefaults__["make"] is np.zeros  # as it was
    assert lift(g) is g
    assert inspect.getsource(g) == inspect.getsource(f)


def test_nothing_is_patched():
    before = dict(vars(plain))
    for f in plain.SMOOTH.values():
        jacfwd(lift(f))(1.7)
    assert vars(plain) == before
    assert np.zeros.__module__ == "numpy" and type(np.zeros(1)) is np.ndarray


def test_later_changes_of_globals_are_seen(monkeypatch):
    f = lift(plain.reads_factor)
    assert grad(f)(1.0) == 2.0
    monkeypatch.setattr(plain, "FACTOR", 11.0)
    assert grad(f)(1.0) == 11.0
    f = lift(plain.mutual)
    monkeypatch.setattr(plain, "odd", lambda n, x: x * 5.0)
    assert grad(lambda x: f(x))(1.0) == 15.0


def test_written_globals_reach_the_module():
    before = plain.calls
    f = lift(plain.writes_global)
    assert grad(f)(1.0) == before + 1
    assert plain.calls == before + 1
    assert plain.writes_global(1.0) == before + 2
    assert grad(f)(1.0) == before + 3 == plain.calls


def test_a_cell_that_a_closure_writes_stays_shared():
    total = 0.0

    def add(x):
        nonlocal total
        a = np.zeros(2)
        a[1] = x
        total = total + 1
        return a.sum() * total

    f = lift(add)
    assert grad(f)(1.0) == 1.0 and total == 1.0
    assert add(1.0) == 2.0 and grad(f)(1.0) == 3.0


def test_as_a_decorator():
    @lift
    def f(x):
        a = np.empty((2, 2))
        a[:] = x
        a.T[0, 1] = x**2
        return a.sum()

    @lift(follow=["lifted_package"])
    def g(x):
        return plain.filled(x).sum()

    assert grad(f)(3.0) == 9.0
    assert grad(g)(3.0) == 2.0


def test_other_packages_are_left_alone_unless_named():
    def g(x):
        return plain.filled(x).sum()

    with pytest.raises((TypeError, ValueError)):
        grad(lift(g))(3.0)
    assert grad(lift(g, follow="lifted_package"))(3.0) == 2.0


def test_a_method_works_on_the_state_of_its_object():
    m = plain.Model(3)
    f = lift(m.run)
    assert grad(f)(1.0) == 5.5 == grad(f)(2.0)
    assert m.calls == 2
    m.scale = 10
    assert grad(f)(1.0) == 12.5
    assert grad(lift(plain.Model)(2).run)(1.0) == 5.5


def test_a_callback_that_it_is_given_is_lifted_by_its_giver():
    def apply(f, x):
        a = np.zeros(1)
        a[0] = f(x)
        return a[0]

    def cube(x):
        a = np.zeros(1)
        a[0] = x**3
        return a[0]

    assert grad(lift(apply), 1)(lift(cube), 2.0) == 12.0
    assert grad(lift(lambda x: apply(cube, x)))(2.0) == 12.0


def test_threads_lift_and_run_at_once():
    f = lift(plain.uses_class)
    out = []

    def work(x):
        out.append((grad(f)(x), grad(lift(plain.mutual))(x)))

    threads = [threading.Thread(target=work, args=(x,)) for x in np.arange(1.0, 9.0)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert out == [(11.0, 9.0)] * 8


def test_derivatives_inside_lifted_code():
    def inner(y, x):
        a = np.zeros(2)
        a[0] = x * y**2
        a[1] = math.sin(y)
        return a.sum()

    @lift
    def f(x):
        return grad(inner)(x, x)  # 2 x**2 + cos x

    np.testing.assert_allclose(grad(f)(2.0), 8 - math.sin(2.0), rtol=1e-15)


@pytest.mark.parametrize("bad", [3, "f", None.__class__, np.sin, len, np.linalg.norm])
def test_what_is_not_python_code_is_refused(bad):
    with pytest.raises(TypeError, match="lift expected a function"):
        lift(bad)


def test_derivative_functions_are_refused():
    with pytest.raises(TypeError, match="lift the function that you pass to grad"):
        lift(dualdiff.grad(np.sin))


# ---- math ------------------------------------------------------------------------------------

POINTS = {"acosh": (1.5,), "atan2": (0.4, -1.2), "pow": (1.3, 2.2), "hypot": (0.3, 0.4, 1.2),
          "fmod": (5.3, 2.0), "remainder": (5.3, 2.0), "copysign": (1.3, -2.0),
          "ldexp": (0.7, 3), "log": (0.7, 3.0), "dist": ([0.7, 1.0], [0.2, 3.0]),
          "fsum": ([0.7, 1.0],), "prod": ([0.7, 3.0],), "sumprod": ([0.7, 1.0], [2.0, 3.0]),
          "fma": (0.7, 2.0, 3.0)}


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name in OWN])
def test_math_functions(name):
    if name in ("erf", "erfc", "gamma", "lgamma"):
        pytest.importorskip("scipy")
    ours, theirs = OWN[name], getattr(math, name)
    args = POINTS.get(name, (0.7,))
    many = isinstance(args[0], list)

    def at(f, x):
        y = f([x, *args[0][1:]], *args[1:]) if many else f(x, *args[1:])
        return y[0] if isinstance(y, tuple) else y

    x0, h = (args[0][0] if many else args[0]), 1e-6
    got = derivatives(lambda x: at(ours, x), 1)(x0)
    difference = (at(theirs, x0 + h) - at(theirs, x0 - h)) / (2 * h)
    np.testing.assert_allclose(got[1], difference, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(got[0], at(theirs, x0), rtol=1e-14)
    assert at(ours, x0) == at(theirs, x0)


def test_math_in_the_second_argument():
    for name in ("atan2", "pow", "hypot", "log"):
        a, b = POINTS[name][:2]
        got = grad(lambda b: OWN[name](a, b))(b)  # noqa: B023
        f = getattr(math, name)
        np.testing.assert_allclose(got, (f(a, b + 1e-6) - f(a, b - 1e-6)) / 2e-6, rtol=1e-8)


def test_math_keeps_its_errors_and_looks():
    for name, x in (("sqrt", -1.0), ("log", 0.0), ("acos", 2.0)):
        with pytest.raises(ValueError):
            grad(OWN[name])(x)
    with pytest.raises(OverflowError):
        grad(OWN["exp"])(1000.0)
    seen = []
    for name in LOOKS:
        args = (2.0,) if name == "isclose" else ()
        grad(lambda x: seen.append(OWN[name](x, *args)) or x)(2.5)  # noqa: B023
    assert seen == [True, False, False, False, 2, 3, 2]
    assert OWN["fsum"](iter([1.0, 2.0])) == 3.0
    assert grad(lambda x: OWN["fsum"](e * x for e in [1.0, 2.0]))(2.0) == 3.0


def test_what_math_cannot_differentiate_is_refused():
    with pytest.raises(TypeError, match="would lose the derivative"):
        grad(lift(lambda x: math.nextafter(x, 1)))(2.0)
    with pytest.raises(TypeError, match="would lose the derivative"):
        grad(lift(lambda x: int(x) * x))(2.0)


def test_float_passes_for_float():
    assert hash(Float) == hash(float) and repr(Float) == repr(float)
    assert {Float: 1}[float] == 1 and {float: 1}[Float] == 1
    assert isinstance(1.0, Float) and issubclass(np.float64, Float) and not isinstance(1, Float)
    assert np.dtype(Float) == np.float64 and np.zeros(1, Float).dtype == float
    assert type(Float("1.5")) is float and Float() == 0.0 and Float.fromhex("0x1p1") == 2.0
    with pytest.raises(TypeError):
        grad(lambda x: Float(np.stack([x, x])))(1.0)
    assert grad(lambda x: Float(x) ** 2)(3.0) == 6.0


# ---- what SciPy's code needs -----------------------------------------------------------------


def test_strides_of_numbers_are_refused():
    def f(x):
        a = np.zeros(4)
        a[:3] = x
        return np.lib.stride_tricks.as_strided(a, (2, 2), (8, 8)).sum()

    def plain_strides(x):
        a = np.arange(4.0)
        return x * np.lib.stride_tricks.as_strided(a, (2, 2), (8, 8)).sum()

    from numpy.lib.stride_tricks import as_strided

    assert grad(lift(lambda x: x * as_strided(np.arange(4.0), (2, 2), (8, 8)).sum()))(1.0) == 4.0
    with pytest.raises(TypeError, match="as_strided of a number"):
        grad(lift(lambda x: as_strided(np.stack([x, x, x]), (2, 2), (8, 8)).sum()))(1.0)
    assert lift(plain_strides)(1.0) == 4.0


def test_scipys_transforms_are_numpys_for_numbers():
    fft = pytest.importorskip("scipy.fft")
    x = np.array([1.0, 0.5, -2.0, 0.3])
    for name in ("fft", "ifft", "rfft", "hfft", "fftshift"):
        f = lift(getattr(fft, name))
        got = jacfwd(lambda x: f(x).real)(x)  # noqa: B023
        want = np.stack([getattr(np.fft, name)(e).real for e in np.eye(4)], axis=-1)
        np.testing.assert_allclose(got, want, atol=1e-15)
        np.testing.assert_array_equal(f(x), getattr(fft, name)(x))


def test_dictionaries_of_functions():
    f = lift(plain.by_table)
    assert grad(f)(2.0, "square") == 4.0 and grad(f)(2.0, "twice") == 2.0
    plain.TABLE["cube"] = plain.cubed
    try:
        assert grad(f)(2.0, "cube") == 12.0
    finally:
        del plain.TABLE["cube"]
    assert plain.TABLE["square"].__globals__ is vars(plain)


def test_super_and_slots():
    assert grad(lift(plain.uses_super))(3.0) == 12.0
    assert isinstance(lift(plain.Child)(), plain.Slotted) is False
    assert isinstance(plain.Child(), lift(plain.Child))
