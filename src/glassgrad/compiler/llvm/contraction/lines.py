"""Lines of several channels between memory, where they may lie anyhow, and a buffer with a vector for each place.

A vector of the buffer has one lane for each channel. Where a line's elements lie side by side in memory, as in images,
blocks are transposed in registers; where channels do, nothing needs to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llvmlite import ir

from ..code import POINTER
from ..modules import Module, shared
from ..nest import INDEX, counted, loop
from .masked import first_lanes, load, store
from .transpose import transposed


@dataclass(frozen=True)
class Lines:
    """How lines lie in memory: `length` elements `step` apart, for `channels` channels `channel` apart."""

    length: int
    step: int
    channel: int
    channels: int
    lanes: int

    @property
    def kind(self) -> Lines:
        """What code for lines depends on: the first of those that differ only in numbers it can get as arguments."""
        return replace(
            self,
            step=int(self.step == 1),
            channel=int(self.channel == 1),
            channels=self.channels % self.lanes and 1,
        )

    @property
    def numbers(self) -> tuple[int, int, int]:
        """These numbers."""
        return self.step, self.channel, self.channels


def buffer_of(builder: ir.IRBuilder, vectors: int, lanes: int) -> Any:
    """Memory on the stack for so many vectors."""
    with builder.goto_entry_block():
        found = builder.alloca(ir.VectorType(ir.FloatType(), lanes), size=INDEX(vectors))
    found.align = 64
    found.type = POINTER  # of anything: its elements are also moved one by one
    return found


class LineWriter:
    """The instructions that move lines of float32 for one block of channels: `lanes` of them from `first` on."""

    def __init__(self, builder: ir.IRBuilder, lines: Lines, numbers: Sequence[Any], first: Any) -> None:
        """lines: their kind. numbers: values of what differs within it."""
        self.builder = builder
        self.lines = lines
        self.step, self.channel, self.channels = numbers
        self.first = first
        self.kind = ir.FloatType()
        self.vector = ir.VectorType(self.kind, lines.lanes)
        self.is_ragged = lines.channels != 0

    # --- both ways ----------------------------------------------------------------------------------------------

    def read(self, memory: Any, offset: Any, buffer: Any, place: Any) -> None:
        """From memory, where the first block's first element is at `offset`, to the buffer from vector `place` on."""
        if self.lines.channel == 1:
            self._read_channels(memory, offset, buffer, place)
        elif self.lines.step == 1:
            self._read_blocks(memory, offset, buffer, place)
        else:
            self._copy(memory, offset, buffer, place, reads=True)

    def write(self, memory: Any, offset: Any, buffer: Any, place: Any) -> None:
        """The other way."""
        if self.lines.channel == 1:
            self._write_channels(memory, offset, buffer, place)
        elif self.lines.step == 1:
            self._write_blocks(memory, offset, buffer, place)
        else:
            self._copy(memory, offset, buffer, place, reads=False)

    # --- channels side by side ----------------------------------------------------------------------------------

    def _read_channels(self, memory: Any, offset: Any, buffer: Any, place: Any) -> None:
        mask = self._there()
        with loop(self.builder, self.lines.length) as index:
            value = load(self.builder, self._memory(memory, offset, index), mask, self.vector)
            self._to_buffer(value, buffer, self.builder.add(place, index))

    def _write_channels(self, memory: Any, offset: Any, buffer: Any, place: Any) -> None:
        mask = self._there()
        with loop(self.builder, self.lines.length) as index:
            value = self.from_buffer(buffer, self.builder.add(place, index))
            store(self.builder, value, self._memory(memory, offset, index), mask)

    def _memory(self, memory: Any, offset: Any, index: Any) -> Any:
        builder = self.builder
        at = builder.add(offset, builder.add(self.first, builder.mul(index, self.step)))
        return builder.gep(memory, [at], source_etype=self.kind)

    def _there(self) -> Any:
        """Which lanes are channels; None if all are."""
        if not self.is_ragged:
            return None
        left = self.builder.sub(self.channels, self.first)
        return first_lanes(self.builder, left, self.lines.lanes)

    # --- elements side by side ----------------------------------------------------------------------------------

    def _read_blocks(self, memory: Any, offset: Any, buffer: Any, place: Any) -> None:
        channels = self._at_most_lanes(self.builder.sub(self.channels, self.first))
        for outside, inside, length in self._blocks(memory, offset, buffer, place):
            steps = self.channel, INDEX(self.lines.lanes)
            self._turn(outside, steps[0], channels, inside, steps[1], length)

    def _write_blocks(self, memory: Any, offset: Any, buffer: Any, place: Any) -> None:
        channels = self._at_most_lanes(self.builder.sub(self.channels, self.first))
        for outside, inside, length in self._blocks(memory, offset, buffer, place):
            steps = self.channel, INDEX(self.lines.lanes)
            self._turn(inside, steps[1], length, outside, steps[0], channels)

    def _blocks(self, memory: Any, offset: Any, buffer: Any, place: Any) -> Iterator[tuple[Any, Any, Any]]:
        """In a loop, pointers to a block in memory and in the buffer, and how many elements it has along the line."""
        builder, lines = self.builder, self.lines
        first = builder.add(offset, builder.mul(self.first, self.channel))
        with loop(builder, -(-lines.length // lines.lanes)) as number:
            begin = builder.mul(number, INDEX(lines.lanes))
            outside = builder.gep(memory, [builder.add(first, begin)], source_etype=self.kind)
            inside = builder.gep(buffer, [builder.add(place, begin)], source_etype=self.vector)
            yield outside, inside, self._at_most_lanes(builder.sub(INDEX(lines.length), begin))

    def _at_most_lanes(self, count: Any) -> Any:
        lanes = INDEX(self.lines.lanes)
        return self.builder.select(self.builder.icmp_unsigned("<", count, lanes), count, lanes)

    def _turn(self, *arguments: Any) -> None:
        self.builder.call(turning_function(self.builder.module, self.lines.lanes), arguments)

    # --- anyhow -------------------------------------------------------------------------------------------------

    def _copy(self, memory: Any, offset: Any, buffer: Any, place: Any, reads: bool) -> None:
        builder, lines = self.builder, self.lines
        count = self._at_most_lanes(builder.sub(self.channels, self.first))
        with counted(builder, INDEX(0), count) as lane:
            channel = builder.mul(builder.add(self.first, lane), self.channel)
            begin = builder.add(offset, channel)
            with loop(builder, lines.length) as index:
                at = builder.add(begin, builder.mul(index, self.step))
                outside = builder.gep(memory, [at], source_etype=self.kind)
                at = builder.add(builder.mul(builder.add(place, index), INDEX(lines.lanes)), lane)
                inside = builder.gep(buffer, [at], source_etype=self.kind)
                source, target = (outside, inside) if reads else (inside, outside)
                builder.store(builder.load(source, typ=self.kind), target)

    # --- the buffer -------------------------------------------------------------------------------------------------

    def _to_buffer(self, value: Any, buffer: Any, place: Any) -> None:
        target = self.builder.gep(buffer, [place], source_etype=self.vector)
        self.builder.store(value, target, align=4 * self.lines.lanes)

    def from_buffer(self, buffer: Any, place: Any) -> Any:
        """The vector at a place of a buffer."""
        return self.builder.load(
            self.builder.gep(buffer, [place], source_etype=self.vector),
            align=4 * self.lines.lanes,
            typ=self.vector,
        )


def turning_function(module: Module, lanes: int) -> ir.Function:
    """`void f(source, step, rows, target, step, columns)`: so many columns of so many rows, at most `lanes` of both.

    Steps are in elements, from row to row of the source, and from column to column of the target. One function for a
    program, because transposing a block is a hundred instructions.
    """
    arguments = [POINTER, INDEX, INDEX, POINTER, INDEX, INDEX]
    return shared(module, "turned", lanes, arguments, lambda function: _write_turning(function, lanes))


def _write_turning(function: ir.Function, lanes: int) -> None:
    source, source_step, rows, target, target_step, columns = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    vector = ir.VectorType(ir.FloatType(), lanes)

    def at(memory: Any, step: Any, place: int) -> Any:
        return builder.gep(memory, [builder.mul(step, INDEX(place))], source_etype=ir.FloatType())

    def mask(inner: Any, outer: Any, place: int) -> Any:
        """The first `inner` lanes, if there is a row or column of this number among `outer`."""
        exists = builder.icmp_unsigned("<", INDEX(place), outer)
        return first_lanes(builder, builder.select(exists, inner, INDEX(0)), lanes)

    def move(masked: bool) -> None:
        values = [
            load(builder, at(source, source_step, row), mask(columns, rows, row) if masked else None, vector)
            for row in range(lanes)
        ]
        for column, value in enumerate(transposed(builder, values)):
            pointer = at(target, target_step, column)
            store(builder, value, pointer, mask(rows, columns, column) if masked else None)

    is_whole = builder.icmp_unsigned("==", builder.add(rows, columns), INDEX(2 * lanes))
    with builder.if_else(is_whole, likely=True) as (whole, part):
        with whole:
            move(False)
        with part:
            move(True)
    builder.ret_void()
