"""gg.fit: what its errors say."""

from __future__ import annotations

import os

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.data import DataLoader
from glassgrad.io import Checkpoint, load_checkpoint, save_arrays, save_checkpoint
from glassgrad.train import Callback, LearningRateSchedule, restore_model

X = np.ones((4, 2), np.float32)
Y = np.ones((4, 1), np.float32)


def fit(**changes):
    """A training that works, with some arguments changed."""
    model = changes.get("model", nn.Linear(2, 1))
    arguments = {
        "model": model,
        "loss": nn.MSELoss(),
        "data": DataLoader((X, Y), 2),
        "optimizer": gg.optim.SGD(model.parameters(), lr=0.1) if isinstance(model, nn.Module) else None,
        "epochs": 1,
        "progress": False,
    }
    return gg.fit(**(arguments | changes))


def error_of(kind: type[Exception], **changes) -> str:
    with pytest.raises(kind) as raised:
        fit(**changes)
    return str(raised.value)


class TestArguments:
    def test_the_one_they_are_changed_from_works(self):
        assert len(fit()) == 1

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"model": len}, "fit: model is a builtin_function_or_method; expected a gg.nn.Module."),
            (
                {"loss": "mse"},
                "fit: loss is a str; expected a function (output, target) -> one number, such as "
                "gg.nn.CrossEntropyLoss().",
            ),
            ({"loss": nn.MSELoss}, "fit: loss is the class MSELoss; expected an object of it: MSELoss()."),
            (
                {"data": (X, Y)},
                "fit: data is a tuple; expected a DataLoader, which says how large the batches are: "
                "gg.data.DataLoader((inputs, targets), batch_size=32, shuffle=True).",
            ),
            (
                {"validation": X},
                "fit: validation is a ndarray; expected a DataLoader, which says how large the batches are: "
                "gg.data.DataLoader((inputs, targets), batch_size=32, shuffle=True).",
            ),
            (
                {"optimizer": 0.1},
                "fit: optimizer is a float; expected one of gg.optim, such as gg.optim.Adam(model.parameters()).",
            ),
            ({"epochs": 0}, "fit: epochs is 0; expected a whole number, 1 or more."),
            ({"epochs": 1.5}, "fit: epochs is 1.5; expected a whole number, 1 or more."),
            ({"epochs": True}, "fit: epochs is True; expected a whole number, 1 or more."),
            (
                {"callbacks": gg.EarlyStopping(3)},
                "fit: callbacks is a EarlyStopping; expected a list: callbacks=[...].",
            ),
            (
                {"callbacks": [print]},
                "fit: callbacks holds a builtin_function_or_method; expected gg.train.Callback objects. "
                "Derive its class from gg.train.Callback.",
            ),
            (
                {"metrics": [np.mean]},
                "metrics must be a dict of functions (output, target) -> number by name, such as "
                "{'accuracy': gg.train.accuracy}.",
            ),
            (
                {"metrics": {"loss": np.mean}},
                "metrics: the history has its own 'loss'. Give the metric another name.",
            ),
            (
                {"callbacks": [gg.EarlyStopping(3)]},
                "EarlyStopping monitors 'validation_loss', but fit has no validation data: pass validation=, or "
                "monitor='loss'.",
            ),
            (
                {"callbacks": [gg.EarlyStopping(3, monitor="accuracy")]},
                "EarlyStopping monitors 'accuracy', which the epochs of this training lack; they have 'epoch', "
                "'loss', 'learning_rate', 'seconds', 'samples_per_second'.",
            ),
        ],
    )
    def test_message(self, changes, message):
        assert error_of(gg.ArgumentError, **changes) == message

    def test_scheduler_among_the_callbacks(self):
        model = nn.Linear(2, 1)
        optimizer = gg.optim.SGD(model.parameters())
        scheduler = gg.optim.lr_scheduler.StepLR(optimizer, 1)
        assert error_of(gg.ArgumentError, model=model, optimizer=optimizer, callbacks=[scheduler]) == (
            "fit: callbacks holds a StepLR; expected gg.train.Callback objects. "
            "Wrap the scheduler: gg.train.LearningRateSchedule(StepLR(...))."
        )

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (
                lambda: gg.EarlyStopping(0),
                "EarlyStopping: patience is 0; expected a whole number of epochs, 1 or more.",
            ),
            (
                lambda: gg.EarlyStopping(2, min_delta=-1.0),
                "EarlyStopping: min_delta is -1.0; expected a number of 0 or more.",
            ),
            (
                lambda: gg.EarlyStopping(2, mode="least"),
                "EarlyStopping: mode is 'least'; expected 'auto', 'min' or 'max'.",
            ),
            (
                lambda: LearningRateSchedule(0.1),
                "LearningRateSchedule needs a scheduler, such as gg.optim.lr_scheduler.StepLR(optimizer, 10); "
                "got float.",
            ),
            (
                lambda: LearningRateSchedule(
                    gg.optim.lr_scheduler.StepLR(gg.optim.SGD([nn.Parameter(1.0)]), 1), every="batch"
                ),
                "LearningRateSchedule: every is 'batch'; expected 'epoch' or 'step'.",
            ),
        ],
    )
    def test_callbacks_refuse(self, make, message):
        with pytest.raises(gg.ArgumentError) as raised:
            make()
        assert str(raised.value) == message


