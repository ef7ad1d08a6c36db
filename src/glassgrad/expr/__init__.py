"""The closed scalar language: formulas, their derivatives, their simplification and their evaluation."""

from .derive import derive
from .program import program
from .rounding import evaluated_wider
from .scalar import Call, Const, Expr, Instruction, Operand, Var, gives_bool, rename, variables
from .simplify import simplify

__all__ = [
    "Call",
    "Const",
    "Expr",
    "Instruction",
    "Operand",
    "Var",
    "derive",
    "evaluated_wider",
    "gives_bool",
    "program",
    "rename",
    "simplify",
    "variables",
]
