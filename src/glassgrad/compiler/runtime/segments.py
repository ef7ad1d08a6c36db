"""The code of a program: runs of kernels and products, each a function of one table of pointers.

The first places of the table hold NumPy arrays, as Python objects, because they are others at each call: the code reads
their data pointers itself, which takes a nanosecond where asking from Python takes a microsecond. The other places
hold pointers to data, the last one to the memory that units need beside.

Where threads pay, a segment is a job for the team: every thread goes through all its phases, does its share of those
that are divided, and waits for the others where it has to (`schedule.py`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir

from ...graph import Node
from ..kernels import Alone, Assembly, Contraction, Kernel, Unit, Units
from ..llvm.alone import GENERATORS
from ..llvm.assembly import AssemblyFunction
from ..llvm.code import POINTER, Code, Phase
from ..llvm.contraction.product import ProductCode
from ..llvm.engine import MachineCode
from ..llvm.kernel import KernelFunction
from ..llvm.nest import INDEX
from . import team, threads
from .loading import machine_code
from .memory_report import size_of
from .schedule import SHORT, Range, Task, Turn, turns

BYTE = ir.IntType(8)
FLAG = ir.IntType(1)
VOID = ir.VoidType()
SHARED = ir.FunctionType(VOID, [POINTER, POINTER, INDEX, INDEX])
"""What every thread runs: `void segment(table, state, thread, threads)`."""

SCRATCH: Range = (-2, -1)
"""The memory that units need beside, as a range of its own."""

OBJECTS = 1 << 62
"""Where ranges of memory that is other at each call begin, each far from the next."""


@dataclass(frozen=True)
class _Step:
    """A phase of a unit, ready to be called."""

    code: Code
    phase: Phase
    function: ir.Function
    task: Task


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

    def __init__(
        self, units: Units, slots: Mapping[Node, int], objects: int, addresses: Sequence[int]
    ) -> None:
        """slots: the place of each memory in the table; the first `objects` of them are arrays. `addresses`: what the
        table holds at the other places."""
        threads.get_num_threads()  # what is wrong with the environment is said while compiling
        self.units = units
        self.slots = slots
        self.objects = objects
        self.addresses = addresses
        self.module = ir.Module("step")
        self.kernels: dict[Any, list[ir.Function]] = {}
        self.scratch = 0
        self.names: list[str] = []
        self.symbols: Mapping[str, int] = {}

    def add(self, run: list[Unit]) -> str:
        """A function for these units, one after the other; its name."""
        name = f"segment_{len(self.names)}"
        self.names.append(name)
        steps = [step for unit in run for step in self._steps(unit)]
        order = turns([step.task for step in steps])
        several = max((turn.threads for turn in order), default=1)
        company = team.team() if several > 1 else None
        if company is None:
            order, several = [Turn(1, False) for _ in steps], 1
        shared = ir.Function(self.module, SHARED, f"{name}_shared")
        shared.linkage = "internal"
        self._write(shared, steps, order)
        function = ir.Function(self.module, ir.FunctionType(VOID, [POINTER]), name)
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        if company is None:
            builder.call(shared, [function.args[0], POINTER(None), INDEX(0), INDEX(1)])
        else:
            self.symbols = company.symbols
            short = sum(step.phase.nanoseconds for step in steps) < SHORT
            launch = self._outside(team.LAUNCH, [POINTER, POINTER, INDEX, FLAG])
            builder.call(launch, [shared, function.args[0], INDEX(several), FLAG(int(short))])
        builder.ret_void()
        return name

    def _outside(self, name: str, kinds: list[Any]) -> Any:
        """A function of the team's code."""
        return self.module.globals.get(name) or ir.Function(self.module, ir.FunctionType(VOID, kinds), name)

    # --- what the threads do ----------------------------------------------------------------------------------------

    def _steps(self, unit: Unit) -> list[_Step]:
        code = self._code(unit)
        self.scratch = max(self.scratch, code.scratch)
        made = {self.units.places[node].owner for node in _made_by(unit)}
        beside = [SCRATCH] if code.scratch else []
        reads = [*beside, *(self._range(owner) for owner in code.owners if owner not in made)]
        writes = [*beside, *(self._range(owner) for owner in code.owners if owner in made)]
        return [
            _Step(code, phase, function, Task(phase.pieces, phase.nanoseconds, reads, writes, place > 0))
            for place, (phase, function) in enumerate(zip(code.phases, self._once(code), strict=True))
        ]

    def _range(self, owner: Node) -> Range:
        slot = self.slots[owner]
        start = OBJECTS * (slot + 1) if slot < self.objects else self.addresses[slot]
        return start, start + size_of(owner)

    def _write(self, shared: ir.Function, steps: Sequence[_Step], order: Sequence[Turn]) -> None:
        table, state, thread, number = shared.args
        builder = ir.IRBuilder(shared.append_basic_block("entry"))
        owners = dict.fromkeys(owner for step in steps for owner in step.code.owners)
        pointers = {owner: self._pointer(builder, table, self.slots[owner]) for owner in owners}
        scratch = self._pointer(builder, table, len(self.slots))

        def call(step: _Step, begin: Any, end: Any) -> None:
            builder.call(
                step.function, [*(pointers[owner] for owner in step.code.owners), scratch, begin, end]
            )

        is_first = builder.icmp_unsigned("==", thread, INDEX(0))
        barriers = 0
        alone: list[_Step] = []

        def do_alone() -> None:
            if alone:
                with builder.if_then(is_first):
                    for step in alone:
                        call(step, INDEX(0), INDEX(step.phase.pieces))
                alone.clear()

        for step, turn in zip(steps, order, strict=True):
            if turn.waits:
                do_alone()
                barriers += 1
                barrier = self._outside(team.BARRIER, [POINTER, INDEX, INDEX])
                builder.call(barrier, [state, INDEX(barriers), number])
            if turn.threads == 1:
                alone.append(step)
                continue
            do_alone()
            fewer = builder.icmp_unsigned("<", number, INDEX(turn.threads))
            takers = builder.select(fewer, number, INDEX(turn.threads))
            with builder.if_then(builder.icmp_unsigned("<", thread, takers)):
                begin, end = (
                    builder.udiv(builder.mul(place, INDEX(step.phase.pieces)), takers)
                    for place in (thread, builder.add(thread, INDEX(1)))
                )
                call(step, begin, end)
        do_alone()
        builder.ret_void()

    def _pointer(self, builder: ir.IRBuilder, table: Any, slot: int) -> Any:
        found = builder.load(builder.gep(table, [INDEX(slot)], source_etype=POINTER), typ=POINTER)
        if slot >= self.objects:
            return found
        return builder.load(builder.gep(found, [INDEX(_data_offset())], source_etype=BYTE), typ=POINTER)

    def _code(self, unit: Unit) -> Code:
        if isinstance(unit, Kernel):
            return KernelFunction(unit, self.units)
        if isinstance(unit, Alone):
            return GENERATORS[type(unit.loops)](unit, self.units)
        if isinstance(unit, Assembly):
            return AssemblyFunction(unit, self.units)
        assert isinstance(unit, Contraction)
        return ProductCode(unit, self.units)

    def _once(self, code: Code) -> list[ir.Function]:
        """The functions of a unit's phases; those of an earlier unit if it has the same code."""
        if code.key not in self.kernels:
            self.kernels[code.key] = code.build(self.module, f"kernel_{len(self.kernels)}")
        return self.kernels[code.key]

    def compiled(self) -> tuple[MachineCode, dict[str, Callable[[int], None]]]:
        """The machine code, and the functions by name."""
        text = str(self.module)
        code = machine_code(text, lambda: text, self.symbols)
        return code, {name: code.function(name) for name in self.names}


def _made_by(unit: Unit) -> Sequence[Node]:
    """The nodes whose memory a unit may write."""
    if isinstance(unit, Kernel):
        return unit.maps + unit.folds
    return unit.nodes if isinstance(unit, Alone) else [unit.node]
