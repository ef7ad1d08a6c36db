"""The fast way to call a program again: when it is taken, when it is not, and that the results are the same."""

import gc
import sys
import threading
import weakref
from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from compared import assert_close

import glassgrad as gg
from glassgrad.compiler import compile, fast_call
from glassgrad.compiler.fast_call import MISSED
from glassgrad.compiler.runtime import entrance, objects
from glassgrad.compiler.trace import STATE

X = gg.asarray(np.arange(6.0, dtype=np.float32).reshape(2, 3))
Pair = namedtuple("Pair", "left right")


WARM = 3
"""The first call traces, the second shows how long a run takes, the third takes the fast way."""


def warm(function: Any, *args: Any, **options: Any) -> Any:
    """The function compiled, and called as often as it takes for a fast call."""
    compiled = compile(function)
    for _ in range(WARM):
        compiled(*args, **options)
    return compiled


def is_fast(compiled: Any, *args: Any, **options: Any) -> bool:
    """Whether a call goes the fast way; it is made if so."""
    return compiled.again(args, options) is not MISSED


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


# --- state -----------------------------------------------------------------------------------------------------


class Training:
    """A layer, an optimizer, and a step of plain gradient descent on fixed data."""

    def __init__(self, lr: Any = 0.1) -> None:
        gg.random.seed(1)
        self.layer = gg.nn.Linear(3, 2)
        self.optimizer = gg.optim.SGD(self.layer.parameters(), lr=lr)

    def step(self, x: Any) -> Any:
        self.optimizer.zero_grad()
        loss = gg.mean(self.layer(x) ** 2)
        loss.backward()
        self.optimizer.step()
        return loss

    def values(self) -> list[Any]:
        return [parameter.numpy().copy() for parameter in self.layer.parameters()]


@pytest.fixture
def pair() -> tuple[Training, Training, Any]:
    """The same training twice, and the step of the second compiled and warm."""
    plain, traced = Training(), Training()
    step = warm(traced.step, X)
    for _ in range(WARM):
        plain.step(X)
    return plain, traced, step


