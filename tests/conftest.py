"""Options of the test suite: `pytest --lanes=always` runs every test with lanes forced on.

A test about one representation itself says so: ``@pytest.mark.lanes("auto", "always",
reason="...")`` names the modes that it runs in.
"""

import pytest

from dualdiff._seeding import set_lanes


def pytest_addoption(parser):
    parser.addoption("--lanes", choices=("auto", "always", "never"), default="auto",
                     help="how many-seed calls represent their seeds (dualdiff.set_lanes)")


def pytest_configure(config):
    config.addinivalue_line("markers", "lanes(*modes, reason): the modes of --lanes to run in")
    set_lanes(config.getoption("--lanes"))


def pytest_collection_modifyitems(config, items):
    mode = config.getoption("--lanes")
    for item in items:
        for mark in item.iter_markers("lanes"):
            if mode not in mark.args:
                item.add_marker(pytest.mark.skip(reason=mark.kwargs["reason"]))
