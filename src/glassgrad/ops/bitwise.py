"""Bit by bit: and, or, exclusive or, not, and shifts, of integers; on booleans the first four are logic."""

from __future__ import annotations

from typing import Any, ClassVar

from ..errors import DTypeError
from ..expr import Expr, scalar as s
from ..tensor import Tensor, apply
from ..tensor.dtype import DType
from .families import BLOCKER, Elementwise, Partials

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
]


class Bitwise(Elementwise):
    """An operation on the bits of integers: nothing to differentiate."""

    kinds = "biu"
    pattern = BLOCKER
    differentiable = False
    no_gradient_because = "integers and booleans carry no gradient"
    instruction: ClassVar[s.Instruction]

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.build(self.instruction, x1, x2)

    def partials(self, out: Expr, *x: Expr) -> Partials:
        return (None,) * len(x)

    def result_dtype(self, *dtypes: DType) -> DType:
        joint = super().result_dtype(*dtypes)
        if joint.kind == "f":
            raise DTypeError(
                f"{self.name} needs integers of a dtype that holds the values of both; there is none for "
                f"{' and '.join(map(str, dtypes))}. gg.astype converts one."
            )
        return joint


class BitwiseAnd(Bitwise):
    """The bits that both have."""

    instruction = s.BIT_AND


class BitwiseOr(Bitwise):
    """The bits that at least one has."""

    instruction = s.BIT_OR


class BitwiseXor(Bitwise):
    """The bits that exactly one has."""

    instruction = s.BIT_XOR


class BitwiseInvert(Bitwise):
    """The bits that x does not have."""

    def value(self, x: Expr) -> Expr:
        return s.build(s.BIT_INVERT, x)


class BitwiseLeftShift(Bitwise):
    """The bits moved x2 places up: x1 times 2 to the power x2."""

    kinds = "iu"
    instruction = s.LEFT_SHIFT


class BitwiseRightShift(Bitwise):
    """The bits moved x2 places down: x1 divided by 2 to the power x2, rounded down."""

    kinds = "iu"
    instruction = s.RIGHT_SHIFT


_and, _or, _xor, _invert = BitwiseAnd(), BitwiseOr(), BitwiseXor(), BitwiseInvert()
_left, _right = BitwiseLeftShift(), BitwiseRightShift()


def bitwise_and(x1: Any, x2: Any, /) -> Tensor:
    """The bits that both have, elementwise with broadcasting; for booleans `logical_and`. The operator is `&`.

    Integer and boolean dtypes, promoted. Raises DTypeError for others, ShapeError if the shapes do not broadcast.

    >>> gg.bitwise_and(gg.asarray([6, 5]), 3)
    tensor([2, 1])
    """
    return apply(_and, x1, x2)


def bitwise_or(x1: Any, x2: Any, /) -> Tensor:
    """The bits that at least one has, elementwise with broadcasting; for booleans `logical_or`. The operator is `|`.

    Integer and boolean dtypes, promoted. Raises DTypeError for others, ShapeError if the shapes do not broadcast.

    >>> gg.bitwise_or(gg.asarray([6, 5]), 3)
    tensor([7, 7])
    """
    return apply(_or, x1, x2)


def bitwise_xor(x1: Any, x2: Any, /) -> Tensor:
    """The bits that exactly one has, elementwise with broadcasting; for booleans `logical_xor`. The operator is `^`.

    Integer and boolean dtypes, promoted. Raises DTypeError for others, ShapeError if the shapes do not broadcast.

    >>> gg.bitwise_xor(gg.asarray([6, 5]), 3)
    tensor([5, 6])
    """
    return apply(_xor, x1, x2)


def bitwise_invert(x: Any, /) -> Tensor:
    """Every bit turned over, elementwise: -1 - x for signed integers; for booleans `logical_not`. The operator is `~`.

    Integer and boolean dtypes. Raises DTypeError for others.

    >>> gg.bitwise_invert(gg.asarray([0, 5]))
    tensor([-1, -6])
    """
    return apply(_invert, x)


def bitwise_left_shift(x1: Any, x2: Any, /) -> Tensor:
    """x1's bits moved x2 places up, elementwise with broadcasting; those that leave are lost. The operator is `<<`.

    Integer dtypes, promoted; x2 must not be negative. Raises DTypeError, ShapeError.

    >>> gg.bitwise_left_shift(gg.asarray([1, 3]), 2)
    tensor([ 4, 12])
    """
    return apply(_left, x1, x2)


def bitwise_right_shift(x1: Any, x2: Any, /) -> Tensor:
    """x1's bits moved x2 places down, elementwise with broadcasting; the sign of x1 stays. The operator is `>>`.

    Integer dtypes, promoted; x2 must not be negative. Raises DTypeError, ShapeError.

    >>> gg.bitwise_right_shift(gg.asarray([12, -3]), 1)
    tensor([ 6, -2])
    """
    return apply(_right, x1, x2)
