"""Rosenblatt's perceptron: a rule that stops as soon as it makes no more mistakes.

You learn that the rule of 1958 is a gradient step. On a mistake the loss is -side (w . x), its gradient is -side x, and
a step of size 1 against it adds side x to the weights. If a line separates the classes, the mistakes must end: Novikoff
(1962) showed that there are at most (R / gap)^2 of them.

Run it: python perceptron.py
"""

import numpy as np

import glassgrad as gg

rng = np.random.default_rng(0)
NORMAL = np.array([0.6, -0.8, 0.1])  # a line that separates the points: 0.6 a - 0.8 b + 0.1 = 0
points = np.column_stack([rng.uniform(-1, 1, (400, 2)), np.ones(400)])
points = points[np.abs(points @ NORMAL) > 0.1]  # leave a gap around the line
sides = np.sign(points @ NORMAL)


def loss_of_a_mistake(w, point, side):
    return -side * gg.vecdot(w, point)


w = gg.zeros(3, dtype=gg.float64)
total = 0
print(f"{len(points)} points\n\n{'round':>7}{'mistakes':>10}   weights")
for turn in range(1, 101):
    mistakes = 0
    for point, side in zip(points, sides, strict=True):
        if side * gg.vecdot(w, point) <= 0:
            w = w - gg.grad(loss_of_a_mistake)(w, point, side)
            mistakes += 1
    total += mistakes
    print(f"{turn:>7}{mistakes:>10}   {np.round(w.numpy(), 3)}")
    if mistakes == 0:
        break

gap = (sides * (points @ NORMAL)).min() / np.linalg.norm(NORMAL)
bound = (np.linalg.norm(points, axis=1).max() / gap) ** 2
right = np.mean(np.sign(points @ w.numpy()) == sides)
print(f"\n{total} mistakes in all; Novikoff's bound is {bound:.0f}")
print(f"{right:.0%} of the points are on the right side")
