"""Early stopping: end the training once the monitored number has stopped getting better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from ..errors import ArgumentError
from .callbacks import Callback, better_is

if TYPE_CHECKING:
    from .training import Training


class EarlyStopping(Callback):
    """Stops after `patience` epochs in a row without a better `monitor`, and brings the best parameters back.

    patience: how many epochs without improvement are allowed; 1 or more.
    monitor: a column of the history, such as "validation_loss" or "validation_accuracy".
    min_delta: by how much a value must be better than the best so far; smaller gains count as none.
    restore_best: whether the model has the parameters of the best epoch when `gg.fit` returns. The checkpoint
        last.safetensors keeps those of the last epoch, from which training can go on.
    mode: whether less or more is better; "auto" takes "max" for a column whose name ends in "accuracy".

    Source: Prechelt (1998), "Early Stopping - But When?", which also compares other criteria.
    Raises ArgumentError for a value out of range, and, once training begins, when the history will have no such
    column.

    >>> stopping = EarlyStopping(patience=5)
    >>> stopping.best, stopping.waited
    (inf, 0)
    """

    def __init__(
        self,
        patience: int,
        monitor: str = "validation_loss",
        min_delta: float = 0.0,
        restore_best: bool = True,
        *,
        mode: Literal["auto", "min", "max"] = "auto",
    ) -> None:
        if not isinstance(patience, int) or patience < 1:
            raise ArgumentError(
                f"EarlyStopping: patience is {patience!r}; expected a whole number of epochs, 1 or more."
            )
        if not 0.0 <= min_delta < math.inf:
            raise ArgumentError(f"EarlyStopping: min_delta is {min_delta!r}; expected a number of 0 or more.")
        if mode not in ("auto", "min", "max"):
            raise ArgumentError(f"EarlyStopping: mode is {mode!r}; expected 'auto', 'min' or 'max'.")
        self.patience = patience
        self.monitor = monitor
        self.min_delta = min_delta
        self.restore_best = restore_best
        self.mode = better_is(monitor) if mode == "auto" else mode
        self._forget()

    def _forget(self) -> None:
        self.best = math.inf if self.mode == "min" else -math.inf
        self.best_epoch = 0
        self.waited = 0
        self._best_model: dict[str, npt.NDArray[Any]] = {}

    def on_train_begin(self, training: Training) -> None:
        """Refuse a column that will not exist; stop at once when a resumed training had used up its patience."""
        if self.monitor.startswith("validation_") and training.validation is None:
            raise ArgumentError(
                f"EarlyStopping monitors {self.monitor!r}, but fit has no validation data: pass validation=, or "
                f"monitor={self.monitor.removeprefix('validation_')!r}."
            )
        if len(training.history) == 0:  # the same object may have watched an earlier training
            self._forget()
        self._stop_if_patience_is_used_up(training)

    def on_epoch_end(self, training: Training) -> None:
        """Compare the epoch with the best so far. A nan is never better."""
        value = training.monitored(self.monitor, "EarlyStopping")
        gain = self.best - value if self.mode == "min" else value - self.best
        if gain > self.min_delta:
            self.best, self.best_epoch, self.waited = value, training.epoch, 0
            if self.restore_best:
                self._best_model = training.model.state_dict()
        else:
            self.waited += 1
        self._stop_if_patience_is_used_up(training)

    def on_train_end(self, training: Training) -> None:
        """Bring the parameters and buffers of the best epoch back."""
        if self._best_model:
            training.model.load_state_dict(self._best_model)

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, when it was, how long ago, and the model as it was then."""
        return {
            "best": self.best,
            "best_epoch": self.best_epoch,
            "waited": self.waited,
            "best_model": self._best_model,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self.best, self.best_epoch, self.waited = state["best"], state["best_epoch"], state["waited"]
        self._best_model = state["best_model"]

    def _stop_if_patience_is_used_up(self, training: Training) -> None:
        if self.waited >= self.patience:
            training.stop(
                f"{self.monitor} has not improved for {self.waited} epochs: "
                f"it was best in epoch {self.best_epoch}, {self.best:.4g}"
            )
