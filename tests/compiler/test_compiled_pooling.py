"""Pooling in machine code against windows walked one by one: every grid, dtype, layout, NaN and ties."""

import itertools
from typing import Any

import numpy as np
import pytest
from compared import assert_arrays_close, assert_same
from hypothesis import given, settings, strategies as st
from planned import Planned

import glassgrad as gg
from glassgrad.compiler.kernels import Alone, Fallback, Place, Units, contiguous
from glassgrad.compiler.llvm import pooling
from glassgrad.graph import Graph
from glassgrad.ops.pool import MaxPlaces, MaxPool, PutPlaces, SpreadPool, SumPool, TakePlaces
from glassgrad.ops.windows import Grid
from glassgrad.tensor import apply

RNG = np.random.default_rng(11)


def grid_of(kernel: Any, stride: Any, padding: Any = 0, dilation: Any = 1, axes: int = 2) -> Grid:
    def per_axis(given: Any) -> tuple[Any, ...]:
        return given if isinstance(given, tuple) else (given,) * axes

    pads = tuple(p if isinstance(p, tuple) else (p, p) for p in per_axis(padding))
    return Grid(per_axis(kernel), per_axis(stride), pads, per_axis(dilation))


def steps(grid: Grid, sizes: tuple[int, ...]) -> Any:
    """For every window and every place in it: the window, the place's number, and the element; None outside."""
    for window in np.ndindex(*grid.counts(sizes)):
        for number, k in enumerate(np.ndindex(*grid.kernel)):
            element = tuple(
                i * s - before + j * d
                for i, j, s, (before, _), d in zip(
                    window, k, grid.stride, grid.padding, grid.dilation, strict=True
                )
            )
            inside = all(0 <= e < n for e, n in zip(element, sizes, strict=True))
            yield window, number, element if inside else None


def largest(x: Any, grid: Grid) -> tuple[Any, Any]:
    """The largest element of each window and the number of its place, one element after the other."""
    lead, sizes = x.shape[: x.ndim - grid.ndim], x.shape[x.ndim - grid.ndim :]
    kind = x.dtype.kind
    lowest = -np.inf if kind == "f" else 0 if kind == "b" else np.iinfo(x.dtype).min
    values = np.full((*lead, *grid.counts(sizes)), lowest, x.dtype)
    places = np.zeros(values.shape, np.int64)
    seen = set()
    for window, number, element in steps(grid, sizes):
        if element is None:
            continue
        for i in np.ndindex(*lead):
            new, old = x[i + element], values[i + window]
            if (i, window) not in seen or (old == old and not new <= old):
                values[i + window], places[i + window] = new, number
                seen.add((i, window))
    return values, places


def taken(x: Any, places: Any, grid: Grid) -> Any:
    out = np.zeros(places.shape, x.dtype)
    for window, number, element in steps(grid, x.shape[x.ndim - grid.ndim :]):
        if element is not None:
            hit = places[(..., *window)] == number
            out[(..., *window)] = np.where(hit, x[(..., *element)], out[(..., *window)])
    return out


def put(values: Any, places: Any, grid: Grid, sizes: tuple[int, ...]) -> Any:
    out = np.zeros((*values.shape[: values.ndim - grid.ndim], *sizes), values.dtype)
    for window, number, element in steps(grid, sizes):
        if element is not None:
            hit = places[(..., *window)] == number
            out[(..., *element)] += np.where(hit, values[(..., *window)], np.zeros((), values.dtype))
    return out


def summed(x: Any, grid: Grid) -> Any:
    sizes = x.shape[x.ndim - grid.ndim :]
    out = np.zeros((*x.shape[: x.ndim - grid.ndim], *grid.counts(sizes)), x.dtype)
    for window, _, element in steps(grid, sizes):
        if element is not None:
            out[(..., *window)] += x[(..., *element)]
    return out


def spread(x: Any, grid: Grid, sizes: tuple[int, ...]) -> Any:
    out = np.zeros((*x.shape[: x.ndim - grid.ndim], *sizes), x.dtype)
    for window, _, element in steps(grid, sizes):
        if element is not None:
            out[(..., *element)] += x[(..., *window)]
    return out


# --- running what is generated --------------------------------------------------------------------------------------


