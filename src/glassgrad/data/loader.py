"""Batches: a data set in pieces of `batch_size` rows, in an order that any epoch can repeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ArgumentError, CheckpointError, DataError, DTypeError, ShapeError
from ..tensor import Tensor, asarray
from .dataset import Array, ArrayDataset, Dataset, as_field, from_arrays
from .shuffle import checked_int, checked_word, permutation


@dataclass
class _Position:
    """Where one pass over the data stands; each has its own, so that an old one cannot move a new one."""

    epoch: int
    batch: int = 0
    started: bool = False


class DataLoader:
    """Yields a data set as tuples of tensors, one tuple per batch, one epoch per iteration.

    dataset: a `Dataset`, an array or tensor, or a tuple of these with equal first dimension.
    batch_size: rows per batch; the last batch of an epoch is smaller when the rows do not divide evenly,
    unless drop_last leaves it out. shuffle: a fresh order every epoch; the order depends on (seed, epoch)
    alone.

    The first iteration is epoch 0. Iterating again starts the next epoch, also after a pass that was left
    early. `state_dict()` holds the exact position, even between two batches.

    Raises DataError for an empty data set, ArgumentError for a batch_size below 1 or a drop_last that leaves
    no batch.

    >>> loader = DataLoader((np.arange(5, dtype=np.float32), np.arange(5)), batch_size=2)
    >>> len(loader)
    3
    >>> [np.asarray(labels).tolist() for features, labels in loader]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Dataset | Array | Tensor | tuple[npt.ArrayLike, ...],
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        seed: int = 0,
    ) -> None:
        self.dataset = _as_dataset(dataset)
        if hasattr(batch_size, "shape"):
            raise ArgumentError(
                f"batch_size must be a whole number; got {type(batch_size).__name__}. To pair inputs with targets, "
                f"pass a tuple: DataLoader((inputs, targets), batch_size=32)"
            )
        self.batch_size = checked_int("batch_size", batch_size)
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)
        self.seed = checked_word("seed", seed)
        rows = len(self.dataset)
        if self.batch_size < 1:
            raise ArgumentError(f"batch_size must be at least 1; got {self.batch_size}")
        if rows == 0:
            raise DataError("the data set is empty (0 rows); an empty batch cannot be trained on")
        if self.drop_last and rows < self.batch_size:
            raise ArgumentError(
                f"drop_last leaves no batch: the data set has {rows} rows, batch_size is {self.batch_size}. "
                f"Use a batch_size of at most {rows}, or drop_last=False"
            )
        self._position = _Position(epoch=0)

    @property
    def epoch(self) -> int:
        """The epoch under way; between two passes, the epoch that the next one delivers. The first is 0."""
        return self._position.epoch

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration deliver `epoch` from its first batch.

        >>> loader = DataLoader(np.arange(3), shuffle=True)
        >>> loader.set_epoch(7)
        >>> loader.epoch
        7
        """
        self._position = _Position(checked_word("epoch", epoch))

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        rows = len(self.dataset)
        return rows // self.batch_size if self.drop_last else -(-rows // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        if self._position.started:
            self._position = _Position(self._position.epoch + 1)
        self._position.started = True
        return self._batches(self._position)

    def state_dict(self) -> dict[str, int | bool]:
        """The position (epoch, and the number of batches it has delivered) and what it depends on; JSON-able.

        >>> loader = DataLoader(np.arange(4), batch_size=2)
        >>> for (batch,) in loader:
        ...     state = loader.state_dict()
        ...     break
        >>> state["epoch"], state["batch"]
        (0, 1)
        """
        return {"epoch": self._position.epoch, "batch": self._position.batch} | self._settings()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue where `state` was taken: the next iteration delivers the batches that epoch still had.

        A state taken after the last batch, inside the loop, has none left: its next iteration ends at once,
        as the interrupted one would have. Raises CheckpointError when the state is incomplete, or comes from
        a loader with other rows or settings, whose batches would be others.

        >>> loader = DataLoader(np.arange(4), batch_size=2)
        >>> loader.load_state_dict(loader.state_dict() | {"batch": 1})
        >>> [np.asarray(batch).tolist() for (batch,) in loader]
        [[2, 3]]
        """
        if not isinstance(state, Mapping):
            raise CheckpointError(
                f"the saved position of the data loader should be the dict that state_dict() gave; "
                f"got {type(state).__name__}"
            )
        settings = self._settings()
        missing = [name for name in ("epoch", "batch", *settings) if name not in state]
        if missing:
            raise CheckpointError(f"the saved position of the data loader lacks {', '.join(missing)}")
        differing = [name for name in settings if state[name] != settings[name]]
        if differing:
            details = ", ".join(f"{name} was {state[name]}, is {settings[name]}" for name in differing)
            raise CheckpointError(
                f"the saved position belongs to another data loader: {details}. "
                f"Make the DataLoader as it was made then, or start without the saved position"
            )
        for name, most in (("epoch", 2**64 - 1), ("batch", len(self))):
            value = state[name]
            if type(value) is not int or not 0 <= value <= most:
                raise CheckpointError(
                    f"the saved position of the data loader has {name} {value!r}; expected 0 to {most}"
                )
        self._position = _Position(state["epoch"], state["batch"])

    def _settings(self) -> dict[str, int | bool]:
        return {
            "rows": len(self.dataset),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "seed": self.seed,
        }

    def _batches(self, position: _Position) -> Iterator[tuple[Tensor, ...]]:
        rows = len(self.dataset)
        order = permutation(rows, self.seed, position.epoch) if self.shuffle else np.arange(rows)
        while position.batch < len(self):
            first = position.batch * self.batch_size
            fields = _gather(self.dataset, order[first : first + self.batch_size])
            position.batch += 1  # before the yield: whoever holds a batch has received it
            yield tuple(asarray(field) for field in fields)
        position.epoch, position.batch, position.started = position.epoch + 1, 0, False


