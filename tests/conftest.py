"""Options of the test suite, which force one way of computing on every test:

pytest --lanes=always   with sparse seeds, whatever their number (never: with dense ones)
pytest --later=always   with operations that wait until somebody looks, whatever their size
"""

from dualdiff._seeding import set_lanes
from dualdiff._taylor import set_later_bytes

LATER = {"always": 1, "never": 2**62}


def pytest_addoption(parser):
    parser.addoption("--lanes", choices=("auto", "always", "never"), default="auto",
                     help="how many-seed calls represent their seeds (dualdiff.set_lanes)")
    parser.addoption("--later", choices=("auto", "always", "never"), default="auto",
                     help="which operations wait (dualdiff/_later.pxi)")


def pytest_configure(config):
    set_lanes(config.getoption("--lanes"))
    if config.getoption("--later") in LATER:
        set_later_bytes(LATER[config.getoption("--later")])
