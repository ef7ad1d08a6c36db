"""Checkpoints of gg.fit: training goes on bit for bit, wherever it was stopped."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.data import DataLoader
from glassgrad.io import load_checkpoint
from glassgrad.train import Callback, LearningRateSchedule, restore_model

BATCHES = 4


class InterruptAt(Callback):
    """Presses Ctrl-C after a number of updates."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, training) -> None:
        if training.step == self.step:
            signal.raise_signal(signal.SIGINT)


class Setting:
    """A small training with everything that has a state: dropout, Adam or momentum, a schedule, shuffling."""

    def __init__(self, optimizer: str = "adam", interrupt_at: int = 0, seed: int = 5) -> None:
        rng = np.random.default_rng(3)
        x = rng.normal(size=(22, 3)).astype(np.float32)
        labels = (x[:, 0] > 0).astype(np.int64)
        gg.random.seed(seed)
        self.model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
        self.data = DataLoader((x, labels), batch_size=6, shuffle=True, seed=2)
        self.validation = DataLoader((x[:7], labels[:7]), batch_size=3)
        if optimizer == "adam":
            self.optimizer = gg.optim.Adam(self.model.parameters(), lr=0.02)
        else:
            self.optimizer = gg.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
        scheduler = gg.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=30)
        self.callbacks = [
            gg.EarlyStopping(patience=50),
            LearningRateSchedule(scheduler, every="step"),
            InterruptAt(interrupt_at),
        ]

    def fit(self, epochs: int, **options):
        return gg.fit(
            self.model,
            nn.CrossEntropyLoss(),
            self.data,
            self.optimizer,
            epochs,
            validation=self.validation,
            callbacks=self.callbacks,
            progress=False,
            **options,
        )


def bits(folder: Path) -> dict[str, bytes]:
    return {
        name: array.tobytes() for name, array in load_checkpoint(folder / "last.safetensors").arrays.items()
    }


def state(folder: Path) -> dict:
    """All of last.safetensors but its arrays, and but the time that things took."""
    found = load_checkpoint(folder / "last.safetensors").state
    found["averages"].pop("seconds")
    for record in found["history"]:
        del record["seconds"], record["samples_per_second"]
    return found


def timeless(history: gg.History) -> list[dict[str, float]]:
    return [
        {name: value for name, value in record.items() if name not in ("seconds", "samples_per_second")}
        for record in history.records
    ]


def model_bits(setting: Setting) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in setting.model.state_dict().items()}


