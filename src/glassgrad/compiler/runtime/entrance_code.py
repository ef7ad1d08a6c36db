"""The machine code of the built-in function through which a program is called: written once, for all programs.

What it does is the same for every program; a plan, in memory, says with what: which arguments and cells there are, of
which shapes and dtypes, which arrays are made, and what becomes of them. `entrance.py` writes plans.

In order: look at the arguments and the cells, and return None if one is not as planned; make the arrays; run; assign
the cells; return a tuple of the results. Until the run no other Python code can come in between, and none does before
the cells are assigned, unless the plan says that the interpreter lock is released during the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from .objects import CONTIGUOUS_AND_ALIGNED, NUMBER, TYPE, Layout
from .recycling import KEPT

NAME = "enter"

PLAN = (
    "none", "false", "tensor_type", "array_type", "float_type", "float64_type", "replace",
    "held", "is_held_by_caller", "busy", "releases",
    "run", "table",
    "given", "inputs", "input_records", "arrays", "array_records", "results",
)  # fmt: skip
"""The words of a plan. Objects: None, False, types, the name of the method that gives a cell another array. Whether
STATE is held (an address), and whether the caller holds it; whether the program runs elsewhere (an address); whether
the interpreter lock is released during the run. The program's function and its table. How many arguments, inputs (the
arguments come first, then cells), arrays and results there are, and where their records begin."""

INPUT = ("cell", "requires_grad", "number", "ndim", "shape", "dtype")
"""The words of an input's record: a cell or 0; whether it must require a gradient; for a number, the array that holds
it, else 0; what the array must be."""

ARRAY = (
    "ndim", "shape", "dtype", "pool",
    "slot", "source", "source_is_array", "offset", "size",
    "use", "place",
)  # fmt: skip
"""The words of the record of an array that is made: what it is, and a list of arrays that may be used again, or 0; its
place in the table, or -1 for a copy, then of what is copied: the place in the table, whether an array stands there,
from which byte on and how many bytes. How it is used, and the place among the results, or the cell."""

UNUSED, AS_ARRAY, AS_TENSOR, AS_CELL = range(4)
"""What becomes of an array: nothing, a result as it is, a result as a tensor, the value of a cell."""

_WORD, _HALF, _PTR, _BIT, _BYTE = ir.IntType(64), ir.IntType(32), ir.PointerType(), ir.IntType(1), ir.IntType(8)
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "Py_IncRef": (ir.VoidType(), [_PTR]),
    "Py_DecRef": (ir.VoidType(), [_PTR]),
    "PyEval_SaveThread": (_PTR, []),
    "PyEval_RestoreThread": (ir.VoidType(), [_PTR]),
    "PyList_Size": (_WORD, [_PTR]),
    "PyList_GetItem": (_PTR, [_PTR, _WORD]),
    "PyList_Append": (_HALF, [_PTR, _PTR]),
    "PyTuple_New": (_PTR, [_WORD]),
    "PyTuple_SetItem": (_HALF, [_PTR, _WORD, _PTR]),
    "PyType_GenericAlloc": (_PTR, [_PTR, _WORD]),
    "PyObject_CallMethodObjArgs": (_PTR, [_PTR, _PTR, _PTR, _PTR]),
    "PyArray_NewFromDescr": (_PTR, [_PTR, _PTR, _HALF, _PTR, _PTR, _PTR, _HALF, _PTR]),
    "memcpy": (_PTR, [_PTR, _PTR, _WORD]),
}
PYTHON_FUNCTIONS = tuple(name for name in _FUNCTIONS if name.startswith("Py") and not name.startswith("PyArray"))
NEW_ARRAY = "PyArray_NewFromDescr"


def entrance_text(layout: Layout) -> str:
    """A module with the function `PyObject *enter(PyObject *plan, PyObject **arguments, Py_ssize_t count)`.

    `plan` is a NumPy array of the plan's words.
    """
    return str(_Writer(layout).module)


class _Writer:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.module = ir.Module(NAME)
        function = ir.Function(self.module, ir.FunctionType(_PTR, [_PTR, _PTR, _WORD]), NAME)
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        self.leave = function.append_basic_block("leave")
        self._write(*function.args)

    def _write(self, plan: Any, arguments: Any, count: Any) -> None:
        builder = self.builder
        self.plan = self._pointer(plan, self.layout.data)
        self.table = self._of_plan("table", _PTR)
        inputs, arrays = self._of_plan("inputs"), self._of_plan("arrays")
        self.result = builder.alloca(_PTR)
        self.held, self.made = self._objects(inputs), self._objects(arrays)
        self.replaced, self.replaced_below = self._objects(arrays), self._objects(arrays)
        self._return(self._of_plan("none", _PTR))
        self._leave_unless(builder.icmp_signed("==", count, self._of_plan("given")))
        elsewhere = self._load(self._of_plan("busy", _PTR), 0)
        held = self._load(self._of_plan("held", _PTR), 0)
        is_free = builder.or_(_is_zero(builder, held), _is_not_zero(builder, self._of_plan("is_held_by_caller")))
        self._leave_unless(builder.and_(_is_zero(builder, elsewhere), is_free))
        with self._each("inputs", "input_records", INPUT) as (i, record):
            self._take(i, record, arguments)
        with self._each("arrays", "array_records", ARRAY) as (i, record):
            self._require_quick(record)
        with self._each("arrays", "array_records", ARRAY) as (i, record):
            self._make(i, record)
        self._run()
        with self._each("arrays", "array_records", ARRAY) as (i, record):
            self._copy(i, record)
        with self._each("arrays", "array_records", ARRAY) as (i, record):
            self._assign(i, record)
        results = self._call("PyTuple_New", self._of_plan("results"))
        self._return(results)
        self._leave_unless(_is_not_null(builder, results))
        with self._each("arrays", "array_records", ARRAY) as (i, record):
            self._give(i, record, results)
        builder.branch(self.leave)
        builder.position_at_end(self.leave)
        for objects, number in (
            (self.held, inputs),
            (self.made, arrays),
            (self.replaced, arrays),
            (self.replaced_below, arrays),
        ):
            with self._count(number) as i:
                self._call("Py_DecRef", self._load(self._item(objects, i), 0, _PTR))
        result = builder.load(self.result, typ=_PTR)
        with builder.if_then(builder.icmp_unsigned("==", result, self._of_plan("none", _PTR))):
            self._call("Py_IncRef", result)
        builder.ret(result)

    # --- the steps --------------------------------------------------------------------------------------------

    def _take(self, i: Any, record: Any, arguments: Any) -> None:
        """Put an input's array into the table."""
        builder = self.builder
        cell, number = self._field(record, INPUT, "cell", _PTR), self._field(record, INPUT, "number", _PTR)
        array = builder.alloca(_PTR) if False else self.found
        with builder.if_else(_is_not_null(builder, cell)) as (is_cell, is_given):
            with is_cell:
                wanted = _is_not_zero(builder, self._field(record, INPUT, "requires_grad"))
                node = self._slot(cell, "node")
                self._leave_unless(builder.icmp_unsigned("==", self._requires_grad(node), wanted))
                builder.store(self._slot(cell, "value"), array)
            with is_given:
                given = self._load(self._item(arguments, i), 0, _PTR)
                builder.store(given, array)
                with builder.if_else(_is_not_null(builder, number)) as (is_number, is_tensor):
                    with is_number:
                        self._leave_unless(self._is_number(given))
                        value = self._load(given, NUMBER)
                        builder.store(value, self._pointer(number, self.layout.data))
                        builder.store(number, array)
                    with is_tensor, builder.if_then(self._is_a(given, "tensor_type")):
                        self._leave_unless(builder.not_(self._requires_grad(self._slot(given, "node"))))
                        builder.store(self._slot(given, "value"), array)
        found = builder.load(array, typ=_PTR)
        self._require(found, record)
        self._call("Py_IncRef", found)
        builder.store(found, self._item(self.held, i))
        builder.store(found, self._item(self.table, i))
