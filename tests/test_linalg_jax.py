"""numpy.linalg against JAX, where it is installed: first and second derivatives."""

import numpy as np
import pytest
from series import close, random
from test_linalg import regular

from dualdiff._algebra import new_algebra
from dualdiff._taylor import make

jax = pytest.importorskip("jax")

FUNCTIONS = {
    "inv": lambda la, np, a: la.inv(a),
    "solve": lambda la, np, a: la.solve(a, a[:, :2] @ a[:2]),
    "det": lambda la, np, a: la.det(a),
    "slogdet": lambda la, np, a: la.slogdet(a)[1],
    "cholesky": lambda la, np, a: la.cholesky(a @ a.T + np.eye(3)),
    "qr": lambda la, np, a: la.qr(a)[1],
    "eigh": lambda la, np, a: la.eigh(a + a.T)[0],
    "projector": lambda la, np, a: la.eigh(a + a.T)[1][:, :1] @ la.eigh(a + a.T)[1][:, :1].T,
    "eigvals": lambda la, np, a: la.eigvals(a @ np.ones((3, 3)) + 5 * a),
    "svd": lambda la, np, a: la.svd(a)[0][:, :2] @ la.svd(a)[2][:2],
    "svdvals": lambda la, np, a: la.svd(a, compute_uv=False),
    "pinv": lambda la, np, a: la.pinv(a[:, :2]),
    "nuclear": lambda la, np, a: la.norm(a, "nuc"),
    "norm": lambda la, np, a: la.norm(a),
    "power": lambda la, np, a: la.matrix_power(a, 5),
}
FIRST_ONLY = {"eigvals"}  # what JAX itself has


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_those_of_jax(name):
    f, rng = FUNCTIONS[name], np.random.default_rng(3)
    a, v = regular(3, float, rng) + np.diag([1.0, 2, 4]), random((3, 3), float, rng)
    alg = new_algebra(1, 2)
    ours = f(np.linalg, np, make(alg, a, np.array([v, 0 * v])))
    with jax.enable_x64(True):
        def along(t):
            return f(jax.numpy.linalg, jax.numpy, a + t * v)

        order = ...
        if name == "eigvals":  # LAPACK's order may differ
            order = np.argsort(np.asarray(along(0.0)))
            ours = ours[np.argsort(ours.value)]
        first = np.asarray(jax.jacfwd(along)(0.0))[order]
        close(ours.terms[0], first, 1e-12)
        if name not in FIRST_ONLY:
            second = np.asarray(jax.jacfwd(jax.jacfwd(along))(0.0))
            close(2 * ours.terms[1], second, 1e-11)
