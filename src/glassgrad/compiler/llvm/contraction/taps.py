"""Filters to planes and back, by Winograd's algorithms: a matrix of summed channels by columns for each pair of points.

A piece of work is a row of the matrices: one vector of columns after the other is brought into a buffer, with the
columns in the lanes, and transformed along one axis, then along the other. The gradient of filters comes in copies of
the planes, one for each block of images, which are added first. All filters of a program that differ only in numbers
share one function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ..code import POINTER
from ..modules import shared
from ..nest import INDEX, carrying, counted, loop
from .combiner import FLOAT, Combiner, everywhere
from .lines import Lines, LineWriter, buffer_of
from .planes import LINE, up_to
from .transforms import Cut, transposed_matrix

TAPS_ELEMENT, COPY_ELEMENT = 0.35, 0.25
"""Nanoseconds for an element of filters' planes, and of a copy added. A quarter of that where memory is near."""


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
    def lines(self) -> Lines:
        """The taps of a column of the matrices: those of a row of the filter, or all of them."""
        down, across = (cut.taps for cut in self.cuts)
        length = down * across if self.is_whole else across
        return Lines(length, self.steps[1], self.column, self.columns, self.lanes)

    @property
    def is_whole(self) -> bool:
        """Whether all taps lie evenly."""
        return self.steps[0] == self.cuts[1].taps * self.steps[1]

    @property
    def kind(self) -> tuple[Any, ...]:
        """What code for filters depends on, beside the numbers that it gets as arguments."""
        down, across = ((cut.products, cut.taps) for cut in self.cuts)
        return down, across, self.lines.kind, self.is_whole, self.flips

    @property
    def numbers(self) -> list[int]:
        """These numbers."""
        own = self.group, self.row, self.steps[0], self.offset, self.summed, self.width, self.step
        return [*self.lines.numbers, *own]

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
    builder: ir.IRBuilder, taps: Taps, pointers: Sequence[Any], pieces: Sequence[Any], copies: int
) -> None:
    """Filters to planes if `copies` is 0; else so many copies of the planes, added up, to filters.

    pointers: to filters, and to planes. pieces: the first, and that after the last.
    """
    numbers = [*taps.numbers, copies, taps.elements]
    function = shared(
        builder.module,
        "from_taps" if copies == 0 else "to_taps",
        taps.kind,
        [POINTER] * 2 + [INDEX] * (2 + len(numbers)),
        lambda function: TapsWriter(function, taps).write(to_planes=copies == 0),
    )
    builder.call(function, [*pointers, *pieces, *map(INDEX, numbers)])