class TestResume:
    @pytest.mark.parametrize("optimizer", ["adam", "momentum"])
    def test_three_and_three_epochs_are_six(self, tmp_path, optimizer):
        straight = Setting(optimizer)
        history = straight.fit(6, checkpoint=tmp_path / "straight")
        Setting(optimizer).fit(3, checkpoint=tmp_path / "parts")
        second = Setting(
            optimizer, seed=99
        )  # other parameters and random numbers: all must come from the file
        resumed = second.fit(6, checkpoint=tmp_path / "parts", resume=tmp_path / "parts" / "last.safetensors")
        assert model_bits(second) == model_bits(straight)
        assert bits(tmp_path / "parts") == bits(tmp_path / "straight")
        assert state(tmp_path / "parts") == state(tmp_path / "straight")
        assert timeless(resumed) == timeless(history)
        assert len(resumed) == 6

    def test_goes_on_in_another_process(self, tmp_path):
        script = textwrap.dedent(
            """
            import sys
            from tests_of_resume import Setting
            epochs, folder, *resume = sys.argv[1:]
            Setting(seed=int(epochs)).fit(int(epochs), checkpoint=folder, resume=resume[0] if resume else None)
            """
        )
        (tmp_path / "tests_of_resume.py").write_bytes(Path(__file__).read_bytes())

        def run(*arguments: str) -> None:
            subprocess.run(
                [sys.executable, "-c", script, *arguments],
                check=True,
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
            )

        straight = Setting(seed=3)
        straight.fit(6, checkpoint=tmp_path / "straight")
        run("3", "parts")
        run("6", "parts", "parts/last.safetensors")
        assert bits(tmp_path / "parts") == bits(tmp_path / "straight")
        assert state(tmp_path / "parts") == state(tmp_path / "straight")

    @pytest.mark.parametrize("step", [1, BATCHES - 1, BATCHES, BATCHES + 1, 2 * BATCHES, 3 * BATCHES])
    def test_interrupted_anywhere_it_is_as_if_it_had_not_been(self, tmp_path, step):
        straight = Setting()
        history = straight.fit(3, checkpoint=tmp_path / "straight")
        first = Setting(interrupt_at=step)
        with pytest.raises(KeyboardInterrupt):
            first.fit(3, checkpoint=tmp_path / "parts")
        second = Setting(seed=99)
        resumed = second.fit(3, checkpoint=tmp_path / "parts", resume=tmp_path / "parts")
        assert model_bits(second) == model_bits(straight)
        assert bits(tmp_path / "parts") == bits(tmp_path / "straight")
        assert state(tmp_path / "parts") == state(tmp_path / "straight")
        assert timeless(resumed) == timeless(history)

    def test_interrupted_between_validation_batches(self, tmp_path):
        straight = Setting()
        straight.fit(2, checkpoint=tmp_path / "straight")
        first = Setting()
        calls = []

        def interrupting_loss(output, target):
            if not output.requires_grad:
                calls.append(output)
                if len(calls) == 2:
                    signal.raise_signal(signal.SIGINT)
            return nn.CrossEntropyLoss()(output, target)

        with pytest.raises(KeyboardInterrupt):
            gg.fit(
                first.model,
                interrupting_loss,
                first.data,
                first.optimizer,
                2,
                validation=first.validation,
                callbacks=first.callbacks,
                checkpoint=tmp_path / "parts",
                progress=False,
            )
        assert len(calls) == 2
        Setting(seed=99).fit(2, checkpoint=tmp_path / "parts", resume=tmp_path / "parts")
        assert bits(tmp_path / "parts") == bits(tmp_path / "straight")
        assert state(tmp_path / "parts") == state(tmp_path / "straight")

    def test_early_stopping_brings_back_the_best_parameters_of_before(self, tmp_path):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(8, 2)).astype(np.float32)
        y = rng.normal(size=(8, 1)).astype(np.float32)

        def setting(epochs, resume=None):
            gg.random.seed(1)
            layer = nn.Linear(2, 1)
            # Grows with every step, so that the first epoch is the best.
            optimizer = gg.optim.SGD(layer.parameters(), lr=2.0)
            stopping = gg.EarlyStopping(patience=4, monitor="loss")
            folder = tmp_path / "parts"
            data = DataLoader((x, y), 8)
            history = gg.fit(
                layer, nn.MSELoss(), data, optimizer, epochs, None, [stopping], folder, resume, progress=False
            )
            return layer.state_dict(), history

        first, _ = setting(2)
        both, history = setting(10, resume=tmp_path / "parts")
        assert history["loss"] == sorted(history["loss"])
        assert len(history) == 5  # the best, and 4 epochs of patience
        assert all(np.array_equal(first[name], both[name]) for name in first)
        again, history = setting(20, resume=tmp_path / "parts")  # its patience is used up still
        assert len(history) == 5
        assert all(np.array_equal(first[name], again[name]) for name in first)

    def test_more_epochs_than_are_left_is_no_error(self, tmp_path):
        Setting().fit(3, checkpoint=tmp_path)
        done = Setting(seed=99)
        assert len(done.fit(2, resume=tmp_path)) == 3
        assert model_bits(done) == {
            name.removeprefix("model."): value
            for name, value in bits(tmp_path).items()
            if name.startswith("model.")
        }

    def test_from_one_folder_into_another(self, tmp_path):
        Setting().fit(1, checkpoint=tmp_path / "first")
        before = (tmp_path / "first" / "last.safetensors").read_bytes()
        Setting(seed=99).fit(2, checkpoint=tmp_path / "second", resume=tmp_path / "first")
        assert (tmp_path / "first" / "last.safetensors").read_bytes() == before
        assert len(state(tmp_path / "second")["history"]) == 2


