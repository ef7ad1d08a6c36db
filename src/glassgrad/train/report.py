"""How good a model is: the confusion matrix, the scores computed from predictions, and a table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from glassgrad.errors import ArgumentError, DTypeError, NotFiniteError, ShapeError

if TYPE_CHECKING:
    from rich.console import Console

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)  # arrays have no single truth value to compare by
class ClassificationScores:
    """How well classes were predicted; every number but `support` is in [0, 1], or nan where it is 0 / 0.

    accuracy: the part of all samples whose class was predicted.
    precision: (classes,) of the samples predicted as the class, the part that is of it.
    recall: (classes,) of the samples of the class, the part that was predicted as it.
    support: (classes,) how many samples are of the class.
    """

    accuracy: float
    precision: Floats
    recall: Floats
    support: Integers


@dataclass(frozen=True)
class RegressionScores:
    """How well numbers were predicted.

    rmse: root of the mean squared error, in the target's unit.
    mae: mean absolute error, in the target's unit.
    r2: coefficient of determination: 1 is perfect, 0 is as good as always predicting the mean, and below is
        worse; nan when the target is constant.
    """

    rmse: float
    mae: float
    r2: float


def confusion_matrix(true: npt.ArrayLike, predicted: npt.ArrayLike, classes: int) -> Integers:
    """Count the samples by true class (row) and predicted class (column).

    true, predicted: (samples,) int in [0, classes).
    Returns: (classes, classes) int64.
    Raises ShapeError unless both have one and the same length, DTypeError when they are no integers, and
    ArgumentError for a class out of range.

    >>> confusion_matrix([0, 0, 1], [0, 1, 1], classes=2)
    array([[1, 1],
           [0, 1]])
    """
    if classes < 1:
        raise ArgumentError(f"confusion_matrix: classes is {classes}; expected 1 or more.")
    rows, columns = _labels("true", true, classes), _labels("predicted", predicted, classes)
    if rows.shape != columns.shape:
        raise ShapeError(
            f"confusion_matrix needs one prediction per sample; got {rows.size} true and {columns.size} "
            "predicted."
        )
    counts = np.bincount(rows * classes + columns, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def classification_scores(matrix: npt.ArrayLike) -> ClassificationScores:
    """Compute accuracy, precision and recall from a confusion matrix.

    matrix: (classes, classes) int, as `confusion_matrix` returns it.
    Raises ShapeError or ArgumentError when it is no confusion matrix.
    Source: Murphy, Probabilistic Machine Learning: An Introduction (2022), 5.1.3 and 5.1.4.

    >>> scores = classification_scores([[3, 1], [0, 4]])
    >>> scores.accuracy, scores.precision, scores.recall
    (0.875, array([1. , 0.8]), array([0.75, 1. ]))
    """
    counts = require_confusion_matrix(matrix)
    right = np.diagonal(counts)
    with np.errstate(invalid="ignore"):  # 0 / 0 is nan on purpose
        return ClassificationScores(
            accuracy=float(right.sum() / counts.sum()),
            precision=right / counts.sum(axis=0),
            recall=right / counts.sum(axis=1),
            support=counts.sum(axis=1),
        )


def regression_scores(target: npt.ArrayLike, prediction: npt.ArrayLike) -> RegressionScores:
    """Compute the root mean squared error, the mean absolute error and the coefficient of determination.

    target, prediction: (samples,) or (samples, outputs), finite numbers; computed in float64. With several
        outputs the errors are means over all of them, and r2 is the mean of the outputs' own.
    Raises ShapeError when the shapes differ, ArgumentError when there are no samples, DTypeError for what are
    no real numbers, and NotFiniteError for a nan or an infinity.
    Source of r2: Draper and Smith, Applied Regression Analysis (1998), chapter 1.

    >>> regression_scores([1.0, 2.0, 3.0], [1.0, 2.0, 5.0])
    RegressionScores(rmse=1.1547005383792515, mae=0.6666666666666666, r2=-1.0)
    """
    expected, found = require_pairs(target, prediction)
    error = found - expected
    unexplained = np.sum(error**2, axis=0)
    # A constant column can have a mean that is off by rounding, and then a spread that is not quite 0.
    is_constant = np.all(expected == expected[0], axis=0)
    spread = np.where(is_constant, np.nan, np.sum((expected - expected.mean(axis=0)) ** 2, axis=0))
    return RegressionScores(
        rmse=float(np.sqrt(np.mean(error**2))),
        mae=float(np.mean(np.abs(error))),
        r2=float(np.mean(1 - unexplained / spread)),
    )


def print_report(
    console: Console, scores: ClassificationScores | RegressionScores, names: Sequence[str] | None = None
) -> None:
    """Print `scores` as a table on `console`.

    names: the classes' names, for classification; their numbers when not given.
    Raises ArgumentError unless there is one name per class.

    >>> from rich.console import Console
    >>> print_report(Console(width=40), RegressionScores(rmse=0.5, mae=0.25, r2=0.875))
    error in the target's unit
     root mean squared    0.5
     mean absolute       0.25
     R²                 0.875
    """
    if isinstance(scores, ClassificationScores):
        console.print(_classification_table(scores, names))
    elif names is not None:
        raise ArgumentError(
            "print_report: names are for classes, and these are a regression's scores. Drop them."
        )
    else:
        console.print(_regression_table(scores))


def require_confusion_matrix(matrix: npt.ArrayLike) -> Integers:
    """Return `matrix` as an array; raises ShapeError, DTypeError or ArgumentError when it holds no counts.

    >>> require_confusion_matrix([[3, 1], [0, 4]]).shape
    (2, 2)
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ShapeError(
            f"a confusion matrix has shape (classes, classes) with 1 class or more; got {counts.shape}."
        )
    if not np.issubdtype(counts.dtype, np.integer):
        raise DTypeError(f"a confusion matrix holds counts, so integers; got dtype {counts.dtype}.")
    if counts.min() < 0 or counts.sum() == 0:
        raise ArgumentError(
            f"a confusion matrix holds counts of at least one sample; got a least entry of {counts.min()} "
            f"and a sum of {counts.sum()}."
        )
    return counts.astype(np.int64)


