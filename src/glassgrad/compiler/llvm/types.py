"""The dtypes of tensors as types of LLVM: in memory, and while computing."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

BOOL = ir.IntType(1)

LANE = ir.IntType(32)
"""The number of a place in a vector."""

_IN_MEMORY = {
    "float32": ir.FloatType(),
    "float64": ir.DoubleType(),
    "bool": ir.IntType(8),
    **{f"{sign}int{bits}": ir.IntType(bits) for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def in_memory(dtype: np.dtype[Any]) -> Any:
    """How an element lies in memory."""
    return _IN_MEMORY[dtype.name]


def itemsize(kind: Any) -> int:
    """How many bytes an element of this type takes in memory."""
    return kind.width // 8 if isinstance(kind, ir.IntType) else 4 if isinstance(kind, ir.FloatType) else 8


def computing(dtype: np.dtype[Any]) -> Any:
    """What an element is computed as."""
    return BOOL if dtype.kind == "b" else in_memory(dtype)


def converted(builder: ir.IRBuilder, value: Any, source: np.dtype[Any], target: np.dtype[Any]) -> Any:
    """A computed value in another dtype, as NumPy's astype gives it."""
    if source == target:
        return value
    wanted = computing(target)
    if target.kind == "b":
        zero = ir.Constant(value.type, 0)
        return (
            builder.fcmp_unordered("!=", value, zero)
            if source.kind == "f"
            else builder.icmp_signed("!=", value, zero)
        )
    if source.kind == "f":
        if target.kind == "f":
            return (
                builder.fpext(value, wanted)
                if target.itemsize > source.itemsize
                else builder.fptrunc(value, wanted)
            )
        return builder.fptoui(value, wanted) if target.kind == "u" else builder.fptosi(value, wanted)
    if target.kind == "f":
        return builder.sitofp(value, wanted) if source.kind == "i" else builder.uitofp(value, wanted)
    if target.itemsize < source.itemsize and source.kind != "b":
        return builder.trunc(value, wanted)
    if target.itemsize == source.itemsize and source.kind != "b":
        return value
    return builder.sext(value, wanted) if source.kind == "i" else builder.zext(value, wanted)
