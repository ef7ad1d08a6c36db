"""Convolutions as problems: a window of an image is a step of the image for each index of the filter.

What lies outside an image, or between the elements of a gradient that a stride has spread, is zeros in a copy; where
there is nothing outside, the image is read where it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from ....graph import Node
from ....graph.loops import Convolved, Strides
from ...homes import Place, contiguous
from ..alone import AloneCode
from ..code import Phase, Share
from ..nest import INDEX, counted, loop
from ..types import in_memory
from .problem import Index, Problem, fits
from .tiled import Layout, Operand, TiledCode

if TYPE_CHECKING:
    from ...kernels import Alone, Units

COPIED_ELEMENT = 0.2
"""Nanoseconds."""


@dataclass(frozen=True)
class Side:
    """How images or maps lie in memory: steps for the batch, a channel, and along each axis."""

    batch: int
    channel: int
    axes: Strides

    @classmethod
    def of(cls, strides: Strides) -> Side:
        """From the strides of a tensor."""
        return cls(strides[0], strides[1], tuple(strides[2:]))


class Surrounded(Layout):
    """Images with zeros around them and `spread - 1` zeros between neighbours, in the order batch, channels, axes."""

    def __init__(
        self, source: Node, place: Place, begin: Sequence[int], spread: Sequence[int], sizes: Sequence[int]
    ) -> None:
        """begin: where the first element comes to lie, perhaps before the first place; sizes: with all zeros."""
        self.source = place.owner
        self.kind = in_memory(source.dtype)
        self.planes = source.shape[0], source.shape[1]
        self.place = place.offset, tuple(place.strides)
        self.sizes = tuple(sizes)
        self.strides = contiguous((*self.planes, *sizes))
        self.axes = [
            _overlap(count, first, step, size)
            for count, first, step, size in zip(source.shape[2:], begin, spread, sizes, strict=True)
        ]
        self.spread = tuple(spread)
        self.elements = prod(self.planes) * prod(sizes)
        self.phase = Phase(prod(self.planes), self.elements * COPIED_ELEMENT)

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        return self.planes, self.place, self.sizes, tuple(self.axes), self.spread

    def write(self, share: Share, out: Any) -> None:
        """Clear and fill one plane after the other."""
        builder, (offset, strides) = share.builder, self.place
        source = share.pointers[self.source]
        size = prod(self.sizes)
        with counted(builder, share.begin, share.end) as plane:
            image, channel = (
                builder.udiv(plane, INDEX(self.planes[1])),
                builder.urem(plane, INDEX(self.planes[1])),
            )
            start = INDEX(offset)
            for index, step in ((image, strides[0]), (channel, strides[1])):
                start = builder.add(start, builder.mul(index, INDEX(step)))
            begin = builder.mul(plane, INDEX(size))
            if any(axis.count != size for axis, size in zip(self.axes, self.sizes, strict=True)):
                with loop(builder, size) as place:
                    target = builder.gep(out, [builder.add(begin, place)], source_etype=self.kind)
                    builder.store(self.kind(0.0), target)
            self._fill(share, source, out, 0, start, begin)

    def _fill(self, share: Share, source: Any, out: Any, axis: int, start: Any, begin: Any) -> None:
        builder = share.builder
        if axis == len(self.axes):
            value = builder.load(builder.gep(source, [start], source_etype=self.kind), typ=self.kind)
            builder.store(value, builder.gep(out, [begin], source_etype=self.kind))
            return
        part, step, target = self.axes[axis], self.place[1][2 + axis], self.strides[2 + axis]
        if part.count == 0:
            return
        start = builder.add(start, INDEX(part.first * step))
        begin = builder.add(begin, INDEX(part.begin * target))
        with loop(builder, part.count) as place:
            self._fill(
                share,
                source,
                out,
                axis + 1,
                builder.add(start, builder.mul(place, INDEX(step))),
                builder.add(begin, builder.mul(place, INDEX(self.spread[axis] * target))),
            )


@dataclass(frozen=True)
class _Overlap:
    first: int
    begin: int
    count: int


def _overlap(count: int, begin: int, spread: int, size: int) -> _Overlap:
    """Which elements along an axis fall inside `size` places, if they lie at begin, begin + spread, ..."""
    inside = [index for index in range(count) if 0 <= begin + index * spread < size]
    if not inside:
        return _Overlap(0, 0, 0)
    return _Overlap(inside[0], begin + inside[0] * spread, len(inside))


class ConvolutionCode(TiledCode, AloneCode):
    """A convolution, its transpose in the images, or its transpose in the filters."""

    @classmethod
    def fits(cls, unit: Alone) -> bool:
        """Whether it can be generated: of floats of one dtype, with something to sum."""
        return fits(unit.node) and all(0 not in source.shape for source in unit.node.inputs)

    def __init__(self, unit: Alone, units: Units) -> None:
        loops = unit.loops
        assert isinstance(loops, Convolved)
        node = unit.node
        images, _ = node.inputs  # or maps and filters, where images are wanted
        place, place_of_other = (units.places[source] for source in node.inputs)
        counted_from, spread, sizes = _surroundings(loops, node)
        layout = None
        side, first = Side.of(place.strides), Operand(place.owner, place.offset)
        if tuple(images.shape[2:]) != tuple(sizes) or any(counted_from):
            layout = Surrounded(images, place, counted_from, spread, sizes)
            side, first = Side.of(layout.strides), Operand(None, 0)
        problem, offset = _problem(loops, node, side, place_of_other.strides, units.places[node].strides)
        second = Operand(place_of_other.owner, place_of_other.offset + offset)
        super().__init__(node, problem, [(second, first)], layout, [place.owner] if layout else [])


def _surroundings(loops: Convolved, node: Node) -> tuple[list[int], tuple[int, ...], list[int]]:
    """Where the first element of images lies in the copy, how far apart neighbours are, and the copy's sizes."""
    images, _ = node.inputs
    reaches = [d * (k - 1) for k, d in zip(loops.kernel, loops.dilation, strict=True)]
    if loops.kind == "images":
        begin = [reach - before for reach, before in zip(reaches, loops.padding, strict=True)]
        return begin, loops.stride, [n + reach for n, reach in zip(node.shape[2:], reaches, strict=True)]
    counts = node.shape[2:] if loops.kind == "maps" else node.inputs[1].shape[2:]
    seen = [s * (n - 1) + reach + 1 for s, n, reach in zip(loops.stride, counts, reaches, strict=True)]
    if not any(loops.padding):  # windows may leave a rest, which does no harm
        enough = [max(n, size) for n, size in zip(seen, images.shape[2:], strict=True)]
        return [0] * len(seen), (1,) * len(seen), enough
    return list(loops.padding), (1,) * len(seen), seen


