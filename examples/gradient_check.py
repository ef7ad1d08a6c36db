"""A gradient check: the gradient of a softmax loss from differences, weight by weight, and by reverse mode.

You learn the procedure (add h to one weight, see how the loss moves, divide by h), that it costs one evaluation of the
loss per weight, and why h must be neither large (the loss is curved) nor tiny (the digits cancel).

Run it: python gradient_check.py
"""

import numpy as np

import glassgrad as gg

H = 1e-4
FEATURES = np.array([[1.2, -0.7, 1.0], [-0.4, 2.1, 1.0], [0.9, 0.3, 1.0], [-1.6, -0.8, 1.0], [0.2, 1.1, 1.0]])
LABELS = np.array([0, 1, 2, 1, 0])
W = np.array([[0.34, -1.11, 0.78], [0.12, 0.55, 2.81], [-3.1, -1.5, 0.33]])


def loss(w):
    """Cross-entropy of the classes' softmax scores, averaged over the rows, plus an L2 penalty."""
    scores = gg.matmul(FEATURES, w)
    score_of_the_label = gg.take_along_axis(scores, LABELS[:, None], axis=1)
    return gg.mean(gg.logsumexp(scores, axis=1, keepdims=True) - score_of_the_label) + 0.1 * gg.sum(w * w)


analytic = gg.grad(loss)(W).numpy()
start = loss(gg.asarray(W)).item()
print(f"loss(W) = {start:.6f}; every weight in turn is moved by h = {H}\n")
print(f"{'weight':>9}{'loss(W + h)':>14}{'difference / h':>17}{'reverse mode':>15}")
for index in np.ndindex(W.shape):
    moved = W.copy()
    moved[index] += H
    value = loss(gg.asarray(moved)).item()
    print(f"{W[index]:>9.2f}{value:>14.6f}{(value - start) / H:>17.6f}{analytic[index]:>15.6f}")

print("\nThe largest error, by the size of h: the curve bends at the top, digits cancel at the bottom\n")
print(f"{'h':>8}{'forward':>10}{'central':>10}")
for exponent in (1, 2, 3, 4, 5, 6, 8, 10, 12):
    row = f"{f'1e-{exponent}':>8}"
    for scheme in ("forward", "central"):
        numerical = gg.numerical.grad(loss, W, scheme=scheme, step=10.0**-exponent)
        row += f"{np.abs(numerical - analytic).max():>10.0e}"
    print(row)
