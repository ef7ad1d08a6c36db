"""Random tensors: draws from a seeded, counted stream of random numbers.

The numbers are a pure function of (seed, offset) by the Philox generator, so a state is two whole numbers. The stream
starts with seed 0: a program draws the same numbers in every run until `gg.random.seed` says otherwise.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ArgumentError, GraphError, ShapeError
from .ops.exponential import log1p, sqrt
from .ops.joining import concat
from .ops.philox import blocks_for, random_uniform
from .ops.shape import astype, reshape
from .ops.sorting import argsort
from .ops.trigonometric import cos, sin
from .tensor import Tensor, asarray
from .tensor.dtype import DEFAULT_FLOAT, DType, as_dtype, float64
from .tensor.staging import staging

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "get_state",
    "normal",
    "permutation",
    "seed",
    "set_state",
    "uniform",
]

Shape = int | Sequence[int]


class Generator:
    """A stream of random numbers: its `seed`, and the `offset` in blocks of 256 bits from which the next draw starts.

    Every draw moves the offset on by the blocks it used, so consecutive draws are independent. Seed and offset are
    whole numbers in [0, 2**64). Raises ArgumentError for others.

    >>> a, b = gg.random.Generator(seed=1), gg.random.Generator(seed=1)
    >>> a.uniform(3).tolist() == b.uniform(3).tolist()
    True
    """

    def __init__(self, seed: int = 0, offset: int = 0) -> None:
        self.seed = _word("seed", seed)
        self.offset = _word("offset", offset)

    def get_state(self) -> dict[str, int]:
        """`{"seed": ..., "offset": ...}`: all that is needed to go on from here; JSON can hold it."""
        trace = staging()
        return {"seed": self.seed, "offset": self.offset + (0 if trace is None else trace.drawn(self))}

    def set_state(self, state: Mapping[str, int]) -> None:
        """Go on from a state that `get_state` gave. Raises ArgumentError if it is none."""
        if not isinstance(state, Mapping) or set(state) != {"seed", "offset"}:
            raise ArgumentError(f'a random state is {{"seed": ..., "offset": ...}}; got {state!r}')
        trace = staging()
        if trace is not None:
            ahead = state["offset"] - self.offset
            if state["seed"] != self.seed or not 0 <= ahead <= trace.drawn(self):
                raise _set_inside()
            trace.rewind(self, ahead)
            return
        self.seed, self.offset = _word("seed", state["seed"]), _word("offset", state["offset"])

    def uniform(
        self, shape: Shape, low: float = 0.0, high: float = 1.0, *, dtype: Any = DEFAULT_FLOAT
    ) -> Tensor:
        """Numbers spread evenly over [low, high), float32 or float64. Rounding may reach `high` where it is not 1.

        Raises ArgumentError if high < low, ShapeError for a bad shape, DTypeError for another dtype.

        >>> gg.random.Generator(seed=1).uniform((2, 3)).shape
        (2, 3)
        """
        if not low <= high:
            raise ArgumentError(f"uniform needs low <= high; got low={low}, high={high}")
        numbers = self._standard_uniform(_sizes(shape), as_dtype(dtype))
        return numbers if (low, high) == (0.0, 1.0) else numbers * (high - low) + low

    def normal(
        self, shape: Shape, mean: float = 0.0, std: float = 1.0, *, dtype: Any = DEFAULT_FLOAT
    ) -> Tensor:
        """Normally distributed numbers with this mean and standard deviation, any float dtype.

        By the Box-Muller transform in float64, then rounded to `dtype`. Raises ArgumentError if std < 0.

        Source: Box, Muller, "A note on the generation of random normal deviates" (1958).

        >>> gg.random.Generator(seed=1).normal(4, mean=10.0).dtype
        dtype('float32')
        """
        if not std >= 0:
            raise ArgumentError(f"normal needs std >= 0; got {std}")
        sizes = _sizes(shape)
        count = math.prod(sizes)
        pairs = self._standard_uniform((2, (count + 1) // 2), float64)
        radius, angle = sqrt(-2.0 * log1p(-pairs[0])), (2.0 * math.pi) * pairs[1]
        numbers = concat([radius * cos(angle), radius * sin(angle)])[:count]
        return astype(reshape(numbers * std + mean, sizes), as_dtype(dtype))

    def bernoulli(self, p: float, shape: Shape) -> Tensor:
        """Booleans that are true with probability p. Raises ArgumentError unless 0 <= p <= 1.

        >>> gg.random.Generator(seed=1).bernoulli(1.0, 2)
        tensor([ True,  True])
        """
        if not 0.0 <= p <= 1.0:
            raise ArgumentError(f"bernoulli needs a probability 0 <= p <= 1; got {p}")
        return self._standard_uniform(_sizes(shape), DEFAULT_FLOAT) < float(p)

    def permutation(self, n: int) -> Tensor:
        """The numbers 0 to n-1 in random order, int64[n].

        >>> sorted(gg.random.Generator(seed=1).permutation(4).tolist())
        [0, 1, 2, 3]
        """
        return argsort(self._standard_uniform(_sizes(n), float64))

    def _standard_uniform(self, shape: tuple[int, ...], dtype: DType) -> Tensor:
        trace = staging()
        if trace is not None:
            ahead = trace.draw(self, blocks_for(math.prod(shape), dtype))
            state = trace.read_at_each_call(lambda: self._state(ahead), self._state(0), "random state")
            return random_uniform(state, shape, dtype)
        numbers = random_uniform(asarray(self._state(0)), shape, dtype)
        self.skip(blocks_for(math.prod(shape), dtype))
        return numbers

    def _state(self, ahead: int) -> NDArray[np.uint64]:
        return np.array([self.seed, self.offset + ahead], np.uint64)

    def skip(self, blocks: int) -> None:
        """Go on as if numbers had been drawn that use up so many blocks of 256 bits."""
        self.offset += blocks

    def __repr__(self) -> str:
        return f"Generator(seed={self.seed}, offset={self.offset})"


def _set_inside() -> GraphError:
    return GraphError(
        "gg.random.seed and set_state start a stream anew, which inside a compiled function would happen once, while "
        "it is traced: call them before it, or go back to a state that get_state() gave in the same call"
    )


def _word(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise ArgumentError(f"the random {name} must be a whole number; got {value!r}") from None
    if not 0 <= number < 2**64:
        raise ArgumentError(f"the random {name} must be in [0, 2**64); got {number}")
    return number


def _sizes(shape: Shape) -> tuple[int, ...]:
    try:
        sizes = (
            (operator.index(shape),) if not isinstance(shape, Sequence) else tuple(map(operator.index, shape))
        )
    except TypeError:
        raise ShapeError(f"a shape is a whole number or a sequence of them; got {shape!r}") from None
    if any(size < 0 for size in sizes):
        raise ShapeError(f"a shape has sizes >= 0; got {shape!r}")
    return sizes


default_generator = Generator()
"""What the functions of this module, weight initialisation and Dropout draw from."""


def seed(n: int) -> None:
    """Start the default stream anew with seed n, a whole number in [0, 2**64).

    >>> gg.random.seed(3)
    >>> first = gg.random.uniform(2).tolist()
    >>> gg.random.seed(3)
    >>> gg.random.uniform(2).tolist() == first
    True
    """
    if staging() is not None:
        raise _set_inside()
    default_generator.set_state({"seed": n, "offset": 0})


get_state, set_state = default_generator.get_state, default_generator.set_state
uniform, normal = default_generator.uniform, default_generator.normal
bernoulli, permutation = default_generator.bernoulli, default_generator.permutation