def machine_code(function: Any, *arrays: Any, order: Any = None) -> list[Any]:
    """The results of machine code alone, at one time in pieces and as a whole. `order`: how results lie in memory."""
    graph = gg.trace(function, *(gg.Spec(array.shape, array.dtype) for array in arrays))
    original = Units._settle

    def settle(units: Units, node: Any, unit: int) -> None:
        original(units, node, unit)
        if order is not None and unit >= 0 and len(node.shape) == len(order):
            places = contiguous(tuple(node.shape[axis] for axis in order))
            strides = tuple(places[order.index(axis)] for axis in range(len(order)))
            units.places[node] = Place(node, 0, strides)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Units, "_settle", settle)
        program = Planned(Graph(graph.inputs, graph.outputs))
    assert all(isinstance(unit, Alone) for unit in program.units.units)
    return [np.array(found) for found in program(list(arrays))]


def numbers(shape: tuple[int, ...], dtype: Any) -> Any:
    """Few different numbers, so that there are ties, and some NaN."""
    found = RNG.integers(0 if np.dtype(dtype).kind in "bu" else -3, 4, shape).astype(dtype)
    if found.dtype.kind == "f" and found.size:
        found[RNG.random(shape) < 0.05] = np.nan
        found[RNG.random(shape) < 0.05] = -np.inf
    return found


def assert_right(grid: Grid, shape: tuple[int, ...], dtype: Any = np.float32, order: Any = None) -> None:
    """Every op of pooling, for one grid."""
    sizes = shape[len(shape) - grid.ndim :]
    x = numbers(shape, dtype)
    y = numbers(shape, dtype) if x.dtype.kind != "f" else RNG.normal(size=shape).astype(dtype)
    values, places = largest(x, grid)
    p = RNG.integers(0, np.prod(grid.kernel), places.shape).astype(np.uint8)
    adds = x.dtype.kind != "b"

    def to_windows(x: Any, y: Any, p: Any) -> Any:
        found = apply(MaxPool(grid), x), apply(MaxPlaces(grid), x), apply(TakePlaces(grid), y, p)
        return (*found, apply(SumPool(grid), y)) if adds else found

    found = machine_code(to_windows, x, y, p, order=order)
    np.testing.assert_array_equal(found[0], values, strict=True)
    np.testing.assert_array_equal(found[1], places)
    np.testing.assert_array_equal(found[2], taken(y, p, grid), strict=True)
    if not adds:
        return
    assert_arrays_close(found[3], summed(y, grid))
    g = numbers(places.shape, dtype) if x.dtype.kind != "f" else RNG.normal(size=places.shape).astype(dtype)
    found = machine_code(
        lambda g, p: (apply(PutPlaces(grid, sizes), g, p), apply(SpreadPool(grid, sizes), g)),
        g,
        p,
        order=order,
    )
    np.testing.assert_array_equal([a.dtype for a in found], dtype)
    assert_arrays_close(found[0], put(g, p, grid, sizes))
    assert_arrays_close(found[1], spread(g, grid, sizes))


