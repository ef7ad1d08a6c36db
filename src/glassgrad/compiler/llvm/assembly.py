"""Copies of values into parts of one result, as an LLVM function."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..kernels import Assembly, Units, contiguous
from .code import Code, Phase, Share
from .division import divide, divided, pieces_for
from .estimate import moving
from .nest import INDEX, merged_axes, nest
from .types import in_memory


class AssemblyFunction(Code):
    """The code of an assembly. `owners` lists the memories that its arguments point to."""

    def __init__(self, unit: Assembly, units: Units) -> None:
        node = unit.node
        self.kind = in_memory(node.dtype)
        self.shape = node.shape
        self.fills = unit.fills
        places = [units.places[source] for source, _ in unit.parts]
        whole = units.places[node].owner  # this value may itself be a part of a larger one
        self.owners = list(dict.fromkeys([*(place.owner for place in places), whole]))
        self.out = self.owners.index(whole)
        self.copies = [
            (self.owners.index(place.owner), source.shape, (place.offset, place.strides), view)
            for place, (source, view) in zip(places, unit.parts, strict=True)
        ]
        itemsize = node.dtype.itemsize
        cleared = merged_axes(self.shape, (), [contiguous(self.shape)])
        copied = [
            merged_axes(shape, (), [strides, steps]) for _, shape, (_, strides), (_, steps) in self.copies
        ]
        clearing = moving(cleared, [itemsize])
        copying = [moving(axes, [itemsize, itemsize]) for axes in copied]
        self.clearing = divide(cleared, clearing)
        self.divisions = [
            divide(axes, nanoseconds) for axes, nanoseconds in zip(copied, copying, strict=True)
        ]
        self.in_pieces = pieces_for(sum(copying)) > 1
        pieces = sum(division.pieces for division in self.divisions) if self.in_pieces else 1
        self.phases = [Phase(self.clearing.pieces, clearing)] if self.fills else []
        self.phases.append(Phase(pieces, sum(copying)))

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        return "assembly", str(self.kind), self.shape, self.fills, self.out, tuple(self.copies)

    def write(self, phase: int, share: Share) -> None:
        """Write the loops that clear the result, or that copy the parts."""
        builder = share.builder
        pointers = [share.pointers[owner] for owner in self.owners]
        out = pointers[self.out]
        if phase < len(self.phases) - 1:

            def clear(offsets: list[Any]) -> None:
                address = builder.gep(out, [offsets[0]], source_etype=self.kind)
                builder.store(ir.Constant(self.kind, 0), address)

            divided(builder, self.clearing, [INDEX(0)], (share.begin, share.end), clear)
            return
        before = 0
        for (place, _, (offset, _), (start, _)), division in zip(self.copies, self.divisions, strict=True):

            def copy(offsets: list[Any], source: Any = pointers[place]) -> None:
                value = builder.load(builder.gep(source, [offsets[0]], source_etype=self.kind), typ=self.kind)
                builder.store(value, builder.gep(out, [offsets[1]], source_etype=self.kind))

            offsets = [INDEX(offset), INDEX(start)]
            if not self.in_pieces:
                nest(builder, division.axes, offsets, copy)
                continue
            pieces = (
                _within(builder, share.begin, before, division.pieces),
                _within(builder, share.end, before, division.pieces),
            )
            with builder.if_then(builder.icmp_signed("<", *pieces)):
                divided(builder, division, offsets, pieces, copy)
            before += division.pieces


def _within(builder: ir.IRBuilder, piece: Any, before: int, count: int) -> Any:
    """The number of a piece among the `count` pieces after the first `before`, or the nearest."""
    place = builder.sub(piece, INDEX(before))
    place = builder.select(builder.icmp_signed("<", place, INDEX(0)), INDEX(0), place)
    return builder.select(builder.icmp_signed("<", INDEX(count), place), INDEX(count), place)
