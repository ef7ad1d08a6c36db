"""Rounding to integer values. What is rounded is piecewise constant, so no gradient passes."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError
from ..expr import Expr, scalar as s
from ..tensor import Tensor, apply, asarray
from .arithmetic import divide, multiply
from .families import BLOCKER, Elementwise, Partials

__all__ = ["ceil", "floor", "round", "trunc"]


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

    kinds = "fc"
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


def round(x: Any, /, decimals: int = 0) -> Tensor:
    """The nearest integer, halves to the even one, elementwise; or the nearest multiple of 10 to the power -decimals.

    Integers stay; complex numbers are rounded in both parts. The derivative is 0. Python's round(x, decimals) does the
    same. Raises ArgumentError if `decimals` is no integer, DTypeError for booleans.

    >>> gg.round(gg.asarray([0.5, 1.5, 2.6]))
    tensor([0., 2., 3.])
    >>> round(gg.asarray([3.14159, 2.71828]), 2)
    tensor([3.14, 2.72])
    """
    if not isinstance(decimals, int):
        raise ArgumentError(f"round needs a number of decimals that is an integer; got {decimals!r}")
    if not decimals:
        return _rounded(_round, x)
    given = asarray(x)
    if given.dtype.kind in "iu" and decimals < 0:
        raise ArgumentError(
            f"round to {decimals} decimals needs floats, because integers would lose their dtype; got {given.dtype}. "
            f"gg.astype(x, gg.float64) converts."
        )
    if given.dtype.kind in "iu":
        return given
    scale = 10.0 ** abs(decimals)
    if decimals > 0:
        return divide(_rounded(_round, multiply(given, scale)), scale)
    return multiply(_rounded(_round, divide(given, scale)), scale)


def trunc(x: Any, /) -> Tensor:
    """The integer part of x, elementwise; integers stay. The derivative is 0.

    >>> gg.trunc(gg.asarray([1.5, -1.5]))
    tensor([ 1., -1.])
    """
    return _rounded(_trunc, x)
