"""The position of the first largest or smallest element along an axis, as an LLVM function.

A row is read block by block for its extremum, then the block that has it again, for the first place that equals it:
both run in vector instructions.
A row with NaN has NaN as its extremum, and the first NaN is the place, as in NumPy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from ...graph.loops import Sought
from .alone import AloneCode
from .code import Phase, Share
from .nest import INDEX, Axis, counted, loop, merged_axes
from .scatter import each_of
from .types import in_memory

if TYPE_CHECKING:
    from ..kernels import Alone, Units

BLOCK = 512
"""How many elements are looked through again to find the place."""
FLAG = ir.IntType(32)
NARROW = ir.IntType(32)
NANOSECONDS = 0.15
"""Per element, if a row's elements lie side by side."""
PER_PIECE = 4096
"""Elements."""


class SeekFunction(AloneCode):
    """The code of one search."""

    def __init__(self, unit: Alone, units: Units) -> None:
        node, loops = unit.node, unit.loops
        assert isinstance(loops, Sought)
        (source,) = node.inputs
        self.node, self.instruction, self.dtype = node, loops.instruction, source.dtype
        self.source, self.out = units.places[source], units.places[node]
        self.count, self.step = source.shape[loops.axis], self.source.strides[loops.axis]
        kept = [axis for axis in range(source.ndim) if axis != loops.axis]
        steps = self.out.strides
        if node.ndim == source.ndim:
            steps = tuple(steps[axis] for axis in kept)
        self.shape = tuple(source.shape[axis] for axis in kept)
        strides = tuple(self.source.strides[axis] for axis in kept)
        self.axes = merged_axes(self.shape, (), [strides, steps]) or [Axis(1, False, (0, 0))]
        self.owners = list(dict.fromkeys((self.source.owner, self.out.owner)))
        rows, elements = self.axes[0].size, math.prod(source.shape)
        nanoseconds = elements * NANOSECONDS * (1 if self.step == 1 else 4)
        self.phases = [Phase(max(1, min(rows, elements // PER_PIECE)), nanoseconds)]

    @classmethod
    def fits(cls, unit: Alone) -> bool:
        """A search along the last axis; NumPy is faster along others."""
        assert isinstance(unit.loops, Sought)
        return unit.loops.axis == unit.node.inputs[0].ndim - 1

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        places = self.source.offset, self.out.offset, self.count, self.step
        return "sought", self.instruction, self.dtype.name, tuple(self.axes), places, self.phases[0].pieces

    def write(self, phase: int, share: Share) -> None:
        """Write the loops over the rows of some pieces."""
        first, *rest = self.axes
        axes = [Axis(first.size, True, first.steps), *rest]  # the marked one is shared
        offsets = [INDEX(self.source.offset), INDEX(self.out.offset)]
        each_of(share, self.phases[0].pieces, axes, offsets, lambda moved: self._row(share, *moved))

    def _row(self, share: Share, start: Any, place: Any) -> None:
        builder, kind = share.builder, in_memory(self.dtype)
        source, out = share.pointers[self.source.owner], share.pointers[self.out.owner]

        def element(index: Any) -> Any:
            offset = builder.add(start, builder.mul(index, INDEX(self.step)))
            return builder.load(builder.gep(source, [offset], source_etype=kind), typ=kind)

        with builder.goto_entry_block():
            best, of_block, found = builder.alloca(kind), builder.alloca(kind), builder.alloca(NARROW)
            where, any_nan = builder.alloca(INDEX), builder.alloca(FLAG)
        builder.store(element(INDEX(0)), best)
        builder.store(INDEX(0), where)
        with loop(builder, -(-self.count // BLOCK)) as block:
            begin, end = self._ends(builder, builder.mul(block, INDEX(BLOCK)))
            builder.store(element(begin), of_block)
            builder.store(FLAG(0), any_nan)
            with counted(builder, begin, end) as index:
                here = element(index)
                builder.store(self._better(builder, builder.load(of_block, typ=kind), here), of_block)
                if self.dtype.kind == "f":
                    is_nan = builder.zext(builder.fcmp_unordered("uno", here, here), FLAG)
                    builder.store(builder.or_(builder.load(any_nan, typ=FLAG), is_nan), any_nan)
            before, now = builder.load(best, typ=kind), builder.load(of_block, typ=kind)
            if self.dtype.kind == "f":
                is_nan = builder.icmp_unsigned("!=", builder.load(any_nan, typ=FLAG), FLAG(0))
                now = builder.select(is_nan, ir.Constant(kind, math.nan), now)
            with builder.if_then(self._replaces(builder, before, now)):
                builder.store(now, best)
                builder.store(begin, where)
        begin, end = self._ends(builder, builder.load(where, typ=INDEX))
        extremum = builder.load(best, typ=kind)
        builder.store(NARROW(BLOCK), found)
        with counted(builder, INDEX(0), builder.sub(end, begin)) as index:
            is_it = self._is_the_one(builder, element(builder.add(begin, index)), extremum)
            first = builder.load(found, typ=NARROW)
            candidate = builder.select(is_it, builder.trunc(index, NARROW), NARROW(BLOCK))
            is_first = builder.icmp_unsigned("<", candidate, first)
            builder.store(builder.select(is_first, candidate, first), found)
        position = builder.add(begin, builder.zext(builder.load(found, typ=NARROW), INDEX))
        builder.store(position, builder.gep(out, [place], source_etype=INDEX))

    def _ends(self, builder: ir.IRBuilder, begin: Any) -> tuple[Any, Any]:
        """A block."""
        if self.count <= BLOCK:
            return INDEX(0), INDEX(self.count)
        end = builder.add(begin, INDEX(BLOCK))
        is_whole = builder.icmp_unsigned("<", end, INDEX(self.count))
        return begin, builder.select(is_whole, end, INDEX(self.count))

    def _replaces(self, builder: ir.IRBuilder, before: Any, now: Any) -> Any:
        """Whether the extremum of a later block is better, or NaN for the first time."""
        sign = ">" if self.instruction == "maximum" else "<"
        if self.dtype.kind != "f":
            compared = builder.icmp_signed if self.dtype.kind == "i" else builder.icmp_unsigned
            return compared(sign, now, before)
        is_number = builder.fcmp_ordered("ord", before, before)
        return builder.and_(is_number, builder.fcmp_unordered(sign, now, before))

    def _is_the_one(self, builder: ir.IRBuilder, here: Any, extremum: Any) -> Any:
        if self.dtype.kind != "f":
            return builder.icmp_unsigned("==", here, extremum)
        is_nan = builder.fcmp_unordered("uno", here, here)
        return builder.or_(builder.fcmp_ordered("==", here, extremum), is_nan)

    def _better(self, builder: ir.IRBuilder, x: Any, y: Any) -> Any:
        """The better one, if neither is NaN."""
        sign = ">" if self.instruction == "maximum" else "<"
        if self.dtype.kind == "f":
            is_better = builder.fcmp_ordered(sign, x, y, flags=["nnan", "nsz"])
            return builder.select(is_better, x, y, flags=["nnan", "nsz"])
        compared = builder.icmp_signed if self.dtype.kind == "i" else builder.icmp_unsigned
        return builder.select(compared(sign, x, y), x, y)
