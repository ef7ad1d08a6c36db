"""A sum of matrix products of one shape becomes one op, which adds up the products as it makes them.

The gradient of a weight that every step of a recurrence uses is such a sum: one long product instead of many short ones
and passes over their results. Assumes nothing. Guarantees the same values to rounding, because the order of the
sum is another. Stops because it is one pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...graph import Aval, Graph, Node, Op
from ...graph.loops import Product
from ...graph.static import static
from .rewrite import rewritten
from .sums import regrouped

MOST = 128
"""How many products one op adds up at most."""


@static
class SumOfProducts(Op):
    """x1 @ y1 + x2 @ y2 + ... of matrices; the inputs are x1, y1, x2, y2, ... All x have one shape, and all y."""

    pairs: int
    addition: Op
    """What added them up before."""

    formula = "out[i, j] = sum_p sum_k input_2p[i, k] * input_2p+1[k, j]"

    def shape(self, *inputs: Aval) -> Aval:
        """One product's."""
        return Aval((inputs[0].shape[0], inputs[1].shape[1]), inputs[0].dtype)

    def forward(self, *arrays: Any) -> Any:
        """One product of the matrices side by side."""
        return np.matmul(np.concatenate(arrays[::2], 1), np.concatenate(arrays[1::2], 0))

    def loops(self, *inputs: Aval) -> Product:
        """A product with several pairs."""
        return Product(self.pairs)


def merge_products(graph: Graph) -> Graph:
    """Terms of a sum that are products of matrices of the same shapes become one."""
    return regrouped(graph, _merged)


def _merged(addition: Node, terms: Sequence[Node], shared: set[Node]) -> list[Node] | None:
    groups: dict[Any, list[Node]] = {}
    for term in terms:
        if term not in shared and _is_product(term):
            groups.setdefault(tuple(source.shape for source in term.inputs), []).append(term)
    large = [group for group in groups.values() if len(group) > 1]
    if not large:
        return None
    gone = {term for group in large for term in group}
    merged = [term for term in terms if term not in gone]
    for group in large:
        for start in range(0, len(group), MOST):
            some = group[start : start + MOST]
            sources = tuple(source for term in some for source in term.inputs)
            op = SumOfProducts(len(some), addition.op)
            merged.append(Node(op, sources, addition.shape, addition.dtype, False, addition.origin))
    return merged


def split_products(graph: Graph, groups: Mapping[Node, Sequence[Sequence[int]]]) -> Graph:
    """Sums of products cut into several, of which each adds up the pairs with the numbers in one group."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if node not in groups:
            return None
        assert isinstance(node.op, SumOfProducts)
        total: Node | None = None
        for numbers in groups[node]:
            sources = tuple(inputs[2 * number + side] for number in numbers for side in (0, 1))
            op = SumOfProducts(len(numbers), node.op.addition)
            some = Node(op, sources, node.shape, node.dtype, False, node.origin)
            if total is not None:
                some = Node(node.op.addition, (total, some), node.shape, node.dtype, False, node.origin)
            total = some
        return total

    return rewritten(graph, rule)


def _is_product(node: Node) -> bool:
    if len(node.inputs) != 2 or any(
        len(source.shape) != 2 or source.dtype != node.dtype or 0 in source.shape for source in node.inputs
    ):
        return False
    return node.op.loops(*(Aval(source.shape, source.dtype) for source in node.inputs)) == Product()
