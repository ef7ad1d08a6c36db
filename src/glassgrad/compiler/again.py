"""Values that are computed again where they are needed much later, instead of being kept in memory until then.

Assumes units in their final order. Guarantees that what is computed again is the same formula of the same values, and
so the same bits; that whatever it is computed from lies in memory then anyway; and that the most bytes that live at
once become fewer, because only values that live at that moment are looked at. Stops because every round takes at least
one value out of memory, and there are few rounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..graph import Leaf, Node
from ..graph.loops import Map
from .in_place import nodes_of
from .kernels import MOST, Kernel, Units
from .llvm.estimate import MIDDLE, computing_time
from .runtime.memory import Lifetime, fullest
from .runtime.memory_report import size_of

ROUNDS = 4
"""How many fullest moments are looked at, each what the one before has left."""

SMALLEST = 100
"""Values of fewer bytes than one in so many of all that live at once stay where they are: at best in a near cache, from
where reading them is cheaper than computing them."""

DEAREST = 0.1
"""Nanoseconds, beyond those that reading and writing it would take, that it may cost to do without a byte."""


@dataclass(frozen=True)
class Again:
    """A value that is no longer in memory, and the kernels that compute it again."""

    node: Node
    kernels: tuple[Kernel, ...]


def compute_again(units: Units) -> list[Again]:
    """Let kernels compute values that other kernels have computed before, where that is cheap and saves memory."""
    found: list[Again] = []
    for _ in range(ROUNDS):
        uses = _Uses(units)
        lifetimes = [Lifetime(size_of(n), units.written[n], uses.last[n]) for n in uses.kept]
        most, when = fullest(lifetimes)
        living = [
            node
            for node, life in zip(uses.kept, lifetimes, strict=True)
            if life.first <= when <= life.last and life.size * SMALLEST >= most
        ]
        before = len(found)
        for node in sorted(living, key=lambda node: node.serial):
            kernels = uses.without(node)
            if kernels:
                found.append(Again(node, kernels))
        if len(found) == before:
            break
    return found


class _Uses:
    """Who reads what is in memory, and until when that is there."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.readers: dict[Node, list[tuple[int, Node, Node]]] = {}
        """For each memory the units that read it, the nodes in them, and as what these see it."""
        for place, unit in enumerate(units.units):
            inside = unit.members if isinstance(unit, Kernel) else set()
            for node in nodes_of(unit):
                for source in node.inputs:
                    if source not in inside or node in units.indexed:
                        owner = units.places[source].owner
                        self.readers.setdefault(owner, []).append((place, node, source))
        given = {*units.graph.inputs, *(units.places[node].owner for node in units.graph.outputs)}
        self.kept = [n for n in units.graph.body if n in units.stored and n not in given and not _is_leaf(n)]
        """The memories of a call's own."""
        self.last = {node: max((r[0] for r in self.readers.get(node, ())), default=-1) for node in units.born}
        for node in self.kept:
            self.last[node] = max(self.last[node], units.born[node])

    def without(self, node: Node) -> tuple[Kernel, ...]:
        """Let every reader of a value compute it again. The kernels that do; none if that cannot be, or is dear."""
        units = self.units
        maker = units.kernel_of.get(node)
        if maker is None or units.places[node].owner is not node:
            return ()
        plans: dict[int, list[Node]] = {}
        for place, reader, seen in self.readers.get(node, ()):
            kernel = units.units[place]
            if not isinstance(kernel, Kernel) or seen is not node or reader in units.indexed:
                return ()
            if place not in plans:
                steps = self._steps(node, maker, kernel)
                if not steps or len(kernel.maps) + len(steps) > MOST:
                    return ()
                plans[place] = steps
        if not plans or self._nanoseconds(node, plans) > DEAREST * size_of(node):
            return ()
        units.stored.discard(node)
        kernels = []
        for place, steps in plans.items():
            kernel = units.units[place]
            assert isinstance(kernel, Kernel)
            self._add(kernel, place, steps)
            kernels.append(kernel)
        return tuple(kernels)

    def _steps(self, node: Node, maker: Kernel, kernel: Kernel) -> list[Node]:
        """What a kernel has to compute for a value that it reads; nothing if it cannot."""
        if kernel.shape != maker.shape:
            return []
        steps: list[Node] = []
        waiting = [node]
        while waiting:
            step = waiting.pop()
            if step in kernel.members or step in steps:
                continue
            if not isinstance(self.units.loops[step], Map) or step in self.units.indexed:
                return []
            steps.append(step)
            for source in step.inputs:
                owner = self.units.places[source].owner
                if source in maker.members and owner not in self.units.stored:
                    waiting.append(source)
                elif not _is_constant(owner, self.units) and self.last.get(owner, -1) < kernel.index:
                    return []
            if len(steps) > MOST:
                return []
        return steps

    def _nanoseconds(self, node: Node, plans: dict[int, list[Node]]) -> float:
        """What computing again takes, less what writing and reading would."""
        steps = [step for found in plans.values() for step in found]
        each = computing_time(_formulas(steps, self.units))
        return each * math.prod(node.shape) - MIDDLE * size_of(node) * (1 + len(plans))

    def _add(self, kernel: Kernel, place: int, steps: list[Node]) -> None:
        makers = self.units.kernel_of
        own = [node for node in kernel.maps if makers[node] is kernel]
        others = [node for node in kernel.maps if makers[node] is not kernel] + steps
        others.sort(key=lambda node: (makers[node].index, makers[node].maps.index(node)))
        kernel.maps[:] = others + own
        kernel.members.update(steps)
        for step in steps:
            for source in step.inputs:
                if source not in kernel.members:
                    owner = self.units.places[source].owner
                    self.readers.setdefault(owner, []).append((place, step, source))


def _formulas(steps: list[Node], units: Units) -> Iterator[tuple[Any, Any]]:
    for step in steps:
        loops = units.loops[step]
        assert isinstance(loops, Map)
        yield loops.formula, loops.dtype


def _is_leaf(node: Node) -> bool:
    return isinstance(node.op, Leaf)


def _is_constant(node: Node, units: Units) -> bool:
    return _is_leaf(node) and node not in units.graph.inputs
