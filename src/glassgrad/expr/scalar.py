"""The closed scalar language: formulas over numbers, built from a fixed set of instructions.

Elementwise ops are written in it once; NumPy evaluation (`program`), derivatives (`derive`), symbolic mathematics and
machine code all read the same formula. Adding an instruction means one line here, one derivative in `derive`, and one
line in each code generator.

A formula is immutable, and the same formula is the same object (hash consing): shared subformulas are found by
identity, equality and hashing take no time, and what a pass has worked out for a subformula serves all its users.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from string import Formatter
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from . import special
from .rounding import rounded_once


@dataclass(frozen=True, eq=False)
class Instruction:
    """One scalar operation: its name, how many operands it takes, how NumPy computes it and how it is written."""

    name: str
    arity: int
    numpy: Callable[..., Any]
    template: str
    gives_bool: bool = False

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return _instruction_named, (self.name,)


class Expr:
    """Base of all formulas. Python's arithmetic operators build larger ones."""

    __slots__ = ("__weakref__", "variables")

    variables: frozenset[str]
    """The names of the inputs that the formula reads."""

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

    def __repr__(self) -> str:
        return f"<formula {self}>"


Operand = Expr | float | int | bool
SomeExpr = TypeVar("SomeExpr", bound=Expr)

_formulas: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()
_lock = Lock()
NOTHING: frozenset[str] = frozenset()


def _the_one(kind: type[SomeExpr], key: tuple[Any, ...], **fields: Any) -> SomeExpr:
    """The formula of this kind with this key: the one that exists, or a new one with these fields."""
    key = (kind, *key)
    with _lock:
        found: SomeExpr | None = _formulas.get(key)
        if found is None:
            found = object.__new__(kind)
            for name, value in fields.items():
                setattr(found, name, value)
            _formulas[key] = found
        return found


