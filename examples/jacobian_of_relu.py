"""Jacobians are large and mostly empty: what does the 4096 × 4096 Jacobian of ReLU look like?

You learn why backpropagation never writes a Jacobian down: the graph shows which entries can differ from 0, and a few
products with vectors hold all there is to know.

Run it: python jacobian_of_relu.py
"""

import textwrap

import glassgrad as gg


def show(label, jacobian):
    print(
        textwrap.fill(
            f"{label}: {jacobian.description}", 100, initial_indent="  ", subsequent_indent="      "
        )
    )


gg.random.seed(0)
x = gg.random.normal(4096)
batch = gg.random.normal((64, 1000))
weight = gg.random.normal((1000, 1000))
narrow = gg.random.normal((4096, 10))

print("What does the 4096 × 4096 Jacobian of ReLU look like?\n")
J = gg.jacobian(gg.relu, structure=True)(x)
show("relu", J)
print(
    f"  as a matrix it would take {4 * 4096**2 / 2**20:.0f} MiB; its diagonal takes {4 * 4096 / 2**10:.0f} KiB"
)
print(
    f"  on the diagonal: {int(gg.sum(J.diagonal))} ones, where x > 0, and {int(gg.sum(1 - J.diagonal))} zeros"
)
upstream = gg.random.normal(4096)
by_backward = gg.vjp(gg.relu, x)[1](upstream)[0]
print(
    f"  upstream gradient · J is upstream * diagonal: {bool(gg.all(by_backward == upstream * J.diagonal))}\n"
)

print("Each element depends on itself alone, on its neighbours, on its row, on everything before it ...\n")
for name, function, point in [
    ("tanh of a batch", gg.tanh, batch),
    ("reversed", lambda x: x[::-1], x),
    ("x[i+1] - 2 x[i] + x[i-1]", lambda x: x[2:] - 2 * x[1:-1] + x[:-2], x),
    ("running sum", gg.cumulative_sum, x),
    ("softmax of each row", gg.softmax, batch),
    ("batch @ weight", lambda x: x @ weight, batch),
    ("through 10 numbers", lambda x: gg.tanh(x @ narrow) @ narrow.T, x),
    ("floor", gg.floor, x),
]:
    show(name, gg.jacobian(function, structure=True)(point))

print("\nA product with a Jacobian costs about as much as the function, whatever the Jacobian's size:\n")
J = gg.jacobian(gg.softmax, structure=True)(batch)
change = J @ gg.ones((64, 1000))
print(
    f"  rows that grow by the same everywhere leave softmax as it is: |J · 1| <= {float(gg.max(abs(change))):.0e}"
)
