"""A sigmoid neuron, built of primitive gates and then as one gate.

You learn that a gate may be as small or as large as you like: eight small steps and one sigmoid, whose local gradient
is s (1 - s), bring the same gradients to the weights.

Run it: python sigmoid_neuron.py
"""

import glassgrad as gg

VALUES = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}


def neuron_of_small_gates(w0, x0, w1, x1, w2):
    return gg.reciprocal(gg.exp(-(w0 * x0 + w1 * x1 + w2)) + 1)


def neuron_with_one_sigmoid(w0, x0, w1, x1, w2):
    return gg.sigmoid(w0 * x0 + w1 * x1 + w2)


for neuron in (neuron_of_small_gates, neuron_with_one_sigmoid):
    inputs = [gg.tensor(value, requires_grad=True, name=name) for name, value in VALUES.items()]
    graph = gg.graph_of(neuron(*inputs))
    graph.backward()
    print(f"{neuron.__name__.replace('_', ' ')}\n\n  {'node':<12}{'value':>8}{'gradient':>10}")
    for node in graph.nodes_topologically_sorted():
        if node.requires_grad:
            print(f"  {node.name or node.op.name:<12}{node.value:>8.4f}{node.grad:>10.4f}")
    print()
