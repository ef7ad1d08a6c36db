"""From the scalar language to SymPy: one form per instruction. SymPy itself is imported when a form is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ...errors import GlassgradError, GraphError
from ...expr import Call, Const, Expr, Var, scalar as s
from ...ops.families import Elementwise


@lru_cache(maxsize=1)
def require_sympy() -> Any:
    """The module `sympy`, or an error that says how to install it."""
    try:
        import sympy
    except ImportError as error:
        raise GlassgradError("symbolic mathematics needs SymPy: pip install 'glassgrad[symbolic]'") from error
    return sympy


@lru_cache(maxsize=1)
def forms() -> dict[s.Instruction, Callable[..., Any]]:
    """For each instruction the function that builds its SymPy form. Bits and neighbouring floats have none."""
    sp = require_sympy()

    def rounded(x: Any) -> Any:
        """Halves to even: floor(x + 1/2), and at a half twice the nearest integer to x / 2."""
        half = sp.Rational(1, 2)
        tie = 2 * sp.floor(x / 2 + half / 2)
        return sp.Piecewise((tie, sp.Eq(sp.Mod(x, 1), half)), (sp.floor(x + half), True))

    return {
        s.ADD: lambda x, y: x + y,
        s.SUBTRACT: lambda x, y: x - y,
        s.MULTIPLY: lambda x, y: x * y,
        s.DIVIDE: lambda x, y: x / y,
        s.NEGATIVE: lambda x: -x,
        s.POWER: lambda x, y: x**y,
        s.REMAINDER: lambda x, y: x - y * sp.floor(x / y),
        s.FLOOR_DIVIDE: lambda x, y: sp.floor(x / y),
        s.MAXIMUM: sp.Max,
        s.MINIMUM: sp.Min,
        s.ABS: sp.Abs,
        s.SIGN: sp.sign,
        s.FLOOR: sp.floor,
        s.CEIL: sp.ceiling,
        s.ROUND: rounded,
        s.TRUNC: lambda x: sp.sign(x) * sp.floor(sp.Abs(x)),
        s.SQRT: sp.sqrt,
        s.EXP: sp.exp,
        s.EXPM1: lambda x: sp.exp(x) - 1,
        s.LOG: sp.log,
        s.LOG1P: lambda x: sp.log(1 + x),
        s.LOG2: lambda x: sp.log(x) / sp.log(2),
        s.LOG10: lambda x: sp.log(x) / sp.log(10),
        s.SIN: sp.sin,
        s.COS: sp.cos,
        s.TAN: sp.tan,
        s.ASIN: sp.asin,
        s.ACOS: sp.acos,
        s.ATAN: sp.atan,
        s.ATAN2: sp.atan2,
        s.SINH: sp.sinh,
        s.COSH: sp.cosh,
        s.TANH: sp.tanh,
        s.ASINH: sp.asinh,
        s.ACOSH: sp.acosh,
        s.ATANH: sp.atanh,
        s.ERF: sp.erf,
        s.ERFC: sp.erfc,
        s.ERFINV: sp.erfinv,
        s.LGAMMA: lambda x: sp.log(sp.Abs(sp.gamma(x))),
        s.DIGAMMA: sp.digamma,
        s.POLYGAMMA: sp.polygamma,
        s.HYPOT: lambda x, y: sp.sqrt(x**2 + y**2),
        s.COPYSIGN: lambda x, y: sp.Piecewise((-sp.Abs(x), y < 0), (sp.Abs(x), True)),
        s.SIGNBIT: lambda x: x < 0,
        s.EQUAL: sp.Eq,
        s.NOT_EQUAL: sp.Ne,
        s.GREATER: sp.Gt,
        s.GREATER_EQUAL: sp.Ge,
        s.AND: sp.And,
        s.OR: sp.Or,
        s.NOT: sp.Not,
        s.WHERE: lambda condition, x, y: sp.Piecewise((x, condition), (y, True)),
    }


ON_TRUTH = (s.AND, s.OR, s.NOT)
"""The instructions whose operands are truth values."""


def to_sympy(expr: Expr, inputs: Mapping[str, Any], name: str = "") -> Any:
    """The SymPy form of a formula whose variables have the forms `inputs`; `name` is the op's, for messages.

    >>> import sympy
    >>> x = sympy.Symbol("x")
    >>> to_sympy(s.where(Var("x") > 0.0, Var("x") * 0.5, 0.0), {"x": x})
    Piecewise((x/2, x > 0), (0, True))
    """
    known: dict[Expr, Any] = {}

    def form(part: Expr) -> Any:
        if part not in known:
            known[part] = build(part)
        return known[part]

    def build(part: Expr) -> Any:
        if isinstance(part, Var):
            return inputs[part.name]
        if isinstance(part, Const):
            return number(part.value)
        assert isinstance(part, Call)
        instruction = part.instruction
        if instruction not in forms():
            raise no_form(f"{name or 'the formula'} ({instruction})")
        operands = [form(operand) for operand in part.operands]
        if instruction in ON_TRUTH:
            return forms()[instruction](*operands)
        if instruction == s.WHERE:
            return forms()[instruction](operands[0], *map(as_number, operands[1:]))
        return forms()[instruction](*map(as_number, operands))

    return form(expr)


def no_form(what: str) -> GraphError:
    """The error for an op that SymPy has no expression for."""
    return GraphError(
        f"{what} has no symbolic form: gg.symbolic writes scalar functions, and sums, products, matrix products and "
        f"rearrangements of small arrays of symbols. gg.grad, gg.jvp and gg.numerical.grad differentiate it."
    )


def form_of(op: Elementwise, inputs: Sequence[Any]) -> Any:
    """The SymPy form of an elementwise op on expressions.

    An op that is computed one way for positive and another way for negative x, only to be accurate for both, has the
    form that is right everywhere: the sigmoid is 1 / (1 + exp(-x)).

    >>> form_of(gg.ops.exponential.Sigmoid(), [require_sympy().Symbol("x")])
    1/(1 + exp(-x))
    """
    if len(inputs) == 1:
        symbol, form = _one_form_everywhere(op)
        if symbol is not None:
            return form.xreplace({symbol: as_number(inputs[0])})
    return to_sympy(op.expression, dict(zip(op.argument_names, inputs, strict=True)), op.name)


@lru_cache(maxsize=256)
def _one_form_everywhere(op: Elementwise) -> tuple[Any, Any]:
    """A symbol and the op's form for it, if its branches for positive and negative numbers say the same; else None."""
    sp = require_sympy()
    if not _looks_at_the_sign(op.expression):
        return None, None
    x = sp.Dummy("x", real=True)
    branches = []
    for signed in (sp.Dummy("x", positive=True), sp.Dummy("x", negative=True)):
        branches.append(
            to_sympy(op.expression, {op.argument_names[0]: signed}, op.name).xreplace({signed: x})
        )
    same = sp.simplify(sp.expand_log(sp.logcombine(branches[0] - branches[1], force=True), force=True)) == 0
    return (x, min(branches, key=sp.count_ops)) if same else (None, None)


