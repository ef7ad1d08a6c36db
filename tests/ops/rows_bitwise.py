"""Rows of the op test table: bit operations, on integers of both signs and on booleans."""

from collections.abc import Iterator

import numpy as np
from row import PAIRS, RNG, Array, Row, truth

from glassgrad.ops import bitwise


def integers(size: tuple[int, ...]) -> Array:
    return np.asarray(RNG.integers(-100, 100, size))


def places(size: tuple[int, ...]) -> Array:
    return np.asarray(RNG.integers(0, 8, size))


def rows() -> Iterator[Row]:
    for op in (bitwise.BitwiseAnd(), bitwise.BitwiseOr(), bitwise.BitwiseXor()):
        for about, (left, right) in PAIRS.items():
            yield Row(op, (integers(left), integers(right)), about)
            yield Row(op, (truth(left), truth(right)), f"{about}, booleans")
        yield Row(op, (integers((4,))[::-1], integers((8,))[::2]), "strided")
        yield Row(op, (integers((4,)), truth((4,))), "a boolean beside integers")
    for op in (bitwise.BitwiseLeftShift(), bitwise.BitwiseRightShift()):
        for about, (left, right) in PAIRS.items():
            yield Row(op, (integers(left), places(right)), about)
        yield Row(op, (integers((4,))[::-1], places((8,))[::2]), "strided")
    for about, x in (
        ("plain", integers((2, 3))),
        ("no axes", integers(())),
        ("no elements", integers((0, 3))),
    ):
        yield Row(bitwise.BitwiseInvert(), (x,), about)
    yield Row(bitwise.BitwiseInvert(), (truth((5,))[::-2],), "booleans, strided")
