"""Gaussian elimination: the LU decomposition with row exchanges."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

from ...graph import OUT, Aval, Op
from ...tensor import Tensor, apply, asarray
from ...tensor.dtype import int64
from ..contract import matmul
from ..index import take_along_axis
from ..joining import concat
from ..shape import astype, broadcast_to, expand_dims, matrix_transpose
from ..sorting import tril, triu
from .adjoint import adjoint
from .diagonals import identity_like
from .requirements import require_matrices
from .solving import solve_lower, solve_upper


class LuPivots(Op):
    """The order of rows in which elimination takes them: in each column the largest element left comes next."""

    argument_names = ("a",)
    formula = "a[out] has the largest elements on the diagonal, as it is eliminated"
    pattern = "blocker: no gradient passes"
    differentiable: ClassVar[bool] = False
    no_gradient_because: ClassVar[str] = "its result is a permutation, of integers"

    def shape(self, a: Aval) -> Aval:
        require_matrices(self, a)
        return Aval(a.shape[:-1], int64)

    def forward(self, a: Any) -> Any:
        require_matrices(self, a)
        m, n = a.shape[-2:]
        left = np.array(a)
        order = np.broadcast_to(np.arange(m), a.shape[:-1])
        for i in range(min(m, n)):
            size = np.abs(left[..., i:, i].real) + np.abs(left[..., i:, i].imag)  # as LAPACK compares
            chosen = i + size.argmax(-1)[..., None]
            rows = np.broadcast_to(np.arange(m), a.shape[:-1]).copy()
            np.put_along_axis(rows, chosen, i, -1)
            rows[..., i] = chosen[..., 0]
            left, order = np.take_along_axis(left, rows[..., None], -2), np.take_along_axis(order, rows, -1)
            eliminate(left, i)
        return order

    def batch(self, batched: tuple[bool, ...], a: Tensor) -> Tensor:
        return apply(self, a)


class Lu(Op):
    """The L and U with L U = A, without row exchanges, of matrices with at least as many rows as columns: U on and
    above the diagonal, L below it, whose own diagonal is ones."""

    argument_names = ("a",)
    formula = "(tril(out, -1) + I) @ triu(out) = a"
    saves = ((OUT,),)
    pattern = "solver: Lᴴ gL below the diagonal and gU Uᴴ above it, between L⁻ᴴ and U⁻ᴴ"

    def shape(self, a: Aval) -> Aval:
        require_matrices(self, a)
        return a

    def forward(self, a: Any) -> Any:
        require_matrices(self, a)
        left = np.array(a)
        for i in range(a.shape[-1]):
            eliminate(left, i)
        return left

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor) -> tuple[Tensor]:
        lower, rest, upper = factors(out)
        to_lower, to_rest, to_upper = tril(_top(g), k=-1), _below(g), triu(_top(g))
        above = triu(matmul(to_upper, adjoint(upper)) - matmul(adjoint(rest), to_rest))
        inner = tril(matmul(adjoint(lower), to_lower), k=-1) + above
        to_y = concat([solve_upper(adjoint(lower), inner), to_rest], axis=-2)  # Y = A U⁻¹
        return (adjoint(solve_upper(upper, adjoint(to_y))),)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor) -> Tensor | None:
        (da,) = tangents
        if da is None:
            return None
        lower, rest, upper = factors(out)
        y = adjoint(solve_lower(adjoint(upper), adjoint(da)))  # dA U⁻¹
        inner = solve_lower(lower, _top(y))
        above = triu(inner)
        d_square = matmul(lower, tril(inner, k=-1)) + matmul(above, upper)
        return concat([d_square, _below(y) - matmul(rest, above)], axis=-2)

    def batch(self, batched: tuple[bool, ...], a: Tensor) -> Tensor:
        return apply(self, a)


def _top(x: Tensor) -> Tensor:
    """The square at the top of tall matrices."""
    return x[..., : x.shape[-1], :]


def _below(x: Tensor) -> Tensor:
    """The rows below it."""
    return x[..., x.shape[-1] :, :]


def eliminate(left: Any, i: int) -> None:
    """Take multiples of row i off the rows below it, in place, so that column i vanishes there, and store the
    multiples in its stead; none if the pivot is 0."""
    pivot = left[..., i, i, None]
    left[..., i + 1 :, i] /= np.where(pivot == 0, 1, pivot)
    left[..., i + 1 :, i + 1 :] -= left[..., i + 1 :, i, None] * left[..., i, None, i + 1 :]


def factors(compact: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The square part of L, the rest of L, and U, taken out of the matrix that holds them."""
    top = _top(compact)
    return tril(top, k=-1) + identity_like(top), _below(compact), triu(top)


_pivots, _lu = LuPivots(), Lu()


class LUResult(NamedTuple):
    """What `lu` returns."""

    P: Tensor
    L: Tensor
    U: Tensor


def lu(a: Any, /) -> LUResult:
    """(P, L, U) with a = P L U: a permutation, a lower triangle with ones on its diagonal, an upper triangle.

    a: (..., m, n), float and complex dtypes, from float32 on. With k = min(m, n): P is (..., m, m), L (..., m, k),
    U (..., k, n). The gradient needs the first k rows, as they are exchanged, and columns of a to be independent; where
    they are not it is infinite or NaN, and where two rows compete for a pivot, L and U jump. P has no gradient.
    Raises ShapeError, DTypeError. Slower than LAPACK's, which NumPy does not offer.

    >>> P, L, U = gg.linalg.lu(gg.asarray([[1.0, 2.0], [4.0, 4.0]]))
    >>> U
    tensor([[4., 4.],
            [0., 1.]])
    """
    a = asarray(a)
    require_matrices(_lu, a)
    order = expand_dims(apply(_pivots, a), -1)
    m, n = a.shape[-2:]
    k = min(m, n)
    rows = take_along_axis(a, broadcast_to(order, a.shape), axis=-2)
    lower, rest, upper = factors(apply(_lu, rows[..., :k]))
    if n > k:
        upper = concat([upper, solve_lower(lower, rows[..., k:])], axis=-1)
    lower = concat([lower, rest], axis=-2)
    places = Tensor(np.arange(m))
    return LUResult(matrix_transpose(astype(order == places, a.dtype)), lower, upper)
