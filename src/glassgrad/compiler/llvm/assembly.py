"""Copies of values into parts of one result, as an LLVM function."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..kernels import Assembly, Units, contiguous
from .code import Code, Share
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

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        return "assembly", str(self.kind), self.shape, self.fills, self.out, tuple(self.copies)

    def write(self, phase: int, share: Share) -> None:
        """Write the loops that clear the result and copy the parts."""
        builder = share.builder
        pointers = [share.pointers[owner] for owner in self.owners]
        out = pointers[self.out]
        if self.fills:

            def clear(offsets: list[Any]) -> None:
                address = builder.gep(out, [offsets[0]], source_etype=self.kind)
                builder.store(ir.Constant(self.kind, 0), address)

            nest(builder, merged_axes(self.shape, (), [contiguous(self.shape)]), [INDEX(0)], clear)
        for place, shape, (offset, strides), (start, steps) in self.copies:

            def copy(offsets: list[Any], source: Any = pointers[place]) -> None:
                value = builder.load(builder.gep(source, [offsets[0]], source_etype=self.kind), typ=self.kind)
                builder.store(value, builder.gep(out, [offsets[1]], source_etype=self.kind))

            nest(builder, merged_axes(shape, (), [strides, steps]), [INDEX(offset), INDEX(start)], copy)
