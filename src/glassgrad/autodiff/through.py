"""Reverse mode through lifted tensors: the tape lies at the bottom, beneath dual numbers and members of stacks.

An inner `grad` records on plain tensors. If its result is a dual number, y + dy ε, its gradient is one, too: that of
y, and as its tangent that of dy, because the order of two derivatives may be exchanged. If the result is a member of a
stack, the stack is pulled back; the variable was made a member of a stack itself, so that nothing is added up over
the members.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..tensor import Lifted, Tensor, base_of
from .dual import Dual
from .levels import is_member, join, split, stack_of
from .member import Member, as_whole_stacks, live_stacks, member_of

Seeds = list[tuple[Tensor, Tensor]]
"""Outputs, each with its upstream gradient."""

Pull = Callable[[Seeds], list[Tensor]]
"""From outputs with their upstream gradients to one gradient per variable."""


def as_variable(x: Tensor, fresh: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """A variable with the value of `x`, and the tensor at its bottom, which `fresh` makes and the tape knows.

    It is a member of every stack that is live, even if `x` is not: else its gradient would be the members' sum.
    """
    for level, size in live_stacks():
        if not _base_is_stacked(x, level):
            x = member_of(stack_of(x, level, size), level)
    leaf = fresh(base_of(x))
    return (x.on_new_base(leaf) if isinstance(x, Lifted) else leaf), leaf


def _base_is_stacked(x: Tensor, level: int) -> bool:
    """Whether the tensor at the bottom of `x` has an axis for the stacks at a level."""
    if isinstance(x, Member):
        return x.level == level or _base_is_stacked(x.stack, level)
    return isinstance(x, Dual) and _base_is_stacked(x.primal, level)


def pull_through(seeds: Seeds, pull: Pull, stacks: dict[int, int]) -> list[Tensor]:
    """`pull`, which works on plain outputs, applied to outputs that may be lifted.

    stacks: level and size of those that were live where the variables were made. The upstream gradients may have
    levels of their own, of a function mapped over them; these pass through.
    """
    duals = {level for output, _ in seeds for level in dual_levels(output)}
    with as_whole_stacks(*stacks):
        return _pull(seeds, pull, sorted({*stacks, *duals}, reverse=True), stacks)


def dual_levels(x: Tensor) -> set[int]:
    """The levels at which `x` has a tangent."""
    if isinstance(x, Dual):
        return {x.level} | dual_levels(x.primal) | dual_levels(x.tangent)
    return dual_levels(x.stack) if isinstance(x, Member) else set()


def _pull(seeds: Seeds, pull: Pull, levels: Sequence[int], stacks: dict[int, int]) -> list[Tensor]:
    if not levels:
        return pull(seeds)
    level, *rest = levels
    if level in stacks:
        size = stacks[level]
        whole = [
            (stack_of(output, level, size), stack_of(g, level, size))
            for output, g in seeds
            if is_member(
                output, level
            )  # any other output does not depend on the variables, which are members
        ]
        return [member_of(found, level) for found in _pull(whole, pull, rest, stacks)]
    values: Seeds = []
    slopes: Seeds = []
    for output, g in seeds:
        (y, dy), (u, du) = split(output, level), split(g, level)
        values.append((y, u))
        if dy is not None:
            slopes.append((dy, u))
        if du is not None:
            slopes.append((y, du))
    gradients = _pull(values, pull, rest, stacks)
    if not slopes:
        return gradients
    return [
        join(gradient, slope, level)
        for gradient, slope in zip(gradients, _pull(slopes, pull, rest, stacks), strict=True)
    ]


def plain_parts(x: Tensor) -> list[Tensor]:
    """The tensors that are not lifted, of which `x` is made."""
    if isinstance(x, Dual):
        return plain_parts(x.primal) + plain_parts(x.tangent)
    return plain_parts(x.stack) if isinstance(x, Member) else [x]


def on_plain_parts(x: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """`x` with `change` applied to each of its plain parts."""
    if isinstance(x, Dual):
        return Dual(on_plain_parts(x.primal, change), on_plain_parts(x.tangent, change), x.level)
    return Member(on_plain_parts(x.stack, change), x.level) if isinstance(x, Member) else change(x)
