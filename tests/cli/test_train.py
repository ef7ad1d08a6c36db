"""glassgrad train: what it leaves in the run folder is right, judged by NumPy and scikit-learn."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, r2_score, recall_score, root_mean_squared_error

import glassgrad as gg
from glassgrad.data import TableSchema, digits
from glassgrad.train.programs import Programs

FILES = {
    "best.safetensors",
    "config.json",
    "curves.png",
    "history.csv",
    "last.safetensors",
    "model.safetensors",
}


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def forward(run: Path, x: np.ndarray) -> np.ndarray:
    """The run's network, written out with NumPy from its file of parameters."""
    parameters = load_file(run / "model.safetensors")
    layers = sorted({int(name.split(".")[0]) for name in parameters})
    for layer in layers:
        x = x @ parameters[f"{layer}.weight"].T + parameters[f"{layer}.bias"]
        if layer != layers[-1]:
            x = np.maximum(x, 0)
    return x


def metadata(run: Path) -> dict[str, str]:
    content = (run / "model.safetensors").read_bytes()
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size])["__metadata__"]


def best_epoch(run: Path) -> int:
    losses = [float(record["validation_loss"]) for record in read_table(run / "history.csv")]
    return 1 + losses.index(min(losses))


class TestDigits:
    def test_has_all_files(self, digits_run):
        assert {file.name for file in digits_run.iterdir()} == FILES | {"confusion.png"}
        for name in ("curves.png", "confusion.png"):
            with Image.open(digits_run / name) as picture:
                assert min(picture.size) > 300

    def test_score_is_that_of_the_saved_model_on_images_it_has_not_seen(self, digits_run, workplace):
        _, test = digits(seed=0)
        images, labels = test.arrays
        predicted = forward(digits_run, images).argmax(axis=1)
        accuracy = accuracy_score(labels, predicted)
        assert accuracy > 0.93
        assert float(metadata(digits_run)["test_accuracy"]) == accuracy
        lines = (workplace / "digits-output.txt").read_text().splitlines()
        title = f"accuracy {accuracy:.1%} of 359 samples"
        start = next(number for number, line in enumerate(lines) if line.strip() == title)
        recalls = [f"{recall:.1%}" for recall in recall_score(labels, predicted, average=None)]
        assert [line.split()[2] for line in lines[start + 2 : start + 12]] == recalls

    def test_no_test_image_was_learnt_from(self):
        train, test = digits(seed=0)
        known = {image.tobytes() for image in train.arrays[0]}
        images, _ = load_digits(return_X_y=True)
        distinct = len({image.tobytes() for image in (images / 16).astype(np.float32)})
        assert distinct == len(images)
        assert not any(image.tobytes() in known for image in test.arrays[0])

    def test_model_is_that_of_the_best_epoch(self, digits_run):
        assert int(metadata(digits_run)["best_epoch"]) == best_epoch(digits_run)

    def test_says_what_to_try_next(self, digits_run, workplace):
        output = (workplace / "digits-output.txt").read_text()
        assert "task     classification: which of 10 digits an image of 8×8 pixels shows\n" in output
        assert "rows     1,294 to learn from, 144 to choose the best epoch by, 359 for testing\n" in output
        assert "  glassgrad train --resume digits --epochs 24\n" in output

    def test_again_gives_the_same_bits(self, digits_run, shared, workplace):
        shared("train", "digits", "--epochs", 12, "--out", "again", "--batch-size", 64)
        for name in ("model.safetensors", "config.json"):
            first, second = (
                (workplace / folder / name).read_bytes().replace(b"--out again", b"--out digits")
                for folder in ("digits", "again")
            )
            if name == "config.json":
                first, second = ({**json.loads(text), "made_with": None} for text in (first, second))
            assert first == second

    def test_config_says_how_to_build_it_again(self, digits_run):
        config = json.loads((digits_run / "config.json").read_text())
        assert config["data"] == {
            "source": "digits",
            "task": "classification",
            "rows": 1797,
            "path": None,
            "sha256": None,
            "target": None,
        }
        assert (config["network"]["inputs"], config["network"]["outputs"]) == (64, 10)
        assert config["training"]["epochs"] == 12
        assert config["made_with"]["glassgrad"] == gg.__version__


