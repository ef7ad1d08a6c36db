"""How many floating-point operations an op takes: from its description as loops, so no op is known here by name."""

from __future__ import annotations

import math
from typing import Any

from ...expr import Call
from ...expr.scalar import parts
from ...graph import Aval, Node
from ...graph.loops import Assembled, Drawn, Folded, Map, Product, Rearranged, Windowed


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
    size = math.prod(node.shape)
    if hasattr(loops, "flops"):
        return float(loops.flops(inputs, Aval(node.shape, node.dtype)))
    if isinstance(loops, Rearranged | Assembled | Drawn):
        return 0
    if isinstance(loops, Map):
        return size * sum(isinstance(part, Call) for part in parts(loops.formula)) * (loops.dtype.kind == "f")
    if isinstance(loops, Folded):
        return math.prod(inputs[0].shape) * (inputs[0].dtype.kind == "f")
    if isinstance(loops, Product):
        return 2 * size * inputs[0].shape[-1] * loops.pairs * (node.dtype.kind == "f")
    if isinstance(loops, Windowed):
        if loops.kind == "take":
            return 0
        windows = math.prod(inputs[0].shape) if loops.goes_back else size
        each = 1 if loops.kind == "put" else math.prod(loops.kernel)
        return windows * each * (inputs[0].dtype.kind == "f")
    return None
