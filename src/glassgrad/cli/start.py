"""From the options of `glassgrad train` to a run: a new one, or one that goes on."""

from __future__ import annotations

import datetime
import math
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console

from .. import __version__
from ..data import read_table
from ..errors import ArgumentError, DataError
from ..io import load_checkpoint
from ..train.checkpoints import LAST
from .config import NetworkConfig, RunConfig, TrainingConfig
from .prepare import Prepared, checksum, prepare_csv, prepare_digits
from .run import train_and_report
from .run_folder import MODEL, create_run_folder, run_name

UPDATES = 2000  # without --epochs, as many epochs as make this many updates, within these limits
FEWEST_EPOCHS, MOST_EPOCHS = 20, 300
SMALLEST_BATCH, LARGEST_BATCH = 32, 512
MOST_UPDATES_PER_EPOCH = (
    400  # without --batch-size, batches are doubled until there are no more, within these limits
)
LABEL_SMOOTHING = (
    0.1  # in cross-validation on the digits to learn from, accuracy rose from 98.0 % to 98.7 % by it
)


@dataclass(frozen=True)
class Settings:
    """The network and its training. None: as suits the number of rows to learn from.

    Raises ArgumentError for a number out of range.
    """

    epochs: int | None
    batch_size: int | None
    learning_rate: float
    hidden: list[int]
    dropout: float
    patience: int = 50
    seed: int = 0
    eager: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.learning_rate < math.inf:
            raise ArgumentError(
                f"--learning-rate is {self.learning_rate}; expected a number above 0, such as 0.001."
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ArgumentError(f"--dropout is {self.dropout}; expected a number from 0 up to, but not, 1.")


# Chosen by cross-validation: on the rows of the digits to learn from, and on four tables of scikit-learn's.
FOR_DIGITS = Settings(epochs=50, batch_size=64, learning_rate=0.003, hidden=[256, 128], dropout=0.3)
FOR_TABLES = Settings(epochs=None, batch_size=None, learning_rate=0.001, hidden=[64, 32], dropout=0.2)


def train_digits(given: Mapping[str, Any], out: Path | None) -> None:
    """Start a run on the digits. given: those of the `Settings` that the user chose."""
    settings = replace(FOR_DIGITS, **given)
    _start(prepare_digits(settings.seed), settings, out, "digits")


def train_csv(
    path: Path,
    target: str | None,
    task: Literal["auto", "classification", "regression"],
    given: Mapping[str, Any],
    out: Path | None,
) -> None:
    """Start a run on a CSV file. given: those of the `Settings` that the user chose."""
    settings = replace(FOR_TABLES, **given)
    console = Console()
    with _reading(console, path):
        if target is None:
            names = ", ".join(map(repr, read_table(path).names))
            raise ArgumentError(f"say which column to predict: --target COLUMN. {path} has {names}.")
        prepared = prepare_csv(path, target, task, settings.seed)
    _start(prepared, settings, out, run_name(str(path)))


def resume_run(folder: Path, epochs: int | None, eager: bool = False) -> None:
    """Go on with the run in `folder`, until `epochs` if given, else until the number it was started with.

    eager: compile nothing from here on, however the run began.

    Raises DataError when its table has changed since, ArgumentError when it has no epoch left.
    """
    console = Console()
    config = RunConfig.read(folder)
    if epochs is not None:
        config = replace(config, training=replace(config.training, epochs=epochs))
    if eager:
        config = replace(config, training=replace(config.training, eager=True))
    _require_epochs_left(folder, config)
    seed = config.training.seed
    if config.data.path is None or config.data.target is None:
        prepared = prepare_digits(seed)
    else:
        path = config.data.path
        if checksum(path) != config.data.sha256:
            raise DataError(
                f"{path} has changed since the run in {folder} began, so it cannot go on as it began. Bring the old "
                f"file back, or start a new run with: glassgrad train --csv {path} --target {config.data.target}"
            )
        with _reading(console, Path(path)):
            prepared = prepare_csv(path, config.data.target, config.data.task, seed)
    config.write(folder)
    train_and_report(folder, config, prepared, console)


def _require_epochs_left(folder: Path, config: RunConfig) -> None:
    """A run that has had its epochs but not its test and pictures may still get those."""
    if not (folder / LAST).exists() or not (folder / MODEL).exists():
        return
    done = len(load_checkpoint(folder / LAST).state.get("history", []))
    if done >= config.training.epochs:
        raise ArgumentError(
            f"the run in {folder} has had its {done} epochs. To train it longer: glassgrad train --resume {folder} "
            f"--epochs {2 * done}"
        )


def _start(prepared: Prepared, settings: Settings, out: Path | None, name: str) -> None:
    rows = len(prepared.training)
    batch_size = settings.batch_size or _suitable_batch(rows)
    config = RunConfig(
        prepared.config,
        NetworkConfig(prepared.inputs, settings.hidden, prepared.outputs, settings.dropout),
        TrainingConfig(
            settings.epochs or _enough_epochs(rows, batch_size),
            batch_size,
            settings.learning_rate,
            LABEL_SMOOTHING if prepared.class_names else 0.0,
            settings.patience,
            settings.seed,
            settings.eager,
        ),
        prepared.schema,
        {
            "glassgrad": __version__,
            "numpy": np.__version__,
            "python": sys.version.split()[0],
            "time": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "command": shlex.join(["glassgrad", *sys.argv[1:]]),
        },
    )
    folder = create_run_folder(out, name)
    config.write(folder)
    train_and_report(folder, config, prepared, Console())


def _suitable_batch(rows: int) -> int:
    batch_size = SMALLEST_BATCH
    while batch_size < LARGEST_BATCH and rows / batch_size > MOST_UPDATES_PER_EPOCH:
        batch_size *= 2
    return batch_size


def _enough_epochs(rows: int, batch_size: int) -> int:
    updates_per_epoch = math.ceil(rows / batch_size)
    return min(max(math.ceil(UPDATES / updates_per_epoch), FEWEST_EPOCHS), MOST_EPOCHS)


@contextmanager
def _reading(console: Console, path: Path) -> Iterator[None]:
    """Show that something happens, on a terminal; large tables take seconds."""
    with console.status(f"reading {path}"):
        yield
