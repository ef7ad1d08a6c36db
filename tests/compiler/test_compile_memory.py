"""The plan of memory: values that live at once do not overlap, and little room is wasted."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import glassgrad as gg
from glassgrad.compiler import compile, compiled
from glassgrad.compiler.runtime import heap, memory
from glassgrad.compiler.runtime.memory import ALIGNMENT, Lifetime, fullest, plan

LIFETIMES = st.lists(
    st.builds(
        lambda size, first, length: Lifetime(size, first, first + length),
        st.integers(0, 1000),
        st.integers(0, 40),
        st.integers(0, 10),
    ),
    max_size=60,
)


def rounded(size: int) -> int:
    return max(1, -(-size // ALIGNMENT)) * ALIGNMENT


def lower_bound(lifetimes: list[Lifetime]) -> int:
    """The most bytes that live during one unit."""
    units = range(max((lifetime.last for lifetime in lifetimes), default=-1) + 1)
    return max(
        (sum(rounded(x.size) for x in lifetimes if x.first <= unit <= x.last) for unit in units), default=0
    )


@given(lifetimes=LIFETIMES)
def test_values_that_live_at_once_do_not_overlap(lifetimes: list[Lifetime]) -> None:
    offsets, size = plan(lifetimes)
    assert len(offsets) == len(lifetimes)
    for i, (a, at) in enumerate(zip(lifetimes, offsets, strict=True)):
        assert at % ALIGNMENT == 0
        assert at >= 0
        assert at + a.size <= size
        for b, bt in list(zip(lifetimes, offsets, strict=True))[:i]:
            if a.first <= b.last and b.first <= a.last:
                assert at + rounded(a.size) <= bt or bt + rounded(b.size) <= at
    assert fullest(lifetimes)[0] == lower_bound(lifetimes)
    assert lower_bound(lifetimes) <= size <= sum(rounded(lifetime.size) for lifetime in lifetimes)


def test_a_chain_needs_two_places() -> None:
    assert plan([Lifetime(64, place, place + 1) for place in range(100)])[1] == 128


def test_a_large_value_is_placed_before_small_ones_that_are_older() -> None:
    """In the order of birth the third would find a gap that is too small, and begin behind all."""
    lifetimes = [Lifetime(64, 0, 0), Lifetime(64, 0, 2), Lifetime(128, 1, 2)]
    offsets, size = plan(lifetimes)
    assert size == fullest(lifetimes)[0] == 192
    assert offsets[1] in (0, 128)


@pytest.mark.parametrize("way", [memory._by_birth, memory._by_size])
@given(lifetimes=LIFETIMES)
def test_either_way_is_a_plan(way: Any, lifetimes: list[Lifetime]) -> None:
    offsets, size = way(lifetimes)
    assert plan(lifetimes)[1] <= size
    for i, (a, at) in enumerate(zip(lifetimes, offsets, strict=True)):
        assert 0 <= at <= at + a.size <= size
        for b, bt in list(zip(lifetimes, offsets, strict=True))[:i]:
            if a.first <= b.last and b.first <= a.last:
                assert at + rounded(a.size) <= bt or bt + rounded(b.size) <= at


def test_no_values() -> None:
    assert plan([]) == ([], 0)


PROGRAMS: dict[str, Callable[..., Any]] = {
    "chain": lambda x: gg.sum(((x @ x).T @ x + 1.0).T @ x),
    "fan": lambda x: [gg.tanh(x @ x), gg.sin(x) @ x, gg.exp(x * 0.1) @ gg.flip(x, axis=0)],
    "gradient": gg.grad(lambda x: gg.sum(gg.tanh(x @ x) @ gg.sin(x))),
    "with NumPy between": lambda x: gg.cumulative_sum(gg.sin(x) @ x, axis=0) @ gg.sort(gg.cos(x), axis=0),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_poisoned_memory_changes_nothing(name: str, rng: np.random.Generator) -> None:
    """A program reads nothing that it has not written in the same call."""
    compiled = compile(PROGRAMS[name])
    x = gg.asarray(rng.normal(size=(6, 6)))
    before = np.concatenate([np.ravel(a.numpy()) for a in _listed(compiled(x))])
    compiled.last.program.block[:] = 0xFF  # type: ignore[union-attr,attr-defined]  # NaN, read as floats
    after = np.concatenate([np.ravel(a.numpy()) for a in _listed(compiled(x))])
    np.testing.assert_array_equal(before, after)
    assert np.isfinite(before).all()


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def test_the_report(rng: np.random.Generator) -> None:
    def function(x: Any) -> Any:
        first = x @ x
        second = gg.sin(first) @ x
        return gg.sum(second @ first)

    compiled = compile(function)
    with pytest.raises(gg.ArgumentError, match="call the compiled function first"):
        compiled.memory  # noqa: B018
    compiled(rng.normal(size=(32, 32)))
    report, matrix = compiled.memory, 32 * 32 * 8
    assert report.lower_bound == 3 * matrix
    assert report.peak >= report.lower_bound
    assert [size for _, size in report.held] == [matrix] * 3
    assert (report.inputs, report.outputs, report.constants) == (matrix, 8, 0)
    lines = str(report).splitlines()
    assert lines[0].endswith("24.0 KiB live at the fullest moment")
    assert lines[1] == "8.0 KiB inputs, 8 B outputs, 0 B constants"
    assert report.scratch == 0
    assert all("at test_compile_memory.py:" in line for line in lines[2:])


def test_the_report_counts_what_units_need_beside() -> None:
    compiled = compile(lambda x: gg.sum(x))
    compiled(np.ones(1_000_000))  # in parts, whose sums are added
    assert compiled.memory.scratch == compiled.last.program.scratch.nbytes - ALIGNMENT > 0  # type: ignore[union-attr,attr-defined]
    assert "B for units while they run" in str(compiled.memory).splitlines()[2]


def test_a_program_without_machine_code_has_a_report() -> None:
    compiled = compile(lambda x: gg.sort(x))
    compiled(np.ones(10, np.float16))
    assert compiled.memory.scratch == compiled.memory.peak == 0


def test_what_compiling_has_freed_is_given_back(monkeypatch: Any) -> None:
    given: list[str] = []
    monkeypatch.setattr(compiled, "give_back", lambda: given.append("after compiling"))
    function = compile(lambda x: x + 1.0)
    for _ in range(3):
        function(np.ones(3))
    assert given == ["after compiling"]


@pytest.mark.parametrize("error", [AttributeError, OSError, TypeError])
def test_a_library_that_cannot_give_back_is_left_alone(error: Any, monkeypatch: Any) -> None:
    def library(name: Any) -> Any:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", library)
    heap.give_back()
