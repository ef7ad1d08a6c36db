"""The innermost part of a contraction: the products of a tile, added up in registers.

The accumulators are values of LLVM that every loop hands on; there are as many as the plan has found registers for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from ..nest import INDEX, carrying
from ..number import declared
from ..types import LANE, itemsize
from ..vectors import splat
from .problem import Index, Indices

WRITTEN_OUT = 96
"""How many products of vectors are written out one after the other: enough to hide what a loop costs, few enough to be
compiled fast."""

SETS = 4
"""How many sets of accumulators a small tile has at most."""

LONGEST = 4096
"""How many summands are added one after the other. More of them are summed in parts, and the parts' sums added up, so
that rounding does not grow with their number."""

IN_FLIGHT = 8
"""How many additions a processor has under way at once; a tile with fewer accumulators gets several sets."""


Pointers = Callable[[Any], tuple[Sequence[Any], Sequence[Any]]]
"""From the number of a pair of operands to a pointer for each row and one for each vector, at the first summand."""


class Tile:
    """Accumulators of `height` times `vectors` vectors, and the code that fills them."""

    def __init__(
        self,
        builder: ir.IRBuilder,
        kind: Any,
        lanes: int,
        height: int,
        vectors: int,
        summands: int,
        summed: Indices,
    ) -> None:
        self.builder = builder
        self.kind = kind
        self.summands = summands
        self.lanes = lanes * summands
        self.vector = ir.VectorType(kind, self.lanes)
        self.height = height
        self.vectors = vectors
        self.summed = _in_parts(_every(summands, summed))
        self.sets = max(1, min(SETS, IN_FLIGHT // (height * vectors))) if summed else 1
        name = f"llvm.fmuladd.v{self.lanes}f{8 * itemsize(kind)}"
        signature = ir.FunctionType(self.vector, [self.vector] * 3)
        self.multiply_add = declared(builder.module, name, signature)
        self.itemsize = itemsize(kind)
        self.number = 0

    def products(self, pairs: int, pointers: Pointers) -> list[list[Any]]:
        """The sums of products of all pairs of operands: for each row of the tile its vectors."""
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        sums = [zero] * (self.sets * self.height * self.vectors)

        def pair(number: Any, sums: list[Any]) -> list[Any]:
            self.left, self.right = pointers(number)
            return self._over(self.summed, INDEX(0), INDEX(0), sums)

        sums = carrying(self.builder, INDEX(pairs), 1, sums, pair) if pairs > 1 else pair(INDEX(0), sums)
        size = self.height * self.vectors
        total = sums[:size]
        for place in range(size, len(sums)):
            total[place % size] = self.builder.fadd(total[place % size], sums[place])
        if self.summands > 1:
            total = [self._added_up(value) for value in total]
        return [total[row * self.vectors : (row + 1) * self.vectors] for row in range(self.height)]

    def _over(self, summed: Indices, by_left: Any, by_right: Any, sums: list[Any]) -> list[Any]:
        """The sums with everything added that the indices run over, the operands moved on by two offsets."""
        if not summed:
            return self._one(by_left, by_right, sums)
        index, *rest = summed
        inner = tuple(rest)
        in_parts = _count(inner) <= LONGEST < _count(summed)

        def at(left: Any, right: Any, sums: list[Any]) -> list[Any]:
            if not in_parts:
                return self._over(inner, left, right, sums)
            zero = ir.Constant(self.vector, [0.0] * self.lanes)
            part = self._over(inner, left, right, [zero] * len(sums))
            return [self.builder.fadd(total, more) for total, more in zip(sums, part, strict=True)]

        def several(count: int, left: Any, right: Any, sums: list[Any]) -> list[Any]:
            for _ in range(count):
                sums = at(left, right, sums)
                left, right = self._moved(left, index.left), self._moved(right, index.right)
            return [left, right, *sums]

        room = WRITTEN_OUT // (self.height * self.vectors)
        if _count(summed) <= room:
            return several(index.size, by_left, by_right, sums)[2:]
        step = 1 if inner else min(index.size, max(self.sets, min(8, room // 2)))
        whole = index.size // step * step

        def body(_: Any, carried: list[Any]) -> list[Any]:
            left, right, *sums = carried
            return several(step, left, right, sums)

        # the offsets are handed on, so that each is one register that all rows and vectors have as their index
        left, right, *sums = carrying(self.builder, INDEX(whole), step, [by_left, by_right, *sums], body)
        return several(index.size - whole, left, right, sums)[2:]

    def _moved(self, offset: Any, step: int) -> Any:
        return self.builder.add(offset, INDEX(step)) if step else offset

    def _one(self, by_left: Any, by_right: Any, sums: list[Any]) -> list[Any]:
        """The products at one summand added to one set of accumulators, the sets taking turns."""
        builder = self.builder
        rights = [
            builder.load(
                builder.gep(pointer, [by_right], source_etype=self.kind),
                align=self.itemsize,
                typ=self.vector,
            )
            for pointer in self.right
        ]
        size = self.height * self.vectors
        first = self.number % self.sets * size
        self.number += 1
        sums = list(sums)
        for row, pointer in enumerate(self.left):
            address = builder.gep(pointer, [by_left], source_etype=self.kind)
            if self.summands > 1:
                spread = builder.load(address, align=self.itemsize, typ=self.vector)
            else:
                spread = splat(self.builder, builder.load(address, typ=self.kind), self.lanes)
            for place, vector in enumerate(rights):
                at = first + row * self.vectors + place
                sums[at] = builder.call(self.multiply_add, [spread, vector, sums[at]])
        return sums

    def _added_up(self, vector: Any) -> Any:
        """The sum of the lanes, as a vector of one: halves are added until one lane is left."""
        size = self.lanes
        while size > 1:
            size //= 2
            halves = [
                ir.Constant(ir.VectorType(LANE, size), [*range(first, first + size)]) for first in (0, size)
            ]
            undefined = ir.Constant(vector.type, ir.Undefined)
            low, high = (self.builder.shuffle_vector(vector, undefined, half) for half in halves)
            vector = self.builder.fadd(low, high)
        return vector


def _every(summands: int, summed: Indices) -> Indices:
    """The indices with the innermost in steps of `summands`."""
    if summands == 1:
        return summed
    *outer, inner = summed
    steps = (inner.left * summands, inner.right * summands)
    return (*outer, Index(inner.size // summands, *steps, 0))


def _in_parts(summed: Indices) -> Indices:
    """The indices with an innermost one that is too long split in two."""
    if not summed or summed[-1].size <= LONGEST:
        return summed
    *outer, inner = summed
    part = next((size for size in range(LONGEST // 4, 63, -1) if inner.size % size == 0), 0)
    if not part:
        return summed
    steps = inner.left * part, inner.right * part
    return (*outer, Index(inner.size // part, *steps, 0), Index(part, inner.left, inner.right, 0))


def _count(summed: Indices) -> int:
    return math.prod(index.size for index in summed)
