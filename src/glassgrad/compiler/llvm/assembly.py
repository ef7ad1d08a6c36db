"""Copies of values into parts of one result, as an LLVM function."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..kernels import Assembly, Units, contiguous
from .nest import INDEX, merged_axes, nest
from .types import in_memory

POINTER = ir.PointerType()


class AssemblyFunction:
    """The code of an assembly. `owners` lists the memories that its arguments point to, the result's last."""

    def __init__(self, unit: Assembly, units: Units) -> None:
        node = unit.node
        self.kind = in_memory(node.dtype)
        self.shape = node.shape
        self.fills = unit.fills
        places = [units.places[source] for source, _ in unit.parts]
        sources = list(dict.fromkeys(place.owner for place in places))
        self.owners = [*sources, node]
        self.copies = [
            (sources.index(place.owner), source.shape, (place.offset, place.strides), view)
            for place, (source, view) in zip(places, unit.parts, strict=True)
        ]

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        return "assembly", str(self.kind), self.shape, self.fills, tuple(self.copies)

    def build(self, module: ir.Module, name: str) -> ir.Function:
        """Add the function to a module."""
        kind = ir.FunctionType(ir.VoidType(), [POINTER] * len(self.owners))
        function = ir.Function(module, kind, name)
        function.linkage = "internal"
        function.attributes.add("noinline")
        for argument in function.args:
            argument.add_attribute("noalias")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        out = function.args[-1]
        if self.fills:

            def clear(offsets: list[Any]) -> None:
                address = builder.gep(out, [offsets[0]], source_etype=self.kind)
                builder.store(ir.Constant(self.kind, 0), address)

            nest(builder, merged_axes(self.shape, (), [contiguous(self.shape)]), [INDEX(0)], clear)
        for place, shape, (offset, strides), (start, steps) in self.copies:

            def copy(offsets: list[Any], source: Any = function.args[place]) -> None:
                value = builder.load(builder.gep(source, [offsets[0]], source_etype=self.kind), typ=self.kind)
                builder.store(value, builder.gep(out, [offsets[1]], source_etype=self.kind))

            nest(builder, merged_axes(shape, (), [strides, steps]), [INDEX(offset), INDEX(start)], copy)
        builder.ret_void()
        return function
