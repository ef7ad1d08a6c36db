"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..nn.parameter import Buffer, Parameter
from ..tensor import Tensor
from .optimizer import Group, Optimizer, constant, learning_rate, require, require_not_negative


class SGD(Optimizer):
    """p ← p - lr · d, where d is the gradient, or a running sum of gradients with momentum.

    g ← gradient + weight_decay · p;  v ← momentum · v + (1 - dampening) · g, and v = g in the first step;
    d = g without momentum, v with it, g + momentum · v with `nesterov`.

    lr >= 0, momentum >= 0, weight_decay >= 0; nesterov needs momentum > 0 and dampening = 0. Raises ArgumentError.

    Sources: Polyak (1964); Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
    learning" (2013), for nesterov.

    >>> p = gg.nn.Parameter([1.0, 2.0])
    >>> optimizer = gg.optim.SGD([p], lr=0.1)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist() == gg.tensor([0.8, 1.6]).tolist()
    True
    """

    state_names = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Parameter] | Iterable[Group],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "nesterov": nesterov})

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise an ArgumentError if a setting makes no sense."""
        require_not_negative("SGD", settings, "lr", "momentum", "weight_decay")
        if settings["nesterov"]:
            rule = "momentum > 0 and dampening = 0 for nesterov"
            got = f"momentum={settings['momentum']}, dampening={settings['dampening']}"
            require(settings["momentum"] > 0 and settings["dampening"] == 0, "SGD", rule, got)

    def update(self, parameter: Parameter, g: Tensor, state: dict[str, Buffer], group: Group) -> None:
        """One step for one parameter."""
        p = constant(parameter)
        momentum = group["momentum"]
        if group["weight_decay"]:
            g = g + p * group["weight_decay"]
        if momentum:
            if not state and group["dampening"]:  # as in PyTorch, not of the first gradient
                v = g
                state["momentum_buffer"] = Buffer(v)
            else:
                if not state:
                    state["momentum_buffer"] = Buffer(np.zeros(p.shape, p.dtype))
                v = constant(state["momentum_buffer"]) * momentum + g * (1.0 - group["dampening"])
                state["momentum_buffer"].assign(v)
            g = g + v * momentum if group["nesterov"] else v
        parameter.assign(p - g * learning_rate(group, p))
