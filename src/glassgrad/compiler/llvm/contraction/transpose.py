"""Square blocks transposed: rows become columns in as many rounds as the size has bits.

A block takes a hundred instructions, so code that transposes many calls one function of the module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from ..code import POINTER
from ..modules import Module, shared
from ..nest import INDEX, counted
from ..types import LANE
from .masked import first_lanes, load, store


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
        masks = [ir.Constant(ir.VectorType(LANE, size), mask) for mask in (low, high)]
        for place in range(size):
            if not place & half:
                pair = found[place], found[place + half]
                found[place], found[place + half] = (builder.shuffle_vector(*pair, mask) for mask in masks)
        half //= 2
    return found


def block_function(module: Module, kind: Any, lanes: int, adds: bool = False) -> ir.Function:
    """`void f(source, step, target, step, count)`: the columns of `lanes` rows, of each the first `count` elements.

    Steps are in elements, from row to row of the source, and from column to column of the target. With `adds`, two more
    arguments say what is added to the columns, and its step from column to column.
    """
    arguments = [POINTER, INDEX, POINTER, INDEX, INDEX, *((POINTER, INDEX) if adds else ())]

    def write(function: ir.Function) -> None:
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        source, source_step, target, target_step, count, *added = function.args
        vector = ir.VectorType(kind, lanes)

        def row(pointer: Any, step: Any, place: int) -> Any:
            return builder.gep(pointer, [builder.mul(step, INDEX(place))], source_etype=kind)

        rows = [load(builder, row(source, source_step, place), None, vector) for place in range(lanes)]
        mask = first_lanes(builder, count, lanes)
        for place, column in enumerate(transposed(builder, rows)):
            if adds:
                column = builder.fadd(column, load(builder, row(added[0], added[1], place), mask, vector))
            store(builder, column, row(target, target_step, place), mask)
        builder.ret_void()

    return shared(module, "transposed", (str(kind), lanes, adds), arguments, write)


def scatter_function(module: Module, kind: Any, lanes: int) -> ir.Function:
    """`void f(block, target, step, offsets, count)`: the first `count` rows of a block, each to an offset of its own,
    its elements `step` apart."""

    def write(function: ir.Function) -> None:
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        block, target, step, offsets, count = function.args
        with counted(builder, INDEX(0), count) as row:
            offset = builder.load(builder.gep(offsets, [row], source_etype=INDEX), typ=INDEX)
            first = builder.mul(row, INDEX(lanes))
            for lane in range(lanes):
                source = builder.gep(block, [builder.add(first, INDEX(lane))], source_etype=kind)
                to = builder.add(offset, builder.mul(step, INDEX(lane)))
                builder.store(builder.load(source, typ=kind), builder.gep(target, [to], source_etype=kind))
        builder.ret_void()

    arguments = [POINTER, POINTER, INDEX, POINTER, INDEX]
    return shared(module, "scattered", (str(kind), lanes), arguments, write)
