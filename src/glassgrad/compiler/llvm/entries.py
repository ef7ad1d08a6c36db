"""Functions of one signature for all units: `void f(table, places, begin, end)`.

A program calls thousands of units, most of them with the code of others. So a call gives a list: which function it is,
and the places in the table of the pointers that it takes. All functions that take as many pointers have one entry,
because LLVM takes a millisecond for each function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .names import entry_name

WORD = 8
ROW = 3 * WORD

Place = tuple[int, bool, int]
"""Where a pointer is found: its place in the table, whether an array stands there as a Python object, and how many
bytes are added to it."""


def entry_code(functions: Mapping[str, int], data: int) -> str:
    """LLVM IR text: an entry for each function of other modules, which loads all its pointers and calls it.

    functions: their names, and how many pointers each takes, in the order of the numbers in lists. data: where in the
    object of an array the pointer to its data lies.
    """
    names = ", ".join(f"ptr @{name}" for name in functions)
    text = [f"@functions = internal constant [{len(functions)} x ptr] [{names}]"]
    text += [
        f"@{entry_name(name)} = alias void (ptr, ptr, i64, i64), ptr @entry_{count}"
        for name, count in functions.items()
    ]
    text += [
        f"declare void @{name}({', '.join(['ptr'] * count)}, i64, i64)" for name, count in functions.items()
    ]
    for count in dict.fromkeys(functions.values()):
        loads = [
            f"  %at{number} = getelementptr ptr, ptr %found, i64 {number}\n"
            f"  %pointer{number} = load ptr, ptr %at{number}"
            for number in range(count)
        ]
        pointers = ", ".join(f"ptr %pointer{number}" for number in range(count))
        text.append(
            _ENTRY.format(
                count=count, data=data, word=WORD, row=ROW, loads="\n".join(loads), pointers=pointers
            )
        )
    return "\n".join(text)


_ENTRY = """
define internal void @entry_{count}(ptr %table, ptr %places, i64 %begin, i64 %end) {{
entry:
  %found = alloca ptr, i64 {count}
  %which = load i64, ptr %places
  %function_at = getelementptr i8, ptr @functions, i64 %which
  %function = load ptr, ptr %function_at
  br label %find
find:
  %argument = phi i64 [0, %entry], [%next, %find]
  %row = phi ptr [%places, %entry], [%slot_at, %find]
  %slot_at = getelementptr i8, ptr %row, i64 {row}
  %slot = load i64, ptr %slot_at
  %is_object_at = getelementptr i8, ptr %slot_at, i64 {word}
  %is_object = load i64, ptr %is_object_at
  %more_at = getelementptr i8, ptr %is_object_at, i64 {word}
  %more = load i64, ptr %more_at
  %cell = getelementptr i8, ptr %table, i64 %slot
  %object = load ptr, ptr %cell
  %field = getelementptr i8, ptr %object, i64 {data}
  ; of what is no object the same is loaded again: no branch
  %held = icmp ne i64 %is_object, 0
  %source = select i1 %held, ptr %field, ptr %cell
  %memory = load ptr, ptr %source
  %pointer = getelementptr i8, ptr %memory, i64 %more
  %to = getelementptr ptr, ptr %found, i64 %argument
  store ptr %pointer, ptr %to
  %next = add i64 %argument, 1
  %some = icmp ult i64 %next, {count}
  br i1 %some, label %find, label %call
call:
{loads}
  call void %function({pointers}, i64 %begin, i64 %end)
  ret void
}}
"""


class Lists:
    """The lists of a program, one after the other, equal ones once."""

    def __init__(self) -> None:
        self.starts: dict[tuple[int, tuple[Place, ...]], int] = {}
        self.words: list[int] = []

    def add(self, function: int, places: Sequence[Place]) -> int:
        """Where the list begins, in bytes. function: the number of what is called."""
        key = function, tuple(places)
        if key not in self.starts:
            self.starts[key] = len(self.words) * WORD
            self.words += (function * WORD, 0, 0)
            for slot, is_object, offset in places:
                self.words += (slot * WORD, int(is_object), offset)
        return self.starts[key]
