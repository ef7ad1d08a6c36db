"""Arithmetic: the four operations, powers, absolute value, rounding, and the smaller and larger of two numbers."""

from __future__ import annotations

from typing import Any

from ..expr import Expr, scalar as s
from ..tensor import Tensor, apply, apply_to_two, asarray
from .families import BLOCKER, Elementwise, Partials

__all__ = [
    "abs",
    "add",
    "ceil",
    "clip",
    "divide",
    "floor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "positive",
    "pow",
    "reciprocal",
    "remainder",
    "round",
    "sign",
    "square",
    "subtract",
    "trunc",
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
    """Absolute value, elementwise, real dtypes. The derivative at 0 is taken as 0.

    >>> gg.abs(gg.asarray([1.5, -2.0]))
    tensor([1.5, 2. ])
    """
    return apply(_abs, x)


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
    """The sign, elementwise, real dtypes. The derivative is 0 everywhere.

    >>> gg.sign(gg.asarray([-3.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    return apply(_sign, x)


class Rounding(Elementwise):
    """A float rounded to an integer value; the derivative is 0."""

    kinds = "f"
    pattern = BLOCKER
    instruction: s.Instruction

    def value(self, x: Expr) -> Expr:
        return s.build(self.instruction, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (0.0,)


class Floor(Rounding):
    """The largest integer that is not greater."""

    instruction = s.FLOOR


class Ceil(Rounding):
    """The smallest integer that is not smaller."""

    instruction = s.CEIL


class Round(Rounding):
    """The nearest integer, halves to even."""

    instruction = s.ROUND


class Trunc(Rounding):
    """The integer part."""

    instruction = s.TRUNC


_floor, _ceil, _round, _trunc = Floor(), Ceil(), Round(), Trunc()


def _rounded(op: Rounding, x: Any) -> Tensor:
    x = asarray(x)
    return x if x.dtype.kind in "iu" else apply(op, x)


def floor(x: Any, /) -> Tensor:
    """The largest integer not greater than x, elementwise; integers stay. The derivative is 0.

    >>> gg.floor(gg.asarray([1.5, -1.5]))
    tensor([ 1., -2.])
    """
    return _rounded(_floor, x)


def ceil(x: Any, /) -> Tensor:
    """The smallest integer not smaller than x, elementwise; integers stay. The derivative is 0.

    >>> gg.ceil(gg.asarray([1.5, -1.5]))
    tensor([ 2., -1.])
    """
    return _rounded(_ceil, x)


def round(x: Any, /) -> Tensor:
    """The nearest integer, halves to the even one, elementwise; integers stay. The derivative is 0.

    >>> gg.round(gg.asarray([0.5, 1.5, 2.6]))
    tensor([0., 2., 3.])
    """
    return _rounded(_round, x)


def trunc(x: Any, /) -> Tensor:
    """The integer part of x, elementwise; integers stay. The derivative is 0.

    >>> gg.trunc(gg.asarray([1.5, -1.5]))
    tensor([ 1., -1.])
    """
    return _rounded(_trunc, x)


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
