"""The targets that dualdiff has set itself, and whether a run meets them.

    python benchmarks/targets.py                      judges docs/performance.json
    python benchmarks/targets.py --run --quick        measures what it needs, then judges

May import: report, compare (to measure), the standard library.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks.report import ratio

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Target:
    """time(dualdiff) <= limit × time(against) in `task`; bold ones decide."""

    task: str
    limit: float
    against: str = "f"
    bold: bool = False
    first: bool = False  # first call included

    @property
    def text(self):
        return (f"<= {self.limit:g} × {self.against}" if self.limit != 1
                else f"<= {self.against}") + (", first call included" if self.first else "")


T = Target
TARGETS = [
    T("product 1 seed", 1.2, "fastdual"),
    T("product 10 seeds", 1.5, "fastdual"),
    T("cubic", 1, "num-dual", bold=True),
    T("tanh'''", 1.2, "num-dual"),
    T("8th derivative", 1, "jax jet", bold=True),
    T("16th derivative", 1, "jax jet", bold=True),
    T("rosenbrock loop n=10", 1, "fastdual", bold=True),
    T("rosenbrock loop n=10", 3),
    T("rosenbrock sliced n=10", 2.5, bold=True),
    T("rosenbrock loop hessian n=10", 1, "num-dual"),
    T("rosenbrock hessian n=10", 1, "num-dual"),
    T("logistic 4x3", 2.5),
    T("logistic 569x30", 0.5, "autograd"),
    T("robot arm", 4),
    T("rk4 sensitivities", 4),
    T("brusselator 2x50 dense", 4),
    T("gp gradient", 3),
    T("gp hessian", 8),
    T("black-scholes 1e6", 1.2, bold=True),
    T("black-scholes 1e6", 1, "jax", bold=True),
    T("tanh gauss log1p", 1.2),
    *[T(f"rosenbrock sliced n={n}", 4) for n in (1000, 100_000, 1_000_000)],
    *[T(f"rosenbrock sliced n={n}", 1, p) for n in (1000, 100_000, 1_000_000)
      for p in ("autograd", "advect")],
    *[T(f"rosenbrock sliced n={n}", 3, "jax") for n in (1000, 100_000, 1_000_000)],
    T("rosenbrock hessian n=100", 20),
    T("rosenbrock sparse hessian n=100000", 20),
    T("brusselator 2x5000 sparse", 6),
    T("brusselator 2x5000 sparse", 1, "casadi", first=True),
    T("brusselator 2x5000 sparse", 1, "jax + colouring", first=True),
    T("brusselator 2x200x200 sparse", 8),
    T("total variation 1000x1000", 5),
    T("gaussian mixture", 4),
    T("gaussian mixture", 1, "autograd"),
    T("mlp 10-20-1", 8),
    T("mlp 10-20-1", 1, "autograd"),
]
NEVER_SLOWER = ("central differences", "autograd", "advect")
# Peak memory <= 15 times f's largest array, for the tasks that know it.
MEMORY = 15
MEMORY_TASKS = ("rosenbrock sliced n=1000", "rosenbrock sliced n=100000",
                "rosenbrock sliced n=1000000", "rosenbrock hessian n=100",
                "rosenbrock sparse hessian n=100000", "brusselator 2x5000 sparse",
                "brusselator 2x200x200 sparse", "total variation 1000x1000",
                "gaussian mixture", "mlp 10-20-1")
IMPORT = 1.5


def time_of(result, name, first=False):
    """Seconds of f or of a peer; None without a figure."""
    record = result["f"] if name == "f" else result["peers"].get(name, {})
    if record is None or "best" not in record:
        return None
    return record["first"] if first else record["best"]


def why_none(result, name):
    record = result["peers"].get(name, {})
    return record.get("unavailable") or record.get("failed") or "not measured"


def judge(results):
    """(bold, task, target, measured, verdict) for every target that a run can judge."""
    out = []
    for t in TARGETS:
        r = results.get(t.task)
        if r is None or r["f"] is None:
            out.append((t.bold, t.task, t.text, "", "not measured"))
            continue
        ours, theirs = time_of(r, "dualdiff", t.first), time_of(r, t.against, t.first)
        if ours is None or theirs is None:
            which = "dualdiff" if ours is None else t.against
            out.append((t.bold, t.task, t.text, "", f"{which}: {why_none(r, which)}"))
            continue
        out.append((t.bold, t.task, t.text, f"{ratio(ours, theirs)} × {t.against}",
                    "met" if ours <= t.limit * theirs else "MISSED"))
    for name, r in results.items():
        ours = time_of(r, "dualdiff") if r["f"] else None
        for peer in NEVER_SLOWER:
            theirs = time_of(r, peer) if r["f"] else None
            if ours is not None and theirs is not None and ours > theirs:
                out.append((False, name, f"never slower than {peer}",
                            f"{ratio(ours, theirs)} × {peer}", "MISSED"))
    for name in MEMORY_TASKS:
        r = results.get(name)
        ours = r["peers"].get("dualdiff", {}).get("memory") if r else None
        if ours is None or "largest" not in r["f"]:
            continue
        out.append((False, name, f"peak memory <= {MEMORY} × largest array of f",
                    f"{ratio(ours, r['f']['largest'])} ×",
                    "met" if ours <= MEMORY * r["f"]["largest"] else "MISSED"))
    return out


def import_times(repeats=15):
    """Median times of the two import statements, each in a fresh interpreter, in turn.

    Bytecode is written by a first round that does not count, as installing writes it.
    """
    times = {"numpy": [], "dualdiff": []}
    code = ("import sys, time; sys.path.append({!r}); t = time.perf_counter(); import {}; "
            "print(time.perf_counter() - t)")
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(repeats + 1):
        for name, all_times in times.items():
            out = subprocess.run([sys.executable, "-P", "-c", code.format(str(ROOT), name)],
                                 capture_output=True, text=True, check=True, env=env).stdout
            all_times.append(float(out))
    return {name: statistics.median(all_times[1:]) for name, all_times in times.items()}


def import_row():
    t = import_times()
    r = t["dualdiff"] / t["numpy"]
    return (False, "import dualdiff", f"<= {IMPORT} × import numpy", f"{r:.2f} ×",
            "met" if r <= IMPORT else "MISSED")


def table(run):
    """{state: rows} for every state of a run, with the import once."""
    out = {state: judge(results) for state, results in run["states"].items()}
    out[next(iter(out))].append(import_row())
    return out


def plain(run):
    lines = []
    for state, rows in table(run).items():
        lines.append(f"\nTargets, {state} memory (* decides):")
        lines += [f"  {'*' if bold else ' '} {task:36} {target:44} {got:24} {verdict}"
                  for bold, task, target, got, verdict in rows]
        lines.append(summary(rows))
    return "\n".join(lines)


def summary(rows):
    met = sum(r[-1] == "met" for r in rows)
    missed = sum(r[-1] == "MISSED" for r in rows)
    return f"  {met} met, {missed} missed, {len(rows) - met - missed} without figures"


def markdown(run):
    lines = []
    for state, rows in table(run).items():
        lines += [f"### {state} memory", "", "| task | target | measured | |",
                  "|---|---|---|---|"]
        for bold, task, target, got, verdict in rows:
            mark = "**" if bold else ""
            lines.append(f"| {mark}{task}{mark} | {target} | {got} | {verdict} |")
        lines += ["", summary(rows).strip() + ".", ""]
    return "\n".join(lines)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path,
                        default=ROOT / "docs" / "performance.json")
    parser.add_argument("--run", action="store_true", help="measure first")
    args, rest = parser.parse_known_args(argv)
    if args.run:
        from benchmarks import compare

        names = sorted({t.task for t in TARGETS})
        return compare.main(["--tasks", ",".join(names), "--targets", *rest])
    if rest:
        parser.error(f"unknown arguments {' '.join(rest)} (they need --run)")
    if not args.source.exists():
        parser.error(f"{args.source} is not there; run benchmarks/compare.py, or add --run")
    print(plain(json.loads(args.source.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
