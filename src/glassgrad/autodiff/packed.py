"""A user's function as one node: several inputs, several outputs, and a backward of its own.

An op has one output, so the outputs that carry gradients are packed into one vector, and taken out again by ops whose
gradients put the upstream gradients back in their places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..graph import Aval, Node, Op, caller
from ..ops.joining import concat
from ..ops.shape import astype, reshape
from ..tensor import Tensor, no_grad
from ..tensor.dtype import promote

Run = Callable[[list[Tensor]], list[Tensor]]
"""From the inputs to the outputs that carry gradients."""

Pull = Callable[[list[Tensor], list[Tensor]], Sequence[Tensor | None]]
"""From upstream gradients, one per output, and the inputs to one gradient per input."""


class Call(Op):
    """One call of a user's function, whose outputs are packed into a vector.

    Beside its own inputs it has as inputs the nodes that the function read from outside; it does not see their values.
    """

    runs_user_code = True
    formula = "the outputs of a function, end to end"
    pattern: ClassVar[str] = "user-defined: the function's own rule"

    def __init__(self, label: str, run: Run, pull: Pull, outputs: Sequence[Tensor]) -> None:
        self.label = label
        self.run = run
        self.pull = pull
        self.parts = [Aval(output.shape, output.dtype) for output in outputs]
        self.dtype = promote({part.dtype for part in self.parts})

    @property
    def name(self) -> str:
        """What the user's function is called."""
        return self.label

    def shape(self, *inputs: Aval) -> Aval:
        return Aval((sum(math.prod(part.shape) for part in self.parts),), self.dtype)

    def forward(self, *arrays: Any) -> Any:
        with no_grad():
            return self.pack(self.run(list(map(Tensor, arrays)))).numpy()

    def pack(self, outputs: Sequence[Tensor]) -> Tensor:
        """The outputs as one vector."""
        return concat([reshape(astype(output, self.dtype), (output.size,)) for output in outputs])

    def unpack(self, packed: Tensor) -> list[Tensor]:
        """The outputs again."""
        outputs = []
        start = 0
        for part in self.parts:
            end = start + math.prod(part.shape)
            outputs.append(astype(reshape(packed[start:end], part.shape), part.dtype))
            start = end
        return outputs

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, *inputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        return tuple(self.pull(self.unpack(g), list(inputs)))


def call_as_one_node(
    op: Call, inputs: Sequence[Tensor], outside: Sequence[Node], outputs: Sequence[Tensor]
) -> list[Tensor]:
    """`outputs`, which the call computed from `inputs` and from nodes outside, as results of one node."""
    with no_grad():
        packed = op.pack([Tensor(output.value) for output in outputs])
    sources = tuple(x.as_node() for x in inputs)
    for source, x in zip(sources, inputs, strict=True):
        source.value = x.value
    node = Node(op, (*sources, *outside), packed.shape, packed.dtype, True, caller())
    return op.unpack(Tensor(packed.value, node))
