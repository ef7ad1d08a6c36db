"""From a simplified graph to its plan: units, the memories that they touch and when, and what is run in which order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from ...graph import Aval, Graph, Leaf, Node
from ..in_place import can_fail, nodes_of, write_in_place
from ..kernels import Fallback, Place, Unit, contiguous, units_of
from ..llvm.engine import MachineCode
from . import team
from .loading import code_name, machine_code
from .memory import Lifetime, plan
from .memory_report import MemoryReport, memory_report, size_of
from .objects import layout
from .plan import NumPyStep, Output, Plan, View
from .segments import Segments


class Planning:
    """What is known of a program while it is made; and what is told about it to people."""

    def __init__(
        self, graph: Graph, updates: Sequence[tuple[int, int]] = (), *, one_by_one: bool = False
    ) -> None:
        """updates: outputs that are the next values of inputs, by their places among outputs and inputs.

        one_by_one: every unit is a function of its own, to be timed.
        """
        self.one_by_one = one_by_one
        self.units = units_of(graph)
        self.graph = graph = self.units.graph
        pairs = {(graph.outputs[after], graph.inputs[before]): (after, before) for after, before in updates}
        if layout() is None:  # then there is no entrance, which alone can write over what others might see
            pairs = {}
        self.in_place = dict(pairs[found] for found in write_in_place(self.units, list(pairs)))
        """The updates that are written over the old values."""
        inputs = set(graph.inputs)
        self.constants = [n for n in graph.body if isinstance(n.op, Leaf) and n not in inputs]
        self.by_numpy = [unit.node for unit in self.units.units if isinstance(unit, Fallback)]
        fixed = {*inputs, *self.by_numpy, *self.constants, self.units.faults}
        owners = [self.units.places[node].owner for node in graph.outputs]
        self.fresh = [node for node in dict.fromkeys(owners) if node not in fixed]
        fixed.update(self.fresh)
        self.inside = [n for n in graph.body if n in self.units.stored and n not in fixed]
        """What lives inside a call, in one block."""
        arrays = [*graph.inputs, *self.fresh, *self.by_numpy]
        memories = [*arrays, *self.constants, self.units.faults, *self.inside]
        self.slots = {node: slot for slot, node in enumerate(memories)}
        self._place_inside()
        self.segments = Segments(self.units, self.slots, len(arrays), self.offsets)
        self.steps = self._steps()

    def _place_inside(self) -> None:
        units = self.units
        last: dict[Node, int] = {}
        for place, unit in enumerate(units.units):
            for node in nodes_of(unit):
                for source in node.inputs:
                    last[units.places[source].owner] = place
        self.lifetimes = [
            Lifetime(size_of(n), units.written[n], last.get(n, units.born[n])) for n in self.inside
        ]
        offsets, self.block = plan(self.lifetimes)
        self.offsets = dict(zip(self.inside, offsets, strict=True))

    def _steps(self) -> list[int | NumPyStep]:
        """What is done in order: segments, by number, and ops that NumPy runs."""
        steps: list[int | NumPyStep] = []
        waiting: list[Unit] = []

        def close() -> None:
            if waiting:
                steps.append(self.segments.add(list(waiting)))
                waiting.clear()

        first = self._first_in_place()
        for place, unit in enumerate(self.units.units):
            if not isinstance(unit, Fallback):
                if place == first:
                    close()
                waiting.append(unit)
                if self.one_by_one:
                    close()
                continue
            close()
            node = unit.node
            steps.append(NumPyStep(node.op, [self._seen(source) for source in node.inputs], self.slots[node]))
        close()
        return steps

    def _first_in_place(self) -> int:
        """The first unit that writes over an input, if one before can fail: who runs it looks whether one has."""
        writers = [self.units.kernel_of[self.graph.outputs[place]].index for place in self.in_place]
        first = min(writers, default=0)
        return first if any(can_fail(unit, self.units) for unit in self.units.units[:first]) else -1

    def _seen(self, node: Node) -> tuple[int, View | None]:
        """In which array a value lies, and how; that of the block comes after all others."""
        place = self.units.places[node]
        slot, offset = self.slots[place.owner], self.offsets.get(place.owner)
        if offset is None and place == Place(node, 0, contiguous(node.shape)):
            return slot, None
        step = node.dtype.itemsize
        view = (
            node.shape,
            node.dtype,
            (offset or 0) + place.offset * step,
            tuple(s * step for s in place.strides),
        )
        return slot if offset is None else len(self.slots), view

    def _outputs(self) -> list[Output]:
        taken: set[Node] = set()
        found = []
        for place, node in enumerate(self.graph.outputs):
            aval, is_plain = Aval(node.shape, node.dtype), self.units.is_plain(node)
            if place in self.in_place:
                found.append(Output(aval, self.in_place[place], 0, None, True, is_plain))
                continue
            owner = self.units.places[node].owner
            slot, view = self._seen(node)
            offset, strides = (0, None) if view is None else view[2:]
            is_whole = view is None and owner not in taken and not isinstance(owner.op, Leaf)
            found.append(Output(aval, slot, offset, strides, is_whole, is_plain))
            taken.add(owner)
        return found

    @cached_property
    def plan(self) -> Plan:
        """All that a run needs to know."""
        segments = self.segments
        return Plan(
            given=[Aval(node.shape, node.dtype) for node in self.graph.inputs],
            fresh=[Aval(node.shape, node.dtype) for node in self.fresh],
            constants=[np.asarray(node.value, order="C") for node in self.constants],
            offsets=np.array(list(self.offsets.values()), np.int64),
            block=self.block,
            beside=segments.beside,
            in_place=list(self.in_place.items()),
            outputs=self._outputs(),
            steps=self.steps,
            records=segments.records(),
            phases=segments.phases,
            uses_team=segments.uses_team,
            nanoseconds=segments.nanoseconds,
            code=code_name(segments.key) if segments.codes else None,
        )

    def machine_code(self) -> MachineCode | None:
        """The functions of all segments and units; None where NumPy does everything."""
        if not self.segments.codes:
            return None
        symbols = team.team().symbols if self.plan.uses_team else {}
        return machine_code(self.plan.code, self.segments.texts, symbols)

    @property
    def llvm(self) -> list[str]:
        """The LLVM IR of the program, module by module."""
        return list(self.segments.texts())

    @property
    def memory(self) -> MemoryReport:
        """What the program needs of memory."""
        return memory_report(
            self.inside,
            self.lifetimes,
            self.block,
            self.graph.inputs,
            self.constants,
            self.graph.outputs,
            [self.graph.outputs[place] for place in self.in_place],
            self.segments.beside,
        )
