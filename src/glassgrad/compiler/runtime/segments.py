"""The code of a program: runs of kernels and products, each a function of one table of pointers.

The first places of the table hold NumPy arrays, as Python objects, because they are others at each call: the code reads
their data pointers itself, which takes a nanosecond where asking from Python takes a microsecond. The other places
hold pointers to data, the last one to the memory that units need beside.

Where threads pay, a segment is a job for the team: `schedule.py` says which phases are divided, and before which
threads wait for each other; `jobs.py` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ...graph import Node
from ..kernels import Alone, Assembly, Contraction, Kernel, Unit, Units
from ..llvm.alone import GENERATORS
from ..llvm.assembly import AssemblyFunction
from ..llvm.code import Code, Phase
from ..llvm.contraction.product import ProductCode
from ..llvm.engine import LeanText
from ..llvm.entries import Lists, Place, entry_code
from ..llvm.job import job_code
from ..llvm.kernel import KernelFunction
from ..llvm.modules import Modules
from ..llvm.names import kernel_name, phase_name
from . import team
from .jobs import Call, Records, records_of
from .memory import ALIGNMENT
from .memory_report import size_of
from .objects import data_offset
from .schedule import Range, Task, Turn, turns

SCRATCH: Range = (-2, -1)
"""The memory that units need beside, as a range of its own."""

OTHERS = 1 << 62
"""Where ranges of memory that is not in the block begin, each far from the next."""


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

    steps: Sequence[_Step]
    order: Sequence[Turn]
    threads: int
    """How many threads it has work for; 1 without a team."""


class Segments:
    """Functions for runs of units, generated together.

    What is written follows from `key`, so nothing is written where the machine code is in the disk's cache.
    """

    def __init__(
        self, units: Units, slots: Mapping[Node, int], objects: int, offsets: Mapping[Node, int]
    ) -> None:
        """slots: the place of each memory in the table; the first `objects` of them are arrays. `offsets`: where those
        begin that lie in one block."""
        self.units = units
        self.slots = slots
        self.objects = objects
        self.offsets = offsets
        self.kernels: dict[Any, int] = {}
        self.codes: list[Code] = []
        """One for each kernel."""
        self.beside = 0
        """The bytes of memory that units need beside."""
        self.segments: list[_Segment] = []

    def add(self, run: list[Unit]) -> int:
        """A function for these units, one after the other; its number."""
        steps = [step for unit in run for step in self._steps(unit)]
        order = turns([step.task for step in steps])
        several = max((turn.threads for turn in order), default=1)
        if not team.is_possible():
            order, several = [Turn(1, False) for _ in steps], 1
        self.segments.append(_Segment(steps, order, several))
        return len(self.segments) - 1

    @property
    def key(self) -> Any:
        """All that the text depends on. What is called in which order is data, so it is not among it."""
        kernels = [(key, self.codes[number].scratch) for key, number in self.kernels.items()]
        return "segments", data_offset(), len(self.slots), kernels, self._divided

    @property
    def nanoseconds(self) -> float:
        """About how long all of it takes on one thread."""
        return sum(step.task.nanoseconds for segment in self.segments for step in segment.steps)

    def texts(self) -> Iterator[str]:
        """Modules of LLVM IR, before LLVM's own passes, which can be compiled at the same time."""
        yield LeanText(self._calls())
        modules = Modules()
        for number, code in enumerate(self.codes):
            code.build(modules, kernel_name(number))
            yield from modules.texts(are_last=False)
        yield from modules.texts(are_last=True)

    def _calls(self) -> str:
        """The code that calls the functions of the other modules."""
        functions = {
            phase_name(kernel_name(number), place): code.pointer_count
            for number, code in enumerate(self.codes)
            for place in range(len(code.phases))
        }
        return entry_code(functions, data_offset()) + self._job_code()

    @property
    def uses_team(self) -> bool:
        """Whether threads divide any of it."""
        return any(self._divided)

    @property
    def _divided(self) -> list[bool]:
        """For each segment whether a team runs it."""
        return [segment.threads > 1 for segment in self.segments]

    def _job_code(self) -> str:
        return job_code(len(self.slots) + 1, self._divided)

    @property
    def phases(self) -> list[int]:
        """How many functions each kernel has."""
        return [len(code.phases) for code in self.codes]

    def records(self) -> Records:
        """What the segments' functions follow."""
        lists = Lists()
        first = [0, *accumulate(self.phases)]

        def call(step: _Step) -> Call:
            function = first[step.kernel] + step.place
            places = lists.add(function, self._places(step.code))
            return Call(function, places, step.phase.pieces)

        segments = [
            ([call(step) for step in segment.steps], segment.order, segment.threads)
            for segment in self.segments
        ]
        return records_of(segments, lists.words)

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
        start = self.offsets.get(owner, OTHERS * (slot + 1))
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


def _made_by(unit: Unit) -> Sequence[Node]:
    """The nodes whose memory a unit may write."""
    if isinstance(unit, Kernel):
        return unit.maps + unit.folds
    return unit.nodes if isinstance(unit, Alone) else [unit.node]
