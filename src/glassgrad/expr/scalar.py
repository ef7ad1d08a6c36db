"""The closed scalar language: formulas over numbers, built from a fixed set of instructions.

A formula is a small immutable tree. Elementwise ops are written in it once; NumPy evaluation (`program`),
derivatives (`derive`), symbolic mathematics and machine code all read the same tree. Adding an instruction means one
line here, one derivative in `derive`, and one line in each code generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Instruction:
    """One scalar operation: its name, how many operands it takes, how NumPy computes it and how it is written."""

    name: str
    arity: int
    numpy: Callable[..., Any]
    template: str
    gives_bool: bool = False

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Expr:
    """Base of all formulas. Python's arithmetic operators build larger ones."""

    def __add__(self, other: Operand) -> Expr:
        return build(ADD, self, other)

    def __radd__(self, other: Operand) -> Expr:
        return build(ADD, other, self)

    def __sub__(self, other: Operand) -> Expr:
        return build(SUBTRACT, self, other)

    def __rsub__(self, other: Operand) -> Expr:
        return build(SUBTRACT, other, self)

    def __mul__(self, other: Operand) -> Expr:
        return build(MULTIPLY, self, other)

    def __rmul__(self, other: Operand) -> Expr:
        return build(MULTIPLY, other, self)

    def __truediv__(self, other: Operand) -> Expr:
        return build(DIVIDE, self, other)

    def __rtruediv__(self, other: Operand) -> Expr:
        return build(DIVIDE, other, self)

    def __pow__(self, other: Operand) -> Expr:
        return build(POWER, self, other)

    def __neg__(self) -> Expr:
        return build(NEGATIVE, self)

    def __gt__(self, other: Operand) -> Expr:
        return build(GREATER, self, other)

    def __ge__(self, other: Operand) -> Expr:
        return build(GREATER_EQUAL, self, other)

    def __lt__(self, other: Operand) -> Expr:
        return build(GREATER, other, self)

    def __le__(self, other: Operand) -> Expr:
        return build(GREATER_EQUAL, other, self)


Operand = Expr | float | int | bool


