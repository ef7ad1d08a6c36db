"""Contractions: products summed over a shared axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..graph import Aval
from ..graph.loops import Product
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import promote
from .complex_numbers import conj
from .families import Bilinear, require_kind, unbroadcast
from .shape import (
    astype,
    expand_dims,
    matrix_transpose,
    normalize_axis,
    permute_dims,
    reshape,
    squeeze,
)
from .stacks import aligned

__all__ = ["matmul", "outer", "tensordot", "vecdot"]


class Matmul(Bilinear):
    """The matrix product over the last two axes; leading axes broadcast."""

    argument_names = ("x1", "x2")
    formula = "out[i, j] = sum_k x1[i, k] * x2[k, j]"
    pattern = "switch: g @ x2ᵀ goes to x1 and x1ᵀ @ g to x2, conjugated if complex"

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

    def loops(self, *inputs: Aval) -> Product:
        return Product()

    def transpose_left(self, g: Tensor, x1: Tensor, x2: Tensor) -> Tensor:
        return unbroadcast(apply(self, g, matrix_transpose(conj(x2))), x1)

    def transpose_right(self, g: Tensor, x1: Tensor, x2: Tensor) -> Tensor:
        if (
            x2.ndim == 2 < x1.ndim
        ):  # one product of tall matrices instead of a stack of products that is summed
            g, x1 = _tall(g), _tall(x1)
        return unbroadcast(apply(self, matrix_transpose(conj(x1)), g), x2)

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
    """The sum of conj(x1) * x2 along `axis`, the other axes broadcast. Numeric dtypes.

    `axis` is counted from the right (-1 is the last), so that it means the same axis of both. Raises ShapeError if
    its sizes differ.

    >>> gg.vecdot(gg.asarray([1.0, 2.0]), gg.asarray([3.0, 4.0]))
    tensor(11.)
    """
    from .reduce import sum

    x1, x2 = asarray(x1), asarray(x2)
    if "b" in (x1.dtype.kind, x2.dtype.kind):
        raise DTypeError(
            f"vecdot needs an int, float or complex input; got {_matmul.describe_inputs((x1, x2))}"
        )
    least = min(x1.ndim, x2.ndim)
    if axis >= 0:
        axis -= max(x1.ndim, x2.ndim)
    if not -least <= axis < 0:
        raise ShapeError(
            f"vecdot got axis {axis} for shapes {x1.shape} and {x2.shape}; allowed: -1 down to {-least}"
        )
    if x1.shape[axis] != x2.shape[axis]:
        raise ShapeError(
            f"vecdot needs x1 and x2 of one size along axis {axis}; got {_matmul.describe_inputs((x1, x2))}"
        )
    products = conj(x1) * x2
    return astype(sum(products, axis=axis), products.dtype)


def tensordot(x1: Any, x2: Any, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """Products summed over several axes: with an integer n, the last n of x1 against the first n of x2, in order.

    Or `axes` names them: (axes of x1, axes of x2). The result has the other axes of x1, then those of x2. Numeric
    dtypes, promoted. A matrix product between two rearrangements. Raises ShapeError if sizes differ.

    >>> gg.tensordot(gg.ones((2, 3, 4)), gg.ones((3, 4, 5))).shape
    (2, 5)
    """
    x1, x2 = asarray(x1), asarray(x2)
    left, right = _summed_axes(x1, x2, axes)
    if any(x1.shape[a] != x2.shape[b] for a, b in zip(left, right, strict=True)):
        raise ShapeError(
            f"tensordot needs equal sizes along the axes that are summed over; got "
            f"{_matmul.describe_inputs((x1, x2))}, axes {left} of x1 and {right} of x2"
        )
    kept1 = [a for a in range(x1.ndim) if a not in left]
    kept2 = [a for a in range(x2.ndim) if a not in right]
    summed = math.prod(x1.shape[a] for a in left)
    rows, columns = [x1.shape[a] for a in kept1], [x2.shape[a] for a in kept2]
    product = apply(
        _matmul,
        reshape(permute_dims(x1, (*kept1, *left)), (math.prod(rows), summed)),
        reshape(permute_dims(x2, (*right, *kept2)), (summed, math.prod(columns))),
    )
    return reshape(product, (*rows, *columns))


def _summed_axes(x1: Tensor, x2: Tensor, axes: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of x1 and of x2 that tensordot sums over, pair by pair."""
    if isinstance(axes, int):
        if not 0 <= axes <= min(x1.ndim, x2.ndim):
            raise ShapeError(
                f"tensordot got axes={axes} for shapes {x1.shape} and {x2.shape}; allowed: 0 to "
                f"{min(x1.ndim, x2.ndim)}, or a pair of sequences of axes"
            )
        return tuple(range(x1.ndim - axes, x1.ndim)), tuple(range(axes))
    if (
        not isinstance(axes, Sequence)
        or len(axes) != 2
        or not all(isinstance(part, Sequence) for part in axes)
    ):
        raise ArgumentError(
            f"tensordot takes axes as an integer or as a pair (axes of x1, axes of x2); got {axes!r}"
        )
    left = tuple(normalize_axis(a, x1.ndim, "tensordot") for a in axes[0])
    right = tuple(normalize_axis(a, x2.ndim, "tensordot") for a in axes[1])
    if len(left) != len(right) or len(set(left)) != len(left) or len(set(right)) != len(right):
        raise ShapeError(f"tensordot needs as many axes of x1 as of x2, each once; got {axes!r}")
    return left, right


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
