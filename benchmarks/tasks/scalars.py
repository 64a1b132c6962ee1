"""Functions of one float: what a derivative costs when there is next to nothing to compute."""

import numpy as np

from benchmarks.task import Task


def cubic(x):
    return x**3 + 2 * x**2 - 3 * x + 1


def tanh(x):
    return np.tanh(x)


def runge(x):
    return np.exp(np.sin(x)) / (1 + x * x)


def newton_sqrt(x):
    """The square root by 20 steps of Newton's method: a loop of float arithmetic."""
    y = x
    for _ in range(20):
        y = 0.5 * (y + x / y)
    return y


def product(a, b):
    return a * b


# ---- one product of two numbers that exist already: nothing but the operator ----------


def _times(numbers):
    """build(args): a product of the two numbers that `numbers(seeds)` makes."""
    def build(args):
        a, b = numbers(args)
        return lambda: a * b
    return build


def _dualdiff_numbers(seeds):
    def make(args):
        from dualdiff._seeding import Call

        call = Call(seeds, 1)
        call.__enter__()
        xs = [call.seed(1.0 / seeds, i) for i in range(seeds)]
        total = sum(xs[1:], xs[0])
        return total * args[0], total * args[1]
    return make


def _fastdual_numbers(seeds):
    def make(args):
        import fastdual

        xs = [fastdual.Dual(1.0 / seeds) for _ in range(seeds)]
        total = sum(xs[1:], xs[0])
        return total * args[0], total * args[1]
    return make


def _num_dual_numbers(args):
    import num_dual

    return num_dual.Dual64(args[0], 1.0), num_dual.Dual64(args[1], 1.0)


def _operation(seeds):
    numbers = {"dualdiff": _dualdiff_numbers(seeds), "fastdual": _fastdual_numbers(seeds)}
    if seeds == 1:
        numbers["num-dual"] = _num_dual_numbers
    return Task(
        name=f"product {seeds} seed{'s' * (seeds > 1)}", family="scalars",
        what=f"a * b on two numbers that carry {seeds} derivative{'s' * (seeds > 1)}",
        kind="operation", f=product, make=lambda size: (1.5, 2.5),
        ways={peer: _times(make) for peer, make in numbers.items()})


def _point(name, f, x, order=1, what=None, **kw):
    return Task(name=name, family="scalars", what=what or f"{name} at {x}", kind="derivative",
                f=f, make=lambda size: (x,), order=order, **kw)


_deep = ("autograd", "advect", "algopy", "jax", "central differences")
TASKS = [
    _operation(1),
    _operation(10),
    _point("cubic", cubic, 1.0, what="grad of x³ + 2x² - 3x + 1 at 1.0",
           ways={"hand": lambda args: lambda x=args[0]: 3 * x**2 + 4 * x - 3}),
    _point("newton sqrt", newton_sqrt, 2.0, what="sqrt by 20 Newton steps, derivative at 2.0",
           ways={"hand": lambda args: lambda x=args[0]: 0.5 / x**0.5}),
    _point("tanh'''", tanh, 2.0, 3, what="third derivative of tanh at 2.0"),
    _point("8th derivative", runge, 0.7, 8,
           what="8th derivative of exp(sin x)/(1+x²) at 0.7",
           skip={"autograd": "cost doubles with each order", "advect": "cost doubles with each "
                 "order", "central differences": "no digits left at order 8",
                 "numdifftools": "few digits left at order 8",
                 "jax": "compiles for more than 10 s: see jax jet"}),
    _point("16th derivative", runge, 0.7, 16,
           what="16th derivative of exp(sin x)/(1+x²) at 0.7",
           skip={"autograd": "cost doubles with each order", "advect": "cost doubles with each "
                 "order", "central differences": "no digits left at order 16",
                 "numdifftools": "no digits left at order 16",
                 "jax": "cost doubles with each order: see jax jet"}),
]
