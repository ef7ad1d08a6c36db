"""The rows of a run, in three parts: to learn from, to choose the best epoch by, and to test the result on."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from .. import data
from ..data import ArrayDataset, TableSchema, from_arrays
from ..errors import DataError
from .config import DataConfig

TEST_FRACTION = 0.2
VALIDATION_FRACTION = 0.1  # of the rows that are not for testing
VALIDATION_SEED = 1  # added to the seed: this split must not repeat the steps of the first


@dataclass(frozen=True)
class Prepared:
    """Data sets of (features, target) rows, and what is known about them.

    validation: None when there are too few rows to spare any. schema: of a CSV file. class_names: empty for a
    regression. notes: what was decided about the data, in sentences.
    """

    config: DataConfig
    training: ArrayDataset
    validation: ArrayDataset | None
    test: ArrayDataset
    schema: TableSchema | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def inputs(self) -> int:
        """How many numbers describe a row."""
        return int(self.training.arrays[0].shape[1])

    @property
    def outputs(self) -> int:
        """How many numbers the model returns for a row."""
        return len(self.class_names) or 1


def prepare_digits(seed: int) -> Prepared:
    """The digits that come with scikit-learn, those to learn from also moved by a pixel in each direction.

    The moved copies teach that a digit stays the same when it moves, and halve the mistakes on new ones.
    Raises DataError when scikit-learn is not installed.
    """
    known, test = data.digits(TEST_FRACTION, seed)
    training, validation = _spare_validation(known, True, seed)
    images, labels = training.arrays
    moved = from_arrays(with_moved_copies(images), np.tile(labels, 5), class_names=training.class_names)
    config = DataConfig("digits", "classification", rows=len(known) + len(test))
    note = f"each of the {len(training):,} images to learn from is there 5 times: as it is, and moved by a pixel"
    return Prepared(config, moved, validation, test, None, known.class_names, (note,))


def with_moved_copies(images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The images, and behind them all of them moved by one pixel down, up, right and left; paper (0) moves in.

    images: (n, 64), of 8×8 pixels row by row. Returns: (5 n, 64).

    >>> with_moved_copies(np.eye(1, 64, 9, dtype=np.float32)).argmax(axis=1)
    array([ 9, 17,  1, 10,  8])
    """
    padded = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    copies = [padded[:, row : row + 8, column : column + 8] for row, column in corners]
    return np.concatenate(copies).reshape(-1, 64)


def prepare_csv(
    path: str | os.PathLike[str],
    target: str,
    task: Literal["auto", "classification", "regression"],
    seed: int,
) -> Prepared:
    """The rows of a CSV file. Raises DataError, with file and line, for what cannot be used."""
    known, test, schema = data.csv(path, target, TEST_FRACTION, seed, task)
    training, validation = _spare_validation(known, schema.task == "classification", seed)
    notes = schema.notes
    if validation is None:
        notes += (
            "there are too few rows to set any aside for validation, so the best epoch is the one with the "
            "least training loss",
        )
    config = DataConfig(
        "csv",
        schema.task,
        rows=len(known) + len(test),
        path=str(Path(path).resolve()),
        sha256=checksum(path),
        target=target,
    )
    return Prepared(config, training, validation, test, schema, schema.class_names, notes)


def checksum(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal. Raises DataError when it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _spare_validation(
    known: ArrayDataset, by_class: bool, seed: int
) -> tuple[ArrayDataset, ArrayDataset | None]:
    groups = [known.arrays[1]] if by_class else []
    try:
        rows = data.split(len(known), VALIDATION_FRACTION, seed + VALIDATION_SEED, groups)
    except DataError:
        return known, None
    training, validation = (from_arrays(*known.take(part), class_names=known.class_names) for part in rows)
    return training, validation
