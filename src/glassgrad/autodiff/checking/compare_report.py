"""What `compare_gradients` reports: a table of modes, and a picture of how differences depend on the step."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rich.table import Table

Array = np.ndarray[Any, Any]
HEAD = ("mode", "gradient", "error", "evaluations", "time", "memory")
SHOWN = 3
"""How many entries of a gradient the table shows."""


@dataclass(frozen=True, eq=False)
class Reference:
    """The gradient as precisely as it is known, a bound of its absolute error, and where it comes from."""

    values: list[Array]
    bound: float
    source: str

    def error_of(self, values: list[Array]) -> float:
        """The largest error of a gradient, relative to the largest entry of the reference."""
        pairs = [(np.ravel(a), np.ravel(b)) for a, b in zip(values, self.values, strict=True)]
        error = max((float(np.abs(a - b).max(initial=0.0)) for a, b in pairs), default=0.0)
        scale = max((float(np.abs(b).max(initial=0.0)) for _, b in pairs), default=0.0)
        return error / scale if scale else error


@dataclass(frozen=True, eq=False)
class ComparisonRow:
    """One mode: its gradient (an array per input), relative error, calls of the function, seconds, bytes.

    For a mode that does not work all these are None, and `why_not` says why.
    """

    mode: str
    values: list[Array] | None
    error: float | None
    evaluations: int | None
    seconds: float | None
    memory: int | None
    why_not: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        if self.values is None or self.error is None or self.seconds is None or self.memory is None:
            return (self.mode, "-", "-", "-", "-", "-")
        return (
            self.mode,
            _numbers(self.values),
            f"{self.error:.1e}" if self.error else "0",
            str(self.evaluations),
            _seconds(self.seconds),
            _bytes(self.memory),
        )


@dataclass(frozen=True, eq=False)
class Comparison:
    """The gradient of a function by every mode. Printed, a table; in colour on a terminal."""

    rows: tuple[ComparisonRow, ...]
    reference: Reference
    function: Callable[..., Any]
    points: list[Array]

    def __getitem__(self, mode: str) -> ComparisonRow:
        """The row of a mode, such as "reverse mode"."""
        return next(row for row in self.rows if row.mode == mode)

    def __str__(self) -> str:
        return self._in_colour() if sys.stdout.isatty() else self.text()

    def __repr__(self) -> str:
        return self.text()

    def text(self) -> str:
        """The table as plain text."""
        lines = [HEAD, *(row.cells for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
        body = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
        return "\n".join([*body, "", *self._notes()])

    def _notes(self) -> list[str]:
        notes = [f"error: relative to {_numbers(self.reference.values)}, by {self.reference.source}"]
        return notes + [f"{row.mode}: {row.why_not}" for row in self.rows if row.why_not]

    def __rich__(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(caption=Text("\n".join(self._notes())), caption_justify="left", header_style="bold")
        for name in HEAD:
            table.add_column(name, justify="left" if name == "mode" else "right")
        best = min((row.error for row in self.rows if row.error is not None), default=None)
        for row in self.rows:
            style = "dim" if row.why_not else "green" if row.error == best else ""
            table.add_row(*map(Text, row.cells), style=style)
        return table

    def _in_colour(self) -> str:
        from rich.console import Console

        console = Console(file=io.StringIO(), force_terminal=True)
        console.print(self)
        return str(console.file.getvalue()).rstrip()  # type: ignore[attr-defined]

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the error of forward, central and complex differences over the step, both logarithmic, to a file.

        For several elements the derivative in the direction (1, 1 ... 1) is taken. The file's ending says its format:
        png, svg, pdf. Raises GlassgradError without matplotlib.
        """
        from .step_plot import plot_errors

        plot_errors(self, path)


def _aligned(line: tuple[str, ...], widths: list[int]) -> list[str]:
    return [
        cell.rjust(width) if i else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]


def _numbers(values: list[Array]) -> str:
    flat = np.concatenate([np.ravel(value) for value in values])
    if flat.size == 1 and values[0].ndim == 0:
        return f"{flat[0]:.16g}"
    shown = ", ".join(f"{number:.6g}" for number in flat[:SHOWN])
    return f"[{shown}{', ...' if flat.size > SHOWN else ''}]"


def _seconds(seconds: float) -> str:
    return (
        f"{seconds * 1e6:.0f} µs"
        if seconds < 1e-3
        else f"{seconds * 1e3:.3g} ms"
        if seconds < 1
        else f"{seconds:.3g} s"
    )


def _bytes(count: int) -> str:
    return (
        f"{count} B" if count < 1000 else f"{count / 1e3:.3g} kB" if count < 1e6 else f"{count / 1e6:.3g} MB"
    )
