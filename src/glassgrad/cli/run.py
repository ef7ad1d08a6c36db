"""A run from its first epoch to its last picture."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from rich.console import Console

from .. import __version__, random
from ..data import DataLoader
from ..nn import CrossEntropyLoss, Module, MSELoss
from ..optim import Adam
from ..train import EarlyStopping, History, fit, predict, restore_model
from ..train.checkpoints import BEST, LAST
from .config import RunConfig
from .network import build_network
from .prepare import Prepared
from .report import (
    ClassificationTest,
    RegressionTest,
    draw_pictures,
    print_contents,
    print_plainly,
)
from .run_folder import save_model
from .threads import suitable_threads

EVALUATION_BATCH = 1024


def train_and_report(folder: Path, config: RunConfig, prepared: Prepared, console: Console) -> None:
    """Train until the last epoch, from the last checkpoint in `folder` if it has one; then test, draw and report.

    Raises KeyboardInterrupt, with a text that says how to go on, at Ctrl-C.
    """
    started = time.perf_counter()
    random.seed(config.training.seed)
    model = build_network(config.network)
    print_plainly(console, _describe(folder, config, prepared, model))
    try:
        with suitable_threads(config):
            history = _train(folder, config, prepared, model)
        restore_model(folder / BEST, model)
        test = _test(model, prepared, config.training.eager)
        best = history.best("loss" if prepared.validation is None else "validation_loss", "min")["epoch"]
        about = {"made_with": f"glassgrad {__version__}", "best_epoch": f"{best:.0f}", **test.summary()}
        save_model(folder, model, about)
        history.to_csv(folder / "history.csv")
        note = draw_pictures(folder, history, test)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Interrupted; what was learnt so far is kept. Go on with: "
            f"glassgrad train --resume {shlex.quote(str(folder))}"
        ) from None
    print_plainly(
        console, f"\nafter epoch {best:.0f}, the best, on the {len(prepared.test):,} rows for testing:"
    )
    test.print(console)
    print_contents(console, folder)
    if note:
        print_plainly(console, note)
    print_plainly(
        console,
        f"\n{time.perf_counter() - started:.1f} seconds. Next:\n{_next_commands(folder, config, history)}",
    )


def _train(folder: Path, config: RunConfig, prepared: Prepared, model: Module) -> History:
    settings = config.training
    monitor = "loss" if prepared.validation is None else "validation_loss"
    # It need not bring the best parameters back, because best.safetensors has them.
    stopping = EarlyStopping(settings.patience, monitor, restore_best=False)
    last = folder / LAST
    return fit(
        model,
        CrossEntropyLoss(label_smoothing=settings.label_smoothing) if prepared.class_names else MSELoss(),
        DataLoader(prepared.training, settings.batch_size, shuffle=True, seed=settings.seed),
        Adam(model.parameters(), lr=settings.learning_rate),
        settings.epochs,
        validation=None if prepared.validation is None else DataLoader(prepared.validation, EVALUATION_BATCH),
        callbacks=[stopping],
        checkpoint=folder,
        resume=last if last.exists() else None,
        eager=settings.eager,
    )


def _test(model: Module, prepared: Prepared, eager: bool) -> ClassificationTest | RegressionTest:
    features, targets = prepared.test.arrays
    outputs = predict(model, features, eager=eager)
    if prepared.schema is not None and not prepared.class_names:
        return RegressionTest(outputs, targets, prepared.schema)
    return ClassificationTest(outputs, targets, prepared.class_names)


def _describe(folder: Path, config: RunConfig, prepared: Prepared, model: Module) -> str:
    chosen_by = (
        "" if prepared.validation is None else f", {len(prepared.validation):,} to choose the best epoch by"
    )
    network = config.network
    widths = " → ".join(map(str, [network.inputs, *network.hidden, network.outputs]))
    lines = [
        f"task     {_describe_task(config, prepared)}",
        f"rows     {len(prepared.training):,} to learn from{chosen_by}, {len(prepared.test):,} for testing",
        f"network  {widths}, {model.num_parameters():,} parameters, dropout {network.dropout:g}",
        f"folder   {folder}",
        *(f"note     {note}" for note in prepared.notes),
    ]
    return "\n".join(lines) + "\n"


def _describe_task(config: RunConfig, prepared: Prepared) -> str:
    if config.data.source == "digits":
        return "classification: which of 10 digits an image of 8×8 pixels shows"
    columns = 0 if prepared.schema is None else len(prepared.schema.columns)
    of = f"from {columns} columns ({prepared.inputs} inputs)"
    if prepared.class_names:
        return f"classification: {config.data.target!r}, one of {len(prepared.class_names)} classes, {of}"
    return f"regression: the number {config.data.target!r}, {of}"


def _next_commands(folder: Path, config: RunConfig, history: History) -> str:
    commands: list[list[object]] = []
    if config.data.path is not None:
        commands.append(["glassgrad", "predict", folder, "--csv", config.data.path])
    if len(history) == config.training.epochs:  # else early stopping would end it at once
        commands.append(["glassgrad", "train", "--resume", folder, "--epochs", 2 * config.training.epochs])
    if config.data.source == "digits":
        commands.append(["glassgrad", "train", "digits", "--hidden", "32", "--seed", "1"])
    return "\n".join(f"  {shlex.join(map(str, command))}" for command in commands)
