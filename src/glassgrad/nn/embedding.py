"""The embedding layer: a table with one learned vector for each index."""

from __future__ import annotations

import operator
from typing import Any, NoReturn, Self

import numpy as np

from .. import ops, random
from ..errors import ArgumentError, DTypeError, ShapeError
from ..graph.static import static
from ..ops.bounded import Bounded
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import DEFAULT_FLOAT
from .arguments import require_size
from .module import Module
from .parameter import Parameter


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Tensor:
    """The rows of the table `weight` (rows, width) that the integers `input` name: (..., width). See `Embedding`.

    >>> gg.nn.functional.embedding(gg.tensor([1, 0, 1]), gg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[3., 4.],
            [1., 2.],
            [3., 4.]])
    """
    indices, table = asarray(input), asarray(weight)
    if table.ndim != 2:
        raise ShapeError(f"Embedding needs a weight of shape (rows, width); got shape {table.shape}")
    if indices.dtype.kind not in "iu":
        raise DTypeError(
            f"Embedding looks up integers; got {indices.dtype} of shape {indices.shape}. "
            f"gg.astype(x, gg.int64) converts."
        )
    indices = _in_table(indices, len(table))
    rows = ops.take(table, indices, axis=0)
    if padding_idx is None:
        return rows
    is_padding = ops.expand_dims(indices == _row(padding_idx, len(table)), -1)
    return ops.where(is_padding, ops.stop_gradient(rows), rows)


def _in_table(indices: Tensor, rows: int) -> Tensor:
    op = IndicesInTable(rows, None)
    if indices.value is None:
        return apply(op, indices)
    op.forward(indices.value)
    return indices


@static
class IndicesInTable(Bounded):
    """Indices of the rows of a table."""

    size: int
    also: int | None

    def complain(self, values: Any) -> NoReturn:
        """Raise the error that names the first wrong index."""
        wrong = (values < 0) | (values >= self.size)
        index = np.unravel_index(wrong.argmax(), values.shape)
        position = f" at position {', '.join(map(str, index))}" if index else ""
        hint = (
            f" For these indices it needs num_embeddings={int(values.max()) + 1}."
            if values.min() >= 0
            else ""
        )
        raise ArgumentError(
            f"Embedding got the index {values[index]}{position}, but its table has {self.size} rows: indices are 0 to "
            f"{self.size - 1}.{hint}"
        )


def _row(padding_idx: Any, rows: int) -> int:
    """The row that padding_idx names, counted from the end if it is negative."""
    try:
        row = operator.index(padding_idx)
    except TypeError:
        raise ArgumentError(f"Embedding needs an integer padding_idx, or None; got {padding_idx!r}") from None
    if not -rows <= row < rows:
        raise ArgumentError(f"Embedding needs padding_idx in [{-rows}, {rows}); got {row}")
    return row % rows


class Embedding(Module):
    """A table of vectors: integers of any shape (...) in [0, num_embeddings) give (..., embedding_dim).

    Parameter: `weight` (num_embeddings, embedding_dim), drawn from N(0, 1). padding_idx: a row that starts as zeros and
    gets no gradient, for the places that only fill up; it may count from the end. Raises DTypeError for indices that
    are not integers and ArgumentError for one that is out of range.

    >>> layer = gg.nn.Embedding(96, 64)
    >>> layer(gg.tensor([[1, 2, 3], [4, 5, 95]])).shape
    (2, 3, 64)
    >>> gg.nn.Embedding(10, 3, padding_idx=0)(gg.tensor([0])).detach()
    tensor([[0., 0., 0.]])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        dtype: Any = DEFAULT_FLOAT,
    ) -> None:
        self.num_embeddings = require_size("Embedding", "num_embeddings", num_embeddings)
        self.embedding_dim = require_size("Embedding", "embedding_dim", embedding_dim)
        self.padding_idx = None if padding_idx is None else _row(padding_idx, num_embeddings)
        table = random.normal((num_embeddings, embedding_dim), dtype=dtype)
        if self.padding_idx is not None:
            table = table.at[self.padding_idx].set(0.0)
        self.weight = Parameter(table)

    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None) -> Self:
        """A layer with this table (rows, width), which is not learned on unless `freeze=False`.

        >>> gg.nn.Embedding.from_pretrained([[1.0, 2.0], [3.0, 4.0]])(gg.tensor(1))
        tensor([3., 4.])
        """
        table = asarray(embeddings)
        if table.ndim != 2:
            raise ShapeError(f"from_pretrained needs a table of shape (rows, width); got shape {table.shape}")
        layer = cls(table.shape[0], table.shape[1], padding_idx, dtype=table.dtype)
        layer.weight.assign(table)
        layer.weight.requires_grad = not freeze
        return layer

    def forward(self, x: Any) -> Tensor:
        """The row of each index."""
        return embedding(x, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """The sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
