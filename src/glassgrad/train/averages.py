"""Averages over the rows of an epoch, kept as exact sums so that an interrupted epoch continues bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Averages:
    """Sums of per-row means, weighted by rows.

    rows: how many rows have been added. totals: for each name, the sum over the batches of value · rows.
    seconds: the time spent, over all the sessions that worked on the epoch.

    >>> averages = Averages()
    >>> averages.add(3, {"loss": 1.0})
    >>> averages.add(1, {"loss": 5.0})
    >>> averages.means()
    {'loss': 2.0}
    """

    rows: int = 0
    totals: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, rows: int, means: Mapping[str, float]) -> None:
        """Add a batch of `rows` rows with these means over its rows."""
        self.rows += rows
        for name, value in means.items():
            self.totals[name] = self.totals.get(name, 0.0) + value * rows

    def means(self) -> dict[str, float]:
        """Return the mean over all rows so far, by name; empty before the first batch."""
        return {name: total / self.rows for name, total in self.totals.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return the sums, for a checkpoint."""
        return {"rows": self.rows, "totals": dict(self.totals), "seconds": self.seconds}
