"""Learning, from the training rows of a table, how its columns become numbers."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from ..errors import ArgumentError, DataError
from .columns import CategoryColumn, NumberColumn, holds_numbers, parse_number
from .schema import TableSchema, Task, refuse_missing_values
from .table import Column, Table, describe_choice

FEW_VALUES = 20  # whole numbers with more different values are no class labels
ROWS_PER_CLASS = 5  # on average, before three or more different whole numbers are taken for class labels
MOST_CATEGORIES = 1000  # one-hot encoding makes this many model inputs of one column


def learn_schema(
    table: Table, target: str, rows: npt.ArrayLike, task: Literal["auto"] | Task = "auto"
) -> TableSchema:
    """Learn how to turn the columns of `table` into numbers, from its training rows alone.

    target: the column to predict; all others are features. rows: the numbers of the training rows, from 0; no
    other row has any influence. task: what the target is; "auto" decides as `infer_task` says.

    A feature is left out, with a note in the schema, when it is the same in every training row, or when it
    is text that identifies rows rather than describes them, as `identifies_rows` says.

    Raises DataError when the target column does not exist or never varies, on missing values, on columns that
    mix numbers and text, and when no feature is left.

    >>> pets = Table("pets.csv", {"legs": ["4", "2", "4"], "kind": ["dog", "bird", "dog"]}, [2, 3, 4])
    >>> schema = learn_schema(pets, "kind", rows=[0, 1])
    >>> schema.columns
    (NumberColumn(name='legs', mean=3.0, deviation=1.0),)
    """
    check_target_exists(table, target)
    training = table.take(rows)
    if len(training) == 0:
        raise DataError(f"{table.path}: there are no training rows to learn from")
    refuse_missing_values(training, training.names)
    target_column, notes = _learn_target(training.column(target), task)
    columns: list[NumberColumn | CategoryColumn] = []
    for name in training.names:
        if name == target:
            continue
        feature, note = _learn_feature(training.column(name), np.asarray(rows))
        columns.extend([feature] if feature else [])
        notes.extend([note] if note else [])
    if not columns:
        reasons = "; ".join(notes) if len(table.names) > 1 else "it is the only column"
        raise DataError(f"{table.path}: no column is left to predict {target!r} from: {reasons}")
    return TableSchema(tuple(columns), target_column, tuple(notes))


def infer_task(column: Column) -> tuple[Task, str]:
    """Whether `column` is to be classified or regressed, and why (empty where its text leaves no choice).

    Text: classification. Whole numbers of exactly two kinds, or of at most 20 kinds with at least 5 rows each
    on average: classification, because that is how class labels look. Other numbers: regression.

    >>> infer_task(Column("pets.csv", "tame", ["0", "1", "1"], [2, 3, 4]))[0]
    'classification'
    >>> infer_task(Column("pets.csv", "age", ["0", "1", "2"], [2, 3, 4]))[0]
    'regression'
    """
    try:
        if not holds_numbers(column):
            return "classification", ""
    except DataError as error:
        raise DataError(f"{error.message}; or, if they are class labels, say task='classification'") from None
    numbers = [parse_number(cell) or 0.0 for cell in column.cells]
    kinds = len(set(numbers))
    whole = all(number.is_integer() for number in numbers)
    if whole and (kinds == 2 or (kinds <= FEW_VALUES and len(numbers) >= ROWS_PER_CLASS * kinds)):
        return "classification", (
            f"the target {column.name!r} holds {kinds} different whole numbers, taken for class labels; "
            f"for numbers to predict, say task='regression'"
        )
    return "regression", (
        f"the target {column.name!r} holds numbers, predicted as such; for class labels, say "
        f"task='classification'"
    )


def identifies_rows(column: Column) -> bool:
    """Whether a text column tells rows apart instead of describing them, so that it teaches nothing.

    True when every row has its own value, as with names and keys; also when there are more than 20 values and
    fewer than two rows for each on average, and when there are more than 1000 values.

    >>> identifies_rows(Column("pets.csv", "name", ["Rex", "Tweety"], [2, 3]))
    True
    """
    kinds = len({cell.strip() for cell in column.cells})
    rows = len(column.cells)
    return kinds == rows or (kinds > FEW_VALUES and 2 * kinds > rows) or kinds > MOST_CATEGORIES


def identifier_note(column: Column) -> str:
    """The sentence that says why `column`, which identifies rows, is left out.

    >>> identifier_note(Column("pets.csv", "name", ["Rex", "Tweety"], [2, 3]))
    "column 'name' is left out: it is text with 2 different values in 2 rows, so it identifies rows, and
    nothing learnt from it would hold for others"
    """
    kinds = len({cell.strip() for cell in column.cells})
    return (
        f"column {column.name!r} is left out: it is text with {kinds} different values in "
        f"{len(column.cells)} rows, so it identifies rows, and nothing learnt from it would hold for others"
    )


def check_target_exists(table: Table, target: str) -> None:
    """Raise DataError, naming the columns there are, unless `target` is one of them."""
    if target in table.columns:
        return
    only = table.names[0]
    for mark in (";", "\t", "|"):
        if len(table.names) == 1 and mark in only:
            raise DataError(
                f"{table.path}: there is no target column {target!r}, only the one column {only!r}. The fields seem to "
                f"be separated by {mark!r}; they must be separated by commas."
            )
    raise DataError(
        f"{table.path}: there is no target column {target!r}. "
        f"{describe_choice('Columns', target, table.names)}"
    )


def _learn_target(column: Column, task: str) -> tuple[NumberColumn | CategoryColumn, list[str]]:
    if task not in ("auto", "classification", "regression"):
        raise ArgumentError(f"task must be 'auto', 'classification' or 'regression'; got {task!r}")
    if _is_constant(column):
        raise DataError(
            f"{column.where(0)}: the target {column.name!r} is {column.cells[0].strip()!r} in every training "
            f"row; there is nothing to learn"
        )
    chosen, note = infer_task(column) if task == "auto" else (task, "")
    notes = [note] if note else []
    if chosen == "regression":
        return NumberColumn.learn(column), notes
    learnt = CategoryColumn.learn(column)
    if len(learnt.categories) == len(column.cells) > 2:
        raise DataError(
            f"{column.where(0)}: the target {column.name!r} has its own value in each of the "
            f"{len(column.cells)} training rows; a class can be learnt only from rows that share it. Is "
            f"{column.name!r} the right column?"
        )
    return learnt, notes


def _learn_feature(
    column: Column, rows: npt.NDArray[np.intp]
) -> tuple[NumberColumn | CategoryColumn | None, str]:
    """How `column` becomes numbers (None when it is left out), and what to tell the user about it."""
    if _is_constant(column):
        return (
            None,
            f"column {column.name!r} is left out: it is {column.cells[0].strip()!r} in every training row",
        )
    if holds_numbers(column):
        return NumberColumn.learn(column), _note_on_counting(column, rows)
    if identifies_rows(column):
        return None, identifier_note(column)
    return CategoryColumn.learn(column), ""


def _note_on_counting(column: Column, rows: npt.NDArray[np.intp]) -> str:
    first = float(column.cells[0]) - rows[0]
    if any(float(cell) - row != first for cell, row in zip(column.cells, rows, strict=True)):
        return ""
    return (
        f"column {column.name!r} counts the rows; if that is all it does, remove it from the file, because "
        f"it can give the answer away where the rows are sorted"
    )


def _is_constant(column: Column) -> bool:
    """Whether all cells are the same text, or the same number in different spellings."""
    texts = {cell.strip() for cell in column.cells}
    number = parse_number(column.cells[0])
    return len(texts) == 1 or (number is not None and all(parse_number(text) == number for text in texts))
