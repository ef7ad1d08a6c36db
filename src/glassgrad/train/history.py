"""The record of a training run: for each epoch, the numbers that were measured."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from glassgrad.errors import ArgumentError, DataError
from glassgrad.io.atomic import write_text

Record = dict[str, float]


class History:
    """One record of numbers per epoch, read by column.

    The usual columns: epoch (counted from 1), loss, accuracy, validation_loss, validation_accuracy,
    learning_rate, seconds. An epoch may lack a column that another has. `len` counts epochs; iterating and
    `in` go over the columns' names, as in a data frame.

    >>> history = History()
    >>> history.append({"epoch": 1, "loss": 0.9, "validation_loss": 1.0})
    >>> history.append({"epoch": 2, "loss": 0.4, "validation_loss": 0.7})
    >>> history.append({"epoch": 3, "loss": 0.1})
    >>> history["validation_loss"]
    [1.0, 0.7, nan]
    >>> history.best("validation_loss", "min")
    {'epoch': 2.0, 'loss': 0.4, 'validation_loss': 0.7}
    >>> history
    History(3 epochs: loss 0.9 → 0.1, validation_loss 1 → 0.7)
    """

    def __init__(self, records: Iterable[Mapping[str, float]] = ()) -> None:
        self._records: list[Record] = []
        for record in records:
            self.append(record)

    def append(self, record: Mapping[str, float]) -> None:
        """Add the numbers of one more epoch. Raises ArgumentError when one is not a number."""
        if not record:
            raise ArgumentError(
                "an epoch's record is empty; expected numbers by name, such as {'loss': 0.5}."
            )
        self._records.append({_name(name): _number(name, value) for name, value in record.items()})

    @property
    def records(self) -> list[Record]:
        """The epochs in order, each with its numbers by name; a copy."""
        return [dict(record) for record in self._records]

    def keys(self) -> list[str]:
        """Return the columns' names, in the order in which they first came."""
        return list(dict.fromkeys(name for record in self._records for name in record))

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, name: object) -> bool:
        return any(name in record for record in self._records)

    def __getitem__(self, name: str) -> list[float]:
        """Return the column `name`: one number per epoch, nan where the epoch lacks it."""
        if name not in self:
            known = ", ".join(map(repr, self.keys())) or "no columns yet"
            raise ArgumentError(f"the history has no {name!r}; it has {known}.")
        return [record.get(name, math.nan) for record in self._records]

    def __repr__(self) -> str:
        epochs = f"{len(self)} epoch{'' if len(self) == 1 else 's'}"
        changes = [self._change(name) for name in self.keys() if name != "epoch"]
        return f"History({epochs}: {', '.join(changes)})" if changes else f"History({epochs})"

    def best(self, name: str, mode: Literal["min", "max"]) -> Record:
        """Return the epoch's record with the least or largest `name`, the first of equals; nan never wins.

        Raises ArgumentError for an unknown `name` or `mode`, or when every epoch has nan.
        """
        if mode not in ("min", "max"):
            raise ArgumentError(f"best: mode is {mode!r}; expected 'min' or 'max'.")
        column = self[name]
        epochs = [epoch for epoch, value in enumerate(column) if not math.isnan(value)]
        if not epochs:
            raise ArgumentError(f"best: {name!r} is nan in all {len(self)} epochs, so none is the best.")
        choose = min if mode == "min" else max
        return dict(self._records[choose(epochs, key=column.__getitem__)])

    def to_json(self) -> list[Record]:
        """Return the records for a checkpoint's state."""
        return self.records

    @classmethod
    def from_json(cls, records: Iterable[Mapping[str, float]]) -> History:
        """Return the history that `to_json` gave `records`.

        >>> History.from_json([{"loss": 0.5}])
        History(1 epoch: loss 0.5)
        """
        return cls(records)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table of comma-separated values: a line of names, then a line per epoch; missing is empty.

        Numbers are written in their shortest exact form. Raises CheckpointError when the file cannot be
        written: the previous file is then unchanged.
        """
        names = self.keys() or ["epoch"]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        for record in self._records:
            writer.writerow([_exact(record[name]) if name in record else "" for name in names])
        write_text(path, text.getvalue(), what="history")

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str]) -> History:
        """Read what `to_csv` wrote. Raises DataError, naming file and line, when the file is no such table.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     History([{"epoch": 1, "loss": 0.5}]).to_csv(Path(folder, "history.csv"))
        ...     History.from_csv(Path(folder, "history.csv"))["loss"]
        [0.5]
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")  # -sig: spreadsheets put a mark at the start
        except OSError as error:
            raise DataError(
                f"could not read the history {path}: {error.strerror}. Check the path."
            ) from error
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 text, so no history written by to_csv.") from error
        rows = csv.reader(io.StringIO(text, newline=""))
        try:
            names = next(rows, [])
            if not names or len(set(names)) != len(names) or "" in names:
                found = ", ".join(names) or "nothing"
                raise DataError(f"{path}, line 1: expected the columns' names, each once; got {found}.")
            return cls(_read_row(path, rows.line_num, names, row) for row in rows)
        except csv.Error as error:
            raise DataError(
                f"{path}, line {rows.line_num}: no table as to_csv writes it: {error}."
            ) from error

    def _change(self, name: str) -> str:
        values = [value for value in self[name] if not math.isnan(value)]
        if not values:
            return f"{name} nan"
        return f"{name} {values[0]:.4g}" + (f" → {values[-1]:.4g}" if len(values) > 1 else "")


def _name(name: str) -> str:
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"an epoch's record has the name {name!r}; expected a str that is not empty.")
    return name


def _number(name: str, value: Any) -> float:
    try:
        if isinstance(value, str | bytes):  # float would read them
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(
            f"an epoch's record has {name!r} = {value!r}, a {type(value).__name__}; expected a number."
        ) from None


def _exact(value: float) -> str:
    """Return the shortest text that reads as `value`; whole numbers, such as the epoch, without a point."""
    return repr(value).removesuffix(".0")


def _read_row(path: str | os.PathLike[str], line: int, names: list[str], row: list[str]) -> Record:
    if len(row) != len(names):
        raise DataError(f"{path}, line {line}: expected {len(names)} values, as in line 1; got {len(row)}.")
    record = {}
    for name, text in zip(names, row, strict=True):
        if text == "":
            continue
        try:
            record[name] = float(text)
        except ValueError:
            raise DataError(f"{path}, line {line}: {name!r} is {text!r}; expected a number.") from None
    if not record:
        raise DataError(f"{path}, line {line}: the epoch has no values. Remove the line.")
    return record
