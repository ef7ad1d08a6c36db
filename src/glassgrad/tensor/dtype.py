"""Data types: names, the default float type, and which type a mix of types gives."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError

DType = np.dtype[Any]

bool_ = np.dtype("bool")
int8, int16, int32, int64 = (np.dtype(f"int{bits}") for bits in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64))
float16, float32, float64 = (np.dtype(f"float{bits}") for bits in (16, 32, 64))
complex64, complex128 = np.dtype("complex64"), np.dtype("complex128")

DEFAULT_FLOAT = float32
DEFAULT_INT = int64
DEFAULT_COMPLEX = complex64

SIGNED = (int8, int16, int32, int64)
UNSIGNED = (uint8, uint16, uint32, uint64)
FLOATS = (float16, float32, float64)
COMPLEX = (complex64, complex128)
SUPPORTED = frozenset((bool_, *SIGNED, *UNSIGNED, *FLOATS, *COMPLEX))


def is_supported(dtype: DType) -> bool:
    """Whether tensors may have this dtype. Long doubles are none of them: other machines do not have them.

    >>> is_supported(float32), is_supported(np.dtype("O"))
    (True, False)
    """
    return dtype.newbyteorder("=") in SUPPORTED


def as_dtype(dtype: Any) -> DType:
    """`dtype` as a NumPy dtype; Python's float means the default float type.

    >>> as_dtype("int64"), as_dtype(float)
    (dtype('int64'), dtype('float32'))
    """
    if isinstance(dtype, np.dtype) and dtype in SUPPORTED:
        return dtype
    if dtype is float:
        return DEFAULT_FLOAT
    if dtype is complex:
        return DEFAULT_COMPLEX
    try:
        if dtype is None:
            raise TypeError  # where NumPy takes float64
        found: DType = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"expected a dtype such as gg.float32 or 'int64'; got {dtype!r}") from None
    if not is_supported(found):
        raise DTypeError(refusal_of(found))
    return found if found.isnative else found.newbyteorder("=")


def refusal_of(dtype: DType) -> str:
    """The message for a dtype that tensors do not have."""
    if dtype.kind in "fc":
        return (
            f"tensors hold floats of 16, 32 or 64 bits and complex numbers of 64 or 128; got dtype {dtype}. "
            f"Round it first: array.astype('{'float64' if dtype.kind == 'f' else 'complex128'}')."
        )
    return f"tensors hold booleans, integers, floats or complex numbers; got dtype {dtype}"


def promote(dtypes: set[DType]) -> DType:
    """The dtype of an operation on tensors of these dtypes.

    Booleans give way to everything, integers give way to floats of any width (so that float32 with int64 stays
    float32, as in PyTorch; the array API leaves this case open), and otherwise the wider type wins.

    >>> promote({float32, int64}), promote({float32, float64}), promote({int8, uint8})
    (dtype('float32'), dtype('float64'), dtype('int16'))
    """
    inexact = {d for d in dtypes if d.kind in "fc"}
    chosen: DType = np.result_type(*(inexact or {d for d in dtypes if d.kind != "b"} or dtypes))
    return chosen


def as_real(dtype: DType) -> DType:
    """The dtype of the parts of numbers of this dtype.

    >>> as_real(complex128), as_real(float32)
    (dtype('float64'), dtype('float32'))
    """
    return {complex64: float32, complex128: float64}.get(dtype, dtype)


def as_complex(dtype: DType) -> DType:
    """The dtype of complex numbers whose parts have this dtype, at least.

    >>> as_complex(float64), as_complex(float32), as_complex(int64)
    (dtype('complex128'), dtype('complex64'), dtype('complex64'))
    """
    return complex128 if dtype in (float64, complex128) else complex64


def scalar_dtype(value: Any, partners: set[DType]) -> DType:
    """The dtype that a Python number takes beside tensors of the dtypes `partners`: the partner's, where it fits.

    >>> scalar_dtype(2, {float64}), scalar_dtype(0.5, {int64}), scalar_dtype(3, set())
    (dtype('float64'), dtype('float32'), dtype('int64'))
    """
    kind = {bool: "b", int: "i", float: "f", complex: "c"}[type(value)]
    return kind_dtype(kind, partners)


def kind_dtype(kind: str, partners: set[DType]) -> DType:
    """The dtype that Python numbers of this kind ("b", "i", "f", "c") take beside tensors of the dtypes `partners`."""
    natural = {"b": bool_, "i": DEFAULT_INT, "f": DEFAULT_FLOAT, "c": DEFAULT_COMPLEX}[kind]
    numeric = {d for d in partners if d.kind != "b"} if kind != "b" else partners
    if not numeric:
        return natural
    partner = promote(numeric)
    rank = "biufc".index
    if kind == "c" and partner == float64:
        return complex128
    fits = rank(kind) <= rank(partner.kind) or (kind == "i" and partner.kind == "u")
    return partner if fits else natural
