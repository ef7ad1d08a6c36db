"""The code of a program: runs of kernels and products, each a function of one table of pointers.

The first places of the table hold NumPy arrays, as Python objects, because they are others at each call: the code reads
their data pointers itself, which takes a nanosecond where asking from Python takes a microsecond. The other places
hold pointers to data, the last one to the memory that units need beside.

Where threads pay, a segment is a job for the team: `schedule.py` says which phases are divided, and before which
threads wait for each other; `jobs.py` writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ...graph import Node
from ..kernels import Alone, Assembly, Contraction, Kernel, Unit, Units
from ..llvm.alone import GENERATORS
from ..llvm.assembly import AssemblyFunction
from ..llvm.code import POINTER, Code, Phase, phase_name
from ..llvm.contraction.product import ProductCode
from ..llvm.engine import MachineCode
from ..llvm.entries import BYTE, Lists, Place, declared, entry
from ..llvm.kernel import KernelFunction
from ..llvm.nest import INDEX
from . import team
from .jobs import LINE, Steps, lines_of, write_alone, write_job, write_launch
from .loading import machine_code
from .memory import ALIGNMENT
from .memory_report import size_of
from .objects import data_offset
from .schedule import Range, Task, Turn, turns

SCRATCH: Range = (-2, -1)
"""The memory that units need beside, as a range of its own."""

OBJECTS = 1 << 62
"""Where ranges of memory that is other at each call begin, each far from the next."""


MODULES, SHARED = 6, 8
"""Into how many modules codes are divided at most, and how many share one at least: for each there is a price."""


@dataclass(frozen=True)
class _Step:
    """A phase of a unit, ready to be called."""

    code: Code
    phase: Phase
    kernel: int
    """The number of the first code that is the same, whose functions it calls."""
    place: int
    """Which phase of the unit it is."""
    task: Task


@dataclass(frozen=True)
class _Segment:
    """Steps that are one function, and how they are run."""

    name: str
    steps: Sequence[_Step]
    order: Sequence[Turn]
    threads: int
    """How many threads it has work for; 1 without a team."""


class Segments:
    """Functions for runs of units, generated together and compiled by `compiled`.

    What is written follows from `key`, so nothing is written where the machine code is in the disk's cache.
    """

    def __init__(
        self, units: Units, slots: Mapping[Node, int], objects: int, addresses: Sequence[int]
    ) -> None:
        """slots: the place of each memory in the table; the first `objects` of them are arrays. `addresses`: what the
        table holds at the other places."""
        self.units = units
        self.slots = slots
        self.objects = objects
        self.addresses = addresses
        self.kernels: dict[Any, int] = {}
        self.codes: list[Code] = []
        """One for each kernel."""
        self.beside = 0
        """The bytes of memory that units need beside."""
        self.lines = 0
        """How many counters the jobs need, which lie behind it."""
        self.segments: list[_Segment] = []
        self.symbols: Mapping[str, int] = {}

    def add(self, run: list[Unit]) -> str:
        """A function for these units, one after the other; its name."""
        steps = [step for unit in run for step in self._steps(unit)]
        order = turns([step.task for step in steps])
        several = max((turn.threads for turn in order), default=1)
        company = team.team() if several > 1 else None
        if company is None:
            order, several = [Turn(1, False) for _ in steps], 1
        else:
            self.symbols = company.symbols
            self.lines = max(self.lines, lines_of(order))
        self.segments.append(_Segment(f"segment_{len(self.segments)}", steps, order, several))
        return self.segments[-1].name

    @property
    def scratch(self) -> int:
        """The bytes of memory that the last place of the table points to."""
        return self.beside + self.lines * LINE

    @property
    def key(self) -> Any:
        """All that the text depends on."""
        kernels = [(key, self.codes[number].scratch) for key, number in self.kernels.items()]
        segments = [
            (
                segment.threads,
                [
                    (
                        step.kernel,
                        step.place,
                        step.phase.pieces,
                        turn.threads,
                        turn.waits,
                        [self.slots[owner] for owner in step.code.owners],
                        [*step.code.offsets],
                    )
                    for step, turn in zip(segment.steps, segment.order, strict=True)
                ],
            )
            for segment in self.segments
        ]
        return "segments", data_offset(), self.objects, len(self.slots), self.beside, kernels, segments

    def text(self) -> str:
        """All of it as one module of LLVM IR, before LLVM's own passes."""
        module = ir.Module("step")
        self._write_segments(module, [self._entries(module, number) for number in range(len(self.codes))])
        return str(module)

    def texts(self) -> Iterator[str]:
        """The same as several modules, compiled at the same time; first the longest, that of the segments."""
        module = ir.Module("step")
        known = [
            [declared(module, phase_name(_name(number), place)) for place in range(len(code.phases))]
            for number, code in enumerate(self.codes)
        ]
        self._write_segments(module, known)
        yield str(module)
        count = min(MODULES, -(-len(self.codes) // SHARED))
        for part in range(count):
            module = ir.Module(f"kernels_{part}")
            for number in range(part, len(self.codes), count):
                self._entries(module, number)
            yield str(module)

    def _entries(self, module: ir.Module, number: int) -> list[ir.Function]:
        functions = self.codes[number].build(module, _name(number))
        return [entry(function, data_offset()) for function in functions]

    def _write_segments(self, module: ir.Module, entries: Sequence[Sequence[ir.Function]]) -> None:
        for segment in self.segments:
            self._write_segment(module, segment, entries)

    def _write_segment(
        self, module: ir.Module, segment: _Segment, kernels: Sequence[Sequence[ir.Function]]
    ) -> None:
        lists = Lists()
        starts = [lists.add(self._places(step.code)) for step in segment.steps]
        steps = Steps(
            segment.name,
            [kernels[step.kernel][step.place] for step in segment.steps],
            starts,
            [step.phase.pieces for step in segment.steps],
            lists.constant(module, f"{segment.name}_places"),
        )

        def state(builder: ir.IRBuilder, table: Any) -> Any:
            last = builder.gep(table, [INDEX(len(self.slots))], source_etype=POINTER)
            return builder.gep(builder.load(last, typ=POINTER), [INDEX(self.beside)], source_etype=BYTE)

        if segment.threads == 1:
            write_alone(module, segment.name, steps)
            return
        alone = write_alone(module, f"{segment.name}_alone", steps)
        job = write_job(module, f"{segment.name}_job", segment.order, steps)
        write_launch(module, segment.name, job, alone, state, segment.threads)

    def _places(self, code: Code) -> list[Place]:
        """Where the arguments of a unit's functions are found, the memory beside last."""
        slots = [self.slots[owner] for owner in code.owners]
        offsets = code.offsets or [0] * len(slots)
        places = [(slot, slot < self.objects, offset) for slot, offset in zip(slots, offsets, strict=True)]
        return [*places, (len(self.slots), False, 0)]

    # --- what the threads do ----------------------------------------------------------------------------------------

    def _steps(self, unit: Unit) -> list[_Step]:
        code = self._code(unit)
        self.beside = max(self.beside, -(-code.scratch // ALIGNMENT) * ALIGNMENT)
        made = {self.units.places[node].owner for node in _made_by(unit)}
        beside = [SCRATCH] if code.scratch else []
        kernel = self._once(code)
        reads = [*beside, *(self._range(owner) for owner in code.owners if owner not in made)]
        writes = [*beside, *(self._range(owner) for owner in code.owners if owner in made)]
        return [
            _Step(code, phase, kernel, place, Task(phase.pieces, phase.nanoseconds, reads, writes, place > 0))
            for place, phase in enumerate(code.phases)
        ]

    def _range(self, owner: Node) -> Range:
        slot = self.slots[owner]
        start = OBJECTS * (slot + 1) if slot < self.objects else self.addresses[slot]
        return start, start + size_of(owner)

    def _code(self, unit: Unit) -> Code:
        if isinstance(unit, Kernel):
            return KernelFunction(unit, self.units)
        if isinstance(unit, Alone):
            return GENERATORS[type(unit.loops)](unit, self.units)
        if isinstance(unit, Assembly):
            return AssemblyFunction(unit, self.units)
        assert isinstance(unit, Contraction)
        return ProductCode(unit, self.units)

    def _once(self, code: Code) -> int:
        """The number of a unit's code; that of an earlier unit if it is the same."""
        number = self.kernels.setdefault(code.key, len(self.codes))
        if number == len(self.codes):
            self.codes.append(code)
        return number

    def compiled(self) -> tuple[MachineCode, dict[str, Callable[[int], None]]]:
        """The machine code, and the functions by name."""
        code = machine_code(self.key, self.texts, self.symbols)
        return code, {segment.name: code.function(segment.name) for segment in self.segments}


def _name(number: int) -> str:
    return f"kernel_{number}"


def _made_by(unit: Unit) -> Sequence[Node]:
    """The nodes whose memory a unit may write."""
    if isinstance(unit, Kernel):
        return unit.maps + unit.folds
    return unit.nodes if isinstance(unit, Alone) else [unit.node]
