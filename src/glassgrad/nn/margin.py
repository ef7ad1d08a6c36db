"""Margin losses: the right class must score higher than the others by a margin, as in a support vector machine."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError, ShapeError
from ..tensor import Tensor, asarray
from .criterion import Criterion, reduce_losses, require_reduction
from .labels import read_labels


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
    if weight is not None:
        weights = ops.astype(asarray(weight), scores.dtype)
        if weights.shape != (classes,):
            raise ShapeError(f"{name} needs one weight per class, shape {(classes,)}; got {weights.shape}")
        losses = weights[labels.indices] * losses
    return reduce_losses(name, losses, reduction)
