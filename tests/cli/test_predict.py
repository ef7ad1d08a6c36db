"""glassgrad predict: its numbers are those of the saved network, worked out with NumPy."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from sklearn.metrics import accuracy_score, root_mean_squared_error


def outputs(run: Path, table: Path) -> np.ndarray:
    """The run's network on the rows of a table of numbers, written out with NumPy."""
    schema = json.loads((run / "config.json").read_text())["schema"]
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    x = np.array([[float(row[column["name"]]) for column in schema["columns"]] for row in rows])
    means = [column["mean"] for column in schema["columns"]]
    deviations = [column["deviation"] for column in schema["columns"]]
    x = (x - means) / deviations
    parameters = load_file(run / "model.safetensors")
    layers = sorted({int(name.split(".")[0]) for name in parameters})
    for layer in layers:
        x = x @ parameters[f"{layer}.weight"].T + parameters[f"{layer}.bias"]
        if layer != layers[-1]:
            x = np.maximum(x, 0)
    return x


def parse(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


class TestClassification:
    def test_prints_classes_and_probabilities(self, shared, iris_run, workplace):
        result = shared("predict", iris_run, "--csv", "iris.csv")
        rows = parse(result.stdout)
        logits = outputs(iris_run, workplace / "iris.csv")
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        names = ["setosa", "versicolor", "virginica"]
        assert list(rows[0]) == ["line", "predicted species", *(f"probability of {name}" for name in names)]
        assert [int(row["line"]) for row in rows] == list(range(2, 152))
        assert [row["predicted species"] for row in rows] == [names[place] for place in logits.argmax(axis=1)]
        found = np.array([[float(row[f"probability of {name}"]) for name in names] for row in rows])
        assert found == pytest.approx(probabilities, abs=2e-6)

    def test_says_how_good_they_are_when_the_table_knows(self, shared, iris_run, workplace):
        result = shared("predict", iris_run, "--csv", "iris.csv")
        with (workplace / "iris.csv").open(newline="") as file:
            true = [row["species"] for row in csv.DictReader(file)]
        accuracy = accuracy_score(true, [row["predicted species"] for row in parse(result.stdout)])
        assert "compared with the column 'species':" in result.stderr
        assert f"accuracy {accuracy:.1%} of 150 samples" in result.stderr

    def test_needs_no_target_and_passes_over_other_columns(self, shared, iris_run, workplace):
        with (workplace / "iris.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))[::40]
        kept = ["petal width", "sepal width", "colour", "petal length", "sepal length"]
        with (workplace / "new.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, kept, extrasaction="ignore")
            writer.writeheader()
            writer.writerows([row | {"colour": "blue"} for row in rows])
        result = shared("predict", iris_run, "--csv", "new.csv")
        everything = parse(shared("predict", iris_run, "--csv", "iris.csv").stdout)[::40]
        assert [row["predicted species"] for row in parse(result.stdout)] == [
            row["predicted species"] for row in everything
        ]
        assert result.stderr == ""

    def test_classes_never_seen_are_not_compared(self, shared, iris_run, workplace):
        (workplace / "odd.csv").write_text(
            "sepal length,sepal width,petal length,petal width,species\n5.1,3.5,1.4,0.2,orchid\n"
        )
        result = shared("predict", iris_run, "--csv", "odd.csv")
        assert parse(result.stdout)[0]["predicted species"] == "setosa"
        assert result.stderr == (
            "not compared with the column 'species': odd.csv:2: column 'species' has 'orchid', which no training row "
            "had. Known values: 'setosa', 'versicolor', 'virginica'. Correct the cell, or train with rows that have "
            "it\n"
        )

    def test_writes_the_same_into_a_file(self, shared, iris_run, workplace):
        result = shared("predict", iris_run, "--csv", "iris.csv", "--out", "predictions.csv")
        assert result.stdout == ""
        assert result.stderr.startswith("150 predictions written to predictions.csv\n")
        with (workplace / "predictions.csv").open(newline="") as file:
            assert list(csv.DictReader(file)) == parse(
                shared("predict", iris_run, "--csv", "iris.csv").stdout
            )


class TestRegression:
    def test_predicts_in_the_targets_unit(self, shared, diabetes_run, workplace):
        result = shared("predict", diabetes_run, "--csv", "diabetes.csv")
        rows = parse(result.stdout)
        target = json.loads((diabetes_run / "config.json").read_text())["schema"]["target"]
        expected = (
            outputs(diabetes_run, workplace / "diabetes.csv")[:, 0] * target["deviation"] + target["mean"]
        )
        assert list(rows[0]) == ["line", "predicted progression"]
        predicted = [float(row["predicted progression"]) for row in rows]
        assert predicted == pytest.approx(expected, rel=1e-4)
        with (workplace / "diabetes.csv").open(newline="") as file:
            true = [float(row["progression"]) for row in csv.DictReader(file)]
        error = root_mean_squared_error(true, predicted)
        assert f"root mean squared {error:.4g}" in " ".join(result.stderr.split())


class TestMistakes:
    def error(self, shared, *arguments) -> str:
        result = shared("predict", *arguments, code=2)
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        return result.stderr

    def test_no_run_folder(self, shared):
        assert self.error(shared, "nowhere", "--csv", "iris.csv") == (
            "Error: nowhere is no run folder: there is no nowhere/config.json. Give the folder that `glassgrad train` "
            "named.\n"
        )

    def test_run_on_the_digits(self, shared, digits_run):
        assert self.error(shared, "digits", "--csv", "iris.csv") == (
            "Error: digits was trained on the digits; predict needs a run on a table, from glassgrad train --csv "
            "FILE.\n"
        )

    def test_no_table(self, shared, iris_run):
        assert self.error(shared, "runs/iris-1", "--csv", "nothing.csv") == (
            "Error: nothing.csv: there is no such file\n"
        )

    def test_table_without_the_columns(self, shared, iris_run):
        assert self.error(shared, "runs/iris-1", "--csv", "diabetes.csv").startswith(
            "Error: diabetes.csv: the model was trained with columns that this table lacks: 'sepal length', "
        )

    def test_text_in_a_column_of_numbers(self, shared, iris_run, workplace):
        (workplace / "text.csv").write_text(
            "sepal length,sepal width,petal length,petal width\n1,2,3,4\n1,2,big,4\n"
        )
        assert self.error(shared, "runs/iris-1", "--csv", "text.csv").startswith(
            "Error: text.csv:3: column 'petal length' holds numbers, but here it has 'big'."
        )

    def test_out_is_the_table_itself(self, shared, iris_run, workplace):
        before = (workplace / "iris.csv").read_bytes()
        assert self.error(shared, "runs/iris-1", "--csv", "iris.csv", "--out", workplace / "iris.csv") == (
            f"Error: --out is {workplace / 'iris.csv'}, the table itself, which would be lost. Give another file.\n"
        )
        assert (workplace / "iris.csv").read_bytes() == before

    def test_out_in_a_folder_that_is_not_there(self, shared, iris_run):
        assert self.error(shared, "runs/iris-1", "--csv", "iris.csv", "--out", "no/folder.csv").endswith(
            "No such file or directory (ENOENT). No file was left behind. Create the folder first, or correct the "
            "path.\n"
        )

    def test_run_that_has_not_ended(self, shared, iris_run, workplace):
        unfinished = workplace / "unfinished"
        unfinished.mkdir()
        (unfinished / "config.json").write_bytes((iris_run / "config.json").read_bytes())
        assert self.error(shared, "unfinished", "--csv", "iris.csv") == (
            "Error: unfinished has no model.safetensors: its training has not come to an end. Go on with it: glassgrad "
            "train --resume unfinished\n"
        )

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda text: text[:100], "it is not JSON: "),
            (lambda text: text.replace('"version": 1', '"version": 9'), 'it has no "version": 1'),
            (lambda text: text.replace('"hidden"', '"hiden"'), "'network' must have 'inputs', 'hidden', "),
            (lambda text: text.replace('"inputs": 4', '"inputs": "4"'), "network.inputs is '4'"),
            (lambda text: text.replace('"inputs": 4', '"inputs": true'), "network.inputs is True"),
            (
                lambda text: text.replace('"deviation"', '"spread"'),
                "this is not the description of a table column: ",
            ),
        ],
    )
    def test_damaged_config(self, shared, iris_run, workplace, change, reason):
        damaged = workplace / "damaged"
        damaged.mkdir(exist_ok=True)
        (damaged / "model.safetensors").write_bytes((iris_run / "model.safetensors").read_bytes())
        (damaged / "config.json").write_text(change((iris_run / "config.json").read_text()))
        message = self.error(shared, "damaged", "--csv", "iris.csv")
        assert message.startswith(f"Error: damaged/config.json cannot be used: {reason}")
        assert message.endswith("Use a copy, or train again.\n")

    def test_config_of_another_network(self, shared, iris_run, workplace):
        other = workplace / "other"
        other.mkdir()
        (other / "model.safetensors").write_bytes((iris_run / "model.safetensors").read_bytes())
        text = (iris_run / "config.json").read_text()
        (other / "config.json").write_text(text.replace('"inputs": 4', '"inputs": 5'))
        assert self.error(shared, "other", "--csv", "iris.csv").startswith(
            "Error: other/model.safetensors does not fit config.json beside it: "
        )


def test_a_reader_that_stops_is_no_error(iris_run, workplace):
    """As in `glassgrad predict ... | head -1`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "glassgrad", "predict", str(iris_run), "--csv", "iris.csv"]
    with subprocess.Popen(
        command, cwd=workplace, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        errors = process.stderr.read()
    assert "Traceback" not in errors
    assert "Error" not in errors
