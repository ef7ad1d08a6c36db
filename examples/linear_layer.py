"""A linear layer, 5 inputs to 4 outputs, by the protocol of the lectures: forward, backward, update.

You learn the three formulas behind every dense layer, y = W x + b: the gradient goes down as W^T g, the weights get the
outer product of g and x, the bias gets g. You see that parameter gradients add up until they are zeroed, and how a loss
joins in to make a training loop.

Run it: python linear_layer.py
"""

import numpy as np

import glassgrad as gg

gg.random.seed(0)
np.set_printoptions(precision=3, suppress=True, sign=" ")

layer = gg.nn.Linear(5, 4)
x = np.array([1.0, -2.0, 3.0, 0.0, -1.0], np.float32)
g = np.array([1.0, 0.0, -1.0, 2.0], np.float32)  # the upstream gradient: of the loss with respect to y
W, b = layer.weight.numpy(), layer.bias.numpy()


def compare(label, found, formula, by_hand):
    print(
        f"{label}\n{found.numpy()}\n  agrees with {formula}: {np.allclose(found.numpy(), by_hand, atol=1e-6)}\n"
    )


compare("forward(x), shape (4,)", layer.forward(x), "W x + b", W @ x + b)
compare("backward(x, g), shape (5,)", layer.backward(x, g), "W^T g", W.T @ g)
compare("weight.grad, shape (4, 5)", layer.weight.grad, "outer(g, x)", np.outer(g, x))
compare("bias.grad, shape (4,)", layer.bias.grad, "g", g)

layer.backward(x, g)
compare("bias.grad after a second backward", layer.bias.grad, "2 g", 2 * g)
layer.zero_grad_parameters()
layer.backward(x, g)
compare("bias.grad after zero_grad_parameters and a third", layer.bias.grad, "g", g)

layer.update_parameters(learning_rate=0.1)
compare("bias after update_parameters(0.1)", layer.bias, "b - 0.1 g", b - 0.1 * g)

print(
    "Training on one row. At this rate every step halves the error, so the squared error falls to a quarter:\n"
)
criterion, target = gg.nn.MSELoss(), np.zeros(4, np.float32)
for step in range(6):
    y = layer.forward(x)
    print(f"  step {step}: loss {criterion.forward(y, target).item():.6f}")
    grad_y = criterion.backward(y, target)
    layer.zero_grad_parameters()
    layer.backward(x, grad_y)
    layer.update_parameters(
        learning_rate=1 / 16
    )  # the error shrinks by 1 - rate * (x.x + 1) / 2, and x.x is 15
