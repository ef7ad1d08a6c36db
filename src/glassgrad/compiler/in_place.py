"""New values of parameters and buffers that are written over the old ones.

Assumes units in their final order. Guarantees that when a value is written its old one has been read by everybody who
reads it: by units before, or at the same element of the same kernel. And that nothing which can fail comes after the
first such write, so that a call that fails leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Node
from .kernels import Alone, Fallback, Kernel, Place, Unit, Units, contiguous


def write_in_place(units: Units, updates: Sequence[tuple[Node, Node]]) -> list[tuple[Node, Node]]:
    """Let outputs lie in the memory of inputs where that can be; which do.

    updates: outputs, and the inputs, all different, of the same shape and dtype, that they are the next values of. None
    can where NumPy runs an op or orders a result, because only a call that is machine code from beginning to end can be
    sure that nobody sees the memory meanwhile (`runtime/entrance.py`).
    """
    if any(isinstance(unit, Fallback) for unit in units.units) or not all(
        map(units.is_plain, units.graph.outputs)
    ):
        return []
    last_failure = max((place for place, unit in enumerate(units.units) if can_fail(unit, units)), default=-1)
    readers = _readers(units)
    outputs = [units.places[node].owner for node in units.graph.outputs]
    found = []
    for after, before in updates:
        kernel = units.kernel_of.get(after)
        if (
            kernel is not None
            and kernel.index > last_failure
            and units.places[after] == Place(after, 0, contiguous(after.shape))
            and outputs.count(after) == 1
            and before not in outputs
            and readers.get(before, -1) <= kernel.index
            and _reads_along(kernel, before, units)
        ):
            found.append((after, before))
    owners = dict(found)
    for node, place in units.places.items():
        if place.owner in owners:
            units.places[node] = Place(owners[place.owner], place.offset, place.strides)
    units.stored.difference_update(owners.keys())
    units.stored.update(owners.values())
    return found


def can_fail(unit: Unit, units: Units) -> bool:
    """Whether an index can turn out to be out of range."""
    return any(units.is_checked(node) for node in nodes_of(unit))


def nodes_of(unit: Unit) -> list[Node]:
    """All that a unit computes."""
    if isinstance(unit, Kernel):
        return unit.maps + unit.folds
    return unit.nodes if isinstance(unit, Alone) else [unit.node]


def _readers(units: Units) -> dict[Node, int]:
    """For each memory the last unit that reads it."""
    return {
        units.places[source].owner: place
        for place, unit in enumerate(units.units)
        for node in nodes_of(unit)
        for source in node.inputs
    }


def _reads_along(kernel: Kernel, memory: Node, units: Units) -> bool:
    """Whether a kernel reads of a memory only the element that it is at."""
    for node in nodes_of(kernel):
        for source in node.inputs:
            place = units.places[source]
            if place.owner is not memory:
                continue
            steps = zip(place.strides, contiguous(kernel.shape), kernel.shape, strict=False)
            if (
                node in units.indexed
                or source.shape != kernel.shape
                or any(size > 1 and own != step for own, step, size in steps)
            ):
                return False
    return True
