"""Rows for linear maps along axes: Fourier transforms and interpolation.

Of complex numbers the rows ask for shapes, dtypes and stacks; `test_fourier` has their derivatives.
"""

from collections.abc import Iterator

from row import RNG, Array, Row, between

from glassgrad.ops.fourier import Fft, Ifft, Irfft, Rfft
from glassgrad.ops.resample import Resample, ResampleTranspose, Stencil

wide = between(-2, 2)


def complex_numbers(shape: tuple[int, ...]) -> Array:
    return wide(shape) + 1j * wide(shape)


def fourier() -> Iterator[Row]:
    x = complex_numbers((2, 3, 4))
    for kind in (Fft, Ifft):
        for norm in ("backward", "ortho", "forward"):
            yield Row(kind((1,), norm), (x,), f"middle axis {norm}")
        yield Row(kind((2, 0), "backward"), (x,), "two axes")
        yield Row(kind((0,), "ortho"), (complex_numbers((1,)),), "one sample")
        yield Row(kind((1,), "backward"), (complex_numbers((0, 3)),), "no elements")
        yield Row(kind((0,), "forward"), (x.T[::-1, 0, 1],), "strided")
    for n in (1, 2, 5, 6):
        # its result is complex, and the questions about derivatives are put to real results
        yield Row(Rfft((1,), "backward"), (wide((2, n)),), f"{n} samples", fixed=(0,))
        yield Row(Irfft((0,), "ortho", n), (complex_numbers((n // 2 + 1, 2)),), f"{n} samples")
    yield Row(Rfft((0,), "forward"), (wide((4, 6)).T[::-2, 0],), "strided", fixed=(0,))
    yield Row(Rfft((1,), "ortho"), (wide((0, 3)),), "no elements", fixed=(0,))
    yield Row(Irfft((0,), "forward", 4), (complex_numbers((3, 6)).T[::-2].T,), "strided")
    yield Row(Irfft((1,), "forward", 4), (complex_numbers((0, 3)),), "no elements")


def resampling() -> Iterator[Row]:
    for mode in ("nearest", "linear", "cubic"):
        for old, new in ((3, 5), (5, 2), (1, 3), (4, 1), (3, 3)):
            stencil = Stencil(mode, old, new, old / new, False)
            about = f"{mode} {old} to {new}"
            yield Row(Resample(1, stencil), (wide((2, old, 2)),), about, twice=(old, new) == (3, 5))
            yield Row(ResampleTranspose(1, stencil), (wide((2, new)),), about, twice=(old, new) == (3, 5))
        yield Row(Resample(0, Stencil(mode, 3, 4, 0.75, False)), (wide((2, 6)).T[::-2],), f"{mode} strided")
        yield Row(Resample(1, Stencil(mode, 3, 4, 0.75, False)), (wide((0, 3)),), f"{mode} no elements")
        yield Row(
            ResampleTranspose(1, Stencil(mode, 3, 4, 0.75, False)), (wide((0, 4)),), f"{mode} no elements"
        )
        yield Row(
            ResampleTranspose(0, Stencil(mode, 3, 4, 0.75, False)), (wide((2, 8)).T[::-2],), f"{mode} strided"
        )
    for mode in ("linear", "cubic"):
        stencil = Stencil(mode, 4, 7, 0.5, True)
        yield Row(Resample(0, stencil), (RNG.normal(size=(4,)),), f"{mode} aligned corners", twice=True)
        yield Row(
            ResampleTranspose(0, stencil), (RNG.normal(size=(7,)),), f"{mode} aligned corners", twice=True
        )


def rows() -> Iterator[Row]:
    yield from fourier()
    yield from resampling()
