"""Linear regression by gradient descent, next to the solution of the normal equations.

You learn the loop that all training is: compute the loss, compute its gradient, take a small step against it.

Run it: python linear_regression.py
"""

import numpy as np

import glassgrad as gg

LEARNING_RATE = 0.1
TRUTH = np.array([2.0, -3.0, 0.5])  # two slopes and an intercept

rng = np.random.default_rng(0)
x = np.column_stack([rng.standard_normal((100, 2)), np.ones(100)])  # the column of ones carries the intercept
y = x @ TRUTH + 0.1 * rng.standard_normal(100)


def loss_of(w):
    return gg.mean(gg.square(gg.matmul(x, w) - y))


print(f"{'step':>6}{'loss':>12}   weights")
w = gg.zeros(3, dtype=gg.float64)
for step in range(101):
    loss, gradient = gg.value_and_grad(loss_of)(w)
    if step in (0, 1, 2, 5, 10, 20, 50, 100):
        print(f"{step:>6}{loss.item():>12.6f}   {np.round(w.numpy(), 4)}")
    w = w - LEARNING_RATE * gradient

exact = np.linalg.solve(x.T @ x, x.T @ y)
print(f"\nnormal equations     {np.round(exact, 4)}")
print(f"the truth behind it  {np.round(TRUTH, 4)}")
