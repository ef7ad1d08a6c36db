"""Compute once what does not depend on the inputs.

Assumes that ops give the same value for the same inputs, as all but a user's own do. Guarantees the same values; no new
constant is larger than `LARGEST` elements, unless it replaces larger ones. Stops because it is one pass.
"""

from __future__ import annotations

import math

import numpy as np

from ...graph import CONSTANT, Graph, Node, quiet
from .rewrite import is_constant, rewritten

LARGEST = 1 << 16


def fold_constants(graph: Graph) -> Graph:
    """Nodes whose inputs are all constants become constants."""
    inputs = set(graph.inputs)

    def rule(node: Node, sources: tuple[Node, ...]) -> Node | None:
        if not sources or node.op.runs_user_code or not all(is_constant(s, inputs) for s in sources):
            return None
        size = math.prod(node.shape)
        if size > max(LARGEST, *(math.prod(s.shape) for s in sources)):
            return None
        value = np.asarray(quiet.run(node.op.forward, *(s.value for s in sources)))
        return Node(CONSTANT, (), value.shape, value.dtype, False, node.origin, value)

    return rewritten(graph, rule)
