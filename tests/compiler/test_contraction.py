"""Sums of products in machine code, against sums written as loops: every plan that could be chosen, not only the best."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import glassgrad as gg

pytest.importorskip("llvmlite")

from llvmlite import ir

from glassgrad.compiler.llvm.code import POINTER
from glassgrad.compiler.llvm.contraction import plan as planning
from glassgrad.compiler.llvm.contraction.plan import Plan, Processor
from glassgrad.compiler.llvm.contraction.problem import Index, Problem
from glassgrad.compiler.llvm.contraction.transpose import transposed
from glassgrad.compiler.llvm.contraction.writer import Target, Writer, adds_at_once
from glassgrad.compiler.llvm.engine import MachineCode, object_code
from glassgrad.compiler.llvm.modules import Module
from glassgrad.compiler.llvm.nest import INDEX, loop

HERE = Processor(64, 32)
NARROW = Processor(16, 16)
KINDS = {"float32": ir.FloatType(), "float64": ir.DoubleType()}


def ran(plan: Plan, left: Any, right: Any, out: Any, added: Any = None) -> None:
    """Run a plan on arrays, whose first elements are those of the problem."""
    kind = KINDS[left.dtype.name]
    module = Module("contraction")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), "run")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    pointers = [
        builder.load(builder.gep(function.args[0], [INDEX(i)], source_etype=POINTER), typ=POINTER)
        for i in range(5)
    ]
    first, second, target, panels, more = pointers
    if plan.is_swapped:
        first, second = second, first
    size = 0
    writer = Writer(builder, plan, kind)
    if plan.packs:
        size = writer.panels * plan.panel
        with loop(builder, writer.panels) as panel:
            writer.pack(lambda pair: second, panels, panel)
    with loop(builder, plan.tiles) as tile:
        goal = Target(target, None if added is None else more)
        writer.tile(tile, lambda pair: first, lambda pair: second, panels, goal, 1)
    builder.ret_void()
    room = np.empty(size + 1, left.dtype)
    code = MachineCode([object_code(str(module))], {})
    arrays = left, right, out, room, out if added is None else added
    table = (ctypes.c_size_t * 5)(*(array.ctypes.data for array in arrays))
    code.function("run")(ctypes.addressof(table))


def by_loops(problem: Problem, left: Any, right: Any, out: Any) -> None:
    """The definition, in double precision."""
    groups = problem.batch + problem.rows + problem.columns
    for place in product(*(range(index.size) for index in groups)):
        start = [sum(p * getattr(i, side) for p, i in zip(place, groups, strict=True)) for side in SIDES]
        total = 0.0
        for k in product(*(range(index.size) for index in problem.summed)):
            a = start[0] + sum(p * i.left for p, i in zip(k, problem.summed, strict=True))
            b = start[1] + sum(p * i.right for p, i in zip(k, problem.summed, strict=True))
            total += float(left[a]) * float(right[b])
        out[start[2]] = total


SIDES = ("left", "right", "out")


def reach(groups: Sequence[Index], side: str) -> int:
    return 1 + sum((index.size - 1) * getattr(index, side) for index in groups)


def compared(problem: Problem, plan: Plan, dtype: str) -> None:
    rng = np.random.default_rng(0)
    every = problem.batch + problem.rows + problem.columns + problem.summed
    left, right = (rng.normal(size=reach(every, side)).astype(dtype) for side in SIDES[:2])
    size = reach(problem.batch + problem.rows + problem.columns, "out")
    out, expected = np.full(size, -7.0, dtype), np.full(size, -7.0)
    ran(plan, left, right, out)
    by_loops(problem, left, right, expected)
    tolerance = 2e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(out, expected, rtol=0, atol=tolerance * max(1.0, np.abs(expected).max()))


def product_of(rows: int, columns: int, summed: int, left: str = "k", right: str = "c") -> Problem:
    """A product of matrices; which index the elements side by side belong to."""
    return Problem(
        (),
        (Index(rows, summed if left == "k" else 1, 0, columns),),
        (Index(columns, 0, 1 if right == "c" else summed, 1),),
        (Index(summed, 1 if left == "k" else rows, columns if right == "c" else 1, 0),),
    )


def different(plans: Iterator[Plan]) -> list[Plan]:
    found = {
        (p.is_swapped, p.packs, p.lanes, p.vectors, p.summands, p.problem.columns[-1:]): p for p in plans
    }
    return list(found.values())


@pytest.mark.parametrize(
    ("layout", "processor", "dtype"),
    [("kc", HERE, "float32"), ("kk", NARROW, "float32"), ("rc", NARROW, "float64"), ("rk", HERE, "float64")],
)
def test_every_plan_of_a_product(layout: str, processor: Processor, dtype: str) -> None:
    problem = product_of(19, 37, 24, *["k" if layout[0] == "k" else "r", layout[1]])
    plans = different(planning._candidates(problem.simplified, np.dtype(dtype).itemsize, processor))
    assert len(plans) > 8
    for plan in plans:
        compared(problem, plan, dtype)


def test_every_plan_of_windows() -> None:
    """A convolution: rows of a filter's features, columns of positions, windows that overlap."""
    problem = Problem(
        (),
        (Index(5, 18, 0, 2 * 30),),
        (Index(2, 0, 2 * 56, 5 * 60), Index(6, 0, 8, 5), Index(5, 0, 1, 1)),
        (Index(2, 9, 56, 0), Index(3, 3, 8, 0), Index(3, 1, 1, 0)),
    )
    for plan in different(planning._candidates(problem.simplified, 4, HERE)):
        compared(problem, plan, "float32")


