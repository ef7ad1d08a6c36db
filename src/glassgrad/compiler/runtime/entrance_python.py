"""The entrance of a program that NumPy runs parts of: arguments in, results out, in Python.

Assumes a program that changes no state. Like the one in machine code (`entrance.py`) it either does what the general
way would do, or nothing, and returns None then; so it takes only what is easily looked at: floats, and tensors that
nothing has recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...tensor import Tensor
from .entrance_words import AS_TENSOR
from .program import Program


def entrance_in_python(program: Program, uses: Sequence[int]) -> Callable[..., list[Any] | None]:
    """The function for a program. uses: AS_ARRAY or AS_TENSOR for each result."""
    wanted = [tuple(aval) for aval in program.plan.given]
    are_tensors = [use == AS_TENSOR for use in uses]

    def enter(*given: Any) -> list[Any] | None:
        arrays = []
        for argument, (shape, dtype) in zip(given, wanted, strict=True):
            if type(argument) is Tensor and argument.node is None:
                array = argument.value
            elif type(argument) is float:
                array = np.asarray(argument)
            else:
                return None
            if array is None or array.shape != shape or array.dtype != dtype:
                return None
            arrays.append(array)
        return [Tensor(a) if is_one else a for a, is_one in zip(program(arrays), are_tensors, strict=True)]

    return enter
