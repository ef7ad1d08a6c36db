"""What a finished run says and leaves behind: its score on rows never seen, pictures, and what to try next."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console

from ..data import TableSchema
from ..train.history import History
from ..train.plots import plot_confusion, plot_curves, plot_regression
from ..train.report import classification_scores, confusion_matrix, print_report, regression_scores
from .run_folder import CONTENTS

Array = npt.NDArray[Any]
MISTAKES_SHOWN = 3


class ClassificationTest:
    """How well a model classifies the test rows.

    outputs: (rows, classes) logits. targets: (rows,) int, the classes.
    """

    def __init__(self, outputs: Array, targets: Array, class_names: tuple[str, ...]) -> None:
        self.class_names = class_names
        self.matrix = confusion_matrix(targets, outputs.argmax(axis=1), len(class_names))
        self.scores = classification_scores(self.matrix)

    def summary(self) -> dict[str, str]:
        """The score in one number, for the model's file."""
        return {"test_accuracy": repr(self.scores.accuracy)}

    def draw(self, folder: Path) -> None:
        """Write confusion.png."""
        plot_confusion(self.matrix, self.class_names, folder / "confusion.png")

    def print(self, console: Console) -> None:
        """Print the scores by class, and which classes were most often mistaken."""
        print_report(console, self.scores, self.class_names)
        mistakes = worst_mistakes(self.matrix, self.class_names)
        if mistakes:
            print_plainly(console, f"\nmost frequent mistakes: {', '.join(mistakes)}")


class RegressionTest:
    """How well a model predicts the numbers of the test rows, in the target's own unit.

    outputs, targets: (rows, 1), standardised.
    """

    def __init__(self, outputs: Array, targets: Array, schema: TableSchema) -> None:
        self.true, self.predicted = schema.decode(targets), schema.decode(outputs)
        self.scores = regression_scores(self.true, self.predicted)

    def summary(self) -> dict[str, str]:
        """The score in one number, for the model's file."""
        return {"test_rmse": repr(self.scores.rmse)}

    def draw(self, folder: Path) -> None:
        """Write predictions.png."""
        plot_regression(self.true, self.predicted, folder / "predictions.png")

    def print(self, console: Console) -> None:
        """Print the errors."""
        print_report(console, self.scores)


def worst_mistakes(matrix: Array, names: tuple[str, ...]) -> list[str]:
    """The confusions that happened most often, in words; none if there was none.

    >>> worst_mistakes(np.array([[5, 2], [0, 4]]), ("cat", "dog"))
    ['cat taken for dog (2 of 7)']
    """
    mistakes = matrix - np.diag(np.diagonal(matrix))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:MISTAKES_SHOWN]
    places = zip(*np.unravel_index(order, matrix.shape), strict=True)
    return [
        f"{names[true]} taken for {names[taken]} ({mistakes[true, taken]} of {matrix[true].sum()})"
        for true, taken in places
        if mistakes[true, taken]
    ]


def draw_pictures(folder: Path, history: History, test: ClassificationTest | RegressionTest) -> str:
    """Write the run's pictures; returns a note for the user when matplotlib is missing, else an empty string."""
    if find_spec("matplotlib") is None:
        return "there are no pictures, because matplotlib is not installed: pip install 'glassgrad[plot]'"
    plot_curves(history, folder / "curves.png")
    test.draw(folder)
    return ""


def print_contents(console: Console, folder: Path) -> None:
    """List the files in the run's folder that people look at."""
    print_plainly(console, f"\n{folder} holds")
    for name, meaning in CONTENTS.items():
        if (folder / name).exists():
            print_plainly(console, f"  {name.ljust(max(map(len, CONTENTS)))}  {meaning}")


def print_plainly(console: Console, text: str) -> None:
    """Print `text` as it is: a name in square brackets is no markup, and a path is not broken."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
