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


@dataclass(frozen=True)
class Call:
    """A step of a segment: a function `void f(table, places, begin, end)` and what it is called with."""

    function: int
    """Its address."""
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


class Records:
    """The records of all segments of a program, in one piece of memory; `address` is that of the headers."""

    def __init__(
        self, segments: Sequence[tuple[Sequence[Call], Sequence[Turn], int]], lists: Sequence[int]
    ) -> None:
        """segments: the steps of each, how they are run, and on how many threads. lists: the places of all steps."""
        parts = [parts_of(order) for _, order, _ in segments]
        counters = [sum(1 + len(part.divided) for part in some if part.divided) for some in parts]
        rows = sum(len(calls) + len(some) for (calls, _, _), some in zip(segments, parts, strict=True))
        counters_at = HEADER * len(segments)
        rows_at = counters_at + LINE * sum(counters)
        lists_at = rows_at + ROW * rows
        self.memory = np.zeros(lists_at + 8 * len(lists) + LINE, np.uint8)
        self.address = -(-self.memory.ctypes.data // LINE) * LINE
        start = self.address - self.memory.ctypes.data
        self.words = self.memory[start : start + lists_at + 8 * len(lists)].view(np.int64)
        self.words[lists_at // 8 :] = lists
        self.lists = self.address + lists_at
        at, line = rows_at, counters_at
        for number, ((calls, order, threads), some, count) in enumerate(
            zip(segments, parts, counters, strict=True)
        ):
            steps_end, parts_end = self._write(at, calls, order, some)
            header = (at, steps_end, steps_end, parts_end, line)
            self._put(HEADER * number, [*(self.address + place for place in header), threads])
            at, line = parts_end, line + LINE * count

    def _write(
        self, at: int, calls: Sequence[Call], order: Sequence[Turn], parts: Sequence[Part]
    ) -> tuple[int, int]:
        """Write steps, in the order of their parts, and parts from `at` on; where both end."""
        begin = self.address + at
        words: list[int] = []
        ends: list[Any] = []
        done = 0
        for part in parts:
            for place in (*part.alone, *part.divided):
                call = calls[place]
                words += (call.function, self.lists + call.start, call.pieces, order[place].threads)
            middle, after = done + len(part.alone), done + len(part.alone) + len(part.divided)
            total = sum(calls[place].pieces for place in part.divided)
            ends += (*(begin + ROW * step for step in (done, middle, after)), total)
            done = after
        self._put(at, words + ends)
        steps_end = at + ROW * len(calls)
        return steps_end, steps_end + ROW * len(parts)

    def _put(self, at: int, words: Sequence[int]) -> None:
        self.words[at // 8 : at // 8 + len(words)] = words
