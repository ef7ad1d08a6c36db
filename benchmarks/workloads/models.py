"""The networks of the workloads, as a user of glassgrad writes them."""

from __future__ import annotations

from typing import Any

import glassgrad as gg
from glassgrad import nn


def multilayer_perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 20, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(20, 50, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(800, 500),
        nn.ReLU(),
        nn.Linear(500, 10),
    )


def alexnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(9216, 4096),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Linear(4096, 1000),
    )


class CharacterLSTM(nn.Module):
    """Logits of the next character after each one."""

    def __init__(self) -> None:
        self.embed = nn.Embedding(96, 64)
        self.lstm = nn.LSTM(64, 256, batch_first=True)
        self.head = nn.Linear(256, 96)

    def forward(self, tokens: Any) -> gg.Tensor:
        hidden, _ = self.lstm(self.embed(tokens))
        return self.head(hidden)


class Addressing(nn.Module):
    """Weights over the slots of a memory, from a key, its strength, a gate, a shift and a sharpness.

    Source: Graves, Wayne, Danihelka, "Neural Turing Machines" (2014), section 3.3.
    """

    def __init__(self, width: int) -> None:
        self.width = width

    def forward(self, asked: gg.Tensor, before: gg.Tensor, memory: gg.Tensor) -> gg.Tensor:
        m = self.width
        key = gg.tanh(asked[:, :m])
        strength, gate = gg.softplus(asked[:, m : m + 1]), gg.sigmoid(asked[:, m + 1 : m + 2])
        shift = gg.softmax(asked[:, m + 2 : m + 5], axis=-1)
        sharpness = 1.0 + gg.softplus(asked[:, m + 5 : m + 6])
        products = (memory * gg.expand_dims(key, axis=1)).sum(axis=-1)
        lengths = gg.sqrt((memory * memory).sum(axis=-1)) * gg.sqrt((key * key).sum(axis=-1, keepdims=True))
        by_content = gg.softmax(strength * (products / (lengths + 1e-8)), axis=-1)
        w = gate * by_content + (1.0 - gate) * before
        w = shift[:, 0:1] * gg.roll(w, 1, axis=1) + shift[:, 1:2] * w + shift[:, 2:3] * gg.roll(w, -1, axis=1)
        w = (w + 1e-8) ** sharpness
        return w / w.sum(axis=-1, keepdims=True)


class NeuralTuringMachine(nn.Module):
    """An LSTM with a memory, one head that reads it and one that writes it."""

    def __init__(
        self, inputs: int = 9, outputs: int = 8, slots: int = 128, width: int = 20, hidden: int = 100
    ) -> None:
        self.width, self.hidden = width, hidden
        self.controller = nn.LSTMCell(inputs + width, hidden)
        self.read = nn.Linear(hidden, width + 6)
        self.write = nn.Linear(hidden, 3 * width + 6)
        self.out = nn.Linear(hidden + width, outputs)
        self.address = Addressing(width)
        self.memory = nn.Parameter(0.1 * gg.random.normal((slots, width)))

    def forward(self, inputs: Any) -> gg.Tensor:
        steps, batch, _ = inputs.shape
        slots, m = self.memory.shape
        memory = gg.broadcast_to(self.memory, (batch, slots, m))
        hidden = cell = gg.zeros((batch, self.hidden))
        reading = writing = gg.concat([gg.ones((batch, 1)), gg.zeros((batch, slots - 1))], axis=1)
        seen = gg.zeros((batch, m))
        outputs = []
        for time in range(steps):
            hidden, cell = self.controller(gg.concat([inputs[time], seen], axis=1), (hidden, cell))
            asked = self.write(hidden)
            writing = self.address(asked, writing, memory)
            erase = gg.sigmoid(asked[:, m + 6 : 2 * m + 6])
            add = gg.tanh(asked[:, 2 * m + 6 :])
            where = gg.expand_dims(writing, axis=2)
            memory = memory * (1.0 - where * gg.expand_dims(erase, axis=1)) + where * gg.expand_dims(
                add, axis=1
            )
            reading = self.address(self.read(hidden), reading, memory)
            seen = (gg.expand_dims(reading, axis=2) * memory).sum(axis=1)
            outputs.append(self.out(gg.concat([hidden, seen], axis=1)))
        return gg.stack(outputs)


class Block(nn.Module):
    """Attention and a two-layer network, each on normalised input and added to what was there."""

    def __init__(self, width: int, heads: int) -> None:
        self.heads = heads
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gelu = nn.GELU(approximate="tanh")

    def attend(self, x: gg.Tensor) -> gg.Tensor:
        batch, length, width = x.shape
        parts = gg.reshape(self.qkv(x), (batch, length, 3, self.heads, width // self.heads))
        q, k, v = gg.unstack(gg.permute_dims(parts, (2, 0, 3, 1, 4)))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(gg.reshape(gg.permute_dims(mixed, (0, 2, 1, 3)), (batch, length, width)))

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        x = x + self.attend(self.n1(x))
        return x + self.down(self.gelu(self.up(self.n2(x))))


class GPT(nn.Module):
    """Logits of the next token after each one, by a transformer that looks back only."""

    def __init__(
        self, vocabulary: int = 96, width: int = 128, context: int = 64, layers: int = 4, heads: int = 4
    ) -> None:
        self.tok, self.pos = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)

    def forward(self, tokens: Any) -> gg.Tensor:
        x = self.tok(tokens) + self.pos(gg.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x)))