class TestClassification:
    def test_has_all_files(self, iris_run):
        assert {file.name for file in iris_run.iterdir()} == FILES | {"confusion.png"}

    def test_score_is_that_of_the_saved_model(self, iris_run, workplace):
        _, test, _ = gg.data.csv(workplace / "iris.csv", "species", seed=3)
        features, labels = test.arrays
        accuracy = accuracy_score(labels, forward(iris_run, features).argmax(axis=1))
        assert (
            accuracy > 0.7
        )  # a third of the rows would be right by chance; these few epochs are there for their files
        assert float(metadata(iris_run)["test_accuracy"]) == accuracy
        output = (workplace / "iris-output.txt").read_text()
        assert f"accuracy {accuracy:.1%} of 30 samples" in output
        assert "task     classification: 'species', one of 3 classes, from 4 columns (4 inputs)\n" in output
        assert "rows     108 to learn from, 12 to choose the best epoch by, 30 for testing\n" in output

    def test_config_holds_the_schema(self, iris_run):
        schema = TableSchema.from_json(json.loads((iris_run / "config.json").read_text())["schema"])
        assert schema.class_names == ("setosa", "versicolor", "virginica")
        assert schema.feature_names == ("sepal length", "sepal width", "petal length", "petal width")

    def test_a_task_can_be_chosen(self, command, tmp_path):
        (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{n % 7},{n % 3}\n" for n in range(60)))
        output = command("train", "--csv", "t.csv", "--target", "y", "--epochs", 1, "--hidden", "4").stdout
        assert "task     classification: 'y', one of 3 classes, from 1 columns (1 inputs)\n" in output
        assert "taken for class labels" in output
        output = command(
            "train", "--csv", "t.csv", "--target", "y", "--epochs", 1, "--hidden", "", "--task", "regression"
        ).stdout
        assert "task     regression: the number 'y', from 1 columns (1 inputs)\n" in output
        assert (tmp_path / "runs" / "t-2" / "predictions.png").exists()


class TestRegression:
    def test_has_all_files(self, diabetes_run):
        assert {file.name for file in diabetes_run.iterdir()} == FILES | {"predictions.png"}

    def test_score_is_that_of_the_saved_model_in_the_targets_unit(self, diabetes_run, workplace):
        _, test, schema = gg.data.csv(workplace / "diabetes.csv", "progression", seed=0)
        features, targets = test.arrays
        mean, deviation = schema.target.mean, schema.target.deviation
        true, predicted = targets * deviation + mean, forward(diabetes_run, features) * deviation + mean
        error = root_mean_squared_error(true, predicted)
        assert error < 75  # the deviation of the target is 77
        assert float(metadata(diabetes_run)["test_rmse"]) == pytest.approx(error, rel=1e-5)
        words = " ".join((workplace / "diabetes-output.txt").read_text().split())
        assert f"root mean squared {error:.4g} mean absolute " in words
        assert f" R² {r2_score(true, predicted):.4g} " in words


class TestRunFolder:
    def test_names_are_counted(self, command, tmp_path):
        (tmp_path / "my pets.csv").write_text("legs,kind\n" + "4,dog\n2,bird\n" * 8)
        for _ in range(2):
            command("train", "--csv", "my pets.csv", "--target", "kind", "--epochs", 1)
        assert sorted(folder.name for folder in (tmp_path / "runs").iterdir()) == ["my-pets-1", "my-pets-2"]

    def test_an_empty_folder_may_be_there(self, command, tmp_path):
        (tmp_path / "pets.csv").write_text("legs,kind\n" + "4,dog\n2,bird\n" * 8)
        (tmp_path / "mine").mkdir()
        command("train", "--csv", "pets.csv", "--target", "kind", "--epochs", 1, "--out", "mine")
        assert (tmp_path / "mine" / "model.safetensors").exists()

    def test_tiny_table_is_trained_without_validation(self, command, tmp_path):
        (tmp_path / "pets.csv").write_text("legs,kind\n4,dog\n2,bird\n4,dog\n")
        output = command("train", "--csv", "pets.csv", "--target", "kind", "--epochs", 3).stdout
        assert "rows     2 to learn from, 1 for testing\n" in output
        assert "note     there are too few rows to set any aside for validation" in output

    def test_without_matplotlib_there_is_a_note_and_no_pictures(self, command, tmp_path, monkeypatch):
        monkeypatch.setattr("glassgrad.cli.report.find_spec", lambda name: None)
        (tmp_path / "pets.csv").write_text("legs,kind\n" + "4,dog\n2,bird\n" * 8)
        output = command("train", "--csv", "pets.csv", "--target", "kind", "--epochs", 1).stdout
        assert (
            "there are no pictures, because matplotlib is not installed: pip install 'glassgrad[plot]'\n"
            in output
        )
        assert {file.name for file in (tmp_path / "runs" / "pets-1").iterdir()} == FILES - {"curves.png"}


class TestEager:
    OPTIONS = (
        "train",
        "--csv",
        "t.csv",
        "--target",
        "y",
        "--epochs",
        60,
        "--hidden",
        "8",
        "--batch-size",
        24,
    )

    def test_is_kept_and_gives_the_same_to_rounding(self, command, tmp_path, monkeypatch):
        programs_run = []
        run = Programs._run_compiled
        monkeypatch.setattr(
            Programs, "_run_compiled", lambda self, batch: (programs_run.append(1), run(self, batch))[1]
        )
        (tmp_path / "t.csv").write_text(
            "x,y\n" + "".join(f"{n / 7},{(n / 7) ** 2 + n % 3}\n" for n in range(200))
        )
        command(*self.OPTIONS, "--out", "compiled")
        assert len(programs_run) > 100
        programs_run.clear()
        command(*self.OPTIONS, "--out", "eager", "--eager")
        command("train", "--resume", "eager", "--epochs", 62)
        command("predict", "eager", "--csv", "t.csv", "--eager")
        assert programs_run == []
        configs = [json.loads((tmp_path / run / "config.json").read_text()) for run in ("compiled", "eager")]
        assert [config["training"]["eager"] for config in configs] == [False, True]
        losses = [
            [float(record["loss"]) for record in read_table(tmp_path / run / "history.csv")[:60]]
            for run in ("compiled", "eager")
        ]
        np.testing.assert_allclose(*losses, rtol=1e-4)

    def test_a_run_can_go_on_without_compiling(self, command, tmp_path):
        (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{n},{n % 7}\n" for n in range(60)))
        command("train", "--csv", "t.csv", "--target", "y", "--epochs", 1, "--out", "run")
        config = json.loads((tmp_path / "run" / "config.json").read_text())
        del config["training"]["eager"]  # as earlier versions wrote it
        (tmp_path / "run" / "config.json").write_text(json.dumps(config))
        command("train", "--resume", "run", "--epochs", 2, "--eager")
        config = json.loads((tmp_path / "run" / "config.json").read_text())
        assert (config["training"]["eager"], config["training"]["epochs"]) == (True, 2)
