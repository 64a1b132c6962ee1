"""What the transforms cost: evaluations, coefficients and bytes as counts, times as ratios.

    python benchmarks/counts.py              # a minute; writes docs/counts.md
    python benchmarks/counts.py --print      # writes nothing

Counts are exact and are tested (tests/test_counts.py).  Times are ratios of the best of some
rounds in one run, in which all contenders take turns.
"""

import argparse
import functools
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import dualdiff as dd

PAGE = Path(__file__).parents[1] / "docs" / "counts.md"
ROUNDS = 7


def counted(f):
    """f, and the list of the largest algebra among the arguments of each of its calls."""
    widths = []

    def g(*args):
        widths.append(max((x.algebra.M for x in args if isinstance(x, dd.Taylor)), default=1))
        return f(*args)

    return g, widths


def ratios(contenders, rounds=ROUNDS):
    """Best time of each callable, over that of the first."""
    best = [float("inf")] * len(contenders)
    for f in contenders:
        f()
    for _ in range(rounds):
        for q, f in enumerate(contenders):
            start = time.perf_counter()
            f()
            best[q] = min(best[q], time.perf_counter() - start)
    return [b / best[0] for b in best]


# ---- the functions -------------------------------------------------------------------------


def wave(x):
    return np.exp(np.sin(x)) / (1.0 + x * x)


def mixing(x):
    """Every element of what is summed depends on every input before it."""
    return np.sum(np.tanh(np.cumsum(np.sin(x))) ** 2)


def chain(x):
    """Rosenbrock's function in many variables."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def softmax(x):
    return np.log(np.sum(np.exp(x))) + 0.5 * np.sum(x * x)


def centred(x):
    """Every element meets the mean of all."""
    return np.sum((x - np.mean(x)) ** 4)


def linear(x):
    """A logistic loss of 200 products with all inputs."""
    rows = np.cos(np.arange(200.0)[:, None] * np.arange(len(x)) / 7) / len(x)
    return np.mean(np.logaddexp(0.0, rows @ x))


def potential(x):
    """Of points in the leading axes."""
    return np.exp(x[..., 0] * x[..., 1]) * np.sin(x[..., 2]) + x[..., 0] ** 3


# ---- tables --------------------------------------------------------------------------------


def hessian_evaluations(n=24):
    """(chunk_size, blocks, evaluations of f, coefficients of the widest)."""
    rows = []
    x = np.linspace(-0.5, 0.8, n)
    for size in (n, n // 2, n // 3, n // 4, n // 8):
        f, widths = counted(mixing)
        dd.hessian(f, chunk_size=size)(x)
        rows.append((size, -(-n // size), len(widths), max(widths)))
    return rows


def order_growth(orders=(1, 2, 4, 8, 16, 32), points=2000, rounds=ROUNDS):
    """(k, multiplications of one product of series, that over k**2, time over that of order 1,
    that over k**2)."""
    x = np.linspace(0.1, 0.9, points)
    times = ratios([lambda k=k: dd.nth_derivative(wave, k)(x) for k in orders], rounds)
    rows = []
    for k, t in zip(orders, times, strict=True):
        products = multiplications(k)
        rows.append((k, products, products / k**2, t, t / k**2))
    return rows


def multiplications(k):
    """Of coefficients, in one product of two series of order k, as the product table has them."""
    seen = []
    dd.nth_derivative(lambda x: seen.append(x.algebra.pairs[0][-1]) or x, k)(1.0)
    return int(seen[0]) + 2 * k + 1  # with the constants on either side


def product_cost(sizes=(1_000, 100_000), rounds=ROUNDS):
    """(function, n, evaluations of f in hvp, time of grad over f, of hvp over grad)."""
    rows = []
    for f in (chain, softmax, centred, linear):
        for n in sizes if f is not linear else sizes[:1]:
            x, v = np.linspace(-0.9, 1.1, n), np.cos(np.arange(n))
            g, widths = counted(f)
            dd.hvp(g, (x,), (v,))
            _, grad, hvp = ratios([functools.partial(f, x), functools.partial(dd.grad(f), x),
                                   functools.partial(dd.hvp, f, (x,), (v,))], rounds)
            rows.append((f.__name__, n, len(widths), grad, hvp / grad))
    return rows


CHILD = """
import sys
import numpy as np
import dualdiff as dd

def memory(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))

sys.path.append(sys.argv[4])
from benchmarks.counts import counted, mixing

