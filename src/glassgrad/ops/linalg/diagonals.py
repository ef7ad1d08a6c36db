"""Diagonals of matrices: taken out, put in, summed, and divided by gaps between them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...graph import Aval, interned
from ...graph.static import static
from ...tensor import Tensor, apply, asarray
from ..compare import equal, logical_and, where
from ..families import Linear
from ..reduce import sum
from ..shape import astype


def _length(rows: int, columns: int, offset: int) -> int:
    """How many elements a diagonal has."""
    return max(0, min(rows + min(offset, 0), columns - max(offset, 0)))


@static
class Diagonal(Linear):
    """The diagonal of matrices, `offset` places right of the main one."""

    offset: int

    argument_names = ("x",)
    formula = "out[i] = x[i, i + offset]"
    pattern: ClassVar[str] = "rearranger: the upstream gradient on the diagonal of zeros"

    def shape(self, x: Aval) -> Aval:
        return Aval((*x.shape[:-2], _length(x.shape[-2], x.shape[-1], self.offset)), x.dtype)

    def forward(self, x: Any) -> Any:
        return np.diagonal(x, self.offset, -2, -1)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(FromDiagonal, self.offset, x.shape[-2], x.shape[-1]), g),)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(self, x)


@static
class FromDiagonal(Linear):
    """Matrices of zeros but for a diagonal, `offset` places right of the main one."""

    offset: int
    rows: int
    columns: int

    argument_names = ("x",)
    formula = "out[i, i + offset] = x[i], 0 elsewhere"
    pattern: ClassVar[str] = "rearranger: the diagonal of the upstream gradient"

    def shape(self, x: Aval) -> Aval:
        return Aval((*x.shape[:-1], self.rows, self.columns), x.dtype)

    def forward(self, x: Any) -> Any:
        out = np.zeros((*x.shape[:-1], self.rows, self.columns), x.dtype)
        places = np.arange(x.shape[-1])
        out[..., places + max(-self.offset, 0), places + max(self.offset, 0)] = x
        return out

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(Diagonal, self.offset), g),)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(self, x)


def diagonal(x: Any, /, *, offset: int = 0) -> Tensor:
    """The diagonal of matrices (last two axes), `offset` places right of the main one (left if negative). Any dtype.

    x: (..., n, m) gives (..., length); the gradient goes back to where each element came from. Raises ShapeError
    for fewer than 2 axes.

    >>> gg.linalg.diagonal(gg.asarray([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    x = asarray(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal needs matrices on the last two axes; got shape {x.shape}")
    if not isinstance(offset, int | np.integer):
        raise ArgumentError(f"diagonal needs an integer offset; got {offset!r}")
    return apply(interned(Diagonal, int(offset)), x)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sum of a diagonal of matrices (last two axes). x: (..., n, m) gives (...). Any dtype.

    `dtype` is what the elements are converted to before they are added; without it integers are summed as 64-bit
    integers. Raises ShapeError for fewer than 2 axes.

    >>> gg.linalg.trace(gg.asarray([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    elements = diagonal(x, offset=offset)
    return sum(elements if dtype is None else astype(elements, dtype), axis=-1)


def main_diagonal(x: Tensor) -> Tensor:
    """The main diagonal of matrices."""
    return apply(interned(Diagonal, 0), x)


def on_diagonal(x: Tensor) -> Tensor:
    """Square matrices with x on their main diagonal and zeros elsewhere."""
    return apply(interned(FromDiagonal, 0, x.shape[-1], x.shape[-1]), x)


def identity_like(x: Tensor) -> Tensor:
    """The identity matrix of the size and dtype of square matrices x."""
    return Tensor(np.eye(x.shape[-1], dtype=x.dtype))


def divided(x: Tensor, y: Tensor) -> Tensor:
    """x / y, and 0 where both are exactly 0: no change of a thing that nobody looks at, however fast it would be."""
    nothing = logical_and(equal(x, 0), equal(y, 0))
    return where(nothing, Tensor(np.zeros((), x.dtype)), x / where(nothing, Tensor(np.ones((), y.dtype)), y))
