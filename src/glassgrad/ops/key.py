"""Keys: index expressions with their arrays taken out, so that what remains can be a static parameter of an op."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, DTypeError, GraphError, ShapeError
from ..graph.loops import Chosen, seen_as
from ..tensor import Tensor, asarray
from .stacks import aligned

Item = Any  # an int, None, Ellipsis, ("slice", start, stop, step) or ARRAY
ARRAY = "array"
"""In a key: the place of the next index array."""


class Key(NamedTuple):
    """An index expression with its arrays taken out: hashable, so that it can be a static parameter of an op."""

    items: tuple[Item, ...]

    def __str__(self) -> str:
        return f"[{', '.join(map(_item_text, self.items))}]"

    def restore(self, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        """The index expression for NumPy, with `arrays` back in their places."""
        remaining = iter(arrays)
        return tuple(
            next(remaining) if item == ARRAY else slice(*item[1:]) if isinstance(item, tuple) else item
            for item in self.items
        )

    def before_arrays(self, ndim: int) -> int | None:
        """How many axes of the result come before those of the index arrays, which stand for one block of axes.

        None if something between the arrays parts them: NumPy then puts their block first. `ndim` is the number of
        axes of the indexed tensor.
        """
        chosen = [i for i, item in enumerate(self.items) if item == ARRAY or isinstance(item, int)]
        if chosen[-1] - chosen[0] >= len(chosen):
            return None
        rest = ndim - sum(1 for item in self.items if item is not None and item is not Ellipsis)
        return sum(rest if item is Ellipsis else 1 for item in self.items[: chosen[0]])

    def chosen(self, shape: tuple[int, ...]) -> Chosen:
        """What the index arrays choose from a tensor of this shape, for code generators."""
        rest = len(shape) - sum(1 for item in self.items if item is not None and item is not Ellipsis)
        axes, axis = [], 0
        for item in self.items:
            if item == ARRAY:
                axes.append(axis)
            axis += rest if item is Ellipsis else 0 if isinstance(item, int) else 1
        items = Key(tuple(ALL if item == ARRAY else item for item in self.items)).restore(())
        whole = items if any(item is Ellipsis for item in items) else (*items, ...)
        viewed = np.broadcast_to(np.int8(0), shape)[whole].shape
        at = (self.before_arrays(len(shape)) or 0) if axes else 0
        return Chosen(seen_as(operator.itemgetter(whole)), viewed, tuple(axes), at)


class StackedKey(NamedTuple):
    """A key for a stack of tensors, or with stacks of index arrays, and how its result is arranged."""

    key: Key
    arrays: tuple[Tensor, ...]
    block: int
    """How many axes the block of the index arrays has, without that of the stack."""
    at: int
    """Where the axis of the stack is in the result."""
    before: int
    """How many axes should stand between the axis of the stack and the block, but stand after the block."""

    def order(self, ndim: int) -> tuple[int, ...]:
        """The order of the axes in which the members' results stand behind the axis of the stack."""
        rest = [a for a in range(ndim) if a != self.at]
        moved = rest[self.block : self.block + self.before]
        return (self.at, *moved, *(a for a in rest if a not in moved))

    def back(self, ndim: int) -> tuple[int, ...]:
        """The order that undoes `order`."""
        order = self.order(ndim)
        return tuple(order.index(a) for a in range(ndim))


ALL = ("slice", None, None, None)


def for_stacks(
    key: Key, ndim: int, x_is_stack: bool, batched: tuple[bool, ...], arrays: tuple[Tensor, ...], size: int
) -> StackedKey:
    """`key` for stacks of `size` members: of tensors with `ndim` axes, of some of the index arrays, or of both."""
    if not arrays:
        return StackedKey(Key((ALL, *key.items)), (), 0, 0, 0)
    before = key.before_arrays(ndim)
    if before is not None and not any(batched):
        return StackedKey(Key((ALL, *key.items)), arrays, 0, 0, 0)
    block = max(array.ndim - is_stack for array, is_stack in zip(arrays, batched, strict=True))
    if not x_is_stack:
        return StackedKey(key, tuple(aligned(batched, arrays)), 0, before or 0, 0)
    members = asarray(np.arange(size).reshape(size, *(1,) * block))
    return StackedKey(Key((ARRAY, *key.items)), (members, *aligned(batched, arrays)), block, 0, before or 0)


def _item_text(item: Item) -> str:
    if isinstance(item, tuple):
        start, stop, step = ("" if end is None else str(end) for end in item[1:])
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return "..." if item is Ellipsis else str(item)


