"""Every function of NumPy stands in the tables: as a row of a kind, or refused with a reason.

NumPy itself says what can be overridden, so a function of a later release fails here by name.
"""

import importlib
import inspect
import pathlib
import sys

import numpy as np
import numpy.char
import numpy.fft
import numpy.lib.recfunctions
import numpy.polynomial
import numpy.strings
import pytest
from array_calls import N, check, mapped, results
from numpy.testing.overrides import (
    get_overridable_numpy_array_functions,
    get_overridable_numpy_ufuncs,
)
from samples import AS_THEY_STAND, BASES, CONSTANT, CONSTANTS, SAMPLES, SMOOTH, WRITES, find

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from docs import coverage  # noqa: E402
from dualdiff import rows  # noqa: E402
from dualdiff._algebra import new_algebra  # noqa: E402
from dualdiff._dispatch import REFUSED, refusal  # noqa: E402
from dualdiff._taylor import ROWS, Taylor, make, pack  # noqa: E402

rows.fill_all()
UFUNCS = get_overridable_numpy_ufuncs()


def public(func):
    """The function as it is found by its name: what NumPy hands to the protocol.

    Functions with like= are registered by a private twin.
    """
    return getattr(importlib.import_module(func.__module__), func.__name__, func)


FUNCTIONS = {public(f) for f in get_overridable_numpy_array_functions()}


def title(f):
    return f"{getattr(f, '__module__', 'numpy')}.{f.__name__}"


def number(value, seed=0, n=2, order=2):
    """A number of random terms."""
    alg = new_algebra(n, order)
    value = np.array(value)
    rng = np.random.default_rng(seed)
    terms = rng.uniform(-0.5, 0.5, (alg.M - 1, *value.shape)).astype(value.dtype)
    return make(alg, value, terms)


def drawn(args, kwargs):
    """A sample call with numbers, all over one algebra."""
    alg, rng, numbers = new_algebra(2, 2), np.random.default_rng(0), {}

    def draw(n):
        if id(n) not in numbers:
            value = n.draw(rng, "d")
            terms = rng.uniform(-0.5, 0.5, (alg.M - 1, *value.shape)).astype(value.dtype)
            numbers[id(n)] = make(alg, value, terms)
        return numbers[id(n)]

    return mapped(args, draw), mapped(kwargs, draw)


def plain(x):
    """A sample call without derivatives."""
    if type(x) is Taylor:
        return np.array(x.value)[()]
    if type(x) in (list, tuple):
        return type(x)([plain(e) for e in x])
    return {k: plain(v) for k, v in x.items()} if isinstance(x, dict) else x


@pytest.mark.parametrize("f", sorted(FUNCTIONS | UFUNCS, key=title), ids=title)
def test_is_a_row_or_refused(f):
    assert (f in ROWS) != (refusal(f) is not None), f"{title(f)} needs a row, or a refusal"


def test_rows_know_their_kind():
    for f in FUNCTIONS | UFUNCS:
        assert refusal(f) or isinstance(ROWS[f].kind, str), title(f)


def test_refusals_are_sentences():
    for reason in REFUSED.values():
        assert isinstance(reason, str) and len(reason.split()) > 3


@pytest.mark.parametrize("f", sorted(filter(refusal, FUNCTIONS), key=title), ids=title)
def test_refused_with_its_reason(f):
    words = f"dualdiff: .*{f.__name__} is not for numbers: .*; pass x.value"
    with pytest.raises(TypeError, match=words):
        number([1.0]).__array_function__(f, (Taylor,), (), {})


def test_every_row_has_a_sample():
    assert not set(SMOOTH) & set(CONSTANT) and not set(WRITES) & set(SMOOTH | CONSTANT)
    smooth = {f for f in FUNCTIONS if f in ROWS and ROWS[f].kind != "constant"}
    constant = {f for f in FUNCTIONS if f in ROWS and ROWS[f].kind == "constant"}
    for named, wanted in ((SAMPLES, smooth), (CONSTANTS, constant)):
        found = {find(name) for name in named}
        assert not wanted - found
        assert found <= set(ROWS)


@pytest.mark.parametrize("name", SAMPLES)
def test_carries_derivatives(name):
    func, args, kwargs = SAMPLES[name]
    args, kwargs = drawn(args, kwargs)
    got = results(func(*args, **kwargs))
    kwargs.pop("like", None)
    want = results(func(*plain(args), **plain(kwargs)))
    assert any(type(y) is Taylor for y in got)
    for y, v in zip(got, want, strict=True):
        if name != "empty_like":
            np.testing.assert_array_equal(y.value if type(y) is Taylor else y, v)


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", CONSTANTS)
def test_gives_plain_results(name):
    func, args, kwargs = CONSTANTS[name]
    args, kwargs = drawn(args, kwargs)
    got = func(*args, **kwargs)
    if name in ("ndim", "shape", "size", "can_cast", "array2string", "array_repr", "array_str",
                "common_type", "result_type", "min_scalar_type", "einsum_path", "iscomplexobj",
                "isrealobj", "allclose", "array_equal", "array_equiv", "may_share_memory",
                "shares_memory"):
        assert got == func(*plain(args), **plain(kwargs)) or name == "einsum_path"
        return
    kwargs.pop("like", None)
    for y, v in zip(results(got), results(func(*plain(args), **plain(kwargs))), strict=True):
        assert type(y) is not Taylor
        np.testing.assert_array_equal(y, v)


def packed(y):
    """Results with object arrays of numbers packed to numbers."""
    if isinstance(y, (tuple, list)):
        return [packed(e) for e in y]
    return pack(y) if isinstance(y, np.ndarray) and y.dtype == object else y


