"""The discrete Fourier transform, with the names of the array API's extension. Public as `gg.fft`.

Four linear ops do the work; the functions crop, pad and join them. How gradients of complex numbers are defined,
docs/complex.md says; under that convention the transpose of a transform is its conjugate transpose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..graph import Aval, interned
from ..graph.static import replaced, static
from ..tensor import Tensor, apply, asarray
from ..tensor.device import as_device
from ..tensor.dtype import DType, as_complex, as_dtype, as_real
from .complex_numbers import conj
from .families import Linear, kinds_in_words, require_kind
from .joining import pad
from .repeating import roll
from .shape import Axes, astype, normalize_axes, normalize_axis

__all__ = [
    "fft",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftfreq",
    "rfftn",
]

Norm = Literal["backward", "ortho", "forward"]

OTHER_NORM: dict[Norm, Norm] = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""Which norm gives the inverse transform the factor that this one gives the forward transform."""


@static
class Fourier(Linear):
    """What the transforms share. A stack is one axis more in front."""

    axes: tuple[int, ...]
    norm: Norm

    argument_names = ("x",)
    pattern: ClassVar[str] = "mixer: the upstream gradient through the conjugate transform"

    @property
    def axis(self) -> int:
        """The only axis, of an op that has one."""
        return self.axes[0]

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "c", x)
        return x

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        """The same along the next axes."""
        return apply(replaced(self, axes=tuple(a + 1 for a in self.axes)), *inputs)


class Fft(Fourier):
    """The discrete Fourier transform over `axes`."""

    formula = "out[k] = sum_j x[j] exp(-2πi j k / n)"

    def forward(self, x: Any) -> Any:
        require_kind(self, "c", x)
        return np.fft.fftn(x, axes=self.axes, norm=self.norm) if x.size else x

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(Ifft, self.axes, OTHER_NORM[self.norm]), g),)


class Ifft(Fourier):
    """The inverse discrete Fourier transform over `axes`."""

    formula = "out[j] = sum_k x[k] exp(2πi j k / n) / n"

    def forward(self, x: Any) -> Any:
        require_kind(self, "c", x)
        return np.fft.ifftn(x, axes=self.axes, norm=self.norm) if x.size else x

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(Fft, self.axes, OTHER_NORM[self.norm]), g),)


def _half_weights(n: int, axis: int, ndim: int, inner: float, dtype: DType) -> Tensor:
    """1 for the frequencies that a real signal of n samples has once, `inner` for those that it has twice."""
    weights = np.full(n // 2 + 1, inner, as_real(dtype))
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    return Tensor(weights.reshape((-1, *(1,) * (ndim - axis - 1))))


class Rfft(Fourier):
    """The first half of the Fourier transform of real numbers along an axis, which determines the other half."""

    formula = "out[k] = sum_j x[j] exp(-2πi j k / n), k <= n / 2"
    pattern = "mixer: the upstream gradient through the conjugate transform, its real part"
    is_analytic = False

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "f", x)
        half = x.shape[self.axis] // 2 + 1
        return Aval((*x.shape[: self.axis], half, *x.shape[self.axis + 1 :]), as_complex(x.dtype))

    def forward(self, x: Any) -> Any:
        require_kind(self, "f", x)
        half = x.shape[self.axis] // 2 + 1
        if x.size == 0:
            return np.zeros((*x.shape[: self.axis], half, *x.shape[self.axis + 1 :]), as_complex(x.dtype))
        return np.fft.rfft(x, axis=self.axis, norm=self.norm).astype(as_complex(x.dtype), copy=False)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        n = x.shape[self.axis]
        g = _as_complex(g)
        weighted = g * _half_weights(n, self.axis, x.ndim, 0.5, g.dtype)
        return (astype(apply(interned(Irfft, self.axes, OTHER_NORM[self.norm], n), weighted), x.dtype),)


