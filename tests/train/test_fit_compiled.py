"""gg.fit with compiled steps: the same numbers, notices, gradients and errors as op by op, or op by op and a reason."""

from __future__ import annotations

import threading
import warnings
import weakref
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from test_fit_resume import Setting, bits, model_bits, state, timeless

import glassgrad as gg
from glassgrad import nn
from glassgrad.data import DataLoader
from glassgrad.io import load_checkpoint, save_checkpoint
from glassgrad.train import Callback, LearningRateSchedule, evaluate, predict, programs

RNG = np.random.default_rng(11)
X = RNG.normal(size=(22, 3)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(np.int64)
factor = 1.0
"""Read by a loss."""


@pytest.fixture(autouse=True)
def soon(monkeypatch) -> None:
    """Batches of a shape are compiled when it comes for the third time."""
    monkeypatch.setattr(programs, "STEPS_OF_SMALL", 2.01)
    monkeypatch.setattr(programs, "BATCHES_OF_PREDICT", 2)


@pytest.fixture
def compiled(monkeypatch) -> list[tuple[int, ...]]:
    """The shapes of the inputs of all batches that programs were run on."""
    shapes = []
    run = programs.Programs._run_compiled

    def noted(self: Any, batch: Any) -> Any:
        result = run(self, batch)
        if not self.is_off:
            shapes.append(batch[0].shape)
        return result

    monkeypatch.setattr(programs.Programs, "_run_compiled", noted)
    return shapes


def network() -> nn.Module:
    gg.random.seed(4)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))


def train(
    model: nn.Module, *, eager: bool, loss: Any = None, epochs: int = 4, rows: int = 22, **options: Any
) -> gg.History:
    optimizer = options.pop("optimizer", None) or gg.optim.Adam(model.parameters(), lr=0.05)
    data = options.pop("data", None) or DataLoader((X[:rows], LABELS[:rows]), 6, shuffle=True)
    return gg.fit(
        model, loss or nn.CrossEntropyLoss(), data, optimizer, epochs, progress=False, eager=eager, **options
    )


def silently(model: nn.Module, **options: Any) -> gg.History:
    """The history; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return train(model, **options)


def with_reason(model: nn.Module, reason: str, **options: Any) -> gg.History:
    """The history of a training that says once why it is not compiled."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = train(model, eager=False, **options)
    assert [str(warning.message) for warning in caught] == [
        f"fit goes on without compiling, since {reason}. With eager=True it does not try."
    ]
    assert caught[0].filename == __file__
    return history


def assert_alike(left: nn.Module, right: nn.Module, tolerance: float = 1e-5) -> None:
    for (name, ours), theirs in zip(left.state_dict().items(), right.state_dict().values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=name)


def assert_same_bits(left: nn.Module, right: nn.Module) -> None:
    for (name, ours), theirs in zip(left.state_dict().items(), right.state_dict().values(), strict=True):
        assert ours.tobytes() == theirs.tobytes(), name


