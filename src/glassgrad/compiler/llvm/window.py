"""What happens in one window: its taps, written out or in loops, combined to the elements of a result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ...graph import Node
from ...graph.loops import Strides
from .nest import INDEX, counted
from .sliding import Progression, Sliding, Taps
from .types import in_memory
from .vectors import constant, lanes, load, splat

if TYPE_CHECKING:
    from .pooling import WindowFunction

Surroundings = dict[int, tuple[Taps | Progression, Any]]
"""For each axis with windows the taps and the position."""


@dataclass(frozen=True)
class Operand:
    """An input or a result: which memory, where in it, and whether the taps of windows lie in it."""

    node: Node
    owner: Node
    offset: int
    strides: Strides
    tapped: bool


@dataclass(frozen=True)
class Around:
    """One axis of the loops: its size, how far each operand moves per step, and its windows if there are any."""

    size: int
    steps: tuple[int, ...]
    within: tuple[int, ...]
    """How far each operand moves per element along this axis."""
    number: int | None = None
    """Which of the axes with windows it is."""
    sliding: Sliding | None = None

    @property
    def outputs(self) -> int:
        """How many outputs a position has."""
        return self.sliding.outer if self.sliding else 1


@dataclass(frozen=True)
class At:
    """Where a tap is: the operands' offsets there, its number, and how many elements the window has on both sides."""

    offsets: list[Any]
    number: Any
    behind: int = 0
    ahead: int = 0


