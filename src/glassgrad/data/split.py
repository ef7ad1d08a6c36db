"""Rows to learn from and rows to test on: disjoint, random, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import ArgumentError, DataError, ShapeError
from .shuffle import SPLIT_STREAM, checked_int, permutation

Rows = npt.NDArray[np.intp]


def split(
    n: int, test_fraction: float = 0.2, seed: int = 0, groups: Sequence[npt.NDArray[Any]] = ()
) -> tuple[Rows, Rows]:
    """Part the rows 0 to n-1 into (training rows, test rows), each in random order.

    test_fraction: share of the rows to test on, between 0 and 1; rounded to whole rows, at least 1.
    groups: arrays of shape (n,), such as the class of every row. One row of every value of every group always
    trains, so that nothing is tested that could not have been learnt; if this leaves fewer rows to test on,
    the test set is smaller. The other rows are taken in equal steps through the rows sorted by
    group (the first group first), so that every class has its share in the test set, to within one row.

    Raises DataError when no row can be spared for testing, ArgumentError for a fraction outside (0, 1).
    Source: Cochran (1977), "Sampling Techniques", chapter 8, systematic sampling.

    >>> train, test = split(10, test_fraction=0.3, seed=1)
    >>> len(train), len(test), sorted([*train.tolist(), *test.tolist()]) == list(range(10))
    (7, 3, True)
    """
    rows = checked_int("n", n)
    if not 0.0 < test_fraction < 1.0:
        raise ArgumentError(f"test_fraction must lie between 0 and 1, both excluded; got {test_fraction}")
    if rows < 2:
        raise DataError(f"a split needs at least 2 rows, one to learn from and one to test on; got {rows}")
    for number, group in enumerate(groups):
        if group.shape != (rows,):
            raise ShapeError(
                f"group {number} must have shape ({rows},), one value per row; got {group.shape}"
            )
    order = permutation(rows, seed, SPLIT_STREAM)
    codes = [np.unique(group[order], return_inverse=True)[1] for group in groups]
    free = _rows_that_may_test(rows, codes)
    if free.size == 0:
        raise DataError(
            f"none of the {rows} rows can be spared for testing: each is the only one with its class or with "
            f"one of its categories. Add rows, or merge rare categories"
        )
    count = min(max(1, round(rows * test_fraction)), free.size, rows - 1)
    if codes:
        free = free[np.lexsort([code[free] for code in reversed(codes)])]
    tests = np.zeros(rows, dtype=bool)
    tests[free[_equal_steps(free.size, count, seed)]] = True
    return order[~tests], order[tests]


def _rows_that_may_test(rows: int, codes: Sequence[Rows]) -> Rows:
    """All places but the first of every value of every group."""
    may_test = np.ones(rows, dtype=bool)
    for code in codes:
        may_test[np.unique(code, return_index=True)[1]] = False
    return np.flatnonzero(may_test)


def _equal_steps(n: int, count: int, seed: int) -> Rows:
    """`count` of the places 0 to n-1 in steps of n / count, from a random start within the first step."""
    start = int(permutation(n, seed, SPLIT_STREAM - 1)[0])
    return (start + np.arange(count) * n) // count
