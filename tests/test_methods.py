"""Methods and attributes of ndarray on the number: all there, NumPy's signatures, derivatives."""

import inspect

import numpy as np
import pytest
import samples
from array_calls import N, call, check, parametrize
from samples import method
from test_coverage import drawn, outcome, plain, same, ways

from dualdiff._algebra import new_algebra
from dualdiff._taylor import METHODS, Taylor, make

GONE = {"itemset", "newbyteorder", "ptp", "tostring"}  # NumPy 2.0 refuses or renames them
NAMES = {name for name in dir(np.ndarray) if not name.startswith("_")} - GONE
SMOOTH = samples.here(samples.METHODS, method)
CONSTANT = samples.here(samples.METHODS_CONSTANT, method)

x1, x2, x3, x0 = N(5), N(3, 4), N(2, 3, 4), N()
some = np.array([True, False, True, True])

# Methods with arguments of their own; the others are the function of the same name.
CASES = {
    "astype": [call(x2, "g", "F", "same_kind", True, False), call(x2, np.clongdouble)],
    "clip": [call(x2, -1.0, 1.0), call(x2, N(4, lo=-1, hi=0)), call(x2, max=0.5),
             call(x2, None, N(lo=0.5, hi=1.0))],
    "compress": [call(x1, some[[0, 1, 2, 3, 0]]), call(x2, [True, False], 1)],
    "copy": [call(x2), call(x2, "F")],
    "cumsum": [call(x2), call(x2, 0), call(x0)],
    "diagonal": [call(x2), call(x3, 1, 2, 1)],
    "dot": [call(x2, N(4)), call(x1, np.arange(5.0))],
    "flatten": [call(x2), call(x2, "F"), call(x0), call(x3, order="A")],
    "item": [call(x2, 5), call(x2, 1, 2), call(x2, (1, -2)), call(N(1, 1)), call(x0), call(x1, -1)],
    "max": [call(x2), call(x2, 1, None, keepdims=True), call(x2, 1, where=some, initial=-9.0)],
    "mean": [call(x2), call(x2, 0, keepdims=True), call(x2, 1, where=some)],
    "prod": [call(x2), call(x2, 0), call(x2, 1, initial=N(), where=some)],
    "ravel": [call(x2), call(x2, "F"), call(x0)],
    "repeat": [call(x1, 2), call(x2, [1, 0, 2], axis=0)],
    "reshape": [call(x2, 12), call(x2, 2, 6), call(x2, (4, -1)), call(x2, 2, 6, order="F"),
                call(x0, ()), call(x0, 1)],
    "squeeze": [call(N(1, 3, 1)), call(N(1, 3, 1), axis=0)],
    "std": [call(x2), call(x2, 1, ddof=1), call(x2, 0, keepdims=True, where=np.ones((3, 1), bool))],
    "sum": [call(x2), call(x2, (0, 1)), call(x2, 1, keepdims=True, initial=N())],
    "swapaxes": [call(x3, 0, 2)],
    "take": [call(x2, [0, 7]), call(x2, 1, 1), call(x2, [9], axis=0, mode="clip")],
    "tolist": [call(x2), call(x1), call(x0)],
    "trace": [call(x2), call(x3, 1, 1, 2)],
    "transpose": [call(x3), call(x3, 1, 2, 0), call(x3, (2, 0, 1)), call(x3, None), call(x0)],
    "var": [call(x2), call(x2, 1, ddof=1)],
    "view": [call(x2), call(x2, np.ndarray)],
}
if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
    CASES["reshape"].append(call(x2, -1, copy=True))


@parametrize({method(name): calls for name, calls in CASES.items()})
def test_value_and_derivatives(func, args, kwargs):
    check(func, args, kwargs)


@pytest.mark.parametrize("name", SMOOTH)
def test_samples(name):
    check(*SMOOTH[name])


# ---- completeness ---------------------------------------------------------------------------


def test_every_method_and_attribute_is_there():
    listed = [*samples.METHODS, *samples.METHODS_WRITE, *samples.METHODS_CONSTANT,
              *samples.METHODS_REFUSED, *samples.ATTRIBUTES, *samples.ATTRIBUTES_CONSTANT,
              *samples.ATTRIBUTES_REFUSED]
    assert len(set(listed)) == len(listed)
    assert not NAMES - set(listed), "ndarray has got a new method or attribute"
    x = number(3, 3)
    assert NAMES <= set(dir(x))
    for name in NAMES - set(samples.ATTRIBUTES_REFUSED):
        assert callable(getattr(x, name)) == callable(getattr(x.value, name)) or name == "flat"


