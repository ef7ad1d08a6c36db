"""Reductions: many elements to one along some axes."""

from __future__ import annotations

import builtins
import math
from typing import Any, ClassVar

import numpy as np

from ..errors import ShapeError
from ..graph import OUT, Aval, Op, interned
from ..graph.loops import Folded, Sought
from ..graph.static import replaced, static
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import DEFAULT_FLOAT, DType, bool_, complex128, float16, float32, float64, int64, uint64
from .compare import equal
from .families import Linear, require_kind
from .shape import Axes, astype, broadcast_to, normalize_axes, reshape

__all__ = ["all", "any", "argmax", "argmin", "logsumexp", "max", "mean", "min", "prod", "sum"]


# NumPy's type stubs know these only with keyword arguments of fixed values
_add_up: Any = np.add.reduce
_multiply_up: Any = np.multiply.reduce


def reduced_shape(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """`shape` without `axes`, or with them at size 1."""
    kept = (1 if i in axes else size for i, size in enumerate(shape) if keepdims or i not in axes)
    return tuple(kept)


def accumulated(dtype: DType) -> DType:
    """The dtype of a sum or a product: 64 bits for integers, so that a sum of bytes does not wrap at 256."""
    return {"b": int64, "i": int64, "u": uint64}.get(dtype.kind, dtype)


def accumulator(dtype: DType) -> DType:
    """The dtype in which many numbers are added one after the other: with digits to spare, where there is one."""
    return {"f": float64, "c": complex128}.get(dtype.kind, accumulated(dtype))


BLOCK = 32


def add_up_in_blocks(x: Any, axis: int) -> Any:
    """The sum along `axis` of blocks, then of their sums: the error grows with the logarithm of the size.

    Of 10^5 rows of random numbers in float32 it is below 2 ULP, where one row added after the other makes it 100; it
    takes 1.1 to 1.5 times as long as that, and a double-precision accumulator 2 to 4 times.
    """
    rows = np.moveaxis(x, axis, 0)
    while len(rows) > BLOCK:
        blocks, whole = len(rows) // BLOCK, len(rows) // BLOCK * BLOCK
        sums = _add_up(rows[:whole].reshape(blocks, BLOCK, *rows.shape[1:]), 1)
        rows = sums if whole == len(rows) else np.concatenate([sums, _add_up(rows[whole:], 0)[None]])
    return _add_up(rows, 0)


def spread(reduced: Tensor, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """A reduced tensor repeated along the axes it lost, to x's shape."""
    return broadcast_to(reshape(reduced, reduced_shape(x.shape, axes, keepdims=True)), x.shape)


@static
class Sum(Linear):
    """The sum over `axes`."""

    axes: tuple[int, ...]
    keepdims: bool

    argument_names = ("x",)
    formula = "out = sum_i x[i]"
    pattern: ClassVar[str] = "distributor: every summand gets the upstream gradient"

    def shape(self, x: Aval) -> Aval:
        return Aval(reduced_shape(x.shape, self.axes, self.keepdims), accumulated(x.dtype))

    def forward(self, x: Any) -> Any:
        dtype = accumulated(x.dtype)
        if x.dtype == "float16":
            return _add_up(x, self.axes, dtype="float64", keepdims=self.keepdims).astype(dtype)
        in_order, count = x.flags.c_contiguous, len(self.axes)
        if x.size <= BLOCK or x.dtype.kind in "biu" or (in_order and count == x.ndim):
            return _add_up(x, self.axes, dtype=dtype, keepdims=self.keepdims)
        # NumPy adds pairwise along memory only: over the last axes if they follow each other there
        last = tuple(a for i, a in enumerate(self.axes) if in_order and a == x.ndim - count + i)
        total = _add_up(x, last) if last else x
        for axis in reversed(self.axes[: count - len(last)]):
            total = add_up_in_blocks(total, axis)
        return total.reshape(reduced_shape(x.shape, self.axes, self.keepdims))

    def loops(self, x: Aval) -> Folded:
        return Folded("add", self.axes)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (spread(g, x, self.axes),)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(interned(Sum, tuple(a + 1 for a in self.axes), self.keepdims), x)


def sum(x: Any, /, *, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """Sum over `axis` (all axes by default), pairwise or in double precision. Booleans are counted.

    Integers of any width are summed as 64-bit integers. `dtype` is that of the summands and of the result.

    >>> gg.sum(gg.asarray([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    x = asarray(x)
    if dtype is not None:
        return astype(sum(astype(x, dtype), axis=axis, keepdims=keepdims), dtype)
    return apply(interned(Sum, normalize_axes(axis, x.ndim, "sum"), keepdims), x)


def mean(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over `axis` (all axes by default); integers give float32. Raises ShapeError for 0 elements.

    Half precision is added up in float32, because the sum, and even the count, may be too large for it.

    >>> gg.mean(gg.asarray([1.0, 2.0, 6.0]))
    tensor(3.)
    """
    x = asarray(x)
    axes = normalize_axes(axis, x.ndim, "mean")
    count = count_over(x, axes, "mean")
    if x.dtype == float16:
        return astype(mean(astype(x, float32), axis=axes, keepdims=keepdims), float16)
    x = astype(x, DEFAULT_FLOAT) if x.dtype.kind in "biu" else x
    return sum(x, axis=axes, keepdims=keepdims) / count


def count_over(x: Tensor, axes: tuple[int, ...], name: str) -> int:
    """How many elements are reduced to one, or a ShapeError if there are none."""
    count = math.prod(x.shape[a] for a in axes)
    if count == 0:
        raise ShapeError(f"{name} of no elements is undefined: got shape {x.shape}, reduced over axes {axes}")
    return count


@static
class Extremum(Op):
    """The largest or smallest element along `axes`."""

    axes: tuple[int, ...]
    keepdims: bool

    argument_names = ("x",)
    saves = ((0, OUT),)
    pattern: ClassVar[str] = (
        "router: the upstream gradient goes to the chosen element, in equal parts if several are"
    )

    def shape(self, x: Aval) -> Aval:
        if builtins.any(x.shape[a] == 0 for a in self.axes):
            raise ShapeError(
                f"{self.name} of no elements is undefined: got shape {x.shape}, reduced over axes {self.axes}"
            )
        return Aval(reduced_shape(x.shape, self.axes, self.keepdims), x.dtype)

    def _share(self, out: Tensor, x: Tensor) -> Tensor:
        """1 for the chosen element, 1/k for each of k equal ones, 0 for the others."""
        chosen = astype(equal(x, spread(out, x, self.axes)), x.dtype)
        return chosen / sum(chosen, axis=self.axes, keepdims=True)

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, x: Tensor) -> tuple[Tensor]:
        return (spread(g, x, self.axes) * self._share(out, x),)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, x: Tensor) -> Tensor | None:
        (tangent,) = tangents
        return (
            None
            if tangent is None
            else sum(tangent * self._share(out, x), axis=self.axes, keepdims=self.keepdims)
        )

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(replaced(self, axes=tuple(a + 1 for a in self.axes)), x)


class Max(Extremum):
    """The largest element along `axes`."""

    formula = "out = max_i x[i]"

    def forward(self, x: Any) -> Any:
        return np.max(x, self.axes, keepdims=self.keepdims)

    def loops(self, x: Aval) -> Folded:
        return Folded("maximum", self.axes)


class Min(Extremum):
    """The smallest element along `axes`."""

    formula = "out = min_i x[i]"

    def forward(self, x: Any) -> Any:
        return np.min(x, self.axes, keepdims=self.keepdims)

    def loops(self, x: Aval) -> Folded:
        return Folded("minimum", self.axes)


def max(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The largest element over `axis` (all axes by default); NaN if there is one.

    Complex numbers are compared by their real parts first, so that the complex step of `gg.numerical` passes.

    The upstream gradient goes to the largest element, in equal parts where several are equal.
    Raises ShapeError for 0 elements.

    >>> gg.max(gg.asarray([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    tensor([5., 4.])
    """
    x = asarray(x)
    return apply(interned(Max, normalize_axes(axis, x.ndim, "max"), keepdims), x)


def min(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The smallest element over `axis` (all axes by default); NaN if there is one. Complex numbers as in `max`.

    >>> gg.min(gg.asarray([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    tensor([1., 3.])
    """
    x = asarray(x)
    return apply(interned(Min, normalize_axes(axis, x.ndim, "min"), keepdims), x)


@static
class Prod(Op):
    """The product over `axes`."""

    axes: tuple[int, ...]
    keepdims: bool

    argument_names = ("x",)
    saves = ((0,),)
    formula = "out = prod_i x[i]"
    pattern: ClassVar[str] = "switch: every factor gets the upstream gradient times the product of the others"

    def shape(self, x: Aval) -> Aval:
        return Aval(reduced_shape(x.shape, self.axes, self.keepdims), accumulated(x.dtype))

    def forward(self, x: Any) -> Any:
        dtype = accumulated(x.dtype)
        return _multiply_up(x, self.axes, dtype=dtype, keepdims=self.keepdims)

    def _product_of_others(self, x: Tensor) -> Tensor:
        """For each element the product of those before it times the product of those after it.

        Nothing is divided, because elements may be 0.
        """
        from .cumulative import cumulative_prod, shifted
        from .shape import flatten, flip, permute_dims

        kept = tuple(i for i in range(x.ndim) if i not in self.axes)
        order = kept + self.axes
        place = len(kept)
        rows = flatten(permute_dims(x, order), place)
        before = shifted(cumulative_prod(rows, axis=place), place, 1)
        after = flip(shifted(cumulative_prod(flip(rows, axis=place), axis=place), place, 1), axis=place)
        others = reshape(before * after, tuple(x.shape[a] for a in order))
        return permute_dims(others, tuple(int(i) for i in np.argsort(order)))

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, x: Tensor) -> tuple[Tensor]:
        from .complex_numbers import conj

        return (spread(g, x, self.axes) * conj(self._product_of_others(x)),)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, x: Tensor) -> Tensor | None:
        (tangent,) = tangents
        return (
            None
            if tangent is None
            else sum(tangent * self._product_of_others(x), axis=self.axes, keepdims=self.keepdims)
        )

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(interned(Prod, tuple(a + 1 for a in self.axes), self.keepdims), x)


def prod(x: Any, /, *, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """Product over `axis` (all axes by default). Gradients of every order are exact also where elements are 0.

    Integers of any width are multiplied as 64-bit integers. `dtype` is that of the factors and of the result.

    >>> gg.prod(gg.asarray([2.0, 3.0, 4.0]))
    tensor(24.)
    """
    x = asarray(x)
    if dtype is not None:
        return astype(prod(astype(x, dtype), axis=axis, keepdims=keepdims), dtype)
    return apply(interned(Prod, normalize_axes(axis, x.ndim, "prod"), keepdims), x)


@static
class ArgExtremum(Op):
    """The position of the first largest or smallest element along an axis."""

    axis: int
    keepdims: bool

    argument_names = ("x",)
    differentiable: ClassVar[bool] = False
    no_gradient_because: ClassVar[str] = "its result is a position, an integer"
    pattern: ClassVar[str] = "blocker: no gradient passes"
    instruction: ClassVar[str]
    """The instruction that the element is chosen by."""

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "biuf", x)
        if x.shape[self.axis] == 0:
            raise ShapeError(
                f"{self.name} of no elements is undefined: got shape {x.shape}, axis {self.axis}"
            )
        return Aval(reduced_shape(x.shape, (self.axis,), self.keepdims), int64)

    def loops(self, x: Aval) -> Sought:
        return Sought(self.instruction, self.axis)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(replaced(self, axis=self.axis + 1), x)


class Argmax(ArgExtremum):
    """The position of the first largest element."""

    instruction = "maximum"

    formula = "x[out] = max_i x[i]"

    def forward(self, x: Any) -> Any:
        require_kind(self, "biuf", x)
        return np.argmax(x, self.axis, keepdims=self.keepdims)


class Argmin(ArgExtremum):
    """The position of the first smallest element."""

    instruction = "minimum"

    formula = "x[out] = min_i x[i]"

    def forward(self, x: Any) -> Any:
        require_kind(self, "biuf", x)
        return np.argmin(x, self.axis, keepdims=self.keepdims)


def _arg(kind: type[ArgExtremum], x: Any, axis: int | None, keepdims: bool) -> Tensor:
    from .shape import flatten, normalize_axis

    x = asarray(x)
    if axis is None:
        found = apply(kind(0, False), flatten(x))
        return reshape(found, (1,) * x.ndim) if keepdims else found
    return apply(kind(normalize_axis(axis, x.ndim, kind.__name__.lower()), keepdims), x)


def argmax(x: Any, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position (int64) of the first largest element along `axis`, of the flattened tensor if None. No gradient.

    >>> gg.argmax(gg.asarray([[1.0, 5.0], [4.0, 3.0]]), axis=1)
    tensor([1, 0])
    """
    return _arg(Argmax, x, axis, keepdims)


def argmin(x: Any, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position (int64) of the first smallest element along `axis`, of the flattened tensor if None. No gradient.

    >>> gg.argmin(gg.asarray([[1.0, 5.0], [4.0, 3.0]]), axis=1)
    tensor([0, 1])
    """
    return _arg(Argmin, x, axis, keepdims)


@static
class TruthReduction(Op):
    """Whether some or all elements along `axes` are true."""

    axes: tuple[int, ...]
    keepdims: bool

    argument_names = ("x",)
    differentiable: ClassVar[bool] = False
    no_gradient_because: ClassVar[str] = "its result is true or false"
    pattern: ClassVar[str] = "blocker: no gradient passes"

    def shape(self, x: Aval) -> Aval:
        return Aval(reduced_shape(x.shape, self.axes, self.keepdims), bool_)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(replaced(self, axes=tuple(a + 1 for a in self.axes)), x)


class All(TruthReduction):
    """Whether all elements are true."""

    formula = "out = x[0] and x[1] and ..."

    def forward(self, x: Any) -> Any:
        return np.all(x, self.axes, keepdims=self.keepdims)


class Any_(TruthReduction):  # noqa: N801 - Any is typing's
    """Whether some element is true."""

    formula = "out = x[0] or x[1] or ..."

    @property
    def name(self) -> str:
        return "any"

    def forward(self, x: Any) -> Any:
        return np.any(x, self.axes, keepdims=self.keepdims)


def all(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over `axis` are true (or non-zero). Booleans, no gradient.

    >>> gg.all(gg.asarray([True, False]))
    tensor(False)
    """
    x = asarray(x)
    return apply(interned(All, normalize_axes(axis, x.ndim, "all"), keepdims), x)


def any(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Whether some element over `axis` is true (or non-zero). Booleans, no gradient.

    >>> gg.any(gg.asarray([True, False]))
    tensor(True)
    """
    x = asarray(x)
    return apply(interned(Any_, normalize_axes(axis, x.ndim, "any"), keepdims), x)


def logsumexp(x: Any, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """ln sum exp(x) over `axis`, real float dtypes. The maximum is subtracted first, so it cannot overflow.

    -inf for rows of -inf only. The gradient is softmax(x).

    >>> f"{gg.logsumexp(gg.asarray([1000.0, 1000.0])):.3f}"
    '1000.693'
    """
    from .exponential import exp, log

    x = asarray(x)
    axes = normalize_axes(axis, x.ndim, "logsumexp")
    shift = finite_maximum(x, axes)
    total = log(sum(exp(x - shift), axis=axes, keepdims=True)) + shift
    return total if keepdims else reshape(total, reduced_shape(x.shape, axes, False))


def finite_maximum(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The maximum over `axes` (kept), as a constant, 0 where it is infinite: what exponentials are shifted by."""
    from .compare import isfinite, where
    from .shape import stop_gradient

    largest = stop_gradient(max(x, axis=axes, keepdims=True))
    return where(isfinite(largest), largest, 0.0)
