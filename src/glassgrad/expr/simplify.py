"""Simplification: the identities of 0, 1 and -1, and arithmetic on constants, so that derived formulas stay small.

Assumes nothing about its input; guarantees the same value wherever the input is finite (0 * x becomes 0, as in
calculus, where a factor that is zero by construction removes the term). One pass from the operands to the whole, in
which no rule builds anything larger than what it replaces except for factors moved into `where`, so it stops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .scalar import (
    ADD,
    DIVIDE,
    EQUAL,
    GREATER,
    GREATER_EQUAL,
    MULTIPLY,
    NEGATIVE,
    NOT_EQUAL,
    POWER,
    SUBTRACT,
    WHERE,
    Call,
    Const,
    Expr,
    Instruction,
    rebuilt,
)

ZERO, ONE = Const(0.0), Const(1.0)


def simplify(expr: Expr, known: dict[Expr, Expr] | None = None) -> Expr:
    """Rewrite `expr` with 0 + x = x, 1 * x = x, 0 * x = 0, -(-x) = x, y * (1 / x) = y / x, and factors
    moved into `where`.

    `known` holds the simplified forms of subformulas, and is added to: for several formulas with common parts.

    >>> from glassgrad.expr.scalar import Var
    >>> print(simplify(Const(0.0) * Var("x") + Var("g") * 1.0))
    g
    """
    return rebuilt(expr, simplified, known)


def simplified(expr: Expr) -> Expr:
    """`expr`, whose operands are simplified already."""
    if not isinstance(expr, Call):
        return expr
    if expr.instruction in ON_CONSTANTS and all(isinstance(operand, Const) for operand in expr.operands):
        folded = _folded(expr)
        if folded is not None:
            return folded
    rule = RULES.get(expr.instruction)
    return expr if rule is None else rule(expr, *expr.operands)


def _call(instruction: Instruction, *operands: Expr) -> Expr:
    return simplified(Call(instruction, operands))


def _is(expr: Expr, number: float) -> bool:
    return isinstance(expr, Const) and expr.value == number


def _folded(expr: Call) -> Const | None:
    """The value of an instruction on constants, where it is finite."""
    values = [operand.value for operand in expr.operands]  # type: ignore[attr-defined]
    with np.errstate(all="ignore"):
        value = expr.instruction.numpy(*map(float, values))
    return Const(value) if np.isfinite(value) else None


ON_CONSTANTS = {ADD, SUBTRACT, MULTIPLY, DIVIDE, EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL}


def _opposite(expr: Expr) -> Expr | None:
    """What `expr` is the negative of, if it is written as one."""
    return expr.operands[0] if isinstance(expr, Call) and expr.instruction is NEGATIVE else None


def _add(expr: Expr, x: Expr, y: Expr) -> Expr:
    if _is(x, 0) or _is(y, 0):
        return y if _is(x, 0) else x
    opposite = _opposite(y)
    return expr if opposite is None else _call(SUBTRACT, x, opposite)


def _subtract(expr: Expr, x: Expr, y: Expr) -> Expr:
    if _is(x, 0) or _is(y, 0):
        return x if _is(y, 0) else _call(NEGATIVE, y)
    opposite = _opposite(y)
    return expr if opposite is None else _call(ADD, x, opposite)


def _multiply(expr: Expr, x: Expr, y: Expr) -> Expr:
    if _is(x, 0) or _is(y, 0):
        return ZERO
    for factor, other in ((x, y), (y, x)):
        if _is(factor, -1):
            return _call(NEGATIVE, other)
        if _is(factor, 1):
            return other
    if _selects(y):
        condition, chosen, other = y.operands  # type: ignore[attr-defined]
        return _call(WHERE, condition, _call(MULTIPLY, x, chosen), _call(MULTIPLY, x, other))
    if _selects(x):
        condition, chosen, other = x.operands  # type: ignore[attr-defined]
        return _call(WHERE, condition, _call(MULTIPLY, chosen, y), _call(MULTIPLY, other, y))
    for factor, other in ((x, y), (y, x)):
        if isinstance(factor, Call) and factor.instruction is DIVIDE and _is(factor.operands[0], 1):
            return _call(DIVIDE, other, factor.operands[1])
    return _signs_outside(expr, x, y)


def _selects(expr: Expr) -> bool:
    """Whether `expr` chooses between alternatives of which one is 0 or 1: then a factor moves inside, so that
    an infinite factor is not multiplied by the 0 of the branch that was not taken."""
    if not isinstance(expr, Call) or expr.instruction is not WHERE:
        return False
    return any(_is(branch, 0) or _is(branch, 1) for branch in expr.operands[1:])


def _divide(expr: Expr, x: Expr, y: Expr) -> Expr:
    if _is(x, 0):
        return ZERO
    return x if _is(y, 1) else _signs_outside(expr, x, y)


def _signs_outside(expr: Expr, x: Expr, y: Expr) -> Expr:
    """A product or quotient of negatives as the negative of one, or as one without signs: exact, and easier to
    find again."""
    assert isinstance(expr, Call)
    plain_x, plain_y = _opposite(x), _opposite(y)
    if plain_x is None and plain_y is None:
        return expr
    plain = _call(expr.instruction, plain_x or x, plain_y or y)
    return plain if plain_x and plain_y else _call(NEGATIVE, plain)


def _negative(expr: Expr, x: Expr) -> Expr:
    if isinstance(x, Const):
        return Const(-x.value) if x.value else ZERO
    return _opposite(x) or expr


def _power(expr: Expr, x: Expr, y: Expr) -> Expr:
    return x if _is(y, 1) else expr


def _where(expr: Expr, condition: Expr, x: Expr, y: Expr) -> Expr:
    if isinstance(condition, Const):
        return x if condition.value else y
    # an alternative that asks the same question has the same answer
    inner_x, inner_y = (_alternatives(branch, condition) for branch in (x, y))
    if inner_x or inner_y:
        return _call(WHERE, condition, inner_x[0] if inner_x else x, inner_y[1] if inner_y else y)
    return x if x is y else expr


def _alternatives(expr: Expr, condition: Expr) -> tuple[Expr, ...]:
    same = isinstance(expr, Call) and expr.instruction is WHERE and expr.operands[0] is condition
    return expr.operands[1:] if same else ()  # type: ignore[attr-defined]


RULES: dict[Instruction, Callable[..., Any]] = {
    ADD: _add,
    SUBTRACT: _subtract,
    MULTIPLY: _multiply,
    DIVIDE: _divide,
    NEGATIVE: _negative,
    POWER: _power,
    WHERE: _where,
}
