"""LSTM layers against PyTorch's."""

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed, and these tests compare with it")
from side_by_side import compare  # noqa: E402 - it imports torch

RNG = np.random.default_rng(0)
SETTINGS = [
    {},
    {"bias": False},
    {"batch_first": True},
    {"num_layers": 3},
    {"bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("shape", [(7, 2, 3), (1, 2, 3), (2, 1, 3), (5, 3)], ids=str)
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "state"])
def test_lstm(shape, settings, given):
    x = RNG.normal(size=shape)
    batch = shape[:-1][1 - settings.get("batch_first", False)] if len(shape) == 3 else None
    count = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
    state = tuple(RNG.normal(size=(count, 4) if batch is None else (count, batch, 4)) for _ in range(2))
    compare(
        nn.LSTM(3, 4, **settings, dtype=gg.float64),
        torch.nn.LSTM(3, 4, **settings, dtype=torch.float64),
        *((x, state) if given else (x,)),
    )


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(2, 3), (3,)], ids=str)
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "state"])
def test_lstm_cell(shape, bias, given):
    x, state = RNG.normal(size=shape), tuple(RNG.normal(size=(*shape[:-1], 4)) for _ in range(2))
    compare(
        nn.LSTMCell(3, 4, bias, dtype=gg.float64),
        torch.nn.LSTMCell(3, 4, bias, dtype=torch.float64),
        *((x, state) if given else (x,)),
    )
