"""The code of a problem as phases: operands laid out anew where they must be, panels packed, tiles multiplied."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import llvmlite.binding as llvm

from ....graph import Node
from ..code import POINTER, Code, Phase, Share
from ..nest import INDEX, Axis, counted, nest
from ..types import in_memory
from .plan import PART_ELEMENT, Plan, Processor, plan
from .problem import Problem
from .writer import Operands, Target, Writer, adds_at_once

ADDED = 1024
"""How many elements of the parts' results a piece adds up."""


@lru_cache
def this_processor() -> Processor:
    """How wide the vectors are here, and how many fit in registers."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return Processor(64, 32)
    if features.get("avx2"):
        return Processor(32, 16)
    return Processor(16, 32 if features.get("neon") else 16)


@dataclass(frozen=True)
class Operand:
    """Where an operand begins: in the memory of a node, or in what the code lays out anew."""

    owner: Node | None
    offset: int


class Layout:
    """An operand laid out anew in memory beside, before anything is multiplied."""

    elements: int
    phase: Phase

    @property
    @abstractmethod
    def key(self) -> Any:
        """All that the code depends on."""

    @abstractmethod
    def write(self, share: Share, out: Any) -> None:
        """Write the instructions for a share of the pieces; `out` points to the memory."""


class TiledCode(Code):
    """Sums of products of one or several pairs of operands, each a `Problem` of the same steps."""

    def __init__(
        self,
        node: Node,
        problem: Problem,
        pairs: Sequence[tuple[Operand, Operand]],
        layout: Layout | None = None,
        reads: Sequence[Node] = (),
        added: Operand | None = None,
        out: Operand | None = None,
    ) -> None:
        """reads: the memories that the layout is made from. added: what is added to the sums. out: where the result
        begins, if not at the beginning of the node's own memory."""
        self.node = node
        self.out = out or Operand(node, 0)
        self.kind = in_memory(node.dtype)
        self.layout = layout
        self.plan: Plan = plan(problem, node.dtype.itemsize, this_processor())
        self.pairs = [(right, left) for left, right in pairs] if self.plan.is_swapped else list(pairs)
        self.added = added
        used = [*(operand for pair in self.pairs for operand in pair), *([added] if added else []), self.out]
        starts = [(operand.owner, operand.offset) for operand in used if operand.owner is not None]
        self.arguments = list(dict.fromkeys([*starts, *((read, 0) for read in reads)]))
        self.owners = [owner for owner, _ in self.arguments]
        self.offsets = [offset * node.dtype.itemsize for _, offset in self.arguments]
        self.phases = list(self._phases())

    def _phases(self) -> Any:
        elements = 0
        if self.layout is not None:
            elements = -(-self.layout.elements // 16) * 16
            yield self.layout.phase
        self.panels = elements
        if self.plan.packs:
            panels = Writer(None, self.plan, self.kind).panels * len(self.pairs)
            elements += -(-panels * self.plan.panel // 16) * 16
            yield Phase(panels, self.plan.packing_nanoseconds * len(self.pairs), is_vectors=True)
        yield Phase(self.plan.tiles, self.plan.nanoseconds * len(self.pairs), is_vectors=True)
        self.results = elements
        if self.plan.parts > 1:
            size = prod(self.node.shape)
            elements += self.plan.parts * size
            yield Phase(-(-size // ADDED), self.plan.parts * size * PART_ELEMENT)
        if self.added is not None and not adds_at_once(self.plan):
            yield Phase(1, prod(self.node.shape) * PART_ELEMENT)
        self.scratch = elements * self.node.dtype.itemsize

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        numbers = {argument: number for number, argument in enumerate(self.arguments)}

        def where(operand: Operand) -> Any:
            if operand.owner is None:
                return operand.offset
            return "argument", numbers[operand.owner, operand.offset]

        factors = tuple(where(operand) for pair in self.pairs for operand in pair)
        layout, added = self.layout and self.layout.key, self.added and where(self.added)
        return "tiles", str(self.kind), self.plan, factors, where(self.out), layout, added

    def write(self, phase: int, share: Share) -> None:
        """Write the loop over what the phase does."""
        if self.layout is not None and phase == 0:
            self.layout.write(share, share.scratch)
            return
        builder = share.builder
        lefts, rights = (self._operands(share, [pair[side] for pair in self.pairs]) for side in (0, 1))
        panels = builder.gep(share.scratch, [INDEX(self.panels)], source_etype=self.kind)
        out = self._begin(share, self.out)
        added = self.added and self._begin(share, self.added)
        parts = builder.gep(share.scratch, [INDEX(self.results)], source_etype=self.kind)
        last = len(self.phases) - 1
        if added is not None and not adds_at_once(self.plan):
            if phase == last:
                self._add_afterwards(share, added, out)
                return
            last, added = last - 1, None
        if self.plan.parts > 1:
            if phase == last:
                self._add_parts(share, parts, out)
                return
            last, out = last - 1, parts
        writer = Writer(builder, self.plan, self.kind)
        with counted(builder, share.begin, share.end) as number:
            if phase == last:
                writer.tile(number, lefts, rights, panels, Target(out, added), len(self.pairs))
            else:
                writer.pack(rights, panels, number)

    def _add_parts(self, share: Share, parts: Any, out: Any) -> None:
        """The sum of the parts' results, in order, a piece of the memory after the other."""
        builder, size = share.builder, prod(self.node.shape)
        begin = builder.mul(share.begin, INDEX(ADDED))
        end = builder.mul(share.end, INDEX(ADDED))
        end = builder.select(builder.icmp_unsigned("<", end, INDEX(size)), end, INDEX(size))
        with counted(builder, begin, end) as place:
            total = self.kind(0.0)
            for part in range(self.plan.parts):
                at = builder.add(place, INDEX(part * size))
                address = builder.gep(parts, [at], source_etype=self.kind)
                value = builder.load(address, typ=self.kind)
                total = builder.fadd(total, value) if part else value
            builder.store(total, builder.gep(out, [place], source_etype=self.kind))

    def _operands(self, share: Share, operands: Sequence[Operand]) -> Operands:
        """The pointers to one side of all pairs: one, or a table of them."""
        builder = share.builder
        if len(operands) == 1:
            only = self._begin(share, operands[0])
            return lambda pair: only
        table = builder.alloca(POINTER, size=INDEX(len(operands)))
        for number, operand in enumerate(operands):
            builder.store(
                self._begin(share, operand), builder.gep(table, [INDEX(number)], source_etype=POINTER)
            )
        return lambda pair: builder.load(builder.gep(table, [pair], source_etype=POINTER), typ=POINTER)

    def _begin(self, share: Share, operand: Operand) -> Any:
        """The pointer to where an operand begins."""
        if operand.owner is None:
            return share.builder.gep(share.scratch, [INDEX(operand.offset)], source_etype=self.kind)
        return share.arguments[self.arguments.index((operand.owner, operand.offset))]

    def _add_afterwards(self, share: Share, added: Any, out: Any) -> None:
        """What is to be added, where it lies so that tiles cannot add it while they are stored."""
        builder, problem = share.builder, self.plan.problem
        indices = [*problem.batch[self.plan.parts > 1 :], *problem.rows, *problem.columns]
        axes = [Axis(index.size, False, (index.out, index.added)) for index in indices]

        def add(offsets: list[Any]) -> None:
            target = builder.gep(out, [offsets[0]], source_etype=self.kind)
            more = builder.gep(added, [offsets[1]], source_etype=self.kind)
            total = builder.fadd(builder.load(target, typ=self.kind), builder.load(more, typ=self.kind))
            builder.store(total, target)

        nest(builder, axes, [INDEX(0), INDEX(0)], add)
