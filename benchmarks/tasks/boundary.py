"""Partial differential equations and images: Jacobians with few entries in each row."""

import numpy as np

from benchmarks.task import Task, retarget


def brusselator(y):
    """Reaction and diffusion on a ring of n cells, y = (u, v)."""
    n = y.shape[0] // 2
    u, v = y[:n], y[n:]
    d = 0.02 * n * n / 4.0
    uuv = u * u * v
    du = 1.0 + uuv - 4.0 * u + d * (np.roll(u, 1) - 2.0 * u + np.roll(u, -1))
    dv = 3.0 * u - uuv + d * (np.roll(v, 1) - 2.0 * v + np.roll(v, -1))
    return np.concatenate([du, dv])


def brusselator_by_hand(y):
    from scipy import sparse

    n = len(y) // 2
    u, v = y[:n], y[n:]
    d = 0.02 * n * n / 4.0
    i = np.arange(n)
    left, right = (i - 1) % n, (i + 1) % n
    one, uv, uu = np.full(n, d), u * v, u * u
    data = np.concatenate([2 * uv - 4.0 - 2 * d, one, one, uu,
                           3.0 - 2 * uv, -uu - 2 * d, one, one])
    rows = np.concatenate([i, i, i, i, i + n, i + n, i + n, i + n])
    cols = np.concatenate([i, left, right, i + n, i, i + n, left + n, right + n])
    return sparse.csr_array((data, (rows, cols)), shape=(2 * n, 2 * n))


def brusselator2(y):
    """The same on a torus of n × n cells."""
    n = int(round((y.shape[0] / 2) ** 0.5))
    w = y.reshape((2, n, n))
    u, v = w[0], w[1]
    d = 0.02 * n * n / 4.0

    def laplacian(a):
        return (np.roll(a, 1, axis=0) + np.roll(a, -1, axis=0) + np.roll(a, 1, axis=1)
                + np.roll(a, -1, axis=1) - 4.0 * a)
    uuv = u * u * v
    du = 1.0 + uuv - 4.0 * u + d * laplacian(u)
    dv = 3.0 * u - uuv + d * laplacian(v)
    return np.stack([du, dv]).reshape(-1)


def brusselator2_by_hand(y):
    from scipy import sparse

    m = len(y) // 2
    n = int(round(m**0.5))
    u, v = y[:m], y[m:]
    d = 0.02 * n * n / 4.0
    k = np.arange(m)
    i, j = k // n, k % n
    near = [((i + 1) % n) * n + j, ((i - 1) % n) * n + j, i * n + (j + 1) % n,
            i * n + (j - 1) % n]
    data = np.concatenate([2 * u * v - 4.0 - 4 * d, *[np.full(m, d)] * 4, u * u,
                           3.0 - 2 * u * v, -u * u - 4 * d, *[np.full(m, d)] * 4])
    rows = np.concatenate([*[k] * 6, *[k + m] * 6])
    cols = np.concatenate([k, *near, k + m, k, k + m, *[a + m for a in near]])
    return sparse.csr_array((data, (rows, cols)), shape=(2 * m, 2 * m))


def total_variation(image, noisy):
    """Smoothed total variation and distance to the noisy image."""
    dx = image[1:, :-1] - image[:-1, :-1]
    dy = image[:-1, 1:] - image[:-1, :-1]
    return np.sum(np.sqrt(dx * dx + dy * dy + 1e-4)) + 2.0 * np.sum((image - noisy) ** 2)


def total_variation_gradient(image, noisy):
    dx = image[1:, :-1] - image[:-1, :-1]
    dy = image[:-1, 1:] - image[:-1, :-1]
    s = np.sqrt(dx * dx + dy * dy + 1e-4)
    dx /= s
    dy /= s
    g = 4.0 * (image - noisy)
    g[1:, :-1] += dx
    g[:-1, 1:] += dy
    g[:-1, :-1] -= dx + dy
    return g


