"""Dual numbers: a value that carries its tangent along, through every op, with nothing stored for later."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Op
from ..ops.shape import astype
from ..tensor import Lifted, Tensor, apply, base_of, on_base
from ..tensor.dtype import DType


class Dual(Lifted):
    """A value (`primal`) and its derivative in the direction of interest (`tangent`), of equal shape and dtype.

    Python may branch on a dual number: it decides by the value.
    """

    __slots__ = ("primal", "tangent")

    def __init__(self, primal: Tensor, tangent: Tensor, level: int) -> None:
        super().__init__(primal.value, level)
        self.primal = primal
        self.tangent = tangent

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each axis."""
        return self.primal.shape

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self.primal.dtype

    def base(self) -> Tensor:
        """The value's."""
        return base_of(self.primal)

    def on_new_base(self, base: Tensor) -> Tensor:
        """The same tangent beside a value with another base."""
        return Dual(on_base(self.primal, base), self.tangent, self.level)

    def detach(self) -> Tensor:
        """The value alone: a constant has no tangent."""
        return self.primal.detach()

    def apply(self, op: Op, inputs: Sequence[Tensor]) -> Tensor:
        """The value by the op, its tangent by the op's jvp."""
        primals, tangents = zip(*(split(x, self.level) for x in inputs), strict=True)
        out = apply(op, *primals)
        if not op.differentiable:
            return out
        tangent = op.jvp(tangents, out, *primals)
        return out if tangent is None else Dual(out, astype(tangent, out.dtype), self.level)

    def __repr__(self) -> str:
        return f"<value {self.primal!r} with tangent {self.tangent!r}>"


def split(x: Tensor, level: int) -> tuple[Tensor, Tensor | None]:
    """The value of `x`, which is of this level or below, and its tangent; None for a tensor that does not move."""
    return (x.primal, x.tangent) if isinstance(x, Dual) and x.level == level else (x, None)
