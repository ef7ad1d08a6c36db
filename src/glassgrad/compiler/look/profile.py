"""How long each unit of a compiled function takes, beside what the machine can do at most."""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable, Sequence
from ctypes import CFUNCTYPE, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...errors import ArgumentError
from ..arguments import taken_apart
from ..outside import cells, put_back, run_as_program
from ..runtime.loading import code_name, machine_code
from ..runtime.plan import NumPyStep
from ..runtime.planning import Planning
from ..runtime.program import Program
from ..trace import STATE
from .machine import Machine, measured_machine
from .table import Report, amount, counted, plural, table
from .units import UnitReport, unit_reports

if TYPE_CHECKING:
    from ..compiled import Compiled

MOST_ROWS = 30
"""How many groups of units a table shows."""

DRIVER = """
declare i32 @clock_gettime(i32, ptr)

define internal i64 @now(i32 %clock) {
  %time = alloca [2 x i64]
  call i32 @clock_gettime(i32 %clock, ptr %time)
  %seconds = load i64, ptr %time
  %place = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %place
  %whole = mul i64 %seconds, 1000000000
  %all = add i64 %whole, %rest
  ret i64 %all
}

define void @drive(ptr %functions, i64 %count, ptr %table, ptr %times, i32 %clock) {
entry:
  %start = call i64 @now(i32 %clock)
  store i64 %start, ptr %times
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  %place = getelementptr ptr, ptr %functions, i64 %i
  %function = load ptr, ptr %place
  call void %function(ptr %table)
  %time = call i64 @now(i32 %clock)
  %next = add i64 %i, 1
  %target = getelementptr i64, ptr %times, i64 %next
  store i64 %time, ptr %target
  %more = icmp slt i64 %next, %count
  br i1 %more, label %loop, label %end
end:
  ret void
}

define void @nothing(ptr %table) {
  ret void
}
"""
"""Calls functions one after the other and reads a clock after each."""


@dataclass(frozen=True, repr=False)
class UnitTime(Report):
    """A unit and the shortest time it took."""

    unit: UnitReport
    seconds: float

    @property
    def flops(self) -> float:
        """Floating-point operations per second; NaN where their number is not known."""
        return math.nan if self.unit.flops is None else self.unit.flops / self.seconds

    @property
    def bandwidth(self) -> float:
        """Bytes read and written per second."""
        return self.unit.bytes / self.seconds

    def __str__(self) -> str:
        return f"{amount(self.seconds, 's')}: {self.unit}"


@dataclass(frozen=True, repr=False)
class Profile(Report):
    """Where the time of a call goes; print it for a table, with units that do the same work in one row."""

    units: tuple[UnitTime, ...]
    seconds: float
    """The shortest time of a whole call, as the program runs it, with what Python does before and after."""
    machine: Machine
    calls: int

    @property
    def inside(self) -> float:
        """Seconds in all units, each timed by itself."""
        return sum(unit.seconds for unit in self.units)

    @property
    def around(self) -> float:
        """Seconds of a call outside of all units: Python's part. At least 0, since units that are not timed overlap."""
        return max(0.0, self.seconds - self.inside)

    def __str__(self) -> str:
        whole = self.inside + self.around
        groups = sorted(_grouped(self.units), key=lambda group: -sum(unit.seconds for unit in group))
        rows = [self._row(group, whole) for group in groups[:MOST_ROWS]]
        rest = [unit for group in groups[MOST_ROWS:] for unit in group]
        if rest:
            rows.append([*self._row(rest, whole)[:3], "others", *[""] * 7])
        rows.append([_percent(self.around / whole), amount(self.around, "s"), "", "Python around", *[""] * 7])
        heads = [
            " share",
            " time",
            " times",
            "kind",
            "over",
            "ops",
            " FLOP/s",
            " of peak",
            " B/s",
            " of peak",
            "from",
        ]
        return (
            f"{amount(self.seconds, 's')} per call (the shortest of {plural(self.calls, 'call')}); in "
            f"{plural(len(self.units), 'unit')}, each timed by itself: {amount(self.inside, 's')}\n"
            f"the machine's peak, {self.machine}\n" + table(heads, rows)
        )

    def _row(self, group: Sequence[UnitTime], whole: float) -> list[str]:
        seconds = sum(unit.seconds for unit in group)
        one = group[0].unit
        known = [time.unit.flops for time in group if time.unit.flops is not None]
        flops = sum(known) / seconds if known else None
        peak = self.machine.flops / (2 if one.dtype == "float64" else 1)
        bandwidth = sum(time.unit.bytes for time in group) / seconds
        return [
            _percent(seconds / whole),
            amount(seconds, "s"),
            str(len(group)),
            one.kind,
            f"{one.dtype}{list(one.shape)}",
            counted(one.ops),
            amount(flops),
            "" if flops is None else _percent(flops / peak),
            amount(bandwidth),
            _percent(bandwidth / self.machine.bandwidth),
            ", ".join(dict.fromkeys(line for time in group for line in time.unit.lines)),
        ]


