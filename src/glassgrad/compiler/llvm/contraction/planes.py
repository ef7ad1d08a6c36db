"""The transforms of Winograd's algorithms as loops: images to planes, planes to maps, filters to planes and back.

A plane has the values of all tiles at one pair of points: a row for each tile, a column for each channel. A piece of
work is a row of tiles of one image, for as many channels as a vector has lanes: its elements are brought into a buffer
with the channels in the lanes, in which a transform is additions and multiplications of whole vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

from llvmlite import ir

from ..nest import INDEX, counted, loop
from .lines import Lines, LineWriter, buffer_of
from .transforms import Cut, Matrix, Tiles, transposed_matrix

FLOAT = ir.FloatType()
LINE = 16
"""Floats in a line of a cache."""
PLANE_ELEMENT, IMAGE_ELEMENT, TAPS_ELEMENT, COPY_ELEMENT = 0.25, 0.75, 0.35, 0.25
"""Nanoseconds for an element of a plane, made or read; of an image, transposed; of filters' planes; of a copy added.
A quarter of that where memory is near."""


def up_to(size: int, step: int) -> int:
    """The next multiple of a step."""
    return -(-size // step) * step


@lru_cache(maxsize=256)
def _everywhere(vector: ir.VectorType, number: float) -> ir.Constant:
    """A number in all lanes; made once, because writing it takes as long as writing ten instructions."""
    return ir.Constant(vector, [number] * vector.count)


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


class Combiner:
    """Writes sums of vectors with constant factors."""

    def __init__(self, builder: ir.IRBuilder, lanes: int) -> None:
        self.builder = builder
        self.vector = ir.VectorType(FLOAT, lanes)
        self.lanes = lanes
        name = f"llvm.fmuladd.v{lanes}f32"
        signature = ir.FunctionType(self.vector, [self.vector] * 3)
        self.multiply_add = builder.module.globals.get(name) or ir.Function(builder.module, signature, name)

    def __call__(self, matrix: Matrix, values: Sequence[Any]) -> list[Any]:
        """The matrix times a column of vectors."""
        matrix, values = self._paired(matrix, list(values))
        return [self._sum(row, values) for row in matrix]

    def both(self, down: Matrix, across: Matrix, tile: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """down times a matrix of vectors times the transposed of across."""
        rows = [self(across, row) for row in tile]
        columns = [self(down, column) for column in zip(*rows, strict=True)]
        return [list(row) for row in zip(*columns, strict=True)]

    def _paired(self, matrix: Matrix, values: list[Any]) -> tuple[Matrix, list[Any]]:
        """Two columns that agree but for signs become those of a sum and a difference, which have fewer entries."""
        columns = [list(column) for column in zip(*matrix, strict=True)]
        for first in range(len(columns)):
            for second in range(first + 1, len(columns)):
                one, other = columns[first], columns[second]
                pairs = list(zip(one, other, strict=True))
                same = sum(1 for a, b in pairs if a == b != 0)
                opposite = sum(1 for a, b in pairs if a == -b != 0)
                if any(abs(a) != abs(b) for a, b in pairs) or not same or not opposite or same + opposite < 3:
                    continue
                total = self.builder.fadd(values[first], values[second])
                difference = self.builder.fsub(values[first], values[second])
                values[first], values[second] = total, difference
                columns[first] = [a if a == b else a * 0 for a, b in pairs]
                columns[second] = [a if a == -b else a * 0 for a, b in pairs]
        return transposed_matrix([tuple(column) for column in columns]), values

    def _sum(self, row: Sequence[Any], values: Sequence[Any]) -> Any:
        builder = self.builder
        terms = sorted(
            ((factor, value) for factor, value in zip(row, values, strict=True) if factor),
            key=lambda term: (abs(term[0]) != 1, term[0] < 0),
        )
        total = None
        for factor, value in terms:
            if total is None:
                total = value if factor == 1 else builder.fmul(value, self._constant(factor))
            elif abs(factor) == 1:
                total = (builder.fadd if factor == 1 else builder.fsub)(total, value)
            else:
                total = builder.call(self.multiply_add, [value, self._constant(factor), total])
        return total if total is not None else self._constant(0)

    def _constant(self, factor: Any) -> Any:
        return _everywhere(self.vector, float(factor))


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


class Transform:
    """Writes the pieces of a walk, in one of the two directions: along one axis, then along the other."""

    def __init__(self, builder: ir.IRBuilder, walk: Walk) -> None:
        self.builder = builder
        self.walk = walk
        self.lanes = walk.lines.lanes
        self.vector = ir.VectorType(FLOAT, self.lanes)
        self.combine = Combiner(builder, self.lanes)
        self.down, self.across = walk.planes.cuts
        self.width = walk.shape[1]
        self.elements = self._buffer(walk.shape[0])
        self.half = self._buffer(self.down.products)

    def _buffer(self, rows: int) -> Any:
        return buffer_of(self.builder, rows * self.width, self.lanes)

    def write(self, memory: Any, planes: Any, begin: Any, end: Any, first: Any, spreads: bool) -> None:
        """Pieces begin to end of the block of images from `first` on: to the planes, or from them to memory."""
        builder, walk = self.builder, self.walk
        self.memory, self.target = memory, planes
        with counted(builder, begin, end) as number:
            self.ty, number = self._parted(number, self.down.count)
            block, self.index = self._parted(number, walk.blocks)
            self.channel = builder.mul(block, INDEX(self.lanes))
            self.writer = LineWriter(builder, walk.lines, self.channel)
            image = builder.mul(builder.add(first, self.index), INDEX(walk.image))
            self.image = builder.add(INDEX(walk.offset), image)
            self.is_larger = builder.icmp_unsigned("<", self.ty, INDEX(self.down.larger))
            if spreads:
                self._fill()
                self._along_columns(spreads=True)
                self._along_rows(spreads=True)
            else:
                self._along_rows(spreads=False)
                self._along_columns(spreads=False)
                self._empty()

    def _parted(self, number: Any, size: int) -> tuple[Any, Any]:
        return self.builder.urem(number, INDEX(size)), self.builder.udiv(number, INDEX(size))

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
                    offset = builder.add(self.image, builder.mul(y, INDEX(walk.row)))
                    self.writer.read(self.memory, offset, self.elements, builder.add(place, INDEX(target)))
                    self._zeros(place, target + walk.lines.length, width)
                with outside:
                    self._zeros(place, 0, width)

    def _zeros(self, place: Any, begin: int, end: int) -> None:
        if begin >= end:
            return
        zeros = _everywhere(self.vector, 0.0)
        with loop(self.builder, end - begin) as index:
            self._store(zeros, self.elements, self.builder.add(place, self.builder.add(index, INDEX(begin))))

    def _empty(self) -> None:
        """Bring the outputs of a row of tiles from the buffer to memory."""
        builder = self.builder
        start = self._start(self.down, self.ty)
        rows = self._by_size(self.down.sizes[0].outputs, self.down.sizes[-1].outputs)
        with counted(builder, INDEX(0), rows) as row:
            y = builder.add(start, row)
            offset = builder.add(self.image, builder.mul(y, INDEX(self.walk.row)))
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

    def _parts(self, tx: Any, tiles: Tiles) -> list[tuple[Part, Any]]:
        """The parts of the planes that a tile is in, and where its row is in the first plane of each."""
        builder, found = self.builder, []
        for part in self.walk.planes.parts:
            if part.xs.start >= tiles.window(self.across.taps):
                continue
            row = builder.add(builder.mul(self.index, INDEX(part.down)), self.ty)
            row = builder.add(builder.mul(row, INDEX(part.across)), tx)
            at = builder.add(builder.mul(row, INDEX(self.walk.planes.channels)), self.channel)
            found.append((part, builder.add(at, INDEX(part.begin))))
        return found

    def _planes(self, parts: Sequence[tuple[Part, Any]], y: Any) -> Iterator[Any]:
        """Pointers to a tile's vector in the planes of point number y along the columns."""
        builder = self.builder
        for xs in dict.fromkeys(part.xs for part, _ in parts):
            step = None
            for part, begin in (found for found in parts if found[0].xs == xs):
                since = builder.sub(y, INDEX(part.ys.start))
                moved = builder.add(begin, builder.mul(since, INDEX(len(xs) * part.step)))
                if step is None:
                    at, step = moved, INDEX(part.step)
                else:
                    is_later = builder.icmp_unsigned(">=", y, INDEX(part.ys.start))
                    at = builder.select(is_later, moved, at)
                    step = builder.select(is_later, INDEX(part.step), step)
            first = builder.gep(self.target, [at], source_etype=FLOAT)
            for number in range(len(xs)):
                yield builder.gep(first, [builder.mul(step, INDEX(number))], source_etype=FLOAT)


