"""Remove what passes its input on unchanged.

Assumes nothing. Guarantees the same values. Stops because it is one pass over the nodes.
"""

from __future__ import annotations

from ...graph import Graph, Node
from .rewrite import rewritten


def remove_identities(graph: Graph) -> Graph:
    """Ops that say of themselves that they only pass on (`Op.passes_on`) are replaced by their input."""

    def rule(node: Node, inputs: tuple[Node, ...]) -> Node | None:
        return inputs[0] if node.op.passes_on else None

    return rewritten(graph, rule)
