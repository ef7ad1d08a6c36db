"""Vectors at any address, of which some lanes may be left out: those are neither read nor written."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..code import POINTER
from ..nest import INDEX
from ..number import declared
from ..types import BOOL, LANE, itemsize
from ..vectors import splat


def first_lanes(builder: ir.IRBuilder, count: Any, lanes: int) -> Any:
    """A mask of the first `count` lanes."""
    numbers = ir.Constant(ir.VectorType(INDEX, lanes), list(range(lanes)))
    return builder.icmp_unsigned("<", numbers, splat(builder, count, lanes))


def load(builder: ir.IRBuilder, pointer: Any, mask: Any, vector: Any) -> Any:
    """The vector at an address; of masked lanes only and 0 in the others, if there is a mask."""
    size = itemsize(vector.element)
    if mask is None:
        return builder.load(pointer, align=size, typ=vector)
    kinds = [POINTER, LANE, ir.VectorType(BOOL, vector.count), vector]
    function = _intrinsic(builder.module, "load", vector, ir.FunctionType(vector, kinds))
    return builder.call(function, [pointer, LANE(size), mask, ir.Constant(vector, [0.0] * vector.count)])


def store(builder: ir.IRBuilder, value: Any, pointer: Any, mask: Any) -> None:
    """The other way."""
    vector = value.type
    size = itemsize(vector.element)
    if mask is None:
        builder.store(value, pointer, align=size)
        return
    kinds = [vector, POINTER, LANE, ir.VectorType(BOOL, vector.count)]
    function = _intrinsic(builder.module, "store", vector, ir.FunctionType(ir.VoidType(), kinds))
    builder.call(function, [value, pointer, LANE(size), mask])


def _intrinsic(module: ir.Module, what: str, vector: Any, signature: Any) -> Any:
    return declared(
        module, f"llvm.masked.{what}.v{vector.count}f{8 * itemsize(vector.element)}.p0", signature
    )
