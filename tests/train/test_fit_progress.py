"""What gg.fit shows: lines, a bar, or nothing; and what showing it costs."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.data import DataLoader
from glassgrad.train.progress import Bar, describe


def fit(epochs: int = 3, rows: int = 6, **options) -> gg.History:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    labels = rng.integers(0, 2, rows)
    gg.random.seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
    data = DataLoader((x, labels), 2)
    return gg.fit(model, nn.CrossEntropyLoss(), data, gg.optim.SGD(model.parameters()), epochs, **options)


def screens(text: str) -> list[str]:
    """The frames that were drawn on a terminal, without colours and movements."""
    frames = re.split(r"(?=epoch +\d+/)", text)
    return [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame).strip() for frame in frames[1:]]


@pytest.fixture
def terminal(monkeypatch):
    """Make rich believe that the captured output is a terminal of 80 columns."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")


class TestLines:
    def test_one_for_each_epoch_where_there_is_no_terminal(self, capsys):
        history = fit(11)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 11
        for number, (line, record) in enumerate(zip(lines, history.records, strict=True), start=1):
            expected = (
                f"epoch {number:2}/11  loss {record['loss']:.4f}  accuracy {record['accuracy'] * 100:.1f} %  "
            )
            assert line.startswith(expected)
            assert re.fullmatch(r"\d+\.\d\d s", line.removeprefix(expected))

    def test_none_when_not_asked_for(self, capsys):
        fit(progress=False)
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", "")

    def test_are_not_broken_however_long(self, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "20")
        fit(2)
        assert len(capsys.readouterr().out.splitlines()) == 2

    def test_name_validation(self):
        record = {
            "epoch": 1,
            "loss": 0.5,
            "validation_loss": 12345.678,
            "validation_error": 1e-7,
            "seconds": 1.0,
        }
        assert describe(record) == "loss 0.5000  validation loss 1.235e+04  validation error 1e-07"


class TestBar:
    def test_shows_epoch_batch_loss_accuracy_speed_and_time_left(self, capsys, terminal, monkeypatch):
        monkeypatch.setattr("glassgrad.train.progress.SECONDS_BETWEEN_UPDATES", 0.0)
        history = fit(3)
        frames = screens(capsys.readouterr().out)
        first = re.sub("[━╸╺]+", "", frames[0]).split()
        assert first[:4] == ["epoch", "1/3", "batch", "1/3"]
        assert first[5:8] == ["samples/s", "0:00:00", "left"]
        assert first[8] == "loss"
        assert first[10] == "accuracy"
        last = frames[-1]
        assert last.startswith("epoch 3/3")
        assert "0:00:00 in all" in last
        record = history.records[-1]
        assert last.endswith(f"loss {record['loss']:.4f}  accuracy {record['accuracy'] * 100:.1f} %")

    def test_fits_into_80_columns(self, capsys, terminal):
        fit(2, validation=DataLoader((np.ones((2, 4), np.float32), np.array([0, 1])), 2))
        assert (
            max(len(line) for frame in screens(capsys.readouterr().out) for line in frame.splitlines()) <= 80
        )

    def test_says_how_many_epochs_there_were_and_why_they_ended(self, capsys, terminal):
        class Stop(gg.train.Callback):
            def on_epoch_end(self, training):
                training.stop("enough")

        fit(9, callbacks=[Stop()])
        last = screens(capsys.readouterr().out)[-1]
        assert last.startswith("epoch 1/9")
        assert last.endswith("stopped after epoch 1 of 9: enough")

    def test_is_gone_before_an_error_is_shown(self, capsys, terminal):
        class Broken(gg.train.Callback):
            def on_epoch_end(self, training):
                raise RuntimeError("mine")

        with pytest.raises(RuntimeError, match="mine"):
            fit(callbacks=[Broken()])
        assert capsys.readouterr().out.endswith("\x1b[?25h")  # the cursor is back

    def test_costs_less_than_two_percent(self, capsys, terminal, monkeypatch):
        spent = []
        original = Bar.after_step

        def timed(bar, training):
            started = time.perf_counter()
            original(bar, training)
            spent.append(time.perf_counter() - started)

        monkeypatch.setattr(Bar, "after_step", timed)
        started = time.perf_counter()
        fit(epochs=8, rows=400)
        elapsed = time.perf_counter() - started
        assert len(spent) == 8 * 200
        # The median and the number of drawings, not the sum: on a busy machine a single drawing may wait long.
        assert np.median(spent) < 0.02 * elapsed / len(spent)
        drawings = len(screens(capsys.readouterr().out))
        assert drawings <= elapsed / 0.2 + 3
