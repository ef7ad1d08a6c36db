"""A segment in LLVM IR: what one thread does alone, and the job that a team does together.

A job has parts, one after the other: thread 0 opens a part when the part before it has ended, does what is not divided,
and then claims pieces of the phases that are, as the other threads do from the beginning. A part has ended when all its
pieces are done; whoever has not come by then finds the next part open (`llvm/team.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ..llvm.code import POINTER
from ..llvm.nest import INDEX
from . import team
from .schedule import Turn

LINE = 64
"""Bytes of a counter, which is alone in its cache line."""

VOID, BYTE, ENUM = ir.VoidType(), ir.IntType(8), ir.IntType(32)
JOB = ir.FunctionType(VOID, [POINTER, POINTER, INDEX, INDEX])
"""What every thread runs: `void share(table, state, thread, threads)`."""

Found = Callable[[ir.IRBuilder, int], tuple[ir.Function, Any]]
"""For a step's place the function `void f(table, places, begin, end)` that does its pieces, and its second argument."""


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


def write_alone(module: ir.Module, name: str, pieces: Sequence[int], found: Found) -> ir.Function:
    """`void name(table)`: all steps, in order."""
    function = ir.Function(module, ir.FunctionType(VOID, [POINTER]), name)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    for place, count in enumerate(pieces):
        one, places = found(builder, place)
        builder.call(one, [function.args[0], places, INDEX(0), INDEX(count)])
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


def write_job(
    module: ir.Module,
    name: str,
    order: Sequence[Turn],
    pieces: Sequence[int],
    found: Found,
) -> ir.Function:
    """`void name(table, state, thread, threads)`."""
    function = ir.Function(module, JOB, name)
    function.linkage = "internal"
    _Job(function, order, pieces, found).write()
    return function


class _Job:
    def __init__(
        self,
        function: ir.Function,
        order: Sequence[Turn],
        pieces: Sequence[int],
        found: Found,
    ) -> None:
        self.function = function
        self.order, self.pieces, self.found = order, pieces, found
        self.table, self.state, self.thread, self.threads = function.args
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.is_first = self.builder.icmp_unsigned("==", self.thread, INDEX(0))
        self.lines = 0

    def write(self) -> None:
        """All parts."""
        opened = 0
        for part in parts_of(self.order):
            if not part.divided:
                with self.builder.if_then(self.is_first):
                    self._alone(part)
                continue
            opened += 1
            self._part(part, opened)
        self.builder.ret_void()

    def _alone(self, part: Part) -> None:
        for place in part.alone:
            one, places = self.found(self.builder, place)
            self.builder.call(one, [self.table, places, INDEX(0), INDEX(self.pieces[place])])

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
            builder.store(INDEX(self.pieces[place]), line)
        builder.call(_outside(function.module, team.OPEN, VOID, [INDEX]), [INDEX(number)])
        self._alone(part)
        builder.branch(body)
        builder.position_at_end(body)
        for place, line in zip(part.divided, left, strict=True):
            one, places = self.found(builder, place)
            most = INDEX(self.order[place].threads)
            builder.call(
                _outside(function.module, team.HELP, VOID, [*[POINTER] * 5, INDEX, INDEX, INDEX]),
                [one, self.table, places, line, ended, self.thread, self.threads, most],
            )
        builder.cbranch(self.is_first, wait, after)
        builder.position_at_end(wait)
        total = sum(self.pieces[place] for place in part.divided)
        builder.call(_outside(function.module, team.REACH, VOID, [POINTER, INDEX]), [ended, INDEX(total)])
        builder.branch(after)
        builder.position_at_end(after)


def _outside(module: ir.Module, name: str, result: Any, kinds: list[Any]) -> Any:
    """A function of the team's code."""
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(result, kinds), name)
