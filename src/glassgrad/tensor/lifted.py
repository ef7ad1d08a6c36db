"""Lifted tensors: what a tensor becomes while a function is differentiated forward or run on a whole stack.

A lifted tensor looks like the tensor that the user's function expects and is made of tensors one level below: a dual
number of a value and its tangent, a member of a stack of the whole stack. Every use of a mode has a level of its own,
larger than those it runs inside of, so that nested uses cannot be confused. `apply` hands an op to the input of the
highest level, which rewrites it in terms of the level below.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from ..errors import GraphError
from .tensor import Tensor

if TYPE_CHECKING:
    from ..graph import Op

new_level: Callable[[], int] = itertools.count(1).__next__
"""A level above all that exist."""


class Lifted(Tensor):
    """A tensor at a level, made of tensors of lower levels."""

    __slots__ = ("level",)

    level: int

    def __init__(self, value: object, level: int) -> None:
        super().__init__(value)
        self.level = level

    def apply(self, op: Op, inputs: Sequence[Tensor]) -> Tensor:
        """The result of `op`, of which this is the input of the highest level."""
        raise NotImplementedError

    def base(self) -> Tensor:
        """The tensor that is no longer lifted, at the bottom: of a dual number the value, of a member the stack."""
        raise NotImplementedError

    def on_new_base(self, base: Tensor) -> Tensor:
        """The same with another tensor at the bottom."""
        raise NotImplementedError

    def placed_beneath(self, level: int) -> Tensor:
        """With its first axis as a stack of members at a lower level."""
        raise NotImplementedError

    def backward(self, *arguments: object, **options: object) -> NoReturn:
        """Refused."""
        raise GraphError(
            "backward() adds to .grad, which belongs to one value, and cannot be called inside gg.jvp, gg.vmap or "
            "what is built on them. Use gg.grad or gg.vjp there."
        )


def level_of(x: Tensor) -> int:
    """The level of a tensor; 0 if it is not lifted."""
    return x.level if isinstance(x, Lifted) else 0


def base_of(x: Tensor) -> Tensor:
    """The tensor at the bottom of a lifted one; a tensor that is not lifted itself."""
    return x.base() if isinstance(x, Lifted) else x


def on_base(x: Tensor, base: Tensor) -> Tensor:
    """`x` with another tensor at the bottom."""
    return x.on_new_base(base) if isinstance(x, Lifted) else base


def apply_lifted(op: Op, inputs: Sequence[Tensor]) -> Tensor:
    """The result of `op` on inputs of which at least one is lifted."""
    highest = max((x for x in inputs if isinstance(x, Lifted)), key=level_of)
    return highest.apply(op, inputs)
