"""Options of the test suite: `pytest --lanes=always` runs every test with lanes forced on."""

from dualdiff._seeding import set_lanes


def pytest_addoption(parser):
    parser.addoption("--lanes", choices=("auto", "always", "never"), default="auto",
                     help="how many-seed calls represent their seeds (dualdiff.set_lanes)")


def pytest_configure(config):
    set_lanes(config.getoption("--lanes"))
