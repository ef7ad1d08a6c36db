"""A graph as machine code: segments of kernels and products, with NumPy calls between them where nothing else can."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from llvmlite import ir

from ...graph import Graph, Leaf, Node, quiet
from ..kernels import Contraction, Fallback, Kernel, Place, Unit, Units, contiguous
from ..llvm.contraction import ContractionCall
from ..llvm.engine import MachineCode
from ..llvm.kernel import KernelFunction
from ..llvm.nest import INDEX
from . import blas
from .memory import Lifetime, plan

POINTER = ir.PointerType()


class Program:
    """The outputs of a graph from its inputs. One call at a time uses the memory in between."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.units = Units(graph)
        self.lock = threading.Lock()
        self.calls = {
            unit: ContractionCall(unit, self.units)
            for unit in self.units.units
            if isinstance(unit, Contraction)
        }
        self.slots = {node: place for place, node in enumerate(self._owners())}
        self.table = np.zeros(len(self.slots), np.uintp)
        self._place_values()
        self._generate()

    def _owners(self) -> list[Node]:
        inputs = list(self.graph.inputs)
        leaves = [n for n in self.graph.body if isinstance(n.op, Leaf) and n not in set(inputs)]
        made = [n for n in self.graph.body if n in self.units.stored and not isinstance(n.op, Leaf)]
        return list(dict.fromkeys([*inputs, *leaves, *made]))

    # --- memory ---------------------------------------------------------------------------------------------

    def _place_values(self) -> None:
        """Constants where they are, outputs anew at each call, everything else in one block."""
        units = self.units
        given = set(self.graph.inputs)
        out_owners = [units.places[node].owner for node in self.graph.outputs]
        fallback = {
            unit.node for unit in units.units if not isinstance(unit, Kernel) and self._runs_in_numpy(unit)
        }
        self.fresh = [
            n
            for n in dict.fromkeys(out_owners)
            if n not in given and not isinstance(n.op, Leaf) and n not in fallback
        ]
        self.constants = []
        for node in self.slots:
            if isinstance(node.op, Leaf) and node not in given:
                array = np.ascontiguousarray(node.value)
                self.constants.append(array)
                self.table[self.slots[node]] = array.ctypes.data
        last: dict[Node, int] = {}
        for place, unit in enumerate(units.units):
            for node in _nodes_of(unit):
                for source in node.inputs:
                    last[units.places[source].owner] = place
        inside = [
            node
            for node in self.slots
            if not isinstance(node.op, Leaf) and node not in self.fresh and node not in fallback
        ]
        lifetimes = [
            Lifetime(math.prod(n.shape) * n.dtype.itemsize, units.born[n], last.get(n, units.born[n]))
            for n in inside
        ]
        offsets, size = plan(lifetimes)
        self.block = np.empty(size + 64, np.uint8)
        start = -self.block.ctypes.data % 64
        self.arrays: dict[Node, Any] = {}
        for node, offset in zip(inside, offsets, strict=True):
            self.table[self.slots[node]] = self.block.ctypes.data + start + offset
            self.arrays[node] = np.ndarray(node.shape, node.dtype, self.block, start + offset)
        for node, array in zip(
            (n for n in self.slots if isinstance(n.op, Leaf) and n not in given), self.constants, strict=True
        ):
            self.arrays[node] = array

    def _runs_in_numpy(self, unit: Unit) -> bool:
        return isinstance(unit, Fallback) or (isinstance(unit, Contraction) and not self.calls[unit].fits)

    # --- code -----------------------------------------------------------------------------------------------

    def _generate(self) -> None:
        module = ir.Module("step")
        known: dict[str, ir.Function] = {}
        self.schedule: list[Any] = []
        waiting: list[Unit] = []
        segments: list[str] = []

        def close() -> None:
            if waiting:
                name = f"segment_{len(segments)}"
                segments.append(name)
                self._segment(module, name, list(waiting), known)
                self.schedule.append(name)
                waiting.clear()

        for unit in self.units.units:
            if not isinstance(unit, Kernel) and self._runs_in_numpy(unit):
                close()
                self.schedule.append(unit.node)
            else:
                waiting.append(unit)
        close()
        if segments:
            routines = {call.routine for call in self.calls.values() if call.fits}
            symbols = {name: blas.address(name) or 0 for name in routines}
            self.code = MachineCode(str(module), symbols)
            self.schedule = [
                self.code.function(step) if isinstance(step, str) else step for step in self.schedule
            ]

    def _segment(
        self, module: ir.Module, name: str, units: list[Unit], known: dict[str, ir.Function]
    ) -> None:
        """A function that runs several units, one after the other, on a table of pointers."""
        function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), name)
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        table = function.args[0]
        for unit in units:
            code = KernelFunction(unit, self.units) if isinstance(unit, Kernel) else self.calls[unit]  # type: ignore[index]
            pointers = {}
            for owner in code.owners:
                cell = builder.gep(table, [INDEX(self.slots[owner])], source_etype=POINTER)
                pointers[owner] = builder.load(cell, typ=POINTER)
            if isinstance(code, KernelFunction):
                kernel = self._once(module, code, known)
                builder.call(kernel, [pointers[owner] for owner in code.owners])
            else:
                code.build(builder, pointers)
        builder.ret_void()

    def _once(self, module: ir.Module, code: KernelFunction, known: dict[str, ir.Function]) -> ir.Function:
        """The kernel's function; the one of an earlier kernel if that has the same code."""
        scratch = ir.Module("kernel")
        text = str(code.build(scratch, "kernel"))
        if text not in known:
            known[text] = code.build(module, f"kernel_{len(known)}")
        return known[text]

    # --- running --------------------------------------------------------------------------------------------

    def __call__(self, inputs: list[Any]) -> list[Any]:
        """The outputs for these inputs."""
        with self.lock:
            return self._run(inputs)

    def _run(self, inputs: list[Any]) -> list[Any]:
        arrays = dict(self.arrays)
        table, slots = self.table, self.slots
        for node, given in zip(self.graph.inputs, inputs, strict=True):
            array = given if given.flags.c_contiguous else np.ascontiguousarray(given)
            arrays[node] = array
            table[slots[node]] = array.ctypes.data
        for node in self.fresh:
            array = np.empty(node.shape, node.dtype)
            arrays[node] = array
            table[slots[node]] = array.ctypes.data
        address = table.ctypes.data
        for step in self.schedule:
            if isinstance(step, Node):
                self._run_in_numpy(step, arrays)
            else:
                step(address)
        return self._outputs(arrays)

    def _run_in_numpy(self, node: Node, arrays: dict[Node, Any]) -> None:
        sources = [self._seen(source, arrays) for source in node.inputs]
        forward = node.op.forward
        found = forward(*sources) if node.op.runs_user_code else quiet.run(forward, *sources)
        array = np.ascontiguousarray(found).reshape(node.shape)
        arrays[node] = array
        if node in self.slots:
            self.table[self.slots[node]] = array.ctypes.data

    def _seen(self, node: Node, arrays: dict[Node, Any]) -> Any:
        """A value as a NumPy array, where it lies."""
        place = self.units.places[node]
        base = arrays[place.owner]
        if place == Place(node, 0, contiguous(node.shape)):
            return base
        step = base.dtype.itemsize
        return np.ndarray(
            node.shape, node.dtype, base, place.offset * step, tuple(s * step for s in place.strides)
        )

    def _outputs(self, arrays: dict[Node, Any]) -> list[Any]:
        taken: set[Node] = set()
        outputs = []
        for node in self.graph.outputs:
            owner = self.units.places[node].owner
            seen = self._seen(node, arrays)
            whole = owner is node and owner not in taken and not isinstance(owner.op, Leaf)
            outputs.append(seen if whole else np.array(seen))
            taken.add(owner)
        return outputs


def _nodes_of(unit: Unit) -> list[Node]:
    return unit.maps + unit.folds if isinstance(unit, Kernel) else [unit.node]