@static
class Irfft(Fourier):
    """n real numbers from the first half of their Fourier transform along an axis: linear over the real numbers."""

    n: int

    formula = "out[j] = re(x[0] + sum_k>0 2 x[k] exp(2πi j k / n)) / n, the last one once if n is even"
    pattern = "mixer: the upstream gradient through the transform, twice where a frequency counts twice"
    is_analytic = False

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "c", x)
        return Aval((*x.shape[: self.axis], self.n, *x.shape[self.axis + 1 :]), as_real(x.dtype))

    def forward(self, x: Any) -> Any:
        require_kind(self, "c", x)
        if x.size == 0:
            return np.zeros((*x.shape[: self.axis], self.n, *x.shape[self.axis + 1 :]), x.real.dtype)
        return np.fft.irfft(x, self.n, self.axis, self.norm)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        frequencies = apply(interned(Rfft, self.axes, OTHER_NORM[self.norm]), g)
        return (frequencies * _half_weights(self.n, self.axis, x.ndim, 2.0, x.dtype),)


# --- arguments --------------------------------------------------------------------------------------------------


def _checked(x: Any, kinds: str, norm: Norm, name: str) -> Tensor:
    """x as a tensor of one of these kinds, or an error; one also for a norm that does not exist."""
    found: Tensor = asarray(x)
    if norm not in OTHER_NORM:
        raise ArgumentError(f'{name} knows norm "backward", "ortho" and "forward"; got {norm!r}')
    if found.dtype.kind not in kinds:
        cure = (
            " For complex input use gg.fft.fft."
            if found.dtype.kind == "c"
            else " gg.astype(x, gg.float32) converts."
        )
        raise DTypeError(
            f"{name} needs {kinds_in_words(kinds)} input; got {found.dtype} of shape {found.shape}.{cure}"
        )
    if found.ndim == 0:
        raise ShapeError(f"{name} needs at least 1 axis; got a single number")
    return found


def _as_complex(x: Tensor) -> Tensor:
    return astype(x, as_complex(x.dtype))


def _resized(x: Tensor, axis: int, n: int | None, name: str) -> Tensor:
    """x cropped at the end, or padded with zeros there, to n samples along an axis."""
    length = x.shape[axis]
    n = length if n is None else n
    if not isinstance(n, int | np.integer) or n < 1:
        raise ShapeError(f"{name} needs 1 sample or more along axis {axis}; got {n} for shape {x.shape}")
    if n < length:
        cropped: Tensor = x[(slice(None),) * axis + (slice(0, int(n)),)]
        return cropped
    return x if n == length else pad(x, [(0, int(n) - length if a == axis else 0) for a in range(x.ndim)])


def _axes_and_sizes(
    x: Tensor, s: Sequence[int] | None, axes: Sequence[int] | None, name: str
) -> tuple[tuple[int, ...], tuple[int | None, ...]]:
    """The axes in the order given, and the number of samples wanted along each (None for what there is)."""
    if axes is None:
        count = x.ndim if s is None else len(s)
        if count > x.ndim:
            raise ShapeError(
                f"{name} got s={tuple(s or ())} for the last axes of shape {x.shape}, which has {x.ndim}"
            )
        axes = range(x.ndim - count, x.ndim)
    found = tuple(normalize_axis(a, x.ndim, name) for a in axes)
    if len(set(found)) != len(found) or not found:
        raise ShapeError(f"{name} needs one axis or more, each once; got {tuple(axes)}")
    sizes = (None,) * len(found) if s is None else tuple(s)
    if len(sizes) != len(found):
        raise ShapeError(f"{name} needs one size for each axis; got s={sizes} and axes={tuple(axes)}")
    return found, sizes


def _along_axes(
    kind: Callable[..., Fourier],
    x: Any,
    s: Sequence[int] | None,
    axes: Sequence[int] | None,
    norm: Norm,
    name: str,
) -> Tensor:
    x = _checked(x, "fc", norm, name)
    found, sizes = _axes_and_sizes(x, s, axes, name)
    for axis, size in zip(found, sizes, strict=True):
        x = _resized(x, axis, size, name)
    return apply(interned(kind, found, norm), _as_complex(x))


def _half(x: Tensor, axis: int, n: int | None, norm: Norm, name: str) -> Tensor:
    return apply(interned(Rfft, (axis,), norm), _resized(x, axis, n, name))


