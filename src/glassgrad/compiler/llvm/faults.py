"""What machine code does about an index that is out of range: it reads another place, and says so at the end.

The memory that it says so in belongs to the program, which then lets NumPy find the index and raise the op's error.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..indexing import Pointer
from .nest import INDEX

FLAG = ir.IntType(8)


class Faults:
    """Whether an index was out of range so far, in a function under construction."""

    def __init__(self, builder: ir.IRBuilder) -> None:
        self.builder = builder
        with builder.goto_entry_block():
            self.cell = builder.alloca(FLAG)
            builder.store(FLAG(0), self.cell)

    def note(self, wrong: Any) -> None:
        """Remember that there was one, if `wrong`."""
        before = self.builder.load(self.cell, typ=FLAG)
        self.builder.store(self.builder.or_(before, self.builder.zext(wrong, FLAG)), self.cell)

    def report(self, memory: Any) -> None:
        """Write down in the program's memory if there was one."""
        builder = self.builder
        flag = builder.load(self.cell, typ=FLAG)
        with builder.if_then(builder.icmp_unsigned("!=", flag, FLAG(0)), likely=False):
            builder.store(INDEX(1), memory)


def position(builder: ir.IRBuilder, pointer: Pointer, value: Any, faults: Faults | None) -> tuple[Any, Any]:
    """The place on its axis that an element of an index array names, 0 if there is none, and whether there is one."""
    is_signed = pointer.node.dtype.kind == "i"
    if pointer.node.dtype.itemsize < 8:
        value = builder.sext(value, INDEX) if is_signed else builder.zext(value, INDEX)
    size = INDEX(pointer.size)
    if is_signed:
        from_end = builder.icmp_signed("<", value, INDEX(0))
        value = builder.select(from_end, builder.add(value, size), value)
    within = builder.icmp_unsigned("<", value, size)
    if not pointer.checked or faults is None:
        return value, within
    faults.note(builder.not_(within))
    return builder.select(within, value, INDEX(0)), within
