"""Cumulative ops: at every position what the elements up to there give together; and differences, which undo sums."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..graph import OUT, Aval, Op, interned
from ..graph.loops import Running
from ..graph.static import static
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import int64, promote
from .compare import not_equal
from .complex_numbers import conj
from .families import Linear, require_kind
from .index import take_along_axis
from .joining import concat
from .reduce import accumulated, accumulator
from .shape import astype, flip, normalize_axis
from .stacks import all_stacked

__all__ = ["cummax", "cummin", "cumulative_prod", "cumulative_sum", "diff"]


@static
class CumulativeSum(Linear):
    """At every position along `axis` the sum of the elements up to it."""

    axis: int

    argument_names = ("x",)
    formula = "out[i] = x[0] + ... + x[i]"
    pattern: ClassVar[str] = (
        "adder: every element gets the sum of the upstream gradients from its position on"
    )

    def shape(self, x: Aval) -> Aval:
        return Aval(x.shape, accumulated(x.dtype))

    def forward(self, x: Any) -> Any:
        return np.cumsum(x, self.axis, dtype=accumulator(x.dtype)).astype(accumulated(x.dtype), copy=False)

    def loops(self, x: Aval) -> Running:
        return Running("add", self.axis)

    def transpose(self, g: Tensor, x: Tensor) -> tuple[Tensor]:
        return (flip(apply(self, flip(g, axis=self.axis)), axis=self.axis),)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(interned(CumulativeSum, self.axis + 1), x)


def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Tensor:
    """At every position along `axis` the sum of the elements up to it; the same shape.

    `axis` may be left out for one axis. Integers of any width are summed as 64-bit integers, floats in double
    precision. With `include_initial` there is a 0 in front, and one element more. `dtype` is that of the result.

    >>> gg.cumulative_sum(gg.asarray([1.0, 2.0, 4.0]))
    tensor([1., 3., 7.])
    >>> gg.cumulative_sum(gg.asarray([1, 2, 4]), include_initial=True)
    tensor([0, 1, 3, 7])
    """
    return _cumulative(CumulativeSum, "cumulative_sum", x, axis, dtype, 0 if include_initial else None)


@static
class LinearRecurrence(Op):
    """h[i] = a[i] h[i - 1] + b[i] along `axis`, with h[-1] = 0: what derivatives of cumulative products are made of.

    An op of its own because its derivatives are such recurrences again, with as many steps, and never divide.
    """

    axis: int

    argument_names = ("a", "b")
    saves = ((0, OUT), (0,))
    formula = "out[i] = a[i] * out[i - 1] + b[i]"
    pattern: ClassVar[str] = "recurrence: the upstream gradients run back, each step multiplied by a"

    def shape(self, a: Aval, b: Aval) -> Aval:
        if a.shape != b.shape:
            raise ShapeError(f"{self.name} needs inputs of one shape; got {self.describe_inputs((a, b))}")
        require_kind(self, "iufc", a, b)
        return Aval(a.shape, promote({a.dtype, b.dtype}))

    def forward(self, a: Any, b: Any) -> Any:
        require_kind(self, "iufc", a, b)
        out = np.empty(b.shape, promote({a.dtype, b.dtype}))
        factors, summands, places = (np.moveaxis(array, self.axis, 0) for array in (a, b, out))
        last: Any = np.zeros((), out.dtype)
        for i in range(len(places)):
            last = factors[i] * last + summands[i]
            places[i] = last
        return out

    def loops(self, a: Aval, b: Aval) -> Running:
        return Running("recurrence", self.axis)

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor, b: Tensor
    ) -> tuple[Tensor | None, ...]:
        back = run_back(self.axis, a, g)
        return (
            astype(back * conj(shifted(out, self.axis, 0)), a.dtype) if needed[0] else None,
            astype(back, b.dtype),
        )

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor, b: Tensor) -> Tensor | None:
        of_a, of_b = tangents
        moved = of_b if of_a is None else of_a * shifted(out, self.axis, 0)
        if of_a is not None and of_b is not None:
            moved = moved + of_b
        return None if moved is None else apply(self, a, moved)

    def batch(self, batched: tuple[bool, ...], *inputs: Tensor) -> Tensor:
        return apply(interned(LinearRecurrence, self.axis + 1), *all_stacked(batched, inputs))


def run_back(axis: int, a: Tensor, g: Tensor) -> Tensor:
    """The recurrence from the end: out[i] = conj(a[i + 1]) out[i + 1] + g[i]."""
    factors = shifted(flip(a, axis=axis), axis, 0)
    return flip(apply(interned(LinearRecurrence, axis), conj(factors), flip(g, axis=axis)), axis=axis)


def shifted(x: Tensor, axis: int, first: int) -> Tensor:
    """The elements of x moved on by one place along `axis`; the number `first` comes in, the last element drops out."""
    if not x.shape[axis]:
        return x
    behind = x[(*(slice(None),) * axis, slice(None, -1))]
    return concat([np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), first, x.dtype), behind], axis=axis)


@static
class CumulativeProd(Op):
    """At every position along `axis` the product of the elements up to it."""

    axis: int

    argument_names = ("x",)
    saves = ((0, OUT),)
    formula = "out[i] = x[0] * ... * x[i]"
    pattern: ClassVar[str] = (
        "switch: every element gets the upstream gradients from its position on, each times the other factors there"
    )

    def shape(self, x: Aval) -> Aval:
        return Aval(x.shape, accumulated(x.dtype))

    def forward(self, x: Any) -> Any:
        return np.cumprod(x, self.axis, dtype=accumulated(x.dtype))

    def loops(self, x: Aval) -> Running:
        return Running("multiply", self.axis)

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, x: Tensor) -> tuple[Tensor]:
        return (run_back(self.axis, x, g) * conj(shifted(out, self.axis, 1)),)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, x: Tensor) -> Tensor | None:
        (tangent,) = tangents
        if tangent is None:
            return None
        return apply(interned(LinearRecurrence, self.axis), x, tangent * shifted(out, self.axis, 1))

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(interned(CumulativeProd, self.axis + 1), x)


def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Tensor:
    """At every position along `axis` the product of the elements up to it; the same shape.

    `axis` may be left out for one axis. Integers of any width are multiplied as 64-bit integers. With
    `include_initial` there is a 1 in front, and one element more. `dtype` is that of the result. Gradients of every
    order are exact also where elements are 0, because nothing is divided.

    >>> gg.cumulative_prod(gg.asarray([1.0, 2.0, 4.0]))
    tensor([1., 2., 8.])
    """
    return _cumulative(CumulativeProd, "cumulative_prod", x, axis, dtype, 1 if include_initial else None)


def _cumulative(kind: Any, name: str, x: Any, axis: int | None, dtype: Any, initial: int | None) -> Tensor:
    x = asarray(x)
    if axis is None and x.ndim != 1:
        raise ArgumentError(f"{name} needs an axis for a tensor with {x.ndim} axes")
    place = normalize_axis(0 if axis is None else axis, x.ndim, name)
    if dtype is not None:
        x = astype(x, dtype)
    found = apply(interned(kind, place), x)
    if initial is not None:
        slab = np.full((*x.shape[:place], 1, *x.shape[place + 1 :]), initial, found.dtype)
        found = concat([slab, found], axis=place)
    return found if dtype is None else astype(found, dtype)


@static
class RunningPosition(Op):
    """At every position along `axis` where the largest element up to it is (or the smallest), the first of equals."""

    axis: int
    largest: bool

    argument_names = ("x",)
    differentiable: ClassVar[bool] = False
    no_gradient_because: ClassVar[str] = "its result is positions, integers"
    formula = "x[out[i]] = max_{j <= i} x[j], or min"
    pattern: ClassVar[str] = "blocker: no gradient passes"

    def shape(self, x: Aval) -> Aval:
        require_kind(self, "biuf", x)
        return Aval(x.shape, int64)

    def forward(self, x: Any) -> Any:
        require_kind(self, "biuf", x)
        rows = np.moveaxis(x, self.axis, 0)
        running = (np.maximum if self.largest else np.minimum).accumulate(rows, 0)
        begins = np.ones(rows.shape, bool)
        # a NaN is the extremum from where it stands on, and differs from itself
        begins[1:] = (running[1:] != running[:-1]) & (running[:-1] == running[:-1])
        places = np.arange(len(rows)).reshape(-1, *(1,) * (x.ndim - 1))
        return np.moveaxis(np.maximum.accumulate(np.where(begins, places, 0), 0), 0, self.axis)

    def loops(self, x: Aval) -> Running:
        return Running("largest" if self.largest else "smallest", self.axis)

    def batch(self, batched: tuple[bool, ...], x: Tensor) -> Tensor:
        return apply(interned(RunningPosition, self.axis + 1, self.largest), x)


def cummax(x: Any, /, *, axis: int = -1) -> Tensor:
    """At every position along `axis` the largest element up to it; NaN from the first NaN on. Real dtypes.

    The gradient goes to that element, to the first where several are equal. Composed of the positions and
    `take_along_axis`, like `gg.sort`.

    >>> gg.cummax(gg.asarray([1.0, 3.0, 2.0, 4.0]))
    tensor([1., 3., 3., 4.])
    """
    x = asarray(x)
    place = normalize_axis(axis, x.ndim, "cummax")
    return take_along_axis(x, apply(interned(RunningPosition, place, True), x), axis=place)


def cummin(x: Any, /, *, axis: int = -1) -> Tensor:
    """At every position along `axis` the smallest element up to it; NaN from the first NaN on. Real dtypes.

    The gradient goes to that element, to the first where several are equal.

    >>> gg.cummin(gg.asarray([3.0, 1.0, 2.0, 0.0]))
    tensor([3., 1., 1., 0.])
    """
    x = asarray(x)
    place = normalize_axis(axis, x.ndim, "cummin")
    return take_along_axis(x, apply(interned(RunningPosition, place, False), x), axis=place)


def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Tensor:
    """The differences of neighbours along `axis`, taken `n` times: what `cumulative_sum` adds up. Size less by n.

    `prepend` and `append` are joined to x first. Booleans give whether neighbours differ.
    Raises ArgumentError for a negative n, ShapeError if what is joined does not fit.

    >>> gg.diff(gg.asarray([1.0, 4.0, 9.0, 16.0]))
    tensor([3., 5., 7.])
    """
    x = asarray(x)
    place = normalize_axis(axis, x.ndim, "diff")
    if n < 0:
        raise ArgumentError(f"diff is taken 0 or more times; got n={n}")
    around = [part for part in (prepend, x, append) if part is not None]
    found = concat(around, axis=place) if len(around) > 1 else x
    before = (slice(None),) * place
    for _ in range(n):
        later, earlier = found[(*before, slice(1, None))], found[(*before, slice(None, -1))]
        found = not_equal(later, earlier) if found.dtype.kind == "b" else later - earlier
    return found
