"""Random numbers as an op, by the Philox generator: a pure function of a seed and a place in that seed's stream."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import DTypeError
from ..graph import Aval, Op
from ..graph.loops import Drawn
from ..graph.static import static
from ..tensor import Tensor, apply
from ..tensor.dtype import DType, float32, float64
from .stacks import one_by_one

__all__ = ["RandomUniform", "blocks_for", "philox_words", "random_uniform"]

WORDS_PER_BLOCK = 4
DOMAIN = 1
"""The last counter word. The shuffles of `gg.data` have 0 there, so the two never draw the same bits."""

NUMBERS_PER_WORD = {float32: 2, float64: 1}


def philox_words(seed: int, offset: int, blocks: int) -> NDArray[np.uint64]:
    """4 * `blocks` random 64-bit words: Philox4x64-10 of the counters (offset + i, 0, 0, 1) under the key (seed, 0).

    Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).

    >>> bool(np.all(philox_words(7, 0, 3)[4:] == philox_words(7, 1, 2)))
    True
    """
    # NumPy counts up before each block
    counter = (DOMAIN << 192) + offset - 1
    return np.random.Philox(counter=counter, key=seed).random_raw(WORDS_PER_BLOCK * blocks)


def blocks_for(count: int, dtype: DType) -> int:
    """How many blocks of the stream `count` numbers of this dtype use up. Raises DTypeError as `random_uniform`.

    >>> blocks_for(9, float32), blocks_for(9, float64)
    (2, 3)
    """
    require_drawn(dtype)
    return -(-count // (WORDS_PER_BLOCK * NUMBERS_PER_WORD[dtype]))


@static
class RandomUniform(Op):
    """Numbers in [0, 1), equally likely, on a grid of 2**24 (float32) or 2**53 (float64) points.

    Input: uint64[2], the seed and the offset in blocks. A float32 is the upper 24 bits of a 32-bit word, the lower
    half of each 64-bit word first; a float64 is the upper 53 bits of a word.
    """

    new_shape: tuple[int, ...]
    new_dtype: DType

    argument_names = ("state",)
    formula = "out[i] = upper bits of word i of Philox4x64-10(counter = offset, key = seed)"
    pattern: ClassVar[str] = "blocker: random numbers do not depend on anything differentiable"
    differentiable: ClassVar[bool] = False
    no_gradient_because: ClassVar[str] = "its result is drawn, not computed from a differentiable input"

    def shape(self, state: Aval) -> Aval:
        if state.shape != (2,) or state.dtype != np.uint64:
            raise DTypeError(f"{self.name} needs its state as uint64 [seed, offset]; got {state}")
        return Aval(self.new_shape, self.new_dtype)

    def forward(self, state: Any) -> Any:
        self.shape(Aval(state.shape, state.dtype))
        count = math.prod(self.new_shape)
        words = philox_words(int(state[0]), int(state[1]), blocks_for(count, self.new_dtype))
        if self.new_dtype == float32:
            halves = words.astype("<u8", copy=False).view("<u4")[:count]
            numbers = (halves >> 8).astype(np.float32) * 2.0**-24
        else:
            numbers = (words[:count] >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return numbers.reshape(self.new_shape)

    def loops(self, state: Aval) -> Drawn:
        return Drawn(DOMAIN)

    def batch(self, batched: tuple[bool, ...], state: Tensor) -> Tensor:
        """One draw after the other: each member starts its own stream, and a generator is made per stream anyway."""
        return one_by_one(self, batched, (state,))


def require_drawn(dtype: DType) -> None:
    """Raise a DTypeError for a dtype that random numbers cannot be drawn as."""
    if dtype not in NUMBERS_PER_WORD:
        raise DTypeError(
            f"random numbers are drawn as float32 or float64; got {dtype}. Draw float32, then cast."
        )


def random_uniform(state: Tensor, shape: tuple[int, ...], dtype: DType) -> Tensor:
    """Numbers in [0, 1) of a shape, float32 or float64, from a state uint64 [seed, offset]. No gradient.

    The same state gives the same numbers, always. Raises DTypeError for another dtype.

    >>> random_uniform(gg.tensor([7, 0], dtype="uint64"), (2,), float64)
    tensor([..., ...], dtype=float64)
    """
    require_drawn(dtype)
    return apply(RandomUniform(shape, dtype), state)
