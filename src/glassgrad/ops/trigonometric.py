"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

from typing import Any

from ..expr import Expr, scalar as s
from ..tensor import Tensor, apply
from .families import Elementwise, Partials

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "sin",
    "sinh",
    "tan",
    "tanh",
]


class Sin(Elementwise):
    """Sine of x in radians."""

    def value(self, x: Expr) -> Expr:
        return s.sin(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (s.cos(x),)


_sin = Sin()


def sin(x: Any, /) -> Tensor:
    """Sine of x in radians; elementwise, float and complex dtypes. Source: DLMF 4.14.

    >>> f"{gg.sin(gg.asarray(1.0)):.5f}"
    '0.84147'
    """
    return apply(_sin, x)


class Cos(Elementwise):
    """Cosine of x in radians."""

    def value(self, x: Expr) -> Expr:
        return s.cos(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (-s.sin(x),)


_cos = Cos()


def cos(x: Any, /) -> Tensor:
    """Cosine of x in radians; elementwise, float and complex dtypes. Source: DLMF 4.14.

    >>> f"{gg.cos(gg.asarray(1.0)):.5f}"
    '0.54030'
    """
    return apply(_cos, x)


class Tan(Elementwise):
    """Tangent of x in radians."""

    def value(self, x: Expr) -> Expr:
        return s.build(s.TAN, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 + out * out,)


_tan = Tan()


def tan(x: Any, /) -> Tensor:
    """Tangent of x in radians; elementwise, float and complex dtypes. Source: DLMF 4.14.

    >>> f"{gg.tan(gg.asarray(1.0)):.5f}"
    '1.55741'
    """
    return apply(_tan, x)


class Asin(Elementwise):
    """Inverse sine in radians."""

    def value(self, x: Expr) -> Expr:
        return s.build(s.ASIN, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 / s.sqrt((1.0 - x) * (1.0 + x)),)


_asin = Asin()


def asin(x: Any, /) -> Tensor:
    """Inverse sine in radians, x in [-1, 1], NaN outside; elementwise, float and complex dtypes. Source: DLMF 4.23.

    >>> f"{gg.asin(gg.asarray(1.0)):.5f}"
    '1.57080'
    """
    return apply(_asin, x)


class Acos(Elementwise):
    """Inverse cosine in radians."""

    def value(self, x: Expr) -> Expr:
        return s.build(s.ACOS, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (-1.0 / s.sqrt((1.0 - x) * (1.0 + x)),)


_acos = Acos()


def acos(x: Any, /) -> Tensor:
    """Inverse cosine in radians, x in [-1, 1], NaN outside; elementwise, float and complex dtypes. Source: DLMF 4.23.

    >>> f"{gg.acos(gg.asarray(0.0)):.5f}"
    '1.57080'
    """
    return apply(_acos, x)


class Atan(Elementwise):
    """Inverse tangent in radians."""

    def value(self, x: Expr) -> Expr:
        return s.build(s.ATAN, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 / (1.0 + x * x),)


_atan = Atan()


def atan(x: Any, /) -> Tensor:
    """Inverse tangent in radians; elementwise, float and complex dtypes. Source: DLMF 4.23.

    >>> f"{gg.atan(gg.asarray(1.0)):.5f}"
    '0.78540'
    """
    return apply(_atan, x)


class Sinh(Elementwise):
    """Hyperbolic sine."""

    def value(self, x: Expr) -> Expr:
        return s.sinh(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (s.cosh(x),)


_sinh = Sinh()


def sinh(x: Any, /) -> Tensor:
    """Hyperbolic sine; elementwise, float and complex dtypes. Source: DLMF 4.28.

    >>> f"{gg.sinh(gg.asarray(1.0)):.5f}"
    '1.17520'
    """
    return apply(_sinh, x)


class Cosh(Elementwise):
    """Hyperbolic cosine."""

    def value(self, x: Expr) -> Expr:
        return s.cosh(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (s.sinh(x),)


_cosh = Cosh()


def cosh(x: Any, /) -> Tensor:
    """Hyperbolic cosine; elementwise, float and complex dtypes. Source: DLMF 4.28.

    >>> f"{gg.cosh(gg.asarray(1.0)):.5f}"
    '1.54308'
    """
    return apply(_cosh, x)


class Tanh(Elementwise):
    """Hyperbolic tangent."""

    def value(self, x: Expr) -> Expr:
        return s.tanh(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 - out * out,)


_tanh = Tanh()


def tanh(x: Any, /) -> Tensor:
    """Hyperbolic tangent, values in [-1, 1]; its derivative is 1 - y^2; elementwise, float and complex dtypes.

    Source: DLMF 4.34.

    >>> f"{gg.tanh(gg.asarray(1.0)):.5f}"
    '0.76159'
    """
    return apply(_tanh, x)


class Asinh(Elementwise):
    """Inverse hyperbolic sine."""

    def value(self, x: Expr) -> Expr:
        return s.build(s.ASINH, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 / s.sqrt(1.0 + x * x),)


_asinh = Asinh()


def asinh(x: Any, /) -> Tensor:
    """Inverse hyperbolic sine; elementwise, float and complex dtypes. Source: DLMF 4.37.

    >>> f"{gg.asinh(gg.asarray(1.0)):.5f}"
    '0.88137'
    """
    return apply(_asinh, x)


class Acosh(Elementwise):
    """Inverse hyperbolic cosine."""

    def value(self, x: Expr) -> Expr:
        return s.build(s.ACOSH, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 / (s.sqrt(x - 1.0) * s.sqrt(x + 1.0)),)


_acosh = Acosh()


def acosh(x: Any, /) -> Tensor:
    """Inverse hyperbolic cosine, not negative, x at least 1 and NaN below; elementwise, float and complex dtypes.

    The derivative at 1 is infinite. Source: DLMF 4.37.

    >>> f"{gg.acosh(gg.asarray(2.0)):.5f}"
    '1.31696'
    """
    return apply(_acosh, x)


class Atanh(Elementwise):
    """Inverse hyperbolic tangent."""

    def value(self, x: Expr) -> Expr:
        return s.build(s.ATANH, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 / ((1.0 - x) * (1.0 + x)),)


_atanh = Atanh()


def atanh(x: Any, /) -> Tensor:
    """Inverse hyperbolic tangent, x in [-1, 1], infinite at both ends; elementwise, float and complex dtypes.

    Source: DLMF 4.37.

    >>> f"{gg.atanh(gg.asarray(0.5)):.5f}"
    '0.54931'
    """
    return apply(_atanh, x)


class Atan2(Elementwise):
    """The angle of the point (x2, x1)."""

    kinds = "f"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.build(s.ATAN2, x1, x2)

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        squared = x1 * x1 + x2 * x2
        return x2 / squared, -x1 / squared


_atan2 = Atan2()


def atan2(x1: Any, x2: Any, /) -> Tensor:
    """The angle in (-pi, pi] of the point with ordinate x1 and abscissa x2; broadcasting, real float dtypes.

    >>> f"{gg.atan2(gg.asarray(1.0), -1.0):.5f}"
    '2.35619'
    """
    return apply(_atan2, x1, x2)
