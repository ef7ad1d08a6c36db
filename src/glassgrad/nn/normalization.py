"""Layer normalization: every sample brought to mean 0 and variance 1 by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import ops
from ..errors import ArgumentError, DTypeError, ShapeError
from ..tensor import Tensor, asarray
from ..tensor.dtype import DEFAULT_FLOAT, float16, float32
from .arguments import require_size
from .module import Module
from .parameter import Parameter


def layer_norm(
    input: Any,
    normalized_shape: int | Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x - mean) / √(variance + eps) · weight + bias over the last axes, of shape `normalized_shape`. See `LayerNorm`.

    >>> gg.nn.functional.layer_norm(gg.tensor([[1.0, 3.0]]), 2, eps=0.0)
    tensor([[-1.,  1.]])
    """
    x, shape = asarray(input), _normalized(normalized_shape)
    if x.shape[-len(shape) :] != shape:
        last = f"{shape[0]} features on the last axis" if len(shape) == 1 else f"last axes of shape {shape}"
        raise ShapeError(f"LayerNorm expects {last}; got input of shape {x.shape}")
    if x.dtype.kind != "f":
        raise DTypeError(
            f"LayerNorm needs a float input; got {x.dtype} of shape {x.shape}. gg.astype(x, gg.float32) converts."
        )
    axes = tuple(range(-len(shape), 0))
    wide = ops.astype(x, float32) if x.dtype == float16 else x  # squares of half precision overflow at 256
    deviation = wide - ops.mean(wide, axis=axes, keepdims=True)
    variance = ops.mean(deviation * deviation, axis=axes, keepdims=True)
    y = ops.astype(deviation / ops.sqrt(variance + eps), x.dtype)
    y = y if weight is None else y * _of_shape("weight", weight, shape)
    return y if bias is None else y + _of_shape("bias", bias, shape)


def _normalized(shape: int | Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    if not sizes:
        raise ArgumentError("LayerNorm needs a normalized_shape of at least one axis; got ()")
    return tuple(require_size("LayerNorm", "normalized_shape", size) for size in sizes)


def _of_shape(argument: str, given: Any, shape: tuple[int, ...]) -> Tensor:
    found = asarray(given)
    if found.shape != shape:
        raise ShapeError(f"LayerNorm needs a {argument} of normalized_shape {shape}; got shape {found.shape}")
    return found


class LayerNorm(Module):
    """(x - mean) / √(variance + eps) · weight + bias, with mean and variance of each sample over its last axes.

    normalized_shape: the sizes of these axes; an integer for one. The variance is divided by n, not n - 1. Parameters,
    of shape normalized_shape: `weight` of ones and `bias` of zeros; neither with `elementwise_affine=False`, no bias
    with `bias=False`. Half precision is averaged in float32. Raises ShapeError for other last axes, DTypeError unless
    the input is float.

    Source: Ba, Kiros, Hinton, "Layer normalization" (2016).

    >>> gg.nn.LayerNorm(4)(gg.tensor([[1.0, 1.0, 3.0, 3.0]])).shape
    (1, 4)
    >>> gg.nn.LayerNorm(2, elementwise_affine=False)(gg.tensor([[-300.0, 300.0]]))
    tensor([[-1.,  1.]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = DEFAULT_FLOAT,
    ) -> None:
        self.normalized_shape = _normalized(normalized_shape)
        if not isinstance(eps, int | float) or not eps >= 0:
            raise ArgumentError(f"LayerNorm needs a number eps >= 0; got {eps!r}")
        self.eps = eps
        ones, zeros = (make(self.normalized_shape, dtype=dtype) for make in (ops.ones, ops.zeros))
        self.weight = Parameter(ones) if elementwise_affine else None
        self.bias = Parameter(zeros) if elementwise_affine and bias else None

    def forward(self, x: Any) -> Tensor:
        """x, normalized."""
        return layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        affine = self.weight is not None
        bias = ", bias=False" if affine and self.bias is None else ""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}{bias}"