class TestInterrupt:
    def test_waits_for_the_end_of_the_step_and_says_how_to_go_on(self, tmp_path):
        setting = Setting(interrupt_at=6)
        with pytest.raises(KeyboardInterrupt) as raised:
            setting.fit(5, checkpoint=tmp_path)
        file = tmp_path / "last.safetensors"
        assert str(raised.value) == (
            f"training was interrupted in epoch 2, after step 6; go on with resume={str(file)!r}"
        )
        assert load_checkpoint(file).state["step"] == 6

    def test_without_a_checkpoint_folder_says_that_nothing_was_saved(self):
        with pytest.raises(KeyboardInterrupt) as raised:
            Setting(interrupt_at=2).fit(5)
        assert str(raised.value) == (
            "training was interrupted in epoch 1, after step 2; nothing was saved, since fit had no checkpoint= folder"
        )

    def test_in_the_middle_of_an_update_leaves_whole_parameters(self, tmp_path):
        class Interrupted(gg.optim.SGD):
            """Presses Ctrl-C when the third of the four parameters is about to be updated."""

            def update(self, parameter, g, state, group):
                if parameter is self.parameters()[2]:
                    signal.raise_signal(signal.SIGINT)
                super().update(parameter, g, state, group)

        broken = Setting()
        broken.optimizer, broken.callbacks = Interrupted(broken.model.parameters(), lr=0.1), []
        with pytest.raises(KeyboardInterrupt):
            broken.fit(1, checkpoint=tmp_path)
        straight = Setting(interrupt_at=1)
        straight.optimizer = gg.optim.SGD(straight.model.parameters(), lr=0.1)
        straight.callbacks = straight.callbacks[2:]
        with pytest.raises(KeyboardInterrupt):
            straight.fit(1)
        assert model_bits(broken) == model_bits(straight)

    def test_a_second_one_is_not_kept_waiting(self):
        class Impatient(nn.Module):
            def __init__(self):
                self.inner = nn.Linear(3, 2)

            def forward(self, x):
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
                raise AssertionError("the second Ctrl-C did not come through")

        setting = Setting()
        model = Impatient()
        with pytest.raises(KeyboardInterrupt):
            gg.fit(
                model,
                nn.CrossEntropyLoss(),
                setting.data,
                gg.optim.SGD(model.parameters()),
                1,
                progress=False,
            )

    def test_the_handler_before_is_back(self):
        Setting().fit(1)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with pytest.raises(KeyboardInterrupt):
            Setting(interrupt_at=1).fit(1)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def test_anothers_handler_is_left_alone(self):
        seen = []
        before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
        try:
            history = Setting(interrupt_at=2).fit(1)
        finally:
            signal.signal(signal.SIGINT, before)
        assert seen == [signal.SIGINT]
        assert len(history) == 1

    def test_after_the_last_step_it_is_not_lost(self):
        class AtTheEnd(Callback):
            def on_train_end(self, training):
                signal.raise_signal(signal.SIGINT)

        setting = Setting()
        setting.callbacks = [AtTheEnd()]
        with pytest.raises(KeyboardInterrupt):
            setting.fit(1)


class TestFiles:
    def test_best_is_the_epoch_with_the_least_validation_loss(self, tmp_path):
        losses = iter([0.5, 0.2, 0.4, 0.2, 0.3])
        seen = []

        class Remember(Callback):
            def on_epoch_end(self, training):
                seen.append(training.model.state_dict())

        setting = Setting()
        setting.callbacks = [Remember()]
        setting.validation = DataLoader((np.ones((1, 3), np.float32), np.array([0])), 1)

        def loss(output, target):
            return nn.CrossEntropyLoss()(output, target) if output.requires_grad else gg.tensor(next(losses))

        gg.fit(
            setting.model,
            loss,
            setting.data,
            setting.optimizer,
            5,
            validation=setting.validation,
            callbacks=setting.callbacks,
            checkpoint=tmp_path,
            progress=False,
        )
        other = Setting(seed=99)
        restore_model(tmp_path / "best.safetensors", other.model)
        assert all(np.array_equal(seen[1][name], array) for name, array in other.model.state_dict().items())
        restore_model(tmp_path / "last.safetensors", other.model)
        assert all(np.array_equal(seen[4][name], array) for name, array in other.model.state_dict().items())

    def test_without_validation_best_is_the_least_training_loss(self, tmp_path):
        setting = Setting()
        setting.validation = None
        setting.callbacks = []
        setting.optimizer = gg.optim.SGD(setting.model.parameters(), lr=30.0)  # makes it worse
        history = setting.fit(4, checkpoint=tmp_path)
        best = load_checkpoint(tmp_path / "best.safetensors").state
        assert len(best["history"]) == 1 + history["loss"].index(min(history["loss"]))

    def test_disk_full_keeps_the_last_checkpoint(self, tmp_path, monkeypatch):
        saved = {}

        class FillTheDisk(Callback):
            def on_epoch_end(self, training):
                if training.epoch == 3:
                    saved.update({file.name: file.read_bytes() for file in tmp_path.iterdir()})
                    monkeypatch.setattr(os, "fsync", self.no_space)

            def no_space(self, descriptor):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        setting = Setting()
        setting.callbacks = [FillTheDisk()]
        with pytest.raises(gg.CheckpointError) as raised:
            setting.fit(5, checkpoint=tmp_path)
        assert str(raised.value).startswith(f"could not write the checkpoint {tmp_path}/")
        assert str(raised.value).endswith(
            "No space left on device (ENOSPC). The previous file is unchanged. "
            "Free some space on this disk, or write to a folder on another one."
        )
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == saved
        assert len(load_checkpoint(tmp_path / "last.safetensors").state["history"]) == 2

    def test_both_files_are_there_after_one_epoch_and_nothing_else(self, tmp_path):
        Setting().fit(1, checkpoint=tmp_path / "new" / "folder")
        assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == [
            "best.safetensors",
            "last.safetensors",
        ]
