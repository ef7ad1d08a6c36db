"""A plan with its machine code and memory: what runs, from Python or through its entrance."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np

from ...graph import Graph, quiet
from ..llvm.engine import MachineCode
from ..llvm.names import entry_name, kernel_name, phase_name, segment_name
from .fault import raise_fault
from .memory import ALIGNMENT
from .plan import NumPyStep, Plan, View
from .recycling import Recycled

RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
"""The function of a segment: it takes the address of the table."""


class Program:
    """The outputs of a graph from its inputs. One call at a time uses the memory in between."""

    def __init__(self, plan: Plan, code: MachineCode | None, graph: Graph) -> None:
        """code: None where NumPy does everything. graph: what the plan is of, to find out what is wrong with inputs."""
        self.plan = plan
        self.code = code
        self.graph = graph
        self.in_place = dict(plan.in_place)
        self.lock = threading.Lock()
        self.busy = ctypes.c_size_t(0)
        """Not 0 while it runs from here, for who would run it without the lock."""
        self.fresh = [Recycled(*aval) for aval in plan.fresh]
        faults: Any = np.zeros(1, np.int64)
        self.faults, self.faults_address = memoryview(faults), faults.ctypes.data
        self.block, start = _aligned(plan.block)
        self.scratch, beside = _aligned(plan.beside)
        constants = [*plan.constants, faults]
        others = plan.known_first + len(plan.by_numpy)
        self.arrays: list[Any] = [None] * others + constants + [None] * len(plan.offsets)
        self.arrays.append(self.block[start - self.block.ctypes.data :])
        self.records = plan.records.placed(self._functions())
        self.table = np.zeros(plan.size + 2, np.uintp)
        inside = others + len(constants)
        self.table[others:inside] = [array.ctypes.data for array in constants]
        self.table[inside:-2] = start + plan.offsets
        self.table[-2:] = beside, self.records.ctypes.data
        self.address = self.table.ctypes.data
        self.schedule: list[Any] = [
            step if isinstance(step, NumPyStep) else RUN(self._address(segment_name(step)))
            for step in plan.steps
        ]
        self.outputs = [(output.slot, output.view, output.is_whole) for output in plan.outputs]
        self.known_first = plan.known_first

    def _functions(self) -> list[int]:
        """The addresses of all kernels' functions, in order."""
        return [
            self._address(entry_name(phase_name(kernel_name(number), phase)))
            for number, phases in enumerate(self.plan.phases)
            for phase in range(phases)
        ]

    def _address(self, name: str) -> int:
        address = 0 if self.code is None else self.code.address(name)
        if not address:
            raise RuntimeError(f"the machine code of a plan has no function {name}")
        return address

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
        given, known_first = len(inputs), self.known_first
        arrays[:given] = [
            x if (f := x.flags).c_contiguous and f.aligned else np.require(x, None, ("C", "A"))
            for x in inputs
        ]
        for place in self.in_place.values():
            arrays[place] = arrays[place].copy()
        arrays[given:known_first] = [output.empty() for output in self.fresh]
        if self.code is not None:
            self.table[:known_first] = list(map(id, arrays[:known_first]))
        self.faults[0] = 0
        for step in self.schedule:
            if isinstance(step, NumPyStep):
                self._run_in_numpy(step, arrays)
            else:
                step(self.address)
        if self.faults[0]:
            raise_fault(self.graph, inputs)
        return [
            arrays[slot] if is_whole and arrays[slot].base is None else np.array(_look(arrays[slot], view))
            for slot, view, is_whole in self.outputs
        ]

    def _run_in_numpy(self, step: NumPyStep, arrays: list[Any]) -> None:
        op = step.op
        inputs = [_look(arrays[source], view) for source, view in step.sources]
        found = op.forward(*inputs) if op.runs_user_code else quiet.run(op.forward, *inputs)
        array = np.asarray(found, order="C")
        # a view of what may soon be written over, or an input itself
        if (array.base is not None and np.may_share_memory(array, self.block)) or any(
            array is x for x in inputs
        ):
            array = array.copy()
        arrays[step.slot] = array
        self.table[step.slot] = id(array)


def _aligned(size: int) -> tuple[Any, int]:
    """Memory of at least so many bytes, and where in it values can begin."""
    memory = np.empty(size + ALIGNMENT, np.uint8)
    return memory, memory.ctypes.data + -memory.ctypes.data % ALIGNMENT


def _look(array: Any, view: View | None) -> Any:
    """A value as a NumPy array, where it lies."""
    if view is None:
        return array
    shape, dtype, offset, strides = view
    return np.ndarray(shape, dtype, array, offset, strides)
