"""Why a compiled function is as it is: what the passes did, what is in which unit, and what could not be joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...graph import Graph, Node
from ..again import Again
from ..kernels import Units
from ..passes import PASSES
from .table import Report, counted, plural, shortened, table
from .units import UnitList, nodes_of, unit_reports

if TYPE_CHECKING:
    from ..runtime.planning import Planning

MOST_ROWS = 40
"""How many rows each part of an explanation shows."""


@dataclass(frozen=True, repr=False)
class PassReport(Report):
    """One pass: the graph before it and after."""

    name: str
    purpose: str
    before: Graph
    after: Graph

    @property
    def gone(self) -> dict[str, int]:
        """How many nodes of each op are no longer there; a negative number for those that came."""
        before, after = (Counter(node.op.name for node in graph.body) for graph in (self.before, self.after))
        return {
            name: before[name] - after[name]
            for name in sorted(
                before.keys() | after.keys(), key=lambda name: (after[name] - before[name], name)
            )
            if before[name] != after[name]
        }

    def __str__(self) -> str:
        return f"{self.name}: {self.sizes}. {self.purpose}"

    @property
    def sizes(self) -> str:
        """How many nodes there were, and are."""
        return f"{len(self.before.body):,} → {plural(len(self.after.body), 'node')}"

    @property
    def change(self) -> str:
        """What went and what came, by op."""
        return ", ".join(f"{'−' if n > 0 else '+'}{abs(n)} {name}" for name, n in self.gone.items())


@dataclass(frozen=True, repr=False)
class NotJoined(Report):
    """Ops of one unit that read what another made, and could not be computed in the same pass over memory."""

    unit: int
    producer: int
    reason: str
    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        ops = counted(node.op.name for node in self.nodes)
        return f"unit {self.unit} ({ops}) is not in unit {self.producer}: {self.reason}"


@dataclass(frozen=True, repr=False)
class Explanation(Report):
    """How a compiled function came to be what it is; print it to read."""

    name: str
    passes: tuple[PassReport, ...]
    units: UnitList
    not_joined: tuple[NotJoined, ...]
    again: tuple[Again, ...]
    """Values that are computed again where they are needed later, so that they need not be kept."""
    memory: Any

    @property
    def in_numpy(self) -> tuple[Any, ...]:
        """The units that NumPy runs."""
        return tuple(unit for unit in self.units if unit.why_numpy)

    def __str__(self) -> str:
        before, after = self.passes[0].before, self.passes[-1].after
        return "\n".join(
            [
                f"{self.name}: {plural(len(before.body), 'node')} traced, {len(after.body):,} after the passes, in "
                f"{plural(len(self.units), 'unit')}",
                *_part("passes", [_words(report) for report in self.passes]),
                *_part("units", str(self.units).splitlines()),
                *_part(
                    "not joined", _table_of(self.not_joined) or ["nothing: every op is with what it reads"]
                ),
                *_part(
                    "run by NumPy, between stretches of machine code",
                    [
                        f"unit {u.index}: {counted(u.ops)}: {u.why_numpy}, at {u.lines[0]}"
                        for u in self.in_numpy
                    ]
                    or ["nothing"],
                ),
                *(_part("computed again, not kept", _lines_of(self.again)) if self.again else []),
                *_part("memory", str(self.memory).splitlines()),
            ]
        )


def explanation(name: str, traced: Graph, planning: Planning) -> Explanation:
    """The explanation of a program of machine code that was made of the graph `traced`."""
    return Explanation(
        name,
        passes_over(traced),
        unit_reports(planning),
        tuple(_not_joined(planning.units)),
        tuple(planning.units.again),
        planning.memory,
    )


def passes_over(graph: Graph, passes: Sequence[Callable[[Graph], Graph]] = PASSES) -> tuple[PassReport, ...]:
    """What each pass makes of a graph, run once more.

    >>> import glassgrad as gg
    >>> x = gg.tensor(1.0, requires_grad=True)
    >>> for report in passes_over(gg.graph_of(gg.sin(x) + gg.sin(x)))[:4]: print(report.sizes, report.change)
    4 → 4 nodes
    4 → 4 nodes
    4 → 4 nodes
    4 → 3 nodes −1 sin
    """
    reports = []
    for run_pass in passes:
        after = run_pass(graph)
        purpose = (run_pass.__doc__ or "").strip().split("\n\n")[0]
        reports.append(PassReport(run_pass.__name__, " ".join(purpose.split()), graph, after))
        graph = after
    return tuple(reports)


def _not_joined(units: Units) -> list[NotJoined]:
    unit_of = {
        node: place for place, unit in reversed([*enumerate(units.units)]) for node in nodes_of(unit)
    }  # the first of several that compute it
    found: dict[tuple[int, int, str], list[Node]] = {}
    for node, obstacles in units.obstacles.items():
        makers = {units.kernel_of[source] for source in node.inputs if source in units.kernel_of}
        for kernel, reason in obstacles:
            if kernel in makers and kernel.index != unit_of[node]:
                found.setdefault((unit_of[node], kernel.index, reason), []).append(node)
    return [NotJoined(*key, tuple(nodes)) for key, nodes in sorted(found.items(), key=lambda item: item[0])]


def _table_of(found: Sequence[NotJoined]) -> list[str]:
    if not found:
        return []
    rows = [
        [
            str(one.unit),
            counted(node.op.name for node in one.nodes),
            str(one.producer),
            one.reason,
            one.nodes[0].place,
        ]
        for one in found[:MOST_ROWS]
    ]
    lines = table([" unit", "ops", " not in", "because", "at"], rows, widest=80).splitlines()
    rest = len(found) - MOST_ROWS
    return lines if rest <= 0 else [*lines, f"… and {plural(rest, 'other')}: explain().not_joined"]


def _lines_of(found: Sequence[Again]) -> list[str]:
    lines = [
        f"{one.node.op.name} {one.node.dtype}{list(one.node.shape)} in "
        f"{', '.join(f'unit {kernel.index}' for kernel in one.kernels)}, at {one.node.place}"
        for one in found[:MOST_ROWS]
    ]
    rest = len(found) - MOST_ROWS
    return lines if rest <= 0 else [*lines, f"… and {plural(rest, 'other')}: explain().again"]


def _words(report: PassReport) -> str:
    text = f"{report.name}: {report.sizes}"
    return f"{text} ({shortened(report.change, 80)})" if report.change else text


def _part(head: str, lines: Sequence[str]) -> list[str]:
    return ["", head, *(f"  {line}" for line in lines)]
