"""Rosenbrock's function: a Python loop, and sliced arrays from ten to a million unknowns."""

import numpy as np

from benchmarks.task import Task


def loop(x):
    s = 0.0
    for i in range(len(x) - 1):
        s = s + 100.0 * (x[i + 1] - x[i] * x[i]) ** 2 + (1.0 - x[i]) ** 2
    return s


def sliced(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def gradient(x):
    a, b = x[:-1], x[1:]
    inner = 200.0 * (b - a * a)
    g = np.zeros_like(x)
    g[1:] = inner
    g[:-1] -= 2.0 * a * inner + 2.0 * (1.0 - a)
    return g


def hessian(x):
    a, b = x[:-1], x[1:]
    h = np.zeros((len(x), len(x)))
    i = np.arange(len(x) - 1)
    h[i, i] = 1200.0 * a * a - 400.0 * b + 2.0
    h[i + 1, i + 1] += 200.0
    h[i, i + 1] = h[i + 1, i] = -400.0 * a
    return h


def sparse_hessian(x):
    from scipy import sparse

    a, b = x[:-1], x[1:]
    main = np.zeros(len(x))
    main[:-1] = 1200.0 * a * a - 400.0 * b + 2.0
    main[1:] += 200.0
    return sparse.diags_array([-400.0 * a, main, -400.0 * a], offsets=(-1, 0, 1), format="csr")


def point(n):
    return (np.random.default_rng(7).uniform(-1.0, 1.0, n),)


def by_hand(f):
    return {"hand": lambda args: lambda: f(args[0])}


def jax_tridiagonal(f):
    """jax + colouring: the Hessian from 3 products, its pattern given by hand."""
    def build(args):
        import jax
        from scipy import sparse

        from benchmarks.peers import jax_module

        x = jax_module().asarray(args[0])
        n = x.size
        seeds = jax_module().stack([(jax_module().arange(n) % 3 == c) * 1.0 for c in range(3)])
        g = jax.grad(f)
        run = jax.jit(lambda x: jax.vmap(lambda s: jax.jvp(g, (x,), (s,))[1])(seeds))
        rows = np.repeat(np.arange(n), 3)[1:-1]
        cols = (np.repeat(np.arange(n), 3) + np.tile([-1, 0, 1], n))[1:-1]
        colours = cols % 3

        def answer():
            data = np.asarray(run(x))[colours, rows]
            return sparse.csr_array((data, (rows, cols)), shape=(n, n))
        return answer
    return build


def casadi_sparse(args):
    """CasADi expands f element by element, so its own sparsity is exact."""
    import casadi as ca

    n = len(args[0])
    v = ca.SX.sym("x", n)
    f = ca.sumsqr(10.0 * (v[1:] - v[:-1] ** 2)) + ca.sumsqr(1.0 - v[:-1])
    run = ca.Function("h", [v], [ca.hessian(f, v)[0]])
    return lambda: run(args[0]).sparse()


def _sparse_ways():
    from benchmarks.task import retarget

    def jax_way(args):
        from benchmarks.peers import jax_module
        return jax_tridiagonal(retarget(sliced, jax_module()))(args)
    return {**by_hand(sparse_hessian), "jax + colouring": jax_way, "casadi": casadi_sparse}


def _sliced(n):
    return Task(
        name=f"rosenbrock sliced n={n}", family="rosenbrock",
        what=f"gradient, sliced arrays, n = {n:,}", kind="gradient", f=sliced, make=point,
        size=n, small=12, ways=by_hand(gradient), largest=lambda n: 8 * n)


def _hessian(n):
    return Task(
        name=f"rosenbrock hessian n={n}", family="rosenbrock",
        what=f"Hessian (dense), sliced arrays, n = {n}", kind="hessian", f=sliced, make=point,
        size=n, small=6, ways=by_hand(hessian), largest=lambda n: 8 * n * n)


TASKS = [
    Task(name="rosenbrock loop n=10", family="rosenbrock",
         what="gradient, Python loop over floats, n = 10", kind="gradient", f=loop,
         make=point, size=10, small=5, ways=by_hand(gradient)),
    *[_sliced(n) for n in (10, 1000, 100_000, 1_000_000)],
    Task(name="rosenbrock loop hessian n=10", family="rosenbrock",
         what="Hessian, Python loop over floats, n = 10", kind="hessian", f=loop,
         make=point, size=10, small=5, ways=by_hand(hessian)),
    *[_hessian(n) for n in (10, 100)],
    Task(name="rosenbrock sparse hessian n=100000", family="rosenbrock",
         what="sparse Hessian, sliced arrays, n = 100,000", kind="sparse hessian", f=sliced,
         make=point, size=100_000, small=30, ways=_sparse_ways(), largest=lambda n: 8 * n),
    Task(name="rosenbrock hvp n=100000", family="rosenbrock",
         what="Hessian times a vector, n = 100,000", kind="hvp", f=sliced,
         make=lambda n: (*point(n), np.cos(np.arange(float(n)))), size=100_000, small=30,
         ways={"hand": lambda args: lambda: sparse_hessian(args[0]) @ args[1]}),
]
