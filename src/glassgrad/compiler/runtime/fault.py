"""The error of an op, for machine code, which only knows that there is one."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from ...errors import GlassgradError, ShapeError
from ...graph import Graph, Leaf, Node, quiet


def raise_fault(graph: Graph, inputs: list[Any]) -> NoReturn:
    """Raise what an op of a graph raises for these inputs, with the user's line that made the op.

    The op's `forward` finds out what is wrong, and says it in the same words as when it runs by itself.
    """
    values: dict[Node, Any] = dict(zip(graph.inputs, inputs, strict=True))
    last = {source: node for node in graph.body for source in node.inputs}
    for node in graph.body:
        if node in values:
            continue
        if isinstance(node.op, Leaf):
            values[node] = node.value
            continue
        forward, arrays = node.op.forward, [values[source] for source in node.inputs]
        try:
            found = forward(*arrays) if node.op.runs_user_code else quiet.run(forward, *arrays)
        except GlassgradError as error:
            error.place = node.place
            raise
        values[node] = np.asarray(found)
        for source in set(node.inputs):
            if last[source] is node:
                del values[source]
    raise ShapeError("an index is out of range")
