"""Values put where index arrays choose, as an LLVM function: first the result as it was before, then every value.

A place may be chosen many times. Values come in C order, as in NumPy, so sums have the same bits as eager ones. What is
shared among threads is an axis along which no place is met twice, such as the features of an embedding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from ...expr import scalar
from ...graph.loops import Scattered
from .alone import AloneCode
from .code import Phase, Share
from .faults import Faults, position
from .indexed import load, pointer_operand
from .nest import INDEX, Axis, counted, merged_axes, nest
from .operand import Operand
from .scalars import emit, supported
from .types import in_memory

if TYPE_CHECKING:
    from ..kernels import Alone, Units

INSTRUCTIONS = {
    "add": scalar.ADD,
    "multiply": scalar.MULTIPLY,
    "maximum": scalar.MAXIMUM,
    "minimum": scalar.MINIMUM,
}
BYTES_PER_PIECE = 1 << 15
"""Of the result as it was before."""
CHUNK = 32
"""How many neighbours of the innermost axis a thread gets at least."""
MOST_PIECES = 16


class ScatterFunction(AloneCode):
    """The code of one scattering."""

    def __init__(self, unit: Alone, units: Units) -> None:
        node, loops = unit.node, unit.loops
        assert isinstance(loops, Scattered)
        self.node, self.units, self.instruction = node, units, loops.instruction
        self.reach = units.reach(node)
        values = node.inputs[loops.onto]
        self.is_empty = 0 in values.shape or 0 in self.reach.shape
        place = units.places[values]
        lead = len(self.reach.shape) - values.ndim
        strides = tuple(
            0 if axis < lead or values.shape[axis - lead] != size else place.strides[axis - lead]
            for axis, size in enumerate(self.reach.shape)
        )
        self.operands = [
            Operand(node, node.dtype, self.reach.offset, self.reach.strides),
            Operand(place.owner, node.dtype, place.offset, strides),
            *(pointer_operand(pointer, pointer.strides) for pointer in self.reach.pointers),
        ]
        self.out = Operand(node, node.dtype, 0, units.places[node].strides)
        before = units.places[node.inputs[0]] if loops.onto else None
        self.before = before and Operand(before.owner, node.dtype, before.offset, before.strides)
        owners = [operand.owner for operand in (*self.operands, self.before) if operand and operand.owner]
        self.owners = list(dict.fromkeys([*owners, units.faults] if self.reach.checked else owners))
        self.shared, pieces = self._cut()
        size = math.prod(node.shape) * node.dtype.itemsize
        self.first_axes = merged_axes(
            node.shape, (), [o.strides for o in (self.out, self.before) if o is not None]
        )
        self.rows = self.first_axes[0].size if self.first_axes else 1
        self.row_pieces = min(self.rows, max(1, size // BYTES_PER_PIECE))
        self.phases = [Phase(self.row_pieces, size * 0.06)]
        if not self.is_empty:
            self.phases.append(Phase(pieces, self._nanoseconds()))

    @classmethod
    def fits(cls, unit: Alone) -> bool:
        """Values of the result's dtype, and an instruction that there is for it."""
        loops, node = unit.loops, unit.node
        assert isinstance(loops, Scattered)
        how = INSTRUCTIONS.get(loops.instruction)
        return all(source.dtype == node.dtype for source in node.inputs[: 1 + loops.onto]) and (
            how is None or supported(how, node.dtype.name)
        )

    def _cut(self) -> tuple[int | None, int]:
        """The axis of the values that threads share, and into how many pieces."""
        sizes = self.reach.shape
        free = sorted(set(self.reach.along.values()), key=lambda axis: (-sizes[axis], axis))
        if not free or self.is_empty:
            return None, 1
        axis = free[0]
        chunk = CHUNK if axis == len(sizes) - 1 else 1
        pieces = min(MOST_PIECES, sizes[axis] // chunk)
        return (axis, pieces) if pieces > 1 else (None, 1)

    def _nanoseconds(self) -> float:
        count = math.prod(self.reach.shape)
        steps = [operand.strides[-1] for operand in self.operands] if self.reach.shape else [0]
        if set(steps[2:]) <= {0} and steps[0] == 1 and self.reach.shape:
            return count * 0.06 + count / self.reach.shape[-1]
        return count * 0.8

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        used = [*self.operands, self.out, *([self.before] if self.before else [])]
        return (
            "scattered",
            self.instruction,
            self.node.shape,
            self.node.dtype.name,
            self.reach.key,
            self.is_empty,
            tuple((self.owners.index(o.owner), o.offset, o.strides) for o in used if o.owner),
        )

    def write(self, phase: int, share: Share) -> None:
        """Write the loops of a phase."""
        if phase == 0:
            self._write_before(share)
        else:
            self._write_values(share)

    def _write_before(self, share: Share) -> None:
        builder, kind = share.builder, in_memory(self.node.dtype)
        used = [operand for operand in (self.out, self.before) if operand is not None]
        offsets = [INDEX(operand.offset) for operand in used]

        def copy(moved: list[Any]) -> None:
            value = ir.Constant(kind, 0)
            if self.before is not None:
                assert self.before.owner is not None
                source = builder.gep(share.pointers[self.before.owner], [moved[1]], source_etype=kind)
                value = builder.load(source, typ=kind)
            builder.store(value, builder.gep(share.pointers[self.node], [moved[0]], source_etype=kind))

        if self.row_pieces == 1:
            nest(builder, self.first_axes, offsets, copy)
            return
        first, *rest = self.first_axes
        with counted(builder, *_range(share, self.rows, self.row_pieces), "row") as index:
            nest(builder, rest, _moved(builder, offsets, index, first), copy)

    def _write_values(self, share: Share) -> None:
        builder = share.builder
        faults = Faults(builder) if self.reach.checked else None
        shared = () if self.shared is None else (self.shared,)
        axes = merged_axes(self.reach.shape, shared, [operand.strides for operand in self.operands])
        offsets = [INDEX(operand.offset) for operand in self.operands]
        each_of(share, self.phases[1].pieces, axes, offsets, lambda moved: self._put(share, faults, moved))
        if faults is not None:
            faults.report(share.pointers[self.units.faults])

    def _put(self, share: Share, faults: Faults | None, offsets: list[Any]) -> None:
        """One value at its place."""
        builder = share.builder
        (place, there), (given, values), *others = (
            (offset, share.pointers[operand.owner])
            for offset, operand in zip(offsets, self.operands, strict=True)
            if operand.owner
        )
        for pointer, operand, (at, memory) in zip(
            self.reach.pointers, self.operands[2:], others, strict=True
        ):
            number, _ = position(builder, pointer, load(builder, operand, memory, at), faults)
            place = builder.add(place, builder.mul(number, INDEX(pointer.step)))
        value = load(builder, self.operands[1], values, given)
        if self.instruction in INSTRUCTIONS:
            before = load(builder, self.operands[0], there, place)
            value = emit(builder, INSTRUCTIONS[self.instruction], [before, value])
        kind = in_memory(self.node.dtype)
        if self.node.dtype.kind == "b":
            value = builder.zext(value, kind)
        builder.store(value, builder.gep(there, [place], source_etype=kind))


def each_of(
    share: Share, pieces: int, axes: list[Axis], offsets: list[Any], inside: Callable[[list[Any]], None]
) -> None:
    """`inside(offsets)` for every combination of indices in C order; along the marked axis for those of the share."""
    if not axes:
        inside(offsets)
        return
    axis, *rest = axes
    begin, end = _range(share, axis.size, pieces) if axis.folded else (INDEX(0), INDEX(axis.size))
    with counted(share.builder, begin, end) as index:
        each_of(share, pieces, rest, _moved(share.builder, offsets, index, axis), inside)


def _range(share: Share, size: int, pieces: int) -> tuple[Any, Any]:
    """The indices below `size` that belong to a share of `pieces`."""
    begin, end = (
        share.builder.udiv(share.builder.mul(place, INDEX(size)), INDEX(pieces))
        for place in (share.begin, share.end)
    )
    return begin, end


def _moved(builder: ir.IRBuilder, offsets: list[Any], index: Any, axis: Axis) -> list[Any]:
    return [
        offset if step == 0 else builder.add(offset, builder.mul(index, INDEX(step)))
        for offset, step in zip(offsets, axis.steps, strict=True)
    ]
