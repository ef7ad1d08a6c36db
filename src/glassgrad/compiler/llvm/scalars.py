"""Every instruction of the scalar language as LLVM IR: `supported` says for which dtypes, `emit` writes it.

Results agree with the instruction's NumPy function: NaN, infinities and the sign of zero included, to rounding. What is
not one machine instruction becomes a function of the module that LLVM inlines, so that a loop around it uses vector
instructions. In float64 some functions call the C library, one element at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from ...expr import scalar as s
from ...expr.scalar import Instruction
from . import circular, exponentials as e
from .number import FLOAT32, FLOAT64, Number, declared, inlined
from .types import BOOL

Rule = Callable[..., Number]


def supported(instruction: Instruction, kind: str) -> bool:
    """Whether `emit` knows the instruction for operands of the dtype of this name; where its first operand is a
    condition, `kind` is that of the others."""
    return _rule(instruction, kind) is not None


def emit(builder: ir.IRBuilder, instruction: Instruction, operands: Sequence[ir.Value]) -> ir.Value:
    """The instruction on operands of one type (for `where`, after a condition of any type).

    Integers are signed; of unsigned ones only what `supported` grants may be asked for.
    Raises NotImplementedError where `supported` says no.
    """
    kind = _kind_of(operands[-1].type)
    rule = _rule(instruction, kind)
    if rule is None:
        raise NotImplementedError(f"no machine code for {instruction} of {kind}: ask `supported` first")
    if rule in _WRITTEN_ONCE:
        return inlined(builder, instruction.name, rule, operands)
    return rule(*(Number(builder, operand) for operand in operands)).value


def _kind_of(kind: Any) -> str:
    if kind == FLOAT32.real:
        return "float32"
    if kind == FLOAT64.real:
        return "float64"
    return "bool" if kind == BOOL else f"int{kind.width}"


def _rule(instruction: Instruction, kind: str) -> Rule | None:
    if kind in ("float32", "float64"):
        special = _FLOAT32 if kind == "float32" else _FLOAT64
        return special.get(instruction) or _FLOATS.get(instruction)
    if kind == "bool":
        return _BOOLS.get(instruction)
    if kind in ("int8", "int16", "int32", "int64"):
        return _INTEGERS.get(instruction)
    if kind in ("uint8", "uint16", "uint32", "uint64") and instruction in _WITHOUT_SIGN:
        return _INTEGERS.get(instruction)
    return None


# --- what floats and integers share -------------------------------------------------------------------------------


def _truth(x: Number) -> Number:
    return x if x.type == BOOL else x.differs(0)


def _where(condition: Number, x: Number, y: Number) -> Number:
    return _truth(condition).choose(x, y)


def _not(x: Number) -> Number:
    return _truth(x) ^ 1


def _sign(x: Number) -> Number:
    """-1, 0 or 1; the sign of NaN is NaN, that of -0.0 is 0.0."""
    sign = (x > 0).choose(x.constant(1), (x < 0).choose(x.constant(-1), 0))
    return x.is_nan().choose(x, sign) if x.is_float else sign


_COMMON: dict[Instruction, Rule] = {
    s.ADD: lambda x, y: x + y,
    s.SUBTRACT: lambda x, y: x - y,
    s.MULTIPLY: lambda x, y: x * y,
    s.NEGATIVE: lambda x: -x,
    s.SIGN: _sign,
    s.EQUAL: lambda x, y: x.equals(y),
    s.NOT_EQUAL: lambda x, y: x.differs(y),
    s.GREATER: lambda x, y: x > y,
    s.GREATER_EQUAL: lambda x, y: x >= y,
    s.AND: lambda x, y: _truth(x) & _truth(y),
    s.OR: lambda x, y: _truth(x) | _truth(y),
    s.NOT: _not,
    s.WHERE: _where,
}

# --- floats -------------------------------------------------------------------------------------------------------


def _intrinsic(name: str) -> Rule:
    return lambda x, *others: x.intrinsic(name, *others)


def _library(name: str) -> Rule:
    """A function of the C library, under its name for double; that for float ends in f."""

    def call(*operands: Number) -> Number:
        x = operands[0]
        full = name if x.type == FLOAT64.real else f"{name}f"
        function = declared(x.builder.module, full, ir.FunctionType(x.type, [x.type] * len(operands)))
        return Number(x.builder, x.builder.call(function, [operand.value for operand in operands]))

    return call


def _larger(x: Number, y: Number) -> Number:
    return _chosen_or_nan(x >= y, x, y)


def _smaller(x: Number, y: Number) -> Number:
    return _chosen_or_nan(x <= y, x, y)


def _chosen_or_nan(first: Number, x: Number, y: Number) -> Number:
    """x if `first` holds or x is NaN, else y, which is taken if it is NaN as comparisons are then false."""
    return (first | x.is_nan()).choose(x, y)


def _remainder(x: Number, y: Number) -> Number:
    """What is left of x after a whole number of y; its sign is that of y (Python's rule)."""
    left = Number(x.builder, x.builder.frem(x.value, y.value))
    wrong_sign = (left < 0.0) ^ (y < 0.0)
    return left.equals(0.0).choose(left.with_sign_of(y), wrong_sign.choose(left + y, left))


def _floor_divide(x: Number, y: Number) -> Number:
    """The whole number of y in x, from the exact remainder, for the quotient is rounded before its floor is taken."""
    left = Number(x.builder, x.builder.frem(x.value, y.value))
    wrong_sign = left.differs(0.0) & ((left < 0.0) ^ (y < 0.0))
    quotient = (x - left) / y
    quotient = wrong_sign.choose(quotient - 1.0, quotient)
    floor = quotient.intrinsic("floor")
    nearest = (quotient - floor > 0.5).choose(floor + 1.0, floor)
    zero = x.constant(0.0).with_sign_of(x / y)
    return y.equals(0.0).choose(x / y, quotient.equals(0.0).choose(zero, nearest))


def _hypot_of_float32(x: Number, y: Number) -> Number:
    """The square root of x**2 + y**2, which do not overflow in float64; infinite if one is, even beside NaN."""
    a, b = x.wide(), y.wide()
    length = (a * a + b * b).intrinsic("sqrt").narrow()
    infinite = x.size().equals(float("inf")) | y.size().equals(float("inf"))
    return infinite.choose(x.constant(float("inf")), length)


_FLOATS: dict[Instruction, Rule] = {
    **_COMMON,
    s.DIVIDE: lambda x, y: x / y,
    s.REMAINDER: _remainder,
    s.FLOOR_DIVIDE: _floor_divide,
    s.MAXIMUM: _larger,
    s.MINIMUM: _smaller,
    s.ABS: _intrinsic("fabs"),
    s.FLOOR: _intrinsic("floor"),
    s.CEIL: _intrinsic("ceil"),
    s.ROUND: _intrinsic("rint"),
    s.TRUNC: _intrinsic("trunc"),
    s.SQRT: _intrinsic("sqrt"),
    s.COPYSIGN: _intrinsic("copysign"),
    s.SIGNBIT: lambda x: x.bits() < 0,
    s.NEXTAFTER: _library("nextafter"),
    s.EXP: e.exp,
    s.EXPM1: e.expm1,
    s.LOG: e.log,
    s.LOG1P: e.log1p,
    s.SINH: e.sinh,
    s.COSH: e.cosh,
    s.TANH: e.tanh,
}

_FLOAT32: dict[Instruction, Rule] = {
    s.LOG2: e.log2_of_float32,
    s.LOG10: e.log10_of_float32,
    s.ASINH: e.asinh_of_float32,
    s.ACOSH: e.acosh_of_float32,
    s.ATANH: e.atanh_of_float32,
    s.POWER: e.power_of_float32,
    s.SIN: circular.sin,
    s.COS: circular.cos,
    s.TAN: circular.tan,
    s.ASIN: circular.asin,
    s.ACOS: circular.acos,
    s.ATAN: circular.atan,
    s.ATAN2: circular.atan2,
    s.ERF: circular.erf,
    s.ERFC: circular.erfc,
    s.HYPOT: _hypot_of_float32,
}

_FLOAT64: dict[Instruction, Rule] = {
    s.POWER: _library("pow"),
    s.LOG2: _library("log2"),
    s.LOG10: _library("log10"),
    s.SIN: _library("sin"),
    s.COS: _library("cos"),
    s.TAN: _library("tan"),
    s.ASIN: _library("asin"),
    s.ACOS: _library("acos"),
    s.ATAN: _library("atan"),
    s.ATAN2: _library("atan2"),
    s.ASINH: _library("asinh"),
    s.ACOSH: _library("acosh"),
    s.ATANH: _library("atanh"),
    s.ERF: _library("erf"),
    s.ERFC: _library("erfc"),
    s.HYPOT: _library("hypot"),
}

# --- integers -----------------------------------------------------------------------------------------------------


def _divisor(x: Number, y: Number) -> Number:
    """y, or 1 where the processor would stop: at y = 0, and at the lowest number divided by -1, which is itself."""
    lowest = x.constant(-(2 ** (x.type.width - 1)))
    return (y.equals(0) | (x.equals(lowest) & y.equals(-1))).choose(y.constant(1), y)


def _integer_remainder(x: Number, y: Number) -> Number:
    """What is left of x, with y's sign; 0 where y is."""
    left = Number(x.builder, x.builder.srem(x.value, _divisor(x, y).value))
    wrong_sign = left.differs(0) & ((left < 0) ^ (y < 0))
    return wrong_sign.choose(left + y, left)


def _integer_floor_divide(x: Number, y: Number) -> Number:
    """The whole number of y in x, rounded down; 0 where y is."""
    divisor = _divisor(x, y)
    quotient = Number(x.builder, x.builder.sdiv(x.value, divisor.value))
    too_large = (quotient * divisor).differs(x) & ((x < 0) ^ (y < 0))
    return y.equals(0).choose(y, too_large.choose(quotient - 1, quotient))


def _within_width(y: Number) -> Number:
    """Whether a shift by y moves less than all bits; LLVM defines only these."""
    return Number(y.builder, y.builder.icmp_unsigned("<", y.value, ir.Constant(y.type, y.type.width)))


def _left_shift(x: Number, y: Number) -> Number:
    allowed = _within_width(y)
    return allowed.choose(x << allowed.choose(y, 0), 0)


def _right_shift(x: Number, y: Number) -> Number:
    return x >> _within_width(y).choose(y, y.type.width - 1)


_BITS: dict[Instruction, Rule] = {
    s.BIT_AND: lambda x, y: x & y,
    s.BIT_OR: lambda x, y: x | y,
    s.BIT_XOR: lambda x, y: x ^ y,
    s.BIT_INVERT: lambda x: x ^ -1,
}

_INTEGERS: dict[Instruction, Rule] = {
    **_COMMON,
    **_BITS,
    **dict.fromkeys((s.FLOOR, s.CEIL, s.ROUND, s.TRUNC), lambda x: x),
    s.REMAINDER: _integer_remainder,
    s.FLOOR_DIVIDE: _integer_floor_divide,
    s.MAXIMUM: lambda x, y: (x > y).choose(x, y),
    s.MINIMUM: lambda x, y: (x < y).choose(x, y),
    s.ABS: lambda x: (x < 0).choose(-x, x),
    s.LEFT_SHIFT: _left_shift,
    s.RIGHT_SHIFT: _right_shift,
}

_WITHOUT_SIGN = frozenset(
    (
        s.ADD,
        s.SUBTRACT,
        s.MULTIPLY,
        s.NEGATIVE,
        s.EQUAL,
        s.NOT_EQUAL,
        s.AND,
        s.OR,
        s.NOT,
        s.WHERE,
        s.LEFT_SHIFT,
    )
    + (s.FLOOR, s.CEIL, s.ROUND, s.TRUNC, *_BITS)
)

_BOOLS: dict[Instruction, Rule] = {
    **_BITS,
    **{
        instruction: _COMMON[instruction]
        for instruction in (s.EQUAL, s.NOT_EQUAL, s.AND, s.OR, s.NOT, s.WHERE)
    },
    s.BIT_INVERT: lambda x: x ^ 1,
    s.GREATER: lambda x, y: x > y,
    s.GREATER_EQUAL: lambda x, y: x >= y,
    s.ADD: lambda x, y: x | y,
    s.MULTIPLY: lambda x, y: x & y,
    s.MAXIMUM: lambda x, y: x | y,
    s.MINIMUM: lambda x, y: x & y,
    s.ABS: lambda x: x,
}

_WRITTEN_ONCE = frozenset(
    (e.exp, e.expm1, e.log, e.log1p, e.sinh, e.cosh, e.tanh, _remainder, _floor_divide, *_FLOAT32.values())
)
"""Rules that are functions of the module, not a few instructions at every place."""
