"""Rows for what slides windows along axes: convolution, pooling, unfold and fold."""

from collections.abc import Iterator

import numpy as np
from row import RNG, Array, Row, between

from glassgrad.ops.convolve import Convolution, ConvolutionTranspose, ConvolutionWeight
from glassgrad.ops.pool import MaxPlaces, MaxPool, PutPlaces, SpreadPool, SumPool, TakePlaces
from glassgrad.ops.windows import AddWindows, Grid, Windows

wide = between(-2, 2)

# name: grid, groups, shape of x, shape of weight
CONVOLUTIONS = {
    "plain": (Grid((2,), (1,), ((0, 0),), (1,)), 1, (2, 2, 4), (3, 2, 2)),
    "two axes, stride, padding, dilation": (
        Grid((2, 3), (2, 1), ((1, 0), (2, 1)), (1, 2)),
        1,
        (1, 2, 4, 3),
        (2, 2, 2, 3),
    ),
    "groups": (Grid((2, 1), (1, 1), ((0, 1), (0, 0)), (1, 1)), 2, (2, 4, 3, 2), (2, 2, 2, 1)),
    "one group per channel": (Grid((2,), (1,), ((0, 0),), (1,)), 3, (1, 3, 3), (6, 1, 2)),
    "three axes": (Grid((2, 1, 2), (1, 2, 1), ((0, 0),) * 3, (1, 1, 1)), 1, (1, 1, 2, 3, 3), (2, 1, 2, 1, 2)),
    "a last element that no window reaches": (Grid((2,), (3,), ((0, 0),), (1,)), 1, (1, 1, 6), (1, 1, 2)),
    "no samples": (Grid((2,), (1,), ((0, 0),), (1,)), 1, (0, 2, 4), (3, 2, 2)),
    "no channels": (Grid((2,), (1,), ((0, 0),), (1,)), 1, (2, 0, 4), (3, 0, 2)),
    "no features": (Grid((2,), (1,), ((0, 0),), (1,)), 1, (2, 2, 4), (0, 2, 2)),
}


def convolutions() -> Iterator[Row]:
    for about, (grid, groups, images, filters) in CONVOLUTIONS.items():
        x, weight = wide(images), wide(filters)
        y = wide((images[0], filters[0], *grid.counts(images[2:])))
        twice = about in ("plain", "groups")
        yield Row(Convolution(grid, groups), (x, weight), about, twice=twice)
        yield Row(ConvolutionTranspose(grid, groups, images[2:]), (y, weight), about, twice=twice)
        yield Row(ConvolutionWeight(grid, groups), (x, y), about, twice=twice)
    grid = Grid((2, 2), (1, 1), ((0, 0), (1, 0)), (1, 1))
    x, weight = wide((3, 3, 2, 1)).T[:, :, ::-1], wide((2, 4, 2, 2))[:, ::2, ::-1]
    yield Row(Convolution(grid, 1), (x, weight), "strided")
    y = wide((1, 2, 2, 6))[..., ::-2]
    yield Row(ConvolutionTranspose(grid, 1, (3, 3)), (y, weight), "strided")
    yield Row(ConvolutionWeight(grid, 1), (x, y), "strided")


# name: grid, shape of x
GRIDS = {
    "plain": (Grid((2,), (2,), ((0, 0),), (1,)), (2, 2, 6)),
    "two axes that overlap": (Grid((3, 2), (1, 1), ((1, 0), (0, 1)), (1, 1)), (2, 3, 2)),
    "stride, padding, dilation": (Grid((2, 2), (1, 2), ((1, 0), (1, 1)), (2, 1)), (2, 4, 3)),
    "gaps between": (Grid((1,), (3,), ((0, 0),), (1,)), (7,)),
    "no elements in front": (Grid((2,), (1,), ((0, 0),), (1,)), (0, 3)),
    "a window of one": (Grid((1, 1), (1, 1), ((0, 0), (0, 0)), (1, 1)), (1, 1)),
}


def spread_out(shape: tuple[int, ...]) -> Array:
    """Different numbers at least 0.1 apart, so that no difference changes which one is the largest."""
    count = int(np.prod(shape))
    return (RNG.permutation(count) * 0.1).reshape(shape)


def windows() -> Iterator[Row]:
    for about, (grid, shape) in GRIDS.items():
        lead, sizes = shape[: len(shape) - grid.ndim], shape[len(shape) - grid.ndim :]
        counts = grid.counts(sizes)
        pooled = (*lead, *counts)
        places = RNG.integers(0, int(np.prod(grid.kernel)), pooled)
        twice = about == "plain"
        yield Row(Windows(grid), (wide(shape),), about, twice=twice)
        yield Row(AddWindows(grid, sizes), (wide((*lead, *grid.kernel, *counts)),), about, twice=twice)
        yield Row(SumPool(grid), (wide(shape),), about, twice=twice)
        yield Row(SpreadPool(grid, sizes), (wide(pooled),), about, twice=twice)
        yield Row(MaxPool(grid), (spread_out(shape),), about, twice=twice)
        yield Row(MaxPlaces(grid), (spread_out(shape),), about)
        yield Row(TakePlaces(grid), (wide(shape), places), about, twice=twice)
        yield Row(PutPlaces(grid, sizes), (wide(pooled), places), about, twice=twice)
    grid = Grid((2, 2), (1, 1), ((0, 1), (1, 0)), (1, 1))
    yield Row(MaxPool(grid), (spread_out((4, 6)).T[::-2],), "strided")
    yield Row(SumPool(grid), (wide((4, 6)).T[::-2],), "strided")
    yield Row(Windows(grid), (wide((4, 6)).T[::-2],), "strided")
    yield Row(MaxPlaces(grid), (np.zeros((3, 3)),), "ties")


def rows() -> Iterator[Row]:
    yield from convolutions()
    yield from windows()