def profile(compiled: Compiled, args: tuple[Any, ...], options: dict[str, Any], calls: int) -> Profile:
    """Time the units of `compiled` for these arguments. Parameters, buffers, gradients and random numbers stay."""
    if calls < 1:
        raise ArgumentError(f"profile takes a number of calls of at least 1; got {calls}")
    if compiled.last is None:
        raise ArgumentError(
            "profile takes the time of a compiled function that has been called: call it once before"
        )
    with STATE:
        kept = cells()
        draws: dict[Any, Any] = {}
        try:
            seconds, last = _timed_calls(compiled, args, options, calls, draws)
        finally:
            put_back(kept)
            for generator, state in draws.values():
                generator.set_state(state)
        planning = Planning(last.graph, last.updates, one_by_one=True)
        timed = TimedProgram(planning)
        for _ in range(calls + 1):
            inputs: list[Any] = []
            taken_apart((args, options), inputs)
            timed([*inputs, *last.state()])
    empty = _empty_seconds()
    units = tuple(
        UnitTime(unit, max(1e-9, nanoseconds * 1e-9 - (0.0 if unit.why_numpy else empty)))
        for unit, nanoseconds in zip(unit_reports(planning), timed.nanoseconds, strict=True)
    )
    return Profile(units, seconds, measured_machine(), calls)


def _timed_calls(
    compiled: Compiled, args: tuple[Any, ...], options: dict[str, Any], calls: int, draws: dict[Any, Any]
) -> tuple[float, Any]:
    """The shortest time of a call, and the program. Keeps in `draws` what random states were before."""
    seconds = math.inf
    for _ in range(calls + 2):  # at first a program is made, then its short way
        start = time.perf_counter()
        program, _ = run_as_program(compiled, args, options)
        seconds = min(seconds, time.perf_counter() - start)
        if program is None or not program.is_machine_code:
            raise ArgumentError(
                "profile takes the time of machine code, and with these arguments the function runs as it is: call it "
                "once before, outside of gg.grad and the like, where llvmlite is installed"
            )
        for generator, blocks in program.traced.draws:
            before = {**generator.get_state()}
            before["offset"] -= blocks
            draws.setdefault(id(generator), (generator, before))
    return seconds, program


class TimedProgram(Program):
    """A program in which every unit is a function of its own, with a look at a clock after each."""

    def __init__(self, planning: Planning) -> None:
        """planning: of units one by one."""
        super().__init__(planning.plan, planning.machine_code(), planning.graph)
        self.nanoseconds = [math.inf] * len(self.schedule)
        """The shortest time of each unit so far."""
        self.unit_of = {
            step.slot: place for place, step in enumerate(self.schedule) if isinstance(step, NumPyStep)
        }
        """The place of a unit that NumPy runs, by the slot of its result."""
        schedule: list[Any] = []
        places: list[int] = []
        for place, step in enumerate(self.schedule):
            if not isinstance(step, NumPyStep):
                places.append(place)
                continue
            schedule += [self._driven(places), step] if places else [step]
            places = []
        self.schedule = [*schedule, *([self._driven(places)] if places else [])]

    def _driven(self, places: list[int]) -> Callable[[int], None]:
        """A function that runs neighbouring units, and keeps their times."""
        steps: list[Any] = [self.schedule[place] for place in places]
        count = len(places)
        functions = (c_void_p * count)(*(ctypes.cast(step, c_void_p).value for step in steps))
        times = (c_int64 * (count + 1))()

        def run(table: int) -> None:
            _drive(functions, table, times)
            for i, place in enumerate(places):
                self.nanoseconds[place] = min(self.nanoseconds[place], times[i + 1] - times[i])

        return run

    def _run_in_numpy(self, step: NumPyStep, arrays: list[Any]) -> None:
        start = time.perf_counter_ns()
        super()._run_in_numpy(step, arrays)
        place = self.unit_of[step.slot]
        self.nanoseconds[place] = min(self.nanoseconds[place], time.perf_counter_ns() - start)


@lru_cache(maxsize=1)
def _driver() -> Any:
    """The machine code that reads the clock."""
    try:
        clock = ctypes.CDLL(None).clock_gettime
    except (AttributeError, TypeError, OSError):
        raise ArgumentError("profile needs clock_gettime, which this system does not have") from None
    symbols = {"clock_gettime": ctypes.cast(clock, c_void_p).value or 0}
    code = machine_code(code_name(DRIVER), lambda: [DRIVER], symbols)
    drive, nothing = (code.engine.get_function_address(name) for name in ("drive", "nothing"))
    return code, CFUNCTYPE(None, c_void_p, c_int64, c_void_p, c_void_p, c_int32)(drive), nothing


def _drive(functions: Any, table: int | None, times: Any) -> None:
    _, drive, _ = _driver()
    drive(functions, len(functions), table, times, time.CLOCK_MONOTONIC)


@lru_cache(maxsize=1)
def _empty_seconds() -> float:
    """How long a unit seems to take that does nothing."""
    _, _, nothing = _driver()
    count = 1000
    functions, times = (c_void_p * count)(*[nothing] * count), (c_int64 * (count + 1))()
    shortest = math.inf
    for _ in range(5):
        _drive(functions, None, times)
        shortest = min(shortest, (times[count] - times[0]) / count)
    return shortest * 1e-9


def _grouped(units: Sequence[UnitTime]) -> list[list[UnitTime]]:
    """The units that do the same work together, in the order of the first of each."""
    groups: dict[Any, list[UnitTime]] = {}
    for time_of in units:
        unit = time_of.unit
        groups.setdefault((unit.what, unit.ops, unit.flops, unit.bytes), []).append(time_of)
    return list(groups.values())


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %" if part >= 0.1 else f"{100 * part:.1f} %"
