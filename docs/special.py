"""Makes special.md: every ufunc of scipy.special, and what becomes of a derivative in it.

Lines and reasons are read from the tables of dualdiff, errors from the comparison with
mpmath (`tests/special_values.txt`).  Run it as `python docs/special.py`, with dualdiff and
SciPy installed; a test compares the page, but for the errors, with what it would write.
"""

import pathlib
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from dualdiff.rows.special import ALIASES, FAMILIES, REFUSED, TABLE, lines  # noqa: E402

PAGE = pathlib.Path(__file__).with_suffix(".md")
TITLES = {
    "elementary": "Error, logistic, gamma and zeta functions, and others",
    "bessel": "Bessel functions and their kin",
    "elliptic": "Elliptic and hypergeometric functions, orthogonal polynomials",
    "equations": "Solutions of differential equations",
    "distributions": "Distributions",
}
FUNCTIONS = """\
Functions of scipy.special that are Python code run on numbers where that code leaves them
alone: `softmax`, `softplus`, `sinc`, `lambertw`, `zeta` (also in its first argument), `jvp`,
`yvp`, `ivp`, `kvp`, `h1vp`, `h2vp`, polynomials such as `legendre(3)`, `assoc_laguerre`.
Those that turn their argument into a plain array first cannot see a derivative and raise;
`dualdiff.lift` lets them run: `lift(special.logsumexp)`, `lift(special.log_softmax)`,
`lift(special.polygamma)`, `comb`, `diric`, or all that a function of yours calls by
`lift(f, follow=("scipy",))`. `multigammaln`, `legendre_p` and `sph_harm_y` hand lists
or object arrays to compiled code, and `spherical_jn` writes to plain ones: they raise even so."""


def counts():
    """(differentiable in all, in some arguments, constant, refused): of public ufuncs."""
    some = {n: e for n, e in TABLE.items() if not n.startswith("_")}
    for alias, name in ALIASES.items():
        some[alias] = TABLE[name]
    whole = sum(len(e.places) == len(e.on) for e in some.values())
    none = sum(not e.places for e in some.values())
    return whole, len(some) - whole - none, none, len(REFUSED)


def line(name, entry, errors):
    """A row of a table of the page."""
    if not entry.places:
        return f"| `{name}` | | piecewise constant | | | |"
    names = [f"**{n}**" if i in entry.places else n for i, n in enumerate(entry.names)]
    why = entry.why if len(entry.places) < len(entry.on) else ""
    found = errors.get(name)
    cells = [f"{e:.2g}" if e < 1000 else f"{e:.0e}" for e in found] if found else ["", "", ""]
    return f"| `{name}` | {', '.join(names)} | {why} | {' | '.join(cells)} |"


def page(errors):
    """The text of the page; errors: name -> the worst at order 1, to 4, to 8."""
    whole, part, none, refused = counts()
    out = ["# The ufuncs of scipy.special", "", textwrap.fill(
        "Made by `python docs/special.py`. dualdiff does not import SciPy: a rule is found when "
        "a ufunc of `scipy.special` first meets a number.", 90), "",
        "| differentiable in every argument | in some | piecewise constant | refused |",
        "|---:|---:|---:|---:|", f"| {whole} | {part} | {none} | {refused} |", "",
        textwrap.fill(
        "Arguments in bold carry derivatives, of every order; a number in another one raises a "
        "`TypeError` with the reason that stands beside it. Errors are the worst of Taylor "
        "coefficients against mpmath, over points of the whole domain, at order 1, at orders to "
        "4 and to 8, in double precision. Their unit is eps times what a relative change of the "
        "argument by 1 does to the coefficient; 4500 units are 1e-12. For coefficients that are "
        "far smaller than the terms they are made of (`LARGEST` in `tests/test_special.py`) it "
        "is eps times the largest of these. No errors stand where mpmath has no such function: "
        "there tests take differences of the order below. Names with an underscore are what "
        "SciPy's own functions call.", 90), "", *textwrap.fill(FUNCTIONS, 90).splitlines(), ""]
    for family in FAMILIES:
        out += [f"## {TITLES[family]}", "", "| function | arguments | refused in the others | "
                "order 1 | to 4 | to 8 |", "|---|---|---|---:|---:|---:|"]
        out += [line(n, e, errors) for n, e in lines(family).items()]
        out.append("")
    out += ["## Refused", ""]
    for why in dict.fromkeys(REFUSED.values()):
        names = ", ".join(f"`{n}`" for n, w in REFUSED.items() if w == why)
        out += [textwrap.fill(f"- {why}: {names}.", 90, subsequent_indent="  ")]
    return "\n".join(out) + "\n"


def bare(text):
    """A page without its errors."""
    return [row.rsplit("|", 4)[0] if row.startswith("| `") else row
            for row in text.splitlines()]


def measured():
    """name -> the worst errors at order 1, to 4, to 8."""
    import numpy as np
    import test_special as test

    out = {}
    for (name, _), cases in test.CASES.items():
        worst = np.max([test.errors(case) for case in cases], axis=0)
        new = np.array([worst[0], max(worst[:4]), max(worst)])
        out[name] = np.maximum(out.get(name, 0), new)
    return {n: e.tolist() for n, e in out.items()}


if __name__ == "__main__":
    PAGE.write_text(page(measured()))