# --- filters ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Taps:
    """Filters in memory, and their planes: groups of matrices, summed channels by columns."""

    cuts: tuple[Cut, Cut]
    groups: int
    summed: int
    columns: int
    """Of each group."""
    group: int
    row: int
    column: int
    """Steps in memory: from group to group, from summed channel to summed channel, and from column to column."""
    steps: tuple[int, int]
    """To the next tap, down and across."""
    offset: int
    flips: bool
    lanes: int

    @property
    def width(self) -> int:
        """Columns, with what fills the last vector."""
        return up_to(self.columns, self.lanes)

    @property
    def points(self) -> tuple[int, int]:
        """How many there are along each axis."""
        return self.cuts[0].products, self.cuts[1].products

    @property
    def step(self) -> int:
        """From plane to plane."""
        return (-(-self.groups * self.summed * self.width // LINE) | 1) * LINE

    @property
    def elements(self) -> int:
        """How many floats there are in all planes."""
        return self.points[0] * self.points[1] * self.step

    @property
    def pieces(self) -> int:
        """A row of the matrices is a piece."""
        return self.groups * self.summed

    def nanoseconds(self, copies: int, far: float) -> float:
        """About how long the transform takes on one thread, from so many copies of the planes."""
        return far * self.elements * (TAPS_ELEMENT + COPY_ELEMENT * max(copies - 1, 0))


def write_taps(
    builder: ir.IRBuilder, taps: Taps, memory: Any, planes: Any, begin: Any, end: Any, copies: int
) -> None:
    """Filters to planes if `copies` is 0; else so many copies of the planes, added up, to filters."""
    down, across = (cut.taps for cut in taps.cuts)
    whole = taps.steps[0] == across * taps.steps[1]
    lines = Lines(down * across if whole else across, taps.steps[1], taps.column, taps.columns, taps.lanes)
    vector = ir.VectorType(FLOAT, taps.lanes)
    buffer = buffer_of(builder, down * across, taps.lanes)
    combine = Combiner(builder, taps.lanes)
    matrices = tuple(cut.algorithm(cut.sizes[0]).filters for cut in taps.cuts)
    places = list(product(range(taps.points[0]), range(taps.points[1])))
    with counted(builder, begin, end) as number, loop(builder, taps.width // taps.lanes) as block:
        group, row = builder.udiv(number, INDEX(taps.summed)), builder.urem(number, INDEX(taps.summed))
        offset = builder.add(builder.mul(group, INDEX(taps.group)), builder.mul(row, INDEX(taps.row)))
        offset = builder.add(offset, INDEX(taps.offset))
        first = builder.mul(block, INDEX(taps.lanes))
        writer = LineWriter(builder, lines, first)
        at = builder.add(builder.mul(number, INDEX(taps.width)), first)

        def pointer(y: int, x: int, copy: int) -> Any:
            place = INDEX((y * taps.points[1] + x) * taps.step + copy * taps.elements)
            return builder.gep(planes, [builder.add(at, place)], source_etype=FLOAT)

        def move(how: Callable[[Any, Any, Any, Any], None]) -> None:
            for row in range(1 if whole else down):
                moved = builder.add(offset, INDEX(row * taps.steps[0]))
                how(memory, moved, buffer, INDEX(row * across))

        if copies:
            tile: list[list[Any]] = [[None] * taps.points[1] for _ in range(taps.points[0])]
            for y, x in places:
                tile[y][x] = builder.load(pointer(y, x, 0), align=4 * taps.lanes, typ=vector)
                for copy in range(1, copies):
                    more = builder.load(pointer(y, x, copy), align=4 * taps.lanes, typ=vector)
                    tile[y][x] = builder.fadd(tile[y][x], more)
            one, other = (transposed_matrix(matrix) for matrix in matrices)
            found = combine.both(one, other, tile)
            for number, value in enumerate(value for values in found for value in values):
                target = builder.gep(buffer, [INDEX(number)], source_etype=vector)
                builder.store(value, target, align=4 * taps.lanes)
            move(writer.write)
        else:
            move(writer.read)
            turned = (lambda size: range(size)[::-1]) if taps.flips else range
            tile = [
                [writer.from_buffer(buffer, INDEX(y * across + x)) for x in turned(across)]
                for y in turned(down)
            ]
            found = combine.both(matrices[0], matrices[1], tile)
            for y, x in places:
                builder.store(found[y][x], pointer(y, x, 0), align=4 * taps.lanes)
