"""gg.fit: what it computes is what NumPy computes, and what it changes it puts back."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.data import DataLoader
from glassgrad.train import Callback, LearningRateSchedule, accuracy, evaluate, predict


def line_data(rows: int = 10) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(-1.0, 2.0, rows, dtype=np.float64).reshape(rows, 1)
    return x, 3.0 * x - 0.5 + np.sin(7.0 * x)


class Scores(nn.Module):
    """Class scores that are the inputs times a parameter that stays 1 when the learning rate is 0."""

    def __init__(self) -> None:
        self.factor = nn.Parameter(1.0)

    def forward(self, x):
        return x * self.factor


def softmax_loss(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(labels)), labels]


class TestTraining:
    def test_is_gradient_descent_as_written_out_with_numpy(self):
        x, y = line_data()
        layer = nn.Linear(1, 1, dtype=gg.float64)
        weight, bias = layer.weight.item(), layer.bias.item()
        history = gg.fit(
            layer,
            nn.MSELoss(),
            DataLoader((x, y), batch_size=4),
            gg.optim.SGD(layer.parameters(), lr=0.1),
            epochs=3,
            progress=False,
        )
        losses = []
        for _ in range(3):
            total = 0.0
            for start in (0, 4, 8):
                inputs, targets = x[start : start + 4], y[start : start + 4]
                error = weight * inputs + bias - targets
                total += np.mean(error**2) * len(inputs)
                weight -= 0.1 * 2 * np.mean(error * inputs)
                bias -= 0.1 * 2 * np.mean(error)
            losses.append(total / 10)
        assert layer.weight.item() == pytest.approx(weight, rel=1e-12)
        assert layer.bias.item() == pytest.approx(bias, rel=1e-12)
        assert history["loss"] == pytest.approx(losses, rel=1e-12)

    def test_forgets_gradients_from_before(self):
        x, y = line_data()
        layer = nn.Linear(1, 1, dtype=gg.float64)
        start = layer.weight.item()
        layer.weight.grad = gg.tensor([[1e6]], dtype=gg.float64)
        gg.fit(
            layer,
            nn.MSELoss(),
            DataLoader((x, y), 10),
            gg.optim.SGD(layer.parameters(), lr=0.0),
            1,
            progress=False,
        )
        assert layer.weight.item() == start
        error = start * x + layer.bias.item() - y
        assert layer.weight.grad.item() == pytest.approx(2 * np.mean(error * x), rel=1e-12)

    def test_history_has_means_over_the_rows_of_uneven_batches(self):
        rng = np.random.default_rng(0)
        scores, labels = rng.normal(size=(10, 3)), rng.integers(0, 3, 10)
        model = Scores()
        history = gg.fit(
            model,
            nn.CrossEntropyLoss(),
            DataLoader((scores, labels), batch_size=4, shuffle=True),
            gg.optim.SGD(model.parameters(), lr=0.0),
            epochs=2,
            validation=DataLoader((scores[:7], labels[:7]), batch_size=3),
            progress=False,
        )
        loss, right = softmax_loss(scores, labels), scores.argmax(axis=1) == labels
        assert history.keys() == [
            "epoch",
            "loss",
            "accuracy",
            "validation_loss",
            "validation_accuracy",
            "learning_rate",
            "seconds",
            "samples_per_second",
        ]
        assert history["epoch"] == [1, 2]
        assert history["loss"] == pytest.approx([loss.mean()] * 2, rel=1e-12)
        assert history["accuracy"] == pytest.approx([right.mean()] * 2, rel=1e-12)
        assert history["validation_loss"] == pytest.approx([loss[:7].mean()] * 2, rel=1e-12)
        assert history["validation_accuracy"] == pytest.approx([right[:7].mean()] * 2, rel=1e-12)
        assert all(seconds > 0 for seconds in history["seconds"])
        assert all(speed > 0 for speed in history["samples_per_second"])

    @pytest.mark.parametrize(
        ("targets", "loss"),
        [
            (np.zeros((6, 2)), nn.MSELoss()),  # floats
            (np.zeros((6, 2), np.int64), nn.MSELoss()),  # integers that are no classes
        ],
    )
    def test_measures_no_accuracy_where_there_are_no_classes(self, targets, loss):
        model = Scores()
        data = DataLoader((np.ones((6, 2)), targets), 6)
        history = gg.fit(model, loss, data, gg.optim.SGD(model.parameters()), 1, progress=False)
        assert "accuracy" not in history

    def test_metrics_are_the_users(self):
        x, y = line_data()
        model = Scores()

        def absolute_error(output, target):
            return gg.mean(gg.abs(output - target))

        history = gg.fit(
            model,
            nn.MSELoss(),
            DataLoader((x, y), 4),
            gg.optim.SGD(model.parameters(), lr=0.0),
            1,
            validation=DataLoader((x[:3], y[:3]), 2),
            metrics={"absolute": absolute_error},
            progress=False,
        )
        assert history["absolute"] == pytest.approx([np.abs(x - y).mean()], rel=1e-12)
        assert history["validation_absolute"] == pytest.approx([np.abs(x - y)[:3].mean()], rel=1e-12)
        assert "accuracy" not in history

    def test_history_has_the_learning_rate_of_each_epoch(self):
        x, y = line_data()
        layer = nn.Linear(1, 1, dtype=gg.float64)
        optimizer = gg.optim.SGD(layer.parameters(), lr=0.8)
        schedule = LearningRateSchedule(gg.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5))
        history = gg.fit(
            layer, nn.MSELoss(), DataLoader((x, y), 5), optimizer, 3, callbacks=[schedule], progress=False
        )
        assert history["learning_rate"] == [0.8, 0.4, 0.2]

    def test_schedule_can_step_with_every_update(self):
        x, y = line_data()
        layer = nn.Linear(1, 1, dtype=gg.float64)
        optimizer = gg.optim.SGD(layer.parameters(), lr=1.0)
        scheduler = gg.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 / (1 + step))
        history = gg.fit(
            layer,
            nn.MSELoss(),
            DataLoader((x, y), 5),
            optimizer,
            2,
            callbacks=[LearningRateSchedule(scheduler, every="step")],
            progress=False,
        )
        assert history["learning_rate"] == [1 / 2, 1 / 4]  # of the last of two updates each
        assert scheduler.get_last_lr() == [1 / 5]

    def test_fine_tunes_a_frozen_model(self):
        model = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1))
        model[0].requires_grad_(False)
        before = model.state_dict()
        x, y = (array.astype(np.float32) for array in line_data())
        optimizer = gg.optim.SGD(model[2].parameters(), lr=0.1)
        gg.fit(model, nn.MSELoss(), DataLoader((x, y), 5), optimizer, 1, progress=False)
        after = model.state_dict()
        assert np.array_equal(before["0.weight"], after["0.weight"])
        assert not np.array_equal(before["2.weight"], after["2.weight"])

    def test_same_seed_same_bits(self):
        runs = []
        for _ in range(2):
            gg.random.seed(7)
            model = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1))
            x, y = (array.astype(np.float32) for array in line_data())
            data = DataLoader((x, y), 3, shuffle=True)
            gg.fit(model, nn.MSELoss(), data, gg.optim.Adam(model.parameters()), 4, progress=False)
            runs.append({name: array.tobytes() for name, array in model.state_dict().items()})
        assert runs[0] == runs[1]


class Modes(nn.Module):
    """Notes in which mode it is called, and whether the call is recorded."""

    def __init__(self) -> None:
        self.inner = nn.Linear(1, 1, dtype=gg.float64)
        self.seen: list[tuple[bool, bool, bool]] = []

    def forward(self, x):
        output = self.inner(x)
        self.seen.append((self.training, self.inner.training, output.requires_grad))
        return output


class TestModes:
    def fit(self, model: Modes) -> None:
        x, y = line_data()
        data, optimizer = DataLoader((x, y), 10), gg.optim.SGD(model.parameters(), lr=0.01)
        gg.fit(model, nn.MSELoss(), data, optimizer, 2, validation=DataLoader((x, y), 5), progress=False)

    def test_trains_in_training_mode_and_validates_unrecorded_in_evaluation_mode(self):
        model = Modes().eval()
        self.fit(model)
        train, measured = (True, True, True), (False, False, False)
        assert model.seen == [train, measured, measured] * 2

    @pytest.mark.parametrize("modes", [(True, True), (True, False), (False, False)])
    def test_every_module_ends_in_the_mode_in_which_it_came(self, modes):
        model = Modes()
        model.training, model.inner.training = modes
        self.fit(model)
        assert (model.training, model.inner.training) == modes

    def test_modes_come_back_after_an_error(self):
        model = Modes().eval()
        with pytest.raises(gg.ShapeError):
            gg.fit(
                model,
                nn.MSELoss(reduction="none"),
                DataLoader(line_data(), 5),
                gg.optim.SGD(model.parameters()),
                1,
                progress=False,
            )
        assert (model.training, model.inner.training) == (False, False)

    def test_dropout_is_off_in_validation(self):
        x = np.ones((4, 50), np.float32)
        y = np.zeros((4, 50), np.float32)
        model = nn.Sequential(nn.Dropout(0.5), Scores())
        optimizer = gg.optim.SGD(model.parameters(), lr=0.0)
        history = gg.fit(
            model,
            nn.MSELoss(),
            DataLoader((x, y), 4),
            optimizer,
            1,
            validation=DataLoader((x, y), 4),
            progress=False,
        )
        assert history["validation_loss"] == [1.0]
        assert history["loss"][0] == pytest.approx(
            2.0, abs=0.9
        )  # half the units, each doubled: mean of 4 · 1/2

    def test_validation_data_may_be_the_training_data(self):
        x, y = line_data()
        orders = []

        class Orders(Callback):
            def on_epoch_end(self, training):
                orders.append(training.data.epoch)

        layer = nn.Linear(1, 1, dtype=gg.float64)
        data = DataLoader((x, y), 5, shuffle=True)
        optimizer = gg.optim.SGD(layer.parameters())
        gg.fit(layer, nn.MSELoss(), data, optimizer, 3, validation=data, callbacks=[Orders()], progress=False)
        assert orders == [1, 2, 3]  # the loader's next epoch: each had another order


class TestEvaluate:
    def test_is_the_mean_over_all_rows(self):
        x, y = line_data()
        model = nn.Sequential(Scores(), nn.Dropout(0.5))
        found = evaluate(model, nn.MSELoss(), DataLoader((x, y), 3))
        assert found == {"loss": pytest.approx(np.mean((x - y) ** 2), rel=1e-12)}
        assert model.training

    def test_keeps_the_place_in_the_data(self):
        data = DataLoader(line_data(), 3)
        batches = iter(data)
        next(batches)
        before = data.state_dict()
        evaluate(Scores(), nn.MSELoss(), data)
        assert data.state_dict() == before

    def test_predict_joins_its_batches(self):
        x, _ = line_data(7)
        model = nn.Sequential(Scores(), nn.Dropout(0.5))
        assert np.array_equal(predict(model, x, batch_size=3), x)
        assert model.training

    def test_accuracy_counts_the_largest_output(self):
        output = gg.tensor([[0.1, 0.9, 0.0], [5.0, 1.0, 2.0], [0.0, 0.0, 1.0], [9.0, 1.0, 1.0]])
        assert accuracy(output, gg.tensor([1, 2, 2, 0])) == 0.75
