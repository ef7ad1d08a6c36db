"""Sets of columns of a matrix, few different ones for many rows: which inputs an element of a result may depend on.

A set is kept as runs of neighbouring columns, and known by a number. Equal sets have equal numbers, so that a million
elements that depend on the same inputs cost one set, and a million running sums cost one run each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

EMPTY = 0
"""The number of the set without columns."""

RUNS_AT_ONCE = 1 << 22
"""How many runs are united in one call; beyond that a set becomes all columns from its first to its last."""


class ColumnSets:
    """Sets of columns 0 ... n - 1. Set 0 is empty, set j + 1 holds column j alone; others come by uniting."""

    def __init__(self, n: int) -> None:
        self.n = n
        columns = np.arange(n, dtype=np.int64)
        self.starts: Ints = np.concatenate([np.zeros(1, np.int64), np.arange(n + 1, dtype=np.int64)])
        """Set k has the runs starts[k] ... starts[k + 1]."""
        self.low: Ints = columns
        self.high: Ints = columns + 1
        words = np.random.default_rng(0).integers(0, 1 << 63, n, dtype=np.uint64)
        # a set's hash is the sum of its columns' words: the same however it is cut into runs
        self.words = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words, dtype=np.uint64)])
        self.hashes = np.concatenate([np.zeros(1, np.uint64), words])
        self.sizes: Ints = np.concatenate([np.zeros(1, np.int64), np.ones(n, np.int64)])

    def __len__(self) -> int:
        return len(self.sizes)

    def runs_of(self, sets: Ints) -> tuple[Ints, Ints]:
        """All runs of some sets: for each run which of `sets` it belongs to, by position, and its own place."""
        counts = self.starts[sets + 1] - self.starts[sets]
        owners = np.repeat(np.arange(len(sets)), counts)
        before = np.cumsum(counts) - counts
        return owners, np.arange(len(owners)) + np.repeat(self.starts[sets] - before, counts)

    def join(self, first: Ints, second: Ints) -> Ints:
        """Element by element the union of two arrays of sets."""
        found: Ints = np.where(first == EMPTY, second, first)
        open_ = (first != second) & (first != EMPTY) & (second != EMPTY)
        if open_.any():
            pairs, places = np.unique(first[open_] * len(self) + second[open_], return_inverse=True)
            rows = np.arange(len(pairs))
            sets = np.concatenate([pairs // len(self), pairs % len(self)])
            found[open_] = self.unite(np.concatenate([rows, rows]), sets, len(pairs))[places.reshape(-1)]
        return found

    def unite(self, rows: Ints, sets: Ints, count: int) -> Ints:
        """For each row 0 ... count - 1 the union of the sets that are listed with it."""
        keys = np.unique(rows[sets != EMPTY] * len(self) + sets[sets != EMPTY])
        rows, sets = keys // len(self), keys % len(self)
        found = np.zeros(count, np.int64)
        present, first, counts = np.unique(rows, return_index=True, return_counts=True)
        found[present[counts == 1]] = sets[first[counts == 1]]
        several = counts > 1
        if not several.any():
            return found
        # rows with the same list of sets are done once
        hashes = np.add.reduceat(_mixed(sets), first)[several]
        _, one, places = np.unique(hashes, return_index=True, return_inverse=True)
        chosen = np.flatnonzero(several)[one]
        new_rows = np.repeat(np.arange(len(chosen)), counts[chosen])
        before = np.cumsum(counts[chosen]) - counts[chosen]
        listed = sets[np.arange(len(new_rows)) + np.repeat(first[chosen] - before, counts[chosen])]
        found[present[several]] = self._unions(new_rows, listed, len(chosen))[places.reshape(-1)]
        return found

    def _unions(self, rows: Ints, sets: Ints, count: int) -> Ints:
        """`unite` for rows that each have several sets, in order."""
        order = np.lexsort((self.sizes[sets], rows))
        last = np.flatnonzero(np.diff(rows[order], append=count))
        largest: Ints = sets[order][last]
        if len(self.runs_of(sets)[0]) > RUNS_AT_ONCE:
            return self._hulls(rows, sets, count)
        contained = np.ones(count, bool)
        np.logical_and.at(contained, rows, self._within(sets, largest[rows]))
        if contained.all():
            return largest
        rest = ~contained[rows]
        numbers = np.cumsum(~contained) - 1
        largest[~contained] = self._merged(numbers[rows[rest]], sets[rest], int(numbers[-1]) + 1)
        return largest

    def _within(self, small: Ints, large: Ints) -> NDArray[np.bool_]:
        """For each pair of sets whether the first lies in the second."""
        owners, runs = self.runs_of(small)
        keys = np.repeat(np.arange(len(self)), np.diff(self.starts)) * (self.n + 1) + self.low
        place = np.searchsorted(keys, large[owners] * (self.n + 1) + self.low[runs], "right") - 1
        inside = (place >= self.starts[large[owners]]) & (self.high[place] >= self.high[runs])
        found = np.ones(len(small), bool)
        found[owners[~inside]] = False
        return found

    def _merged(self, rows: Ints, sets: Ints, count: int) -> Ints:
        owners, runs = self.runs_of(sets)
        width = self.n + 2
        low, high = rows[owners] * width + self.low[runs], rows[owners] * width + self.high[runs]
        order = np.argsort(low, kind="stable")
        low, high = low[order], np.maximum.accumulate(high[order])
        begins = np.concatenate([[True], low[1:] > high[:-1]])
        ends = np.concatenate([begins[1:], [True]])
        numbers = low[begins] // width
        return self.add(np.bincount(numbers, minlength=count), low[begins] % width, high[ends] % width)

    def _hulls(self, rows: Ints, sets: Ints, count: int) -> Ints:
        """Supersets with one run for each row."""
        low, high = np.full(count, self.n), np.zeros(count, np.int64)
        np.minimum.at(low, rows, self.low[self.starts[sets]])
        np.maximum.at(high, rows, self.high[self.starts[sets + 1] - 1])
        return self.add(np.ones(count, np.int64), low, high)

    def add(self, counts: Ints, low: Ints, high: Ints) -> Ints:
        """The numbers of the sets with these runs, `counts` of them each, sorted and apart from each other."""
        ends = np.cumsum(counts)
        hashes = _sums(self.words[high] - self.words[low], counts)
        new, first, places = np.unique(hashes, return_index=True, return_inverse=True)
        order = np.argsort(self.hashes, kind="stable")
        known = np.searchsorted(self.hashes[order], new).clip(max=len(order) - 1)
        numbers = order[known]
        fresh = self.hashes[numbers] != new
        numbers[fresh] = len(self) + np.arange(int(fresh.sum()))
        taken = first[fresh]
        owners = np.repeat(np.arange(len(taken)), counts[taken])
        before = np.cumsum(counts[taken]) - counts[taken]
        runs = np.arange(len(owners)) + np.repeat((ends - counts)[taken] - before, counts[taken])
        self.starts = np.concatenate([self.starts, self.starts[-1] + np.cumsum(counts[taken])])
        self.low, self.high = np.concatenate([self.low, low[runs]]), np.concatenate([self.high, high[runs]])
        self.hashes = np.concatenate([self.hashes, new[fresh]])
        self.sizes = np.concatenate([self.sizes, _sums(high[runs] - low[runs], counts[taken])])
        found: Ints = numbers[places.reshape(-1)]
        return found

    def columns_of(self, sets: Ints) -> tuple[Ints, Ints]:
        """All columns of some sets: for each which of `sets` it belongs to, by position, and the column."""
        owners, runs = self.runs_of(sets)
        sizes = self.high[runs] - self.low[runs]
        before = np.cumsum(sizes) - sizes
        return np.repeat(owners, sizes), np.arange(sizes.sum()) + np.repeat(self.low[runs] - before, sizes)


def _sums(values: Any, counts: Ints) -> Any:
    """The sums of the first counts[0] values, of the next counts[1], and so on."""
    total = np.concatenate([np.zeros(1, values.dtype), np.cumsum(values, dtype=values.dtype)])
    ends = np.cumsum(counts)
    return total[ends] - total[ends - counts]


def _mixed(numbers: Ints) -> NDArray[np.uint64]:
    """A 64-bit word for each number, as good as random (the finalizer of splitmix64; Steele et al. 2014)."""
    x = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