make, n, megabytes = getattr(dd, sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
f, widths = counted(mixing)
dd.set_lanes("never")  # with lanes a running sum takes a step, and no number is dense
make(f)(np.linspace(-1, 1, 30))
widths.clear()
dd.memory_budget(megabytes * 2**20)
x = np.linspace(-1, 1, n)
with open("/proc/self/clear_refs", "w") as peak:
    peak.write("5")  # VmHWM from here on
before = memory("VmRSS")
y = make(f)(x)
print(memory("VmHWM") - before - y.nbytes // 1024, len(widths))
"""


def peak_memory(cases=(("grad", 4000, 64), ("grad", 4000, 256), ("grad", 20_000, 256),
                       ("hessian", 300, 64), ("hessian", 300, 256))):
    """(transform, n, budget in MiB, MiB of one dense number, peak in MiB, evaluations).

    The peak is that of the resident memory, less the result; on Linux only.
    """
    rows = []
    for name, n, megabytes in cases:
        out = subprocess.run([sys.executable, "-P", "-c", CHILD, name, str(n), str(megabytes),
                              str(PAGE.parents[1])], capture_output=True, text=True, check=True)
        peak, calls = map(int, out.stdout.split())
        order = 1 if name == "grad" else 2
        coefficients = 1 + n if order == 1 else (n + 1) * (n + 2) // 2
        rows.append((name, n, megabytes, coefficients * n * 8 / 2**20, peak / 1024, calls))
    return rows


def batch_cost(points=100_000, rounds=ROUNDS):
    """(what, numbers it gives for each point, time over that of f over the batch)."""
    x = np.random.default_rng(0).normal(size=(points, 3)) * 0.5
    v = np.ones_like(x)
    t = x[:, 0].copy()
    cases = [
        ("f", 1, lambda: potential(x)),
        ("grad", 3, lambda: dd.grad(potential, batch_axes=0)(x)),
        ("value_grad_and_hessian", 13,
         lambda: dd.value_grad_and_hessian(potential, batch_axes=0)(x)),
        ("hessian", 9, lambda: dd.hessian(potential, batch_axes=0)(x)),
        ("laplacian", 1, lambda: dd.laplacian(potential, batch_axes=0)(x)),
        ("jet of order 5 along a line", 6,
         lambda: dd.jet(potential, (x,), ([v, 0 * v, 0 * v, 0 * v, 0 * v],))),
    ]
    one = [("f of one variable", 1, lambda: wave(t)),
           ("derivatives to order 5", 6, lambda: dd.derivatives(wave, 5)(t)),
           ("elementwise_grad", 1, lambda: dd.elementwise_grad(wave)(t))]
    rows = []
    for group in (cases, one):
        times = ratios([c[2] for c in group], rounds)
        rows += [(name, count, r) for (name, count, _), r in zip(group, times, strict=True)]
    return rows


def nested_directions(depth=14):
    """(depth, evaluations, coefficients of the widest number, seconds) of jvp inside jvp."""
    f, widths = counted(np.cos)
    for i in range(depth):
        f = (lambda g, t: lambda x: dd.jvp(g, (x,), (t,))[1])(f, 1.0 + 0.1 * i)
    f(0.5)
    start = time.perf_counter()
    f(0.5)
    return depth, len(widths) // 2, max(widths), time.perf_counter() - start


# ---- the page --------------------------------------------------------------------------------


def table(head, rows):
    """Rows as Markdown; floats with three digits."""
    cell = lambda c: f"{c:,.3g}" if isinstance(c, float) else (  # noqa: E731
        f"{c:,}" if isinstance(c, int) else f"`{c}`")
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---" for _ in head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(map(cell, r)) + " |" for r in rows])


def page():
    """The whole page."""
    depth, calls, width, seconds = nested_directions()
    return f"""# Counts

What the transforms do, counted by `python benchmarks/counts.py`; times are ratios within one
run. tests/test_counts.py holds the counts to these figures.

## hessian: evaluations of f

One for each chunk: with b blocks of seeds, b (b + 1) / 2, each pair of blocks once. A function
of 24 inputs:

{table(("chunk_size", "blocks", "evaluations of f", "coefficients of the widest number"),
       hessian_evaluations())}

## nth_derivative: growth with the order

One evaluation, whatever the order. exp(sin(x)) / (1 + x^2) at 2,000 points:

{table(("order k", "multiplications of a product", "over k²", "time over order 1", "over k²"),
       order_growth())}

## hvp against grad

{table(("function", "n", "evaluations of f", "grad over f", "hvp over grad"), product_cost())}

## Peak memory within the budget

What the process needs more, as the kernel sees it, less the result. The function mixes all
inputs (a cumulative sum), so that one number over all seeds would take what the fourth column
says.

{table(("transform", "n", "budget, MiB", "one number, MiB", "peak, MiB", "evaluations of f"),
       peak_memory())}

## Many points at once

100,000 points of three coordinates (of one, below), against f over the whole batch; see
[batching](batching.md).

{table(("what", "numbers for each point", "time over that of f"), batch_cost())}

## Directions nested in each other

{depth} nested `jvp` of cos, each along its own direction: {calls} evaluation{"s" * (calls != 1)},
{width:,} coefficients in the widest number, {seconds * 1e3:.0f} ms.
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--print", action="store_true", help="do not write docs/counts.md")
    text = page()
    print(text)
    if not parser.parse_args().print:
        PAGE.write_text(text)
