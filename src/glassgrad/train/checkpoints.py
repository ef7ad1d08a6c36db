"""The two files of a checkpoint folder: last.safetensors to go on from, best.safetensors to keep."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, GlassgradError
from ..io import load_checkpoint, save_checkpoint, write_bytes
from ..nn import Module
from .pack import pack, unpack
from .training import ADDED_LATER, Training

LAST, BEST = "last.safetensors", "best.safetensors"


class CheckpointFolder:
    """Writes both files while a training goes on.

    The best epoch is the one with the least validation loss, or, without validation data, with the least training
    loss; the first of equals. Both files hold the whole state, so that training can go on from either.
    """

    def __init__(self, path: str | os.PathLike[str], resumed_from: Path | None) -> None:
        self.last = Path(path, LAST)
        self.best = Path(path, BEST)
        self._resumed_from = resumed_from

    def prepare(self) -> None:
        """Make the folder and try to write into it, so that a mistake shows now and not an epoch later.

        Raises CheckpointError when it cannot be written to, and when it holds the checkpoint of another training.
        """
        folder = self.last.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CheckpointError(
                f"could not make the checkpoint folder {folder}: {error.strerror}. Choose another folder."
            ) from error
        if self.last.exists() and not (self._resumed_from and self.last.samefile(self._resumed_from)):
            raise CheckpointError(
                f"{self.last} is the checkpoint of an earlier training, which this one would overwrite. Go on from "
                f"it with resume={str(self.last)!r}, choose another checkpoint folder, or delete the file."
            )
        probe = folder / ".glassgrad-probe"
        write_bytes(probe, what="checkpoint")
        probe.unlink()

    def save(self, training: Training) -> None:
        """Write last.safetensors; call it at any time between two steps."""
        save_checkpoint(self.last, pack(training.state_dict()))

    def save_epoch(self, training: Training) -> None:
        """Write last.safetensors, and best.safetensors if the epoch that is over is the best so far.

        best.safetensors comes first: after a kill between the two, the epoch is run again, and ends the same.
        """
        if best_epoch(training) == len(training.history):
            save_checkpoint(self.best, pack(training.state_dict()))
        self.save(training)


def best_epoch(training: Training) -> int:
    """The number of the best epoch so far, counted from 1."""
    column = "validation_loss" if training.validation is not None else "loss"
    values = [math.inf if math.isnan(value) else value for value in training.history[column]]
    return 1 + values.index(min(values))


def restore(path: str | os.PathLike[str], training: Training) -> Path:
    """Put `training` where the checkpoint `path` (a file, or a folder with last.safetensors) left it.

    Returns the file that was read. Raises CheckpointError, naming the file, when it is no such checkpoint or does
    not fit.
    """
    file = Path(path, LAST) if Path(path).is_dir() else Path(path)
    state = _load(file, [name for name in training.state_dict() if name not in ADDED_LATER])
    from ..compiler.trace import STATE  # not above, because the compiler is loaded when first used

    with _errors_name(file), STATE:  # no parameter has a value while another thread traces
        training.load_state_dict(state)
    return file


def restore_model(path: str | os.PathLike[str], model: Module) -> None:
    """Give `model` the parameters and buffers in the checkpoint `path` that `gg.fit` wrote, such as best.safetensors.

    Raises CheckpointError, naming the file, when it is no such checkpoint or is of another model.
    """
    state = _load(Path(path), ["model"])
    with _errors_name(Path(path)):
        model.load_state_dict(state["model"])


def _load(file: Path, names: list[str]) -> dict[str, Any]:
    checkpoint = load_checkpoint(file)
    with _errors_name(file):
        state = unpack(checkpoint)
    missing = [name for name in names if name not in state]
    if missing:
        raise CheckpointError(
            f"{file} is a checkpoint, but not of gg.fit: it lacks {', '.join(map(repr, missing))}. "
            f"Give a last.safetensors or best.safetensors that gg.fit wrote."
        )
    return state


@contextmanager
def _errors_name(file: Path) -> Iterator[None]:
    try:
        yield
    except GlassgradError as error:
        raise CheckpointError(f"cannot use {file}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise CheckpointError(f"{file} is a damaged checkpoint: {error!r}. Use an earlier one.") from error
