"""gg.graph_of: the recorded graph as data, run again with other values, forwards and backwards."""

import math

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.errors import ArgumentError, DTypeError, GraphError, ShapeError
from glassgrad.graph import CONSTANT, INPUT, Graph, Node


def small():
    """(x + y) * z, the circuit of the lectures."""
    x, y, z = (gg.tensor(v, requires_grad=True, name=n) for v, n in ((-2.0, "x"), (5.0, "y"), (-4.0, "z")))
    return (x, y, z), (x + y) * z


def test_it_holds_the_values_of_the_eager_run():
    _, product = small()
    graph = gg.graph_of(product)
    nodes = graph.nodes_topologically_sorted()
    assert [node.op.name for node in nodes] == ["input", "input", "input", "add", "multiply"]
    assert [node.value.item() for node in nodes] == [-2.0, 5.0, -4.0, 3.0, -12.0]
    assert [node.name for node in graph.inputs] == ["x", "y", "z"]
    assert repr(graph) == "<Graph 3 inputs, 5 nodes, 1 outputs>"


def test_backward_fills_in_every_gradient():
    leaves, product = small()
    graph = gg.graph_of(product)
    assert [node.grad for node in graph.nodes_topologically_sorted()] == [None] * 5
    assert [g.item() for g in graph.backward()] == [-4.0, -4.0, 3.0]
    assert [node.grad.item() for node in graph.nodes_topologically_sorted()] == [-4.0, -4.0, 3.0, -4.0, 1.0]
    assert all(leaf.grad is None for leaf in leaves)  # the tensors are not disturbed


def test_forward_with_other_values_and_back_again():
    _, product = small()
    graph = gg.graph_of(product)
    graph.backward()
    assert graph.forward(1.0, 2.0, 10.0).item() == 30.0
    assert [node.grad for node in graph.nodes_topologically_sorted()] == [None] * 5
    assert [g.item() for g in graph.backward()] == [10.0, 10.0, 3.0]
    assert [g.item() for g in graph.backward(np.array(2.0))] == [20.0, 20.0, 6.0]
    product.backward()  # still the first values


@pytest.mark.parametrize("given", [3.0, np.array(3.0), gg.asarray(3.0)])
def test_inputs_may_be_numbers_arrays_or_tensors(given):
    x = gg.tensor(2.0, requires_grad=True)
    graph = gg.graph_of(x * x)
    assert graph.forward(given).item() == 9.0
    assert graph.forward(given).dtype == gg.float32


def test_before_and_after_backward_it_is_the_same():
    def made():
        x = gg.tensor([0.5, 1.5], requires_grad=True)
        return x, gg.sum(gg.exp(gg.sin(x) * x) / gg.sqrt(x))

    _, fresh = made()
    x, freed = made()
    freed.backward()
    before, after = gg.graph_of(fresh), gg.graph_of(freed)
    for one, other in zip(before.body, after.body, strict=True):
        assert np.array_equal(one.value, other.value)
    assert np.array_equal(before.backward()[0].numpy(), x.grad.numpy())
    assert np.array_equal(after.backward()[0].numpy(), x.grad.numpy())


def test_inputs_are_in_the_order_of_their_creation():
    first, second = gg.tensor(1.0, requires_grad=True), gg.tensor(2.0, requires_grad=True)
    graph = gg.graph_of(second - first)
    assert [node.value.item() for node in graph.inputs] == [1.0, 2.0]


def test_an_input_that_gets_no_gradient_has_zeros():
    x, y = gg.tensor([1.0, 2.0], requires_grad=True), gg.tensor(3.0, requires_grad=True)
    graph = gg.graph_of(gg.sum(gg.stop_gradient(x)) * y)
    assert [g.tolist() for g in graph.backward()] == [[0.0, 0.0], 3.0]
    assert [g.tolist() for g in gg.graph_of(gg.stop_gradient(x)).backward(gg.ones(2))] == [[0.0, 0.0]]


def test_gradients_add_up_at_a_branch():
    x = gg.tensor(3.0, requires_grad=True)
    graph = gg.graph_of(x * x + gg.sin(x))
    assert graph.backward()[0].item() == pytest.approx(6 + math.cos(3.0), rel=1e-6)


