"""Arithmetic: the four operations, powers, remainders, and the smaller and larger of two numbers."""

from __future__ import annotations

from typing import Any

from ..expr import Expr, scalar as s
from ..tensor import Tensor, apply, apply_to_two, asarray
from .families import BLOCKER, Elementwise, Partials

__all__ = [
    "add",
    "clip",
    "divide",
    "floor_divide",
    "hypot",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "positive",
    "pow",
    "reciprocal",
    "remainder",
    "square",
    "subtract",
]


class Add(Elementwise):
    """x1 + x2."""

    kinds = "biufc"
    pattern = "distributor: passes the upstream gradient to both inputs"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return x1 + x2

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return 1.0, 1.0


_add = Add()


def add(x1: Any, x2: Any, /) -> Tensor:
    """Sum, elementwise with broadcasting. Any dtypes, promoted. Both inputs get the upstream gradient.

    Raises ShapeError if the shapes do not broadcast.

    >>> gg.add(gg.asarray([1.0, 2.0]), 10)
    tensor([11., 12.])
    """
    return apply_to_two(_add, x1, x2)


class Subtract(Elementwise):
    """x1 - x2."""

    kinds = "iufc"
    pattern = "distributor: passes the upstream gradient to x1 and its negative to x2"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return x1 - x2

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return 1.0, -1.0


_subtract = Subtract()


def subtract(x1: Any, x2: Any, /) -> Tensor:
    """Difference, elementwise with broadcasting. Numeric dtypes, promoted. Raises ShapeError, DTypeError.

    >>> gg.subtract(gg.asarray([1.0, 2.0]), 10)
    tensor([-9., -8.])
    """
    return apply_to_two(_subtract, x1, x2)


class Multiply(Elementwise):
    """x1 * x2."""

    kinds = "biufc"
    pattern = "switch: each input gets the upstream gradient times the other input"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return x1 * x2

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return x2, x1


_multiply = Multiply()


def multiply(x1: Any, x2: Any, /) -> Tensor:
    """Product, elementwise with broadcasting. Any dtypes, promoted. Raises ShapeError.

    >>> gg.multiply(gg.asarray([1.0, 2.0]), 10)
    tensor([10., 20.])
    """
    return apply_to_two(_multiply, x1, x2)


class Divide(Elementwise):
    """x1 / x2."""

    kinds = "biufc"
    promotes_to_float = True

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return x1 / x2

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return 1.0 / x2, -out / x2


_divide = Divide()


def divide(x1: Any, x2: Any, /) -> Tensor:
    """Quotient, elementwise with broadcasting; integers are divided as float32. x/0 is infinite, 0/0 is NaN.

    >>> gg.divide(gg.asarray([1, 2]), 4)
    tensor([0.25, 0.5 ])
    """
    return apply_to_two(_divide, x1, x2)


class Negative(Elementwise):
    """-x."""

    kinds = "iufc"
    pattern = "inverter: passes the negative of the upstream gradient"

    def value(self, x: Expr) -> Expr:
        return -x

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (-1.0,)


_negative = Negative()


