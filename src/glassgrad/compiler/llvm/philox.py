"""Random numbers: the blocks of a Philox stream as an LLVM function, the same bits as NumPy's generator gives.

A block is ten rounds of two products of 64 by 64 bits, which a processor makes one of per cycle; vectors of 32-bit
products would take longer. Blocks do not depend on each other, so any cut into pieces gives the same numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from ...graph.loops import Drawn
from .alone import AloneCode
from .code import Phase, Share
from .nest import INDEX, counted
from .types import in_memory

if TYPE_CHECKING:
    from ..kernels import Alone, Units

WORD, WIDE = ir.IntType(64), ir.IntType(128)
MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
KEY_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
ROUNDS = 10
WORDS = 4
BLOCKS_PER_PIECE = 1024
NANOSECONDS_PER_BLOCK = 6.5


class DrawFunction(AloneCode):
    """The code of one draw of numbers in [0, 1)."""

    def __init__(self, unit: Alone, units: Units) -> None:
        node = unit.node
        (state,) = node.inputs
        assert isinstance(unit.loops, Drawn)
        self.domain = unit.loops.domain
        self.dtype, self.shape = node.dtype, node.shape
        self.node, self.state = node, units.places[state]
        self.strides = units.places[node].strides
        self.owners = [self.state.owner, node]
        self.per_block = WORDS * (2 if node.dtype.itemsize == 4 else 1)
        self.count = math.prod(node.shape)
        blocks = -(-self.count // self.per_block)
        pieces = -(-blocks // BLOCKS_PER_PIECE)
        self.phases = (Phase(pieces, blocks * NANOSECONDS_PER_BLOCK),)

    @property
    def key(self) -> Any:
        """All that the code depends on."""
        place = self.state.offset, self.state.strides
        return "drawn", self.domain, self.dtype.name, self.shape, self.strides, place

    @property
    def _in_order(self) -> bool:
        """Whether the numbers lie in memory as they are drawn."""
        step = 1
        for size, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if size != 1 and stride != step:
                return False
            step *= size
        return True

    def write(self, phase: int, share: Share) -> None:
        """Write the loop over the blocks of some pieces, whole ones first, and that which is used in part."""
        builder = share.builder
        state, out = share.pointers[self.state.owner], share.pointers[self.node]
        seed, offset = (
            builder.load(
                builder.gep(state, [INDEX(self.state.offset + i * self.state.strides[0])], source_etype=WORD),
                typ=WORD,
            )
            for i in range(2)
        )
        kind = in_memory(self.dtype)
        whole = self.count // self.per_block if self._in_order else 0
        blocks = -(-self.count // self.per_block)
        first = builder.mul(share.begin, INDEX(BLOCKS_PER_PIECE))
        last = builder.mul(share.end, INDEX(BLOCKS_PER_PIECE))
        with counted(builder, first, _smaller(builder, last, INDEX(whole)), "block") as index:
            numbers = self._numbers(builder, self._block(builder, seed, offset, index))
            start = builder.mul(index, INDEX(self.per_block))
            address = builder.gep(out, [start], source_etype=kind)
            builder.store(numbers, address, align=self.dtype.itemsize)
        if whole * self.per_block == self.count:
            return
        with builder.goto_entry_block():
            few = builder.alloca(ir.VectorType(kind, self.per_block))
        begin = builder.select(builder.icmp_unsigned(">", first, INDEX(whole)), first, INDEX(whole))
        with counted(builder, begin, _smaller(builder, last, INDEX(blocks)), "rest") as index:
            builder.store(self._numbers(builder, self._block(builder, seed, offset, index)), few)
            start = builder.mul(index, INDEX(self.per_block))
            left = builder.sub(INDEX(self.count), start)
            with counted(builder, INDEX(0), _smaller(builder, left, INDEX(self.per_block)), "number") as i:
                number = builder.load(builder.gep(few, [i], source_etype=kind), typ=kind)
                place = self._offset(builder, builder.add(start, i))
                builder.store(number, builder.gep(out, [place], source_etype=kind))

    def _block(self, builder: ir.IRBuilder, seed: Any, offset: Any, index: Any) -> list[Any]:
        """The four words for the counter (offset + index, carry, 0, domain) and the key (seed, 0)."""
        low = builder.add(offset, index)
        carry = builder.zext(builder.icmp_unsigned("<", low, offset), WORD)
        counter = [low, carry, WORD(0), WORD(self.domain)]
        keys = [seed, WORD(0)]
        for number in range(ROUNDS):
            if number:
                keys = [builder.add(key, WORD(step)) for key, step in zip(keys, KEY_STEPS, strict=True)]
            (high0, low0), (high1, low1) = (
                _product(builder, counter[place], factor)
                for place, factor in zip((0, 2), MULTIPLIERS, strict=True)
            )
            counter = [
                builder.xor(builder.xor(high1, counter[1]), keys[0]),
                low1,
                builder.xor(builder.xor(high0, counter[3]), keys[1]),
                low0,
            ]
        return counter

    def _numbers(self, builder: ir.IRBuilder, words: list[Any]) -> Any:
        """A vector of the numbers in a block: the upper 24 bits of halves, the lower half first, or 53 of words."""
        vector = ir.Constant(ir.VectorType(WORD, WORDS), ir.Undefined)
        for place, word in enumerate(words):
            vector = builder.insert_element(vector, word, ir.IntType(32)(place))
        kind, bits, digits = WORD, 64, 53
        if self.dtype.itemsize == 4:
            kind, bits, digits = ir.IntType(32), 32, 24
            vector = builder.bitcast(vector, ir.VectorType(kind, self.per_block))
        shift = ir.Constant(vector.type, [bits - digits] * self.per_block)
        numbers = ir.VectorType(in_memory(self.dtype), self.per_block)
        whole = builder.sitofp(builder.lshr(vector, shift), numbers)
        return builder.fmul(whole, ir.Constant(numbers, [2.0**-digits] * self.per_block))

    def _offset(self, builder: ir.IRBuilder, number: Any) -> Any:
        """Where in memory the element with this number in C order lies."""
        offset: Any = INDEX(0)
        for size, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            place = builder.urem(number, INDEX(size))
            number = builder.udiv(number, INDEX(size))
            offset = builder.add(offset, builder.mul(place, INDEX(stride)))
        return offset


def _product(builder: ir.IRBuilder, word: Any, factor: int) -> tuple[Any, Any]:
    """The upper and the lower 64 bits of a product."""
    whole = builder.mul(builder.zext(word, WIDE), WIDE(factor))
    return builder.trunc(builder.lshr(whole, WIDE(64)), WORD), builder.trunc(whole, WORD)


def _smaller(builder: ir.IRBuilder, x: Any, y: Any) -> Any:
    return builder.select(builder.icmp_unsigned("<", x, y), x, y)
