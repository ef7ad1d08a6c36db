"""Adam: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .. import ops
from ..nn.parameter import Buffer, Parameter
from ..tensor import Tensor
from .optimizer import Group, Optimizer, constant, require, require_not_negative


class Adam(Optimizer):
    """p ← p - lr · m̂ / (√v̂ + eps), with m̂ and v̂ running averages of the gradient and its square, freed of their start.

    g ← gradient + weight_decay · p;  m ← β₁ m + (1 - β₁) g;  v ← β₂ v + (1 - β₂) g²;
    m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ) in step t = 1, 2, ...

    lr >= 0, betas in [0, 1), eps >= 0, weight_decay >= 0 (added to the gradient, not decoupled; `AdamW` decouples it).
    Raises ArgumentError. For complex parameters g² is |g|², so that a step keeps the direction of the gradient in the
    complex plane; PyTorch scales real and imaginary part each by itself.

    Source: Kingma, Ba, "Adam: a method for stochastic optimization" (2015).

    >>> p = gg.nn.Parameter([1.0, 2.0])
    >>> optimizer = gg.optim.Adam([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> [round(value, 4) for value in p.tolist()]
    [0.9, 1.9]
    """

    state_names = ("step", "exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise an ArgumentError if a setting makes no sense."""
        name = type(self).__name__
        require_not_negative(name, settings, "lr", "eps", "weight_decay")
        betas = settings["betas"]
        is_pair = isinstance(betas, tuple | list) and len(betas) == 2
        require(is_pair and all(0 <= beta < 1 for beta in betas), name, "two betas in [0, 1)", betas)

    def update(self, parameter: Parameter, g: Tensor, state: dict[str, Buffer], group: Group) -> None:
        """One step for one parameter."""
        p = constant(parameter)
        if group["weight_decay"]:
            g = g + p * group["weight_decay"]
        self.follow(parameter, p, g, state, group)

    def follow(
        self, parameter: Parameter, p: Tensor, g: Tensor, state: dict[str, Buffer], group: Group
    ) -> None:
        """Assign the parameter p - lr · m̂ / (√v̂ + eps), where m̂ and v̂ are the averages with g among them."""
        beta1, beta2 = group["betas"]
        if not state:
            zeros = np.zeros(p.shape, p.dtype)
            # in float64, because 1 - 0.999**t would lose most of its digits in float32
            state.update(step=Buffer(np.zeros(())), exp_avg=Buffer(zeros), exp_avg_sq=Buffer(zeros.real))
        step, m, v = (constant(state[name]) for name in self.state_names)
        step = step + 1.0
        m = m * beta1 + g * (1.0 - beta1)
        v = v * beta2 + _squared(g) * (1.0 - beta2)
        scale1 = ops.astype(group["lr"] / (1.0 - beta1**step), p.dtype)
        scale2 = ops.astype(ops.sqrt(1.0 - beta2**step), v.dtype)
        parameter.assign(p - m * scale1 / (ops.sqrt(v) / scale2 + group["eps"]))
        for name, value in zip(self.state_names, (step, m, v), strict=True):
            state[name].assign(value)


def _squared(g: Tensor) -> Tensor:
    """|g|²."""
    if g.dtype.kind != "c":
        return g * g
    return ops.square(ops.real(g)) + ops.square(ops.imag(g))
