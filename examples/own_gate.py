"""A gate of your own: a class with a forward and a backward.

You learn the whole contract of an op: forward computes the value and saves what backward will need; backward turns the
upstream gradient into one downstream gradient per input. You also see how a mistake in backward is found.

Run it: python own_gate.py
"""

import glassgrad as gg


class MultiplyGate(gg.Function):
    pattern = "switch: each input gets the upstream gradient times the other input"

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, upstream):
        x, y = ctx.saved_tensors
        return upstream * y, upstream * x


class WrongGate(MultiplyGate):
    @staticmethod
    def backward(ctx, upstream):
        x, y = ctx.saved_tensors
        return upstream * x, upstream * y


multiply = MultiplyGate.apply

print("It is a node in the graph like any other:\n")
x = gg.tensor(3.0, requires_grad=True, name="x")
y = gg.tensor(-4.0, requires_grad=True, name="y")
graph = gg.graph_of(multiply(x, y) + 2 * x)
graph.backward()
print(graph.summary())

print("\nIts backward is written in tensors, so it can be differentiated again:\n")


def f(x, y):
    return multiply(x, multiply(x, y))  # x^2 y


print(f"  d/dx   x^2 y at (3, -4) = 2 x y = {gg.grad(f)(3.0, -4.0).item():g}")
print(f"  d2/dx2 x^2 y at (3, -4) = 2 y   = {gg.grad(gg.grad(f))(3.0, -4.0).item():g}")

print("\ngradcheck compares a gate with differences of its values:\n")
print(f"  MultiplyGate: {gg.gradcheck(multiply, 3.0, -4.0, order=2)}")
try:
    gg.gradcheck(WrongGate.apply, 3.0, -4.0)
except gg.GradientMismatch as mismatch:
    print(f"  WrongGate:    {mismatch}")