CASES = {
    "2 by 2": (grid_of(2, 2), (3, 5, 8, 8)),
    "odd sizes": (grid_of(2, 2), (2, 3, 7, 9)),
    "3 by 3, stride 2": (grid_of(3, 2), (2, 3, 11, 27)),
    "3 by 3, stride 2, padding": (grid_of(3, 2, 1), (2, 3, 12, 20)),
    "stride 1": (grid_of(3, 1, 1), (1, 2, 6, 18)),
    "stride 3, window 2: elements in no window": (grid_of(2, 3), (2, 2, 9, 35)),
    "stride 5": (grid_of(3, 5, 1), (1, 2, 12, 40)),
    "dilation": (grid_of(3, 1, 2, 2), (1, 2, 9, 20)),
    "dilation and stride": (grid_of((2, 3), (2, 3), (1, 2), (3, 2)), (1, 2, 12, 25)),
    "padding behind only": (grid_of(2, 2, ((0, 1), (0, 1))), (1, 3, 5, 7)),
    "a window as large as all": (grid_of((4, 5), (4, 5)), (3, 2, 4, 5)),
    "windows of one": (grid_of(1, 1), (2, 3, 3, 4)),
    "one axis": (grid_of(4, 3, 1, axes=1), (2, 3, 50)),
    "three axes": (grid_of(2, 2, axes=3), (2, 2, 4, 5, 6)),
    "three axes that overlap": (grid_of((2, 1, 3), (1, 1, 2), (1, 0, 1), axes=3), (1, 2, 3, 3, 9)),
    "no axes in front": (grid_of(2, 1), (5, 6)),
    "one element": (grid_of(1, 1), (1, 1)),
    "a window that is all padding": (grid_of(2, 2, 2), (1, 1, 3, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_every_op(name: str) -> None:
    assert_right(*CASES[name])


@pytest.mark.parametrize("name", ["2 by 2", "3 by 3, stride 2, padding", "dilation and stride"])
@pytest.mark.parametrize("order", [(0, 2, 3, 1), (3, 2, 1, 0), (1, 0, 2, 3)])
def test_every_order_of_memory(name: str, order: tuple[int, ...]) -> None:
    assert_right(*CASES[name], order=order)


@pytest.mark.parametrize("dtype", ["float64", "int8", "int32", "int64", "uint8", "uint16", "bool"])
def test_every_dtype(dtype: str) -> None:
    assert_right(grid_of(3, 2, 1), (1, 2, 9, 21), dtype)


@pytest.mark.parametrize("channels", [1, 2, 3, 20, 33])
def test_channels_last_throughout(channels: int) -> None:
    """Inputs and results: vectors along the channels, with what is left over at the end."""
    grid = grid_of(3, 2, 1)
    x = numbers((2, 6, 7, channels), np.float32)
    seen = np.moveaxis(x, 3, 1)

    def pooled(x: Any) -> Any:
        seen = gg.moveaxis(x, 3, 1)
        return apply(MaxPool(grid), seen), apply(MaxPlaces(grid), seen)

    found, places = machine_code(pooled, x, order=(0, 2, 3, 1))
    wanted, where = largest(seen, grid)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(places, where)

    def back(g: Any, places: Any) -> Any:
        return apply(PutPlaces(grid, (6, 7)), gg.moveaxis(g, 3, 1), gg.moveaxis(places, 3, 1))

    g = RNG.normal(size=wanted.shape).astype(np.float32)
    given = (np.moveaxis(array, 1, 3).copy() for array in (g, places))
    (found,) = machine_code(back, *given, order=(0, 2, 3, 1))
    assert_arrays_close(found, put(g, where, grid, (6, 7)))


VIEWS = {
    "transposed": lambda x: gg.moveaxis(x, 2, 3),
    "reversed": lambda x: gg.flip(x, axis=3),
    "every second": lambda x: x[:, :, ::2, ::2],
    "broadcast": lambda x: gg.broadcast_to(x[:, :1, :1], x.shape),
    "a part": lambda x: x[1:, :, 1:-1, 2:],
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_are_read_where_they_lie(name: str) -> None:
    view, grid = VIEWS[name], grid_of(3, 2, 1)
    x = numbers((3, 2, 12, 12), np.float32)
    seen = view(gg.asarray(x)).numpy()
    found, places = machine_code(
        lambda x: (apply(MaxPool(grid), view(x)), apply(MaxPlaces(grid), view(x))), x
    )
    wanted, where = largest(seen, grid)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(places, where)
    g = RNG.normal(size=x.shape)
    seen = view(gg.asarray(g)).numpy()
    height, width = (2 * n - 1 for n in seen.shape[2:])
    (found,) = machine_code(lambda g: apply(SpreadPool(grid, (height, width)), view(g)), g)
    assert_arrays_close(found, spread(seen, grid, (height, width)))


def test_the_first_nan_wins_and_the_first_of_equals() -> None:
    x = np.array([[[1.0, 5.0, 5.0, np.nan, 2.0, np.nan, -np.inf, -np.inf]]], np.float32)
    grid = grid_of(4, 4, axes=1)
    values, places = machine_code(lambda x: (apply(MaxPool(grid), x), apply(MaxPlaces(grid), x)), x)
    assert np.isnan(values).all()
    assert places.tolist() == [[[3, 1]]]
    values, places = machine_code(
        lambda x: (apply(MaxPool(grid), x), apply(MaxPlaces(grid), x)), np.nan_to_num(x, nan=-np.inf)
    )
    assert values.tolist() == [[[5.0, 2.0]]]
    assert places.tolist() == [[[1, 0]]]


def test_a_window_of_minus_infinity_has_its_place_inside() -> None:
    x = np.full((1, 1, 2, 2), -np.inf, np.float32)
    grid = grid_of(3, 2, 1)
    (places,) = machine_code(lambda x: apply(MaxPlaces(grid), x), x)
    assert places.tolist() == [[[[4]]]]


def test_the_maximum_and_its_place_are_one_pass() -> None:
    step = gg.compile(gg.grad(lambda x: gg.sum(gg.max_pool(x, 2) ** 2)))
    x = gg.asarray(RNG.normal(size=(2, 3, 8, 8)).astype(np.float32))
    step(x)
    units = step.last.planning.units.units
    assert not any(isinstance(unit, Fallback) for unit in units)
    alone = [[node.op.name for node in unit.nodes] for unit in units if isinstance(unit, Alone)]
    assert alone == [["max_pool", "max_places"], ["put_places"]]


@pytest.mark.parametrize(
    "name",
    [
        "3 by 3, stride 2, padding",
        "stride 3, window 2: elements in no window",
        "dilation and stride",
        "three axes that overlap",
        "a window that is all padding",
    ],
)
def test_every_op_with_loops_over_the_places_of_windows(name: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(pooling, "MOST_TAPS", 0)
    assert_right(*CASES[name])


@pytest.mark.parametrize(
    ("grid", "order"),
    [
        (grid_of(7, 1, 3), None),
        (grid_of(8, 8), (0, 2, 3, 1)),
        (grid_of((17, 2), (4, 1), (8, 0)), (0, 2, 3, 1)),
        (grid_of((3, 20), 3, (1, 9)), None),
    ],
)
def test_large_windows(grid: Grid, order: Any) -> None:
    assert_right(grid, (1, 3, 16, 24), order=order)


def test_far_apart_windows_are_put_back_by_numpy() -> None:
    x = gg.asarray(RNG.normal(size=(1, 1, 40, 40)).astype(np.float32))
    compiled = assert_same(gg.grad(lambda x: gg.sum(gg.max_pool(x, 20) ** 2)), x)
    assert [u.node.op.name for u in compiled.last.planning.units.units if isinstance(u, Fallback)] == [
        "put_places"
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"kernel_size": 2},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": (2, 3), "stride": (3, 1), "dilation": (2, 1)},
        {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    ],
)
def test_steps_with_pooling(arguments: dict[str, Any]) -> None:
    """Values, gradients, gradients of gradients, forward mode and stacks, of every kind of pooling."""
    given = dict(arguments)
    kernel = given.pop("kernel_size")
    x = gg.asarray(RNG.normal(size=(2, 3, 9, 12)))
    w = gg.asarray(RNG.normal(size=(2, 3, 9, 12)))

    def loss(x: Any) -> Any:
        total = gg.sum(gg.tanh(gg.max_pool(x, kernel, **given)) ** 2)
        total = total + gg.sum(gg.average_pool(x * x, kernel, **given) ** 2)
        total = total + gg.sum(gg.average_pool(x, kernel, count_include_pad=False, **given) ** 3)
        return total + gg.sum(gg.lp_pool(x, 2.0, kernel, **given) ** 3)

    assert_same(loss, x)
    assert_same(gg.grad(loss), x)
    assert_same(gg.grad(lambda x: gg.sum(gg.grad(loss)(x) * w)), x)
    assert_same(lambda x, w: gg.jvp(loss, (x,), (w,)), x, w)
    assert_same(gg.vmap(gg.grad(lambda x: gg.sum(gg.max_pool(x, kernel, **given) ** 2))), x)


@st.composite
def situations(draw: Any) -> tuple[Any, ...]:
    axes = draw(st.integers(1, 3))

    def each(strategy: Any) -> tuple[Any, ...]:
        return tuple(draw(st.lists(strategy, min_size=axes, max_size=axes)))

    kernel, stride, dilation = each(st.integers(1, 3)), each(st.integers(1, 4)), each(st.integers(1, 2))
    padding = each(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    grid = Grid(kernel, stride, padding, dilation)
    most = {1: 60, 2: 20, 3: 7}[axes]
    sizes = tuple(
        max(1, reach - before - after, draw(st.integers(1, most)))
        for reach, (before, after) in zip(grid.extent, padding, strict=True)
    )
    shape = (*draw(st.lists(st.integers(1, 5), max_size=2)), *sizes)
    dtype = draw(st.sampled_from(["float32", "float64", "int32", "uint8"]))
    order = tuple(draw(st.permutations(range(len(shape)))))
    return draw(st.sampled_from([0, 10, 50])), grid, shape, dtype, order


@settings(max_examples=15, deadline=None)
@given(situations())
def test_any_grid(situation: Any) -> None:
    most, *rest = situation
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooling, "MOST_TAPS", most)
        assert_right(*rest)


def test_pieces_can_be_done_in_any_cut() -> None:
    """What a thread does is independent of the cut: results of one thread and of three are the same bits."""
    x = numbers((1, 3, 31, 40), np.float32)
    grid = grid_of(3, 2, 1)
    before = gg.get_num_threads()
    found = []
    try:
        for threads, _ in itertools.product((1, 3), range(2)):
            gg.set_num_threads(threads)
            found.append(machine_code(lambda x: apply(MaxPool(grid), x), x)[0].tobytes())
    finally:
        gg.set_num_threads(before)
    assert len(set(found)) == 1
