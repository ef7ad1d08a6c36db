"""Data that is no array of numbers: the errors that say why, and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from .dtype import DType


def explain_refusal(data: Any, problem: Exception) -> DTypeError | ShapeError:
    """The error for data of which NumPy could make no array, with what NumPy said of it.

    >>> print(explain_refusal("one", ValueError("could not convert string to float")).message)
    cannot make a tensor of 'one': could not convert string to float
    """
    if "inhomogeneous" not in str(problem):
        return DTypeError(f"cannot make a tensor of {shortened(data)}: {problem}")
    if all(hasattr(part, "shape") for part in data):
        shapes = " and ".join(str(tuple(part.shape)) for part in data)
        return ShapeError(
            f"a tensor needs parts of one shape; got a {type(data).__name__} of shapes {shapes}. A batch is taken "
            f"apart first: inputs, targets = batch"
        )
    return ShapeError(
        f"a tensor needs rows of equal length; got {shortened(data)}. "
        f"Pad the shorter rows, or keep one tensor for each."
    )


def explain_kind(data: Any, dtype: DType) -> DTypeError:
    """The error for data of which NumPy made an array, but not of numbers.

    >>> print(explain_kind([1.0, None], np.dtype(object)).message)
    a tensor holds numbers; got None in [1.0, None]. Write float('nan') for a missing number.
    """
    if data is None:
        return DTypeError(
            "a tensor holds numbers; got None. Is it the .grad of a tensor before backward(), or the result of a "
            "function without return?"
        )
    if dtype.kind == "O" and any(item is None for item in np.array(data, dtype=object).flat):
        return DTypeError(
            f"a tensor holds numbers; got None in {shortened(data)}. Write float('nan') for a missing number."
        )
    return DTypeError(
        f"a tensor holds numbers; got {shortened(data)} (NumPy dtype {dtype}). "
        f"Turn categories into integers first: np.unique(x, return_inverse=True)[1]."
    )


def shortened(data: Any) -> str:
    """The representation of `data`, at most 60 characters of it.

    >>> shortened(list(range(100)))
    '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16...'
    """
    text = repr(data)
    return text if len(text) <= 60 else f"{text[:57]}..."
