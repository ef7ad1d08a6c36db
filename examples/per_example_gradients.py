"""The gradient of every example of a batch, at once: vmap of grad.

You learn that `gg.vmap` turns a function of one example into a function of many, that it nests with the derivatives,
and what one can do with a gradient per example: find the examples that pull hardest, and clip them.

Run it: python per_example_gradients.py
"""

import glassgrad as gg

gg.random.seed(4)
x = gg.random.normal((32, 3))
y = x @ gg.asarray([1.0, -2.0, 0.5])
y = y.at[5].set(60.0)  # a wrong label

w = gg.zeros(3)


def loss(w, x, y):
    """For one example: x is a vector, y a number."""
    return (x @ w - y) ** 2


one_by_one = gg.stack([gg.grad(loss)(w, x[i], y[i]) for i in range(len(x))])
at_once = gg.vmap(gg.grad(loss), in_axes=(None, 0, 0))(w, x, y)
print(f"largest difference between a loop and vmap: {gg.max(gg.abs(one_by_one - at_once)).item():.1e}\n")

sizes = gg.sqrt(gg.sum(at_once**2, axis=1))
for i, size in enumerate(sizes[:10].tolist()):
    print(f"example {i}  size of its gradient {size:8.2f}  {'#' * round(size / 4)}")
print(f"\nexample {gg.argmax(sizes).item()} pulls hardest: its label is wrong")

for name, limit in (("plain", float("inf")), ("clipped", 1.0)):
    w = gg.zeros(3)
    for _ in range(300):
        each = gg.vmap(gg.grad(loss), in_axes=(None, 0, 0))(w, x, y)
        size = gg.sqrt(gg.sum(each**2, axis=1, keepdims=True))
        w = w - 0.05 * gg.mean(each * gg.minimum(1.0, limit / (size + 1e-9)), axis=0)
    print(f"{name:>8} training finds w = {[round(v, 2) for v in w.tolist()]}, the truth is [1.0, -2.0, 0.5]")
