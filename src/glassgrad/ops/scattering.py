"""Scattering: values that are combined with what stands at their positions, and positions given along one axis."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ..errors import DTypeError, ShapeError
from ..graph import OUT, Aval, Op, interned
from ..graph.loops import Scattered
from ..graph.static import static
from ..tensor import Tensor, apply, asarray
from .arithmetic import add
from .compare import equal, where
from .complex_numbers import conj
from .families import require_kind
from .index import Index, IndexAdd, IndexSet, aval_of, grid_along, like, update_shape, update_stacks
from .key import ARRAY, Key, why_index_fails
from .shape import astype, broadcast_to

__all__ = ["scatter", "scatter_add"]


class Combination(Op):
    """x, with each of `values` combined with what stands at its position. Inputs: x, values, index arrays of the key.

    A position may occur several times, so these are no compositions of `Index` and `IndexSet`. The values have the
    shape of x[key], and take the dtype of x.
    """

    key: Key

    kinds: ClassVar[str]

    @property
    def instruction(self) -> str:
        """How a value and what stands at its position are combined."""
        raise NotImplementedError

    @cached_property
    def saves(self) -> tuple[tuple[int, ...], ...]:
        """Everything."""
        return ((OUT, *range(2 + self.key.items.count(ARRAY))),) * 2

    def shape(self, x: Aval, values: Aval, *indices: Aval) -> Aval:
        require_kind(self, self.kinds, x, values)
        if values.dtype.kind == "c" != x.dtype.kind:
            raise DTypeError(f"{self.name} cannot put {values.dtype} values into {x.dtype}")
        return update_shape(self.key, x, values, indices)

    def combined(self, ufunc: Any, x: Any, values: Any, indices: tuple[Any, ...]) -> Any:
        """x with the NumPy function of x and the values at their positions, one value after the other."""
        if values.dtype.kind not in self.kinds or x.dtype.kind not in self.kinds or values.dtype.kind == "c":
            self.shape(*(Aval(array.shape, array.dtype) for array in (x, values, *indices)))
        result = x.copy()
        try:
            ufunc.at(result, self.key.restore(indices), values.astype(x.dtype, copy=False))
        except IndexError as problem:
            raise ShapeError(why_index_fails(self.key, x, indices, str(problem))) from None
        return result

    def loops(self, x: Aval, values: Aval, *indices: Aval) -> Scattered | None:
        if values.dtype != x.dtype:
            return None
        return Scattered(self.key.chosen(x.shape), self.instruction, True)

    def chosen(self, x: Tensor, indices: tuple[Tensor, ...]) -> Tensor:
        """What stands at the positions."""
        return apply(interned(Index, self.key), x, *indices)

    def added(self, values: Tensor, x: Tensor, indices: tuple[Tensor, ...]) -> Tensor:
        """The values added up at their positions."""
        return apply(interned(IndexAdd, self.key, x.shape), values, *indices)

    def factors(
        self, out: Tensor, x: Tensor, values: Tensor, indices: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor]:
        """The derivative of the result with respect to the element of x there, and with respect to each value."""
        raise NotImplementedError

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, x: Tensor, values: Tensor, *indices: Tensor
    ) -> tuple[Tensor | None, ...]:
        of_x, of_values = self.factors(out, x, values, indices)
        to_values = astype(self.chosen(g, indices) * conj(of_values), values.dtype)
        return (g * conj(of_x), to_values, *(None,) * len(indices))

    def jvp(
        self, tangents: tuple[Tensor | None, ...], out: Tensor, x: Tensor, values: Tensor, *indices: Tensor
    ) -> Tensor | None:
        of_x, of_values = self.factors(out, x, values, indices)
        dx, dvalues, *_ = tangents
        left = None if dx is None else dx * of_x
        right = None if dvalues is None else self.added(dvalues * of_values, x, indices)
        return right if left is None else left if right is None else left + right

    def batch(self, batched: tuple[bool, ...], x: Tensor, values: Tensor, *indices: Tensor) -> Tensor:
        return update_stacks(self, batched, x, values, *indices)


@static
class IndexMultiply(Combination):
    """x, multiplied by the values at their positions."""

    key: Key

    kinds: ClassVar[str] = "biufc"
    argument_names = ("x", "values")
    formula = "out = x, then out[key] *= values"
    pattern: ClassVar[str] = "switch: every factor gets the upstream gradient times the other factors"
    instruction = "multiply"

    def forward(self, x: Any, values: Any, *indices: Any) -> Any:
        return self.combined(np.multiply, x, values, indices)

    def factors(
        self, out: Tensor, x: Tensor, values: Tensor, indices: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor]:
        """Products of the other factors.

        For a value that is not 0, the result divided by it; for the only 0 among the values at a position, the product
        without it. Two of them make it 0, which is right, but differentiated again it stays 0.
        """
        of_x = apply(self, asarray(np.ones(x.shape, x.dtype)), values, *indices)
        none = equal(values, 0)
        without = where(none, asarray(np.ones((), x.dtype)), values)
        zeros_there = self.chosen(self.added(astype(none, x.dtype), x, indices), indices)
        only_zero = astype(equal(zeros_there, 1), x.dtype)
        alone = self.chosen(apply(self, x, without, *indices), indices) * only_zero
        return of_x, where(none, alone, self.chosen(out, indices) / without)


@static
class IndexExtremum(Combination):
    """At every position the largest (or the smallest) of the element of x and the values there."""

    key: Key
    largest: bool

    kinds: ClassVar[str] = "biuf"
    argument_names = ("x", "values")
    formula = "out = x, then out[key] = max(out[key], values), or min"
    pattern: ClassVar[str] = (
        "router: the upstream gradient goes to the chosen one, in equal parts if several are"
    )

    @property
    def instruction(self) -> str:
        """The larger or the smaller of the two."""
        return "maximum" if self.largest else "minimum"

    def forward(self, x: Any, values: Any, *indices: Any) -> Any:
        return self.combined(np.maximum if self.largest else np.minimum, x, values, indices)

    def factors(
        self, out: Tensor, x: Tensor, values: Tensor, indices: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor]:
        """1 for what was chosen, 1/k for each of k equal ones, 0 for the others."""
        of_x = astype(equal(x, out), x.dtype)
        of_values = astype(equal(values, self.chosen(out, indices)), x.dtype)
        equal_ones = of_x + self.added(of_values, x, indices)
        return of_x / equal_ones, of_values / self.chosen(equal_ones, indices)


def scatter(x: Any, indices: Any, values: Any, /, *, axis: int = -1) -> Tensor:
    """x with `values` in the place of the elements that `take_along_axis(x, indices, axis=axis)` would take.

    `values` are broadcast to the shape of the indices. If a position occurs twice, the last value stays, and only that
    one gets a gradient. For other index expressions there is `x.at[index].set(values)`.

    >>> gg.scatter(gg.asarray([[1, 2], [3, 4]]), gg.asarray([[1], [0]]), 9, axis=1)
    tensor([[1, 9],
            [9, 4]])
    """
    x = asarray(x)
    key, grid = grid_along(x, indices, axis, "scatter")
    return apply(interned(IndexSet, key), x, like(values, x), *grid)


def scatter_add(x: Any, indices: Any, values: Any, /, *, axis: int = -1) -> Tensor:
    """x with `values` added to the elements that `take_along_axis(x, indices, axis=axis)` would take.

    `values` are broadcast to the shape of the indices; all that are for one position are added.

    >>> gg.scatter_add(gg.asarray([1.0, 2.0]), gg.asarray([1, 1, 0]), gg.asarray([10.0, 20.0, 30.0]))
    tensor([31., 32.])
    """
    x = asarray(x)
    key, grid = grid_along(x, indices, axis, "scatter_add")
    place = interned(Index, key).shape(aval_of(x), *map(aval_of, grid))
    spread = broadcast_to(like(values, x), place.shape)
    return add(x, apply(interned(IndexAdd, key, x.shape), spread, *grid))
