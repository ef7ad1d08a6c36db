"""A segment in LLVM IR: what one thread does alone, and the job that a team does together.

A job has parts, one after the other: thread 0 opens a part when the part before it has ended, does what is not divided,
and then claims pieces of the phases that are, as the other threads do from the beginning. A part has ended when all its
pieces are done; whoever has not come by then finds the next part open (`llvm/team.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ..llvm.code import POINTER
from ..llvm.nest import INDEX, counted
from . import team
from .schedule import Turn

LINE = 64
"""Bytes of a counter, which is alone in its cache line."""

VOID, BYTE, ENUM = ir.VoidType(), ir.IntType(8), ir.IntType(32)
JOB = ir.FunctionType(VOID, [POINTER, POINTER, INDEX, INDEX])
"""What every thread runs: `void share(table, state, thread, threads)`."""

LONG = 8
"""From so many steps on they are called in a loop, because LLVM takes longer than linearly for many calls in a row."""


class Steps:
    """What is to be called for each step of a segment, and the function that calls several in a row."""

    def __init__(
        self,
        name: str,
        functions: Sequence[ir.Function],
        starts: Sequence[int],
        pieces: Sequence[int],
        lists: ir.GlobalVariable,
    ) -> None:
        """functions: `void f(table, places, begin, end)`. starts: where its places begin in `lists`, in bytes."""
        self.name, self.functions, self.starts, self.pieces = name, functions, starts, pieces
        self.lists = lists
        self.runner: ir.Function | None = None

    def found(self, builder: ir.IRBuilder, step: int) -> tuple[ir.Function, Any]:
        """A step's function and its second argument."""
        return self.functions[step], builder.gep(self.lists, [INDEX(self.starts[step])], source_etype=BYTE)

    def call(self, builder: ir.IRBuilder, table: Any, first: int, after: int) -> None:
        """All pieces of the steps from `first` up to but not including `after`, in order."""
        if after - first >= LONG:
            self.runner = self.runner or self._runner()
            builder.call(self.runner, [table, INDEX(first), INDEX(after)])
            return
        for step in range(first, after):
            one, places = self.found(builder, step)
            builder.call(one, [table, places, INDEX(0), INDEX(self.pieces[step])])

    def _runner(self) -> ir.Function:
        """`void run(table, first, after)`: a loop over records of a function, its list and its pieces."""
        module = self.functions[0].module
        record = ir.LiteralStructType([POINTER, INDEX, INDEX])
        kind = ir.ArrayType(record, len(self.functions))
        records = ir.GlobalVariable(module, kind, f"{self.name}_records")
        records.linkage, records.global_constant = "internal", True
        rows = zip(self.functions, self.starts, self.pieces, strict=True)
        records.initializer = ir.Constant(
            kind, [ir.Constant(record, [one, INDEX(start), INDEX(count)]) for one, start, count in rows]
        )
        signature = ir.FunctionType(VOID, [POINTER, INDEX, INDEX])
        runner = ir.Function(module, signature, f"{self.name}_run")
        runner.linkage = "internal"
        table, first, after = runner.args
        builder = ir.IRBuilder(runner.append_basic_block("entry"))
        called = ir.PointerType(self.functions[0].function_type)
        with counted(builder, first, after) as step:
            row = builder.gep(records, [step], source_etype=record)
            address, start, count = (
                builder.load(builder.gep(row, [INDEX(8 * word)], source_etype=BYTE), typ=INDEX)
                for word in range(3)
            )
            places = builder.gep(self.lists, [start], source_etype=BYTE)
            builder.call(builder.inttoptr(address, called), [table, places, INDEX(0), count])
        builder.ret_void()
        return runner


@dataclass(frozen=True)
class Part:
    """Steps that may run at the same time, but for those of one thread, which come in order."""

    alone: Sequence[int]
    divided: Sequence[int]


def parts_of(order: Sequence[Turn]) -> list[Part]:
    """The places of the steps, cut where threads wait for each other.

    >>> parts_of([Turn(1, False), Turn(2, True), Turn(2, False), Turn(1, True)])
    [Part(alone=[0], divided=[]), Part(alone=[], divided=[1, 2]), Part(alone=[3], divided=[])]
    """
    parts = [Part([], [])]
    for place, turn in enumerate(order):
        if turn.waits:
            parts.append(Part([], []))
        (parts[-1].alone if turn.threads == 1 else parts[-1].divided).append(place)  # type: ignore[attr-defined]
    return parts


