"""The rows of a run, in three parts: to learn from, to choose the best epoch by, and to test the result on."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
    """The digits that come with scikit-learn. Raises DataError when it is not installed."""
    known, test = data.digits(TEST_FRACTION, seed)
    training, validation = _spare_validation(known, True, seed)
    config = DataConfig("digits", "classification", rows=len(known) + len(test))
    return Prepared(config, training, validation, test, None, known.class_names)


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
