"""Measuring a model on data: its loss and metrics, and its outputs, without training it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data import DataLoader
from ..errors import ArgumentError, DataError, ShapeError
from ..nn import Module
from ..tensor import Tensor, no_grad
from .averages import Averages
from .programs import Programs, Waiting, needed_to_predict

Loss = Callable[[Any, Tensor], Tensor]
Metric = Callable[[Any, Tensor], Any]

OWN_COLUMNS = {"epoch", "loss", "learning_rate", "seconds", "samples_per_second"}


def accuracy(output: Tensor, target: Tensor) -> float:
    """The part of the rows whose largest output is that of their class.

    output: (rows, classes), scores of any scale. target: (rows,) int, the classes.

    >>> accuracy(Tensor(np.array([[0.1, 0.9], [2.0, -2.0]])), Tensor(np.array([1, 1])))
    0.5
    """
    return float(np.mean(output.numpy().argmax(axis=1) == target.numpy()))


def evaluate(
    model: Module,
    loss: Loss,
    data: DataLoader,
    metrics: Mapping[str, Metric] | None = None,
    *,
    after_batch: Callable[[], None] = lambda: None,
    eager: bool = False,
) -> dict[str, float]:
    """Return the mean loss over `data`, and the other metrics, by name; nothing is recorded or changed.

    The model is in evaluation mode meanwhile, and the data's own position is kept. metrics: as for `gg.fit`.
    Batches are weighted by their rows. after_batch: called after every batch. eager: never compile (docs/compile.md).
    """
    forward = forward_pass(model, loss, "evaluate", needed_to_predict, eager=eager)
    return measure_all(model, forward, data, metrics, after_batch)


def forward_pass(
    model: Module,
    loss: Loss,
    name: str,
    needed: Callable[[int], int],
    waiting: Waiting | None = None,
    *,
    eager: bool,
) -> Programs:
    """A function (inputs, targets) -> (output, loss) that records nothing, compiled where that pays."""

    def run(inputs: Tensor, targets: Tensor) -> tuple[Any, Tensor]:
        with no_grad():
            output = model(inputs)
            return output, require_scalar(loss(output, targets))

    return Programs(run, name, [model, loss], needed, waiting, eager=eager)


def measure_all(
    model: Module,
    forward: Programs,
    data: DataLoader,
    metrics: Mapping[str, Metric] | None,
    after_batch: Callable[[], None],
) -> dict[str, float]:
    """What `evaluate` returns, by a `forward_pass` that may have been used before."""
    averages = Averages()
    position = data.state_dict()
    try:
        data.set_epoch(0)  # the same order every time: sums in another order differ in their last bits
        with evaluation_mode(model):
            for batch in data:
                inputs, targets = as_pair(batch)
                output, loss = forward(inputs, targets)
                averages.add(len(inputs), {"loss": loss.item(), **measure(metrics, output, targets)})
                after_batch()
    finally:
        data.load_state_dict(position)
    return averages.means()


def predict(
    model: Module,
    inputs: npt.NDArray[Any],
    batch_size: int = 1024,
    *,
    after_batch: Callable[[], None] = lambda: None,
    eager: bool = False,
) -> npt.NDArray[Any]:
    """Return the model's outputs for `inputs`, computed `batch_size` rows at a time in evaluation mode.

    inputs: (rows, ...). eager: never compile (docs/compile.md). Returns: (rows, ...).
    """

    def run(batch: Tensor) -> Tensor:
        with no_grad():
            output: Tensor = model(batch)
            return output

    forward = Programs(run, "predict", [model], needed_to_predict, eager=eager)
    outputs = []
    with evaluation_mode(model):
        for (batch,) in DataLoader(inputs, batch_size):
            outputs.append(forward(batch).numpy())
            after_batch()
    return np.concatenate(outputs)


@contextmanager
def evaluation_mode(model: Module) -> Iterator[None]:
    """Put every module of `model` into evaluation mode inside the block, and back into its own mode afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def measure(metrics: Mapping[str, Metric] | None, output: Any, targets: Tensor) -> dict[str, float]:
    """Return the metrics of one batch. None: the accuracy, if this is a classification, and nothing otherwise."""
    if metrics is None:
        return {"accuracy": accuracy(output, targets)} if _is_classification(output, targets) else {}
    detached = Tensor(output.value) if isinstance(output, Tensor) else output
    return {name: float(metric(detached, targets)) for name, metric in metrics.items()}


def require_metrics(metrics: Mapping[str, Metric] | None) -> None:
    """Raise ArgumentError unless `metrics` is None or functions by names that the history does not use itself."""
    if metrics is None:
        return
    if not isinstance(metrics, Mapping) or not all(callable(metric) for metric in metrics.values()):
        raise ArgumentError(
            "metrics must be a dict of functions (output, target) -> number by name, such as "
            "{'accuracy': gg.train.accuracy}."
        )
    taken = sorted(OWN_COLUMNS.intersection(metrics))
    if taken:
        raise ArgumentError(f"metrics: the history has its own {taken[0]!r}. Give the metric another name.")


def as_pair(batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Return the inputs and targets of a batch; DataError when it does not consist of two."""
    if len(batch) != 2:
        raise DataError(
            f"a batch must be (inputs, targets), so 2 tensors; this data gives {len(batch)}. Make the DataLoader of "
            f"a pair: gg.data.DataLoader((inputs, targets), batch_size=32)."
        )
    return batch


def require_scalar(value: Any) -> Tensor:
    """Return the loss if it is one number; ArgumentError or ShapeError otherwise."""
    if not isinstance(value, Tensor):
        raise ArgumentError(
            f"the loss function returned a {type(value).__name__}; expected a tensor with one number, which "
            f"gradients can go back through."
        )
    if value.size != 1:
        raise ShapeError(
            f"the loss must be one number; the loss function returned shape {value.shape}. "
            f"Use reduction='mean', or return loss.mean()."
        )
    return value


def _is_classification(output: Any, targets: Tensor) -> bool:
    return (
        isinstance(output, Tensor) and output.ndim == 2 and targets.ndim == 1 and targets.dtype.kind in "iu"
    )
