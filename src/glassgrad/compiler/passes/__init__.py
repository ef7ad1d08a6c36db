"""Passes: from a graph to a graph that computes the same in fewer steps. One pass per file."""

from __future__ import annotations

from ...graph import Graph
from .duplicates import merge_duplicates
from .fold import fold_constants
from .identities import remove_identities

PASSES = (remove_identities, fold_constants, merge_duplicates)


def simplify(graph: Graph) -> Graph:
    """All passes in order."""
    for run_pass in PASSES:
        graph = run_pass(graph)
    return graph


__all__ = ["PASSES", "fold_constants", "merge_duplicates", "remove_identities", "simplify"]
