"""Joining tensors along an axis, and padding them with zeros."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..graph import Aval, interned
from ..graph.loops import Assembled, seen_as
from ..graph.static import static
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import promote
from .families import Linear
from .shape import as_shape, expand_dims, flatten, normalize_axis
from .stacks import all_stacked

__all__ = ["concat", "pad", "stack", "unstack"]


@static
class Concat(Linear):
    """Tensors joined along an axis."""

    axis: int

    linear_inputs: ClassVar[int | None] = None
    formula = "out = [input 0, input 1, ...]"
    pattern: ClassVar[str] = "splitter: each input gets its part of the upstream gradient"

    def shape(self, *inputs: Aval) -> Aval:
        first = inputs[0]
        for position, other in enumerate(inputs):
            if other.ndim != first.ndim or any(
                a != b
                for i, (a, b) in enumerate(zip(first.shape, other.shape, strict=True))
                if i != self.axis
            ):
                raise ShapeError(
                    f"concat along axis {self.axis} needs equal sizes on the other axes; input 0 has shape "
                    f"{first.shape}, input {position} has shape {other.shape}.{_how_to_join(first.shape, other.shape)}"
                )
        joined = sum(x.shape[self.axis] for x in inputs)
        shape = (*first.shape[: self.axis], joined, *first.shape[self.axis + 1 :])
        return Aval(shape, promote({x.dtype for x in inputs}))

    def forward(self, *arrays: Any) -> Any:
        return np.concatenate(arrays, self.axis, dtype=promote({a.dtype for a in arrays}))

    def loops(self, *inputs: Aval) -> Assembled:
        ends = list(itertools.accumulate(x.shape[self.axis] for x in inputs))
        lead = (slice(None),) * self.axis
        keys = [(*lead, slice(end - x.shape[self.axis], end)) for x, end in zip(inputs, ends, strict=True)]
        return Assembled(tuple(seen_as(itemgetter(key)) for key in keys), False)

    def transpose(self, g: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        from .families import unbroadcast

        parts, start = [], 0
        for x in inputs:
            stop = start + x.shape[self.axis]
            parts.append(unbroadcast(g[(slice(None),) * self.axis + (slice(start, stop),)], x))
            start = stop
        return tuple(parts)

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        return apply(interned(Concat, self.axis + 1), *all_stacked(batched, inputs))


def _how_to_join(first: tuple[int, ...], other: tuple[int, ...]) -> str:
    if len(first) != len(other):
        return " gg.expand_dims(x, axis) adds an axis of size 1."
    different = [axis for axis, (a, b) in enumerate(zip(first, other, strict=True)) if a != b]
    return f" They fit along axis {different[0]}: pass axis={different[0]}." if len(different) == 1 else ""


def concat(tensors: Sequence[Any], /, *, axis: int | None = 0) -> Tensor:
    """Tensors joined along an axis they have; with axis None they are flattened first. Dtypes are promoted.

    >>> gg.concat([gg.asarray([1, 2]), gg.asarray([3])])
    tensor([1, 2, 3])
    """
    parts = [asarray(x) for x in tensors]
    if not parts:
        raise ArgumentError("concat needs at least one tensor; got none")
    if axis is None:
        parts, axis = [flatten(x) for x in parts], 0
    return apply(interned(Concat, normalize_axis(axis, parts[0].ndim, "concat")), *parts)


def stack(tensors: Sequence[Any], /, *, axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis.

    >>> gg.stack([gg.asarray([1, 2]), gg.asarray([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    parts = [asarray(x) for x in tensors]
    if any(x.shape != parts[0].shape for x in parts):
        raise ShapeError(
            f"stack needs tensors of one shape; got {', '.join(str(x.shape) for x in parts)}. "
            f"gg.concat joins along an axis that they have."
        )
    return concat(
        [expand_dims(x, axis) for x in parts],
        axis=normalize_axis(axis, parts[0].ndim + 1, "stack") if parts else 0,
    )


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The tensors that `gg.stack` along `axis` would join to x: a tuple of as many as the axis has elements.

    >>> gg.unstack(gg.asarray([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    x = asarray(x)
    place = normalize_axis(axis, x.ndim, "unstack")
    return tuple(x[(*(slice(None),) * place, i)] for i in range(x.shape[place]))


@static
class Pad(Linear):
    """Zeros around the elements."""

    widths: tuple[tuple[int, int], ...]

    argument_names = ("x",)
    formula = "out[i] = x[i - before], 0 outside"
    pattern: ClassVar[str] = "rearranger: the upstream gradient without its border"

    def shape(self, x: Aval) -> Aval:
        return Aval(tuple(n + a + b for n, (a, b) in zip(x.shape, self.widths, strict=True)), x.dtype)

    def forward(self, x: Any) -> Any:
        return np.pad(x, self.widths) if self.widths else x  # NumPy refuses a tensor without axes

    def loops(self, x: Aval) -> Assembled:
        key = tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, self.widths, strict=True))
        return Assembled((seen_as(itemgetter((*key, ...))),), True)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (g[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, self.widths, strict=True))],)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(interned(Pad, ((0, 0), *self.widths)), x)


def pad(x: Any, widths: Sequence[tuple[int, int]], /) -> Tensor:
    """x with zeros added: `widths[i]` is how many before and after along axis i. Any dtype.

    >>> gg.pad(gg.asarray([1, 2]), [(1, 0)])
    tensor([0, 1, 2])
    """
    x = asarray(x)
    pairs = [as_shape(pair, "pad") for pair in widths]
    if len(pairs) != x.ndim or any(len(pair) != 2 for pair in pairs):
        raise ShapeError(
            f"pad needs one (before, after) pair of sizes for each of {x.ndim} axes; got {list(widths)}"
        )
    return apply(interned(Pad, tuple((before, after) for before, after in pairs)), x)
