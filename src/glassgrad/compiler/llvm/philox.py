"""Random numbers: the blocks of a Philox stream as an LLVM function, the same bits as NumPy's generator gives.

A block is ten rounds of two products of 64 by 64 bits. Eight blocks are made at a time, each product from four of
32 by 32 bits, a little faster than products of 64, of which many processors make one in two cycles. Blocks do not
depend on each other, so any cut into pieces gives the same numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from llvmlite import ir

from ...graph.loops import Drawn
from .alone import AloneCode
from .code import Phase, Share
from .nest import INDEX, counted
from .types import LANE, in_memory
from .vectors import splat

if TYPE_CHECKING:
    from ..kernels import Alone, Units

WORD = ir.IntType(64)
MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
KEY_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
ROUNDS = 10
WORDS = 4
LANES = 8
"""How many blocks are made at a time."""

VECTOR = ir.VectorType(WORD, LANES)
GROUPS_PER_PIECE = 128
NANOSECONDS_PER_GROUP = 65.0


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
        self.per_group = LANES * WORDS * (2 if node.dtype.itemsize == 4 else 1)
        self.count = math.prod(node.shape)
        self.groups = -(-self.count // self.per_group)
        pieces = -(-self.groups // GROUPS_PER_PIECE)
        self.phases = (Phase(pieces, self.groups * NANOSECONDS_PER_GROUP, is_vectors=True),)

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
        """Write the loop over the groups of blocks of some pieces."""
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
        whole = self.count // self.per_group if self._in_order else 0
        if whole < self.groups:
            with builder.goto_entry_block():
                aside = builder.alloca(kind, size=INDEX(self.per_group))
        begin, end = (
            _smaller(builder, builder.mul(place, INDEX(GROUPS_PER_PIECE)), INDEX(self.groups))
            for place in (share.begin, share.end)
        )
        with counted(builder, begin, end, "group") as index:
            start = builder.mul(index, INDEX(self.per_group))
            target = builder.gep(out, [start], source_etype=kind)
            if whole < self.groups:
                is_whole = builder.icmp_unsigned("<", index, INDEX(whole))
                target = builder.select(is_whole, target, aside)
            numbers = self._numbers(builder, self._words(builder, seed, offset, index))
            builder.store(numbers, target, align=self.dtype.itemsize)
            if whole < self.groups:
                left = _smaller(builder, builder.sub(INDEX(self.count), start), INDEX(self.per_group))
                copied = builder.select(is_whole, INDEX(0), left)
                with counted(builder, INDEX(0), copied, "number") as i:
                    number = builder.load(builder.gep(aside, [i], source_etype=kind), typ=kind)
                    place = self._offset(builder, builder.add(start, i))
                    builder.store(number, builder.gep(out, [place], source_etype=kind))

    def _words(self, builder: ir.IRBuilder, seed: Any, offset: Any, group: Any) -> list[Any]:
        """The four words of a group of blocks: counters (offset + block, carry, 0, domain), key (seed, 0)."""
        lanes = ir.Constant(VECTOR, list(range(LANES)))
        first = builder.mul(group, INDEX(LANES))
        low = builder.add(builder.add(splat(builder, offset, LANES), splat(builder, first, LANES)), lanes)
        carry = builder.zext(builder.icmp_unsigned("<", low, splat(builder, offset, LANES)), VECTOR)
        counter = [low, carry, _all(0), _all(self.domain)]
        keys = [seed, WORD(0)]
        for number in range(ROUNDS):
            if number:
                keys = [builder.add(key, WORD(step)) for key, step in zip(keys, KEY_STEPS, strict=True)]
            (high0, low0), (high1, low1) = (
                _product(builder, counter[place], factor)
                for place, factor in zip((0, 2), MULTIPLIERS, strict=True)
            )
            counter = [
                builder.xor(builder.xor(high1, counter[1]), splat(builder, keys[0], LANES)),
                low1,
                builder.xor(builder.xor(high0, counter[3]), splat(builder, keys[1], LANES)),
                low0,
            ]
        return counter

    def _numbers(self, builder: ir.IRBuilder, words: list[Any]) -> Any:
        """The numbers of a group in order: upper 24 bits of halves, the lower half first, or upper 53 of words."""
        pairs = [_joined(builder, *words[:2]), _joined(builder, *words[2:])]
        order = [place * LANES + lane for lane in range(LANES) for place in range(WORDS)]
        mask = ir.Constant(ir.VectorType(LANE, LANES * WORDS), order)
        vector = builder.shuffle_vector(*pairs, mask)
        bits, digits = 64, 53
        if self.dtype.itemsize == 4:
            bits, digits = 32, 24
            vector = builder.bitcast(vector, ir.VectorType(LANE, self.per_group))
        shift = ir.Constant(vector.type, [bits - digits] * self.per_group)
        numbers = ir.VectorType(in_memory(self.dtype), self.per_group)
        whole = builder.sitofp(builder.lshr(vector, shift), numbers)
        return builder.fmul(whole, ir.Constant(numbers, [2.0**-digits] * self.per_group))

    def _offset(self, builder: ir.IRBuilder, number: Any) -> Any:
        """Where in memory the element with this number in C order lies."""
        offset: Any = INDEX(0)
        for size, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            place = builder.urem(number, INDEX(size))
            number = builder.udiv(number, INDEX(size))
            offset = builder.add(offset, builder.mul(place, INDEX(stride)))
        return offset


def _product(builder: ir.IRBuilder, x: Any, factor: int) -> tuple[Any, Any]:
    """The upper and the lower 64 bits of products, from those of halves."""
    low_half, half = _all(0xFFFFFFFF), _all(32)
    low, high = _all(factor & 0xFFFFFFFF), _all(factor >> 32)
    x_low, x_high = builder.and_(x, low_half), builder.lshr(x, half)
    lowest = builder.mul(x_low, low)
    middle = builder.add(builder.mul(x_high, low), builder.lshr(lowest, half))
    other = builder.add(builder.mul(x_low, high), builder.and_(middle, low_half))
    upper = builder.add(
        builder.add(builder.mul(x_high, high), builder.lshr(middle, half)), builder.lshr(other, half)
    )
    return upper, builder.or_(builder.shl(other, half), builder.and_(lowest, low_half))


def _all(word: int) -> Any:
    return ir.Constant(VECTOR, [word] * LANES)


def _joined(builder: ir.IRBuilder, x: Any, y: Any) -> Any:
    mask = ir.Constant(ir.VectorType(LANE, 2 * LANES), list(range(2 * LANES)))
    return builder.shuffle_vector(x, y, mask)


def _smaller(builder: ir.IRBuilder, x: Any, y: Any) -> Any:
    return builder.select(builder.icmp_unsigned("<", x, y), x, y)
