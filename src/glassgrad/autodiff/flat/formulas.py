"""Formulas as NumPy source: operators where Python has them, functions of NumPy where not."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

import numpy as np

from ...expr import Call, Const, Expr, Var, scalar as s
from .literals import attribute, call, number

OPERATORS: dict[s.Instruction, ast.operator] = {
    s.ADD: ast.Add(),
    s.SUBTRACT: ast.Sub(),
    s.MULTIPLY: ast.Mult(),
    s.DIVIDE: ast.Div(),
    s.POWER: ast.Pow(),
    s.REMAINDER: ast.Mod(),
    s.FLOOR_DIVIDE: ast.FloorDiv(),
    s.BIT_AND: ast.BitAnd(),
    s.BIT_OR: ast.BitOr(),
    s.BIT_XOR: ast.BitXor(),
    s.LEFT_SHIFT: ast.LShift(),
    s.RIGHT_SHIFT: ast.RShift(),
}
COMPARISONS: dict[s.Instruction, ast.cmpop] = {
    s.EQUAL: ast.Eq(),
    s.NOT_EQUAL: ast.NotEq(),
    s.GREATER: ast.Gt(),
    s.GREATER_EQUAL: ast.GtE(),
}
FROM_MATH = {s.ERF: "erf", s.ERFC: "erfc", s.LGAMMA: "lgamma"}
"""What NumPy does not have and Python's own library does, for one number at a time."""
NUMPY_NAMES = {"absolute": "abs"}

Bind = Callable[[Expr, ast.expr], ast.expr]


def to_source(
    formula: Expr, operands: Mapping[str, ast.expr], whole_numbers: bool, bind: Bind | None = None
) -> ast.expr:
    """The formula with `operands` in the place of its variables.

    With `whole_numbers`, 2.0 is written 2: right beside floats. `bind` may give a name to a part that is used more
    than once, and return that name.
    """
    known: dict[Expr, ast.expr] = {}

    def write(part: Expr) -> ast.expr:
        if isinstance(part, Var):
            return operands[part.name]
        if isinstance(part, Const):
            return constant(part.value, whole_numbers)
        if part not in known:
            assert isinstance(part, Call)
            keep_floats = part.instruction == s.WHERE and all(isinstance(x, Const) for x in part.operands[1:])
            parts = [
                number(x.value) if keep_floats and isinstance(x, Const) else write(x) for x in part.operands
            ]
            known[part] = apply_instruction(part.instruction, parts)
            if bind is not None:
                known[part] = bind(part, known[part])
        return known[part]

    return write(formula)


def constant(value: float, whole_numbers: bool) -> ast.expr:
    """A number of a formula; 2.0 as 2 if `whole_numbers`."""
    if whole_numbers and isinstance(value, float) and value.is_integer() and abs(value) < 1e6:
        return number(int(value))
    return number(value)


def apply_instruction(instruction: s.Instruction, parts: list[ast.expr]) -> ast.expr:
    """One instruction on operands. Raises TypeError if NumPy has none such."""
    if instruction in OPERATORS:
        return ast.BinOp(parts[0], OPERATORS[instruction], parts[1])
    if instruction in COMPARISONS:
        return ast.Compare(parts[0], [COMPARISONS[instruction]], [parts[1]])
    if instruction == s.NEGATIVE:
        return ast.UnaryOp(ast.USub(), parts[0])
    if instruction in FROM_MATH:
        vectorized = call("np.vectorize", attribute(f"math.{FROM_MATH[instruction]}"), ast.Constant("d"))
        return call(vectorized, *parts)
    function = getattr(instruction.numpy, "__name__", "")
    function = NUMPY_NAMES.get(function, function)
    if not hasattr(np, function):
        raise TypeError(f"NumPy has no {instruction}")
    return call(f"np.{function}", *parts)


def needs_double(formula: Expr) -> bool:
    """Whether a part is computed by Python's `math`, in double precision."""
    return isinstance(formula, Call) and (
        formula.instruction in FROM_MATH or any(map(needs_double, formula.operands))
    )


def repeated(formula: Expr) -> set[Expr]:
    """The parts of a formula, other than variables and numbers, that occur more than once."""
    seen: set[Expr] = set()
    found: set[Expr] = set()
    waiting = [formula]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Call):
            if part in seen:
                found.add(part)
            else:
                seen.add(part)
                waiting += part.operands
    return found


def count(formula: Expr) -> int:
    """How many instructions are written."""
    return 1 + sum(map(count, formula.operands)) if isinstance(formula, Call) else 0
