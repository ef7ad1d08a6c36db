"""Functions of a matrix: the exponential and integer powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ArgumentError, ShapeError
from ...graph import Aval, Op
from ...tensor import Tensor, apply, asarray
from ..contract import matmul
from ..joining import concat
from ..shape import broadcast_to
from .adjoint import adjoint
from .requirements import require_square
from .solving import inv

PADE = (
    *(64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000),
    *(10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1),
)
"""The coefficients of the [13/13] Padé approximant of the exponential function: Higham (2005), (2.4)."""

LARGEST_NORM = 5.37
"""The 1-norm up to which that approximant is exact to double precision: Higham (2005), table 2.3."""


def exponential(a: Any) -> Any:
    """The exponential of NumPy matrices: scaled down by a power of 2, approximated, squared up again."""
    norms = np.abs(a).sum(-2).max(-1, initial=0)
    needed = np.log2(norms / LARGEST_NORM)
    squarings = np.where(np.isfinite(needed), np.maximum(np.ceil(needed), 0), 0)[..., None, None]
    x = a * np.ldexp(np.ones((), norms.dtype), -squarings.astype(np.int32))
    one, x2 = np.eye(a.shape[-1], dtype=a.dtype), x @ x
    x4, b = x2 @ x2, np.array(PADE, norms.dtype)
    x6 = x4 @ x2
    odd = x @ (x6 @ (b[13] * x6 + b[11] * x4 + b[9] * x2) + b[7] * x6 + b[5] * x4 + b[3] * x2 + b[1] * one)
    even = x6 @ (b[12] * x6 + b[10] * x4 + b[8] * x2) + b[6] * x6 + b[4] * x4 + b[2] * x2 + b[0] * one
    out = np.linalg.solve(even - odd, even + odd)
    for done in range(int(squarings.max(initial=0))):
        out = np.where(done < squarings, out @ out, out)
    return out


class Expm(Op):
    """The exponential of a matrix, I + A + A²/2 + A³/6 + ...

    The derivative in the direction E is the upper right block of the exponential of [[A, E], [0, A]].
    """

    argument_names = ("a",)
    formula = "out = sum_k a^k / k!"
    saves = ((0,),)
    pattern = "solver: the upper right block of expm [[aᴴ, g], [0, aᴴ]]"

    def shape(self, a: Aval) -> Aval:
        require_square(self, a)
        return a

    def forward(self, a: Any) -> Any:
        require_square(self, a)
        return exponential(a)

    def vjp(self, needed: tuple[bool, ...], g: Tensor, out: Tensor, a: Tensor) -> tuple[Tensor]:
        return (self.derivative(adjoint(a), g),)

    def jvp(self, tangents: tuple[Tensor | None, ...], out: Tensor, a: Tensor) -> Tensor | None:
        (da,) = tangents
        return None if da is None else self.derivative(a, da)

    def derivative(self, a: Tensor, direction: Tensor) -> Tensor:
        """The derivative at a in a direction (Fréchet)."""
        n = a.shape[-1]
        above = concat([a, direction], axis=-1)
        below = concat([Tensor(np.zeros(a.shape, a.dtype)), a], axis=-1)
        return apply(self, concat([above, below], axis=-2))[..., :n, n:]

    def batch(self, batched: tuple[bool, ...], a: Tensor) -> Tensor:
        return apply(self, a)


_expm = Expm()


def expm(a: Any, /) -> Tensor:
    """The exponential of square matrices. a: (..., n, n), float and complex dtypes, from float32 on.

    Not `exp`, which works on each element. Raises ShapeError, DTypeError. Sources: Higham, "The scaling and squaring
    method for the matrix exponential revisited" (2005); Al-Mohy, Higham (2009) for the derivative.

    >>> gg.linalg.expm(gg.asarray([[0.0, 1.0], [0.0, 0.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    return apply(_expm, asarray(a))


def matrix_power(x: Any, n: int, /) -> Tensor:
    """Square matrices multiplied by themselves: x @ x @ ... n times, by repeated squaring; for n < 0 the inverse of x.

    x: (..., k, k), any numeric dtype; float or complex for n < 0. Composed of `matmul` and `inv`. Raises ShapeError,
    and ArgumentError if n is no integer or a matrix to invert is singular.

    >>> gg.linalg.matrix_power(gg.asarray([[1.0, 1.0], [0.0, 1.0]]), 5)
    tensor([[1., 5.],
            [0., 1.]])
    """
    x = asarray(x)
    if not isinstance(n, int | np.integer) or isinstance(n, bool):
        raise ArgumentError(f"matrix_power needs an integer exponent; got {n!r}")
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(f"matrix_power needs square matrices on the last two axes; got shape {x.shape}")
    if n == 0:
        return broadcast_to(Tensor(np.eye(x.shape[-1], dtype=x.dtype)), x.shape)
    square, left = (inv(x), -n) if n < 0 else (x, n)
    power = None
    while True:
        if left % 2:
            power = square if power is None else matmul(power, square)
        left //= 2
        if not left:
            return power  # type: ignore[return-value] # the highest bit is 1
        square = matmul(square, square)
