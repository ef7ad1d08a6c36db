"""Ops that only move elements, found out by running them on numbered elements.

An element's number is too large for float16, so it travels in digits to base 100, one run for each digit. More runs,
on random digits, tell moving from adding, whose results look like numbers too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import GlassgradError
from ...graph import Node, Op
from ...ops.families import Linear
from ...tensor import Tensor, recording
from ...tensor.dtype import DType
from .column_sets import Ints

BASE = 100
CHECKS = 4

Run = Callable[[list[Any]], Any]
"""From arrays in the place of the elements that are moved to the array of where they are moved to."""


def chosen_elements(op: Op, inputs: Sequence[Node], others: Sequence[Any]) -> Ints | None:
    """For each element of the op's result the element of its inputs that it is, -1 for a constant 0.

    The elements of all inputs are counted on, in row-major order. None for an op that does more than move elements.
    others: the values of the inputs that are indices.
    """
    return _followed(lambda arrays: op.forward(*arrays, *others), inputs)


def destinations(op: Linear, out: Node, inputs: Sequence[Node], others: Sequence[Any]) -> Ints | None:
    """For each element of the op's inputs the one element of the result that it is added to, -1 for none.

    None for an op that adds an element to several places, or that weighs it.
    """
    points = [Tensor(np.zeros(x.shape, x.dtype)) for x in inputs]

    def back(arrays: list[Any]) -> Any:
        with recording(False):
            found = op.transpose(Tensor(arrays[0]), *points, *map(Tensor, others))
        return np.concatenate([np.asarray(part.numpy()).reshape(-1) for part in found])

    return _followed(back, [out])


def _followed(run: Run, sources: Sequence[Node]) -> Ints | None:
    sizes = [math.prod(x.shape) for x in sources]
    numbers = np.arange(sum(sizes))
    found: Ints | None = None
    factor = 1
    try:
        while factor == 1 or factor < len(numbers):
            digits = _moved(run, numbers // factor % BASE + 1, sources)
            if digits is None:
                return None
            nothing = digits == 0
            if found is None:
                found = np.where(nothing, -1, 0)
            elif (nothing != (found < 0)).any():
                return None
            found = np.where(nothing, -1, found + (digits - 1) * factor)
            factor *= BASE
        assert found is not None
        if found.size and found.max() >= len(numbers):
            return None
        rng = np.random.default_rng(0)
        for _ in range(CHECKS):
            digits = rng.integers(1, BASE + 1, len(numbers))
            moved = _moved(run, digits, sources)
            if moved is None or (moved != np.append(digits, 0)[found]).any():
                return None
    except (NotImplementedError, GlassgradError):
        return None
    return found


def _moved(run: Run, digits: Ints, sources: Sequence[Node]) -> Ints | None:
    """Where the digits went; None if what arrives are no digits."""
    parts = np.split(digits, np.cumsum([math.prod(x.shape) for x in sources])[:-1])
    arrays = [_as(part, x.dtype).reshape(x.shape) for part, x in zip(parts, sources, strict=True)]
    with np.errstate(all="ignore"):
        result = np.asarray(run(arrays))
    if result.dtype.kind == "c":
        # complex elements travel with equal parts, so that what takes one part of them is seen to take them
        of_complex = any(x.dtype.kind == "c" for x in sources)
        if (np.abs(result.imag) != (result.real if of_complex else 0)).any():
            return None
        result = result.real
    with np.errstate(invalid="ignore"):
        found: Ints = result.astype(np.int64)
    return found if (found == result).all() and (found >= 0).all() and (found <= BASE).all() else None


def _as(digits: Ints, dtype: DType) -> Any:
    return (digits * (1 + 1j)).astype(dtype) if dtype.kind == "c" else digits.astype(dtype)
