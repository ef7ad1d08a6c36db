"""Square blocks transposed in registers: rows become columns in as many rounds as the size has bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

I32 = ir.IntType(32)


def transposed(builder: ir.IRBuilder, rows: Sequence[Any]) -> list[Any]:
    """The columns of a block, as vectors; as many lanes as rows, a power of two.

    In each round, blocks of half the size of those before exchange what lies off the diagonal.
    """
    size = len(rows)
    found = list(rows)
    half = size // 2
    while half:
        low = [lane if not lane & half else size + lane - half for lane in range(size)]
        high = [lane + half if not lane & half else size + lane for lane in range(size)]
        masks = [ir.Constant(ir.VectorType(I32, size), mask) for mask in (low, high)]
        for place in range(size):
            if not place & half:
                pair = found[place], found[place + half]
                found[place], found[place + half] = (builder.shuffle_vector(*pair, mask) for mask in masks)
        half //= 2
    return found


def first_lanes(builder: ir.IRBuilder, vector: Any, count: int) -> Any:
    """The first lanes of a vector, as a vector."""
    if count == vector.type.count:
        return vector
    mask = ir.Constant(ir.VectorType(I32, count), [*range(count)])
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)
