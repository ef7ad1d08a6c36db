"""A function's derivative to many digits: its graph computed with mpmath, from which differences are taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ...errors import GlassgradError, GraphError
from ...expr import Call, Const, Expr, Var, scalar as s
from ...graph import Graph, Leaf, Node
from ...ops.families import Bilinear, Elementwise, Linear
from ...ops.reduce import Max, Min, Prod
from ...ops.shape import Astype, StopGradient
from ...tensor.dtype import float64
from ..trace import Spec, trace

DIGITS = 50
"""With how many digits the derivative is wanted; values are computed with twice as many."""
MOST_OPERATIONS = 300_000
"""More scalar operations than this, for all differences together, would take minutes."""

Array = np.ndarray[Any, Any]


def slopes_in_high_precision(function: Callable[..., Any], points: Sequence[Array]) -> list[Array]:
    """The derivatives of `function`, a single number, by each of its inputs, rounded once to float64.

    Central differences with a step of 10^-33 and 100 digits: exact to about 65 digits. Only the formulas of the values
    are used, none of the derivatives. Raises GraphError where an op has no formula that mpmath can compute, or where
    there are too many of them; GlassgradError without mpmath.
    """
    mp = require_mpmath()
    graph = trace(function, *(Spec(point.shape, float64) for point in points))
    elements = sum(point.size for point in points)
    work = 2 * elements * sum(int(np.prod(node.shape)) + 1 for node in graph.body)
    if work > MOST_OPERATIONS:
        raise GraphError(
            f"{work:,} operations with many digits take too long; {MOST_OPERATIONS:,} are the limit"
        )
    with mp.workdps(2 * DIGITS):
        h = mp.mpf(10) ** -(2 * DIGITS // 3)
        exact = [_each(mp.mpf, point) for point in points]
        return [_slopes(graph, exact, place, h) for place in range(len(points))]


def _slopes(graph: Graph, points: list[Array], place: int, h: Any) -> Array:
    found = np.zeros(points[place].shape)
    for index in np.ndindex(found.shape):
        values = []
        for step in (h, -h):
            moved = points[place].copy()
            moved[index] = moved[index] + step
            values.append(_value(graph, [*points[:place], moved, *points[place + 1 :]]))
        found[index] = float((values[0] - values[1]) / (2 * h))
    return found


def _value(graph: Graph, inputs: Sequence[Array]) -> Any:
    known: dict[Node, Array] = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.body:
        if node not in known:
            given = [known[source] for source in node.inputs]
            known[node] = _each(_number, node.value) if isinstance(node.op, Leaf) else _applied(node, given)
    (output,) = graph.outputs
    return known[output].reshape(())[()]


def _applied(node: Node, inputs: list[Array]) -> Array:
    """One op on arrays of mpmath's numbers."""
    op = node.op
    if isinstance(op, Elementwise):
        spread = np.broadcast_arrays(*inputs)
        result = np.empty(spread[0].shape, dtype=object)
        for place in np.ndindex(result.shape):
            names = dict(zip(op.argument_names, [x[place] for x in spread], strict=True))
            result[place] = _computed(op.expression, names)
        return result
    if isinstance(op, StopGradient) or (isinstance(op, Astype) and op.dtype.kind == "f"):
        return inputs[0]
    if isinstance(op, Linear | Bilinear | Prod | Max | Min):
        try:
            return np.asarray(op.forward(*inputs), dtype=object)
        except (TypeError, ValueError, AttributeError, GlassgradError):
            pass
    raise GraphError(f"{op.name} at {node.place} has no formula for mpmath")


def _computed(expr: Expr, inputs: dict[str, Any]) -> Any:
    known: dict[Expr, Any] = {}
    for part in s.parts(expr):
        if isinstance(part, Var):
            known[part] = inputs[part.name]
        elif isinstance(part, Const):
            known[part] = _number(part.value)
        elif isinstance(part, Call):
            if part.instruction not in formulas():
                raise GraphError(f"{part.instruction} has no formula for mpmath")
            known[part] = formulas()[part.instruction](*(known[operand] for operand in part.operands))
    return known[expr]


def _number(value: Any) -> Any:
    return value if isinstance(value, bool) else require_mpmath().mpf(value)


def _each(function: Callable[[Any], Any], values: Any) -> Array:
    array = np.asarray(values)
    result = np.empty(array.shape, dtype=object)
    for place in np.ndindex(array.shape):
        result[place] = function(array.item(place))
    return result


@lru_cache(maxsize=1)
def require_mpmath() -> Any:
    """mpmath's context, or an error that says how to install it."""
    try:
        import mpmath  # type: ignore[import-untyped]
    except ImportError as error:
        raise GlassgradError("high precision needs mpmath: pip install 'glassgrad[symbolic]'") from error
    return mpmath.mp


@lru_cache(maxsize=1)
def formulas() -> dict[s.Instruction, Callable[..., Any]]:
    """For each instruction the function of mpmath that computes it. Bits and neighbouring floats have none."""
    mp = require_mpmath()
    return {
        s.ADD: lambda x, y: x + y,
        s.SUBTRACT: lambda x, y: x - y,
        s.MULTIPLY: lambda x, y: x * y,
        s.DIVIDE: lambda x, y: x / y,
        s.NEGATIVE: lambda x: -x,
        s.POWER: lambda x, y: x**y,
        s.REMAINDER: lambda x, y: x - y * mp.floor(x / y),
        s.FLOOR_DIVIDE: lambda x, y: mp.floor(x / y),
        s.MAXIMUM: max,
        s.MINIMUM: min,
        s.ABS: abs,
        s.SIGN: mp.sign,
        s.FLOOR: mp.floor,
        s.CEIL: mp.ceil,
        s.ROUND: mp.nint,
        s.TRUNC: lambda x: mp.sign(x) * mp.floor(abs(x)),
        s.SQRT: mp.sqrt,
        s.EXP: mp.exp,
        s.EXPM1: mp.expm1,
        s.LOG: mp.log,
        s.LOG1P: mp.log1p,
        s.LOG2: lambda x: mp.log(x, 2),
        s.LOG10: mp.log10,
        s.SIN: mp.sin,
        s.COS: mp.cos,
        s.TAN: mp.tan,
        s.ASIN: mp.asin,
        s.ACOS: mp.acos,
        s.ATAN: mp.atan,
        s.ATAN2: mp.atan2,
        s.SINH: mp.sinh,
        s.COSH: mp.cosh,
        s.TANH: mp.tanh,
        s.ASINH: mp.asinh,
        s.ACOSH: mp.acosh,
        s.ATANH: mp.atanh,
        s.ERF: mp.erf,
        s.ERFC: mp.erfc,
        s.ERFINV: mp.erfinv,
        s.LGAMMA: lambda x: mp.log(abs(mp.gamma(x))),
        s.DIGAMMA: mp.digamma,
        s.POLYGAMMA: lambda n, x: mp.psi(int(n), x),
        s.HYPOT: mp.hypot,
        s.COPYSIGN: lambda x, y: -abs(x) if y < 0 else abs(x),
        s.SIGNBIT: lambda x: x < 0,
        s.EQUAL: lambda x, y: x == y,
        s.NOT_EQUAL: lambda x, y: x != y,
        s.GREATER: lambda x, y: x > y,
        s.GREATER_EQUAL: lambda x, y: x >= y,
        s.AND: lambda x, y: x and y,
        s.OR: lambda x, y: x or y,
        s.NOT: lambda x: not x,
        s.WHERE: lambda condition, x, y: x if condition else y,
    }