def test_array_api():
    assert number(3).__array_namespace__() is np
    assert number(3).__array_namespace__(api_version="2022.12") is np
    with pytest.raises(ValueError, match="API"):
        number(3).__array_namespace__(api_version="1900.01")


# ---- signatures ------------------------------------------------------------------------------

# As NumPy 2.5 documents them; earlier releases show no signatures, and may know fewer names.
SIGNATURES = {
    "all": "axis=None, out=None, keepdims=False, *, where=True",
    "any": "axis=None, out=None, keepdims=False, *, where=True",
    "argmax": "axis=None, out=None, *, keepdims=False",
    "argmin": "axis=None, out=None, *, keepdims=False",
    "argpartition": "kth, /, axis=-1, kind='introselect', order=None",
    "argsort": "axis=-1, kind=None, order=None, *, stable=None, descending=None",
    "astype": "dtype, order='K', casting='unsafe', subok=True, copy=True",
    "clip": "min=None, max=None, out=None, **kwargs",
    "compress": "condition, axis=None, out=None",
    "copy": "order='C'",
    "cumprod": "axis=None, dtype=None, out=None",
    "cumsum": "axis=None, dtype=None, out=None",
    "diagonal": "offset=0, axis1=0, axis2=1",
    "dot": "other, /, out=None",
    "flatten": "order='C'",
    "max": "axis=None, out=None, **kwargs",
    "mean": "axis=None, dtype=None, out=None, **kwargs",
    "min": "axis=None, out=None, **kwargs",
    "partition": "kth, /, axis=-1, kind='introselect', order=None",
    "prod": "axis=None, dtype=None, out=None, **kwargs",
    "put": "indices, values, /, mode='raise'",
    "ravel": "order='C'",
    "repeat": "repeats, /, axis=None",
    "reshape": "*shape, order='C', copy=None",
    "round": "decimals=0, out=None",
    "searchsorted": "v, /, side='left', sorter=None",
    "sort": "axis=-1, kind=None, order=None, *, stable=None, descending=None",
    "squeeze": "axis=None",
    "std": "axis=None, dtype=None, out=None, ddof=0, **kwargs",
    "sum": "axis=None, dtype=None, out=None, **kwargs",
    "swapaxes": "axis1, axis2, /",
    "take": "indices, /, axis=None, out=None, mode='raise'",
    "to_device": "device, /, *, stream=None",
    "trace": "offset=0, axis1=0, axis2=1, dtype=None, out=None",
    "transpose": "*axes",
    "var": "axis=None, dtype=None, out=None, ddof=0, **kwargs",
    "view": "*args, **kwargs",
}


def documented(name):
    """The signature of a method of ndarray, as a function of its arguments."""
    text = SIGNATURES[name]
    head = "self, " if "/" in text else "self, /, "
    scope = {}
    exec(f"def {name}({head}{text}): pass", scope)
    return inspect.signature(scope[name])


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_those_of_this_numpy(name):
    try:
        theirs = inspect.signature(getattr(np.ndarray, name))
    except ValueError:
        pytest.skip("this NumPy shows no signature")
    mine = documented(name)
    known = [p for p in mine.parameters.values() if p.name in theirs.parameters]
    assert known == list(theirs.parameters.values())
    assert inspect.signature(METHODS[name]) == theirs if name in METHODS else True


@pytest.mark.parametrize("name", SIGNATURES)
def test_every_parameter_by_position_and_by_name(name):
    """...with the defaults given; an unknown keyword is NumPy's error."""
    tables = samples.METHODS | samples.METHODS_WRITE | samples.METHODS_CONSTANT
    (x, *args), kwargs = drawn(*tables[name])

    def run(x, *args, **kwargs):
        x = x.copy()
        y = getattr(x, name)(*args, **kwargs)
        return x if name in samples.METHODS_WRITE else y

    want = run(x, *args, **kwargs)

    def shown():
        """Only for its signature."""

    shown.__signature__ = documented(name)
    for (_, *front), named in ways(shown, (x, *args), kwargs):
        if name in ("sort", "argsort"):  # parameters of NumPy 2.5
            named = {k: v for k, v in named.items() if v is not None}
        if outcome(run, (plain(x), *plain(front)), plain(named)) is TypeError:
            continue
        same(run(x, *front, **named), want)
    wrong = {"no_such_name": 1}
    theirs = outcome(run, (np.array(x.value), *plain(args)), wrong)
    assert outcome(run, (x, *args), wrong) is theirs is TypeError


