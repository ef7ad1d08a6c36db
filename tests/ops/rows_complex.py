"""Rows of the op test table: parts of complex numbers. Their gradients are in test_complex_gradients."""

from collections.abc import Iterator

import numpy as np
from row import PAIRS, Array, Row, between, layouts

from glassgrad.ops import complex_numbers

parts = between(-2, 2)


def numbers(size: tuple[int, ...]) -> Array:
    return np.asarray(parts(size) + 1j * parts(size))


def rows() -> Iterator[Row]:
    for op in (complex_numbers.Real(), complex_numbers.Imag(), complex_numbers.Conj()):
        for about, x in layouts(numbers):
            yield Row(op, (x,), about)
    # the result is complex, so that differences of it are none of `gradcheck`'s
    for about, (left, right) in PAIRS.items():
        yield Row(complex_numbers.Complex(), (parts(left), parts(right)), about, fixed=(0, 1))
    yield Row(complex_numbers.Complex(), (parts((4,))[::-1], parts((8,))[::2]), "strided", fixed=(0, 1))
