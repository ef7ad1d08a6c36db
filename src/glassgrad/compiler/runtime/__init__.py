"""Running compiled programs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from ...graph import Graph


def program_for(graph: Graph) -> Callable[[list[Any]], list[Any]]:
    """The graph as machine code; as NumPy calls where there is no LLVM."""
    if importlib.util.find_spec("llvmlite") is None:
        from .numpy import Program

        return Program(graph)
    from .native import Program as NativeProgram

    return NativeProgram(graph)
