"""Rewriting a graph node by node, in topological order: what the passes share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...graph import Aval, Graph, Leaf, Node, Op
from ...graph.loops import Loops
from ...ops.shape import PermuteDims, Reshape

Rule = Callable[[Node, tuple[Node, ...]], Node | None]
"""From a node and the new nodes of its inputs to the node that takes its place; None for a copy."""


def rewritten(graph: Graph, rule: Rule) -> Graph:
    """The graph with every node replaced by what `rule` says. Inputs stay; what nothing reads goes."""
    new: dict[Node, Node] = {node: node for node in graph.inputs}
    for node in graph.body:
        if node in new:
            continue
        sources = tuple(new[source] for source in node.inputs)
        found = rule(node, sources)
        if found is None:
            found = node if sources == node.inputs else on_inputs(node, sources)
        new[node] = found
    return Graph(graph.inputs, [new[node] for node in graph.outputs])


def on_inputs(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The same op on other inputs."""
    copy = Node(node.op, inputs, node.shape, node.dtype, False, node.origin)
    copy.name = node.name
    return copy


def loops_of(node: Node) -> Loops | None:
    """What the node's op says of itself, for its inputs."""
    return node.op.loops(*(Aval(source.shape, source.dtype) for source in node.inputs))


def made(op: Op, inputs: Sequence[Node], like: Node) -> Node:
    """A new step, in the place of one from the same line."""
    aval = op.shape(*(Aval(source.shape, source.dtype) for source in inputs))
    return Node(op, tuple(inputs), aval.shape, aval.dtype, False, like.origin)


def reshaped(node: Node, shape: tuple[int, ...]) -> Node:
    """The node in another shape."""
    return node if node.shape == shape else made(Reshape(shape), (node,), node)


def permuted(node: Node, order: tuple[int, ...]) -> Node:
    """The node with its axes in another order."""
    return made(PermuteDims(order), (node,), node)


def is_constant(node: Node, graph_inputs: frozenset[Node] | set[Node]) -> bool:
    """Whether the node is a leaf with a value of its own."""
    return isinstance(node.op, Leaf) and node not in graph_inputs and node.value is not None
