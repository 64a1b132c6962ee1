"""The tables of docs/conventions.md, line by line, as they are printed there."""

import math
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import dualdiff

PAGE = Path(__file__).parents[1] / "docs" / "conventions.md"


def D(f, x, n=1):
    """The n-th derivative, by grad applied n times."""
    for _ in range(n):
        f = dualdiff.grad(f)
    return f(x)


NAMES = {"np": np, "math": math, "pickle": pickle, "inf": np.inf, "nan": np.nan, "D": D,
         **{name: getattr(dualdiff, name) for name in dualdiff.__all__}}


def lines():
    """(code, answer, words) of every line of the tables; words only where code must raise."""
    header = None
    for line in PAGE.read_text().splitlines():
        if not line.startswith("|"):
            header = None
            continue
        cells = [c.strip() for c in line.strip("|").split("|")]
        if header is None:
            header = cells
        elif not set(line) <= set("|-"):
            code, answer = (re.fullmatch("`(.*)`", c)[1] for c in cells[:2])
            yield code, answer, cells[2].strip("`") if header[1] == "error" else None


LINES = list(lines())


def test_the_tables_are_found():
    assert len(LINES) > 80
    codes = [code for code, _, _ in LINES]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("code, answer", [(c, a) for c, a, w in LINES if w is None])
def test_line(code, answer):
    want = eval(answer, dict(NAMES))
    with np.errstate(all="ignore"):  # the untaken branches warn, as they do in NumPy
        got = eval(code, dict(NAMES))
    if isinstance(want, (bool, np.dtype)):
        assert got == want
        return
    if isinstance(want, tuple):
        assert isinstance(got, tuple)
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=4 * np.finfo(float).eps, atol=0)
    if want.dtype == np.float32:
        assert got.dtype == want.dtype


@pytest.mark.parametrize("code, error, words", [line for line in LINES if line[2] is not None])
def test_refusal(code, error, words):
    with pytest.raises(getattr(__import__("builtins"), error), match=f"(?s){re.escape(words)}"):
        eval(code, dict(NAMES))
