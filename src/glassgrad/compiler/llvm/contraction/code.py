"""The code of a contraction as a unit: from the op's matrices to a problem, its plan, and the phases of the work."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm

from ...kernels import Contraction, Place, Units
from ..code import POINTER, Code, Phase, Share
from ..nest import INDEX, counted
from ..types import in_memory
from .plan import Processor, plan
from .problem import Index, Problem
from .writer import Operands, Writer


@lru_cache
def this_processor() -> Processor:
    """How wide the vectors are here, and how many fit in registers."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return Processor(64, 32)
    if features.get("avx2"):
        return Processor(32, 16)
    return Processor(16, 32 if features.get("neon") else 16)


class ContractionCode(Code):
    """The sum of one or several products of matrices."""

    def __init__(self, unit: Contraction, units: Units) -> None:
        node = unit.node
        self.node = node
        self.kind = in_memory(node.dtype)
        places = [units.places[source] for source in node.inputs]
        self.pairs = list(zip(places[::2], places[1::2], strict=True))
        left, right, *_ = node.inputs
        self.plan = plan(
            matrices(*self.pairs[0], units.places[node], left.shape, right.shape, node.shape),
            node.dtype.itemsize,
            this_processor(),
        )
        if self.plan.is_swapped:
            self.pairs = [(right, left) for left, right in self.pairs]
        self.owners = list(dict.fromkeys([*(place.owner for place in places), node]))
        writer = Writer(None, self.plan, self.kind)
        multiplying = Phase(self.plan.tiles, self.plan.nanoseconds * len(self.pairs))
        self.phases: Sequence[Phase] = (multiplying,)
        if self.plan.packs:
            panels = writer.panels * len(self.pairs)
            self.scratch = panels * self.plan.panel * node.dtype.itemsize
            packing = Phase(panels, self.plan.packing_nanoseconds * len(self.pairs))
            self.phases = packing, multiplying

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        where = [(self.owners.index(place.owner), place.offset) for pair in self.pairs for place in pair]
        return "contraction", str(self.kind), self.plan, tuple(where), self.owners.index(self.node)

    def write(self, phase: int, share: Share) -> None:
        """Write the loop over panels or tiles."""
        builder = share.builder
        lefts, rights = (self._operands(share, [pair[side] for pair in self.pairs]) for side in (0, 1))
        writer = Writer(builder, self.plan, self.kind)
        with counted(builder, share.begin, share.end) as number:
            if self.plan.packs and phase == 0:
                writer.pack(rights, share.scratch, number)
            else:
                out = share.pointers[self.node]
                writer.tile(number, lefts, rights, share.scratch, out, len(self.pairs))

    def _operands(self, share: Share, places: Sequence[Place]) -> Operands:
        """The pointers to one side of all pairs: one, or a table of them."""
        builder = share.builder

        def begin(place: Place) -> Any:
            return builder.gep(share.pointers[place.owner], [INDEX(place.offset)], source_etype=self.kind)

        if len(places) == 1:
            only = begin(places[0])
            return lambda pair: only
        table = builder.alloca(POINTER, size=INDEX(len(places)))
        for number, place in enumerate(places):
            builder.store(begin(place), builder.gep(table, [INDEX(number)], source_etype=POINTER))
        return lambda pair: builder.load(builder.gep(table, [pair], source_etype=POINTER), typ=POINTER)


def matrices(
    left: Place,
    right: Place,
    out: Place,
    left_shape: tuple[int, ...],
    right_shape: tuple[int, ...],
    out_shape: tuple[int, ...],
) -> Problem:
    """The product over the last two axes, the leading ones broadcast. Where operands begin is not part of it."""
    *_, rows, summed = left_shape
    columns = right_shape[-1]

    def step(place: Place, shape: tuple[int, ...], axis: int) -> int:
        own = axis - (len(out_shape) - len(shape))
        return 0 if own < 0 or shape[own] != out_shape[axis] else place.strides[own]

    batch = tuple(
        Index(
            size,
            step(left, left_shape, axis),
            step(right, right_shape, axis),
            out.strides[axis],
        )
        for axis, size in enumerate(out_shape[:-2])
    )
    # a stack of left matrices times one right matrix is one tall matrix times it, and the other way round
    tall = tuple(index for index in batch if index.right == 0)
    wide = tuple(index for index in batch if index.right and index.left == 0)
    return Problem(
        tuple(index for index in batch if index.left and index.right),
        (*tall, Index(rows, left.strides[-2], 0, out.strides[-2])),
        (*wide, Index(columns, 0, right.strides[-1], out.strides[-1])),
        (Index(summed, left.strides[-1], right.strides[-2], 0),),
    )
