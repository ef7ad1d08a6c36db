"""Shape: the same elements in another arrangement, repeated, joined, padded or in another dtype. All linear."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from ..expr import Var
from ..graph import Aval, interned
from ..graph.loops import Map, Rearranged, seen_as
from ..graph.static import static
from ..tensor import Tensor, apply, asarray
from ..tensor.device import as_device
from ..tensor.dtype import DType, as_dtype
from .families import Linear, to_dtype_of

__all__ = [
    "astype",
    "broadcast_to",
    "expand_dims",
    "flatten",
    "flip",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "reshape",
    "squeeze",
    "stop_gradient",
]

Axes = int | Sequence[int] | None


def normalize_axis(axis: int, ndim: int, name: str) -> int:
    """`axis` counted from the left, or an error that says what is allowed."""
    if not isinstance(axis, int | np.integer):
        raise ArgumentError(f"{name} needs an integer axis; got {axis!r}")
    if not -ndim <= axis < ndim:
        allowed = f"{-ndim} to {ndim - 1}" if ndim else "none, because the tensor has no axes"
        raise ShapeError(f"{name} got axis {axis} for a tensor with {ndim} axes; allowed: {allowed}")
    return int(axis) % ndim


def normalize_axes(axis: Axes, ndim: int, name: str) -> tuple[int, ...]:
    """Sorted non-negative axes; None means all of them."""
    if axis is None:
        return tuple(range(ndim))
    axes = [axis] if isinstance(axis, int | np.integer) else list(axis)
    found = sorted(normalize_axis(a, ndim, name) for a in axes)
    if len(set(found)) != len(found):
        raise ShapeError(f"{name} got the same axis twice: {tuple(axes)}")
    return tuple(found)


def as_shape(shape: Any, name: str, smallest: int = 0) -> tuple[int, ...]:
    """One size or several as a tuple of integers, or an error that says what is allowed."""
    given = [shape] if isinstance(shape, int | np.integer) else shape
    try:
        sizes = tuple(operator.index(size) for size in given)
    except TypeError:
        raise ArgumentError(
            f"{name} takes a shape: an integer or a sequence of integers; got {shape!r}"
        ) from None
    if any(size < smallest for size in sizes):
        allowed = "0 or more" if smallest == 0 else "0 or more, or -1 for one that is computed"
        raise ShapeError(f"{name} takes sizes of {allowed}; got {sizes}")
    return sizes


@static
class Reshape(Linear):
    """The same elements in row-major order in another shape."""

    new_shape: tuple[int, ...]

    argument_names = ("x",)
    formula = "out[row-major place] = x[same row-major place]"
    pattern: ClassVar[str] = "rearranger: the upstream gradient in the input's shape"

    def shape(self, x: Aval) -> Aval:
        if math.prod(self.new_shape) != math.prod(x.shape):
            raise ShapeError(
                f"reshape cannot turn shape {x.shape} ({math.prod(x.shape)} elements) into {self.new_shape} "
                f"({math.prod(self.new_shape)} elements).{_how_to_reshape(x.shape, self.new_shape)}"
            )
        return Aval(self.new_shape, x.dtype)

    def forward(self, x: Any) -> Any:
        return x.reshape(self.new_shape)

    def loops(self, x: Aval) -> Rearranged:
        return seen_as(lambda array: np.reshape(array, self.new_shape, copy=False))

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(Reshape, x.shape), g),)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(interned(Reshape, (x.shape[0], *self.new_shape)), x)


def _how_to_reshape(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    if len(shape) > 1 and len(wanted) > 1 and wanted[0] not in (-1, shape[0]):
        return " To keep the rows of a batch, write x.reshape(len(x), -1)."
    return "" if -1 in wanted else " Write -1 for one of the sizes to have it computed."


def reshape(x: Any, /, shape: int | Sequence[int], *, copy: bool | None = None) -> Tensor:
    """x in another shape, elements in row-major order; one size may be -1. Any dtype.

    Memory is shared where the layout allows it, whatever `copy` says, because tensors never change.
    Raises ShapeError if the number of elements differs.

    >>> gg.reshape(gg.asarray([1, 2, 3, 4]), (2, -1))
    tensor([[1, 2],
            [3, 4]])
    """
    x = asarray(x)
    wanted = as_shape(shape, "reshape", smallest=-1)
    if wanted.count(-1) > 1:
        raise ShapeError(f"reshape can compute one size, not several; got {wanted}")
    if -1 in wanted:
        known = math.prod(size for size in wanted if size != -1)
        if known == 0:
            raise ShapeError(
                f"reshape cannot compute -1 in {wanted}, because any size would do there; got shape {x.shape}"
            )
        if x.size % known:
            raise ShapeError(
                f"reshape cannot turn shape {x.shape} ({x.size} elements) into {wanted}: "
                f"{x.size} is not a multiple of {known}.{_how_to_reshape(x.shape, wanted)}"
            )
        wanted = tuple(x.size // known if size == -1 else size for size in wanted)
    return x if wanted == x.shape else apply(interned(Reshape, wanted), x)


def flatten(x: Any, /, start: int = 0) -> Tensor:
    """x with the axes from `start` on merged into one.

    >>> gg.flatten(gg.asarray([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    x = asarray(x)
    if not -x.ndim <= start <= x.ndim:
        raise ShapeError(
            f"flatten got start {start} for a tensor with {x.ndim} axes; allowed: {-x.ndim} to {x.ndim}"
        )
    return reshape(x, (*x.shape[:start], math.prod(x.shape[start:])))


def expand_dims(x: Any, /, axis: int = 0) -> Tensor:
    """x with a new axis of size 1 at position `axis`.

    >>> gg.expand_dims(gg.asarray([1, 2]), -1).shape
    (2, 1)
    """
    x = asarray(x)
    place = normalize_axis(axis, x.ndim + 1, "expand_dims")
    return reshape(x, (*x.shape[:place], 1, *x.shape[place:]))


def squeeze(x: Any, /, axis: Axes) -> Tensor:
    """x without the given axes, which must have size 1.

    >>> gg.squeeze(gg.asarray([[1, 2]]), 0)
    tensor([1, 2])
    """
    x = asarray(x)
    axes = (
        normalize_axes(axis, x.ndim, "squeeze")
        if axis is not None
        else tuple(i for i, n in enumerate(x.shape) if n == 1)
    )
    if any(x.shape[a] != 1 for a in axes):
        raise ShapeError(f"squeeze removes axes of size 1; got axis {axis} of shape {x.shape}")
    return reshape(x, tuple(size for i, size in enumerate(x.shape) if i not in axes))


@static
class PermuteDims(Linear):
    """The axes in another order."""

    axes: tuple[int, ...]

    argument_names = ("x",)
    formula = "out[i_axes[0], i_axes[1], ...] = x[i_0, i_1, ...]"
    pattern: ClassVar[str] = "rearranger: the upstream gradient with its axes put back"

    def shape(self, x: Aval) -> Aval:
        return Aval(tuple(x.shape[a] for a in self.axes), x.dtype)

    def forward(self, x: Any) -> Any:
        return x.transpose(self.axes)

    def loops(self, x: Aval) -> Rearranged:
        return seen_as(self.forward)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(interned(PermuteDims, self.back), g),)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(interned(PermuteDims, (0, *(a + 1 for a in self.axes))), x)

    @cached_property
    def back(self) -> tuple[int, ...]:
        """The order that undoes this one."""
        return tuple(int(i) for i in np.argsort(self.axes))


def permute_dims(x: Any, /, axes: Sequence[int]) -> Tensor:
    """x with axis `axes[i]` of the input as axis i of the result. Any dtype.

    >>> gg.permute_dims(gg.asarray([[[1, 2]]]), (2, 0, 1)).shape
    (2, 1, 1)
    """
    x = asarray(x)
    order = tuple(normalize_axis(a, x.ndim, "permute_dims") for a in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"permute_dims needs each of the {x.ndim} axes once; got {tuple(axes)}")
    return apply(interned(PermuteDims, order), x)


def matrix_transpose(x: Any, /) -> Tensor:
    """x with its last two axes exchanged.

    >>> gg.matrix_transpose(gg.asarray([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    x = asarray(x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose needs at least 2 axes; got shape {x.shape}")
    return apply(interned(PermuteDims, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)), x)


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int], /) -> Tensor:
    """x with axis `source` moved to position `destination`, or several axes to as many, the others in order.

    Raises ShapeError for axes that x does not have, or that occur twice, ArgumentError if the numbers of axes differ.

    >>> gg.moveaxis(gg.ones((2, 3, 4)), 2, 0).shape
    (4, 2, 3)
    >>> gg.moveaxis(gg.ones((2, 3, 4)), (0, 1), (-1, -2)).shape
    (4, 3, 2)
    """
    x = asarray(x)
    starts, ends = _axes_in_order(source, x.ndim), _axes_in_order(destination, x.ndim)
    if len(starts) != len(ends):
        raise ArgumentError(
            f"moveaxis needs as many destinations as sources; got source {source} and destination {destination}"
        )
    order = [a for a in range(x.ndim) if a not in starts]
    for end, start in sorted(zip(ends, starts, strict=True)):
        order.insert(end, start)
    return permute_dims(x, order)


def _axes_in_order(axis: int | Sequence[int], ndim: int) -> list[int]:
    """Non-negative axes, each once, in the order they came in."""
    axes = [axis] if isinstance(axis, int | np.integer) else list(axis)
    normalize_axes(axes, ndim, "moveaxis")
    return [normalize_axis(a, ndim, "moveaxis") for a in axes]


@static
class BroadcastTo(Linear):
    """Copies along new axes and axes of size 1."""

    new_shape: tuple[int, ...]

    argument_names = ("x",)
    formula = "out[..., i, j] = x[i, j], and x[0, j] where x has size 1"
    pattern: ClassVar[str] = "adder: the gradients of all copies are summed"

    def shape(self, x: Aval) -> Aval:
        pairs = zip(reversed(x.shape), reversed(self.new_shape), strict=False)
        if x.ndim > len(self.new_shape) or any(old not in (1, new) for old, new in pairs):
            raise ShapeError(
                f"broadcast_to cannot turn shape {x.shape} into {self.new_shape}: only axes of size 1 can be repeated"
            )
        return Aval(self.new_shape, x.dtype)

    def forward(self, x: Any) -> Any:
        return np.broadcast_to(x, self.new_shape)

    def loops(self, x: Aval) -> Rearranged:
        return seen_as(self.forward)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        from .families import unbroadcast

        return (unbroadcast(g, x),)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        new_axes = (1,) * (len(self.new_shape) + 1 - x.ndim)
        return broadcast_to(reshape(x, (x.shape[0], *new_axes, *x.shape[1:])), (x.shape[0], *self.new_shape))


def broadcast_to(x: Any, /, shape: int | Sequence[int]) -> Tensor:
    """x repeated along new leading axes and along axes of size 1. Any dtype. Gradients of the copies add up.

    >>> gg.broadcast_to(gg.asarray([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    x, wanted = asarray(x), as_shape(shape, "broadcast_to")
    return x if wanted == x.shape else apply(interned(BroadcastTo, wanted), x)


@static
class Flip(Linear):
    """The elements in reverse order along some axes."""

    axes: tuple[int, ...]

    argument_names = ("x",)
    formula = "out[i] = x[size - 1 - i]"
    pattern: ClassVar[str] = "rearranger: the upstream gradient flipped back"

    def shape(self, x: Aval) -> Aval:
        return x

    def forward(self, x: Any) -> Any:
        return np.flip(x, self.axes)

    def loops(self, x: Aval) -> Rearranged:
        return seen_as(self.forward if self.axes else lambda array: array)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (apply(self, g),)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(interned(Flip, tuple(a + 1 for a in self.axes)), x)


def flip(x: Any, /, *, axis: Axes = None) -> Tensor:
    """x with the elements in reverse order along `axis` (all axes by default). Any dtype.

    >>> gg.flip(gg.asarray([1, 2, 3]))
    tensor([3, 2, 1])
    """
    x = asarray(x)
    return apply(interned(Flip, normalize_axes(axis, x.ndim, "flip")), x)


@static
class Astype(Linear):
    """The elements in another dtype."""

    dtype: DType

    argument_names = ("x",)
    no_gradient_because: ClassVar[str] = "integers and booleans carry no gradient"
    formula = "out = x"
    pattern: ClassVar[str] = "rearranger: the upstream gradient in the input's dtype"

    @property
    def differentiable(self) -> bool:
        """Whether the new dtype can carry a gradient."""
        return self.dtype.kind in "fc"

    def shape(self, x: Aval) -> Aval:
        if x.dtype.kind == "c" and self.dtype.kind != "c":
            raise DTypeError(
                f"astype cannot turn {x.dtype} into {self.dtype}, which would lose the imaginary part"
            )
        return Aval(x.shape, self.dtype)

    def forward(self, x: Any) -> Any:
        if x.dtype.kind == "c":
            self.shape(Aval(x.shape, x.dtype))
        return x.astype(self.dtype)

    def loops(self, x: Aval) -> Map:
        return Map(Var("x"), ("x",), x.dtype)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (to_dtype_of(x, g),)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(self, x)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """x in another dtype. Gradients pass between float types, and stop at integers and booleans.

    Floats are cut to integers towards 0. A tensor that has the dtype already is returned itself, whatever `copy` says,
    because tensors never change. `device` may be "cpu". Raises DTypeError for complex to real numbers, which would
    lose the imaginary part: gg.real, gg.imag and gg.abs say what is meant.

    >>> gg.astype(gg.asarray([1.7, -1.7]), "int64")
    tensor([ 1, -1])
    """
    as_device(device)
    x, wanted = asarray(x), as_dtype(dtype)
    return x if x.dtype == wanted else apply(interned(Astype, wanted), x)


class Identity(Linear):
    """The input itself, at a place of its own in the graph."""

    argument_names = ("x",)
    formula = "out = x"
    pattern = "distributor: passes the upstream gradient on"
    passes_on = True

    def shape(self, x: Aval) -> Aval:
        return x

    def forward(self, x: Any) -> Any:
        return x

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (g,)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(self, x)


_identity = Identity()


def identity(x: Any, /) -> Tensor:
    """x as a new node: what an inner differentiation takes as its variable, so that an outer one sees through it.

    >>> identity(gg.asarray([1.0]))
    tensor([1.])
    """
    return apply(_identity, x)


class StopGradient(Linear):
    """The input itself, as a constant for differentiation."""

    argument_names = ("x",)
    formula = "out = x"
    pattern = "blocker: no gradient passes"
    passes_on = True
    differentiable = False
    no_gradient_because = "it is there to stop the gradient"

    def shape(self, x: Aval) -> Aval:
        return x

    def forward(self, x: Any) -> Any:
        return x

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, *inputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        return (None,)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, *inputs: Tensor) -> Tensor | None:
        return None

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(self, x)


_stop_gradient = StopGradient()


def stop_gradient(x: Any, /) -> Tensor:
    """x as a constant: no gradient passes. It stays in the graph, unlike `x.detach()`.

    >>> import glassgrad as gg
    >>> gg.grad(lambda x: x * gg.stop_gradient(x))(3.0)
    tensor(3.)
    """
    return apply(_stop_gradient, x)
