"""`glassgrad train`: train a network on the digits or on a CSV file, and keep everything in a run folder."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ArgumentError
from .errors import Debug, readable_errors

if TYPE_CHECKING:
    from .start import Settings

DIGITS = "digits"


class Task(enum.StrEnum):
    """What the target column of a CSV file is."""

    AUTO = "auto"
    CLASSIFICATION = "classification"
    REGRESSION = "regression"


def train(
    dataset: Annotated[
        str | None, typer.Argument(metavar="digits", help="Handwritten digits, which come along.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Train on this table instead.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of the table to predict.")
    ] = None,
    task: Annotated[Task | None, typer.Option(help="What the target is.", show_default="auto")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the rows.", show_default="enough for 2000 updates")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Rows per update.", show_default="32")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Step size of Adam.", show_default="0.003")
    ] = None,
    hidden: Annotated[
        str | None, typer.Option(metavar="SIZES", help="Sizes of the hidden layers.", show_default="256,128")
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Share of hidden units switched off at random.", show_default="0.3")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many epochs without improvement.", show_default="never"),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of all random numbers.", show_default="0")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="New folder for the run.", show_default="runs/...-1, -2, ..."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Go on with the run in this folder. Takes only --epochs."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Train a network on handwritten digits, or on a table of your own.

    \b
    Examples:
      glassgrad train digits
      glassgrad train --csv wine.csv --target quality --hidden 64,32
      glassgrad train --resume runs/wine-1 --epochs 100
    """
    with readable_errors(debug):
        from . import start

        about_table = {"--csv": csv, "--target": target, "--task": task}
        about_training = {
            "--batch-size": batch_size,
            "--learning-rate": learning_rate,
            "--hidden": hidden,
            "--dropout": dropout,
            "--patience": patience,
            "--seed": seed,
        }
        if resume is not None:
            _refuse(
                {"digits": dataset, **about_table, **about_training, "--out": out},
                "--resume goes on as the run began, and takes only --epochs",
            )
            start.resume_run(resume, epochs)
            return
        settings = _settings(epochs, batch_size, learning_rate, hidden, dropout, patience, seed)
        if dataset is not None:
            _require_digits(dataset)
            _refuse(about_table, "digits brings its own table and target")
            start.train_digits(settings, out)
        elif csv is not None:
            start.train_csv(csv, target, (task or Task.AUTO).value, settings, out)
        else:
            _refuse(about_table, "--target and --task belong to a table: add --csv FILE")
            raise ArgumentError(
                "say what to train on: glassgrad train digits, or --csv FILE --target COLUMN."
            )


def _refuse(options: Mapping[str, object], why: str) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ArgumentError(f"{why}; got {', '.join(given)}.")


def _require_digits(dataset: str) -> None:
    if dataset != DIGITS:
        raise ArgumentError(
            f"the only data set that comes along is {DIGITS}; got {dataset!r}. For a table of your own: "
            f"glassgrad train --csv FILE --target COLUMN."
        )


def _settings(
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    hidden: str | None,
    dropout: float | None,
    patience: int | None,
    seed: int | None,
) -> Settings:
    from .start import Settings

    return Settings(
        epochs,
        32 if batch_size is None else batch_size,
        0.003 if learning_rate is None else learning_rate,
        _sizes("256,128" if hidden is None else hidden),
        0.3 if dropout is None else dropout,
        patience,
        0 if seed is None else seed,
    )


def _sizes(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ArgumentError(
            f"--hidden is {text!r}; expected whole numbers of 1 or more with commas between them, such as 256,128 "
            f"(or '' for no hidden layer)."
        )
    return [int(part) for part in parts]
