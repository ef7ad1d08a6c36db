"""Comparisons, logic, and the choice between two values. Truth values carry no gradient."""

from __future__ import annotations

from typing import Any, ClassVar

from ..errors import DTypeError
from ..expr import Expr, scalar as s
from ..graph import Aval
from ..tensor import Tensor, apply, asarray
from ..tensor.dtype import DType, bool_, promote
from .arithmetic import multiply
from .complex_numbers import imag, real
from .families import BLOCKER, Elementwise, Partials

__all__ = [
    "equal",
    "greater",
    "greater_equal",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "where",
]


class Truth(Elementwise):
    """A formula whose value is a truth value: nothing to differentiate."""

    kinds = "biuf"
    pattern = BLOCKER
    differentiable = False
    no_gradient_because = "its result is true or false"
    instruction: ClassVar[s.Instruction]

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return s.build(self.instruction, x1, x2)

    def partials(self, out: Expr, *x: Expr) -> Partials:
        return (None,) * len(x)


class Equal(Truth):
    """x1 == x2."""

    kinds = "biufc"
    instruction = s.EQUAL


_equal = Equal()


def equal(x1: Any, x2: Any, /) -> Tensor:
    """Whether x1 equals x2, elementwise with broadcasting; a tensor of booleans, without gradient.

    >>> gg.equal(gg.asarray([1.0, 2.0]), 2.0)
    tensor([False,  True])
    """
    return apply(_equal, x1, x2)


class NotEqual(Truth):
    """x1 != x2."""

    kinds = "biufc"
    instruction = s.NOT_EQUAL


_not_equal = NotEqual()


def not_equal(x1: Any, x2: Any, /) -> Tensor:
    """Whether x1 differs from x2, elementwise with broadcasting; a tensor of booleans, without gradient.

    >>> gg.not_equal(gg.asarray([1.0, 2.0]), 2.0)
    tensor([ True, False])
    """
    return apply(_not_equal, x1, x2)


class Greater(Truth):
    """x1 > x2."""

    instruction = s.GREATER


_greater = Greater()


def greater(x1: Any, x2: Any, /) -> Tensor:
    """Whether x1 is greater than x2, elementwise with broadcasting; a tensor of booleans, without gradient.

    >>> gg.greater(gg.asarray([1.0, 2.0]), 2.0)
    tensor([False, False])
    """
    return apply(_greater, x1, x2)


class GreaterEqual(Truth):
    """x1 >= x2."""

    instruction = s.GREATER_EQUAL


_greater_equal = GreaterEqual()


def greater_equal(x1: Any, x2: Any, /) -> Tensor:
    """Whether x1 is at least x2, elementwise with broadcasting; a tensor of booleans, without gradient.

    >>> gg.greater_equal(gg.asarray([1.0, 2.0]), 2.0)
    tensor([False,  True])
    """
    return apply(_greater_equal, x1, x2)


class Less(Truth):
    """x1 < x2."""

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return x1 < x2


class LessEqual(Truth):
    """x1 <= x2."""

    def value(self, x1: Expr, x2: Expr) -> Expr:
        return x1 <= x2


_less, _less_equal = Less(), LessEqual()


def less(x1: Any, x2: Any, /) -> Tensor:
    """Whether x1 is less than x2, elementwise with broadcasting; a tensor of booleans, without gradient.

    >>> gg.less(gg.asarray([1.0, 2.0]), 2.0)
    tensor([ True, False])
    """
    return apply(_less, x1, x2)


def less_equal(x1: Any, x2: Any, /) -> Tensor:
    """Whether x1 is at most x2, elementwise with broadcasting; a tensor of booleans, without gradient.

    >>> gg.less_equal(gg.asarray([1.0, 2.0]), 2.0)
    tensor([ True,  True])
    """
    return apply(_less_equal, x1, x2)


class LogicalAnd(Truth):
    """x1 and x2."""

    kinds = "b"
    instruction = s.AND


class LogicalOr(Truth):
    """x1 or x2."""

    kinds = "b"
    instruction = s.OR


class LogicalXor(Truth):
    """Either x1 or x2, but not both: of truth values that is x1 != x2."""

    kinds = "b"
    instruction = s.NOT_EQUAL


