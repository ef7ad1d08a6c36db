"""What the ops of linear algebra ask of their inputs, and the errors that say so."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from ...graph import Op
from ..families import require_kind


def require_numbers(op: Op, *inputs: Any) -> None:
    """Raise a DTypeError unless the inputs are float or complex, and not float16, which LAPACK does not have."""
    require_kind(op, "fc", *inputs)
    for given in inputs:
        if given.dtype == np.float16:
            raise DTypeError(
                f"{op.name} needs float32 or more, because LAPACK has no half precision; got float16 of shape "
                f"{tuple(given.shape)}. gg.astype(x, gg.float32) converts."
            )


def require_matrices(op: Op, a: Any) -> None:
    """Raise unless a holds matrices of numbers on its last two axes."""
    require_numbers(op, a)
    if a.ndim < 2:
        raise ShapeError(f"{op.name} needs matrices on the last two axes; got shape {tuple(a.shape)}")


def require_square(op: Op, a: Any) -> None:
    """Raise unless a holds square matrices of numbers on its last two axes."""
    require_numbers(op, a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{op.name} needs square matrices on the last two axes; got shape {tuple(a.shape)}")


def require_system(op: Op, a: Any, b: Any) -> tuple[int, ...]:
    """The common leading axes of square matrices a and right-hand sides b of a linear system, or an error."""
    require_square(op, a)
    require_numbers(op, a, b)
    if b.ndim < 2 or a.shape[-1] != b.shape[-2]:
        raise ShapeError(f"{op.name} needs a.shape[-1] == b.shape[-2]; got {op.describe_inputs((a, b))}")
    try:
        return np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"{op.name} cannot broadcast the leading axes of {op.describe_inputs((a, b))}"
        ) from None
