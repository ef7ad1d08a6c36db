"""A CSV file to data sets for training and testing, in one call."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal

from ..errors import DataError
from .columns import CategoryColumn, holds_numbers
from .dataset import ArrayDataset, from_arrays
from .learn_schema import check_target_exists, identifier_note, identifies_rows, infer_task, learn_schema
from .schema import TableSchema, Task, refuse_missing_values
from .split import Rows, split
from .table import Table, read_table


def csv(
    path: str | os.PathLike[str],
    target: str,
    test_fraction: float = 0.2,
    seed: int = 0,
    task: Literal["auto"] | Task = "auto",
) -> tuple[ArrayDataset, ArrayDataset, TableSchema]:
    """Read a CSV file and return (training set, test set, schema); each row is (features, target).

    features: float32 (d,). target: class number, int64 (); or standardised number, float32 (1,). The rows are
    parted at random by `split`, classes in proportion; the schema is learnt from the training rows alone.
    One row of every class and of every category always trains, so that the test set holds none that the model
    cannot know. `schema.notes` says what was decided without asking.

    Raises DataError with the file and line for anything in the file that cannot be used.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "pets.csv"
    ...     _ = path.write_text("legs,kind\\n4,dog\\n2,bird\\n4,dog\\n2,bird\\n4,dog\\n")
    ...     train, test, schema = csv(path, target="kind")
    >>> len(train), len(test), schema.class_names
    (4, 1, ('bird', 'dog'))
    """
    table = read_table(path)
    check_target_exists(table, target)
    refuse_missing_values(table, table.names)
    chosen, task_note = infer_task(table.column(target)) if task == "auto" else (task, "")
    texts = [name for name in table.names if name != target and not holds_numbers(table.column(name))]
    identifiers = [name for name in texts if identifies_rows(table.column(name))]
    notes = [identifier_note(table.column(name)) for name in identifiers]
    table = table.without(identifiers)
    grouped = [target] if chosen == "classification" else []
    grouped += [name for name in texts if name not in identifiers]
    train, test = _split(table, grouped, test_fraction, seed)
    schema = learn_schema(table, target, train, chosen)
    schema = replace(schema, notes=(*([task_note] if task_note else []), *notes, *schema.notes))
    data = from_arrays(schema.features(table), schema.targets(table))
    training_set, test_set = (
        from_arrays(*data.take(rows), class_names=schema.class_names) for rows in (train, test)
    )
    return training_set, test_set, schema


def _split(table: Table, grouped: list[str], test_fraction: float, seed: int) -> tuple[Rows, Rows]:
    columns = [table.column(name) for name in grouped]
    groups = [CategoryColumn.learn(column).encode(column) for column in columns]
    try:
        return split(len(table), test_fraction, seed, groups)
    except DataError as error:
        raise DataError(f"{table.path}: {error.message}") from None