def require_pairs(target: npt.ArrayLike, prediction: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return both in float64, or raise when they are not numbers in pairs.

    >>> require_pairs([1, 2], [1.5, 2])[1]
    array([1.5, 2. ])
    """
    expected, found = _finite("target", target), _finite("prediction", prediction)
    if expected.shape != found.shape:
        raise ShapeError(
            f"regression needs one prediction per target; got target {expected.shape} and prediction "
            f"{found.shape}. Reshape one to the shape of the other."
        )
    if expected.ndim == 0 or expected.size == 0:
        raise ArgumentError(f"regression needs at least one sample; got shape {expected.shape}.")
    return expected, found


def _labels(name: str, labels: npt.ArrayLike, classes: int) -> Integers:
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ShapeError(f"confusion_matrix: {name} has shape {array.shape}; expected (samples,).")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise DTypeError(
            f"confusion_matrix: {name} has dtype {array.dtype}; expected integers, the numbers of classes. "
            f"Take argmax of scores first."
        )
    wrong = np.flatnonzero((array < 0) | (array >= classes))
    if wrong.size:
        raise ArgumentError(
            f"confusion_matrix: {name}[{wrong[0]}] is {array[wrong[0]]}; expected a class from 0 to "
            f"{classes - 1}."
        )
    return array.astype(np.int64)


def _finite(name: str, values: npt.ArrayLike) -> Floats:
    array = np.asarray(values)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool) or np.iscomplexobj(array):
        raise DTypeError(f"regression: {name} has dtype {array.dtype}; expected real numbers.")
    floats = array.astype(np.float64)
    wrong = np.argwhere(~np.isfinite(floats))
    if len(wrong):
        place = ", ".join(map(str, wrong[0]))
        raise NotFiniteError(
            f"regression: {name}[{place}] is {floats[tuple(wrong[0])]}, and {len(wrong)} of {floats.size} "
            f"values are not finite. Look at the loss: training may have diverged."
        )
    return floats


def _classification_table(scores: ClassificationScores, names: Sequence[str] | None) -> Any:
    from rich.table import Table
    from rich.text import Text

    classes = len(scores.support)
    labels = [str(number) for number in range(classes)] if names is None else list(names)
    if len(labels) != classes:
        raise ArgumentError(
            f"print_report: got {len(labels)} names for {classes} classes; expected one each."
        )
    title = f"accuracy {scores.accuracy:.1%} of {scores.support.sum():,} samples"
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("class")
    for column in ("precision", "recall", "samples"):
        table.add_column(column, justify="right")
    rows = zip(labels, scores.precision, scores.recall, scores.support, strict=True)
    for label, precision, recall, support in rows:
        # Text, since a name in square brackets would be read as markup.
        table.add_row(Text(str(label)), _percent(precision), _percent(recall), f"{support:,}")
    return table


def _regression_table(scores: RegressionScores) -> Any:
    from rich.table import Table

    table = Table(title="error in the target's unit", title_justify="left", box=None, show_header=False)
    table.add_column("score")
    table.add_column("value", justify="right")
    table.add_row("root mean squared", f"{scores.rmse:.4g}")
    table.add_row("mean absolute", f"{scores.mae:.4g}")
    table.add_row("R²", "–" if np.isnan(scores.r2) else f"{scores.r2:.4g}")
    return table


def _percent(part: float) -> str:
    return "–" if np.isnan(part) else f"{part:.1%}"
