"""Formulas as functions of NumPy arrays: the formula as straight-line Python, shared subformulas computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .scalar import Call, Const, Expr, Var, parts

Evaluator = Callable[..., Any]


def program(expr: Expr, names: Sequence[str]) -> Evaluator:
    """A function of one array per name that computes `expr` elementwise, broadcasting as NumPy does.

    A formula of one instruction on its inputs in order is the ufunc itself, with nothing around it. Any other becomes
    Python source, compiled: on small arrays a loop over a list of steps would cost more than the steps.

    >>> import numpy as np
    >>> program(Var("x") * Var("x") + 1.0, ["x"])(np.array([1.0, 2.0]))
    array([2., 5.])
    """
    if isinstance(expr, Call) and expr.operands == tuple(map(Var, names)):
        return expr.instruction.numpy
    known: dict[Expr, str] = {Var(name): f"x{position}" for position, name in enumerate(names)}
    head = f"def evaluate({', '.join(known.values())}):"
    scope: dict[str, Any] = {}
    lines = _lines(expr, known, scope)
    exec("\n    ".join([head, *lines, f"return {known[expr]}"]), scope)
    evaluate: Evaluator = scope["evaluate"]
    return evaluate


def _lines(expr: Expr, known: dict[Expr, str], scope: dict[str, Any]) -> list[str]:
    """One assignment for every call in `expr`; constants and ufuncs go to `scope`, names to `known`.

    A name is given again once its value was read for the last time, so that the memory of that value is, too.
    """
    order = list(parts(expr))
    last_use = {operand: call for call in order if isinstance(call, Call) for operand in call.operands}
    lines: list[str] = []
    free: list[str] = []
    for part in order:
        if isinstance(part, Const):
            known[part] = f"c{len(scope)}"
            scope[known[part]] = part.value
        elif isinstance(part, Call):
            operands = [known[operand] for operand in part.operands]
            free += {known[o] for o in part.operands if isinstance(o, Call) and last_use[o] is part}
            function = f"f{len(scope)}"
            scope[function] = part.instruction.numpy
            known[part] = free.pop() if free else f"s{len(lines)}"
            lines.append(f"{known[part]} = {function}({', '.join(operands)})")
        elif part not in known:
            raise NameError(f"the formula reads {str(part)!r}, which is not one of its inputs")
    return lines
