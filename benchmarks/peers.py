"""The libraries that are compared, and how each is asked for each kind of derivative.

May import: task; every library is imported only when its turn comes.  Invariant: a peer that
cannot give the answer raises Unavailable with the reason, which the table prints; nothing is
skipped in silence.  Peers are used at their best: inputs already in their own form, whatever
can be compiled compiled beforehand.
"""

import functools
import importlib
import importlib.metadata
import importlib.util
import warnings

import numpy as np

SPARSE = ("sparse jacobian", "sparse hessian")


class Unavailable(Exception):
    """This peer has no answer to this task; the message says why."""


class Peer:
    """A library: `name` in tables, `package` to install, `module` to import."""

    name = package = module = ""
    numpy = None  # name of its own NumPy, where it has one
    most = None  # the most unknowns worth measuring
    kinds = ("derivative", "gradient", "hessian", "jacobian", "elementwise", "hvp")

    def installed(self):
        return not self.module or importlib.util.find_spec(self.module) is not None

    def version(self):
        try:
            return importlib.metadata.version(self.package) if self.package else ""
        except importlib.metadata.PackageNotFoundError:
            return getattr(importlib.import_module(self.module), "__version__", "")

    def build(self, task, args):
        """A function without arguments that gives the answer."""
        if self.name in task.skip:
            raise Unavailable(task.skip[self.name])
        if not self.installed():
            raise Unavailable("not installed")
        if self.name in task.ways:
            return task.ways[self.name](args)
        if task.kind not in self.kinds:
            raise Unavailable(f"has no {task.kind}")
        n = task.unknowns(args)
        if self.most is not None and n > self.most:
            raise Unavailable(f"not measured above {self.most:,} unknowns")
        return self.ask(task, args)

    def ask(self, task, args):
        raise Unavailable("no code for this task")

    def module_numpy(self):
        return importlib.import_module(self.numpy) if self.numpy else None

    def function(self, task):
        return task.function(self.name, self.module_numpy())

    def release(self):
        """Give back memory that is only kept for reuse."""


class DualDiff(Peer):
    name = module = "dualdiff"
    package = "dualdiff-ad"
    kinds = (*Peer.kinds, *SPARSE)

    def release(self):
        import dualdiff

        getattr(dualdiff, "clear_memory_pool", lambda: None)()

    @staticmethod
    def transform(*names):
        """The first of these transforms that this version of dualdiff has."""
        import dualdiff

        for name in names:
            if hasattr(dualdiff, name):
                return getattr(dualdiff, name)
        raise Unavailable(f"n/a: this version has no {' or '.join(names)}")

    def ask(self, task, args):
        f, kind, where = self.function(task), task.kind, task.argnums
        if kind == "derivative":
            if task.order > 3:
                try:
                    g = self.transform("nth_derivative")(f, task.order)
                except Unavailable:
                    g = self.chained(f, task.order)
            else:
                g = self.chained(f, task.order)
            return lambda: g(*args)
        if kind == "hvp":
            g = self.transform("hvp")
            *inputs, v = args
            return lambda: g(f, tuple(inputs), (v,))
        if kind == "elementwise":
            g = self.transform("elementwise_grad")(f)
            return lambda: g(*args)
        names = {"gradient": ("grad",), "hessian": ("hessian",), "jacobian": ("jacfwd",),
                 "sparse jacobian": ("sparse_jacobian",),
                 "sparse hessian": ("sparse_hessian",)}[kind]
        g = self.transform(*names)(f, where)
        return lambda: g(*args)

    def chained(self, f, order):
        for _ in range(order):
            f = self.transform("grad")(f)
        return f


