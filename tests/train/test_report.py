"""The scores agree with scikit-learn's, and what cannot be scored is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console
from sklearn import metrics

from glassgrad.errors import ArgumentError, DTypeError, NotFiniteError, ShapeError
from glassgrad.train.report import (
    RegressionScores,
    classification_scores,
    confusion_matrix,
    print_report,
    regression_scores,
)

random = np.random.default_rng(0)
LABELS = {
    "two classes": (random.integers(0, 2, 50), random.integers(0, 2, 50), 2),
    "seven classes": (random.integers(0, 7, 300), random.integers(0, 7, 300), 7),
    "small dtypes": (np.array([0, 200, 255], np.uint8), np.array([0, 255, 255], np.int16), 256),
    "a class never predicted": (np.array([0, 1, 2, 2]), np.array([0, 0, 2, 0]), 3),
    "a class never there": (np.array([0, 0, 2]), np.array([0, 1, 2]), 3),
    "all right": (np.array([0, 1, 2]), np.array([0, 1, 2]), 3),
}


@pytest.mark.parametrize("case", LABELS)
def test_classification_agrees_with_scikit_learn(case: str):
    true, predicted, classes = LABELS[case]
    every = list(range(classes))
    matrix = confusion_matrix(true, predicted, classes)
    assert matrix.dtype == np.int64
    assert matrix.tolist() == metrics.confusion_matrix(true, predicted, labels=every).tolist()
    scores = classification_scores(matrix)
    precision, recall, _, support = metrics.precision_recall_fscore_support(
        true, predicted, labels=every, zero_division=np.nan
    )
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(true, predicted), rel=1e-15)
    np.testing.assert_allclose(scores.precision, precision, rtol=1e-15)
    np.testing.assert_allclose(scores.recall, recall, rtol=1e-15)
    assert scores.support.tolist() == support.tolist()


def test_rows_are_true_classes():
    assert confusion_matrix([0, 0, 0, 1], [1, 1, 0, 1], classes=2).tolist() == [[1, 2], [0, 1]]
    assert confusion_matrix([0, 0], [0, 0], classes=1).tolist() == [[2]]
    assert confusion_matrix([], [], classes=2).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("true", "predicted", "classes", "error", "message"),
    [
        ([0, 1], [0], 2, ShapeError, "needs one prediction per sample; got 2 true and 1 predicted."),
        ([[0, 1]], [0, 1], 2, ShapeError, ": true has shape (1, 2); expected (samples,)."),
        (
            [0, 1],
            [0.1, 0.9],
            2,
            DTypeError,
            ": predicted has dtype float64; expected integers, the numbers of classes. Take argmax of scores "
            "first.",
        ),
        ([0, 1, 2], [0, 1, 1], 2, ArgumentError, ": true[2] is 2; expected a class from 0 to 1."),
        ([0, 1], [0, -1], 2, ArgumentError, ": predicted[1] is -1; expected a class from 0 to 1."),
        ([], [], 0, ArgumentError, ": classes is 0; expected 1 or more."),
    ],
)
def test_what_are_no_classes_is_refused(true, predicted, classes, error, message):
    with pytest.raises(error) as caught:
        confusion_matrix(true, predicted, classes)
    assert str(caught.value) == "confusion_matrix" + (message if message[0] == ":" else f" {message}")


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        (
            [[1, 2, 3], [4, 5, 6]],
            ShapeError,
            "a confusion matrix has shape (classes, classes) with 1 class or more; got (2, 3).",
        ),
        (
            np.zeros((0, 0), int),
            ShapeError,
            "a confusion matrix has shape (classes, classes) with 1 class or more; got (0, 0).",
        ),
        ([[0.5]], DTypeError, "a confusion matrix holds counts, so integers; got dtype float64."),
        (
            [[3, -1], [0, 2]],
            ArgumentError,
            "a confusion matrix holds counts of at least one sample; got a least entry of -1 and a sum of 4.",
        ),
        (
            [[0, 0], [0, 0]],
            ArgumentError,
            "a confusion matrix holds counts of at least one sample; got a least entry of 0 and a sum of 0.",
        ),
    ],
)
def test_what_is_no_confusion_matrix_is_refused(matrix, error, message):
    with pytest.raises(error) as caught:
        classification_scores(matrix)
    assert str(caught.value) == message


def noisy(shape: tuple[int, ...], dtype: type) -> tuple[np.ndarray, np.ndarray]:
    target = random.normal(150, 60, shape).astype(dtype)
    return target, target + random.normal(5, 30, shape).astype(dtype)


@pytest.mark.parametrize(
    ("target", "prediction"),
    [
        noisy((200,), np.float64),
        noisy((200,), np.float32),
        noisy((50, 1), np.float32),
        noisy((50, 3), np.float64),
        (np.array([1, 2, 3]), np.array([1, 2, 5])),
        (np.array([1e8, 1e8 + 1, 1e8 + 2]), np.array([1e8, 1e8 + 1, 1e8 + 3])),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0])),
    ],
)
def test_regression_agrees_with_scikit_learn(target: np.ndarray, prediction: np.ndarray):
    scores = regression_scores(target, prediction)
    exact_target, exact_prediction = target.astype(float), prediction.astype(float)
    mean_squared_error = metrics.mean_squared_error(exact_target, exact_prediction)
    assert scores.rmse == pytest.approx(np.sqrt(mean_squared_error), rel=1e-13)
    assert scores.mae == pytest.approx(metrics.mean_absolute_error(exact_target, exact_prediction), rel=1e-13)
    assert scores.r2 == pytest.approx(metrics.r2_score(exact_target, exact_prediction), rel=1e-13)


def test_by_hand():
    """Errors 0, 0 and 2: mean square 4/3, mean 2/3; spread of 1, 2, 3 is 2, so R² is 1 - 4/2."""
    scores = regression_scores([1.0, 2.0, 3.0], [1.0, 2.0, 5.0])
    assert scores.rmse == pytest.approx((4 / 3) ** 0.5, rel=1e-15)
    assert scores.mae == pytest.approx(2 / 3, rel=1e-15)
    assert scores.r2 == -1.0


def test_r2_of_a_constant_target_is_undefined():
    scores = regression_scores([0.1] * 10, [0.1] * 9 + [0.2])
    assert np.isnan(scores.r2)
    assert scores.mae == pytest.approx(0.01, rel=1e-13)


@pytest.mark.parametrize(
    ("target", "prediction", "error", "message"),
    [
        (
            np.zeros(3),
            np.zeros((3, 1)),
            ShapeError,
            "regression needs one prediction per target; got target (3,) and prediction (3, 1). Reshape one "
            "to the shape of the other.",
        ),
        ([], [], ArgumentError, "regression needs at least one sample; got shape (0,)."),
        (1.0, 1.0, ArgumentError, "regression needs at least one sample; got shape ()."),
        (["a"], [1.0], DTypeError, "regression: target has dtype <U1; expected real numbers."),
        ([1.0], [1j], DTypeError, "regression: prediction has dtype complex128; expected real numbers."),
        (
            [[1.0, 2.0], [3.0, 4.0]],
            [[1.0, 2.0], [np.inf, np.nan]],
            NotFiniteError,
            "regression: prediction[1, 0] is inf, and 2 of 4 values are not finite. Look at the loss: "
            "training may have diverged.",
        ),
    ],
)
def test_what_are_no_pairs_of_numbers_is_refused(target, prediction, error, message):
    with pytest.raises(error) as caught:
        regression_scores(target, prediction)
    assert str(caught.value) == message


def printed(*arguments: object) -> list[str]:
    console = Console(file=io.StringIO(), width=60, color_system=None)
    print_report(console, *arguments)  # type: ignore[arg-type]
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_the_table_of_a_classification():
    scores = classification_scores([[1000, 500, 0], [0, 250, 0], [0, 0, 0]])
    assert printed(scores, ["setosa", "[red]versicolor", "iris[/]"]) == [
        "accuracy 71.4% of 1,750 samples",
        " class            precision  recall  samples",
        " setosa              100.0%   66.7%    1,500",
        " [red]versicolor      33.3%  100.0%      250",
        " iris[/]                  –       –        0",
    ]


def test_classes_without_names_are_numbered():
    assert printed(classification_scores([[1, 0], [0, 3]]))[2:] == [
        " 0         100.0%  100.0%        1",
        " 1         100.0%  100.0%        3",
    ]


def test_the_table_of_a_regression():
    assert printed(RegressionScores(rmse=1234.5678, mae=0.00012345, r2=0.98765)) == [
        "error in the target's unit",
        " root mean squared       1235",
        " mean absolute      0.0001234",
        " R²                    0.9877",
    ]
    assert printed(RegressionScores(rmse=0.0, mae=0.0, r2=float("nan")))[-1].split() == ["R²", "–"]


def test_names_must_fit():
    with pytest.raises(
        ArgumentError, match=r"^print_report: got 1 names for 2 classes; expected one each\.$"
    ):
        printed(classification_scores([[1, 0], [0, 3]]), ["a"])
    with pytest.raises(ArgumentError) as caught:
        printed(RegressionScores(1.0, 1.0, 0.0), ["a"])
    assert str(caught.value) == (
        "print_report: names are for classes, and these are a regression's scores. Drop them."
    )
