"""Makes foreign.md: which functions of SciPy and of textbooks run on numbers, and how.

Each case of `tests/foreign_cases.py` is differentiated as it is, then through `lift`, and compared
with differences.  Run it as `python docs/foreign.py`, with dualdiff and SciPy installed; a
test compares the page with what runs.
"""

import pathlib
import re
import sys
import textwrap
import warnings

import numpy as np
import scipy

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from foreign_cases import CASES, REFUSED, state  # noqa: E402

PAGE = pathlib.Path(__file__).with_suffix(".md")
TITLES = {"as it is": "As they are", "through lift": "Through lift", "refused": "Refused"}

NOTE = ("As they are, functions that call `numpy.asarray` get an array of objects, and those that "
        "choose their precision by the dtype may take it for single precision: "
        "`scipy.signal.freqz_zpk` with an integer `worN` then gives seven digits. Through `lift` "
        "they see float64.")


def versions():
    """The releases that the page is about."""
    return " and ".join(f"{m.__name__.replace('scipy', 'SciPy').replace('numpy', 'NumPy')} "
                        f"{'.'.join(m.__version__.split('.')[:2])}" for m in (scipy, np))


def text(states):
    """The page, from {name: state}."""
    count = {way: sum(s == way for s in states.values()) for way in TITLES}
    lines = [
        "# Code that nobody wrote for dualdiff", "",
        f"Made by `python docs/foreign.py` with {versions()}.", "",
        *textwrap.wrap(
            f"Of {len(states)} functions, {count['as it is']} run on numbers as they are, "
            f"{count['through lift']} through `dualdiff.lift`, and {count['refused']} are "
            "refused, by an error: none of them loses a derivative silently. Each that runs is "
            "compared with differences of fourth order in every argument. The snippets are "
            "short programs as textbooks have them (`tests/foreign_snippets.py`).", 99),
        "", *textwrap.wrap(NOTE, 99),
    ]
    for way in ("as it is", "through lift"):
        lines += ["", f"## {TITLES[way]}"]
        for package, names in grouped(n for n, s in states.items() if s == way):
            lines += ["", *textwrap.wrap(f"`{package}`: " + ", ".join(
                f"`{n}`" for n in names) + ".", 99, break_long_words=False)]
    lines += ["", f"## {TITLES['refused']}"]
    for why in dict.fromkeys(REFUSED.values()):
        names = [n for n, s in states.items() if s == "refused" and REFUSED[n] == why]
        lines += ["", *textwrap.wrap(f"- {why}: " + ", ".join(f"`{n}`" for n in names) + ".", 99,
                                     subsequent_indent="  ", break_long_words=False)]
    return "\n".join(lines) + "\n"


def grouped(names):
    """(package, names in it) of dotted names."""
    out = {}
    for name in names:
        package, _, rest = name.rpartition(".")
        if package.startswith("scipy.stats."):  # a method of a distribution
            package, rest = "scipy.stats", name.removeprefix("scipy.stats.")
        out.setdefault(package, []).append(rest)
    return out.items()


def listed(page):
    """({name: state}, the releases) that a page tells of."""
    states = {}
    for way, title in TITLES.items():
        part = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        for paragraph in part.strip().split("\n\n"):
            names = re.findall(r"`([^`]+)`", paragraph)
            if way != "refused":
                package, *names = names
                names = [f"{package}.{n}" for n in names]
            states.update(dict.fromkeys(names, way))
    return states, re.search(r"with (SciPy .+)\.\n", page)[1]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    PAGE.write_text(text({name: state(name) for name in CASES}))