class Window:
    """As many windows, or elements that windows lie around, as a vector has places."""

    def __init__(
        self, code: WindowFunction, around: Surroundings, axis: Around, offsets: list[Any], width: int
    ) -> None:
        self.code, self.axis, self.width = code, axis, width
        self.builder, self.dtype, self.kind = code.builder, code.dtype, code.loops.kind
        self.here = At(offsets, 0)
        self.taps = [around[depth][0] for depth in range(len(around))]
        self.bounds = [
            self._bounds(taps, around[depth][1], code.slidings[depth])
            if isinstance(taps, Progression)
            else None
            for depth, taps in enumerate(self.taps)
        ]

    def combined(self) -> list[Any]:
        """Vectors of results, one for each of the nodes."""
        if self.kind in ("maximum", "place"):
            return self._largest()
        total = self._total(0, self.here)
        return [ir.Constant(lanes(in_memory(self.dtype), self.width), None) if total is None else total]

    # --- taps -----------------------------------------------------------------------------------------------

    def _bounds(self, taps: Progression, position: Any, sliding: Sliding) -> tuple[Any, Any]:
        """The first of the taps that is inside, and the one after the last."""
        if taps.whole:
            return INDEX(0), INDEX(taps.count)
        builder, step, inputs = self.builder, abs(taps.step[1]), sliding.inputs
        base = builder.add(builder.mul(position, INDEX(sliding.inner)), INDEX(taps.first[1]))

        def over(value: Any) -> Any:
            """How many whole steps fit."""
            positive = builder.select(builder.icmp_signed(">", value, INDEX(0)), value, INDEX(0))
            return builder.udiv(positive, INDEX(step))

        if taps.step[1] > 0:
            first = over(builder.sub(INDEX(step - 1), base))
            last = over(builder.sub(INDEX(inputs + step - 1), base))
        else:
            first = over(builder.add(base, INDEX(step - inputs)))
            last = over(builder.add(base, INDEX(step)))
        return first, builder.select(
            builder.icmp_signed("<", last, INDEX(taps.count)), last, INDEX(taps.count)
        )

    def _each(self, depth: int, at: At, inside: Callable[[At], None]) -> None:
        """Go to every tap along an axis."""
        taps, bounds = self.taps[depth], self.bounds[depth]
        if not isinstance(taps, Progression):
            for k, shift in taps:
                there = self._moved(depth, at, k, INDEX(shift))
                if self.axis.number == depth:
                    there = replace(there, behind=shift - taps[0][1], ahead=taps[-1][1] - shift)
                inside(there)
            return
        assert bounds is not None
        builder = self.builder
        with counted(builder, *bounds, "tap") as index:
            k, shift = (
                builder.add(INDEX(start), builder.mul(index, INDEX(step)))
                for start, step in zip(taps.first, taps.step, strict=True)
            )
            inside(self._moved(depth, at, k, shift))

    def _moved(self, depth: int, at: At, k: Any, shift: Any) -> At:
        builder, within = self.builder, self.code.by_number[depth].within
        offsets = [
            builder.add(offset, builder.mul(shift, INDEX(step))) if operand.tapped and step else offset
            for offset, operand, step in zip(at.offsets, self.code.operands, within, strict=True)
        ]
        return replace(
            at, offsets=offsets, number=self._numbered(at.number, self.code.loops.kernel[depth], k)
        )

    def _numbered(self, before: Any, size: int, k: Any) -> Any:
        """The number of a place from its number along the axes before: known now, or when the code runs."""
        if isinstance(before, int) and isinstance(k, int):
            return before * size + k
        before, k = (INDEX(n) if isinstance(n, int) else n for n in (before, k))
        return self.builder.add(self.builder.mul(before, INDEX(size)), k)

    def _cell(self, kind: Any, value: Any) -> Any:
        """Memory for what loops change; LLVM keeps it in registers."""
        with self.builder.goto_entry_block():
            cell = self.builder.alloca(lanes(kind, self.width))
        self.builder.store(value, cell)
        return cell

    def _read(self, cell: Any, kind: Any) -> Any:
        return self.builder.load(cell, typ=lanes(kind, self.width))

    # --- sums -----------------------------------------------------------------------------------------------

    def _total(self, depth: int, at: At) -> Any:
        """The sum over the taps, axis by axis, so that it is as exact as NumPy's; None without any."""
        if depth == len(self.taps):
            return self._term(at)
        add = self.builder.fadd if self.dtype.kind == "f" else self.builder.add
        parts: list[Any] = []
        if not isinstance(self.taps[depth], Progression):
            self._each(depth, at, lambda there: parts.append(self._total(depth + 1, there)))
            total = None
            for part in parts:
                total = part if total is None else total if part is None else add(total, part)
            return total
        kind = in_memory(self.dtype)
        cell = self._cell(kind, constant(kind, self.width, 0))

        def inside(there: At) -> None:
            part = self._total(depth + 1, there)
            if part is not None:
                self.builder.store(add(self._read(cell, kind), part), cell)

        self._each(depth, at, inside)
        return self._read(cell, kind)

    def _term(self, at: At) -> Any:
        """What one tap adds; None for nothing."""
        builder = self.builder
        value = self._load(0, at)
        if self.kind in ("add", "spread"):
            return value
        dtype = self.code.operands[1].node.dtype
        kind, found = in_memory(dtype), self._load(1, at)
        if isinstance(at.number, int):
            if at.number > np.iinfo(dtype).max:
                return None
            wanted = constant(kind, self.width, at.number)
        else:
            if kind.width < 32:
                kind = ir.IntType(32)
                found = (builder.sext if dtype.kind == "i" else builder.zext)(found, lanes(kind, self.width))
            wanted = self._everywhere(at.number, kind)
        here = builder.icmp_signed("==", found, wanted)
        return builder.select(here, value, constant(in_memory(self.dtype), self.width, 0))

    def _everywhere(self, number: Any, kind: Any) -> Any:
        """The number of a place as an integer of some type, in every place of a vector."""
        if isinstance(number, int):
            return constant(kind, self.width, number)
        if kind.width < INDEX.width:
            number = self.builder.trunc(number, kind)
        return number if self.width == 1 else splat(self.builder, number, self.width)

    # --- extrema --------------------------------------------------------------------------------------------

    def _largest(self) -> list[Any]:
        kind = in_memory(self.dtype)
        whole = ir.IntType(8 * max(self.dtype.itemsize, 4))
        best = self._cell(kind, constant(kind, self.width, _lowest(self.dtype)))
        place = self._cell(whole, self._everywhere(self._first_number(), whole))

        def visit(depth: int, at: At) -> None:
            if depth < len(self.taps):
                self._each(depth, at, lambda there: visit(depth + 1, there))
                return
            part, before = self._load(0, at), self._read(best, kind)
            better = self._is_better(part, before)
            number = self._everywhere(at.number, whole)
            self.builder.store(self.builder.select(better, part, before), best)
            self.builder.store(self.builder.select(better, number, self._read(place, whole)), place)

        visit(0, self.here)
        return [
            self._read(best, kind)
            if wanted == "maximum"
            else self._narrowed(self._read(place, whole), whole, in_memory(node.dtype))
            for node, wanted in self.code.kinds.items()
        ]

    def _first_number(self) -> Any:
        """The number of the first place that is inside; 0 if there is none."""
        builder = self.builder
        number: Any = 0
        some: Any = None
        for taps, bounds, size in zip(self.taps, self.bounds, self.code.loops.kernel, strict=True):
            if isinstance(taps, Progression):
                assert bounds is not None
                first, last = bounds
                there = builder.icmp_signed("<", first, last)
                some = there if some is None else builder.and_(some, there)
                k = builder.add(builder.mul(first, INDEX(taps.step[0])), INDEX(taps.first[0]))
                number = self._numbered(number, size, k)
            elif taps:
                number = self._numbered(number, size, taps[0][0])
            else:
                return 0
        return number if some is None else builder.select(some, number, INDEX(0))

    def _is_better(self, part: Any, best: Any) -> Any:
        """Whether a later element wins: a larger one, or the first NaN."""
        builder = self.builder
        if self.dtype.kind == "f":
            larger = builder.fcmp_unordered(">", part, best)
            return builder.and_(larger, builder.fcmp_ordered("ord", best, best))
        compare = builder.icmp_unsigned if self.dtype.kind in "ub" else builder.icmp_signed
        return compare(">", part, best)

    def _narrowed(self, value: Any, whole: Any, kind: Any) -> Any:
        if whole.width == kind.width:
            return value
        change = self.builder.trunc if whole.width > kind.width else self.builder.zext
        return change(value, lanes(kind, self.width))

    def _load(self, place: int, at: At) -> Any:
        operand, axis = self.code.operands[place], self.axis
        behind, ahead = (at.behind, at.ahead) if operand.tapped and axis.within[place] == 1 else (0, 0)
        kind, step = in_memory(operand.node.dtype), axis.steps[place]
        pointer = self.code.pointers[place]
        return load(self.builder, pointer, at.offsets[place], kind, self.width, step, behind, ahead)


def _lowest(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return -math.inf
    return 0 if dtype.kind == "b" else int(np.iinfo(dtype).min)