class TestTheSame:
    def test_numbers_without_a_word(self, compiled):
        models, histories = [network(), network()], []
        for model, eager in zip(models, (False, True), strict=True):
            gg.random.seed(1)
            optimizer = gg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
            schedule = LearningRateSchedule(gg.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5), "step")
            validation = DataLoader((X[:7], LABELS[:7]), 5)
            options = {"optimizer": optimizer, "callbacks": [schedule], "validation": validation}
            histories.append(silently(model, eager=eager, epochs=8, **options))
        ours, theirs = histories
        assert ours.keys() == theirs.keys()
        for name in ours:
            if name not in ("seconds", "samples_per_second"):
                np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5)
        assert_alike(*models)
        # 8 epochs of 3 batches of 6 rows and one of 4; of validation batches of 5 and 2 rows, which wait three times as
        # long, since only their forward pass is saved
        assert [compiled.count((rows, 3)) for rows in (6, 4, 5, 2)] == [22, 6, 2, 2]

    def test_eager_compiles_nothing(self, compiled):
        train(network(), eager=True)
        assert compiled == []

    def test_the_same_mode_gives_the_same_bits(self):
        models = [network(), network()]
        for model in models:
            gg.random.seed(1)
            train(model, eager=False)
        assert_same_bits(*models)

    @pytest.mark.parametrize("step", [1, 3, 4, 7, 8, 9])
    def test_interrupted_anywhere_it_is_as_if_it_had_not_been(self, tmp_path, compiled, step):
        straight = Setting()
        history = straight.fit(4, checkpoint=tmp_path / "straight")
        assert len(compiled) > 12
        with pytest.raises(KeyboardInterrupt):
            Setting(interrupt_at=step).fit(4, checkpoint=tmp_path / "parts")
        second = Setting(seed=99)
        resumed = second.fit(4, checkpoint=tmp_path / "parts", resume=tmp_path / "parts")
        assert model_bits(second) == model_bits(straight)
        assert bits(tmp_path / "parts") == bits(tmp_path / "straight")
        assert state(tmp_path / "parts") == state(tmp_path / "straight")
        assert timeless(resumed) == timeless(history)

    def test_a_checkpoint_of_an_earlier_version_is_gone_on_from(self, tmp_path):
        Setting().fit(2, checkpoint=tmp_path)
        old = load_checkpoint(tmp_path / "last.safetensors")
        del old.state["waiting"]
        save_checkpoint(tmp_path / "last.safetensors", old)
        resumed = Setting(seed=99)
        assert len(resumed.fit(4, checkpoint=tmp_path, resume=tmp_path)) == 4

    def test_a_loss_that_is_not_finite_changes_nothing(self):
        messages, models = [], [network(), network()]
        broken = X.copy()
        broken[9] = np.nan
        for model, eager in zip(models, (False, True), strict=True):
            gg.random.seed(1)
            train(model, eager=eager)
            before = model.state_dict()
            optimizer = gg.optim.Adam(model.parameters())
            data = DataLoader((np.concatenate([X[:20], broken[:20]]), np.tile(LABELS[:20], 2)), 4)
            with pytest.raises(gg.NotFiniteError) as raised:
                train(model, eager=eager, optimizer=optimizer, data=data, epochs=1)
            messages.append(str(raised.value))
            assert all(np.isfinite(array).all() for array in model.state_dict().values())
            assert not np.array_equal(before["0.weight"], model.state_dict()["0.weight"])
            assert optimizer.state[model[0].weight]["step"].item() == 7.0
        assert messages[0].split(" (at")[0] == messages[1].split(" (at")[0]
        assert "the loss is nan in epoch 1, step 8" in messages[0]
        assert_alike(*models)

    def test_the_first_compiled_step_may_be_the_one_that_fails(self):
        model = network()
        broken = X[:12].copy()
        broken[11] = np.inf
        before: list[Any] = []

        class Remember(Callback):
            def on_step_end(self, training):
                before[:] = [model.state_dict()]

        with pytest.raises(gg.NotFiniteError):
            train(model, eager=False, data=DataLoader((broken, LABELS[:12]), 4), callbacks=[Remember()])
        for name, array in model.state_dict().items():
            assert array.tobytes() == before[0][name].tobytes()

    def test_parameters_and_states_keep_their_memory(self, monkeypatch):
        monkeypatch.setattr(import_module("glassgrad.train.fit"), "_is_users", lambda callback: False)
        model, seen = network(), []
        optimizer = gg.optim.Adam(model.parameters())

        def cells() -> list[Any]:
            return [model[0].weight, optimizer.state[model[0].weight]["exp_avg"]]

        class Look(Callback):
            def on_step_end(self, training):
                seen.append([weakref.ref(cell.value) for cell in cells()])

        train(model, eager=False, rows=18, optimizer=optimizer, callbacks=[Look()])
        for arrays in seen[-5:]:
            assert all(array() is cell.value for array, cell in zip(arrays, cells(), strict=True))
        assert seen[0][0]() is None

    def test_errors_of_bad_data_name_the_same_place(self):
        class Ragged(gg.data.Dataset):
            def __len__(self):
                return 24

            def __getitem__(self, index):
                if np.any(np.asarray(index) == 20):
                    raise gg.DataError("row 20 is damaged")
                return X[index % 22], LABELS[index % 22]

        for eager in (False, True):
            with pytest.raises(gg.DataError, match="row 20 is damaged"):
                train(network(), eager=eager, data=DataLoader(Ragged(), 4))


class Gradients(Callback):
    """Keeps the gradients of every step."""

    def __init__(self) -> None:
        self.seen: list[list[Any]] = []

    def on_step_end(self, training):
        self.seen.append([np.array(p.grad.numpy()) for p in training.model.parameters()])


