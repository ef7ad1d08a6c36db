"""`glassgrad train`: train a network on the digits or on a CSV file, and keep everything in a run folder."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ..errors import ArgumentError
from .errors import Debug, readable_errors

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
        int | None,
        typer.Option(
            min=1, help="Passes over the rows.", show_default="50 for digits; 2000 updates for a table"
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Rows per update.", show_default="64 for digits; 32 to 512 for a table, by its rows"
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Step size of Adam.", show_default="0.003 for digits; 0.001")
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(
            metavar="SIZES", help="Sizes of the hidden layers.", show_default="256,128 for digits; 64,32"
        ),
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(
            help="Share of hidden units switched off at random.", show_default="0.3 for digits; 0.2"
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many epochs without improvement.", show_default="50"),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of all random numbers.", show_default="0")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="New folder for the run.", show_default="runs/NAME-1, -2, ..."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Go on with the run in this folder. Takes only --epochs, --eager."
        ),
    ] = None,
    eager: Annotated[bool, typer.Option("--eager", help="Never compile: run every step op by op.")] = False,
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
        settings = {
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "hidden": None if hidden is None else _sizes(hidden),
            "dropout": dropout,
            "patience": patience,
            "seed": seed,
        }
        if resume is not None:
            options = {f"--{name.replace('_', '-')}": value for name, value in settings.items()}
            _refuse(
                {"digits": dataset, **about_table, **options, "--out": out},
                "--resume goes on as the run began, and takes only --epochs and --eager",
            )
            start.resume_run(resume, epochs, eager)
            return
        given = {"epochs": epochs, "eager": eager or None, **settings}
        given = {name: value for name, value in given.items() if value is not None}
        if dataset is not None:
            _require_digits(dataset)
            _refuse(about_table, "digits brings its own table and target")
            start.train_digits(given, out)
        elif csv is not None:
            start.train_csv(csv, target, (task or Task.AUTO).value, given, out)
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


def _sizes(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ArgumentError(
            f"--hidden is {text!r}; expected whole numbers of 1 or more with commas between them, such as 256,128 "
            f"(or '' for no hidden layer)."
        )
    return [int(part) for part in parts]
