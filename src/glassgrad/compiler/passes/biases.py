"""A bias is added while the product that it belongs to is stored, not in a pass of its own.

Assumes nothing. Guarantees the same values, as each sum is rounded once more in both ways. Stops because it is
one pass.
"""

from __future__ import annotations

from collections import Counter

from ...expr import Call, Var
from ...expr.scalar import ADD
from ...graph import Graph, Node
from ...graph.loops import Map
from .products import SumOfProducts, is_product
from .rewrite import loops_of, rewritten


def add_biases(graph: Graph) -> Graph:
    """Additions of a matrix product that nothing else reads, and a row of numbers for its columns."""
    readers = Counter(source for node in graph.body for source in node.inputs)
    readers.update(graph.outputs)

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if len(inputs) != 2:
            return None
        for product, bias in (inputs, inputs[::-1]):
            place = node.inputs[inputs.index(product)]
            fits = readers[place] == 1 and product.shape == node.shape and is_product(product)
            if fits and _is_bias(bias, node) and _adds(node):
                op = SumOfProducts(1, node.op, plus=True)
                sources = (*product.inputs, bias)
                return Node(op, sources, node.shape, node.dtype, False, node.origin)
        return None

    return rewritten(graph, rule)


def _is_bias(node: Node, addition: Node) -> bool:
    """Whether the node has a number for each column: few enough to be stored first, if they are computed."""
    columns = addition.shape[-1]
    return node.dtype == addition.dtype and node.shape in ((columns,), (1, columns)) and columns > 1


def _adds(node: Node) -> bool:
    if node.dtype.kind != "f" or any(source.dtype != node.dtype for source in node.inputs):
        return False
    loops = loops_of(node)
    return isinstance(loops, Map) and loops.formula is Call(ADD, tuple(map(Var, loops.names)))
