"""Loops cut into pieces that threads can share: how, and the code that runs some of the pieces.

The cut follows from shapes and an estimate of the work, never from the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llvmlite import ir

from .nest import INDEX, Axis, counted, nest

PIECE = 1500.0
"""Nanoseconds of work that a piece should have at least: a few times what a thread needs to come to it."""

MANY, FEW = 64, 8
"""How many pieces there should be at most, and from how many on it is not worth looking for more."""

LINE = 64
"""A cut of the innermost loop is at a multiple of so many elements: whole vectors, and cache lines of one thread."""


@dataclass(frozen=True)
class Division:
    """The loops over `whole` axes, and over tiles of `tiled`, as one row of `size` steps, `step` of them in a piece.

    >>> cut = divide([Axis(1000, False, (1,))], 3000.0)
    >>> cut.pieces, cut.tile
    (2, 512)
    """

    whole: tuple[Axis, ...]
    tiled: Axis | None
    tile: int
    rest: tuple[Axis, ...]
    """The loops inside."""
    step: int

    @property
    def axes(self) -> tuple[Axis, ...]:
        """All the loops."""
        return (*self.whole, *(() if self.tiled is None else (self.tiled,)), *self.rest)

    @property
    def tiles(self) -> int:
        """How many tiles the tiled axis has."""
        return 1 if self.tiled is None else -(-self.tiled.size // self.tile)

    @property
    def size(self) -> int:
        """How many steps there are."""
        return math.prod(axis.size for axis in self.whole) * self.tiles

    @property
    def pieces(self) -> int:
        """How many pieces there are."""
        return -(-self.size // self.step)


def pieces_for(nanoseconds: float) -> int:
    """How many pieces so much work should have."""
    return max(1, min(MANY, int(nanoseconds / PIECE)))


def divide(
    axes: Sequence[Axis], nanoseconds: float, line: int = LINE, *, tiles_last: bool = True
) -> Division:
    """Cut as many of the first loops as give enough pieces; the last only in tiles, so that vectors stay whole."""
    wanted = pieces_for(nanoseconds)
    last = len(axes) - 1 if tiles_last else len(axes)
    count, size = 0, 1
    while size < min(wanted, FEW) and count < last:
        size *= axes[count].size
        count += 1
    whole, rest = tuple(axes[:count]), tuple(axes[count:])
    if size >= min(wanted, FEW) or not rest:
        return Division(whole, None, 1, rest, -(-size // wanted))
    tiled = rest[0]
    tile = -(-tiled.size // -(-wanted // size))
    tile = -(-tile // line) * line
    # tiles of one size are loops of a known length, which take LLVM half the time
    tile = next((t for t in range(tile, min(2 * tile, tiled.size), line) if tiled.size % t == 0), tile)
    if tile >= tiled.size:
        return Division(whole, None, 1, rest, -(-size // wanted))
    found = Division(whole, tiled, tile, rest[1:], 1)
    return replace(found, step=-(-found.size // wanted))


def bounds(builder: ir.IRBuilder, division: Division, begin: Any, end: Any) -> tuple[Any, Any]:
    """The first step of the piece `begin`, and the first after the piece before `end`."""
    if division.pieces == 1:
        return INDEX(0), INDEX(division.size)
    first, last = (builder.mul(piece, INDEX(division.step)) for piece in (begin, end))
    if division.pieces * division.step > division.size:
        last = builder.select(
            builder.icmp_unsigned("<", last, INDEX(division.size)), last, INDEX(division.size)
        )
    return first, last


def located(
    builder: ir.IRBuilder, division: Division, index: Any, offsets: Sequence[Any]
) -> tuple[list[Any], Any]:
    """The offsets where a step begins, and how many turns of the tiled axis it has."""
    moved, count = list(offsets), INDEX(1)
    tiled = division.tiled
    if tiled is not None:
        index, tile = _parts(builder, index, division.tiles, is_first=not division.whole)
        begin, count = builder.mul(tile, INDEX(division.tile)), INDEX(division.tile)
        moved = moved_by(builder, moved, begin, tiled)
        if tiled.size % division.tile:
            left = builder.sub(INDEX(tiled.size), begin)
            count = builder.select(builder.icmp_unsigned("<", left, count), left, count)
    for place in reversed(range(len(division.whole))):
        axis = division.whole[place]
        index, turn = _parts(builder, index, axis.size, is_first=place == 0)
        moved = moved_by(builder, moved, turn, axis)
    return moved, count


def over_tile(
    builder: ir.IRBuilder,
    division: Division,
    moved: list[Any],
    count: Any,
    inside: Callable[[list[Any]], None],
) -> None:
    """`inside(offsets)` for all turns of a step."""
    if division.tiled is None:
        nest(builder, division.rest, moved, inside)
        return
    with counted(builder, INDEX(0), count) as turn:
        nest(builder, division.rest, moved_by(builder, moved, turn, division.tiled), inside)


def divided(
    builder: ir.IRBuilder,
    division: Division,
    offsets: list[Any],
    pieces: tuple[Any, Any],
    inside: Callable[[list[Any]], None],
) -> None:
    """`inside(offsets)` for every turn of the loops within these pieces, from the first up to before the second."""
    if division.pieces == 1:
        nest(builder, division.axes, offsets, inside)
        return
    with counted(builder, *bounds(builder, division, *pieces)) as index:
        over_tile(builder, division, *located(builder, division, index, offsets), inside)


def _parts(builder: ir.IRBuilder, index: Any, size: int, *, is_first: bool) -> tuple[Any, Any]:
    """The index of the loops outside, and within a loop of this size."""
    if is_first:
        return INDEX(0), index
    return builder.udiv(index, INDEX(size)), builder.urem(index, INDEX(size))


def moved_by(builder: ir.IRBuilder, offsets: Sequence[Any], index: Any, axis: Axis) -> list[Any]:
    """The offsets after so many steps along an axis."""
    return [
        offset if step == 0 else builder.add(offset, builder.mul(index, INDEX(step)))
        for offset, step in zip(offsets, axis.steps, strict=True)
    ]
