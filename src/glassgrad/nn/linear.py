"""The linear layer: x Wᵀ + b."""

from __future__ import annotations

import math
from typing import Any

from .. import random
from ..tensor import Tensor
from ..tensor.dtype import DEFAULT_FLOAT
from . import functional
from .arguments import require_size
from .module import Module
from .parameter import Parameter


class Linear(Module):
    """x Wᵀ + b on the last axis: (..., in_features) gives (..., out_features).

    Parameters: `weight` (out_features, in_features) and, unless `bias=False`, `bias` (out_features), drawn from
    U(-1/√in_features, 1/√in_features). Raises ArgumentError for sizes below 1, ShapeError for another last axis.

    >>> layer = gg.nn.Linear(3, 2)
    >>> layer(gg.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, dtype: Any = DEFAULT_FLOAT
    ) -> None:
        self.in_features = require_size("Linear", "in_features", in_features)
        self.out_features = require_size("Linear", "out_features", out_features)
        bound = 1.0 / math.sqrt(in_features)
        self.weight = Parameter(random.uniform((out_features, in_features), -bound, bound, dtype=dtype))
        self.bias = Parameter(random.uniform(out_features, -bound, bound, dtype=dtype)) if bias else None

    def forward(self, x: Any) -> Tensor:
        """x Wᵀ + b."""
        return functional.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
        )
