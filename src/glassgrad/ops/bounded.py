"""Integers that must lie in a range, looked at when their values are known: in a compiled function, at every call."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from ..graph import Aval, Op
from ..graph.loops import Within
from ..graph.static import static
from ..tensor import Tensor, apply

__all__: list[str] = []


@static
class Bounded(Op):
    """Integers in [0, size), or equal to `also`, as they are. For those whose values are not known when they are given.

    Derive an op for each question: `complain` raises the error that the same values get where they are known.
    """

    size: int
    also: int | None

    argument_names = ("indices",)
    formula = "out = indices"
    pattern: ClassVar[str] = "blocker: integers have no gradient"
    differentiable: ClassVar[bool] = False
    no_gradient_because: ClassVar[str] = "integers have no gradient"

    def complain(self, values: Any) -> NoReturn:
        """Raise the error for these values, of which one is outside."""
        raise NotImplementedError

    def shape(self, indices: Aval) -> Aval:
        return indices

    def forward(self, indices: Any) -> Any:
        outside = (indices < 0) | (indices >= self.size)
        if outside.any() and (self.also is None or (indices[outside] != self.also).any()):
            self.complain(indices)
        return indices

    def loops(self, indices: Aval) -> Within:
        return Within(self.size, self.also)

    def batch(self, batched: tuple[bool, ...], indices: Tensor) -> Tensor:
        return apply(self, indices)