class TestParameters:
    def test_optimizer_of_another_model(self):
        other = gg.optim.SGD(nn.Linear(2, 1).parameters())
        assert error_of(gg.ArgumentError, optimizer=other) == (
            "fit: the optimizer has none of the model's parameters, so nothing would be learnt. Make it from this "
            "model, after its last change: gg.optim.Adam(model.parameters())."
        )

    def test_optimizer_with_a_part_of_the_model(self):
        model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
        optimizer = gg.optim.SGD(model[1].parameters())
        with pytest.warns(UserWarning, match="optimizer lacks") as warned:
            fit(model=model, optimizer=optimizer)
        assert [str(warning.message) for warning in warned] == [
            "the optimizer lacks 2 of the model's 4 parameters, which will stay as they are: 0.weight, 0.bias. "
            "Make it from model.parameters(), after the model's last change; or, if this is meant, freeze them: "
            "parameter.requires_grad = False"
        ]
        assert warned[0].filename == __file__

    def test_all_frozen(self):
        model = nn.Linear(2, 1)
        optimizer = gg.optim.SGD(model.parameters())
        model.requires_grad_(False)
        assert error_of(gg.ArgumentError, model=model, optimizer=optimizer) == (
            "fit: the model has no parameter to train: it has none at all, or all are frozen."
        )

    def test_layer_that_is_not_used(self):
        class Forgetful(nn.Module):
            def __init__(self):
                self.used, self.forgotten = nn.Linear(2, 1), nn.Linear(2, 1)

            def forward(self, x):
                return self.used(x)

        with pytest.warns(UserWarning, match="does not depend on 2") as warned:
            fit(model=Forgetful())
        assert [str(warning.message) for warning in warned] == [
            "the loss does not depend on 2 of the model's 4 parameters, which will not be learnt: forgotten.weight, "
            "forgotten.bias. Does forward() use every layer?"
        ]


class TestLoss:
    def test_no_tensor(self):
        message = error_of(gg.ArgumentError, loss=lambda output, target: 1.0)
        assert message == (
            "the loss function returned a float; expected a tensor with one number, which gradients can go back "
            "through."
        )

    def test_not_one_number(self):
        assert error_of(gg.ShapeError, loss=nn.MSELoss(reduction="none")) == (
            "the loss must be one number; the loss function returned shape (2, 1). Use reduction='mean', or return "
            "loss.mean()."
        )

    def test_inside_no_grad(self):
        with gg.no_grad():
            message = error_of(gg.GraphError)
        assert (
            message
            == "fit was called inside `with gg.no_grad():`, where no gradients exist. Call it outside."
        )

    def test_of_a_detached_output(self):
        message = error_of(gg.GraphError, loss=lambda output, target: nn.MSELoss()(output.detach(), target))
        assert message.startswith(
            "backward() has nothing to go back through: a tensor this result depends on was detached by .detach() at "
        )
        assert "test_fit_mistakes.py:" in message

    def test_of_a_model_that_computes_without_recording(self):
        class Unrecorded(nn.Linear):
            def forward(self, x):
                with gg.no_grad():
                    return super().forward(x)

        message = error_of(gg.GraphError, model=Unrecorded(2, 1))
        assert message.startswith(
            "backward() has nothing to go back through: a tensor this result depends on was computed under gg.no_grad()"
        )

    def test_of_something_else_than_the_output(self):
        stray = nn.Parameter(1.0)
        assert error_of(gg.GraphError, loss=lambda output, target: stray * stray) == (
            "fit: the loss does not depend on any parameter of the model. Compute it from the model's output, without "
            ".detach(), .numpy() or gg.no_grad() in between."
        )


class TestData:
    @pytest.mark.parametrize("fields", [1, 3])
    def test_batches_that_are_no_pairs(self, fields):
        assert error_of(gg.DataError, data=DataLoader((X,) * fields, 2)) == (
            f"a batch must be (inputs, targets), so 2 tensors; this data gives {fields}. Make the DataLoader of a "
            f"pair: gg.data.DataLoader((inputs, targets), batch_size=32)."
        )

    def test_wrong_number_of_features_names_the_layer_and_both_shapes(self):
        model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
        message = error_of(gg.ShapeError, model=model)
        assert "Linear expects 3 input features on the last axis; got input of shape (2, 2)" in message


