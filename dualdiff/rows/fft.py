"""numpy.fft: every transform is linear, and acts on the coefficients as on the values.

May import: the kinds, NumPy.
"""

import numpy as np

from dualdiff._kinds import lead, linear


def one(f):
    """A transform along one axis, on terms."""
    return lambda t, n=None, axis=-1, norm=None: f(t, n, lead(axis, t.ndim - 1), norm)


def many(f, default=None):
    """A transform along several axes, on terms; default: the axes that NumPy takes."""

    def rows(t, s=None, axes=default, norm=None):
        if axes is None and s is not None:
            axes = tuple(range(-len(s), 0))
        return f(t, s, lead(axes, t.ndim - 1), norm)

    return rows


def shift(f):
    """fftshift and its inverse, on terms."""
    return lambda x, axes=None: f(x, lead(axes, x.ndim - 1))


ROWS = {
    np.fft.fft: linear(np.fft.fft, one(np.fft.fft)),
    np.fft.ifft: linear(np.fft.ifft, one(np.fft.ifft)),
    np.fft.rfft: linear(np.fft.rfft, one(np.fft.rfft)),
    np.fft.irfft: linear(np.fft.irfft, one(np.fft.irfft)),
    np.fft.hfft: linear(np.fft.hfft, one(np.fft.hfft)),
    np.fft.ihfft: linear(np.fft.ihfft, one(np.fft.ihfft)),
    np.fft.fft2: linear(np.fft.fft2, many(np.fft.fft2, (-2, -1))),
    np.fft.ifft2: linear(np.fft.ifft2, many(np.fft.ifft2, (-2, -1))),
    np.fft.rfft2: linear(np.fft.rfft2, many(np.fft.rfft2, (-2, -1))),
    np.fft.irfft2: linear(np.fft.irfft2, many(np.fft.irfft2, (-2, -1))),
    np.fft.fftn: linear(np.fft.fftn, many(np.fft.fftn)),
    np.fft.ifftn: linear(np.fft.ifftn, many(np.fft.ifftn)),
    np.fft.rfftn: linear(np.fft.rfftn, many(np.fft.rfftn)),
    np.fft.irfftn: linear(np.fft.irfftn, many(np.fft.irfftn)),
    np.fft.fftshift: linear(np.fft.fftshift, shift(np.fft.fftshift)),
    np.fft.ifftshift: linear(np.fft.ifftshift, shift(np.fft.ifftshift)),
}
