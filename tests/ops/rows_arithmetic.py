"""Rows of the op test table: what belongs to arithmetic, signs and comparison beyond `table`'s own rows."""

from collections.abc import Iterator

import numpy as np
from row import Row, away_from_zero, between, of_one, of_two, plus_or_minus_one, truth

from glassgrad.ops import arithmetic, compare, signs


def between_multiples(size: tuple[int, ...]) -> np.ndarray:
    return np.asarray(np.random.default_rng(5).integers(-3, 3, size) + 0.5)


def rows() -> Iterator[Row]:
    signed, wide = away_from_zero(), between(-2, 2)
    yield from of_two(arithmetic.FloorDivide(), between_multiples, plus_or_minus_one)
    yield from of_two(arithmetic.Hypot(), signed, wide)
    sides = np.array([3.0, 0.0, -1e-3]), np.array([0.0, 2.0, 4.0])
    yield Row(arithmetic.Hypot(), sides, "along the axes", twice=True)
    yield from of_two(signs.Copysign(), signed, signed)
    yield from of_two(signs.Nextafter(), wide, away_from_zero(3, 4))
    yield from of_one(signs.Signbit(), signed)
    yield from of_two(compare.LogicalXor(), truth, truth)
