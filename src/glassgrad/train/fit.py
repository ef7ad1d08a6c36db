"""Training: `gg.fit` runs the epochs, and between them measures, shows, saves and stops."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from ..data import DataLoader
from ..errors import GraphError, NotFiniteError
from ..graph import notice
from ..nn import Module
from ..ops.compare import isfinite, where
from ..optim import Optimizer
from ..tensor import Tensor
from ..tensor.staging import staging
from .averages import Averages
from .callbacks import Callback
from .check import require_trainable
from .checkpoints import CheckpointFolder, restore
from .evaluate import (
    Loss,
    Metric,
    as_pair,
    forward_pass,
    measure,
    measure_all,
    require_metrics,
    require_scalar,
)
from .history import History
from .interrupt import InterruptAtStepEnd
from .not_finite import explain_loss, require_finite_parameters
from .programs import FORWARD_ONLY, Programs, mean_elements, needed_for
from .progress import Progress, open_progress
from .training import Training


def fit(
    model: Module,
    loss: Loss,
    data: DataLoader,
    optimizer: Optimizer,
    epochs: int,
    validation: DataLoader | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    *,
    metrics: Mapping[str, Metric] | None = None,
    progress: bool = True,
    eager: bool = False,
) -> History:
    """Train `model` for `epochs` passes over `data`, and return what was measured in each.

    loss: (output, targets) -> one number, such as `gg.nn.CrossEntropyLoss()`.
    data, validation: DataLoaders of (inputs, targets). The model is in training mode for `data`; it is only measured
        on `validation`, in evaluation mode. In the end every module is in the mode in which it came.
    optimizer: made from the model's parameters.
    epochs: how many epochs there shall be in all, those before a resume included.
    callbacks: such as `gg.EarlyStopping(patience=5)` or `gg.train.LearningRateSchedule(scheduler)`.
    checkpoint: a folder that gets last.safetensors after every epoch, and at Ctrl-C, and best.safetensors after
        the best epoch: the one with the least validation loss (without validation data, the least training loss).
    resume: last.safetensors (or its folder), from which training goes on bit for bit, also in the middle of an epoch.
        The arguments must be made as they were then. Of all random numbers, those of `gg.random` are restored.
    metrics: functions (output, targets) -> mean over the batch's rows, by name; for each, the history has a column
        and a validation_ column. None measures the accuracy if outputs are (rows, classes) and targets integers.
    progress: show a bar on a terminal, or a line per epoch elsewhere.
    eager: run every step op by op. Otherwise steps become compiled programs as soon as that pays, for each shape of
        batches by itself; what a program could not do the same goes on as it is, and one line says why
        (docs/compile.md). Callbacks of your own find each step's gradients in `.grad` either way.

    Returns the history: epoch, loss and metrics (means over the rows of the batches, as they were during training),
    validation_loss and its metrics, learning_rate (of the last step), seconds (with validation), samples_per_second
    (without).
    Raises NotFiniteError when the loss becomes nan or infinite, saying where it began: the parameters are then those
    before the step, and the checkpoint that of the last epoch. Ctrl-C waits for the step to end (a second one does
    not), saves last.safetensors and raises KeyboardInterrupt. Raises ArgumentError, GraphError, DataError, ShapeError
    or CheckpointError for what else cannot work, before the first step where it can be seen there.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32).reshape(64, 1)
    >>> model = gg.nn.Linear(1, 1)
    >>> data = gg.data.DataLoader((x, 3 * x + 1), batch_size=16, shuffle=True)
    >>> optimizer = gg.optim.SGD(model.parameters(), lr=0.1)
    >>> history = fit(model, gg.nn.MSELoss(), data, optimizer, epochs=50, progress=False)
    >>> round(model.weight.item(), 3), round(model.bias.item(), 3)
    (3.0, 1.0)
    """
    training = Training(model, optimizer, data, validation, epochs, callbacks)
    require_trainable(training, loss)
    require_metrics(metrics)
    source = None if resume is None else restore(resume, training)
    folder = None if checkpoint is None else CheckpointFolder(checkpoint, source)
    if folder is not None:
        folder.prepare()
    modes = [(module, module.training) for module in model.modules()]
    try:
        with open_progress(training, progress) as shown, InterruptAtStepEnd() as interrupt:
            _Loop(training, loss, metrics, folder, shown, interrupt, eager).run()
    except NotFiniteError as error:
        if folder is not None and folder.last.exists():
            error.message += f" The last good checkpoint is {folder.last}."
        raise
    finally:
        for module, mode in modes:
            module.training = mode
    return training.history


class _Loop:
    """The epochs and steps of one call of `fit`."""

    def __init__(
        self,
        training: Training,
        loss: Loss,
        metrics: Mapping[str, Metric] | None,
        folder: CheckpointFolder | None,
        shown: Progress,
        interrupt: InterruptAtStepEnd,
        eager: bool,
    ) -> None:
        self.training = training
        self.loss = loss
        self.metrics = metrics
        self.folder = folder
        self.shown = shown
        self.interrupt = interrupt
        self.is_first_step = True
        self.parameters = [*training.model.parameters(), *training.optimizer.parameters()]
        self.keeps_gradients = any(_is_users(callback) for callback in training.callbacks)
        self.steps = Programs(
            self._step,
            "fit",
            [training.model, loss, training.optimizer],
            lambda rows: needed_for(training.waiting["steps"].elements * rows),
            training.waiting["steps"],
            eager=eager,
        )
        self.lock = self.steps.lock  # parameters have no value while another thread traces
        self.forward = forward_pass(
            training.model,
            loss,
            "fit, measuring validation data,",
            lambda rows: FORWARD_ONLY * needed_for(training.waiting["steps"].elements * rows),
            training.waiting["validation"],
            eager=eager,
        )

    def run(self) -> None:
        """Run the epochs that are left."""
        training = self.training
        self._call(Callback.on_train_begin)
        while training.epoch <= training.epochs and training.stop_reason is None:
            self._run_epoch()
        self._call(Callback.on_train_end)
        self.shown.after_training(training)

    def _run_epoch(self) -> None:
        training = self.training
        self._train()
        with self.lock:
            require_finite_parameters(training)
        training.history.append(self._measure_epoch())
        self._call(Callback.on_epoch_end)
        training.epoch += 1
        training.averages = Averages()
        training.position = training.data.state_dict()
        if self.folder is not None:
            with self.lock:
                self.folder.save_epoch(training)
        self.shown.after_epoch(training)

    def _call(self, moment: Callable[[Callback, Training], None]) -> None:
        """Let every callback hear of it. The user's are not locked in: they may wait for threads of their own."""
        for callback in self.training.callbacks:
            with nullcontext() if _is_users(callback) else self.lock:
                getattr(callback, moment.__name__)(self.training)

    def _train(self) -> None:
        """Take the steps of the epoch that are left."""
        training, averages = self.training, self.training.averages
        training.model.train()
        started = time.perf_counter() - averages.seconds
        for batch in training.data:
            inputs, targets = as_pair(batch)
            training.learning_rate = float(training.optimizer.param_groups[0]["lr"])
            output, value = self._take_step(inputs, targets)
            averages.add(len(inputs), {"loss": value, **measure(self.metrics, output, targets)})
            averages.seconds = time.perf_counter() - started
            training.step += 1
            training.position = training.data.state_dict()
            self._call(Callback.on_step_end)
            self.shown.after_step(training)
            self._stop_if_interrupted()

    def _take_step(self, inputs: Tensor, targets: Tensor) -> tuple[Any, float]:
        """Update the parameters once; returns the model's output and the loss before the update."""
        output, loss, gradients = self.steps(inputs, targets)
        value = float(loss.item())
        if not math.isfinite(value):
            raise explain_loss(self.training, inputs, targets, output, value)
        if gradients is not None:
            for place, parameter in enumerate(self.parameters):
                parameter.grad = gradients.get(place)
        return output, value

    def _step(self, inputs: Tensor, targets: Tensor) -> tuple[Any, Tensor, dict[int, Tensor] | None]:
        """The step itself, as it is or traced. A loss that is not finite changes nothing.

        The gradients come last if it is traced: those that callbacks may look at.
        """
        training, is_traced = self.training, staging() is not None
        before = [(cell, cell.node, cell.detach()) for cell in _cells_of(training)] if is_traced else []
        training.optimizer.zero_grad()
        output = training.model(inputs)
        loss = require_scalar(self.loss(output, targets))
        if not is_traced:
            if not math.isfinite(loss.item()):
                return output, loss, None
            if training.waiting["steps"].elements == 0:
                training.waiting["steps"].elements = mean_elements(loss) / len(inputs)
        loss.backward()
        if self.is_first_step:
            self.is_first_step = False
            _require_gradients(training)
        training.optimizer.step()
        if not is_traced:
            return output, loss, None
        is_finite = isfinite(loss.detach())
        for cell, node, value in before:
            if cell.node is not node:  # it was assigned
                cell.assign(where(is_finite, cell.detach(), value))
        kept = enumerate(self.parameters if self.keeps_gradients else ())
        return output, loss, {place: p.grad for place, p in kept if p.grad is not None}

    def _measure_epoch(self) -> dict[str, float]:
        training, averages = self.training, self.training.averages
        record = {"epoch": float(training.epoch), **averages.means()}
        seconds = averages.seconds
        if training.validation is not None:
            started = time.perf_counter()
            waiting = training.waiting["validation"]
            before = waiting.state_dict()

            def stop_if_interrupted() -> None:
                if self.interrupt.requested:
                    waiting.load_state_dict(before)  # all of the validation will be done again
                self._stop_if_interrupted()

            measured = measure_all(
                training.model, self.forward, training.validation, self.metrics, stop_if_interrupted
            )
            record |= {f"validation_{name}": value for name, value in measured.items()}
            seconds += time.perf_counter() - started
        return record | {
            "learning_rate": training.learning_rate,
            "seconds": seconds,
            "samples_per_second": averages.rows / averages.seconds,
        }

    def _stop_if_interrupted(self) -> None:
        if not self.interrupt.requested:
            return
        training = self.training
        done = f"training was interrupted in epoch {training.epoch}, after step {training.step}"
        if self.folder is None:
            raise KeyboardInterrupt(f"{done}; nothing was saved, since fit had no checkpoint= folder")
        with self.lock:
            require_finite_parameters(training)
            self.folder.save(training)
        raise KeyboardInterrupt(f"{done}; go on with resume={str(self.folder.last)!r}")


def _require_gradients(training: Training) -> None:
    """After the first backward: GraphError if no parameter got a gradient, a warning if some did not."""
    trainable = {name: p for name, p in training.model.named_parameters() if p.requires_grad}
    missing = [name for name, p in trainable.items() if p.grad is None]
    if len(missing) == len(trainable):
        raise GraphError(
            "fit: the loss does not depend on any parameter of the model. Compute it from the model's output, without "
            ".detach(), .numpy() or gg.no_grad() in between."
        )
    if missing:
        notice(
            f"the loss does not depend on {len(missing)} of the model's {len(trainable)} parameters, which will not "
            f"be learnt: {', '.join(missing)}. Does forward() use every layer?"
        )


def _cells_of(training: Training) -> list[Any]:
    """Everything that a step changes."""
    states = training.optimizer.state.values()
    cells = [
        *training.model.parameters(),
        *training.model.buffers(),
        *training.optimizer.parameters(),
        *(buffer for state in states for buffer in state.values()),
    ]
    return list(dict.fromkeys(cells))


def _is_users(callback: Callback) -> bool:
    """Whether a callback may look at gradients; those of glassgrad do not."""
    return type(callback).__module__.partition(".")[0] != __name__.partition(".")[0]
