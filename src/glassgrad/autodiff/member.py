"""Members of a stack: one tensor that stands for each of many, so that a function written for one runs on all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from ..graph import Op
from ..ops.shape import moveaxis
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
        with as_whole_stacks(self.level):
            return member_of(apply_to_stacks(op, batched, stacks), self.level)

    def placed_beneath(self, level: int) -> Tensor:
        """A member, at a lower level, of the stack along the first axis of this tensor."""
        return Member(member_of(moveaxis(self.stack, 1, 0), level), self.level)

    def __repr__(self) -> str:
        return f"<one of the {self.stack.shape[0]} members of {self.stack!r}>"


def member_of(stack: Tensor, level: int) -> Tensor:
    """A member, at a level, of the stack along the first axis of `stack`: beneath its higher levels."""
    if isinstance(stack, Lifted) and stack.level > level:
        return stack.placed_beneath(level)
    return Member(stack, level)


_live: ContextVar[tuple[tuple[int, int], ...]] = ContextVar("glassgrad_live_stacks", default=())


@contextmanager
def running_on_stacks(level: int, size: int) -> Iterator[None]:
    """Inside the `with` block a user's function runs on members of stacks of this level."""
    token = _live.set((*_live.get(), (level, size)))
    try:
        yield
    finally:
        _live.reset(token)


@contextmanager
def as_whole_stacks(*levels: int) -> Iterator[None]:
    """Inside the `with` block the stacks of these levels are seen whole, not by their members."""
    token = _live.set(tuple(kind for kind in _live.get() if kind[0] not in levels))
    try:
        yield
    finally:
        _live.reset(token)


@contextmanager
def running_where(stacks: tuple[tuple[int, int], ...]) -> Iterator[None]:
    """Inside the `with` block these are the live stacks, as they were when a function was first called."""
    token = _live.set(stacks)
    try:
        yield
    finally:
        _live.reset(token)


def live_stacks() -> tuple[tuple[int, int], ...]:
    """Level and size of every kind of stack whose members the running function sees, the outermost first."""
    return _live.get()
