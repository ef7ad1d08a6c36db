"""About how long a kernel takes on one thread, from the bytes it moves and the instructions of its formulas."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ...expr import Call, Expr
from .nest import Axis

NEAR, MIDDLE, FAR = 0.009, 0.013, 0.07
"""Nanoseconds per byte from the second cache, the third, and memory."""

NEAR_BYTES, MIDDLE_BYTES = 1 << 20, 24 << 20

PLAIN = 0.0125
"""Nanoseconds of one simple instruction on a float32, in vectors."""

SCATTERED = 0.25
"""Nanoseconds of an access to an element whose neighbours in the innermost loop are not its neighbours in memory."""

LOOP = 3.0
"""Nanoseconds of beginning and ending an innermost loop."""

LIBRARY = 10.0
"""Nanoseconds of a call to the C library, for one element."""

TIMES_PLAIN = {
    "divide": 8,
    "sqrt": 14,
    "exp": 20,
    "expm1": 20,
    "log": 30,
    "log1p": 35,
    "tanh": 32,
    "sinh": 40,
    "cosh": 40,
    "erf": 48,
    "power": 80,
    "remainder": 80,
    "floor_divide": 80,
}
"""What costs more than a simple instruction, in simple ones."""

OTHERS_TIMES_PLAIN = 80
"""The functions that are not listed: circular ones and their kin."""

SIMPLE = {
    *("add", "subtract", "multiply", "negative", "abs", "sign", "maximum", "minimum", "copysign", "signbit"),
    *("where", "equal", "not_equal", "greater", "greater_equal", "and", "or", "not"),
    *("floor", "ceil", "round", "trunc"),
    *("bit_and", "bit_or", "bit_xor", "bit_invert", "left_shift", "right_shift"),
}
WITHOUT_LIBRARY = SIMPLE | (TIMES_PLAIN.keys() - {"power", "erf"})
"""What is machine code in float64, too."""


def kernel_time(axes: Sequence[Axis], itemsizes: Sequence[int], each: float) -> float:
    """Nanoseconds of a loop nest that computes so long for each element, while memory brings the next ones."""
    turns = math.prod(axis.size for axis in axes)
    loops = turns // axes[-1].size if axes else 1
    return max(each * turns, moving(axes, itemsizes)) + LOOP * loops


def moving(axes: Sequence[Axis], itemsizes: Sequence[int]) -> float:
    """Nanoseconds for bringing every operand's elements from where they probably lie, and back."""
    touched = [
        math.prod(axis.size for axis in axes if axis.steps[place]) * size
        for place, size in enumerate(itemsizes)
    ]
    total = sum(touched)
    rate = NEAR if total <= NEAR_BYTES else MIDDLE if total <= MIDDLE_BYTES else FAR
    turns = math.prod(axis.size for axis in axes)
    scattered = sum(abs(step) > 1 for step in axes[-1].steps) if axes else 0
    return total * rate + scattered * turns * SCATTERED


def computing_time(formulas: Iterable[tuple[Expr, Any]]) -> float:
    """Nanoseconds per element for formulas, each with the dtype it is computed in."""
    total = 0.0
    for formula, dtype in formulas:
        width = max(dtype.itemsize, 1) / 4
        wide = dtype.char == "d"
        seen: set[Expr] = set()
        waiting = [formula]
        while waiting:
            expr = waiting.pop()
            if expr in seen or not isinstance(expr, Call):
                continue
            seen.add(expr)
            waiting += expr.operands
            name = expr.instruction.name
            if wide and name not in WITHOUT_LIBRARY:
                total += LIBRARY
            elif name in SIMPLE:
                total += PLAIN * width
            else:
                total += PLAIN * width * TIMES_PLAIN.get(name, OTHERS_TIMES_PLAIN)
    return total