@pytest.mark.parametrize("name", AS_THEY_STAND)
def test_runs_as_it_stands(name):
    """NumPy's own Python code on numbers, which nobody hands over; object arrays in between."""
    func, args, kwargs = AS_THEY_STAND[name]
    check(lambda *a, **k: packed(func(*a, **k)), args, kwargs, double=True, exact=False)


@pytest.mark.parametrize("basis", ["cheb", "leg", "herm", "herme", "lag"])
def test_grids_run_on_object_arrays(basis):
    room = find("polynomial." + BASES[basis])
    near = N(3, lo=-0.9, hi=0.9)

    def grid(x, y, c):
        return packed(getattr(room, basis + "grid2d")(np.asarray(x), np.asarray(y), c))

    check(grid, (near, N(2), N(2, 4)), {}, double=True, exact=False)
    value = getattr(room, basis + "val")
    check(lambda x, c: packed(value(np.asarray(x), c)), (near, N(3, 2)), {}, double=True,
          exact=False)


# ---- the page ------------------------------------------------------------------------------


def test_page_is_current():
    """Word by word with the page's NumPy; with another, the names that both have agree."""
    text = coverage.PAGE.read_text()
    version, sections = coverage.listed(text)
    if version == coverage.version():
        assert text == coverage.page(), "run python docs/coverage.py"
    for title, entries in coverage.tables().items():
        assert {n: k for n, k in sections[title].items() if n in entries} == {
            n: k for n, (k, _) in entries.items() if n in sections[title]}
        if version == coverage.version():
            assert list(sections[title]) != [] and set(sections[title]) == set(entries)


def test_counts_reach_the_target():
    """The best peer has 66 differentiable ufuncs and 215 differentiable functions."""
    counts = {title: coverage.counted(entries)[0] for title, entries in coverage.tables().items()}
    assert counts["Ufuncs"] + counts["Methods of ufuncs"] >= 90
    assert counts["Functions that NumPy hands over"] + counts[
        "Functions that run as they stand"] >= 240


def test_every_public_name_is_on_the_page():
    listed = {n for entries in coverage.tables().values() for n in entries}
    listed |= {n for names in coverage.UNREACHED.values() for n in names} | set(coverage.TOOLS)
    missing = []
    for room in ("", "fft.", "linalg.", "lib.scimath.", "lib.stride_tricks.", "lib.array_utils."):
        module = find(room[:-1]) if room else np
        for name in getattr(module, "__all__", dir(module)):
            x = getattr(module, name)
            if name[0] == "_" or inspect.ismodule(x) or not callable(x) or (
                    isinstance(x, type) and issubclass(x, (np.generic, Exception))):
                continue
            known = x in ROWS or refusal(x)  # by another name, or not yet listed by NumPy
            if room + name not in listed and not known:
                missing.append(room + name)
    assert not missing


# ---- signatures ----------------------------------------------------------------------------


def same(got, want):
    """Results are equal bit for bit, derivatives too."""
    got, want = results(got), results(want)
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        assert type(g) is type(w)
        if type(g) is Taylor:
            np.testing.assert_array_equal(g.terms, w.terms)
            g, w = g.value, w.value
        np.testing.assert_array_equal(g, w)


def ways(func, args, kwargs):
    """The call with every parameter given, defaults too: by position, and by name."""
    bound = inspect.signature(func).bind(*args, **kwargs)
    bound.apply_defaults()
    front, named = [], {}
    for p in bound.signature.parameters.values():
        value = bound.arguments[p.name]
        if p.kind == p.VAR_POSITIONAL:
            front = [*front, *named.values(), *value]
            named = {}
        elif p.kind == p.VAR_KEYWORD:
            named |= value
        elif p.kind == p.POSITIONAL_ONLY:
            front.append(value)
        else:
            named[p.name] = value
    return (bound.args, bound.kwargs), (front, named)


def outcome(func, args, kwargs):
    """The result, or the type of the error."""
    try:
        return func(*args, **kwargs)
    except (TypeError, ValueError) as e:
        return type(e)


HAND_ON = ("piecewise", "apply_along_axis", "fromfunction")  # any keyword, to another function


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", SAMPLES | CONSTANTS)
def test_signature_is_numpys(name):
    """Names, order and defaults: every one is given once by position and once by name."""
    func, args, kwargs = (SAMPLES | CONSTANTS)[name]
    args, kwargs = drawn(args, kwargs)
    try:
        calls = ways(find(name), args, kwargs)
    except ValueError:
        pytest.skip("this NumPy shows no signature")
    want = func(*args, **kwargs)
    for front, named in calls:
        if outcome(func, plain(front), plain({**named, "like": None} if "like" in named
                                             else named)) is TypeError:
            continue  # NumPy shows names that it does not take: unique_all(x=...)
        got = func(*front, **named)
        if name not in ("einsum_path", "empty_like"):
            same(got, want)
    if name not in HAND_ON:
        wrong = outcome(func, args, kwargs | {"no_such_name": 1})
        assert wrong is outcome(func, plain(args), plain(kwargs) | {"no_such_name": 1})
        assert wrong in (TypeError, ValueError)


def test_a_function_that_nobody_knows_is_refused():
    from numpy._core.overrides import array_function_dispatch

    @array_function_dispatch(lambda x: (x,))
    def tomorrow(x):
        return x

    with pytest.raises(TypeError, match="tomorrow has no derivative rule"):
        tomorrow(number([1.0]))
    with pytest.raises(AssertionError, match="tomorrow needs a row, or a refusal"):
        test_is_a_row_or_refused(tomorrow)