def _whole(x: Tensor, axis: int, n: int | None, norm: Norm, name: str) -> Tensor:
    n = 2 * (x.shape[axis] - 1) if n is None else n
    if not isinstance(n, int | np.integer) or n < 1:
        cure = "" if n else " For a single frequency pass n=1."
        raise ShapeError(
            f"{name} needs 1 sample or more along axis {axis}; got n={n} for shape {x.shape}.{cure}"
        )
    return apply(
        interned(Irfft, (axis,), norm, int(n)), _as_complex(_resized(x, axis, int(n) // 2 + 1, name))
    )


# --- for users --------------------------------------------------------------------------------------------------


def fft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The discrete Fourier transform along `axis`. Float or complex dtypes; the result is complex.

    `n` samples are used: x is cropped, or padded with zeros at the end. `norm` says which direction divides:
    "backward" (the inverse, by n), "forward" (this one, by n), "ortho" (both, by the root of n).
    Raises DTypeError for integers, ShapeError for an axis without samples.

    >>> gg.fft.fft(gg.asarray([1.0, 2.0, 3.0, 4.0])).tolist()
    [(10+0j), (-2+2j), (-2+0j), (-2-2j)]
    """
    return _along_axes(Fft, x, None if n is None else (n,), (axis,), norm, "fft")


def ifft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The inverse of `fft`, with the same arguments and errors.

    >>> gg.fft.ifft(gg.asarray([10.0, -2.0 + 2j, -2.0, -2.0 - 2j])).tolist()
    [(1+0j), (2+0j), (3+0j), (4+0j)]
    """
    return _along_axes(Ifft, x, None if n is None else (n,), (axis,), norm, "ifft")


def fftn(
    x: Any, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Tensor:
    """The discrete Fourier transform over several axes: all, or the last `len(s)` if only sizes are given.

    `s` is how many samples to use along each; the rest as in `fft`.

    >>> gg.fft.fftn(gg.ones((2, 2))).tolist()
    [[(4+0j), 0j], [0j, 0j]]
    """
    return _along_axes(Fft, x, s, axes, norm, "fftn")


def ifftn(
    x: Any, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Tensor:
    """The inverse of `fftn`, with the same arguments and errors.

    >>> gg.fft.ifftn(gg.ones((2, 2))).tolist()
    [[(1+0j), 0j], [0j, 0j]]
    """
    return _along_axes(Ifft, x, s, axes, norm, "ifftn")


def rfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The frequencies 0 to n // 2 of the Fourier transform of real numbers; the others are their conjugates.

    Real float dtypes. Arguments and errors as in `fft`.

    >>> gg.fft.rfft(gg.asarray([1.0, 2.0, 3.0, 4.0])).tolist()
    [(10+0j), (-2+2j), (-2+0j)]
    """
    x = _checked(x, "f", norm, "rfft")
    return _half(x, normalize_axis(axis, x.ndim, "rfft"), n, norm, "rfft")


def irfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The inverse of `rfft`: `n` real numbers, 2 * (frequencies - 1) by default; pass n for an odd number.

    Frequencies 0 and n / 2 have to be real; their imaginary parts are not read. Arguments and errors as in `fft`.

    >>> gg.fft.irfft(gg.asarray([10.0, -2.0 + 2j, -2.0]))
    tensor([1., 2., 3., 4.])
    """
    x = _checked(x, "fc", norm, "irfft")
    return _whole(x, normalize_axis(axis, x.ndim, "irfft"), n, norm, "irfft")


def rfftn(
    x: Any, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Tensor:
    """`rfft` along the last of the axes, then `fft` along the others. Arguments and errors as in `fftn`.

    >>> gg.fft.rfftn(gg.ones((2, 2))).tolist()
    [[(4+0j), 0j], [0j, 0j]]
    """
    x = _checked(x, "f", norm, "rfftn")
    (*others, last), (*sizes, size) = _axes_and_sizes(x, s, axes, "rfftn")
    for axis, wanted in zip(others, sizes, strict=True):
        x = _resized(x, axis, wanted, "rfftn")
    half = _half(x, last, size, norm, "rfftn")
    return apply(interned(Fft, tuple(others), norm), half) if others else half


def irfftn(
    x: Any, /, *, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = "backward"
) -> Tensor:
    """The inverse of `rfftn`; along the last axis as `irfft`. Arguments and errors as in `fftn`.

    >>> gg.fft.irfftn(gg.asarray([[4.0, 0.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [1., 1.]])
    """
    x = _checked(x, "fc", norm, "irfftn")
    (*others, last), (*sizes, size) = _axes_and_sizes(x, s, axes, "irfftn")
    for axis, wanted in zip(others, sizes, strict=True):
        x = _resized(x, axis, wanted, "irfftn")
    if others:
        x = apply(interned(Ifft, tuple(others), norm), _as_complex(x))
    return _whole(x, last, size, norm, "irfftn")


def hfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The Fourier transform, real, of a signal with Hermitian symmetry, of which x is the first half.

    `n` is the length of the result, 2 * (len - 1) by default. Arguments and errors as in `irfft`.

    >>> gg.fft.hfft(gg.asarray([1.0, 2.0, 3.0]))
    tensor([ 8., -2.,  0., -2.])
    """
    x = _checked(x, "fc", norm, "hfft")
    return _whole(conj(x), normalize_axis(axis, x.ndim, "hfft"), n, OTHER_NORM[norm], "hfft")


def ihfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: Norm = "backward") -> Tensor:
    """The inverse of `hfft`: the first half of a signal with Hermitian symmetry. Real float dtypes, as in `rfft`.

    >>> [round(z.real, 6) for z in gg.fft.ihfft(gg.asarray([8.0, -2.0, 0.0, -2.0])).tolist()]
    [1.0, 2.0, 3.0]
    """
    x = _checked(x, "f", norm, "ihfft")
    return conj(_half(x, normalize_axis(axis, x.ndim, "ihfft"), n, OTHER_NORM[norm], "ihfft"))


def fftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of `fft` for n samples `d` apart: 0, 1, ..., then the negative ones, over n * d. float32.

    >>> gg.fft.fftfreq(4)
    tensor([ 0.  ,  0.25, -0.5 , -0.25])
    """
    places = np.arange(_count(n, "fftfreq"))
    return _frequencies(np.where(places < (n + 1) // 2, places, places - n), n, d, dtype, device, "fftfreq")


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: Any = None, device: Any = None) -> Tensor:
    """The frequencies of `rfft` for n samples `d` apart: 0, 1, ..., n // 2 over n * d. float32.

    >>> gg.fft.rfftfreq(4)
    tensor([0.  , 0.25, 0.5 ])
    """
    return _frequencies(np.arange(_count(n, "rfftfreq") // 2 + 1), n, d, dtype, device, "rfftfreq")


def _count(n: int, name: str) -> int:
    if not isinstance(n, int | np.integer) or n < 1:
        raise ArgumentError(f"{name} needs a number of samples of 1 or more; got {n!r}")
    return int(n)


def _frequencies(cycles: Any, n: int, d: float, dtype: Any, device: Any, name: str) -> Tensor:
    wanted = as_dtype(float if dtype is None else dtype)
    if wanted.kind != "f":
        raise DTypeError(f"{name} gives real floats; got dtype {wanted}")
    if d == 0:
        raise ArgumentError(f"{name} needs samples some distance apart; got d=0")
    as_device(device)
    return Tensor((cycles / (n * d)).astype(wanted))


def fftshift(x: Any, /, *, axes: Axes = None) -> Tensor:
    """x with frequency 0 moved to the middle along `axes` (all by default). Any dtype.

    >>> gg.fft.fftshift(gg.fft.fftfreq(4))
    tensor([-0.5 , -0.25,  0.  ,  0.25])
    """
    x = asarray(x)
    found = normalize_axes(axes, x.ndim, "fftshift")
    return roll(x, tuple(x.shape[a] // 2 for a in found), axis=found)


def ifftshift(x: Any, /, *, axes: Axes = None) -> Tensor:
    """The inverse of `fftshift`, which differs from it along axes of odd size.

    >>> gg.fft.ifftshift(gg.asarray([-1, 0, 1]))
    tensor([ 0,  1, -1])
    """
    x = asarray(x)
    found = normalize_axes(axes, x.ndim, "ifftshift")
    return roll(x, tuple(-(x.shape[a] // 2) for a in found), axis=found)