# ---- in place ----------------------------------------------------------------------------------


def number(*shape, dtype=float, order=2, seed=0):
    alg = new_algebra(2, order)
    rng = np.random.default_rng(seed)
    return make(alg, rng.normal(size=shape).astype(dtype),
                rng.normal(size=(alg.M - 1, *shape)).astype(dtype))


def in_place(name):
    """A method that changes its array, as a function of the array."""

    def run(x, *args, **kwargs):
        y = x.copy() if type(x) is Taylor else np.array(x)
        assert getattr(y, name)(*args, **kwargs) is None
        return y

    run.__name__ = name
    return run


@parametrize({in_place(name): calls for name, calls in {
    "sort": [call(x2), call(x2, 0), call(x1, kind="stable")],
    "put": [call(x1, [0, 2], N(2)), call(x2, [5, -1], 2.0, "wrap"), call(x1, 3, x0)],
    "fill": [call(x1, x0), call(x2, 3.0), call(x0, N())],
}.items()})
def test_in_place(func, args, kwargs):
    check(func, args, kwargs)


@pytest.mark.parametrize("change", [
    lambda x: x.sort(), lambda x: x.partition(2), lambda x: x.put([1], 5.0), lambda x: x.fill(2.0)])
def test_views_see_what_methods_change(change):
    x = number(5)
    base = x.copy()
    change(base)
    view = x[:]
    change(x)
    np.testing.assert_array_equal(view.value, base.value)
    np.testing.assert_array_equal(view.terms, base.terms)


def test_partition_is_the_functions():
    x = number(7)
    for kth in (0, 3, [1, 5]):
        y = x.copy()
        assert y.partition(kth) is None
        same(y, np.partition(x, kth))


def test_astype_and_view_with_dtypes():
    x = number(2, 3)
    for dtype in (np.float32, np.longdouble, complex):
        y = x.astype(dtype)
        assert y.dtype == y.terms.dtype == dtype
        np.testing.assert_array_equal(y.terms, x.terms.astype(dtype))
    assert x.astype(float, copy=False) is x and x.astype(float) is not x
    same(x.view(float), x)
    same(x.view(dtype=np.dtype("d")), x)


def test_out():
    x = number(3, 4)
    for name in ("sum", "mean", "prod", "max", "min", "std", "var", "cumsum", "cumprod"):
        want = getattr(x, name)(axis=1)
        out = np.zeros_like(want)
        assert getattr(x, name)(axis=1, out=out) is out
        same(out, want)
        with pytest.raises(TypeError, match="out= is a plain array"):
            getattr(x, name)(axis=1, out=np.zeros(want.shape))
    counts = np.zeros(3, int)
    assert x.argmax(axis=1, out=counts) is counts


def test_setflags_makes_a_number_read_only():
    x = number(3)
    x.setflags(write=False)
    assert not x.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        x += 1.0
    x.setflags(write=True)
    x[0] = 1.0


# ---- attributes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", samples.ATTRIBUTES_CONSTANT)
def test_constant_attributes_are_numpys(name):
    if not hasattr(np.ndarray, name):
        pytest.skip("not in this NumPy")
    for x in (number(3, 4), number(3), number(), number(3, 4)[:, ::2], number(2, 3).T):
        mine, theirs = getattr(x, name), getattr(np.asarray(x.value), name)
        if name == "flags":
            assert (mine.c_contiguous, mine.f_contiguous, mine.writeable) == (
                theirs.c_contiguous, theirs.f_contiguous, True)
        else:
            assert mine == theirs and type(mine) is type(theirs)


@pytest.mark.parametrize("dtype", [float, complex])
def test_views_among_the_attributes(dtype):
    x = number(3, 4, dtype=dtype)
    for name in ("T", "mT", "real", "imag"):
        y = getattr(x, name)
        np.testing.assert_array_equal(y if type(y) is not Taylor else y.value,
                                      getattr(x.value, name))
        if type(y) is Taylor:
            np.testing.assert_array_equal(y.terms, [getattr(t, name) for t in x.terms])
    z = x.copy()
    z.T[1, 0] = x[2, 3]
    np.testing.assert_array_equal(z.terms[:, 0, 1], x.terms[:, 2, 3])
    z.real[0, 0] = number().real
    assert z.base is None and z[1:].base is z