class TestCallbacks:
    def test_see_the_gradients_of_each_step(self, compiled):
        watchers = [Gradients(), Gradients()]
        for watcher, eager in zip(watchers, (False, True), strict=True):
            model = network()
            gg.random.seed(1)
            train(model, eager=eager, callbacks=[watcher])
            assert [p.grad.shape for p in model.parameters()] == [p.shape for p in model.parameters()]
        assert compiled
        for ours, theirs in zip(watchers[0].seen, watchers[1].seen, strict=True):
            for left, right in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-6)

    def test_no_old_gradients_are_left_where_nobody_looks(self):
        model = network()
        train(model, eager=False)
        assert [p.grad for p in model.parameters()] == [None] * 4

    def test_may_change_what_a_program_has_built_in(self, compiled):
        class LessDropout(Callback):
            def on_epoch_end(self, training):
                training.model[2].p /= 2

        class Thaw(Callback):
            def on_train_begin(self, training):
                training.model[0].requires_grad_(False)

            def on_epoch_end(self, training):
                if training.epoch == 2:
                    training.model[0].requires_grad_(True)

        models = [network(), network()]
        for model, eager in zip(models, (False, True), strict=True):
            gg.random.seed(1)
            optimizer = gg.optim.Adam(model.parameters(), lr=0.05)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "the loss does not depend on 2 of")
                warnings.filterwarnings("ignore", "the optimizer lacks")
                warnings.simplefilter("error", append=True)
                train(model, eager=eager, optimizer=optimizer, callbacks=[LessDropout(), Thaw()])
        assert compiled
        assert_alike(*models)

    def test_settings_of_the_optimizer_may_change_with_every_step(self):
        class Warm(Callback):
            def on_step_end(self, training):
                training.optimizer.param_groups[0]["momentum"] = 0.5 + training.step / 100

        models = [network(), network()]
        for model, eager in zip(models, (False, True), strict=True):
            gg.random.seed(1)
            options = {
                "optimizer": gg.optim.SGD(model.parameters(), lr=0.1, momentum=0.5),
                "callbacks": [Warm()],
                "epochs": 6,
            }
            if eager:
                train(model, eager=True, **options)
            else:
                with_reason(model, "settings that are built into each program change all the time", **options)
        assert_alike(*models)

    def test_globals_that_a_loss_reads_may_change(self, compiled, monkeypatch):
        class Larger(Callback):
            def on_epoch_end(self, training):
                monkeypatch.setitem(globals(), "factor", factor * 2)

        def loss(output, target):
            return nn.functional.cross_entropy(output, target) * factor

        histories = []
        for eager in (False, True):
            monkeypatch.setitem(globals(), "factor", 1.0)
            model = network()
            optimizer = gg.optim.SGD(model.parameters(), lr=1e-9)
            gg.random.seed(1)
            options = {"optimizer": optimizer, "loss": loss, "callbacks": [Larger()]}
            histories.append(silently(model, eager=eager, **options))
        assert compiled
        np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-5)
        assert histories[0]["loss"][-1] > 4 * histories[0]["loss"][0]


class Own(nn.Module):
    """A linear layer, and something that a program would not do."""

    def __init__(self) -> None:
        gg.random.seed(3)
        self.inner = nn.Linear(3, 2)
        self.calls = 0
        self.seen: list[Any] = []


class Counts(Own):
    def forward(self, x):
        self.calls += 1
        return self.inner(x) / self.calls


class Collects(Own):
    def forward(self, x):
        y = self.inner(x)
        self.seen.append(y)
        return y


class Remembers(Own):
    def forward(self, x):
        y = self.inner(x)
        self.last = y
        return y


class Noise(Own):
    def forward(self, x):
        return self.inner(x) + np.random.normal()


class NoiseOfItsOwn(Own):
    def __init__(self) -> None:
        super().__init__()
        self.generator = np.random.default_rng(5)

    def forward(self, x):
        return self.inner(x) + self.generator.normal()


class Branches(Own):
    def forward(self, x):
        y = self.inner(x)
        return y if gg.sum(y) > 0 else -y


class Item(Own):
    def forward(self, x):
        y = self.inner(x)
        return y * (1.0 + y[0, 0].item() * 0)


class UsesNumPy(Own):
    def forward(self, x):
        y = self.inner(x)
        return y + np.tanh(y.detach().numpy()) * 0.1


class Output:
    def __init__(self, scores: Any) -> None:
        self.scores = scores


class Structured(Own):
    def forward(self, x):
        return Output(self.inner(x))