def lines_of(order: Sequence[Turn]) -> int:
    """How many counters a job needs: one for each part, one for each divided step."""
    return sum(1 + len(part.divided) for part in parts_of(order) if part.divided)


def write_alone(module: ir.Module, name: str, steps: Steps) -> ir.Function:
    """`void name(table)`: all steps, in order."""
    function = ir.Function(module, ir.FunctionType(VOID, [POINTER]), name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    steps.call(builder, function.args[0], 0, len(steps.functions))
    builder.ret_void()
    return function


def write_launch(
    module: ir.Module, name: str, job: ir.Function, alone: ir.Function, state: Any, most: int
) -> None:
    """`void name(table)`: the job, on a team of at most so many threads. `state` writes where its counters lie."""
    function = ir.Function(module, ir.FunctionType(VOID, [POINTER]), name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    table = function.args[0]
    launch = _outside(module, team.LAUNCH, VOID, [POINTER, POINTER, POINTER, POINTER, INDEX])
    builder.call(launch, [job, alone, table, state(builder, table), INDEX(most)])
    builder.ret_void()


def write_job(module: ir.Module, name: str, order: Sequence[Turn], steps: Steps) -> ir.Function:
    """`void name(table, state, thread, threads)`."""
    function = ir.Function(module, JOB, name)
    function.linkage = "internal"
    _Job(function, order, steps).write()
    return function


class _Job:
    def __init__(self, function: ir.Function, order: Sequence[Turn], steps: Steps) -> None:
        self.function = function
        self.order, self.steps = order, steps
        self.table, self.state, self.thread, self.threads = function.args
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.is_first = self.builder.icmp_unsigned("==", self.thread, INDEX(0))
        self.lines = 0

    def write(self) -> None:
        """All parts."""
        opened = 0
        before: list[int] = []
        for part in parts_of(self.order):
            if not part.divided:
                before += part.alone
                continue
            self._before(before)
            before = []
            opened += 1
            self._part(part, opened)
        self._before(before)
        self.builder.ret_void()

    def _before(self, places: Sequence[int]) -> None:
        """What thread 0 does between parts that are divided."""
        if places:
            with self.builder.if_then(self.is_first):
                self._alone(places)

    def _alone(self, places: Sequence[int]) -> None:
        first = 0
        for at, place in enumerate(places):
            if at + 1 == len(places) or places[at + 1] != place + 1:
                self.steps.call(self.builder, self.table, places[first], place + 1)
                first = at + 1

    def _line(self) -> Any:
        """The next counter."""
        self.lines += 1
        return self.builder.gep(self.state, [INDEX((self.lines - 1) * LINE)], source_etype=BYTE)

    def _part(self, part: Part, number: int) -> None:
        builder, function = self.builder, self.function
        ended = self._line()
        left = [self._line() for _ in part.divided]
        first, other, body, wait, leave, after = (
            function.append_basic_block(name) for name in ("first", "other", "body", "wait", "leave", "after")
        )
        builder.cbranch(self.is_first, first, other)
        builder.position_at_end(other)
        gate = builder.call(_outside(function.module, team.GATE, ENUM, [INDEX]), [INDEX(number)])
        switch = builder.switch(gate, leave)
        switch.add_case(ENUM(0), body)
        switch.add_case(ENUM(1), after)
        builder.position_at_end(leave)
        builder.ret_void()
        builder.position_at_end(first)
        builder.store(INDEX(0), ended)
        for place, line in zip(part.divided, left, strict=True):
            builder.store(INDEX(self.steps.pieces[place]), line)
        builder.call(_outside(function.module, team.OPEN, VOID, [INDEX]), [INDEX(number)])
        self._alone(part.alone)
        builder.branch(body)
        builder.position_at_end(body)
        for place, line in zip(part.divided, left, strict=True):
            one, places = self.steps.found(builder, place)
            most = INDEX(self.order[place].threads)
            builder.call(
                _outside(function.module, team.HELP, VOID, [*[POINTER] * 5, INDEX, INDEX, INDEX]),
                [one, self.table, places, line, ended, self.thread, self.threads, most],
            )
        builder.cbranch(self.is_first, wait, after)
        builder.position_at_end(wait)
        total = sum(self.steps.pieces[place] for place in part.divided)
        builder.call(_outside(function.module, team.REACH, VOID, [POINTER, INDEX]), [ended, INDEX(total)])
        builder.branch(after)
        builder.position_at_end(after)


def _outside(module: ir.Module, name: str, result: Any, kinds: list[Any]) -> Any:
    """A function of the team's code."""
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, kinds), name)
