"""Every sample call with arguments that have lanes: the derivatives of dense arguments.

Oracle: the same call with dense seeds.
"""

import numpy as np
import pytest
from array_calls import mapped, results
from samples import EXACT, FREE_PHASE, SAMPLES
from tolerances import assert_close

from dualdiff import Taylor, derivative_tensor, grad, hessian, jacfwd, set_lanes


def flattened(name):
    """(f, x): the sample as a function of one vector, out of which its arguments are cut."""
    func, args, kwargs = SAMPLES[name]
    rng, parts, starts = np.random.default_rng(7), [], []

    def draw(n):
        v = np.asarray(n.draw(rng, float))
        if v.dtype.kind != "f":
            pytest.skip("complex inputs have no lanes")
        starts.append(sum(p.size for p in parts))
        parts.append(v)

    mapped((args, kwargs), draw)

    def f(x):
        k = iter(zip(parts, starts, strict=True))

        def cut(n):
            v, first = next(k)
            part = x[first:first + v.size] * 1.0
            return np.reshape(part, v.shape) if v.ndim else part[0]

        a, kw = mapped((args, kwargs), cut)
        out = results(func(*a, **kw))
        out = [np.real(t) if np.iscomplexobj(t) else t for t in out]
        return [t for t in out if isinstance(t, Taylor) or np.asarray(t).dtype.kind == "f"]

    return f, np.concatenate([np.ravel(p) for p in parts])


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - FREE_PHASE - EXACT))
def test_sample_calls(name):
    f, x = flattened(name)
    for order, transform in ((1, jacfwd(f)), (2, derivative_tensor(f, 2))):
        got = {}
        for mode in ("always", "never"):
            before = set_lanes(mode)
            try:
                got[mode] = transform(x)
            finally:
                set_lanes(before)
        for a, b in zip(got["always"], got["never"], strict=True):
            assert a.shape == b.shape
            assert_close(a, b, order=order + 4, scale=max(1.0, np.abs(b).max(initial=0.0)))


VIEWS = {
    "einsum diagonal": lambda a: np.einsum("ii->i", a),
    "einsum trace": lambda a: np.einsum("ii", a),
    "einsum transpose": lambda a: np.einsum("ij->ji", a),
    "einsum same": lambda a: np.einsum(a, [0, 1]),
    "diag": lambda a: np.diag(a, 1), "diagonal": lambda a: a.diagonal(-1),
    "linalg.diagonal": lambda a: np.linalg.diagonal(a, offset=1), "mT": lambda a: a.mT,
    "linalg.matrix_transpose": np.linalg.matrix_transpose, "real": lambda a: np.real(a),
    "permute_dims": lambda a: np.permute_dims(a, (1, 0)), "asarray": lambda a: a[...],
    "split": lambda a: np.split(a, 2)[1], "array_split": lambda a: np.array_split(a, 3, axis=1)[2],
    "atleast_3d": np.atleast_3d, "broadcast_to": lambda a: np.broadcast_to(a, (2, 4, 4)),
    "sliding windows": lambda a: np.lib.stride_tricks.sliding_window_view(a, 2, axis=0),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_of_arrays_with_lanes(name):
    """What NumPy gives as a view, of an array that is itself made of the inputs."""
    def f(x):
        y = VIEWS[name](np.reshape(x * x, (4, 4)))
        return y * 2.0, np.sum(y * np.cos(y))

    x = np.linspace(-1, 1, 16)
    got = {}
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            got[mode] = [*jacfwd(f)(x), *derivative_tensor(f, 2)(x)]
        finally:
            set_lanes(before)
    for a, b in zip(got["always"], got["never"], strict=True):
        assert_close(a, b, order=4, scale=max(1.0, np.abs(b).max()))
    assert np.any(got["always"][0])


SINGLE = {
    "take": lambda z: np.take(z * 2, 3), "index": lambda z: (z * 2)[np.array(3)],
    "sum over all axes": lambda z: np.sum((z * z[::-1]).reshape(3, 3)[:1, :2], axis=(0, 1)),
    "trapezoid": lambda z: np.trapezoid(z[:2] * z[-1]), "mean": lambda z: np.mean(z[:3] * z[-1]),
}


@pytest.mark.parametrize("name", SINGLE)
def test_single_numbers_with_lanes_meet_arrays(name):
    """Their lanes are arrays without dimensions, which broadcast."""
    z = np.linspace(0.1, 1, 9)
    for meet in (np.logaddexp, np.multiply, np.hypot, np.arctan2, np.maximum):
        for transform in (grad, hessian):
            got = {}
            for mode in ("always", "never"):
                before = set_lanes(mode)
                try:
                    got[mode] = transform(lambda z, meet=meet: np.sum(meet(SINGLE[name](z), z)))(z)
                finally:
                    set_lanes(before)
            assert_close(got["always"], got["never"], order=4, scale=1.0)
