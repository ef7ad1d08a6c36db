"""What `gradcheck` reports: a row for every mode, order and variable, and notes on kinks and doubts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Note:
    """Something worth knowing about one element: a kink there, or that differences cannot decide."""

    kind: Literal["kink", "undecided"]
    text: str


@dataclass(frozen=True)
class GradcheckRow:
    """One variable in one mode.

    largest_error: relative to the slope, or where that is about 0 to the largest slopes. index: where that is; None
    along a random direction. compared: how many elements and directions. evaluations: of the function, for the
    numerical values, which all modes share.
    """

    mode: str
    order: int
    variable: str
    place: str
    index: tuple[int, ...] | None
    largest_error: float
    compared: int
    scheme: str
    evaluations: int
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class GradcheckReport:
    """What `gradcheck` found. Printed in one line, or as a table: `print(report.table())`."""

    rows: tuple[GradcheckRow, ...]
    order: int

    @property
    def largest_error(self) -> float:
        """The largest relative error in any mode."""
        return max((row.largest_error for row in self.rows), default=0.0)

    @property
    def compared(self) -> int:
        """How many derivatives were compared, each in every mode: elements (and directions) times orders."""
        return sum(row.compared for row in self.rows if row.mode == self.rows[0].mode)

    @property
    def evaluations(self) -> int:
        """How many times the function was computed for the numerical values."""
        return sum(row.evaluations for row in self.rows if row.mode == self.rows[0].mode)

    @property
    def kinks(self) -> tuple[Note, ...]:
        """Where the function has no derivative."""
        return self._notes("kink")

    @property
    def undecided(self) -> tuple[Note, ...]:
        """What differences cannot decide."""
        return self._notes("undecided")

    def _notes(self, kind: str) -> tuple[Note, ...]:
        """The notes of a kind; what two modes say alike counts once."""
        return tuple(dict.fromkeys(note for row in self.rows for note in row.notes if note.kind == kind))

    def __str__(self) -> str:
        text = f"{self.compared} entries agree to order {self.order}"
        if self.compared:
            worst = max(self.rows, key=lambda row: row.largest_error)
            text += f"; largest relative error {worst.largest_error:.2e} at {worst.place}"
        for count, what in ((len(self.kinks), "kink"), (len(self.undecided), "undecided")):
            if count:
                plural = "s" if count > 1 and what == "kink" else ""
                text += f"; {count} {what}{plural}"
        return text

    def __repr__(self) -> str:
        return self.table()

    def table(self) -> str:
        """A line for every mode, order and variable, and the notes beneath."""
        head = ("variable", "order", "mode", "compared", "worst error", "at", "scheme", "evaluations")
        lines = [head] + [
            (
                row.variable,
                str(row.order),
                row.mode,
                str(row.compared),
                f"{row.largest_error:.1e}" if row.compared else "",
                "" if not row.compared else "a direction" if row.index is None else str(row.index),
                row.scheme,
                str(row.evaluations),
            )
            for row in self.rows
        ]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        text = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        return "\n".join([*text, *(note.text for note in (*self.kinks, *self.undecided))])
