"""Literals: Python floats of which the value is not known, the arguments of a function that is traced.

A Python float has no dtype of its own: beside a float64 tensor it is a float64 number, beside float16 it is float16. So
that a traced function computes what it computes with the float itself, a literal is float64 until an op joins it with
something else (see `as_operands`), and arithmetic between literals and Python numbers gives a literal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Node
from .dtype import DEFAULT_FLOAT, DType, kind_dtype
from .tensor import Tensor


class Literal(Tensor):
    """A Python float without value. `alone` is the dtype it takes without a tensor beside it."""

    __slots__ = ("alone",)

    alone: DType

    def __init__(self, node: Node, alone: DType = DEFAULT_FLOAT) -> None:
        super().__init__(None, node)
        self.alone = alone

    def beside(self, partners: set[DType]) -> Tensor:
        """The number in the dtype that a Python float takes beside these."""
        from ..ops.shape import astype  # not above, because ops need tensors

        return astype(Tensor(None, self.node), kind_dtype("f", partners) if partners else self.alone)


def _of_numbers(name: str) -> Callable[..., Any]:
    def method(self: Literal, *others: Any) -> Any:
        of_tensors = getattr(Tensor, name)
        if not all(type(other) in (int, float, Literal) for other in others):
            return of_tensors(self, *others)
        numbers = [
            Tensor(None, other.node) if isinstance(other, Literal) else Tensor(np.asarray(float(other)))
            for other in others
        ]
        found = of_tensors(Tensor(None, self.node), *numbers)
        return Literal(found.as_node()) if found.dtype == np.float64 else found

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Literal, f"__{_name}__", _of_numbers(f"__{_name}__"))
    setattr(Literal, f"__r{_name}__", _of_numbers(f"__r{_name}__"))
for _name in ("neg", "pos", "abs", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Literal, f"__{_name}__", _of_numbers(f"__{_name}__"))
