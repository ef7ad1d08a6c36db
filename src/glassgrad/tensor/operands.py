"""Operands: the arguments of an op as tensors, numbers among them in the dtype of the tensors beside them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DTypeError
from ..graph import quiet
from .dtype import DType, is_supported, kind_dtype, scalar_dtype
from .literal import Literal
from .not_numbers import shortened
from .tensor import Tensor, to_array


def as_operands(values: tuple[Any, ...]) -> list[Tensor]:
    """Arguments of an op as tensors. What has no dtype of its own takes that of the tensors and arrays beside it.

    Python numbers, lists of them and NumPy scalars have none: np.float64(3.0) is a Python float (a subclass), which
    the array API gives the dtype of the array beside it. Alone a NumPy scalar keeps its dtype.
    """
    partners = {value.dtype for value in values if isinstance(value, _TYPED) and type(value) is not Literal}
    return [
        Tensor(_operand(value, partners))
        if not isinstance(value, Tensor)
        else value.beside(partners)
        if type(value) is Literal
        else value
        for value in values
    ]


def _operand(value: Any, partners: set[DType]) -> NDArray[Any]:
    if partners and isinstance(value, np.generic) and is_supported(value.dtype):
        value = value.item()
    if type(value) in _NUMBERS:
        return _number(value, scalar_dtype(value, partners))
    array = to_array(value, None, copy=False)
    kind = array.dtype.kind
    if partners and kind != "b" and isinstance(value, list | tuple) and not _holds_typed(value):
        return to_array(value, kind_dtype("i" if kind == "u" else kind, partners), copy=False)
    return array


def _holds_typed(data: Any) -> bool:
    """Whether tensors or arrays, which have a dtype, are in nested lists."""
    return (
        any(_holds_typed(item) for item in data)
        if isinstance(data, list | tuple)
        else isinstance(data, _TYPED)
    )


_TYPED = (Tensor, np.ndarray)
_NUMBERS = (float, int, bool, complex)


def literal_beside(x: Tensor, number: float) -> Tensor:
    """A Python float as a tensor of the float dtype that `x` has, or the default one.

    Made once per number, because a program meets the same few at every step; but not 0, whose two signs are equal.
    """
    dtype = x.dtype if x.dtype.kind == "f" else scalar_dtype(number, {x.dtype})
    return _literal(number, dtype) if number else Tensor(_number(number, dtype))


@lru_cache(maxsize=1024)
def _literal(number: float, dtype: DType) -> Tensor:
    return Tensor(_number(number, dtype))


def _number(number: Any, dtype: DType) -> NDArray[Any]:
    """A Python number as an array; infinite if it is too large for a float, an error if it is for an integer."""
    try:
        return quiet.run(np.array, number, dtype)
    except OverflowError:
        raise DTypeError(
            f"the number {shortened(number)} does not fit {dtype}, the dtype of the tensors beside it: "
            f"convert them to a wider dtype first, with gg.astype"
        ) from None
