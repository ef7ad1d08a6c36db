"""Dropout: noise that switches units off during training."""

from __future__ import annotations

from typing import Any

from ..graph import notice
from ..tensor import Tensor, is_recording
from . import functional
from .arguments import require_drop_probability
from .module import Module


class Dropout(Module):
    """In training, each element is set to 0 with probability p and the others are divided by 1 - p; else the identity.

    So the expected output is the input in both modes. p in [0, 1): PyTorch accepts p = 1, which drops everything;
    here it is refused, as in Torch7 and Caffe. Raises ArgumentError. The random numbers are `gg.random`'s.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014).

    >>> layer = gg.nn.Dropout(0.5)
    >>> sorted(set(layer(gg.ones(100)).tolist()))
    [0.0, 2.0]
    >>> layer.eval()(gg.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = require_drop_probability(p)

    def forward(self, x: Any) -> Tensor:
        """x with noise in training, x otherwise."""
        if self.training and self.p and not is_recording():
            notice(
                "Dropout sets elements to 0 at random here, because the model is in training mode under gg.no_grad(). "
                "To measure or use a model, call model.eval() first, and model.train() to go on training."
            )
        return functional.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"
