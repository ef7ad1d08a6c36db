"""Exponentials and logarithms, roots, and the two squashing functions built on them."""

from __future__ import annotations

import math
from typing import Any

from ..expr import Expr, scalar as s
from ..tensor import Tensor, apply
from .families import Elementwise, Partials

__all__ = ["exp", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "sigmoid", "softplus", "sqrt"]


class Exp(Elementwise):
    """e ** x."""

    def value(self, x: Expr) -> Expr:
        return s.exp(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (out,)


_exp = Exp()


def exp(x: Any, /) -> Tensor:
    """e to the power x, elementwise, float and complex dtypes; overflows to infinity. Source: DLMF 4.2.

    >>> f"{gg.exp(gg.asarray(1.0)):.5f}"
    '2.71828'
    """
    return apply(_exp, x)


class Expm1(Elementwise):
    """exp(x) - 1."""

    def value(self, x: Expr) -> Expr:
        return s.expm1(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (out + 1.0,)


_expm1 = Expm1()


def expm1(x: Any, /) -> Tensor:
    """exp(x) - 1, elementwise, float and complex dtypes, exact for small x where the difference would cancel.

    >>> gg.expm1(gg.asarray([0.0, 1e-8]))
    tensor([0.e+00, 1.e-08])
    """
    return apply(_expm1, x)


class Log(Elementwise):
    """ln x."""

    def value(self, x: Expr) -> Expr:
        return s.log(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 / x,)


_log = Log()


def log(x: Any, /) -> Tensor:
    """Natural logarithm, elementwise, float and complex dtypes; -inf at 0, NaN below (complex: the principal value).

    Source: DLMF 4.2.

    >>> f"{gg.log(gg.asarray(10.0)):.5f}"
    '2.30259'
    """
    return apply(_log, x)


class Log2(Elementwise):
    """The logarithm of x to base 2."""

    def value(self, x: Expr) -> Expr:
        return s.build(s.LOG2, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 / (x * math.log(2.0)),)


_log2 = Log2()


def log2(x: Any, /) -> Tensor:
    """Logarithm to base 2, elementwise, float and complex dtypes; -inf at 0, NaN below.

    An op of its own, because log(x) / log(2) is not exact at powers of 2.

    >>> gg.log2(gg.asarray([8.0, 2.0**29]))
    tensor([ 3., 29.])
    """
    return apply(_log2, x)


class Log10(Elementwise):
    """The logarithm of x to base 10."""

    def value(self, x: Expr) -> Expr:
        return s.build(s.LOG10, x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 / (x * math.log(10.0)),)


_log10 = Log10()


def log10(x: Any, /) -> Tensor:
    """Logarithm to base 10, elementwise, float and complex dtypes; -inf at 0, NaN below.

    An op of its own, because log(x) / log(10) is not exact at powers of 10.

    >>> gg.log10(gg.asarray([100.0, 1000.0]))
    tensor([2., 3.])
    """
    return apply(_log10, x)


class Log1p(Elementwise):
    """ln(1 + x)."""

    def value(self, x: Expr) -> Expr:
        return s.log1p(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (1.0 / (1.0 + x),)


_log1p = Log1p()


def log1p(x: Any, /) -> Tensor:
    """ln(1 + x), elementwise, float and complex dtypes, exact for small x.

    >>> gg.log1p(gg.asarray([0.0, 1e-8]))
    tensor([0.e+00, 1.e-08])
    """
    return apply(_log1p, x)


class Sqrt(Elementwise):
    """The square root."""

    def value(self, x: Expr) -> Expr:
        return s.sqrt(x)

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (0.5 / out,)


_sqrt = Sqrt()


def sqrt(x: Any, /) -> Tensor:
    """Square root, elementwise, float and complex dtypes; NaN below 0 (complex: the principal value).

    The derivative at 0 is infinite.

    >>> f"{gg.sqrt(gg.asarray(2.0)):.5f}"
    '1.41421'
    """
    return apply(_sqrt, x)


class Sigmoid(Elementwise):
    """1 / (1 + exp(-x)). Where exp(-x) overflows, the quotient is 0, as it should be."""

    kinds = "f"
    rounds_once = True

    def value(self, x: Expr) -> Expr:
        return 1.0 / (1.0 + s.exp(-x))

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (out * (1.0 - out),)


_sigmoid = Sigmoid()


def sigmoid(x: Any, /) -> Tensor:
    """The logistic function 1 / (1 + exp(-x)), elementwise, real float dtypes, values in [0, 1].

    The derivative is y (1 - y). Source: CS231n, "Backpropagation, intuitions".

    >>> f"{gg.sigmoid(gg.asarray(1.0)):.5f}"
    '0.73106'
    """
    return apply(_sigmoid, x)


class Softplus(Elementwise):
    """ln(1 + exp(x)); computed as max(x, 0) + ln(1 + exp(-|x|)), which cannot overflow."""

    kinds = "f"
    rounds_once = True

    def value(self, x: Expr) -> Expr:
        # with `where`, not with max and abs, which have kinks at 0: here either side is smooth, and both agree there
        above = x > 0.0
        return s.where(above, x, 0.0) + s.log1p(s.exp(s.where(above, -x, x)))

    def partials(self, out: Expr, x: Expr) -> Partials:
        return (-s.expm1(-out),)  # the sigmoid of x, without a look at the sign of x


_softplus = Softplus()


def softplus(x: Any, /) -> Tensor:
    """ln(1 + exp(x)), elementwise, real float dtypes: a smooth maximum of x and 0, whose derivative is sigmoid(x).

    >>> f"{gg.softplus(gg.asarray(0.0)):.5f}"
    '0.69315'
    """
    return apply(_softplus, x)


class Logaddexp(Elementwise):
    """ln(exp(x1) + exp(x2)); computed from the larger input and exp(-|x1 - x2|), which cannot overflow."""

    kinds = "f"
    rounds_once = True

    def value(self, x1: Expr, x2: Expr) -> Expr:
        # with `where`, not with max and abs, which have kinks where both are equal: here either side is smooth
        first = x1 >= x2
        finite = s.where(first, x1, x2) + s.log1p(s.exp(s.where(first, x2 - x1, x1 - x2)))
        same_infinity = s.both(s.equal(x1, x2), s.equal(s.absolute(x1), math.inf))
        return s.where(same_infinity, x1, finite)

    def partials(self, out: Expr, x1: Expr, x2: Expr) -> Partials:
        return _sigmoid.value(x1 - x2), _sigmoid.value(x2 - x1)


_logaddexp = Logaddexp()


def logaddexp(x1: Any, x2: Any, /) -> Tensor:
    """ln(exp(x1) + exp(x2)), elementwise with broadcasting, real float dtypes.

    >>> f"{gg.logaddexp(gg.asarray(0.0), 0.0):.5f}"
    '0.69315'
    """
    return apply(_logaddexp, x1, x2)
