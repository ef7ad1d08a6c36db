"""Losses for numbers: the squared and the absolute error."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..tensor import Tensor, asarray
from .criterion import Criterion, as_target, reduce_losses, require_reduction


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """(input - target)², averaged over all elements. See `MSELoss`.

    >>> gg.nn.functional.mse_loss(gg.tensor([1.0, 5.0]), gg.tensor([0.0, 7.0]))
    tensor(2.5)
    """
    x = asarray(input)
    return reduce_losses("MSELoss", ops.square(x - as_target("MSELoss", x, target)), reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean") -> Tensor:
    """|input - target|, averaged over all elements. See `L1Loss`.

    >>> gg.nn.functional.l1_loss(gg.tensor([1.0, 5.0]), gg.tensor([0.0, 7.0]))
    tensor(1.5)
    """
    x = asarray(input)
    return reduce_losses("L1Loss", ops.abs(x - as_target("L1Loss", x, target)), reduction)


class MSELoss(Criterion):
    """The squared error (output - target)², without ½.

    output, target: the same shape; broadcasting is refused, because (n, 1) against (n,) would silently compare all
    pairs. reduction: "mean" over all elements, "sum", or "none" for all of them. Raises ShapeError, and ArgumentError
    for another reduction.

    >>> gg.nn.MSELoss()(gg.tensor([1.0, 5.0]), gg.tensor([0.0, 7.0]))
    tensor(2.5)
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = require_reduction(reduction)

    def forward(self, output: Any, target: Any) -> Tensor:
        """The loss."""
        return mse_loss(output, target, self.reduction)


class L1Loss(Criterion):
    """The absolute error |output - target|; its derivative at 0 is 0.

    output, target: the same shape. reduction: "mean" over all elements, "sum", or "none" for all of them.
    Raises ShapeError, and ArgumentError for another reduction.

    >>> gg.nn.L1Loss()(gg.tensor([1.0, 5.0]), gg.tensor([0.0, 7.0]))
    tensor(1.5)
    """

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = require_reduction(reduction)

    def forward(self, output: Any, target: Any) -> Tensor:
        """The loss."""
        return l1_loss(output, target, self.reduction)
