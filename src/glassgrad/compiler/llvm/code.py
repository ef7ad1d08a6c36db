"""What the code of every unit offers: which memories it touches, and functions that do a share of its work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from ...graph import Node
from .modules import Module, Modules
from .names import phase_name
from .nest import INDEX
from .number import separate

POINTER = ir.PointerType()


@dataclass(frozen=True)
class Phase:
    """A part of a unit's work that begins when the part before it has ended, on every thread.

    The cut into pieces follows from shapes alone, never from the number of threads, so that sums come out the same.
    """

    pieces: int = 1
    """Into how many pieces it can be cut, which threads may do at the same time."""
    nanoseconds: float = 0.0
    """About how long all pieces take on one thread."""
    is_vectors: bool = False
    """Whether its loops are written as vectors, so that LLVM need not make any: compiled in less time."""


@dataclass
class Share:
    """What a function of a phase gets: where to write instructions, and the values of its arguments."""

    builder: ir.IRBuilder
    pointers: dict[Node, Any]
    """To the beginning of the memory of each owner."""
    arguments: Sequence[Any]
    """The same pointers in the order of `Code.owners`, where one memory may come several times."""
    scratch: Any
    """To memory of `Code.scratch` bytes that all phases and threads share."""
    begin: Any
    end: Any
    """The pieces to do: from `begin` up to but not including `end`."""


class Code(ABC):
    """The code of one unit, for any number of threads."""

    owners: Sequence[Node]
    """The memories that the functions' arguments point to, in order. What is written is never what is read."""
    offsets: Sequence[int] = ()
    """How many bytes behind the beginning of its memory each argument points; none without any. With offsets a memory
    may come several times, and units that differ only in where their values lie have the same code."""
    scratch: int = 0
    """How many bytes of memory it needs beside, aligned like every value."""
    phases: Sequence[Phase] = (Phase(),)

    @property
    @abstractmethod
    def key(self) -> Any:
        """All that the code depends on: equal keys, equal code."""

    @abstractmethod
    def write(self, phase: int, share: Share) -> None:
        """Write the instructions for a share of a phase."""

    @property
    def pointer_count(self) -> int:
        """How many the function of each phase takes, that to memory beside the last."""
        return len(self.owners) + 1

    def build(self, modules: Modules, name: str) -> None:
        """Write a function for each phase: `void f(pointers..., begin, end)`."""
        for place, phase in enumerate(self.phases):
            self._function(modules.of(phase.is_vectors), phase_name(name, place), place)

    def _function(self, module: Module, name: str, phase: int) -> None:
        kinds = [POINTER] * self.pointer_count + [INDEX, INDEX]
        function = separate(module, name, kinds)  # inlined, the same loops would be optimised once per call
        *pointers, scratch, begin, end = function.args
        for pointer in (*pointers, scratch):
            pointer.add_attribute("noalias")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        offsets = self.offsets or [0] * len(pointers)
        beginnings = zip(self.owners, offsets, pointers, strict=True)
        memories = {owner: pointer for owner, offset, pointer in beginnings if offset == 0}
        share = Share(builder, memories, pointers, scratch, begin, end)
        self.write(phase, share)
        builder.ret_void()
