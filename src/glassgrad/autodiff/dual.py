"""Dual numbers: a value that carries its tangent along, through every op, with nothing stored for later."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Op
from ..ops.shape import astype
from ..tensor import Lifted, Tensor, apply, base_of, level_of, on_base
from ..tensor.dtype import DType
from .member import member_of


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

    def placed_beneath(self, level: int) -> Tensor:
        """With members of both stacks in the place of the value and the tangent."""
        return Dual(member_of(self.primal, level), member_of(self.tangent, level), self.level)

    def detach(self) -> Tensor:
        """The value alone: a constant has no tangent."""
        return self.primal.detach()

    def apply(self, op: Op, inputs: Sequence[Tensor]) -> Tensor:
        """The value by the op, its tangent by the op's jvp."""
        parts = [
            (x.primal, x.tangent) if isinstance(x, Dual) and x.level == self.level else (x, None)
            for x in inputs  # none of which has a higher level
        ]
        primals, tangents = zip(*parts, strict=True)
        out = apply(op, *primals)
        if not op.differentiable:
            return out
        tangent = _pushed(op, tangents, out, primals)
        if tangent is None:
            return out
        tangent = astype(tangent, out.dtype)
        if level_of(out) < self.level > level_of(tangent):
            return Dual(out, tangent, self.level)
        from .levels import join

        return join(out, tangent, self.level)

    def __repr__(self) -> str:
        return f"<value {self.primal!r} with tangent {self.tangent!r}>"


def _pushed(
    op: Op, tangents: tuple[Tensor | None, ...], out: Tensor, primals: tuple[Tensor, ...]
) -> Tensor | None:
    """The op's jvp; for an op that has only a vjp, as a user's own op, the transpose of that."""
    if type(op).jvp is not Op.jvp:
        return op.jvp(tangents, out, *primals)
    from ..ops.create import zeros_like
    from .gradient import vjp

    needed = tuple(tangent is not None for tangent in tangents)

    def back(g: Tensor) -> list[Tensor]:
        found = op.vjp(needed, g, out, *primals)
        return [
            zeros_like(x) if part is None else part
            for part, x, wanted in zip(found, primals, needed, strict=True)
            if wanted
        ]

    (pushed,) = vjp(back, zeros_like(out))[1]([tangent for tangent in tangents if tangent is not None])
    return pushed  # type: ignore[no-any-return]
