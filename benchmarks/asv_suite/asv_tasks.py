"""Time and memory of dualdiff alone, task by task; a transform that a commit lacks is n/a.

May import: benchmarks (tasks, peers, measure).  Invariant: sizes are such that one quick
iteration of everything fits in a minute.
"""

import subprocess
import sys

from benchmarks.measure import peak_memory
from benchmarks.peers import PEERS, Unavailable
from benchmarks.tasks import TASKS

# The benchmarks of compare.py that a commit can change, at sizes that stay short.
SIZES = {"logistic 20000x200": (2000, 50), "rosenbrock sliced n=100000": 3000,
         "rosenbrock sliced n=1000000": None, "rosenbrock sparse hessian n=100000": 20_000,
         "rosenbrock hvp n=100000": 20_000, "black-scholes 1e6": 200_000,
         "tanh gauss log1p": 200_000, "huber": 200_000, "rational": 200_000,
         "brusselator 2x5000 sparse": 1000, "brusselator 2x200x200 sparse": 40,
         "total variation 1000x1000": 50, "rk4 ensemble": (50, 200)}
NAMES = [n for n in TASKS if SIZES.get(n, 0) is not None]
LARGE = ["rosenbrock sliced n=100000", "black-scholes 1e6", "brusselator 2x5000 sparse",
         "total variation 1000x1000", "gaussian mixture", "mlp 10-20-1", "gp hessian"]


def prepared(name):
    """(call of dualdiff, call of f) for one task; NotImplementedError is asv's n/a."""
    task = TASKS[name]
    args = task.make(SIZES.get(name, task.size))
    try:
        call = PEERS["dualdiff"].build(task, args)
    except Unavailable as reason:
        raise NotImplementedError(str(reason)) from None
    return call, lambda: task.evaluate(args)


class Derivative:
    """Time of one derivative, and how many evaluations of f that is."""

    params = NAMES
    param_names = ("task",)

    def setup(self, name):
        self.call, self.f = prepared(name)
        self.call()

    def time_derivative(self, name):
        self.call()


class Memory:
    """Bytes of one derivative at its peak, above what the process holds."""

    params = LARGE
    param_names = ("task",)
    unit = "bytes"

    def setup(self, name):
        self.call, _ = prepared(name)
        self.call()

    def track_peak(self, name):
        return peak_memory(self.call, PEERS["dualdiff"].release)


Memory.track_peak.unit = "bytes"


class Import:
    """Time of `import dualdiff` in a fresh interpreter, NumPy included."""

    def time_import(self):
        path = [p for p in sys.path if p]
        subprocess.run([sys.executable, "-P", "-c",
                        f"import sys; sys.path[:] = {path!r}; import dualdiff"], check=True)
