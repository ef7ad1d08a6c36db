"""The text dump of a graph: one line per node, readable without any tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .node import Node
from .op import Leaf

if TYPE_CHECKING:
    from .graph import Graph


def to_text(graph: Graph) -> str:
    """One line per node: name = op(inputs, static parameters), dtype and shape, value and gradient where known."""
    names = node_names(graph)
    rows = []
    for node in graph.body:
        arguments = [*(names[source] for source in node.inputs), *node.op.parameters]
        call = node.op.name if isinstance(node.op, Leaf) else f"{node.op.name}({', '.join(arguments)})"
        parts = [f"{names[node]} = {call}", f"{node.dtype}{list(node.shape)}"]
        parts += [
            f"{label} {brief(array)}"
            for label, array in (("value", node.value), ("grad", node.grad))
            if array is not None
        ]
        rows.append((*parts, "", "")[:4])
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def node_names(graph: Graph) -> dict[Node, str]:
    """A short unique name for every node: the user's own, else x0, x1 ... for inputs, c0 ... for constants, n0 ... ."""
    names: dict[Node, str] = {}
    given = {node.name for node in graph.body if node.name}
    used: set[str] = set()
    inputs = set(graph.inputs)
    counts: dict[str, int] = {}
    for node in graph.body:
        name = node.name if node.name not in used else None
        while name is None or (name in given and name != node.name):
            letter = "x" if node in inputs else "c" if isinstance(node.op, Leaf) else "n"
            counts[letter] = counts.get(letter, -1) + 1
            name = f"{letter}{counts[letter]}"
        names[node] = name
        used.add(name)
    return names


def brief(array: Any) -> str:
    """An array in a few characters: the number itself, or its range."""
    values = np.asarray(array)
    if values.ndim == 0:
        return f"{values.item():.6g}"
    if values.size == 0:
        return "(empty)"
    if values.size <= 4:
        return np.array2string(values, precision=4, separator=", ").replace("\n", "")
    return f"{values.min():.4g} .. {values.max():.4g}"
