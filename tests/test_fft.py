"""numpy.fft against NumPy on polynomials put in for the numbers."""

import functools

import numpy as np
import pytest
from polynomials import algebra, check, number

# linear in the numbers, so polynomials of low degree: any radius will do
check = functools.partial(check, radius=1.0, points=10, lines=1)

ONE = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
MANY = ["fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"]
NORMS = [None, "backward", "ortho", "forward"]


def dtypes(name):
    """Input types that a transform takes."""
    return [float] if name in ("rfft", "ihfft", "rfft2", "rfftn") else [float, complex]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ONE)
def test_one_axis(name, norm):
    f = getattr(np.fft, name)
    for dtype in dtypes(name):
        for n, order in ((3, 1), (2, 3)):
            x = number(algebra(n, order), (4, 5), dtype)
            check(lambda x: f(x, norm=norm), x)
            for size in (3, 5, 8):
                check(lambda x, s=size: f(x, s, 0, norm), x)
            check(lambda x: f(x, axis=-2, norm=norm), x)
            check(lambda x: f(x, axis=1), x[:, ::-2])
            check(lambda x: f(x[0], n=6, norm=norm), x)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", MANY)
def test_many_axes(name, norm):
    f = getattr(np.fft, name)
    for dtype in dtypes(name):
        x = number(algebra(2, 2), (3, 4, 5), dtype)
        check(lambda x: f(x, norm=norm), x)
        check(lambda x: f(x, (2, 6), (0, 1), norm), x)
        check(lambda x: f(x, s=(4, 4), axes=(-1, 0), norm=norm), x)
        check(lambda x: f(x, axes=(0, 1)), x)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_default_axes_are_all(name):
    f = getattr(np.fft, name)
    for shape in [(4,), (3, 4), (2, 3, 4)]:
        check(f, number(algebra(2, 2), shape))
    with pytest.warns(DeprecationWarning):
        y = f(number(algebra(2, 2), (2, 3, 4)), s=(2, 2))
    assert y.terms.shape[1:] == y.shape


@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts(name):
    f = getattr(np.fft, name)
    for dtype in (float, complex):
        x = number(algebra(2, 3), (4, 5), dtype)
        for axes in (None, 0, 1, -1, (0,), (0, 1), (-1, 0)):
            check(lambda x, axes=axes: f(x, axes=axes), x)
            check(lambda x, axes=axes: f(x, axes), x)


def test_round_trips_at_order_8():
    x = number(algebra(1, 8), (3, 7))
    for y in (np.fft.ifft(np.fft.fft(x)), np.fft.irfft(np.fft.rfft(x), 7),
              np.fft.ifftn(np.fft.fftn(x)), np.fft.ifftshift(np.fft.fftshift(x))):
        np.testing.assert_allclose(y.terms, x.terms, rtol=0, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble, np.complex64, np.clongdouble])
def test_dtypes_are_numpys(dtype):
    x = number(algebra(2, 2), (6,), dtype)
    y = np.fft.fft(x)
    assert y.dtype == y.terms.dtype == np.fft.fft(np.array(x.value)).dtype
    np.testing.assert_array_equal(y.terms, np.fft.fft(x.terms))


def test_frequencies_of_a_number():
    d = number(algebra(2, 3), (), value=0.5)
    check(lambda d: np.fft.fftfreq(5, d) * 1.0, d, radius=0.1, points=14, bitwise=False)


def test_errors_are_numpys():
    x = number(algebra(2, 2), (4,))
    with pytest.raises(ValueError, match="Invalid number of FFT data points"):
        np.fft.fft(x, 0)
    with pytest.raises(ValueError, match="Invalid norm value"):
        np.fft.fft(x, norm="other")
    with pytest.raises(TypeError, match="no matching signature|real|ufunc"):
        np.fft.rfft(x.astype(complex))
