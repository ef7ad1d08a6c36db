"""What tests of passes share."""

from typing import Any

import numpy as np

import glassgrad as gg
from glassgrad.compiler.runtime.numpy import Program
from glassgrad.graph import Graph, Leaf, Node


class PlusOne(gg.Function):
    """A user's own function, of which a pass cannot know what else it does."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x + 1.0

    @staticmethod
    def backward(ctx: Any, upstream: Any) -> Any:
        return upstream


def graph_of(function: Any, *shapes: tuple[int, ...]) -> Graph:
    """The graph of a function of float64 arrays of these shapes, as it is traced."""
    return gg.trace(function, *(gg.Spec(shape, "float64") for shape in shapes))


def steps_of(graph: Graph) -> list[str]:
    """The names of the ops, in order, leaves left out."""
    return [node.op.name for node in graph.body if not isinstance(node.op, Leaf)]


def values(graph: Graph) -> list[Any]:
    """What the graph gives for certain numbers."""
    rng = np.random.default_rng(3)
    return Program(graph)([rng.normal(size=node.shape).astype(node.dtype) for node in graph.inputs])


def assert_same_values(after: Graph, before: Graph) -> None:
    assert after.inputs == before.inputs
    for a, b in zip(values(after), values(before), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_array_equal(a, b)


def chain(length: int) -> Graph:
    """Additions of numbers to an input, one after the other: half of them twice, and some on constants only."""
    x = gg.trace(lambda x: x, gg.Spec((2,), "float64")).inputs[0]
    (add,) = (
        n.op for n in gg.trace(lambda x: x + x, gg.Spec((2,), "float64")).body if not isinstance(n.op, Leaf)
    )
    one = gg.asarray(np.ones(2)).as_node()
    last = x
    while length > 0:
        first, second = (Node(add, (last, one), x.shape, x.dtype, False, None) for _ in range(2))
        last = Node(add, (first, second), x.shape, x.dtype, False, None)
        length -= 3
    return Graph([x], [last])
