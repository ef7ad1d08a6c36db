"""A tour: one small function, and everything that can be asked of it.

You learn how a computation becomes a graph, how gradients flow back through it, how to differentiate a gradient
again, and how to check a derivative without trusting the machinery that made it.

Run it: python tour.py
"""

import glassgrad as gg

print("1. Tensors that require a gradient record what is done with them")
x = gg.tensor(2.0, requires_grad=True, name="x")
y = gg.tensor(3.0, requires_grad=True, name="y")
f = x * y + gg.sin(x)
print(f"   f(x, y) = x y + sin x at (2, 3) is {f.item():.4f}")

print("\n2. backward() sends the gradient of f back to them")
f.backward()
print(f"   df/dx = y + cos x = {x.grad.item():.4f}")
print(f"   df/dy = x         = {y.grad.item():.4f}")

print("\n3. The recorded graph, with every value and every gradient")
graph = gg.graph_of(f)
graph.backward()
print(graph.summary())

print("\n4. The same graph at another point")
print(f"   f(0, 5) = {graph.forward(0.0, 5.0).item():.4f}, gradient {[g.item() for g in graph.backward()]}")


def g(x):
    return x * x * x


print("\n5. gg.grad turns a function into its derivative, which is a function again")
print(f"   g(x)   = x^3 at 2: {g(2.0):.0f}")
print(f"   g'(x)  = 3 x^2   : {gg.grad(g)(2.0).item():.0f}")
print(f"   g''(x) = 6 x     : {gg.grad(gg.grad(g))(2.0).item():.0f}")

print("\n6. Derivatives from values alone, to check them")
for scheme in ("forward", "central", "complex", "richardson"):
    print(f"   {scheme:<10} g'(2) = {float(gg.numerical.grad(g, 2.0, scheme=scheme)):.15f}")
print(f"   gradcheck: {gg.gradcheck(lambda x, y: x * y + gg.sin(x), 2.0, 3.0, order=2)}")
