"""Weighted sums of elements along an axis, which ones and how much as tables in the code: images in another size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from ...graph.loops import Weighed
from .alone import AloneCode
from .code import Phase, Share
from .nest import INDEX, counted, loop
from .sliding import blocks
from .types import in_memory
from .vectors import constant, lanes, load, splat, spread_out, store

if TYPE_CHECKING:
    from ..kernels import Alone, Units

VECTOR_BYTES = 64
LINES = 8
LONGEST_TABLE = 1 << 14
NANOSECONDS_PER_TAP = {True: 0.8, False: 0.3}
"""Of one vector; or of one element, where lines lie apart."""


class WeightFunction(AloneCode):
    """The code of a weighted sum along one axis."""

    def __init__(self, unit: Alone, units: Units) -> None:
        assert isinstance(unit.loops, Weighed)
        node = unit.node
        (source,) = node.inputs
        self.loops, self.dtype, self.shape = unit.loops, node.dtype, node.shape
        self.places = [units.places[source], units.places[node]]
        self.owners = list(dict.fromkeys(place.owner for place in self.places))
        self.order = sorted(
            range(len(self.shape)),
            key=lambda axis: (self.shape[axis] > 1 or axis == self.loops.axis, -self.places[1].strides[axis]),
        )
        if self.order[-1] == self.loops.axis:
            # several lines at once, so that the tables are read once for all of them
            self.order[-2:] = reversed(self.order[-2:])
        side_by_side = self.places[1].strides[self.order[-1]] == 1 and self.order[-1] != self.loops.axis
        self.width = VECTOR_BYTES // self.dtype.itemsize if side_by_side else LINES
        taps = math.prod(self.shape) / self.shape[self.loops.axis] * len(self.loops.sources)
        width = min(self.width, self.shape[self.order[-1]]) if side_by_side else 1
        nanoseconds = taps / width * NANOSECONDS_PER_TAP[side_by_side]
        self.phases = (Phase(self.shape[self.order[0]] if len(self.order) > 1 else 1, nanoseconds),)

    @classmethod
    def fits(cls, unit: Alone) -> bool:
        """Only with tables of moderate length, and no sums of booleans."""
        loops = unit.loops
        assert isinstance(loops, Weighed)
        return len(loops.sources) <= LONGEST_TABLE and unit.node.dtype.kind != "b"

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        places = tuple((self.owners.index(p.owner), p.offset, p.strides) for p in self.places)
        return "weighed", self.loops, self.dtype.name, self.shape, places

    def write(self, phase: int, share: Share) -> None:
        """Write the loops over a share of the outermost axis."""
        self.builder = share.builder
        self.pointers = [share.pointers[place.owner] for place in self.places]
        kind = in_memory(self.dtype)
        self.starts = self._table(INDEX, self.loops.starts)
        self.sources = self._table(INDEX, [s * self._steps(self.loops.axis)[0] for s in self.loops.sources])
        plain = all(weight == 1 for weight in self.loops.weights)
        self.weights = None if plain else self._table(kind, self.loops.weights)
        offsets = [INDEX(place.offset) for place in self.places]
        if len(self.order) == 1:
            self._descend(0, offsets, None)
            return
        axis = self.order[0]
        with counted(self.builder, share.begin, share.end, "slice") as index:
            self._at(axis, index, 1, offsets, None)

    def _table(self, kind: Any, numbers: Any) -> Any:
        module = self.builder.module
        array = ir.ArrayType(kind, max(1, len(numbers)))
        table = ir.GlobalVariable(module, array, module.get_unique_name("table"))
        table.initializer = ir.Constant(array, list(numbers) or [0])
        table.global_constant = True
        table.linkage = "internal"
        return table

    def _entry(self, table: Any, kind: Any, index: Any) -> Any:
        return self.builder.load(self.builder.gep(table, [index], source_etype=kind), typ=kind)

    def _steps(self, axis: int) -> tuple[int, int]:
        given, made = (place.strides[axis] for place in self.places)
        return given, made

    def _at(self, axis: int, index: Any, following: int, offsets: list[Any], bounds: Any) -> None:
        """What is at one index along an axis; along the axis of the sum, `bounds` are its part of the tables."""
        builder, (given, made) = self.builder, self._steps(axis)
        source, target = offsets
        target = builder.add(target, builder.mul(index, INDEX(made)))
        if axis == self.loops.axis:
            after = builder.add(index, INDEX(1))
            bounds = self._entry(self.starts, INDEX, index), self._entry(self.starts, INDEX, after)
        else:
            source = builder.add(source, builder.mul(index, INDEX(given)))
        self._descend(following, [source, target], bounds)

    def _descend(self, place: int, offsets: list[Any], bounds: Any) -> None:
        if place == len(self.order):
            self._sum(offsets, bounds, 1, (0, 1))
            return
        axis = self.order[place]
        if place < len(self.order) - 1 or axis == self.loops.axis:
            with loop(self.builder, self.shape[axis]) as index:
                self._at(axis, index, place + 1, offsets, bounds)
            return
        steps = self._steps(axis)
        for count, width, start in blocks(self.shape[axis], self.width):
            with spread_out(self.builder, offsets, steps, count, width, start) as moved:
                self._sum(moved, bounds, width, steps)

    def _sum(self, offsets: list[Any], bounds: Any, width: int, steps: tuple[int, int]) -> None:
        """One vector of results."""
        builder, kind = self.builder, in_memory(self.dtype)
        real = self.dtype.kind == "f"
        with builder.goto_entry_block():
            cell = builder.alloca(lanes(kind, width))
        builder.store(constant(kind, width, 0), cell)
        begin, end = bounds
        with counted(builder, begin, end, "tap") as index:
            there = builder.add(offsets[0], self._entry(self.sources, INDEX, index))
            value = load(builder, self.pointers[0], there, kind, width, steps[0])
            if self.weights is not None:
                weight = self._entry(self.weights, kind, index)
                value = builder.fmul(value, weight if width == 1 else splat(builder, weight, width))
            before = builder.load(cell, typ=lanes(kind, width))
            builder.store((builder.fadd if real else builder.add)(before, value), cell)
        total = builder.load(cell, typ=lanes(kind, width))
        store(builder, total, self.pointers[1], offsets[1], kind, width, steps[1])
