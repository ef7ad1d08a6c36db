"""How the cells of one column become numbers: a standardised number, or one of a set of categories."""

from __future__ import annotations

import itertools
import math
import re
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import CheckpointError, DataError
from .table import Column, describe_choice

MISSING = ("", "NA", "nan", "NaN", "null", "?")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def parse_number(cell: str) -> float | None:
    """The finite decimal number that `cell` writes, white space around it allowed; None for anything else.

    Narrower than Python's float(): no '1_000', no 'inf', no 'nan'.

    >>> parse_number(" -2.5e3 "), parse_number("1,5"), parse_number("1_000")
    (-2500.0, None, None)
    """
    text = cell.strip()
    if _NUMBER.fullmatch(text) is None:
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def is_missing(cell: str) -> bool:
    """Whether `cell` is empty or one of NA, nan, NaN, null and ?, white space around it aside.

    >>> [is_missing(cell) for cell in ("", " NA ", "0", "none")]
    [True, True, False, False]
    """
    return cell.strip() in MISSING


def holds_numbers(column: Column) -> bool:
    """Whether `column` is a column of numbers (True) or of text (False); DataError when it cannot be told.

    Numbers: every cell is one. Text: fewer than half of the cells are. Mostly numbers with some text is
    almost always a slip of the pen, which one-hot encoding would turn into nonsense without a word; so it is
    an error.

    >>> holds_numbers(Column("pets.csv", "legs", ["4", "2"], [2, 3]))
    True
    >>> holds_numbers(Column("pets.csv", "room", ["A1", "B7", "12"], [2, 3, 4]))
    False
    """
    texts = [row for row, cell in enumerate(column.cells) if parse_number(cell) is None]
    if not texts:
        return True
    numbers = len(column.cells) - len(texts)
    if 2 * numbers < len(column.cells):
        return False
    examples = ", ".join(f"{column.cells[row]!r} (line {column.lines[row]})" for row in texts[:3])
    more = " and so on" if len(texts) > 3 else ""
    raise DataError(
        f"{column.where(texts[0])}: in column {column.name!r}, {numbers} cells are numbers and {len(texts)} "
        f"{'is' if len(texts) == 1 else 'are'} not: {examples}{more}. Write numbers such as 3.5 in all of "
        f"them; or, if the column holds names, write the numbers as text too, such as 'no 7'"
    )


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, standardised: (number - mean) / deviation.

    mean, deviation: of the training rows; the deviation is the square root of the mean squared distance from
    the mean (divided by n, not n - 1), and is above 0.

    >>> ages = NumberColumn.learn(Column("pets.csv", "age", ["2", "4"], [2, 3]))
    >>> ages
    NumberColumn(name='age', mean=3.0, deviation=1.0)
    >>> ages.encode(Column("more.csv", "age", ["5"], [2]))
    array([2.], dtype=float32)
    """

    name: str
    mean: float
    deviation: float

    @classmethod
    def learn(cls, column: Column) -> NumberColumn:
        """Mean and deviation of `column`, which must hold at least two different numbers."""
        numbers = _numbers(column)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = numbers.mean()
            distance = numbers - mean
            # Divided by the largest first: squares of very large or very small numbers leave float64's range.
            largest = np.abs(distance).max()
            deviation = largest * math.sqrt(np.mean((distance / largest) ** 2))
        if not (np.isfinite(mean) and np.isfinite(deviation) and deviation > 0):
            row = int(np.abs(numbers).argmax())
            raise DataError(
                f"{column.where(row)}: column {column.name!r} has numbers up to {column.cells[row].strip()}; "
                f"their mean ({mean:g}) or standard deviation ({deviation:g}) does not fit float64. Write "
                f"the column in another unit"
            )
        return cls(column.name, float(mean), float(deviation))

    def encode(self, column: Column) -> npt.NDArray[np.float32]:
        """The standardised numbers, float32, shape (n,); DataError for a cell that is no number."""
        with np.errstate(over="ignore"):
            standardised = ((_numbers(column) - self.mean) / self.deviation).astype(np.float32)
        beyond = np.flatnonzero(~np.isfinite(standardised))
        if beyond.size:
            row = int(beyond[0])
            raise DataError(
                f"{column.where(row)}: column {column.name!r} has {column.cells[row].strip()}, too far from "
                f"the training rows (mean {self.mean:g}, standard deviation {self.deviation:g}) for float32"
            )
        return standardised

    def decode(self, standardised: npt.NDArray[Any]) -> list[float]:
        """The numbers in the unit of the file, for standardised numbers of shape (n,).

        >>> NumberColumn("age", mean=3.0, deviation=2.0).decode(np.array([0.5]))
        [4.0]
        """
        return [float(number) for number in standardised.astype(np.float64) * self.deviation + self.mean]

    def to_json(self) -> dict[str, Any]:
        """A dict of plain values, for `column_from_json`."""
        return {"kind": "number", "name": self.name, "mean": self.mean, "deviation": self.deviation}


@dataclass(frozen=True)
class CategoryColumn:
    """A column of text with a known set of values, sorted; numbers, where all are numbers, by size.

    >>> pets = CategoryColumn.learn(Column("pets.csv", "kind", ["dog", "cat", "dog"], [2, 3, 4]))
    >>> pets
    CategoryColumn(name='kind', categories=('cat', 'dog'))
    >>> pets.encode(Column("more.csv", "kind", ["dog", "cat"], [2, 3]))
    array([1, 0])
    """

    name: str
    categories: tuple[str, ...]

    @classmethod
    def learn(cls, column: Column) -> CategoryColumn:
        """The different values of `column`, white space around them aside."""
        categories = sorted({cell.strip() for cell in column.cells})
        numbers = [parse_number(category) for category in categories]
        if None not in numbers:
            categories = [text for _, text in sorted(zip(numbers, categories, strict=True))]
            _refuse_two_spellings(column, categories)
        return cls(column.name, tuple(categories))

    def encode(self, column: Column) -> npt.NDArray[np.int64]:
        """The place of every cell among the categories, int64, shape (n,); DataError for an unknown one."""
        place = {category: number for number, category in enumerate(self.categories)}
        cells = [cell.strip() for cell in column.cells]
        for row, cell in enumerate(cells):
            if cell not in place:
                raise DataError(
                    f"{column.where(row)}: column {column.name!r} has {cell!r}, which no training row had. "
                    f"{describe_choice('Known values', cell, self.categories)} Correct the cell, or train "
                    f"with rows that have it"
                )
        return np.array([place[cell] for cell in cells], dtype=np.int64)

    def to_json(self) -> dict[str, Any]:
        """A dict of plain values, for `column_from_json`."""
        return {"kind": "category", "name": self.name, "categories": list(self.categories)}


def column_from_json(value: object) -> NumberColumn | CategoryColumn:
    """The column that `to_json` described; CheckpointError for anything else.

    >>> column_from_json({"kind": "category", "name": "pet", "categories": ["cat", "dog"]})
    CategoryColumn(name='pet', categories=('cat', 'dog'))
    """
    match value:
        case {"kind": "number", "name": str(name), "mean": float(mean), "deviation": float(deviation)}:
            if math.isfinite(mean) and math.isfinite(deviation) and deviation > 0:
                return NumberColumn(name, mean, deviation)
        case {"kind": "category", "name": str(name), "categories": [str(), *_] as categories}:
            texts = [category for category in categories if isinstance(category, str)]
            if len(set(texts)) == len(categories):
                return CategoryColumn(name, tuple(texts))
    raise CheckpointError(f"this is not the description of a table column: {reprlib.repr(value)}")


def _numbers(column: Column) -> npt.NDArray[np.float64]:
    numbers = [parse_number(cell) for cell in column.cells]
    for row, number in enumerate(numbers):
        if number is None:
            raise DataError(
                f"{column.where(row)}: column {column.name!r} holds numbers, but here it has "
                f"{column.cells[row]!r}. Write a number such as 3.5: a decimal point, no unit, nothing "
                f"between the thousands"
            )
    return np.array(numbers, dtype=np.float64)


def _refuse_two_spellings(column: Column, categories: Sequence[str]) -> None:
    for left, right in itertools.pairwise(categories):
        if parse_number(left) == parse_number(right):
            row = [cell.strip() for cell in column.cells].index(right)
            raise DataError(
                f"{column.where(row)}: column {column.name!r} writes one number in two ways, {left!r} and "
                f"{right!r}, which would become two classes. Write it in one way"
            )
