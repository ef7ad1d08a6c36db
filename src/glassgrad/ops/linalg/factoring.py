"""Triangular factors: the Cholesky and the QR decomposition."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

from ...errors import ArgumentError
from ...graph import OUT, Aval, Op, interned
from ...graph.static import static
from ...tensor import Tensor, apply, asarray
from ..complex_numbers import real
from ..contract import matmul
from ..joining import concat
from ..sorting import tril, triu, where_off_diagonal
from .adjoint import adjoint
from .decomposition import Decomposition, Parts, packed
from .diagonals import main_diagonal, on_diagonal
from .requirements import require_square
from .solving import solve_lower, solve_upper


class Cholesky(Op):
    """The lower triangular L with L Lᴴ = A, of a Hermitian (if real, symmetric) positive definite A."""

    argument_names = ("a",)
    formula = "out @ outᴴ = a"
    saves = ((OUT,),)
    pattern = "solver: the upstream gradient between two triangular solves, made Hermitian"
    is_analytic = False

    def shape(self, a: Aval) -> Aval:
        require_square(self, a)
        return a

    def forward(self, a: Any) -> Any:
        require_square(self, a)
        try:
            # the derivative belongs to this Hermitian reading of a, not to its lower triangle alone
            return np.linalg.cholesky((a + a.swapaxes(-1, -2).conj()) / 2)
        except np.linalg.LinAlgError:
            raise ArgumentError(
                "cholesky needs symmetric positive definite matrices; at least one is not"
            ) from None

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor) -> tuple[Tensor]:
        upper = adjoint(out)
        inner = _half_diagonal(tril(matmul(upper, g)))
        half = solve_upper(upper, inner)  # L⁻ᴴ Φ
        return (hermitian_part(adjoint(solve_upper(upper, adjoint(half)))),)  # of L⁻ᴴ Φ L⁻¹

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor) -> Tensor | None:
        (da,) = tangents
        if da is None:
            return None
        left = solve_lower(out, hermitian_part(da))
        both = adjoint(solve_lower(out, adjoint(left)))
        return matmul(out, _half_diagonal(tril(both)))

    def batch(self, batched: tuple[bool, ...], a: Tensor) -> Tensor:
        return apply(self, a)


def hermitian_part(x: Tensor) -> Tensor:
    """(x + xᴴ) / 2."""
    return (x + adjoint(x)) / 2


def _half_diagonal(x: Tensor) -> Tensor:
    """The matrices with their diagonal halved: Φ in Murray (2016), once the upper triangle is 0."""
    return (x + where_off_diagonal(x, 0.0)) / 2


_cholesky = Cholesky()


def cholesky(a: Any, /, *, upper: bool = False) -> Tensor:
    """The lower triangular L with a = L Lᴴ (or with `upper` the R = Lᴴ with a = Rᴴ R). a: (..., n, n), Hermitian
    positive definite; float and complex dtypes, from float32 on.

    a is read as (a + aᴴ) / 2, and its gradient is Hermitian. Raises ShapeError, DTypeError, and ArgumentError if a is
    not positive definite. Source: Murray, "Differentiation of the Cholesky decomposition" (2016).

    >>> gg.linalg.cholesky(gg.asarray([[4.0, 2.0], [2.0, 2.0]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    factor = apply(_cholesky, asarray(a))
    return adjoint(factor) if upper else factor


@static
class Qr(Decomposition):
    """A = Q R with orthonormal columns in Q and an upper triangle R with a real diagonal, of A with at least as many
    rows as columns. `complete`: Q is square, and R has rows of zeros."""

    complete: bool

    formula = "a = Q @ R, packed as (Q, R)"
    pattern: ClassVar[str] = "solver: upstream gradients of Q and R between Q and R⁻ᴴ"

    def parts(self, a: Aval | Tensor) -> tuple[Aval, ...]:
        rows, columns = a.shape[-2:]
        inner = rows if self.complete else columns
        return Aval((rows, inner), a.dtype), Aval((inner, columns), a.dtype)

    def forward(self, a: Any) -> Any:
        self.require(a)
        q, r = np.linalg.qr(a, "complete" if self.complete else "reduced")
        return packed(a.ndim - 2, q, r)

    def pull(self, g: Parts, parts: Parts, a: Tensor) -> Tensor:
        columns = a.shape[-1]
        (gq, gr), (q, r) = g, parts
        q1, q0 = q[..., :columns], q[..., columns:]
        gq1, gq0 = gq[..., :columns], gq[..., columns:]
        r, gr = r[..., :columns, :], triu(gr[..., :columns, :])
        inner = matmul(adjoint(q1), gq1) - matmul(gr, adjoint(r))
        above = triu(inner, k=1)
        inner = above + adjoint(above) + on_diagonal(_real_as(main_diagonal(inner)))
        to_x = gq1 - matmul(q1, inner) - matmul(q0, matmul(adjoint(gq0), q1))
        return adjoint(solve_upper(r, adjoint(to_x)))  # X = A R⁻¹

    def push(self, da: Tensor, parts: Parts, a: Tensor) -> Parts:
        columns = a.shape[-1]
        q, r = parts
        q1, q0, r1 = q[..., :columns], q[..., columns:], r[..., :columns, :]
        x = adjoint(solve_lower(adjoint(r1), adjoint(da)))  # dA R⁻¹
        inner = matmul(adjoint(q1), x)
        below = tril(inner, k=-1)
        phases = main_diagonal(inner) - _real_as(main_diagonal(inner))
        turn = below - adjoint(below) + on_diagonal(phases)
        dr = matmul(inner - turn, r1)
        dq = matmul(q1, turn - inner) + x
        if not self.complete:
            return dq, dr
        dq0 = -matmul(q1, matmul(adjoint(x), q0))
        zeros = Tensor(np.zeros((*r.shape[:-2], r.shape[-2] - columns, columns), r.dtype))
        return concat([dq, dq0], axis=-1), concat([dr, zeros], axis=-2)


def _real_as(x: Tensor) -> Tensor:
    """The real part of x in x's own dtype."""
    from ..shape import astype

    return astype(real(x), x.dtype)


class QRResult(NamedTuple):
    """What `qr` returns."""

    Q: Tensor
    R: Tensor


def qr(a: Any, /, *, mode: str = "reduced") -> QRResult:
    """(Q, R) with a = Q R, Q with orthonormal columns, R upper triangular. a: (..., m, n), float and complex dtypes.

    With k = min(m, n): mode "reduced" gives (..., m, k) and (..., k, n), mode "complete" (..., m, m) and (..., m, n).
    The diagonal of R is real and may be negative, as LAPACK chooses. The gradient needs the first k columns of a to
    be independent; where they are not it is infinite or NaN (R has no inverse). With mode "complete" and m > n the
    last m - n columns of Q are an arbitrary basis, so only functions that do not depend on its choice, such as the
    projector on them, have a gradient. Sources: Walter, Lehmann, "Algorithmic differentiation of linear algebra
    functions" (2010). A wide matrix is decomposed by its first m columns.

    >>> Q, R = gg.linalg.qr(gg.asarray([[3.0, 1.0], [4.0, 2.0]]))
    >>> gg.abs(R)
    tensor([[5. , 2.2],
            [0. , 0.4]])
    """
    a = asarray(a)
    if mode not in ("reduced", "complete"):
        raise ArgumentError(f"qr knows the modes 'reduced' and 'complete'; got {mode!r}")
    rows, columns = a.shape[-2:] if a.ndim > 1 else (0, 0)  # the op says what is wrong with a vector
    q, r = interned(Qr, mode == "complete" and rows > columns).of(a[..., :rows] if rows < columns else a)
    if rows < columns:
        r = concat([r, matmul(adjoint(q), a[..., rows:])], axis=-1)
    return QRResult(q, r)
