"""Rows of the op test table: cumulative sums and products, recurrences, running extrema, and searching in rows."""

from collections.abc import Iterator

import numpy as np
from row import Row, between

from glassgrad.ops.cumulative import CumulativeProd, CumulativeSum, LinearRecurrence, RunningPosition
from glassgrad.ops.searching import Searchsorted


def rows() -> Iterator[Row]:
    wide = between(-2, 2)
    inputs = {
        "plain": (wide((2, 3)), 1),
        "first axis": (wide((3, 2)), 0),
        "inner axis": (wide((2, 3, 2)), 1),
        "one element": (wide((1,)), 0),
        "no elements": (wide((0, 3)), 0),
        "no elements in the rest": (wide((0, 3)), 1),
        "strided": (wide((4, 6)).T[::-2], 0),
        "ties": (np.array([[1.0, 1.0, 2.0, 2.0, 0.0]]), 1),
    }
    for about, (x, axis) in inputs.items():
        twice = about in ("plain", "inner axis")
        yield Row(CumulativeSum(axis), (x,), about, twice=twice)
        yield Row(CumulativeProd(axis), (x,), about, twice=twice)
        yield Row(LinearRecurrence(axis), (x, wide(x.shape)), about, twice=twice)
        yield Row(RunningPosition(axis, True), (x,), about)
        yield Row(RunningPosition(axis, False), (x,), about)
    zeros = np.array([[2.0, 0.0, 3.0, 1.0], [0.0, 0.0, 5.0, 0.0], [1.0, 2.0, 3.0, 0.0]])
    yield Row(CumulativeProd(1), (zeros,), "zeros", twice=True)
    yield Row(LinearRecurrence(1), (zeros, zeros[::-1]), "zeros", twice=True)

    row = np.sort(wide((5,)))
    for right in (False, True):
        op = Searchsorted(right)
        cases = {
            "plain": (row, wide((2, 3))),
            "ties": (np.array([0.0, 1.0, 1.0, 1.0, 2.0]), np.array([1.0, 2.0, 0.0, 3.0])),
            "one value": (row, wide(())),
            "no values": (row, wide((0, 2))),
            "no row": (wide((0,)), wide((3,))),
            "strided": (np.sort(wide((8,)))[::2], wide((4,))[::-1]),
        }
        for about, (x1, x2) in cases.items():
            # the row is sorted
            yield Row(op, (x1, x2), about, members_may_be_shuffled=False)
