"""Ops whose `forward` is written for speed or accuracy in long loops, as a textbook writes them: for flat code only."""

from __future__ import annotations

from typing import Any

from ...graph import Op
from ...ops.index import IndexAdd
from ...ops.reduce import Sum


def long_sum(np: Any, op: Sum, x: Any) -> Any:
    """A double-precision accumulator, as accurate as the op's sum of blocks."""
    add_up: Any = np.add.reduce
    if x.dtype.kind != "f":
        return add_up(x, op.axes, keepdims=op.keepdims)
    total = add_up(x, op.axes, dtype="float64", keepdims=op.keepdims)
    return total if x.dtype == "float64" else total.astype(x.dtype)


def add_at_positions(np: Any, op: IndexAdd, values: Any, *indices: Any) -> Any:
    """NumPy's own loop over index arrays."""
    result = np.zeros(op.new_shape, values.dtype)
    np.add.at(result, op.key.restore(indices), values)
    return result


TEXTBOOK: dict[type[Op], Any] = {Sum: long_sum, IndexAdd: add_at_positions}
"""Each called with NumPy, the op and its inputs; used where `forward` takes more than `SHORT` lines."""
SHORT = 2
