"""A graph as machine code: runs of kernels and products, with NumPy calls between them where nothing else can."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph import Graph, Leaf, Node, quiet
from ..in_place import can_fail, nodes_of, write_in_place
from ..kernels import Fallback, Place, Unit, contiguous, units_of
from .fault import raise_fault
from .memory import ALIGNMENT, Lifetime, plan
from .memory_report import MemoryReport, memory_report, size_of
from .objects import layout
from .recycling import Recycled
from .segments import Segments

Seen = tuple[int, Any]
"""A value: the slot of its memory, and what `np.ndarray` needs to see it there; None if it is all of it."""


class Program:
    """The outputs of a graph from its inputs. One call at a time uses the memory in between.

    Every memory has a slot: first the arrays that are others at each call (inputs, outputs, what NumPy computes), then
    constants and the places in the one block for everything else.
    """

    one_by_one = False
    """Whether every unit is a function of its own, to be timed."""

    def __init__(self, graph: Graph, updates: Sequence[tuple[int, int]] = ()) -> None:
        """updates: outputs that are the next values of inputs, by their places among outputs and inputs."""
        self.updates = updates
        self.units = units_of(graph)
        self.graph = graph = self.units.graph
        pairs = {(graph.outputs[after], graph.inputs[before]): (after, before) for after, before in updates}
        if layout() is None:  # then there is no entrance, which alone can write over what others might see
            pairs = {}
        self.in_place = dict(pairs[found] for found in write_in_place(self.units, list(pairs)))
        """The updates that are written over the old values: a run needs arrays that may be written to."""
        self.lock = threading.Lock()
        self.busy = ctypes.c_size_t(0)
        """Not 0 while it runs from here, for who would run it without the lock."""
        inputs = list(graph.inputs)
        leaves = [n for n in graph.body if isinstance(n.op, Leaf) and n not in set(inputs)]
        leaves.append(self.units.faults)
        by_numpy = [unit.node for unit in self.units.units if isinstance(unit, Fallback)]
        owners = [self.units.places[node].owner for node in graph.outputs]
        fixed = {*inputs, *leaves, *by_numpy}
        fresh = [node for node in dict.fromkeys(owners) if node not in fixed]
        made = [n for n in graph.body if n in self.units.stored and n not in fixed and n not in set(fresh)]
        self.slots = {n: slot for slot, n in enumerate([*inputs, *fresh, *by_numpy, *leaves, *made])}
        self.given = len(inputs)
        self.known_first = len(inputs) + len(fresh)
        self.fresh = [Recycled(node.shape, node.dtype) for node in fresh]
        self.table = (ctypes.c_size_t * (len(self.slots) + 2))()  # then what units need beside, and records
        self.address = ctypes.addressof(self.table)
        self.arrays: list[Any] = [None] * len(self.slots)
        self._place_constants(leaves)
        self.faults = memoryview(self.arrays[self.slots[self.units.faults]])
        self._place_inside(made)
        self._generate()
        self.outputs = self._plan_outputs()

    # --- memory ---------------------------------------------------------------------------------------------

    def _place_constants(self, leaves: list[Node]) -> None:
        for node in leaves:
            array = np.asarray(node.value, order="C")
            self.arrays[self.slots[node]] = array
            self.table[self.slots[node]] = array.ctypes.data

    def _place_inside(self, made: list[Node]) -> None:
        """Everything that lives inside a call, in one block."""
        units = self.units
        last: dict[Node, int] = {}
        for place, unit in enumerate(units.units):
            for node in nodes_of(unit):
                for source in node.inputs:
                    last[units.places[source].owner] = place
        self.inside = made
        self.lifetimes = [Lifetime(size_of(n), units.written[n], last.get(n, units.born[n])) for n in made]
        offsets, size = plan(self.lifetimes)
        self.block = np.empty(size + ALIGNMENT, np.uint8)
        start = -self.block.ctypes.data % ALIGNMENT
        for node, offset in zip(made, offsets, strict=True):
            self.table[self.slots[node]] = self.block.ctypes.data + start + offset
            self.arrays[self.slots[node]] = np.ndarray(node.shape, node.dtype, self.block, start + offset)

    @property
    def memory(self) -> MemoryReport:
        """What this program needs of memory."""
        constants = [n for n in self.graph.body if isinstance(n.op, Leaf) and n not in self.graph.inputs]
        peak = self.block.nbytes - ALIGNMENT
        in_place = [self.graph.outputs[place] for place in self.in_place]
        return memory_report(
            self.inside,
            self.lifetimes,
            peak,
            self.graph.inputs,
            constants,
            self.graph.outputs,
            in_place,
            self.scratch.nbytes - ALIGNMENT,
        )

    def _seen(self, node: Node) -> Seen:
        place = self.units.places[node]
        slot = self.slots[place.owner]
        if place == Place(node, 0, contiguous(node.shape)):
            return slot, None
        step = node.dtype.itemsize
        return slot, (node.shape, node.dtype, place.offset * step, tuple(s * step for s in place.strides))

    def _plan_outputs(self) -> list[tuple[Seen, bool]]:
        """For each output where it is seen, and whether it may be given away as it is."""
        taken: set[Node] = set()
        planned = []
        for place, node in enumerate(self.graph.outputs):
            if place in self.in_place:
                planned.append(((self.in_place[place], None), True))
                continue
            owner = self.units.places[node].owner
            planned.append(
                (self._seen(node), owner is node and owner not in taken and not isinstance(owner.op, Leaf))
            )
            taken.add(owner)
        return planned

    # --- code -----------------------------------------------------------------------------------------------

    def _segments(self) -> tuple[Segments, list[Any]]:
        """The code, and what is done in order: functions of it by name, and ops that NumPy runs."""
        objects = self.known_first + sum(isinstance(unit, Fallback) for unit in self.units.units)
        segments = Segments(self.units, self.slots, objects, list(self.table))
        steps: list[Any] = []
        waiting: list[Unit] = []

        def close() -> None:
            if waiting:
                steps.append(segments.add(list(waiting)))
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
            steps.append((node.op, [self._seen(source) for source in node.inputs], self.slots[node]))
        close()
        return segments, steps

    def _first_in_place(self) -> int:
        """The first unit that writes over an input, if one before can fail: who runs it looks whether one has."""
        writers = [self.units.kernel_of[self.graph.outputs[place]].index for place in self.in_place]
        first = min(writers, default=0)
        return first if any(can_fail(unit, self.units) for unit in self.units.units[:first]) else -1

    def _generate(self) -> None:
        segments, steps = self._segments()
        self.scratch = np.empty(segments.beside + ALIGNMENT, np.uint8)
        if segments.segments:
            start = self.scratch.ctypes.data
            self.code, self.records = segments.compiled()
            self.table[len(self.slots)] = start - start % -ALIGNMENT
            self.table[len(self.slots) + 1] = self.records.address
        self.uses_team = bool(segments.symbols)
        self.nanoseconds = segments.nanoseconds
        """About how long a run takes on one thread."""
        self.schedule = [self.code.function(step) if isinstance(step, str) else step for step in steps]

    @property
    def llvm(self) -> str:
        """The LLVM IR of this program, written once more."""
        return self._segments()[0].text()

    # --- running --------------------------------------------------------------------------------------------

    def __call__(self, inputs: list[Any]) -> list[Any]:
        """The outputs for these inputs."""
        with self.lock:
            self.busy.value = 1
            try:
                return self._run(inputs)
            finally:
                self.busy.value = 0

    def _run(self, inputs: list[Any]) -> list[Any]:
        arrays = self.arrays.copy()
        arrays[: self.given] = [
            x if (f := x.flags).c_contiguous and f.aligned else np.require(x, None, ("C", "A"))
            for x in inputs
        ]
        for place in self.in_place.values():
            arrays[place] = arrays[place].copy()
        arrays[self.given : self.known_first] = [output.empty() for output in self.fresh]
        self.table[: self.known_first] = list(map(id, arrays[: self.known_first]))
        self.faults[0] = 0
        for step in self.schedule:
            if type(step) is tuple:
                self._run_in_numpy(step, arrays)
            else:
                step(self.address)
        if self.faults[0]:
            raise_fault(self.graph, inputs)
        return [
            arrays[slot]
            if whole and view is None and arrays[slot].base is None
            else np.array(_look(arrays[slot], view))
            for (slot, view), whole in self.outputs
        ]

    def _run_in_numpy(self, step: Any, arrays: list[Any]) -> None:
        op, sources, slot = step
        inputs = [_look(arrays[source], view) for source, view in sources]
        found = op.forward(*inputs) if op.runs_user_code else quiet.run(op.forward, *inputs)
        array = np.asarray(found, order="C")
        # a view of what may soon be written over, or an input itself
        if np.may_share_memory(array, self.block) or any(array is x for x in inputs):
            array = array.copy()
        arrays[slot] = array
        self.table[slot] = id(array)


def _look(array: Any, view: Any) -> Any:
    """A value as a NumPy array, where it lies."""
    if view is None:
        return array
    shape, dtype, offset, strides = view
    return np.ndarray(shape, dtype, array, offset, strides)
