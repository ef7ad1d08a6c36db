"""What the user sees while a model trains: a live bar on a terminal, one line per epoch elsewhere, or nothing."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .training import Training

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

SECONDS_BETWEEN_UPDATES = 0.2  # a drawing costs half a millisecond, so a quarter of a percent of the time
MEASURED_ABOUT_TRAINING = ("epoch", "learning_rate", "seconds", "samples_per_second")


class Progress:
    """Shows nothing. The other two show something at these moments."""

    def after_step(self, training: Training) -> None:
        """Called after every update of the parameters."""

    def after_epoch(self, training: Training) -> None:
        """Called when an epoch, of which `training.record` holds the numbers, is over and saved."""

    def after_training(self, training: Training) -> None:
        """Called when the last epoch is over."""


class Lines(Progress):
    """One line per epoch, for files, pipes and notebooks."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def after_epoch(self, training: Training) -> None:
        """Print the epoch's numbers."""
        record = training.record
        self._print(
            f"{_epoch(training, len(training.history))}  {describe(record)}  {record['seconds']:.2f} s"
        )

    def after_training(self, training: Training) -> None:
        """Say why training ended before its last epoch."""
        if training.stop_reason:
            self._print(_stopped(training))

    def _print(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Bar(Progress):
    """Live lines on a terminal: how far training is, and what it has reached."""

    def __init__(self, console: Console, training: Training) -> None:
        from rich.live import Live

        self.live = Live(console=console, auto_refresh=False)  # a thread of its own would slow the steps down
        self._first_step = training.step
        self._started = time.perf_counter()
        self._next_update = 0.0

    def after_step(self, training: Training) -> None:
        """Redraw, unless the last time was a moment ago."""
        now = time.perf_counter()
        if now >= self._next_update:
            self._next_update = now + SECONDS_BETWEEN_UPDATES
            self._draw(training, f"{_duration(self._seconds_left(training, now))} left")

    def after_training(self, training: Training) -> None:
        """Leave the last epoch's numbers on the screen, with the time it took and why it ended."""
        self._draw(training, f"{_duration(time.perf_counter() - self._started)} in all")

    def _draw(self, training: Training, duration: str) -> None:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        epoch = training.epoch if training.averages.rows else len(training.history)
        speed = f"{_samples_per_second(training):,.0f} samples/s"
        bar = ProgressBar(total=training.epochs * len(training.data), completed=training.step)
        head = Table.grid(padding=(0, 2, 0, 0), expand=True)
        head.add_column(no_wrap=True)
        head.add_column(ratio=1)
        head.add_column(no_wrap=True)
        head.add_row(Text(_epoch(training, epoch)), bar, Text(f"{_batch(training)}{speed}  {duration}"))
        lines: list[RenderableType] = [head, Text(describe({**training.record, **training.averages.means()}))]
        if training.stop_reason:
            lines.append(Text(_stopped(training)))
        self.live.update(Group(*lines), refresh=True)

    def _seconds_left(self, training: Training, now: float) -> float:
        done = training.step - self._first_step
        left = training.epochs * len(training.data) - training.step
        return (now - self._started) / done * left


@contextmanager
def open_progress(training: Training, shown: bool) -> Iterator[Progress]:
    """Yield what suits the output: nothing if not `shown`, a bar on a terminal, lines otherwise."""
    if not shown:
        yield Progress()
        return
    from rich.console import Console

    console = Console(force_jupyter=False)  # a notebook gets plain lines, which need no widgets
    if not console.is_terminal or console.is_dumb_terminal:
        yield Lines(console)
        return
    bar = Bar(console, training)
    with bar.live:
        yield bar


def describe(numbers: Mapping[str, float]) -> str:
    """Return an epoch's losses and metrics as a line.

    >>> describe({"epoch": 3, "loss": 0.25, "accuracy": 0.914, "validation_loss": 0.5, "seconds": 1.2})
    'loss 0.2500  accuracy 91.4 %  validation loss 0.5000'
    """
    shown = [(name, value) for name, value in numbers.items() if name not in MEASURED_ABOUT_TRAINING]
    return "  ".join(f"{name.replace('_', ' ')} {_value(name, value)}" for name, value in shown)


def _value(name: str, value: float) -> str:
    if name.endswith("accuracy"):
        return f"{value:.1%}".replace("%", " %")
    return f"{value:.4f}" if 0.001 <= abs(value) < 1000 else f"{value:.4g}"


def _epoch(training: Training, number: int) -> str:
    return f"epoch {str(number).rjust(len(str(training.epochs)))}/{training.epochs}"


def _batch(training: Training) -> str:
    """The place in the epoch under way; empty between two epochs."""
    batch = training.position.get("batch", 0)
    return f"batch {batch}/{len(training.data)}  " if batch else ""


def _samples_per_second(training: Training) -> float:
    averages = training.averages
    if averages.rows:
        return averages.rows / max(averages.seconds, 1e-9)
    return training.record.get("samples_per_second", 0.0)


def _stopped(training: Training) -> str:
    return f"stopped after epoch {len(training.history)} of {training.epochs}: {training.stop_reason}"


def _duration(seconds: float) -> str:
    """Return seconds as hours:minutes:seconds.

    >>> _duration(75.4)
    '0:01:15'
    """
    return str(datetime.timedelta(seconds=round(seconds)))
