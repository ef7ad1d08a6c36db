"""`compile(f, check=True)`: one step is made, two are compared, and what is wrong is named."""

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.compiler import Compiled, check, compile
from glassgrad.compiler.check import Checked, _difference
from glassgrad.compiler.outside import run_as_program

x = gg.asarray(np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(3, 4))


def training(check: bool, optimizer: Any = gg.optim.Adam) -> tuple[Any, Any, Any]:
    """A model with dropout, its optimizer, and a compiled step."""
    gg.random.seed(2)
    model = gg.nn.Sequential(gg.nn.Linear(4, 6), gg.nn.Dropout(0.5), gg.nn.Linear(6, 2))
    optimizer = optimizer(model.parameters(), lr=0.1)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = gg.mean(model(x) ** 2)
        loss.backward()
        optimizer.step()
        return {"loss": loss, "more": [loss * 2.0]}

    return model, optimizer, compile(step, check=check)


def spoil(monkeypatch: pytest.MonkeyPatch, wrong: Any) -> None:
    """Let every program's results go through `wrong`."""

    def spoiled(*call: Any) -> Any:
        program, found = run_as_program(*call)
        return program, wrong(found)

    monkeypatch.setattr(check, "run_as_program", spoiled)


def test_steps_are_those_of_one_compiled_function() -> None:
    """State, random numbers and results are the same bits as without checking."""
    model, optimizer, checked = training(check=True)
    found = [checked(x)["loss"].item() for _ in range(4)]
    state = {**model.state_dict(), **optimizer.state_dict()["state"]}
    place = gg.random.get_state()
    other, its_optimizer, plain = training(check=False)
    assert found == [plain(x)["loss"].item() for _ in range(4)]
    assert gg.random.get_state() == place
    wanted = {**other.state_dict(), **its_optimizer.state_dict()["state"]}
    assert state.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(state[name], array)
    assert isinstance(checked, Checked)
    assert checked.calls == 4  # also the first, in which the optimizer makes its state
    assert checked.largest is not None
    assert 0 < checked.largest.relative < 1e-5
    assert repr(checked).startswith(
        "<compiled function, 4 calls compared with eager execution, the largest difference"
    )


def test_gradients_are_left_as_they_were() -> None:
    model, _, checked = training(check=True)
    checked(x)
    before = [parameter.grad for parameter in model.parameters()]
    checked(x)
    assert all(a is b for a, b in zip(before, (p.grad for p in model.parameters()), strict=True))


def test_a_wrong_output_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(found: Any) -> Any:
        array = found["more"][1].numpy().copy()
        array[1, 2] += 0.001
        return {**found, "more": [found["more"][0], gg.asarray(array)]}

    spoil(monkeypatch, wrong)
    checked = compile(lambda x: {"y": x, "more": [x + 1, x * 3]}, check=True)
    with pytest.raises(gg.CompiledMismatch) as caught:
        checked(x)
    text = str(caught.value)
    assert text.startswith(
        "compile(check=True): <lambda> compiled and as it is differ in the result['more'][1] by 3.3e-04 of the largest "
        "absolute value of the array, where 1e-05 is allowed: at index (1, 2) the program has "
    )
    assert "please report it, with the text of step.explain()" in text
    assert isinstance(caught.value, AssertionError)


@pytest.mark.parametrize("name", ["model.0.weight", "optimizer's exp_avg of model.2.bias"])
def test_a_wrong_parameter_or_state_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, optimizer, checked = training(check=True)
    checked(x)
    last = list(model.parameters())[-1]
    cell = model[0].weight if name == "model.0.weight" else optimizer.state[last]["exp_avg"]

    def wrong(found: Any) -> Any:
        cell._replace(cell.numpy() * 1.01)
        return found

    spoil(monkeypatch, wrong)
    with pytest.raises(gg.CompiledMismatch, match=f"differ in {name} by 1.0e-02 of"):
        checked(x)


def test_a_parameter_that_should_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, checked = training(check=True)
    checked(x)
    other = gg.nn.Parameter([1.0, 2.0])

    def wrong(found: Any) -> Any:
        other._replace(np.float32([1.0, 5.0]))
        return found

    spoil(monkeypatch, wrong)
    with pytest.raises(
        gg.CompiledMismatch, match=r"a Parameter float32\[2\].*the program has 5.0, eager .* has 2.0"
    ):
        checked(x)


def test_a_function_that_does_something_else_at_each_call() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return x * len(calls)

    with pytest.raises(gg.CompiledMismatch, match="does the same at every call"):
        compile(f, check=True)(x)


def test_an_error_in_the_function_leaves_the_state_of_the_program() -> None:
    w = gg.nn.Parameter([1.0])
    fails = []

    def f(x: Any) -> Any:
        w.assign(w + x)
        if fails and fails.pop():
            raise ValueError("eager only")
        return w * 1.0

    checked = compile(f, check=True)
    checked(gg.asarray([1.0]))
    fails.append(True)
    with pytest.raises(ValueError, match="eager only"):
        checked(gg.asarray([1.0]))
    assert w.tolist() == [3.0]


@pytest.mark.parametrize(
    ("a", "b", "relative"),
    [
        (np.float32([np.nan, 1]), np.float32([np.nan, 1]), 0.0),
        (np.float32([np.nan, 1]), np.float32([1, 1]), np.inf),
        (np.float32([np.inf, 1]), np.float32([-np.inf, 1]), np.inf),
        (np.float64([1, 2]), np.float64([1, 2.5]), 0.2),
        (np.float64([1e-3]), np.float64([0]), np.inf),
        (np.int64([1, 2]), np.int64([1, 3]), np.inf),
        (np.bool_([True]), np.bool_([True]), 0.0),
        (np.float32([1]), np.float64([1]), np.inf),
        (np.float32([1]), np.float32([1, 1]), np.inf),
        (np.complex64([1j]), np.complex64([1 + 1j]), 2**-0.5),
        (np.float32([]), np.float32([]), 0.0),
        (np.float32(2), np.float32(4), 0.5),
    ],
)
def test_relative_differences(a: Any, b: Any, relative: float) -> None:
    assert _difference("x", a, b).relative == pytest.approx(relative)


def test_without_check_nothing_runs_twice() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return x + 1

    step = compile(f)
    step(x)
    step(x)
    assert (len(calls), type(step)) == (1, Compiled)