def _looks_at_the_sign(expr: Expr) -> bool:
    if not isinstance(expr, Call):
        return False
    return expr.instruction in (s.WHERE, s.ABS, s.MAXIMUM) or any(map(_looks_at_the_sign, expr.operands))


def as_number(form: Any) -> Any:
    """A truth value as 1 or 0; a number as it is."""
    sp = require_sympy()
    if form is sp.true or form is sp.false or isinstance(form, bool):
        return sp.Integer(int(bool(form)))
    if isinstance(form, sp.logic.boolalg.Boolean) and not isinstance(form, sp.Symbol):
        return sp.Piecewise((1, form), (0, True))
    return form


LARGEST_DENOMINATOR = 1024


def number(value: Any) -> Any:
    """A number as SymPy writes it: an integer or a short fraction exactly, any other as a decimal.

    >>> number(0.5), number(3.0), number(0.1)
    (1/2, 3, 0.100000000000000)
    """
    sp = require_sympy()
    if isinstance(value, complex):
        return number(value.real) + sp.I * number(value.imag)
    if isinstance(value, bool):
        return sp.true if value else sp.false
    if value != value:
        return sp.nan
    if value in (float("inf"), float("-inf")):
        return sp.oo if value > 0 else -sp.oo
    exact = Fraction(value)
    if exact.denominator <= LARGEST_DENOMINATOR:
        return sp.Rational(exact.numerator, exact.denominator)
    return sp.Float(value)
