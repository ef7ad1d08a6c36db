"""Elements that index arrays choose, and integers that must lie in a range, as values inside a kernel.

`Chosen` reads a tensor at places that other inputs name. `Marked` is the other way round, where each place of the
result gets at most one value: a row of it is made by comparing column numbers with the row's index, so nothing is
cleared first and nothing is written twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ...graph import Node
from ...graph.loops import Gathered, Scattered, Strides, Within
from ..indexing import Pointer, Reach
from .faults import Faults, position
from .nest import INDEX
from .operand import Operand
from .types import BOOL, in_memory

if TYPE_CHECKING:
    from ..kernels import Units


def load(builder: ir.IRBuilder, operand: Operand, pointer: Any, offset: Any) -> Any:
    """The element of an operand at an offset from a pointer."""
    kind = in_memory(operand.dtype)
    value = builder.load(builder.gep(pointer, [offset], source_etype=kind), typ=kind)
    return builder.trunc(value, BOOL) if operand.dtype.kind == "b" else value


COUNT = np.dtype(np.int64)


class Indexed(ABC):
    """A value of a kernel that index arrays choose."""

    operands: list[Operand]
    """What it reads and counts."""
    checked: bool
    """Whether an index can be out of range."""
    nanoseconds: float
    """About how long one takes."""
    key: Any
    """All that the code depends on beside the operands."""

    @abstractmethod
    def value(
        self, builder: ir.IRBuilder, pointers: list[Any], faults: Faults | None, offsets: list[Any]
    ) -> Any:
        """The value at one place of the kernel, from the operands' pointers and the offsets from them."""


class ChosenValue(Indexed):
    """An element of the first input."""

    def __init__(self, source: Node, owner: Node, reach: Reach) -> None:
        self.reach = reach
        self.checked = reach.checked
        is_run = all(pointer.strides[-1:] in ((), (0,)) for pointer in reach.pointers)
        self.nanoseconds = 0.05 if is_run else 0.4
        self.operands = [Operand(owner, source.dtype, reach.offset, reach.strides)]
        self.operands += [pointer_operand(pointer, pointer.strides) for pointer in reach.pointers]
        self.key = "chosen", tuple(pointer.key for pointer in reach.pointers)

    def value(
        self, builder: ir.IRBuilder, pointers: list[Any], faults: Faults | None, offsets: list[Any]
    ) -> Any:
        """The element where the pointers lead."""
        operands = zip(self.reach.pointers, self.operands[1:], pointers[1:], offsets[1:], strict=True)
        offset = offsets[0]
        for pointer, operand, memory, at in operands:
            number, _ = position(builder, pointer, load(builder, operand, memory, at), faults)
            offset = builder.add(offset, builder.mul(number, INDEX(pointer.step)))
        return load(builder, self.operands[0], pointers[0], offset)


class MarkedValue(Indexed):
    """The value whose indices are this place, else what stood there before, or 0."""

    nanoseconds = 0.05

    def __init__(self, values: Operand, base: Operand | None, adds: bool, reach: Reach, ndim: int) -> None:
        """values: with strides along the axes of `reach`; base: along those of the result, which has `ndim`."""
        self.reach, self.adds, self.onto = reach, adds, base is not None
        self.checked = reach.checked
        self.operands = [
            Operand(values.owner, values.dtype, values.offset, self._along(values.strides, ndim))
        ]
        self.operands += [base] if base else []
        for pointer in reach.pointers:
            self.operands.append(pointer_operand(pointer, self._along(pointer.strides, ndim)))
            self.operands.append(
                Operand(None, COUNT, 0, tuple(int(axis == pointer.axis) for axis in range(ndim)))
            )
        self.key = "marked", adds, base is None, tuple(pointer.key for pointer in reach.pointers)

    def _along(self, strides: Strides, ndim: int) -> Strides:
        """Strides along the axes of the result, from those along the axes of what is put there."""
        return tuple(
            strides[self.reach.along[axis]] if axis in self.reach.along else 0 for axis in range(ndim)
        )

    def value(
        self, builder: ir.IRBuilder, pointers: list[Any], faults: Faults | None, offsets: list[Any]
    ) -> Any:
        """The value if the pointers lead here."""
        remaining = zip(self.operands, pointers, offsets, strict=True)
        found = load(builder, *next(remaining))
        before = ir.Constant(found.type, 0)
        if self.onto:
            before = load(builder, *next(remaining))
            if self.adds:
                found = _sum(builder, before, found)
        here: Any = BOOL(1)
        for pointer in self.reach.pointers:
            number, within = position(builder, pointer, load(builder, *next(remaining)), faults)
            *_, count = next(remaining)
            here = builder.and_(here, builder.and_(within, builder.icmp_unsigned("==", number, count)))
        return builder.select(here, found, before)


class BoundedValue(Indexed):
    """An integer as it is, which must lie in a range."""

    nanoseconds = 0.1
    checked = True

    def __init__(self, source: Operand, within: Within) -> None:
        self.within = within
        self.operands = [source]
        self.key = "within", within.size, within.also

    def value(
        self, builder: ir.IRBuilder, pointers: list[Any], faults: Faults | None, offsets: list[Any]
    ) -> Any:
        """The integer."""
        (source,) = self.operands
        found = load(builder, source, pointers[0], offsets[0])
        wide = found
        if source.dtype.itemsize < COUNT.itemsize:
            extend = builder.sext if source.dtype.kind == "i" else builder.zext
            wide = extend(found, INDEX)
        is_right = builder.icmp_unsigned("<", wide, INDEX(self.within.size))
        if self.within.also is not None:
            is_right = builder.or_(is_right, builder.icmp_signed("==", wide, INDEX(self.within.also)))
        assert faults is not None
        faults.note(builder.not_(is_right))
        return found


def indexed_value(node: Node, units: Units) -> Indexed:
    """What a node whose inputs are index arrays is in a kernel."""
    loops = units.loops[node]
    if isinstance(loops, Within):
        lies = units.places[node.inputs[0]]
        return BoundedValue(Operand(lies.owner, node.dtype, lies.offset, lies.strides), loops)
    found = units.reach(node)
    if isinstance(loops, Gathered):
        return ChosenValue(node.inputs[0], units.places[node.inputs[0]].owner, found)
    assert isinstance(loops, Scattered)
    values, place = node.inputs[loops.onto], units.places[node.inputs[loops.onto]]
    lead = len(found.shape) - values.ndim
    strides = tuple(
        0 if axis < lead or values.shape[axis - lead] != size else place.strides[axis - lead]
        for axis, size in enumerate(found.shape)
    )
    base = None
    if loops.onto:
        before = units.places[node.inputs[0]]
        base = Operand(before.owner, node.dtype, before.offset, before.strides)
    given = Operand(place.owner, values.dtype, place.offset, strides)
    return MarkedValue(given, base, loops.instruction == "add", found, node.ndim)


def pointer_operand(pointer: Pointer, strides: Strides) -> Operand:
    """What is read of an index array."""
    return Operand(pointer.place.owner, pointer.node.dtype, pointer.place.offset, strides)


def _sum(builder: ir.IRBuilder, x: Any, y: Any) -> Any:
    if x.type == BOOL:
        return builder.or_(x, y)
    return builder.add(x, y) if isinstance(x.type, ir.IntType) else builder.fadd(x, y)
