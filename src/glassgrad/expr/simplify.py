"""Simplification: the identities of 0 and 1, so that derived formulas stay readable.

Assumes nothing about its input; guarantees the same value wherever the input is finite (0 * x becomes 0, as in
calculus, where a factor that is zero by construction removes the term). One bottom-up pass, so it stops.
"""

from __future__ import annotations

from .scalar import ADD, DIVIDE, MULTIPLY, NEGATIVE, SUBTRACT, WHERE, Call, Const, Expr, build

ZERO, ONE = Const(0.0), Const(1.0)


def simplify(expr: Expr) -> Expr:
    """Rewrite `expr` with 0 + x = x, 1 * x = x, 0 * x = 0, -(-x) = x, and factors moved into `where`.

    >>> from glassgrad.expr.scalar import Var
    >>> print(simplify(Const(0.0) * Var("x") + Var("g") * 1.0))
    g
    """
    if not isinstance(expr, Call):
        return expr
    operands = tuple(map(simplify, expr.operands))
    return _simplify_call(build(expr.instruction, *operands), operands)


def _selects(expr: Expr) -> bool:
    """Whether `expr` chooses between alternatives of which one is 0 or 1: then a factor moves inside, so that
    an infinite factor is not multiplied by the 0 of the branch that was not taken."""
    return isinstance(expr, Call) and expr.instruction == WHERE and bool({ZERO, ONE} & set(expr.operands[1:]))


def _simplify_call(expr: Expr, operands: tuple[Expr, ...]) -> Expr:
    assert isinstance(expr, Call)
    instruction = expr.instruction
    first, last = operands[0], operands[-1]
    if instruction == ADD:
        return last if first == ZERO else first if last == ZERO else expr
    if instruction == SUBTRACT:
        return simplify(-last) if first == ZERO else first if last == ZERO else expr
    if instruction == MULTIPLY:
        if ZERO in (first, last):
            return ZERO
        if first == Const(-1.0):
            return simplify(-last)
        if last == Const(-1.0):
            return simplify(-first)
        if _selects(last):
            condition, chosen, other = last.operands  # type: ignore[attr-defined]
            return simplify(build(WHERE, condition, first * chosen, first * other))
        if _selects(first):
            condition, chosen, other = first.operands  # type: ignore[attr-defined]
            return simplify(build(WHERE, condition, chosen * last, other * last))
        return last if first == ONE else first if last == ONE else expr
    if instruction == DIVIDE:
        return ZERO if first == ZERO else first if last == ONE else expr
    if instruction == NEGATIVE:
        if isinstance(first, Const):
            return Const(-first.value) if first.value else ZERO
        return first.operands[0] if isinstance(first, Call) and first.instruction == NEGATIVE else expr
    if instruction == WHERE:
        return operands[1] if operands[1] == operands[2] else expr
    return expr
