"""How a contraction is cut into tiles that stay in registers, and what is copied first so that vectors can be loaded.

A tile is `height` rows times `vectors` vectors of `lanes` columns. For each summed index the processor loads the
vectors of the right operand, one number after the other of the left, and adds their products to the tile. The left
operand may lie anyhow; the right one must have neighbouring columns side by side, or is packed: copied into panels in
which the columns of a tile lie together. Which operand is the right one is free, because a transposed product is as
good; what it costs decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

from .problem import Index, Indices, Problem


@dataclass(frozen=True)
class Processor:
    """What of a processor the plan depends on."""

    vector_bytes: int
    registers: int


@dataclass(frozen=True)
class Plan:
    """A problem, perhaps transposed, and its tiles."""

    problem: Problem
    is_swapped: bool
    packs: bool
    lanes: int
    vectors: int
    height: int
    nanoseconds: float
    """About how long it takes on one thread, without packing."""
    packing_nanoseconds: float

    @property
    def chunks(self) -> int:
        """How many vectors cover the innermost column index; the last may overlap the one before."""
        inner = _inner(self.problem.columns)
        return -(-inner.size // self.lanes)

    @property
    def all_vectors(self) -> int:
        """How many vectors cover all columns."""
        return self.chunks * prod(index.size for index in self.problem.columns[:-1])

    @property
    def column_tiles(self) -> int:
        """How many tiles stand side by side."""
        return -(-self.all_vectors // self.vectors)

    @property
    def row_tiles(self) -> int:
        """How many tiles stand one below the other."""
        return -(-self.problem.sizes[1] // self.height)

    @property
    def tiles(self) -> int:
        """How many tiles there are in all."""
        return self.problem.sizes[0] * self.row_tiles * self.column_tiles

    @property
    def rows_innermost(self) -> bool:
        """Whether tiles with the same columns follow one another: the operand read less often in all stays near."""
        _, rows, columns, _ = self.problem.sizes
        return rows * self.column_tiles <= columns * self.row_tiles

    @property
    def panel(self) -> int:
        """How many elements a packed panel has."""
        return self.problem.sizes[3] * self.vectors * self.lanes


ONE = Index(1, 0, 0, 0)
CYCLE = 0.29
"""Nanoseconds."""
PACKED_ELEMENT = 0.35
SCATTERED_ELEMENT = 0.45
"""Nanoseconds for each element of a result whose columns do not lie side by side."""


def _inner(columns: Indices) -> Index:
    return columns[-1] if columns else ONE


def _with_inner(columns: Indices, place: int) -> Indices:
    """The indices with one of them as the innermost."""
    return columns[:place] + columns[place + 1 :] + columns[place : place + 1]


@lru_cache(maxsize=4096)
def plan(problem: Problem, itemsize: int, processor: Processor) -> Plan:
    """The cheapest plan."""
    return min(
        _candidates(problem.simplified, itemsize, processor),
        key=lambda p: p.nanoseconds + p.packing_nanoseconds,
    )


def _candidates(problem: Problem, itemsize: int, processor: Processor) -> Iterator[Plan]:
    widest = processor.vector_bytes // itemsize
    for is_swapped in (False, True):
        turned = problem.swapped if is_swapped else problem
        for place, packs in _ways(turned):
            columns = _with_inner(turned.columns, place) if turned.columns else ()
            oriented = replace(turned, columns=columns)
            lanes = widest
            while lanes > max(1, _inner(columns).size):
                lanes //= 2
            for width in {lanes, max(1, lanes // 2)}:
                for vectors in (1, 2, 3, 4):
                    yield _tiled(oriented, is_swapped, packs, width, vectors, itemsize, processor)


def _ways(problem: Problem) -> Iterator[tuple[int, bool]]:
    """Which column index may be the innermost, and whether it must be packed."""
    for place, index in enumerate(problem.columns):
        if index.right == 1:
            yield place, False
    yield len(problem.columns) - 1, True


def _tiled(
    problem: Problem,
    is_swapped: bool,
    packs: bool,
    lanes: int,
    vectors: int,
    itemsize: int,
    processor: Processor,
) -> Plan:
    batch, rows, columns, summed = problem.sizes
    highest = max(1, (processor.registers - 1) // vectors - 1)
    height = -(-rows // -(-rows // highest))
    draft = Plan(problem, is_swapped, packs, lanes, vectors, height, 0.0, 0.0)
    # 64 bytes can be multiplied and added per cycle, and two numbers loaded; additions take turns of four cycles
    products = max(vectors * height * max(lanes * itemsize, 32) / 64, (height + vectors) / 2, 4.0 / 2)
    products += (height + vectors) / 64  # of two that take as long, that which loads less
    cycles = draft.tiles * (summed * products + 12 + height * vectors)
    scattered = batch * rows * columns if _inner(problem.columns).out != 1 and columns > 1 else 0
    packed = 0 if not packs else draft.column_tiles * draft.panel * _different(problem)
    return replace(
        draft,
        nanoseconds=cycles * CYCLE + scattered * SCATTERED_ELEMENT,
        packing_nanoseconds=packed * PACKED_ELEMENT,
    )


def _different(problem: Problem) -> int:
    """How many different right operands the batch has."""
    return prod(index.size for index in problem.batch if index.right)
