"""Binary cross-entropy: the loss of a probability, or of a score that stands for one, against 0 or 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError
from ..graph import notice
from ..ops.exponential import Sigmoid
from ..tensor import Tensor, asarray
from .criterion import Criterion, as_factor, as_target, reduce_losses, require_reduction

LOWEST_LOG = -100.0
"""PyTorch's bound: a wrong answer given with certainty costs 100, not infinity."""


def binary_cross_entropy(input: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Tensor:
    """-(t ln x + (1 - t) ln(1 - x)) for probabilities x. See `BCELoss`.

    >>> f"{gg.nn.functional.binary_cross_entropy(gg.tensor([0.5]), gg.tensor([1.0])):.4f}"
    '0.6931'
    """
    x = asarray(input)
    t = as_target("BCELoss", x, target)
    _require_probabilities("BCELoss", "target", t, "Labels of -1 and 1 become 0 and 1 by (target + 1) / 2.")
    _require_probabilities(
        "BCELoss",
        "output",
        x,
        "Put nn.Sigmoid() last, or better: use BCEWithLogitsLoss, which takes any score.",
    )
    losses = -(t * _bounded_log(x, ops.log, 0.0) + (1.0 - t) * _bounded_log(-x, ops.log1p, -1.0))
    return reduce_losses("BCELoss", _weighted("BCELoss", losses, weight), reduction)


def _bounded_log(x: Tensor, log: Any, edge: float) -> Tensor:
    """max(log(x), -100), with derivative 0 where that is -100; `log` goes to -inf at x = edge."""
    at_edge = x <= edge
    # log is not computed at the edge, because its derivative there, infinity, times 0 would be NaN
    return ops.where(at_edge, LOWEST_LOG, ops.maximum(log(ops.where(at_edge, edge + 1.0, x)), LOWEST_LOG))


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Tensor:
    """Binary cross-entropy of sigmoid(input), in a form that cannot overflow. See `BCEWithLogitsLoss`.

    >>> gg.nn.functional.binary_cross_entropy_with_logits(gg.tensor([1000.0]), gg.tensor([0.0]))
    tensor(1000.)
    """
    name = "BCEWithLogitsLoss"
    x = asarray(input)
    t = as_target(name, x, target)
    if x.node is not None and isinstance(x.node.op, Sigmoid):
        notice(
            f"{name} got the output of the sigmoid at {x.node.place}, and applies sigmoid itself: twice makes learning "
            f"slow. Leave that sigmoid out, or use BCELoss."
        )
    _require_probabilities(name, "target", t, "Labels of -1 and 1 become 0 and 1 by (target + 1) / 2.")
    # -ln sigmoid(x) is softplus(-x), and -ln(1 - sigmoid(x)) is softplus(x)
    positive = t if pos_weight is None else as_factor(name, "pos_weight", pos_weight, x) * t
    losses = positive * ops.softplus(-x) + (1.0 - t) * ops.softplus(x)
    return reduce_losses(name, _weighted(name, losses, weight), reduction)


def _weighted(name: str, losses: Tensor, weight: Any) -> Tensor:
    return losses if weight is None else losses * as_factor(name, "weight", weight, losses)


def _require_probabilities(name: str, what: str, x: Tensor, cure: str) -> None:
    if x.value is None or x.size == 0:
        return
    low, high = x.value.min(), x.value.max()
    if low < 0 or high > 1:  # NaN passes: gg.fit looks for it
        index = np.unravel_index(x.value.argmin() if low < 0 else x.value.argmax(), x.shape)
        position = ", ".join(map(str, index))
        raise ArgumentError(
            f"{name} needs every {what} in [0, 1]; got {low if low < 0 else high:.6g} at index [{position}]. {cure}"
        )


class BCELoss(Criterion):
    """The binary cross-entropy -(t ln x + (1 - t) ln(1 - x)) of probabilities x, such as sigmoid gives, for targets t.

    output, target: the same shape, values in [0, 1]. weight: factors that can be broadcast to that shape, or None.
    reduction: "mean" over all elements, "sum", or "none". Logarithms are bounded by -100 from below, as in PyTorch.
    Raises ArgumentError for values outside [0, 1], ShapeError.

    >>> f"{gg.nn.BCELoss()(gg.tensor([0.5]), gg.tensor([1.0])):.4f}"
    '0.6931'
    """

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        self.weight = weight
        self.reduction = require_reduction(reduction)

    def forward(self, output: Any, target: Any) -> Tensor:
        """The loss."""
        return binary_cross_entropy(output, target, self.weight, self.reduction)


class BCEWithLogitsLoss(Criterion):
    """The binary cross-entropy of sigmoid(output): for scores of any size, computed without forming the sigmoid.

    output, target: the same shape, targets in [0, 1]. weight: factors that can be broadcast to that shape, or None.
    pos_weight: factors for the part of target 1, or None. reduction: "mean" over all elements, "sum", or "none".
    Raises ArgumentError for targets outside [0, 1], ShapeError.

    >>> f"{gg.nn.BCEWithLogitsLoss()(gg.tensor([0.0]), gg.tensor([1.0])):.4f}"
    '0.6931'
    """

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        self.weight = weight
        self.reduction = require_reduction(reduction)
        self.pos_weight = pos_weight

    def forward(self, output: Any, target: Any) -> Tensor:
        """The loss."""
        return binary_cross_entropy_with_logits(output, target, self.weight, self.reduction, self.pos_weight)
