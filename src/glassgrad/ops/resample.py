"""Interpolation: images in another size, each new element a weighted sum of old ones nearby."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..graph import Aval, interned
from ..graph.loops import Weighed
from ..graph.static import replaced, static
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import as_real
from .families import Linear, require_kind
from .shape import as_shape

__all__ = ["interpolate"]

AXES_OF = {
    "nearest": None,
    "linear": None,
    "cubic": None,
    "bilinear": 2,
    "trilinear": 3,
    "bicubic": 2,
}
"""The modes, and for PyTorch's names of them how many axes they are meant for."""


Tap = tuple[Any, Any, Any]
"""Places in the result (as a slice if possible), where each takes an element from, and the weight of that."""


class Stencil(NamedTuple):
    """How `size` new elements along an axis are made of `length` old ones, `scale` old ones apart."""

    mode: str
    length: int
    size: int
    scale: float
    align_corners: bool


@lru_cache(maxsize=256)
def taps(stencil: Stencil) -> list[Tap]:
    """The new elements as sums of old ones: one tap for each old one that a new one is made of."""
    new, last = np.arange(stencil.size), stencil.length - 1
    every = slice(None)
    if stencil.mode == "nearest":
        return [(every, np.minimum((new * stencil.scale).astype(np.int64), last), np.ones(stencil.size))]
    where = new * stencil.scale if stencil.align_corners else (new + 0.5) * stencil.scale - 0.5
    if stencil.mode == "linear":
        where = np.maximum(where, 0.0)
    left = np.floor(where).astype(np.int64)
    t = where - left
    if stencil.mode == "linear":
        left = np.minimum(left, last)
        return [(every, left, 1 - t), (every, np.minimum(left + 1, last), t)]
    weights = [_cubic_far(t + 1), _cubic_near(t), _cubic_near(1 - t), _cubic_far(2 - t)]
    return [(every, np.clip(left + k - 1, 0, last), weight) for k, weight in enumerate(weights)]


@lru_cache(maxsize=256)
def taps_back(stencil: Stencil) -> list[Tap]:
    """The same weights the other way: tap r has the r-th new element of each old one that so many were made of."""
    found = taps(stencil)
    old = np.concatenate([places for _, places, _ in found])
    new = np.tile(np.arange(stencil.size), len(found))
    weight = np.concatenate([weights for _, _, weights in found])
    order = np.argsort(old, kind="stable")
    old, new, weight = old[order], new[order], weight[order]
    rank = np.arange(len(old)) - np.searchsorted(old, old)
    back: list[Tap] = []
    for r in range(int(rank.max(initial=-1)) + 1):
        chosen = rank == r
        to = old[chosen]
        in_a_row = int(to[-1] - to[0]) == len(to) - 1  # a slice is ten times as fast
        back.append((slice(int(to[0]), int(to[-1]) + 1) if in_a_row else to, new[chosen], weight[chosen]))
    return back


def weighed(x: Any, axis: int, stencil_taps: list[Tap], size: int) -> Any:
    """An array whose axis has `size`: at each place the elements of x that the taps name, weighed and added up."""
    total = np.zeros((*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype)
    for to, source, weight in stencil_taps:
        part = x.take(source, axis)
        if not (weight == 1).all():
            part *= weight.astype(as_real(x.dtype)).reshape((-1, *(1,) * (x.ndim - axis - 1)))
        total[(slice(None),) * axis + (to,)] += part
    return total


@lru_cache(maxsize=256)
def tables(stencil: Stencil, back: bool) -> tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]:
    """The taps, or those back, sorted by what they make: where the entries of each begin, the sources, the weights."""
    found = taps_back(stencil) if back else taps(stencil)
    size = stencil.length if back else stencil.size
    made = np.concatenate([np.zeros(0, np.int64), *(np.arange(size)[to] for to, _, _ in found)])
    order = np.argsort(made, kind="stable")
    starts = np.searchsorted(made[order], np.arange(size + 1))
    sources = np.concatenate([made[:0], *(source for _, source, _ in found)])[order]
    weights = np.concatenate([np.zeros(0), *(weight for _, _, weight in found)])[order]
    return tuple(starts.tolist()), tuple(sources.tolist()), tuple(weights.tolist())


_A = -0.75  # Keys's parameter: OpenCV's and PyTorch's choice


def _cubic_near(t: Any) -> Any:
    """Keys's convolution kernel at distances up to 1."""
    return ((_A + 2) * t - (_A + 3)) * t * t + 1


def _cubic_far(t: Any) -> Any:
    """Keys's convolution kernel at distances from 1 to 2."""
    return ((_A * t - 5 * _A) * t + 8 * _A) * t - 4 * _A


@static
class AlongAxis(Linear):
    """What both directions share: a stack is one axis more in front."""

    axis: int
    stencil: Stencil

    argument_names = ("x",)

    @property
    def name(self) -> str:
        """The name of the function, for messages."""
        return "interpolate"

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        """The same along the next axis."""
        return apply(replaced(self, axis=self.axis + 1), *inputs)


