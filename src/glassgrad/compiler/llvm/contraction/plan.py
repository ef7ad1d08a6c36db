"""How a contraction is cut into tiles that stay in registers, and what is copied first so that vectors can be loaded.

A tile is `height` rows times `vectors` vectors of `lanes` columns. For each summed index the processor loads the
vectors of the right operand, one number after the other of the left, and adds their products to the tile. The left
operand may lie anyhow; the right one must have neighbouring columns side by side, or is packed: copied into panels in
which the columns of a tile lie together. Which operand is the right one is free, because a transposed product is as
good; what it costs decides.
"""

from __future__ import annotations

import math
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
    summands: int = 1
    """How many summed indices a vector has, if it has one column: both operands' neighbours are loaded together, and
    the lanes are added up in the end."""
    parts: int = 1
    """How many results there are to be added up, each of a part of the summed indices."""

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
PER_TILE = 40
"""Cycles to find a tile's operands, and to store it, beside the elements."""
PACKED_ELEMENT, TRANSPOSED_ELEMENT = 0.35, 0.15
"""Nanoseconds to copy an element into a panel: one by one, or in blocks where summed indices lie side by side."""
SCATTERED_ELEMENT, TURNED_ELEMENT = 0.6, 0.15
"""Nanoseconds for each element of a result whose columns do not lie side by side: one by one, or in blocks where its
rows do."""
NEAR = 400_000
"""Bytes that stay in a core's own cache from tile to tile."""
PART_ELEMENT = 0.15
"""Nanoseconds to store an element of a part's result, and to add it up."""
ENOUGH_TILES, WORTH_SHARING = 12, 20_000.0
"""With so many tiles threads end about together; sums of fewer nanoseconds are not cut for that."""
FAR_BYTE = 0.05
"""Nanoseconds for a byte from beyond it."""
FIRST_CACHE, FROM_SECOND = 24_000, 24
"""Bytes of a panel that stay in the first cache from tile to tile; bytes that come from the second in a cycle."""
POINTERS = 11
"""Rows that no constant steps lead to need a pointer each; more of them than registers are loaded time and again."""
CACHE_PERIOD, CACHE_LINE, FEW_LINES = 4096, 64, 3
"""Lines that lie a multiple of the first apart share a place in the first cache, which holds a few of them."""


def _inner(columns: Indices) -> Index:
    return columns[-1] if columns else ONE


def _with_inner(columns: Indices, place: int) -> Indices:
    """The indices with one of them as the innermost."""
    return columns[:place] + columns[place + 1 :] + columns[place : place + 1]


@lru_cache(maxsize=4096)
def plan(problem: Problem, itemsize: int, processor: Processor) -> Plan:
    """The cheapest plan. Where few tiles share long sums, these are cut into parts, each with a result of its own."""
    simple = problem.simplified
    best = _cheapest(simple, itemsize, processor)
    parts = _parts(best, itemsize)
    if parts == 1:
        return best
    return replace(_cheapest(_in_parts(simple, parts), itemsize, processor), parts=parts)


def _cheapest(problem: Problem, itemsize: int, processor: Processor) -> Plan:
    return min(_candidates(problem, itemsize, processor), key=lambda p: p.nanoseconds + p.packing_nanoseconds)


def _parts(whole: Plan, itemsize: int) -> int:
    """Into how many parts sums are cut: until every part's panel stays near, and there is work for several threads.

    Not if it would cost more than a tenth, for the parts' results are to be added up, or if the result does not lie in
    one piece, as they do.
    """
    batch, rows, columns, _ = whole.problem.sizes
    if batch > 1 or not whole.problem.summed or not whole.problem.is_compact:
        return 1
    longest = whole.problem.summed[0].size
    most = min(64, int(0.1 * whole.nanoseconds / (2 * rows * columns * PART_ELEMENT)))
    far = whole.panel * itemsize / NEAR if whole.row_tiles > 1 else 1.0
    wanted = max(far, ENOUGH_TILES / whole.tiles if whole.nanoseconds > WORTH_SHARING else 1.0)
    allowed = [parts for parts in range(2, most + 1) if longest % parts == 0]
    if wanted <= 1 or not allowed:
        return 1
    return next((parts for parts in allowed if parts >= wanted), allowed[-1])


