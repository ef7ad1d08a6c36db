"""The OpenBLAS that comes inside NumPy's wheels, for calls from generated code.

A library of our own (scipy-openblas32, 26 MB) would give us a thread setting of our own, and take an installation over
300 MB. Where NumPy was built with another BLAS, products of matrices go through NumPy.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

import numpy as np

INTEGER_BITS = 64
"""NumPy's OpenBLAS takes sizes as 64-bit integers, and says so in its names."""


@lru_cache
def library() -> ctypes.CDLL | None:
    """The library, or None where NumPy has none."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("libscipy_openblas64_*")):
            return ctypes.CDLL(str(path))
    return None


@lru_cache
def address(name: str) -> int | None:
    """Where a BLAS function lies in memory; None where there is no library."""
    found = library()
    if found is None:
        return None
    return ctypes.cast(getattr(found, f"scipy_{name}64_"), ctypes.c_void_p).value
