"""The folder of a run: what is in it, and how a new one gets its name."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import ArgumentError, CheckpointError
from ..io import load_arrays, save_arrays
from ..nn import Module
from ..train.checkpoints import BEST, LAST
from .config import RunConfig
from .network import build_network

RUNS = Path("runs")
MODEL = "model.safetensors"
CONTENTS = {
    "config.json": "what was trained, on which data, with which settings",
    MODEL: "the parameters of the best epoch",
    "history.csv": "the numbers of every epoch",
    "curves.png": "the same as a picture",
    "confusion.png": "which class was taken for which, in the test",
    "predictions.png": "predicted against true values, in the test",
    BEST: "the whole state after the best epoch",
    LAST: "the whole state after the last epoch, to go on from",
}


def create_run_folder(wanted: Path | None, name: str) -> Path:
    """Make and return a new folder: `wanted`, or runs/NAME-1, -2, ... whichever is free.

    Nothing that exists is touched: raises ArgumentError when `wanted` holds files, CheckpointError when the folder
    cannot be made.
    """
    try:
        if wanted is None:
            return _create_numbered(name)
        wanted.mkdir(parents=True, exist_ok=True)
        if any(wanted.iterdir()):
            raise ArgumentError(
                f"{wanted} exists and is not empty, and nothing is overwritten. If it is a run, go on with it: "
                f"glassgrad train --resume {wanted}. Otherwise choose another --out."
            )
        return wanted
    except OSError as error:
        raise CheckpointError(
            f"could not make the run folder {wanted or RUNS}: {error.strerror}. Choose another one with --out."
        ) from error


def load_model(folder: Path, config: RunConfig) -> Module:
    """Return the network of the run in `folder`, with the parameters of its best epoch, in evaluation mode."""
    file = folder / MODEL
    if not file.exists():
        raise CheckpointError(
            f"{folder} has no {MODEL}: its training has not come to an end. Go on with it: "
            f"glassgrad train --resume {folder}"
        )
    model = build_network(config.network)
    arrays, _ = load_arrays(file)
    try:
        model.load_state_dict(arrays)
    except CheckpointError as error:
        raise CheckpointError(f"{file} does not fit config.json beside it: {error.message}") from error
    return model.eval()


def save_model(folder: Path, model: Module, about: dict[str, str]) -> None:
    """Write the model's parameters, with texts about it, into `folder`."""
    save_arrays(folder / MODEL, model.state_dict(), about, what="model")


def run_name(file: str) -> str:
    """A name for runs on `file`: its own, less what would be awkward in a path.

    >>> run_name("data/My wine (red).csv")
    'My-wine-red'
    """
    return re.sub(r"[^\w]+", "-", Path(file).stem).strip("-_") or "csv"


def _create_numbered(name: str) -> Path:
    RUNS.mkdir(exist_ok=True)
    number = 1
    while True:
        folder = RUNS / f"{name}-{number}"
        try:
            folder.mkdir()  # of two programs that want the same name, one fails here
            return folder
        except FileExistsError:
            number += 1
