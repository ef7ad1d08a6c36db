"""Index arrays in compiled functions: chosen elements, values put at places, and indices that are out of range."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compared import assert_same
from numpy.testing import assert_array_equal

import glassgrad as gg
from glassgrad.compiler import Compiled, compile
from glassgrad.compiler.kernels import Alone, Assembly, Fallback, Kernel, Units
from glassgrad.errors import ArgumentError, ShapeError

ALL = slice(None)
PAIR, ROW, COLUMN, MANY = (
    np.array([1, -1]),
    np.array([[0, 4, 4, -5]]),
    np.array([[3], [-1]]),
    np.array([[1, -2], [0, 4]]),
)

KEYS = {
    "first axis": (MANY,),
    "middle axis": (ALL, MANY),
    "last axis": (..., MANY),
    "one index": (np.array(2),),
    "one from the end": (..., np.array(-1)),
    "duplicates": (np.array([2, 2, -3, 2]),),
    "two neighbours": (MANY, PAIR),
    "two apart": (PAIR, ALL, PAIR),
    "two broadcast": (ROW, COLUMN),
    "three": (MANY, PAIR, np.array([3])),
    "a number and an array": (0, ALL, PAIR),
    "an array and a number": (ALL, PAIR, 1),
    "a number apart": (2, ALL, MANY),
    "a new axis": (None, MANY),
    "a new axis between": (PAIR, None, PAIR),
    "a slice": (slice(1, 5, 2), MANY),
    "backwards": (slice(None, None, -2), PAIR),
    "everything at once": (slice(4, 0, -1), PAIR, ..., None, np.array([[6], [-7]])),
}
X = np.random.default_rng(0).normal(size=(5, 6, 7))


def filled(key: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """The key with its index arrays replaced, in order."""
    remaining = iter(arrays)
    return tuple(next(remaining) if isinstance(item, np.ndarray) else item for item in key)


def arrays_of(key: tuple[Any, ...]) -> list[Any]:
    return [item for item in key if isinstance(item, np.ndarray)]


def kinds(compiled: Compiled, kind: type) -> list[Any]:
    return [unit for unit in Units(compiled.graph).units if isinstance(unit, kind)]


def assert_machine_code(compiled: Compiled) -> None:
    assert not kinds(compiled, Fallback)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_elements_at_places(key: tuple[Any, ...], dtype: str) -> None:
    x = (X * 3).astype(dtype)
    compiled = compile(lambda x, *arrays: x[filled(key, arrays)])
    found = compiled(x, *arrays_of(key))
    assert_array_equal(found.numpy(), x[key], strict=True)
    assert_machine_code(compiled)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bool"])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_values_put_at_places(key: tuple[Any, ...], dtype: str) -> None:
    x = (X * 3).astype(dtype)
    values = (np.random.default_rng(1).normal(size=x[key].shape) * 3).astype(dtype)
    arrays = arrays_of(key)
    put = compile(lambda x, v, *arrays: x.at[filled(key, arrays)].set(v))
    wanted = x.copy()
    wanted[key] = values
    assert_array_equal(put(x, values, *arrays).numpy(), wanted, strict=True)
    assert_machine_code(put)
    added = compile(lambda x, v, *arrays: x.at[filled(key, arrays)].add(v))
    wanted = x.copy()
    np.add.at(wanted, key, values)
    np.testing.assert_allclose(added(x, values, *arrays).numpy(), wanted, rtol=1e-6, atol=1e-6)
    assert_machine_code(added)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("how", ["multiply", "max", "min"])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_values_combined_at_places(key: tuple[Any, ...], how: str, dtype: str) -> None:
    x = (X * 3).astype(dtype)
    values = (np.random.default_rng(1).normal(size=x[key].shape) * 3).astype(dtype)
    compiled = compile(lambda x, v, *arrays: getattr(x.at[filled(key, arrays)], how)(v))
    wanted = x.copy()
    {"multiply": np.multiply, "max": np.maximum, "min": np.minimum}[how].at(wanted, key, values)
    assert_array_equal(compiled(x, values, *arrays_of(key)).numpy(), wanted, strict=True)
    assert_machine_code(compiled)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_gradients_of_chosen_elements(key: tuple[Any, ...], dtype: str) -> None:
    def loss(x: Any, *arrays: Any) -> Any:
        return gg.sum(gg.sin(x)[filled(key, arrays)] ** 3)

    assert_machine_code(assert_same(gg.value_and_grad(loss), gg.asarray(X.astype(dtype)), *arrays_of(key)))


@pytest.mark.parametrize(
    "index_dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
)
def test_dtypes_of_indices(index_dtype: str) -> None:
    index = np.array([4, 0, 2], index_dtype)
    compiled = compile(lambda x, i: x[i])
    assert_array_equal(compiled(X, index).numpy(), X[index].astype("float64"))
    assert_machine_code(compiled)
    with pytest.raises(ShapeError, match="index 100 is out of range on axis 0"):
        compiled(X, np.array([4, 100, 2], index_dtype))


def test_sums_at_places_come_in_numpys_order() -> None:
    rng = np.random.default_rng(3)
    values, index = rng.normal(size=(400, 96)).astype("f"), rng.integers(-7, 7, 400)
    zeros = gg.zeros((7, 96))
    wanted = np.zeros((7, 96), np.float32)
    np.add.at(wanted, index, values)
    found = compile(lambda v, i: zeros.at[i].add(v))(values, index)
    assert_array_equal(found.numpy(), wanted)


def test_strided_inputs() -> None:
    def f(x: Any, i: Any) -> Any:
        turned = gg.permute_dims(x, (2, 0, 1))[::2, :, ::-1]
        j = gg.permute_dims(i, (1, 0))[:, ::-1]
        chosen = turned[:, j]
        return chosen, turned.at[:, j].add(chosen), turned.at[j, 1].set(2.0)

    assert_machine_code(assert_same(f, gg.asarray(X), gg.asarray(np.array([[0, 1, -1], [3, -4, 0]]))))


def test_numbers_and_broadcast_values() -> None:
    def f(x: Any, i: Any, v: Any) -> Any:
        return x.at[i].set(v), x.at[:, i].add(v), x.at[i, i].multiply(v), x.at[i, 0].max(v)

    assert_machine_code(assert_same(f, gg.asarray(X), gg.asarray([0, 2, 2, -1]), gg.asarray(0.5, "float64")))


def test_nothing_chosen() -> None:
    def f(x: Any, i: Any, j: Any) -> Any:
        return x[i], x.at[i].set(1.0), x.at[i].add(1.0), gg.grad(lambda x: gg.sum(x[i] ** 2))(x), x[j]

    nothing = gg.asarray(np.zeros(0, np.int64))
    assert_same(f, gg.asarray(X), nothing, gg.asarray(np.zeros((2, 0), np.int64)))
    empty = gg.asarray(np.zeros((0, 4), np.float32))
    assert_same(lambda x, i: (x[i], x.at[i].add(1.0)), empty, nothing)


def test_nan_stays() -> None:
    x = gg.asarray([1.0, float("nan"), float("inf")])

    def f(x: Any, i: Any) -> Any:
        return x[i], x.at[i].max(0.0), x.at[i].min(0.0), x.at[i].multiply(0.0), gg.zeros(3).at[i].add(x)

    assert_same(f, x, gg.asarray([1, 2, 1]))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_take(axis: int) -> None:
    index = gg.asarray([[1, 0], [-2, 3]])
    assert_machine_code(assert_same(lambda x, i: gg.take(x, i, axis=axis), gg.asarray(X), index))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("size", [1, 3])
def test_along_an_axis(axis: int, size: int) -> None:
    shape = [5, 6, 7]
    shape[axis] = size
    index = np.random.default_rng(0).integers(-5, 5, shape)

    def f(x: Any, i: Any) -> Any:
        chosen = gg.take_along_axis(x, i, axis=axis)
        return (
            chosen,
            gg.grad(lambda x: gg.sum(gg.take_along_axis(gg.exp(x), i, axis=axis) ** 2))(x),
            gg.scatter(x, i, chosen * 2.0, axis=axis),
            gg.scatter_add(x, i, chosen * 2.0, axis=axis),
        )

    compiled = assert_same(f, gg.asarray(X), gg.asarray(index))
    assert_machine_code(compiled)
    assert_array_equal(compiled(X, index)[0].numpy(), np.take_along_axis(X, index, axis))
    # where each place gets at most one value, comparing takes the place of clearing and putting
    assert bool(kinds(compiled, Alone)) == (size > 1)


def test_constants_that_count_are_views() -> None:
    rows = np.arange(5)

    def f(x: Any) -> Any:
        return x[rows[:, None], rows[1:]], x[rows, rows], x[rows[::-1]], x[np.array([3])], x[:, -rows - 1]

    compiled = assert_same(f, gg.asarray(X))
    assert not Units(compiled.graph).units


def test_constants_that_do_not_count() -> None:
    some = np.array([3, 0, -1, 3])
    compiled = assert_same(lambda x: (x[some], x.at[some].add(1.0)), gg.asarray(X))
    assert_machine_code(compiled)
    assert not any(units_faults(compiled))


def units_faults(compiled: Compiled) -> list[bool]:
    units = Units(compiled.graph)
    return [units.reach(node).checked for node in units.graph.body if getattr(node.op, "key", None)]


def test_the_sum_of_what_a_range_chose_is_a_view() -> None:
    compiled = assert_same(gg.grad(lambda x: gg.sum(x[np.arange(5)] ** 2)), gg.asarray(X))
    assert [type(unit) for unit in Units(compiled.graph).units] == [Kernel]


def test_cross_entropy_is_kernels_alone() -> None:
    labels = gg.asarray([1, 0, 2, 2])
    step = gg.value_and_grad(lambda x, y: gg.nn.functional.cross_entropy(x, y))
    compiled = assert_same(step, gg.asarray(X[0, :4, :3].astype("f")), labels)
    assert {type(unit) for unit in Units(compiled.graph).units} == {Kernel}


def test_cross_entropy_of_images_and_ignored_labels() -> None:
    labels = np.random.default_rng(0).integers(0, 6, (5, 7))
    labels[2, 3] = -100

    def loss(x: Any, y: Any) -> Any:
        return gg.nn.functional.cross_entropy(x, y, weight=np.arange(1.0, 7.0))

    assert_machine_code(assert_same(gg.value_and_grad(loss), gg.asarray(X), gg.asarray(labels)))


def test_embedding() -> None:
    table, tokens = gg.asarray(X[0].astype("f")), gg.asarray([[1, 5, 5], [0, 5, 2]])
    step = gg.value_and_grad(lambda t, i: gg.sum(gg.nn.functional.embedding(i, t, padding_idx=2) ** 3))
    assert_machine_code(assert_same(step, table, tokens))


def test_one_hot_and_largest() -> None:
    def f(x: Any) -> Any:
        best = gg.argmax(x, axis=1)
        return gg.one_hot(best, 6), gg.take_along_axis(x, gg.expand_dims(best, 1), axis=1)

    assert_same(f, gg.asarray(X))


def test_stacks_of_functions() -> None:
    def f(x: Any, i: Any) -> Any:
        choose = gg.vmap(lambda x, i: x[i])
        spread = gg.vmap(lambda x, i: x.at[i].add(1.0))
        return choose(x, i), spread(x, i), gg.vmap(lambda i: x[0, i], in_axes=1)(i)

    assert_machine_code(assert_same(f, gg.asarray(X), gg.asarray([[0, 0], [1, -1], [2, 5], [3, 3], [-6, 0]])))


def test_a_chosen_element_in_a_loop() -> None:
    def f(x: Any, i: Any) -> Any:
        total = x[0]
        for k in range(4):
            total = gg.tanh(total + x[i[k]])
        return total

    assert_machine_code(
        assert_same(gg.grad(lambda x, i: gg.sum(f(x, i))), gg.asarray(X), gg.asarray([4, 0, -1, 4]))
    )


# --- indices out of range -----------------------------------------------------------------------------------------

WRONG: dict[str, Callable[..., Any]] = {
    "chosen": lambda x, i: x[i] * 2.0,
    "last axis": lambda x, i: x[..., i],
    "two": lambda x, i: x[i, i],
    "after a slice": lambda x, i: x[1:, i],
    "put": lambda x, i: x.at[i].set(1.0),
    "added": lambda x, i: x.at[:, i].add(1.0),
    "multiplied": lambda x, i: x.at[i].multiply(2.0),
    "along an axis": lambda x, i: gg.take_along_axis(x, gg.reshape(i, (3, 1, 1)), axis=0),
    "marked": lambda x, i: gg.scatter(
        x[:3], gg.reshape(i, (3, 1, 1)) * gg.ones((3, 1, 7), dtype="int64"), 1.0, axis=1
    ),
    "gradient": lambda x, i: gg.grad(lambda x: gg.sum(x[i] ** 2))(x),
}


@pytest.mark.parametrize("wrong", [99, -100, 7, -8, 2**40, -(2**62)])
@pytest.mark.parametrize("f", WRONG.values(), ids=WRONG)
def test_out_of_range_is_eagers_error(f: Callable[..., Any], wrong: int) -> None:
    x, good, bad = gg.asarray(X), gg.asarray([0, 1, -2]), gg.asarray([0, wrong, 1])
    compiled = assert_same(f, x, good)
    if not -8 < wrong < 7:
        with pytest.raises(ShapeError) as eager:
            f(x, bad)
        # the whole message, and the same line of the user's
        with pytest.raises(ShapeError, match=f"^{re.escape(str(eager.value))}$"):
            compiled(x, bad)
    assert_same(f, x, good)  # and on it goes
    assert_array_equal(gg.asarray(compiled(x, good)).numpy(), gg.asarray(f(x, good)).numpy())


def test_nothing_is_assigned_when_an_index_is_out_of_range() -> None:
    weight = gg.nn.Parameter(gg.asarray(X[0].astype("f")))
    optimizer = gg.optim.SGD([weight], lr=0.1)

    @compile
    def step(i: Any) -> Any:
        optimizer.zero_grad()
        loss = gg.sum(weight[i] ** 2)
        loss.backward()
        optimizer.step()
        return loss

    step(gg.asarray([0, 1]))
    before = weight.numpy().copy()
    with pytest.raises(ShapeError, match="index 6 is out of range on axis 0 of a tensor of shape"):
        step(gg.asarray([0, 6]))
    assert_array_equal(weight.numpy(), before)
    step(gg.asarray([0, 1]))
    assert not np.array_equal(weight.numpy(), before)


def test_units_of_the_usual_kinds() -> None:
    """A slice that is put somewhere needs no index arrays, but is a scattering too."""
    compiled = assert_same(lambda x, v: x.at[1:3, ::2].set(v), gg.asarray(X), gg.asarray(X[0, 0]))
    assert_machine_code(compiled)
    assert not kinds(compiled, Assembly)


# --- integers that must lie in a range ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint8"])
@pytest.mark.parametrize("labels", [[0, -1, 2, 1], [0, 3, 2, 1], [1, 2, 3, 1], [0, 1, 2, 100]])
def test_labels_out_of_range_are_eagers_error(labels: list[int], dtype: str) -> None:
    """A label of -1 would count from the end, and be a wrong result."""
    scores, right = gg.asarray(X[0, :4, :3]), gg.asarray(np.array([0, 1, 2, 2], dtype))
    step = gg.value_and_grad(lambda x, y: gg.nn.functional.cross_entropy(x, y))
    compiled = assert_same(step, scores, right)
    wrong = gg.asarray(np.array(labels).astype(dtype))
    with pytest.raises(ArgumentError) as eager:
        step(scores, wrong)
    with pytest.raises(ArgumentError) as found:
        compiled(scores, wrong)
    assert found.value.message == eager.value.message
    assert_machine_code(assert_same(step, scores, right))


def test_an_ignored_label_may_be_anything() -> None:
    scores, labels = gg.asarray(X[0, :4, :3]), gg.asarray([0, 77, 2, 77])
    step = gg.value_and_grad(lambda x, y: gg.nn.functional.cross_entropy(x, y, ignore_index=77))
    compiled = assert_same(step, scores, labels)
    with pytest.raises(ArgumentError, match="got the label 78 at position 1"):
        compiled(scores, gg.asarray([0, 78, 2, 77]))


def test_embedding_out_of_its_table_is_eagers_error() -> None:
    layer = gg.nn.Embedding(5, 2)
    compiled = assert_same(lambda i: layer(i), gg.asarray([[0, 4]]))
    for wrong in ([[-1, 0]], [[1, 5]]):
        with pytest.raises(ArgumentError) as eager:
            layer(gg.asarray(wrong))
        with pytest.raises(ArgumentError) as found:
            compiled(gg.asarray(wrong))
        assert found.value.message == eager.value.message


def test_labels_of_stacks_are_looked_at() -> None:
    scores = gg.asarray(X[:2, :4, :3])
    step = gg.vmap(lambda x, y: gg.nn.functional.cross_entropy(x, y))
    with pytest.raises(ArgumentError, match="got the label -1 at position 1, 1"):
        step(scores, gg.asarray([[0, 1, 2, 1], [0, -1, 2, 1]]))


# --- positions of extrema -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int8", "uint8", "uint32", "bool"])
@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_positions_of_extrema(axis: int | None, dtype: str) -> None:
    """With many ties: the first counts."""
    x = gg.asarray(np.abs(X * 2).astype(dtype) if dtype.startswith("u") else (X * 2).astype(dtype))

    def f(x: Any) -> Any:
        turned = gg.permute_dims(x, (2, 0, 1))[::-1]
        return [
            find(y, axis=axis, keepdims=keepdims)
            for find in (gg.argmax, gg.argmin)
            for y in (x, turned)
            for keepdims in (False, True)
        ]

    compiled = assert_same(f, x)
    assert_array_equal(compiled(x)[0].numpy(), np.argmax(x.numpy(), axis))
    if axis in (-1, None):  # along others NumPy is faster
        assert_machine_code(compiled)


@pytest.mark.parametrize("length", [1, 2, 7, 8, 16, 33, 511, 512, 513, 1500])
def test_positions_of_extrema_of_strange_numbers(length: int) -> None:
    rng = np.random.default_rng(length)
    x = rng.choice([0.0, -0.0, 1.0, np.inf, -np.inf, -1.0], (40, length)).astype("f")
    x[::3] = np.where(rng.random(x[::3].shape) < 2 / length, np.nan, x[::3])
    x[5] = np.nan
    x[7] = -np.inf
    x[8] = np.inf
    found = compile(
        lambda x: (gg.argmax(x, axis=1), gg.argmin(x, axis=1), gg.argmax(x), gg.argmin(x, axis=0))
    )(x)
    wanted = x.argmax(1), x.argmin(1), x.argmax(), x.argmin(0)
    for a, b in zip(found, wanted, strict=True):
        assert_array_equal(a.numpy(), b)
