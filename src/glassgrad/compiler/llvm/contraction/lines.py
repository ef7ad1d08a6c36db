"""Lines of several channels between memory, where they may lie anyhow, and a buffer with a vector for each place.

A vector of the buffer has one lane for each channel. Where a line's elements lie side by side in memory, as in images,
blocks are transposed in registers; where channels do, nothing needs to be.
"""

from __future__ import annotations

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
        suffix = f"v{lines.lanes}f32.p0"
        pointer, mask = ir.PointerType(), ir.VectorType(BIT, lines.lanes)
        self._masked_load = self._intrinsic(
            f"llvm.masked.load.{suffix}", self.vector, [pointer, I32, mask, self.vector]
        )
        self._masked_store = self._intrinsic(
            f"llvm.masked.store.{suffix}", ir.VoidType(), [self.vector, pointer, I32, mask]
        )

    def _intrinsic(self, name: str, result: Any, arguments: list[Any]) -> Any:
        module = self.builder.module
        return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, arguments), name)

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
        builder, lanes = self.builder, self.lines.lanes
        channels = [self._channel(memory, offset, lane) for lane in range(lanes)]
        last = INDEX(self.lines.channels - 1)

        def block(begin: Any, count: int) -> None:
            mask = self._first_ones(count)
            rows = []
            for number, begins in channels:
                if self.is_ragged:  # another channel's, which nobody reads
                    exists = builder.icmp_unsigned("<=", number, last)
                    begins = builder.select(exists, begins, channels[0][1])
                rows.append(self._load(builder.gep(begins, [begin], source_etype=self.kind), mask))
            for index, value in enumerate(transposed(builder, rows)[:count]):
                self._to_buffer(value, buffer, builder.add(builder.add(place, begin), INDEX(index)))

        self._blocks(block)

    def _write_blocks(self, memory: Any, offset: Any, buffer: Any, place: Any) -> None:
        builder, lanes = self.builder, self.lines.lanes
        channels = [self._channel(memory, offset, lane) for lane in range(lanes)]
        end = INDEX(self.lines.channels)
        undefined = ir.Constant(self.vector, ir.Undefined)

        def block(begin: Any, count: int) -> None:
            at = builder.add(place, begin)
            values = [self.from_buffer(buffer, builder.add(at, INDEX(index))) for index in range(count)]
            mask = self._first_ones(count)
            rows = transposed(builder, values + [undefined] * (lanes - count))
            for row, (number, begins) in zip(rows, channels, strict=True):
                target = builder.gep(begins, [begin], source_etype=self.kind)
                if not self.is_ragged:
                    self._store(row, target, mask)
                    continue
                exists = splat(builder, builder.icmp_unsigned("<", number, end), lanes)
                self._store(row, target, exists if mask is None else builder.and_(exists, mask))

        self._blocks(block)

    def _channel(self, memory: Any, offset: Any, lane: int) -> tuple[Any, Any]:
        """The number of a lane's channel, and where its line begins."""
        builder = self.builder
        number = builder.add(self.first, INDEX(lane))
        at = builder.add(offset, builder.mul(number, INDEX(self.lines.channel)))
        return number, builder.gep(memory, [at], source_etype=self.kind)

    def _blocks(self, block: Any) -> None:
        lanes = self.lines.lanes
        whole, rest = divmod(self.lines.length, lanes)
        if whole == 1:
            block(INDEX(0), lanes)
        elif whole:
            with loop(self.builder, whole) as number:
                block(self.builder.mul(number, INDEX(lanes)), lanes)
        if rest:
            block(INDEX(whole * lanes), rest)

    def _first_ones(self, count: int) -> Any:
        lanes = self.lines.lanes
        if count == lanes:
            return None
        return ir.Constant(ir.VectorType(BIT, lanes), [int(lane < count) for lane in range(lanes)])

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

    # --- vectors ------------------------------------------------------------------------------------------------

    def _load(self, pointer: Any, mask: Any) -> Any:
        if mask is None:
            return self.builder.load(pointer, align=4, typ=self.vector)
        zeros = ir.Constant(self.vector, [0.0] * self.lines.lanes)
        return self.builder.call(self._masked_load, [pointer, I32(4), mask, zeros])

    def _store(self, value: Any, pointer: Any, mask: Any) -> None:
        if mask is None:
            self.builder.store(value, pointer, align=4)
        else:
            self.builder.call(self._masked_store, [value, pointer, I32(4), mask])

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
