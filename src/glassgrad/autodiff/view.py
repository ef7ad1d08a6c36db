"""`graph_of`: the graph that eager execution recorded, as data."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError, GraphError
from ..graph import Graph, copy_graph
from ..tensor import Tensor


def graph_of(*outputs: Any) -> Graph:
    """The graph behind eagerly computed tensors, with the value of every node.

    Its inputs are the tensors that require a gradient, in the order in which they were created. It is a copy: running
    `graph.forward` or `graph.backward` does not disturb the tensors. It works before and after `backward()`.

    Raises GraphError for a tensor that was not recorded.

    >>> import glassgrad as gg
    >>> x = gg.tensor(2.0, requires_grad=True, name="x")
    >>> graph = gg.graph_of(x * x)
    >>> graph.backward()
    (tensor(4.),)
    >>> print(graph.summary())
    x = input             float32[]  value 2  grad 4
    n0 = multiply(x, x)   float32[]  value 4  grad 1
    """
    for output in outputs:
        if not isinstance(output, Tensor):
            raise ArgumentError(
                f"graph_of takes tensors, results of a computation; got {type(output).__name__}. "
                f"Call a function first: gg.graph_of(f(x))."
            )
        if output.node is None:
            raise GraphError(
                "graph_of needs a tensor computed from one with requires_grad=True (and not under gg.no_grad()): "
                "only those are recorded"
            )
    return copy_graph([output.as_node() for output in outputs])
