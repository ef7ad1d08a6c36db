"""A sum of values that are zero but for one part each becomes one value, put together from the parts.

The gradient of a tensor that was cut into pieces is such a sum. Assumes a part is a box of the whole, with all elements
between its corners. Guarantees the same values, but for the sign of zero; parts that overlap are added as before. Stops
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
from .sums import regrouped

Box = tuple[tuple[int, int], ...]
"""Along each axis the first index and the one after the last."""

MOST_CELLS = 1 << 20
"""Boxes whose faces cut the whole into more cells than this are not compared."""


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
    others: list[Node] = []
    padded = 0
    for term in terms:
        box = _box_of(term)
        if box is None:
            others.append(term)
            continue
        (inside,) = term.inputs
        padded += 1
        parts[box] = _added(addition, parts[box], inside) if box in parts else inside
    if padded < 2:
        return None
    cover = _cover(addition.shape, list(parts))
    if cover is None:
        return None
    op = Assemble(tuple(parts), addition.shape, not cover)
    whole = Node(op, tuple(parts.values()), addition.shape, addition.dtype, False, addition.origin)
    return [*others, whole]


def _added(addition: Node, first: Node, second: Node) -> Node:
    """The sum of two parts of one box."""
    return Node(addition.op, (first, second), first.shape, first.dtype, False, addition.origin)


def _box_of(node: Node) -> Box | None:
    """Where the one part of a value that is zero elsewhere lies; None if this is no such value."""
    if len(node.inputs) != 1 or 0 in node.shape:
        return None
    (source,) = node.inputs
    loops = node.op.loops(Aval(source.shape, source.dtype))
    if (
        not isinstance(loops, Assembled)
        or not loops.fills
        or source.dtype != node.dtype
        or len(source.shape) != len(node.shape)
        or 0 in source.shape
    ):
        return None
    steps = _steps(node.shape)
    view = loops.parts[0].view(node.shape, (0, steps))
    if view is None:
        return None
    start, strides = view
    pairs = zip(strides, steps, source.shape, strict=True)
    if any(stride != step for stride, step, size in pairs if size > 1):
        return None
    corner = np.unravel_index(start, node.shape)
    return tuple((int(first), int(first) + size) for first, size in zip(corner, source.shape, strict=True))


def _cover(shape: tuple[int, ...], boxes: Sequence[Box]) -> bool | None:
    """Whether the boxes leave nothing free; None if two of them overlap, or there are too many cells to tell."""
    faces = [sorted({0, size}.union(*(box[axis] for box in boxes))) for axis, size in enumerate(shape)]
    cells = [len(places) - 1 for places in faces]
    if math.prod(cells) > MOST_CELLS:
        return None
    taken = np.zeros(cells, bool)
    numbers = [{place: number for number, place in enumerate(places)} for places in faces]
    for box in boxes:
        key = tuple(slice(n[start], n[stop]) for n, (start, stop) in zip(numbers, box, strict=True))
        if taken[key].any():
            return None
        taken[key] = True
    return bool(taken.all())


def _key(box: Box) -> tuple[slice, ...]:
    return tuple(slice(start, stop) for start, stop in box)


def _steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """How many elements lie between neighbours along each axis, where all lie one after the other."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
