"""Which phases are worth sharing among threads, and before which of them the threads must wait for each other.

Between two barriers a thread may be anywhere, so no phase in between may write what another thread's phase reads or
writes there. What thread 0 does alone is in order by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

THREAD_COST = 500.0
"""Nanoseconds that one more thread adds to a phase: it comes to a barrier, and one of them comes late."""

WORTH = 3000.0
"""Nanoseconds that two threads must save in a program before it is given to the team at all."""

Range = tuple[int, int]
"""The first byte of a piece of memory, and the first after it."""


@dataclass(frozen=True)
class Task:
    """A phase of a unit: what it takes, and what memory it touches."""

    pieces: int
    nanoseconds: float
    reads: Sequence[Range]
    writes: Sequence[Range]
    follows: bool = False
    """Whether it is a later phase of the unit of the task before it."""


@dataclass(frozen=True)
class Turn:
    """How a task is run: by how many threads at most, and whether all wait for each other before."""

    threads: int
    waits: bool


def most_threads(task: Task) -> int:
    """How many threads at most are worth having: t/n + c n nanoseconds are least for n = √(t/c).

    >>> [most_threads(Task(64, t, (), ())) for t in (500, 2e3, 5e4, 1e9)]
    [1, 2, 10, 64]
    """
    return max(1, min(task.pieces, math.isqrt(int(task.nanoseconds / THREAD_COST))))


def turns(tasks: Sequence[Task]) -> list[Turn]:
    """For each task how it is run. Where threads save too little, all are for one thread."""
    most = [most_threads(task) for task in tasks]
    saved = sum(t.nanoseconds / 2 - 2 * THREAD_COST for t, n in zip(tasks, most, strict=True) if n > 1)
    if saved < WORTH:
        return [Turn(1, False) for _ in tasks]
    found = []
    by_one, by_all = _Touched(), _Touched()
    unit_is_shared = False
    for task, threads in zip(tasks, most, strict=True):
        shared = threads > 1
        waits = (
            (task.follows and (shared or unit_is_shared))
            or by_all.conflicts(task)
            or (shared and by_one.conflicts(task))
        )
        if waits:
            by_one, by_all = _Touched(), _Touched()
        unit_is_shared = shared or (task.follows and unit_is_shared and not waits)
        (by_all if shared else by_one).add(task)
        found.append(Turn(threads, waits))
    return found


class _Touched:
    """What phases since the last barrier have read and written."""

    def __init__(self) -> None:
        self.read = _Ranges()
        self.written = _Ranges()

    def add(self, task: Task) -> None:
        self.read.add(task.reads)
        self.written.add(task.writes)

    def conflicts(self, task: Task) -> bool:
        """Whether a task reads what was written, or writes what was touched."""
        return self.written.meet(task.reads) or self.written.meet(task.writes) or self.read.meet(task.writes)


class _Ranges:
    """Pieces of memory; a small table of blocks finds the few that may overlap another."""

    BLOCK = 1 << 16

    def __init__(self) -> None:
        self.everything: set[Range] = set()
        self.blocks: dict[int, list[Range]] = {}
        self.large: list[Range] = []

    def add(self, ranges: Iterable[Range]) -> None:
        for piece in ranges:
            if piece in self.everything:
                continue
            self.everything.add(piece)
            if self._is_large(piece):
                self.large.append(piece)
            else:
                for block in self._blocks(piece):
                    self.blocks.setdefault(block, []).append(piece)

    def meet(self, ranges: Iterable[Range]) -> bool:
        """Whether any of these overlaps any of those."""
        for piece in ranges:
            if any(_overlap(piece, other) for other in self.large):
                return True
            if self._is_large(piece):
                if any(_overlap(piece, other) for other in self.everything):
                    return True
            elif any(_overlap(piece, o) for block in self._blocks(piece) for o in self.blocks.get(block, ())):
                return True
        return False

    def _is_large(self, piece: Range) -> bool:
        return piece[1] - piece[0] > 8 * self.BLOCK

    def _blocks(self, piece: Range) -> range:
        return range(piece[0] // self.BLOCK, (max(piece[1], piece[0] + 1) - 1) // self.BLOCK + 1)


def _overlap(a: Range, b: Range) -> bool:
    return a[0] < b[1] and b[0] < a[1]
