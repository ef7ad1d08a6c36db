"""The identity layer."""

from __future__ import annotations

from typing import Any

from .module import Module


class Identity(Module):
    """Its input, unchanged: a placeholder for a layer that is switched off.

    >>> gg.nn.Identity()(gg.tensor([1.0]))
    tensor([1.])
    """

    def forward(self, x: Any) -> Any:
        """x."""
        return x
