"""Folds inside a kernel: where their results gather, and how the work is cut into pieces.

Results gather in registers where the innermost loop is one that is folded, else in a row of memory that stays in the
first-level cache. The loops over what is kept are cut; where that gives too few pieces, the folded loops are, every
piece leaves partial results, and a second phase combines them, in order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ...graph import Aval, Node
from ...graph.loops import Folded
from .code import Phase, Share
from .division import (
    FEW,
    Division,
    bounds,
    divide,
    divided,
    located,
    moved_by,
    over_tile,
    pieces_for,
)
from .nest import INDEX, Axis, counted, loop, nest
from .types import BOOL, computing, converted

if TYPE_CHECKING:
    from .kernel import KernelFunction

FLOAT64 = np.dtype("float64")
_IDENTITY = {"add": 0.0, "multiply": 1.0, "maximum": -math.inf, "minimum": math.inf}

WIDE = 256
"""How many numbers a row should have where it can be several rows side by side."""

ROW = 2048
"""How many results gather in memory at a time: 16 KiB in double precision, half of a small first-level cache."""

CELL = 8
"""Bytes of a partial result."""

Offsets = list[Any]


class Folds:
    """The folds of one kernel, cut into pieces."""

    def __init__(self, kernel: KernelFunction, axes: Sequence[Axis], nanoseconds: float) -> None:
        self.kernel = kernel
        self.nodes = kernel.kernel.folds
        self.kinds = {node: computing(accumulator(node)) for node in self.nodes}
        self.in_registers = not axes or axes[-1].folded or not any(axis.folded for axis in axes)
        last = len(axes) if self.in_registers else 1 + max(p for p, axis in enumerate(axes) if axis.folded)
        self.inner = [axis for axis in axes if axis.folded]
        self.outer = [axis for axis in axes[:last] if not axis.folded]
        self.row = list(axes[last:])
        self.kept = divide(self.outer, nanoseconds, tiles_last=False)
        if not self.in_registers:
            self.kept = _rows(self.outer, self.row, nanoseconds)
        self.lanes = 1
        self.folded: Division | None = None
        few = self.kept.pieces < min(FEW, pieces_for(nanoseconds))
        if few and self.inner and self.results <= ROW:
            inner = self._widened()
            division = divide(inner, nanoseconds, tiles_last=self.in_registers)
            if division.pieces > self.kept.pieces:
                self.folded, self.inner = division, inner
        self.phases = [Phase(self.kept.pieces, nanoseconds)]
        self.scratch = 0
        if self.folded is not None:
            partials = len(self.nodes) * self.folded.pieces * self.lanes * self.results
            self.phases = [Phase(self.folded.pieces, nanoseconds), Phase(1, 0.3 * partials + 50.0)]
            self.scratch = partials * CELL

    @property
    def results(self) -> int:
        """How many results one fold has."""
        return math.prod(axis.size for axis in (*self.outer, *self.row))

    def _widened(self) -> list[Axis]:
        """The folded loops, the last one cut in two if the rows are short and it can be: its inner part joins the rows.

        A row is then several rows, which fill vectors, and what is added does not wait for the sum before it.
        """
        *before, last = self.inner
        size = math.prod(axis.size for axis in self.row)
        lanes = max((n for n in range(1, WIDE // size + 1) if last.size % n == 0), default=1)
        if self.in_registers or self.outer or lanes == 1 or lanes == last.size:
            return self.inner
        self.lanes = lanes
        self.wide_row = _merged([self._read(axis) for axis in (Axis(lanes, True, last.steps), *self.row)])
        return [*before, Axis(last.size // lanes, True, tuple(step * lanes for step in last.steps))]

    def _read(self, axis: Axis) -> Axis:
        """The axis without the steps of the results, which are not there yet."""
        results = {self.kernel.place_of[id(self.kernel.writes[node])] for node in self.nodes}
        steps = tuple(0 if place in results else step for place, step in enumerate(axis.steps))
        return Axis(axis.size, axis.folded, steps)

    def write(self, phase: int, share: Share, offsets: Offsets) -> None:
        """Write the loops of a phase."""
        self.builder = share.builder
        if phase == 1:
            self._combine_partial(share.scratch, offsets)
        elif self.folded is not None:
            self._partial(self.folded, share, offsets)
        elif self.in_registers:
            pieces = share.begin, share.end
            divided(self.builder, self.kept, offsets, pieces, lambda moved: self._registers(moved))
        else:
            self._in_rows(share, offsets)

    # --- results in registers ---------------------------------------------------------------------------------------

    def _registers(self, offsets: Offsets) -> None:
        cells = self._cells()
        nest(self.builder, self.inner, offsets, lambda moved: self._each(cells, moved))
        for node, cell in cells.items():
            self._store(node, self.builder.load(cell, typ=self.kinds[node]), offsets)

    def _cells(self) -> dict[Node, Any]:
        cells = {}
        for node in self.nodes:
            with self.builder.goto_entry_block():
                cells[node] = self.builder.alloca(self.kinds[node])
            self.builder.store(self._identity(node), cells[node])
        return cells

    # --- results in a row of memory ---------------------------------------------------------------------------------

    def _in_rows(self, share: Share, offsets: Offsets) -> None:
        builder, division = self.builder, self.kept
        rest = math.prod(axis.size for axis in division.rest)
        rows = {}
        for node in self.nodes:
            with builder.goto_entry_block():
                rows[node] = builder.alloca(self.kinds[node], size=INDEX(division.tile * rest))
        rest_along = _along(division.rest)

        def over_row(moved: Offsets, count: Any, inside: Callable[[Offsets], None]) -> None:
            """`inside` for every turn of the kept loops, the last of the offsets that within the row."""
            assert division.tiled is not None
            axis = Axis(division.tiled.size, False, (*division.tiled.steps, rest))
            with counted(builder, INDEX(0), count) as turn:
                nest(builder, rest_along, moved_by(builder, [*moved, INDEX(0)], turn, axis), inside)

        def step(index: Any) -> None:
            moved, count = located(builder, division, index, offsets)
            size = builder.mul(count, INDEX(rest))
            for node, row in rows.items():
                with counted(builder, INDEX(0), size) as place:
                    builder.store(
                        self._identity(node), builder.gep(row, [place], source_etype=self.kinds[node])
                    )
            nest(
                builder,
                self.inner,
                moved,
                lambda inner: over_row(inner, count, lambda at: self._each(self._at(rows, at[-1]), at[:-1])),
            )

            def finish(at: Offsets) -> None:
                for node, cell in self._at(rows, at[-1]).items():
                    self._store(node, builder.load(cell, typ=self.kinds[node]), at[:-1])

            over_row(moved, count, finish)

        with counted(builder, *bounds(builder, division, share.begin, share.end)) as index:
            step(index)

    # --- partial results --------------------------------------------------------------------------------------------

    def _partial(self, division: Division, share: Share, offsets: Offsets) -> None:
        """What the pieces of the folded loops give, each by itself."""
        builder = self.builder
        wide = self.row if self.lanes == 1 else self.wide_row
        outer, row = _along([*self.outer, *wide])[: len(self.outer)], _along(wide)
        places = math.prod(axis.size for axis in wide)

        def piece(number: Any) -> None:
            first, last = bounds(builder, division, number, builder.add(number, INDEX(1)))
            start = builder.mul(number, INDEX(self.lanes * self.results))

            def kept(moved: Offsets) -> None:
                *here, place = moved
                partial = self._at(self._partials(share.scratch), place)
                cells = self._cells() if self.in_registers else partial
                if not self.in_registers:
                    self._clear(cells, places)
                with counted(builder, first, last) as index:
                    within, count = located(builder, division, index, here)
                    over_tile(builder, division, within, count, lambda at: over_row(cells, at))
                if self.in_registers:
                    for node, cell in cells.items():
                        builder.store(builder.load(cell, typ=self.kinds[node]), partial[node])

            nest(builder, outer, [*offsets, start], kept)

        def over_row(cells: dict[Node, Any], moved: Offsets) -> None:
            if self.in_registers:
                self._each(cells, moved)
                return
            nest(
                builder,
                row,
                [*moved, INDEX(0)],
                lambda at: self._each(self._at(cells, at[-1]), at[:-1]),
            )

        with counted(builder, share.begin, share.end) as number:
            piece(number)

    def _combine_partial(self, scratch: Any, offsets: Offsets) -> None:
        """The results out of those of the pieces, in the order of the pieces."""
        assert self.folded is not None
        builder = self.builder
        partials = self._partials(scratch)
        with loop(builder, self.folded.pieces * self.lanes - 1) as before:
            start = builder.mul(builder.add(before, INDEX(1)), INDEX(self.results))
            with loop(builder, self.results) as place:
                totals, more = self._at(partials, place), self._at(partials, builder.add(start, place))
                for node, total in totals.items():
                    self._combine(
                        node, total, builder.load(more[node], typ=self.kinds[node]), accumulator(node)
                    )

        def finish(moved: Offsets) -> None:
            for node, total in self._at(partials, moved[-1]).items():
                self._store(node, builder.load(total, typ=self.kinds[node]), moved[:-1])

        nest(builder, _along([*self.outer, *self.row]), [*offsets, INDEX(0)], finish)

    def _partials(self, scratch: Any) -> dict[Node, Any]:
        """Where the partial results of each fold begin."""
        assert self.folded is not None
        each = self.folded.pieces * self.lanes * self.results * CELL
        return {
            node: self.builder.gep(scratch, [INDEX(place * each)], source_etype=ir.IntType(8))
            for place, node in enumerate(self.nodes)
        }

    def _clear(self, rows: dict[Node, Any], size: int) -> None:
        for node, row in rows.items():
            with loop(self.builder, size) as place:
                self.builder.store(
                    self._identity(node), self.builder.gep(row, [place], source_etype=self.kinds[node])
                )

    # --- one element ------------------------------------------------------------------------------------------------

    def _at(self, rows: dict[Node, Any], place: Any) -> dict[Node, Any]:
        return {
            node: self.builder.gep(row, [place], source_etype=self.kinds[node]) for node, row in rows.items()
        }

    def _each(self, cells: dict[Node, Any], offsets: Offsets) -> None:
        values = self.kernel.element(offsets)
        for node, cell in cells.items():
            source = node.inputs[0]
            self._combine(node, cell, self.kernel.value(source, values, offsets), source.dtype)

    def _store(self, node: Node, total: Any, offsets: Offsets) -> None:
        kernel = self.kernel
        found = converted(self.builder, total, accumulator(node), node.dtype)
        kernel.store(kernel.writes[node], found, offsets)

    def _combine(self, node: Node, cell: Any, value: Any, given: Any) -> None:
        builder = self.builder
        dtype = accumulator(node)
        value = converted(builder, value, given, dtype)
        before = builder.load(cell, typ=computing(dtype))
        name = instruction_of(node)
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
            # of 0.0 and -0.0 either will do, as in NumPy: a third of the time
            after = builder.call(intrinsic, [before, value], fastmath=("nsz",))
        else:
            sign = builder.icmp_unsigned if dtype.kind in "ub" else builder.icmp_signed
            after = builder.select(sign(">" if name == "maximum" else "<", before, value), before, value)
        builder.store(after, cell)

    def _identity(self, node: Node) -> Any:
        value, dtype = _IDENTITY[instruction_of(node)], accumulator(node)
        if dtype.kind == "f" or not math.isinf(value):
            return ir.Constant(computing(dtype), value if dtype.kind == "f" else int(value))
        if dtype.kind == "b":
            return ir.Constant(BOOL, int(value > 0))
        limits = np.iinfo(dtype)
        return ir.Constant(computing(dtype), int(limits.max if value > 0 else limits.min))


def _rows(outer: Sequence[Axis], row: Sequence[Axis], nanoseconds: float) -> Division:
    """The kept loops cut so that a row of results is short: by the first of those within."""
    whole, rest = list(outer), list(row)
    while math.prod(axis.size for axis in rest[1:]) > ROW // 8:
        whole.append(rest.pop(0))
    tiled, *rest = rest
    size = math.prod(axis.size for axis in whole)
    turn = math.prod(axis.size for axis in rest)
    wanted = pieces_for(nanoseconds)
    tiles = -(-wanted // size) if size < FEW else 1
    narrow = max(1, 256 // turn)
    tile = max(min(narrow, tiled.size), min(-(-tiled.size // tiles), ROW // turn))
    if tile < tiled.size:
        tile = -(-tile // 16) * 16 if tile > 16 else tile
    tile = min(tile, tiled.size)
    size *= -(-tiled.size // tile)
    return Division(tuple(whole), tiled, tile, tuple(rest), -(-size // wanted))


def _merged(axes: Sequence[Axis]) -> list[Axis]:
    """Neighbouring loops as one wherever every operand allows it."""
    found: list[Axis] = []
    for axis in axes:
        if found and all(a == b * axis.size for a, b in zip(found[-1].steps, axis.steps, strict=True)):
            found[-1] = Axis(found[-1].size * axis.size, axis.folded, axis.steps)
        else:
            found.append(axis)
    return found


def _along(axes: Sequence[Axis]) -> list[Axis]:
    """The axes with one operand more, which moves through all their turns one by one."""
    found: list[Axis] = []
    step = 1
    for axis in reversed(axes):
        found.append(Axis(axis.size, axis.folded, (*axis.steps, step)))
        step *= axis.size
    return found[::-1]


def instruction_of(node: Node) -> str:
    """The instruction that combines."""
    loops = node.op.loops(*(Aval(source.shape, source.dtype) for source in node.inputs))
    assert isinstance(loops, Folded)
    return loops.instruction


def accumulator(node: Node) -> Any:
    """Sums of floats are added up in double precision: as exact as pairwise summation, in any order."""
    if node.dtype.kind != "f" or instruction_of(node) not in ("add", "multiply"):
        return node.dtype
    return FLOAT64
