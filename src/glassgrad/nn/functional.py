"""The functions that layers and losses apply: what a module does once its settings and parameters are given."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..errors import ArgumentError, ShapeError
from ..ops.activation import elu as elu, leaky_relu as leaky_relu, relu as relu
from ..ops.exponential import sigmoid as sigmoid
from ..ops.trigonometric import tanh as tanh
from ..tensor import Tensor, asarray
from .attention import scaled_dot_product_attention as scaled_dot_product_attention
from .binary_cross_entropy import (
    binary_cross_entropy as binary_cross_entropy,
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from .convolution import conv1d as conv1d, conv2d as conv2d, conv3d as conv3d
from .cross_entropy import cross_entropy as cross_entropy, nll_loss as nll_loss
from .dropout import dropout as dropout
from .embedding import embedding as embedding
from .margin import multi_margin_loss as multi_margin_loss
from .normalization import layer_norm as layer_norm
from .pooling import (
    avg_pool1d as avg_pool1d,
    avg_pool2d as avg_pool2d,
    avg_pool3d as avg_pool3d,
    max_pool1d as max_pool1d,
    max_pool2d as max_pool2d,
    max_pool3d as max_pool3d,
)
from .regression import l1_loss as l1_loss, mse_loss as mse_loss


def linear(x: Any, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b on the last axis: (..., in) with weight (out, in) and bias (out) gives (..., out).

    Raises ShapeError if the last axis of x is not `in`.

    >>> gg.nn.functional.linear([[1.0, 2.0]], gg.asarray([[3.0, 4.0]]), gg.asarray([5.0]))
    tensor([[16.]])
    """
    x = asarray(x)
    features = weight.shape[1]
    if x.ndim == 0 or x.shape[-1] != features:
        raise ShapeError(
            f"Linear expects {features} input features on the last axis; got input of shape {x.shape}"
            f"{_how_to_fit(x.shape, features)}"
        )
    product = ops.matmul(x, ops.matrix_transpose(weight))
    return product if bias is None else product + bias


def _how_to_fit(shape: tuple[int, ...], features: int) -> str:
    """What to do about an input that has the right number of features, but not on its last axis."""
    if len(shape) > 2 and math.prod(shape[1:]) == features:
        return ". Put nn.Flatten() in front"
    if len(shape) > 1 and math.prod(shape) == features:
        return ". A single sample needs a batch axis in front: gg.expand_dims(x, 0)"
    if len(shape) == 2 and shape[0] == features:
        return ". Rows are samples: pass x.T if here the columns are"
    return ""


def softmax(x: Any, dim: int) -> Tensor:
    """exp(x) / sum exp(x) along the axis `dim`.

    >>> gg.nn.functional.softmax([0.0, 0.0], dim=0)
    tensor([0.5, 0.5])
    """
    return ops.softmax(x, axis=dim)


def log_softmax(x: Any, dim: int) -> Tensor:
    """ln softmax(x) along the axis `dim`.

    >>> gg.nn.functional.log_softmax([0.0, -1000.0], dim=0)
    tensor([    0., -1000.])
    """
    return ops.log_softmax(x, axis=dim)


def softplus(x: Any, beta: float = 1.0) -> Tensor:
    """ln(1 + exp(beta x)) / beta, elementwise.

    >>> gg.nn.functional.softplus([1000.0], beta=2.0)
    tensor([1000.])
    """
    return ops.softplus(x) if beta == 1.0 else ops.softplus(beta * asarray(x)) / beta


def gelu(x: Any, approximate: str = "none") -> Tensor:
    """x Φ(x), with Φ the normal distribution's cumulative function: a ReLU with a soft corner. See `GELU`.

    >>> gg.nn.functional.gelu(gg.tensor([-100.0, 0.0, 100.0]))
    tensor([ -0.,   0., 100.])
    """
    x = asarray(x)
    if require_approximation(approximate) == "none":
        # 1 + erf(x / √2) would lose its digits for negative x
        share = 0.5 * ops.erfc(x * -math.sqrt(0.5))
    else:
        # ½ (1 + tanh(u)) is sigmoid(2u), which keeps its digits for negative u
        share = sigmoid(x * (math.sqrt(8.0 / math.pi) * (1.0 + 0.044715 * (x * x))))
    y: Tensor = x * share
    return y


def require_approximation(approximate: str) -> str:
    """`approximate` itself, or an ArgumentError unless it is "none" or "tanh".

    >>> require_approximation("tanh")
    'tanh'
    """
    if approximate not in ("none", "tanh"):
        raise ArgumentError(f"gelu knows approximate='none' and 'tanh'; got {approximate!r}")
    return approximate


def silu(x: Any) -> Tensor:
    """x sigmoid(x), elementwise. See `SiLU`.

    >>> gg.nn.functional.silu(gg.tensor([-1000.0, 0.0, 100.0]))
    tensor([ -0.,   0., 100.])
    """
    x = asarray(x)
    y: Tensor = x * sigmoid(x)
    return y


def flatten(x: Any, start_dim: int = 1) -> Tensor:
    """x with the axes from `start_dim` on merged into one. Raises ShapeError if x has no such axis.

    >>> gg.nn.functional.flatten(gg.ones((2, 3, 4))).shape
    (2, 12)
    """
    x = asarray(x)
    if not -x.ndim <= start_dim < x.ndim:
        raise ShapeError(
            f"Flatten(start_dim={start_dim}) keeps the axes before {start_dim} and merges the others; got input of "
            f"shape {x.shape}. A single sample needs a batch axis: gg.expand_dims(x, 0)."
        )
    return ops.flatten(x, start_dim % x.ndim)
