"""A sum of values that are zero but for one part each becomes one value, put together from the parts.

The gradient of a tensor that was cut into pieces is such a sum. Assumes a part is a box of the whole, with all elements
between its corners. Guarantees the same values, but for the sign of zero; parts that overlap stay apart. Stops
because it is one pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from ...graph import Aval, Graph, Node, Op
from ...graph.loops import Assembled, seen_as
from ...graph.static import static
from .rewrite import loops_of, reshaped
from .sums import regrouped

Box = tuple[tuple[int, int], ...]
"""Along each axis the first index and the one after the last."""

MOST_CELLS = 1 << 20
"""Boxes whose faces cut the whole into more cells than this are not compared."""

MOST_GROUPS = 8
"""Among how many assemblies a place is looked for."""


@static
class Assemble(Op):
    """The inputs in boxes of a result that is zero elsewhere."""

    boxes: tuple[Box, ...]
    new_shape: tuple[int, ...]
    fills: bool
    """Whether the boxes leave anything free."""

    formula = "out[box i] = input i, 0 elsewhere"

    def shape(self, *inputs: Aval) -> Aval:
        """The whole."""
        return Aval(self.new_shape, inputs[0].dtype)

    def forward(self, *arrays: Any) -> Any:
        """The inputs copied into zeros."""
        whole = np.zeros(self.new_shape, arrays[0].dtype)
        for box, array in zip(self.boxes, arrays, strict=True):
            whole[_key(box)] = array
        return whole

    def loops(self, *inputs: Aval) -> Assembled:
        """The copies."""
        return Assembled(tuple(seen_as(itemgetter((*_key(box), ...))) for box in self.boxes), self.fills)


def assemble_parts(graph: Graph) -> Graph:
    """Sums of values that are zero but for one part become assemblies."""
    return regrouped(graph, _merged)


def _merged(addition: Node, terms: Sequence[Node], shared: set[Node]) -> list[Node] | None:
    parts: dict[Box, Node] = {}
    at_box: dict[Box, list[Node]] = {}
    merged: list[Node] = []
    for term in terms:
        box = _box_of(term)
        if box is None:
            merged.append(term)
            continue
        (inside,) = term.inputs
        at_box.setdefault(box, []).append(term)
        # where the whole was indexed by a number, the part lacks an axis
        inside = reshaped(inside, tuple(stop - start for start, stop in box))
        parts[box] = _added(addition, parts[box], inside) if box in parts else inside
    wholes = _apart(addition.shape, list(parts))
    if wholes is None or len(wholes) == sum(map(len, at_box.values())):
        return None
    for boxes, fills in wholes:
        if len(boxes) == len(at_box[boxes[0]]) == 1:
            merged += at_box[boxes[0]]
            continue
        op = Assemble(tuple(boxes), addition.shape, fills)
        sources = tuple(parts[box] for box in boxes)
        merged.append(Node(op, sources, addition.shape, addition.dtype, False, addition.origin))
    return merged


def _added(addition: Node, first: Node, second: Node) -> Node:
    """The sum of two parts of one box."""
    return Node(addition.op, (first, second), first.shape, first.dtype, False, addition.origin)


def _box_of(node: Node) -> Box | None:
    """Where the one part of a value that is zero elsewhere lies; None if this is no such value."""
    if len(node.inputs) != 1 or 0 in node.shape:
        return None
    (source,) = node.inputs
    loops = loops_of(node)
    if not isinstance(loops, Assembled) or not loops.fills or source.dtype != node.dtype or 0 in source.shape:
        return None
    steps = _steps(node.shape)
    view = loops.parts[0].view(node.shape, (0, steps))
    if view is None:
        return None
    start, strides = view
    sizes = dict.fromkeys(range(len(steps)), 1)
    axes = iter(range(len(steps)))
    for size, stride in zip(source.shape, strides, strict=True):
        if size > 1:  # the next axis of the whole along which it lies
            axis = next((axis for axis in axes if steps[axis] == stride and node.shape[axis] > 1), None)
            if axis is None:
                return None
            sizes[axis] = size
    corner = np.unravel_index(start, node.shape)
    return tuple((int(first), int(first) + size) for first, size in zip(corner, sizes.values(), strict=True))


def _apart(shape: tuple[int, ...], boxes: Sequence[Box]) -> list[tuple[list[Box], bool]] | None:
    """Boxes that do not overlap, together, and whether they leave anything free. None if there are too many cells."""
    faces = [sorted({0, size}.union(*(box[axis] for box in boxes))) for axis, size in enumerate(shape)]
    cells = [len(places) - 1 for places in faces]
    if math.prod(cells) > MOST_CELLS:
        return None
    numbers = [{place: number for number, place in enumerate(places)} for places in faces]
    groups: list[tuple[list[Box], Any]] = []
    for box in boxes:
        key = tuple(slice(n[start], n[stop]) for n, (start, stop) in zip(numbers, box, strict=True))
        group = next((group for group in groups[-MOST_GROUPS:] if not group[1][key].any()), None)
        if group is None:
            group = [], np.zeros(cells, bool)
            groups.append(group)
        group[0].append(box)
        group[1][key] = True
    return [(members, not taken.all()) for members, taken in groups]


def _key(box: Box) -> tuple[slice, ...]:
    return tuple(slice(start, stop) for start, stop in box)


def _steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """How many elements lie between neighbours along each axis, where all lie one after the other."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
