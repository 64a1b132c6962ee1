"""check_grads passes on right derivatives, and says where wrong ones are wrong."""

import numpy as np
import pytest

import dualdiff as dd
from dualdiff.test_util import check_grads

rng = np.random.default_rng(0)


def loss(w, b):
    a = np.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30]])
    return np.sum(np.log(0.5 * (np.tanh((a @ w + b) / 2) + 1)))


def test_right_derivatives_pass():
    check_grads(loss, (rng.normal(size=3), 0.3), order=4)
    check_grads(lambda t: {"a": t["x"] ** 3, "b": [t["y"] * t["x"][0]]},
                ({"x": np.array([1.0, 2.0]), "y": -0.5},), order=3)
    check_grads(lambda x, n: x**n, (1.5, 3), order=2)


def test_dtypes():
    check_grads(loss, (rng.normal(size=3).astype(np.float32), np.float32(0.3)), order=2)
    check_grads(np.exp, (np.array([0.5], np.longdouble),), order=2)
    check_grads(lambda z: z * z * z, (np.array([1 + 2j, 0.5j]),), order=2)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_wrong_derivatives_are_found_at_their_order(order):
    @dd.custom_jvp
    def bad(x):
        return np.exp(x)

    bad.defjvps(lambda t, y, x: t * 1.001 * np.exp(x))
    f = bad
    for _ in range(order - 1):
        f = integral_of(f)
    if order > 1:
        check_grads(f, (0.5,), order=order - 1)
    with pytest.raises(AssertionError, match=f"derivative of order {order} with respect to args"):
        check_grads(f, (0.5,), order=order)


def integral_of(f):
    """A function with value exp and derivative f."""
    @dd.custom_jvp
    def g(x):
        return np.exp(x)

    g.defjvps(lambda t, y, x: t * f(x))
    return g


def test_the_message_names_argument_place_direction_and_both_figures():
    @dd.custom_jvp
    def bad(x):
        return np.sin(x)

    bad.defjvps(lambda t, y, x: -t * np.cos(x))
    f = lambda p, q: {"u": p["a"], "v": [p["a"] * bad(p["b"]) + q]}  # noqa: E731
    with pytest.raises(AssertionError) as e:
        check_grads(f, ({"a": 2.0, "b": np.array([0.1, 0.2])}, 1.0), order=1)
    text = str(e.value)
    assert "order 1 with respect to args[0]['b'], of the result['v'][0][" in text
    assert "along direction 0, [" in text
    figures = [float(text.split(w)[1].split()[0].strip(",")) for w in ("jvp gives", "ences give")]
    assert figures[0] == pytest.approx(-figures[1], rel=1e-6)


def test_missing_derivatives_are_found():
    with pytest.raises(AssertionError, match="jvp gives 0.0, differences give"):
        check_grads(lambda x: x.value**2 if isinstance(x, dd.Taylor) else x**2, (2.0,), order=1)


def test_tolerances():
    @dd.custom_jvp
    def bad(x):
        return x * x

    bad.defjvps(lambda t, y, x: t * 2.02 * x)
    check_grads(bad, (1.0,), order=1, atol=0.0, rtol=0.02)
    check_grads(bad, (1.0,), order=1, atol=0.05, rtol=0.0, eps=1e-2)
    with pytest.raises(AssertionError, match="allowed 0.001"):
        check_grads(bad, (1.0,), order=1, atol=1e-3, rtol=0.0)


@pytest.mark.parametrize("error, make, words", [
    (TypeError, lambda: check_grads(1.0, (1.0,), 1), "expected a function"),
    (TypeError, lambda: check_grads(np.sin, 1.0, 1), "args to be a tuple or a list, got float"),
    (ValueError, lambda: check_grads(np.sin, (1.0,), 0), "order to be 1 or more, got 0"),
    (ValueError, lambda: check_grads(np.sin, (1.0,), 1, ("fwd", "rev")), "forward mode alone"),
    (TypeError, lambda: check_grads(np.sin, (1,), 1), r"at least one argument .*'int64'"),
])
def test_messages(error, make, words):
    with pytest.raises(error, match=words):
        make()
