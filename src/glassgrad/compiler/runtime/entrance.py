"""A program as one built-in function of Python: arguments in, results out, cells assigned.

It takes the tensors, arrays and floats that are the program's arguments, in order, and returns a tuple of the results;
or None, having done nothing, if something is not as planned: another type, shape, dtype or layout in memory, a tensor
that requires a gradient, a cell without value, a program that runs in another thread, an index out of range. Whoever
calls it then runs the program from Python, where all these are dealt with. Nothing it does takes longer in Python than
making the results.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ...graph import Aval
from ...tensor import Tensor
from .entrance_words import ARRAY, AS_CELL, INPUT, NAME, NEW_ARRAY, PLAN, PYTHON_FUNCTIONS
from .loading import code_name, machine_code
from .objects import layout, new_array
from .plan import Output

if TYPE_CHECKING:
    from .objects import Layout
    from .program import Program

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
    name = code_name((NAME, repr(known)))
    code = machine_code(name, lambda: _text(known), {**symbols, NEW_ARRAY: address})
    definition = _Definition(NAME.encode(), _address(code.function(NAME)), TAKES_ARRAY, None)
    definition.code = code
    return definition


def _text(known: Layout) -> list[str]:
    from .entrance_code import entrance_text  # which takes longer to import than to load what it writes

    return [entrance_text(known)]


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
        "faults": program.faults_address,
        "run": _address(program.schedule[0]),
        "rest": _address(program.schedule[1]) if len(program.schedule) > 1 else 0,
        "table": plan.table.ctypes.data,
        "given": len(program.plan.given) - len(cells),
        "inputs": len(program.plan.given),
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
        self.table = program.table.copy()
        self.is_possible = 1 <= len(program.schedule) <= 2 and all(map(callable, program.schedule))
        self.arrays = [
            {
                **self._kind(Aval(pool.shape, pool.dtype)),
                "pool": 0 if pool.is_small else id(pool.pool),
                "slot": slot,
            }
            for slot, pool in enumerate(program.fresh, len(program.plan.given))
        ]
        for number, (output, (place, use)) in enumerate(zip(program.plan.outputs, uses, strict=True)):
            if number in program.in_place:
                self._in_place(output, {"place": place, "use": use})
            else:
                self._output(output, {"place": place, "use": use})

    def _kind(self, aval: Aval) -> dict[str, int]:
        # of equal dtypes the one object that most arrays share
        sizes, dtype = np.array(aval.shape, np.intp), np.dtype(aval.dtype.type)
        self.kept += [sizes, dtype]
        return {"ndim": aval.ndim, "shape": sizes.ctypes.data, "dtype": id(dtype)}

    def _in_place(self, output: Output, use: dict[str, int]) -> None:
        self.arrays.append(
            {**self._kind(output.aval), "slot": output.slot, "in_place": True, "size": _size(output), **use}
        )

    def _output(self, output: Output, use: dict[str, int]) -> None:
        fresh = output.slot - len(self.program.plan.given)
        if output.is_whole and 0 <= fresh < len(self.program.fresh):
            self.arrays[fresh] |= use
            return
        self.is_possible &= output.is_plain
        is_array = output.slot < self.program.plan.known_first
        source = {"source": output.slot, "source_is_array": is_array, "offset": output.offset}
        self.arrays.append({**self._kind(output.aval), **source, "slot": -1, "size": _size(output), **use})

    def inputs(self, cells: Sequence[tuple[Tensor, bool]], numbers: Collection[int]) -> Any:
        """The records of the inputs, of which the cells are the last."""
        records: list[dict[str, int]] = []
        avals = self.program.plan.given
        given = len(avals) - len(cells)
        for place, aval in enumerate(avals):
            record = self._kind(aval)
            if place >= given:
                cell, wanted = cells[place - given]
                record |= {"cell": id(cell), "requires_grad": wanted}
            elif place in numbers:
                number = np.empty((), np.float64)
                self.kept.append(number)
                record["number"] = id(number)
            records.append(record)
        return _words(records, INPUT)


def _size(output: Output) -> int:
    """The bytes of a value."""
    return math.prod(output.aval.shape) * output.aval.dtype.itemsize


def _words(records: Sequence[dict[str, int]], names: Sequence[str]) -> Any:
    """Records one after the other, 0 where they say nothing."""
    return np.array([[record.get(name, 0) for name in names] for record in records], np.intp).reshape(-1)
