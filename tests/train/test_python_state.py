"""What a step reads of Python: every kind of change is named, and put back."""

from __future__ import annotations

import random
from collections import deque
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.train.python_state import PythonState

scale = 1.0
table = {"a": 1.0}


class Model(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
        self.rate = 0.1
        self.pair = (1, 2.0)
        self.seen: list[Any] = []
        self.queue: deque[Any] = deque(maxlen=2)
        self.names = {"x"}
        self.nested = {"inner": {"depth": 2}}
        self.config = SimpleNamespace(beta=1.0)
        self.mask = gg.ones(2)
        self.own = random.Random(1)
        self.generator = np.random.default_rng(1)

    def forward(self, x):
        return self.helper(x) * scale

    def helper(self, x):
        return self.inner(x) * table["a"]


def new_attribute(model: Any) -> None:
    model.added = 1


def lost_attribute(model: Any) -> None:
    del model.rate


def set_global(model: Any) -> None:
    globals()["scale"] = 2.0


CHANGES = {
    "a number": (lambda m: setattr(m, "rate", 0.2), "Model.rate"),
    "its type": (lambda m: setattr(m, "rate", np.float32(0.1)), "Model.rate"),
    "a tuple": (lambda m: setattr(m, "pair", (1, 3.0)), "Model.pair"),
    "a list": (lambda m: m.seen.append(1), "Model.seen"),
    "a deque": (lambda m: m.queue.append(1), "Model.queue"),
    "a set": (lambda m: m.names.add("y"), "Model.names"),
    "a dict in a dict": (lambda m: m.nested["inner"].update(depth=3), "Model.nested['inner'].depth"),
    "an object's attribute": (lambda m: setattr(m.config, "beta", 2.0), "SimpleNamespace.beta"),
    "a tensor": (lambda m: setattr(m, "mask", gg.ones(2)), "Model.mask"),
    "a layer's setting": (lambda m: setattr(m.inner[1], "p", 0.25), "Dropout.p"),
    "a new attribute": (new_attribute, "Model.added"),
    "a lost attribute": (lost_attribute, "Model.rate"),
    "a global of forward": (set_global, "test_python_state.scale"),
    "a dict of a helper": (lambda m: table.update(a=2.0), "table.a"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_is_named_and_put_back(kind):
    change, name = CHANGES[kind]
    model = Model()
    state = PythonState([model])
    assert state.change() == ""
    change(model)
    assert state.change() == name
    state.put_back()
    assert state.change() == ""
    assert (model.rate, model.pair, model.seen, list(model.queue)) == (0.1, (1, 2.0), [], [])
    assert (model.names, model.nested, model.config.beta) == ({"x"}, {"inner": {"depth": 2}}, 1.0)
    assert (scale, table, model.inner[1].p, hasattr(model, "added")) == (1.0, {"a": 1.0}, 0.5, False)


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (lambda m: random.random(), "random"),
        (lambda m: np.random.normal(), "numpy.random"),
        (lambda m: m.own.random(), "Model.own"),
        (lambda m: m.generator.normal(), "Model.generator"),
    ],
)
def test_a_draw_is_named_and_put_back(draw, name):
    model = Model()
    state = PythonState([model])
    assert state.draws() == ""
    first = draw(model)
    assert state.draws() == name
    assert state.change() == ""  # numbers drawn between two steps, as by a data set, are no change
    state.put_back()
    assert state.draws() == ""
    assert draw(model) == first


def test_equal_values_are_no_change():
    model = Model()
    state = PythonState([model])
    model.rate, model.pair = float("0.1"), (1, float("2"))
    model(gg.ones((1, 2)))  # sets where the random numbers of the call began
    assert state.change() == ""
    model.rate = 0.2
    assert state.change() == "Model.rate"


def test_what_functions_read():
    weight, calls = 1.0, [0]

    def inner(x):
        calls[0] += 1
        return x * weight

    def loss(x):
        return inner(x)

    for thing in (loss, partial(loss, x=1.0), SimpleNamespace(loss=loss)):
        state = PythonState([thing])
        weight = 2.0
        assert state.change() == "weight"
        state.put_back()
        assert weight == 1.0
        inner(1.0)
        assert state.change() == "calls"
        state.put_back()
        assert calls == [0]


def test_an_optimizer_of_the_users_may_count():
    class Counting(gg.optim.SGD):
        steps = 0

        def step(self):
            self.steps += 1
            super().step()

    model = nn.Linear(1, 1)
    optimizer = Counting(model.parameters(), lr=0.1, momentum=0.9)
    gg.sum(model(gg.ones((1, 1)))).backward()
    optimizer.step()
    state = PythonState([model, optimizer])
    optimizer.param_groups[0]["lr"] = 0.2  # read at each call
    assert state.change() == ""
    optimizer.step()
    assert state.change() == "Counting.steps"


def test_loops_of_references_end():
    one, other = SimpleNamespace(), SimpleNamespace()
    one.other, other.one = other, one
    one.itself = [one]
    state = PythonState([one])
    one.itself.append(2)
    assert state.change() == "SimpleNamespace.itself"
