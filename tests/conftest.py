"""Options of the test suite, which force one way of computing on every test:

pytest --lanes=always   with sparse seeds, whatever their number (never: with dense ones)
pytest --later=always   with operations that wait until somebody looks, whatever their size
pytest --code=always    with machine code for all that waits, with --later=always for all

A test about one representation itself says so: ``@pytest.mark.lanes("auto", "always",
reason="...")`` names the modes that it runs in.
"""

import pytest

from dualdiff._driver import set_machine_code
from dualdiff._seeding import set_lanes
from dualdiff._taylor import set_later_bytes

LATER = {"always": 1, "never": 2**62}


def pytest_addoption(parser):
    parser.addoption("--lanes", choices=("auto", "always", "never"), default="auto",
                     help="how many-seed calls represent their seeds (dualdiff.set_lanes)")
    parser.addoption("--later", choices=("auto", "always", "never"), default="auto",
                     help="which operations wait (dualdiff/_later.pxi)")
    parser.addoption("--code", choices=("auto", "always", "never"), default="auto",
                     help="what machine code computes (dualdiff.set_machine_code)")


def pytest_configure(config):
    config.addinivalue_line("markers", "lanes(*modes, reason): the modes of --lanes to run in")
    set_lanes(config.getoption("--lanes"))
    set_machine_code(config.getoption("--code"))
    if config.getoption("--later") in LATER:
        set_later_bytes(LATER[config.getoption("--later")])


def pytest_collection_modifyitems(config, items):
    mode = config.getoption("--lanes")
    for item in items:
        for mark in item.iter_markers("lanes"):
            if mode not in mark.args:
                item.add_marker(pytest.mark.skip(reason=mark.kwargs["reason"]))


@pytest.fixture
def with_lanes():
    """Where many inputs would take too long without."""
    before = set_lanes("always")
    yield
    set_lanes(before)
