"""How exact the derivatives of elementwise functions are, over their whole domains.

    python benchmarks/accuracy.py            the table, on the screen
    python benchmarks/accuracy.py --write    the table, into docs/accuracy.md

Each function is swept from the tiny to the huge, near its zeros, poles and branch
points, on both sides; Taylor coefficients of orders 0 to 12 are compared with mpmath's
at 50 digits.  Errors are in units in the last place: at order 1 of the derivative
itself; at any order of the well-conditioned answer, that is of the larger of |c_k| and
|x c_k'|, the change of c_k under a relative change of x.

May import: dualdiff, the oracles of the tests.  Invariant: nothing is left out but
coefficients that overflow or underflow in double precision.
"""

import argparse
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parent / "tests")]

import elementary  # noqa: E402  (the tests are no package)
import oracles  # noqa: E402

from dualdiff._taylor import ROWS  # noqa: E402

ORDER = 12
PAGE = HERE.parent / "docs" / "accuracy.md"
EPS, TINY, HUGE = np.finfo(float).eps, np.finfo(float).tiny, np.finfo(float).max


def errors(f, oracle, x, order=ORDER):
    """(ulps at order 1, units of the well-conditioned answer [order + 1, points])."""
    with np.errstate(all="ignore"):
        got = oracles.coefficients(f, x, order)
        want = oracles.mp_values(oracle, x, order + 1)
    return compare(got, want, x)


def compare(got, want, x, least=0.0):
    """Errors of coefficients `got` against `want`, which has one order more.

    least: a lower bound of the scale, for sums whose parts are larger than they are.
    """
    with np.errstate(all="ignore"):
        exact, scale = np.abs(want[:-1]), np.maximum(scales(want, x), least)
        off = np.abs(got - want[:-1])
        off = np.where((got == want[:-1]) | (off == 0), 0, off)
        seen = (scale > TINY / EPS) & (scale < HUGE)
        units = np.where(seen, off / (EPS * scale), 0)
        ulps = off[1] / np.spacing(np.maximum(exact[1].astype(float), TINY / EPS))
        counted = seen[1] & (exact[1] > TINY / EPS) & (exact[1] > 1e-40 * scale[1])
        ulps = np.where(counted, ulps, 0)  # the oracle's own error is about 1e-60
    return ulps.astype(float), units.astype(float)


def scales(want, x):
    """The well-conditioned size of each coefficient but the last."""
    k = np.arange(len(want) - 1)[:, None]
    return np.maximum(np.abs(want[:-1]), np.abs((k + 1) * x * want[1:]))


def directions(f, oracle, pairs, order=ORDER):
    """errors of a function of two arguments: along each of them, and along both."""
    ulps, units = [], []
    for x, y in pairs:
        least = 0.0
        for a, b in ((1.0, 0.0), (0.0, 1.0), (1.0, 0.75)):
            u, v = a * (abs(x) or 1.0), b * (abs(y) or 1.0)  # as large as the operands
            got = along(f, x, y, u, v, order)[:, None]
            want = expected(oracle, x, y, u, v, order)[:, None]
            e, c = compare(got, want, np.ones(1), least if a and b else 0.0)
            least = np.maximum(least, scales(want, np.ones(1)))
            units.append(c)
            if not (a and b):
                ulps.append(e)
    return np.concatenate(ulps), np.concatenate(units, axis=1)


def expected(oracle, x, y, u, v, order):
    """Taylor coefficients 0 .. order + 1 of t -> oracle(x + u t, y + v t), by mpmath."""
    x, y, u, v = map(oracles.to_mp, (x, y, u, v))
    row = oracles.mp_taylor(lambda t: oracle(x + t * u, y + t * v), 0.0, order + 1)
    return np.array([oracles.in_long_double(c) for c in row])


def along(f, x, y, u, v, order):
    """Taylor coefficients of t -> f(x + u t, y + v t)."""
    from dualdiff._seeding import Call

    with Call(1, order) as call, np.errstate(all="ignore"):
        seeded = [call.along(np.float64(p), [np.float64(d)]) if d else np.float64(p)
                  for p, d in ((x, u), (y, v))]
        z = f(*seeded)
        return np.concatenate([[call.value(z)], call.coefficients(z, np.arange(1, order + 1))])


def table(order=ORDER, dense=True):
    """[(name, points, worst ulps at 1, their 95th percentile, worst units of each order)]."""
    rows = []
    for f, (oracle, largest, extra) in elementary.ONE.items():
        x = elementary.sweep(ROWS[f].domain, largest, extra, dense)
        rows.append(summary(f, len(x), *errors(f, oracle, x, order)))
    for f, (oracle, pairs) in elementary.TWO.items():
        rows.append(summary(f, 3 * len(pairs), *directions(f, oracle, pairs, order)))
    return rows


def summary(f, count, ulps, units):
    """One row of the table."""
    return (f.__name__, count, ulps.max(), np.percentile(ulps, 95), units.max(axis=1))


HEAD = """# Accuracy

Made by `python benchmarks/accuracy.py --write`; tests check a part of it on every run.

Each function is swept over its whole domain: tiny and huge arguments, both signs, near
zeros, poles and branch points; functions of two arguments at the pairs of
`tests/elementary.py`, along each argument and along both. Taylor coefficients c<sub>k</sub>
are compared with mpmath at 50 digits, in double precision. The first two columns of errors
are in units in the last place of the first derivative itself, the worst and the 95th
percentile. The others are in units of the well-conditioned answer, eps times the larger of
|c<sub>k</sub>| and |x c<sub>k</sub>'|: what a relative change of x by eps does to it. An
error of 4500 such units is one of 1e-12.

| function | points | order 1, ulp | 95 % | order 0 (NumPy) | 1 | 2 | 4 | 8 | 12 |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def page(rows):
    """The page of the documentation."""
    lines = [HEAD.rstrip()]
    for name, count, worst, usual, units in rows:
        cells = [f"{worst:.2f}", f"{usual:.2f}"]
        cells += [f"{units[k]:.2f}" for k in (0, 1, 2, 4, 8, 12)]
        lines.append(f"| `{name}` | {count} | " + " | ".join(cells) + " |")
    ten = sorted(rows, key=lambda r: -r[4].max())[:10]
    lines += ["", "The ten largest errors at any order from 1 to 12, in the same units: "
              + ", ".join(f"`{r[0]}` {r[4][1:].max():.1f} (order {r[4][1:].argmax() + 1})"
                          for r in sorted(ten, key=lambda r: -r[4][1:].max())) + ".", ""]
    return "\n".join(lines)


def main():
    """Print the table, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    text = page(table())
    if parser.parse_args().write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
