"""One block of memory for all values in between, each at a place that is free while the value lives.

Assumes the units that write and last read each value. Guarantees that values that live at once do not overlap. First
fit in the order of birth; stops because each value is placed once.
"""

from __future__ import annotations

from dataclasses import dataclass

ALIGNMENT = 64


@dataclass(frozen=True)
class Lifetime:
    """A value of `size` bytes, written by unit `first` and read for the last time by unit `last`."""

    size: int
    first: int
    last: int


def plan(lifetimes: list[Lifetime]) -> tuple[list[int], int]:
    """An offset for each value, and the size of the block.

    >>> plan([Lifetime(64, 0, 1), Lifetime(64, 1, 2), Lifetime(64, 2, 3)])
    ([0, 64, 0], 128)
    """
    free: list[tuple[int, int]] = []  # offset and size, by offset
    end = 0
    offsets = [0] * len(lifetimes)
    order = sorted(range(len(lifetimes)), key=lambda i: lifetimes[i].first)
    dying = sorted(range(len(lifetimes)), key=lambda i: lifetimes[i].last)
    dead = 0
    for i in order:
        while dead < len(dying) and lifetimes[dying[dead]].last < lifetimes[i].first:
            gone = dying[dead]
            free = _with(free, offsets[gone], _rounded(lifetimes[gone].size))
            dead += 1
        size = _rounded(lifetimes[i].size)
        for place, (offset, room) in enumerate(free):
            if room >= size:
                offsets[i] = offset
                free[place : place + 1] = [(offset + size, room - size)] if room > size else []
                break
        else:
            if free and sum(free[-1]) == end:  # the last gap reaches the end and can grow
                offsets[i] = free.pop()[0]
            else:
                offsets[i] = end
            end = offsets[i] + size
    return offsets, end


def fullest(lifetimes: list[Lifetime]) -> tuple[int, int]:
    """The most bytes that live at once, which no plan can do with less than, and the first unit during which they do.

    >>> fullest([Lifetime(64, 0, 1), Lifetime(64, 1, 2), Lifetime(64, 2, 3)])
    (128, 1)
    """
    changes: dict[int, int] = {}
    for lifetime in lifetimes:
        size = _rounded(lifetime.size)
        changes[lifetime.first] = changes.get(lifetime.first, 0) + size
        changes[lifetime.last + 1] = changes.get(lifetime.last + 1, 0) - size
    most = when = living = 0
    for unit in sorted(changes):
        living += changes[unit]
        if living > most:
            most, when = living, unit
    return most, when


def _rounded(size: int) -> int:
    return max(1, -(-size // ALIGNMENT)) * ALIGNMENT


def _with(free: list[tuple[int, int]], offset: int, size: int) -> list[tuple[int, int]]:
    """The gaps with one more, neighbours joined."""
    joined: list[tuple[int, int]] = []
    for start, room in sorted([*free, (offset, size)]):
        if joined and sum(joined[-1]) == start:
            joined[-1] = (joined[-1][0], joined[-1][1] + room)
        else:
            joined.append((start, room))
    return joined
