"""Eigenvalues and eigenvectors, of Hermitian and of general matrices."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...errors import ArgumentError
from ...graph import Aval
from ...tensor import Tensor, asarray
from ...tensor.dtype import as_real
from ..complex_numbers import conj, real
from ..contract import matmul
from ..shape import astype, expand_dims
from ..sorting import where_off_diagonal
from .adjoint import adjoint
from .decomposition import Decomposition, Parts, packed
from .diagonals import divided, main_diagonal, on_diagonal
from .factoring import hermitian_part
from .requirements import require_square
from .solving import solve


class Eigh(Decomposition):
    """A = V diag(w) Vᴴ of a Hermitian A: real eigenvalues w in ascending order, orthonormal eigenvectors V."""

    formula = "a = V @ diag(w) @ Vᴴ, packed as (w, V)"
    pattern = "solver: upstream gradients in the basis of eigenvectors, over the gaps between eigenvalues"

    def require(self, a: Any) -> None:
        require_square(self, a)

    def parts(self, a: Aval | Tensor) -> tuple[Aval, ...]:
        n = a.shape[-1]
        return Aval((n,), as_real(a.dtype)), Aval((n, n), a.dtype)

    def forward(self, a: Any) -> Any:
        self.require(a)
        try:
            # the derivative belongs to this Hermitian reading of a, not to its lower triangle alone
            w, v = np.linalg.eigh((a + a.swapaxes(-1, -2).conj()) / 2)
        except np.linalg.LinAlgError:
            raise ArgumentError("eigh did not converge; does the matrix hold NaN or infinity?") from None
        return packed(a.ndim - 2, w, v)

    def pull(self, g: Parts, parts: Parts, a: Tensor) -> Tensor:
        (gw, gv), (w, v) = g, parts
        turned = matmul(adjoint(v), gv)
        inner = _over_gaps((turned - adjoint(turned)) / 2, w) + astype(on_diagonal(gw), v.dtype)
        return hermitian_part(matmul(matmul(v, inner), adjoint(v)))

    def push(self, da: Tensor, parts: Parts, a: Tensor) -> Parts:
        w, v = parts
        inner = matmul(matmul(adjoint(v), hermitian_part(da)), v)
        return real(main_diagonal(inner)), matmul(v, _over_gaps(inner, w))


def gaps(w: Tensor) -> Tensor:
    """w[j] - w[i] at (i, j)."""
    return expand_dims(w, -2) - expand_dims(w, -1)


def _over_gaps(x: Tensor, w: Tensor) -> Tensor:
    """x[i, j] / (w[j] - w[i]) off the diagonal, and 0 on it."""
    return divided(where_off_diagonal(x, 0.0), gaps(w))


_eigh = Eigh()


class EighResult(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def eigh(a: Any, /) -> EighResult:
    """(eigenvalues, eigenvectors) of Hermitian (if real, symmetric) matrices a: (..., n, n), read as (a + aᴴ) / 2.

    Float and complex dtypes, from float32 on. Eigenvalues are real, (..., n), ascending; eigenvectors are the
    orthonormal columns of (..., n, n). Each is determined up to a sign (a phase, if complex): only functions that do
    not depend on it have a gradient that means something, such as |v|² or projectors.

    Where eigenvalues coincide, single eigenvectors jump, and their gradient is infinite or NaN; that of the
    eigenvalues (of symmetric functions of them, to be exact) stays right. Raises ShapeError, DTypeError, and
    ArgumentError if a holds NaN. Sources: Giles (2008); Boeddeker et al. (2017) for complex matrices.

    >>> eigenvalues, eigenvectors = gg.linalg.eigh(gg.asarray([[2.0, 1.0], [1.0, 2.0]]))
    >>> eigenvalues
    tensor([1., 3.])
    """
    return EighResult(*_eigh.of(asarray(a)))


def eigvalsh(a: Any, /) -> Tensor:
    """The eigenvalues of Hermitian matrices, real, ascending: `eigh(a).eigenvalues`.

    Composed of `eigh`, because the gradient needs the eigenvectors.

    >>> gg.linalg.eigvalsh(gg.asarray([[2.0, 1.0], [1.0, 2.0]]))
    tensor([1., 3.])
    """
    return eigh(a).eigenvalues


class Eig(Decomposition):
    """A V = V diag(w) of any square A: complex eigenvalues w and eigenvectors V of length 1."""

    formula = "a @ V = V @ diag(w), packed as (w, V)"
    pattern = "solver: upstream gradients in the basis of eigenvectors, over the gaps between eigenvalues"

    def require(self, a: Any) -> None:
        require_square(self, a)

    def parts(self, a: Aval | Tensor) -> tuple[Aval, ...]:
        n, dtype = a.shape[-1], np.result_type(a.dtype, np.complex64)
        return Aval((n,), dtype), Aval((n, n), dtype)

    def forward(self, a: Any) -> Any:
        self.require(a)
        try:
            w, v = np.linalg.eig(a)
        except np.linalg.LinAlgError:
            raise ArgumentError("eig did not converge; does the matrix hold NaN or infinity?") from None
        # NumPy's are real where none of these matrices has a complex eigenvalue
        return packed(a.ndim - 2, w, v).astype(np.result_type(a.dtype, np.complex64), copy=False)

    def pull(self, g: Parts, parts: Parts, a: Tensor) -> Tensor:
        (gw, gv), (w, v) = g, parts
        turned = matmul(adjoint(v), gv)
        along = on_diagonal(main_diagonal(turned))  # no eigenvector changes along itself
        turned = turned - matmul(matmul(adjoint(v), v), along)
        inner = _over_gaps(turned, conj(w)) + on_diagonal(gw)
        return solve(adjoint(v), matmul(inner, adjoint(v)))

    def push(self, da: Tensor, parts: Parts, a: Tensor) -> Parts:
        w, v = parts
        inner = solve(v, matmul(astype(da, v.dtype), v))
        dv = matmul(v, _over_gaps(inner, w))
        along = on_diagonal(main_diagonal(matmul(adjoint(v), dv)))
        return main_diagonal(inner), dv - matmul(v, along)


_eig = Eig()


class EigResult(NamedTuple):
    """What `eig` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def eig(a: Any, /) -> EigResult:
    """(eigenvalues, eigenvectors) of square matrices a: (..., n, n), both complex, in no particular order.

    Float and complex dtypes, from float32 on. Eigenvectors are the columns of (..., n, n), of length 1, each
    determined up to a phase: only functions that do not depend on it have a gradient that means something; tangents
    are taken at right angles to the vectors. Where eigenvalues coincide, the gradient of eigenvectors is infinite or
    NaN; for a defective matrix, which lacks eigenvectors, that of single eigenvalues is infinite too, which shows as
    very large numbers or as an ArgumentError from `solve`.

    Raises ShapeError, DTypeError, and ArgumentError if a holds NaN or infinity. Source: Boeddeker et al. (2017).

    >>> gg.linalg.eig(gg.asarray([[0.0, -1.0], [1.0, 0.0]])).eigenvalues
    tensor([0.+1.j, 0.-1.j], dtype=complex64)
    """
    return EigResult(*_eig.of(asarray(a)))


def eigvals(a: Any, /) -> Tensor:
    """The eigenvalues of square matrices, complex, in no particular order: `eig(a).eigenvalues`.

    Composed of `eig`, because the gradient needs the eigenvectors.

    >>> gg.linalg.eigvals(gg.asarray([[0.0, -4.0], [1.0, 0.0]]))
    tensor([0.+2.j, 0.-2.j], dtype=complex64)
    """
    return eig(a).eigenvalues
