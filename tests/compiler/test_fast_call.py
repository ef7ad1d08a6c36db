"""The fast way to call a program again: when it is taken, when it is not, and that the results are the same."""

import gc
import sys
import weakref
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from compared import assert_close
from fast_calls import WARM, Training, X, is_fast, warm

import glassgrad as gg
from glassgrad.compiler import compile
from glassgrad.compiler.runtime import entrance, objects

Pair = namedtuple("Pair", "left right")


def test_objects_are_laid_out_as_expected() -> None:
    found = objects.layout()
    assert found is not None
    assert (
        set(found.tensor)
        == {"value", "node", "_constant", "_grad", "cut"}
        == set(gg.Tensor.__slots__) - {"__weakref__"}
    )


def test_the_source_can_be_read() -> None:
    compiled = warm(lambda x, k: {"y": [x + k]}, X, 3)
    assert compiled.again.__doc__.startswith(
        "def call(args, options):\n    if len(args) != 2: return MISSED\n"
    )


# --- arguments -----------------------------------------------------------------------------------------------


def test_other_shapes_and_dtypes_are_missed() -> None:
    compiled = warm(lambda x: x * 2.0, X)
    assert is_fast(compiled, X)
    assert is_fast(compiled, X.numpy())
    for other in (
        X[:1],
        X.T,
        X[0],
        gg.astype(X, "float64"),
        gg.astype(X, "int64"),
        gg.asarray(1.0),
        1.0,
        None,
        [X],
    ):
        assert not is_fast(compiled, other)
    assert not is_fast(compiled)
    assert not is_fast(compiled, X, X)
    assert not is_fast(compiled, X, x=X)
    assert not is_fast(compiled, x=X)
    assert_close(compiled(X), X * 2.0)


def test_layouts_that_a_program_cannot_read_as_they_lie() -> None:
    compiled = warm(lambda x: x + 1.0, X)
    base = np.arange(48.0, dtype=np.float32).reshape(8, 6)
    unaligned = np.frombuffer(b"x" + X.numpy().tobytes(), np.uint8)[1:].view(np.float32).reshape(2, 3)
    for array in (
        base[::4, ::2],
        base[:2, :3],
        base[1::-1, 2::-1],
        X.numpy().astype(">f4"),
        unaligned,
        base.T[:2, :3],
    ):
        assert not is_fast(compiled, array)
        assert_close(compiled(array), gg.asarray(array) + 1.0)
    read_only = X.numpy()
    assert not read_only.flags.writeable
    assert is_fast(compiled, read_only)
    assert compiled.compilations == 1


def test_sizes_of_zero_and_one() -> None:
    for shape in ((0, 3), (1, 3), (), (1,), (1, 1, 1)):
        x = gg.ones(shape)
        compiled = warm(lambda x: (x * 3.0, gg.sum(x)), x)
        for _ in range(2):
            assert_close(compiled(x), (x * 3.0, gg.sum(x)))


@pytest.mark.filterwarnings("ignore:compile")
def test_floats_are_inputs() -> None:
    compiled = warm(lambda x, rate: (x * rate, rate * 2.0), X, 0.5)
    for rate in (0.25, -0.0, float("inf"), 1e300):
        assert is_fast(compiled, X, rate)
        assert_close(compiled(X, rate), (X * rate, rate * 2.0))
    for other in (1, True, np.float64(0.5), np.float32(0.5), gg.asarray(0.5), np.asarray(0.5)):
        assert not is_fast(compiled, X, other)
    found = compiled(X, np.float64(0.5))
    assert_close(found, warm(compiled.function, X, np.float64(0.5))(X, np.float64(0.5)))


@pytest.mark.filterwarnings("ignore:compile")
def test_constants_are_compared_by_type_and_value() -> None:
    def function(x: Any, k: Any) -> Any:
        return x * (2.0 if k is True else 3.0 if k == 1 else 4.0)

    compiled = warm(function, X, 1)
    assert is_fast(compiled, X, 1)
    for other in (True, 2, "1", None, np.int64(1)):
        assert not is_fast(compiled, X, other)
        assert_close(compiled(X, other), function(X, other))
    text = warm(lambda x, mode: x + len(mode), X, "mean")
    assert is_fast(text, X, "".join(["me", "an"]))
    assert not is_fast(text, X, "sum")
    nan = complex(float("nan"), 0)
    assert is_fast(warm(lambda x, c: x * 2.0, X, nan), X, nan)


def test_unhashable_constants_are_compared_by_identity() -> None:
    names = {"a", "b"}
    compiled = warm(lambda x, names: x + float(len(names)), X, names)
    assert is_fast(compiled, X, names)
    assert not is_fast(compiled, X, {"a", "b"})


