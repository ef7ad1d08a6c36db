"""glassgrad train: one clear line and exit code 2 for what cannot work, and nothing that exists is lost."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from glassgrad.cli.app import app

PETS = "legs,weight,kind\n" + "4,20.5,dog\n2,0.1,bird\n4,4.5,cat\n" * 8


@pytest.fixture
def pets(tmp_path) -> Path:
    file = tmp_path / "pets.csv"
    file.write_text(PETS)
    return file


def error(command, *arguments: object) -> str:
    """The only line on the error output, of a command that failed and said nothing else."""
    result = command("train", *arguments, code=2)
    assert result.stdout == ""
    assert result.stderr.endswith("\n")
    assert result.stderr.count("\n") == 1
    return result.stderr[:-1]


class TestOptions:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ([], "Error: say what to train on: glassgrad train digits, or --csv FILE --target COLUMN."),
            (
                ["--target", "kind"],
                "Error: --target and --task belong to a table: add --csv FILE; got --target.",
            ),
            (
                ["mnist"],
                "Error: the only data set that comes along is digits; got 'mnist'. For a table of your own: glassgrad "
                "train --csv FILE --target COLUMN.",
            ),
            (
                ["digits", "--csv", "pets.csv", "--target", "kind"],
                "Error: digits brings its own table and target; got --csv, --target.",
            ),
            (
                ["digits", "--hidden", "12,x"],
                "Error: --hidden is '12,x'; expected whole numbers of 1 or more with commas between them, such as "
                "256,128 (or '' for no hidden layer).",
            ),
            (
                ["digits", "--hidden", "0"],
                "Error: --hidden is '0'; expected whole numbers of 1 or more with commas between them, such as "
                "256,128 (or '' for no hidden layer).",
            ),
            (
                ["digits", "--learning-rate", "0"],
                "Error: --learning-rate is 0.0; expected a number above 0, such as 0.001.",
            ),
            (
                ["digits", "--learning-rate", "nan"],
                "Error: --learning-rate is nan; expected a number above 0, such as 0.001.",
            ),
            (
                ["digits", "--dropout", "1"],
                "Error: --dropout is 1.0; expected a number from 0 up to, but not, 1.",
            ),
            (
                ["--resume", "runs/pets-1", "--seed", "3", "digits"],
                "Error: --resume goes on as the run began, and takes only --epochs and --eager; got digits, --seed.",
            ),
            (
                ["--resume", "nowhere"],
                "Error: nowhere is no run folder: there is no nowhere/config.json. Give the folder that "
                "`glassgrad train` named.",
            ),
            (
                ["--csv", "pets.csv"],
                "Error: say which column to predict: --target COLUMN. pets.csv has 'legs', 'weight', 'kind'.",
            ),
            (
                ["--csv", "pets.csv", "--target", "kinds"],
                "Error: pets.csv: there is no target column 'kinds'. Columns: 'legs', 'weight', 'kind'. Did you mean "
                "'kind'?",
            ),
            (["--csv", "cats.csv", "--target", "kind"], "Error: cats.csv: there is no such file"),
        ],
    )
    def test_message(self, command, pets, arguments, message):
        assert error(command, *arguments) == message
        assert not (pets.parent / "runs").exists()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--epochs", "many"], "--epochs"),
            (["--epochs", "0"], "--epochs"),
            (["--batch-size", "-1"], "--batch-size"),
            (["--seed", "-1"], "--seed"),
            (["--task", "guess"], "--task"),
            (["--epoch", "3"], "--epochs"),  # with the right name suggested
        ],
    )
    def test_usage(self, command, arguments, words):
        result = command("train", "digits", *arguments, code=2)
        assert words in result.stderr
        assert "glassgrad" in result.stderr or "train" in result.stderr
        assert "Traceback" not in result.stderr

    def test_text_to_predict_as_a_number(self, command, pets):
        message = error(command, "--csv", "pets.csv", "--target", "kind", "--task", "regression")
        assert message.startswith("Error: pets.csv:")
        assert "column 'kind' holds numbers, but here it has '" in message

    def test_damaged_table_is_named_with_its_line(self, command, pets):
        pets.write_text(PETS + "4,1.5\n")
        assert error(command, "--csv", "pets.csv", "--target", "kind").startswith(
            "Error: pets.csv:26: expected 3 fields, as in the header, got 2."
        )


class TestRunFolder:
    def test_that_holds_something_is_left_alone(self, command, pets, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "notes.txt").write_text("precious")
        assert error(command, "--csv", "pets.csv", "--target", "kind", "--out", "mine") == (
            "Error: mine exists and is not empty, and nothing is overwritten. If it is a run, go on with it: glassgrad "
            "train --resume mine. Otherwise choose another --out."
        )
        assert [file.name for file in (tmp_path / "mine").iterdir()] == ["notes.txt"]

    def test_that_cannot_be_made(self, command, pets, tmp_path):
        (tmp_path / "runs").write_text("a file where the folder should be")
        assert error(command, "--csv", "pets.csv", "--target", "kind") == (
            "Error: could not make the run folder runs: File exists. Choose another one with --out."
        )
        assert error(command, "--csv", "pets.csv", "--target", "kind", "--out", "pets.csv/run") == (
            "Error: could not make the run folder pets.csv/run: Not a directory. Choose another one with --out."
        )
        assert pets.read_text() == PETS

    def test_on_a_full_disk(self, command, pets, tmp_path, monkeypatch):
        """The disk fills up during the second epoch: the files of the first are whole, and the run can go on."""
        calls = []
        whole = os.fsync

        def fsync(descriptor: int) -> None:
            calls.append(descriptor)
            if (tmp_path / "runs" / "pets-1" / "last.safetensors").exists() and len(calls) > 10:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            whole(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)
        result = command("train", "--csv", "pets.csv", "--target", "kind", "--epochs", 30, code=2)
        assert result.stderr.startswith("Error: could not write the checkpoint runs/pets-1/")
        assert result.stderr.endswith("Free some space on this disk, or write to a folder on another one.\n")
        assert result.stderr.count("\n") == 1
        assert not list((tmp_path / "runs" / "pets-1").glob(".glassgrad-*"))
        monkeypatch.setattr(os, "fsync", whole)
        assert "epoch 30/30" in command("train", "--resume", "runs/pets-1").stdout


class TestResume:
    def test_is_as_if_it_had_not_been_interrupted(self, command, pets, tmp_path):
        options = ["--csv", "pets.csv", "--target", "kind", "--hidden", "8"]
        command("train", *options, "--epochs", 6, "--out", "straight")
        command("train", *options, "--epochs", 2, "--out", "parts")
        output = command("train", "--resume", "parts", "--epochs", 6).stdout
        assert "epoch 2/6" not in output
        assert "epoch 3/6" in output
        straight, parts = (
            (tmp_path / name / "model.safetensors").read_bytes() for name in ("straight", "parts")
        )
        assert straight == parts
        assert json.loads((tmp_path / "parts" / "config.json").read_text())["training"]["epochs"] == 6
        assert len((tmp_path / "parts" / "history.csv").read_text().splitlines()) == 7

    def test_of_a_finished_run_says_how_to_train_longer(self, command, pets):
        command("train", "--csv", "pets.csv", "--target", "kind", "--epochs", 2)
        assert error(command, "--resume", "runs/pets-1") == (
            "Error: the run in runs/pets-1 has had its 2 epochs. To train it longer: glassgrad train --resume "
            "runs/pets-1 --epochs 4"
        )

    def test_before_the_first_checkpoint_begins_anew(self, command, pets, tmp_path):
        command("train", "--csv", "pets.csv", "--target", "kind", "--epochs", 2)
        run = tmp_path / "runs" / "pets-1"
        model = (run / "model.safetensors").read_bytes()
        for file in run.iterdir():
            if file.name != "config.json":
                file.unlink()
        command("train", "--resume", "runs/pets-1")
        assert (run / "model.safetensors").read_bytes() == model

    def test_with_a_changed_table(self, command, pets):
        command("train", "--csv", "pets.csv", "--target", "kind", "--epochs", 2)
        pets.write_text(PETS + "4,9.5,cat\n")
        assert error(command, "--resume", "runs/pets-1", "--epochs", 9) == (
            f"Error: {pets} has changed since the run in runs/pets-1 began, so it cannot go on as it began. Bring the "
            f"old file back, or start a new run with: glassgrad train --csv {pets} --target kind"
        )

    def test_without_its_table(self, command, pets):
        command("train", "--csv", "pets.csv", "--target", "kind", "--epochs", 2)
        pets.unlink()
        assert error(command, "--resume", "runs/pets-1", "--epochs", 9) == (
            f"Error: {pets}: cannot be read: No such file or directory"
        )

    def test_works_from_another_folder(self, command, pets, tmp_path):
        command("train", "--csv", "pets.csv", "--target", "kind", "--epochs", 2)
        (tmp_path / "elsewhere").mkdir()
        command("train", "--resume", tmp_path / "runs" / "pets-1", "--epochs", 3)


class TestBugs:
    def test_one_line_and_code_1(self, command, pets, monkeypatch):
        monkeypatch.setattr("glassgrad.cli.start.prepare_csv", lambda *arguments: 1 / 0)
        result = command("train", "--csv", "pets.csv", "--target", "kind", code=1)
        assert result.stderr == (
            "Error: ZeroDivisionError: division by zero. This is a bug in glassgrad: run the command again with "
            "--debug and report what it shows.\n"
        )

    @pytest.mark.parametrize(
        ("arguments", "kind"),
        [(["--csv", "x.csv", "--target", "y"], "DataError"), (["mnist"], "ArgumentError")],
    )
    def test_debug_keeps_the_traceback(self, arguments, kind):
        result = CliRunner().invoke(app, ["train", *arguments, "--debug"])
        assert type(result.exception).__name__ == kind
        assert result.exit_code == 1

    def test_too_little_memory_is_no_bug(self, command, pets, monkeypatch):
        def full(*arguments):
            raise MemoryError("Unable to allocate 7.45 TiB")

        monkeypatch.setattr("glassgrad.cli.start.prepare_csv", full)
        assert error(command, "--csv", "pets.csv", "--target", "kind") == (
            "Error: there is not enough memory: Unable to allocate 7.45 TiB. Choose a smaller network or smaller batches."
        )