class TestNotFinite:
    def test_inputs(self):
        x = X.copy()
        x[3, 1] = np.nan  # in the second batch of two
        assert error_of(gg.NotFiniteError, data=DataLoader((x, Y), 2)) == (
            "the loss is nan in epoch 1, step 2 (learning rate 0.1). The inputs of this batch have nan at [1, 1] "
            "(and 1 of 4 values not finite). Clean the data: remove or fill in such values."
        )

    def test_targets(self):
        y = Y.copy()
        y[:2] = np.inf
        assert error_of(gg.NotFiniteError, data=DataLoader((X, y), 2)) == (
            "the loss is inf in epoch 1, step 1 (learning rate 0.1). The targets of this batch have inf at [0, 0] "
            "(and 2 of 2 values not finite). Clean the data: remove or fill in such values."
        )

    def test_parameters_before_training(self):
        model = nn.Linear(2, 1)
        model.bias.assign([float("nan")])
        assert error_of(gg.NotFiniteError, model=model) == (
            "the loss is nan in epoch 1, step 1 (learning rate 0.1). Before this step, parameter 'bias' has nan at [0] "
            "(and 1 of 1 values not finite): an earlier update made it so. Train with a smaller learning rate, such as "
            "0.01."
        )

    def test_output(self):
        class Overflow(nn.Linear):
            def forward(self, x):
                return gg.exp(1000.0 + super().forward(x))

        assert error_of(gg.NotFiniteError, model=Overflow(2, 1)) == (
            "the loss is inf in epoch 1, step 1 (learning rate 0.1). Inputs and parameters are finite, but the model's "
            "output has inf at [0, 0] (and 2 of 2 values not finite): the forward pass overflowed. Scale the inputs to "
            "about -1 to 1. Train with a smaller learning rate, such as 0.01."
        )

    def test_loss_function(self):
        message = error_of(gg.NotFiniteError, loss=lambda output, target: gg.log(0.0 * output).mean())
        assert message == (
            "the loss is -inf in epoch 1, step 1 (learning rate 0.1). Inputs, parameters and the model's output are "
            "finite, so the loss function made it, as the logarithm of 0 does. Use a loss that takes logits "
            "(CrossEntropyLoss, BCEWithLogitsLoss) and no softmax or sigmoid before it."
        )

    def test_divergence_keeps_the_last_good_checkpoint_and_the_parameters_before_the_step(self, tmp_path):
        model = nn.Linear(2, 1)
        optimizer = gg.optim.SGD(model.parameters(), lr=1e4)
        message = error_of(
            gg.NotFiniteError, model=model, optimizer=optimizer, epochs=50, checkpoint=tmp_path
        )
        assert message.startswith("the loss is inf in epoch ")
        assert message.endswith(f" The last good checkpoint is {tmp_path / 'last.safetensors'}.")
        saved = load_checkpoint(tmp_path / "last.safetensors")
        assert np.isfinite(saved.arrays["model.weight"]).all()
        assert np.isfinite(model.weight.numpy()).all()
        assert all(np.isfinite(record["loss"]) for record in saved.state["history"])

    def test_finite_loss_with_a_gradient_that_is_not(self, tmp_path):
        def loss(output, target):  # the square root of 0 is finite, its derivative is not
            return gg.sqrt(0.0 * output).mean()

        message = error_of(gg.NotFiniteError, loss=loss, data=DataLoader((X, Y), 4), checkpoint=tmp_path)
        assert message == (
            "after epoch 1, step 1 (learning rate 0.1), parameter 'weight' has nan at [0, 0] (and 2 of 2 values not "
            "finite): the loss was finite, so its gradient was not. Train with a smaller learning rate, such as 0.01."
        )
        assert list(tmp_path.iterdir()) == []


