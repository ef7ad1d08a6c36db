"""A sum of values that are all rearranged in the same way becomes the sum, rearranged once.

Then what is added lies as it was made: products of matrices whose transposes were added are seen as a sum of products.
Assumes nothing. Guarantees the same values to rounding, because the terms of a sum are added in another order. Stops
because it is one pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

from ...graph import Graph, Node
from ...graph.loops import Rearranged
from .rewrite import loops_of, on_inputs
from .sums import regrouped


def add_before_rearranging(graph: Graph) -> Graph:
    """Terms of a sum that are the same rearrangement of values of one shape are added first."""
    return regrouped(graph, _merged)


def _merged(addition: Node, terms: Sequence[Node], shared: set[Node]) -> list[Node] | None:
    groups: dict[Any, list[Node]] = {}
    for term in terms:
        if term not in shared and _is_rearranged(term):
            key = type(term.op), term.op, term.inputs[0].shape, term.inputs[0].dtype
            groups.setdefault(key, []).append(term)
    large = [group for group in groups.values() if len(group) > 1]
    if not large:
        return None
    gone = {term for group in large for term in group}
    return [term for term in terms if term not in gone] + [_added(addition, group) for group in large]


def _added(addition: Node, group: Sequence[Node]) -> Node:
    def both(total: Node, term: Node) -> Node:
        return Node(addition.op, (total, term), term.shape, term.dtype, False, addition.origin)

    return on_inputs(group[0], (reduce(both, (term.inputs[0] for term in group)),))


def _is_rearranged(node: Node) -> bool:
    """Whether the elements are those of a value that is not larger, in another order or shape."""
    if len(node.inputs) != 1:
        return False
    (source,) = node.inputs
    return math.prod(source.shape) <= math.prod(node.shape) and isinstance(loops_of(node), Rearranged)
