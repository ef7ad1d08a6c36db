"""Determinants: det, its gradient the cofactors, and slogdet."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...graph import OUT, Aval, Op, interned
from ...tensor import Tensor, apply, asarray
from ...tensor.dtype import as_real
from ..compare import where
from ..complex_numbers import conj, real
from ..contract import matmul
from ..reduce import prod, sum
from ..shape import astype, expand_dims, matrix_transpose
from .adjoint import adjoint
from .decomposition import Decomposition, Parts, packed
from .diagonals import main_diagonal, on_diagonal, trace
from .requirements import require_square
from .singular import Svd
from .solving import inv, solve


class Det(Op):
    """The determinant. Its gradient is the matrix of cofactors, which exists for singular matrices too."""

    argument_names = ("a",)
    formula = "out = det(a)"
    saves = ((0,),)
    pattern = "scaler: upstream times the conjugate cofactors"

    def shape(self, a: Aval) -> Aval:
        require_square(self, a)
        return Aval(a.shape[:-2], a.dtype)

    def forward(self, a: Any) -> Any:
        require_square(self, a)
        return np.linalg.det(a)

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor) -> tuple[Tensor]:
        return (expand_dims(expand_dims(g, -1), -1) * conj(apply(_cofactor, a)),)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor) -> Tensor | None:
        (da,) = tangents
        return None if da is None else sum(apply(_cofactor, a) * da, axis=(-2, -1))

    def batch(self, batched: tuple[bool, ...], a: Tensor) -> Tensor:
        return apply(self, a)


class Cofactor(Op):
    """The derivatives of the determinant: det(a) a⁻ᵀ, but from the singular value decomposition a = U diag(s) Vᴴ, as
    det(U) det(Vᴴ) conj(U) diag(p) Vᵀ with p[i] the product of the other singular values: right for every matrix.

    Its own derivative has products of all singular values but two, and never divides by one.
    """

    argument_names = ("a",)
    formula = "out[i, j] = d det(a) / d a[i, j]"
    saves = ((0,),)
    pattern = (
        "solver: upstream in the bases of singular vectors, times products of all singular values but two"
    )

    def shape(self, a: Aval) -> Aval:
        require_square(self, a)
        return a

    def forward(self, a: Any) -> Any:
        require_square(self, a)
        u, s, vh = np.linalg.svd(a)
        others = np.where(np.eye(a.shape[-1], dtype=bool), 1, s[..., None, :]).prod(-1)
        turns = np.linalg.det(u) * np.linalg.det(vh)
        return (turns[..., None, None] * (u * others[..., None, :].astype(s.dtype) @ vh).conj()).astype(
            a.dtype
        )

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor) -> tuple[Tensor]:
        u, s, vh = interned(Svd, False).of(a)
        turns = conj(apply(_det, u) * apply(_det, vh))
        inner = matmul(matmul(vh, matrix_transpose(g)), u) * expand_dims(expand_dims(turns, -1), -1)
        others = _products_of_others(s)
        along = matmul(others, expand_dims(main_diagonal(inner), -1))[..., 0]
        return (matmul(matmul(u, on_diagonal(along) - others * inner), vh),)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor) -> Tensor | None:
        (da,) = tangents
        return None if da is None else conj(self.vjp((True,), conj(da), out, a)[0])

    def batch(self, batched: tuple[bool, ...], a: Tensor) -> Tensor:
        return apply(self, a)


def _products_of_others(s: Tensor) -> Tensor:
    """At (i, j) the product of all elements but i and j; 0 on the diagonal. s: (..., n) gives (..., n, n)."""
    same = np.eye(s.shape[-1], dtype=bool)
    left_out = Tensor(same[:, None, :] | same[None, :, :])
    factors = where(left_out, Tensor(np.ones((), s.dtype)), expand_dims(expand_dims(s, -2), -2))
    return where(Tensor(same), Tensor(np.zeros((), s.dtype)), prod(factors, axis=-1))


_det, _cofactor = Det(), Cofactor()


def det(a: Any, /) -> Tensor:
    """The determinant of square matrices. a: (..., n, n) gives (...); float and complex dtypes, from float32 on.

    The gradient, the matrix of cofactors, is right for singular matrices too, and so is the second derivative. (The
    third goes through `svd` and is NaN where singular values coincide.) For large matrices, whose determinant over-
    or underflows, there is `slogdet`. Raises ShapeError, DTypeError. Source: Giles (2008).

    >>> gg.linalg.det(gg.asarray([[2.0, 0.0], [0.0, 4.0]]))
    tensor(8.)
    """
    return apply(_det, asarray(a))


class Slogdet(Decomposition):
    """Sign (a number of absolute value 1, or 0) and logarithm of the absolute value of the determinant."""

    formula = "det(a) = sign * exp(logabsdet), packed as (sign, logabsdet)"
    pattern = "solver: upstream gradients times a⁻ᴴ"
    saves: tuple[tuple[int, ...], ...] = ((0, OUT),)

    def require(self, a: Any) -> None:
        require_square(self, a)

    def parts(self, a: Aval | Tensor) -> tuple[Aval, ...]:
        return Aval((), a.dtype), Aval((), as_real(a.dtype))

    def forward(self, a: Any) -> Any:
        self.require(a)
        sign, logabsdet = np.linalg.slogdet(a)
        return packed(a.ndim - 2, np.asarray(sign), np.asarray(logabsdet))

    def pull(self, g: Parts, parts: Parts, a: Tensor) -> Tensor:
        weight = astype(g[1], a.dtype)
        if a.dtype.kind == "c":
            turn = g[0] * conj(parts[0])
            weight = weight + (turn - conj(turn)) / 2
        return expand_dims(expand_dims(weight, -1), -1) * adjoint(inv(a))

    def push(self, da: Tensor, parts: Parts, a: Tensor) -> Parts:
        change = trace(solve(a, da))
        size = real(change)
        return parts[0] * (change - astype(size, a.dtype)), size


_slogdet = Slogdet()


class SlogdetResult(NamedTuple):
    """What `slogdet` returns."""

    sign: Tensor
    logabsdet: Tensor


def slogdet(a: Any, /) -> SlogdetResult:
    """(sign, logabsdet) with det(a) = sign * exp(logabsdet). a: (..., n, n) gives (...) twice; float, complex dtypes.

    The sign is 1 or -1, for complex matrices a phase of absolute value 1; a singular matrix gives 0 and -inf, and
    computing its gradient raises ArgumentError, because the logarithm has none there. Raises ShapeError, DTypeError.

    >>> gg.linalg.slogdet(gg.asarray([[0.0, 1.0], [1.0, 0.0]]))
    SlogdetResult(sign=tensor(-1.), logabsdet=tensor(0.))
    """
    return SlogdetResult(*_slogdet.of(asarray(a)))
