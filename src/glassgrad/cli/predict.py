"""`glassgrad predict`: what a trained run says about the rows of a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .errors import Debug, readable_errors


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run on a CSV file.")],
    csv: Annotated[Path, typer.Option(metavar="FILE", help="Table with the columns it was trained on.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the predictions here.", show_default="print them"),
    ] = None,
    eager: Annotated[bool, typer.Option("--eager", help="Never compile: run op by op.")] = False,
    debug: Debug = False,
) -> None:
    """Predict the target for every row of a table.

    One line for each row: its line in the table, the prediction, and for classes their probabilities. If the table
    has the target too, it says how good the predictions are.

    \b
    Example:
      glassgrad predict runs/wine-1 --csv new.csv --out predictions.csv
    """
    with readable_errors(debug):
        from .predictions import predict_table

        predict_table(run, csv, out, eager)