class TestWhatAProgramWouldNotDo:
    @pytest.mark.parametrize(
        ("kind", "reason"),
        [
            (Counts, "every call changes Counts.calls, which a program would do once"),
            (Collects, "every call changes Collects.seen, which a program would do once"),
            (Remembers, "every call changes Remembers.last, which a program would do once"),
            (Noise, "every call changes numpy.random, which a program would do once"),
            (
                NoiseOfItsOwn,
                "every call changes NoiseOfItsOwn.generator, which a program would do once",
            ),
            (Structured, "the model returns a Output"),
        ],
    )
    def test_is_done_op_by_op(self, kind, reason):
        models = [kind(), kind()]
        for model, eager in zip(models, (False, True), strict=True):
            np.random.seed(2)
            options: dict[str, Any] = {"rows": 18}
            if kind is Structured:
                options["loss"] = lambda output, target: nn.functional.cross_entropy(output.scores, target)
            if eager:
                train(model, eager=True, **options)
            else:
                with_reason(model, reason, **options)
        assert_same_bits(*models)
        assert models[0].calls == models[1].calls
        assert len(models[0].seen) == len(models[1].seen)
        assert all(y.value is not None for y in models[0].seen)

    @pytest.mark.parametrize("kind", [Branches, Item, UsesNumPy])
    def test_needs_values_and_names_the_line(self, kind):
        models = [kind(), kind()]
        train(models[1], eager=True)
        with pytest.warns(
            UserWarning, match=r"fit goes on without compiling.*need.* the value.*test_fit_compiled.py:\d+"
        ):
            train(models[0], eager=False)
        assert_same_bits(*models)

    def test_in_the_loss(self):
        calls = [0]

        def loss(output, target):
            calls[0] += 1
            return nn.functional.cross_entropy(output, target)

        with_reason(
            network(), "every call changes calls, which a program would do once", loss=loss, epochs=3, rows=18
        )
        assert calls == [9]

    def test_a_global_counter(self, monkeypatch):
        monkeypatch.setitem(globals(), "factor", 0.0)

        def loss(output, target):
            global factor
            factor += 1.0
            return nn.functional.cross_entropy(output, target)

        reason = "every call changes test_fit_compiled.factor, which a program would do once"
        with_reason(network(), reason, loss=loss, epochs=3, rows=18)
        assert factor == 9.0

    def test_a_broken_compiler(self, monkeypatch):
        def broken(*arguments):
            raise RuntimeError("LLVM has no memory")

        monkeypatch.setattr("glassgrad.compiler.compiled.trace_step", broken)
        models = [network(), network()]
        for model, eager in zip(models, (False, True), strict=True):
            gg.random.seed(1)
            if eager:
                train(model, eager=True)
            else:
                with_reason(model, "RuntimeError: LLVM has no memory")
        assert_same_bits(*models)


class TestShapes:
    def test_that_always_change_are_reported_once(self, compiled):
        model = nn.Linear(3, 2)
        steps = programs.Programs(model, "fit", [model], lambda rows: 2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for rows in range(1, programs.MANY_SHAPES + 9):
                steps(gg.zeros((rows, 3)))
        (warning,) = caught
        assert str(warning.message) == (
            "fit: batches have come in 33 shapes, the last float32[33, 3]. A shape is compiled by itself, when it has "
            "come often; the others run as they are. For full speed give batches few shapes, by padding them."
        )
        assert compiled == []

    def test_are_compiled_one_by_one_without_a_word(self, compiled):
        model = nn.Linear(3, 2)
        steps = programs.Programs(model, "fit", [model], lambda rows: rows)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(4):
                for rows in (1, 2, 3):
                    found = steps(gg.asarray(X[:rows]))
                    np.testing.assert_allclose(found.numpy(), model(X[:rows]).numpy(), rtol=1e-6)
        assert [compiled.count((rows, 3)) for rows in (1, 2, 3)] == [3, 2, 1]

    def test_larger_layers_are_compiled_sooner(self, monkeypatch):
        monkeypatch.undo()
        assert [programs.needed_for(n) for n in (0, 1e4, 3e4, 1e9)] == [160, 80, 40, 1]

    def test_the_size_of_values(self):
        x = nn.Parameter(np.ones((4, 2), np.float32))
        loss = gg.sum(gg.tanh(x))
        assert programs.mean_elements(loss) == (8 + 8 + 1) / 3
        assert programs.mean_elements(gg.ones(3)) == 1.0


class TestMeasuring:
    def test_predict_is_the_same_compiled(self, compiled):
        model = network().eval()
        found, wanted = (predict(model, X, 4, eager=eager) for eager in (False, True))
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
        assert compiled == [(4, 3)] * 3

    def test_evaluate_is_the_same_compiled(self, compiled):
        model = network()
        found, wanted = (
            evaluate(model, nn.CrossEntropyLoss(), DataLoader((X, LABELS), 4), eager=eager)
            for eager in (False, True)
        )
        assert found == pytest.approx(wanted, rel=1e-6)
        assert compiled == [(4, 3)] * 3


class TestThreads:
    def test_trainings_side_by_side_are_as_alone(self):
        def data(number: int) -> Any:
            return DataLoader((X + number, LABELS), 6)

        def model(number: int) -> nn.Module:
            gg.random.seed(number)
            return nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 2))

        alone = [model(number) for number in range(3)]
        for number, each in enumerate(alone):
            train(each, eager=False, data=data(number), epochs=12)
        together = [model(number) for number in range(3)]
        problems: list[BaseException] = []

        def work(number: int) -> None:
            try:
                train(together[number], eager=False, data=data(number), epochs=12)
            except BaseException as problem:
                problems.append(problem)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert problems == []
        for left, right in zip(together, alone, strict=True):
            assert_same_bits(left, right)
