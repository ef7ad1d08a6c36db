"""The compiler: a traced step, simplified, fused, planned, and run as one program."""

import time

IMPORTED = time.time()
"""When the source of the compiler was read: what is written to it later is not what runs."""

from .compiled import Compiled, compile  # noqa: E402 - the time comes first
from .runtime.threads import get_num_threads, set_num_threads  # noqa: E402

__all__ = ["Compiled", "compile", "get_num_threads", "set_num_threads"]
