"""The pseudoinverse, and least squares."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...errors import ArgumentError, DTypeError, ShapeError
from ...graph import OUT, Aval, Op
from ...tensor import Tensor, apply, asarray
from ..contract import matmul
from ..reduce import sum
from ..shape import broadcast_to, expand_dims, squeeze
from ..stacks import aligned
from .adjoint import adjoint
from .norms import squared_sizes
from .requirements import require_matrices
from .singular import rank_of, relative_tolerance, svdvals


class Pinv(Op):
    """The Moore-Penrose pseudoinverse; singular values up to `rtol` times the largest count as 0.

    An op of its own, because its derivative is smooth where singular values coincide, and that of `svd` is not.
    """

    argument_names = ("a", "rtol")
    formula = "a @ out @ a = a, out @ a @ out = out, a @ out and out @ a Hermitian"
    saves = ((0, OUT), ())
    pattern = "solver: a gets -outᴴ g outᴴ, and what turns the spaces that a maps from and to"
    is_analytic = False

    def shape(self, a: Aval, rtol: Aval) -> Aval:
        self.require(a, rtol)
        return Aval((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)

    def require(self, a: Any, rtol: Any) -> None:
        """Raise unless a holds matrices, and rtol numbers that belong to them."""
        require_matrices(self, a)
        leading, given = a.shape[:-2], rtol.shape[:-2]
        if rtol.dtype.kind not in "iuf":
            raise DTypeError(f"pinv needs a real number as rtol; got {rtol.dtype} of shape {tuple(given)}")
        pairs = zip(reversed(leading), reversed(given), strict=False)
        if len(given) > len(leading) or any(mine not in (1, size) for size, mine in pairs):
            raise ShapeError(
                f"pinv needs one rtol, or one for each matrix: shape {tuple(leading)}; got {tuple(given)}"
            )

    def forward(self, a: Any, rtol: Any) -> Any:
        self.require(a, rtol)
        try:
            u, s, vh = np.linalg.svd(a, full_matrices=False)
        except np.linalg.LinAlgError:
            raise ArgumentError("pinv did not converge; does the matrix hold NaN or infinity?") from None
        kept = s > rtol[..., 0] * s.max(-1, keepdims=True, initial=0)
        inverse = np.where(kept, 1 / np.where(kept, s, 1), 0).astype(s.dtype)
        return vh.swapaxes(-1, -2).conj() @ (inverse[..., None] * u.swapaxes(-1, -2).conj())

    def vjp(
        self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor, rtol: Tensor
    ) -> tuple[Tensor | None, ...]:
        p, turned, back = out, adjoint(out), adjoint(g)
        right = matmul(matmul(back, p), turned)
        left = matmul(matmul(turned, p), back)
        to_a = -matmul(matmul(turned, g), turned)
        to_a = to_a + right - matmul(a, matmul(p, right))
        return to_a + left - matmul(matmul(left, p), a), None

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor, rtol: Tensor) -> Tensor | None:
        da, p = tangents[0], out
        if da is None:
            return None
        turned, back = adjoint(p), adjoint(da)
        left = matmul(matmul(p, turned), back)
        right = matmul(matmul(back, turned), p)
        change = left - matmul(matmul(left, a), p) + right - matmul(p, matmul(a, right))
        return change - matmul(matmul(p, da), p)

    def batch(self, batched: tuple[bool, ...], a: Tensor, rtol: Tensor) -> Tensor:
        if not batched[0]:
            a = broadcast_to(a, (rtol.shape[0], *a.shape))
        return apply(self, *aligned((True, batched[1]), (a, rtol)))


_pinv = Pinv()


def pinv(a: Any, /, *, rtol: Any = None) -> Tensor:
    """The Moore-Penrose pseudoinverse. a: (..., m, n) gives (..., n, m); float and complex dtypes, from float32 on.

    Singular values up to `rtol` (a number or an array of shape (...); by default max(m, n) times the dtype's machine
    epsilon) times the largest count as 0. The gradient holds as long as the rank stays what it is: where it changes,
    the pseudoinverse jumps. Raises ShapeError, DTypeError, and ArgumentError if a holds NaN. Source: Golub, Pereyra,
    "The differentiation of pseudo-inverses" (1973).

    >>> gg.linalg.pinv(gg.asarray([[2.0], [0.0]]))
    tensor([[0.5, 0. ]])
    """
    a = asarray(a)
    require_matrices(_pinv, a)
    return apply(_pinv, a, expand_dims(expand_dims(relative_tolerance(a, rtol), -1), -1))


class LstsqResult(NamedTuple):
    """What `lstsq` returns."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def lstsq(a: Any, b: Any, /, *, rtol: Any = None) -> LstsqResult:
    """The x that makes the sum of |b - a @ x|² smallest, and of several such x the shortest.

    a: (..., m, n); b: (m,) or (..., m, k); float and complex dtypes, from float32 on. Returns (solution, residuals,
    rank, singular_values): x as (n,) or (..., n, k), the sums of squares for each column of b, the rank of a with the
    tolerance `rtol` of `pinv`, and the singular values of a. Composed as pinv(a) @ b, so that the gradient holds for
    matrices of any shape, as long as the rank stays what it is. Raises ShapeError, DTypeError.

    >>> gg.linalg.lstsq(gg.asarray([[3.0], [4.0]]), gg.asarray([3.0, 4.0])).solution
    tensor([1.])
    """
    a, b = asarray(a), asarray(b)
    columns = expand_dims(b, 1) if b.ndim == 1 else b
    if a.ndim < 2 or columns.ndim < 2 or columns.shape[-2] != a.shape[-2]:
        raise ShapeError(
            f"lstsq needs matrices a with as many rows as b; got a {a.dtype}{list(a.shape)} and "
            f"b {b.dtype}{list(b.shape)}"
        )
    solution = matmul(pinv(a, rtol=rtol), columns)
    residuals = sum(squared_sizes(columns - matmul(a, solution)), axis=-2)
    if b.ndim == 1:
        solution, residuals = squeeze(solution, -1), squeeze(residuals, -1)
    s = svdvals(a)
    return LstsqResult(solution, residuals, rank_of(a, s, rtol), s)