def test_options_and_trees() -> None:
    def function(x: Any, tree: Any = (), *, scale: Any = 1.0, **more: Any) -> Any:
        return x * scale + sum(gg.sum(part["w"]) for part in tree) + more.get("shift", 0.0)

    tree = [{"w": X, "b": 1}, {"w": X * 2.0, "b": 1}]
    compiled = warm(function, X, tree, scale=2.0, shift=X)
    assert is_fast(compiled, X, tree, scale=3.0, shift=X * 2.0)
    assert_close(compiled(X, tree, scale=3.0, shift=X * 2.0), function(X, tree, scale=3.0, shift=X * 2.0))
    for other in (
        tree[:1],
        tuple(tree),
        [{"w": X, "b": 1}, {"w": X, "b": 2}],
        [{"w": X, "b": 1}, {"b": 1, "w": X}],
        [{"w": X, "b": 1}, {"w": X}],
        [{"w": X, "b": 1}, {"w": X, "c": 1}],
        [{"w": X, "b": 1}, [X, 1]],
    ):
        assert not is_fast(compiled, X, other, scale=3.0, shift=X)
    assert not is_fast(compiled, X, tree, shift=X, scale=3.0)
    assert not is_fast(compiled, X, tree, scale=3.0)
    assert not is_fast(compiled, X, tree, scale=3.0, shft=X)
    pair = warm(lambda pair: pair.left * pair.right, Pair(X, 2))
    assert is_fast(pair, Pair(X, 2))
    assert not is_fast(pair, (X, 2))


def test_variables_are_missed_and_parameters_are_not() -> None:
    compiled = warm(lambda x: gg.sum(x * x), X)
    variable = gg.tensor(X, requires_grad=True)
    assert not is_fast(compiled, variable)
    loss = compiled(variable)
    loss.backward()
    assert_close(variable.grad, X * 2.0)
    with gg.no_grad():
        assert_close(compiled(variable), gg.sum(X * X))
    assert is_fast(compiled, gg.tensor(X, name="x"))
    layer = gg.nn.Linear(3, 2)
    module = warm(lambda layer, x: layer(x), layer, X)
    assert is_fast(module, layer, X)
    assert not is_fast(module, gg.nn.Linear(3, 2), X)


def test_a_tensor_without_its_slots_is_missed() -> None:
    compiled = warm(lambda x: x + 1.0, X)
    broken = gg.Tensor.__new__(gg.Tensor)
    assert not is_fast(compiled, broken)
    broken.node = None
    assert not is_fast(compiled, broken)
    broken.value = "text"
    assert not is_fast(compiled, broken)
    broken.value = X.value
    assert is_fast(compiled, broken)


def test_inside_other_modes() -> None:
    compiled = warm(lambda x: gg.sum(gg.sin(x) * x), X)

    def plain(x: Any) -> Any:
        return gg.sum(gg.sin(x) * x)

    assert_close(gg.grad(compiled)(X), gg.grad(plain)(X))
    assert_close(gg.vmap(compiled)(gg.stack([X, X])), gg.vmap(plain)(gg.stack([X, X])))
    assert_close(gg.jvp(compiled, (X,), (X,)), gg.jvp(plain, (X,), (X,)))
    assert_close(gg.trace(compiled, X).forward(X), plain(X))
    assert_close(compile(lambda x: compiled(x) * 2.0)(X), plain(X) * 2.0)


def test_without_arguments_inside_another_compiled_function() -> None:
    cell = gg.nn.Buffer([1.0])
    inner = warm(lambda: cell * 2.0)
    constant = warm(lambda: gg.ones(2) * 3.0)
    assert is_fast(inner)
    outer = warm(lambda: (inner() + 1.0, constant()))
    cell.assign([5.0])
    assert_close(outer(), (gg.asarray([11.0]), gg.asarray([3.0, 3.0])))


# --- results -----------------------------------------------------------------------------------------------------


def test_results_of_every_kind() -> None:
    parameter = gg.nn.Parameter([1.0])

    class Pile(list[Any]):
        """A list of the user's own."""

    def function(x: Any, k: float) -> Any:
        y = x + 1.0
        results = [
            x,
            y,
            y,
            gg.reshape(y, (3, 2)),
            3,
            "text",
            None,
            True,
            gg.asarray([1.0, 2.0]),
            (),
            (y,),
            k * 2.0,
        ]
        return {"a": results, 2: Pair(y * 2.0, {"z": [], "b": y}), "p": Pile([y, 1])}

    compiled = warm(function, X, 0.5)
    assert is_fast(compiled, X, 0.5)
    found, again = compiled(X, 1.5), compiled(X * 2.0, 2.5)
    assert_close(found, function(X, 1.5))
    assert_close(again, function(X * 2.0, 2.5))
    assert (type(found[2]), type(found["p"]), type(found["a"][-1])) == (Pair, Pile, float)
    assert warm(lambda x: (parameter, x), X)(X)[0] is parameter


