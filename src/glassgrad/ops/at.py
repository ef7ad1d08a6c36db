"""`x.at[index]`: tensors with some elements replaced, or combined with what is put beside them."""

from __future__ import annotations

from typing import Any

from ..graph import interned
from ..graph.static import static
from ..tensor import Tensor, apply
from .index import Index, IndexAdd, IndexSet, aval_of, like
from .key import Key, split_key
from .scattering import IndexExtremum, IndexMultiply
from .shape import broadcast_to


@static
class At:
    """`x.at[index]`: `.set`, `.add`, `.multiply`, `.min` and `.max` with values; each returns a new tensor.

    The index is any that `x[index]` takes. The values are broadcast to the shape of `x[index]` and take x's dtype.
    """

    x: Tensor
    key: Any = None

    def __getitem__(self, key: Any) -> At:
        return At(self.x, key)

    def set(self, values: Any) -> Tensor:
        """x with `values` at the index. If a position occurs twice, the last value stays; the others get no gradient.

        >>> import glassgrad as gg
        >>> gg.tensor([1.0, 2.0]).at[0].set(9.0)
        tensor([9., 2.])
        """
        key, arrays = split_key(self.x, self.key)
        return apply(interned(IndexSet, key), self.x, like(values, self.x), *arrays)

    def add(self, values: Any) -> Tensor:
        """x with `values` added at the index. If a position occurs twice, both values are added.

        >>> import glassgrad as gg
        >>> gg.tensor([1.0, 2.0]).at[gg.asarray([0, 0])].add(1.0)
        tensor([3., 2.])
        """
        key, spread, arrays = self._spread(values)
        return self.x + apply(interned(IndexAdd, key, self.x.shape), spread, *arrays)

    def multiply(self, values: Any) -> Tensor:
        """x multiplied by `values` at the index. If a position occurs twice, by both.

        The gradient is exact also where factors are 0; the second derivative with respect to two values for one
        position that are both 0 comes out as 0.

        >>> import glassgrad as gg
        >>> gg.tensor([1.0, 2.0]).at[gg.asarray([1, 1])].multiply(3.0)
        tensor([ 1., 18.])
        """
        key, spread, arrays = self._spread(values)
        return apply(interned(IndexMultiply, key), self.x, spread, *arrays)

    def min(self, values: Any) -> Tensor:
        """At the index the smaller of x and the values; of equal ones each gets an equal part of the gradient.

        >>> import glassgrad as gg
        >>> gg.tensor([1.0, 2.0]).at[:].min(1.5)
        tensor([1. , 1.5])
        """
        key, spread, arrays = self._spread(values)
        return apply(interned(IndexExtremum, key, False), self.x, spread, *arrays)

    def max(self, values: Any) -> Tensor:
        """At the index the larger of x and the values; of equal ones each gets an equal part of the gradient.

        >>> import glassgrad as gg
        >>> gg.tensor([1.0, 2.0]).at[gg.asarray([0, 0])].max(gg.asarray([5.0, 3.0]))
        tensor([5., 2.])
        """
        key, spread, arrays = self._spread(values)
        return apply(interned(IndexExtremum, key, True), self.x, spread, *arrays)

    def _spread(self, values: Any) -> tuple[Key, Tensor, list[Tensor]]:
        """The key, the values in the shape of x[key], and the index arrays."""
        key, arrays = split_key(self.x, self.key)
        place = interned(Index, key).shape(aval_of(self.x), *map(aval_of, arrays))
        return key, broadcast_to(like(values, self.x), place.shape), arrays
