"""Gates: what addition, multiplication, max and ReLU do to the gradient that flows back through them.

You learn to do backpropagation in your head: + distributes the gradient, * switches the inputs, max routes, and a gate
needs to know nothing but its own inputs and the upstream gradient.

Run it: python gates.py
"""

import glassgrad as gg


def show(formula, result):
    """Every node of the computation behind `result`: its value, its gradient, and what its op does to gradients."""
    graph = gg.graph_of(result)
    graph.backward()
    print(f"{formula}\n\n  {'node':<10}{'value':>7}{'gradient':>10}   what it does to the gradient")
    for node in graph.nodes_topologically_sorted():
        if node.requires_grad:
            print(f"  {node.name or node.op.name:<10}{node.value:>7g}{node.grad:>10g}   {node.op.pattern}")
    print()


def variables(**values):
    return [gg.tensor(value, requires_grad=True, name=name) for name, value in values.items()]


x, y, z = variables(x=-2.0, y=5.0, z=-4.0)
show("f = (x + y) z at x = -2, y = 5, z = -4", (x + y) * z)

x, y, z, w = variables(x=3.0, y=-4.0, z=2.0, w=-1.0)
show("f = 2 (x y + max(z, w)) at x = 3, y = -4, z = 2, w = -1", 2 * (x * y + gg.maximum(z, w)))

print("ReLU works on a whole tensor: the gradient passes where the input was positive\n")
x = gg.tensor([1.0, -2.0, 3.0, -1.0], requires_grad=True)
upstream = gg.tensor([4.0, -1.0, 5.0, 9.0])
output = gg.relu(x)
output.backward(upstream)
for label, row in {"input": x, "output": output, "upstream": upstream, "gradient": x.grad}.items():
    print(f"  {label:<10}" + "".join(f"{value:>5g}" for value in row.tolist()))
