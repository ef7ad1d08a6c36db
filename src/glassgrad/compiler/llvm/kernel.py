"""A kernel as an LLVM function: one loop nest over its shape, every formula computed once per element.

The function's arguments are pointers, one per place in memory that it reads or writes. Pointers are declared not to
alias, so that LLVM can use vector instructions: what is written is never what is read, but for new values in the place
of the old ones, which are one place, read and written at the same element.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from ...expr import Call, Const, Expr, Var
from ...graph import Node
from ...graph.loops import Map, Strides
from ..kernels import Kernel, Place, Units
from .code import Code, Phase, Share
from .division import divide, divided
from .estimate import computing_time, kernel_time
from .faults import Faults
from .folds import Folds, accumulator, instruction_of
from .indexed import indexed_value
from .nest import INDEX, blocked, merged_axes
from .operand import Operand
from .scalars import emit
from .types import BOOL, computing, converted, in_memory

FOLDING = 0.01
"""Nanoseconds per byte of combining one more number with a result."""


class KernelFunction(Code):
    """The code of a kernel. `owners` lists the memories that its arguments point to, in order."""

    def __init__(self, kernel: Kernel, units: Units) -> None:
        self.kernel = kernel
        self.units = units
        self.reads: dict[tuple[Place, tuple[int, ...]], Operand] = {}
        self.writes: dict[Node, Operand] = {}
        self.indexed = {node: indexed_value(node, units) for node in kernel.maps if node in units.indexed}
        for node in kernel.maps + kernel.folds:
            for source in node.inputs:
                if source not in kernel.members and node not in self.indexed:
                    self._read(source)
        for node in kernel.maps:
            place = units.places[node]
            if place.owner in units.stored:
                self.writes[node] = Operand(place.owner, node.dtype, place.offset, place.strides)
        for node in kernel.folds:
            place = units.places[node]
            self.writes[node] = Operand(place.owner, node.dtype, place.offset, self._fold_strides(node))
        chosen = [operand for value in self.indexed.values() for operand in value.operands]
        self.operands = [*self.reads.values(), *chosen, *self.writes.values()]
        self.place_of = {id(operand): place for place, operand in enumerate(self.operands)}
        self.checked = any(value.checked for value in self.indexed.values())
        starts = [(operand.owner, operand.offset * operand.dtype.itemsize) for operand in self.operands]
        starts += [(units.faults, 0)] if self.checked else []
        found = dict.fromkeys((owner, start) for owner, start in starts if owner is not None)
        self.owners, self.offsets = [owner for owner, _ in found], [offset for _, offset in found]
        arguments = {start: place for place, start in enumerate(found)}
        self.argument_of = [None if start[0] is None else arguments[start[0], start[1]] for start in starts]
        self.replaced = self._replaced()
        self.axes = merged_axes(kernel.shape, kernel.axes or (), [o.strides for o in self.operands])
        if not kernel.folds:
            self.axes = blocked(self.axes)
        nanoseconds = self._nanoseconds()
        self.division = divide(self.axes, nanoseconds)
        self.phases = [Phase(self.division.pieces, nanoseconds)]
        self.folds = Folds(self, self.axes, nanoseconds) if kernel.folds else None
        if self.folds is not None:
            self.phases, self.scratch = self.folds.phases, self.folds.scratch

    def _nanoseconds(self) -> float:
        loops = [self.units.loops[node] for node in self.kernel.maps]
        each = computing_time((one.formula, one.dtype) for one in loops if isinstance(one, Map))
        for node in self.kernel.folds:
            each += FOLDING * float(accumulator(node).itemsize)
        each += sum(value.nanoseconds for value in self.indexed.values())
        sizes = [operand.dtype.itemsize if operand.owner else 0 for operand in self.operands]
        return kernel_time(self.axes, sizes, each)

    def _read(self, source: Node) -> None:
        place = self.units.places[source]
        # x and x[:1] lie at one place, and the second is broadcast
        if (place, source.shape) not in self.reads:
            lead = len(self.kernel.shape) - len(source.shape)
            strides = tuple(
                0 if axis < lead or source.shape[axis - lead] != size else place.strides[axis - lead]
                for axis, size in enumerate(self.kernel.shape)
            )
            self.reads[place, source.shape] = Operand(place.owner, source.dtype, place.offset, strides)

    def _replaced(self) -> list[Node]:
        """The inputs over which results are written."""
        written = {operand.owner for operand in self.writes.values()}
        if written.isdisjoint(operand.owner for operand in self.reads.values()):
            return []
        return [
            source
            for source in dict.fromkeys(
                source
                for node in self.kernel.maps + self.kernel.folds
                for source in node.inputs
                if source not in self.kernel.members and node not in self.indexed
            )
            if self._operand(source).owner in written
        ]

    def _operand(self, source: Node) -> Operand:
        return self.reads[self.units.places[source], source.shape]

    def _fold_strides(self, node: Node) -> Strides:
        """How a fold's result moves along the kernel's axes: not at all along those it goes over."""
        axes = self.kernel.axes or ()
        kept = [axis for axis in range(len(self.kernel.shape)) if axis not in axes]
        own = self.units.places[node].strides
        if len(own) == len(self.kernel.shape):  # the axes it goes over are still there
            own = tuple(own[axis] for axis in kept)
        strides = dict(zip(kept, own, strict=True))
        return tuple(strides.get(axis, 0) for axis in range(len(self.kernel.shape)))

    @property
    def key(self) -> Any:
        """All that the code depends on: equal keys, equal code."""
        kernel, places = self.kernel, {node: place for place, node in enumerate(self.kernel.maps)}

        def value(source: Node) -> Any:
            if source in places:
                return places[source]
            return "read", self.place_of[id(self._operand(source))], source.dtype

        def step(node: Node) -> Any:
            if node in self.indexed:
                indexed = self.indexed[node]
                return indexed.key, tuple(self.place_of[id(operand)] for operand in indexed.operands)
            loops = self.units.loops[node]
            inputs = tuple(map(value, node.inputs))
            if isinstance(loops, Map):
                return loops.formula, loops.names, loops.dtype, node.dtype, inputs
            return instruction_of(node), node.dtype, inputs

        return (
            kernel.shape,
            kernel.axes,
            tuple(self.argument_of),
            tuple((o.dtype, o.strides) for o in self.operands),
            tuple(map(step, kernel.maps)),
            tuple(place for place, node in enumerate(kernel.maps) if node in self.writes),
            tuple(map(step, kernel.folds)),
        )

    def write(self, phase: int, share: Share) -> None:
        """Write the loop nest."""
        self.builder = share.builder
        self.faults = Faults(share.builder) if self.checked else None
        self.pointers = [None if place is None else share.arguments[place] for place in self.argument_of]
        offsets = [INDEX(0)] * len(self.operands)
        if self.folds is not None:
            self.folds.write(phase, share, offsets)
        else:
            divided(self.builder, self.division, offsets, (share.begin, share.end), self._each)
        if self.faults is not None:
            self.faults.report(self.pointers[-1])

    # --- what happens at one element ------------------------------------------------------------------------

    def _each(self, offsets: list[Any]) -> None:
        self.element(offsets)

    def element(self, offsets: list[Any]) -> dict[Node, Any]:
        """Compute every map, and store what is stored; the values."""
        values: dict[Node, Any] = {source: self._load(source, offsets) for source in self.replaced}
        for node in self.kernel.maps:
            values[node] = self._map(node, values, offsets)
            if node in self.writes:
                self.store(self.writes[node], values[node], offsets)
        return values

    def _load(self, source: Node, offsets: list[Any]) -> Any:
        operand = self._operand(source)
        kind = in_memory(operand.dtype)
        place = self.place_of[id(operand)]
        address = self.builder.gep(self.pointers[place], [offsets[place]], source_etype=kind)
        value = self.builder.load(address, typ=kind)
        return self.builder.trunc(value, BOOL) if operand.dtype.kind == "b" else value

    def store(self, operand: Operand, value: Any, offsets: list[Any]) -> None:
        """Store an element."""
        kind = in_memory(operand.dtype)
        place = self.place_of[id(operand)]
        address = self.builder.gep(self.pointers[place], [offsets[place]], source_etype=kind)
        self.builder.store(self.builder.zext(value, kind) if operand.dtype.kind == "b" else value, address)

    def value(self, source: Node, values: dict[Node, Any], offsets: list[Any]) -> Any:
        """An input of a map or a fold: computed here, or loaded."""
        return values[source] if source in values else self._load(source, offsets)

    def _map(self, node: Node, values: dict[Node, Any], offsets: list[Any]) -> Any:
        if node in self.indexed:
            found = self.indexed[node]
            places = [self.place_of[id(operand)] for operand in found.operands]
            pointers, given = [self.pointers[place] for place in places], [offsets[place] for place in places]
            return found.value(self.builder, pointers, self.faults, given)
        loops = self.units.loops[node]
        assert isinstance(loops, Map)
        known: dict[Expr, Any] = {}
        for name, source in zip(loops.names, node.inputs, strict=True):
            value = self.value(source, values, offsets)
            if source.dtype.kind != "b":
                value = converted(self.builder, value, source.dtype, loops.dtype)
            known[Var(name)] = value
        result = self._formula(loops.formula, known, loops.dtype)
        return converted(self.builder, result, _dtype_of(result, loops.dtype), node.dtype)

    def _formula(self, formula: Expr, known: dict[Expr, Any], dtype: Any) -> Any:
        waiting = [formula]
        while waiting:
            expr = waiting[-1]
            if expr in known:
                waiting.pop()
            elif isinstance(expr, Const):
                known[expr] = _constant(expr.value, dtype)
            else:
                assert isinstance(expr, Call)
                missing = [operand for operand in expr.operands if operand not in known]
                if missing:
                    waiting += missing
                    continue
                known[expr] = self._instruction(expr, [known[operand] for operand in expr.operands], dtype)
        return known[formula]

    def _instruction(self, expr: Call, operands: list[Any], dtype: Any) -> Any:
        choices = operands[1:] if expr.instruction.name == "where" else operands
        if len({str(value.type) for value in choices}) > 1:
            wide = [converted(self.builder, v, _dtype_of(v, dtype), dtype) for v in choices]
            operands = [*operands[: len(operands) - len(choices)], *wide]
        return emit(self.builder, expr.instruction, operands)


def _dtype_of(value: Any, dtype: Any) -> Any:
    """The dtype of a computed value: boolean or that of the formula."""
    return np.dtype(bool) if value.type == BOOL else dtype


def _constant(number: float, dtype: Any) -> Any:
    if isinstance(number, bool) or dtype.kind == "b":
        return ir.Constant(BOOL, int(bool(number)))
    if dtype.kind == "f":
        return ir.Constant(computing(dtype), float(np.asarray(number, dtype)))
    return ir.Constant(computing(dtype), int(number))
