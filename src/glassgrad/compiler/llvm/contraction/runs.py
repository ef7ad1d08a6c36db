"""Products of matrices in planes, whose sums are added up in runs so that rounding does not grow with their length.

A sum of n numbers, one after the other, has an error that grows like n; of sums of runs, like the length of a run and
the number of runs. (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 4.2.)

All planes and both sizes of tiles share one function for a block of the result that stays in registers, whatever the
number of summands, because it is small and compiling many takes longer than running them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from llvmlite import ir

from ..code import POINTER
from ..modules import Module, shared
from ..nest import INDEX, carrying, counted
from ..number import declared
from ..vectors import splat
from .combiner import FLOAT
from .plan import CYCLE, PER_TILE, Processor

RUN = 32
"""How many summands a run has. Accumulators wait in memory meanwhile, which takes a twentieth of the time."""

PER_LOAD = 0.1
"""Cycles that a load delays a block's products."""
STORED, READ = 0.1, 0.4
"""Nanoseconds for an element of the result, which goes to the last cache, and of the right operand."""


@dataclass(frozen=True)
class Steps:
    """How far a step along an index leads in the left operand, the right one, and the result."""

    left: int
    right: int
    out: int


@dataclass(frozen=True)
class Stack:
    """Products of matrices with one distance between them: left (rows, summed) times right (summed, columns).

    Columns lie side by side in the right operand and in the result, and fill whole vectors.
    """

    sizes: tuple[int, ...]
    """Of the stack's indices, the outermost first."""
    steps: tuple[Steps, ...]
    rows: int
    columns: int
    summed: int


