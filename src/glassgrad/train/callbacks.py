"""Callbacks: objects that `gg.fit` calls at fixed moments, and that travel with its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ..errors import ArgumentError
from ..optim.lr_scheduler import LRScheduler

if TYPE_CHECKING:
    from .training import Training


class Callback:
    """What `gg.fit` calls while it trains. Derive from it and override the moments you need.

    A callback that counts or remembers returns what it knows from `state_dict`, so that a resumed training goes on
    as if it had never stopped.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, training):
    ...         print("EPOCH", training.epoch)
    """

    def on_train_begin(self, training: Training) -> None:
        """Called once before the first step, after a resumed state was restored."""

    def on_step_end(self, training: Training) -> None:
        """Called after every update of the parameters."""

    def on_epoch_end(self, training: Training) -> None:
        """Called after every epoch, when `training.record` holds its numbers; before the checkpoint is written."""

    def on_train_end(self, training: Training) -> None:
        """Called once when training is over, but not when an error or Ctrl-C ended it."""

    def state_dict(self) -> dict[str, Any]:
        """Return what must survive a restart: numbers, texts, arrays, tensors, and lists and dicts of them."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""


class LearningRateSchedule(Callback):
    """Steps a scheduler of `gg.optim.lr_scheduler` after every epoch, or after every update.

    scheduler: made from the optimizer that `gg.fit` gets. every: "epoch" or "step".

    Raises ArgumentError when `scheduler` is none or `every` is neither.

    >>> optimizer = gg.optim.SGD([gg.nn.Parameter(1.0)], lr=0.1)
    >>> halving = LearningRateSchedule(gg.optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5))
    """

    def __init__(self, scheduler: LRScheduler, every: Literal["epoch", "step"] = "epoch") -> None:
        if not isinstance(scheduler, LRScheduler):
            raise ArgumentError(
                f"LearningRateSchedule needs a scheduler, such as gg.optim.lr_scheduler.StepLR(optimizer, 10); "
                f"got {type(scheduler).__name__}."
            )
        if every not in ("epoch", "step"):
            raise ArgumentError(f"LearningRateSchedule: every is {every!r}; expected 'epoch' or 'step'.")
        self.scheduler = scheduler
        self.every = every

    def on_step_end(self, training: Training) -> None:
        """Step the scheduler if it steps with every update."""
        if self.every == "step":
            self.scheduler.step()

    def on_epoch_end(self, training: Training) -> None:
        """Step the scheduler if it steps with every epoch."""
        if self.every == "epoch":
            self.scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the scheduler's own state."""
        return self.scheduler.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give the scheduler its state back."""
        self.scheduler.load_state_dict(state)


def better_is(column: str) -> Literal["min", "max"]:
    """Whether a column of the history is good when small or when large: "max" for accuracies, else "min".

    >>> better_is("validation_accuracy"), better_is("loss")
    ('max', 'min')
    """
    return "max" if column.endswith("accuracy") else "min"
