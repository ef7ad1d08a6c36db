"""Rows of the op test table: values set at positions of which some occur several times, where the last value stays."""

from collections.abc import Iterator

import numpy as np
from row import Row, between

import glassgrad as gg
from glassgrad.ops.index import IndexSet
from glassgrad.ops.key import split_key


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
