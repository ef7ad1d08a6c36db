"""One block of memory for all values in between, each at a place that is free while the value lives.

Assumes the units that write and last read each value. Guarantees that values that live at once do not overlap. Two
plans are made, and the smaller one is taken: values in the order of birth, and the largest values first, each at the
first place that is free. Stops because each value is placed once.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

ALIGNMENT = 64

MANY = 4000
"""How many values are placed the largest first at most: it takes time with the square of their number."""


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
    offsets, end = _by_birth(lifetimes)
    if len(lifetimes) <= MANY and end > fullest(lifetimes)[0]:
        others, size = _by_size(lifetimes)
        if size < end:
            return others, size
    return offsets, end


def _by_size(lifetimes: list[Lifetime]) -> tuple[list[int], int]:
    """The largest first: what is large cannot be left with gaps that are a little too small."""
    count = len(lifetimes)
    sizes = np.array([_rounded(lifetime.size) for lifetime in lifetimes], np.int64)
    first, last = (
        np.array([getattr(lifetime, end) for lifetime in lifetimes], np.int64) for end in ("first", "last")
    )
    order = np.lexsort((first, -sizes))
    sizes, first, last = sizes[order], first[order], last[order]
    begin, end = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for i in range(count):
        at_once = np.nonzero((first[:i] <= last[i]) & (last[:i] >= first[i]))[0]
        at_once = at_once[np.argsort(begin[at_once])]
        gap_begins = np.concatenate([[0], np.maximum.accumulate(end[at_once])])
        fits = begin[at_once] - gap_begins[:-1] >= sizes[i]
        begin[i] = gap_begins[np.argmax(fits) if fits.any() else -1]
        end[i] = begin[i] + sizes[i]
    offsets = np.empty(count, np.int64)
    offsets[order] = begin
    return offsets.tolist(), int(end.max(initial=0))


def _by_birth(lifetimes: list[Lifetime]) -> tuple[list[int], int]:
    """First fit in the order of birth."""
    free: list[tuple[int, int]] = []  # offset and size, by offset
    end = 0
    offsets = [0] * len(lifetimes)
    order = sorted(range(len(lifetimes)), key=lambda i: lifetimes[i].first)
    dying = sorted(range(len(lifetimes)), key=lambda i: lifetimes[i].last)
    dead = 0
    for i in order:
        while dead < len(dying) and lifetimes[dying[dead]].last < lifetimes[i].first:
            gone = dying[dead]
            _add_gap(free, offsets[gone], _rounded(lifetimes[gone].size))
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


def _add_gap(free: list[tuple[int, int]], offset: int, size: int) -> None:
    """One more gap among those in order, joined with its neighbours."""
    place = bisect_left(free, (offset, 0))
    if place < len(free) and offset + size == free[place][0]:
        size += free.pop(place)[1]
    if place and sum(free[place - 1]) == offset:
        place -= 1
        before, room = free.pop(place)
        offset, size = before, room + size
    free.insert(place, (offset, size))
