"""The workloads in glassgrad: a model, a loss, an optimizer, and one `gg.compile` over the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import glassgrad as gg
from glassgrad import nn

from . import SEED, Workload, models
from .data import DATA

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _count(parameters: Any) -> int:
    return sum(int(np.prod(parameter.shape)) for parameter in parameters)


def hw0(decorate: Decorator) -> Workload:
    def f(x1: Any, x2: Any, x3: Any, x4: Any, x5: Any, x6: Any) -> gg.Tensor:
        return gg.sigmoid(gg.log(5.0 * (gg.maximum(x1, x2) * x3 / x4 - (x5 + x6)))) + 0.5

    x = [gg.asarray(value) for value in DATA["hw0"]()]
    value_and_gradient = decorate(gg.value_and_grad(f, argnums=tuple(range(6))))
    return Workload(lambda: value_and_gradient(*x)[0], 6)


def logistic(decorate: Decorator) -> Workload:
    w, b = nn.Parameter(gg.zeros(64)), nn.Parameter(gg.zeros(1))

    def loss(x: Any, y: Any) -> gg.Tensor:
        error = nn.functional.binary_cross_entropy_with_logits(x @ w + b, y)
        return error + 1e-4 * (w * w).sum()

    return _training(loss, gg.optim.SGD([w, b], lr=1e-2), "logistic", decorate)


def two_layer(decorate: Decorator) -> Workload:
    w1, w2 = nn.Parameter(gg.random.normal((1000, 100))), nn.Parameter(gg.random.normal((100, 10)))

    def loss(x: Any, y: Any) -> gg.Tensor:
        return ((gg.sigmoid(x @ w1) @ w2 - y) ** 2).sum()

    return _training(loss, gg.optim.SGD([w1, w2], lr=1e-6), "two_layer", decorate)


def mlp(decorate: Decorator) -> Workload:
    model = models.multilayer_perceptron()
    return _classification(model, gg.optim.Adam(model.parameters(), lr=1e-3), "mlp", decorate)


def lenet(decorate: Decorator) -> Workload:
    model = models.lenet()
    return _classification(model, _with_momentum(model), "lenet", decorate)


def alexnet(decorate: Decorator) -> Workload:
    model = models.alexnet()
    return _classification(model, _with_momentum(model), "alexnet", decorate)


def lstm(decorate: Decorator) -> Workload:
    model = models.CharacterLSTM()
    return _next_token(model, gg.optim.Adam(model.parameters(), lr=1e-3), "lstm", decorate)


def gpt(decorate: Decorator) -> Workload:
    model = models.GPT()
    return _next_token(model, gg.optim.AdamW(model.parameters(), lr=1e-3), "gpt", decorate)


def ntm(decorate: Decorator) -> Workload:
    model = models.NeuralTuringMachine()

    def loss(x: Any, y: Any) -> gg.Tensor:
        return nn.functional.binary_cross_entropy_with_logits(model(x), y)

    return _training(loss, gg.optim.Adam(model.parameters(), lr=1e-3), "ntm", decorate)


def _with_momentum(model: nn.Module) -> gg.optim.Optimizer:
    return gg.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9, weight_decay=5e-4)


def _classification(
    model: nn.Module, optimizer: gg.optim.Optimizer, name: str, decorate: Decorator
) -> Workload:
    return _training(lambda x, y: nn.functional.cross_entropy(model(x), y), optimizer, name, decorate)


def _next_token(model: nn.Module, optimizer: gg.optim.Optimizer, name: str, decorate: Decorator) -> Workload:
    def loss(tokens: Any) -> gg.Tensor:
        logits = model(tokens[:, :-1])
        return nn.functional.cross_entropy(
            gg.reshape(logits, (-1, logits.shape[-1])), gg.reshape(tokens[:, 1:], -1)
        )

    return _training(loss, optimizer, name, decorate)


def _training(
    loss: Callable[..., Any], optimizer: gg.optim.Optimizer, name: str, decorate: Decorator
) -> Workload:
    @decorate
    def step(*data: Any) -> gg.Tensor:
        optimizer.zero_grad()
        found = loss(*data)
        found.backward()
        optimizer.step()
        return found

    data = [gg.asarray(array) for array in DATA[name]()]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return Workload(lambda: step(*data), _count(parameters))


WORKLOADS = {
    workload.__name__: workload
    for workload in (hw0, logistic, two_layer, mlp, lenet, alexnet, lstm, ntm, gpt)
}


def prepare(name: str, *, compiled: bool = True) -> Workload:
    """The workload `name`, its step compiled or as it is."""
    gg.random.seed(SEED)
    return WORKLOADS[name](gg.compile if compiled else lambda function: function)
