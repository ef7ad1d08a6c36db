"""The evaluate mode: run nodes in order with NumPy, each from the values of its inputs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .node import Node
from .op import Leaf
from .quiet import quiet


def evaluate(nodes: Iterable[Node], only_missing: bool = False) -> None:
    """Fill in `value` of every node that is not a leaf; `nodes` are topologically sorted.

    With `only_missing`, a node that has its value already keeps it.
    """
    for node in nodes:
        if isinstance(node.op, Leaf) or (only_missing and node.value is not None):
            continue
        arrays = [source.value for source in node.inputs]
        forward = node.op.forward
        node.value = np.asarray(forward(*arrays) if node.op.runs_user_code else quiet.run(forward, *arrays))
