"""A two-layer network in twenty lines: with gradients written by hand in NumPy, and with glassgrad.

You learn what automatic differentiation saves you: the four lines of gradients. The losses agree to the last digits.

Run it: python two_layer_network.py            (300 steps, a few seconds)
        python two_layer_network.py --steps 2000
"""

import argparse
import time

import numpy as np

import glassgrad as gg

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--steps", type=int, default=300, help="steps of gradient descent (default: %(default)s)")
parser.add_argument("--learning-rate", type=float, default=1e-4, help="default: %(default)s")
options = parser.parse_args()
if options.steps < 1:
    parser.error("--steps must be at least 1")

N, D_IN, H, D_OUT = 64, 1000, 100, 10
rng = np.random.default_rng(0)
x, y = rng.standard_normal((N, D_IN)), rng.standard_normal((N, D_OUT))
w1, w2 = rng.standard_normal((D_IN, H)), rng.standard_normal((H, D_OUT))


def train_by_hand(w1, w2):
    for _ in range(options.steps):
        h = 1 / (1 + np.exp(-(x @ w1)))
        y_pred = h @ w2
        yield np.square(y_pred - y).sum()
        grad_y_pred = 2 * (y_pred - y)
        grad_w2 = h.T @ grad_y_pred
        grad_h = grad_y_pred @ w2.T
        grad_w1 = x.T @ (grad_h * h * (1 - h))
        w1 = w1 - options.learning_rate * grad_w1
        w2 = w2 - options.learning_rate * grad_w2


def loss_of(w1, w2):
    h = 1 / (1 + gg.exp(-gg.matmul(x, w1)))
    y_pred = gg.matmul(h, w2)
    return gg.sum(gg.square(y_pred - y))


def train_with_glassgrad(w1, w2):
    for _ in range(options.steps):
        loss, (grad_w1, grad_w2) = gg.value_and_grad(loss_of, argnums=(0, 1))(w1, w2)
        yield loss.item()
        w1 = w1 - options.learning_rate * grad_w1
        w2 = w2 - options.learning_rate * grad_w2


def timed(training):
    start = time.perf_counter()
    losses = np.array(list(training))
    return losses, (time.perf_counter() - start) / options.steps * 1000


by_hand, hand_ms = timed(train_by_hand(w1, w2))
automatic, automatic_ms = timed(train_with_glassgrad(gg.asarray(w1), gg.asarray(w2)))

print(f"{'step':>6}{'loss, by hand':>20}{'loss, glassgrad':>20}")
for step in sorted({0, 1, 10, 100, 1000, options.steps - 1}):
    if step < options.steps:
        print(f"{step:>6}{by_hand[step]:>20.10f}{automatic[step]:>20.10f}")
print(f"\nlargest relative difference  {np.abs(automatic / by_hand - 1).max():.0e}")
print(f"time per step, by hand       {hand_ms:.2f} ms")
print(f"time per step, glassgrad     {automatic_ms:.2f} ms")
