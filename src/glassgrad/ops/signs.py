"""Signs: absolute value, sign, and the sign and the neighbour of a float as its bits have them."""

from __future__ import annotations

from typing import Any

from ..expr import Expr, scalar as s
from ..tensor import Tensor, apply, asarray
from .arithmetic import divide, hypot
from .compare import Truth, equal, where
from .complex_numbers import imag, real
from .families import BLOCKER, Elementwise, Partials

__all__ = ["abs", "copysign", "nextafter", "sign", "signbit"]


class Abs(Elementwise):
    """|x|."""

    kinds = "iuf"
    pattern = "scaler: upstream times the sign of the input, 0 at 0"

    def value(self, x: Expr) -> Expr:
        return s.absolute(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (s.sign(x),)


_abs = Abs()


def abs(x: Any, /) -> Tensor:
    """Absolute value, elementwise, numeric dtypes; of complex numbers the modulus, in the dtype of their parts.

    The derivative at 0 is taken as 0. Raises DTypeError for booleans.

    >>> gg.abs(gg.asarray([1.5, -2.0]))
    tensor([1.5, 2. ])
    >>> gg.abs(gg.asarray([3 + 4j]))
    tensor([5.])
    """
    x = asarray(x)
    return hypot(real(x), imag(x)) if x.dtype.kind == "c" else apply(_abs, x)


class Sign(Elementwise):
    """-1, 0 or 1."""

    kinds = "iuf"
    pattern = BLOCKER

    def value(self, x: Expr) -> Expr:
        return s.sign(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (0.0,)


_sign = Sign()


def sign(x: Any, /) -> Tensor:
    """The sign, -1, 0 or 1, elementwise, numeric dtypes; of complex numbers z / |z|, and 0 for 0.

    The derivative is 0 for real numbers, and at 0. Raises DTypeError for booleans.

    >>> gg.sign(gg.asarray([-3.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    >>> gg.sign(gg.asarray([2j, 0j])).tolist()
    [1j, 0j]
    """
    x = asarray(x)
    if x.dtype.kind != "c":
        return apply(_sign, x)
    modulus = abs(x)
    at_zero = equal(modulus, 0)
    return where(at_zero, 0.0, divide(x, where(at_zero, 1.0, modulus)))


class Copysign(Elementwise):
    """The size of x1 with the sign of x2."""

    kinds = "f"
    pattern = "scaler: upstream, turned over where the sign of x1 changes; none for x2"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.build(s.COPYSIGN, x1, x2)

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return s.sign(x1) * s.build(s.COPYSIGN, 1.0, x2), 0.0


_copysign = Copysign()


def copysign(x1: Any, x2: Any, /) -> Tensor:
    """|x1| with the sign of x2, which zeros and NaNs have too, elementwise with broadcasting. Real float dtypes.

    The derivative with respect to x1 at 0 is taken as 0. Raises DTypeError, ShapeError.

    >>> gg.copysign(gg.asarray([1.0, -2.0]), gg.asarray([-0.0, 3.0]))
    tensor([-1.,  2.])
    """
    return apply(_copysign, x1, x2)


class Nextafter(Elementwise):
    """The float next to x1 in the direction of x2."""

    kinds = "f"
    pattern = "distributor: passes the upstream gradient to x1, none to x2"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.build(s.NEXTAFTER, x1, x2)

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return 1.0, 0.0


_nextafter = Nextafter()


def nextafter(x1: Any, x2: Any, /) -> Tensor:
    """The next float after x1 in the direction of x2, elementwise with broadcasting; x2 where both are equal.

    Real float dtypes, promoted. The derivative is 1 with respect to x1 and 0 with respect to x2.
    Raises DTypeError, ShapeError.

    >>> gg.nextafter(gg.asarray([1.0]), 2.0).item() - 1
    1.1920928955078125e-07
    """
    return apply(_nextafter, x1, x2)


class Signbit(Truth):
    """Whether the sign bit is set."""

    kinds = "f"

    def value(self, x: Expr) -> Expr:
        return s.build(s.SIGNBIT, x)


_signbit = Signbit()


def signbit(x: Any, /) -> Tensor:
    """Whether the sign bit is set, as in -1.0, -0.0 and -inf, elementwise. Real float dtypes; no gradient.

    >>> gg.signbit(gg.asarray([1.0, -0.0]))
    tensor([False,  True])
    """
    return apply(_signbit, x)