def test_results_do_not_share_memory() -> None:
    compiled = warm(lambda x: (x, x + 1.0, x + 1.0, gg.reshape(x + 1.0, 6)), X)
    assert is_fast(compiled, X)
    first = compiled(X)
    arrays = [X.value, *(result.value for result in first)]
    for i, a in enumerate(arrays):
        for b in arrays[:i]:
            assert not np.may_share_memory(a, b)
    copies = [result.numpy().copy() for result in first]
    compiled(X * 5.0)
    for result, copy in zip(first, copies, strict=True):
        np.testing.assert_array_equal(result.numpy(), copy)


def test_a_strided_view_is_returned() -> None:
    compiled = warm(lambda x: (x + 1.0).T, X)
    assert is_fast(compiled, X)
    assert_close(compiled(X), (X + 1.0).T)


def test_nothing_is_returned() -> None:
    cell = gg.nn.Buffer(0.0)
    compiled = warm(lambda x: (cell.assign(gg.sum(x)), None)[1], X)
    assert is_fast(compiled, X)
    assert compiled(X) is None
    assert cell.item() == 15.0


def test_a_result_says_where_its_graph_was_cut() -> None:
    layer = gg.nn.Linear(3, 2)
    compiled = warm(lambda x: gg.sum(layer(x)), X)
    assert is_fast(compiled, X)
    loss = compiled(X)
    line = sys._getframe().f_lineno - 1
    with pytest.raises(
        gg.GraphError, match=rf"computed by a compiled function .* at test_fast_call.py:{line}"
    ):
        loss.backward()


def test_results_are_tensors_like_others() -> None:
    result = warm(lambda x: x + 1.0, X)(X)
    assert (result.node, result.grad, result.cut, result._constant) == (None, None, None, None)
    assert_close(result * 2.0, (X + 1.0) * 2.0)
    assert gc.is_tracked(result)
    assert weakref.ref(result)() is result


# --- where there is none -----------------------------------------------------------------------------------------


def test_without_an_entrance(monkeypatch: Any) -> None:
    monkeypatch.setattr(entrance, "_definition", lambda: None)
    training = Training()
    step = warm(training.step, X)
    assert not is_fast(step, X)
    plain = Training()
    for _ in range(WARM):
        plain.step(X)
    assert_close(step(X), plain.step(X).detach())


ROUND = np.asarray([[1.0, 2.0], [3.0, 4.0]], np.float32)
PAIR = gg.asarray(ROUND), gg.asarray(ROUND.T)


def test_numpy_in_the_middle() -> None:
    """Checked by NumPy alone; another call may have other numbers."""
    for scale in (2.0, 3.0):
        compiled = warm(
            lambda x, y, scale: (gg.linalg.solve(x + gg.eye(2), y * scale), gg.max(x)), *PAIR, 2.0
        )
        assert is_fast(compiled, *PAIR, scale)
        found, largest = compiled(*PAIR, scale)
        np.testing.assert_allclose((ROUND + np.eye(2)) @ found.numpy(), ROUND.T * scale, rtol=1e-5)
        assert largest.item() == 4.0


def test_numpy_in_the_middle_of_what_needs_a_closer_look() -> None:
    compiled = warm(lambda x: gg.sort(x * 2.0), gg.asarray(ROUND))
    variable = gg.tensor(ROUND, requires_grad=True)
    for other in (
        ROUND,
        gg.asarray(ROUND.astype(np.float64)),
        gg.asarray(ROUND[:1]),
        variable,
        gg.sin(variable),
        [gg.asarray(ROUND)],
        1.0,
    ):
        assert not is_fast(compiled, other)
    np.testing.assert_array_equal(compiled(ROUND).numpy(), np.sort(ROUND * 2))
    gg.sum(compiled(variable) * 3.0).backward()
    np.testing.assert_array_equal(variable.grad.numpy(), np.full((2, 2), 6.0))


def test_numpy_in_the_middle_of_what_changes_state() -> None:
    cell = gg.nn.Buffer(np.zeros(4, np.float32))
    compiled = warm(lambda x: cell.assign(cell + gg.sort(x)), gg.asarray(ROUND[0].repeat(2)))
    assert not is_fast(compiled, gg.asarray(ROUND[0].repeat(2)))
    np.testing.assert_array_equal(cell.numpy(), [WARM, WARM, 2 * WARM, 2 * WARM])


def test_what_numpy_refuses_in_the_middle() -> None:
    compiled = warm(lambda x: gg.linalg.inv(x) * 2.0, gg.asarray(ROUND))
    with pytest.raises(gg.ArgumentError, match="at least one is singular"):
        compiled(gg.ones((2, 2)))
    np.testing.assert_allclose(compiled(gg.asarray(ROUND)).numpy() @ ROUND, 2 * np.eye(2), atol=1e-5)
