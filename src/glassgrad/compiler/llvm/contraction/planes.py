"""The transforms of Winograd's algorithms as loops: images to planes, and planes to maps.

A plane has the values of all tiles at one pair of points: a row for each tile, a column for each channel. A piece of
work is a row of tiles of one image, for as many channels as a vector has lanes: its elements are brought into a buffer
with the channels in the lanes, in which a transform is additions and multiplications of whole vectors.

All walks of a program that differ only in numbers, such as steps and how many channels there are, share one function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from llvmlite import ir

from ..code import POINTER
from ..modules import shared
from ..nest import INDEX, counted, loop
from .combiner import FLOAT, Combiner, everywhere
from .lines import Lines, LineWriter, buffer_of
from .transforms import Cut, Matrix, Tiles, transposed_matrix

LINE = 16
"""Floats in a line of a cache."""
PLANE_ELEMENT, IMAGE_ELEMENT = 0.25, 0.75
"""Nanoseconds for an element of a plane, made or read, and of an image, transposed. A quarter of that where memory is
near."""


def up_to(size: int, step: int) -> int:
    """The next multiple of a step."""
    return -(-size // step) * step


@dataclass(frozen=True)
class Part:
    """The planes of some points, which as many tiles have."""

    ys: range
    xs: range
    down: int
    across: int
    begin: int
    """Where the first plane begins, in elements."""
    step: int
    """From plane to plane."""


@dataclass(frozen=True)
class Planes:
    """The planes of some images, for a cut of both axes."""

    cuts: tuple[Cut, Cut]
    images: int
    channels: int
    """How far a tile's row is from the next."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The planes by the tiles they have. They begin on different places in a cache."""
        found: list[Part] = []
        begin = 0
        for (ys, down), (xs, across) in product(*(cut.parts for cut in self.cuts)):
            step = (self.images * down * across * self.channels + LINE - 1) // LINE | 1
            found.append(Part(ys, xs, down, across, begin, step * LINE))
            begin += len(ys) * len(xs) * step * LINE
        return tuple(found)

    @property
    def elements(self) -> int:
        """How many floats there are in all."""
        return sum(len(part.ys) * len(part.xs) * part.step for part in self.parts)


