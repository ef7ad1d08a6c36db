"""Indexing: choosing elements by position, and putting elements at positions."""

from __future__ import annotations

import math
from functools import cached_property
from operator import itemgetter
from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..graph import Aval, interned
from ..graph.loops import Assembled, Gathered, Rearranged, Scattered, seen_as
from ..graph.static import replaced, static
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import bool_
from .compare import equal, where
from .families import Linear, unbroadcast
from .key import ARRAY, Key, for_stacks, split_key, why_index_fails
from .shape import astype, broadcast_to, expand_dims, normalize_axis, permute_dims, reshape
from .stacks import stack_size

__all__ = ["one_hot", "take", "take_along_axis"]


@static
class Index(Linear):
    """x[key]: the elements at some positions. Inputs: x, then the index arrays of the key."""

    key: Key

    formula = "out = x[key]"
    pattern: ClassVar[str] = (
        "scatterer: the upstream gradient goes back to the chosen positions, zero elsewhere"
    )

    @cached_property
    def saves(self) -> tuple[tuple[int, ...], ...]:
        """The index arrays."""
        return (tuple(range(1, 1 + self.key.items.count(ARRAY))),)

    def shape(self, x: Aval, *indices: Aval) -> Aval:
        # a tensor without memory of its own answers for the shape of any index expression
        hollow = np.broadcast_to(np.zeros((), x.dtype), x.shape)
        try:
            found = hollow[self.key.restore(tuple(np.zeros(i.shape, i.dtype) for i in indices))]
        except IndexError:
            raise ShapeError(why_index_fails(self.key, x, indices)) from None
        return Aval(found.shape, x.dtype)

    def forward(self, x: Any, *indices: Any) -> Any:
        try:
            return x[self.key.restore(indices)]
        except IndexError as problem:
            raise ShapeError(why_index_fails(self.key, x, indices, str(problem))) from None

    def loops(self, x: Aval, *indices: Aval) -> Rearranged | Gathered:
        if indices:
            return Gathered(self.key.chosen(x.shape))
        items = self.key.restore(())
        items = items if Ellipsis in items else (*items, ...)
        return seen_as(lambda array: array[items])

    def transpose(self, g: Tensor, x: Tensor, *indices: Tensor) -> tuple[Tensor]:
        return (apply(interned(IndexAdd, self.key, x.shape), g, *indices),)

    def batch(self, batched: tuple[bool, ...], x: Tensor, *indices: Tensor) -> Tensor:
        size = stack_size(batched, (x, *indices))
        stacked = for_stacks(self.key, x.ndim - batched[0], batched[0], batched[1:], indices, size)
        found = apply(interned(Index, stacked.key), x, *stacked.arrays)
        return permute_dims(found, stacked.order(found.ndim))


@static
class IndexAdd(Linear):
    """Zeros of a shape with `values` added at the positions of a key: the transpose of `Index`."""

    key: Key
    new_shape: tuple[int, ...]

    formula = "out[key] += values, from zeros"
    pattern: ClassVar[str] = "gatherer: each value gets the upstream gradient of its position"

    @cached_property
    def saves(self) -> tuple[tuple[int, ...], ...]:
        """The index arrays."""
        return (tuple(range(1, 1 + self.key.items.count(ARRAY))),)

    def shape(self, values: Aval, *indices: Aval) -> Aval:
        return Aval(self.new_shape, values.dtype)

    def forward(self, values: Any, *indices: Any) -> Any:
        result = np.zeros(self.new_shape, values.dtype)
        try:
            if not indices:
                result[self.key.restore(())] = values
            elif len(indices) == len(self.key.items) and values.size:
                add_at(result, indices, values)
            else:
                np.add.at(result, self.key.restore(indices), values)
        except IndexError as problem:
            raise ShapeError(why_index_fails(self.key, result, indices, str(problem))) from None
        return result

    def loops(self, values: Aval, *indices: Aval) -> Assembled | Scattered:
        if indices:
            return Scattered(self.key.chosen(self.new_shape), "add", False)
        key = self.key.restore(())
        whole = key if any(item is Ellipsis for item in key) else (*key, ...)
        return Assembled((seen_as(itemgetter(whole)),), True)

    def transpose(self, g: Tensor, values: Tensor, *indices: Tensor) -> tuple[Tensor]:
        return (apply(interned(Index, self.key), g, *indices),)

    def batch(self, batched: tuple[bool, ...], values: Tensor, *indices: Tensor) -> Tensor:
        size = stack_size(batched, (values, *indices))
        if not batched[0]:
            values = broadcast_to(values, (size, *values.shape))
        stacked = for_stacks(self.key, len(self.new_shape), True, batched[1:], indices, size)
        values = permute_dims(values, stacked.back(values.ndim))
        return apply(interned(IndexAdd, stacked.key, (size, *self.new_shape)), values, *stacked.arrays)