def split_key(x: Tensor, key: Any) -> tuple[Key, list[Tensor]]:
    """An index expression as a hashable key and its index arrays."""
    items: list[Item] = []
    arrays: list[Tensor] = []
    given = [_plain_or_tensor(item) for item in (key if isinstance(key, tuple) else (key,))]
    axis = 0
    for position, item in enumerate(given):
        if isinstance(item, Tensor):
            found = _positions(item, x, axis) if item.dtype.kind == "b" else [item]
            items += [ARRAY] * len(found)
            arrays += found
        elif isinstance(item, slice):
            items.append(("slice", *_slice_ends(item)))
        else:
            items.append(item)
        axis = (
            x.ndim - sum(map(_axes_of, given[position + 1 :])) if item is Ellipsis else axis + _axes_of(item)
        )
    return Key(tuple(items)), arrays


INDEX_RULE = "an index must be an integer, a slice, None, ... or a tensor of integers or booleans"


def _plain_or_tensor(item: Any) -> Any:
    """One item of an index expression: None, `...`, a slice, an int, or a tensor of integers or booleans."""
    if item is None or item is Ellipsis or isinstance(item, slice):
        return item
    if isinstance(item, int | np.integer) and not isinstance(item, bool):
        return int(item)
    if isinstance(item, str | float):
        hint = ". // divides to a whole number" if isinstance(item, float) else ""
        raise DTypeError(f"{INDEX_RULE}; got {item!r}{hint}")
    array = asarray(np.zeros(0, np.int64)) if isinstance(item, list) and not item else asarray(item)
    if array.dtype.kind not in "iub" or (array.dtype.kind == "b" and not array.ndim):
        got = f"{array.dtype}" if array.ndim or array.dtype.kind != "b" else "a single boolean"
        hint = ". gg.astype(index, gg.int64) converts" if array.dtype.kind == "f" else ""
        raise DTypeError(f"{INDEX_RULE}; got {got}{hint}")
    return array


def _axes_of(item: Any) -> int:
    """How many axes of the indexed tensor an item of the index expression is about."""
    if item is None or item is Ellipsis:
        return 0
    return item.ndim if isinstance(item, Tensor) and item.dtype.kind == "b" else 1


def _slice_ends(item: slice) -> list[int | None]:
    """Start, stop and step of a slice as Python integers."""
    found: list[int | None] = []
    for end in (item.start, item.stop, item.step):
        try:
            found.append(None if end is None else operator.index(end))
        except TypeError:
            raise DTypeError(f"the ends and the step of a slice must be integers; got {end!r}") from None
    if found[2] == 0:
        raise ArgumentError("the step of a slice must not be 0")
    return found


def _positions(mask: Tensor, x: Tensor, axis: int) -> list[Tensor]:
    """A mask over the axes of x from `axis` on, as the positions where it is true, one index array per axis."""
    if mask.value is None:
        raise GraphError(
            "a boolean mask selects a number of elements that is not known here: use gg.where instead"
        )
    if mask.shape != x.shape[axis : axis + mask.ndim]:
        raise ShapeError(
            f"a boolean index must have the shape of the axes it selects from; got a mask of shape {mask.shape} "
            f"at axis {axis} of a tensor of shape {x.shape}"
        )
    return [asarray(positions) for positions in np.nonzero(mask.value)]


def why_index_fails(key: Key, x: Any, indices: Any, problem: str = "") -> str:
    """The message for a key that does not fit x, whose index arrays may be known by their shapes alone."""
    used = sum(1 for item in key.items if item is not None and item is not Ellipsis)
    if used > len(x.shape):
        return f"index has {used} positions, but the tensor has {len(x.shape)} axes (shape {tuple(x.shape)})"
    found = _outside(key, x, indices)
    if found is None:
        return f"index does not fit shape {tuple(x.shape)}: {problem or 'a position is out of range'}"
    axis, position = found
    allowed = f"{-x.shape[axis]} to {x.shape[axis] - 1}" if x.shape[axis] else "none, because it has size 0"
    return f"index {position} is out of range on axis {axis} of a tensor of shape {tuple(x.shape)}; allowed: {allowed}"


def _outside(key: Key, x: Any, indices: Any) -> tuple[int, int] | None:
    """The first axis on which a position is out of range, and that position."""
    arrays, axis = iter(indices), 0
    for item in key.items:
        if item is None:
            continue
        if item is Ellipsis:
            axis += len(x.shape) - sum(
                1 for other in key.items if other is not None and other is not Ellipsis
            )
            continue
        given = next(arrays) if item == ARRAY else item
        if isinstance(given, int | np.ndarray):  # not a slice, and not an array of unknown values
            positions, size = np.atleast_1d(given), x.shape[axis]
            wrong = positions[(positions < -size) | (positions >= size)]
            if wrong.size:
                return axis, int(wrong[0])
        axis += 1
    return None
