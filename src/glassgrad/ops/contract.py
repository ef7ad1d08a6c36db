"""Contractions: products summed over a shared axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..graph import Aval
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import promote
from .families import Bilinear, require_kind, unbroadcast
from .shape import expand_dims, matrix_transpose, reshape, squeeze
from .stacks import aligned

__all__ = ["matmul", "outer", "vecdot"]


class Matmul(Bilinear):
    """The matrix product over the last two axes; leading axes broadcast."""

    argument_names = ("x1", "x2")
    formula = "out[i, j] = sum_k x1[i, k] * x2[k, j]"
    pattern = "switch: g @ x2ᵀ goes to x1 and x1ᵀ @ g to x2"

    def shape(self, x1: Aval, x2: Aval) -> Aval:
        require_kind(self, "iufc", x1, x2)
        self.require_shared_size(x1, x2)
        try:
            batch = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
        except ValueError:
            raise ShapeError(
                f"matmul cannot broadcast the leading axes of {self.describe_inputs((x1, x2))}"
            ) from None
        return Aval((*batch, x1.shape[-2], x2.shape[-1]), promote({x1.dtype, x2.dtype}))

    def require_shared_size(self, x1: Aval | Tensor, x2: Aval | Tensor) -> None:
        """Raise a ShapeError unless the axis that is summed over has the same size on both sides."""
        axis = -2 if x2.ndim > 1 else -1
        if x1.shape[-1] != x2.shape[axis]:
            swapped = x2.shape[-1] == x1.shape[-1]
            hint = " If x2 holds weights as (out, in), pass gg.matrix_transpose(x2)." if swapped else ""
            raise ShapeError(
                f"matmul needs x1.shape[-1] == x2.shape[{axis}]; got {self.describe_inputs((x1, x2))}, "
                f"so {x1.shape[-1]} != {x2.shape[axis]}.{hint}"
            )

    def forward(self, x1: Any, x2: Any) -> Any:
        if x1.dtype != x2.dtype or x1.dtype.kind == "b":
            require_kind(self, "iufc", x1, x2)
            joint = promote({x1.dtype, x2.dtype})
            x1, x2 = x1.astype(joint, copy=False), x2.astype(joint, copy=False)
        return np.matmul(x1, x2)

    def transpose_left(self, g: Tensor, x1: Tensor, x2: Tensor) -> Tensor:
        return unbroadcast(apply(self, g, matrix_transpose(x2)), x1)

    def transpose_right(self, g: Tensor, x1: Tensor, x2: Tensor) -> Tensor:
        if (
            x2.ndim == 2 < x1.ndim
        ):  # one product of tall matrices instead of a stack of products that is summed
            g, x1 = _tall(g), _tall(x1)
        return unbroadcast(apply(self, matrix_transpose(x1), g), x2)

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        """One more leading axis; a stack times one matrix is a single product of a tall matrix."""
        x1, x2 = inputs
        if x2.ndim == 2 and not batched[1]:
            return reshape(apply(self, _tall(x1), x2), (*x1.shape[:-1], x2.shape[-1]))
        return apply(self, *aligned(batched, inputs))


def _tall(x: Tensor) -> Tensor:
    """A stack of matrices, one below the other."""
    return reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


_matmul = Matmul()


def matmul(x1: Any, x2: Any, /) -> Tensor:
    """Matrix product: (..., n, k) with (..., k, m) gives (..., n, m); leading axes broadcast. Numeric dtypes.

    A 1-D x1 is a row, a 1-D x2 a column, and that axis does not appear in the result.
    Raises ShapeError if the inner sizes differ.

    >>> gg.matmul(gg.asarray([[1.0, 2.0]]), gg.asarray([[3.0], [4.0]]))
    tensor([[11.]])
    """
    x1, x2 = asarray(x1), asarray(x2)
    if x1.ndim == 0 or x2.ndim == 0:
        raise ShapeError(
            f"matmul needs at least 1 axis on both sides; got shapes {x1.shape} and {x2.shape}. Use * for numbers."
        )
    if x1.ndim > 1 and x2.ndim > 1:
        return apply(_matmul, x1, x2)
    _matmul.require_shared_size(x1, x2)
    left = expand_dims(x1, 0) if x1.ndim == 1 else x1
    right = expand_dims(x2, 1) if x2.ndim == 1 else x2
    axes = ((-2,) if x1.ndim == 1 else ()) + ((-1,) if x2.ndim == 1 else ())
    return squeeze(apply(_matmul, left, right), axes)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    """Sum of products along `axis`, the rest broadcast. Real dtypes.

    >>> gg.vecdot(gg.asarray([1.0, 2.0]), gg.asarray([3.0, 4.0]))
    tensor(11.)
    """
    from .reduce import sum

    return sum(asarray(x1) * asarray(x2), axis=axis)


def outer(x1: Any, x2: Any, /) -> Tensor:
    """All products of the elements of two vectors: (n,) and (m,) give (n, m).

    >>> gg.outer(gg.asarray([1.0, 2.0]), gg.asarray([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    x1, x2 = asarray(x1), asarray(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"outer needs two vectors; got shapes {x1.shape} and {x2.shape}")
    return expand_dims(x1, 1) * expand_dims(x2, 0)
