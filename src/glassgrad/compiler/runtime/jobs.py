"""The records of a segment: what is called in which order, and what the threads of a team divide.

A job has parts, one after the other: thread 0 opens a part when the part before it has ended, does what is not divided,
and then claims pieces of the phases that are, as the other threads do from the beginning. A part has ended when all its
pieces are done; whoever has not come by then finds the next part open (`llvm/team.py`). The code that reads the records
is `llvm/job.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..llvm.job import HEADER, LINE, ROW
from .schedule import Turn

WORD = 8
"""Bytes of each number in the records."""


@dataclass(frozen=True)
class Call:
    """A step of a segment: a function `void f(table, places, begin, end)` and what it is called with."""

    function: int
    """Its number."""
    start: int
    """Where its places begin in the program's lists, in bytes."""
    pieces: int


@dataclass(frozen=True)
class Part:
    """Steps that may run at the same time, but for those of one thread, which come in order."""

    alone: Sequence[int]
    divided: Sequence[int]


def parts_of(order: Sequence[Turn]) -> list[Part]:
    """The places of the steps, cut where threads wait for each other. What thread 0 does alone in between is one part.

    >>> parts_of([Turn(1, False), Turn(2, True), Turn(2, False), Turn(1, True), Turn(1, True)])
    [Part(alone=[0], divided=[]), Part(alone=[], divided=[1, 2]), Part(alone=[3, 4], divided=[])]
    >>> parts_of([Turn(1, False), Turn(1, True), Turn(2, False)])
    [Part(alone=[0], divided=[]), Part(alone=[1], divided=[2])]
    """
    cut: list[tuple[list[int], list[int]]] = [([], [])]
    for place, turn in enumerate(order):
        if turn.waits:
            cut.append(([], []))
        cut[-1][turn.threads > 1].append(place)
    parts: list[tuple[list[int], list[int]]] = []
    for alone, divided in cut:
        if parts and not (divided or parts[-1][1]):
            parts[-1][0].extend(alone)
        else:
            parts.append((alone, divided))
    return [Part(alone, divided) for alone, divided in parts]


@dataclass(frozen=True)
class Records:
    """The records of all segments of a program, in one piece, beginning with the headers, as if it lay at address 0."""

    words: Any
    pointers: Any
    """Which words are addresses in this piece."""
    calls: Any
    """Which words are numbers of functions, where their addresses belong."""

    def placed(self, functions: Sequence[int]) -> Any:
        """The records in memory, beginning with a cache line. functions: their addresses, by number."""
        memory = np.empty(self.words.nbytes + LINE, np.uint8)
        start = -memory.ctypes.data % LINE
        found = memory[start : start + self.words.nbytes].view(np.int64)
        found[:] = self.words
        found[self.pointers] += found.ctypes.data
        found[self.calls] = np.array(functions, np.int64)[self.words[self.calls]]
        return found


def records_of(
    segments: Sequence[tuple[Sequence[Call], Sequence[Turn], int]], lists: Sequence[int]
) -> Records:
    """The records. segments: the steps of each, how they are run, and on how many threads. lists: the places of all."""
    parts = [parts_of(order) for _, order, _ in segments]
    counters = [sum(1 + len(part.divided) for part in some if part.divided) for some in parts]
    rows = sum(len(calls) + len(some) for (calls, _, _), some in zip(segments, parts, strict=True))
    counters_at = HEADER * len(segments)
    rows_at = counters_at + LINE * sum(counters)
    lists_at = rows_at + ROW * rows
    words = np.zeros(lists_at // WORD + len(lists), np.int64)
    words[lists_at // WORD :] = lists
    is_pointer, is_call = np.zeros(len(words), bool), np.zeros(len(words), bool)
    at, line = rows_at, counters_at
    for number, ((calls, order, threads), some, count) in enumerate(
        zip(segments, parts, counters, strict=True)
    ):
        steps, ends = _rows(calls, order, some, at, lists_at)
        steps_end = at + ROW * len(steps)
        parts_end = steps_end + ROW * len(ends)
        header = HEADER * number // WORD
        words[header : header + 6] = at, steps_end, steps_end, parts_end, line, threads
        is_pointer[header : header + 5] = True
        for begin, table, pointers in ((at, steps, [1]), (steps_end, ends, [0, 1, 2])):
            where = slice(begin // WORD, begin // WORD + table.size)
            words[where] = table.reshape(-1)
            is_pointer[where].reshape(table.shape)[:, pointers] = True
        is_call[at // WORD : steps_end // WORD : ROW // WORD] = True
        at, line = parts_end, line + LINE * count
    return Records(words, np.flatnonzero(is_pointer), np.flatnonzero(is_call))


def _rows(
    calls: Sequence[Call], order: Sequence[Turn], parts: Sequence[Part], at: int, lists_at: int
) -> tuple[Any, Any]:
    """The rows of steps, in the order of their parts, which lie from `at` on, and those of the parts."""
    steps: list[Any] = []
    ends: list[Any] = []
    for part in parts:
        done = len(steps)
        for place in (*part.alone, *part.divided):
            call = calls[place]
            steps.append((call.function, lists_at + call.start, call.pieces, order[place].threads))
        total = sum(calls[place].pieces for place in part.divided)
        middle, after = done + len(part.alone), len(steps)
        ends.append((*(at + ROW * step for step in (done, middle, after)), total))
    columns = ROW // WORD
    return np.array(steps, np.int64).reshape(-1, columns), np.array(ends, np.int64).reshape(-1, columns)
