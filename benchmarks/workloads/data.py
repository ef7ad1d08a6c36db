"""The data of the workloads, the same NumPy arrays for every framework."""

from __future__ import annotations

import numpy as np

from . import SEED


def _normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(SEED).standard_normal(shape, dtype=np.float32)


def _integers(high: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(SEED + 1).integers(0, high, shape)


def _bits(*shape: int) -> np.ndarray:
    return _integers(2, *shape).astype(np.float32)


DATA = {
    "hw0": lambda: tuple(map(np.float32, (2.0, 1.0, 9.0, 3.0, 0.5, 0.25))),
    "logistic": lambda: (_normal(256, 64), _bits(256)),
    "two_layer": lambda: (_normal(64, 1000), _normal(64, 10)),
    "mlp": lambda: (_normal(128, 784), _integers(10, 128)),
    "lenet": lambda: (_normal(64, 1, 28, 28), _integers(10, 64)),
    "alexnet": lambda: (_normal(32, 3, 224, 224), _integers(1000, 32)),
    "lstm": lambda: (_integers(96, 32, 65),),
    "ntm": lambda: (_bits(41, 16, 9), _bits(41, 16, 8)),
    "gpt": lambda: (_integers(96, 16, 65),),
}
