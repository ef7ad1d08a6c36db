"""Vectors of elements: loaded and stored at any stride, joined place by place, and loops over them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from llvmlite import ir

from .nest import INDEX, loop
from .types import LANE, in_memory, itemsize

WIDEST = 4
"""The largest stride at which every so-maniest element is picked out of longer vectors."""


def lanes(kind: Any, width: int) -> Any:
    """The type of `width` elements; of one element, the element's."""
    return kind if width == 1 else ir.VectorType(kind, width)


def constant(kind: Any, width: int, number: Any) -> Any:
    """A number in every place."""
    return ir.Constant(kind, number) if width == 1 else ir.Constant(lanes(kind, width), [number] * width)


@contextmanager
def spread_out(
    builder: ir.IRBuilder, offsets: list[Any], steps: Sequence[int], count: int, width: int, start: int
) -> Any:
    """`count` times: the offsets, moved by `start` steps and then by `width` more each time."""
    first = [
        builder.add(offset, INDEX(start * step)) if start * step else offset
        for offset, step in zip(offsets, steps, strict=True)
    ]
    if count == 1:
        yield first
        return
    with loop(builder, count, "block") as index:
        yield [
            builder.add(offset, builder.mul(index, INDEX(width * step))) if step else offset
            for offset, step in zip(first, steps, strict=True)
        ]


def load(
    builder: ir.IRBuilder,
    pointer: Any,
    offset: Any,
    kind: Any,
    width: int,
    step: int = 1,
    behind: int = 0,
    ahead: int = 0,
) -> Any:
    """`width` elements, `step` apart. So many elements more may be read `behind` the first and `ahead` of the last."""
    size = itemsize(kind)

    def at(place: int, count: int) -> Any:
        moved = builder.add(offset, INDEX(place)) if place else offset
        address = builder.gep(pointer, [moved], source_etype=kind)
        return builder.load(address, typ=lanes(kind, count), align=size)

    if width == 1 or step == 1:
        return at(0, width)
    if step == 0:
        return splat(builder, at(0, 1), width)
    if 1 < step <= WIDEST and behind + ahead >= step - 1:
        first = min(behind // step * step, behind + ahead - (step - 1)) - behind
        whole = at(first, width * step)
        picked = [LANE(place * step - first) for place in range(width)]
        return builder.shuffle_vector(whole, whole, ir.Constant(ir.VectorType(LANE, width), picked))
    value = ir.Constant(lanes(kind, width), ir.Undefined)
    for place in range(width):
        value = builder.insert_element(value, at(place * step, 1), LANE(place))
    return value


def store(
    builder: ir.IRBuilder, value: Any, pointer: Any, offset: Any, kind: Any, width: int, step: int = 1
) -> None:
    """Write `width` elements, `step` apart."""
    size = itemsize(kind)
    if width == 1 or step == 1:
        builder.store(value, builder.gep(pointer, [offset], source_etype=kind), align=size)
        return
    for place in range(width):
        moved = builder.add(offset, INDEX(place * step))
        element = builder.extract_element(value, LANE(place))
        builder.store(element, builder.gep(pointer, [moved], source_etype=kind), align=size)


def converted(
    builder: ir.IRBuilder, value: Any, source: np.dtype[Any], target: np.dtype[Any], width: int
) -> Any:
    """Elements as they lie in memory (booleans as bytes) in another numeric dtype, as NumPy's astype gives them."""
    kind = lanes(in_memory(target), width)
    if value.type == kind and (source.kind == "f") == (target.kind == "f"):
        return value
    larger, signed = target.itemsize > source.itemsize, source.kind == "i"
    if source.kind == "f":
        return builder.fpext(value, kind) if larger else builder.fptrunc(value, kind)
    if target.kind == "f":
        return builder.sitofp(value, kind) if signed else builder.uitofp(value, kind)
    if not larger:
        return builder.trunc(value, kind)
    return builder.sext(value, kind) if signed else builder.zext(value, kind)


def splat(builder: ir.IRBuilder, element: Any, width: int) -> Any:
    """One element in every place."""
    kind = ir.VectorType(element.type, width)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), element, LANE(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(LANE, width), [LANE(0)] * width))


def joined(builder: ir.IRBuilder, vectors: Sequence[Any]) -> Any:
    """Vectors a, b, ... of one width as a0, b0, ..., a1, b1, ..."""
    if len(vectors) == 1:
        return vectors[0]
    width = vectors[0].type.count if isinstance(vectors[0].type, ir.VectorType) else 1
    kind = vectors[0].type.element if width > 1 else vectors[0].type
    if width == 1:
        value = ir.Constant(ir.VectorType(kind, len(vectors)), ir.Undefined)
        for place, element in enumerate(vectors):
            value = builder.insert_element(value, element, LANE(place))
        return value
    parts = list(vectors)
    while len(parts) & (len(parts) - 1):
        parts.append(ir.Constant(vectors[0].type, ir.Undefined))
    while len(parts) > 1:
        size = parts[0].type.count
        side = ir.Constant(ir.VectorType(LANE, 2 * size), [LANE(place) for place in range(2 * size)])
        parts = [builder.shuffle_vector(a, b, side) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    order = [LANE(part * width + place) for place in range(width) for part in range(len(vectors))]
    return builder.shuffle_vector(parts[0], parts[0], ir.Constant(ir.VectorType(LANE, len(order)), order))
