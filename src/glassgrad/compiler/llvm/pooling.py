"""Windows combined to a number each, and back, as an LLVM function: pooling and its derivatives.

Loops run over the result in the order of its memory, and vectors along the axis whose elements lie side by side: the
channels if they come last, else the last axis, whose neighbours in windows are picked out of longer vectors. The taps
of a window are written out one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir

from ...graph import Node
from ...graph.loops import Strides, Windowed
from .alone import AloneCode
from .code import Phase, Share
from .nest import INDEX, counted, loop
from .sliding import Sliding, Taps, blocks, to_elements, to_windows
from .types import in_memory
from .vectors import constant, joined, lanes, load, spread_out, store

if TYPE_CHECKING:
    from ..kernels import Alone, Units

VECTOR_BYTES = 64
MOST_TAPS = 512
"""How many taps are written out at most, those of positions near edges for themselves."""

PIECES = 16
"""If there are fewer slices than this, they are cut into rows."""

BYTES_PER_NANOSECOND = 40.0
TAPS_PER_NANOSECOND = 20.0


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


class WindowFunction(AloneCode):
    """The code of an op on windows, or of the maximum of windows and its place together."""

    def __init__(self, unit: Alone, units: Units) -> None:
        assert isinstance(unit.loops, Windowed)
        self.loops = unit.loops
        self.kinds = {node: _kind(units.loops[node]) for node in unit.nodes}
        back = self.loops.goes_back
        reads = [(source, not place or back) for place, source in enumerate(unit.node.inputs)]
        self.operands = [
            Operand(node, (place := units.places[node]).owner, place.offset, place.strides, tapped)
            for node, tapped in (*reads, *((node, False) for node in unit.nodes))
        ]
        self.inputs = len(reads)
        self.owners = list(dict.fromkeys(operand.owner for operand in self.operands))
        self.dtype = unit.node.inputs[0].dtype
        self.slidings = slidings(self.loops, unit.node)
        self._arrange(unit.node.shape)

    @classmethod
    def fits(cls, unit: Alone) -> bool:
        """Numbers of one dtype, and windows of which the taps can be written out."""
        loops, node = unit.loops, unit.node
        assert isinstance(loops, Windowed)
        if loops.kind in ("spread", "put", "add") and node.dtype.kind == "b":
            return False
        if math.prod(loops.kernel) > MOST_TAPS or math.prod(loops.stride) > MOST_TAPS:
            return False
        return math.prod(sliding.written for sliding in slidings(loops, node)) <= MOST_TAPS

    @classmethod
    def company(cls, unit: Alone) -> Any:
        """The maximum and its place come out of the same pass."""
        loops = unit.loops
        assert isinstance(loops, Windowed)
        if loops.kind not in ("maximum", "place"):
            return None
        return unit.node.inputs, loops.kernel, loops.stride, loops.padding, loops.dilation

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        operands = tuple(
            (self.owners.index(o.owner), o.node.shape, o.node.dtype.name, o.offset, o.strides)
            for o in self.operands
        )
        return "windows", self.loops, tuple(self.kinds.values()), operands

    # --- the loops ------------------------------------------------------------------------------------------

    def _arrange(self, shape: tuple[int, ...]) -> None:
        lead = len(shape) - len(self.slidings)
        axes = []
        for axis, size in enumerate(shape):
            within = tuple(operand.strides[axis] for operand in self.operands)
            if axis < lead:
                axes.append(Around(size, within, within))
                continue
            sliding = self.slidings[axis - lead]
            steps = tuple(
                step * (sliding.inner if operand.tapped else sliding.outer)
                for step, operand in zip(within, self.operands, strict=True)
            )
            axes.append(Around(sliding.count, steps, within, axis - lead, sliding))
        self.by_number = {axis.number: axis for axis in axes if axis.number is not None}
        axes.sort(key=lambda axis: (axis.size > 1 or axis.outputs > 1, -abs(axis.within[-1])))
        axes = _merged(axes)
        outer = 0
        while outer < len(axes) - 1 and axes[outer].sliding is None:
            outer += 1
        self.outer, self.inner = axes[:outer], axes[outer:]
        slices = math.prod(axis.size for axis in self.outer)
        rows = self.inner[0] if len(self.inner) > 1 and slices < PIECES else None
        self.chunks = min(rows.size, -(-PIECES // slices)) if rows else 1
        taps = math.prod(shape) * math.prod(self.loops.kernel)
        if self.loops.goes_back:
            taps = math.prod(self.operands[0].node.shape) * math.prod(self.loops.kernel)
        moved = sum(math.prod(o.node.shape) * o.node.dtype.itemsize for o in self.operands)
        nanoseconds = moved / BYTES_PER_NANOSECOND + taps / TAPS_PER_NANOSECOND
        self.phases = (Phase(slices * self.chunks, nanoseconds),)

    def write(self, phase: int, share: Share) -> None:
        """Write the loops over the slices of a share."""
        self.builder = builder = share.builder
        self.pointers = [share.pointers[operand.owner] for operand in self.operands]
        with counted(builder, share.begin, share.end, "slice") as piece:
            chunk, rest = None, piece
            if self.chunks > 1:
                chunk = builder.urem(rest, INDEX(self.chunks))
                rest = builder.udiv(rest, INDEX(self.chunks))
            offsets = [INDEX(operand.offset) for operand in self.operands]
            for axis in reversed(self.outer):
                index = builder.urem(rest, INDEX(axis.size)) if axis is not self.outer[0] else rest
                rest = builder.udiv(rest, INDEX(axis.size))
                offsets = self._moved(offsets, index, axis.steps)
            self._descend(self.inner, offsets, {}, chunk)

    def _moved(self, offsets: list[Any], index: Any, steps: tuple[int, ...]) -> list[Any]:
        builder = self.builder
        return [
            builder.add(offset, builder.mul(index, INDEX(step))) if step else offset
            for offset, step in zip(offsets, steps, strict=True)
        ]

    def _output(self, offsets: list[Any], axis: Around, r: int) -> list[Any]:
        """The offsets for the output r of a position."""
        return [
            offset if operand.tapped or not r * step else self.builder.add(offset, INDEX(r * step))
            for offset, operand, step in zip(offsets, self.operands, axis.within, strict=True)
        ]

    def _descend(self, axes: list[Around], offsets: list[Any], taps: dict[int, Taps], chunk: Any) -> None:
        axis, *rest = axes
        if not rest:
            self._vectors(axis, offsets, taps)
        elif axis.sliding is None:
            with loop(self.builder, axis.size) as index:
                self._descend(rest, self._moved(offsets, index, axis.steps), taps, None)
        else:
            assert axis.number is not None
            for run in axis.sliding.runs:
                begin, end = self._bounds(run.begin, run.end, axis.size, chunk)
                with counted(self.builder, begin, end, "row") as index:
                    moved = self._moved(offsets, index, axis.steps)
                    for r, tapped in enumerate(run.taps):
                        if tapped is not None:
                            here = self._output(moved, axis, r)
                            self._descend(rest, here, {**taps, axis.number: tapped}, None)

    def _bounds(self, begin: int, end: int, size: int, chunk: Any) -> tuple[Any, Any]:
        """The part of a run that lies in a chunk of rows."""
        if chunk is None:
            return INDEX(begin), INDEX(end)
        builder, each = self.builder, -(-size // self.chunks)
        first = builder.mul(chunk, INDEX(each))
        last = builder.add(first, INDEX(each))
        low = builder.select(builder.icmp_signed(">", first, INDEX(begin)), first, INDEX(begin))
        high = builder.select(builder.icmp_signed("<", last, INDEX(end)), last, INDEX(end))
        return low, high

    def _vectors(self, axis: Around, offsets: list[Any], taps: dict[int, Taps]) -> None:
        """Everything along the innermost axis."""
        most = VECTOR_BYTES // self.dtype.itemsize
        if axis.sliding is None:
            for count, width, start in blocks(axis.size, most):
                with self._block(axis, offsets, count, width, start) as moved:
                    self._store(self._combined(taps, width, moved, axis), moved, width, axis)
            return
        assert axis.number is not None
        for run in axis.sliding.runs:
            outer = len(run.taps)
            whole = None not in run.taps and outer <= 4 and outer == axis.sliding.outer
            for count, width, start in blocks(run.end - run.begin, most if whole else 1):
                with self._block(axis, offsets, count, width, run.begin + start) as moved:
                    found = [
                        self._combined(
                            {**taps, axis.number: tapped}, width, self._output(moved, axis, r), axis
                        )
                        if tapped is not None
                        else None
                        for r, tapped in enumerate(run.taps)
                    ]
                    if whole:
                        together = [joined(self.builder, list(each)) for each in zip(*found, strict=True)]
                        self._store(together, moved, width * outer, axis)
                        continue
                    for r, values in enumerate(found):
                        if values is not None:
                            self._store(values, self._output(moved, axis, r), width, axis)

    def _block(self, axis: Around, offsets: list[Any], count: int, width: int, start: int) -> Any:
        return spread_out(self.builder, offsets, axis.steps, count, width, start)

    def _store(self, values: list[Any], offsets: list[Any], width: int, axis: Around) -> None:
        results = list(zip(self.operands, self.pointers, offsets, axis.within, strict=True))[self.inputs :]
        for value, (operand, pointer, offset, step) in zip(values, results, strict=True):
            store(self.builder, value, pointer, offset, in_memory(operand.node.dtype), width, step)

    # --- what happens in a window ---------------------------------------------------------------------------

    def _combined(self, taps: dict[int, Taps], width: int, offsets: list[Any], axis: Around) -> list[Any]:
        """Vectors of results, one for each of the nodes."""
        if self.loops.kind in ("maximum", "place"):
            return self._largest(taps, width, offsets, axis)
        kind = in_memory(self.dtype)
        total = self._total(taps, width, offsets, axis, 0, 0, [])
        return [ir.Constant(lanes(kind, width), None) if total is None else total]

    def _total(
        self,
        taps: dict[int, Taps],
        width: int,
        offsets: list[Any],
        axis: Around,
        depth: int,
        number: int,
        shifts: list[int],
    ) -> Any:
        """The sum over the taps, axis by axis, so that it is as exact as NumPy's; None without any."""
        if depth == len(self.slidings):
            return self._term(width, offsets, axis, number, shifts, taps)
        total = None
        for k, shift in taps[depth]:
            here = number * self.loops.kernel[depth] + k
            part = self._total(taps, width, offsets, axis, depth + 1, here, [*shifts, shift])
            if total is None or part is None:
                total = part if total is None else total
            else:
                add = self.builder.fadd if self.dtype.kind == "f" else self.builder.add
                total = add(total, part)
        return total

    def _term(
        self,
        width: int,
        offsets: list[Any],
        axis: Around,
        number: int,
        shifts: list[int],
        taps: dict[int, Taps],
    ) -> Any:
        """What one tap adds; None for nothing."""
        value = self._load(0, width, offsets, axis, shifts, taps)
        if self.loops.kind in ("add", "spread"):
            return value
        places = self.operands[1].node.dtype
        if number > np.iinfo(places).max:
            return None
        found = self._load(1, width, offsets, axis, shifts, taps)
        here = self.builder.icmp_signed("==", found, constant(in_memory(places), width, number))
        return self.builder.select(here, value, constant(in_memory(self.dtype), width, 0))

    def _largest(self, taps: dict[int, Taps], width: int, offsets: list[Any], axis: Around) -> list[Any]:
        kind = in_memory(self.dtype)
        whole = ir.IntType(8 * max(self.dtype.itemsize, 4))
        best: Any = None
        place: Any = constant(whole, width, 0)
        for number, shifts in self._places(taps):
            part = self._load(0, width, offsets, axis, shifts, taps)
            if best is None:
                best, place = part, constant(whole, width, number)
                continue
            better = self._is_better(part, best)
            best = self.builder.select(better, part, best)
            place = self.builder.select(better, constant(whole, width, number), place)
        if best is None:
            best = constant(kind, width, _lowest(self.dtype))
        return [
            best if wanted == "maximum" else self._narrowed(place, whole, in_memory(node.dtype), width)
            for node, wanted in self.kinds.items()
        ]

    def _places(self, taps: dict[int, Taps]) -> list[tuple[int, list[int]]]:
        """The taps of a window in row-major order: the number of each and its shifts."""
        found: list[tuple[int, list[int]]] = [(0, [])]
        for depth, size in enumerate(self.loops.kernel):
            found = [(n * size + k, [*shifts, shift]) for n, shifts in found for k, shift in taps[depth]]
        return found

    def _is_better(self, part: Any, best: Any) -> Any:
        """Whether a later element wins: a larger one, or the first NaN."""
        builder = self.builder
        if self.dtype.kind == "f":
            larger = builder.fcmp_unordered(">", part, best)
            return builder.and_(larger, builder.fcmp_ordered("ord", best, best))
        compare = builder.icmp_unsigned if self.dtype.kind in "ub" else builder.icmp_signed
        return compare(">", part, best)

    def _narrowed(self, value: Any, whole: Any, kind: Any, width: int) -> Any:
        if whole.width == kind.width:
            return value
        change = self.builder.trunc if whole.width > kind.width else self.builder.zext
        return change(value, lanes(kind, width))

    def _load(
        self,
        place: int,
        width: int,
        offsets: list[Any],
        axis: Around,
        shifts: list[int],
        taps: dict[int, Taps],
    ) -> Any:
        operand = self.operands[place]
        offset, step = offsets[place], axis.steps[place]
        ahead = behind = 0
        if operand.tapped:
            moves = (shift * self.by_number[depth].within[place] for depth, shift in enumerate(shifts))
            offset = self.builder.add(offset, INDEX(sum(moves)))
            if axis.number is not None and axis.within[place] == 1:
                along = [shift for _, shift in taps[axis.number]]
                behind, ahead = shifts[axis.number] - along[0], along[-1] - shifts[axis.number]
        kind = in_memory(operand.node.dtype)
        return load(self.builder, self.pointers[place], offset, kind, width, step, behind, ahead)


def _kind(loops: Any) -> str:
    assert isinstance(loops, Windowed)
    return loops.kind


def slidings(loops: Windowed, node: Node) -> list[Sliding]:
    """How windows lie along each of the last axes."""
    ndim = len(loops.kernel)
    given, made = (shape[len(shape) - ndim :] for shape in (node.inputs[0].shape, node.shape))
    sizes, counts = (made, given) if loops.goes_back else (given, made)
    kind = to_elements if loops.goes_back else to_windows
    return [
        kind(*of_axis)
        for of_axis in zip(
            sizes, counts, loops.kernel, loops.stride, loops.padding, loops.dilation, strict=True
        )
    ]


def _merged(axes: list[Around]) -> list[Around]:
    """Neighbours without windows as one axis, where every operand allows it."""
    found: list[Around] = []
    for axis in axes:
        if found and axis.sliding is None and found[-1].sliding is None:
            before = found[-1]
            if all(a == b * axis.size for a, b in zip(before.steps, axis.steps, strict=True)):
                found[-1] = Around(before.size * axis.size, axis.steps, axis.within)
                continue
        found.append(axis)
    return found


def _lowest(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return -math.inf
    return 0 if dtype.kind == "b" else int(np.iinfo(dtype).min)
