"""Decompositions: ops with several results, packed into one array, because a node of the graph has one value.

The parts are flattened and laid out one after the other along the last axis. Real and complex parts are packed as
complex numbers. Taking a part out is a slice, so it is linear and needs no rule of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ...graph import OUT, Aval, Op
from ...tensor import Tensor, apply
from ...tensor.dtype import promote
from ..complex_numbers import real
from ..families import unbroadcast
from ..joining import concat
from ..shape import astype, reshape
from .requirements import require_matrices

Parts = tuple[Tensor, ...]


class Decomposition(Op):
    """Matrices (the last two axes) to several parts, which are packed.

    Write `parts`: shape and dtype of each part for one matrix; `forward`, which ends in `packed`; and the rules
    `pull` and `push`, which work on parts. The gradient reads the result alone, unless `saves` says otherwise.
    """

    argument_names = ("a",)
    saves: tuple[tuple[int, ...], ...] = ((OUT,),)
    is_analytic: ClassVar[bool] = False

    def require(self, a: Any) -> None:
        """Raise unless a can be decomposed."""
        require_matrices(self, a)

    def parts(self, a: Aval | Tensor) -> tuple[Aval, ...]:
        """Shape and dtype of each part of the decomposition of one matrix."""
        raise NotImplementedError

    def pull(self, g: Parts, parts: Parts, a: Tensor) -> Tensor:
        """The gradient of a from the upstream gradients of the parts."""
        raise NotImplementedError

    def push(self, da: Tensor, parts: Parts, a: Tensor) -> Parts:
        """The parts' tangents from the tangent of a."""
        raise NotImplementedError

    def shape(self, a: Aval) -> Aval:
        self.require(a)
        parts = self.parts(a)
        total = sum(math.prod(part.shape) for part in parts)
        return Aval((*a.shape[:-2], total), promote({part.dtype for part in parts}))

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor) -> tuple[Tensor]:
        return (unbroadcast(self.pull(self.unpack(g, a), self.unpack(out, a), a), a),)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor) -> Tensor | None:
        (da,) = tangents
        return None if da is None else self.pack(self.push(da, self.unpack(out, a), a), out)

    def batch(self, batched: tuple[bool, ...], a: Tensor) -> Tensor:
        return apply(self, a)

    def of(self, a: Tensor) -> Parts:
        """The parts of the decomposition of a."""
        return self.unpack(apply(self, a), a)

    def unpack(self, whole: Tensor, a: Tensor) -> Parts:
        """The parts, taken out of the array that holds them, for an input like a."""
        found, start = [], 0
        for part in self.parts(a):
            stop = start + math.prod(part.shape)
            piece = reshape(whole[..., start:stop], (*whole.shape[:-1], *part.shape))
            found.append(real(piece) if part.dtype.kind != "c" else piece)
            start = stop
        return tuple(found)

    def pack(self, parts: Sequence[Tensor], out: Tensor) -> Tensor:
        """Parts in one array, like `out`."""
        lead = out.shape[:-1]
        flat = [reshape(part, (*lead, math.prod(part.shape[len(lead) :]))) for part in parts]
        return concat([astype(part, out.dtype) for part in flat], axis=-1)


def packed(leading: int, *parts: Any) -> Any:
    """NumPy arrays with the same `leading` axes, the other axes flattened, in one array."""
    flat = [part.reshape((*part.shape[:leading], math.prod(part.shape[leading:]))) for part in parts]
    return np.concatenate(flat, axis=-1)
