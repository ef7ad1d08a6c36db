"""How many floating-point operations an op takes: from its description as loops, so no op is known here by name."""

from __future__ import annotations

import math
from typing import Any

from ...expr import Call
from ...expr.scalar import parts
from ...graph import Aval, Node
from ...graph.loops import (
    Assembled,
    Convolved,
    Drawn,
    Folded,
    Gathered,
    Map,
    Product,
    Rearranged,
    Running,
    Scattered,
    Weighed,
    Windowed,
)


def flops(node: Node) -> float | None:
    """The operations of one node; None for an op that does not say how it is a loop.

    Each instruction of a formula counts as one, an exponential like an addition; so does each combining step of a sum
    or an extremum. A product of matrices takes 2mnk. Numbers that are no floats take none, nor do copies.

    >>> import glassgrad as gg
    >>> def last(y): return gg.graph_of(y).body[-1]
    >>> x = gg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    >>> flops(last(gg.tanh(x))), flops(last(gg.sum(x))), flops(last(x @ x.T)), flops(last(x.T))
    (6, 6, 36, 0)
    """
    inputs = tuple(Aval(source.shape, source.dtype) for source in node.inputs)
    if "c" in {node.dtype.kind, *(aval.dtype.kind for aval in inputs)}:
        return None
    loops: Any = node.op.loops(*inputs)
    if loops is None:
        return None
    if not any(aval.dtype.kind == "f" for aval in inputs):
        return 0
    return _operations(loops, inputs, node)


def _operations(loops: Any, inputs: tuple[Aval, ...], node: Node) -> float | None:
    size = math.prod(node.shape)
    match loops:
        case Rearranged() | Assembled() | Drawn() | Gathered():
            return 0
        case Map():
            instructions = sum(isinstance(part, Call) for part in parts(loops.formula))
            return size * instructions * (loops.dtype.kind == "f")
        case Folded():
            return math.prod(inputs[0].shape)
        case Running():
            return size * (2 if loops.kind == "recurrence" else 1)
        case Product():
            added = len(inputs) - 2 * loops.pairs
            return size * (2 * inputs[0].shape[-1] * loops.pairs + added)
        case Convolved():
            maps = {"maps": node.shape, "images": inputs[0].shape, "filters": inputs[1].shape}[loops.kind]
            filters = node.shape if loops.kind == "filters" else inputs[1].shape
            return 2 * math.prod(maps) * math.prod(filters[1:])
        case Windowed():
            if loops.kind == "take":
                return 0
            windows = math.prod(inputs[0].shape) if loops.goes_back else size
            return windows * (1 if loops.kind == "put" else math.prod(loops.kernel))
        case Scattered():
            return 0 if loops.instruction == "set" else math.prod(inputs[int(loops.onto)].shape)
        case Weighed():
            return 2 * len(loops.sources) * size // max(1, node.shape[loops.axis])
    return None