def negative(x: Any, /) -> Tensor:
    """-x, elementwise, numeric dtypes.

    >>> gg.negative(gg.asarray([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return apply(_negative, x)


def positive(x: Any, /) -> Tensor:
    """+x: the tensor itself.

    >>> gg.positive(gg.asarray([1.0, -2.0]))
    tensor([ 1., -2.])
    """
    return asarray(x)


class Power(Elementwise):
    """x1 ** x2."""

    kinds = "iufc"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return x1**x2

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        base = s.where(s.equal(x2, 0.0), 0.0, x2 * x1 ** (x2 - 1.0))
        exponent = s.where(s.both(s.equal(x1, 0.0), x2 >= 0.0), 0.0, out * s.log(x1))
        return base, exponent


_power = Power()


def pow(x1: Any, x2: Any, /) -> Tensor:
    """x1 to the power x2, elementwise with broadcasting. Numeric dtypes, promoted.

    The gradient with respect to the exponent is 0 where the base is 0 (and the exponent is not negative), NaN where
    the base is negative. A Python exponent of 2 is computed as `square`.

    >>> gg.pow(gg.asarray([1.0, -2.0]), 3)
    tensor([ 1., -8.])
    """
    if type(x2) in (int, float) and x2 == 2:
        x1 = asarray(x1)
        if type(x2) is int or x1.dtype.kind in "fc":
            return square(x1)
    return apply(_power, x1, x2)


class Square(Elementwise):
    """x * x."""

    kinds = "iufc"

    def value(self, x: Expr) -> Expr:
        return x * x

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (2.0 * x,)


_square = Square()


def square(x: Any, /) -> Tensor:
    """x * x, elementwise, numeric dtypes. An op of its own because it needs no logarithm for its derivative.

    >>> gg.square(gg.asarray([1.0, -3.0]))
    tensor([1., 9.])
    """
    return apply(_square, x)


class Reciprocal(Elementwise):
    """1 / x."""

    def value(self, x: Expr) -> Expr:
        return 1.0 / x

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (-(out * out),)


_reciprocal = Reciprocal()


def reciprocal(x: Any, /) -> Tensor:
    """1 / x, elementwise, float dtypes; 1/0 is infinite.

    >>> gg.reciprocal(gg.asarray([2.0, -4.0]))
    tensor([ 0.5 , -0.25])
    """
    return apply(_reciprocal, x)


class FloorDivide(Elementwise):
    """floor(x1 / x2)."""

    kinds = "iuf"
    pattern = BLOCKER

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.build(s.FLOOR_DIVIDE, x1, x2)

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return 0.0, 0.0


_floor_divide = FloorDivide()


def floor_divide(x1: Any, x2: Any, /) -> Tensor:
    """The quotient rounded down, elementwise with broadcasting, as Python's `//`. Real dtypes, promoted.

    Unlike floor(x1 / x2) exact for integers, which keep their dtype; n // 0 is 0 for them, and infinite or NaN for
    floats. The derivative is 0. Raises DTypeError, ShapeError.

    >>> gg.floor_divide(gg.asarray([7, -7]), 2)
    tensor([ 3, -4])
    """
    return apply(_floor_divide, x1, x2)


class Remainder(Elementwise):
    """x1 - floor(x1 / x2) * x2."""

    kinds = "iuf"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.build(s.REMAINDER, x1, x2)

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return 1.0, -s.build(s.FLOOR, x1 / x2)


_remainder = Remainder()


def remainder(x1: Any, x2: Any, /) -> Tensor:
    """The remainder of floor division, with the sign of x2, as Python's `%`. Real dtypes, promoted.

    >>> gg.remainder(gg.asarray([5.0, -5.0]), 3)
    tensor([2., 1.])
    """
    return apply(_remainder, x1, x2)


class Hypot(Elementwise):
    """sqrt(x1 * x1 + x2 * x2)."""

    kinds = "f"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.build(s.HYPOT, x1, x2)

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        at_zero = s.equal(out, 0.0)
        return s.where(at_zero, 0.0, x1 / out), s.where(at_zero, 0.0, x2 / out)


_hypot = Hypot()


def hypot(x1: Any, x2: Any, /) -> Tensor:
    """The length sqrt(x1² + x2²) of a vector, elementwise with broadcasting. Real float dtypes, promoted.

    An op of its own because the squares may be too large or too small for a float where the length is not.
    The derivative at (0, 0) is taken as 0. Raises DTypeError, ShapeError.

    >>> gg.hypot(gg.asarray([3.0, 3e30]), gg.asarray([4.0, 4e30]))
    tensor([5.e+00, 5.e+30])
    """
    return apply(_hypot, x1, x2)


class Maximum(Elementwise):
    """max(x1, x2)."""

    kinds = "biuf"
    pattern = "router: the upstream gradient goes to the larger input, half to each if they are equal"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.maximum(x1, x2)

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return (
            s.where(x1 > x2, 1.0, s.where(s.equal(x1, x2), 0.5, 0.0)),
            s.where(x2 > x1, 1.0, s.where(s.equal(x1, x2), 0.5, 0.0)),
        )


_maximum = Maximum()


def maximum(x1: Any, x2: Any, /) -> Tensor:
    """The larger of two numbers, elementwise with broadcasting; NaN if either is. Real dtypes, promoted.

    Where both are equal each gets half of the upstream gradient, as central differences and PyTorch have it.

    >>> gg.maximum(gg.asarray([1.0, 5.0]), 3)
    tensor([3., 5.])
    """
    return apply(_maximum, x1, x2)


class Minimum(Elementwise):
    """min(x1, x2)."""

    kinds = "biuf"
    pattern = "router: the upstream gradient goes to the smaller input, half to each if they are equal"

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.minimum(x1, x2)

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return (
            s.where(x2 > x1, 1.0, s.where(s.equal(x1, x2), 0.5, 0.0)),
            s.where(x1 > x2, 1.0, s.where(s.equal(x1, x2), 0.5, 0.0)),
        )


_minimum = Minimum()


def minimum(x1: Any, x2: Any, /) -> Tensor:
    """The smaller of two numbers, elementwise with broadcasting; NaN if either is. Real dtypes, promoted.

    >>> gg.minimum(gg.asarray([1.0, 5.0]), 3)
    tensor([1., 3.])
    """
    return apply(_minimum, x1, x2)


class Clip(Elementwise):
    """min(max(x, low), high)."""

    kinds = "iuf"
    pattern = "router: the upstream gradient passes inside [low, high] and goes to the bound outside"

    def value(self, x: Expr, low: Expr, high: Expr) -> Expr:
        return s.minimum(s.maximum(x, low), high)

    def partials(self, out: Expr, x: Expr, low: Expr, high: Expr) -> Partials:
        below, above = s.where(low > x, 1.0, 0.0), s.where(s.maximum(x, low) > high, 1.0, 0.0)
        return s.where(s.both(x >= low, high >= x), 1.0, 0.0), below * (1.0 - above), above


_clip = Clip()


def clip(x: Any, /, min: Any = None, max: Any = None) -> Tensor:
    """x limited to [min, max], elementwise with broadcasting; a bound of None does not limit. Real dtypes.

    The derivative with respect to x is 1 inside and at the bounds, as PyTorch's `clamp` has it.

    >>> gg.clip(gg.asarray([-2.0, 0.5, 3.0]), 0, 1)
    tensor([0. , 0.5, 1. ])
    """
    x = asarray(x)
    if x.dtype.kind == "f":  # an infinite bound rather than `maximum`, which shares the gradient at the bound
        min, max = float("-inf") if min is None else min, float("inf") if max is None else max
    if min is None or max is None:
        return x if min is max else maximum(x, min) if max is None else minimum(x, max)
    return apply(_clip, x, min, max)
