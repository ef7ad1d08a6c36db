"""Rows of the op test table: values set, multiplied and compared at positions of which some occur several times."""

from collections.abc import Iterator

import numpy as np
from row import Row, between

import glassgrad as gg
from glassgrad.ops.index import IndexSet
from glassgrad.ops.key import split_key
from glassgrad.ops.scattering import IndexExtremum, IndexMultiply


def rows() -> Iterator[Row]:
    wide = between(-2, 2)
    x = wide((3, 4))
    keys = {
        "rows with repeats": np.array([0, 2, 0]),
        "two arrays with repeats": (np.array([[0], [2]]), np.array([1, -1, -3])),
        "columns with repeats": (slice(None), np.array([3, 0, 0])),
        "arrays apart with repeats": (np.array([0, 2, 0]), None, np.array([1, 1, 1])),
    }
    for about, expression in keys.items():
        key, found = split_key(gg.asarray(x), expression)
        arrays = tuple(array.numpy() for array in found)
        chosen = x[expression].shape
        yield Row(IndexSet(key), (x, wide(chosen), *arrays), about, twice=about == "rows with repeats")
        yield Row(IndexSet(key), (x, wide((chosen[-1],)), *arrays), f"{about}, spread")
        for op in (IndexMultiply(key), IndexExtremum(key, True), IndexExtremum(key, False)):
            yield Row(op, (x, wide(chosen), *arrays), about, twice=about == "rows with repeats")
    key, _ = split_key(gg.asarray(x), (slice(None, None, -1), slice(1, 3)))
    nothing, (none,) = split_key(gg.asarray(x), np.zeros(0, np.int64))
    for op in (IndexMultiply, lambda key: IndexExtremum(key, True)):
        yield Row(op(key), (x, wide((3, 2))), "slices", twice=True)
        yield Row(op(key), (x.T[:3, ::-1].repeat(2, 1)[:, :4], wide((2, 3)).T), "strided")
        yield Row(op(nothing), (x, wide((0, 4)), none.numpy()), "no positions")
    key, (places,) = split_key(gg.asarray(x), np.array([0, 2, 0, 0]))
    zeros = np.array([[0.0, 2.0, 0.0, 1.0], [1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 0.0]])
    factors = np.array(
        [[0.0, 0.0, 3.0, 2.0], [0.0, 1.0, 2.0, 0.0], [2.0, 4.0, 1.0, 0.0], [2.0, 1.0, 1.0, 5.0]]
    )
    yield Row(IndexMultiply(key), (zeros, factors, places.numpy()), "zeros", twice=True)
    twice_zero = np.array([[0.0], [1.0], [0.0], [2.0]])
    yield Row(IndexMultiply(key), (zeros[:, :1], twice_zero, places.numpy()), "several zeros")
    key, (places,) = split_key(gg.asarray(x), np.array([2, 0]))
    equals = np.array([[7.0, 1.0, 7.0, 0.0], [1.0, 2.0, 0.0, 1.0]])
    for largest in (True, False):
        # of two equal ones, each share is 1/2 from the right and from the left
        yield Row(IndexExtremum(key, largest), (zeros, equals, places.numpy()), "ties")
