"""Code that nobody wrote for dualdiff runs unchanged, as docs/foreign.md lists."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("scipy")

from foreign_cases import CASES, ERRORS, REFUSED, check, jacobian

from dualdiff import lift

ROOT = Path(__file__).parents[1]


def maker():
    spec = importlib.util.spec_from_file_location("make_foreign", ROOT / "docs" / "foreign.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = maker()
PAGE = MAKER.PAGE.read_text()
LISTED, VERSIONS = MAKER.listed(PAGE)
CURRENT = MAKER.versions() == VERSIONS  # other releases of SciPy may run in other ways
QUIET = pytest.mark.filterwarnings("ignore")  # SciPy's own, about its arguments


@QUIET
@pytest.mark.parametrize("name", [n for n in CASES if LISTED.get(n) == "as it is"])
def test_runs_as_it_is(name):
    try:
        got = jacobian(name)
    except ERRORS:
        if CURRENT:
            raise
        pytest.skip("refused by this SciPy")
    check(name, got)


@QUIET
@pytest.mark.parametrize("name", [n for n in CASES if LISTED.get(n) == "through lift"])
def test_runs_through_lift(name):
    try:
        check(name, jacobian(name))
        assert not CURRENT, "it runs as it is: make the page again"
    except ERRORS:
        pass
    try:
        got = jacobian(name, lift)
    except ERRORS:
        if CURRENT:
            raise
        pytest.skip("refused by this SciPy")
    check(name, got)


@QUIET
@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name):
    """By an error, not by a derivative that is lost."""
    for change in (lambda f: f, lift):
        try:
            got = jacobian(name, change)
        except ERRORS:
            continue
        check(name, got)
        assert not CURRENT, "it runs: make the page again"


def test_the_page_is_current():
    assert set(LISTED) == set(CASES)
    assert {n for n, s in LISTED.items() if s == "refused"} == set(REFUSED)
    if CURRENT:
        assert MAKER.text({n: LISTED[n] for n in CASES}) == PAGE


def test_there_are_many():
    run = [n for n, s in LISTED.items() if s != "refused" and n.startswith("scipy.")]
    assert len(run) >= 200
