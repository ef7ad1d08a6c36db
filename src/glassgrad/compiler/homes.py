"""Parts of a whole are written where they end up, so that joining them costs nothing.

A value that is one of the inputs of an assembly, as it is or seen in another shape, can be computed into the memory of
the assembly's result; a reshape that must copy is an assembly of one part. Assumes that the makers of such values
(kernels, products, assemblies) write with any strides. Guarantees that nobody who sees the value in another shape needs
a copy because of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..graph import Node
from ..graph.loops import Assembled, Folded, Loops, Map, Product, Rearranged, Strides, View, seen_as
from .llvm.contraction.problem import fits

SHORTEST_RUN = 8
"""How many elements at least must lie beside each other: writing fewer costs what copying them costs."""


@dataclass(frozen=True)
class Place:
    """Where a value lies: in the memory of a node's result, from an offset on, with strides in elements."""

    owner: Node
    offset: int
    strides: Strides


def homes(
    nodes: Sequence[Node], loops: Mapping[Node, Loops | None], outputs: Iterable[Node]
) -> dict[Node, Place]:
    """The values that are written into a larger one, and where. `nodes` in topological order."""
    copied = _copied(nodes, loops)
    wholes = [node for node in nodes if node in copied or _joins(node, loops)]
    found: dict[Node, Place] = {}
    if not wholes:
        return found
    readers: dict[Node, list[Node]] = {}
    for node in nodes:
        if isinstance(loops.get(node), Rearranged):
            readers.setdefault(node.inputs[0], []).append(node)
    kept = {_maker(node, loops) for node in outputs}

    def can_live_at(node: Node, view: View) -> bool:
        if node in found or node in kept or _shortest_run(node.shape, view[1]) < SHORTEST_RUN:
            return False
        description = loops.get(node)
        is_fold = isinstance(description, Folded) and description.axes != ()
        is_product = isinstance(description, Product) and fits(node)
        if not (isinstance(description, Map) or is_fold or is_product or _joins(node, loops)):
            return False
        return seen_without_copy(node, view)

    def seen_without_copy(node: Node, view: View) -> bool:
        """Whether all who see the value in another shape can see it at this place."""
        waiting = [(node, view)]
        while waiting:
            value, (offset, strides) = waiting.pop()
            for reader in readers.get(value, ()):
                description = loops[reader]
                assert isinstance(description, Rearranged)
                seen = description.view(value.shape, (offset, strides))
                if seen is None:
                    return False
                waiting.append((reader, seen))
        return True

    for whole in reversed(wholes):
        description = copied.get(whole) or loops[whole]
        assert isinstance(description, Assembled)
        place = found.get(whole) or Place(whole, 0, contiguous(whole.shape))
        for source, part in zip(whole.inputs, description.parts, strict=True):
            view = part.view(whole.shape, (place.offset, place.strides))
            maker, view = _traced_back(source, view, loops)
            if view is not None and can_live_at(maker, view):
                found[maker] = Place(place.owner, *view)
    return found


def in_order(source: Node) -> Assembled:
    """A copy of a value, one element after the other, as an assembly whose result has another shape."""
    return Assembled((seen_as(lambda array: np.reshape(array, source.shape, copy=False)),), False)


def _copied(nodes: Sequence[Node], loops: Mapping[Node, Loops | None]) -> dict[Node, Assembled]:
    """The rearrangements that no view of their input can be, as long as makers write in order, as assemblies."""
    views: dict[Node, View] = {}
    found = {}
    for node in nodes:
        description = loops.get(node)
        if not isinstance(description, Rearranged):
            continue
        (source,) = node.inputs
        seen = description.view(source.shape, views.get(source) or (0, contiguous(source.shape)))
        if seen is None:
            found[node] = in_order(source)
        else:
            views[node] = seen
    return found


def _joins(node: Node, loops: Mapping[Node, Loops | None]) -> bool:
    """Whether the node is put together from parts that leave nothing free."""
    description = loops.get(node)
    return (
        isinstance(description, Assembled)
        and not description.fills
        and all(source.dtype == node.dtype for source in node.inputs)
    )


def _maker(node: Node, loops: Mapping[Node, Loops | None]) -> Node:
    while isinstance(loops.get(node), Rearranged):
        (node,) = node.inputs
    return node


def _traced_back(
    node: Node, view: View | None, loops: Mapping[Node, Loops | None]
) -> tuple[Node, View | None]:
    """The node whose memory a value lies in, and where that lies if the value is at `view`."""
    while view is not None and isinstance(description := loops.get(node), Rearranged):
        (source,) = node.inputs
        view = _undone(description, source.shape, node.shape, view)
        node = source
    return node, view


def _undone(
    description: Rearranged, inner: tuple[int, ...], outer: tuple[int, ...], view: View
) -> View | None:
    """Where a value lies whose elements, rearranged, are at `view`; None if there is no such place."""
    if math.prod(inner) != math.prod(outer):
        return None
    plain = description.view(inner, (0, contiguous(inner)))
    if plain is None or plain[0] != 0:
        return None
    candidate: View | None
    if _same(plain[1], contiguous(outer), outer):
        candidate = seen_as(lambda array: np.reshape(array, inner, copy=False)).view(outer, view)
    else:
        steps = {a: b for a, b, size in zip(plain[1], view[1], outer, strict=True) if size > 1}
        candidate = view[0], tuple(steps.get(step, 0) for step in contiguous(inner))
    if candidate is None:
        return None
    again = description.view(inner, candidate)
    return (
        candidate if again is not None and again[0] == view[0] and _same(again[1], view[1], outer) else None
    )


def _same(first: Strides, second: Strides, shape: tuple[int, ...]) -> bool:
    """Whether two strides lead to the same elements."""
    return all(a == b for a, b, size in zip(first, second, shape, strict=True) if size > 1)


def _shortest_run(shape: tuple[int, ...], strides: Strides) -> int:
    """How many elements lie beside each other, everywhere; as many as there are if all do."""
    run = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size > 1:
            if stride != run:
                return run
            run *= size
    return max(run, SHORTEST_RUN)


def contiguous(shape: tuple[int, ...]) -> Strides:
    """The strides, in elements, of values that lie one after the other."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))
