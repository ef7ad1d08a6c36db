"""Predictions of a run for a table, as a table."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
from rich.console import Console

from ..data import Table, TableSchema, read_table, write_predictions
from ..errors import ArgumentError, DataError
from ..nn.functional import softmax
from ..train import predict
from .config import RunConfig
from .report import ClassificationTest, RegressionTest, print_plainly
from .run_folder import load_model

Columns = dict[str, Sequence[Any] | npt.NDArray[Any]]


def predict_table(run: Path, path: Path, out: Path | None, eager: bool = False) -> None:
    """Write the predictions of the run in the folder `run` for the table `path` to `out`, or print them.

    What is said about them goes to the error output, so that printed predictions can be piped.
    """
    config = RunConfig.read(run)
    if config.schema is None:
        raise ArgumentError(
            f"{run} was trained on the digits; predict needs a run on a table, from glassgrad train --csv FILE."
        )
    if out is not None:
        _require_other_file(path, out)
    model = load_model(run, config)
    console = Console(stderr=True)
    with console.status(f"reading {path}"):
        table = read_table(path)
        outputs = predict(model, config.schema.features(table), eager=eager)
        columns = prediction_columns(config.schema, table, outputs)
    if out is None:
        _print_csv(columns)
    else:
        write_predictions(out, columns)
        print_plainly(console, f"{len(table):,} predictions written to {out}")
    if config.schema.target.name in table.columns:
        _compare(console, config.schema, table, outputs)


def prediction_columns(schema: TableSchema, table: Table, outputs: npt.NDArray[Any]) -> Columns:
    """The columns of the result: the row's line in its file, the prediction, and each class's probability.

    outputs: (rows, classes) logits, or (rows, 1) standardised numbers.
    """
    columns: Columns = {"line": table.lines, f"predicted {schema.target.name}": schema.decode(outputs)}
    if schema.task == "classification":
        probabilities = softmax(outputs, dim=1).numpy()
        for place, name in enumerate(schema.class_names):
            columns[f"probability of {name}"] = probabilities[:, place]
    return columns


def _compare(console: Console, schema: TableSchema, table: Table, outputs: npt.NDArray[Any]) -> None:
    """Say how good the predictions are, since the table has the truth."""
    name = schema.target.name
    try:
        targets = schema.targets(table)
    except DataError as error:  # some rows without the truth, or with a class never seen: predictions stand
        print_plainly(console, f"not compared with the column {name!r}: {error}")
        return
    print_plainly(console, f"\ncompared with the column {name!r}:")
    if schema.task == "classification":
        ClassificationTest(outputs, targets, schema.class_names).print(console)
    else:
        RegressionTest(outputs, targets, schema).print(console)


def _print_csv(columns: Columns) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    sys.stdout.flush()  # a reader that has gone, as `head` does, is noticed here and not at exit


def _require_other_file(table: Path, out: Path) -> None:
    if out.exists() and table.exists() and out.samefile(table):
        raise ArgumentError(f"--out is {out}, the table itself, which would be lost. Give another file.")
