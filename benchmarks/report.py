"""Turns measurements into a table on the terminal, docs/performance.md and a picture.

May import: the standard library, and matplotlib when a picture is drawn.
"""

import importlib.metadata
import os
import platform
from pathlib import Path

STATES = ("default", "recycled")


def seconds(t):
    """A time with a fitting unit and three digits."""
    units = (("s", 1.0), ("ms", 1e3), ("µs", 1e6), ("ns", 1e9))
    unit, factor = next((u for u in units if t * u[1] >= 1.0), units[-1])
    value = t * factor
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def bytes_(n):
    """A size with a fitting unit."""
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if n >= 10 or unit == "B" else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} GB"


def ratio(a, b):
    r = a / b
    return f"{r:.2f}" if r < 10 else f"{r:,.0f}"


def remark(record):
    """What must be said of a peer's row besides its figures."""
    if "unavailable" in record:
        return record["unavailable"]
    if "failed" in record:
        return "fails: " + record["failed"]
    if record.get("agrees") is False:
        return f"WRONG: off by {record['difference']:.1e} of {record['reference']}"
    if "agrees" not in record:
        return "nothing to compare with"
    return ""


def rows(result):
    """(name, best, median, ratio to f, ratio to dualdiff, first, memory, remark) of a task."""
    f = result["f"]
    peers = result["peers"]
    ours = peers.get("dualdiff", {}).get("best")
    if f is not None:
        yield ("f", seconds(f["best"]), seconds(f["median"]), "1",
               ratio(f["best"], ours) if ours else "", "",
               bytes_(f["memory"]) if "memory" in f else "", "NumPy evaluating f once")
    for name, r in peers.items():
        if "best" not in r:
            yield name, "", "", "", "", "", "", remark(r)
            continue
        yield (name, seconds(r["best"]), seconds(r["median"]), ratio(r["best"], f["best"]),
               ratio(r["best"], ours) if ours else "", seconds(r["first"]),
               bytes_(r["memory"]) if "memory" in r else "", remark(r))


HEAD = ("", "best", "median", "÷ f", "÷ dualdiff", "first call", "peak memory", "")


def plain(result, quiet_reasons=True):
    """A task as text for the terminal."""
    table = [HEAD, *rows(result)]
    if quiet_reasons:
        table = [r for r in table if r[1] or r[0] == "dualdiff" or "fails" in r[-1]]
        table[0] = HEAD
    widths = [max(len(r[c]) for r in table) for c in range(7)]
    return "\n".join("  " + "  ".join(
        r[c].ljust(widths[c]) if c == 0 else r[c].rjust(widths[c]) for c in range(7))
        + ("  " + r[7] if r[7] else "") for r in table)


def machine():
    """One paragraph on the machine and the versions."""
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as info:
            cpu = next((line.split(":", 1)[1].strip() for line in info
                        if line.startswith("model name")), cpu)
    except OSError:
        pass
    return (f"{cpu}, {os.cpu_count()} logical cores, {platform.system()} {platform.machine()}, "
            f"C library {' '.join(platform.libc_ver()) or 'unknown'}, "
            f"{platform.python_implementation()} {platform.python_version()}")


def versions(peers):
    """numpy and every peer with its version."""
    out = {"numpy": importlib.metadata.version("numpy")}
    for peer in peers:
        if peer.package and peer.installed():
            out.setdefault(peer.package, peer.version())
    return out


def cell(name, state, r, f):
    """'12.3 µs (2.1)' of one peer in one state."""
    if "best" not in r:
        return ""
    wrong = " **wrong**" if r.get("agrees") is False else ""
    return f"{seconds(r['best'])} ({ratio(r['best'], f['best'])}){wrong}"


