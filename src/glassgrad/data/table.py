"""A CSV file as columns of text, with the line every row came from; and writing one."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ArgumentError, DataError, ShapeError
from ..tensor import Tensor


@dataclass(frozen=True)
class Column:
    """One column of a table: its name, its cells as the file writes them, and where they stand.

    >>> Column("pets.csv", "legs", ["4", "2"], [2, 3]).where(1)
    'pets.csv:3'
    """

    path: str
    name: str
    cells: Sequence[str]
    lines: Sequence[int]

    def where(self, row: int) -> str:
        """The file and line of `row`, as `path:line`."""
        return f"{self.path}:{self.lines[row]}"


@dataclass(frozen=True)
class Table:
    """The cells of a CSV file.

    path: the file, for error messages. columns: name -> cells, one str per row. lines: the line of the file
    at which each row starts, counted from 1 as editors do.

    >>> table = Table("pets.csv", {"name": ["Rex", "Tweety"], "legs": ["4", "2"]}, [2, 3])
    >>> table.names, len(table), table.column("legs").cells
    (('name', 'legs'), 2, ['4', '2'])
    """

    path: str
    columns: Mapping[str, list[str]]
    lines: list[int]

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in the order of the file."""
        return tuple(self.columns)

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> Column:
        """The column called `name`; DataError names the columns there are, and the closest one."""
        if name not in self.columns:
            raise DataError(
                f"{self.path}: there is no column {name!r}. {describe_choice('Columns', name, self.names)}"
            )
        return Column(self.path, name, self.columns[name], self.lines)

    def take(self, rows: npt.ArrayLike) -> Table:
        """The rows with these numbers (from 0, shape (n,)), in this order.

        >>> Table("pets.csv", {"legs": ["4", "2", "8"]}, [2, 3, 4]).take([2, 0]).columns
        {'legs': ['8', '4']}
        """
        chosen = np.asarray(rows)
        if chosen.size == 0:
            chosen = chosen.astype(np.intp)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise ArgumentError(
                f"rows must be a flat list of whole numbers; got shape {chosen.shape} and dtype "
                f"{chosen.dtype}"
            )
        if chosen.size and not (chosen.min() >= 0 and chosen.max() < len(self)):
            wrong = chosen.min() if chosen.min() < 0 else chosen.max()
            raise ArgumentError(
                f"{self.path}: there is no row {wrong}; the table has {len(self)} rows, counted from 0"
            )
        numbers = chosen.tolist()
        columns = {name: [cells[row] for row in numbers] for name, cells in self.columns.items()}
        return Table(self.path, columns, [self.lines[row] for row in numbers])

    def without(self, names: Iterable[str]) -> Table:
        """The table less the columns called `names`.

        >>> Table("pets.csv", {"name": ["Rex"], "legs": ["4"]}, [2]).without(["name"]).names
        ('legs',)
        """
        left_out = set(names)
        kept = {name: cells for name, cells in self.columns.items() if name not in left_out}
        return Table(self.path, kept, self.lines)


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a CSV file: commas between fields, a first line of column names, UTF-8 with or without a BOM.

    A field with a comma, a quote or a line break stands in double quotes, with its quotes doubled (RFC 4180).
    Cells are kept as they stand; column names lose white space around them. Blank lines are passed over.

    Raises DataError with `path:line` when the file cannot be read, is empty or has nothing below its header,
    when column names are empty or repeated, when a row has too many or too few fields, and when quotes or
    bytes are wrong.

    >>> read_table("no-such-file.csv")
    Traceback (most recent call last):
    glassgrad.errors.DataError: no-such-file.csv: there is no such file
    """
    name = os.fspath(path)
    records = _records(name, _text(name))
    if not records:
        raise DataError(f"{name}:1: the file is empty; its first line should hold the column names")
    header_line, header = records[0]
    names = [field.strip() for field in header]
    _check_names(name, header_line, names)
    if len(records) == 1:
        raise DataError(f"{name}:{header_line}: there are column names but no rows below them")
    for line, fields in records[1:]:
        if len(fields) != len(names):
            raise DataError(
                f"{name}:{line}: expected {len(names)} fields, as in the header, got {len(fields)}. A field "
                f"that holds a comma or a line break must stand in double quotes"
            )
    cells = zip(*(fields for _, fields in records[1:]), strict=True)
    columns = {column: list(values) for column, values in zip(names, cells, strict=True)}
    return Table(name, columns, [line for line, _ in records[1:]])


def write_predictions(
    path: str | os.PathLike[str], columns: Mapping[str, Sequence[Any] | npt.NDArray[Any] | Tensor]
) -> None:
    """Write `columns` (name -> one value per row) as a CSV file, all of it or nothing.

    Numbers are written with as many digits as bring back the same number. On a failure the old file is
    untouched. Raises ArgumentError for no columns, ShapeError for columns of different lengths,
    CheckpointError when the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = Path(folder) / "predictions.csv"
    ...     write_predictions(target, {"line": [2, 3], "species": ["cat", "dog"]})
    ...     print(target.read_text().replace("\\r", ""))
    line,species
    2,cat
    3,dog
    """
    from ..io.atomic import write_text

    cells = {name: _written(name, values) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in cells.items()}
    if not lengths:
        raise ArgumentError("write_predictions needs at least one column; got none")
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
        raise ShapeError(f"every column needs the same number of rows; {listed}")
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(cells)
    writer.writerows(zip(*cells.values(), strict=True))
    write_text(path, text.getvalue(), what="predictions")


def describe_choice(what: str, name: str, names: Sequence[str]) -> str:
    """The names there are, and the one that `name` was probably meant to be.

    >>> describe_choice("Columns", "Legs", ["name", "legs"])
    "Columns: 'name', 'legs'. Did you mean 'legs'?"
    """
    folded = {choice.strip().casefold(): choice for choice in names}
    close = difflib.get_close_matches(name.strip().casefold(), folded, n=1)
    suggestion = f" Did you mean {folded[close[0]]!r}?" if close else ""
    return f"{what}: {listed(names)}.{suggestion}"


def listed(values: Sequence[object], most: int = 20) -> str:
    """The values separated by commas, the first `most` of them.

    >>> listed(["a", "b", "c"], most=2)
    "'a', 'b', ... (3 in all)"
    """
    shown = ", ".join(repr(value) for value in values[:most])
    return shown if len(values) <= most else f"{shown}, ... ({len(values)} in all)"


def _text(path: str) -> str:
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
        raise DataError(
            f"{path}:{line}: byte 0x{data[error.start]:02x} is not UTF-8. Save the file as UTF-8 "
            f"(in a spreadsheet: 'CSV UTF-8')"
        ) from None


def _records(path: str, text: str) -> list[tuple[int, list[str]]]:
    """Every record with the line it starts at."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records = []
    start = 1
    try:
        for fields in reader:
            if fields:
                records.append((start, fields))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}:{start}: the row that starts here is not valid CSV: {error}. Most often a double quote "
            f"is never closed, or stands inside a quoted field without being doubled"
        ) from None
    return records


def _written(name: str, values: Sequence[Any] | npt.NDArray[Any] | Tensor) -> list[str]:
    items = values.numpy() if isinstance(values, Tensor) else values
    if isinstance(items, np.ndarray) and items.ndim != 1:
        raise ShapeError(f"column {name!r} needs one value per row, shape (n,); got shape {items.shape}")
    return [str(item) for item in items]  # an item, not items.tolist(): a float32 keeps its few digits


def _check_names(path: str, line: int, names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        if not name:
            raise DataError(
                f"{path}:{line}: column {number + 1} of {len(names)} has no name. If it only numbers the "
                f"rows, remove it (pandas leaves it out with index=False); otherwise name it"
            )
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise DataError(f"{path}:{line}: these column names occur more than once: {listed(repeated)}")
