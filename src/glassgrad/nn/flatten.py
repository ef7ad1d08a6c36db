"""The flatten layer: several axes merged into one, between convolutions or images and linear layers."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from . import functional
from .module import Module


class Flatten(Module):
    """Merges the axes from `start_dim` on into one: (32, 8, 8) gives (32, 64).

    Raises ShapeError for an input without an axis `start_dim`, such as a single sample where a batch is meant.

    >>> gg.nn.Flatten()(gg.ones((32, 8, 8))).shape
    (32, 64)
    """

    def __init__(self, start_dim: int = 1) -> None:
        self.start_dim = start_dim

    def forward(self, x: Any) -> Tensor:
        """x with the axes from start_dim on merged."""
        return functional.flatten(x, self.start_dim)

    def extra_repr(self) -> str:
        """The first axis that is merged."""
        return f"start_dim={self.start_dim}"