def test_a_constant_used_twice_is_one_node():
    weights = gg.asarray([1.0, 2.0])
    x = gg.tensor(2.0, requires_grad=True)
    graph = gg.graph_of(gg.sum(x * weights + weights))
    assert [node.op.name for node in graph.body] == ["input", "constant", "multiply", "add", "sum"]


def test_several_outputs():
    x = gg.tensor([1.0, 2.0], requires_grad=True)
    graph = gg.graph_of(x * 2.0, x * 3.0)
    assert [out.tolist() for out in graph.forward([10.0, 20.0])] == [[20.0, 40.0], [30.0, 60.0]]
    with pytest.raises(GraphError, match=r"^backward needs a graph with one output; this one has 2"):
        graph.backward()


def test_a_leaf_alone_is_a_graph():
    graph = gg.graph_of(gg.tensor(2.0, requires_grad=True))
    assert [g.item() for g in graph.backward()] == [1.0]


def test_choices_along_the_way_are_part_of_it():
    x = gg.tensor([1.0, -1.0], requires_grad=True)
    graph = gg.graph_of(gg.sum(gg.where(x > 0, x * x, -x)))
    assert graph.forward([-3.0, 3.0]).item() == 12.0
    assert graph.backward()[0].tolist() == [-1.0, 6.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gg.graph_of(1.0),
            ArgumentError,
            "graph_of takes tensors, results of a computation; got float. Call a function first: gg.graph_of(f(x)).",
        ),
        (
            lambda: gg.graph_of(gg.ones(2) * 2.0),
            GraphError,
            "graph_of needs a tensor computed from one with requires_grad=True (and not under gg.no_grad()): "
            "only those are recorded",
        ),
        (
            lambda: gg.graph_of(small()[1]).forward(1.0),
            GraphError,
            "the graph has 3 inputs (x, y, z); got 1 values",
        ),
        (
            lambda: gg.graph_of(small()[1]).forward(1.0, 2.0, [3.0, 4.0]),
            ShapeError,
            "input z of the graph has shape (); got (2,). A graph is recorded for fixed shapes: record a new one "
            "for other shapes.",
        ),
        (
            lambda: gg.graph_of(small()[1]).forward(1.0, "two", 3.0),
            DTypeError,
            "input y of the graph takes float32 numbers: could not convert string to float: 'two'",
        ),
        (
            lambda: gg.graph_of(gg.tensor([1.0], requires_grad=True) * 2.0).forward(3.0),
            ShapeError,
            "input 0 of the graph has shape (1,); got (). A graph is recorded for fixed shapes: record a new one "
            "for other shapes.",
        ),
        (
            lambda: gg.graph_of(gg.tensor([1.0, 2.0], requires_grad=True) * 2.0).backward(),
            GraphError,
            "backward() of a tensor of shape (2,) needs an upstream gradient of that shape. Reduce it to a single "
            "number first (for example loss.mean()), or pass one: backward(upstream).",
        ),
        (
            lambda: gg.graph_of(gg.argmax(gg.tensor([1.0, 2.0], requires_grad=True))).backward(),
            GraphError,
            "argmax has no derivative: its result is a position, an integer",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert raised.value.message == message


def leaf(value=None, op=INPUT, name=None):
    node = Node(op, (), (), np.dtype("float32"), op is INPUT, None, value)
    node.name = name
    return node


def test_a_graph_must_know_all_its_leaves():
    x = gg.tensor(1.0, requires_grad=True)
    inner = (x * 2.0).as_node()
    stranger = leaf(op=CONSTANT)
    outer = Node(inner.op, (inner, stranger), (), np.dtype("float32"), True, None)
    with pytest.raises(GraphError) as raised:
        Graph([], [outer])
    assert raised.value.message == (
        "the graph depends on <Node constant float32[] from an unknown place>, "
        "which is neither an input nor has a value"
    )


def test_backward_needs_the_values_of_a_forward():
    x = leaf()
    double = Node((gg.tensor(1.0, requires_grad=True) + 1.0).as_node().op, (x, x), (), x.dtype, True, None)
    graph = Graph([x], [double])
    with pytest.raises(
        GraphError, match=r"^backward needs the values of the forward pass: call graph.forward"
    ):
        graph.backward()
    assert graph.forward(3.0).item() == 6.0
    assert graph.backward()[0].item() == 2.0


def test_a_leaf_cannot_be_computed():
    with pytest.raises(GraphError, match=r"^a leaf has no formula; its value must be supplied"):
        INPUT.forward()
