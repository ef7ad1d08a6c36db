"""What a table means to a model: which columns become its inputs, and what its outputs stand for."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import CheckpointError, DataError, NotFiniteError, ShapeError
from ..tensor import Tensor, asarray
from .columns import MISSING, CategoryColumn, NumberColumn, column_from_json, is_missing
from .table import Table, describe_choice, listed

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class TableSchema:
    """How the columns of a table become numbers for a model, and its outputs become predictions.

    columns: the features; numbers are standardised, text becomes one-hot. target: what to predict; a
    `CategoryColumn` makes it a classification, a `NumberColumn` a regression. notes: what was decided on the
    user's behalf (columns left out, the meaning of a target of whole numbers), in sentences to show them.

    >>> schema = TableSchema((NumberColumn("legs", 3.0, 1.0),), CategoryColumn("kind", ("bird", "dog")))
    >>> schema.task, schema.feature_names, schema.class_names
    ('classification', ('legs',), ('bird', 'dog'))
    >>> schema.features(Table("pets.csv", {"legs": ["4", "2"]}, [2, 3]))
    array([[ 1.], [-1.]], dtype=float32)
    >>> schema.decode(np.array([[0.1, 0.9]]))
    ['dog']
    """

    columns: tuple[NumberColumn | CategoryColumn, ...]
    target: NumberColumn | CategoryColumn
    notes: tuple[str, ...] = ()

    @property
    def task(self) -> Task:
        """What the target is: "classification" or "regression"."""
        return "classification" if isinstance(self.target, CategoryColumn) else "regression"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name for each model input: the column, or `column=category` for each category."""
        names: list[str] = []
        for column in self.columns:
            if isinstance(column, NumberColumn):
                names.append(column.name)
            else:
                names.extend(f"{column.name}={category}" for category in column.categories)
        return tuple(names)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the model's outputs; empty for a regression."""
        return self.target.categories if isinstance(self.target, CategoryColumn) else ()

    def features(self, table: Table) -> npt.NDArray[np.float32]:
        """The features of every row, float32, shape (n, d), d = len(feature_names).

        Columns that the schema does not use are passed over. Raises DataError, with the file and line, for a
        missing column, a missing value, text in a column of numbers and a category that no training row had.
        """
        names = [column.name for column in self.columns]
        absent = [name for name in names if name not in table.columns]
        if absent:
            raise DataError(
                f"{table.path}: the model was trained with columns that this table lacks: {listed(absent)}. "
                f"{describe_choice('Columns', absent[0], table.names)}"
            )
        refuse_missing_values(table, names)
        parts: list[npt.NDArray[np.float32]] = []
        for column in self.columns:
            cells = table.column(column.name)
            if isinstance(column, NumberColumn):
                parts.append(column.encode(cells)[:, np.newaxis])
            else:
                parts.append(_one_hot(column.encode(cells), len(column.categories)))
        return np.concatenate(parts, axis=1)

    def targets(self, table: Table) -> npt.NDArray[Any]:
        """The target of every row: class numbers, int64 (n,); or standardised numbers, float32 (n, 1)."""
        cells = table.column(self.target.name)
        refuse_missing_values(table, [self.target.name])
        encoded = self.target.encode(cells)
        return encoded if isinstance(self.target, CategoryColumn) else encoded[:, np.newaxis]

    def decode(self, outputs: npt.ArrayLike | Tensor) -> list[str] | list[float]:
        """Predictions for model outputs: class labels as in the file, or numbers in the target's own unit.

        outputs: (n, classes), of which the largest wins (logits and probabilities alike); or (n, 1),
        standardised.
        Raises ShapeError for another shape, NotFiniteError when an output is NaN or infinite.
        """
        values = asarray(outputs).numpy()
        width = len(self.class_names) or 1
        if values.ndim != 2 or values.shape[1] != width:
            raise ShapeError(f"decode needs outputs of shape (n, {width}); got {values.shape}")
        broken = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if broken.size:
            raise NotFiniteError(
                f"the model's output for row {broken[0]} is not finite: {values[broken[0]].tolist()}"
            )
        if isinstance(self.target, CategoryColumn):
            return [self.target.categories[place] for place in values.argmax(axis=1)]
        return self.target.decode(values[:, 0])

    def to_json(self) -> dict[str, Any]:
        """A dict of plain values that `json.dumps` takes and `from_json` reads back, equal in every bit."""
        return {
            "columns": [column.to_json() for column in self.columns],
            "target": self.target.to_json(),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, value: object) -> TableSchema:
        """The schema that `to_json` described; CheckpointError for anything else."""
        match value:
            case {"columns": [_, *_] as columns, "target": target, "notes": [*notes]}:
                if all(isinstance(note, str) for note in notes):
                    learnt = tuple(column_from_json(column) for column in columns)
                    return cls(learnt, column_from_json(target), tuple(notes))
        raise CheckpointError(f"this is not the description of a table: {reprlib.repr(value)}")


def _one_hot(places: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.float32]:
    encoded = np.zeros((len(places), width), dtype=np.float32)
    encoded[np.arange(len(places)), places] = 1.0
    return encoded


def refuse_missing_values(table: Table, names: Sequence[str]) -> None:
    """Raise DataError if a cell of these columns is missing: which columns, how many cells, the first lines.

    >>> refuse_missing_values(Table("pets.csv", {"legs": ["4", "NA"]}, [2, 3]), ["legs"])
    Traceback (most recent call last):
    glassgrad.errors.DataError: pets.csv:3: missing values: 'legs' has 1 (line 3). A cell is missing when it
    is empty or one of NA, nan, NaN, null, ?. Fill it in, or remove its row or its column
    """
    found: list[str] = []
    first_lines: list[int] = []
    for name in names:
        lines = [
            line for cell, line in zip(table.columns[name], table.lines, strict=True) if is_missing(cell)
        ]
        if lines:
            shown = ", ".join(str(line) for line in lines[:5])
            more = ", ..." if len(lines) > 5 else ""
            found.append(f"{name!r} has {len(lines)} (line{'s' if len(lines) > 1 else ''} {shown}{more})")
            first_lines.append(min(lines))
    if found:
        raise DataError(
            f"{table.path}:{min(first_lines)}: missing values: {', '.join(found)}. A cell is missing when it "
            f"is empty or one of {', '.join(MISSING[1:])}. Fill it in, or remove its row or its column"
        )
