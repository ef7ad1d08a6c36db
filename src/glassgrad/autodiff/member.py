"""Members of a stack: one tensor that stands for each of many, so that a function written for one runs on all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from ..graph import Op
from ..ops.stacks import apply_to_stacks
from ..tensor import Lifted, Tensor, base_of, on_base
from ..tensor.dtype import DType


class Member(Lifted):
    """Any one of the tensors stacked along the first axis of `stack`. Its shape is known, its value is not."""

    __slots__ = ("stack",)

    def __init__(self, stack: Tensor, level: int) -> None:
        super().__init__(None, level)
        self.stack = stack

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each axis but the stack's own."""
        return self.stack.shape[1:]

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        return self.stack.dtype

    def base(self) -> Tensor:
        """The stack's."""
        return base_of(self.stack)

    def on_new_base(self, base: Tensor) -> Tensor:
        """A member of the stack with another base."""
        return Member(on_base(self.stack, base), self.level)

    def detach(self) -> Tensor:
        """A member of the stack without its history."""
        return Member(self.stack.detach(), self.level)

    def apply(self, op: Op, inputs: Sequence[Tensor]) -> Tensor:
        """The op on whole stacks, by its batch rule."""
        batched = tuple(isinstance(x, Member) and x.level == self.level for x in inputs)
        stacks = tuple(
            x.stack if isinstance(x, Member) and is_member else x
            for x, is_member in zip(inputs, batched, strict=True)
        )
        return Member(apply_to_stacks(op, batched, stacks), self.level)

    def __repr__(self) -> str:
        return f"<one of the {self.stack.shape[0]} members of {self.stack!r}>"


_live: ContextVar[tuple[tuple[int, int], ...]] = ContextVar("glassgrad_live_stacks", default=())


@contextmanager
def running_on_stacks(level: int, size: int) -> Iterator[None]:
    """Inside the `with` block a user's function runs on members of stacks of this level."""
    token = _live.set((*_live.get(), (level, size)))
    try:
        yield
    finally:
        _live.reset(token)


def live_stacks() -> tuple[tuple[int, int], ...]:
    """Level and size of every kind of stack whose members the running function sees, the outermost first."""
    return _live.get()
