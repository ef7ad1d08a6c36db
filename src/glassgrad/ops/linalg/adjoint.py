"""The adjoint of matrices, of which most derivative rules here are made."""

from __future__ import annotations

from ...tensor import Tensor
from ..complex_numbers import conj
from ..shape import matrix_transpose


def adjoint(x: Tensor) -> Tensor:
    """The conjugate transpose of matrices: what becomes of a matrix when it is taken to the other side."""
    return conj(matrix_transpose(x))
