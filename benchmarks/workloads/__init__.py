"""Nine training steps, each written once for glassgrad, once for PyTorch and once for JAX.

One step is forward, loss, backward and the optimizer's update, in float32 on data that is already in memory:

| name | what | data | parameters | optimizer |
|---|---|---|---|---|
| `hw0` | sigmoid(ln(5 (max(x1, x2) x3 / x4 - (x5 + x6)))) + 1/2 and its gradient | six scalars | 6 | none |
| `logistic` | logistic regression, L2 penalty 1e-4 | x (256, 64), y (256) | 65 | SGD 1e-2 |
| `two_layer` | sum of squares of sigmoid(x w1) w2 - y | x (64, 1000), y (64, 10) | 101,000 | SGD 1e-6 |
| `mlp` | 784-512-512-10 with ReLU, cross-entropy | x (128, 784) | 669,706 | Adam 1e-3 |
| `lenet` | two 5×5 convolutions with pooling, 500, 10 | x (64, 1, 28, 28) | 431,080 | SGD 1e-2, momentum, decay |
| `alexnet` | AlexNet in one tower, dropout | x (32, 3, 224, 224) | 61,100,840 | SGD 1e-2, momentum, decay |
| `lstm` | LSTM of width 256 on characters, 64 steps | tokens (32, 65) | 360,544 | Adam 1e-3 |
| `ntm` | Neural Turing Machine, memory 128×20, 41 steps | x (41, 16, 9), y (41, 16, 8) | 65,220 | Adam 1e-3 |
| `gpt` | transformer, 4 layers of width 128 and 4 heads, context 64 | tokens (16, 65) | 826,208 | AdamW 1e-3 |

A module has a dictionary WORKLOADS of functions that return a `Workload`. Importing one imports its framework.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NAMES = ("hw0", "logistic", "two_layer", "mlp", "lenet", "alexnet", "lstm", "ntm", "gpt")
SEED = 0


@dataclass
class Workload:
    """A step that is ready to be run: it returns the loss when everything is done."""

    step: Callable[[], Any]
    parameters: int
