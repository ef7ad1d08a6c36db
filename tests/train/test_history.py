"""The history: columns over epochs, the best epoch, and files that give it back exactly."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from glassgrad.errors import ArgumentError, CheckpointError, DataError
from glassgrad.train.history import History


@pytest.fixture
def history() -> History:
    return History(
        [
            {"epoch": 1, "loss": 0.9, "validation_loss": 1.0, "accuracy": 0.5},
            {"epoch": 2, "loss": 0.4, "accuracy": 0.75, "learning_rate": 0.1},
            {"epoch": 3, "loss": 0.5, "validation_loss": 0.7, "accuracy": 0.75},
        ]
    )


def test_columns_are_lists_with_nan_where_an_epoch_lacks_them(history: History):
    assert history["loss"] == [0.9, 0.4, 0.5]
    assert history["epoch"] == [1.0, 2.0, 3.0]
    validation_loss = history["validation_loss"]
    assert (validation_loss[0], validation_loss[2]) == (1.0, 0.7)
    assert math.isnan(validation_loss[1])
    assert type(history["epoch"][0]) is float


def test_it_counts_epochs_and_names_columns_in_the_order_of_their_coming(history: History):
    assert len(history) == 3
    assert history.keys() == ["epoch", "loss", "validation_loss", "accuracy", "learning_rate"]
    assert list(history) == history.keys()
    assert "learning_rate" in history
    assert "seconds" not in history
    assert dict(history)["loss"] == [0.9, 0.4, 0.5]


def test_numbers_of_any_kind_are_taken():
    history = History()
    history.append({"python": 2, "numpy": np.float32(0.5), "array": np.array(3)})
    assert history.records == [{"python": 2.0, "numpy": 0.5, "array": 3.0}]
    assert {type(value) for value in history.records[0].values()} == {float}


def test_records_are_copies(history: History):
    record = {"loss": 0.1}
    history.append(record)
    record["loss"] = 7.0
    history.records[0]["loss"] = 7.0
    history["loss"][1] = 7.0
    history.best("loss", "min")["loss"] = 7.0
    assert history["loss"] == [0.9, 0.4, 0.5, 0.1]


@pytest.mark.parametrize("read", [lambda h: h["los"], lambda h: h.best("los", "min")])
def test_an_unknown_column_names_the_known_ones(history: History, read):
    with pytest.raises(ArgumentError) as caught:
        read(history)
    assert str(caught.value) == (
        "the history has no 'los'; it has 'epoch', 'loss', 'validation_loss', 'accuracy', 'learning_rate'."
    )
    with pytest.raises(ArgumentError, match=r"^the history has no 'loss'; it has no columns yet\.$"):
        History()["loss"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({}, "an epoch's record is empty; expected numbers by name, such as {'loss': 0.5}."),
        ({"loss": "0.5"}, "an epoch's record has 'loss' = '0.5', a str; expected a number."),
        ({"loss": None}, "an epoch's record has 'loss' = None, a NoneType; expected a number."),
        ({"loss": [1, 2]}, "an epoch's record has 'loss' = [1, 2], a list; expected a number."),
        ({"loss": 1j}, "an epoch's record has 'loss' = 1j, a complex; expected a number."),
        ({3: 0.5}, "an epoch's record has the name 3; expected a str that is not empty."),
        ({"": 0.5}, "an epoch's record has the name ''; expected a str that is not empty."),
    ],
)
def test_what_is_no_record_is_refused_and_leaves_the_history(history: History, record: dict, message: str):
    with pytest.raises(ArgumentError) as caught:
        history.append(record)
    assert str(caught.value) == message
    assert len(history) == 3


def test_the_best_epoch_is_the_first_of_equals_and_never_nan(history: History):
    assert history.best("loss", "min") == {"epoch": 2, "loss": 0.4, "accuracy": 0.75, "learning_rate": 0.1}
    assert history.best("loss", "max")["epoch"] == 1
    assert history.best("accuracy", "max")["epoch"] == 2
    assert history.best("validation_loss", "min")["epoch"] == 3
    assert History([{"x": math.nan}, {"x": math.inf}, {"x": math.nan}]).best("x", "min") == {"x": math.inf}


def test_there_is_no_best_of_nothing(history: History):
    with pytest.raises(ArgumentError, match=r"^best: mode is 'low'; expected 'min' or 'max'\.$"):
        history.best("loss", "low")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"^best: 'x' is nan in all 2 epochs, so none is the best\.$"):
        History([{"x": math.nan}, {"x": math.nan}]).best("x", "max")


def test_repr_says_how_it_went(history: History):
    assert repr(history) == (
        "History(3 epochs: loss 0.9 → 0.5, validation_loss 1 → 0.7, accuracy 0.5 → 0.75, learning_rate 0.1)"
    )
    assert repr(History()) == "History(0 epochs)"
    assert repr(History([{"epoch": 1}])) == "History(1 epoch)"
    assert repr(History([{"loss": math.nan, "accuracy": 0.123456}])) == (
        "History(1 epoch: loss nan, accuracy 0.1235)"
    )


# --- files


def test_csv_is_what_the_csv_module_reads(history: History, tmp_path: Path):
    path = tmp_path / "history.csv"
    history.to_csv(path)
    assert path.read_bytes() == (
        b"epoch,loss,validation_loss,accuracy,learning_rate\n1,0.9,1,0.5,\n2,0.4,,0.75,0.1\n3,0.5,0.7,0.75,\n"
    )
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["loss"] for row in rows] == ["0.9", "0.4", "0.5"]
    assert rows[1]["validation_loss"] == ""
    assert list(tmp_path.iterdir()) == [path]


@given(
    records=st.lists(
        st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
            st.floats(),
            min_size=1,
            max_size=4,
        ),
        max_size=5,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_history_comes_back_from_csv_and_json(tmp_path_factory, records: list[dict[str, float]]):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    history = History(records)
    history.to_csv(path)
    # repr tells nan, -0.0 and every other float apart.
    in_order = [sorted(record.items()) for record in records]
    assert repr([sorted(record.items()) for record in History.from_csv(path).records]) == repr(in_order)
    from_json = History.from_json(json.loads(json.dumps(history.to_json())))
    assert repr(from_json.records) == repr(records)


def test_an_empty_history_comes_back(tmp_path: Path):
    History().to_csv(tmp_path / "history.csv")
    assert len(History.from_csv(tmp_path / "history.csv")) == 0


def test_csv_from_a_spreadsheet_is_read(tmp_path: Path):
    path = tmp_path / "history.csv"
    path.write_bytes(b'\xef\xbb\xbfepoch,"loss"\r\n1,"0.5"\r\n2,5e-1\r\n')
    assert History.from_csv(path).records == [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.5}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{path}, line 1: expected the columns' names, each once; got nothing."),
        (b"\n1\n", "{path}, line 1: expected the columns' names, each once; got nothing."),
        (b"loss,loss\n", "{path}, line 1: expected the columns' names, each once; got loss, loss."),
        (b"loss,\n", "{path}, line 1: expected the columns' names, each once; got loss, ."),
        (b"epoch,loss\n1,0.5\n2\n", "{path}, line 3: expected 2 values, as in line 1; got 1."),
        (b"epoch,loss\n1,0.5,3\n", "{path}, line 2: expected 2 values, as in line 1; got 3."),
        (b"epoch,loss\n\n1,0.5\n", "{path}, line 2: expected 2 values, as in line 1; got 0."),
        (b"epoch,loss\n1,low\n", "{path}, line 2: 'loss' is 'low'; expected a number."),
        (b"epoch,loss\n1,2\n,\n", "{path}, line 3: the epoch has no values. Remove the line."),
        (b"epoch\n\xff\n", "{path} is not UTF-8 text, so no history written by to_csv."),
        (
            b"epoch\n" + b"1" * 200_000,
            "{path}, line 2: no table as to_csv writes it: field larger than field limit (131072).",
        ),
    ],
)
def test_what_is_no_history_is_refused_by_file_and_line(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        History.from_csv(path)
    assert str(caught.value) == message.format(path=path)


def test_a_missing_file(tmp_path: Path):
    path = tmp_path / "history.csv"
    with pytest.raises(DataError) as caught:
        History.from_csv(path)
    assert (
        str(caught.value) == f"could not read the history {path}: No such file or directory. Check the path."
    )


def test_a_full_disk_leaves_the_old_table(history: History, tmp_path: Path, monkeypatch):
    path = tmp_path / "history.csv"
    path.write_text("epoch\n1\n", encoding="utf-8")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError) as caught:
        history.to_csv(path)
    assert str(caught.value) == (
        f"could not write the history {path}: No space left on device (ENOSPC). The previous file is "
        f"unchanged. Free some space on this disk, or write to a folder on another one."
    )
    assert path.read_text(encoding="utf-8") == "epoch\n1\n"
