"""Running sums, products, recurrences and extrema as an LLVM function: one loop along the axis, its state in registers.

Several lines run side by side: as vectors, where their elements lie side by side in memory, else as so many chains of
instructions that wait for their own last result only.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...graph.loops import Running
from .alone import AloneCode
from .code import Phase, Share
from .nest import INDEX, Axis, counted, merged_axes
from .sliding import blocks
from .types import in_memory
from .vectors import constant, converted, load, splat, store

if TYPE_CHECKING:
    from ..kernels import Alone, Units

WIDEST = 32
"""Lines in one vector at most, which is as many registers as their state may fill."""

CHAINS = 8
BYTES_PER_NANOSECOND = 50.0
IN_VECTORS, IN_CHAINS, ALONE = 0.02, 0.2, 1.0
"""Nanoseconds for one element of a sum."""

EXTREMUM = 4.0
"""How many times longer finding an extremum takes."""


class RunningFunction(AloneCode):
    """The code of an op that runs along one axis."""

    def __init__(self, unit: Alone, units: Units) -> None:
        assert isinstance(unit.loops, Running)
        node = unit.node
        self.loops, self.dtype = unit.loops, node.dtype
        nodes = [*node.inputs, node]
        self.dtypes = [each.dtype for each in nodes]
        self.places = [units.places[each] for each in nodes]
        self.owners = list(dict.fromkeys(place.owner for place in self.places))
        self.shape = node.shape
        axis = self.loops.axis
        self.length = node.shape[axis]
        self.steps = tuple(place.strides[axis] for place in self.places)
        around = [place for place in range(len(node.shape)) if place != axis]
        around.sort(key=lambda place: -abs(self.places[-1].strides[place]))
        axes = merged_axes(
            [node.shape[place] for place in around],
            (),
            [[place.strides[each] for each in around] for place in self.places],
        )
        nothing = Axis(1, False, (0,) * len(nodes))
        *self.outer, self.inner = axes or [nothing]
        self.by_vector = self.inner.steps[-1] == 1
        self.blocks = list(blocks(self.inner.size, WIDEST))
        if not self.by_vector:
            full, rest = divmod(self.inner.size, CHAINS)
            self.blocks = [(full, CHAINS, 0)] if full else []
            self.blocks += [(1, rest, full * CHAINS)] if rest else []
        count = math.prod(node.shape)
        moved = sum(count * dtype.itemsize for dtype in self.dtypes)
        step = IN_VECTORS if self.by_vector else IN_CHAINS if self.inner.size > 1 else ALONE
        step *= EXTREMUM if self.loops.kind in ("largest", "smallest") else 1.0
        nanoseconds = moved / BYTES_PER_NANOSECOND + count * step
        slices = math.prod(each.size for each in self.outer)
        self.phases = (Phase(slices * self.blocks[0][0], nanoseconds),)

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        places = tuple((self.owners.index(p.owner), p.offset, p.strides) for p in self.places)
        return "running", self.loops, self.shape, tuple(dtype.name for dtype in self.dtypes), places

    def write(self, phase: int, share: Share) -> None:
        """Write the loop over blocks of lines."""
        self.builder = builder = share.builder
        self.pointers = [share.pointers[place.owner] for place in self.places]
        count, width, _ = self.blocks[0]
        with counted(builder, share.begin, share.end, "lines") as piece:
            block, rest = builder.urem(piece, INDEX(count)), builder.udiv(piece, INDEX(count))
            offsets = [INDEX(place.offset) for place in self.places]
            for axis in reversed(self.outer):
                offsets = self._moved(offsets, builder.urem(rest, INDEX(axis.size)), axis.steps)
                rest = builder.udiv(rest, INDEX(axis.size))
            self._lines(self._moved(offsets, builder.mul(block, INDEX(width)), self.inner.steps), width)
            for _, last, start in self.blocks[1:]:
                with builder.if_then(builder.icmp_unsigned("==", block, INDEX(count - 1))):
                    self._lines(self._moved(offsets, INDEX(start), self.inner.steps), last)

    def _moved(self, offsets: list[Any], index: Any, steps: tuple[int, ...]) -> list[Any]:
        builder = self.builder
        return [
            builder.add(offset, builder.mul(index, INDEX(step))) if step else offset
            for offset, step in zip(offsets, steps, strict=True)
        ]

    def _lines(self, offsets: list[Any], count: int) -> None:
        """So many lines from their beginning to their end."""
        builder = self.builder
        width = count if self.by_vector else 1
        starts = [self._moved(offsets, INDEX(line), self.inner.steps) for line in range(count // width)]
        states = [self._begun(start, width) for start in starts]
        if self.length == 1:
            return
        before = builder.block
        body, after = builder.append_basic_block("step"), builder.append_basic_block("step_end")
        builder.branch(body)
        builder.position_at_end(body)
        index = builder.phi(INDEX)
        index.add_incoming(INDEX(1), before)
        phis = []
        for state in states:
            phis.append([builder.phi(value.type) for value in state])
            for phi, value in zip(phis[-1], state, strict=True):
                phi.add_incoming(value, before)
        for start, state in zip(starts, phis, strict=True):
            moved = self._moved(start, index, self.steps)
            following = self._next(state, self._read(moved, width), index, width)
            self._write(following, moved, width)
            for phi, value in zip(state, following, strict=True):
                phi.add_incoming(value, builder.block)
        ahead = builder.add(index, INDEX(1), flags=["nuw", "nsw"])
        index.add_incoming(ahead, builder.block)
        builder.cbranch(builder.icmp_unsigned("<", ahead, INDEX(self.length)), body, after)
        builder.position_at_end(after)

    def _begun(self, offsets: list[Any], width: int) -> list[Any]:
        """The state after the first element, which is written."""
        values = self._read(offsets, width)
        if self.loops.kind in ("largest", "smallest"):
            state = [values[0], constant(in_memory(self.dtype), width, 0)]
        elif self.loops.kind == "recurrence":
            zero = constant(in_memory(self.dtype), width, 0)
            state = self._next([zero], values, INDEX(0), width)
        else:
            state = [values[0]]
        self._write(state, offsets, width)
        return state

    # --- one step -------------------------------------------------------------------------------------------

    def _read(self, offsets: list[Any], width: int) -> list[Any]:
        """The elements of the inputs, as what is computed with."""
        found = []
        for place, dtype in enumerate(self.dtypes[:-1]):
            step = self.inner.steps[place]
            value = load(self.builder, self.pointers[place], offsets[place], in_memory(dtype), width, step)
            found.append(converted(self.builder, value, dtype, self._accumulator(dtype), width))
        return found

    def _accumulator(self, given: Any) -> Any:
        """Sums of floats are added up in double precision, and positions are of elements as they are."""
        if self.loops.kind in ("largest", "smallest"):
            return given
        return np.dtype("float64") if self.loops.kind == "add" and self.dtype.kind == "f" else self.dtype

    def _write(self, state: list[Any], offsets: list[Any], width: int) -> None:
        value, kind = state[-1], in_memory(self.dtype)
        if self.loops.kind not in ("largest", "smallest"):
            value = converted(self.builder, value, self._accumulator(self.dtype), self.dtype, width)
        store(self.builder, value, self.pointers[-1], offsets[-1], kind, width)

    def _next(self, state: list[Any], values: list[Any], index: Any, width: int) -> list[Any]:
        builder = self.builder
        if self.loops.kind in ("largest", "smallest"):
            best, place = state
            better = self._is_better(values[0], best)
            here = index if width == 1 else splat(builder, index, width)
            return [builder.select(better, values[0], best), builder.select(better, here, place)]
        real = self.dtype.kind == "f"
        add, multiply = (builder.fadd, builder.fmul) if real else (builder.add, builder.mul)
        if self.loops.kind == "recurrence":
            factor, summand = values
            return [add(multiply(factor, state[0]), summand)]
        return [(add if self.loops.kind == "add" else multiply)(state[0], values[0])]

    def _is_better(self, part: Any, best: Any) -> Any:
        """Whether a later element takes over: a larger (or smaller) one, or the first NaN."""
        builder, dtype = self.builder, self.dtypes[0]
        sign = ">" if self.loops.kind == "largest" else "<"
        if dtype.kind == "f":
            beyond = builder.fcmp_unordered(sign, part, best)
            return builder.and_(beyond, builder.fcmp_ordered("ord", best, best))
        return (builder.icmp_unsigned if dtype.kind in "ub" else builder.icmp_signed)(sign, part, best)
