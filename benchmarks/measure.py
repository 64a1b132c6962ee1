"""Measures one task on every peer in this process: time, first call, memory, agreement.

May import: task, peers, tasks.  Invariants: f and all peers take turns within each round, so
that a slow minute of the machine hits all of them; every answer is compared before anything
is timed; a failure is recorded as text, never skipped in silence.

Run as a program it prints one JSON line: `python benchmarks/measure.py TASK --seconds 2`.
"""

import argparse
import ctypes
import gc
import json
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))

from benchmarks import peers as peers_module
from benchmarks.peers import LOOSE, PEERS, REFERENCES, Unavailable
from benchmarks.task import difference
from benchmarks.tasks import TASKS

clock = time.perf_counter


def one_line(error):
    """An exception as one short line."""
    text = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {text[:160]}"


def prepare(task, args, names, slowest=60.0):
    """({peer: function}, {peer: record}): each peer's first call, and its agreement."""
    calls, records, answers = {}, {}, {}
    for name in names:
        record = records[name] = {}
        start = clock()
        try:
            call = PEERS[name].build(task, args)
            answer = call()
        except Unavailable as reason:
            record["unavailable"] = str(reason)
            continue
        except BaseException as error:  # a peer that fails is a result: it is reported
            panic = type(error).__name__ == "PanicException"  # how Rust code fails
            if not isinstance(error, Exception) and not panic:
                raise
            record["failed"] = one_line(error)
            continue
        record["first"] = clock() - start
        calls[name], answers[name] = call, answer
        if record["first"] > slowest:
            record["unavailable"] = f"first call took {record['first']:.0f} s"
            del calls[name]
    compare(task, answers, records)
    return calls, records


def compare(task, answers, records):
    """Record how far each answer is from the reference, and whether that is accepted."""
    if task.kind == "operation":
        values = {n: float(read(a)) for n, a in answers.items()}
        expected = task.f(*task.make(task.size))
        for n, v in values.items():
            records[n].update(difference=abs(v - expected), agrees=abs(v - expected) < 1e-12,
                              reference="f")
        return
    reference = next((n for n in REFERENCES if n in answers), None)
    if reference is None or len(answers) < 2:
        return  # the table says that there was nothing to compare with
    for name, answer in answers.items():
        off = difference(answer, answers[reference])
        accepted = max(task.tolerance, LOOSE.get(name, 0.0))
        records[name].update(difference=off, agrees=bool(off <= accepted), reference=reference)


def read(number):
    """The value of a dual number of any library."""
    for name in ("value", "val"):
        if hasattr(number, name):
            return getattr(number, name)
    return number


def batch_size(call, wanted):
    """How many calls take about `wanted` seconds, and the time of one."""
    call()
    start = clock()
    call()
    once = max(clock() - start, 1e-8)
    count = 1
    while once * count < wanted / 4 and count < 1_000_000:
        count *= 4
        start = clock()
        for _ in range(count):
            call()
        once = max((clock() - start) / count, 1e-9)
    return max(1, min(int(wanted / once), 1_000_000)), once


def timings(calls, seconds, rounds=30):
    """{name: (best, median, calls)} in seconds; all names take turns in every round."""
    sizes, spent, samples = {}, dict.fromkeys(calls, 0.0), {n: [] for n in calls}
    for name, call in calls.items():
        start = clock()
        sizes[name], once = batch_size(call, seconds / rounds)
        spent[name] += clock() - start
        if once > seconds:  # so slow that the call above has to do
            samples[name].append(once)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for i in range(rounds):
            for name, call in calls.items():
                if i >= 3 and spent[name] > seconds or samples[name] and sizes[name] == 1 and (
                        spent[name] > 3 * seconds):
                    continue
                repeats = range(sizes[name])
                start = clock()
                for _ in repeats:
                    call()
                took = clock() - start
                samples[name].append(took / sizes[name])
                spent[name] += took
            gc.enable()
            gc.collect()
            gc.disable()
    finally:
        gc.enable()
        gc.unfreeze()
    return {n: (min(s), statistics.median(s), len(s)) for n, s in samples.items()}


# ---- memory ---------------------------------------------------------------------


def resident(field):
    """VmRSS or VmHWM of this process in bytes, None where /proc has none."""
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith(field):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def reset_peak():
    """Set the kernel's high-water mark to what is resident now; False where it cannot."""
    try:
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")
    except OSError:
        return False
    return True


def trim():
    """Hand freed memory back to the kernel, where the C library can."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:
        pass


def peak_memory(call, release=lambda: None):
    """Bytes that one call needs at its worst, above what the process holds before it.

    The larger of what Python's and NumPy's allocators report and of what the kernel sees, the
    latter only from 1 MB on: below that it is noise.  A call that knows its own memory (XLA's
    plan) says so in its attribute `planned`.
    """
    planned = call.planned() if hasattr(call, "planned") else 0
    release()
    trim()
    seen = 0
    before = resident("VmRSS")
    if before is not None and reset_peak():
        kept = call()
        seen = resident("VmHWM") - before
        del kept
    release()
    tracemalloc.start()
    try:
        kept = call()
        traced = tracemalloc.get_traced_memory()[1]
        del kept
    finally:
        tracemalloc.stop()
    return max(traced, planned, seen if seen > 1 << 20 else 0)


# ---- one task -------------------------------------------------------------------


def evaluation(task, args):
    """f once, through one lambda, like every peer's call."""
    f = task.f
    args = args[:-1] if task.kind == "hvp" else args
    return lambda: f(*args)


def measure(task, names=None, size=None, seconds=1.0, memory=False, rounds=30):
    """Everything about one task, as a JSON-able dictionary."""
    peers_module.quiet()
    size = task.size if size is None else size
    args = task.make(size)
    names = list(PEERS) if names is None else [n for n in PEERS if n in names]
    calls, records = prepare(task, args, names)
    slow = [n for n in calls if records[n]["first"] > 20 * seconds]
    for n in slow:  # one more call tells whether only the first is
        start = clock()
        calls[n]()
        once = clock() - start
        if once > 10 * seconds:
            records[n].update(best=once, median=once, rounds=1)
            del calls[n]
    if not calls:
        return {"task": task.name, "f": None, "peers": records}
    times = timings({"f": evaluation(task, args), **calls}, seconds, rounds)
    for n, (best, median, count) in times.items():
        if n != "f":
            records[n].update(best=best, median=median, rounds=count)
    f = {"best": times["f"][0], "median": times["f"][1]}
    if memory:
        f["memory"] = peak_memory(evaluation(task, args))
        for n, call in calls.items():
            records[n]["memory"] = peak_memory(call, PEERS[n].release)
        if task.largest is not None:
            f["largest"] = task.largest(size)
    return {"task": task.name, "f": f, "peers": records}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--peers", default="")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--size", type=int)
    args = parser.parse_args(argv)
    task = TASKS[args.task]
    names = [n for n in args.peers.split(",") if n] or None
    result = measure(task, names, args.size, args.seconds, args.memory, args.rounds)
    sys.stdout.write("\n" + json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
