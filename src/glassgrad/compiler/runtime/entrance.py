"""A program as one built-in function of Python: arguments in, results out, cells assigned.

It takes the tensors, arrays and floats that are the program's arguments, in order, and returns a tuple of the results;
or None, having done nothing, if something is not as planned: another type, shape, dtype or layout in memory, a tensor
that requires a gradient, a cell without value, a program that runs in another thread, an index out of range. Whoever
calls it then runs the program from Python, where all these are dealt with. Nothing it does takes longer in Python than
making the results.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...graph import Node
from ...tensor import Tensor
from .entrance_code import (
    ARRAY,
    AS_CELL,
    INPUT,
    NAME,
    NEW_ARRAY,
    PLAN,
    PYTHON_FUNCTIONS,
    entrance_text,
)
from .loading import machine_code
from .objects import layout, new_array

if TYPE_CHECKING:
    from .native import Program

TAKES_ARRAY = 0x0080
"""METH_FASTCALL: the function gets its arguments as a C array."""

Entrance = Callable[..., "tuple[Any, ...] | None"]


class _Definition(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("text", ctypes.c_char_p),
    )


@lru_cache
def _definition() -> Any:
    """What Python needs to know of the machine code, which lives as long as the process; None if there can be none."""
    known = layout()
    address = new_array()
    if known is None or address is None:
        return None
    symbols = {name: _address(getattr(ctypes.pythonapi, name)) for name in PYTHON_FUNCTIONS}
    code = machine_code((NAME, repr(known)), lambda: [entrance_text(known)], {**symbols, NEW_ARRAY: address})
    definition = _Definition(NAME.encode(), _address(code.function(NAME)), TAKES_ARRAY, None)
    definition.code = code
    return definition


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def entrance(
    program: Program,
    numbers: Collection[int],
    cells: Sequence[tuple[Tensor, bool]],
    uses: Sequence[int],
    assigned: Sequence[Tensor],
    state_held: Any,
    *,
    caller_holds_state: bool,
    releases: bool,
) -> Entrance | None:
    """The function for a program; None if it cannot have one.

    numbers: the places of the inputs that are Python floats. cells: the last inputs, and whether each must require a
    gradient. uses: AS_ARRAY or AS_TENSOR for each result, the first outputs. assigned: the cells that the other outputs
    go to. state_held: a number in memory that is not 0 while a thread holds STATE, which the caller may be
    (`caller_holds_state`). releases: whether other threads of Python run during the run; then the caller holds the
    program's lock, or STATE.
    """
    plan = _Plan(program, [*enumerate(uses), *((id(cell), AS_CELL) for cell in assigned)])
    definition = _definition() if plan.is_possible else None
    if definition is None:
        return None
    inputs, arrays = plan.inputs(cells, numbers), _words(plan.arrays, ARRAY)
    objects: dict[str, Any] = {"none": None, "true": True, "tensor": Tensor, "array": np.ndarray}
    objects |= {"float": float, "replace": "_replace"}
    words = {name: id(thing) for name, thing in objects.items()} | {
        "held": ctypes.addressof(state_held),
        "is_held_by_caller": caller_holds_state,
        "busy": ctypes.addressof(program.busy),
        "releases": releases,
        "faults": program.arrays[program.slots[program.units.faults]].ctypes.data,
        "run": _address(program.schedule[0]),
        "rest": _address(program.schedule[1]) if len(program.schedule) > 1 else 0,
        "table": plan.table.ctypes.data,
        "given": program.given - len(cells),
        "inputs": program.given,
        "input_records": inputs.ctypes.data,
        "arrays": len(plan.arrays),
        "array_records": arrays.ctypes.data,
        "results": len(uses),
    }
    memory = _words([words], PLAN).view(_Memory)
    memory.kept = [definition, objects, state_held, program, plan, inputs, arrays, cells, assigned]
    prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    make = prototype(("PyCFunction_NewEx", ctypes.pythonapi))
    made: Entrance = make(ctypes.addressof(definition), memory, None)
    return made


class _Memory(np.ndarray):
    """The words of a plan."""

    kept: list[Any]
    """What they point to."""


class _Plan:
    """What is said of a program's arrays in its plan."""

    def __init__(self, program: Program, uses: Sequence[tuple[int, int]]) -> None:
        """uses: for each output its place among the results, or the cell that it goes to, and how it is used."""
        self.program = program
        self.kept: list[Any] = []
        self.table = np.array(program.table, np.uintp)
        self.is_possible = 1 <= len(program.schedule) <= 2 and all(map(callable, program.schedule))
        self.arrays = [
            {
                **self._kind(pool.shape, pool.dtype),
                "pool": 0 if pool.is_small else id(pool.pool),
                "slot": slot,
            }
            for slot, pool in enumerate(program.fresh, program.given)
        ]
        for output, (node, (seen, is_whole), (place, use)) in enumerate(
            zip(program.graph.outputs, program.outputs, uses, strict=True)
        ):
            if output in program.in_place:
                self._in_place(node, program.in_place[output], {"place": place, "use": use})
            else:
                self._output(node, seen, is_whole, {"place": place, "use": use})

    def _kind(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> dict[str, int]:
        sizes, dtype = np.array(shape, np.intp), np.dtype(dtype.type)  # the one object that most arrays share
        self.kept += [sizes, dtype]
        return {"ndim": len(shape), "shape": sizes.ctypes.data, "dtype": id(dtype)}

    def _in_place(self, node: Node, slot: int, use: dict[str, int]) -> None:
        size = np.empty(node.shape, node.dtype).nbytes
        self.arrays.append(
            {**self._kind(node.shape, node.dtype), "slot": slot, "in_place": True, "size": size, **use}
        )

    def _output(self, node: Node, seen: Any, is_whole: bool, use: dict[str, int]) -> None:
        slot, view = seen
        fresh = slot - self.program.given
        if is_whole and view is None and 0 <= fresh < len(self.program.fresh):
            self.arrays[fresh] |= use
            return
        offset = 0 if view is None else view[2]
        like = np.empty(node.shape, node.dtype)
        self.is_possible &= self.program.units.is_plain(node)
        source = {"source": slot, "source_is_array": slot < self.program.known_first, "offset": offset}
        self.arrays.append(
            {**self._kind(node.shape, node.dtype), **source, "slot": -1, "size": like.nbytes, **use}
        )

    def inputs(self, cells: Sequence[tuple[Tensor, bool]], numbers: Collection[int]) -> Any:
        """The records of the inputs, of which the cells are the last."""
        records: list[dict[str, int]] = []
        given = self.program.given - len(cells)
        for place, node in enumerate(self.program.graph.inputs):
            record = self._kind(node.shape, node.dtype)
            if place >= given:
                cell, wanted = cells[place - given]
                record |= {"cell": id(cell), "requires_grad": wanted}
            elif place in numbers:
                number = np.empty((), np.float64)
                self.kept.append(number)
                record["number"] = id(number)
            records.append(record)
        return _words(records, INPUT)


def _words(records: Sequence[dict[str, int]], names: Sequence[str]) -> Any:
    """Records one after the other, 0 where they say nothing."""
    return np.array([[record.get(name, 0) for name in names] for record in records], np.intp).reshape(-1)
