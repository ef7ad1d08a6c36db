"""The compiler: a traced step, simplified, fused, planned, and run as one program."""

from .compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
