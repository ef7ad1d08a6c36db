"""Repeating and rolling: the same elements several times, or at other places. All composed of linear ops."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..tensor import Tensor, asarray
from .index import take
from .joining import concat
from .searching import known_value
from .shape import as_shape, broadcast_to, flatten, normalize_axis, reshape

__all__ = ["broadcast_arrays", "repeat", "roll", "tile"]


def broadcast_arrays(*arrays: Any) -> list[Tensor]:
    """The tensors repeated along new leading axes and along axes of size 1 to their common shape. Any dtypes.

    Raises ShapeError if there is none.

    >>> gg.broadcast_arrays(gg.asarray([1, 2]), gg.asarray([[3], [4]]))
    [tensor([[1, 2],
           [1, 2]]), tensor([[3, 3],
           [4, 4]])]
    """
    tensors = [asarray(x) for x in arrays]
    try:
        shape = np.broadcast_shapes(*(x.shape for x in tensors))
    except ValueError:
        raise ShapeError(
            f"broadcast_arrays needs sizes that are equal or 1, counted from the right; got shapes "
            f"{', '.join(str(x.shape) for x in tensors)}. gg.expand_dims(x, axis) adds an axis of size 1."
        ) from None
    return [broadcast_to(x, shape) for x in tensors]


def tile(x: Any, repetitions: int | Sequence[int], /) -> Tensor:
    """x side by side with itself, `repetitions[i]` times along axis i, counted from the right if the numbers differ.

    >>> gg.tile(gg.asarray([1, 2]), (2, 2))
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    x, counts = asarray(x), as_shape(repetitions, "tile")
    ndim = max(x.ndim, len(counts))
    counts = (1,) * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - x.ndim) + x.shape
    pairs = tuple(zip(counts, shape, strict=True))
    rows = reshape(x, tuple(size for n in shape for size in (1, n)))
    wide = broadcast_to(rows, tuple(size for pair in pairs for size in pair))
    return reshape(wide, tuple(count * n for count, n in pairs))


def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Tensor:
    """Every element several times in a row along `axis`; x is flattened first if that is None. Any dtype.

    `repeats` is one integer, or one per element along the axis (which must be known: not inside `gg.vmap`).
    Raises DTypeError if they are not integers, ArgumentError for negative ones, ShapeError for a wrong number of them.

    >>> gg.repeat(gg.asarray([1, 2]), 2)
    tensor([1, 1, 2, 2])
    >>> gg.repeat(gg.asarray([[1, 2]]), [0, 3], axis=1)
    tensor([[2, 2, 2]])
    """
    x, counts = asarray(x), asarray(repeats)
    if axis is None:
        x, axis = flatten(x), 0
    place = normalize_axis(axis, x.ndim, "repeat")
    size = x.shape[place]
    if counts.dtype.kind not in "iu":
        raise DTypeError(f"repeat takes how often as integers; got {counts.dtype} of shape {counts.shape}")
    if counts.ndim > 1 or (counts.ndim and counts.shape[0] not in (1, size)):
        raise ShapeError(
            f"repeat takes one count, or one for each of the {size} elements along axis {place} of shape {x.shape}; "
            f"got counts of shape {counts.shape}"
        )
    known = known_value(counts, "repeat", "let every element be repeated equally often, by an integer")
    if (known < 0).any():
        raise ArgumentError(f"repeat takes counts of 0 or more; got {known.min()}")
    if counts.ndim and counts.shape[0] != 1:
        return take(x, np.repeat(np.arange(size), known), axis=place)
    count, before, after = int(known.reshape(())), x.shape[: place + 1], x.shape[place + 1 :]
    wide = broadcast_to(reshape(x, (*before, 1, *after)), (*before, count, *after))
    return reshape(wide, (*x.shape[:place], size * count, *after))


def roll(x: Any, /, shift: int | Sequence[int], *, axis: int | Sequence[int] | None = None) -> Tensor:
    """x with its elements moved on by `shift` places along `axis`; those that leave at the end come in at the front.

    Several axes take one shift each, or one for all. With axis None the tensor is flattened for the move. Any dtype.
    Raises ArgumentError if shifts and axes differ in number.

    >>> gg.roll(gg.asarray([1, 2, 3, 4]), 1)
    tensor([4, 1, 2, 3])
    """
    x = asarray(x)
    if axis is None:
        return reshape(roll(flatten(x), shift, axis=0), x.shape)
    axes = [axis] if isinstance(axis, int | np.integer) else list(axis)
    try:
        shifts = [operator.index(s) for s in (shift if isinstance(shift, list | tuple) else (shift,))]
    except TypeError:
        raise ArgumentError(f"roll takes a shift of an integer or several; got {shift!r}") from None
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(shifts) != len(axes):
        raise ArgumentError(
            f"roll takes one shift per axis; got shifts {tuple(shifts)} and axes {tuple(axes)}"
        )
    rolled: Tensor = x
    for steps, given in zip(shifts, axes, strict=True):
        place = normalize_axis(given, x.ndim, "roll")
        cut = -steps % max(x.shape[place], 1)
        if cut:
            before = (slice(None),) * place
            parts = rolled[(*before, slice(cut, None))], rolled[(*before, slice(None, cut))]
            rolled = concat(parts, axis=place)
    return rolled