def add_at(result: Any, indices: tuple[Any, ...], values: Any) -> None:
    """np.add.at(result, indices, values) for index arrays of the leading axes, by places in memory.

    The same numbers in the same order: 4 to 6 times as fast for embeddings and sorting, because NumPy has a fast loop
    for one index array and one axis only.
    """
    leading, width = result.shape[: len(indices)], math.prod(result.shape[len(indices) :])
    places = np.zeros((), np.int64)
    for array, size in zip(indices, leading, strict=True):
        if array.size and not -size <= array.min() <= array.max() < size:
            raise IndexError("a position is out of range")
        wide = array.astype(np.int64)
        places = places * size + np.where(wide < 0, wide + size, wide)
    if width != 1:
        places = places[..., None] * width + np.arange(width)
    np.add.at(result.reshape(-1), places.ravel(), values.ravel())


@static
class IndexSet(Linear):
    """x with `values` in the place of the elements at the positions of a key. Linear in x and values together."""

    key: Key

    linear_inputs: ClassVar[int | None] = 2
    formula = "out = x, then out[key] = values"
    pattern: ClassVar[str] = (
        "router: replaced positions send the upstream gradient to the values, the others to x"
    )

    @cached_property
    def saves(self) -> tuple[tuple[int, ...], ...]:
        """The index arrays."""
        return (tuple(range(2, 2 + self.key.items.count(ARRAY))),) * 2

    def shape(self, x: Aval, values: Aval, *indices: Aval) -> Aval:
        return update_shape(self.key, x, values, indices)

    def forward(self, x: Any, values: Any, *indices: Any) -> Any:
        result = x.copy()
        try:
            result[self.key.restore(indices)] = values
        except IndexError as problem:
            raise ShapeError(why_index_fails(self.key, x, indices, str(problem))) from None
        return result

    def loops(self, x: Aval, values: Aval, *indices: Aval) -> Scattered:
        return Scattered(self.key.chosen(x.shape), "set", True)

    def transpose(self, g: Tensor, x: Tensor, values: Tensor, *indices: Tensor) -> tuple[Tensor, Tensor]:
        return self._kept(g, indices), self._replaced(g, x, values, indices)

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, x: Tensor, values: Tensor, *indices: Tensor
    ) -> tuple[Tensor | None, ...]:
        """The part of the transpose that is needed: the one for the values costs more, and often they are constant."""
        of_x = self._kept(g, indices) if needed[0] else None
        of_values = self._replaced(g, x, values, indices) if needed[1] else None
        return (of_x, of_values, *(None,) * len(indices))

    def _kept(self, g: Tensor, indices: tuple[Tensor, ...]) -> Tensor:
        """The upstream gradient, 0 at the positions."""
        return apply(self, g, asarray(np.zeros((), g.dtype)), *indices)

    def _replaced(self, g: Tensor, x: Tensor, values: Tensor, indices: tuple[Tensor, ...]) -> Tensor:
        """The upstream gradient at the positions, 0 for values that do not stay there."""
        found = apply(interned(Index, self.key), g, *indices)
        if indices:
            found = where(self._stays(x.shape, found.shape, indices), found, asarray(np.zeros((), g.dtype)))
        return unbroadcast(found, values)

    def _stays(self, shape: tuple[int, ...], chosen: tuple[int, ...], indices: tuple[Tensor, ...]) -> Tensor:
        """Which values stay in the result, because no later one is put at the same position."""
        numbers = asarray(np.arange(math.prod(chosen)).reshape(chosen))
        last = apply(self, asarray(np.zeros(shape, np.int64)), numbers, *indices)
        return equal(apply(interned(Index, self.key), last, *indices), numbers)

    def batch(self, batched: tuple[bool, ...], x: Tensor, values: Tensor, *indices: Tensor) -> Tensor:
        return update_stacks(self, batched, x, values, *indices)


