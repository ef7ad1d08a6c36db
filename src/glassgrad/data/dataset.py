"""Data sets: anything with a length and rows, and the one that holds its rows in arrays."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from ..errors import ArgumentError, DTypeError, ShapeError
from ..tensor import asarray

Array: TypeAlias = npt.NDArray[Any]


class RowIndexError(ArgumentError, IndexError):
    """A row number outside the data set; an IndexError too, because that is how `for row in data` ends."""


@runtime_checkable
class Dataset(Protocol):
    """What a `DataLoader` needs: a length, and the row at an index.

    A row is a tuple of fields, such as (features, label), each an array or a number; anything but a tuple is
    the only field of its row. A field has the same shape and dtype in every row. Deriving from this class is
    optional.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, index):
    ...         return float(index), float(index) ** 2
    >>> Squares()[3]
    (3.0, 9.0)
    """

    @abstractmethod
    def __len__(self) -> int:
        """Number of rows."""
        ...

    @abstractmethod
    def __getitem__(self, index: int, /) -> Any:
        """The row at `index`, from 0 to len-1."""
        ...


class ArrayDataset(Dataset):
    """Rows held in arrays: row i is the tuple of every array's i-th entry. Made by `from_arrays`."""

    def __init__(self, arrays: Sequence[npt.ArrayLike], class_names: Sequence[str] = ()) -> None:
        if not arrays:
            raise ArgumentError("from_arrays needs at least one array; got none")
        self.arrays = tuple(as_field(array, f"array {number}") for number, array in enumerate(arrays))
        self.class_names = tuple(class_names)
        for number, array in enumerate(self.arrays):
            if array.ndim == 0:
                raise ShapeError(
                    f"array {number} has shape (), a single number; its first axis must count the rows"
                )
        rows = len(self.arrays[0])
        for number, array in enumerate(self.arrays):
            if len(array) != rows:
                raise ShapeError(
                    f"every array needs the same number of rows; array 0 has {rows} (shape "
                    f"{self.arrays[0].shape}), array {number} has {len(array)} (shape {array.shape})"
                )

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int, /) -> tuple[Any, ...]:
        try:
            row = operator.index(index)
        except TypeError:
            raise ArgumentError(
                f"a row index must be a whole number; got {index!r}. For several rows use take([0, 1, ...])"
            ) from None
        self._check_rows(row, row)
        return tuple(array[row] for array in self.arrays)

    def take(self, indices: npt.ArrayLike) -> tuple[Array, ...]:
        """The rows at `indices` (whole numbers, shape (n,)): a copy of each array, with first dimension n.

        Raises RowIndexError when an index is outside the data set, ArgumentError when they are not a flat
        list of whole numbers.

        >>> features, labels = from_arrays(np.eye(3), np.array([7, 8, 9])).take([2, 0])
        >>> labels.tolist()
        [9, 7]
        """
        rows = np.asarray(indices)
        if rows.size == 0:
            rows = rows.astype(np.intp)
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise ArgumentError(
                f"take needs a flat list of whole numbers; got shape {rows.shape} and dtype {rows.dtype}"
            )
        if rows.size:
            self._check_rows(int(rows.min()), int(rows.max()))
        return tuple(array[rows] for array in self.arrays)

    def __repr__(self) -> str:
        fields = ", ".join(f"{array.dtype}{array.shape}" for array in self.arrays)
        return f"ArrayDataset({len(self)} rows: {fields})"

    def _check_rows(self, smallest: int, largest: int) -> None:
        rows = len(self)
        if -rows <= smallest and largest < rows:
            return
        wrong = largest if largest >= rows else smallest
        raise RowIndexError(
            f"there is no row {wrong}: this data set has {rows} rows"
            + (f", numbered 0 to {rows - 1}" if rows else "")
        )


def from_arrays(*arrays: npt.ArrayLike, class_names: Sequence[str] = ()) -> ArrayDataset:
    """A data set of the rows of `arrays`, which agree in their first dimension and are not copied.

    arrays: each (n, ...), of numbers or booleans; their dtypes are kept, lists of Python floats become
    float32. class_names: the names of the classes that integer labels stand for, where there are any.
    Raises ShapeError when the first dimensions differ, DTypeError for anything but numbers.

    >>> data = from_arrays(np.zeros((4, 2), np.float32), np.array([0, 1, 1, 0]), class_names=["no", "yes"])
    >>> data
    ArrayDataset(4 rows: float32(4, 2), int64(4,))
    >>> len(data), data.class_names
    (4, ('no', 'yes'))
    """
    return ArrayDataset(arrays, class_names)


def as_field(value: Any, where: str) -> Array:
    """`value` as a read-only array of numbers; DTypeError, which begins with `where`, when it holds none.

    Arrays keep their dtype and are not copied; Python's own floats become float32.

    >>> as_field([1.0, 2.0], "array 0").dtype
    dtype('float32')
    """
    try:
        return asarray(value).numpy()
    except (DTypeError, ShapeError) as error:
        raise type(error)(f"{where}: {error.message}") from None
