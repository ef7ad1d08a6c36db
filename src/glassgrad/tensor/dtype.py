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
SUPPORTED = "biufc"


def as_dtype(dtype: Any) -> DType:
    """`dtype` as a NumPy dtype; Python's float means the default float type.

    >>> as_dtype("int64"), as_dtype(float)
    (dtype('int64'), dtype('float32'))
    """
    if dtype is float:
        return DEFAULT_FLOAT
    if dtype is complex:
        return complex64
    try:
        found: DType = np.dtype(dtype)
    except TypeError:
        raise DTypeError(f"expected a dtype such as gg.float32 or 'int64'; got {dtype!r}") from None
    if found.kind not in SUPPORTED:
        raise DTypeError(f"tensors hold booleans, integers, floats or complex numbers; got dtype {found}")
    return found if found.isnative else found.newbyteorder("=")


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


def scalar_dtype(value: Any, partners: set[DType]) -> DType:
    """The dtype that a Python number takes beside tensors of the dtypes `partners`: the partner's, where it fits.

    >>> scalar_dtype(2, {float64}), scalar_dtype(0.5, {int64}), scalar_dtype(3, set())
    (dtype('float64'), dtype('float32'), dtype('int64'))
    """
    kind = {bool: "b", int: "i", float: "f", complex: "c"}[type(value)]
    natural = {"b": bool_, "i": int64, "f": DEFAULT_FLOAT, "c": complex64}[kind]
    numeric = {d for d in partners if d.kind != "b"} if kind != "b" else partners
    if not numeric:
        return natural
    partner = promote(numeric)
    rank = "biufc".index
    if kind == "c" and partner == float64:
        return complex128
    fits = rank(kind) <= rank(partner.kind) or (kind == "i" and partner.kind == "u")
    return partner if fits else natural
