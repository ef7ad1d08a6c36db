"""Where CPython and NumPy keep what machine code reads of their objects: found by looking at objects of known content.

Assumes 64-bit CPython with a global interpreter lock. NumPy promises the order of an array's fields in its C API, and
the numbers of its functions; CPython promises the functions that are called here by name. Everything else is looked
for, and where something is not as expected `layout()` is None, and programs are run from Python.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...graph import INPUT, Node
from ...tensor import Tensor

TYPE = 8
"""Where in an object the pointer to its type lies; the count of references lies at 0."""

NUMBER = 16
"""Where in a Python float the number lies."""

CONTIGUOUS_AND_ALIGNED = 0x0101
"""The flags of an array that machine code can read as it lies."""

OWN_AND_WRITEABLE = 0x0404
"""The flags of an array that can be written to, and that lets go of its memory when it goes."""

_NEW_ARRAY = 94
"""The place of PyArray_NewFromDescr in NumPy's table of functions."""

_ARRAY_TYPE = 2


@dataclass(frozen=True)
class Layout:
    """Offsets in bytes."""

    data: int
    """Of the pointer to an array's elements. The rest of an array follows in the order of NumPy's C API."""
    tensor: dict[str, int]
    """The slots of a tensor, by name."""
    node: dict[str, int]

    @property
    def ndim(self) -> int:
        """A number of 32 bits."""
        return self.data + 8

    @property
    def shape(self) -> int:
        """A pointer to numbers of 64 bits."""
        return self.data + 16

    @property
    def dtype(self) -> int:
        """A pointer to an object."""
        return self.data + 40

    @property
    def flags(self) -> int:
        """A number of 32 bits."""
        return self.data + 48


@lru_cache
def data_offset() -> int:
    """Where in the object of an array the pointer to its data lies."""
    probe = np.zeros(1)
    for offset in range(8, 65, 8):
        if _word(probe, offset) == probe.ctypes.data:
            return offset
    raise RuntimeError("this NumPy keeps the data pointer of an array where glassgrad does not find it")


@lru_cache
def layout() -> Layout | None:
    """The layout of objects in this process; None if it is not one that machine code can use."""
    simple = (
        sys.implementation.name == "cpython"
        and sys.byteorder == "little"
        and ctypes.sizeof(ctypes.c_void_p) == 8
        and object.__basicsize__ == 2 * 8
        and getattr(sys, "_is_gil_enabled", lambda: True)()
    )
    if not simple or new_array() is None or not _numbers_are_known():
        return None
    tensor = _slots(Tensor.__new__(Tensor), ("value", "node", "_constant", "_grad", "cut"))
    leaf = Node(INPUT, (), (), np.dtype(bool), False, None)
    node = _slots(leaf, ("requires_grad", "value", "grad", "freed"))
    if tensor is None or node is None:
        return None
    found = Layout(data_offset(), tensor, node)
    return found if _arrays_are_known(found) else None


def new_array() -> int | None:
    """The address of PyArray_NewFromDescr."""
    table = getattr(sys.modules.get("numpy._core._multiarray_umath"), "_ARRAY_API", None)
    if table is None:
        return None
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    get = prototype(("PyCapsule_GetPointer", ctypes.pythonapi))
    functions = (ctypes.c_size_t * (_NEW_ARRAY + 1)).from_address(get(table, None))
    return functions[_NEW_ARRAY] if functions[_ARRAY_TYPE] == id(np.ndarray) else None


def _word(thing: Any, offset: int) -> int:
    return ctypes.c_size_t.from_address(id(thing) + offset).value


def _slots(thing: Any, names: Sequence[str]) -> dict[str, int] | None:
    """Where the slots with these names lie in objects of the type of `thing`, whose slots are overwritten."""
    found = {}
    for name in names:
        marker = object()
        setattr(thing, name, marker)
        places = [
            offset for offset in range(16, type(thing).__basicsize__, 8) if _word(thing, offset) == id(marker)
        ]
        setattr(thing, name, None)
        if len(places) != 1:
            return None
        found[name] = places[0]
    return found


def _numbers_are_known() -> bool:
    number = 1.25
    return ctypes.c_double.from_address(id(number) + NUMBER).value == number and _word(number, TYPE) == id(
        float
    )


def _arrays_are_known(layout: Layout) -> bool:
    for probe in (np.zeros((2, 3), np.int16), np.zeros((3, 2, 1)).T, np.zeros(())):
        short = ctypes.c_int32
        shape = (ctypes.c_ssize_t * probe.ndim).from_address(_word(probe, layout.shape) or id(probe))
        if (
            short.from_address(id(probe) + layout.ndim).value != probe.ndim
            or tuple(shape) != probe.shape
            or _word(probe, layout.dtype) != id(probe.dtype)
            or short.from_address(id(probe) + layout.flags).value != probe.flags.num
        ):
            return False
    return True
