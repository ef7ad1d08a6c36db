"""Windows combined to a number each, and back, as an LLVM function: pooling and its derivatives.

Loops run over the result in the order of its memory, and vectors along the axis whose elements lie side by side: the
channels if they come last, else the last axis, whose neighbours in windows are picked out of longer vectors. The taps
of a window are written out one by one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...graph import Node
from ...graph.loops import Windowed
from .alone import AloneCode
from .code import Phase, Share
from .nest import INDEX, counted, loop
from .sliding import CodeForTaps, Progression, Sliding, blocks, to_elements, to_windows
from .types import in_memory
from .vectors import joined, spread_out, store
from .window import Around, Operand, Surroundings, Window

if TYPE_CHECKING:
    from ..kernels import Alone, Units

VECTOR_BYTES = 64
MOST_TAPS = 50
"""How many taps are written out at most, those of positions near edges for themselves; of more there are loops."""

MOST_OUTPUTS = 64
"""How many elements of a result have code of their own at most, because windows lie differently around each."""

PIECES = 16
"""If there are fewer slices than this, they are cut into rows."""

BYTES_PER_NANOSECOND = 40.0
TAPS_PER_NANOSECOND = 20.0


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
        """Not for sums of booleans, nor where code for every place between strides would be too long."""
        loops, node = unit.loops, unit.node
        assert isinstance(loops, Windowed)
        if math.prod(loops.stride if loops.goes_back else ()) > MOST_OUTPUTS:
            return False
        return loops.kind not in ("spread", "put", "add") or node.dtype.kind != "b"

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
        return "windows", self.loops, tuple(self.kinds.values()), operands, self.slidings

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
        self.phases = (Phase(slices * self.chunks, nanoseconds, is_vectors=True),)

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

    def _descend(self, axes: list[Around], offsets: list[Any], around: Surroundings, chunk: Any) -> None:
        axis, *rest = axes
        if not rest:
            self._vectors(axis, offsets, around)
        elif axis.sliding is None:
            with loop(self.builder, axis.size) as index:
                self._descend(rest, self._moved(offsets, index, axis.steps), around, None)
        else:
            assert axis.number is not None
            for run in axis.sliding.runs:
                begin, end = self._bounds(run.begin, run.end, axis.size, chunk)
                with counted(self.builder, begin, end, "row") as index:
                    moved = self._moved(offsets, index, axis.steps)
                    for r, tapped in enumerate(run.taps):
                        if tapped is not None:
                            here = self._output(moved, axis, r)
                            self._descend(rest, here, {**around, axis.number: (tapped, index)}, None)

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

    def _vectors(self, axis: Around, offsets: list[Any], around: Surroundings) -> None:
        """Everything along the innermost axis."""
        most = VECTOR_BYTES // self.dtype.itemsize
        if axis.sliding is None:
            for count, width, start in blocks(axis.size, most):
                with spread_out(self.builder, offsets, axis.steps, count, width, start) as moved:
                    self._store(Window(self, around, axis, moved, width).combined(), moved, width, axis)
            return
        assert axis.number is not None
        for run in axis.sliding.runs:
            outer = len(run.taps)
            whole = None not in run.taps and outer <= 4 and outer == axis.sliding.outer
            # where some taps are outside, that depends on the position
            alike = all(not isinstance(taps, Progression) or taps.whole for taps in run.taps)
            for count, width, start in blocks(run.end - run.begin, most if whole and alike else 1):
                with spread_out(
                    self.builder, [*offsets, INDEX(0)], (*axis.steps, 1), count, width, run.begin + start
                ) as (*moved, index):
                    found = [
                        Window(
                            self,
                            {**around, axis.number: (tapped, index)},
                            axis,
                            self._output(moved, axis, r),
                            width,
                        ).combined()
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

    def _store(self, values: list[Any], offsets: list[Any], width: int, axis: Around) -> None:
        results = list(zip(self.operands, self.pointers, offsets, axis.within, strict=True))[self.inputs :]
        for value, (operand, pointer, offset, step) in zip(values, results, strict=True):
            store(self.builder, value, pointer, offset, in_memory(operand.node.dtype), width, step)


def _kind(loops: Any) -> str:
    assert isinstance(loops, Windowed)
    return loops.kind


def slidings(loops: Windowed, node: Node) -> tuple[Sliding, ...]:
    """How windows lie along each of the last axes; loops over taps from the first axis on, as many as needed."""
    ndim = len(loops.kernel)
    given, made = (shape[len(shape) - ndim :] for shape in (node.inputs[0].shape, node.shape))
    sizes, counts = (made, given) if loops.goes_back else (given, made)
    along = to_elements if loops.goes_back else to_windows
    found: tuple[Sliding, ...] = ()
    for looped in range(ndim + 1):
        found = tuple(
            along(size, count, k, s, p, d, _code(place, looped, ndim))
            for place, (size, count, k, s, p, d) in enumerate(
                zip(sizes, counts, loops.kernel, loops.stride, loops.padding, loops.dilation, strict=True)
            )
        )
        if math.prod(sliding.written for sliding in found) <= MOST_TAPS:
            break
    return found


def _code(place: int, looped: int, ndim: int) -> CodeForTaps:
    """Vectors mostly lie along the last axis, and need positions that are alike."""
    return "written" if place >= looped else "loops apart" if place == ndim - 1 else "loops"


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
