"""A traced graph → a name for its plan: equal names, equal plans, in every process.

The name is a digest of all that planning depends on: the ops with their fields, what they read, shapes and dtypes, the
contents of constants, and what is beside the graph: `fingerprint` adds the source of glassgrad, LLVM and the processor.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from ...graph import Graph, Leaf, Node, Op
from ..llvm.fingerprint import NoFingerprintError, fingerprint, written
from . import team
from .disk_cache import disk_cache
from .objects import data_offset, layout
from .plan import LARGEST

OURS = __name__.partition(".")[0] + "."


def plan_name(graph: Graph, updates: Sequence[tuple[int, int]]) -> str | None:
    """The name of a graph's plan; None if there is no cache, or if it would mean nothing in another process."""
    if disk_cache() is None:
        return None
    try:
        beside = data_offset(), layout() is not None, team.is_possible()
        return fingerprint(("plan", *beside, *_structure(graph), list(updates)))
    except NoFingerprintError:
        return None


def _structure(graph: Graph) -> tuple[Any, ...]:
    """What a graph is: the kinds of its nodes, its edges, and its constants."""
    inputs = dict.fromkeys(graph.inputs)
    nodes = [*inputs, *(node for node in graph.body if node not in inputs)]
    numbers = {node: number for number, node in enumerate(nodes)}
    ops = _described_ops(nodes)
    kinds: dict[Any, int] = {}
    edges = array("q")
    for node in nodes:
        kind = ops[id(node.op)], node.shape, node.dtype
        edges.append(kinds.setdefault(kind, len(kinds)))
        edges.extend([numbers[source] for source in node.inputs])
        edges.append(-1)
    edges.extend([numbers[node] for node in graph.outputs])
    ends = len(graph.inputs), len(graph.outputs)
    constants = (node for node in nodes[ends[0] :] if isinstance(node.op, Leaf))
    return *ends, list(kinds), sha256(edges).digest(), _content(constants)


def _described_ops(nodes: Sequence[Node]) -> dict[int, bytes]:
    """What each op is, by the identity of its object, since many nodes share one."""
    ops = {id(node.op): node.op for node in nodes}
    return {key: _described(op) for key, op in ops.items()}


def _described(op: Op) -> bytes:
    """An op of glassgrad with its fields. Raises NoFingerprintError for others, whose rules are not known."""
    kind = type(op)
    names = getattr(kind, "__match_args__", None)
    if not kind.__module__.startswith(OURS) or (names is None and kind.__init__ is not object.__init__):
        raise NoFingerprintError(f"{op.name} is not known to other processes")
    return written((kind, *(getattr(op, name) for name in names or ())))


def _content(constants: Iterable[Node]) -> bytes:
    """A digest of values. Raises NoFingerprintError if they are too large to be kept."""
    found, size = sha256(), 0
    for node in constants:
        value = np.asarray(node.value, order="C")
        size += value.nbytes
        if size > LARGEST:
            raise NoFingerprintError("the constants are large")
        found.update(value.tobytes())
    return found.digest()
