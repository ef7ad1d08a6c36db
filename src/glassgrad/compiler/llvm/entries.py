"""Functions of one signature for all units: `void f(table, places, begin, end)`.

A program calls thousands of units, most of them with the code of others. So a call gives a list of places in the table,
and the function behind it loads the pointers.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from .code import POINTER
from .names import entry_name
from .nest import INDEX, counted
from .types import BYTE

ENTRY = ir.FunctionType(ir.VoidType(), [POINTER, POINTER, INDEX, INDEX])
WORD = 8

Place = tuple[int, bool, int]
"""Where a pointer is found: its place in the table, whether an array stands there as a Python object, and how many
bytes are added to it."""


def entry(function: ir.Function, data: int) -> ir.Function:
    """A function that loads all pointers that `function` takes, and calls it. Other modules can call it.

    data: where in the object of an array the pointer to its data lies.
    """
    made = ir.Function(function.module, ENTRY, entry_name(function.name))
    made.attributes.add("noinline")
    table, places, begin, end = made.args
    builder = ir.IRBuilder(made.append_basic_block("entry"))
    count = len(function.args) - 2
    found = builder.alloca(POINTER, size=INDEX(count))
    with counted(builder, INDEX(0), INDEX(count)) as argument:
        row = builder.gep(places, [builder.mul(argument, INDEX(3 * WORD))], source_etype=BYTE)
        slot, is_object, more = (
            builder.load(builder.gep(row, [INDEX(part * WORD)], source_etype=BYTE), typ=INDEX)
            for part in range(3)
        )
        cell = builder.gep(table, [slot], source_etype=BYTE)
        field = builder.gep(builder.load(cell, typ=POINTER), [INDEX(data)], source_etype=BYTE)
        # of what is no object the same is loaded again: no branch
        source = builder.select(builder.icmp_unsigned("!=", is_object, INDEX(0)), field, cell)
        pointer = builder.gep(builder.load(source, typ=POINTER), [more], source_etype=BYTE)
        builder.store(pointer, builder.gep(found, [argument], source_etype=POINTER))
    pointers = [
        builder.load(builder.gep(found, [INDEX(argument)], source_etype=POINTER), typ=POINTER)
        for argument in range(count)
    ]
    builder.call(function, [*pointers, begin, end])
    builder.ret_void()
    return made


class Lists:
    """The lists of places of a program, one after the other, equal ones once."""

    def __init__(self) -> None:
        self.starts: dict[tuple[Place, ...], int] = {}
        self.words: list[int] = []

    def add(self, places: Sequence[Place]) -> int:
        """Where the list begins, in bytes."""
        key = tuple(places)
        if key not in self.starts:
            self.starts[key] = len(self.words) * WORD
            for slot, is_object, offset in places:
                self.words += (slot * WORD, int(is_object), offset)
        return self.starts[key]