# --- between images and planes ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Walk:
    """Images in memory, and the planes that go with them, tile by tile."""

    planes: Planes
    lines: Lines
    """A row of an image."""
    height: int
    row: int
    image: int
    """Steps to the next row, and to the next image, in elements."""
    offset: int
    begin: tuple[int, int]
    """Where the image's first element lies in what the tiles see; before its first place if negative."""
    overlaps: bool
    """Whether tiles see windows, as of images; else their outputs alone, as of maps."""

    @property
    def blocks(self) -> int:
        """How many vectors cover the channels."""
        return -(-self.lines.channels // self.lines.lanes)

    @property
    def pieces(self) -> int:
        """How many rows of tiles there are, for all images and blocks of channels."""
        return self.planes.images * self.blocks * self.planes.cuts[0].count

    def of(self, images: int) -> Walk:
        """The same for so many images at a time."""
        return replace(self, planes=replace(self.planes, images=images))

    @property
    def kind(self) -> Walk:
        """What code for walks depends on: the first of those that differ only in numbers it can get as arguments."""
        planes = replace(self.planes, images=1, channels=self.lines.lanes)
        return replace(self, planes=planes, lines=self.lines.kind, row=0, image=0, offset=0)

    def numbers(self, first: int) -> list[int]:
        """These numbers, for a walk that begins with image number `first`."""
        begins = [number for part in self.planes.parts for number in (part.begin, part.step)]
        offset = self.offset + first * self.image
        columns = self.planes.channels
        return [*self.lines.numbers, self.row, self.image, offset, self.blocks, columns, *begins]

    def nanoseconds(self, far: float) -> float:
        """About how long the pieces take on one thread; less where memory is near."""
        moved = self.pieces * self.shape[0] * self.lines.length * self.lines.lanes
        return far * (self.planes.elements * PLANE_ELEMENT + moved * IMAGE_ELEMENT)

    def seen(self, axis: int, tiles: Tiles) -> int:
        """How many elements along an axis a tile sees."""
        return tiles.window(self.planes.cuts[axis].taps) if self.overlaps else tiles.outputs

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the buffer for a row of tiles."""
        down, across = self.planes.cuts
        more = across.taps - 1 if self.overlaps else 0
        return self.seen(0, down.sizes[0]), across.outputs + more

    @property
    def vectors(self) -> int:
        """How large the buffer is."""
        return self.shape[0] * self.shape[1]


def write_walk(
    builder: ir.IRBuilder,
    walk: Walk,
    spreads: bool,
    pointers: Sequence[Any],
    pieces: Sequence[Any],
    first: int,
) -> None:
    """Some of the pieces of a walk from image number `first` on: from memory to planes, or back.

    pointers: to memory, and to planes. pieces: the first, and that after the last.
    """
    kind, numbers = walk.kind, walk.numbers(first)
    function = shared(
        builder.module,
        "spread" if spreads else "gathered",
        kind,
        [POINTER] * 2 + [INDEX] * (2 + len(numbers)),
        lambda function: Transform(function, kind).write(spreads),
    )
    builder.call(function, [*pointers, *pieces, *map(INDEX, numbers)])


class Transform:
    """Writes a function for walks of one kind, in one of the two directions: along one axis, then along the other."""

    def __init__(self, function: ir.Function, walk: Walk) -> None:
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.memory, self.target, *numbers = function.args
        for pointer in (self.memory, self.target):
            pointer.add_attribute("noalias")
        self.begin, self.end, *self.of_lines, self.row, self.step, self.offset = numbers[:8]
        self.blocks, self.columns, *begins = numbers[8:]
        self.begins = list(zip(begins[::2], begins[1::2], strict=True))
        """Of each part of the planes, where its first plane begins, and the step from plane to plane."""
        self.walk = walk
        self.lanes = walk.lines.lanes
        self.vector = ir.VectorType(FLOAT, self.lanes)
        self.combine = Combiner(self.builder, self.lanes)
        self.down, self.across = walk.planes.cuts
        self.width = walk.shape[1]
        self.elements = self._buffer(walk.shape[0])
        self.half = self._buffer(self.down.products)

    def _buffer(self, rows: int) -> Any:
        return buffer_of(self.builder, rows * self.width, self.lanes)

    def write(self, spreads: bool) -> None:
        """All of the function: from memory to the planes, or from them to memory."""
        builder, walk = self.builder, self.walk
        with counted(builder, self.begin, self.end) as number:
            self.ty, number = self._parted(number, INDEX(self.down.count))
            block, self.index = self._parted(number, self.blocks)
            self.channel = builder.mul(block, INDEX(self.lanes))
            self.writer = LineWriter(builder, walk.lines, self.of_lines, self.channel)
            self.image = builder.add(self.offset, builder.mul(self.index, self.step))
            self.is_larger = builder.icmp_unsigned("<", self.ty, INDEX(self.down.larger))
            if spreads:
                self._fill()
                self._along_columns(spreads=True)
                self._along_rows(spreads=True)
            else:
                self._along_rows(spreads=False)
                self._along_columns(spreads=False)
                self._empty()
        builder.ret_void()

    def _parted(self, number: Any, size: Any) -> tuple[Any, Any]:
        return self.builder.urem(number, size), self.builder.udiv(number, size)

    def _start(self, cut: Cut, number: Any) -> Any:
        """The first output of a tile."""
        builder, larger = self.builder, INDEX(cut.larger)
        smaller = builder.icmp_unsigned("<", number, larger)
        more = builder.select(smaller, number, larger)
        return builder.add(builder.mul(number, INDEX(cut.smallest)), more)

    def _by_size(self, larger: int, smaller: int) -> Any:
        """A number for the larger tiles of a column of them, and one for the smaller."""
        if larger == smaller:
            return INDEX(larger)
        return self.builder.select(self.is_larger, INDEX(larger), INDEX(smaller))

    def _products(self) -> Any:
        return self._by_size(*(self.down.sizes[place].window(self.down.taps) for place in (0, -1)))

    def _load(self, buffer: Any, place: Any) -> Any:
        source = self.builder.gep(buffer, [place], source_etype=self.vector)
        return self.builder.load(source, align=4 * self.lanes, typ=self.vector)

    def _store(self, value: Any, buffer: Any, place: Any) -> None:
        target = self.builder.gep(buffer, [place], source_etype=self.vector)
        self.builder.store(value, target, align=4 * self.lanes)

    # --- memory and buffer --------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Bring the rows that a row of tiles sees into the buffer, zeros where there is no image."""
        builder, walk, width = self.builder, self.walk, self.width
        target = min(max(walk.begin[1], 0), width)
        start = builder.sub(self._start(self.down, self.ty), INDEX(walk.begin[0]))
        with loop(builder, walk.shape[0]) as row:
            y = builder.add(start, row)
            place = builder.mul(row, INDEX(width))
            inside = builder.icmp_unsigned("<", y, INDEX(walk.height))
            with builder.if_else(inside, likely=True) as (there, outside):
                with there:
                    self._zeros(place, 0, target)
                    offset = builder.add(self.image, builder.mul(y, self.row))
                    self.writer.read(self.memory, offset, self.elements, builder.add(place, INDEX(target)))
                    self._zeros(place, target + walk.lines.length, width)
                with outside:
                    self._zeros(place, 0, width)

    def _zeros(self, place: Any, begin: int, end: int) -> None:
        if begin >= end:
            return
        zeros = everywhere(self.vector, 0.0)
        with loop(self.builder, end - begin) as index:
            self._store(zeros, self.elements, self.builder.add(place, self.builder.add(index, INDEX(begin))))

    def _empty(self) -> None:
        """Bring the outputs of a row of tiles from the buffer to memory."""
        builder = self.builder
        start = self._start(self.down, self.ty)
        rows = self._by_size(self.down.sizes[0].outputs, self.down.sizes[-1].outputs)
        with counted(builder, INDEX(0), rows) as row:
            y = builder.add(start, row)
            offset = builder.add(self.image, builder.mul(y, self.row))
            self.writer.write(self.memory, offset, self.elements, builder.mul(row, INDEX(self.width)))

    # --- along an axis ------------------------------------------------------------------------------------------

    def _matrix(self, cut: Cut, tiles: Tiles, spreads: bool) -> Matrix:
        found = cut.algorithm(tiles)
        if not spreads:
            return found.outputs
        return found.images if self.walk.overlaps else transposed_matrix(found.outputs)

    def _along_columns(self, spreads: bool) -> None:
        """Each column of a row of tiles, from elements to half-transformed, or back."""
        builder, sizes = self.builder, self.down.sizes
        if len(sizes) == 1:
            self._columns(sizes[0], spreads)
            return
        with builder.if_else(self.is_larger) as (large, small):
            with large:
                self._columns(sizes[0], spreads)
            with small:
                self._columns(sizes[1], spreads)

    def _columns(self, tiles: Tiles, spreads: bool) -> None:
        matrix = self._matrix(self.down, tiles, spreads)
        source, target = (self.elements, self.half) if spreads else (self.half, self.elements)
        with loop(self.builder, self.width) as x:

            def at(row: int) -> Any:
                return self.builder.add(x, INDEX(row * self.width))

            values = [self._load(source, at(row)) for row in range(len(matrix[0]))]
            for row, value in enumerate(self.combine(matrix, values)):
                self._store(value, target, at(row))

    def _along_rows(self, spreads: bool) -> None:
        """Each row of each tile, from half-transformed to planes, or back."""
        builder = self.builder
        products = self._products()
        for tiles in self.across.sizes:
            matrix = self._matrix(self.across, tiles, spreads)
            with loop(builder, tiles.count) as since:
                tx = builder.add(since, INDEX(tiles.first))
                start = self._start(self.across, tx)
                parts = self._parts(tx, tiles)
                with counted(builder, INDEX(0), products) as y:
                    place = builder.add(builder.mul(y, INDEX(self.width)), start)
                    planes = list(self._planes(parts, y))
                    if spreads:
                        values = [
                            self._load(self.half, builder.add(place, INDEX(column)))
                            for column in range(len(matrix[0]))
                        ]
                        for value, pointer in zip(self.combine(matrix, values), planes, strict=True):
                            builder.store(value, pointer, align=4 * self.lanes)
                    else:
                        values = [builder.load(p, align=4 * self.lanes, typ=self.vector) for p in planes]
                        for column, value in enumerate(self.combine(matrix, values)):
                            self._store(value, self.half, builder.add(place, INDEX(column)))

    def _parts(self, tx: Any, tiles: Tiles) -> list[tuple[Part, Any, Any]]:
        """The parts of the planes that a tile is in; where its row is in the first plane of each, and the step to the
        next plane."""
        builder, found = self.builder, []
        for part, (begin, step) in zip(self.walk.planes.parts, self.begins, strict=True):
            if part.xs.start >= tiles.window(self.across.taps):
                continue
            row = builder.add(builder.mul(self.index, INDEX(part.down)), self.ty)
            row = builder.add(builder.mul(row, INDEX(part.across)), tx)
            at = builder.add(builder.mul(row, self.columns), self.channel)
            found.append((part, builder.add(at, begin), step))
        return found

    def _planes(self, parts: Sequence[tuple[Part, Any, Any]], y: Any) -> Iterator[Any]:
        """Pointers to a tile's vector in the planes of point number y along the columns."""
        builder = self.builder
        for xs in dict.fromkeys(part.xs for part, *_ in parts):
            at = step = None
            for part, begin, next_plane in (found for found in parts if found[0].xs == xs):
                since = builder.sub(y, INDEX(part.ys.start))
                moved = builder.add(begin, builder.mul(since, builder.mul(next_plane, INDEX(len(xs)))))
                if step is None:
                    at, step = moved, next_plane
                else:
                    is_later = builder.icmp_unsigned(">=", y, INDEX(part.ys.start))
                    at = builder.select(is_later, moved, at)
                    step = builder.select(is_later, next_plane, step)
            pointer = builder.gep(self.target, [at], source_etype=FLOAT)
            for number in range(len(xs)):
                if number:
                    pointer = builder.gep(pointer, [step], source_etype=FLOAT)
                yield pointer
