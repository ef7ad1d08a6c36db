"""The pattern of a matrix: which entries can differ from 0, what kind of matrix that makes, and how to find its values.

Columns that meet in no row can share one product with the matrix: Curtis, Powell and Reid, "On the estimation of
sparse Jacobian matrices" (1974). So a diagonal matrix takes one product, a band as many as it is wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .column_sets import EMPTY, ColumnSets, Ints

LISTED = 1 << 22
"""Up to how many entries a pattern is written out entry by entry."""

ROUNDS = 64
"""After how many rounds the search for separate blocks gives up."""


@dataclass(frozen=True)
class Blocks:
    """Rows and columns in groups that have nothing to do with each other."""

    rows: list[Ints]
    """The rows of each block."""
    columns: list[Ints]
    """The columns of each block."""

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape of each block."""
        return [(len(rows), len(columns)) for rows, columns in zip(self.rows, self.columns, strict=True)]

    @property
    def largest(self) -> tuple[int, int]:
        """The most rows that a block has, and the most columns."""
        return max(map(len, self.rows)), max(map(len, self.columns))

    @property
    def in_order(self) -> bool:
        """Whether every block is a rectangle along the diagonal, one after the other."""
        return all(bool((np.diff(np.concatenate(part)) == 1).all()) for part in (self.rows, self.columns))


class Pattern:
    """For every row the number of its set of columns; see `ColumnSets`."""

    def __init__(self, rows: Ints, sets: ColumnSets) -> None:
        self.rows = rows
        self.sets = sets
        self.shape = (len(rows), sets.n)

    @cached_property
    def sizes(self) -> Ints:
        """How many entries of each row can differ from 0."""
        return self.sets.sizes[self.rows]

    @cached_property
    def nonzeros(self) -> int:
        """How many entries can differ from 0."""
        return int(self.sizes.sum())

    @cached_property
    def first(self) -> Ints:
        """The first column of each row that is not empty."""
        return self.sets.low[self.sets.starts[self.filled_sets]]

    @cached_property
    def last(self) -> Ints:
        """The last column of each row that is not empty."""
        return self.sets.high[self.sets.starts[self.filled_sets + 1] - 1] - 1

    @cached_property
    def filled(self) -> Ints:
        """The rows that are not empty."""
        return np.flatnonzero(self.rows != EMPTY)

    @cached_property
    def filled_sets(self) -> Ints:
        """Their sets."""
        return self.rows[self.filled]

    @cached_property
    def bandwidths(self) -> tuple[int, int]:
        """How far entries lie below and above the diagonal at most; negative if all lie on the other side."""
        return int((self.filled - self.first).max()), int((self.last - self.filled).max())

    @cached_property
    def width(self) -> int:
        """How many diagonals the band has."""
        below, above = self.bandwidths
        return below + above + 1

    @cached_property
    def offsets_around(self) -> tuple[int, int]:
        """The least and the largest offset from the diagonal of a square matrix, each the shorter way around."""
        size = self.shape[1]
        rows, columns = self.listed()
        offsets = (columns - rows + (size - 1) // 2) % size - (size - 1) // 2
        return int(offsets.min()), int(offsets.max())

    @property
    def is_single(self) -> bool:
        """Whether no row has two entries."""
        return bool((self.sizes <= 1).all())

    @property
    def is_diagonal(self) -> bool:
        """Whether all entries lie on the diagonal of a square matrix."""
        return self.shape[0] == self.shape[1] and self.is_single and self.bandwidths == (0, 0)

    @cached_property
    def blocks(self) -> Blocks | None:
        """The smallest separate blocks, in order of their columns; None if all hangs together or is hard to tell."""
        used = np.unique(self.filled_sets)
        owners, runs = self.sets.runs_of(used)
        low, high = self.sets.low[runs], self.sets.high[runs]
        # neighbouring columns that some run covers together belong together
        covered = np.zeros(self.sets.n + 1, np.int64)
        np.add.at(covered, low, 1)
        np.add.at(covered, high - 1, -1)
        together = np.cumsum(covered)[:-2] > 0 if self.sets.n > 1 else np.zeros(0, bool)
        piece = np.concatenate([np.zeros(1, np.int64), np.cumsum(~together)])
        label = np.arange(int(piece[-1]) + 1)
        firsts = np.flatnonzero(np.diff(owners, prepend=-1))
        for _ in range(ROUNDS):
            least = np.minimum.reduceat(label[piece[low]], firsts)
            new = label.copy()
            np.minimum.at(new, piece[low], least[owners])
            new = new[new]
            if (new == label).all():
                break
            label = new
        else:
            return None
        of_column = label[piece]
        of_row = of_column[self.first]
        names = np.unique(of_row)
        if len(names) < 2:
            return None
        columns = _groups(np.arange(self.sets.n), of_column, names)
        return Blocks(_groups(self.filled, of_row, names), columns)

    def listed(self) -> tuple[Ints, Ints]:
        """Row and column of every entry that can differ from 0."""
        return self.sets.columns_of(self.rows)

    def colours(self) -> Ints | None:
        """A colour for each column so that columns of one colour meet in no row; None where that would take long.

        Greedy: every column takes the first colour that is free in all of its rows.
        """
        if self.nonzeros > LISTED >> 1:
            return None
        rows, columns = self.listed()
        order = np.argsort(columns, kind="stable")
        rows_of: list[int] = rows[order].tolist()
        ends: list[int] = np.cumsum(np.bincount(columns, minlength=self.sets.n)).tolist()
        taken = [0] * self.shape[0]  # the colours in each row, as bits
        found = np.zeros(self.sets.n, np.int64)
        begin = 0
        for column, end in enumerate(ends):
            above = rows_of[begin:end]
            begin = end
            used = 0
            for row in above:
                used |= taken[row]
            free = ~used & (used + 1)
            found[column] = free.bit_length() - 1
            for row in above:
                taken[row] |= free
        return found


def _groups(items: Ints, labels: Ints, names: Ints) -> list[Ints]:
    """The items with each of the labels `names`, which are sorted."""
    kept = np.isin(labels, names)
    items, labels = items[kept], labels[kept]
    order = np.argsort(labels, kind="stable")
    return np.split(items[order], np.searchsorted(labels[order], names[1:]))
