"""The compiler: a traced step, simplified, fused, planned, and run as one program."""

from .compiled import Compiled, compile
from .runtime.threads import get_num_threads, set_num_threads

__all__ = ["Compiled", "compile", "get_num_threads", "set_num_threads"]
