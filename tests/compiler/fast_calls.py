"""What tests of fast calls share: functions that are compiled and warm, and a training step."""

from typing import Any

import numpy as np

import glassgrad as gg
from glassgrad.compiler import compile
from glassgrad.compiler.fast_call import MISSED

X = gg.asarray(np.arange(6.0, dtype=np.float32).reshape(2, 3))

WARM = 1
"""How many calls it takes for a fast one: the first traces."""


def warm(function: Any, *args: Any, **options: Any) -> Any:
    """The function compiled, and called as often as it takes for a fast call."""
    compiled = compile(function)
    for _ in range(WARM):
        compiled(*args, **options)
    return compiled


def is_fast(compiled: Any, *args: Any, **options: Any) -> bool:
    """Whether a call goes the fast way; it is made if so."""
    return compiled.again(args, options) is not MISSED


class Training:
    """A layer, an optimizer, and a step of plain gradient descent on fixed data."""

    def __init__(self, lr: Any = 0.1) -> None:
        gg.random.seed(1)
        self.layer = gg.nn.Linear(3, 2)
        self.optimizer = gg.optim.SGD(self.layer.parameters(), lr=lr)

    def step(self, x: Any) -> Any:
        self.optimizer.zero_grad()
        loss = gg.mean(self.layer(x) ** 2)
        loss.backward()
        self.optimizer.step()
        return loss

    def values(self) -> list[Any]:
        return [parameter.numpy().copy() for parameter in self.layer.parameters()]
