"""AdamW: Adam whose weight decay does not pass through the gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import ops
from ..nn.parameter import Buffer, Parameter
from ..tensor import Tensor
from .adam import Adam
from .optimizer import Group, constant


class AdamW(Adam):
    """`Adam` on p ← p - lr · weight_decay · p: the decay is decoupled from the gradient, and so from its scaling.

    lr >= 0, betas in [0, 1), eps >= 0, weight_decay >= 0. Raises ArgumentError.

    Source: Loshchilov, Hutter, "Decoupled weight decay regularization" (2019).

    >>> p = gg.nn.Parameter([1.0, 2.0])
    >>> optimizer = gg.optim.AdamW([p], lr=0.1, weight_decay=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [0.85, 1.8]
    """

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def update(self, parameter: Parameter, g: Tensor, state: dict[str, Buffer], group: Group) -> None:
        """One step for one parameter."""
        p = constant(parameter)
        if group["weight_decay"]:
            kept: Any = 1.0 - group["lr"] * group["weight_decay"]
            p = p * (ops.astype(kept, p.dtype) if isinstance(kept, Tensor) else kept)
        self.follow(parameter, p, g, state, group)
