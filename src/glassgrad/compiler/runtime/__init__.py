"""Running compiled programs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

from ...graph import Graph, notice
from .threads import get_num_threads

Program = Callable[[list[Any]], list[Any]]

_said: set[str] = set()
"""What has been said once in this process."""


def program_for(graph: Graph, updates: Sequence[tuple[int, int]] = ()) -> Program:
    """A traced graph as machine code; as NumPy calls, and a notice, where LLVM is missing or refuses this processor.

    updates: the places of outputs, and of the inputs of which they are the next values: parameters and buffers.
    Raises MemoryError if what lies in memory during a call does not fit, ArgumentError if the environment asks for an
    impossible number of threads.
    """
    get_num_threads()  # says what is wrong with the environment
    reason = _why_no_machine_code()
    if reason:
        _say_once(reason)
        return _in_numpy(graph)
    from .making import program_of

    try:
        return program_of(graph, updates)
    except MemoryError as error:
        raise MemoryError(f"a compiled function needs too much memory: {error}. {_largest(graph)}") from None
    except Exception as error:
        what = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        _say_once(
            f"generating its machine code failed ({what}), which is a bug in glassgrad: please report it"
        )
        return _in_numpy(graph)


def _in_numpy(graph: Graph) -> Program:
    from ..passes import simplify
    from .numpy import Program as NumPyProgram

    return NumPyProgram(simplify(graph))


def _say_once(reason: str) -> None:
    if reason not in _said:
        _said.add(reason)
        notice(f"compile: the function runs as NumPy calls, without machine code, since {reason}.")


def _why_no_machine_code() -> str:
    """Why LLVM cannot be used here; "" if it can."""
    if importlib.util.find_spec("llvmlite") is None:
        return "llvmlite is not installed (pip install llvmlite)"
    try:
        from ..llvm.engine import host_machine

        host_machine()
    except ImportError as error:
        if not (error.name or "").startswith("llvmlite"):
            raise
        return f"llvmlite cannot be imported ({error})"
    except (OSError, RuntimeError) as error:
        return f"LLVM does not work on this processor ({error})"
    return ""


def _largest(graph: Graph) -> str:
    node = max(graph.body, key=lambda node: node.dtype.itemsize * _size(node.shape))
    return f"The largest value is {node.dtype}{list(node.shape)}, from {node.op.name} at {node.place}"


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for extent in shape:
        size *= extent
    return size
