"""Indexing: choosing elements by position, and putting elements at positions."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError, DTypeError, GraphError, ShapeError
from ..graph import Aval
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import as_dtype
from .families import Linear
from .shape import normalize_axis

__all__ = ["one_hot", "take", "take_along_axis"]

Item = Any  # an int, None, Ellipsis, ("slice", start, stop, step) or ARRAY
ARRAY = "array"
"""In a key: the place of the next index array."""


@dataclass(frozen=True)
class Key:
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


def _item_text(item: Item) -> str:
    if isinstance(item, tuple):
        start, stop, step = ("" if end is None else str(end) for end in item[1:])
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return "..." if item is Ellipsis else str(item)


@dataclass(frozen=True)
class Index(Linear):
    """x[key]: the elements at some positions. Inputs: x, then the index arrays of the key."""

    key: Key

    formula = "out = x[key]"
    pattern: ClassVar[str] = (
        "scatterer: the upstream gradient goes back to the chosen positions, zero elsewhere"
    )

    @property
    def saves(self) -> tuple[tuple[int, ...], ...]:
        """The index arrays."""
        return (tuple(range(1, 1 + self.key.items.count(ARRAY))),)

    def shape(self, x: Aval, *indices: Aval) -> Aval:
        # a tensor without memory of its own answers for the shape of any index expression
        hollow = np.broadcast_to(np.zeros((), x.dtype), x.shape)
        try:
            found = hollow[self.key.restore(tuple(np.zeros(i.shape, i.dtype) for i in indices))]
        except IndexError:
            raise ShapeError(_why_index_fails(self.key, x, indices)) from None
        return Aval(found.shape, x.dtype)

    def forward(self, x: Any, *indices: Any) -> Any:
        try:
            return x[self.key.restore(indices)]
        except IndexError as problem:
            raise ShapeError(_why_index_fails(self.key, x, indices, str(problem))) from None

    def transpose(self, g: Tensor, x: Tensor, *indices: Tensor) -> tuple[Tensor]:
        return (apply(IndexAdd(self.key, x.shape), g, *indices),)


@dataclass(frozen=True)
class IndexAdd(Linear):
    """Zeros of a shape with `values` added at the positions of a key: the transpose of `Index`."""

    key: Key
    new_shape: tuple[int, ...]

    formula = "out[key] += values, from zeros"
    pattern: ClassVar[str] = "gatherer: each value gets the upstream gradient of its position"

    @property
    def saves(self) -> tuple[tuple[int, ...], ...]:
        """The index arrays."""
        return (tuple(range(1, 1 + self.key.items.count(ARRAY))),)

    def shape(self, values: Aval, *indices: Aval) -> Aval:
        return Aval(self.new_shape, values.dtype)

    def forward(self, values: Any, *indices: Any) -> Any:
        result = np.zeros(self.new_shape, values.dtype)
        key = self.key.restore(indices)
        if indices:
            np.add.at(result, key, values)
        else:
            result[key] = values
        return result

    def transpose(self, g: Tensor, values: Tensor, *indices: Tensor) -> tuple[Tensor]:
        return (apply(Index(self.key), g, *indices),)


@dataclass(frozen=True)
class IndexSet(Linear):
    """x with `values` in the place of the elements at the positions of a key. Linear in x and values together."""

    key: Key

    linear_inputs: ClassVar[int | None] = 2
    formula = "out = x, then out[key] = values"
    pattern: ClassVar[str] = (
        "router: replaced positions send the upstream gradient to the values, the others to x"
    )

    @property
    def saves(self) -> tuple[tuple[int, ...], ...]:
        """The index arrays."""
        return (tuple(range(2, 2 + self.key.items.count(ARRAY))),) * 2

    def shape(self, x: Aval, values: Aval, *indices: Aval) -> Aval:
        place = Index(self.key).shape(x, *indices)
        try:
            fits = np.broadcast_shapes(place.shape, values.shape) == place.shape
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(
                f"x.at[...] selects shape {place.shape} of x {x.shape}; values of shape {values.shape} do not fit there"
            )
        return x

    def forward(self, x: Any, values: Any, *indices: Any) -> Any:
        result = x.copy()
        result[self.key.restore(indices)] = values
        return result

    def transpose(self, g: Tensor, x: Tensor, values: Tensor, *indices: Tensor) -> tuple[Tensor, Tensor]:
        from .families import unbroadcast

        kept = apply(self, g, asarray(np.zeros((), g.dtype)), *indices)
        return kept, unbroadcast(apply(Index(self.key), g, *indices), values)


def getitem(x: Tensor, key: Any) -> Tensor:
    """x[key] with NumPy's meaning: integers, slices, `...`, None, integer arrays and boolean masks.

    >>> getitem(gg.asarray([[1, 2], [3, 4]]), (slice(None), 0))
    tensor([1, 3])
    """
    static, arrays = split_key(x, key)
    return apply(Index(static), x, *arrays)


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


def _why_index_fails(key: Key, x: Any, indices: Any, problem: str = "") -> str:
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


@dataclass(frozen=True)
class At:
    """`x.at[index]`, which offers `.set(values)` and `.add(values)`; both return a new tensor."""

    x: Tensor
    key: Any = None

    def __getitem__(self, key: Any) -> At:
        return At(self.x, key)

    def set(self, values: Any) -> Tensor:
        """x with `values` at the index. If a position occurs twice, the last value stays.

        >>> import glassgrad as gg
        >>> gg.tensor([1.0, 2.0]).at[0].set(9.0)
        tensor([9., 2.])
        """
        key, arrays = split_key(self.x, self.key)
        return apply(IndexSet(key), self.x, _like(values, self.x), *arrays)

    def add(self, values: Any) -> Tensor:
        """x with `values` added at the index. If a position occurs twice, both values are added.

        >>> import glassgrad as gg
        >>> gg.tensor([1.0, 2.0]).at[gg.asarray([0, 0])].add(1.0)
        tensor([3., 2.])
        """
        from .shape import broadcast_to

        key, arrays = split_key(self.x, self.key)
        place = Index(key).shape(Aval(self.x.shape, self.x.dtype), *(Aval(a.shape, a.dtype) for a in arrays))
        spread = broadcast_to(_like(values, self.x), place.shape)
        return self.x + apply(IndexAdd(key, self.x.shape), spread, *arrays)


def _like(values: Any, x: Tensor) -> Tensor:
    from .shape import astype

    # a Python number is taken in x's dtype at once: by way of float32 it would lose digits beside float64
    return astype(values, x.dtype) if isinstance(values, Tensor) else asarray(values, x.dtype)


def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Tensor:
    """The elements of x at `indices` (integers of any shape) along `axis`; negative indices count from the end.

    Result shape: x.shape with the size of `axis` replaced by indices.shape. Raises ShapeError if out of range.

    >>> gg.take(gg.asarray([[1, 2, 3], [4, 5, 6]]), gg.asarray([0, 2]), axis=1)
    tensor([[1, 3],
            [4, 6]])
    """
    x = asarray(x)
    if axis is None:
        if x.ndim != 1:
            raise ArgumentError(f"take needs an axis for a tensor with {x.ndim} axes")
        axis = 0
    place = normalize_axis(axis, x.ndim, "take")
    return getitem(x, (slice(None),) * place + (_integers(indices, "take"),))


def _integers(indices: Any, name: str) -> Tensor:
    """`indices` as a tensor, or an error if they are not integers."""
    found = asarray(indices)
    if found.dtype.kind not in "iu":
        raise DTypeError(f"{name} needs integer indices; got {found.dtype} of shape {found.shape}")
    return found


def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Tensor:
    """Along `axis`, the element of x that `indices` (integers, as many axes as x) names, at every other position.

    >>> gg.take_along_axis(gg.asarray([[1, 2], [3, 4]]), gg.asarray([[1], [0]]), axis=1)
    tensor([[2],
            [3]])
    """
    x, indices = asarray(x), _integers(indices, "take_along_axis")
    if x.ndim != indices.ndim:
        raise ShapeError(
            f"take_along_axis needs indices with {x.ndim} axes; got shape {indices.shape} for x {x.shape}"
        )
    place = normalize_axis(axis, x.ndim, "take_along_axis")
    grid = [
        indices
        if i == place
        else asarray(np.arange(size).reshape([-1 if i == j else 1 for j in range(x.ndim)]))
        for i, size in enumerate(x.shape)
    ]
    return getitem(x, tuple(grid))


def one_hot(indices: Any, classes: int, /, *, dtype: Any = "float32") -> Tensor:
    """1 at the index and 0 elsewhere, on a new last axis of size `classes`. Without gradient.

    indices: integers in [0, classes). Raises ShapeError for one outside.

    >>> gg.one_hot(gg.asarray([1, 0]), 3)
    tensor([[0., 1., 0.],
            [1., 0., 0.]])
    """
    indices = _integers(indices, "one_hot")
    if indices.size and not (indices.numpy().min() >= 0 and indices.numpy().max() < classes):
        raise ShapeError(
            f"one_hot needs indices in [0, {classes}); got {indices.numpy().min()} .. {indices.numpy().max()}"
        )
    flat = np.zeros((math.prod(indices.shape), classes), as_dtype(dtype))
    flat[np.arange(len(flat)), indices.numpy().reshape(-1)] = 1
    return asarray(flat.reshape(*indices.shape, classes))
