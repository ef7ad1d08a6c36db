"""A product of matrices, or of stacks of them, that is only read transposed is computed transposed: (A B)ᵀ = Bᵀ Aᵀ.

The gradient of a linear layer's weights is such a product. Then it lies in memory as the weights do, and the optimizer
goes through both in order; the operands are seen transposed, which costs nothing. Assumes nothing. Guarantees the same
values to rounding. Stops because it is one pass.
"""

from __future__ import annotations

from collections import Counter

from ...graph import Graph, Node
from ...graph.loops import Product, Rearranged
from ..homes import contiguous
from .rewrite import loops_of, permuted, rewritten


def turn_products(graph: Graph) -> Graph:
    """Products and sums of products whose only reader transposes them become those of the transposed matrices."""
    readers = Counter(source for node in graph.body for source in node.inputs)
    readers.update(graph.outputs)

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if len(inputs) != 1 or readers[node.inputs[0]] > 1 or not _transposes(node):
            return None
        (product,) = inputs
        loops = loops_of(product)
        if not isinstance(loops, Product) or {source.ndim for source in product.inputs} != {node.ndim}:
            return None
        ends = 2 * loops.pairs
        if any(source.shape != product.shape for source in product.inputs[ends:]):
            return None
        matrices = [_transposed(source) for source in product.inputs]
        pairs = [matrix for place in range(0, ends, 2) for matrix in (matrices[place + 1], matrices[place])]
        sources = (*pairs, *matrices[ends:])
        return Node(product.op, sources, node.shape, node.dtype, False, product.origin)

    return rewritten(graph, rule)


def _transposed(matrix: Node) -> Node:
    """A matrix transposed, or what it is the transpose of."""
    if len(matrix.inputs) == 1 and _transposes(matrix):
        return matrix.inputs[0]
    return permuted(matrix, _turned(tuple(range(matrix.ndim))))


def _transposes(node: Node) -> bool:
    """Whether the node is a matrix, or a stack of them, transposed."""
    (source,) = node.inputs
    loops = loops_of(node)
    if source.ndim < 2 or not isinstance(loops, Rearranged):
        return False
    steps = contiguous(source.shape)
    return node.shape == _turned(source.shape) and loops.view(source.shape, (0, steps)) == (0, _turned(steps))


def _turned(sizes: tuple[int, ...]) -> tuple[int, ...]:
    *stack, rows, columns = sizes
    return (*stack, columns, rows)
