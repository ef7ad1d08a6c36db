"""The instructions of a contraction: a panel packed, a tile multiplied and stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from llvmlite import ir

from ..nest import INDEX, loop
from ..types import itemsize
from .plan import Plan
from .problem import Index, Indices
from .tile import Tile
from .transpose import block_function, scatter_function


def packed_indices(plan: Plan) -> Indices:
    """The summed indices as they lie in a panel, row after row of `vectors * lanes` columns."""
    steps = []
    step = plan.vectors * plan.lanes
    for index in reversed(plan.problem.summed):
        steps.append(Index(index.size, index.left, step, 0))
        step *= index.size
    return tuple(reversed(steps))


Operands = Callable[[Any], Any]
"""From the number of a pair to the pointer to its operand."""


@dataclass(frozen=True)
class Target:
    """Pointers to the result, and to what is added to the sums; None if nothing is."""

    out: Any
    added: Any = None


class Writer:
    """Writes the code of a plan for one dtype."""

    def __init__(self, builder: ir.IRBuilder, plan: Plan, kind: Any) -> None:
        self.builder = builder
        self.plan = plan
        self.kind = kind
        self.vector = ir.VectorType(kind, plan.lanes)
        self.itemsize = itemsize(kind)

    # --- where things are -----------------------------------------------------------------------------------

    def offsets(self, flat: Any, indices: Indices, operands: Sequence[str]) -> list[Any]:
        """Where the combination number `flat` of some indices leads in each operand."""
        builder = self.builder
        found: list[Any] = [INDEX(0)] * len(operands)
        for place in reversed(range(len(indices))):
            index = indices[place]
            value = flat
            if place:
                value, flat = builder.urem(flat, INDEX(index.size)), builder.udiv(flat, INDEX(index.size))
            found = [
                self._plus(offset, value, getattr(index, operand))
                for offset, operand in zip(found, operands, strict=True)
            ]
        return found

    def _plus(self, offset: Any, value: Any, step: int) -> Any:
        return offset if step == 0 else self.builder.add(offset, self.builder.mul(value, INDEX(step)))

    def _column(self, chunk: Any) -> Any:
        """The innermost column index at which a vector begins: the last ends where the columns end."""
        inner = self.plan.problem.columns[-1].size if self.plan.problem.columns else 1
        if self.plan.chunks * self.plan.lanes == inner:
            return self.builder.mul(chunk, INDEX(self.plan.lanes))
        begin = self.builder.mul(chunk, INDEX(self.plan.lanes))
        last = INDEX(inner - self.plan.lanes)
        return self.builder.select(self.builder.icmp_unsigned("<", begin, last), begin, last)

    def vector_offsets(self, tile: Any, operands: Sequence[str]) -> list[list[Any]]:
        """For each vector of the tiles in one column of tiles, where it begins in each operand."""
        builder, plan = self.builder, self.plan
        columns = plan.problem.columns
        first = self._first(tile, plan.vectors, plan.all_vectors)
        found = []
        for place in range(plan.vectors):
            if plan.vectors > plan.all_vectors:
                flat = INDEX(min(place, plan.all_vectors - 1))
            else:
                flat = builder.add(first, INDEX(place)) if place else first
            if not columns:
                found.append([INDEX(0)] * len(operands))
                continue
            outer, chunk = INDEX(0), flat
            if len(columns) > 1:
                outer, chunk = builder.udiv(flat, INDEX(plan.chunks)), builder.urem(flat, INDEX(plan.chunks))
            begins = self.offsets(outer, columns[:-1], operands)
            column = self._column(chunk)
            found.append(
                [
                    self._plus(offset, column, getattr(columns[-1], operand))
                    for offset, operand in zip(begins, operands, strict=True)
                ]
            )
        return found

    def _first(self, tile: Any, size: int, total: int) -> Any:
        """Where a tile begins: the last one ends where all end."""
        if total <= size:
            return INDEX(0)
        begin = self.builder.mul(tile, INDEX(size))
        if total % size == 0:
            return begin
        last = INDEX(total - size)
        return self.builder.select(self.builder.icmp_unsigned("<", begin, last), begin, last)

    def row_offsets(self, tile: Any, operands: Sequence[str]) -> list[list[Any]]:
        """For each row of a tile where it lies in each operand."""
        rows = self.plan.problem.rows
        first = self._first(tile, self.plan.height, prod(index.size for index in rows))
        begins = self.offsets(first, rows, operands)
        found = [begins]
        for place in range(1, self.plan.height):
            if len(rows) == 1:  # constants from the first on, which are free in an address
                steps = [getattr(rows[0], operand) * place for operand in operands]
                found.append(
                    [
                        self.builder.add(offset, INDEX(step))
                        for offset, step in zip(begins, steps, strict=True)
                    ]
                )
            else:
                found.append(self.offsets(self.builder.add(first, INDEX(place)), rows, operands))
        return found

    # --- packing --------------------------------------------------------------------------------------------

    @property
    def panels(self) -> int:
        """How many panels there are for one pair: for each batch that has a right operand of its own."""
        return self.plan.column_tiles * prod(index.size for index in self._packed_batch)

    @property
    def _packed_batch(self) -> Indices:
        return tuple(index for index in self.plan.problem.batch if index.right)

    def pack(self, rights: Operands, panels: Any, number: Any) -> None:
        """Copy the columns of one tile of one pair to panel `number`."""
        builder, plan = self.builder, self.plan
        right, panel = (
            rights(builder.udiv(number, INDEX(self.panels))),
            builder.urem(number, INDEX(self.panels)),
        )
        tile = builder.urem(panel, INDEX(plan.column_tiles))
        batch = builder.udiv(panel, INDEX(plan.column_tiles))
        (start,) = self.offsets(batch, self._packed_batch, ("right",))
        target = builder.mul(number, INDEX(plan.panel))
        sources = [
            builder.gep(right, [builder.add(start, begin)], source_etype=self.kind)
            for (begin,) in self.vector_offsets(tile, ("right",))
        ]
        out = builder.gep(panels, [target], source_etype=self.kind)
        step = plan.problem.columns[-1].right if plan.problem.columns else 0
        self._copy(plan.problem.summed, packed_indices(plan), sources, step, INDEX(0), out, INDEX(0))

    def _copy(
        self,
        summed: Indices,
        packed: Indices,
        sources: list[Any],
        step: int,
        by_source: Any,
        out: Any,
        by_out: Any,
    ) -> None:
        """Columns `step` apart, for every summed index, into rows of a panel."""
        if not summed:
            self._copy_row(sources, step, by_source, out, by_out)
            return
        index, target = summed[0], packed[0]
        blocks = 0
        if len(summed) == 1 and index.right == 1 and step != 1 and self.plan.lanes > 1:
            blocks = index.size // self.plan.lanes
        if blocks:
            with loop(self.builder, blocks) as block:
                place = self.builder.mul(block, INDEX(self.plan.lanes))
                at = self.builder.add(by_source, place)
                self._copy_block(
                    sources, step, at, out, self._plus(by_out, place, target.right), target.right
                )
        done = blocks * self.plan.lanes
        if done == index.size:
            return
        with loop(self.builder, index.size - done) as rest:
            place = self.builder.add(rest, INDEX(done))
            self._copy(
                summed[1:],
                packed[1:],
                sources,
                step,
                self._plus(by_source, place, index.right),
                out,
                self._plus(by_out, place, target.right),
            )

    def _copy_row(self, sources: list[Any], step: int, by_source: Any, out: Any, by_out: Any) -> None:
        builder = self.builder
        for number, source in enumerate(sources):
            for lane in range(self.plan.lanes):
                at = builder.add(by_source, INDEX(lane * step))
                value = builder.load(builder.gep(source, [at], source_etype=self.kind), typ=self.kind)
                to = builder.add(by_out, INDEX(number * self.plan.lanes + lane))
                builder.store(value, builder.gep(out, [to], source_etype=self.kind))

    def _copy_block(
        self, sources: list[Any], step: int, by_source: Any, out: Any, by_out: Any, row: int
    ) -> None:
        """As many summed indices as a vector has lanes, which lie side by side in the source."""
        builder, lanes = self.builder, self.plan.lanes
        block = block_function(builder.module, self.kind, lanes)
        for number, source in enumerate(sources):
            begin = builder.gep(source, [by_source], source_etype=self.kind)
            to = builder.add(by_out, INDEX(number * lanes))
            target = builder.gep(out, [to], source_etype=self.kind)
            builder.call(block, [begin, INDEX(step), target, INDEX(row), INDEX(lanes)])

    # --- multiplying ----------------------------------------------------------------------------------------

    def tile(
        self, number: Any, lefts: Operands, rights: Operands, panels: Any, target: Target, pairs: int
    ) -> None:
        """Compute and store tile `number`."""
        builder, plan = self.builder, self.plan
        per_batch = plan.row_tiles * plan.column_tiles
        batch, place = builder.udiv(number, INDEX(per_batch)), builder.urem(number, INDEX(per_batch))
        inner = plan.row_tiles if plan.rows_innermost else plan.column_tiles
        slow, fast = builder.udiv(place, INDEX(inner)), builder.urem(place, INDEX(inner))
        row, column = (fast, slow) if plan.rows_innermost else (slow, fast)
        by_left, by_right, *begins = self.offsets(
            batch, plan.problem.batch, ("left", "right", "out", "added")
        )
        rows = self.row_offsets(row, ("left", "out", "added"))
        vectors = self.vector_offsets(column, ("right", "out", "added"))
        panel = builder.add(builder.mul(self._panel_batch(batch), INDEX(plan.column_tiles)), column)

        def pointers(pair: Any) -> tuple[list[Any], list[Any]]:
            left = lefts(pair)
            at_rows = [self._at(left, by_left, offset) for offset, *_ in rows]
            if not plan.packs:
                right = rights(pair)
                return at_rows, [self._at(right, by_right, offset) for offset, *_ in vectors]
            own = builder.add(builder.mul(pair, INDEX(self.panels)), panel)
            first = builder.mul(own, INDEX(plan.panel))
            return at_rows, [self._at(panels, first, INDEX(v * plan.lanes)) for v in range(plan.vectors)]

        summed = packed_indices(plan) if plan.packs else plan.problem.summed
        tile = Tile(builder, self.kind, plan.lanes, plan.height, plan.vectors, plan.summands, summed)
        sums = tile.products(pairs, pointers)
        self._store(sums, target, begins, [steps for _, *steps in rows], [steps for _, *steps in vectors])

    def _panel_batch(self, batch: Any) -> Any:
        """The number of the right operand that a batch reads."""
        found: Any = INDEX(0)
        step = 1
        for place in reversed(range(len(self.plan.problem.batch))):
            index = self.plan.problem.batch[place]
            value = self.builder.urem(batch, INDEX(index.size))
            batch = self.builder.udiv(batch, INDEX(index.size))
            if index.right:
                found = self._plus(found, value, step)
                step *= index.size
        return found

    def _at(self, pointer: Any, start: Any, offset: Any) -> Any:
        return self.builder.gep(pointer, [self.builder.add(start, offset)], source_etype=self.kind)

    def _store(
        self, sums: list[list[Any]], target: Target, begins: list[Any], rows: list[Any], vectors: list[Any]
    ) -> None:
        """The tile to where it belongs; rows and vectors lead to it in the result and in what is added."""
        builder, plan = self.builder, self.plan
        step = plan.problem.columns[-1].out if plan.problem.columns else 1
        if step == 1 or plan.lanes == 1:
            for row, values in zip(rows, sums, strict=True):
                for vector, value in zip(vectors, values, strict=True):
                    to, more = self._places(target, begins, row, vector)
                    if more is not None:
                        value = builder.fadd(value, builder.load(more, align=self.itemsize, typ=value.type))
                    builder.store(value, to, align=self.itemsize)
            return
        for begin in range(0, plan.height, plan.lanes):
            some = rows[begin : begin + plan.lanes]
            for place, vector in enumerate(vectors):
                block = self._in_memory([values[place] for values in sums[begin : begin + plan.lanes]])
                self._store_columns(block, target, begins, vector, step, some)

    def _places(
        self, target: Target, begins: list[Any], row: list[Any], vector: list[Any]
    ) -> tuple[Any, Any]:
        """Pointers to the result, and to what is added to it, if anything."""
        to, more = (
            self.builder.add(self.builder.add(begin, across), down)
            for begin, across, down in zip(begins, vector, row, strict=True)
        )
        added = target.added and self.builder.gep(target.added, [more], source_etype=self.kind)
        return self.builder.gep(target.out, [to], source_etype=self.kind), added

    def _in_memory(self, values: list[Any]) -> Any:
        """Vectors one after the other in memory, for as many as they have lanes."""
        builder = self.builder
        with builder.goto_entry_block():
            block = builder.alloca(self.vector, size=INDEX(self.plan.lanes))
        for place, value in enumerate(values):
            builder.store(value, builder.gep(block, [INDEX(place)], source_etype=self.vector))
        return block

    def _store_columns(
        self, block: Any, target: Target, begins: list[Any], vector: list[Any], step: int, rows: list[Any]
    ) -> None:
        """A block whose columns lie `step` apart in the result: turned if its rows lie side by side there."""
        builder, problem = self.builder, self.plan.problem
        to, more = self._places(target, begins, rows[0], vector)
        if len(rows) > 1 and not (problem.rows and problem.rows[-1].out == 1):
            self._store_elements(block, to, step, rows)
        elif len(problem.rows) <= 1:
            self._store_turned(block, to, more, step, len(rows))
        else:
            distance = builder.sub(rows[-1][0], rows[0][0])
            together = builder.icmp_signed("==", distance, INDEX(len(rows) - 1))
            with builder.if_else(together, likely=True) as (then, otherwise):
                with then:
                    self._store_turned(block, to, None, step, len(rows))
                with otherwise:
                    self._store_elements(block, to, step, rows)

    def _store_turned(self, block: Any, to: Any, more: Any, step: int, rows: int) -> None:
        lanes, module = self.plan.lanes, self.builder.module
        arguments = [block, INDEX(lanes), to, INDEX(step), INDEX(rows)]
        if more is not None:
            arguments += [more, INDEX(self.plan.problem.columns[-1].added)]
        function = block_function(module, self.kind, lanes, adds=more is not None)
        self.builder.call(function, arguments)

    def _store_elements(self, block: Any, to: Any, step: int, rows: list[Any]) -> None:
        builder = self.builder
        with builder.goto_entry_block():
            offsets = builder.alloca(INDEX, size=INDEX(len(rows)))
        for place, (row, _) in enumerate(rows):
            distance = builder.sub(row, rows[0][0])
            builder.store(distance, builder.gep(offsets, [INDEX(place)], source_etype=INDEX))
        arguments = [block, to, INDEX(step), offsets, INDEX(len(rows))]
        builder.call(scatter_function(builder.module, self.kind, self.plan.lanes), arguments)


def adds_at_once(plan: Plan) -> bool:
    """Whether what is added to the sums can be added while they are stored."""
    rows, columns = plan.problem.rows, plan.problem.columns
    if plan.parts > 1:
        return False
    if not columns or columns[-1].out == 1:
        return not columns or columns[-1].added == 1
    if plan.lanes == 1:
        return True
    return len(rows) <= 1 and (not rows or rows[0].added == rows[0].out == 1)
