"""Strategies: shapes that broadcast together, arrays of small numbers, and index expressions that fit a shape."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
NUMBERS = st.floats(-4, 4, allow_subnormal=False, width=32)


def arrays(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    return hnp.arrays(np.float64, shape, elements=NUMBERS)


def pairs_that_broadcast() -> st.SearchStrategy[tuple[Any, Any]]:
    shapes = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, min_side=0, max_side=3)
    return shapes.flatmap(lambda found: st.tuples(*map(arrays, found.input_shapes)))


def an_array() -> st.SearchStrategy[Any]:
    return SHAPES.flatmap(arrays)


@st.composite
def indexed_arrays(draw: st.DrawFn) -> tuple[Any, Any]:
    """An array and an index expression for it: integers, slices, `...`, None, integer arrays or a mask."""
    x = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=3).flatmap(arrays))
    kind = draw(st.sampled_from(["basic", "arrays", "mask", "mixed"]))
    if kind == "basic":
        return x, draw(hnp.basic_indices(x.shape, allow_newaxis=True))
    if kind == "arrays":
        return x, draw(hnp.integer_array_indices(x.shape))
    if kind == "mask":
        axes = draw(st.integers(1, x.ndim))
        return x, draw(hnp.arrays(bool, x.shape[:axes]))
    items = []
    for size in x.shape:
        positions = hnp.arrays(
            np.int64, draw(st.sampled_from([(), (1,), (2,), (2, 1)])), elements=st.integers(-size, size - 1)
        )
        items.append(draw(st.one_of(st.integers(-size, size - 1), st.slices(size), positions)))
    return x, tuple(items)
