"""Formulas evaluated on NumPy arrays: the tree flattened to a list of ufunc calls, shared subformulas computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .scalar import Call, Const, Expr, Var

Evaluator = Callable[..., Any]


def program(expr: Expr, names: Sequence[str]) -> Evaluator:
    """A function of one array per name that computes `expr` elementwise, broadcasting as NumPy does.

    A formula of one instruction on its inputs in order is the ufunc itself, with nothing around it.

    >>> import numpy as np
    >>> program(Var("x") * Var("x") + 1.0, ["x"])(np.array([1.0, 2.0]))
    array([2., 5.])
    """
    if isinstance(expr, Call) and expr.operands == tuple(map(Var, names)):
        return expr.instruction.numpy
    slots: dict[Expr, int] = {Var(name): position for position, name in enumerate(names)}
    constants: list[float] = []
    steps: list[tuple[Evaluator, tuple[int, ...]]] = []
    calls: list[Call] = []
    _collect(expr, slots, constants, calls)
    for call in calls:
        steps.append((call.instruction.numpy, tuple(slots[operand] for operand in call.operands)))
    result = slots[expr]

    def evaluate(*arrays: Any) -> Any:
        values = [*arrays, *constants]
        for function, operands in steps:
            values.append(function(*[values[slot] for slot in operands]))
        return values[result]

    return evaluate


def _collect(expr: Expr, slots: dict[Expr, int], constants: list[float], calls: list[Call]) -> None:
    """Give every distinct subformula a slot: inputs first, then constants, then calls in order of evaluation."""
    ordered: list[Expr] = []
    _postorder(expr, ordered, set(slots))
    for found in ordered:
        if isinstance(found, Const):
            slots[found] = len(slots)
            constants.append(found.value)
    for found in ordered:
        if isinstance(found, Call):
            slots[found] = len(slots)
            calls.append(found)


def _postorder(expr: Expr, ordered: list[Expr], seen: set[Expr]) -> None:
    if expr in seen:
        return
    if isinstance(expr, Call):
        for operand in expr.operands:
            _postorder(operand, ordered, seen)
    elif isinstance(expr, Var):
        raise NameError(f"the formula reads {expr.name!r}, which is not one of its inputs")
    seen.add(expr)
    ordered.append(expr)
