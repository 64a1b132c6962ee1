"""Time and memory against n, 1e2 to 1e6, of dualdiff and its peers: docs/growth.png.

    python benchmarks/growth.py                 the whole picture (minutes)
    python benchmarks/growth.py --largest 10000 --seconds 0.1

Each point is measured in a process of its own; a library whose point took longer than
--limit drops out of its curve, which the page says.  May import: tasks, peers, report.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks import report
from benchmarks.compare import bar

ROOT = Path(__file__).resolve().parents[1]
CURVES = {
    "rosenbrock sliced n=1000": (
        "gradient of Rosenbrock's function, n unknowns", lambda n: n,
        ("dualdiff", "jax", "autograd", "advect", "fastdual", "central differences")),
    "brusselator 2x5000 sparse": (
        "sparse Jacobian of the Brusselator, n unknowns", lambda n: n // 2,
        ("dualdiff", "jax + colouring", "casadi")),
}
# Beyond these n a library is known to need minutes or more memory than a machine has.
CEILING = {"fastdual": 1000, "central differences": 3000, "casadi": 100_000}


def point(task, size, peer, seconds, limit):
    """(record of f, record of the peer) at one size, or why there is none."""
    command = [sys.executable, str(ROOT / "benchmarks" / "measure.py"), task,
               "--size", str(size), "--peers", peer, "--seconds", str(seconds),
               "--rounds", "10", "--memory"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None, {"unavailable": f"not done after {limit:g} s"}
    if done.returncode:
        return None, {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return result["f"], result["peers"][peer]


def measure(sizes, seconds, limit):
    """{task: {"f" or peer: {n: (seconds, bytes)}}} and the reasons for curves that end."""
    curves, reasons = {}, {}
    work = [(task, peer, n) for task, (_, _, peers) in CURVES.items() for peer in peers
            for n in sizes]
    for task, peer, n in bar(work, len(work) > 3):
        of_task = curves.setdefault(task, {})
        if (task, peer) in reasons:
            continue
        if n > CEILING.get(peer, n):
            reasons[task, peer] = f"not measured above n = {CEILING[peer]:,}"
            continue
        f, record = point(task, CURVES[task][1](n), peer, seconds, limit)
        if f is not None:
            before = of_task.setdefault("f", {}).get(n, (float("inf"), 0))
            of_task["f"][n] = (min(before[0], f["best"]), f.get("memory", 0))
        if "best" not in record:
            reasons[task, peer] = f"at n = {n:,}: {report.remark(record)}"
            continue
        of_task.setdefault(peer, {})[n] = (record["best"], record["memory"])
    return curves, reasons


def picture(curves, path):
    """Two panels a task: time and peak memory, both logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(len(curves), 2, figsize=(11, 4.2 * len(curves)), squeeze=False)
    for (task, of_task), row in zip(curves.items(), axes, strict=True):
        for which, (ax, unit) in enumerate(zip(row, ("seconds", "bytes"), strict=True)):
            for name, points in of_task.items():
                n = sorted(points)
                y = [max(points[k][which], 1e-9) for k in n]
                ours = name == "dualdiff"
                ax.plot(n, y, marker="o", ms=4, lw=2.4 if ours else 1.2, zorder=3 if ours else 2,
                        color=report.COLOURS.get(name, "0.4"), label=name,
                        ls="--" if name == "f" else "-")
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.set_xlabel("n")
            ax.set_ylabel(("time, " if which == 0 else "peak memory, ") + unit)
            ax.set_title(CURVES[task][0], fontsize=10)
            ax.grid(color="0.93")
            for side in ("top", "right"):
                ax.spines[side].set_visible(False)
        row[0].legend(fontsize=8, frameon=False)
    fig.tight_layout()
    Path(path).parent.mkdir(exist_ok=True)
    fig.savefig(path, dpi=130)
    plt.close(fig)


def markdown(curves, reasons, settings):
    """docs/growth.md: the figures behind the picture."""
    out = ["# Growth", "", "Written by `benchmarks/growth.py`: time of one derivative and peak "
           "extra memory against the number of unknowns. " + settings, "",
           "![Time and memory against n](growth.png)", ""]
    for task, of_task in curves.items():
        sizes = sorted({n for points in of_task.values() for n in points})
        out += [f"## {CURVES[task][0]}", "", "| | " + " | ".join(f"n = {n:,}" for n in sizes)
                + " |", "|---|" + "---:|" * len(sizes)]
        for name, points in of_task.items():
            cells = [f"{report.seconds(points[n][0])}, {report.bytes_(points[n][1])}"
                     if n in points else "" for n in sizes]
            out.append(f"| {name} | " + " | ".join(cells) + " |")
        ends = [f"{peer}: {why}" for (t, peer), why in reasons.items() if t == task]
        out += ["", *(["Curves that end early: " + "; ".join(ends) + ".", ""] if ends else [])]
    return "\n".join(out)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=0.3, help="time for each point")
    parser.add_argument("--limit", type=float, default=90.0, help="a curve ends beyond this")
    parser.add_argument("--output", type=Path, default=ROOT / "docs")
    args = parser.parse_args(argv)
    sizes = [10**k for k in range(2, 7) if 10**k <= args.largest]
    curves, reasons = measure(sizes, args.seconds, args.limit)
    for (task, peer), why in reasons.items():
        print(f"{task}: {peer}: {why}")
    args.output.mkdir(exist_ok=True)
    picture(curves, args.output / "growth.png")
    (args.output / "growth.md").write_text(
        markdown(curves, reasons, f"Machine: {report.machine()}.") + "\n")
    print(f"wrote {args.output}/growth.md and growth.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