def assert_same_state(plain: Training, traced: Training) -> None:
    for a, b in zip(traced.values(), plain.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_a_step(pair: Any) -> None:
    plain, traced, step = pair
    for _ in range(5):
        assert is_fast(step, X)
        plain.step(X)
        assert_close(step(X), plain.step(X).detach())
        assert_same_state(plain, traced)


def test_state_changed_between_calls(pair: Any) -> None:
    plain, traced, step = pair
    for training in (plain, traced):
        training.layer.weight.assign(np.ones((2, 3), np.float32))
    assert_close(step(X), plain.step(X).detach())
    state = {name: array * 2.0 for name, array in plain.layer.state_dict().items()}
    for training in (plain, traced):
        training.layer.load_state_dict(state)
    assert_close(step(X), plain.step(X).detach())
    scheduled = [gg.optim.lr_scheduler.StepLR(training.optimizer, 1, 0.5) for training in (plain, traced)]
    for _ in range(3):
        assert is_fast(step, X)
        plain.step(X)
        for scheduler in scheduled:
            scheduler.step()
    for rate in (1, np.float32(0.25), 0.0):
        for training in (plain, traced):
            training.optimizer.param_groups[0]["lr"] = rate
        assert is_fast(step, X)
        plain.step(X)
    assert_same_state(plain, traced)
    assert step.compilations == 1


def test_settings_changed_between_calls(pair: Any) -> None:
    plain, traced, step = pair
    for training in (plain, traced):
        training.optimizer.param_groups[0]["weight_decay"] = 0.5
    assert not is_fast(step, X)
    with pytest.warns(UserWarning, match="a setting that it reads has changed"):
        step(X)
    plain.step(X)
    for _ in range(WARM):
        assert_close(step(X), plain.step(X).detach())
    assert is_fast(step, X)
    plain.step(X)
    for training in (plain, traced):
        training.layer.bias.requires_grad = False
    assert not is_fast(step, X)
    with pytest.warns(UserWarning, match="a setting that it reads has changed"):
        step(X)
    plain.step(X)
    assert_same_state(plain, traced)


def test_a_mode_changed_between_calls() -> None:
    model = gg.nn.Sequential(gg.nn.Dropout(0.5), gg.nn.Flatten())
    compiled = warm(model, gg.ones((2, 50)))
    assert is_fast(compiled, gg.ones((2, 50)))
    model.eval()
    assert not is_fast(compiled, gg.ones((2, 50)))
    with pytest.warns(UserWarning, match="compiled again"):
        assert_close(compiled(gg.ones((2, 50))), gg.ones((2, 50)))


def test_values_taken_before_are_not_changed(pair: Any) -> None:
    _, traced, step = pair
    kept = []
    for _ in range(4):
        arrays = [parameter.numpy() for parameter in traced.layer.parameters()]
        kept.append((arrays, traced.values()))
        assert is_fast(step, X)
        for before, copies in kept:
            for array, copy in zip(before, copies, strict=True):
                np.testing.assert_array_equal(array, copy)


def test_a_tape_keeps_the_value_that_it_was_recorded_with(pair: Any) -> None:
    _, traced, step = pair
    weight = traced.layer.weight
    before = weight.numpy().copy()
    square = gg.sum(weight * weight * weight)
    assert not is_fast(step, X)
    step(X)
    assert is_fast(step, X)
    weight.grad = None
    square.backward()
    assert_close(weight.grad, gg.asarray(3 * before**2))
    assert is_fast(step, X)


def test_a_tape_during_a_long_program(monkeypatch: Any) -> None:
    monkeypatch.setattr(fast_call, "LONG", 0.0)
    training = Training()
    step = warm(training.step, X)
    none = sys.getrefcount(None)
    for _ in range(100):
        weight = training.layer.weight
        before = weight.numpy().copy()
        square = gg.sum(weight * weight)
        assert is_fast(step, X)
        assert weight.node.value is weight.value
        weight.grad = None
        square.backward()
        assert_close(weight.grad, gg.asarray(2 * before))
    assert sys.getrefcount(None) - none < 50


def test_nodes_of_cells_hold_the_new_value(pair: Any) -> None:
    _, traced, step = pair
    weight = traced.layer.weight
    assert is_fast(step, X)
    assert weight.node.value is weight.value
    assert weight.node.owner is weight
    node = weight.node  # held, as a tape would
    assert not is_fast(step, X)
    step(X)
    assert weight.node is not node
    cell = gg.nn.Buffer([1.0])
    compiled = warm(lambda: (cell.assign(cell + 1.0), None)[1])
    assert cell.as_node().value[0] == 1.0 + WARM
    assert is_fast(compiled)
    assert cell.as_node().value[0] == 2.0 + WARM


def test_constants_of_an_earlier_tape_are_not_kept() -> None:
    cell = gg.nn.Buffer([1.0])
    compiled = warm(lambda: (cell.assign(cell + 1.0), None)[1])
    variable = gg.tensor([2.0], requires_grad=True)
    for value in (4.0, 5.0):
        product = variable * cell  # a node for the cell's value, which the next call must not leave there
        assert product.item() == 2.0 * value
        assert is_fast(compiled)
        variable.grad = None
        product.backward()
        assert variable.grad.item() == value  # type: ignore[union-attr]


def test_random_numbers_go_on() -> None:
    a, b = gg.random.Generator(3), gg.random.Generator(3)
    compiled = compile(lambda x: (x + a.uniform(3), a.normal(2)))
    for _ in range(5):
        assert_close(compiled(X), (X + b.uniform(3), b.normal(2)))
    assert is_fast(compiled, X)
    a.set_state({"seed": 9, "offset": 0})
    b = gg.random.Generator(9)
    assert_close(compiled(X), (X + b.uniform(3), b.normal(2)))
    assert a.get_state() == {**b.get_state()}


def test_large_parameters_are_used_again_only_when_nobody_holds_them() -> None:
    cell = gg.nn.Buffer(np.zeros(100_000))
    compiled = warm(lambda: (cell.assign(cell + 1.0), None)[1])
    kept = []
    for call in range(6):
        kept.append(cell.numpy() if call % 2 else cell.numpy()[10:20])
        assert is_fast(compiled)
        for value, array in enumerate(kept):
            assert (array == value + WARM).all()
    del kept
    addresses = set()
    for _ in range(6):
        compiled()
        addresses.add(cell.numpy().ctypes.data)
    assert len(addresses) <= 2


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


def test_a_strided_view_is_returned_by_the_general_way() -> None:
    compiled = warm(lambda x: (x + 1.0).T, X)
    assert not is_fast(compiled, X)
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


# --- memory ------------------------------------------------------------------------------------------------------


def references(things: list[Any]) -> list[int]:
    gc.collect()
    return [sys.getrefcount(thing) for thing in things]


def test_references_are_counted(pair: Any) -> None:
    _, traced, step = pair
    cell = gg.nn.Buffer(np.zeros(20_000))
    both = warm(lambda x, k: (cell.assign(cell + k), x * k, x)[1:], X, 2.0)
    weight = traced.layer.weight
    things = [
        None,
        True,
        gg.Tensor,
        np.dtype(np.float32),
        np.dtype(np.float64),
        X,
        X.value,
        cell,
        weight,
        weight.node,
    ]
    before = references(things)
    for _ in range(200):
        both(X, 2.0)
        step(X)
        is_fast(both, X[:1], 2.0)
        is_fast(step, X.T)
    assert max(abs(a - b) for a, b in zip(references(things), before, strict=True)) < 20
    array = weak_value(weight)
    step(X)
    assert array() is None


def weak_value(cell: Any) -> Any:
    return weakref.ref(cell.value)


def test_a_program_that_nobody_needs_goes() -> None:
    cell = gg.nn.Buffer([1.0])
    compiled = warm(lambda x: x + cell, X[0])
    gone = weakref.ref(compiled.last.program)
    compiled(X[0])
    del compiled
    gc.collect()
    assert gone() is None


# --- threads -----------------------------------------------------------------------------------------------------


def in_threads(count: int, work: Any) -> None:
    problems: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    if problems:
        raise problems[0]


@pytest.fixture(params=["short", "long"])
def often(request: Any, monkeypatch: Any) -> Iterator[None]:
    """Threads change places often; programs count as short, and hold the interpreter's lock, or as long."""
    monkeypatch.setattr(fast_call, "LONG", 1e9 if request.param == "short" else 0.0)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_steps_in_several_threads_are_not_lost(often: None) -> None:
    count, large = gg.nn.Buffer(0.0), gg.nn.Buffer(np.zeros(10_000))
    step = warm(
        lambda x: (count.assign(count + 1.0), large.assign(large + x), gg.sum(large))[2], gg.asarray(1.0)
    )
    unaligned = (
        np.frombuffer(b"x" + np.float32(1.0).tobytes(), np.uint8)[1:].view(np.float32)[0:1].reshape(())
    )

    def work(number: int) -> None:
        for call in range(200):
            step(unaligned if call % 3 else gg.asarray(1.0))

    in_threads(4, work)
    assert count.item() == 800.0 + WARM
    assert (large.numpy() == 800.0 + WARM).all()


def test_draws_in_several_threads_are_different(often: None) -> None:
    noise = gg.random.Generator(5)
    compiled = warm(lambda: noise.uniform(4))
    drawn: list[Any] = []
    in_threads(4, lambda number: drawn.extend(tuple(compiled().tolist()) for _ in range(100)))
    assert len(set(drawn)) == 400


def test_results_of_several_threads_are_their_own(often: None) -> None:
    layer = gg.nn.Linear(64, 64)
    compiled = warm(lambda x: gg.tanh(layer(x)) @ gg.exp(x.T), gg.ones((4, 64)))
    inputs = [gg.asarray(np.random.default_rng(n).normal(size=(4, 64)).astype(np.float32)) for n in range(4)]
    wanted = [(gg.tanh(layer(x)) @ gg.exp(x.T)).detach() for x in inputs]

    def work(number: int) -> None:
        x = inputs[number]
        strided = np.asfortranarray(x.numpy())
        for call in range(100):
            assert_close(compiled(strided if call % 4 == number else x), wanted[number])

    in_threads(4, work)


def test_tracing_beside_fast_calls(often: None) -> None:
    cell = gg.nn.Buffer([0.0])
    step = warm(lambda x: (cell.assign(cell + x), None)[1], gg.ones(1))

    def work(number: int) -> None:
        for size in range(1, 6):
            if number == 0:
                assert compile(lambda x: gg.sum(cell * 0.0 + x))(gg.ones(size)).item() == size
            else:
                for _ in range(20):
                    step(gg.ones(1))

    in_threads(4, work)
    assert cell.item() == 300.0 + WARM


def test_not_while_somebody_holds_the_state_or_runs_the_program(pair: Any) -> None:
    _, _, step = pair
    assert is_fast(step, X)
    with STATE:
        assert not is_fast(step, X)
        with STATE:
            assert not is_fast(step, X)
        assert not is_fast(step, X)
    assert is_fast(step, X)
    busy = step.last.program.busy
    busy.value = 1
    assert not is_fast(step, X)
    busy.value = 0
    assert is_fast(step, X)


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


def test_numpy_in_the_middle() -> None:
    compiled = warm(
        lambda x: gg.linalg.inv(x + 1.0) * 2.0, gg.ones((2, 2)) * gg.asarray([[1.0, 2.0], [3.0, 4.0]])
    )
    assert not is_fast(compiled, gg.ones((2, 2)))


def test_an_error_while_reading_changes_nothing(pair: Any) -> None:
    _, traced, step = pair
    before = traced.values()
    traced.optimizer.param_groups[0]["lr"] = "fast"
    with pytest.raises(ValueError, match="fast"):
        step(X)
    traced.optimizer.param_groups[0]["lr"] = 0.0
    assert is_fast(step, X)
    for a, b in zip(traced.values(), before, strict=True):
        np.testing.assert_array_equal(a, b)
