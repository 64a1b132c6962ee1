"""Compares dualdiff with every peer that is installed, on every task.

    python benchmarks/compare.py                          all, writes docs/performance.*
    python benchmarks/compare.py --quick                  short rounds, prints only
    python benchmarks/compare.py --tasks rosenbrock,mlp   tasks by name or family
    python benchmarks/compare.py --peers dualdiff,jax     only these
    python benchmarks/compare.py --list

Each task runs in a process of its own, once for each state of the C library's memory.
May import: tasks, peers, report, targets.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks import report, targets
from benchmarks.peers import PEERS
from benchmarks.tasks import TASKS, select

ROOT = Path(__file__).resolve().parents[1]
# Freed memory stays with the process: no mmap for large blocks, no trimming.
RECYCLED = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
            "MALLOC_TOP_PAD_": str(64 << 20)}
ENVIRONMENT = {"default": {}, "recycled": RECYCLED}


def bar(items, show):
    """The items, with a progress bar on long runs where tqdm is installed."""
    if not show:
        return items
    try:
        from tqdm import tqdm
    except ImportError:
        return counted(items)
    return tqdm(items, unit="task", file=sys.stderr)


def counted(items):
    """The items, counted on standard error."""
    for i, item in enumerate(items, 1):
        print(f"[{i}/{len(items)}]", file=sys.stderr)
        yield item


def run_task(task, state, options):
    """The record of one task, measured in a process of its own."""
    command = [sys.executable, str(ROOT / "benchmarks" / "measure.py"), task.name, "--seconds",
               str(options.seconds), "--rounds", str(options.rounds)]
    command += ["--peers", ",".join(options.peers)] if options.peers else []
    command += ["--memory"] if state == "default" and not options.no_memory else []
    environment = {**os.environ, **ENVIRONMENT[state]}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True,
                              timeout=options.timeout)
    except subprocess.TimeoutExpired:
        return {"task": task.name, "f": None, "peers": {},
                "failed": f"not done after {options.timeout:.0f} s"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {"task": task.name, "f": None, "peers": {},
                "failed": f"exit status {done.returncode}: {last}"}
    return json.loads(done.stdout.strip().splitlines()[-1])


def stays_small(result):
    """Whether f and dualdiff need less than what the C library hands back at once."""
    if not result or not result["f"] or "memory" not in result["f"]:
        return False
    ours = result["peers"].get("dualdiff", {}).get("memory", 0)
    return max(result["f"]["memory"], ours) < 128 * 1024


def parse(argv):
    parser = argparse.ArgumentParser(
        description="Compare dualdiff with its peers; see docs/benchmarks.md.")
    parser.add_argument("--tasks", default="", help="words in task or family names, by commas")
    parser.add_argument("--peers", default="", help="peers by name, by commas (default: all)")
    parser.add_argument("--quick", action="store_true",
                        help="short rounds, default memory only, nothing written")
    parser.add_argument("--state", choices=("default", "recycled", "both"), default=None)
    parser.add_argument("--seconds", type=float,
                        help="time for each peer and task (1; quick 0.2)")
    parser.add_argument("--rounds", type=int, help="rounds at most (30; quick 10)")
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds for a whole task")
    parser.add_argument("--no-memory", action="store_true", help="do not measure memory")
    parser.add_argument("--targets", action="store_true", help="print the targets, too")
    parser.add_argument("--write", action="store_true", help="write the docs in a quick run")
    parser.add_argument("--output", type=Path, default=ROOT / "docs")
    parser.add_argument("--list", action="store_true", help="list tasks and peers")
    o = parser.parse_args(argv)
    o.peers = [p.strip() for p in o.peers.split(",") if p.strip()]
    unknown = set(o.peers) - set(PEERS)
    if unknown:
        parser.error(f"unknown peer {', '.join(sorted(unknown))}; known: {', '.join(PEERS)}")
    o.seconds = o.seconds or (0.2 if o.quick else 1.0)
    o.rounds = o.rounds or (10 if o.quick else 30)
    o.state = o.state or ("default" if o.quick else "both")
    o.chosen = select(o.tasks)
    if not o.chosen:
        parser.error(f"no task matches {o.tasks!r}; see --list")
    return o


def main(argv=None):
    options = parse(argv)
    if options.list:
        for task in options.chosen:
            print(f"{task.family:12} {task.name:36} {task.what}")
        print("peers:", ", ".join(n if p.installed() else f"{n} (not installed)"
                                  for n, p in PEERS.items()))
        return 0
    states = ("default", "recycled") if options.state == "both" else (options.state,)
    run = {"machine": report.machine(), "versions": report.versions(PEERS.values()),
           "settings": f"{options.seconds:g} s for each peer and task, at most "
           f"{options.rounds} rounds, {time.strftime('%Y-%m-%d')}",
           "states": {s: {} for s in states}}
    wrong = []
    work = [(s, t) for s in states for t in options.chosen]
    for state, task in bar(work, len(work) > 3):
        if state == "recycled" and stays_small(run["states"].get("default", {}).get(task.name)):
            continue
        result = run["states"][state][task.name] = run_task(task, state, options)
        if options.quick or len(work) <= 6:
            print(f"\n{task.name} [{state} memory]: {task.what}", flush=True)
            print(report.plain(result), flush=True)
        if "failed" in result:
            wrong.append(f"{task.name} [{state}]: {result['failed']}")
        wrong += [f"{task.name} [{state}]: {name}: {report.remark(r)}"
                  for name, r in result["peers"].items()
                  if r.get("agrees") is False or (name == "dualdiff" and "failed" in r)]
    if not options.quick or options.write:
        options.output.mkdir(exist_ok=True)
        (options.output / "performance.json").write_text(json.dumps(run, indent=1) + "\n")
        page = report.markdown(run, TASKS, list(PEERS.values()))
        page += "\n## Targets\n\n" + targets.markdown(run) + "\n"
        (options.output / "performance.md").write_text(page)
        report.picture(run, options.output / "performance.png")
        print(f"wrote {options.output}/performance.md, .png and .json")
    if options.targets:
        print(targets.plain(run))
    if wrong:
        print("\nNot as it should be:\n  " + "\n  ".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
