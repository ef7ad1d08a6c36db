"""The backward pass as code: what reverse mode does, written out line by line.

You learn that backpropagation is a straight-line program. gg.flat_code writes it for a neuron and for a network with a
cross-entropy loss, with the names of your variables: each line of the forward pass has its gradient below, in reverse
order. The text is a file that runs with NumPy alone, and gives the same numbers.

Run it: python flat_code.py
"""

import numpy as np

import glassgrad as gg


def neuron(w0, x0, w1, x1, w2):
    s0 = w0 * x0
    s1 = w1 * x1
    s2 = s0 + s1
    s3 = s2 + w2
    L = gg.sigmoid(s3)
    return L


def network(x, labels, w1, b1, w2, b2):
    hidden = gg.relu(x @ w1 + b1)
    scores = hidden @ w2 + b2
    chosen = gg.take_along_axis(gg.log_softmax(scores), labels[:, None], axis=1)
    loss = -gg.mean(chosen)
    return loss


print("A neuron\n")
code = gg.flat_code(neuron, 2.0, -1.0, -3.0, -2.0, -3.0)
print(code)
value, gradients = code.function(2.0, -1.0, -3.0, -2.0, -3.0)
print(f"\nvalue {value:.4f}, gradients {', '.join(f'{g:.4f}' for g in gradients)}")

print("\n\nA network with ReLU and cross-entropy\n")
rng = np.random.default_rng(0)
x, labels = rng.normal(size=(6, 4)), np.array([0, 2, 1, 1, 0, 2])
weights = [rng.normal(size=shape) for shape in ((4, 5), (5,), (5, 3), (3,))]
code = gg.flat_code(network, x, labels, *weights, name="loss_and_gradients")
print(code)
value, gradients = code.function(x, labels, *weights)
reverse = gg.grad(network, argnums=(0, 2, 3, 4, 5))(x, labels, *weights)
apart = max(float(np.max(np.abs(flat - g.numpy()))) for flat, g in zip(gradients, reverse, strict=True))
print(f"\nlargest difference from gg.grad: {apart:.1e}")
