"""Square blocks transposed: rows become columns in as many rounds as the size has bits.

A block takes a hundred instructions, so code that transposes many calls one function of the module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from ..code import POINTER
from ..nest import INDEX, counted

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


def block_function(module: ir.Module, kind: Any, lanes: int, adds: bool = False) -> ir.Function:
    """`void f(source, step, target, step, count)`: the columns of `lanes` rows, of each the first `count` elements.

    Steps are in elements, from row to row of the source, and from column to column of the target. With `adds`, two more
    arguments say what is added to the columns, and its step from column to column.
    """
    name = f"transposed_{lanes}_{kind}" + ("_added" if adds else "")
    function = module.globals.get(name)
    if function is not None:
        return function
    arguments = [POINTER, INDEX, POINTER, INDEX, INDEX, *((POINTER, INDEX) if adds else ())]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    source, source_step, target, target_step, count, *added = function.args
    vector = ir.VectorType(kind, lanes)
    align = 4 if kind == ir.FloatType() else 8

    def row(pointer: Any, step: Any, place: int) -> Any:
        return builder.gep(pointer, [builder.mul(step, INDEX(place))], source_etype=kind)

    rows = [builder.load(row(source, source_step, place), align=align, typ=vector) for place in range(lanes)]
    mask = _first(builder, count, lanes)
    bits = ir.VectorType(ir.IntType(1), lanes)
    signature = ir.FunctionType(ir.VoidType(), [vector, POINTER, I32, bits])
    masked = f"llvm.masked.store.v{lanes}f{align * 8}.p0"
    store = module.globals.get(masked) or ir.Function(module, signature, masked)
    signature = ir.FunctionType(vector, [POINTER, I32, bits, vector])
    masked = masked.replace("store", "load")
    load = module.globals.get(masked) or ir.Function(module, signature, masked)
    for place, column in enumerate(transposed(builder, rows)):
        if adds:
            more = [row(added[0], added[1], place), I32(align), mask, ir.Constant(vector, ir.Undefined)]
            column = builder.fadd(column, builder.call(load, more))
        builder.call(store, [column, row(target, target_step, place), I32(align), mask])
    builder.ret_void()
    return function


def scatter_function(module: ir.Module, kind: Any, lanes: int) -> ir.Function:
    """`void f(block, target, step, offsets, count)`: the first `count` rows of a block, each to an offset of its own,
    its elements `step` apart."""
    name = f"scattered_{lanes}_{kind}"
    function = module.globals.get(name)
    if function is not None:
        return function
    arguments = [POINTER, POINTER, INDEX, POINTER, INDEX]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
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
    return function


def _first(builder: ir.IRBuilder, count: Any, lanes: int) -> Any:
    """A mask of the first `count` lanes."""
    wide = ir.VectorType(INDEX, lanes)
    undefined = ir.Constant(wide, ir.Undefined)
    spread = builder.shuffle_vector(
        builder.insert_element(undefined, count, I32(0)),
        undefined,
        ir.Constant(ir.VectorType(I32, lanes), [0] * lanes),
    )
    return builder.icmp_unsigned("<", ir.Constant(wide, [*range(lanes)]), spread)
