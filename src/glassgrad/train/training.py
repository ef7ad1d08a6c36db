"""The training under way: what callbacks look at, and all that a checkpoint must hold to go on bit for bit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import random
from ..data import DataLoader
from ..errors import ArgumentError, CheckpointError
from ..nn import Module
from ..optim import Optimizer
from .averages import Averages
from .callbacks import Callback
from .history import History, Record
from .programs import Waiting

ADDED_LATER = ("waiting",)
"""What checkpoints of earlier versions lack."""


@dataclass(eq=False)
class Training:
    """A training under way, as `gg.fit` shows it to its callbacks.

    epochs: how many there shall be. epoch: the one under way, counted from 1. step: the updates of the parameters
    so far, over all epochs. learning_rate: of the last update, in the optimizer's first parameter group. history: the
    epochs that are over; record: the last of them. averages, position: of the epoch under way, and of the data in it.
    stop_reason: why the training ends after this epoch, if it does. waiting: which batches came how often, for steps
    and for validation, by which it is decided which are compiled.
    """

    model: Module
    optimizer: Optimizer
    data: DataLoader
    validation: DataLoader | None
    epochs: int
    callbacks: Sequence[Callback] = ()
    history: History = field(default_factory=History)
    epoch: int = 1
    step: int = 0
    learning_rate: float = math.nan
    averages: Averages = field(default_factory=Averages)
    position: dict[str, Any] = field(default_factory=dict)
    stop_reason: str | None = None
    waiting: dict[str, Waiting] = field(default_factory=lambda: {"steps": Waiting(), "validation": Waiting()})

    @property
    def record(self) -> Record:
        """The numbers of the last epoch that is over; empty before the first."""
        return self.history.records[-1] if len(self.history) else {}

    def stop(self, reason: str) -> None:
        """End the training after this epoch; `reason` is shown to the user."""
        self.stop_reason = reason

    def monitored(self, column: str, who: str) -> float:
        """Return the last epoch's `column`; ArgumentError, in the name of `who`, when there is none."""
        record = self.record
        if column not in record:
            raise ArgumentError(
                f"{who} monitors {column!r}, which the epochs of this training lack; they have "
                f"{', '.join(map(repr, record))}."
            )
        return record[column]

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the rest of the training depends on."""
        return {
            "model": self.model.state_dict(),
            "optimizer": {"kind": type(self.optimizer).__name__, "state": self.optimizer.state_dict()},
            "callbacks": [[type(callback).__name__, callback.state_dict()] for callback in self.callbacks],
            "random": random.get_state(),
            "data": self.position,
            "history": self.history.to_json(),
            "epoch": self.epoch,
            "step": self.step,
            "learning_rate": self.learning_rate,
            "averages": self.averages.state_dict(),
            "waiting": {name: waiting.state_dict() for name, waiting in self.waiting.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned.

        Raises CheckpointError when it comes from another kind of optimizer, other callbacks, other data or a
        model with other parameters.
        """
        kind = type(self.optimizer).__name__
        if state["optimizer"]["kind"] != kind:
            raise CheckpointError(
                f"the saved training used the optimizer {state['optimizer']['kind']}; this one uses {kind}. "
                f"Make the same optimizer as then."
            )
        saved = [name for name, _ in state["callbacks"]]
        given = [type(callback).__name__ for callback in self.callbacks]
        if saved != given:
            raise CheckpointError(
                f"the saved training had the callbacks [{', '.join(saved)}]; this one has [{', '.join(given)}]. "
                f"Pass the same, in the same order."
            )
        self.data.load_state_dict(state["data"])
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"]["state"])
        for callback, (_, saved_state) in zip(self.callbacks, state["callbacks"], strict=True):
            callback.load_state_dict(saved_state)
        random.set_state(state["random"])
        self.position = state["data"]
        self.history = History.from_json(state["history"])
        self.epoch, self.step, self.learning_rate = state["epoch"], state["step"], state["learning_rate"]
        self.averages = Averages(**state["averages"])
        for name, waiting in state.get("waiting", {}).items():
            self.waiting[name].load_state_dict(waiting)