@dataclass(frozen=True)
class Var(Expr):
    """A named input of the formula."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Const(Expr):
    """A literal number; it takes the dtype of what it meets."""

    value: float

    def __str__(self) -> str:
        return f"{self.value:g}"


@dataclass(frozen=True)
class Call(Expr):
    """One instruction applied to operands."""

    instruction: Instruction
    operands: tuple[Expr, ...]

    def __str__(self) -> str:
        template = self.instruction.template
        return template.format(*map(_grouped if _is_operator(template) else str, self.operands))


def _is_operator(template: str) -> bool:
    """Whether an instruction is written with an operator, rather than as a function of arguments in parentheses."""
    return template.startswith(("{0} ", "-", "~", "not "))


def _grouped(operand: Expr) -> str:
    """The operand of an operator, in parentheses when it is itself written with one."""
    infix = isinstance(operand, Call) and _is_operator(operand.instruction.template)
    return f"({operand})" if infix else str(operand)


def build(instruction: Instruction, *operands: Operand) -> Expr:
    """Apply `instruction`, turning plain numbers into constants."""
    if len(operands) != instruction.arity:
        raise TypeError(f"{instruction} takes {instruction.arity} operands, got {len(operands)}")
    return Call(instruction, tuple(o if isinstance(o, Expr) else Const(o) for o in operands))


ADD = Instruction("add", 2, np.add, "{0} + {1}")
SUBTRACT = Instruction("subtract", 2, np.subtract, "{0} - {1}")
MULTIPLY = Instruction("multiply", 2, np.multiply, "{0} * {1}")
DIVIDE = Instruction("divide", 2, np.true_divide, "{0} / {1}")
NEGATIVE = Instruction("negative", 1, np.negative, "-{0}")
POWER = Instruction("power", 2, np.power, "{0} ** {1}")
REMAINDER = Instruction("remainder", 2, np.remainder, "{0} % {1}")
MAXIMUM = Instruction("maximum", 2, np.maximum, "max({0}, {1})")
MINIMUM = Instruction("minimum", 2, np.minimum, "min({0}, {1})")
ABS = Instruction("abs", 1, np.abs, "abs({0})")
SIGN = Instruction("sign", 1, np.sign, "sign({0})")
FLOOR = Instruction("floor", 1, np.floor, "floor({0})")
CEIL = Instruction("ceil", 1, np.ceil, "ceil({0})")
ROUND = Instruction("round", 1, np.round, "round({0})")
TRUNC = Instruction("trunc", 1, np.trunc, "trunc({0})")
SQRT = Instruction("sqrt", 1, np.sqrt, "sqrt({0})")
EXP = Instruction("exp", 1, np.exp, "exp({0})")
EXPM1 = Instruction("expm1", 1, np.expm1, "expm1({0})")
LOG = Instruction("log", 1, np.log, "log({0})")
LOG1P = Instruction("log1p", 1, np.log1p, "log1p({0})")
SIN = Instruction("sin", 1, np.sin, "sin({0})")
COS = Instruction("cos", 1, np.cos, "cos({0})")
TAN = Instruction("tan", 1, np.tan, "tan({0})")
ASIN = Instruction("asin", 1, np.arcsin, "asin({0})")
ACOS = Instruction("acos", 1, np.arccos, "acos({0})")
ATAN = Instruction("atan", 1, np.arctan, "atan({0})")
ATAN2 = Instruction("atan2", 2, np.arctan2, "atan2({0}, {1})")
SINH = Instruction("sinh", 1, np.sinh, "sinh({0})")
COSH = Instruction("cosh", 1, np.cosh, "cosh({0})")
TANH = Instruction("tanh", 1, np.tanh, "tanh({0})")
EQUAL = Instruction("equal", 2, np.equal, "{0} == {1}", gives_bool=True)
NOT_EQUAL = Instruction("not_equal", 2, np.not_equal, "{0} != {1}", gives_bool=True)
GREATER = Instruction("greater", 2, np.greater, "{0} > {1}", gives_bool=True)
GREATER_EQUAL = Instruction("greater_equal", 2, np.greater_equal, "{0} >= {1}", gives_bool=True)
AND = Instruction("and", 2, np.logical_and, "{0} and {1}", gives_bool=True)
OR = Instruction("or", 2, np.logical_or, "{0} or {1}", gives_bool=True)
NOT = Instruction("not", 1, np.logical_not, "not {0}", gives_bool=True)
WHERE = Instruction("where", 3, np.where, "where({0}, {1}, {2})")
FLOOR_DIVIDE = Instruction("floor_divide", 2, np.floor_divide, "{0} // {1}")
HYPOT = Instruction("hypot", 2, np.hypot, "hypot({0}, {1})")
COPYSIGN = Instruction("copysign", 2, np.copysign, "copysign({0}, {1})")
NEXTAFTER = Instruction("nextafter", 2, np.nextafter, "nextafter({0}, {1})")
SIGNBIT = Instruction("signbit", 1, np.signbit, "signbit({0})", gives_bool=True)
BIT_AND = Instruction("bit_and", 2, np.bitwise_and, "{0} & {1}")
BIT_OR = Instruction("bit_or", 2, np.bitwise_or, "{0} | {1}")
BIT_XOR = Instruction("bit_xor", 2, np.bitwise_xor, "{0} ^ {1}")
BIT_INVERT = Instruction("bit_invert", 1, np.invert, "~{0}")
LEFT_SHIFT = Instruction("left_shift", 2, np.left_shift, "{0} << {1}")
RIGHT_SHIFT = Instruction("right_shift", 2, np.right_shift, "{0} >> {1}")

INSTRUCTIONS = tuple(value for value in list(globals().values()) if isinstance(value, Instruction))


def maximum(x: Operand, y: Operand) -> Expr:
    """The larger of two numbers; NaN if either is NaN."""
    return build(MAXIMUM, x, y)


def minimum(x: Operand, y: Operand) -> Expr:
    """The smaller of two numbers; NaN if either is NaN."""
    return build(MINIMUM, x, y)


def absolute(x: Operand) -> Expr:
    """The distance from zero."""
    return build(ABS, x)


def sign(x: Operand) -> Expr:
    """-1, 0 or 1."""
    return build(SIGN, x)


def sqrt(x: Operand) -> Expr:
    """The square root."""
    return build(SQRT, x)


def exp(x: Operand) -> Expr:
    """The exponential function."""
    return build(EXP, x)


def expm1(x: Operand) -> Expr:
    """exp(x) - 1 without cancellation near 0."""
    return build(EXPM1, x)


def log(x: Operand) -> Expr:
    """The natural logarithm."""
    return build(LOG, x)


def log1p(x: Operand) -> Expr:
    """log(1 + x) without cancellation near 0."""
    return build(LOG1P, x)


def sin(x: Operand) -> Expr:
    """The sine of an angle in radians."""
    return build(SIN, x)


def cos(x: Operand) -> Expr:
    """The cosine of an angle in radians."""
    return build(COS, x)


def sinh(x: Operand) -> Expr:
    """The hyperbolic sine."""
    return build(SINH, x)


def cosh(x: Operand) -> Expr:
    """The hyperbolic cosine."""
    return build(COSH, x)


def tanh(x: Operand) -> Expr:
    """The hyperbolic tangent."""
    return build(TANH, x)


def equal(x: Operand, y: Operand) -> Expr:
    """Whether two numbers are equal (`==` itself compares formulas)."""
    return build(EQUAL, x, y)


def both(x: Operand, y: Operand) -> Expr:
    """Logical and."""
    return build(AND, x, y)


def where(condition: Operand, x: Operand, y: Operand) -> Expr:
    """`x` if the condition holds, else `y`."""
    return build(WHERE, condition, x, y)


def variables(expr: Expr) -> frozenset[str]:
    """The names of the inputs that `expr` reads."""
    if isinstance(expr, Var):
        return frozenset((expr.name,))
    if isinstance(expr, Call):
        return frozenset().union(*map(variables, expr.operands))
    return frozenset()


def rename(expr: Expr, names: dict[str, str]) -> Expr:
    """The same formula with other names for its inputs."""
    if isinstance(expr, Var):
        return Var(names.get(expr.name, expr.name))
    if isinstance(expr, Call):
        return Call(expr.instruction, tuple(rename(operand, names) for operand in expr.operands))
    return expr


def gives_bool(expr: Expr) -> bool:
    """Whether the formula's value is a truth value rather than a number."""
    return isinstance(expr, Call) and expr.instruction.gives_bool
