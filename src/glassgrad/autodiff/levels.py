"""Levels taken apart and put together: the value and the tangent, or the stack, of a tensor at any of its levels.

A lifted tensor has its highest level outside. These functions reach a level that lies beneath others, and put one in
its place beneath them.
"""

from __future__ import annotations

from ..ops.create import zeros_like
from ..ops.shape import broadcast_to, moveaxis
from ..tensor import Tensor, level_of
from .dual import Dual
from .member import Member


def split(x: Tensor, level: int) -> tuple[Tensor, Tensor | None]:
    """The value and the tangent of `x` at a level; None for the tangent of a tensor that does not move there."""
    if level_of(x) < level:
        return x, None
    if isinstance(x, Dual):
        if x.level == level:
            return x.primal, x.tangent
        value, slope = split(x.primal, level), split(x.tangent, level)
        return join(value[0], slope[0], x.level), _join_optional(value[1], slope[1], x.level)
    assert isinstance(x, Member)
    primal, tangent = split(x.stack, level)
    return Member(primal, x.level), None if tangent is None else Member(tangent, x.level)


def _join_optional(primal: Tensor | None, tangent: Tensor | None, level: int) -> Tensor | None:
    if tangent is None:
        return primal
    return join(zeros_like(tangent) if primal is None else primal, tangent, level)


def join(primal: Tensor, tangent: Tensor, level: int) -> Tensor:
    """The dual number of a value and a tangent at a level, which goes beneath their higher levels."""
    above = max(level_of(primal), level_of(tangent))
    if above < level:
        return Dual(primal, tangent, level)
    if any(isinstance(x, Member) and x.level == above for x in (primal, tangent)):
        size = next(x.stack.shape[0] for x in (primal, tangent) if isinstance(x, Member) and x.level == above)
        return Member(join(stack_of(primal, above, size), stack_of(tangent, above, size), level), above)
    (value, value_slope), (slope, slope_slope) = split(primal, above), split(tangent, above)
    return Dual(
        join(value, slope, level),
        join(
            zeros_like(value) if value_slope is None else value_slope,
            zeros_like(slope) if slope_slope is None else slope_slope,
            level,
        ),
        above,
    )


def stack_of(x: Tensor, level: int, size: int) -> Tensor:
    """The stack that `x` is a member of at a level; its copies if it is the same for every member."""
    if level_of(x) < level:
        return broadcast_to(x, (size, *x.shape))
    if isinstance(x, Member):
        return (
            x.stack if x.level == level else Member(moveaxis(stack_of(x.stack, level, size), 0, 1), x.level)
        )
    assert isinstance(x, Dual)
    return Dual(stack_of(x.primal, level, size), stack_of(x.tangent, level, size), x.level)


def is_member(x: Tensor, level: int) -> bool:
    """Whether `x` differs from member to member of the stacks at a level."""
    if level_of(x) < level:
        return False
    if isinstance(x, Member):
        return x.level == level or is_member(x.stack, level)
    assert isinstance(x, Dual)
    return is_member(x.primal, level) or is_member(x.tangent, level)