def markdown(run, tasks, peers):
    """The whole page docs/performance.md."""
    out = ["# Performance", "",
           "Written by `benchmarks/compare.py`; [how to run it](benchmarks.md). Every task is "
           "a plain NumPy function `f`; every peer returns the same derivative, and all "
           "answers were compared before anything was timed. Times are the best of several "
           "rounds in which f and all peers take turns, followed by the ratio to one "
           "evaluation of f. Figures move from machine to machine; ratios move less.", "",
           f"Machine: {run['machine']}.", "",
           "Versions: " + ", ".join(f"{k} {v}" for k, v in run["versions"].items()) + ".", "",
           f"Run: {run['settings']}.", "",
           "![Time of each library relative to f](performance.png)", "",
           "*default*: the C library gives large blocks of memory back to the kernel at once, "
           "so that fresh arrays cost page faults (what most programs get). *recycled*: it "
           "keeps them (`MALLOC_MMAP_MAX_=0`, `MALLOC_TRIM_THRESHOLD_` large). The state "
           "changes f itself, and so every ratio. Tasks that need less than 128 kB, for which "
           "the two are the same, are measured in the first only.", ""]
    names = [p.name for p in peers]
    for state in STATES:
        results = run["states"].get(state)
        if not results:
            continue
        used = [n for n in names
                if any("best" in r["peers"].get(n, {}) for r in results.values())]
        out += [f"## All tasks, {state} memory", "",
                "| task | f | " + " | ".join(used) + " |",
                "|---|" + "---|" * (len(used) + 1)]
        for name, r in results.items():
            if r["f"] is None:
                continue
            out.append(f"| {name} | {seconds(r['f']['best'])} | " + " | ".join(
                cell(n, state, r["peers"].get(n, {}), r["f"]) for n in used) + " |")
        out.append("")
    out += ["## Each task", ""]
    for name in next(iter(run["states"].values())):
        task = tasks[name]
        out += [f"### {task.family}: {name}", "", f"{task.what[0].upper()}{task.what[1:]}.", ""]
        for state in STATES:
            r = run["states"].get(state, {}).get(name)
            if r is None or r["f"] is None:
                continue
            out += [f"| {state} memory | best | median | ÷ f | ÷ dualdiff | first call | "
                    "peak memory | remark |", "|---|" + "---:|" * 6 + "---|"]
            out += ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |"
                    for row in rows(r) if row[1]]
            out.append("")
            missing = [(n, remark(p)) for n, p in r["peers"].items() if "best" not in p]
            if missing:
                reasons = "; ".join(f"{n} ({why})" for n, why in missing)
                out += [f"No figure: {reasons}.", ""]
    return "\n".join(out)


COLOURS = {"dualdiff": "#c0392b", "jax": "#2c7fb8", "jax jet": "#7fcdbb",
           "jax + colouring": "#7fcdbb", "autograd": "#8856a7", "advect": "#dd8a2f",
           "num-dual": "#31a354", "fastdual": "#78c679", "casadi": "#636363", "hand": "#000000",
           "central differences": "#bdbdbd"}


def picture(run, path):
    """Ratio to f of every peer, one row a task, logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    state = "default" if "default" in run["states"] else next(iter(run["states"]))
    results = {n: r for n, r in run["states"][state].items() if r["f"] is not None}
    fig, ax = plt.subplots(figsize=(10, 1.4 + 0.26 * len(results)))
    labels = list(results)
    for y, name in enumerate(labels):
        ax.axhline(y, color="0.93", lw=0.8, zorder=0)
        for peer, r in results[name]["peers"].items():
            if "best" not in r or peer not in COLOURS:
                continue
            ours = peer == "dualdiff"
            ax.plot(r["best"] / results[name]["f"]["best"], y, marker="D" if ours else "o",
                    ms=7 if ours else 5, color=COLOURS[peer], zorder=3 if ours else 2,
                    alpha=1.0 if ours else 0.75, lw=0)
    for peer, colour in COLOURS.items():
        if any(peer in r["peers"] and "best" in r["peers"][peer] for r in results.values()):
            ax.plot([], [], lw=0, marker="D" if peer == "dualdiff" else "o", color=colour,
                    label=peer)
    ax.axvline(1.0, color="0.4", lw=1)
    ax.set_xscale("log")
    ax.set_yticks(range(len(labels)), labels, fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel("time of the derivative / time of f (left is faster)")
    ax.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.35, -0.04), ncol=6,
              frameon=False)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    fig.tight_layout()
    Path(path).parent.mkdir(exist_ok=True)
    fig.savefig(path, dpi=130)
    plt.close(fig)