class TapsWriter:
    """Writes a function for filters of one kind, in one of the two directions."""

    def __init__(self, function: ir.Function, taps: Taps) -> None:
        """taps: some of the kind."""
        self.builder = builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.memory, self.planes, self.begin, self.end, *self.of_lines = function.args[:7]
        self.group, self.row, self.down_step, self.offset = function.args[7:11]
        self.summed, self.width, self.step, self.copies, self.elements = function.args[11:]
        for pointer in (self.memory, self.planes):
            pointer.add_attribute("noalias")
        self.lanes = taps.lanes
        self.vector = ir.VectorType(FLOAT, self.lanes)
        self.lines = taps.lines.kind
        self.is_whole, self.flips = taps.is_whole, taps.flips
        self.taps = taps.cuts[0].taps, taps.cuts[1].taps
        self.points = taps.points
        self.matrices = [cut.algorithm(cut.sizes[0]).filters for cut in taps.cuts]
        self.combine = Combiner(builder, self.lanes)
        self.buffer = buffer_of(builder, self.taps[0] * self.taps[1], self.lanes)
        self.half = buffer_of(
            builder, max(self.taps[0] * self.points[1], self.points[0] * self.taps[1]), self.lanes
        )

    def write(self, to_planes: bool) -> None:
        """All of the function."""
        builder = self.builder
        vectors = builder.udiv(self.width, INDEX(self.lanes))
        with counted(builder, self.begin, self.end) as number, counted(builder, INDEX(0), vectors) as block:
            group, row = builder.udiv(number, self.summed), builder.urem(number, self.summed)
            start = builder.add(builder.mul(group, self.group), builder.mul(row, self.row))
            start = builder.add(self.offset, start)
            first = builder.mul(block, INDEX(self.lanes))
            writer = LineWriter(builder, self.lines, self.of_lines, first)
            self.at = builder.add(builder.mul(number, self.width), first)
            if to_planes:
                self._move(writer.read, start)
                self._to_planes()
            else:
                self._from_planes()
                self._move(writer.write, start)
        builder.ret_void()

    def _move(self, how: Callable[[Any, Any, Any, Any], None], start: Any) -> None:
        """The taps between memory and the buffer."""
        for row in range(1 if self.is_whole else self.taps[0]):
            moved = self.builder.add(start, self.builder.mul(self.down_step, INDEX(row)))
            how(self.memory, moved, self.buffer, INDEX(row * self.taps[1]))

    def _to_planes(self) -> None:
        builder, (down, across), points = self.builder, self.taps, self.points
        with loop(builder, down) as y:
            row = builder.sub(INDEX(down - 1), y) if self.flips else y
            order = range(across)[::-1] if self.flips else range(across)
            values = [self._load(self.buffer, row, across, INDEX(x)) for x in order]
            for x, value in enumerate(self.combine(self.matrices[1], values)):
                self._store(value, self.half, y, points[1], INDEX(x))
        with loop(builder, points[1]) as x:
            values = [self._load(self.half, INDEX(y), points[1], x) for y in range(down)]
            for y, value in enumerate(self.combine(self.matrices[0], values)):
                plane = self._plane(builder.add(x, INDEX(y * points[1])))
                builder.store(value, plane, align=4 * self.lanes)

    def _from_planes(self) -> None:
        builder, across, points = self.builder, self.taps[1], self.points
        matrices = [transposed_matrix(matrix) for matrix in self.matrices]
        with loop(builder, points[0]) as y:
            values = self._added_up(self._plane(builder.mul(y, INDEX(points[1]))))
            for x, value in enumerate(self.combine(matrices[1], values)):
                self._store(value, self.half, y, across, INDEX(x))
        with loop(builder, across) as x:
            values = [self._load(self.half, INDEX(y), across, x) for y in range(points[0])]
            for y, value in enumerate(self.combine(matrices[0], values)):
                self._store(value, self.buffer, INDEX(y), across, x)

    def _added_up(self, first: Any) -> list[Any]:
        """A row of points, the first at a pointer, in all copies."""
        builder = self.builder

        def one(_: Any, carried: list[Any]) -> list[Any]:
            begin, *totals = carried
            pointer, found = begin, []
            for total in totals:
                value = builder.load(pointer, align=4 * self.lanes, typ=self.vector)
                found.append(builder.fadd(total, value))
                pointer = builder.gep(pointer, [self.step], source_etype=FLOAT)
            return [builder.gep(begin, [self.elements], source_etype=FLOAT), *found]

        zeros = [everywhere(self.vector, 0.0)] * self.points[1]
        return carrying(builder, self.copies, 1, [first, *zeros], one)[1:]

    # --- places -------------------------------------------------------------------------------------------------

    def _plane(self, number: Any) -> Any:
        """A pointer to the vector in the plane of this number."""
        at = self.builder.add(self.at, self.builder.mul(number, self.step))
        return self.builder.gep(self.planes, [at], source_etype=FLOAT)

    def _place(self, buffer: Any, row: Any, width: int, column: Any) -> Any:
        builder = self.builder
        at = builder.add(builder.mul(row, INDEX(width)), column)
        return builder.gep(buffer, [at], source_etype=self.vector)

    def _load(self, *place: Any) -> Any:
        return self.builder.load(self._place(*place), align=4 * self.lanes, typ=self.vector)

    def _store(self, value: Any, *place: Any) -> None:
        self.builder.store(value, self._place(*place), align=4 * self.lanes)
