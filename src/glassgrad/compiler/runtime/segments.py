"""The code of a program: runs of kernels and products, each a function of one table of pointers.

The first places of the table hold NumPy arrays, as Python objects, because they are others at each call: the code reads
their data pointers itself, which takes a nanosecond where asking from Python takes a microsecond. The other places
hold pointers to data.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir

from ...graph import Node
from ..kernels import Alone, Assembly, Kernel, Unit, Units
from ..llvm.alone import GENERATORS
from ..llvm.assembly import AssemblyFunction
from ..llvm.code import POINTER, Code
from ..llvm.contraction import ContractionCall
from ..llvm.engine import MachineCode
from ..llvm.kernel import KernelFunction
from ..llvm.nest import INDEX
from . import blas
from .loading import machine_code

BYTE = ir.IntType(8)


@lru_cache
def _data_offset() -> int:
    """Where in the object of an array the pointer to its data lies."""
    probe = np.zeros(1)
    for offset in range(8, 65, 8):
        if ctypes.c_size_t.from_address(id(probe) + offset).value == probe.ctypes.data:
            return offset
    raise RuntimeError("this NumPy keeps the data pointer of an array where glassgrad does not find it")


class Segments:
    """Functions for runs of units, generated together and compiled by `compiled`."""

    def __init__(self, units: Units, slots: Mapping[Node, int], objects: int) -> None:
        """slots: the place of each memory in the table; the first `objects` of them are arrays."""
        self.units = units
        self.slots = slots
        self.objects = objects
        self.module = ir.Module("step")
        self.kernels: dict[Any, list[ir.Function]] = {}
        self.routines: set[str] = set()
        self.names: list[str] = []

    def add(self, run: list[Unit], calls: Mapping[Unit, ContractionCall]) -> str:
        """A function for these units, one after the other; its name."""
        name = f"segment_{len(self.names)}"
        self.names.append(name)
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [POINTER]), name)
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        pointers: dict[Node, Any] = {}
        for unit in run:
            code = self._code(unit, calls)
            for owner in code.owners:
                if owner not in pointers:
                    pointers[owner] = self._pointer(builder, function.args[0], self.slots[owner])
            if isinstance(code, ContractionCall):
                self.routines.add(code.routine)
            for phase, shared in zip(code.phases, self._once(code), strict=True):
                arguments = [pointers[owner] for owner in code.owners]
                builder.call(shared, [*arguments, POINTER(None), INDEX(0), INDEX(phase.pieces)])
        builder.ret_void()
        return name

    def _pointer(self, builder: ir.IRBuilder, table: Any, slot: int) -> Any:
        found = builder.load(builder.gep(table, [INDEX(slot)], source_etype=POINTER), typ=POINTER)
        if slot >= self.objects:
            return found
        return builder.load(builder.gep(found, [INDEX(_data_offset())], source_etype=BYTE), typ=POINTER)

    def _code(self, unit: Unit, calls: Mapping[Unit, ContractionCall]) -> Code:
        if isinstance(unit, Kernel):
            return KernelFunction(unit, self.units)
        if isinstance(unit, Alone):
            return GENERATORS[type(unit.loops)](unit, self.units)
        return AssemblyFunction(unit, self.units) if isinstance(unit, Assembly) else calls[unit]

    def _once(self, code: Code) -> list[ir.Function]:
        """The functions of a unit's phases; those of an earlier unit if it has the same code."""
        if code.key not in self.kernels:
            self.kernels[code.key] = code.build(self.module, f"kernel_{len(self.kernels)}")
        return self.kernels[code.key]

    def compiled(self) -> tuple[MachineCode, dict[str, Callable[[int], None]]]:
        """The machine code, and the functions by name."""
        symbols = {name: blas.address(name) or 0 for name in self.routines}
        text = str(self.module)
        code = machine_code(text, lambda: text, symbols)
        return code, {name: code.function(name) for name in self.names}