class Var(Expr):
    """A named input of the formula."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str) -> Var:
        """The variable of this name."""
        return _the_one(Var, (name,), name=name, variables=frozenset((name,)))

    def __reduce__(self) -> tuple[Any, ...]:
        return Var, (self.name,)

    def __str__(self) -> str:
        return self.name


class Const(Expr):
    """A literal number; it takes the dtype of what it meets."""

    __slots__ = ("value",)
    value: float

    def __new__(cls, value: float) -> Const:
        """The constant of this value."""
        if isinstance(value, np.generic):  # which would impose its dtype
            value = value.item()
        # told apart by their text, because 0, 0.0, -0.0 and False are equal, and NaN is not equal to itself
        return _the_one(Const, (repr(value),), value=value, variables=NOTHING)

    def __reduce__(self) -> tuple[Any, ...]:
        return Const, (self.value,)

    def __str__(self) -> str:
        return f"{self.value:g}"


class Call(Expr):
    """One instruction applied to operands."""

    __slots__ = ("instruction", "operands")
    instruction: Instruction
    operands: tuple[Expr, ...]

    def __new__(cls, instruction: Instruction, operands: tuple[Expr, ...]) -> Call:
        """The call of this instruction on these operands."""
        known = operands[0].variables
        for operand in operands[1:]:
            if not operand.variables <= known:
                known |= operand.variables
        key = (instruction, *operands)
        return _the_one(Call, key, instruction=instruction, operands=operands, variables=known)

    def __reduce__(self) -> tuple[Any, ...]:
        return Call, (self.instruction, self.operands)

    def __str__(self) -> str:
        written: list[str] = []
        waiting: list[Expr | str] = [self]
        while waiting:
            piece = waiting.pop()
            if isinstance(piece, Call):
                waiting += reversed(piece._pieces())
            else:
                written.append(str(piece))
        return "".join(written)

    def _pieces(self) -> list[Expr | str]:
        """The text, with operands that are not yet written."""
        infix = _is_operator(self.instruction.template)
        pieces: list[Expr | str] = []
        for text, place, _, _ in Formatter().parse(self.instruction.template):
            pieces.append(text)
            if place is not None:
                operand = self.operands[int(place)]
                grouped = infix and isinstance(operand, Call) and _is_operator(operand.instruction.template)
                pieces += ["(", operand, ")"] if grouped else [operand]
        return pieces


def _is_operator(template: str) -> bool:
    """Whether an instruction is written with an operator, rather than as a function of arguments in parentheses."""
    return template.startswith(("{0} ", "-", "~", "not "))


def parts(expr: Expr, known: Container[Expr] = ()) -> Iterator[Expr]:
    """Every subformula once, operands before what is made of them, `expr` last; any depth. Leaves out what is in
    `known`, with its operands."""
    seen: set[Expr] = set()
    waiting = [expr]
    while waiting:
        part = waiting[-1]
        if part in seen or part in known:
            waiting.pop()
            continue
        operands = part.operands if isinstance(part, Call) else ()
        missing = [operand for operand in operands if operand not in seen and operand not in known]
        if missing:
            waiting += reversed(missing)
        else:
            seen.add(part)
            waiting.pop()
            yield part


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
EXP = Instruction("exp", 1, rounded_once(np.exp), "exp({0})")
EXPM1 = Instruction("expm1", 1, special.expm1, "expm1({0})")
LOG = Instruction("log", 1, rounded_once(np.log), "log({0})")
LOG2 = Instruction("log2", 1, rounded_once(np.log2), "log2({0})")
LOG10 = Instruction("log10", 1, rounded_once(np.log10), "log10({0})")
LOG1P = Instruction("log1p", 1, special.log1p, "log1p({0})")
SIN = Instruction("sin", 1, np.sin, "sin({0})")
COS = Instruction("cos", 1, np.cos, "cos({0})")
TAN = Instruction("tan", 1, rounded_once(np.tan), "tan({0})")
ASIN = Instruction("asin", 1, rounded_once(np.arcsin), "asin({0})")
ACOS = Instruction("acos", 1, rounded_once(np.arccos), "acos({0})")
ATAN = Instruction("atan", 1, rounded_once(np.arctan), "atan({0})")
ATAN2 = Instruction("atan2", 2, rounded_once(np.arctan2), "atan2({0}, {1})")
SINH = Instruction("sinh", 1, rounded_once(np.sinh), "sinh({0})")
COSH = Instruction("cosh", 1, rounded_once(np.cosh), "cosh({0})")
TANH = Instruction("tanh", 1, np.tanh, "tanh({0})")
ASINH = Instruction("asinh", 1, rounded_once(np.arcsinh), "asinh({0})")
ACOSH = Instruction("acosh", 1, rounded_once(np.arccosh), "acosh({0})")
ATANH = Instruction("atanh", 1, rounded_once(np.arctanh), "atanh({0})")
ERF = Instruction("erf", 1, special.erf, "erf({0})")
ERFC = Instruction("erfc", 1, special.erfc, "erfc({0})")
ERFINV = Instruction("erfinv", 1, special.erfinv, "erfinv({0})")
LGAMMA = Instruction("lgamma", 1, special.lgamma, "lgamma({0})")
DIGAMMA = Instruction("digamma", 1, special.digamma, "digamma({0})")
POLYGAMMA = Instruction("polygamma", 2, special.polygamma, "polygamma({0}, {1})")  # the first is a constant
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


def _instruction_named(name: str) -> Instruction:
    return next(instruction for instruction in INSTRUCTIONS if instruction.name == name)


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
    return expr.variables


def rename(expr: Expr, names: dict[str, str]) -> Expr:
    """The same formula with other names for its inputs."""
    return rebuilt(expr, lambda part: Var(names.get(part.name, part.name)) if isinstance(part, Var) else part)


def rebuilt(expr: Expr, change: Callable[[Expr], Expr], known: dict[Expr, Expr] | None = None) -> Expr:
    """The formula with `change` applied to every subformula, operands first. `known` holds what subformulas have
    become, and is added to."""
    new: dict[Expr, Expr] = {} if known is None else known
    for part in parts(expr, new):
        if isinstance(part, Call):
            operands = tuple(new[operand] for operand in part.operands)
            new[part] = change(part if operands == part.operands else Call(part.instruction, operands))
        else:
            new[part] = change(part)
    return new[expr]


def gives_bool(expr: Expr) -> bool:
    """Whether the formula's value is a truth value rather than a number."""
    return isinstance(expr, Call) and expr.instruction.gives_bool