def test_a_stack_of_products_that_share_an_operand() -> None:
    problem = Problem(
        (Index(3, 35, 0, 5 * 33), Index(2, 105, 7 * 33, 3 * 5 * 33)),
        (Index(5, 7, 0, 33),),
        (Index(33, 0, 1, 1),),
        (Index(7, 1, 33, 0),),
    )
    for plan in different(planning._candidates(problem.simplified, 4, HERE)):
        compared(problem, plan, "float32")


@pytest.mark.parametrize("layout", ["kc", "rk"])
def test_what_is_added_while_tiles_are_stored(layout: str) -> None:
    """In every plan that can: here rows or columns of what is added lie side by side, with other steps between."""
    problem = product_of(19, 37, 24, layout[0], layout[1])
    (row,), (column,) = problem.rows, problem.columns
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=19 * 24), rng.normal(size=24 * 37)
    expected = np.zeros(19 * 37)
    by_loops(problem, left, right, expected)
    tried = set()
    for across, down in ((1, 50), (30, 1), (1, 0)):
        added = rng.normal(size=down * 18 + across * 36 + 1)
        places = down * np.arange(19)[:, None] + across * np.arange(37)
        wider = replace(problem, rows=(replace(row, added=down),), columns=(replace(column, added=across),))
        for plan in different(planning._candidates(wider.simplified, 8, HERE)):
            if adds_at_once(plan):
                tried.add((plan.is_swapped, across, down))
                out = np.full(19 * 37, np.nan)
                ran(plan, left, right, out, added)
                np.testing.assert_allclose(out, expected + added[places].ravel(), rtol=0, atol=1e-13)
    assert {(False, 1, 50), (True, 1, 50), (False, 1, 0)} <= tried


sizes = st.integers(1, 5)


@st.composite
def problems(draw: Any) -> Problem:
    """Up to two indices of each kind, results without overlap, operands with any steps, packed or with gaps."""
    groups = [[draw(sizes) for _ in range(draw(st.integers(0, 2)))] for _ in range(4)]
    groups[1] = [draw(st.integers(1, 20)), *groups[1]] if groups[1] else groups[1]
    groups[2] = [draw(st.integers(1, 40)), *groups[2]] if groups[2] else groups[2]
    places = [(kind, number) for kind in range(4) for number in range(len(groups[kind]))]

    def steps(kinds: Sequence[int], gaps: bool) -> dict[tuple[int, int], int]:
        chosen = draw(st.permutations([place for place in places if place[0] in kinds]))
        found, step = {}, 1
        for place in chosen:
            found[place] = step
            step *= groups[place[0]][place[1]] + (draw(st.integers(0, 1)) if gaps else 0)
        return found

    left, right, out = steps((0, 1, 3), True), steps((0, 2, 3), True), steps((0, 1, 2), False)
    made = [
        tuple(
            Index(size, left.get((kind, n), 0), right.get((kind, n), 0), out.get((kind, n), 0))
            for n, size in enumerate(group)
        )
        for kind, group in enumerate(groups)
    ]
    return Problem(*made)


@settings(max_examples=25, deadline=None)
@given(problem=problems(), data=st.data())
def test_any_problem_with_any_plan(problem: Problem, data: Any) -> None:
    plans = different(planning._candidates(problem.simplified, 4, HERE))
    compared(problem, data.draw(st.sampled_from(plans)), "float32")


