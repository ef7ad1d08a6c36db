"""The workloads in PyTorch: eager, or with the forward and backward pass through torch.compile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - PyTorch's own habit
from torch import nn

from . import SEED, Workload
from .data import DATA

Loss = Callable[[], Any]
Parts = tuple[list[Any], Loss, Any]
"""The parameters, the loss of them, and the optimizer or None."""


def _data(name: str) -> list[Any]:
    return [torch.from_numpy(np.array(array)) for array in DATA[name]()]


def hw0() -> Parts:
    x = [tensor.requires_grad_() for tensor in _data("hw0")]

    def f() -> Any:
        x1, x2, x3, x4, x5, x6 = x
        return torch.sigmoid(torch.log(5.0 * (torch.maximum(x1, x2) * x3 / x4 - (x5 + x6)))) + 0.5

    return x, f, None


def logistic() -> Parts:
    x, y = _data("logistic")
    w, b = (torch.zeros(size, requires_grad=True) for size in (64, 1))

    def loss() -> Any:
        return F.binary_cross_entropy_with_logits(x @ w + b, y) + 1e-4 * (w * w).sum()

    return [w, b], loss, torch.optim.SGD([w, b], lr=1e-2)


def two_layer() -> Parts:
    x, y = _data("two_layer")
    w1, w2 = (torch.randn(shape, requires_grad=True) for shape in ((1000, 100), (100, 10)))
    return [w1, w2], lambda: (torch.sigmoid(x @ w1) @ w2 - y).pow(2).sum(), torch.optim.SGD([w1, w2], lr=1e-6)


def mlp() -> Parts:
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    return _classification(model, torch.optim.Adam(model.parameters(), lr=1e-3), "mlp")


def lenet() -> Parts:
    features = [
        *(nn.Conv2d(1, 20, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
        *(nn.Conv2d(20, 50, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
    ]
    classifier = [nn.Flatten(), nn.Linear(800, 500), nn.ReLU(inplace=True), nn.Linear(500, 10)]
    return _classification(*_with_momentum(nn.Sequential(*features, *classifier)), "lenet")


def alexnet() -> Parts:
    features = [
        *(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True)),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True)),
        *(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)),
    ]
    classifier = [
        *(nn.Flatten(), nn.Dropout(), nn.Linear(9216, 4096), nn.ReLU(inplace=True)),
        *(nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 1000)),
    ]
    return _classification(*_with_momentum(nn.Sequential(*features, *classifier)), "alexnet")


class CharacterLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(96, 64)
        self.lstm = nn.LSTM(64, 256, batch_first=True)
        self.head = nn.Linear(256, 96)

    def forward(self, tokens: Any) -> Any:
        return self.head(self.lstm(self.embed(tokens))[0])


def lstm() -> Parts:
    model = CharacterLSTM()
    return _next_token(model, torch.optim.Adam(model.parameters(), lr=1e-3), "lstm")


class NeuralTuringMachine(nn.Module):
    def __init__(
        self, inputs: int = 9, outputs: int = 8, slots: int = 128, width: int = 20, hidden: int = 100
    ) -> None:
        super().__init__()
        self.width, self.hidden = width, hidden
        self.controller = nn.LSTMCell(inputs + width, hidden)
        self.read = nn.Linear(hidden, width + 6)
        self.write = nn.Linear(hidden, 3 * width + 6)
        self.out = nn.Linear(hidden + width, outputs)
        self.memory = nn.Parameter(0.1 * torch.randn(slots, width))

    def address(self, asked: Any, before: Any, memory: Any) -> Any:
        m = self.width
        key, strength, gate, shift, sharpness = asked[:, : m + 6].split((m, 1, 1, 3, 1), dim=1)
        key, shift = torch.tanh(key), F.softmax(shift, dim=-1)
        lengths = memory.norm(dim=-1) * key.norm(dim=-1, keepdim=True)
        alike = (memory * key.unsqueeze(1)).sum(-1) / (lengths + 1e-8)
        gate = torch.sigmoid(gate)
        w = gate * F.softmax(F.softplus(strength) * alike, dim=-1) + (1.0 - gate) * before
        w = shift[:, 0:1] * w.roll(1, 1) + shift[:, 1:2] * w + shift[:, 2:3] * w.roll(-1, 1)
        w = (w + 1e-8) ** (1.0 + F.softplus(sharpness))
        return w / w.sum(-1, keepdim=True)

    def forward(self, inputs: Any) -> Any:
        _, batch, _ = inputs.shape
        slots, m = self.memory.shape
        memory = self.memory.expand(batch, slots, m)
        hidden = cell = torch.zeros(batch, self.hidden)
        reading = writing = torch.eye(1, slots).expand(batch, slots)
        seen = torch.zeros(batch, m)
        outputs = []
        for x in inputs:
            hidden, cell = self.controller(torch.cat([x, seen], 1), (hidden, cell))
            asked = self.write(hidden)
            writing = self.address(asked, writing, memory)
            erase, add = torch.sigmoid(asked[:, m + 6 : 2 * m + 6]), torch.tanh(asked[:, 2 * m + 6 :])
            where = writing.unsqueeze(2)
            memory = memory * (1.0 - where * erase.unsqueeze(1)) + where * add.unsqueeze(1)
            reading = self.address(self.read(hidden), reading, memory)
            seen = (reading.unsqueeze(2) * memory).sum(1)
            outputs.append(self.out(torch.cat([hidden, seen], 1)))
        return torch.stack(outputs)


def ntm() -> Parts:
    model = NeuralTuringMachine()
    x, y = _data("ntm")
    parameters = list(model.parameters())
    return (
        parameters,
        lambda: F.binary_cross_entropy_with_logits(model(x), y),
        torch.optim.Adam(parameters, lr=1e-3),
    )


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x: Any) -> Any:
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(mixed.transpose(1, 2).reshape(batch, length, width))

    def forward(self, x: Any) -> Any:
        x = x + self.attend(self.n1(x))
        return x + self.down(F.gelu(self.up(self.n2(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(
        self, vocabulary: int = 96, width: int = 128, context: int = 64, layers: int = 4, heads: int = 4
    ) -> None:
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)

    def forward(self, tokens: Any) -> Any:
        x = self.tok(tokens) + self.pos(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))


def gpt() -> Parts:
    model = GPT()
    return _next_token(model, torch.optim.AdamW(model.parameters(), lr=1e-3), "gpt")


def _with_momentum(model: nn.Module) -> tuple[nn.Module, Any]:
    return model, torch.optim.SGD(model.parameters(), lr=1e-2, momentum=0.9, weight_decay=5e-4)


def _classification(model: nn.Module, optimizer: Any, name: str) -> Parts:
    x, y = _data(name)
    return list(model.parameters()), lambda: F.cross_entropy(model(x), y), optimizer


def _next_token(model: nn.Module, optimizer: Any, name: str) -> Parts:
    (tokens,) = _data(name)
    before, after = tokens[:, :-1], tokens[:, 1:].flatten()
    return list(model.parameters()), lambda: F.cross_entropy(model(before).flatten(0, 1), after), optimizer


WORKLOADS: dict[str, Callable[[], Parts]] = {
    workload.__name__: workload
    for workload in (hw0, logistic, two_layer, mlp, lenet, alexnet, lstm, ntm, gpt)
}


def prepare(name: str, *, compiled: bool, threads: int | None = None) -> Workload:
    """The workload `name`, its loss compiled or as it is."""
    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    parameters, loss, optimizer = WORKLOADS[name]()
    if compiled:
        loss = torch.compile(loss)

    def step() -> Any:
        if optimizer is None:
            _forget(parameters)
        else:
            optimizer.zero_grad()
        found = loss()
        found.backward()
        if optimizer is not None:
            optimizer.step()
        return found.detach()

    return Workload(step, sum(parameter.numel() for parameter in parameters))


def _forget(parameters: Iterable[Any]) -> None:
    for parameter in parameters:
        parameter.grad = None