class TestCheckpoint:
    def test_folder_that_cannot_be_made_is_refused_before_the_first_step(self, tmp_path):
        (tmp_path / "file").write_text("")
        model = nn.Linear(2, 1)
        before = model.state_dict()
        assert error_of(gg.CheckpointError, model=model, checkpoint=tmp_path / "file" / "runs") == (
            f"could not make the checkpoint folder {tmp_path / 'file' / 'runs'}: Not a directory. "
            f"Choose another folder."
        )
        assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())

    def test_folder_that_cannot_be_written_to_is_refused_before_the_first_step(self, tmp_path, monkeypatch):
        def read_only(descriptor):
            raise OSError(30, os.strerror(30))

        monkeypatch.setattr(os, "fsync", read_only)
        model = nn.Linear(2, 1)
        before = model.state_dict()
        message = error_of(gg.CheckpointError, model=model, checkpoint=tmp_path)
        assert message.endswith(
            "Read-only file system (EROFS). No file was left behind. This disk is read-only: write to a folder on "
            "another one."
        )
        assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())

    def test_folder_of_an_earlier_training_is_not_overwritten(self, tmp_path):
        fit(checkpoint=tmp_path)
        before = (tmp_path / "last.safetensors").read_bytes()
        file = tmp_path / "last.safetensors"
        assert error_of(gg.CheckpointError, checkpoint=tmp_path) == (
            f"{file} is the checkpoint of an earlier training, which this one would overwrite. Go on from it with "
            f"resume={str(file)!r}, choose another checkpoint folder, or delete the file."
        )
        assert file.read_bytes() == before

    def test_resume_from_nowhere(self, tmp_path):
        assert error_of(gg.CheckpointError, resume=tmp_path) == (
            f"there is no file {tmp_path / 'last.safetensors'}. Check the path."
        )

    def test_resume_from_parameters(self, tmp_path):
        save_arrays(tmp_path / "model.safetensors", {"weight": np.ones(2)})
        assert error_of(gg.CheckpointError, resume=tmp_path / "model.safetensors").startswith(
            f"{tmp_path / 'model.safetensors'} is a safetensors file but no glassgrad checkpoint"
        )

    def test_resume_from_another_kind_of_checkpoint(self, tmp_path):
        file = tmp_path / "own.safetensors"
        save_checkpoint(file, Checkpoint({}, {"model": {}, "epoch": 3}))
        assert error_of(gg.CheckpointError, resume=file) == (
            f"{file} is a checkpoint, but not of gg.fit: it lacks 'optimizer', 'callbacks', 'random', 'data', "
            f"'history', 'step', 'learning_rate', 'averages'. "
            f"Give a last.safetensors or best.safetensors that gg.fit wrote."
        )

    @pytest.mark.parametrize("name", ["optimizer", "averages", "history", "callbacks", "model"])
    def test_resume_from_a_damaged_one(self, tmp_path, name):
        fit(checkpoint=tmp_path)
        file = tmp_path / "last.safetensors"
        whole = load_checkpoint(file)
        save_checkpoint(file, Checkpoint(whole.arrays, whole.state | {name: 7}))
        message = error_of(gg.CheckpointError, resume=file)
        assert message.startswith((f"{file} is a damaged checkpoint: ", f"cannot use {file}: "))

    def test_resume_without_an_array(self, tmp_path):
        fit(checkpoint=tmp_path)
        file = tmp_path / "last.safetensors"
        whole = load_checkpoint(file)
        del whole.arrays["model.weight"]
        save_checkpoint(file, whole)
        assert error_of(gg.CheckpointError, resume=file) == (
            f"cannot use {file}: it is damaged: it lacks the array 'model.weight'. Use an earlier checkpoint."
        )

    def test_resume_with_another_optimizer(self, tmp_path):
        fit(checkpoint=tmp_path)
        model = nn.Linear(2, 1)
        file = tmp_path / "last.safetensors"
        assert error_of(
            gg.CheckpointError, model=model, optimizer=gg.optim.Adam(model.parameters()), resume=tmp_path
        ) == (
            f"cannot use {file}: the saved training used the optimizer SGD; this one uses Adam. "
            f"Make the same optimizer as then."
        )

    def test_resume_with_other_callbacks(self, tmp_path):
        fit(checkpoint=tmp_path, callbacks=[gg.EarlyStopping(2, "loss")])
        assert error_of(gg.CheckpointError, resume=tmp_path, callbacks=[Callback()]) == (
            f"cannot use {tmp_path / 'last.safetensors'}: the saved training had the callbacks [EarlyStopping]; "
            f"this one has [Callback]. Pass the same, in the same order."
        )

    def test_resume_with_other_data(self, tmp_path):
        fit(checkpoint=tmp_path)
        message = error_of(gg.CheckpointError, resume=tmp_path, data=DataLoader((X, Y), 3))
        assert message == (
            f"cannot use {tmp_path / 'last.safetensors'}: the saved position belongs to another data loader: "
            f"batch_size was 2, is 3. Make the DataLoader as it was made then, or start without the saved position"
        )

    def test_resume_with_another_model(self, tmp_path):
        fit(checkpoint=tmp_path)
        message = error_of(gg.CheckpointError, resume=tmp_path, model=nn.Sequential(nn.Linear(2, 1)))
        assert message.startswith(f"cannot use {tmp_path / 'last.safetensors'}: ")
        assert "0.weight" in message

    def test_restore_model_of_another(self, tmp_path):
        fit(checkpoint=tmp_path)
        with pytest.raises(gg.CheckpointError) as raised:
            restore_model(tmp_path / "best.safetensors", nn.Linear(2, 2))
        assert str(raised.value).startswith(f"cannot use {tmp_path / 'best.safetensors'}: ")
