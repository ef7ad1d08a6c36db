"""The work in a compiled function: operations and bytes, unit by unit and in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .table import Report, amount, counted, plural, table
from .units import UnitList, UnitReport, unit_reports

if TYPE_CHECKING:
    from ..runtime.planning import Planning

MOST_ROWS = 40
"""How many groups of units a table shows."""


@dataclass(frozen=True, repr=False)
class Cost(Report):
    """What one call takes; print it for a table, with units that do the same work in one row.

    Bytes count what units read from memory and write to it, each value once per unit; what is still in a cache when it
    is read again does not go through memory in fact.
    """

    units: UnitList

    @property
    def flops(self) -> float:
        """Floating-point operations of all units that say how many they take."""
        return sum(unit.flops or 0 for unit in self.units)

    @property
    def read(self) -> int:
        """Bytes that units read from memory."""
        return sum(unit.read for unit in self.units)

    @property
    def written(self) -> int:
        """Bytes that units write to memory."""
        return sum(unit.written for unit in self.units)

    @property
    def bytes(self) -> int:
        """Bytes read and written."""
        return self.read + self.written

    @property
    def uncounted(self) -> tuple[UnitReport, ...]:
        """The units whose operations are not known."""
        return tuple(unit for unit in self.units if unit.flops is None)

    def __str__(self) -> str:
        groups = sorted(grouped(self.units), key=lambda group: -sum(_weight(unit) for unit in group))
        rows = [_row(group) for group in groups[:MOST_ROWS]]
        rest = [unit for group in groups[MOST_ROWS:] for unit in group]
        if rest:
            rows.append(["", "others", "", *_row(rest)[3:-1], ""])
        rows.append(["", "all", "", *_row(self.units)[3:-1], ""])
        text = table(["kind", "over", "ops", " times", " work", " read", " written", "from"], rows)
        if self.uncounted:
            ops = counted(name for unit in self.uncounted for name in unit.ops)
            text += f"\nwithout the work of {plural(len(self.uncounted), 'unit')} that do not say how much it is: {ops}"
        return text


def cost(planning: Planning) -> Cost:
    """What one call of a program of machine code takes."""
    return Cost(unit_reports(planning))


def grouped(units: Sequence[UnitReport]) -> list[list[UnitReport]]:
    """The units that do the same work together, in the order of the first of each."""
    groups: dict[Any, list[UnitReport]] = {}
    for unit in units:
        groups.setdefault((unit.what, unit.ops, unit.flops, unit.bytes), []).append(unit)
    return list(groups.values())


def _weight(unit: UnitReport) -> float:
    return (unit.flops or 0) + unit.bytes


def _row(units: Sequence[UnitReport]) -> list[str]:
    work = [unit.flops for unit in units]
    return [
        units[0].kind if units else "",
        f"{units[0].dtype}{list(units[0].shape)}" if units else "",
        counted(units[0].ops) if units else "",
        str(len(units)),
        amount(None if work and set(work) == {None} else sum(filter(None, work)), "FLOP"),
        amount(sum(unit.read for unit in units), "B"),
        amount(sum(unit.written for unit in units), "B"),
        ", ".join(dict.fromkeys(line for unit in units for line in unit.lines)),
    ]