@pytest.mark.parametrize("dtype", [float, complex])
def test_parts_can_be_assigned(dtype):
    x, v = number(3, dtype=dtype), number(3)
    y = x.copy()
    y.real = v
    np.testing.assert_array_equal(y.value.real, v.value)
    np.testing.assert_array_equal((y.real - v).terms, 0)
    np.testing.assert_array_equal(y.imag if dtype is float else y.imag.value, x.value.imag)
    if dtype is complex:
        y.imag = v * 2
        np.testing.assert_array_equal((y - v * (1 + 2j)).terms, 0)
        y.imag = 1.0
        np.testing.assert_array_equal((y - v).terms, 0)
    else:
        with pytest.raises(TypeError, match="imaginary part"):
            y.imag = v


def test_flat():
    x = number(2, 3)
    assert len(x.flat) == 6 and x.flat.base is x
    same([*x.flat], [x[i, j] for i in range(2) for j in range(3)])
    same(x.flat[4], x[1, 1])
    same(x.flat[1:5:2], x.ravel()[1:5:2])
    same(x.flat[[0, 5]], x.ravel()[[0, 5]])
    same(x.flat.copy(), x.ravel())
    y = x.copy()
    y.flat[1] = x[1, 2]
    same(y[0, 1], x[1, 2])
    y.flat = x[0]  # repeated as often as needed
    same(y[1], x[0])
    y.flat[::2] = 0.0
    assert not y.value.ravel()[::2].any() and not y.terms.reshape(5, 6)[:, ::2].any()
    it = x.flat
    next(it), next(it)
    assert (it.index, it.coords) == (2, (0, 2))
    with pytest.raises(TypeError):
        hash(it)
    assert number().flat[0].value == number().value


def test_item_and_tolist_keep_the_derivative():
    x = number(2, 2)
    for y in (x.item(1), x.item(0, 1), x.tolist()[0][1]):
        same(y, x[0, 1])
    with pytest.raises(ValueError, match="size 1"):
        x.item()
    with pytest.raises(IndexError, match="index 9 is out of bounds for size 4"):
        x.item(9)
    with pytest.raises(ValueError, match="incorrect number of indices"):
        x.item(0, 0, 0)


# ---- constants and refusals ---------------------------------------------------------------------


@pytest.mark.parametrize("name", CONSTANT)
def test_constant_methods_give_plain_results(name):
    func, args, kwargs = CONSTANT[name]
    (x, *args), kwargs = drawn(args, kwargs)
    got, want = func(x, *args, **kwargs), func(plain(x), *plain(args), **kwargs)
    for y, v in zip(*[r if isinstance(r, tuple) else (r,) for r in (got, want)], strict=True):
        assert type(y) is not Taylor
        if v is not None:
            np.testing.assert_array_equal(y, v)


@pytest.mark.parametrize("name", samples.METHODS_REFUSED)
def test_refused_methods_say_the_way_out(name):
    args, kwargs = drawn(*samples.METHODS_REFUSED[name])
    with pytest.raises(TypeError, match=f"dualdiff: {name} would lose the derivative; .*(x|np)\\."):
        getattr(args[0], name)(*args[1:], **kwargs)


@pytest.mark.parametrize("name", samples.ATTRIBUTES_REFUSED)
def test_refused_attributes_say_the_way_out(name):
    with pytest.raises(TypeError, match=rf"dualdiff: x.{name} would lose .*x\.value\.{name}"):
        getattr(number(3), name)


@pytest.mark.parametrize("call_, words", [
    (lambda x: x.view(np.int64), r"view\(dtype\) would read the bytes"),
    (lambda x: x.view(complex), r"view\(dtype\) would read the bytes"),
    (lambda x: x.astype(int), r"astype\(int64\) would lose the derivative; use x.value.astype"),
    (lambda x: x.astype(object), "numbers are arrays already"),
    (lambda x: (x + 1j).astype(float), "use x.real"),
])
def test_refused_arguments(call_, words):
    with pytest.raises(TypeError, match=f"dualdiff: .*{words}"):
        call_(number(3))


def test_fill_takes_one_value():
    with pytest.raises(ValueError, match=r"fill expects a single value, got .*\(2,\)"):
        number(3).fill(number(2))