def picture(n):
    rng = np.random.default_rng(9)
    i = np.arange(n)
    clean = ((i[:, None] // max(n // 5, 1) + i // max(n // 5, 1)) % 2).astype(float)
    noisy = clean + 0.1 * rng.normal(size=(n, n))
    return noisy + 0.01 * rng.normal(size=(n, n)), noisy


def stiffness(k):
    """Compliance of a rod: solves a tridiagonal system whose entries are the unknowns."""
    n = k.shape[0] - 1
    A = np.diag(k[:-1] + k[1:]) - np.diag(k[1:-1], 1) - np.diag(k[1:-1], -1)
    return np.sum(np.linalg.solve(A, np.ones(n)))


def state(n):
    x = 2 * np.pi * np.linspace(0.0, 1.0, n, endpoint=False)
    return (np.concatenate([1.0 + 0.5 * np.sin(x), 3.0 + 0.2 * np.cos(2 * x)]),)


def state2(n):
    noise = 0.1 * np.random.default_rng(6).normal(size=2 * n * n)
    return (noise + np.repeat([1.0, 3.0], n * n),)


def jax_coloured(f, pattern):
    """jax + colouring: greedy colouring of the columns of a pattern given by hand."""
    def build(args):
        import jax
        from scipy import sparse

        from benchmarks.peers import jax_module

        jnp = jax_module()
        x = jnp.asarray(args[0])
        known = pattern(np.asarray(args[0]))
        known.data[:] = 1.0
        colours = colour(known)
        seeds = jnp.asarray((colours == np.arange(colours.max() + 1)[:, None]) * 1.0)
        g = retarget(f, jnp)
        run = jax.jit(lambda x: jax.vmap(lambda s: jax.jvp(g, (x,), (s,))[1])(seeds))
        known = known.tocoo()
        rows, cols = known.coords

        def answer():
            data = np.asarray(run(x))[colours[cols], rows]
            return sparse.csr_array((data, (rows, cols)), shape=known.shape)
        return answer
    return build


def colour(pattern):
    """Greedy colours of columns: two columns that meet in a row differ."""
    from scipy import sparse

    meet = sparse.csr_array(pattern.T @ pattern)
    colours = np.full(pattern.shape[1], -1)
    for j in range(pattern.shape[1]):
        taken = set(colours[meet.indices[meet.indptr[j]:meet.indptr[j + 1]]].tolist())
        c = 0
        while c in taken:
            c += 1
        colours[j] = c
    return colours


def casadi_brusselator(args):
    import casadi as ca

    m = len(args[0])
    n = m // 2
    y = ca.SX.sym("y", m)
    u, v = y[:n], y[n:]
    d = 0.02 * n * n / 4.0
    uuv = u * u * v

    def laplacian(a):
        return ca.vertcat(a[n - 1], a[:n - 1]) - 2.0 * a + ca.vertcat(a[1:], a[0])
    f = ca.vertcat(1.0 + uuv - 4.0 * u + d * laplacian(u), 3.0 * u - uuv + d * laplacian(v))
    run = ca.Function("j", [y], [ca.jacobian(f, y)])
    return lambda: run(args[0]).sparse()


def casadi_dense(args):
    run = casadi_brusselator(args)
    return lambda: run().toarray()


def _hand(f, dense=False):
    if dense:
        return {"hand": lambda args: lambda: f(args[0]).toarray()}
    return {"hand": lambda args: lambda: f(args[0])}


TASKS = [
    Task(name="brusselator 2x50 dense", family="boundary",
         what="Brusselator 2×50, dense Jacobian", kind="jacobian", f=brusselator,
         make=state, size=50, small=5,
         ways={**_hand(brusselator_by_hand, dense=True), "casadi": casadi_dense}),
    Task(name="brusselator 2x5000 sparse", family="boundary",
         what="Brusselator 2×5000, sparse Jacobian", kind="sparse jacobian", f=brusselator,
         make=state, size=5000, small=7, largest=lambda n: 16 * n,
         ways={**_hand(brusselator_by_hand), "casadi": casadi_brusselator,
               "jax + colouring": jax_coloured(brusselator, brusselator_by_hand)}),
    Task(name="brusselator 2x200x200 sparse", family="boundary",
         what="two-dimensional Brusselator 2×200×200, sparse Jacobian", kind="sparse jacobian",
         f=brusselator2, make=state2, size=200, small=5, largest=lambda n: 16 * n * n,
         ways={**_hand(brusselator2_by_hand),
               "jax + colouring": jax_coloured(brusselator2, brusselator2_by_hand)}),
    Task(name="total variation 1000x1000", family="boundary",
         what="smoothed total variation of a 1000×1000 image, gradient", kind="gradient",
         f=total_variation, make=picture, size=1000, small=4, largest=lambda n: 8 * n * n,
         ways={"hand": lambda args: lambda: total_variation_gradient(*args)}),
    Task(name="rod 40", family="boundary",
         what="compliance of a rod by np.linalg.solve 40×40, gradient in 41 stiffnesses",
         kind="gradient", f=stiffness,
         make=lambda n: (1.0 + np.random.default_rng(8).uniform(size=n + 1),), size=40,
         small=5),
]
