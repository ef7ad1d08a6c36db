"""Formulas as functions of NumPy arrays: the tree written out as straight-line Python, shared subformulas once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .scalar import Call, Const, Expr, Var

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
    lines: list[str] = []
    _write(expr, known, scope, lines)
    exec("\n    ".join([head, *lines, f"return {known[expr]}"]), scope)
    evaluate: Evaluator = scope["evaluate"]
    return evaluate


def _write(expr: Expr, known: dict[Expr, str], scope: dict[str, Any], lines: list[str]) -> None:
    """Give `expr` a name, with a line for every call in it that has none yet; constants and ufuncs go to `scope`."""
    if expr in known:
        return
    if isinstance(expr, Var):
        raise NameError(f"the formula reads {expr.name!r}, which is not one of its inputs")
    if isinstance(expr, Const):
        known[expr] = f"c{len(known)}"
        scope[known[expr]] = expr.value
        return
    assert isinstance(expr, Call)
    for operand in expr.operands:
        _write(operand, known, scope, lines)
    function = f"f{len(known)}"
    scope[function] = expr.instruction.numpy
    known[expr] = f"s{len(known)}"
    lines.append(f"{known[expr]} = {function}({', '.join(known[operand] for operand in expr.operands)})")
