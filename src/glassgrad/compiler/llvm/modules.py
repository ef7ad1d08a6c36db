"""The modules of a program: compiled apart, at the same time, and loaded together.

A function that units of one kind have in common is written in the first module that needs it; the others call it by its
name. What differs between the units are numbers that the function gets as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from .number import void_function


class Module(ir.Module):  # type: ignore[misc]
    """One module of a program."""

    def __init__(self, name: str, written: dict[Any, str] | None = None) -> None:
        """written: the names of the functions that the program's modules share, by what they do; added to."""
        super().__init__(name)
        self.written = {} if written is None else written

    @property
    def instructions(self) -> int:
        """How many there are."""
        return sum(len(block.instructions) for function in self.functions for block in function.blocks)


def shared(
    module: Module, what: str, key: Any, arguments: Sequence[Any], write: Callable[[ir.Function], None]
) -> ir.Function:
    """The function `void f(arguments)` that does `what` for a key, written by `write` if none of the program is.

    Equal keys, equal functions: all that the instructions depend on is in the key.
    """
    is_new = (what, key) not in module.written
    name = module.written.setdefault((what, key), f"{what}_{len(module.written)}")
    if name in module.globals:
        return module.globals[name]
    function = void_function(module, name, arguments)
    if is_new:
        write(function)
    return function
