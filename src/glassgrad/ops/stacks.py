"""Stacks: what the `batch` rules of ops are made of.

A stack is a tensor with one axis more than the op expects, the first. In `batch(batched, *inputs)` the inputs that are
`batched` are stacks of equal length, and so is the result; the other inputs are the same for every member.
"""

from __future__ import annotations

from ..graph import Op
from ..tensor import Tensor, apply


def apply_to_stacks(op: Op, batched: tuple[bool, ...], inputs: tuple[Tensor, ...]) -> Tensor:
    """The op's `batch` rule, or `one_by_one` if it has none."""
    if type(op).batch is Op.batch:
        return one_by_one(op, batched, inputs)
    return op.batch(batched, *inputs)


def aligned(batched: tuple[bool, ...], inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """The inputs with axes of size 1 behind the stacks' first, so that they broadcast as the members would."""
    from .shape import reshape

    ndim = max(x.ndim - is_stack for x, is_stack in zip(inputs, batched, strict=True))
    return [
        reshape(x, (x.shape[0], *(1,) * (ndim + 1 - x.ndim), *x.shape[1:]))
        if is_stack and x.ndim <= ndim
        else x
        for x, is_stack in zip(inputs, batched, strict=True)
    ]


def all_stacked(batched: tuple[bool, ...], inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Every input as a stack: those that are the same for every member are repeated, without a copy."""
    from .shape import broadcast_to

    size = stack_size(batched, inputs)
    return [
        x if is_stack else broadcast_to(x, (size, *x.shape))
        for x, is_stack in zip(inputs, batched, strict=True)
    ]


def stack_size(batched: tuple[bool, ...], inputs: tuple[Tensor, ...]) -> int:
    """How many members the stacks have."""
    return next(x.shape[0] for x, is_stack in zip(inputs, batched, strict=True) if is_stack)


def one_by_one(op: Op, batched: tuple[bool, ...], inputs: tuple[Tensor, ...]) -> Tensor:
    """The op applied to every member in turn, and the results stacked: right for every op, and slow."""
    import numpy as np

    from ..graph import Aval
    from .joining import stack

    members = [
        apply(op, *(x[i] if is_stack else x for x, is_stack in zip(inputs, batched, strict=True)))
        for i in range(stack_size(batched, inputs))
    ]
    if members:
        return stack(members)
    avals = (Aval(x.shape[is_stack:], x.dtype) for x, is_stack in zip(inputs, batched, strict=True))
    shape, dtype = op.shape(*avals)
    return Tensor(np.zeros((0, *shape), dtype))
