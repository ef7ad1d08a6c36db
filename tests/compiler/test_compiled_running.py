"""Running sums, products, recurrences and extrema in machine code against eager ones and against Python's loops."""

from typing import Any

import numpy as np
import pytest
from compared import assert_arrays_close, assert_same
from hypothesis import given, settings, strategies as st
from planned import Planned

import glassgrad as gg
from glassgrad.compiler.kernels import Alone
from glassgrad.ops.cumulative import CumulativeProd, CumulativeSum, LinearRecurrence, RunningPosition
from glassgrad.tensor import apply

RNG = np.random.default_rng(5)


def machine_code(function: Any, *arrays: Any) -> Any:
    """The result of machine code alone."""
    program = Planned(gg.trace(function, *(gg.Spec(array.shape, array.dtype) for array in arrays)))
    assert all(isinstance(unit, Alone) for unit in program.units.units)
    return np.array(program(list(arrays))[0])


def along(axis: int, step: Any, *arrays: Any, dtype: Any) -> Any:
    """Every line along `axis` walked by a Python function of the elements so far."""
    out = np.zeros(arrays[0].shape, dtype)
    lines = [np.moveaxis(array, axis, -1) for array in (*arrays, out)]
    for place in np.ndindex(*lines[0].shape[:-1]):
        for i in range(lines[0].shape[-1]):
            lines[-1][(*place, i)] = step(*(line[place][: i + 1] for line in lines[:-1]))
    return out


def first_extremum(sign: int) -> Any:
    def place(line: Any) -> int:
        best = 0
        for i, value in enumerate(line):
            if line[best] == line[best] and not sign * value <= sign * line[best]:
                best = i
        return best

    return place


def recurrence(a: Any, b: Any) -> Any:
    h = a[0] * b.dtype.type(0) + b[0]
    for factor, summand in zip(a[1:], b[1:], strict=True):
        h = factor * h + summand
    return h


def assert_right(shape: tuple[int, ...], axis: int, dtype: str, view: Any = lambda x: x) -> None:
    x, y = RNG.integers(0 if dtype[0] in "bu" else -2, 3, (2, *shape)).astype(dtype)
    seen = view(gg.asarray(x)).numpy()
    total = machine_code(lambda x: apply(CumulativeSum(axis), view(x)), x)
    wide = {"f": dtype, "u": "uint64"}.get(np.dtype(dtype).kind, "int64")
    np.testing.assert_array_equal(
        total, along(axis, lambda line: line.sum(dtype=wide), seen, dtype=wide), strict=True
    )
    product = machine_code(lambda x: apply(CumulativeProd(axis), view(x)), x)
    np.testing.assert_array_equal(
        product, along(axis, lambda line: line.prod(dtype=wide), seen, dtype=wide), strict=True
    )
    if dtype != "bool":
        other = view(gg.asarray(y)).numpy()
        found = machine_code(lambda a, b: apply(LinearRecurrence(axis), view(a), view(b)), x, y)
        with np.errstate(over="ignore"):
            assert_arrays_close(found, along(axis, recurrence, seen, other, dtype=dtype))
    if np.dtype(dtype).kind == "f":
        x = np.where(RNG.random(shape) < 0.05, np.nan, x).astype(dtype)
        seen = view(gg.asarray(x)).numpy()
    seen = seen.astype("int8") if dtype == "bool" else seen.astype("int64") if dtype[0] == "u" else seen
    for largest in (True, False):
        place = machine_code(lambda x, largest=largest: apply(RunningPosition(axis, largest), view(x)), x)
        wanted = along(axis, first_extremum(1 if largest else -1), seen, dtype=np.int64)
        np.testing.assert_array_equal(place, wanted, strict=True)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((7,), 0),
        ((1,), 0),
        ((3, 5), 1),
        ((20, 6), 1),
        ((6, 45), 0),
        ((2, 3, 4), 1),
        ((4, 2, 3, 33), 2),
        ((5, 1, 3), 1),
    ],
)
def test_every_axis(shape: tuple[int, ...], axis: int) -> None:
    assert_right(shape, axis, "float32")


@pytest.mark.parametrize("dtype", ["float64", "int8", "int32", "int64", "uint8", "uint16", "bool"])
def test_every_dtype(dtype: str) -> None:
    assert_right((3, 4, 5), 1, dtype)
    assert_right((9, 6), 1, dtype)


@pytest.mark.parametrize("axis", [0, 1])
def test_views_are_read_where_they_lie(axis: int) -> None:
    assert_right((6, 9), axis, "float32", lambda x: gg.flip(x, axis=axis))
    assert_right((6, 9), axis, "float32", gg.matrix_transpose)
    assert_right((6, 9), axis, "float32", lambda x: x[1::2, ::3])
    assert_right((6, 9), axis, "float32", lambda x: gg.broadcast_to(x[:, :1], x.shape))


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_any_shape(data: Any) -> None:
    shape = tuple(
        data.draw(st.lists(st.integers(1, 40 if data.draw(st.booleans()) else 5), min_size=1, max_size=3))
    )
    if np.prod(shape) > 3000:
        shape = shape[:2]
    axis = data.draw(st.integers(0, len(shape) - 1))
    assert_right(shape, axis, data.draw(st.sampled_from(["float32", "float64", "int32"])))


def test_sums_are_added_up_in_double_precision() -> None:
    x = np.full(100_000, 0.1, np.float32)
    found = machine_code(lambda x: apply(CumulativeSum(0), x), x)
    np.testing.assert_array_equal(found, np.cumsum(x, dtype=np.float64).astype(np.float32))


def test_mixed_dtypes_of_a_recurrence() -> None:
    a, b = RNG.integers(-2, 3, (3, 4)).astype(np.int32), RNG.normal(size=(3, 4))
    found = machine_code(lambda a, b: apply(LinearRecurrence(1), a, b), a, b)
    assert_arrays_close(found, along(1, recurrence, a.astype(float), b, dtype=np.float64))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: gg.cumulative_sum(x, axis=1, include_initial=True),
        lambda x: gg.cumulative_prod(x, axis=0),
        lambda x: gg.cummax(x, axis=1),
        lambda x: gg.cummin(x, axis=0),
        lambda x: gg.cumulative_sum(x, axis=0, dtype=gg.float64),
    ],
)
def test_values_and_gradients_of_every_order(function: Any) -> None:
    x, w = (gg.asarray(RNG.normal(size=(5, 6))) for _ in range(2))

    def loss(x: Any) -> Any:
        return gg.sum(gg.tanh(function(x)))

    assert_same(function, x)
    assert_same(gg.grad(loss), x)
    assert_same(gg.grad(lambda x: gg.sum(gg.grad(loss)(x) * w)), x)
    assert_same(lambda x, w: gg.jvp(loss, (x,), (w,)), x, w)
    assert_same(gg.vmap(lambda x: gg.grad(lambda y: gg.sum(gg.cumulative_prod(y, axis=0) ** 2))(x)), x)
