"""The words between the code of the entrance and those who write its plans: what stands where, and what it calls."""

from __future__ import annotations

NAME = "enter"

PLAN = (
    "none", "true", "tensor", "array", "float", "replace",
    "held", "is_held_by_caller", "busy", "releases", "faults",
    "run", "rest", "table",
    "given", "inputs", "input_records", "arrays", "array_records", "results",
)  # fmt: skip
"""The words of a plan. Objects: None, True, types, the name of the method that gives a cell another array. Whether
STATE is held (an address), and whether the caller holds it; whether the program runs elsewhere (an address); whether
the interpreter lock is released during the run; what is not 0 if an index was out of range (an address). The program's
function, a second one or 0, which is not run if an index was out of range in the first, and their table. How many
arguments, inputs (the arguments come first, then cells), arrays and results there are, and where their records
begin."""

INPUT = ("cell", "requires_grad", "number", "ndim", "shape", "dtype")
"""The words of an input's record: a cell or 0; whether it must require a gradient; for a number, the array that holds
it, else 0; what the array must be."""

ARRAY = (
    "ndim", "shape", "dtype", "pool",
    "slot", "source", "source_is_array", "offset", "size",
    "use", "place", "in_place",
)  # fmt: skip
"""The words of the record of an array that is made: what it is, and a list of arrays that may be used again, or 0; its
place in the table, or -1 for a copy, then of what is copied: the place in the table, whether an array stands there,
from which byte on and how many bytes. How it is used, and the place among the results, or the cell; whether
that cell's new value is written over its old one, with the same place in the table."""

UNUSED, AS_ARRAY, AS_TENSOR, AS_CELL = range(4)
"""What becomes of an array: nothing, a result as it is, a result as a tensor, the value of a cell."""

PYTHON_FUNCTIONS = (
    "Py_IncRef",
    "Py_DecRef",
    "PyEval_SaveThread",
    "PyEval_RestoreThread",
    "PyList_Size",
    "PyList_GetItem",
    "PyList_Append",
    "PyTuple_New",
    "PyTuple_SetItem",
    "PyType_GenericAlloc",
    "PyObject_VectorcallMethod",
)
"""The functions of Python that it calls."""

NEW_ARRAY = "PyArray_NewFromDescr"
"""The function of NumPy that it calls."""
