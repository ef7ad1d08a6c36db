"""LLVM values that are added, multiplied and compared with Python's operators, so that formulas read as formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from .types import BOOL


@dataclass(frozen=True)
class Format:
    """How a binary float is stored: its LLVM type, the integer of the same size, its digits and its exponents."""

    real: Any
    integer: Any
    digits: int
    bias: int

    @property
    def fraction_bits(self) -> int:
        """The number of stored digits: all but the first, which is always 1."""
        return self.digits - 1

    @property
    def smallest_normal(self) -> float:
        """The smallest number with all its digits."""
        return 2.0 ** (1 - self.bias)

    @property
    def rounder(self) -> float:
        """Added to a small number, it leaves the nearest integer in the last digits of the sum."""
        return 1.5 * 2.0**self.fraction_bits

    def rounded(self, value: float) -> float:
        """The nearest float of this format."""
        return float(np.float32(value)) if self.digits == 24 else value


FLOAT32 = Format(ir.FloatType(), ir.IntType(32), digits=24, bias=127)
FLOAT64 = Format(ir.DoubleType(), ir.IntType(64), digits=53, bias=1023)
FORMATS = {FLOAT32.real: FLOAT32, FLOAT64.real: FLOAT64}


class Number:
    """A value under construction in one builder. Plain numbers take the type of what they meet.

    Comparisons are false where an operand is NaN; `both`, `either` and `choose` replace `and`, `or` and `if`: nothing
    branches, so that LLVM can compute several elements at a time. There are no fast-math flags: NaN, infinity and the
    sign of zero keep their meaning.
    """

    __slots__ = ("builder", "value")

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder = builder
        self.value = value

    @property
    def type(self) -> Any:
        """The LLVM type."""
        return self.value.type

    @property
    def is_float(self) -> bool:
        """Whether this is a floating point number, not an integer or a truth value."""
        return self.type in FORMATS

    @property
    def format(self) -> Format:
        """How this float is stored."""
        return FORMATS[self.type]

    def like(self, other: Number | float) -> Any:
        """The LLVM value of another operand; a plain number gets this one's type."""
        return other.value if isinstance(other, Number) else ir.Constant(self.type, other)

    def constant(self, value: float) -> Number:
        """A constant of this type."""
        return Number(self.builder, ir.Constant(self.type, value))

    def _made(self, value: Any) -> Number:
        return Number(self.builder, value)

    def _arithmetic(self, name: str, left: Any, right: Any) -> Number:
        return self._made(getattr(self.builder, f"f{name}" if self.is_float else name)(left, right))

    def __add__(self, other: Number | float) -> Number:
        return self._arithmetic("add", self.value, self.like(other))

    def __radd__(self, other: float) -> Number:
        return self._arithmetic("add", self.like(other), self.value)

    def __sub__(self, other: Number | float) -> Number:
        return self._arithmetic("sub", self.value, self.like(other))

    def __rsub__(self, other: float) -> Number:
        return self._arithmetic("sub", self.like(other), self.value)

    def __mul__(self, other: Number | float) -> Number:
        return self._arithmetic("mul", self.value, self.like(other))

    def __rmul__(self, other: float) -> Number:
        return self._arithmetic("mul", self.like(other), self.value)

    def __truediv__(self, other: Number | float) -> Number:
        return self._made(self.builder.fdiv(self.value, self.like(other)))

    def __rtruediv__(self, other: float) -> Number:
        return self._made(self.builder.fdiv(self.like(other), self.value))

    def __neg__(self) -> Number:
        return self._made(self.builder.fneg(self.value) if self.is_float else self.builder.neg(self.value))

    def __and__(self, other: Number | int) -> Number:
        return self._made(self.builder.and_(self.value, self.like(other)))

    def __or__(self, other: Number | int) -> Number:
        return self._made(self.builder.or_(self.value, self.like(other)))

    def __xor__(self, other: Number | int) -> Number:
        return self._made(self.builder.xor(self.value, self.like(other)))

    def __lshift__(self, other: Number | int) -> Number:
        return self._made(self.builder.shl(self.value, self.like(other)))

    def __rshift__(self, other: Number | int) -> Number:
        return self._made(self.builder.ashr(self.value, self.like(other)))

    def shifted_right(self, other: int) -> Number:
        """This integer, read as positive, divided by a power of two."""
        return self._made(self.builder.lshr(self.value, self.like(other)))

    def _compared(self, how: str, other: Number | float) -> Number:
        if self.is_float:
            return self._made(self.builder.fcmp_ordered(how, self.value, self.like(other)))
        signed = self.builder.icmp_unsigned if self.type == BOOL else self.builder.icmp_signed
        return self._made(signed(how, self.value, self.like(other)))

    def __lt__(self, other: Number | float) -> Number:
        return self._compared("<", other)

    def __le__(self, other: Number | float) -> Number:
        return self._compared("<=", other)

    def __gt__(self, other: Number | float) -> Number:
        return self._compared(">", other)

    def __ge__(self, other: Number | float) -> Number:
        return self._compared(">=", other)

    def equals(self, other: Number | float) -> Number:
        """Whether the two are equal."""
        return self._compared("==", other)

    def differs(self, other: Number | float) -> Number:
        """Whether the two are not equal; true where one is NaN."""
        if self.is_float:
            return self._made(self.builder.fcmp_unordered("!=", self.value, self.like(other)))
        return self._compared("!=", other)

    def is_nan(self) -> Number:
        """Whether this is no number."""
        return self._made(self.builder.fcmp_unordered("uno", self.value, self.value))

    def choose(self, yes: Number, no: Number | float) -> Number:
        """`yes` where this truth value holds, else `no`."""
        return yes._made(self.builder.select(self.value, yes.value, yes.like(no)))

    def at_most(self, limit: float) -> Number:
        """This, or `limit` if it is larger; NaN stays."""
        return (self > limit).choose(self.constant(limit), self)

    def at_least(self, limit: float) -> Number:
        """This, or `limit` if it is smaller; NaN stays."""
        return (self < limit).choose(self.constant(limit), self)

    def bits(self) -> Number:
        """The integer stored as this float is."""
        return self._made(self.builder.bitcast(self.value, self.format.integer))

    def as_float(self) -> Number:
        """The float stored as this integer is."""
        form = FLOAT32 if self.type == FLOAT32.integer else FLOAT64
        return self._made(self.builder.bitcast(self.value, form.real))

    def to_float(self, form: Format) -> Number:
        """The float nearest to this integer."""
        return self._made(self.builder.sitofp(self.value, form.real))

    def wide(self) -> Number:
        """This float32 as float64."""
        return self._made(self.builder.fpext(self.value, FLOAT64.real))

    def narrow(self) -> Number:
        """This float64 rounded to float32."""
        return self._made(self.builder.fptrunc(self.value, FLOAT32.real))

    def wide_integer(self) -> Number:
        """This integer of 32 bits, read as positive, with 64."""
        return self._made(self.builder.zext(self.value, FLOAT64.integer))

    def narrow_integer(self) -> Number:
        """The last 32 bits of this integer."""
        return self._made(self.builder.trunc(self.value, FLOAT32.integer))

    def intrinsic(self, name: str, *others: Number | float) -> Number:
        """The LLVM intrinsic `llvm.<name>` of this and others, all of one type."""
        function = intrinsic(self.builder.module, f"llvm.{name}", self.type, 1 + len(others))
        return self._made(self.builder.call(function, [self.value, *map(self.like, others)]))

    def times_plus(self, factor: Number | float, summand: Number | float) -> Number:
        """`self * factor + summand`, rounded once where the processor can, else twice."""
        return self.intrinsic("fmuladd", factor, summand)

    def size(self) -> Number:
        """The absolute value of this float."""
        return self.intrinsic("fabs")

    def with_sign_of(self, other: Number) -> Number:
        """The absolute value of this float, with another's sign."""
        return self.intrinsic("copysign", other)

    def polynomial(self, coefficients: Sequence[float]) -> Number:
        """The polynomial with these coefficients, lowest power first, by Horner's rule."""
        total: Number | float = coefficients[-1]
        for coefficient in coefficients[-2::-1]:
            total = self.times_plus(total, coefficient)
        return total if isinstance(total, Number) else self.constant(total)


