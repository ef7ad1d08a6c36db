"""Class labels as targets: reading them, and saying what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from .. import ops
from ..errors import ArgumentError, DTypeError, ShapeError
from ..graph.static import static
from ..ops.bounded import Bounded
from ..tensor import Tensor, apply, asarray


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of a batch of scores."""

    axis: int
    """The axis of the classes in the scores: 1, or 0 for a single sample."""
    indices: Tensor
    """The labels, with 0 in the place of those to ignore."""
    kept: Tensor | None
    """Which labels are not ignored; None if none is."""

    def pick(self, scores: Tensor) -> Tensor:
        """The score of the right class of each sample."""
        chosen = ops.take_along_axis(scores, ops.expand_dims(self.indices, self.axis), axis=self.axis)
        return ops.squeeze(chosen, self.axis)

    def without_ignored(self, values: Tensor) -> Tensor:
        """`values`, one for each label, with 0 in the place of those to ignore."""
        return values if self.kept is None else ops.where(self.kept, values, 0.0)


def read_labels(name: str, scores: Tensor, target: Any, ignore_index: int | None = None) -> Labels:
    """The labels in `target` for `scores` (batch, classes, ...), or for one sample (classes).

    target: integers in [0, classes) or `ignore_index`, of the shape of the scores without the axis of the classes.
    Raises DTypeError, ShapeError, ArgumentError in the name of the loss.
    """
    labels = asarray(target)
    axis = class_axis(name, scores)
    expected = scores.shape[:axis] + scores.shape[axis + 1 :]
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            f"{name} needs class labels as integers; got {labels.dtype} of shape {labels.shape}. "
            f"{_cure(labels, scores, axis) or 'If these are labels, use gg.astype(target, gg.int64).'}"
        )
    if labels.shape != expected:
        raise ShapeError(
            f"{name} needs one label per sample: for output {scores.shape} a target of shape {expected}; "
            f"got {labels.shape}.{_shape_cure(labels, scores, expected, axis)}"
        )
    classes = scores.shape[axis]
    limits = np.iinfo(labels.dtype)
    if ignore_index is not None and not limits.min <= ignore_index <= limits.max:
        ignore_index = None  # no label can be it
    values = labels.value
    if values is None:
        labels = apply(LabelsInRange(classes, ignore_index, name), labels)
    if values is None or values.size == 0:
        may_ignore = values is None and ignore_index is not None
    else:
        outside = values.min() < 0 or values.max() >= classes
        may_ignore = ignore_index is not None and bool(outside or 0 <= ignore_index < classes)
        if outside:
            _require_in_range(name, values, classes, ignore_index)
    if not may_ignore:
        return Labels(axis, labels, None)
    kept = labels != ignore_index
    return Labels(axis, ops.where(kept, labels, 0), kept)


@static
class LabelsInRange(Bounded):
    """Labels of which the values are not known yet, such as those of a compiled function."""

    size: int
    also: int | None
    loss: str

    def complain(self, values: Any) -> NoReturn:
        """Raise what known labels get."""
        _require_in_range(self.loss, values, self.size, self.also)
        raise AssertionError  # not reached: a label is outside


def class_axis(name: str, scores: Tensor) -> int:
    """Which axis of the scores counts the classes: 1, or 0 for a single sample. ShapeError if there is none."""
    if scores.ndim == 0:
        raise ShapeError(
            f"{name} needs one score per class, an output of shape (batch, classes); got a single number"
        )
    return min(1, scores.ndim - 1)


def class_weights(name: str, weight: Any, scores: Tensor, axis: int) -> Tensor | None:
    """One factor per class in the dtype of the scores, or None if there are none. Raises ShapeError."""
    if weight is None:
        return None
    weights = ops.astype(asarray(weight), scores.dtype)
    if weights.shape != (scores.shape[axis],):
        raise ShapeError(
            f"{name} needs one weight per class, shape {(scores.shape[axis],)}; got {weights.shape}"
        )
    return weights


def _require_in_range(name: str, values: Any, classes: int, ignore_index: int | None) -> None:
    wrong = (values < 0) | (values >= classes)
    if ignore_index is not None:
        wrong &= values != ignore_index
    if not wrong.any():
        return
    index = np.unravel_index(wrong.argmax(), values.shape)
    position = f" at position {', '.join(map(str, index))}" if index else ""
    hint = f" For these labels the model needs {int(values.max()) + 1} outputs." if values.min() >= 0 else ""
    if classes == 1:
        hint = " With one score per sample, use BCEWithLogitsLoss."
    elif values.min() == 1 and values.max() == classes:
        hint = " These labels count from 1: subtract 1."
    raise ArgumentError(
        f"{name} got the label {values[index]}{position}, but the output has {classes} "
        f"{'class: the only label is 0' if classes == 1 else f'classes: labels are 0 to {classes - 1}'}.{hint}"
    )


def _cure(labels: Tensor, scores: Tensor, axis: int) -> str:
    """What to do about labels in the shape of the scores."""
    if labels.shape != scores.shape:
        return ""
    return f"If this is one-hot or a probability per class, gg.argmax(target, axis={axis}) gives labels."


def _shape_cure(labels: Tensor, scores: Tensor, expected: tuple[int, ...], axis: int) -> str:
    if labels.size == np.prod(expected) and labels.ndim:
        return f" Use target.reshape({expected})."
    cure = _cure(labels, scores, axis)
    return f" {cure}" if cure else ""
