"""A sum of matrix products of one shape becomes one op, which adds up the products as it makes them.

The gradient of a weight that every step of a recurrence uses is such a sum: one long product instead of many short ones
and passes over their results. What else lies in memory and belongs to the sum, such as the part of an input in the
gates of a recurrence, is added while the product is stored. Assumes nothing. Guarantees the same values to rounding,
because the order of the sum is another. Stops because it is one pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...graph import Aval, Graph, Leaf, Node, Op
from ...graph.loops import Map, Product
from ...graph.static import static
from .rewrite import loops_of, rewritten
from .sums import regrouped

MOST = 128
"""How many products one op adds up at most."""


@static
class SumOfProducts(Op):
    """x1 @ y1 + x2 @ y2 + ... of matrices; the inputs are x1, y1, x2, y2, ... All x have one shape, and all y.

    With `plus`, one more input, of the result's shape, is added.
    """

    pairs: int
    addition: Op
    """What added them up before."""
    plus: bool = False

    formula = "out[i, j] = sum_p sum_k input_2p[i, k] * input_2p+1[k, j], + the last input with plus"

    def shape(self, *inputs: Aval) -> Aval:
        """One product's."""
        return Aval((inputs[0].shape[0], inputs[1].shape[1]), inputs[0].dtype)

    def forward(self, *arrays: Any) -> Any:
        """One product of the matrices side by side."""
        ends = 2 * self.pairs
        total = np.matmul(np.concatenate(arrays[:ends:2], 1), np.concatenate(arrays[1:ends:2], 0))
        return total + arrays[-1] if self.plus else total

    def loops(self, *inputs: Aval) -> Product:
        """A product with several pairs."""
        return Product(self.pairs)


def merge_products(graph: Graph) -> Graph:
    """Terms of a sum that are products of matrices of the same shapes become one, with a term that is in memory."""
    readers = Counter(source for node in graph.body for source in node.inputs)

    def rule(addition: Node, terms: Sequence[Node], shared: set[Node]) -> list[Node] | None:
        return _merged(addition, terms, shared, readers)

    return regrouped(graph, rule)


def _merged(
    addition: Node, terms: Sequence[Node], shared: set[Node], readers: Mapping[Node, int]
) -> list[Node] | None:
    groups: dict[Any, list[Node]] = {}
    for term in terms:
        if term not in shared and is_product(term):
            groups.setdefault(tuple(source.shape for source in term.inputs), []).append(term)
    others = [term for term in terms if term in shared or not is_product(term)]
    plus = next((term for term in others if _is_in_memory(term, shared, readers)), None)
    if plus is None and all(len(group) == 1 for group in groups.values()):
        return None
    if not groups:
        return None
    merged = others if plus is None else _without_one(others, plus)
    for group in groups.values():
        for start in range(0, len(group), MOST):
            some = group[start : start + MOST]
            if len(some) == 1 and plus is None:
                merged += some
                continue
            sources = [source for term in some for source in term.inputs]
            op = SumOfProducts(len(some), addition.op, plus is not None)
            sources += [] if plus is None else [plus]
            plus = None
            merged.append(Node(op, tuple(sources), addition.shape, addition.dtype, False, addition.origin))
    return merged


def _without_one(terms: list[Node], left_out: Node) -> list[Node]:
    """The terms without the first that is this node, which may be there more than once."""
    place = next(place for place, term in enumerate(terms) if term is left_out)
    return terms[:place] + terms[place + 1 :]


def _is_in_memory(node: Node, shared: set[Node], readers: Mapping[Node, int]) -> bool:
    """Whether the node's value is stored in any case: no kernel would compute it just for the sum."""
    if node in shared or isinstance(node.op, Leaf) or readers.get(node, 0) > 1:
        return True
    loops = loops_of(node)
    return loops is not None and not isinstance(loops, Map)


def split_products(graph: Graph, groups: Mapping[Node, Sequence[Sequence[int]]]) -> Graph:
    """Sums of products cut into several, of which each adds up the pairs with the numbers in one group."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        if node not in groups:
            return None
        assert isinstance(node.op, SumOfProducts)
        total: Node | None = None
        for numbers in groups[node]:
            sources = tuple(inputs[2 * number + side] for number in numbers for side in (0, 1))
            plus = node.op.plus and total is None
            sources += inputs[-1:] if plus else ()
            op = SumOfProducts(len(numbers), node.op.addition, plus)
            some = Node(op, sources, node.shape, node.dtype, False, node.origin)
            if total is not None:
                some = Node(node.op.addition, (total, some), node.shape, node.dtype, False, node.origin)
            total = some
        return total

    return rewritten(graph, rule)


def is_product(node: Node) -> bool:
    """Whether the node is one product of two matrices."""
    if len(node.inputs) != 2 or any(
        len(source.shape) != 2 or source.dtype != node.dtype or 0 in source.shape for source in node.inputs
    ):
        return False
    return loops_of(node) == Product()
