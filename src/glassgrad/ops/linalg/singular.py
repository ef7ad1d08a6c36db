"""Singular values and vectors, and the rank."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

from ...errors import ArgumentError
from ...graph import Aval, interned
from ...graph.static import static
from ...tensor import Tensor, asarray
from ...tensor.dtype import as_real, int64
from ..compare import greater
from ..complex_numbers import real
from ..contract import matmul
from ..joining import concat
from ..reduce import max, sum
from ..shape import astype, expand_dims, stop_gradient
from ..sorting import where_off_diagonal
from .adjoint import adjoint
from .decomposition import Decomposition, Parts, packed
from .diagonals import divided, main_diagonal, on_diagonal
from .eigen import gaps


@static
class Svd(Decomposition):
    """A = U diag(S) Vᴴ: orthonormal columns in U and V, singular values S, descending. `full`: U and V are square.

    With M = Uᴴ dA V split into a Hermitian part H and the rest N, U turns by H / (S[j] - S[i]) + N / (S[j] + S[i])
    and V by the same with the other sign of N. That is Townsend's (2016) formula without the differences of squares,
    which lose half the digits; a phase that U and V share is left to both in equal parts.
    """

    full: bool

    formula = "a = U @ diag(S) @ Vh, packed as (U, S, Vh)"
    pattern: ClassVar[str] = (
        "solver: upstream gradients in the bases U and V, over sums and differences of singular values"
    )

    def parts(self, a: Aval | Tensor) -> tuple[Aval, ...]:
        m, n = a.shape[-2:]
        k = min(m, n)
        left, right = ((m, m), (n, n)) if self.full else ((m, k), (k, n))
        return Aval(left, a.dtype), Aval((k,), as_real(a.dtype)), Aval(right, a.dtype)

    def forward(self, a: Any) -> Any:
        self.require(a)
        try:
            u, s, vh = np.linalg.svd(a, full_matrices=self.full)
        except np.linalg.LinAlgError:
            raise ArgumentError("svd did not converge; does the matrix hold NaN or infinity?") from None
        return packed(a.ndim - 2, u, s, vh)

    def pull(self, g: Parts, parts: Parts, a: Tensor) -> Tensor:
        (gu, gs, gvh), (u, s, vh) = g, parts
        k = s.shape[-1]
        gv, v = adjoint(gvh), adjoint(vh)
        u1, v1 = u[..., :k], v[..., :k]
        left, right = _turning(u1, gu[..., :k]), _turning(v1, gv[..., :k])
        common = where_off_diagonal(left + right, 0.0)
        inner = divided(common, gaps(s)) + divided(left - right, _sums(s))
        result = matmul(u1, matmul(inner + astype(on_diagonal(gs), u.dtype), adjoint(v1)))
        if u.shape[-2] > k:
            result = result + matmul(divided(_leaving(u, gu, k), expand_dims(s, -2)), adjoint(v1))
        if v.shape[-2] > k:
            result = result + matmul(u1, adjoint(divided(_leaving(v, gv, k), expand_dims(s, -2))))
        return result

    def push(self, da: Tensor, parts: Parts, a: Tensor) -> Parts:
        u, s, vh = parts
        k = s.shape[-1]
        v = adjoint(vh)
        u1, v1 = u[..., :k], v[..., :k]
        right, left = matmul(da, v1), matmul(adjoint(da), u1)
        inner = matmul(adjoint(u1), right)
        hermitian, rest = (inner + adjoint(inner)) / 2, (inner - adjoint(inner)) / 2
        common, opposite = divided(where_off_diagonal(hermitian, 0.0), gaps(s)), divided(rest, _sums(s))
        du = _turned(u, common + opposite, divided(right, expand_dims(s, -2)))
        dv = _turned(v, common - opposite, divided(left, expand_dims(s, -2)))
        return du, real(main_diagonal(inner)), adjoint(dv)


def _sums(s: Tensor) -> Tensor:
    """s[i] + s[j] at (i, j)."""
    return expand_dims(s, -2) + expand_dims(s, -1)


def _turning(basis: Tensor, g: Tensor) -> Tensor:
    """What the gradient of a basis asks of its turning within itself: the anti-Hermitian part of basisᴴ g."""
    inner = matmul(adjoint(basis), g)
    return (inner - adjoint(inner)) / 2


def _leaving(basis: Tensor, g: Tensor, k: int) -> Tensor:
    """What the gradient of a basis asks of its first k vectors' leaving the space they span."""
    first, rest = basis[..., :k], basis[..., k:]
    outside = g[..., :k] - matmul(first, matmul(adjoint(first), g[..., :k]))
    return outside - matmul(rest, matmul(adjoint(g[..., k:]), first))


