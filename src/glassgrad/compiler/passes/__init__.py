"""Passes: from a graph to a graph that computes the same in fewer steps. One pass per file."""

from __future__ import annotations

from ...graph import Graph
from .biases import add_biases
from .chosen import compute_before_choosing
from .duplicates import merge_duplicates
from .fold import fold_constants
from .identities import remove_identities
from .parts import assemble_parts
from .products import merge_products
from .rearranged import add_before_rearranging
from .turned import turn_products

PASSES = (
    remove_identities,
    fold_constants,
    compute_before_choosing,
    merge_duplicates,
    assemble_parts,
    add_before_rearranging,
    merge_products,
    add_biases,
    turn_products,
)


def simplify(graph: Graph) -> Graph:
    """All passes in order."""
    for run_pass in PASSES:
        graph = run_pass(graph)
    return graph


__all__ = [
    "PASSES",
    "add_before_rearranging",
    "add_biases",
    "assemble_parts",
    "compute_before_choosing",
    "fold_constants",
    "merge_duplicates",
    "merge_products",
    "remove_identities",
    "simplify",
    "turn_products",
]