def _as_dataset(data: Any) -> Dataset:
    if isinstance(data, tuple):
        return from_arrays(*data)
    if isinstance(data, (np.ndarray, Tensor)):
        return from_arrays(data)
    if isinstance(data, (Mapping, str, bytes)) or not isinstance(data, Dataset):
        raise ArgumentError(
            f"DataLoader needs a Dataset (with __len__ and __getitem__) or a tuple of arrays; "
            f"got {type(data).__name__}"
        )
    return data


def _gather(dataset: Dataset, indices: npt.NDArray[np.intp]) -> tuple[Array, ...]:
    """The rows at `indices`, stacked field by field along a new first axis."""
    if isinstance(dataset, ArrayDataset):
        return dataset.take(indices)
    rows = [_fields(dataset[int(index)], int(index)) for index in indices]
    for index, row in zip(indices, rows, strict=True):
        _check_like(rows[0], row, int(indices[0]), int(index))
    return tuple(np.stack(field) for field in zip(*rows, strict=True))


def _fields(row: Any, index: int) -> tuple[Array, ...]:
    fields = row if isinstance(row, tuple) else (row,)
    return tuple(as_field(field, f"row {index}, field {number}") for number, field in enumerate(fields))


def _check_like(expected: tuple[Array, ...], row: tuple[Array, ...], expected_index: int, index: int) -> None:
    if len(row) != len(expected):
        raise DataError(
            f"every row needs the same number of fields; row {expected_index} has {len(expected)}, "
            f"row {index} has {len(row)}"
        )
    for number, (left, right) in enumerate(zip(expected, row, strict=True)):
        if left.shape != right.shape:
            hint = ". To pair inputs with targets, pass a tuple: DataLoader((inputs, targets))"
            raise ShapeError(
                f"rows of one batch must have equal shapes; field {number} has shape {left.shape} in row "
                f"{expected_index}, but {right.shape} in row {index}{hint if len(expected) == 1 else ''}"
            )
        if left.dtype != right.dtype:
            raise DTypeError(
                f"rows of one batch must have equal dtypes; field {number} is {left.dtype} in row "
                f"{expected_index}, but {right.dtype} in row {index}"
            )
