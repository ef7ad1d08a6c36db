"""The modules of a program: compiled apart, at the same time, and loaded together.

A function that units of one kind have in common is written in the first module that needs it; the others call it by its
name. What differs between the units are numbers that the function gets as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from llvmlite import ir

from .engine import LeanText
from .number import separate


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
    function = separate(module, name, arguments)
    if is_new:
        write(function)
    return function


FULL = 2000
"""From so many instructions on a module is compiled while the next one is written: for each there is a price."""


class Modules:
    """The modules of a program that are being written: one of vectors, and one of which LLVM makes vectors.

    Those that are full make way for new ones.
    """

    def __init__(self) -> None:
        self.written: dict[Any, str] = {}
        self.open = {is_vectors: Module("kernels", self.written) for is_vectors in (False, True)}

    def of(self, is_vectors: bool) -> Module:
        """Where to write a function whose loops are vectors, or not."""
        return self.open[is_vectors]

    def texts(self, are_last: bool) -> Iterator[str]:
        """The modules that are full, or the last ones, which are closed by that."""
        for is_vectors, module in self.open.items():
            if module.instructions >= (1 if are_last else FULL):
                yield LeanText(module) if is_vectors else str(module)
                self.open[is_vectors] = Module("kernels", self.written)
