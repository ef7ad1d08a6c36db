"""What can be seen to be wrong before the first step: each mistake is an error that says what to do instead."""

from __future__ import annotations

from typing import Any

from ..data import DataLoader
from ..errors import ArgumentError, GraphError
from ..graph import notice
from ..nn import Module
from ..optim import Optimizer, missing_parameters
from ..optim.lr_scheduler import LRScheduler
from ..tensor.apply import is_recording
from .callbacks import Callback
from .training import Training


def require_trainable(training: Training, loss: Any) -> None:
    """Raise ArgumentError or GraphError for arguments of `gg.fit` with which training cannot work.

    Warns when the optimizer lacks some of the model's parameters, which is right only if they shall stay as they are.
    """
    _require(training.model, Module, "model", "a gg.nn.Module")
    if isinstance(loss, type):
        raise ArgumentError(
            f"fit: loss is the class {loss.__name__}; expected an object of it: {loss.__name__}()."
        )
    if not callable(loss):
        raise ArgumentError(
            f"fit: loss is a {type(loss).__name__}; expected a function (output, target) -> one number, such as "
            f"gg.nn.CrossEntropyLoss()."
        )
    _require_loader(training.data, "data")
    if training.validation is not None:
        _require_loader(training.validation, "validation")
    _require(
        training.optimizer,
        Optimizer,
        "optimizer",
        "one of gg.optim, such as gg.optim.Adam(model.parameters())",
    )
    _require_epochs(training.epochs)
    _require_callbacks(training.callbacks)
    _require_parameters(training)
    if not is_recording():
        raise GraphError(
            "fit was called inside `with gg.no_grad():`, where no gradients exist. Call it outside."
        )


def _require(value: Any, kind: type, name: str, expected: str) -> None:
    if not isinstance(value, kind):
        raise ArgumentError(f"fit: {name} is a {type(value).__name__}; expected {expected}.")


def _require_loader(value: Any, name: str) -> None:
    if not isinstance(value, DataLoader):
        raise ArgumentError(
            f"fit: {name} is a {type(value).__name__}; expected a DataLoader, which says how large the batches are: "
            f"gg.data.DataLoader((inputs, targets), batch_size=32, shuffle=True)."
        )


def _require_epochs(epochs: Any) -> None:
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 1:
        raise ArgumentError(f"fit: epochs is {epochs!r}; expected a whole number, 1 or more.")


def _require_callbacks(callbacks: Any) -> None:
    if not isinstance(callbacks, list | tuple):
        raise ArgumentError(
            f"fit: callbacks is a {type(callbacks).__name__}; expected a list: callbacks=[...]."
        )
    for callback in callbacks:
        if not isinstance(callback, Callback):
            name = type(callback).__name__
            cure = (
                f"Wrap the scheduler: gg.train.LearningRateSchedule({name}(...))."
                if isinstance(callback, LRScheduler)
                else "Derive its class from gg.train.Callback."
            )
            raise ArgumentError(f"fit: callbacks holds a {name}; expected gg.train.Callback objects. {cure}")


def _require_parameters(training: Training) -> None:
    """The model has parameters to train, and the optimizer has them."""
    trainable = [name for name, parameter in training.model.named_parameters() if parameter.requires_grad]
    if not trainable:
        raise ArgumentError(
            "fit: the model has no parameter to train: it has none at all, or all are frozen."
        )
    missing = missing_parameters(training.model, training.optimizer)
    if len(missing) == len(trainable):
        raise ArgumentError(
            "fit: the optimizer has none of the model's parameters, so nothing would be learnt. Make it from this "
            "model, after its last change: gg.optim.Adam(model.parameters())."
        )
    if missing:
        notice(
            f"the optimizer lacks {len(missing)} of the model's {len(trainable)} parameters, which will stay as they "
            f"are: {', '.join(missing)}. Make it from model.parameters(), after the model's last change; or, if this "
            f"is meant, freeze them: parameter.requires_grad = False"
        )
