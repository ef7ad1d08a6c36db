"""Cross-entropy: the loss of scores, or of log-probabilities, against the right class."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ArgumentError
from ..graph import notice
from ..tensor import Tensor, asarray
from .criterion import Criterion, reduce_losses, require_reduction, require_samples
from .labels import Labels, class_axis, class_weights, read_labels

POSITIVE = 1e-6
"""A log-probability above this is no rounding error."""


def nll_loss(
    input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """-input[n, target[n]] for log-probabilities. See `NLLLoss`.

    >>> gg.nn.functional.nll_loss(gg.tensor([[-2.0, -0.125]]), gg.tensor([1]))
    tensor(0.125)
    """
    name, logs = "NLLLoss", asarray(input)
    labels = read_labels(name, logs, target, ignore_index)
    if logs.value is not None and logs.size and logs.value.max() > POSITIVE:
        raise ArgumentError(
            f"{name} needs log-probabilities, which are at most 0; got {logs.value.max():.6g}. "
            f"Put nn.LogSoftmax(dim=1) last, or use CrossEntropyLoss, which takes any scores."
        )
    weights = class_weights(name, weight, logs, labels.axis)
    return _reduce(name, _nll(logs, labels, weights), labels, weights, reduction)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-ln softmax(input)[n, target[n]] for scores. See `CrossEntropyLoss`.

    >>> f"{gg.nn.functional.cross_entropy(gg.tensor([[0.0, 0.0]]), gg.tensor([1])):.4f}"
    '0.6931'
    """
    name, scores, target = "CrossEntropyLoss", asarray(input), asarray(target)
    _require_smoothing(label_smoothing)
    axis = class_axis(name, scores)
    classes = scores.shape[axis]
    if _are_probabilities(scores):
        notice(
            f"{name} got rows that are probabilities already: positive, with sum 1. It applies softmax itself, so a "
            f"model that ends in Softmax learns slowly. Leave the Softmax out, or use NLLLoss on their logarithm."
        )
    weights = class_weights(name, weight, scores, axis)
    logs = ops.log_softmax(scores, axis=axis)
    if target.dtype.kind == "f" and target.shape == scores.shape:
        _require_distribution(name, target)
        shares = ops.astype(target, scores.dtype) * (1.0 - label_smoothing) + label_smoothing / classes
        return reduce_losses(name, _sum_over_classes(-shares * logs, axis, weights), reduction)
    labels = read_labels(name, scores, target, ignore_index)
    losses = _nll(logs, labels, weights)
    if label_smoothing:
        to_all = labels.without_ignored(_sum_over_classes(-logs, axis, weights))
        losses = (1.0 - label_smoothing) * losses + (label_smoothing / classes) * to_all
    return _reduce(name, losses, labels, weights, reduction)


def _nll(logs: Tensor, labels: Labels, weights: Tensor | None) -> Tensor:
    """The loss of each sample, 0 for those to ignore."""
    losses = labels.without_ignored(-labels.pick(logs))
    return losses if weights is None else weights[labels.indices] * losses


def _sum_over_classes(x: Tensor, axis: int, weights: Tensor | None) -> Tensor:
    if weights is not None:
        x = x * ops.reshape(weights, (-1,) + (1,) * (x.ndim - axis - 1))
    return ops.sum(x, axis=axis)


def _reduce(name: str, losses: Tensor, labels: Labels, weights: Tensor | None, reduction: str) -> Tensor:
    """As `reduce_losses`, but the mean is weighted by the weights of the labels, with 0 for those to ignore."""
    if require_reduction(reduction) != "mean" or (weights is None and labels.kept is None):
        return reduce_losses(name, losses, reduction)
    require_samples(name, losses)
    of_labels = ops.ones_like(losses) if weights is None else weights[labels.indices]
    total = ops.sum(labels.without_ignored(of_labels))
    if total.value is not None and total.value == 0:
        raise ArgumentError(
            f"{name} has nothing to average in this batch: every label is ignored or has weight 0. "
            f"Leave such batches out, or use reduction='sum'."
        )
    return ops.sum(losses) / total


def _are_probabilities(scores: Tensor) -> bool:
    """Whether every row could be the result of a softmax. Nearly always the first row says no, at little cost."""
    values = scores.value
    if (
        values is None
        or values.ndim > 2
        or values.size == 0
        or values.shape[-1] == 1
        or values.dtype.kind != "f"
    ):
        return False
    first = values if values.ndim == 1 else values[0]
    if not (first.min() > 0 and abs(first.sum() - 1) < 1e-3):
        return False
    return bool(values.min() > 0 and np.all(np.abs(values.sum(-1) - 1) < 1e-3))


def _require_distribution(name: str, target: Tensor) -> None:
    values = target.value
    if values is not None and values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ArgumentError(
            f"{name} takes labels, or probabilities per class in [0, 1]; got a target of the output's shape with "
            f"values from {values.min():.6g} to {values.max():.6g}"
        )


def _require_smoothing(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise ArgumentError(f"CrossEntropyLoss needs 0 <= label_smoothing <= 1; got {value}")
    return value


class NLLLoss(Criterion):
    """The negative log-likelihood -output[n, target[n]] of log-probabilities, such as LogSoftmax gives.

    output: (batch, classes), (batch, classes, ...) or (classes), at most 0. target: integer labels in [0, classes), of
    the output's shape without the classes; those equal to `ignore_index` do not count. weight: one factor per class, or
    None. reduction: "mean", weighted by the weights of the labels; "sum"; or "none".
    Raises DTypeError, ShapeError, and ArgumentError for labels out of range or values above 0.

    >>> gg.nn.NLLLoss()(gg.tensor([[-2.0, -0.125]]), gg.tensor([1]))
    tensor(0.125)
    """

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        self.weight = weight
        self.ignore_index = ignore_index
        self.reduction = require_reduction(reduction)

    def forward(self, output: Any, target: Any) -> Tensor:
        """The loss."""
        return nll_loss(output, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(Criterion):
    """The cross-entropy -ln softmax(output)[n, target[n]] of scores of any size; the softmax is part of it.

    output: (batch, classes), (batch, classes, ...) or (classes). target: integer labels in [0, classes), of the
    output's shape without the classes, where those equal to `ignore_index` do not count; or floats of the output's
    shape, a probability for each class. weight: one factor per class, or None. reduction: "mean", weighted by the
    weights of the labels; "sum"; or "none". label_smoothing: the share of the target that is spread over all classes,
    in [0, 1].
    Raises DTypeError, ShapeError, and ArgumentError for labels out of range; warns of an output that was softmaxed.

    >>> f"{gg.nn.CrossEntropyLoss()(gg.tensor([[0.0, 0.0]]), gg.tensor([1])):.4f}"
    '0.6931'
    """

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        self.weight = weight
        self.ignore_index = ignore_index
        self.reduction = require_reduction(reduction)
        self.label_smoothing = _require_smoothing(label_smoothing)

    def forward(self, output: Any, target: Any) -> Tensor:
        """The loss."""
        return cross_entropy(
            output, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )
