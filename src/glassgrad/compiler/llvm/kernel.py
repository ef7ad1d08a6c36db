"""A kernel as an LLVM function: one loop nest over its shape, every formula computed once per element.

The function's arguments are pointers, one per place in memory that it reads or writes. What it writes is never what it
reads, so pointers are declared not to alias and LLVM can use vector instructions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from llvmlite import ir

from ...expr import Call, Const, Expr, Var
from ...graph import Aval, Node
from ...graph.loops import Folded, Map, Strides
from ..kernels import Kernel, Place, Units, contiguous
from .code import Code, Share
from .nest import INDEX, Axis, loop, merged_axes, nest
from .scalars import emit
from .types import BOOL, computing, converted, in_memory

FLOAT64 = np.dtype("float64")
_IDENTITY = {"add": 0.0, "multiply": 1.0, "maximum": -math.inf, "minimum": math.inf}


class Operand:
    """A place that a kernel reads or writes: which memory, from where on, with which strides along its axes."""

    def __init__(self, owner: Node, dtype: Any, offset: int, strides: Strides) -> None:
        self.owner = owner
        self.dtype = dtype
        self.offset = offset
        self.strides = strides


class KernelFunction(Code):
    """The code of a kernel. `owners` lists the memories that its arguments point to, in order."""

    def __init__(self, kernel: Kernel, units: Units) -> None:
        self.kernel = kernel
        self.units = units
        self.reads: dict[tuple[Place, tuple[int, ...]], Operand] = {}
        self.writes: dict[Node, Operand] = {}
        for node in kernel.maps + kernel.folds:
            for source in node.inputs:
                if source not in kernel.members:
                    self._read(source)
        for node in kernel.maps:
            if node in units.stored:
                self.writes[node] = Operand(node, node.dtype, 0, contiguous(kernel.shape))
        for node in kernel.folds:
            self.writes[node] = Operand(node, node.dtype, 0, self._fold_strides(node))
        self.operands = [*self.reads.values(), *self.writes.values()]
        self.place_of = {id(operand): place for place, operand in enumerate(self.operands)}
        self.owners = list(dict.fromkeys(operand.owner for operand in self.operands))

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

    def _operand(self, source: Node) -> Operand:
        return self.reads[self.units.places[source], source.shape]

    def _fold_strides(self, node: Node) -> Strides:
        """How a fold's result moves along the kernel's axes: not at all along those it goes over."""
        axes = self.kernel.axes or ()
        kept = [axis for axis in range(len(self.kernel.shape)) if axis not in axes]
        strides = dict(zip(kept, contiguous(tuple(self.kernel.shape[a] for a in kept)), strict=True))
        return tuple(strides.get(axis, 0) for axis in range(len(self.kernel.shape)))

    @property
    def key(self) -> Any:
        """All that the code depends on: equal keys, equal code."""
        kernel, places = self.kernel, {node: place for place, node in enumerate(self.kernel.maps)}

        def value(source: Node) -> Any:
            if source in places:
                return places[source]
            return "read", self.place_of[id(self._operand(source))], source.dtype.name

        def step(node: Node) -> Any:
            loops = self.units.loops[node]
            inputs = tuple(map(value, node.inputs))
            if isinstance(loops, Map):
                return id(loops.formula), loops.names, loops.dtype.name, node.dtype.name, inputs
            return self._instruction_of(node), node.dtype.name, inputs

        return (
            kernel.shape,
            kernel.axes,
            tuple((self.owners.index(o.owner), o.dtype.name, o.offset, o.strides) for o in self.operands),
            tuple(map(step, kernel.maps)),
            tuple(place for place, node in enumerate(kernel.maps) if node in self.writes),
            tuple(map(step, kernel.folds)),
        )

    def write(self, phase: int, share: Share) -> None:
        """Write the loop nest."""
        self.builder, self.pointers = share.builder, share.pointers
        axes = merged_axes(self.kernel.shape, self.kernel.axes or (), [o.strides for o in self.operands])
        offsets = [INDEX(operand.offset) for operand in self.operands]
        if not self.kernel.folds:
            nest(self.builder, axes, offsets, self._each)
        elif not axes or axes[-1].folded or not any(axis.folded for axis in axes):
            outer = [axis for axis in axes if not axis.folded]
            inner = [axis for axis in axes if axis.folded]
            nest(self.builder, outer, offsets, lambda moved: self._fold_in_registers(inner, moved))
        else:
            last = max(place for place, axis in enumerate(axes) if axis.folded)
            outer = [axis for axis in axes[:last] if not axis.folded]
            inner = [axis for axis in axes[: last + 1] if axis.folded]
            nest(
                self.builder,
                outer,
                offsets,
                lambda moved: self._fold_in_memory(inner, axes[last + 1 :], moved),
            )

    # --- what happens at one element ------------------------------------------------------------------------

    def _each(self, offsets: list[Any]) -> None:
        self._element(offsets)

    def _element(self, offsets: list[Any]) -> dict[Node, Any]:
        values: dict[Node, Any] = {}
        for node in self.kernel.maps:
            values[node] = self._map(node, values, offsets)
            if node in self.writes:
                self._store(self.writes[node], values[node], offsets)
        return values

    def _load(self, source: Node, offsets: list[Any]) -> Any:
        operand = self._operand(source)
        kind = in_memory(operand.dtype)
        address = self.builder.gep(
            self.pointers[operand.owner], [offsets[self.place_of[id(operand)]]], source_etype=kind
        )
        value = self.builder.load(address, typ=kind)
        return self.builder.trunc(value, BOOL) if operand.dtype.kind == "b" else value

    def _store(self, operand: Operand, value: Any, offsets: list[Any]) -> None:
        kind = in_memory(operand.dtype)
        address = self.builder.gep(
            self.pointers[operand.owner], [offsets[self.place_of[id(operand)]]], source_etype=kind
        )
        self.builder.store(self.builder.zext(value, kind) if operand.dtype.kind == "b" else value, address)

    def _value(self, source: Node, values: dict[Node, Any], offsets: list[Any]) -> Any:
        return values[source] if source in values else self._load(source, offsets)

    def _map(self, node: Node, values: dict[Node, Any], offsets: list[Any]) -> Any:
        loops = self.units.loops[node]
        assert isinstance(loops, Map)
        known: dict[Expr, Any] = {}
        for name, source in zip(loops.names, node.inputs, strict=True):
            value = self._value(source, values, offsets)
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

    # --- folds ----------------------------------------------------------------------------------------------

    def _fold_in_registers(self, axes: list[Axis], offsets: list[Any]) -> None:
        builder = self.builder
        cells = {}
        for node in self.kernel.folds:
            kind = computing(_accumulator(node))
            with builder.goto_entry_block():
                cells[node] = builder.alloca(kind)
            builder.store(_identity(self._instruction_of(node), _accumulator(node)), cells[node])

        def inside(moved: list[Any]) -> None:
            values = self._element(moved)
            for node, cell in cells.items():
                self._combine(node, cell, self._value(node.inputs[0], values, moved))

        nest(builder, axes, offsets, inside)
        for node, cell in cells.items():
            total = builder.load(cell, typ=computing(_accumulator(node)))
            self._store(self.writes[node], converted(builder, total, _accumulator(node), node.dtype), offsets)

    def _fold_in_memory(self, axes: list[Axis], kept: list[Axis], offsets: list[Any]) -> None:
        builder = self.builder
        size = math.prod(axis.size for axis in kept)
        rows = {}
        for node in self.kernel.folds:
            kind = computing(_accumulator(node))
            with builder.goto_entry_block():
                rows[node] = builder.alloca(kind, size=INDEX(size))
            identity = _identity(self._instruction_of(node), _accumulator(node))
            with loop(builder, size) as index:
                builder.store(identity, builder.gep(rows[node], [index], source_etype=kind))
        along = [
            Axis(axis.size, False, (*axis.steps, step))
            for axis, step in zip(kept, contiguous(tuple(a.size for a in kept)), strict=True)
        ]

        def inside(moved: list[Any]) -> None:
            values = self._element(moved[:-1])
            for node, row in rows.items():
                cell = builder.gep(row, [moved[-1]], source_etype=computing(_accumulator(node)))
                self._combine(node, cell, self._value(node.inputs[0], values, moved[:-1]))

        nest(builder, axes, offsets, lambda moved: nest(builder, along, [*moved, INDEX(0)], inside))

        def finish(moved: list[Any]) -> None:
            for node, row in rows.items():
                kind = computing(_accumulator(node))
                total = builder.load(builder.gep(row, [moved[-1]], source_etype=kind), typ=kind)
                self._store(
                    self.writes[node], converted(builder, total, _accumulator(node), node.dtype), moved[:-1]
                )

        nest(builder, along, [*offsets, INDEX(0)], finish)

    def _combine(self, node: Node, cell: Any, value: Any) -> None:
        builder = self.builder
        dtype = _accumulator(node)
        value = converted(builder, value, node.inputs[0].dtype, dtype)
        before = builder.load(cell, typ=computing(dtype))
        name = self._instruction_of(node)
        if name in ("add", "multiply"):
            if dtype.kind == "f":
                combine = builder.fadd if name == "add" else builder.fmul
                after = combine(before, value, flags=["reassoc"])
            else:
                after = builder.add(before, value) if name == "add" else builder.mul(before, value)
        elif dtype.kind == "f":
            kind = computing(dtype)
            intrinsic = builder.module.declare_intrinsic(
                f"llvm.{name}", [kind], ir.FunctionType(kind, [kind, kind])
            )
            after = builder.call(intrinsic, [before, value])
        else:
            sign = builder.icmp_unsigned if dtype.kind in "ub" else builder.icmp_signed
            after = builder.select(sign(">" if name == "maximum" else "<", before, value), before, value)
        builder.store(after, cell)

    def _instruction_of(self, node: Node) -> str:
        loops = self.units.loops[node]
        assert isinstance(loops, Folded)
        return loops.instruction


def _accumulator(node: Node) -> Any:
    """Sums of floats are added up in double precision: as exact as pairwise summation, in any order."""
    if node.dtype.kind != "f":
        return node.dtype
    loops = node.op.loops(*(Aval(source.shape, source.dtype) for source in node.inputs))
    return FLOAT64 if isinstance(loops, Folded) and loops.instruction in ("add", "multiply") else node.dtype


def _identity(instruction: str, dtype: Any) -> Any:
    value = _IDENTITY[instruction]
    if dtype.kind == "f" or not math.isinf(value):
        return ir.Constant(computing(dtype), value if dtype.kind == "f" else int(value))
    if dtype.kind == "b":
        return ir.Constant(BOOL, int(value > 0))
    limits = np.iinfo(dtype)
    return ir.Constant(computing(dtype), int(limits.max if value > 0 else limits.min))


def _dtype_of(value: Any, dtype: Any) -> Any:
    """The dtype of a computed value: boolean or that of the formula."""
    return np.dtype(bool) if value.type == BOOL else dtype


def _constant(number: float, dtype: Any) -> Any:
    if isinstance(number, bool) or dtype.kind == "b":
        return ir.Constant(BOOL, int(bool(number)))
    if dtype.kind == "f":
        return ir.Constant(computing(dtype), float(np.asarray(number, dtype)))
    return ir.Constant(computing(dtype), int(number))
