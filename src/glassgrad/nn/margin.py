"""Margin losses: the right class must score higher than the others by a margin, as in a support vector machine."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor, asarray
from .criterion import Criterion, reduce_losses, require_reduction
from .labels import class_weights, read_labels


def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Tensor:
    """sum over the wrong classes of max(0, margin - right + wrong)ᵖ / classes. See `MultiMarginLoss`.

    >>> gg.nn.functional.multi_margin_loss(gg.tensor([[0.5, 1.0]]), gg.tensor([1]))
    tensor(0.25)
    """
    name, scores = "MultiMarginLoss", asarray(input)
    if scores.ndim > 2:
        raise ShapeError(f"{name} needs an output of shape (batch, classes) or (classes); got {scores.shape}")
    labels = read_labels(name, scores, target)
    classes = scores.shape[labels.axis]
    right = ops.expand_dims(labels.pick(scores), labels.axis)
    excess = ops.relu(_require_margin(margin) - right + scores)
    is_wrong = ops.expand_dims(labels.indices, labels.axis) != np.arange(classes)
    hinges = ops.where(is_wrong, ops.square(excess) if _require_power(p) == 2 else excess, 0.0)
    losses = ops.sum(hinges, axis=labels.axis) / classes
    weights = class_weights(name, weight, scores, labels.axis)
    if weights is not None:
        losses = weights[labels.indices] * losses
    return reduce_losses(name, losses, reduction)


def _require_power(p: int) -> int:
    if p not in (1, 2):
        raise ArgumentError(f"MultiMarginLoss needs p=1 or p=2; got {p!r}")
    return p


def _require_margin(margin: float) -> float:
    if not margin >= 0:
        raise ArgumentError(f"MultiMarginLoss needs margin >= 0; got {margin}")
    return margin


class MultiMarginLoss(Criterion):
    """The multi-class hinge loss: max(0, margin - output[right] + output[i])ᵖ / classes, over the wrong classes i.

    The loss of a multi-class support vector machine, which is usually written without the division by the number of
    classes; it is PyTorch's and Torch7's. output: (batch, classes) or (classes). target: integer labels in
    [0, classes), one per sample. p: 1 or 2. weight: one factor per class, by which the loss of a sample with that
    label is multiplied, or None. reduction: "mean" over the batch, "sum", or "none".
    Raises DTypeError, ShapeError, ArgumentError.

    Source: Crammer, Singer, "On the algorithmic implementation of multiclass kernel-based vector machines" (2001).

    >>> gg.nn.MultiMarginLoss()(gg.tensor([[0.5, 1.0]]), gg.tensor([1]))
    tensor(0.25)
    """

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean") -> None:
        self.p = _require_power(p)
        self.margin = _require_margin(margin)
        self.weight = weight
        self.reduction = require_reduction(reduction)

    def forward(self, output: Any, target: Any) -> Tensor:
        """The loss."""
        return multi_margin_loss(output, target, self.p, self.margin, self.weight, self.reduction)
