"""`x.at[index]`: tensors with some elements replaced, or changed by what is put beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..graph import interned
from ..tensor import Tensor, apply, asarray
from .index import Index, IndexAdd, IndexSet, aval_of
from .key import split_key
from .shape import astype, broadcast_to


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
        return apply(interned(IndexSet, key), self.x, _like(values, self.x), *arrays)

    def add(self, values: Any) -> Tensor:
        """x with `values` added at the index. If a position occurs twice, both values are added.

        >>> import glassgrad as gg
        >>> gg.tensor([1.0, 2.0]).at[gg.asarray([0, 0])].add(1.0)
        tensor([3., 2.])
        """
        key, arrays = split_key(self.x, self.key)
        place = interned(Index, key).shape(aval_of(self.x), *map(aval_of, arrays))
        spread = broadcast_to(_like(values, self.x), place.shape)
        return self.x + apply(interned(IndexAdd, key, self.x.shape), spread, *arrays)


def _like(values: Any, x: Tensor) -> Tensor:
    # a Python number is taken in x's dtype at once: by way of float32 it would lose digits beside float64
    return astype(values, x.dtype) if isinstance(values, Tensor) else asarray(values, x.dtype)
