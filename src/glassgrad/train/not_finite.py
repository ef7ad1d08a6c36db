"""Why a loss is not finite: the first of inputs, targets, parameters and output that is not, and the cure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import NotFiniteError
from ..tensor import Tensor
from .training import Training

DIVERGED = 1e10
"""An output beyond this has lost its way; its square does not fit into float32 soon after."""


def explain_loss(
    training: Training, inputs: Tensor, targets: Tensor, output: Any, loss: float
) -> NotFiniteError:
    """Return the error for a step whose loss is nan or infinite; nothing was updated by that step."""
    where = f"the loss is {loss} in epoch {training.epoch}, step {training.step + 1}"
    return NotFiniteError(
        f"{where} (learning rate {training.learning_rate:g}). {_cause(training, inputs, targets, output)}"
    )


def require_finite_parameters(training: Training) -> None:
    """Raise NotFiniteError when the last update left a parameter or buffer with nan or infinity in it."""
    broken = _first_broken_state(training)
    if broken:
        raise NotFiniteError(
            f"after epoch {training.epoch}, step {training.step} (learning rate {training.learning_rate:g}), {broken}: "
            f"the loss was finite, so its gradient was not. {_smaller_steps(training)}"
        )


def _cause(training: Training, inputs: Tensor, targets: Tensor, output: Any) -> str:
    for name, tensor in (("inputs", inputs), ("targets", targets)):
        found = _describe(tensor.numpy())
        if found:
            return f"The {name} of this batch have {found}. Clean the data: remove or fill in such values."
    broken = _first_broken_state(training)
    if broken:
        return f"Before this step, {broken}: an earlier update made it so. {_smaller_steps(training)}"
    found = _describe(output.numpy()) if isinstance(output, Tensor) else ""
    if found:
        return (
            f"Inputs and parameters are finite, but the model's output has {found}: the forward pass overflowed. "
            f"Scale the inputs to about -1 to 1. {_smaller_steps(training)}"
        )
    largest = float(np.abs(output.numpy()).max(initial=0.0)) if isinstance(output, Tensor) else 0.0
    if largest > DIVERGED:
        return (
            f"Inputs and parameters are finite, but the model's output has grown to {largest:.3g}: the training "
            f"diverges. {_smaller_steps(training)}"
        )
    return (
        "Inputs, parameters and the model's output are finite, so the loss function made it, as the logarithm of 0 "
        "does. Use a loss that takes logits (CrossEntropyLoss, BCEWithLogitsLoss) and no softmax or sigmoid before it."
    )


def _first_broken_state(training: Training) -> str:
    model = training.model
    for kind, named in (("parameter", model.named_parameters()), ("buffer", model.named_buffers())):
        for name, tensor in named:
            found = _describe(tensor.numpy())
            if found:
                return f"{kind} {name!r} has {found}"
    return ""


def _describe(values: npt.NDArray[Any]) -> str:
    """Say which value is not finite, first of how many; empty when all are finite."""
    finite = np.isfinite(values)
    if finite.all():
        return ""
    places = np.argwhere(~finite)
    place = ", ".join(map(str, places[0]))
    return f"{values[tuple(places[0])]} at [{place}] (and {len(places)} of {values.size} values not finite)"


def _smaller_steps(training: Training) -> str:
    return f"Train with a smaller learning rate, such as {training.learning_rate / 10:g}."