def update_shape(key: Key, x: Aval, values: Aval, indices: tuple[Aval, ...]) -> Aval:
    """The shape rule of an op that puts `values` to the positions of a key in x."""
    place = interned(Index, key).shape(x, *indices)
    try:
        fits = np.broadcast_shapes(place.shape, values.shape) == place.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"x.at[...] selects shape {place.shape} of x {x.shape}; values of shape {values.shape} do not fit there"
        )
    return x


def update_stacks(op: Any, batched: tuple[bool, ...], x: Tensor, values: Tensor, *indices: Tensor) -> Tensor:
    """The batch rule of an op with a `key` that puts `values` to the positions of the key in x."""
    size = stack_size(batched, (x, values, *indices))
    x = x if batched[0] else broadcast_to(x, (size, *x.shape))
    stacked = for_stacks(op.key, x.ndim - 1, True, batched[2:], indices, size)
    ndim = len(interned(Index, stacked.key).shape(aval_of(x), *map(aval_of, stacked.arrays)).shape)
    if not batched[1]:
        values = reshape(values, (1, *values.shape))
    values = reshape(values, (values.shape[0], *(1,) * (ndim - values.ndim), *values.shape[1:]))
    values = permute_dims(values, stacked.back(ndim))
    return apply(replaced(op, key=stacked.key), x, values, *stacked.arrays)


def aval_of(x: Tensor) -> Aval:
    """What the shape rules of ops see of a tensor."""
    return Aval(x.shape, x.dtype)


def getitem(x: Tensor, key: Any) -> Tensor:
    """x[key] with NumPy's meaning: integers, slices, `...`, None, integer arrays and boolean masks.

    >>> getitem(gg.asarray([[1, 2], [3, 4]]), (slice(None), 0))
    tensor([1, 3])
    """
    if not x.shape and (isinstance(key, bool) or getattr(key, "dtype", None) == bool_):
        return getitem(reshape(x, (1,)), reshape(key, (1,)))
    static, arrays = split_key(x, key)
    return apply(interned(Index, static), x, *arrays) if static.items else x


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
    x = asarray(x)
    key, grid = grid_along(x, indices, axis, "take_along_axis")
    return apply(interned(Index, key), x, *grid)


def grid_along(x: Tensor, indices: Any, axis: int, name: str) -> tuple[Key, list[Tensor]]:
    """The key and the index arrays for the element of x along `axis` that `indices` names, at every other position."""
    indices = _integers(indices, name)
    place = normalize_axis(axis, x.ndim, name)
    fits = x.ndim == indices.ndim and all(
        i == place or 1 in sizes or sizes[0] == sizes[1]
        for i, sizes in enumerate(zip(x.shape, indices.shape, strict=True))
    )
    if not fits:
        raise ShapeError(
            f"{name} needs indices with the {x.ndim} axes of x and, but for axis {place}, the same sizes or 1; "
            f"got indices of shape {indices.shape} for x {x.shape}"
        )
    grid = [
        indices
        if i == place
        else asarray(np.arange(size).reshape([-1 if i == j else 1 for j in range(x.ndim)]))
        for i, size in enumerate(x.shape)
    ]
    return Key((ARRAY,) * x.ndim), grid


def like(values: Any, x: Tensor) -> Tensor:
    """`values` as a tensor of x's dtype."""
    # a Python number is taken in x's dtype at once: by way of float32 it would lose digits beside float64
    return astype(values, x.dtype) if isinstance(values, Tensor) else asarray(values, x.dtype)


def one_hot(indices: Any, classes: int, /, *, dtype: Any = "float32") -> Tensor:
    """1 at the index and 0 elsewhere, on a new last axis of size `classes`. Without gradient.

    indices: integers in [0, classes). Raises ShapeError for one outside; where values are not known (inside `gg.vmap`)
    there are only zeros for it.

    >>> gg.one_hot(gg.asarray([1, 0]), 3)
    tensor([[0., 1., 0.],
            [1., 0., 0.]])
    """
    indices = _integers(indices, "one_hot")
    known = indices.value
    if known is not None and known.size and not (known.min() >= 0 and known.max() < classes):
        raise ShapeError(f"one_hot needs indices in [0, {classes}); got {known.min()} .. {known.max()}")
    return astype(equal(expand_dims(indices, -1), asarray(np.arange(classes))), dtype)