class LogicalNot(Truth):
    """not x."""

    kinds = "b"

    def value(self, x: Expr) -> Expr:
        return s.build(s.NOT, x)


_logical_and, _logical_or, _logical_xor, _logical_not = LogicalAnd(), LogicalOr(), LogicalXor(), LogicalNot()


def logical_and(x1: Any, x2: Any, /) -> Tensor:
    """Whether both booleans are true, elementwise with broadcasting.

    >>> gg.logical_and(gg.asarray([True, False]), True)
    tensor([ True, False])
    """
    return apply(_logical_and, x1, x2)


def logical_or(x1: Any, x2: Any, /) -> Tensor:
    """Whether at least one of two booleans is true, elementwise with broadcasting.

    >>> gg.logical_or(gg.asarray([True, False]), True)
    tensor([ True,  True])
    """
    return apply(_logical_or, x1, x2)


def logical_xor(x1: Any, x2: Any, /) -> Tensor:
    """Whether exactly one of two booleans is true, elementwise with broadcasting.

    >>> gg.logical_xor(gg.asarray([True, False]), True)
    tensor([False,  True])
    """
    return apply(_logical_xor, x1, x2)


def logical_not(x: Any, /) -> Tensor:
    """The opposite truth value, elementwise.

    >>> gg.logical_not(gg.asarray([True, False]))
    tensor([False,  True])
    """
    return apply(_logical_not, x)


def isnan(x: Any, /) -> Tensor:
    """Whether x is NaN, elementwise: the only number that differs from itself.

    >>> gg.isnan(gg.asarray([1.0, float("nan")]))
    tensor([False,  True])
    """
    x = asarray(x)
    return not_equal(x, x)


def isinf(x: Any, /) -> Tensor:
    """Whether x is plus or minus infinity, elementwise; of a complex number, whether one of its parts is.

    >>> gg.isinf(gg.asarray([1.0, float("-inf")]))
    tensor([False,  True])
    """
    x = asarray(x)
    if x.dtype.kind == "c":  # infinity beside NaN is infinite, and NaN too
        return logical_or(isinf(real(x)), isinf(imag(x)))
    return logical_not(logical_or(isfinite(x), isnan(x)))


def isfinite(x: Any, /) -> Tensor:
    """Whether x is neither infinite nor NaN, elementwise: then, and only then, 0 times x is 0.

    >>> gg.isfinite(gg.asarray([1.0, float("inf"), float("nan")]))
    tensor([ True, False, False])
    """
    return equal(multiply(x, 0), 0)


class Where(Elementwise):
    """x1 where the condition holds, else x2."""

    kinds = "biufc"
    pattern = "router: the upstream gradient goes to the chosen input"

    def value(self, condition: Expr, x1: Expr, x2: Expr) -> Expr:
        return s.where(condition, x1, x2)

    def partials(self, out: Expr, condition: Expr, x1: Expr, x2: Expr) -> Partials:
        return None, s.where(condition, 1.0, 0.0), s.where(condition, 0.0, 1.0)

    def result_dtype(self, condition: DType, x1: DType, x2: DType) -> DType:
        return promote({x1, x2})

    def shape(self, *inputs: Aval) -> Aval:
        self.require_condition(inputs[0])
        return super().shape(*inputs)

    kinds_as_they_are = ""  # the condition is always checked

    def converted(self, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
        self.require_condition(arrays[0])
        return super().converted(arrays)

    def require_condition(self, condition: Any) -> None:
        """Raise a DTypeError if the condition is not boolean."""
        if condition.dtype != bool_:
            raise DTypeError(
                f"where needs a boolean condition; got {condition.dtype} of shape {tuple(condition.shape)}. "
                f"Compare first, for example x > 0."
            )


_where = Where()


def where(condition: Any, x1: Any, x2: Any, /) -> Tensor:
    """x1 where `condition` (bool) is true, else x2; all broadcast. The gradient flows to the chosen one only.

    Both x1 and x2 are computed everywhere. Raises DTypeError if the condition is not boolean.

    >>> gg.where(gg.asarray([True, False]), gg.asarray([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    """
    if isinstance(x1, int | float) and isinstance(x2, int | float):
        x1 = asarray(x1)
    return apply(_where, condition, x1, x2)
