"""Tables of real data as CSV files, runs trained on them, and a way to run the command."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from sklearn.datasets import load_diabetes, load_iris
from typer.testing import CliRunner

from glassgrad.cli.app import app


class Command:
    """Runs `glassgrad` in this process, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: object, code: int = 0):
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        finally:
            os.chdir(before)
        assert result.exit_code == code, result.output
        return result


def write_table(path: Path, names: list[str], rows: list[list[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path


@pytest.fixture(scope="session")
def workplace(tmp_path_factory) -> Path:
    """A folder with iris.csv (150 flowers, 3 species) and diabetes.csv (442 patients, a number to predict)."""
    folder = tmp_path_factory.mktemp("work")
    iris = load_iris()
    names = ["sepal length", "sepal width", "petal length", "petal width", "species"]
    rows = [[*map(float, x), iris.target_names[y]] for x, y in zip(iris.data, iris.target, strict=True)]
    write_table(folder / "iris.csv", names, rows)
    diabetes = load_diabetes(scaled=False)
    rows = [[*map(float, x), float(y)] for x, y in zip(diabetes.data, diabetes.target, strict=True)]
    write_table(folder / "diabetes.csv", [*diabetes.feature_names, "progression"], rows)
    return folder


@pytest.fixture(scope="session")
def shared(workplace) -> Command:
    """The command, in the folder that all tests share."""
    return Command(workplace)


@pytest.fixture
def command(tmp_path) -> Command:
    """The command, in an empty folder."""
    return Command(tmp_path)


@pytest.fixture(scope="session")
def iris_run(shared, workplace) -> Path:
    """A run on iris.csv; its output is in output.txt."""
    result = shared(
        "train", "--csv", "iris.csv", "--target", "species", "--epochs", 40, "--hidden", "16", "--seed", 3
    )
    (workplace / "iris-output.txt").write_text(result.stdout)
    return workplace / "runs" / "iris-1"


@pytest.fixture(scope="session")
def diabetes_run(shared, workplace) -> Path:
    """A run on diabetes.csv."""
    arguments = [
        "--target",
        "progression",
        "--epochs",
        20,
        "--hidden",
        "16",
        "--dropout",
        0,
        "--batch-size",
        64,
    ]
    result = shared("train", "--csv", "diabetes.csv", *arguments)
    (workplace / "diabetes-output.txt").write_text(result.stdout)
    return workplace / "runs" / "diabetes-1"


@pytest.fixture(scope="session")
def digits_run(shared, workplace) -> Path:
    """A run on the digits."""
    result = shared("train", "digits", "--epochs", 12, "--out", "digits", "--batch-size", 64)
    (workplace / "digits-output.txt").write_text(result.stdout)
    return workplace / "digits"