def _turned(basis: Tensor, turn: Tensor, change: Tensor) -> Tensor:
    """The tangent of a basis whose first vectors turn among themselves, and change by `change` in other directions."""
    k = turn.shape[-1]
    first, rest = basis[..., :k], basis[..., k:]
    moved = matmul(first, turn)
    if basis.shape[-2] > k:
        moved = moved + change - matmul(first, matmul(adjoint(first), change))
    return concat([moved, -matmul(first, matmul(adjoint(change), rest))], axis=-1)


class SVDResult(NamedTuple):
    """What `svd` returns."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def svd(a: Any, /, *, full_matrices: bool = True) -> SVDResult:
    """(U, S, Vh) with a = U diag(S) Vh; S real, descending. a: (..., m, n), float and complex dtypes, from float32 on.

    With k = min(m, n): U is (..., m, m), S (..., k), Vh (..., n, n); without `full_matrices` U is (..., m, k) and
    Vh (..., k, n), which is less work.

    Pairs of singular vectors are determined up to a common sign (phase, if complex), and the vectors that full
    matrices add up to a choice of basis: only functions that do not depend on those have a gradient that means
    something. Where singular values coincide (or are 0, if a is not square) the gradient of vectors is infinite or
    NaN; that of the singular values stays right. Raises ShapeError, DTypeError, and ArgumentError if a holds NaN.
    Sources: Giles (2008); Townsend, "Differentiating the singular value decomposition" (2016).

    >>> gg.linalg.svd(gg.asarray([[0.0, 2.0], [3.0, 0.0]])).S
    tensor([3., 2.])
    """
    return SVDResult(*interned(Svd, bool(full_matrices)).of(asarray(a)))


def svdvals(a: Any, /) -> Tensor:
    """The singular values of matrices, descending. a: (..., m, n) gives (..., min(m, n)), real.

    Composed of `svd`, because the gradient needs the vectors; it is right also where singular values coincide.

    >>> gg.linalg.svdvals(gg.asarray([[0.0, 2.0], [3.0, 0.0]]))
    tensor([3., 2.])
    """
    return svd(a, full_matrices=False).S


def relative_tolerance(a: Tensor, rtol: Any) -> Tensor:
    """`rtol` as a tensor; by default the larger side of the matrices times the spacing of their numbers."""
    if rtol is not None:
        return asarray(rtol)
    return Tensor(np.array(np.max(a.shape[-2:], initial=0) * np.finfo(a.dtype).eps, as_real(a.dtype)))


def matrix_rank(a: Any, /, *, rtol: Any = None) -> Tensor:
    """How many singular values exceed `rtol` times the largest. a: (..., m, n) gives (...), int64. No gradient.

    `rtol`: a number or an array of shape (...); by default max(m, n) times the dtype's machine epsilon.

    >>> gg.linalg.matrix_rank(gg.asarray([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    a = asarray(a)
    return rank_of(a, svdvals(a), rtol)


def rank_of(a: Tensor, s: Tensor, rtol: Any) -> Tensor:
    """The rank of a, from its singular values s."""
    s = stop_gradient(s)
    if s.shape[-1] == 0:
        return Tensor(np.zeros(s.shape[:-1], int64))
    limit = expand_dims(relative_tolerance(a, rtol), -1) * max(s, axis=-1, keepdims=True)
    return sum(astype(greater(s, limit), int64), axis=-1)
