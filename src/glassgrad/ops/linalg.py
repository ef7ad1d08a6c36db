"""Linear algebra: solving linear systems and the Cholesky factor. Public as `gg.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..graph import OUT, Aval, Op
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import promote
from .contract import matmul
from .families import require_kind, unbroadcast
from .shape import expand_dims, matrix_transpose, squeeze
from .sorting import tril, where_off_diagonal

__all__ = ["cholesky", "solve"]


def _require_square(op: Op, a: Aval) -> None:
    require_kind(op, "f", a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{op.name} needs square matrices on the last two axes; got shape {a.shape}")


class Solve(Op):
    """The X with A X = B."""

    argument_names = ("a", "b")
    formula = "a @ out = b"
    saves = ((0, OUT), (0,))
    pattern = "solver: b gets aᵀ⁻¹ g, and a gets minus that times outᵀ"

    def shape(self, a: Aval, b: Aval) -> Aval:
        _require_square(self, a)
        require_kind(self, "f", a, b)
        if b.ndim < 2 or a.shape[-1] != b.shape[-2]:
            raise ShapeError(f"solve needs a.shape[-1] == b.shape[-2]; got {self.describe_inputs((a, b))}")
        try:
            batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            raise ShapeError(
                f"solve cannot broadcast the leading axes of {self.describe_inputs((a, b))}"
            ) from None
        return Aval((*batch, *b.shape[-2:]), promote({a.dtype, b.dtype}))

    def forward(self, a: Any, b: Any) -> Any:
        self.shape(Aval(a.shape, a.dtype), Aval(b.shape, b.dtype))
        try:
            return np.linalg.solve(a, b)
        except np.linalg.LinAlgError:
            raise ArgumentError(
                "solve needs matrices that can be inverted; at least one is singular"
            ) from None

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor, b: Tensor
    ) -> tuple[Tensor | None, ...]:
        to_b = apply(self, matrix_transpose(a), g)
        to_a = unbroadcast(-matmul(to_b, matrix_transpose(out)), a) if needed[0] else None
        return to_a, unbroadcast(to_b, b)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor, b: Tensor) -> Tensor | None:
        da, db = tangents
        change = None if da is None else -matmul(da, out)
        change = db if change is None else change if db is None else db + change
        return None if change is None else apply(self, a, change)


_solve = Solve()


def solve(a: Any, b: Any, /) -> Tensor:
    """The x with a @ x = b. a: (..., n, n); b: (n,) or (..., n, m). Real float dtypes.

    Raises ShapeError, and ArgumentError for a singular matrix.

    >>> gg.linalg.solve(gg.asarray([[2.0, 0.0], [0.0, 4.0]]), gg.asarray([2.0, 2.0]))
    tensor([1. , 0.5])
    """
    a, b = asarray(a), asarray(b)
    return squeeze(apply(_solve, a, expand_dims(b, 1)), -1) if b.ndim == 1 else apply(_solve, a, b)


class Cholesky(Op):
    """The lower triangular L with L Lᵀ = A, of a symmetric positive definite A."""

    argument_names = ("a",)
    formula = "out @ outᵀ = a"
    saves = ((OUT,),)
    pattern = "solver: the upstream gradient between two triangular solves, made symmetric"

    def shape(self, a: Aval) -> Aval:
        _require_square(self, a)
        return a

    def forward(self, a: Any) -> Any:
        self.shape(Aval(a.shape, a.dtype))
        try:
            # the derivative belongs to this symmetric reading of a, not to its lower triangle alone
            return np.linalg.cholesky((a + a.swapaxes(-1, -2)) / 2)
        except np.linalg.LinAlgError:
            raise ArgumentError(
                "cholesky needs symmetric positive definite matrices; at least one is not"
            ) from None

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor) -> tuple[Tensor]:
        inner = _half_diagonal(tril(matmul(matrix_transpose(out), g)))
        upper = matrix_transpose(out)
        half = apply(_solve, upper, inner)  # L⁻ᵀ Φ
        whole = matrix_transpose(apply(_solve, upper, matrix_transpose(half)))  # L⁻ᵀ Φ L⁻¹
        return ((whole + matrix_transpose(whole)) / 2,)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor) -> Tensor | None:
        (da,) = tangents
        if da is None:
            return None
        left = apply(_solve, out, (da + matrix_transpose(da)) / 2)
        both = matrix_transpose(apply(_solve, out, matrix_transpose(left)))
        return matmul(out, _half_diagonal(tril(both)))


def _half_diagonal(x: Tensor) -> Tensor:
    """The matrices with their diagonal halved: Φ in Murray (2016), once the upper triangle is 0."""
    return (x + where_off_diagonal(x, 0.0)) / 2


_cholesky = Cholesky()


def cholesky(a: Any, /, *, upper: bool = False) -> Tensor:
    """The lower (or upper) triangular factor L of a = L Lᵀ. a: (..., n, n), symmetric positive definite, real float.

    a is read as (a + aᵀ) / 2, and its gradient is symmetric. Raises ShapeError, and ArgumentError if a is not
    positive definite. Source: Murray, "Differentiation of the Cholesky decomposition" (2016).

    >>> gg.linalg.cholesky(gg.asarray([[4.0, 2.0], [2.0, 2.0]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    factor = apply(_cholesky, a)
    return matrix_transpose(factor) if upper else factor
