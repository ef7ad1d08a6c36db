"""Loop nests in LLVM IR: a kernel's axes, merged where memory allows, one loop inside the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

INDEX = ir.IntType(64)

BLOCK = 16
"""Elements of a block: a cache line of float32."""


@dataclass(frozen=True)
class Axis:
    """One loop: how often, whether folds go over it, and how far every operand moves per step, in elements."""

    size: int
    folded: bool
    steps: tuple[int, ...]


def merged_axes(shape: Sequence[int], folded: Sequence[int], strides: Sequence[Sequence[int]]) -> list[Axis]:
    """The axes of a kernel, those of size 1 left out, neighbours of one kind merged where every operand allows it."""
    axes: list[Axis] = []
    for place, size in enumerate(shape):
        if size == 1:
            continue
        axis = Axis(size, place in folded, tuple(operand[place] for operand in strides))
        if axes and axes[-1].folded == axis.folded:
            outer = axes[-1]
            if all(a == b * size for a, b in zip(outer.steps, axis.steps, strict=True)):
                axes[-1] = Axis(outer.size * size, axis.folded, axis.steps)
                continue
        axes.append(axis)
    return axes


def blocked(axes: Sequence[Axis]) -> list[Axis]:
    """The axes of a nest without folds, in an order in which an operand that is read across comes back to its cache
    lines before they are gone: the innermost loop in blocks, and the loop along that operand around one block.

    >>> [axis.size for axis in blocked([Axis(100, False, (1, 64)), Axis(64, False, (100, 1))])]
    [4, 100, 16]
    """
    *outer, last = axes or [Axis(1, False, ())]
    across = [place for place, step in enumerate(last.steps) if abs(step) >= BLOCK]
    along = [
        (abs(axis.steps[operand]), -place)
        for place, axis in enumerate(outer)
        for operand in across
        if 0 < abs(axis.steps[operand]) < abs(last.steps[operand])
    ]
    if not along or last.size <= BLOCK or last.size % BLOCK:
        return list(axes)
    place = -min(along)[1]
    blocks = Axis(last.size // BLOCK, last.folded, tuple(step * BLOCK for step in last.steps))
    block = Axis(BLOCK, last.folded, last.steps)
    return [*outer[:place], blocks, *outer[place:], block]


@contextmanager
def loop(builder: ir.IRBuilder, size: int, name: str = "i") -> Any:
    """Code built inside the `with` block runs for each index from 0 to size - 1, which the block gets."""
    before = builder.block
    body = builder.append_basic_block(name)
    after = builder.append_basic_block(name + "_end")
    builder.branch(body)
    builder.position_at_end(body)
    index = builder.phi(INDEX, name)
    index.add_incoming(INDEX(0), before)
    yield index
    following = builder.add(index, INDEX(1), flags=["nuw", "nsw"])
    index.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_unsigned("<", following, INDEX(size)), body, after)
    builder.position_at_end(after)


@contextmanager
def counted(builder: ir.IRBuilder, begin: Any, end: Any, name: str = "i") -> Any:
    """Code built inside the `with` block runs for each index from `begin` to `end` - 1, which may be none."""
    before = builder.block
    body = builder.append_basic_block(name)
    after = builder.append_basic_block(name + "_end")
    builder.cbranch(builder.icmp_signed("<", begin, end), body, after)
    builder.position_at_end(body)
    index = builder.phi(INDEX, name)
    index.add_incoming(begin, before)
    yield index
    following = builder.add(index, INDEX(1), flags=["nuw", "nsw"])
    index.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, end), body, after)
    builder.position_at_end(after)


def carrying(
    builder: ir.IRBuilder,
    end: Any,
    step: int,
    values: Sequence[Any],
    body: Callable[[Any, list[Any]], list[Any]],
) -> list[Any]:
    """A loop from 0 in steps until `end`, at least once, that hands values on: `body(index, values)` makes the next."""
    before = builder.block
    inside = builder.append_basic_block("k")
    after = builder.append_basic_block("k_end")
    builder.branch(inside)
    builder.position_at_end(inside)
    phis = [builder.phi(INDEX), *(builder.phi(value.type) for value in values)]
    for phi, value in zip(phis, [INDEX(0), *values], strict=True):
        phi.add_incoming(value, before)
    found = body(phis[0], phis[1:])
    following = builder.add(phis[0], INDEX(step))
    for phi, value in zip(phis, [following, *found], strict=True):
        phi.add_incoming(value, builder.block)
    builder.cbranch(builder.icmp_unsigned("<", following, end), inside, after)
    builder.position_at_end(after)
    return found


def nest(
    builder: ir.IRBuilder,
    axes: Sequence[Axis],
    offsets: list[Any],
    inside: Callable[[list[Any]], None],
) -> None:
    """`inside(offsets)` for every combination of indices, the operands' offsets moved on accordingly."""
    if not axes:
        inside(offsets)
        return
    axis, *rest = axes
    with loop(builder, axis.size) as index:
        moved = [
            offset if step == 0 else builder.add(offset, builder.mul(index, INDEX(step)))
            for offset, step in zip(offsets, axis.steps, strict=True)
        ]
        nest(builder, rest, moved, inside)