@functools.cache
def jax_module():
    """jax.numpy in double precision."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return importlib.import_module("jax.numpy")


class Jax(Peer):
    name = package = module = "jax"

    def module_numpy(self):
        return jax_module()

    def transformed(self, f, task, args):
        import jax

        kind, where = task.kind, task.argnums
        if kind == "derivative":
            for _ in range(task.order):
                f = jax.grad(f)
            return f
        if kind == "elementwise":
            return lambda x: jax.jvp(f, (x,), (jax_module().ones_like(x),))[1]
        if kind == "hvp":
            return lambda x, *rest: jax.jvp(lambda x: jax.grad(f)(x, *rest[:-1]), (x,),
                                            (rest[-1],))[1]
        return {"gradient": jax.grad, "hessian": jax.hessian, "jacobian": jax.jacfwd}[kind](
            f, where)

    def ask(self, task, args):
        import jax

        f = self.function(task)
        static = tuple(i for i, a in enumerate(args) if isinstance(a, int))
        g = jax.jit(self.transformed(f, task, args), static_argnums=static)
        args = tuple(a if i in static else jax_module().asarray(a) for i, a in enumerate(args))

        def call():
            return jax.block_until_ready(g(*args))

        def planned():
            plan = g.lower(*args).compile().memory_analysis()
            return plan.temp_size_in_bytes + plan.output_size_in_bytes
        call.planned = planned  # its runtime keeps buffers of its own: nothing else sees them
        return call


class JaxJet(Jax):
    name = "jax jet"
    kinds = ("derivative",)

    def transformed(self, f, task, args):
        if task.order < 2:
            raise Unavailable("for higher orders only")
        from jax.experimental.jet import jet

        series = [1.0] + [0.0] * (task.order - 1)
        return lambda x: jet(f, (x,), (series,))[1][-1]


class JaxColouring(Peer):
    name, package, module = "jax + colouring", "jax", "jax"
    kinds = ()

    def build(self, task, args):
        if task.kind not in SPARSE:
            raise Unavailable("for sparse results only")
        return super().build(task, args)


class Autograd(Peer):
    name = package = module = "autograd"
    numpy = "autograd.numpy"
    most = 2_000_000

    def ask(self, task, args):
        import autograd

        f, kind = self.function(task), task.kind
        if kind == "derivative":
            for _ in range(task.order):
                f = autograd.grad(f)
            return lambda: f(*args)
        if kind == "hvp":
            *inputs, v = args
            product = autograd.hessian_vector_product(f)
            return lambda: product(*inputs, v)
        if kind in ("hessian", "jacobian") and task.unknowns(args) > 1000:
            raise Unavailable("dense result not measured above 1,000 unknowns")
        g = {"gradient": autograd.grad, "hessian": autograd.hessian,
             "jacobian": autograd.jacobian, "elementwise": autograd.elementwise_grad}[kind](
                 f, task.argnums)
        return lambda: g(*args)


class Advect(Peer):
    name = package = module = "advect"
    most = 2_000_000

    def ask(self, task, args):
        import advect

        f, kind = self.function(task), task.kind
        if kind == "derivative":
            for _ in range(task.order):
                f = advect.grad(f)
            return lambda: f(*args)
        if kind == "elementwise":
            g = advect.jvp(f)
            ones = np.ones_like(args[0])
            return lambda: g(args[0], tangents=ones)[1]
        if kind == "hvp":
            *inputs, v = args
            g = advect.hvp(f)
            return lambda: g(*inputs, vectors=v)[1]
        g = {"gradient": advect.grad, "hessian": advect.hessian, "jacobian": advect.jacobian}[
            kind](f, task.argnums)
        return lambda: g(*args)


class NumDual(Peer):
    name, package, module = "num-dual", "num-dual", "num_dual"
    most = 100
    kinds = ("derivative", "gradient", "hessian", "jacobian")

    def ask(self, task, args):
        import num_dual

        f = self.function(task)
        if task.kind == "derivative":
            if task.order > 3:
                raise Unavailable("orders 1 to 3 only")
            g = (num_dual.first_derivative, num_dual.second_derivative,
                 num_dual.third_derivative)[task.order - 1]
            return lambda: g(f, args[0])[-1]
        x, wrap = bare(self, task, args)
        x = x.tolist()
        g = {"gradient": num_dual.gradient, "hessian": num_dual.hessian,
             "jacobian": num_dual.jacobian}[task.kind]
        rest = args[1:]
        if task.kind == "jacobian":
            return lambda: g(lambda v: list(f(wrap(v), *rest)), x)[-1]
        return lambda: g(lambda v: f(wrap(v), *rest), x)[-1]


class FastDual(Peer):
    name = package = module = "fastdual"
    most = 1000
    kinds = ("derivative", "gradient", "hessian", "jacobian")

    def ask(self, task, args):
        import fastdual

        f = self.function(task)
        if task.kind == "derivative":
            if task.order > 1:
                raise Unavailable("orders 1 and mixed 2 only")

            def slope():
                x = fastdual.Dual(args[0])
                return f(x).der(x)
            return slope
        x, wrap = bare(self, task, args)
        values, rest = x.tolist(), args[1:]
        if task.kind == "hessian":
            if len(values) > 20:
                raise Unavailable("Hessians not measured above 20 unknowns")
            g = fastdual.autohess(lambda *v: f(wrap(list(v)), *rest))
            return lambda: g(*values)[1]
        if task.kind == "jacobian":
            def rows():
                seeds = [fastdual.Dual(v) for v in values]
                return fastdual.jac(list(f(wrap(seeds), *rest)), seeds)
            return rows

        def gradient():
            seeds = [fastdual.Dual(v) for v in values]
            y = f(wrap(seeds), *rest)
            return [y.der(s) for s in seeds]
        return gradient


def bare(peer, task, args):
    """For libraries of bare scalars: the one input vector, and what f takes it in."""
    if task.argnums != 0 or np.ndim(args[0]) != 1:
        raise Unavailable("one input vector only")
    indexed = peer.name in task.versions or task.name.startswith("rosenbrock loop")
    return args[0], (lambda v: v) if indexed else (lambda v: np.array(v, dtype=object))


class Casadi(Peer):
    name = package = module = "casadi"
    kinds = ("gradient", "hessian")

    def ask(self, task, args):
        import casadi as ca

        if task.family != "rosenbrock" or len(args[0]) > 1000:
            raise Unavailable("no code for this task" if task.family != "rosenbrock" else
                              "expands every element: not measured above 1,000 unknowns")
        x = ca.SX.sym("x", len(args[0]))
        f = ca.sumsqr(10.0 * (x[1:] - x[:-1] ** 2)) + ca.sumsqr(1.0 - x[:-1])
        want = ca.gradient(f, x) if task.kind == "gradient" else ca.hessian(f, x)[0]
        run = ca.Function("d", [x], [want])
        return lambda: run(args[0]).full()


class Algopy(Peer):
    name = package = module = "algopy"
    kinds = ("derivative",)

    def ask(self, task, args):
        import algopy

        f = task.function(self.name, algopy)

        def derivative():
            series = np.zeros((task.order + 1, 1))
            series[0], series[1] = args[0], 1.0
            y = f(algopy.UTPM(series))
            return y.data[task.order, 0] * float(np.prod(np.arange(1.0, task.order + 1)))
        return derivative


class Hand(Peer):
    name = "hand"
    kinds = ()

    def ask(self, task, args):
        raise Unavailable("none written")

    def build(self, task, args):
        if "hand" not in task.ways:
            raise Unavailable("none written")
        return task.ways["hand"](args)


class Central(Peer):
    name = "central differences"
    most = 3000

    def ask(self, task, args):
        f, kind = task.f, task.kind
        if kind == "derivative":
            if task.order > 3:
                raise Unavailable("no digits left at this order")
            h = (1e-5, 1e-4, 1e-3)[task.order - 1]
            x = args[0]
            if task.order == 1:
                return lambda: (f(x + h) - f(x - h)) / (2 * h)
            if task.order == 2:
                return lambda: (f(x + h) - 2 * f(x) + f(x - h)) / (h * h)
            return lambda: (f(x + 2 * h) - 2 * f(x + h) + 2 * f(x - h) - f(x - 2 * h)) / (
                2 * h**3)
        if kind == "elementwise":
            x = args[0]
            h = 1e-5 * np.max(np.abs(x))
            return lambda: (f(x + h) - f(x - h)) / (2 * h)
        if kind == "hvp":
            raise Unavailable("needs a gradient")
        places = task.argnums if isinstance(task.argnums, tuple) else (task.argnums,)
        if kind == "hessian" and task.unknowns(args) > 100:
            raise Unavailable("Hessians not measured above 100 unknowns")
        if kind == "hessian":
            return lambda: second_differences(f, args)
        return lambda: [first_differences(f, args, p) for p in places]

    def build(self, task, args):
        if task.kind == "elementwise":
            return self.ask(task, args)
        return super().build(task, args)


def first_differences(f, args, place):
    """Gradient or Jacobian by central differences, two calls of f for each unknown."""
    args = list(args)
    x = np.array(args[place], dtype=float)
    columns = []
    for i in np.ndindex(x.shape):
        h = 1e-5 * max(1e-2, abs(x[i]))
        at = x[i]
        sides = []
        for step in (h, -h):
            x[i] = at + step
            args[place] = x if x.ndim else float(x)
            sides.append(np.asarray(f(*args)))
        x[i] = at
        columns.append((sides[0] - sides[1]) / (2 * h))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(stacked.shape[:-1] + x.shape)


def second_differences(f, args):
    """Hessian by differences, four calls of f for each pair of unknowns."""
    x = np.asarray(args[0], dtype=float)
    n, rest = x.size, args[1:]
    h = 1e-4 * np.maximum(0.1, np.abs(x))
    H = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = 0.0
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                y = x.copy()
                y[i] += a * h[i]
                y[j] += b * h[j]
                total = total + a * b * f(y, *rest)
            H[i, j] = H[j, i] = total / (4 * h[i] * h[j])
    return H


class Numdifftools(Peer):
    name = package = module = "numdifftools"
    most = 60
    kinds = ("derivative", "gradient", "hessian", "jacobian")

    def ask(self, task, args):
        import numdifftools as nd

        f = task.f
        if task.kind == "derivative":
            if task.order > 3:
                raise Unavailable("few digits left at this order")
            g = nd.Derivative(f, n=task.order)
            return lambda: g(args[0])
        if task.argnums != 0 or np.ndim(args[0]) != 1:
            raise Unavailable("one input vector only")
        rest = args[1:]
        if task.kind == "jacobian" and np.ndim(f(*args)) != 1:
            raise Unavailable("results of one dimension only")
        which = {"gradient": nd.Gradient, "hessian": nd.Hessian, "jacobian": nd.Jacobian}
        g = which[task.kind](lambda x: f(x, *rest))
        return lambda: g(args[0])


class Hyperjet(Peer):
    name = package = module = "hyperjet"
    most = 100
    kinds = ("gradient", "hessian")

    def ask(self, task, args):
        import hyperjet

        f = self.function(task)
        x, wrap = bare(self, task, args)
        values, rest = x.tolist(), args[1:]
        if task.kind == "gradient":
            return lambda: f(wrap(hyperjet.DScalar.variables(values)), *rest).g
        return lambda: np.asarray(f(wrap(hyperjet.DDScalar.variables(values)), *rest).hm())


PEERS = {p.name: p for p in (
    DualDiff(), Jax(), JaxJet(), JaxColouring(), Autograd(), Advect(), NumDual(), FastDual(),
    Casadi(), Hyperjet(), Algopy(), Numdifftools(), Central(), Hand())}
# Answers are compared with the first of these that has one.
REFERENCES = ("hand", "jax jet", "jax", "jax + colouring", "casadi", "num-dual", "autograd",
              "advect", "fastdual", "algopy")
# Differences of functions lose digits: these answers may be this far off.
LOOSE = {"central differences": 2e-3, "numdifftools": 1e-4}


def quiet():
    """Peers warn about their own futures; that is not what is measured."""
    warnings.filterwarnings("ignore")
