"""Products of matrices whose sums are added up in runs, so that rounding does not grow with their length.

A sum of n numbers, one after the other, has an error that grows like n; of sums of runs, like the length of a run and
the number of runs. (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llvmlite import ir

from ..nest import INDEX
from .problem import Indices
from .tile import Tile
from .writer import Writer

RUN = 32
"""How many summands a run has. Its accumulators wait in the first cache meanwhile, which takes a twentieth of the time."""


class RunTile(Tile):
    """A tile whose accumulators are added to others after each run."""

    def _over(self, summed: Indices, by_left: Any, by_right: Any, sums: list[Any]) -> list[Any]:
        if len(summed) != 1 or summed[0].size <= 2 * RUN:
            return super()._over(summed, by_left, by_right, sums)
        (index,) = summed
        runs, rest = divmod(index.size, RUN)
        zeros = [ir.Constant(self.vector, [0.0] * self.lanes)] * len(sums)

        def run(number: Any, size: int, sums: list[Any]) -> list[Any]:
            first = self.builder.mul(number, INDEX(RUN))
            left, right = (
                self._moved(offset, first, step)
                for offset, step in ((by_left, index.left), (by_right, index.right))
            )
            part = super(RunTile, self)._over((replace(index, size=size),), left, right, zeros)
            return [self.builder.fadd(total, value) for total, value in zip(sums, part, strict=True)]

        sums = self._loop(runs, 1, lambda number, sums: run(number, RUN, sums), sums)
        return run(INDEX(runs), rest, sums) if rest else sums


class RunWriter(Writer):
    """Writes the code of a plan with sums in runs."""

    tiles = RunTile
