"""The machine code of the built-in function through which a program is called: written once, for all programs.

What it does is the same for every program; a plan, in memory, says with what: which arguments and cells there are, of
which shapes and dtypes, which arrays are made, and what becomes of them. `entrance.py` writes plans.

In order: look at the arguments and the cells, and return None if one is not as planned; make the arrays; run; return
None if an index was out of range; assign the cells; return a tuple of the results. Until the run no other Python code
can come in between, and none does before the cells are assigned, unless the plan says that the interpreter lock is
released during the run.

A cell that gets another value in its own memory keeps its array if nobody else holds this: no tensor, tape, view or
argument. Otherwise it gets a copy, over which the new value is written. While the interpreter lock is released such a
cell has no value, and who asks for it waits for STATE (`Tensor.__getattr__`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from .entrance_words import ARRAY, AS_ARRAY, AS_CELL, AS_TENSOR, INPUT, NAME, NEW_ARRAY, PLAN
from .objects import CONTIGUOUS_AND_ALIGNED, NUMBER, OWN_AND_WRITEABLE, TYPE, Layout
from .recycling import KEPT

_FLAG, _WORD, _HALF, _BYTE, _PTR = *map(ir.IntType, (1, 64, 32, 8)), ir.PointerType()
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
    "PyObject_VectorcallMethod": (_PTR, [_PTR, _PTR, _WORD, _PTR]),
    "PyArray_NewFromDescr": (_PTR, [_PTR, _PTR, _HALF, _PTR, _PTR, _PTR, _HALF, _PTR]),
    "memcpy": (_PTR, [_PTR, _PTR, _WORD]),
}


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
        self.plan = self._load(plan, self.layout.data)
        self.none, self.table = self._word("none"), self._word("table")
        self.result, self.found = builder.alloca(_PTR), builder.alloca(_PTR)
        self.arguments = builder.alloca(_PTR, size=_WORD(2))
        inputs, arrays = self._number("inputs"), self._number("arrays")
        sizes = inputs, arrays, arrays, arrays
        # objects that this function holds, and lets go at the end
        held, made, values, leaves = kept = [self._objects(size) for size in sizes]
        builder.store(self.none, self.result)
        self._go_on_if(builder.icmp_signed("==", count, self._number("given")))
        self._go_on_if(self._is_free())
        with self._each(inputs, "input_records", INPUT) as (i, record):
            self._take(record, self._at(arguments, i))
            self._require_as_planned(record)
            array = self._load(self.found)
            self._call("Py_IncRef", array)
            builder.store(array, self._at(held, i))
            builder.store(array, self._at(self.table, i))
        with self._each(arrays, "array_records", ARRAY) as (i, record):
            self._make(record, held, self._at(made, i))
        self._run(arrays, held)
        self._go_on_if(builder.not_(self._is(self._load(self._word("faults"), kind=_WORD))))
        with self._each(arrays, "array_records", ARRAY) as (i, record):
            array = self._load(self._at(made, i))
            self._copy(array, record)
            with self._if_used(record, AS_CELL):
                self._assign(record.pointer("place"), array, self._at(values, i), self._at(leaves, i))
        results = self._call("PyTuple_New", self._number("results"))
        builder.store(results, self.result)
        self._go_on_if(self._is_there(results))
        with self._each(arrays, "array_records", ARRAY) as (i, record):
            self._give(self._load(self._at(made, i)), record, results)
        builder.branch(self.leave)
        builder.position_at_end(self.leave)
        for objects, size in zip(kept, sizes, strict=True):
            with self._count(size) as i:
                self._call("Py_DecRef", self._load(self._at(objects, i)))
        result = self._load(self.result)
        with builder.if_then(self._same(result, self.none)):
            self._call("Py_IncRef", result)
        builder.ret(result)

    # --- before the run ---------------------------------------------------------------------------------------

    def _is_free(self) -> Any:
        """Whether nobody else uses the program's memory, or changes cells in the middle of a call."""
        builder = self.builder
        busy, held = (self._load(self._word(name), kind=_WORD) for name in ("busy", "held"))
        is_held = builder.and_(self._is(held), builder.not_(self._is(self._number("is_held_by_caller"))))
        return builder.not_(builder.or_(self._is(busy), is_held))

    def _take(self, record: _Record, argument: Any) -> None:
        """Find an input's array; what is found may be something else."""
        builder = self.builder
        cell, number = record.pointer("cell"), record.pointer("number")
        with builder.if_else(self._is_there(cell)) as (is_cell, is_given):
            with is_cell:
                wanted = self._is(record.number("requires_grad"))
                self._go_on_if(builder.icmp_unsigned("==", self._requires_grad(cell), wanted))
                builder.store(self._slot(cell, "value"), self.found)
            with is_given:
                given = self._load(argument)
                builder.store(given, self.found)
                with builder.if_else(self._is_there(number)) as (is_number, is_tensor):
                    with is_number:
                        self._go_on_if(self._is_a(given, "float"))
                        builder.store(self._load(given, NUMBER, _WORD), self._load(number, self.layout.data))
                        builder.store(number, self.found)
                    with is_tensor, builder.if_then(self._is_a(given, "tensor")):
                        for name in ("node", "value"):  # which a half-made tensor lacks
                            self._go_on_if(self._is_there(self._slot(given, name)))
                        self._go_on_if(builder.not_(self._requires_grad(given)))
                        builder.store(self._slot(given, "value"), self.found)

    def _require_as_planned(self, record: _Record) -> None:
        """Go on if what was found is an array as in the record, and lies in memory as the program reads it."""
        builder, layout, array = self.builder, self.layout, self._load(self.found)
        self._go_on_if(self._is_a(array, "array"))
        self._go_on_if(self._same(self._load(array, layout.dtype), record.pointer("dtype")))
        flags = builder.and_(self._load(array, layout.flags, _HALF), _HALF(CONTIGUOUS_AND_ALIGNED))
        self._go_on_if(builder.icmp_signed("==", flags, _HALF(CONTIGUOUS_AND_ALIGNED)))
        ndim = builder.sext(self._load(array, layout.ndim, _HALF), _WORD)
        self._go_on_if(builder.icmp_signed("==", ndim, record.number("ndim")))
        shapes = self._load(array, layout.shape), record.pointer("shape")
        with self._count(ndim) as axis:
            was, wanted = (self._load(self._at(sizes, axis), kind=_WORD) for sizes in shapes)
            self._go_on_if(builder.icmp_signed("==", was, wanted))

    def _make(self, record: _Record, held: Any, place: Any) -> None:
        """Hold an array to write to: one that nobody else holds, or a new one."""
        builder, slot = self.builder, record.number("slot")
        with self._if_used(record, AS_CELL):
            releases = self._is(self._number("releases"))
            self._go_on_if(builder.or_(self._is_simple(record.pointer("place")), releases))
        with self._if_in_place(record):
            value = self._load(self._at(held, slot))
            with builder.if_then(self._is_its_own(record.pointer("place"), value)):
                self._call("Py_IncRef", value)
                builder.store(value, place)
        pool = record.pointer("pool")
        with builder.if_then(self._is_there(pool)), self._count(self._call("PyList_Size", pool)) as i:
            pooled = self._call("PyList_GetItem", pool, i)
            missing = builder.not_(self._is_there(self._load(place)))
            with builder.if_then(builder.and_(missing, self._is_alone(pooled))):
                self._call("Py_IncRef", pooled)
                builder.store(pooled, place)
        with builder.if_then(builder.not_(self._is_there(self._load(place)))):
            self._make_new(record, pool, place)
            with self._if_in_place(record):
                made, value = (self._load(at) for at in (place, self._at(held, slot)))
                elements = (self._load(array, self.layout.data) for array in (made, value))
                self._call("memcpy", *elements, record.number("size"))
        with builder.if_then(builder.icmp_signed(">=", slot, _WORD(0))):
            builder.store(self._load(place), self._at(self.table, slot))

    def _make_new(self, record: _Record, pool: Any, place: Any) -> None:
        builder = self.builder
        dtype, ndim = record.pointer("dtype"), builder.trunc(record.number("ndim"), _HALF)
        self._call("Py_IncRef", dtype)  # for the array, which takes it
        null = _PTR(None)
        array = self._call(
            NEW_ARRAY, self._word("array"), dtype, ndim, record.pointer("shape"), null, null, _HALF(0), null
        )
        builder.store(array, place)
        self._fail_unless(self._is_there(array))
        with builder.if_then(self._is_there(pool)):
            has_room = builder.icmp_signed("<", self._call("PyList_Size", pool), _WORD(KEPT))
            with builder.if_then(has_room):
                failed = self._call("PyList_Append", pool, array)
                self._fail_unless(builder.icmp_signed("==", failed, _HALF(0)))

    # --- the run, and after -----------------------------------------------------------------------------------

    def _run(self, arrays: Any, held: Any) -> None:
        builder = self.builder
        with builder.if_else(self._is(self._number("releases"))) as (is_long, is_short):
            with is_long:
                with self._each(arrays, "array_records", ARRAY) as (_, record), self._if_in_place(record):
                    builder.store(_PTR(None), self._value_of(record.pointer("place")))
                thread = self._call("PyEval_SaveThread")
                self._run_both()
                self._call("PyEval_RestoreThread", thread)
                with self._each(arrays, "array_records", ARRAY) as (_, record), self._if_in_place(record):
                    self._show(record.pointer("place"), self._load(self._at(held, record.number("slot"))))
            with is_short:
                self._run_both()

    def _show(self, cell: Any, array: Any) -> None:
        """Let a cell hold its array again, unless somebody has given it another one."""
        builder, place = self.builder, self._value_of(cell)
        with builder.if_else(self._is_there(self._load(place))) as (has_another, has_none):
            with has_another:
                self._call("Py_DecRef", array)
            with has_none:
                builder.store(array, place)

    def _run_both(self) -> None:
        """The program's function, and the second one if there is one and no index was out of range."""
        builder = self.builder
        self._run_function("run")
        is_right = builder.not_(self._is(self._load(self._word("faults"), kind=_WORD)))
        with builder.if_then(builder.and_(self._is(self._number("rest")), is_right)):
            self._run_function("rest")

    def _run_function(self, name: str) -> None:
        builder = self.builder
        kind = ir.PointerType(ir.FunctionType(ir.VoidType(), [_PTR]))
        builder.call(builder.inttoptr(self._number(name), kind), [self.table])

    def _copy(self, array: Any, record: _Record) -> None:
        """Copy a result that may not be given away as it is."""
        builder = self.builder
        with builder.if_then(builder.icmp_signed("<", record.number("slot"), _WORD(0))):
            builder.store(self._load(self._at(self.table, record.number("source"))), self.found)
            with builder.if_then(self._is(record.number("source_is_array"))):
                builder.store(self._load(self._load(self.found), self.layout.data), self.found)
            source = builder.gep(self._load(self.found), [record.number("offset")], source_etype=_BYTE)
            self._call("memcpy", self._load(array, self.layout.data), source, record.number("size"))

    def _assign(self, cell: Any, array: Any, value: Any, leaf: Any) -> None:
        """Let a cell hold an array; what it and its node held before is stored, to be let go later."""
        builder, tensor = self.builder, self.layout.tensor
        with builder.if_else(self._is_simple(cell)) as (is_simple, is_not):
            with is_simple:
                self._exchange(cell, tensor["value"], array, value)
                node = self._slot(cell, "node")
                with builder.if_else(self._same(node, self.none)) as (has_none, has_one):
                    with has_none:
                        self._exchange(cell, tensor["_constant"], self.none, leaf)
                    with has_one:  # which then is what operations see, and `_constant` is None
                        self._exchange(node, self.layout.node["value"], array, leaf)
            with is_not:
                for place, thing in enumerate((cell, array)):
                    builder.store(thing, self._at(self.arguments, _WORD(place)))
                done = self._call(
                    "PyObject_VectorcallMethod", self._word("replace"), self.arguments, _WORD(2), _PTR(None)
                )
                self._fail_unless(self._is_there(done))
                self._call("Py_DecRef", done)

    def _exchange(self, thing: Any, offset: int, new: Any, before: Any) -> None:
        place = self.builder.gep(thing, [_WORD(offset)], source_etype=_BYTE)
        self._call("Py_IncRef", new)
        self.builder.store(self._load(place), before)
        self.builder.store(new, place)

    def _give(self, array: Any, record: _Record, results: Any) -> None:
        """Put an array among the results, if it is one."""
        builder = self.builder
        with self._if_used(record, AS_ARRAY):
            self._call("Py_IncRef", array)
            self._call("PyTuple_SetItem", results, record.number("place"), array)
        with self._if_used(record, AS_TENSOR):
            tensor = self._call("PyType_GenericAlloc", self._word("tensor"), _WORD(0))
            with builder.if_then(builder.not_(self._is_there(tensor))):
                self._call("Py_DecRef", results)
                self._fail_unless(ir.Constant(_FLAG, 0))
            for name, offset in self.layout.tensor.items():
                held = array if name == "value" else self.none
                self._call("Py_IncRef", held)
                builder.store(held, builder.gep(tensor, [_WORD(offset)], source_etype=_BYTE))
            self._call("PyTuple_SetItem", results, record.number("place"), tensor)

    # --- objects ----------------------------------------------------------------------------------------------

    def _requires_grad(self, tensor: Any) -> Any:
        node = self._slot(tensor, "node")
        is_none = self._same(node, self.none)
        return self._same(self._of_node(node, is_none, "requires_grad"), self._word("true"))

    def _is_simple(self, cell: Any) -> Any:
        """Whether a cell can be assigned here: it has no node, or one that no tape knows and that can go on."""
        builder = self.builder
        node = self._slot(cell, "node")
        is_none = self._same(node, self.none)
        is_fresh = self._is_alone(node)
        for name in ("grad", "freed"):
            is_fresh = builder.and_(is_fresh, self._same(self._of_node(node, is_none, name), self.none))
        return builder.or_(is_none, is_fresh)

    def _is_its_own(self, cell: Any, array: Any) -> Any:
        """Whether nobody can see the array of a cell but the cell, its nodes and this function, which holds it once."""
        builder, layout = self.builder, self.layout
        known, is_own = _HALF(2), ir.Constant(_FLAG, 1)
        for name in ("node", "_constant"):
            node = self._slot(cell, name)
            is_none = self._same(node, self.none)
            holds = self._same(self._of_node(node, is_none, "value"), array)
            known = builder.add(known, builder.zext(holds, _HALF))
            is_own = builder.and_(is_own, builder.or_(is_none, self._is_alone(node)))
        is_own = builder.and_(is_own, builder.icmp_signed("==", self._load(array, kind=_HALF), known))
        flags = builder.and_(self._load(array, layout.flags, _HALF), _HALF(OWN_AND_WRITEABLE))
        return builder.and_(is_own, builder.icmp_signed("==", flags, _HALF(OWN_AND_WRITEABLE)))

    def _of_node(self, node: Any, is_none: Any, name: str) -> Any:
        """What a slot of a node holds; None of None."""
        slot = self.builder.gep(node, [_WORD(self.layout.node[name])], source_etype=_BYTE)
        return self._load(self.builder.select(is_none, self._plan_word("none"), slot))

    def _value_of(self, tensor: Any) -> Any:
        """Where a tensor keeps its value."""
        return self.builder.gep(tensor, [_WORD(self.layout.tensor["value"])], source_etype=_BYTE)

    def _slot(self, tensor: Any, name: str) -> Any:
        return self._load(tensor, self.layout.tensor[name])

    def _is_a(self, thing: Any, name: str) -> Any:
        """Whether the type of an object is the one that the plan names."""
        return self._same(self._load(thing, TYPE), self._word(name))

    def _is_alone(self, thing: Any) -> Any:
        """Whether an object has one reference."""
        return self.builder.icmp_signed("==", self._load(thing, kind=_HALF), _HALF(1))

    # --- instructions -----------------------------------------------------------------------------------------

    def _go_on_if(self, condition: Any) -> None:
        """Leave the function with the result as it stands unless the condition holds."""
        after = self.builder.append_basic_block("go_on")
        self.builder.cbranch(condition, after, self.leave)
        self.builder.position_at_end(after)

    def _fail_unless(self, condition: Any) -> None:
        """Leave the function, with the exception that Python's functions have set, unless the condition holds."""
        failed = self.builder.append_basic_block("failed")
        after = self.builder.append_basic_block("go_on")
        self.builder.cbranch(condition, after, failed)
        self.builder.position_at_end(failed)
        self.builder.store(_PTR(None), self.result)
        self.builder.branch(self.leave)
        self.builder.position_at_end(after)

    @contextmanager
    def _count(self, size: Any) -> Iterator[Any]:
        """Code built inside the `with` block runs for 0 up to size - 1, which the block gets; `size` may be 0."""
        builder = self.builder
        before, body, after = (
            builder.block,
            builder.append_basic_block("each"),
            builder.append_basic_block("end"),
        )
        builder.cbranch(builder.icmp_signed(">", size, _WORD(0)), body, after)
        builder.position_at_end(body)
        index = builder.phi(_WORD)
        index.add_incoming(_WORD(0), before)
        yield index
        following = builder.add(index, _WORD(1))
        index.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_signed("<", following, size), body, after)
        builder.position_at_end(after)

    @contextmanager
    def _each(self, size: Any, records: str, names: tuple[str, ...]) -> Iterator[tuple[Any, _Record]]:
        with self._count(size) as i:
            start = self.builder.mul(i, _WORD(8 * len(names)))
            yield i, _Record(self, self.builder.gep(self._word(records), [start], source_etype=_BYTE), names)

    @contextmanager
    def _if_used(self, record: _Record, use: int) -> Iterator[None]:
        with self.builder.if_then(self.builder.icmp_signed("==", record.number("use"), _WORD(use))):
            yield

    def _if_in_place(self, record: _Record) -> Any:
        return self.builder.if_then(self._is(record.number("in_place")))

    def _objects(self, size: Any) -> Any:
        """Room for pointers to objects, all null."""
        room = self.builder.alloca(_PTR, size=size)
        with self._count(size) as i:
            self.builder.store(_PTR(None), self._at(room, i))
        return room

    def _call(self, name: str, *arguments: Any) -> Any:
        known = self.module.globals.get(name)
        return self.builder.call(
            known or ir.Function(self.module, ir.FunctionType(*_FUNCTIONS[name]), name), arguments
        )

    def _load(self, base: Any, offset: int = 0, kind: Any = _PTR) -> Any:
        return self.builder.load(self.builder.gep(base, [_WORD(offset)], source_etype=_BYTE), typ=kind)

    def _at(self, words: Any, index: Any) -> Any:
        return self.builder.gep(words, [index], source_etype=_WORD)

    def _plan_word(self, name: str) -> Any:
        return self.builder.gep(self.plan, [_WORD(8 * PLAN.index(name))], source_etype=_BYTE)

    def _word(self, name: str) -> Any:
        """A pointer in the plan."""
        return self._load(self._plan_word(name))

    def _number(self, name: str) -> Any:
        return self._load(self._plan_word(name), kind=_WORD)

    def _is(self, number: Any) -> Any:
        return self.builder.icmp_signed("!=", number, _WORD(0))

    def _is_there(self, pointer: Any) -> Any:
        return self.builder.icmp_unsigned("!=", pointer, _PTR(None))

    def _same(self, one: Any, other: Any) -> Any:
        return self.builder.icmp_unsigned("==", one, other)


class _Record:
    """A record in a plan, of which the words have names."""

    def __init__(self, writer: _Writer, start: Any, names: tuple[str, ...]) -> None:
        self.writer = writer
        self.start = start
        self.names = names

    def pointer(self, name: str) -> Any:
        return self.writer._load(self.start, 8 * self.names.index(name))

    def number(self, name: str) -> Any:
        return self.writer._load(self.start, 8 * self.names.index(name), _WORD)
