"""Dropout: noise that switches units off during training."""

from __future__ import annotations

from typing import Any

from .. import ops, random
from ..errors import DTypeError
from ..graph import notice
from ..tensor import Tensor, asarray, is_recording
from .arguments import require_drop_probability
from .module import Module


def dropout(x: Any, p: float = 0.5, training: bool = True) -> Tensor:
    """x with each element set to 0 with probability p and divided by 1 - p otherwise; x itself if not `training`.

    Raises ArgumentError unless 0 <= p < 1, DTypeError if x is not float.

    >>> gg.nn.functional.dropout(gg.asarray([1.0, 2.0]), training=False)
    tensor([1., 2.])
    """
    given, p = asarray(x), require_drop_probability(p)
    if not training or p == 0.0:
        return given
    if given.dtype.kind != "f":
        raise DTypeError(
            f"Dropout needs a float input; got {given.dtype} of shape {given.shape}. gg.astype(x, gg.float32) converts."
        )
    kept = random.bernoulli(1.0 - p, given.shape)
    return given * (ops.astype(kept, given.dtype) / (1.0 - p))


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
        return dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"
