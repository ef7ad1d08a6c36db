"""What a program needs of memory, for people: how much, how little would do, and what holds it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...graph import Node
from .memory import Lifetime, fullest

LINES = 10
"""How many values a report lists."""


@dataclass(frozen=True)
class MemoryReport:
    """Bytes. `str` gives it as text, the largest values that are held at the fullest moment first."""

    peak: int
    """The block for all values in between."""
    lower_bound: int
    """The most bytes of values that live at once: no placement needs less."""
    held: tuple[tuple[Node, int], ...]
    """What lives at that moment, the largest first."""
    inputs: int
    """Arguments, parameters and buffers."""
    constants: int
    outputs: int
    """Results, and new values of parameters and buffers."""
    in_place: int
    """How much of that is written over the old values of parameters and buffers, where nobody else holds these."""
    scratch: int
    """What units need beside the block while they run, one after the other."""

    def __str__(self) -> str:
        over = f" ({_amount(self.in_place)} of them over inputs)" if self.in_place else ""
        lines = [
            f"{_amount(self.peak)} for values in between; {_amount(self.lower_bound)} live at the fullest moment",
            f"{_amount(self.inputs)} inputs, {_amount(self.outputs)} outputs{over}, "
            f"{_amount(self.constants)} constants",
        ]
        if self.scratch:
            lines.append(f"{_amount(self.scratch)} for units while they run")
        for node, size in self.held[:LINES]:
            lines.append(
                f"  {_amount(size):>10}  {node.op.name} {node.dtype}{list(node.shape)} at {node.place}"
            )
        rest = self.held[LINES:]
        if rest:
            lines.append(f"  {_amount(sum(size for _, size in rest)):>10}  {len(rest)} others")
        return "\n".join(lines)


def memory_report(
    nodes: Sequence[Node],
    lifetimes: list[Lifetime],
    peak: int,
    inputs: Sequence[Node],
    constants: Sequence[Node],
    outputs: Sequence[Node],
    in_place: Sequence[Node],
    scratch: int,
) -> MemoryReport:
    """The report on a plan for the values of `nodes`."""
    least, when = fullest(lifetimes)
    living = [
        (node, lifetime.size)
        for node, lifetime in zip(nodes, lifetimes, strict=True)
        if lifetime.first <= when <= lifetime.last
    ]
    living.sort(key=lambda held: -held[1])
    given, fixed, made, over = (sum(map(size_of, n)) for n in (inputs, constants, outputs, in_place))
    return MemoryReport(peak, least, tuple(living), given, fixed, made, over, scratch)


def size_of(node: Node) -> int:
    """The bytes of a node's value."""
    return math.prod(node.shape) * node.dtype.itemsize


def _amount(size: int) -> str:
    """
    >>> _amount(5), _amount(3 << 20)
    ('5 B', '3.0 MiB')
    """
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