def intrinsic(module: Any, name: str, kind: Any, count: int) -> Any:
    """The declaration of an overloaded LLVM intrinsic for `count` operands of one type."""
    suffix = {FLOAT32.real: "f32", FLOAT64.real: "f64"}.get(kind, str(kind))
    return declared(module, f"{name}.{suffix}", ir.FunctionType(kind, [kind] * count))


def declared(module: Any, name: str, signature: Any) -> Any:
    """The function of this name in the module, declared on first use."""
    function = module.globals.get(name)
    return ir.Function(module, signature, name) if function is None else function


def separate(module: Any, name: str, arguments: Sequence[Any]) -> Any:
    """A new function of the module, `void name(arguments)`, that LLVM compiles once, however many call it."""
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
    function.attributes.add("noinline")
    return function


def inlined(builder: Any, name: str, formula: Callable[..., Number], operands: Sequence[Any]) -> Any:
    """A call of `formula` as a function of the module, which LLVM puts in the place of the call.

    Its body is written once a module, however many kernels use it.
    """
    signature = ir.FunctionType(operands[0].type, [operand.type for operand in operands])
    function = declared(builder.module, f"glassgrad.{name}.{operands[0].type}", signature)
    if function.is_declaration:
        function.linkage = "internal"
        function.attributes.add("alwaysinline")
        inside = ir.IRBuilder(function.append_basic_block())
        inside.ret(formula(*(Number(inside, argument) for argument in function.args)).value)
    return builder.call(function, operands)
