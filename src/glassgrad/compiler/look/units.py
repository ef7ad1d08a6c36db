"""What each unit of a compiled function does: its ops, the lines that made them, the work and the memory it touches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...graph import Node
from ...graph.loops import Gathered
from ..kernels import Alone, Assembly, Contraction, Fallback, Kernel, Unit, Units
from .flops import flops
from .table import Report, amount, counted, plural, table

if TYPE_CHECKING:
    from ..runtime.planning import Planning

MOST_ROWS = 60
"""How many units a table of them shows."""


NO_CODE = "there is no machine code for these shapes and dtypes"


@dataclass(frozen=True, repr=False)
class UnitReport(Report):
    """One unit: what it is, what it computes, and how much that is."""

    index: int
    """Its place in the program."""
    kind: str
    """"kernel" (one pass over memory), "product" (of matrices), "copies" (parts side by side), "own loops", "NumPy"."""
    shape: tuple[int, ...]
    """What it goes over; of other units than kernels, the shape of the result."""
    dtype: str
    nodes: tuple[Node, ...]
    """The nodes of `step.graph` that it computes."""
    flops: float | None
    """Floating-point operations; None where an op does not say."""
    read: int
    """Bytes of the values that it reads from memory, each once."""
    written: int
    """Bytes of the values that it writes to memory."""
    why_numpy: str = ""
    """Why NumPy runs it; "" if machine code does."""

    @property
    def bytes(self) -> int:
        """Read and written."""
        return self.read + self.written

    @property
    def ops(self) -> tuple[str, ...]:
        """The names of the ops."""
        return tuple(node.op.name for node in self.nodes)

    @property
    def lines(self) -> tuple[str, ...]:
        """The user's lines, `file:line`, that made the nodes, each once."""
        return tuple(dict.fromkeys(node.place for node in self.nodes))

    @property
    def what(self) -> str:
        """The unit in a few words."""
        return f"{self.kind} {self.dtype}{list(self.shape)}"

    def __str__(self) -> str:
        why = f"; {self.why_numpy}" if self.why_numpy else ""
        return (
            f"{self.index}: {self.what}: {counted(self.ops)}; {amount(self.flops, 'FLOP')}, "
            f"{amount(self.bytes, 'B')}{why}; from {', '.join(self.lines)}"
        )


class UnitList(Report, tuple[UnitReport, ...]):
    """The units in order."""

    __slots__ = ()

    def __str__(self) -> str:
        rows = [
            [
                str(unit.index),
                unit.kind,
                f"{unit.dtype}{list(unit.shape)}",
                counted(unit.ops),
                amount(unit.flops, "FLOP"),
                amount(unit.bytes, "B"),
                ", ".join(unit.lines),
            ]
            for unit in self[:MOST_ROWS]
        ]
        text = table([" unit", "kind", "over", "ops", " work", " memory", "from"], rows)
        rest = len(self) - MOST_ROWS
        return text if rest <= 0 else f"{text}\n… and {plural(rest, 'unit')} more: kernels[{MOST_ROWS}:]"


def unit_reports(planning: Planning) -> UnitList:
    """The units of a program of machine code."""
    units = planning.units
    return UnitList(_report(i, unit, units) for i, unit in enumerate(units.units))


def nodes_of(unit: Unit) -> list[Node]:
    """The nodes that a unit computes."""
    if isinstance(unit, Kernel):
        return unit.maps + unit.folds
    return unit.nodes if isinstance(unit, Alone) else [unit.node]


def _report(index: int, unit: Unit, units: Units) -> UnitReport:
    nodes = nodes_of(unit)
    written = [node for node in nodes if not isinstance(unit, Kernel) or node in units.stored]
    if isinstance(unit, Kernel):
        kind, shape = "kernel", unit.shape
    else:
        shape = unit.node.shape
        kind = {Contraction: "product", Assembly: "copies", Alone: "own loops", Fallback: "NumPy"}[type(unit)]
    why = units.by_numpy.get(unit.node, NO_CODE) if isinstance(unit, Fallback) else ""
    work = [flops(node) for node in nodes]
    return UnitReport(
        index,
        kind,
        shape,
        nodes[-1].dtype.name,
        tuple(nodes),
        None if None in work else sum(filter(None, work)),
        _bytes_read(nodes, unit, units),
        sum(math.prod(node.shape) * node.dtype.itemsize for node in written),
        why,
    )


def _bytes_read(nodes: list[Node], unit: Unit, units: Units) -> int:
    """The bytes of all that a unit reads; an element that is broadcast counts once."""
    inside: set[Node] = unit.members if isinstance(unit, Kernel) else set()
    read: dict[Any, int] = {}
    for node in nodes:
        for place, source in enumerate(node.inputs):
            if source in inside:
                continue
            where = units.places[source]
            elements = math.prod(
                size for size, step in zip(source.shape, where.strides, strict=True) if step or not size
            )
            if place == 0 and isinstance(units.loops[node], Gathered):
                elements = min(elements, math.prod(node.shape))
            seen = where, source.shape
            read[seen] = max(read.get(seen, 0), elements * source.dtype.itemsize)
    return sum(read.values())