def _in_parts(problem: Problem, parts: int) -> Problem:
    """The problem with the outermost summed index cut, and a result for each part, one after the other."""
    longest, *rest = problem.summed
    size = longest.size // parts
    _, rows, columns, _ = problem.sizes
    part = Index(parts, longest.left * size, longest.right * size, rows * columns)
    return replace(problem, batch=(part,), summed=(replace(longest, size=size), *rest))


def _candidates(problem: Problem, itemsize: int, processor: Processor) -> Iterator[Plan]:
    widest = processor.vector_bytes // itemsize
    yield from _dots(problem, widest, itemsize, processor)
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


def _dots(problem: Problem, widest: int, itemsize: int, processor: Processor) -> Iterator[Plan]:
    """Vectors along the summed indices, where both operands have them side by side: for few columns."""
    inner = problem.summed[-1] if problem.summed else ONE
    summands = math.gcd(inner.size, widest)
    if inner.left != 1 or inner.right != 1 or summands < 4:
        return
    for width in (1, 2, 4):
        rows, columns = problem.sizes[1:3]
        if width > columns:
            return
        highest = max(1, (processor.registers - 2) // width - 1)
        height = -(-rows // -(-rows // min(highest, 8)))
        draft = Plan(problem, False, False, 1, width, height, 0.0, 0.0, summands)
        loads = (height + width) * max(summands * itemsize, 32) / 64
        products = max(height * width * max(summands * itemsize, 32) / 64, loads, 4.0)
        cycles = draft.tiles * (problem.sizes[3] / summands * products + PER_TILE + height * width * 5)
        yield replace(draft, nanoseconds=max(cycles * CYCLE, _far_bytes(draft, itemsize) * FAR_BYTE))


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
    products = max(vectors * height * max(lanes * itemsize, 32) / 64, (height + vectors) / 1.6, 4.0 / 2)
    if _collides(rows_of(draft), height, itemsize):
        products = max(products, 2.0 * height)
    line = vectors * lanes * itemsize
    if summed * line > FIRST_CACHE:
        products = max(products, line / FROM_SECOND)
    if len(problem.rows) > 1 and height > POINTERS:
        products = max(products, float(height))
    products += (height + vectors) / 64  # of two that take as long, that which loads less
    cycles = draft.tiles * (summed * products + PER_TILE + height * vectors)
    scattered = packed = 0.0
    if _inner(problem.columns).out != 1 and columns > 1:
        turned = bool(problem.rows) and problem.rows[-1].out == 1
        scattered = batch * rows * columns * (TURNED_ELEMENT if turned else SCATTERED_ELEMENT)
    if packs:
        turned = bool(problem.summed) and problem.summed[-1].right == 1 and _inner(problem.columns).right != 1
        element = TRANSPOSED_ELEMENT if turned else PACKED_ELEMENT
        packed = draft.column_tiles * draft.panel * _different(problem) * element
    return replace(
        draft,
        nanoseconds=max(cycles * CYCLE, _far_bytes(draft, itemsize) * FAR_BYTE) + scattered,
        packing_nanoseconds=packed,
    )


def rows_of(plan: Plan) -> Index:
    """The innermost row index."""
    return plan.problem.rows[-1] if plan.problem.rows else ONE


def _collides(row: Index, height: int, itemsize: int) -> bool:
    """Whether the rows of a tile push one another out of the first cache."""
    step = abs(row.left) * itemsize
    if step < CACHE_LINE:
        return False
    places = CACHE_PERIOD // math.gcd(step, CACHE_PERIOD)
    return height / places > FEW_LINES


def _far_bytes(draft: Plan, itemsize: int) -> float:
    """What must come from beyond a core's own cache: an operand that does not fit, each time it is read again."""
    batch, rows, columns, summed = draft.problem.sizes
    left, right = rows * summed * itemsize, columns * summed * itemsize
    if left + right <= NEAR:
        return 0
    if draft.rows_innermost:
        again = draft.column_tiles if left > NEAR else 1
        return batch * (left * again + right)
    again = draft.row_tiles if right > NEAR else 1
    return batch * (left + right * again)


def _different(problem: Problem) -> int:
    """How many different right operands the batch has."""
    return prod(index.size for index in problem.batch if index.right)
