"""Fast calls that read and assign parameters and buffers: values, memory, threads."""

import gc
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from compared import assert_close
from fast_calls import WARM, Training, X, is_fast, warm
from in_threads import in_threads

import glassgrad as gg
from glassgrad.compiler import compile, fast_call
from glassgrad.compiler.trace import STATE

# --- state -----------------------------------------------------------------------------------------------------


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
    for value in (1.0 + WARM, 2.0 + WARM):
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
    array, seen = weak_value(weight), weight.numpy()
    step(X)
    assert array() is seen.base
    del seen
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


@pytest.fixture
def often(short_and_long: None) -> Iterator[None]:
    """Threads change places often."""
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
