"""Values that are computed again: where that saves memory, nowhere else, and to the same bits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from planned import Planned

import glassgrad as gg
from glassgrad.compiler import again
from glassgrad.compiler.kernels import Units, units_of
from glassgrad.graph import Graph

WEIGHT = gg.asarray(np.random.default_rng(3).normal(size=(16, 16)) / 4)


def late(value: Any, x: Any) -> Any:
    """Something that is only known long after `value`, and uses it."""
    h = x @ WEIGHT
    for _ in range(3):
        h = gg.tanh(h) @ WEIGHT
    return h * value


def chain(x: Any) -> Any:
    """Sums and products of what is read late anyway."""
    cheap = (x * x + 1.0) * x
    return late(cheap, gg.sin(cheap)) + x


def gelu(x: Any) -> Any:
    inner = 1.5957691216 * (x + 0.044715 * x * x * x)
    return gg.sum((x * gg.sigmoid(inner)) @ WEIGHT)


def traced(function: Callable[..., Any], rows: int = 64) -> Graph:
    return gg.trace(function, gg.Spec((rows, 16), "float64"))


def names(found: Units) -> list[str]:
    return [one.node.op.name for one in found.again]


def test_a_cheap_value_is_computed_again() -> None:
    graph = traced(lambda x: chain(x @ WEIGHT))
    kept, found = Units(graph), units_of(graph)
    assert names(found) == ["multiply"]
    (one,) = found.again
    assert one.node in {*kept.stored} - found.stored
    (kernel,) = one.kernels
    assert found.kernel_of[one.node] is not kernel
    # with the two ops before it, in order
    assert [node.op.name for node in kernel.maps[:3]] == ["multiply", "add", "multiply"]
    assert {*kernel.maps[:3]} <= kernel.members


def without(monkeypatch: Any) -> None:
    monkeypatch.setattr(again, "compute_again", lambda units: [])


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "chain": lambda x: chain(x @ WEIGHT),
    "gelu": lambda x: gg.grad(lambda w: gelu(x @ w))(WEIGHT),
    "deep": lambda x: gg.grad(lambda w: gelu(gelu_layer(gelu_layer(x @ w) @ w) @ w))(WEIGHT),
    "a sum too": lambda x: late((y := x @ WEIGHT) * y, y) + gg.sum(y * y, axis=1, keepdims=True) * y,
}


def gelu_layer(x: Any) -> Any:
    return x * gg.sigmoid(1.5957691216 * (x + 0.044715 * x * x * x))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_less_memory_and_the_same_bits(name: str, dtype: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(again, "DEAREST", 100.0)
    graph = gg.trace(FUNCTIONS[name], gg.Spec((64, 16), dtype))
    x = np.random.default_rng(4).normal(size=(64, 16)).astype(dtype)
    program = Planned(graph)
    assert program.units.again
    without(monkeypatch)
    plain = Planned(graph)
    assert not plain.units.again
    assert program.memory.lower_bound < plain.memory.lower_bound
    for found, wanted in zip(program([x]), plain([x]), strict=True):
        np.testing.assert_array_equal(found, wanted)


NOT: dict[str, Callable[..., Any]] = {
    "dear": lambda x: late(gg.sin(y := x @ WEIGHT), y) + y,
    "what it is made of is gone": lambda x: late((x @ WEIGHT) * 2.0, x),
    "a product reads it": lambda x: late(c := (y := x @ WEIGHT) * 2.0, y) @ WEIGHT + y + c @ WEIGHT,
    "a result": lambda x: ((c := (y := x @ WEIGHT) * 2.0), late(c, c) + y),
    "seen in another shape": lambda x: late(gg.flip((y := x @ WEIGHT) * 2.0, axis=0), y) + y,
    "a sum": lambda x: late(gg.sum(y := x @ WEIGHT, axis=1, keepdims=True), y) + y,
}


@pytest.mark.parametrize("name", NOT)
def test_what_is_kept(name: str) -> None:
    assert not units_of(traced(NOT[name])).again


def test_small_values_are_kept(monkeypatch: Any) -> None:
    graph = traced(lambda x: chain(x @ WEIGHT))
    monkeypatch.setattr(again, "SMALLEST", 1)
    assert not units_of(graph).again


def test_dear_values_if_memory_is_dearer(monkeypatch: Any) -> None:
    graph = traced(NOT["dear"])
    monkeypatch.setattr(again, "DEAREST", 1e3)
    assert names(units_of(graph)) == ["sin"]


def test_it_is_explained() -> None:
    step = gg.compile(lambda x: chain(x @ WEIGHT))
    step(np.ones((64, 16)))
    assert "multiply float64[64, 16]" in str(step.explain()).split("computed again")[1]
    plain = gg.compile(lambda x: x + 1.0)
    plain(np.ones(3))
    assert "computed again" not in str(plain.explain())