@dataclass(frozen=True)
class _Steps:
    """Where steps lead in the three operands, and along each axis of the images by how much."""

    side: Side
    other: Strides
    out: Strides
    windows: tuple[int, ...]
    """From one window to the next, in the images."""
    taps: tuple[int, ...]
    """From one tap of a window to the next."""


def _problem(loops: Convolved, node: Node, side: Side, other: Strides, out: Strides) -> tuple[Problem, int]:
    """The problem, filters or maps on the left, images on the right; and where the left operand begins."""
    windows = tuple(step * stride for step, stride in zip(side.axes, loops.stride, strict=True))
    taps = tuple(step * gap for step, gap in zip(side.axes, loops.dilation, strict=True))
    steps = _Steps(side, other, out, windows, taps)
    if loops.kind == "maps":
        return _to_maps(loops, node, steps), 0
    if loops.kind == "images":
        # the last tap first: filters are read backwards
        return _to_images(loops, node, steps), sum(
            (size - 1) * of for size, of in zip(loops.kernel, other[2:], strict=True)
        )
    return _to_filters(loops, node, steps), 0


def _to_maps(loops: Convolved, node: Node, steps: _Steps) -> Problem:
    images, filters = node.inputs
    channels, features = images.shape[1] // loops.groups, filters.shape[0] // loops.groups
    side, other, out = steps.side, steps.other, steps.out
    return Problem(
        (Index(loops.groups, other[0] * features, side.channel * channels, out[1] * features),),
        (Index(features, other[0], 0, out[1]),),
        (
            Index(images.shape[0], 0, side.batch, out[0]),
            *(
                Index(n, 0, step, to)
                for n, step, to in zip(node.shape[2:], steps.windows, out[2:], strict=True)
            ),
        ),
        (
            Index(channels, other[1], side.channel, 0),
            *(Index(n, of, step, 0) for n, of, step in zip(loops.kernel, other[2:], steps.taps, strict=True)),
        ),
    )


def _to_images(loops: Convolved, node: Node, steps: _Steps) -> Problem:
    maps, filters = node.inputs
    channels, features = filters.shape[1], filters.shape[0] // loops.groups
    side, other, out = steps.side, steps.other, steps.out
    return Problem(
        (Index(loops.groups, other[0] * features, side.channel * features, out[1] * channels),),
        (Index(channels, other[1], 0, out[1]),),
        (
            Index(maps.shape[0], 0, side.batch, out[0]),
            *(Index(n, 0, step, to) for n, step, to in zip(node.shape[2:], side.axes, out[2:], strict=True)),
        ),
        (
            Index(features, other[0], side.channel, 0),
            *(
                Index(n, -of, step, 0)
                for n, of, step in zip(loops.kernel, other[2:], steps.taps, strict=True)
            ),
        ),
    )


def _to_filters(loops: Convolved, node: Node, steps: _Steps) -> Problem:
    images, maps = node.inputs
    channels, features = images.shape[1] // loops.groups, maps.shape[1] // loops.groups
    side, other, out = steps.side, steps.other, steps.out
    return Problem(
        (Index(loops.groups, other[1] * features, side.channel * channels, out[0] * features),),
        (Index(features, other[1], 0, out[0]),),
        (
            Index(channels, 0, side.channel, out[1]),
            *(Index(n, 0, step, to) for n, step, to in zip(loops.kernel, steps.taps, out[2:], strict=True)),
        ),
        (
            Index(images.shape[0], other[0], side.batch, 0),
            *(
                Index(n, of, step, 0)
                for n, of, step in zip(maps.shape[2:], other[2:], steps.windows, strict=True)
            ),
        ),
    )
