"""The circuits of the lectures on backpropagation: (x + y)z, 2(xy + max(z, w)) and a ReLU, by every entry point."""

import numpy as np
import pytest

import glassgrad as gg

# (x + y)z at (-2, 5, -4):  q = x + y = 3,  f = qz = -12
# df/dq = z = -4,  df/dz = q = 3,  df/dx = df/dq * 1 = -4,  df/dy = -4
POINT = (-2.0, 5.0, -4.0)
VALUE = -12.0
GRADIENTS = (-4.0, -4.0, 3.0)


def variables(**values):
    return [gg.tensor(value, requires_grad=True, name=name) for name, value in values.items()]


def by_name(graph):
    """The nodes of a graph by the user's name, else by the op's."""
    return {node.name or node.op.name: node for node in graph.nodes_topologically_sorted()}


def test_sum_times_z_by_backward():
    x, y, z = variables(x=-2.0, y=5.0, z=-4.0)
    f = (x + y) * z
    f.backward()
    assert f.item() == VALUE
    assert (x.grad.item(), y.grad.item(), z.grad.item()) == GRADIENTS


def test_sum_times_z_by_grad():
    def f(x, y, z):
        return (x + y) * z

    assert f(*map(gg.asarray, POINT)).item() == VALUE
    assert tuple(g.item() for g in gg.grad(f, argnums=(0, 1, 2))(*POINT)) == GRADIENTS
    value, gradient_of_z = gg.value_and_grad(f, argnums=2)(*POINT)
    assert (value.item(), gradient_of_z.item()) == (VALUE, 3.0)


def test_sum_times_z_as_a_graph():
    x, y, z = variables(x=-2.0, y=5.0, z=-4.0)
    graph = gg.graph_of((x + y) * z)
    assert [node.op.name for node in graph.nodes_topologically_sorted()] == [
        "input",
        "input",
        "input",
        "add",
        "multiply",
    ]
    assert graph.forward(*POINT).item() == VALUE
    assert tuple(g.item() for g in graph.backward()) == GRADIENTS
    nodes = by_name(graph)
    assert {name: (node.value.item(), node.grad.item()) for name, node in nodes.items()} == {
        "x": (-2.0, -4.0),
        "y": (5.0, -4.0),
        "z": (-4.0, 3.0),
        "add": (3.0, -4.0),  # q
        "multiply": (-12.0, 1.0),  # f, whose own gradient starts the walk back
    }
    assert nodes["add"].inputs == (nodes["x"], nodes["y"])
    assert nodes["multiply"].inputs == (nodes["add"], nodes["z"])


def test_every_node_comes_after_the_nodes_it_needs():
    x, y, z = variables(x=-2.0, y=5.0, z=-4.0)
    nodes = gg.graph_of((x + y) * z).nodes_topologically_sorted()
    for position, node in enumerate(nodes):
        assert all(source in nodes[:position] for source in node.inputs)


def test_a_graph_runs_again_at_another_point():
    x, y, z = variables(x=-2.0, y=5.0, z=-4.0)
    graph = gg.graph_of((x + y) * z)
    assert graph.forward(1.0, 2.0, 10.0).item() == 30.0  # (1 + 2) * 10
    assert [g.item() for g in graph.backward()] == [10.0, 10.0, 3.0]
    assert [g.item() for g in graph.backward(2.0)] == [20.0, 20.0, 6.0]  # upstream 2
    assert (x.item(), x.grad) == (-2.0, None)  # the tensors themselves are left alone


def test_two_times_xy_plus_max():
    # f = 2(xy + max(z, w)) at (3, -4, 2, -1):  xy = -12,  max = 2,  sum = -10,  f = -20
    # df/dsum = 2, handed to both sides of +;  x gets 2y = -8,  y gets 2x = 6,  z wins the max and gets 2,  w gets 0
    x, y, z, w = variables(x=3.0, y=-4.0, z=2.0, w=-1.0)
    product, largest = x * y, gg.maximum(z, w)
    total = product + largest
    f = 2 * total
    for intermediate in (product, largest, total):
        intermediate.retain_grad()
    f.backward()
    assert f.item() == -20.0
    assert [leaf.grad.item() for leaf in (x, y, z, w)] == [-8.0, 6.0, 2.0, 0.0]
    assert [node.grad.item() for node in (product, largest, total)] == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("function", "role"),
    [
        (lambda a, b: a + b, "distributor"),
        (lambda a, b: a * b, "switch"),
        (gg.maximum, "router"),
        (gg.matmul, "switch"),
    ],
)
def test_a_gate_says_what_it_does_to_the_gradient(function, role):
    a, b = (gg.tensor([[value]], requires_grad=True) for value in (3.0, -4.0))
    gate = gg.graph_of(function(a, b)).nodes_topologically_sorted()[-1]
    assert gate.op.pattern.split(":")[0] == role


def test_gradients_add_up_where_a_value_branches():
    # f = x*x + 3x at 2: the branches bring 2 and 2 from the square, 3 from the product: 7
    (x,) = variables(x=2.0)
    (x * x + 3 * x).backward()
    assert x.grad.item() == 7.0


def test_a_relu_lets_the_gradient_pass_where_its_input_was_positive():
    x = gg.tensor([1.0, -2.0, 3.0, -1.0], requires_grad=True)
    y = gg.relu(x)
    np.testing.assert_array_equal(y.numpy(), [1.0, 0.0, 3.0, 0.0])
    y.backward([4.0, -1.0, 5.0, 9.0])
    np.testing.assert_array_equal(x.grad.numpy(), [4.0, 0.0, 5.0, 0.0])


def test_a_relu_in_the_other_entry_points():
    x = gg.tensor([1.0, -2.0, 3.0, -1.0], requires_grad=True)
    upstream = gg.tensor([4.0, -1.0, 5.0, 9.0])
    graph = gg.graph_of(gg.relu(x))
    (from_graph,) = graph.backward(upstream)
    _, pullback = gg.vjp(gg.relu, x)
    (from_vjp,) = pullback(upstream)
    np.testing.assert_array_equal(from_graph.numpy(), [4.0, 0.0, 5.0, 0.0])
    np.testing.assert_array_equal(from_vjp.numpy(), [4.0, 0.0, 5.0, 0.0])
