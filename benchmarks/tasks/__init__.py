"""The benchmarks, one module a family; TASKS holds them all, by name."""

from benchmarks.tasks import (
    boundary,
    finance,
    fitting,
    kinematics,
    learning,
    likelihoods,
    odes,
    pointwise,
    rosenbrock,
    scalars,
)

FAMILIES = (scalars, rosenbrock, learning, pointwise, finance, kinematics, odes, boundary,
            likelihoods, fitting)
TASKS = {}
for _family in FAMILIES:
    for _task in _family.TASKS:
        if _task.name in TASKS:
            raise ValueError(f"two benchmarks are called {_task.name!r}")
        TASKS[_task.name] = _task


def select(pattern=""):
    """The tasks whose name or family contains one of the words of a comma-separated pattern."""
    words = [w.strip().lower() for w in pattern.split(",") if w.strip()]
    return [t for t in TASKS.values()
            if not words or any(w in f"{t.family}: {t.name}".lower() for w in words)]
