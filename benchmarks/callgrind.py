"""Counts machine instructions of small operations with valgrind, which no busy core disturbs.

    python benchmarks/callgrind.py                       table, all operations and libraries
    python benchmarks/callgrind.py --tasks cubic         one
    python benchmarks/callgrind.py --tasks cubic --top   where dualdiff spends them

An operation costs (instructions of 2N calls - instructions of N calls) / N, in total and
function by function: start-up and imports cancel.  May import: tasks, peers.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks.peers import PEERS, Unavailable
from benchmarks.tasks import TASKS

OPERATIONS = ("product 1 seed", "product 10 seeds", "cubic",
              "tanh'''", "8th derivative", "rosenbrock loop n=10", "rosenbrock sliced n=10",
              "rosenbrock hessian n=10", "logistic 4x3", "robot arm")
LIBRARIES = ("f", "dualdiff", "fastdual", "num-dual", "casadi")


def calls(name, peer, count):
    """Runs inside valgrind: the operation `count` times."""
    task = TASKS[name]
    args = task.make(task.size)
    call = (lambda: task.evaluate(args)) if peer == "f" else PEERS[peer].build(task, args)
    for _ in range(count):
        call()


def collected(name, peer, count, out="/dev/null"):
    """Instructions of one process that makes `count` calls; the profile goes to `out`."""
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", sys.executable,
               __file__, "--inside", name, peer, str(count)]
    done = subprocess.run(command, capture_output=True, text=True,
                          env={**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"})
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        last = [x for x in done.stderr.splitlines() if not x.startswith("==")]
        raise RuntimeError(f"{name}, {peer}: {(last or ['valgrind failed'])[-1]}")
    return int(found.group(1))


def cost(name, peer, count):
    """Instructions of one call, or the reason why there is no figure."""
    task = TASKS[name]
    if peer != "f":
        try:
            PEERS[peer].build(task, task.make(task.size))()
        except Unavailable as reason:
            return str(reason)
        except (TypeError, AttributeError, ValueError) as error:
            return f"fails: {type(error).__name__}"
    return (collected(name, peer, 2 * count) - collected(name, peer, count)) / count


def by_function(name, count):
    """{function: instructions of its own} in one process of dualdiff."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "callgrind.out"
        collected(name, "dualdiff", count, out)
        listing = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", str(out)],
                                 capture_output=True, text=True, check=True).stdout
    spent = {}
    for line in listing.splitlines():
        found = re.match(r"\s*([\d,]+) \([ \d.]+%\)\s+(?:\S*:)?(\S+)", line)
        if found and found.group(2) != "PROGRAM":
            function = found.group(2)
            spent[function] = spent.get(function, 0) + int(found.group(1).replace(",", ""))
    return spent


def top(name, count, lines=20):
    """Where one call of dualdiff spends its instructions, the costliest functions first."""
    once, twice = by_function(name, count), by_function(name, 2 * count)
    spent = {f: (n - once.get(f, 0)) / count for f, n in twice.items()}
    order = sorted(spent, key=spent.get, reverse=True)[:lines]
    return "\n".join(f"{spent[f]:14,.0f}  {f}" for f in order)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default="", help="words in names, by commas")
    parser.add_argument("--peers", default=",".join(LIBRARIES))
    parser.add_argument("--count", type=int, default=1000, help="calls N (1000)")
    parser.add_argument("--top", action="store_true", help="dualdiff's costliest functions")
    parser.add_argument("--inside", nargs=3, metavar=("TASK", "PEER", "COUNT"),
                        help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.inside:
        calls(args.inside[0], args.inside[1], int(args.inside[2]))
        return 0
    if shutil.which("valgrind") is None:
        parser.error("valgrind is not installed")
    words = [w.strip() for w in args.tasks.split(",") if w.strip()]
    names = [n for n in OPERATIONS if not words or any(w in n for w in words)]
    if not names:
        parser.error(f"no operation matches {args.tasks!r}; known: {', '.join(OPERATIONS)}")
    peers = args.peers.split(",")
    print(f"{'instructions of one call':36}" + "".join(f"{p:>14}" for p in peers))
    for name in names:
        notes, row = [], []
        for peer in peers:
            got = cost(name, peer, args.count)
            row.append(f"{got:14,.0f}" if isinstance(got, float) else f"{'-':>14}")
            notes += [f"{peer}: {got}"] if isinstance(got, str) else []
        print(f"{name:36}{''.join(row)}" + (f"   ({'; '.join(notes)})" if notes else ""),
              flush=True)
        if args.top and "dualdiff" in peers and not any("dualdiff" in n for n in notes):
            print(top(name, args.count), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