@pytest.mark.parametrize("size", [2, 4, 8, 16])
def test_blocks_are_transposed(size: int) -> None:
    module = ir.Module("transpose")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER]), "run")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    vector = ir.VectorType(ir.FloatType(), size)
    base = builder.load(function.args[0], typ=POINTER)
    places = [builder.gep(base, [INDEX(row * size)], source_etype=ir.FloatType()) for row in range(size)]
    rows = [builder.load(place, align=4, typ=vector) for place in places]
    for place, column in zip(places, transposed(builder, rows), strict=True):
        builder.store(column, place, align=4)
    builder.ret_void()
    matrix = np.arange(size * size, dtype=np.float32).reshape(size, size)
    expected = matrix.T.copy()
    code = MachineCode([object_code(str(module))], {})
    table = (ctypes.c_size_t * 1)(matrix.ctypes.data)
    code.function("run")(ctypes.addressof(table))
    np.testing.assert_array_equal(matrix, expected)


def test_long_sums_do_not_lose_digits() -> None:
    """A million ones and a large number: one after the other, float32 would stop counting at 2**24."""
    size = 3 * 2**20
    x = np.full((1, size), 8.0, np.float32)
    total = gg.compile(lambda x, y: x @ y)(gg.asarray(x), gg.asarray(np.full((size, 1), 8.0, np.float32)))
    assert float(total.numpy()[0, 0]) == 64.0 * size


def test_sums_in_parts_are_the_same_sums() -> None:
    """A weight's gradient of few elements and many summands is cut into parts; the values say nothing of it."""
    rng = np.random.default_rng(1)
    x, y = (rng.normal(size=(4096, n)).astype(np.float32) for n in (24, 40))
    whole = planning.plan(product_of(24, 40, 4096, "r", "c"), 4, HERE)
    assert whole.parts > 1
    found = gg.compile(lambda x, y: gg.matrix_transpose(x) @ y)(gg.asarray(x), gg.asarray(y)).numpy()
    expected = x.T.astype(np.float64) @ y.astype(np.float64)
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


def test_what_is_added_to_sums_in_parts_is_added_once() -> None:
    """Not with every part. It lies transposed or in order."""
    rng = np.random.default_rng(2)
    x, y = (rng.normal(size=(4096, n)).astype(np.float32) for n in (24, 40))
    z = rng.normal(size=(40, 40)).astype(np.float32)
    product = x.T.astype(np.float64) @ y.astype(np.float64)
    for turned in (False, True):
        step = gg.compile(
            lambda x, y, z, turned=turned: (z.T if turned else z)[:24] + gg.matrix_transpose(x) @ y
        )
        found = step(*map(gg.asarray, (x, y, z))).numpy()
        assert "sum_of_products" in {node.op.name for node in step.graph.body}
        expected = product + (z.T if turned else z)[:24]
        np.testing.assert_allclose(found, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((3, 4), (4, 5)),
        ((1, 64), (64, 1)),
        ((256, 64), (64, 1)),
        ((1, 9), (9, 7)),
        ((2, 3, 4, 5), (5, 6)),
        ((4, 5), (2, 3, 5, 6)),
        ((2, 1, 4, 5), (3, 5, 6)),
        ((40, 129), (129, 100)),
    ],
)
def test_products_as_numpy_makes_them(left: tuple[int, ...], right: tuple[int, ...], dtype: str) -> None:
    rng = np.random.default_rng(prod(left))
    x, y = rng.normal(size=left).astype(dtype), rng.normal(size=right).astype(dtype)
    expected = np.matmul(x.astype(np.float64), y.astype(np.float64))
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    for first in (x, np.asfortranarray(x)):
        for second in (y, np.asfortranarray(y)):
            # views: the program sees the transposed memory as what it is
            found = gg.compile(lambda a, b: gg.matrix_transpose(a) @ gg.matrix_transpose(b))(
                gg.asarray(np.ascontiguousarray(np.swapaxes(first, -1, -2))),
                gg.asarray(np.ascontiguousarray(np.swapaxes(second, -1, -2))),
            )
            np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=tolerance * left[-1])
    plain = gg.compile(lambda a, b: a @ b)(gg.asarray(x), gg.asarray(y))
    np.testing.assert_allclose(plain.numpy(), expected, rtol=0, atol=tolerance * left[-1])


def test_what_is_not_a_number_stays() -> None:
    x = np.ones((5, 9), np.float32)
    x[2, 3] = np.nan
    x[4, 0] = np.inf
    found = gg.compile(lambda a, b: a @ b)(gg.asarray(x), gg.ones((9, 20))).numpy()
    assert np.isnan(found[2]).all()
    assert np.isinf(found[4]).all()
    assert (found[[0, 1, 3]] == 9).all()
