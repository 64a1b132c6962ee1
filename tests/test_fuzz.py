"""Random programs of NumPy calls, against differences in long double, and against JAX.

Derandomised: the same programs on every run.
"""

import contextlib

import numpy as np
import oracles
import pytest
from array_calls import fornberg
from hypothesis import HealthCheck, given, settings
from programs import IN_DOUBLE, NOT_IN_JAX, ONE, TWO, programs, run

from dualdiff import grad, hessian, jacfwd, jvp

ORDER = 3
SETTINGS = {"deadline": None, "derandomize": True, "database": None,
            "suppress_health_check": list(HealthCheck)}


def differences(f, x, v, wide, h):
    """Taylor coefficients 0 .. ORDER of t -> f(x + t v) by Fornberg's weights."""
    t = np.longdouble(h) * np.cos(np.pi * (np.arange(11, dtype=np.longdouble) + 0.5) / 11)
    weights = fornberg(t, ORDER) / np.array([1, 1, 2, 6], np.longdouble)[:, None]
    samples = [np.asarray(f(np.asarray(x + s * v).astype(wide)[()])) for s in t]
    return np.tensordot(weights, np.stack(samples).astype(np.longdouble), 1)


def judged(f, x, v, in_double):
    """(coefficients by differences, how far they can be trusted at each order).

    Two radii show how much of the curve's higher orders is left; rounding is divided by the
    radius for each order.
    """
    wide, radii = (np.float64, (0.06, 0.04)) if in_double else (np.longdouble, (0.02, 0.01))
    with np.errstate(all="ignore"):
        rough, fine = (differences(f, x, v, wide, h) for h in radii)
    axes = tuple(range(1, fine.ndim))
    size = 1 + np.abs(fine).max(axis=axes, initial=0)
    rounding = 30 * np.finfo(wide).eps / np.array(radii[1]) ** np.arange(ORDER + 1) * size.max()
    return rough, np.abs(rough - fine).max(axis=axes, initial=0) * 4 + 1e-11 * size + rounding


def compare(x, v, steps):
    """The program's coefficients along v are those of differences, as far as they go."""
    f = lambda x: run(np, steps, x)
    in_double = any(name in IN_DOUBLE for name, _ in steps)
    want, trust = judged(f, x, v, in_double)
    with np.errstate(all="ignore"):
        got = oracles.coefficients(f, x, ORDER, v)
        np.testing.assert_array_equal(got[0], f(x))
    for k in range(1, ORDER + 1):
        size = 1 + np.abs(want[k]).max(initial=0)
        if trust[k] > 1e-3 * size:  # a kink within reach
            continue
        np.testing.assert_allclose(got[k], want[k].astype(float), rtol=0, atol=float(trust[k]),
                                   err_msg=f"order {k}: {steps}")


@given(programs())
@settings(max_examples=150, **SETTINGS)
def test_against_differences(program):
    compare(*program)


# Places 1 to 4: a matrix, two vectors, a number without dimensions.
START = (("sin", (0,)), ("diagonal", (0,)), ("tanh", (2,)), ("trace", (0,)))
SHAPES = ((3, 3), (3, 3), (3,), (3,), ())


@pytest.mark.parametrize("name", ONE | TWO)
def test_every_step(name):
    """Each once, whatever the random programs choose."""
    x, v = np.random.default_rng(8).uniform(-1, 1, (2, 3, 3))
    if name in ONE:
        places = next((i,) for i in (1, 2, 4) if ONE[name][0](SHAPES[i]))
    else:
        places = next((i, j) for i in (1, 2, 4) for j in (0, 3, 4, 1)
                      if TWO[name][0](SHAPES[i], SHAPES[j]))
    compare(x, v, (*START, (name, places)))


@given(programs(longest=5))
@settings(max_examples=100, **SETTINGS)
def test_gradients_and_nesting_agree_with_directions(program):
    """grad of the sum, along v, is the first coefficient; grad of grad is the second."""
    x, v, steps = program
    f = lambda x: np.sum(run(np, steps, x) * 1.0)
    with np.errstate(all="ignore"):
        _, c1, c2, _ = oracles.coefficients(f, x, ORDER, v)
        first = np.sum(grad(f)(x) * v)
        second = jvp(lambda x: np.sum(grad(f)(x) * v), (x,), (v,))[1]
    for mine, theirs in ((first, c1), (second, 2 * c2)):
        assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-9 * (1 + abs(c1) + abs(c2)))


@given(programs())
@settings(max_examples=60, **SETTINGS)
def test_jacobians_and_hessians_agree_with_directions(program):
    """...of vectors and matrices, sparse inside; the gradient in single precision as well."""
    x, v, steps = program
    outer = lambda x: run(np, steps, x) * 1.0
    f = lambda x: np.sum(np.sin(outer(x)))
    with np.errstate(all="ignore"):
        _, c1, _, _ = oracles.coefficients(outer, x, ORDER, v)
        _, s1, s2, _ = oracles.coefficients(f, x, ORDER, v)
        jacobian, second = jacfwd(outer)(x), hessian(f)(x)
        single = grad(f)(x.astype(np.float32))
    along = np.tensordot(jacobian, v, x.ndim)
    twice = np.tensordot(np.tensordot(second, v, x.ndim), v, x.ndim)
    size = 1 + np.abs(c1).max(initial=0) + abs(s1) + abs(s2)
    np.testing.assert_allclose(along, c1, rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose(twice, 2 * s2, rtol=0, atol=1e-8 * size)
    flat = np.reshape(second, (x.size, x.size))
    np.testing.assert_allclose(flat, flat.T, rtol=0, atol=1e-9 * (1 + np.abs(flat).max()))
    assert single.dtype == np.float32
    assert np.sum(single * v) == pytest.approx(s1, rel=0.05, abs=0.05 * size)


@contextlib.contextmanager
def jax_in_double():
    """JAX with 64 bits, for the time of a test."""
    jax = pytest.importorskip("jax")
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    try:
        yield jax
    finally:
        jax.config.update("jax_enable_x64", before)


def test_against_jax():
    """First and second derivatives along a direction."""
    with jax_in_double() as jax:
        jnp = jax.numpy
        missing = frozenset(NOT_IN_JAX)

        @given(programs(longest=3, leave_out=missing))
        @settings(max_examples=6, **SETTINGS)
        def check(program):
            x, v, steps = program
            theirs = lambda t: run(jnp, steps, jnp.asarray(x) + t * v)
            slope = lambda t: jax.jvp(theirs, (t,), (1.0,))[1]
            want = [slope(0.0), jax.jvp(slope, (0.0,), (1.0,))[1] / 2]
            got = oracles.coefficients(lambda x: run(np, steps, x), x, 2, v)[1:]
            for k in range(2):
                size = 1 + np.abs(want[k]).max(initial=0)
                np.testing.assert_allclose(got[k], want[k], rtol=0, atol=1e-9 * size,
                                           err_msg=f"order {k + 1}: {steps}")

        check()
