"""Questions about data types: which one a mix gives, which kind one is of, what it can hold; and what there is here."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..graph.static import static
from ..tensor import Tensor
from ..tensor.device import CPU, as_device
from ..tensor.dtype import (
    COMPLEX,
    DEFAULT_COMPLEX,
    DEFAULT_FLOAT,
    DEFAULT_INT,
    FLOATS,
    SIGNED,
    UNSIGNED,
    DType,
    as_dtype,
    as_real,
    bool_,
    promote,
    scalar_dtype,
)

__all__ = ["__array_namespace_info__", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]

API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")
"""The versions of the Python array API standard whose names are here."""

KINDS: dict[str, tuple[DType, ...]] = {
    "bool": (bool_,),
    "signed integer": SIGNED,
    "unsigned integer": UNSIGNED,
    "integral": (*SIGNED, *UNSIGNED),
    "real floating": FLOATS,
    "complex floating": COMPLEX,
    "numeric": (*SIGNED, *UNSIGNED, *FLOATS, *COMPLEX),
}
"""The kinds of dtypes by the standard's names."""


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether `dtype` is of a kind: a dtype, a name of the array API, or a tuple of these, of which one must fit.

    The names are "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating" and
    "numeric". Raises ArgumentError for another name, DTypeError for what is no dtype.

    >>> gg.isdtype(gg.float32, "real floating"), gg.isdtype(gg.int8, ("bool", "integral"))
    (True, True)
    """
    found = as_dtype(dtype)
    if isinstance(kind, tuple):
        return any(isdtype(found, part) for part in kind)
    if isinstance(kind, str) and kind not in KINDS:
        names = ", ".join(map(repr, KINDS))
        raise ArgumentError(f"isdtype knows the kinds {names}; got {kind!r}")
    return found in KINDS[kind] if isinstance(kind, str) else found == as_dtype(kind)


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype of an operation on tensors, arrays, dtypes and Python numbers like these.

    Dtypes of one kind promote as the array API says. What it leaves open: booleans give way to every number, integers
    to floats of any width, uint64 with a signed integer gives float64. A Python number takes the dtype beside it if it
    fits that dtype's kind. Raises ArgumentError without arguments.

    >>> gg.result_type(gg.int8, gg.uint8), gg.result_type(gg.asarray([1.5]), gg.int64, 2)
    (dtype('int16'), dtype('float32'))
    """
    if not arrays_and_dtypes:
        raise ArgumentError("result_type needs at least one tensor or dtype; got none")
    numbers = [value for value in arrays_and_dtypes if type(value) in (bool, int, float, complex)]
    typed = {
        _dtype_of(value) for value in arrays_and_dtypes if type(value) not in (bool, int, float, complex)
    }
    return promote(typed | {scalar_dtype(number, typed) for number in numbers})


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether beside the dtype `to` values of the dtype or tensor `from_` become `to`: `result_type` of both is `to`.

    So integers can be cast to floats, as arithmetic does, although float32 rounds integers above 2 to the power 24.
    Raises DTypeError for what is no dtype.

    >>> gg.can_cast(gg.int8, gg.int16), gg.can_cast(gg.float64, gg.float32), gg.can_cast(gg.asarray([1]), gg.float32)
    (True, False, True)
    """
    wanted = as_dtype(to)
    return promote({_dtype_of(from_), wanted}) == wanted


@static
class FloatInfo:
    """What floats of a dtype can hold. `dtype` is that of the parts of complex numbers."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


@static
class IntegerInfo:
    """What integers of a dtype can hold."""

    bits: int
    max: int
    min: int
    dtype: DType


def finfo(type: Any, /) -> FloatInfo:
    """What a float or complex dtype (or a tensor's) can hold: `bits`, `eps`, `max`, `min`, `smallest_normal`, `dtype`.

    `eps` is the distance from 1 to the next number, `bits` the size of one real number. For complex dtypes the answer
    is that of their parts. Raises DTypeError for other dtypes.

    >>> gg.finfo(gg.float32).eps, gg.finfo(gg.complex128).bits
    (1.1920928955078125e-07, 64)
    """
    dtype = _dtype_of(type)
    if dtype.kind not in "fc":
        raise DTypeError(f"finfo needs a float or complex dtype; got {dtype}. gg.iinfo tells of integers.")
    dtype = as_real(dtype)
    found = np.finfo(dtype)
    return FloatInfo(
        found.bits,
        float(found.eps),
        float(found.max),
        float(found.min),
        float(found.smallest_normal),
        dtype,
    )


def iinfo(type: Any, /) -> IntegerInfo:
    """What an integer dtype (or a tensor's) can hold: `bits`, `max`, `min`, `dtype`. Raises DTypeError for others.

    >>> gg.iinfo(gg.int8).max, gg.iinfo(gg.uint8).max
    (127, 255)
    """
    dtype = _dtype_of(type)
    if dtype.kind not in "iu":
        raise DTypeError(f"iinfo needs an integer dtype; got {dtype}. gg.finfo tells of floats.")
    found = np.iinfo(dtype)
    return IntegerInfo(found.bits, int(found.max), int(found.min), dtype)


def _dtype_of(value: Any) -> DType:
    """The dtype of a tensor or an array, or a dtype itself."""
    return as_dtype(value.dtype if isinstance(value, Tensor | np.ndarray | np.generic) else value)


class NamespaceInfo:
    """What is here, in the array API's words: `gg.__array_namespace_info__()`."""

    def capabilities(self) -> dict[str, bool | int]:
        """What code may rely on: indexing by masks, shapes that depend on values, the largest number of axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """The device of new tensors."""
        return CPU

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """The dtypes that Python's numbers and `argmax` and the like take."""
        as_device(device)
        return {
            "real floating": DEFAULT_FLOAT,
            "complex floating": DEFAULT_COMPLEX,
            "integral": DEFAULT_INT,
            "indexing": DEFAULT_INT,
        }

    def devices(self) -> list[str]:
        """All devices."""
        return [CPU]

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, DType]:
        """The dtypes by name, of one kind (or a tuple of kinds) if asked; float16 is beyond the standard."""
        as_device(device)
        every = (bool_, *KINDS["numeric"])
        return {str(dtype): dtype for dtype in every if kind is None or isdtype(dtype, kind)}


def __array_namespace_info__() -> NamespaceInfo:  # noqa: N807 - the array API's name
    """What the namespace offers: dtypes, defaults, devices and capabilities.

    >>> gg.__array_namespace_info__().default_dtypes()["real floating"]
    dtype('float32')
    """
    return NamespaceInfo()
