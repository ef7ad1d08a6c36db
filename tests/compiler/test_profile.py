"""`step.profile()`: every unit has a time, and nothing has changed afterwards."""

import math
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.compiler import compile
from glassgrad.compiler.look import profile as module
from glassgrad.compiler.look.machine import measured_machine
from glassgrad.compiler.look.profile import Profile

x = gg.asarray(np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(3, 4))


def compiled(function: Any, *args: Any) -> Any:
    step = compile(function)
    step(*args)
    return step


def test_every_unit_has_a_time() -> None:
    big = gg.asarray(np.full((400, 400), 0.01, np.float32))
    step = compiled(lambda x: gg.tanh(x @ x) @ x, big)
    found = step.profile(big, calls=5)
    assert [time.unit.kind for time in found.units] == ["product", "kernel", "product"]
    assert all(1e-6 < time.seconds < 1.0 for time in found.units)
    first = found.units[0]
    assert first.flops == pytest.approx(2 * 400**3 / first.seconds)
    assert first.bandwidth == pytest.approx(2 * 4 * 400**2 / first.seconds)  # x is read once
    assert found.inside == sum(time.seconds for time in found.units)
    assert found.units[0].seconds > found.units[1].seconds  # 128 MFLOP beside 0.16 million tanh
    assert found.calls == 5


def test_what_numpy_runs_is_timed_too() -> None:
    long = gg.asarray(np.random.default_rng(1).normal(size=300_000).astype(np.float32))
    found = compiled(lambda x: gg.take(x * 2.0, gg.argsort(x * 2.0)[:10]) + 1.0, long).profile(long, calls=2)
    assert [time.unit.kind for time in found.units][:2] == ["kernel", "NumPy"]
    numpy = found.units[1]
    assert numpy.unit.ops == ("argsort",)
    assert numpy.seconds > 10 * max(time.seconds for time in found.units if time is not numpy)
    assert found.seconds >= numpy.seconds / 2
    assert math.isnan(numpy.flops)


def test_nothing_has_changed() -> None:
    gg.random.seed(5)
    model = gg.nn.Sequential(gg.nn.Linear(4, 6), gg.nn.Dropout(0.5), gg.nn.Linear(6, 2))
    optimizer = gg.optim.Adam(model.parameters(), lr=0.1)

    @compile
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = gg.mean(model(x) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    with pytest.raises(gg.ArgumentError, match="call it once before"):
        step.profile(x)
    step(x)
    step(x)
    before = {**model.state_dict(), **optimizer.state_dict()["state"]}
    gradients = [parameter.grad for parameter in model.parameters()]
    place = gg.random.get_state()
    found = step.profile(x, calls=3)
    assert found.units
    assert gg.random.get_state() == place
    assert all(a is b for a, b in zip(gradients, (p.grad for p in model.parameters()), strict=True))
    after = {**model.state_dict(), **optimizer.state_dict()["state"]}
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array)


def test_the_text() -> None:
    def f(x: Any) -> Any:
        for _ in range(4):
            x = gg.tanh(x @ x)
        return x

    found = compiled(f, x[:, :3]).profile(x[:, :3])
    lines = str(found).splitlines()
    assert " per call (the shortest of 10 calls); in 8 units, each timed by itself: " in lines[0]
    assert lines[1].startswith("the machine's peak, ")
    assert lines[2].split()[:6] == ["share", "time", "times", "kind", "over", "ops"]
    assert sorted(" ".join(line.split()).split(" 4 ")[1].split()[0] for line in lines[3:5]) == [
        "kernel",
        "product",
    ]
    assert "Python around" in lines[5]
    assert f"test_profile.py:{f.__code__.co_firstlineno + 2}" in lines[3]
    shares = [float(line.split(" %")[0]) for line in lines[3:]]
    assert sum(shares) == pytest.approx(100, abs=2)


def test_a_call_of_another_signature_is_compiled() -> None:
    step = compiled(gg.exp, x)
    with pytest.warns(UserWarning, match="is compiled again"):
        found = step.profile(x[:2])
    assert found.units[0].unit.shape == (2, 4)


@pytest.mark.parametrize("calls", [0, -1])
def test_a_number_of_calls_that_makes_no_sense(calls: int) -> None:
    with pytest.raises(gg.ArgumentError, match=f"at least 1; got {calls}"):
        compiled(gg.exp, x).profile(x, calls=calls)


def test_a_call_that_runs_as_it_is() -> None:
    step = compiled(gg.exp, x)
    with pytest.raises(gg.ArgumentError, match="with these arguments the function runs as it is"):
        step.profile(gg.tensor([1.0], requires_grad=True))


def test_doing_nothing_takes_no_time() -> None:
    assert 0 < module._empty_seconds() < 1e-6


def test_more_than_all_is_not_around() -> None:
    found = compiled(gg.exp, x).profile(x)
    short = Profile(found.units, found.inside / 2, found.machine, 1)
    assert short.around == 0.0
    long = Profile(found.units, found.inside * 3, found.machine, 1)
    assert long.around == pytest.approx(2 * found.inside)


def test_the_machine_is_measured_once() -> None:
    machine = measured_machine()
    assert machine is measured_machine()
    # slower than any processor in use, and faster than any
    assert 1e9 < machine.flops < 1e14
    assert 1e8 < machine.bandwidth < 1e13
    assert str(machine).startswith(f"{machine.threads} thread")
