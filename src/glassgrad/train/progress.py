"""What the user sees while a model trains: a live bar on a terminal, one line per epoch elsewhere, or nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .history import Record
from .training import Training

if TYPE_CHECKING:
    from rich.console import Console

SECONDS_BETWEEN_UPDATES = 0.2  # drawing takes a few milliseconds, which should not be noticed


class Progress:
    """The interface of the three, and the one that shows nothing."""

    def after_step(self, training: Training) -> None:
        """Called after every update of the parameters."""

    def after_validation_batch(self) -> None:
        """Called after every batch that is only measured."""

    def after_epoch(self, training: Training) -> None:
        """Called when `training.record` holds the numbers of an epoch."""


class Lines(Progress):
    """One line per epoch, for files, pipes and notebooks."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def after_epoch(self, training: Training) -> None:
        """Print the epoch's numbers."""
        number = f"{training.record['epoch']:.0f}".rjust(len(str(training.epochs)))
        line = f"epoch {number}/{training.epochs}  {describe(training.record)}  {training.record['seconds']:.1f} s"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class Bar(Progress):
    """Two live lines: how far training is, and what it has reached."""

    def __init__(self, console: Console, training: Training) -> None:
        from rich.live import Live

        self.live = Live(console=console, auto_refresh=False)  # a thread of its own would cost every step
        self._steps_per_epoch = len(training.data)
        self._started = time.perf_counter()
        self._first_step = self._steps_done(training)
        self._next_update = 0.0

    def after_step(self, training: Training) -> None:
        """Redraw, if the last time was long enough ago."""
        if time.perf_counter() >= self._next_update:
            self.draw(training)

    def after_epoch(self, training: Training) -> None:
        """Redraw at the end of the last epoch, which may come too soon after the last time."""
        if training.epoch == training.epochs or training.stop_reason:
            self.draw(training)

    def draw(self, training: Training) -> None:
        """Draw both lines now."""
        from rich.table import Table
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        total = training.epochs * self._steps_per_epoch
        ...
        self._next_update = time.perf_counter() + SECONDS_BETWEEN_UPDATES
