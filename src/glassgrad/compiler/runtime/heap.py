"""Memory that compiling has freed goes back to the operating system.

LLVM and the making of its input free tens of megabytes in small pieces, which the C library would keep for the process.
"""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """Let the C library return what it does not need. Does nothing where it cannot: only glibc can be told."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        return
