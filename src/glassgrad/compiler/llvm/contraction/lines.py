"""Lines of several channels between memory, where they may lie anyhow, and a buffer with a vector for each place.

A vector of the buffer has one lane for each channel. Where a line's elements lie side by side in memory, as in images,
blocks are transposed in registers; where channels do, nothing needs to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ..nest import INDEX, counted, loop
from ..vectors import splat
from .transpose import transposed

BIT = ir.IntType(1)
I32 = ir.IntType(32)


@dataclass(frozen=True)
class Lines:
    """How lines lie in memory: `length` elements `step` apart, for `channels` channels `channel` apart."""

    length: int
    step: int
    channel: int
    channels: int
    lanes: int


def buffer_of(builder: ir.IRBuilder, vectors: int, lanes: int) -> Any:
    """Memory on the stack for so many vectors."""
    with builder.goto_entry_block():
        found = builder.alloca(ir.VectorType(ir.FloatType(), lanes), size=INDEX(vectors))
    found.align = 64
    found.type = ir.PointerType()  # of anything: its elements are also moved one by one
    return found


class LineWriter:
    """The instructions that move lines of float32 for one block of channels: `lanes` of them from `first` on."""

    def __init__(self, builder: ir.IRBuilder, lines: Lines, first: Any) -> None:
        self.builder = builder
        self.lines = lines
        self.first = first
        self.kind = ir.FloatType()
        self.vector = ir.VectorType(self.kind, lines.lanes)
        self.is_ragged = lines.channels % lines.lanes != 0

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
            value = self._load(self._memory(memory, offset, index), mask)
            self._to_buffer(value, buffer, self.builder.add(place, index))

    def _write_channels(self, memory: Any, offset: Any, buffer: Any, place: Any) -> None:
        mask = self._there()
        with loop(self.builder, self.lines.length) as index:
            value = self.from_buffer(buffer, self.builder.add(place, index))
            self._store(value, self._memory(memory, offset, index), mask)

    def _memory(self, memory: Any, offset: Any, index: Any) -> Any:
        builder = self.builder
        at = builder.add(offset, builder.add(self.first, builder.mul(index, INDEX(self.lines.step))))
        return builder.gep(memory, [at], source_etype=self.kind)

    def _there(self) -> Any:
        """Which lanes are channels; None if all are."""
        if not self.is_ragged:
            return None
        lanes = self.lines.lanes
        left = self.builder.sub(INDEX(self.lines.channels), self.first)
        numbers = ir.Constant(ir.VectorType(INDEX, lanes), list(range(lanes)))
        return self.builder.icmp_unsigned("<", numbers, splat(self.builder, left, lanes))

    # --- elements side by side ----------------------------------------------------------------------------------

    def _read_blocks(self, memory: Any, offset: Any, buffer: Any, place: Any) -> None:
        channels = self._at_most_lanes(self.builder.sub(INDEX(self.lines.channels), self.first))
        for outside, inside, length in self._blocks(memory, offset, buffer, place):
            steps = INDEX(self.lines.channel), INDEX(self.lines.lanes)
            self._turn(outside, steps[0], channels, inside, steps[1], length)

    def _write_blocks(self, memory: Any, offset: Any, buffer: Any, place: Any) -> None:
        channels = self._at_most_lanes(self.builder.sub(INDEX(self.lines.channels), self.first))
        for outside, inside, length in self._blocks(memory, offset, buffer, place):
            steps = INDEX(self.lines.channel), INDEX(self.lines.lanes)
            self._turn(inside, steps[1], length, outside, steps[0], channels)

    def _blocks(self, memory: Any, offset: Any, buffer: Any, place: Any) -> Iterator[tuple[Any, Any, Any]]:
        """In a loop, pointers to a block in memory and in the buffer, and how many elements it has along the line."""
        builder, lines = self.builder, self.lines
        first = builder.add(offset, builder.mul(self.first, INDEX(lines.channel)))
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
        left = builder.sub(INDEX(lines.channels), self.first)
        count = builder.select(builder.icmp_unsigned("<", left, INDEX(lines.lanes)), left, INDEX(lines.lanes))
        with counted(builder, INDEX(0), count) as lane:
            channel = builder.mul(builder.add(self.first, lane), INDEX(lines.channel))
            begin = builder.add(offset, channel)
            with loop(builder, lines.length) as index:
                at = builder.add(begin, builder.mul(index, INDEX(lines.step)))
                outside = builder.gep(memory, [at], source_etype=self.kind)
                at = builder.add(builder.mul(builder.add(place, index), INDEX(lines.lanes)), lane)
                inside = builder.gep(buffer, [at], source_etype=self.kind)
                source, target = (outside, inside) if reads else (inside, outside)
                builder.store(builder.load(source, typ=self.kind), target)

    # --- vectors --------------------------------------------------------------------------------------------------

    def _load(self, pointer: Any, mask: Any) -> Any:
        return load(self.builder, pointer, mask, self.lines.lanes)

    def _store(self, value: Any, pointer: Any, mask: Any) -> None:
        store(self.builder, value, pointer, mask, self.lines.lanes)

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


# --- what all lines share ----------------------------------------------------------------------------------------


def load(builder: ir.IRBuilder, pointer: Any, mask: Any, lanes: int) -> Any:
    """A vector, wherever it begins; of masked lanes only, if there is a mask."""
    vector = ir.VectorType(ir.FloatType(), lanes)
    if mask is None:
        return builder.load(pointer, align=4, typ=vector)
    kinds = [ir.PointerType(), I32, ir.VectorType(BIT, lanes), vector]
    function = _intrinsic(builder.module, f"llvm.masked.load.v{lanes}f32.p0", vector, kinds)
    return builder.call(function, [pointer, I32(4), mask, ir.Constant(vector, [0.0] * lanes)])


def store(builder: ir.IRBuilder, value: Any, pointer: Any, mask: Any, lanes: int) -> None:
    """The other way."""
    if mask is None:
        builder.store(value, pointer, align=4)
        return
    kinds = [value.type, ir.PointerType(), I32, ir.VectorType(BIT, lanes)]
    function = _intrinsic(builder.module, f"llvm.masked.store.v{lanes}f32.p0", ir.VoidType(), kinds)
    builder.call(function, [value, pointer, I32(4), mask])


def _intrinsic(module: ir.Module, name: str, result: Any, arguments: list[Any]) -> Any:
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, arguments), name)


def turning_function(module: ir.Module, lanes: int) -> ir.Function:
    """`void f(source, step, rows, target, step, columns)`: so many columns of so many rows, at most `lanes` of both.

    Steps are in elements, from row to row of the source, and from column to column of the target. One function for a
    program, because transposing a block is a hundred instructions.
    """
    name = f"turned_{lanes}"
    if name in module.globals:
        return module.globals[name]
    pointer = ir.PointerType()
    kind = ir.FunctionType(ir.VoidType(), [pointer, INDEX, INDEX, pointer, INDEX, INDEX])
    function = ir.Function(module, kind, name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    source, source_step, rows, target, target_step, columns = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))

    def at(memory: Any, step: Any, place: int) -> Any:
        return builder.gep(memory, [builder.mul(step, INDEX(place))], source_etype=ir.FloatType())

    def mask(inner: Any, outer: Any, place: int) -> Any:
        """The first `inner` lanes, if there is a row or column of this number among `outer`."""
        exists = builder.icmp_unsigned("<", INDEX(place), outer)
        wide = splat(builder, builder.select(exists, inner, INDEX(0)), lanes)
        return builder.icmp_unsigned("<", ir.Constant(wide.type, list(range(lanes))), wide)

    def move(masked: bool) -> None:
        values = [
            load(builder, at(source, source_step, row), mask(columns, rows, row) if masked else None, lanes)
            for row in range(lanes)
        ]
        for column, value in enumerate(transposed(builder, values)):
            pointer = at(target, target_step, column)
            store(builder, value, pointer, mask(rows, columns, column) if masked else None, lanes)

    is_whole = builder.icmp_unsigned("==", builder.add(rows, columns), INDEX(2 * lanes))
    with builder.if_else(is_whole, likely=True) as (whole, part):
        with whole:
            move(False)
        with part:
            move(True)
    builder.ret_void()
    return function