class Resample(AlongAxis):
    """An axis in another size: each new element the weighted sum of old ones nearby."""

    formula = "out[i] = sum_t weight[t, i] * x[place[t, i]]"
    pattern = "adder: an old element gets what the new ones made of it weighed it with"

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "biufc" if self.stencil.mode == "nearest" else "fc", x)
        return Aval((*x.shape[: self.axis], self.stencil.size, *x.shape[self.axis + 1 :]), x.dtype)

    def forward(self, x: Any) -> Any:
        if self.stencil.mode == "nearest":
            ((_, places, _),) = taps(self.stencil)
            return x.take(places, self.axis)
        require_kind(self, "fc", x)
        return weighed(x, self.axis, taps(self.stencil), self.stencil.size)

    def loops(self, x: Aval) -> Weighed:
        return Weighed(self.axis, *tables(self.stencil, False))

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(ResampleTranspose, self.axis, self.stencil), g),)


class ResampleTranspose(AlongAxis):
    """Each new element given back to the old ones that it was made of: the transpose of `Resample`."""

    formula = "out[place[t, i]] += weight[t, i] * x[i], from zeros"
    pattern = "adder: an element gets the weighted sum of the upstream gradients nearby"

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "iufc" if self.stencil.mode == "nearest" else "fc", x)
        return Aval((*x.shape[: self.axis], self.stencil.length, *x.shape[self.axis + 1 :]), x.dtype)

    def forward(self, x: Any) -> Any:
        require_kind(self, "iufc" if self.stencil.mode == "nearest" else "fc", x)
        return weighed(x, self.axis, taps_back(self.stencil), self.stencil.length)

    def loops(self, x: Aval) -> Weighed:
        return Weighed(self.axis, *tables(self.stencil, True))

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(Resample, self.axis, self.stencil), g),)


def interpolate(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool = False,
) -> Tensor:
    """Images in another size. x: (batch, channels, *sizes), any number of sizes.

    Give either the new `size`, or the `scale_factor` that each old size is multiplied with (rounded down); one number,
    or one per axis. `mode`: "nearest" (any dtype); "linear" (also "bilinear", "trilinear") between the two nearest
    along each axis; "cubic" (also "bicubic") between the nearest four, by Keys's kernel with a = -0.75. Both take
    float or complex numbers. With `align_corners` the centres of the outermost elements stay where they are;
    otherwise their outer edges do. The same numbers as PyTorch's `interpolate`.

    Raises ArgumentError for both or none of size and scale_factor, ShapeError for sizes of 0.
    Source: Keys, "Cubic convolution interpolation for digital image processing" (1981).

    >>> gg.interpolate(gg.asarray([[[1.0, 3.0]]]), size=4, mode="linear")
    tensor([[[1. , 1.5, 2.5, 3. ]]])
    """
    x = asarray(x)
    if x.ndim < 3:
        raise ShapeError(f"interpolate needs shape (batch, channels, *sizes); got shape {x.shape}")
    kind = _mode(mode, x.ndim - 2)
    if align_corners and kind == "nearest":
        raise ArgumentError(
            'interpolate has align_corners for mode "linear" and "cubic" only; got mode "nearest"'
        )
    resampled: Tensor = x
    old = x.shape[2:]
    sizes, factors = _new_sizes(old, size, scale_factor)
    for axis, (length, new, factor) in enumerate(zip(old, sizes, factors, strict=True), 2):
        if length == 0 or new == 0:
            raise ShapeError(
                f"interpolate needs sizes of 1 or more; got shape {x.shape} and new sizes {sizes}"
            )
        if align_corners:
            scale = (length - 1) / (new - 1) if new > 1 else 0.0
        else:
            scale = length / new if factor is None else 1 / factor
        resampled = apply(
            interned(Resample, axis, Stencil(kind, length, new, scale, align_corners)), resampled
        )
    return resampled


def _mode(mode: str, ndim: int) -> str:
    """The mode's own name for any number of axes."""
    if mode not in AXES_OF:
        raise ArgumentError(f"interpolate knows the modes {', '.join(AXES_OF)}; got {mode!r}")
    meant = AXES_OF[mode]
    kind = mode.removeprefix("bi").removeprefix("tri")
    if meant is not None and meant != ndim:
        raise ShapeError(
            f'interpolate has mode "{mode}" for {meant} axes behind (batch, channels); got {ndim}. '
            f'Mode "{kind}" is the same for any number.'
        )
    return kind


def _new_sizes(
    old: tuple[int, ...], size: Any, scale_factor: Any
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The new sizes, and the factors if they were given."""
    if (size is None) == (scale_factor is None):
        raise ArgumentError(
            f"interpolate needs either size or scale_factor; got size={size} and scale_factor={scale_factor}"
        )
    count = len(old)
    if scale_factor is None:
        sizes = as_shape(size, "interpolate")
        sizes = sizes * count if isinstance(size, int) else sizes
        factors: tuple[float | None, ...] = (None,) * count
    else:
        given = tuple(scale_factor) if isinstance(scale_factor, Sequence) else (scale_factor,) * count
        if not all(isinstance(f, int | float) and 0 < f < math.inf for f in given):
            raise ArgumentError(f"interpolate needs a scale_factor above 0; got {scale_factor!r}")
        sizes, factors = tuple(int(n * f) for n, f in zip(old, given, strict=False)), given
    if len(sizes) != count or len(factors) != count:
        raise ArgumentError(
            f"interpolate needs one number, or one for each of the {count} sizes {old}; got "
            f"{scale_factor if size is None else size!r}"
        )
    return sizes, factors
