"""What a row of the op test table is, and draws of numbers to make rows from. The rows are in `table` and `rows_*`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.graph import Op

RNG = np.random.default_rng(7)
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Row:
    """An op, its inputs, what the row is about, whether the second derivative exists there, which inputs have no
    derivative there, and whether an input with its elements in another order is one, too."""

    op: Op
    inputs: tuple[Array, ...]
    about: str
    twice: bool = False
    fixed: tuple[int, ...] = ()
    members_may_be_shuffled: bool = True

    def __str__(self) -> str:
        return f"{type(self.op).__name__}-{self.about.replace(' ', '_')}"

    @property
    def varied(self) -> tuple[int, ...]:
        """The inputs that can have a gradient."""
        return tuple(i for i, x in enumerate(self.inputs) if x.dtype.kind == "f" and i not in self.fixed)

    @property
    def differentiable(self) -> bool:
        return self.op.differentiable and bool(self.varied)


Draw = Callable[[tuple[int, ...]], Array]


def between(low: float, high: float) -> Draw:
    return lambda size: np.asarray(RNG.uniform(low, high, size))


def away_from_zero(low: float = 0.3, high: float = 2.0) -> Draw:
    return lambda size: np.asarray(RNG.uniform(low, high, size) * RNG.choice([-1.0, 1.0], size))


def away_from_integers(size: tuple[int, ...]) -> Array:
    return np.asarray(RNG.integers(-3, 3, size) + RNG.uniform(0.2, 0.8, size))


def near_integers(size: tuple[int, ...]) -> Array:
    return np.asarray(RNG.integers(-3, 3, size) + RNG.uniform(-0.3, 0.3, size))


def plus_or_minus_one(size: tuple[int, ...]) -> Array:
    return np.asarray(RNG.choice([-1.0, 1.0], size))


def truth(size: tuple[int, ...]) -> Array:
    return np.asarray(RNG.random(size) < 0.5)


def layouts(draw: Draw) -> Iterator[tuple[str, Array]]:
    """The same kind of numbers in every layout that memory may have."""
    yield "plain", draw((2, 3))
    yield "no axes", draw(())
    yield "no elements", draw((0, 3))
    yield "backwards", draw((4,))[::-1]
    yield "every other", draw((4, 3)).T[:, ::2]


def of_one(op: Op, draw: Draw, edges: tuple[float, ...] = ()) -> Iterator[Row]:
    for about, x in layouts(draw):
        yield Row(op, (x,), about, twice=about == "plain")
    if edges:
        yield Row(op, (np.array(edges),), "near the edges", twice=True)


PAIRS = {
    "plain": ((2, 3), (2, 3)),
    "one row for all": ((2, 3), (3,)),
    "outer": ((2, 1), (1, 3)),
    "no axes": ((), ()),
    "number with array": ((), (3,)),
    "no elements": ((0, 3), (1, 3)),
    "inner axis of 1": ((2, 1, 2), (2, 3, 1)),
}


def of_two(op: Op, first: Draw, second: Draw) -> Iterator[Row]:
    for about, (left, right) in PAIRS.items():
        yield Row(op, (first(left), second(right)), about, twice=about in ("plain", "one row for all"))
    yield Row(op, (first((4,))[::-1], second((8,))[::2]), "strided")
