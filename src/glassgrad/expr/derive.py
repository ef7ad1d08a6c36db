"""Symbolic differentiation of formulas: one rule per instruction, combined by the chain rule.

At a kink (abs, max, min, where) the derivative is the one that elementwise ops document: the mean of both sides for
max and min, 0 for abs and sign at 0, the chosen branch for where.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from . import scalar as s
from .scalar import Call, Const, Expr, Var, parts
from .simplify import ONE, ZERO, simplified, simplify

Partials = Callable[..., tuple[Expr, ...]]


def _select_larger(x: Expr, y: Expr) -> Expr:
    return s.where(x > y, 1.0, s.where(s.equal(x, y), 0.5, 0.0))


# instruction -> (out, *operands) -> the partial derivative for each operand
PARTIALS: dict[s.Instruction, Partials] = {
    s.ADD: lambda out, x, y: (ONE, ONE),
    s.SUBTRACT: lambda out, x, y: (ONE, Const(-1.0)),
    s.MULTIPLY: lambda out, x, y: (y, x),
    s.DIVIDE: lambda out, x, y: (1.0 / y, -out / y),
    s.NEGATIVE: lambda out, x: (Const(-1.0),),
    s.POWER: lambda out, x, y: (
        s.where(s.equal(y, 0.0), 0.0, y * x ** (y - 1.0)),
        s.where(s.both(s.equal(x, 0.0), y >= 0.0), 0.0, out * s.log(x)),
    ),
    s.REMAINDER: lambda out, x, y: (ONE, -s.build(s.FLOOR, x / y)),
    s.MAXIMUM: lambda out, x, y: (_select_larger(x, y), _select_larger(y, x)),
    s.MINIMUM: lambda out, x, y: (_select_larger(y, x), _select_larger(x, y)),
    s.ABS: lambda out, x: (s.sign(x),),
    s.SQRT: lambda out, x: (0.5 / out,),
    s.EXP: lambda out, x: (out,),
    s.EXPM1: lambda out, x: (out + 1.0,),
    s.LOG: lambda out, x: (1.0 / x,),
    s.LOG2: lambda out, x: (1.0 / (x * math.log(2.0)),),
    s.LOG10: lambda out, x: (1.0 / (x * math.log(10.0)),),
    s.LOG1P: lambda out, x: (1.0 / (1.0 + x),),
    s.SIN: lambda out, x: (s.cos(x),),
    s.COS: lambda out, x: (-s.sin(x),),
    s.TAN: lambda out, x: (1.0 + out * out,),
    s.ASIN: lambda out, x: (1.0 / s.sqrt((1.0 - x) * (1.0 + x)),),
    s.ACOS: lambda out, x: (-1.0 / s.sqrt((1.0 - x) * (1.0 + x)),),
    s.ATAN: lambda out, x: (1.0 / (1.0 + x * x),),
    s.ATAN2: lambda out, y, x: (x / (x * x + y * y), -y / (x * x + y * y)),
    s.SINH: lambda out, x: (s.cosh(x),),
    s.COSH: lambda out, x: (s.sinh(x),),
    s.TANH: lambda out, x: (1.0 - out * out,),
    s.ASINH: lambda out, x: (1.0 / s.sqrt(1.0 + x * x),),
    s.ACOSH: lambda out, x: (1.0 / (s.sqrt(x - 1.0) * s.sqrt(x + 1.0)),),
    s.ATANH: lambda out, x: (1.0 / ((1.0 - x) * (1.0 + x)),),
    s.ERF: lambda out, x: (2.0 / math.sqrt(math.pi) * s.exp(-(x * x)),),
    s.ERFC: lambda out, x: (-2.0 / math.sqrt(math.pi) * s.exp(-(x * x)),),
    s.ERFINV: lambda out, x: (math.sqrt(math.pi) / 2.0 * s.exp(out * out),),
    s.LGAMMA: lambda out, x: (s.build(s.DIGAMMA, x),),
    s.DIGAMMA: lambda out, x: (s.build(s.POLYGAMMA, 1, x),),
    s.POLYGAMMA: lambda out, n, x: (ZERO, s.build(s.POLYGAMMA, n.value + 1, x)),
    s.WHERE: lambda out, c, x, y: (ZERO, s.where(c, 1.0, 0.0), s.where(c, 0.0, 1.0)),
    s.HYPOT: lambda out, x, y: (
        s.where(s.equal(out, 0.0), 0.0, x / out),
        s.where(s.equal(out, 0.0), 0.0, y / out),
    ),
    s.COPYSIGN: lambda out, x, y: (s.sign(x) * s.build(s.COPYSIGN, 1.0, y), ZERO),
    s.NEXTAFTER: lambda out, x, y: (ONE, ZERO),
}

# piecewise constant: the derivative is 0 wherever it exists
for _flat in (s.SIGN, s.FLOOR, s.CEIL, s.ROUND, s.TRUNC, s.EQUAL, s.NOT_EQUAL, s.GREATER, s.GREATER_EQUAL):
    PARTIALS[_flat] = lambda out, *operands: (ZERO,) * len(operands)
for _flat in (s.AND, s.OR, s.NOT, s.SIGNBIT, s.FLOOR_DIVIDE):
    PARTIALS[_flat] = lambda out, *operands: (ZERO,) * len(operands)
for _flat in (s.BIT_AND, s.BIT_OR, s.BIT_XOR, s.BIT_INVERT, s.LEFT_SHIFT, s.RIGHT_SHIFT):
    PARTIALS[_flat] = lambda out, *operands: (ZERO,) * len(operands)


def derive(expr: Expr, variable: str) -> Expr:
    """The derivative of `expr` with respect to `variable`, simplified.

    >>> x = Var("x")
    >>> print(derive(x * s.sin(x), "x"))
    sin(x) + (x * cos(x))
    """
    expr = simplify(expr)
    slopes: dict[Expr, Expr] = {}
    known: dict[Expr, Expr] = {}
    for part in parts(expr):
        known[part] = part
        if isinstance(part, Call) and variable in part.variables:
            slopes[part] = _by_chain_rule(part, slopes, known)
        else:
            slopes[part] = ONE if part is Var(variable) else ZERO
    return slopes[expr]


def _by_chain_rule(call: Call, slopes: dict[Expr, Expr], known: dict[Expr, Expr]) -> Expr:
    """The sum of the partial derivatives of an instruction times the slopes of its operands, all simplified."""
    total: Expr = ZERO
    partials = PARTIALS[call.instruction](call, *call.operands)
    for operand, partial in zip(call.operands, partials, strict=True):
        slope = slopes[operand]
        if partial is not ZERO and slope is not ZERO:
            total = simplified(total + simplified(simplify(partial, known) * slope))
    return total
