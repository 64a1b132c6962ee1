"""Fourier transforms of numbers with lanes (dualdiff/_lane_fft.py).

Oracles: dense seeds, and the gradient of a power spectrum by hand.  Weights have no symmetry, for
spectra of real numbers have.
"""

import numpy as np
import pytest
from tolerances import assert_close
from waiting import peak_of

from dualdiff import grad, hvp, jacfwd, set_lanes
from dualdiff._lane_fft import resized

fft = np.fft
N = 60
X = np.random.default_rng(5).normal(size=N)
H = np.exp(-np.linspace(0, 3, N)) + 0.3j * np.linspace(0, 1, N)
W = np.random.default_rng(6).uniform(0.5, 2, N)


def rows(x):
    return x.reshape(-1, 10)


def total(z):
    """A scalar that no symmetry makes flat: by absolute values, real and imaginary parts."""
    z = z.ravel()
    w = np.resize(W, z.size)
    return np.sum(w * np.abs(z) ** 1.5) + np.sum(w[::-1] * z.real * np.sin(z.imag))


def diffused(x):
    for _ in range(4):
        x = fft.ifft(fft.fft(x) * H).real + 0.1 * x**2
    return x


ONE = {
    "fft": fft.fft, "ifft": fft.ifft, "rfft": fft.rfft,
    "irfft": lambda x, *args, **kwargs: fft.irfft(fft.rfft(x) * H[:N // 2 + 1], *args, **kwargs),
}
SEVERAL = {
    "fft2": fft.fft2, "ifft2": fft.ifft2, "fftn": fft.fftn, "ifftn": fft.ifftn, "rfft2": fft.rfft2,
    "rfftn": fft.rfftn,
    "irfft2": lambda x, **kwargs: fft.irfft2(fft.rfft2(x) * (1 + 2j), **kwargs),
    "irfftn": lambda x, **kwargs: fft.irfftn(fft.rfftn(x) * (1 + 2j), **kwargs),
}
CASES = {
    **{f"{name} {key}": lambda x, f=f, kw=kw: f(x, **kw) for name, f in ONE.items() for key, kw in {
        "as it is": {}, "longer": {"n": N + 5}, "cut": {"n": N - 7}, "ortho": {"norm": "ortho"},
        "forward": {"norm": "forward", "n": N - 1}, "backward": {"norm": "backward"}}.items()},
    **{f"{name} {key}": lambda x, f=f, kw=kw: f(rows(x), **kw) for name, f in SEVERAL.items()
       for key, kw in {"as it is": {}, "of a shape": {"s": (7, 9), "axes": (0, 1)},
                       "ortho": {"norm": "ortho"}, "turned": {"axes": (1, 0)}}.items()},
    "fftn of one axis": lambda x: fft.fftn(rows(x), axes=(0,)),
    "columns": lambda x: fft.fft(rows(x), axis=0), "rows": lambda x: fft.rfft(rows(x), axis=1),
    "irfft of columns": lambda x: fft.irfft(fft.rfft(rows(x), axis=0), 7, axis=0),
    "filter": lambda x: fft.ifft(fft.fft(x) * H), "derivative": lambda x: fft.ifft(
        1j * fft.fftfreq(N) * fft.fft(x)).real,
    "convolution": lambda x: fft.irfft(fft.rfft(x, 2 * N) * fft.rfft(np.cos(x), 2 * N)),
    "meets inputs": lambda x: fft.fft(x) * x + x[::-1], "of complex": lambda x: fft.fft(
        x * 1j + x[::-1]),
    "conjugate": lambda x: fft.fft(x) * np.conj(fft.fft(x[::-1])), "angle": lambda x: np.angle(
        fft.fft(x) + 50 + 3j * np.arange(N)),
    "shift": lambda x: fft.fftshift(fft.fft(x)), "ifftshift": lambda x: fft.ifftshift(rows(x), 1),
    "slice": lambda x: fft.fft(x)[3:20], "one": lambda x: fft.fft(x)[7:8],
    "assigned": lambda x: assigned(fft.fft(x)), "stack": lambda x: np.stack([fft.fft(x), x + 0j]),
    "exp": lambda x: np.exp(1j * fft.rfft(x) / 9), "diffusion": diffused,
    "sum": lambda x: np.sum(fft.fft(x) * H, keepdims=True), "mean": lambda x: np.mean(
        fft.fft(x * x) * H).reshape(1),
    "sum of rows": lambda x: np.sum(fft.fft(rows(x)) * rows(H), axis=1),
    "dot": lambda x: (fft.fft(x) @ H).reshape(1), "vdot": lambda x: np.vdot(
        fft.fft(x), H * x).reshape(1),
    "norm": lambda x: np.linalg.norm(fft.fft(x)).reshape(1) + 0j,
    "scalar by an array": lambda x: np.sum(fft.fft(x) * H) * H[:3],
    "scalar and inputs": lambda x: np.sum(fft.fft(x) * H) * x,
    "norms": lambda x: np.linalg.norm(fft.fft(rows(x)), axis=1) + 0j,
}


def assigned(z):
    z[5:] = 0
    z[2] = z[1] * z[0]
    return z


def gradients(f, x):
    found = []
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            found.append(grad(f)(x))
        finally:
            set_lanes(before)
    return found


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_dense_seeds(name):
    got, want = gradients(lambda x: total(CASES[name](x) + 0j), X)
    assert_close(got, want, order=8, dtype=float, scale=np.abs(want).max())


@pytest.mark.parametrize("name", CASES)
def test_products_with_hessians_are_those_of_dense_seeds(name):
    found = []
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            found.append(hvp(lambda x: total(CASES[name](x) + 0j), (X,), (np.cos(X),)))
        finally:
            set_lanes(before)
    assert_close(*found, order=9, dtype=float, scale=np.abs(found[1]).max())


def test_a_power_spectrum_by_hand():
    x = np.random.default_rng(1).normal(size=3000)
    w = np.linspace(0, 1, 3000)
    slope = grad(lambda x: np.sum(w * np.abs(fft.fft(x)) ** 2))(x)
    want = 2 * fft.fft(w * np.conj(fft.fft(x))).real
    assert_close(slope, want, order=4, dtype=float, scale=np.abs(want).max())


def test_float32():
    x = X.astype(np.float32)
    got, want = gradients(lambda x: total(fft.fft(x)), x)
    assert got.dtype == want.dtype == np.float32
    assert_close(got, want, order=8, dtype=np.float32, scale=np.abs(want).max())


@pytest.mark.parametrize("transform", [
    lambda f: jacfwd(lambda x: np.abs(f(x))), lambda f: jacfwd(grad(lambda x: total(f(x)))),
    lambda f: lambda x: hvp(lambda x: total(f(x)), (x,), (np.cos(x),))])
def test_other_transforms(transform):
    g = transform(lambda x: fft.fft(x) * H[:x.size])
    results = []
    for mode in ("always", "never"):
        before = set_lanes(mode)
        try:
            results.append(np.hstack(g(X[:30])))
        finally:
            set_lanes(before)
    assert_close(*results, order=9, dtype=float, scale=np.abs(results[1]).max())


def test_infinities_stay_where_they_are():
    x = np.linspace(0, 1, N)
    with np.errstate(all="ignore"):
        got, want = gradients(lambda x: np.sum(np.abs(fft.fft(np.sqrt(x)))), x)
    np.testing.assert_array_equal(np.isfinite(got), np.isfinite(want))


@pytest.mark.lanes("auto", "always", reason="about what stays sparse")
@pytest.mark.parametrize("f", [lambda x: np.sum(np.abs(fft.rfft(x)) ** 2), lambda x: np.sum(
    fft.ifft(fft.fft(x) * np.exp(-np.arange(x.size))).real ** 2), lambda x: np.sum(np.abs(
        fft.fft2(x.reshape(100, -1))))])
def test_memory_does_not_grow_with_the_square(f):
    x = np.random.default_rng(2).normal(size=20_000)
    assert peak_of(lambda: grad(f)(x)) < 100 * x.nbytes


def test_resized():
    a = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(resized(a, 2, -1), a[:, :2])
    np.testing.assert_array_equal(resized(a, 4, -1), np.pad(a, ((0, 0), (0, 1))))
    assert resized(a, 3, -1) is a
