"""Callbacks: when they are called, and when early stopping stops."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.data import DataLoader
from glassgrad.train import Callback

NAN = float("nan")


def fit_with_losses(losses: list[float], stopping: gg.EarlyStopping) -> tuple[gg.History, list, nn.Module]:
    """A training whose validation loss follows `losses`; returns the model's state after every epoch too."""
    values = iter(losses)
    states = []

    class Remember(Callback):
        def on_epoch_end(self, training):
            states.append(training.model.state_dict())

    def loss(output, target):
        return gg.mean(output) if output.requires_grad else gg.tensor(next(values))

    model = nn.Linear(1, 1)
    data = DataLoader((np.ones((2, 1), np.float32), np.ones((2, 1), np.float32)), 2)
    history = gg.fit(
        model,
        loss,
        data,
        gg.optim.SGD(model.parameters(), lr=0.1),
        len(losses),
        validation=data,
        callbacks=[stopping, Remember()],
        progress=False,
    )
    return history, states, model


def same(left: dict, right: dict) -> bool:
    return left.keys() == right.keys() and all(np.array_equal(left[name], right[name]) for name in left)


class TestEarlyStopping:
    @pytest.mark.parametrize(
        ("losses", "patience", "min_delta", "epochs", "best_epoch"),
        [
            ([5, 4, 3, 2, 1], 1, 0.0, 5, 5),  # always better
            ([5, 4, 4, 3, 3], 1, 0.0, 3, 2),  # equal is not better
            ([5, 4, 4, 3, 3], 2, 0.0, 5, 4),
            ([5, 4, 4.5, 4.2, 4.1, 1], 3, 0.0, 5, 2),
            ([5, 4.5, 4, 3.5, 3], 2, 0.75, 5, 5),  # 5, then 4 (a gain of 1), then 3
            ([5, 4.5, 4.25, 4, 3], 2, 1.5, 3, 1),
            ([NAN, 5, NAN, NAN, 1], 2, 0.0, 4, 2),  # nan is never better
        ],
    )
    def test_stops_after_patience_and_brings_the_best_back(
        self, losses, patience, min_delta, epochs, best_epoch
    ):
        stopping = gg.EarlyStopping(patience, min_delta=min_delta)
        history, states, model = fit_with_losses(losses, stopping)
        assert len(history) == epochs
        assert stopping.best_epoch == best_epoch
        assert stopping.best == losses[best_epoch - 1]
        assert same(model.state_dict(), states[best_epoch - 1])

    def test_can_leave_the_last_parameters(self):
        history, states, model = fit_with_losses([1, 2, 3, 4], gg.EarlyStopping(2, restore_best=False))
        assert len(history) == 3
        assert same(model.state_dict(), states[-1])

    def test_more_accuracy_is_better(self):
        assert gg.EarlyStopping(1, "validation_accuracy").best == -np.inf
        assert gg.EarlyStopping(1, "accuracy").mode == "max"
        assert gg.EarlyStopping(1, "loss").mode == "min"

    def test_mode_can_be_said(self):
        history, _, _ = fit_with_losses([1, 2, 3, 2, 1], gg.EarlyStopping(1, mode="max"))
        assert len(history) == 4

    def test_an_object_used_again_starts_anew(self):
        stopping = gg.EarlyStopping(1)
        fit_with_losses([1, 2, 3], stopping)
        history, _, _ = fit_with_losses([9, 8, 7, 7, 6], stopping)
        assert len(history) == 4

    def test_says_why_it_stopped(self, capsys):
        model = nn.Linear(1, 1)
        data = DataLoader((np.ones((2, 1), np.float32), np.ones((2, 1), np.float32)), 2)
        optimizer = gg.optim.SGD(model.parameters(), lr=0.0)
        gg.fit(model, nn.MSELoss(), data, optimizer, 9, callbacks=[gg.EarlyStopping(2, "loss")])
        best = f"{float((model.weight.item() + model.bias.item() - 1) ** 2):.4g}"
        assert capsys.readouterr().out.splitlines()[-1] == (
            f"stopped after epoch 3 of 9: loss has not improved for 2 epochs: it was best in epoch 1, {best}"
        )


class TestMoments:
    def test_are_called_in_order(self):
        calls = []

        class Notes(Callback):
            def on_train_begin(self, training):
                calls.append(("begin", training.epoch, training.step, training.record))

            def on_step_end(self, training):
                calls.append(("step", training.epoch, training.step, training.averages.rows))

            def on_epoch_end(self, training):
                calls.append(("epoch", training.epoch, training.step, training.record["epoch"]))

            def on_train_end(self, training):
                calls.append(("end", training.step, len(training.history)))

        model = nn.Linear(1, 1)
        data = DataLoader((np.ones((3, 1), np.float32), np.ones((3, 1), np.float32)), 2)
        gg.fit(
            model,
            nn.MSELoss(),
            data,
            gg.optim.SGD(model.parameters()),
            2,
            callbacks=[Notes()],
            progress=False,
        )
        assert calls == [
            ("begin", 1, 0, {}),
            ("step", 1, 1, 2),
            ("step", 1, 2, 3),
            ("epoch", 1, 2, 1.0),
            ("step", 2, 3, 2),
            ("step", 2, 4, 3),
            ("epoch", 2, 4, 2.0),
            ("end", 4, 2),
        ]

    def test_can_stop_the_training(self, capsys):
        class Stop(Callback):
            def on_step_end(self, training):
                if training.step == 3:
                    training.stop("three steps are enough")

        model = nn.Linear(1, 1)
        data = DataLoader((np.ones((4, 1), np.float32), np.ones((4, 1), np.float32)), 2)
        history = gg.fit(model, nn.MSELoss(), data, gg.optim.SGD(model.parameters()), 5, callbacks=[Stop()])
        assert len(history) == 2  # the epoch under way is finished
        assert (
            capsys.readouterr().out.splitlines()[-1] == "stopped after epoch 2 of 5: three steps are enough"
        )

    def test_an_error_in_one_comes_out(self):
        class Broken(Callback):
            def on_epoch_end(self, training):
                raise RuntimeError("mine")

        model = nn.Linear(1, 1)
        data = DataLoader((np.ones((2, 1), np.float32), np.ones((2, 1), np.float32)), 2)
        with pytest.raises(RuntimeError, match="mine"):
            gg.fit(
                model,
                nn.MSELoss(),
                data,
                gg.optim.SGD(model.parameters()),
                1,
                callbacks=[Broken()],
                progress=False,
            )