@dataclass(frozen=True)
class Block:
    """What is the same for all products of a program: the block that stays in registers, and where its rows lie."""

    height: int
    vectors: int
    lanes: int
    row: Steps
    summand: Steps

    def of(self, stack: Stack) -> Block:
        """The same with no more rows than there are."""
        return replace(self, height=min(self.height, stack.rows))

    def tiles(self, stack: Stack) -> tuple[int, int]:
        """How many blocks stand one below the other, and side by side."""
        across = -(-stack.columns // self.lanes // self.vectors)
        return -(-stack.rows // self.height), across

    def pieces(self, stack: Stack) -> int:
        """How many blocks there are in all."""
        return prod(stack.sizes) * prod(self.of(stack).tiles(stack))

    def nanoseconds(self, stack: Stack, far: float = 1.0) -> float:
        """About how long they take on one thread; less where memory is near."""
        block = self.of(stack)
        loads = block.height + block.vectors
        products = max(block.height * block.vectors, loads / 2, 4) + loads * PER_LOAD
        runs = -(-stack.summed // RUN) * block.height * block.vectors * 2
        cycles = block.pieces(stack) * (stack.summed * products + runs + PER_TILE)
        moved = prod(stack.sizes) * stack.columns * (stack.rows * STORED + stack.summed * READ)
        return cycles * CYCLE + far * moved


def blocked(stack: Stack, row: Steps, summand: Steps, lanes: int, processor: Processor) -> Block:
    """The block with which a stack takes least time."""
    found = []
    vectors = stack.columns // lanes
    for wide in range(1, min(4, vectors) + 1):
        highest = (processor.registers - 1) // wide - 1
        height = -(-stack.rows // -(-stack.rows // highest))
        found.append(Block(height, wide, lanes, row, summand))
    return min(found, key=lambda block: block.nanoseconds(stack))


Product = tuple[Stack, tuple[int, int, int]]
"""A stack, and where its left operand, its right one, and its result begin, in elements."""


def write_products(
    builder: ir.IRBuilder,
    block: Block,
    products: Sequence[Product],
    pointers: Sequence[Any],
    pieces: tuple[Any, Any],
) -> None:
    """Some of the blocks of several stacks, numbered one stack after the other.

    pointers: to left operands, right ones, and results. pieces: the first, and that after the last.
    """
    function = shared(
        builder.module,
        "products",
        (block, tuple(products)),
        [POINTER] * 3 + [INDEX] * 2,
        lambda function: _write_stacks(function, block, products),
    )
    builder.call(function, [*pointers, *pieces])


def _write_stacks(function: ir.Function, block: Block, products: Sequence[Product]) -> None:
    *pointers, begin, end = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    for stack, begins in products:
        own = [
            builder.gep(pointer, [INDEX(place)], source_etype=FLOAT)
            for pointer, place in zip(pointers, begins, strict=True)
        ]
        BlockWriter(builder, block).write(stack, own, begin, end)
        pieces = INDEX(block.pieces(stack))
        begin, end = builder.sub(begin, pieces), builder.sub(end, pieces)
    builder.ret_void()


class BlockWriter:
    """Writes the blocks of stacks."""

    def __init__(self, builder: ir.IRBuilder, block: Block) -> None:
        self.builder = builder
        self.block = block

    def write(self, stack: Stack, pointers: Sequence[Any], begin: Any, end: Any) -> None:
        """Blocks begin to end of a stack; none if they are not between 0 and as many as there are."""
        builder, block = self.builder, self.block.of(stack)
        down, across = block.tiles(stack)
        function = _product(builder.module, block)
        none, all_of_them = INDEX(0), INDEX(block.pieces(stack))
        begin = builder.select(builder.icmp_signed(">", begin, none), begin, none)
        end = builder.select(builder.icmp_signed("<", end, all_of_them), end, all_of_them)
        rows_innermost = stack.rows * across <= stack.columns * down
        with counted(builder, begin, end) as number:
            inner, outer = (down, across) if rows_innermost else (across, down)
            fast, number = builder.urem(number, INDEX(inner)), builder.udiv(number, INDEX(inner))
            slow, number = builder.urem(number, INDEX(outer)), builder.udiv(number, INDEX(outer))
            row, column = (fast, slow) if rows_innermost else (slow, fast)
            row = self._first(row, block.height, stack.rows)
            column = builder.mul(
                self._first(column, block.vectors, stack.columns // block.lanes), INDEX(block.lanes)
            )
            offsets = [
                builder.mul(row, INDEX(block.row.left)),
                column,
                builder.add(builder.mul(row, INDEX(block.row.out)), column),
            ]
            for size, steps in zip(reversed(stack.sizes), reversed(stack.steps), strict=True):
                place, number = builder.urem(number, INDEX(size)), builder.udiv(number, INDEX(size))
                offsets = [
                    builder.add(offset, builder.mul(place, INDEX(step)))
                    for offset, step in zip(offsets, (steps.left, steps.right, steps.out), strict=True)
                ]
            own = [
                builder.gep(pointer, [offset], source_etype=FLOAT)
                for pointer, offset in zip(pointers, offsets, strict=True)
            ]
            numbers = stack.summed, block.summand.left, block.summand.right, block.row.out
            builder.call(function, [*own, *map(INDEX, numbers)])

    def _first(self, tile: Any, size: int, total: int) -> Any:
        """Where a block begins: the last one ends where all end."""
        begin = self.builder.mul(tile, INDEX(size))
        if total % size == 0:
            return begin
        last = INDEX(total - size)
        return self.builder.select(self.builder.icmp_unsigned("<", begin, last), begin, last)


def _product(module: Module, block: Block) -> ir.Function:
    """`void f(left, right, out, summed, step of summands in left, in right, step of rows in out)`: one block."""
    key = block.height, block.vectors, block.lanes, block.row.left
    arguments = [POINTER] * 3 + [INDEX] * 4
    return shared(module, "block", key, arguments, lambda function: _write_product(function, *key))


def _write_product(function: ir.Function, height: int, vectors: int, lanes: int, row: int) -> None:
    """row: the step of rows in the left operand, a constant because there are more of them than pointers fit in
    registers."""
    left, right, out, summed, left_step, right_step, out_step = function.args
    out.add_attribute("noalias")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    vector = ir.VectorType(FLOAT, lanes)
    zeros = [ir.Constant(vector, [0.0] * lanes)] * (height * vectors)
    name = f"llvm.fmuladd.v{lanes}f32"
    multiply_add = declared(function.module, name, ir.FunctionType(vector, [vector] * 3))

    def moved(pointer: Any, step: Any) -> Any:
        return builder.gep(pointer, [step], source_etype=FLOAT)

    def one(_: Any, carried: list[Any]) -> list[Any]:
        left, right, *sums = carried
        rights = [
            builder.load(moved(right, INDEX(place * lanes)), align=4 * lanes, typ=vector)
            for place in range(vectors)
        ]
        for place in range(height):
            value = splat(builder, builder.load(moved(left, INDEX(place * row)), typ=FLOAT), lanes)
            for number, other in enumerate(rights):
                at = place * vectors + number
                sums[at] = builder.call(multiply_add, [value, other, sums[at]])
        return [moved(left, left_step), moved(right, right_step), *sums]

    def run(done: Any, carried: list[Any]) -> list[Any]:
        left, right, *totals = carried
        rest = builder.sub(summed, done)
        size = builder.select(builder.icmp_unsigned("<", rest, INDEX(RUN)), rest, INDEX(RUN))
        left, right, *sums = carrying(builder, size, 1, [left, right, *zeros], one)
        added = [builder.fadd(total, value) for total, value in zip(totals, sums, strict=True)]
        return [left, right, *added]

    _, _, *totals = carrying(builder, summed, RUN, [left, right, *zeros], run)
    for place in range(height):
        for number in range(vectors):
            target = moved(out, INDEX(number * lanes))
            builder.store(totals[place * vectors + number], target, align=4 * lanes)
        out = moved(out, out_step)
    builder.ret_void()
