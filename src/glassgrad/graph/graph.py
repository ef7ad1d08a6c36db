"""A graph: named inputs, outputs and every node between them, in an order in which they can be computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DTypeError, GraphError, ShapeError
from .evaluate import evaluate
from .node import Node
from .op import Leaf

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor


def ancestors(outputs: Iterable[Node], stop: frozenset[Node] | set[Node] = frozenset()) -> list[Node]:
    """Every node that `outputs` depend on, themselves included, in topological order.

    Iterative, so a chain of a million nodes is fine. The search does not look behind the nodes in `stop`.
    """
    found = set(outputs)
    waiting = list(found)
    while waiting:
        node = waiting.pop()
        if node in stop:
            continue
        for source in node.inputs:
            if source not in found:
                found.add(source)
                waiting.append(source)
    return sorted(found, key=attrgetter("serial"))


class Graph:
    """A computation as data: its inputs, its outputs, and one node for each op in between.

    `forward` computes every node's `value`; `backward` every node's `grad` (the derivative of the output with
    respect to that node). Make one from an eager result with `gg.graph_of`.

    >>> import glassgrad as gg
    >>> x, y, z = (gg.tensor(v, requires_grad=True) for v in (-2.0, 5.0, -4.0))
    >>> graph = gg.graph_of((x + y) * z)
    >>> graph.forward(-2.0, 5.0, -4.0).item()
    -12.0
    >>> [g.item() for g in graph.backward()]
    [-4.0, -4.0, 3.0]
    >>> print(graph.nodes_topologically_sorted()[-1].op.name)
    multiply
    """

    backward: Any  # bound in glassgrad.operators, because it needs the derivative rules

    def __init__(self, inputs: Sequence[Node], outputs: Sequence[Node]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.body = tuple(ancestors(self.outputs, set(self.inputs)))
        strangers = [
            n for n in self.body if isinstance(n.op, Leaf) and n.value is None and n not in self.inputs
        ]
        if strangers:
            raise GraphError(
                f"the graph depends on {strangers[0]!r}, which is neither an input nor has a value"
            )

    def nodes_topologically_sorted(self) -> list[Node]:
        """All nodes, each after the nodes it depends on."""
        return list(self.body)

    def forward(self, *inputs: Any) -> Any:
        """Compute the outputs for these inputs (numbers, arrays or tensors; one per `graph.inputs`).

        Every node's `value` is kept, and every `grad` of an earlier `backward` is cleared.
        Returns a tensor, or a tuple of tensors if there are several outputs.
        """
        if len(inputs) != len(self.inputs):
            names = ", ".join(node.name or f"input {i}" for i, node in enumerate(self.inputs))
            raise GraphError(f"the graph has {len(self.inputs)} inputs ({names}); got {len(inputs)} values")
        for node, given in zip(self.inputs, inputs, strict=True):
            try:
                array = np.asarray(getattr(given, "value", given), dtype=node.dtype)
            except (ValueError, TypeError) as problem:
                name = node.name or self.inputs.index(node)
                raise DTypeError(f"input {name} of the graph takes {node.dtype} numbers: {problem}") from None
            if array.shape != node.shape:
                raise ShapeError(
                    f"input {node.name or self.inputs.index(node)} of the graph has shape {node.shape}; "
                    f"got {array.shape}. A graph is recorded for fixed shapes: record a new one for other shapes."
                )
            node.value = array
        evaluate(self.body)
        for node in self.body:
            node.grad = None
        return self._wrap_outputs()

    _wrap_outputs: Any  # bound in glassgrad.operators, where tensors are known

    def summary(self) -> str:
        """The graph as text: one line per node with its formula, shape, value and gradient."""
        from .text import to_text

        return to_text(self)

    def __repr__(self) -> str:
        return f"<Graph {len(self.inputs)} inputs, {len(self.body)} nodes, {len(self.outputs)} outputs>"

    if TYPE_CHECKING:

        def backward(self, upstream: Any = None) -> tuple[Tensor, ...]:
            """See `glassgrad.autodiff.reverse.graph_backward`."""
            ...


def copy_graph(outputs: Sequence[Node], inputs: Sequence[Node] | None = None) -> Graph:
    """A `Graph` of its own nodes, copied from the tape behind `outputs`, with every value filled in.

    Inputs are the leaves that require a gradient, in the order in which they were made. Values that the tape no
    longer holds are computed again from the leaves. A copy, because running it must not disturb the tape.
    With `inputs`, leaves without a value, the graph starts there, and no value is filled in.
    """
    copies: dict[Node, Node] = {}
    constants: dict[int, Node] = {}

    def copy_of(node: Node) -> Node:
        copy = constants.get(id(node.value)) if _is_constant(node) else copies.get(node)
        if copy is None:
            sources = tuple(map(copy_of, node.inputs))
            copy = Node(node.op, sources, node.shape, node.dtype, node.requires_grad, node.origin, node.value)
            copy.name = node.name
            if _is_constant(node):
                constants[id(node.value)] = copy
            else:
                copies[node] = copy
        return copy

    starts = None if inputs is None else list(map(copy_of, inputs))
    for node in ancestors(outputs):
        # constants follow where they are first needed: a literal may be older than every variable
        if not _is_constant(node):
            copy_of(node)
    if starts is not None:
        return Graph(starts, [copy_of(output) for output in outputs])
    leaves = [copy for copy in copies.values() if isinstance(copy.op, Leaf) and copy.requires_grad]
    graph = Graph(leaves, [copy_of(output) for output in outputs])
    evaluate(graph.body, only_missing=True)
    return graph


def _is_constant(node: Node) -> bool:
    return isinstance(node.op, Leaf) and not node.requires_grad and node.value is not None
