"""numpy.fft of numbers with lanes: gradients of scalars take steps (_steps.pxi).

What goes back (see Parts in _lane_products.py) does so by the transpose of a transform, which is
a transform itself.

May import: the number, the kinds, the lane forms and products.  Invariant: as in _lane_forms.py.
"""

import numpy as np

from dualdiff._kinds import with_value
from dualdiff._lane_forms import mover
from dualdiff._lane_products import parts_step
from dualdiff._taylor import LANED, is_laned, may_step

# What undoes the factor of a norm in the transpose of an inverse transform.
DUAL = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def resized(a, n, axis):
    """a with length n along an axis: cut off, or with zeros at the end."""
    m = a.shape[axis]
    if n <= m:
        return np.take(a, np.arange(n), axis) if n < m else a
    widths = [(0, 0)] * a.ndim
    widths[axis] = (0, n - m)
    return np.pad(a, widths)


def transform(func, transpose):
    """A transform along one axis; transpose(func, G, n, axis, norm), of its result's length."""

    def form(a, n=None, axis=-1, norm=None, out=None):
        if out is not None or not is_laned(a):
            return NotImplemented
        value = func(a.value, n, axis, norm)
        at = axis % a.ndim - a.ndim  # from the end: gradients have an axis in front
        length, m = a.shape[at], value.shape[at] if n is None else n
        m = 2 * (length - 1) if n is None and func is np.fft.irfft else m
        m = length if n is None and func is np.fft.rfft else m
        return parts_step(a, value, lambda t: func(t, n, at, norm),
                          lambda G: resized(transpose(func, G, m, at, norm), length, at))

    return form


def symmetric(func, G, n, axis, norm):
    """Of fft and ifft: the same."""
    return func(G, n, axis, norm)


def of_real(func, G, n, axis, norm):
    """Of rfft, the first half of fft."""
    return np.fft.fft(resized(G, n, axis), n, axis, norm)


def to_real(func, g, n, axis, norm):
    """Of irfft, which counts all but the first element, and a last of its own, twice."""
    H = np.conj(np.fft.rfft(g, n, axis, DUAL[norm]))
    twice = np.full(n // 2 + 1, 2.0, g.dtype)
    twice[0] = 1
    if n % 2 == 0:
        twice[-1] = 1
    return H * twice.reshape(-1, *[1] * (-1 - axis))


def several(func, one, first=None, last=None):
    """A transform of several axes: `one` of each but the last, which `last` or `first` goes along.

    first: before all others (rfft); last: after them (irfft).
    """
    default = (-2, -1) if func.__name__.endswith("2") else None

    def form(a, s=None, axes=default, norm=None, out=None):
        if out is not None or not is_laned(a) or not may_step(a, nested=True, any_dtype=True):
            return NotImplemented
        value = func(a.value, s, axes, norm)
        if axes is None:
            axes = range(a.ndim) if s is None else range(-len(s), 0)
        order = list(zip(axes, [None] * len(axes) if s is None else s, strict=True))
        final = order.pop() if first or last else None
        if first:
            a = first(a, final[1], final[0], norm)
        for axis, n in order:
            a = one(a, n, axis, norm)
        if last:
            a = last(a, final[1], final[0], norm)
        return with_value(a, value)

    return form


fft, ifft = np.fft.fft, np.fft.ifft
LANED.update({
    **{f: transform(f, symmetric) for f in (fft, ifft)},
    np.fft.rfft: transform(np.fft.rfft, of_real),
    np.fft.irfft: transform(np.fft.irfft, to_real),
    **{f: several(f, fft) for f in (np.fft.fft2, np.fft.fftn)},
    **{f: several(f, ifft) for f in (np.fft.ifft2, np.fft.ifftn)},
    **{f: several(f, fft, first=np.fft.rfft) for f in (np.fft.rfft2, np.fft.rfftn)},
    **{f: several(f, ifft, last=np.fft.irfft) for f in (np.fft.irfft2, np.fft.irfftn)},
    **{f: mover(f) for f in (np.fft.fftshift, np.fft.ifftshift)},
})
