"""Where index arrays lead: what of it is known while compiling, and what has to be read at each step.

Many index arrays are constants that count up, such as the rows of `log_probability[range(n), labels]`. To a program
they are no arrays, but strides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..graph import Node
from ..graph.loops import Chosen, Scattered, Strides, View

if TYPE_CHECKING:
    from .homes import Place


@dataclass(frozen=True)
class Pointer:
    """An index array that is read."""

    node: Node
    place: Place
    strides: Strides
    """How far one moves in it along each axis of the result."""
    axis: int
    """The axis of the view that it replaces."""
    size: int
    """How many elements that axis has."""
    step: int
    """How far apart they lie."""
    checked: bool
    """Whether it can be out of range."""

    @property
    def key(self) -> Any:
        """What code depends on, but for where it lies."""
        return self.node.dtype.name, self.strides, self.axis, self.size, self.step, self.checked


@dataclass(frozen=True)
class Reach:
    """The places that index arrays choose: from an offset on, with strides along the axes of the result, and pointers
    whose values times their steps are added."""

    shape: tuple[int, ...]
    offset: int
    strides: Strides
    pointers: tuple[Pointer, ...]
    along: Mapping[int, int]
    """For axes of the view where in the result they are: those that no array replaces, and those that a constant counts
    through from beginning to end, and it alone. No place is met twice on the way along one of them."""

    @property
    def is_known(self) -> bool:
        """Whether nothing has to be read, so that the result is a view."""
        return not self.pointers

    def order_of_marks(self, loops: Scattered, shape: tuple[int, ...]) -> list[int] | None:
        """If each place of a result gets at most one value: for its axes where among those of the values they are.

        -1 for an axis that is compared with a pointer. None if a place may get several values.
        """
        whole = 0, tuple(range(1, len(shape) + 1))
        pointed = {pointer.axis for pointer in self.pointers}
        led = set(self.along.values())
        if (
            loops.instruction not in ("add", "set")
            or loops.chosen.view.view(shape, whole) != whole
            or loops.chosen.shape != shape
            or len(self.along) + len(pointed) != len(shape)
            or any(size != 1 and axis not in led for axis, size in enumerate(self.shape))
        ):
            return None
        return [self.along.get(axis, -1) for axis in range(len(shape))]

    @property
    def checked(self) -> bool:
        """Whether an index can be out of range."""
        return any(pointer.checked for pointer in self.pointers)

    @property
    def key(self) -> Any:
        """What code depends on, but for the memories."""
        return self.shape, self.offset, self.strides, tuple(pointer.key for pointer in self.pointers)


def reach(
    chosen: Chosen,
    shape: tuple[int, ...],
    view: View,
    indices: Sequence[Node],
    places: Mapping[Node, Place],
    constants: Mapping[Node, Any],
) -> Reach:
    """What index arrays choose from a tensor of a shape that lies at `view`.

    places: where the index arrays lie; constants: the values of those that are known.
    """
    found = chosen.view.view(shape, view)
    assert found is not None  # slices make views
    offset, steps = found
    block = np.broadcast_shapes(*(node.shape for node in indices))
    others = [axis for axis in range(len(chosen.shape)) if axis not in chosen.axes]
    along = {a: place + (len(block) if place >= chosen.at else 0) for place, a in enumerate(others)}
    sizes = [chosen.shape[axis] for axis in others]
    sizes[chosen.at : chosen.at] = block
    strides = [0] * len(sizes)
    for axis, at in along.items():
        strides[at] = steps[axis]
    pointers, counted = [], {}
    for axis, node in zip(chosen.axes, indices, strict=True):
        size, step = chosen.shape[axis], steps[axis]
        lead = chosen.at + len(block) - node.ndim
        value = constants.get(node)
        known = None if value is None else _counting(value, size)
        if known is None:
            moves = dict(enumerate(places[node].strides, lead))
            follows = tuple(
                moves[at] if at in moves and node.shape[at - lead] > 1 else 0 for at in range(len(sizes))
            )
            checked = value is None or not _all_within(value, size)
            pointers.append(Pointer(node, places[node], follows, axis, size, step, checked))
            continue
        start, growth = known
        offset += start * step
        for place, number in enumerate(growth):
            strides[lead + place] += number * step
        moving = [place for place, number in enumerate(growth) if number]
        if start == 0 and len(moving) == 1 and growth[moving[0]] == 1 and node.shape[moving[0]] == size:
            counted[axis] = lead + moving[0]
    ways = list(counted.values())
    along |= {axis: at for axis, at in counted.items() if ways.count(at) == 1}
    return Reach(tuple(sizes), offset, tuple(strides), tuple(pointers), along)


def _all_within(value: Any, size: int) -> bool:
    return bool(value.size == 0 or -size <= value.min() <= value.max() < size)


def _counting(value: Any, size: int) -> tuple[int, list[int]] | None:
    """Where an index array starts and by how much it grows along each axis, if that is all there is to it."""
    if not value.size or not _all_within(value, size) or value.min() < 0 <= value.max():
        return None
    wide = value.astype(np.int64)
    start, growth = int(wide.flat[0]), []
    line = np.full((1,) * wide.ndim, start)
    for axis, count in enumerate(wide.shape):
        growth.append(int(wide.take(1, axis).flat[0]) - start if count > 1 else 0)
        line = line + np.expand_dims(
            growth[-1] * np.arange(count), [i for i in range(wide.ndim) if i != axis]
        )
    return (start + size if start < 0 else start, growth) if np.array_equal(line, wide) else None
